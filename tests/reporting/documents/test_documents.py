"""A page as PDF and as Word: everything it says, in order, and readable by everybody."""

import io
import re
import zipfile
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest
from nbformat import v4

from mpg_research.disclosure import Audience, release
from mpg_research.present import draw, say, tabulate
from mpg_research.reporting.documents.blocks import (
    Box,
    Document,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Table,
    blocks_within,
    plain,
)
from mpg_research.reporting.documents.make import make_documents
from mpg_research.reporting.documents.numbers import all_tables, numbers_of_figures
from mpg_research.reporting.documents.read_page import read_page
from mpg_research.reporting.documents.widths import fit_columns
from mpg_research.reporting.page.html import PageFrame, page_words, render_page
from mpg_research.reporting.session.session import MARK
from mpg_research.reporting.session.shown import Shown
from tests.disclosure.made_results import NAMES, made_policy, make_organisations, make_trajectory

#: Whatever an export may call an organisation.
HOSTILE = 'Noord "& Co" \\#evil[$x$] <b>*_`'
pdf_is_here = pytest.mark.skipif(
    find_spec("typst") is None or find_spec("pypdf") is None, reason="typst and pypdf are not installed"
)
word_is_here = pytest.mark.skipif(find_spec("docx") is None, reason="python-docx is not installed")


def page(language: str = "nl", name: str = "Lindehof", **changes: object) -> str:
    policy = made_policy(names={**NAMES, "linde": name})
    trajectory = release(make_trajectory(), Audience("organisation", "linde"), policy=policy)
    comparison = release(make_organisations(), Audience("organisation", "linde"), policy=policy)
    shown = [
        say(trajectory, language=language),
        draw(trajectory, "mean_course", language=language),
        tabulate(trajectory, "change", language=language),
        draw(comparison, "adjusted_change", language=language),
        tabulate(comparison, "adjusted_change", language=language),
        tabulate(comparison, "difference_from_mean", language=language),
    ]
    cells = [
        v4.new_markdown_cell(
            "# De titel\n\n## Een *kop*\n\nTekst met **nadruk**.\n\n- een\n    - twee\n\n1. drie"
        )
    ]
    for place, each in enumerate(shown):
        code = v4.new_code_cell("x")
        data, metadata = Shown(
            each, "organisation", f"X-{place:05d}", f"Herkomst: X-{place:05d}"
        )._repr_mimebundle_()
        code.outputs = [v4.new_output("display_data", data=data, metadata=metadata or {MARK: {}})]
        cells.append(code)
    values = {
        "language": language,
        "study": "Een <studie>",
        "recipient": name,
        "synthetic": True,
        "show_code": False,
        "digest": "0123456789abcdef",
        "version": "0.1.0",
    }
    return render_page(v4.new_notebook(cells=cells), PageFrame(**{**values, **changes}))


def document(language: str = "nl", **changes: object) -> Document:
    return read_page(page(language, **changes), words=page_words(language))


def text_of(blocks: tuple) -> str:
    parts = []
    for block in blocks_within(blocks, folded=False):
        if isinstance(block, Heading | Paragraph):
            parts.append(plain(block.runs))
        elif isinstance(block, Table):
            parts += [block.caption, *(cell.text for row in (*block.head, *block.body) for cell in row)]
            parts += block.notes
        elif isinstance(block, Picture):
            parts.append(plain(block.caption))
    return " ".join(parts)


def test_a_page_is_read_with_everything_it_says_and_in_its_order() -> None:
    read = document()
    assert (read.language, read.title) == ("nl", "De titel")
    assert "Een <studie>" in text_of(read.head)
    assert any(isinstance(each, Paragraph) and each.kind == "synthetic" for each in read.head)
    kinds = [type(block) for block in read.body if not isinstance(block, Paragraph)]
    assert kinds == [Heading, Listing, Listing, Picture, Table, Picture, Table, Table]
    bold = [run for each in read.body if isinstance(each, Paragraph) for run in each.runs if run.bold]
    assert [run.text for run in bold] == ["nadruk"]
    pictures = [each for each in read.body if isinstance(each, Picture)]
    assert all(re.search(r"\d", each.alt) and each.reference.startswith("Herkomst: X-") for each in pictures)
    change = next(each for each in read.body if isinstance(each, Table))
    assert change.caption
    assert any(cell.is_number for cell in change.body[0])
    own = [table.own for table in all_tables(read)]
    assert any(any(each) for each in own)


def test_what_a_figure_shows_is_given_once() -> None:
    """Where its table stands in the text, it does not come again; where it does not, it comes at the end."""
    read = document()
    captions = [table.caption for table in all_tables(read)]
    assert len(captions) == len(set(captions)) == 4
    assert len(numbers_of_figures(read)) == 1


def test_columns_take_the_room_there_is_and_numbers_stay_whole() -> None:
    for table in all_tables(document(name="Stichting voor jeugd en gezin in het noorden en het zuiden")):
        size, widths, fits = fit_columns(table, room=487)
        assert fits
        assert len(widths) == table.n_columns
        assert sum(widths) <= 487 + 1e-6
        assert 6 <= size <= 8.5
        _, narrow, fits = fit_columns(table, room=60)
        assert not fits
        assert sum(narrow) == pytest.approx(60)


@pdf_is_here
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_pdf_is_tagged_numbered_and_holds_its_letters(language: str) -> None:
    from pypdf import PdfReader

    html = page(language, name=HOSTILE)
    made = make_documents(html, language, "organisation", ("html", "pdf"), {})
    assert list(made) == [".pdf"]
    assert made == make_documents(html, language, "organisation", ("html", "pdf"), {}), "the same bytes"
    reader = PdfReader(io.BytesIO(made[".pdf"]))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith(language)
    assert b"pdfuaid:part>1<" in root["/Metadata"].get_data()
    assert reader.metadata.title == read_page(html, words={}).full_title
    assert "/CreationDate" not in reader.metadata
    for sheet in reader.pages:
        assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]
        for font in sheet["/Resources"]["/Font"].values():
            (below,) = font.get_object()["/DescendantFonts"]
            assert "/FontFile2" in below.get_object()["/FontDescriptor"]
    count = len(reader.pages)
    assert f"1 / {count}" in reader.pages[0].extract_text()
    assert f"{count} / {count}" in reader.pages[-1].extract_text()
    tags = tags_of(root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/Figure", "/L", "/LI", "/Caption"} <= set(tags)
    words = " ".join(" ".join(sheet.extract_text() for sheet in reader.pages).split())
    assert HOSTILE.split()[0] in words
    assert "#evil[$x$]" in words, "what a study says is no markup"
    alts = [alt for _, alt in tree(root["/StructTreeRoot"]) if alt]
    assert len(alts) >= 2
    assert all(re.search(r"\d", alt) for alt in alts)


def tree(node: object) -> list[tuple[str, str]]:
    """Kind and description of every tag below one."""
    found: list[tuple[str, str]] = []
    kids = node.get("/K", []) if hasattr(node, "get") else []
    for kid in kids if isinstance(kids, list) else [kids]:
        kid = kid.get_object() if hasattr(kid, "get_object") else kid
        if hasattr(kid, "get") and "/S" in kid:
            found += [(str(kid["/S"]), str(kid.get("/Alt", ""))), *tree(kid)]
    return found


def tags_of(root: object) -> list[str]:
    return [tag for tag, _ in tree(root)]


@pdf_is_here
def test_a_name_that_the_letters_lack_makes_a_pdf_all_the_same() -> None:
    made = make_documents(page(name="家庭 支援 \U0001f3e1"), "nl", "organisation", ("pdf",), {})
    assert made[".pdf"].startswith(b"%PDF-")


@word_is_here
@pytest.mark.parametrize("language", ["nl", "en"])
def test_word_has_headings_tables_and_descriptions(language: str) -> None:
    from docx import Document as open_word

    html = page(language, name=HOSTILE)
    png = draw(
        release(make_trajectory(), Audience("funder"), policy=made_policy()), "mean_course", language="nl"
    )
    pictures = {"X-00001": png.png}
    made = make_documents(html, language, "organisation", ("docx",), pictures)
    assert list(made) == [".docx", "_tables.docx"]
    assert made == make_documents(html, language, "organisation", ("docx",), pictures), "the same bytes"
    word = open_word(io.BytesIO(made[".docx"]))
    assert [each.text for each in word.paragraphs if each.style.name == "Heading 1"] == ["De titel"]
    assert word.core_properties.language == language
    assert word.core_properties.created.year == 1980
    assert not word.core_properties.author
    read = read_page(html, words=page_words(language))
    assert len(word.tables) == len(all_tables(read))
    for table in word.tables:
        assert table.rows[0]._tr.trPr.xpath("w:tblHeader"), "its first row comes again on every page"
    assert any(HOSTILE in cell.text for table in word.tables for row in table.rows for cell in row.cells)
    (shape,) = word.inline_shapes
    assert re.search(r"\d", shape._inline.docPr.get("descr"))
    tables = open_word(io.BytesIO(made["_tables.docx"]))
    assert len(tables.tables) == len(word.tables)
    assert not tables.inline_shapes
    with zipfile.ZipFile(io.BytesIO(made[".docx"])) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(parts.read(name))
        assert f'w:val="{language}"'.encode() in parts.read("word/styles.xml")


@word_is_here
def test_a_researcher_gets_the_tables_as_word_and_a_page_without_tables_none() -> None:
    assert list(make_documents(page(), "nl", "researcher", ("docx",), {})) == ["_tables.docx"]
    bare = re.sub(r"<figure.*?</figure>|<div class=\"mpg-table.*?</div>\n</div>", "", page(), flags=re.DOTALL)
    assert not make_documents(bare.replace("<table", "<div").replace("</table", "</div"), "nl", "researcher",
                              ("docx",), {})  # fmt: skip


def test_a_page_alone_makes_no_documents() -> None:
    assert make_documents("", "nl", "funder", ("html",), {}) == {}


def test_boxes_and_breaks_are_kept() -> None:
    html = (
        "<html lang='en'><head><title>T</title></head><body><nav>way</nav><main><h1>T</h1>"
        "<div class='not-shown'><ul><li>few: <em>a</em>; b</li></ul></div><p>one<br>  two  </p>"
        "<div class='code-cell'><details class='code'><summary>Code</summary><pre>x = 1</pre></details></div>"
        "</main></body></html>"
    )
    read = read_page(html, words={})
    box, lines = read.body
    assert isinstance(box, Box)
    assert text_of((box,)) == "few: a; b"
    assert "".join(run.text for run in lines.runs) == "one\ntwo"


TILES = (
    "<figure class='mpg-figure'><div class='tiles'><div class='tile'><p class='tile-title'>Change</p>"
    "<p class='tile-number'>-3.9</p><p class='tile-word'>not demonstrably different</p><div>{0}</div></div>"
    "<div class='tile'><p class='tile-title'>Stopped</p><p class='tile-number'>4 of 100</p></div></div>"
    "<figcaption>Tiles</figcaption></figure>"
)
NARROW = (
    "<figure class='mpg-figure narrow'><div class='picture'>{0}</div><figcaption>Beside</figcaption></figure>"
)
FOLD = (
    "<details class='fold section'><summary><h2>Folded</h2></summary><p>within</p>"
    "<details class='fold'><summary class='screen-only'>a; b</summary><p>deeper</p></details></details>"
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="60pt" viewBox="0 0 90 60" role="img" {}>'
    '<path d="M0 0L9 9"/></svg>'
)


def made_of(*parts: str) -> str:
    body = "".join(parts)
    return f"<html lang='en'><head><title>T</title></head><body><main><h1>T</h1>{body}</main></body></html>"


def test_tiles_narrow_figures_and_folded_sections_are_read() -> None:
    named, nameless = SVG.format('aria-label="A dot at 3.9"'), SVG.format('aria-hidden="true"')
    read = read_page(made_of(TILES.format(nameless), NARROW.format(named), FOLD), words={})
    kinds = [block.kind for block in blocks_within(read.body) if isinstance(block, Box)]
    assert kinds == ["tiles", "tile", "tile"]
    assert [plain(each.runs) for each in read.body if isinstance(each, Heading)] == ["Folded"]
    assert "a; b" not in text_of(read.body)
    assert text_of(read.body).endswith("Folded within deeper")
    pictures = [each for each in blocks_within(read.body) if isinstance(each, Picture)]
    assert [(each.alt, each.is_narrow) for each in pictures] == [("", False), ("A dot at 3.9", True)]


@pdf_is_here
def test_tiles_and_narrow_figures_are_tagged() -> None:
    from pypdf import PdfReader

    html = made_of(TILES.format(SVG.format("")), NARROW.format(SVG.format('aria-label="A dot at 3.9"')), FOLD)
    content = make_documents(html, "en", "funder", ("pdf",), {})[".pdf"]
    reader = PdfReader(io.BytesIO(content))
    root = reader.trailer["/Root"]
    assert b"pdfuaid:part>1<" in root["/Metadata"].get_data()
    assert [alt for tag, alt in tree(root["/StructTreeRoot"]) if tag == "/Figure"] == ["A dot at 3.9"]
    assert "4 of 100" in reader.pages[0].extract_text()
