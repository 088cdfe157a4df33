"""How wide the columns of a table become on paper, and how small its letters must be for that."""

from collections.abc import Sequence

from mpg_research.present.drawing.letters import text_width
from mpg_research.reporting.documents.blocks import Cell, Table

__all__ = ["GAP", "SIZES", "fit_columns"]

#: Sizes of letters that are tried, in points.
SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
#: Room between columns, in points.
GAP = 7.0
#: Ems that a text at the left has on a line, and a heading of numbers: tried in turn, each with all sizes.
_ROOMS = ((16.0, 9.0), (12.0, 8.0), (9.0, 6.5), (6.0, 5.0))


def fit_columns(
    table: Table, *, room: float, sizes: Sequence[float] = SIZES
) -> tuple[float, list[float], bool]:
    """The size of the letters of a table and the widths of its columns.

    Parameters
    ----------
    table : Table
        The table.
    room : float
        Width there is, in points.
    sizes : sequence of float
        Sizes of letters that may be chosen, the one that is wanted first.

    Returns
    -------
    size : float
        Of the letters, in points.
    widths : list of float
        Of the columns, in points, with the room between them.
    fits : bool
        Whether no number has to be broken over two lines.
    """
    columns, bold = _columns(table), any(table.own)
    for text, heading in _ROOMS:
        for size in sizes:
            least = [_least(cells, size, bold=bold, text=text, heading=heading) + GAP for cells in columns]
            if sum(least) <= room:
                wanted = [_wanted(cells, size, bold=bold) + GAP for cells in columns]
                return size, _shared(least, wanted, room), True
    scale = room / sum(least)
    return size, [width * scale for width in least], False


def _columns(table: Table) -> list[list[Cell]]:
    """The cells of each column; cells over several columns ask for no width."""
    columns: list[list[Cell]] = [[] for _ in range(table.n_columns)]
    for row in (*table.head, *table.body):
        place = 0
        for cell in row:
            if cell.columns == 1 and place < len(columns):
                columns[place].append(cell)
            place += cell.columns
    return columns


def _is_loose(cell: Cell) -> bool:
    """Whether a cell may be broken over lines."""
    return cell.is_head or not cell.is_number


def _least(cells: list[Cell], size: float, *, bold: bool, text: float, heading: float) -> float:
    """What a column needs: its numbers on one line, and of its texts some words in a row."""
    loose = [cell for cell in cells if _is_loose(cell)]
    words = [word for cell in loose for word in cell.text.split()]
    longest = max((text_width(word, size, bold=bold) for word in words), default=0.0)
    numbers = [text_width(cell.text, size, bold=bold) for cell in cells if not _is_loose(cell)]
    if numbers:
        return max(min(longest, heading * size), *numbers)
    widest = max((text_width(cell.text, size, bold=bold) for cell in loose), default=0.0)
    return min(max(longest, min(widest, text * size)), 1.5 * text * size)


def _wanted(cells: list[Cell], size: float, *, bold: bool) -> float:
    return max((text_width(cell.text, size, bold=bold) for cell in cells), default=0.0)


def _shared(least: list[float], wanted: list[float], room: float) -> list[float]:
    """What is left over the least widths goes to the columns that want more, as far as they do."""
    left = room - sum(least)
    missing = [max(0.0, want - low) for low, want in zip(least, wanted, strict=True)]
    total = sum(missing)
    part = min(1.0, left / total) if total else 0.0
    return [low + part * more for low, more in zip(least, missing, strict=True)]
