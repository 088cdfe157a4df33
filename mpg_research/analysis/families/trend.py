"""Whose scores show a reliable trend over all waves, at whatever times they were measured.

Tables of :class:`ReliableTrend` (beside ``sample_flow``)
--------------------------------------------------------
- ``families`` (one row per course; never shown in reports): organisation, n_waves, slope; for the published
  standard error (measurement error only) std_error, index, category; for the larger of that and the
  within-person residual (with swings that carry over) wider_std_error, wider_index, wider_category; from the
  model (fixed plus random slope with its conditional standard error) model_slope, model_std_error, model_low,
  model_high, model_category. Slopes are per month.
- ``shares(approach, class, ...)`` and ``shares_by_organisation(organisation, approach, class, ...)``:
  approaches ``published``, ``within_person`` (the default answer) and ``model``.
- ``merged(class, ...)``: the default answer with small classes taken together.
- ``errors(source, sd)``: measurement error, residual of the model, and which of the two is in force.
- ``not_computable(reason)``; ``respondents(class, ...)`` with both respondents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from mpg_research.analysis.columns import CLASS, EACH_ORGANISATION, coded, number_of, observed
from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    NOT_BY_WAVE,
    ErrorModel,
    ReliabilityScoreKeywords,
)
from mpg_research.analysis.families.course_slopes import CourseModel, fit_course_model, total_slopes
from mpg_research.analysis.families.courses import (
    COURSE_KEYS,
    Courses,
    pooled_over_courses,
    read_courses,
    result_parts,
)
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.families.shares import agreement_table, merged_rows, share_rows, share_table
from mpg_research.analysis.result import Result, ResultTable, family_table
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.statistics.change.reliable_change import categorise, improvement_sign
from mpg_research.statistics.change.reliable_trend import reliable_trend_index
from mpg_research.statistics.courses.swings import estimate_swings, least_squares_slope
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

__all__ = ["ReliableTrend", "reliable_trend"]

TREND_CLASSES = ("improved", "no_reliable_trend", "deteriorated")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliableTrend(Result):
    """What :func:`reliable_trend` found; its tables are described in the module's docstring.

    Attributes
    ----------
    error : ErrorSource
        Reliability behind the measurement error.
    error_sd : float
        Standard deviation of single scores around a family's line that the default answer uses.
    model : CourseModel or None
        None where the waves carry no model of slopes.
    """

    error: ErrorSource
    error_sd: float
    model: CourseModel | None = field(repr=False)
    kind: ClassVar[str] = "reliable_trend"


def reliable_trend(
    study: Study,
    *,
    error: ErrorModel = DEFAULT_ERROR,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ReliabilityScoreKeywords],
) -> ReliableTrend:
    """Judge each family's trend over all its waves.

    Parameters
    ----------
    study : Study
        A loaded study.
    error : ErrorModel, optional
        How exact a score is: reliability and the spread it belongs to.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Confidence level of the intervals, between 0 and 1.
    **older
        Parts of `scores` and `error` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``.

    Returns
    -------
    ReliableTrend
        Tables ``families``, ``shares``, ``shares_by_organisation``, ``merged``, ``errors``,
        ``not_computable``, ``sample_flow``, ``settings`` and ``respondents`` (the module says
        what each holds; some are there only where the study has what they need).

    Raises
    ------
    ConfigError
        If the reliability is impossible or unknown.
    ModelError
        If the scores do not spread at all.

    Notes
    -----
    The published standard error knows measurement error only. Stress truly goes up and down between waves,
    so with it far more than 5 % of the families without a trend are flagged; the default answer uses the
    larger of it and the residual standard deviation of a model with a line per family, and counts with swings
    that carry over from month to month as far as the study shows them to
    (:func:`mpg_research.statistics.courses.swings.estimate_swings`).

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis import reliable_trend
    >>> from mpg_research.study import shipped_example
    >>> found = reliable_trend(load_study(shipped_example()))
    >>> found.tables["merged"].data["class"].tolist()
    ['improved', 'no_reliable_trend_or_rare']
    """
    scores, error = gather(older, scores, error)
    refuse_parts(error, "error_sd", why=NOT_BY_WAVE)
    courses = read_courses(study, scores=scores)
    source = measurement_error(study, courses, error)
    rows = courses.rows
    model = fit_course_model(rows)
    candidates = {"measurement": source.sem, "within_person": model.residual_sd if model else np.nan}
    known = [value for value in candidates.values() if np.isfinite(value) and value > 0]
    if not known:
        raise ModelError(
            "The scores do not spread, or fewer than two families have one at intake, so there is no error "
            "to judge a trend against. Check the items or totals in the measurements, or give sd in points."
        )
    in_force = max(known)
    units = _judge(courses, model, source.sem if source.sem > 0 else in_force, in_force, level)
    better, worse = ("improved",), ("deteriorated",)
    tables = [
        _family_table(units),
        *_shares(units, model is not None, level),
        share_table(
            "merged",
            merged_rows(
                units,
                "wider_category",
                TREND_CLASSES,
                minimum=study.config.disclosure.minimum_families,
                level=level,
            ),
        ),
        _error_table(courses, candidates, in_force),
        _reasons(units),
    ]
    if courses.frame.respondents == "both":
        judged = units[units["wider_category"] != "not_computable"]
        tables.append(agreement_table(judged, "wider_category", better, worse, level))
    notes = [*courses.notes, *source.notes]
    if model is None:
        text = (
            "The waves are too few for a model with a slope per family: only the families' own lines count."
        )
        notes.append(Note("no_course_model", text, {}, "caution"))
    else:
        notes += model.fit.notes
    origin = "measurement" if in_force == candidates["measurement"] else "within_person"
    parameters = {**source.described, "error_origin": origin}
    computed = {**source.numbers, "error_sd": in_force}
    return ReliableTrend(
        error=source,
        error_sd=in_force,
        model=model,
        converged=model is None or model.fit.converged,
        **result_parts(
            study,
            courses.frame,
            tables=tables,
            notes=notes,
            parameters=parameters,
            computed=computed,
            level=level,
        ),
    )


def _judge(
    courses: Courses, model: CourseModel | None, published: float, in_force: float, level: float
) -> pd.DataFrame:
    """Slopes and classes of every course by the three approaches."""
    rows, direction = courses.rows, courses.instrument.direction
    columns = rows["course"], rows["months"], rows["score"]
    narrow = reliable_trend_index(*columns, error_sd=published, direction=direction, level=level)
    wide, wide_category = _wide(courses, narrow.slope, in_force, level)
    units = courses.units.assign(
        slope=narrow.slope, std_error=narrow.std_error, index=narrow.index, category=narrow.category,
        wider_std_error=wide, wider_index=narrow.slope / wide, wider_category=wide_category,
    )  # fmt: skip
    slope, std_error = np.full((2, len(units)), np.nan)
    if model is not None:
        slope, std_error = total_slopes(model, rows)
    z = float(ndtri(0.5 + level / 2))
    category = categorise(slope / std_error, z, improvement_sign(direction))
    return units.assign(
        model_slope=slope,
        model_std_error=std_error,
        model_low=slope - z * std_error,
        model_high=slope + z * std_error,
        model_category=np.where(category == "unchanged", "no_reliable_trend", category),
    )


def _wide(
    courses: Courses, slope: FloatArray, sd: float, level: float
) -> tuple[FloatArray, NDArray[np.str_]]:
    """Standard error of each course's own slope with swings that carry over, and the class that follows."""
    months, scores = courses.padded()
    now = estimate_swings(months, scores).last_known
    _, information = least_squares_slope(months, scores, carry_over=now.carry_over, noise=now.noise)
    with np.errstate(divide="ignore"):
        error = np.where(information > 0, sd * now.scale / np.sqrt(information), np.nan)
    z = float(ndtri(0.5 + level / 2))
    category = categorise(slope / error, z, improvement_sign(courses.instrument.direction))
    return error, np.where(category == "unchanged", "no_reliable_trend", category)


def _family_table(units: pd.DataFrame) -> ResultTable:
    keys = (*COURSE_KEYS, "organisation")
    values = (
        "n_waves", "slope", "std_error", "index", "category", "wider_std_error", "wider_index",
        "wider_category", "model_slope", "model_std_error", "model_low", "model_high", "model_category",
    )  # fmt: skip
    return family_table("families", units, keys=keys, values=values)


def _shares(units: pd.DataFrame, with_model: bool, level: float) -> list[ResultTable]:
    columns = {"published": "category", "within_person": "wider_category"}
    if with_model:
        columns["model"] = "model_category"
    pooled = [share_rows(units, c, TREND_CLASSES, level=level).assign(approach=a) for a, c in columns.items()]
    single = [
        share_rows(units, c, TREND_CLASSES, by=("organisation",), level=level).assign(approach=a)
        for a, c in columns.items()
    ]
    keys = (coded("approach"), CLASS)
    apart = pd.concat(single, ignore_index=True)
    return [
        share_table("shares", pd.concat(pooled, ignore_index=True), *keys),
        share_table("shares_by_organisation", apart, EACH_ORGANISATION, *keys),
    ]


def _error_table(courses: Courses, candidates: Mapping[str, float], in_force: float) -> ResultTable:
    data = pd.DataFrame({"source": [*candidates, "in_force"], "sd": [*candidates.values(), in_force]})
    return pooled_over_courses("errors", data, courses, columns=(coded("source"), observed("sd", digits=2)))


def _reasons(units: pd.DataFrame) -> ResultTable:
    without = units[units["category"] == "not_computable"]
    reason = np.where(without["n_waves"] < 2, "one_wave", "one_moment")
    grouped = without.assign(reason=reason).groupby("reason", sort=True)
    data = grouped.agg(
        n_courses=("course", "size"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    ).reset_index()
    columns = (coded("reason", adds_up="families"), number_of("n_courses"))
    return ResultTable("not_computable", data, columns=columns)
