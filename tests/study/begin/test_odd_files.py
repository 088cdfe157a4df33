"""Names and contents that mean something elsewhere: TOML, Markdown, formulas, nothing at all, very much."""

import os
import tomllib
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from mpg_research import cli
from mpg_research.errors import ConfigError
from mpg_research.study import begin_study, check_study
from mpg_research.study.begin.gather import gather
from mpg_research.study.begin.looking.look import MOST_BYTES, MOST_ROWS, look_at
from mpg_research.study.begin.looking.words import is_known_name

NASTY = (
    'a"b', "a'b", "a\\b", '"""', "x\ny", "# [study]", "[tables.x]\nfile = 1", "=cmd|' /C calc'!A0",
    "{item}1", "{wave}",
    "| a | b |", "**x**", "a\u202eb", "\x07bel", "\u2028", "", " ", "é" * 300, "a\tb", "\x7f",
    "\U000e0041", "'''",
    "@SUM(1)", "-1+1", "NaN", "null", "a=b", "a.b", "0", "\ufeffx",
)  # fmt: skip


def rows(families: int = 12) -> pd.DataFrame:
    return pd.DataFrame({
        "client": [f"K{each}" for each in range(families)],
        "organisatie": ["linde", "kade"] * (families // 2),
        "begindatum": ["2024-01-10"] * families,
        "datum": ["2024-02-11"] * families,
        **{f"vraag{item}": [1 + (item + each) % 4 for each in range(families)] for item in range(1, 11)},
    })  # fmt: skip


def test_names_of_columns_and_sheets_cannot_break_out(tmp_path: Path) -> None:
    """Whatever a column or a code is called, study.toml holds the proposed settings and no others."""
    rng = np.random.default_rng(7)
    for trial in range(12):
        frame = rows()
        for place, name in enumerate(rng.permutation(len(NASTY))[:8]):
            frame[f"{NASTY[name]}{'' if place % 2 else place}"] = str(NASTY[rng.integers(len(NASTY))])
        frame = frame.loc[:, ~frame.columns.duplicated()]
        reasons = [NASTY[each] for each in rng.integers(len(NASTY), size=len(frame))]
        frame["reden einde"], frame["organisatie"] = reasons, rng.permutation(reasons)
        frame.to_parquet(tmp_path / f"a{trial}.parquet")
        begun = begin_study(tmp_path / f"s{trial}", [tmp_path / f"a{trial}.parquet"])
        text = (begun.folder / "study.toml").read_text(encoding="utf-8")
        config = tomllib.loads(text)
        assert set(config) <= {"study", "tables", "time", "analysis"}, text
        assert set(config["tables"]) == {"episodes", "measurements"}
        assert set(config["study"]) == {"name", "title", "languages"}
        assert all(sign.isprintable() or sign == "\n" for sign in text.replace("\u2028", ""))
        for table in config["tables"].values():
            used = [each for each in table.get("columns", {}).values() if isinstance(each, str)]
            assert set(used) <= set(map(str, frame.columns))
        begun.as_text()
        check_study(begun.folder)  # a report, whatever it says, and no traceback


@pytest.mark.parametrize(
    "name", ['a "b" #c.csv', "[x]='y'.csv", "__bold__ | x.csv", "$(touch x).csv", "-rf.csv"]
)
def test_names_of_files(tmp_path: Path, name: str) -> None:
    rows().to_csv(tmp_path / name, index=False)
    begun = begin_study(tmp_path / "s", [tmp_path / name])
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    assert config["tables"]["measurements"]["file"] == f"../{name}"
    assert check_study(begun.folder).ok


@pytest.mark.parametrize("name", ["a\nb.csv", "a\x1bb.csv", "a*.csv", "wat?.csv", os.fsdecode(b"a\xff.csv")])
def test_names_that_no_study_toml_can_hold_are_refused(tmp_path: Path, name: str) -> None:
    rows().to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.csv").rename(tmp_path / name)
    with pytest.raises(ConfigError, match="Rename them first"):
        begin_study(tmp_path / "s", [tmp_path / name])
    assert not (tmp_path / "s").exists()


def test_what_is_no_table_is_named_and_the_rest_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "bytes.xlsx").write_bytes(b"PK\x03\x04nonsense")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)
    (tmp_path / "page.csv").write_text("<html>")
    (tmp_path / "quote.csv").write_text('a,b\n"never closed,1\n' * 3)
    (tmp_path / "bad.sav").write_bytes(b"$FL2" + b"\0" * 50)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + b"\0" * 50)
    files = [*sorted(tmp_path.iterdir()), tmp_path / "not_there.csv"]
    with pytest.raises(ConfigError, match="nothing was made") as error:
        begin_study(tmp_path / "s", files)
    assert all(file.name in str(error.value) for file in files)
    rows().to_csv(tmp_path / "good.csv", index=False)
    arguments = ["init", str(tmp_path / "s"), "--from", *map(str, files), str(tmp_path / "good.csv")]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "Not used:" in said
    assert "empty.csv: " in said
    assert cli.main(["check", str(tmp_path / "s")]) == 0
    assert cli.main(arguments) == 2  # a study is never written over
    assert "nothing is overwritten" in capsys.readouterr().err


def test_a_hundred_sheets(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Toelichting"
    workbook.active.append(["Dit is een export"])
    for number in range(99):
        sheet = workbook.create_sheet(f"Blad {number}")
        sheet.append(["zomaar", "iets"])
        sheet.append([number, "=1+1"])
    frame = rows()
    sheet = workbook.create_sheet("Metingen")
    sheet.append(["Export van 2024"])
    sheet.append([])
    for record in [list(frame.columns), *frame.to_numpy().tolist()]:
        sheet.append(record)
    workbook.save(tmp_path / "a.xlsx")
    begun = begin_study(tmp_path / "s", [tmp_path / "a.xlsx"])
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    assert config["tables"]["measurements"]["sheet"] == "Metingen"
    assert config["tables"]["measurements"]["header_row"] == 3
    assert check_study(begun.folder).ok


def test_only_the_first_rows_of_a_large_file_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound nothing is read: a file whose rest is no text at all is looked at all the same."""
    text = rows().to_csv(index=False)
    head, body = text.split("\n", 1)
    content = (head + "\n" + body * (MOST_BYTES // len(body) + 2)).encode()
    (tmp_path / "a.csv").write_bytes(content + b"\xff\x00\xfe" * 1000)
    (look,) = look_at(tmp_path / "a.csv", is_known_name)
    assert len(look.frame) == MOST_ROWS
    assert not look.is_whole
    begun = gather([tmp_path / "a.csv"])
    assert sorted(begun.tables) == ["episodes", "measurements"]


def test_cells_over_several_lines_are_cut_between_rows(tmp_path: Path) -> None:
    frame = rows().assign(opmerking='een "tekst"\nover regels;\n')
    text = pd.concat([frame] * 2500).to_csv(index=False)
    assert len(text) > MOST_BYTES / 10
    (tmp_path / "a.csv").write_text(text, encoding="utf-16")
    (look,) = look_at(tmp_path / "a.csv", is_known_name)
    assert set(look.frame["client"]) == set(frame["client"])


def test_what_tells_who_people_are_is_named_and_its_cells_are_not(tmp_path: Path) -> None:
    frame = rows().assign(
        achternaam=["Jansen", "de Vries"] * 6,
        telefoon="0612345678",
        reden_einde=["Jan Jansen overleden"] * 12,
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    begun = begin_study(tmp_path / "s", [tmp_path / "a.csv"])
    text = (begun.folder / "study.toml").read_text(encoding="utf-8") + begun.as_text()
    assert "achternaam" in text
    assert "names of people" in text
    for cell in ('Jansen"', "de Vries", "0612345678", "K11"):
        assert cell not in text
