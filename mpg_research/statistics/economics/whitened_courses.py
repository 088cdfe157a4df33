"""Scores of a mixed model made independent at its variances, so that a plain regression gives its answer."""

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.reading import read_clusters, read_numbers

__all__ = ["whiten_courses"]


def whiten_courses(
    design: ArrayLike,
    outcome: ArrayLike,
    *,
    months: ArrayLike,
    families: ArrayLike,
    clusters: ArrayLike,
    covariance: ArrayLike,
    residual: float,
    shared: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Design and outcome multiplied by the inverse root of the covariance of a mixed model.

    Parameters
    ----------
    design : array_like, shape (n, p)
    outcome : array_like, shape (n,)
    months : array_like, shape (n,)
        What the random slope of a family is multiplied by.
    families, clusters : array_like, shape (n,)
        Every family lies in one cluster (its worker).
    covariance : array_like, shape (2, 2)
        Of a family's intercept and slope.
    residual : float
        Variance of a single score, above 0.
    shared : float
        Variance between clusters.

    Returns
    -------
    design, outcome : ndarray
        In the order of the rows; least squares of them is generalised least squares of what was given, and
        their products within a cluster are X' V^-1 X and X' V^-1 y.

    Raises
    ------
    ValueError
        If a number is missing, a family lies in two clusters, or a variance is impossible.

    Notes
    -----
    With V = blocks of Z D Z' + s2 I per family, plus shared times 1 1' per cluster: first the Cholesky root
    of each family's block, then, with u what it makes of the ones, I - (1 - (1 + shared u'u)^-1/2) u u' /
    u'u.
    """
    y = read_numbers(outcome, "outcome")
    n = y.size
    x = read_numbers(design, "design", n=n, dimensions=(2,))
    t = read_numbers(months, "months", n=n)
    d = read_numbers(covariance, "covariance", n=2, dimensions=(2,))
    if not residual > 0 or shared < 0:
        raise ValueError(f"residual is {residual:g} and shared {shared:g}; expected above 0, and 0 or more")
    family, n_families = read_clusters(families, n)
    cluster, n_clusters = read_clusters(clusters, n)
    of = np.full(n_families, -1)
    of[family] = cluster
    if (of[family] != cluster).any():
        raise ValueError("a family lies in two clusters; give each family one (its first worker)")
    table = np.column_stack([x, y, np.ones(n)])
    order = np.argsort(family, kind="stable")
    sizes = np.bincount(family, minlength=n_families)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for size in np.unique(sizes):
        rows = order[first[sizes == size][:, None] + np.arange(size)]
        z = np.stack([np.ones(rows.shape), t[rows]], axis=2)
        v = z @ d @ z.transpose(0, 2, 1) + residual * np.eye(size)
        table[rows] = np.linalg.solve(np.linalg.cholesky(v), table[rows])
    ones = table[:, -1]
    if shared > 0:
        length = np.bincount(cluster, ones**2, minlength=n_clusters)
        less = (1 - 1 / np.sqrt(1 + shared * length)) / length
        along = cluster_sums(table[:, :-1] * ones[:, None], cluster, n_clusters) * less[:, None]
        return _split(table[:, :-1] - ones[:, None] * along[cluster])
    return _split(table[:, :-1])


def _split(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1])
