"""Ranks of organisations with their uncertainty: expected ranks and chances of the best or worst third."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from mpg_research.arrays import FloatArray

__all__ = [
    "Better",
    "ExpectedRanks",
    "RankProbabilities",
    "checked_moments",
    "draw_effects",
    "expected_ranks",
    "rank_probabilities",
    "sign_of",
]

Better = Literal["low", "high"]

#: Organisations whose ranks are worked out at a time; keeps the memory of hundreds of them small.
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class ExpectedRanks:
    """Posterior expected ranks of n units; rank 1 is the best.

    Attributes
    ----------
    expected_rank : ndarray, shape (n,)
        From 1 to n; all (n + 1) / 2 where nothing is known.
    percentile : ndarray, shape (n,)
        100 (expected rank - 0.5) / n: the expected share of units that are better, in per cent.
    """

    expected_rank: FloatArray
    percentile: FloatArray


@dataclass(frozen=True, slots=True)
class RankProbabilities:
    """Ranks of n units over joint draws; rank 1 is the best.

    Attributes
    ----------
    expected_rank, percentile : ndarray, shape (n,)
        As in :class:`ExpectedRanks`, as means over the draws.
    best_third, worst_third : ndarray, shape (n,)
        Share of the draws in which the unit is among the best or worst third.
    rank_low, rank_high : ndarray, shape (n,)
        Quantiles of the rank over the draws at the level asked for.
    n_draws : int
    """

    expected_rank: FloatArray
    percentile: FloatArray
    best_third: FloatArray
    worst_third: FloatArray
    rank_low: FloatArray
    rank_high: FloatArray
    n_draws: int


def expected_ranks(mean: ArrayLike, variance: ArrayLike, *, better: Better = "low") -> ExpectedRanks:
    """Expected ranks of units whose effects have a normal posterior.

    Parameters
    ----------
    mean : array_like, shape (n,)
        Posterior means (shrunken estimates).
    variance : array_like, shape (n,) or (n, n)
        Posterior variances of independent effects, or their joint covariance matrix.
    better : {"low", "high"}
        Which end of the scale gets rank 1.

    Returns
    -------
    ExpectedRanks

    Raises
    ------
    ValueError
        If the shapes do not fit or a variance is negative.

    Notes
    -----
    E(rank_i) = 1 + sum over j != i of P(effect_j is better than effect_i), with
    P = Phi((m_i - m_j) / sd(effect_i - effect_j)) for ``better="low"``. Two effects that are known
    exactly and equal share the rank.

    References
    ----------
    Lingsma, H. F., Eijkemans, M. J. C. & Steyerberg, E. W. (2009). Incorporating natural variation into
    IVF clinic league tables: the expected rank. *BMC Medical Research Methodology*, 9, 53.
    https://doi.org/10.1186/1471-2288-9-53

    Examples
    --------
    >>> expected_ranks([-2.0, 0.0, 1.0], [0.5, 0.5, 0.5]).expected_rank.round(2).tolist()
    [1.02, 2.14, 2.84]
    """
    m, v = checked_moments(mean, variance)
    sign = sign_of(better)
    n = m.size
    total = np.ones(n)
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        total[part] += _chances(m, v, part, sign).sum(axis=1)
    return ExpectedRanks(total, 100 * (total - 0.5) / n)


def _chances(m: FloatArray, v: FloatArray, part: slice, sign: float) -> FloatArray:
    """P(j is better than i) for i in ``part`` and all j, zero for j = i."""
    distance = sign * (m[part, None] - m[None, :])
    if v.ndim == 2:
        own = np.diagonal(v)
        spread = own[part, None] + own[None, :] - 2 * v[part]
    else:
        spread = v[part, None] + v[None, :]
    sd = np.sqrt(np.maximum(spread, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        chances: FloatArray = np.where(sd > 0, ndtr(distance / sd), 0.5 * (1 + np.sign(distance)))
    chances[np.arange(chances.shape[0]), np.arange(part.start, part.stop)] = 0.0
    return chances


def draw_effects(
    mean: ArrayLike, covariance: ArrayLike, *, n_draws: int = 4000, rng: np.random.Generator | int = 0
) -> FloatArray:
    """Joint normal draws of the effects, shape (n_draws, n).

    Parameters
    ----------
    mean : array_like, shape (n,)
    covariance : array_like, shape (n,) or (n, n)
        Variances of independent effects, or their joint covariance; it may be singular.
    n_draws : int
    rng : Generator or int
        Randomness, or a seed.

    Examples
    --------
    >>> draw_effects([0.0, 1.0], [1.0, 0.0], n_draws=3, rng=1)[:, 1].tolist()
    [1.0, 1.0, 1.0]
    """
    m, v = checked_moments(mean, covariance)
    noise = np.random.default_rng(rng).standard_normal((n_draws, m.size))
    if v.ndim == 1:
        return m + noise * np.sqrt(v)
    values, vectors = np.linalg.eigh(v)
    result: FloatArray = m + (noise * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return result


def rank_probabilities(draws: ArrayLike, *, better: Better = "low", level: float = 0.95) -> RankProbabilities:
    """Ranks over joint draws of the effects.

    Parameters
    ----------
    draws : array_like, shape (n_draws, n)
        Joint draws, as from :func:`draw_effects`.
    better : {"low", "high"}
    level : float
        Of ``rank_low`` and ``rank_high``.

    Returns
    -------
    RankProbabilities

    Notes
    -----
    The best third of n units are the round(n / 3) best, at least one. Equal effects in a draw (as when
    the spread between units is estimated as zero) share their mean rank, and count by its place.

    Examples
    --------
    >>> found = rank_probabilities(draw_effects([-3.0, 0.0, 3.0], [1.0, 1.0, 1.0]))
    >>> bool(found.best_third[0] > 0.95)
    True
    """
    values = sign_of(better) * np.asarray(draws, dtype=float)
    if values.ndim != 2 or values.shape[1] < 1:
        raise ValueError("draws must have the shape (n_draws, n)")
    n_draws, n = values.shape
    ranks = _ranks(values)
    third = max(1, round(n / 3))
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=0, method="closest_observation")
    mean = ranks.mean(axis=0)
    return RankProbabilities(
        expected_rank=mean,
        percentile=100 * (mean - 0.5) / n,
        best_third=(ranks <= third).mean(axis=0),
        worst_third=(ranks > n - third).mean(axis=0),
        rank_low=low,
        rank_high=high,
        n_draws=n_draws,
    )


def _ranks(values: FloatArray) -> FloatArray:
    """Ranks along the last axis; equal values share their mean rank."""
    if np.any(np.diff(np.sort(values, axis=1), axis=1) == 0):
        from scipy.stats import rankdata

        shared: FloatArray = rankdata(values, axis=1)
        return shared
    order = np.argsort(values, axis=1)
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, np.arange(1.0, values.shape[1] + 1)[None, :], axis=1)
    return ranks


def checked_moments(mean: ArrayLike, variance: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Means (n,) and their variances (n,) or covariance (n, n) as arrays.

    Raises
    ------
    ValueError
        If the shapes do not belong together or a variance is negative.
    """
    m, v = np.asarray(mean, dtype=float), np.asarray(variance, dtype=float)
    if m.ndim != 1 or v.shape not in ((m.size,), (m.size, m.size)):
        raise ValueError(f"{m.size} means need variances of shape (n,) or (n, n); found {v.shape}")
    if np.any((np.diagonal(v) if v.ndim == 2 else v) < 0):
        raise ValueError("variances must not be negative")
    return m, v


def sign_of(better: Better) -> float:
    """1 where low values are better, -1 where high ones are."""
    if better not in ("low", "high"):
        raise ValueError(f"better must be 'low' or 'high'; found {better!r}")
    return 1.0 if better == "low" else -1.0
