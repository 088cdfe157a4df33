"""A quasi-Newton minimiser with exact gradients, stopped by the Newton decrement."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray

__all__ = ["DECREMENT_TOLERANCE", "Minimum", "minimise"]

Objective = Callable[[FloatArray], tuple[float, FloatArray]]

# Half the predicted fall in deviance: the standard error of a parameter is off by about its root.
DECREMENT_TOLERANCE = 1e-12
# The deviance itself carries rounding of a few ulps; below this no fall can be seen.
ROUNDING = 4e-15


# Differences of the deviance below this are immaterial, and with large variance ratios they are rounding.
VALUE_NOISE = 1e-8


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the minimiser stopped.

    Attributes
    ----------
    x : array, shape (k,)
    value : float
    gradient : array, shape (k,)
    inverse_hessian : array, shape (k, k)
        The quasi-Newton approximation, for warm starts.
    n_evaluations : int
    converged : bool
    decrement : float
        g'Hg / 2 at the end, in units of the objective.
    message : str
    """

    x: FloatArray
    value: float
    gradient: FloatArray
    inverse_hessian: FloatArray
    n_evaluations: int
    converged: bool
    decrement: float
    message: str


def minimise(
    objective: Objective,
    start: "FloatArray | Minimum",
    *,
    inverse_hessian: FloatArray | None = None,
    tolerance: float = DECREMENT_TOLERANCE,
    max_evaluations: int = 500,
) -> Minimum:
    """Minimise a smooth function by BFGS with a Wolfe line search.

    Parameters
    ----------
    objective : callable
        x -> (value, gradient).
    start : array, shape (k,), or Minimum
        A search that was stopped early is taken up where it ended.
    inverse_hessian : array, shape (k, k), optional
        A guess, as from a fit to part of the data; by default the first step sets the scale.
    tolerance : float
        Stop when the Newton decrement g'Hg/2 is below it (relative to 1 + |value| * rounding).
    max_evaluations : int

    Returns
    -------
    Minimum
    """
    if isinstance(start, Minimum):
        x, value, gradient, n_evaluations = start.x, start.value, start.gradient, start.n_evaluations
        inverse_hessian = start.inverse_hessian
    else:
        x, n_evaluations = np.array(start, dtype=float), 1
        value, gradient = objective(x)
    size = x.size
    scaled = inverse_hessian is not None
    inverse = np.array(inverse_hessian) if inverse_hessian is not None else np.eye(size)
    if not scaled:
        inverse *= min(1.0, 0.5 / max(float(np.linalg.norm(gradient)), 1e-12))
    resets = 0
    while True:
        direction = -inverse @ gradient
        slope = float(gradient @ direction)
        if slope >= 0:
            inverse, direction = np.eye(size), -gradient
            slope = -float(gradient @ gradient)
        decrement = -0.5 * slope
        floor = max(tolerance, ROUNDING * abs(value))
        if scaled and decrement <= floor:
            return Minimum(x, value, gradient, inverse, n_evaluations, True, decrement, "converged")
        if n_evaluations >= max_evaluations:
            message = (
                f"stopped after {n_evaluations} evaluations, {decrement:.2g} above the minimum it predicts"
            )
            return Minimum(x, value, gradient, inverse, n_evaluations, False, decrement, message)
        longest = float(np.max(np.abs(direction)))
        limit = 2.0 * (1.0 + float(np.max(np.abs(x))))
        initial = min(1.0, limit / longest)
        found = _search(objective, x, value, gradient, direction, initial, max_evaluations - n_evaluations)
        n_evaluations += found.n_evaluations
        if found.step == 0.0:
            if decrement <= 1e-6 * (1.0 + 1e-6 * abs(value)) and resets:
                return Minimum(x, value, gradient, inverse, n_evaluations, True, decrement, "converged")
            if resets >= 2:
                message = f"no lower point found along the search direction (decrement {decrement:.2g})"
                return Minimum(x, value, gradient, inverse, n_evaluations, False, decrement, message)
            resets += 1
            inverse = np.eye(size) * min(1.0, 0.1 / max(float(np.linalg.norm(gradient)), 1e-12))
            continue
        move, change = found.step * direction, found.gradient - gradient
        curvature = float(move @ change)
        if curvature > 1e-14 * float(np.linalg.norm(move) * np.linalg.norm(change)):
            if not scaled:
                inverse = np.eye(size) * curvature / float(change @ change)
            hc = inverse @ change
            inverse = (
                inverse
                + np.outer(move, move) * (1.0 + float(change @ hc) / curvature) / curvature
                - (np.outer(move, hc) + np.outer(hc, move)) / curvature
            )
        scaled = True
        x, value, gradient = x + move, found.value, found.gradient


@dataclass(frozen=True, slots=True)
class _Step:
    step: float
    value: float
    gradient: FloatArray
    n_evaluations: int


def _search(
    objective: Objective,
    x: FloatArray,
    value: float,
    gradient: FloatArray,
    direction: FloatArray,
    initial: float,
    budget: int,
) -> _Step:
    """A step that satisfies the (approximate) Wolfe conditions, by bracketing and interpolation.

    Near the minimum differences of values drown in rounding; there the slopes decide (Hager & Zhang
    2005, 10.1137/030601880, "approximate Wolfe").
    """
    slope = float(gradient @ direction)
    noise = VALUE_NOISE + 2e-14 * abs(value)
    low, low_slope = 0.0, slope
    high, high_slope = np.inf, np.nan
    step = initial
    best = _Step(0.0, value, gradient, 0)
    for count in range(1, min(budget, 40) + 1):
        new_value, new_gradient = objective(x + step * direction)
        new_slope = float(new_gradient @ direction)
        usable = np.isfinite(new_value) and np.isfinite(new_slope)
        falls = usable and new_value <= value + 1e-4 * step * slope
        flat = usable and abs(new_value - value) <= noise and new_slope <= -0.8 * slope
        if (falls or flat) and abs(new_slope) <= 0.9 * abs(slope):
            return _Step(step, new_value, new_gradient, count)
        if usable and new_value <= best.value:
            best = _Step(step, new_value, new_gradient, count)
        if not (falls or flat) or new_slope >= 0:
            high, high_slope = step, new_slope if usable else np.nan
        else:
            low, low_slope = step, new_slope
        if not np.isfinite(high):
            step = 3.0 * step if low_slope >= slope else 2.0 * step
        else:
            width = high - low
            middle = low + 0.5 * width
            if np.isfinite(high_slope) and high_slope > low_slope:
                secant = low - low_slope * width / (high_slope - low_slope)
                middle = min(max(secant, low + 0.1 * width), high - 0.1 * width)
            step = middle
            if width <= 1e-12 * max(1.0, high):
                break
    return _Step(best.step, best.value, best.gradient, min(budget, 40))
