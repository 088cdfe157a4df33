"""The answer to "are we on the right way?" at every wave of a course, from the waves up to then."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.reliable_change import Direction, improvement_sign
from mpg_research.statistics.courses.course_looks import Looks, plan_looks, trends_of
from mpg_research.statistics.courses.swings import INDEPENDENT, Swings, estimate_swings

__all__ = [
    "ANSWERS",
    "BETTER",
    "CHANGING",
    "SMALL",
    "WORSE",
    "CourseAnswers",
    "answers_at",
    "course_answers",
    "swings_of",
]

#: The answers, from best to worst; the last is the honest one when the others cannot be given.
ANSWERS = (
    "improving",
    "improving_less_than_delta",
    "stagnating",
    "deteriorating_less_than_delta",
    "deteriorating",
    "not_enough_information",
)
#: Answers that claim a direction, each and both, and answers that claim less than the margin.
BETTER, WORSE = ANSWERS[:2], ANSWERS[3:5]
CHANGING = (*BETTER, *WORSE)
SMALL = (ANSWERS[1], ANSWERS[2], ANSWERS[3])

#: With fewer courses nothing is learnt about the swings from the scores themselves.
_LEAST_COURSES = 20


@dataclass(frozen=True, slots=True)
class CourseAnswers:
    """Answers for n courses at K waves each; arrays of shape (n, K), NaN (or "") where there is no wave.

    Attributes
    ----------
    answer : ndarray of str
        One of ``ANSWERS``.
    slope, std_error : ndarray
        Trend in points per unit of time over the waves up to then (within the window), and its error.
    conf_low, conf_high : ndarray
        Interval for the trend that holds over all looks at a course together.
    margin_low, margin_high : ndarray
        Limits of the two one-sided tests: the trend is shown to be small when both lie within the margin.
    margin : float
        The margin in points per unit of time: delta / period.
    looks : Looks
        What was fixed about the looks before the scores.
    """

    answer: NDArray[np.str_]
    slope: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    margin_low: FloatArray
    margin_high: FloatArray
    margin: float
    looks: Looks = field(repr=False)


def course_answers(
    time: ArrayLike,
    score: ArrayLike,
    *,
    error_sd: ArrayLike,
    delta: float,
    period: float,
    level: float = 0.95,
    half_time: float = 12.0,
    window: float | None = None,
    direction: Direction = "higher_is_worse",
    swings: Swings | None = None,
) -> CourseAnswers:
    """Answer at every wave: improving, stagnating, deteriorating, or not enough information.

    Parameters
    ----------
    time, score : array_like, shape (n, K)
        Waves of each course in order of time; NaN (at the end) where a course has fewer waves.
    error_sd : float or array_like, shape (n, K)
        Size of the swings in points: root mean square of the scores' residuals around the persons' own
        least-squares lines. NaN where it is not known yet: no answer is given
        there.
    delta : float
        Change per ``period``, in points, below which a course counts as standing still.
    period : float
        Units of time that ``delta`` is about.
    level : float
        1 minus the error rate of the whole course, all looks together.
    half_time : float
        Time by which half of the error rate may have been used (:func:`spent_error`).
    window : float, optional
        Only the waves of the last ``window`` units of time count; all by default.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.
    swings : Swings, optional
        How long swings last and how much persons differ in them; by default estimated from these courses,
        wave by wave, and independent swings of one size where there are fewer than 20 courses.

    Returns
    -------
    CourseAnswers

    Raises
    ------
    ValueError
        If a number that must be positive is not, or waves are not in order of time.

    Notes
    -----
    The trend is the slope of the course's own waves by least squares, generalised where swings carry over
    (:func:`mpg_research.statistics.courses.swings.running_lines`), with the error that such swings bring. In
    this order:

    1. real change: the repeated confidence interval of the slope lies on one side of zero;
    2. equivalence: two one-sided tests show the slope to lie within +-delta / period.

    Only 1: improving (deteriorating). Both: the same, "but less than delta". Only 2: stagnating. Neither: not
    enough information. With alpha = 1 - level, the chance that a course with no trend is ever called
    improving or deteriorating is at most alpha, and so is the chance that a course which changes by delta
    or more is ever called stagnating (or "less than delta"). Without a window the looks are those of one
    random walk, and the boundary is exact for normal swings of known size and correlation; with one, a bound
    that holds under any dependence is used. Where persons differ in the size of their swings, each is judged
    by the own residuals as well, with critical values of a t distribution.

    A wave at a moment that was measured before adds no trend: the answer stays.

    References
    ----------
    Jennison, C. & Turnbull, B. W. (1989). Interim analyses: the repeated confidence interval approach.
    Journal of the Royal Statistical Society B, 51, 305-334.
    https://doi.org/10.1111/j.2517-6161.1989.tb01433.x

    Schuirmann, D. J. (1987). Journal of Pharmacokinetics and Biopharmaceutics, 15, 657-680.
    https://doi.org/10.1007/BF01068419

    Examples
    --------
    >>> months = [[float(month) for month in range(20)]]
    >>> found = course_answers(months, [[24.0, 26.0] * 10], error_sd=1.5, delta=3, period=6)
    >>> str(found.answer[0, 2]), str(found.answer[0, -1])
    ('not_enough_information', 'stagnating')
    """
    t, y = np.asarray(time, dtype=float), np.asarray(score, dtype=float)
    if t.shape != y.shape or t.ndim != 2:
        raise ValueError("time and score must be tables of the same shape, a row per course")
    t = np.where(np.isnan(y), np.nan, t)
    if np.any(np.diff(t, axis=1) < 0) or np.any(np.isnan(t[:, :-1]) & ~np.isnan(t[:, 1:])):
        raise ValueError("the waves of a course must be in order of time, without gaps in the row")
    for name, value in (("delta", delta), ("period", period), ("half_time", half_time)):
        _positive(name, value)
    if window is not None:
        _positive("window", window)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1; found {level}")
    sd = np.broadcast_to(np.asarray(error_sd, dtype=float), t.shape)
    if np.any((sd <= 0) & ~np.isnan(t)):
        raise ValueError("error_sd must be positive at every wave")
    looks = plan_looks(
        t, sd, swings_of(t, y, half_time) if swings is None else swings, error=1 - level, half_time=half_time,
        window=window,
    )  # fmt: skip
    return answers_at(looks, y, margin=delta / period, direction=direction)


def swings_of(time: ArrayLike, score: ArrayLike, half_time: float = 12.0) -> Swings:
    """The swings of these courses; independent where they are fewer than 20."""
    t = np.asarray(time, dtype=float)
    if len(t) < _LEAST_COURSES:
        return INDEPENDENT
    return estimate_swings(t, score, unit=half_time / 12)


def answers_at(looks: Looks, score: ArrayLike, *, margin: float, direction: Direction) -> CourseAnswers:
    """The answers of these scores at looks that were planned, margin in points per unit of time."""
    found = trends_of(looks, np.asarray(score, dtype=float))
    slope, std_error = found.slope, found.std_error
    sign = improvement_sign(direction)
    return CourseAnswers(
        answer=_answers(slope, std_error, found.zero, found.margin, margin, sign, looks.time),
        slope=slope,
        std_error=std_error,
        conf_low=slope - found.zero * std_error,
        conf_high=slope + found.zero * std_error,
        margin_low=slope - found.margin * std_error,
        margin_high=slope + found.margin * std_error,
        margin=margin,
        looks=looks,
    )


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number; found {value}")


def _answers(
    slope: FloatArray,
    std_error: FloatArray,
    zero_z: FloatArray,
    margin_z: FloatArray,
    margin: float,
    sign: float,
    t: FloatArray,
) -> NDArray[np.str_]:
    good = sign * slope
    with np.errstate(invalid="ignore"):
        better, worse = good - zero_z * std_error > 0, good + zero_z * std_error < 0
        small = (np.abs(good) + margin_z * std_error) < margin
    found = np.select(
        [better & small, better, worse & small, worse, small],
        [ANSWERS[1], ANSWERS[0], ANSWERS[3], ANSWERS[4], ANSWERS[2]],
        ANSWERS[5],
    ).astype("U32")
    for wave in range(1, t.shape[1]):
        # No look of its own: the answer of the wave before stands.
        repeated = np.isinf(zero_z[:, wave]) & np.isfinite(zero_z[:, :wave]).any(axis=1)
        found[repeated, wave] = found[repeated, wave - 1]
    found[np.isnan(t)] = ""
    return found
