"""Leaving out a group: what the formulas say is what a fit without the group gives, at the same theta."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, fit_mixed
from mpg_research.mixed.questions import influence

# Both sides are exact; fitting anew rounds differently.
EXACT = 1e-7


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    family = np.repeat(np.arange(36), rng.integers(2, 6, 36))
    n = len(family)
    worker, helper = family % 12, rng.integers(0, 7, n)
    organisation = worker % 4
    months = rng.uniform(0, 12, n).round(1)
    y = 20 - 0.4 * months + rng.normal(0, 2, 36)[family] + rng.normal(0, 1.2, 12)[worker]
    y += rng.normal(0, 0.3, 36)[family] * months + rng.normal(0, 1, 4)[organisation] + rng.normal(0, 1.5, n)
    return pd.DataFrame(
        {
            "family": [f"F{code}" for code in family],
            "worker": [f"W{code}" for code in worker],
            "organisation": organisation,
            "helper": helper,
            "months": months,
            "wave": pd.Series(family).groupby(family).cumcount(),
            "arm": np.array(["care", "usual"])[family % 2],
            "y": y,
            "w": rng.uniform(0.5, 2, n),
        }
    ).sample(frac=1, random_state=3)


NESTED = "y ~ months * arm + (1 + months | family) + (1 | worker) + (1 | organisation)"
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "one level": ("y ~ months * arm + (1 + months | family)", {}),
    "three levels": (NESTED, {}),
    "weights": (NESTED, {"weights": "w"}),
    "separate terms": ("y ~ months + (1 | family) + (0 + months | family) + (1 | worker)", {}),
    "variance by arm": ("y ~ months + (1 | family) + (1 | worker)", {"residual": VarianceBy("arm")}),
    "waves": ("y ~ months + (1 | family) + (1 | worker)", {"residual": AR1("wave", within="family")}),
    "times": ("y ~ arm + (1 | family)", {"residual": CAR1("months", within="family"), "method": "ML"}),
    "crossed": ("y ~ months * arm + (1 + months | family) + (1 | helper)", {}),
    "crossed, weights": ("y ~ months * arm + (1 | family) + (1 | helper)", {"weights": "w"}),
    "crossed, variance": ("y ~ months + (1 | family) + (1 | helper)", {"residual": VarianceBy("arm")}),
}
# None: at the optimum; else at a theta on the boundary
CASES = [(name, None) for name in MODELS]
CASES += [("one level", [1.2, -0.1, 0.0]), ("crossed", [1.2, -0.1, 0.0, 0.0])]


def without(fit: MixedFit, data: pd.DataFrame, group: str, level: Any, options: dict[str, Any]) -> pd.Series:
    rest = data[data[group] != level]
    again = fit_mixed(fit.formula, rest, theta=fit.theta, df="normal", **options)
    change: pd.Series = again.fixed["estimate"] - fit.fixed["estimate"]
    return change


@pytest.mark.parametrize(("name", "theta"), CASES)
def test_influence_is_what_leaving_out_does(data: pd.DataFrame, name: str, theta: Any) -> None:
    formula, options = MODELS[name]
    fit = fit_mixed(formula, data, theta=theta, **options)
    covariance = fit.solution.covariance
    for group in fit.n_groups:
        found = fit.influence(group)
        assert found["n_observations"].sum() == len(data)
        for level in found.index[[0, 2, -1]]:
            change = without(fit, data, group, level, options)
            ours = found.loc[level, [f"change[{term}]" for term in fit.fixed.index]].to_numpy(float)
            standard = change.to_numpy() / np.sqrt(np.diagonal(covariance))
            assert ours == pytest.approx(standard, rel=EXACT, abs=1e-9)
            distance = change @ np.linalg.inv(covariance) @ change / len(change)
            assert found.loc[level, "cooks_distance"] == pytest.approx(distance, rel=1e-6)


def test_influence_of_large_groups_is_the_same(data: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fit_mixed(MODELS["crossed"][0], data)
    small = fit.influence("helper")
    monkeypatch.setattr(influence, "LARGE_GROUP", 3)
    assert fit.influence("helper").to_numpy() == pytest.approx(small.to_numpy(), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("crossed", ["", " + (1 | helper)"])
def test_influence_of_a_group_that_the_model_cannot_do_without(data: pd.DataFrame, crossed: str) -> None:
    frame = data.assign(odd=np.where(data["worker"] == "W1", "only", "others"))
    found = fit_mixed("y ~ odd + (1 | worker)" + crossed, frame).influence("worker")
    assert np.isnan(found.loc["W1", "cooks_distance"])
    assert found["cooks_distance"].notna().sum() == 11
