"""A gamma regression with a log link, for costs: skewed, and proportional in the case mix."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.reading import read_clusters, read_numbers

__all__ = ["GammaFit", "Variance", "fit_gamma", "sum_of_squares"]

#: How the variance of a cost grows: with the square of its mean (gamma), or with its mean (as Poisson).
Variance = Literal["squared", "mean"]
#: Steps of statsmodels' iterations, and the change of coefficients at which they stop.
_STEPS, _AT_REST = 200, 1e-11
#: Newton's steps after that.
_POLISH = 3
#: Linear predictors beyond this (in units of log euros) have run away.
_AWAY = 50.0


@dataclass(frozen=True, slots=True)
class GammaFit:
    """A gamma regression with a log link; arrays of shape (p,).

    Attributes
    ----------
    estimate : ndarray
        On the log scale.
    std_error : ndarray
        With the sandwich over clusters.
    model_error : ndarray
        As if the gamma distribution were true and families independent.
    covariance : ndarray, shape (p, p)
        The sandwich.
    influence : ndarray, shape (n, p)
        What each row adds to the estimate (a step of Newton's); the sandwich is the sum of squares over
        clusters, times the factor.
    dispersion : float
        Pearson's: squared residuals over mean squared (or over the mean), on average.
    fitted : ndarray, shape (n,)
    df : float
        Clusters minus one.
    n_clusters : int
    converged : bool
        Whether the iterations came to rest; if not, the numbers may not be used.
    """

    estimate: FloatArray
    std_error: FloatArray
    model_error: FloatArray
    covariance: FloatArray
    influence: FloatArray
    dispersion: float
    fitted: FloatArray
    df: float
    n_clusters: int
    converged: bool


def fit_gamma(
    design: ArrayLike,
    cost: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    variance: Variance = "squared",
    small_sample: bool = True,
) -> GammaFit:
    """Fit a gamma regression with a log link, with errors for clusters.

    Parameters
    ----------
    design : array_like, shape (n, p)
        With a column of ones.
    cost : array_like, shape (n,)
        Zero or more; families without costs count (see Notes).
    clusters : array_like, shape (n,), optional
        By default every row is its own.
    weight : array_like, shape (n,), optional
        Inverse chances of being seen completely
        (:func:`~mpg_research.statistics.economics.follow_up.completeness_weights`), as known; zero leaves a
        row out.
    variance : {"squared", "mean"}
        The gamma distribution's, or that of a Poisson quasi-likelihood (see Notes).
    small_sample : bool
        Whether the sandwich is multiplied by G / (G - 1) for G clusters; without it is CR0.

    Returns
    -------
    GammaFit

    Raises
    ------
    ValueError
        If a number is missing or negative, all costs are zero, there are fewer than two clusters, or a column
        follows from the others.

    Notes
    -----
    The gamma's estimating equations are the sum of x (y - m) / m with m = exp(x b): right for the mean
    whatever the distribution, as long as costs are proportional in the case mix. They take zeros (the gamma
    distribution does not: then this is a quasi-likelihood). The sandwich does not need the variance to be
    right. Where costs are not proportional (a placement costs the same whoever has it) the gamma's means can
    be off, also between groups that were drawn by lot: it weighs relative errors
    (``benchmarks/economics.md``). With ``variance="mean"`` the equations are the sum of x (y - m), so that
    the predictions of each group add up to its costs.

    References
    ----------
    Manning, W. G. & Mullahy, J. (2001). Estimating log models: to transform or not to transform? *Journal of
    Health Economics*, 20, 461-494. https://doi.org/10.1016/S0167-6296(01)00086-8
    """
    money = read_numbers(
        cost, "cost", least=0, remedy="a family with incomplete costs belongs in censored_costs"
    )
    n = money.size
    x = read_numbers(design, "design", n=n, dimensions=(2,))
    w = np.ones(n) if weight is None else read_numbers(weight, "weight", n=n, least=0)
    codes, g = read_clusters(clusters, n)
    p, counted = x.shape[1], w > 0
    g_seen = int(np.unique(codes[counted]).size)
    if g_seen < 2 or int(counted.sum()) <= p:
        raise ValueError(
            f"{int(counted.sum())} families of {g_seen} clusters cannot carry {p} coefficients; expected two "
            "clusters or more and more families than coefficients; take less into the case mix"
        )
    if not (money[counted] > 0).any():
        raise ValueError("every cost is zero, so there is no mean to model; check the prices")
    if np.linalg.matrix_rank(x[counted] / np.maximum(np.abs(x[counted]).max(axis=0), 1e-300)) < p:
        raise ValueError("a column of the design follows from the others; leave it out of the case mix")
    if variance not in ("squared", "mean"):
        raise ValueError(f"variance is {variance!r}; expected 'squared' or 'mean'")
    power = 1.0 if variance == "squared" else 0.0
    estimate, arrived = _coefficients(x, money, w, power)
    mean = np.exp(np.clip(x @ estimate, -_AWAY, _AWAY))
    residual, spread = (money - mean) / mean**power, mean ** (1 - power)
    size = np.maximum(np.abs(x).max(axis=0), 1e-300)
    bread = np.linalg.pinv((x / size * (w * spread)[:, None]).T @ (x / size)) / np.outer(size, size)
    influence: FloatArray = (x * (w * residual)[:, None]) @ bread
    factor = g_seen / (g_seen - 1) if small_sample else 1.0
    covariance = factor * sum_of_squares(influence, codes, g)
    pearson = w * (money - mean) ** 2 / mean ** (1 + power)
    dispersion = float(pearson.sum() / (int(counted.sum()) - p) * counted.sum() / w.sum())
    return GammaFit(
        estimate,
        np.sqrt(np.maximum(np.diagonal(covariance), 0)),
        np.sqrt(np.maximum(np.diagonal(bread) * dispersion, 0)),
        covariance,
        influence,
        dispersion,
        mean,
        float(g_seen - 1),
        g_seen,
        arrived,
    )


def _coefficients(x: FloatArray, y: FloatArray, w: FloatArray, power: float) -> tuple[FloatArray, bool]:
    """By statsmodels; whether the equations are solved is looked at here."""
    from statsmodels.genmod.families import Gamma, Poisson
    from statsmodels.genmod.families.links import Log
    from statsmodels.genmod.generalized_linear_model import GLM

    scale = float((w * y).sum() / w.sum())
    columns = np.maximum(np.abs(x).max(axis=0), 1e-300)
    use = w > 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        family = Gamma(link=Log()) if power else Poisson(link=Log())
        model = GLM(y[use] / scale, x[use] / columns, family=family, freq_weights=w[use])
        start = np.linalg.lstsq(x[use] / columns, np.log(y[use] / scale + 1), rcond=None)[0]
        try:
            fit = model.fit(start_params=start, maxiter=_STEPS, tol=_AT_REST, tol_criterion="params")
            scaled = np.asarray(fit.params, dtype=np.float64)
        except (np.linalg.LinAlgError, ValueError):
            return np.full(x.shape[1], np.nan), False
        # Fisher's steps come near slowly; Newton's from there arrive.
        for _ in range(_POLISH):
            try:
                scaled = scaled - np.linalg.solve(
                    model.hessian(scaled, scale=1), model.score(scaled, scale=1)
                )
            except np.linalg.LinAlgError:
                break
        left, linear = model.score(scaled, scale=1) / w.sum(), x @ (scaled / columns)
    solved = bool(np.isfinite(scaled).all() and np.abs(left).max() < 1e-7 and np.abs(linear).max() < _AWAY)
    # The scale comes back through the column of ones (or through whatever makes it).
    constant = np.linalg.lstsq(x / columns, np.ones(x.shape[0]), rcond=None)[0]
    if not np.allclose(x @ (constant / columns), 1, atol=1e-9):
        raise ValueError("the design has no constant; add a column of ones")
    return (scaled + np.log(scale) * constant) / columns, solved


def sum_of_squares(influence: FloatArray, codes: IntArray, g: int) -> FloatArray:
    """Sum over clusters of the products of their summed influences.

    Parameters
    ----------
    influence : ndarray, shape (n, p)
    codes : ndarray of int, shape (n,)
    g : int
        Number of clusters.

    Returns
    -------
    ndarray, shape (p, p)
    """
    sums = cluster_sums(influence, codes, g)
    total: FloatArray = sums.T @ sums
    return total
