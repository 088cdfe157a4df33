"""Which further rows are hidden, so that no small number follows from a total by subtraction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from mpg_research.disclosure.rules.cells import Cells, mask_of
from mpg_research.disclosure.rules.following import hide_share
from mpg_research.disclosure.rules.labels import stable_order
from mpg_research.disclosure.rules.organisation_rules import deviations, stands_for_whole, times_of
from mpg_research.disclosure.rules.small_numbers import base_of, shares_in

__all__ = [
    "cover_each_month",
    "cover_groups",
    "cover_organisations",
    "cover_shares",
    "cover_small_rows",
    "places_of",
    "rows_to_cover",
]


def cover_small_rows(
    small: np.ndarray,
    families: np.ndarray,
    minimum: int,
    *,
    order: Sequence[int],
    each_knows_its_own: bool = False,
) -> np.ndarray:
    """Rows to hide beside the small ones, until no small number can be computed from the total.

    A reader who knows the total knows the sum of the hidden numbers. Hidden are at least two with a sum
    above ``minimum``, so that a small number stands beside one that may be small or not. Which rows cover
    must not hang on their numbers (a cover known to be the smallest has an upper limit, and the small
    number beside it a lower one): that is why the order comes from outside.

    Parameters
    ----------
    small : ndarray of bool, shape (n_rows,)
        Rows that are hidden because they are small.
    families : ndarray of float, shape (n_rows,)
        The numbers that add up to a total shown elsewhere.
    minimum : int
        Smallest number that may be shown.
    order : sequence of int
        All rows, in the order in which they are taken to cover.
    each_knows_its_own : bool
        Whether each hidden row has a reader who knows its number (rows are organisations): then the
        rest must stay hidden from each of them.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        The covering rows.
    """
    counts = np.nan_to_num(np.asarray(families, dtype=float))
    hidden = [int(row) for row in np.flatnonzero(small)]
    candidates = [int(row) for row in order if not small[row] and counts[row] > 0]

    def is_open(rest: list[int]) -> bool:
        return bool(sum(counts[row] for row in rest) <= minimum)

    cover = rows_to_cover(hidden, candidates, is_open, each_knows_its_own=each_knows_its_own)
    return mask_of(np.array(cover, dtype=int), len(counts))


def rows_to_cover(
    hidden: Sequence[int],
    candidates: Iterable[int],
    is_open: Callable[[list[int]], bool],
    *,
    each_knows_its_own: bool,
) -> list[int]:
    """The first candidates that must be hidden too, until the hidden rows together say nothing of one.

    Parameters
    ----------
    hidden : sequence of int
        Rows that are hidden already; without any, nothing covers.
    candidates : iterable of int
        Other rows, in the order in which they are taken.
    is_open : callable
        Whether two or more rows of which a reader knows the sum would be too few or too small. One row alone
        always is.
    each_knows_its_own : bool
        Whether each hidden row has a reader who takes its number off that sum.

    Returns
    -------
    list of int
    """
    cover: list[int] = []
    left = list(candidates) if hidden else []
    while left:
        knowers = [None, *hidden, *cover] if each_knows_its_own else [None]
        known = ([row for row in (*hidden, *cover) if row != knower] for knower in knowers)
        if not any(len(rest) < 2 or is_open(rest) for rest in known):
            break
        cover.append(left.pop(0))
    return cover


def cover_groups(cells: Cells, parts: Sequence[str], minimum: int) -> None:
    """Hide covering rows in every group of rows that adds up to a total, for each way of adding up."""
    keys = [key for key in cells.keys if cells.about(key).ends != "high"]
    ways = {frozenset(way) for size in range(1, len(parts) + 1) for way in combinations(parts, size)}
    changed = True
    while changed:
        changed = False
        for way in sorted(ways, key=sorted):
            others = [key for key in keys if key not in way]
            knows = bool(way & set(cells.table.organisation_columns))
            changed |= _cover_each_group(cells, others, minimum, each_knows_its_own=knows)


def _cover_each_group(cells: Cells, others: list[str], minimum: int, *, each_knows_its_own: bool) -> bool:
    families = cells.exact("n_families")
    before, cover = cells.hidden(), cells.no_row()
    for rows in cells.groups(others):  # no row is in two of them
        hidden = before[rows]
        if not hidden.any() or hidden.all() or len(rows) == 1:
            continue
        small = hidden & ~(families[rows] >= minimum)
        basis = small if small.any() else hidden
        distance = np.abs(np.subtract.outer(np.arange(len(rows)), np.flatnonzero(basis))).min(axis=1)
        order = np.argsort(distance, kind="stable").tolist()
        extra = cover_small_rows(
            basis, families[rows], minimum, order=order, each_knows_its_own=each_knows_its_own
        )
        cover[rows] = extra & ~hidden
    if cover.any():
        cells.hide_rows(cover)
        cells.has_complement = True
    return bool(cover.any())


def cover_each_month(cells: Cells, minimum: int) -> None:
    """Within each month organisations add up to the observed course of all: hide enough of them."""
    column = cells.table.organisation_columns[0]
    place = places_of(cells, column)
    families = cells.exact("n_families")
    hidden, cover = cells.hidden(), cells.no_row()
    for rows in cells.groups(times_of(cells)):  # no row is in two of them
        small = hidden[rows]
        order = np.argsort(place[rows]).tolist()
        cover[rows] = cover_small_rows(small, families[rows], minimum, order=order, each_knows_its_own=True)
    if cover.any():
        cells.hide_rows(cover)
        cells.has_complement = True


def cover_shares(cells: Cells, minimum: int) -> None:
    """Within each group organisations add up to the share of all: hide enough shares beside those hidden."""
    if len(cells.table.organisation_columns) != 1:
        return
    organisation = cells.table.organisation_columns[0]
    place = places_of(cells, organisation)
    groups = cells.groups([key for key in cells.keys if key != organisation])
    for column in cells.numbers:
        for base, chosen in shares_in(cells, column):
            size = base_of(cells, base)
            share = cells.exact(column)
            counts = np.where(chosen, np.minimum(share * size, (1 - share) * size), np.nan)
            hidden, cover = cells.hidden(column), cells.no_row()
            for rows in groups:  # no row is in two of them
                small = hidden[rows] & chosen[rows]
                order = np.argsort(place[rows]).tolist()
                cover[rows] = cover_small_rows(
                    small, counts[rows], minimum, order=order, each_knows_its_own=True
                )
            if cover.any():
                hide_share(cells, cover, column)
                cells.has_complement = True


def places_of(cells: Cells, column: str) -> np.ndarray:
    """The place of each row's organisation in the order of being taken for cover, shape (n_rows,)."""
    place = {key: number for number, key in enumerate(stable_order(cells.data[column]))}
    return np.array([place[key] for key in cells.data[column]], dtype=int)


def cover_organisations(tables: Mapping[str, Cells], minimum: int) -> frozenset[str]:
    """Organisations whose counts are hidden, since with them that of a small one could be computed.

    The same ones in every table, result and report: the order hangs on their keys alone, neither on
    who reads nor on anything else in the study, so that releases laid side by side hide the same ones.
    """
    sizes: dict[str, float] = {}
    smallest: dict[str, float] = {}
    for cells in tables.values():
        if not stands_for_whole(cells) or deviations(cells):
            continue
        column = cells.table.organisation_columns[0]
        families = cells.exact("n_families")
        for key, number in zip(cells.data[column], np.nan_to_num(families), strict=True):
            sizes[key] = max(number, sizes.get(key, 0.0))
            if number > 0:
                smallest[key] = min(number, smallest.get(key, np.inf))
    keys = sorted(sizes)
    small = np.array([smallest.get(key, np.inf) < minimum for key in keys], dtype=bool)
    if not small.any():
        return frozenset()
    counts = np.where(small, [smallest.get(key, 0.0) for key in keys], [sizes[key] for key in keys])
    order = [keys.index(key) for key in stable_order(keys)]
    cover = cover_small_rows(small, counts, minimum, order=order, each_knows_its_own=True)
    return frozenset(key for key, hide in zip(keys, small | cover, strict=True) if hide)
