"""Totals that stand side by side: the sample flow and the overview must not differ by a few families."""

from collections.abc import Mapping

import numpy as np

from mpg_research.disclosure.cells import Cells, mask_of
from mpg_research.disclosure.cover import times_of
from mpg_research.disclosure.released import ROUNDED, SUPPRESSED
from mpg_research.disclosure.rounding import round_counts

__all__ = ["FLOW", "OVERVIEW", "blur_flow", "protect_totals"]

FLOW, OVERVIEW = "sample_flow", "overview"


def blur_flow(cells: Cells, minimum: int) -> None:
    """Round steps of the sample flow, so that no two differ by 1 to ``minimum`` - 1 families.

    The last step (what was analysed) stays exact. The families and periods of help of a step that comes
    too close to the next exact one are rounded and marked so. A step listed twice is shown once.
    """
    once = [row for row in range(len(cells.data)) if row == 0 or not _same(cells, row - 1, row)]
    cells.data = cells.data.iloc[once].reset_index(drop=True)
    cells.marks = cells.marks.iloc[once].reset_index(drop=True)
    for column in ("n_families", "n_episodes"):
        if column not in cells.data.columns:
            continue
        numbers = cells.data[column].to_numpy(dtype=float)
        exact = shown = np.nan
        for row in reversed(range(len(numbers))):
            number = numbers[row]
            if not np.isfinite(number):
                continue
            if not np.isfinite(exact) or all(_far_apart(number, near, minimum) for near in (exact, shown)):
                exact = shown = number
                continue
            shown = _rounded(number, exact, shown, minimum)
            cells.data.loc[row, column] = shown
            cells.marks.loc[row, column] = ROUNDED


def _rounded(number: float, exact: float, shown: float, minimum: int) -> float:
    """To tens, or to whole steps from the exact number where tens would come too close to what is shown."""
    tens = 10 * float(np.floor(number / 10 + 0.5))
    if tens > exact and all(_far_apart(tens, near, minimum) for near in (exact, shown)):
        return tens
    step = max(10, minimum)
    return float(exact + step * np.floor((number - exact) / step + 0.5))


def _same(cells: Cells, first: int, second: int) -> bool:
    one, two = cells.data.iloc[first], cells.data.iloc[second]
    return bool(((one == two) | (one.isna() & two.isna())).all())


def _far_apart(first: float, second: float, minimum: int) -> bool:
    difference = abs(first - second)
    return bool(difference == 0 or difference >= minimum)


def protect_totals(tables: Mapping[str, Cells], minimum: int, *, round_steps: bool) -> None:
    """Round totals of a result to tens where two of them would give away a small number by subtraction.

    Parameters
    ----------
    tables : mapping of str to Cells
        Tables without organisation columns. The sample flow goes first: its numbers of families stay
        exact, and those elsewhere that come too close to one of them are rounded.
    minimum : int
        Smallest number that may be shown.
    round_steps : bool
        Whether to round the measurements of every step of the flow but the last.
    """
    flow, overview = tables.get(FLOW), tables.get(OVERVIEW)
    people, measurements = _Exact(minimum), _Exact(minimum)
    hidden_parts = overview is not None and _hides_measurements(overview)
    if flow is not None and len(flow.data):
        _protect_flow(flow, people, measurements, round_steps=round_steps or hidden_parts)
    if overview is not None:
        _protect_overview(overview, people, measurements, round_all=hidden_parts)
    for name, cells in tables.items():
        parts = [column.adds_up == "families" for column in cells.table.columns]
        is_total = not times_of(cells.table) and not any(parts)
        if name not in (FLOW, OVERVIEW) and is_total:
            _protect_column(cells, "n_families", people)


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
    rows = np.array([str(name).startswith("measurements") for name in overview.data["quantity"]], dtype=bool)
    return bool((rows & (overview.marks["value"] == SUPPRESSED).to_numpy()).any())


def _protect_flow(flow: Cells, people: _Exact, measurements: _Exact, *, round_steps: bool) -> None:
    last = len(flow.data) - 1
    for number, mark in zip(flow.data["n_families"], flow.marks["n_families"], strict=True):
        if mark != ROUNDED:
            people.admits(float(number))
    for row in range(last, -1, -1):
        here = mask_of(np.array([row]), last + 1)
        exact = "n_episodes" in flow.data and flow.marks["n_episodes"].iloc[row] != ROUNDED
        if exact and not people.admits(float(flow.data["n_episodes"].iloc[row])):
            round_counts(flow, here, "n_episodes")
        if "n_measurements" not in flow.data:
            continue
        exact = measurements.admits(float(flow.data["n_measurements"].iloc[row]))
        if not exact or (round_steps and row != last):
            round_counts(flow, here, "n_measurements")


def _protect_overview(overview: Cells, people: _Exact, measurements: _Exact, *, round_all: bool) -> None:
    for row, quantity in enumerate(str(name) for name in overview.data["quantity"]):
        here = mask_of(np.array([row]), len(overview.data))
        value = float(overview.data["value"].iloc[row])
        counts_people = quantity.split("_")[0] in ("families", "episodes")
        close = counts_people and not people.admits(value)
        if quantity.startswith("measurements"):
            close = not measurements.admits(value) or round_all
        if close:
            round_counts(overview, here, "value")
        if not people.admits(float(overview.data["n_families"].iloc[row])):
            round_counts(overview, here, "n_families")


def _protect_column(cells: Cells, column: str, exact: _Exact) -> None:
    for row, number in enumerate(cells.data[column].to_numpy(dtype=float)):
        if not exact.admits(float(number)):
            round_counts(cells, mask_of(np.array([row]), len(cells.data)), column)
