"""Columns that are computed from a column of another table: hidden where that is."""

from collections.abc import Mapping

import numpy as np

from mpg_research.disclosure.rules.cells import Cells, hide_cells

__all__ = ["hide_followers"]


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
                rows = _beside_hidden(cells, tables[table], source)
                fresh = rows & ~cells.hidden(column)
                hide_cells(cells, fresh, column)
                cells.has_complement |= bool(fresh.any())


def _beside_hidden(cells: Cells, other: Cells, source: str) -> np.ndarray:
    """Rows that have the keys of a row of the other table in which its column is hidden.

    A key without a value ("yes or no" in one row) fits every value of it.
    """
    keys = [key for key in cells.table.keys if key in other.table.keys]
    hidden = other.data.loc[other.hidden(source), keys]
    known: dict[tuple[str, ...], set[tuple[object, ...]]] = {}
    found = np.zeros(len(cells.data), dtype=bool)
    for row, values in enumerate(cells.data[keys].itertuples(index=False)):
        given = tuple(key for key, value in zip(keys, values, strict=True) if value != "")
        if given not in known:
            known[given] = set(hidden[list(given)].itertuples(index=False, name=None))
        found[row] = tuple(value for value in values if value != "") in known[given]
    return found
