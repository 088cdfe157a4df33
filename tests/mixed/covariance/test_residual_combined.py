"""Serial correlation with a variance per stratum: against nlme, and through every question of a fit."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mpg_research.errors import ModelError
from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, compare_fits, fit_mixed

FOLDER = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
STORED = json.loads((FOLDER / "residuals.json").read_text())
DATA = pd.read_csv(FOLDER / "residuals.csv")
# Both evaluate closed forms at the same parameters.
SAME = 1e-8
# nlme stops when the log-likelihood no longer changes by 1e-7 or so; the estimates lie within its root.
SEARCH = 2e-4
# Two ways to the same estimates, each searched for until the decrement is below the optimiser's tolerance.
AGAIN = 1e-5

AR, CAR = AR1("wave", within="family"), CAR1("months", within="family")
NESTED = "(1 | organisation/family)"
MODELS: dict[str, tuple[str, Any, Any]] = {
    "ar1_sex": ("(1 | family)", (AR, VarianceBy("sex")), "REML"),
    "car1_sex": ("(1 | family)", (VarianceBy("sex"), CAR), "REML"),
    "car1_phase_slope_ml": ("(months | family)", [CAR, VarianceBy("phase")], "ML"),
    "ar1_phase_nested": (NESTED, (AR, VarianceBy("phase")), "REML"),
    "car1_phase_nested": (NESTED, (CAR, VarianceBy("phase")), "REML"),
}


def fitted(name: str, data: pd.DataFrame = DATA, **options: Any) -> MixedFit:
    random, residual, method = MODELS[name]
    return fit_mixed(f"score ~ months * sex + {random}", data, residual=residual, method=method, **options)


def stored_theta(name: str) -> np.ndarray:
    """nlme's parameters in our order: random terms, finest first; the correlation; the ratios."""
    found = STORED[name]
    random = [found["theta"][group] for group in ("family", "organisation") if group in found["theta"]]
    return np.concatenate([np.atleast_1d(part) for part in (*random, found["correlation"], found["ratio"])])


@pytest.mark.parametrize("name", MODELS)
def test_log_likelihood_at_the_parameters_of_nlme(name: str) -> None:
    stored = STORED[name]
    there = fitted(name, theta=stored_theta(name))
    assert there.log_likelihood == pytest.approx(stored["loglik"], abs=SAME)
    assert there.residual_sd == pytest.approx(stored["sigma"], rel=1e-6)
    assert there.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=1e-6)
    se = np.sqrt(np.diagonal(there.solution.covariance))
    assert se == pytest.approx(stored["se"], rel=1e-6)
    for kind in ("pearson", "normalised"):
        assert there.residuals(kind).to_numpy()[:12] == pytest.approx(stored[kind], rel=1e-5, abs=1e-6)
    top = "organisation" if name.endswith("nested") else "family"
    for kind in ("CR0", "CR2"):
        robust = there.cluster_robust(top, kind=kind)["std_error"]
        assert robust.to_numpy() == pytest.approx(stored[kind], rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_optimum_is_that_of_nlme_or_better(name: str) -> None:
    stored, fit = STORED[name], fitted(name)
    assert fit.convergence.converged
    assert -SAME < fit.log_likelihood - stored["loglik"] < 1e-6
    assert fit.theta == pytest.approx(stored_theta(name), rel=SEARCH)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=SEARCH)
    assert list(fit.residual_parameters.values()) == pytest.approx(
        [stored["correlation"], *np.atleast_1d(stored["ratio"])], rel=SEARCH
    )
    assert fit.objective(fit.theta) == pytest.approx(fit.deviance, rel=1e-12)


def test_order_of_rows_and_of_the_two_structures_changes_nothing() -> None:
    fit = fitted("car1_phase_nested")
    shuffled = DATA.sample(frac=1, random_state=4)
    again = fit_mixed(
        f"score ~ months * sex + {NESTED}", shuffled, residual=[VarianceBy("phase"), CAR], df="kenward-roger"
    )
    assert again.deviance == pytest.approx(fit.deviance, rel=1e-10)
    assert again.theta == pytest.approx(fit.theta, rel=AGAIN)
    assert again.design.residual == fit.design.residual == (CAR, VarianceBy("phase"))
    same = fitted("car1_phase_nested", df="kenward-roger").fixed
    for column in ("std_error", "df"):
        assert again.fixed[column].to_numpy() == pytest.approx(same[column].to_numpy(), rel=AGAIN)


def dense_v(fit: MixedFit, data: pd.DataFrame) -> np.ndarray:
    """Var(y) of a model with random intercepts by its definition: CAR1 and VarianceBy("phase")."""
    values = list(fit.residual_parameters.values())
    s = np.select([data["phase"] == "late", data["phase"] == "middle"], values[1:], 1.0)
    time, family = data["months"].to_numpy(), data["family"].to_numpy()
    same = family[:, None] == family
    v = fit.residual_sd**2 * np.outer(s, s) * same * values[0] ** np.abs(time[:, None] - time)
    for variance, column in zip(fit.random["covariance"], ("family", "organisation"), strict=False):
        groups = data[column].to_numpy()
        v = v + variance * (groups[:, None] == groups)
    return np.asarray(v)


def test_cluster_robust_and_influence_equal_the_dense_formulas() -> None:
    fit = fitted("car1_phase_nested")
    v, x, y = dense_v(fit, DATA), fit.problem.x, fit.problem.y
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ inverse @ x)
    rest = y - x @ phi @ x.T @ inverse @ y
    groups = DATA["organisation"].to_numpy()
    meat = np.zeros_like(phi)
    for one in np.unique(groups):
        rows = groups == one
        score = x[rows].T @ np.linalg.inv(v[np.ix_(rows, rows)]) @ rest[rows]
        meat += np.outer(score, score)
    robust = fit.cluster_robust("organisation", kind="CR0")
    assert robust["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diagonal(phi @ meat @ phi)), rel=1e-6)
    kept = groups != "O03"
    without = np.linalg.inv(v[np.ix_(kept, kept)])
    beta = np.linalg.solve(x[kept].T @ without @ x[kept], x[kept].T @ without @ y[kept])
    change = (beta - fit.fixed["estimate"].to_numpy()) / np.sqrt(np.diagonal(phi))
    ours = fit.influence("organisation").loc["O03", [f"change[{term}]" for term in fit.fixed.index]]
    assert ours.to_numpy(float) == pytest.approx(change, rel=1e-6, abs=1e-8)


def test_simulated_outcomes_have_the_covariance_of_the_model() -> None:
    fit = fitted("car1_phase_nested")
    v = dense_v(fit, DATA)
    draws = fit.simulate(6000, rng=3) - fit.problem.x @ fit.solution.beta
    family = np.flatnonzero(DATA["family"] == DATA["family"][0])
    found = np.cov(draws[:, family].T)
    # The sd of a covariance from 6,000 draws is below 2 % of the variances.
    assert found == pytest.approx(v[np.ix_(family, family)], abs=0.08 * v[family, family].max())


def test_bootstrap_and_profile_hold_both_kinds_of_parameter() -> None:
    fit = fit_mixed(
        "score ~ months * sex + (1 | family)", DATA, residual=(CAR, VarianceBy("sex")), method="ML"
    )
    correlation, ratio = "correlation at distance 1", "sd ratio (sex: girl / boy)"
    assert list(fit.residual_parameters) == [correlation, ratio]
    draws = fit.bootstrap(12, rng=1).draws
    # The ratio's standard error is about .1.
    assert draws[ratio].median() == pytest.approx(fit.residual_parameters[ratio], abs=0.15)
    assert draws[correlation].between(0.8, 1).all()
    limits = fit.profile()
    for place, name in ((1, correlation), (2, ratio)):
        for side in ("conf_low", "conf_high"):
            held = partial(_deviance_holding, fit, place, limits.loc[name, side])
            found = minimize(held, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-5})
            # The chi-square quantile at 95 % with one degree of freedom.
            assert found.fun - fit.deviance == pytest.approx(3.8415, abs=0.01)


def _deviance_holding(fit: MixedFit, place: int, value: float, moved: np.ndarray) -> float:
    """Deviance with one parameter at a value and the others moved from the estimate, on their own scales."""
    theta, range_ = fit.theta, -1 / np.log(fit.theta[1])
    others = iter(moved)
    there = [
        theta[0] * np.exp(next(others)),
        value if place == 1 else np.exp(-1 / (range_ * np.exp(next(others)))),
        value if place == 2 else theta[2] * np.exp(next(others)),
    ]
    return fit.objective(there)


def test_a_new_row_gets_the_variance_of_its_stratum() -> None:
    fit = fitted("car1_phase_nested")
    ratios = dict(zip(("late", "middle"), list(fit.residual_parameters.values())[1:], strict=True))
    new = pd.DataFrame({"months": 3.0, "sex": "girl", "phase": ["early", "late", "middle"]})
    confidence = fit.predict(new, interval="confidence")["std_error"] ** 2
    prediction = fit.predict(new, interval="prediction")["std_error"] ** 2
    wanted = np.array([1, ratios["late"], ratios["middle"]]) ** 2 * fit.residual_sd**2
    assert (prediction - confidence).to_numpy() == pytest.approx(
        wanted + fit.random["covariance"].iloc[:2].sum(), rel=1e-8
    )
    with pytest.raises(ModelError, match="is unknown; known are 'early', 'late'"):
        fit.predict(new.assign(phase="end"), interval="prediction")


def test_one_structure_is_compared_with_both() -> None:
    serial = fit_mixed("score ~ months * sex + (1 | family)", DATA, residual=CAR)
    variance = fit_mixed("score ~ months * sex + (1 | family)", DATA, residual=VarianceBy("sex"))
    both = fitted("car1_sex")
    for smaller in (serial, variance):
        found = compare_fits(smaller, both)
        assert found.df == 1
        assert found.statistic == pytest.approx(smaller.deviance - both.deviance)
    with pytest.raises(ModelError, match=r"structures \(CAR1.* and VarianceBy"):
        compare_fits(fit_mixed("score ~ months + (1 | family)", DATA, residual=CAR), variance)


@pytest.mark.parametrize(
    "residual", [(AR, CAR), (VarianceBy("sex"), VarianceBy("phase")), (AR,), (), (AR, "sex"), {"a": AR}, AR1]
)
def test_other_combinations_are_refused(residual: Any) -> None:
    with pytest.raises(ModelError, match="a tuple of one structure of the series and one VarianceBy; found"):
        fit_mixed("score ~ months + (1 | family)", DATA, residual=residual)


def test_a_known_correlation_and_ratio_are_recovered() -> None:
    rng = np.random.default_rng(7)
    n, waves = 500, 6
    noise = rng.normal(size=(n, waves))
    for t in range(1, waves):
        noise[:, t] = 0.6 * noise[:, t - 1] + 0.8 * noise[:, t]
    data = pd.DataFrame({"family": np.repeat(np.arange(n), waves), "wave": np.tile(np.arange(waves), n)})
    data["rater"] = rng.choice(["p", "q"], len(data))
    data["y"] = (
        5 + np.repeat(rng.normal(size=n), waves) + np.where(data["rater"] == "q", 2, 1) * noise.ravel()
    )
    fit = fit_mixed("y ~ wave + (1 | family)", data, residual=(AR, VarianceBy("rater")))
    correlation, ratio = fit.residual_parameters.values()
    # About three standard errors at this size.
    assert correlation == pytest.approx(0.6, abs=0.05)
    assert ratio == pytest.approx(2.0, abs=0.12)
    assert fit.residual_sd == pytest.approx(1.0, abs=0.1)
