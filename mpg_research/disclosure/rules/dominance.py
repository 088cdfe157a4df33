"""Amounts of money: what one family makes up is hidden, what it would follow from too, and the rest rounded.

Two rules of official statistics say of which sums one contribution can be told. By the p % rule a sum is
sensitive where the family with the second largest contribution, which knows its own, could tell the largest
one to within p %: from the sum it takes its own off, and what is left is the largest and all others. By the
(n, k) rule, with n = 1, it is sensitive where the largest makes up more than k % of it. Contributions below
zero count without their sign. Both numbers are settings of ``[disclosure]``; the defaults are ours.

References
----------
Hundepool A, Domingo-Ferrer J, Franconi L, et al. (2012). Statistical Disclosure Control. Chichester: Wiley,
section 4.2 (p % and dominance rules; contributions below zero). https://doi.org/10.1002/9781118348239
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from mpg_research.analysis.columns import Column
from mpg_research.arrays import FloatArray
from mpg_research.disclosure.audience import DisclosurePolicy
from mpg_research.disclosure.rules.cells import Cells, mask_of
from mpg_research.disclosure.rules.complementary_suppression import places_of, rows_to_cover

__all__ = ["P_PERCENT", "cover_dominated", "dominated", "hide_dominated", "round_money"]

#: To within how much nobody may be able to tell another's contribution; our own choice.
P_PERCENT = 10.0


def dominated(
    total: FloatArray,
    largest: FloatArray,
    second: FloatArray,
    *,
    p_percent: float = P_PERCENT,
    largest_percent: float = 100.0,
) -> np.ndarray:
    """Which sums give their largest contribution away.

    Parameters
    ----------
    total, largest, second : ndarray of float, shape (n_rows,)
        Sums of contributions that are zero or more, and the two largest of them.
    p_percent : float
        How close the largest may be told, as a percentage of it.
    largest_percent : float
        Of how much of the sum the largest may be, as a percentage of it; at 100 this rule says nothing.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True as well where a number is missing, or the three cannot belong together. A sum of nothing but
        zeros says of every family that it has none, and is given away too.

    Examples
    --------
    >>> import numpy as np
    >>> dominated(np.array([100.0, 100.0]), np.array([80.0, 30.0]), np.array([15.0, 25.0]))
    array([ True, False])
    >>> dominated(np.array([100.0]), np.array([60.0]), np.array([5.0]), largest_percent=50.0)
    array([ True])
    """
    others = total - largest - second
    is_sound = (largest >= second) & (second >= 0) & (others >= -1e-9 * np.abs(total))
    is_safe = (others >= p_percent / 100 * largest) & (largest <= largest_percent / 100 * total)
    return np.asarray(~(is_sound & (largest > 0) & is_safe))


def hide_dominated(cells: Cells, policy: DisclosurePolicy) -> None:
    """Suppress rows with a sum of money that one family makes up, and amounts of which that is not known.

    The whole row goes, so that what covers for hidden rows covers for the sum as well. An amount that is
    neither a sum with its two largest contributions, nor computed from one, is not shown at all.

    Parameters
    ----------
    cells : Cells
        Any table.
    policy : DisclosurePolicy
        With the numbers of the two rules.
    """
    somebody = cells.exact("n_families") != 0
    for column in cells.numbers:
        for about, rows in cells.meanings(column):
            if about.is_total:
                parts = _parts_of(cells, column, about)
                if parts is None:
                    cells.hide_rows(rows)
                    continue
                found = rows & somebody & _is_sensitive(*parts, policy)
                fresh = found & ~cells.hidden()
                cells.has_dominated |= bool(fresh.any())
                cells.has_complement |= bool(fresh.any())
                cells.hide_rows(found)
            elif about.meaning == "money" and not _comes_from_a_total(cells, about, {column}):
                cells.hide(rows, column)


def _is_sensitive(
    total: FloatArray, largest: FloatArray, second: FloatArray, policy: DisclosurePolicy
) -> np.ndarray:
    return dominated(
        total, largest, second,
        p_percent=policy.dominance_within_percent, largest_percent=policy.dominance_largest_percent,
    )  # fmt: skip


def _parts_of(cells: Cells, column: str, about: Column) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """The sum without signs, and its two largest contributions; None where they are not in the table."""
    if len(about.largest) not in (2, 3) or not set(about.largest) <= set(cells.numbers):
        return None
    total = about.largest[2] if len(about.largest) == 3 else column
    times = cells.exact("n_families") if about.per_family else 1.0
    total_of, largest, second = (cells.exact(name) * times for name in (total, *about.largest[:2]))
    return total_of, largest, second


def _comes_from_a_total(cells: Cells, about: Column, seen: set[str]) -> bool:
    """Whether a number is another form of sums in the table, or follows one of another table."""
    if about.is_total or about.follows:
        return True
    sources = [name for name in (about.about, *about.minus, *about.ratio_of) if name and name not in seen]
    known = [name for name in sources if name in cells.numbers and cells.about(name).is_amount]
    return any(_comes_from_a_total(cells, cells.about(name), seen | {name}) for name in known)


def cover_dominated(tables: Mapping[str, Cells], policy: DisclosurePolicy) -> bool:
    """Hide further rows where the sum of the hidden ones, which a total leaves, would be dominated itself.

    Parameters
    ----------
    tables : mapping of str to Cells
        Of one result; rows that are sensitive themselves, or too small, are hidden already.
    policy : DisclosurePolicy
        With the numbers of the rule.

    Returns
    -------
    bool
        Whether anything was hidden.

    Notes
    -----
    Rows are taken by the order of their organisations, which hangs on their keys alone, else the nearest
    first. Where rows are organisations each knows its own sum: what is left without it must be safe as well.
    Where a family can be in several rows (months, payers), it is taken to be the largest in each.
    """
    changed = [_cover(cells, policy) for cells in tables.values()]
    return any(changed)


def _cover(cells: Cells, policy: DisclosurePolicy) -> bool:
    parts = sorted(column.name for column in cells.table.columns if column.adds_up)
    totals = [
        (column, known)
        for column in cells.numbers
        for about, _ in cells.meanings(column)
        if about.is_total and (known := _parts_of(cells, column, about)) is not None
    ]
    ways = [way for size in range(1, len(parts) + 1) for way in combinations(parts, size)] if totals else []
    before = cells.hidden().sum()
    changed = bool(ways)
    while changed:
        changed = False
        for way in ways:
            others = [key for key in cells.keys if key not in way]
            for column, known in totals:
                for rows in cells.groups(others):
                    changed |= _cover_group(cells, rows, way, column, known, policy)
    return bool(cells.hidden().sum() > before)


def _cover_group(
    cells: Cells,
    rows: np.ndarray,
    way: Sequence[str],
    column: str,
    known: tuple[FloatArray, FloatArray, FloatArray],
    policy: DisclosurePolicy,
) -> bool:
    """One group of rows that adds up to a total; whether more of it is hidden now."""
    somebody = cells.exact("n_families")[rows] != 0
    hidden = [int(row) for row in rows[cells.hidden(column)[rows] & somebody]]
    free = [int(row) for row in rows[~cells.hidden(column)[rows] & somebody]]
    if not hidden or not free:
        return False
    organisation = next((key for key in way if key in cells.table.organisation_columns), None)
    if organisation is not None:
        place = places_of(cells, organisation)
        free.sort(key=lambda row: place[row])
    else:
        free.sort(key=lambda row: min(abs(row - other) for other in hidden))
    together = all(cells.about(key).adds_up == "families" for key in way)

    def is_open(rest: list[int]) -> bool:
        return bool(_is_sensitive(*_union(known, rest, together=together), policy)[0])

    chosen = rows_to_cover(hidden, free, is_open, each_knows_its_own=organisation is not None)
    if chosen:
        cells.hide_rows(mask_of(np.array(chosen), cells.length))
        cells.has_complement = True
    return bool(chosen)


def _union(
    known: tuple[FloatArray, FloatArray, FloatArray], rows: list[int], *, together: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Several rows as one: its sum and its two largest contributions, no smaller than they can be."""
    total, largest, second = (part[rows] for part in known)
    if not together:  # the same family may be the largest of each
        return total.sum(keepdims=True), largest.sum(keepdims=True), second.sum(keepdims=True)
    ordered = np.sort(np.concatenate([largest, second]))[::-1]
    return total.sum(keepdims=True), ordered[:1], ordered[1:2]


def round_money(cells: Cells, base: int) -> None:
    """Round every amount to a multiple of ``base``, and what is computed from two amounts with them.

    The lower end of an interval goes down, the upper end and errors go up: an interval never claims more than
    it did, and holds its rounded estimate.

    Parameters
    ----------
    cells : Cells
        What is to be shown of a table.
    base : int
        In euros.
    """
    exact: dict[str, FloatArray] = {}
    for column in cells.numbers:
        for about, rows in cells.meanings(column):
            if not about.is_amount or about.meaning in ("setting", "extreme", "family"):
                continue
            exact.setdefault(column, cells.data[column])
            steps = np.round(cells.data[column] / base, 9)
            up = about.ends == "high" or about.is_error
            whole = (
                np.ceil(steps) if up else np.floor(steps) if about.ends == "low" else np.floor(steps + 0.5)
            )
            cells.put(rows & np.isfinite(steps) & (steps != 0), column, whole * base + 0.0, mark=True)
    for column in exact:
        parts = cells.about(column).minus
        if parts and {*parts} <= set(exact) and not cells.about(column).ends:
            apart = cells.data[parts[0]] - cells.data[parts[1]]
            true = np.isclose(exact[parts[0]] - exact[parts[1]], exact[column], rtol=1e-6, atol=1e-6)
            cells.put(true & np.isfinite(apart), column, apart, mark=True)
