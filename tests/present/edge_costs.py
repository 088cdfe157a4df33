"""Edge results about what families cost."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import EACH_ORGANISATION, Column, coded, ends, modelled, observed, quantile
from mpg_research.analysis.economics.mean_tables import MEANS
from mpg_research.analysis.economics.organisation_tables import OF_ORGANISATIONS
from mpg_research.analysis.organisations.funnel_tables_shared import FLAGS, LINES
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_needs import Words, rows_of
from tests.present.edge_results import NAN, Draw, Edges, pooled, provenance

MEAN_COSTS = ((16_900.0, 15_500.0, 18_300.0), (0.0, 0.0, 0.0), (120.0, 40.0, 260.0), (NAN, NAN, NAN))
BEHIND = (200, 40, 4, 0)
LARGEST = ((60.0, 50.0), (9_000.0, 10.0))
HOMES = tuple("abcdef")
MONTHS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
PAYERS = ("municipality", "state", "school", "health_insurer", "family")
QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9}


def cost_row(draw: Draw, name: str, *, mean: float | None = None) -> dict[str, Any]:
    at, low, high = draw(f"{name}_mean", MEAN_COSTS)
    largest, second = draw(f"{name}_largest", LARGEST)
    behind = draw(f"{name}_behind", BEHIND)
    if behind == 0:
        at, low, high, largest, second = 0.0, 0.0, 0.0, 0.0, 0.0
    return {
        "mean_cost": at, "mean_cost_low": low, "mean_cost_high": high, "largest": min(largest, at),
        "second_largest": min(second, at), "n_group": 240, "n_families": behind,
    }  # fmt: skip


def costs(draw: Draw) -> MadeResult:
    if draw.given.get("wide"):  # what figures are drawn of
        draw = Draw(0, **{**EDGES[0].given[0], "month_3_behind": 4})
    tables = [_table("costs", [cost_row(draw, "whole")])]
    for key, codes in (("phase", ("during", "after")), ("payer", PAYERS)):
        number = draw(f"{key}s", (len(codes), 3, 1))
        rows = [{key: code, **cost_row(draw, f"{key}_{code}")} for code in codes[:number]]
        tables.append(_table(f"costs_by_{key}", rows, coded(key, adds_up="counts")))
    months = [
        {"month_of_help": month, "payer": "all", **cost_row(draw, f"month_{month:g}")} for month in MONTHS
    ]
    month_of_help = Column(name="month_of_help", meaning="time", is_key=True, adds_up="counts")
    tables.append(_table("costs_by_month", months, month_of_help, coded("payer", adds_up="counts")))
    number = draw("complete", (200, 30, 4))
    spread = {"q10": 900.0, "q50": 15_400.0, "q90": 23_500.0, "dearest_share": 0.25, "n_families": number}
    columns = (
        *(quantile(name, at, digits=0, in_money=True) for name, at in QUANTILES.items()),
        observed("dearest_share", percent=True, digits=0, about="q90"),
    )  # fmt: skip
    tables.append(ResultTable("cost_spread", pooled("cost_spread", [spread]).data, columns))
    if draw("before", (True, False)):
        share = {"share_before": 0.2, "share_before_low": 0.1, "share_before_high": 0.3}
        part = observed("share_before", percent=True, digits=0, about="mean_cost")
        rows = [{**cost_row(draw, "before_help"), **share}]
        tables.append(
            ResultTable(
                "costs_before_help", pooled("costs_before_help", rows).data, (*MEANS, part, *ends(part))
            )
        )
    beyond = draw("beyond", ("none", "95", "99.8", "absent"))
    if beyond != "absent":
        tables += [_homes(), *_funnel(beyond, draw("outside", (1, 2)))]
    if draw("unpriced", (True, False)):
        rows = [{"cost_item": "visit", "n_records": 400, "n_families": 200}]
        columns = (coded("cost_item"), Column(name="n_records", meaning="count", of="records"))
        tables.append(ResultTable("without_price", pooled("without_price", rows).data, columns))
    facts = {
        "horizon_months": draw("horizon", (12.0, 24.0, 1.0)),
        "perspective": draw("view", ("societal", "municipal", "state")),
        "year": 2024, "rate": draw("rate", (0.03, 0.0)), "over_workers": draw("workers", (True, False)),
        "recorded": list(draw("recorded", (("care", "events"), ("care",), ("events",)))),
        "before_help_months": 3.0, "indexed": draw("indexed", (True, False)),
    }  # fmt: skip
    return result_of("costs", *tables, provenance=provenance(**facts))


def _table(name: str, rows: list[dict[str, Any]], *keys: Column) -> ResultTable:
    return ResultTable(name, pooled(name, rows).data, (*keys, *MEANS))


def _homes() -> ResultTable:
    rows = [
        {"organisation": home, "mean_cost": 15_200.0, "mean_cost_low": 14_000.0, "mean_cost_high": 16_500.0,
         "largest": 60.0, "second_largest": 50.0, "adjusted_cost": 15_000.0 + 500 * place,
         "adjusted_cost_low": 13_500.0, "adjusted_cost_high": 18_800.0, "n_group": 40, "n_families": 40}
        for place, home in enumerate(HOMES)
    ]  # fmt: skip
    columns = OF_ORGANISATIONS
    return ResultTable(
        "costs_by_organisation",
        pd.DataFrame(rows)[[column.name for column in columns] + ["n_families"]],
        columns,
    )


def _funnel(beyond: str, outside: int) -> list[ResultTable]:
    flags = [beyond if place < outside else "none" for place in range(len(HOMES))]
    points = pd.DataFrame(
        {
            "organisation": list(HOMES), "adjusted_cost": [15_000.0 + 500 * place for place in range(6)],
            "n_effective": 40.0, "z_adjusted": 0.5, "beyond": flags, "beyond_adjusted": flags,
            "beyond_false_discovery": "no", "n_families": 40,
        }
    )  # fmt: skip
    columns = (
        EACH_ORGANISATION, modelled("adjusted_cost", digits=0, in_money=True),
        Column(name="n_effective", meaning="count", of="families"),
        modelled("z_adjusted", digits=2, spread=True), *FLAGS,
    )  # fmt: skip
    ends_of = {column.name: [12_000.0, 13_000.0] for column in LINES if "low" in column.name}
    ends_of |= {column.name: [20_000.0, 19_000.0] for column in LINES if "high" in column.name}
    lines = pd.DataFrame({"n_effective": [20.0, 80.0], **ends_of, "n_families": 240, "n_organisations": 6})
    return [ResultTable("cost_funnel", points, columns), ResultTable("cost_funnel_lines", lines, LINES)]


def shown(table: str, *columns: str, at_least: int = 1) -> Callable[[Released, Words], bool]:
    """Whether a table of so many rows has one that shows these columns."""

    def test(released: Released, _: Words) -> bool:
        rows = rows_of(released, table)
        known = [all(math.isfinite(float(row[name])) for name in columns) for _, row in rows.iterrows()]
        return len(known) >= at_least and any(known)

    return test


def _flags(released: Released) -> list[str]:
    rows = rows_of(released, "cost_funnel")
    return [str(flag) for flag in rows["beyond_adjusted"]] if len(rows) else []


def _some_hidden(released: Released) -> bool:
    """Whether a table of parts shows some of them and not others."""
    tables = [released.tables.get(f"costs_by_{name}") for name in ("phase", "payer")]
    known = [table.data["mean_cost"].notna().tolist() for table in tables if table is not None]
    return any(any(row) and not all(row) for row in known)


MEAN_SHOWN = shown("costs", "mean_cost", "mean_cost_low", "mean_cost_high")
FULL = {"whole_mean": MEAN_COSTS[0], "whole_behind": 200, "whole_largest": LARGEST[0]}
EDGES = (
    Edges(
        "costs",
        costs,
        (0, 1, 2, 3, 4, 5),
        (
            {**FULL, "phases": 2, "payers": 3, "complete": 200, "before": True, "beyond": "95", "outside": 2,
             "unpriced": True, "horizon": 24.0, "rate": 0.03, "view": "municipal", "indexed": True,
             "workers": True, "recorded": ("events",),
             **{f"{name}_{part}": value
                for name in ("phase_during", "phase_after", "payer_municipality", "payer_state",
                             "payer_school", "before_help", *(f"month_{month:g}" for month in MONTHS))
                for part, value in (("mean", MEAN_COSTS[0]), ("behind", 200), ("largest", LARGEST[0]))}},
            {**FULL, "beyond": "none", "view": "societal", "indexed": False, "workers": False,
             "recorded": ("care",), "outside": 1},
            {**FULL, "beyond": "95", "outside": 1},
            {"whole_behind": 4},
            {**FULL, "payers": 3, "payer_municipality_behind": 200, "payer_state_behind": 4,
             "payer_school_behind": 40, "payer_municipality_mean": MEAN_COSTS[0],
             "payer_municipality_largest": LARGEST[0], "payer_school_mean": MEAN_COSTS[0],
             "payer_school_largest": LARGEST[0]},
            {**FULL, "payers": 5,
             **{f"payer_{name}_{part}": value
                for name in PAYERS
                for part, value in (("mean", MEAN_COSTS[0]), ("largest", LARGEST[0]),
                                    ("behind", 4 if name == "state" else 200))}},
        ),
        {
            "cost_mean_known": MEAN_SHOWN,
            "cost_mean_not_known": lambda released, words: not MEAN_SHOWN(released, words),
            "cost_phases_known": shown("costs_by_phase", "mean_cost", at_least=2),
            "cost_payers_known": shown("costs_by_payer", "mean_cost", at_least=2),
            "cost_parts_hidden": lambda released, _: _some_hidden(released),
            "cost_before_known": shown(
                "costs_before_help", "mean_cost", "share_before", "share_before_low", "share_before_high"
            ),
            "cost_middle_known": shown("cost_spread", "q50"),
            "cost_dearest_known": shown("cost_spread", "q90", "dearest_share"),
            "cost_funnel_none": lambda released, _: set(_flags(released)) <= {"none", ""} != set(),
            "cost_funnel_some": lambda released, _: bool({"95", "99.8"} & set(_flags(released))),
            "cost_without_price": lambda released, _: len(rows_of(released, "without_price")) > 0,
        },
    ),
)  # fmt: skip
