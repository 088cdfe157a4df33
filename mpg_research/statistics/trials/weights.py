"""Inverse-probability weights of persons over time: for what was chosen, and for who went on being seen."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.statistics.logistic import penalised_logistic

__all__ = [
    "ChanceModel",
    "Truncated",
    "cumulative_weights",
    "effective_sample_size",
    "fit_chances",
    "ratio_of_chances",
    "truncate_weights",
]

#: Of damped Newton steps: how many, when they are at rest, the smallest part of one, what the likelihood is
#: known to, and a coefficient that does not come to rest.
_STEPS, _AT_REST, _LEAST_STEP, _ROUNDING, _RUNS_AWAY = 200, 1e-8, 1e-6, 1e-14, 1e4
#: Chances closer to 0 or 1 than this are taken to be this: an odds that double precision still holds.
_EDGE = 1e-12


@dataclass(frozen=True, slots=True)
class ChanceModel:
    """A pooled logistic regression of what happened in the rows (person-periods) of a table.

    Attributes
    ----------
    estimate : ndarray, shape (p,)
        Log-odds; the first is the constant. Where everybody or nobody had it, the constant is infinite.
    covariance : ndarray, shape (p, p)
    converged : bool
        False where the coefficients ran away: a column tells yes and no apart.
    """

    estimate: FloatArray
    covariance: FloatArray
    converged: bool

    def chances(self, design: ArrayLike) -> FloatArray:
        """The chance of a yes in each row of a design, shape (n,).

        Parameters
        ----------
        design : array_like, shape (n, p)
            As in the fit.
        """
        x = np.asarray(design, dtype=float)
        if not np.isfinite(self.estimate[0]):
            return np.full(len(x), 0.0 if self.estimate[0] < 0 else 1.0)
        return np.asarray(1 / (1 + np.exp(-np.clip(x @ self.estimate, -700, 700))), dtype=np.float64)


def fit_chances(
    design: ArrayLike, happened: ArrayLike, *, weight: ArrayLike | None = None, ridge: float = 0.0
) -> ChanceModel:
    """Fit the chance of something in person-periods by pooled logistic regression.

    Parameters
    ----------
    design : array_like, shape (n, p)
        A column of ones comes first.
    happened : array_like of bool, shape (n,)
    weight : array_like, shape (n,), optional
        How often each row counts.
    ridge : float
        Draws all coefficients but the first towards zero; 0 is maximum likelihood.

    Returns
    -------
    ChanceModel

    References
    ----------
    Hernán, M. A., Brumback, B. & Robins, J. M. (2000). Epidemiology, 11, 561-570.
    https://doi.org/10.1097/00001648-200009000-00012
    """
    x, y = np.asarray(design, dtype=float), np.asarray(happened, dtype=float)
    p = x.shape[1]
    if not y.size or y.min() == y.max():
        constant = np.zeros(p)
        constant[0] = np.inf if y.size and y[0] > 0 else -np.inf
        return ChanceModel(constant, np.zeros((p, p)), True)
    with np.errstate(all="ignore"):
        try:
            found = penalised_logistic(x, y, weight=weight, penalty=ridge)
        except np.linalg.LinAlgError:
            return ChanceModel(np.full(p, np.nan), np.full((p, p), np.nan), False)
    if not (found.converged and np.isfinite(found.estimate).all()):
        w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
        return _damped(x, y, w, ridge)
    return ChanceModel(found.estimate, found.covariance, True)


def _damped(x: FloatArray, y: FloatArray, w: FloatArray, ridge: float) -> ChanceModel:
    """The same by Newton steps that are halved until the likelihood rises: where full ones go round."""
    pull = np.full(x.shape[1], ridge)
    pull[0] = 0.0

    def gain(beta: FloatArray) -> float:
        linear = x @ beta
        return float(w @ (y * linear - np.logaddexp(0, linear)) - pull @ beta**2 / 2)

    beta = np.zeros(x.shape[1])
    beta[0] = np.log(np.average(y, weights=w) / (1 - np.average(y, weights=w)))
    hessian = np.eye(x.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -700, 700)))
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + np.diag(pull + 1e-12)
        try:
            step = np.linalg.solve(hessian, x.T @ (w * (y - p)) - pull * beta)
        except np.linalg.LinAlgError:
            break
        size, before = 1.0, gain(beta)
        while size > _LEAST_STEP and not gain(beta + size * step) >= before - _ROUNDING * abs(before):
            size /= 2
        beta = beta + size * step
        if np.abs(step).max() < _AT_REST:
            return ChanceModel(beta, np.linalg.inv(hessian).astype(np.float64), True)
        if np.abs(beta).max() > _RUNS_AWAY:
            break
    return ChanceModel(beta, np.full(hessian.shape, np.nan), False)


def ratio_of_chances(happened: ArrayLike, *, numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """The factor of a stabilised weight: the chance of what was seen, given little and given much.

    Parameters
    ----------
    happened : array_like of bool, shape (n,)
        What was seen in the row.
    numerator, denominator : array_like, shape (n,)
        Chances that it happens; a numerator of ones gives weights that are not stabilised where it did.

    Returns
    -------
    ndarray, shape (n,)
    """
    yes = np.asarray(happened, dtype=bool)
    above, below = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    seen = np.where(yes, below, 1 - below)
    return np.asarray(np.where(yes, above, 1 - above) / np.maximum(seen, _EDGE), dtype=np.float64)


def cumulative_weights(factors: ArrayLike, *, trial: ArrayLike) -> FloatArray:
    """Products of the factors from the start of each trial on; the first row of a trial has weight 1.

    Parameters
    ----------
    factors : array_like, shape (n,)
        One per row; rows of a trial stand together, in the order of time.
    trial : array_like, shape (n,)
        The trial (of one person) of each row.

    Returns
    -------
    ndarray, shape (n,)
        At follow-up 0 the choice itself is what is compared: its factor is not part of the product.
    """
    names = np.asarray(trial)
    if not names.size:
        return np.zeros(0)
    first = np.append(True, names[1:] != names[:-1])
    steps = np.where(first, 0.0, np.log(np.asarray(factors, dtype=float)))
    total = np.cumsum(steps)
    starts = np.maximum.accumulate(np.where(first, np.arange(len(steps)), 0))
    return np.asarray(np.exp(total - total[starts]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Truncated:
    """Weights whose extremes were set to limits.

    Attributes
    ----------
    weights : ndarray, shape (n,)
    low, high : float
        The limits.
    n_changed : int
        Weights that lay beyond them.
    """

    weights: FloatArray
    low: float
    high: float
    n_changed: int


def truncate_weights(
    weights: ArrayLike,
    *,
    low: float = 0.01,
    high: float = 0.99,
    method: Literal["linear", "inverted_cdf"] = "linear",
) -> Truncated:
    """Set weights beyond two of their own quantiles to these.

    Parameters
    ----------
    weights : array_like, shape (n,)
    low, high : float
        Levels of the quantiles; 0 and 1 change nothing.
    method : {"linear", "inverted_cdf"}
        How a quantile is read off: R's type 7 or its type 1.

    Returns
    -------
    Truncated

    References
    ----------
    Cole, S. R. & Hernán, M. A. (2008). American Journal of Epidemiology, 168, 656-664.
    https://doi.org/10.1093/aje/kwn164
    """
    w = np.asarray(weights, dtype=float)
    if not w.size:
        return Truncated(w, np.nan, np.nan, 0)
    bottom, top = (float(limit) for limit in np.quantile(w, (low, high), method=method))
    beyond: BoolArray = (w < bottom) | (w > top)
    return Truncated(np.clip(w, bottom, top), bottom, top, int(beyond.sum()))


def effective_sample_size(weights: ArrayLike) -> float:
    """Persons that would tell as much if they all counted the same: (sum of w)^2 / (sum of w^2).

    Parameters
    ----------
    weights : array_like, shape (n,)

    Returns
    -------
    float
        0 without weights.
    """
    w = np.asarray(weights, dtype=float)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0
