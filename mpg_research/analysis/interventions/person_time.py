"""Courses cut into pieces of time, with what was known at the start of each and what happened in it.

A piece starts at a wave and ends at the next one, or at the end of the weeks of grace and then at the next
wave; after the last wave the pieces go on to the end of help, or to the end of the data.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mpg_research.analysis.interventions.protocol import TrialProtocol
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.study.config.study_toml import DAYS_PER_YEAR

__all__ = ["PersonTime", "cut_courses", "first_start", "position_in"]

#: Larger than any course is long, so that course and month make one number that sorts as both do.
_FAR = 1e5
#: An intervention of the last months counts as recent where help may end.
RECENT = 3.0
#: A day: help that ends on the day of its last wave has this long left.
_DAY = 12 / DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class PersonTime:
    """Waves and pieces of all courses, in the order of course and time.

    Attributes
    ----------
    waves : DataFrame
        course, months, score, first (score of the course), change (since ``lookback`` months before; NaN
        where the course is shorter), earlier (interventions before), quiet (months since the last of them;
        infinite where there was none), still (the rule of standing still is met), eligible.
    pieces : DataFrame
        course, wave (row of ``waves`` with the last score), start, stop, since (months since that wave),
        started, ended (bool), at_risk (of a start: after the first eligible wave and the washout), earlier,
        recent (whether an intervention started in the three months before).
    starts : DataFrame
        course, months, code; every intervention.
    until : ndarray, shape (courses,)
        Months to the end of help, or of what was seen of it.
    """

    waves: pd.DataFrame
    pieces: pd.DataFrame
    starts: pd.DataFrame
    until: FloatArray


def _key(course: ArrayLike, months: ArrayLike) -> FloatArray:
    together = np.asarray(course, dtype=np.float64) * _FAR + np.asarray(months, dtype=np.float64)
    return np.asarray(together, dtype=np.float64)


def cut_courses(
    rows: pd.DataFrame,
    starts: pd.DataFrame,
    *,
    until: FloatArray,
    ended: BoolArray,
    protocol: TrialProtocol,
    sign: float,
    eligible: BoolArray | None = None,
) -> PersonTime:
    """Cut courses into pieces.

    Parameters
    ----------
    rows : DataFrame
        course (0, 1, ...), months, score; sorted by both.
    starts : DataFrame
        course, months, code of the interventions.
    until : ndarray, shape (courses,)
        Months to the end of help, or to the last moment seen.
    ended : ndarray of bool, shape (courses,)
        Whether help had ended then.
    protocol : TrialProtocol
    sign : float
        -1 where lower scores are better, 1 where higher ones are: improvement is sign times change.
    eligible : ndarray of bool, shape (waves,), optional
        Which waves meet the rule of standing still, where that is not "no progress".

    Returns
    -------
    PersonTime
    """
    course = rows["course"].to_numpy(dtype=np.intp)
    months = rows["months"].to_numpy(dtype=float)
    score = rows["score"].to_numpy(dtype=float)
    key = _key(course, months)
    last_wave = np.full(len(until), -np.inf)
    np.maximum.at(last_wave, course, months)
    until = np.where(until > last_wave, until, last_wave + _DAY)
    began = starts.sort_values(["course", "months"], kind="stable").reset_index(drop=True)
    start_key = _key(began["course"], began["months"])
    first_row = np.searchsorted(key, _key(np.arange(len(until)), -_FAR / 4))
    # the last wave at least the lookback before, half a month of it forgiven
    then = np.searchsorted(key, key - protocol.lookback + 0.5, side="right") - 1
    known = (then >= first_row[course]) & (then < np.arange(len(key)))
    change = np.where(known, score - score[np.maximum(then, 0)], np.nan)
    earlier, quiet = _before(course, months, start_key)
    still = known & (sign * np.nan_to_num(change) <= protocol.progress)
    if eligible is not None:
        still = known & np.asarray(eligible, dtype=bool)
    waves = pd.DataFrame(
        {
            "course": course,
            "months": months,
            "score": score,
            "first": score[first_row[course]],
            "change": change,
            "earlier": earlier,
            "quiet": quiet,
            "still": still,
            "eligible": still & protocol.is_quiet(quiet) & (months < until[course]),
        }
    )
    pieces = _pieces(waves, start_key, until=until, ended=ended, protocol=protocol)
    return PersonTime(waves, pieces, began, until)


def _before(course: IntArray, months: FloatArray, start_key: FloatArray) -> tuple[IntArray, FloatArray]:
    """Interventions before each moment, and months since the last of them."""
    found = np.searchsorted(start_key, _key(course, months))
    at_zero = np.searchsorted(start_key, _key(course, -_FAR / 4))
    earlier = found - at_zero
    last = start_key[np.maximum(found - 1, 0)] if len(start_key) else np.zeros(len(course))
    quiet = np.where(earlier > 0, _key(course, months) - last, np.inf)
    return earlier.astype(np.intp), quiet


def _pieces(
    waves: pd.DataFrame,
    start_key: FloatArray,
    *,
    until: FloatArray,
    ended: BoolArray,
    protocol: TrialProtocol,
) -> pd.DataFrame:
    course, months = waves["course"].to_numpy(), waves["months"].to_numpy()
    next_wave = np.append(np.where(np.diff(course) == 0, months[1:], np.inf), np.inf)
    stop_of_wave = np.minimum(next_wave, until[course])
    has_second = months + protocol.grace < stop_of_wave
    row = np.concatenate([np.arange(len(course)), np.flatnonzero(has_second)])
    second = np.concatenate([np.zeros(len(course), dtype=bool), np.ones(int(has_second.sum()), dtype=bool)])
    start = months[row] + np.where(second, protocol.grace, 0.0)
    stop = np.where(second | ~has_second[row], stop_of_wave[row], months[row] + protocol.grace)
    order = np.lexsort((start, course[row]))
    row, second, start, stop = row[order], second[order], start[order], stop[order]
    kept = stop > start
    row, second, start, stop = row[kept], second[kept], start[kept], stop[kept]
    of = course[row]
    started = np.searchsorted(start_key, _key(of, stop)) > np.searchsorted(start_key, _key(of, start))
    earlier, quiet = _before(of, start, start_key)
    first_eligible = np.full(len(until), np.inf)
    eligible = waves["eligible"].to_numpy()
    np.minimum.at(first_eligible, course[eligible], months[eligible])
    return pd.DataFrame(
        {
            "course": of,
            "wave": row,
            "start": start,
            "stop": stop,
            "since": start - months[row],
            "second": second,
            "started": started,
            "ended": ended[of] & (stop >= until[of]),
            "at_risk": (start >= first_eligible[of]) & protocol.is_quiet(quiet),
            "followed": start >= first_eligible[of],
            "earlier": earlier,
            "recent": quiet < RECENT,
        }
    )


def first_start(time: PersonTime, course: IntArray, months: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """The first intervention at or after a moment of a course: its month (infinite if none) and its code.

    Parameters
    ----------
    time : PersonTime
    course : ndarray of int, shape (n,)
    months : ndarray, shape (n,)
    """
    begun = time.starts
    key = _key(begun["course"], begun["months"])
    place = np.searchsorted(key, _key(course, months))
    inside = place < len(begun)
    safe = np.where(inside, place, 0)
    if not len(begun):
        return np.full(len(course), np.inf), np.full(len(course), "", dtype=object)
    mine = inside & (begun["course"].to_numpy()[safe] == course)
    code = begun["code"].to_numpy(dtype=object)[safe]
    return np.where(mine, begun["months"].to_numpy(dtype=float)[safe], np.inf), np.where(mine, code, "")


def position_in(time: PersonTime, course: IntArray, months: FloatArray) -> tuple[IntArray, FloatArray]:
    """The piece of a course in which a moment lies, and which part of it is over then.

    Parameters
    ----------
    time : PersonTime
    course : ndarray of int, shape (n,)
    months : ndarray, shape (n,)
        Not before the first wave of the course.
    """
    pieces = time.pieces
    key = _key(pieces["course"], pieces["start"])
    place = np.maximum(np.searchsorted(key, _key(course, months), side="right") - 1, 0)
    start, stop = pieces["start"].to_numpy()[place], pieces["stop"].to_numpy()[place]
    return place.astype(np.intp), np.clip((months - start) / (stop - start), 0.0, 1.0)
