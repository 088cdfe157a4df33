"""What goes out to R, SPSS and others: the same numbers, for its owner only, whole or not at all."""

import csv
import io
import json
import os
import re
import shutil
import stat
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research import load_study
from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting.outgoing import export as exporting
from mpg_research.reporting.outgoing.export import Exported, export_metadata, export_study
from mpg_research.reporting.outgoing.formats import write_csv, write_parquet, write_spss
from mpg_research.reporting.outgoing.place import MARKER, check_export_place
from mpg_research.reporting.outgoing.variables import OutTable, Variable, spss_names
from mpg_research.study.model import Study
from tests.study.small import edited, small_study

ORACLE = Path(__file__).parents[2] / "oracles" / "analysis" / "growth_default.csv"
#: R stops its search elsewhere than we do; estimates and errors agree to so many parts.
SAME = 2e-4
TOML = """\
[study]
name = "bends"
[time]
kind = "numbers"
unit = "months"
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "obvl_k", respondent = "first_parent" }
[analysis]
case_mix = []
months = [0, 6, 12]
primary_month = 12
"""


def bending_study(folder: Path, *, workers: bool = False) -> Study:
    """The study of the reference values of R: residuals carry on, and families bend."""
    data = pd.read_csv(ORACLE)
    families = data.drop_duplicates("family")
    episodes = families[["family", "organisation"]].assign(start=0)
    if workers:
        episodes["worker"] = [f"w{number % 12}" for number in range(len(episodes))]
    measured = data.rename(columns={"months": "date", "score": "total"})[["family", "date", "total"]]
    measured["total"] = measured["total"].clip(10, 40).round(2)
    folder.mkdir()
    episodes.to_csv(folder / "episodes.csv", index=False)
    measured.to_csv(folder / "measurements.csv", index=False)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    return load_study(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return load_study(small_study(tmp_path_factory.mktemp("study") / "small"))


@pytest.fixture(scope="module")
def done(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_study(study, tmp_path_factory.mktemp("out") / "export")


def test_only_the_owner_can_read_it_and_it_says_what_it_is(done: Exported) -> None:
    assert stat.S_IMODE(done.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in done.folder.iterdir()} == {0o600}
    said = (done.folder / MARKER).read_text(encoding="utf-8")
    assert "personal data" in said
    assert "persoonsgegevens" in said
    assert set(done.files) == {file.name for file in done.folder.iterdir()}


def test_the_three_forms_hold_the_same_scores(study: Study, done: Exported) -> None:
    read = pd.read_csv(done.folder / "scores.csv", dtype={"family": str, "episode": str})
    parquet = pyarrow.parquet.read_table(done.folder / "scores.parquet")
    spss, meta = pyreadstat.read_sav(str(done.folder / "scores.sav"))
    for column in ("raw", "months", "item_03"):
        expected = (study.tables["measurements"] if column == "item_03" else study.scores)[column]
        for found in (read[column], parquet[column].to_pandas(), spss[column]):
            np.testing.assert_array_equal(found.to_numpy(float), expected.to_numpy(float))
    assert read["family"].tolist() == spss["family"].tolist() == parquet["family"].to_pylist()
    assert parquet.schema.field("raw").metadata[b"label"] == b"raw score"
    assert meta.column_names_to_labels["months"].startswith("months since")
    assert set(meta.variable_value_labels["respondent"].values()) == {"first parent"}
    dates = [day.isoformat() for day in spss["date"]]
    assert dates == read["date"].tolist() == [day.isoformat() for day in parquet["date"].to_pylist()]


def test_every_column_stands_in_the_codebook(done: Exported) -> None:
    with (done.folder / "codebook.csv").open(encoding="utf-8") as stream:
        book = list(csv.DictReader(stream))
    for table in ("scores", "analysis_frame"):
        header = (done.folder / f"{table}.csv").read_text(encoding="utf-8").partition("\n")[0].split(",")
        assert [row["column"] for row in book if row["table"] == table] == header
        assert all(row["label"] for row in book)
        names = pyreadstat.read_sav(str(done.folder / f"{table}.sav"), metadataonly=True)[1].column_names
        assert [row["spss_name"] for row in book if row["table"] == table] == names


@pytest.mark.parametrize("kind", ["lme4", "nlme"])
def test_r_finds_our_numbers(kind: str, tmp_path: Path, done: Exported) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    wanted = "lmerTest" if kind == "lme4" else "nlme"
    asked = f"quit(status = !requireNamespace('{wanted}', quietly = TRUE))"
    if subprocess.run(["Rscript", "-e", asked], capture_output=True, check=False).returncode:
        pytest.skip(f"R has no {wanted}")
    if kind == "lme4":
        folder = done.folder
    else:
        folder = export_study(bending_study(tmp_path / "study"), tmp_path / "out").folder
    assert f"library({wanted})" in (folder / "fit_primary_model.R").read_text(encoding="utf-8")
    ran = subprocess.run(
        ["Rscript", "fit_primary_model.R"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    expected = json.loads((folder / "primary_model.json").read_text(encoding="utf-8"))
    rows = ran.stdout[ran.stdout.rindex("estimate std_error_uncorrected") :].splitlines()[1:]
    for change, row in zip(expected["change"], rows, strict=False):
        months, estimate, error = (float(cell) for cell in row.split()[1:4])
        assert months == change["months"]
        assert estimate == pytest.approx(change["estimate"], rel=SAME)
        assert error == pytest.approx(change["std_error_uncorrected"], rel=20 * SAME)
    sd = float(re.search(r"residual sd: ([\d.]+)", ran.stdout)[1])
    assert sd == pytest.approx(expected["residual_sd"], rel=20 * SAME)


def test_the_syntax_for_spss_asks_for_the_same_change(done: Exported, study: Study) -> None:
    """Our own arithmetic on what the syntax asks for; no SPSS is at hand."""
    written = (done.folder / "fit_primary_model.sps").read_text(encoding="utf-8")
    assert "checked by eye" in written
    assert written.rstrip().endswith(".")
    named = set(re.search(r"MIXED score WITH (.*)", written)[1].split())
    names = pyreadstat.read_sav(str(done.folder / "analysis_frame.sav"), metadataonly=True)[1].column_names
    assert named <= set(names)
    assert max(len(line) for line in written.splitlines()) < 250  # what SPSS takes of a line


def test_it_goes_nowhere_near_reports_or_git(study: Study, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    linked = tmp_path / "harmless"
    linked.symlink_to(tree)
    bare = tmp_path / "bare.git"
    for name in ("objects", "refs"):
        (bare / name).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (worktree / ".git").write_text("gitdir: elsewhere\n")
    made = tmp_path / "mine" / "study"
    (made / "funder").mkdir(parents=True)
    (made / "index.html").write_text("")
    (made / "funder" / "manifest.json").write_text("{}")
    places = (
        tree / "deep" / "out", linked / "out", bare / "out", worktree / "out", tmp_path / "Reports" / "out",
        made / "out", tmp_path / "x" / ".." / "reports" / "y",
    )  # fmt: skip
    for place in places:
        with pytest.raises(DisclosureError, match="protected"):
            export_study(study, place)
        assert not place.exists()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for place in ("", "  ", loop):
        with pytest.raises(ConfigError):
            check_export_place(place)


def test_what_stands_there_stays_unless_it_may_be_replaced(study: Study, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.docx").write_text("mine")
    for replace in (False, True):
        with pytest.raises(ConfigError, match="holds other files"):
            export_metadata(study, other, replace=replace)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        export_study(study, file)
    (tmp_path / "empty").mkdir()
    export_metadata(study, tmp_path / "empty")
    with pytest.raises(ConfigError, match="earlier export"):
        export_metadata(study, tmp_path / "empty")
    export_metadata(study, tmp_path / "empty", replace=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty", "file", "other"]


def test_an_interrupted_export_leaves_nothing_and_the_earlier_one(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    export_study(study, target)
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    full = OSError(28, "No space left on device")
    for error, raised in ((KeyboardInterrupt(), KeyboardInterrupt), (full, ConfigError)):

        def interrupted(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(exporting, "write_spss", interrupted)
        for place in (target, tmp_path / "new"):
            with pytest.raises(raised):
                export_study(study, place, replace=True)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_to_is_said(study: Study, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        export_study(study, locked / "out")


def test_a_description_that_may_be_shared_holds_nothing_from_the_data(tmp_path: Path) -> None:
    secret = small_study(tmp_path / "study")
    for name in ("episodes.csv", "measurements.csv", "study.toml"):
        text = (secret / name).read_text(encoding="utf-8")
        text = re.sub(r"\b(0\d\d),1,", r"SECRET\1,1,", text).replace("org_a", "SECRETorg")
        text = re.sub(r"\bw(\d)\b", r"SECRETw\1", text).replace("first_parent", "SECRETaunt")
        (secret / name).write_text(text, encoding="utf-8")
    study = load_study(secret)
    done = export_metadata(study, tmp_path / "shared")
    assert set(done.files) == {
        "NO-DATA.txt",
        "codebook.csv",
        "datapackage.json",
        "ddi-codebook.xml",
        "export.json",
    }
    for file in done.folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "SECRET" not in text
        assert not re.search(r"2024-\d\d-\d\d", text)
    # The same study with other numbers has the same description, byte for byte.
    other = edited((secret / "measurements.csv").read_text("utf-8"), ("-04-15,1,2,1,1,", "-04-15,3,2,4,1,"))
    (secret / "measurements.csv").write_text(other, encoding="utf-8")
    again = export_metadata(load_study(secret), tmp_path / "again")
    for file in done.folder.iterdir():
        assert file.read_bytes() == (again.folder / file.name).read_bytes()
    with pytest.raises(DisclosureError, match="families"):
        export_metadata(study, export_study(study, tmp_path / "data").folder, replace=True)


def test_the_package_and_the_codebook_are_of_their_kind(study: Study, done: Exported, tmp_path: Path) -> None:
    folder = export_metadata(study, tmp_path / "shared").folder
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    root = ET.parse(folder / "ddi-codebook.xml").getroot()
    space = {"d": "ddi:codebook:2_5"}
    assert root.tag == "{ddi:codebook:2_5}codeBook"
    assert root.get("version") == "2.5"
    assert [child.tag.rpartition("}")[2] for child in root] == [
        "stdyDscr",
        "fileDscr",
        "fileDscr",
        "dataDscr",
    ]
    identifiers = {each.get("ID") for each in root.iter() if each.get("ID")}
    for number, resource in enumerate(package["resources"], start=1):
        assert resource["path"] in done.files
        header = (done.folder / resource["path"]).read_text(encoding="utf-8").partition("\n")[0].split(",")
        assert [field["name"] for field in resource["schema"]["fields"]] == header
        variables = root.findall(f".//d:var[@files='F{number}']", space)
        assert [each.get("name") for each in variables] == header
        assert all(each.find("d:labl", space).text for each in variables)
        assert f"F{number}" in identifiers


FORMULAS = ("=1+1", "+2", "-x", "@SUM(A1)", "=cmd|' /C calc'!A0")


def odd_table(texts: list[str | None], name: str = "Réden é") -> OutTable:
    described = (
        Variable("id", "é" * 400, "text"), Variable(name, "code", "code", {"=1+1": "ü" * 300}),
        Variable("n", "negative too", "number"), Variable("yes", "yes", "boolean"),
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            "id": pd.Series(texts, dtype=object),
            name: pd.Series(texts, dtype=object),
            "n": [-1.5] * len(texts),
            "yes": pd.Series([True, None] * len(texts), dtype="boolean")[: len(texts)],
        }
    )
    return OutTable("odd", "Ödd" * 60, "row", described, frame)


def test_a_spreadsheet_runs_nothing_and_spss_gets_what_it_takes(tmp_path: Path) -> None:
    table = odd_table([*FORMULAS, None, "a" * 40_000, 'naïve, "quoted"\nline'])
    text = write_csv(table, tmp_path).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    for row, formula in zip(rows, FORMULAS, strict=False):
        assert row["id"] == row["Réden é"] == f"'{formula}"
        assert row["n"] == "-1.5"
    spss, meta = pyreadstat.read_sav(str(write_spss(table, tmp_path)))
    assert spss["id"].tolist()[:5] == list(FORMULAS)
    assert len(meta.column_names_to_labels["id"].encode()) <= 255
    assert meta.column_names[1] == "Reden_e"
    assert max(len(each.encode()) for each in meta.variable_value_labels["Reden_e"].values()) <= 120
    parquet = pyarrow.parquet.read_table(write_parquet(table, tmp_path))
    assert parquet["id"].to_pylist() == table.frame["id"].tolist()
    assert parquet["yes"].to_pylist()[:2] == [True, None]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=90), min_size=1, max_size=6, unique=True))
def test_names_for_spss_are_names_whatever_they_were(names: list[str]) -> None:
    found = list(spss_names(names).values())
    assert len({name.upper() for name in found}) == len(names)
    for name in found:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name)
        assert name.upper() not in {
            "ALL",
            "AND",
            "BY",
            "EQ",
            "GE",
            "GT",
            "LE",
            "LT",
            "NE",
            "NOT",
            "OR",
            "TO",
            "WITH",
        }


@settings(max_examples=15, deadline=None)
@given(st.lists(st.none() | st.text(max_size=12), min_size=1, max_size=5))
def test_any_text_goes_out_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    table = odd_table(texts)
    rows = list(csv.DictReader(io.StringIO(write_csv(table, folder).read_text(encoding="utf-8"), newline="")))
    assert len(rows) == len(texts)
    assert not any((row["id"] or "").startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows)
    spss, _ = pyreadstat.read_sav(str(write_spss(table, folder)))
    assert len(spss) == len(texts)
    assert pyarrow.parquet.read_table(write_parquet(table, folder)).num_rows == len(texts)
    shutil.rmtree(folder)


def test_without_a_model_the_scores_go_out_all_the_same(tmp_path: Path) -> None:
    once = small_study(tmp_path / "study")
    lines = (once / "measurements.csv").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "-04-15" not in line and "-07-15" not in line]
    (once / "measurements.csv").write_text("".join(kept), encoding="utf-8")
    done = export_study(load_study(once), tmp_path / "out")
    assert "nobody is measured then or later" in done.without_model
    assert "scores.sav" in done.files
    assert "fit_primary_model.R" not in done.files


def test_the_command_says_that_these_are_personal_data(study: Study, tmp_path: Path, capsys) -> None:
    assert main(["export", str(study.folder), str(tmp_path / "out")]) == 0
    assert "personal data" in capsys.readouterr().out
    assert main(["export", str(study.folder), str(tmp_path / "shared"), "--metadata-only"]) == 0
    assert "No value in it comes from the data" in capsys.readouterr().out
    assert main(["export", str(study.folder), str(tmp_path / "reports" / "out")]) == DisclosureError.exit_code
