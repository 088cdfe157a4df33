"""No number beyond the last month at which enough families are measured, nor outside the scale.

The studies are drawn as users' are: five weeks, weekly, yearly, a stray late row, wrong dates, very few
families.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import (
    check_robustness,
    compare_cohorts,
    compare_organisations,
    describe_missing,
    describe_quality,
    fit_trajectory,
)
from mpg_research.analysis.growth.question import reach_of_course
from mpg_research.analysis.result import Result
from mpg_research.cli import main
from mpg_research.errors import ConfigError, DataError, MpgError
from mpg_research.study import load_study
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.scoring.reach import Reach, occasion_of, reach_of, reported_months
from tests.analysis.odd_studies import PLANS, SCALE, Plan, odd_study, write_odd

LEVELS = ("mean_course", "mean_curve", "adjusted_means", "adjusted_curve")
HALF = 0.5


def reach_in(study: Study) -> Reach:
    return reach_of_course(study, course_frame(study))


def measured_at(study: Study, month: float, organisation: str | None = None) -> int:
    """Families with a score in the month (or week, or wave): counted anew, from the scores themselves."""
    scores = study.scores[study.scores["raw"].notna() & study.scores["phase"].isin(["baseline", "course"])]
    if organisation is not None:
        scores = scores[scores["organisation"] == organisation]
    return int(scores.loc[(scores["months"] - month).abs() <= max(HALF, 0.1), "family"].nunique())


def assert_within(result: Result, last: float) -> None:
    """No month after the last, and no score outside the scale."""
    for table in result.tables.values():
        # The one that only counts what there is, of the page on data quality.
        if len(table.data) and "months" in table.data and table.name != "measurements_by_month":
            assert table.data["months"].max() <= last + HALF, table.name
        if table.name in LEVELS:
            for column in ("estimate", "conf_low", "conf_high"):
                assert table.data[column].between(*SCALE).all(), (table.name, column)
        if table.name in ("change", "adjusted_change"):
            width = SCALE[1] - SCALE[0]
            for column in ("estimate", "conf_low", "conf_high"):
                assert table.data[column].abs().max() <= width, (table.name, column)


#: One of each kind; the others are variations that the tests below make.
EVERY = (
    "weekly_long",
    "yearly",
    "days",
    "waves",
    "two_moments",
    "one_short_stray",
    "wrong_starts",
    "very_few",
    "near_the_floor",
)


@pytest.fixture(scope="module", params=EVERY)
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Study]:
    return request.param, odd_study(tmp_path_factory.mktemp(request.param), PLANS[request.param])


def test_every_analysis_stays_within_the_data(odd: tuple[str, Study]) -> None:
    _, study = odd
    reach = reach_in(study)
    n_seen = 0
    for analysis in (fit_trajectory, compare_organisations, describe_missing, describe_quality):
        result = analysis(study)
        assert_within(result, reach.last)
        if "primary_month" in result.provenance.parameters:
            n_seen += 1
            assert result.provenance.parameters["primary_month"] <= reach.last + HALF
            at = float(result.provenance.parameters["primary_month"])
            assert measured_at(study, at) >= min(10, reach.needed)
    assert n_seen >= 2


def test_the_unit_on_the_page_is_that_of_the_study(odd: tuple[str, Study]) -> None:
    name, study = odd
    expected = {"weekly": "weeks", "weekly_long": "weeks", "waves": "waves"}.get(name, "months")
    assert study.time_unit == expected


def test_a_study_of_five_weeks_says_what_happened_in_five_weeks(tmp_path: Path) -> None:
    plan = PLANS["five_weeks"]
    study = odd_study(tmp_path, plan)
    fit = fit_trajectory(study)
    change = fit.tables["change"].data
    assert change["months"].tolist() == [1.0]
    # The truth at month 1 of the five weeks that the scores were made of.
    truth = -plan.fall * (1 - np.exp(-3 / max(plan.moments)))
    assert abs(change["estimate"].iloc[0] - truth) < 1.0
    assert {note.code: note for note in fit.notes}["months_cut"].values["month"] == 12.0
    codes = {problem.code: problem for problem in study.checks.problems}
    assert codes["month_beyond_data"].severity == "warning"


@pytest.mark.parametrize("stray", [2.6, 14.0, 200.0])
def test_one_stray_late_row_changes_no_conclusion(tmp_path: Path, stray: float) -> None:
    plan = replace(PLANS["five_weeks"], families=(12, 12, 12))
    plain, odd = (
        odd_study(tmp_path / name, one)
        for name, one in (("plain", plan), ("stray", replace(plan, stray=stray)))
    )
    assert reach_in(odd).last == reach_in(plain).last
    for analysis, name in ((fit_trajectory, "change"), (compare_organisations, "adjusted_change")):
        before, after = analysis(plain), analysis(odd)
        assert before.primary_month == after.primary_month
        assert before.model.shape == after.model.shape
        ours, theirs = (found.tables[name].data for found in (before, after))
        assert ours["months"].tolist() == theirs["months"].tolist()
        for column in ("estimate", "std_error", "conf_low", "p_value"):
            np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-9)
        if "organisation" in ours:
            assert ours["organisation"].tolist() == theirs["organisation"].tolist()
    codes = [[note.code for note in fit_trajectory(one).notes] for one in (plain, odd)]
    assert codes[0] == codes[1]
    steps = {step.code: step.n_measurements for step in fit_trajectory(odd).flow.steps}
    assert steps["read"] - 1 == steps["within_reach"]


def test_an_organisation_is_thrown_out_for_its_own_months_only(tmp_path: Path) -> None:
    plan = PLANS["one_short"]
    short = replace(PLANS["five_weeks"], families=(15, 15, 15), stray=14.0)
    for name, one, expected in (
        ("own", plan, {"org_1", "org_2"}),
        ("stray", replace(plan, stray=13.0), {"org_1", "org_2"}),
        # A late row at another organisation says nothing of those that stopped with the rest.
        ("all_short", short, {"org_0", "org_1", "org_2"}),
    ):
        found = compare_organisations(odd_study(tmp_path / name, one))
        assert set(found.tables["adjusted_change"].data["organisation"]) == expected


def test_curves_end_where_the_families_do_and_small_ones_are_smooth(tmp_path: Path) -> None:
    study = odd_study(tmp_path, PLANS["small_and_large"])
    found = compare_organisations(study)
    curve = found.tables["adjusted_curve"].data
    for key, part in curve.groupby("organisation"):
        last = part["months"].max()
        assert last == 0 or measured_at(study, last, str(key)) >= 10
        assert measured_at(study, min(last + 1, 15), str(key)) < 10 or last == found.primary_month
    codes = {note.code for note in found.notes}
    assert {"small_share_bend", "curves_end"} <= codes
    # The small one lies on a line beside the mean course of the others: no second difference of its own.
    model = found.model
    months = [0.0, 2.0, 4.0, 6.0, 8.0]
    rows = model.organisation_rows(months)
    codes_of = {key: code for code, key in model.frame.organisations.items()}
    places = {code: place for place, code in enumerate(model.frame.organisations)}
    small = rows[places[codes_of["org_0"]]]
    shared = {
        key: np.diff(model.estimate(rows[places[codes_of[key]]])["estimate"], n=2)
        for key in ("org_0", "org_1", "org_2")
    }
    assert small.shape[0] == len(months)
    turns = np.sum(np.diff(np.sign(np.diff(model.estimate(small)["estimate"]))) != 0)
    assert turns <= 1
    assert not np.allclose(shared["org_1"], shared["org_2"], atol=1e-6)


def test_a_large_organisation_keeps_its_own_curve_beside_a_small_one(tmp_path: Path) -> None:
    """Its means are those of a model in which everybody has an own curve, but for what is common."""
    plan = replace(PLANS["small_and_large"], until=None)
    study = odd_study(tmp_path, plan)
    both = compare_organisations(study), compare_organisations(with_minimum(study, 4))
    assert "own_bend" in both[0].model.formula
    assert "own_bend" not in both[1].model.formula
    one, other = (found.tables["adjusted_means"].data.query("organisation != 'org_0'") for found in both)
    np.testing.assert_allclose(one["estimate"], other["estimate"], atol=0.15)


def with_minimum(study: Study, minimum: int) -> Study:
    analysis = study.config.analysis.model_copy(update={"minimum_measured": minimum})
    return replace(study, config=study.config.model_copy(update={"analysis": analysis}))


@pytest.mark.parametrize("months", [(0.0, 12.0), (0.0, 1.0, 24.0)])
def test_a_chosen_month_without_any_data_is_an_error_with_the_remedy(
    tmp_path: Path, months: tuple[float, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    listed = ", ".join(f"{month:g}" for month in months)
    lines = f"months = [{listed}]\nprimary_month = {months[-1]:g}"
    folder = write_odd(tmp_path / "typed", replace(PLANS["five_weeks"], analysis=lines))
    with pytest.raises(DataError, match=rf"month {months[-1]:g} is asked for, and nobody is measured"):
        load_study(folder)
    assert main(["check", str(folder)]) != 0
    printed = capsys.readouterr()
    said = " ".join((printed.out + printed.err).split())
    assert "study.toml" in said
    assert "Set [analysis] months and primary_month to month 1 or earlier" in said
    study = odd_study(tmp_path / "default", PLANS["five_weeks"])
    with pytest.raises(ConfigError, match="month 1, the last one at which 10 families or more"):
        fit_trajectory(study, months=months)


def test_a_chosen_month_with_too_few_is_cut_and_said(tmp_path: Path) -> None:
    lines = "months = [0, 12]\nprimary_month = 12"
    study = odd_study(tmp_path, replace(PLANS["five_weeks"], stray=12.0, analysis=lines))
    problem = next(one for one in study.checks.problems if one.code == "month_beyond_data")
    assert problem.severity == "warning"
    assert "1 family is measured from month 10.5 on" in problem.found
    fit = fit_trajectory(study)
    assert fit.primary_month == 1.0
    assert "months_cut" in {note.code for note in fit.notes}


def test_the_minimum_is_a_setting_that_disclosure_does_not_touch(tmp_path: Path) -> None:
    plan = replace(PLANS["small_and_large"], families=(14,), until=None)
    lasts = []
    for number, minimum in enumerate((2, 10, 14)):
        folder = write_odd(tmp_path / str(number), replace(plan, analysis=f"minimum_measured = {minimum}"))
        toml = (folder / "study.toml").read_text(encoding="utf-8")
        (folder / "study.toml").write_text(toml + "[disclosure]\nminimum_families = 3\n", encoding="utf-8")
        lasts.append(reach_in(load_study(folder)).last)
    assert lasts[0] > lasts[1] >= lasts[2]


def test_weeks_are_as_many_occasions_as_there_are_weeks(tmp_path: Path) -> None:
    study = odd_study(tmp_path, PLANS["weekly"])
    fit = fit_trajectory(study)
    assert fit.primary_month == 5.0
    assert fit.model.shape == "spline"  # six weeks are six occasions, not two months
    assert fit.tables["observed_course"].data["months"].tolist() == [0, 1, 2, 3, 4, 5]


def scores_on(rng: np.random.Generator) -> pd.DataFrame:
    """Measurements at random moments of random families, some with a wild date."""
    n, moments = int(rng.integers(1, 60)), int(rng.integers(1, 9))
    step = float(rng.choice([0.2, 1.0, 3.0, 12.0]))
    family = np.repeat(np.arange(n), moments)
    months = np.tile(np.arange(moments) * step, n) + rng.uniform(0, 0.2 * step, family.size)
    months[rng.random(months.size) < rng.choice([0.0, 0.02])] += rng.uniform(5, 400)
    kept = rng.random(months.size) < 0.8
    kept[0] = True
    data = pd.DataFrame({"family": family.astype(str), "episode": "1", "respondent": "r", "months": months})
    return data.assign(organisation=np.where(family % 3, "a", "b"))[kept].reset_index(drop=True)


@pytest.mark.parametrize("seed", range(40))
def test_the_reach_is_one_at_which_enough_are_measured(seed: int) -> None:
    rng = np.random.default_rng([seed, 71])
    data, minimum = scores_on(rng), int(rng.integers(1, 20))
    reach = reach_of(data, minimum=minimum)
    assert 0 <= reach.last <= np.ceil(data["months"].max() * 10) / 10 + HALF
    occasions = occasion_of(data["months"], reach.step)
    counts = data.groupby(occasions)["family"].nunique()
    if reach.is_enough:
        at = occasion_of(pd.Series([reach.last]), reach.step).iloc[0]
        assert counts.get(at, 0) >= minimum or reach.last < 1
    else:
        assert counts[counts.index > 0].max() < minimum if (counts.index > 0).any() else True
    assert all(last <= reach.last + HALF for last in reach.by_organisation.values())
    # Order of rows and names of families do not matter, nor does one more row far away.
    shuffled = data.sample(frac=1, random_state=seed).reset_index(drop=True)
    assert reach_of(shuffled, minimum=minimum).last == reach.last
    if minimum > 1 and reach.is_enough:
        far = data.iloc[[0]].assign(months=data["months"].max() + 500)
        assert reach_of(pd.concat([data, far]), minimum=minimum).last == reach.last


@pytest.mark.parametrize("seed", range(6))
def test_small_random_studies_print_no_score_outside_the_scale(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([seed, 72])
    count = int(rng.integers(3, 8))
    plan = Plan(
        moments=tuple(np.sort(rng.choice(np.arange(1.0, 13.0), count, replace=False)) - 1.0) or (0.0,),
        unit="months",
        families=tuple(int(number) for number in rng.integers(6, 15, size=2)),
        level=float(rng.choice([1.5, 30.0, 58.0])),
        spread=4.0,
        fall=float(rng.choice([-15.0, 15.0])),
    )
    if 0.0 not in plan.moments:
        plan = replace(plan, moments=(0.0, *plan.moments))
    study = odd_study(tmp_path, plan, seed=seed)
    reach = reach_in(study)
    for analysis in (fit_trajectory, compare_organisations):
        try:
            result = analysis(study)
        except MpgError:
            continue  # said, not printed
        assert_within(result, reach.last)


def test_reported_months_follow_the_reach() -> None:
    reach = Reach(5.0, {}, 10, 10, 12, 1.0, np.array([5.0] * 12 + [20.0]))
    found = reported_months(reach, [0.0, 3.0, 12.0], 12.0, typed=False)
    assert (found.months, found.primary) == ([0.0, 3.0, 5.0], 5.0)
    kept = reported_months(reach, [0.0, 3.0, 12.0], 3.0, typed=False)
    assert (kept.months, kept.primary) == ([0.0, 3.0], 3.0)
    assert [note.code for note in kept.notes] == ["months_cut"]
    assert reported_months(reach, [0.0, 5.0], 5.0, typed=True).notes == ()
    with pytest.raises(ConfigError, match="nobody is"):
        reported_months(reach, [0.0, 48.0], 48.0, typed=True)


@pytest.mark.parametrize("name", ["five_weeks_stray", "one_short"])
def test_robustness_and_years_follow_too(tmp_path: Path, name: str) -> None:
    study = odd_study(tmp_path, PLANS[name])
    reach = reach_in(study)
    assert check_robustness(study).month <= reach.last + HALF
    assert compare_cohorts(study).month <= reach.last + HALF
