"""What a reader need not see at once is folded: code cells tagged ``fold``, as far as they follow each other.

What they show stays on the page, behind a line that names its tables and figures; a link to one of them opens
the fold, and print shows all of it (the style sheet sees to that).
"""

import re
from html import unescape
from itertools import groupby
from typing import Any

from mpg_research.reporting.page.numbering import NUMBERED

__all__ = ["FOLD", "fold_cells"]

#: The tag of a code cell whose tables and figures are folded.
FOLD = "fold"
_TABLE = re.compile(
    rf'<caption><span class="caption-text">(?:<span class="{NUMBERED}">(.*?)</span> )?(.*?)'
    r'(?: <small class="synthetic-mark">.*?</small>)?</span></caption>',
    re.DOTALL,
)
_FIGURE = re.compile(r'<div class="picture"[^>]*aria-label="([^"]*)"')
_NUMBER = re.compile(rf'<figcaption[^>]*><span class="{NUMBERED}">(.*?)</span>', re.DOTALL)
_SHOWN = re.compile(r'<div class="shown" id="([TF])-')


def fold_cells(cells: list[Any]) -> None:
    """Mark the first and the last of cells that are folded together, the first with what stands in the fold.

    Parameters
    ----------
    cells : list of NotebookNode
        Cells of a page; their metadata get ``fold_open`` (a text for each table and figure) and ``fold_close``.
    """
    for folded, group in groupby(cells, key=_is_folded):
        members = [cell for cell in group if cell.get("outputs")] if folded else []
        named = [name for cell in members for name in _names(cell)]
        if named:
            members[0].metadata["fold_open"] = named
            members[-1].metadata["fold_close"] = True


def _is_folded(cell: Any) -> bool:
    return cell.cell_type == "code" and FOLD in cell.metadata.get("tags", [])


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
