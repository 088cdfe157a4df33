"""Synthetic growth data for the races: families in workers in organisations, irregular waves."""

import numpy as np
import pandas as pd

__all__ = ["growth_data"]


def growth_data(
    n_families: int,
    *,
    waves: int = 5,
    n_organisations: int = 20,
    families_per_worker: int = 20,
    serial: float = 0.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Rows per family x wave: score, months, organisation, worker, family.

    The true model has random intercepts and slopes for families and organisations and a random intercept
    (and a small slope) for workers; times are irregular, so that no two families share a schedule.
    ``serial`` is the residual correlation of neighbouring waves.
    """
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(n_families), waves)
    n = family.size
    worker_of = np.arange(n_families) // families_per_worker
    n_workers = int(worker_of.max()) + 1
    organisation_of = rng.integers(0, n_organisations, n_workers)
    worker = worker_of[family]
    organisation = organisation_of[worker]
    months = np.tile(np.arange(waves) * 1.5, n_families) + rng.uniform(0, 1, n)

    def effects(count: int, sd_1: float, sd_2: float, correlation: float) -> np.ndarray:
        draws = rng.normal(size=(count, 2))
        draws[:, 1] = correlation * draws[:, 0] + np.sqrt(1 - correlation**2) * draws[:, 1]
        return draws * [sd_1, sd_2]

    at_family = effects(n_families, 3.0, 0.30, -0.3)[family]
    at_worker = effects(n_workers, 1.0, 0.10, 0.0)[worker]
    at_organisation = effects(n_organisations, 0.8, 0.15, 0.2)[organisation]
    both = at_family + at_worker + at_organisation
    noise = rng.normal(size=(n_families, waves))
    for wave in range(1, waves):
        noise[:, wave] = serial * noise[:, wave - 1] + np.sqrt(1 - serial**2) * noise[:, wave]
    score = 22 - 0.35 * months + both[:, 0] + both[:, 1] * months + 2.5 * noise.ravel()
    return pd.DataFrame(
        {
            "score": score,
            "months": months,
            "family": family,
            "worker": worker,
            "organisation": organisation,
        }
    )
