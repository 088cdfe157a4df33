"""What a page does not show, said once: what is missing, why, and which setting would show it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mpg_research.reporting.nbformat_import import import_nbformat

__all__ = ["gather_not_shown"]

_NOT_SHOWN = 'class="mpg-text not-shown"'
_HOLDS_ANYTHING = re.compile(r"<(?:p|ul|table|figure)\b")
_HEADING = re.compile(r"\s*(#+)\s")
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_SAID = re.compile(r'<div class="mpg-text not-shown"[^>]*? data-what="([^"]*)" data-why="([^"]*)"')


def gather_not_shown(cells: list[Any], words: Mapping[str, str]) -> list[Any]:
    """Take together what a page does not show.

    A section with nothing in it but why nothing is shown goes to the end of the page, into one box with the
    others, and a heading with nothing at all below it goes; in a section with something else in it, several
    such remarks become one box. The first section is the answer and stays where it is.

    Parameters
    ----------
    cells : list of NotebookNode
        Of a cleaned notebook; each text cell begins a section.
    words : mapping of str to str
        The fixed words of the page.

    Returns
    -------
    list of NotebookNode
    """
    nbformat = import_nbformat()

    first, *others = _sections(cells)
    kept, gone = list(first), list[str]()
    for place, section in enumerate(others):
        if _is_bare(section):
            if _heads_something(section, others[place + 1 :]):
                kept += section
            continue
        if not _is_silent(section):
            kept += _one_box(section, words)
            continue
        gone += _texts(section)
        if _heads_something(section, others[place + 1 :]):
            kept.append(section[0])
    if gone:
        cell = nbformat.v4.new_code_cell("")
        cell.outputs = [_box(gone, words)]
        kept += [nbformat.v4.new_markdown_cell(f"## {words['not_shown']}"), cell]
    return kept


def _sections(cells: Iterable[Any]) -> list[list[Any]]:
    sections: list[list[Any]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and sections[-1]:
            sections.append([])
        sections[-1].append(cell)
    return sections


def _is_silent(section: list[Any]) -> bool:
    """Whether a section has nothing in it but why nothing is shown."""
    texts = _texts(section)
    return bool(texts) and all(_NOT_SHOWN in text for text in texts)


def _is_bare(section: list[Any]) -> bool:
    """Whether a section is a heading and nothing else: what stands below it shows nothing."""
    if "\n" in section[0].source.strip() or not _level(section):
        return False
    shown = [output.data for cell in section if cell.cell_type == "code" for output in cell.outputs]
    return bool(shown) and all(
        "text/html" in data and not _HOLDS_ANYTHING.search(data["text/html"]) for data in shown
    )


def _level(section: list[Any]) -> int:
    """The level of the heading that a section begins with; 0 where it begins with none."""
    found = _HEADING.match(section[0].source) if section[0].cell_type == "markdown" else None
    return len(found[1]) if found else 0


def _heads_something(section: list[Any], later: Iterable[list[Any]]) -> bool:
    """Whether parts under the heading of a section are shown."""
    for each in later:
        if 0 < _level(each) <= _level(section):
            return False
        if not (_is_silent(each) or _is_bare(each)) and _level(section):
            return True
    return False


def _texts(section: Iterable[Any]) -> list[str]:
    """What the cells of a section show, as HTML."""
    shown = [output for cell in section if cell.cell_type == "code" for output in cell.outputs]
    return [text for output in shown if _HOLDS_ANYTHING.search(text := output.data.get("text/html", ""))]


def _one_box(section: list[Any], words: Mapping[str, str]) -> list[Any]:
    """A section in which several remarks that something is not shown are one, where the first of them was."""
    silent = [text for text in _texts(section) if _NOT_SHOWN in text]
    if len(silent) < 2:
        return section
    is_first = True
    for cell in section:
        if cell.cell_type != "code":
            continue
        outputs = []
        for output in cell.outputs:
            if output.data.get("text/html", "") not in silent:
                outputs.append(output)
            elif is_first:
                outputs.append(_box(silent, words))
                is_first = False
        cell.outputs = outputs
    return section


def _box(texts: Iterable[str], words: Mapping[str, str]) -> Any:
    """One box for all remarks: each reason once, with what is not shown for it."""
    nbformat = import_nbformat()

    by_reason: dict[str, list[str]] = {}
    for text in texts:
        said = _SAID.search(text)
        if said is None:
            for paragraph in _PARAGRAPH.findall(text):
                by_reason.setdefault(paragraph, [])
            continue
        what, why = said[1], said[2]
        listed = by_reason.setdefault(why, [])
        if what not in listed:
            listed.append(what)
    items = []
    for why, listed in by_reason.items():
        about = words["not_shown_about"].replace("{what}", "; ".join(listed)) if listed else ""
        items.append(f"<li>{why}{' ' if about else ''}{about}</li>")
    html = '<div class="mpg-text not-shown">\n<ul>\n' + "\n".join(items) + "\n</ul>\n</div>"
    return nbformat.v4.new_output("display_data", data={"text/html": html})
