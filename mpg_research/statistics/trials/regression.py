"""Weighted regression with errors for clusters, also where there are few of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums

__all__ = ["Correction", "Family", "WeightedFit", "weighted_regression", "with_errors"]

#: Of the outcome: a score, or yes and no.
Family = Literal["gaussian", "binomial"]
#: Of the sandwich: none (HC0); G / (G - 1); that and (n - 1) / (n - p); leverage (Bell & McCaffrey).
Correction = Literal["none", "clusters", "stata", "leverage"]
#: Steps of the iterations and the change at which they stop.
_STEPS, _AT_REST = 100, 1e-13
#: Eigenvalues below this share of one belong to directions that a cluster alone determines.
_NOTHING_LEFT = 1e-8


@dataclass(frozen=True, slots=True)
class WeightedFit:
    """Coefficients of a weighted regression; arrays of shape (p,), NaN where there is no fit.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : ndarray
        On the scale of the linear predictor, with t and the degrees of freedom of each coefficient.
    covariance : ndarray, shape (p, p)
        The sandwich.
    n_clusters : int
    converged : bool
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    covariance: FloatArray
    n_clusters: int
    converged: bool


def weighted_regression(
    design: ArrayLike,
    outcome: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    family: Family = "gaussian",
    correction: Correction = "clusters",
    level: float = 0.95,
) -> WeightedFit:
    """Fit a linear or logistic regression with sampling weights and cluster-robust errors.

    Parameters
    ----------
    design : array_like, shape (n, p)
    outcome : array_like, shape (n,)
    weight : array_like, shape (n,), optional
        Inverse chances, not precisions.
    clusters : array_like, shape (n,), optional
        Who belongs together; by default every row is its own.
    family : {"gaussian", "binomial"}
    correction : {"none", "clusters", "stata", "leverage"}
        ``clusters`` is what TrialEmulation and survey do; ``leverage`` is CR2, with the degrees of freedom of
        Satterthwaite, for few clusters.
    level : float
        Of the intervals.

    Returns
    -------
    WeightedFit
        Not converged, without numbers, where there are fewer than two clusters or columns say the same.

    Notes
    -----
    Coefficients come from statsmodels' GLM, the sandwich B M B from here: of CR2 statsmodels has a form for
    GEE only, without degrees of freedom. CR2's working model is equal variance and independence; for a
    logistic regression it uses the linear form at the estimate.

    References
    ----------
    Bell, R. M. & McCaffrey, D. F. (2002). Survey Methodology, 28, 169-181.

    Pustejovsky, J. E. & Tipton, E. (2018). Journal of Business & Economic Statistics, 36, 672-683.
    https://doi.org/10.1080/07350015.2016.1247004
    """
    x, y = np.asarray(design, dtype=float), np.asarray(outcome, dtype=float)
    n, p = x.shape
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
    names = np.arange(n) if clusters is None else np.asarray(clusters)
    codes = np.unique(names, return_inverse=True)[1].astype(np.intp)
    g = int(codes.max()) + 1 if n else 0
    if g < 2 or n <= p or np.linalg.matrix_rank(x * np.sqrt(np.maximum(w, 0))[:, None]) < p:
        return _nothing(p, g)
    estimate = _coefficients(x, y, w, family)
    if estimate is None:
        return _nothing(p, g)
    mean, spread = x @ estimate, np.ones(n)
    if family == "binomial":
        mean = 1 / (1 + np.exp(-mean))
        spread = mean * (1 - mean)
    bread = np.linalg.inv((x * (w * spread)[:, None]).T @ x)
    df = np.full(p, float(g - 1))
    if correction == "leverage":
        root = np.sqrt(spread)
        residual = (y - mean) / np.maximum(root, 1e-150)
        covariance, df = _leverage(x * root[:, None], residual, w, codes, bread, g)
    else:
        scores = cluster_sums(x * (w * (y - mean))[:, None], codes, g)
        factor = {"none": 1.0, "clusters": g / (g - 1), "stata": g / (g - 1) * (n - 1) / (n - p)}[correction]
        covariance = factor * bread @ (scores.T @ scores) @ bread
    return _with_tests(estimate, covariance, df, g, level)


def with_errors(fit: WeightedFit, factor: ArrayLike, *, level: float = 0.95) -> WeightedFit:
    """The same fit with other standard errors.

    Parameters
    ----------
    fit : WeightedFit
    factor : array_like, shape (p,)
        By which the standard error of each coefficient is multiplied.
    level : float
        Of the intervals.

    Returns
    -------
    WeightedFit
    """
    scale = np.asarray(factor, dtype=float)
    if not fit.converged:
        return fit
    covariance = fit.covariance * np.outer(scale, scale)
    return _with_tests(fit.estimate, covariance, fit.df, fit.n_clusters, level)


def _coefficients(x: FloatArray, y: FloatArray, w: FloatArray, family: Family) -> FloatArray | None:
    """By statsmodels; None where the iterations do not come to rest."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import WLS

    if family == "gaussian":
        return np.asarray(WLS(y, x, weights=w).fit().params, dtype=np.float64)
    with np.errstate(all="ignore"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = GLM(y, x, family=Binomial(), freq_weights=w).fit(maxiter=_STEPS, tol=_AT_REST)
            except (np.linalg.LinAlgError, ValueError):
                return None
    estimate = np.asarray(fit.params, dtype=np.float64)
    return estimate if np.isfinite(estimate).all() and np.abs(x @ estimate).max() < 30 else None


def _leverage(
    x: FloatArray, residual: FloatArray, w: FloatArray, codes: IntArray, bread: FloatArray, g: int
) -> tuple[FloatArray, FloatArray]:
    """CR2 covariance, shape (p, p), and Satterthwaite's degrees of freedom of each coefficient, shape (p,).

    With H_g = x_g B x_g' w_g the residuals of a cluster have the working covariance C_g = I - H_g - H_g' +
    x_g B (x' w^2 x) B x_g', and A_g is the inverse root of C_g. It differs from I only in the span of x_g
    and w_g x_g, so that a large cluster needs no large matrix.
    """
    p = x.shape[1]
    wx = x * w[:, None]
    middle = bread @ (wx.T @ wx) @ bread
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(g + 1))
    scores, a_a, s, t = np.zeros((g, p)), np.zeros((g, p)), np.zeros((g, p, p)), np.zeros((g, p, p))
    for cluster in range(g):
        rows = order[edges[cluster] : edges[cluster + 1]]
        xg, wg, wxg = x[rows], w[rows], wx[rows]
        basis = np.linalg.qr(np.column_stack([xg, wxg]))[0]
        xb, wxb = basis.T @ xg, basis.T @ wxg
        cross = xb @ bread @ wxb.T
        inner = np.eye(basis.shape[1]) - cross - cross.T + xb @ middle @ xb.T
        values, vectors = np.linalg.eigh((inner + inner.T) / 2)
        root = np.where(values > _NOTHING_LEFT, 1 / np.sqrt(np.maximum(values, _NOTHING_LEFT)), 0.0)
        change = (vectors * root) @ vectors.T - np.eye(basis.shape[1])
        adjusted = wxg + basis @ (change @ (basis.T @ wxg))  # A_g w_g x_g
        scores[cluster] = adjusted.T @ residual[rows]
        a = adjusted @ bread  # a column of it per coefficient
        a_a[cluster] = (a**2).sum(axis=0)
        s[cluster], t[cluster] = xg.T @ a, xg.T @ (wg[:, None] * a)
    covariance = bread @ (scores.T @ scores) @ bread
    df = np.zeros(p)
    for place in range(p):
        sg, tg = s[:, :, place], t[:, :, place]
        mixed = tg @ bread @ sg.T
        together = np.diag(a_a[:, place]) - mixed - mixed.T + sg @ middle @ sg.T
        total = float((together**2).sum())
        df[place] = np.trace(together) ** 2 / total if total > 0 else np.nan
    return covariance, df


def _with_tests(
    estimate: FloatArray, covariance: FloatArray, df: FloatArray, g: int, level: float
) -> WeightedFit:
    error = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    with np.errstate(all="ignore"):
        statistic = estimate / error
        half = np.asarray(stdtrit(df, 0.5 + level / 2), dtype=float) * error
        p_value = np.asarray(2 * stdtr(df, -np.abs(statistic)), dtype=np.float64)
    return WeightedFit(
        estimate, error, df, statistic, p_value, estimate - half, estimate + half, covariance, g, True
    )


def _nothing(p: int, g: int) -> WeightedFit:
    none = np.full(p, np.nan)
    return WeightedFit(none, none, none, none, none, none, none, np.full((p, p), np.nan), g, False)
