"""Stata, portable SPSS and SQLite files give the tables that a CSV gives; other workbooks are told how."""

import io
import random
import sqlite3
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from mpg_research.errors import DataError
from mpg_research.study import check_study, load_study
from mpg_research.study.files.read import _SAS, _form_of_content, read_table
from tests.study.small import MEASUREMENTS, STUDY, edited, small_study

TEXT = {"family": str, "episode": str}


def typed() -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(MEASUREMENTS), dtype=TEXT)
    return frame.assign(date=pd.to_datetime(frame["date"]))


def study_with(folder: Path, name: str, extra: str = "") -> Path:
    toml = edited(STUDY, ('file = "measurements.csv"', f'file = "{name}"\n{extra}'))
    return small_study(folder, toml=toml)


def assert_same_scores(folder: Path, plain: Path) -> None:
    columns = ["family", "episode", "respondent", "date", "months", "raw", "t_score"]
    got, wanted = (load_study(each).scores[columns] for each in (folder, plain))
    pd.testing.assert_frame_equal(got, wanted, check_exact=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_study(tmp_path_factory.mktemp("plain") / "plain")


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_stata(version: int, tmp_path: Path, plain: Path) -> None:
    folder = study_with(tmp_path / "x", "m.dta")
    codes = typed().assign(respondent=1)
    codes["respondent"] = codes["respondent"].astype("int32")
    labels = {"respondent": {1: "first_parent"}}
    pyreadstat.write_dta(codes, str(folder / "m.dta"), version=version, variable_value_labels=labels)
    text = (folder / "study.toml").read_text("utf-8")
    mapped = edited(text, ("constants =", 'values = { respondent = { "1" = "first_parent" } }\nconstants ='))
    (folder / "study.toml").write_text(mapped, encoding="utf-8")
    assert_same_scores(folder, plain)


def test_portable_spss(tmp_path: Path, plain: Path) -> None:
    folder = study_with(tmp_path / "x", "m.por", 'columns = { respondent = "respond" }')
    frame = typed().rename(columns={"respondent": "respond"})
    frame["date"] = frame["date"].dt.date
    pyreadstat.write_por(frame, str(folder / "m.por"))
    assert_same_scores(folder, plain)


def test_one_table_of_sqlite_and_nothing_is_written(tmp_path: Path, plain: Path) -> None:
    folder = study_with(tmp_path / "x", "m.sqlite")
    file = folder / "m.sqlite"
    connection = sqlite3.connect(file)
    pd.read_csv(io.StringIO(MEASUREMENTS), dtype=TEXT).to_sql('answers; DROP "x', connection, index=False)
    connection.commit()
    before = file.read_bytes()
    assert_same_scores(folder, plain)
    connection.execute("CREATE VIEW other AS SELECT 1 AS one")
    connection.commit()
    problem = check_study(folder).errors[0]
    assert "2 tables" in problem.found
    assert "other" in problem.expected
    text = edited(
        (folder / "study.toml").read_text("utf-8"), ('.sqlite"\n', ".sqlite\"\nsheet = 'ANSWERS; drop \"x'\n")
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    assert_same_scores(folder, plain)
    connection.close()
    assert sorted(each.name for each in folder.iterdir() if each.name.startswith("m.")) == ["m.sqlite"]
    assert len(before) <= len(file.read_bytes())
    (folder / "m.sqlite-wal").write_bytes(b"not yet in it")
    assert check_study(folder).errors[0].code == "database_in_use"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.xls", b"\xd0\xcf\x11\xe0rest", "save it as an Excel workbook"),
        ("m.xls", MEASUREMENTS.encode(), "Give it the ending .csv"),
        ("m.xls", b"<html><table></table></html>", "a web page"),
        ("m.ods", b"PK\x03\x04rest", "save it as an Excel workbook"),
        ("m.dta", MEASUREMENTS.encode(), "its content is a text table"),
        ("m.por", b"$FL2rest", "its content is an SPSS file"),
        ("m.csv", b"SQLite format 3\x00rest", "its content is an SQLite file"),
        ("m.csv", _SAS + b"rest", "its content is a SAS file"),
        ("m.sas7bdat", _SAS + b"\x01" * 300, "Open it in SAS"),
        ("m.dta", b"<stata_dta><header>", "Open it in Stata"),
        ("m.sqlite", b"SQLite format 3\x00" + b"\x07" * 5000, "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_to_do(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    folder = study_with(tmp_path / "x", name)
    (folder / name).write_bytes(content)
    report = check_study(folder)
    assert any(said in str(problem) for problem in report.errors), report.as_text()


@pytest.mark.parametrize("name", ["m.dta", "m.por", "m.sqlite"])
def test_damage_is_said_and_never_a_traceback(name: str, tmp_path: Path) -> None:
    """Bytes turned over and files cut short, by chance."""
    folder = study_with(tmp_path / "x", name, 'columns = { respondent = "respond" }')
    frame = typed().rename(columns={"respondent": "respond"}).assign(date=lambda each: each["date"].dt.date)
    file = folder / name
    if name == "m.sqlite":
        connection = sqlite3.connect(file)
        frame.astype(str).to_sql("m", connection, index=False)
        connection.close()
    else:
        {"m.dta": pyreadstat.write_dta, "m.por": pyreadstat.write_por}[name](frame, str(file))
    whole, chance = file.read_bytes(), random.Random(4)
    table, said = load_config_table(folder), []
    for _ in range(40):
        broken = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        file.write_bytes(bytes(broken))
        try:
            read_table(file, table)
        except DataError as error:
            said.append(error.problems[0].remedy)
    assert len(said) > 3
    assert all(said)


def load_config_table(folder: Path):
    from mpg_research.study.config.study_toml import read_config

    return read_config(folder).tables.measurements


def test_text_that_begins_as_old_stata_files_do_is_text() -> None:
    for text in (
        "region,family\n1,2\n",
        "item_01;family\n",
        "q\x01\n",
        "order,family\n",
        "lmnopqrs,family\n",
    ):
        assert _form_of_content(text.encode()) != "stata"
