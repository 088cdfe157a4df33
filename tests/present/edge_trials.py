"""Edge results about the target trial of interventions."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, Column, coded, ends, modelled, number_of, observed
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_needs import Words, rows_of
from tests.present.edge_results import CHANGES, FAMILIES, INF, NAN, Draw, Edges, pooled, provenance

KEYS = (coded("intervention"), Column(name="months", meaning="time", is_key=True))
VERDICTS = (
    "few_treated", "few_untreated", "no_overlap", "few_effective", "imbalance", "few_clusters",
    "not_converged",
)  # fmt: skip
SHARES = ((0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1), (NAN, NAN, NAN), (0.1, -0.2, 0.4))
EVALUES = ((1.9, 1.4), (1.2, 1.0), (NAN, NAN), (INF, 2.0))


def target_trial(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    key = {"intervention": "any", "months": 3.0}
    change, second = draw("change", CHANGES), draw("second", CHANGES)
    earlier, naive = draw("earlier", CHANGES), draw("naive", CHANGES)
    nothing, told = draw("nothing", CHANGES), draw("wide", (True, True, False))
    verdict = draw("verdict", VERDICTS)
    verdicts = [
        {**key, "estimable": "answered" if told else verdict, "n_treated": n},
        {**key, "intervention": "network_meeting", "estimable": verdict, "n_treated": n},
        {"intervention": "network_meeting", "months": 6.0, "estimable": verdict, "n_treated": n},
    ]
    point, limit = draw("e_value", EVALUES)
    rows: dict[str, list[dict[str, Any]]] = {
        "differences": [
            {**key, "approach": "weighted", **_estimate(change)},
            {**key, "approach": "g_formula", **_estimate(second)},
        ],
        "stability": [
            {**key, "intervention": "critical_maximum", "approach": "weighted"}
            | _estimate(draw("share", SHARES))
        ],
        "before_after": [{**key, "comparison": "before_after", **_ends(naive)}],
        "nothing_done": [
            {**key, "comparison": "before_after", **_ends(nothing)},
            {**key, "comparison": "weighted", **_ends(second)},
        ],
        "balance": [
            {**key, "variable": "score", "before": 0.4, "after": 0.05},
            *(
                {**key, "variable": name, "before": -0.3, "after": -0.1}
                for name in ("intake_score", "months_in_help", "child_age", "n_children")
            ),
            {**key, "variable": "change", "before": 0.2, "after": draw("balance", (0.05, NAN))},
        ],
        "doubts": [{**key, "look": "earlier_score", **_ends(earlier)}],
        "explained_away": [{**key, "e_value": point, "e_value_limit": limit}],
    }
    estimate, seen = modelled("estimate"), observed("estimate")
    interval = (estimate, *ends(estimate, "conf", heading="interval"))
    columns: dict[str, tuple[Column, ...]] = {
        "differences": (*KEYS, coded("approach"), *ESTIMATE),
        "stability": (*KEYS, coded("approach"), *ESTIMATE),
        "before_after": (*KEYS, coded("comparison"), seen, *ends(seen, "conf", heading="interval")),
        "nothing_done": (*KEYS, coded("comparison"), *interval),
        "balance": (*KEYS, coded("variable"), modelled("before", digits=2), modelled("after", digits=2)),
        "doubts": (*KEYS, coded("look"), *interval),
        "explained_away": (*KEYS, *(modelled(name, digits=2) for name in ("e_value", "e_value_limit"))),
    }
    made = [
        ResultTable(
            "verdicts", pooled("verdicts", verdicts, n=n).data,
            (*KEYS, Column(name="estimable", meaning="label"), number_of("n_treated", of="families")),
        )
    ]  # fmt: skip
    if told:
        made += [ResultTable(name, pooled(name, rows[name], n=n).data, columns[name]) for name in columns]
    facts = {
        "grace_weeks": draw("grace", (8.0, 4.5)), "window": 1.0, "lookback": draw("lookback", (3.0, 2.5)),
        "axis": 1.0, "families": 20, "effective": 20.0, "overlap": 0.8, "imbalance": 0.2,
        "stagnation": draw("rule", ("no_progress", "signal")),
    }  # fmt: skip
    return result_of("target_trial", *made, provenance=provenance(**facts))


def _ends(numbers: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("estimate", "conf_low", "conf_high"), numbers, strict=True))


def _estimate(numbers: tuple[float, float, float]) -> dict[str, float]:
    return {**dict.fromkeys(ESTIMATE_COLUMNS, NAN), "std_error": 0.5, "df": 30.0, **_ends(numbers)}


def _rows(released: Released, table: str, key: str, value: str) -> pd.DataFrame:
    rows = rows_of(released, table)
    return rows[rows[key] == value] if len(rows) else rows


def _possible(rows: pd.DataFrame, widest: float = 30.0) -> pd.DataFrame:
    if not len(rows):
        return rows
    numbers = rows[["estimate", "conf_low", "conf_high"]].astype(float)
    finite = numbers.map(math.isfinite).all(axis=1)
    return rows[finite & (numbers["estimate"].abs() <= widest)]


def _side(table: str, side: int, widest: float = 30.0) -> Callable[[Released, Words], bool]:
    def holds(released: Released, _: Words) -> bool:
        rows = _possible(_rows(released, table, "approach", "weighted"), widest)
        found = (rows["conf_low"] > 0).astype(int) - (rows["conf_high"] < 0).astype(int) if len(rows) else []
        return any(each == side for each in found)

    return holds


def _verdict(code: str) -> Callable[[Released, Words], bool]:
    return lambda released, _: len(_rows(released, "verdicts", "estimable", code)) > 0


def _hidden(released: Released, words: Words) -> bool:
    anything = any(_verdict(code)(released, words) for code in VERDICTS)
    numbers = len(_possible(_rows(released, "differences", "approach", "weighted")))
    shares = len(_possible(_rows(released, "stability", "approach", "weighted"), 1.0))
    return not (anything or numbers or shares)


def _earlier(released: Released) -> pd.DataFrame:
    return _possible(_rows(released, "doubts", "look", "earlier_score"), INF)


def _to_explain(released: Released, _: Words) -> bool:
    rows = rows_of(released, "explained_away")
    return bool(len(rows)) and bool((rows["e_value_limit"] > 1).any())


def _nothing_done(released: Released, _: Words) -> bool:
    change = _rows(released, "nothing_done", "comparison", "before_after")
    difference = _possible(_rows(released, "nothing_done", "comparison", "weighted"), INF)
    return len(change) > 0 and abs(float(change["estimate"].iloc[0])) <= 30 and len(difference) > 0


#: Seeds that speak its sentences, what is seldom drawn (first with all numbers known), and what they need.
EDGES = (
    Edges(
        "target_trial",
        target_trial,
        (0, 1, 2, 3, 4, 5),
        (
            {
                "n": 247, "change": (-4.1, -5.0, -3.2), "second": (-1.2, -2.0, -0.3), "wide": True,
                "earlier": (-0.04, -1.0, 0.92), "naive": (-4.1, -5.0, -3.2), "nothing": (-4.1, -5.0, -3.2),
                "share": SHARES[0], "e_value": EVALUES[0], "balance": 0.05,
                "rule": "no_progress", "verdict": "few_treated",
            },
            {
                "n": 247, "change": (4.1, 3.2, 5.0), "wide": True, "earlier": (4.1, 3.2, 5.0),
                "share": SHARES[1], "rule": "signal", "verdict": "few_untreated",
            },
            {
                "n": 247, "change": (-0.04, -1.0, 0.92), "wide": True, "share": SHARES[2],
                "verdict": "no_overlap",
            },
            {"n": 247, "wide": False, "verdict": "few_effective"},
            {"n": 247, "wide": False, "verdict": "imbalance"},
            {"n": 247, "wide": False, "verdict": "few_clusters"},
            {"n": 247, "wide": False, "verdict": "not_converged"},
            {"n": 4},
        ),
        {
            "trial_lower": _side("differences", -1),
            "trial_higher": _side("differences", 1),
            "trial_unclear": _side("differences", 0),
            "trial_fewer_stable": _side("stability", -1, 1.0),
            "trial_more_stable": _side("stability", 1, 1.0),
            "trial_unclear_stable": _side("stability", 0, 1.0),
            **{f"trial_{code}": _verdict(code) for code in VERDICTS},
            "trial_hidden": _hidden,
            "trial_second_way": lambda released, _: (
                len(_possible(_rows(released, "differences", "approach", "g_formula"))) > 0
            ),
            "trial_alike_before": lambda released, _: any(
                row["conf_low"] <= 0 <= row["conf_high"] for _, row in _earlier(released).iterrows()
            ),
            "trial_differs_before": lambda released, _: any(
                row["conf_low"] > 0 or row["conf_high"] < 0 for _, row in _earlier(released).iterrows()
            ),
            "trial_to_explain": _to_explain,
            "trial_before_after": lambda released, _: (
                len(_rows(released, "before_after", "comparison", "before_after")) > 0
            ),
            "trial_nothing_done": _nothing_done,
            "trial_no_progress": lambda released, _: (
                released.provenance.parameters["stagnation"] == "no_progress"
            ),
            "trial_by_signal": lambda released, _: released.provenance.parameters["stagnation"] == "signal",
        },
    ),
)  # fmt: skip
