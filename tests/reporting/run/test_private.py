"""What is not for release: marked, for its owner only, away from the reports, and never one of them."""

import json
import os
import stat
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting.private import MARKER, is_private, pages_in_private
from mpg_research.reporting.run.explain import explain_run
from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.reporting.store.folder import store_folder

MARK = "not-for-release"
posix = pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")


@pytest.fixture
def run(study: Path, tmp_path: Path, notebooks: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "store"))

    def do(place: str, **options) -> RunSummary:
        chosen = {"reports": tmp_path / place, "notebooks": notebooks, "jobs": 1, "only": ["01_data_quality"]}
        return run_study(study, **{**chosen, **options})

    return do


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@posix
def test_a_private_run_is_marked_exact_and_for_its_owner_only(run) -> None:
    released = run("out/reports")
    before = os.umask(0o022)
    try:
        summary = run("own/private", private=True)
    finally:
        os.umask(before)
    assert summary.exit_code == 0, [each.reason for each in summary.outcomes]
    folder = summary.folder
    assert folder.name == f"small.{MARK}"
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    own = folder / "researcher"
    made = [path for path in files_in(own) if path.name != "manifest.json"]
    assert made
    assert all(MARK in path.name for path in made)
    page = next(path for path in made if path.suffix == ".html").read_text(encoding="utf-8")
    assert "Niet voor verspreiding" in page.split("<main")[0]
    assert 'class="watermark"' in page
    assert "<title>NIET VOOR VERSPREIDING" in page
    other = next((released.folder / "researcher" / "nl").glob("*.html")).read_text(encoding="utf-8")
    assert "&lt;10" in other
    assert "&lt;10" not in page
    assert "Niet voor verspreiding" not in other
    manifest = json.loads((own / "manifest.json").read_bytes())
    assert manifest["private"].startswith("Not for release")
    assert all(entry["disclosure"]["private"] for entry in manifest["steps"].values())
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "Niet voor verspreiding" in index
    assert f"researcher/nl/01_data_quality.{MARK}.html" in index
    assert "report_funder" not in index
    assert MARKER in [path.name for path in folder.iterdir()]


def test_the_exact_numbers_are_in_the_tables_and_the_links_lead_there(run, tmp_path: Path) -> None:
    released, private = run("out/reports"), run("own/private", private=True)
    name = "by_organisation"
    hidden = (released.folder / f"researcher/nl/tables/01_data_quality/{name}.csv").read_text("utf-8")
    exact = (private.folder / f"researcher/nl/tables/01_data_quality/{name}.{MARK}.csv").read_text("utf-8")
    assert "True" in hidden
    assert "True" not in exact
    assert exact.count(",3,") >= 4  # three families at each of four organisations


def test_neither_is_ever_taken_for_the_other(run) -> None:
    run("own/private", private=True)
    assert run("own/private", private=True).count("up to date") == 1
    assert run("out/reports").count("ok") == 1
    assert run("out/reports").count("up to date") == 1
    assert run("own/private", private=True).count("up to date") == 1


def test_nothing_private_is_stored(run, tmp_path: Path) -> None:
    run("out/reports")
    before = {path.name: path.read_bytes() for path in files_in(store_folder().path)}
    run("own/private", private=True)
    after = {path.name: path.read_bytes() for path in files_in(store_folder().path)}
    assert before
    assert after == before


@pytest.mark.parametrize(
    "place", ["out/reports", "out/reports/small", "out/reports/small/researcher", "out/beside", "out"]
)
def test_private_pages_are_refused_inside_and_beside_released_ones(run, tmp_path: Path, place: str) -> None:
    run("out/reports")
    there = sorted(files_in(tmp_path / "out"))
    with pytest.raises(DisclosureError, match="inside or beside the released reports"):
        run(place, private=True)
    assert sorted(files_in(tmp_path / "out")) == there


def test_a_link_into_the_reports_is_refused_too(run, tmp_path: Path) -> None:
    run("out/delivery")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link").symlink_to(tmp_path / "out" / "delivery", target_is_directory=True)
    with pytest.raises(DisclosureError, match="inside or beside"):
        run("elsewhere/link", private=True)


@pytest.mark.parametrize("place", ["own/private", f"own/private/small.{MARK}", "own/beside", "own"])
def test_reports_are_refused_inside_and_beside_private_pages(run, tmp_path: Path, place: str) -> None:
    run("own/private", private=True)
    there = sorted(files_in(tmp_path / "own"))
    with pytest.raises(DisclosureError, match="not for release"):
        run(place)
    assert sorted(files_in(tmp_path / "own")) == there


def test_a_folder_called_reports_is_refused_before_there_is_a_run(run, tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match="inside or beside"):
        run("Reports/mine", private=True)
    assert not (tmp_path / "Reports").exists()


@pytest.mark.parametrize("options", [{"only": ["report_funder"]}, {"organisation": ["org_a"], "only": []}])
def test_what_is_made_for_others_is_never_private(run, tmp_path: Path, options) -> None:
    with pytest.raises(ConfigError, match="the researcher's notebooks only"):
        run("own/private", private=True, **options)
    assert not (tmp_path / "own").exists()


def test_private_needs_a_folder_that_was_named(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(study), "--private"]) == ConfigError.exit_code
    assert "--private was given without --output" in capsys.readouterr().err


def test_explain_tells_of_private_pages(run, study: Path, tmp_path: Path, notebooks: Path) -> None:
    options = {"reports": tmp_path / "own/private", "notebooks": notebooks, "only": ["01_data_quality"]}
    assert [each.reasons for each in explain_run(study, private=True, **options)] == [("never made",)]
    run("own/private", private=True)
    assert [each.reasons for each in explain_run(study, private=True, **options)] == [()]


def test_a_notebook_that_calls_itself_private_is_not_published(run, notebooks: Path, tmp_path: Path) -> None:
    file = next(notebooks.glob("*01_data_quality*"))
    text = json.loads(file.read_text("utf-8"))
    first = next(cell for cell in text["cells"] if "begin(" in "".join(cell["source"]))
    source = "".join(first["source"])
    first["source"] = "from mpg_research.reporting.private import _STATE\n_STATE['private'] = True\n" + source
    file.write_text(json.dumps(text), "utf-8")
    summary = run("out/reports")
    assert summary.count("failed") == 1
    assert "released to the private researcher" in summary.outcomes[0].reason
    assert not list((tmp_path / "out").rglob("*.csv"))


def test_the_state_of_a_process_comes_back() -> None:
    with pages_in_private(True):
        assert is_private()
        with pages_in_private(False):
            assert not is_private()
        assert is_private()
    assert not is_private()
