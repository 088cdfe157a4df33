"""Scores as they would be in this very study if no family truly changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.monitoring.expectation_model import (
    ExpectationModel,
    Fold,
    apply_model,
    fit_expectation,
)
from mpg_research.analysis.monitoring.rules import score_step
from mpg_research.arrays import FloatArray

__all__ = ["WithoutChange", "without_change"]

#: The spread between families is taken from this many pairs of waves of one family, at least.
_LEAST_PAIRS = 50


@dataclass(frozen=True, slots=True)
class WithoutChange:
    """A study in which nobody changes, as like the real one as its model can make it.

    Attributes
    ----------
    model : ExpectationModel
        Fitted on the whole study. Kept are its level at the start, the spread of the families' levels, the
        swings around them and how these carry on; every slope and the curve of the mean are set to zero.
    spread : float
        Standard deviation between families of the log size of their swings.
    rows : DataFrame
        The study's waves with coded case mix, in blocks by course by rising months.
    ends : (float, float)
        Lowest and highest score there can be.
    step : float
        Distance of neighbouring scores.
    """

    model: ExpectationModel
    spread: float
    rows: pd.DataFrame
    ends: tuple[float, float]
    step: float

    def of_waves(self, chosen: NDArray[np.bool_]) -> "WithoutChange":
        """The same for some of the waves, shape (n_waves,)."""
        return replace(self, rows=self.rows[chosen].reset_index(drop=True))

    def scores(self, rng: np.random.Generator) -> FloatArray:
        """New scores at the same waves of the same courses, on the steps of the study's own; shape (n,)."""
        who = self.rows["course"].to_numpy()
        first = np.r_[True, who[1:] != who[:-1]]
        course, n = np.cumsum(first) - 1, int(first.sum())
        start = self.model.expected(self.model.matrix(self.rows, np.zeros(len(self.rows))))[0]
        level = rng.normal(0.0, np.sqrt(max(self.model.covariance[0, 0], 0.0)), n)
        # With logs of mean -spread^2 the mean square over the families stays that of the model.
        size = self.model.residual_sd * np.exp(rng.normal(-(self.spread**2), self.spread, n))
        swings = _swings(first, self.rows["months"].to_numpy(dtype=float), self.model.correlation, rng)
        low = float(self.rows["score"].min())
        steps = np.rint((start + level[course] + size[course] * swings - low) / self.step)
        return np.asarray(np.clip(low + self.step * steps, *self.ends))


def without_change(rows: pd.DataFrame, columns: Sequence[str], ends: tuple[float, float]) -> WithoutChange:
    """Learn from a study what it would look like if nobody changed.

    Parameters
    ----------
    rows : DataFrame
        Waves with coded case mix, in blocks by course by rising months.
    columns : sequence of str
        The coded case mix.
    ends : (float, float)
        Lowest and highest score there can be.
    """
    model = fit_expectation(rows, columns)
    fold = apply_model(model, rows, "all", np.arange(len(rows)))
    return WithoutChange(model, _spread_of_log_size(fold), rows, ends, score_step(rows["score"]))


def _spread_of_log_size(fold: Fold) -> float:
    """Standard deviation between families of the log size of their swings.

    Parameters
    ----------
    fold : Fold
        Courses, and a model with one size for all of them.

    Notes
    -----
    Of each wave but the first: its error as foretold from the waves before it, over the standard deviation
    that the model gives that error. With sizes exp(N(-w^2, w^2)) the products of the squares of two such
    errors of one family have mean exp(4 w^2), whatever the shape of the errors; w^2 is a quarter of the log
    of that mean over the square of the mean square, and zero where that is negative.
    """
    rows, effects = fold.data, fold.effects
    later = np.flatnonzero(rows["wave"].to_numpy() > 0)
    mean, variance = effects.score_at(effects.time[later], later - 1)
    errors = (effects.residual[later] - mean) ** 2 / (variance + fold.mean_variance[later])
    sums = pd.DataFrame({"course": rows["course"].to_numpy()[later], "one": errors, "two": errors**2, "n": 1})
    by_course = sums.groupby("course").sum()
    pairs = float((by_course["n"] * (by_course["n"] - 1)).sum())
    if pairs < 2 * _LEAST_PAIRS:
        return 0.0
    product = float((by_course["one"] ** 2 - by_course["two"]).sum()) / pairs
    # The mean square over the same pairs: each family counts as often as it has pairs.
    weight = (by_course["n"] - 1) / pairs
    ratio = product / float((by_course["one"] * weight).sum()) ** 2
    return float(np.sqrt(max(np.log(ratio), 0.0) / 4)) if ratio > 0 else 0.0


def _swings(
    first: NDArray[np.bool_], months: FloatArray, correlation: float, rng: np.random.Generator
) -> FloatArray:
    """A standard normal series per course, with this correlation one month apart."""
    found = rng.normal(size=len(months))
    if correlation <= 0:
        return found
    kept = np.where(first, 0.0, correlation ** np.diff(months, prepend=months[:1]).clip(min=0.0))
    found *= np.sqrt(1 - kept**2)
    number = np.cumsum(first)
    wave = pd.Series(number).groupby(number).cumcount().to_numpy()
    for later in range(1, int(wave.max(initial=0)) + 1):
        at = np.flatnonzero(wave == later)
        found[at] += kept[at] * found[at - 1]
    return found
