"""Coverage of 95 % intervals where organisations are few: z, Satterthwaite, Kenward-Roger, the default.

Simulates studies of families in organisations, half of the organisations under one arm, fits
``score ~ months + arm + (1 + months | family) + (1 | organisation)`` and counts how often the intervals of
the mean and of the arm's effect hold the truth: over all runs, and among the runs in which the variance
between organisations is estimated as zero.

Run ``python benchmarks/mixed/coverage.py --runs 10000 --out TABLE``; some twenty minutes
on two cores.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.satterthwaite_kenward_roger import kenward_roger, satterthwaite_degrees
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.refit import refit
from mpg_research.mixed.search.solution import solve

ORGANISATIONS = (4, 6, 12, 40)
ICCS = (0.0, 0.03, 0.05, 0.15)
METHODS = ("z", "satterthwaite", "kenward-roger", "default")
# about 250 families in six organisations, as in the field
FAMILIES_PER_ORGANISATION, WAVES = 40, 5
# relative to a residual sd of 1: family intercept and slope sd
FAMILY_SD, SLOPE_SD = 1.2, 0.12


@dataclass(frozen=True)
class Cell:
    n_organisations: int
    icc: float
    runs: int
    seed: int


def study(n_organisations: int, rng: np.random.Generator) -> MixedProblem:
    """A design with unequal numbers of families per organisation and unequal times."""
    sizes = np.maximum(4, rng.poisson(FAMILIES_PER_ORGANISATION, n_organisations))
    organisation_of = np.repeat(np.arange(n_organisations), sizes)
    n_families = organisation_of.size
    family = np.repeat(np.arange(n_families), WAVES)
    organisation = organisation_of[family]
    n = family.size
    months = np.tile(np.arange(WAVES) * 1.5, n_families) + rng.uniform(0, 1, n)
    arm = (organisation % 2).astype(float)
    x = np.column_stack([np.ones(n), months, arm])
    z = x[:, :2]
    random = (
        RandomTerm("family", ("1", "months"), z, family, tuple(range(n_families))),
        RandomTerm("organisation", ("1",), z[:, :1], organisation, tuple(range(n_organisations))),
    )
    return MixedProblem(rng.normal(size=n), x, ("1", "months", "arm"), random)


def run(cell: Cell) -> np.ndarray:
    """Counts (2 effects, 4 methods, [hits, runs, hits at the boundary, runs at the boundary])."""
    rng = np.random.default_rng(cell.seed)
    problem = study(cell.n_organisations, rng)
    family, organisation = problem.random
    within = FAMILY_SD**2 + 1.0
    organisation_sd = np.sqrt(cell.icc / (1 - cell.icc) * within)
    theta = np.array([FAMILY_SD, 0.0, SLOPE_SD, max(organisation_sd, 0.2)])
    template = solve(problem, theta=theta)
    n = problem.y.size
    contrasts = np.eye(3)[[0, 2]]
    counts = np.zeros((2, len(METHODS), 4), dtype=int)
    for _ in range(cell.runs):
        effects = rng.normal(size=(len(family.levels), 2)) * [FAMILY_SD, SLOPE_SD]
        y = np.einsum("nj,nj->n", effects[family.codes], family.z) + rng.normal(size=n)
        y += organisation_sd * rng.normal(size=cell.n_organisations)[organisation.codes]
        found = refit(template, y)
        at_zero = found.faces[1].is_singular
        estimates = contrasts @ found.beta
        errors = np.sqrt(np.einsum("ma,ab,mb->m", contrasts, found.covariance, contrasts))
        by_satterthwaite = satterthwaite_degrees(found, contrasts)
        adjusted = kenward_roger(found)
        limited = by_satterthwaite
        if found.is_singular:
            limited = np.minimum(by_satterthwaite, design_degrees(found).of(contrasts))
        rules = (
            (errors, np.full(2, np.inf)),
            (errors, by_satterthwaite),
            (adjusted.standard_errors(contrasts), adjusted.degrees(contrasts)),
            (errors, limited),
        )
        for m, (spread, degrees) in enumerate(rules):
            hit = np.abs(estimates) <= stats.t.ppf(0.975, degrees) * spread
            counts[:, m, 0] += hit
            counts[:, m, 1] += 1
            if at_zero:
                counts[:, m, 2] += hit
                counts[:, m, 3] += 1
    return counts


def table(results: dict[tuple[int, float], np.ndarray]) -> str:
    """A Markdown table: coverage in percent, all runs | runs at the boundary."""
    lines = [
        "| organisations | ICC | effect | at zero % | " + " | ".join(METHODS) + " |",
        "|---|---|---|---|" + "---|" * len(METHODS),
    ]
    for (n_organisations, icc), counts in results.items():
        for e, effect in enumerate(("mean", "arm")):
            share = 100 * counts[e, 0, 3] / counts[e, 0, 1]
            cells = []
            for m in range(len(METHODS)):
                hits, runs, zero_hits, zero_runs = counts[e, m]
                at_zero = f"{100 * zero_hits / zero_runs:.1f}" if zero_runs >= 100 else "-"
                cells.append(f"{100 * hits / runs:.1f} ({at_zero})")
            lines.append(f"| {n_organisations} | {icc:.2f} | {effect} | {share:.0f} | {' | '.join(cells)} |")
    everything = sum(results.values())
    assert isinstance(everything, np.ndarray)
    pooled = everything.sum(axis=0)
    cells = [f"{100 * row[0] / row[1]:.1f} ({100 * row[2] / max(row[3], 1):.1f})" for row in pooled]
    share = 100 * pooled[0, 3] / pooled[0, 1]
    lines.append(f"| all | all | both | {share:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seed(seed: int, n: int, icc: float, done: int) -> int:
    return int(np.random.SeedSequence([seed, n, round(icc * 100), done]).generate_state(1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    chunk = 500
    cells = [
        Cell(n, icc, min(chunk, arguments.runs - done), _seed(arguments.seed, n, icc, done))
        for n in ORGANISATIONS
        for icc in ICCS
        for done in range(0, arguments.runs, chunk)
    ]
    results: dict[tuple[int, float], np.ndarray] = {}
    with ProcessPoolExecutor(arguments.processes) as pool:
        for cell, counts in zip(cells, pool.map(run, cells), strict=True):
            key = (cell.n_organisations, cell.icc)
            results[key] = results.get(key, 0) + counts
            if arguments.out is not None:
                arguments.out.write_text(table(results) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
