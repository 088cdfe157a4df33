"""Refits to other outcomes: the same as fitting afresh, and a bootstrap that finds the sampling spread."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.refit import refit, simulated_refits
from mpg_research.mixed.solution import solve


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
    again = simulated_refits(found, 3, 4)
    assert np.array_equal(again.beta, draws.beta[:3])
