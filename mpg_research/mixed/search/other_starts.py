"""A second look from other starts, where a covariance matrix ends on or near a face.

The deviance may have several minima there: another direction may carry the variance, or another term. Where
every variance is clear of zero nothing is spent. What the search finds and misses: benchmarks/mixed/starts.md
and docs/reference/for_r_and_spss_users.md.
"""

from copy import copy

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.residual_sweep import structured_blocks
from mpg_research.mixed.search.bfgs import Minimum, minimise
from mpg_research.mixed.search.many_outcomes import Batch, fit_batch
from mpg_research.mixed.search.search_rows import has_many_rows, some_groups

__all__ = ["held_engine", "lower_start"]


# A standard deviation within this many of its own standard errors of zero counts as near a face, where there
# are not many groups (with many, only zero itself: no minimum but the singular ones was ever not the lowest).
NEAR_FACE = 2.0
# A fall in deviance that is worth another search.
FALL = 1e-7
# Starts that are tried together: groups at once, and joint steps.
GROUPS_AT_ONCE, JOINT_STEPS = 4_800, 40
# Starts anywhere, the same ones every time, where the groups are few enough.
RANDOM_STARTS, RANDOM_GROUPS = 30, 400
# With more groups than these, several maxima are rare: the joint steps are fewer, and are taken in the thin
# engine where there is one (none of 900 models with 51 to 139 groups ended elsewhere for it).
FEW_GROUPS, FEWER_STEPS = 50, 18
# With more groups than these, and where starts cannot go together, only the first few are tried.
MANY_GROUPS, FEW_STARTS = 2_000, 3
# Evaluations spent on a start alone before it has to promise a fall.
TRIAL = 15
# In the thin engine: random starts, joint steps, their tolerance; how much higher another place may lie
# there, and how much its variances must differ, to be looked at in the whole one.
THIN_STARTS, THIN_STEPS, THIN_FALL = 3, 18, 1e-4
THIN_RISE, UNLIKE = 0.5, 0.05
# Variances, relative to the residual's, that stand for small and for large.
SMALL, LARGE = 0.01, 4.0


def lower_start(engine: Engine, best: Minimum) -> tuple[FloatArray | None, int]:
    """A point below a minimum that was found, from which to search again, and the evaluations it took.

    None where every covariance matrix is clear of its faces, or no start leads lower.
    """
    if not best.converged or not _near_a_face(engine, best):
        return None, 0
    # a start or a step may lead where there are no numbers; it is then not taken
    with np.errstate(all="ignore"):
        return _lowest(engine, best)


def _lowest(engine: Engine, best: Minimum) -> tuple[FloatArray | None, int]:
    delta, theta = engine.delta(best.x), best.x[: engine.n_theta]
    held, constant = held_engine(engine, delta)
    below = best.value - constant - FALL
    starts = _starts(held, theta)
    # with many rows some of the groups show where to look
    some = (some_groups(engine) if has_many_rows(engine) else None) or engine
    thin = _thin(some, delta)
    if thin is not None:
        # evaluations are those of the whole engine
        whole, part = engine.scaled, some.scaled
        around = [part.to_internal(whole.to_theta(one)) for one in (theta, *starts)]
        points = _other_places(thin, around[0], around[1:])
        points = [whole.to_internal(part.to_theta(one)) for one in points]
        found, count = _one_by_one(held, below, points) if points else (None, 0)
        return (None if found is None else np.concatenate([found, delta])), count
    n_groups = max(len(term.levels) for term in engine.problem.random)
    if held.structure is None and isinstance(held.route, NestedRoute) and n_groups <= MANY_GROUPS:
        size = max(1, GROUPS_AT_ONCE // n_groups)
        starts += _anywhere(held, min(RANDOM_STARTS, RANDOM_GROUPS // n_groups))
        try:
            steps = JOINT_STEPS if n_groups <= FEW_GROUPS else FEWER_STEPS
            found, count = _together(held, below, starts, size, steps)
            return (None if found is None else np.concatenate([found, delta])), count
        except np.linalg.LinAlgError:
            pass
    fixed = np.empty(0) if held.structure is None else delta
    found, count = _one_by_one(held, below, [np.concatenate([one, fixed]) for one in starts[:FEW_STARTS]])
    return (None if found is None else np.concatenate([found[: engine.n_theta], delta])), count


def held_engine(engine: Engine, delta: FloatArray) -> tuple[Engine, float]:
    """The engine with a residual structure held where it is, and the log|R| that it then leaves out.

    Crossed factors keep their structure.
    """
    if engine.structure is None or not isinstance(engine.route, NestedRoute):
        return engine, 0.0
    held = copy(engine)
    blocks, log_det = structured_blocks(engine.route.rows, engine.residual, delta)
    held.structure, held.route = None, engine.route.with_blocks(blocks)
    return held, float(log_det)


def _thin(engine: Engine, delta: FloatArray) -> Engine | None:
    """The engine with a residual structure held, and for fixed effects the random columns only.

    Where rows are many columns wide that is what a look around costs least with (under a residual structure
    it is the engine itself where it saves little); None with few groups or crossed factors.
    """
    narrow = engine.narrowed()
    if not isinstance(narrow.route, NestedRoute):
        return None
    if engine.structure is None:
        n_groups = max(len(term.levels) for term in engine.problem.random)
        return None if narrow is engine or n_groups <= FEW_GROUPS else narrow
    thin = copy(narrow)
    thin.structure = None
    thin.route = narrow.route.with_blocks(structured_blocks(narrow.route.rows, engine.residual, delta)[0])
    return thin


def _other_places(thin: Engine, theta: FloatArray, starts: list[FloatArray]) -> list[FloatArray]:
    """Where joint steps from all starts lead in the thin engine: not to theta, and not clearly higher."""
    size = max(2, GROUPS_AT_ONCE // max(len(term.levels) for term in thin.problem.random))
    lot = np.array([theta, *starts, *_anywhere(thin, THIN_STARTS)][:size])
    try:
        batch = Batch.repeated(thin, len(lot))
        found = fit_batch(batch, lot, _first_steps(thin), tolerance=THIN_FALL, max_steps=THIN_STEPS)
    except np.linalg.LinAlgError:
        return []
    values = np.where(np.isfinite(found.value), found.value, np.inf)
    known = [_covariances(thin, found.x[0]), _covariances(thin, theta)]
    places: list[FloatArray] = []
    for at in np.argsort(values[1:], kind="stable") + 1:
        here = _covariances(thin, found.x[at])
        unlike = min(float(np.max(np.abs(here - one)) / np.max(np.abs(one), initial=1.0)) for one in known)
        if values[at] < values[0] + THIN_RISE and unlike > UNLIKE and len(places) < FEW_STARTS:
            places.append(found.x[at])
            known.append(here)
    return places


def _covariances(engine: Engine, theta: FloatArray) -> FloatArray:
    """All entries of every G = Lambda Lambda'."""
    return np.concatenate([(factor @ factor.T).ravel() for factor in engine.scaled.factors(theta)])


def _together(
    engine: Engine, below: float, starts: list[FloatArray], size: int, max_steps: int
) -> tuple[FloatArray | None, int]:
    """The lowest point that joint steps from all starts lead to, in lots of ``size``, if it is low enough."""
    lowest, steps = None, _first_steps(engine)
    lots = [np.array(starts[first : first + size]) for first in range(0, len(starts), size)]
    for lot in lots:
        found = fit_batch(Batch.repeated(engine, len(lot)), lot, steps, tolerance=FALL, max_steps=max_steps)
        values = np.where(np.isfinite(found.value), found.value, np.inf)
        at = int(np.argmin(values))
        if values[at] < below:
            lowest, below = found.x[at], float(values[at])
    return lowest, max_steps * len(lots)


def _near_a_face(engine: Engine, best: Minimum) -> bool:
    """Whether a covariance matrix is singular, or its smallest direction not clear of zero."""
    start = 0
    many = max(len(term.levels) for term in engine.problem.random) > MANY_GROUPS
    for term, factor in zip(
        engine.scaled.terms, engine.scaled.factors(best.x[: engine.n_theta]), strict=True
    ):
        own = slice(start, start + term.n_parameters)
        start = own.stop
        if not factor.size:
            continue
        # twice the inverse curvature of the deviance is the covariance
        spread = 2.0 * best.inverse_hessian[own, own]
        left, values, right = np.linalg.svd(factor)
        for j in range(len(values)):
            move = term.structure.pack(np.outer(left[:, j], right[j]))
            error = 0.0 if many else np.sqrt(max(float(move @ spread @ move), 0.0))
            if values[j] < max(1e-7, NEAR_FACE * error):
                return True
    return False


def _starts(engine: Engine, theta: FloatArray) -> list[FloatArray]:
    """Other points to start from, the most telling first.

    The variance in the directions that have none; large and small variances all round; each column's standard
    deviation three times what it is; the order of the directions reversed; each term without the others.
    """
    given = [factor @ factor.T for factor in engine.scaled.factors(theta)]
    roots = [np.linalg.eigh(g) for g in given]
    top = [max(float(values[-1]), 0.1) for values, _ in roots]
    without = [
        vectors[:, values < SMALL * scale] @ vectors[:, values < SMALL * scale].T
        for (values, vectors), scale in zip(roots, top, strict=True)
    ]
    found = [
        [scale * rest + SMALL * np.eye(len(rest)) for rest, scale in zip(without, top, strict=True)],
        [LARGE * np.eye(len(g)) for g in given],
        [g + scale * rest for g, rest, scale in zip(given, without, top, strict=True)],
        [SMALL * np.eye(len(g)) for g in given],
        [(vectors * np.maximum(values[::-1], SMALL)) @ vectors.T for values, vectors in roots],
    ]
    for j in range(max(len(g) for g in given)):
        wider = [np.diag(np.where(np.arange(len(g)) == j, 3.0, 1.0)) for g in given]
        found.append([w @ g @ w + SMALL * np.eye(len(g)) for w, g in zip(wider, given, strict=True)])
    if len(given) > 1:
        for t in range(len(given)):
            found.append(
                [(g if s != t else 0.0 * g) + 0.1 * SMALL * np.eye(len(g)) for s, g in enumerate(given)]
            )
    return [np.concatenate(_packed(engine, matrices)) for matrices in found]


def _anywhere(engine: Engine, count: int) -> list[FloatArray]:
    """Starts at random: standard deviations of a hundredth to ten times the residual's, any correlations."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        pieces = []
        for term in engine.scaled.terms:
            size = term.root.shape[0]
            factor = np.tril(rng.normal(size=(size, size))) * 10 ** rng.uniform(-1.2, 0.7)
            factor *= np.power(10.0, rng.uniform(-0.8, 0.3, size))[:, None]
            pieces.append(term.structure.pack(factor))
        found.append(np.concatenate(pieces))
    return found


def _packed(engine: Engine, matrices: list[FloatArray]) -> list[FloatArray]:
    """Lambda's free entries for each term's covariance matrix."""
    pairs = zip(engine.scaled.terms, matrices, strict=True)
    return [term.structure.pack(term.structure.nearest(matrix)) for term, matrix in pairs]


def _first_steps(engine: Engine) -> FloatArray:
    """A cautious inverse curvature: that of a standard deviation near one, from its number of groups."""
    pieces = [
        np.full(term.n_parameters, 0.5 / len(given.levels))
        for term, given in zip(engine.scaled.terms, engine.problem.random, strict=True)
    ]
    return np.diag(np.concatenate(pieces))


def _one_by_one(engine: Engine, below: float, starts: list[FloatArray]) -> tuple[FloatArray | None, int]:
    """The first point low enough from one start after the other, each given up when it promises no fall."""
    count, size = 0, starts[0].size
    inverse = 0.1 * np.eye(size)
    inverse[: engine.n_theta, : engine.n_theta] = _first_steps(engine)
    for start in starts:
        tried = minimise(engine.value_and_gradient, start, inverse_hessian=inverse, max_evaluations=TRIAL)
        count += tried.n_evaluations
        if not tried.converged and tried.value - tried.decrement < below:
            tried = minimise(
                engine.value_and_gradient, tried.x, inverse_hessian=tried.inverse_hessian, tolerance=FALL
            )
            count += tried.n_evaluations
        if tried.value < below:
            return tried.x, count
    return None, count
