"""Totals that stand side by side: the sample flow and the overview must not differ by a few families."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.rules.cells import Cells, counting, mask_of
from mpg_research.disclosure.rules.organisation_rules import times_of
from mpg_research.disclosure.rules.rounding import round_counts, rounding_step

__all__ = ["FLOW", "OVERVIEW", "blur_flow", "protect_totals", "tell_once"]

FLOW, OVERVIEW = "sample_flow", "overview"
#: What counts people: families, or their periods of help.
PEOPLE = ("families", "episodes")


def tell_once(cells: Cells) -> None:
    """A step of the sample flow that is listed twice is shown once."""
    once = [row for row in range(cells.length) if row == 0 or not _same(cells, row - 1, row)]
    cells.take(np.array(once, dtype=int))


def blur_flow(cells: Cells, minimum: int, *, throughout: bool) -> None:
    """Round the sample flow, where two of its steps differ by 1 to ``minimum`` - 1 families.

    Never so that numbers of two kinds are to be compared ("read about 380, analysed 375"): ``throughout``,
    for readers outside, rounds all steps of the column; otherwise the last step (what was analysed) stays
    exact, and steps that come too close lie whole tens above the exact one after them.
    """
    for column in _people(cells):
        numbers = cells.data[column]
        if not throughout:
            _blur_backwards(cells, column, minimum)
        elif not _all_apart(numbers, minimum):
            round_counts(cells, np.isfinite(numbers), column, minimum)


def _blur_backwards(cells: Cells, column: str, minimum: int) -> None:
    """From the last step up: exact where it is far from all shown below it, else whole tens above them."""
    numbers, step = cells.data[column], float(rounding_step(minimum))
    exact = shown = np.nan
    for row in reversed(range(len(numbers))):
        number = numbers[row]
        if not np.isfinite(number):
            continue
        if not np.isfinite(exact) or all(_far_apart(number, near, minimum) for near in (exact, shown)):
            exact = shown = number
            continue
        shown = float(exact + step * np.floor((number - exact) / step + 0.5))
        here = mask_of(np.array([row]), cells.length)
        cells.put(here, column, np.full(cells.length, shown), mark=True)


def _all_apart(numbers: np.ndarray, minimum: int) -> bool:
    known = np.sort(numbers[np.isfinite(numbers) & (numbers > 0)])
    return all(_far_apart(first, second, minimum) for first, second in pairwise(known))


def _same(cells: Cells, first: int, second: int) -> bool:
    pairs = [(values[first], values[second]) for values in cells.data.values()]
    return all(one == two or (pd.isna(one) and pd.isna(two)) for one, two in pairs)


def _far_apart(first: float, second: float, minimum: int) -> bool:
    difference = abs(first - second)
    return bool(difference == 0 or difference >= minimum)


def protect_totals(
    tables: Mapping[str, Cells], minimum: int, *, flow: ResultTable | None = None, round_steps: bool
) -> None:
    """Round totals of a result where two of them would give away a small number by subtraction.

    A number that is rounded in the sample flow is rounded wherever else it stands: the same number is written
    in one way on a page.

    Parameters
    ----------
    tables : mapping of str to Cells
        Tables without organisation columns. The sample flow goes first: its numbers of families stay as they
        are, and those elsewhere that come too close to an exact one of them are rounded.
    minimum : int
        Smallest number that may be shown.
    flow : ResultTable or None
        The sample flow as it came in.
    round_steps : bool
        Whether to round the measurements of the flow.
    """
    steps, overview = tables.get(FLOW), tables.get(OVERVIEW)
    people, measurements = _Exact(minimum), _Exact(minimum)
    hidden_parts = overview is not None and _hides_measurements(overview)
    rounded: set[float] = set()
    if steps is not None and steps.length:
        _protect_flow(steps, people, measurements, minimum, throughout=round_steps or hidden_parts)
        rounded = _rounded_in(steps, flow) if round_steps else set()
    if overview is not None:
        _round_the_same(overview, rounded, minimum)
        _protect_overview(overview, people, measurements, round_all=hidden_parts)
    for name, cells in tables.items():
        if name in (FLOW, OVERVIEW):
            continue
        _round_the_same(cells, rounded, minimum)
        parts = [column.adds_up == "families" for column in cells.table.columns]
        if not times_of(cells) and not any(parts):
            _protect_column(cells, "n_families", people)


def _rounded_in(steps: Cells, flow: ResultTable | None) -> set[float]:
    """Numbers of families and of their periods that the flow shows rounded, as they were."""
    if flow is None:
        return set()
    found: set[float] = set()
    for column in _people(steps):
        if steps.rounded(column).any():
            found |= {float(number) for number in flow.data[column].dropna()}
    return found


def _people(cells: Cells) -> list[str]:
    """The columns that count people in some row."""
    return [column for column in cells.numbers if counting(cells, column, *PEOPLE).any()]


def _round_the_same(cells: Cells, rounded: set[float], minimum: int) -> None:
    for column in _people(cells):
        rows = np.isin(cells.data[column], list(rounded)) & ~cells.rounded(column)
        rows &= counting(cells, column, *PEOPLE)
        if rows.any():
            round_counts(cells, rows, column, minimum)


class _Exact:
    """Numbers already shown as they are; a new one may equal them but not come close."""

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.numbers: set[float] = set()

    def admits(self, number: float) -> bool:
        if not np.isfinite(number) or number == 0:
            return True
        if all(_far_apart(number, other, self.minimum) for other in self.numbers):
            self.numbers.add(number)
            return True
        return False


def _hides_measurements(overview: Cells) -> bool:
    rows = counting(overview, "value", "measurements")
    return bool((rows & overview.hidden("value")).any())


def _protect_flow(
    flow: Cells, people: _Exact, measurements: _Exact, minimum: int, *, throughout: bool
) -> None:
    """What comes too close is rounded, ``throughout`` its whole column; what stays exact is kept in mind."""
    last = flow.length - 1
    every = np.ones(last + 1, dtype=bool)
    for number in flow.data["n_families"][~flow.rounded("n_families")]:
        people.admits(float(number))
    for row in range(last, -1, -1):
        here = mask_of(np.array([row]), last + 1)
        exact = "n_episodes" in flow.data and not flow.rounded("n_episodes")[row]
        if exact and not people.admits(float(flow.data["n_episodes"][row])):
            round_counts(flow, every if throughout else here, "n_episodes", minimum)
    if "n_measurements" not in flow.data:
        return
    numbers = flow.data["n_measurements"][::-1].tolist()
    close = np.array([not measurements.admits(number) for number in numbers][::-1])
    if throughout and last > 0:
        measurements.numbers.clear()
        round_counts(flow, every, "n_measurements", minimum)
    elif close.any():
        round_counts(flow, close, "n_measurements", minimum)


def _protect_overview(overview: Cells, people: _Exact, measurements: _Exact, *, round_all: bool) -> None:
    of_people, of_measurements = (
        counting(overview, "value", *kinds) for kinds in (PEOPLE, ("measurements",))
    )
    for row in range(overview.length):
        here = mask_of(np.array([row]), overview.length)
        value = float(overview.data["value"][row])
        close = bool(of_people[row]) and not people.admits(value)
        if of_measurements[row]:
            close = not measurements.admits(value) or round_all
        if close:
            round_counts(overview, here, "value", people.minimum)
        if not people.admits(float(overview.data["n_families"][row])):
            round_counts(overview, here, "n_families", people.minimum)


def _protect_column(cells: Cells, column: str, exact: _Exact) -> None:
    for row, number in enumerate(cells.data[column]):
        if not exact.admits(float(number)):
            round_counts(cells, mask_of(np.array([row]), cells.length), column, exact.minimum)
