"""Refits of one design to other outcomes: only what contains y is formed anew, from a warm start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .batch import BatchFit, fit_batch
from .engine import Engine
from .nested import NestedRoute
from .scaling import lower_indices
from .search import SMALL_DIRECTION, find_optimum, start_off_boundary
from .solution import MixedSolution, make_solution

__all__ = ["Refits", "refit", "simulated_refits"]

FloatArray = NDArray[np.float64]


# Draws are fitted together in lots of about this many groups: arrays that stay in the cache.
GROUPS_AT_ONCE = 2_400
# A draw's estimates need to be right to a small part of their own standard error: root of twice this.
DRAW_TOLERANCE = 1e-6


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
    """

    beta: FloatArray
    theta: FloatArray
    random_sd: FloatArray
    sigma: FloatArray
    converged: NDArray[np.bool_]


def _curvature(solution: MixedSolution) -> FloatArray | None:
    """Inverse expected curvature off the boundary near the solution, kept with it."""
    engine: Engine = solution.engine
    if engine.structure is not None:
        return None
    if "curvature" not in solution.cache:
        start = start_off_boundary(engine, solution.internal)
        state, found = engine.at(start)
        curvature = engine.expected_curvature(state, found, engine.tangents(start))
        values, vectors = np.linalg.eigh(curvature)
        values = np.maximum(values, 1e-6 * max(float(values[-1]), 1e-12))
        solution.cache["curvature"] = (vectors / values) @ vectors.T
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
        Without a residual structure.
    n : int
    rng : numpy Generator or int

    Returns
    -------
    Refits

    Notes
    -----
    Simulation runs in the engine's own coordinates with zero fixed effects, which the refits' are then
    added to: the estimators are equivariant, so that this is exact.
    """
    generator = np.random.default_rng(rng)
    engine: Engine = solution.engine
    start, inverse = start_off_boundary(engine, solution.internal), _curvature(solution)
    assert inverse is not None
    _, at_fit = engine.at(solution.internal)
    n_groups = max(len(term.levels) for term in solution.problem.random)
    size = max(1, min(64, GROUPS_AT_ONCE // n_groups))
    found: list[tuple[FloatArray, FloatArray, float, bool]] = []
    for first in range(0, n, size):
        count = min(size, n - first)
        outcomes = np.array([_draw(solution, float(np.sqrt(at_fit.s2)), generator) for _ in range(count)])
        found += _fit_draws(engine, outcomes, start, inverse)
    return _collected(solution, found)


def _draw(solution: MixedSolution, sd: float, generator: np.random.Generator) -> FloatArray:
    """One outcome in internal units, its fixed effects zero."""
    engine: Engine = solution.engine
    scaled = engine.scaled
    row = sd * generator.standard_normal(scaled.n)
    factors = scaled.factors(solution.internal[: engine.n_theta])
    for term, z, factor in zip(solution.problem.random, scaled.z, factors, strict=True):
        effects = (sd * factor) @ generator.standard_normal((factor.shape[0], len(term.levels)))
        for j in range(z.shape[0]):
            row += z[j] * effects[j][term.codes]
    return row


def _fit_draws(
    engine: Engine, outcomes: FloatArray, start: FloatArray, inverse: FloatArray
) -> list[tuple[FloatArray, FloatArray, float, bool]]:
    """(x, base beta, s2, converged) of every draw: together as far as that goes, the rest one by one."""
    joint: BatchFit | None = None
    if len(outcomes) > 3 and isinstance(engine.route, NestedRoute):
        try:
            joint = fit_batch(engine, outcomes, start, inverse, tolerance=DRAW_TOLERANCE)
        except np.linalg.LinAlgError:
            joint = None
    found = []
    for r, outcome in enumerate(outcomes):
        if joint is not None and joint.done[r] and _inside(engine, joint.x[r]):
            found.append((joint.x[r], joint.beta[r], float(joint.s2[r]), True))
            continue
        drawn = engine.with_base_outcome(outcome)
        near = start if joint is None else start_off_boundary(engine, joint.x[r])
        best = find_optimum(drawn, near, inverse, tolerance=DRAW_TOLERANCE)
        _, at = drawn.at(best.x)
        found.append((best.x, at.beta, at.s2, best.converged))
    return found


def _inside(engine: Engine, x: FloatArray) -> bool:
    """Whether every Lambda is clearly of full rank, so that no boundary is near."""
    factors = engine.scaled.factors(x)
    return all(
        abs(factor[0, 0]) > SMALL_DIRECTION
        if factor.shape[0] == 1
        else np.linalg.svd(factor, compute_uv=False)[-1] > SMALL_DIRECTION
        for factor in factors
    )


def _collected(solution: MixedSolution, found: list[tuple[FloatArray, FloatArray, float, bool]]) -> Refits:
    """The draws in the user's units."""
    engine: Engine = solution.engine
    scaled = engine.scaled
    x = np.array([one[0] for one in found])
    moves = np.array([one[1] for one in found]) @ scaled.x_inverse.T
    sigma = scaled.y_scale * np.sqrt(np.array([one[2] for one in found]))
    sds, thetas, start = [], [], 0
    for term in scaled.terms:
        size, stop = term.root.shape[0], start + term.n_parameters
        factors = np.zeros((len(found), size, size))
        rows, columns = lower_indices(size) if term.correlated else (np.arange(size), np.arange(size))
        factors[:, rows, columns] = x[:, start:stop]
        user = np.linalg.inv(term.root) @ factors
        sds.append(np.sqrt(np.sum(user**2, axis=2)))
        # any square root turned into the lower one with a diagonal that is not negative
        lower = np.swapaxes(np.linalg.qr(np.swapaxes(user, 1, 2), mode="r"), 1, 2)
        signs = np.where(np.diagonal(lower, axis1=1, axis2=2) < 0, -1.0, 1.0)
        thetas.append((lower * signs[:, None, :])[:, rows, columns])
        start = stop
    return Refits(
        beta=solution.beta + scaled.y_scale * moves,
        theta=np.concatenate(thetas, axis=1),
        random_sd=sigma[:, None] * np.concatenate(sds, axis=1),
        sigma=sigma,
        converged=np.array([one[3] for one in found]),
    )
