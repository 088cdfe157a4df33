"""Measurements to episodes, and their place in time."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.study import load_study, read_config
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.scoring.place_in_time import assign_episodes, number_episodes, place_in_time
from tests.study.small import STUDY, small_study

WINDOW = 30
ITEMS = ",".join(f"item_{number:02d}" for number in range(1, 11))
ANSWERS = ",".join(["2"] * 10)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StudyConfig:
    return read_config(small_study(tmp_path_factory.mktemp("study")))


def dates(days: list[int | None]) -> pd.Series:
    values = [pd.NaT if day is None else pd.Timestamp("2024-01-01") + pd.Timedelta(days=day) for day in days]
    return pd.Series(values, dtype="datetime64[s]")


def frames(
    measured: list[int | None], periods: list[tuple[int, int | None]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    episodes = pd.DataFrame({"family": ["f"] * len(periods)})
    episodes["episode"] = [str(number) for number in range(len(periods))]
    episodes["start"] = dates([start for start, _ in periods])
    episodes["end"] = dates([end for _, end in periods])
    measurements = pd.DataFrame({"family": ["f"] * len(measured), "date": dates(measured)})
    return measurements, episodes


def by_hand(day: int, periods: list[tuple[int, int | None]]) -> int:
    """The rule of the docstring, one measurement at a time."""
    inside = [n for n, (start, end) in enumerate(periods) if start <= day and (end is None or day <= end)]
    if inside:
        return max(inside, key=lambda n: (periods[n][0], -n))
    soon = [n for n, (start, _) in enumerate(periods) if start - WINDOW <= day < start]
    if soon:
        return min(soon, key=lambda n: (periods[n][0], n))
    over = [n for n, (_, end) in enumerate(periods) if end is not None and end < day]
    if over:
        return max(over, key=lambda n: (periods[n][0], -n))
    return min(range(len(periods)), key=lambda n: (periods[n][0], n))


PERIODS = st.lists(
    st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 300))).map(
        lambda pair: (pair[0], None if pair[1] is None else pair[0] + pair[1])
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(st.integers(-100, 900), min_size=1, max_size=10), PERIODS)
def test_the_date_decides_as_by_hand(
    config: StudyConfig, measured: list[int], periods: list[tuple[int, int | None]]
) -> None:
    measurements, episodes = frames(measured, periods)
    got = assign_episodes(measurements, episodes, config)
    assert got.tolist() == [by_hand(day, periods) for day in measured]


def test_a_named_episode_is_kept_and_an_unknown_one_is_told(config: StudyConfig) -> None:
    measurements, episodes = frames([5, 5, 5], [(0, 10), (100, None)])
    measurements["episode"] = ["1", None, "7"]
    assert assign_episodes(measurements, episodes, config).tolist() == [1, 0, -1]
    measurements["family"] = "g"
    assert assign_episodes(measurements, episodes, config).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("day", "months", "phase"),
    [
        (-31, -31 / 30.4375, "before"),
        (-30, 0.0, "baseline"),
        (-1, 0.0, "baseline"),
        (0, 0.0, "baseline"),
        (1, 1 / 30.4375, "course"),
        (200, 200 / 30.4375, "course"),
        (201, 201 / 30.4375, "follow_up"),
        (None, np.nan, "undated"),
    ],
)
def test_months_and_phases(config: StudyConfig, day: int | None, months: float, phase: str) -> None:
    got, phases = place_in_time(dates([day]), dates([0]), dates([200]), config)
    np.testing.assert_equal(got[0], months)
    assert phases[0] == phase


@pytest.mark.parametrize(
    ("settings_text", "times", "months"),
    [
        ('unit = "days"', [0, 30.4375], [0.0, 1.0]),
        ('unit = "weeks"\norigin = 1', [1, 2], [0.0, 1.0]),
        ('unit = "years"', [0, 0.5], [0.0, 6.0]),
        ('unit = "waves"\norigin = 1\nmonths_per_unit = 3', [1, 3], [0.0, 6.0]),
        ('unit = "waves"', [0, 2], [0.0, 2.0]),
        ('unit = "months"', [-0.5, 1], [0.0, 1.0]),
        ('unit = "months"', [-1.5, 1], [-1.5, 1.0]),
    ],
)
def test_times_as_numbers(
    tmp_path: Path, settings_text: str, times: list[float], months: list[float]
) -> None:
    rows = "".join(f"1,{time},{ANSWERS}\n" for time in times)
    folder = small_study(
        tmp_path,
        toml=STUDY + f'[time]\nkind = "numbers"\n{settings_text}\n',
        episodes="family,organisation\n1,a\n",
        measurements=f"family,date,{ITEMS}\n{rows}",
    )
    np.testing.assert_allclose(load_study(folder).scores["months"], months, rtol=1e-15)


def test_episodes_are_numbered_by_their_start() -> None:
    _, episodes = frames([], [(50, None), (0, 10), (20, 30)])
    assert number_episodes(episodes.drop(columns="episode"))["episode"].tolist() == ["3", "1", "2"]


def test_months_do_not_depend_on_how_dates_are_written(tmp_path: Path) -> None:
    """Float identity: the same quotient of whole days."""
    start = date(2020, 2, 29)
    days = [1, 17, 365, 1000]
    forms = ["{0:%Y-%m-%d}", "{0:%d-%m-%Y}", "{0:%Y%m%d}", "{0:%Y-%m-%d}T12:34:56Z"]
    got = []
    for number, form in enumerate(forms):
        rows = "".join(f"1,{form.format(start + timedelta(days=day))},{ANSWERS}\n" for day in days)
        folder = small_study(
            tmp_path / str(number),
            episodes=f"family,organisation,start\n1,a,{form.format(start)}\n",
            measurements=f"family,date,{ITEMS}\n{rows}",
        )
        got.append(load_study(folder).scores["months"].tolist())
    assert got == [[day / (365.25 / 12) for day in days]] * 4
