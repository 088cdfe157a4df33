"""How many waves an answer about one course takes, with the error of this questionnaire."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr

from mpg_research.statistics.courses.course_looks import as_t, critical_values
from mpg_research.statistics.courses.swings import INDEPENDENT, Swings, running_lines

__all__ = ["WavesNeeded", "waves_needed"]

#: Persons of rising variance, each standing for an equal share, over whom a chance is averaged.
_PERSONS = 25


@dataclass(frozen=True, slots=True)
class WavesNeeded:
    """How many waves an answer takes, with measurements a fixed time apart; None beyond the horizon.

    Attributes
    ----------
    at_least : int or None
        From this wave on "stagnating" can be said at all: of a course that lies exactly level.
    stagnating : int or None
        Waves until a family whose stress truly stands still is called so with chance ``power``.
    changing : int or None
        Waves until a true change of delta per period is called a change with chance ``power``.
    power : float
    interval : float
        Time between waves.
    """

    at_least: int | None
    stagnating: int | None
    changing: int | None
    power: float
    interval: float


def waves_needed(
    *,
    error_sd: float,
    delta: float,
    period: float,
    interval: float = 1.0,
    level: float = 0.95,
    half_time: float = 12.0,
    power: float = 0.8,
    horizon: int = 120,
    swings: Swings = INDEPENDENT,
) -> WavesNeeded:
    """How many waves an answer needs (:func:`~mpg_research.statistics.courses.course_answer.course_answers`).

    Parameters
    ----------
    error_sd, delta, period, level, half_time : float
        As in :func:`~mpg_research.statistics.courses.course_answer.course_answers`.
    interval : float
        Time between waves.
    power : float
        Chance with which the answer must come at that wave.
    horizon : int
        Most waves looked at.
    swings : Swings
        What is known last is taken for the whole course; independent swings where nothing is.

    Returns
    -------
    WavesNeeded

    Examples
    --------
    >>> waves_needed(error_sd=3.4, delta=3.0, period=6.0).at_least
    16
    """
    moments = np.arange(horizon, dtype=float)[None, :] * interval
    last = swings.last_known
    lines = running_lines(moments, np.zeros_like(moments), carry_over=last.carry_over, noise=last.noise)
    wide = error_sd * last.scale
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.where(lines.sxx > 0, wide / np.sqrt(lines.sxx), np.nan)
    zero_z, margin_z = critical_values(moments, std_error, 1 - level, half_time, windowed=False)
    sizes, df = np.ones((1, 1)), np.full((1, horizon), np.inf)
    if np.isfinite(last.spread_df):
        tails = (np.arange(_PERSONS)[:, None] + 0.5) / _PERSONS
        sizes, df = np.sqrt((last.spread_df - 2) / chdtri(last.spread_df, tails)), last.spread_df + lines.df
        zero_z, margin_z = (as_t(z, df) for z in (zero_z, margin_z))
    with np.errstate(invalid="ignore"):
        distance = (delta / period) / std_error[0] / sizes
        still = np.clip(2 * ndtr(distance - margin_z[0]) - 1, 0, None).mean(axis=0)
        change = ndtr(distance - zero_z[0]).mean(axis=0)
        typical = distance[len(distance) // 2]
    return WavesNeeded(
        at_least=_first(typical > margin_z[0]),
        stagnating=_first(still >= power),
        changing=_first(change >= power),
        power=power,
        interval=interval,
    )


def _first(reached: NDArray[np.bool_]) -> int | None:
    places = np.flatnonzero(reached)
    return int(places[0]) + 1 if len(places) else None
