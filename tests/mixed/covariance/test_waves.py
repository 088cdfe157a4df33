"""Compound symmetry and unstructured residuals: what a fit is asked, what is refused, what is at an end."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import FormulaError, ModelError
from mpg_research.mixed import (
    AR1,
    CompoundSymmetry,
    Unstructured,
    VarianceBy,
    compare_fits,
    fit_mixed,
)
from tests.mixed.covariance.test_waves_against_r import CS, DATA, FULL, UN


def matrix_of(fit: Any, data: pd.DataFrame) -> np.ndarray:
    """Var(residuals) by the definition, from the parameters by their names."""
    values = fit.residual_parameters
    together = data["family"].to_numpy()[:, None] == data["family"].to_numpy()
    wave = data["wave"].to_numpy()
    if "correlation within family" in values:
        relative = np.where(np.eye(len(data), dtype=bool), 1.0, values["correlation within family"])
    else:
        sd = np.array([1.0, *(values[f"sd ratio (wave: {k} / 1)"] for k in (2, 3, 4))])
        whole = np.eye(4)
        for i in range(4):
            for j in range(i + 1, 4):
                whole[i, j] = whole[j, i] = values[f"correlation (wave: {i + 1}, {j + 1})"]
        relative = (whole * np.outer(sd, sd))[np.ix_(wave - 1, wave - 1)]
    return np.asarray(fit.residual_sd**2 * np.where(together, relative, 0.0))


@pytest.mark.parametrize("residual", [UN, CS], ids=["unstructured", "compound symmetry"])
def test_questions_equal_the_dense_formulas(residual: Any) -> None:
    data = DATA[DATA["family"] < "F060"].reset_index(drop=True)
    fit = fit_mixed("score ~ wave * arm", data, residual=residual)
    v, x, y = matrix_of(fit, data), fit.problem.x, fit.problem.y
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(x.T @ inverse @ x)
    beta = covariance @ x.T @ inverse @ y
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(beta, rel=1e-8)
    assert fit.solution.covariance == pytest.approx(covariance, rel=1e-8)
    rest = y - x @ beta
    assert np.sum(fit.residuals("normalised") ** 2) == pytest.approx(rest @ inverse @ rest)
    assert fit.residuals("pearson").to_numpy() == pytest.approx(rest / np.sqrt(np.diagonal(v)))
    # influence of a family, and errors that hold whatever the structure
    families = list(dict.fromkeys(sorted(data["family"])))
    influence = fit.influence("family")
    scores = []
    for family in families:
        own = (data["family"] == family).to_numpy()
        kept = np.ix_(~own, ~own)
        without = np.linalg.solve(
            x[~own].T @ np.linalg.inv(v[kept]) @ x[~own], x[~own].T @ np.linalg.inv(v[kept]) @ y[~own]
        )
        moved = (without - beta) @ np.linalg.inv(covariance) @ (without - beta) / len(beta)
        assert influence.loc[family, "cooks_distance"] == pytest.approx(moved, rel=1e-6)
        block = np.ix_(own, own)
        scores.append(x[own].T @ np.linalg.inv(v[block]) @ rest[own])
    robust = covariance @ np.array(scores).T @ np.array(scores) @ covariance
    found = fit.cluster_robust("family", kind="CR0")["std_error"].to_numpy()
    assert found == pytest.approx(np.sqrt(np.diagonal(robust)), rel=1e-7)
    # a new observation of each wave
    new = pd.DataFrame({"wave": [1, 2, 3, 4], "arm": "plan"})
    predicted = fit.predict(new, interval="prediction")
    rows = np.column_stack([np.ones(4), new["wave"], np.zeros((4, 2))])
    first = [np.flatnonzero(data["wave"] == wave)[0] for wave in new["wave"]]
    wanted = np.einsum("ij,jk,ik->i", rows, covariance, rows) + np.diagonal(v)[first]
    assert predicted["std_error"].to_numpy() ** 2 == pytest.approx(wanted, rel=1e-8)
    assert np.all(predicted["df"] > 5)
    # outcomes drawn from the fit have its covariance
    drawn = fit.simulate(6000, rng=1)
    largest = int(np.argmax(np.bincount(pd.factorize(data["family"])[0])))
    own = pd.factorize(data["family"])[0] == largest
    assert np.cov(drawn[:, own].T) == pytest.approx(v[np.ix_(own, own)], rel=0.12, abs=0.9)


@pytest.mark.parametrize("residual", [UN, CS, (CS, VarianceBy("sex"))], ids=["un", "cs", "cs and variance"])
def test_bootstrap_draws_around_the_fit(residual: Any) -> None:
    fit = fit_mixed("score ~ wave + arm", DATA, residual=residual)
    found = fit.bootstrap(60, rng=4)
    table = found.frame
    assert found.n_failed == 0
    assert list(table.index[-len(fit.residual_parameters) :]) == list(fit.residual_parameters)
    assert np.all(np.abs(table["bias"]) < 0.6 * table["std_error"])
    ratio = table["std_error"].iloc[:3] / fit.fixed["std_error"].to_numpy()
    assert np.all(ratio.between(0.7, 1.35))


def test_refits_to_one_outcome_are_fits_of_that_outcome() -> None:
    fit = fit_mixed("score ~ wave + arm", DATA, residual=CS)
    drawn = fit.bootstrap(5, rng=9).draws
    again = fit.bootstrap(5, rng=9).draws
    pd.testing.assert_frame_equal(drawn, again)
    moved = fit_mixed("score ~ wave + arm", DATA.iloc[7:], residual=CS, near=fit)
    alone = fit_mixed("score ~ wave + arm", DATA.iloc[7:], residual=CS)
    assert moved.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-8)


def test_the_matrix_over_waves() -> None:
    fit = fit_mixed(FULL, DATA, residual=UN)
    table = fit.residual_covariance
    assert list(table.index) == list(table.columns) == ["1", "2", "3", "4"]
    rows = DATA[DATA["family"] == DATA.groupby("family")["wave"].count().idxmax()].sort_values("wave")
    assert table.to_numpy() == pytest.approx(matrix_of(fit, rows))
    with pytest.raises(ModelError, match="needs residual=Unstructured"):
        _ = fit_mixed(FULL, DATA, residual=CS).residual_covariance


def test_profile_limits_where_a_parameter_stands_alone() -> None:
    data = DATA.iloc[:160]
    profile = fit_mixed("score ~ arm", data, residual=CS).profile()
    row = profile.loc["correlation within family"]
    assert -1 / 3 < row["conf_low"] < row["estimate"] < row["conf_high"] < 1
    fit = fit_mixed("score ~ arm", data, residual=CS, method="ML")

    def held(value: float) -> float:
        return float(fit.objective([value]))

    for limit in (row["conf_low"], row["conf_high"]):
        assert held(limit) - fit.deviance == pytest.approx(3.8415, abs=0.02)


def test_what_is_a_special_case_of_what() -> None:
    small, middle, large = (fit_mixed(FULL, DATA, residual=one) for one in (CS, AR1("wave", "family"), UN))
    for one in (small, middle):
        found = compare_fits(one, large)
        assert (found.df, found.boundary) == (8, False)
        assert found.statistic > 0
    other = fit_mixed(FULL, DATA, residual=Unstructured("wave", within="family:arm"))
    with pytest.raises(ModelError, match="different residual structures"):
        compare_fits(small, other)


def test_names_orders_and_units_do_not_matter() -> None:
    fit = fit_mixed(FULL, DATA, residual=UN)
    text = DATA.assign(wave=[f"w{wave}" for wave in DATA["wave"]], score=1000 * DATA["score"] - 5e4)
    other = fit_mixed("score ~ wave * arm", text.sample(frac=1, random_state=2), residual=UN)
    assert other.fixed["std_error"].to_numpy() / 1000 == pytest.approx(
        fit.fixed["std_error"].to_numpy(), rel=1e-4
    )
    assert other.fixed["df"].to_numpy() == pytest.approx(fit.fixed["df"].to_numpy(), rel=1e-3)
    assert list(other.residual_parameters.values()) == pytest.approx(
        list(fit.residual_parameters.values()), abs=1e-4
    )
    assert next(iter(other.residual_parameters)) == "correlation (wave: w1, w2)"
    assert "Correlation" in fit.summary()
    assert fit.n_groups == {"family": 120}
    with pytest.raises(ModelError, match="no random effects of 'family'"):
        fit.random_effects("family")
    assert list(fit.icc().index) == ["Residual"]


def test_many_waves_are_fitted_without_large_matrices() -> None:
    rng = np.random.default_rng(5)
    n, waves = 400, 9
    root = np.tril(rng.normal(0, 0.3, (waves, waves))) + np.diag(np.linspace(1, 3, waves))
    wide = rng.normal(size=(n, waves)) @ root.T
    data = pd.DataFrame({"family": np.repeat(np.arange(n), waves), "wave": np.tile(np.arange(waves), n)})
    data["y"] = wide.ravel() + 0.3 * data["wave"]
    data = data[rng.uniform(size=len(data)) > 0.1]
    fit = fit_mixed("y ~ wave", data, residual=Unstructured("wave", within="family"))
    assert fit.convergence
    assert fit.solution.n_evaluations < 40
    assert fit.residual_covariance.to_numpy() == pytest.approx(root @ root.T, abs=1.4)


@pytest.mark.parametrize(
    ("formula", "residual", "words"),
    [
        (
            "score ~ arm + (1 | family)",
            CS,
            r"random term \(Intercept \| family\) and .* CompoundSymmetry describe",
        ),
        ("score ~ arm + (1 | family)", UN, "cannot be told apart"),
        ("score ~ arm + (1 + wave | family)", UN, "cannot be told apart"),
        ("score ~ arm + (1 | organisation) + (1 | family)", CS, r"random term \(Intercept \| family\) and"),
        ("score ~ arm", (UN, VarianceBy("wave")), "parts of it"),
        (
            "score ~ arm",
            Unstructured("days", within="family"),
            "No family was seen at both days 21 and days 22",
        ),
        (
            "score ~ arm",
            Unstructured("late", within="family"),
            "No family was seen at both late 1 and late 9",
        ),
        ("score ~ arm", Unstructured("one", within="family"), "one wave"),
        ("score ~ arm", Unstructured("twice", within="family"), "twice in one family"),
        ("score ~ arm", CompoundSymmetry(within="row"), "No row has two measurements"),
        ("score ~ arm", (UN, CS), "a tuple of one structure of the series"),
        ("score ~ arm + (1 | wave)", CS, "needs nested random terms"),
        (
            "score ~ wave + (1 | sex)",
            CompoundSymmetry(within="organisation"),
            "cut across|nested random terms",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(formula: str, residual: Any, words: str) -> None:
    data = DATA.assign(one=1, row=np.arange(len(DATA)), twice=np.arange(len(DATA)) % 2)
    odd = (pd.factorize(data["family"])[0] % 2).astype(bool)
    data["late"] = np.where(odd & (data["wave"] == 1), 9, data["wave"])
    with pytest.raises(ModelError, match=words):
        fit_mixed(formula, data, residual=residual)


@pytest.mark.parametrize("complete", [0, 3, 5, 6, 40])
def test_a_likelihood_without_a_maximum_is_refused(complete: int) -> None:
    """Four waves, an intercept and two arms: five series or fewer can lie on one plane, six cannot."""
    rng = np.random.default_rng(complete)
    n = 60
    data = pd.DataFrame({"family": np.repeat(np.arange(n), 4), "wave": np.tile(np.arange(4), n)})
    data["arm"] = np.where(data["family"] % 2, "a", "b")
    data["y"] = rng.normal(size=n)[data["family"]] + rng.normal(size=4 * n)
    left_out = rng.integers(0, 4, n)
    data = data[(data["family"] < complete) | (data["wave"] != left_out[data["family"]])]
    structure = Unstructured("wave", within="family")
    if complete in (3, 5):
        with pytest.raises(
            ModelError, match=rf"Only {complete} of 60 family were seen at all of wave 0, 1, 2, 3"
        ):
            fit_mixed("y ~ arm", data, residual=structure)
    else:  # nobody with all four waves is no hindrance: every three of them were seen together often enough
        fit = fit_mixed("y ~ arm", data, residual=structure)
        assert fit.convergence
        assert np.linalg.eigvalsh(fit.residual_covariance.to_numpy())[0] > 0.01


@pytest.mark.parametrize("residual", [None, VarianceBy("sex")])
def test_without_random_effects_something_must_tie_rows_together(residual: Any) -> None:
    with pytest.raises(FormulaError, match="no random term"):
        fit_mixed("score ~ arm", DATA, residual=residual)


def test_a_wave_that_the_fit_has_not_seen_has_no_variance() -> None:
    fit = fit_mixed("score ~ arm", DATA, residual=UN)
    with pytest.raises(ModelError, match="'wave' = 7 is unknown"):
        fit.predict(pd.DataFrame({"arm": ["plan"], "wave": [7]}), interval="prediction")
    with pytest.raises(ModelError, match="differs by 'wave'"):
        fit.predict(pd.DataFrame({"arm": ["plan"]}), interval="prediction")
    assert fit.predict(pd.DataFrame({"arm": ["plan"]})).shape == (1, 5)


@pytest.mark.parametrize("rho", [-0.4999, 0.9999])
def test_a_correlation_at_its_end_is_said(rho: float) -> None:
    rng = np.random.default_rng(6)
    own = np.linalg.cholesky(np.full((3, 3), rho) + (1 - rho) * np.eye(3))
    wide = rng.normal(size=(60, 3)) @ own.T
    data = pd.DataFrame({"family": np.repeat(np.arange(60), 3), "y": wide.ravel(), "x": rng.normal(size=180)})
    fit = fit_mixed("y ~ x", data, residual=CompoundSymmetry(within="family"))
    assert fit.convergence
    (value,) = fit.residual_parameters.values()
    assert value == pytest.approx(rho, abs=1e-3)
    code = "lowest_correlation" if rho < 0 else "unit_correlation"
    assert code in [note.code for note in fit.notes]
    assert np.all(np.isfinite(fit.fixed.to_numpy()))


@pytest.mark.parametrize(
    "wrong", [[0.5, 0.5, 0.5, 0.5, 0.5, -0.9, 1, 1, 1], [0.1] * 6 + [1, 1, -1], [1.0] * 9]
)
def test_a_theta_that_is_no_matrix_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ModelError, match="theta gives the residual structure the parameters"):
        fit_mixed("score ~ arm", DATA, residual=UN, theta=wrong)
