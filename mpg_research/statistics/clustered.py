"""Shares whose families hang together, because they share a worker."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from mpg_research.statistics.proportions import Proportion, wilson_interval

__all__ = ["clustered_interval", "design_effect"]


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
        Confidence level of the intervals, between 0 and 1.

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
