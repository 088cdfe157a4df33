"""fit_mixed, formulas and all, against lme4, lmerTest and pbkrtest."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import MixedFit, fit_mixed
from tests.mixed.oracle_models import ORACLES, frame, needs_oracles, reference

MODELS = reference()
# At the same theta both sides compute the same closed form: only rounding differs.
AT_THETA = 1e-8
# R stops its optimiser early: ours may be higher, not lower; estimates are near.
LOWER_BY = 1e-6
NEAR = 1e-3
# lmerTest differentiates numerically.
DF = 1e-3


def prepared(model: dict[str, Any]) -> pd.DataFrame:
    data = frame(model)
    if model["id"].startswith("oats"):
        data["nf"] = data["nitro"].map("{:g}".format)
    if model["id"] == "egsingle_sub12_rs3":
        data["female"] = data["female"].map({0.0: "Female", 1.0: "Male"})
    if model["id"] == "insteval":
        data["service"] = data["service"].astype(str)
    return data


def fitted(model: dict[str, Any], **options: Any) -> MixedFit:
    reference_level = {"Sex": "Male"} if model["csv"] == "Orthodont.csv" else None
    method = "REML" if model["REML"] else "ML"
    data = prepared(model)
    return fit_mixed(model["formula"], data, method=method, reference=reference_level, **options)


def r_name(name: str) -> str:
    """Our term names as R writes them."""
    return re.sub(r"\[T\.(.*?)\]", r"\1", name).replace("Intercept", "(Intercept)")


def numbers(stored: dict[str, float] | list[float]) -> list[float]:
    """A model with one coefficient is stored as a list."""
    return list(stored.values()) if isinstance(stored, dict) else stored


def label(level: object) -> str:
    """A level as R prints it."""
    return f"{level:g}" if isinstance(level, float) else str(level)


def at_stored_theta(name: str, **options: Any) -> tuple[MixedFit, dict[str, Any]]:
    model = MODELS[name]
    return fitted(model, theta=list(model["theta"].values()), **options), model


@needs_oracles
@pytest.mark.parametrize("name", sorted(MODELS))
def test_everything_agrees_at_the_stored_theta(name: str) -> None:
    fit, model = at_stored_theta(name, df="normal")
    assert [sorted(r_name(term).split(":")) for term in fit.fixed.index] == [
        sorted(term.split(":")) for term in model["fixef"]
    ]
    assert fit.log_likelihood == pytest.approx(model["logLik"], rel=AT_THETA)
    assert fit.deviance == pytest.approx(model["criterion"], rel=AT_THETA)
    assert fit.aic == pytest.approx(model["AIC"], rel=AT_THETA)
    assert fit.bic == pytest.approx(model["BIC"], rel=AT_THETA)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(list(model["fixef"].values()), rel=AT_THETA)
    assert fit.fixed["std_error"].to_numpy() == pytest.approx(list(model["se"].values()), rel=AT_THETA)
    assert fit.covariance.to_numpy() == pytest.approx(np.array(model["vcov"]), rel=1e-7, abs=1e-9)
    assert fit.residual_sd == pytest.approx(model["sigma"], rel=AT_THETA)
    assert fit.n_observations == model["n"]
    groups = {":".join(sorted(group.split(":"))): count for group, count in fit.n_groups.items()}
    assert groups == {":".join(sorted(group.split(":"))): count for group, count in model["ngrps"].items()}
    assert fit.objective(fit.theta) == pytest.approx(fit.deviance, rel=AT_THETA)


@needs_oracles
@pytest.mark.parametrize("name", sorted(MODELS))
def test_variances_agree_at_the_stored_theta(name: str) -> None:
    fit, model = at_stored_theta(name, df="normal")
    ours = {
        (":".join(sorted(row.group.split(":"))), row.term_1, row.term_2): row
        for row in fit.random.itertuples(index=False)
    }
    for row in model["varcorr"]:
        if row["grp"] == "Residual":
            assert fit.residual_sd == pytest.approx(row["sdcor"], rel=AT_THETA)
            continue
        group = ":".join(sorted(re.sub(r"\.\d+$", "", row["grp"]).split(":")))
        first = row["var1"].replace("(Intercept)", "Intercept")
        second = row.get("var2", row["var1"]).replace("(Intercept)", "Intercept")
        mine = ours[group, first, second]
        assert mine.covariance == pytest.approx(row["vcov"], rel=1e-7, abs=1e-9)
        own = mine.sd if first == second else mine.correlation
        assert own == pytest.approx(row["sdcor"], rel=1e-7, abs=1e-9)


@needs_oracles
@pytest.mark.parametrize("name", sorted(set(MODELS) - {"insteval"}))
def test_own_optimum_is_at_least_as_good(name: str) -> None:
    model = MODELS[name]
    fit = fitted(model)
    assert fit.convergence
    assert fit.log_likelihood >= model["logLik"] - LOWER_BY
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(list(model["fixef"].values()), rel=NEAR)
    assert fit.fixed["std_error"].to_numpy() == pytest.approx(list(model["se"].values()), rel=NEAR)
    assert fit.is_singular == model["singular"]


@needs_oracles
@pytest.mark.parametrize("name", sorted(name for name in MODELS if MODELS[name].get("satterthwaite")))
def test_satterthwaite_as_in_lmertest(name: str) -> None:
    fit, model = at_stored_theta(name)
    assert fit.degrees_of_freedom["estimated_df"].to_numpy() == pytest.approx(
        numbers(model["satterthwaite"]["df"]), rel=DF
    )
    for row in model.get("anova_sat") or []:
        ours = fit.test(row["_row"])
        assert ours.df == row["NumDF"]
        assert ours.statistic == pytest.approx(row["F value"], rel=1e-6)
        assert ours.df_denominator == pytest.approx(row["DenDF"], rel=DF)
        assert ours.p_value == pytest.approx(row["Pr(>F)"], rel=0.02)


@needs_oracles
@pytest.mark.parametrize("name", sorted(name for name in MODELS if MODELS[name].get("kenward_roger")))
def test_kenward_roger_as_in_pbkrtest(name: str) -> None:
    fit, model = at_stored_theta(name, df="kenward-roger")
    if name == "dyestuff2":
        # pbkrtest's 5 is an artefact of the boundary: the reduced model has 29 degrees of freedom.
        assert fit.degrees_of_freedom["estimated_df"].to_numpy() == pytest.approx([29.0], rel=1e-6)
        assert fit.fixed["df"].to_numpy() == pytest.approx([5.0])
        return
    stored = model["kenward_roger"]
    assert fit.fixed["df"].to_numpy() == pytest.approx(numbers(stored["df"]), rel=DF)
    assert fit.fixed["std_error"].to_numpy() == pytest.approx(numbers(stored["se"]), rel=1e-5)
    for row in model.get("anova_kr") or []:
        ours = fit.test(row["_row"])
        assert ours.statistic == pytest.approx(row["F value"], rel=1e-4)
        assert ours.df_denominator == pytest.approx(row["DenDF"], rel=DF)


@needs_oracles
@pytest.mark.parametrize("name", sorted(name for name in MODELS if MODELS[name].get("ranef_head")))
def test_conditional_modes_and_variances(name: str) -> None:
    fit, model = at_stored_theta(name, df="normal")
    for group, stored in model["ranef_head"].items():
        found = fit.random_effects(group)
        flip = ":" in group and found.group != group
        wanted = [":".join(reversed(level.split(":"))) if flip else level for level in stored["levels"]]
        known = [label(level) for level in found.levels]
        rows = [known.index(level) for level in wanted]
        assert found.modes[rows] == pytest.approx(np.array(stored["values"]), rel=1e-6, abs=1e-7)
        variances = np.array(stored["condVar"])
        if variances.ndim == 3:
            stacked = np.moveaxis(variances, 2, 0)[: len(rows)]
            assert found.covariances[rows] == pytest.approx(stacked, rel=1e-6, abs=1e-7)


SAS = {
    "sleep_study": "Reaction ~ Days + (1 + Days || Subject)",
    "sleep_study_corr": "Reaction ~ Days + (1 + Days | Subject)",
    "wind_tunnel": (
        "EFFICIENCY ~ (FRH + RRH + YA + GC)^2 + I(FRH^2) + I(RRH^2) + I(YA^2) + I(GC^2) + (1 | `Whole Plots`)"
    ),
}
# SAS prints its own optimum with about eight digits.
SAS_NEAR = 1e-4


def sas_name(name: str) -> str:
    """Our names as SAS wrote them: upper case, sorted factors, squares as products."""
    squared = re.sub(r"I\((\w+) \*\* 2\)", r"\1*\1", name)
    return "*".join(sorted(re.split(r"[:*]", squared))).upper()


@needs_oracles
@pytest.mark.parametrize("rule", ["kr", "sw"])
@pytest.mark.parametrize("name", sorted(SAS))
def test_agrees_with_sas(name: str, rule: str) -> None:
    assert ORACLES is not None
    file = "Data_wind_tunnel_Chapter_10.csv" if name == "wind_tunnel" else "../sleepstudy.csv"
    fit = fit_mixed(
        SAS[name],
        pd.read_csv(ORACLES / "sas" / file),
        df="kenward-roger" if rule == "kr" else "satterthwaite",
        information="observed",
    )
    stored = pd.read_csv(ORACLES / "sas" / f"Results_{name}_sas_{rule}.csv")
    stored.index = ["*".join(sorted(effect.upper().split("*"))) for effect in stored["Effect"]]
    ours = fit.fixed.set_axis([sas_name(term) for term in fit.fixed.index])
    assert set(ours.index) == set(stored.index)
    ours = ours.loc[stored.index]
    assert ours["estimate"].to_numpy() == pytest.approx(stored["Estimate"].to_numpy(), rel=SAS_NEAR)
    assert ours["std_error"].to_numpy() == pytest.approx(stored["StdErr"].to_numpy(), rel=SAS_NEAR)
    assert ours["df"].to_numpy() == pytest.approx(stored["DF"].to_numpy(), rel=SAS_NEAR)
    assert ours["p_value"].to_numpy() == pytest.approx(stored["Probt"].to_numpy(), rel=2e-2)
