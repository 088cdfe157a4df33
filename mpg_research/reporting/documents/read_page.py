"""A finished page read as blocks: the one source of its PDF and its Word document.

What is read is what was published: it came through the gate, and nothing is computed or looked up anew.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import unescape
from html.parser import HTMLParser

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
    plain,
)

__all__ = ["read_page"]

_PICTURE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_LABEL = re.compile(r'^<svg\b[^>]*?\saria-label="([^"]*)"')
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_VOID = {"area", "br", "col", "hr", "img", "input", "meta", "source", "wbr"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
#: What is no part of the text: the way to it, the code that made it, what only a screen shows.
_LEFT_OUT = {"script", "style", "nav", "title", "template", "colgroup"}
_LEFT_OUT_KINDS = {"skip", "watermark", "code", "screen-only", "synthetic-mark", "reference"}
#: Kinds of parts that stand together, set off from the text around them.
_BOXES = {"not-shown", "looser", "plan", "box", "kept", "tiles", "tile", "callout"}
_KINDS = {"study", "recipient", "synthetic", "private", "modified", "internal", "kept", "table-note",
          "table-part", "masthead", "printed", "tile-title", "tile-number", "tile-word"}  # fmt: skip
_INLINE = {"a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "data", "dfn", "em", "i", "kbd", "mark",
           "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}  # fmt: skip


@dataclass(slots=True)
class _Node:
    """An element of the page with what is in it; text stands as text."""

    tag: str
    values: dict[str, str] = field(default_factory=dict)
    parts: "list[_Node | str]" = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        return set(self.values.get("class", "").split())

    def find(self, *tags: str) -> "list[_Node]":
        """All elements with one of these names, at any depth."""
        found: list[_Node] = []
        for part in self.parts:
            if isinstance(part, _Node):
                found += [part] if part.tag in tags else []
                found += part.find(*tags)
        return found

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


class _Reader(HTMLParser):
    """The page as a tree; pictures were taken out before, since their names have capitals."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].parts.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)


def read_page(html: str, *, words: dict[str, str]) -> Document:
    """Read a page of a report.

    Parameters
    ----------
    html : str
        A page as :func:`mpg_research.reporting.page.html.render_page` makes it.
    words : dict of str to str
        The fixed words of a page in its language.

    Returns
    -------
    Document
    """
    pictures: list[str] = []

    def taken_out(found: re.Match[str]) -> str:
        pictures.append(found.group())
        return f'<img data-picture="{len(pictures) - 1}">'

    reader = _Reader()
    reader.feed(_PICTURE.sub(taken_out, html))
    reader.close()
    (page,) = reader.root.find("html")
    (title,) = page.find("h1")
    (main,) = page.find("main")
    (body,) = page.find("body")
    feet = page.find("footer")
    before = [part for part in body.parts if part is not main and part not in feet]
    reading = _Reading(pictures)
    return Document(
        language=page.values.get("lang", ""),
        title=_squeezed(title.text),
        full_title=_squeezed(page.find("title")[0].text),
        head=tuple(block for block in reading.blocks(before) if not _is_title(block)),
        body=tuple(block for block in reading.blocks(main.parts) if not _is_title(block)),
        foot=tuple(reading.blocks(feet)),
        words=words,
    )


def _is_title(block: Block) -> bool:
    return isinstance(block, Heading) and block.level == 1


def _squeezed(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


class _Reading:
    """Elements as blocks."""

    def __init__(self, pictures: list[str]) -> None:
        self._pictures = pictures

    def blocks(self, parts: Iterable[_Node | str]) -> list[Block]:
        """The blocks in these parts; text that stands by itself becomes a paragraph."""
        found: list[Block] = []
        loose: list[_Node | str] = []

        def settle() -> None:
            runs = self._runs(loose)
            if plain(runs):
                found.append(Paragraph(runs))
            loose.clear()

        for part in parts:
            if isinstance(part, str) or (part.tag in _INLINE and not self._is_left_out(part)):
                loose.append(part)
                continue
            settle()
            if not self._is_left_out(part):
                found += self._block(part)
        settle()
        return found

    def _is_left_out(self, node: _Node) -> bool:
        if node.tag in _LEFT_OUT or node.kinds & _LEFT_OUT_KINDS:
            return True
        return node.values.get("aria-hidden") == "true" or "hidden" in node.values

    def _block(self, node: _Node) -> list[Block]:
        if node.tag in _HEADINGS:
            return [Heading(_HEADINGS[node.tag], self._runs(node.parts))]
        if node.tag == "summary" and any(node.find(heading) for heading in _HEADINGS):
            return self.blocks(node.parts)
        if node.tag in ("p", "figcaption", "summary", "dt", "pre", "address"):
            kind = next(iter(sorted(node.kinds & (_KINDS | _BOXES))), "")
            runs = self._runs(_with_dots(node.parts) if kind == "masthead" else node.parts)
            return [Paragraph(runs, kind)] if plain(runs) else []
        if node.tag in ("ul", "ol"):
            items = [tuple(self.blocks(each.parts)) for each in node.find("li") if _is_own_item(node, each)]
            return [Listing(tuple(item for item in items if item), node.tag == "ol")] if any(items) else []
        if node.tag == "figure":
            return self._figure(node)
        if node.tag == "table":
            return [self._table(node)]
        if node.tag == "img":
            return self._picture(node)
        if "mpg-table" in node.kinds:
            return self._with_notes(node)
        if "shown" in node.kinds:
            return self._with_reference(node)
        kind = next(iter(sorted(node.kinds & _BOXES)), "")
        blocks = self.blocks(node.parts)
        return [Box(tuple(blocks), kind)] if kind and blocks else blocks

    def _picture(self, node: _Node) -> list[Block]:
        place = node.values.get("data-picture")
        if place is None:
            return []
        svg = self._pictures[int(place)]
        label = _LABEL.match(svg)
        return [Picture(svg, unescape(label[1]) if label else "")]

    def _figure(self, node: _Node) -> list[Block]:
        """A picture with its caption and its numbers; a figure without one is what stands in it."""
        pictures = [each for each in node.find("img") if "data-picture" in each.values]
        if len(pictures) != 1 or any("tiles" in each.kinds for each in node.find("div")):
            return self.blocks(node.parts)
        (picture,) = (each for each in self._picture(pictures[0]) if isinstance(each, Picture))
        captions = node.find("figcaption")
        folded: list[Block] = []
        for details in node.find("details"):
            folded += self.blocks(
                part for part in details.parts if not (isinstance(part, _Node) and part.tag == "summary")
            )
        caption = self._runs(captions[0].parts) if captions else ()
        return [Picture(picture.svg, picture.alt, caption, tuple(folded), is_narrow="narrow" in node.kinds)]

    def _with_notes(self, node: _Node) -> list[Block]:
        """A table and the notes that stand below it."""
        tables = node.find("table")
        if len(tables) != 1:
            return self.blocks(node.parts)
        table = self._table(tables[0])
        notes = [_squeezed(each.text) for each in node.find("p") if each.kinds & {"table-note", "table-part"}]
        size = next((each for each in ("very-wide", "wide") if each in node.kinds), "")
        return [
            Table(
                table.caption, table.head, table.body, table.own, size, tuple(note for note in notes if note)
            )
        ]

    def _with_reference(self, node: _Node) -> list[Block]:
        """Tables and figures, with the id that stands below them."""
        labels = [_squeezed(each.text) for each in node.find("p") if "reference" in each.kinds]
        label = labels[-1] if labels else ""
        blocks = self.blocks(node.parts)
        return [
            replace(each, reference=label) if isinstance(each, Table | Picture) else each for each in blocks
        ]

    def _table(self, node: _Node) -> Table:
        captions = node.find("caption")
        head, body, own = [], [], []
        heads = {id(row) for part in node.find("thead") for row in part.find("tr")}
        for row in node.find("tr"):
            cells = tuple(self._cell(each) for each in row.parts if isinstance(each, _Node))
            if id(row) in heads:
                head.append(cells)
            else:
                body.append(cells)
                own.append("own" in row.kinds)
        caption = _squeezed("".join(run.text for each in captions for run in self._runs(each.parts)))
        return Table(caption, tuple(head), tuple(body), tuple(own))

    def _cell(self, node: _Node) -> Cell:
        return Cell(
            text=_squeezed(node.text),
            is_head=node.tag == "th",
            is_number="number" in node.kinds,
            columns=int(node.values.get("colspan", "1") or 1),
            rows=int(node.values.get("rowspan", "1") or 1),
        )

    def _runs(self, parts: Iterable[_Node | str]) -> tuple[Run, ...]:
        """Text in a row, with how each piece of it is set; white space as a browser has it."""
        return _tidy(self._pieces(parts, Run("")))

    def _pieces(self, parts: Iterable[_Node | str], style: Run) -> list[Run]:
        runs: list[Run] = []
        for part in parts:
            if isinstance(part, str):
                runs.append(replace(style, text=_BLANKS.sub(" ", part)))
            elif part.tag == "br":
                runs.append(Run("\n"))
            elif not self._is_left_out(part):
                runs += self._pieces(part.parts, _styled(part, style))
        return runs


def _styled(node: _Node, style: Run) -> Run:
    """How text inside an element is set."""
    if node.tag in ("strong", "b"):
        return replace(style, bold=True)
    if node.tag in ("em", "i", "cite", "dfn", "var"):
        return replace(style, italic=True)
    if node.tag in ("code", "kbd", "samp"):
        return replace(style, code=True)
    if node.tag == "a" and node.values.get("href", "").startswith(("http://", "https://", "mailto:")):
        return replace(style, link=node.values["href"])
    return style


def _with_dots(parts: "list[_Node | str]") -> "list[_Node | str]":
    """Parts side by side with a dot between them, which a style sheet puts there on the page."""
    dotted: list[_Node | str] = []
    for part in parts:
        if isinstance(part, _Node) and any(isinstance(each, _Node) for each in dotted):
            dotted.append(" · ")
        dotted.append(part)
    return dotted


def _is_own_item(listing: _Node, item: _Node) -> bool:
    return any(part is item for part in listing.parts)


def _tidy(runs: list[Run]) -> tuple[Run, ...]:
    """No blanks at either end, none twice, none beside a break of the line."""
    tidy: list[Run] = []
    after_blank = True
    for run in runs:
        text = run.text.lstrip(" ") if after_blank else run.text
        if text == "\n" and tidy:
            tidy[-1] = replace(tidy[-1], text=tidy[-1].text.rstrip(" "))
        if text:
            tidy.append(replace(run, text=text))
            after_blank = text[-1] in " \n"
    while tidy and not tidy[-1].text.strip():
        tidy.pop()
    if tidy:
        tidy[-1] = replace(tidy[-1], text=tidy[-1].text.rstrip())
    return tuple(run for run in tidy if run.text)
