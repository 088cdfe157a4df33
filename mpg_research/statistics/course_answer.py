"""The answer to "are we on the right way?" at every wave of a course, from the waves up to then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.statistics.reliable_change import Direction, improvement_sign
from mpg_research.statistics.sequential import bonferroni_boundary, sequential_boundary, spent_error

__all__ = ["ANSWERS", "CourseAnswers", "course_answers", "critical_values"]

#: The answers, from best to worst; the last is the honest one when the others cannot be given.
ANSWERS = (
    "improving",
    "improving_less_than_delta",
    "stagnating",
    "deteriorating_less_than_delta",
    "deteriorating",
    "not_enough_information",
)

FloatArray = NDArray[np.float64]


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
    """

    answer: NDArray[np.str_]
    slope: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    margin_low: FloatArray
    margin_high: FloatArray
    margin: float


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
) -> CourseAnswers:
    """Answer at every wave: improving, stagnating, deteriorating, or not enough information.

    Parameters
    ----------
    time, score : array_like, shape (n, K)
        Waves of each course in order of time; NaN (at the end) where a course has fewer waves.
    error_sd : array_like
        Standard deviation of single scores around a person's line, in points: one number, or shape (n, K).
        NaN where it is not known yet: no answer is given there.
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

    Returns
    -------
    CourseAnswers

    Raises
    ------
    ValueError
        If a number that must be positive is not, or waves are not in order of time.

    Notes
    -----
    The trend is the least-squares slope of the course's own waves, SE = error_sd / sqrt(Sxx). In this order:

    1. real change: the repeated confidence interval of the slope lies on one side of zero;
    2. equivalence: two one-sided tests show the slope to lie within +-delta / period.

    Only 1: improving (deteriorating). Both: the same, "but less than delta". Only 2: stagnating. Neither: not
    enough information. With alpha = 1 - level, the chance that a course with no trend is ever called
    improving or deteriorating is at most alpha, and so is the chance that a course which changes by delta
    or more is ever called stagnating (or "less than delta"). Without a window the looks are those of one
    random walk, and the boundary is exact for normal errors of known size; with one, a bound that holds
    under any dependence is used.

    A wave at a moment that was measured before adds no trend: the answer stays.

    References
    ----------
    Jennison, C. & Turnbull, B. W. (1989). Interim analyses: the repeated confidence interval approach.
    Journal of the Royal Statistical Society B, 51, 305-334. https://doi.org/10.1111/j.2517-6161.1989.tb01433.x

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
    slope, sxx = _running_slopes(t, y, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.where(sxx > 0, sd / np.sqrt(sxx), np.nan)
    zero_z, margin_z = critical_values(t, std_error, 1 - level, half_time, windowed=window is not None)
    margin = delta / period
    sign = improvement_sign(direction)
    return CourseAnswers(
        answer=_answers(slope, std_error, zero_z, margin_z, margin, sign, t),
        slope=slope,
        std_error=std_error,
        conf_low=slope - zero_z * std_error,
        conf_high=slope + zero_z * std_error,
        margin_low=slope - margin_z * std_error,
        margin_high=slope + margin_z * std_error,
        margin=margin,
    )


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number; found {value}")


def _running_slopes(t: FloatArray, y: FloatArray, window: float | None) -> tuple[FloatArray, FloatArray]:
    """Least-squares slope and Sxx over the waves up to each wave; NaN and 0 where there is none."""
    n, waves = t.shape
    slope, sxx = np.full((n, waves), np.nan), np.zeros((n, waves))
    for wave in range(waves):
        x, z = t[:, : wave + 1], y[:, : wave + 1]
        use = np.ones(x.shape, dtype=bool) if window is None else x >= x[:, -1:] - window - 1e-9
        count = use.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            dx = np.where(use, x - np.where(use, x, 0).sum(axis=1, keepdims=True) / count[:, None], 0.0)
            dz = np.where(use, z - np.where(use, z, 0).sum(axis=1, keepdims=True) / count[:, None], 0.0)
            total = (dx**2).sum(axis=1)
            # Moments closer than rounding are one moment.
            total = np.where(total > 1e-9, total, 0.0)
            slope[:, wave] = np.where(total > 0, (dx * dz).sum(axis=1) / total, np.nan)
        sxx[:, wave] = np.nan_to_num(total)
    return slope, sxx


def critical_values(
    t: FloatArray, std_error: FloatArray, error: float, half_time: float, *, windowed: bool
) -> tuple[FloatArray, FloatArray]:
    """Critical values of the test against zero (two-sided) and of each one-sided test; shape (n, K) each."""
    since = np.nan_to_num(t - np.where(t.shape[1] > 0, np.minimum(t[:, :1], 0.0), 0.0))
    spent = spent_error(np.maximum.accumulate(since, axis=1), error=error, half_time=half_time)
    information = np.nan_to_num(1 / std_error**2)
    if windowed:
        usable = np.where(information > 0, spent, 0.0)
        usable = np.maximum.accumulate(usable, axis=1)
        return bonferroni_boundary(usable, two_sided=True), bonferroni_boundary(usable, two_sided=False)
    return (
        sequential_boundary(information, spent, two_sided=True),
        sequential_boundary(information, spent, two_sided=False),
    )


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
