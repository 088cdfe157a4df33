"""A table on its way through the gate, and the cells of it that are too small to be shown.

Pure functions on a :class:`Cells` (numbers and marks side by side); the rules are put together in
:mod:`mpg_research.disclosure.gate`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.released import SHOWN, SUPPRESSED

__all__ = [
    "Cells",
    "cells_of",
    "count_columns",
    "deviations",
    "groups_of",
    "hide_cells",
    "hide_extremes",
    "hide_implied_counts",
    "hide_rows",
    "hide_share",
    "hide_small_counts",
    "is_text",
    "mask_of",
    "small_rows",
]

NOT_PEOPLE = frozenset({"n_organisations", "n_items", "n_levels"})
EXTREMES = frozenset(
    [
        "minimum",
        "maximum",
        "min",
        "max",
        "lowest",
        "highest",
        "first",
        "last",
        "first_date",
        "last_date",
        "range",
    ]
)
# What a share is a share of, where that is not the families.
SHARE_OF = {"share_answered": "n_measurements", "share_ended_early": "n_reached", "share_observed": "n_group"}
# What a share follows from, beside numbers that are shown elsewhere.
TELLS = {"share_observed": ("adjusted_share", "ratio")}


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
    """

    table: ResultTable
    data: pd.DataFrame
    marks: pd.DataFrame
    has_complement: bool = False

    @property
    def numbers(self) -> list[str]:
        """The columns that are not keys."""
        return [column for column in self.data.columns if column not in self.table.keys]

    def hidden(self, column: str = "n_families") -> np.ndarray:
        """Which rows of a column are suppressed, shape (n_rows,)."""
        return np.asarray(self.marks[column] == SUPPRESSED)


def cells_of(table: ResultTable) -> Cells:
    """The declared columns of a table as plain numbers and text, nothing marked yet."""
    declared = [*table.keys, *table.values, "n_families"]
    if "n_organisations" in table.data.columns:
        declared.append("n_organisations")
    data = pd.DataFrame(index=range(len(table.data)))
    for column in dict.fromkeys(declared):
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
    return [column for column in cells.numbers if column.startswith("n_") and column not in NOT_PEOPLE]


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
    for column in count_columns(cells):
        counts = cells.data[column].to_numpy(dtype=float)
        hide_cells(cells, (counts > 0) & (counts < minimum), column)
    for share, base in SHARE_OF.items():
        if {share, base} <= set(cells.data.columns):
            hide_share(cells, cells.hidden(base), share)


def hide_share(cells: Cells, rows: np.ndarray, column: str) -> None:
    """Suppress a share, its interval and its distance from what was expected in these rows."""
    stem = column.removeprefix("share_")
    apart = f"{stem}_difference"
    ends = (f"{stem}_low", f"{stem}_high", apart, f"{apart}_low", f"{apart}_high", f"{stem}_beyond_chance")
    for shown in (column, *ends, *TELLS.get(column, ())):
        if shown in cells.data.columns:
            hide_cells(cells, rows, shown)


def hide_extremes(cells: Cells) -> None:
    """Suppress smallest and largest values: each is the value of one family."""
    for column in cells.numbers:
        if column in EXTREMES or column.startswith(("min_", "max_")):
            hide_cells(cells, np.ones(len(cells.data), dtype=bool), column)
    for key in cells.table.keys:
        names = [str(value) for value in cells.data[key]]
        rows = np.array([bool(EXTREMES & set(name.lower().split("_"))) for name in names], dtype=bool)
        if key == "quantity" and rows.any():
            hide_rows(cells, rows)


def hide_implied_counts(cells: Cells, rows: np.ndarray, minimum: int) -> None:
    """Suppress shares that, times their number, give a small count (or leave one): 4 % of 50 is 2."""
    for column in cells.numbers:
        if not column.startswith("share_"):
            continue
        base_column = SHARE_OF.get(column, "n_families")
        base_column = base_column if base_column in cells.data.columns else "n_families"
        base = cells.data[base_column].to_numpy(dtype=float)
        share = cells.data[column].to_numpy(dtype=float)
        count, rest = share * base, (1 - share) * base
        # Half a family of slack on both sides, since a share may be of families or of their episodes.
        implied = ((count > 0.5) & (count < minimum - 0.5)) | ((rest > 0.5) & (rest < minimum - 0.5))
        hide_share(cells, rows & implied, column)


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
    for column in cells.numbers:
        if column.startswith("n_") or is_text(cells.data[column]):
            continue
        values = cells.table.data[column].to_numpy(dtype=float, na_value=np.nan)
        groups = [values[rows] for rows in groups_of(cells.data, others)]
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
