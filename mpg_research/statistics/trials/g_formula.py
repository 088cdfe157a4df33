"""The g-formula with linear models: what the outcome would be had everybody followed a strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray

__all__ = [
    "LinearStep",
    "StageMoments",
    "iterated_expectation",
    "least_squares",
    "propagate",
    "stage_moments",
]


def least_squares(design: ArrayLike, outcome: ArrayLike) -> FloatArray:
    """Coefficients by least squares, shape (p,); columns that say the same share what they explain.

    Parameters
    ----------
    design : array_like, shape (n, p)
    outcome : array_like, shape (n,)
    """
    found = np.linalg.lstsq(np.asarray(design, dtype=float), np.asarray(outcome, dtype=float), rcond=None)[0]
    return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LinearStep:
    """A linear model of a variable in terms of others, of now or before.

    Attributes
    ----------
    name : str
        The variable that the model is of.
    terms : mapping of str to float
        Coefficients by name: ``""`` is the constant, a name is the variable now, and ``lag1_NAME`` the one of
        the step before.
    """

    name: str
    terms: Mapping[str, float]


def propagate(
    start: Mapping[str, ArrayLike],
    steps: Sequence[LinearStep],
    *,
    strategy: Mapping[str, Sequence[float]],
    outcome: LinearStep,
    clock: str = "t0",
) -> FloatArray:
    """Carry expectations forward under a strategy, for each person.

    Parameters
    ----------
    start : mapping of str to array_like, shape (n,)
        Every variable at the first step; what no model is of stays as it is.
    steps : sequence of LinearStep
        Models of the variables that change, in the order in which they do so within a step.
    strategy : mapping of str to sequence of float
        What the variables of the strategy are set to, one value per step; their number is that of the steps.
    outcome : LinearStep
        Of the outcome at the last step.
    clock : str
        Name under which the models know the number of the step, from 0.

    Returns
    -------
    ndarray, shape (n,)
        Expected outcome; its mean is the g-formula's estimate.

    Notes
    -----
    In linear models the expectation of what comes next depends on expectations alone, so that nothing has to
    be simulated.

    References
    ----------
    Robins, J. (1986). Mathematical Modelling, 7, 1393-1512.
    https://doi.org/10.1016/0270-0255(86)90088-6
    """
    now = {name: np.asarray(values, dtype=float) for name, values in start.items()}
    n_steps = len(next(iter(strategy.values())))
    n = len(next(iter(now.values())))
    before: dict[str, FloatArray] = {}
    for step in range(n_steps):
        known = dict(now)
        known[clock] = np.full(n, float(step))
        if step:
            for model in steps:
                known[model.name] = _expected(model, known, before, n)
        for name, values in strategy.items():
            known[name] = np.full(n, float(values[step]))
        now, last = known, before
        before = now
    return _expected(outcome, now, last, n)


def _expected(
    model: LinearStep, now: Mapping[str, FloatArray], before: Mapping[str, FloatArray], n: int
) -> FloatArray:
    total = np.full(n, float(model.terms.get("", 0.0)))
    for name, coefficient in model.terms.items():
        if name.startswith("lag1_"):
            total = total + coefficient * before[name.removeprefix("lag1_")]
        elif name:
            total = total + coefficient * now[name]
    return total


@dataclass(frozen=True, slots=True)
class StageMoments:
    """Cross products behind iterated expectations, of each of g clusters.

    Attributes
    ----------
    own : tuple of ndarray, each of shape (g, p, p)
        Of the columns of a stage with each other, over those who are still followed after it.
    onwards : tuple of ndarray, each of shape (g, p, p)
        Of the columns of a stage with those of the next one, over those who get there; one less than stages.
    ends : tuple of ndarray, each of shape (g, p)
        Of the columns of a stage with the outcome, over those for whom it comes next.
    first : ndarray, shape (g, p)
        Sums of the columns of the first stage, over everybody.
    n : ndarray, shape (g,)
        Persons.
    """

    own: tuple[FloatArray, ...]
    onwards: tuple[FloatArray, ...]
    ends: tuple[FloatArray, ...]
    first: FloatArray
    n: FloatArray


def stage_moments(
    stages: Sequence[ArrayLike],
    followed: Sequence[ArrayLike],
    outcome: ArrayLike,
    *,
    clusters: ArrayLike,
    reached: Sequence[ArrayLike] | None = None,
) -> StageMoments:
    """Add up what :func:`iterated_expectation` needs, cluster by cluster.

    Parameters
    ----------
    stages : sequence of array_like, each of shape (n, p)
        What is known of each person at each stage; anything where a person is no longer followed.
    followed : sequence of array_like of bool, each of shape (n,)
        One per stage: who is still on the strategy, and seen, after it.
    outcome : array_like, shape (n,)
        Anything where it was not seen.
    clusters : array_like of int, shape (n,)
        From 0 on.
    reached : sequence of array_like of bool, each of shape (n,), optional
        One per stage: for whom, of those followed, the outcome comes next; by default for all at the last
        stage and for nobody before. At the last stage it does for all.

    Returns
    -------
    StageMoments
        A bootstrap of clusters weighs these sums, and never touches the persons again.
    """
    codes = np.asarray(clusters, dtype=np.intp)
    g = int(codes.max()) + 1 if codes.size else 0
    designs = [np.asarray(stage, dtype=float) for stage in stages]
    y = np.asarray(outcome, dtype=float)[:, None]
    own, onwards, ends = [], [], []
    for place, (x, kept) in enumerate(zip(designs, followed, strict=True)):
        on, last = np.asarray(kept, dtype=bool), place + 1 == len(designs)
        over = np.zeros(len(x), dtype=bool) if reached is None else np.asarray(reached[place], dtype=bool)
        rows, done = np.flatnonzero(on), np.flatnonzero(on & (over | last))
        own.append(_sums(x[rows], x[rows], codes[rows], g))
        ends.append(_sums(x[done], y[done], codes[done], g)[:, :, 0])
        if not last:
            going = np.flatnonzero(on & ~over)
            onwards.append(_sums(x[going], designs[place + 1][going], codes[going], g))
    first = np.zeros((g, designs[0].shape[1]))
    np.add.at(first, codes, designs[0])
    n = np.bincount(codes, minlength=g).astype(float)
    return StageMoments(tuple(own), tuple(onwards), tuple(ends), first, n)


def _sums(x: FloatArray, y: FloatArray, codes: np.ndarray, g: int) -> FloatArray:
    """Sums of outer products per cluster, shape (g, p, q)."""
    order = np.argsort(codes, kind="stable")
    products = (x[order, :, None] * y[order, None, :]).reshape(len(order), x.shape[1] * y.shape[1])
    total = np.zeros((g, products.shape[1]))
    if len(order):
        names = codes[order]
        starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
        total[names[starts]] = np.add.reduceat(products, starts, axis=0)
    return total.reshape(g, x.shape[1], y.shape[1])


def iterated_expectation(moments: StageMoments, weight: ArrayLike | None = None) -> float:
    """Mean outcome had everybody followed the strategy, by regressions from the last stage to the first.

    Parameters
    ----------
    moments : StageMoments
    weight : array_like, shape (g,), optional
        How often each cluster counts, as in a bootstrap.

    Returns
    -------
    float
        NaN where some stage has nobody left.

    References
    ----------
    Bang, H. & Robins, J. M. (2005). Biometrics, 61, 962-973.
    https://doi.org/10.1111/j.1541-0420.2005.00377.x
    """
    w = np.ones(len(moments.n)) if weight is None else np.asarray(weight, dtype=float)
    beta = np.zeros(moments.first.shape[1])
    for place in range(len(moments.own) - 1, -1, -1):
        square = np.tensordot(w, moments.own[place], axes=1)
        if not np.trace(square) > 0:
            return float("nan")
        target = w @ moments.ends[place]
        if place < len(moments.onwards):
            target = target + np.tensordot(w, moments.onwards[place], axes=1) @ beta
        beta = np.asarray(np.linalg.lstsq(square, target, rcond=1e-11)[0], dtype=np.float64)
    return float((w @ moments.first) @ beta / (w @ moments.n))
