"""Reliable change, trends, answers and steps of single families, from a study folder to the tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import course, reliable_change, reliable_trend, sudden_changes
from mpg_research.errors import ConfigError, ModelError
from mpg_research.study import load_study, shipped_example
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study


@pytest.fixture(scope="module")
def example() -> Study:
    return load_study(shipped_example())


def level_families(
    rng: np.random.Generator, n: int = 40, waves: int = 13, slope: float = 0.0
) -> pd.DataFrame:
    family, month = np.repeat(np.arange(n), waves), np.tile(np.arange(float(waves)), n)
    score = 30 + np.repeat(rng.normal(0, 5, n), waves) + slope * month + rng.normal(0, 2.5, n * waves)
    return pd.DataFrame(
        {
            "family": [f"f{number:03d}" for number in family],
            "months": month,
            "score": score.round(),
            "organisation": np.where(family % 2 == 0, "even", "odd"),
            "worker": [f"w{number % 7}" for number in family],
        }
    )


def test_model_errors_are_calibrated() -> None:
    from mpg_research.analysis.families.course_slopes import fit_course_model, total_slopes

    rng = np.random.default_rng(1)
    n, waves = 400, 7
    course_, months = np.repeat(np.arange(n), waves), np.tile(np.arange(float(waves)), n)
    true = -0.5 + rng.normal(0, 0.4, n)
    score = (
        25
        + np.repeat(rng.normal(0, 4, n), waves)
        + np.repeat(true, waves) * months
        + rng.normal(0, 3, n * waves)
    )
    rows = pd.DataFrame({"course": course_, "months": months, "score": score})
    model = fit_course_model(rows)
    assert model is not None
    slope, error = total_slopes(model, rows)
    covered = np.abs(slope - true) < 1.96 * error
    # Three standard errors of a coverage of .95 among 400 families.
    assert covered.mean() == pytest.approx(0.95, abs=0.033)


def test_true_fluctuation_floods_the_published_trend_but_not_ours(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    data = level_families(rng, n=150, waves=9)
    data["score"] = (data["score"] + rng.normal(0, 4, len(data))).round().clip(0, 60)
    found = reliable_trend(make_study(tmp_path, data), reliability=0.95)
    shares = found.tables["shares"].data.set_index(["approach", "class"])["estimate"]
    flagged = {a: 1 - shares[a, "no_reliable_trend"] for a in ("published", "within_person")}
    assert flagged["published"] > 0.25
    # Three standard errors of .05 among 150 families.
    assert flagged["within_person"] < 0.05 + 0.054
    assert found.error_sd > found.error.sem


def test_nothing_in_the_answers_at_a_wave_depends_on_later_months(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(3), n=30, waves=14)
    altered = data.copy()
    later = altered["months"] > 7
    altered.loc[later, "score"] = np.random.default_rng(4).integers(0, 60, int(later.sum()))
    one = course(make_study(tmp_path / "one", data)).tables["waves"].data
    two = course(make_study(tmp_path / "two", altered)).tables["waves"].data
    columns = ["family", "months", "answer", "slope", "conf_low", "conf_high", "error_sd"]
    pd.testing.assert_frame_equal(one[one["months"] <= 7][columns], two[two["months"] <= 7][columns])
    assert not one[one["months"] > 7]["slope"].equals(two[two["months"] > 7]["slope"])


def test_families_that_stand_still_are_called_so_when_waves_suffice(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(5), n=60, waves=25)
    found = course(make_study(tmp_path, data))
    assert found.needed.stagnating is not None
    assert found.needed.stagnating < 25
    shares = found.tables["shares"].data.set_index("class")["estimate"]
    assert shares["stagnating"] > 0.7
    assert shares["improving"] + shares["deteriorating"] < 0.1
    early = found.tables["shares_by_month"].data.set_index(["months", "class"])["estimate"]
    assert early[3.0, "not_enough_information"] == 1


def test_the_report_says_how_many_waves_an_answer_takes(example: Study) -> None:
    found = course(example)
    needed = found.tables["waves_needed"].data.set_index("question")["waves_needed"]
    assert needed["stagnating"] > needed["at_least"] > 3
    (note,) = [note for note in found.notes if note.code == "few_waves_for_an_answer"]
    waves = found.tables["waves"].data.groupby(["family", "episode", "respondent"]).size()
    # The reader is told what half of the families have, not what the longest course has.
    assert (waves < note.values["usual_waves"]).mean() >= 0.5
    assert (waves < note.values["usual_waves"] - 1).mean() <= 0.5
    assert found.tables["waves"].unit == "family"
    assert set(found.tables["shares"].data["class"]) == {
        "improving", "improving_less_than_delta", "stagnating", "deteriorating_less_than_delta",
        "deteriorating", "not_enough_information",
    }  # fmt: skip


def test_direction_turns_everything_round(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(6), slope=-0.8)
    mirrored = data.assign(score=60 - data["score"])
    down, up = (
        make_study(tmp_path / "a", data),
        make_study(tmp_path / "b", mirrored, direction="higher_is_better"),
    )
    for verb in (reliable_change, reliable_trend, course):
        one, two = verb(down).tables["shares"].data, verb(up).tables["shares"].data
        pd.testing.assert_frame_equal(one, two, rtol=1e-6)
    assert course(down).tables["shares"].data.set_index("class")["estimate"]["improving"] > 0.5


def test_two_parents_who_disagree_are_counted(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(7), n=12, waves=8, slope=-3)
    data["score"] = data["score"].clip(2, 60)
    second = data.assign(respondent="second_parent", score=(40 + 2 * data["months"]).clip(0, 60))
    study = make_study(tmp_path, pd.concat([data.assign(respondent="first_parent"), second]))
    for verb in (reliable_change, reliable_trend):
        found = verb(study, respondents="both")
        agree = found.tables["respondents"].data.set_index("class")["n_families"]
        assert agree["opposite"] >= 10
        assert "respondents" not in verb(study).tables


def test_edges_are_defined(tmp_path: Path) -> None:
    rows = [
        ("one", 0, 30),
        ("same", 0, 25),
        ("same", 3, 25),
        ("same", 6, 25),
        ("floor", 0, 0),
        ("floor", 2, 0),
    ]
    rows += [
        ("gap", 0, 40),
        ("gap", 1, 38),
        ("gap", 14, 12),
        ("twice", -0.5, 20),
        ("twice", 0, 24),
        ("twice", 5, 22),
    ]
    rows += [("late", 4, 30), ("late", 9, 20)]
    study = make_study(tmp_path, pd.DataFrame(rows, columns=["family", "months", "score"]))
    change = reliable_change(study, percentage=0.5, important=4)
    mine = change.tables["families"].data.set_index("family")
    assert mine.loc["one", "reason"] == "one_wave"
    assert mine.loc["late", "reason"] == "no_intake_score"
    assert mine.loc["floor", "percentage_class"] == "not_computable"
    assert mine.loc["gap", "percentage_class"] == "improved"
    assert mine.loc["same", "category"] == "unchanged"
    trend = reliable_trend(study).tables["families"].data.set_index("family")
    assert trend.loc["one", "category"] == "not_computable"
    waves = course(study, delta=3).tables["waves"].data
    assert set(waves[waves["family"] == "one"]["answer"]) == {"not_enough_information"}
    assert (waves[waves["family"] == "floor"]["at_limit"] == "best").all()
    # Two scores within the baseline window are one moment: averaged. (One date twice is refused on loading.)
    assert waves[waves["family"] == "twice"]["score"].tolist() == [22, 22]
    steps = sudden_changes(study)
    assert len(steps.tables["steps"].data) == 0


def test_all_scores_equal_is_refused_or_not_computable(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(8), n=6, waves=4).assign(score=20)
    study = make_study(tmp_path, data)
    found = reliable_change(study)
    assert set(found.tables["families"].data["category"]) == {"not_computable"}
    assert any(note.code == "no_spread_of_scores" for note in found.notes)
    with pytest.raises(ModelError, match="do not spread"):
        course(study)
    with pytest.raises(ModelError, match="do not spread"):
        reliable_trend(study)


@pytest.mark.parametrize("reliability", [0.0, 1.0, -2.0, 1.3, "guess"])
def test_impossible_reliability_is_refused(example: Study, reliability: float | str) -> None:
    for verb in (reliable_change, reliable_trend, course, sudden_changes):
        with pytest.raises(ConfigError, match="reliability"):
            verb(example, reliability=reliability)


def test_unknown_reliability_must_be_given(tmp_path: Path) -> None:
    study = make_study(tmp_path, level_families(np.random.default_rng(9), n=6), reliability=False)
    with pytest.raises(ConfigError, match="neither on file"):
        reliable_change(study)
    assert reliable_change(study, reliability=0.7).error.origin == "given"


def test_choices_that_mean_nothing_are_refused(example: Study) -> None:
    with pytest.raises(ConfigError, match="T-score"):
        reliable_change(example, percentage=0.5, outcome="t_score")
    with pytest.raises(ConfigError, match="method"):
        reliable_change(example, method="XX")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="delta"):
        course(example, delta=-1)
    with pytest.raises(ConfigError, match="functional"):
        reliable_change(example, cutoff="b")


def test_shares_stay_within_their_group(example: Study) -> None:
    found = reliable_change(example)
    own = found.tables["shares_by_organisation"].data
    sums = own.groupby("organisation")["estimate"].sum()
    np.testing.assert_allclose(sums, 1.0)
    pooled = found.tables["shares"].data
    assert pooled["n_families"].sum() == own["n_families"].sum()
    assert (own["clustered_high"] - own["clustered_low"] >= 0).all()


def test_the_example_has_sudden_changes_that_meet_their_criteria(example: Study) -> None:
    found = sudden_changes(example)
    steps = found.tables["steps"].data
    gains = steps[steps["kind"] == "gain"]
    assert len(gains)
    assert (gains["score_before"] - gains["score_after"] >= found.cutoff).all()
    assert (gains["months_after"] - gains["months_before"] <= 2.2).all()


def test_totals_without_a_source_get_an_estimate_from_repeated_scores(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(10), n=200, waves=6)
    found = reliable_change(make_study(tmp_path, data, reliability=False))
    assert found.error.kind == "within_families"
    # True reliability 25 / (25 + 2.5^2 + 1/12 for rounding) = .798; 200 families find it within .05.
    assert found.error.reliability == pytest.approx(0.798, abs=0.05)


def test_the_error_rate_holds_where_the_error_is_estimated_from_the_study(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    data = level_families(rng, n=400, waves=13)
    data["score"] = (data["score"] + rng.normal(0, 3, len(data))).round().clip(0, 60)
    waves = course(make_study(tmp_path, data), reliability=0.95).tables["waves"].data
    wrong = waves["answer"].str.contains("improving|deteriorating").groupby(waves["family"]).any()
    # At most .05 per course over all looks; three standard errors of that share among 400 families.
    assert wrong.mean() < 0.05 + 0.033


def test_group_level_is_given_for_all_and_per_organisation(example: Study) -> None:
    found = reliable_change(example, percentage=0.25, important=3.0)
    pooled = found.tables["group_change"].data.set_index("approach")
    assert pooled.loc["important", "estimate"] == pytest.approx(
        found.tables["families"].data["change"].mean()
    )
    assert pooled.loc["important", "class"].endswith("improvement")
    own = found.tables["group_change_by_organisation"].data
    assert set(own["organisation"]) == set(example.organisations)
    assert own[own["approach"] == "important"]["n_families"].sum() == pooled.loc["important", "n_families"]


def test_where_no_number_of_waves_is_enough_none_is_named(example: Study) -> None:
    found = course(example, delta=0.01)
    assert found.needed.stagnating is None
    codes = [note.code for note in found.notes]
    assert "no_waves_for_an_answer" in codes
    assert "few_waves_for_an_answer" not in codes


@pytest.mark.parametrize("carry", [0.0, 0.6])
def test_swings_that_last_are_no_reliable_trend(tmp_path: Path, carry: float) -> None:
    rng = np.random.default_rng(14)
    n, waves = 300, 12
    swing = rng.normal(0, 3, (n, waves))
    for wave in range(1, waves):
        swing[:, wave] = carry * swing[:, wave - 1] + np.sqrt(1 - carry**2) * swing[:, wave]
    data = level_families(rng, n=n, waves=waves)
    data["score"] = (30 + np.repeat(rng.normal(0, 5, n), waves) + swing.ravel()).round().clip(0, 60)
    found = reliable_trend(make_study(tmp_path, data))
    shares = found.tables["shares"].data.query("approach == 'within_person'").set_index("class")["estimate"]
    # Three standard errors of .05 among 300 families.
    assert 1 - shares["no_reliable_trend"] <= 0.05 + 0.038
