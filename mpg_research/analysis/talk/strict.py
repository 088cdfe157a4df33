"""The waves of a family where the study carries no signals: the strict answers only."""

import numpy as np
import pandas as pd

from mpg_research.analysis.families.course_error import at_limit, error_by_wave, latest_error, swings_by_month
from mpg_research.analysis.families.courses import Courses, usual_gap
from mpg_research.analysis.families.direction import HALF_TIME
from mpg_research.analysis.families.score_error import ErrorSource
from mpg_research.analysis.talk.called import CHANCES
from mpg_research.statistics.courses.course_answer import WORSE, course_answers
from mpg_research.statistics.courses.waves_needed import waves_needed

__all__ = ["strict_answers_only"]


def strict_answers_only(
    courses: Courses, chosen: pd.DataFrame, source: ErrorSource, delta: float, period: float, level: float
) -> tuple[pd.DataFrame, int | None]:
    """The family's waves with the strict answers, and how many waves standing still takes to show.

    Parameters
    ----------
    courses : Courses
        Of all respondents and periods.
    chosen : DataFrame
        The family's courses, one row per respondent.
    source : ErrorSource
    delta, period, level : float
        As in :func:`mpg_research.analysis.course`.
    """
    errors = error_by_wave(courses, source, None)
    rows = courses.rows.assign(error_sd=errors, at_limit=at_limit(courses))
    swings, _ = swings_by_month(courses, None)
    pieces = []
    for course in chosen["course"]:
        mine = rows[rows["course"] == course]
        found = course_answers(
            mine["months"].to_numpy()[None, :], mine["score"].to_numpy()[None, :],
            error_sd=mine["error_sd"].to_numpy()[None, :], delta=delta, period=period, level=level,
            half_time=HALF_TIME, direction=courses.instrument.direction, swings=swings,
        )  # fmt: skip
        pieces.append(mine.assign(answer=found.answer[0]))
    waves = pd.concat(pieces, ignore_index=True)
    numbers = dict.fromkeys(("expected", "band_low", "band_high", *CHANCES), np.nan)
    intake = np.where(waves["wave"] == 0, "intake", "cannot_tell")
    called = waves["answer"].isin(WORSE) | ((waves["answer"] == "stagnating") & (waves["at_limit"] != "best"))
    signal = np.where(called, "may_stand_still", intake)
    needed = waves_needed(
        error_sd=latest_error(courses, errors, source.sem), delta=delta, period=period,
        interval=max(usual_gap(courses), 1e-6), level=level, swings=swings,
    )  # fmt: skip
    return waves.assign(standing="", signal=signal, **numbers), needed.stagnating
