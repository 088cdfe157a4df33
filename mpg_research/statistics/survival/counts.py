"""How many are at risk, and how many have an event, at each moment with one; entry may be delayed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.special as special
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray

__all__ = ["LIMITS", "Limits", "Spells", "at_risk", "limits_of", "read_spells"]

#: Scales on which limits of a share are made.
Limits = Literal["plain", "log", "log-log"]
LIMITS: tuple[Limits, ...] = ("plain", "log", "log-log")


@dataclass(frozen=True, slots=True)
class Spells:
    """Times under observation: n spells, each open after ``entry`` up to and including ``time``.

    Attributes
    ----------
    time : ndarray, shape (n,)
        The event, or the last moment seen.
    entry : ndarray, shape (n,)
        From when on the spell is watched; minus infinity where it always was.
    cause : ndarray of int, shape (n,)
        0 without an event, else 1, 2, ...
    """

    time: FloatArray
    entry: FloatArray
    cause: NDArray[np.intp]


def read_spells(time: ArrayLike, cause: ArrayLike, entry: ArrayLike | None = None) -> Spells:
    """Check times, causes and entries.

    Parameters
    ----------
    time : array_like, shape (n,)
        The event, or the last moment seen.
    cause : array_like of int or bool, shape (n,)
        0 (or False) without an event, else the number of its cause.
    entry : array_like, shape (n,), optional
        From when on the spell is watched; by default it always was.

    Returns
    -------
    Spells

    Raises
    ------
    ValueError
        If there is no spell, the lengths differ, a time is missing, or one does not lie after its entry.
    """
    until = np.asarray(time, dtype=float)
    kinds = np.asarray(cause)
    since = np.full(until.shape, -np.inf) if entry is None else np.asarray(entry, dtype=float)
    if until.ndim != 1 or kinds.shape != until.shape or since.shape != until.shape:
        raise ValueError("times, causes and entries must be rows of one length")
    if not until.size or np.isnan(until).any() or np.isnan(since).any():
        raise ValueError("the times of one spell or more must all be known; leave out those without one")
    if not (since < until).all():
        raise ValueError(f"{int((since >= until).sum())} spells end at or before their entry; leave them out")
    if kinds.dtype.kind == "f" and not np.isfinite(kinds).all():
        raise ValueError("every cause must be known: 0 without an event, else 1, 2, ...")
    numbers = kinds.astype(np.intp)
    if (numbers < 0).any():
        raise ValueError("causes are 0 (no event), 1, 2, ...")
    return Spells(until, since, numbers)


def at_risk(moments: FloatArray, time: FloatArray, entry: FloatArray) -> FloatArray:
    """How many spells are watched just before each moment, shape (m,).

    Parameters
    ----------
    moments : ndarray, shape (m,)
    time, entry : ndarray, shape (n,)
        A spell counts where entry < moment <= time.
    """
    gone = np.searchsorted(np.sort(time), moments, side="left")
    come = np.searchsorted(np.sort(entry), moments, side="left")
    return (come - gone).astype(float)


def limits_of(
    share: ArrayLike, std_error: ArrayLike, *, level: float, scale: Limits, df: float = np.inf
) -> tuple[FloatArray, FloatArray]:
    """Limits of a share between 0 and 1, made on a scale and turned back.

    Parameters
    ----------
    share, std_error : array_like
        The share and the standard error of the share itself.
    level : float
    scale : {"plain", "log", "log-log"}
        Plain: share -+ z se, cut at 0 and 1. Log: share exp(-+ z se / share). Log-log: on log(-log share).
    df : float
        With few clusters z is the quantile of t with so many degrees of freedom.

    Returns
    -------
    (ndarray, ndarray)
        Missing where the scale has no value (a share of 0, or of 1 by log-log).
    """
    found, error = np.asarray(share, dtype=float), np.asarray(std_error, dtype=float)
    upper = 0.5 + level / 2
    z = float(special.stdtrit(df, upper) if np.isfinite(df) else special.ndtri(upper))
    if scale == "plain":
        return np.maximum(found - z * error, 0.0), np.minimum(found + z * error, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(found > 0, error / found, np.nan)
        if scale == "log":
            return found * np.exp(-z * relative), np.minimum(found * np.exp(z * relative), 1.0)
        if scale != "log-log":
            raise ValueError(f"limits on the scale {scale!r}; expected one of {', '.join(LIMITS)}")
        middle = np.log(-np.log(found))
        width = z * relative / np.log(found)
        low, high = np.exp(-np.exp(middle - width)), np.exp(-np.exp(middle + width))
    return np.where(found < 1, low, np.nan), np.where(found < 1, high, np.nan)
