"""The single courses of a study: one per family, episode and respondent, with its waves in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.frame import BASELINE_MONTHS
from mpg_research.errors import ConfigError, Note
from mpg_research.instruments import Instrument, estimate_reliability
from mpg_research.statistics.reliable_trend import own_line_residuals
from mpg_research.study.course import course_frame
from mpg_research.study.model import CourseFrame, Study

__all__ = ["Courses", "ErrorSource", "baseline_spread", "measurement_error", "read_courses", "usual_gap"]

FloatArray = NDArray[np.float64]

#: Fewer families with three waves say too little about the error.
_LEAST_FAMILIES = 20
#: What identifies a course.
COURSE_KEYS = ("family", "episode", "respondent")


@dataclass(frozen=True, slots=True)
class Courses:
    """All courses of a study, for analyses of single families.

    Attributes
    ----------
    rows : DataFrame
        One row per wave: course (0, 1, ...), wave (0, 1, ... within the course), family, episode,
        organisation, worker (unique over organisations; the family's own where unknown), respondent,
        months, score; sorted by course and months. Scores of one day are averaged.
    units : DataFrame
        One row per course: course, family, episode, organisation, worker, respondent, n_waves, and the
        case mix asked for.
    frame : CourseFrame
        As selected from the study, with its sample flow.
    instrument : Instrument
    notes : tuple of Note
    """

    rows: pd.DataFrame
    units: pd.DataFrame
    frame: CourseFrame
    instrument: Instrument
    notes: tuple[Note, ...]

    def padded(self) -> tuple[FloatArray, FloatArray]:
        """Months and scores as tables with a row per course, shape (courses, most waves), NaN at the end."""
        shape = (len(self.units), int(self.units["n_waves"].max()))
        months, scores = np.full(shape, np.nan), np.full(shape, np.nan)
        place = self.rows["course"].to_numpy(), self.rows["wave"].to_numpy()
        months[place] = self.rows["months"].to_numpy(dtype=float)
        scores[place] = self.rows["score"].to_numpy(dtype=float)
        return months, scores


def read_courses(
    study: Study,
    *,
    instrument: str | None = None,
    outcome: str | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    case_mix: Sequence[str] = (),
) -> Courses:
    """Put the measurements of a study together as courses.

    Parameters
    ----------
    study : Study
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.
    case_mix : sequence of str
        Columns of ``episodes`` to carry along; courses without them are left out and counted.

    Returns
    -------
    Courses
    """
    frame = course_frame(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents=respondents,
        episodes=episodes,
        case_mix=tuple(case_mix),
    )
    data = frame.data.copy()
    for name in (*COURSE_KEYS, "organisation"):
        data[name] = data[name].astype(str)
    worker = data["organisation"] + "/" + data["worker"].astype(str)
    data["worker"] = worker.where(data["worker"].notna(), data["family"] + "/own")
    kept = [*COURSE_KEYS, "organisation", "worker", *frame.case_mix]
    same_day = data.duplicated([*COURSE_KEYS, "months"])
    notes = []
    if same_day.any():
        text = "Scores of one respondent on one day were averaged: they are one look at the family."
        notes.append(Note("same_day_averaged", text, {"n_measurements": int(same_day.sum())}))
        first = data.drop_duplicates([*COURSE_KEYS, "months"])
        means = data.groupby([*COURSE_KEYS, "months"], sort=False)["score"].mean()
        data = first.drop(columns="score").merge(means.reset_index(), on=[*COURSE_KEYS, "months"])
    data = data.sort_values([*COURSE_KEYS, "months"], kind="stable").reset_index(drop=True)
    grouped = data.groupby(list(COURSE_KEYS), sort=True)
    data.insert(0, "course", grouped.ngroup())
    data.insert(1, "wave", grouped.cumcount())
    units = data.drop_duplicates("course")[["course", *kept]].reset_index(drop=True)
    units["n_waves"] = data.groupby("course").size().to_numpy()
    return Courses(data, units, frame, study.instruments[frame.instrument], tuple(notes))


@dataclass(frozen=True, slots=True)
class ErrorSource:
    """Reliability of the scores and where it comes from.

    Attributes
    ----------
    reliability : float
    origin : {"published", "estimated", "given"}
    kind : str
        Such as "alpha"; empty where the user gave a number.
    source : str
        Publication, or how it was estimated.
    sd : float
        Standard deviation of the scores at the start, in points.
    """

    reliability: float
    origin: str
    kind: str
    source: str
    sd: float

    @property
    def sem(self) -> float:
        """Standard error of measurement, in points."""
        return float(self.sd * np.sqrt(1 - self.reliability))


def measurement_error(study: Study, courses: Courses, reliability: float | str | None = None) -> ErrorSource:
    """The error of a single score.

    Parameters
    ----------
    study : Study
    courses : Courses
    reliability : float or {"published", "estimated"}, optional
        A number between 0 and 1 (both excluded), the instrument's published coefficient, or alpha
        estimated on each family's first complete questionnaire. By default the published one, else the
        estimate. Where only totals are known, it is estimated from the spread of repeated scores around the
        families' own lines, which holds true fluctuation too: a lower limit, so that less counts as change.

    Returns
    -------
    ErrorSource

    Raises
    ------
    ConfigError
        If the number is impossible, or nothing is published or can be estimated.
    """
    sd = baseline_spread(courses)
    instrument = courses.instrument
    published = instrument.reliability
    if isinstance(reliability, int | float) and not isinstance(reliability, bool):
        if not 0 < reliability < 1:
            raise ConfigError(
                f"reliability = {reliability:g}; expected a number between 0 and 1, both excluded. Give the "
                "coefficient of a publication, or 'estimated'."
            )
        return ErrorSource(float(reliability), "given", "", "given by the user", sd)
    if reliability not in (None, "published", "estimated"):
        raise ConfigError(f"reliability = {reliability!r}; expected a number, 'published' or 'estimated'.")
    if reliability != "estimated" and published is not None:
        return ErrorSource(published.value, "published", published.kind, published.source, sd)
    if reliability == "published":
        raise ConfigError(
            f"No reliability of {instrument.abbreviation} is on file. Give a number from a publication, or "
            "'estimated' where single items are known."
        )
    found = _estimate(study, courses)
    if found is None:
        within = _within_families(courses, sd)
        if within is not None:
            text = "one minus the spread around the families' own lines over that at the start, in this study"
            return ErrorSource(within, "estimated", "within_families", text, sd)
        raise ConfigError(
            f"The reliability of {instrument.abbreviation} is neither on file nor can it be estimated (that "
            "takes 20 families or more with all single items answered, or measured three times). Give it as "
            "a number: reliability=0.80."
        )
    text = "Cronbach's alpha on the first complete questionnaire of each family in this study"
    return ErrorSource(found, "estimated", "alpha", text, sd)


def _estimate(study: Study, courses: Courses) -> float | None:
    instrument, measured = courses.instrument, study.tables["measurements"]
    if instrument.total_only or not set(instrument.items) <= set(measured.columns):
        return None
    scores = study.scores[study.scores["instrument"] == instrument.key]
    scores = scores[scores["family"].astype(str).isin(set(courses.units["family"]))]
    scores = scores.sort_values(["family", "months"], kind="stable")
    answers = measured.loc[scores.index, list(instrument.items)]
    families = scores["family"].astype(str)
    found = estimate_reliability(instrument, answers, families=families, n_bootstrap=10)
    alpha = float(found.loc[found["coefficient"] == "alpha", "estimate"].iloc[0])
    return alpha if 0 < alpha < 1 else None


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


def baseline_spread(courses: Courses) -> float:
    """Standard deviation of the first scores (within a month of the start), one per course; NaN without."""
    first = courses.rows[(courses.rows["wave"] == 0) & (courses.rows["months"] <= BASELINE_MONTHS)]
    return float(first["score"].std(ddof=1)) if len(first) > 1 else float("nan")


def usual_gap(courses: Courses) -> float:
    """Median time between successive waves of a course, in months; 1 where every course has one wave."""
    gaps = courses.rows.groupby("course")["months"].diff().dropna()
    return float(gaps.median()) if len(gaps) else 1.0
