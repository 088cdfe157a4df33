"""Bad input and edges of single courses: a defined answer or a clear refusal each, from the file on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import course, reliable_change, reliable_trend, sudden_changes
from mpg_research.errors import ConfigError, DataError, ModelError
from mpg_research.study.model import Study
from tests.analysis.families.test_family_courses import level_families
from tests.analysis.small_studies import make_study


def rows_of(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["family", "months", "score"])


def others(n: int = 30, months: tuple[float, ...] = (0, 1, 2, 3, 4, 5)) -> pd.DataFrame:
    """Families beside the one that a test is about."""
    return rows_of(
        *((f"o{i:02d}", month, 18 + (7 * i + 3 * k) % 17) for i in range(n) for k, month in enumerate(months))
    )


def with_family(folder: Path, *rows: tuple[float, float], **options: object) -> Study:
    mine = rows_of(*(("mine", month, score) for month, score in rows))
    return make_study(folder, pd.concat([others(), mine]), **options)


def of(result: object, table: str = "families") -> pd.DataFrame:
    data = result.tables[table].data
    return data[data["family"] == "mine"]


VERBS = (reliable_change, reliable_trend, course, sudden_changes)


def test_one_wave_only(tmp_path: Path) -> None:
    study = with_family(tmp_path, (0, 25))
    assert of(reliable_change(study))[["category", "reason"]].to_numpy().tolist() == [
        ["not_computable", "one_wave"]
    ]
    trend = reliable_trend(study)
    assert of(trend)["category"].tolist() == ["not_computable"]
    reasons = trend.tables["not_computable"].data
    assert reasons[["reason", "n_courses"]].to_numpy().tolist() == [["one_wave", 1]]
    assert of(course(study), "waves")["answer"].tolist() == ["not_enough_information"]
    steps = sudden_changes(study)
    judged = steps.tables["shares"].data.groupby("kind")["n_group"].first()
    assert (judged == 30).all()


@pytest.mark.parametrize(
    ("verb", "found"),
    [
        (reliable_change, "not_computable"), (reliable_trend, ModelError), (course, ModelError),
        (sudden_changes, ModelError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("score", [0, 20, 60])
def test_all_scores_equal_also_at_floor_and_ceiling(
    tmp_path: Path, verb: Callable[..., object], found: object, score: int
) -> None:
    study = make_study(tmp_path, others().assign(score=score))
    if isinstance(found, str):
        result = verb(study)
        assert set(result.tables["families"].data["category"]) == {found}
        codes = {note.code for note in result.notes}
        assert "no_spread_of_scores" in codes
        assert ("floor_or_ceiling" in codes) == (score != 20)
        with pytest.raises(ConfigError, match="positive standard deviation"):
            verb(study, functional=(10, 3))
        return
    with pytest.raises(found, match=r"do not spread.*[gG]ive \w+"):
        verb(study)


def test_standing_still_at_the_best_score_is_marked(tmp_path: Path) -> None:
    waves = [(float(month), 0.0) for month in range(25)]
    found = course(with_family(tmp_path, *waves), delta=6, error_sd=2)
    mine = of(found, "waves")
    assert mine["answer"].iloc[-1] == "stagnating"
    assert set(mine["at_limit"]) == {"best"}
    assert any(note.code == "stands_still_at_best" for note in found.notes)
    up = course(
        with_family(tmp_path / "up", *waves, direction="higher_is_better"), delta=6, error_sd=2
    )  # fmt: skip
    assert set(of(up, "waves")["at_limit"]) == {"worst"}


def test_a_start_at_floor_or_ceiling_is_noted(tmp_path: Path) -> None:
    found = reliable_change(with_family(tmp_path, (0, 60), (5, 40)))
    assert [note.values["n_courses"] for note in found.notes if note.code == "floor_or_ceiling"] == [1]


@pytest.mark.parametrize(
    ("direction", "post", "expected"),
    [("higher_is_worse", 10, "not_computable"), ("higher_is_better", 10, "not_computable")],
)
def test_pre_score_zero_has_no_percentage_and_is_counted_out(
    tmp_path: Path, direction: str, post: int, expected: str
) -> None:
    study = with_family(tmp_path, (0, 0), (5, post), direction=direction)
    found = reliable_change(study, percentage=0.5, important=4)
    mine = of(found)
    assert mine["percentage_class"].tolist() == [expected]
    assert mine["important_class"].tolist() == [
        "deteriorated" if direction == "higher_is_worse" else "improved"
    ]
    shares = found.tables["shares"].data.groupby("approach")["n_group"].first()
    assert shares["percentage"] == shares["reliable"] - 1


@pytest.mark.parametrize("reliability", [-0.2, 0.0, 1.0, 1.4, float("nan"), "0.8", True])
@pytest.mark.parametrize("verb", VERBS)
def test_impossible_reliability(tmp_path: Path, verb: Callable[..., object], reliability: object) -> None:
    with pytest.raises(ConfigError, match="reliability"):
        verb(make_study(tmp_path, others(n=4)), reliability=reliability)


def test_impossible_reliability_at_the_later_moment(tmp_path: Path) -> None:
    study = make_study(tmp_path, others(n=4))
    with pytest.raises(ConfigError, match="reliability_post"):
        reliable_change(study, method="NK", reliability_post=1.0)


def test_a_gap_of_a_year(tmp_path: Path) -> None:
    before = [(float(month), 40.0 + month % 2) for month in range(4)]
    after = [(float(month), 12.0 + month % 2) for month in range(16, 20)]
    study = with_family(tmp_path, *before, *after)
    assert of(reliable_change(study))["category"].tolist() == ["improved"]
    assert of(reliable_trend(study))["category"].tolist() == ["improved"]
    waves = of(course(study, delta=3, error_sd=3), "waves")
    assert waves["answer"].iloc[3] == "not_enough_information"
    assert waves["answer"].iloc[-1] == "improving"
    # Nobody knows whether the fall was sudden: there is no step across the gap.
    assert not len(of(sudden_changes(study, cutoff=7), "steps"))
    near = with_family(tmp_path / "near", *before, *((month - 12, score) for month, score in after))
    assert len(of(sudden_changes(near, cutoff=7), "steps")) == 1
    # With a longest gap given beyond a year, the step counts after all.
    assert len(of(sudden_changes(study, cutoff=7, longest_gap=24), "steps")) == 1


def test_a_missed_wave_keeps_its_place(tmp_path: Path) -> None:
    # Of the three places before the step, one was missed: 4.303 and 3.182, not 2.776, is the critical value.
    missed = [(0.0, 40.0), (2.0, 41.0), (3.0, 20.0), (4.0, 21.0), (5.0, 20.0)]
    found = of(sudden_changes(with_family(tmp_path, *missed), cutoff=7), "steps")
    assert found["months_before"].tolist() == [2.0]
    across = [(0.0, 40.0), (1.0, 41.0), (3.0, 20.0), (4.0, 21.0), (5.0, 20.0)]
    assert not len(of(sudden_changes(with_family(tmp_path / "across", *across), cutoff=7), "steps"))


def test_waves_on_the_same_day(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"twice|more than once|same"):
        with_family(tmp_path / "twice", (0, 20), (3, 25), (3, 15))
    # Two scores before and at the start are one moment: averaged, and noted.
    study = with_family(tmp_path / "start", (-0.5, 20), (0, 30), (3, 25))
    for verb in (*VERBS, reliable_change):
        assert "same_day_averaged" in {note.code for note in verb(study).notes}
    assert of(reliable_change(study))["pre"].tolist() == [25]
    assert of(course(study), "waves")["score"].tolist() == [25, 25]
    only = with_family(tmp_path / "only", (-0.5, 20), (0, 30))
    assert of(reliable_trend(only))["category"].tolist() == ["not_computable"]


def test_two_parents_who_disagree_stay_two_courses(tmp_path: Path) -> None:
    first = level_families(np.random.default_rng(7), n=12, waves=14, slope=-3).assign(
        score=lambda d: d["score"] + 20
    )
    second = first.assign(respondent="second_parent", score=20 + 3 * first["months"])
    data = pd.concat([first.assign(respondent="first_parent"), second])
    study = make_study(tmp_path, data.assign(score=data["score"].clip(0, 60)))
    for verb in (reliable_change, reliable_trend, course):
        found = verb(study, respondents="both")
        table = "waves" if verb is course else "families"
        per_family = found.tables[table].data.groupby("family")["respondent"].nunique()
        assert set(per_family) == {2}
        agree = found.tables["respondents"].data.set_index("class")["n_families"]
        assert agree["opposite"] == 12
        assert agree["same"] == 0
        shares = found.tables["shares"].data
        assert shares["n_families"].max() <= 12  # a family counts once in each class


@pytest.mark.parametrize("verb", VERBS)
def test_a_study_of_one_family(tmp_path: Path, verb: Callable[..., object]) -> None:
    study = make_study(tmp_path, rows_of(*(("mine", float(month), 30.0 - month) for month in range(8))))
    if verb is reliable_change:
        assert of(verb(study))["category"].tolist() == ["not_computable"]
        alone = of(verb(study, sd=4.0))
        assert alone["category"].tolist() == ["improved"]
        return
    with pytest.raises(ModelError, match="fewer than two families"):
        verb(study)
    given = {reliable_trend: {"sd": 4.0}, course: {"delta": 3, "error_sd": 2}, sudden_changes: {"sd": 4.0}}
    assert verb(study, **given[verb]).tables["shares"].data["n_families"].max() == 1


def test_nothing_hangs_on_later_months_where_the_reliability_is_estimated(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(3), n=40, waves=14)
    altered = data.copy()
    later = altered["months"] > 7
    altered.loc[later, "score"] += np.random.default_rng(4).integers(-4, 5, int(later.sum()))
    one, two = (
        course(make_study(tmp_path / name, frame, reliability=False))
        for name, frame in (("one", data), ("two", altered))
    )
    assert one.error.kind == two.error.kind == "within_families"
    assert one.error.reliability != two.error.reliability
    columns = ["family", "months", "answer", "slope", "conf_low", "margin_low", "error_sd"]
    early = [found.tables["waves"].data.query("months <= 7")[columns] for found in (one, two)]
    pd.testing.assert_frame_equal(*early)
    assert np.isfinite(early[0]["error_sd"]).any()


def test_answers_take_no_reliability_where_none_is_known(tmp_path: Path) -> None:
    data = level_families(np.random.default_rng(12), n=12, waves=25)
    study = make_study(tmp_path, data, reliability=False)
    found = course(study)
    assert found.error.origin == "unknown"
    settings = found.tables["settings"].data.set_index("quantity")["value"]
    assert np.isnan(settings["reliability"])
    assert found.tables["shares"].data.set_index("class")["n_families"]["stagnating"] > 6
    with pytest.raises(ConfigError, match="neither on file"):
        course(study, reliability="estimated")
    with pytest.raises(ConfigError, match="neither on file"):
        reliable_trend(study)
