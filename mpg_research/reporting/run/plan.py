"""The steps of a run: which notebook, for whom, in which language, and where its files lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mpg_research.disclosure.private_names import marked_name
from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.parameters import check_parameters
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.names import safe_folder_name

__all__ = ["Step", "StepOutcome", "plan_steps", "published_files", "recipients_of"]

#: For whom first: the researcher's notebooks, the funder's report, then each organisation's.
_ORDER = ("researcher", "funder", "organisation")
Status = Literal["ok", "up to date", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One notebook, run for one recipient in one language.

    Attributes
    ----------
    notebook : str
        Name of the notebook.
    role : {"researcher", "funder", "organisation"}
        For whom.
    recipient : str
        Folder of the recipient under ``reports/<study>/``.
    language : str
        Language of the report.
    organisation : str
        Key of the organisation the report is for; empty for the others.
    parameters : mapping
        What the notebook is given, without paths (those depend on the machine).
    private : bool
        Whether nothing is suppressed, so that the page stays with the researcher.
    """

    notebook: str
    role: str
    recipient: str
    language: str
    organisation: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    private: bool = False

    @property
    def reader(self) -> str:
        """For whom what the page shows must have been released (:attr:`Audience.reader`)."""
        return "private researcher" if self.private else self.role

    @property
    def key(self) -> str:
        """The step within its recipient's folder, as ``nl/03_trajectories``."""
        return f"{self.language}/{self.notebook}"

    @property
    def name(self) -> str:
        """The step within the study, as ``researcher/nl/03_trajectories``."""
        return f"{self.recipient}/{self.key}"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended.

    Attributes
    ----------
    step : Step
        The step.
    status : {"ok", "up to date", "failed"}
        How it ended.
    seconds : float
        How long it took.
    reason : str
        Why it failed, for a reader who does not program.
    traceback : str
        Where it failed, for ``--debug``.
    not_fitted : mapping of str to str
        Analyses of which its page says that they could not be computed, and why.
    """

    step: Step
    status: Status
    seconds: float = 0.0
    reason: str = ""
    traceback: str = ""
    not_fitted: Mapping[str, str] = field(default_factory=dict)


def plan_steps(
    config: StudyConfig,
    *,
    only: Sequence[str] = (),
    organisation: Sequence[str] = (),
    language: Sequence[str] = (),
    notebooks: Mapping[str, NotebookSpec] | None = None,
    private: bool = False,
) -> tuple[Step, ...]:
    """All steps of a study's run, or those asked for.

    Parameters
    ----------
    config : StudyConfig
        The study.
    only : sequence of str
        Notebooks to run (``"report_funder"``); empty: all.
    organisation : sequence of str
        Keys of organisations whose report to make; given without ``only``, nothing else is run.
    language : sequence of str
        Languages; empty: all of the study's.
    notebooks : mapping of str to NotebookSpec, optional
        The notebooks there are; by default those of the package.
    private : bool
        The researcher's notebooks only, with nothing suppressed.

    Returns
    -------
    tuple of Step
        The researcher's notebooks, the funder's report, then each organisation's.

    Raises
    ------
    ConfigError
        If a notebook, organisation or language is not there.
    """
    there = find_notebooks() if notebooks is None else notebooks
    if private:
        there = _of_the_researcher(there, asked=only, organisation=organisation)
    chosen = [there[name] for name in _chosen("notebook", only, there, "The notebooks are")]
    keys = _chosen("organisation", organisation, config.organisations, "study.toml declares")
    languages = _chosen("language", language, config.study.languages, "The study's languages are")
    if organisation:
        chosen = [spec for spec in chosen if spec.role == "organisation"]
        if not chosen:
            raise ConfigError(
                "--organisation goes with the report for organisations, and --only asks for other notebooks. "
                "Leave one of the two out."
            )
    steps = []
    for role, spec in sorted(((each.role, each) for each in chosen), key=lambda pair: _ORDER.index(pair[0])):
        for key in keys if role == "organisation" else [""]:
            recipient = safe_folder_name(key) if key else role
            for code in languages:
                parameters = {"language": code} | ({"organisation": key} if key else {})
                check_parameters(spec.model, parameters, spec.name)
                steps.append(Step(spec.name, role, recipient, code, key, parameters, private))
    return tuple(steps)


def recipients_of(config: StudyConfig) -> dict[str, str]:
    """Every recipient's folder and the organisation it belongs to (empty for researcher and funder)."""
    own = {safe_folder_name(key): key for key in config.organisations}
    return {"researcher": "", "funder": ""} | own


def published_files(step: Step) -> dict[str, str]:
    """The fixed files of a step within the recipient's folder: its page and its executed notebook."""
    name = marked_name(step.notebook, private=step.private)
    return {"page": f"{step.language}/{name}.html", "notebook": f"{step.language}/notebooks/{name}.ipynb"}


def _of_the_researcher(
    there: Mapping[str, NotebookSpec], *, asked: Sequence[str], organisation: Sequence[str]
) -> dict[str, NotebookSpec]:
    """The notebooks that can be private: what is made for others is made to be handed over."""
    others = [name for name in asked if name in there and there[name].role != "researcher"]
    if organisation or others:
        what = f"--only {others[0]}" if others else "--organisation"
        raise ConfigError(
            f"--private was given with {what}; expected the researcher's notebooks only, since other reports "
            "are made to be handed over. Leave one of the two out."
        )
    return {name: spec for name, spec in there.items() if spec.role == "researcher"}


def _chosen(what: str, asked: Sequence[str], known: Iterable[str], heading: str) -> list[str]:
    listed = list(known)
    for name in asked:
        if name not in listed:
            there = f"{heading}: {', '.join(listed) or 'none'}."
            raise ConfigError(f"There is no {what} {name!r}. {there} {did_you_mean(name, listed)}".rstrip())
    return [name for name in listed if name in asked] if asked else listed
