"""Find the optimum: scoring steps to come near, quasi-Newton to get there, then the boundary."""

from dataclasses import replace

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.search.bfgs import DECREMENT_TOLERANCE, Minimum, minimise
from mpg_research.mixed.search.other_starts import held_engine, lower_start
from mpg_research.mixed.search.search_rows import has_many_rows, minimise_by_rows, some_groups

__all__ = ["SMALL_DIRECTION", "find_optimum", "inverse_curvature", "narrowed", "start_off_boundary"]


# A direction of Lambda whose singular value is below this (internal columns have unit mean square, so
# this is relative to the residual sd) is a candidate for exactly zero; the derivative then decides.
SMALL_DIRECTION = 2e-3
# The deviance may rise by this much, relative, when a candidate is set to zero.
SNAP_RISE = 1e-9
# Scoring keeps every standard deviation (relative to the residual's) at least this far from zero, where
# the gradient in Lambda would vanish.
SCORING_FLOOR = 0.03
# The same under a residual structure, where a scoring step costs as much as four others.
ROUGHLY = 3.0
# How far above the cheaper engine's own minimum, in deviance, the search goes over to the whole one.
NEAR_BY = 1e-3
# The same where several starts are compared.
TELLS_APART = 0.05
# Scoring steps at most, and the farthest that one moves a residual structure's parameter.
MAX_SCORING = 6
LARGEST_MOVE = 1.5
# Scoring hands over to quasi-Newton when the predicted fall in deviance is below this.
NEAR_ENOUGH = 0.3
# The search begins in an engine with this share of the columns, or less of them where they are few already.
NARROW, NARROWER = 0.7, 0.4
# So often a minimum near a face is looked at again from other starts.
LOOKS = 3


def _scored_start(engine: Engine, x: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Fisher scoring in the covariance matrices, kept inside; the last curvature for the quasi-Newton.

    In G the deviance is nearly quadratic in expectation, so that a step or two come near from anywhere.
    """
    value = np.inf
    best: tuple[FloatArray, FloatArray] | None = None
    count = 0
    if engine.structure is not None and isinstance(engine.route, NestedRoute) and engine.n_theta:
        # first with the residual structure held, where a step costs little
        delta = engine.delta(x)
        theta, _, _ = _scored_start(held_engine(engine, delta)[0], x[: engine.n_theta])
        x = np.concatenate([theta, delta])
    while count < MAX_SCORING:
        count += 1
        state, found = engine.at(x)
        if not found.deviance < value + 1e-9:
            break
        value = found.deviance
        factors = engine.scaled.factors(x[: engine.n_theta])
        tangents = engine.tangents(x)
        if isinstance(engine.route, NestedRoute):
            gammas, of_structure = engine.all_slopes(x, state, found)
        else:
            gammas, of_structure = engine.slopes(state, found), np.empty(0)
        gradient = np.array(
            [np.sum(gamma * move) for gamma, own in zip(gammas, tangents, strict=True) for move in own]
        )
        inverse = _positive_inverse(engine.expected_curvature(state, found, tangents, x))
        known = inverse.shape[0] - gradient.size
        gradient = np.append(gradient, of_structure[:known])
        best = (x, inverse)
        step = -inverse @ gradient
        if -0.5 * float(gradient @ step) < (NEAR_ENOUGH if engine.structure is None else ROUGHLY):
            break
        moved = engine.delta(x).copy()
        moved[:known] += np.clip(step[engine.n_theta :], -LARGEST_MOVE, LARGEST_MOVE)
        x = np.concatenate([_moved(engine, factors, tangents, step), moved])
    assert best is not None
    return best[0], best[1], count


def _positive_inverse(curvature: FloatArray) -> FloatArray:
    """Inverse of an expected curvature, its eigenvalues kept above zero."""
    values, vectors = np.linalg.eigh(curvature)
    values = np.maximum(values, 1e-6 * max(float(values[-1]), 1e-12))
    return np.asarray((vectors / values) @ vectors.T)


def inverse_curvature(engine: Engine, x: FloatArray) -> FloatArray:
    """Inverse of the expected Hessian of the deviance at a point, (k, k).

    Without the parameters of a residual structure where factors cross. Those of columns of Lambda that are
    zero stand apart from the others.
    """
    moves = engine.tangents(x)
    counts = [bool(move.any()) for own in moves for move in own]
    moves = [[move for move in own if move.any()] for own in moves]
    inverse = np.eye(len(counts))
    if any(counts) or not counts:
        state, found = engine.at(x)
        inside = _positive_inverse(engine.expected_curvature(state, found, moves, x))
        beyond = len(inside) - sum(counts)
        places = np.flatnonzero([*counts, *[True] * beyond])
        inverse = np.eye(len(counts) + beyond)
        inverse[np.ix_(places, places)] = inside
    return inverse


def narrowed(engine: Engine) -> Engine:
    """A cheaper engine for curvatures and first steps."""
    return engine.narrowed(NARROW if engine.whole is None else NARROWER)


def _moved(
    engine: Engine, factors: list[FloatArray], tangents: list[list[FloatArray]], step: FloatArray
) -> FloatArray:
    """Lambda after a step in G along the tangents, eigenvalues kept above the floor."""
    pieces, start = [], 0
    for term, factor, own in zip(engine.scaled.terms, factors, tangents, strict=True):
        g = factor @ factor.T
        for weight, move in zip(step[start : start + len(own)], own, strict=True):
            g = g + weight * move
        start += len(own)
        pieces.append(term.structure.pack(term.structure.nearest(g, SCORING_FLOOR)))
    return np.concatenate(pieces)


def _with_structure(engine: Engine, x: FloatArray, inverse: FloatArray | None) -> tuple[FloatArray, int]:
    """With crossed factors: the residual structure's parameters added, from differences of the gradient."""
    assert inverse is not None
    n_theta, size = engine.n_theta, x.size
    curvature = np.zeros((size, size))
    curvature[:n_theta, :n_theta] = np.linalg.inv(inverse)
    _, here = engine.value_and_gradient(x)
    for k in range(n_theta, size):
        move = np.zeros(size)
        move[k] = 1e-3
        curvature[k] = (engine.value_and_gradient(x + move)[1] - here) / 1e-3
        curvature[:n_theta, k] = curvature[k, :n_theta]
    curvature = 0.5 * (curvature + curvature.T)
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(curvature)), 1e-12))
    values, vectors = np.linalg.eigh(curvature * np.outer(scale, scale))
    values = np.maximum(np.abs(values), 1e-2)
    return (vectors / values) @ vectors.T * np.outer(scale, scale), 1 + size - n_theta


def start_off_boundary(engine: Engine, internal: FloatArray) -> FloatArray:
    """The point itself, but with every direction of Lambda, and a correlation, a little away from zero."""
    factors = engine.scaled.factors(internal[: engine.n_theta])
    if engine.structure is not None:
        delta = engine.structure.off_face(engine.delta(internal))
        internal = np.concatenate([internal[: engine.n_theta], delta])
    if all(np.linalg.svd(one, compute_uv=False)[-1] >= SCORING_FLOOR for one in factors if one.size):
        return internal
    none: list[list[FloatArray]] = [[] for _ in factors]
    return np.concatenate([_moved(engine, factors, none, np.empty(0)), engine.delta(internal)])


def find_optimum(
    engine: Engine,
    start: FloatArray | None = None,
    inverse: FloatArray | None = None,
    *,
    tolerance: float = DECREMENT_TOLERANCE,
    look_again: bool = True,
) -> Minimum:
    """Minimise; set vanishing directions to zero where the derivative agrees; leave false zeros.

    With ``start`` and ``inverse`` (an inverse curvature there) the scoring steps are left out. With
    ``look_again`` a minimum near a face is checked from other starts (:mod:`other_starts`).
    """
    engine, n_scoring = engine.lean(), 0
    if start is None or inverse is None:
        start, inverse, n_scoring = _near_start(engine)
    best = _minimised(engine, start, inverse, tolerance)
    best = _settled(engine, replace(best, n_evaluations=best.n_evaluations + n_scoring))
    for _ in range(LOOKS if look_again else 0):
        lower, count = lower_start(engine, best)
        best = replace(best, n_evaluations=best.n_evaluations + count)
        if lower is None:
            break
        again = _settled(engine, _minimised(engine, lower, None, tolerance))
        total = best.n_evaluations + again.n_evaluations
        if again.value >= best.value:
            return replace(best, n_evaluations=total)
        best = replace(again, n_evaluations=total)
    return best


def _settled(engine: Engine, best: Minimum) -> Minimum:
    """A minimum with its vanishing directions at zero, and none of them a false zero."""
    for _ in range(4):
        snapped = _onto_residual_face(engine, _snap(engine, best))
        direction = _descent_from_zero(engine, snapped.x)
        if direction is None:
            return snapped
        again = _minimised(engine, direction, None, DECREMENT_TOLERANCE)
        best = replace(again, n_evaluations=snapped.n_evaluations + again.n_evaluations)
    return best


def _near_start(engine: Engine) -> tuple[FloatArray, FloatArray, int]:
    """A point near the optimum, an inverse curvature there, and the evaluations it took."""
    some = some_groups(engine) if has_many_rows(engine) else None
    if some is not None:
        first, own, count = _near_start(some.lean())
        best = minimise(some.value_and_gradient, first, inverse_hessian=own, tolerance=NEAR_BY)
        theta = engine.scaled.to_internal(some.scaled.to_theta(best.x[: engine.n_theta]))
        start = start_off_boundary(engine, np.concatenate([theta, engine.delta(best.x)]))
        return start, inverse_curvature(engine, start), count + best.n_evaluations + 1
    narrow = narrowed(engine)
    starts = [] if engine.structure is None else engine.structure.starts()
    if len(starts) > 1 and isinstance(engine.route, NestedRoute):
        return _best_start(engine, narrow, starts)
    start, inverse, count = _scored_start(narrow, narrow.start())
    if inverse.shape[0] < start.size:
        inverse, extra = _with_structure(engine, start, inverse)
        return start, inverse, count + extra
    if narrow is not engine and engine.structure is not None:
        near = minimise(narrow.value_and_gradient, start, inverse_hessian=inverse, tolerance=NEAR_BY)
        return start_off_boundary(engine, near.x), near.inverse_hessian, count + near.n_evaluations
    return start, inverse, count


def _best_start(
    engine: Engine, narrow: Engine, starts: list[FloatArray]
) -> tuple[FloatArray, FloatArray, int]:
    """The best of several starts, each followed to near its optimum in the cheaper engine."""
    found, count = [], 0
    theta = narrow.start()[: narrow.n_theta]
    for delta in starts:
        start, inverse, scored = _scored_start(narrow, np.concatenate([theta, delta]))
        near = minimise(narrow.value_and_gradient, start, inverse_hessian=inverse, tolerance=TELLS_APART)
        found.append(near)
        count += scored + near.n_evaluations
    best = min(found, key=lambda one: one.value)
    return start_off_boundary(engine, best.x), best.inverse_hessian, count


def _minimised(engine: Engine, start: FloatArray, inverse: FloatArray | None, tolerance: float) -> Minimum:
    """The minimum from a start, by the way that suits the engine.

    Directions that vanish are set to zero as soon as the search is near: those of a triangular Lambda can be
    turned into each other there, which makes a valley so flat and bent that following it takes long.
    """
    if not has_many_rows(engine):
        best = minimise(
            engine.value_and_gradient, start, inverse_hessian=inverse, tolerance=max(tolerance, NEAR_BY)
        )
        snapped = _snap(engine, best) if best.converged else best
        if snapped is best:
            return minimise(engine.value_and_gradient, best, tolerance=tolerance)
        inverse = inverse_curvature(narrowed(engine), snapped.x)
        if len(inverse) < snapped.x.size:
            inverse, _ = _with_structure(engine, snapped.x, inverse)
        known = replace(snapped, inverse_hessian=inverse)
        return minimise(engine.value_and_gradient, known, tolerance=tolerance)
    if inverse is None:
        inverse = inverse_curvature(engine, start_off_boundary(engine, start))
    return minimise_by_rows(engine, start, inverse, tolerance=tolerance)


def _snap(engine: Engine, best: Minimum) -> Minimum:
    """Set small directions of Lambda to exactly zero if the deviance does not mind."""
    pieces, changed = [], False
    for term, factor in zip(
        engine.scaled.terms, engine.scaled.factors(best.x[: engine.n_theta]), strict=True
    ):
        values = np.linalg.svd(factor, compute_uv=False)
        if np.any((values < SMALL_DIRECTION) & (values > 0)):
            changed = True
            factor = term.structure.without(factor, SMALL_DIRECTION)
        pieces.append(term.structure.pack(factor))
    if not changed:
        return best
    x = np.concatenate([*pieces, engine.delta(best.x)])
    value, gradient = engine.value_and_gradient(x)
    if value > best.value + SNAP_RISE * max(1.0, abs(best.value)):
        return best
    return replace(best, x=x, value=value, gradient=gradient, n_evaluations=best.n_evaluations + 1)


def _onto_residual_face(engine: Engine, best: Minimum) -> Minimum:
    """Set a residual parameter that came near zero to exactly zero if the deviance does not mind."""
    moved = None if engine.structure is None else engine.structure.onto_face(engine.delta(best.x))
    if moved is None:
        return best
    x = np.concatenate([best.x[: engine.n_theta], moved])
    value, gradient = engine.value_and_gradient(x)
    if np.array_equal(x, best.x) or value > best.value + SNAP_RISE * max(1.0, abs(best.value)):
        return best
    return replace(best, x=x, value=value, gradient=gradient, n_evaluations=best.n_evaluations + 1)


def _descent_from_zero(engine: Engine, internal: FloatArray) -> FloatArray | None:
    """A start off the boundary if some vanished direction would lower the deviance; else None."""
    factors = engine.scaled.factors(internal[: engine.n_theta])
    ranks = [np.linalg.matrix_rank(f, tol=1e-9) if f.size else 0 for f in factors]
    if all(rank == f.shape[0] for rank, f in zip(ranks, factors, strict=True)):
        return None
    state, found = engine.at(internal)
    pieces, useful = [], False
    for term, factor, gamma, rank in zip(
        engine.scaled.terms, factors, engine.slopes(state, found), ranks, strict=True
    ):
        opened = term.structure.opened(factor, gamma) if rank < factor.shape[0] else None
        useful = useful or opened is not None
        pieces.append(term.structure.pack(factor if opened is None else opened))
    return np.concatenate([*pieces, engine.delta(internal)]) if useful else None
