"""Within-unit slopes where a cause may itself answer to earlier outcomes: forward and backward deviations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums

__all__ = ["PredeterminedSlope", "predetermined_slope"]


@dataclass(frozen=True, slots=True)
class PredeterminedSlope:
    """A slope within units; NaN where it cannot be computed.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : float
        With errors robust over clusters and t with their number less one degrees of freedom.
    n_rows, n_units : int
        Rows and units that say something: those with a row before and a row after.
    """

    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    n_rows: int
    n_units: int


def predetermined_slope(
    outcome: ArrayLike,
    cause: ArrayLike,
    unit: ArrayLike,
    clusters: ArrayLike,
    *,
    others: ArrayLike | None = None,
    level: float = 0.95,
) -> PredeterminedSlope:
    """Slope of an outcome on a cause within units, where earlier outcomes may have moved the cause.

    Parameters
    ----------
    outcome, cause : array_like, shape (n,)
        Rows of each unit together and in the order of time.
    unit : array_like, shape (n,)
        Whose row it is.
    clusters : array_like, shape (n,)
        Who belongs together, for the errors.
    others : array_like, shape (n, q), optional
        Columns that nothing in the units moves, such as a curve of time.
    level : float

    Returns
    -------
    PredeterminedSlope

    Notes
    -----
    The usual deviation from a unit's own mean holds its future: where hours follow from earlier scores, that
    mean hangs on the errors of the scores, and the slope is off by an amount of one over the number of rows.
    Here outcome, cause and others are each taken as the deviation from the mean of the *later* rows (times
    the root of m / (m + 1), m their number), and the cause's deviation from the mean of the *earlier* rows is
    its instrument. Both are free of what is the unit's own, and the instrument holds nothing of the future.

    References
    ----------
    Hayakawa, K., Qi, M. & Breitung, J. (2019). Double filter instrumental variable estimation of panel data
    models with weakly exogenous variables. Econometric Reviews, 38, 1055-1088.
    https://doi.org/10.1080/07474938.2018.1514024

    Examples
    --------
    >>> x = np.array([1.0, 3.0, 2.0, 5.0, 2.0, 2.5, 4.0, 1.0])
    >>> found = predetermined_slope(2 * x, x, [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> round(found.estimate, 6)
    2.0
    """
    y, x = np.asarray(outcome, dtype=float), np.asarray(cause, dtype=float)
    extra = np.zeros((len(y), 0)) if others is None else np.asarray(others, dtype=float)
    _, of, sizes = np.unique(np.asarray(unit), return_inverse=True, return_counts=True)
    if len(of) and (np.diff(of) < 0).any():
        order = np.argsort(of, kind="stable")
        y, x, extra, of = y[order], x[order], extra[order], of[order]
        clusters = np.asarray(clusters)[order]
    place, size = _places(sizes)
    ahead = size - 1 - place
    kept = (place > 0) & (ahead > 0)
    if not kept.any():
        return _nothing(0, 0)
    scale = np.sqrt(ahead / (ahead + 1))
    forward = [scale * (column - _later_mean(column, place, size)) for column in (y, x, *extra.T)]
    backward = x - _earlier_mean(x, place)
    response = forward[0][kept]
    design = np.column_stack([column[kept] for column in forward[1:]])
    instruments = np.column_stack([backward[kept], *(column[kept] for column in forward[2:])])
    n, units = int(kept.sum()), len(np.unique(of[kept]))
    _, cluster = np.unique(np.asarray(clusters)[kept], return_inverse=True)
    m = int(cluster.max()) + 1
    crossed = instruments.T @ design
    if m < 2 or n <= design.shape[1] or np.linalg.matrix_rank(crossed) < len(crossed):
        return _nothing(n, units)
    inverse = np.linalg.inv(crossed)
    beta = inverse @ (instruments.T @ response)
    moved = instruments * (response - design @ beta)[:, None]
    summed = cluster_sums(moved, cluster, m)
    covariance = m / (m - 1) * inverse @ (summed.T @ summed) @ inverse.T
    estimate, error, df = float(beta[0]), float(np.sqrt(covariance[0, 0])), float(m - 1)
    if not error > 0:
        return PredeterminedSlope(estimate, error, df, *(float("nan"),) * 4, n, units)
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    p_value = float(2 * stdtr(df, -abs(estimate / error)))
    limits = (estimate - half, estimate + half)
    return PredeterminedSlope(estimate, error, df, estimate / error, p_value, *limits, n, units)


def _nothing(n: int, units: int) -> PredeterminedSlope:
    return PredeterminedSlope(*(float("nan"),) * 7, n, units)


def _places(sizes: IntArray) -> tuple[IntArray, IntArray]:
    """The place of each row within its unit, and the size of the unit."""
    begin = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    size = np.repeat(sizes, sizes)
    return np.arange(len(size)) - np.repeat(begin, sizes), size


def _earlier_mean(column: FloatArray, place: IntArray) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(column)])
    row = np.arange(len(column))
    found: FloatArray = (total[row] - total[row - place]) / np.maximum(place, 1)
    return found


def _later_mean(column: FloatArray, place: IntArray, size: IntArray) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(column)])
    row = np.arange(len(column))
    ahead = size - 1 - place
    found: FloatArray = (total[row + ahead + 1] - total[row + 1]) / np.maximum(ahead, 1)
    return found
