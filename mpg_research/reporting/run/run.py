"""The main job: a study folder in, reports out. Whatever is up to date is left alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research.errors import ConfigError, DataError, ReportError
from mpg_research.reporting.files import file_sha256
from mpg_research.reporting.ledger.releases import Releases, open_releases, why_released_anew
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.run.fingerprint import Inputs, read_inputs, step_fingerprint
from mpg_research.reporting.run.manifest import is_up_to_date, read_manifest
from mpg_research.reporting.run.plan import Step, plan_steps
from mpg_research.reporting.run.prepare import study_config
from mpg_research.reporting.run.progress import Progress
from mpg_research.reporting.warm.memory import cores
from mpg_research.study.config.study_toml import StudyConfig, source_paths
from mpg_research.study.shipped import shipped_example, shipped_notebooks

if TYPE_CHECKING:
    from mpg_research.reporting.run.step import StepOutcome

__all__ = ["RunSummary", "default_jobs", "run_study"]

#: More processes than this at once need more memory than most machines have.
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
    not_compared : str
        Why its numbers were not compared with earlier releases; empty where they were.
    """

    study: str
    folder: Path
    outcomes: "tuple[StepOutcome, ...]"
    index: Path | None
    warnings: int = 0
    not_compared: str = ""

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
        Analyses and pages made at the same time; by default one per core, at most 8.
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
        If the study cannot be used. Then nothing was written.
    ReportError
        If another run writes to the same folder, or the record of what was released is damaged.
    KeyboardInterrupt
        After an interruption, when its processes are gone and the staging folder is removed.

    Examples
    --------
    The funder's report of the example study in English, into ``reports/`` below the working folder (it takes
    half a minute; ``exit_code`` is 0 where all went well)::

        run_study(language=["en"], only=["report_funder"]).exit_code
    """
    progress = progress or Progress()
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs is {jobs}; expected a whole number from 1.")
    config = study_config(path if path is not None else shipped_example())
    there = _notebooks_in(Path(notebooks) if notebooks else shipped_notebooks())
    steps = plan_steps(config, only=only, organisation=organisation, language=language, notebooks=there)
    files = {step.notebook: there[step.notebook].file for step in steps}
    folder = (Path(reports) / config.study.name).absolute()
    _refuse_raw_files_in(folder, config)
    inputs = _inputs_or_all_problems(config)
    releases = open_releases(config.study.name, folder, make=True)
    hashes = {name: file_sha256(file) for name, file in files.items()}
    prints = {
        step.name: step_fingerprint(
            step, inputs=inputs, notebook_sha256=hashes[step.notebook], secret=releases.secret.mark
        )
        for step in steps
    }
    manifests = {recipient: read_manifest(folder / recipient) for recipient in {s.recipient for s in steps}}
    todo = [
        step
        for step in steps
        if force
        or not is_up_to_date(folder / step.recipient, step, prints[step.name], manifests[step.recipient])
        or why_released_anew(manifests[step.recipient]["steps"][step.key], releases, step.recipient)
    ]
    if not todo:
        return _summary(config, folder, steps, {}, warnings=0, notebooks=there, releases=releases)

    from mpg_research.reporting.run.make import Making, make_steps

    making = Making(
        config=config,
        folder=folder,
        staging=folder / STAGING,
        notebooks=there,
        hashes=hashes,
        fingerprints=prints,
        inputs=inputs,
        releases=releases,
        seconds=_seconds_before(steps, manifests),
    )
    made, warnings = make_steps(
        todo, making, jobs=jobs or default_jobs(), n_up_to_date=len(steps) - len(todo), progress=progress
    )
    return _summary(config, folder, steps, made, warnings=warnings, notebooks=there, releases=releases)


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
    """One process per core that this one may use, at most 8."""
    return max(1, min(cores(), MOST_JOBS))


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


def _seconds_before(steps: Iterable[Step], manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How long steps took when they were last made, by name, as far as that is written down."""
    found = {}
    for step in steps:
        entry = manifests[step.recipient]["steps"].get(step.key)
        seconds = entry.get("run", {}).get("seconds") if isinstance(entry, dict) else None
        if isinstance(seconds, int | float):
            found[step.name] = float(seconds)
    return found


def _summary(
    config: StudyConfig,
    folder: Path,
    steps: Sequence[Step],
    made: "Mapping[str, StepOutcome]",
    *,
    warnings: int,
    notebooks: Mapping[str, NotebookSpec],
    releases: Releases,
) -> RunSummary:
    from mpg_research.reporting.run.index import write_index
    from mpg_research.reporting.run.step import StepOutcome

    outcomes = tuple(made.get(step.name) or StepOutcome(step, "up to date") for step in steps)
    index = write_index(folder, config, notebooks=notebooks)
    return RunSummary(config.study.name, folder, outcomes, index, warnings, releases.problem)
