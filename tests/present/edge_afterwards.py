"""Edge results about what came after a good end, and about families without clear progress."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mpg_research.analysis.afterwards.incidence_tables import MONTHS_KEY, SHARES
from mpg_research.analysis.columns import (
    CLASS,
    N_MEASUREMENTS,
    SHARE,
    Column,
    coded,
    ends,
    modelled,
    observed,
)
from mpg_research.analysis.result import ResultTable, settings_table
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_families import classes
from tests.present.edge_needs import Words, alpha_of, rows_of, width_of
from tests.present.edge_results import CHANGES, NAN, Draw, Edges, pooled, provenance

SPLITS = ((40, 60, 20), (0, 80, 12), (3, 60, 30), (100, 0, 0), (0, 0, 0))
COUNTS = (0, 40, 4, 100)
ABSENT = ((), ("events", "scores_after", "thin_line"), ("last_scores",))
MEANS = ((18.0, 16.0, 20.0), (24.0, 24.0, 24.0), (0.0, 0.0, 0.0), (NAN, NAN, NAN))
EVENT = coded("event", adds_up="families")
AFTER = observed("change_after", digits=1)


def share_row(count: int, of: int = 200) -> dict[str, Any]:
    share = count / of
    return {
        "estimate": share, "conf_low": max(share - 0.05, 0.0), "conf_high": min(share + 0.05, 1.0),
        "n_group": of, "n_families": count,
    }  # fmt: skip


def afterwards(draw: Draw) -> MadeResult:
    counts = {name: draw(name, COUNTS) for name in ("renewed_start", "placement")}
    incidence = [
        {"event": name, "months_after": month, **share_row(round(count * part))}
        for month, part in ((12.0, 0.5), (24.0, 1.0))
        for name, count in counts.items()
    ]
    free = [{"months_after": 24.0, **share_row(200 - sum(counts.values()))}]
    scores = draw("scores", (True, True, False))
    worse = [{"months_after": 12.0, **share_row(draw("worse", COUNTS)), "if_early": 0.2, "if_late": 0.1}]
    mean, low, high = draw("mean", MEANS)
    line = draw("line", MEANS)
    means = [
        {"grouping": grouping, "group": group, "estimate": at, "conf_low": below, "conf_high": above}
        for grouping, group, (at, below, above) in (
            ("all", "all", (mean, low, high)),
            ("thin_line", "yes", line),
            ("thin_line", "no", (15.0, 14.0, 16.0)),
        )
    ]  # fmt: skip
    change, below, above = draw("change", CHANGES)
    after = [
        {"months_after": 6.0, "mean_last": 20.0, "mean": 21.0, "change_after": change,
         "change_after_low": below, "change_after_high": above, "n_measurements": 120}
    ]  # fmt: skip
    estimate = modelled("estimate", digits=1)
    tables = [
        ResultTable("incidence", pooled("incidence", incidence).data, (EVENT, MONTHS_KEY, *SHARES)),
        ResultTable("free", pooled("free", free).data, (MONTHS_KEY, *SHARES)),
        ResultTable(
            "months_free",
            pooled("months_free", means).data,
            (coded("grouping"), coded("group"), estimate, *ends(estimate, "conf", heading="interval")),
        ),
        *between(draw),
        settings_table(
            {"worsening_by_chance": draw("chance", (0.03, NAN))}, n_families=200, n_organisations=6
        ),
    ]  # fmt: skip
    if scores:
        bounds = (observed("if_early", percent=True), observed("if_late", percent=True))
        tables.append(
            ResultTable("worsening", pooled("worsening", worse).data, (MONTHS_KEY, *SHARES, *bounds))
        )
        tables.append(
            ResultTable(
                "scores_after",
                pooled("scores_after", after).data,
                (MONTHS_KEY, observed("mean_last"), observed("mean"), AFTER, *ends(AFTER, "change_after"),
                 N_MEASUREMENTS),
            )
        )  # fmt: skip
    facts = {
        "horizon_months": 24.0, "asked_months": draw("asked", (24.0, 12.0)), "same_help_days": 30,
        "first_groups": {"thin_line": "yes"},
        "events": ["renewed_start", "placement"], "not_recorded": list(draw("absent", ABSENT)),
    }  # fmt: skip
    return result_of("afterwards", *tables, provenance=provenance(**facts))


GAPS = ((2.0, 0.5, 3.5), (-2.0, -3.5, -0.5), (0.1, -1.0, 1.2), (0.0, 0.0, 0.0), (NAN, NAN, NAN))
VARIANCES = ((0.4, 0.1, 1.2, 0.003), (0.0, 0.0, 0.3, 1.0), (0.1, 0.0, 0.9, 0.2), (NAN, NAN, NAN, NAN))


def between(draw: Draw) -> list[ResultTable]:
    """Differences in mean months, and a frailty."""
    gap, below, above = draw("gap", GAPS)
    gaps = [{"grouping": "thin_line", "group": "no", "estimate": gap, "conf_low": below, "conf_high": above}]
    variance, low, high, p = draw("variance", VARIANCES)
    frailty = [
        {"frailty_of": draw("frailty_of", ("organisation", "worker")), "variance": variance,
         "variance_low": low, "variance_high": high, "p_value": p}
    ]  # fmt: skip
    estimate, spread = modelled("estimate", digits=1), modelled("variance", digits=2, spread=True)
    return [
        ResultTable(
            "months_free_difference",
            pooled("months_free_difference", gaps).data,
            (coded("grouping"), coded("group"), estimate, *ends(estimate, "conf", heading="interval")),
        ),
        ResultTable(
            "frailty",
            pooled("frailty", frailty).data,
            (coded("frailty_of"), spread, *ends(spread), Column(name="p_value", meaning="p")),
        ),
    ]


def gap_of(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "months_free_difference")
    if not len(rows) or not finite(rows.iloc[0], *LIMITS):
        return math.nan, math.nan
    return float(rows.iloc[0]["conf_low"]), float(rows.iloc[0]["conf_high"])


def frailty_p(released: Released) -> float:
    rows = rows_of(released, "frailty")
    names = ("variance", "variance_low", "variance_high", "p_value")
    return float(rows.iloc[0]["p_value"]) if len(rows) and finite(rows.iloc[0], *names) else math.nan


def without_progress(draw: Draw) -> MadeResult:
    progress = classes(("clear_progress", "no_clear_progress", "cannot_tell"), draw("progress", SPLITS))
    decided = [
        {"decision": row.pop("class"), **row}
        for row in classes(("go_on", "not_recorded", "together"), draw("decided", SPLITS))
    ]
    ended = [
        {"progress": name, **row}
        for name in ("clear_progress", "no_clear_progress")
        for row in classes(("ended_well", "dropped_out", "still_in_help"), draw(f"ended_{name}", SPLITS))
    ]
    change, below, above = draw("change", CHANGES)
    later = [
        {"progress": "no_clear_progress", "change_after": change, "change_after_low": below,
         "change_after_high": above, "n_measurements": 90}
    ]  # fmt: skip
    kinds = {name: coded(name, adds_up="families") for name in ("progress", "decision")}
    tables = (
        ResultTable("progress", pooled("progress", progress).data, (CLASS, *SHARE)),
        ResultTable("decided", pooled("decided", decided).data, (kinds["decision"], *SHARE)),
        ResultTable("ended_after", pooled("ended_after", ended).data, (kinds["progress"], CLASS, *SHARE)),
        ResultTable(
            "later_by_progress",
            pooled("later_by_progress", later).data,
            (kinds["progress"], AFTER, *ends(AFTER, "change_after"), N_MEASUREMENTS),
        ),
    )
    facts = {
        "after_months": draw("after", (6.0, 4.0)), "decision_months": 3.0, "later_months": 6.0,
        "decisions_recorded": draw("recorded", (True, False)),
    }  # fmt: skip
    return result_of("without_progress", *tables, provenance=provenance(**facts))


def finite(row: pd.Series, *columns: str) -> bool:
    return all(math.isfinite(float(row[name])) for name in columns)


def has(table: str, *columns: str, **keys: Any) -> Callable[[Released, Words], bool]:
    """Whether a row with these keys shows these columns."""

    def test(released: Released, _: Words) -> bool:
        rows = rows_of(released, table)
        return any(
            all(row[name] == value for name, value in keys.items()) and finite(row, *columns)
            for _, row in rows.iterrows()
        )

    return test


LIMITS = ("estimate", "conf_low", "conf_high")
event_known = has("incidence", *LIMITS, "n_group", months_after=24.0)
free_known = has("free", *LIMITS, months_after=24.0)
worse_known = has("worsening", *LIMITS, "n_group")
no_progress = has("progress", *LIMITS, "n_group", **{"class": "no_clear_progress"})
AFTERS = ("change_after", "change_after_low", "change_after_high")


def change_known(table: str) -> Callable[[Released, Words], bool]:
    """Whether a mean change is shown that the scale allows."""

    def test(released: Released, _: Words) -> bool:
        rows = rows_of(released, table)
        return any(
            finite(row, *AFTERS) and abs(float(row["change_after"])) <= width_of(released)
            for _, row in rows.iterrows()
        )

    return test


EDGES = (
    Edges(
        "afterwards",
        afterwards,
        (0, 1, 2, 3),
        (
            {"renewed_start": 40, "placement": 40, "scores": True, "worse": 40, "mean": MEANS[0],
             "line": MEANS[0], "change": CHANGES[0], "chance": 0.03, "absent": ABSENT[1], "gap": GAPS[0],
             "variance": VARIANCES[0]},
            {"renewed_start": 40, "placement": 40, "scores": True, "worse": 40, "mean": MEANS[0],
             "change": CHANGES[1], "absent": ABSENT[2], "gap": GAPS[1], "variance": VARIANCES[1]},
            {"renewed_start": 4, "placement": 4, "scores": False, "absent": ABSENT[0], "gap": GAPS[2]},
        ),
        {
            "event_known": event_known,
            "free_known": free_known,
            "worse_known": worse_known,
            "nothing_known": lambda released, words: not any(
                test(released, words) for test in (event_known, free_known, worse_known)
            ),
            "thin_line_known": lambda released, words: all(
                has("months_free", "estimate", grouping="thin_line", group=group)(released, words)
                for group in ("yes", "no")
            ),
            "gap_more": lambda released, _: gap_of(released)[0] > 0,
            "gap_less": lambda released, _: gap_of(released)[1] < 0,
            "gap_unclear": lambda released, _: gap_of(released)[0] <= 0 <= gap_of(released)[1],
            "frailty_shown": lambda released, _: frailty_p(released) < alpha_of(released),
            "frailty_not_shown": lambda released, _: frailty_p(released) >= alpha_of(released),
            "mean_known": has("months_free", *LIMITS, grouping="all"),
            "change_after_known": change_known("scores_after"),
            "chance_known": has("settings", "value", quantity="worsening_by_chance"),
        },
    ),
    Edges(
        "without_progress",
        without_progress,
        (0, 1, 2, 3),
        (
            {"progress": SPLITS[0], "decided": SPLITS[0], "ended_clear_progress": SPLITS[0],
             "ended_no_clear_progress": SPLITS[0], "change": CHANGES[0], "recorded": True},
            {"progress": (40, 3, 60), "recorded": False},
        ),
        {
            "how_many_known": no_progress,
            "how_many_not_known": lambda released, words: not no_progress(released, words),
            "undecided_known": has("decided", "estimate", decision="not_recorded"),
            "ended_well_known": lambda released, words: all(
                has("ended_after", "estimate", progress=name, **{"class": "ended_well"})(released, words)
                for name in ("no_clear_progress", "clear_progress")
            ),
            "later_known": change_known("later_by_progress"),
        },
    ),
)  # fmt: skip
