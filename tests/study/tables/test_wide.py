"""Wide files: one column per wave and item, in every arrangement of placeholders."""

import io
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.study import check_study, load_study
from mpg_research.study.patterns import compile_pattern
from tests.study.small import EPISODES, ITEMS, MEASUREMENTS, STUDY, edited, small_study

PARENTS = '{ moeder = "first_parent", vader = "second_parent" }'
WIDE = edited(
    STUDY,
    (
        "constants",
        'layout = "wide"\npatterns = { item = "obvlk_t{wave}_{item}", date = "date_t{wave}" }\nconstants',
    ),
)


def wide_text(long: pd.DataFrame | None = None) -> str:
    frame = pd.read_csv(io.StringIO(MEASUREMENTS), dtype=str) if long is None else long
    frame = frame.assign(wave=frame.groupby("family").cumcount())
    wide = frame.pivot(index=["family", "episode", "respondent"], columns="wave", values=["date", *ITEMS])
    wide.columns = [
        f"date_t{wave}" if name == "date" else f"obvlk_t{wave}_{name[-2:]}" for name, wave in wide.columns
    ]
    return wide.reset_index().to_csv(index=False)


def test_wide_and_long_are_the_same(tmp_path: Path) -> None:
    long = load_study(small_study(tmp_path / "long"))
    wide = load_study(small_study(tmp_path / "wide", toml=WIDE, measurements=wide_text()))
    pd.testing.assert_frame_equal(wide.scores, long.scores, check_exact=True)
    pd.testing.assert_frame_equal(
        wide.tables["measurements"],
        long.tables["measurements"][list(wide.tables["measurements"])],
        check_exact=True,
    )


def test_a_wave_that_did_not_take_place_is_no_row_but_an_unanswered_one_is(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(wide_text()), dtype=str)
    frame.loc[0, [name for name in frame if "_t2" in name]] = None
    frame.loc[1, [name for name in frame if name.startswith("obvlk_t2")]] = None
    study = load_study(small_study(tmp_path, toml=WIDE, measurements=frame.to_csv(index=False)))
    assert len(study.scores) == 35
    assert (study.scores["not_scored_reason"] == "no_items_answered").sum() == 1


def test_a_wrong_cell_is_named_by_its_own_column(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(wide_text()), dtype=str)
    frame.loc[4, "obvlk_t1_03"] = "9"
    (problem,) = check_study(small_study(tmp_path, toml=WIDE, measurements=frame.to_csv(index=False))).errors
    assert (problem.row, problem.column, problem.code) == (6, "obvlk_t1_03", "out_of_range")


def test_a_wave_without_one_of_the_items_is_odd(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(wide_text()), dtype=str).drop(columns="obvlk_t1_03")
    study = load_study(small_study(tmp_path, toml=WIDE, measurements=frame.to_csv(index=False)))
    assert study.checks.counts == {"uneven_waves": 1, "not_scored": 12}
    assert study.scores["raw"].isna().sum() == 12


def test_respondents_in_the_column_names_share_a_date(tmp_path: Path) -> None:
    toml = edited(
        WIDE, ('item = "obvlk_t{wave}_{item}"', 'item = "{respondent}_t{wave}_{item}"'),
        ("constants", f"values = {{ respondent = {PARENTS} }}\nconstants"),
    )  # fmt: skip
    answers = {
        f"{who}_t{wave}_{item}": "2"
        for who in ("moeder", "vader")
        for wave in (0, 1)
        for item in range(1, 11)
    }
    row = {"family": "001", "episode": "1", "date_t0": "2024-01-15", "date_t1": "2024-02-15", **answers}
    study = load_study(small_study(tmp_path, toml=toml, measurements=pd.DataFrame([row]).to_csv(index=False)))
    got = study.scores[["respondent", "date", "raw"]].sort_values(["respondent", "date"])
    assert got["respondent"].tolist() == ["first_parent"] * 2 + ["second_parent"] * 2
    assert got["date"].dt.day.tolist() == [15] * 4
    assert got["raw"].tolist() == [20.0] * 4


def test_waves_as_times(tmp_path: Path) -> None:
    """Times as numbers: the wave itself, or the study's own time for it."""
    toml = edited(
        WIDE, (', date = "date_t{wave}"', ""), ("constants", "times = { 1 = 3, 2 = 9 }\nconstants"),
        ("[analysis]", '[time]\nkind = "numbers"\nunit = "months"\n[analysis]'),
    )  # fmt: skip
    episodes = (
        pd.read_csv(io.StringIO(EPISODES), dtype=str).drop(columns=["start", "end"]).to_csv(index=False)
    )
    study = load_study(small_study(tmp_path, toml=toml, episodes=episodes, measurements=wide_text()))
    assert study.scores["months"].tolist() == [0.0, 3.0, 9.0] * 12
    assert study.scores["phase"].tolist() == ["baseline", "course", "course"] * 12
    assert study.scores["date"].isna().all()


def test_patterns_that_fit_nothing_or_lack_a_time(tmp_path: Path) -> None:
    toml = edited(WIDE, ("obvlk_t{wave}_{item}", "obvl_k{wave}_{item}"))
    (problem,) = check_study(small_study(tmp_path, toml=toml, measurements=wide_text())).errors
    assert (problem.code, problem.expected) == ("missing_column", "obvl_k{wave}_{item}")
    toml = edited(WIDE, (', date = "date_t{wave}"', ""))
    problems = check_study(small_study(tmp_path, toml=toml, measurements=wide_text())).errors
    assert [problem.code for problem in problems] == ["missing_column"]


def test_items_of_a_long_file_by_pattern(tmp_path: Path) -> None:
    toml = edited(STUDY, ("constants", 'patterns = { item = "vraag{item}" }\nconstants'))
    text = MEASUREMENTS.replace("item_0", "Vraag").replace("item_", "Vraag")
    plain = load_study(small_study(tmp_path / "a")).scores
    got = load_study(small_study(tmp_path / "b", toml=toml, measurements=text)).scores
    pd.testing.assert_frame_equal(got, plain)


@pytest.mark.parametrize(
    ("pattern", "name", "groups"),
    [
        ("obvlk_t{wave}_{item}", "obvlk_t0_01", {"wave": "0", "item": "01"}),
        ("q{item}.{wave}", "Q7.12", {"item": "7", "wave": "12"}),
        (
            "{respondent}_{item}_{wave}",
            "first_parent_3_t2",
            {"respondent": "first_parent", "item": "3", "wave": "t2"},
        ),
    ],
)
def test_patterns(pattern: str, name: str, groups: dict[str, str]) -> None:
    assert compile_pattern(pattern).fullmatch(name).groupdict() == groups
