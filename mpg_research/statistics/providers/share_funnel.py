"""Funnel plots of shares adjusted for case mix, from what was observed and expected of each client."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.parallel import simulate_in_chunks
from mpg_research.statistics.providers.false_alarms import FalseAlarms, count_alarms, shares_beyond
from mpg_research.statistics.providers.funnel import FUNNEL_LEVELS, Funnel, make_funnel

__all__ = ["ShareFunnel", "make_share_funnel", "share_covariance", "simulate_share_alarms"]


@dataclass(frozen=True, slots=True)
class ShareFunnel:
    """Where g providers stand in a funnel plot of an adjusted share; each ndarray of shape (g,).

    Attributes
    ----------
    size : ndarray of int
        Clients.
    observed, expected : ndarray
        Numbers of events.
    overall : float
        Share of all clients with the event.
    adjusted : ndarray
        ``overall`` plus the difference of the observed and the expected share.
    ratio : ndarray
        Observed / expected.
    n_effective : ndarray
        Clients with the average chance that would leave the provider's share as uncertain as it is; without
        case mix its number of clients.
    funnel : Funnel
        Of ``adjusted``; with equal chances its unadjusted limits are the ones of the score test (Wilson).
    """

    size: IntArray
    observed: FloatArray
    expected: FloatArray
    overall: float
    adjusted: FloatArray
    ratio: FloatArray
    n_effective: FloatArray
    funnel: Funnel


def make_share_funnel(
    event: ArrayLike,
    expected: ArrayLike,
    provider: ArrayLike,
    *,
    carried: ArrayLike | None = None,
    inflation: ArrayLike | None = None,
    share: float = 0.1,
    rate: float = 0.05,
) -> ShareFunnel:
    """A funnel plot's numbers for a yes/no outcome.

    Parameters
    ----------
    event : array_like, shape (n,)
        0 and 1; or pseudo-observations whose means are the providers' shares.
    expected : array_like, shape (n,)
        Chance of the event under the case-mix model, from
        :func:`~mpg_research.statistics.providers.expected_shares.expected_shares`.
    provider : array_like of int, shape (n,)
        0 .. g - 1, each occurring; three or more.
    carried : array_like, shape (g, g), optional
        Covariance of the providers' expected shares, from the same function; by default they are known.
    inflation : array_like, shape (g,), optional
        How many times larger the variance of a provider's share is than that of as many clients who were seen
        to the end and have nothing in common.
    share, rate : float
        As in :func:`~mpg_research.statistics.providers.funnel.make_funnel`.

    Returns
    -------
    ShareFunnel

    Raises
    ------
    ValueError
        With fewer than three providers, one without clients, or an event that all clients had, or none.

    Notes
    -----
    Under the null the variance of a provider's observed share is the mean of p (1 - p) over its clients,
    divided by their number (times the inflation), and that of the share expected: known before looking at the
    provider's events, so that no interval of an observed 0 or 1 collapses.

    Examples
    --------
    >>> found = make_share_funnel([0, 1, 0, 1, 1, 1], [0.5, 0.5, 0.5, 0.5, 1.0, 1.0], [0, 0, 1, 1, 2, 2])
    >>> found.ratio.tolist()
    [1.0, 1.0, 1.0]
    """
    y, p, codes = np.asarray(event, dtype=float), np.asarray(expected, dtype=float), np.asarray(provider)
    size = np.bincount(codes)
    if np.any(size == 0):
        raise ValueError("every provider needs clients")
    count: FloatArray = np.bincount(codes, y).astype(float)
    hoped: FloatArray = np.bincount(codes, p).astype(float)
    overall = float(y.mean())
    if not 0 < overall < 1:
        raise ValueError("a share of all or of none has no spread by chance, so there is no funnel to draw")
    covariance = share_covariance(p, codes, carried=carried, inflation=inflation)
    adjusted = overall + (count - hoped) / size
    ratio = np.divide(count, hoped, out=np.full(size.size, np.nan), where=hoped > 0)
    return ShareFunnel(
        size=size,
        observed=count,
        expected=hoped,
        overall=overall,
        adjusted=adjusted,
        ratio=ratio,
        n_effective=overall * (1 - overall) / np.diagonal(covariance),
        funnel=make_funnel(adjusted, covariance, share=share, rate=rate),
    )


def share_covariance(
    expected: ArrayLike,
    provider: ArrayLike,
    *,
    carried: ArrayLike | None = None,
    inflation: ArrayLike | None = None,
) -> FloatArray:
    """Covariance of the providers' observed less expected shares if all that differs is chance, shape (g, g).

    Parameters
    ----------
    expected, provider, carried, inflation
        As in :func:`make_share_funnel`.

    Notes
    -----
    Chances of 0 or 1 throughout would make it nothing; it is at least a hundredth of what it is at the
    overall share.
    """
    p, codes = np.asarray(expected, dtype=float), np.asarray(provider)
    size, overall = np.bincount(codes), float(p.mean())
    least = 0.01 * overall * (1 - overall) / size
    larger = np.ones(size.size) if inflation is None else np.asarray(inflation, dtype=float)
    own = np.diag(larger * np.maximum(np.bincount(codes, p * (1 - p)) / size**2, least))
    found: FloatArray = own if carried is None else own + np.asarray(carried, dtype=float)
    return found


def simulate_share_alarms(
    expected: ArrayLike,
    provider: ArrayLike,
    *,
    tau2: float,
    carried: ArrayLike | None = None,
    inflation: ArrayLike | None = None,
    levels: tuple[float, ...] = FUNNEL_LEVELS,
    share: float = 0.1,
    rate: float = 0.05,
    n_simulations: int = 1000,
    rng: np.random.Generator | int = 0,
) -> FalseAlarms:
    """The false-alarm rate of a funnel plot of shares, by simulating the clients' events.

    Parameters
    ----------
    expected, provider, carried, inflation
        As in :func:`make_share_funnel`.
    tau2 : float
        Variance between providers of their shares, under the null of the adjusted lines.
    levels, share, rate, n_simulations, rng
        As in :func:`~mpg_research.statistics.providers.false_alarms.simulate_false_alarms`.

    Returns
    -------
    FalseAlarms

    Examples
    --------
    >>> codes = [0] * 50 + [1] * 50 + [2] * 50 + [3] * 50
    >>> alarms = simulate_share_alarms([0.4] * 200, codes, tau2=0.0, n_simulations=200)
    >>> 0.02 < alarms.share["unadjusted 95"] < 0.08
    True
    """
    p, codes = np.asarray(expected, dtype=float), np.asarray(provider)
    size = np.bincount(codes)
    covariance = share_covariance(p, codes, carried=carried, inflation=inflation)
    larger = np.ones(size.size) if inflation is None else np.asarray(inflation, dtype=float)
    null = _Null(p, codes, covariance, _root(carried, size.size), np.sqrt(larger), share, rate)
    run = partial(_alarms, null=null, tau2=tau2, levels=levels)
    return count_alarms(simulate_in_chunks(run, n_simulations, rng), levels)


@dataclass(frozen=True, slots=True)
class _Null:
    """Providers that do not differ: the clients' chances, and the error of what is expected of them."""

    chance: FloatArray
    codes: IntArray
    covariance: FloatArray
    carried_root: FloatArray
    stretch: FloatArray
    share: float
    rate: float

    def plot(self, generator: np.random.Generator, tau2: float) -> FloatArray:
        """One simulated plot, the chances of a provider's clients moved together by a normal deviation."""
        size = np.bincount(self.codes)
        apart = np.sqrt(tau2) * generator.standard_normal(size.size)
        moved = np.clip(self.chance + apart[self.codes], 0.0, 1.0)
        event = generator.random(self.chance.size) < moved
        by_chance = np.bincount(self.codes, event - moved) / size
        gap = self.stretch * by_chance + np.bincount(self.codes, moved - self.chance) / size
        found: FloatArray = gap + self.carried_root @ generator.standard_normal(self.carried_root.shape[1])
        return found


def _root(carried: ArrayLike | None, g: int) -> FloatArray:
    """A square root of the covariance of the expected shares."""
    if carried is None:
        return np.zeros((g, 0))
    values, vectors = np.linalg.eigh(np.asarray(carried, dtype=float))
    kept = values > 1e-12 * max(float(values.max(initial=0.0)), 1e-300)
    root: FloatArray = vectors[:, kept] * np.sqrt(values[kept])
    return root


def _alarms(
    n: int, generator: np.random.Generator, *, null: _Null, tau2: float, levels: tuple[float, ...]
) -> FloatArray:
    """Shares of providers beyond each line in n simulated plots, shape (n, lines)."""
    equal, spread = [], []
    for _ in range(n):
        equal.append(null.plot(generator, 0.0))
        spread.append(null.plot(generator, tau2) if tau2 > 0 else equal[-1])
    return shares_beyond(
        np.array(equal),
        np.array(spread),
        null.covariance,
        levels=levels,
        share=null.share,
        rate=null.rate,
    )
