"""Arguments that belong together, said once: how exact a score is, and from when on change counts."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypedDict

from mpg_research.study.which_scores import ScoreKeywords

__all__ = [
    "DEFAULT_ERROR",
    "DEFAULT_MARGIN",
    "DELTA_MONTHS",
    "NO_THRESHOLDS",
    "ErrorKeywords",
    "ErrorModel",
    "Margin",
    "MarginKeywords",
    "ReliabilityKeywords",
    "ThresholdKeywords",
    "Thresholds",
]

#: Months that a margin is about where nothing else was said.
DELTA_MONTHS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorModel:
    """How exact a single score is; what is None is found out.

    Attributes
    ----------
    reliability : float or {"published", "estimated"} or None
        A number between 0 and 1 (both excluded), the instrument's published coefficient, or alpha of this
        study. By default the published one where the spread it belongs to is known, else alpha.
    sd : float or None
        Standard deviation of the scores that the reliability belongs to, in points, as of a norm group.
    error_sd : float or None
        Standard deviation of single scores around a family's line, in points, for analyses that answer wave
        by wave.

    Examples
    --------
    >>> from mpg_research import ErrorModel
    >>> ErrorModel(reliability=0.8, sd=5.0).sd
    5.0
    """

    reliability: float | str | None = None
    sd: float | None = None
    error_sd: float | None = None
    keyword: ClassVar[str] = "error"


class ReliabilityKeywords(TypedDict, total=False):
    """What every analysis of single families takes of :class:`ErrorModel`, as keywords of their own."""

    reliability: float | str | None
    sd: float | None


class ErrorKeywords(ReliabilityKeywords, total=False):
    """All parts of :class:`ErrorModel` as keywords of their own."""

    error_sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Change below which a course counts as standing still.

    Attributes
    ----------
    delta : float or None
        Points per ``period``. Our own default is half a standard deviation of this study's intake scores; it
        is nobody's published rule.
    period : float or None
        Months that ``delta`` is about; six by default.

    Examples
    --------
    >>> from mpg_research import Margin
    >>> Margin(delta=2.0, period=6.0).delta
    2.0
    """

    delta: float | None = None
    period: float | None = None
    keyword: ClassVar[str] = "margin"

    @property
    def months(self) -> float:
        """Months that ``delta`` is about."""
        return DELTA_MONTHS if self.period is None else float(self.period)


class MarginKeywords(TypedDict, total=False):
    """The parts of :class:`Margin` as keywords of their own."""

    delta: float | None
    period: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on a change between two moments counts, beside the error of the scores; None for none.

    Attributes
    ----------
    functional, clinical : (mean, sd) or None
        Of a functional and a clinical reference group, in points, with a source of your own. The clinical
        group is by default this study's families at intake.
    cutoff : {"a", "b", "c"} or float or None
        By default "c" where a functional group is given; otherwise no five classes are made.
    percentage, percentage_worse : float or None
        Share of the intake score from which a change counts (0.5 is 50 %); raw scores only. Counted from the
        lowest possible score.
    important, important_worse : float or None
        Minimal important difference in points, from an anchor study.

    Examples
    --------
    >>> from mpg_research import Thresholds
    >>> Thresholds(functional=(17.0, 4.0), important=3.0).important
    3.0
    """

    functional: tuple[float, float] | None = None
    clinical: tuple[float, float] | None = None
    cutoff: Literal["a", "b", "c"] | float | None = None
    percentage: float | None = None
    percentage_worse: float | None = None
    important: float | None = None
    important_worse: float | None = None
    keyword: ClassVar[str] = "thresholds"


class ThresholdKeywords(TypedDict, total=False):
    """The parts of :class:`Thresholds` as keywords of their own."""

    functional: tuple[float, float] | None
    clinical: tuple[float, float] | None
    cutoff: Literal["a", "b", "c"] | float | None
    percentage: float | None
    percentage_worse: float | None
    important: float | None
    important_worse: float | None


class ReliabilityScoreKeywords(ScoreKeywords, ReliabilityKeywords, total=False):
    """Parts of which scores and how exact they are, as keywords of their own."""


class CourseKeywords(ScoreKeywords, ErrorKeywords, MarginKeywords, total=False):
    """Parts of which scores, how exact they are and the margin, as keywords of their own."""


class ChangeKeywords(ScoreKeywords, ReliabilityKeywords, ThresholdKeywords, total=False):
    """Parts of which scores, how exact they are and the thresholds, as keywords of their own."""


DEFAULT_ERROR, DEFAULT_MARGIN, NO_THRESHOLDS = ErrorModel(), Margin(), Thresholds()
#: Why an error around the families' own lines cannot be given to an analysis that does not go wave by wave.
NOT_BY_WAVE = (
    "only answers wave by wave take the error of scores around a family's line; give reliability and sd."
)
