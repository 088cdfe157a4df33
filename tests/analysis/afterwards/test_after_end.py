"""What came after a good end: recounted by hand from the files, at the edges, and what is not recorded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_afterwards
from mpg_research.analysis.afterwards.first_events import first_events
from mpg_research.analysis.afterwards.good_ends import read_ends
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError, NotApplicableError
from tests.analysis.afterwards.ended_studies import EXPORT, ended_tables, write_study

MONTH = 365.25 / 12


def by_hand(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """First events family by family, in plain loops: time in days and what."""
    rows = []
    episodes, events = tables["episodes"], tables.get("events")
    for family, mine in episodes.sort_values("start").groupby("family"):
        mine = mine.reset_index(drop=True)
        for place, period in mine.iterrows():
            following = mine["start"].iloc[place + 1] if place + 1 < len(mine) else pd.NaT
            if pd.isna(period["end"]) or period["end_reason"] not in ("01", "02"):
                continue
            if pd.notna(following) and (following - period["end"]).days < 30:
                continue
            found = []
            if events is not None:
                theirs = events[(events["family"] == family) & (events["date"] > period["end"])]
                for order, name in enumerate(("placement", "eviction", "renewed_referral")):
                    days = (theirs.loc[theirs["event"] == name, "date"] - period["end"]).dt.days
                    what = "renewed_start" if name == "renewed_referral" else name
                    found += [(int(day), order, what) for day in days]
            if pd.notna(following):
                found.append(((following - period["end"]).days, 2, "renewed_start"))
            seen = (EXPORT - period["end"]).days
            found = [each for each in found if each[0] <= seen]
            if seen > 0:
                rows.append((family, *(min(found)[::2] if found else (seen, ""))))
            break
    return pd.DataFrame(rows, columns=["family", "days", "what"]).set_index("family")


@pytest.mark.parametrize("seed", range(4))
def test_first_events_are_those_of_the_files(seed: int, tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(seed))
    study = write_study(tmp_path, tables)
    found = first_events(study, read_ends(study))
    names = ("", *found.causes)
    pseudonyms = study.tables["episodes"]["family"].astype(str).unique()
    assert len(pseudonyms) == tables["episodes"]["family"].nunique()
    ours = sorted(
        (round(time * MONTH), names[cause])
        for time, cause in zip(found.rows["time"], found.rows["cause"], strict=True)
    )
    wanted = by_hand(tables)
    assert ours == sorted(zip(wanted["days"], wanted["what"], strict=True))


def test_everything_is_told_of_a_full_study(tmp_path: Path) -> None:
    study = write_study(tmp_path, ended_tables(np.random.default_rng(5), families=400))
    result = describe_afterwards(study)
    assert {
        "incidence", "incidence_by_end_reason", "incidence_by_thin_line", "free", "free_by_thin_line",
        "months_free", "months_free_difference", "incidence_difference", "gray", "hazards", "proportional",
        "frailty", "hazards_with_frailty", "worsening", "worsening_by_thin_line", "scores_after", "settings",
        "sample_flow",
    } <= set(result.tables)  # fmt: skip
    incidence = result.tables["incidence"].data
    together = incidence.groupby("months_after")["estimate"].sum().to_numpy()
    assert together + result.tables["free"].data["estimate"].to_numpy() == pytest.approx(1.0)
    assert (np.diff(result.tables["free"].data["estimate"]) <= 1e-12).all()
    shown = incidence["estimate"] > 0
    assert (incidence["conf_low"] <= incidence["estimate"])[shown].all()
    means = result.tables["months_free"].data
    assert means["estimate"].between(0, 24).all()
    assert result.provenance.parameters["not_recorded"] == []
    beside, hazards = (result.tables[name].data for name in ("hazards_with_frailty", "hazards"))
    robust = hazards[hazards["event"] == "any_event"].set_index("variable")
    for row in beside.itertuples():
        same = robust.loc[row.variable, ["hazard_ratio", "ratio_low", "ratio_high"]]
        assert (row.hazard_ratio, row.ratio_low, row.ratio_high) == tuple(same)
        assert row.frailty_ratio_low < row.frailty_ratio < row.frailty_ratio_high
    first = result.provenance.parameters["first_groups"]
    gaps = result.tables["months_free_difference"].data
    wide = means.set_index(["grouping", "group"])["estimate"]
    for row in gaps.itertuples():
        away = wide[row.grouping, row.group] - wide[row.grouping, first[row.grouping]]
        assert row.estimate == pytest.approx(away)
    worse = result.tables["worsening"].data
    assert (np.diff(worse["estimate"]) >= -1e-12).all()
    for reader in ("researcher", "funder"):
        assert release(result, Audience(reader), policy=policy_of(study)).tables


def test_what_is_not_recorded_is_said_and_the_rest_stands(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(6), waves=False)
    del tables["events"]
    tables["episodes"] = tables["episodes"].drop(columns="thin_line")
    result = describe_afterwards(write_study(tmp_path, tables))
    assert result.provenance.parameters["not_recorded"] == ["events", "scores_after", "thin_line"]
    assert set(result.tables["incidence"].data["event"]) == {"renewed_start"}
    assert "worsening" not in result.tables
    assert "scores_after" not in result.tables


@pytest.mark.parametrize("organisations", [1, 2, 60])
def test_one_two_and_sixty_organisations(organisations: int, tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(7), families=240, organisations=organisations)
    study = write_study(tmp_path, tables)
    result = describe_afterwards(study)
    assert result.tables["incidence"].data["n_organisations"].max() <= organisations
    release(result, Audience("researcher"), policy=policy_of(study))


def test_nobody_with_an_event(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(8), waves=False)
    del tables["events"]
    tables["episodes"] = tables["episodes"][tables["episodes"]["episode"] == "1"]
    result = describe_afterwards(write_study(tmp_path, tables))
    assert (result.tables["incidence"].data["estimate"] == 0).all()
    assert (result.tables["free"].data["estimate"] == 1).all()
    assert "hazards" not in result.tables


def test_no_end_no_good_end_and_no_time_after_it(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(9), families=40)
    codes = {}
    for name, change in (
        ("going_on", {"end": pd.NaT, "end_reason": ""}),
        ("badly", {"end_reason": "03"}),
        ("just_now", {"end": EXPORT}),
    ):
        episodes = tables["episodes"][tables["episodes"]["episode"] == "1"].assign(**change)
        study = write_study(tmp_path / name, {**tables, "episodes": episodes})
        with pytest.raises(NotApplicableError) as caught:
            describe_afterwards(study)
        codes[name] = caught.value.code
    assert codes == {
        "going_on": "no_ends", "badly": "no_good_ends", "just_now": "nobody_seen_afterwards",
    }  # fmt: skip


def test_who_is_on_record_only_after_the_end_counts_from_there(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(10))
    chosen = sorted(tables["episodes"]["family"].unique())[:60]
    ends = tables["episodes"].drop_duplicates("family").set_index("family")["end"]
    measured = tables["measurements"]
    late = measured["family"].isin(chosen)
    before = measured["date"] <= measured["family"].map(ends)
    tables["measurements"] = measured[~(late & before)]
    study = write_study(tmp_path, tables)
    ends_read = read_ends(study)
    entries = ends_read.rows["entry"]
    assert np.isfinite(entries).sum() > 5
    found = first_events(study, ends_read)
    assert (found.rows["time"] > found.rows["entry"]).all()
    assert found.came_late == int(np.isfinite(entries).sum())
    result = describe_afterwards(study)
    assert "came_late" in {note.code for note in result.notes}


def test_an_organisation_that_never_records_an_event_says_nothing_of_them(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(11), organisations=2)
    home = tables["episodes"].drop_duplicates("family").set_index("family")["organisation"]
    events = tables["events"]
    tables["events"] = events[events["family"].map(home) == "k0"]
    study = write_study(tmp_path, tables)
    result = describe_afterwards(study)
    events_found = result.events
    place = events_found.causes.index("placement")
    silent = (events_found.rows["organisation"] == "k1").to_numpy()
    assert np.isneginf(events_found.watched[silent, place]).all()
    assert np.isfinite(events_found.watched[~silent, place]).all()
    assert "organisations_without_events" in {note.code for note in result.notes}


def test_settings_are_the_studys(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(12))
    study = write_study(
        tmp_path, tables, more='[afterwards]\nhorizon_months = 12\ngood_ends = ["as_planned"]'
    )
    result = describe_afterwards(study)
    assert result.tables["free"].data["months_after"].max() == 12
    assert set(result.events.rows["end_reason"]) == {"as_planned"}
    with pytest.raises(ConfigError, match="good_ends"):
        write_study(tmp_path / "other", tables, more='[afterwards]\ngood_ends = ["well"]')
    with pytest.raises(ConfigError, match="renewed start"):
        write_study(tmp_path / "again", tables, more='[afterwards]\nevents = ["renewed_referral"]')


def test_waves_of_unknown_length_are_refused(tmp_path: Path) -> None:
    tables = ended_tables(np.random.default_rng(13), families=30)
    zero = pd.Timestamp("2021-01-01")
    for name, columns in (("episodes", ("start", "end")), ("measurements", ("date",)), ("events", ("date",))):
        for column in columns:
            tables[name][column] = (tables[name][column] - zero).dt.days // 30
    tables["measurements"] = tables["measurements"].drop_duplicates(["family", "date"])
    tables = {name: table.drop_duplicates() for name, table in tables.items()}
    study = write_study(tmp_path, tables, time='[time]\nkind = "numbers"\nunit = "waves"')
    with pytest.raises(NotApplicableError) as caught:
        describe_afterwards(study)
    assert caught.value.code == "afterwards_by_waves"
