"""How often the intervals of compare_costs_and_effects hold the truth, and how fast it is.

The truth is not our model. Every family has hours of help each month: a log-normal level, shared in part with
its worker, times a skewed number; some families have a dear placement at some moment, whatever their level,
fewer of them in one group. A third started less than a year before the export, so that 30 % are not followed
to the end of it. The case mix tells something of the level. The truths are products of means.
Run: ``python benchmarks/costs_and_effects.py [studies]``. With ``organisations``: how often the intervals of
six organisations around their mean hold the truth, with 40 workers and with 15. With ``normal``: the same of
numbers that are normal and organisations that do not differ, by the regression alone. With ``refit``: the
draws, which reweights what is stored of each worker, beside 100 full refits of everything (the chance of
being followed, the mixed model with its variances) to the example study with its workers drawn anew.
"""

import sys
import time as clock
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research import compare_costs_and_effects, load_study
from mpg_research.statistics.economics.group_differences import (
    group_contrasts,
    group_replications,
    regression_of,
)
from mpg_research.study import shipped_example
from mpg_research.study.model import Study

HOUR, PLACEMENT = 100.0, 30000.0
HOURS, PLACED = (10.0, 12.0), (0.16, 0.10)
LEVEL_SPREAD, WORKER_SHARE = 0.7, 0.15
THRESHOLDS = (500.0, 2000.0)
COST, EFFECT = (
    12 * HOUR * (HOURS[1] - HOURS[0]) + PLACEMENT * (PLACED[1] - PLACED[0]),
    6 * (PLACED[0] - PLACED[1]),
)


def made_study(base: Study, rng: np.random.Generator, *, families: int, workers: int, whole: bool) -> Study:
    """A study with two groups, in which nothing but hours and placements has a price."""
    worker = rng.integers(0, workers, families)
    group = worker % 2 if whole else rng.integers(0, 2, families)
    own = np.sqrt(WORKER_SHARE) * rng.normal(size=workers)[worker]
    own = own + np.sqrt(1 - WORKER_SHARE) * rng.normal(size=families)
    level = np.exp(LEVEL_SPREAD * own - LEVEL_SPREAD**2 / 2)
    export = pd.Timestamp(base.config.study.export_date)
    ago = np.where(rng.random(families) < 0.3, rng.integers(2, 12, families), rng.integers(14, 30, families))
    start = pd.DatetimeIndex([export + pd.offsets.MonthBegin(-int(each)) for each in ago])
    names = pd.Series([f"F{place:06d}" for place in range(families)])
    month = np.arange(13)
    hours = level[:, None] * np.array(HOURS)[group][:, None] * rng.gamma(0.7, 1 / 0.7, (families, 13))
    when = (start.to_period("M").astype("int64").to_numpy()[:, None] + month).ravel()
    care = pd.DataFrame(
        {
            "family": np.repeat(names, 13), "episode": "1",
            "month": pd.PeriodIndex.from_ordinals(when, freq="M").to_timestamp(),
            "contact_hours": hours.ravel(),
        }
    )  # fmt: skip
    care = care[care["month"] < export].astype({"family": "string", "episode": "string"})
    placed = rng.random(families) < np.array(PLACED)[group]
    moment = start + pd.to_timedelta(np.floor(rng.uniform(0, 365.25, families)), unit="D")
    kept = placed & (moment <= export)
    events = pd.DataFrame({"family": names[kept], "episode": "1", "date": moment[kept], "event": "placement"})
    episodes = pd.DataFrame(
        {
            "family": names, "episode": "1", "organisation": [f"o{each % 6}" for each in worker],
            "worker": [f"w{each}" for each in worker], "start": start, "end": pd.NaT, "end_reason": None,
            "n_children": np.round(2 + own + rng.normal(size=families), 2),
            "treated": pd.array(group == 1, dtype="boolean"),
        }
    )  # fmt: skip
    prices = pd.DataFrame(
        {
            "item": ["contact_hour", "placement"], "year": 2024, "unit_price": [HOUR, PLACEMENT],
            "payer": "municipality", "kind": "fiscal", "source": "made", "distribution": "fixed",
            "price_low": np.nan, "price_high": np.nan,
        }
    )  # fmt: skip
    tables = {"episodes": episodes, "care": care, "events": events, "prices": prices,
              "measurements": base.tables["measurements"].iloc[:0]}  # fmt: skip
    costs = base.config.costs.model_copy(update={"without_events": "none_happened"})
    return replace(base, tables=tables, config=base.config.model_copy(update={"costs": costs}))


def one_study(
    base: Study, rng: np.random.Generator, *, whole: bool, workers: int
) -> list[tuple[str, float, float, float, float]]:
    """Estimate, limits and truth of every quantity."""
    study = made_study(base, rng, families=300, workers=workers, whole=whole)
    found = compare_costs_and_effects(
        study, by="treated", effect="months_without_placement", horizon_months=12, case_mix=("n_children",),
        thresholds=THRESHOLDS, replications=100,
    )  # fmt: skip
    rows = []
    for table, name, truth in (
        ("cost_differences", "difference in costs", COST), ("effect_differences", "difference in effect",
        EFFECT),
    ):  # fmt: skip
        row = found.tables[table].data.iloc[0]
        rows.append((name, row["estimate"], row["conf_low"], row["conf_high"], truth))
    for _, row in found.tables["net_benefit"].data.iterrows():
        name = f"net benefit at {row['may_cost']:,.0f} a month"
        rows.append(
            (name, row["estimate"], row["conf_low"], row["conf_high"], row["may_cost"] * EFFECT - COST)
        )
    return rows


def coverage(base: Study, studies: int, *, whole: bool, workers: int) -> list[str]:
    """Lines of a table."""
    every = [
        one_study(base, np.random.default_rng([number, workers, int(whole)]), whole=whole, workers=workers)
        for number in range(studies)
    ]
    lines = []
    for place in range(len(every[0])):
        table = np.array([rows[place][1:] for rows in every], dtype=float)
        inside = (table[:, 1] <= table[:, 3]) & (table[:, 3] <= table[:, 2])
        lines.append(
            f"| {every[0][place][0]} | {table[0, 3]:,.2f} | {table[:, 0].mean():,.2f} | "
            f"{table[:, 0].std():,.2f} | "
            f"{(table[:, 2] - table[:, 1]).mean():,.2f} | {inside.mean():.3f} |"
        )
    return lines


def drawn_again(study: Study, rng: np.random.Generator) -> Study:
    """The study with its workers drawn with replacement, each time under another name with all families."""
    episodes = study.tables["episodes"]
    first = episodes.sort_values("start").drop_duplicates("family")
    home = first["organisation"].astype(str) + "/" + first["worker"].astype(str)
    names = home.unique()
    pieces: dict[str, list[pd.DataFrame]] = {
        "episodes": [],
        "measurements": [],
        "care": [],
        "events": [],
        "scores": [],
    }
    for copy, worker in enumerate(rng.choice(names, names.size)):
        families = set(first.loc[home == worker, "family"].astype(str))
        for name, kept in pieces.items():
            table = study.scores if name == "scores" else study.tables[name]
            mine = table[table["family"].astype(str).isin(families)]
            renamed = mine.assign(family=f"c{copy}_" + mine["family"].astype(str))
            if "worker" in mine:
                renamed = renamed.assign(worker=f"c{copy}_" + mine["worker"].astype(str))
            kept.append(renamed)
    tables = {name: pd.concat(kept, ignore_index=True) for name, kept in pieces.items()}
    tables |= {name: study.tables[name] for name in ("prices", "price_index")}
    return replace(study, scores=tables.pop("scores"), tables=tables)


def refit(replications: int = 100) -> list[str]:
    """Lines of a table: spreads of the differences by full refits and by reweighting."""
    study, asked = load_study(shipped_example()), {"by": "single_parent", "case_mix": ("n_children",)}
    found = compare_costs_and_effects(study, effect="points", replications=2, **asked)
    drawn = group_replications(found.compared.cost, found.compared.effect, replications=4000, rng=1)
    rows = []
    for number in range(replications):
        again = compare_costs_and_effects(
            drawn_again(study, np.random.default_rng([9, number])), effect="points", replications=2, **asked
        )
        rows.append([again.differences.cost[1], again.differences.effect[1]])
    full = np.array(rows).std(axis=0, ddof=1)
    held = [drawn.cost[:, 1].std(ddof=1), drawn.effect[:, 1].std(ddof=1)]
    names = ("difference in costs (euros)", "difference in points (mixed model)")
    return [
        f"| {name} | {one:,.2f} | {other:,.2f} | {other / one:.2f} |"
        for name, one, other in zip(names, full, held, strict=True)
    ]


def organisations(studies: int = 100) -> list[str]:
    """Lines of a table: the intervals of six organisations, three of them with the truth of each group."""
    base, lines = load_study(shipped_example()), []
    for workers in (40, 15):
        every: dict[str, list[tuple[float, bool, bool]]] = {}
        for number in range(studies):
            study = made_study(
                base, np.random.default_rng([7, number, workers]), families=300, workers=workers, whole=True
            )
            found = compare_costs_and_effects(
                study, by="organisation", effect="months_without_placement", horizon_months=12,
                case_mix=("n_children",), thresholds=THRESHOLDS, replications=50,
            )  # fmt: skip
            for table, what, truth in (
                ("cost_from_mean", "costs", COST), ("effect_from_mean", "effect", EFFECT),
            ):  # fmt: skip
                rows = found.tables[table].data
                second = rows["organisation"].isin(["o1", "o3", "o5"])
                true = np.where(second, truth / 2, -truth / 2)
                inside = (rows["conf_low"] <= true) & (true <= rows["conf_high"])
                named = rows["p_adjusted"] < 0.05
                width = rows["conf_high"] - rows["conf_low"]
                every.setdefault(what, []).extend(zip(width, inside, named, strict=True))
        for what, told in every.items():
            width, inside, named = np.array(told, dtype=float).T
            lines.append(
                f"| {what} | {workers} | {len(told)} | {np.median(width):,.2f} | {inside.mean():.3f} | "
                f"{named.mean():.3f} |"
            )
    return lines


def normal(studies: int = 1000) -> list[str]:
    """Lines of a table: six organisations that do not differ, of 300 families whose numbers are normal."""
    lines, rng = [], np.random.default_rng(1)
    for workers in (12, 15, 18, 24, 36):
        inside, freedom = [], []
        for _ in range(studies):
            worker = rng.integers(0, workers, 300)
            value = np.sqrt(0.15) * rng.normal(size=workers)[worker] + np.sqrt(0.85) * rng.normal(size=300)
            rows = regression_of(value, worker % 6, clusters=worker.astype(str), n_groups=6)
            for found in group_contrasts(rows, rows, np.eye(6) - 1 / 6):
                half = student_t.ppf(0.975, found.df_cost) * np.sqrt(found.covariance[0, 0])
                inside.append(abs(found.cost) <= half)
                freedom.append(found.df_cost)
        lines.append(f"| {workers} | {len(inside):,} | {np.median(freedom):.1f} | {np.mean(inside):.3f} |")
    return lines


def main() -> None:
    if sys.argv[1:] == ["normal"]:
        head = "| workers | intervals | median degrees of freedom | coverage of 95 % |"
        print("\n".join([head, "|---|---|---|---|", *normal()]))
        return
    if sys.argv[1:] == ["organisations"]:
        head = "| from the mean of six | workers | intervals | median width | coverage of 95 % | named |"
        print("\n".join([head, "|---|---|---|---|---|---|", *organisations()]))
        return
    if sys.argv[1:] == ["refit"]:
        print("\n".join(["| difference | full refits | reweighted | ratio |", "|---|---|---|---|", *refit()]))
        return
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    base = load_study(shipped_example())
    page = [
        "# Costs beside effects: does the verb hold its intervals, and how fast is it?", "",
        f"Made by `python benchmarks/costs_and_effects.py {studies}`: {studies} studies of 300 families "
        "each, skewed costs, 30 % not followed to the end of the year, adjusted for the case mix.",
    ]  # fmt: skip
    for whole, workers in ((False, 40), (True, 40), (False, 12)):
        what = "one group" if whole else "both groups"
        page += ["", f"## {workers} workers with families of {what}", "",
                 "| quantity | truth | mean estimate | spread | mean width | coverage of 95 % |",
                 "|---|---|---|---|---|---|",
                 *coverage(base, studies, whole=whole, workers=workers)]  # fmt: skip
    large = made_study(base, np.random.default_rng(1), families=27_000, workers=2_700, whole=False)
    begun = clock.process_time()
    compare_costs_and_effects(
        large, by="treated", effect="months_without_placement", horizon_months=12, case_mix=("n_children",),
        replications=2000,
    )  # fmt: skip
    page += ["", "## Speed", "", "The verb with 27,000 families, 2,700 workers and 2,000 replications: "
             f"{clock.process_time() - begun:.1f} cpu seconds."]  # fmt: skip
    text = "\n".join(page) + "\n"
    (Path(__file__).parent / "costs_and_effects.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
