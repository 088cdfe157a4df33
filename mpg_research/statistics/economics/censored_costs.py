"""Mean costs where not every family is followed to the end: weighting by the chance of still being seen."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.special as special
from numpy.typing import ArrayLike

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.follow_up import Followed, chance_seen, read_followed
from mpg_research.statistics.economics.net_benefit import JointDifference
from mpg_research.statistics.economics.reading import read_clusters, read_groups, read_numbers, rows_in_words
from mpg_research.statistics.survival.kaplan_meier import kaplan_meier

__all__ = ["CensoredMean", "Method", "censored_difference", "censored_mean"]

#: Bang & Tsiatis with the costs of each interval; with the whole sum only; Lin's.
Method = Literal["partitioned", "simple", "lin"]


@dataclass(frozen=True, slots=True)
class CensoredMean:
    """A mean per family up to the horizon.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        Of costs in euros; the error is NaN for Lin's.
    influence : ndarray, shape (n,)
        What each family adds to the estimate beyond its share; sums to zero. NaN for Lin's.
    df : float
        Clusters minus one.
    n_clusters : int
    n_complete : int
        Families that are followed to the horizon or ended before it.
    seen_at_horizon : float
        Chance of being followed so long; where it is small, few families carry much.
    level : float
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    influence: FloatArray
    df: float
    n_clusters: int
    n_complete: int
    seen_at_horizon: float
    level: float


def censored_mean(
    amounts: ArrayLike,
    time: ArrayLike,
    *,
    ended: ArrayLike,
    edges: ArrayLike,
    clusters: ArrayLike | None = None,
    method: Method = "partitioned",
    negative: bool = False,
    level: float = 0.95,
) -> CensoredMean:
    """Mean cost (or effect) up to a horizon, where follow-up stops for reasons that say nothing of costs.

    Parameters
    ----------
    amounts : array_like, shape (n, J)
        What a family cost in each interval. Of an interval that is not known completely nothing is used, so
        it may be missing; what comes after the end counts as given (usually 0).
    time, ended : array_like, shape (n,)
        As in :func:`~mpg_research.statistics.economics.follow_up.read_followed`.
    edges : array_like, shape (J + 1,)
        Of the intervals, from 0 to the horizon.
    clusters : array_like, shape (n,), optional
    method : {"partitioned", "simple", "lin"}
        ``partitioned`` uses each interval that is known; ``simple`` only families known to the horizon;
        ``lin`` is a check: mean per interval of those who enter it and are seen through, times the share that
        is still there.
    negative : bool
        Whether amounts below zero are allowed (effects, what comes back).
    level : float

    Returns
    -------
    CensoredMean

    Raises
    ------
    ValueError
        If a known amount is missing or negative, or nobody is followed to the horizon.

    Notes
    -----
    Partitioned: the sum over intervals j of the mean of d_ij M_ij / K(T_ij), with d_ij whether the interval
    is known, T_ij where it is known to, and K the Kaplan-Meier curve of stopping just before it. Its
    influence function (here the infinitesimal jackknife, K included) is summed within clusters; their sum of
    squares times G / (G - 1) is the variance. Limits with t and G - 1 degrees of freedom. All of it takes for
    granted that stopping has nothing to do with costs (an export does not; leaving the study may).

    References
    ----------
    Bang, H. & Tsiatis, A. A. (2000). Estimating medical costs with censored data. *Biometrika*, 87, 329-343.
    https://doi.org/10.1093/biomet/87.2.329

    Lin, D. Y., Feuer, E. J., Etzioni, R. & Wax, Y. (1997). Estimating medical costs from incomplete follow-up
    data. *Biometrics*, 53, 419-434. https://doi.org/10.2307/2533947

    Examples
    --------
    >>> found = censored_mean([[100], [300], [0], [200]], [12, 12, 6, 12], ended=[False] * 4, edges=[0, 12])
    >>> round(found.estimate, 6)
    200.0
    """
    if method not in ("partitioned", "simple", "lin") or not 0 < level < 1:
        raise ValueError("method is 'partitioned', 'simple' or 'lin', and the level a share between 0 and 1")
    followed = read_followed(time, ended, edges=edges)
    money = _read_amounts(amounts, followed, negative)
    if method == "simple":
        followed = read_followed(time, ended, edges=[0.0, float(followed.edges[-1])])
        money = np.where(followed.complete, money.sum(axis=1, keepdims=True), 0.0)
    n = money.shape[0]
    codes, g = read_clusters(clusters, n)
    seen = float(np.prod(1 - followed.stopped / followed.at_risk))
    complete = int(followed.complete[:, -1].sum())
    nan = float("nan")
    if method == "lin":
        estimate = _lin(money, followed, np.asarray(ended, dtype=bool), np.asarray(time, dtype=float))
        own = np.full(n, nan)
        return CensoredMean(estimate, nan, nan, nan, own, float(g - 1), g, complete, seen, level)
    estimate, own = _weighted(money, followed)
    sums = np.bincount(codes, own, minlength=g)
    error = float(np.sqrt(g / (g - 1) * (sums @ sums))) if g > 1 else nan
    half = float(special.stdtrit(g - 1, 0.5 + level / 2)) * error if g > 1 else nan
    return CensoredMean(
        estimate, error, estimate - half, estimate + half, own, float(g - 1), g, complete, seen, level
    )


def _read_amounts(amounts: ArrayLike, followed: Followed, negative: bool) -> FloatArray:
    """Amounts of what is known completely, shape (n, J); 0 elsewhere."""
    given = np.asarray(amounts, dtype=float)
    if given.ndim == 1:
        given = given[:, None]
    if given.shape != followed.until.shape:
        raise ValueError(
            f"amounts have the shape {given.shape}; expected {followed.until.shape} (families, intervals)"
        )
    wrong = followed.complete & ~np.isfinite(given)
    if wrong.any():
        raise ValueError(
            f"an amount is missing or infinite in {rows_in_words(wrong)}, in an interval that is known "
            "completely; complete it (a family without costs has 0), or let its follow-up stop there"
        )
    money = np.where(followed.complete, given, 0.0)
    if not negative and (money < 0).any():
        raise ValueError(
            f"a cost is negative in {rows_in_words(money < 0)}; expected 0 or more; check sign and unit"
        )
    return money


def _weighted(money: FloatArray, followed: Followed) -> tuple[float, FloatArray]:
    """The estimate and the influences, which sum to zero, shape (n,)."""
    n = money.shape[0]
    parts = money / chance_seen(followed)
    estimate, m = float(parts.sum() / n), followed.moments.size
    own = (parts.sum(axis=1) - estimate) / n
    if not m:
        return estimate, own
    # What is weighted by the curve after each moment; it falls where a family more stops there.
    place = np.searchsorted(followed.moments, followed.until, side="left")
    after = np.bincount(place.ravel(), parts.ravel(), minlength=m + 1)
    later = after[::-1].cumsum()[::-1][1:] / n
    left = followed.at_risk - followed.stopped
    gain = np.divide(later, left, out=np.zeros(m), where=left > 0)
    steps = np.concatenate([[0.0], np.cumsum(gain * followed.stopped / followed.at_risk)])
    own = own - steps[followed.n_risks]
    stop = followed.stop_at >= 0
    own[stop] += gain[followed.stop_at[stop]]
    return estimate, own


def _lin(money: FloatArray, followed: Followed, over: BoolArray, time: FloatArray) -> float:
    """Share still there at the start of each interval, times the mean of those seen through it."""
    total = 0.0
    there = kaplan_meier(time, over).at(followed.edges[:-1])["survival"]
    for place, start in enumerate(followed.edges[:-1]):
        entered = (time > start) & followed.complete[:, place]
        if not entered.any():
            continue
        total += float(there[place] * money[entered, place].mean())
    return total


def censored_difference(
    costs: ArrayLike,
    effects: ArrayLike,
    *,
    time: ArrayLike,
    ended: ArrayLike,
    edges: ArrayLike,
    group: ArrayLike,
    clusters: ArrayLike | None = None,
    method: Literal["partitioned", "simple"] = "partitioned",
) -> JointDifference:
    """Difference in mean costs and mean effects between two groups with incomplete follow-up.

    Parameters
    ----------
    costs, effects : array_like, shape (n, J)
        Per family and interval; effects may be negative.
    time, ended : array_like, shape (n,)
    edges : array_like, shape (J + 1,)
    group : array_like of bool or 0 and 1, shape (n,)
        1 is compared with 0; each has its own chance of being followed.
    clusters : array_like, shape (n,), optional
    method : {"partitioned", "simple"}

    Returns
    -------
    JointDifference
        Without adjustment for case mix.

    Raises
    ------
    ValueError
        As :func:`censored_mean`, or if a group is empty.

    Notes
    -----
    Influences of the four means are laid side by side and summed within clusters, so that families of one
    worker in both groups, and costs and effects of one family, count as what they are. Where every cluster
    lies in one group the factor G / (G - 1) is each group's own and degrees of freedom are
    Welch's; else they are of all clusters together.
    """
    mine = read_groups(group)
    n = mine.size
    codes, g = read_clusters(clusters, n)
    t, over = read_numbers(time, "time", n=n), np.asarray(ended)
    tables = [np.asarray(values, dtype=float).reshape(n, -1) for values in (costs, effects)]
    own, difference = np.zeros((n, 2)), np.zeros(2)
    for side, sign in ((0.0, -1.0), (1.0, 1.0)):
        rows = mine == side
        for place, values in enumerate(tables):
            found = censored_mean(
                values[rows], t[rows], ended=over[rows], edges=edges, method=method, negative=place == 1
            )
            difference[place] += sign * found.estimate
            own[rows, place] = sign * found.influence
    sums = cluster_sums(own, codes, g)
    if g < 2:
        raise ValueError("one cluster has no spread; expected two or more")
    inside = [np.unique(codes[mine == side]) for side in (0.0, 1.0)]
    if np.isin(inside[0], inside[1]).any():
        covariance = g / (g - 1) * sums.T @ sums
        df = np.full(2, float(g - 1))
    else:
        few = [part.size for part in inside]
        if min(few) < 2:
            raise ValueError("one cluster in a group has no spread; expected two or more in each")
        parts = [k / (k - 1) * sums[part].T @ sums[part] for part, k in zip(inside, few, strict=True)]
        covariance = parts[0] + parts[1]
        squares = sum(np.diagonal(part) ** 2 / (k - 1) for part, k in zip(parts, few, strict=True))
        with np.errstate(all="ignore"):
            df = np.where(squares > 0, np.diagonal(covariance) ** 2 / squares, float(g - 2))
    return JointDifference(
        float(difference[0]), float(difference[1]), covariance, float(df[0]), float(df[1]), g
    )
