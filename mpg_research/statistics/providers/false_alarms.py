"""How often a funnel plot raises a false alarm, by simulating units without any outlier."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import false_discovery_control

from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.parallel import simulate_in_chunks
from mpg_research.statistics.providers.funnel import FUNNEL_LEVELS, distances, normal_scores, spread_df
from mpg_research.statistics.providers.overdispersion import (
    quantiles_of_sorted,
    reference_of_distances,
    winsorised_spread,
)

__all__ = ["FalseAlarms", "count_alarms", "shares_beyond", "simulate_false_alarms"]


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
    return count_alarms(simulate_in_chunks(run, n_simulations, rng), levels)


def count_alarms(hits: list[FloatArray], levels: tuple[float, ...]) -> FalseAlarms:
    """Rates from the shares of units beyond each line: arrays of rows of :func:`shares_beyond`."""
    found = np.concatenate(hits)
    names = [f"{kind} {100 * level:g}" for kind in ("unadjusted", "adjusted") for level in levels]
    names.append("false discovery")
    return FalseAlarms(
        {name: float(column.mean()) for name, column in zip(names, found.T, strict=True)},
        {name: float((column > 0).mean()) for name, column in zip(names, found.T, strict=True)},
        len(found),
    )


def shares_beyond(
    equal: FloatArray,
    spread: FloatArray,
    covariance: FloatArray,
    *,
    levels: tuple[float, ...],
    share: float,
    rate: float,
) -> FloatArray:
    """Shares of units beyond the plain lines of some plots, and beyond the other lines of others.

    Parameters
    ----------
    equal, spread : ndarray, shape (m, n)
        Estimates of n units in m simulated plots: of units that are alike, and of units that differ. The same
        array where they do not.
    covariance : ndarray, shape (n, n)
    levels, share, rate
        As in :func:`simulate_false_alarms`.

    Returns
    -------
    ndarray, shape (m, 2 * levels + 1)
        What :func:`~mpg_research.statistics.providers.funnel.make_funnel` finds in each plot, computed for
        all plots together.
    """
    plain = np.abs(_standardised(equal, covariance, np.zeros(len(equal))))
    z = np.abs(_adjusted(spread, covariance, share))
    quantiles = [float(ndtri(0.5 + level / 2)) for level in levels]
    shares = [(plain > limit).mean(axis=1) for limit in quantiles]
    shares += [(z > limit).mean(axis=1) for limit in quantiles]
    tails = false_discovery_control(2 * ndtr(-z), axis=1)
    return np.column_stack([*shares, (tails <= rate).mean(axis=1)])


def _standardised(y: FloatArray, covariance: FloatArray, tau2: FloatArray) -> FloatArray:
    """Distances from the weighted mean in standard errors, one row a plot, with a spread per plot."""
    centre, spread = distances(y, covariance, tau2)
    return np.asarray((y - centre[:, None]) / spread)


def _adjusted(y: FloatArray, covariance: FloatArray, share: float) -> FloatArray:
    """The normal scores of the units' distances, the spread between them allowed for, shape (m, n)."""
    tau2 = _spreads(y, covariance, share)
    z = _standardised(y, covariance, tau2)
    apart = tau2 > 0
    reference = reference_of_distances(y.shape[1], share=share)
    if not apart.any():
        return z
    total = np.diagonal(covariance) + tau2[apart, None]
    z[apart] = normal_scores(z[apart] / reference.scale, spread_df(total, reference, total))
    return z


def _spreads(y: FloatArray, covariance: FloatArray, share: float) -> FloatArray:
    """The variance between units of each plot, shape (m,): see ``make_funnel``.

    The root is searched for in all plots at once, by Chandrupatla's mixture of halving and inverse
    quadratic interpolation (1997, Advances in Engineering Software, 28, 145-149).
    """
    wanted = winsorised_spread(share)

    def excess(tau2: FloatArray, rows: BoolArray | slice) -> FloatArray:
        ordered = np.sort(_standardised(y[rows], covariance, tau2), axis=1).T
        low, high = quantiles_of_sorted(ordered, share)
        return np.asarray(np.mean(np.clip(ordered, low, high) ** 2, axis=0)) - wanted

    found = np.zeros(len(y))
    at_zero = excess(found, slice(None))
    open_rows = np.flatnonzero(at_zero > 0)
    if not len(open_rows):
        return found
    own = np.diagonal(covariance)
    upper = np.maximum(y[open_rows].var(axis=1), 1e-12 * own.max())
    at_upper = np.ones(len(upper))
    for _ in range(60):
        still = at_upper >= 0
        at_upper[still] = excess(upper[still], _mask(open_rows[still], len(y)))
        if not (at_upper >= 0).any():
            break
        upper[at_upper >= 0] *= 4
    found[open_rows] = _roots(
        lambda value, part: excess(value, _mask(open_rows[part], len(y))), upper, at_upper, at_zero[open_rows]
    )
    return found


def _mask(rows: IntArray, length: int) -> BoolArray:
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return mask


def _roots(
    excess: Callable[[FloatArray, IntArray], FloatArray],
    upper: FloatArray,
    at_upper: FloatArray,
    at_zero: FloatArray,
) -> FloatArray:
    """Where falling functions cross zero, between 0 and ``upper``, shape (m,)."""
    a, fa, b, fb = upper.copy(), at_upper.copy(), np.zeros(len(upper)), at_zero.copy()
    c, fc, step = a.copy(), fa.copy(), np.full(len(upper), 0.5)
    result = np.where(np.abs(fa) < np.abs(fb), a, b)
    left = np.flatnonzero(fa != 0)
    for _ in range(200):
        if not len(left):
            break
        new = a[left] + step[left] * (b[left] - a[left])
        value = excess(new, left)
        same = np.sign(value) == np.sign(fa[left])
        c[left], fc[left] = np.where(same, a[left], b[left]), np.where(same, fa[left], fb[left])
        b[left], fb[left] = np.where(same, b[left], a[left]), np.where(same, fb[left], fa[left])
        a[left], fa[left] = new, value
        best = np.where(np.abs(fa[left]) < np.abs(fb[left]), a[left], b[left])
        result[left] = best
        width = np.abs(b[left] - c[left])
        narrow = (1e-12 + 5e-8 * np.abs(best)) / np.maximum(width, 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            xi = (a[left] - b[left]) / (c[left] - b[left])
            phi = (fa[left] - fb[left]) / (fc[left] - fb[left])
            alpha = (c[left] - a[left]) / (b[left] - a[left])
            inverse = fa[left] / (fb[left] - fa[left]) * fc[left] / (fb[left] - fc[left]) + alpha * fa[
                left
            ] / (fc[left] - fa[left]) * fb[left] / (fc[left] - fb[left])
            curved = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(inverse)
        step[left] = np.clip(
            np.where(curved, inverse, 0.5), np.minimum(narrow, 0.5), 1 - np.minimum(narrow, 0.5)
        )
        left = left[(narrow < 0.5) & (value != 0)]
    return result


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
    draws = generator.standard_normal((n, 2, covariance.shape[0]))
    equal = draws[:, 0] @ root.T
    spread = equal + np.sqrt(tau2) * draws[:, 1] if tau2 > 0 else equal
    return shares_beyond(equal, spread, covariance, levels=levels, share=share, rate=rate)
