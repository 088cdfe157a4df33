"""The trials: one starts at each eligible wave, and its two strategies are followed to the outcome."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.interventions.person_time import PersonTime, first_start
from mpg_research.analysis.interventions.protocol import ANY, TrialProtocol
from mpg_research.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Strategy", "Trials", "follow_strategies", "start_trials"]

_FAR = 1e5


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials that start at eligible waves and look at one month; arrays of shape (n,).

    Attributes
    ----------
    wave : ndarray of int
        Row of the waves at which the trial starts.
    course : ndarray of int
    start : ndarray
        Months since the start of help.
    began : ndarray
        Month of the first intervention from then on; infinite where there is none.
    code : ndarray of str
        Its code.
    decided : ndarray
        Where the grace is over: its weeks, or the next wave if that comes before; what is done then answers
        that one.
    month : float
        Months after the start of which the score is looked at.
    opens : ndarray
        Where the window for the outcome opens.
    outcome_row : ndarray of int
        Row of the waves with the outcome; -1 without one.
    outcome_time, outcome : ndarray
        The score nearest to the month within the window; NaN without one.
    in_help : ndarray of bool
        Whether help goes on when the window opens.
    """

    wave: IntArray
    course: IntArray
    start: FloatArray
    began: FloatArray
    code: np.ndarray
    decided: FloatArray
    month: float
    opens: FloatArray
    outcome_row: IntArray
    outcome_time: FloatArray
    outcome: FloatArray
    in_help: BoolArray

    def of(self, kept: BoolArray) -> "Trials":
        """Some of the trials."""
        return Trials(
            self.wave[kept], self.course[kept], self.start[kept], self.began[kept], self.code[kept],
            self.decided[kept], self.month, self.opens[kept], self.outcome_row[kept],
            self.outcome_time[kept], self.outcome[kept], self.in_help[kept],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strategy:
    """Who followed one strategy for how long; arrays of shape (n,).

    Attributes
    ----------
    until : ndarray
        Months since the start of help at which the trial left the strategy; infinite where it never did.
    on_it : ndarray of bool
        Whether it is still on it when the window for the outcome opens, and help goes on.
    seen : ndarray of bool
        Whether it was on it up to an outcome that was measured.
    """

    until: FloatArray
    on_it: BoolArray
    seen: BoolArray


def start_trials(
    time: PersonTime, *, month: float, protocol: TrialProtocol, reach: FloatArray
) -> tuple[Trials, BoolArray]:
    """Start a trial at each eligible wave that could have been followed to the month.

    Parameters
    ----------
    time : PersonTime
    month : float
        Months after the wave.
    protocol : TrialProtocol
    reach : ndarray, shape (courses,)
        Months for which each course could have been seen, had help gone on.

    Returns
    -------
    Trials
    ndarray of bool, shape (eligible waves,)
        Which of the eligible waves started one.
    """
    waves = time.waves
    row = np.flatnonzero(waves["eligible"].to_numpy())
    course, start = waves["course"].to_numpy()[row], waves["months"].to_numpy()[row]
    in_time = start + month + protocol.window <= reach[course]
    row, course, start = row[in_time], course[in_time], start[in_time]
    began, code = first_start(time, course, start)
    at = _nearest(waves, row, start + month, protocol.window)
    opens = start + month - protocol.window
    months = waves["months"].to_numpy()
    following = np.append(np.where(np.diff(waves["course"].to_numpy()) == 0, months[1:], np.inf), np.inf)
    decided = np.minimum(start + protocol.grace, following[row])
    return Trials(
        row,
        course,
        start,
        began,
        code,
        decided,
        month,
        opens,
        at,
        np.where(at >= 0, months[at], np.nan),
        np.where(at >= 0, waves["score"].to_numpy(dtype=float)[at], np.nan),
        time.until[course] > opens,
    ), in_time


def _nearest(waves: pd.DataFrame, row: IntArray, target: FloatArray, window: float) -> IntArray:
    """Row of the wave nearest to a moment of the same course, after the row's own; -1 beyond the window."""
    course, months = waves["course"].to_numpy(), waves["months"].to_numpy()
    key = course * _FAR + months
    wanted = course[row] * _FAR + target
    right = np.searchsorted(key, wanted)
    best, at = np.full(len(row), np.inf), np.zeros(len(row), dtype=np.intp)
    for place in (right - 1, right):
        safe = np.clip(place, 0, len(key) - 1)
        gap = np.where((place == safe) & (safe > row), np.abs(key[safe] - wanted), np.inf)
        nearer = gap < best
        best, at = np.where(nearer, gap, best), np.where(nearer, safe, at)
    return np.where(best <= window, at, -1).astype(np.intp)


def follow_strategies(trials: Trials, *, what: str, protocol: TrialProtocol) -> tuple[Strategy, Strategy]:
    """Follow every trial under both strategies: an intervention within the grace, and none.

    Parameters
    ----------
    trials : Trials
    what : str
        A code, or "any".
    protocol : TrialProtocol

    Returns
    -------
    Strategy, Strategy
        With and without. Until it is clear which one a trial follows, it follows both.
    """
    within = trials.began < trials.decided
    right = within if what == ANY else within & (trials.code == what)
    left_with = np.where(right, np.inf, np.minimum(trials.began, trials.decided))
    left_without = trials.began
    if protocol.later == "as_usual":
        left_without = np.where(within, trials.began, np.inf)
    return _followed(trials, left_with), _followed(trials, left_without)


def _followed(trials: Trials, left: FloatArray) -> Strategy:
    measured = np.isfinite(trials.outcome)
    on_it = trials.in_help & (left >= trials.opens)
    seen = measured & on_it & (left >= np.nan_to_num(trials.outcome_time, nan=-np.inf))
    return Strategy(left, on_it, seen)
