"""Page, signals and tables say the same of every wave, of random courses and of the example's simulator."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import describe_family, signals
from mpg_research.analysis.families.courses import COURSE_KEYS
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.analysis.monitoring.signals import Signals
from mpg_research.analysis.talk import every_wave
from mpg_research.analysis.talk.called import called_since, since_before
from mpg_research.analysis.talk.every_wave import EveryWave, look_at_every_wave, part_of
from mpg_research.simulate.study import simulate_study
from mpg_research.study import load_study
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

#: Both ways run the same sums over other rows before and after.
SUMS = 1e-9
NUMBERS = (
    "expected", "band_low", "band_high", "chance", "limit", "line_chance", "still_limit", "no_better_chance",
    "worse_chance", "improving_chance",
)  # fmt: skip


def random_rows(rng: np.random.Generator) -> pd.DataFrame:
    """Courses of any shape: level, slope, bend, jump and swings of their own, one or two respondents."""
    n, waves = int(rng.integers(40, 70)), 10
    organisations = int(rng.choice([1, 2, 3, 5]))
    t = np.arange(waves) + rng.uniform(0, 0.4, (n, waves))
    course = rng.normal(30, 5, (n, 1)) + rng.normal(-0.2, 0.5, (n, 1)) * t
    course += rng.normal(0, 2, (n, 1)) * np.log1p(t) + rng.normal(0, 3, (n, 1)) * (
        t > rng.uniform(2, 8, (n, 1))
    )
    frames = []
    for respondent, share in (("first_parent", 0.95), ("second_parent", 0.3)):
        score = np.clip(np.rint(course + rng.normal(0, 2.5, t.shape)), 0, 60)
        seen = (rng.random(t.shape) > 0.2) & (np.arange(waves) < rng.integers(1, waves + 1, (n, 1)))
        seen &= (rng.random(n) < share)[:, None]
        who, wave = np.nonzero(seen)
        frames.append(
            pd.DataFrame(
                {
                    "family": [f"f{number:03d}" for number in who],
                    "respondent": respondent,
                    "months": t[who, wave],
                    "score": score[who, wave],
                    "organisation": [f"org_{number % organisations}" for number in who],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def agree(study: Study, found: Signals, every: EveryWave, families: list[str]) -> None:
    """The page's wave, the table's wave and the count in the shares are one."""
    keys = [*COURSE_KEYS, "wave"]
    table = found.tables["waves"].data
    both = every.waves.merge(table, on=keys, suffixes=("", "_table"))
    assert len(both) == len(table)
    assert (both["signal"] == both["signal_table"]).all()
    for name in NUMBERS:
        np.testing.assert_array_equal(both[name], both[f"{name}_table"])
    last = table.groupby(list(COURSE_KEYS)).tail(1)
    last = last[last["wave"] > 0]
    shares = found.tables["shares"].data.set_index("class")["n_families"]
    for signal in shares.index:
        assert shares[signal] == last.loc[last["signal"] == signal, "family"].nunique()
    for family in families:
        page = describe_family(study, family, known=found)
        mine = every.waves[(every.waves["family"] == family) & (every.waves["episode"] == page.episode)]
        shown = page.tables["waves"].data.merge(mine, on=["respondent", "wave"], suffixes=("", "_every"))
        assert len(shown) == len(page.tables["waves"].data)
        assert (shown["signal"] == shown["signal_every"]).all()
        summary = page.tables["summary"].data.set_index("respondent")
        for respondent, mine in page.tables["waves"].data.groupby("respondent"):
            end = mine.iloc[-1]
            assert summary.loc[respondent, "signal"] == end["signal"]
            assert (summary.loc[respondent, "since"] > -1) == (end["signal"] in CALLS)


@pytest.mark.parametrize("seed", range(3))
def test_page_signals_and_tables_agree_on_random_courses(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(700 + seed)
    study = make_study(tmp_path, random_rows(rng))
    found = signals(study)
    every = look_at_every_wave(found, study)
    agree(study, found, every, sorted(found.courses.units["family"].unique())[:3])
    rule = every.waves
    assert set(rule["signal"]) <= {"intake", "off_track", "may_stand_still", "on_track", "cannot_tell"}
    assert ((rule["signal"] == "off_track") == ((rule["wave"] > 0) & (rule["chance"] >= rule["limit"]))).all()
    still = rule["signal"] == "may_stand_still"
    strict = rule["deteriorating"] | (rule["answer"] == "stagnating")
    assert (rule.loc[still & ~strict, "line_chance"] >= rule.loc[still & ~strict, "still_limit"]).all()
    assert rule.loc[rule["deteriorating"] & (rule["wave"] > 0), "signal"].isin(CALLS).all()
    for name in ("no_better_chance", "worse_chance", "improving_chance", "line_chance"):
        assert rule[name].dropna().between(0, 1).all()
    assert (rule["worse_chance"].isna() == (rule["wave"] == 0)).all()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("simulated") / "study"
    simulate_study(folder, seed=77, families=90, truth_families=0)
    return load_study(folder)


@pytest.fixture(scope="module")
def found(simulated: Study) -> Signals:
    return signals(simulated)


def test_they_agree_in_a_study_with_case_mix_and_several_periods(simulated: Study, found: Signals) -> None:
    every = look_at_every_wave(found, simulated)
    agree(simulated, found, every, ["", *found.courses.units["family"]][1:3])
    assert len(every.waves) > len(found.tables["waves"].data)
    assert every.waves[["signal", "chance", "limit"]].notna().all().all()


@pytest.fixture(scope="module")
def found_of_many(tmp_path_factory: pytest.TempPathFactory) -> Signals:
    """So many organisations that groups of them are left out, not each by itself."""
    folder = tmp_path_factory.mktemp("many") / "study"
    simulate_study(folder, seed=31, families=160, organisations=31, truth_families=0)
    return signals(load_study(folder))


@pytest.mark.parametrize("few_or_many", ["found", "found_of_many"])
def test_looking_again_at_known_courses_says_the_same(
    few_or_many: str, request: pytest.FixtureRequest
) -> None:
    """What second parents and later periods are looked at by is what ``signals`` itself looked by."""
    found: Signals = request.getfixturevalue(few_or_many)
    chosen = found.courses.units["course"].to_numpy()[::3]
    again = every_wave._by_known_models(found, part_of(found.courses, chosen))
    keys = [*COURSE_KEYS, "wave"]
    both = again.merge(found.tables["waves"].data, on=keys, suffixes=("", "_known"))
    assert len(both) == len(again)
    for name in NUMBERS:
        np.testing.assert_allclose(both[name], both[f"{name}_known"], rtol=SUMS, atol=SUMS)
    assert (both["signal"] == both["signal_known"]).all()
    assert (both["answer"] == both["answer_known"]).all()


def test_a_row_of_calls_begins_after_the_last_quiet_wave() -> None:
    waves = pd.DataFrame(
        {"months": [0.0, 1, 2, 3], "signal": ["intake", "off_track", "on_track", "off_track"]}
    )
    assert called_since(waves) == 3.0
    assert called_since(waves.iloc[:2]) == 1.0
    assert np.isnan(called_since(waves.iloc[:3]))
    assert np.isnan(called_since(waves.iloc[:0]))


def test_what_changed_is_said_of_the_last_two_waves_only() -> None:
    rows = pd.DataFrame(
        {
            **dict.fromkeys(COURSE_KEYS, "one"),
            "course": [0, 0, 0, 1],
            "months": [0.0, 1, 2, 0],
            "score": [30.0, 28, 20, 30],
            "signal": ["intake", "cannot_tell", "on_track", "intake"],
            "no_better_chance": [0.5, 0.5, 0.2, 0.5],
        }
    )
    for sign, error, moved in ((-1.0, 5.0, "better"), (1.0, 5.0, "worse"), (-1.0, 8.0, "same")):
        (pair,) = since_before(rows, sign=sign, error=error).itertuples()
        assert (pair.months_before, pair.months) == (1.0, 2.0)
        assert (pair.signal_before, pair.signal, pair.moved) == ("cannot_tell", "on_track", moved)
