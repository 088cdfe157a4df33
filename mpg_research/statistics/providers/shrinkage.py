"""How much of the differences between organisations is real: spread, shrinkage, reliability, rankability."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import chi2

from mpg_research.arrays import FloatArray

__all__ = [
    "Heterogeneity",
    "Rankability",
    "Shrunken",
    "between_variance",
    "minimum_size",
    "rankability",
    "reliability",
    "shrink",
]


#: Classes of rankability in per cent: below 50 ranking makes no sense, above 75 it makes some.
_CLASSES = (50.0, 75.0)


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Spread of n true effects behind their estimates.

    Attributes
    ----------
    mean : float
        Precision-weighted mean of the estimates, given ``tau2``.
    mean_se : float
        Its standard error.
    tau2 : float
        Variance between the true effects.
    q_statistic, df, p_value : float
        Cochran's test that all true effects are equal.
    """

    mean: float
    mean_se: float
    tau2: float
    q_statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Empirical-Bayes estimates of n effects: each ndarray of shape (n,)."""

    estimate: FloatArray
    variance: FloatArray
    reliability: FloatArray


@dataclass(frozen=True, slots=True)
class Rankability:
    """Share of the differences between units that is not chance.

    Attributes
    ----------
    percent : float
        100 tau2 / (tau2 + median squared standard error).
    grade : {"low", "moderate", "high"}
        Below 50, from 50 to 75, above 75 per cent.
    """

    percent: float
    grade: Literal["low", "moderate", "high"]


def between_variance(
    estimate: ArrayLike, std_error: ArrayLike, *, method: Literal["paule_mandel", "moments"] = "paule_mandel"
) -> Heterogeneity:
    """Variance of the true effects of units with known standard errors.

    Parameters
    ----------
    estimate, std_error : array_like, shape (n,)
        At least two units, with positive standard errors.
    method : {"paule_mandel", "moments"}
        The value at which the generalised Q equals its degrees of freedom, or DerSimonian-Laird's one step.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    ValueError
        With fewer than two units or a standard error that is not positive.

    References
    ----------
    Paule, R. C. & Mandel, J. (1982). Consensus values and weighting factors. *Journal of Research of the
    National Bureau of Standards*, 87, 377-385.

    Examples
    --------
    >>> found = between_variance([0.0, 2.0, 4.0, 6.0], [1.0, 1.0, 1.0, 1.0])
    >>> round(found.mean, 3), round(found.tau2, 3)  # the variance of the estimates is 6.667, less 1
    (3.0, 5.667)
    """
    y, s = _checked(estimate, std_error)
    q = _generalised_q(0.0, y, s)
    df = y.size - 1
    tau2 = 0.0
    if q > df:
        if method == "moments":
            w = s**-2
            tau2 = (q - df) / (w.sum() - (w**2).sum() / w.sum())
        else:
            upper = float(np.var(y, ddof=1) + np.ptp(y) ** 2) + 1e-12
            tau2 = float(brentq(lambda value: _generalised_q(value, y, s) - df, 0.0, upper, xtol=1e-14))
    w = 1 / (s**2 + tau2)
    mean = float(w @ y / w.sum())
    return Heterogeneity(mean, float(w.sum() ** -0.5), float(tau2), q, df, float(chi2.sf(q, df)))


def _generalised_q(tau2: float, y: FloatArray, s: FloatArray) -> float:
    w = 1 / (s**2 + tau2)
    return float(w @ (y - w @ y / w.sum()) ** 2)


def shrink(estimate: ArrayLike, std_error: ArrayLike, *, mean: float, tau2: float) -> Shrunken:
    """Estimates drawn towards the mean by as much as they are chance.

    Parameters
    ----------
    estimate, std_error : array_like, shape (n,)
    mean, tau2 : float
        Mean and variance of the true effects.

    Examples
    --------
    >>> shrink([4.0], [1.0], mean=0.0, tau2=3.0).estimate.tolist()
    [3.0]
    """
    y, s = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    share = reliability(s, tau2=tau2)
    return Shrunken(mean + share * (y - mean), share * s**2, share)


def reliability(std_error: ArrayLike, *, tau2: float) -> FloatArray:
    """Reliability tau2 / (tau2 + se^2) of each unit's estimate, shape (n,)."""
    s2 = np.asarray(std_error, dtype=float) ** 2
    with np.errstate(invalid="ignore"):
        return np.where(tau2 + s2 > 0, tau2 / (tau2 + s2), np.nan)


def minimum_size(std_error: ArrayLike, size: ArrayLike, *, tau2: float, wanted: float = 0.7) -> float:
    """Number of families from which a unit's estimate has the reliability wanted.

    Parameters
    ----------
    std_error, size : array_like, shape (n,)
        Standard errors and numbers of families of the units.
    tau2 : float
        Variance of the true effects; 0 gives infinity: no number of families makes equal units differ.
    wanted : float
        Between 0 and 1.

    Returns
    -------
    float
        wanted / (1 - wanted) * v / tau2, with v the median over units of size * se^2 (the variance that one
        family brings); not rounded.

    Examples
    --------
    >>> round(minimum_size([1.0, 1.0], [25, 25], tau2=1.0), 1)
    58.3
    """
    if not 0 < wanted < 1:
        raise ValueError(f"wanted must lie between 0 and 1; found {wanted}")
    per_family = float(np.median(np.asarray(size, dtype=float) * np.asarray(std_error, dtype=float) ** 2))
    return float("inf") if tau2 <= 0 else wanted / (1 - wanted) * per_family / tau2


def rankability(std_error: ArrayLike, *, tau2: float) -> Rankability:
    """Share of the differences between units that is due to the units, not to chance.

    References
    ----------
    van Dishoeck, A. M. et al. (2011). Random variation and rankability of hospitals using outcome
    indicators. *BMJ Quality & Safety*, 20, 869-874. https://doi.org/10.1136/bmjqs.2010.048058

    Examples
    --------
    >>> rankability([1.0, 1.0, 2.0], tau2=4.0)
    Rankability(percent=80.0, grade='high')
    """
    middle = float(np.median(np.asarray(std_error, dtype=float) ** 2))
    percent = 100 * tau2 / (tau2 + middle) if tau2 + middle > 0 else 0.0
    if percent < _CLASSES[0]:
        return Rankability(percent, "low")
    return Rankability(percent, "moderate" if percent <= _CLASSES[1] else "high")


def _checked(estimate: ArrayLike, std_error: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, s = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    if y.ndim != 1 or y.shape != s.shape or y.size < 2:
        raise ValueError(f"expected two or more estimates with as many standard errors; found {y.shape}")
    if not (np.all(np.isfinite(y)) and np.all(s > 0) and np.all(np.isfinite(s))):
        raise ValueError("estimates must be numbers and standard errors positive numbers")
    return y, s
