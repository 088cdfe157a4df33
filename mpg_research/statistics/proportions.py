"""Shares of families, with intervals that hold for small numbers and for families who share a worker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from mpg_research.arrays import FloatArray

__all__ = ["Proportion", "clustered_interval", "design_effect", "wilson_interval"]


@dataclass(frozen=True, slots=True)
class Proportion:
    """Shares with Wilson intervals; each an array of shape (n,), from 0 to 1, NaN where the total is 0."""

    estimate: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


def wilson_interval(count: ArrayLike, total: ArrayLike, *, level: float = 0.95) -> Proportion:
    """Shares ``count / total`` with Wilson score intervals (no continuity correction), by statsmodels.

    Parameters
    ----------
    count, total : array_like, shape (n,)
        How many of how many.
    level : float
        Confidence level.

    Returns
    -------
    Proportion

    Raises
    ------
    ValueError
        If a count is negative or larger than its total.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal
    of the American Statistical Association*, 22, 209-212. https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> share = wilson_interval([8], [10])
    >>> share.conf_low.round(3).tolist(), share.conf_high.round(3).tolist()
    ([0.49], [0.943])
    """
    x, n = np.broadcast_arrays(np.asarray(count, dtype=float), np.asarray(total, dtype=float))
    if np.any((x < 0) | (x > n)):
        raise ValueError("counts must lie between 0 and their totals")
    from statsmodels.stats.proportion import proportion_confint

    some = n > 0
    share, low, high = (np.full(n.shape, np.nan) for _ in range(3))
    share[some] = x[some] / n[some]
    low[some], high[some] = proportion_confint(x[some], n[some], alpha=1 - level, method="wilson")
    # At nobody and at everybody the interval ends there exactly, whatever rounding says.
    low = np.where(share == 0, 0.0, np.maximum(low, 0.0))
    high = np.where(share == 1, 1.0, np.minimum(high, 1.0))
    return Proportion(share, low, high)


def design_effect(happened: ArrayLike, clusters: ArrayLike) -> float:
    """How much wider the variance of a share is because persons share clusters; at least 1.

    Parameters
    ----------
    happened : array_like of bool, shape (n,)
    clusters : array_like, shape (n,)
        Cluster of each person.

    Returns
    -------
    float
        Cluster-robust over simple variance. 1 where everybody or nobody has it, or where there are fewer
        than two clusters.

    Notes
    -----
    The robust variance is m / (m - 1) times the sum over m clusters of the squared sums of
    (happened - share), over n^2.
    """
    y = np.asarray(happened, dtype=float)
    codes = (
        np.unique(np.asarray(clusters).astype(str), return_inverse=True)[1] if len(y) else np.array([], int)
    )
    n, m = len(y), int(codes.max()) + 1 if len(y) else 0
    share = y.mean() if n else np.nan
    if m < 2 or not 0 < share < 1:
        return 1.0
    sums = np.bincount(codes, weights=y - share)
    robust = m / (m - 1) * float((sums**2).sum()) / n**2
    return max(1.0, robust / (share * (1 - share) / (n - 1)))


def clustered_interval(happened: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> Proportion:
    """One share with a Wilson interval that allows for clusters.

    Parameters
    ----------
    happened : array_like of bool, shape (n,)
    clusters : array_like, shape (n,)
    level : float

    Returns
    -------
    Proportion
        Arrays of shape (1,).

    Notes
    -----
    Wilson's interval at the effective number of persons: n over the design effect, and over the squared
    ratio of the t quantile with (clusters - 1) degrees of freedom to the normal one. With every person
    in a cluster of their own it comes close to Wilson's.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Survey Methodology, 24, 193-201 (the effective sample size).
    """
    y = np.asarray(happened, dtype=float)
    n, m = len(y), len(np.unique(np.asarray(clusters).astype(str)))
    if n == 0 or m < 2:
        return wilson_interval([y.sum()], [n], level=level)
    z = float(ndtri(0.5 + level / 2))
    t = float(stdtrit(m - 1, 0.5 + level / 2))
    effective = n / design_effect(y, clusters) * (z / t) ** 2
    return wilson_interval([y.mean() * effective], [effective], level=level)
