"""Edge results about care as a time line."""

import math
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import (
    ESTIMATE,
    Column,
    coded,
    ends,
    number_of,
    observed,
    observed_share,
    quantile,
)
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_families import classes, shares_table
from tests.present.edge_needs import Need, Words, alpha_of, rows_of
from tests.present.edge_results import NAN, P_VALUES, Draw, Edges, estimates, pooled, provenance

#: Differences after an event, with their intervals.
DIFFERENCES = (
    (-1.2, -2.0, -0.4), (1.2, 0.4, 2.0), (0.1, -1.0, 1.2), (0.0, 0.0, 0.0), (-1.0, -2.0, 0.0),
    (NAN, NAN, NAN), (-0.02, -0.04, -0.001),
)  # fmt: skip
HALVES = (1.0, 2.0, 3.0, 0.0, NAN)
TENTHS = (4.0, 1.0, 23.0, NAN)
SHARES = (0.62, 0.0, 1.0, 0.004, NAN)


def around(name: str, key: str, code: str, draw: "Draw | OtherDraw") -> tuple[ResultTable, ResultTable]:
    """Differences around an event, and how many families they are about."""
    after = draw(f"after_{name}", DIFFERENCES)
    rows = [
        {key: code, "around": moment, **estimates(difference), "n_families": 40}
        for moment, difference in (
            ("-3", (0.1, -0.8, 1.0)), ("-2", (-0.2, -1.0, 0.6)), ("0", after), ("1", after), ("after", after)
        )
    ]  # fmt: skip
    groups = [{key: code, "n_events": 40, "n_compared": 90, "p_before": draw(f"before_{name}", P_VALUES)}]
    return (
        ResultTable(name, pooled(name, rows).data, (coded(key), coded("around"), *ESTIMATE)),
        ResultTable(
            f"{name}_groups",
            pooled(f"{name}_groups", groups, n=40).data,
            (
                coded(key), number_of("n_events", of="families"), number_of("n_compared", of="families"),
                Column(name="p_before", meaning="p"),
            ),
        ),
    )  # fmt: skip


def after_of(released: Released, table: str, code: str = "") -> tuple[float, float]:
    """The interval of the difference after an event; NaN where it, or an end of it, is not shown."""
    rows = rows_of(released, table)
    rows = rows[rows["around"] == "after"] if len(rows) else rows
    if code and len(rows):
        rows = rows[(rows == code).any(axis=1)]
    if not len(rows):
        return math.nan, math.nan
    row = rows.iloc[0]
    numbers = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    return (numbers[1], numbers[2]) if all(map(math.isfinite, numbers)) else (math.nan, math.nan)


def less(table: str, code: str = "") -> Need:
    return lambda released, _: after_of(released, table, code)[1] < 0


def more(table: str, code: str = "") -> Need:
    return lambda released, _: after_of(released, table, code)[0] > 0


def unclear(table: str, code: str = "") -> Need:
    return lambda released, _: after_of(released, table, code)[0] <= 0 <= after_of(released, table, code)[1]


def p_before(released: Released) -> list[float]:
    tables = [name for name in released.tables if name.endswith("_groups")]
    found = [rows_of(released, name) for name in tables]
    return [float(p) for rows in found if len(rows) for p in rows["p_before"]]


def near(released: Released, table: str, key: str, code: str, column: str) -> pd.Series | None:
    """The row of the last month up to month 12 whose number is shown."""
    rows = rows_of(released, table)
    rows = rows[(rows[key] == code) & rows[column].notna() & (rows["months"] <= 12)] if len(rows) else rows
    return rows.sort_values("months").iloc[-1] if len(rows) else None


# --- helpers ---------------------------------------------------------------------------------------------


def helpers(draw: Draw) -> MadeResult:
    n = draw("n", (247, 247, 120, 8))
    halves = {name: draw(f"half_{name}", HALVES) for name in ("workers_so_far", "most_agencies")}
    tenths = {name: draw(f"tenth_{name}", TENTHS) for name in halves}
    quantiles = [
        {"care_measure": name, "months": month, "half": half, "third_quarter": half + 1,
         "ninth_tenth": tenths[name]}
        for name, half in halves.items()
        for month in (0.0, 6.0, draw("last", (12.0, 9.0, 15.0)))
    ]  # fmt: skip
    shares = [
        {"care_element": name, "months": month, "share": draw(f"share_{name}", SHARES)}
        for name in ("one_plan", "case_manager")
        for month in (0.0, 12.0)
    ]
    at = {"half": 0.5, "third_quarter": 0.75, "ninth_tenth": 0.9}
    months = Column(name="months", meaning="time", is_key=True)
    tables = (
        ResultTable(
            "helpers_by_month",
            pooled("helpers_by_month", quantiles, n=n).data,
            (coded("care_measure"), months, *(quantile(name, level, digits=0) for name, level in at.items())),
        ),
        ResultTable(
            "care_shares",
            pooled("care_shares", shares, n=n).data,
            (coded("care_element"), months, observed_share("share", of="n_families")),
        ),
        *around("around_plan", "care_measure", "agencies", draw),
    )
    return result_of("helpers", *tables, provenance=provenance(agencies_at_most=2))


def half_of(released: Released, measure: str) -> float:
    row = near(released, "helpers_by_month", "care_measure", measure, "half")
    return math.nan if row is None else float(row["half"])


def most_of(released: Released, measure: str) -> bool:
    row = near(released, "helpers_by_month", "care_measure", measure, "half")
    return row is not None and float(row["ninth_tenth"]) > float(row["half"]) >= 0


def share_of(released: Released, element: str) -> bool:
    row = near(released, "care_shares", "care_element", element, "share")
    return row is not None and 0 <= float(row["share"]) <= 1


def nothing_of_helpers(released: Released, _: Words) -> bool:
    known = [half_of(released, name) >= 0 for name in ("workers_so_far", "most_agencies")]
    return not any(known + [share_of(released, name) for name in ("one_plan", "case_manager")])


# --- spells of workers -----------------------------------------------------------------------------------

RATES = ((0.39, 0.32, 0.47), (0.0, NAN, NAN), (3.2, 2.0, 5.1), (NAN, NAN, NAN))


def worker_spells(draw: Draw) -> MadeResult:
    n = draw("n", (247, 247, 120, 8))
    rate = dict(zip(("rate", "rate_low", "rate_high"), draw("rate", RATES), strict=True))
    rates = [{"stretch_of_help": "whole", **rate, "n_changes": 86, "n_months": 2652.0}]
    curve = [
        {"spell_curve": name, "months": month, "estimate": share, "conf_low": share - 0.03,
         "conf_high": share + 0.03, "n_group": 250}
        for name in ("first_stays", "replaced")
        for month, share in ((6.0, 0.84), (draw("last", (12.0, 18.0)), draw("stays", SHARES)))
    ]  # fmt: skip
    declared = observed("rate", digits=2)
    share = observed_share("estimate", of="n_group")
    reasons = classes(("planned", "sudden"), draw("reasons", ((60, 26), (0, 86), (86, 0), (0, 0))))
    scores = around("around_change", "change_outcome", "score_all", draw)
    left = around("around_change", "change_outcome", "drop_out_all", OtherDraw(draw, "left"))
    both = [
        ResultTable(one.name, pd.concat([one.data, other.data], ignore_index=True), one.columns)
        for one, other in zip(scores, left, strict=True)
    ]
    tables = (
        ResultTable(
            "change_rates",
            pooled("change_rates", rates, n=n).data,
            (coded("stretch_of_help"), declared, *ends(declared), number_of("n_changes", of="changes"),
             number_of("n_months", of="months")),
        ),
        ResultTable(
            "spell_survival",
            pooled("spell_survival", curve, n=n).data,
            (coded("spell_curve"), Column(name="months", meaning="time", is_key=True), share,
             *ends(share, "conf", heading="interval"), number_of("n_group", of="families")),
        ),
        shares_table(reasons, name="change_reasons"),
        *both,
    )  # fmt: skip
    return result_of("worker_spells", *tables, provenance=provenance())


class OtherDraw:
    """The same draws under names of their own."""

    def __init__(self, draw: Draw, name: str) -> None:
        self.draw, self.name = draw, name

    def __call__(self, name: str, pool: Any) -> Any:
        return self.draw(f"{name}_{self.name}", pool)


def rate_known(released: Released) -> bool:
    rows = rows_of(released, "change_rates")
    numbers = rows[["rate", "rate_low", "rate_high"]] if len(rows) else rows
    return bool(len(rows)) and bool((numbers.iloc[0] >= 0).all())


def stays_known(released: Released) -> bool:
    row = near(released, "spell_survival", "spell_curve", "first_stays", "estimate")
    return row is not None and 0 <= float(row["estimate"]) <= 1


def sudden_known(released: Released) -> bool:
    rows = rows_of(released, "change_reasons")
    rows = rows[rows["class"] == "sudden"] if len(rows) else rows
    return bool(len(rows)) and 0 <= float(rows["estimate"].iloc[0]) <= 1


SPELLS: dict[str, Any] = {
    "n": 247, "rate": (0.39, 0.32, 0.47), "stays": 0.62, "last": 12.0, "reasons": (60, 26),
}  # fmt: skip

KNOWN: dict[str, Any] = {
    "n": 247, "half_workers_so_far": 2.0, "tenth_workers_so_far": 4.0, "half_most_agencies": 3.0,
    "tenth_most_agencies": 6.0, "share_one_plan": 0.62, "share_case_manager": 0.7,
}  # fmt: skip

EDGES = (
    Edges(
        "helpers",
        helpers,
        (0, 1, 2, 3),
        (
            {**KNOWN, "after_around_plan": (-1.2, -2.0, -0.4), "before_around_plan": 0.04},
            {**KNOWN, "after_around_plan": (1.2, 0.4, 2.0), "before_around_plan": 0.4},
            {**KNOWN, "after_around_plan": (0.1, -1.0, 1.2)},
            {"n": 8},
        ),
        {
            "helpers_workers_half": lambda released, _: half_of(released, "workers_so_far") >= 0,
            "helpers_workers_most": lambda released, _: most_of(released, "workers_so_far"),
            "helpers_agencies_half": lambda released, _: half_of(released, "most_agencies") >= 0,
            "helpers_agencies_most": lambda released, _: most_of(released, "most_agencies"),
            "helpers_one_plan": lambda released, _: share_of(released, "one_plan"),
            "helpers_case_manager": lambda released, _: share_of(released, "case_manager"),
            "helpers_not_known": nothing_of_helpers,
            "plan_less": less("around_plan"),
            "plan_more": more("around_plan"),
            "plan_unclear": unclear("around_plan"),
            "care_apart_before": lambda released, _: any(
                p < alpha_of(released) for p in p_before(released)
            ),
            "care_alike_before": lambda released, _: any(
                p >= alpha_of(released) for p in p_before(released)
            ),
        },
    ),
)  # fmt: skip

EDGES = (
    *EDGES,
    Edges(
        "worker_spells",
        worker_spells,
        (0, 1, 2, 3, 4),
        (
            {
                **SPELLS,
                "after_around_change": (-1.2, -2.0, -0.4),
                "after_around_change_left": (1.2, 0.4, 2.0),
            },
            {
                **SPELLS,
                "after_around_change": (1.2, 0.4, 2.0),
                "after_around_change_left": (-1.2, -2.0, -0.4),
            },
            {**SPELLS, "after_around_change": (0.1, -1.0, 1.2), "after_around_change_left": (0.1, -1.0, 1.2)},
            {"n": 8, "reasons": (0, 0), "rate": (NAN, NAN, NAN), "stays": NAN},
        ),
        {
            "spells_rate": lambda released, _: rate_known(released),
            "spells_stays": lambda released, _: stays_known(released),
            "spells_sudden": lambda released, _: sudden_known(released),
            "spells_not_known": lambda released, _: (
                not (rate_known(released) or stays_known(released) or sudden_known(released))
            ),
            **{
                f"change_{name}_{kind}": test("around_change", f"{name}_all")
                for name in ("score", "drop_out")
                for kind, test in (("less", less), ("more", more), ("unclear", unclear))
            },
        },
    ),
)
