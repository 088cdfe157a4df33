"""Change in units of the spread that families show at the start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln
from scipy.stats import t as student_t

__all__ = ["StandardisedEffect", "hedges_correction", "standardise_change"]


@dataclass(frozen=True, slots=True)
class StandardisedEffect:
    """Standardised changes with intervals.

    Attributes
    ----------
    estimate : ndarray, shape (n,)
        Change divided by the baseline standard deviation, corrected for its small-sample bias.
    std_error : ndarray, shape (n,)
        Delta-method standard error of ``estimate``.
    conf_low, conf_high : ndarray, shape (n,)
        Limits of the interval.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]


def hedges_correction(df: float) -> float:
    """Factor J(df) that removes the small-sample bias of a standardised effect.

    J(df) = Gamma(df / 2) / (sqrt(df / 2) Gamma((df - 1) / 2)); NaN below two degrees of freedom, where
    it is not defined.

    Parameters
    ----------
    df : float
        Degrees of freedom of the standard deviation that is divided by.

    Returns
    -------
    float

    References
    ----------
    Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size and related
    estimators. *Journal of Educational Statistics*, 6, 107-128. https://doi.org/10.3102/10769986006002107

    Examples
    --------
    >>> round(hedges_correction(39), 4)
    0.9806
    """
    if not df >= 2:
        return float("nan")
    return float(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def standardise_change(
    change: ArrayLike, std_error: ArrayLike, *, df: ArrayLike, baseline_sd: float, n: int, level: float = 0.95
) -> StandardisedEffect:
    """Changes in baseline standard deviations, with delta-method intervals.

    Parameters
    ----------
    change, std_error : array_like, shape (n,)
        Estimated changes in points and their standard errors.
    df : array_like, shape (n,)
        Degrees of freedom of each change (infinity for normal limits).
    baseline_sd : float
        Standard deviation of the score at the start, in points; not positive or NaN gives NaN results.
    n : int
        Families behind ``baseline_sd``.
    level : float
        Confidence level.

    Returns
    -------
    StandardisedEffect

    Notes
    -----
    d = change / sd, g = J(n - 1) d, and SE(g) = J(n - 1) sqrt(SE(change)^2 / sd^2 + d^2 / (2 n)): the first
    part is the uncertainty of the change, the second that of the standard deviation. For a plain
    pre-post difference this is the standardised mean change with raw-score standardisation. The
    sampling covariance between change and standard deviation is zero for normal scores.

    References
    ----------
    Becker, B. J. (1988). Synthesizing standardized mean-change measures. *British Journal of
    Mathematical and Statistical Psychology*, 41, 257-278. https://doi.org/10.1111/j.2044-8317.1988.tb00901.x

    Examples
    --------
    >>> effect = standardise_change([-4.7], [0.78], df=[39], baseline_sd=5.5, n=40)
    >>> effect.estimate.round(3).tolist()
    [-0.838]
    """
    points = np.asarray(change, dtype=float)
    error = np.asarray(std_error, dtype=float)
    if not (np.isfinite(baseline_sd) and baseline_sd > 0):
        nothing = np.full(points.shape, np.nan)
        return StandardisedEffect(nothing, nothing.copy(), nothing.copy(), nothing.copy())
    d = points / baseline_sd
    factor = hedges_correction(n - 1)
    estimate = factor * d
    std = factor * np.sqrt((error / baseline_sd) ** 2 + d**2 / (2 * n))
    half = student_t.ppf(0.5 + level / 2, np.asarray(df, dtype=float)) * std
    return StandardisedEffect(estimate, std, estimate - half, estimate + half)
