"""The share of yes that is expected of clients by their case mix, in a logistic model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from mpg_research.arrays import FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.logistic import penalised_logistic

__all__ = ["ExpectedShares", "expected_shares"]


#: Penalty on coefficients of standardised columns, in clients: keeps them finite under separation.
_PENALTY = 0.01
#: Below this many providers each has a level of its own; from here on their mean case mix stands in for it.
_MANY = 10


@dataclass(frozen=True, slots=True)
class ExpectedShares:
    """What is expected of n clients of g providers.

    Attributes
    ----------
    chance : ndarray, shape (n,)
        Probability of yes by the case mix alone; its mean is the share observed.
    carried : ndarray, shape (g, g)
        Covariance of the providers' expected shares from the error of the slopes; a single provider where
        none were given.
    slopes, slope_errors : ndarray, shape (k,)
        Of the case mix on the log-odds scale, per unit of each column, and their standard errors; NaN for a
        constant column.
    """

    chance: FloatArray
    carried: FloatArray
    slopes: FloatArray
    slope_errors: FloatArray


def expected_shares(
    outcome: ArrayLike, case_mix: ArrayLike, *, provider: ArrayLike | None = None, robust: bool = False
) -> ExpectedShares:
    """Probability of a yes/no outcome for each client by their case mix alone.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        0 and 1, or pseudo-observations of a share.
    case_mix : array_like, shape (n, k)
    provider : array_like of int, shape (n,), optional
        0 .. g - 1: the slopes are then those among clients of one provider, so that a provider whose clients
        all have something in common does not have its own quality explained away by it. Fewer than ten
        providers have a level each in the model that gives the slopes; of more, the mean case mix stands
        beside the client's own (Mundlak). Expected is what all clients would have at the average provider.
    robust : bool
        Whether the error of the slopes is a sandwich: for pseudo-observations, which spread more than yes and
        no do.

    Returns
    -------
    ExpectedShares

    Notes
    -----
    Maximum likelihood by Newton's method, with a weak penalty (one hundredth of a client per column) that
    keeps coefficients finite where a column predicts the outcome perfectly. With pseudo-observations the same
    equations are those of Klein and Andersen with a logit link.

    References
    ----------
    Klein, J. P. & Andersen, P. K. (2005). Regression modeling of competing risks data based on pseudovalues
    of the cumulative incidence function. *Biometrics*, 61, 223-229.
    https://doi.org/10.1111/j.0006-341X.2005.031209.x

    Mundlak, Y. (1978). On the pooling of time series and cross section data. *Econometrica*, 46, 69-85.
    https://doi.org/10.2307/1913646

    Examples
    --------
    >>> expected_shares([0, 1, 1, 1], [[0.0], [0.0], [1.0], [1.0]]).chance.round(1).tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    y, x = np.asarray(outcome, dtype=float), np.asarray(case_mix, dtype=float)
    codes = np.zeros(y.size, dtype=np.intp) if provider is None else np.asarray(provider, dtype=np.intp)
    g, share = int(codes.max(initial=0)) + 1, float(y.mean())
    own, varies = _standardise(x)
    k = own.shape[1]
    slopes, errors = np.full((2, x.shape[1]), np.nan)
    if k == 0 or not 0 < share < 1:
        return ExpectedShares(np.full(y.size, share), np.zeros((g, g)), slopes, errors)
    beside = _standardise(_context(own, codes))[0] if g > 1 else np.zeros((y.size, 0))
    design = np.column_stack([np.ones(y.size), own, beside])
    found = penalised_logistic(design, y, penalty=_PENALTY, robust=robust)
    beta, covariance = found.estimate, found.covariance
    linear = own @ beta[1 : k + 1]
    # The level at which the clients together have the share that was observed.
    reach = float(np.abs(linear).max()) + 40.0
    level = brentq(lambda at: float(expit(at + linear).mean()) - share, -reach, reach, xtol=1e-12)
    chance: FloatArray = expit(level + linear)
    steep = chance * (1 - chance)
    # How a chance moves with the slopes, the level moving along.
    moves = steep[:, None] * (own - steep @ own / steep.sum())
    sums = cluster_sums(moves, codes, g)
    each: FloatArray = sums / np.maximum(np.bincount(codes, minlength=g), 1)[:, None]
    scale = x[:, varies].std(axis=0)
    slopes[varies] = beta[1 : k + 1] / scale
    errors[varies] = np.sqrt(np.diagonal(covariance)[1 : k + 1]) / scale
    return ExpectedShares(chance, each @ covariance[1 : k + 1, 1 : k + 1] @ each.T, slopes, errors)


def _standardise(x: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Columns with mean 0 and standard deviation 1, and which they are; constant ones left out."""
    sd = x.std(axis=0)
    varies = sd > 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    result: FloatArray = (x[:, varies] - x[:, varies].mean(axis=0)) / sd[varies]
    return result, varies


def _context(x: FloatArray, codes: NDArray[np.intp]) -> FloatArray:
    """Columns that hold what differs between providers, shape (n, g - 1) or (n, k)."""
    size = np.bincount(codes)
    if size.size < _MANY:
        indicators: FloatArray = (codes[:, None] == np.arange(1, size.size)).astype(float)
        return indicators
    filled = np.maximum(size, 1)
    means = np.stack([np.bincount(codes, column) / filled for column in x.T], axis=1)
    context: FloatArray = means[codes]
    return context
