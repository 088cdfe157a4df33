"""Residual structures against nlme and against dense matrices."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.random_part import DIAGONAL
from mpg_research.mixed.covariance.structures import AR1, CAR1, VarianceBy, bind_residual
from mpg_research.mixed.inference.information import information
from mpg_research.mixed.inference.satterthwaite_kenward_roger import kenward_roger, satterthwaite_degrees
from mpg_research.mixed.likelihood import residual_derivatives as residual_information
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import objective, solve
from tests.mixed.oracle_models import ORACLES, columns, needs_oracles, reference, term

MODELS = reference("nlme.json")
# nlme stops at 1e-6 or so in the log-likelihood; the issue asks 1e-4 and 1e-3.
LIKELIHOOD = 1e-5
ESTIMATE = 1e-4
# The dense side differentiates twice numerically, on sums over 150 rows.
NUMERIC = 1e-5


def _bound(structure: Any, data: pd.DataFrame) -> Any:
    parts = structure if isinstance(structure, tuple) else (structure,)
    return bind_residual(parts, {name: data[name].to_numpy() for part in parts for name in part.columns})


def _problem(name: str) -> MixedProblem:
    assert ORACLES is not None
    model = MODELS[name]
    data = pd.read_csv(ORACLES / model["csv"])
    residual = None
    if name.startswith("ovary"):
        data["s"], data["c"] = np.sin(2 * np.pi * data["Time"]), np.cos(2 * np.pi * data["Time"])
        data["row"] = np.arange(len(data))
        names, outcome = ["1", "s", "c"], "follicles"
        random = term(data, "Mare", "1", "s", correlated=False)
        if name.endswith("ar1"):
            residual = _bound(AR1("row", within="Mare"), data)
    elif name.startswith("orthodont"):
        names, outcome = ["1", "age", "Sex=Female", "age:Sex=Female"], "distance"
        random = term(data, "Subject", *(["1", "age"] if name.endswith("rs") else ["1"]))
        if "varIdent" in name:
            residual = _bound(VarianceBy("Sex"), data)
    elif name == "sleep_ar1":
        names, outcome = ["1", "Days"], "Reaction"
        random = term(data, "Subject", "1")
        residual = _bound(AR1("Days", within="Subject"), data)
    else:
        diets = ["Diet=2", "Diet=3"]
        names, outcome = ["1", "Time", *diets, *[f"Time:{diet}" for diet in diets]], "weight"
        random = term(data, "Rat", "1", "Time")
        if name.endswith("car1"):
            residual = _bound(CAR1("Time", within="Rat"), data)
    y = data[outcome].to_numpy(float)
    return MixedProblem(y, columns(data, *names), tuple(names), (random,), None, residual)


@needs_oracles
@pytest.mark.parametrize("name", sorted(MODELS))
def test_agrees_with_nlme(name: str) -> None:
    model = MODELS[name]
    found = solve(_problem(name))
    assert found.converged
    assert found.n_evaluations < 40
    assert found.log_likelihood >= model["logLik"] - LIKELIHOOD
    assert found.log_likelihood == pytest.approx(model["logLik"], abs=1e-4)
    assert found.beta == pytest.approx(list(model["fixef"].values()), rel=ESTIMATE)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(list(model["se"].values()), rel=ESTIMATE)
    if "cor" in model:
        assert found.residual_parameters[0] == pytest.approx(model["cor"]["Phi"], abs=1e-4)
    if "var" in model:
        assert found.residual_parameters[0] == pytest.approx(model["var"]["Male"], rel=1e-4)


def _simulated(structure: Any, seed: int = 2, *, crossed: bool = False) -> MixedProblem:
    rng = np.random.default_rng(seed)
    n = 150
    family = rng.permutation(np.repeat(np.arange(25), 6))
    data = pd.DataFrame({"family": family})
    data["wave"] = data.groupby("family").cumcount()
    data["wave"] += (data["wave"] > 2) * 2
    data["months"] = data["wave"] + rng.uniform(0, 0.5, n)
    data["sex"] = np.where(family % 3 == 0, "a", np.where(family % 3 == 1, "b", "c"))
    # varies within families and within organisations, at random
    data["rater"] = rng.choice(["p", "q", "r"], n)
    organisation = family // 5
    worker = rng.integers(0, 6, n)
    x = np.column_stack([np.ones(n), data["months"], family % 2])
    clock = data["months"].to_numpy()
    serial = (family[:, None] == family) * 0.5 ** np.abs(clock[:, None] - clock)
    y = 3 + 1.5 * rng.normal(size=25)[family] + 2 * rng.normal(size=5)[organisation]
    y = y + 0.6 * rng.normal(size=25)[family] * clock + np.linalg.cholesky(serial) @ rng.normal(size=n)
    one = np.ones((n, 1))
    z = np.column_stack([np.ones(n), data["months"]])
    other = (
        RandomTerm("worker", ("1",), one, worker, tuple(range(6)))
        if crossed
        else RandomTerm("organisation", ("1",), one, organisation, tuple(range(5)))
    )
    random = (RandomTerm("family", ("1", "months"), z, family, tuple(range(25)), DIAGONAL), other)
    return MixedProblem(y, x, ("1", "months", "x"), random, None, _bound(structure, data))


STRUCTURES = [
    AR1("wave", within="family"),
    CAR1("months", within="family"),
    VarianceBy("sex"),
    VarianceBy("rater"),
    (AR1("wave", within="family"), VarianceBy("sex")),
    (AR1("wave", within="family"), VarianceBy("rater")),
    (CAR1("months", within="family"), VarianceBy("rater")),
]


def _dense_r(problem: MixedProblem, delta: np.ndarray) -> np.ndarray:
    """R from the definition of the structure, apart from the row weights."""
    bound, n = problem.residual, problem.y.size
    values = bound.natural(delta)
    s = np.ones(n)
    if bound.strata is not None:
        s = np.append(1.0, values[bound.serial is not None :])[bound.strata.codes]
    if bound.serial is None:
        return np.diag(s**2)
    value = float(values[0])
    clock = np.zeros(n)
    for _ in range(10):
        linked = bound.previous >= 0
        clock[linked] = clock[bound.previous[linked]] + bound.serial.distance[linked]
    same = bound.series[:, None] == bound.series[None, :]
    return np.outer(s, s) * np.where(same, value ** np.abs(clock[:, None] - clock[None, :]), 0.0)


def _dense_v(problem: MixedProblem, psi: np.ndarray) -> np.ndarray:
    """V of psi = (two family variances, the other variance, delta, sigma^2)."""
    family, other = problem.random
    v = psi[-1] * _dense_r(problem, psi[3:-1])
    same = family.codes[:, None] == family.codes[None, :]
    for j in range(2):
        v = v + psi[j] * same * np.outer(family.z[:, j], family.z[:, j])
    return v + psi[2] * (other.codes[:, None] == other.codes[None, :])


def _restricted_deviance(problem: MixedProblem, psi: np.ndarray) -> float:
    v = _dense_v(problem, psi)
    inverse = np.linalg.inv(v)
    xvx = problem.x.T @ inverse @ problem.x
    residual = problem.y - problem.x @ np.linalg.solve(xvx, problem.x.T @ inverse @ problem.y)
    n, p = problem.x.shape
    return float(
        np.linalg.slogdet(v)[1]
        + np.linalg.slogdet(xvx)[1]
        + residual @ inverse @ residual
        + (n - p) * np.log(2 * np.pi)
    )


def _derivatives(f: Callable[[np.ndarray], Any], at: np.ndarray) -> tuple[list[Any], list[list[Any]]]:
    steps = 1e-4 * np.maximum(np.abs(at), 0.3)
    unit = np.diag(steps)
    size = at.size
    first = [(f(at + unit[i]) - f(at - unit[i])) / (2 * steps[i]) for i in range(size)]
    second = [
        [
            (
                f(at + unit[i] + unit[j])
                - f(at + unit[i] - unit[j])
                - f(at - unit[i] + unit[j])
                + f(at - unit[i] - unit[j])
            )
            / (4 * steps[i] * steps[j])
            for j in range(size)
        ]
        for i in range(size)
    ]
    return first, second


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
@pytest.mark.parametrize("crossed", [False, True])
def test_objective_and_gradient(structure: Any, crossed: bool) -> None:
    problem = _simulated(structure, crossed=crossed)
    engine = Engine(problem, "REML")
    natural = np.array([0.4, 1.7, 0.8])[: len(problem.residual.names)]
    theta = np.concatenate([[0.8, 0.3, 0.6], natural])
    found = solve(problem, theta=theta)
    variances = found.sigma2 * np.array([0.8, 0.3, 0.6]) ** 2
    psi = np.concatenate([variances, problem.residual.from_natural(natural), [found.sigma2]])
    assert objective(problem, theta) == pytest.approx(_restricted_deviance(problem, psi), rel=1e-10)
    point = engine.to_internal(theta)
    _, gradient = engine.value_and_gradient(point)
    for index in range(point.size):
        move = 1e-5 * np.eye(point.size)[index]
        slope = (engine.at(point + move)[1].deviance - engine.at(point - move)[1].deviance) / 2e-5
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=2e-5)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_degrees_of_freedom_equal_the_dense_definition(structure: Any) -> None:
    problem = _simulated(structure)
    found = solve(problem)
    assert not found.is_singular
    variances = found.sigma2 * found.theta**2
    psi = np.concatenate(
        [variances, problem.residual.from_natural(found.residual_parameters), [found.sigma2]]
    )
    x = problem.x
    v = _dense_v(problem, psi)
    first, second = _derivatives(lambda at: _dense_v(problem, at), psi)
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ inverse @ x)
    projection = inverse - inverse @ x @ phi @ x.T @ inverse
    moved = [projection @ step for step in first]
    expected = 0.5 * np.array([[np.sum(a * b.T) for b in moved] for a in moved])
    _, hessian = _derivatives(lambda at: np.array(_restricted_deviance(problem, at)), psi)
    p = [x.T @ inverse @ step @ inverse @ x for step in first]
    each = np.eye(3)
    for kind, matrix in (("expected", expected), ("observed", 0.5 * np.array(hessian))):
        w = np.linalg.inv(matrix)
        slopes = np.array([np.diag(phi @ one @ phi) for one in p])
        degrees = 2 * np.diag(phi) ** 2 / np.einsum("im,ij,jm->m", slopes, w, slopes)
        ours = satterthwaite_degrees(found, each, kind=kind)  # type: ignore[arg-type]
        assert ours == pytest.approx(degrees, rel=2e-3)
    w = np.linalg.inv(expected)
    # second derivatives fade out where a standard error comes near the unit of its parameter
    error = np.sqrt(np.diag(w))
    weights = np.clip(2.0 - 2.0 * np.maximum.outer(error, error), 0.0, 1.0)
    middle = np.zeros((3, 3))
    for i in range(psi.size):
        for j in range(psi.size):
            q = x.T @ inverse @ first[i] @ inverse @ first[j] @ inverse @ x
            # Kenward & Roger (2009): less what a change of the parameters does, so that these do not matter
            along = np.array([np.sum(one * (projection @ second[i][j]).T) for one in moved])
            curved = second[i][j] - np.tensordot(0.5 * w @ along, np.array(first), axes=1)
            bend = x.T @ inverse @ curved @ inverse @ x
            middle += w[i, j] * (q - p[i] @ phi @ p[j] - weights[i, j] * bend / 4)
    adjusted = phi + 2 * phi @ middle @ phi
    # the dense side differentiates numerically
    assert kenward_roger(found).covariance == pytest.approx(adjusted, rel=1e-4, abs=1e-5)
    assert information(found, "expected").component_covariance.shape == (len(psi), len(psi))


def test_serial_correlation_and_unequal_variances_are_recovered() -> None:
    rng = np.random.default_rng(5)
    family = np.repeat(np.arange(400), 8)
    wave = np.tile(np.arange(8), 400)
    noise = rng.normal(size=(400, 8))
    for t in range(1, 8):
        noise[:, t] = 0.5 * noise[:, t - 1] + np.sqrt(0.75) * noise[:, t]
    sex = np.where(family % 2 == 0, "a", "b")
    one = np.ones((family.size, 1))
    y = 10 + rng.normal(size=400)[family] + noise.ravel()
    data = pd.DataFrame({"family": family, "wave": wave, "sex": sex})
    random = (RandomTerm("family", ("1",), one, family, tuple(range(400))),)
    made = MixedProblem(y, one, ("1",), random, None, _bound(STRUCTURES[0], data))
    assert solve(made).residual_parameters[0] == pytest.approx(0.5, abs=0.06)
    y = 10 + rng.normal(size=400)[family] + np.where(sex == "a", 1.0, 2.0) * rng.normal(size=family.size)
    other = replace(made, y=y, residual=_bound(STRUCTURES[2], data))
    assert solve(other).residual_parameters[0] == pytest.approx(2.0, rel=0.08)


def test_impossible_structures_say_what_to_do() -> None:
    data = pd.DataFrame({"family": [1, 1, 2, 2], "wave": [1.0, 1.0, 1.0, 2.0], "sex": ["a"] * 4})
    with pytest.raises(ModelError, match="twice in one family"):
        _bound(STRUCTURES[0], data)
    with pytest.raises(ModelError, match="whole numbers"):
        _bound(AR1("wave", within="family"), data.assign(wave=[1.0, 1.5, 1.0, 2.0]))
    with pytest.raises(ModelError, match="one level"):
        _bound(VarianceBy("sex"), data)
    with pytest.raises(ModelError, match="No family has two"):
        _bound(CAR1("wave", within="family"), data.assign(family=[1, 2, 3, 4]))


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_products_of_pairs_equal_the_dense_definition(structure: Any) -> None:
    problem = _simulated(structure)
    engine, bound = Engine(problem, "REML"), problem.residual
    delta = bound.from_natural(np.array([0.4, 1.7, 0.8])[: len(bound.names)])
    assert bound.natural(delta) == pytest.approx(np.array([0.4, 1.7, 0.8])[: delta.size])
    first, second = _derivatives(lambda at: _dense_r(problem, at), delta)
    inverse = np.linalg.inv(_dense_r(problem, delta))
    rows, inner = engine.route.rows, engine.residual
    order = np.arange(problem.y.size) if rows.order is None else rows.order
    # R^-1 R_i R^-1 and R^-1 R_ij R^-1, in the order of the route's rows
    pairs = [(i, j) for i in range(delta.size) for j in range(i, delta.size) if inner.bends(i, j)]
    r = _dense_r(problem, delta)[np.ix_(order, order)]
    turned = [inverse @ one @ inverse for one in first] + [inverse @ second[i][j] @ inverse for i, j in pairs]
    turned = [one[np.ix_(order, order)] for one in turned]
    for found, wanted in zip(inner.turned(delta, rows.base, pairs)[0], turned, strict=True):
        assert found == pytest.approx(rows.base @ wanted, rel=NUMERIC, abs=NUMERIC * np.max(np.abs(found)))
    half = inner.half(delta, rows.base)
    assert half @ half.T == pytest.approx(rows.base @ r @ rows.base.T, rel=NUMERIC, abs=NUMERIC)
    assert inner.back(delta, half) == pytest.approx(rows.base @ r, rel=NUMERIC, abs=NUMERIC)
    white, log_det = inner.whitened(delta, rows.base)
    assert log_det == pytest.approx(np.linalg.slogdet(r)[1])
    squared = rows.base @ np.linalg.solve(r, rows.base.T)
    assert white @ white.T == pytest.approx(squared, rel=NUMERIC, abs=NUMERIC)
    alone, both, _ = residual_information.direction_traces(inner, delta, pairs)
    for b, one in enumerate(turned):
        assert alone[b] == pytest.approx(np.trace(one @ r), rel=NUMERIC, abs=NUMERIC)
        for a, other in enumerate(turned[: delta.size]):
            assert both[a, b] == pytest.approx(np.trace(one @ r @ other @ r), rel=NUMERIC, abs=NUMERIC)
