"""How often a funnel plot raises a false alarm, by simulating units without any outlier."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.parallel import simulate_in_chunks
from mpg_research.statistics.providers.funnel import FUNNEL_LEVELS, Funnel, make_funnel

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


def shares_beyond(equal: Funnel, spread: Funnel, levels: tuple[float, ...]) -> list[float]:
    """Shares of units beyond the plain lines of one plot, and beyond the other lines of another."""
    shares = [float(equal.beyond(level, adjusted=False).mean()) for level in levels]
    shares += [float(spread.beyond(level).mean()) for level in levels]
    return [*shares, float(spread.false_discovery.flagged.mean())]


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
        hits[run] = shares_beyond(equal, spread, levels)
    return hits
