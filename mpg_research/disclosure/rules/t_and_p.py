"""A t and its p-value, each from the other: without the libraries that a page does not need otherwise."""

from functools import cache
from math import erfc, lgamma, log, pi, sqrt

import numpy as np

from mpg_research.arrays import FloatArray

__all__ = ["statistic_of", "two_sided"]

#: Nodes of the integral over the tail; beyond so many standard deviations further nothing is left of it.
_NODES, _FAR = 160, 12.0
_STEPS = 8


def two_sided(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """The two-sided p-value of a t, to some seven digits.

    Parameters
    ----------
    statistic : ndarray
    df : ndarray
        Infinite for the normal distribution.

    Returns
    -------
    ndarray

    Notes
    -----
    With t = sqrt(df) tan(a) the tail is an integral of a power of cos(a) from there to a right angle.

    Examples
    --------
    >>> two_sided(np.array([1.96, 2.086, -0.5]), np.array([np.inf, 20.0, 3.0])).round(4)
    array([0.05  , 0.05  , 0.6514])
    """
    size = np.abs(np.asarray(statistic, dtype=float))
    found = np.array([erfc(value / sqrt(2)) for value in size])
    finite = np.isfinite(df) & np.isfinite(size)
    if finite.any():
        nu = np.asarray(df, dtype=float)[finite]
        first = np.arctan(size[finite] / np.sqrt(nu))
        width = np.minimum(pi / 2 - first, _FAR / np.sqrt(nu))
        places, weights = _gauss()
        angle = first[:, None] + width[:, None] * places
        with np.errstate(divide="ignore"):
            power = (nu[:, None] - 1) * np.log(np.cos(np.minimum(angle, pi / 2)))
        found[finite] = 2 * width * (np.exp(power + _log_constant(nu)[:, None]) @ weights)
    return np.asarray(np.minimum(found, 1.0))


def statistic_of(p_value: FloatArray, df: FloatArray, *, near: FloatArray) -> FloatArray:
    """The size of the t that has this two-sided p-value.

    Parameters
    ----------
    p_value : ndarray
        Above 0, at most 1.
    df : ndarray
        Infinite for the normal distribution.
    near : ndarray
        Where to begin to look: a t with a p-value like it.

    Returns
    -------
    ndarray
        NaN where none was found.

    Examples
    --------
    >>> statistic_of(np.array([0.05, 0.05]), np.array([20.0, np.inf]), near=np.array([2.3, 1.8])).round(3)
    array([2.086, 1.96 ])
    """
    wanted, size = np.log(p_value), np.maximum(np.abs(near), 1e-6)
    with np.errstate(all="ignore"):  # where tails vanish nothing is found, which is said
        for _ in range(_STEPS):
            p = two_sided(size, df)
            # Newton on the logarithm, in which the tail is nearly straight.
            size = np.maximum(size + (np.log(p) - wanted) * p / (2 * _density(size, df)), size / 4)
        found = np.isclose(np.log(two_sided(size, df)), wanted, rtol=1e-5, atol=1e-5)
    return np.where(found, size, np.nan)


@cache
def _gauss() -> tuple[FloatArray, FloatArray]:
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    return (places + 1) / 2, weights / 2


def _log_constant(nu: FloatArray) -> FloatArray:
    known = {value: lgamma((value + 1) / 2) - lgamma(value / 2) - log(pi) / 2 for value in set(nu.tolist())}
    return np.array([known[value] for value in nu.tolist()])


def _density(size: FloatArray, df: FloatArray) -> FloatArray:
    found = np.exp(-(size**2) / 2) / sqrt(2 * pi)
    finite = np.isfinite(df)
    if finite.any():
        nu = df[finite]
        power = (nu + 1) / 2 * np.log1p(size[finite] ** 2 / nu)
        found[finite] = np.exp(_log_constant(nu) - np.log(nu) / 2 - power)
    return np.asarray(found)
