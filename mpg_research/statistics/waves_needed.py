"""How many waves an answer about one course takes, with the error of this questionnaire."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mpg_research.statistics.course_answer import critical_values

__all__ = ["WavesNeeded", "waves_needed"]


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
) -> WavesNeeded:
    """How many waves :func:`~mpg_research.statistics.course_answer.course_answers` needs for an answer.

    Parameters
    ----------
    error_sd, delta, period, level, half_time : float
        As in :func:`~mpg_research.statistics.course_answer.course_answers`.
    interval : float
        Time between waves.
    power : float
        Chance with which the answer must come at that wave.
    horizon : int
        Most waves looked at.

    Returns
    -------
    WavesNeeded

    Examples
    --------
    >>> waves_needed(error_sd=3.4, delta=3.0, period=6.0).at_least
    16
    """
    moments = np.arange(horizon, dtype=float)[None, :] * interval
    count = np.arange(1, horizon + 1)
    with np.errstate(divide="ignore"):
        std_error = error_sd / (interval * np.sqrt(count * (count**2 - 1.0) / 12))[None, :]
    std_error = np.where(np.isfinite(std_error), std_error, np.nan)
    zero_z, margin_z = critical_values(moments, std_error, 1 - level, half_time, windowed=False)
    with np.errstate(invalid="ignore"):
        distance = (delta / period) / std_error[0]
        still = 2 * ndtr(distance - margin_z[0]) - 1
        change = ndtr(distance - zero_z[0])
    return WavesNeeded(
        at_least=_first(distance > margin_z[0]),
        stagnating=_first(still >= power),
        changing=_first(change >= power),
        power=power,
        interval=interval,
    )


def _first(reached: NDArray[np.bool_]) -> int | None:
    places = np.flatnonzero(reached)
    return int(places[0]) + 1 if len(places) else None
