"""The search where forming the blocks of correlated residuals is what an evaluation costs: many rows.

At a fixed delta the blocks are fixed too, and the random effects' parameters are found from them without
touching a row. So delta is searched in an outer loop, its derivative at the inner optimum (where that of the
rest is zero) taken from the rows once per step; it starts from a fit to some of the groups.
"""

from copy import copy
from dataclasses import replace

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.residual_sweep import residual_slopes, structured_blocks
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.bfgs import DECREMENT_TOLERANCE, Minimum, minimise

__all__ = ["has_many_rows", "minimise_by_rows", "some_groups"]


# From this many rows on, and for a start from about this many.
MANY_ROWS = 40_000
# Fewer groups than this say too little about the random effects to start from.
FEW_GROUPS = 50


def has_many_rows(engine: Engine) -> bool:
    """Whether the search should form the blocks as seldom as it can."""
    nested = engine.structure is not None and isinstance(engine.route, NestedRoute)
    return nested and engine.n_theta > 0 and engine.scaled.n >= MANY_ROWS


def some_groups(engine: Engine) -> Engine | None:
    """The same model for an even choice of the groups of the finest level; None where it cannot be fitted."""
    problem, structure = engine.problem, engine.structure
    assert isinstance(engine.route, NestedRoute)
    assert structure is not None
    finest = problem.random[engine.route.levels[0].terms[0]]
    every = min(engine.scaled.n // (MANY_ROWS // 2), len(finest.levels) // FEW_GROUPS)
    if every < 2:
        return None
    keep = finest.codes % every == 0
    random = []
    for term in problem.random:
        found, codes = np.unique(term.codes[keep], return_inverse=True)
        random.append(
            RandomTerm(
                term.group, term.term_names, term.z[keep], codes, tuple(found.tolist()), term.structure
            )
        )
    some = MixedProblem(
        y=problem.y[keep],
        x=problem.x[keep],
        x_names=problem.x_names,
        random=tuple(random),
        weights=None if problem.weights is None else np.asarray(problem.weights)[keep],
        residual=structure.some(keep),
    )
    try:
        return Engine(some, engine.method)
    except ModelError:
        return None


def minimise_by_rows(
    engine: Engine, start: FloatArray, inverse: FloatArray, *, tolerance: float = DECREMENT_TOLERANCE
) -> Minimum:
    """Minimise over theta within delta, from an inverse curvature (k, k) at the start."""
    route, n_theta = engine.route, engine.n_theta
    assert isinstance(route, NestedRoute)
    held = copy(engine)
    held.structure = None
    # of theta at a fixed delta; what is left of delta's is that of its profile
    curvature = np.linalg.inv(inverse)
    inner = [start[:n_theta], np.linalg.inv(curvature[:n_theta, :n_theta])]
    count = [0]
    last: list[Minimum] = []

    def profile(delta: FloatArray) -> tuple[float, FloatArray]:
        try:
            blocks, log_det = structured_blocks(route.rows, engine.residual, delta)
            held.route = route.with_blocks(blocks)
            best = minimise(
                held.value_and_gradient, inner[0], inverse_hessian=inner[1], tolerance=0.1 * tolerance
            )
            state, found = held.at(best.x)
        except np.linalg.LinAlgError:
            return np.inf, np.full(delta.size, np.nan)
        count[0] += 1
        inner[:] = [best.x, best.inverse_hessian]
        last[:] = [best]
        moment = route.moments(state, held.inner(found))[0]
        return best.value + log_det, residual_slopes(route, engine.residual, delta, state, moment)

    outer = minimise(
        profile, start[n_theta:], inverse_hessian=inverse[n_theta:, n_theta:], tolerance=tolerance
    )
    x = np.concatenate([inner[0], outer.x])
    value, gradient = engine.value_and_gradient(x)
    decrement = 0.5 * float(gradient @ inverse @ gradient)
    return replace(
        outer,
        x=x,
        value=value,
        gradient=gradient,
        inverse_hessian=inverse,
        n_evaluations=count[0] + 1,
        converged=outer.converged and last[0].converged,
        decrement=decrement,
        message=outer.message if not outer.converged else last[0].message,
    )
