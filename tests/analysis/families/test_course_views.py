"""Lanes and strands stand for ten families or more, hold every family once, and average what they say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import course
from mpg_research.analysis.families.grouped_views import STARTS, lane_table, strand_table
from mpg_research.analysis.families.shares import join_small
from mpg_research.disclosure import Audience, release
from mpg_research.study import load_study, shipped_example
from tests.analysis.families.test_family_courses import level_families
from tests.analysis.small_studies import make_study
from tests.exact_policy import exact_policy

LEAST = 10


def waves_of(answers: list[list[str]], scores: list[list[float]] | None = None) -> pd.DataFrame:
    rows = [
        (number, wave, f"f{number}", "org", float(wave), answer, scores[number][wave] if scores else 20.0)
        for number, course_ in enumerate(answers)
        for wave, answer in enumerate(course_)
    ]
    columns = ["course", "wave", "family", "organisation", "months", "answer", "score"]
    return pd.DataFrame(rows, columns=columns)


def test_lanes_average_when_the_answer_came_and_how_long_families_were_measured() -> None:
    unknown = "not_enough_information"
    early = [[unknown, "improving", "improving"]] * 10
    late = [[unknown, "improving", unknown, unknown, "improving", "improving"]] * 12
    still = [[unknown, unknown]] * 11
    found = lane_table(waves_of(early + late + still), minimum=10).data
    assert found["class"].tolist() == ["improving", "improving", unknown]
    # Of the 22, the ten shortest and one longer course make the first lane; answers stood from 1 and from 4.
    assert found["n_families"].tolist() == [11, 11, 11]
    assert found["months_to_answer"].tolist()[:2] == pytest.approx([(10 * 1 + 4) / 11, 4])
    assert np.isnan(found["months_to_answer"].iloc[2])
    assert found["months_measured"].tolist() == pytest.approx([(10 * 2 + 5) / 11, 5, 1])


def test_small_answers_are_joined_and_never_alone() -> None:
    units = pd.DataFrame({"family": [f"f{i}" for i in range(60)], "a": ["x"] * 40 + ["y"] * 12 + ["z"] * 8})
    joined = join_small(units, "a", ("x", "y", "z"), minimum=10).value_counts()
    assert joined.to_dict() == {"together": 48, "y": 12}
    named = join_small(units.replace({"a": {"x": "unchanged"}}), "a", ("unchanged", "y", "z"), minimum=10)
    assert named.value_counts().to_dict() == {"unchanged_or_rare": 48, "y": 12}
    units["a"] = ["x"] * 40 + ["y"] * 11 + ["z"] * 9
    units.loc[40:45, "a"] = "w"
    # Five, six and nine are twenty together: they need nobody else.
    assert join_small(units, "a", ("x", "y", "z", "w"), minimum=10).value_counts().to_dict() == {
        "x": 40,
        "together": 20,
    }
    assert set(join_small(units[units["a"] == "z"], "a", ("x", "z"), minimum=10)) == {"z"}


def test_strands_stand_together_by_start_and_change() -> None:
    rng = np.random.default_rng(5)
    start, slope = rng.integers(10, 40, 150), rng.normal(0, 2, 150)
    scores = [[float(a + b * wave) for wave in range(7)] for a, b in zip(start, slope, strict=True)]
    waves = waves_of([["improving"] * 7] * 150, scores)
    found = strand_table(waves, minimum=10).data
    assert set(found["start"]) == set(STARTS)
    first = found[found["months"] == 0]
    assert first["n_families"].sum() == 150
    assert (first["n_families"] >= LEAST).all()
    means = first.groupby("start")["mean"].mean().reindex(STARTS).to_numpy()
    assert (np.diff(means) > 0).all()
    last = found[found["months"] == 6].set_index(["start", "strand"])["mean"]
    change = last - first.set_index(["start", "strand"])["mean"]
    for name in STARTS:
        assert (np.diff(change[name]) > 0).all()
    weighted = (first["mean"] * first["n_families"]).sum() / 150
    # The first point is about the waves nearest to month 0 on a grid of three months: 0 and 1.
    assert weighted == pytest.approx(waves.loc[waves["wave"] <= 1, "score"].mean())


@pytest.mark.parametrize("audience", ["researcher", "funder"])
def test_no_lane_or_point_about_fewer_than_ten_families_leaves_the_gate(audience: str) -> None:
    study = load_study(shipped_example())
    shown = release(course(study), Audience(audience), policy=exact_policy(study))
    lanes, strands = (shown.tables[name].data for name in ("lanes", "strands"))
    assert lanes["n_families"].ge(LEAST).all()
    assert lanes["n_families"].sum() == 247  # all families of the course, each once
    seen = strands[strands["mean"].notna()]
    assert seen["n_families"].ge(LEAST).all()
    # Within a third and a month no single point is missing: it would follow by subtraction.
    hidden = strands[strands["mean"].isna() & (strands["months"] <= seen["months"].max())]
    assert hidden.groupby(["start", "months"]).size().ge(2).all()


def test_few_families_make_one_lane_that_the_gate_withholds(tmp_path: Path) -> None:
    study = make_study(tmp_path, level_families(np.random.default_rng(1), n=6, waves=4))
    found = course(study, delta=3, error_sd=3)
    assert found.tables["lanes"].data["n_families"].tolist() == [6]
    shown = release(found, Audience("researcher"), policy=exact_policy(study))
    lanes = shown.tables.get("lanes")
    assert lanes is None or lanes.data["months_measured"].isna().all()
