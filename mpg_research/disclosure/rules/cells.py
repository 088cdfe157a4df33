"""A table on its way through the gate, and the cells of it that are too small to be shown.

Pure functions on a :class:`Cells` (numbers and marks side by side); the rules are put together in
:mod:`mpg_research.disclosure.gate`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import Column, Meaning
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.released import SHOWN, SUPPRESSED
from mpg_research.errors import DisclosureError

__all__ = [
    "Cells",
    "base_of",
    "cells_of",
    "count_columns",
    "counting",
    "deviations",
    "groups_of",
    "hide_cells",
    "hide_extremes",
    "hide_implied_counts",
    "hide_outer_quantiles",
    "hide_rows",
    "hide_share",
    "hide_small_counts",
    "hide_what_follows",
    "is_text",
    "mask_of",
    "shares_in",
    "small_rows",
]


#: Meanings of numbers that are about a single family.
OF_ONE = frozenset({"extreme", "family"})


@dataclass(slots=True)
class Cells:
    """A table on its way through the gate.

    Attributes
    ----------
    table : ResultTable
        What came in.
    data : DataFrame
        Keys, values and counts only; index 0..n-1; no categories, whose unused levels would tell names.
    marks : DataFrame
        Same shape as ``data``: "", "suppressed" or "rounded".
    has_complement : bool
        Whether something was hidden only to protect something else.
    coarse : ndarray of bool, optional
        Rows whose number of families is hidden only to protect another one.
    """

    table: ResultTable
    data: pd.DataFrame
    marks: pd.DataFrame
    has_complement: bool = False
    coarse: np.ndarray | None = None
    _contrast: bool | None = None

    def coarse_rows(self) -> np.ndarray:
        """Which rows must not tell their families by their shares either, shape (n_rows,)."""
        return np.zeros(len(self.data), dtype=bool) if self.coarse is None else self.coarse

    @property
    def is_contrast(self) -> bool:
        """Whether its rows are about one organisation beside others: a pair, or the distance from all."""
        if self._contrast is None:
            self._contrast = len(self.table.organisation_columns) > 1 or deviations(self)
        return self._contrast

    @property
    def numbers(self) -> list[str]:
        """The columns that are not keys."""
        return [column for column in self.data.columns if column not in self.table.keys]

    def about(self, column: str) -> Column:
        """What a column means."""
        return self.table.column(column)

    def of_meaning(self, *meanings: Meaning) -> list[str]:
        """The columns of these meanings, keys left out; where rows differ, the column as a whole counts."""
        return [column for column in self.numbers if self.about(column).meaning in meanings]

    def rows_of(self, column: str) -> list[Column]:
        """What each row of a column means."""
        return self.table.each_row(column, self.data)

    def hidden(self, column: str = "n_families") -> np.ndarray:
        """Which rows of a column are suppressed, shape (n_rows,)."""
        return np.asarray(self.marks[column] == SUPPRESSED)


def cells_of(table: ResultTable) -> Cells:
    """The columns of a table as plain numbers and text, nothing marked yet.

    Raises
    ------
    DisclosureError
        If a column of the data is not declared: nothing is known of it, so nothing is shown.
    """
    unknown = sorted(set(map(str, table.data.columns)) - {column.name for column in table.columns})
    if unknown:
        raise DisclosureError(
            f"Table {table.name!r} has columns that do not say what they mean: {', '.join(unknown)}. Declare "
            "each among the table's columns (mpg_research/analysis/columns.py)."
        )
    data = pd.DataFrame(index=range(len(table.data)))
    for column in (*table.keys, *(c.name for c in table.columns if not c.is_key)):
        values = table.data[column]
        if column in table.organisation_columns:
            data[column] = np.array([str(key) for key in values], dtype=object)
        elif not is_text(values):
            data[column] = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            data[column] = np.array(values.tolist(), dtype=object)
    return Cells(table, data, pd.DataFrame(SHOWN, index=data.index, columns=data.columns, dtype=object))


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text (or anything else that is not a number)."""
    return not pd.api.types.is_numeric_dtype(column)


def count_columns(cells: Cells) -> list[str]:
    """The columns that count families, or things that families have (measurements, episodes, findings)."""
    return cells.of_meaning("count")


def counting(cells: Cells, column: str, *kinds: str) -> np.ndarray:
    """Which rows of a column count one of these kinds ("families", "episodes", "measurements")."""
    return np.array([c.meaning == "count" and c.of in kinds for c in cells.rows_of(column)], dtype=bool)


def small_rows(cells: Cells, minimum: int) -> np.ndarray:
    """Rows with 1 to ``minimum`` - 1 families, or an unknown number; shape (n_rows,)."""
    families = cells.data["n_families"].to_numpy(dtype=float)
    return np.asarray(~((families >= minimum) | (families == 0)))


def hide_rows(cells: Cells, rows: np.ndarray) -> None:
    """Suppress every number in these rows."""
    for column in cells.numbers:
        hide_cells(cells, rows, column)


def hide_cells(cells: Cells, rows: np.ndarray, column: str) -> None:
    """Suppress one column in these rows."""
    if not rows.any():
        return
    cells.data.loc[rows, column] = None if is_text(cells.data[column]) else np.nan
    cells.marks.loc[rows, column] = SUPPRESSED


def hide_small_counts(cells: Cells, minimum: int) -> None:
    """Suppress single counts of 1 to ``minimum`` - 1: three findings come from three families at most.

    A share of such a count goes with it.
    """
    for column in cells.numbers:
        people = np.array([about.meaning == "count" for about in cells.rows_of(column)], dtype=bool)
        if people.any():
            counts = cells.data[column].to_numpy(dtype=float)
            hide_cells(cells, people & (counts > 0) & (counts < minimum), column)
    for share in cells.numbers:
        for base, rows in shares_in(cells, share, parts=True):
            if base != "n_families":
                hide_share(cells, rows & cells.hidden(base), share)


def shares_in(cells: Cells, column: str, *, parts: bool = False) -> list[tuple[str, np.ndarray]]:
    """What the shares in a column are of, each with its rows; ``parts``: ends and differences as well.

    A number that the table does not have counts as the families of the row.
    """
    found: dict[str, np.ndarray] = {}
    for row, about in enumerate(cells.rows_of(column)):
        if about.meaning == "share" and (parts or not (about.ends or about.minus)):
            base = about.of if about.of in cells.data.columns else "n_families"
            found.setdefault(base, np.zeros(len(cells.data), dtype=bool))[row] = True
    return list(found.items())


def base_of(cells: Cells, base: str) -> np.ndarray:
    """The numbers that shares are of, as they came in; the families of the row where one is not known."""
    families, numbers = (
        cells.table.data[name].to_numpy(dtype=float, na_value=np.nan) for name in ("n_families", base)
    )
    return np.asarray(np.where(np.isnan(numbers), families, numbers))


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
                fresh = rows & ~cells.hidden(name)
                hide_cells(cells, fresh, name)
                cells.has_complement |= bool(fresh.any())
                changed |= bool(fresh.any())


def hide_share(cells: Cells, rows: np.ndarray, column: str) -> None:
    """Suppress a share in these rows, and all that is declared to be about it."""
    chosen, found = [column], {column}
    while chosen:
        one = chosen.pop()
        hide_cells(cells, rows, one)
        more = [name for name in cells.numbers if cells.about(name).about == one and name not in found]
        found.update(more)
        chosen += more


def hide_extremes(cells: Cells) -> None:
    """Suppress smallest and largest values: each is the value of one family."""
    for column in cells.numbers:
        rows = np.array([about.meaning in OF_ONE for about in cells.rows_of(column)], dtype=bool)
        hide_cells(cells, rows, column)
    for key in cells.table.keys:
        if cells.about(key).meaning in OF_ONE:
            hide_rows(cells, np.ones(len(cells.data), dtype=bool))


def hide_outer_quantiles(cells: Cells, minimum: int) -> None:
    """Suppress quantiles with fewer than ``minimum`` families on one side: a 10th percentile needs 100.

    The families beyond a quantile are a cell of a table like any other.
    """
    families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
    for column in cells.numbers:
        levels = np.array([np.nan if about.at is None else about.at for about in cells.rows_of(column)])
        beyond = families * np.minimum(levels, 1 - levels)
        hide_cells(cells, ~np.isnan(levels) & ~(beyond >= minimum - 1e-9), column)


def hide_implied_counts(cells: Cells, rows: np.ndarray, minimum: int, *, least: float = 0.5) -> None:
    """Suppress shares that, times their number, give a small count (or leave one): 4 % of 50 is 2.

    ``least``: what counts as more than none; estimated shares (of drop-out, say) are of no whole numbers.
    """
    for column in cells.numbers:
        for base, shares in shares_in(cells, column):
            number, share = base_of(cells, base), cells.data[column].to_numpy(dtype=float)
            count, rest = share * number, (1 - share) * number
            # Half a family of slack, since a share may be of families or of their episodes.
            implied = [(one > least) & (one < minimum - 0.5) for one in (count, rest)]
            hide_share(cells, rows & shares & np.logical_or(*implied), column)


def mask_of(rows: np.ndarray, length: int) -> np.ndarray:
    """Row numbers as a boolean mask of this length."""
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return mask


def groups_of(data: pd.DataFrame, keys: list[str]) -> list[np.ndarray]:
    """Row numbers of each group of rows with the same values of these keys."""
    if not keys:
        return [np.arange(len(data))]
    grouped = data.groupby(keys, sort=False, dropna=False).indices
    return [np.asarray(rows) for rows in grouped.values()]


def deviations(cells: Cells) -> bool:
    """Whether the numbers of a column within each group are taken from their own mean or median.

    Then they add up to zero, and any one follows from the others; or the middle one is zero, and what the
    organisation in the middle has can be read off the others.
    """
    others = [key for key in cells.table.keys if key not in cells.table.organisation_columns]
    found = groups_of(cells.data, others)
    for column in cells.numbers:
        if cells.about(column).meaning in ("count", "tally") or is_text(cells.data[column]):
            continue
        values = cells.table.data[column].to_numpy(dtype=float, na_value=np.nan)
        groups = [values[rows] for rows in found]
        groups = [group for group in groups if np.isfinite(group).all() and np.abs(group).sum() > 0]
        if groups and all(len(g) > 1 and abs(g.sum()) < 1e-6 * np.abs(g).sum() for g in groups):
            return True
        if groups and all(_from_their_median(group) for group in groups):
            return True
    return False


def _from_their_median(values: np.ndarray) -> bool:
    """Whether fractions have zero as their median; among whole numbers that is no more than chance."""
    if len(values) < 3 or np.all(values == np.round(values)):
        return False
    zeros = int((np.abs(values) < 1e-12).sum())
    return zeros <= 1 and abs(float(np.median(values))) < 1e-9 * float(np.abs(values).max())
