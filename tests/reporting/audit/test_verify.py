"""Reports that were tampered with, a study that changed: what is named, and what the exit code is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, ReportError
from mpg_research.reporting.audit.folders import recipients_in
from mpg_research.reporting.audit.integrity import digest_of
from mpg_research.reporting.audit.verify import verify_reports
from mpg_research.reporting.run.run import run_study
from tests.reporting.conftest import write_study
from tests.reporting.notebook_makers import WRITE_TABLE, make_notebook

PAGE = "funder/nl/report_funder.html"
TABLE = "funder/nl/tables/report_funder/flow.csv"
#: A page that says a number of the study: how many rows its file has.
COUNTING = """\
from pathlib import Path as P
number = len((P(study).parent / "episodes.csv").read_text().splitlines())
content = f"step,n_families\\nread,{number}\\n".encode()
note_file(P(output), write_atomically(P(output) / "tables" / "flow.csv", content))
sentence(f"In {number} rijen.")
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports for the funder and one organisation, made once; tests take copies."""
    place = tmp_path_factory.mktemp("published")
    study = write_study(place / "study")
    for name in ("report_funder", "report_organisation"):
        make_notebook(place / "notebooks", name, 'sentence("Een zin.")', WRITE_TABLE)
    for choice in ({"only": ["report_funder"]}, {"organisation": ["org_a"]}):
        summary = run_study(
            study,
            reports=place / "reports",
            notebooks=place / "notebooks",
            jobs=1,
            allow_modified=True,
            **choice,
        )
        assert summary.exit_code == 0
    return place / "reports" / "small"


@pytest.fixture
def reports(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "small"))


def faults(reports: Path) -> list[tuple[str, str]]:
    found = verify_reports(reports)
    assert found.exit_code == (1 if found.faults else 0)
    return [(fault.what, fault.file) for fault in found.faults]


def test_reports_as_they_were_published_are_good(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(reports) == []
    assert faults(reports.parent) == []
    assert main(["verify", str(reports / "funder")]) == 0
    told = capsys.readouterr().out
    (funder,) = recipients_in(reports / "funder")
    assert "0 faults" in told
    assert digest_of(funder) in told


def add(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda reports: add(reports / TABLE), ("changed", TABLE)),
        (lambda reports: add(reports / PAGE), ("changed", PAGE)),
        (lambda reports: (reports / TABLE).unlink(), ("missing", TABLE)),
        (lambda reports: add(reports / "funder/outputs.json"), ("changed", "funder/outputs.json")),
        (
            lambda reports: (reports / "funder/ro-crate-metadata.json").unlink(),
            ("missing", "funder/ro-crate-metadata.json"),
        ),
        (
            lambda reports: (reports / "funder/nl/families.csv").write_text("F01"),
            ("extra", "funder/nl/families.csv"),
        ),
        (lambda reports: (reports / "funder/.hidden").write_text(""), ("extra", "funder/.hidden")),
        (lambda reports: (reports / "funder/link").symlink_to("/"), ("a link", "funder/link")),
        (lambda reports: (reports / "raw.csv").write_text("F01"), ("extra", "small/raw.csv")),
        (lambda reports: (reports / "nobody").mkdir(), ("extra", "small/nobody")),
    ],
)
def test_what_was_tampered_with_is_named(
    reports: Path, change: Callable[[Path], object], fault: tuple[str, str]
) -> None:
    change(reports)
    assert faults(reports) == [fault]


def test_a_page_changed_together_with_its_record_has_another_digest(reports: Path) -> None:
    (before,) = map(digest_of, recipients_in(reports / "funder"))
    file = reports / "funder" / "manifest.json"
    manifest = json.loads(file.read_bytes())
    manifest["steps"]["nl/report_funder"]["outputs"]["nl/report_funder.html"] = "0" * 64
    file.write_text(json.dumps(manifest), encoding="utf-8")
    (after,) = map(digest_of, recipients_in(reports / "funder"))
    assert before != after
    assert {what for what, _ in faults(reports)} == {"changed"}


def test_what_are_no_reports_is_said(tmp_path: Path, reports: Path) -> None:
    with pytest.raises(ReportError, match="is no folder"):
        verify_reports(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match="there are no reports"):
        verify_reports(tmp_path / "empty")
    file = reports / "funder" / "manifest.json"
    file.write_text(file.read_text().replace('"format": 3', '"format": 1'), encoding="utf-8")
    with pytest.raises(ReportError, match="another version"):
        verify_reports(reports)
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot be read"):
        verify_reports(reports)
    with pytest.raises(ConfigError, match="--tolerance is 2"):
        verify_reports(reports, tolerance=2)


def test_a_changed_study_and_a_changed_number_are_named(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_notebook(tmp_path / "notebooks", "report_funder", COUNTING)
    chosen = {"notebooks": tmp_path / "notebooks", "allow_modified": True, "jobs": 1}
    reports = tmp_path / "reports"
    summary = run_study(study, reports=reports, only=["report_funder"], **chosen)
    assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]

    good = verify_reports(reports / "small" / "funder", study, **chosen)
    assert good.is_good, good.as_text()
    assert "Nothing differs" in good.as_text()
    assert good.recomputed is not None
    assert (good.recomputed.n_files, good.recomputed.n_cells, good.recomputed.changed) == (3, 2, ())

    add(reports / "small" / PAGE)
    with (study / "episodes.csv").open("a", encoding="utf-8") as stream:
        stream.write("F99,org_a,w1,2024-01-01,,\n")
    options = ["--notebooks", str(tmp_path / "notebooks"), "--allow-modified", "--jobs", "1"]
    assert main(["verify", str(reports / "small"), str(study), *options]) == 1
    told = capsys.readouterr().out
    assert "changed  funder/nl/report_funder.html" in told
    assert "episodes.csv changed" in told
    assert "row 2 (step read), column n_families: published 13, recomputed 14" in told
    assert '"In 13 rijen."' in told
    assert '"In 14 rijen."' in told


def test_reports_of_another_study_or_of_notebooks_that_are_not_there_are_refused(
    reports: Path, study: Path
) -> None:
    text = (study / "study.toml").read_text(encoding="utf-8")
    (study / "study.toml").write_text(text.replace('languages = ["nl"]', 'languages = ["en"]'))
    with pytest.raises(ReportError, match="None of these 1 pages"):
        verify_reports(reports / "funder", study)
    (study / "study.toml").write_text(text.replace('name = "small"', 'name = "other"'), encoding="utf-8")
    with pytest.raises(ReportError, match='of the study "small"'):
        verify_reports(reports / "funder", study)
