"""One simulated study: who is measured when, and the scores."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.planning.inputs import Inputs

__all__ = ["Drawn", "draw_effects", "draw_visits"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Families with their measurements.

    Attributes
    ----------
    family, worker, organisation : array of int, shape (rows,)
        Numbered from 0; sorted by organisation, worker, family and month.
    months, score : array, shape (rows,)
    own_slopes : array, shape (organisations,)
        What each organisation truly adds to the change per month; their mean over families is 0.
    """

    family: IntArray
    worker: IntArray
    organisation: IntArray
    months: FloatArray
    score: FloatArray
    own_slopes: FloatArray


def draw_visits(inputs: Inputs, n: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each of ``n`` families is measured at each wave, shape (n, waves); all are at the first."""
    retained = inputs.retained()
    seen = (rng.random(n)[:, None] < retained) & (rng.random((n, inputs.waves)) >= inputs.missed)
    seen[:, 0] = True
    return seen


def draw_effects(inputs: Inputs, rng: np.random.Generator, *, fixed: bool) -> Drawn:
    """A study in which nothing changes but by chance, and by what families, workers, organisations are.

    Parameters
    ----------
    inputs : Inputs
    rng : Generator
    fixed : bool
        Whether the question is about these organisations: what they add to the change is then taken around
        its mean over the families, so that the true mean change is 0.

    Notes
    -----
    The estimators are equivariant: adding an effect to the scores adds it to the estimate and changes nothing
    else, so that one draw serves power and false findings alike.
    """
    counts, waves = inputs.family_counts(), inputs.waves
    n, months = inputs.families, inputs.months
    organisation = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    worker = organisation * inputs.workers + (within * inputs.workers) // np.maximum(counts[organisation], 1)
    slopes = rng.normal(scale=inputs.sd_slope_organisation, size=len(counts))
    if fixed:
        slopes -= np.average(slopes, weights=counts)
    root = np.linalg.cholesky(inputs.family_covariance() + 1e-12 * np.eye(2))
    own = rng.standard_normal((n, 2)) @ root.T
    n_workers = len(counts) * inputs.workers
    worker_level = rng.normal(scale=inputs.sd * np.sqrt(inputs.icc_worker), size=n_workers)
    worker_slope = rng.normal(scale=inputs.sd_slope_worker, size=n_workers)
    level = rng.normal(scale=inputs.sd * np.sqrt(inputs.icc_organisation), size=len(counts))
    base = own[:, 0] + worker_level[worker] + level[organisation]
    slope = own[:, 1] + worker_slope[worker] + slopes[organisation]
    noise = rng.standard_normal((n, waves))
    phi = inputs.serial**inputs.spacing if inputs.serial else 0.0
    for wave in range(1, waves if phi else 0):
        noise[:, wave] = phi * noise[:, wave - 1] + np.sqrt(1.0 - phi**2) * noise[:, wave]
    score = base[:, None] + slope[:, None] * months + np.sqrt(inputs.residual_variance) * noise
    seen = draw_visits(inputs, n, rng)
    who, at = np.nonzero(seen)
    return Drawn(who, worker[who], organisation[who], months[at], score[who, at], slopes)
