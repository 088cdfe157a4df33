"""A search that begins at another fit's variances ends where one without it does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import CAR1, MixedFit, fit_mixed

# In log-likelihood, in estimates relative to their standard errors, and in standard errors.
SAME_LIKELIHOOD, SAME = 1e-6, 1e-4
CARRIES_ON = CAR1("months", within="family")


def study(seed: int) -> pd.DataFrame:
    """Organisations whose families differ in level, slope and bend, any of which may not be there."""
    rng = np.random.default_rng([8, seed])
    sizes = rng.integers(5, 25, int(rng.integers(3, 6)))
    organisation, n, waves = np.repeat(np.arange(sizes.size), sizes), int(sizes.sum()), 8
    months = np.clip(np.arange(waves) * 1.5 + rng.normal(0, 0.2, (n, waves)), 0, None)
    months += 1e-4 * np.arange(waves)
    noise, phi = rng.normal(size=(n, waves)), float(rng.choice([0.0, 0.5]))
    for t in range(1, waves):
        noise[:, t] = phi * noise[:, t - 1] + np.sqrt(1 - phi**2) * noise[:, t]
    own = rng.normal(size=(n, 3)) * rng.choice([0.0, 0.3, 1.0], 3) * [4.0, 0.3, 1.5]
    score = 22 - 2 * np.log1p(months) + own[:, :1] + own[:, 1:2] * months + own[:, 2:] * np.log1p(months)
    score += 2.5 * noise + rng.normal(0, 1, sizes.size)[organisation][:, None]
    data = pd.DataFrame({"months": months.ravel(), "score": score.ravel()})
    data["family"] = np.repeat(np.arange(n), waves)
    data["organisation"] = np.repeat([f"o{o}" for o in organisation], waves)
    data["worker"] = np.repeat(organisation * 10 + rng.integers(0, 4, n), waves)
    data["bend"] = np.log1p(data["months"])
    return data.sample(frac=0.85, random_state=seed).sort_values(["family", "months"])


def assert_alike(found: MixedFit, wanted: MixedFit) -> None:
    assert found.convergence.converged
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, abs=SAME_LIKELIHOOD)
    errors = wanted.fixed["std_error"]
    assert np.max(np.abs(found.fixed["estimate"] - wanted.fixed["estimate"]) / errors) < SAME
    assert found.fixed["std_error"].to_numpy() == pytest.approx(errors.to_numpy(), rel=SAME)


@pytest.mark.parametrize("seed", range(8))
def test_each_organisation_left_out(seed: int) -> None:
    data = study(seed)
    structure: Any = CARRIES_ON if seed % 2 else None
    above = " + (1 | worker)" if seed % 4 == 2 else ""
    formula = f"score ~ cr(months, 4) * organisation + (1 + months + bend | family){above}"
    every = fit_mixed(formula, data, residual=structure)
    for organisation in data["organisation"].unique():
        rest = data[data["organisation"] != organisation]
        fresh = fit_mixed(formula, rest, residual=structure)
        assert_alike(fit_mixed(formula, rest, residual=structure, near=every), fresh)


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_other_fixed_effects_and_a_fit_far_away(seed: int) -> None:
    data = study(seed)
    random = "(1 + months + bend | family)"
    fresh = fit_mixed(f"score ~ cr(months, 4) * organisation + {random}", data, residual=CARRIES_ON)
    line = fit_mixed(f"score ~ months + {random}", data, residual=CARRIES_ON)
    assert_alike(fit_mixed(fresh.formula, data, residual=CARRIES_ON, near=line), fresh)
    other = data.assign(score=100 * np.random.default_rng(seed).normal(size=len(data)))
    away = fit_mixed(f"score ~ months + {random}", other, residual=CARRIES_ON)
    assert_alike(fit_mixed(fresh.formula, data, residual=CARRIES_ON, near=away), fresh)


def test_a_fit_with_other_random_terms_or_residuals_does_not_serve() -> None:
    data = study(1)
    formula = "score ~ months * organisation + (1 + months | family)"
    fresh = fit_mixed(formula, data)
    for other in (
        fit_mixed("score ~ months * organisation + (1 | family)", data),
        fit_mixed(formula, data, residual=CARRIES_ON),
    ):
        found = fit_mixed(formula, data, near=other)
        assert found.solution.n_evaluations == fresh.solution.n_evaluations
        assert found.log_likelihood == fresh.log_likelihood
    near = fit_mixed(formula, data, near=fresh)
    assert near.solution.n_evaluations < fresh.solution.n_evaluations
    assert_alike(near, fresh)
