"""Organisations that joined late, and studies whose ends, dates and families are not as one hopes.

The small version of benchmarks/late_organisations.py: equal organisations must not be told apart because one
of them has not been there for long.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import compare_organisations, describe_missing, describe_quality
from mpg_research.analysis.families.indicator_shares import (
    drop_out_rows,
    indicator_rows,
    measured_rows,
    share_of_all,
    shares_by_organisation,
    shares_of_ends,
)
from mpg_research.analysis.growth.help_periods import HelpPeriods, help_periods
from mpg_research.analysis.organisations.duration import duration_horizon, duration_rows
from mpg_research.analysis.organisations.episodes_of_comparison import OrganisationUnits
from mpg_research.analysis.organisations.shares import share_outcomes, share_table
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import say, tabulate
from mpg_research.statistics.survival.restricted_mean import pseudo_times
from mpg_research.study import load_study
from mpg_research.study.model import CourseFrame, SampleFlow, Study
from tests.analysis.small_studies import make_study
from tests.exact_policy import exact_policy

MONTH = 12.0
TOML = """[study]
name = "late"
languages = ["nl", "en"]
synthetic = true
{export}
[time]
kind = "dates"
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
[analysis]
instrument = "obvl_k"
months = [0, 6, 12]
primary_month = 12
episodes = "{episodes}"
"""
EXPORT = pd.Timestamp("2025-06-30")


def write_study(
    folder: Path,
    *,
    joined: dict[str, float],
    families: int = 30,
    seed: int = 0,
    export: bool = True,
    episodes: str = "first",
    again: bool = False,
    reasons: bool = True,
    ends: bool = True,
) -> Study:
    """A study of dates; each organisation joined so many months before the export."""
    rng = np.random.default_rng(seed)
    rows, scores = [], []
    for name, months in joined.items():
        for number in range(families):
            family, back = f"{name}{number:03d}", rng.uniform(0, months)
            for episode in (1, 2) if again else (1,):
                planned, drop = max(2.0, rng.normal(10, 3)), rng.exponential(30)
                end = min(planned, drop)
                start = EXPORT - pd.Timedelta(days=int(back * 30.4375))
                over = start + pd.Timedelta(days=int(end * 30.4375))
                seen = over <= EXPORT and ends
                reason = ("03" if drop < planned else "01") if seen and reasons else ""
                rows.append((family, episode, name, start.date(), over.date() if seen else "", reason))
                level = rng.normal(25, 4)
                for month in range(int(min(end if seen else 99, back)) + 1):
                    day = start + pd.Timedelta(days=int(month * 30.4375))
                    items = np.clip(np.round((level - month / 3) / 10 + rng.normal(0, 0.5, 10)), 1, 4)
                    scores.append((family, episode, day.date(), "obvl_k", *items.astype(int)))
                back -= end + 1
                if not seen or back < 1:
                    break
    folder.mkdir(parents=True, exist_ok=True)
    names = ["family", "episode", "organisation", "start", "end", "end_reason"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "episodes.csv", index=False)
    items = [f"item_{number:02d}" for number in range(1, 11)]
    measured = pd.DataFrame(scores, columns=["family", "episode", "date", "instrument", *items])
    measured.assign(respondent="first_parent").to_csv(folder / "measurements.csv", index=False)
    date = "export_date = 2025-06-30" if export else ""
    (folder / "study.toml").write_text(TOML.format(export=date, episodes=episodes), encoding="utf-8")
    return load_study(folder)


LATE = {"ahorn": 11.0, "beuk": 36.0, "ceder": 36.0, "den": 36.0, "els": 36.0, "linde": 36.0}


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_study(tmp_path_factory.mktemp("late"), joined=LATE, families=40)


def test_an_organisation_that_could_not_reach_the_month_has_no_share(late: Study) -> None:
    comparison = compare_organisations(late)
    shares = comparison.tables["share_indicators"].data
    mine = shares[shares["organisation"] == "ahorn"]
    assert set(mine["indicator"]) >= {"measured", "reliably_improved", "reliably_worsened", "dropped_out"}
    assert mine["share_observed"].isna().all()
    assert (mine[["n_group", "n_families"]] == 0).all(axis=None)
    others = shares[shares["organisation"] != "ahorn"]
    assert others["share_observed"].notna().all()
    duration = comparison.tables["indicators"].data.query("indicator == 'duration'").set_index("organisation")
    assert duration.loc["ahorn", ["estimate", "difference"]].isna().all()
    assert duration.drop("ahorn")["estimate"].between(5, 12).all()
    for language, words in (("nl", "nog niemand"), ("en", "nobody yet")):
        for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", "ahorn")):
            shown = release(comparison, audience, policy=policy_of(late))
            page = tabulate(shown, "share_indicators", language=language)
            assert page.text.count(words) == len(mine)
            assert not any("0%" in line for line in page.text.splitlines() if words in line)
    own = release(comparison, Audience("organisation", "ahorn"), policy=policy_of(late))
    said = " ".join(say(own, "shares", language="en").paragraphs[0])
    assert "At ahorn there is nobody yet of whom this can be said" in said


def test_every_page_has_the_same_shares_and_says_of_whom(late: Study) -> None:
    """Data quality, missing data, and the comparison; by organisation and of all."""
    comparison, missing, quality = (
        f(late) for f in (compare_organisations, describe_missing, describe_quality)
    )
    shares = comparison.tables["share_indicators"].data.set_index(["indicator", "organisation"])
    dropped = shares.loc["dropped_out"]
    by_class = missing.tables["drop_out_by_organisation"].data
    apart = by_class[by_class["class"] == "drop_out"].set_index("organisation")
    pages = quality.tables["by_organisation"].data.set_index("organisation")
    for name, low, table in (
        ("estimate", "conf_low", apart), ("share_ended_early", "ended_early_low", pages),
    ):  # fmt: skip
        assert table[name].to_numpy() == pytest.approx(dropped["share_observed"].to_numpy(), nan_ok=True)
        assert table[low].to_numpy() == pytest.approx(dropped["observed_low"].to_numpy(), nan_ok=True)
    assert pages["n_reached"].tolist() == dropped["n_group"].tolist() == apart["n_group"].tolist()
    measured = missing.tables["measured_by_organisation"].data.query("`class` == 'measured'")
    assert measured["estimate"].to_numpy() == pytest.approx(
        shares.loc["measured", "share_observed"].to_numpy(), nan_ok=True
    )
    of_all = comparison.tables["shares_of_all"].data.set_index("indicator")["share_observed"]
    classes = {
        name: missing.tables[name].data.set_index("class")["estimate"] for name in ("drop_out", "measured")
    }
    assert classes["drop_out"]["drop_out"] == pytest.approx(of_all["dropped_out"])
    assert classes["measured"]["measured"] == pytest.approx(of_all["measured"])
    months = missing.tables["measured_by_month"].data.set_index("months")["share_measured"]
    assert months[MONTH] == pytest.approx(of_all["measured"])
    ends = missing.tables["ends"].data
    assert ends["estimate"].sum() == pytest.approx(1)
    assert ends.loc[ends["pattern"] == "drop_out", "estimate"].sum() == pytest.approx(of_all["dropped_out"])
    stops = missing.tables["stops"].data.groupby("pattern")["estimate"].sum()
    if len(stops):
        assert stops["drop_out"] == pytest.approx(of_all["dropped_out"])
    for result, topic in ((comparison, "shares"), (missing, "answer")):
        shown = release(result, Audience("researcher"), policy=exact_policy(late))
        number = int(missing.tables["drop_out"].data["n_group"].iloc[0])
        en, nl = (say(shown, topic, language=language).paragraphs[0][0] for language in ("en", "nl"))
        assert en.startswith(f"Of {number} families who could have been in help for 12 months")
        assert nl.startswith(f"Van {number} gezinnen die 12 maanden hulp konden hebben gehad")


def test_families_who_were_never_measured_count(tmp_path: Path) -> None:
    study = write_study(tmp_path, joined=LATE, families=20, seed=1)
    scores = study.scores
    gone = sorted(scores["family"].unique())[::4]
    without = replace(study, scores=scores[~scores["family"].isin(gone)].reset_index(drop=True))
    before, after = (help_periods(each, month=MONTH) for each in (study, without))
    assert len(before.rows) == len(after.rows)
    one, two = (share_of_all(measured_rows(each), level=0.95) for each in (before, after))
    assert one["n_group"] == two["n_group"]
    assert two["share"] < one["share"] - 0.1
    stop = [share_of_all(drop_out_rows(each), level=0.95)["share"] for each in (before, after)]
    assert stop[0] == pytest.approx(stop[1])


def test_without_an_export_date_each_organisation_is_seen_to_its_own_last_date(tmp_path: Path) -> None:
    study = write_study(tmp_path, joined={"ahorn": 36.0, "beuk": 36.0, "ceder": 9.0}, export=False)
    periods = help_periods(study, month=MONTH)
    assert "no_export_date" in [note.code for note in periods.notes]
    assert (periods.rows["time"] <= periods.rows["reach"] + 1e-9).all()
    assert np.isfinite(periods.rows["reach"]).all()
    found = shares_by_organisation(drop_out_rows(periods), study.organisations, level=0.95)
    assert found["n_group"].tolist()[2] == 0
    assert min(found["n_group"].tolist()[:2]) > 0


def test_families_with_several_periods_are_counted_once_each(tmp_path: Path) -> None:
    study = write_study(
        tmp_path, joined={"ahorn": 48.0, "beuk": 48.0, "ceder": 48.0}, again=True, episodes="all", families=40
    )
    periods = help_periods(study, month=6.0)
    assert periods.rows["family"].duplicated().any()
    found = drop_out_rows(periods)
    shares = shares_by_organisation(found, study.organisations, level=0.95)
    assert (shares["n_families"] < shares["n_group"]).all()
    # The same family twice with the same outcome is one look at it: wider limits than of as many families.
    twice = pd.concat([found.rows.drop_duplicates("family")] * 2, ignore_index=True)
    doubled = replace(found, rows=twice)
    once = replace(found, rows=found.rows.drop_duplicates("family").reset_index(drop=True))
    for key in study.organisations:
        assert doubled.effective()[key] == pytest.approx(once.effective()[key], rel=0.02)
    first = help_periods(write_study(tmp_path / "b", joined={"a": 48.0, "b": 48.0}, again=True), month=6.0)
    assert not first.rows["family"].duplicated().any()


def test_no_ends_no_reasons_and_everybody_ended(tmp_path: Path) -> None:
    joined = {"ahorn": 36.0, "beuk": 36.0}
    nobody = help_periods(write_study(tmp_path / "a", joined=joined, ends=False), month=MONTH)
    found = share_of_all(drop_out_rows(nobody), level=0.95) if drop_out_rows(nobody) else None
    assert found is None or (found["share"] == 0 and found["high"] > 0.01)
    without = write_study(tmp_path / "b", joined=joined, reasons=False)
    # Ends whose reason nobody gave are neither drop-out nor not.
    assert drop_out_rows(help_periods(without, month=MONTH)) is None
    assert describe_missing(without).tables["drop_out"].data["estimate"].isna().all()
    assert set(shares_of_ends(help_periods(without, month=MONTH))["end_reason"]) == {
        "unknown",
        "still_in_help",
    }
    periods = help_periods(write_study(tmp_path / "c", joined={"ahorn": 60.0, "beuk": 60.0}), month=MONTH)
    old = periods.rows["reach"] > 30
    everybody = HelpPeriods(periods.rows[old].reset_index(drop=True), periods.course, MONTH, periods.near, ())
    assert everybody.rows["ended"].all()
    rows = drop_out_rows(everybody)
    plain = (everybody.rows["end_reason"] == "early_client") & (everybody.rows["time"] <= MONTH)
    assert share_of_all(rows, level=0.95)["share"] == pytest.approx(plain.mean())
    assert rows.inflation() == pytest.approx(dict.fromkeys(["ahorn", "beuk"], 1.0))


def test_an_organisation_that_gives_no_reasons_has_no_drop_out_and_others_share_theirs(
    tmp_path: Path,
) -> None:
    study = write_study(tmp_path, joined={"ahorn": 36.0, "beuk": 36.0, "ceder": 36.0}, families=40)
    episodes = study.tables["episodes"].copy()
    episodes.loc[episodes["organisation"] == "ahorn", "end_reason"] = None
    half = (episodes["organisation"] == "beuk") & (np.arange(len(episodes)) % 2 == 0)
    episodes.loc[half, "end_reason"] = None
    changed = replace(study, tables={**study.tables, "episodes": episodes})
    periods = help_periods(changed, month=MONTH)
    assert "ends_without_reason" in [note.code for note in periods.notes]
    found = shares_by_organisation(drop_out_rows(periods), study.organisations, level=0.95)
    before = shares_by_organisation(
        drop_out_rows(help_periods(study, month=MONTH)), study.organisations, level=0.95
    )
    shares = found.set_index("organisation")["share"]
    assert np.isnan(shares["ahorn"])
    assert shares["beuk"] == pytest.approx(before.set_index("organisation")["share"]["beuk"], abs=0.15)
    assert shares_of_ends(periods)["share"].sum() == pytest.approx(1)


def test_waves_without_a_calendar(tmp_path: Path) -> None:
    """Three waves of everybody; one organisation has had the first two only."""
    rng = np.random.default_rng(2)
    rows = [
        (f"{name}{number}", name, wave, rng.integers(20, 40))
        for name, last in (("a", 3), ("b", 3), ("c", 1))
        for number in range(25)
        for wave in range(last + 1)
        if wave < 2 or rng.random() < 0.7
    ]
    data = pd.DataFrame(rows, columns=["family", "organisation", "months", "score"])
    study = make_study(tmp_path, data)
    text = (tmp_path / "study.toml").read_text().replace('unit = "months"', 'unit = "waves"')
    text = text.replace("months = [0, 6, 12]", "months = [0, 1, 3]").replace("month = 12", "month = 3")
    (tmp_path / "study.toml").write_text(text)
    study = load_study(tmp_path)
    periods = help_periods(study, month=3.0)
    assert periods.near < 1
    assert "no_calendar" in [note.code for note in periods.notes]
    found = shares_by_organisation(measured_rows(periods), study.organisations, level=0.95)
    third = data[(data["months"] == 3) & (data["organisation"] != "c")].groupby("organisation").size() / 25
    assert found["share"].to_numpy()[:2] == pytest.approx(third.to_numpy())
    assert np.isnan(found["share"].iloc[2])
    assert drop_out_rows(periods) is None
    assert "duration" not in set(compare_organisations(study).tables["indicators"].data["indicator"])


def test_small_organisations_of_one_and_two_families(tmp_path: Path) -> None:
    study = write_study(tmp_path, joined={"ahorn": 36.0, "beuk": 36.0}, families=25, seed=5)
    episodes = study.tables["episodes"].copy()
    names = ["one", "two", "two", *episodes["organisation"].iloc[3:]]
    scores = study.scores.copy()
    of = dict(zip(episodes["family"], names, strict=True))
    scores["organisation"] = scores["family"].map(of)
    few = replace(
        study, tables={**study.tables, "episodes": episodes.assign(organisation=names)}, scores=scores
    )
    periods = help_periods(few, month=MONTH)
    for indicator in indicator_rows(few, periods).values():
        shares = shares_by_organisation(indicator, few.organisations, level=0.95)
        known = shares.dropna()
        assert known["share"].between(0, 1).all()
        assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
    assert describe_quality(few).tables["by_organisation"].data["organisation"].is_unique


def test_a_programme_of_a_year_reaches_month_twelve(tmp_path: Path) -> None:
    """Everybody started a calendar year before the export: 365 days are twelve months."""
    study = write_study(tmp_path, joined={"ahorn": 1e-6, "beuk": 1e-6}, families=20)
    episodes = study.tables["episodes"].assign(start=pd.Timestamp("2024-06-30"), end=pd.NaT, end_reason=None)
    periods = help_periods(replace(study, tables={**study.tables, "episodes": episodes}), month=MONTH)
    assert periods.could_reach(MONTH).all()
    assert periods.in_help(MONTH).all()


def periods_of(
    rng: np.random.Generator, joined: float, *, longer: float = 0.0, families: int = 60
) -> tuple[HelpPeriods, OrganisationUnits]:
    """Six organisations without scores; the first joined late, and plans longer help."""
    place = np.repeat(np.arange(6), families)
    back = rng.uniform(0, np.where(place == 0, joined, 36))
    planned = np.maximum(2, rng.normal(11, 3, place.size) + longer * (place == 0))
    drop = rng.exponential(33, place.size)
    end, ended = np.minimum(planned, drop), np.minimum(planned, drop) <= back
    keys = pd.DataFrame(
        {
            "family": np.arange(place.size).astype(str),
            "episode": "1",
            "organisation": np.array([f"org {number}" for number in place]),
        }
    )
    rows = keys.assign(
        worker=keys["family"], ended=ended, time=np.where(ended, end, back), reach=back,
        end_reason=np.where(ended, np.where(drop < planned, "early_client", "as_planned"), "still_in_help"),
        part=np.where(ended & (drop < planned), 1.0, 0.0),
    )  # fmt: skip
    moments = rng.uniform(9, 15, place.size)
    seen = moments <= rows["time"]
    scores = keys.loc[seen, ["family", "episode"]].assign(months=moments[seen], score=20.0)
    course = CourseFrame(scores.reset_index(drop=True), SampleFlow(()), "obvl_k", "raw", "declared", "first")
    order = tuple(sorted(set(keys["organisation"])))
    return HelpPeriods(rows, course, MONTH, 1.5, ()), OrganisationUnits(keys, (), order)


def test_joining_late_raises_no_flag() -> None:
    """Funnel and interval of equal organisations, one of which joined 14 months before the export."""
    late, others = [], []
    for seed in range(60):
        periods, units = periods_of(np.random.default_rng([1, seed]), 14.0)
        indicators = {"dropped_out": drop_out_rows(periods), "measured": measured_rows(periods)}
        data = share_table(share_outcomes(indicators, units), units.order, level=0.95).data
        apart = data["observed_beyond_chance"].isin(["lower", "higher"])
        known = data["share_observed"].notna()
        first = data["organisation"] == "org 0"
        late += apart[first & known].tolist()
        others += apart[~first].tolist()
    # Sixty and six hundred looks or more: .05 and three standard errors.
    assert len(late) >= 60
    assert np.mean(late) < 0.05 + 0.085
    assert np.mean(others) < 0.05 + 0.027


@pytest.mark.parametrize(("joined", "longer"), [(14.0, -5.75), (25.0, 6.6)])
def test_a_true_gap_in_duration_comes_back(joined: float, longer: float) -> None:
    """Help is 4.3 months longer, or shorter, at the organisation that joined late."""
    rng = np.random.default_rng(2)
    drop, planned = rng.exponential(33, 200_000), rng.normal(11, 3, 200_000)
    ends = [np.minimum(np.maximum(2, planned + more), drop) for more in (0.0, longer)]
    whole = float(np.minimum(ends[1], 24).mean() - np.minimum(ends[0], 24).mean())
    assert abs(whole) == pytest.approx(4.3, abs=0.1)
    gaps, pooled, held = [], [], []
    for seed in range(60):
        periods, units = periods_of(np.random.default_rng([3, seed]), joined, longer=longer)
        table = {row[0]: row for row in duration_rows(periods.rows, units, month=MONTH, level=0.95)}
        first = table["org 0"]
        horizon = duration_horizon(periods.rows, units.order, month=MONTH)
        assert 12 <= horizon <= min(joined, 24)
        truth = np.minimum(ends[1], horizon).mean() - np.minimum(ends[0], horizon).mean()
        assert abs(truth) > 3.6
        gaps.append(first[4] - np.mean([row[4] for key, row in table.items() if key != "org 0"]) - truth)
        held.append(first[9] <= truth * 5 / 6 <= first[10])
        one_curve = pseudo_times(periods.rows["time"], periods.rows["ended"], horizon=24.0)
        mine = (periods.rows["organisation"] == "org 0").to_numpy()
        pooled.append(one_curve[mine].mean() - one_curve[~mine].mean())
    # Three standard errors over sixty studies.
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(60)
    assert np.mean(held) > 0.95 - 0.085
    # On one curve of all organisations a good part of the gap is gone.
    assert abs(np.mean(pooled)) < abs(whole) - 0.5


def test_duration_is_counted_as_far_as_all_could_be_followed() -> None:
    """By dates of start and export alone, whatever the lengths of help."""
    for joined, horizon in ((36.0, 24.0), (15.2, 15.0), (9.0, 24.0)):
        periods, units = periods_of(np.random.default_rng(4), joined, families=400)
        found = duration_horizon(periods.rows, units.order, month=MONTH)
        assert found == horizon
        rows = {row[0]: row for row in duration_rows(periods.rows, units, month=MONTH, level=0.95)}
        assert np.isnan(rows["org 0"][4]) == (joined < MONTH)
        assert all(0 < row[4] < horizon for row in rows.values() if row[3])
