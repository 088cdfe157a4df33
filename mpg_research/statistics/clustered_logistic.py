"""Logistic regression of repeated yes/no observations, with errors that allow for clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from mpg_research.arrays import FloatArray

__all__ = ["ClusteredLogistic", "clustered_logistic"]

_STEPS = 60


@dataclass(frozen=True, slots=True)
class ClusteredLogistic:
    """Coefficients on the log-odds scale; arrays of shape (p,), NaN where the fit did not arrive.

    Attributes
    ----------
    estimate, std_error, statistic, p_value, conf_low, conf_high : ndarray
        With robust standard errors over clusters and t with (clusters - 1) degrees of freedom.
    df : float
    converged : bool
    """

    estimate: FloatArray
    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    df: float
    converged: bool


def clustered_logistic(
    x: ArrayLike, happened: ArrayLike, clusters: ArrayLike, *, level: float = 0.95
) -> ClusteredLogistic:
    """Fit a logistic regression by maximum likelihood with cluster-robust standard errors.

    Parameters
    ----------
    x : array_like, shape (n, p)
        Predictors, a column of ones among them.
    happened : array_like of bool, shape (n,)
    clusters : array_like, shape (n,)
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    ClusteredLogistic

    Notes
    -----
    Sandwich variance B^-1 (sum over clusters of u u') B^-1 times m / (m - 1), with u the cluster's score.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Biometrika, 73, 13-22. https://doi.org/10.1093/biomet/73.1.13
    """
    design, y = np.asarray(x, dtype=float), np.asarray(happened, dtype=float)
    codes = (
        np.unique(np.asarray(clusters).astype(str), return_inverse=True)[1] if len(y) else np.zeros(0, int)
    )
    m = int(codes.max()) + 1 if len(codes) else 0
    p = design.shape[1]
    nothing = np.full(p, np.nan)
    failed = ClusteredLogistic(nothing, nothing, nothing, nothing, nothing, nothing, float(m - 1), False)
    if m < 2 or len(y) <= p or not 0 < y.mean() < 1 or np.linalg.matrix_rank(design) < p:
        return failed
    beta = np.zeros(p)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -35, 35)))
        weight = np.maximum(chance * (1 - chance), 1e-12)
        bread = np.linalg.inv((design * weight[:, None]).T @ design)
        step = bread @ (design.T @ (y - chance))
        beta = beta + step
        if np.abs(beta).max() > 1e4:
            return failed
        if np.abs(step).max() < 1e-10:
            break
    else:
        return failed
    scores = np.zeros((m, p))
    np.add.at(scores, codes, design * (y - chance)[:, None])
    covariance = bread @ (scores.T @ scores) @ bread * m / (m - 1)
    error = np.sqrt(np.diag(covariance))
    statistic = beta / error
    half = float(stdtrit(m - 1, 0.5 + level / 2)) * error
    p_value = 2 * stdtr(m - 1, -np.abs(statistic))
    return ClusteredLogistic(beta, error, statistic, p_value, beta - half, beta + half, float(m - 1), True)
