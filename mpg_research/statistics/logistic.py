"""Logistic regression: with errors for clusters (statsmodels), and a fast one for simulations and shares."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.special import expit, stdtr, stdtrit

from mpg_research.arrays import FloatArray

__all__ = ["ClusteredLogistic", "PenalisedLogistic", "clustered_logistic", "penalised_logistic"]

#: Steps, and the change of coefficients at which they stop: where a column tells yes and no apart the
#: coefficients never stop changing.
_STEPS, _SMALL = 50, 1e-10
#: Numbers that are weighted at once: so many stay near the processor.
_NUMBERS_AT_ONCE = 50_000
#: The same for single fits; the step after one so small is no more than rounding.
_AT_REST = 1e-8
#: How far yes and no lie apart together, in standard deviations: more than a linear programme's rounding.
_TOLD_APART = 1e-3


@dataclass(frozen=True, slots=True)
class ClusteredLogistic:
    """Coefficients on the log-odds scale; arrays of shape (p,), NaN where the fit did not arrive.

    Attributes
    ----------
    estimate, std_error, statistic, p_value, conf_low, conf_high : ndarray
        With robust standard errors over clusters and t with (clusters - 1) degrees of freedom.
    df : float
    converged : bool
    """

    estimate: FloatArray
    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    df: float
    converged: bool


def clustered_logistic(
    x: ArrayLike, happened: ArrayLike, clusters: ArrayLike, *, level: float = 0.95
) -> ClusteredLogistic:
    """Fit a logistic regression by maximum likelihood with cluster-robust standard errors.

    Parameters
    ----------
    x : array_like, shape (n, p)
        Predictors, a column of ones among them.
    happened : array_like of bool, shape (n,)
    clusters : array_like, shape (n,)
    level : float

    Returns
    -------
    ClusteredLogistic
        Without numbers where everybody or nobody has it, with fewer than two clusters, no more rows than
        columns, columns that say the same, or columns that tell yes and no apart perfectly.

    Notes
    -----
    statsmodels' logit model with the sandwich variance B^-1 (sum over clusters of u u') B^-1, u the
    cluster's score (a GEE with working independence), times m / (m - 1) for m clusters. Whether there is a
    maximum at all is a question of its own (Konis): coefficients that run away can look as if they had come
    to rest, with small errors.

    References
    ----------
    Konis, K. (2007). *Linear programming algorithms for detecting separated data in binary logistic
    regression models*. Thesis, University of Oxford.

    Liang, K.-Y. & Zeger, S. L. (1986). Biometrika, 73, 13-22. https://doi.org/10.1093/biomet/73.1.13
    """
    design, y = np.asarray(x, dtype=float), np.asarray(happened, dtype=float)
    names, codes = np.unique(np.asarray(clusters).astype(str), return_inverse=True)
    m, (n, p) = names.size, design.shape
    df = float(m - 1)
    enough = m >= 2 and n > p and 0 < y.mean() < 1 and np.linalg.matrix_rank(design) == p
    if enough and not _told_apart(design, y):
        found = _fit_by_statsmodels(design, y, codes)
        if found is not None:
            beta, covariance = found
            error = np.sqrt(np.diagonal(covariance) * m / df)
            half = float(stdtrit(df, 0.5 + level / 2)) * error
            p_value = np.asarray(2 * stdtr(df, -np.abs(beta / error)), dtype=np.float64)
            return ClusteredLogistic(beta, error, beta / error, p_value, beta - half, beta + half, df, True)
    nothing = np.full(p, np.nan)
    return ClusteredLogistic(nothing, nothing, nothing, nothing, nothing, nothing, df, False)


def _told_apart(design: FloatArray, y: FloatArray) -> bool:
    """Whether some line of the columns has all yes on one side and all no on the other, or on the line."""
    spread = design.std(axis=0)
    towards = np.where(y > 0, 1.0, -1.0)[:, None] * design / np.where(spread > 0, spread, 1.0)
    best = linprog(-towards.sum(axis=0), A_ub=-towards, b_ub=np.zeros(len(y)), bounds=(-1, 1))
    return best.fun is None or bool(-best.fun > _TOLD_APART)


def _fit_by_statsmodels(
    design: FloatArray, y: FloatArray, clusters: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray] | None:
    """Coefficients and their sandwich covariance; None where the coefficients do not come to rest."""
    from statsmodels.discrete.discrete_model import Logit

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of separation and of no convergence: that is what None says
        try:
            fit = Logit(y, design).fit(
                method="newton",
                maxiter=_STEPS,
                tol=_AT_REST,
                disp=False,
                cov_type="cluster",
                cov_kwds={"groups": clusters, "use_correction": False},
            )
        except np.linalg.LinAlgError:
            return None
        estimate, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
    arrived = fit.mle_retvals["converged"] and np.isfinite(covariance).all()
    return (estimate, covariance) if arrived else None


@dataclass(frozen=True, slots=True)
class PenalisedLogistic:
    """A logistic regression of k columns.

    Attributes
    ----------
    estimate : ndarray, shape (k,)
        Log-odds.
    covariance : ndarray, shape (k, k)
    converged : bool
        False where the coefficients did not come to rest.
    """

    estimate: FloatArray
    covariance: FloatArray
    converged: bool


def _weighted_moment(x: FloatArray, weight: FloatArray) -> FloatArray:
    """X'WX, by so many rows that no copy of all is made."""
    at_once = max(1, _NUMBERS_AT_ONCE // x.shape[1])
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), at_once):
        some = x[start : start + at_once]
        total += (some * weight[start : start + at_once, None]).T @ some
    return total


def penalised_logistic(
    design: ArrayLike,
    outcome: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    penalty: float = 0.0,
    robust: bool = False,
) -> PenalisedLogistic:
    """Logistic regression by Newton's method; all coefficients but the first may be drawn towards zero.

    Parameters
    ----------
    design : array_like, shape (n, k)
        A column of ones comes first.
    outcome : array_like, shape (n,)
        0 and 1, a chance, or a pseudo-observation of one, which may lie outside 0 to 1. Their mean does not.
    weight : array_like, shape (n,), optional
        How often each row counts.
    penalty : float
        Half of it times the squared coefficients is taken off the log-likelihood, but for the first one.
    robust : bool
        Whether the covariance is a sandwich: for outcomes that spread more than yes and no do.

    Returns
    -------
    PenalisedLogistic

    Notes
    -----
    By hand, since statsmodels has no ridge with a covariance (``fit_regularized`` stops at four digits and
    gives none) and takes eight times as long for one fit, of which a bootstrap makes thousands.
    """
    x, y = np.asarray(design, dtype=float), np.asarray(outcome, dtype=float)
    w = np.ones(y.size) if weight is None else np.asarray(weight, dtype=float)
    pull = np.full(x.shape[1], float(penalty))
    pull[0] = 0.0
    beta = np.zeros(x.shape[1])
    share = float(np.average(y, weights=w))
    beta[0] = np.log(share / (1 - share))
    hessian, converged = np.eye(beta.size), False
    for _ in range(_STEPS):
        p = expit(x @ beta)
        gradient = x.T @ (w * (y - p)) - pull * beta
        hessian = _weighted_moment(x, w * p * (1 - p)) + np.diag(pull + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        largest = float(np.abs(step).max())
        beta = beta + step * min(1.0, 5.0 / max(largest, 1e-300))
        if largest < _SMALL:
            converged = True
            break
    inverse: FloatArray = np.linalg.inv(hessian).astype(np.float64)
    if robust:
        scores = x * (w * (y - expit(x @ beta)))[:, None]
        inverse = inverse @ (scores.T @ scores) @ inverse
    return PenalisedLogistic(beta, inverse, converged)
