"""A page as a Word document, and its tables by themselves; made by python-docx.

Headings are headings, tables have their first row repeated on every page, pictures their description, so that
whoever listens to the document finds the way. It holds no dates, and is the same from the same page.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mpg_research.reporting.documents.blocks import (
    Block,
    Box,
    Cell,
    Document,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Run,
    Table,
)
from mpg_research.reporting.documents.numbers import all_tables, numbers_of_figures
from mpg_research.reporting.documents.widths import GAP, fit_columns

__all__ = ["make_word", "make_word_tables"]

FONT = "Arial"
#: Width of the text on A4 within margins of 2.3 cm, in points.
ROOM = 465.0
#: The earliest date a file in a zip can have; the same in every document.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_KINDS_SET_OFF = {"synthetic", "modified", "private", "internal", "kept"}


def make_word(document: Document, pictures: Mapping[str, bytes]) -> bytes:
    """A page as a Word document.

    Parameters
    ----------
    document : Document
        From :func:`mpg_research.reporting.documents.read_page.read_page`.
    pictures : mapping of str to bytes
        PNG by the id that stands below each figure.

    Returns
    -------
    bytes
    """
    writer = _Writer(document, pictures)
    writer.write(each for each in document.head if _is_before_title(each))
    writer.heading(1, document.title)
    writer.write(each for each in document.head if not _is_before_title(each))
    writer.write(document.body)
    numbers = numbers_of_figures(document)
    if numbers:
        writer.heading(2, document.words["figure_numbers"])
        writer.write(numbers)
    writer.write(document.foot, small=True)
    return writer.content()


def make_word_tables(document: Document) -> bytes | None:
    """All tables of a page as a Word document, in the form that journals ask for; None where there are none.

    Parameters
    ----------
    document : Document
        From :func:`mpg_research.reporting.documents.read_page.read_page`.

    Returns
    -------
    bytes or None
    """
    tables = all_tables(document)
    if not tables:
        return None
    writer = _Writer(document, {})
    writer.write(each for each in document.head if _is_before_title(each))
    writer.heading(1, document.words["tables_of"].format(title=document.title))
    writer.write(tables)
    return writer.content()


def _is_before_title(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.kind in {*_KINDS_SET_OFF, "study"}


class _Writer:
    """Blocks into a Word document, one after the other."""

    def __init__(self, document: Document, pictures: Mapping[str, bytes]) -> None:
        from docx import Document as new_document
        from docx.shared import Pt

        self._document, self._pictures = document, pictures
        self._word: Any = new_document()
        self._point = Pt
        self._set_up()

    def _set_up(self) -> None:
        """Paper, letters, language, page numbers, and what the file says of itself."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml.ns import qn
        from docx.shared import Mm, RGBColor

        (section,) = self._word.sections
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(23)
        for name, size in (("Normal", 10), ("Heading 1", 18), ("Heading 2", 14), ("Heading 3", 11.5),
                           ("Heading 4", 10), ("Caption", 9)):  # fmt: skip
            style = self._word.styles[name]
            style.font.name, style.font.size = FONT, self._point(size)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{kind}"), None)
            for kind in ("eastAsia", "cs"):
                fonts.set(qn(f"w:{kind}"), FONT)
            style.font.color.rgb = RGBColor(0x1B, 0x1F, 0x24)
        self._word.styles["Caption"].font.bold = True
        for language in self._word.styles.element.iter(qn("w:lang")):
            language.set(qn("w:val"), self._document.language)
        footer = section.footer.paragraphs[0]
        footer.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        for instruction, before in (("PAGE", ""), ("NUMPAGES", " / ")):
            footer.add_run(before)
            self._field(footer, instruction)
        said = self._word.core_properties
        said.title, said.language = self._document.full_title, self._document.language
        said.author = said.comments = said.last_modified_by = ""
        said.created = said.modified = datetime(*_NO_DATE)
        said.revision = 1

    def content(self) -> bytes:
        """The file, each part of it without a date."""
        written = io.BytesIO()
        self._word.save(written)
        tidy = io.BytesIO()
        with zipfile.ZipFile(written) as old, zipfile.ZipFile(tidy, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if name != "docProps/thumbnail.jpeg":
                    part = self._without_thumbnail(name, old.read(name))
                    new.writestr(zipfile.ZipInfo(name, _NO_DATE), part, zipfile.ZIP_DEFLATED)
        return tidy.getvalue()

    @staticmethod
    def _without_thumbnail(name: str, content: bytes) -> bytes:
        """The list of parts without the small picture of an empty page that comes with the template."""
        import re

        if name != "_rels/.rels":
            return content
        return re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", content)

    def write(self, blocks: Iterable[Block], *, small: bool = False, within: str = "") -> None:
        """Write blocks; in small letters, or set off from the text around them."""
        for block in blocks:
            if isinstance(block, Heading):
                self.heading(block.level, block.runs)
            elif isinstance(block, Paragraph):
                size = 8.0 if small or block.kind in {"table-note", "table-part"} else None
                set_off = within or (block.kind if block.kind in _KINDS_SET_OFF else "")
                self._paragraph(block.runs, size=size, set_off=bool(set_off))
            elif isinstance(block, Listing):
                self._listing(block, within)
            elif isinstance(block, Table):
                self._table(block)
            elif isinstance(block, Picture):
                self._picture(block)
            elif isinstance(block, Box):
                self.write(block.blocks, small=small, within=block.kind or "box")

    def heading(self, level: int, text: str | Iterable[Run]) -> None:
        """A heading of a level."""
        runs = (Run(text),) if isinstance(text, str) else tuple(text)
        self._fill(self._word.add_paragraph(style=f"Heading {min(level, 4)}"), runs)

    def _paragraph(self, runs: Iterable[Run], *, size: float | None = None, set_off: bool = False) -> Any:
        paragraph = self._word.add_paragraph()
        self._fill(paragraph, runs, size=size)
        paragraph.paragraph_format.space_after = self._point(5)
        if set_off:
            self._set_off(paragraph)
        return paragraph

    def _fill(self, paragraph: Any, runs: Iterable[Run], *, size: float | None = None) -> None:
        for run in runs:
            if run.text == "\n":
                paragraph.add_run().add_break()
                continue
            written = paragraph.add_run(run.text)
            written.bold, written.italic = run.bold or None, run.italic or None
            if run.code:
                written.font.name = "Courier New"
            if size is not None:
                written.font.size = self._point(size)
            if run.link:
                self._link(paragraph, written, run.link)

    def _link(self, paragraph: Any, run: Any, address: str) -> None:
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        link = OxmlElement("w:hyperlink")
        link.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
        paragraph._p.append(link)
        link.append(run._r)
        run.font.underline = True

    def _field(self, paragraph: Any, instruction: str) -> None:
        """What Word counts itself, such as the number of the page."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), instruction)
        paragraph._p.append(field)

    def _set_off(self, paragraph: Any) -> None:
        """A line at the left and a light ground."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        properties = paragraph._p.get_or_add_pPr()
        borders, left, ground = (OxmlElement(f"w:{name}") for name in ("pBdr", "left", "shd"))
        for name, value in (("val", "single"), ("sz", "12"), ("space", "6"), ("color", "1B1F24")):
            left.set(qn(f"w:{name}"), value)
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", "F3F5F7")):
            ground.set(qn(f"w:{name}"), value)
        borders.append(left)
        properties.insert_element_before(
            borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr"
        )
        properties.insert_element_before(ground, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr")

    def _listing(self, block: Listing, within: str) -> None:
        for item in block.items:
            first, *others = item
            if isinstance(first, Paragraph):
                style = "List Number" if block.ordered else "List Bullet"
                self._fill(self._word.add_paragraph(style=style), first.runs)
            else:
                others = [first, *others]
            self.write(others, within=within)

    def _picture(self, block: Picture) -> None:
        png = self._pictures.get(block.reference.rsplit(" ", 1)[-1])
        if png is None:
            self._paragraph((Run(block.alt, italic=True),))
        else:
            paragraph = self._word.add_paragraph()
            paragraph.paragraph_format.keep_with_next = True
            shape = paragraph.add_run().add_picture(io.BytesIO(png), width=self._point(ROOM))
            shape._inline.docPr.set("descr", block.alt)
        if block.caption:
            self._paragraph(block.caption, size=8.5)
        self._reference(block.reference)

    def _reference(self, reference: str) -> None:
        if reference:
            self._paragraph((Run(reference),), size=7)

    def _table(self, table: Table) -> None:
        size, widths, _ = fit_columns(table, room=ROOM)
        caption = self._word.add_paragraph(table.caption, style="Caption")
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.space_before = self._point(10)
        rows = (*table.head, *table.body)
        made = self._word.add_table(rows=len(rows), cols=table.n_columns)
        made.autofit = False
        own = (*[False] * len(table.head), *table.own)
        last = len(table.head) - 1
        for place, (into, row, mine) in enumerate(zip(made.rows, rows, own, strict=True)):
            self._row(into, row, widths, size=size, bold=mine, is_head=place <= last, is_last=place == last)
        for column, width in zip(made._tbl.tblGrid.gridCol_lst, widths, strict=True):
            column.w = self._point(width)
        self._rules(made)
        for note in table.notes:
            self._paragraph((Run(note),), size=8)
        self._reference(table.reference)

    def _row(
        self,
        into: Any,
        row: tuple[Cell, ...],
        widths: list[float],
        *,
        size: float,
        bold: bool,
        is_head: bool,
        is_last: bool,
    ) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml import OxmlElement

        properties = into._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if is_head:
            properties.append(OxmlElement("w:tblHeader"))
        cells, at = into.cells, 0
        for cell in row:
            target = cells[at]
            if cell.columns > 1:
                target = target.merge(cells[at + cell.columns - 1])
            target.width = self._point(sum(widths[at : at + cell.columns]))
            paragraph = target.paragraphs[0]
            whole = cell.is_number and not is_head  # a number is not broken over two lines
            run = paragraph.add_run(cell.text.replace(" ", "\u00a0") if whole else cell.text)
            run.font.size, run.bold = self._point(size), bold or None
            paragraph.paragraph_format.space_after = self._point(1)
            paragraph.paragraph_format.space_before = self._point(1)
            if cell.is_number:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            if is_head:
                paragraph.paragraph_format.keep_with_next = True
            if is_last:
                borders = OxmlElement("w:tcBorders")
                borders.append(self._line("bottom"))
                target._tc.get_or_add_tcPr().append(borders)
            at += cell.columns

    def _rules(self, made: Any) -> None:
        """Lines above and below the table, and (with that below its head) no others, as the APA has it."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        borders = OxmlElement("w:tblBorders")
        borders.extend([self._line("top"), self._line("bottom")])
        margins = OxmlElement("w:tblCellMar")
        for name in ("left", "right"):
            margin = OxmlElement(f"w:{name}")
            margin.set(qn("w:w"), str(round(10 * GAP)))  # twentieths of a point, half of the gap on each side
            margin.set(qn("w:type"), "dxa")
            margins.append(margin)
        made._tbl.tblPr.insert_element_before(borders, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")
        made._tbl.tblPr.insert_element_before(margins, "w:tblLook")

    @staticmethod
    def _line(name: str) -> Any:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        element = OxmlElement(f"w:{name}")
        for key, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "1B1F24")):
            element.set(qn(f"w:{key}"), value)
        return element
