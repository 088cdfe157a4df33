"""How often something happens per time, with an interval that allows for those who belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mpg_research.arrays import FloatArray

__all__ = ["Rate", "clustered_rate", "degrees_of_clusters"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per unit of time.

    Attributes
    ----------
    estimate : float
    std_error : float
        Of the estimate; NaN with fewer than two clusters.
    conf_low, conf_high : float
        On the log scale; NaN without an event.
    df : float
        Clusters less one where they are alike; fewer where they differ in size.
    n_clusters : int
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    df: float
    n_clusters: int


def clustered_rate(events: ArrayLike, time: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> Rate:
    """Events divided by time at risk, with errors that allow for clusters.

    Parameters
    ----------
    events : array_like, shape (n,)
        Numbers of events.
    time : array_like, shape (n,)
        Time at risk, not negative.
    clusters : array_like, shape (n,)
        Who belongs together.
    level : float

    Returns
    -------
    Rate
        NaN without any time.

    Notes
    -----
    The estimate of a Poisson regression with the log of the time as offset. Its variance is that of leaving
    out each of the m clusters in turn (jackknife): as the sandwich over clusters, but not too small where few
    clusters differ in size, and neither the spread between families nor what they share is taken to be that
    of Poisson. Limits are exp(log r -+ t se / r), with t on (sum T^2)^2 / sum T^4 - 1 degrees of freedom, T
    the time of a cluster: m - 1 where all are alike.

    Examples
    --------
    >>> round(clustered_rate([1, 0, 2], [2.0, 1.0, 3.0], [1, 2, 3]).estimate, 3)
    0.5
    """
    count, at_risk = np.asarray(events, dtype=float), np.asarray(time, dtype=float)
    total = float(at_risk.sum())
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    m = int(cluster.max()) + 1 if len(count) else 0
    if not total > 0:
        return Rate(*(float("nan"),) * 4, float(m - 1), m)
    rate = float(count.sum()) / total
    if m < 2:
        return Rate(rate, float("nan"), float("nan"), float("nan"), float(m - 1), m)
    by_cluster = np.bincount(cluster, count, minlength=m), np.bincount(cluster, at_risk, minlength=m)
    left = total - by_cluster[1]
    if not (left > 0).all():
        return Rate(rate, float("nan"), float("nan"), float("nan"), float(m - 1), m)
    without = (count.sum() - by_cluster[0]) / left
    error = float(np.sqrt((m - 1) / m * np.sum((without - rate) ** 2)))
    df = degrees_of_clusters(np.asarray(by_cluster[1], dtype=np.float64))
    if rate == 0:
        return Rate(rate, error, float("nan"), float("nan"), df, m)
    half = float(stdtrit(df, 0.5 + level / 2)) * error / rate
    return Rate(rate, error, rate * float(np.exp(-half)), rate * float(np.exp(half)), df, m)


def degrees_of_clusters(sizes: FloatArray) -> float:
    """Degrees of freedom of the variance where clusters differ in size, as if each shared all it has.

    Parameters
    ----------
    sizes : ndarray, shape (m,)
        What each cluster brings, such as its time.

    Examples
    --------
    >>> degrees_of_clusters(np.ones(20))
    19.0
    """
    squared = sizes**2
    return max(float(squared.sum() ** 2 / np.sum(squared**2)) - 1, 1.0)
