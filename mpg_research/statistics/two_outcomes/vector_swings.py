"""Swings of two outcomes that carry over, to themselves and to each other: a stationary autoregression.

Around its own course a family's pair of swings z follows z(t) = A z(t - 1) + u(t): ``A`` holds what is left
of a swing one moment later, on the diagonal in the same outcome, beside it in the other one. Over k moments
it is A to the power k, so that moments that were missed are no problem.

In all functions ``delta`` (6,) are unconstrained parameters. With the stationary covariance LL', any A of a
stationary process is L B L^-1 with all singular values of B below one, and the other way round;
B = (I + PP')^-1/2 P for any P (Ansley & Kohn 1986). The first four of delta are the entries of P, then come
Fisher's z of the correlation of the two swings of one moment, and the logarithm of the ratio of their
standard deviations.

References
----------
Ansley, C. F. & Kohn, R. (1986). A note on reparameterizing a vector autoregressive moving average model to
enforce stationarity. *Journal of Statistical Computation and Simulation*, 24, 99-106.
https://doi.org/10.1080/00949658608810893
"""

from collections.abc import Callable

import numpy as np

from mpg_research.arrays import FloatArray

__all__ = ["START", "carried", "covariance_slopes", "covariances", "delta_of", "derivative"]

#: A fifth carries over to the same outcome, nothing to the other; correlation .2, equal spread.
START = (0.2, 0.0, 0.0, 0.2, float(np.arctanh(0.2)), 0.0)
#: Singular values of the whitened A stay below this: the process is stationary.
_MOST = 1 - 1e-9
#: Step of the differences, in units of the parameters.
_STEP = 2e-3


def carried(delta: FloatArray) -> FloatArray:
    """A, shape (2, 2): of the outcome in the column to that in the row.

    Parameters
    ----------
    delta : ndarray, shape (6,)
        Unconstrained parameters.
    """
    root = _root(delta)
    found: FloatArray = root @ _contraction(delta) @ np.linalg.inv(root)
    return found


def delta_of(matrix: FloatArray, correlation: float, ratio: float) -> FloatArray:
    """The parameters of a process; not finite where it would not be stationary.

    Parameters
    ----------
    matrix : ndarray, shape (2, 2)
        A, as :func:`carried` gives it.
    correlation : float
        Of the two swings of one moment.
    ratio : float
        Standard deviation of the second over that of the first.
    """
    if not (abs(correlation) < 1 and ratio > 0):
        return np.full(6, np.nan)
    last = np.array([np.arctanh(correlation), np.log(ratio)])
    root = _root(np.append(np.zeros(4), last))
    left, sizes, right = np.linalg.svd(np.linalg.inv(root) @ matrix @ root)
    if sizes.max() >= _MOST:
        return np.full(6, np.nan)
    whole = (left * (sizes / np.sqrt(1 - sizes**2))) @ right
    return np.append(whole.ravel(), last)


def covariances(delta: FloatArray, most: int) -> FloatArray:
    """Covariance of the swings of a moment with those so many moments before, shape (most + 1, 2, 2).

    Relative to the variance of the first outcome's swings; the later moment is in the rows.

    Parameters
    ----------
    delta : ndarray, shape (6,)
        Unconstrained parameters.
    most : int
        Moments apart.
    """
    root, inner = _root(delta), _contraction(delta)
    power, found = np.eye(2), np.empty((most + 1, 2, 2))
    for lag in range(most + 1):
        found[lag] = root @ power @ root.T
        power = inner @ power
    return found


def covariance_slopes(delta: FloatArray, most: int) -> FloatArray:
    """Derivatives of :func:`covariances` in each parameter, shape (6, most + 1, 2, 2).

    Parameters
    ----------
    delta : ndarray, shape (6,)
        Unconstrained parameters.
    most : int
        Moments apart.
    """
    return derivative(lambda at: covariances(at, most), delta)


def derivative(of: Callable[[FloatArray], FloatArray], at: FloatArray) -> FloatArray:
    """Derivatives in every parameter by differences of order four, the parameters first.

    Parameters
    ----------
    of : callable
        From parameters to an array.
    at : ndarray, shape (k,)
        Where.
    """
    found = []
    for step in _STEP * np.eye(at.size):
        near, far = of(at + step) - of(at - step), of(at + 2 * step) - of(at - 2 * step)
        found.append((8 * near - far) / (12 * _STEP))
    return np.array(found)


def _root(delta: FloatArray) -> FloatArray:
    """L, with LL' the covariance of the two swings of one moment; the first has variance 1."""
    correlation, ratio = np.tanh(delta[4]), np.exp(delta[5])
    return np.array([[1.0, 0.0], [ratio * correlation, ratio / np.cosh(delta[4])]])


def _contraction(delta: FloatArray) -> FloatArray:
    """B, whose singular values lie below one, from any four numbers."""
    left, sizes, right = np.linalg.svd(delta[:4].reshape(2, 2))
    found: FloatArray = (left * (sizes / np.sqrt(1 + sizes**2))) @ right
    return found
