"""The smallest number of families with the power wanted, and how sure that number is."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from mpg_research.arrays import FloatArray
from mpg_research.planning.closed_form import closed_form
from mpg_research.planning.inputs import LARGEST, Inputs, change_inputs
from mpg_research.planning.questions import Question

__all__ = ["Smallest", "find_smallest"]

#: Sizes at which studies are simulated to find it.
_ROUNDS = 6
#: No size is further from the one before than so many times.
_STEP = 4.0


@dataclass(frozen=True, slots=True)
class Smallest:
    """How many families the power wanted takes.

    Attributes
    ----------
    values : mapping of str to object
        Of the inputs that vary.
    families : int or None
        None where it is not reached with as many as a plan may have.
    low, high : int or None
        Between which it lies, by the Monte Carlo error, in 95 of 100 repetitions; ``high`` is None where no
        number can be named.
    formula : int or None
        By formula, where there is one.
    """

    values: Mapping[str, Any]
    families: int | None
    low: int | None
    high: int | None
    formula: int | None


def find_smallest(
    simulate: Callable[[int], tuple[float, int]],
    question: Question,
    inputs: Inputs,
    *,
    target: float,
    values: Mapping[str, Any],
) -> Smallest:
    """Simulate near the number looked for, and read it off a curve through the simulations.

    Parameters
    ----------
    simulate : callable
        Takes a number of families; gives the share that finds the effect and how many were simulated.
    question : Question
    inputs : Inputs
    target : float
        Power wanted.
    values : mapping of str to object
        Of the inputs that vary.

    Notes
    -----
    Probit(power) = a + b sqrt(families), as of a test whose standard error falls with the root of the number,
    fitted by maximum likelihood to all sizes simulated; limits by the delta method on the root.
    """
    least = 2 * max(inputs.organisations, inputs.workers * inputs.organisations)
    most = LARGEST["families"]
    formula = _by_formula(question, inputs, target, least, most)
    size = formula or min(max(inputs.families, least), most)
    done: dict[int, tuple[float, int]] = {}
    guess: float = size
    for place in range(_ROUNDS):
        size = int(min(max(round(guess), least), most))
        while size in done and size < most:  # a new size says more of the curve
            size += max(1, round(0.04 * size))
        done[size] = simulate(size)
        if size == most and done[size][0] < target:
            return Smallest(values, None, None, None, formula)
        if size == least and done[size][0] >= target and least in done and place:
            break
        guess = _next(done, target, size)
    fitted = _probit(done)
    if fitted is None:
        found = min((n for n, (power, _) in done.items() if power >= target), default=None)
        return Smallest(values, found, None, None, formula)
    root, error = _root(fitted, target)
    low, high = (max(least, math.ceil(max(root + z * error, 0.0) ** 2)) for z in (-1.96, 1.96))
    return Smallest(values, max(least, math.ceil(root**2)), low, high, formula)


def _by_formula(question: Question, inputs: Inputs, target: float, least: int, most: int) -> int | None:
    def power(families: int) -> float:
        return closed_form(question, change_inputs(inputs, families=families)).get("power", math.nan)

    if math.isnan(power(most)) or power(most) < target:
        return None
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= target else (middle + 1, high)
    return low


def _next(done: Mapping[int, tuple[float, int]], target: float, last: int) -> float:
    """Where to look next: near the number as the curve has it, not always at it."""
    fitted = _probit(done) if len(done) > 1 else None
    if fitted is None:
        power = min(max(done[last][0], 0.02), 0.98)
        # the effect in standard errors grows with the root of the number
        ratio = (ndtri(target) + 1.96) / max(ndtri(power) + 1.96, 0.3)
        guess = last * float(np.clip(ratio**2, 1 / _STEP, _STEP))
        return guess if abs(guess - last) > 0.1 * last else 1.25 * last
    root, _ = _root(fitted, target)
    spread = (0.88, 1.12, 0.95, 1.05, 1.0)[len(done) % 5]
    return float(np.clip(spread * root**2, min(done) / _STEP, max(done) * _STEP))


def _probit(done: Mapping[int, tuple[float, int]]) -> tuple[FloatArray, FloatArray] | None:
    """Intercept and slope on the root of the number, with their covariance; None where they are not known."""
    x = np.column_stack([np.ones(len(done)), np.sqrt(list(done))])
    share, n = (np.array(each, dtype=float) for each in zip(*done.values(), strict=True))
    share = (share * n + 0.5) / (n + 1.0)
    work = ndtri(share)
    beta = np.zeros(2)
    for step in range(30):
        eta = work if not step else np.clip(x @ beta, -6, 6)
        mean, density = ndtr(eta), np.exp(-0.5 * eta**2) / math.sqrt(2.0 * math.pi)
        weight = n * density**2 / np.maximum(mean * (1.0 - mean), 1e-12)
        response = eta + (share - mean) / np.maximum(density, 1e-12)
        information = (x * weight[:, None]).T @ x
        if np.linalg.cond(information) > 1e12:
            return None
        new = np.linalg.solve(information, x.T @ (weight * response))
        if np.max(np.abs(new - beta)) < 1e-10:
            break
        beta = new
    covariance = np.linalg.inv(information)
    return (beta, covariance) if beta[1] > 2.0 * math.sqrt(covariance[1, 1]) else None


def _root(fitted: tuple[FloatArray, FloatArray], target: float) -> tuple[float, float]:
    """The root of the number with the power wanted, and its standard error."""
    (a, b), covariance = fitted
    root = float((ndtri(target) - a) / b)
    slopes = np.array([-1.0 / b, -root / b])
    return max(root, 0.0), float(math.sqrt(slopes @ covariance @ slopes))
