"""Generalised estimating equations: a weighted regression with a correlation within clusters, as a check."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.trials.regression import Family

__all__ = ["EstimatingEquations", "estimating_equations"]

#: Steps, and the change of coefficients (in units of the largest) at which they stop.
_STEPS, _AT_REST = 200, 1e-12
#: A correlation stays this far from one: there the matrix of a cluster has no inverse.
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class EstimatingEquations:
    """A marginal regression.

    Attributes
    ----------
    estimate, std_error : ndarray, shape (p,)
        With the sandwich over clusters, uncorrected.
    correlation : float
        Of the outcomes of a cluster; 0 with independence.
    scale : float
        Weighted mean square of the Pearson residuals.
    converged : bool
    """

    estimate: FloatArray
    std_error: FloatArray
    correlation: float
    scale: float
    converged: bool


def estimating_equations(
    design: ArrayLike,
    outcome: ArrayLike,
    *,
    clusters: ArrayLike,
    weight: ArrayLike | None = None,
    family: Family = "gaussian",
    exchangeable: bool = False,
    correlation: float | None = None,
) -> EstimatingEquations:
    """Fit a marginal regression with independence, or one correlation between any two rows of a cluster.

    Parameters
    ----------
    design : array_like, shape (n, p)
    outcome : array_like, shape (n,)
    clusters : array_like, shape (n,)
    weight : array_like, shape (n,), optional
    family : {"gaussian", "binomial"}
    exchangeable : bool
        Whether any two outcomes of a cluster have the same correlation; else none.
    correlation : float, optional
        That correlation, where it is known; else it is the mean product of the Pearson residuals of two rows
        over their mean square.

    Returns
    -------
    EstimatingEquations

    Notes
    -----
    By hand: with weights and a correlation statsmodels' GEE multiplies the scores by the weights, where R's
    geepack (as here) multiplies both sides of the correlation matrix by their roots: it stays symmetric.
    Weights that change within a person are at odds with any correlation but none: then independence is the
    estimate, and the other one a look at what the choice matters.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Biometrika, 73, 13-22. https://doi.org/10.1093/biomet/73.1.13
    """
    x, y = np.asarray(design, dtype=float), np.asarray(outcome, dtype=float)
    n, p = x.shape
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.intp)
    size = np.bincount(codes)
    alpha = 0.0 if correlation is None else float(correlation)
    free = exchangeable and correlation is None
    beta, arrived, scale = np.zeros(p), False, np.nan
    bread = meat = np.full((p, p), np.nan)
    for _ in range(_STEPS):
        mean, spread = x @ beta, np.ones(n)
        if family == "binomial":
            mean = 1 / (1 + np.exp(-np.clip(mean, -700, 700)))
            spread = np.maximum(mean * (1 - mean), 1e-300)
        pearson = (y - mean) / np.sqrt(spread)
        scale = float(np.average(pearson**2, weights=w))
        if free:
            alpha = _mean_product(pearson, codes, size) / float(np.mean(pearson**2))
            alpha = float(np.clip(alpha, -1 / max(size.max() - 1, 1) + _EDGE, 1 - _EDGE))
        root = np.sqrt(w)
        columns, residual = x * (root * np.sqrt(spread))[:, None], root * pearson
        less = alpha / (1 + (size - 1) * alpha)
        sums, total = cluster_sums(columns, codes), np.bincount(codes, residual)
        square = columns.T @ columns - (sums * less[:, None]).T @ sums
        scores = cluster_sums(columns * residual[:, None], codes) - sums * (less * total)[:, None]
        try:
            bread = np.linalg.inv(square)
        except np.linalg.LinAlgError:
            break
        meat = scores.T @ scores
        step = bread @ scores.sum(axis=0)
        beta = beta + step
        if np.abs(step).max() <= _AT_REST * max(1.0, float(np.abs(beta).max())):
            arrived = True
            break
    error = np.sqrt(np.maximum(np.diagonal(bread @ meat @ bread), 0))
    return EstimatingEquations(beta, error, alpha, scale, arrived and bool(np.isfinite(error).all()))


def _mean_product(residual: FloatArray, codes: IntArray, size: IntArray) -> float:
    """Mean over all pairs of rows of a cluster of the product of their residuals; 0 without pairs."""
    pairs = float((size * (size - 1) / 2).sum())
    together = np.bincount(codes, residual) ** 2 - np.bincount(codes, residual**2)
    return float(together.sum() / 2 / pairs) if pairs else 0.0
