"""Who is due for a talk, against a plain recount, and a family's history on one time axis."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import signals
from mpg_research.analysis.families.courses import read_courses
from mpg_research.analysis.monitoring.signals import Signals
from mpg_research.analysis.talk.due import REASONS, find_due
from mpg_research.analysis.talk.every_wave import look_at_every_wave
from mpg_research.analysis.talk.history import family_history, read_decisions
from mpg_research.errors import ConfigError
from mpg_research.study import load_study, shipped_example
from mpg_research.study.config.talk import TalkConfig
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

MONTH = 365.25 / 12


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def found(study: Study) -> Signals:
    return signals(study)


def recount(
    study: Study, found: Signals, day: date, talk: TalkConfig
) -> Iterator[tuple[str, dict[str, bool]]]:
    """Family by family with plain loops: who has running help, and each reason."""
    waves, episodes = look_at_every_wave(found, study).waves, study.tables["episodes"]
    now = pd.Timestamp(day)
    for family, mine in episodes.groupby("family"):
        runs = [row for row in mine.itertuples() if row.start <= now and not (row.end <= now)]
        if not runs:
            continue
        current = max(runs, key=lambda row: row.start)
        months = (now - current.start).days / MONTH
        own = waves[(waves["family"] == family) & (waves["episode"] == current.episode)]
        own = own[own["months"] <= months]
        last = [rows.iloc[-1] for _, rows in own.groupby("respondent")]
        mine = study.scores[(study.scores["family"] == family) & study.scores["raw"].notna()]
        mine = mine[mine["instrument"] == study.config.analysis.instrument]
        scored = [
            row.months for row in mine.itertuples() if row.episode == current.episode and row.months <= months
        ]
        clear, low = talk.clear_progress, 1 - talk.clear_progress
        told = {
            "off_track": any(row.signal == "off_track" for row in last),
            "worse": any(row.deteriorating or row.worse_chance >= clear for row in last),
            "unmeasured": months - max(scored, default=0.0) > talk.unmeasured_after,
            "evaluate": months >= talk.evaluate_after
            and any(row.wave > 0 for row in last)
            and not any(row.wave > 0 and (row.worse_chance <= low or row.at_limit == "best") for row in last),
        }
        still = any(row.signal == "may_stand_still" for row in last)
        yield str(family), {**told, "may_stand_still": still and not told["off_track"]}


@pytest.mark.parametrize("day", [None, date(2024, 3, 1), date(2023, 2, 1)])
def test_families_and_reasons_are_those_of_a_recount(study: Study, found: Signals, day: date | None) -> None:
    due = find_due(study, as_of=day, known=found)
    assert due.as_of == (day or date(2025, 6, 30))
    expected = dict(recount(study, found, due.as_of, due.talk))
    assert sum(due.running.values()) == len(expected)
    shown = due.families.set_index("family")
    for family, told in expected.items():
        assert (family in shown.index) == any(told.values())
        if family in shown.index:
            assert {name: bool(shown.loc[family, name]) for name in REASONS} == told
    assert set(shown.index) <= set(expected)
    assert not due.families["family"].duplicated().any()


def test_a_family_whose_help_ended_is_never_due(study: Study, found: Signals) -> None:
    ended = study.tables["episodes"].assign(end=pd.Timestamp("2025-06-29"))
    over = replace(study, tables={**study.tables, "episodes": ended})
    due = find_due(over, known=found)
    assert due.families.empty
    assert due.running == {}
    assert find_due(study, as_of=date(2000, 1, 1), known=found).families.empty


def test_the_limits_in_force_decide(study: Study, found: Signals) -> None:
    long, short = (
        replace(found, talk=TalkConfig(unmeasured_after=months, evaluate_after=months))
        for months in (120, 0.01)
    )
    late, soon = find_due(study, known=long).families, find_due(study, known=short).families
    assert not late[["unmeasured", "evaluate"]].any().any()
    assert soon["unmeasured"].sum() > 20
    assert set(late["family"]) < set(soon["family"])


def test_a_measured_family_without_case_mix_is_not_called_unmeasured(study: Study, found: Signals) -> None:
    due = find_due(study, known=found).families
    family = due.loc[~due["unmeasured"], "family"].iloc[0]
    episodes = study.tables["episodes"]
    unknown = episodes["child_age"].where(episodes["family"] != family)
    lacking = replace(study, tables={**study.tables, "episodes": episodes.assign(child_age=unknown)})
    again = find_due(lacking, known=found).families
    assert family not in set(again["family"])


def test_one_organisation_and_the_last_action(study: Study, found: Signals) -> None:
    everybody, one = find_due(study, known=found), find_due(study, organisation="hazelgaard", known=found)
    mine = everybody.families[everybody.families["organisation"] == "hazelgaard"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.families, mine)
    assert set(one.running) == {"hazelgaard"}
    done = study.tables["interventions"].sort_values("date").drop_duplicates("family", keep="last")
    latest = done.set_index("family")["intervention"]
    acted = everybody.families[everybody.families["last_what"] == "intervention"]
    assert len(acted) > 3
    assert (acted["last_action"].to_numpy() == latest[acted["family"]].to_numpy()).all()


def with_decisions(study: Study, rows: list[dict[str, object]]) -> Study:
    frame = pd.DataFrame(rows).assign(date=lambda data: pd.to_datetime(data["date"]))
    return replace(study, tables={**study.tables, "decisions": frame})


def test_a_decision_is_the_last_action_and_stands_in_the_history(study: Study, found: Signals) -> None:
    family = find_due(study, known=found).families["family"].iloc[0]
    start = study.tables["episodes"].set_index("family")["start"][family]
    rows = [
        {"family": family, "date": "2025-06-20", "decision": "change", "reason": "Tries another way"},
        {"family": family, "date": "2025-07-20", "decision": "stop", "reason": None},
        {"family": "nobody", "date": "2025-06-20", "decision": "stop", "reason": ""},
    ]
    decided = with_decisions(study, rows)
    (row,) = find_due(decided, known=found).families.query("family == @family").itertuples()
    assert (row.last_action, row.last_what) == ("change", "decision")
    assert row.last_ago == pytest.approx(10 / MONTH)
    made = read_decisions(decided)
    assert made["code"].tolist() == ["change", "stop"]
    assert made["reason"].tolist() == ["Tries another way", ""]
    courses = read_courses(study, respondents="both", episodes="all")
    moments = family_history(decided, courses, family, "1").moments
    mine = moments[moments["what"] == "decision"]
    assert mine["months"].iloc[0] == pytest.approx((pd.Timestamp("2025-06-20") - start).days / MONTH)
    assert len(read_decisions(study)) == len(study.tables["decisions"])
    tables = {name: table for name, table in study.tables.items() if name != "decisions"}
    assert read_decisions(replace(study, tables=tables)).empty


def test_earlier_help_lies_before_the_start(study: Study) -> None:
    episodes = study.tables["episodes"]
    family = episodes.loc[episodes["family"].duplicated(), "family"].iloc[0]
    first, second = episodes[episodes["family"] == family].sort_values("start").itertuples()
    courses = read_courses(study, respondents="both", episodes="all")
    later = family_history(study, courses, family, second.episode)
    (earlier,) = later.earlier.itertuples()
    assert earlier.months == pytest.approx(-(second.start - first.start).days / MONTH)
    assert earlier.months_end == pytest.approx(-(second.start - first.end).days / MONTH)
    assert family_history(study, courses, family, first.episode).earlier.empty
    both = [family_history(study, courses, family, one.episode).moments for one in (first, second)]
    shift = (second.start - first.start).days / MONTH
    np.testing.assert_allclose(both[0]["months"], both[1]["months"] + shift)


def test_it_takes_dates_and_an_organisation_that_is_there(study: Study, found: Signals, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = pd.DataFrame({"family": ["a", "a"], "months": [0.0, 1.0], "score": [20.0, 21.0]})
    with pytest.raises(ConfigError, match="with dates only"):
        find_due(make_study(tmp_path, data))
    with pytest.raises(ConfigError, match='no organisation "hazelgard"'):
        find_due(study, organisation="hazelgard", known=found)
