"""One step from notebook to published files: run, clean, render, search; then put in place, write down.

The first part is done in a process of its own and leaves everything in a staging folder; the second, by the
run itself, so that only one process writes to the published folders.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mpg_research.disclosure.private_names import NOT_FOR_RELEASE
from mpg_research.errors import MpgError, ReportError
from mpg_research.reporting.allowed_notebooks import Standing
from mpg_research.reporting.files import (
    MANIFEST,
    file_sha256,
    json_bytes,
    move_into_place,
    remove_tree,
)
from mpg_research.reporting.ledger.comparison import Comparison, comparing, record_releases
from mpg_research.reporting.ledger.ledger import Ledger
from mpg_research.reporting.ledger.releases import ledger_of_page
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.own_notebooks import NotebookContent, content_of
from mpg_research.reporting.pictures import png_is_wanted
from mpg_research.reporting.private import pages_in_private
from mpg_research.reporting.run.execute import NotebookFailure, run_notebook
from mpg_research.reporting.run.fingerprint import Inputs
from mpg_research.reporting.run.manifest import read_manifest, record_step, step_entry
from mpg_research.reporting.run.plan import Step, StepOutcome, published_files
from mpg_research.reporting.run.prepare import config_of
from mpg_research.reporting.session.shown import MARK
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.writing import write_atomically

__all__ = ["failed_step", "make_page", "publish_page", "staged_folder", "withdraw_page"]

_CHANGED_MEANWHILE = (
    "{name} was changed while the run was going on; its pages were not made. Run again later."
)


@dataclass(frozen=True, slots=True)
class _Task:
    """A step with all that making it needs."""

    step: Step
    config: StudyConfig
    staged: Path
    notebook: Path
    notebook_sha256: str
    fingerprint: str
    inputs: Inputs
    standing: Standing
    comparison: Comparison | None
    formats: tuple[str, ...] = ("html",)


def staged_folder(staging: str | Path, step: Step) -> Path:
    """Where the files of a step lie until they are whole.

    Parameters
    ----------
    staging : str or Path
        Staging folder of the run.
    step : Step
        The step.

    Returns
    -------
    Path
    """
    return Path(staging) / step.name.replace("/", "-")


def make_page(given: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Make the files of a step in its staging folder; a plain function of paths and hashes.

    Nothing is published here, and what comes back has passed every check. A failure comes back as a reason,
    never as an exception.

    Parameters
    ----------
    given : mapping
        ``study`` (its ``study.toml``), ``staging`` (a folder), ``inputs`` (hashes that all steps share),
        ``compare`` (what the secret is known by, where releases are compared) and ``formats`` (in which
        pages are published).
    part : mapping
        ``step`` (the fields of a :class:`Step`), ``notebook`` (its file), ``notebook_sha256``,
        ``fingerprint`` and ``standing`` (the fields of a :class:`Standing`).

    Returns
    -------
    dict
        ``files`` by the name they will have in the recipient's folder, ``entry`` for the manifest, and
        ``releases``, what is to be written down of them, with ``not_fitted``, why by analysis; or ``reason``
        and ``traceback``.
    """
    import traceback

    step = Step(**part["step"])
    staged = staged_folder(given["staging"], step)
    started, clock = datetime.now(UTC), time.perf_counter()
    try:
        config = config_of(given["study"])
        ledger = ledger_of_page(config.study.name, given.get("compare", ""))
        task = _Task(
            step,
            config,
            staged,
            Path(part["notebook"]),
            part["notebook_sha256"],
            part["fingerprint"],
            Inputs(**given["inputs"]),
            Standing(**part["standing"]),
            Comparison(ledger, step.recipient) if ledger is not None else None,
            tuple(given.get("formats", ("html",))),
        )
        files, record = _prepare(task)
        entry = _entry(task, files, record, started, time.perf_counter() - clock)
        _search(task, files, entry, record)
        releases = task.comparison.stage(staged / "releases") if task.comparison is not None else None
    except NotebookFailure as error:
        return {"reason": str(error), "traceback": error.traceback}
    except MpgError as error:
        return {"reason": str(error), "traceback": traceback.format_exc()}
    except OSError as error:
        return {"reason": _about_file(error), "traceback": traceback.format_exc()}
    except Exception as error:
        # The other steps go on whatever happens in this one.
        reason = f"{type(error).__name__}: {error} (this is a bug in the package; --debug shows where)"
        return {"reason": reason, "traceback": traceback.format_exc()}
    found = {name: str(path) for name, path in files.items()}
    not_fitted = record.get("not_fitted", {})
    return {"files": found, "entry": entry, "releases": releases, "not_fitted": not_fitted}


def publish_page(
    step: Step,
    made: Mapping[str, Any],
    *,
    folder: Path,
    config: StudyConfig,
    seconds: float,
    ledger: Ledger | None = None,
) -> StepOutcome:
    """Move the files of a step into place and write it down, or say why there is nothing to publish.

    The manifest entry goes first and comes last: without it the step is due.

    Parameters
    ----------
    step : Step
        The step.
    made : mapping
        What :func:`make_page` returned.
    folder : Path
        ``reports/<study>``.
    config : StudyConfig
        The study.
    seconds : float
        How long it took.
    ledger : Ledger, optional
        Where what is released is written down, before any of it is in place.

    Returns
    -------
    StepOutcome
    """
    if "reason" in made:
        return StepOutcome(step, "failed", seconds, made["reason"], made["traceback"])
    own, study, entry = folder / step.recipient, config.study, made["entry"]
    try:
        if ledger is not None:
            record_releases(ledger, step.recipient, made["releases"])
        before = read_manifest(own)["steps"].get(step.key, {}).get("outputs", {})
        record_step(own, step, None, study=study.name, synthetic=study.synthetic)
        for name, path in made["files"].items():
            if step.private:
                Path(path).chmod(0o600)
            move_into_place(Path(path), own / name)
        for name in set(before) - set(made["files"]):
            (own / name).unlink(missing_ok=True)
        record_step(own, step, entry, study=study.name, synthetic=study.synthetic)
    except MpgError as error:
        return failed_step(step, str(error), seconds)
    except OSError as error:
        return failed_step(step, _about_file(error), seconds)
    return StepOutcome(step, "ok", seconds, not_fitted=made.get("not_fitted", {}))


def withdraw_page(step: Step, outcome: StepOutcome, *, folder: Path, config: StudyConfig) -> None:
    """Take back a step that was published.

    Parameters
    ----------
    step : Step
        The step.
    outcome : StepOutcome
        How it ended; nothing is done where that is not well.
    folder : Path
        ``reports/<study>``.
    config : StudyConfig
        The study.
    """
    if outcome.status != "ok":
        return
    own, study = folder / step.recipient, config.study
    outputs = read_manifest(own)["steps"].get(step.key, {}).get("outputs", {})
    record_step(own, step, None, study=study.name, synthetic=study.synthetic)
    for name in outputs:
        (own / name).unlink(missing_ok=True)


def failed_step(step: Step, reason: str, seconds: float, traceback: str = "") -> StepOutcome:
    """A step of which nothing is published.

    Parameters
    ----------
    step : Step
        The step.
    reason : str
        Why.
    seconds : float
        How long it took.
    traceback : str
        Where it failed.

    Returns
    -------
    StepOutcome
    """
    return StepOutcome(step, "failed", seconds, reason, traceback)


def _about_file(error: OSError) -> str:
    return f"A file could not be written or read: {error.strerror or error} ({error.filename})."


def _prepare(task: _Task) -> tuple[dict[str, Path], dict[str, Any]]:
    """Run the notebook and stage all files, by the name they will have in the recipient's folder."""
    import json

    nbformat = import_nbformat()

    from mpg_research.present.language.phrases import study_phrases
    from mpg_research.reporting.documents.make import make_documents, pictures_in, writes_pictures
    from mpg_research.reporting.formats import pictures_for_word
    from mpg_research.reporting.notebooks import read_notebook
    from mpg_research.reporting.page.clean import clean_notebook, warning_counts
    from mpg_research.reporting.page.frame import Reader, page_frame
    from mpg_research.reporting.page.html import render_page
    from mpg_research.reporting.page.numbering import number_shown
    from mpg_research.reporting.parameters import check_parameters
    from mpg_research.reporting.safeguards.beside import refuse_files_beside, refuse_outputs_beside
    from mpg_research.reporting.session.session import RECORD
    from mpg_research.reporting.session.written import forget, written_in

    step, config, staged = task.step, task.config, task.staged
    remove_tree(staged)  # of an earlier try
    work = staged / "output"
    forget(work)
    work.mkdir(parents=True, exist_ok=True)
    content = _content_asked_for(task)
    parameters = {**step.parameters, "study": str(config.file), "output": str(work)}
    for_word = writes_pictures(task.formats, step.role)
    with pages_in_private(step.private), comparing(task.comparison), pictures_for_word(for_word):
        node = run_notebook(
            task.notebook,
            notebook=step.notebook,
            parameters=parameters,
            output=staged / "executed.ipynb",
            is_ours=task.standing.kind == "own",
        )
    if content_of(node, as_run=True) != content:
        raise ReportError(_CHANGED_MEANWHILE.format(name=task.notebook.name))
    _refuse_other_readers(node, step)
    written = written_in(work)
    beside = refuse_files_beside(work, written, step.notebook)
    refuse_outputs_beside(node, written)
    record = json.loads((work / RECORD).read_bytes()) if (work / RECORD).is_file() else {}
    record["warnings"] = warning_counts(node)
    record["releases"] = task.comparison.record() if task.comparison is not None else {"compared": False}
    model = read_notebook(task.notebook).model
    shown = check_parameters(model, step.parameters, step.notebook).model_dump(mode="json")
    shown["study"] = config.study.name
    unit = config.study.unit_words.get(step.language)
    time = config.time.axis_unit
    groups = config.disclosure.public_groups
    clean = clean_notebook(
        node, language=step.language, parameters=shown, unit=unit, time=time, groups=groups
    )
    clean = number_shown(clean, study_phrases(config, step.language), refer=step.role == "researcher")
    names = published_files(step)
    languages = config.study.languages
    frame = page_frame(
        Reader(step.role, step.language, step.organisation, step.private),
        config,
        pages={code: published_files(replace(step, language=code))["page"] for code in languages},
        digest=task.inputs.fingerprint,
        is_modified=task.standing.kind == "modified",
        comparison=task.comparison,
    )
    page = render_page(clean, frame)
    page_path, notebook_path = staged / "page.html", staged / "notebook.ipynb"
    write_atomically(page_path, page.encode(), durable=False)
    write_atomically(notebook_path, f"{nbformat.writes(clean)}\n".encode(), durable=False)
    files = {names["page"]: page_path, names["notebook"]: notebook_path}
    pictures = pictures_in(beside, step.notebook) if for_word else {}
    base = names["page"].removesuffix(".html")
    for ending, document in make_documents(page, step.language, step.role, task.formats, pictures).items():
        files[base + ending] = write_atomically(staged / f"page{ending}", document, durable=False)
    for name, path in beside.items():
        kind, _, file = name.partition("/")
        if for_word and not png_is_wanted() and path.suffix == ".png":
            continue
        files[f"{step.language}/{kind}/{step.notebook}/{file}"] = path
    _refuse_private_files(files, step)
    return files, record


def _content_asked_for(task: _Task) -> NotebookContent:
    """What stands in the notebook, where that is still what the run was asked to run."""
    if content_of(task.notebook).sha256 != task.standing.sha256:
        raise ReportError(_CHANGED_MEANWHILE.format(name=task.notebook.name))
    return content_of(task.notebook, as_run=True)


def _refuse_private_files(files: Mapping[str, Path], step: Step) -> None:
    """What says that it is not for release is not released, whatever a notebook did."""
    marked = [name for name in files if NOT_FOR_RELEASE in Path(name).name]
    if marked and not step.private:
        raise ReportError(f"{', '.join(marked)}: not for release, and this is no run with --private.")


def _refuse_other_readers(node: Any, step: Step) -> None:
    """A page for one reader shows nothing that was released to another: begin() names its own notebook."""
    for cell in node.cells:
        for output in cell.get("outputs", []):
            mark = output.get("metadata", {}).get(MARK)
            if mark is not None and mark["released_to"] != step.reader:
                raise ReportError(
                    f"The notebook {step.notebook} is for the {step.reader}, and shows something that was "
                    f"released to the {mark['released_to']}. Begin it with its own name: "
                    f'begin("{step.notebook}", ...).'
                )


def _entry(
    task: _Task,
    files: Mapping[str, Path],
    record: Mapping[str, Any],
    started: datetime,
    seconds: float,
) -> dict[str, Any]:
    from mpg_research.reporting.page.looser import looser_record

    return step_entry(
        task.step,
        fingerprint=task.fingerprint,
        inputs=task.inputs,
        notebook_sha256=task.notebook_sha256,
        outputs={name: file_sha256(path) for name, path in files.items()},
        record=record,
        disclosure=looser_record(task.config, task.step.role),
        started=started,
        seconds=seconds,
        standing=task.standing.kind,
    )


def _search(
    task: _Task, files: Mapping[str, Path], entry: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    """Refuse the step if any of its files, or its manifest entry, names another organisation."""
    from mpg_research.reporting.page.name_search import forbidden_names, refuse_names

    forbidden, own = forbidden_names(
        task.config,
        role=task.step.role,
        organisation=task.step.organisation,
        keys=record.get("organisations", ()),
    )
    described = {key: value for key, value in entry.items() if key not in {"versions", "run"}}
    entry_path = task.staged / "entry.json"
    write_atomically(entry_path, json_bytes(described), durable=False)
    refuse_names({**files, MANIFEST: entry_path}, forbidden=forbidden, own=own)
