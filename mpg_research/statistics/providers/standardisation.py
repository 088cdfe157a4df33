"""Comparing providers as if they had the same clients: direct and indirect standardisation.

Arrays in, a linear model with one level per provider, optionally with slopes of its own per provider.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray

__all__ = [
    "FixedProviders",
    "Reference",
    "Standardised",
    "fit_fixed_providers",
    "standardise_providers",
    "standardised_difference",
]

Reference = Literal["mean", "median"]

#: Sum of squares within providers, in units of the column's variance, that is no more than rounding.
_NO_VARIATION = 1e-9


@dataclass(frozen=True, slots=True)
class FixedProviders:
    """Ordinary least squares with a level per provider.

    Attributes
    ----------
    effect : ndarray, shape (g,)
        Expected outcome at each provider of a client whose case mix is zero in every column.
    slopes : ndarray, shape (g, k)
        Slopes of the case mix at each provider; g equal rows without interactions.
    covariance : ndarray, shape (g, g)
        Of the expected outcomes at the providers of the study's average client.
    at_average : ndarray, shape (g,)
        Those expected outcomes.
    size : ndarray of int, shape (g,)
        Clients of each provider.
    residual_sd : float
    df : int
        Residual degrees of freedom.
    codes : ndarray of int, shape (n,)
        Provider of each client, 0 .. g - 1.
    """

    effect: FloatArray
    slopes: FloatArray
    covariance: FloatArray
    at_average: FloatArray
    size: IntArray
    residual_sd: float
    df: int
    codes: IntArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standardised:
    """Standardised outcomes of g providers; each array of shape (g,).

    Attributes
    ----------
    observed : ndarray
        Mean outcome of the provider's clients.
    expected : ndarray
        Mean outcome expected of these clients at the reference.
    indirect : ndarray
        Observed minus expected: how the provider's own clients do.
    predicted : ndarray
        Mean outcome expected if all clients of the study went to the provider.
    direct : ndarray
        Predicted minus the reference's value: how the study's clients would do.
    reference_value : float
        Mean outcome expected if all clients of the study went to the reference.
    reference : str or float
    """

    observed: FloatArray
    expected: FloatArray
    indirect: FloatArray
    predicted: FloatArray
    direct: FloatArray
    reference_value: float
    reference: Reference | float


def fit_fixed_providers(
    outcome: ArrayLike, provider: ArrayLike, case_mix: ArrayLike | None = None, *, interactions: bool = False
) -> FixedProviders:
    """Fit outcome = level of the provider + case mix by ordinary least squares.

    Parameters
    ----------
    outcome : array_like, shape (n,)
    provider : array_like of int, shape (n,)
        0 .. g - 1, each occurring.
    case_mix : array_like, shape (n, k), optional
        Numeric columns.
    interactions : bool
        Slopes of the case mix differ between providers.

    Returns
    -------
    FixedProviders

    Raises
    ------
    ValueError
        If shapes do not fit, a value is missing, a provider has no clients, or (with interactions) too few
        for slopes of its own, or no degrees of freedom are left.

    Notes
    -----
    By the within transformation (Frisch, Waugh & Lovell), so that thousands of providers need no dummy
    columns: slopes from deviations from provider means, levels from the means.

    Examples
    --------
    >>> fit = fit_fixed_providers([1.0, 2.0, 5.0, 6.0], [0, 0, 1, 1], [[0.0], [1.0], [0.0], [1.0]])
    >>> fit.effect.round(6).tolist(), fit.slopes[:, 0].round(6).tolist()
    ([1.0, 5.0], [1.0, 1.0])
    """
    y, codes, x = _arrays(outcome, provider, case_mix)
    size = np.bincount(codes)
    g, k = size.size, x.shape[1]
    if np.any(size == 0):
        raise ValueError("every provider needs clients")
    means = np.stack([np.bincount(codes, column) / size for column in x.T], axis=1) if k else np.zeros((g, 0))
    y_means = np.bincount(codes, y) / size
    within_x, within_y = x - means[codes], y - y_means[codes]
    df = y.size - g - k * (g if interactions else 1)
    if df < 1:
        raise ValueError(f"{y.size} clients of {g} providers leave no degrees of freedom")
    centred = x.mean(axis=0) - means
    if not interactions:
        slopes, gram = _slopes(within_x, within_y, x)
        residual = within_y - within_x @ slopes
        slopes_all = np.repeat(slopes[None, :], g, axis=0)
        shared = centred @ gram @ centred.T
    else:
        parts = [_slopes(within_x[codes == i], within_y[codes == i], x) for i in range(g)]
        slopes_all = np.stack([part[0] for part in parts])
        residual = within_y - np.sum(within_x * slopes_all[codes], axis=1)
        shared = np.diag([float(c @ part[1] @ c) for c, part in zip(centred, parts, strict=True)])
    variance = float(residual @ residual) / df
    effect = y_means - np.sum(means * slopes_all, axis=1)
    return FixedProviders(
        effect=effect,
        slopes=slopes_all,
        covariance=variance * (np.diag(1.0 / size) + shared),
        at_average=effect + slopes_all @ x.mean(axis=0),
        size=size,
        residual_sd=float(np.sqrt(variance)),
        df=int(df),
        codes=codes,
    )


def _slopes(x: FloatArray, y: FloatArray, everyone: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least-squares slopes and the inverse of X'X, for columns centred within providers."""
    if x.shape[1] == 0:
        return np.zeros(0), np.zeros((0, 0))
    scale = everyone.std(axis=0)
    scaled = x / np.where(scale > 0, scale, 1.0)
    if np.linalg.eigvalsh(scaled.T @ scaled).min() < _NO_VARIATION:
        raise ValueError(
            "the case mix does not vary enough within providers to estimate its slopes; leave a column out, "
            "or the interactions"
        )
    inverse = np.linalg.inv(x.T @ x).astype(np.float64)
    return inverse @ (x.T @ y), inverse


def standardise_providers(
    outcome: ArrayLike,
    provider: ArrayLike,
    case_mix: ArrayLike | None,
    *,
    effect: ArrayLike,
    slopes: ArrayLike,
    reference: Reference | float = "mean",
) -> Standardised:
    """Direct and indirect standardisation from a linear model's coefficients.

    Parameters
    ----------
    outcome, provider, case_mix
        As in :func:`fit_fixed_providers`.
    effect : array_like, shape (g,)
        Level of each provider.
    slopes : array_like, shape (k,) or (g, k)
        Slopes of the case mix, common or of each provider.
    reference : {"mean", "median"} or float
        The study mean (providers weighing as their clients), the provider whose outcome for the average
        client is the median, or a level.

    Returns
    -------
    Standardised

    Notes
    -----
    With common slopes, ``direct`` and ``indirect`` are both the provider's level minus the reference's, if
    the levels are those of least squares. With slopes that differ they answer different questions.

    Examples
    --------
    >>> y, p, x = [1.0, 2.0, 5.0, 6.0], [0, 0, 1, 1], [[0.0], [1.0], [0.0], [1.0]]
    >>> found = standardise_providers(y, p, x, effect=[1.0, 5.0], slopes=[1.0])
    >>> found.direct.tolist(), found.indirect.tolist()
    ([-2.0, 2.0], [-2.0, 2.0])
    """
    y, codes, x = _arrays(outcome, provider, case_mix)
    gamma, beta = np.asarray(effect, dtype=float), np.asarray(slopes, dtype=float)
    beta = np.broadcast_to(beta, (gamma.size, x.shape[1]))
    size = np.bincount(codes, minlength=gamma.size)
    predicted = gamma + beta @ x.mean(axis=0)
    level, slope = _reference(gamma, beta, predicted, size, reference)
    expected_each = level + x @ slope
    observed = np.bincount(codes, y, minlength=gamma.size) / size
    expected = np.bincount(codes, expected_each, minlength=gamma.size) / size
    value = float(expected_each.mean())
    return Standardised(
        observed, expected, observed - expected, predicted, predicted - value, value, reference
    )


def _reference(
    gamma: FloatArray, beta: FloatArray, predicted: FloatArray, size: IntArray, reference: Reference | float
) -> tuple[float, FloatArray]:
    """Level and slopes of the reference."""
    weights = size / size.sum()
    if reference == "mean":
        return float(weights @ gamma), weights @ beta
    if reference == "median":
        common = weights @ beta
        shift = float(np.median(predicted) - weights @ predicted)
        return float(weights @ gamma) + shift, common
    try:
        return float(reference), weights @ beta
    except ValueError:
        raise ValueError(f"reference must be 'mean', 'median' or a number; found {reference!r}") from None


def standardised_difference(mine: ArrayLike, others: ArrayLike) -> float:
    """Difference of two means (or shares) in pooled standard deviations; NaN without spread.

    Parameters
    ----------
    mine, others : array_like, shape (n,) and (m,)
        Values of a provider's clients and of all others; 0 and 1 for a yes/no column.

    References
    ----------
    Austin, P. C. (2009). Balance diagnostics for comparing the distribution of baseline covariates.
    *Statistics in Medicine*, 28, 3083-3107. https://doi.org/10.1002/sim.3697

    Examples
    --------
    >>> round(standardised_difference([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), 3)
    -1.0
    """
    a, b = np.asarray(mine, dtype=float), np.asarray(others, dtype=float)
    if a.size < 2 or b.size < 2:
        return float("nan")
    binary = set(np.unique(np.concatenate([a, b]))) <= {0.0, 1.0}
    ddof = 0 if binary else 1
    spread = np.sqrt((a.var(ddof=ddof) + b.var(ddof=ddof)) / 2)
    return float((a.mean() - b.mean()) / spread) if spread > 0 else float("nan")


def _arrays(
    outcome: ArrayLike, provider: ArrayLike, case_mix: ArrayLike | None
) -> tuple[FloatArray, IntArray, FloatArray]:
    y, codes = np.asarray(outcome, dtype=float), np.asarray(provider)
    x = np.zeros((y.size, 0)) if case_mix is None else np.asarray(case_mix, dtype=float)
    if y.ndim != 1 or codes.shape != y.shape or x.ndim != 2 or x.shape[0] != y.size or not y.size:
        raise ValueError(f"shapes do not fit: outcome {y.shape}, provider {codes.shape}, case mix {x.shape}")
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(x))):
        raise ValueError("outcome and case mix must not have missing values")
    if codes.dtype.kind not in "iu" or codes.min() < 0:
        raise ValueError("provider must hold the numbers 0, 1, ... of the providers")
    return y, codes.astype(np.intp), x
