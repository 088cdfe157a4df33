"""What a reader need not see at once is folded: cells tagged ``fold``.

Of code cells that follow each other, what they show stays on the page behind a line that names its tables and
figures; of a text cell the whole section, behind its heading. A link to something in a fold opens it; how a
fold is printed, the style sheet says.
"""

import re
from html import unescape
from itertools import groupby
from typing import Any

from mpg_research.reporting.page.numbering import NUMBERED

__all__ = ["FOLD", "fold_cells", "with_summary"]

#: The tag of a cell that is folded.
FOLD = "fold"
_TABLE = re.compile(
    rf'<caption><span class="caption-text">(?:<span class="{NUMBERED}">(.*?)</span> )?(.*?)'
    r'(?: <small class="synthetic-mark">.*?</small>)?</span></caption>',
    re.DOTALL,
)
_FIGURE = re.compile(r'<div class="picture"[^>]*aria-label="([^"]*)"')
_NUMBER = re.compile(rf'<figcaption[^>]*><span class="{NUMBERED}">(.*?)</span>', re.DOTALL)
_FIRST_HEADING = re.compile(r"\s*<h([1-6])\b.*?</h\1>", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s")
_SHOWN = re.compile(r'<div class="shown" id="([TF])-')


def fold_cells(cells: list[Any]) -> None:
    """Mark where folds open and close.

    Parameters
    ----------
    cells : list of NotebookNode
        Cells of a page. The first in a fold gets ``fold_open`` (a text for each table and figure in it), a
        text cell whose section is folded ``fold_heading``, and the last in a fold ``fold_close``.
    """
    sections = _fold_sections(cells)
    for folded, group in groupby(cells, key=_is_folded):
        members = [cell for cell in group if cell.get("outputs")] if folded else []
        named = [name for cell in members for name in _names(cell)]
        if named and not any(id(cell) in sections for cell in members):
            members[0].metadata["fold_open"] = named
            members[-1].metadata["fold_close"] = True


def _fold_sections(cells: list[Any]) -> set[int]:
    """Mark sections that are folded whole; the cells in them."""
    inside: set[int] = set()
    for place, cell in enumerate(cells):
        level = _level(cell)
        if not level or FOLD not in cell.metadata.get("tags", []) or id(cell) in inside:
            continue
        end = place + 1
        while end < len(cells) and not 0 < _level(cells[end]) <= level:
            end += 1
        cell.metadata["fold_heading"] = True
        cells[end - 1].metadata["fold_close"] = True
        inside |= {id(each) for each in cells[place:end]}
    return inside


def _level(cell: Any) -> int:
    """Level of the heading that a text cell begins with; 0 where it has none."""
    found = _HEADING.match(cell.source) if cell.cell_type == "markdown" else None
    return len(found[1]) if found else 0


def _is_folded(cell: Any) -> bool:
    return cell.cell_type == "code" and FOLD in cell.metadata.get("tags", [])


def with_summary(html: str) -> str:
    """The HTML of a text cell with its first heading as what a fold shows of it; the fold stays open.

    Parameters
    ----------
    html : str
        Beginning with a heading.
    """
    found = _FIRST_HEADING.match(html)
    if found is None:
        return html
    return f'<details class="fold section"><summary>{found[0].strip()}</summary>{html[found.end() :]}'


def _names(cell: Any) -> list[str]:
    """What the tables and figures of a cell are called, with their numbers."""
    names = []
    for output in cell.outputs:
        html = output.data.get("text/html", "")
        kind = _SHOWN.match(html)
        if kind is None:
            continue
        if kind[1] == "T":
            found = _TABLE.search(html)
            number, title = (found[1] or "", found[2]) if found else ("", "")
        else:
            figure, numbered = _FIGURE.search(html), _NUMBER.search(html)
            number, title = (numbered[1] if numbered else ""), (figure[1] if figure else "")
        names.append(unescape(f"{number} {title}".strip()))
    return names
