"""Two outcomes fitted: how courses go together, and what carries over from one to the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from mpg_research.arrays import FloatArray
from mpg_research.statistics.two_outcomes.likelihood import TwoOutcomes
from mpg_research.statistics.two_outcomes.vector_swings import carried, derivative
from mpg_research.statistics.two_outcomes.without_edge import without_edge

__all__ = ["Carried", "Fitted", "Verdict", "carried_over", "fit_two_outcomes", "search"]

Verdict = Literal["estimated", "no_items", "no_swings", "not_converged"]

#: The search goes on in steps of the curvature while a full Newton step would lower the deviance by more than
#: the first, and found an optimum where that is less than the second.
_PRECISE, _ENOUGH = 1e-4, 1e-2
_TURNS = 3
_GRADIENT = 1e-3
#: Negative curvature (scaled) up to this is rounding.
_BENT = 1e-4
#: Step of the differences of the gradient.
_STEP = 1e-4
#: A direction with less than this share of the largest curvature (scaled) is flat.
_FLAT = 1e-9
#: Swings with less than this share of what error of measurement leaves are none.
_NO_SWINGS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """An optimum of the restricted likelihood.

    Attributes
    ----------
    model : TwoOutcomes
    vector : ndarray, shape (k,)
        Its parameters there.
    deviance : float
    hessian : ndarray, shape (k, k)
        Second derivatives of the deviance.
    converged : bool
    """

    model: TwoOutcomes
    vector: FloatArray
    deviance: float
    hessian: FloatArray
    converged: bool

    @property
    def covariance(self) -> FloatArray:
        """Of levels and slopes of the families, shape (4, 4)."""
        root = self.model.root(self.vector)
        found: FloatArray = root @ root.T
        return found

    @property
    def swing_sd(self) -> FloatArray:
        """Standard deviation of the swings of both outcomes, without error of measurement, shape (2,)."""
        first = np.exp(self.vector[-1])
        return np.array([first, first * np.exp(self.model.delta(self.vector)[-1])])

    @property
    def reliability(self) -> FloatArray:
        """Share of the variance around the own course that is no error of measurement, shape (2,)."""
        swings = self.swing_sd**2
        found: FloatArray = swings / (swings + np.array(self.model.noise))
        return found


@dataclass(frozen=True, slots=True)
class Carried:
    """What a swing is followed by one moment later.

    Attributes
    ----------
    verdict : {"estimated", "no_items", "no_swings", "not_converged"}
        Whether it can be told: not where error of measurement is not known, where it leaves no swings, or
        where the search came to no rest.
    estimate, std_error : ndarray, shape (2, 2)
        Of the outcome in the column on that in the row; NaN where the verdict is another one.
    """

    verdict: Verdict
    estimate: FloatArray
    std_error: FloatArray


def fit_two_outcomes(model: TwoOutcomes, start: FloatArray | None = None) -> Fitted:
    """Find the optimum.

    Parameters
    ----------
    model : TwoOutcomes
    start : ndarray, shape (k,), optional
        Where to begin.
    """
    vector, deviance = search(model.deviance, model.start() if start is None else start)
    for _ in range(_TURNS):
        hessian = _hessian(model, vector)
        decrement = _decrement(hessian, model.deviance(vector)[1])
        if not decrement > _PRECISE:
            break
        vector, deviance = search(model.deviance, vector, _inverse(hessian))
    values = np.linalg.eigvalsh(_scaled(hessian)[0]) if np.isfinite(hessian).all() else np.array([-1.0])
    rests = np.isfinite(deviance) and decrement < _ENOUGH and values.min() > -_BENT
    return Fitted(model, vector, deviance, hessian, bool(rests))


def carried_over(fit: Fitted, noise_errors: tuple[float, float] = (0.0, 0.0)) -> Carried:
    """What carries over, with errors that allow for those of the error variances.

    Parameters
    ----------
    fit : Fitted
        With ``carries_over``.
    noise_errors : tuple of float
        Standard errors of the two error variances.

    Notes
    -----
    The variance is the larger of the model's and that of a sandwich over families, since swings need not be
    normal; the sandwich of n families and k parameters is enlarged by n / (n - k), as it is too small else.
    Both are those of :mod:`without_edge`: where the slopes of families are estimated as equal, that they may
    not be so counts too. The error of each error variance adds its square times that of the derivative of the
    estimate in it.
    """
    nothing = np.full((2, 2), np.nan)
    if not fit.converged:
        return Carried("not_converged", nothing, nothing)
    if fit.reliability.min() < _NO_SWINGS:
        return Carried("no_swings", nothing, nothing)
    slopes = derivative(lambda at: carried(fit.model.delta(at)).ravel(), fit.vector)
    free_model: TwoOutcomes
    free_model, at = without_edge(fit.model, fit.vector)
    inverse = _curvature_without_edge(free_model, at)
    if inverse is None:
        free_model, at, inverse = fit.model, fit.vector, _inverse(fit.hessian)
    _, moved = free_model.evaluate(at)
    by_family = free_model.gradients(at, moved) @ inverse @ slopes
    n = len(fit.model.families.y)
    free = max(n - len(fit.vector) - fit.model.families.x.shape[2], 1)
    variance = np.maximum((by_family**2).sum(axis=0) * n / free, 2 * np.diagonal(slopes.T @ inverse @ slopes))
    for place, error in enumerate(noise_errors):
        if error > 0:
            variance = variance + (_of_noise(free_model, at, place, inverse) @ slopes * error) ** 2
    estimate = carried(fit.model.delta(fit.vector))
    return Carried("estimated", estimate, np.sqrt(variance).reshape(2, 2))


def search(
    function: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    inverse: FloatArray | None = None,
) -> tuple[FloatArray, float]:
    """Minimise a function that gives its value and gradient; its argument and its value there.

    Parameters
    ----------
    function : callable
    start : ndarray, shape (k,)
    inverse : ndarray, shape (k, k), optional
        An inverse curvature: the search goes in steps of it.
    """
    turn = np.eye(len(start)) if inverse is None else _half(inverse)

    def turned(at: FloatArray) -> tuple[float, FloatArray]:
        value, slope = function(start + turn @ at)
        return value, turn.T @ slope

    found = minimize(
        turned, np.zeros(turn.shape[1]), jac=True, method="BFGS", options={"gtol": _GRADIENT, "maxiter": 400}
    )
    return start + turn @ found.x, float(found.fun)


def _hessian(model: TwoOutcomes, vector: FloatArray) -> FloatArray:
    """Second derivatives of the deviance, by central differences of its gradient."""
    rows = []
    for step in _STEP * np.eye(len(vector)):
        up, down = model.deviance(vector + step)[1], model.deviance(vector - step)[1]
        rows.append((up - down) / (2 * _STEP))
    found = np.array(rows)
    return np.asarray(0.5 * (found + found.T))


def _decrement(hessian: FloatArray, slope: FloatArray) -> float:
    """By how much a full Newton step would lower the deviance, twice."""
    step = _inverse(hessian) @ slope
    return float(abs(step @ hessian @ step)) if np.isfinite(step).all() else np.inf


def _curvature_without_edge(model: TwoOutcomes, at: FloatArray) -> FloatArray | None:
    """The inverse curvature in the entries of G; None where the likelihood has no top there."""
    hessian = _hessian(model, at)
    if not np.isfinite(hessian).all():
        return None
    lowest = float(np.linalg.eigvalsh(_scaled(hessian)[0]).min())
    return _inverse(hessian) if lowest > _FLAT else None


def _of_noise(model: TwoOutcomes, at: FloatArray, place: int, inverse: FloatArray) -> FloatArray:
    """How the optimum moves with an error variance, shape (k,)."""
    step = max(1e-3 * model.noise[place], 1e-9)
    slopes = []
    for sign in (1, -1):
        noise = list(model.noise)
        noise[place] += sign * step
        slopes.append(replace(model, noise=(noise[0], noise[1])).deviance(at)[1])
    found: FloatArray = -inverse @ ((slopes[0] - slopes[1]) / (2 * step))
    return found


def _scaled(hessian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same with a diagonal of one, and the scale."""
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diagonal(hessian)), 1e-12))
    return hessian * np.outer(scale, scale), scale


def _inverse(hessian: FloatArray) -> FloatArray:
    """The inverse; flat directions have none. NaN where there is no curvature to speak of."""
    if not np.isfinite(hessian).all():
        return np.full_like(hessian, np.nan)
    balanced, scale = _scaled(hessian)
    values, vectors = np.linalg.eigh(balanced)
    kept = values > _FLAT * values.max()
    found: FloatArray = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T * np.outer(scale, scale)
    return found


def _half(inverse: FloatArray) -> FloatArray:
    """A root of an inverse curvature; flat directions get steps of one."""
    values, vectors = np.linalg.eigh(inverse)
    found: FloatArray = vectors * np.sqrt(np.where(values > 0, values, 1.0))
    return found
