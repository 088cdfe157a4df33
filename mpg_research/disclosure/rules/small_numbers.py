"""Which cells are about too few families to be shown."""

import numpy as np

from mpg_research.disclosure.rules.cells import Cells
from mpg_research.disclosure.rules.following import hide_share

__all__ = [
    "base_of",
    "hide_extremes",
    "hide_implied_counts",
    "hide_outer_quantiles",
    "hide_small_counts",
    "shares_in",
    "small_rows",
]

#: Meanings of numbers that are about a single family.
OF_ONE = frozenset({"extreme", "family"})


def small_rows(cells: Cells, minimum: int) -> np.ndarray:
    """Rows with 1 to ``minimum`` - 1 families, or an unknown number; shape (n_rows,)."""
    families = cells.data["n_families"]
    return np.asarray(~((families >= minimum) | (families == 0)))


def hide_small_counts(cells: Cells, minimum: int) -> None:
    """Suppress single counts of 1 to ``minimum`` - 1: three findings come from three families at most.

    A share of such a count goes with it.
    """
    for column in cells.numbers:
        people = cells.where(column, lambda about: about.meaning == "count")
        if people.any():
            counts = cells.data[column]
            cells.hide(people & (counts > 0) & (counts < minimum), column)
    for share in cells.numbers:
        for base, rows in shares_in(cells, share, parts=True):
            if base != "n_families":
                hide_share(cells, rows & cells.hidden(base), share)


def shares_in(cells: Cells, column: str, *, parts: bool = False) -> list[tuple[str, np.ndarray]]:
    """What the shares in a column are of, each with its rows; ``parts``: ends and differences as well.

    A number that the table does not have counts as the families of the row.
    """
    found: dict[str, np.ndarray] = {}
    for about, rows in cells.meanings(column):
        if about.meaning == "share" and (parts or not (about.ends or about.minus)):
            base = about.of if about.of in cells.data else "n_families"
            found[base] = found[base] | rows if base in found else rows
    return list(found.items())


def base_of(cells: Cells, base: str) -> np.ndarray:
    """The numbers that shares are of, as they came in; the families of the row where one is not known."""
    families, numbers = cells.exact("n_families"), cells.exact(base)
    return np.asarray(np.where(np.isnan(numbers), families, numbers))


def hide_extremes(cells: Cells) -> None:
    """Suppress smallest and largest values: each is the value of one family."""
    for column in cells.numbers:
        cells.hide(cells.where(column, lambda about: about.meaning in OF_ONE), column)
    if any(cells.about(key).meaning in OF_ONE for key in cells.keys):
        cells.hide_rows(cells.every_row())


def hide_outer_quantiles(cells: Cells, minimum: int) -> None:
    """Suppress quantiles with fewer than ``minimum`` families on one side: a 10th percentile needs 100.

    The families beyond a quantile are a cell of a table like any other.
    """
    families = cells.exact("n_families")
    for column in cells.numbers:
        for about, rows in cells.meanings(column):
            if about.at is not None:
                beyond = families * min(about.at, 1 - about.at)
                cells.hide(rows & ~(beyond >= minimum - 1e-9), column)


def hide_implied_counts(cells: Cells, rows: np.ndarray, minimum: int, *, least: float = 0.5) -> None:
    """Suppress shares that, times their number, give a small count (or leave one): 4 % of 50 is 2.

    ``least``: what counts as more than none; estimated shares (of drop-out, say) are of no whole numbers.
    """
    for column in cells.numbers:
        for base, shares in shares_in(cells, column):
            number, share = base_of(cells, base), cells.data[column]
            count, rest = share * number, (1 - share) * number
            # Half a family of slack, since a share may be of families or of their episodes.
            implied = [(one > least) & (one < minimum - 0.5) for one in (count, rest)]
            hide_share(cells, rows & shares & np.logical_or(*implied), column)
