"""Edge results about working elements, conditions, and the drift of workers who score."""

import math
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import (
    P_ADJUSTED,
    coded,
    ends,
    modelled,
    number_of,
    observed,
    quantile,
    tally,
)
from mpg_research.analysis.columns import estimates as estimate_columns
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_needs import Need, Words, alpha_of, rows_of, usable
from tests.present.edge_results import CHANGES, NAN, P_VALUES, Draw, Edges, estimates, pooled, provenance

MEANS = (3.3, 1.0, 5.0, 0.0, NAN)
SPREADS = (0.6, 0.0, NAN)
#: An intraclass correlation or a reliability, and its interval.
COEFFICIENTS = (
    (0.79, 0.70, 0.85),
    (-0.2, -0.5, 0.3),
    (1.0, 1.0, 1.0),
    (0.0, -1.0, 1.0),
    (NAN, NAN, NAN),
    (0.5, NAN, NAN),
)
#: Of scores per year, in standard deviations.
DRIFTS = (
    (0.05, 0.02, 0.08), (-0.05, -0.08, -0.02), (0.01, -0.03, 0.05), (0.0, 0.0, 0.0), (0.04, 0.0, 0.08),
    (-0.0004, -0.0006, -0.0001), (NAN, NAN, NAN), (0.1, NAN, NAN), (12.0, 3.0, 21.0),
)  # fmt: skip
VERDICTS = ("estimated", "estimated", "few_raters", "no_parent_scores", "no_spread", "not_converged")
_PER_YEAR = estimate_columns(digits=3, error_digits=3)
_COEFFICIENT = modelled("estimate", digits=2)


def made(name: str, rows: list[dict[str, Any]], columns: tuple[Any, ...], *, n: int) -> ResultTable:
    return ResultTable(name, pooled(name, rows, n=n).data, columns)


def coefficient(name: str, found: tuple[float, float, float], **keys: Any) -> dict[str, Any]:
    return {
        **keys,
        "coefficient": name,
        **dict(zip(("estimate", "conf_low", "conf_high"), found, strict=True)),
    }


# --- working elements and conditions ---------------------------------------------------------------------


def fidelity(draw: Draw) -> MadeResult:
    n = draw("n", (247, 247, 120, 8))
    plain = draw("wide", (False,))  # what figures are drawn of
    recorded = draw("elements", (True, True, True, False)) or plain
    how = draw("conditions", ("described", "beside", "beside", "none"))
    tables: list[ResultTable] = _elements(draw, n, MEANS[:3] if plain else MEANS) if recorded else []
    if (how != "none" and draw("listed", (True, True, False))) or how == "described":
        tables += _conditions(draw, how, n)
    facts = {
        "condition_organisations": 10,
        "conditions": "not_recorded" if how == "none" else "recorded",
        **({} if recorded else {"elements": "not_recorded"}),
    }
    return result_of("fidelity", *tables, provenance=provenance(**facts))


def _elements(draw: Draw, n: int, means: tuple[float, ...]) -> list[ResultTable]:
    names = ("one_plan_one_case_manager", "outreach_presence", "index")
    elements = [
        {"working_element": name, "n_scores": 2 * n, "mean": draw(f"mean_{name}", means),
         "sd": draw(f"sd_{name}", SPREADS), "lowest_quarter": 2.5, "middle": 3.0, "highest_quarter": 3.5}
        for name in names
    ]  # fmt: skip
    quarters = {"lowest_quarter": 0.25, "middle": 0.5, "highest_quarter": 0.75}
    course = [
        {"level_of": name, **estimates(draw(f"course_{name}", CHANGES))}
        for name in draw("levels", (("between_families", "between_organisations"), ("between_families",), ()))
    ]
    interval = ends(_COEFFICIENT, "conf", heading="interval")
    agreement = [coefficient("icc_single", draw("icc", COEFFICIENTS), working_element="index")]
    found = [
        made("elements", elements, (
            coded("working_element"), number_of("n_scores", of="measurements"), observed("mean", digits=2),
            observed("sd", digits=2), *(quantile(name, at, digits=2) for name, at in quarters.items())), n=n),
        made("element_reliability",
             [coefficient(name, draw(name, COEFFICIENTS)) for name in ("alpha", "omega")],
             (coded("coefficient"), _COEFFICIENT, *interval), n=n),
    ]  # fmt: skip
    if course:
        found.append(made("fidelity_course", course, (coded("level_of"), *estimate_columns(digits=2)), n=n))
    if draw("two", (True, True, False)):
        columns = (coded("working_element"), coded("coefficient"), _COEFFICIENT, *interval)
        found.append(made("element_agreement", agreement, columns, n=n))
    return found


def _conditions(draw: Draw, how: str, n: int) -> list[ResultTable]:
    if how == "described":
        rows = [{"condition": "structural_funding", "score": 3.0}]
        return [made("conditions_by_organisation", rows, (coded("condition"), modelled("score")), n=n)]
    rows = [
        {"condition": name, **estimates(draw(f"condition_{name}", CHANGES)),
         "p_adjusted": draw(f"p_{name}", P_VALUES)}
        for name in ("structural_funding", "small_caseload")
    ]  # fmt: skip
    columns = (coded("condition"), *estimate_columns(digits=2), P_ADJUSTED)
    return [made("condition_course", rows, columns, n=n)]


def index_row(released: Released) -> pd.Series:
    rows = rows_of(released, "elements")
    rows = rows[rows["working_element"] == "index"] if len(rows) else rows
    return rows.iloc[0] if len(rows) else pd.Series({"mean": NAN, "sd": NAN})


def is_index_known(released: Released, _: Words) -> bool:
    return all(math.isfinite(float(index_row(released)[name])) for name in ("mean", "sd"))


def are_extremes(released: Released, _: Words) -> bool:
    rows = rows_of(released, "elements")
    rows = rows[(rows["working_element"] != "index") & rows["mean"].notna()] if len(rows) else rows
    return len(rows) > 1 and f"{rows['mean'].min():.2f}" != f"{rows['mean'].max():.2f}"


def courses(released: Released) -> list[tuple[float, float]]:
    """Intervals that are shown, of all levels."""
    return [
        (float(row["conf_low"]), float(row["conf_high"]))
        for _, row in rows_of(released, "fidelity_course").iterrows()
        if usable(released, row)
        and all(math.isfinite(float(row[name])) for name in ("conf_low", "conf_high"))
    ]


def some_course(way: str) -> Need:
    return lambda released, _: any(way_of(*interval) == way for interval in courses(released))


def way_of(low: float, high: float) -> str:
    return "higher" if low > 0 else "lower" if high < 0 else "unclear"


def is_agreement_known(released: Released, _: Words) -> bool:
    rows = rows_of(released, "element_agreement")
    return len(rows) > 0 and all(
        -1 <= float(rows.iloc[0][name]) <= 1 for name in ("estimate", "conf_low", "conf_high")
    )


def clear_conditions(released: Released) -> list[str]:
    return [
        way_of(float(row["conf_low"]), float(row["conf_high"]))
        for _, row in rows_of(released, "condition_course").iterrows()
        if usable(released, row) and float(row["p_adjusted"]) < alpha_of(released)
    ]


# --- drift -----------------------------------------------------------------------------------------------


def drift(draw: Draw) -> MadeResult:
    n = draw("n", (247, 247, 120, 8))
    scales = draw("scales", (("domains", "practice"), ("domains",)))
    verdicts = {scale: draw(f"verdict_{scale}", VERDICTS) for scale in scales}
    rated = [
        {"scale": scale, "drift_verdict": verdict, "n_scores": 600, "n_raters": 24}
        for scale, verdict in verdicts.items()
    ]
    estimated = [scale for scale, verdict in verdicts.items() if verdict == "estimated"]
    terms = [
        {"scale": scale, "drift_term": term, **estimates(draw(f"{term}_{scale}", DRIFTS))}
        for scale in estimated
        for term in ("years_in_job", "same_worker_year", *draw("more", (("years_with_family",), ())))
    ]
    differences = [
        {"scale": scale, "quantity": name, "value": draw(f"{name}_{scale}", (0.3, 0.0, NAN))}
        for scale in estimated
        for name in ("sd_between_workers", "sd_of_drift")
    ]
    pairs = [
        {
            "scale": scale,
            "drift_term": "years_apart",
            **estimates(draw(f"apart_{scale}", DRIFTS)),
            "n_pairs": 200,
        }
        for scale in draw("paired", (tuple(estimated), ()))
    ]
    keys = (coded("scale"), coded("drift_term"))
    tables = [
        made("rated_scales", rated, (
            coded("scale"), coded("drift_verdict", is_key=False), number_of("n_scores", of="measurements"),
            tally("n_raters")), n=n),
        *([made("rater_drift", terms, (*keys, *_PER_YEAR), n=n)] if terms else []),
        *([made("rater_differences", differences, (
            coded("scale"), coded("quantity"), modelled("value", digits=3, plain=False)), n=n)]
          if differences else []),
        *([made("second_rater_trend", pairs,
                (*keys, *_PER_YEAR, number_of("n_pairs", of="measurements")), n=n)] if pairs else []),
    ]  # fmt: skip
    facts = {"parent_score_days": 45.0, "minimum_raters": 10}
    return result_of("rater_drift", *tables, provenance=provenance(**facts))


def drifts(released: Released) -> dict[str, str]:
    """By scale that was estimated: which way the drift goes, or that it is hidden."""
    scales = rows_of(released, "rated_scales")
    estimated = scales[scales["drift_verdict"] == "estimated"]["scale"] if len(scales) else []
    rows = rows_of(released, "rater_drift")
    found = {}
    for scale in estimated:
        mine = rows[(rows["scale"] == scale) & (rows["drift_term"] == "years_in_job")] if len(rows) else rows
        numbers = (
            [float(mine.iloc[0][name]) for name in ("estimate", "conf_low", "conf_high")] if len(mine) else []
        )
        known = bool(numbers) and all(map(math.isfinite, numbers))
        found[str(scale)] = way_of(numbers[1], numbers[2]) if known else "hidden"
    return found


def some_drift(way: str) -> Need:
    return lambda released, _: way in drifts(released).values()


EDGES = (
    Edges(
        "fidelity",
        fidelity,
        (0, 1, 2, 3),
        (
            {
                "n": 247, "elements": True, "conditions": "beside", "listed": True, "two": True,
                "mean_index": 3.3, "sd_index": 0.6, "mean_outreach_presence": 5.0,
                "mean_one_plan_one_case_manager": 1.0, "alpha": COEFFICIENTS[0], "omega": COEFFICIENTS[0],
                "icc": COEFFICIENTS[0], "levels": ("between_families", "between_organisations"),
                "course_between_families": CHANGES[0], "course_between_organisations": CHANGES[1],
                "condition_structural_funding": CHANGES[0], "p_structural_funding": 0.0004,
                "condition_small_caseload": CHANGES[1], "p_small_caseload": 0.0004,
            },
            {
                "n": 247, "elements": True, "conditions": "beside", "listed": True, "two": False,
                "levels": ("between_families",), "course_between_families": CHANGES[4],
                "p_structural_funding": 0.31, "p_small_caseload": 0.31,
                "condition_structural_funding": CHANGES[4], "condition_small_caseload": CHANGES[4],
            },
            {"n": 247, "elements": True, "levels": (), "conditions": "none", "mean_index": NAN},
            {"n": 247, "elements": False, "conditions": "described", "listed": True},
        ),
        {
            "fidelity_shown": is_index_known,
            "fidelity_not_shown": lambda released, words: not is_index_known(released, words),
            "fidelity_extremes": are_extremes,
            "fidelity_course_above": some_course("higher"),
            "fidelity_course_below": some_course("lower"),
            "fidelity_course_unclear": some_course("unclear"),
            "fidelity_no_course": lambda released, _: not courses(released),
            "fidelity_agreement_known": is_agreement_known,
            "fidelity_agreement_not_known": lambda released, words: not is_agreement_known(released, words),
            "condition_above": lambda released, _: "higher" in clear_conditions(released),
            "condition_below": lambda released, _: "lower" in clear_conditions(released),
            "conditions_no_one": lambda released, _: (
                not {"higher", "lower"} & set(clear_conditions(released))
            ),
        },
    ),
    Edges(
        "rater_drift",
        drift,
        (0, 1, 2, 3),
        (
            {
                "n": 247, "scales": ("domains", "practice"), "verdict_domains": "estimated",
                "verdict_practice": "estimated", "more": ("years_with_family",),
                "paired": ("domains", "practice"), "years_in_job_domains": DRIFTS[0],
                "years_in_job_practice": DRIFTS[1], "same_worker_year_domains": DRIFTS[0],
                "years_with_family_domains": DRIFTS[2], "apart_domains": DRIFTS[0],
                "sd_between_workers_domains": 0.3, "sd_of_drift_domains": 0.3,
            },
            {
                "n": 247, "scales": ("domains", "practice"), "verdict_domains": "estimated", "more": (),
                "verdict_practice": "estimated", "paired": (), "years_in_job_domains": DRIFTS[2],
                "years_in_job_practice": DRIFTS[6],
            },
            {"n": 247, "scales": ("domains", "practice"), "verdict_domains": "few_raters",
             "verdict_practice": "no_parent_scores"},
            {"n": 247, "scales": ("domains", "practice"), "verdict_domains": "no_spread",
             "verdict_practice": "not_converged"},
            {"n": 8},
        ),
        {
            "drift_above": some_drift("higher"),
            "drift_below": some_drift("lower"),
            "drift_unclear": some_drift("unclear"),
            "drift_hidden": some_drift("hidden"),
        },
    ),
)  # fmt: skip
