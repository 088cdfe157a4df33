"""Survival by slow loops over persons and moments, and data to try it on."""

import numpy as np

from mpg_research.arrays import FloatArray


def random_spells(rng: np.random.Generator, n: int, *, ties: bool = True) -> dict[str, np.ndarray]:
    """Times, causes 0 to 3, entries, clusters and a design of n spells; some come in late."""
    time = rng.exponential(8.0, n) + 0.05
    entry = np.where(rng.random(n) < 0.3, rng.uniform(0, 6, n), -np.inf)
    if ties:
        time, entry = np.ceil(time * 2) / 2, np.where(np.isfinite(entry), np.floor(entry * 2) / 2, entry)
    late = entry >= time
    entry[late] = -np.inf
    return {
        "time": time,
        "entry": entry,
        "cause": rng.integers(0, 4, n),
        "cluster": rng.integers(0, max(n // 4, 2), n),
        "design": rng.normal(size=(n, 2)),
        "group": rng.integers(0, 3, n),
    }


def incidence(
    time: FloatArray,
    cause: np.ndarray,
    entry: FloatArray,
    watched: FloatArray,
    weight: FloatArray,
    *,
    at: float,
) -> FloatArray:
    """Cumulative incidences (k,), then the mean time without an event up to ``at``; persons have weights."""
    k = watched.shape[1]
    share, free, area, before = np.zeros(k), 1.0, 0.0, 0.0
    for moment in np.unique(time[cause > 0]):
        if moment > at:
            break
        hazard = np.zeros(k)
        for kind in range(k):
            risk = (entry < moment) & (moment <= watched[:, kind])
            ends = (time == moment) & (cause == kind + 1)
            hazard[kind] = weight[ends].sum() / weight[risk].sum() if ends.any() else 0.0
        area, before = area + free * (moment - before), moment
        share = share + free * hazard
        free *= 1 - hazard.sum()
    return np.append(share, area + free * (at - before))


def log_likelihood(
    beta: FloatArray,
    time: FloatArray,
    died: np.ndarray,
    design: FloatArray,
    entry: FloatArray,
    strata: np.ndarray,
    *,
    efron: bool,
) -> float:
    """The log partial likelihood, event by event."""
    total = 0.0
    for layer in np.unique(strata):
        inside = strata == layer
        for moment in np.unique(time[died & inside]):
            now = np.flatnonzero(died & inside & (time == moment))
            risk = np.exp(design @ beta)
            everybody = risk[inside & (entry < moment) & (moment <= time)].sum()
            for place, person in enumerate(now):
                less = place / len(now) * risk[now].sum() if efron else 0.0
                total += float(design[person] @ beta) - float(np.log(everybody - less))
    return total
