"""What is not for release: marked, for its owner only, away from the reports, and never one of them."""

import json
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting.private import MARKER, is_private, pages_in_private
from mpg_research.reporting.run.explain import explain_run
from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.reporting.store.folder import store_folder
from tests.reporting.notebook_makers import make_notebook

MARK = "not-for-release"
NAME = "01_data_quality"
BEGIN = f"""\
from mpg_research.reporting.session.session import begin
session = begin("{NAME}", study=study, language=language, output=output)
quality = session.analyse("describe_quality")"""
SHOW = ('session.table(quality, "by_organisation")', 'session.table(quality, "overview")')
CHOICES = "session.decisions(quality)"


@pytest.fixture
def run(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "store"))
    make_notebook(tmp_path / "notebooks", NAME, BEGIN, *SHOW, CHOICES)

    def do(place: str, **options) -> RunSummary:
        chosen = {
            "reports": tmp_path / place,
            "notebooks": tmp_path / "notebooks",
            "jobs": 1,
            "only": [NAME],
            "allow_modified": True,
        }
        return run_study(study, **{**chosen, **options})

    return do


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A folder as a run leaves it behind."""
    folder = tmp_path / "out" / "delivery"
    (folder / "small" / "researcher").mkdir(parents=True)
    (folder / "small" / "index.html").write_text("<!doctype html>", "utf-8")
    (folder / "small" / "researcher" / "manifest.json").write_text("{}", "utf-8")
    return folder


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder as a private run leaves it behind."""
    folder = tmp_path / "own" / "private"
    (folder / f"small.{MARK}").mkdir(parents=True)
    (folder / f"small.{MARK}" / MARKER).write_text("Not for release\n", "utf-8")
    return folder


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def stored() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files_in(store_folder().path)}


def test_a_private_run_is_marked_exact_and_never_taken_for_a_released_one(
    run, study: Path, tmp_path: Path
) -> None:
    plain = run("out/reports")
    assert plain.exit_code == 0, plain.outcomes[0].reason
    kept = stored()
    options = {"reports": tmp_path / "own/private", "notebooks": tmp_path / "notebooks", "only": [NAME]}
    assert [each.reasons for each in explain_run(study, private=True, allow_modified=True, **options)] == [
        ("never made",)
    ]
    before = os.umask(0o022)
    try:
        summary = run("own/private", private=True)
    finally:
        os.umask(before)
    assert summary.exit_code == 0, summary.outcomes[0].reason
    assert [each.reasons for each in explain_run(study, private=True, allow_modified=True, **options)] == [()]
    assert run("own/private", private=True).count("up to date") == 1
    assert run("out/reports").count("up to date") == 1
    assert kept
    assert stored() == kept  # nothing of a private run is stored

    folder, own = summary.folder, summary.folder / "researcher"
    assert folder.name == f"small.{MARK}"
    assert (folder / MARKER).is_file()
    for path in (folder, *folder.rglob("*")) if os.name == "posix" else ():
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    records = {"manifest.json", "outputs.json", "ro-crate-metadata.json"}  # whose names others look for
    made = [path for path in files_in(own) if path.name not in records]
    assert {path.suffix for path in made} == {".html", ".ipynb", ".csv"}
    assert all(MARK in path.name for path in made)

    page = (own / f"nl/{NAME}.{MARK}.html").read_text("utf-8")
    other = (plain.folder / f"researcher/nl/{NAME}.html").read_text("utf-8")
    assert "<title>NIET VOOR VERSPREIDING" in page
    assert 'class="watermark"' in page
    assert "Niet voor verspreiding" in page.split("<main")[0]
    assert "iet voor verspreiding" not in other
    assert other.count("<strong>Regels tegen herkenning op deze pagina</strong>") == 1
    assert "[disclosure] minimum_" in other  # the setting that governs what hid the organisations
    assert "Regels tegen herkenning" not in page
    table = f"nl/tables/{NAME}/by_organisation"
    assert not (plain.folder / f"researcher/{table}.csv").exists()
    exact = pd.read_csv(own / f"{table}.{MARK}.csv")
    assert list(exact["n_families"]) == [3.0] * 4
    assert not exact["suppressed"].any()

    manifest = json.loads((own / "manifest.json").read_bytes())
    assert manifest["private"].startswith("Not for release")
    assert all(entry["disclosure"]["private"] for entry in manifest["steps"].values())
    index = (folder / "index.html").read_text("utf-8")
    assert "Niet voor verspreiding" in index
    assert f"researcher/nl/{NAME}.{MARK}.html" in index
    assert "report_funder" not in index


def test_a_notebook_that_calls_itself_private_is_not_published(run, tmp_path: Path) -> None:
    sly = f"from mpg_research.reporting.private import _STATE\n_STATE['private'] = True\n{BEGIN}"
    make_notebook(tmp_path / "notebooks", NAME, sly, f"{SHOW[0]};", f"written = {SHOW[0]}")
    summary = run("out/reports")
    assert summary.count("failed") == 1
    assert "private researcher" in summary.outcomes[0].reason or MARK in summary.outcomes[0].reason
    assert not list((tmp_path / "out").rglob("*.csv"))


@pytest.mark.parametrize(
    "place", ["out/delivery", "out/delivery/small", "out/delivery/small/researcher", "out/beside", "out"]
)
def test_private_pages_are_refused_inside_and_beside_released_ones(
    run, released: Path, tmp_path: Path, place: str
) -> None:
    there = files_in(tmp_path / "out")
    with pytest.raises(DisclosureError, match="inside or beside the released reports"):
        run(place, private=True)
    assert files_in(tmp_path / "out") == there


def test_a_link_into_the_reports_is_refused_too(run, released: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link").symlink_to(released, target_is_directory=True)
    with pytest.raises(DisclosureError, match="inside or beside"):
        run("elsewhere/link", private=True)


@pytest.mark.parametrize("place", ["own/private", f"own/private/small.{MARK}", "own/beside", "own"])
def test_reports_are_refused_inside_and_beside_private_pages(
    run, private: Path, tmp_path: Path, place: str
) -> None:
    there = files_in(tmp_path / "own")
    with pytest.raises(DisclosureError, match="not for release"):
        run(place)
    assert files_in(tmp_path / "own") == there


def test_a_folder_called_reports_is_refused_before_there_is_a_run(run, tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match="inside or beside"):
        run("Reports/mine", private=True)
    assert not (tmp_path / "Reports").exists()


@pytest.mark.parametrize("options", [{"only": ["report_funder"]}, {"organisation": ["org_a"], "only": []}])
def test_what_is_made_for_others_is_never_private(run, tmp_path: Path, options) -> None:
    make_notebook(tmp_path / "notebooks", "report_funder")
    with pytest.raises(ConfigError, match="the researcher's notebooks only"):
        run("own/private", private=True, **options)
    assert not (tmp_path / "own").exists()


def test_private_needs_a_folder_that_was_named(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(study), "--private"]) == ConfigError.exit_code
    assert "--private was given without --output" in capsys.readouterr().err


def test_the_state_of_a_process_comes_back() -> None:
    with pages_in_private(True):
        assert is_private()
        with pages_in_private(False):
            assert not is_private()
        assert is_private()
    assert not is_private()
