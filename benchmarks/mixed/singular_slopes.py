"""Coverage of 95 % intervals where intercepts and slopes are estimated to be perfectly correlated.

Simulates few groups with random slopes, half of the groups under one arm, fits
``y ~ t * arm + x + (1 + t | group)`` and counts how often the intervals of each fixed effect hold the truth,
in the fits whose correlation is estimated at -1 or 1, by Satterthwaite and Kenward-Roger; and with the
degrees of freedom of the design (groups less effects) as a ceiling, which the package sets to variances of
zero only.

Run ``python benchmarks/mixed/singular_slopes.py --runs 1500 --out benchmarks/mixed/singular_slopes.md``;
some minutes.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.tests import make_inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.refit import refit
from mpg_research.mixed.search.solution import solve

GROUPS = (6, 10, 20)
#: Correlation of intercept and slope, and the standard deviation of the slopes beside residuals of 1.
TRUTHS = ((1.0, 0.2), (0.9, 0.2), (0.0, 0.1))
EFFECTS = ("Intercept", "t", "arm", "x", "t:arm")
RULES = ("Satterthwaite", "Kenward-Roger", "Satterthwaite under the design's")
WAVES = 6


def study(n_groups: int, rng: np.random.Generator) -> MixedProblem:
    """A design with unequal times, and an outcome that is noise."""
    group = np.repeat(np.arange(n_groups), WAVES)
    n = group.size
    t = np.tile(np.arange(WAVES), n_groups) + rng.uniform(0, 0.5, n)
    arm = (group % 2).astype(float)
    x = np.column_stack([np.ones(n), t, arm, rng.normal(size=n), t * arm])
    random = (RandomTerm("group", ("1", "t"), x[:, :2], group, tuple(range(n_groups))),)
    return MixedProblem(rng.normal(size=n), x, EFFECTS, random)


def covered(
    n_groups: int, correlation: float, slope_sd: float, runs: int, seed: int
) -> tuple[np.ndarray, int]:
    """Hits (rules, effects) among the singular fits, and how many of these there were."""
    rng = np.random.default_rng(seed)
    problem = study(n_groups, rng)
    term = problem.random[0]
    template = solve(problem, theta=np.array([1.0, 0.1, 0.2]))
    each = np.eye(len(EFFECTS))
    hits, count = np.zeros((len(RULES), len(EFFECTS)), dtype=int), 0
    for _ in range(runs):
        first = rng.normal(size=n_groups)
        second = correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=n_groups)
        y = first[term.codes] + slope_sd * second[term.codes] * term.z[:, 1]
        found = refit(template, y + rng.normal(size=problem.y.size))
        if found.faces[0].rank != 1:
            continue
        count += 1
        for place, rule in enumerate(("satterthwaite", "kenward-roger", "satterthwaite")):
            inference = make_inference(found, rule, None)
            df = inference.single_df(each)
            if place == 2:
                df = np.fmin(df, design_degrees(found).df)
            half = stats.t.ppf(0.975, df) * np.sqrt(np.diagonal(inference.covariance))
            hits[place] += np.abs(found.beta) <= half
    return hits, count


def table(runs: int, seed: int) -> str:
    """A Markdown table of coverage in percent."""
    lines = [
        "| groups | true correlation | SD of slopes | singular fits | rule | " + " | ".join(EFFECTS) + " |",
        "|---|---|---|---|---|" + "---|" * len(EFFECTS),
    ]
    total, fits = np.zeros((len(RULES), len(EFFECTS)), dtype=int), 0
    for n_groups in GROUPS:
        for number, (correlation, slope_sd) in enumerate(TRUTHS):
            hits, count = covered(n_groups, correlation, slope_sd, runs, seed + 100 * n_groups + number)
            total, fits = total + hits, fits + count
            lines += _lines(f"| {n_groups} | {correlation:g} | {slope_sd:g}", hits, count)
    return "\n".join(lines + _lines("| all | all | all", total, fits))


def _lines(start: str, hits: np.ndarray, count: int) -> list[str]:
    found = []
    for rule, row in zip(RULES, hits, strict=True):
        cells = " | ".join(f"{100 * value / count:.1f}" for value in row)
        found.append(f"{start} | {count} | {rule} | {cells} |")
    return found


def main() -> None:
    """Write or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = table(arguments.runs, arguments.seed)
    if arguments.out is None:
        print(found)
        return
    text = (
        "# Intercepts and slopes estimated as perfectly correlated\n\nCoverage of 95 % intervals, in "
        "percent, among the fits with a correlation of -1 or 1; simulated data.\n"
        f"Made by `python benchmarks/mixed/singular_slopes.py --runs {arguments.runs}` "
        f"(seed {arguments.seed}).\n\n{found}\n"
    )
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
