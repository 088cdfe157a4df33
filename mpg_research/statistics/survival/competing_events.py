"""Which event comes first, where several compete: cumulative incidences (Aalen-Johansen), with delayed entry.

Each cause may have its own last moment watched: whether scores became worse is known only as long as there
are scores, while a new start of help is on record up to the export.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.counts import Limits, Spells, at_risk, limits_of, read_spells

__all__ = ["CompetingEvents", "ErrorOf", "aalen_johansen"]

ErrorOf = Literal["infinitesimal_jackknife", "aalen"]


@dataclass(frozen=True, slots=True)
class CompetingEvents:
    """Cumulative incidences at the moments asked for.

    Attributes
    ----------
    moments : ndarray, shape (m,)
    estimate, std_error, low, high : ndarray, shape (m, k)
        Of causes 1 to k.
    free, free_error, free_low, free_high : ndarray, shape (m,)
        Share without any event.
    influence : ndarray, shape (m, k, g)
        How each incidence moves with the weight of each one (of each cluster, where there are clusters).
    free_influence : ndarray, shape (m, g)
    mean_free, mean_free_error : float
        Mean time without any event up to the last moment asked for.
    mean_free_influence : ndarray, shape (g,)
    """

    moments: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    free: FloatArray
    free_error: FloatArray
    free_low: FloatArray
    free_high: FloatArray
    influence: FloatArray
    free_influence: FloatArray
    mean_free: float
    mean_free_error: float
    mean_free_influence: FloatArray


@dataclass(frozen=True, slots=True)
class _Steps:
    """At the t moments with events: hazards (t, k), at risk (t, k), and the shares before and after."""

    times: FloatArray
    risk: FloatArray
    hazard: FloatArray
    before: FloatArray
    after: FloatArray
    total: FloatArray
    added: FloatArray
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    own: NDArray[np.intp]


def aalen_johansen(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    at: ArrayLike,
    n_causes: int | None = None,
    entry: ArrayLike | None = None,
    watched: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    error: ErrorOf = "infinitesimal_jackknife",
    level: float = 0.95,
    limits: Limits = "log-log",
) -> CompetingEvents:
    """Share with each kind of first event by a moment, the others competing.

    Parameters
    ----------
    time : array_like, shape (n,)
        The first event, or the last moment seen.
    cause : array_like of int, shape (n,)
        0 without an event, else 1 to k.
    at : array_like, shape (m,)
        The moments, increasing.
    n_causes : int, optional
        k; by default the largest cause there is.
    entry : array_like, shape (n,), optional
        From when on each one is watched (left truncation).
    watched : array_like, shape (n, k), optional
        Up to when each one was watched for each cause; never counted beyond ``time``. By default up to it.
    cluster : array_like, shape (n,), optional
        Whose events may hang together; errors then are over clusters.
    error : {"infinitesimal_jackknife", "aalen"}
        Whose standard error: R's ``survfit``, or cmprsk's ``cuminc`` (without clusters and ``watched`` only).
    level : float
    limits : {"plain", "log", "log-log"}
        Scale of the limits: of the share with the event (log), or of the share without it (log-log).

    Returns
    -------
    CompetingEvents

    Raises
    ------
    ValueError
        If times or causes are missing or impossible, an event lies outside its watch, or Aalen's error is
        asked for with clusters or causes watched apart.

    Notes
    -----
    F_k(t) is the sum of S(u-) d_k(u) / n_k(u), S the product of 1 - sum over k of d_k / n_k. One minus a
    Kaplan-Meier curve of one cause, the others taken as no longer seen, overstates the share. After the last
    moment watched the curves are drawn on level.

    References
    ----------
    Aalen, O. O. & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains based
    on censored observations. *Scandinavian Journal of Statistics*, 5, 141-150.

    Aalen, O. O. (1978). Nonparametric estimation of partial transition probabilities in multiple decrement
    models. *Annals of Statistics*, 6, 534-545. https://doi.org/10.1214/aos/1176344198

    Examples
    --------
    >>> found = aalen_johansen([2.0, 5.0, 6.0, 9.0], [1, 2, 0, 1], at=[12.0])
    >>> found.estimate.tolist()
    [[0.75, 0.25]]
    """
    spells = read_spells(time, cause, entry)
    k = int(max(spells.cause.max(initial=0), 1) if n_causes is None else n_causes)
    if (spells.cause > k).any():
        raise ValueError(f"causes are 0 to {k}; the largest here is {int(spells.cause.max())}")
    moments = np.asarray(at, dtype=float)
    if not moments.size or (np.diff(moments) <= 0).any():
        raise ValueError("one moment or more, increasing")
    if error == "aalen" and (cluster is not None or watched is not None):
        raise ValueError("Aalen's standard error knows neither clusters nor causes watched apart")
    until = _watch(spells, watched, k)
    steps = _steps(spells, until, k)
    place = np.searchsorted(steps.times, moments, side="right")
    sums = np.concatenate([np.zeros((1, k)), steps.added])
    free_sums = np.concatenate([[1.0], steps.after])
    estimate, free = sums[place], free_sums[place]
    groups = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
    influence = np.stack([_of_incidences(steps, spells.cause, upto, groups) for upto in place])
    free_influence = -influence.sum(axis=1)
    std_error = np.sqrt(np.sum(influence**2, axis=2))
    free_error = np.sqrt(np.sum(free_influence**2, axis=1))
    if error == "aalen":
        std_error = np.concatenate([np.zeros((1, k)), _aalen(steps)])[place]
    low, high = _limits(estimate, std_error, level, limits)
    free_low, free_high = limits_of(free, free_error, level=level, scale=limits)
    area, pull = _area(steps, float(moments[-1]))
    mean_influence = _gather(steps, spells.cause, pull, groups)
    return CompetingEvents(
        moments, estimate, std_error, low, high, free, free_error, free_low, free_high,
        influence, free_influence, area, float(np.sqrt(np.sum(mean_influence**2))), mean_influence,
    )  # fmt: skip


def _limits(
    estimate: FloatArray, error: FloatArray, level: float, limits: Limits
) -> tuple[FloatArray, FloatArray]:
    if limits != "log-log":
        return limits_of(estimate, error, level=level, scale=limits)
    low, high = limits_of(1 - estimate, error, level=level, scale=limits)
    return 1 - high, 1 - low


def _watch(spells: Spells, watched: ArrayLike | None, k: int) -> FloatArray:
    if watched is None:
        return np.repeat(spells.time[:, None], k, axis=1)
    until = np.asarray(watched, dtype=float)
    if until.shape != (spells.time.size, k) or np.isnan(until).any():
        raise ValueError(f"up to when each was watched must be known for each of the {k} causes")
    until = np.asarray(np.minimum(until, spells.time[:, None]), dtype=float)
    ended = spells.cause > 0
    if (until[ended, spells.cause[ended] - 1] < spells.time[ended]).any():
        raise ValueError("an event lies after the last moment at which its cause was watched")
    result: FloatArray = until
    return result


def _steps(spells: Spells, until: FloatArray, k: int) -> _Steps:
    ended = spells.cause > 0
    times, place = np.unique(spells.time[ended], return_inverse=True)
    counts = np.zeros((times.size, k))
    np.add.at(counts, (place, spells.cause[ended] - 1), 1.0)
    risk = np.empty_like(counts)
    last = np.empty(until.shape, dtype=np.intp)
    first = np.searchsorted(times, spells.entry, side="right")
    for kind in range(k):
        open_ = until[:, kind] > spells.entry
        risk[:, kind] = at_risk(times, until[open_, kind], spells.entry[open_])
        last[:, kind] = np.where(open_, np.searchsorted(times, until[:, kind], side="right"), first)
    hazard = np.divide(counts, risk, out=np.zeros_like(counts), where=risk > 0)
    total = np.minimum(hazard.sum(axis=1), 1.0)
    after = np.cumprod(1 - total)
    before = np.concatenate([[1.0], after])[: times.size]
    added = np.cumsum(before[:, None] * hazard, axis=0)
    own = np.full(spells.time.size, -1, dtype=np.intp)
    own[ended] = place
    return _Steps(times, risk, hazard, before, after, total, added, first, last, own)


def _of_incidences(
    steps: _Steps, cause: NDArray[np.intp], upto: int, groups: NDArray[np.intp] | None
) -> FloatArray:
    """Influences on the incidences after the first ``upto`` moments, shape (k, g)."""
    k = steps.hazard.shape[1]
    found = []
    for kind in range(k):
        pull = np.zeros_like(steps.hazard)
        if upto:
            rest = steps.added[upto - 1, kind] - steps.added[:upto, kind]
            stay = 1 - steps.total[:upto]
            lost = np.divide(rest, stay, out=np.zeros_like(rest), where=stay > 0)
            pull[:upto] = -lost[:, None]
            pull[:upto, kind] += steps.before[:upto]
        found.append(_gather(steps, cause, pull, groups))
    return np.stack(found)


def _area(steps: _Steps, until: float) -> tuple[float, FloatArray]:
    """Area under the share without an event, and what one hazard more of each cause does to it."""
    inside = steps.times < until
    edges = np.concatenate([[0.0], steps.times[inside], [until]])
    pieces = np.concatenate([[1.0], steps.after[inside]]) * np.diff(edges)
    left = pieces.sum() - np.cumsum(pieces)[:-1]
    stay = 1 - steps.total[inside]
    pull = np.zeros_like(steps.hazard)
    pull[inside] = -np.divide(left, stay, out=np.zeros_like(left), where=stay > 0)[:, None]
    return float(pieces.sum()), pull


def _gather(
    steps: _Steps, cause: NDArray[np.intp], pull: FloatArray, groups: NDArray[np.intp] | None
) -> FloatArray:
    """Influences from what one hazard more of each cause does: own event less what was expected.

    d hazard_k = (own event - at risk times hazard_k) / n_k.
    """
    n, k = steps.last.shape
    scaled = np.divide(pull, steps.risk, out=np.zeros_like(pull), where=steps.risk > 0)
    result = np.zeros(n)
    for kind in range(k):
        drift = np.concatenate([[0.0], np.cumsum(steps.hazard[:, kind] * scaled[:, kind])])
        result -= drift[np.maximum(steps.last[:, kind], steps.first)] - drift[steps.first]
        mine = cause == kind + 1
        result[mine] += scaled[steps.own[mine], kind]
    if groups is not None:
        result = np.bincount(groups, result).astype(float)
    return result


def _aalen(steps: _Steps) -> FloatArray:
    """Aalen's standard errors at each moment, as cmprsk's ``cuminc`` computes them, shape (t, k)."""
    risk = steps.risk[:, 0]
    counts = np.rint(steps.hazard * risk[:, None])
    errors = np.zeros_like(counts)
    after = steps.after
    inverse = np.divide(1.0, after, out=np.zeros_like(after), where=after > 0)
    for kind in range(counts.shape[1]):
        mine, others = counts[:, kind], counts.sum(axis=1) - counts[:, kind]
        share = steps.added[:, kind]
        sums = np.zeros((3, risk.size))
        for number, own in ((others, 0.0), (mine, 1.0)):
            ties = np.where(number > 1, 1 - (number - 1) / np.maximum(risk - 1, 1), 1.0)
            part = steps.before**2 * ties * number / risk**2
            if not own:
                part = np.where(after > 0, part, 0.0)
            slope = own + inverse * share
            sums += np.cumsum(np.stack([slope**2, inverse * slope, inverse**2]) * part, axis=1)
        variance = sums[0] + share**2 * sums[2] - 2 * share * sums[1]
        seen = np.maximum.accumulate(np.where(mine > 0, np.arange(risk.size), -1))
        errors[:, kind] = np.where(seen >= 0, np.sqrt(np.maximum(variance[seen], 0.0)), 0.0)
    return errors
