"""Funnel limits of a continuous indicator, a proportion and a ratio, in closed form."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import poisson

from mpg_research.arrays import FloatArray

__all__ = ["Limits", "funnel_limits", "proportion_limits", "ratio_interval", "ratio_limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Lower and upper limits of n units at one level; each ndarray of shape (n,)."""

    level: float
    low: FloatArray
    high: FloatArray


def funnel_limits(
    std_error: ArrayLike, *, target: float, level: float, tau2: float = 0.0, phi: float = 1.0
) -> Limits:
    """Limits of a normally distributed indicator.

    Parameters
    ----------
    std_error : array_like, shape (n,)
        Model-based standard errors.
    target : float
    level : float
        For instance 0.95 or 0.998.
    tau2 : float
        Additive overdispersion: a variance between units that the limits allow for.
    phi : float
        Multiplicative overdispersion; below 1 it counts as 1.

    Returns
    -------
    Limits

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. *Statistics in
    Medicine*, 24, 1185-1202. https://doi.org/10.1002/sim.1970

    Examples
    --------
    >>> funnel_limits([1.0, 2.0], target=0.0, level=0.95).high.round(2).tolist()
    [1.96, 3.92]
    """
    variance = max(phi, 1.0) * np.asarray(std_error, dtype=float) ** 2 + tau2
    half = float(ndtri(0.5 + level / 2)) * np.sqrt(variance)
    return Limits(level, target - half, target + half)


def proportion_limits(
    total: ArrayLike, *, target: float, level: float, scale: Literal["score", "arcsine"] = "score",
    tau2: float = 0.0,
) -> Limits:  # fmt: skip
    """Limits of a proportion.

    Parameters
    ----------
    total : array_like, shape (n,)
        Denominators.
    target : float
        Proportion that the units are compared with.
    level : float
    scale : {"score", "arcsine"}
        "score": a proportion on the limit is one whose Wilson interval just touches the target.
        "arcsine": limits on the scale arcsin(sqrt(p)), where the standard error 1 / (2 sqrt(n)) does not hang
        on p; only here overdispersion can be allowed for.
    tau2 : float
        Variance between units on the arcsine scale.

    Returns
    -------
    Limits
        Within 0 and 1.

    Examples
    --------
    >>> proportion_limits([100], target=0.5, level=0.95).low.round(3).tolist()
    [0.402]
    """
    n = np.asarray(total, dtype=float)
    z = float(ndtri(0.5 + level / 2))
    if scale == "score":
        if tau2:
            raise ValueError("overdispersion of proportions needs scale='arcsine'")
        half = z * np.sqrt(target * (1 - target) / n)
        return Limits(level, np.maximum(target - half, 0.0), np.minimum(target + half, 1.0))
    centre, half = np.arcsin(np.sqrt(target)), z * np.sqrt(1 / (4 * n) + tau2)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, np.pi / 2)
    return Limits(level, np.sin(low) ** 2, np.sin(high) ** 2)


def ratio_limits(
    expected: ArrayLike,
    *,
    level: float,
    scale: Literal["exact", "chi-squared", "log", "sqrt"] = "exact",
    tau2: float = 0.0,
) -> Limits:
    """Limits of observed / expected counts, around 1; multiplied by a target rate, limits of a rate.

    Parameters
    ----------
    expected : array_like, shape (n,)
        Expected counts (for a rate: the target rate times the exposure), above zero.
    level : float
    scale : {"exact", "chi-squared", "log", "sqrt"}
        Exact Poisson limits; the interval of :func:`ratio_interval` around a count of E, as funnel software
        draws it; or limits of the ratio on a transformed scale (standard errors 1 / sqrt(E) and
        1 / (2 sqrt(E))), where overdispersion can be allowed for.
    tau2 : float
        Variance between units on the transformed scale.

    Returns
    -------
    Limits

    Notes
    -----
    "exact": a count of mean E lies below the lower limit with a chance of at most (1 - level) / 2, above the
    upper limit likewise, and no narrower limits do that: the quantiles of the Poisson distribution, divided
    by E, which go in steps. "chi-squared" treats the expected count as if it had been observed, and is
    smooth, but no limit of a Poisson count: beyond its 95 % limits at E = 5 lie .040 and .005.

    Examples
    --------
    >>> found = ratio_limits([5], level=0.95)
    >>> found.low.round(1).tolist(), found.high.round(1).tolist()
    ([0.2], [2.0])
    """
    n = np.asarray(expected, dtype=float)
    if scale in ("exact", "chi-squared"):
        if tau2:
            raise ValueError("overdispersion of ratios needs scale='log' or 'sqrt'")
        if scale == "chi-squared":
            low, high = _garwood(n, level)
            return Limits(level, low / n, high / n)
        low, high = _poisson_quantiles(n, (1 - level) / 2)
        return Limits(level, low / n, high / n)
    z = float(ndtri(0.5 + level / 2))
    if scale == "log":
        half = z * np.sqrt(1 / n + tau2)
        return Limits(level, np.exp(-half), np.exp(half))
    half = z * np.sqrt(1 / (4 * n) + tau2)
    return Limits(level, np.maximum(1 - half, 0.0) ** 2, (1 + half) ** 2)


def ratio_interval(
    observed: ArrayLike,
    expected: ArrayLike,
    *,
    level: float,
    method: Literal["exact", "byar"] = "exact",
) -> Limits:
    """Confidence interval of a ratio of an observed to an expected count, such as an SMR.

    Parameters
    ----------
    observed : array_like, shape (n,)
        Counts.
    expected : array_like, shape (n,)
        Known without error, above zero.
    level : float
    method : {"exact", "byar"}
        Garwood's exact interval, or Byar's approximation to it.

    Returns
    -------
    Limits

    Raises
    ------
    ValueError
        If a count is negative, or an expected count not above zero.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. *Biometrika*, 28, 437-442.
    https://doi.org/10.1093/biomet/28.3-4.437

    Breslow, N. E. & Day, N. E. (1987). *Statistical methods in cancer research, volume II*. IARC, p. 69
    (Byar's approximation).

    Examples
    --------
    >>> found = ratio_interval([10], [8.0], level=0.95)
    >>> found.low.round(3).tolist(), found.high.round(3).tolist()
    ([0.599], [2.299])
    """
    count, e = np.broadcast_arrays(np.asarray(observed, dtype=float), np.asarray(expected, dtype=float))
    if np.any(count < 0) or np.any(e <= 0):
        raise ValueError("observed counts must not be negative, and expected counts must be above zero")
    if method == "exact":
        low, high = _garwood(count, level)
        return Limits(level, low / e, high / e)
    if method != "byar":
        raise ValueError(f"method must be 'exact' or 'byar'; found {method!r}")
    z = float(ndtri(0.5 + level / 2))
    # Byar's formula has no lower limit at a count of zero: it is zero
    some = np.maximum(count, 1.0)
    low = some * np.maximum(1 - 1 / (9 * some) - z / (3 * np.sqrt(some)), 0.0) ** 3
    more = count + 1
    high = more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3
    return Limits(level, np.where(count > 0, low, 0.0) / e, high / e)


def _garwood(count: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Exact interval of the mean of a Poisson count."""
    from statsmodels.stats.rates import confint_poisson

    low, high = confint_poisson(count, 1.0, method="exact-c", alpha=1 - level)
    return np.where(count > 0, low, 0.0), np.asarray(high)


def _poisson_quantiles(mean: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """The largest count with at most ``tail`` below it, and the smallest with at most ``tail`` above it."""
    low = np.maximum(poisson.ppf(tail, mean), 0.0)
    high = np.maximum(poisson.isf(tail, mean), 0.0)
    # the quantiles to the letter: scipy rounds at ties, in either direction
    low = np.where(poisson.cdf(low, mean) <= tail, low + 1, low)
    low = np.where((low > 0) & (poisson.cdf(low - 1, mean) > tail), low - 1, low)
    high = np.where(poisson.sf(high, mean) > tail, high + 1, high)
    high = np.where((high > 0) & (poisson.sf(high - 1, mean) <= tail), high - 1, high)
    return low, high
