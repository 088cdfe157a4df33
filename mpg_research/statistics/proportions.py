"""Shares of families, with intervals that hold for small numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

__all__ = ["Proportion", "wilson_interval"]


@dataclass(frozen=True, slots=True)
class Proportion:
    """Shares with Wilson intervals; each an array of shape (n,), from 0 to 1, NaN where the total is 0."""

    estimate: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]


def wilson_interval(count: ArrayLike, total: ArrayLike, *, level: float = 0.95) -> Proportion:
    """Shares ``count / total`` with Wilson score intervals (no continuity correction).

    Parameters
    ----------
    count, total : array_like, shape (n,)
        How many of how many.
    level : float
        Confidence level.

    Returns
    -------
    Proportion

    Raises
    ------
    ValueError
        If a count is negative or larger than its total.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal
    of the American Statistical Association*, 22, 209-212. https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> share = wilson_interval([8], [10])
    >>> share.conf_low.round(3).tolist(), share.conf_high.round(3).tolist()
    ([0.49], [0.943])
    """
    x = np.asarray(count, dtype=float)
    n = np.asarray(total, dtype=float)
    if np.any((x < 0) | (x > n)):
        raise ValueError("counts must lie between 0 and their totals")
    z = float(ndtri(0.5 + level / 2))
    n = np.where(n > 0, n, np.nan)
    share = x / n
    denominator = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / denominator
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / denominator
    # at nobody and at everybody the interval ends there exactly, whatever rounding says
    low = np.where(share == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(share == 1, 1.0, np.minimum(centre + half, 1.0))
    return Proportion(share, low, high)
