"""Columns that belong together: by their index where they have one, never by position alone."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray

__all__ = ["paired"]


def paired(pre: ArrayLike, post: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Two rows of scores as arrays, the second in the order of the first.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
        Columns of a table (pandas Series) are paired by their index; anything else by position.

    Returns
    -------
    pre, post : ndarray, shape (n,)

    Raises
    ------
    ValueError
        If two columns have an index that does not hold the same persons, each once.

    Examples
    --------
    >>> import pandas as pd
    >>> paired(pd.Series([30, 20], index=["a", "b"]), pd.Series([21, 31], index=["b", "a"]))[1].tolist()
    [31.0, 21.0]
    """
    one, two = _index(pre), _index(post)
    if one is not None and two is not None and not one.equals(two):
        if not (one.is_unique and two.is_unique and len(one) == len(two) and one.isin(two).all()):
            raise ValueError(
                "pre and post are columns whose indexes do not hold the same persons, each once, so it is "
                "not "
                "known who belongs to whom. Put both in one table, or give plain arrays in the same order"
            )
        post = post.reindex(one)  # type: ignore[union-attr]
    return np.asarray(pre, dtype=float), np.asarray(post, dtype=float)


def _index(values: ArrayLike) -> Any | None:
    """The index of a column of a table; None of anything else."""
    return getattr(values, "index", None) if hasattr(values, "reindex") else None
