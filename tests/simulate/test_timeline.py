"""Care as a time line in the synthetic study: streams of its own, and what was planted is in the tables."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.simulate.study import simulate_study
from mpg_research.simulate.timeline.planted import PLANTED
from mpg_research.study import check_study

EXAMPLE = Path(__file__).parents[2] / "data" / "example"
# What stood in the example before it had a time line.
BEFORE = {
    "episodes": "8c832cffcddc7f4df019ecd50ca633f49e84109895ff1ccc6fa5c0e8b75be8ef",
    "measurements": "8fac35ac0a9ba6b4698dd6977bb01b782ec46a5e30ba299142aac8ceff3ee3d4",
    "care": "ecda392b2c7531de18dd8429ea5a1022f5457ab5eb426ca7ec01cf61b02b1881",
    "practice": "b6405c998b41547823cb3cf433fd3ddf5ec98b80e2173ef8e9d10d7c1f68b2a8",
}
NEW_COLUMNS = {
    "episodes": ["region", "referred", "thin_line", "satisfaction"],
    "care": ["n_visits", "at_home", "n_helpers", "worker_change_reason"],
    "practice": ["rater", "rater_role"],
}


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study large enough to find again what was planted."""
    folder = tmp_path_factory.mktemp("simulated") / "large"
    return simulate_study(folder, seed=5, families=3000, organisations=30, truth_families=0)


def without_timeline(name: str) -> pd.DataFrame:
    """A table of the example without the rows and columns of the time line."""
    frame = read(EXAMPLE, name)
    if name == "practice":
        frame = frame[frame["rater_role"] != "colleague"]
    if name == "measurements":
        ends = read(EXAMPLE, "episodes").set_index(["family", "episode"])["end"]
        end = pd.to_datetime(ends.reindex(pd.MultiIndex.from_frame(frame[["family", "episode"]])).to_numpy())
        late = (pd.to_datetime(frame["date"].to_numpy()) - end).days > 90
        frame = frame[(frame["instrument"] == "obvl_k") & ~late]
    return frame.drop(columns=NEW_COLUMNS.get(name, []))


@pytest.mark.parametrize("name", BEFORE)
def test_what_the_example_held_before_is_still_in_it(name: str) -> None:
    text = without_timeline(name).to_csv(index=False, lineterminator="\n").encode()
    assert hashlib.sha256(text).hexdigest() == BEFORE[name]


def test_every_new_column_and_table_is_filled() -> None:
    for table, columns in NEW_COLUMNS.items():
        frame = read(EXAMPLE, table)
        for column in columns:
            assert (frame[column] != "").any(), (table, column)
    for table in ("workers", "domains", "goals", "decisions", "conditions"):
        assert len(read(EXAMPLE, table)) > 10, table
    truth = tomllib.loads((EXAMPLE / "truth" / "timeline.toml").read_text(encoding="utf-8"))
    assert truth == PLANTED


def test_a_large_study_has_nothing_odd_but_what_is_known(large: Path) -> None:
    report = check_study(large)
    assert report.ok
    assert set(report.counts) <= {
        "after_end",
        "before_start",
        "family_without_measurements",
        "few_families",
        "care_after_end",
        "unused_scores",
        "not_scored",
    }, report.counts


def test_a_raters_drift_is_in_the_scores(large: Path) -> None:
    """Two raters on one day differ by what the truth says of them; long in the job is milder."""
    truth = read(large, "truth/workers").merge(read(large, "workers"), on=["organisation", "worker"])
    drift = truth["drift_per_year"].astype(float)
    assert drift.mean() == pytest.approx(PLANTED["severity"]["drift_per_year"], abs=0.01)
    episodes = read(large, "episodes")[["family", "episode", "organisation"]]
    rows = read(large, "domains").merge(episodes, on=["family", "episode"])
    rows = rows.merge(truth, left_on=["organisation", "rater"], right_on=["organisation", "worker"])
    years = (pd.to_datetime(rows["date"]) - pd.to_datetime(rows["start"])).dt.days / 365.25
    assert (years > 0).all()
    rows["expected"] = rows["severity_at_start"].astype(float) + years * rows["drift_per_year"].astype(float)
    rows["given"] = rows["severity"].astype(float)
    keys = ["family", "episode", "date", "domain"]
    pairs = rows.merge(rows, on=keys, suffixes=("", "_other"))
    pairs = pairs[pairs["rater"] < pairs["rater_other"]]
    x, y = pairs["expected"] - pairs["expected_other"], pairs["given"] - pairs["given_other"]
    slope = float((x * y).sum() / (x * x).sum())
    assert 0.8 < slope < 1.05  # a little less than 1: scores end at 0 and 4


def test_the_second_questionnaire_moves_with_the_first_as_planted(large: Path) -> None:
    truth = read(large, "truth/own_strength").iloc[:, 2:].astype(float)
    known = PLANTED["own_strength"]
    r = np.corrcoef(truth["slope_per_12_months"], truth["change_in_burden_12_months"])[0, 1]
    assert r == pytest.approx(known["correlation_of_slope_with_change_in_burden"], abs=0.04)
    assert truth["slope_per_12_months"].mean() == pytest.approx(known["slope_mean"], abs=0.04)
    forms = read(large, "measurements").query("instrument == 'own_strength'")
    items = forms[[f"item_{number:02d}" for number in range(1, 7)]].astype(int)
    assert items.to_numpy().min() == 1
    assert items.to_numpy().max() == 5
    assert (forms["item_07"] == "").all()
    correlations = np.corrcoef(items.to_numpy().T)
    assert correlations.min() > 0.15  # one direction


def test_relapse_is_rarer_with_a_thin_line(large: Path) -> None:
    after = read(large, "truth/afterwards")
    months = after["months_to_relapse"].astype(float).groupby(after["thin_line"]).mean()
    expected = np.exp(PLANTED["afterwards"]["log_hazard_ratio_thin_line"])
    assert months["0"] / months["1"] == pytest.approx(expected, abs=0.1)


def test_helpers_visits_and_reasons_are_possible(large: Path) -> None:
    care = read(large, "care")
    visits, at_home = care["n_visits"].astype(int), care["at_home"].astype(int)
    assert (at_home <= visits).all()
    assert (care["n_helpers"].astype(int) >= 1).all()
    same = (care[["family", "episode"]] == care[["family", "episode"]].shift()).all(axis=1)
    changed = same & (care["worker"] != care["worker"].shift())
    assert (care.loc[~changed, "worker_change_reason"] == "").all()
    planned = (care.loc[changed, "worker_change_reason"] == "planned").mean()
    known = PLANTED["workers"]
    assert planned == pytest.approx(known["change_planned"] * (1 - known["change_reason_unknown"]), abs=0.04)


def test_families_wait_before_the_start_and_longer_every_year(large: Path) -> None:
    episodes = read(large, "episodes").query("episode == '1' and referred != ''")
    start = pd.to_datetime(episodes["start"])
    wait = (start - pd.to_datetime(episodes["referred"])).dt.days
    assert (wait >= 0).all()
    growth = np.log(wait[start.dt.year == 2024].mean() / wait[start.dt.year == 2022].mean()) / 2
    assert growth == pytest.approx(PLANTED["flow"]["waiting_growth_per_year"], abs=0.06)
