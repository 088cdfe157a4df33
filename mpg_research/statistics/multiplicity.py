"""p-values that allow for the number of questions asked."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["holm"]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted by Holm's step-down method.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Unadjusted p-values; NaN stays NaN and does not count as a test.

    Returns
    -------
    ndarray, shape (n,)
        Adjusted p-values, each at least as large as the p-value it came from and at most 1.

    Raises
    ------
    ValueError
        If a p-value lies outside 0 to 1.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scandinavian Journal of
    Statistics*, 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    tested = ~np.isnan(p)
    used = p[tested]
    if np.any((used < 0) | (used > 1)):
        raise ValueError("p-values must lie between 0 and 1")
    order = np.argsort(used, kind="stable")
    factors = np.arange(used.size, 0, -1)
    adjusted = np.empty_like(used)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * used[order]), 1.0)
    result = np.full(p.shape, np.nan)
    result[tested] = adjusted
    return result
