"""Edge results about hours and visits, fewer agencies, and the flow of families."""

import math
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import (
    ESTIMATE,
    P_ADJUSTED,
    Column,
    coded,
    key_column,
    modelled,
    number_of,
    observed,
    observed_share,
    quantile,
)
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_care import DIFFERENCES, SHARES, around, less, more, unclear
from tests.present.edge_families import classes, shares_table
from tests.present.edge_needs import Need, Words, alpha_of, rows_of, width_of
from tests.present.edge_results import NAN, P_VALUES, Draw, Edges, estimates, pooled, provenance

MONTHS = Column(name="months", meaning="time", is_key=True)
SLOPES = ((0.3, 0.2, 0.4), (-0.3, -0.4, -0.2), (0.01, -0.1, 0.12), (0.0, 0.0, 0.0), (NAN, NAN, NAN))
REASONS = ("few_treated", "few_untreated", "no_overlap", "few_effective", "imbalance", "few_clusters")


def last_of(released: Released, table: str, column: str) -> pd.Series | None:
    """The row of the last month up to month 12 whose number is shown."""
    rows = rows_of(released, table)
    rows = rows[rows[column].notna() & (rows["months"] <= 12)] if len(rows) else rows
    return rows.sort_values("months").iloc[-1] if len(rows) else None


def slope_of(released: Released, table: str) -> tuple[float, float]:
    """The interval of the slope within families; NaN where one of its numbers is not shown."""
    rows = rows_of(released, table)
    rows = rows[rows["part"] == "within"] if len(rows) else rows
    if not len(rows):
        return math.nan, math.nan
    numbers = [float(rows.iloc[0][name]) for name in ("estimate", "conf_low", "conf_high")]
    return (numbers[1], numbers[2]) if not any(map(math.isnan, numbers)) else (math.nan, math.nan)


def slopes(name: str, table: str) -> dict[str, Need]:
    """The needs of the three sentences about a slope."""
    return {
        f"{name}_more": lambda released, _: slope_of(released, table)[0] > 0,
        f"{name}_less": lambda released, _: slope_of(released, table)[1] < 0,
        f"{name}_unclear": lambda released, _: (
            slope_of(released, table)[0] <= 0 <= slope_of(released, table)[1]
        ),
    }


# --- hours and visits ------------------------------------------------------------------------------------


def dose(draw: Draw) -> MadeResult:
    n = draw("n", (247, 247, 120, 8))
    halves = (11.0, 0.0, 40.5) if draw("wide", (False,)) else (11.0, 0.0, 40.5, NAN)
    half = draw("half", halves)  # "wide": what figures are drawn of
    hours = [
        {"months": month, "first_quarter": half, "half": half, "third_quarter": half + 4}
        for month in (0.0, 6.0, draw("last", (12.0, 15.0)))
    ]
    visits = [
        {"months": month, "mean_visits": draw("visits", (4.2, 0.0, NAN)),
         "share_at_home": draw("home", SHARES), "n_visits": 900}
        for month in (0.0, 12.0)
    ]  # fmt: skip
    part = key_column("part").but(meaning="label")
    need = [{"need": "score", "part": "within", **estimates(draw("need", SLOPES)), "n_measurements": 2400}]
    response = [{"part": "within", **estimates(draw("response", SLOPES)), "n_measurements": 1900}]
    answers = classes(("raised", "not_raised"), draw("raised", ((30, 40), (0, 70), (70, 0), (0, 0))))
    at = {"first_quarter": 0.25, "half": 0.5, "third_quarter": 0.75}
    tables = (
        ResultTable(
            "hours_by_month",
            pooled("hours_by_month", hours, n=n).data,
            (MONTHS, *(quantile(name, level, digits=1) for name, level in at.items())),
        ),
        ResultTable(
            "visits_by_month",
            pooled("visits_by_month", visits, n=n).data,
            (MONTHS, observed("mean_visits", digits=1), observed_share("share_at_home", of="n_visits"),
             number_of("n_visits", of="visits")),
        ),
        ResultTable(
            "hours_follow_need",
            pooled("hours_follow_need", need, n=n).data,
            (key_column("need").but(meaning="label"), part, *ESTIMATE,
             number_of("n_measurements", of="months")),
        ),
        ResultTable(
            "dose_response",
            pooled("dose_response", response, n=n).data,
            (part, *ESTIMATE, number_of("n_measurements")),
        ),
        ResultTable(
            "dose_linearity",
            pooled("dose_linearity", [{"p_bends": draw("bends", P_VALUES)}], n=n).data,
            (Column(name="p_bends", meaning="p"),),
        ),
        shares_table(answers, name="hours_after_worsening"),
        *two_codes(around("around_worsening", "dose_outcome", "raised", draw)),
    )  # fmt: skip
    return result_of(
        "dose",
        *tables,
        *hours_model(draw, n),
        provenance=provenance(
            weeks_until_more_hours=8.0, more_hours_at_least=1.0, hours_model_months=draw("asked", (3, 0, 1)),
            axis=1.0,
        ),
    )  # fmt: skip


HOURS_VERDICTS = (
    "answered", "few_families", "few_clusters", "not_converged", "hours_follow", "few_effective",
    "hours_imbalance",
)  # fmt: skip


def hours_model(draw: Draw, n: int) -> tuple[ResultTable, ResultTable]:
    verdict = draw("verdict", HOURS_VERDICTS)
    judged = 120.0 if verdict == "answered" else NAN
    told = [
        {"hours_verdict": verdict, "effective_windows": judged, "largest_weight": 3.1,
         "correlation_before": 0.2, "correlation_after": 0.0, "free_hours": 0.7}
    ]  # fmt: skip
    rows = [
        {"hours_of": "every_month", "weighting": weighting, **estimates(slope), "n_measurements": 900}
        for weighting, slope in (("weighted", draw("model", SLOPES)), ("unweighted", SLOPES[0]))
        if verdict == "answered"
    ]
    keys = (key_column("hours_of").but(meaning="label"), key_column("weighting").but(meaning="label"))
    numbers = ("effective_windows", "largest_weight", "correlation_before", "correlation_after", "free_hours")
    slopes_of_model = ResultTable(
        "hours_model",
        pooled("hours_model", rows, n=n).data if rows else pd.DataFrame(columns=MODEL_COLUMNS),
        (*keys, *ESTIMATE, number_of("n_measurements")),
    )
    verdicts = ResultTable(
        "hours_model_verdict",
        pooled("hours_model_verdict", told, n=n).data,
        (Column(name="hours_verdict", meaning="label"), *(modelled(name, digits=2) for name in numbers)),
    )
    return verdicts, slopes_of_model


MODEL_COLUMNS = [
    "hours_of", "weighting", "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
    "n_measurements", "n_families", "n_organisations",
]  # fmt: skip


def months_of_model(released: Released) -> int:
    return int(released.provenance.parameters["hours_model_months"])


def model_slope(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "hours_model")
    if not len(rows) or not months_of_model(released):
        return math.nan, math.nan
    rows = rows[(rows["hours_of"] == "every_month") & (rows["weighting"] == "weighted")]
    numbers = [float(rows.iloc[0][name]) for name in ("estimate", "conf_low", "conf_high")]
    return (numbers[1], numbers[2]) if all(map(math.isfinite, numbers)) else (math.nan, math.nan)


def model_refused(released: Released) -> bool:
    rows = rows_of(released, "hours_model_verdict")
    told = bool(len(rows)) and rows["hours_verdict"].iloc[0] in HOURS_VERDICTS[1:]
    return told and months_of_model(released) > 0


def two_codes(tables: tuple[ResultTable, ResultTable]) -> tuple[ResultTable, ResultTable]:
    """The same of hours, so that the figure is drawn."""
    first, groups = tables
    hours = first.data.assign(dose_outcome="hours")
    both = pd.concat([hours, first.data], ignore_index=True)
    return ResultTable(first.name, both, first.columns), groups


def raised_known(released: Released, _: Words) -> bool:
    rows = rows_of(released, "hours_after_worsening")
    rows = rows[rows["class"] == "raised"] if len(rows) else rows
    return bool(len(rows)) and 0 <= float(rows["estimate"].iloc[0]) <= 1 and rows["n_group"].iloc[0] > 0


def hours_known(released: Released) -> bool:
    row = last_of(released, "hours_by_month", "half")
    return row is not None and float(row["half"]) >= 0


def visits_known(released: Released, column: str = "mean_visits") -> bool:
    row = last_of(released, "visits_by_month", "mean_visits")
    return row is not None and float(row["mean_visits"]) >= 0 and float(row[column]) >= 0


def bend(released: Released) -> float:
    rows = rows_of(released, "dose_linearity")
    return float(rows["p_bends"].iloc[0]) if len(rows) else math.nan


# --- fewer agencies --------------------------------------------------------------------------------------


def fewer_agencies(draw: Draw) -> MadeResult:
    n = draw("n", (247, 60, 8))
    reason = draw("reason", (*REASONS, "not_converged", "answered"))
    verdicts = [{"months": month, "estimable": reason} for month in (6.0, 12.0)]
    differences = [
        {"months": 6.0, "approach": "weighted", **estimates(draw("difference", DIFFERENCES)), "n_families": n}
    ]
    tables = (
        ResultTable(
            "agencies_verdicts",
            pooled("agencies_verdicts", verdicts, n=n).data,
            (MONTHS, Column(name="estimable", meaning="label")),
        ),
        ResultTable(
            "agencies_differences",
            pooled("agencies_differences", differences).data,
            (MONTHS, coded("approach"), *ESTIMATE),
        ),
        *around("around_fewer", "fewer_outcome", "score", draw),
    )
    return result_of(
        "fewer_agencies",
        *tables,
        provenance=provenance(agencies_at_most=2, agencies_within_months=draw("within", (3.0, 1.0))),
    )


def difference(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "agencies_differences")
    if not len(rows):
        return math.nan, math.nan
    numbers = [float(rows.iloc[0][name]) for name in ("estimate", "conf_low", "conf_high")]
    fine = all(map(math.isfinite, numbers)) and abs(numbers[0]) <= width_of(released)
    return (numbers[1], numbers[2]) if fine else (math.nan, math.nan)


def refused(released: Released) -> bool:
    rows = rows_of(released, "agencies_verdicts")
    return bool(len(rows)) and bool((rows["estimable"].notna() & (rows["estimable"] != "answered")).any())


# --- families in and out ---------------------------------------------------------------------------------


def family_flow(draw: Draw) -> MadeResult:
    started, ended = draw("started", (34, 12, 4)), draw("ended", (22, 10, 0))
    rows = [
        {"quarter": quarter, "flow_direction": direction, "n_episodes": number, "n_families": number}
        for quarter in ("2024-Q1", "2024-Q2")
        for direction, number in (("in", started), ("out", ended))
    ]
    wait = dict(zip(("half", "third_quarter", "ninth_tenth"), draw("wait", WAITS), strict=True))
    drift = [
        {
            "variable": name,
            **estimates(draw(f"drift_{name}", DIFFERENCES)),
            "p_adjusted": draw(f"p_{name}", P),
        }
        for name in ("child_age", "single_parent")
    ]
    at = {"half": 0.5, "third_quarter": 0.75, "ninth_tenth": 0.9}
    tables = (
        ResultTable(
            "flow_by_quarter",
            pooled("flow_by_quarter", rows).data,
            (key_column("quarter"), coded("flow_direction"), number_of("n_episodes")),
        ),
        ResultTable(
            "waiting",
            pooled("waiting", [{"calendar_year": "all", **wait}], n=draw("n", (247, 120, 8))).data,
            (key_column("calendar_year"), *(quantile(name, level, digits=0) for name, level in at.items())),
        ),
        ResultTable(
            "case_mix_drift",
            pooled("case_mix_drift", drift).data,
            (coded("variable"), *ESTIMATE, P_ADJUSTED),
        ),
    )
    return result_of(
        "family_flow", *tables, provenance=provenance(waiting_recorded=draw("referrals", (True, False)))
    )


WAITS = ((21.0, 40.0, 77.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (NAN, NAN, NAN))
P = (0.004, 0.4, 1.0, NAN)


def flow_known(released: Released) -> bool:
    rows = rows_of(released, "flow_by_quarter")
    rows = rows[rows["n_episodes"].notna()] if len(rows) else rows
    return bool(len(rows)) and bool((rows.groupby("quarter")["flow_direction"].nunique() == 2).any())


def waits(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "waiting")
    recorded = released.provenance.parameters.get("waiting_recorded")
    if not len(rows) or not recorded:
        return math.nan, math.nan
    return float(rows["half"].iloc[0]), float(rows["ninth_tenth"].iloc[0])


def drifts(released: Released) -> list[float]:
    rows = rows_of(released, "case_mix_drift")
    rows = rows[rows["p_adjusted"].notna() & rows["estimate"].notna()] if len(rows) else rows
    return [float(p) for p in rows["p_adjusted"]] if len(rows) else []


KNOWN: dict[str, Any] = {
    "n": 247,
    "half": 11.0,
    "last": 12.0,
    "visits": 4.2,
    "home": 0.62,
    "raised": (30, 40),
}
FLOW: dict[str, Any] = {"started": 34, "ended": 22, "n": 247, "referrals": True, "wait": WAITS[0]}
EDGES = (
    Edges(
        "dose",
        dose,
        (0, 1, 2, 3),
        (
            {**KNOWN, "need": SLOPES[0], "response": SLOPES[1], "after_around_worsening": (1.2, 0.4, 2.0),
             "bends": 0.04, "asked": 3, "verdict": "answered", "model": SLOPES[0]},
            {**KNOWN, "need": SLOPES[1], "response": SLOPES[0], "after_around_worsening": (-1.2, -2.0, -0.4),
             "bends": 0.4, "asked": 1, "verdict": "answered", "model": SLOPES[1]},
            {**KNOWN, "need": SLOPES[2], "response": SLOPES[2], "after_around_worsening": (0.1, -1.0, 1.2),
             "asked": 3, "verdict": "answered", "model": SLOPES[2]},
            {**KNOWN, "asked": 3, "verdict": "hours_follow"},
            {**KNOWN, "asked": 0},
            {"n": 8},
        ),
        {
            "dose_hours": lambda released, _: hours_known(released),
            "dose_visits": lambda released, _: visits_known(released),
            "dose_at_home": lambda released, _: visits_known(released, "share_at_home"),
            "dose_not_known": lambda released, _: not (hours_known(released) or visits_known(released)),
            **slopes("need", "hours_follow_need"),
            **slopes("response", "dose_response"),
            "raised_known": raised_known,
            "beside_more": more("around_worsening", "raised"),
            "beside_less": less("around_worsening", "raised"),
            "beside_unclear": unclear("around_worsening", "raised"),
            "dose_bends": lambda released, _: bend(released) < alpha_of(released),
            "dose_straight": lambda released, _: bend(released) >= alpha_of(released),
            "hours_model_more": lambda released, _: model_slope(released)[0] > 0,
            "hours_model_less": lambda released, _: model_slope(released)[1] < 0,
            "hours_model_unclear": lambda released, _: (
                model_slope(released)[0] <= 0 <= model_slope(released)[1]
            ),
            "hours_model_refused": lambda released, _: model_refused(released),
            "hours_model_asked": lambda released, _: months_of_model(released) > 0,
            "hours_model_not_asked": lambda released, _: months_of_model(released) == 0,
        },
    ),
    Edges(
        "fewer_agencies",
        fewer_agencies,
        (0, 1, 2, 3),
        (
            {"n": 247, "reason": "answered", "difference": (-1.2, -2.0, -0.4),
             "after_around_fewer": (-1.2, -2.0, -0.4)},
            {"n": 247, "reason": "answered", "difference": (1.2, 0.4, 2.0),
             "after_around_fewer": (1.2, 0.4, 2.0)},
            {"n": 247, "reason": "imbalance", "difference": (0.1, -1.0, 1.2),
             "after_around_fewer": (0.1, -1.0, 1.2)},
            {"n": 8, "difference": (NAN, NAN, NAN)},
        ),
        {
            "fewer_lower": lambda released, _: difference(released)[1] < 0,
            "fewer_higher": lambda released, _: difference(released)[0] > 0,
            "fewer_unclear": lambda released, _: difference(released)[0] <= 0 <= difference(released)[1],
            "fewer_refused": lambda released, _: refused(released),
            "fewer_not_known": lambda released, _: (
                not refused(released) and math.isnan(difference(released)[0])
            ),
            "fewer_after_less": less("around_fewer"),
            "fewer_after_more": more("around_fewer"),
            "fewer_after_unclear": unclear("around_fewer"),
        },
    ),
    Edges(
        "family_flow",
        family_flow,
        (0, 1, 2, 3),
        (
            {**FLOW, "p_child_age": 0.004, "drift_child_age": (1.2, 0.4, 2.0)},
            {**FLOW, "referrals": False, "p_child_age": 0.4, "p_single_parent": 1.0,
             "drift_child_age": (1.2, 0.4, 2.0), "drift_single_parent": (0.1, -1.0, 1.2)},
            {"started": 4},
        ),
        {
            "flow_known": lambda released, _: flow_known(released),
            "flow_not_known": lambda released, _: not flow_known(released),
            "waited_half": lambda released, _: waits(released)[0] >= 0,
            "waited_most": lambda released, _: waits(released)[1] > waits(released)[0] >= 0,
            "drift_found": lambda released, _: any(p < alpha_of(released) for p in drifts(released)),
            "drift_not_found": lambda released, _: (
                bool(drifts(released)) and all(p >= alpha_of(released) for p in drifts(released))
            ),
        },
    ),
)  # fmt: skip
