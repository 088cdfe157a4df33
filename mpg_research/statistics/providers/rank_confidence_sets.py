"""Confidence sets for ranks: which ranks the data do not exclude.

The set of a unit comes from the differences with all others that stay inside their simultaneous intervals:
its rank lies between one plus the number of units shown to be better, and n minus the number shown to be
worse. Stepping down (Romano & Wolf) drops the directions that are settled ("i is worse than j"), keeps their
reverse, and asks the rest again.

A critical value is a quantile of simulated draws, taken at the upper end of its own Monte Carlo error: chance
in the simulation can make a set wider, never narrower than its level allows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.statistics.providers.ranks import Better, checked_moments, sign_of

__all__ = ["RankSets", "rank_confidence_sets", "tau_best"]


#: With this probability a simulated critical value is at least the exact one.
_CERTAINTY = 0.999
#: Draws if nothing is said: many for few units, fewer where every draw holds many pairs.
_MOST_DRAWS, _FEWEST_DRAWS, _PAIR_DRAWS = 50_000, 2_000, 10**8


@dataclass(frozen=True, slots=True)
class RankSets:
    """Confidence sets for the ranks of n units; rank 1 is the best.

    Attributes
    ----------
    rank : ndarray of int, shape (n,)
        Rank of the estimate itself: one plus the number of better estimates.
    low, high : ndarray of int, shape (n,)
        Best and worst rank that the data do not exclude.
    simultaneous : bool
        Whether all sets hold their ranks together with the stated level, or each by itself.
    level : float
    """

    rank: IntArray
    low: IntArray
    high: IntArray
    simultaneous: bool
    level: float


def rank_confidence_sets(
    estimate: ArrayLike,
    covariance: ArrayLike,
    *,
    level: float = 0.95,
    simultaneous: bool = False,
    stepdown: bool = True,
    better: Better = "low",
    n_draws: int | None = None,
    rng: np.random.Generator | int = 0,
) -> RankSets:
    """Confidence sets for ranks from pairwise differences.

    Parameters
    ----------
    estimate : array_like, shape (n,)
        Estimates of the units, not shrunken.
    covariance : array_like, shape (n,) or (n, n)
        Their squared standard errors, or their covariance matrix.
    level : float
        Coverage: of each set, or of all sets together.
    simultaneous : bool
        All sets together hold their ranks with the stated level; needed where several units, or the
        whole list, are looked at.
    stepdown : bool
        Narrower sets at the same coverage.
    better : {"low", "high"}
        Which end of the scale gets rank 1.
    n_draws : int, optional
        Draws of the parametric bootstrap behind the critical values; by default 50,000, and fewer (down to
        2,000) from about 45 units on.
    rng : Generator or int
        Randomness, or a seed.

    Returns
    -------
    RankSets

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Mogstad, M., Romano, J. P., Shaikh, A. M. & Wilhelm, D. (2024). Inference for ranks with applications
    to mobility across neighbourhoods and academic achievement across countries. *Review of Economic
    Studies*, 91, 476-518. https://doi.org/10.1093/restud/rdad006

    Examples
    --------
    >>> sets = rank_confidence_sets([1.0, 1.2, 5.0], [0.1, 0.1, 0.1])
    >>> sets.low.tolist(), sets.high.tolist()
    ([1, 1, 3], [2, 2, 3])
    """
    m, v = checked_moments(estimate, covariance)
    m = sign_of(better) * m
    noise = _noise(v, n_draws, rng)
    spread = _spread(v)
    t = _studentised(m, spread)
    if simultaneous:
        settled = _settle_all(t, noise, spread, level, stepdown, two_sided=True)
    else:
        settled = _settle_each(t, noise, spread, level, stepdown)
    n = m.size
    worse_than = settled & (t > 0)
    better_than = settled & (t < 0)
    rank = 1 + (m[None, :] < m[:, None]).sum(axis=1)
    return RankSets(rank, 1 + worse_than.sum(axis=1), n - better_than.sum(axis=1), simultaneous, level)


def tau_best(
    estimate: ArrayLike,
    covariance: ArrayLike,
    tau: int,
    *,
    level: float = 0.95,
    stepdown: bool = True,
    better: Better = "low",
    n_draws: int | None = None,
    rng: np.random.Generator | int = 0,
) -> BoolArray:
    """Which units may be among the ``tau`` best: a set that holds all of them with the stated level.

    Parameters
    ----------
    estimate, covariance, level, stepdown, better, n_draws, rng
        As in :func:`rank_confidence_sets`. For the ``tau`` worst, turn ``better`` round.
    tau : int
        Number of best units.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> tau_best([1.0, 1.2, 5.0], [0.1, 0.1, 0.1], 1).tolist()
    [True, True, False]
    """
    m, v = checked_moments(estimate, covariance)
    m = sign_of(better) * m
    spread = _spread(v)
    t = _studentised(m, spread)
    settled = _settle_all(t, _noise(v, n_draws, rng), spread, level, stepdown, two_sided=False)
    return np.asarray(1 + (settled & (t > 0)).sum(axis=1) <= tau)


def _noise(v: FloatArray, n_draws: int | None, rng: np.random.Generator | int) -> FloatArray:
    """Draws of the estimates' errors, shape (n, n_draws)."""
    if n_draws is None:
        n_draws = min(_MOST_DRAWS, max(_FEWEST_DRAWS, _PAIR_DRAWS // v.shape[0] ** 2))
    normal = np.random.default_rng(rng).standard_normal((v.shape[0], n_draws))
    if v.ndim == 1:
        return np.sqrt(v)[:, None] * normal
    values, vectors = np.linalg.eigh(v)
    result: FloatArray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ normal
    return result


def _critical(draws: FloatArray, level: float) -> float:
    """Quantile of draws, at the upper end of its Monte Carlo error."""
    place = min(int(binom.ppf(_CERTAINTY, draws.size, level)), draws.size - 1)
    return float(np.partition(draws, place)[place])


def _spread(v: FloatArray) -> FloatArray:
    """Standard errors of all differences, shape (n, n); infinite with oneself, so never settled."""
    own = np.diagonal(v) if v.ndim == 2 else v
    variance = own[:, None] + own[None, :] - (2 * v if v.ndim == 2 else 0.0)
    spread = np.sqrt(np.maximum(variance, 0.0))
    np.fill_diagonal(spread, np.inf)
    # Two units with one and the same error (a duplicate) differ by nothing that could be tested.
    tiny = 1e-8 * float(np.sqrt(own.max())) if own.size else 0.0
    spread[spread <= tiny] = np.inf
    return spread


def _studentised(m: FloatArray, spread: FloatArray) -> FloatArray:
    """t[i, j] = (m_i - m_j) / se: positive where i is worse than j (low is better)."""
    result: FloatArray = (m[:, None] - m[None, :]) / spread
    return result


def _settle_each(
    t: FloatArray, noise: FloatArray, spread: FloatArray, level: float, stepdown: bool
) -> BoolArray:
    """Directed differences of each unit beyond the critical value of that unit's own family.

    ``settled[i, j]``: i is shown to be worse than j, or (the family has both directions) better.
    """
    settled = np.zeros(t.shape, dtype=bool)
    for i in range(t.shape[0]):
        other = np.isfinite(spread[i])
        draws = (noise[i] - noise[other]) / spread[i, other][:, None]
        mine = t[i, other]
        worse, better = np.zeros(mine.size, dtype=bool), np.zeros(mine.size, dtype=bool)
        while True:
            sides = ((draws, ~worse), (-draws, ~better))
            tops = [side[open_].max(axis=0) for side, open_ in sides if open_.any()]
            if not tops:
                break
            critical = _critical(np.maximum.reduce(tops), level)
            found = (mine > critical) & ~worse, (-mine > critical) & ~better
            worse |= found[0]
            better |= found[1]
            if not (found[0].any() or found[1].any()) or not stepdown:
                break
        settled[i, other] = worse | better
    return settled


def _settle_all(
    t: FloatArray, noise: FloatArray, spread: FloatArray, level: float, stepdown: bool, *, two_sided: bool
) -> BoolArray:
    """Differences beyond the critical value of the family of all directed differences.

    The family holds both directions of every pair, so that its largest t is the largest |t|. Stepping down
    drops the direction that is settled and keeps its reverse. Without ``two_sided`` the result says only who
    is shown to be worse than whom.
    """
    worse = np.zeros(t.shape, dtype=bool)
    while True:
        largest = np.full(noise.shape[1], -np.inf)
        open_ = ~worse & np.isfinite(spread)
        for i in range(t.shape[0]):
            mine = np.flatnonzero(open_[i])
            if mine.size:
                draws = (noise[i] - noise[mine]) / spread[i, mine][:, None]
                np.maximum(largest, draws.max(axis=0), out=largest)
        if not np.isfinite(largest).any():
            break
        found = open_ & (t > _critical(largest, level))
        worse |= found
        if not found.any() or not stepdown:
            break
    return worse | worse.T if two_sided else worse
