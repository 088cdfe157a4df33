"""The error of a single score, in one place: a reliability, and the spread of scores it belongs to.

A reliability says how large the error is only beside the spread of the scores with which it was found: the
standard error of measurement is sd sqrt(1 - reliability). A published coefficient beside the spread of *this*
study's families would make the error too small where they are alike and too large where they differ.
"""

from dataclasses import dataclass

import numpy as np

from mpg_research.analysis.families.choices import DEFAULT_ERROR, ErrorModel
from mpg_research.analysis.families.courses import Courses, baseline_spread
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS
from mpg_research.errors import ConfigError, Note
from mpg_research.instruments import Reliability, estimate_reliability
from mpg_research.statistics.change.reliable_trend import own_line_residuals
from mpg_research.study.model import Study

__all__ = ["ErrorSource", "measurement_error"]

#: Fewer families say too little about the error.
_LEAST_FAMILIES = 20
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class ErrorSource:
    """Reliability of the scores, where it comes from, and the spread it belongs to.

    Attributes
    ----------
    reliability : float
    origin : {"published", "estimated", "given", "unknown"}
    kind : str
        Such as "alpha"; "within_families" where it is a lower limit from repeated scores; empty where the
        user gave a number.
    source : str
        Publication, or how it was estimated.
    sd : float
        Standard deviation of the scores that the reliability belongs to, in points.
    sd_origin : {"study", "published", "given"}
        Whose: this study's families at intake, those of the publication, or as the user gave it.
    intake_sd : float
        Standard deviation of this study's scores at intake, whatever the reliability belongs to.
    own_alpha, own_low, own_high : float
        Alpha of this study at intake with its 95 % interval; NaN where single items are not known.
    notes : tuple of Note
        What a reader must know about the error.
    """

    reliability: float
    origin: str
    kind: str
    source: str
    sd: float
    sd_origin: str
    intake_sd: float
    own_alpha: float
    own_low: float
    own_high: float
    notes: tuple[Note, ...]

    @property
    def sem(self) -> float:
        """Standard error of measurement, in points."""
        return float(self.sd * np.sqrt(1 - self.reliability))

    @property
    def lower_limit(self) -> bool:
        """Whether the reliability is a lower limit, since true fluctuation counts as error in it."""
        return self.kind == "within_families"

    @property
    def known_at_start(self) -> bool:
        """Whether the error hangs on no score after intake, not even in the choice of its source."""
        return not self.lower_limit and (self.origin, self.sd_origin) != ("published", "study")

    @property
    def described(self) -> dict[str, object]:
        """Where the reliability comes from, for the provenance of a result."""
        return {
            "reliability_origin": self.origin,
            "reliability_kind": self.kind,
            "reliability_source": self.source,
            "error_spread_origin": self.sd_origin,
        }

    @property
    def numbers(self) -> dict[str, float]:
        """The reliability and the spread that goes with it, for the settings of a result."""
        return {"reliability": self.reliability, "error_spread": self.sd}


def measurement_error(
    study: Study, courses: Courses, error: ErrorModel = DEFAULT_ERROR, *, required: bool = True
) -> ErrorSource:
    """The error of a single score.

    Parameters
    ----------
    study : Study
    courses : Courses
    error : ErrorModel
        What was said of it. By default the published reliability where the spread it belongs to is known
        (published beside it, or ``sd``), else alpha on each family's first complete questionnaire at intake,
        and spread, of this study. Where only totals are known, it is estimated from the spread of repeated
        scores around the families' own lines, which holds true fluctuation too: a lower limit, so that less
        counts as change.
    required : bool
        Whether to refuse where none was asked for and none is published or can be estimated; if not, it is
        NaN, of origin "unknown".

    Returns
    -------
    ErrorSource

    Raises
    ------
    ConfigError
        If the number is impossible, or nothing is published or can be estimated.
    """
    reliability, sd = error.reliability, error.sd
    if sd is not None and not (np.isfinite(sd) and sd > 0):
        raise ConfigError(f"sd = {sd}; expected a positive number of points.")
    if isinstance(reliability, int | float) and not isinstance(reliability, bool):
        if not 0 < reliability < 1:
            raise ConfigError(
                f"reliability = {reliability:g}; expected a number between 0 and 1, both excluded. Give the "
                "coefficient of a publication, or 'estimated'."
            )
    elif reliability not in (None, "published", "estimated"):
        raise ConfigError(f"reliability = {reliability!r}; expected a number, 'published' or 'estimated'.")
    published = courses.instrument.reliability
    if reliability == "published" and published is None:
        raise ConfigError(
            f"No reliability of {courses.instrument.abbreviation} is on file. Give a number from a "
            "publication, "
            "or 'estimated' where single items are known."
        )
    own, intake = _own_alpha(study, courses), baseline_spread(courses)
    found = _choose(courses, reliability, sd, own[0], intake)
    if found is None and (required or reliability is not None):
        raise ConfigError(
            f"The reliability of {courses.instrument.abbreviation} is neither on file nor can it be "
            "estimated "
            "(that takes 20 families or more with all single items answered, or measured three times). Give "
            "it "
            "as a number: reliability=0.80."
        )
    value, origin, kind, source, spread, spread_origin = found or (np.nan, "unknown", "", "", intake, "study")
    notes = _notes(value, origin, kind, spread_origin, own)
    return ErrorSource(value, origin, kind, source, spread, spread_origin, intake, *own, notes)


_Chosen = tuple[float, str, str, str, float, str]


def _choose(
    courses: Courses, asked: float | str | None, sd: float | None, alpha: float, intake: float
) -> _Chosen | None:
    """Reliability, origin, kind, source, spread and whose spread; None where nothing is known."""
    spread, whose = (intake, "study") if sd is None else (float(sd), "given")
    published = courses.instrument.reliability
    if isinstance(asked, int | float):
        return float(asked), "given", "", "given by the user", spread, whose
    if published is not None and asked != "estimated":
        own_spread = published.sd if sd is None and courses.frame.outcome == "raw" else None
        if own_spread is not None:
            return _published(published, own_spread, "published")
        if sd is not None or asked == "published":
            return _published(published, spread, whose)
    if np.isfinite(alpha):
        text = "Cronbach's alpha on the first complete questionnaire of each family at intake in this study"
        return alpha, "estimated", "alpha", text, spread, whose
    within = _within_families(courses, spread)
    if within is not None:
        text = "one minus the spread around the families' own lines over that at the start, in this study"
        return within, "estimated", "within_families", text, spread, whose
    if published is not None and asked is None:
        return _published(published, spread, whose)
    return None


def _published(published: Reliability, spread: float, whose: str) -> _Chosen:
    return published.value, "published", published.kind, published.source, spread, whose


def _notes(
    value: float, origin: str, kind: str, whose: str, own: tuple[float, float, float]
) -> tuple[Note, ...]:
    notes = []
    _, low, high = own
    if origin in ("published", "given") and low <= high and not low <= value <= high:
        text = (
            f"The reliability in force ({value:.2f}) lies outside what this study's own answers allow "
            f"({low:.2f} to {high:.2f})."
        )
        values = {"reliability": round(value, 2), "low": round(low, 2), "high": round(high, 2)}
        notes.append(Note("reliability_unlike_this_study", text, values, "caution"))
    if origin == "published" and whose == "study":
        text = (
            "The published reliability is used with the spread of this study's families, since neither the "
            "spread "
            "it was found with is known nor can a reliability be estimated here. The error can be too small "
            "or "
            "too large. Give sd, the standard deviation in that publication."
        )
        notes.append(Note("published_without_spread", text, {}, "caution"))
    if kind == "within_families":
        text = (
            f"Nobody supplied a reliability, and single items are not known. The {value:.2f} used here is a "
            "lower "
            "limit estimated from this study: true ups and downs count as error in it. Give the reliability "
            "of a "
            "publication and its standard deviation (reliability=, sd=)."
        )
        notes.append(Note("reliability_lower_limit", text, {"reliability": round(value, 2)}, "caution"))
    return tuple(notes)


def _own_alpha(study: Study, courses: Courses) -> tuple[float, float, float]:
    """Alpha of this study at intake and its interval; NaN where it cannot be had."""
    nothing = (float("nan"), float("nan"), float("nan"))
    instrument, measured = courses.instrument, study.tables["measurements"]
    if instrument.total_only or not set(instrument.items) <= set(measured.columns):
        return nothing
    scores = study.scores[study.scores["instrument"] == instrument.key]
    scores = scores[scores["family"].astype(str).isin(set(courses.units["family"]))]
    # At intake: an answer at a wave must not hang on later ones.
    scores = scores[scores["months"] <= BASELINE_MONTHS]
    scores = scores.sort_values(["family", "months"], kind="stable")
    answers = measured.loc[scores.index, list(instrument.items)]
    families = scores["family"].astype(str)
    found = estimate_reliability(instrument, answers, families=families, n_bootstrap=_RESAMPLES, omega=False)
    row = found.set_index("coefficient").loc["alpha"]
    alpha = float(row["estimate"])
    return (alpha, float(row["conf_low"]), float(row["conf_high"])) if 0 < alpha < 1 else nothing


def _within_families(courses: Courses, sd: float) -> float | None:
    """Reliability from repeated scores; None with too few families or no spread between them."""
    rows = courses.rows
    waves = rows.groupby("course")["months"].transform("nunique")
    several = rows[waves >= 3]
    if several["family"].nunique() < _LEAST_FAMILIES or not sd > 0:
        return None
    squares, df = own_line_residuals(several["course"], several["months"], several["score"])
    found = 1 - squares / df / sd**2
    return float(found) if 0 < found < 1 else None
