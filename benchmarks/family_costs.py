"""How often the limits around a mean cost per family hold the truth, with few workers and dear placements.

The truth is not our model. Each worker and each family has a log-normal level of costs, each month's cost is
that level times a gamma number; some families are placed in some month, for a fixed amount. Levels have mean
one, so the mean up to the horizon is a sum that is known. An export stops follow-up of 35 % of families at a
moment between the start and the horizon. The estimator is the one of ``describe_costs``:
:func:`~mpg_research.statistics.economics.censored_costs.censored_mean`, with workers as clusters.
Run: ``python benchmarks/family_costs.py [studies]``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mpg_research.statistics.economics.censored_costs import censored_mean

HORIZON = 12
EDGES = np.arange(HORIZON + 1, dtype=float)
MONTHLY, PLACEMENT, CHANCE = 400.0, 30_000.0, 0.08
NOT_FOLLOWED = 0.35
TRUTH = HORIZON * MONTHLY + CHANCE * PLACEMENT


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of study: its size, the spread of log levels, and the shape of a month's gamma number."""

    workers: int
    families: int
    worker_spread: float = 0.3
    family_spread: float = 0.8
    shape: float = 0.5
    words: str = "as described"


ROWS = (
    Row(40, 300),
    Row(28, 250),
    Row(20, 200),
    Row(12, 120),
    Row(12, 120, worker_spread=0.5, family_spread=1.3, shape=0.2, words="workers differ much, very skewed"),
)


def one_study(rng: np.random.Generator, row: Row) -> tuple[float, float, float]:
    """Estimate and limits of one drawn study."""
    n = row.families
    worker = rng.integers(0, row.workers, n)
    log_level = row.worker_spread * rng.normal(size=row.workers)[worker]
    log_level += row.family_spread * rng.normal(size=n)
    level = np.exp(log_level - (row.worker_spread**2 + row.family_spread**2) / 2)
    amounts = MONTHLY * level[:, None] * rng.gamma(row.shape, 1 / row.shape, (n, HORIZON))
    placed = np.flatnonzero(rng.random(n) < CHANCE)
    amounts[placed, rng.integers(0, HORIZON, placed.size)] += PLACEMENT
    until = np.where(rng.random(n) < NOT_FOLLOWED, rng.uniform(0, HORIZON, n), HORIZON + 1.0)
    found = censored_mean(amounts, until, ended=np.zeros(n, dtype=bool), edges=EDGES, clusters=worker)
    return found.estimate, found.conf_low, found.conf_high


def table(studies: int) -> str:
    """Coverage of each row, as Markdown."""
    lines = [
        "| workers | families | draws | mean estimate | mean width | coverage of 95 % | truth above "
        "| truth below |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, row in enumerate(ROWS):
        found = np.array(
            [one_study(np.random.default_rng([17, place, number]), row) for number in range(studies)]
        )
        estimate, low, high = found.T
        above, below = np.mean(high < TRUTH), np.mean(low > TRUTH)
        lines.append(
            f"| {row.workers} | {row.families} | {row.words} | {estimate.mean():,.0f} "
            f"| {(high - low).mean():,.0f} | {1 - above - below:.3f} | {above:.3f} | {below:.3f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    usual, skewed = ROWS[0], ROWS[-1]
    error = 100 * np.sqrt(0.95 * 0.05 / asked)
    text = (
        "# What families cost: do the limits hold?\n\n"
        f"Made by `python benchmarks/family_costs.py {asked}`; {asked:,} studies a row, so a coverage of "
        f"95 % is measured to\nabout {error:.1f} points (one standard error). The truth is {TRUTH:,.0f} "
        f"euros a family in {HORIZON} months: {MONTHLY:,.0f} a month, and a\nplacement of "
        f"{PLACEMENT:,.0f} for {CHANCE:.0%} of families. {NOT_FOLLOWED:.0%} of families are not followed to "
        f"the end. Spread of the\nlogarithm of the level of workers {usual.worker_spread} and of families "
        f"{usual.family_spread}, shape of a month's gamma number {usual.shape}; in the\nlast row "
        f"{skewed.worker_spread}, {skewed.family_spread} and {skewed.shape}. Truth above: it is higher than "
        f"the upper limit.\n\n"
        f"{table(asked)}\n"
    )
    print(text)
    if asked >= 500:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
