"""Whether predicted chances come true, and what acting on them is worth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from mpg_research.arrays import FloatArray
from mpg_research.statistics.logistic import penalised_logistic

__all__ = ["Calibration", "Recalibration", "calibrate", "learn_recalibration", "net_benefit"]

_EDGE = 1e-6
_STEPS, _AT_REST = 50, 1e-10
_LEAST_SLOPE = 0.1


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


@dataclass(frozen=True, slots=True)
class Recalibration:
    """How predicted log-odds are to be moved: ``intercept + slope`` times them; 0 and 1 leave them."""

    intercept: float
    slope: float

    def apply(self, predicted: ArrayLike) -> FloatArray:
        """The chances that are meant by these.

        Parameters
        ----------
        predicted : array_like, shape (n,)
            Chances from 0 to 1; NaN stays NaN.
        """
        inside = np.clip(np.asarray(predicted, dtype=float), _EDGE, 1 - _EDGE)
        return np.asarray(expit(self.intercept + self.slope * logit(inside)))


def learn_recalibration(
    predicted: ArrayLike, happened: ArrayLike, weight: ArrayLike | None = None, *, prior_sd: float = 0.2
) -> Recalibration:
    """How chances must be moved to come true, learnt cautiously.

    Parameters
    ----------
    predicted : array_like, shape (n,)
        Chances from 0 to 1, of people other than those they are to be applied to.
    happened : array_like of bool, shape (n,)
    weight : array_like, shape (n,), optional
        How much each counts; several looks at one person together as much as one person.
    prior_sd : float
        How far intercept and slope are thought to lie from 0 and 1 beforehand, as standard deviation: few
        observations hardly move the chances. Our own choice.

    Returns
    -------
    Recalibration
        The slope is at least 0.1, so that the order of the chances stays.

    Notes
    -----
    The posterior mode of a logistic regression of what happened on the log-odds predicted, with independent
    normal priors on the intercept (mean 0) and the slope (mean 1), by Newton's method.
    """
    p, y = np.asarray(predicted, dtype=float), np.asarray(happened, dtype=float)
    w = np.ones_like(p) if weight is None else np.asarray(weight, dtype=float)
    kept = np.isfinite(p) & np.isfinite(y) & (w > 0)
    x = logit(np.clip(p[kept], _EDGE, 1 - _EDGE))
    design = np.stack([np.ones_like(x), x], axis=1)
    beta, centre, precision = np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.eye(2) / prior_sd**2
    for _ in range(_STEPS):
        fitted = expit(design @ beta)
        slope = design.T @ (w[kept] * (y[kept] - fitted)) - precision @ (beta - centre)
        curve = (design * (w[kept] * fitted * (1 - fitted))[:, None]).T @ design + precision
        step = np.linalg.solve(curve, slope)
        beta = beta + step
        if np.abs(step).max() < _AT_REST:
            break
    return Recalibration(float(beta[0]), max(float(beta[1]), _LEAST_SLOPE))


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
