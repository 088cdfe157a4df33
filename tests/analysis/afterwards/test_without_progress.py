"""Families without clear progress: recounted from the signals and the files, and where nothing is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_without_progress
from mpg_research.analysis import WithoutProgress, signals
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.study.model import Study
from tests.analysis.afterwards.ended_studies import write_study

MONTH = 30.4375


def made_tables(seed: int, *, families: int = 90) -> dict[str, pd.DataFrame]:
    """Families measured every month; a third of them do not get better. Some talks ended in a decision."""
    rng = np.random.default_rng(seed)
    family = np.array([f"f{i:04d}" for i in range(families)])
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 200, families), unit="D")
    helped = rng.integers(90, 600, families)
    slope = np.where(rng.random(families) < 0.35, 0.3, -2.0)
    rows = [
        (family[i], start[i] + pd.Timedelta(days=round(month * MONTH)),
         round(float(np.clip(60 + slope[i] * month + rng.normal(0, 4), 0, 120))))
        for i in range(families)
        for month in range(13)
        if month * MONTH <= helped[i]
    ]  # fmt: skip
    talks = [
        (family[i], start[i] + pd.Timedelta(days=int(rng.integers(150, 300))), code)
        for i in range(families)
        for code in [rng.choice(["go_on", "change", "stop", "hand_over"])]
        if rng.random() < 0.6
    ]
    return {
        "episodes": pd.DataFrame(
            {
                "family": family, "episode": "1", "organisation": [f"k{i % 4}" for i in range(families)],
                "worker": [f"w{i % 9}" for i in range(families)], "start": start,
                "end": start + pd.to_timedelta(helped, unit="D"),
                "end_reason": rng.choice(["01", "02", "03"], families),
            }
        ),
        "measurements": pd.DataFrame(rows, columns=["family", "date", "total"]),
        "decisions": pd.DataFrame(talks, columns=["family", "date", "decision"]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_study(tmp_path_factory.mktemp("progress"), made_tables(1))


@pytest.fixture(scope="module")
def found(study: Study) -> WithoutProgress:
    return describe_without_progress(study)


@pytest.fixture(scope="module")
def waves(study: Study) -> pd.DataFrame:
    return signals(study).tables["waves"].data


def test_progress_is_the_studys_own_answer_and_decisions_those_of_the_file(
    study: Study, found: WithoutProgress, waves: pd.DataFrame
) -> None:
    starts = study.tables["episodes"].set_index("family")["start"]
    ends = study.tables["episodes"].set_index("family")["end"]
    decisions = study.tables["decisions"]
    states, decided = {}, {}
    for family, mine in waves.groupby("family"):
        if (ends[family] - starts[family]).days / MONTH < 6 - 2 / MONTH:
            continue
        mine = mine[(mine["months"] >= 3) & (mine["months"] <= 7.5)]
        last = mine.iloc[-1] if len(mine) else None
        signal = "" if last is None else last["signal"]
        states[family] = {
            "": "not_measured", "on_track": "clear_progress", "off_track": "no_clear_progress",
            "may_stand_still": "no_clear_progress",
        }.get(signal, "cannot_tell")  # fmt: skip
        wave = None if last is None else starts[family] + pd.Timedelta(days=last["months"] * MONTH)
        theirs = decisions[decisions["family"] == family].sort_values("date")
        theirs = theirs[[
            wave is not None and -0.01 <= (day - wave).total_seconds() / 86400 / MONTH <= 3
            for day in theirs["date"]
        ]]  # fmt: skip
        decided[family] = theirs["decision"].iloc[0] if len(theirs) else "not_recorded"
    ours = found.families.set_index("family")
    assert ours["progress"].to_dict() == states
    assert ours["decision"].to_dict() == decided
    assert (ours["progress"] == "no_clear_progress").sum() >= 10
    shares = found.tables["progress"].data
    assert shares["estimate"].sum() == pytest.approx(1.0)
    assert shares["n_families"].sum() == len(ours)


def test_later_scores_and_ends_are_those_of_the_files(found: WithoutProgress, waves: pd.DataFrame) -> None:
    ours = found.families
    assert set(ours.loc[ours["ended_as"] == "ended_well", "end_reason"]) == {"as_planned", "early_agreed"}
    assert set(ours.loc[ours["ended_as"] == "dropped_out", "end_reason"]) == {"early_client"}
    assert ours["later"].notna().sum() >= 20
    for _, row in ours[ours["later"].notna()].iterrows():
        mine = waves[waves["family"] == row["family"]]
        apart = (mine["months"] - row["at"] - 6).abs()
        assert row["later"] == mine.loc[apart.idxmin(), "score"]
        assert apart.min() <= 1.5


@pytest.mark.parametrize("reader", ["researcher", "funder"])
def test_it_passes_the_gate(study: Study, found: WithoutProgress, reader: str) -> None:
    assert release(found, Audience(reader), policy=policy_of(study)).tables


def test_without_decisions_and_with_nobody_so_long(tmp_path: Path) -> None:
    tables = made_tables(2, families=60)
    del tables["decisions"]
    study = write_study(tmp_path, tables)
    found = describe_without_progress(study)
    assert found.provenance.parameters["decisions_recorded"] is False
    assert set(found.families["decision"]) == {"not_recorded"}
    with pytest.raises(NotApplicableError) as caught:
        describe_without_progress(study, months=59)
    assert caught.value.code == "nobody_so_long"
    with pytest.raises(ConfigError, match="above 0"):
        describe_without_progress(study, months=-1)
