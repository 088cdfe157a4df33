"""Runs of a study that grows: what a reader was given before stays until enough families differ."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mpg_research.reporting.ledger.ledger import LEDGER_VARIABLE
from mpg_research.reporting.run.explain import explain_run
from mpg_research.reporting.run.run import RunSummary, run_study
from tests.reporting.ledger.growing import write_families
from tests.reporting.notebook_makers import make_notebook

NOTEBOOK = "01_data_quality"
CELLS = (
    "from mpg_research import begin\n"
    f'session = begin("{NOTEBOOK}", study=study, language=language, output=output)\n'
    'quality = session.analyse("describe_quality")',
    'session.table(quality, "overview")',
    'session.table(quality, "sample_flow")',
)


class Runs:
    """A study, its reports, and what they say."""

    def __init__(self, folder: Path) -> None:
        self.study, self.reports, self.notebooks = (folder / n for n in ("study", "reports", "notebooks"))
        make_notebook(self.notebooks, NOTEBOOK, *CELLS)

    def run(self, numbers: Iterable[int], **options: Any) -> RunSummary:
        others = options.pop("others", ())
        write_families(self.study, numbers, others=others)
        return self.again(**options)

    def again(self, **options: Any) -> RunSummary:
        given = {"reports": self.reports, "notebooks": self.notebooks, "jobs": 1, "allow_modified": True}
        summary = run_study(self.study, **{**given, **options})
        assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
        return summary

    def files(self) -> dict[str, bytes]:
        """All that the researcher has, but for the manifest."""
        own = self.reports / "grows" / "researcher"
        return {
            path.relative_to(own).as_posix(): path.read_bytes()
            for path in sorted(own.rglob("*"))
            if path.is_file() and path.name != "manifest.json"
        }

    def tables(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files().items() if name.endswith(".csv")}

    def page(self, language: str) -> str:
        return self.files()[f"{language}/{NOTEBOOK}.html"].decode()

    def said(self) -> dict[str, Any]:
        steps = json.loads((self.reports / "grows/researcher/manifest.json").read_bytes())["steps"]
        return {key: entry["releases"] for key, entry in steps.items()}

    def reasons(self) -> set[str]:
        found = explain_run(self.study, reports=self.reports, notebooks=self.notebooks, allow_modified=True)
        return {reason for each in found for reason in each.reasons}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "releases"))
    return Runs(tmp_path)


def test_four_families_more_change_nothing_and_twelve_do(runs: Runs) -> None:
    runs.run(range(40))
    first = runs.tables()
    assert first
    assert 'class="kept"' not in runs.page("nl") + runs.page("en")

    runs.run(range(44))
    assert runs.tables() == first
    for language, words in (("nl", "eerdere uitgave"), ("en", "earlier release")):
        page = runs.page(language)
        assert page.count('class="kept"') == 1
        assert words in page
        assert "10" in page.split('class="kept"')[1].split("</p>")[0]
    assert all(said["kept"] == ["data_quality"] and said["compared"] for said in runs.said().values())
    assert "earlier release" in (runs.reports / "grows" / "index.en.html").read_text(encoding="utf-8")

    kept = runs.files()
    assert runs.reasons() == set()
    assert runs.again().count("up to date") == 2
    assert runs.again(force=True).count("ok") == 2
    assert runs.files() == kept

    runs.run(range(52))
    assert runs.tables() != first
    assert 'class="kept"' not in runs.page("nl") + runs.page("en")
    assert all(said["kept"] == [] for said in runs.said().values())


def test_a_release_by_another_run_makes_a_page_due(runs: Runs, tmp_path: Path) -> None:
    runs.run(range(40), language=["nl"])
    runs.run(range(44), language=["nl"])
    runs.run(range(52), language=["nl"], reports=tmp_path / "elsewhere")
    write_families(runs.study, range(44))
    assert "what was released to this reader changed" in runs.reasons()
    assert runs.again(language=["nl"]).count("ok") == 1
    assert runs.tables()  # those of the 52
    assert runs.again(language=["nl"]).count("up to date") == 1


def test_where_nothing_can_be_written_down_the_run_says_so(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "file" / "releases"))
    summary = runs.run(range(40))
    assert LEDGER_VARIABLE in summary.not_compared
    assert all(said == {"compared": False} for said in runs.said().values())
    assert "could not be compared" in (runs.reports / "grows" / "index.en.html").read_text(encoding="utf-8")
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "releases"))
    assert "it was not compared with earlier releases" in runs.reasons()
    assert runs.again().count("ok") == 2
    assert all(said["compared"] for said in runs.said().values())


def test_explaining_makes_neither(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPG_SECRET_FILE", str(tmp_path / "own" / "secret"))
    write_families(runs.study, range(40))
    assert runs.reasons() == {"never made"}
    assert not (tmp_path / "own").exists()
    assert not (tmp_path / "releases").exists()
