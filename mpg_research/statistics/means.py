"""Means of numbers, with an interval that allows for those who belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

__all__ = ["ClusteredMean", "clustered_mean"]


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean; NaN where it is not known.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
    n_clusters : int
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n_clusters: int


def clustered_mean(values: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> ClusteredMean:
    """The mean of all values, with an error that allows for clusters.

    Parameters
    ----------
    values : array_like, shape (n,)
    clusters : array_like, shape (n,)
        Who belongs together.
    level : float

    Returns
    -------
    ClusteredMean
        NaN without values; only the estimate with one cluster.

    Notes
    -----
    The variance is m / (m - 1) times the sum over m clusters of the squared sums of (value - mean), over n^2,
    and the limits are those of t with m - 1 degrees of freedom: what
    :func:`~mpg_research.statistics.trials.regression.weighted_regression` gives for a constant alone.

    Examples
    --------
    >>> found = clustered_mean([1.0, 3.0, 4.0, 8.0], ["a", "a", "b", "b"])
    >>> found.estimate, found.std_error
    (4.0, 2.0)
    """
    y = np.asarray(values, dtype=float)
    names, codes = np.unique(np.asarray(clusters).astype(str), return_inverse=True)
    nan, m = float("nan"), len(names)
    mean = float(y.mean()) if len(y) else nan
    if m < 2:
        return ClusteredMean(mean, nan, nan, nan, m)
    sums = np.bincount(codes, y - mean)
    error = float(np.sqrt(m / (m - 1) * (sums @ sums))) / len(y)
    half = float(stdtrit(m - 1, 0.5 + level / 2)) * error
    return ClusteredMean(mean, error, mean - half, mean + half, m)
