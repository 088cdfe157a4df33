"""What a study is once it has been read: its tables, scores, sources and findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mpg_research.errors import Note, Problem, format_problems
from mpg_research.plurals import counted
from mpg_research.study.which_scores import Scores

if TYPE_CHECKING:
    import pandas as pd

    from mpg_research.instruments import Instrument
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["CheckReport", "CourseFrame", "FlowStep", "SampleFlow", "SourceFile", "Study", "SummaryLine"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A raw file a study was read from.

    Attributes
    ----------
    path : Path
        Where the file lies.
    sha256 : str
        Hash of its bytes, 64 hexadecimal digits.
    n_rows : int
        Data rows read from it; 0 for files that are not tables of the study.
    """

    path: Path
    sha256: str
    n_rows: int


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What is left of the sample after one decision.

    Attributes
    ----------
    code : str
        Stable short name of the step ("read", "scored", "analysed").
    text : str
        The step in one English phrase.
    n_measurements, n_families, n_episodes : int
        What is left after this step (distinct families, distinct family × episode).
    """

    code: str
    text: str
    n_measurements: int
    n_families: int
    n_episodes: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out of the files before anything else, since nobody permits its use.

    Attributes
    ----------
    n_measurements, n_families, n_episodes : int
        What would have been there besides.
    """

    n_measurements: int
    n_families: int
    n_episodes: int


@dataclass(frozen=True, slots=True)
class SampleFlow:
    """The sample from what was read to what was analysed, one step per decision."""

    steps: tuple[FlowStep, ...] = ()

    def as_text(self) -> str:
        """One line per step."""
        return "\n".join(
            f"{step.text}: {counted(step.n_measurements, 'measurements')} of "
            f"{counted(step.n_families, 'families')} ({counted(step.n_episodes, 'episodes')})"
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One figure of the data-quality summary.

    Attributes
    ----------
    code : str
        What was counted ("families", "measurements_in_year", "item_completeness").
    text : str
        The figure in English words.
    value : float
        The figure: a count, or a share between 0 and 1 for ``item_completeness``.
    part : str
        What it is about, where it is about a part (a year, an item, an organisation); else "".
    """

    code: str
    text: str
    value: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that is wrong or odd in a study, and its data-quality summary.

    Attributes
    ----------
    study : str
        Name of the study, or of its folder where ``study.toml`` cannot be read.
    problems : tuple of Problem
        The findings, errors first. At most :data:`mpg_research.study.findings.LISTED_PER_CHECK`
        per check and column are listed; ``counts`` holds the full numbers.
    counts : mapping of str to int
        Number of findings by code of the check.
    summary : tuple of SummaryLine
        The data-quality summary; empty when the tables cannot be read.
    """

    study: str
    problems: tuple[Problem, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    summary: tuple[SummaryLine, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The findings that stop a run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The findings that are reported while the run goes on."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether the study can be analysed: no errors."""
        return not self.errors

    def as_text(self, *, at_most: int = 200) -> str:
        """The whole report as plain text, for a terminal or a file.

        Parameters
        ----------
        at_most : int
            Problems listed; beyond these they are counted.

        Returns
        -------
        str
        """
        errors, warnings = counted(len(self.errors), "errors"), counted(len(self.warnings), "warnings")
        parts = [f"Study {self.study}: {errors}, {warnings}"]
        for heading, listed in (("Errors", self.errors), ("Warnings", self.warnings)):
            if listed:
                parts += ["", heading, format_problems(listed, at_most=at_most)]
        if self.counts:
            parts += ["", "Findings by check"]
            parts += [f"- {code}: {number}" for code, number in sorted(self.counts.items())]
        if self.summary:
            parts += ["", "Summary", *(f"- {line.text}" for line in self.summary)]
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class Study:
    """A study that was read, checked and scored. Nothing in it is written back to the raw files.

    Attributes
    ----------
    name : str
        Short name from ``study.toml``, fit for a folder.
    folder : Path
        The folder that holds ``study.toml``.
    config : StudyConfig
        The validated configuration.
    tables : mapping of str to DataFrame
        Tables by name (``episodes``, ``measurements``, and the optional ones that are present), with
        the canonical columns of :mod:`mpg_research.study.schemas`. Identifiers are text.
    scores : DataFrame
        One row per measurement: family, episode, organisation, worker, respondent, instrument, date
        (NaT where times are numbers), months (float, months since the start of the episode; 0.0 in
        the baseline window), phase ("before", "baseline", "course", "follow_up", or "undated" where
        the date or the start is missing), n_answered, raw, prorated, t_score, not_scored_reason,
        declared_respondent (bool).
    instruments : mapping of str to Instrument
        The questionnaires that occur in the measurements or are configured.
    sources : tuple of SourceFile
        Every raw file read, with its hash.
    checks : CheckReport
        The findings; warnings only, since errors stop the loading.
    notes : tuple of Note
        What a reader of any result should know about how the study was read.
    synthetic : bool
        Whether the study says of itself that its data are synthetic.
    digest : str
        SHA-256 over the configuration and the bytes of all raw files.
    without_consent : LeftOut or None
        Whose data were left out, where ``[consent]`` asks for a ground; else None.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.study import shipped_example
    >>> study = load_study(shipped_example())
    >>> study.name, study.synthetic, "episodes" in study.tables
    ('example', True, True)
    """

    name: str
    folder: Path
    config: "StudyConfig"
    tables: "Mapping[str, pd.DataFrame]"
    scores: "pd.DataFrame"
    instruments: "Mapping[str, Instrument]"
    sources: tuple[SourceFile, ...]
    checks: CheckReport
    notes: tuple[Note, ...]
    synthetic: bool
    digest: str
    without_consent: LeftOut | None = None

    def title(self, language: str) -> str:
        """The study's public title in a language.

        Parameters
        ----------
        language : str
            Code of the language.

        Returns
        -------
        str
        """
        return self.config.study.title.in_language(language)

    @property
    def organisations(self) -> tuple[str, ...]:
        """Keys of the organisations that have episodes, sorted."""
        return tuple(sorted(self.tables["episodes"]["organisation"].unique()))

    @property
    def time_unit(self) -> Literal["months", "weeks", "waves"]:
        """What one unit of the column ``months`` is: "months", "weeks", or "waves" of unknown length."""
        return self.config.time.axis_unit

    def organisation_name(self, key: str, language: str) -> str:
        """The public display name of an organisation; its key where no name is configured.

        Parameters
        ----------
        key : str
            As it stands in ``organisations``.
        language : {"nl", "en"}
            Of the words.

        Returns
        -------
        str
        """
        return self.config.organisation_name(key, language)


@dataclass(frozen=True, slots=True)
class CourseFrame:
    """The measurements in the course of help that an analysis uses.

    Attributes
    ----------
    data : DataFrame
        One row per measurement used: family, episode, organisation, worker, respondent, months,
        score, and the case-mix columns asked for. Sorted; the index runs from 0.
    flow : SampleFlow
        How the sample became what it is.
    instrument, outcome, respondents, episodes : str
        The choices that were in force.
    case_mix : tuple of str
        The case-mix columns in ``data``.
    """

    data: "pd.DataFrame"
    flow: SampleFlow
    instrument: str
    outcome: str
    respondents: str
    episodes: str
    case_mix: tuple[str, ...] = ()

    @property
    def scores(self) -> Scores:
        """The choices that were in force, as they can be asked for again."""
        return Scores(
            instrument=self.instrument,
            outcome=self.outcome,
            respondents=self.respondents,
            episodes=self.episodes,
        )
