"""Run charts: is a series of results more than chance around its median?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

__all__ = ["FEWEST_POINTS", "RunSignals", "run_limits", "run_signals"]

#: Fewer points than this say nothing about runs.
FEWEST_POINTS = 10


@dataclass(frozen=True, slots=True)
class RunSignals:
    """Runs of a series around its median; points on the median do not count.

    Attributes
    ----------
    median : float
    n_points : int
        Points beside the median.
    longest_run, longest_allowed : int
        Longest series of points on one side, and the longest that chance explains.
    crossings, crossings_needed : int
        How often the series crosses its median, and the fewest that chance explains.
    signal : bool
        Whether either limit is broken.
    """

    median: float
    n_points: int
    longest_run: int
    longest_allowed: int
    crossings: int
    crossings_needed: int
    signal: bool


def run_signals(values: ArrayLike) -> RunSignals:
    """Anhoej's two rules for a run chart.

    Parameters
    ----------
    values : array_like, shape (n,)
        In the order of time, without missing values.

    Notes
    -----
    With n points beside the median, a run longer than round(log2 n) + 3 or fewer crossings than the 5 % point
    of the binomial distribution with n - 1 trials and chance one half are signals. With fewer than
    :data:`FEWEST_POINTS` points there is never a signal.

    References
    ----------
    Anhoej, J. & Olesen, A. V. (2014). Run charts revisited: a simulation study of run chart rules for
    detection of non-random variation in health care processes. *PLoS ONE*, 9, e113825.
    https://doi.org/10.1371/journal.pone.0113825

    Examples
    --------
    >>> run_signals([1, 1, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5, 5]).signal
    True
    """
    series = np.asarray(values, dtype=float)
    median = float(np.median(series)) if series.size else float("nan")
    side = np.sign(series - median)
    side = side[side != 0]
    n = side.size
    if n < 2:
        return RunSignals(median, n, n, n, 0, 0, False)
    changes = np.flatnonzero(np.diff(side))
    runs = np.diff(np.concatenate([[-1], changes, [n - 1]]))
    allowed, needed = run_limits(n)
    longest, crossings = int(runs.max()), int(changes.size)
    signal = n >= FEWEST_POINTS and (longest > allowed or crossings < needed)
    return RunSignals(median, n, longest, allowed, crossings, needed, signal)


def run_limits(n_points: int) -> tuple[int, int]:
    """Longest run and fewest crossings that chance explains, with so many points beside the median.

    Examples
    --------
    >>> run_limits(24)
    (8, 8)
    """
    return round(float(np.log2(n_points))) + 3, int(binom.ppf(0.05, n_points - 1, 0.5))
