"""What knowing a parameter exactly would be worth, from draws of costs and effects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.acceptability import read_draws
from mpg_research.statistics.economics.reading import read_numbers

__all__ = ["PartialInformation", "partial_information"]


@dataclass(frozen=True, slots=True)
class PartialInformation:
    """What knowing some parameters exactly would be worth; arrays of shape (k,).

    Attributes
    ----------
    threshold : ndarray
    value : ndarray
        Expected value of partial perfect information, in euros per decision.
    std_error : ndarray
        From the regression.
    upward_bias : ndarray
        By how much the value is too high on average, because a fitted mean wobbles; small beside it, or
        there are too few draws.
    """

    threshold: FloatArray
    value: FloatArray
    std_error: FloatArray
    upward_bias: FloatArray


def partial_information(
    cost_draws: ArrayLike,
    effect_draws: ArrayLike,
    *,
    parameter: ArrayLike,
    threshold: ArrayLike,
    n_knots: int = 5,
    n_simulations: int = 500,
    rng: np.random.Generator | int = 1,
) -> PartialInformation:
    """Expected value of knowing one parameter (or a few), by regression on the draws.

    Parameters
    ----------
    cost_draws, effect_draws : array_like, shape (n, s)
    parameter : array_like, shape (n,) or (n, p)
        The parameter in each draw.
    threshold : array_like, shape (k,)
    n_knots : int
        Inner knots of the cubic spline of each parameter, at quantiles; 0 or more. Several parameters have a
        spline each and the products of two: with strong interactions of other forms the value is too low.
    n_simulations : int
        Fitted means drawn anew, for the error and the bias.
    rng : Generator or int

    Returns
    -------
    PartialInformation

    Raises
    ------
    ValueError
        If a number is missing, or there are too few draws for the columns.

    Notes
    -----
    The regression of the net benefits on the parameter gives the means that would be known with it; the value
    is the mean of their maximum minus the maximum of their means. Strategies are taken relative to the first,
    which drops what they share. A parameter that does not vary is worth nothing.

    References
    ----------
    Strong, M., Oakley, J. E. & Brennan, A. (2014). Estimating multiparameter partial expected value of
    perfect information from a probabilistic sensitivity analysis sample. *Medical Decision Making*, 34,
    311-326.
    https://doi.org/10.1177/0272989X13505910
    """
    cost, effect, k = read_draws(cost_draws, effect_draws, threshold)
    n, s = cost.shape
    known = read_numbers(parameter, "parameter", n=n, dimensions=(1, 2)).reshape(n, -1)
    if n_knots < 0:
        raise ValueError(f"n_knots is {n_knots}; expected 0 or more")
    basis = _basis(known, n_knots)
    q, r = np.linalg.qr(basis)
    q = q[:, np.abs(np.diag(r)) > 1e-8 * np.abs(np.diag(r)).max()]
    if n < 10 * q.shape[1]:
        raise ValueError(
            f"{n} draws are too few for {q.shape[1]} columns; expected ten times as many or more"
        )
    generator = np.random.default_rng(rng)
    noise = generator.normal(size=(n_simulations, q.shape[1], s - 1))
    found = np.zeros((3, k.size))
    for place, euros in enumerate(k):
        own = euros * effect - cost
        own = own[:, 1:] - own[:, :1]
        beta = q.T @ own
        rest = own - q @ beta
        spread = rest.T @ rest / (n - q.shape[1])
        values, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(np.maximum(values, 0))
        value = _gain(q @ beta)
        again = np.array([_gain(q @ (beta + z @ root.T)) for z in noise])
        found[:, place] = value, again.std(ddof=1), again.mean() - value
    return PartialInformation(k, *found)


def _gain(means: FloatArray) -> float:
    """Mean of the maximum (with zero, the first strategy) minus the maximum of the means."""
    return float(np.maximum(means.max(axis=1), 0).mean() - max(float(means.mean(axis=0).max()), 0.0))


def _basis(known: FloatArray, n_knots: int) -> FloatArray:
    """A constant, a cubic spline of each column and products of two columns.

    Not a natural spline: that is straight in the tails, where a choice may turn.
    """
    columns, lines = [np.ones(known.shape[0])], []
    for values in known.T:
        spread = values.std()
        if spread == 0 or spread <= 1e-12 * np.abs(values).max():
            continue
        z = (values - values.mean()) / spread
        lines.append(z)
        knots = np.unique(np.quantile(z, np.linspace(0, 1, n_knots + 2)[1:-1]))
        columns += [z, z**2, z**3, *(np.maximum(z - knot, 0) ** 3 for knot in knots)]
    columns += [lines[i] * lines[j] for i in range(len(lines)) for j in range(i)]
    table = np.column_stack(columns)
    scaled: FloatArray = table / np.sqrt(np.mean(table**2, axis=0))
    return scaled
