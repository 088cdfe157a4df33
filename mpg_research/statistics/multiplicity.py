"""p-values that allow for the number of questions asked, and flags of which most are not false."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import false_discovery_control

from mpg_research.arrays import FloatArray

__all__ = ["FalseDiscovery", "benjamini_hochberg", "false_discovery_line", "holm"]


def holm(p_values: ArrayLike) -> FloatArray:
    """p-values adjusted by Holm's step-down method.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Unadjusted p-values; NaN stays NaN and does not count as a test.

    Returns
    -------
    ndarray, shape (n,)
        Adjusted p-values, each at least as large as the p-value it came from and at most 1.

    Raises
    ------
    ValueError
        If a p-value lies outside 0 to 1.

    Notes
    -----
    By hand: statsmodels' ``multipletests`` gives the same numbers, but tidies Python's memory at every call,
    which takes some 60 ms and longer the more is loaded.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scandinavian Journal of
    Statistics*, 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p, tested = _tests(p_values)
    used = p[tested]
    order = np.argsort(used, kind="stable")
    factors = np.arange(used.size, 0, -1)
    adjusted = np.empty_like(used)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * used[order]), 1.0)
    result = np.full(p.shape, np.nan)
    result[tested] = adjusted
    return result


@dataclass(frozen=True, slots=True)
class FalseDiscovery:
    """The line that keeps the expected share of false flags among all flags at ``rate``.

    Attributes
    ----------
    critical : float
        Distance from the target in standard errors beyond which a unit is flagged.
    flagged : ndarray of bool, shape (n,)
    adjusted : ndarray, shape (n,)
        Adjusted p-values; flagged where they are at most ``rate``.
    rate : float
    """

    critical: float
    flagged: NDArray[np.bool_]
    adjusted: FloatArray
    rate: float


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """p-values adjusted for the false-discovery rate, by scipy; NaN stays NaN and is not a test.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. *Journal of the Royal
    Statistical Society B*, 57, 289-300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p, tested = _tests(p_values)
    result = np.full(p.shape, np.nan)
    if tested.any():
        result[tested] = false_discovery_control(p[tested])
    return result


def _tests(p_values: ArrayLike) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The p-values, and which of them are tests."""
    p = np.asarray(p_values, dtype=float)
    tested = ~np.isnan(p)
    if np.any((p[tested] < 0) | (p[tested] > 1)):
        raise ValueError("p-values must lie between 0 and 1")
    return p, tested


def false_discovery_line(z: ArrayLike, *, rate: float = 0.05) -> FalseDiscovery:
    """Where to draw the line in a funnel plot so that flags stay trustworthy.

    Parameters
    ----------
    z : array_like, shape (n,)
        Distances from the target in standard errors (those that allow for overdispersion, where it is
        allowed for).
    rate : float
        Expected share of false flags among the flags.

    Returns
    -------
    FalseDiscovery

    Notes
    -----
    With k flagged units the line lies at the two-sided p-value ``rate`` k / n; with none, at ``rate`` / n,
    where the first flag would come.

    References
    ----------
    Jones, H. E., Ohlssen, D. I. & Spiegelhalter, D. J. (2008). Use of the false discovery rate when
    comparing multiple health care providers. *Journal of Clinical Epidemiology*, 61, 232-240.
    https://doi.org/10.1016/j.jclinepi.2007.04.017

    Examples
    --------
    >>> false_discovery_line([0.1, -0.4, 4.2]).flagged.tolist()
    [False, False, True]
    """
    scores = np.asarray(z, dtype=float)
    adjusted = benjamini_hochberg(2 * ndtr(-np.abs(scores)))
    flagged = np.nan_to_num(adjusted, nan=1.0) <= rate
    n = max(int(np.sum(~np.isnan(scores))), 1)
    critical = float(-ndtri(rate * max(int(flagged.sum()), 1) / n / 2))
    return FalseDiscovery(critical, flagged, adjusted, rate)
