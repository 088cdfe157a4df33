"""How exact providers' levels are where the spread of outcomes differs between clients and providers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.standardisation import FixedProviders

__all__ = ["robust_covariance"]


def robust_covariance(
    fit: FixedProviders,
    outcome: ArrayLike,
    case_mix: ArrayLike | None = None,
    *,
    cluster: ArrayLike | None = None,
) -> FloatArray:
    """Covariance of the providers' expected outcomes for the average client, shape (g, g).

    Parameters
    ----------
    fit : FixedProviders
        Without interactions, of these data.
    outcome : array_like, shape (n,)
    case_mix : array_like, shape (n, k), optional
    cluster : array_like, shape (n,), optional
        Whom the rows are about, where one client can have several; at two providers he counts as two.

    Notes
    -----
    The sandwich, each squared residual divided by 1 - 1 / n_i (n_i clients of the provider; with clusters the
    squared sum of a client's residuals). Providers of one client have no residual, and NaN.

    References
    ----------
    MacKinnon, J. G. & White, H. (1985). Some heteroskedasticity-consistent covariance matrix estimators with
    improved finite sample properties. *Journal of Econometrics*, 29, 305-325.
    https://doi.org/10.1016/0304-4076(85)90158-7

    Examples
    --------
    >>> from mpg_research.statistics.providers.standardisation import fit_fixed_providers
    >>> y, p = [1.0, 3.0, 5.0, 9.0], [0, 0, 1, 1]
    >>> robust_covariance(fit_fixed_providers(y, p), y).round(6).tolist()
    [[1.0, 0.0], [0.0, 4.0]]
    """
    y, codes, size = np.asarray(outcome, dtype=float), fit.codes, fit.size
    x = np.zeros((y.size, 0)) if case_mix is None else np.asarray(case_mix, dtype=float)
    means = np.empty((size.size, x.shape[1]))
    for place, column in enumerate(x.T):
        means[:, place] = np.bincount(codes, column) / size
    within = x - means[codes]
    residual = y - np.bincount(codes, y)[codes] / size[codes] - np.sum(within * fit.slopes[codes], axis=1)
    group, of_group = _clients(codes, cluster)
    clients = np.bincount(of_group, minlength=size.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = residual / np.sqrt(1 - 1 / clients[codes])
    summed = np.bincount(group, scaled)
    own = np.diag(np.bincount(of_group, summed**2) / size**2)
    if x.shape[1] == 0:
        return own
    # From the slopes: how far the provider's clients are from the average, times the slopes' error.
    kept = np.where(clients[codes] < 2, 0.0, scaled)
    moved = np.stack([np.bincount(group, kept * column) for column in within.T], axis=1)
    away = (x.mean(axis=0) - means) @ np.linalg.inv(within.T @ within)
    slopes = away @ (moved.T @ moved) @ away.T
    mine = np.bincount(group, kept)
    parts = [np.bincount(of_group, mine * column) / size for column in moved.T]
    together = np.stack(parts, axis=1) @ away.T
    result: FloatArray = own + slopes + together + together.T
    return result


def _clients(codes: NDArray[np.intp], cluster: ArrayLike | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number of each row's client at the provider, and the provider of each such client."""
    if cluster is None:
        return np.arange(codes.size), codes
    names = np.unique(np.asarray(cluster).astype(str), return_inverse=True)[1]
    first, group = np.unique(codes * (names.max() + 1) + names, return_index=True, return_inverse=True)[1:]
    return group, codes[first]
