"""Differences in cost and effect: ratios with dominance, the quadrants, and Fieller's limits of a ratio."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.special as special
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.economics.reading import read_numbers

__all__ = [
    "Fieller",
    "IncrementalRatios",
    "Quadrants",
    "Standing",
    "fieller_limits",
    "incremental_ratios",
    "quadrant_shares",
]

#: Of a strategy: on the frontier; dominated by a mixture of two others; by one other.
Standing = Literal["frontier", "extended", "dominated"]
#: Slopes that differ by less, as a share, are the same: they are ratios of differences.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class IncrementalRatios:
    """Strategies compared with each other; arrays of shape (n,), in the order in which they were given.

    Attributes
    ----------
    standing : tuple of {"frontier", "extended", "dominated"}
    compared_with : ndarray of int
        The strategy before it on the frontier; -1 for the cheapest, and for what is not on the frontier.
    cost_difference, effect_difference, ratio : ndarray
        From that strategy; NaN where there is none. ``ratio`` is the incremental cost-effectiveness ratio
        (ICER), in euros per unit of effect.
    frontier : ndarray of int
        Places of the strategies on the frontier, from cheap to dear.
    """

    standing: tuple[Standing, ...]
    compared_with: IntArray
    cost_difference: FloatArray
    effect_difference: FloatArray
    ratio: FloatArray
    frontier: IntArray


def incremental_ratios(cost: ArrayLike, effect: ArrayLike) -> IncrementalRatios:
    """Incremental cost-effectiveness ratios, with strong and extended dominance.

    Parameters
    ----------
    cost : array_like, shape (n,)
        Mean cost of each strategy.
    effect : array_like, shape (n,)
        Mean effect, more is better.

    Returns
    -------
    IncrementalRatios

    Raises
    ------
    ValueError
        If a number is missing or infinite.

    Notes
    -----
    A strategy is dominated where another one costs no more and brings at least as much (of two that are equal
    in both, the first given stays). It is dominated by extension where the ratio to get to it exceeds that to
    go on from it, so that a mixture of its neighbours is better; one that is taken away can make a neighbour
    fall too, so this is repeated. What is left is the lower convex edge of the plane, with rising ratios.

    References
    ----------
    Cantor, S. B. (1994). Cost-effectiveness analysis, extended dominance, and ethics: a quantitative
    assessment. *Medical Decision Making*, 14, 259-265. https://doi.org/10.1177/0272989X9401400308

    Examples
    --------
    >>> found = incremental_ratios([5000, 10000, 12000, 25000, 35000, 55000], [1, 2, 1.5, 3, 4, 5])
    >>> found.standing[2:4], found.ratio[found.frontier].tolist()
    (('dominated', 'extended'), [nan, 5000.0, 12500.0, 20000.0])
    """
    money = read_numbers(cost, "cost")
    gain = read_numbers(effect, "effect", n=money.size)
    n = money.size
    standing: list[Standing] = ["frontier"] * n
    edge: list[int] = []
    for place in np.lexsort((np.arange(n), -gain, money)).tolist():
        if edge and gain[place] <= gain[edge[-1]]:
            standing[place] = "dominated"
            continue
        while len(edge) > 1:
            first, middle = edge[-2], edge[-1]
            to = (money[middle] - money[first]) * (gain[place] - gain[middle])
            on = (money[place] - money[middle]) * (gain[middle] - gain[first])
            if to <= on * (1 + _SAME):
                break
            standing[edge.pop()] = "extended"
        edge.append(place)
    frontier = np.array(edge, dtype=np.intp)
    before = np.full(n, -1, dtype=np.intp)
    before[frontier[1:]] = frontier[:-1]
    there = before >= 0
    d_cost, d_effect = np.full(n, np.nan), np.full(n, np.nan)
    d_cost[there], d_effect[there] = (x[there] - x[before[there]] for x in (money, gain))
    return IncrementalRatios(tuple(standing), before, d_cost, d_effect, d_cost / d_effect, frontier)


@dataclass(frozen=True, slots=True)
class Quadrants:
    """Shares of the replications in each quadrant of the plane; they add up to 1.

    Attributes
    ----------
    more_effect_more_cost : float
        North-east: a question of what an effect may cost.
    more_effect_less_cost : float
        South-east: better and cheaper.
    less_effect_less_cost : float
        South-west.
    less_effect_more_cost : float
        North-west: worse and dearer.
    n : int
        Replications that were counted.
    """

    more_effect_more_cost: float
    more_effect_less_cost: float
    less_effect_less_cost: float
    less_effect_more_cost: float
    n: int


def quadrant_shares(cost_difference: ArrayLike, effect_difference: ArrayLike) -> Quadrants:
    """In which quadrants of the plane replications lie.

    Parameters
    ----------
    cost_difference, effect_difference : array_like, shape (n,)
        One pair per replication. A difference of exactly zero counts as no less.

    Returns
    -------
    Quadrants

    Raises
    ------
    ValueError
        If a number is missing or infinite.

    Examples
    --------
    >>> quadrant_shares([-1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 2.0, -1.0]).more_effect_more_cost
    0.5
    """
    cost = read_numbers(cost_difference, "difference in costs")
    effect = read_numbers(effect_difference, "difference in effects", n=cost.size)
    dear, good = cost >= 0, effect >= 0
    parts = (good & dear, good & ~dear, ~good & ~dear, ~good & dear)
    north_east, south_east, south_west, north_west = (float(part.mean()) for part in parts)
    return Quadrants(north_east, south_east, south_west, north_west, int(cost.size))


@dataclass(frozen=True, slots=True)
class Fieller:
    """Which ratios of cost to effect the data do not contradict.

    Attributes
    ----------
    kind : {"bounded", "outside", "everything"}
        An interval; everything but an interval (the effect may be zero, the cost is not); no ratio is
        contradicted at all. Only the first has limits that may be called an interval.
    low, high : float
        The interval; NaN unless ``kind`` is "bounded".
    excluded_low, excluded_high : float
        What is contradicted; NaN unless ``kind`` is "outside". One side may be infinite.
    ratio : float
        Difference in costs over that in effects; NaN where the latter is zero.
    leading, discriminant : float
        a = effect^2 - q^2 var(effect), and b^2 - a c, of the quadratic a r^2 - 2 b r + c.
    """

    kind: Literal["bounded", "outside", "everything"]
    low: float
    high: float
    excluded_low: float
    excluded_high: float
    ratio: float
    leading: float
    discriminant: float


def fieller_limits(
    cost: float, effect: float, *, covariance: ArrayLike, level: float = 0.95, df: float = np.inf
) -> Fieller:
    """Fieller's confidence set of an incremental ratio.

    Parameters
    ----------
    cost, effect : float
        Differences.
    covariance : array_like, shape (2, 2)
        Of (cost, effect).
    level : float
    df : float
        Degrees of freedom; infinite for the normal distribution.

    Returns
    -------
    Fieller

    Raises
    ------
    ValueError
        If a number is missing, a variance is negative, or the level is not a share.

    Notes
    -----
    The ratios r for which (cost - r effect)^2 <= q^2 (var cost + r^2 var effect - 2 r cov). They are an
    interval only where the effect differs from zero at the level; then its sign is known too. A ratio says
    nothing where cost and effect have opposite signs (one strategy dominates): net benefit does not have
    this trouble.

    References
    ----------
    Willan, A. R. & O'Brien, B. J. (1996). Confidence intervals for cost-effectiveness ratios: an application
    of Fieller's theorem. *Health Economics*, 5, 297-305.
    https://doi.org/10.1002/(SICI)1099-1050(199607)5:4<297::AID-HEC216>3.0.CO;2-T

    Examples
    --------
    >>> found = fieller_limits(100.0, 1.0, covariance=[[400.0, 0.0], [0.0, 0.04]])
    >>> found.kind, round(found.low), round(found.high)
    ('bounded', 55, 181)
    """
    read_numbers([cost, effect], "difference")
    v = read_numbers(covariance, "covariance", n=2, dimensions=(2,))
    if v.shape != (2, 2) or v[0, 0] < 0 or v[1, 1] < 0 or not 0 < level < 1:
        raise ValueError(
            "expected a covariance of (cost, effect) without negative variances, and a level within 0-1"
        )
    q2 = (
        float(special.stdtrit(df, 0.5 + level / 2) if np.isfinite(df) else special.ndtri(0.5 + level / 2))
        ** 2
    )
    a, b, c = effect**2 - q2 * v[1, 1], cost * effect - q2 * v[0, 1], cost**2 - q2 * v[0, 0]
    discriminant = float(b**2 - a * c)
    if a > 0:  # then the estimate itself is in the set: below zero is rounding
        discriminant = max(discriminant, 0.0)
    nan = float("nan")
    ratio = cost / effect if effect != 0 else nan
    ends = (nan, nan)
    if a == 0 and b != 0:
        end = c / (2 * b)  # a line: everything on one side of its root
        ends = (-np.inf, end) if b > 0 else (end, np.inf)
    elif a != 0 and discriminant >= 0:
        low, high = sorted(((b - discriminant**0.5) / a, (b + discriminant**0.5) / a))
        ends = (float(low), float(high))
    if a > 0:
        return Fieller("bounded", *ends, nan, nan, ratio, float(a), discriminant)
    if not np.isnan(ends[0]):
        return Fieller("outside", nan, nan, *ends, ratio, float(a), discriminant)
    return Fieller("everything", nan, nan, nan, nan, ratio, float(a), discriminant)
