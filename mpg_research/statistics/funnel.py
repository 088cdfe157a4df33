"""Funnel limits: how far from the target an organisation of a given size may lie by chance."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import chi2, norm
from scipy.stats import t as student_t

from mpg_research.statistics.false_discovery import FalseDiscovery, false_discovery_line
from mpg_research.statistics.overdispersion import (
    Overdispersion,
    estimate_overdispersion,
    winsorise,
    winsorised_spread,
)
from mpg_research.statistics.parallel import simulate_in_chunks

__all__ = [
    "FUNNEL_LEVELS",
    "FalseAlarms",
    "Funnel",
    "Limits",
    "funnel_limits",
    "make_funnel",
    "proportion_limits",
    "ratio_limits",
    "simulate_false_alarms",
]

FloatArray = NDArray[np.float64]

#: The customary pair of lines: about two and three standard errors from the target.
FUNNEL_LEVELS = (0.95, 0.998)
#: Where overdispersion is estimated from n units, t quantiles with 1.5 n degrees of freedom keep the lines
#: at their levels. Found by simulation (10 to 120 units): .038 to .049 beyond the 95 % limits, .0021 to .0027
#: beyond the 99.8 % limits; with normal quantiles the latter are .0025 to .0065.
_DF_PER_UNIT = 1.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Lower and upper limits of n units at one level; each ndarray of shape (n,)."""

    level: float
    low: FloatArray
    high: FloatArray


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


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often a funnel plot flags units that do not differ by more than its lines allow.

    Attributes
    ----------
    share : dict of str to float
        Expected share of units beyond each line under that line's own null.
    any : dict of str to float
        Probability that at least one unit is beyond it.
    n_simulations : int
    """

    share: dict[str, float]
    any: dict[str, float]
    n_simulations: int


def funnel_limits(
    std_error: ArrayLike, *, target: float, level: float, tau2: float = 0.0, phi: float = 1.0
) -> Limits:
    """Limits of a normally distributed indicator.

    Parameters
    ----------
    std_error : array_like, shape (n,)
        Model-based standard errors.
    target : float
    level : float
        For instance 0.95 or 0.998.
    tau2 : float
        Additive overdispersion: a variance between units that the limits allow for.
    phi : float
        Multiplicative overdispersion; below 1 it counts as 1.

    Returns
    -------
    Limits

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. *Statistics in
    Medicine*, 24, 1185-1202. https://doi.org/10.1002/sim.1970

    Examples
    --------
    >>> funnel_limits([1.0, 2.0], target=0.0, level=0.95).high.round(2).tolist()
    [1.96, 3.92]
    """
    variance = max(phi, 1.0) * np.asarray(std_error, dtype=float) ** 2 + tau2
    half = float(ndtri(0.5 + level / 2)) * np.sqrt(variance)
    return Limits(level, target - half, target + half)


def proportion_limits(
    total: ArrayLike, *, target: float, level: float, scale: Literal["score", "arcsine"] = "score",
    tau2: float = 0.0,
) -> Limits:  # fmt: skip
    """Limits of a proportion.

    Parameters
    ----------
    total : array_like, shape (n,)
        Denominators.
    target : float
        Proportion that the units are compared with.
    level : float
    scale : {"score", "arcsine"}
        "score": a proportion on the limit is one whose Wilson interval just touches the target.
        "arcsine": limits on the scale arcsin(sqrt(p)), where the standard error 1 / (2 sqrt(n)) does not hang
        on p; only here overdispersion can be allowed for.
    tau2 : float
        Variance between units on the arcsine scale.

    Returns
    -------
    Limits
        Within 0 and 1.

    Examples
    --------
    >>> proportion_limits([100], target=0.5, level=0.95).low.round(3).tolist()
    [0.402]
    """
    n = np.asarray(total, dtype=float)
    z = float(ndtri(0.5 + level / 2))
    if scale == "score":
        if tau2:
            raise ValueError("overdispersion of proportions needs scale='arcsine'")
        half = z * np.sqrt(target * (1 - target) / n)
        return Limits(level, np.maximum(target - half, 0.0), np.minimum(target + half, 1.0))
    centre, half = np.arcsin(np.sqrt(target)), z * np.sqrt(1 / (4 * n) + tau2)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, np.pi / 2)
    return Limits(level, np.sin(low) ** 2, np.sin(high) ** 2)


def ratio_limits(
    expected: ArrayLike, *, level: float, scale: Literal["exact", "log", "sqrt"] = "exact", tau2: float = 0.0
) -> Limits:
    """Limits of observed / expected counts, around 1; multiplied by a target rate, limits of a rate.

    Parameters
    ----------
    expected : array_like, shape (n,)
        Expected counts (for a rate: the target rate times the exposure).
    level : float
    scale : {"exact", "log", "sqrt"}
        Exact Poisson limits, or limits of the ratio on a transformed scale (standard errors 1 / sqrt(E) and
        1 / (2 sqrt(E))), where overdispersion can be allowed for.
    tau2 : float
        Variance between units on the transformed scale.

    Returns
    -------
    Limits

    Examples
    --------
    >>> ratio_limits([95], level=0.95).low.round(4).tolist()
    [0.8091]
    """
    n = np.asarray(expected, dtype=float)
    if scale == "exact":
        if tau2:
            raise ValueError("overdispersion of ratios needs scale='log' or 'sqrt'")
        tail = (1 - level) / 2
        return Limits(level, chi2.ppf(tail, 2 * n) / (2 * n), chi2.ppf(1 - tail, 2 * (n + 1)) / (2 * n))
    z = float(ndtri(0.5 + level / 2))
    if scale == "log":
        half = z * np.sqrt(1 / n + tau2)
        return Limits(level, np.exp(-half), np.exp(half))
    half = z * np.sqrt(1 / (4 * n) + tau2)
    return Limits(level, np.maximum(1 - half, 0.0) ** 2, (1 + half) ** 2)


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
        Where overdispersion is found, the adjusted ones have at most 1.5 per unit.
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
    centre, spread = _distances(y, full, 0.0, target)
    z = _normal_scores((y - centre) / spread, df)
    excess = estimate_overdispersion(z, np.sqrt(own), share=share)
    excess = replace(excess, tau2=_consistent_tau2(y, full, excess.tau2, target, share))
    centre_adjusted, spread_adjusted = _distances(y, full, excess.tau2, target)
    freedom = np.broadcast_to(np.asarray(df, dtype=float), y.shape)
    rough = np.minimum(freedom, _DF_PER_UNIT * y.size) if excess.tau2 > 0 else freedom
    z_adjusted = _normal_scores((y - centre_adjusted) / spread_adjusted, rough)
    return Funnel(
        centre, centre_adjusted, z, z_adjusted, spread, spread_adjusted, freedom, rough, excess,
        false_discovery_line(z_adjusted, rate=rate),
    )  # fmt: skip


def _consistent_tau2(
    y: FloatArray, covariance: FloatArray, start: float, target: float | None, share: float
) -> float:
    """The variance between units at which their winsorised z-scores spread as those of a normal variable.

    The one-step formula (``start``) takes all z-scores to be spread alike; where units differ in size the
    small ones are spread less, and its limits come out too narrow.
    """
    wanted = winsorised_spread(share)

    def excess(tau2: float) -> float:
        centre, spread = _distances(y, covariance, tau2, target)
        return float(np.mean(winsorise((y - centre) / spread, share=share) ** 2)) - wanted

    if excess(0.0) <= 0:
        return 0.0
    upper = max(4 * start, float(np.var(y)), 1e-12 * float(np.max(np.diagonal(covariance))))
    for _ in range(60):
        if excess(upper) < 0:
            return float(brentq(excess, 0.0, upper, rtol=1e-6))
        upper *= 4
    return start


def _distances(
    y: FloatArray, covariance: FloatArray, tau2: float, target: float | None
) -> tuple[float, FloatArray]:
    """The target, and the standard error of each unit's distance from it, allowing for ``tau2``."""
    variance = np.diagonal(covariance) + tau2
    if target is not None:
        return target, np.sqrt(variance)
    weights = (1 / variance) / np.sum(1 / variance)
    carried = covariance @ weights + tau2 * weights
    of_mean = float(weights @ carried)
    return float(weights @ y), np.sqrt(np.maximum(variance - 2 * carried + of_mean, 1e-12 * variance))


def _normal_scores(t: FloatArray, df: ArrayLike | float) -> FloatArray:
    """Normal scores with the same tail probability as t."""
    freedom = np.broadcast_to(np.asarray(df, dtype=float), t.shape)
    if np.all(np.isinf(freedom)):
        return t
    tail = student_t.sf(np.abs(t), freedom)
    scores: FloatArray = np.sign(t) * norm.isf(np.maximum(tail, 1e-300))
    return scores


def simulate_false_alarms(
    covariance: ArrayLike,
    *,
    tau2: float,
    levels: tuple[float, ...] = FUNNEL_LEVELS,
    share: float = 0.1,
    rate: float = 0.05,
    n_simulations: int = 1000,
    rng: np.random.Generator | int = 0,
) -> FalseAlarms:
    """The false-alarm rate of a funnel plot, by simulating units without any outlier.

    Parameters
    ----------
    covariance : array_like, shape (n,) or (n, n)
        As in :func:`make_funnel`.
    tau2 : float
        Spread between units under the null of the adjusted lines; the unadjusted lines are looked at
        under equal units.
    levels : tuple of float
    share, rate
        As in :func:`make_funnel`; the target and the overdispersion are estimated anew in every simulation.
    n_simulations : int
    rng : Generator or int

    Returns
    -------
    FalseAlarms
        With the keys ``"unadjusted 95"``, ``"adjusted 99.8"``, ..., and ``"false discovery"``.

    Examples
    --------
    >>> alarms = simulate_false_alarms([1.0] * 30, tau2=0.0, n_simulations=200)
    >>> 0.03 < alarms.share["unadjusted 95"] < 0.07
    True
    """
    v = np.asarray(covariance, dtype=float)
    full = np.diag(v) if v.ndim == 1 else v
    run = partial(_alarms, covariance=full, tau2=tau2, levels=levels, share=share, rate=rate)
    hits = np.concatenate(simulate_in_chunks(run, n_simulations, rng))
    names = [f"{kind} {100 * level:g}" for kind in ("unadjusted", "adjusted") for level in levels]
    names.append("false discovery")
    return FalseAlarms(
        {name: float(column.mean()) for name, column in zip(names, hits.T, strict=True)},
        {name: float((column > 0).mean()) for name, column in zip(names, hits.T, strict=True)},
        n_simulations,
    )


def _alarms(
    n: int,
    generator: np.random.Generator,
    *,
    covariance: FloatArray,
    tau2: float,
    levels: tuple[float, ...],
    share: float,
    rate: float,
) -> FloatArray:
    """Shares of units beyond each line in n simulated plots, shape (n, lines)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    size = covariance.shape[0]
    hits = np.empty((n, 2 * len(levels) + 1))
    for run in range(n):
        error = root @ generator.standard_normal(size)
        equal = make_funnel(error, covariance, share=share, rate=rate)
        apart = error + np.sqrt(tau2) * generator.standard_normal(size)
        spread = make_funnel(apart, covariance, share=share, rate=rate) if tau2 > 0 else equal
        shares = [equal.beyond(level, adjusted=False).mean() for level in levels]
        shares += [spread.beyond(level).mean() for level in levels]
        hits[run] = [*shares, spread.false_discovery.flagged.mean()]
    return hits
