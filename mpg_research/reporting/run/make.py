"""Making the steps of a run that are due, in warm processes: analyses first, pages after; and publishing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from mpg_research.errors import MpgError
from mpg_research.reporting.allowed_notebooks import Standing
from mpg_research.reporting.files import lock_folder, remove_tree
from mpg_research.reporting.ledger.releases import Releases
from mpg_research.reporting.notebooks import NotebookSpec
from mpg_research.reporting.run.cluster import run_on_cluster, uses_cluster
from mpg_research.reporting.run.execute import PROCESS_DIED, TOO_LONG
from mpg_research.reporting.run.fingerprint import Inputs
from mpg_research.reporting.run.plan import Step, StepOutcome
from mpg_research.reporting.run.progress import Progress
from mpg_research.reporting.run.step import failed_step, publish_page, staged_folder
from mpg_research.reporting.run.works import AnalysesOfSteps, analyses_of_steps, analysis_works, page_works
from mpg_research.reporting.safeguards.again import look_again
from mpg_research.reporting.safeguards.still import StillFiles
from mpg_research.reporting.store.durations import keep_seconds, known_seconds
from mpg_research.reporting.store.time_left import TimeLeft
from mpg_research.reporting.warm.pool import Ended, open_pool
from mpg_research.reporting.warm.work import Work
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.writing import UNFINISHED

__all__ = ["Making", "make_steps"]

#: From so many steps on, a process that imports everything once saves more than it costs.
MANY = 3


@dataclass(frozen=True, slots=True)
class Making:
    """What all steps of a run share.

    Attributes
    ----------
    config : StudyConfig
        The study.
    folder : Path
        ``reports/<study>``.
    staging : Path
        Folder for work in progress, on the same file system.
    notebooks : mapping of str to NotebookSpec
        The notebooks there are, by name.
    hashes, fingerprints : mapping of str to str
        SHA-256 by notebook, and the steps' fingerprints by step name.
    standings : mapping of str to Standing
        Whether each notebook is the package's, by name.
    inputs : Inputs
        Hashes and versions all steps share.
    still : StillFiles
        The study's files, which must stand still meanwhile.
    releases : Releases
        The secret of this user and what was released earlier.
    seconds : mapping of str to float
        How long steps took the last time, by name, as far as that is known.
    records : bool
        Whether what is published is written down as released.
    formats : tuple of str
        In which pages are published.
    """

    config: StudyConfig
    folder: Path
    staging: Path
    notebooks: Mapping[str, NotebookSpec]
    hashes: Mapping[str, str]
    standings: Mapping[str, Standing]
    fingerprints: Mapping[str, str]
    inputs: Inputs
    still: StillFiles
    releases: Releases
    seconds: Mapping[str, float]
    records: bool = True
    formats: tuple[str, ...] = ("html",)


def make_steps(
    todo: Sequence[Step], making: Making, *, jobs: int, n_up_to_date: int, progress: Progress
) -> tuple[dict[str, StepOutcome], int]:
    """Make steps and publish each as soon as it is whole.

    Parameters
    ----------
    todo : sequence of Step
        What is due.
    making : Making
        What they share.
    jobs : int
        Processes at once.
    n_up_to_date : int
        Steps that are not due, for the display.
    progress : Progress
        The display.

    Returns
    -------
    outcomes : dict of str to StepOutcome
        By name of step.
    warnings : int
        Warnings of the check of the study.

    Raises
    ------
    ConfigError, DataError
        If the study cannot be used. Then nothing was written.
    ReportError
        If another run writes to the same folder.
    """
    analyses = analyses_of_steps(todo, making.notebooks)
    given = {
        "study": str(making.config.file),
        "many": len(todo) >= MANY,
        "analyses": {name: asdict(analysis) for name, analysis in analyses.by_name.items()},
        "compare": _mark(making),
        "formats": list(making.formats),
    }
    function = "mpg_research.reporting.run.prepare:prepare_process"
    with open_pool(jobs, function=function, given=given) as pool:
        ready = pool.prepare()
        ids = _ids_ahead(todo, making)
        _start_pages_ahead(making)
        known = known_seconds(making.config.study.name) if ready["missing"] else {}
        with _staging(making):
            first = analysis_works(analyses, ready["missing"], making.config.file, known)
            works = [*first, *_pages(todo, making, analyses, first)]
            try:
                if uses_cluster():
                    ended = run_on_cluster(works, function=function, given=given)
                else:
                    ended = pool.run(works)
                kinds = [*ready["missing"], *(step.notebook for step in todo)]
                made = _follow(
                    ended,
                    todo,
                    making,
                    TimeLeft(kinds, jobs, known | _seconds(todo, making)),
                    progress,
                    ids=ids,
                    total=len(kinds),
                    n_up_to_date=n_up_to_date,
                )
            except BaseException:
                pool.close(at_once=True)  # before the staging folder goes
                raise
    return made, ready["warnings"]


def _pages(
    todo: Sequence[Step], making: Making, analyses: AnalysesOfSteps, first: Iterable[Work]
) -> list[Work]:
    made_by = {part["name"]: work.name for work in first for part in work.parts}
    return page_works(
        todo,
        given={
            "study": str(making.config.file),
            "staging": str(making.staging),
            "inputs": {name: _plain(value) for name, value in asdict(making.inputs).items()},
            "compare": _mark(making),
            "formats": list(making.formats),
        },
        parts={
            step.name: {
                "notebook": str(making.notebooks[step.notebook].file),
                "notebook_sha256": making.hashes[step.notebook],
                "fingerprint": making.fingerprints[step.name],
                "standing": asdict(making.standings[step.notebook]),
            }
            for step in todo
        },
        after={
            step: {made_by[name] for name in wanted if name in made_by}
            for step, wanted in analyses.of_step.items()
        },
        seconds=making.seconds,
        apart={name for name, standing in making.standings.items() if standing.kind != "own"},
    )


def _follow(
    ended: Iterator[Ended],
    todo: Sequence[Step],
    making: Making,
    time_left: TimeLeft,
    progress: Progress,
    *,
    ids: Thread | None,
    total: int,
    n_up_to_date: int,
) -> dict[str, StepOutcome]:
    """Show what happens, and publish what is made."""
    by_name = {step.name: step for step in todo}
    outcomes: dict[str, StepOutcome] = {}
    analyses: dict[str, float] = {}
    progress.begin(total, n_up_to_date, time_left)
    try:
        for event in ended:
            step = by_name.get(_step_name(event))
            name = step.name if step else event.work.parts[event.part]["name"]
            if event.what == "begins":
                progress.started(name)
                continue
            if step is None:
                # Without a key: it could not be stored.
                is_made = event.what == "done" and event.result
                status = "ok" if is_made else "left to the pages"
                analyses[name] = event.seconds
            else:
                outcome = _outcome(event, step, making, ids)
                outcomes[name], status = outcome, outcome.status
                remove_tree(staged_folder(making.staging, step))
            time_left.finished(step.notebook if step else name, event.seconds)
            progress.finished(name, status, event.seconds)
    finally:
        progress.end()
        keep_seconds(making.config.study.name, analyses)
    return outcomes


def _ids_ahead(todo: Iterable[Step], making: Making) -> Thread | None:
    """Read the families' ids while the pages are made, where pages will be looked at again for them."""
    if all(making.standings[step.notebook].kind == "own" for step in todo):
        return None

    def read() -> None:
        from mpg_research.reporting.safeguards.family_ids import ids_of_study

        ids_of_study(str(making.config.file))

    return _meanwhile(read)


def _start_pages_ahead(making: Making) -> None:
    """Read what the start pages are made with while the pages are made."""

    def read() -> None:
        from mpg_research.reporting.run.start_pages import prepare_start_pages

        prepare_start_pages(making.config)

    _meanwhile(read)


def _meanwhile(read: Callable[[], None]) -> Thread:
    """Read what is needed later on; whatever is wrong with it is met again there, and said."""

    def quietly() -> None:
        with suppress(Exception):
            read()

    thread = Thread(target=quietly, daemon=True)
    thread.start()
    return thread


def _outcome(event: Ended, step: Step, making: Making, ids: Thread | None) -> StepOutcome:
    if event.what == "done":
        making.still.refuse_touched()
        if ids is not None:
            ids.join()
        try:
            _look_again(event.result, step, making)
        except MpgError as error:
            return failed_step(step, str(error), event.seconds)
        return publish_page(
            step,
            event.result,
            folder=making.folder,
            config=making.config,
            seconds=event.seconds,
            ledger=making.releases.ledger if making.records else None,
        )
    if event.what == "failed":
        reason = f"{event.error} (this is a bug in the package; --debug shows where)"
        return failed_step(step, reason, event.seconds, event.traceback)
    return failed_step(step, TOO_LONG if event.what == "too long" else PROCESS_DIED, event.seconds)


def _look_again(made: Mapping[str, Any], step: Step, making: Making) -> None:
    """What a notebook made that is not the package's is looked at here too, where no notebook runs."""
    if making.standings[step.notebook].kind != "own" and "reason" not in made:
        look_again(
            made,
            making.config,
            role=step.role,
            organisation=step.organisation,
            staged=staged_folder(making.staging, step),
        )


def _step_name(event: Ended) -> str:
    step = event.work.parts[event.part].get("step")
    return Step(**step).name if step else ""


def _seconds(todo: Iterable[Step], making: Making) -> dict[str, float]:
    """Seconds by kind of step, the mean of what is known."""
    by_kind: dict[str, list[float]] = {}
    for step in todo:
        if step.name in making.seconds:
            by_kind.setdefault(step.notebook, []).append(making.seconds[step.name])
    return {kind: sum(each) / len(each) for kind, each in by_kind.items()}


def _mark(making: Making) -> str:
    """What processes know the secret by, where releases are compared."""
    return making.releases.secret.mark if making.releases.ledger is not None else ""


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


@contextmanager
def _staging(making: Making) -> Iterator[None]:
    """A fresh staging folder while this process holds the study's folder; gone afterwards."""
    with lock_folder(making.folder):
        remove_tree(making.staging)
        for left in (*making.folder.glob(f"{UNFINISHED}*"), *making.folder.glob(f"*/{UNFINISHED}*")):
            left.unlink(missing_ok=True)  # of a run that was killed while it wrote
        making.staging.mkdir(mode=0o700)  # what lies there did not pass every check yet
        try:
            yield
        finally:
            remove_tree(making.staging)
