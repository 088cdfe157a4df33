"""Sums over those who belong together: what errors over clusters are made of."""

import numpy as np

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["cluster_sums"]


def cluster_sums(columns: FloatArray, codes: IntArray, n_clusters: int | None = None) -> FloatArray:
    """Sum each column within each cluster.

    Parameters
    ----------
    columns : ndarray, shape (n, p)
        Scores, influences or anything else that adds up.
    codes : ndarray of int, shape (n,)
        Who belongs together: 0, 1, ...
    n_clusters : int, optional
        By default the largest code and one.

    Returns
    -------
    ndarray, shape (n_clusters, p)

    Examples
    --------
    >>> cluster_sums(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0, 1, 0])).tolist()
    [[6.0, 8.0], [3.0, 4.0]]
    """
    count = int(codes.max(initial=-1)) + 1 if n_clusters is None else n_clusters
    result = np.empty((count, columns.shape[1]))
    for place, column in enumerate(columns.T):
        result[:, place] = np.bincount(codes, column, count)
    return result
