"""The share without an event so far (Kaplan-Meier), with delayed entry, limits and quantiles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.counts import Limits, Spells, at_risk, limits_of, read_spells

__all__ = ["KaplanMeier", "kaplan_meier"]

#: Shares that differ less are the same (they are products of fractions).
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """A Kaplan-Meier curve at the m moments with events.

    Attributes
    ----------
    moments, at_risk, events : ndarray, shape (m,)
    survival : ndarray, shape (m,)
        Share without an event up to and including each moment.
    std_error : ndarray, shape (m,)
        By Greenwood; with clusters by the infinitesimal jackknife over clusters.
    low, high : ndarray, shape (m,)
    level : float
    last_seen : float
        The last moment at which anybody was watched.
    """

    moments: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    level: float
    last_seen: float

    def at(self, moments: ArrayLike) -> dict[str, FloatArray]:
        """Survival, std_error, low and high at any moments; 1 and 0 before the first event."""
        place = np.searchsorted(self.moments, np.asarray(moments, dtype=float), side="right")
        before = {"survival": 1.0, "std_error": 0.0, "low": 1.0, "high": 1.0}
        return {name: np.concatenate([[first], getattr(self, name)])[place] for name, first in before.items()}

    def quantile(self, share: float) -> tuple[float, float, float]:
        """By when the share had an event, with its limits; missing where the curve does not come so low.

        Parameters
        ----------
        share : float
            Between 0 and 1.
        """
        return (
            _falls_to(self.moments, self.survival, 1 - share),
            _falls_to(self.moments, self.low, 1 - share),
            _falls_to(self.moments, self.high, 1 - share),
        )


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    limits: Limits = "log-log",
) -> KaplanMeier:
    """Share without an event so far, where some are not seen to theirs and some come in late.

    Parameters
    ----------
    time : array_like, shape (n,)
        The event, or the last moment seen.
    event : array_like of bool, shape (n,)
    entry : array_like, shape (n,), optional
        From when on each one is watched (left truncation); by default always.
    cluster : array_like, shape (n,), optional
        Whose times may hang together.
    level : float
    limits : {"plain", "log", "log-log"}
        Scale on which the limits are made.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    ValueError
        If there is no time, or one is missing or not after its entry.

    Notes
    -----
    S(t) is the product of 1 - d / n over moments with d events and n at risk (entry < moment <= time).
    Greenwood: S^2 times the sum of d / (n (n - d)). Where late entry leaves nobody at risk for a while the
    curve goes on from where it was, and may fall to 0 while others come in later.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations. *Journal of the
    American Statistical Association*, 53, 457-481. https://doi.org/10.1080/01621459.1958.10501452

    Examples
    --------
    >>> kaplan_meier([6, 12, 12, 20], [True, True, False, False]).survival.tolist()
    [0.75, 0.5]
    """
    spells = read_spells(time, np.asarray(event, dtype=bool), entry)
    died = spells.cause > 0
    moments, counts = np.unique(spells.time[died], return_counts=True)
    risk, ends = at_risk(moments, spells.time, spells.entry), counts.astype(float)
    survival: FloatArray = np.cumprod(1 - ends / risk, dtype=float)
    if cluster is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(np.cumsum(ends / (risk * (risk - ends))))
            error = np.where(survival > 0, survival * spread, 0.0)
    else:
        error = _clustered(spells, moments, risk, ends, survival, np.asarray(cluster))
    low, high = limits_of(survival, error, level=level, scale=limits)
    return KaplanMeier(moments, risk, ends, survival, error, low, high, level, float(spells.time.max()))


def _clustered(
    spells: Spells,
    moments: FloatArray,
    risk: FloatArray,
    ends: FloatArray,
    survival: FloatArray,
    cluster: np.ndarray,
) -> FloatArray:
    """Standard errors over clusters: the influences of log S add up within a cluster, moment by moment."""
    names, number = np.unique(cluster, return_inverse=True)
    m, n_clusters = moments.size, names.size
    left = risk - ends
    weight = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
    last = np.searchsorted(moments, spells.time, side="right")
    first = np.searchsorted(moments, spells.entry, side="right")
    # What each cluster has at risk at each moment, from those who come in and go.
    change = np.zeros((n_clusters, m + 1))
    np.add.at(change, (number, first), 1.0)
    np.add.at(change, (number, last), -1.0)
    own = np.zeros((n_clusters, m))
    died = spells.cause > 0
    np.add.at(own, (number[died], last[died] - 1), 1.0)
    steps = (own - np.cumsum(change, axis=1)[:, :m] * (ends / risk)) * weight
    sums = np.sum(np.cumsum(steps, axis=1) ** 2, axis=0)
    result: FloatArray = survival * np.sqrt(sums)
    return result


def _falls_to(moments: FloatArray, curve: FloatArray, level: float) -> float:
    """The first moment at which a curve is at or below a level; half-way where it stays exactly at it."""
    known = ~np.isnan(curve)
    moments, curve = moments[known], curve[known]
    reached = np.flatnonzero(curve <= level + _SAME)
    if not reached.size:
        return float("nan")
    first = int(reached[0])
    lower = np.flatnonzero(curve < level - _SAME)
    if abs(curve[first] - level) <= _SAME and lower.size:
        return float((moments[first] + moments[int(lower[0])]) / 2)
    return float(moments[first])
