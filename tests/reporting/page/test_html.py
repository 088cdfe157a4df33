import re

import pytest
from nbformat import v4

from mpg_research.errors import ReportError
from mpg_research.present import PresentedText
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.html import PageFrame, render_page
from mpg_research.reporting.session.session import MARK


def frame(**changes: object) -> PageFrame:
    values = {
        "language": "nl",
        "study": "Een <studie>",
        "recipient": "<script>alert(1)</script> & Co",
        "synthetic": True,
        "show_code": False,
        "digest": "0123456789abcdef",
        "version": "0.1.0",
    }
    return PageFrame(**{**values, **changes})


def notebook(html: str = "<p>Een zin.</p>", text: str = "# De titel\n\n## Een kop\n\nTekst.") -> object:
    code = v4.new_code_cell("a < b", outputs=[])
    code.outputs = [v4.new_output("display_data", data={"text/html": html}, metadata={MARK: {}})]
    return v4.new_notebook(cells=[v4.new_markdown_cell(text), code])


def test_a_page_stands_by_itself_and_escapes_what_comes_from_data() -> None:
    page = render_page(notebook(), frame())
    assert inspect_page(page, language="nl") == ()
    assert page.count("<h1>") == 1
    assert "<h1>De titel</h1>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in page
    assert "default-src &#39;none&#39;" in page
    assert "Synthetische gegevens" in page
    assert page == render_page(notebook(), frame()), "the same input gives the same bytes"


def test_code_is_shown_folded_to_the_researcher_only() -> None:
    assert "a &lt; b" not in render_page(notebook(), frame())
    page = render_page(notebook(), frame(show_code=True))
    assert "a &lt; b" in page
    assert "<summary>Toon code</summary>" in page


def test_only_a_synthetic_study_says_so() -> None:
    assert "Synthetic data" in render_page(notebook(), frame(language="en"))
    assert "Synthetic data" not in render_page(notebook(), frame(language="en", synthetic=False))


def test_html_written_in_a_text_cell_is_shown_as_text() -> None:
    page = render_page(notebook(text="# T\n\n<script>alert(1)</script>"), frame())
    assert "<script>" not in page


@pytest.mark.parametrize(
    "html", ["<script>1</script>", "<img src='data:image/png;base64,'>", "<h4>a</h4>", "<table></table>"]
)
def test_a_page_that_fails_the_check_is_not_made(html: str) -> None:
    with pytest.raises(ReportError, match="may not be published"):
        render_page(notebook(html), frame())


def test_a_notebook_without_a_title_is_not_made() -> None:
    with pytest.raises(ReportError, match="no title"):
        render_page(notebook(text="## Een kop"), frame())


def test_the_same_statement_is_made_once_per_section() -> None:
    node = notebook("<p>Not shown, since there are too few.</p>")
    outputs = node.cells[1].outputs
    node.cells += [
        v4.new_code_cell("again", outputs=outputs),
        v4.new_markdown_cell("## Meer"),
        v4.new_code_cell("b", outputs=outputs),
    ]
    assert render_page(node, frame()).count("Not shown") == 2


def test_code_that_shows_nothing_is_folded_into_the_next() -> None:
    node = notebook()
    node.cells.insert(1, v4.new_code_cell("import this"))
    page = render_page(node, frame(show_code=True))
    assert page.count("<summary>") == 1
    assert "import this\n\na &lt; b" in page


def section(heading: str, *html: str) -> list:
    cells = [v4.new_markdown_cell(f"## {heading}")]
    for text in html:
        cells.append(v4.new_code_cell("shown"))
        cells[-1].outputs = [v4.new_output("display_data", data={"text/html": text}, metadata={MARK: {}})]
    return cells


def test_sections_in_which_nothing_can_be_shown_are_gathered_at_the_end() -> None:
    def withheld(what: str) -> str:
        return f'<div class="mpg-text not-shown" lang="nl">\n<p>{what}: niet, want &lt;10.</p>\n</div>'

    empty = '<div class="mpg-text" lang="nl">\n\n</div>'
    node = notebook()
    node.cells += [
        *section("Leeg", withheld("Trechter"), empty),
        *section("Deels", "<p>Wel iets.</p>", withheld("Tabel")),
        *section("Ook leeg", withheld("Rangen"), withheld("Trechter")),
        v4.new_markdown_cell("## Samen bespreken"),
    ]
    for show_code in (False, True):
        page = render_page(node, frame(show_code=show_code))
        assert "Leeg</h2>" not in page
        assert "Ook leeg</h2>" not in page
        assert (
            page.index("Deels</h2>") < page.index("Samen bespreken</h2>") < page.rindex("Wat hier niet wordt")
        )
        assert page.count("Trechter: niet") == 1
        assert page.partition("<main")[2].count("<li>") == 2


def test_what_is_not_shown_stands_in_one_box_with_its_reason_and_setting() -> None:
    def withheld(what: str, why: str) -> str:
        return PresentedText(
            "a", "nl", ((f"{what}: {why}",),), shows_numbers=False, caption=what, why=why
        ).html

    few, many = "Minder dan 10 (minimum_families).", "Te weinig <organisaties>."
    node = notebook()
    node.cells += [
        *section("Deels", "<p>Wel iets.</p>", withheld("Rangen", few), withheld("Trechter", few)),
        *section("Leeg", withheld("Verschil", few), withheld("Paren", many), withheld("Verschil", few)),
        *section("Bovenkop", withheld("Boven", few)),
        v4.new_markdown_cell("### Onderkop"),
        *section("", "<p>Ook iets.</p>")[1:],
    ]
    page = render_page(node, frame())
    middle, end = page.rsplit("Wat hier niet wordt", 1)
    assert f"<li>{few} Het gaat om: Rangen; Trechter.</li>" in middle
    assert middle.count('not-shown">') == 1
    assert f"<li>{few} Het gaat om: Verschil; Boven.</li>" in end
    assert "<li>Te weinig &lt;organisaties&gt;. Het gaat om: Paren.</li>" in end
    assert "Bovenkop</h2>" in middle, "it heads a part that is shown"
    assert "Leeg</h2>" not in page


def test_a_page_on_which_all_is_shown_has_no_list_of_what_is_not() -> None:
    assert "Wat hier niet wordt" not in render_page(notebook(), frame())


def test_figures_stand_in_the_page_as_text_and_a_figure_may_stand_there_twice() -> None:
    """Parts of a picture are named by ids, which a page may have once."""
    from mpg_research.disclosure import Audience, release
    from mpg_research.present import draw
    from tests.disclosure.made_results import made_policy, make_measurement, make_organisations

    reader, policy = Audience("organisation", "linde"), made_policy()
    bars = draw(release(make_measurement(), reader, policy=policy), "score_distribution", language="nl")
    rows = draw(release(make_organisations(), reader, policy=policy), "adjusted_change", language="nl")
    both = notebook(f"{bars.html}{rows.html}<p>Nog eens.</p>{bars.html}")
    page = render_page(both, frame())
    assert inspect_page(page, language="nl") == ()
    assert ">Lindehof</text>" in page
    assert "base64" not in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    named = [re.findall(r'\sid="([^"]+)"', picture) for picture in pictures]
    used = [set(re.findall(r'(?:url\(#|href="#)([^")]+)', picture)) for picture in pictures]
    assert len(pictures) == 3
    assert len(ids) == len(set(ids))
    assert named[0]
    assert len(named[0]) == len(named[2])
    for own, wanted in zip(named, used, strict=True):
        assert wanted <= set(own), "each picture uses its own parts"
