"""Time to an end that not everybody has reached yet: its mean up to a horizon, and each one's part in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.kaplan_meier import KaplanMeier, kaplan_meier

__all__ = ["RestrictedMean", "pseudo_times", "restricted_difference", "restricted_mean", "unseen_time"]


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time, counted up to a horizon, and its standard error."""

    mean: float
    std_error: float


def restricted_mean(
    time: ArrayLike, ended: ArrayLike, *, horizon: float, entry: ArrayLike | None = None
) -> RestrictedMean:
    """Mean time up to a horizon where some have not ended yet.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time to the end, or to the last moment seen; positive.
    ended : array_like of bool, shape (n,)
        Whether the end was seen.
    horizon : float
        Longer times count as this long.
    entry : array_like, shape (n,), optional
        From when on each one was watched (left truncation); by default always. Who came after the horizon
        does not count.

    Returns
    -------
    RestrictedMean

    Raises
    ------
    ValueError
        If there is no time, or one is missing.

    Notes
    -----
    The area under the Kaplan-Meier curve; variance sum of A_j^2 d_j / (n_j (n_j - d_j)), A_j the area that is
    left from the j-th event on. Whether an end is seen must have nothing to do with when it would come. After
    the last moment seen the curve is drawn on level.

    Examples
    --------
    >>> restricted_mean([6.0, 12.0, 12.0], [True, False, True], horizon=24.0).mean
    14.0
    """
    stopped, event = _restrict(time, ended, horizon)
    since = None if entry is None else np.asarray(entry, dtype=float)
    if since is not None:
        there = since < stopped
        if not there.any():
            raise ValueError("nobody was watched before the horizon")
        stopped, event, since = stopped[there], event[there], since[there]
    curve = kaplan_meier(stopped, event, entry=since)
    areas = _areas(curve.moments, curve.survival, horizon)
    left = areas.sum() - np.cumsum(areas)[:-1]
    at_risk, ends = curve.at_risk, curve.events
    kept = at_risk > ends
    variance = np.sum(left[kept] ** 2 * ends[kept] / (at_risk[kept] * (at_risk[kept] - ends[kept])))
    return RestrictedMean(float(areas.sum()), float(np.sqrt(variance)))


def restricted_difference(one: RestrictedMean, other: RestrictedMean) -> RestrictedMean:
    """How much longer the first mean is than the second, of two groups that have nobody in common.

    Parameters
    ----------
    one, other : RestrictedMean
        From :func:`restricted_mean`, up to the same horizon.
    """
    error = float(np.hypot(one.std_error, other.std_error))
    return RestrictedMean(one.mean - other.mean, error)


def pseudo_times(time: ArrayLike, ended: ArrayLike, *, horizon: float) -> FloatArray:
    """What each one adds to the restricted mean: a complete outcome for a regression, shape (n,).

    Parameters
    ----------
    time, ended, horizon
        As in :func:`restricted_mean`; two or more.

    Returns
    -------
    ndarray, shape (n,)
        n times the mean of all minus (n - 1) times the mean of all others. Without anybody who is still
        there before the horizon, the times themselves (cut at the horizon).

    Raises
    ------
    ValueError
        If there are fewer than two times, or one is missing.

    References
    ----------
    Andersen, P. K., Hansen, M. G. & Klein, J. P. (2004). Regression analysis of restricted mean survival time
    based on pseudo-observations. *Lifetime Data Analysis*, 10, 335-350.
    https://doi.org/10.1007/s10985-004-4771-0

    Examples
    --------
    >>> pseudo_times([6.0, 12.0, 30.0], [True, True, True], horizon=24.0).round(6).tolist()
    [6.0, 12.0, 24.0]
    """
    stopped, event = _restrict(time, ended, horizon)
    n = stopped.size
    if n < 2:
        raise ValueError("pseudo-observations need two or more")
    curve = kaplan_meier(stopped, event)
    if not curve.moments.size:
        return np.full(n, float(horizon))
    others = _without_each(curve, stopped, event, horizon)
    result: FloatArray = n * _areas(curve.moments, curve.survival, horizon).sum() - (n - 1) * others
    return result


def unseen_time(time: ArrayLike, ended: ArrayLike, *, horizon: float) -> float:
    """How much of a restricted mean nobody has seen: what its last level stretch adds at most.

    Parameters
    ----------
    time, ended, horizon
        As in :func:`restricted_mean`.

    Returns
    -------
    float
        The share without an end at the last moment seen, times what is left from there to the horizon. The
        mean lies between :func:`restricted_mean` less this and :func:`restricted_mean`.

    Examples
    --------
    >>> unseen_time([6.0, 12.0], [True, False], horizon=24.0)
    6.0
    """
    stopped, event = _restrict(time, ended, horizon)
    curve = kaplan_meier(stopped, event)
    left = float(curve.at(horizon)["survival"])
    return left * (horizon - curve.last_seen)


def _restrict(time: ArrayLike, ended: ArrayLike, horizon: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    months, seen = np.asarray(time, dtype=float), np.asarray(ended, dtype=bool)
    if not months.size or np.isnan(months).any():
        raise ValueError("the times of one person or more must all be known; leave out those without one")
    return np.minimum(months, horizon), seen & (months <= horizon)


def _areas(moments: FloatArray, survival: FloatArray, horizon: float) -> FloatArray:
    """Areas under the curve before, between and after the moments, shape (m + 1,)."""
    edges = np.concatenate([[0.0], moments, [horizon]])
    result: FloatArray = np.concatenate([[1.0], survival]) * np.diff(edges)
    return result


def _without_each(
    curve: KaplanMeier, time: FloatArray, event: NDArray[np.bool_], horizon: float
) -> FloatArray:
    """The restricted mean of all but one, for each one, shape (n,).

    Without i the curve has one fewer at risk up to i's own time, one end fewer there if i ended, and from
    there on the steps of the whole: three parts that are sums over the moments once and for all.
    """
    at_risk, ends, m = curve.at_risk, curve.events, curve.moments.size
    fewer: FloatArray = np.cumprod(1 - ends / np.maximum(at_risk - 1, 1), dtype=float)  # up to i's own time
    early = np.concatenate([[0.0], np.cumsum(_areas(curve.moments, fewer, horizon))])
    step = 1 - ends / at_risk
    widths = np.diff(np.concatenate([curve.moments, [horizon]]))
    # later[at]: area from that moment on of a curve that is 1 just after it; the steps of the whole follow.
    later = np.zeros(m + 1)
    for at in range(m - 1, -1, -1):
        later[at] = widths[at] + (step[at + 1] * later[at + 1] if at + 1 < m else 0.0)
    last = np.searchsorted(curve.moments, time, side="right")  # moments up to and including i's own time
    level = np.concatenate([[1.0], fewer])[last - event]
    own = np.zeros(time.size)
    k = last[event] - 1
    rest = np.maximum(at_risk[k] - 1, 1)
    own[event] = level[event] * np.where(at_risk[k] > 1, 1 - (ends[k] - 1) / rest, 1.0) * later[k]
    seen = ~event
    # A time without an end: the curve stays as it is up to the next moment, then follows the whole.
    following = np.concatenate([curve.moments, [horizon]])[last[seen]]
    reached = np.concatenate([[0.0], curve.moments])[last[seen]]
    onward = np.concatenate([step * later[:-1], [0.0]])[last[seen]]
    own[seen] = level[seen] * (following - reached + onward)
    result: FloatArray = early[last] + own
    return result
