"""The main job: a study folder in, reports out. Whatever is up to date is left alone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research.errors import ConfigError, DataError, Problem, ReportError
from mpg_research.reporting.allowed_notebooks import judge_notebooks, refuse_unknown
from mpg_research.reporting.files import file_sha256
from mpg_research.reporting.formats import formats_of, made_with, require_formats
from mpg_research.reporting.ledger.releases import Releases, open_releases, why_released_anew
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.private import (
    check_private_place,
    check_released_place,
    for_owner_only,
    make_private_folder,
    private_folder,
)
from mpg_research.reporting.record.last_run import news_of, write_last_run
from mpg_research.reporting.record.write import write_records
from mpg_research.reporting.run.fingerprint import step_fingerprint
from mpg_research.reporting.run.manifest import NAME, is_up_to_date, read_manifest
from mpg_research.reporting.run.plan import Step, StepOutcome, plan_steps, recipients_of
from mpg_research.reporting.run.prepare import study_config
from mpg_research.reporting.run.progress import Progress
from mpg_research.reporting.safeguards.still import StillFiles
from mpg_research.reporting.warm.ahead import started_ahead
from mpg_research.reporting.warm.memory import cores
from mpg_research.study.config.looser_rules import reason_is_missing
from mpg_research.study.config.study_toml import StudyConfig, source_paths
from mpg_research.study.shipped import shipped_example, shipped_notebooks

if TYPE_CHECKING:
    from mpg_research.reporting.store.inputs import Inputs
    from mpg_research.reporting.store.source import StudyFacts

__all__ = ["RunSummary", "default_jobs", "find_steps", "place_of", "run_study"]

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
    private : bool
        Whether these are the researcher's own pages, not for release.
    no_reason : Problem or None
        What is wrong where a rule of disclosure is looser than its default and no reason is recorded.
    not_compared : str
        Why its numbers were not compared with earlier releases; empty where they were.
    """

    study: str
    folder: Path
    outcomes: tuple[StepOutcome, ...]
    index: Path | None
    warnings: int = 0
    private: bool = False
    no_reason: Problem | None = None
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
    private: bool = False,
    allow_modified: bool = False,
    records: bool = True,
    names: Collection[str] = (),
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
    private : bool
        Make the researcher's notebooks with nothing suppressed, rounded or withheld but tables of single
        families, below ``reports`` in a folder that is not for release and lies away from all that is.
    allow_modified : bool
        Also run notebooks that are neither as they come with the package nor registered for the study. Their
        pages, the index and the manifest say so.
    records : bool
        Whether what is released is written down as released (:mod:`mpg_research.reporting.ledger`): not
        where reports are made only to be compared with others.
    names : collection of str
        Of what the choices above leave, only the steps of these names ("funder/nl/report_funder"); empty:
        all.

    Returns
    -------
    RunSummary
        A failed step stands in it; the others were made all the same.

    Raises
    ------
    ConfigError, DataError
        If the study cannot be used, or a notebook may not run. Then nothing was written. Or if a file of the
        study was changed while the run was going on: then it stops, and what it was making is not published.
    DisclosureError
        If released reports and private pages would lie inside or beside each other.
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
    formats = formats_of(config)
    require_formats(formats)
    there = _notebooks_in(Path(notebooks) if notebooks else shipped_notebooks())
    steps = plan_steps(
        config, only=only, organisation=organisation, language=language, notebooks=there, private=private
    )
    steps = tuple(step for step in steps if not names or step.name in names)
    files = {step.notebook: there[step.notebook].file for step in steps}
    standings = judge_notebooks((there[name] for name in files), config.folder)
    if not allow_modified:
        refuse_unknown(standings, there, config.folder)
    folder = place_of(config, reports, private=private)
    _refuse_raw_files_in(folder, config)
    still = _still_or_all_problems(config)
    inputs = still.inputs
    releases = open_releases(config.study.name, folder, make=not private)
    if private:
        releases = replace(releases, ledger=None, problem="")
    hashes = {name: file_sha256(file) for name, file in files.items()}
    prints = {
        step.name: step_fingerprint(
            step,
            inputs=inputs,
            notebook_sha256=hashes[step.notebook],
            standing=standings[step.notebook].kind,
            secret=releases.secret.mark,
            formats=made_with(formats),
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
        return _summary(
            config,
            folder,
            steps,
            {},
            warnings=0,
            notebooks=there,
            inputs=inputs,
            releases=releases,
            before=manifests,
            private=private,
        )

    with for_owner_only(private), started_ahead(when=True):
        from mpg_research.reporting.run.make import Making, make_steps
        from mpg_research.reporting.run.step import withdraw_page
        from mpg_research.reporting.safeguards.again import Folders

        making = Making(
            config=config,
            folder=folder,
            staging=folder / STAGING,
            notebooks=there,
            hashes=hashes,
            standings=standings,
            fingerprints=prints,
            inputs=inputs,
            still=still,
            releases=releases,
            records=records,
            seconds=_seconds_before(steps, manifests),
            formats=formats,
        )
        folders = Folders(folder) if any(each.kind != "own" for each in standings.values()) else None
        if private:
            make_private_folder(folder)
        try:
            made, warnings = make_steps(
                todo,
                making,
                jobs=jobs or default_jobs(),
                n_up_to_date=len(steps) - len(todo),
                progress=progress,
            )
            try:
                still.refuse_changed()
            except DataError:
                for step in todo:
                    withdraw_page(step, made[step.name], folder=folder, config=config)
                raise
        finally:
            if folders is not None:
                folders.set_strays_aside()
        return _summary(
            config,
            folder,
            steps,
            made,
            warnings=warnings,
            notebooks=there,
            inputs=inputs,
            releases=releases,
            before=manifests,
            private=private,
        )


def place_of(config: StudyConfig, reports: str | Path, *, private: bool) -> Path:
    """The folder of a study's reports, or of its pages that are not for release.

    Parameters
    ----------
    config : StudyConfig
        The study.
    reports : str or Path
        The folder above it.
    private : bool
        Which of the two.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    DisclosureError
        If the one would lie inside or beside the other.
    """
    if private:
        folder = private_folder(reports, config.study.name)
        check_private_place(folder)
        return folder
    folder = (Path(reports) / config.study.name).absolute()
    check_released_place(folder)
    return folder


def find_steps(path: str | Path | None = None, *, notebooks: str | Path | None = None) -> tuple[Step, ...]:
    """All steps that a run of a study makes.

    Parameters
    ----------
    path : str or Path, optional
        The study folder or its ``study.toml``; by default the example study.
    notebooks : str or Path, optional
        Folder of the notebooks; by default those of the package.

    Returns
    -------
    tuple of Step
    """
    config = study_config(path if path is not None else shipped_example())
    return plan_steps(config, notebooks=_notebooks_in(Path(notebooks) if notebooks else shipped_notebooks()))


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


def _still_or_all_problems(config: StudyConfig) -> StillFiles:
    """The files as they are now; where one is missing, the check's full list of what is wrong."""
    try:
        return StillFiles(config)
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
    made: Mapping[str, StepOutcome],
    *,
    warnings: int,
    notebooks: Mapping[str, NotebookSpec],
    inputs: "Inputs",
    releases: Releases,
    before: Mapping[str, Mapping[str, Any]],
    private: bool,
) -> RunSummary:
    from mpg_research.reporting.run.index import write_index
    from mpg_research.reporting.store.source import open_study

    def facts() -> "StudyFacts":
        return open_study(config.file).facts

    outcomes = tuple(made.get(step.name) or StepOutcome(step, "up to date") for step in steps)
    anew = {step.recipient for step in steps if step.name in made}
    after = {file.parent.name: read_manifest(file.parent) for file in sorted(folder.glob(f"*/{NAME}"))}
    for recipient, manifest in after.items():
        own = folder / recipient
        pages = _pages_of(folder, recipient, config, notebooks, facts=facts, private=private)
        write_records(own, manifest, anew=recipient in anew, pages=pages)
    ok = {name: outcome.step for name, outcome in made.items() if outcome.status == "ok"}
    write_last_run(
        folder,
        steps=[step.name for step in steps],
        failed={name: each.reason for name, each in made.items() if each.status == "failed"},
        news=news_of(_entries(ok, before), _entries(ok, after)),
        private=private,
    )
    index = write_index(folder, config, notebooks=notebooks, private=private, inputs=inputs, facts=facts)
    return RunSummary(
        config.study.name,
        folder,
        outcomes,
        index,
        warnings,
        private=private,
        no_reason=reason_is_missing(config),
        not_compared=releases.problem,
    )


def _pages_of(
    folder: Path,
    recipient: str,
    config: StudyConfig,
    notebooks: Mapping[str, NotebookSpec],
    *,
    facts: "Callable[[], StudyFacts]",
    private: bool,
) -> "Callable[[Mapping[str, Any]], Mapping[str, bytes]] | None":
    """What makes the start page of a recipient; of a folder that is no recipient's any more there is none."""
    organisation = recipients_of(config).get(recipient)
    if organisation is None:
        return None
    role = "organisation" if organisation else recipient

    def make(manifest: Mapping[str, Any]) -> Mapping[str, bytes]:
        from mpg_research.reporting.run.start_pages import Pages, forget_stand_ins

        found = Pages(config, facts(), notebooks, organisation, role, private).made_of(manifest)
        forget_stand_ins(folder / recipient, found)
        return found

    return make


def _entries(
    steps: Mapping[str, Step], manifests: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """What manifests say of steps, by name of step."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, step in steps.items():
        entry = manifests.get(step.recipient, {}).get("steps", {}).get(step.key)
        if isinstance(entry, dict):
            found[name] = entry
    return found
