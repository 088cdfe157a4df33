"""Difference in costs and in effects together, and the net monetary benefit that follows from them."""

from dataclasses import dataclass

import numpy as np
import scipy.special as special
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.reading import read_clusters, read_groups, read_numbers
from mpg_research.statistics.trials.regression import Correction, weighted_regression

__all__ = [
    "JointDifference",
    "NetBenefit",
    "joint_difference",
    "net_benefit",
    "net_benefit_regression",
]


@dataclass(frozen=True, slots=True)
class JointDifference:
    """Difference in costs and in effects between two groups, with how they hang together.

    Attributes
    ----------
    cost, effect : float
    covariance : ndarray, shape (2, 2)
        Of (cost, effect).
    df_cost, df_effect : float
        Degrees of freedom.
    n_clusters : int
    """

    cost: float
    effect: float
    covariance: FloatArray
    df_cost: float
    df_effect: float
    n_clusters: int

    @property
    def df(self) -> float:
        """The smaller of the two: of both together."""
        return min(self.df_cost, self.df_effect)


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """Net monetary benefit of one group over the other; arrays of shape (k,), one per threshold.

    Attributes
    ----------
    threshold : ndarray
        What a unit of effect may cost, in euros.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : ndarray
        threshold * difference in effects - difference in costs, in euros.
    probability : ndarray
        That it is above zero: the acceptability curve, from the same distribution as the interval.
    level : float
    """

    threshold: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    probability: FloatArray
    level: float


def joint_difference(
    cost: ArrayLike,
    effect: ArrayLike,
    *,
    group: ArrayLike,
    cost_case_mix: ArrayLike | None = None,
    effect_case_mix: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    correction: Correction = "leverage",
) -> JointDifference:
    """Difference in costs and in effects by two linear regressions, and their covariance over clusters.

    Parameters
    ----------
    cost, effect : array_like, shape (n,)
    group : array_like of bool or 0 and 1, shape (n,)
        1 is compared with 0.
    cost_case_mix, effect_case_mix : array_like, shape (n,) or (n, p), optional
        What each is adjusted for (of costs those before, of effects the score at the start). Two sets give
        another net benefit than one regression with both (:func:`net_benefit_regression`).
    clusters : array_like, shape (n,), optional
        Whose families hang together.
    weight : array_like, shape (n,), optional
        Inverse chances, as known.
    correction : {"none", "clusters", "stata", "leverage"}
        Of the sandwich (:func:`~mpg_research.statistics.trials.regression.weighted_regression`).

    Returns
    -------
    JointDifference

    Raises
    ------
    ValueError
        If a number is missing, a group is empty, or a regression has no answer.

    Notes
    -----
    Both regressions are one, of the rows twice, with a block of columns each: the sandwich over clusters then
    holds their covariance, and the corrections for few clusters work within each block as they would alone.

    References
    ----------
    Willan, A. R., Briggs, A. H. & Hoch, J. S. (2004). Regression methods for covariate adjustment and
    subgroup analysis for non-censored cost-effectiveness data. *Health Economics*, 13, 461-475.
    https://doi.org/10.1002/hec.843
    """
    money, gain, mine = _read(cost, effect, group)
    n = money.size
    x = [_design(mine, mix, n) for mix in (cost_case_mix, effect_case_mix)]
    p = x[0].shape[1]
    both = np.zeros((2 * n, p + x[1].shape[1]))
    both[:n, :p], both[n:, p:] = x
    # Each outcome in units of its own spread: their sizes may differ by a factor of a million.
    scale = np.array([money.std() or 1.0, gain.std() or 1.0])
    codes = read_clusters(clusters, n)[0]
    w = None if weight is None else np.tile(read_numbers(weight, "weight", n=n, least=0), 2)
    fit = weighted_regression(
        both,
        np.concatenate([money / scale[0], gain / scale[1]]),
        weight=w,
        clusters=np.tile(codes, 2),
        correction=correction,
    )
    if not fit.converged:
        raise ValueError(
            "the difference cannot be estimated: expected two clusters or more, more rows than columns, and "
            "a case mix of which no column follows from the others or from the group"
        )
    at = [1, p + 1]
    return JointDifference(
        float(fit.estimate[1] * scale[0]),
        float(fit.estimate[p + 1] * scale[1]),
        fit.covariance[np.ix_(at, at)] * np.outer(scale, scale),
        float(fit.df[1]),
        float(fit.df[p + 1]),
        fit.n_clusters,
    )


def net_benefit(
    difference: JointDifference, threshold: ArrayLike, *, level: float = 0.95, normal: bool = False
) -> NetBenefit:
    """Net monetary benefit at thresholds, from a difference in costs and effects.

    Parameters
    ----------
    difference : JointDifference
    threshold : array_like, shape (k,)
        Euros per unit of effect, zero or more.
    level : float
    normal : bool
        Whether the normal distribution is used, instead of t with the smaller degrees of freedom of the two.

    Returns
    -------
    NetBenefit

    Raises
    ------
    ValueError
        If a threshold is missing or negative.

    Examples
    --------
    >>> both = JointDifference(1000.0, 2.0, np.array([[250000.0, 0.0], [0.0, 0.25]]), 30.0, 30.0, 31)
    >>> net_benefit(both, [1000.0]).estimate.tolist()
    [1000.0]
    """
    k = read_numbers(np.atleast_1d(threshold), "threshold", least=0)
    v = difference.covariance
    estimate = k * difference.effect - difference.cost
    variance = k**2 * v[1, 1] + v[0, 0] - 2 * k * v[0, 1]
    df = np.full(k.shape, np.inf if normal else difference.df)
    return _with_tests(k, estimate, np.sqrt(np.maximum(variance, 0)), df, level)


def net_benefit_regression(
    cost: ArrayLike,
    effect: ArrayLike,
    threshold: ArrayLike,
    *,
    group: ArrayLike,
    case_mix: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    correction: Correction = "leverage",
    level: float = 0.95,
) -> NetBenefit:
    """Net monetary benefit by one regression of each family's own net benefit, per threshold.

    Parameters
    ----------
    cost, effect : array_like, shape (n,)
    threshold : array_like, shape (k,)
        Euros per unit of effect, zero or more.
    group : array_like of bool or 0 and 1, shape (n,)
    case_mix : array_like, shape (n,) or (n, p), optional
        What the net benefit is adjusted for.
    clusters, weight : array_like, shape (n,), optional
    correction : {"none", "clusters", "stata", "leverage"}
    level : float

    Returns
    -------
    NetBenefit

    Raises
    ------
    ValueError
        If a number is missing, a group is empty, or the regression has no answer.

    References
    ----------
    Hoch, J. S., Briggs, A. H. & Willan, A. R. (2002). Something old, something new, something borrowed,
    something blue. *Health Economics*, 11, 415-430. https://doi.org/10.1002/hec.678
    """
    money, gain, mine = _read(cost, effect, group)
    n, k = money.size, read_numbers(np.atleast_1d(threshold), "threshold", least=0)
    design, codes = _design(mine, case_mix, n), read_clusters(clusters, n)[0]
    w = None if weight is None else read_numbers(weight, "weight", n=n, least=0)
    found = np.zeros((3, k.size))
    for place, euros in enumerate(k):
        own = euros * gain - money
        fit = weighted_regression(design, own, weight=w, clusters=codes, correction=correction)
        if not fit.converged:
            raise ValueError(
                "the net benefit cannot be estimated: expected two clusters or more, more rows than columns, "
                "and a case mix of which no column follows from the others or from the group"
            )
        found[:, place] = fit.estimate[1], fit.std_error[1], fit.df[1]
    return _with_tests(k, found[0], found[1], found[2], level)


def _read(cost: ArrayLike, effect: ArrayLike, group: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    money = read_numbers(cost, "cost", remedy="a family with incomplete costs belongs in censored_costs")
    gain = read_numbers(effect, "effect", n=money.size)
    return money, gain, read_groups(group, money.size)


def _design(group: FloatArray, case_mix: ArrayLike | None, n: int) -> FloatArray:
    columns = [np.ones(n), group]
    if case_mix is not None:
        columns.append(read_numbers(case_mix, "case mix", n=n, dimensions=(1, 2)))
    return np.column_stack(columns)


def _with_tests(
    k: FloatArray, estimate: FloatArray, error: FloatArray, df: FloatArray, level: float
) -> NetBenefit:
    if not 0 < level < 1:
        raise ValueError(f"level is {level:g}; expected a share between 0 and 1")
    free = np.where(np.isfinite(df), df, 1e12)  # t with so many is the normal distribution
    with np.errstate(all="ignore"):
        statistic = estimate / error
        quantile = np.where(
            np.isfinite(df), special.stdtrit(free, 0.5 + level / 2), special.ndtri(0.5 + level / 2)
        )
        above = np.where(np.isfinite(df), special.stdtr(free, statistic), special.ndtr(statistic))
        below = np.where(
            np.isfinite(df), special.stdtr(free, -np.abs(statistic)), special.ndtr(-np.abs(statistic))
        )
    half = quantile * error
    return NetBenefit(
        k, estimate, error, df, statistic, 2 * below, estimate - half, estimate + half, above, level
    )
