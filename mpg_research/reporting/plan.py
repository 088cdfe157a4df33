"""Simulate the study that is planned, and write the page and the CSV."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from mpg_research.errors import ConfigError, MpgError
from mpg_research.languages import languages as all_languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.writing import write_atomically

__all__ = ["PlanOutcome", "plan_by_hand", "write_plan"]


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What came of a plan.

    Attributes
    ----------
    files : tuple of Path
        Pages and CSV.
    sentences : tuple of str
        The answer, in the first language asked for; by hand also what is missing or wrong.
    html : str
        The page in that language; empty where there is none.
    """

    files: tuple[Path, ...] = ()
    sentences: tuple[str, ...] = ()
    html: str = ""

    def _repr_html_(self) -> str:
        if not self.html:
            return "".join(f"<p>{escape(text)}</p>" for text in self.sentences)
        start, end = self.html.index("<main>") + len("<main>"), self.html.index("</main>")
        return self.html[start:end]

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def write_plan(
    plan: str | Path = "",
    *,
    output: str | Path = "",
    languages: Sequence[str] = (),
    inputs: Mapping[str, Any] | Sequence[str] = (),
    vary: Mapping[str, Any] | Sequence[str] = (),
    jobs: int | None = None,
    **options: Any,
) -> PlanOutcome:
    """Simulate a plan and write it as ``plan_LANGUAGE.html`` and ``plan.csv``.

    Parameters
    ----------
    plan : str or Path
        File of a plan (TOML); empty for none. What is given in other arguments goes before what stands in it.
    output : str or Path
        Folder for the page and the CSV, made where it is not there; empty writes nothing.
    languages : sequence of str
        Codes; by default every language there is.
    inputs, vary : mapping, or sequence of "NAME=VALUE"
        As in :func:`mpg_research.planning.plan_file.make_plan`.
    jobs : int, optional
        Processes; by default one per core, and the cluster's where there is one.
    **options
        ``question``, ``study``, ``smallest``, ``power``, ``simulations``, ``seed``; None where not given.

    Returns
    -------
    PlanOutcome

    Raises
    ------
    ConfigError
        If the plan is not one.
    """
    from mpg_research.planning.plan_file import make_plan, read_plan
    from mpg_research.planning.simulated import plan_study
    from mpg_research.present.planning.page import plan_as_csv, present_plan
    from mpg_research.present.planning.words import the_answer, the_smallest

    chosen = tuple(languages) or tuple(all_languages())
    for language in chosen:
        if language not in all_languages():
            raise ConfigError(f"language: found '{language}'; expected {' or '.join(all_languages())}.")
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs = {jobs}; expected a whole number from 1.")
    asked: dict[str, Any] = read_plan(plan) if str(plan) else {}
    for name, given in (("inputs", _pairs(inputs)), ("vary", _pairs(vary))):
        if given:
            asked[name] = {**asked.get(name, {}), **given}
    asked |= {name: value for name, value in options.items() if value is not None}
    made = make_plan(**asked)
    with _processes(jobs):
        found = plan_study(made)
    say = phrases_in(chosen[0], unit=made.units.get(chosen[0]))
    sentences = [text for one in found.smallest for text in the_smallest(one, found, say)]
    sentences += the_answer(found, say)
    pages = {language: present_plan(found, language=language) for language in chosen}
    files = []
    if str(output):
        folder = Path(output)
        for language, page in pages.items():
            files.append(write_atomically(folder / f"plan_{language}.html", page.encode("utf-8")))
        files.append(write_atomically(folder / "plan.csv", plan_as_csv(found).encode("utf-8")))
    return PlanOutcome(tuple(files), tuple(sentences), pages[chosen[0]])


def _pairs(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Inputs by name, from a mapping or from texts such as "families=200"."""
    if isinstance(given, Mapping):
        return dict(given)
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"Plan: {text!r}; expected NAME=VALUE, such as families=200.")
        if name.strip() in found:
            raise ConfigError(f"Plan: {name.strip()} is given twice; expected once.")
        found[name.strip()] = value.strip()
    return found


def _processes(jobs: int | None) -> AbstractContextManager[Any]:
    """Processes that share the simulations; a cluster that is there keeps them."""
    from joblib import parallel_config

    from mpg_research.reporting.run.cluster import uses_cluster
    from mpg_research.reporting.run.run import default_jobs

    n = jobs or default_jobs()
    return nullcontext() if uses_cluster() or n == 1 else parallel_config(n_jobs=n)


def plan_by_hand(plan: str = "", *, language: str = "", output: str = "", **options: Any) -> PlanOutcome:
    """A plan in a notebook: the page, or a sentence that says what is missing or wrong.

    Parameters
    ----------
    plan : str
        File of a plan; empty for none.
    language : str
        Code of the language; empty is the first.
    output : str
        Folder for page and CSV; empty writes nothing.
    **options
        As in :func:`write_plan`. Texts and tables that are empty count as not given.

    Returns
    -------
    PlanOutcome
    """
    chosen = language if language in all_languages() else all_languages()[0]
    given = {name: value for name, value in options.items() if value not in ("", {}, [], None)}
    try:
        return write_plan(plan, languages=[chosen], output=output, **given)
    except MpgError as error:
        return PlanOutcome(sentences=(phrases_in(chosen)("plan.not_made", why=error),))
