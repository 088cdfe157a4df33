"""Edge results about families and about the questionnaire."""

from typing import Any

import pandas as pd

from mpg_research.analysis.result import ResultTable
from tests.disclosure.made_results import MadeResult, result_of
from tests.disclosure.made_tables import made_table
from tests.present.edge_results import (
    INF,
    NAN,
    Draw,
    Edges,
    computed,
    pooled,
    provenance,
    table,
)

#: How many of the families are in each class: all, none, few, so that parts are withheld.
SPLITS = (
    (58, 172, 17),
    (0, 30, 10),
    (0, 33, 7),
    (0, 240, 7),
    (40, 0, 0),
    (0, 0, 40),
    (12, 12, 12),
    (0, 0, 0),
    (5, 4, 1),
    (6, 200, 40),
    (3, 240, 4),
)
RELIABILITIES = (
    (0.78, 0.74, 0.82),
    (-0.1, -0.4, 0.2),
    (-0.001, -0.3, 0.2),
    (0.0, -0.2, 0.2),
    (1.0, 1.0, 1.0),
    (0.996, 0.99, 1.0),
    (NAN, NAN, NAN),
    (0.5, NAN, NAN),
    (0.1, -0.3, 0.45),
)


def classes(names: tuple[str, ...], counts: tuple[int, ...], **keys: str) -> list[dict[str, Any]]:
    total, rows = sum(counts), []
    for name, count in zip(names, counts, strict=True):
        share = count / total if total else NAN
        low, high = (max(share - 0.06, 0.0), min(share + 0.06, 1.0)) if total else (NAN, NAN)
        if total and not count:
            high = 3.8 / total if total > 4 else 1.0
        rows.append(
            {
                **keys,
                "class": name,
                "estimate": share,
                "conf_low": low,
                "conf_high": high,
                "clustered_low": low,
                "clustered_high": high,
                "n_group": total,
                "n_families": count,
            }
        )
    return rows


def shares_table(rows: list[dict[str, Any]], *keys: str, name: str = "shares") -> ResultTable:
    """A table of classes."""
    return table(name, rows, *keys, "class", parts_of_total=("class",))


def _error(draw: Draw) -> dict[str, Any]:
    return {
        "reliability": draw("reliability", (0.76, NAN, -0.1, 1.3, None)),
        "reliability_origin": draw("origin", ("published", "estimated", "given", "lower_limit", "odd", None)),
        "reliability_kind": draw("reliability_kind", ("alpha", "within_families")),
        "error_spread": draw("spread", (5.4, NAN, None)),
    }


def change(draw: Draw) -> MadeResult:
    names = ("improved", "unchanged", "deteriorated")
    counts = draw("split", SPLITS)
    rows = classes(names, counts, approach="reliable")
    other = classes(names, (counts[0] + 6, max(counts[1] - 6, 0), counts[2]))
    methods = [{"method": method, **row} for method, part in (("JT", rows), ("GLN", other)) for row in part]
    for row in methods:
        row.pop("approach", None)
    facts = {"method": "JT", "threshold": draw("threshold", (7.3, 0.04, 45.0, NAN, INF)), **_error(draw)}
    tables = (
        shares_table(rows, "approach"),
        shares_table(methods, "method", name="methods"),
        shares_table(classes(names, counts), name="merged"),
    )
    settings, origin = computed(facts)
    return result_of("individual_change", *tables, settings, provenance=origin)


def trend(draw: Draw) -> MadeResult:
    names = ("improved", "no_reliable_trend", "deteriorated")
    counts = draw("split", SPLITS)
    error, within = draw("error", (2.6, 3.3, NAN)), draw("within", (3.3, 2.5, 2.64, NAN, 45.0))
    known = [value for value in (error, within) if value == value]
    errors = [
        {"source": source, "sd": sd}
        for source, sd in (
            ("measurement", error),
            ("within_person", within),
            ("in_force", max(known, default=NAN)),
        )
    ]
    rows = classes(names, counts, approach="within_person")
    tables = (shares_table(rows, "approach"), pooled("errors", errors, "source"))
    settings, origin = computed(_error(draw))
    return result_of("reliable_trend", *tables, settings, provenance=origin)


def course(draw: Draw) -> MadeResult:
    names = (
        "improving",
        "improving_less_than_delta",
        "stagnating",
        "deteriorating_less_than_delta",
        "deteriorating",
        "not_enough_information",
    )
    counts = draw(
        "split_six",
        (
            (40, 12, 30, 14, 20, 130),
            (13, 0, 1, 0, 0, 233),
            (0, 0, 0, 0, 0, 40),
            (0, 0, 0, 0, 0, 0),
            (3, 3, 3, 1, 1, 1),
        ),
    )
    facts = {
        "delta": draw("delta", (2.7, 0.03, 45.0, NAN)),
        "period": 6.0,
        "interval": draw("interval", (1.02, NAN)),
        "waves_stagnating": draw("waves", (33, 1, None, NAN)),
        "correlation": draw("correlation", (0.29, 0.001, 0.0, NAN)),
        "spread_of_swings": draw("swings", (0.0, 0.4)),
        "wrong_changing": draw("wrong", (0.026, 0.0, NAN)),
        "wrong_small": 0.0,
    }
    months = [
        {"months": month, **row}
        for month in (3.0, 6.0)
        for row in classes(("improving", "stagnating"), (60, 40))
    ]
    bands = [
        {"months": month, "p10": 15.0, "p25": 18.0, "p50": 24.0 - month, "p75": 28.0, "p90": 32.0}
        for month in (0.0, 1.0, 2.0)
    ]
    lanes = [
        {"lane": place, "class": name, "months_to_answer": wait, "months_measured": 12.0, "n_families": 30}
        for place, (name, wait) in enumerate((("improving", 6.0), ("not_enough_information", NAN)))
    ]
    strands = [
        {
            "start": "low_start",
            "strand": strand,
            "months": month,
            "mean": 20.0 + strand - month,
            "n_families": 20,
        }
        for strand in (1, 2)
        for month in (0.0, 3.0)
    ]
    rows = classes(names, counts)
    tables = (
        shares_table(rows),
        shares_table(rows, name="merged"),
        shares_table(months, "months", name="merged_by_month"),
        pooled("score_bands", bands, "months"),
        pooled("lanes", lanes, "lane", "class"),
        pooled("strands", strands, "start", "strand", "months"),
    )
    settings, origin = computed(facts)
    return result_of("course", *tables, settings, provenance=origin)


def missing(draw: Draw) -> MadeResult:
    tip = draw("tip", (8.0, -8.0, 0.04, -0.02, 0.0, 85.0, -85.0, NAN, 30.0))
    tipping = {
        "months": 12.0,
        "delta_at_tipping": tip,
        "share_unmeasured": draw("unmeasured", (0.44, 0.0, 1.0, 0.003, NAN)),
    }
    deltas = [
        {
            "months": 12.0,
            "delta": delta,
            "estimate": -4.0 + delta / 2,
            "std_error": 0.4,
            "conf_low": -5.0 + delta / 2,
            "conf_high": -3.0 + delta / 2,
        }
        for delta in (-3.0, 0.0, 8.0)
    ]
    by_month = [
        {"months": month, "share_measured": share, "n_in_help": 100, "n_families": 100}
        for month, share in ((0.0, 1.0), (6.0, 0.9), (12.0, 0.996))
    ]
    drop_out = classes(
        ("drop_out", "no_drop_out"), draw("drop_out", ((32, 164), (0, 40), (40, 0), (3, 40), (0, 0)))
    )
    measured = classes(
        ("measured", "not_measured"), draw("measured", ((94, 1), (60, 40), (0, 40), (40, 0), (0, 0)))
    )
    tables = (
        shares_table(drop_out, name="drop_out"),
        shares_table(measured, name="measured"),
        pooled("tipping_point", [tipping], "months"),
        pooled("delta_adjustment", deltas, "months", "delta"),
        pooled("measured_by_month", by_month, "months"),
    )
    return result_of("missing_data", *tables, provenance=provenance())


def measurement(draw: Draw) -> MadeResult:
    n = draw("n", (247, 14, 4))
    rows = []
    if draw("items", (True, True, False)):
        for name in ("alpha", "omega", "icc_over_time"):
            found, n_here = draw(f"{name}", RELIABILITIES), draw(f"n_{name}", (n,))
            rows.append(
                {
                    "instrument": "obvl_k",
                    "coefficient": name,
                    "estimate": found[0],
                    "conf_low": found[1],
                    "conf_high": found[2],
                    "n_measurements": n_here,
                    "n_families": n_here,
                }
            )
    mean = draw("mean", (22.0, NAN))
    scores = [{"instrument": "obvl_k", "mean": mean, "sd": 6.0, "n_measurements": 2489}]
    items = [
        {
            "instrument": "obvl_k",
            "item": f"item_{place:02d}",
            "mean": 2.0,
            "sd": 0.9,
            "item_rest_correlation": draw("correlation", (0.5, -0.3)),
            "n_measurements": 2000,
        }
        for place in range(1, 4)
    ]
    bins = [
        {
            "instrument": "obvl_k",
            "score_low": low,
            "score_high": low + 9,
            "n_measurements": 300,
            "n_families": 100,
        }
        for low in (10.0, 20.0, 30.0)
    ]
    columns = [
        "instrument",
        "coefficient",
        "estimate",
        "conf_low",
        "conf_high",
        "n_measurements",
        "n_families",
    ]
    reliability = made_table(
        "reliability", pd.DataFrame(rows, columns=columns), ("instrument", "coefficient"), tuple(columns[2:6])
    )
    tables = (
        reliability,
        pooled("scores", scores, "instrument"),
        pooled("items", items, "instrument", "item"),
        pooled("score_distribution", bins, "instrument", "score_low", "score_high"),
    )
    return result_of("measurement", *tables, provenance=provenance())


def quality(draw: Draw) -> MadeResult:
    families = draw("families", (250, 14, 6))
    overview = {
        "families": families,
        "organisations": draw("organisations", (6, 2)),
        "measurements": draw("count", (3246, 1, 0)),
        "measurements_in_course": 3041.0,
        "median_measurements_per_family": draw("median", (11.0, NAN)),
        "median_months_followed": 9.9,
    }
    rows = [{"quantity": name, "value": value, "n_families": families} for name, value in overview.items()]
    by_month = [
        {"months": float(month), "n_measurements": n, "n_families": n}
        for month, n in enumerate(
            draw("counts", ((240, 200, 100), (100, 200, 240), (240, 12, 4), (14, 14, 14)))
        )
    ]
    items = [
        {
            "instrument": "obvl_k",
            "item": f"item_{place:02d}",
            "n_measurements": 3246,
            "share_answered": draw(f"item_{place}", (0.99, 0.5, 1.0, NAN)),
            "n_out_of_range": 0,
        }
        for place in range(1, 4)
    ]
    found = draw("problems", ([("after_end", 38), ("before_start", 3)], []))
    problems = pd.DataFrame(
        [(code, "warning", n, n) for code, n in found],
        columns=["code", "severity", "n_findings", "n_families"],
    )
    tables = (
        table("overview", rows, "quantity"),
        pooled("measurements_by_month", by_month, "months"),
        pooled("item_completeness", items, "instrument", "item", n=families),
        made_table("problems", problems, ("code", "severity"), ("n_findings",)),
    )
    return result_of("data_quality", *tables, provenance=provenance())


RELIABLE = {"reliability": 0.76, "reliability_kind": "alpha", "threshold": 7.3}
#: Kinds of results, with seeds that speak their sentences and what is seldom drawn.
EDGES = (
    Edges(
        "measurement",
        measurement,
        (18, 5, 0, 1, 2, 7),
        ({"n": 247, "items": True, "n_alpha": 4},),
    ),
    Edges(
        "data_quality",
        quality,
        (7, 6),
        ({"families": 250, "organisations": 6, "count": 3246},),
    ),
    Edges(
        "individual_change",
        change,
        (2, 5, 17, 6, 22),
        (
            {"split": (100, 6, 60), "origin": "published", **RELIABLE, "spread": 5.4},
            {"split": (6, 100, 7), "origin": "estimated", **RELIABLE},
            {"split": (100, 6, 60), "origin": "estimated", **RELIABLE},
            {"split": (100, 60, 6), "origin": "estimated", **RELIABLE},
        ),
    ),
    Edges(
        "reliable_trend",
        trend,
        (17, 2, 5),
        (
            {"split": (100, 6, 60)},
            {"split": (6, 100, 7)},
            {"split": (100, 60, 6)},
        ),
    ),
    Edges(
        "course",
        course,
        (29, 15, 0),
        (
            {"split_six": (100, 0, 60, 0, 80, 4)},
            {"split_six": (100, 20, 4, 40, 80, 60)},
        ),
    ),
    Edges(
        "missing_data",
        missing,
        (8, 23, 12, 2, 25, 36),
    ),
)
