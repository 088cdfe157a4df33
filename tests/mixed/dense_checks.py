"""What the engine says about a random model beside the textbook formulas with n by n matrices.

Every check returns a relative difference; quantities with a standard error are compared in units of it and of
themselves. Directions of the derivatives are the engine's own, everything else is formed from V itself.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpg_research.mixed.inference.information import information
from mpg_research.mixed.inference.natural_parameters import term_faces
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.problem import MixedProblem
from mpg_research.mixed.questions.group_deletion import changes_without_groups
from mpg_research.mixed.search.many_outcomes import Batch
from mpg_research.mixed.search.solution import solve
from tests.mixed.dense import expand, factors
from tests.mixed.random_models import RandomModel

__all__ = ["EXACT", "differences"]

Array = NDArray[Any]
# Both sides compute in double precision, in coordinates of their own, at conditions up to 1e7.
EXACT = 1e-8


@dataclass(frozen=True)
class _Plain:
    """A model in plain units at its theta: estimates, log-likelihood, and V over sigma^2."""

    v: Array
    beta: Array
    phi: Array
    sigma2: float
    log_likelihood: float


def _relative(found: Array | float, wanted: Array | float, scale: Array | float | None = None) -> float:
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    if wanted.size == 0:
        return 0.0
    unit = np.max(np.abs(wanted)) if scale is None else np.abs(wanted) + scale
    return float(np.max(np.abs(found - wanted) / np.maximum(unit, 1e-12)))


def _plain(model: RandomModel, problem: MixedProblem | None = None, rows: Array | None = None) -> _Plain:
    """The dense evaluation, of some of the rows where given."""
    given = model.plain if problem is None else problem
    y, x, v = given.y, given.x, _residual_matrix(model, model.residual_parameters)
    for term, factor in zip(given.random, factors(given, model.plain_theta), strict=True):
        half = expand(term) @ np.kron(np.eye(len(term.levels)), factor)
        v = v + half @ half.T
    if rows is not None:
        y, x, v = y[rows], x[rows], v[np.ix_(rows, rows)]
    root = np.linalg.cholesky(v)
    whitened = np.linalg.solve(root, np.column_stack([x, y]))
    q, r = np.linalg.qr(whitened[:, :-1])
    beta = np.linalg.solve(r, q.T @ whitened[:, -1])
    rest = whitened[:, -1] - whitened[:, :-1] @ beta
    n, p = x.shape
    divisor = n - p if model.method == "REML" else n
    sigma2 = float(rest @ rest) / divisor
    deviance = 2 * np.sum(np.log(np.diagonal(root))) + divisor * (1 + np.log(2 * np.pi * sigma2))
    if model.method == "REML":
        deviance += 2 * np.sum(np.log(np.abs(np.diagonal(r))))
    inverse = np.linalg.inv(r)
    return _Plain(v, beta, inverse @ inverse.T, sigma2, -0.5 * float(deviance))


def _residual_matrix(model: RandomModel, parameters: Array) -> Array:
    """R with the weights on both its sides."""
    matrix = model.residual(parameters)
    weights = model.plain.weights
    return matrix if weights is None else matrix / np.sqrt(np.outer(weights, weights))


@dataclass(frozen=True)
class _Inside:
    """The same in the engine's own columns: M = V^-1, D = [X y] and Z of every term, rows weighted."""

    m: Array
    d: Array
    z: list[Array]
    phi: Array
    beta: Array
    s2: float


def _inside(model: RandomModel, engine: Engine, internal: Array, fixed: Array | None = None) -> _Inside:
    z = []
    v = model.residual(model.residual_parameters).astype(float)
    for term, columns, factor in zip(
        engine.problem.random, engine.scaled.z, engine.scaled.factors(internal[: engine.n_theta]), strict=True
    ):
        wide = expand(replace(term, z=columns.T))
        half = wide @ np.kron(np.eye(len(term.levels)), factor)
        v = v + half @ half.T
        z.append(wide)
    d = engine.scaled.fixed.T if fixed is None else fixed
    root = np.linalg.inv(np.linalg.cholesky(v))
    m = root.T @ root
    s = d.T @ m @ d
    phi = np.linalg.inv(s[:-1, :-1])
    beta = phi @ s[:-1, -1]
    n, p = d.shape[0], d.shape[1] - 1
    divisor = n - p if engine.method == "REML" else n
    return _Inside(m, d, z, phi, beta, float(s[-1, -1] - beta @ s[:-1, -1]) / divisor)


def differences(model: RandomModel, *, deep: bool = True) -> dict[str, float]:
    """Relative differences between the engine and the dense formulas, by quantity.

    ``deep`` adds the derivatives, the information, what depends on leaving out a group, and the batch.
    """
    plain = _plain(model)
    solution = solve(model.problem, method=model.method, theta=model.theta)
    found = _estimates(model, plain, solution)
    if deep:
        engine, internal = solution.engine, solution.internal
        inside = _inside(model, engine, internal)
        found |= _gradient(model, engine, internal, inside)
        found |= _derivatives(model, engine, internal, inside)
        found |= _information(model, solution, inside)
        found |= _without_groups(model, plain, solution)
        found |= _other_outcomes(model, engine, internal)
        found |= _narrowed(model, engine, internal)
    return found


def _estimates(model: RandomModel, plain: _Plain, solution: Any) -> dict[str, float]:
    n, p = model.plain.x.shape
    divisor = n - p if model.method == "REML" else n
    wanted = plain.log_likelihood - divisor * np.log(model.y_unit)
    if model.method == "REML":
        wanted -= float(np.sum(np.log(model.x_units)))
    units = model.y_unit / model.x_units
    errors = np.sqrt(plain.sigma2 * np.diagonal(plain.phi)) * units
    covariance = plain.sigma2 * plain.phi * np.outer(units, units)
    found = {
        "log-likelihood": _relative(solution.log_likelihood, wanted, 1.0),
        "fixed effects": _relative(solution.beta, plain.beta * units, errors),
        "covariance": float(np.max(np.abs(solution.covariance - covariance) / np.outer(errors, errors))),
        "residual variance": _relative(solution.sigma2, plain.sigma2 * model.y_unit**2),
    }
    solved = np.linalg.solve(plain.v, model.plain.y - model.plain.x @ plain.beta)
    modes, variances = [], []
    for index, (term, factor) in enumerate(
        zip(model.plain.random, factors(model.plain, model.plain_theta), strict=True)
    ):
        size, q = len(term.levels), factor.shape[0]
        if not q:
            continue
        z, g = expand(term), np.kron(np.eye(size), factor @ factor.T)
        sd = np.sqrt(plain.sigma2 * np.diagonal(factor @ factor.T))
        unit = model.y_unit / model.z_units[index]
        got, got_variance = solution.conditional_modes(index)
        whole = plain.sigma2 * (g - g @ z.T @ np.linalg.solve(plain.v, z @ g))
        blocks = np.array([whole[k * q : (k + 1) * q, k * q : (k + 1) * q] for k in range(size)])
        sd = sd + 1e-3 * np.max(sd) + 1e-6 * np.sqrt(plain.sigma2)
        modes.append(np.abs(got / unit - (g @ z.T @ solved).reshape(size, q)) / sd)
        variances.append(np.abs(got_variance / np.outer(unit, unit) - blocks) / np.outer(sd, sd))
    found["conditional modes"] = max((float(np.max(one)) for one in modes), default=0.0)
    found["their variances"] = max((float(np.max(one)) for one in variances), default=0.0)
    return found


def _projector(model: RandomModel, inside: _Inside) -> tuple[Array, Array]:
    """P and the weight of V in the gradient: P under REML, V^-1 under ML."""
    x = inside.d[:, :-1]
    mx = inside.m @ x
    p = inside.m - mx @ inside.phi @ mx.T
    return p, p if model.method == "REML" else inside.m


def _residual_slopes(model: RandomModel, engine: Engine, delta: Array) -> list[Array]:
    """dR / d delta by complex steps."""
    if engine.structure is None:
        return []
    step = 1e-30
    return [
        np.imag(model.residual(engine.structure.natural(delta + 1j * step * one))) / step
        for one in np.eye(delta.size)
    ]


def _spread(z: Array, direction: Array, n_levels: int) -> Array:
    wide: Array = z @ np.kron(np.eye(n_levels), direction) @ z.T
    return wide


def _gradient(model: RandomModel, engine: Engine, internal: Array, inside: _Inside) -> dict[str, float]:
    """Of the deviance, in Lambda and in the parameters of the residual structure."""
    p, weight = _projector(model, inside)
    score = p @ inside.d[:, -1]

    def slope(change: Array) -> tuple[float, float]:
        trace, quadratic = float(np.sum(weight * change)), float(score @ change @ score) / inside.s2
        return trace - quadratic, abs(trace) + abs(quadratic)

    wanted, sizes = [], []
    for term, z, factor in zip(
        engine.problem.random, inside.z, engine.scaled.factors(internal[: engine.n_theta]), strict=True
    ):
        q = factor.shape[0]
        columns, rows = np.triu_indices(q) if term.correlated else (np.arange(q), np.arange(q))
        for row, column in zip(rows, columns, strict=True):
            half = np.zeros((q, q))
            half[row] = factor[:, column]
            one, size = slope(_spread(z, half + half.T, len(term.levels)))
            wanted.append(one)
            sizes.append(size)
    count = len(wanted)
    for change in _residual_slopes(model, engine, engine.delta(internal)):
        one, size = slope(change)
        wanted.append(one)
        sizes.append(size)
    got = engine.value_and_gradient(internal)[1]
    off = np.abs(got - np.array(wanted)) / (np.array(sizes) + 1e-3)
    found = {"gradient": float(np.max(off[:count], initial=0.0))}
    if engine.structure is not None:
        name = "nested" if isinstance(engine.route, NestedRoute) else "crossed"
        found[f"gradient in the residual ({name})"] = float(np.max(off[count:]))
    return found


def _derivatives(model: RandomModel, engine: Engine, internal: Array, inside: _Inside) -> dict[str, float]:
    """P, Q and the traces in random directions of full rank, whatever theta."""
    rng = np.random.default_rng(5)
    directions, changes = [], []
    for term, z in zip(engine.problem.random, inside.z, strict=True):
        own = []
        q = term.z.shape[1]
        for _ in range(int(rng.integers(0, min(3, q * (q + 1) // 2) + 1))):
            half = rng.normal(size=(q, q)) if term.correlated else np.diag(rng.normal(size=q))
            own.append(half + half.T)
        directions.append(own)
        changes += [_spread(z, one, len(term.levels)) for one in own]
    state, _ = engine.at(internal)
    got = engine.derivatives(state, directions, internal)
    halves = [inside.m @ change for change in changes]
    md = inside.m @ inside.d
    worst = {"P": 0.0, "Q": 0.0, "traces": 0.0}
    for i, change in enumerate(changes):
        worst["P"] = max(worst["P"], _relative(got.p[i], md.T @ change @ md))
        worst["traces"] = max(worst["traces"], _relative(got.trace[i], np.trace(halves[i]), _size(halves[i])))
        for j, other in enumerate(changes):
            left, right = change @ md, other @ md
            scale = np.max(np.abs(left.T @ inside.m @ left)) + np.max(np.abs(right.T @ inside.m @ right))
            off = np.max(np.abs(got.q[i, j] - left.T @ inside.m @ right)) / max(scale, 1e-12)
            worst["Q"] = max(worst["Q"], float(off))
            square = float(np.sum(halves[i] * halves[j].T))
            size = _size(halves[i]) * _size(halves[j])
            worst["traces"] = max(worst["traces"], _relative(got.trace_2[i, j], square, size))
    return {f"derivatives: {name}": value for name, value in worst.items()}


def _size(matrix: Array) -> float:
    return float(np.sqrt(np.sum(np.abs(matrix * matrix.T))))


def _information(model: RandomModel, solution: Any, inside: _Inside) -> dict[str, float]:
    """Observed and expected, in the engine's parameters: entries of Omega, delta, sigma^2."""
    engine, internal = solution.engine, solution.internal
    if engine.structure is not None and not isinstance(engine.route, NestedRoute):
        return {}
    s2 = inside.s2
    m, phi = inside.m / s2, inside.phi * s2
    scaled = _Inside(m, inside.d, inside.z, phi, inside.beta, 1.0)
    p, weight = _projector(model, scaled)
    changes: list[Array] = []
    bends: dict[tuple[int, int], Array] = {}
    for term, z, face in zip(engine.problem.random, inside.z, term_faces(engine, internal), strict=True):
        first, groups = len(changes), len(term.levels)
        changes += [_spread(z, one, groups) for one in face.directions]
        # where columns depend on each other, the entries of Lambda are the parameters: the face bends
        for a, move in enumerate(face.moves if face.curved else ()):
            for b, other in enumerate(face.moves[a:], a):
                square = move @ other.T / s2
                bends[first + a, first + b] = _spread(z, square + square.T, groups)
    n_random = len(changes)
    slopes = _residual_slopes(model, engine, engine.delta(internal))
    r = model.residual(model.residual_parameters).astype(float)
    changes += [s2 * one for one in slopes]
    # sigma^2 with the random entries fixed: only R moves with it
    changes.append(r)
    count = len(changes)
    for i, one in enumerate(slopes):
        bends[n_random + i, count - 1] = one
    bends |= _second(model, engine, internal, n_random, s2)
    score = p @ inside.d[:, -1]
    expected, observed = np.empty((count, count)), np.empty((count, count))
    for i in range(count):
        left = weight @ changes[i]
        for j in range(count):
            trace = 0.5 * float(np.sum(left * (weight @ changes[j]).T))
            quadratic = float((changes[i] @ score) @ p @ (changes[j] @ score))
            bend = bends.get((min(i, j), max(i, j)))
            if bend is not None:
                quadratic += 0.5 * float(np.sum(weight * bend)) - 0.5 * float(score @ bend @ score)
            expected[i, j], observed[i, j] = trace, quadratic - trace
    # the fixed effects may leave next to nothing of a direction; the digits are those of the direction itself
    unit = np.sqrt([0.5 * float(np.sum((m @ one) * (m @ one).T)) for one in changes])
    unit = np.outer(unit, unit)
    size = np.max(np.abs(observed) / unit) + 1.0
    found = {}
    # at a theta that was given the package counts in (theta, sigma); here the formulas themselves are meant
    plainly = replace(solution, message="converged", cache={})
    got = information(plainly, "observed").matrix
    found["observed information"] = float(np.max(np.abs(got - observed) / unit / size))
    if model.method == "REML" or not slopes:
        got = information(plainly, "expected").matrix
        found["expected information"] = float(np.max(np.abs(got - expected) / unit))
    return found


def _second(
    model: RandomModel, engine: Engine, internal: Array, first: int, s2: float
) -> dict[tuple[int, int], Array]:
    """sigma^2 d2R / d delta d delta by differences of the slopes."""
    delta, step = engine.delta(internal), 1e-3
    found = {}
    for k, one in enumerate(np.eye(delta.size)):
        near, far = (
            [
                up - down
                for up, down in zip(
                    _residual_slopes(model, engine, delta + by * one),
                    _residual_slopes(model, engine, delta - by * one),
                    strict=True,
                )
            ]
            for by in (step, 2 * step)
        )
        for other in range(k, delta.size):
            found[first + k, first + other] = s2 * (8 * near[other] - far[other]) / (12 * step)
    return found


def _without_groups(model: RandomModel, plain: _Plain, solution: Any) -> dict[str, float]:
    """Fixed effects without each group of every nested term."""
    if not isinstance(solution.engine.route, NestedRoute):
        return {}
    units, worst = model.y_unit / model.x_units, 0.0
    errors = np.sqrt(plain.sigma2 * np.diagonal(plain.phi))
    for index, term in enumerate(model.plain.random):
        got = changes_without_groups(solution, index)
        assert got is not None
        for code in range(min(5, len(term.levels))):
            rows = np.flatnonzero(term.codes != code)
            if rows.size <= model.plain.x.shape[1] + 1 or np.any(np.isnan(got[code])):
                continue
            x = model.plain.x[rows]
            if np.linalg.svd(x / (np.linalg.norm(x, axis=0) + 1e-12), compute_uv=False)[-1] < 1e-3:
                continue
            without = _plain(model, rows=rows)
            own = np.sqrt(plain.sigma2 * np.diagonal(without.phi))
            worst = max(worst, _relative(got[code] / units, without.beta - plain.beta, errors + own))
    return {"without a group": worst}


def _other_outcomes(model: RandomModel, engine: Engine, internal: Array) -> dict[str, float]:
    """A design kept for another outcome, one at a time and in a batch, beside a fresh start."""
    rng = np.random.default_rng(6)
    rows = np.flatnonzero(np.ones(model.plain.y.size))
    found, draws = 0.0, 3
    for _ in range(2):
        y = 3.0 * rng.normal(size=rows.size) + 100.0
        wanted = _plain(model, replace(model.plain, y=y))
        again = engine.with_outcome(y * model.y_unit)
        got = -0.5 * (again.at(internal)[1].deviance + again.shift())
        n, p = model.plain.x.shape
        shifted = wanted.log_likelihood - (n - p if model.method == "REML" else n) * np.log(model.y_unit)
        if model.method == "REML":
            shifted -= float(np.sum(np.log(model.x_units)))
        found = max(found, _relative(got, shifted, 1.0))
    result = {"other outcome": found}
    if engine.structure is None and isinstance(engine.route, NestedRoute):
        outcomes = rng.normal(size=(draws, rows.size))
        values, gradients, beta, s2 = Batch(engine, outcomes).value_and_gradient(
            np.tile(internal, (draws, 1))
        )
        off = 0.0
        for r in range(draws):
            one = engine.with_base_outcome(outcomes[r])
            fixed = np.column_stack([engine.scaled.fixed[:-1].T, outcomes[r]])
            wanted_in = _inside(model, one, internal, fixed)
            value, gradient = one.value_and_gradient(internal)
            off = max(
                off,
                _relative(values[r], value, 1.0),
                _relative(gradients[r], gradient, 1.0),
                _relative(beta[r], wanted_in.beta, np.sqrt(wanted_in.s2 * np.diagonal(wanted_in.phi))),
                _relative(s2[r], wanted_in.s2),
            )
        result["batch"] = off
    return result


def _narrowed(model: RandomModel, engine: Engine, internal: Array) -> dict[str, float]:
    """The cheaper route of the search's first steps: S over the fixed columns that it keeps, and y."""
    if not isinstance(engine.route, NestedRoute) or engine.structure is not None:
        return {}
    route, whole = engine.route.narrowed(), engine.route
    needed = (
        np.max([np.max(np.abs(level.base), axis=1, initial=0.0) for level in whole.levels], axis=0) > 1e-8
    )
    kept = [a for a in range(engine.scaled.p) if needed[a]]
    columns = np.column_stack([engine.scaled.fixed[kept].T, engine.scaled.fixed[-1]])
    wanted = columns.T @ _inside(model, engine, internal).m @ columns
    state = route.evaluate(engine.scaled.factors(internal[: engine.n_theta]))
    return {"narrowed": _relative(state.s, wanted)}
