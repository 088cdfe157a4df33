"""What each wave says in chances: of the score to come, of what has happened, and of the way it goes now.

All three come from the growth model that the chance of a bad end comes from too, and from the waves up to
then: of other organisations (or families), given this family's own scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mpg_research.analysis.monitoring.end_forecast import half_a_step_beyond
from mpg_research.analysis.monitoring.expectation_model import Fold, apply_model
from mpg_research.analysis.monitoring.expectation_scores import forecast, line_change
from mpg_research.analysis.monitoring.foretold import EndForecast
from mpg_research.analysis.monitoring.rules import score_step
from mpg_research.arrays import FloatArray
from mpg_research.statistics.forecasts.calibration import Recalibration, learn_recalibration

__all__ = ["WaveChances", "chances_at", "folds_of_parts", "learn_maps", "wave_chances"]

#: A later score says what became of a wave when it lies at most so far from the moment looked ahead to.
_NEAR = 1.0


@dataclass(frozen=True, slots=True)
class WaveChances:
    """Chances at each wave from the waves up to then, shape (n_waves,); NaN with nothing to compare.

    Attributes
    ----------
    no_better : ndarray
        That a score so many months ahead is no better than the score now, if help and measuring go on.
    worse : ndarray
        That the family's own line, without swings and errors of single scores, is now worse than at the
        first wave.
    improving : ndarray
        That the own line has moved the right way over the recent months.
    """

    no_better: FloatArray
    worse: FloatArray
    improving: FloatArray


def chances_at(
    fold: Fold, *, sign: float, step: float, ahead: float | FloatArray, recent: float
) -> WaveChances:
    """Chances at the waves of courses that the fold's model has not seen.

    Parameters
    ----------
    fold : Fold
    sign : float
        -1 where a fall is an improvement.
    step : float
        Distance of neighbouring scores.
    ahead : float or ndarray, shape (n_waves,)
        How far ahead a score is compared with that of now.
    recent : float
        How far "improving" looks back.

    Returns
    -------
    WaveChances

    Notes
    -----
    Given the waves so far a later score is normal with the forecast's mean m and standard deviation s: the
    chance that it is no better than y now is Phi((step / 2 - sign (m - y)) / s). The change of the own line
    is normal as well, with the mean and variance that the waves so far leave of it.
    """
    rows, model, effects = fold.data, fold.model, fold.effects
    months = rows["months"].to_numpy(dtype=float)
    place = np.arange(len(rows), dtype=np.intp)
    first = months[place - rows["wave"].to_numpy()]
    later = months + ahead
    now = model.matrix(rows, months)
    mean, sd = forecast(model, effects, place, model.matrix(rows, later), later)
    gain = sign * (mean - rows["score"].to_numpy(dtype=float))
    no_better = ndtr((half_a_step_beyond(0.0, step) - gain) / sd)

    def moved_well(since: FloatArray) -> FloatArray:
        by, error = line_change(model, effects, place, now - model.matrix(rows, since), since, months)
        known = (months > since) & (error > 0)
        return np.where(known, ndtr(sign * by / np.where(known, error, 1.0)), np.nan)

    return WaveChances(
        np.asarray(no_better), 1 - moved_well(first), moved_well(np.maximum(months - recent, first))
    )


def folds_of_parts(foretold: EndForecast) -> tuple[Fold, ...]:
    """Each part's waves, with the model of the others that foretold their end."""
    found = []
    for label, model in foretold.models.items():
        places = np.flatnonzero(foretold.part == label)
        found.append(apply_model(model, foretold.rows.iloc[places], label, places))
    return tuple(found)


def learn_maps(
    foretold: EndForecast, folds: tuple[Fold, ...], *, sign: float, ahead: float, recent: float
) -> dict[str, Recalibration]:
    """How "no better than now" must be moved to come true, learnt per part from the waves of the others.

    Parameters
    ----------
    foretold : EndForecast
    folds : tuple of Fold
        From :func:`folds_of_parts`.
    sign, ahead, recent : float
        As in :func:`chances_at`.
    """
    rows = foretold.rows
    later = _seen_later(rows["course"].to_numpy(), rows["months"].to_numpy(dtype=float), ahead)
    known = later >= 0
    months, score = (rows[name].to_numpy(dtype=float) for name in ("months", "score"))
    gap = np.where(known, months[later] - months, ahead)
    step = score_step(rows["score"])
    chance = np.full(len(rows), np.nan)
    for fold in folds:
        found = chances_at(fold, sign=sign, step=step, ahead=gap[fold.rows], recent=recent)
        chance[fold.rows] = found.no_better
    happened = sign * (score[later] - score) <= 0
    course = rows["course"].to_numpy()
    looks = np.bincount(course, weights=known.astype(float))
    weight = np.where(known, 1 / np.maximum(looks[course], 1), 0.0)
    return {
        fold.label: learn_recalibration(chance, happened, np.where(foretold.part == fold.label, 0.0, weight))
        for fold in folds
    }


def wave_chances(
    foretold: EndForecast,
    folds: tuple[Fold, ...],
    maps: Mapping[str, Recalibration],
    *,
    sign: float,
    ahead: float,
    recent: float,
) -> WaveChances:
    """The chances at all waves, each by what was learnt without its own part.

    Parameters
    ----------
    foretold : EndForecast
    folds : tuple of Fold
        From :func:`folds_of_parts`.
    maps : mapping
        From :func:`learn_maps`.
    sign, ahead, recent : float
        As in :func:`chances_at`.
    """
    step = score_step(foretold.rows["score"])
    all_waves = np.full((3, len(foretold.rows)), np.nan)
    for fold in folds:
        found = chances_at(fold, sign=sign, step=step, ahead=ahead, recent=recent)
        all_waves[:, fold.rows] = maps[fold.label].apply(found.no_better), found.worse, found.improving
    return WaveChances(*all_waves)


def _seen_later(course: NDArray[np.int_], months: FloatArray, ahead: float) -> NDArray[np.intp]:
    """Of each wave the wave of its course nearest to so much later; -1 where none is near."""
    found = np.full(len(months), -1, dtype=np.intp)
    # one axis for all courses: they never come near each other
    apart = float(np.ptp(months)) + 2 * ahead + 4 * _NEAR if len(months) else 0.0
    axis = months + apart * course
    right = np.searchsorted(axis, axis + ahead)
    best = np.full(len(months), np.inf)
    for side in (right - 1, right):
        at = np.clip(side, 0, max(len(axis) - 1, 0))
        distance = np.abs(axis[at] - axis - ahead)
        closer = (distance < best) & (distance <= _NEAR) & (axis[at] > axis)
        found[closer], best[closer] = at[closer], distance[closer]
    return found
