"""A funnel plot's numbers: how far from the target an organisation of a given size may lie by chance."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import norm
from scipy.stats import t as student_t

from mpg_research.arrays import FloatArray
from mpg_research.statistics.multiplicity import FalseDiscovery, false_discovery_line
from mpg_research.statistics.providers.funnel_limits import Limits
from mpg_research.statistics.providers.overdispersion import (
    Overdispersion,
    ScaledT,
    estimate_overdispersion,
    reference_of_distances,
    winsorise,
    winsorised_spread,
)

__all__ = ["FUNNEL_LEVELS", "Funnel", "distances", "make_funnel", "normal_scores", "spread_df"]


#: The customary pair of lines: about two and three standard errors from the target.
FUNNEL_LEVELS = (0.95, 0.998)


@dataclass(frozen=True, slots=True)
class Funnel:
    """Where n units stand in a funnel plot of estimates.

    Attributes
    ----------
    target : float
        What the units are compared with, for the limits that take chance alone into account.
    target_adjusted : float
        The same for the limits that allow for overdispersion (the weights of a mean differ).
    z, z_adjusted : ndarray, shape (n,)
        Distances from those targets in standard errors, without and with overdispersion.
    spread, spread_adjusted : ndarray, shape (n,)
        The standard errors behind them; a limit is the target plus or minus a quantile times these.
    df, df_adjusted : ndarray, shape (n,)
        Degrees of freedom of those quantiles.
    reference : ScaledT
        How distances spread in standard errors that hold an estimated overdispersion: its scale is part of
        ``spread_adjusted``, and its degrees of freedom bound ``df_adjusted`` (:func:`spread_df`).
    overdispersion : Overdispersion
        Its ``tau2`` is the variance between units at which their winsorised z-scores spread as those of a
        normal variable; equal to the one-step formula where all standard errors are equal.
    false_discovery : FalseDiscovery
        Of ``z_adjusted``.
    """

    target: float
    target_adjusted: float
    z: FloatArray
    z_adjusted: FloatArray
    spread: FloatArray
    spread_adjusted: FloatArray
    df: FloatArray
    df_adjusted: FloatArray
    reference: ScaledT
    overdispersion: Overdispersion
    false_discovery: FalseDiscovery

    def limits(self, level: float, *, adjusted: bool = True) -> Limits:
        """The limits at each unit."""
        df = self.df_adjusted if adjusted else self.df
        half = student_t.ppf(0.5 + level / 2, df) * (self.spread_adjusted if adjusted else self.spread)
        target = self.target_adjusted if adjusted else self.target
        return Limits(level, target - half, target + half)

    def beyond(self, level: float, *, adjusted: bool = True) -> NDArray[np.bool_]:
        """Which units lie beyond the limits, shape (n,)."""
        z = self.z_adjusted if adjusted else self.z
        return np.asarray(np.abs(z) > ndtri(0.5 + level / 2))


def make_funnel(
    estimate: ArrayLike,
    covariance: ArrayLike,
    *,
    target: float | None = None,
    df: ArrayLike | float = np.inf,
    share: float = 0.1,
    rate: float = 0.05,
) -> Funnel:
    """A funnel plot's numbers for estimates with model-based standard errors.

    Parameters
    ----------
    estimate : array_like, shape (n,)
        Not shrunken; at least three units.
    covariance : array_like, shape (n,) or (n, n)
        Squared standard errors, or the covariance matrix of the estimates.
    target : float, optional
        What the units are compared with, known without error; by default their precision-weighted mean,
        and then the standard error of a unit's distance from it takes into account that the unit is
        part of it.
    df : array_like or float
        Degrees of freedom of the estimates' standard errors: z-scores are the normal scores of t statistics.
        Where overdispersion is found, the adjusted ones are also those of a spread that was estimated
        (:func:`~mpg_research.statistics.providers.overdispersion.reference_of_distances`).
    share : float
        Winsorised at either end for the overdispersion.
    rate : float
        False-discovery rate of the third line.

    Returns
    -------
    Funnel

    Raises
    ------
    ValueError
        With fewer than three units.

    Examples
    --------
    >>> funnel = make_funnel([0.0, 0.5, -0.5, 0.2, 6.0], [1.0] * 5)
    >>> funnel.beyond(0.998, adjusted=False).tolist()
    [False, False, False, False, True]
    """
    y, v = np.asarray(estimate, dtype=float), np.asarray(covariance, dtype=float)
    if y.ndim != 1 or y.size < 3:
        raise ValueError(f"a funnel needs three units or more; found {y.size}")
    full = np.diag(v) if v.ndim == 1 else v
    own = np.diagonal(full)
    centre, spread = distances(y, full, 0.0, target)
    z = normal_scores((y - centre) / spread, df)
    excess = estimate_overdispersion(z, np.sqrt(own), share=share)
    excess = replace(excess, tau2=_consistent_tau2(y, full, excess.tau2, target, share))
    centre_adjusted, spread_adjusted = distances(y, full, excess.tau2, target)
    freedom = np.broadcast_to(np.asarray(df, dtype=float), y.shape)
    reference = reference_of_distances(y.size, share=share) if excess.tau2 > 0 else ScaledT(1.0, np.inf)
    total = own + excess.tau2
    rough = np.minimum(freedom, spread_df(total, reference, total))
    spread_adjusted = reference.scale * spread_adjusted
    z_adjusted = normal_scores((y - centre_adjusted) / spread_adjusted, rough)
    return Funnel(
        float(centre), float(centre_adjusted), z, z_adjusted, spread, spread_adjusted, freedom, rough,
        reference, excess, false_discovery_line(z_adjusted, rate=rate),
    )  # fmt: skip


def spread_df(variance: ArrayLike, reference: ScaledT, every: FloatArray) -> FloatArray:
    """Degrees of freedom of units' spread where a part of it is an estimated overdispersion, shape (..., m).

    Parameters
    ----------
    variance : array_like, shape (..., m)
        Squared standard errors plus overdispersion.
    reference : ScaledT
        For units with equal variances.
    every : ndarray, shape (..., n)
        Those variances of all units of the plot.

    Notes
    -----
    One error in the overdispersion counts for more in a unit whose own standard error is small: df times
    (variance times the mean of 1 / variance)^2.
    """
    share = np.asarray(variance, dtype=float) * np.mean(1 / every, axis=-1, keepdims=True)
    result: FloatArray = reference.df * share**2
    return result


def _consistent_tau2(
    y: FloatArray, covariance: FloatArray, start: float, target: float | None, share: float
) -> float:
    """The variance between units at which their winsorised z-scores spread as those of a normal variable.

    The one-step formula (``start``) takes all z-scores to be spread alike; where units differ in size the
    small ones are spread less, and its limits come out too narrow.
    """
    wanted = winsorised_spread(share)

    def excess(tau2: float) -> float:
        centre, spread = distances(y, covariance, tau2, target)
        return float(np.mean(winsorise((y - centre) / spread, share=share) ** 2)) - wanted

    if excess(0.0) <= 0:
        return 0.0
    upper = max(4 * start, float(np.var(y)), 1e-12 * float(np.max(np.diagonal(covariance))))
    for _ in range(60):
        if excess(upper) < 0:
            return float(brentq(excess, 0.0, upper, rtol=1e-6))
        upper *= 4
    return start


def distances(
    y: FloatArray, covariance: FloatArray, tau2: FloatArray | float, target: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """The target, and the standard error of each unit's distance from it, allowing for ``tau2``.

    Parameters
    ----------
    y : ndarray, shape (..., n)
        Estimates of n units, in one plot or many.
    covariance : ndarray, shape (n, n)
    tau2 : float or ndarray, shape (...)
        Variance between the units of each plot.
    target : float, optional
        By default the precision-weighted mean of each plot.

    Returns
    -------
    target : ndarray, shape (...)
    spread : ndarray, shape (..., n)
    """
    between = np.asarray(tau2, dtype=float)[..., None]
    variance = np.diagonal(covariance) + between
    if target is not None:
        return np.full(y.shape[:-1], target), np.sqrt(variance)
    weights = (1 / variance) / np.sum(1 / variance, axis=-1, keepdims=True)
    carried = weights @ covariance + between * weights
    of_mean = np.sum(weights * carried, axis=-1, keepdims=True)
    spread = np.sqrt(np.maximum(variance - 2 * carried + of_mean, 1e-12 * variance))
    return np.asarray(np.sum(weights * y, axis=-1)), spread


def normal_scores(t: FloatArray, df: ArrayLike) -> FloatArray:
    """Normal scores with the same tail probability as t, of any shape; with infinite df they are t itself."""
    freedom = np.broadcast_to(np.asarray(df, dtype=float), t.shape)
    if np.all(np.isinf(freedom)):
        return t
    tail = student_t.sf(np.abs(t), freedom)
    scores: FloatArray = np.sign(t) * norm.isf(np.maximum(tail, 1e-300))
    return scores
