"""How often intervals of costs and effects hold the truth, under skew and incomplete follow-up.

The truth is not our model. Help lasts a gamma time, longer in one group; each family has a log-normal
level of costs, shared in part with its worker; each month's cost is that level times another skewed number
while help lasts; some families fall into a dear placement for some months, whatever their level; the effect
is months without placement. An export stops follow-up of 30 % of families before the horizon. Workers have
families of both groups or of one. The truths are integrals.
Run: ``python benchmarks/economics.py [studies]``.
"""

import resource
import sys
import time as clock
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.stats import gamma

from mpg_research.statistics.economics.bootstrap import (
    censored_blocks,
    joint_bootstrap,
    regression_blocks,
)
from mpg_research.statistics.economics.censored_costs import censored_difference, censored_mean
from mpg_research.statistics.economics.net_benefit import joint_difference, net_benefit
from mpg_research.statistics.economics.skewed_costs import standardised_costs

FAMILIES, WORKERS, HORIZON, STEP = 600, 60, 24, 3
EDGES = np.arange(0, HORIZON + 1, STEP, dtype=float)
THRESHOLDS = (0.0, 500.0, 2000.0)
REPLICATIONS = 2000
LEVEL_SPREAD, WORKER_SHARE = 0.8, 0.15
PLACEMENT_COST, PRICE = 3500.0, 900.0


def costs_and_effects(
    group: np.ndarray, level: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs of help, of placements, and time without placement of each month, shape (n, HORIZON)."""
    n = group.size
    length = rng.gamma(3.0, 4.0 + 1.5 * group)
    month = np.arange(HORIZON)
    helped = np.clip(length[:, None] - month, 0, 1)
    hours = helped * level[:, None] * rng.gamma(0.7, 1 / 0.7, (n, HORIZON))
    falls = rng.random(n) < np.where(group == 1, 0.10, 0.16)
    start, lasts = rng.uniform(0, HORIZON, n), rng.gamma(1.2, 6.0, n)
    placed = (
        np.clip(np.minimum((start + lasts)[:, None], month + 1) - np.maximum(start[:, None], month), 0, 1)
        * falls[:, None]
    )
    return PRICE * hours, PLACEMENT_COST * placed, 1 - placed


@cache
def truth() -> tuple[float, float, float, float]:
    """Mean cost with, and differences in costs, in months without placement and in costs of help: integrals.

    Levels and hours have mean one and do not depend on how long help lasts, so means are products.
    """
    helped = [PRICE * quad(gamma(3.0, scale=4.0 + 1.5 * group).sf, 0, HORIZON)[0] for group in (0, 1)]
    stay = gamma(1.2, scale=6.0).sf
    months = quad(lambda start: quad(stay, 0, HORIZON - start)[0] / HORIZON, 0, HORIZON)[0]
    placed = [0.16 * months, 0.10 * months]
    cost = [one + PLACEMENT_COST * other for one, other in zip(helped, placed, strict=True)]
    return cost[1], cost[1] - cost[0], placed[0] - placed[1], helped[1] - helped[0]


def study(
    rng: np.random.Generator, *, whole: bool, families: int = FAMILIES, workers: int = WORKERS
) -> dict[str, np.ndarray]:
    """One study, with whole costs and how far each family is followed."""
    worker = rng.integers(0, workers, families)
    group = (worker % 2 if whole else rng.integers(0, 2, families)).astype(float)
    both = np.sqrt(WORKER_SHARE) * rng.normal(size=workers)[worker]
    own = both + np.sqrt(1 - WORKER_SHARE) * rng.normal(size=families)
    level = np.exp(LEVEL_SPREAD * own - LEVEL_SPREAD**2 / 2)
    help_, placing, effect = costs_and_effects(group, level, rng)
    # 30 % uniformly before the horizon, in days; the others are followed to it or further.
    until = np.where(rng.random(families) < 0.3, np.ceil(rng.uniform(0, HORIZON, families) * 30) / 30, 99.0)

    def by_step(values: np.ndarray) -> np.ndarray:
        return values.reshape(families, -1, STEP).sum(axis=2)

    return {
        "worker": worker, "group": group, "until": until, "level": np.log(level),
        "costs": by_step(help_ + placing), "effects": by_step(effect),
        "help": help_.sum(axis=1),
    }  # fmt: skip


def one_study(rng: np.random.Generator, *, whole: bool) -> list[tuple[str, float, float, float, float]]:
    """Estimate, limits and truth of every quantity."""
    data = study(rng, whole=whole)
    mean_cost, d_cost, d_effect, d_help = truth()
    worker, group, until = data["worker"], data["group"], data["until"]
    ended = np.zeros(group.size, dtype=bool)
    total, gained = data["costs"].sum(axis=1), data["effects"].sum(axis=1)
    rows: list[tuple[str, float, float, float, float]] = []

    def both(name: str, difference: object, thresholds: tuple[float, ...] = THRESHOLDS) -> None:
        found = net_benefit(difference, thresholds)  # type: ignore[arg-type]
        for place, euros in enumerate(thresholds):
            label = "difference in costs" if euros == 0 else f"net benefit at {euros:,.0f} a month"
            value = euros * d_effect - d_cost
            ends = found.estimate[place], found.conf_low[place], found.conf_high[place]
            if euros == 0:  # at a threshold of zero the net benefit is what is saved
                value, ends = -value, (-ends[0], -ends[2], -ends[1])
            rows.append((f"{name}: {label}", *map(float, ends), value))

    keys = {"time": until, "ended": ended, "edges": EDGES, "group": group, "clusters": worker}
    for method in ("partitioned", "simple"):
        both(
            f"weighted, {method}", censored_difference(data["costs"], data["effects"], **keys, method=method)
        )
    both("complete data, sandwich", joint_difference(total, gained, group=group, clusters=worker))
    blocks = [censored_blocks(data[key], until, ended=ended, edges=EDGES, group=group, clusters=worker)
              for key in ("costs", "effects")]  # fmt: skip
    strata = (np.unique(worker) % 2) if whole else None
    again = joint_bootstrap(blocks[0], blocks[1], strata=strata, replications=1000, rng=rng)
    for euros in THRESHOLDS:
        low, high = again.net_benefit_interval(euros)
        value, point = euros * d_effect - d_cost, euros * again.effect_estimate - again.cost_estimate
        label = "difference in costs" if euros == 0 else f"net benefit at {euros:,.0f} a month"
        flip = (-point, -high, -low, -value) if euros == 0 else (point, low, high, value)
        rows.append((f"bootstrap of clusters: {label}", *flip))
    for name, values, variance, value in (
        ("costs of help, gamma with case mix", data["help"], "squared", d_help),
        ("all costs, gamma with case mix", total, "squared", d_cost),
        ("all costs, variance as the mean, with case mix", total, "mean", d_cost),
    ):
        found = standardised_costs(
            values, group=group, case_mix=data["level"], clusters=worker, variance=variance
        )
        ends = found.difference[1], found.difference_low[1], found.difference_high[1]
        rows.append((f"complete data, {name}: difference", *map(float, ends), value))
    seen = until >= HORIZON
    bare = joint_difference(total[seen], gained[seen], group=group[seen], clusters=worker[seen])
    both("only families followed to the end", bare, (0.0,))
    mine = group == 1
    mean = censored_mean(
        data["costs"][mine], until[mine], ended=ended[mine], edges=EDGES, clusters=worker[mine]
    )
    rows.append(("weighted, partitioned: mean cost", mean.estimate, mean.conf_low, mean.conf_high, mean_cost))
    return rows


def numbered_study(number: int, *, whole: bool) -> list[tuple[str, float, float, float, float]]:
    """The rows of one study, the same however many are run."""
    return one_study(np.random.default_rng([16, int(whole), number]), whole=whole)


def coverage(rows: list[tuple[str, float, float, float, float]]) -> str:
    """The table as Markdown."""
    data = pd.DataFrame(rows, columns=["what", "estimate", "low", "high", "truth"])
    data["held"] = (data["low"] <= data["truth"]) & (data["truth"] <= data["high"])
    lines = [
        "| quantity | truth | mean estimate | spread | mean width | coverage of 95 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, mine in data.groupby("what", sort=False):
        lines.append(
            f"| {name} | {mine['truth'].iloc[0]:,.0f} | {mine['estimate'].mean():,.0f} "
            f"| {mine['estimate'].std():,.0f} | {(mine['high'] - mine['low']).mean():,.0f} "
            f"| {mine['held'].mean():.3f} |"
        )
    return "\n".join(lines)


def speed() -> str:
    """Cpu seconds of 2,000 replications of 27,000 families, in one process."""
    rng, lines = np.random.default_rng(1), ["| what | clusters | cpu seconds |", "|---|---|---|"]
    for workers in (2700, 27_000):
        data = study(rng, whole=False, families=27_000, workers=workers)
        worker, group = data["worker"], data["group"]
        x = np.column_stack([np.ones(group.size), group, data["level"], rng.normal(size=(group.size, 5))])
        begin = clock.process_time()
        pair = [regression_blocks(x, data[key].sum(axis=1), coefficient=1, clusters=worker, shared=0.1)
                for key in ("costs", "effects")]  # fmt: skip
        joint_bootstrap(pair[0], pair[1], replications=REPLICATIONS)
        used = clock.process_time() - begin
        lines.append(f"| two regressions, 8 columns | {np.unique(worker).size:,} | {used:.1f} |")
        if workers > 2700:
            continue
        whole_months = np.ceil(data["until"])
        for name, until in (("whole months", whole_months), ("days", data["until"])):
            begin = clock.process_time()
            ended = np.zeros(group.size, dtype=bool)
            pair2 = [censored_blocks(data[key], until, ended=ended, edges=EDGES, group=group, clusters=worker)
                     for key in ("costs", "effects")]  # fmt: skip
            joint_bootstrap(pair2[0], pair2[1], replications=REPLICATIONS)
            used = clock.process_time() - begin
            lines.append(f"| incomplete follow-up, {name} | {np.unique(worker).size:,} | {used:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return "\n".join(lines) + f"\n\nPeak of the process: {peak:.1f} GB."


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    text = [
        f"# Costs and effects: do the intervals hold, and how fast?\n\n"
        f"Made by `python benchmarks/economics.py {asked}`. {FAMILIES} families of {WORKERS} workers; the\n"
        "truth is described in the script, and is not our model. Euros; spread is that of the estimates.\n"
    ]
    for each, title in (
        (False, "Workers have families of both groups"),
        (True, "Workers have families of one group"),
    ):
        rows = [row for number in range(asked) for row in numbered_study(number, whole=each)]
        text.append(f"## {title} ({asked:,} studies)\n\n{coverage(rows)}\n")
    text.append(f"## Speed: {REPLICATIONS:,} replications of 27,000 families\n\n{speed()}\n")
    print("\n".join(text))
    if asked >= 1000:
        Path(__file__).with_suffix(".md").write_text("\n".join(text), encoding="utf-8")
