"""Edge results about what was done after signals."""

import math
from typing import Any

from mpg_research.analysis.columns import SHARE, coded, number_of, observed_share, quantile, tally
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_families import classes, shares_table
from tests.present.edge_needs import Words, rows_of
from tests.present.edge_results import NAN, Draw, Edges, pooled, provenance

SPLITS = ((60, 40, 20), (20, 80, 12), (0, 100, 0), (4, 60, 30), (0, 0, 0), (100, 0, 0), (3, 2, 1))
ANSWERS = ("discussed", "measured_again", "never_discussed")
PROMPTED = ("soon_after_signal", "later_after_signal", "no_signal_before")
WEEKS = (12.0, 7.5, 0.0, NAN)


def actions(draw: Draw) -> MadeResult:
    answered = classes(("acted", "not_acted", "help_ended"), draw("answered", SPLITS))
    if draw("interval", (True, True, False)) is False:
        for row in answered:
            row.update(conf_low=NAN, conf_high=NAN)
    flows = {
        "signal_to_action": flow("signal", "action", draw("into", ((0.3, 0.7), (0.0, 1.0), (NAN, NAN)))),
        "action_to_state": flow("action", "state", draw("out", ((0.3, 0.7), (0.1, 0.9), (NAN, NAN)))),
    }
    tables = (
        shares_table(answered, name="answered"),
        shares_table(classes(ANSWERS, draw("after_first", SPLITS)), name="after_first_signal"),
        shares_table(classes(PROMPTED, draw("prompted", SPLITS)), name="prompted"),
        *times(draw),
        *(
            ResultTable(
                name,
                pooled(name, rows).data,
                (*(coded(key, adds_up="families") for key in rows[0] if key in ("signal", "action", "state")),
                 *SHARE),
            )
            for name, rows in flows.items()
        ),
    )  # fmt: skip
    facts = {
        "grace_weeks": draw("grace", (8.0, 4.5, 13.0)),
        "later_on_axis": draw("later", (6.0, 4.5)),
        "later_window_months": 1.5,
    }
    return result_of("actions", *tables, provenance=provenance(**facts))


def flow(of: str, to: str, shares: tuple[float, float]) -> list[dict[str, Any]]:
    """Two rows of a table of flows."""
    names = {"signal": "off_track", "action": "acted", "state": "signal"}
    others = {"action": "not_acted", "state": "not_seen"}
    rows = [(names[of], names[to]), (names[of] if of == "signal" else others[of], others[to])]
    return [
        {of: one, to: other, "estimate": share, "conf_low": share, "conf_high": share,
         "clustered_low": share, "clustered_high": share, "n_group": 100,
         "n_families": 0 if math.isnan(share) else round(100 * share)}
        for (one, other), share in zip(rows, shares, strict=True)
    ]  # fmt: skip


def times(draw: Draw) -> tuple[ResultTable, ResultTable]:
    shares = draw("soon", ((0.2, 0.2, 0.6), (0.5, 0.2, 0.3), (0.0, 0.0, 1.0), (NAN, NAN, NAN)))
    rows = [
        {"stretch": name, "share_of_signals": share, "n_group": 100,
         "n_families": 0 if math.isnan(share) else round(100 * share)}
        for name, share in zip(("until_4", "until_8.5", "later_or_never"), shares, strict=True)
    ]  # fmt: skip
    share = SHARE[0].but(name="share_of_signals", of="n_group")
    columns = (coded("stretch", adds_up="families"), share, number_of("n_group", of="families"))
    quarters = {"weeks_first_quarter": 0.25, "weeks_half": 0.5, "weeks_third_quarter": 0.75}
    found = dict(zip(quarters, (4.0, draw("half", WEEKS), NAN), strict=True))
    return (
        ResultTable("how_soon", pooled("how_soon", rows).data, columns),
        ResultTable(
            "weeks_to_action",
            pooled("weeks_to_action", [found]).data,
            tuple(quantile(name, at, digits=0) for name, at in quarters.items()),
        ),
    )


def share_of(released: Released, table: str, name: str, key: str = "class") -> float:
    """The share of one class, where it and what it is of are shown; else NaN."""
    rows = rows_of(released, table)
    rows = rows[rows[key] == name] if len(rows) else rows
    if not len(rows):
        return math.nan
    row = rows.iloc[0]
    share = float(row["estimate" if key == "class" else "share_of_signals"])
    return share if 0 <= share <= 1 and float(row["n_group"]) > 0 else math.nan


def is_answered(released: Released) -> bool:
    rows = rows_of(released, "answered")
    rows = rows[rows["class"] == "acted"] if len(rows) else rows
    ends = [float(rows.iloc[0][name]) for name in ("conf_low", "conf_high")] if len(rows) else [math.nan]
    return math.isfinite(share_of(released, "answered", "acted")) and all(0 <= end <= 1 for end in ends)


def half(released: Released) -> float:
    rows = rows_of(released, "weeks_to_action")
    return float(rows["weeks_half"].iloc[0]) if len(rows) else math.nan


def never_reached(released: Released, _: Words) -> bool:
    return math.isnan(half(released)) and share_of(released, "how_soon", "later_or_never", "stretch") > 0.5


EDGES = (
    Edges(
        "actions",
        actions,
        (0, 1, 2, 3),
        (
            {
                "answered": SPLITS[0], "after_first": SPLITS[1], "prompted": SPLITS[0], "half": 12.0,
                "interval": True, "into": (0.3, 0.7), "out": (0.3, 0.7), "soon": (0.2, 0.2, 0.6),
                "grace": 8.0, "later": 6.0,
            },
            {"half": NAN, "soon": (0.2, 0.2, 0.6), "answered": SPLITS[4]},
        ),
        {
            "answered_known": lambda released, _: is_answered(released),
            "answered_not_known": lambda released, _: not is_answered(released),
            "never_discussed_known": lambda released, _: math.isfinite(
                share_of(released, "after_first_signal", "never_discussed")
            ),
            "without_signal_known": lambda released, _: math.isfinite(
                share_of(released, "prompted", "no_signal_before")
            ),
            "half_known": lambda released, _: math.isfinite(half(released)),
            "half_not_reached": never_reached,
        },
    ),
)  # fmt: skip


def record_keeping(draw: Draw) -> MadeResult:
    rows = [
        {
            "record_table": name,
            "n_periods": draw(f"periods_{name}", (267, 12, 4, 0)),
            "share_recorded": draw(f"share_{name}", (0.48, 0.0, 1.0, 0.004, NAN)),
            "n_recording": 6,
        }
        for name in ("interventions", "care")
    ]
    months = [{"n_months": draw("months", (2400, 3, 0)), "share_without_care": draw("gap", (0.1, 0.0, NAN))}]
    columns = (
        coded("record_table"),
        number_of("n_periods", of="episodes"),
        observed_share("share_recorded", of="n_periods"),
        tally("n_recording"),
    )
    care = (number_of("n_months", of="months"), observed_share("share_without_care", of="n_months"))
    n = draw("n", (247, 247, 8))
    tables = (
        ResultTable("recorded", pooled("recorded", rows, n=n).data, columns),
        ResultTable("care_months", pooled("care_months", months, n=n).data, care),
    )
    facts = {"absent": draw("absent", (["events"], []))}
    return result_of("record_keeping", *tables, provenance=provenance(**facts))


def recorded(released: Released) -> list[bool]:
    rows = rows_of(released, "recorded")
    return [bool(0 <= row["share_recorded"] <= 1 and row["n_periods"] > 0) for _, row in rows.iterrows()]


def is_care_known(released: Released, _: Words) -> bool:
    rows = rows_of(released, "care_months")
    return bool(len(rows)) and 0 <= rows["share_without_care"].iloc[0] <= 1 and rows["n_months"].iloc[0] > 0


EDGES = (
    *EDGES,
    Edges(
        "record_keeping",
        record_keeping,
        (0, 1, 2),
        (
            {
                "n": 247,
                "share_care": 0.48,
                "periods_care": 267,
                "months": 2400,
                "gap": 0.1,
                "absent": ["events"],
            },
            {"n": 8},
        ),
        {
            "recorded_known": lambda released, _: any(recorded(released)),
            "recorded_not_known": lambda released, _: not any(recorded(released)),
            "care_known": is_care_known,
        },
    ),
)
