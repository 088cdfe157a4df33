"""A document in Typst's language, from which Typst makes the PDF.

Every text stands in it as a quoted string, so that nothing a study says is taken for markup.
"""

import re
from collections.abc import Iterable

from mpg_research.present.drawing.letters import clean_text
from mpg_research.reporting.documents.blocks import (
    Block,
    Cell,
    Document,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Run,
    Table,
)
from mpg_research.reporting.documents.numbers import numbers_of_figures
from mpg_research.reporting.documents.widths import fit_columns

__all__ = ["FONT", "typst_source"]

#: The font of pictures and text; it comes with matplotlib, so that a PDF looks the same on every machine.
FONT = "DejaVu Sans"
#: Width of the text and height of a page within its margins, in points (A4: 595 by 842).
ROOM, HEIGHT = 487.0, 700.0
#: Part of that width that a figure takes: smaller than on a screen, so that two find room on a page.
_FIGURE = 0.86
#: Rows up to which a table is not broken over two pages, as on the page itself.
SHORT = 14
_SIZE = re.compile(r'\swidth="([\d.]+)pt" height="([\d.]+)pt"')
_PRELUDE = """\
#set document(title: {title}, date: none)
#set text(font: ({font}), size: 9.5pt, lang: {language}, fill: rgb("#1b1f24"))
#set page(
  paper: "a4", margin: (left: 54pt, right: 54pt, top: 58pt, bottom: 60pt),
  header: context if counter(page).get().first() > 1 {{ text(size: 7.5pt, fill: luma(90))[#{full_title}] }},
  footer: context align(right, text(size: 8pt, fill: luma(90), counter(page).display("1 / 1", both: true))),
)
#set par(leading: 0.62em, spacing: 0.9em, justify: false)
#set heading(numbering: none)
#show heading.where(level: 1): set text(size: 18pt)
#show heading.where(level: 2): set text(size: 13.5pt)
#show heading.where(level: 3): set text(size: 11pt)
#show heading.where(level: 4): set text(size: 9.5pt)
#show heading: set block(above: 1.7em, below: 0.8em, sticky: true)
#set figure(numbering: none, supplement: none, gap: 0.6em)
#show figure: set align(left)
#show figure.caption: set align(left)
#show figure.where(kind: table): set figure.caption(position: top)
#show figure.where(kind: table): it => {{
  show figure.caption: caption => block(sticky: true, below: 0.6em, caption.body)
  it
}}
#show figure.where(kind: table): set block(breakable: true)
#show figure.where(kind: image): set block(breakable: false)
#set table(stroke: none, inset: (x: 0pt, y: 2.6pt), column-gutter: 7pt)
#set list(marker: [•])
"""
_SOFT = 'fill: rgb("#4a5560")'
_WARNINGS = {"synthetic", "modified", "private", "internal"}


def typst_source(document: Document) -> str:
    """A document as Typst reads it.

    Parameters
    ----------
    document : Document
        From :func:`mpg_research.reporting.documents.read_page.read_page`.

    Returns
    -------
    str
    """
    parts = [
        _PRELUDE.format(
            title=_string(document.full_title),
            full_title=f"({_string(document.full_title)})",
            font=f"{_string(FONT)},",
            language=_string(document.language.partition("-")[0]),
        )
    ]
    parts += _blocks(document.head, before_title=True)
    parts.append(f"#heading(level: 1)[{_text(document.title)}]")
    parts += _blocks(document.head, before_title=False)
    parts += _blocks(document.body)
    numbers = numbers_of_figures(document)
    if numbers:
        parts.append(f"#heading(level: 2)[{_text(document.words['figure_numbers'])}]")
        parts += _blocks(numbers)
    if document.foot:
        parts.append("#v(1.5em)\n#line(length: 100%, stroke: 0.5pt + luma(180))")
        parts += [f"#text(size: 7.5pt, {_SOFT})[{part}]" for part in _blocks(document.foot)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _string(text: str) -> str:
    """A text as a quoted string of Typst."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _text(text: str) -> str:
    return f"#{_string(clean_text(text))}" if text else ""


def _blocks(blocks: Iterable[Block], *, before_title: bool | None = None) -> list[str]:
    """Blocks as Typst; of those around the title perhaps the warnings only, or the others only."""
    listed, chosen = list(blocks), list[str]()
    for place, block in enumerate(listed):
        is_warning = isinstance(block, Paragraph) and (block.kind in _WARNINGS or block.kind == "study")
        if before_title is None or is_warning == before_title:
            leads = isinstance(block, Paragraph) and isinstance(_after(listed, place), Picture | Table)
            written = _block(block)
            chosen.append(f"#block(sticky: true)[{written}]" if leads else written)
    return chosen


def _after(blocks: list[Block], place: int) -> Block | None:
    return blocks[place + 1] if place + 1 < len(blocks) else None


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"#heading(level: {block.level})[{_runs(block.runs)}]"
    if isinstance(block, Paragraph):
        return _paragraph(block)
    if isinstance(block, Listing):
        items = "".join(f"[{' '.join(_blocks(item))}]," for item in block.items)
        return f"#{'enum' if block.ordered else 'list'}({items})"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _picture(block)
    inside = "\n\n".join(_blocks(block.blocks))
    if block.kind == "tiles":
        tiles = "".join(f"[\n{each}\n]," for each in _blocks(block.blocks))
        return f"#grid(columns: (1fr, 1fr), gutter: 8pt, {tiles})"
    if block.kind == "tile":
        return (
            "#block(width: 100%, inset: 8pt, radius: 2pt, stroke: 0.6pt + luma(190), breakable: false)"
            f"[\n{inside}\n]"
        )
    return (
        "#block(width: 100%, inset: (left: 9pt, y: 6pt, right: 6pt), fill: luma(245), "
        f'stroke: (left: 2pt + rgb("#1b1f24")))[\n{inside}\n]'
    )


def _paragraph(block: Paragraph) -> str:
    runs = _runs(block.runs)
    if block.kind in _WARNINGS:
        return (
            '#block(width: 100%, inset: 6pt, stroke: 0.8pt + rgb("#8a6100"), fill: rgb("#fff9e6"))'
            f"[#text(size: 8.5pt)[{runs}]]"
        )
    if block.kind in {"table-note", "table-part"}:
        return f"#text(size: 8pt, {_SOFT})[{runs}]"
    if block.kind == "tile-number":
        return f'#text(size: 16pt, weight: "bold")[{runs}]'
    if block.kind in {"tile-title", "tile-word"}:
        return f'#text(weight: "bold"{f", {_SOFT}" if block.kind == "tile-title" else ""})[{runs}]'
    if block.kind == "study":
        return f'#text(weight: "bold", {_SOFT})[{runs}]'
    if block.kind in {"recipient", "masthead"}:
        return f"#text({_SOFT})[{runs}]"
    return f"#par[{runs}]"


def _runs(runs: Iterable[Run]) -> str:
    return "".join(_run(run) for run in runs)


def _run(run: Run) -> str:
    if run.text == "\n":
        return "#linebreak()"
    text = _keeping_ends(run.text)
    if run.code:
        text = f"#raw({_string(run.text)})"
    if run.italic:
        text = f"#emph[{text}]"
    if run.bold:
        text = f"#strong[{text}]"
    return f"#link({_string(run.link)})[{text}]" if run.link else text


def _keeping_ends(text: str) -> str:
    """A piece of text with the blanks at its ends, which cleaning leaves alone."""
    return f"#{_string(clean_text(text))}"


def _picture(picture: Picture) -> str:
    width, height = _size(picture.svg)
    scale = min(_FIGURE * ROOM / width, (HEIGHT - 60) / height, 1.0)
    caption = f", caption: [#text(size: 8.5pt, {_SOFT})[{_runs(picture.caption)}]]" if picture.caption else ""
    image = (
        f'image(bytes({_string(picture.svg)}), format: "svg", width: {width * scale:.1f}pt, '
        f"alt: {_string(picture.alt)})"
    )
    if not picture.alt:  # what stands beside it says all
        return f"#pdf.artifact({image})"
    if picture.is_narrow:
        beside = f"#text(size: 8.5pt, {_SOFT})[{_runs(picture.caption)}]"
        return (
            f"#grid(columns: ({width * scale:.1f}pt, 1fr), gutter: 12pt, figure({image}), [{beside}])"
            + _below(picture.reference)
        )
    return f"#figure({image}{caption})" + _below(picture.reference)


def _size(svg: str) -> tuple[float, float]:
    found = _SIZE.search(svg[: svg.find(">") + 1])
    return (float(found[1]), float(found[2])) if found else (ROOM, ROOM / 2)


def _below(reference: str) -> str:
    return f"\n#text(size: 6.5pt, {_SOFT})[{_text(reference)}]" if reference else ""


def _table(table: Table) -> str:
    size, widths, fits = fit_columns(table, room=ROOM)
    columns = ", ".join(f"{width - 7:.1f}pt" for width in widths)
    head = "".join(_cells(row, fits) for row in table.head)
    rows = "".join(
        _cells(row, fits, bold=own) + "table.hline(stroke: 0.3pt + luma(200)), "
        for row, own in zip(table.body, table.own, strict=True)
    )
    caption = (
        f', caption: [#text(size: 9pt, weight: "bold")[{_text(table.caption)}]]' if table.caption else ""
    )
    written = (
        f"#figure(kind: table{caption}, text(size: {size}pt, table(columns: ({columns},), "
        "table.hline(stroke: 0.9pt), "
        f"table.header({head}table.hline(stroke: 0.6pt)), {rows}table.hline(stroke: 0.9pt))))"
    )
    notes = "".join(f"\n#text(size: 7.5pt, {_SOFT})[{_text(note)}]\n" for note in table.notes)
    whole = written + "\n" + notes + _below(table.reference)
    return f"#block(breakable: false, width: 100%)[\n{whole}\n]" if len(table.body) <= SHORT else whole


def _cells(row: tuple[Cell, ...], fits: bool, *, bold: bool = False) -> str:
    written = []
    for cell in row:
        text = cell.text.replace(" ", "\u00a0") if fits and cell.is_number and not cell.is_head else cell.text
        content = _text(text)
        if bold:
            content = f"#strong[{content}]"
        options = [f"align: {'right' if cell.is_number else 'left'}"]
        options += [f"colspan: {cell.columns}"] if cell.columns > 1 else []
        options += [f"rowspan: {cell.rows}"] if cell.rows > 1 else []
        written.append(f"table.cell({', '.join(options)})[{content}], ")
    return "".join(written)
