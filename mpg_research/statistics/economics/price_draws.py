"""Prices drawn from the range that is stated for them: the probabilistic sensitivity of costs to prices."""

from typing import Any, Literal

import numpy as np
from scipy import optimize, stats

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.reading import read_numbers

__all__ = ["Distribution", "draw_price"]

Distribution = Literal["fixed", "gamma", "lognormal", "triangular"]
#: Quantiles that a stated range is: 95 % lies within.
_ENDS = (0.025, 0.975)
#: Where no distribution has both the mean and the range, the range counts and the mean is off by at most this
#: share, or it is refused.
_OFF = 0.1


def draw_price(
    price: float, low: float, high: float, *, distribution: Distribution, n: int,
    rng: np.random.Generator | int,
) -> FloatArray:  # fmt: skip
    """Draw a price whose mean is stated, and between which limits it lies with 95 %.

    Parameters
    ----------
    price : float
        What is expected of it, in euros, above 0.
    low, high : float
        The 2.5 and 97.5 % quantiles; not looked at where the price is fixed.
    distribution : {"fixed", "gamma", "lognormal", "triangular"}
    n : int
    rng : Generator or int

    Returns
    -------
    ndarray, shape (n,)
        With the stated mean exactly.

    Raises
    ------
    ValueError
        If the range does not hold the price, is not above 0, or no such distribution comes near both.

    Notes
    -----
    A gamma and a lognormal distribution have two parameters: they are those with the two quantiles,
    multiplied so that the mean is the price. A triangular one has three: those with mean and both quantiles;
    where there is none (a price near one of its limits), as the others.

    Examples
    --------
    >>> drawn = draw_price(100, 80, 125, distribution="lognormal", n=20000, rng=1)
    >>> bool(abs(drawn.mean() - 100) < 1)
    True
    """
    if distribution == "fixed":
        return np.full(n, float(price))
    read_numbers([price, low, high], "price and its range", above=0)
    if not low < price < high:
        raise ValueError(
            f"the price {price:g} lies outside its range {low:g} to {high:g}; correct one of them, or call "
            "the price fixed"
        )
    generator = np.random.default_rng(rng)
    found = {"gamma": _gamma, "lognormal": _lognormal, "triangular": _triangular}[distribution](
        low, high, price
    )
    off = price / float(found.mean())
    if abs(off - 1) > _OFF:
        raise ValueError(
            f"no {distribution} distribution has a mean near {price:g} and lies within {low:g} to {high:g} "
            "with 95 %; state the mean of the price, or another distribution"
        )
    uniform = generator.random(n)
    return np.asarray(found.ppf(uniform) * off, dtype=float)


def _lognormal(low: float, high: float, price: float) -> Any:
    wide = stats.norm.ppf(_ENDS[1]) - stats.norm.ppf(_ENDS[0])
    spread = (np.log(high) - np.log(low)) / wide
    middle = (np.log(high) + np.log(low)) / 2
    return stats.lognorm(spread, scale=float(np.exp(middle)))


def _gamma(low: float, high: float, price: float) -> Any:
    def too_wide(log_shape: float) -> float:
        one = stats.gamma(np.exp(log_shape))
        return float(np.log(one.ppf(_ENDS[1]) / one.ppf(_ENDS[0])) - np.log(high / low))

    shape = float(np.exp(optimize.brentq(too_wide, -3.0, 25.0)))
    return stats.gamma(shape, scale=low / float(stats.gamma(shape).ppf(_ENDS[0])))


def _triangular(low: float, high: float, price: float) -> Any:
    """By the shape c: with its standard quantiles and mean, width and start follow."""

    def of(c: float) -> Any:
        one = stats.triang(c)
        first, last = one.ppf(_ENDS[0]), one.ppf(_ENDS[1])
        width = (high - low) / (last - first)
        return stats.triang(c, loc=low - width * first, scale=width)

    def off(c: float) -> float:
        return float(of(c).mean()) - price

    ends = off(0.0), off(1.0)
    if ends[0] * ends[1] > 0:  # skewed beyond what a triangle can be: the nearest one
        return of(0.0) if abs(ends[0]) < abs(ends[1]) else of(1.0)
    return of(float(optimize.brentq(off, 0.0, 1.0)))
