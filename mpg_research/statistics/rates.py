"""How often something happens per time, with an interval that allows for those who belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

__all__ = ["Rate", "clustered_rate"]


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
        Clusters less one.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    df: float


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
    The estimate of a Poisson regression with the log of the time as offset; the variance is the sandwich
    over the clusters times m / (m - 1), so that neither the spread between families nor what they share is
    taken to be that of Poisson. Limits are exp(log r -+ t se / r), with m - 1 degrees of freedom.

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
        return Rate(*(float("nan"),) * 4, float(m - 1))
    rate = float(count.sum()) / total
    if m < 2:
        return Rate(rate, float("nan"), float("nan"), float("nan"), float(m - 1))
    residual = np.bincount(cluster, count - rate * at_risk, minlength=m) / total
    error = float(np.sqrt(m / (m - 1) * (residual @ residual)))
    if rate == 0:
        return Rate(rate, error, float("nan"), float("nan"), float(m - 1))
    half = float(stdtrit(m - 1, 0.5 + level / 2)) * error / rate
    return Rate(rate, error, rate * float(np.exp(-half)), rate * float(np.exp(half)), float(m - 1))
