"""Does a fit end at the lowest deviance there is? Random models with several maxima, many starts, and lme4.

    python benchmarks/mixed/starts.py                # prints the table and writes benchmarks/mixed/starts.md
    python benchmarks/mixed/starts.py --models 100   # quicker, to the screen only

Each model (tests/mixed/hard_models.py: few groups, up to three correlated random effects whose truth may be
singular, weights, at times a second level) is fitted as ``fit_mixed`` does, then searched from many random
starts of which the fit knows nothing. Every tenth one is given to lme4 too, where R is there. The small
version is tests/mixed/search/test_lowest_deviance.py.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd

from mpg_research.mixed.search.solution import MixedSolution, solve
from mpg_research.mixed.search.starts_and_faces import find_optimum
from tests.mixed.hard_models import hard_model, lowest_deviance

HERE = Path(__file__).resolve().parent
FALL = 2e-6


def by_lme4(fits: dict[int, MixedSolution], folder: Path) -> dict[int, float] | None:
    """Log-likelihoods of lme4 by seed; None where there is no R with lme4."""
    lines = []
    for seed, fit in fits.items():
        problem = fit.problem
        columns = {"y": problem.y} | {f"x{j}": problem.x[:, j] for j in range(problem.x.shape[1])}
        parts = [f"x{j}" for j in range(problem.x.shape[1])]
        for t, term in enumerate(problem.random):
            names = [f"z{t}{j}" for j in range(term.z.shape[1])]
            columns |= {name: term.z[:, j] for j, name in enumerate(names)} | {f"g{t}": term.codes}
            parts.append(f"(0 + {' + '.join(names)} {'|' if term.correlated else '||'} g{t})")
        columns["w"] = np.ones(problem.y.size) if problem.weights is None else problem.weights
        pd.DataFrame(columns).to_csv(folder / f"{seed}.csv", index=False, float_format="%.17g")
        lines.append(f"{seed}\ty ~ 0 + {' + '.join(parts)}\t{fit.method}")
    (folder / "models.tsv").write_text("\n".join(lines) + "\n")
    try:
        done = subprocess.run(
            ["Rscript", str(HERE / "starts.R"), str(folder)], capture_output=True, text=True, timeout=3600
        )
    except FileNotFoundError:
        return None
    if done.returncode:
        return None
    pairs = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {int(seed): float(value) for seed, value in pairs if value != "NA"}


def search(models: int, n_starts: int, first: int) -> list[str]:
    """The table, as lines."""
    fits: dict[int, MixedSolution] = {}
    singular = alone = 0
    lower: list[tuple[int, float]] = []
    failed: list[int] = []
    for seed in range(first, first + models):
        problem, method = hard_model(seed)
        fit = solve(problem, method=method)
        singular += fit.is_singular
        if not fit.converged:
            failed.append(seed)
        once = find_optimum(fit.engine, look_again=False).value + fit.engine.shift()
        alone += once > fit.deviance + FALL
        lowest = lowest_deviance(fit.engine, np.random.default_rng(seed), n_starts, fit.deviance)
        if fit.deviance > lowest + FALL:
            lower.append((seed, 0.5 * (fit.deviance - lowest)))
        if (seed - first) % 10 == 0:
            fits[seed] = fit
    rows = [
        ("models", f"{models:,}"),
        ("random starts each", str(n_starts)),
        ("singular fits", f"{singular:,}"),
        ("not converged", str(len(failed))),
        ("one start alone ended higher than the fit does", str(alone)),
        ("some start ended lower than the fit (by more than 1e-6 in log-likelihood)", str(len(lower))),
        ("largest such difference in log-likelihood", f"{max((d for _, d in lower), default=0.0):.3g}"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        peers = by_lme4(fits, Path(folder))
    if peers is not None:
        gaps = np.array([fits[seed].log_likelihood - value for seed, value in peers.items()])
        rows += [
            ("fitted by lme4 too", str(len(gaps))),
            ("lme4 higher by more than 1e-6", str(int(np.sum(gaps < -1e-6)))),
            ("largest such difference", f"{max(0.0, float(np.max(-gaps))):.3g}"),
            ("lme4 lower by more than 1e-6", str(int(np.sum(gaps > 1e-6)))),
            ("lme4 lower by more than .01", str(int(np.sum(gaps > 1e-2)))),
        ]
    if lower:
        rows.append(("seeds with a lower start", ", ".join(str(seed) for seed, _ in lower)))
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]


def main() -> None:
    """Print the table; write it where the search was the full one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--starts", type=int, default=40)
    parser.add_argument("--first", type=int, default=10_000, help="first seed")
    given = parser.parse_args()
    table = search(given.models, given.starts, given.first)
    print("\n".join(table))
    if given.models >= 500:
        text = (
            "# Does a fit end at the lowest deviance there is?\n\nMade by "
            "`python benchmarks/mixed/starts.py`: "
            "random models made to have several maxima (4 to 13 groups, up to three correlated random "
            "effects whose true covariance may be singular, weights, at times a second level).\n\n"
        )
        (HERE / "starts.md").write_text(text + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
