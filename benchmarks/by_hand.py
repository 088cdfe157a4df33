"""What stays by hand beside the library that has it too: the same numbers, and what they cost.

    python benchmarks/by_hand.py      # prints the table and writes benchmarks/by_hand.md

The reasons stand in docs/explanation/libraries.md.
Processor seconds of one thread, the best of several calls.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import multivariate_t
from scipy.stats import t as student_t
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from mpg_research.statistics.multiplicity import holm
from mpg_research.statistics.providers.false_alarms import shares_beyond
from mpg_research.statistics.providers.funnel import make_funnel
from mpg_research.statistics.providers.shrinkage import between_variance
from mpg_research.statistics.providers.simultaneous import simultaneous_p_values

PLOTS, UNITS = 500, 12


def cost(call: Callable[[], Any], times: int = 5) -> float:
    """Processor milliseconds of the best of some calls."""
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(1000 * (time.process_time() - start))
    return min(found)


def row(what: str, ours: Callable[[], Any], theirs: Callable[[], Any], difference: float) -> str:
    return f"| {what} | {cost(ours):.2f} | {cost(theirs):.2f} | {difference:.1e} |"


def costs() -> list[str]:
    rng = np.random.default_rng(1)
    p = rng.uniform(size=40)
    estimate, error = rng.normal(size=30), rng.uniform(0.3, 1.5, 30)
    covariance = np.diag(rng.uniform(0.1, 2.0, UNITS))
    plots = rng.normal(size=(PLOTS, UNITS))
    levels = (0.95, 0.998)

    def one_by_one() -> list[float]:
        found = [make_funnel(plot, covariance) for plot in plots]
        return [float(each.beyond(level).mean()) for level in levels for each in found]

    def together() -> Any:
        return shares_beyond(plots, plots, covariance, levels=levels, share=0.1, rate=0.05)

    apart = np.array(one_by_one()).reshape(len(levels), PLOTS).T
    gap = 0.0
    for _ in range(200):
        y, s = rng.normal(size=30), rng.uniform(0.3, 1.5, 30)
        gap = max(gap, abs(between_variance(y, s).tau2 - combine_effects(y, s**2, method_re="pm").tau2))
    return [
        "| what | ours, ms | the other, ms | largest difference |",
        "|---|--:|--:|--:|",
        row(
            "Holm, 40 p-values; statsmodels `multipletests`",
            lambda: holm(p),
            lambda: multipletests(p, method="holm"),
            float(np.abs(holm(p) - multipletests(p, method="holm")[1]).max()),
        ),
        row(
            "Paule-Mandel, 30 estimates (difference: 200 draws); statsmodels `combine_effects`",
            lambda: between_variance(estimate, error),
            lambda: combine_effects(estimate, error**2, method_re="pm"),
            gap,
        ),
        row(
            f"false alarms of {PLOTS} funnel plots of {UNITS} units; our own `make_funnel` one by one",
            together,
            one_by_one,
            float(np.abs(together()[:, len(levels) : 2 * len(levels)] - apart).max()),
        ),
    ]


def largest_t(units: int = 5, df: int = 40, limit: float = 2.6) -> list[str]:
    """Chance that no difference of a unit from the mean of all exceeds the limit, in four ways."""
    covariance = np.eye(units) - 1 / units
    correlation = covariance / (1 - 1 / units)
    rng = np.random.default_rng(2)
    means = rng.normal(size=(1_000_000, units))
    spread = np.sqrt(rng.chisquare(df, len(means)) / df)
    t = (means - means.mean(axis=1, keepdims=True)) / np.sqrt(1 - 1 / units) / spread[:, None]
    at = np.full(units, limit)
    scipys = multivariate_t(np.zeros(units), correlation, df=df, allow_singular=True)
    ways = {
        "ours (`simultaneous_p_values`)": 1 - float(simultaneous_p_values(at, covariance, df=df)[0]),
        "a million simulated studies of group means": float((np.abs(t).max(axis=1) <= limit).mean()),
        "at least, by Bonferroni": 1 - units * 2 * float(student_t.sf(limit, df)),
        "scipy `multivariate_t.cdf`": float(scipys.cdf(at, lower_limit=-at)),
    }
    return ["| way | chance |", "|---|--:|", *(f"| {name} | {value:.4f} |" for name, value in ways.items())]


def main() -> None:
    page = "\n".join(
        [
            "# By hand beside a library",
            "",
            "Made by `python benchmarks/by_hand.py`; made-up numbers. Processor milliseconds of one thread.",
            "",
            *costs(),
            "",
            "Five differences of units from their mean (each follows from the others), 40 degrees of "
            "freedom: the chance that none exceeds 2.6 standard errors.",
            "",
            *largest_t(),
            "",
        ]
    )
    print(page)
    Path(__file__).with_name("by_hand.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
