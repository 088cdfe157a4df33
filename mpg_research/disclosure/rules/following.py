"""What follows from a hidden number, and is hidden with it: other forms of it, what is computed from it."""

from collections.abc import Mapping

import numpy as np

from mpg_research.disclosure.rules.cells import Cells

__all__ = ["hide_followers", "hide_share", "hide_what_follows"]


def hide_what_follows(cells: Cells) -> None:
    """Suppress what gives a suppressed number away: other forms of it, and differences from it.

    Of a difference and its two parts one that is hidden alone follows from the other two.
    """
    changed = True
    while changed:
        changed = False
        for column in cells.numbers:
            about = cells.about(column)
            hide = {column: cells.hidden(about.about)} if about.about in cells.numbers else {}
            if about.minus and {*about.minus} <= set(cells.numbers):
                marks = [cells.hidden(name) for name in (column, *about.minus)]
                alone = np.sum(marks, axis=0) == 1
                hide[column] = hide.get(column, marks[0]) | (alone & ~marks[0])
                hide[about.minus[0]] = alone & marks[0]
            for name, rows in hide.items():
                changed |= _hide_too(cells, rows, name)


def _hide_too(cells: Cells, rows: np.ndarray, column: str) -> bool:
    """Suppress a column in rows to protect another number; whether any of them was not hidden yet."""
    fresh = rows & ~cells.hidden(column)
    cells.hide(fresh, column)
    cells.has_complement |= bool(fresh.any())
    return bool(fresh.any())


def hide_share(cells: Cells, rows: np.ndarray, column: str) -> None:
    """Suppress a share in these rows, and all that is declared to be about it."""
    if not rows.any():
        return
    chosen, found = [column], {column}
    while chosen:
        one = chosen.pop()
        cells.hide(rows, one)
        more = [name for name in cells.numbers if cells.about(name).about == one and name not in found]
        found.update(more)
        chosen += more


def hide_followers(tables: Mapping[str, Cells]) -> None:
    """Suppress numbers from which a suppressed number of another table follows.

    Parameters
    ----------
    tables : mapping of str to Cells
        Of one result, those too that will not be shown: what a column follows must be there.
    """
    for cells in tables.values():
        for column in cells.numbers:
            table, _, source = cells.about(column).follows.partition(".")
            if source and table in tables:
                _hide_too(cells, _beside_hidden(cells, tables[table], source), column)


def _beside_hidden(cells: Cells, other: Cells, source: str) -> np.ndarray:
    """Rows that have the keys of a row of the other table in which its column is hidden.

    A key without a value ("yes or no" in one row) fits every value of it.
    """
    keys = [key for key in cells.keys if key in other.keys]
    hidden = other.hidden(source)
    if not hidden.any() or not keys:
        return np.full(cells.length, hidden.any())
    theirs = {key: other.data[key][hidden].tolist() for key in keys}
    known: dict[tuple[str, ...], set[tuple[object, ...]]] = {}
    found = cells.no_row()
    for row, values in enumerate(zip(*(cells.data[key].tolist() for key in keys), strict=True)):
        given = tuple(key for key, value in zip(keys, values, strict=True) if value != "")
        if given not in known:
            known[given] = set(zip(*(theirs[key] for key in given), strict=True)) if given else {()}
        found[row] = tuple(value for value in values if value != "") in known[given]
    return found
