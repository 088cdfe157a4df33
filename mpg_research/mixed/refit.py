"""Refits of one design to other outcomes: only what contains y is formed anew, from a warm start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import Engine
from .search import find_optimum, start_off_boundary
from .solution import MixedSolution, make_solution

__all__ = ["Refits", "refit", "simulated_refits"]

FloatArray = NDArray[np.float64]


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
    scaled = engine.scaled
    start, inverse = start_off_boundary(engine, solution.internal), _curvature(solution)
    _, at_fit = engine.at(solution.internal)
    sd = np.sqrt(at_fit.s2)
    factors = [sd * factor for factor in scaled.factors(solution.internal[: engine.n_theta])]
    terms = [
        (term.codes, len(term.levels), z) for term, z in zip(solution.problem.random, scaled.z, strict=True)
    ]
    roots = [np.linalg.inv(term.root) for term in scaled.terms]
    beta, theta, sds, sigma, converged = [], [], [], [], []
    for _ in range(n):
        row = sd * generator.standard_normal(scaled.n)
        for (codes, n_groups, z), factor in zip(terms, factors, strict=True):
            effects = factor @ generator.standard_normal((factor.shape[0], n_groups))
            for j in range(z.shape[0]):
                row += z[j] * effects[j][codes]
        drawn = engine.with_base_outcome(row)
        best = find_optimum(drawn, start, inverse, tolerance=DRAW_TOLERANCE)
        _, found = drawn.at(best.x)
        inside = scaled.factors(best.x[: engine.n_theta])
        beta.append(found.beta)
        theta.append(scaled.to_theta(best.x[: engine.n_theta]))
        sigma.append(scaled.y_scale * np.sqrt(found.s2))
        own = [
            np.sqrt(np.sum((root @ factor) ** 2, axis=1)) for root, factor in zip(roots, inside, strict=True)
        ]
        sds.append(sigma[-1] * np.concatenate(own))
        converged.append(best.converged)
    moves = np.array(beta) @ scaled.x_inverse.T
    return Refits(
        beta=solution.beta + scaled.y_scale * moves,
        theta=np.array(theta),
        random_sd=np.array(sds),
        sigma=np.array(sigma),
        converged=np.array(converged),
    )
