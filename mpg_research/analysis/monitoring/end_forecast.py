"""The chance that help ends badly, seen at each wave, by a model that was fitted without the family."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from mpg_research.analysis.monitoring.expectation_model import Fold
from mpg_research.analysis.monitoring.expectation_scores import forecast, line_change
from mpg_research.arrays import FloatArray

__all__ = ["Chances", "chance_of_waves", "half_a_step_beyond", "line_ends", "months_to_go"]


#: Points of the distribution of the time to go at which a forecast is made.
_POINTS = (0.1, 0.3, 0.5, 0.7, 0.9)
#: The time to go is learnt from this many courses at least: the longest ones where fewer were still running.
_LEAST_ENDS = 10
#: Where no course has ended, a forecast looks this many months ahead.
_AHEAD = 6.0
#: No forecast looks ahead less than this.
_LEAST_AHEAD = 1.0


@dataclass(frozen=True, slots=True)
class Chances:
    """Chance of a bad end seen at each wave, shape (n_waves,): of the last score, and of the own line."""

    score: FloatArray
    line: FloatArray


def months_to_go(months: FloatArray, ends: FloatArray, ahead: float | None = None) -> FloatArray:
    """Months from each wave to moments at which its course may end, shape (n_waves, n_points).

    Parameters
    ----------
    months : ndarray, shape (n_waves,)
    ends : ndarray, shape (n_courses,)
        Months of the last waves of other courses.
    ahead : float, optional
        One fixed time instead.

    Returns
    -------
    ndarray
        The 10th, 30th, ... 90th percentile of the time that courses which ran longer still had to go; of the
        ten longest courses where fewer ran longer. At least a month.
    """
    if ahead is not None or not len(ends):
        return np.full((len(months), 1), _AHEAD if ahead is None else ahead)
    ordered = np.sort(ends)
    first = np.minimum(np.searchsorted(ordered, months, "right"), max(len(ordered) - _LEAST_ENDS, 0))
    place = first[:, None] + np.array(_POINTS) * (len(ordered) - first)[:, None]
    return np.asarray(np.maximum(ordered[place.astype(np.intp)] - months[:, None], _LEAST_AHEAD))


def chance_of_waves(
    fold: Fold,
    *,
    sign: float,
    margin: float,
    step: float,
    ends: FloatArray,
    ahead: float | None = None,
) -> Chances:
    """Chance of a bad end as seen at each wave from the waves up to then.

    Parameters
    ----------
    fold : Fold
        Courses and the model that was fitted without them.
    sign, margin, ahead : float
        As in :func:`mpg_research.analysis.monitoring.foretold.predict_bad_end`.
    step : float
        Distance of neighbouring scores: an end exactly on the margin is bad.
    ends : ndarray
        Months of the last waves of the courses the model was fitted on.

    Returns
    -------
    Chances

    Notes
    -----
    Given the waves so far the last score is normal with the forecast's mean m(t) and standard deviation s(t);
    the chance that it is no more than ``margin`` better than the first, observed score is the mean over the
    months to go of Phi((margin + step / 2 - sign (m(t) - first)) / s(t)). The same with the change of the
    family's own line since its first wave instead: swings and errors, of the first score and of the last,
    have no part in that.
    """
    rows = fold.data
    months = rows["months"].to_numpy(dtype=float)
    go = months_to_go(months, ends, ahead)
    place = np.repeat(np.arange(len(rows)), go.shape[1])
    at, first = months[place] + go.ravel(), place - rows["wave"].to_numpy()[place]
    x, start = fold.model.matrix(rows, at, place), fold.model.matrix(rows, months)
    boundary = half_a_step_beyond(margin, step)
    mean, sd = forecast(fold.model, fold.effects, place, x, at)
    change = mean - rows["score"].to_numpy(dtype=float)[first]
    score = ndtr((boundary - sign * change) / sd).reshape(go.shape).mean(axis=1)
    moved, error = line_change(fold.model, fold.effects, place, x - start[first], months[first], at)
    line = ndtr((boundary - sign * moved) / error).reshape(go.shape).mean(axis=1)
    return Chances(np.asarray(score), np.asarray(line))


def line_ends(fold: Fold, *, sign: float, margin: float, step: float) -> FloatArray:
    """Chance that the own line of each wave's course ended badly, given all its waves, shape (n_waves,).

    Judged by this instead of by the last score, a rule gains nothing by telling where chance threw the first
    score and the last one.
    """
    rows = fold.data
    months = rows["months"].to_numpy(dtype=float)
    first = np.arange(len(rows)) - rows["wave"].to_numpy()
    last = first + rows.groupby("course")["wave"].transform("max").to_numpy()
    x = fold.model.matrix(rows, months)
    moved, error = line_change(
        fold.model, fold.effects, last, x[last] - x[first], months[first], months[last]
    )
    at_once = np.maximum(error, np.finfo(float).tiny)  # one wave: no change, no error
    return np.asarray(ndtr((half_a_step_beyond(margin, step) - sign * moved) / at_once))


def half_a_step_beyond(margin: float, step: float) -> float:
    """Half a step beyond the last gain that is still bad."""
    return step * (float(np.floor(margin / step + 1e-9)) + 0.5)
