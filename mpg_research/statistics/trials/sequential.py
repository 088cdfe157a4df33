"""Person-periods as a sequence of trials: one starts in each period in which a person is eligible."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Expanded", "cumulative_risk", "expand_trials", "rows_on_regime"]


@dataclass(frozen=True, slots=True)
class Expanded:
    """Rows of trials; all arrays of shape (n,), rows of a trial together and in the order of time.

    Attributes
    ----------
    row : ndarray of int
        Row of the table that was expanded.
    baseline : ndarray of int
        Row in which the trial started.
    follow_up : ndarray of int
        Rows since then, from 0.
    """

    row: IntArray
    baseline: IntArray
    follow_up: IntArray


def rows_on_regime(person: ArrayLike, treated: ArrayLike, *, eligible: ArrayLike) -> BoolArray:
    """Rows in which a person still follows what some trial started with, for the models of switching.

    Parameters
    ----------
    person : array_like, shape (n,)
        Rows of a person stand together, in the order of time.
    treated : array_like of bool, shape (n,)
    eligible : array_like of bool, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
        The row in which a person leaves the regime counts; later rows do not, until an eligible one starts
        another trial. An eligible row of leaving starts one itself.

    Notes
    -----
    The rules of ``TrialEmulation`` for analyses per protocol.

    References
    ----------
    Su, L., Rezvani, R., Seaman, S. R., Starr, C. & Gravestock, I. (2024). TrialEmulation: an R package to
    emulate target trials for causal analysis of observational time-to-event data.
    https://doi.org/10.48550/arXiv.2402.12083
    """
    names, arm = np.asarray(person), np.asarray(treated, dtype=bool)
    may = np.asarray(eligible, dtype=bool)
    kept = np.zeros(len(names), dtype=bool)
    running = False
    for place in range(len(names)):
        first = place == 0 or names[place] != names[place - 1]
        if first:
            running = False
        running = running or bool(may[place])
        kept[place] = running
        left = not first and arm[place] != arm[place - 1]
        if left and not may[place]:
            running = False
    return kept


def expand_trials(
    person: ArrayLike, treated: ArrayLike, *, eligible: ArrayLike, until_switch: bool = False
) -> Expanded:
    """Start a trial in every eligible row and follow it.

    Parameters
    ----------
    person : array_like, shape (n,)
        Rows of a person stand together, in the order of time, without gaps.
    treated : array_like of bool, shape (n,)
    eligible : array_like of bool, shape (n,)
    until_switch : bool
        Whether a trial ends before the row in which the person leaves what it started with (per protocol);
        else it goes on as long as the person (intention to treat).

    Returns
    -------
    Expanded
        The trials of a person in the order of their starts.
    """
    names, arm = np.asarray(person), np.asarray(treated, dtype=bool)
    n = len(names)
    starts = np.flatnonzero(np.asarray(eligible, dtype=bool))
    if not n or not starts.size:
        nothing = np.zeros(0, dtype=np.intp)
        return Expanded(nothing, nothing, nothing)
    new_person = np.append(names[1:] != names[:-1], True)
    turn = new_person.copy()
    if until_switch:
        turn[:-1] |= arm[1:] != arm[:-1]
    stops = np.flatnonzero(turn)
    length = stops[np.searchsorted(stops, starts)] - starts + 1
    baseline = np.repeat(starts, length)
    follow_up = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return Expanded(
        (baseline + follow_up).astype(np.intp), baseline.astype(np.intp), follow_up.astype(np.intp)
    )


def cumulative_risk(hazards: ArrayLike) -> FloatArray:
    """Mean cumulative risk over persons, from their chances per period.

    Parameters
    ----------
    hazards : array_like, shape (n, k)
        Chance of the event in each of k periods, given none before.

    Returns
    -------
    ndarray, shape (k,)
    """
    survival = np.cumprod(1 - np.asarray(hazards, dtype=float), axis=1)
    return np.asarray(1 - survival.mean(axis=0), dtype=np.float64)
