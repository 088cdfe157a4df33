"""What a reader could work out of hidden counts: the range that everything released leaves for each.

An attacker's view, independent of the rules of the gate: every released number is an interval (a rounded
count stands for several), everything that adds up is an equation, and linear programming says between which
values each hidden count must lie. A release holds if every count from 1 to the minimum less 1 stays possible
wherever a small count was hidden.

The method is that of the auditing step of statistical disclosure control: Fischetti and Salazar-Gonzalez
(2001), Solving the cell suppression problem on tabular data with linear constraints, Management Science 47.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.disclosure.audience import DisclosurePolicy
from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, Released, ReleasedTable
from mpg_research.disclosure.rules.rounding import RoundingRule, rounding_step

__all__ = ["HiddenCount", "hidden_counts", "open_counts", "quick_ranges"]

#: Tables of organisations, and the tables of the same result with the same rows for all of them together.
_TOGETHER = {
    "by_cohort": "all_by_cohort",
    "shares_by_organisation": "shares",
    "merged_by_organisation": "merged",
}
_UNKNOWN = (0.0, np.inf)
#: Times that all sums are gone through; a handful is enough for sums of sums.
_ROUNDS = 25
#: A name for the families of one organisation, whatever table says how many there are.
Cell = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class HiddenCount:
    """A suppressed number of families, and what a reader knows of it.

    Attributes
    ----------
    result, table : str
        Where it stands.
    row : tuple
        The keys of its row.
    low, high : float
        Between which values it must lie by everything that was released; whole numbers.
    """

    result: str
    table: str
    row: Cell
    low: float
    high: float


@dataclass(slots=True)
class _Equations:
    """Bounds of numbers of families, and sums that hold between them."""

    bounds: dict[Cell, tuple[float, float]] = field(default_factory=dict)
    sums: list[tuple[tuple[Cell, ...], Cell]] = field(default_factory=list)
    hidden: dict[Cell, tuple[str, str, Cell]] = field(default_factory=dict)

    def know(self, cell: Cell, low: float, high: float) -> None:
        before = self.bounds.get(cell, _UNKNOWN)
        self.bounds[cell] = (max(low, before[0]), min(high, before[1]))


def hidden_counts(released: Iterable[Released]) -> list[HiddenCount]:
    """The range of every hidden number of families, by everything that was released to one reader.

    Parameters
    ----------
    released : iterable of Released
        All results of a study for one reader.

    Returns
    -------
    list of HiddenCount

    Raises
    ------
    RuntimeError
        If the released numbers contradict each other.
    """
    found: list[HiddenCount] = []
    for result in released:
        equations = _equations_of(result.kind, result.tables, result.policy)
        _propagate(equations)
        ranges = _ranges(equations)
        found += [HiddenCount(*where, *ranges[cell]) for cell, where in equations.hidden.items()]
    return found


def quick_ranges(
    kind: str, tables: Mapping[str, ReleasedTable], policy: DisclosurePolicy
) -> list[HiddenCount]:
    """The same for one result, each sum taken by itself again and again: no wider reader than that is met.

    What is open by this is open; two sums together may tell more, which :func:`hidden_counts` finds.

    Parameters
    ----------
    kind : str
        Of the result.
    tables : mapping of str to ReleasedTable
        What is to be released of it.
    policy : DisclosurePolicy
        With the rounding.

    Returns
    -------
    list of HiddenCount
    """
    equations = _equations_of(kind, tables, policy)
    bounds = _propagate(equations)
    return [HiddenCount(*where, *bounds[cell]) for cell, where in equations.hidden.items()]


def open_counts(found: Iterable[HiddenCount], minimum: int) -> list[HiddenCount]:
    """Those of which fewer values remain than every number from 1 to ``minimum`` - 1.

    Parameters
    ----------
    found : iterable of HiddenCount
        From :func:`hidden_counts`.
    minimum : int
        Smallest number that may be shown.

    Returns
    -------
    list of HiddenCount
        What cannot be small was hidden to cover others, and is never open.
    """
    return [one for one in found if one.low < minimum and (one.low > 1 or one.high < minimum - 1)]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is released of one result."""

    kind: str
    tables: Mapping[str, ReleasedTable]
    policy: DisclosurePolicy


def _equations_of(kind: str, tables: Mapping[str, ReleasedTable], policy: DisclosurePolicy) -> _Equations:
    equations, shown = _Equations(), _Shown(kind, tables, policy)
    for table in tables.values():
        _add_table(equations, shown, table)
    _add_totals(equations, shown)
    return equations


def _propagate(equations: _Equations) -> dict[Cell, tuple[float, float]]:
    """Bounds that follow from each sum and the bounds of its other parts, until nothing changes.

    A sum that what is released contradicts is none (families that are counted twice), and is taken out.
    """
    bounds = dict(equations.bounds)
    for parts, total in equations.sums:
        for name in (*parts, total):
            bounds.setdefault(name, _UNKNOWN)
    for _ in range(_ROUNDS):
        changed, held = False, []
        for parts, total in equations.sums:
            ends = [bounds[part] for part in parts]
            lowest = sum(low for low, _ in ends)
            endless = sum(1 for _, high in ends if high == np.inf)
            highest = sum(high for _, high in ends if high < np.inf)
            low, high = bounds[total]
            if lowest > high or (not endless and highest < low):
                changed = True
                continue
            held.append((parts, total))
            low, high = max(low, lowest), min(high, np.inf if endless else highest)
            found = {total: (low, high)}
            for part, (least, most) in zip(parts, ends, strict=True):
                open_others = endless - (most == np.inf)
                others = np.inf if open_others else highest - (most if most < np.inf else 0.0)
                found[part] = (max(least, low - others), min(most, high - (lowest - least)))
            for name, ends_now in found.items():
                if ends_now != bounds[name]:
                    bounds[name], changed = ends_now, True
        equations.sums = held
        if not changed:
            break
    return bounds


def _interval(value: float, mark: str, result: _Shown) -> tuple[float, float]:
    """Which counts a released number stands for."""
    if not np.isfinite(value):
        return _UNKNOWN
    if mark != ROUNDED:
        return value, value
    policy = result.policy
    step = policy.rounding or rounding_step(policy.minimum_families)
    return RoundingRule(step, policy.midpoint).stands_for(value)


def _add_table(equations: _Equations, result: _Shown, table: ReleasedTable) -> None:
    data = table._data
    keys = list(table.keys)
    whole = len(table.organisation_columns) == 1 and all(
        table.column(key).meaning in ("organisation", "time") for key in keys
    )
    if whole and len(keys) > 1:
        whole = bool(data.groupby(keys[0])["n_families"].nunique().max() <= 1)
    names = list(zip(*(data[key].tolist() for key in keys), strict=True)) if keys else [()] * len(data)
    marks = table._marks["n_families"].tolist()
    cells: list[Cell] = []
    for row, value, mark in zip(names, data["n_families"].tolist(), marks, strict=True):
        cell: Cell = ("whole", row[0]) if whole else (table.name, *row)
        equations.know(cell, *_interval(value, mark, result))
        if mark == SUPPRESSED:
            equations.hidden.setdefault(cell, (result.kind, table.name, row))
        cells.append(cell)
    _add_sums(equations, result, table, data, cells)


def _add_sums(
    equations: _Equations, result: _Shown, table: ReleasedTable, data: pd.DataFrame, cells: list[Cell]
) -> None:
    """Where every family is in one row of a group, the rows add up to the families of the group."""
    parted = [key for key in table.keys if table.column(key).adds_up == "families"]
    ways = [[key] for key in parted if key in table.organisation_columns]
    classes = [key for key in parted if key not in table.organisation_columns]
    ways += [classes] if classes else []
    with_group = "n_group" in data.columns
    groups_marks = table._marks["n_group"].tolist() if with_group else []
    groups_of = data["n_group"].tolist() if with_group else []
    for way in ways:
        others = [name for name in table.keys if name not in way]
        groups = data.groupby(others, sort=False, dropna=False).indices if others else {(): range(len(data))}
        complete = max((len(rows) for rows in groups.values()), default=0)
        for found, rows in groups.items():
            names = found if isinstance(found, tuple) else (found,)
            total: Cell = ("sum", table.name, *way, *names)
            if not len(rows) or len(rows) < complete:  # an organisation whose data end before has no row
                continue
            parts = tuple(dict.fromkeys(cells[row] for row in rows))
            equations.sums.append((parts, total))
            if way is classes and with_group:
                first = next(iter(rows))
                mark, value = str(groups_marks[first]), float(groups_of[first])
                equations.know(total, *_interval(value, mark, result))
            if way is not classes:
                together = _TOGETHER.get(table.name, "")
                if together in result.tables:
                    equations.sums.append(((total,), (together, *names)))
                if all(part[0] == "whole" for part in parts):
                    equations.sums.append(((total,), ("all",)))


def _add_totals(equations: _Equations, result: _Shown) -> None:
    """All families of the result: the last step of its flow."""
    flow = result.tables.get("sample_flow")
    if flow is None or not len(flow._data):
        return
    value, mark = float(flow._data["n_families"].iloc[-1]), str(flow._marks["n_families"].iloc[-1])
    equations.know(("all",), *_interval(value, mark, result))


def _ranges(equations: _Equations) -> dict[Cell, tuple[float, float]]:
    """The lowest and the highest number that each hidden count can have, by linear programming."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    names = dict.fromkeys(
        [*equations.bounds, *(name for parts, total in equations.sums for name in (*parts, total))]
    )
    place = {name: number for number, name in enumerate(names)}
    matrix: Any = None
    if equations.sums:
        entries = [
            (row, place[name], sign)
            for row, (parts, total) in enumerate(equations.sums)
            for name, sign in (*((part, 1.0) for part in parts), (total, -1.0))
        ]
        rows, columns, values = (list(each) for each in zip(*entries, strict=True))
        matrix = csr_array((values, (rows, columns)), shape=(len(equations.sums), len(place)))
    right = None if matrix is None else np.zeros(len(equations.sums))
    bounds = [equations.bounds.get(name, _UNKNOWN) for name in names]

    def end(cell: Cell, sign: float) -> float:
        aim = np.zeros(len(place))
        aim[place[cell]] = sign
        solved = linprog(aim, A_eq=matrix, b_eq=right, bounds=bounds, method="highs")
        if solved.status == 3:  # unbounded
            return float(np.inf)
        if solved.status != 0:
            raise RuntimeError(f"the released numbers contradict each other: {solved.message}")
        return sign * float(solved.fun or 0.0)

    return {
        cell: (float(np.ceil(end(cell, 1.0) - 1e-6)), float(np.floor(end(cell, -1.0) + 1e-6)))
        for cell in equations.hidden
    }
