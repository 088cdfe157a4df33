"""Care as a time line, the estimators that care_over_time.py leaves out: do the intervals hold the truth?

Families of workers who leave with all their families at once; families differ in how often they change worker
and in how many hours they get. Truths that are no number of the draw are those of very many families.

    python benchmarks/care_months.py [--studies 1000]
"""

from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from care_over_time import MONTHS, SLOPE, _course, _errors, _families
from kept_studies import Found, draw_and_write

from mpg_research.analysis.process.spells import Spells
from mpg_research.analysis.process.within_between import fit_shape, fit_within_between
from mpg_research.analysis.process.worker_spells import _survival
from mpg_research.analysis.process.worsening import raised
from mpg_research.statistics.event_study import EventStudy, event_study
from mpg_research.statistics.trials.regression import weighted_regression

FAMILIES, LEAVES = 250, 0.015
Numbers = dict[str, tuple[float, float, float]]


def spells(rng: np.random.Generator, n: int) -> Numbers:
    """Whether the worker is still the same, of first spells and of all, and whether another took over."""
    families = _families(rng, n)
    own = rng.gamma(2.0, 0.012, n)
    worker = families["worker"]
    changes = (rng.random((worker.max() + 1, MONTHS)) < LEAVES)[worker] | (
        rng.random((n, MONTHS)) < own[:, None]
    )
    changes[:, 0] = False
    length = families["length"]
    changes &= np.arange(MONTHS) < length[:, None]
    over = rng.random(n) < 0.8
    unit, time, end, first = [], [], [], []
    for family in range(n):
        begins = [0, *np.flatnonzero(changes[family]).tolist()]
        for place, begin in enumerate(begins):
            is_last = place == len(begins) - 1
            unit.append(family)
            first.append(place == 0)
            until = length[family] - 1 if is_last else begins[place + 1]
            time.append(until - begin + (0.5 if is_last and over[family] else 0.0))
            end.append("changed" if not is_last else "help_over" if over[family] else "still")
    empty = np.array([])
    made = Spells(
        np.array(unit), np.array(time, dtype=float), np.array(end), np.array(first),
        empty.astype(int), empty, empty, np.zeros(n), length - 1.0,
    )  # fmt: skip
    care = SimpleNamespace(units=pd.DataFrame({"worker": worker}), axis=1.0, behind=lambda units: (n, 6))
    rows = _survival(care, made, level=0.95).data  # type: ignore[arg-type]
    rows = rows[rows["months"].isin([6.0, 12.0])]
    return {
        f"{row.spell_curve}, month {row.months:g}": (row.estimate, row.conf_low, row.conf_high)
        for row in rows.itertuples()
    }


def _after(found: EventStudy) -> tuple[float, float, float]:
    known = (found.relative >= 0) & np.isfinite(found.estimate)
    estimate, _, low, high, _ = found.combine(known / max(known.sum(), 1))
    return estimate, low, high


def around(rng: np.random.Generator, n: int, *, more: float) -> Numbers:
    """Drop-out after a change (points of a hundred), and hours after a worsening; ``more`` is planted."""
    families = _families(rng, n)
    worker, months = families["worker"], np.arange(MONTHS)
    change = rng.geometric(0.05, n).astype(float)
    together = rng.geometric(0.02, worker.max() + 1).astype(float)[worker]
    change = np.minimum(change, together)
    hazard = 0.02 * np.exp(rng.normal(0, 0.5, worker.max() + 1))[worker]
    risk = hazard[:, None] + more * 0.03 * (months >= change[:, None])
    leaves = rng.random((n, MONTHS)) < risk
    last = np.where(leaves.any(axis=1), leaves.argmax(axis=1), MONTHS).astype(float)
    ends = np.minimum(last, families["length"])
    dropped = np.where((months >= last[:, None]) & (last <= families["length"])[:, None], 100.0, 0.0)
    change = np.where(change <= np.minimum(ends, MONTHS - 1), change, np.inf)
    drop_out = event_study(dropped, change, worker, clean=0, at_risk=months <= ends[:, None])
    usual = rng.gamma(4.0, 2.0, (n, 1)) + rng.normal(0, 1, worker.max() + 1)[worker][:, None] - 0.2 * months
    hours = np.maximum(usual + _errors(rng, n), 0.0)
    worse = rng.geometric(0.07, n).astype(float)
    answers = rng.random((n, 1)) < 0.6
    hours += more * 2.0 * answers * (months > worse[:, None])
    hours[(months >= families["length"][:, None]) | (rng.random(hours.shape) < 0.05)] = np.nan
    worse = np.where(worse < np.minimum(families["length"], MONTHS - 1), worse, np.inf)
    of_hours = event_study(hours, worse, worker)
    of_raised = event_study(
        100 * raised(hours, within=1, at_least=1.0), worse, worker, before=0, after=0, clean=1, levels=True
    )
    return {
        "drop-out after a change of worker": _after(drop_out),
        "hours after a worsening": _after(of_hours),
        "hours raised after a worsening, points of 100": _after(of_raised),
    }


def shape(rng: np.random.Generator, n: int) -> Numbers:
    """The score on hours between families, and the curve within them, which is straight."""
    families = _families(rng, n)
    score = _course(families, _errors(rng, n))
    usual = 10 + 0.4 * families["level"][:, None] + rng.normal(0, 1.5, (n, 1)) - 0.3 * np.arange(MONTHS)
    hours = usual + rng.gamma(2.0, 1.5, (n, MONTHS)) - 3.0
    score[:, 1:] += SLOPE * hours[:, :-1]
    unit, month = np.repeat(np.arange(n), MONTHS - 1), np.tile(np.arange(1, MONTHS), n)
    rows = pd.DataFrame(
        {
            "unit": unit, "months": month.astype(float), "outcome": score[unit, month],
            "cause": hours[unit, month - 1], "worker": families["worker"][unit],
        }
    )  # fmt: skip
    kept = (month < families["length"][unit]) & (rng.random(len(rows)) > 0.1)
    found = fit_within_between(rows[kept].reset_index(drop=True), slopes=True)
    nothing = (float("nan"),) * 3
    values: Numbers = {
        "score on hours: between": nothing,
        "two hours more": nothing,
        "two hours fewer": nothing,
    }
    if found is None:
        return values
    values["score on hours: between"] = tuple(
        found.rows.loc["between", ["estimate", "conf_low", "conf_high"]]
    )
    curve = fit_shape(found, (-2.0, 2.0))
    for row in () if curve is None else curve.rows.itertuples():
        name = "two hours more" if row.at > 0 else "two hours fewer"
        values[name] = (row.estimate, row.conf_low, row.conf_high)
    return values


def flow(rng: np.random.Generator, n: int) -> Numbers:
    """Change per year of a share (points of a hundred) and of a skewed mean, of who starts."""
    workers = max(n // 7, 6)
    began = rng.uniform(-3, 3, workers)
    weight = rng.lognormal(0, 0.6, workers)
    worker = rng.choice(workers, n, p=weight / weight.sum())
    years = np.clip(began[worker] + rng.exponential(1.2, n), 0, None)
    years = np.where(years > 3, rng.uniform(np.clip(began[worker], 0, 2.9), 3), years)
    chance = np.clip(0.3 + 0.04 * years + rng.normal(0, 0.08, workers)[worker], 0, 1)
    happens = (rng.random(n) < chance).astype(float)
    score = 20 + 0.5 * years + rng.normal(0, 1, workers)[worker] + rng.gamma(2.0, 3.0, n)
    design, found = np.column_stack([np.ones(n), years]), {}
    for name, values in (("share", 100 * happens), ("mean", score)):
        fit = weighted_regression(design, values, clusters=worker, correction="leverage")
        found[f"change per year of a {name}"] = (fit.estimate[1], fit.conf_low[1], fit.conf_high[1])
    return found


#: Truths that are numbers of the draw; the others are those of many families.
KNOWN = {
    "two hours more": 2 * SLOPE, "two hours fewer": -2 * SLOPE, "change per year of a share": 4.0,
    "change per year of a mean": 0.5,
}  # fmt: skip


@cache
def truths(draw: partial) -> dict[str, float]:
    """Of a few times ten thousand families."""
    rng = np.random.default_rng(8)
    found = [draw(rng, 8_000) for _ in range(6)]
    return {name: KNOWN.get(name, float(np.mean([each[name][0] for each in found]))) for name in found[0]}


def one_study(study: int, *, draw: partial) -> Found:
    """One study beside the truth."""
    true = truths(draw)
    return {
        name: (*values, true.get(name, float("nan")))
        for name, values in draw(np.random.default_rng([35, study]), FAMILIES).items()
    }


DRAWS = {
    "Spells of workers": partial(spells),
    "Around an event: nothing planted": partial(around, more=0.0),
    "Around an event: an effect": partial(around, more=1.0),
    "Who starts, through the years": partial(flow),
    "Score on hours": partial(shape),
}


if __name__ == "__main__":
    scenarios = {name: (partial(one_study, draw=draw), 1000) for name, draw in DRAWS.items()}
    draw_and_write(Path(__file__), scenarios, description=__doc__)
