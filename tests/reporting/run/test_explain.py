"""Why a run would make its pages: each thing that can change, said by its name, and nothing is run."""

import json
from pathlib import Path
from typing import Any

import pytest

from mpg_research.reporting.files import file_sha256
from mpg_research.reporting.run.explain import explain_run, why_due
from mpg_research.reporting.run.fingerprint import read_inputs, step_fingerprint
from mpg_research.reporting.run.manifest import record_step, step_entry
from mpg_research.reporting.run.plan import plan_steps, published_files
from mpg_research.reporting.store import inputs as made_of
from mpg_research.study import read_config

CODE = dict.fromkeys(made_of.CODE, "0" * 64)
WORDS = {"": "1", "nl": "1", "en": "1"}


@pytest.fixture(autouse=True)
def _code_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_of, "_hash_package", lambda *files: (CODE, WORDS))


@pytest.fixture
def made(study: Path, tmp_path: Path, notebooks: Path) -> Path:
    """A reports folder in which every step was made (of pages, only the record matters here)."""
    from datetime import datetime

    config = read_config(study)
    inputs = read_inputs(config)
    reports = tmp_path / "reports"
    for step in plan_steps(config, notebooks=_found(notebooks)):
        own = reports / "small" / step.recipient
        page = own / published_files(step)["page"]
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("a page")
        notebook = file_sha256(notebooks / f"{step.notebook}.ipynb")
        entry = step_entry(
            step,
            fingerprint=step_fingerprint(step, inputs=inputs, notebook_sha256=notebook, standing="modified"),
            inputs=inputs,
            notebook_sha256=notebook,
            outputs={published_files(step)["page"]: file_sha256(page)},
            record={},
            disclosure={},
            started=datetime(2025, 1, 1),
            seconds=1.0,
            standing="modified",
        )
        record_step(own, step, entry, study="small", synthetic=True)
    return reports


def _found(notebooks: Path) -> Any:
    from mpg_research.reporting.notebooks import find_notebooks

    return find_notebooks(notebooks)


def said(study: Path, reports: Path, notebooks: Path, **options: Any) -> set[tuple[str, ...]]:
    before = {path: path.stat().st_mtime_ns for path in reports.rglob("*")}
    found = explain_run(study, reports=reports, notebooks=notebooks, allow_modified=True, **options)
    assert {path: path.stat().st_mtime_ns for path in reports.rglob("*")} == before
    return {each.reasons for each in found}


def test_what_is_up_to_date_has_no_reason(study: Path, made: Path, notebooks: Path) -> None:
    assert said(study, made, notebooks) == {()}
    assert said(study, made, notebooks, force=True) == {("--force asks for it",)}


def test_what_was_never_made(study: Path, tmp_path: Path, notebooks: Path) -> None:
    assert said(study, tmp_path / "empty", notebooks) == {("never made",)}


@pytest.mark.parametrize("file", ["measurements.csv", "study.toml"])
def test_a_changed_file_is_named_to_every_recipient(
    file: str, study: Path, made: Path, notebooks: Path
) -> None:
    with (study / file).open("a") as stream:
        stream.write("\n")
    assert said(study, made, notebooks) == {(f"{file} changed",)}


def test_files_that_fit_a_pattern_are_named_too(study: Path, tmp_path: Path, notebooks: Path) -> None:
    from datetime import datetime

    toml = study / "study.toml"
    toml.write_text(toml.read_text().replace('"measurements.csv"', '"parts/*.csv"'))
    rows = (study / "measurements.csv").read_text().splitlines(keepends=True)
    (study / "parts").mkdir()
    for name, own in (("a", rows[1:20]), ("b", rows[20:])):
        (study / "parts" / f"{name}.csv").write_text("".join([rows[0], *own]))
    inputs = read_inputs(read_config(study))
    assert [name for name in inputs.data if name.startswith("parts")] == ["parts/a.csv", "parts/b.csv"]
    step = plan_steps(read_config(study), notebooks=_found(notebooks))[0]
    sha256 = "0" * 64
    entry = step_entry(
        step, fingerprint="", inputs=inputs, notebook_sha256=sha256, outputs={}, record={}, disclosure={},
        started=datetime(2025, 1, 1), seconds=1.0, standing="modified",
    )  # fmt: skip
    record_step(tmp_path, step, entry, study="small", synthetic=True)
    with (study / "parts" / "b.csv").open("a") as stream:
        stream.write(rows[1])
    (study / "parts" / "c.csv").write_text(rows[0] + rows[2])
    (study / "parts" / "a.csv").unlink()
    now = read_inputs(read_config(study))
    reasons = why_due(tmp_path, step, inputs=now, notebook_sha256=sha256, standing="modified")
    assert [reason for reason in reasons if "parts" in reason] == [
        "parts/a.csv is no longer part of the study", "parts/b.csv changed", "parts/c.csv is new",
    ]  # fmt: skip


def test_a_changed_notebook(study: Path, made: Path, notebooks: Path) -> None:
    with (notebooks / "report_funder.ipynb").open("a") as stream:
        stream.write("\n")
    assert said(study, made, notebooks, only=["report_funder"]) == {("the notebook changed",)}
    assert said(study, made, notebooks, only=["01_data_quality"]) == {()}


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        ({}, {"nl": "2"}, "the words of nl changed"),
        ({}, {"": "2"}, "what all languages share changed"),
        ({"analysis": "1"}, {}, "the code of the analyses changed"),
        ({"showing": "1"}, {}, "the code that shows results changed"),
        ({"pages": "1"}, {}, "the code that makes pages changed"),
    ],
)
def test_changed_code_and_words(
    code: dict[str, str],
    words: dict[str, str],
    reason: str,
    study: Path,
    made: Path,
    notebooks: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made_of, "_hash_package", lambda *files: (CODE | code, WORDS | words))
    assert said(study, made, notebooks) == {(reason,)}


def test_words_of_another_language_are_no_reason(
    study: Path, made: Path, notebooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_of, "_hash_package", lambda *files: (CODE, WORDS | {"en": "2"}))
    assert said(study, made, notebooks) == {()}


def test_another_version(study: Path, made: Path, notebooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = dict(made_of.library_versions())
    others = now | {"mpg_research": "99", "numpy": "0"}
    monkeypatch.setattr(made_of, "library_versions", lambda: others)
    reasons = (f"made by version {now['mpg_research']}", f"numpy is 0, was {now['numpy']}")
    assert said(study, made, notebooks) == {reasons}


def test_a_page_that_was_changed_or_removed_by_hand(study: Path, made: Path, notebooks: Path) -> None:
    page = made / "small" / "funder" / "nl" / "report_funder.html"
    page.write_text("another")
    assert said(study, made, notebooks, only=["report_funder"]) == {("its page was changed by hand",)}
    page.unlink()
    assert said(study, made, notebooks, only=["report_funder"]) == {("nl/report_funder.html is gone",)}


def test_a_record_of_another_form_is_one_of_an_earlier_version(
    study: Path, made: Path, notebooks: Path
) -> None:
    file = made / "small" / "funder" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 1}))
    assert said(study, made, notebooks, only=["report_funder"]) == {("made by an earlier version",)}


def test_a_record_that_lacks_everything_does_not_fail(study: Path, made: Path, notebooks: Path) -> None:
    config = read_config(study)
    step = plan_steps(config, only=["report_funder"], notebooks=_found(notebooks))[0]
    own = made / "small" / "funder"
    file = own / "manifest.json"
    content = json.loads(file.read_text())
    for spoiled in ({}, {"inputs": "no"}, {"outputs": {}}):
        content["steps"][step.key] = spoiled
        file.write_text(json.dumps(content))
        assert why_due(own, step, inputs=read_inputs(config), notebook_sha256="")


def test_no_hash_of_the_data_is_in_the_record_of_a_reader_outside(study: Path, made: Path) -> None:
    inputs = read_inputs(read_config(study))
    hashes = [*inputs.data.values(), *inputs.settings.values(), inputs.of_results]
    for recipient in (made / "small").iterdir():
        text = (recipient / "manifest.json").read_text()
        assert any(value in text for value in hashes) is (recipient.name == "researcher")
