"""How the single questions of a questionnaire behave."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray

__all__ = ["ItemStatistics", "item_statistics"]


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """Mean, spread and coherence per item; each an array of shape (n_items,).

    Attributes
    ----------
    mean, sd : ndarray
        Over all answered values of the item; ``sd`` with n - 1.
    item_rest_correlation : ndarray
        Pearson correlation of the item with the sum of the other items, over rows with every item
        answered; NaN where the item or the sum does not vary, or with fewer than three such rows.
    n_answered : ndarray of int
        Answered values of the item.
    """

    mean: FloatArray
    sd: FloatArray
    item_rest_correlation: FloatArray
    n_answered: NDArray[np.intp]


def item_statistics(items: ArrayLike) -> ItemStatistics:
    """Describe items, scored in the direction in which they are added up.

    Parameters
    ----------
    items : array_like, shape (n_rows, n_items)
        Item scores; NaN where not answered.

    Returns
    -------
    ItemStatistics

    Examples
    --------
    >>> found = item_statistics([[1, 2], [2, 3], [4, 3]])
    >>> found.mean.round(2).tolist()
    [2.33, 2.67]
    """
    values = np.asarray(items, dtype=float)
    answered = ~np.isnan(values)
    n_answered = answered.sum(axis=0)
    filled = np.where(answered, values, 0.0)
    mean = filled.sum(axis=0) / np.where(n_answered > 0, n_answered, np.nan)
    squares = (np.where(answered, values - mean, 0.0) ** 2).sum(axis=0)
    sd = np.sqrt(squares / np.where(n_answered > 1, n_answered - 1, np.nan))
    whole = values[answered.all(axis=1)]
    rest = whole.sum(axis=1, keepdims=True) - whole
    return ItemStatistics(mean, sd, _columnwise_correlation(whole, rest), n_answered)


def _columnwise_correlation(x: FloatArray, y: FloatArray) -> FloatArray:
    if x.shape[0] < 3:
        return np.full(x.shape[1], np.nan)
    x = x - x.mean(axis=0)
    y = y - y.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    # Below rounding error of the centred sums a column counts as constant.
    correlation: FloatArray = (x * y).sum(axis=0) / np.where(scale > 1e-9 * x.shape[0], scale, np.nan)
    return correlation
