"""E-values: how strong something that was not measured would have to be to explain an estimate away."""

from dataclasses import dataclass

import numpy as np

__all__ = ["EValue", "evalue_of_coefficient", "evalue_of_difference", "evalue_of_ratio", "risk_ratio_of"]

#: Of a difference in standard deviations d the risk ratio is taken to be exp(0.91 d) (VanderWeele & Ding).
_PER_SD = 0.91
#: As the sources round it: a standard error of d counts 1.78 times in the limits, of 0.91 and 1.96.
_LIMIT_PER_ERROR = 1.78


@dataclass(frozen=True, slots=True)
class EValue:
    """An estimate as a risk ratio, and what would explain it away.

    Attributes
    ----------
    risk_ratio, risk_low, risk_high : float
        The estimate and its limits on (approximately) the scale of a risk ratio.
    point : float
        Risk ratio that an unmeasured cause would need with both treatment and outcome to move the estimate to
        the value that is asked about; at least 1.
    limit : float
        The same for the limit of the interval nearer to that value; 1 where the interval holds it.
    """

    risk_ratio: float
    risk_low: float
    risk_high: float
    point: float
    limit: float


def evalue_of_ratio(
    estimate: float, low: float = np.nan, high: float = np.nan, *, null: float = 1.0
) -> EValue:
    """E-value of a risk ratio.

    Parameters
    ----------
    estimate, low, high : float
        The ratio and its limits.
    null : float
        The ratio that the estimate is to be moved to.

    Returns
    -------
    EValue

    References
    ----------
    VanderWeele, T. J. & Ding, P. (2017). Annals of Internal Medicine, 167, 268-274.
    https://doi.org/10.7326/M16-2607
    """
    limit = np.nan
    if np.isfinite(low) and np.isfinite(high):
        limit = 1.0
        if low > null or high < null:
            limit = _needed(low if low > null else high, null)
    return EValue(estimate, low, high, _needed(estimate, null), limit)


def _needed(ratio: float, null: float) -> float:
    bias = ratio / null
    bias = max(bias, 1 / bias)
    return float(bias + np.sqrt(bias * (bias - 1)))


def risk_ratio_of(value: float, measure: str, *, rare: bool = True) -> float:
    """An odds ratio or hazard ratio as (approximately) a risk ratio.

    Parameters
    ----------
    value : float
    measure : {"odds", "hazard"}
    rare : bool
        Whether the outcome is so rare that they are the same; else the square root of the odds ratio, or
        (1 - 0.5^sqrt(h)) / (1 - 0.5^sqrt(1 / h)) of a hazard ratio h.

    Returns
    -------
    float
    """
    if rare:
        return float(value)
    if measure == "odds":
        return float(np.sqrt(value))
    return float((1 - 0.5 ** np.sqrt(value)) / (1 - 0.5 ** np.sqrt(1 / value)))


def evalue_of_difference(standardised: float, std_error: float = np.nan, *, null: float = 0.0) -> EValue:
    """E-value of a difference in standard deviations.

    Parameters
    ----------
    standardised, std_error : float
    null : float
        The difference that the estimate is to be moved to.

    Returns
    -------
    EValue
    """
    ratio = float(np.exp(_PER_SD * standardised))
    half = _LIMIT_PER_ERROR * std_error
    low, high = float(np.exp(_PER_SD * standardised - half)), float(np.exp(_PER_SD * standardised + half))
    return evalue_of_ratio(ratio, low, high, null=float(np.exp(_PER_SD * null)))


def evalue_of_coefficient(
    estimate: float, std_error: float = np.nan, *, sd: float, contrast: float = 1.0, null: float = 0.0
) -> EValue:
    """E-value of a coefficient of a linear regression.

    Parameters
    ----------
    estimate, std_error : float
    sd : float
        Standard deviation of the outcome.
    contrast : float
        Difference in the predictor that is asked about.
    null : float
        The coefficient that the estimate is to be moved to.

    Returns
    -------
    EValue
    """
    scale = contrast / sd
    return evalue_of_difference(estimate * scale, abs(scale) * std_error, null=null * scale)
