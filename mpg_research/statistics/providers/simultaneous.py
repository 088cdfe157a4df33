"""Intervals that hold for all contrasts together."""

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray

__all__ = ["simultaneous_critical", "simultaneous_p_values"]


def _largest(covariance: FloatArray, df: float, n_draws: int, rng: np.random.Generator | int) -> FloatArray:
    """Draws of the largest absolute t statistic of contrasts with this covariance."""
    generator = np.random.default_rng(rng)
    variance = np.diagonal(covariance)
    used = np.isfinite(variance) & (variance > 0)
    if not used.any():
        return np.full(n_draws, np.nan)
    sd = np.sqrt(np.where(used, variance, 0.0))
    correlation = covariance[np.ix_(used, used)] / np.outer(sd[used], sd[used])
    values, vectors = np.linalg.eigh(correlation)
    draws = np.empty(n_draws)
    for start in range(0, n_draws, 10_000):
        stop = min(start + 10_000, n_draws)
        noise = generator.standard_normal((stop - start, values.size))
        z = (noise * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        scale = np.sqrt(generator.chisquare(df, stop - start) / df) if np.isfinite(df) else 1.0
        draws[start:stop] = np.abs(z).max(axis=1) / scale
    return draws


def simultaneous_critical(
    covariance: ArrayLike,
    *,
    df: float = np.inf,
    level: float = 0.95,
    n_draws: int = 100_000,
    rng: np.random.Generator | int = 0,
) -> float:
    """Quantile of the largest absolute t statistic over contrasts that are estimated together.

    Parameters
    ----------
    covariance : array_like, shape (n, n)
        Of the contrasts; it may be singular, as with all pairs.
    df : float
        Degrees of freedom, the same for all contrasts (take the smallest where they differ).
    level : float
        Confidence level of the intervals, between 0 and 1.
    n_draws : int
        Of the Monte Carlo integration; 100,000 give the quantile to about 0.01.
    rng : Generator or int

    Returns
    -------
    float
        Estimate plus or minus this many standard errors holds for all contrasts together.

    References
    ----------
    Hothorn, T., Bretz, F. & Westfall, P. (2008). Simultaneous inference in general parametric models.
    *Biometrical Journal*, 50, 346-363. https://doi.org/10.1002/bimj.200810425

    Examples
    --------
    >>> abs(simultaneous_critical([[1.0]]) - 1.96) < 0.02
    True
    """
    matrix = np.asarray(covariance, dtype=float)
    return float(np.quantile(_largest(matrix, df, n_draws, rng), level))


def simultaneous_p_values(
    statistic: ArrayLike,
    covariance: ArrayLike,
    *,
    df: float = np.inf,
    n_draws: int = 100_000,
    rng: np.random.Generator | int = 0,
) -> FloatArray:
    """p-values of t statistics adjusted for all contrasts together, shape (n,); NaN where there is none.

    Examples
    --------
    >>> bool(simultaneous_p_values([2.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])[0] > 0.08)
    True
    """
    draws = np.sort(_largest(np.asarray(covariance, dtype=float), df, n_draws, rng))
    size = np.abs(np.asarray(statistic, dtype=float))
    place = np.searchsorted(draws, size, side="left")
    result: FloatArray = np.where(np.isnan(size), np.nan, (draws.size - place + 1.0) / (draws.size + 1.0))
    return result
