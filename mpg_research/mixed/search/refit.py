"""Refits of one design to other outcomes: only what contains y is formed anew, from a warm start."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.search.many_outcomes import Batch, BatchFit, fit_batch
from mpg_research.mixed.search.many_outcomes_residual import CorrelatedBatch
from mpg_research.mixed.search.solution import MixedSolution, make_solution
from mpg_research.mixed.search.starts_and_faces import (
    SMALL_DIRECTION,
    find_optimum,
    inverse_curvature,
    start_off_boundary,
)
from mpg_research.parallel import simulate_in_chunks

__all__ = ["Refits", "refit", "simulated_refits"]


# Draws are fitted together in lots of about this many groups: arrays that stay in the cache.
GROUPS_AT_ONCE = 4_800
# A draw's estimates need to be right to a small part of their own standard error: root of twice this.
DRAW_TOLERANCE = 1e-6
# Joint steps before the rest is fitted one by one: more of them where that is dear and boundaries are common.
FEW_STEPS, MANY_STEPS = 9, 40
# Slope of the deviance in a variance, relative to the largest, from which its zero is not the minimum.
FALSE_ZERO = 1e-3


@dataclass(frozen=True, slots=True)
class Refits:
    """Estimates from many refits, one row each.

    Attributes
    ----------
    beta : array, shape (n, p)
    theta : array, shape (n, n_theta)
    random_sd : array, shape (n, number of random columns over all terms)
        Standard deviations, in the order of the terms and their columns.
    sigma : array, shape (n,)
    converged : array of bool, shape (n,)
    residual_parameters : array, shape (n, n_residual)
        As :attr:`MixedSolution.residual_parameters`.
    """

    beta: FloatArray
    theta: FloatArray
    random_sd: FloatArray
    sigma: FloatArray
    converged: NDArray[np.bool_]
    residual_parameters: FloatArray


def _curvature(solution: MixedSolution) -> FloatArray | None:
    """Inverse expected curvature off the boundary near the solution, kept with it; None if it is unknown."""
    engine: Engine = solution.engine
    if engine.structure is not None and not isinstance(engine.route, NestedRoute):
        return None
    if "curvature" not in solution.cache:
        near = start_off_boundary(engine, solution.internal)
        solution.cache["curvature"] = inverse_curvature(engine.lean(), near)
    found_inverse: FloatArray = solution.cache["curvature"]
    return found_inverse


def refit(solution: MixedSolution, y: FloatArray) -> MixedSolution:
    """Fit the same model to another outcome.

    Parameters
    ----------
    solution : MixedSolution
    y : array, shape (n_rows,)

    Returns
    -------
    MixedSolution
    """
    original: Engine = solution.engine
    engine = original.with_outcome(np.asarray(y, dtype=float))
    best = find_optimum(engine, start_off_boundary(original, solution.internal), _curvature(solution))
    return make_solution(engine, best.x, best.gradient, best.n_evaluations, best.converged, best.message)


def simulated_refits(solution: MixedSolution, n: int, rng: np.random.Generator | int) -> Refits:
    """Parametric bootstrap: simulate from the fit and refit, ``n`` times.

    Parameters
    ----------
    solution : MixedSolution
        Without a residual structure where its factors are crossed.
    n : int
    rng : numpy Generator or int

    Returns
    -------
    Refits

    Notes
    -----
    Simulation runs in the engine's own coordinates with zero fixed effects, which the refits' are then
    added to: the estimators are equivariant, so that this is exact. It goes in chunks that may run beside
    each other (:mod:`mpg_research.parallel`).
    """
    chunks = simulate_in_chunks(partial(_simulated_chunk, solution), n, rng)
    return _collected(solution, BatchFit(*(np.concatenate(parts) for parts in zip(*chunks, strict=True))))


def _simulated_chunk(
    solution: MixedSolution, n: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """The fields of :class:`BatchFit` for ``n`` outcomes drawn from the fit."""
    engine: Engine = solution.engine
    start, inverse = start_off_boundary(engine, solution.internal), _curvature(solution)
    assert inverse is not None
    n_groups = max(len(term.levels) for term in solution.problem.random)
    size = max(1, min(64, GROUPS_AT_ONCE // n_groups))
    found = []
    for first in range(0, n, size):
        outcomes = _draws(solution, min(size, n - first), generator)
        found.append(_fit_draws(engine, outcomes, start, inverse))
    x, beta, s2, value, done = (
        np.concatenate([getattr(one, name) for one in found]) for name in ("x", "beta", "s2", "value", "done")
    )
    return x, beta, s2, value, done


def _draws(solution: MixedSolution, n: int, generator: np.random.Generator) -> FloatArray:
    """Outcomes in internal units (n, n_rows), their fixed effects zero."""
    engine: Engine = solution.engine
    scaled = engine.scaled
    sd = float(np.sqrt(engine.at(solution.internal)[1].s2))
    factors = scaled.factors(solution.internal[: engine.n_theta])
    sizes = [
        (factor.shape[0], len(term.levels))
        for factor, term in zip(factors, solution.problem.random, strict=True)
    ]
    # one row of numbers per draw, so that a draw is the same in whatever company it is made
    numbers = generator.standard_normal((n, scaled.n + sum(q * n_groups for q, n_groups in sizes)))
    numbers *= sd
    outcomes, start = numbers[:, : scaled.n].copy(), scaled.n
    if engine.structure is not None:
        assert isinstance(engine.route, NestedRoute)
        order = engine.route.rows.order
        delta = engine.delta(solution.internal)
        if order is None:
            outcomes = engine.residual.back(delta, outcomes)
        else:
            outcomes[:, order] = engine.residual.back(delta, outcomes[:, order])
    for term, z, factor, (q, n_groups) in zip(solution.problem.random, scaled.z, factors, sizes, strict=True):
        stop = start + q * n_groups
        effects = factor @ numbers[:, start:stop].reshape(n, q, n_groups)
        for j in range(q):
            outcomes += z[j] * effects[:, j, term.codes]
        start = stop
    return outcomes


def _fit_draws(engine: Engine, outcomes: FloatArray, start: FloatArray, inverse: FloatArray) -> BatchFit:
    """Every draw's fit: together as far as that goes, the rest one by one."""
    joint: BatchFit | None = None
    if len(outcomes) > 3 and isinstance(engine.route, NestedRoute) and start.size <= engine.n_theta + 1:
        try:
            if engine.structure is None:
                batch, steps = Batch(engine.lean(), outcomes), FEW_STEPS
            else:
                batch, steps = CorrelatedBatch(engine.lean(), outcomes, start, inverse), MANY_STEPS
            joint = fit_batch(batch, start, inverse, tolerance=DRAW_TOLERANCE, max_steps=steps)
        except np.linalg.LinAlgError:
            joint = None
    n, p = len(outcomes), engine.scaled.x_inverse.shape[0]
    found = joint or BatchFit(
        np.tile(start, (n, 1)), np.empty((n, p)), np.empty(n), np.empty(n), np.zeros(n, dtype=bool)
    )
    alone = ~(found.done & _inside(engine, found.x))
    for r in np.flatnonzero(alone):
        drawn = engine.with_base_outcome(outcomes[r])
        if (
            joint is not None
            and engine.structure is not None
            and found.done[r]
            and _minimal(drawn, found.x[r])
        ):
            continue
        near = start if joint is None else start_off_boundary(engine, found.x[r])
        best = find_optimum(drawn, near, inverse, tolerance=DRAW_TOLERANCE, look_again=False)
        _, at = drawn.at(best.x)
        found.x[r], found.beta[r], found.s2[r] = best.x, at.beta, at.s2
        found.value[r], found.done[r] = best.value, best.converged
    return found


def _minimal(engine: Engine, x: FloatArray) -> bool:
    """Whether opening a direction of Lambda that is all but zero would not lower the deviance."""
    gammas = engine.slopes(*engine.at(x))
    lowest = [np.linalg.eigvalsh(gamma)[[0, -1]] for gamma in gammas if gamma.size]
    return all(low > -FALSE_ZERO * max(1.0, high) for low, high in lowest)


def _inside(engine: Engine, x: FloatArray) -> NDArray[np.bool_]:
    """Whether a draw is clearly off every boundary: Lambda of full rank, a correlation not zero, (draws,)."""
    inside = np.ones(len(x), dtype=bool)
    if engine.structure is not None:
        inside = np.array([engine.structure.onto_face(engine.delta(one)) is None for one in x])
    for factor in engine.scaled.factors(x[:, : engine.n_theta]):
        if factor.shape[-1]:
            smallest = np.linalg.svd(factor, compute_uv=False)[:, -1]
            inside &= smallest > SMALL_DIRECTION
    return inside


def _collected(solution: MixedSolution, found: BatchFit) -> Refits:
    """The draws in the user's units."""
    engine: Engine = solution.engine
    scaled = engine.scaled
    structure = engine.structure
    sigma = scaled.y_scale * np.sqrt(found.s2)
    sds, thetas = [], []
    for term, factors in zip(scaled.terms, scaled.factors(found.x[:, : engine.n_theta]), strict=True):
        user = np.linalg.inv(term.root) @ factors
        sds.append(np.sqrt(np.sum(user**2, axis=2)))
        # any square root turned into the lower one with a diagonal that is not negative
        lower = np.swapaxes(np.linalg.qr(np.swapaxes(user, 1, 2), mode="r"), 1, 2)
        signs = np.where(np.diagonal(lower, axis1=1, axis2=2) < 0, -1.0, 1.0)
        thetas.append(term.structure.pack(lower * signs[:, None, :]))
    return Refits(
        beta=solution.beta + scaled.y_scale * (found.beta @ scaled.x_inverse.T),
        theta=np.concatenate(thetas, axis=1),
        random_sd=sigma[:, None] * np.concatenate(sds, axis=1),
        sigma=sigma,
        converged=found.done,
        residual_parameters=np.array(
            [np.empty(0) if structure is None else structure.natural(engine.delta(one)) for one in found.x]
        ),
    )
