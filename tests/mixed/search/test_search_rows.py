"""Searching many rows within their correlation, and many outcomes at once: the same optimum as one by one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, VarianceBy, fit_mixed
from mpg_research.mixed.search import search_rows
from mpg_research.mixed.search.many_outcomes_residual import CorrelatedBatch
from mpg_research.mixed.search.refit import _curvature, _draws, _fit_draws, refit, simulated_refits
from mpg_research.mixed.search.solution import MixedSolution
from mpg_research.mixed.search.starts_and_faces import start_off_boundary

# Both stop at a Newton decrement of 1e-12, which is the square of this in standard errors of a parameter.
SAME = 1e-5
STRUCTURES = [
    CAR1("months", within="family"),
    AR1("wave", within="family"),
    (CAR1("months", within="family"), VarianceBy("arm")),
]
FORMULAS = [
    "score ~ cr(months, 3) * arm + (1 + months + log1p(months) | family)",
    "score ~ months * arm + (1 + months | family) + (1 | organisation)",
]


def made(seed: int, n: int = 90, waves: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    months = np.clip(np.arange(waves) + rng.normal(0, 0.15, (n, waves)), 0, None) + np.arange(waves) * 1e-6
    noise = rng.normal(size=(n, waves))
    for t in range(1, waves):
        noise[:, t] = 0.5 * noise[:, t - 1] + np.sqrt(0.75) * noise[:, t]
    amount, level = rng.normal(4, 2, n)[:, None], rng.normal(20, 3, n)[:, None]
    score = level - amount * (1 - np.exp(-months / 3)) + rng.normal(0, 0.3, n)[:, None] * months + 2 * noise
    data = pd.DataFrame({"family": np.repeat(np.arange(n), waves), "months": months.ravel()})
    data["wave"], data["score"] = np.tile(np.arange(waves), n), score.ravel()
    data["arm"] = np.where(data["family"] % 3 == 0, "a", "b")
    data["organisation"] = data["family"] % 9
    data["score"] += rng.normal(0, 1, 9)[data["organisation"]]
    return data.sample(frac=0.9, random_state=seed).reset_index(drop=True)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
@pytest.mark.parametrize("formula", FORMULAS)
def test_many_rows_have_the_same_optimum(
    monkeypatch: pytest.MonkeyPatch, formula: str, structure: Any
) -> None:
    data = made(1)
    usual = fit_mixed(formula, data, residual=structure)
    monkeypatch.setattr(search_rows, "MANY_ROWS", 300)
    monkeypatch.setattr(search_rows, "FEW_GROUPS", 30)
    found = fit_mixed(formula, data, residual=structure)
    assert found.convergence.converged
    assert found.deviance == pytest.approx(usual.deviance, abs=1e-7)
    spread = np.sqrt(np.diagonal(usual.solution.covariance))
    assert np.max(np.abs(found.solution.beta - usual.solution.beta) / spread) < SAME
    assert np.sqrt(np.diagonal(found.solution.covariance)) == pytest.approx(spread, rel=SAME)


def _fitted(formula: str, structure: Any = STRUCTURES[0]) -> MixedSolution:
    return fit_mixed(formula, made(2), residual=structure).solution


@pytest.mark.parametrize("structure", STRUCTURES[:2], ids=str)
@pytest.mark.parametrize("formula", FORMULAS)
def test_deviance_and_gradient_of_many_outcomes_at_once(structure: Any, formula: str) -> None:
    found = _fitted(formula, structure)
    engine, rng = found.engine, np.random.default_rng(0)
    start, inverse = start_off_boundary(engine, found.internal), _curvature(found)
    assert inverse is not None
    outcomes = _draws(found, 5, rng)
    x = start + 0.05 * rng.normal(size=(5, start.size))
    values, gradients, *_ = CorrelatedBatch(engine, outcomes, start, inverse).value_and_gradient(x)
    for r in range(5):
        value, gradient = engine.with_base_outcome(outcomes[r]).value_and_gradient(x[r])
        assert values[r] == pytest.approx(value, abs=1e-7)
        assert gradients[r] == pytest.approx(gradient, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("formula", FORMULAS)
def test_outcomes_fitted_at_once_have_the_optimum_of_each(formula: str) -> None:
    found = _fitted(formula)
    engine = found.engine
    start, inverse = start_off_boundary(engine, found.internal), _curvature(found)
    assert inverse is not None
    outcomes = _draws(found, 8, np.random.default_rng(3))
    joint = _fit_draws(engine, outcomes, start, inverse)
    assert np.all(joint.done)
    scaled = engine.scaled
    for r in range(8):
        alone = refit(found, scaled.y_scale * outcomes[r])
        spread = np.sqrt(np.diagonal(alone.covariance))
        beta = scaled.y_scale * (scaled.x_inverse @ joint.beta[r])
        # the joint fits stop at a decrement of 1e-6
        assert np.max(np.abs(beta - alone.beta) / spread) < 3e-3
        assert scaled.y_scale**2 * joint.s2[r] == pytest.approx(alone.sigma2, rel=2e-3)


def test_the_bootstrap_has_the_spread_of_the_model() -> None:
    found = _fitted(FORMULAS[1])
    draws = simulated_refits(found, 100, 4)
    assert np.all(draws.converged)
    spread = np.sqrt(np.diagonal(found.covariance))
    # a standard deviation of 100 draws has a standard error of 7 %, a mean of 10 %
    assert draws.beta.std(axis=0, ddof=1) == pytest.approx(spread, rel=0.3)
    assert np.max(np.abs(draws.beta.mean(axis=0) - found.beta) / spread) < 0.4
    correlation = draws.residual_parameters[:, 0]
    assert correlation.mean() == pytest.approx(found.residual_parameters[0], abs=0.1)
    again = simulated_refits(found, 100, 4)
    assert np.array_equal(again.beta, draws.beta)
