"""The main job: a study folder in, reports out. Whatever is up to date is left alone."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research.errors import ConfigError, DataError, ReportError
from mpg_research.languages import languages
from mpg_research.reporting.files import file_sha256, lock_folder, remove_tree
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.run.fingerprint import Inputs, read_inputs, step_fingerprint
from mpg_research.reporting.run.manifest import is_up_to_date, read_manifest
from mpg_research.reporting.run.plan import Step, plan_steps
from mpg_research.reporting.run.progress import Progress
from mpg_research.study.config.study_toml import OrganisationConfig, StudyConfig, read_config, source_paths
from mpg_research.study.shipped import shipped_example, shipped_notebooks

if TYPE_CHECKING:
    from mpg_research.reporting.run.step import StepOutcome

__all__ = ["RunSummary", "default_jobs", "run_study"]

#: More kernels than this at once need more memory than most machines have.
MOST_JOBS = 8
STAGING = ".staging"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes
    ----------
    study : str
        Name of the study.
    folder : Path
        Where its reports lie.
    outcomes : tuple of StepOutcome
        One per step, in the order of the plan.
    index : Path or None
        The internal overview.
    warnings : int
        Warnings of the check of the data; ``mpg check`` lists them.
    """

    study: str
    folder: Path
    outcomes: "tuple[StepOutcome, ...]"
    index: Path | None
    warnings: int = 0

    def count(self, status: str) -> int:
        """Number of steps that ended so.

        Parameters
        ----------
        status : {"ok", "up to date", "failed"}
            How the step ended.

        Returns
        -------
        int
        """
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 if every step is ok or up to date, else that of :class:`ReportError`."""
        return ReportError.exit_code if self.count("failed") else 0


def run_study(
    path: str | Path | None = None,
    *,
    reports: str | Path = "reports",
    only: Sequence[str] = (),
    organisation: Sequence[str] = (),
    language: Sequence[str] = (),
    jobs: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
    notebooks: str | Path | None = None,
) -> RunSummary:
    """Run a study's notebooks and reports.

    Parameters
    ----------
    path : str or Path, optional
        The study folder or its ``study.toml``; by default the example study.
    reports : str or Path
        Folder under which ``<study>/<recipient>/`` is written.
    only, organisation, language : sequence of str
        Which notebooks, organisations and languages; empty: all.
    jobs : int, optional
        Notebooks run at the same time; by default one per core, at most 8.
    force : bool
        Also make anew what is up to date.
    progress : Progress, optional
        Display; silent by default.
    notebooks : str or Path, optional
        Folder of the notebooks, each of which says for whom it is; by default those of the package.

    Returns
    -------
    RunSummary
        A failed step stands in it; the others were made all the same.

    Raises
    ------
    ConfigError, DataError
        If the study cannot be used. Then no kernel was started and nothing was written.
    ReportError
        If another run writes to the same folder.
    KeyboardInterrupt
        After an interruption, when the kernels are gone and the staging folder is removed.

    Examples
    --------
    The funder's report of the example study in English, into ``reports/`` below the working folder (it takes
    half a minute; ``exit_code`` is 0 where all went well)::

        run_study(language=["en"], only=["report_funder"]).exit_code
    """
    progress = progress or Progress()
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs is {jobs}; expected a whole number from 1.")
    config = _with_organisations(read_config(path if path is not None else shipped_example()))
    there = _notebooks_in(Path(notebooks) if notebooks else shipped_notebooks())
    steps = plan_steps(config, only=only, organisation=organisation, language=language, notebooks=there)
    files = {step.notebook: there[step.notebook].file for step in steps}
    folder = (Path(reports) / config.study.name).absolute()
    _refuse_raw_files_in(folder, config)
    inputs = _inputs_or_all_problems(config)
    hashes = {name: file_sha256(file) for name, file in files.items()}
    prints = {
        step.name: step_fingerprint(step, inputs=inputs, notebook_sha256=hashes[step.notebook])
        for step in steps
    }
    todo = [step for step in steps if force or not _is_done(folder, step, prints[step.name])]
    if not todo:
        return _summary(config, folder, steps, {}, warnings=0, notebooks=there)

    from mpg_research.study import load_study

    warnings = len(load_study(config.file).checks.warnings)
    with _staging(folder) as staging:
        from mpg_research.reporting.run.step import RunContext

        context = RunContext(config, folder, staging, files, hashes, prints, inputs)
        progress.begin(len(todo), len(steps) - len(todo))
        made = _make_all(todo, context, jobs or default_jobs(), progress)
    return _summary(config, folder, steps, made, warnings=warnings, notebooks=there)


def _notebooks_in(folder: Path) -> dict[str, NotebookSpec]:
    """The notebooks that lie in a folder, if there are any."""
    found = find_notebooks(folder)
    if not found:
        raise ConfigError(
            f"In {folder} there is no notebook that says for whom it is. Name the folder of your notebooks, "
            "or install the package again."
        )
    return found


def default_jobs() -> int:
    """One notebook per core this process may use, at most 8."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return max(1, min(cores, MOST_JOBS))


def _with_organisations(config: StudyConfig) -> StudyConfig:
    """Where study.toml declares no organisations: those in the data, their keys for names."""
    if config.organisations:
        return config
    from mpg_research.study import load_study

    found = load_study(config.file).organisations
    named = {key: OrganisationConfig(name=dict.fromkeys(languages(), key)) for key in found}
    return config.model_copy(update={"organisations": named})


def _inputs_or_all_problems(config: StudyConfig) -> Inputs:
    """The hashes of all inputs; where a file is missing, the check's full list of what is wrong."""
    try:
        return read_inputs(config)
    except DataError:
        from mpg_research.study import load_study

        load_study(config.file)
        raise


def _refuse_raw_files_in(folder: Path, config: StudyConfig) -> None:
    """Raw files are only read: reports may not be written over or among them."""
    for path in (config.file, *source_paths(config)):
        if path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"The reports would be written to {folder}, where the study's own file {path.name} lies. "
                "Choose another folder with --output."
            )


def _is_done(folder: Path, step: Step, fingerprint: str) -> bool:
    own = folder / step.recipient
    return is_up_to_date(own, step, fingerprint, read_manifest(own))


@contextmanager
def _staging(folder: Path) -> Any:
    """A fresh staging folder while this process holds the study's folder; gone afterwards."""
    with lock_folder(folder):
        staging = folder / STAGING
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir()
        try:
            yield staging
        finally:
            remove_tree(staging)


def _make_all(steps: Iterable[Step], context: Any, jobs: int, progress: Progress) -> "dict[str, StepOutcome]":
    """Make the steps, ``jobs`` at a time; an interruption ends the kernels and is passed on."""
    from mpg_research.reporting.run.step import make_step

    def make(step: Step) -> "StepOutcome":
        progress.started(step)
        outcome = make_step(step, context)
        progress.finished(outcome)
        return outcome

    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="mpg")
    pending: set[Future[StepOutcome]] = {pool.submit(make, step) for step in steps}
    made: dict[str, StepOutcome] = {}
    try:
        while pending:
            # A wait without end cannot be interrupted on Windows.
            finished, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            made |= {outcome.step.name: outcome for outcome in (future.result() for future in finished)}
    finally:
        for future in pending:
            future.cancel()
        if pending:
            context.registry.stop()
        pool.shutdown(wait=True, cancel_futures=True)
        progress.end()
    return made


def _summary(
    config: StudyConfig,
    folder: Path,
    steps: Sequence[Step],
    made: "Mapping[str, StepOutcome]",
    *,
    warnings: int,
    notebooks: Mapping[str, NotebookSpec],
) -> RunSummary:
    from mpg_research.reporting.run.index import write_index
    from mpg_research.reporting.run.step import StepOutcome

    outcomes = tuple(made.get(step.name) or StepOutcome(step, "up to date") for step in steps)
    index = write_index(folder, config, notebooks=notebooks)
    return RunSummary(config.study.name, folder, outcomes, index, warnings)
