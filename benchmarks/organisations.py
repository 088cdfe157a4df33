"""A national year or five: how fast and how large is the comparison of hundreds of organisations?

Simulates families in organisations, fits the random-effects comparison, and makes ranks, rank sets, the
funnel plots with their simulated false-alarm rates (of the change and of three shares), duration, and all
tables. Run from the clone:

    python benchmarks/organisations.py           # 300 organisations, 27,000 families, 1.5 million rows
    python benchmarks/organisations.py --small   # a tenth of that

Prints a table and fails if it takes more than a minute or 4 GB (full size).
"""

import argparse
import os
import resource
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np
import pandas as pd

from mpg_research.analysis.families.indicator_shares import IndicatorRows, drop_out_rows
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.organisations.effects import effects_of, end_level, many_organisations
from mpg_research.analysis.organisations.episodes_of_comparison import episodes_of_comparison
from mpg_research.analysis.organisations.equal_comparison import (
    case_mix_difference_table,
    standardisation_table,
    within_between_table,
    worker_share_table,
)
from mpg_research.analysis.organisations.funnel import funnel_tables
from mpg_research.analysis.organisations.indicators import indicator_table
from mpg_research.analysis.organisations.ranks import rank_table, shrinkage_table
from mpg_research.analysis.organisations.shares import share_funnel_tables, share_outcomes, share_table
from mpg_research.analysis.organisations.tables import comparison_tables
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

NO_SCORES = CourseFrame(pd.DataFrame(), SampleFlow(()), "obvl_k", "raw", "declared", "first")
CASE_MIX = ("child_age", "n_children", "single_parent", "earlier_care")
MONTHS = [0.0, 6.0, 12.0]
SECONDS, GIGABYTES = 60.0, 4.0


def simulate(organisations: int, families: int, measurements: int, seed: int = 1) -> pd.DataFrame:
    """Scores of families in organisations of very unequal size, as ``course_frame`` gives them."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 0.8, organisations)
    place = np.sort(
        np.concatenate(
            [
                np.arange(organisations),
                rng.choice(organisations, families - organisations, p=size / size.sum()),
            ]
        )
    )
    per_family = -(-measurements // families)
    family = np.repeat(np.arange(families), per_family)
    months = np.maximum(
        np.tile(np.linspace(0, 18, per_family), families) + rng.uniform(-0.15, 0.15, family.size), 0
    )
    case_mix = np.column_stack(
        [
            rng.uniform(0, 18, families).round(1),
            rng.poisson(1.2, families) + 1.0,
            rng.random(families) < 0.3 + 0.2 * (place % 2),
            rng.random(families) < 0.5,
        ]
    ).astype(float)
    own = rng.multivariate_normal([0, 0], [[1.0, 0.0], [0.0, 0.006]], organisations)
    each = rng.multivariate_normal([0, 0], [[16.0, -0.2], [-0.2, 0.09]], families)
    level = 26 + own[place, 0] + each[:, 0] + case_mix @ [0.02, 0.3, 1.0, 0.6]
    slope = -0.35 + own[place, 1] + each[:, 1] + case_mix @ [0.0, 0.01, 0.04, 0.02]
    worker = place * 8 + rng.integers(0, 8, families)
    score = level[family] + slope[family] * months + rng.normal(0, 3, family.size)
    names = np.array([f"organisation {number:03d}" for number in range(organisations)])
    data = pd.DataFrame(
        {
            "family": np.array([f"f{number:05d}" for number in range(families)])[family],
            "episode": "1",
            "organisation": names[place[family]],
            "worker": np.array([f"w{number:05d}" for number in range(organisations * 8)])[worker[family]],
            "respondent": "first_parent",
            "months": months,
            "score": score,
        }
    )
    return data.assign(**{name: case_mix[family, column] for column, name in enumerate(CASE_MIX)})


def ends(data: pd.DataFrame, seed: int = 2) -> tuple[pd.DataFrame, dict[str, IndicatorRows]]:
    """Months in help, and three outcomes of yes and no, per family."""
    rng = np.random.default_rng(seed)
    columns = ["family", "episode", "organisation", "worker"]
    families = data.drop_duplicates("family")[columns].reset_index(drop=True)
    n = len(families)
    time, ended, part = rng.gamma(4, 3, n), rng.random(n) < 0.8, (rng.random(n) < 0.3).astype(float)
    reach = np.where(ended, 36.0, time)
    times = families.assign(time=time, ended=ended, reach=reach)
    found = {}
    for name in ("reliably_improved", "measured"):
        event = rng.random(n) < 0.3
        rows = families.assign(event=event.astype(float), happened=event, could=True)
        found[name] = IndicatorRows(name, rows, 12.0)
    end_reason = np.where(ended, np.where(part > 0, "early_client", "as_planned"), "still_in_help")
    rows = times.assign(part=part, end_reason=end_reason)
    dropped = drop_out_rows(HelpPeriods(rows, NO_SCORES, 12.0, 1.5, ()))
    return times, found | ({} if dropped is None else {"dropped_out": dropped})


def run(data: pd.DataFrame) -> tuple[list[tuple[str, float]], dict[str, pd.DataFrame]]:
    """All steps with their seconds, and the tables."""
    steps: list[tuple[str, float]] = []
    clock = time.perf_counter()

    def done(name: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        steps.append((name, now - clock))
        clock = now

    n_families = data["family"].nunique()
    step = FlowStep("read", "read", len(data), n_families, n_families)
    course = CourseFrame(data, SampleFlow((step,)), "obvl_k", "raw", "declared", "first", CASE_MIX)
    frame = prepare_frame(course, by_organisation=True)
    done("prepare")
    model = fit_growth(frame, organisation="random", worker=True)
    done("fit")
    many = many_organisations(model)
    effects = effects_of(model, 12.0, better="low", many=many)
    done("effects, raw and shrunken, joint covariance")
    tables = list(comparison_tables(model, MONTHS, adjust="holm", level=0.95, many=many).values())
    done("tables of the comparison")
    tables += [rank_table(effects, level=0.95), shrinkage_table(effects, level=0.95)]
    done("ranks and rank sets")
    tables += funnel_tables(model, effects, level=0.95, declared=True, minimum=10)
    done("funnel with simulated false-alarm rate")
    times, sources = ends(data)
    units = episodes_of_comparison(frame)
    shares = share_outcomes(sources, units)
    level_then = end_level(model, 12.0, many)
    tables.append(indicator_table(frame, effects, level_then, units, times, month=12.0, level=0.95))
    found = share_table(shares, units.order, level=0.95)
    tables += [] if found is None else [found]
    tables += share_funnel_tables(shares, frame, month=12.0, level=0.95, declared=True, minimum=10)
    done("indicators, duration, funnels of three shares")
    tables += [
        case_mix_difference_table(frame),
        standardisation_table(model, effects),
        within_between_table(model, effects),
        worker_share_table(model, 12.0),
    ]
    done("case mix, standardisation, within-between, workers")
    return steps, {table.name: table.data for table in tables}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="a tenth of the size, without limits")
    small = parser.parse_args().small
    organisations, families, measurements = (30, 2_700, 150_000) if small else (300, 27_000, 1_500_000)
    data = simulate(organisations, families, measurements)
    print(f"{organisations} organisations, {families:,} families, {len(data):,} measurements")
    steps, tables = run(data)
    total = sum(seconds for _, seconds in steps)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print("\n| step | seconds |\n|---|---|")
    for name, seconds in steps:
        print(f"| {name} | {seconds:.1f} |")
    print(f"| **all** | **{total:.1f}** |\n\nlargest memory, with the simulation: {gigabytes:.2f} GB")
    print(tables["funnel_summary"][["quantity", "value"]].round(3).to_string(index=False))
    if not small and (total > SECONDS or gigabytes > GIGABYTES):
        print(
            f"Too slow or too large: expected at most {SECONDS:.0f} s and {GIGABYTES:.0f} GB.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
