"""The steps of a run as pieces of work for other processes: the analyses first, then the pages."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mpg_research.reporting.notebooks import NotebookSpec
from mpg_research.reporting.parameters import check_parameters
from mpg_research.reporting.run.execute import CELL_TIMEOUT
from mpg_research.reporting.run.plan import Step
from mpg_research.reporting.store.analyses import Analysis, analyses_of
from mpg_research.reporting.warm.work import Work

__all__ = ["AnalysesOfSteps", "analyses_of_steps", "analysis_works", "make_analysis_part", "page_works"]

#: As a person sees it where steps are listed.
_ANALYSIS = "analysis: "
#: Those that take longest in most studies; an analysis that was timed before goes by its own seconds.
_LONGEST_FIRST = (
    "emulate_target_trial", "evaluate_signals", "check_robustness", "compare_cohorts", "describe_missing",
    "compare_organisations", "course", "compare_instruments", "fit_trajectory",
)  # fmt: skip
#: Those that start from the same signals of all waves: one process makes them, and computes those once.
_FROM_SIGNALS = ("evaluate_signals", "describe_actions", "describe_without_progress")


@dataclass(frozen=True, slots=True)
class AnalysesOfSteps:
    """The distinct analyses of steps, by a name that a person can read, and which step asks for which.

    Attributes
    ----------
    by_name : mapping of str to Analysis
        In the order in which the steps ask for them.
    of_step : mapping of str to frozenset of str
        Names of analyses by name of step.
    """

    by_name: Mapping[str, Analysis]
    of_step: Mapping[str, frozenset[str]]


def analyses_of_steps(steps: Iterable[Step], notebooks: Mapping[str, NotebookSpec]) -> AnalysesOfSteps:
    """What the notebooks of steps ask for, each analysis once.

    Parameters
    ----------
    steps : iterable of Step
        The steps.
    notebooks : mapping of str to NotebookSpec
        Their notebooks.

    Returns
    -------
    AnalysesOfSteps
    """
    by_name: dict[str, Analysis] = {}
    names: dict[str, str] = {}
    asked: dict[tuple[str, str], frozenset[str]] = {}
    of_step = {}
    for step in steps:
        spec = notebooks[step.notebook]
        # The language is never an option of an analysis: the languages of a step ask for the same.
        given = {name: value for name, value in step.parameters.items() if name != "language"}
        key = (step.notebook, json.dumps(given, sort_keys=True))
        if key not in asked:
            values = check_parameters(spec.model, given, spec.name).model_dump(mode="json")
            wanted = []
            for analysis in analyses_of(spec.file, values):
                content = json.dumps([analysis.verb, dict(analysis.options)], sort_keys=True)
                if content not in names:
                    names[content] = _free_name(analysis.verb, by_name)
                    by_name[names[content]] = analysis
                wanted.append(names[content])
            asked[key] = frozenset(wanted)
        of_step[step.name] = asked[key]
    return AnalysesOfSteps(by_name, of_step)


def analysis_works(
    analyses: AnalysesOfSteps, missing: Iterable[str], study: Path, seconds: Mapping[str, float]
) -> list[Work]:
    """Pieces of work for the analyses whose results are not there yet.

    Parameters
    ----------
    analyses : AnalysesOfSteps
        All of them.
    missing : iterable of str
        Names of those to make.
    study : Path
        The study's ``study.toml``.
    seconds : mapping of str to float
        By name of analysis: how long it took the last time, as far as that is known.

    Returns
    -------
    list of Work
        Those that take longest first; before them those of which that is not known. One analysis each, but
        those that start from the same are the parts of one.
    """

    def turn(names: Sequence[str]) -> tuple[float, int]:
        verbs = [analyses.by_name[name].verb for name in names]
        places = [_LONGEST_FIRST.index(verb) for verb in verbs if verb in _LONGEST_FIRST]
        usual = min(places, default=len(_LONGEST_FIRST))
        return -sum(seconds.get(name, math.inf) for name in names), usual

    by_start: dict[str, list[str]] = {}
    for name in missing:
        start = "signals" if analyses.by_name[name].verb in _FROM_SIGNALS else name
        by_start.setdefault(start, []).append(name)
    return [
        Work(
            names[0],
            f"{__name__}:{make_analysis_part.__name__}",
            {"study": str(study), "keep": len(names) > 1},
            tuple({"name": name, **asdict(analyses.by_name[name])} for name in names),
            patience=CELL_TIMEOUT,
        )
        for names in sorted(by_start.values(), key=turn)
    ]


def make_analysis_part(given: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """Make one analysis and store it; a plain function of a path and options.

    Parameters
    ----------
    given : mapping
        ``study``: its ``study.toml``. ``keep``: whether other parts start from the same.
    part : mapping
        ``verb`` and ``options``.

    Returns
    -------
    str
        Its key in the store; empty where it was not stored.
    """
    from mpg_research.analysis.once import keep
    from mpg_research.reporting.store.analyses import make_analysis

    keep(given["keep"])
    return make_analysis(given["study"], part["verb"], part["options"])


def page_works(
    steps: Sequence[Step],
    *,
    given: Mapping[str, Any],
    parts: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Iterable[str]],
    seconds: Mapping[str, float],
    apart: Collection[str] = (),
) -> list[Work]:
    """Steps in batches that share a process: all of one organisation, or both languages of a notebook.

    Parameters
    ----------
    steps : sequence of Step
        What is to be made.
    given : mapping
        What is the same for all of them.
    parts : mapping of str to mapping
        By name of step: what else it needs.
    after : mapping of str to iterable of str
        By name of step: the analyses that must have been made before.
    seconds : mapping of str to float
        By name of step: how long it took the last time, as far as that is known.
    apart : collection of str
        Notebooks that share no process with others.

    Returns
    -------
    list of Work
        Those that take longest first.
    """
    batches = list(_batches(steps, apart))
    batches.sort(key=lambda batch: -sum(seconds.get(step.name, 0.0) for step in batch))
    return [
        Work(
            batch[0].name,
            "mpg_research.reporting.run.step:make_page",
            given,
            tuple({"step": asdict(step), **parts[step.name]} for step in batch),
            after=frozenset(name for step in batch for name in after.get(step.name, ())),
            patience=CELL_TIMEOUT,
        )
        for batch in batches
    ]


def _batches(steps: Sequence[Step], apart: Collection[str]) -> Iterator[list[Step]]:
    together: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        # A notebook that was changed has a process of its own: what it does to one is seen by no other.
        alone = step.notebook if not step.organisation or step.notebook in apart else ""
        together.setdefault((step.recipient, alone), []).append(step)
    yield from together.values()


def _free_name(verb: str, taken: Mapping[str, Any]) -> str:
    name, number = f"{_ANALYSIS}{verb}", 1
    while name in taken:
        number += 1
        name = f"{_ANALYSIS}{verb} ({number})"
    return name
