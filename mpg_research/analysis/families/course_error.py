"""The error of single scores, the margin, and the ends of the scale, behind the answers per wave."""

import numpy as np
from numpy.typing import NDArray

from mpg_research.analysis.families.choices import Margin
from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.families.score_error import ErrorSource
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, ModelError, Note
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.change.reliable_trend import own_line_residuals
from mpg_research.statistics.courses.swings import INDEPENDENT, Swings, estimate_swings

__all__ = [
    "DELTA_IN_SD",
    "at_limit",
    "error_by_wave",
    "latest_error",
    "margin_of",
    "swings_by_month",
]


#: Our own default of the margin: half a standard deviation of the intake scores.
DELTA_IN_SD = 0.5
#: Own lines say something about the error of single scores from this many degrees of freedom on.
_LEAST_DF = 20


def margin_of(error: ErrorSource, margin: Margin) -> float:
    """The margin in points: as given, else half a standard deviation of the intake scores.

    Raises
    ------
    ConfigError
        If the one given is not positive.
    ModelError
        If the intake scores do not spread and none is given.
    """
    delta = margin.delta
    if delta is not None:
        if not (np.isfinite(delta) and delta > 0):
            raise ConfigError(f"delta = {delta}; expected a positive number of points.")
        return float(delta)
    if not error.intake_sd > 0:
        raise ModelError(
            "The intake scores do not spread, or fewer than two families have one, so there is no default "
            "for the margin. Give delta in points."
        )
    return DELTA_IN_SD * error.intake_sd


def error_by_wave(courses: Courses, error: ErrorSource, given: float | None) -> FloatArray:
    """Error of single scores at each wave, from measurements of whole months up to then only.

    Parameters
    ----------
    courses : Courses
    error : ErrorSource
        Its standard error of measurement is the least that the error can be, where it hangs on no later wave.
    given : float, optional
        Used at every wave instead.

    Returns
    -------
    ndarray, shape (n_waves,)
        NaN in the first months, before the families' own lines show how far scores swing: measurement error
        alone would be too small where stress truly fluctuates.

    Raises
    ------
    ConfigError
        If ``given`` is not positive.
    ModelError
        If the scores do not spread.
    """
    rows = courses.rows
    if given is not None:
        if not (np.isfinite(given) and given > 0):
            raise ConfigError(f"error_sd = {given}; expected a positive number of points.")
        return np.full(len(rows), float(given))
    if rows["score"].nunique() < 2:
        raise ModelError(
            "The scores do not spread, so there is no error to judge a trend against. "
            "Give error_sd in points."
        )
    sem = error.sem if error.known_at_start else np.nan
    months = rows["months"].to_numpy(dtype=float)
    whole = np.floor(months + 1e-9)
    by_month: dict[float, float] = {}
    for month in np.unique(whole):
        early = rows[months <= month]
        squares, df = own_line_residuals(early["course"], early["months"], early["score"])
        own = float(np.sqrt(squares / df)) if df >= _LEAST_DF else np.nan
        found = max(own, sem) if own > 0 and np.isfinite(sem) else own
        by_month[float(month)] = found if found > 0 else np.nan
    return np.array([by_month[float(month)] for month in whole])


def swings_by_month(courses: Courses, given: float | None) -> tuple[Swings, list[Note]]:
    """How long swings last and how much families differ in them, month by month.

    Parameters
    ----------
    courses : Courses
    given : float, optional
        Error of single scores that the user gave. With it, swings count as independent and of one size where
        the study cannot tell; without it no answer is given there.

    Returns
    -------
    swings : Swings
    notes : list of Note
    """
    months, scores = courses.padded()
    found = estimate_swings(months, scores)
    if found.known:
        return found, []
    if given is None:
        text = (
            "Too few courses have five measurements or more to see whether swings carry over from month to "
            "month, so no course gets an answer. Give error_sd to have them judged as if they did not."
        )
        return found, [Note("swings_unknown", text, {}, "caution")]
    text = (
        "Whether swings carry over from one month to the next cannot be seen here; they count as independent."
    )
    return INDEPENDENT, [Note("swings_taken_as_independent", text, {}, "caution")]


def latest_error(courses: Courses, errors: FloatArray, sem: float) -> float:
    """The error at the last month at which it is known; the measurement error where it never is.

    Raises
    ------
    ModelError
        If neither is known.
    """
    months = np.where(np.isfinite(errors), courses.rows["months"].to_numpy(dtype=float), -np.inf)
    last = int(np.argmax(months))
    found = float(errors[last]) if np.isfinite(errors[last]) else sem
    if not found > 0:
        raise ModelError("Nothing is known about the error of single scores. Give error_sd in points.")
    return found


def at_limit(courses: Courses) -> NDArray[np.str_]:
    """Whether a raw score is the best or the worst that can be had."""
    instrument = courses.instrument
    if courses.frame.outcome != "raw":
        return np.full(len(courses.rows), "", dtype="U5")
    low, high = instrument.raw_minimum, instrument.raw_maximum
    best, worst = (low, high) if improvement_sign(instrument.direction) < 0 else (high, low)
    score = courses.rows["score"].to_numpy(dtype=float)
    return np.select([score == best, score == worst], ["best", "worst"], "")
