"""Models whose likelihood tends to have several maxima, and a search from many starts to tell.

Few groups, up to three correlated random effects with a truth of any rank, weights that differ much, at times
a second level.
"""

from typing import Literal

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.many_outcomes import Batch, fit_batch
from mpg_research.mixed.search.starts_and_faces import find_optimum

__all__ = ["hard_model", "lowest_deviance"]


def hard_model(seed: int) -> tuple[MixedProblem, Literal["REML", "ML"]]:
    """Draw a model; the same for the same seed."""
    rng = np.random.default_rng([9, seed])
    n_families = int(rng.integers(4, 14))
    sizes = (
        rng.integers(2, 8, n_families) if rng.random() < 0.5 else np.full(n_families, int(rng.integers(4, 9)))
    )
    if sizes.sum() <= 3 * n_families:
        sizes = sizes + 2
    family = np.repeat(np.arange(n_families), sizes)
    n = family.size
    irregular = rng.random() < 0.5
    months = rng.uniform(0, 10, n) if irregular else np.concatenate([np.arange(float(s)) for s in sizes])
    x = rng.normal(size=n) if rng.random() < 0.5 else rng.normal(size=n_families)[family]
    arm = (np.arange(n_families) % 2)[family].astype(float)
    size = int(rng.choice([1, 2, 3, 3, 3]))
    third = x if rng.random() < 0.5 else np.log1p(months)
    z = np.column_stack([np.ones(n), months, third][:size])
    rank = int(rng.integers(0, size + 1))
    factor = rng.normal(size=(size, rank)) * rng.choice([0.2, 0.5, 1, 2])
    factor = factor / np.sqrt((z**2).mean(axis=0))[:, None]
    effects = rng.normal(size=(n_families, rank)) @ factor.T if rank else np.zeros((n_families, size))
    weights = rng.lognormal(0, rng.uniform(0.5, 2), n) if rng.random() < 0.7 else None
    noise = rng.normal(size=n) * (1.0 if weights is None else 1 / np.sqrt(weights))
    design = np.column_stack([np.ones(n), months, arm, arm * months, x][: int(rng.integers(1, 6))])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        design = design[:, :2]
    y = design.sum(axis=1) + np.sum(z * effects[family], axis=1) + noise
    names = ("1", "months", "third")
    terms = [RandomTerm("family", names[:size], z, family, tuple(range(n_families)))]
    if rng.random() < 0.3:
        n_workers = int(rng.integers(2, 5))
        worker = (np.arange(n_families) % n_workers)[family]
        width = min(size, int(rng.integers(1, 3)))
        levels, correlated = tuple(range(n_workers)), bool(rng.random() < 0.7)
        structure = FULL if correlated else DIAGONAL
        terms.append(RandomTerm("worker", names[:width], z[:, :width], worker, levels, structure))
        y = y + rng.normal(size=n_workers)[worker] * rng.choice([0, 0.5, 1])
    x_names = ("1", "months", "arm", "arm:months", "x")[: design.shape[1]]
    return MixedProblem(y, design, x_names, tuple(terms), weights), "REML" if rng.random() < 0.6 else "ML"


def _anywhere(engine: Engine, rng: np.random.Generator) -> FloatArray:
    pieces = []
    for term in engine.scaled.terms:
        size = term.root.shape[0]
        factor = np.tril(rng.normal(size=(size, size))) * 10 ** rng.uniform(-1.2, 0.7)
        if rng.random() < 0.3:
            factor = factor * 10 ** rng.uniform(-1, 1, size)[:, None]
        pieces.append(term.structure.pack(factor))
    return np.concatenate(pieces)


def lowest_deviance(engine: Engine, rng: np.random.Generator, n_starts: int, known: float) -> float:
    """The lowest deviance that searches from random starts reach, or ``known`` where none is lower."""
    starts = np.array([_anywhere(engine, rng) for _ in range(n_starts)])
    cautious = 0.1 * np.eye(engine.n_theta)
    found = fit_batch(Batch.repeated(engine, n_starts), starts, cautious, tolerance=1e-9, max_steps=60)
    values = np.where(np.isfinite(found.value), found.value, np.inf)
    shift, at = engine.shift(), int(np.argmin(values))
    if values[at] + shift >= known - 1e-7:
        return known
    polished = find_optimum(engine, found.x[at], cautious, look_again=False)
    return min(known, float(values[at]) + shift, polished.value + shift)
