"""Hazards of an event that is seen at looks only: it came about between the look before and the look itself.

A curve that puts the event at the look where it was seen, and takes a family as watched up to its last look,
overstates the share: whoever is looked at once can have the event at that look, or is never watched again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums

__all__ = ["IntervalHazards", "IntervalRatios", "fit_interval_hazards", "fit_interval_ratios"]

_STEPS, _SMALL = 5000, 1e-10
_NEWTON = 60


@dataclass(frozen=True, slots=True)
class IntervalHazards:
    """Hazards that are constant within each of k stretches of time.

    Attributes
    ----------
    hazard : ndarray, shape (k,)
        Cumulated over each stretch; missing where nobody was looked at.
    influence : ndarray, shape (k, n)
        How each moves with the weight of each one.
    """

    hazard: FloatArray
    influence: FloatArray


@dataclass(frozen=True, slots=True)
class IntervalRatios:
    """Log hazard ratios from looks, with a baseline that is constant within stretches.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    robust : ndarray, shape (p, p)
        Over clusters.
    n_clusters : int
    converged : bool
    """

    coefficients: FloatArray
    robust: FloatArray
    n_clusters: int
    converged: bool


def fit_interval_hazards(clean: ArrayLike, seen: ArrayLike, edges: ArrayLike) -> IntervalHazards:
    """Hazards by maximum likelihood from the last look without the event and the first look with it.

    Parameters
    ----------
    clean : array_like, shape (n,)
        The last look without the event (0 where the first look had it).
    seen : array_like, shape (n,)
        The first look with the event; infinite where none had it.
    edges : array_like, shape (k + 1,)
        Ends of the stretches, from 0.

    Returns
    -------
    IntervalHazards

    Raises
    ------
    ValueError
        If a time is missing or an event was seen before the last look without it.

    Notes
    -----
    Of one family the likelihood is exp(-H(clean)) times 1 - exp(-(H(seen) - H(clean))) where the event was
    seen; H is linear within stretches. Found by the EM algorithm of the Poisson events behind it.

    Examples
    --------
    >>> found = fit_interval_hazards([3.0, 0.0, 3.0, 3.0], [np.inf, 3.0, np.inf, np.inf], [0.0, 3.0])
    >>> (1 - np.exp(-found.hazard)).round(3).tolist()
    [0.25]
    """
    left, right = np.asarray(clean, dtype=float), np.asarray(seen, dtype=float)
    ends = np.asarray(edges, dtype=float)
    if np.isnan(left).any() or np.isnan(right).any() or (right <= left).any():
        raise ValueError("looks must be known, and an event seen after the last look without it")
    had = np.isfinite(right)
    # Events seen after the last stretch may lie before it or beyond: a stretch of their own, not given back.
    asked, furthest = ends.size - 1, float(right[had].max(initial=-np.inf))
    if furthest > ends[-1]:
        ends = np.append(ends, furthest)
    without = _overlap(np.zeros_like(left), left, ends)
    doubt = np.zeros_like(without)
    doubt[had] = _overlap(left[had], right[had], ends)
    exposure = without.sum(axis=0) + doubt.sum(axis=0)
    looked = exposure > 0
    hazard = np.where(looked, had.sum() / max(exposure.sum(), 1e-300), 0.0)
    for _ in range(_STEPS):
        expected = doubt[had] @ hazard
        part = 1 / np.maximum(-np.expm1(-expected), 1e-300)
        events = hazard * (doubt[had] * part[:, None]).sum(axis=0)
        after = np.divide(events, exposure, out=np.zeros_like(events), where=looked)
        moved = np.abs(after - hazard).max(initial=0.0)
        hazard = after
        if moved < _SMALL:
            break
    hazard[hazard < 1e-8] = 0.0
    influence = _influence(hazard, without, doubt, had)
    return IntervalHazards(np.where(looked, hazard, np.nan)[:asked], influence[:asked])


def _overlap(start: FloatArray, stop: FloatArray, edges: FloatArray) -> FloatArray:
    """Share of each stretch that lies between start and stop, shape (n, k)."""
    low = np.maximum(start[:, None], edges[:-1])
    high = np.minimum(stop[:, None], edges[1:])
    result: FloatArray = np.maximum(high - low, 0.0) / np.diff(edges)
    return result


def _influence(
    hazard: FloatArray, without: FloatArray, doubt: FloatArray, had: NDArray[np.bool_]
) -> FloatArray:
    """From the score of each one and the information; hazards of 0 stay where they are."""
    score = -without.copy()
    expected = doubt[had] @ hazard
    odds = 1 / np.maximum(np.expm1(expected), 1e-300)
    score[had] += doubt[had] * odds[:, None]
    curve = odds * (1 + odds)
    information = (doubt[had] * curve[:, None]).T @ doubt[had]
    free = hazard > 0
    result = np.zeros((hazard.size, without.shape[0]))
    if free.any():
        result[free] = np.linalg.pinv(information[np.ix_(free, free)]) @ score[:, free].T
    return result


def fit_interval_ratios(
    clean: ArrayLike,
    seen: ArrayLike,
    design: ArrayLike,
    edges: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
) -> IntervalRatios:
    """Log hazard ratios of an event that is seen at looks only.

    Parameters
    ----------
    clean, seen : array_like, shape (n,)
        As in :func:`fit_interval_hazards`.
    design : array_like, shape (n, p)
        No column for an intercept.
    edges : array_like, shape (k + 1,)
        Ends of the stretches of the baseline, from 0 to the last look or later; an event in each.
    cluster : array_like, shape (n,), optional
        Whose times may hang together.

    Returns
    -------
    IntervalRatios

    Raises
    ------
    ValueError
        If something is missing, or a column is the same for everybody.
    """
    left, right = np.asarray(clean, dtype=float), np.asarray(seen, dtype=float)
    x, ends = np.asarray(design, dtype=float), np.asarray(edges, dtype=float)
    spread = x.std(axis=0)
    if not np.isfinite(x).all() or (spread <= 0).any():
        raise ValueError("every column of the design must be known and vary")
    z = (x - x.mean(axis=0)) / spread
    had = np.isfinite(right)
    without = _overlap(np.zeros_like(left), left, ends)
    doubt = np.zeros_like(without)
    doubt[had] = _overlap(left[had], right[had], ends)
    k, p = ends.size - 1, x.shape[1]
    start = np.log(max(had.sum(), 1) / max((without + doubt).sum(), 1e-300))
    both = np.concatenate([np.full(k, start), np.zeros(p)])

    def look(at: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        base, lift = np.exp(np.clip(at[:k], -40, 40)), np.exp(np.clip(z @ at[k:], -40, 40))
        gone = (without * base) * lift[:, None]
        open_ = (doubt * base) * lift[:, None]
        total = np.clip(open_[had].sum(axis=1), 1e-300, 500)
        value = -gone.sum() + np.log(-np.expm1(-total)).sum()
        odds = np.zeros(left.size)
        odds[had] = 1 / np.expm1(total)
        wide = np.concatenate([open_, open_.sum(axis=1)[:, None] * z], axis=1)
        scores = np.concatenate([-gone, -gone.sum(axis=1)[:, None] * z], axis=1) + odds[:, None] * wide
        # Twice the derivative: of Poisson counts with these weights, plus the bend of 1 - exp(-H).
        exact = _of_counts(gone - odds[:, None] * open_, z)
        exact += (wide * (odds * (1 + odds))[:, None]).T @ wide
        return float(value), scores, exact, _of_counts(gone + open_, z)

    value, scores, information, safe = look(both)
    settled = False
    for _ in range(_NEWTON):
        slope = scores.sum(axis=0)
        size = np.linalg.eigvalsh(information)
        sound = size[0] > 1e-7 * abs(size[-1])
        step = np.linalg.lstsq(information if sound else safe, slope, rcond=None)[0]
        if float(slope @ step) < 1e-9:
            settled = sound and bool(np.abs(both[k:]).max(initial=0.0) < 15)
            break
        halved, better = 1.0, False
        while halved > 1e-6 and not better:
            trial = look(both + halved * step)
            better = bool(np.isfinite(trial[0]) and trial[0] > value)
            halved = halved if better else halved / 2
        if not better:
            settled = sound and float(slope @ step) < 1e-5
            break
        both = both + halved * step
        value, scores, information, safe = trial
    inverse = np.linalg.pinv(information)
    groups = (
        np.arange(left.size) if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
    )
    sums = cluster_sums(scores @ inverse, groups)
    scale = np.concatenate([np.ones(k), 1 / spread])
    robust = (sums.T @ sums) * np.outer(scale, scale)
    return IntervalRatios(both[k:] / spread, robust[k:, k:], int(groups.max()) + 1, bool(settled))


def _of_counts(weight: FloatArray, z: FloatArray) -> FloatArray:
    """Information of Poisson counts with log means (stretch + z b), weighted, shape (k + p, k + p)."""
    cross = weight.T @ z
    slopes = z.T @ (weight.sum(axis=1)[:, None] * z)
    result: FloatArray = np.block([[np.diag(weight.sum(axis=0)), cross], [cross.T, slopes]])
    return result
