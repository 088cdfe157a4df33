"""What a run chart could have seen: the power of its two rules against a drift and against a step."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.run_chart import FEWEST_POINTS, run_limits

__all__ = ["RunPower", "RunReach", "run_power", "run_reach"]


#: Series behind each number: a share of .5 is known to within .014.
_SERIES = 5_000
#: The share of charts in which a change counts as one that a chart would have seen.
_SEEN = 0.8
#: Larger changes than this, in standard deviations of a point, are not looked for.
_LARGEST = 32.0
_STEPS = 9


@dataclass(frozen=True, slots=True)
class RunPower:
    """Share of run charts that give a signal, each between 0 and 1.

    Attributes
    ----------
    drift : float
        Where the results move evenly, by this much in all from the first point to the last.
    step : float
        Where they move at once, halfway.
    """

    drift: float
    step: float


@dataclass(frozen=True, slots=True)
class RunReach:
    """Changes that 80 of 100 run charts would have seen, in standard deviations of a point.

    Attributes
    ----------
    drift : float
        From the first point to the last; NaN where no drift is seen so often.
    step : float
    """

    drift: float
    step: float


def run_power(n_points: int, change: float) -> RunPower:
    """How often a run chart gives a signal when the results do change.

    Parameters
    ----------
    n_points : int
        Points of the chart.
    change : float
        Between the first and the last point, in standard deviations of a single point around its own
        expectation; 0 gives the false alarms.

    Notes
    -----
    By simulation of independent normal points, the same draws for every size, so that the result is always
    the same and grows with the size but for ties. Rules as in
    :func:`~mpg_research.statistics.run_chart.run_signals`.

    Examples
    --------
    >>> run_power(10, 1.5).drift < 0.1 < run_power(10, 1.5).step < 0.3
    True
    """
    if n_points < FEWEST_POINTS or not np.isfinite(change):
        return RunPower(0.0, 0.0)
    return RunPower(
        _share(n_points, float(change), kind="drift"), _share(n_points, float(change), kind="step")
    )


@lru_cache(maxsize=256)
def run_reach(n_points: int) -> RunReach:
    """The smallest drift and step that 80 of 100 run charts of so many points would have seen.

    Examples
    --------
    >>> run_reach(24).step < run_reach(24).drift < run_reach(12).drift
    True
    """
    if n_points < FEWEST_POINTS:
        return RunReach(float("nan"), float("nan"))
    return RunReach(_smallest(n_points, "drift"), _smallest(n_points, "step"))


def _smallest(n_points: int, kind: str) -> float:
    low, high = 0.0, _LARGEST
    if _share(n_points, high, kind=kind) < _SEEN:
        return float("nan")
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _share(n_points, middle, kind=kind) >= _SEEN else (middle, high)
    return high


@lru_cache(maxsize=1024)
def _share(n_points: int, change: float, *, kind: str) -> float:
    time = np.linspace(0.0, 1.0, n_points)
    expected = change * (time if kind == "drift" else (time >= 0.5).astype(float))
    noise = np.random.default_rng(n_points).standard_normal((_SERIES, n_points))
    return float(_signals(noise + expected).mean())


def _signals(series: FloatArray) -> NDArray[np.bool_]:
    """Whether each series, shape (m, n), without ties, breaks one of the rules, shape (m,)."""
    n = series.shape[1]
    apart = series - np.median(series, axis=1)[:, None]
    if n % 2:
        # The middle point is the median itself and does not count.
        beside = np.ones(series.shape, dtype=bool)
        beside[np.arange(len(series)), np.abs(apart).argmin(axis=1)] = False
        apart, n = apart[beside].reshape(len(series), n - 1), n - 1
    changes = np.diff(apart > 0, axis=1)
    run = longest = np.ones(len(series), dtype=int)
    for column in changes.T:
        run = np.where(column, 1, run + 1)
        longest = np.maximum(longest, run)
    allowed, needed = run_limits(n)
    found: NDArray[np.bool_] = (longest > allowed) | (changes.sum(axis=1) < needed)
    return found
