"""Means of numbers, with an interval that allows for those who belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

__all__ = ["ClusteredMean", "clustered_mean", "mean_of_pairs"]


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
    return _with_limits(mean, error, m, level)


def mean_of_pairs(
    values: ArrayLike, first: ArrayLike, second: ArrayLike, units: ArrayLike, *, level: float = 0.95
) -> ClusteredMean:
    """The mean over units of something about two people, each of whom can be in several pairs.

    Parameters
    ----------
    values : array_like, shape (n,)
        One per pair, such as the difference between two raters.
    first, second : array_like, shape (n,)
        The two of each pair; somebody can be the first of one pair and the second of another.
    units : array_like, shape (n,)
        What the pair is about, such as the family; each unit counts once, with the mean of its pairs.
    level : float

    Returns
    -------
    ClusteredMean
        ``n_clusters`` are the people who are first in a pair; NaN but for the estimate with fewer than two.

    Notes
    -----
    With u the part of each pair in the mean, the variance is the sum of u_p u_q over all pairs p and q that
    have somebody in common, in whichever place, times m / (m - 1) for m first people; never less than that
    over units. The limits are those of t with m - 1 degrees of freedom.

    References
    ----------
    Aronow, P. M., Samii, C. & Assenova, V. A. (2015). Cluster-robust variance estimation for dyadic data.
    *Political Analysis*, 23, 564-577. https://doi.org/10.1093/pan/mpv018

    Examples
    --------
    >>> found = mean_of_pairs([1.0, 3.0, 2.0, 6.0], list("aabc"), list("bccd"), [1, 2, 3, 4])
    >>> found.estimate, round(found.std_error, 3)
    (3.0, 1.08)
    """
    y = np.asarray(values, dtype=float)
    names = [np.asarray(each).astype(str) for each in (first, second)]
    _, unit, size = np.unique(np.asarray(units).astype(str), return_inverse=True, return_counts=True)
    n, m, nan = len(size), len(np.unique(names[0])), float("nan")
    if not n:
        return ClusteredMean(nan, nan, nan, nan, 0)
    weight = 1 / (n * size[unit])
    mean = float(weight @ y)
    if m < 2 or n < 2:
        return ClusteredMean(mean, nan, nan, nan, m)
    people, place = np.unique(np.concatenate(names), return_inverse=True)
    one, other = place[: len(y)], place[len(y) :]
    part = weight * (y - mean)
    by_person = np.bincount(one, part, len(people)) + np.bincount(other, part, len(people))
    # Pairs of the same two people were counted twice.
    both = np.minimum(one, other) * len(people) + np.maximum(one, other)
    by_both = np.bincount(np.unique(both, return_inverse=True)[1], part)
    by_unit = np.bincount(unit, part)
    shared = m / (m - 1) * float(by_person @ by_person - by_both @ by_both)
    error = float(np.sqrt(max(shared, n / (n - 1) * float(by_unit @ by_unit))))
    return _with_limits(mean, error, m, level)


def _with_limits(mean: float, error: float, n_clusters: int, level: float) -> ClusteredMean:
    half = float(stdtrit(n_clusters - 1, 0.5 + level / 2)) * error
    return ClusteredMean(mean, error, mean - half, mean + half, n_clusters)
