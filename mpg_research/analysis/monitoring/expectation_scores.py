"""A family's score at other moments, given its intake or its waves so far, by a model of other families."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.monitoring.expectation_model import ExpectationModel, Fold
from mpg_research.arrays import FloatArray
from mpg_research.statistics.forecasts.own_curve_prediction import RunningEffects

__all__ = ["first_rows", "forecast", "given_intake", "line_change"]


def given_intake(rows: pd.DataFrame, folds: Sequence[Fold]) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of each score, given the first score of its course and the case mix."""
    mean, variance = np.full((2, len(rows)), np.nan)
    first = first_rows(rows)
    for fold in folds:
        mine = fold.rows
        effects = fold.effects
        start = np.searchsorted(mine, first[mine])
        months = rows["months"].to_numpy(dtype=float)[mine]
        shift, spread = effects.score_at(months, start)
        mean[mine] = fold.mean + shift
        variance[mine] = spread + fold.mean_variance
    return mean, variance


def first_rows(rows: pd.DataFrame) -> NDArray[np.intp]:
    """Position of the first wave of each row's course."""
    return np.asarray(np.arange(len(rows)) - rows["wave"].to_numpy(), dtype=np.intp)


def forecast(
    model: ExpectationModel,
    effects: RunningEffects,
    place: NDArray[np.intp],
    x: FloatArray,
    months: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of a new score at ``months``, given the waves up to ``place``.

    ``x`` is the model matrix at these months.
    """
    expected, error = model.expected(x)
    shift, spread = effects.score_at(months, place)
    return expected + shift, np.sqrt(spread + error)


def line_change(
    model: ExpectationModel,
    effects: RunningEffects,
    place: NDArray[np.intp],
    x: FloatArray,
    since: FloatArray,
    until: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the change of the family's own line, given the waves up to ``place``.

    ``x`` is how much the model matrix changes in the meantime.
    """
    expected, error = model.expected(x)
    shift, spread = effects.change(since, until, place)
    return expected + shift, np.sqrt(spread + error)
