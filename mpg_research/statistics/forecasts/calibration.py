"""Whether predicted chances come true, and what acting on them is worth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.logistic import penalised_logistic

__all__ = ["Calibration", "calibrate", "net_benefit"]

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted chances beside what happened.

    Attributes
    ----------
    intercept, slope : float
        Of a logistic regression of what happened on the log-odds predicted: 0 and 1 if the chances come
        true. NaN where everybody or nobody had the event, or the predictions separate the two.
    brier, brier_of_mean : float
        Mean squared distance of the chances, and of the overall share, to what happened.
    n : int
    """

    intercept: float
    slope: float
    brier: float
    brier_of_mean: float
    n: int


def calibrate(predicted: ArrayLike, happened: ArrayLike, weight: ArrayLike | None = None) -> Calibration:
    """Compare predicted chances with what happened.

    Parameters
    ----------
    predicted : array_like, shape (n,)
        Chances from 0 to 1.
    happened : array_like of bool, shape (n,)
        Or the chance that it happened, where only that is known.
    weight : array_like, shape (n,), optional
        How often each person counts, as in a bootstrap.

    Returns
    -------
    Calibration

    References
    ----------
    Cox, D. R. (1958). Biometrika, 45, 562-565. https://doi.org/10.1093/biomet/45.3-4.562
    """
    p, y = np.asarray(predicted, dtype=float), np.asarray(happened, dtype=float)
    if not len(p):
        return Calibration(np.nan, np.nan, np.nan, np.nan, 0)
    inside = np.clip(p, _EDGE, 1 - _EDGE)
    w = np.ones_like(p) if weight is None else np.asarray(weight, dtype=float)
    if not w.sum() > 0:
        return Calibration(np.nan, np.nan, np.nan, np.nan, 0)
    intercept, slope = _line(np.log(inside / (1 - inside)), y, w)
    share = np.average(y, weights=w)
    brier, of_mean = (float(np.average((guess - y) ** 2, weights=w)) for guess in (p, share))
    return Calibration(intercept, slope, brier, of_mean, len(p))


def _line(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[float, float]:
    """Intercept and slope on the log-odds; NaN where they do not come to rest."""
    counted = w > 0
    if not 0 < np.average(y, weights=w) < 1 or np.ptp(x[counted]) == 0:
        return np.nan, np.nan
    found = penalised_logistic(np.stack([np.ones_like(x), x], axis=1), y, weight=w)
    return (float(found.estimate[0]), float(found.estimate[1])) if found.converged else (np.nan, np.nan)


def net_benefit(predicted: ArrayLike, happened: ArrayLike, thresholds: ArrayLike) -> FloatArray:
    """Net benefit per person of acting when the predicted chance reaches a threshold.

    Parameters
    ----------
    predicted : array_like, shape (n,)
    happened : array_like of bool, shape (n,)
    thresholds : array_like, shape (k,)
        Between 0 and 1, both excluded.

    Returns
    -------
    ndarray, shape (k,)
        True positives minus false positives weighted by t / (1 - t), over n.

    References
    ----------
    Vickers, A. J. & Elkin, E. B. (2006). Medical Decision Making, 26, 565-574.
    https://doi.org/10.1177/0272989X06295361
    """
    p, y = np.asarray(predicted, dtype=float), np.asarray(happened, dtype=bool)
    t = np.asarray(thresholds, dtype=float)
    if not len(p):
        return np.full(t.shape, np.nan)
    acted = p[None, :] >= t[:, None]
    hits, misses = (acted & y).sum(axis=1), (acted & ~y).sum(axis=1)
    return np.asarray((hits - misses * t / (1 - t)) / len(p))
