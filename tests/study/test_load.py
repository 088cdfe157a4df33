"""Whole studies: the example, a real data set, one file for two tables, instruments and notes."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.study import check_study, course_frame, load_study, shipped_example, shipped_notebooks
from mpg_research.study import shipped as shipped_module
from tests.study.small import EPISODES, MEASUREMENTS, STUDY, edited, small_study

CLAUS = Path(__file__).resolve().parents[3] / "shared" / "studies" / "claus2020" / "cs_claus_2020.csv"
BDI = """\
key = "bdi"
name = "Beck Depression Inventory"
abbreviation = "BDI"
direction = "higher_is_worse"
source = "Beck et al. (1961)"
[items]
number = 21
total_only = true
minimum = 0
maximum = 3
"""
CLAUS_STUDY = """\
[study]
name = "claus2020"
[time]
kind = "numbers"
unit = "waves"
origin = 1
[tables.episodes]
file = "@FILE@"
columns = { family = "id", organisation = "treatment" }
[tables.measurements]
file = "@FILE@"
columns = { family = "id", date = "time", total = "bdi" }
[instruments.bdi]
file = "bdi.toml"
[analysis]
case_mix = ["age", "sex"]
months = [0, 3]
primary_month = 3
"""


def test_the_example() -> None:
    study = load_study(shipped_example())
    assert study.synthetic
    assert study.checks.ok
    assert set(study.tables) >= {"episodes", "measurements"}
    answers = study.tables["measurements"].filter(regex="^item_")
    for key, n_items, low, high in (("obvl_k", 10, 10, 40), ("own_strength", 6, 6, 30)):
        mine = study.scores["instrument"] == key
        raw = study.scores.loc[mine, "raw"]
        assert raw.dropna().between(low, high).all()
        by_hand = answers[mine].sum(axis=1, min_count=n_items)
        pd.testing.assert_series_equal(raw, by_hand, check_names=False)


@pytest.mark.skipif(not CLAUS.is_file(), reason="the shared studies are not on this machine")
def test_a_real_data_set_in_one_file_outside_the_study(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "s", toml=CLAUS_STUDY.replace("@FILE@", CLAUS.as_posix()), bdi__toml=BDI)
    study = load_study(folder)
    with CLAUS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(study.tables["episodes"]) == len({row["id"] for row in rows}) == 43
    wanted = {(row["id"], float(row["time"]) - 1): row["bdi"] for row in rows}
    got = {(row.family, row.months): row.raw for row in study.scores.itertuples()}
    assert set(got) == set(wanted)
    for key, value in wanted.items():
        assert pd.isna(got[key]) if value in ("", "NA") else got[key] == float(value)
    assert study.time_unit == "waves"
    assert "time_in_waves" in {note.code for note in study.notes}
    course = course_frame(study, case_mix=None)
    assert set(course.data["sex"]) == {"Female", "Male"}
    assert course.data["age"].dtype == float
    assert len(study.sources) == 2
    assert study.sources[0].path == CLAUS.resolve()


def test_one_file_with_two_different_rows_of_a_family_is_told(tmp_path: Path) -> None:
    text = "family,organisation,date,total\n1,a,0,3\n1,b,1,4\n"
    toml = (
        CLAUS_STUDY.replace("@FILE@", "one.csv")
        .replace('columns = { family = "id", organisation = "treatment" }\n', "")
        .replace('columns = { family = "id", date = "time", total = "bdi" }\n', "")
        .replace('case_mix = ["age", "sex"]\n', "")
    )
    report = check_study(small_study(tmp_path, toml=toml, bdi__toml=BDI, one__csv=text))
    assert [problem.code for problem in report.errors] == ["duplicate_episode"]


def test_own_norms_and_proration_are_the_studys_choice(tmp_path: Path) -> None:
    norms = "age_from,age_to,raw,t_score\n" + "".join(f",,{raw},{30 + raw}\n" for raw in range(10, 41))
    toml = STUDY + (
        '[instruments.obvl_k]\nnorms = "norms.csv"\nnorms_source = "made up for this test"\n'
        "norms_synthetic = true\nmaximum_missing_items = 1\n"
    )
    first = "001,1,first_parent,2024-01-15,3"
    text = edited(MEASUREMENTS, (first, first[:-1]))
    study = load_study(small_study(tmp_path, toml=toml, measurements=text, norms__csv=norms))
    row = study.scores.iloc[0]
    assert row["prorated"]
    assert row["t_score"] == pytest.approx(row["raw"] + 30)
    assert study.synthetic
    assert {"prorated_by_choice", "synthetic_norms"} <= {note.code for note in study.notes}
    assert [source.path.name for source in study.sources] == ["episodes.csv", "measurements.csv", "norms.csv"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('[instruments.mine]\nfile = "mine.toml"\n', "mine.toml"),
        ("[instruments.mine]\nmaximum_missing_items = 1\n", "has no file"),
        ('[instruments.obvl_k]\nnorms = "n.csv"\nnorms_source = "x"\n', "n.csv"),
        ("[instruments.obvl_k]\nmaximum_missing_items = 99\n", "99"),
        ('[instruments.obvl_k]\nreverse_items = ["item_11"]\n', "item_11"),
    ],
)
def test_instruments_that_cannot_be_used(tmp_path: Path, extra: str, said: str) -> None:
    folder = small_study(tmp_path, toml=STUDY + extra)
    with pytest.raises((DataError, ConfigError), match=said):
        load_study(folder)
    assert not check_study(folder).ok


def test_reverse_items_are_turned(tmp_path: Path) -> None:
    plain = load_study(small_study(tmp_path / "a"))
    turned = load_study(
        small_study(tmp_path / "b", toml=STUDY + '[instruments.obvl_k]\nreverse_items = ["item_01"]\n')
    )
    first = plain.tables["measurements"]["item_01"]
    assert (turned.scores["raw"] == plain.scores["raw"] - first + (5 - first)).all()


def test_public_names(tmp_path: Path) -> None:
    toml = (
        STUDY
        + '[organisations.org_a]\nname = { nl = "Noord", en = "North" }\n[organisations.org_b]\nname = "B"\n'
    )
    study = load_study(small_study(tmp_path, toml=toml))
    assert [study.organisation_name("org_a", language) for language in ("nl", "en")] == ["Noord", "North"]
    assert study.organisation_name("org_b", "en") == "B"
    assert study.title("nl") == "small"


def test_the_order_of_rows_changes_nothing_but_the_order(tmp_path: Path) -> None:
    key = ["family", "date"]
    header, *rows = MEASUREMENTS.splitlines()
    plain = load_study(small_study(tmp_path / "a")).scores.sort_values(key, ignore_index=True)
    other = load_study(small_study(tmp_path / "b", measurements="\n".join([header, *rows[::-1]])))
    pd.testing.assert_frame_equal(other.scores.sort_values(key, ignore_index=True), plain)


def test_spss_labels_name_organisations_unless_study_toml_knows_the_codes(tmp_path: Path) -> None:
    import pyreadstat

    frame = pd.read_csv(pd.io.common.StringIO(EPISODES), dtype={"family": str, "episode": str})
    frame["organisation"] = [1.0, 2.0] * 6
    labels = {"organisation": {1.0: "Noord", 2.0: "Zuid"}}
    toml = edited(STUDY, ("episodes.csv", "e.sav"))
    declared = '[organisations.1]\nname = "Noord"\n[organisations.2]\nname = "Zuid"\n'
    for folder, text, keys in (
        (tmp_path / "a", toml, ("Noord", "Zuid")),
        (tmp_path / "b", toml + declared, ("1", "2")),
    ):
        small_study(folder, toml=text)
        pyreadstat.write_sav(frame, str(folder / "e.sav"), variable_value_labels=labels)
        assert load_study(folder).organisations == keys


def test_where_example_and_notebooks_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (shipped_example() / "study.toml").is_file()
    package = tmp_path / "site" / "mpg_research"
    monkeypatch.setattr(shipped_module, "PACKAGE", package)
    with pytest.raises(ConfigError, match="cannot be found"):
        shipped_notebooks()
    for folder, landmark in (("example", "study.toml"), ("notebooks", "01_data_quality.ipynb")):
        (package / "_shipped" / folder).mkdir(parents=True)
        (package / "_shipped" / folder / landmark).write_text("")
    assert shipped_example() == package / "_shipped" / "example"
    assert shipped_notebooks() == package / "_shipped" / "notebooks"
