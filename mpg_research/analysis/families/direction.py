"""Are we on the right way? The answer at every wave of every course, with the data up to then.

Tables of :class:`CourseOfFamilies` (beside ``sample_flow``)
-----------------------------------------------------------
- ``waves`` (one row per wave; never shown in reports): organisation, wave, months, score, slope, conf_low,
  conf_high, margin_low, margin_high, error_sd, answer, at_limit ("best" or "worst" where the score is the end
  of the scale).
- ``shares(class, ...)`` and ``shares_by_organisation(organisation, class, ...)``: answers at the last wave.
- ``shares_by_month(months, class, ...)``: answers at the last wave up to a month, of courses that were still
  measured around it.
- ``merged(class, ...)`` and ``merged_by_month(months, class, ...)``: the same with small classes together.
- ``lanes(lane, class, months_to_answer, months_measured)``, ``strands(start, strand, months, mean)`` and
  ``score_bands(months, p10, p25, p50, p75, p90)``: a swimmer and a spaghetti plot in a form that shows no
  family (:mod:`mpg_research.analysis.families.grouped_views`).
- ``waves_needed(question, interval_between, waves_needed, months_needed)``: how many waves an answer takes
  with this error.
- ``settings(quantity, value)``: margin, period, error, level and the like.
- ``respondents(class, ...)`` with both respondents.
"""

from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import CLASS, EACH_ORGANISATION, MONTHS, coded, observed, tally
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
from mpg_research.analysis.families.courses import (
    COURSE_KEYS,
    Courses,
    pooled_over_courses,
    read_courses,
    result_parts,
    usual_gap,
)
from mpg_research.analysis.families.grouped_views import lane_table, score_band_table, strand_table
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.families.shares import agreement_table, merged_rows, share_rows, share_table
from mpg_research.analysis.result import Result, ResultTable, family_table
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics.courses.course_answer import ANSWERS, course_answers
from mpg_research.statistics.courses.course_rates import WrongAnswers, wrong_answers
from mpg_research.statistics.courses.swings import Swings
from mpg_research.statistics.courses.waves_needed import WavesNeeded, waves_needed
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather

__all__ = ["CourseOfFamilies", "course"]


#: Our own default: half of a course's error rate may be used within a year.
HALF_TIME = 12.0
_MONTHS = (3.0, 6.0, 9.0, 12.0, 18.0, 24.0)
#: A course counts as still measured around a month with a wave at most this long before it.
_STILL_MEASURED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseOfFamilies(Result):
    """What :func:`course` found; its tables are described in the module's docstring.

    Attributes
    ----------
    error : ErrorSource
    delta, period : float
        Margin in points, and the months it is about.
    needed : WavesNeeded
        How many waves an answer takes.
    swings : Swings
        How long swings last and how much families differ in them, as known from each month on.
    wrong : WrongAnswers
        How often answers are wrong in courses measured and swinging like those of this study, by simulation.
    """

    error: ErrorSource
    delta: float
    period: float
    needed: WavesNeeded
    swings: Swings
    wrong: WrongAnswers
    kind: ClassVar[str] = "course"


def course(
    study: Study,
    *,
    margin: Margin = DEFAULT_MARGIN,
    window: float | None = None,
    half_time: float = HALF_TIME,
    error: ErrorModel = DEFAULT_ERROR,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[CourseKeywords],
) -> CourseOfFamilies:
    """Answer at every wave: improving, stagnating, deteriorating, or not enough information.

    Parameters
    ----------
    study : Study
        A loaded study.
    margin : Margin, optional
        Change below which a course counts as standing still: ``delta`` points per ``period`` months.
    window : float, optional
        Only the waves of the last ``window`` months count; by default all waves of the course.
    half_time : float
        Months by which half of a course's error rate may have been used.
    error : ErrorModel, optional
        How exact a score is. ``error_sd`` is by default, at each wave, the larger of the measurement error
        and the spread around the families' own lines up to that month; as long as too few families have three
        waves to see that spread, no answer is given. Where no reliability is known, only that spread counts.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        1 minus the error rate per course: all looks at a family together.
    **older
        Parts of `scores`, `error` and `margin` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``, ``error_sd``,
        ``delta``, ``period``.

    Returns
    -------
    CourseOfFamilies
        Tables ``waves``, ``shares``, ``shares_by_organisation``, ``merged``, ``shares_by_month``,
        ``merged_by_month``, ``lanes``, ``strands``, ``score_bands``, ``waves_needed``,
        ``sample_flow``, ``settings`` and ``respondents`` (the module says what each holds; some
        are there only where the study has what they need).

    Raises
    ------
    ConfigError
        If a setting is impossible.
    ModelError
        If the scores do not spread at all.

    Notes
    -----
    See :func:`mpg_research.statistics.courses.course_answer.course_answers` for the rule and what is
    guaranteed, and
    :func:`mpg_research.statistics.courses.swings.estimate_swings` for how long swings last. The rates of
    wrong answers in the result are those of 4,000 simulated courses with this study's moments and swings.
    The trend is the family's own: empirical-Bayes slopes lean on other families and are not calibrated for
    one of them. Nothing at a wave depends on a later month, of this family or any other.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis import course
    >>> from mpg_research.study import shipped_example
    >>> found = course(load_study(shipped_example()))
    >>> found.needed.stagnating  # waves until standing still can be shown
    33
    """
    scores, error, margin = gather(older, scores, error, margin)
    courses = read_courses(study, scores=scores)
    source = measurement_error(study, courses, error, required=False)
    delta, period = margin_of(source, margin), margin.months
    errors = error_by_wave(courses, source, error.error_sd)
    swings, swing_notes = swings_by_month(courses, error.error_sd)
    months, values = courses.padded()
    table = np.full(months.shape, np.nan)
    table[courses.rows["course"], courses.rows["wave"]] = errors
    last_error = latest_error(courses, errors, source.sem)
    gap = max(usual_gap(courses), 1e-6)
    try:
        found = course_answers(
            months, values, error_sd=table, delta=delta, period=period, level=level, half_time=half_time,
            window=window, direction=courses.instrument.direction, swings=swings,
        )  # fmt: skip
        needed = waves_needed(
            error_sd=last_error, delta=delta, period=period, interval=gap, level=level, half_time=half_time,
            swings=swings,
        )  # fmt: skip
    except ValueError as problem:
        raise ConfigError(f"The course cannot be judged: {problem}.") from problem
    place = courses.rows["course"], courses.rows["wave"]
    waves = courses.rows.assign(
        error_sd=errors, at_limit=at_limit(courses),
        **{name: getattr(found, name)[place] for name in
           ("answer", "slope", "conf_low", "conf_high", "margin_low", "margin_high")},
    )  # fmt: skip
    last = waves.groupby("course").tail(1)
    now = swings.last_known
    wrong = wrong_answers(found.looks, sd=last_error * now.scale, margin=found.margin)
    settings = {
        "delta": delta, "period": period, "margin_per_month": found.margin, "error_sd": last_error,
        "measurement_error": source.sem, "level": level, "half_time": half_time, "interval": gap,
        "correlation": now.correlation, "spread_of_swings": now.spread, "wrong_changing": wrong.changing,
        "wrong_small": wrong.small,
    }  # fmt: skip
    minimum = study.config.disclosure.minimum_families
    tables = [
        _wave_table(waves),
        *_share_tables(last, level),
        share_table("merged", merged_rows(last, "answer", ANSWERS, minimum=minimum, level=level)),
        *_by_month(waves, level, minimum),
        lane_table(waves, minimum=minimum),
        strand_table(waves, minimum=minimum),
        score_band_table(waves),
        _needed_table(needed, courses),
    ]  # fmt: skip
    if courses.frame.respondents == "both":
        known = last[last["answer"] != ANSWERS[-1]]
        tables.append(agreement_table(known, "answer", ANSWERS[:2], ANSWERS[3:5], level))
    parameters = {
        "period": period, "half_time": half_time, "window": window, **source.described,
        "delta_origin": "default" if margin.delta is None else "given", "power": needed.power,
    }  # fmt: skip
    computed = {
        **settings, **source.numbers, "waves_at_least": needed.at_least,
        "waves_stagnating": needed.stagnating, "waves_changing": needed.changing,
    }  # fmt: skip
    return CourseOfFamilies(
        error=source,
        delta=delta,
        period=period,
        needed=needed,
        swings=swings,
        wrong=wrong,
        **result_parts(
            study,
            courses.frame,
            tables=tables,
            notes=[*courses.notes, *source.notes, *swing_notes, *_notes(last, needed)],
            parameters=parameters,
            computed=computed,
            level=level,
        ),
    )


def _wave_table(waves: pd.DataFrame) -> ResultTable:
    keys = (*COURSE_KEYS, "organisation", "wave")
    values = (
        "months", "score", "slope", "conf_low", "conf_high", "margin_low", "margin_high", "error_sd",
        "answer", "at_limit",
    )  # fmt: skip
    return family_table("waves", waves, keys=keys, values=values)


def _share_tables(last: pd.DataFrame, level: float) -> list[ResultTable]:
    single = share_rows(last, "answer", ANSWERS, by=("organisation",), level=level)
    return [
        share_table("shares", share_rows(last, "answer", ANSWERS, level=level)),
        share_table("shares_by_organisation", single, EACH_ORGANISATION, CLASS),
    ]


def _by_month(waves: pd.DataFrame, level: float, minimum: int) -> list[ResultTable]:
    empty = share_rows(waves.iloc[:0], "answer", ANSWERS, level=level).assign(months=0.0).iloc[:0]
    pieces, merged = [empty], [empty]
    for month in _MONTHS:
        known = waves[waves["months"] <= month].groupby("course").tail(1)
        known = known[known["months"] >= month - _STILL_MEASURED]
        if known["family"].nunique() >= minimum:
            pieces.append(share_rows(known, "answer", ANSWERS, level=level).assign(months=month))
            merged.append(
                merged_rows(known, "answer", ANSWERS, minimum=minimum, level=level).assign(months=month)
            )
    tables = {"shares_by_month": pieces, "merged_by_month": merged}
    return [
        share_table(name, pd.concat(parts[min(1, len(parts) - 1) :], ignore_index=True), MONTHS, CLASS)
        for name, parts in tables.items()
    ]


def _needed_table(needed: WavesNeeded, courses: Courses) -> ResultTable:
    asked = {"at_least": needed.at_least, "stagnating": needed.stagnating, "changing": needed.changing}
    waves = [np.nan if value is None else float(value) for value in asked.values()]
    data = pd.DataFrame(
        {
            "question": list(asked),
            "interval_between": needed.interval,
            "waves_needed": waves,
            "months_needed": [(value - 1) * needed.interval for value in waves],
        }
    )
    columns = (
        coded("question"), observed("interval_between"), tally("waves_needed"), tally("months_needed"),
    )  # fmt: skip
    return pooled_over_courses("waves_needed", data, courses, columns=columns)


def _notes(last: pd.DataFrame, needed: WavesNeeded) -> list[Note]:
    notes = []
    usual = float(last["wave"].median()) + 1
    if needed.stagnating is None:
        text = "With this instrument's error and margin, standing still cannot be shown in any feasible time."
        notes.append(Note("no_waves_for_an_answer", text, {}, "caution"))
    elif needed.stagnating > usual:
        text = (
            f"To show that a course stands still takes {needed.stagnating} waves with this instrument's "
            f"error; half of the families have fewer than {int(usual) + 1}."
        )
        values = {"waves": needed.stagnating, "usual_waves": int(usual) + 1}
        notes.append(Note("few_waves_for_an_answer", text, values, "caution"))
    ends = int((last["at_limit"] == "best").sum())
    if ends:
        text = f"{ends} courses end at the best possible score: standing still there is no lack of progress."
        notes.append(Note("stands_still_at_best", text, {"n_courses": ends}))
    return notes
