"""Means, slopes, contrasts, tests, predictions, profiles: against emmeans, lmerTest and lme4.

The reference values come from reference.R in tests/oracles/mixed, on the synthetic data beside it.
"""

import json
from math import erfc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, compare_fits, fit_mixed

HERE = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
STORED: dict[str, Any] = json.loads((HERE / "reference.json").read_text())
FORMULA = "score ~ months * organisation + sex + age + (1 + months | family)"
CURVED = "score ~ poly(months, 2) * organisation + sex + (1 | family) + (1 | worker)"
WEIGHTED = "score ~ months + organisation + (1 | family)"

# At R's theta the same closed forms are computed in another order of operations.
SAME = 1e-7
# lmerTest's derivatives of the variances are numerical.
DF = 1e-3
# p-values and limits inherit the error of the degrees of freedom.
LIMITS = 1e-3
# lme4 interpolates its profile with splines between computed points.
PROFILE = 5e-3


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(HERE / "families.csv")


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data, theta=STORED["theta"])


@pytest.fixture(scope="module")
def kenward(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data, theta=STORED["theta"], df="kenward-roger")


@pytest.fixture(scope="module")
def curved(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(CURVED, data, theta=STORED["curved_theta"])


def matches(ours: pd.DataFrame, name: str, value: str, keys: list[str]) -> None:
    """One of our tables against one of emmeans, row by row by key."""
    theirs = pd.DataFrame(STORED[name]).set_index(keys)
    mine = ours.set_index(keys).loc[theirs.index]
    assert mine["estimate"].to_numpy() == pytest.approx(theirs[value].to_numpy(), rel=SAME, abs=1e-9)
    assert mine["std_error"].to_numpy() == pytest.approx(theirs["SE"].to_numpy(), rel=1e-5)
    assert mine["df"].to_numpy() == pytest.approx(theirs["df"].to_numpy(), rel=DF)
    assert mine["statistic"].to_numpy() == pytest.approx(theirs["t.ratio"].to_numpy(), rel=1e-5, abs=1e-8)
    wide = theirs["SE"].to_numpy()
    assert (mine["conf_low"] - theirs["lower.CL"]).abs().to_numpy() == pytest.approx(
        0, abs=LIMITS * wide.min()
    )
    assert (mine["conf_high"] - theirs["upper.CL"]).abs().to_numpy() == pytest.approx(
        0, abs=LIMITS * wide.min()
    )
    visible = theirs["p.value"].to_numpy() > 1e-6
    found, wanted = mine["p_value"].to_numpy()[visible], theirs["p.value"].to_numpy()[visible]
    assert found == pytest.approx(wanted, rel=5e-3)


AT = {"months": [0, 6, 12]}


def test_estimates_at_their_theta(fit: MixedFit) -> None:
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(STORED["fixef"], rel=SAME)
    assert fit.log_likelihood == pytest.approx(STORED["loglik"], rel=1e-9)
    assert fit.residual_sd == pytest.approx(STORED["sigma"], rel=SAME)


def test_means(fit: MixedFit, kenward: MixedFit) -> None:
    keys = ["organisation", "months"]
    matches(fit.means("organisation", at=AT).frame, "means_satterthwaite", "emmean", keys)
    matches(kenward.means("organisation", at=AT).frame, "means_kenward", "emmean", keys)
    proportional = fit.means("organisation", at=AT, weights="proportional")
    matches(proportional.frame, "means_proportional", "emmean", keys)


def test_contrasts(fit: MixedFit, kenward: MixedFit) -> None:
    keys = ["contrast", "months"]
    matches(fit.means("organisation", at=AT).contrasts().frame, "pairs_holm", "estimate", keys)
    tukey = kenward.means("organisation", at=AT).contrasts(adjust="tukey")
    matches(tukey.frame, "pairs_tukey", "estimate", keys)


def test_slopes(fit: MixedFit) -> None:
    slopes = fit.slopes("months", by="organisation")
    matches(slopes.frame, "slopes", "months.trend", ["organisation"])
    matches(slopes.contrasts(adjust="none").frame, "slope_pairs", "estimate", ["contrast"])


def test_slopes_of_a_curve(curved: MixedFit) -> None:
    assert curved.fixed["estimate"].to_numpy() == pytest.approx(STORED["curved_fixef"], rel=SAME)
    slopes = curved.slopes("months", by="organisation", at={"months": [2, 9]}).frame
    theirs = pd.DataFrame(STORED["curved_slopes"]).set_index(["organisation", "months"])
    mine = slopes.set_index(["organisation", "months"]).loc[theirs.index]
    # emmeans takes a forward difference.
    assert mine["estimate"].to_numpy() == pytest.approx(theirs["months.trend"].to_numpy(), abs=1e-6)
    assert mine["std_error"].to_numpy() == pytest.approx(theirs["SE"].to_numpy(), rel=1e-5)
    assert mine["df"].to_numpy() == pytest.approx(theirs["df"].to_numpy(), rel=DF)


def test_means_over_two_factors(curved: MixedFit) -> None:
    means = curved.means(["organisation", "sex"])
    matches(means.frame, "curved_means", "emmean", ["organisation", "sex"])
    assert len(means.contrasts()) == 15
    assert len(means.contrasts(within=("organisation",))) == 3


def test_type_three_tests(fit: MixedFit, kenward: MixedFit) -> None:
    for one, name in ((fit, "anova_satterthwaite"), (kenward, "anova_kenward")):
        for row in STORED[name]:
            ours = one.test(row["term"])
            assert ours.df == row["NumDF"]
            assert ours.statistic == pytest.approx(row["F value"], rel=1e-4)
            assert ours.df_denominator == pytest.approx(row["DenDF"], rel=DF)
        assert list(one.tests().index) == [row["term"] for row in STORED[name]]


def test_type_three_tests_average_over_the_other_factor(data: pd.DataFrame) -> None:
    formula = "score ~ organisation * sex + months + (1 | family) + (1 | worker)"
    for reference in ({}, {"organisation": "Wilg", "sex": "girl"}):
        fit = fit_mixed(formula, data, theta=STORED["crossed_theta"], reference=reference)
        for row in STORED["anova_crossed"]:
            ours = fit.test(row["term"])
            assert ours.df == row["NumDF"]
            assert ours.statistic == pytest.approx(row["F value"], rel=1e-4)
            # Satterthwaite's joint df depends slightly on the reference level, in lmerTest as well.
            assert ours.df_denominator == pytest.approx(row["DenDF"], rel=0.05 if reference else DF)


def test_predictions_and_residuals(fit: MixedFit, curved: MixedFit, data: pd.DataFrame) -> None:
    for new_data in (None, data):
        assert fit.predict(new_data)["estimate"].to_numpy() == pytest.approx(STORED["predict_none"], rel=SAME)
        everything = fit.predict(new_data, random_effects="all")["estimate"]
        assert everything.to_numpy() == pytest.approx(STORED["predict_all"], rel=1e-6)
    worker = curved.predict(data, random_effects=["worker"])["estimate"]
    assert worker.to_numpy() == pytest.approx(STORED["curved_predict_worker"], rel=1e-6)
    assert fit.residuals().to_numpy() == pytest.approx(STORED["residual_conditional"], rel=1e-5, abs=1e-6)
    marginal = fit.residuals("marginal").to_numpy()
    assert marginal == pytest.approx(data["score"].to_numpy() - STORED["predict_none"], abs=1e-6)


def test_weights(data: pd.DataFrame) -> None:
    stored = STORED["weighted"]
    weighted = fit_mixed(WEIGHTED, data, weights="precision", theta=[stored["theta"]])
    assert weighted.log_likelihood == pytest.approx(stored["loglik"], rel=1e-9)
    assert weighted.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=SAME)
    assert weighted.fixed["std_error"].to_numpy() == pytest.approx(stored["se"], rel=SAME)
    assert weighted.fixed["df"].to_numpy() == pytest.approx(stored["df"], rel=DF)
    assert weighted.residual_sd == pytest.approx(stored["sigma"], rel=SAME)
    pearson = weighted.residuals("pearson").to_numpy()
    assert pearson == pytest.approx(STORED["residual_pearson"], rel=1e-5, abs=1e-6)


def test_random_effects(fit: MixedFit) -> None:
    theirs = pd.DataFrame(STORED["ranef"]).set_index("_row")
    table = fit.random_effects("family").table
    assert list(table.index) == list(theirs.index)
    assert table.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-5, abs=1e-6)


def test_comparing_random_parts(data: pd.DataFrame) -> None:
    large = fit_mixed(FORMULA, data)
    small = fit_mixed("score ~ months * organisation + sex + age + (1 | family)", data)
    found = compare_fits(large, small)
    assert found.method == "REML"
    assert found.df == 2
    assert found.boundary
    assert found.statistic == pytest.approx(STORED["compare_random"]["reml"], abs=1e-4)


def test_comparing_fixed_parts_refits_by_ml(data: pd.DataFrame) -> None:
    found = compare_fits(
        fit_mixed("score ~ months + sex + age + (1 + months | family)", data), fit_mixed(FORMULA, data)
    )
    theirs = STORED["compare_fixed"][1]
    assert found.method == "ML"
    assert not found.boundary
    assert [note.code for note in found.notes] == ["refitted_by_ml"]
    assert found.statistic == pytest.approx(theirs["Chisq"], abs=1e-5)
    assert found.df == theirs["Df"]
    assert found.p_value == pytest.approx(theirs["Pr(>Chisq)"], rel=1e-4)
    assert found.frame["log_likelihood"].iloc[1] == pytest.approx(theirs["logLik"], abs=1e-5)


@pytest.mark.parametrize(
    ("formula", "name"),
    [("score ~ months * organisation + sex + age + (1 | family)", "profile"), (FORMULA, "profile_slopes")],
)
def test_profile_intervals(data: pd.DataFrame, formula: str, name: str) -> None:
    found = fit_mixed(formula, data).profile()
    names = {"sigma": "sd[Residual]", "(Intercept)": "Intercept"}
    names |= {f"organisation{o}": f"organisation[T.{o}]" for o in ("Linde", "Wilg")}
    names |= {f"months:organisation{o}": f"months:organisation[T.{o}]" for o in ("Linde", "Wilg")}
    names |= {"sexgirl": "sex[T.girl]", "sd_(Intercept)|family": "sd[family, Intercept]"}
    names |= {"sd_months|family": "sd[family, months]"}
    names |= {"cor_months.(Intercept)|family": "correlation[family, Intercept, months]"}
    stored = STORED[name]
    for theirs, low, high in zip(stored["name"], stored["low"], stored["high"], strict=True):
        row = found.loc[names.get(theirs, theirs)]
        # The interpolation is coarser for correlations; the test below pins ours down.
        near = (high - low) * (0.02 if theirs.startswith("cor_") else PROFILE)
        assert row["conf_low"] == pytest.approx(low, abs=near), theirs
        assert row["conf_high"] == pytest.approx(high, abs=near), theirs


def test_profile_of_a_correlation_is_where_the_deviance_says(data: pd.DataFrame) -> None:
    fit = fit_mixed(FORMULA, data, method="ML")
    limit = fit.profile().loc["correlation[family, Intercept, months]", "conf_low"]

    def deviance(point: np.ndarray) -> float:
        first, second = np.exp(point)
        return fit.objective([first, limit * second, np.sqrt(1 - limit**2) * second])

    held = minimize(deviance, [-0.2, -2.5], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
    # The chi-square quantile at 95 % with one degree of freedom.
    assert held.fun - fit.deviance == pytest.approx(3.8415, abs=0.01)


def test_what_cannot_be_compared(fit: MixedFit, data: pd.DataFrame) -> None:
    other = fit_mixed("score ~ months + worker + (1 | family)", data)
    with pytest.raises(ModelError, match="special case"):
        compare_fits(fit, other)
    with pytest.raises(ModelError, match="different rows"):
        compare_fits(fit, fit_mixed(FORMULA, data.iloc[5:]))
    with pytest.raises(ModelError, match="nothing to test"):
        compare_fits(fit, fit)
    shifted = fit_mixed("score ~ months + (1 | family)", data.assign(score=np.log(data["score"])))
    with pytest.raises(ModelError, match="different outcomes"):
        compare_fits(fit, shifted)


def test_boundary_of_a_comparison(data: pd.DataFrame) -> None:
    slope = fit_mixed(FORMULA, data)
    intercept = fit_mixed("score ~ months * organisation + sex + age + (1 | family)", data)
    found = compare_fits(slope, intercept)
    x = found.statistic
    # Half a chi-square with 1 and half one with 2 degrees of freedom.
    assert found.p_value == pytest.approx(0.5 * (erfc(np.sqrt(x / 2)) + np.exp(-x / 2)))
    worker = fit_mixed("score ~ months * organisation + sex + age + (1 | family) + (1 | worker)", data)
    found = compare_fits(intercept, worker)
    assert found.df == 1
    assert found.p_value == pytest.approx(0.5 * erfc(np.sqrt(found.statistic / 2)))
    diagonal = fit_mixed("score ~ months * organisation + sex + age + (1 + months || family)", data)
    found = compare_fits(diagonal, slope)
    assert not found.boundary
    assert found.p_value == pytest.approx(erfc(np.sqrt(found.statistic / 2)))
    with pytest.raises(ModelError, match="special case"):
        compare_fits(diagonal, fit_mixed("score ~ months + (1 | family) + (1 | worker) + (1 | sex)", data))
