"""One person's trend over all measurements, at whatever times they took place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.reliable_change import Direction, categorise, improvement_sign

__all__ = ["ReliableTrendIndex", "own_line_residuals", "reliable_trend_index", "trend_error_sd"]


@dataclass(frozen=True, slots=True)
class ReliableTrendIndex:
    """Least-squares trends of n persons; arrays of shape (n,).

    Attributes
    ----------
    slope : ndarray
        Points per unit of time; NaN where fewer than two moments were measured.
    std_error : ndarray
        Of the slope, from the error of single scores.
    index, p_value : ndarray
        Slope over standard error, and its two-sided normal p-value.
    conf_low, conf_high : ndarray
    category : ndarray of str
        "improved", "no_reliable_trend", "deteriorated" or "not_computable".
    n_scores : ndarray of int
    """

    slope: FloatArray
    std_error: FloatArray
    index: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    category: NDArray[np.str_]
    n_scores: NDArray[np.intp]


def trend_error_sd(sd: float, reliability: float) -> float:
    """Standard error of measurement: sd sqrt(1 - reliability), in points.

    Parameters
    ----------
    sd : float
        Standard deviation of the scores that the reliability was found in, in points.
    reliability : float
        Between 0 and 1.

    Returns
    -------
    float

    Examples
    --------
    >>> trend_error_sd(5.0, 0.84)
    2.0
    """
    return float(sd * np.sqrt(1 - reliability))


def reliable_trend_index(
    person: ArrayLike,
    time: ArrayLike,
    score: ArrayLike,
    *,
    error_sd: float,
    direction: Direction = "higher_is_worse",
    level: float = 0.95,
) -> ReliableTrendIndex:
    """Trend of each person by least squares, with the standard error that the scores' error brings.

    Parameters
    ----------
    person : array_like of int, shape (n_scores,)
        Position of the person, from 0; persons without scores get NaN.
    time, score : array_like, shape (n_scores,)
        Any times, in any order; rows with a missing time or score are left out.
    error_sd : float
        Standard deviation of single scores around the person's line, in points. Measurement error only
        (:func:`trend_error_sd`) is the published choice; where persons truly fluctuate from wave to wave
        the residual standard deviation of a growth model is larger and right.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    ReliableTrendIndex

    Raises
    ------
    ValueError
        If ``error_sd`` is not positive.

    Notes
    -----
    slope = Sxy / Sxx and SE = error_sd / sqrt(Sxx), with Sxx the sum of squared distances of the times to
    their mean. Measurements at one moment only (waves on the same day) have Sxx = 0: no trend.

    References
    ----------
    Willett, J. B. (1989). Educational and Psychological Measurement, 49, 587-602 (the standard error of
    a rate of change). https://doi.org/10.1177/001316448904900309

    Examples
    --------
    >>> trend = reliable_trend_index([0] * 4, [0, 1, 2, 3], [25, 17, 13, 13], error_sd=1.4937)
    >>> trend.slope.tolist(), trend.category.tolist()
    ([-4.0], ['improved'])
    """
    if not (np.isfinite(error_sd) and error_sd > 0):
        raise ValueError(f"error_sd must be a positive number; found {error_sd}")
    who, t, y = _known(person, time, score)
    size = int(np.max(person)) + 1 if np.size(person) else 0
    n, _, _, sxx, sxy = _sums(who, t, y, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(sxx > 0, sxy / sxx, np.nan)
        std_error = np.where(sxx > 0, error_sd / np.sqrt(sxx), np.nan)
    index = slope / std_error
    critical = float(ndtri(0.5 + level / 2))
    category = categorise(index, critical, improvement_sign(direction))
    half = critical * std_error
    return ReliableTrendIndex(
        slope=slope,
        std_error=std_error,
        index=index,
        p_value=2 * ndtr(-np.abs(index)),
        conf_low=slope - half,
        conf_high=slope + half,
        category=np.where(category == "unchanged", "no_reliable_trend", category),
        n_scores=n.astype(np.intp),
    )


def own_line_residuals(person: ArrayLike, time: ArrayLike, score: ArrayLike) -> tuple[float, int]:
    """Squared distances of the scores to each person's own line, and their degrees of freedom.

    Parameters
    ----------
    person, time, score : array_like, shape (n_scores,)
        As in :func:`reliable_trend_index`.

    Returns
    -------
    sum_of_squares : float
    df : int
        Scores less two per person (one where all moments coincide). The root of their ratio estimates
        the standard deviation of single scores around the lines, whatever the persons' levels and slopes.
    """
    who, t, y = _known(person, time, score)
    if not len(who):
        return 0.0, 0
    n, _, mean_y, sxx, sxy = _sums(who, t, y, int(who.max()) + 1)
    syy = np.bincount(who, weights=(y - mean_y[who]) ** 2, minlength=len(n))
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(sxx > 0, sxy**2 / sxx, 0.0)
    spent = np.where(n > 0, 1 + (sxx > 0), 0)
    return float(np.maximum(syy - explained, 0).sum()), int((n - spent).sum())


def _known(
    person: ArrayLike, time: ArrayLike, score: ArrayLike
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    who = np.asarray(person, dtype=np.intp)
    t, y = np.asarray(time, dtype=float), np.asarray(score, dtype=float)
    if not who.shape == t.shape == y.shape:
        raise ValueError("person, time and score must have the same length")
    known = ~np.isnan(t) & ~np.isnan(y)
    return who[known], t[known], y[known]


def _sums(
    who: NDArray[np.intp], t: FloatArray, y: FloatArray, size: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """n, mean time, mean score, Sxx and Sxy per person; each of shape (size,)."""
    n = np.bincount(who, minlength=size).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_t = np.bincount(who, weights=t, minlength=size) / n
        mean_y = np.bincount(who, weights=y, minlength=size) / n
    dt = t - mean_t[who]
    sxx = np.bincount(who, weights=dt**2, minlength=size)
    sxy = np.bincount(who, weights=dt * (y - mean_y[who]), minlength=size)
    # Times that differ by rounding only are one moment.
    return n, mean_t, mean_y, np.where(sxx > 1e-12, sxx, 0.0), np.asarray(sxy, dtype=float)
