"""The looks at a course before its scores are known: errors, information, critical values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from mpg_research.arrays import FloatArray
from mpg_research.statistics.courses.sequential_boundaries import (
    bonferroni_boundary,
    sequential_boundary,
    spent_error,
)
from mpg_research.statistics.courses.swings import RunningLines, Swings, least_squares_slope, running_lines

__all__ = ["Looks", "Trends", "as_t", "critical_values", "plan_looks", "trends_of"]


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at n courses of K waves each; arrays of shape (n, K).

    Attributes
    ----------
    time : ndarray
    sd : ndarray
        Standard deviation of the swings in force at each look, over all persons; NaN where unknown.
    place : ndarray of int
        Position in ``swings`` of what is known at each look.
    swings : Swings
    zero_z, margin_z : ndarray
        Normal critical values of the test against zero (two-sided) and of each one-sided test.
    window : float or None
    """

    time: FloatArray
    sd: FloatArray
    place: NDArray[np.intp]
    swings: Swings
    zero_z: FloatArray
    margin_z: FloatArray
    window: float | None

    def repeated(self, times: int) -> "Looks":
        """The same looks at ``times`` as many courses."""
        return self.some(np.tile(np.arange(len(self.time)), times))

    def some(self, courses: NDArray[np.intp]) -> "Looks":
        """The looks at some of the courses, by position."""
        return Looks(
            self.time[courses], self.sd[courses], self.place[courses], self.swings, self.zero_z[courses],
            self.margin_z[courses], self.window,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trends:
    """Trends at each look, with their errors and critical values; arrays of shape (n, K)."""

    slope: FloatArray
    std_error: FloatArray
    zero: FloatArray
    margin: FloatArray


def plan_looks(
    t: FloatArray, sd: FloatArray, swings: Swings, *, error: float, half_time: float, window: float | None
) -> Looks:
    """Fix the looks at courses measured at these times.

    Parameters
    ----------
    t, sd : ndarray, shape (n, K)
        Times, and the root mean square of residuals around own lines in force at each.
    swings : Swings
    error, half_time : float
        Error rate per course, and the time by which half of it may have been used.
    window : float, optional
        Only the waves of the last ``window`` units of time count.
    """
    place = swings.at(np.nan_to_num(t))
    wide = sd * swings.scale[place]
    dummy = np.where(np.isnan(t), np.nan, 0.0)
    sxx = _lines(t, dummy, place, swings, window).sxx
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.where(sxx > 0, wide / np.sqrt(sxx), np.nan)
    std_error = np.where(np.isnan(swings.carry_over[place]), np.nan, std_error)
    zero_z, margin_z = critical_values(t, std_error, error, half_time, windowed=window is not None)
    return Looks(t, wide, place, swings, zero_z, margin_z, window)


def trends_of(looks: Looks, y: FloatArray) -> Trends:
    """Trends of these scores at the looks that were planned.

    Where persons differ in their swings, a person's own residuals count beside those of all others (Smyth
    2004), and normal critical values become those of a t distribution with the same tail.
    """
    lines = _lines(looks.time, y, looks.place, looks.swings, looks.window)
    prior = looks.swings.spread_df[looks.place]
    differ = np.isfinite(prior)
    least = np.where(differ, prior - 2, 1.0)
    df = np.where(differ, prior, 0.0) + lines.df
    squares = least * looks.sd**2 + lines.squares
    own = np.where(differ, np.sqrt(squares / np.where(df > 0, df, 1.0)), looks.sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.where(lines.sxx > 0, own / np.sqrt(lines.sxx), np.nan)
    std_error = np.where(np.isnan(looks.swings.carry_over[looks.place]), np.nan, std_error)
    degrees = np.where(differ, df, np.inf)
    return Trends(lines.slope, std_error, as_t(looks.zero_z, degrees), as_t(looks.margin_z, degrees))


def as_t(critical: FloatArray, df: FloatArray) -> FloatArray:
    """Critical values of t distributions with the tails of these normal ones."""
    use = np.isfinite(df) & np.isfinite(critical)
    found = np.array(critical)
    found[use] = -stdtrit(df[use], ndtr(-critical[use]))
    return found


def _lines(
    t: FloatArray, y: FloatArray, place: NDArray[np.intp], swings: Swings, window: float | None
) -> RunningLines:
    """Lines through the waves up to each wave, with what was known about the swings at that wave."""
    shape = t.shape
    found = {name: np.full(shape, 0.0) for name in ("sxx", "squares", "df", "log_det")}
    found["slope"] = np.full(shape, np.nan)
    kinds = np.unique(np.stack([swings.carry_over, swings.noise]), axis=1).T
    for carry_over, noise in kinds[~np.isnan(kinds).any(axis=1)]:
        mine = (swings.carry_over[place] == carry_over) & (swings.noise[place] == noise)
        rows = mine.any(axis=1)
        if not rows.any():
            continue
        lines = running_lines(t[rows], y[rows], carry_over=carry_over, noise=noise)
        for name, table in found.items():
            table[mine] = getattr(lines, name)[mine[rows]]
        if window is not None:
            slope, sxx = _windowed(t[rows], y[rows], window, carry_over, noise)
            found["slope"][mine], found["sxx"][mine] = slope[mine[rows]], sxx[mine[rows]]
    return RunningLines(**found)


def _windowed(
    t: FloatArray, y: FloatArray, window: float, carry_over: float, noise: float
) -> tuple[FloatArray, FloatArray]:
    """Least-squares slope over the last waves, and 1 over its variance for swings of variance 1."""
    slope, information = np.full(t.shape, np.nan), np.zeros(t.shape)
    for wave in range(t.shape[1]):
        x, z = t[:, : wave + 1], y[:, : wave + 1]
        with np.errstate(invalid="ignore"):
            use = x >= x[:, -1:] - window - 1e-9
        found = least_squares_slope(
            np.where(use, x, np.nan), np.where(use, z, np.nan), carry_over=carry_over, noise=noise
        )
        slope[:, wave], information[:, wave] = found
    return slope, information


def critical_values(
    t: FloatArray, std_error: FloatArray, error: float, half_time: float, *, windowed: bool
) -> tuple[FloatArray, FloatArray]:
    """Critical values of the test against zero (two-sided) and of each one-sided test; shape (n, K) each."""
    since = np.nan_to_num(t - np.where(t.shape[1] > 0, np.minimum(t[:, :1], 0.0), 0.0))
    spent = spent_error(np.maximum.accumulate(since, axis=1), error=error, half_time=half_time)
    with np.errstate(divide="ignore"):
        information = np.nan_to_num(1 / std_error**2)
    if windowed:
        usable = np.where(information > 0, spent, 0.0)
        usable = np.maximum.accumulate(usable, axis=1)
        return bonferroni_boundary(usable, two_sided=True), bonferroni_boundary(usable, two_sided=False)
    return (
        sequential_boundary(information, spent, two_sided=True),
        sequential_boundary(information, spent, two_sided=False),
    )
