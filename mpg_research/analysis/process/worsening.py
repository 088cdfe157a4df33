"""Hours around a reliable worsening: were they raised within the weeks of the study?"""

import numpy as np
from scipy.special import ndtri

from mpg_research.analysis.columns import coded
from mpg_research.analysis.families.courses import read_courses
from mpg_research.analysis.families.score_error import measurement_error
from mpg_research.analysis.families.shares import merged_rows, share_table
from mpg_research.analysis.process.around_event import around_tables, follow_event
from mpg_research.analysis.process.care_months import CareMonths
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.event_study import EventStudy
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import Study

__all__ = ["first_worsening", "months_until", "raised", "worsening_tables"]

CLASSES = ("raised", "not_raised", "help_or_data_ended")
_OUTCOME = coded("dose_outcome")
#: Months before a worsening whose mean is compared with; ours.
BEFORE = 3


def months_until(weeks: float) -> int:
    """Months after the month of a worsening that lie within so many weeks; at least one.

    Parameters
    ----------
    weeks : float
    """
    return max(1, round(weeks * 7 / DAYS_PER_MONTH))


def first_worsening(care: CareMonths, threshold: float, sign: float) -> FloatArray:
    """The month of the first score that is worse than the one before it by the threshold or more.

    Parameters
    ----------
    care : CareMonths
    threshold : float
        Points.
    sign : float
        -1 where lower scores are better, else 1.

    Returns
    -------
    ndarray, shape (units,)
        Infinite where there is none.
    """
    scores = care.scores()
    unit = scores["unit"].to_numpy(dtype=np.intp)
    worse = -sign * np.diff(scores["score"].to_numpy(dtype=float), prepend=np.nan)
    slid = np.append(False, np.diff(unit) == 0) & (worse >= threshold - 1e-9)
    event = np.full(len(care.units), np.inf)
    np.minimum.at(event, unit[slid], scores["month"].to_numpy(dtype=float)[slid])
    return event


def raised(hours: FloatArray, *, within: int, at_least: float) -> FloatArray:
    """Whether the mean hours of the months after each month lie above those of the months before it.

    Parameters
    ----------
    hours : ndarray, shape (units, months)
    within : int
        Months after it.
    at_least : float
        Hours more that count.

    Returns
    -------
    ndarray, shape (units, months)
        1 or 0; NaN where a month after it, or all three before it, are not known.
    """
    n, months = hours.shape
    found = np.full((n, months), np.nan)
    for month in range(1, months - within):
        earlier = hours[:, max(0, month - BEFORE) : month]
        later = hours[:, month + 1 : month + 1 + within]
        known = np.isfinite(later).all(axis=1) & np.isfinite(earlier).any(axis=1)
        before = np.nansum(earlier, axis=1) / np.maximum(np.isfinite(earlier).sum(axis=1), 1)
        more = later.mean(axis=1) - before >= at_least
        found[:, month] = np.where(known, more.astype(float), np.nan)
    return found


def worsening_tables(
    study: Study, care: CareMonths, *, level: float
) -> tuple[list[ResultTable], dict[str, float | None]]:
    """Hours around the first reliable worsening, and the threshold that it was told by.

    Parameters
    ----------
    study : Study
    care : CareMonths
    level : float
        Of the intervals, and of a reliable change.
    """
    threshold, sign = _threshold(study, care, level)
    empty = care.units.iloc[:0].assign(answer="")
    minimum = study.config.disclosure.minimum_families
    nothing = share_table("hours_after_worsening", merged_rows(empty, "answer", CLASSES, minimum=minimum))
    settings: dict[str, float | None] = {"reliable_worsening": threshold}
    if "hours" not in care.recorded or not threshold or not np.isfinite(threshold):
        return [nothing, *around_tables("around_worsening", care, [], key=_OUTCOME)], settings
    chosen = study.config.care
    event = first_worsening(care, threshold, sign)
    hours = care.wide(care.rows["hours"])
    within = months_until(chosen.weeks_until_more_hours)
    more = raised(hours, within=within, at_least=chosen.more_hours_at_least)
    slid = np.isfinite(event) & (event >= 1) & (event < care.n_months)
    answer = more[np.flatnonzero(slid), event[slid].astype(np.intp)]
    units = care.units[["family", "organisation", "worker"]][slid]
    units = units.assign(answer=np.select([answer == 1, answer == 0], CLASSES[:2], CLASSES[2]))
    shares = merged_rows(units, "answer", CLASSES, minimum=minimum, level=level)
    followed: list[tuple[str, EventStudy]] = []
    if slid.any():
        around = chosen.months_around_change
        followed.append(("hours", follow_event(care, hours, event, around=around, level=level)))
        beside = follow_event(care, 100 * more, event, around=(0, 0), clean=within, levels=True, level=level)
        followed.append(("raised", beside))
    tables = around_tables("around_worsening", care, followed, key=_OUTCOME)
    return [share_table("hours_after_worsening", shares), *tables], settings


def _threshold(study: Study, care: CareMonths, level: float) -> tuple[float | None, float]:
    courses = read_courses(study, scores=care.periods.course.scores)
    sign = float(improvement_sign(courses.instrument.direction))
    try:
        error = measurement_error(study, courses, required=False)
    except ConfigError:
        return None, sign
    sem = error.sem
    return (float(ndtri(0.5 + level / 2)) * np.sqrt(2) * sem if np.isfinite(sem) and sem > 0 else None), sign
