"""Frailty of workers and Gray's test: do limits hold the truth, and is what is not there seldom found?

Families of workers with few families and with many; times are Weibull given the frailty of the worker, seen
up to an export, some on record late. The frailty is gamma (as the model has it), or log normal with the same
variance, or there is none. Of Gray's test the cumulative incidence of the event is the same in both groups,
and the other event comes sooner in one of them.

    python benchmarks/frailty.py [--studies 1000]
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from kept_studies import Found, Scenarios, draw_and_write, table

from mpg_research.statistics.survival.group_tests import gray_test, log_rank
from mpg_research.statistics.survival.shared_frailty import fit_shared_frailty

FAMILIES, WORKERS = 400, 50
#: Log hazard ratios: of a group of families, and of a number of each family.
RATIO, PER_UNIT = 0.5, -0.3
VARIANCE = 0.4
ALPHA = 0.05


def workers_of(rng: np.random.Generator) -> np.ndarray:
    """The worker of each family: chances differ by a factor of about five."""
    weight = rng.lognormal(0, 0.5, WORKERS)
    found: np.ndarray = rng.choice(WORKERS, FAMILIES, p=weight / weight.sum())
    return found


def frailty(study: int, *, kind: str) -> Found:
    """Hazard ratios, and the variance of the frailty (of log normal ones there is no gamma's variance)."""
    rng = np.random.default_rng([35, study])
    worker = workers_of(rng)
    spread = np.sqrt(np.log1p(VARIANCE))
    own = {
        "gamma": rng.gamma(1 / VARIANCE, VARIANCE, WORKERS),
        "log_normal": np.exp(rng.normal(-(spread**2) / 2, spread, WORKERS)),
        "none": np.ones(WORKERS),
    }[kind]
    line, number = rng.integers(0, 2, FAMILIES), rng.normal(size=FAMILIES)
    risk = own[worker] * np.exp(RATIO * line + PER_UNIT * number)
    times = 30 * (rng.exponential(size=FAMILIES) / risk) ** (1 / 1.3)
    until = rng.uniform(4, 40, FAMILIES)
    entry = np.where(rng.random(FAMILIES) < 0.15, rng.uniform(0, 4, FAMILIES), 0.0)
    time = np.round(np.minimum(times, until), 6)
    seen = time > entry
    fit = fit_shared_frailty(
        time[seen], (times <= until)[seen], np.column_stack([line, number])[seen], worker[seen],
        entry=entry[seen],
    )  # fmt: skip
    names = ("log hazard ratio, a group", "log hazard ratio, per unit")
    half = 1.959963984540054 * fit.std_error
    found = {
        name: (value, value - error, value + error, truth)
        for name, value, error, truth in zip(names, fit.coefficients, half, (RATIO, PER_UNIT), strict=True)
    }
    true = {"gamma": VARIANCE, "none": 0.0}.get(kind)
    if true is not None:
        found["variance of the frailty"] = (fit.variance, fit.low, fit.high, true)
    found["p of no frailty"] = (fit.p_value, 0.0, 1.0, 0.0)
    return found


def gray(study: int) -> Found:
    """p-values where nothing differs in the event asked about; groups of families, and of workers."""
    rng = np.random.default_rng([36, study])
    worker = workers_of(rng)
    found = {}
    shared = rng.normal(size=WORKERS)[worker]
    for name, group, tied in (
        ("families that are independent", rng.integers(0, 2, FAMILIES), 0.0),
        ("families of one worker alike, groups of families", rng.integers(0, 2, FAMILIES), 0.5),
        ("families of one worker alike, groups of workers", rng.integers(0, 2, WORKERS)[worker], 0.5),
    ):
        first = rng.random(FAMILIES) < 0.5
        speed = np.exp(tied * shared)
        one = 25 * (rng.exponential(size=FAMILIES) / speed) ** (1 / 1.3)
        other = np.where(group == 1, 10.0, 30.0) * rng.exponential(size=FAMILIES)
        times, until = np.where(first, one, other), rng.uniform(4, 40, FAMILIES)
        time = np.round(np.minimum(times, until), 6)
        cause = np.where(times <= until, np.where(first, 1, 2), 0)
        found[f"Gray's test: {name}"] = (gray_test(time, cause, group).p_value, 0.0, 1.0, 0.0)
        alone = np.round(np.minimum(one, until), 6)
        found[f"log-rank, one event only: {name}"] = (
            log_rank(alone, one <= until, group).p_value, 0.0, 1.0, 0.0,
        )  # fmt: skip
    return found


def rejected(rows: pd.DataFrame) -> str:
    """Per test the share of studies in which it finds something at 5 %, in Markdown."""
    lines = ["| test | found at 5 % | ± | studies |", "|---|---:|---:|---:|"]
    for name, mine in rows.groupby("quantity", sort=False):
        known = mine["estimate"].dropna()
        share = float((known < ALPHA).mean())
        error = np.sqrt(share * (1 - share) / len(known))
        lines.append(f"| {name} | {share:.3f} | {error:.3f} | {len(known):,} |")
    return "\n".join(lines)


def section(_: str, rows: pd.DataFrame) -> str:
    """What limits held, and what tests found."""
    tests = rows["quantity"].str.startswith(("p of", "Gray", "log-rank"))
    tables = [table(rows[~tests])] if (~tests).any() else []
    return "\n\n".join([*tables, *([rejected(rows[tests])] if tests.any() else [])])


#: What is drawn, and studies of it out of a thousand.
SCENARIOS: Scenarios = {
    "Gamma frailty, variance 0.4": (partial(frailty, kind="gamma"), 1000),
    "Log normal frailty, variance 0.4": (partial(frailty, kind="log_normal"), 1000),
    "No frailty": (partial(frailty, kind="none"), 1000),
    "Tests of groups between which the event does not differ": (gray, 1000),
}


if __name__ == "__main__":
    draw_and_write(Path(__file__), SCENARIOS, description=__doc__, section=section)
