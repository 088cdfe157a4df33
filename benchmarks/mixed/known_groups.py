"""Coverage of 95 % limits for the mean of a known group: few and many groups, small and large.

Simulates groups with an intercept of their own, fits ``y ~ x + (1 | group)`` and counts how often the limits
of ``predict(random_effects="all", interval="confidence")`` hold the group's true mean at x = 0 (over all
groups), and those of ``interval="prediction"`` a new observation of it.

Run ``python benchmarks/mixed/known_groups.py --runs 1000 --out benchmarks/mixed/known_groups.md``; some
minutes.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from mpg_research.mixed.inference.tests import make_inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.questions.prediction_error import Asked, prediction_error
from mpg_research.mixed.search.refit import refit
from mpg_research.mixed.search.solution import solve

GROUPS = (4, 12, 60)
SIZES = (3, 10, 100)
#: Standard deviation between groups beside a residual of 1.
SPREADS = (0.3, 1.0)
RULES = ("satterthwaite", "kenward-roger")
KINDS = ("mean", "new observation")


def study(n_groups: int, size: int, rng: np.random.Generator) -> MixedProblem:
    """Unequal groups; an outcome that is noise."""
    sizes = np.maximum(2, rng.poisson(size, n_groups))
    group = np.repeat(np.arange(n_groups), sizes)
    x = np.column_stack([np.ones(group.size), rng.normal(size=group.size)])
    term = RandomTerm("group", ("1",), x[:, :1], group, tuple(range(n_groups)))
    return MixedProblem(rng.normal(size=group.size), x, ("1", "x"), (term,))


def covered(
    n_groups: int, size: int, spread: float, runs: int, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Hits (kinds, rules) and median df (rules) over runs and groups; share of fits without variance."""
    rng = np.random.default_rng(seed)
    problem = study(n_groups, size, rng)
    codes = problem.random[0].codes
    template = solve(problem, theta=[spread])
    everyone = np.arange(n_groups)
    x = np.column_stack([np.ones(n_groups), np.zeros(n_groups)])
    hits, degrees, zero = np.zeros((len(KINDS), len(RULES))), [], 0
    for _ in range(runs):
        truth = spread * rng.normal(size=n_groups)
        found = refit(template, truth[codes] + rng.normal(size=codes.size))
        zero += found.is_singular
        estimate = found.beta[0] + found.conditional_modes(0)[0][:, 0]
        new = truth + rng.normal(size=n_groups)
        own = []
        for r, rule in enumerate(RULES):
            inference = make_inference(found, rule, None)
            for k, wider in enumerate((False, True)):
                asked = Asked(x, (x[:, :1],), (everyone,), (0,), wider, np.zeros(n_groups, dtype=np.intp))
                variance, df = prediction_error(found, inference, asked)
                half = stats.t.ppf(0.975, df) * np.sqrt(variance)
                hits[k, r] += np.mean(np.abs(estimate - (new if wider else truth)) <= half)
                own += [] if wider else [np.median(df)]
        degrees.append(own)
    return hits / runs, np.median(degrees, axis=0), zero / runs


def table(runs: int, seed: int) -> str:
    """A Markdown table: coverage in percent."""
    lines = [
        "| groups | size | SD between | no variance found | rule | df (median) | " + " | ".join(KINDS) + " |",
        "|---|---|---|---|---|---|" + "---|" * len(KINDS),
    ]
    for n_groups in GROUPS:
        for size in SIZES:
            for spread in SPREADS:
                several = max(40, runs * 12 // max(n_groups, 12))
                hits, df, zero = covered(n_groups, size, spread, several, seed + n_groups + 7 * size)
                for r, rule in enumerate(RULES):
                    cells = " | ".join(f"{100 * hits[k, r]:.1f}" for k in range(len(KINDS)))
                    start = f"| {n_groups} | {size} | {spread:g} | {100 * zero:.0f} %"
                    lines.append(f"{start} | {rule} | {df[r]:.0f} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Write or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = table(arguments.runs, arguments.seed)
    if arguments.out is None:
        print(found)
        return
    text = (
        "# Limits for known groups\n\nCoverage of 95 % limits for the mean of a known group and for a new "
        "observation of it, in percent; simulated data.\n"
        f"Made by `python benchmarks/mixed/known_groups.py --runs {arguments.runs}` "
        f"(seed {arguments.seed}; fewer runs with many groups).\n\n{found}\n"
    )
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
