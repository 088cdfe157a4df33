"""Costs that are skewed: a gamma regression with a log link, and means standardised over the case mix."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.special as special
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.gamma_regression import GammaFit, Variance, fit_gamma, sum_of_squares
from mpg_research.statistics.economics.reading import read_clusters, read_numbers

__all__ = ["StandardisedCosts", "Target", "standardised_costs"]

#: Whose mean: of the case mix of these families, or of the families they are a sample of.
Target = Literal["these", "population"]


@dataclass(frozen=True, slots=True)
class StandardisedCosts:
    """Mean costs of a groups, each over the same case mix.

    Attributes
    ----------
    groups : tuple
        Their names, in order.
    mean, std_error, conf_low, conf_high : ndarray, shape (a,)
        In euros.
    difference, difference_error, difference_low, difference_high : ndarray, shape (a,)
        From the reference; 0 with error 0 for the reference itself.
    covariance : ndarray, shape (a, a)
        Of the means.
    df : float
    level : float
    fit : GammaFit
    """

    groups: tuple[object, ...]
    mean: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    difference: FloatArray
    difference_error: FloatArray
    difference_low: FloatArray
    difference_high: FloatArray
    covariance: FloatArray
    df: float
    level: float
    fit: GammaFit


def standardised_costs(
    cost: ArrayLike,
    *,
    group: ArrayLike,
    case_mix: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reference: object = None,
    target: Target = "population",
    variance: Variance = "squared",
    small_sample: bool = True,
    level: float = 0.95,
) -> StandardisedCosts:
    """Mean cost per group, had each had the case mix of all, by gamma regression.

    Parameters
    ----------
    cost : array_like, shape (n,)
        Zero or more.
    group : array_like, shape (n,)
        Organisations, arms, strategies.
    case_mix : array_like, shape (n,) or (n, p), optional
    clusters : array_like, shape (n,), optional
    weight : array_like, shape (n,), optional
        Inverse chances of being seen completely. The case mix is averaged over all rows, weighted or not.
    reference : object, optional
        The group the others are compared with; by default the first in order.
    target : {"population", "these"}
        Whether the case mix is that of a larger population, which adds to the error, or that of exactly these
        families.
    variance : {"squared", "mean"}
        As in :func:`~mpg_research.statistics.economics.gamma_regression.fit_gamma`: the second is for costs
        that are not proportional in the case mix.
    small_sample : bool
    level : float

    Returns
    -------
    StandardisedCosts

    Raises
    ------
    ValueError
        If a number is missing or negative, the reference is unknown, a group has no costs at all, or the fit
        did not come to rest.

    Notes
    -----
    The mean of group a is the average over all families of exp(x b) with the family put into a; its error by
    the delta method from the sandwich over clusters, with the spread of that average over families for a
    population. Limits with t and clusters minus one degrees of freedom, on the scale of euros.
    """
    money = read_numbers(
        cost, "cost", least=0, remedy="a family with incomplete costs belongs in censored_costs"
    )
    n, names = money.size, np.asarray(group)
    if names.shape != (n,):
        raise ValueError(f"groups have the shape {names.shape}; expected one for each of {n} rows")
    if target not in ("these", "population") or not 0 < level < 1:
        raise ValueError("target is 'these' or 'population', and the level a share between 0 and 1")
    known, number = np.unique(names, return_inverse=True)
    wanted = known[0] if reference is None else reference
    if wanted not in known.tolist():
        raise ValueError(
            f"reference {wanted!r} is none of the groups; known are {', '.join(map(str, known))}"
        )
    a = known.size
    empty = [str(name) for place, name in enumerate(known) if not (money[number == place] > 0).any()]
    if empty:
        raise ValueError(f"group {', '.join(empty)} has no cost above zero: it has no mean on a log scale")
    columns = [np.ones(n), (number[:, None] == np.arange(1, a)).astype(float)]
    if case_mix is not None:
        columns.append(read_numbers(case_mix, "case mix", n=n, dimensions=(1, 2)))
    x = np.column_stack(columns)
    fit = fit_gamma(x, money, clusters=clusters, weight=weight, variance=variance, small_sample=small_sample)
    if not fit.converged:
        raise ValueError("the gamma regression did not come to rest; take less into the case mix")
    codes, g = read_clusters(clusters, n)
    means, own = np.zeros(a), np.zeros((n, a))
    # A family put into a group is the group's level times what its case mix makes of it.
    mixed = np.exp(x[:, a:] @ fit.estimate[a:])
    slopes = (x[:, a:] * mixed[:, None]).mean(axis=0)
    for place in range(a):
        scale = float(np.exp(fit.estimate[0] + (fit.estimate[place] if place else 0.0)))
        means[place] = scale * mixed.mean()
        gradient = np.zeros(x.shape[1])
        gradient[[0, place]] = means[place]
        gradient[a:] = scale * slopes
        own[:, place] = fit.influence @ gradient
        if target == "population":
            own[:, place] += (scale * mixed - means[place]) / n
    factor = fit.n_clusters / fit.df if small_sample else 1.0
    covariance = factor * sum_of_squares(own, codes, g)
    at = known.tolist().index(wanted)
    v = np.diagonal(covariance)
    spread = np.sqrt(np.maximum(v + v[at] - 2 * covariance[at], 0))
    spread[at] = 0.0
    error, difference = np.sqrt(np.maximum(v, 0)), means - means[at]
    t = float(special.stdtrit(fit.df, 0.5 + level / 2))
    return StandardisedCosts(
        tuple(known.tolist()),
        means,
        error,
        means - t * error,
        means + t * error,
        difference,
        spread,
        difference - t * spread,
        difference + t * spread,
        covariance,
        fit.df,
        level,
        fit,
    )
