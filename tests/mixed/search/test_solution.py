"""The solver against lme4's stored fits, against itself, and at the boundary."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.random_part import DIAGONAL
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import objective, solve
from tests.mixed.oracle_models import needs_oracles, problem, reference

MODELS = reference()
# At the same theta both sides compute the same closed form: only rounding differs.
AT_THETA = 1e-8
# R stops its optimiser early: we may be higher, not lower, and near.
LOWER_BY = 1e-6
NEAR = 1e-3
SLOW = {"insteval"}


def _simulated(rng: np.random.Generator, n: int = 240) -> MixedProblem:
    """Families in organisations, workers crossed with both, a random slope."""
    family = rng.integers(0, 40, n)
    organisation = family // 10
    worker = rng.integers(0, 9, n)
    months = rng.uniform(0, 12, n)
    x = np.column_stack([np.ones(n), months, rng.normal(size=n)])
    y = 20 - 0.3 * months + rng.normal(size=40)[family] * 2 + rng.normal(size=9)[worker] + rng.normal(size=n)
    y = y + 0.2 * rng.normal(size=40)[family] * months + rng.normal(size=4)[organisation]
    slope = np.column_stack([np.ones(n), months])
    one = np.ones((n, 1))
    random = (
        RandomTerm("family", ("1", "months"), slope, family, tuple(range(40))),
        RandomTerm("worker", ("1",), one, worker, tuple(range(9))),
        RandomTerm("organisation", ("1", "months"), slope, organisation, tuple(range(4)), structure=DIAGONAL),
    )
    return MixedProblem(y, x, ("1", "months", "z"), random)


@needs_oracles
@pytest.mark.parametrize("name", sorted(MODELS))
def test_agrees_with_lme4_at_its_theta(name: str) -> None:
    model = MODELS[name]
    theta = np.array(list(model["theta"].values()))
    found = solve(problem(model), method="REML" if model["REML"] else "ML", theta=theta)
    assert found.log_likelihood == pytest.approx(model["logLik"], abs=AT_THETA, rel=AT_THETA)
    assert found.beta == pytest.approx(list(model["fixef"].values()), rel=AT_THETA)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(list(model["se"].values()), rel=AT_THETA)
    assert found.covariance == pytest.approx(np.array(model["vcov"]), rel=1e-7, abs=1e-9)
    assert np.sqrt(found.sigma2) == pytest.approx(model["sigma"], rel=AT_THETA)


@needs_oracles
@pytest.mark.parametrize("name", sorted(set(MODELS) - SLOW))
def test_own_optimum_is_not_below_lme4(name: str) -> None:
    model = MODELS[name]
    found = solve(problem(model), method="REML" if model["REML"] else "ML")
    assert found.converged
    assert found.log_likelihood >= model["logLik"] - LOWER_BY
    assert found.beta == pytest.approx(list(model["fixef"].values()), rel=NEAR)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(list(model["se"].values()), rel=NEAR)


@needs_oracles
@pytest.mark.parametrize("name", sorted(n for n in MODELS if "ranef_head" in MODELS[n]))
def test_conditional_modes_agree_with_lme4(name: str) -> None:
    model = MODELS[name]
    made = problem(model)
    found = solve(
        made, method="REML" if model["REML"] else "ML", theta=np.array(list(model["theta"].values()))
    )
    for group, stored in model["ranef_head"].items():
        index = next(i for i, t in enumerate(made.random) if t.group == group)
        modes, variances = found.conditional_modes(index)
        known = [str(level).removesuffix(".0") for level in made.random[index].levels]
        rows = [known.index(level) for level in stored["levels"]]
        assert modes[rows] == pytest.approx(
            np.array(stored["values"]).reshape(len(rows), -1), rel=1e-6, abs=1e-8
        )
        # The file holds condVar[1:q, 1, first groups]: its first number is the first variance.
        held = stored["condVar"]
        first = np.ravel(held["(Intercept)"] if isinstance(held, dict) else held)[0]
        assert variances[rows[0], 0, 0] == pytest.approx(first, rel=1e-6)


def _dense_deviance(made: MixedProblem, theta: np.ndarray, method: str) -> float:
    n, p = made.x.shape
    v = np.diag(1.0 / made.weights) if made.weights is not None else np.eye(n)
    start = 0
    for term in made.random:
        q = term.z.shape[1]
        size = q * (q + 1) // 2 if term.correlated else q
        factor = np.zeros((q, q))
        if term.correlated:
            factor.T[np.triu_indices(q)] = theta[start : start + size]
        else:
            factor = np.diag(theta[start : start + size])
        start += size
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ factor @ factor.T @ term.z.T)
    inverse = np.linalg.inv(v)
    xvx = made.x.T @ inverse @ made.x
    beta = np.linalg.solve(xvx, made.x.T @ inverse @ made.y)
    residual = made.y - made.x @ beta
    r2 = residual @ inverse @ residual
    divisor = n - p if method == "REML" else n
    value = np.linalg.slogdet(v)[1] + divisor * (1 + np.log(2 * np.pi * r2 / divisor))
    return float(value + (np.linalg.slogdet(xvx)[1] if method == "REML" else 0.0))


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("weighted", [False, True])
def test_objective_equals_dense_evaluation(method: str, weighted: bool) -> None:
    rng = np.random.default_rng(11)
    made = _simulated(rng)
    if weighted:
        weights = rng.uniform(0.5, 2.0, made.y.size)
        made = MixedProblem(made.y, made.x, made.x_names, made.random, weights)
    for theta in (np.array([1.0, 0.1, 0.3, 0.5, 0.4, 0.2]), np.array([0.0, 0.2, 0.0, 0.0, 0.0, 1.0])):
        assert objective(made, theta, method) == pytest.approx(
            _dense_deviance(made, theta, method), rel=1e-11
        )


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_gradient_equals_finite_differences(method: str) -> None:
    engine = Engine(_simulated(np.random.default_rng(5)), method)
    point = np.array([0.8, 0.2, 0.4, 0.5, 0.3, 0.1])
    _, gradient = engine.value_and_gradient(point)
    step = 1e-5
    for index in range(point.size):
        move = step * np.eye(point.size)[index]
        slope = (engine.at(point + move)[1].deviance - engine.at(point - move)[1].deviance) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=1e-5)


def test_rows_labels_shift_and_scale_change_nothing_they_should_not() -> None:
    rng = np.random.default_rng(3)
    made = _simulated(rng)
    made = MixedProblem(made.y, made.x, made.x_names, made.random[:2])
    found = solve(made)
    order = rng.permutation(made.y.size)
    relabel = rng.permutation(40)
    family, worker = made.random
    shuffled = MixedProblem(
        made.y[order],
        made.x[order],
        made.x_names,
        (
            RandomTerm(
                "family", ("1", "months"), family.z[order], relabel[family.codes][order], tuple(range(40))
            ),
            RandomTerm("worker", ("1",), worker.z[order], worker.codes[order], worker.levels),
        ),
    )
    again = solve(shuffled)
    assert again.deviance == pytest.approx(found.deviance, abs=1e-8)
    assert again.theta == pytest.approx(found.theta, abs=1e-5)
    # time in years since the year zero, the outcome times 100 plus a million
    move = np.array([[1.0, 2000.0], [0.0, 1.0 / 12.0]])
    x = made.x.copy()
    x[:, :2] = x[:, :2] @ move
    other = MixedProblem(
        1e6 + 100 * made.y,
        x,
        made.x_names,
        (RandomTerm("family", ("1", "years"), family.z @ move, family.codes, family.levels), worker),
    )
    far = solve(other)
    assert far.n_evaluations <= found.n_evaluations + 3
    assert np.sqrt(far.sigma2) == pytest.approx(100 * np.sqrt(found.sigma2), rel=1e-6)
    assert far.beta[1] == pytest.approx(100 * 12 * found.beta[1], rel=1e-5)
    slope_sd = np.sqrt(found.random_covariance(0)[1, 1])
    assert np.sqrt(far.random_covariance(0)[1, 1]) == pytest.approx(1200 * slope_sd, rel=1e-4)


@needs_oracles
def test_zero_variance_is_exact_and_named() -> None:
    found = solve(problem(MODELS["dyestuff2"]))
    assert found.converged
    assert found.is_singular
    assert found.theta == pytest.approx([0.0], abs=0)
    assert found.faces[0].rank == 0
    assert found.faces[0].zero_sd == ("1",)


def test_perfect_correlation_is_found() -> None:
    rng = np.random.default_rng(3)
    family = np.repeat(np.arange(30), 5)
    months = np.tile(np.arange(5.0), 30)
    z = np.column_stack([np.ones(150), months])
    y = 10 + rng.normal(size=30)[family] * (1 + 0.5 * months) + 2.0 * rng.normal(size=150)
    found = solve(
        MixedProblem(
            y, z, ("1", "months"), (RandomTerm("family", ("1", "months"), z, family, tuple(range(30))),)
        )
    )
    assert found.converged
    assert found.faces[0].is_singular
    assert found.faces[0].rank == 1
    covariance = found.random_covariance(0)
    assert abs(covariance[0, 1]) == pytest.approx(np.sqrt(covariance[0, 0] * covariance[1, 1]), rel=1e-6)


def test_an_outcome_without_residuals_is_not_called_converged() -> None:
    rng = np.random.default_rng(2)
    family = np.repeat(np.arange(30), 4)
    one = np.ones((120, 1))
    term = RandomTerm("family", ("1",), one, family, tuple(range(30)))
    found = solve(MixedProblem(rng.normal(size=30)[family], one, ("1",), (term,)))
    assert not found.converged
    assert "residual variance went to zero" in found.message


def test_as_many_random_effects_as_rows_are_refused() -> None:
    family = np.repeat(np.arange(30), 2)
    z = np.column_stack([np.ones(60), np.tile([0.0, 1.0], 30)])
    term = RandomTerm("family", ("1", "months"), z, family, tuple(range(30)))
    made = MixedProblem(np.random.default_rng(0).normal(size=60), z, ("1", "months"), (term,))
    with pytest.raises(ModelError, match="60 random effects"):
        solve(made)


def test_every_row_twice_equals_weight_two() -> None:
    made = _simulated(np.random.default_rng(3))
    made = MixedProblem(made.y, made.x, made.x_names, made.random[:1])
    theta = np.array([1.0, 0.1, 0.3])
    half = MixedProblem(made.y, made.x, made.x_names, made.random, np.full(made.y.size, 2.0))
    family = made.random[0]
    twice = MixedProblem(
        np.tile(made.y, 2),
        np.tile(made.x, (2, 1)),
        made.x_names,
        (replace(family, z=np.tile(family.z, (2, 1)), codes=np.tile(family.codes, 2)),),
    )
    # weight 2 on each row and each row twice give the same coefficients and the same modes
    one, two = solve(half, theta=theta), solve(twice, theta=theta)
    assert one.beta == pytest.approx(two.beta, rel=1e-10)
    assert one.conditional_modes(0)[0] == pytest.approx(two.conditional_modes(0)[0], rel=1e-9, abs=1e-10)
    assert one.phi == pytest.approx(two.phi, rel=1e-10)
