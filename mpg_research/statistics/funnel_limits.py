"""Funnel limits of a continuous indicator, a proportion and a ratio, in closed form."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import chi2

__all__ = ["Limits", "funnel_limits", "proportion_limits", "ratio_limits"]

FloatArray = NDArray[np.float64]


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
    expected: ArrayLike, *, level: float, scale: Literal["exact", "log", "sqrt"] = "exact", tau2: float = 0.0
) -> Limits:
    """Limits of observed / expected counts, around 1; multiplied by a target rate, limits of a rate.

    Parameters
    ----------
    expected : array_like, shape (n,)
        Expected counts (for a rate: the target rate times the exposure).
    level : float
    scale : {"exact", "log", "sqrt"}
        Exact Poisson limits, or limits of the ratio on a transformed scale (standard errors 1 / sqrt(E) and
        1 / (2 sqrt(E))), where overdispersion can be allowed for.
    tau2 : float
        Variance between units on the transformed scale.

    Returns
    -------
    Limits

    Examples
    --------
    >>> ratio_limits([95], level=0.95).low.round(4).tolist()
    [0.8091]
    """
    n = np.asarray(expected, dtype=float)
    if scale == "exact":
        if tau2:
            raise ValueError("overdispersion of ratios needs scale='log' or 'sqrt'")
        tail = (1 - level) / 2
        return Limits(level, chi2.ppf(tail, 2 * n) / (2 * n), chi2.ppf(1 - tail, 2 * (n + 1)) / (2 * n))
    z = float(ndtri(0.5 + level / 2))
    if scale == "log":
        half = z * np.sqrt(1 / n + tau2)
        return Limits(level, np.exp(-half), np.exp(half))
    half = z * np.sqrt(1 / (4 * n) + tau2)
    return Limits(level, np.maximum(1 - half, 0.0) ** 2, (1 + half) ** 2)
