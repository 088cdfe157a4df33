"""The course of one family, for the talk with that family. Never part of a report.

Tables of :class:`FamilyProfile`; every one is about a single family (``unit="family"``)
---------------------------------------------------------------------------------------
- ``waves``: respondent, wave, months, score, error_low, error_high (measurement error, within the scale),
  expected, band_low, band_high, standing, answer, at_limit.
- ``bands``: respondent, months, expected, band_low, band_high.
- ``forecasts``: respondent, ahead, months, estimate, band_low, band_high.
- ``summary``: respondent, n_waves, first_score, last_score, change, category (reliable change), answer,
  standing, at_limit, waves_needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    DEFAULT_MARGIN,
    CourseKeywords,
    ErrorModel,
    Margin,
)
from mpg_research.analysis.families.course_error import (
    at_limit,
    error_by_wave,
    latest_error,
    margin_of,
    swings_by_month,
)
from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses, result_parts, usual_gap
from mpg_research.analysis.families.direction import HALF_TIME
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.monitoring.expectation_model import Fold, code_case_mix, cross_fit, make_folds
from mpg_research.analysis.monitoring.expected_course import curves_of, expected_waves
from mpg_research.analysis.result import Result, ResultTable, collect_tables, family_table
from mpg_research.errors import ConfigError, DataError, ModelError, Note
from mpg_research.frames import each_row
from mpg_research.statistics.change.reliable_change import ChangeMethod, reliable_change_index
from mpg_research.statistics.courses.course_answer import course_answers
from mpg_research.statistics.courses.waves_needed import waves_needed
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

__all__ = ["FamilyProfile", "describe_family"]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyProfile(Result):
    """What :func:`describe_family` found. Sensitive: it is about one family.

    Attributes
    ----------
    family : str
        The family's id in the study.
    episode : str
    instrument_name : str
    higher_is_worse : bool
    score_range : (float, float) or None
        Lowest and highest possible score; None for T-scores.
    delta, period : float
        The margin: points per months below which a course counts as standing still.
    unit : mapping of str to tuple of str
        Whom the study is about, per language, if not families: one, more, and the Dutch article.
    """

    family: str
    episode: str
    instrument_name: str
    higher_is_worse: bool
    score_range: tuple[float, float] | None
    delta: float
    period: float
    unit: Mapping[str, tuple[str, str, str]]
    kind: ClassVar[str] = "family_profile"


def describe_family(
    study: Study,
    family: str,
    *,
    episode: str | None = None,
    band: float = 0.8,
    margin: Margin = DEFAULT_MARGIN,
    error: ErrorModel = DEFAULT_ERROR,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[CourseKeywords],
) -> FamilyProfile:
    """The course of one family: its scores with their error, what was expected, and the answer in force.

    Parameters
    ----------
    study : Study
        A loaded study.
    family : str
        The family's id in the study.
    episode : str, optional
        Its period of help; by default the last one with a score.
    band : float
        Share of families like this one whose scores the expected band is to hold.
    margin, error, level
        As in :func:`mpg_research.analysis.course`.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. All respondents and periods of the family are read.
    **older
        Parts of `scores`, `error` and `margin` as keywords of their own: ``instrument``, ``outcome``,
        ``reliability``, ``sd``, ``delta``, ``period``.

    Returns
    -------
    FamilyProfile
        Tables ``waves``, ``bands``, ``forecasts`` and ``summary``.

    Raises
    ------
    ConfigError
        If the study has no such family (other ids are not listed: they are personal data).
    DataError
        If the family has no score in the course of help.
    """
    scores, error, margin = gather(older, scores, error, margin)
    refuse_parts(error, "error_sd", why="a family's page shows the error that this study itself shows.")
    refuse_parts(scores, "respondents", "episodes", why="all that is known of the family is read.")
    if family not in set(study.tables["episodes"]["family"].astype(str)):
        raise ConfigError(
            f"The study {study.name} has no family {family!r}. Look the id up in the table of episodes."
        )
    names = tuple(study.config.analysis.case_mix)
    everything = replace(scores, respondents="both", episodes="all")
    courses = read_courses(study, scores=everything, case_mix=names)
    chosen = _chosen(courses, family, episode)
    source = measurement_error(study, courses, error)
    delta, period = margin_of(source, margin), margin.months
    method = study.config.analysis.change_method
    errors = error_by_wave(courses, source, None)
    waves, needed = _answers(courses, chosen, errors, delta, period, level, source.sem)
    raw = courses.frame.outcome == "raw"
    ends = (courses.instrument.raw_minimum, courses.instrument.raw_maximum) if raw else None
    for name, side in (("error_low", -1), ("error_high", 1)):
        waves[name] = (waves["score"] + side * _Z * source.sem).clip(*(ends or (None, None)))
    notes = [*courses.notes, *source.notes]
    waves, bands, forecasts, converged = _expected(courses, chosen, waves, band, notes)
    # the model knows no ends of the scale; a family reads its page
    waves, bands, forecasts = (_within(frame, ends) for frame in (waves, bands, forecasts))
    tables = [
        _table("waves", waves, ("respondent", "wave")),
        _table("bands", bands, ("respondent", "months")),
        _table("forecasts", forecasts, ("respondent", "ahead")),
        _table("summary", _summary(courses, chosen, waves, source, method, needed, level), ("respondent",)),
    ]
    questionnaire = courses.instrument
    parameters = {"band": band, "delta": delta, "period": period, **source.described}
    parts = result_parts(study, courses.frame, tables=(), notes=notes, parameters=parameters, level=level)
    return FamilyProfile(
        family=family,
        episode=str(chosen["episode"].iloc[0]),
        instrument_name=questionnaire.abbreviation,
        higher_is_worse=questionnaire.direction == "higher_is_worse",
        score_range=ends,
        delta=delta,
        period=period,
        unit=study.config.study.unit_words,
        converged=converged,
        # Without the sample flow: every table is about this family.
        **{**parts, "tables": collect_tables(tables)},
    )


def _chosen(courses: Courses, family: str, episode: str | None) -> pd.DataFrame:
    """The family's courses in the period of help asked for, one row per respondent."""
    mine = courses.units[courses.units["family"] == family]
    if mine.empty:
        raise DataError(
            f"Family {family} has no score in the course of help (or a case-mix value is missing), so there "
            "is no course to show."
        )
    if episode is None:
        latest = courses.rows[courses.rows["family"] == family]
        episode = str(sorted(latest["episode"].unique())[-1])
    found = mine[mine["episode"] == episode]
    if found.empty:
        raise ConfigError(f"Family {family} has no scores in the period of help {episode!r}.")
    return found


def _answers(
    courses: Courses,
    chosen: pd.DataFrame,
    errors: np.ndarray,
    margin: float,
    period: float,
    level: float,
    sem: float,
) -> tuple[pd.DataFrame, int | None]:
    rows = courses.rows.assign(error_sd=errors, at_limit=at_limit(courses))
    swings, _ = swings_by_month(courses, None)
    pieces = []
    for course in chosen["course"]:
        mine = rows[rows["course"] == course]
        found = course_answers(
            mine["months"].to_numpy()[None, :], mine["score"].to_numpy()[None, :],
            error_sd=mine["error_sd"].to_numpy()[None, :], delta=margin, period=period, level=level,
            half_time=HALF_TIME, direction=courses.instrument.direction, swings=swings,
        )  # fmt: skip
        pieces.append(mine.assign(answer=found.answer[0]))
    waves = pd.concat(pieces, ignore_index=True)
    needed = waves_needed(
        error_sd=latest_error(courses, errors, sem), delta=margin, period=period,
        interval=max(usual_gap(courses), 1e-6), level=level, swings=swings,
    )  # fmt: skip
    return waves, needed.stagnating


def _expected(
    courses: Courses, chosen: pd.DataFrame, waves: pd.DataFrame, band: float, notes: list[Note]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, bool]:
    """Bands from the other organisations; without them where the others cannot carry a model."""
    columns = ["expected", "band_low", "band_high", "standing"]
    try:
        fold = _own_fold(courses, chosen)
    except ModelError as problem:
        text = f"There is no expected course: {problem}"
        notes.append(Note("no_expected_course", text, {}, "caution"))
        empty = pd.DataFrame(columns=["respondent", "months", "expected", "band_low", "band_high"])
        none = pd.DataFrame(columns=["respondent", "ahead", "months", "estimate", "band_low", "band_high"])
        return (
            waves.assign(expected=np.nan, band_low=np.nan, band_high=np.nan, standing=""),
            empty,
            none,
            True,
        )
    placed = expected_waves(courses, (fold,), band=band)
    placed = placed[placed["course"].isin(chosen["course"])]
    waves = waves.merge(placed[["course", "wave", *columns]], on=["course", "wave"], how="left")
    bands, forecasts = curves_of(courses, (fold,), placed, band, (1.0, 2.0, 3.0))
    keep = [
        frame[frame["family"].eq(chosen["family"].iloc[0]) & frame["episode"].eq(chosen["episode"].iloc[0])]
        for frame in (bands, forecasts)
    ]
    last = float(waves["months"].max()) + 3
    return waves, keep[0][keep[0]["months"] <= last], keep[1], fold.model.converged


def _within(frame: pd.DataFrame, ends: tuple[float, float] | None) -> pd.DataFrame:
    """With expected scores and limits kept to the scale."""
    if ends is None:
        return frame
    found = [name for name in ("expected", "estimate", "band_low", "band_high") if name in frame]
    return frame.assign(**{name: frame[name].clip(*ends) for name in found})


def _own_fold(courses: Courses, chosen: pd.DataFrame) -> Fold:
    """The family's part, with the model that was fitted without it."""
    part, _ = make_folds(courses.units)
    own = part[int(chosen["course"].iloc[0])]
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    label = np.where(part == own, "own", "others")[courses.rows["course"].to_numpy()]
    return cross_fit(rows, columns, label, only="own")[0]


def _summary(
    courses: Courses,
    chosen: pd.DataFrame,
    waves: pd.DataFrame,
    error: ErrorSource,
    method: ChangeMethod,
    needed: int | None,
    level: float,
) -> pd.DataFrame:
    first = courses.rows.groupby("course")["score"].first()
    last = courses.rows.groupby("course")["score"].last()
    several = (courses.units.set_index("course")["n_waves"] > 1).reindex(first.index)
    category = reliable_change_index(
        first.to_numpy(dtype=float), last.where(several).to_numpy(dtype=float), reliability=error.reliability,
        method=method, sd=error.sd if error.sd > 0 else None, direction=courses.instrument.direction,
        level=level,
    ).category  # fmt: skip
    by_course = pd.Series(category, index=first.index)
    rows = []
    for unit in each_row(chosen):
        mine = waves[waves["course"] == unit.course]
        end = mine.iloc[-1]
        rows.append(
            (unit.family, unit.episode, unit.respondent, unit.organisation, len(mine), mine["score"].iloc[0],
             end["score"], end["score"] - mine["score"].iloc[0], by_course[unit.course], end["answer"],
             end["standing"], end["at_limit"], np.nan if needed is None else float(needed))
        )  # fmt: skip
    names = [
        *COURSE_KEYS, "organisation", "n_waves", "first_score", "last_score", "change", "category", "answer",
        "standing", "at_limit", "waves_needed",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _table(name: str, data: pd.DataFrame, keys: tuple[str, ...]) -> ResultTable:
    values = tuple(
        column
        for column in data.columns
        if column not in (*keys, *COURSE_KEYS, "organisation", "worker", "course")
    )
    return family_table(name, data.reset_index(drop=True), keys=keys, values=values)
