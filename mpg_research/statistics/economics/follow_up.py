"""How far families are followed: intervals that are known, and the chance of still being seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.statistics.economics.reading import read_numbers
from mpg_research.statistics.survival.kaplan_meier import kaplan_meier

__all__ = ["Followed", "chance_seen", "completeness_weights", "read_followed"]


@dataclass(frozen=True, slots=True)
class Followed:
    """How far n families are followed, in J intervals.

    Attributes
    ----------
    until : ndarray, shape (n, J)
        End of help (or of what costs), end of follow-up or end of the interval, whichever comes first.
    complete : ndarray of bool, shape (n, J)
        Whether the costs of the interval are all known: help had ended, or the interval was over.
    edges : ndarray, shape (J + 1,)
    moments : ndarray, shape (m,)
        When follow-up stopped for some before the horizon.
    stopped, at_risk : ndarray, shape (m,)
        How many stopped, and how many were followed so far and had not ended.
    stop_at : ndarray of int, shape (n,)
        Place in ``moments`` where a family's follow-up stopped; -1 where it did not.
    n_risks : ndarray of int, shape (n,)
        At how many of the moments a family was at risk of stopping.
    """

    until: FloatArray
    complete: BoolArray
    edges: FloatArray
    moments: FloatArray
    stopped: FloatArray
    at_risk: FloatArray
    stop_at: IntArray
    n_risks: IntArray


def read_followed(time: ArrayLike, ended: ArrayLike, *, edges: ArrayLike) -> Followed:
    """Lay the follow-up of families along intervals.

    Parameters
    ----------
    time : array_like, shape (n,)
        When costs ended for good, or until when a family is followed; above 0.
    ended : array_like of bool, shape (n,)
        Whether costs ended for good at that time (nothing more can come); else follow-up stopped. Where costs
        can come after the end of help, nobody has ended.
    edges : array_like, shape (J + 1,)
        From 0 to the horizon, rising.

    Returns
    -------
    Followed

    Raises
    ------
    ValueError
        If a time is missing, the edges do not rise from 0, or nobody is followed to the horizon.
    """
    t = read_numbers(time, "time", above=0, remedy="leave out families without follow-up, and count them")
    kinds = np.asarray(ended)
    if kinds.shape != t.shape or (kinds.dtype.kind == "f" and not np.isfinite(kinds).all()):
        raise ValueError(
            f"ended has the shape {kinds.shape} or gaps; expected yes or no for each of {t.size} rows"
        )
    cut = read_numbers(edges, "edges of the intervals")
    if cut.size < 2 or cut[0] != 0 or (np.diff(cut) <= 0).any():
        raise ValueError("the edges must rise from 0 to the horizon, as 0, 6, 12")
    over = kinds.astype(bool)
    horizon = cut[-1]
    until = np.minimum(t[:, None], cut[1:])
    complete = over[:, None] | (t[:, None] >= cut[1:])
    stop = ~over & (t < horizon)
    # Who ended at the moment itself had ended just before it: at risk are those who go on, or stop.
    stopping = kaplan_meier(np.where(over, np.nextafter(t, 0), t), stop)
    before = np.searchsorted(stopping.moments, t, side="left")
    if not complete[:, -1].any() or not (stopping.events < stopping.at_risk).all():
        last = float(t[complete[:, -1] | over].max()) if (complete[:, -1] | over).any() else 0.0
        raise ValueError(
            f"nobody is followed to {horizon:g} (the last that is known completely ends at {last:g}); take a "
            "shorter horizon"
        )
    return Followed(
        until,
        complete,
        cut,
        stopping.moments,
        stopping.events,
        stopping.at_risk,
        np.where(stop, before, -1),
        before + stop,
    )


def chance_seen(followed: Followed) -> FloatArray:
    """Chance of still being followed just before each family's and interval's ``until``.

    Parameters
    ----------
    followed : Followed

    Returns
    -------
    ndarray, shape (n, J)
        Kaplan-Meier of stopping: the product of 1 - stopped / at risk over moments before.
    """
    curve = np.concatenate([[1.0], np.cumprod(1 - followed.stopped / followed.at_risk)])
    return curve[np.searchsorted(followed.moments, followed.until, side="left")]


def completeness_weights(time: ArrayLike, ended: ArrayLike, *, horizon: float) -> FloatArray:
    """Weights of families whose costs are known to the horizon; 0 for the others.

    Parameters
    ----------
    time, ended : array_like, shape (n,)
        As in :func:`read_followed`.
    horizon : float

    Returns
    -------
    ndarray, shape (n,)
        Inverse of the chance (Kaplan-Meier, of stopping) of being followed so far. For a regression of whole
        costs; errors that take them as known are a little too large on average.

    Raises
    ------
    ValueError
        As :func:`read_followed`.

    Examples
    --------
    >>> completeness_weights([12, 12, 6, 12], [False, False, False, False], horizon=12).round(3).tolist()
    [1.333, 1.333, 0.0, 1.333]
    """
    followed = read_followed(time, ended, edges=[0.0, horizon])
    return np.where(followed.complete[:, 0], 1 / chance_seen(followed)[:, 0], 0.0)
