"""The result object: its shape, its honesty, and its numbers against the dense textbook formulas."""

import dataclasses
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed import Estimates, MixedFit, fit_mixed
from mpg_research.mixed.inference.fit_tables import fit_notes
from tests.mixed import dense

SEVEN = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
FORMULA = "y ~ months * arm + (1 + months | family) + (1 | worker)"
# Both sides are closed forms; the dense one inverts matrices of the size of the data.
DENSE = 1e-7


def _rows() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 110
    family = rng.integers(0, 25, n)
    worker = rng.integers(0, 8, n)
    months = rng.uniform(0, 12, n).round(1)
    arm = np.array(["care", "usual"])[family % 2]
    y = 20 - 0.4 * months * (family % 2) + rng.normal(0, 2, 25)[family] + rng.normal(0, 1.2, 8)[worker]
    y += rng.normal(0, 0.3, 25)[family] * months + rng.normal(0, 1.5, n)
    return pd.DataFrame(
        {
            "family": [f"F{code}" for code in family],
            "worker": [f"W{code}" for code in worker],
            "months": months,
            "arm": arm,
            "y": y,
            "w": rng.uniform(0.5, 2, n),
        },
        index=[f"row {number}" for number in range(n)],
    )


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return _rows()


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data)


@pytest.fixture(scope="module")
def truth(fit: MixedFit) -> dense.DenseFit:
    return dense.evaluate(fit.problem, fit.theta)


def test_estimates_match_the_dense_formulas(fit: MixedFit, truth: dense.DenseFit) -> None:
    assert fit.deviance == pytest.approx(truth.deviance, rel=1e-10)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(truth.beta, rel=DENSE)
    assert fit.covariance.to_numpy() == pytest.approx(truth.covariance, rel=DENSE, abs=1e-10)
    assert fit.residual_sd**2 == pytest.approx(truth.sigma2, rel=DENSE)


@pytest.mark.parametrize("kind", ["observed", "expected"])
def test_degrees_of_freedom_match_the_dense_formulas(
    data: pd.DataFrame, fit: MixedFit, truth: dense.DenseFit, kind: Any
) -> None:
    rows = np.eye(4)
    wanted = [dense.satterthwaite(fit.problem, truth, row, kind) for row in rows]
    again = fit_mixed(FORMULA, data, theta=fit.theta, information=kind)
    assert again.fixed["df"].to_numpy() == pytest.approx(wanted, rel=1e-5)
    kenward = fit_mixed(FORMULA, data, theta=fit.theta, df="kenward-roger", information=kind)
    adjusted, statistic, df, _ = dense.kenward_roger(fit.problem, truth, rows[2:], kind)
    assert kenward.covariance.to_numpy() == pytest.approx(adjusted, rel=1e-6, abs=1e-9)
    found = kenward.test(rows[2:])
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    assert found.df_denominator == pytest.approx(df, rel=1e-6)


def test_conditional_modes_match_the_dense_formulas(fit: MixedFit, truth: dense.DenseFit) -> None:
    for index, group in enumerate(["family", "worker"]):
        modes, covariance = dense.conditional(fit.problem, truth, index)
        found = fit.random_effects(group)
        assert found.modes.ravel() == pytest.approx(modes, rel=1e-6, abs=1e-8)
        q = len(found.terms)
        for level in range(3):
            own = covariance[level * q : (level + 1) * q, level * q : (level + 1) * q]
            assert found.covariances[level] == pytest.approx(own, rel=1e-6, abs=1e-9)


def test_prediction_limits_match_the_dense_formulas(
    data: pd.DataFrame, fit: MixedFit, truth: dense.DenseFit
) -> None:
    new = pd.DataFrame(
        {"months": [3.0, 8.0], "arm": ["care", "usual"], "family": ["F2", "nobody"], "worker": ["W1", "W3"]}
    )
    found = fit.predict(new, random_effects="all", unseen="population", interval="confidence")
    z_family, z_worker = (dense.expand(term) for term in fit.problem.random)
    x = np.array([[1, 3.0, 0, 0], [1, 8.0, 1, 8.0]])
    family = np.zeros(z_family.shape[1])
    place = list(fit.problem.random[0].levels).index("F2") * 2
    family[place : place + 2] = 1, 3.0
    workers = np.eye(z_worker.shape[1])
    first = dense.prediction_variance(fit.problem, truth, x[0], [family, workers[1]])
    g = truth.z_g[0][1][:2, :2]
    second = dense.prediction_variance(fit.problem, truth, x[1], [None, workers[3]])
    second += np.array([1, 8.0]) @ g @ np.array([1, 8.0])
    assert found["std_error"].to_numpy() ** 2 == pytest.approx([first, second], rel=1e-6)
    wider = fit.predict(new, random_effects="all", unseen="population", interval="prediction")
    assert wider["std_error"].to_numpy() ** 2 == pytest.approx(
        np.array([first, second]) + truth.sigma2, rel=1e-6
    )
    population = fit.predict(new, interval="confidence")
    by_hand = np.sqrt(np.einsum("ij,jk,ik->i", x, truth.covariance, x))
    assert population["std_error"].to_numpy() == pytest.approx(by_hand, rel=1e-6)


def test_simulation_has_the_variance_of_the_model(fit: MixedFit, truth: dense.DenseFit) -> None:
    draws = fit.simulate(4000, rng=3)
    assert draws.shape == (4000, 110)
    rest = draws - fit.problem.x @ truth.beta
    # The sd of a variance estimated from 4,000 draws is 2.2 % of it; 110 rows are looked at together.
    ratio = rest.var(axis=0) / np.diagonal(truth.v)
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert np.abs(ratio - 1).max() < 0.11
    assert np.array_equal(fit.simulate(2, rng=5), fit.simulate(2, rng=np.random.default_rng(5)))


@pytest.mark.parametrize("rng", ["seed", -1, 1.5])
def test_odd_randomness_and_counts_are_refused_in_words(fit: MixedFit, rng: object) -> None:
    with pytest.raises(ModelError, match="rng must be a whole number"):
        fit.simulate(1, rng=rng)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="rng must be a whole number"):
        fit.bootstrap(5, rng=rng)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="n must be a whole number above zero"):
        fit.simulate(0)
    with pytest.raises(ModelError, match="n must be a whole number of at least 2"):
        fit.bootstrap(1)


def test_bootstrap_agrees_with_the_standard_errors(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ months * arm + (1 + months | family)", data)
    found = fit.bootstrap(150, rng=1)
    assert found.n_failed <= 3
    ratio = found.frame.loc[fit.fixed.index, "std_error"] / fit.fixed["std_error"]
    # The sd of an sd from 150 draws is 6 % of it.
    assert ratio.to_numpy() == pytest.approx(1, abs=0.25)
    assert list(found.frame.columns) == ["estimate", "bias", "std_error", "conf_low", "conf_high"]
    assert found.frame.equals(fit.bootstrap(150, rng=1).frame)


@pytest.mark.parametrize("change", ["order", "labels", "shift", "scale", "time"])
def test_invariances(data: pd.DataFrame, fit: MixedFit, change: str) -> None:
    other, estimate = data, fit.fixed["estimate"].to_numpy().copy()
    scale = 1.0
    if change == "order":
        other = data.sample(frac=1, random_state=4)
    if change == "labels":
        other = data.assign(family=data["family"].map(lambda label: f"z{hash(label) % 1000}{label}"))
    if change == "shift":
        other = data.assign(y=data["y"] + 1000)
        estimate[0] += 1000
    if change == "scale":
        other, scale = data.assign(y=data["y"] * 50), 50.0
        estimate *= 50
    if change == "time":
        other = data.assign(months=data["months"] * 30)
        estimate[[1, 3]] /= 30
    again = fit_mixed(FORMULA, other)
    # Both stop where the deviance is flat to about 1e-8; estimates then agree to its square root.
    assert again.fixed["estimate"].to_numpy() == pytest.approx(estimate, rel=1e-4)
    assert again.fixed["p_value"].to_numpy() == pytest.approx(fit.fixed["p_value"].to_numpy(), rel=1e-2)
    assert again.residual_sd == pytest.approx(fit.residual_sd * scale, rel=1e-4)


def test_r_squared_and_icc(fit: MixedFit, truth: dense.DenseFit) -> None:
    fixed = float(np.var(fit.problem.x @ truth.beta, ddof=1))
    total = fixed + float(np.mean(np.diagonal(truth.v)))
    found = fit.r_squared()
    assert found.marginal == pytest.approx(fixed / total)
    assert found.conditional == pytest.approx(1 - truth.sigma2 / total)
    icc = fit.icc()
    assert icc["icc"].sum() == pytest.approx(1)
    assert icc["variance"].sum() == pytest.approx(np.mean(np.diagonal(truth.v)))
    assert list(icc.index) == ["family", "worker", "Residual"]


def test_tables_have_the_same_columns_whatever_is_asked(data: pd.DataFrame, fit: MixedFit) -> None:
    assert list(fit.fixed.columns) == SEVEN
    assert fit.fixed.index.name == "term"
    assert list(fit.random.columns) == ["group", "term_1", "term_2", "covariance", "sd", "correlation"]
    normal = fit_mixed(FORMULA, data, df="normal", level=0.8)
    assert list(normal.fixed.columns) == SEVEN
    assert np.isinf(normal.fixed["df"]).all()
    asked: list[Estimates] = [
        fit.means("arm"),
        fit.means("arm", at={"months": [0, 6]}, weights="proportional"),
        fit.means("arm", at={"months": 3}).contrasts(adjust="none"),
        fit.means("months", at={"months": [0, 6, 12]}).contrasts(adjust="tukey"),
        fit.means("months", at={"months": [0, 6, 12]}).contrasts(method="reference"),
        fit.means("months", at={"months": [0, 3, 12]}).contrasts(method="mean"),
        fit.slopes("months"),
        fit.slopes("months", by="arm").contrasts(),
    ]
    for table in asked:
        assert list(table.frame.columns)[-7:] == SEVEN
        assert not table.frame[SEVEN].isna().any(axis=None)
    for interval in (None, "confidence", "prediction"):
        for effects in ("none", "all", ["worker"]):
            found = fit.predict(data.head(3), random_effects=effects, interval=interval)
            assert list(found.columns) == ["estimate", "std_error", "df", "conf_low", "conf_high"]
            assert list(found.index) == ["row 0", "row 1", "row 2"]


def test_results_are_frozen(fit: MixedFit) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.level = 0.5  # type: ignore[misc]
    table = fit.fixed
    table.loc["months", "estimate"] = 99.0
    assert fit.fixed.loc["months", "estimate"] != 99.0
    theta = fit.theta
    theta[0] = 99.0
    assert fit.theta[0] != 99.0


def test_results_can_be_stored_and_sent_to_other_processes() -> None:
    kenward = fit_mixed(FORMULA, _rows(), df="kenward-roger")
    means = kenward.means("arm").frame
    again = pickle.loads(pickle.dumps(kenward))
    assert again.means("arm").frame.equals(means)
    assert again.fixed.equals(kenward.fixed)
    assert again.test("arm") == kenward.test("arm")


def test_dropped_rows_are_counted_and_noted(data: pd.DataFrame) -> None:
    holes = data.copy()
    holes.loc["row 3", "y"] = np.nan
    holes.loc["row 5", "worker"] = None
    fit = fit_mixed(FORMULA, holes)
    assert (fit.n_observations, fit.n_dropped) == (108, 2)
    assert "rows_dropped" in [note.code for note in fit.notes]
    assert fit.predict().index.tolist() == [row for row in data.index if row not in ("row 3", "row 5")]


def test_groups_without_variance_converge_quietly_and_are_named(recwarn: pytest.WarningsRecorder) -> None:
    rng = np.random.default_rng(2)
    organisation = np.repeat(np.arange(4), 30)
    family = np.repeat(np.arange(24), 5)
    y = rng.normal(size=24)[family] + rng.normal(size=120)
    y -= np.array([y[organisation == o].mean() for o in range(4)])[organisation]
    frame = pd.DataFrame({"y": y, "organisation": organisation, "family": family, "x": rng.normal(size=120)})
    fit = fit_mixed("y ~ x + (1 | organisation) + (1 | family)", frame)
    assert fit.is_singular
    assert fit.convergence
    assert [note.code for note in fit.notes] == ["zero_variance", "design_degrees_of_freedom"]
    assert "organisation" in fit.notes[0].text
    degrees = fit.degrees_of_freedom
    assert degrees.loc["Intercept", "df"] == 3.0
    assert degrees.loc["Intercept", "estimated_df"] > 10
    assert degrees.loc["x", "df"] == degrees.loc["x", "estimated_df"]
    assert fit.test([[1.0, 0.0]]).df_denominator == 3.0
    assert not recwarn.list


def test_random_effects_that_depend_on_each_other_are_named() -> None:
    rng = np.random.default_rng(0)
    family = np.repeat(np.arange(12), 5)
    months = np.tile(np.arange(5.0), 12)
    y = 3 + 2 * months + rng.normal(size=12)[family] + rng.normal(size=60)
    fit = fit_mixed(
        "y ~ months + (months | family)", pd.DataFrame({"y": y, "months": months, "family": family})
    )
    assert fit.is_singular
    assert fit.notes[0].code == "singular_fit"
    assert "1 of 2 dimensions" in fit.notes[0].text
    rows = fit.random[fit.random["term_1"] != fit.random["term_2"]]
    assert abs(rows["correlation"].item()) == pytest.approx(1, abs=1e-6)
    # the direction is as uncertain as the variance: lmerTest's, not those of the model without it
    degrees = fit.degrees_of_freedom
    assert not degrees["on_boundary"].any()
    assert degrees["df"].tolist() == degrees["estimated_df"].tolist()
    assert 11.0 < degrees.loc["Intercept", "df"] < 12.0


def test_a_fit_that_did_not_converge_says_so_and_what_to_do(fit: MixedFit) -> None:
    stopped = dataclasses.replace(fit.solution, converged=False, message="the search ran out of steps")
    note = fit_notes(stopped)[0]
    assert (note.code, note.level) == ("not_converged", "stop")
    assert "must not be used" in note.text
    assert "Simplify" in note.text


def test_effects_that_the_data_cannot_estimate_stay_empty(data: pd.DataFrame) -> None:
    odd = data[(data["arm"] == "care") | (data["worker"] != "W1")]
    fit = fit_mixed("y ~ arm * worker + (1 | family)", odd)
    assert "aliased_columns" in [note.code for note in fit.notes]
    means = fit.means(["arm", "worker"]).frame.set_index(["arm", "worker"])
    assert np.isnan(means.loc[("usual", "W1"), "estimate"])
    assert means["estimate"].notna().sum() == 15
    contrasts = fit.means("arm").contrasts()
    assert np.isnan(contrasts["estimate"]).all()
    with pytest.raises(ModelError, match="not defined"):
        fit.test("arm")
    assert fit.test("arm:worker").df == 6


HOSTILE = '<script>alert("x")</script>'


def test_html_escapes_what_comes_from_the_data(data: pd.DataFrame) -> None:
    frame = data.rename(columns={"arm": HOSTILE}).assign(family=data["family"] + HOSTILE)
    frame[HOSTILE] = frame[HOSTILE] + "<b>&"
    fit = fit_mixed(f"y ~ `{HOSTILE}` + (1 | family)", frame)
    views = [fit._repr_html_(), fit.means(HOSTILE)._repr_html_(), fit.random_effects("family")._repr_html_()]
    views.append(fit.means(HOSTILE).contrasts()._repr_html_())
    for view in views:
        assert "<script" not in view
        assert "<b>" not in view
        assert "&lt;" in view
    assert '<th scope="row"' in views[0]
    assert "<caption>Fixed effects</caption>" in views[0]
    assert HOSTILE in fit.summary()


def test_booleans_count_as_two_levels_in_means(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ flag * months + (1 | family)", data.assign(flag=data["arm"] == "care"))
    found = fit.means("flag").frame
    assert found["flag"].tolist() == [False, True]
    assert "flag" in fit.fixed.index
    text = fit_mixed("y ~ arm * months + (1 | family)", data)
    assert fit.means("flag").frame["estimate"].tolist()[::-1] == pytest.approx(
        text.means("arm").frame["estimate"].tolist()
    )
