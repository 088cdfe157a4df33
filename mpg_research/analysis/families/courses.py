"""The single courses of a study: one per family, episode and respondent, with its waves in order of time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import Column
from mpg_research.analysis.growth.estimate_tables import describe_parameters, study_notes
from mpg_research.analysis.growth.help_periods import worker_keys
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS
from mpg_research.analysis.result import (
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
    settings_table,
)
from mpg_research.arrays import FloatArray
from mpg_research.errors import Note
from mpg_research.instruments import Instrument
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = [
    "COURSE_KEYS",
    "Courses",
    "baseline_spread",
    "pooled_over_courses",
    "read_courses",
    "result_parts",
    "usual_gap",
]


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
    scores: Scores = AS_CONFIGURED,
    case_mix: Sequence[str] = (),
    **older: Unpack[ScoreKeywords],
) -> Courses:
    """Put the measurements of a study together as courses.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    case_mix : sequence of str
        Columns of ``episodes`` to carry along; courses without them are left out and counted.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    Courses
    """
    (scores,) = gather(older, scores)
    frame = course_frame(study, scores=scores, case_mix=tuple(case_mix))
    data = frame.data.copy()
    for name in (*COURSE_KEYS, "organisation"):
        data[name] = data[name].astype(str)
    data["worker"] = worker_keys(data)
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


def baseline_spread(courses: Courses) -> float:
    """Standard deviation of the first scores (within a month of the start), one per course; NaN without."""
    first = courses.rows[(courses.rows["wave"] == 0) & (courses.rows["months"] <= BASELINE_MONTHS)]
    return float(first["score"].std(ddof=1)) if len(first) > 1 else float("nan")


def usual_gap(courses: Courses) -> float:
    """Median time between successive waves of a course, in months; 1 where every course has one wave."""
    gaps = courses.rows.groupby("course")["months"].diff().dropna()
    return float(gaps.median()) if len(gaps) else 1.0


def pooled_over_courses(
    name: str, data: pd.DataFrame, courses: Courses, *, columns: tuple[Column, ...]
) -> ResultTable:
    """A table whose every row is about all courses."""
    counted = data.assign(
        n_families=courses.units["family"].nunique(), n_organisations=courses.units["organisation"].nunique()
    )
    return ResultTable(name, counted, columns=columns)


def result_parts(
    study: Study,
    frame: CourseFrame,
    *,
    tables: Iterable[ResultTable],
    notes: Iterable[Note] = (),
    parameters: Mapping[str, Any],
    level: float,
    computed: Mapping[str, float | int | None] | None = None,
) -> dict[str, Any]:
    """What every result about courses has in common: tables with the sample flow, notes and provenance.

    Parameters
    ----------
    study : Study
        A loaded study.
    frame : CourseFrame
        The scores behind the result.
    tables : iterable of ResultTable
    notes : iterable of Note
        After those about the study.
    parameters : mapping
        Arguments in force; what puts numbers into words is added.
    level : float
        Confidence level of the intervals, between 0 and 1.
    computed : mapping, optional
        What the analysis computed with that follows from the data itself: the table ``settings``.

    Returns
    -------
    dict
        tables, flow, notes, provenance and level: the fields of ``Result`` save ``converged``.
    """
    described = describe_parameters(study, frame, **{**parameters, "level": level})
    every = [*tables, sample_flow_table(frame.flow)]
    if computed is not None:
        people = {
            "n_families": frame.data["family"].nunique(),
            "n_organisations": frame.data["organisation"].nunique(),
        }
        every.append(settings_table(computed, **people))
    return {
        "tables": collect_tables(every),
        "flow": frame.flow,
        "notes": (*study_notes(study, frame.instrument, frame.outcome), *notes),
        "provenance": provenance_of(
            study, parameters=described, instrument=frame.instrument, outcome=frame.outcome
        ),
        "level": level,
    }
