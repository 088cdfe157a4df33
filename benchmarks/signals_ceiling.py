"""How much better than "change since intake" can any rule be that only sees the scores?

For the scenarios of ``signals.py``: a boosted forest of trees (scikit-learn), taught on 12,000 families with
what their scores so far look like, beside the chance of a bad end from a growth model of 3,000 of them, and
the change since intake; all judged on 20,000 other families. What the forest cannot do with so many, no rule
will do with a few hundred. Sensitivity is for families ever alarmed, at equal numbers of alarms; concordance
is that at the last measurement up to month 6.

Run it with ``python benchmarks/signals_ceiling.py --write``; it takes about one minute on one core.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from signals import RELIABILITY, SCENARIOS, Floats, simulate
from sklearn.ensemble import HistGradientBoostingClassifier

from mpg_research.analysis.monitoring.end_forecast import chance_of_waves
from mpg_research.analysis.monitoring.expectation_model import apply_model, fit_expectation
from mpg_research.analysis.monitoring.quality_tables import landmark_waves
from mpg_research.analysis.monitoring.rules import (
    bad_outcome,
    highest_value,
    limit_for_share,
    waves_that_count,
)
from mpg_research.statistics.forecasts.concordance import compare_concordance

TAUGHT, OF_THE_MODEL, JUDGED = 12_000, 3_000, 20_000
TAUGHT_SEED, JUDGED_SEED = 500_000, 600_000
SHARE = 1 / 3


def looks(rows: pd.DataFrame) -> pd.DataFrame:
    """What the scores of a family look like at each wave, from the waves up to then."""
    grouped = rows.groupby("course")["score"]
    first, number = grouped.transform("first"), rows["wave"] + 1
    time = rows["months"]
    by_course = rows["course"]
    sums = {
        name: values.groupby(by_course).cumsum()
        for name, values in (("t", time), ("y", rows["score"]), ("tt", time**2), ("ty", time * rows["score"]))
    }
    spread = sums["tt"] - sums["t"] ** 2 / number
    slope = (sums["ty"] - sums["t"] * sums["y"] / number) / spread.where(spread > 1e-9)
    return pd.DataFrame(
        {
            "months": time,
            "wave": rows["wave"],
            "first": first,
            "change": rows["score"] - first,
            "mean": sums["y"] / number - first,
            "before": grouped.shift(1).fillna(first) - first,
            "before_that": grouped.shift(2).fillna(first) - first,
            "slope": slope.fillna(0.0),
            "highest": grouped.cummax() - first,
            "lowest": grouped.cummin() - first,
        }
    )


def compare(number: int) -> list[str]:
    """One scenario: cells of its row."""
    name, course = list(SCENARIOS.items())[number]
    assert course is not None
    taught = simulate(course, TAUGHT_SEED + number, TAUGHT)
    judged = simulate(course, JUDGED_SEED + number, JUDGED)
    bad = {key: bad_outcome(rows, sign=-1.0, margin=0.0) for key, rows in (("t", taught), ("j", judged))}
    change = (judged["score"] - judged.groupby("course")["score"].transform("first")).to_numpy(dtype=float)
    few = taught[taught["course"] < OF_THE_MODEL].reset_index(drop=True)
    fold = apply_model(fit_expectation(few, ()), judged, "judged", np.arange(len(judged)))
    ends = few.groupby("course")["months"].last().to_numpy(dtype=float)
    between = waves_that_count(taught)
    forest = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=16, min_samples_leaf=100, random_state=0
    ).fit(looks(taught)[between], bad["t"][taught["course"].to_numpy()][between])
    values: dict[str, Floats] = {
        "change": change,
        "chance": chance_of_waves(fold, sign=-1.0, margin=0.0, step=1.0, ends=ends),
        "forest": forest.predict_proba(looks(judged))[:, 1],
    }
    limit = 1.96 * np.sqrt(2 * (1 - RELIABILITY)) * float(judged.loc[judged["wave"] == 0, "score"].std())
    cells = [name]
    for share in (float((highest_value(judged, change) > limit).mean()), SHARE):
        cells.append(f"{share:.0%}")
        cells += [f"{_sensitivity(judged, value, bad['j'], share):.3f}" for value in values.values()]
    at = landmark_waves(judged, 6.0, since=4.0)
    happened = bad["j"][judged["course"].to_numpy()[at]]
    for value in values.values():
        cells.append(f"{compare_concordance(value[at], change[at], happened=happened).one:.3f}")
    return cells


def _sensitivity(rows: pd.DataFrame, values: Floats, bad: np.ndarray, share: float) -> float:
    loosened = values + 1e-9 * np.random.default_rng(0).random(len(values))
    highest = highest_value(rows, loosened)
    return float((highest >= limit_for_share(highest, share))[bad].mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write signals_ceiling.md beside this file")
    asked = parser.parse_args()
    head = ("alarmed", "change", "chance", "forest")
    columns = ["scenario", *head, *head, *(f"{name}, month 6" for name in head[1:])]
    lines = [
        "# How much there is to gain over the change since intake\n",
        "Made by `python benchmarks/signals_ceiling.py --write`. Share of the families alarmed and\n"
        "sensitivity of three rules, at the naive rule's own number of alarms and with a third of the\n"
        "families alarmed; then the concordance at one measurement up to month 6.\n",
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
    ]
    numbers = [place for place, course in enumerate(SCENARIOS.values()) if course is not None]
    lines += ["| " + " | ".join(compare(number)) + " |" for number in numbers]
    page = "\n".join(lines) + "\n"
    print(page)
    if asked.write:
        Path(__file__).with_name("signals_ceiling.md").write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
