"""Refits to other outcomes: the same as fitting afresh, and a bootstrap that finds the sampling spread."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.mixed.covariance.random_part import DIAGONAL
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.many_outcomes import Batch
from mpg_research.mixed.search.refit import _curvature, _draws, _fit_draws, refit, simulated_refits
from mpg_research.mixed.search.solution import solve
from mpg_research.mixed.search.starts_and_faces import start_off_boundary


def _problem(*, crossed: bool, weighted: bool = False) -> MixedProblem:
    rng = np.random.default_rng(12)
    n = 300
    family = rng.permutation(np.repeat(np.arange(60), 5))
    other = rng.integers(0, 8, n) if crossed else family % 8
    months = rng.uniform(0, 10, n)
    z = np.column_stack([np.ones(n), months])
    y = 20 - 0.3 * months + 2 * rng.normal(size=60)[family] + rng.normal(size=8)[other] + rng.normal(size=n)
    y = y + 0.3 * rng.normal(size=60)[family] * months
    random = (
        RandomTerm("family", ("1", "months"), z, family, tuple(range(60))),
        RandomTerm("other", ("1",), z[:, :1], other, tuple(range(8))),
    )
    weights = rng.uniform(0.5, 2, n) if weighted else None
    return MixedProblem(y, z, ("1", "months"), random, weights)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_refit_equals_a_fresh_fit(crossed: bool, weighted: bool) -> None:
    made = _problem(crossed=crossed, weighted=weighted)
    found = solve(made)
    y = made.y[::-1] * 3 + 1000
    again, fresh = refit(found, y), solve(replace(made, y=y))
    assert again.deviance == pytest.approx(fresh.deviance, abs=1e-7)
    assert again.beta == pytest.approx(fresh.beta, rel=1e-6)
    assert again.covariance == pytest.approx(fresh.covariance, rel=1e-4)
    modes, variances = again.conditional_modes(0)
    expected, expected_variances = fresh.conditional_modes(0)
    assert modes == pytest.approx(expected, rel=1e-3, abs=1e-2)
    assert variances == pytest.approx(expected_variances, rel=1e-2, abs=1e-4)


def test_refit_to_the_same_outcome_finds_the_same_optimum() -> None:
    found = solve(_problem(crossed=False))
    again = refit(found, found.problem.y)
    assert again.deviance == pytest.approx(found.deviance, abs=1e-9)
    assert again.theta == pytest.approx(found.theta, abs=1e-5)


def test_bootstrap_has_the_models_spread_and_repeats_with_its_seed() -> None:
    found = solve(_problem(crossed=False))
    draws = simulated_refits(found, 300, 4)
    assert draws.converged.all()
    # 300 draws: a standard error of 4 % for a standard deviation
    assert draws.beta.std(axis=0) == pytest.approx(np.sqrt(np.diag(found.covariance)), rel=0.15)
    assert draws.beta.mean(axis=0) == pytest.approx(found.beta, abs=0.15)
    assert draws.sigma.mean() == pytest.approx(np.sqrt(found.sigma2), rel=0.02)
    assert draws.random_sd[:, 0].mean() == pytest.approx(np.sqrt(found.random_covariance(0)[0, 0]), rel=0.05)
    again = simulated_refits(found, 300, 4)
    assert np.array_equal(again.beta, draws.beta)
    # three draws go one by one, three hundred together: the same to a small part of a standard error
    few = simulated_refits(found, 3, 4)
    assert few.beta == pytest.approx(draws.beta[:3], abs=2e-3)
    assert few.random_sd == pytest.approx(draws.random_sd[:3], abs=5e-3)
    assert few.theta == pytest.approx(draws.theta[:3], abs=5e-3)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_a_batch_is_the_same_as_each_draw_alone(method: str) -> None:
    found = solve(_problem(crossed=False), method=method)  # type: ignore[arg-type]
    engine: Engine = found.engine
    rng = np.random.default_rng(2)
    outcomes = rng.normal(size=(6, engine.scaled.n)) + engine.scaled.fixed[-1]
    points = found.internal + 0.1 * rng.normal(size=(6, engine.n_theta))
    value, gradient, beta, s2 = Batch(engine, outcomes).value_and_gradient(points)
    for r in range(6):
        alone = engine.with_base_outcome(outcomes[r])
        expected, slopes = alone.value_and_gradient(points[r])
        _, at = alone.at(points[r])
        assert value[r] == pytest.approx(expected, rel=1e-12)
        assert gradient[r] == pytest.approx(slopes, rel=1e-9, abs=1e-9)
        assert beta[r] == pytest.approx(at.beta, rel=1e-9, abs=1e-12)
        assert s2[r] == pytest.approx(at.s2, rel=1e-11)


def test_random_columns_that_are_no_fixed_effects_refit_like_single_fits() -> None:
    rng = np.random.default_rng(8)
    family = np.repeat(np.arange(60), 5)
    worker = family // 6
    n = family.size
    months, bend = rng.uniform(0, 10, n), rng.normal(size=n)
    z = np.column_stack([np.ones(n), months])
    y = 20 + 2 * rng.normal(size=60)[family] + rng.normal(size=10)[worker] * months + rng.normal(size=n)
    y += 2 * rng.normal(size=10)[worker] * bend
    outside = np.column_stack([months, bend])
    random = (
        RandomTerm("family", ("1",), z[:, :1], family, tuple(range(60))),
        RandomTerm("worker", ("months", "bend"), outside, worker, tuple(range(10)), structure=DIAGONAL),
    )
    made = MixedProblem(y, z[:, :1], ("1",), random)
    found = solve(made)
    assert not any(found.engine.scaled.in_base[1:])
    drawn = _draws(found, 12, np.random.default_rng(1))
    start, inverse = start_off_boundary(found.engine, found.internal), _curvature(found)
    assert inverse is not None
    together = _fit_draws(found.engine, drawn, start, inverse)
    for r, outcome in enumerate(drawn):
        # the outcome in the user's units, fitted afresh
        fresh = solve(replace(made, y=outcome * found.engine.scaled.y_scale + 50.0))
        assert found.engine.scaled.to_theta(together.x[r]) == pytest.approx(fresh.theta, rel=5e-3, abs=5e-3)
        sigma2 = found.engine.scaled.y_scale**2 * together.s2[r]
        assert sigma2 == pytest.approx(fresh.sigma2, rel=5e-3)
        again = refit(found, outcome * found.engine.scaled.y_scale + 50.0)
        assert again.deviance == pytest.approx(fresh.deviance, abs=1e-7)
        assert again.beta == pytest.approx(fresh.beta, rel=1e-6)
