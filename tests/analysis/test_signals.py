"""Expected courses, signals, and how well they foretell the end."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import evaluate_signals, expected_course, signals
from mpg_research.analysis.alarm_rules import alarm_quality, best_threshold, highest_risk, summarise_courses
from mpg_research.errors import ConfigError, ModelError
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study


def families(rng: np.random.Generator, n: int = 150, organisations: int = 3) -> pd.DataFrame:
    """Lines with normal errors, one case-mix column that matters; some waves missing, courses that end."""
    waves = np.arange(13.0)
    single = rng.random(n) < 0.5
    level = 30 + 4 * single + rng.normal(0, 4, n)
    slope = -0.4 + rng.normal(0, 0.35, n)
    end = rng.integers(4, 13, n)
    score = level[:, None] + slope[:, None] * waves + rng.normal(0, 2.5, (n, 13))
    seen = (rng.random((n, 13)) > 0.15) & (waves <= end[:, None])
    seen[:, 0] = True
    who, wave = np.nonzero(seen)
    return pd.DataFrame(
        {
            "family": [f"f{number:03d}" for number in who],
            "months": waves[wave],
            "score": np.clip(np.rint(score[who, wave]), 0, 60),
            "organisation": [f"org_{number % organisations}" for number in who],
            "worker": [f"w{number % 11}" for number in who],
            "single_parent": np.where(single[who], "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return families(np.random.default_rng(11))


@pytest.fixture(scope="module")
def study(data: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"), data, case_mix=("single_parent",))


def test_bands_hold_their_share_of_families_not_seen_before(study: Study) -> None:
    found = expected_course(study)
    table = found.tables["calibration"].data
    for level, mine in table.groupby("level"):
        weights = mine["n_measurements"]
        covered = np.average(mine["coverage"], weights=weights)
        # About 1000 scores of 150 families: a generous three standard errors with 150 independent ones.
        assert covered == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 150))
    assert found.tables["folds"].data["by"].tolist() == ["organisations"]
    assert {
        table.unit for name, table in found.tables.items() if name in ("waves", "bands", "forecasts")
    } == {"family"}


def test_case_mix_and_intake_shift_the_band(study: Study, data: pd.DataFrame) -> None:
    bands = expected_course(study).tables["bands"].data
    at_six = bands[bands["months"] == 6].set_index("family")["expected"]
    intake = data[data["months"] == 0].set_index("family")
    high = intake["score"] > intake["score"].median()
    assert at_six[high].mean() > at_six[~high].mean() + 3
    alike = intake[intake["score"].between(31, 33)]
    parents = alike["single_parent"] == "yes"
    assert at_six[alike.index[parents]].mean() > at_six[alike.index[~parents]].mean()


def test_signals_of_a_family_do_not_use_its_later_waves(
    study: Study, data: pd.DataFrame, tmp_path: Path
) -> None:
    name = "f001"
    altered = data.copy()
    altered.loc[(altered["family"] == name) & (altered["months"] > 5), "score"] = 60
    options = {"error_sd": 3.0, "delta": 3.0}
    one = signals(study, **options).tables["waves"].data
    two = signals(make_study(tmp_path, altered, case_mix=("single_parent",)), **options).tables["waves"].data
    columns = ["months", "expected", "band_low", "risk", "answer", "signal"]
    early = [f[(f["family"] == name) & (f["months"] <= 5)][columns] for f in (one, two)]
    pd.testing.assert_frame_equal(*early)
    late = two[(two["family"] == name) & (two["months"] > 5)]
    assert (late["signal"] == "off_track").all()


def test_quality_is_judged_on_organisations_left_out(study: Study) -> None:
    found = evaluate_signals(study)
    rules = found.tables["rules"].data.set_index("rule")
    assert set(rules.index) == {"naive", "signals", "forecast", "forecast_as_many"}
    # A forecast from the course tells more than chance: sensitivity plus specificity well above 1.
    assert rules.loc["forecast", "sensitivity"] + rules.loc["forecast", "specificity"] > 1.25
    slope = found.tables["calibration_summary"].data.set_index("quantity")["value"]
    assert 0.5 < slope["slope"] < 1.7
    assert slope["brier"] < slope["brier_without_signal"]
    assert found.tables["published"].data[["sensitivity", "specificity"]].to_numpy().tolist() == [
        [0.63, 0.83]
    ]


def test_the_last_score_is_never_a_predictor() -> None:
    rows = pd.DataFrame({"course": [0, 0, 0, 1, 1, 1], "wave": [0, 1, 2] * 2, "months": [0.0, 1, 2] * 2})
    alarm = np.array([True, False, True, False, True, False])
    courses = summarise_courses(rows, alarm)
    assert courses["alarmed"].tolist() == [False, True]
    assert highest_risk(rows, np.array([0.9, 0.2, 0.8, 0.1, 0.4, 1.0])).tolist() == [0.2, 0.4]
    quality = alarm_quality(courses, np.array([True, True]))
    assert quality.sensitivity[0] == 0.5
    assert quality.lead_time == 1
    assert np.isnan(quality.specificity[0])


def test_thresholds_alarm_the_share_asked_for() -> None:
    highest, bad = np.array([0.1, 0.4, 0.3, 0.9]), np.array([False, True, False, True])
    assert best_threshold(highest, bad) == 0.4
    assert (highest >= best_threshold(highest, bad, share=0.75)).sum() == 3
    assert best_threshold(highest, bad, share=0.0) == np.inf


def test_too_little_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    two = make_study(tmp_path / "two", families(rng, n=60, organisations=2))
    with pytest.raises(ModelError, match="three or more"):
        evaluate_signals(two)
    with pytest.raises(ConfigError, match="band"):
        expected_course(two, band=1.5)
    with pytest.raises(ConfigError, match="ahead"):
        signals(two, ahead=0)
    few = make_study(tmp_path / "few", families(rng, n=6, organisations=2))
    with pytest.raises(ModelError, match="at least 10"):
        expected_course(few)


def test_one_organisation_is_expected_by_families(tmp_path: Path) -> None:
    found = expected_course(make_study(tmp_path, families(np.random.default_rng(13), n=60, organisations=1)))
    assert found.tables["folds"].data["by"].tolist() == ["families"]
    assert any(note.code == "folds_by_family" for note in found.notes)
