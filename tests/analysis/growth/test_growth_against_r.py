"""Adjusted means and contrasts equal lme4, emmeans and pbkrtest (tests/oracles/analysis/growth.R)."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import compare_organisations, fit_trajectory
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.growth.trajectory import trajectory_tables
from mpg_research.analysis.organisations.tables import comparison_tables
from mpg_research.study import load_study
from tests.analysis.frames import ORACLES, course_of, reference_data

REFERENCE = json.loads((ORACLES / "growth.json").read_text(encoding="utf-8"))
DEFAULT = json.loads((ORACLES / "growth_default.json").read_text(encoding="utf-8"))
# lme4 has no correlation of residuals: its models are those of the simple rule.
SIMPLE = GrowthRule.simple()
MONTHS = [0.0, 6.0, 12.0]

# lme4 stops near, not at, the optimum: estimates differ by this much (points), standard errors relatively.
ESTIMATE = 2e-4
STD_ERROR = 2e-4
# Degrees of freedom hang on second derivatives at that optimum.
DF = 5e-3


def assert_equal(ours: pd.DataFrame, theirs: list[dict[str, Any]]) -> None:
    reference = pd.DataFrame(theirs)
    assert len(ours) == len(reference)
    np.testing.assert_allclose(ours["estimate"], reference["estimate"], atol=ESTIMATE)
    np.testing.assert_allclose(ours["std_error"], reference["SE"], rtol=STD_ERROR)
    np.testing.assert_allclose(ours["df"], reference["df"], rtol=DF)
    np.testing.assert_allclose(ours["conf_low"], reference["lower.CL"], atol=10 * ESTIMATE)
    np.testing.assert_allclose(ours["conf_high"], reference["upper.CL"], atol=10 * ESTIMATE)
    np.testing.assert_allclose(ours["p_value"], reference["p.value"], atol=1e-4)


@pytest.fixture(scope="module", params=["plain", "workers", "respondents", "compared_spline"])
def compared(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    name = request.param
    both = name == "respondents"
    case_mix = ("child_age", "single") if name == "plain" else ()
    course = course_of(reference_data(both_respondents=both), case_mix=case_mix)
    frame = prepare_frame(course, by_organisation=True)
    shape: Any = "spline" if name == "compared_spline" else "linear"
    model = fit_growth(
        frame, shape=shape, organisation="fixed", worker=name == "workers", df="kenward-roger", rule=SIMPLE
    )
    assert model.converged
    if shape == "linear":
        # Never a lower likelihood than lme4's. (Under REML a spline's depends on the choice of its columns.)
        assert model.fit.log_likelihood >= REFERENCE[name]["log_likelihood"] - 1e-6
    tables = comparison_tables(model, MONTHS, adjust="holm", level=0.95)
    return REFERENCE[name], {key: table.data for key, table in tables.items()}


def test_adjusted_means(compared: Any) -> None:
    reference, tables = compared
    assert_equal(tables["adjusted_means"], reference["means"])


def test_adjusted_changes(compared: Any) -> None:
    reference, tables = compared
    assert_equal(tables["adjusted_change"], reference["change"])


def test_differences_from_the_mean(compared: Any) -> None:
    reference, tables = compared
    # emmeans lists months first, organisations within them.
    ours = tables["difference_from_mean"].sort_values(["months", "organisation"])
    assert_equal(ours, reference["difference"])
    theirs = [row["p_adjusted"] for row in reference["difference"]]
    np.testing.assert_allclose(ours["p_adjusted"], theirs, atol=2e-4)


def test_pairwise_differences_with_holm(compared: Any) -> None:
    reference, tables = compared
    ours = tables["pairwise"].sort_values(["months", "organisation_1", "organisation_2"])
    assert_equal(ours, reference["pairwise"])
    theirs = [row["p_adjusted"] for row in reference["pairwise"]]
    np.testing.assert_allclose(ours["p_adjusted"], theirs, atol=2e-4)


def test_joint_test_of_equal_changes_at_the_primary_month(compared: Any) -> None:
    reference, tables = compared
    test = tables["joint_test"].set_index("effect").loc["organisation:months"]
    joint = reference["joint"]
    assert test["months"] == 12.0
    assert test["df_numerator"] == joint["ndf"]
    assert test["statistic"] == pytest.approx(joint["F"], rel=DF)
    assert test["df_denominator"] == pytest.approx(joint["ddf"], rel=DF)
    assert test["p_value"] == pytest.approx(joint["p"], abs=2e-4)


@pytest.mark.parametrize(("name", "shape"), [("course", "linear"), ("spline", "spline")])
def test_mean_course_and_change(name: str, shape: Any) -> None:
    frame = prepare_frame(course_of(reference_data()))
    model = fit_growth(frame, shape=shape, worker=False, df="satterthwaite", rule=SIMPLE)
    assert model.fit.log_likelihood >= REFERENCE[name]["log_likelihood"] - 1e-6 or shape == "spline"
    tables = trajectory_tables(model, MONTHS, 0.95)
    assert_equal(tables["mean_course"].data, REFERENCE[name]["means"])
    assert_equal(tables["change"].data, REFERENCE[name]["change"])


def default_data() -> pd.DataFrame:
    """The measurements that ``tests/oracles/analysis/growth_default.R`` made."""
    data = pd.read_csv(ORACLES / "growth_default.csv")
    return data.assign(episode="1", worker=None, respondent="first_parent")


def test_the_default_model_is_that_of_nlme() -> None:
    frame = prepare_frame(course_of(default_data()), by_organisation=True, until=6.0)
    model = fit_growth(frame, organisation="fixed")
    knots = ", ".join(f"{knot:g}" for knot in DEFAULT["knots"])
    assert f"cr(months, knots=({knots})) * organisation + (1 + months + bend | family)" in model.formula
    fit = model.fit
    # nlme stops where the likelihood changes by less than a millionth, on a flat top.
    assert model.correlation == pytest.approx(DEFAULT["correlation"], abs=2e-3)
    assert fit.residual_sd == pytest.approx(DEFAULT["sigma"], rel=2e-3)
    own = fit.random[(fit.random["group"] == "family") & fit.random["sd"].notna()]
    np.testing.assert_allclose(own["sd"], DEFAULT["sd"], rtol=0.01)
    for change in DEFAULT["change"]:
        later, start = model.organisation_rows([change["month"]])[:, 0], model.organisation_rows([0.0])[:, 0]
        for rows, name in ((later - start, ""), (later - start - (later - start).mean(axis=0), "difference")):
            found = model.estimate(rows)
            error = change[f"{name}_SE" if name else "SE"]
            np.testing.assert_allclose(found["estimate"], change[name or "estimate"], atol=2e-3)
            np.testing.assert_allclose(found["std_error"], error, rtol=2e-3)


def test_the_joint_test_of_the_default_model_is_that_of_nlme() -> None:
    frame = prepare_frame(course_of(default_data()), by_organisation=True, until=6.0)
    model = fit_growth(frame, organisation="fixed", df="kenward-roger")
    tables = comparison_tables(model, MONTHS, adjust="holm", level=0.95, primary_month=6.0)
    test = tables["joint_test"].data.set_index("effect").loc["organisation:months"]
    assert (test["months"], test["df_numerator"]) == (6.0, 2.0)
    # nlme's Wald statistic is not adjusted for the small sample; with 115 families that is little.
    assert test["statistic"] * 2 == pytest.approx(DEFAULT["change"][0]["wald"], rel=0.03)
    assert 60 < test["df_denominator"] < 200


def test_baseline_spread() -> None:
    frame = prepare_frame(course_of(reference_data()))
    assert frame.baseline.sd == pytest.approx(REFERENCE["baseline_sd"], rel=1e-10)


STUDY = """\
[study]
name = "growth"
synthetic = true
[time]
kind = "numbers"
unit = "months"
[tables.episodes]
file = "growth.csv"
columns = { single_parent = "single" }
constants = { start = 0 }
[tables.measurements]
file = "growth.csv"
columns = { date = "months", total = "score" }
constants = { instrument = "invented" }
[instruments.invented]
file = "invented.toml"
[analysis]
instrument = "invented"
case_mix = ["child_age", "single_parent"]
minimum_measured = 4
"""

INSTRUMENT = """\
key = "invented"
name = { nl = "Verzonnen score", en = "Invented score" }
abbreviation = "INV"
direction = "higher_is_worse"
source = "Invented for tests."
[items]
number = 1
total_only = true
[total]
minimum = -100
maximum = 200
"""


def test_the_verbs_say_the_same_from_files(tmp_path: Path) -> None:
    shutil.copy(ORACLES / "growth.csv", tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "invented.toml").write_text(INSTRUMENT, encoding="utf-8")
    study = load_study(tmp_path)
    compared = compare_organisations(study, shape="linear", worker=False, rule=SIMPLE)
    assert_equal(compared.tables["adjusted_means"].data, REFERENCE["plain"]["means"])
    assert_equal(compared.tables["adjusted_change"].data, REFERENCE["plain"]["change"])
    workers = compare_organisations(study, shape="linear", worker=True, case_mix=(), rule=SIMPLE)
    assert_equal(workers.tables["adjusted_change"].data, REFERENCE["workers"]["change"])
    both = compare_organisations(
        study, shape="linear", worker=False, case_mix=(), respondents="both", rule=SIMPLE
    )
    assert_equal(both.tables["adjusted_change"].data, REFERENCE["respondents"]["change"])
    course = fit_trajectory(study, worker=False, df="satterthwaite", rule=SIMPLE)
    assert course.model.shape == "spline"
    assert_equal(course.tables["mean_course"].data, REFERENCE["spline"]["means"])
    assert course.baseline_sd == pytest.approx(REFERENCE["baseline_sd"], rel=1e-10)
