"""What to choose under uncertainty, from draws of costs and effects; and one assumption at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.economics.reading import read_numbers

__all__ = [
    "Acceptability",
    "OneWayRange",
    "acceptability",
    "one_way_ranges",
    "read_draws",
]


@dataclass(frozen=True, slots=True)
class Acceptability:
    """Choosing among s strategies at k thresholds.

    Attributes
    ----------
    threshold : ndarray, shape (k,)
        Euros that a unit of effect may cost.
    mean_net_benefit : ndarray, shape (k, s)
    best : ndarray of int, shape (k,)
        The strategy with the highest mean net benefit: the one to choose.
    probability : ndarray, shape (k, s)
        That a strategy has the highest net benefit (acceptability curve); draws that tie are shared.
    frontier : ndarray, shape (k,)
        That of the strategy to choose (acceptability frontier). It need not be the highest probability.
    expected_loss : ndarray, shape (k, s)
        Euros lost, on average, by choosing a strategy that may turn out not to be the best.
    perfect_information : ndarray, shape (k,)
        Expected value of perfect information: the smallest expected loss, that of ``best``.
    n : int
        Draws.
    """

    threshold: FloatArray
    mean_net_benefit: FloatArray
    best: IntArray
    probability: FloatArray
    frontier: FloatArray
    expected_loss: FloatArray
    perfect_information: FloatArray
    n: int


def acceptability(cost_draws: ArrayLike, effect_draws: ArrayLike, *, threshold: ArrayLike) -> Acceptability:
    """Acceptability curve and frontier, expected loss and the value of perfect information.

    Parameters
    ----------
    cost_draws, effect_draws : array_like, shape (n, s)
        Mean cost and effect of each strategy in each draw (or replication of a bootstrap).
    threshold : array_like, shape (k,)
        Euros per unit of effect, zero or more.

    Returns
    -------
    Acceptability

    Raises
    ------
    ValueError
        If there are fewer than two strategies, or a number is missing.

    References
    ----------
    Fenwick, E., Claxton, K. & Sculpher, M. (2001). Representing uncertainty: the role of cost-effectiveness
    acceptability curves. *Health Economics*, 10, 779-787. https://doi.org/10.1002/hec.635

    Examples
    --------
    >>> found = acceptability([[0, 10], [0, 30]], [[0, 1], [0, 1]], threshold=[25])
    >>> found.probability.tolist(), found.perfect_information.tolist()
    ([[0.5, 0.5]], [2.5])
    """
    cost, effect, k = read_draws(cost_draws, effect_draws, threshold)
    n, s = cost.shape
    mean, loss, chance = (np.zeros((k.size, s)) for _ in range(3))
    for place, euros in enumerate(k):
        own = euros * effect - cost
        highest = own.max(axis=1, keepdims=True)
        first = own == highest
        mean[place], loss[place] = own.mean(axis=0), (highest - own).mean(axis=0)
        chance[place] = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    best = mean.argmax(axis=1)
    rows = np.arange(k.size)
    return Acceptability(k, mean, best, chance, chance[rows, best], loss, loss[rows, best], n)


@dataclass(frozen=True, slots=True)
class OneWayRange:
    """What an outcome becomes when one assumption moves and the others stay.

    Attributes
    ----------
    name : str
    low, high : float
        The assumption's own range.
    at_low, at_high : float
        The outcome there.
    base : float
        The outcome at the base case.
    width : float
        Absolute difference of the outcomes at the two ends.
    """

    name: str
    low: float
    high: float
    at_low: float
    at_high: float
    base: float
    width: float


def one_way_ranges(
    outcome: Callable[[Mapping[str, float]], float],
    base: Mapping[str, float],
    *,
    ranges: Mapping[str, tuple[float, float]],
) -> tuple[OneWayRange, ...]:
    """One-way sensitivity: the rows of a tornado, widest first.

    Parameters
    ----------
    outcome : callable
        From all assumptions to one number.
    base : mapping of str to float
        Every assumption at its base case.
    ranges : mapping of str to (float, float)
        Low and high of the assumptions that are varied; the base case lies within.

    Returns
    -------
    tuple of OneWayRange

    Raises
    ------
    ValueError
        If a range has no base case, does not hold it, or an outcome is not finite.

    Examples
    --------
    >>> rows = one_way_ranges(lambda a: a["hours"] * a["price"], {"hours": 10, "price": 80},
    ...                       ranges={"hours": (8, 12), "price": (60, 100)})
    >>> [(row.name, row.width) for row in rows]
    [('price', 400.0), ('hours', 320.0)]
    """
    middle = _outcome(outcome, base, "the base case")
    rows = []
    for name, (low, high) in ranges.items():
        if name not in base:
            raise ValueError(f"{name} has a range and no base case; known are {', '.join(base)}")
        if not low <= base[name] <= high:
            raise ValueError(
                f"{name} is {base[name]:g} in the base case, outside its range "
                f"{low:g} to {high:g}; correct one of them"
            )
        first, last = (_outcome(outcome, {**base, name: end}, f"{name} = {end:g}") for end in (low, high))
        rows.append(OneWayRange(name, float(low), float(high), first, last, middle, abs(last - first)))
    return tuple(sorted(rows, key=lambda row: -row.width))


def _outcome(outcome: Callable[[Mapping[str, float]], float], at: Mapping[str, float], where: str) -> float:
    value = float(outcome(at))
    if not np.isfinite(value):
        raise ValueError(f"the outcome is {value} at {where}; expected a finite number; narrow the range")
    return value


def read_draws(
    cost_draws: ArrayLike, effect_draws: ArrayLike, threshold: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Check draws and thresholds.

    Parameters
    ----------
    cost_draws, effect_draws : array_like, shape (n, s)
    threshold : array_like, shape (k,)

    Returns
    -------
    cost, effect, threshold : ndarray

    Raises
    ------
    ValueError
        If there are fewer than two strategies, or a number is missing.
    """
    cost = read_numbers(cost_draws, "cost of a draw", dimensions=(2,))
    effect = read_numbers(effect_draws, "effect of a draw", n=cost.shape[0], dimensions=(2,))
    if cost.shape != effect.shape or cost.shape[1] < 2:
        raise ValueError(
            f"costs have the shape {cost.shape}, effects {effect.shape}; expected the same two strategies or "
            "more; of a difference give a column of zeros beside it"
        )
    return cost, effect, read_numbers(np.atleast_1d(threshold), "threshold", least=0)
