"""Years of start in the mixed model: no differences where there are none, and the ones that are there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.cohorts.compare import compare_cohorts, fit_years, rows_of_groups
from mpg_research.analysis.cohorts.frames import (
    StartedFrame,
    adjust_for_organisations,
    connected,
    near,
    with_a_course,
)
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import say
from tests.analysis.dated_studies import dated_rows, dated_study
from tests.analysis.frames import course_of

MONTH = 12.0
#: Studies behind the rates: 90 intervals, a share of .05 is known to within .05.
STUDIES = 30


def started_frame(rows: pd.DataFrame) -> StartedFrame:
    data = rows.assign(episode="1", worker=None, respondent="first_parent")
    frame = prepare_frame(course_of(data), until=MONTH)
    start = frame.data[["family"]].merge(rows.drop_duplicates("family")[["family", "start"]])["start"]
    return StartedFrame(frame, start)


def rows_of_years(found: StartedFrame) -> pd.DataFrame:
    years = found.start.dt.year.astype(str)
    compared, _ = with_a_course(found.frame.data, years, MONTH)
    kept = years.isin(compared)
    model, _ = fit_years(found.only(kept), years[kept].reset_index(drop=True), "spline", 0.95)
    return rows_of_groups(model, MONTH).assign(cohort=compared)


def of_those_who_stayed(found: StartedFrame) -> pd.DataFrame:
    """The way of computing that was left: residuals of the families still measured at the month."""
    model = fit_growth(found.frame)
    data = found.frame.data.assign(
        residual=model.fit.problem.y - model.fit.problem.x @ model.fit.solution.beta,
        year=found.start.dt.year.to_numpy(),
    )
    early, late = near(data, MONTH)
    change = (
        data[late].groupby(["year", "family"])["residual"].mean()
        - data[early].groupby(["year", "family"])["residual"].mean()
    ).dropna()
    by_year = change.groupby(level="year").agg(["mean", "sem"])
    half = 2.1 * by_year["sem"]
    return pd.DataFrame({"conf_low": by_year["mean"] - half, "conf_high": by_year["mean"] + half})


def exclude_zero(rows: pd.DataFrame) -> float:
    return float(((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).mean())


def test_years_that_do_not_differ_do_not_look_as_if_they_did() -> None:
    """Help ends on improvement: those who stay are the ones who improved least, in every year."""
    new, old, estimates = [], [], []
    for seed in range(STUDIES):
        found = started_frame(dated_rows(np.random.default_rng([1, seed])))
        rows = rows_of_years(found)
        assert np.isfinite(rows["df"]).all()
        new.append(exclude_zero(rows))
        estimates.append(rows["estimate"].to_numpy())
        if seed < 8:
            old.append(exclude_zero(of_those_who_stayed(found)))
    assert np.mean(old) > 0.5
    assert np.mean(new) <= 0.11
    assert np.abs(np.mean(estimates, axis=0)).max() < 0.3


def test_years_that_differ_do_so_by_the_right_amount() -> None:
    later, error = [], []
    for seed in range(12):
        rows = rows_of_years(started_frame(dated_rows(np.random.default_rng([2, seed]), later=-3.0)))
        change = rows.set_index("cohort")["adjusted_change"]
        later.append(change["2023"] - (change["2021"] + change["2022"]) / 2)
        error.append(float(rows["std_error"].mean()))
    assert np.mean(later) == pytest.approx(-3.0, abs=3 * np.std(later, ddof=1) / np.sqrt(len(later)))
    assert np.mean(later) < -2.0


def test_a_year_that_was_not_followed_is_not_continued(tmp_path: Path) -> None:
    study = dated_study(tmp_path / "study", dated_rows(np.random.default_rng(3)))
    found = compare_cohorts(study)
    pooled, each = found.tables["all_by_cohort"].data, found.tables["by_cohort"].data
    assert pooled["cohort"].tolist() == ["2021", "2022", "2023"]  # the export is of the middle of 2024
    note = next(note for note in found.notes if note.code == "cohorts_not_followed")
    assert note.values["level"] == "2024"
    words = str(say(release(found, Audience("researcher"), policy=policy_of(study)), language="nl"))
    assert "begonnen in 2024" in words
    # Organisations and years that were not followed keep their row, so that numbers of families add up.
    sums = each.groupby("cohort")["n_families"].sum()
    assert sums.to_dict() == pooled.set_index("cohort")["n_families"].to_dict()
    empty = each["n_measured"] < 5
    assert empty.any()
    assert each.loc[empty, "estimate"].isna().all()
    assert np.isfinite(each.loc[~empty, ["estimate", "std_error", "df", "adjusted_change"]]).all(axis=None)
    assert (pooled["n_families"] @ pooled["estimate"]) == pytest.approx(0.0, abs=1e-6)


def test_the_run_chart_says_what_it_could_have_seen(tmp_path: Path) -> None:
    study = dated_study(tmp_path / "study", dated_rows(np.random.default_rng(4), families=420))
    found = compare_cohorts(study)
    value = found.tables["run_signals"].data.set_index("quantity")["value"]
    assert value["n_points"] >= 10
    assert 0 < value["share_drift_seen"] < value["share_step_seen"] < 1
    assert value["step_seen"] > value["point_sd"] > 0
    shown = release(found, Audience("researcher"), policy=policy_of(study))
    for language, never, said in (
        ("en", "vary no more", "does not say that results stayed the same"),
        ("nl", "niet meer dan toeval", "zegt dus niet dat de uitkomsten gelijk bleven"),
    ):
        words = str(say(shown, language=language))
        assert never not in words
        assert said in words or value["signal"]
        assert "100" in words or value["signal"]


def test_many_organisations_and_years_are_random_but_not_without_limit(tmp_path: Path) -> None:
    rows = dated_rows(np.random.default_rng(5), families=1100, organisations=24, ends=False)
    found = compare_cohorts(dated_study(tmp_path / "study", rows))
    each = found.tables["by_cohort"].data.dropna(subset=["estimate"])
    assert len(each) > 40
    assert np.isfinite(each["df"]).all()
    assert exclude_zero(each) < 0.2
    assert found.tables["all_by_cohort"].data["df"].between(1, 1e4).all()


def test_years_that_are_organisations_are_said_to_be() -> None:
    rows = dated_rows(np.random.default_rng(6), organisations=3)
    year = rows["start"].dt.year.clip(upper=2023)
    found = started_frame(rows.assign(organisation="k" + year.astype(str)))
    years = found.start.dt.year.astype(str)
    kept = years.isin(["2021", "2022", "2023"])
    _, notes = fit_years(found.only(kept), years[kept].reset_index(drop=True), "spline", 0.95)
    assert [note.code for note in notes] == ["cohorts_are_organisations"]


def test_an_organisation_that_grows_is_no_difference_between_years() -> None:
    """A better organisation with more and more of the families: its years are no better than others'."""
    estimates = []
    for seed in range(12):
        rng = np.random.default_rng([7, seed])
        rows = dated_rows(rng, families=360, outlier=-5.0, ends=False)
        late = rows.drop_duplicates("family").set_index("family")["start"]
        leaves = late.index[(late < pd.Timestamp("2022-07-01")) & (rng.random(len(late)) < 0.8)]
        first = rows["organisation"] == "k00"
        found = started_frame(rows[~(first & rows["family"].isin(leaves))].reset_index(drop=True))
        estimates.append(rows_of_years(found)["estimate"].to_numpy())
    assert np.abs(np.mean(estimates, axis=0)).max() < 0.45


def test_connected_groupings() -> None:
    first = pd.Series(["a", "a", "b", "c"])
    assert connected(first, pd.Series([1, 2, 2, 2]))
    assert not connected(first, pd.Series([1, 2, 3, 3]))
    one = started_frame(dated_rows(np.random.default_rng(8), organisations=1)).frame
    assert adjust_for_organisations(one, one.data["family"], many=10) == (one, None, True)
