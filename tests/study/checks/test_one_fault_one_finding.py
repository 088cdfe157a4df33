"""Faults of a whole column, an organisation or a study: each said once, with its numbers and its cause."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import fit_trajectory
from mpg_research.errors import ModelError
from mpg_research.study import check_study, load_study
from mpg_research.study.model import CheckReport
from mpg_research.study.scoring.reach import month_step, reach_of
from tests.study.small import ITEMS, small_study

MOST_LINES = 10
DATED = "export_date = 2025-12-31"
TOML = """\
[study]
name = "made"
{study}
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = {{ instrument = "obvl_k" }}
[analysis]
months = [0, 6]
primary_month = 6
{more}
"""


def tables(seed: int = 1, *, families: int = 36) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three organisations; items of unequal difficulty that share what a family feels; monthly, 8 months."""
    rng = np.random.default_rng(seed)
    episodes, rows = [], []
    difficulty = np.linspace(-0.8, 0.8, 10)
    for number in range(families):
        start = pd.Timestamp("2023-03-01") + pd.Timedelta(days=int(rng.integers(0, 300)))
        end = start + pd.Timedelta(days=280)
        family, organisation = f"F{number:03d}", ("aa", "bb", "cc")[number % 3]
        episodes.append((family, organisation, start, end, "w1"))
        level = rng.normal(2.5, 0.7)
        for month in range(9):
            answers = np.clip(np.round(level + difficulty + rng.normal(0, 0.6, 10)), 1, 4).astype(int)
            rows.append((family, "first_parent", start + pd.Timedelta(days=30 * month), *answers))
    return (
        pd.DataFrame(episodes, columns=["family", "organisation", "start", "end", "worker"]),
        pd.DataFrame(rows, columns=["family", "respondent", "date", *ITEMS]),
    )


def checked(
    folder: Path, episodes: pd.DataFrame, measurements: pd.DataFrame, study: str = DATED, more: str = ""
) -> CheckReport:
    made = small_study(
        folder, toml=TOML.format(study=study, more=more), episodes=episodes.to_csv(index=False),
        measurements=measurements.to_csv(index=False),
    )  # fmt: skip
    return check_study(made)


def of_code(report: CheckReport, code: str) -> list[str]:
    return [str(problem) for problem in report.problems if problem.code == code]


def organisation_of(episodes: pd.DataFrame, measurements: pd.DataFrame) -> pd.Series:
    return measurements["family"].map(episodes.set_index("family")["organisation"])


def test_the_made_study_has_no_findings(tmp_path: Path) -> None:
    report = checked(tmp_path, *tables())
    assert report.problems == (), report.as_text()


# ---------------------------------------------------------------- never thirty lines


def spoilt(kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    episodes, measurements = tables()
    if kind == "no date":
        measurements.loc[::3, "date"] = pd.NaT
    elif kind == "no family":
        measurements.loc[::4, "family"] = None
    elif kind == "a code in every item":
        measurements.loc[::5, ITEMS] = -9
    elif kind == "two codes in every item":
        measurements.loc[::5, ITEMS] = -9
        measurements.loc[1::5, ITEMS] = 99
    elif kind == "words":
        measurements[ITEMS] = measurements[ITEMS].replace({1: "nooit", 2: "soms", 3: "vaak", 4: "altijd"})
    elif kind == "many codes":
        episodes["end_reason"] = [f"anders: {number}" for number in range(len(episodes))]
    elif kind == "twice":
        measurements = pd.concat([measurements, measurements])
    elif kind == "ends before starts":
        episodes = episodes.rename(columns={"start": "end", "end": "start"})
    elif kind == "after the end":
        episodes["end"] = episodes["start"] + pd.Timedelta(days=130)
    elif kind == "before the start":
        episodes["start"] += pd.Timedelta(days=150)
    elif kind == "never measured":
        measurements = measurements[measurements["family"] < "F012"]
    elif kind == "two notations":
        episodes["income"] = ["1.234,56" if number % 2 else "2345.67" for number in range(len(episodes))]
    return episodes, measurements


KINDS = (
    "no date", "no family", "a code in every item", "two codes in every item", "words", "many codes", "twice",
    "ends before starts", "after the end", "before the start", "never measured", "two notations",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_many_rows_is_a_few_lines(kind: str, tmp_path: Path) -> None:
    more = 'case_mix = ["income"]' if kind == "two notations" else ""
    report = checked(tmp_path, *spoilt(kind), more=more)
    assert report.problems
    assert len(report.problems) <= MOST_LINES, report.as_text()
    assert max(report.counts.values()) > MOST_LINES  # all of them are counted all the same


def test_families_never_measured_are_one_line_with_the_organisation_that_has_none(tmp_path: Path) -> None:
    episodes, measurements = tables()
    none_at_all = organisation_of(episodes, measurements) == "bb"
    unit = """export_date = 2025-12-31
[study.unit]
nl = { one = "patiënt", many = "patiënten" }
en = { one = "patient", many = "patients" }"""
    report = checked(tmp_path, episodes, measurements[~none_at_all], study=unit)
    (said,) = of_code(report, "family_without_measurements")
    assert (
        '12 of 36 patients have no measurements (F001, F004, F007, F010, F013 and 7 others); of "bb"' in said
    )
    lines = [line.text for line in report.summary]
    assert "36 patients" in lines
    assert "12 patients without measurements" in lines
    assert "12 patients in organisation aa" in lines
    assert not any("famil" in line for line in lines if "declared" not in line)


def test_the_summary_says_when_was_measured_in_a_few_lines(tmp_path: Path) -> None:
    episodes, measurements = tables()
    idle = measurements["date"].between("2023-08-01", "2023-09-30")
    report = checked(tmp_path, episodes, measurements[~idle])
    lines = [line.text for line in report.summary if line.code.startswith("m") and "20" in line.text]
    assert len(lines) == 4, lines
    first, last = measurements["date"].min(), measurements["date"].max()
    assert lines[0] == f"measured from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    assert "nobody was measured in 2 months between (2023-08, 2023-09)" in lines
    years = [line.value for line in report.summary if line.code == "measurements_in_year"]
    assert sum(years) == (~idle).sum()


# ---------------------------------------------------------------- answers without a score


def test_answers_that_make_no_score_are_said_with_the_item(tmp_path: Path) -> None:
    episodes, measurements = tables()
    own = (organisation_of(episodes, measurements) == "cc").to_numpy()
    measurements[ITEMS] = measurements[ITEMS].astype(float)
    gaps = measurements.copy()
    gaps.loc[own, "item_04"] = np.nan
    (said,) = of_code(checked(tmp_path / "part", episodes, gaps), "not_scored")
    assert f"{own.sum()} of {len(gaps)} measurements" in said
    assert 'item_04 is empty (108 times), and always so at "cc"' in said
    assert "maximum_missing_items" in said
    gaps.loc[:, "item_04"] = np.nan
    (said,) = of_code(checked(tmp_path / "all", episodes, gaps), "not_scored")
    assert "nobody has an answer to it" in said
    empty = measurements.copy()
    empty.loc[empty["family"] < "F006", ITEMS] = np.nan
    (said,) = of_code(checked(tmp_path / "empty", episodes, empty), "no_answers")
    assert "6 of their families never answered (F000, F001, F002, F003, F004 and 1 other)" in said


def test_rows_that_do_not_say_who_answered(tmp_path: Path) -> None:
    episodes, measurements = tables()
    measurements.loc[::3, "respondent"] = None
    report = checked(tmp_path, episodes, measurements)
    (said,) = of_code(report, "respondent_not_given")
    unused = next(line.value for line in report.summary if line.code == "of_another_respondent")
    assert f"{unused:.0f} of these are not used" in said
    measurements["respondent"] = None
    assert not of_code(checked(tmp_path / "none", episodes, measurements), "respondent_not_given")


# ---------------------------------------------------------------- one organisation exported otherwise


@pytest.mark.parametrize(
    ("items", "seed"), [(["item_05"], 1), (["item_02", "item_07"], 2), (ITEMS, 3), (ITEMS, 4)]
)
def test_items_turned_round_at_one_organisation_only(items: list[str], seed: int, tmp_path: Path) -> None:
    episodes, measurements = tables(seed, families=48)
    own = (organisation_of(episodes, measurements) == "bb").to_numpy()
    measurements.loc[own, items] = 5 - measurements.loc[own, items]
    (said,) = of_code(checked(tmp_path, episodes, measurements), "item_against_the_others")
    assert "organisation bb" in said
    assert all(name in said for name in items) or items is ITEMS


def test_organisations_that_only_differ_are_not_said_to_count_the_other_way(tmp_path: Path) -> None:
    for seed in range(10, 16):
        episodes, measurements = tables(seed)
        own = (organisation_of(episodes, measurements) == "aa").to_numpy()
        measurements.loc[own, ITEMS] = np.minimum(measurements.loc[own, ITEMS] + 1, 4)
        report = checked(tmp_path / str(seed), episodes, measurements)
        assert not of_code(report, "item_against_the_others"), report.as_text()


def test_dates_of_one_organisation_that_count_from_1904(tmp_path: Path) -> None:
    episodes, measurements = tables()
    own = (organisation_of(episodes, measurements) == "cc").to_numpy()
    measurements.loc[own, "date"] -= pd.Timedelta(days=1462)
    (said,) = of_code(checked(tmp_path, episodes, measurements), "measured_outside_help")
    assert f"none of {own.sum()} measurements of organisation cc" in said
    assert "1904" in said


@pytest.mark.parametrize("days", [300, 500, 650])
def test_a_late_start_without_an_end_is_not_called_1904(days: int, tmp_path: Path) -> None:
    episodes, measurements = tables()
    episodes["start"] += pd.Timedelta(days=days)
    episodes["end"] = None
    (said,) = of_code(checked(tmp_path, episodes, measurements), "measured_outside_help")
    assert "1904" not in said


# ---------------------------------------------------------------- how far the data go


def test_nobody_measured_after_the_start_is_said(tmp_path: Path) -> None:
    episodes, measurements = tables()
    report = checked(tmp_path, episodes, measurements.drop_duplicates("family"))
    (said,) = of_code(report, "nothing_after_start")
    assert "all 36 scores lie at it" in said


def fixed(moments: tuple[float, ...], families: int = 20, stray: float | None = None) -> pd.DataFrame:
    rows = [(f"F{number}", moment) for number, moment in itertools.product(range(families), moments)]
    rows += [("F0", stray)] if stray is not None else []
    frame = pd.DataFrame(rows, columns=["family", "months"]).astype({"months": float})
    return frame.assign(episode="1", organisation="aa", respondent="first_parent")


@pytest.mark.parametrize(
    "moments", [(0, 3, 9), (0, 6, 18), (0, 1, 3, 6, 12), (0, 3, 7), (0, 4), (0, 12, 24, 48), (0, 2, 4, 6)]
)
@pytest.mark.parametrize("stray", [None, 61.0])
def test_an_occasion_is_called_by_a_month_at_which_was_measured(
    moments: tuple[float, ...], stray: float | None
) -> None:
    """A follow-up at month 9 was called month 8, on steps of the median gap (4)."""
    data = fixed(moments, stray=stray)
    assert reach_of(data, minimum=10, dates=False).last == moments[-1]
    assert all(moment % month_step(data) == 0 for moment in moments)


def test_families_measured_each_at_their_own_months_keep_their_median_step() -> None:
    rng = np.random.default_rng(4)
    rows = [
        (f"F{number}", float(start + 3 * wave)) for number in range(30) for start in [rng.integers(0, 3)]
        for wave in range(5)
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=["family", "months"]).assign(episode="1", respondent="a")
    assert month_step(data) == 3.0


def test_a_part_of_an_id_that_is_lacking_is_said_once(tmp_path: Path) -> None:
    episodes, measurements = tables()
    episodes = episodes.rename(columns={"family": "client"})
    measurements = measurements.rename(columns={"family": "client"})
    toml = TOML.format(study=DATED, more="").replace(
        'file = "episodes.csv"', 'file = "episodes.csv"\ncolumns = { family = ["organisation", "client"] }'
    )
    folder = small_study(
        tmp_path,
        toml=toml,
        episodes=episodes.to_csv(index=False),
        measurements=measurements.to_csv(index=False),
    )
    (said,) = of_code(check_study(folder), "missing_column")
    assert "part organisation of family" in said
    measurements["organisation"] = measurements["client"].map(episodes.set_index("client")["organisation"])
    (folder / "measurements.csv").write_text(measurements.to_csv(index=False))
    assert len(load_study(folder).scores) == len(measurements)


@pytest.mark.parametrize("empty", ["", "NA", "-"])
def test_a_characteristic_without_any_value_is_an_error(empty: str, tmp_path: Path) -> None:
    episodes, measurements = tables()
    report = checked(tmp_path, episodes.assign(income=empty), measurements, more='case_mix = ["income"]')
    (said,) = of_code(report, "empty_case_mix")
    assert not report.ok
    assert "every cell is empty" in said


def test_families_measured_once_each_are_said(tmp_path: Path) -> None:
    episodes, measurements = tables()
    each = measurements.groupby("family").cumcount() == measurements["family"].str[1:].astype(int) % 9
    (said,) = of_code(checked(tmp_path, episodes, measurements[each]), "measured_once")
    assert "36 scores of 36" in said


def test_a_single_family_is_told_that_a_model_needs_more(tmp_path: Path) -> None:
    episodes, measurements = tables()
    only = "F003"
    checked(tmp_path, episodes[episodes["family"] == only], measurements[measurements["family"] == only])
    with pytest.raises(ModelError, match="Only 1 family has scores"):
        fit_trajectory(load_study(tmp_path))


def test_dates_in_a_study_of_numbers_are_called_dates(tmp_path: Path) -> None:
    time = '[time]\nkind = "numbers"\nunit = "weeks"'
    report = checked(tmp_path, *tables(), study=time)
    said = of_code(report, "not_a_number")
    assert 0 < len(said) <= MOST_LINES
    assert all("leave the section [time] out" in each for each in said)


def test_a_wave_without_its_date_column_is_told_by_the_pattern(tmp_path: Path) -> None:
    wide = pd.DataFrame(
        {"family": ["F000", "F001"], "t_1": 20, "t_2": 21, "d_1": "2023-04-01", "dd_2": "2023-06-01"}
    )
    episodes, _ = tables()
    layout = 'layout = "wide"\npatterns = { total = "t_{wave}", date = "d_{wave}" }'
    toml = TOML.format(study=DATED, more="").replace("constants", f"{layout}\nconstants")
    folder = small_study(
        tmp_path, toml=toml, episodes=episodes.to_csv(index=False), measurements=wide.to_csv(index=False)
    )
    (said,) = of_code(check_study(folder), "missing_column")
    assert 'By the pattern date = "d_{wave}" that would be d_2' in said
