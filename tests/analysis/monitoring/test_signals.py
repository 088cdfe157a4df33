"""Expected courses, signals, and how well they foretell the end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import SignalQuality, evaluate_signals, expected_course, signals
from mpg_research.analysis.monitoring.end_forecast import months_to_go
from mpg_research.analysis.monitoring.expectation_model import make_folds
from mpg_research.analysis.monitoring.foretold import model_parts, predict_bad_end
from mpg_research.analysis.monitoring.limits import chance_limits
from mpg_research.analysis.monitoring.rules import (
    alarm_quality,
    highest_value,
    limit_for_false_alarms,
    limit_for_share,
    summarise_courses,
)
from mpg_research.errors import ConfigError, ModelError, NotApplicableError
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

#: Sums over waves run through all courses, so rounding reaches later ones.
SUMS = 1e-9


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
    columns = ["months", "expected", "band_low", "chance", "line_chance", "limit", "answer", "signal"]
    early = [f[(f["family"] == name) & (f["months"] <= 5)][columns] for f in (one, two)]
    pd.testing.assert_frame_equal(*early)
    late = two[(two["family"] == name) & (two["months"] > 5)]
    assert (late["signal"] == "off_track").all()
    assert late["beyond_band"].all()


@pytest.fixture(scope="module")
def quality(study: Study) -> SignalQuality:
    return evaluate_signals(study, replicates=2)


def rules_of(found: SignalQuality) -> pd.DataFrame:
    """The rules judged by the end that was asked for, of the last score."""
    rows = found.tables["rules"].data
    return rows[rows["target"] == found.provenance.parameters["target"]].set_index("rule")


def test_quality_is_judged_on_organisations_left_out(quality: SignalQuality) -> None:
    rules = rules_of(quality)
    assert set(rules.index) == {"chance", "naive_as_many", "naive", "chance_as_many", "band"}
    # A forecast from the course tells more than chance: sensitivity plus specificity well above 1.
    assert rules.loc["chance", "sensitivity"] + rules.loc["chance", "specificity"] > 1.25
    slope = quality.tables["calibration_summary"].data.set_index("quantity")["value"]
    assert 0.5 < slope["slope"] < 1.7
    assert slope["brier"] < slope["brier_without_signal"]
    assert quality.tables["published"].data[["sensitivity", "specificity"]].to_numpy().tolist() == [
        [0.63, 0.83]
    ]


def test_what_is_judged_is_what_is_shown(quality: SignalQuality, study: Study) -> None:
    shown = quality.given.tables["waves"].data
    between = (shown["wave"] > 0) & (shown.groupby("family")["wave"].transform("max") > shown["wave"])
    ever = (between & (shown["signal"] == "off_track")).groupby(shown["family"]).any()
    judged = set(quality.given.foretold.only_judged().rows["family"])
    rules = rules_of(quality)
    assert rules.loc["chance", "n_alarmed"] == ever[ever.index.isin(judged)].sum()
    pd.testing.assert_frame_equal(shown, signals(study, respondents="declared").tables["waves"].data)
    # By the other rule, off track is what the band says; every rule is judged all the same.
    band = evaluate_signals(study, rule="band", replicates=0)
    by_band = band.given.tables["waves"].data
    later = by_band["wave"] > 0
    assert ((by_band["signal"] == "off_track") == (by_band["beyond_band"] | by_band["deteriorating"]))[
        later
    ].all()
    pd.testing.assert_frame_equal(band.tables["rules"].data, quality.tables["rules"].data)


def test_false_alarms_are_about_as_many_as_asked_for(quality: SignalQuality, study: Study) -> None:
    rules = rules_of(quality)
    good = len(set(quality.given.foretold.only_judged().rows["course"])) - rules.loc["chance", "n_bad"]
    # Limits are learnt in the other organisations: three standard errors of the share, learnt and judged.
    error = 3 * np.sqrt(2 * 0.2 * 0.8 / good)
    assert 1 - rules.loc["chance", "specificity"] == pytest.approx(0.2, abs=error)
    fewer = signals(study, false_alarms=0.05).tables["waves"].data
    shown = quality.given.tables["waves"].data
    assert (fewer["limit"] > shown["limit"]).all()
    assert (fewer["signal"] == "off_track").sum() < (shown["signal"] == "off_track").sum()


def test_limits_come_from_other_organisations_only(data: pd.DataFrame) -> None:
    """Shuffling what became of an organisation's own families leaves its limits and chances alone."""
    rows = data.assign(course=data.groupby("family").ngroup()).reset_index(drop=True)
    rows["wave"] = rows.groupby("course").cumcount()
    part = rows["organisation"].to_numpy(dtype=str)
    altered = rows.copy()
    last = (rows["wave"] == rows.groupby("course")["wave"].transform("max")) & (part == "org_0")
    altered.loc[last, "score"] = altered.loc[last, "score"].to_numpy()[::-1]
    options = {"by": "organisations", "sign": -1.0, "margin": 0.0, "ended": np.ones(len(rows), dtype=bool)}
    one, two = (predict_bad_end(frame, (), part, **options) for frame in (rows, altered))
    own = part == "org_0"
    before = own & ~last
    limits = [chance_limits(foretold, 0.2)[0] for foretold in (one, two)]
    np.testing.assert_allclose(one.chance[before], two.chance[before], rtol=SUMS)
    np.testing.assert_allclose(limits[0][own], limits[1][own], rtol=SUMS)
    assert (np.abs(limits[0][~own] / limits[1][~own] - 1) > 100 * SUMS).all()


def test_the_chance_comes_true_and_tells_more_than_the_change_since_intake(tmp_path: Path) -> None:
    """Four hundred families: the chance of straight lines is known to come true, by the model they follow."""
    found = evaluate_signals(
        make_study(tmp_path, families(np.random.default_rng(14), n=400, organisations=4)),
        case_mix=(),
        replicates=0,
    )
    rows = found.tables["calibration"].data
    # Fifths of about 75 families: three standard errors of a share.
    error = 3 * np.sqrt(rows["predicted"] * (1 - rows["predicted"]) / rows["n_families"])
    assert ((rows["predicted"] - rows["observed"]).abs() < error).all()
    month = found.tables["by_month"].data
    assert (month["difference"] > 0).all()
    assert month["conf_low"].max() > 0
    rules = rules_of(found)
    gain = rules["sensitivity"] + rules["specificity"]
    assert gain["chance"] > gain["naive_as_many"]
    assert gain["chance"] > gain["band"]


def test_courses_that_still_run_have_no_end_to_be_judged_by(data: pd.DataFrame, tmp_path: Path) -> None:
    episodes = data.drop_duplicates("family").assign(episode="1", start=0.0)
    last = data.groupby("family")["months"].max().reindex(episodes["family"]).to_numpy()
    running = np.arange(len(episodes)) % 3 == 0
    episodes["end"] = np.where(running, np.nan, last + 0.5)
    columns = ["family", "episode", "organisation", "worker", "start", "end", "single_parent"]
    given = signals(make_study(tmp_path, data, episodes=episodes[columns], case_mix=("single_parent",)))
    judged = set(given.foretold.only_judged().rows["family"])
    assert judged
    assert judged <= set(episodes["family"][~running])
    assert any(note.code == "ended_courses" for note in given.notes)
    shown = given.tables["waves"].data
    assert shown["chance"].notna().all()


def test_few_ends_of_either_kind_are_said(study: Study) -> None:
    """Hardly anybody gets reliably worse here: a target with few events, and signals all the same."""
    found = evaluate_signals(study, target="deteriorated", replicates=0)
    (note,) = (note for note in found.notes if note.code == "few_events")
    rules = rules_of(found)
    assert note.values["n_bad"] == rules.loc["chance", "n_bad"] < 20
    assert found.given.margin == pytest.approx(
        -found.tables["settings"].data.set_index("quantity").loc["threshold", "value"]
    )


def test_time_to_go_is_learnt_from_courses_that_ran_longer() -> None:
    ends = np.arange(1.0, 31.0)
    found = months_to_go(np.array([0.0, 10.0, 28.0]), ends)
    assert found[0] == pytest.approx([4, 10, 16, 22, 28])
    assert found[1] == pytest.approx([3, 7, 11, 15, 19])
    # Only two ran longer than 28 months: the ten longest speak, and no forecast is shorter than a month.
    assert found[2] == pytest.approx([1, 1, 1, 1, 2])
    assert months_to_go(np.array([5.0]), ends, 6.0).tolist() == [[6.0]]


def test_parts_hold_whole_organisations_or_families() -> None:
    units = pd.DataFrame({"organisation": [f"o{n % 9}" for n in range(90)], "family": range(90)})
    part, by = model_parts(units)
    assert by == "organisations"
    assert len(set(part)) == 6
    assert (pd.Series(part).groupby(units["organisation"]).nunique() == 1).all()
    part, by = model_parts(units.assign(organisation="one"))
    assert by == "families"
    again, _ = model_parts(units.iloc[30:].assign(organisation="one"))
    assert np.array_equal(part[30:], again)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_organisations", [2, 29, 30, 31, 300])
def test_folds_never_split_an_organisation(seed: int, n_organisations: int) -> None:
    """Each organisation by itself up to thirty; beyond that the parts that chances are learnt across."""
    rng = np.random.default_rng(seed)
    names = np.concatenate([np.arange(n_organisations), rng.integers(0, n_organisations, 900) ** 2 // 300])
    names = np.minimum(names, n_organisations - 1)
    units = pd.DataFrame({"organisation": [f"o{n}" for n in names], "family": range(len(names))})
    fold, by = make_folds(units)
    assert by == "organisations"
    assert (pd.Series(fold).groupby(units["organisation"]).nunique() == 1).all()
    if n_organisations <= 30:
        assert np.array_equal(fold, units["organisation"])
    else:
        assert np.array_equal(fold, model_parts(units)[0])


def test_the_last_score_is_never_a_predictor() -> None:
    rows = pd.DataFrame({"course": [0, 0, 0, 1, 1, 1], "wave": [0, 1, 2] * 2, "months": [0.0, 1, 2] * 2})
    alarm = np.array([True, False, True, False, True, False])
    courses = summarise_courses(rows, alarm)
    assert courses["alarmed"].tolist() == [False, True]
    assert highest_value(rows, np.array([0.9, 0.2, 0.8, 0.1, 0.4, 1.0])).tolist() == [0.2, 0.4]
    quality = alarm_quality(courses, np.array([True, True]))
    assert quality.sensitivity[0] == 0.5
    assert quality.lead_time == 1
    assert np.isnan(quality.specificity[0])


def test_limits_alarm_the_share_asked_for() -> None:
    highest = np.array([0.1, 0.4, 0.3, 0.9])
    assert (highest >= limit_for_share(highest, 0.75)).sum() == 3
    assert limit_for_share(highest, 0.0) == np.inf
    # Ties cannot be parted: as near as they allow.
    assert limit_for_share(np.array([1.0, 1.0, 1.0, 2.0]), 0.5) == 2.0
    bad = np.array([False, True, False, True, False, False])
    highest = np.array([0.1, 0.4, 0.3, 0.9, 0.2, -np.inf])
    for share, number in ((0.25, 1), (0.49, 1), (0.5, 2), (0.0, 0)):
        limit = limit_for_false_alarms(highest, bad, share)
        assert (highest[~bad] >= limit).sum() == number
    assert limit_for_false_alarms(highest, np.ones(6, dtype=bool), 0.2) == -np.inf


def test_too_little_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    two = make_study(tmp_path / "two", families(rng, n=60, organisations=2))
    with pytest.raises(ModelError, match="three or more"):
        evaluate_signals(two)
    with pytest.raises(ConfigError, match="band"):
        expected_course(two, band=1.5)
    with pytest.raises(ConfigError, match="ahead"):
        signals(two, ahead=0)
    with pytest.raises(ConfigError, match="false_alarms"):
        signals(two, false_alarms=1.0)
    with pytest.raises(ConfigError, match="on_track"):
        signals(two, on_track=0.0)
    with pytest.raises(ConfigError, match="rule"):
        signals(two, rule="gut feeling")
    with pytest.raises(ConfigError, match="target"):
        signals(two, target="happy")
    few = make_study(tmp_path / "few", families(rng, n=6, organisations=2))
    with pytest.raises(ModelError, match="at least 10"):
        expected_course(few)


def test_one_organisation_is_expected_by_families(tmp_path: Path) -> None:
    found = expected_course(make_study(tmp_path, families(np.random.default_rng(13), n=60, organisations=1)))
    assert found.tables["folds"].data["by"].tolist() == ["families"]
    assert any(note.code == "folds_by_family" for note in found.notes)


def test_one_organisation_and_few_good_ends_still_get_signals(tmp_path: Path) -> None:
    rng = np.random.default_rng(15)
    found = signals(make_study(tmp_path / "one", families(rng, n=40, organisations=1)))
    assert found.provenance.parameters["parts"] == "families"
    assert {"foretold_by_family", "ends_unknown"} <= {note.code for note in found.notes}
    worse = families(rng, n=60, organisations=3).assign(score=lambda frame: 10 + 2 * frame["months"])
    worse["score"] += rng.integers(0, 3, len(worse))
    found = signals(make_study(tmp_path / "worse", worse))
    assert "limit_not_learnt" in {note.code for note in found.notes}
    assert (found.tables["waves"].data["limit"] == 0.5).all()
    assert set(found.tables["waves"].data.query("months > 6")["signal"]) == {"off_track"}


def test_organisations_without_scores_do_not_make_three(study: Study) -> None:
    two = study.scores[study.scores["organisation"] != "org_2"]
    with pytest.raises(NotApplicableError, match="has 2"):
        evaluate_signals(replace(study, scores=two))
