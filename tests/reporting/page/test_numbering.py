"""Tables and figures get their numbers in the order in which they stand; what refers to them says these."""

import re

import numpy as np
import pytest

from mpg_research.present.language.phrases import phrases_in
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.page.folding import fold_cells, with_summary
from mpg_research.reporting.page.numbering import number_shown
from mpg_research.reporting.session.reference import reference_of

nbformat = import_nbformat()
WORDS = {"nl": ("Tabel", "Figuur"), "en": ("Table", "Figure")}


def shown(kind: str, name: str) -> tuple[str, str]:
    reference = reference_of("made", kind, name)
    if kind == "tables":
        inside = (
            f'<div class="mpg-table"><table><caption><span class="caption-text">{name}</span></caption>'
            "</table></div>"
        )
    else:
        table = shown("tables", f"numbers of {name}")[1].split("\n")[1]
        inside = (
            f'<figure class="mpg-figure"><div class="picture" aria-label="{name}"><svg></svg></div>'
            f"<figcaption>About {name}</figcaption><details>{table}</details></figure>"
        )
    return reference, f'<div class="shown" id="{reference}">\n{inside}\n<p class="reference">x</p>\n</div>'


def code(html: str, *tags: str):
    cell = nbformat.v4.new_code_cell("1")
    cell.metadata = nbformat.from_dict({"tags": list(tags)} if tags else {})
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": "x"})]
    return cell


def html_of(cell) -> str:
    return cell.outputs[0].data["text/html"]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_numbers_follow_the_page_and_links_say_them(seed: int, language: str) -> None:
    """With random tables and figures, some of them twice, and links to those that are there and not."""
    rng = np.random.default_rng(seed)
    kinds = [str(rng.choice(["tables", "figures"])) for _ in range(rng.integers(1, 12))]
    parts = [shown(kind, f"{kind} {rng.integers(6)}") for kind in kinds]
    absent = reference_of("made", "tables", "absent")
    ids = [reference for reference, _ in parts]
    links = "".join(
        f'<a class="cross-reference" href="#{each}">name of {each}</a>'
        for each in [*dict.fromkeys(ids), absent]
    )
    first = nbformat.v4.new_markdown_cell(f"## Before\n\n[that]( #x) [it](#{ids[0]}) [none](#{absent})")
    node = nbformat.v4.new_notebook(cells=[first, code(links), *(code(html) for _, html in parts)])
    number_shown(node, phrases_in(language))
    expected: dict[str, str] = {}
    count = {"T": 0, "F": 0}
    for each in ids:
        if each not in expected:
            count[each[0]] += 1
            expected[each] = f"{WORDS[language]['TF'.index(each[0])]} {count[each[0]]}"
    for (reference, _), cell in zip(parts, node.cells[2:], strict=True):
        text = html_of(cell)
        assert text.count('class="numbered"') == 1, "the numbers below a figure are no table of their own"
        assert f'<span class="numbered">{expected[reference]}.</span>' in text
    said = dict(re.findall(r'href="#([^"]+)">([^<]*)</a>', html_of(node.cells[1])))
    assert said == expected
    assert f"name of {absent}" in html_of(node.cells[1])
    assert f"[{expected[ids[0]]}](#{ids[0]}) [none](#{absent})" in node.cells[0].source


def test_the_first_text_of_a_section_says_what_stands_in_it() -> None:
    text = '<div class="mpg-text" lang="en">\n<p>Said.</p>\n</div>'
    hidden = '<div class="mpg-text not-shown" lang="en">\n<p>No.</p>\n</div>'
    heading = nbformat.v4.new_markdown_cell
    names = [shown("tables", str(number))[1] for number in range(4)]
    cells = [
        heading("## One"), code(hidden), code(text), code(shown("figures", "a")[1]),
        *(code(name) for name in names[:3]), heading("### Below"), code(text), heading("## Two"), code(text),
        heading("## Three"), code(names[3]),
    ]  # fmt: skip
    node = nbformat.v4.new_notebook(cells=cells)
    number_shown(node, phrases_in("en"), refer=True)
    said = re.sub("<[^>]+>", "", html_of(node.cells[2])).split()
    assert said == ["Said.", "See", "Figure", "1;", "Table", "1–3."]
    assert all("See" not in html_of(node.cells[place]) for place in (1, 8, 10))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_fold_names_what_stands_in_it_and_empty_ones_are_not_folded(language: str) -> None:
    said = '<div class="mpg-text not-shown"><p>no</p></div>'
    cells = [
        code(shown("tables", "a & b")[1].replace("a & b", "a &amp; b"), "fold"),
        code(shown("figures", "c")[1], "fold"),
        code(shown("tables", "d")[1]),
        code(said, "fold"),
        nbformat.v4.new_markdown_cell("## Folded", metadata={"tags": ["fold"]}),
        code(shown("tables", "e")[1]),
        nbformat.v4.new_markdown_cell("### Part of it"),
        code(shown("tables", "f")[1], "fold"),
        nbformat.v4.new_markdown_cell("## After"),
    ]
    node = number_shown(nbformat.v4.new_notebook(cells=cells), phrases_in(language))
    fold_cells(node.cells)
    table, figure = WORDS[language]
    assert node.cells[0].metadata["fold_open"] == [f"{table} 1. a & b", f"{figure} 1. c"]
    assert [place for place, cell in enumerate(node.cells) if "fold_open" in cell.metadata] == [0]
    assert [place for place, cell in enumerate(node.cells) if "fold_close" in cell.metadata] == [1, 7]
    assert [place for place, cell in enumerate(node.cells) if "fold_heading" in cell.metadata] == [4]


def test_the_heading_of_a_section_is_what_its_fold_shows() -> None:
    assert with_summary('<h2 id="a">A</h2>\n<p>b</p>') == (
        '<details class="fold section"><summary><h2 id="a">A</h2></summary>\n<p>b</p>'
    )
    assert with_summary("<p>b</p>") == "<p>b</p>"
