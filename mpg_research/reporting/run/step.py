"""One step from notebook to published files: run, clean, render, search, put in place, write down."""

import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mpg_research.errors import MpgError, ReportError
from mpg_research.reporting.files import (
    file_sha256,
    json_bytes,
    json_sha256,
    move_into_place,
    remove_tree,
)
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.run.execute import KernelRegistry, NotebookFailure, run_notebook
from mpg_research.reporting.run.fingerprint import Inputs
from mpg_research.reporting.run.manifest import read_manifest, record_step, step_entry
from mpg_research.reporting.run.plan import Step, published_files
from mpg_research.reporting.session.shown import MARK
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.version import __version__
from mpg_research.writing import write_atomically

__all__ = ["RunContext", "StepOutcome", "make_step"]

Status = Literal["ok", "up to date", "failed", "interrupted"]
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all steps of a run share.

    Attributes
    ----------
    config : StudyConfig
        The study.
    folder : Path
        ``reports/<study>``.
    staging : Path
        Folder for work in progress, on the same file system.
    notebooks : mapping of str to Path
        The shipped notebooks, by name.
    notebook_hashes, fingerprints : mapping of str to str
        SHA-256 by notebook, and the steps' fingerprints by step name.
    inputs : Inputs
        Hashes and versions all steps share.
    registry : KernelRegistry
        The running kernels.
    """

    config: StudyConfig
    folder: Path
    staging: Path
    notebooks: Mapping[str, Path]
    notebook_hashes: Mapping[str, str]
    fingerprints: Mapping[str, str]
    inputs: Inputs
    registry: KernelRegistry = field(default_factory=KernelRegistry)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended.

    Attributes
    ----------
    step : Step
        The step.
    status : {"ok", "up to date", "failed", "interrupted"}
        How it ended.
    seconds : float
        How long it took.
    reason : str
        Why it failed, for a reader who does not program.
    traceback : str
        Where it failed, for ``--debug``.
    """

    step: Step
    status: Status
    seconds: float = 0.0
    reason: str = ""
    traceback: str = ""


def make_step(step: Step, context: RunContext) -> StepOutcome:
    """Run a step and publish it; a failure becomes an outcome, never an exception.

    Nothing of a step is published before all of it is there and has passed every check.
    """
    import traceback

    started, clock = datetime.now(UTC), time.perf_counter()
    staged = context.staging / step.name.replace("/", "-")
    try:
        files, record = _prepare(step, context, staged)
        entry = _entry(step, context, files, record, started, time.perf_counter() - clock)
        _search(step, context, files, entry, record, staged)
        _publish(step, context, files, entry)
    except NotebookFailure as error:
        status: Status = "interrupted" if context.registry.stopped else "failed"
        return StepOutcome(step, status, time.perf_counter() - clock, str(error), error.traceback)
    except MpgError as error:
        return StepOutcome(step, "failed", time.perf_counter() - clock, str(error), traceback.format_exc())
    except OSError as error:
        reason = f"A file could not be written or read: {error.strerror or error} ({error.filename})."
        return StepOutcome(step, "failed", time.perf_counter() - clock, reason, traceback.format_exc())
    except Exception as error:
        # The other steps go on whatever happens in this one.
        status = "interrupted" if context.registry.stopped else "failed"
        reason = f"{type(error).__name__}: {error} (this is a bug in the package; --debug shows where)"
        return StepOutcome(step, status, time.perf_counter() - clock, reason, traceback.format_exc())
    finally:
        remove_tree(staged)
    return StepOutcome(step, "ok", time.perf_counter() - clock)


def _prepare(step: Step, context: RunContext, staged: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    """Run the notebook and stage all files, by the name they will have in the recipient's folder."""
    import json

    nbformat = import_nbformat()

    from mpg_research.reporting.notebooks import read_notebook
    from mpg_research.reporting.page.clean import clean_notebook, warning_counts
    from mpg_research.reporting.page.html import render_page
    from mpg_research.reporting.parameters import check_parameters
    from mpg_research.reporting.session.session import RECORD

    work = staged / "output"
    work.mkdir(parents=True, exist_ok=True)
    parameters = {**step.parameters, "study": str(context.config.file), "output": str(work)}
    node = run_notebook(
        context.notebooks[step.notebook],
        notebook=step.notebook,
        parameters=parameters,
        output=staged / "executed.ipynb",
        registry=context.registry,
    )
    _refuse_other_readers(node, step)
    record = json.loads((work / RECORD).read_bytes()) if (work / RECORD).is_file() else {}
    record["warnings"] = warning_counts(node)
    model = read_notebook(context.notebooks[step.notebook]).model
    shown = check_parameters(model, step.parameters, step.notebook).model_dump(mode="json")
    shown["study"] = context.config.study.name
    unit = context.config.study.unit_words.get(step.language)
    time = context.config.time.axis_unit
    groups = context.config.disclosure.public_groups
    clean = clean_notebook(
        node, language=step.language, parameters=shown, unit=unit, time=time, groups=groups
    )
    names = published_files(step)
    with _ONE_AT_A_TIME:
        page = render_page(clean, _frame(step, context))
    page_path, notebook_path = staged / "page.html", staged / "notebook.ipynb"
    write_atomically(page_path, page.encode())
    write_atomically(notebook_path, f"{nbformat.writes(clean)}\n".encode())
    files = {names["page"]: page_path, names["notebook"]: notebook_path}
    for kind in ("tables", "figures"):
        for path in sorted((work / kind).glob("*")):
            files[f"{step.language}/{kind}/{step.notebook}/{path.name}"] = path
    return files, record


def _refuse_other_readers(node: Any, step: Step) -> None:
    """A page for one reader shows nothing that was released to another: begin() names its own notebook."""
    for cell in node.cells:
        for output in cell.get("outputs", []):
            mark = output.get("metadata", {}).get(MARK)
            if mark is not None and mark["released_to"] != step.role:
                raise ReportError(
                    f"The notebook {step.notebook} is for the {step.role}, and shows something that was "
                    f"released to the {mark['released_to']}. Begin it with its own name: "
                    f'begin("{step.notebook}", ...).'
                )


def _frame(step: Step, context: RunContext) -> Any:
    from mpg_research.present.language.names import clean_name, isolated
    from mpg_research.reporting.page.html import PageFrame, page_words

    config = context.config
    if step.organisation:
        recipient = config.organisations[step.organisation].name.in_language(step.language)
    else:
        recipient = page_words(step.language)[step.role]
    return PageFrame(
        language=step.language,
        study=isolated(clean_name(config.study.title.in_language(step.language))),
        recipient=isolated(clean_name(recipient)),
        synthetic=config.study.synthetic,
        show_code=step.role == "researcher",
        digest=json_sha256([dict(context.inputs.data), dict(context.inputs.settings)])[:16],
        version=__version__,
    )


def _entry(
    step: Step,
    context: RunContext,
    files: Mapping[str, Path],
    record: Mapping[str, Any],
    started: datetime,
    seconds: float,
) -> dict[str, Any]:
    return step_entry(
        step,
        fingerprint=context.fingerprints[step.name],
        inputs=context.inputs,
        notebook_sha256=context.notebook_hashes[step.notebook],
        outputs={name: file_sha256(path) for name, path in files.items()},
        record=record,
        started=started,
        seconds=seconds,
        host=platform.node(),
        platform=platform.platform(),
    )


def _search(
    step: Step,
    context: RunContext,
    files: Mapping[str, Path],
    entry: Mapping[str, Any],
    record: Mapping[str, Any],
    staged: Path,
) -> None:
    """Refuse the step if any of its files, or its manifest entry, names another organisation."""
    from mpg_research.reporting.page.name_search import forbidden_names, refuse_names

    forbidden, own = forbidden_names(
        context.config,
        role=step.role,
        organisation=step.organisation,
        keys=record.get("organisations", ()),
    )
    described = {key: value for key, value in entry.items() if key not in {"versions", "run"}}
    entry_path = staged / "entry.json"
    write_atomically(entry_path, json_bytes(described))
    refuse_names({**files, "manifest.json": entry_path}, forbidden=forbidden, own=own)


def _publish(step: Step, context: RunContext, files: Mapping[str, Path], entry: Mapping[str, Any]) -> None:
    """Move the files into place. The manifest entry goes first and comes last: without it the step is due."""
    folder = context.folder / step.recipient
    study = context.config.study
    with _ONE_AT_A_TIME:
        before = read_manifest(folder)["steps"].get(step.key, {}).get("outputs", {})
        record_step(folder, step, None, study=study.name, synthetic=study.synthetic)
        for name, path in files.items():
            move_into_place(path, folder / name)
        for name in set(before) - set(files):
            (folder / name).unlink(missing_ok=True)
        record_step(folder, step, entry, study=study.name, synthetic=study.synthetic)
