"""Edge results about organisations: compared, in other ways of computing, and over time."""

import math
from typing import Any

from mpg_research.analysis.result import ResultTable
from mpg_research.errors import Note
from tests.disclosure.made_results import MadeResult, flow_of, result_of
from tests.present.edge_results import (
    CHANGES,
    INF,
    NAN,
    P_VALUES,
    SHARES,
    Draw,
    Edges,
    by_organisation,
    estimates,
    pooled,
    provenance,
    table,
)


def corrected(change: tuple[float, float, float], p_value: float) -> float:
    """A corrected p-value as it can be: below .05 only where the interval leaves zero out."""
    leaves_zero_out = change[1] > 0 or change[2] < 0
    return p_value if leaves_zero_out or math.isnan(p_value) else max(p_value, 0.0504)


NUMBERS = {"berk": 61, "eik": 74, "es": 33, "iep": 21, "linde": 40, "wilg": 18}


def organisations(draw: Draw) -> MadeResult:
    sizes = draw("sizes", (NUMBERS, {**NUMBERS, "linde": 6}, {"linde": 40, "eik": 60}))
    own = draw("own", CHANGES)
    tables = [*_comparison(draw, sizes, own), *_ranking(draw, sizes), *_shares_of(draw, sizes)]
    parameters = {
        "case_mix": draw("case_mix", ([], ["child_age"])),
        "reference": draw("reference", ("mean", "median")),
    }
    flow = flow_of(sum(sizes.values()) + 40, sum(sizes.values()))
    return result_of(
        "organisations", *tables, flow=flow, notes=draw("notes", ((),)), provenance=provenance(**parameters)
    )


def _comparison(draw: Draw, sizes: dict[str, int], own: tuple[float, float, float]) -> list[ResultTable]:
    total = sum(sizes.values())
    plain = draw("other", (*CHANGES[:4], (-3.0, -4.0, -2.0)))
    change, apart, curve, raw = [], [], [], []
    for place, (key, size) in enumerate(sizes.items()):
        mine = own if key == "linde" else (plain[0] + place / 10, plain[1], plain[2] + place / 10)
        mine = draw(f"change_{key}", (mine,))
        gap = draw(f"gap_{key}", CHANGES) if draw("gaps", (True, False)) else (0.1 * place, -1.0, 1.0)
        p_value = corrected(gap, draw(f"p_{key}", P_VALUES))
        at = {"organisation": key, "months": 12.0, "n_families": size}
        change.append({**at, **estimates(mine)})
        apart.append({**at, **estimates(gap), "p_adjusted": p_value, "n_families": min(sizes.values())})
        curve += [
            {**at, "months": month, **estimates((24.0 - month / 4, 23.0, 25.0))} for month in (0.0, 6.0, 12.0)
        ]
        raw.append(
            {
                "organisation": key,
                "raw": -3.0 - place / 9,
                "raw_low": -5.0,
                "raw_high": -1.0,
                "comparison_low": -4.0,
                "comparison_high": -2.0,
                "shrunken": -3.2,
                "shrunken_low": -4.0,
                "shrunken_high": -2.0,
                "n_families": size,
            }
        )
    joint = {
        "effect": "organisation:months",
        "months": 12.0,
        "statistic": draw("statistic", (1.2, 0.0, NAN)),
        "df_numerator": float(len(sizes) - 1),
        "df_denominator": draw("df", (80.0, INF, 3.4)),
        "p_value": draw("joint_p", P_VALUES),
        "n_families": total,
        "n_organisations": len(sizes),
    }
    observed = [
        {
            "organisation": key,
            "months": float(month),
            "mean": 24.0 - month / 7 + place / 9,
            "sd": 5.1,
            "n_measurements": size,
            "n_families": size,
        }
        for place, (key, size) in enumerate(sizes.items())
        for month in (0, 3, 6, 12)
    ]
    mix = [
        {
            "organisation": key,
            "variable": name,
            "level": "",
            "standardised_difference": 0.1 * place - 0.2,
            "n_families": size,
        }
        for place, (key, size) in enumerate(sizes.items())
        for name in ("child_age", "n_children")
    ]
    case_mix = [
        {
            "organisation": key,
            "variable": "single_parent",
            "level": level,
            "kind": "share",
            "mean_or_share": share,
            "sd": NAN,
            "n_families": size // 2,
        }
        for key, size in sizes.items()
        for level, share in (("no", 0.5), ("yes", 0.5))
    ]
    return [
        by_organisation("adjusted_change", change, "months"),
        by_organisation("difference_from_mean", apart, "months"),
        by_organisation("adjusted_curve", curve, "months"),
        by_organisation("raw_and_shrunken", raw),
        table("joint_test", [joint], "effect", "months"),
        by_organisation("observed_course", observed, "months"),
        by_organisation("case_mix_difference", mix, "variable", "level"),
        by_organisation("case_mix", case_mix, "variable", "level", "kind"),
    ]


def _ranking(draw: Draw, sizes: dict[str, int]) -> list[ResultTable]:
    number, wide = len(sizes), draw("wide", (True, False))
    ranks, funnel = [], []
    for place, (key, size) in enumerate(sizes.items(), start=1):
        low, high = (1.0, float(number)) if wide else (float(place), float(place))
        if not draw("rank_known", (True, True, True, False)):
            low = NAN
        ranks.append(
            {
                "organisation": key,
                "rank": float(place),
                "expected_rank": float(place),
                "percentile": 50.0,
                "best_third": 0.3,
                "worst_third": 0.3,
                "rank_low": low,
                "rank_high": high,
                "set_low": low,
                "set_high": high,
                "all_low": 1.0,
                "all_high": float(number),
                "n_families": size,
            }
        )
        funnel.append(
            {
                "organisation": key,
                "estimate": -3.0 - place / 9,
                "std_error": 1.0,
                "n_effective": float(size),
                "z": 0.4,
                "z_adjusted": 0.4,
                "beyond": "none",
                "beyond_adjusted": "none",
                "beyond_false_discovery": "no",
                "n_families": size,
            }
        )
    beyond = draw("beyond", (0.0, 1.0, 3.0, NAN))
    summary = {
        "n_beyond_95": beyond,
        "n_beyond_998": min(beyond, 1.0) if beyond == beyond else NAN,
        "alarm_share_95": draw("alarm", SHARES),
        "rankability": draw("rankability", (0.0, 8.4, 49.6, 50.0, 74.6, 75.4, 99.9, 100.0, 130.0, -4.0, NAN)),
    }
    verdicts = draw("verdicts", (["pass"] * 6, ["pass"] * 5 + ["fail"], ["pass"] * 3, ["fail"] * 6))
    checks = ("question", "case_mix_model", "enough_observations", "overdispersion", "volume", "plot")
    steps = [
        {"check": check, "verdict": verdict, "value": 1.0, "threshold_value": 0.5}
        for check, verdict in zip(checks, verdicts, strict=False)
    ]
    lines = [{"n_effective": float(size), **_limits(-6.0, 0.0)} for size in (10, 20, 40, 80)]
    return [
        by_organisation("ranks", ranks),
        by_organisation("funnel", funnel),
        pooled("funnel_lines", lines, "n_effective"),
        pooled("funnel_summary", _quantities(summary), "quantity"),
        pooled("funnel_steps", steps, "check"),
    ]


def _limits(low: float, high: float) -> dict[str, float]:
    names = ("95", "998", "fdr")
    plain = {
        f"plain_{end}_{name}": value for name in names[:2] for end, value in (("low", low), ("high", high))
    }
    return {
        **{f"{end}_{name}": value for name in names for end, value in (("low", low), ("high", high))},
        **plain,
    }


def _quantities(values: dict[str, float]) -> list[dict[str, Any]]:
    return [{"quantity": name, "value": value} for name, value in values.items()]


def _shares_of(draw: Draw, sizes: dict[str, int]) -> list[ResultTable]:
    mine, every, dots, lines = [], [], [], []
    for name in ("dropped_out", "measured", "reliably_improved", "reliably_worsened"):
        share, n = draw(f"share_{name}", SHARES), draw(f"n_{name}", (0, 1, 14, 247))
        known = n and share == share and draw("ends_known", (True, True, True, False))
        ends = (max(share - 0.1, 0.0), min(share + 0.1, 1.0)) if known else (NAN, NAN)
        share = share if n else NAN
        shown = dict(zip(("observed_low", "observed_high"), ends, strict=True))
        every.append({"indicator": name, "n_group": n, "share_observed": share, **shown, "n_families": n})
        for key, size in sizes.items():
            base = {"organisation": key, "indicator": name, "n_group": size if n else 0, "n_families": size}
            difference = {
                "expected_share": 0.4,
                "observed_difference": share - 0.4,
                "observed_beyond_chance": draw.given.get("beyond_chance", "no"),
            }
            mine.append({**base, "share_observed": share, **shown, **difference})
            dots.append(
                {
                    **base,
                    "n_effective": float(size),
                    "share_observed": share,
                    "adjusted_share": share,
                    "ratio": 1.0,
                    "beyond": "none",
                    "beyond_adjusted": "none",
                    "beyond_false_discovery": "no",
                }
            )
        lines += [
            {"indicator": name, "n_effective": float(size), **_limits(0.1, 0.9)} for size in (10, 20, 80)
        ]
    return [
        by_organisation("share_indicators", mine, "indicator"),
        table("shares_of_all", [{**row, "n_organisations": len(sizes)} for row in every], "indicator"),
        by_organisation("share_funnel", dots, "indicator"),
        pooled("share_funnel_lines", lines, "indicator", "n_effective"),
    ]


def robustness(draw: Draw) -> MadeResult:
    named = draw("named", (0, 1, 3))
    ways = draw("ways", (["same", "same"], ["changed", "same"], ["more", "same"], ["not_possible"] * 2))
    base = {
        "joint_p_value": 0.2,
        "joint_conclusion": "same",
        "still_named": 0.0,
        "other_side": 0.0,
        "newly_named": 0.0,
        "spread": 1.0,
        "agreement": 1.0,
    }
    rows = [
        {
            "variant": "primary",
            **base,
            "compared": 6.0,
            "different": float(named),
            "largest_shift": 0.0,
            "conclusion": "same",
        }
    ]
    for variant, conclusion in zip(("unadjusted", "random"), ways, strict=True):
        shift = draw("shift", (0.0, 0.02, 2e-16, 1.3, 45.0, NAN))
        different = NAN if conclusion == "not_possible" else float(named)
        rows.append(
            {
                "variant": variant,
                **base,
                "compared": 6.0,
                "different": different,
                "largest_shift": shift,
                "conclusion": conclusion,
            }
        )
    left_out = draw("left_out", (5, 0))
    each = [
        {
            "organisation": key,
            "primary": "yes" if place < named else "no",
            "side": "better" if place else "worse",
            "difference": 1.2,
            "ways": 2,
            "named_in": 1,
            "other_side_in": 0,
            "left_out": left_out,
            "named_left_out": min(left_out, 3),
            "n_families": size,
        }
        for place, (key, size) in enumerate(NUMBERS.items())
    ]
    without = [
        {
            "organisation": key,
            "joint_p_value": 0.3,
            "different": 0,
            "still_named": 0,
            "newly_named": 0,
            "largest_shift": 0.1,
            "conclusion": "same",
            "n_families": size,
        }
        for key, size in NUMBERS.items()
    ]
    tables = (
        pooled("robustness", rows, "variant"),
        by_organisation("named", each),
        by_organisation("leave_one_out", without),
    )
    facts = provenance(reference=draw("reference", ("mean", "median")))
    return result_of("organisation_robustness", *tables, provenance=facts)


def over_time(draw: Draw) -> MadeResult:
    years = []
    for year in ("2022", "2023", "2024")[: draw("years", (0, 1, 3))]:
        change = draw(f"change_{year}", CHANGES)
        p_value = corrected(change, draw(f"p_{year}", P_VALUES))
        years.append(
            {"cohort": year, "n_measured": 33, **estimates(change), "p_adjusted": p_value, "n_families": 70}
        )
    points = draw("points", (12.0, 9.0, NAN))
    reach = draw("step", (3.6, 44.0, 0.04, NAN))
    numbers = {
        "n_points": points,
        "signal": draw("signal", (0.0, 1.0, NAN)),
        "change_looked_for": draw("looked_for", (2.7, NAN)),
        "share_drift_seen": draw("drift_seen", SHARES),
        "share_step_seen": draw("step_seen", SHARES),
        "drift_seen": draw("drift", (13.5, 61.0, NAN)),
        "step_seen": reach,
    }
    hidden = draw("hidden_quarters", (0, 3))
    chart = [
        {
            "period": f"{2021 + place // 4}-Q{place % 4 + 1}",
            "value": place / 9 - 0.5,
            "median": 0.1,
            "n_families": 4 if place < hidden else 20,
        }
        for place in range(int(points) if points == points else 2)
    ]
    tables = [pooled("run_signals", _quantities(numbers), "quantity"), pooled("run_chart", chart, "period")]
    if years:
        tables.append(pooled("all_by_cohort", years, "cohort"))
    text = "2025: too few families were followed."
    followed = draw("left_out_year", (True, False))
    notes = (Note("cohorts_not_followed", text, {"level": "2025", "families_needed": 10, "month": 12}),)
    return result_of(
        "organisations_over_time", *tables, provenance=provenance(), notes=notes if followed else ()
    )


NO_SIGNAL = {"points": 12.0, "signal": 0.0, "looked_for": 2.7}
LINDE_CLEAR = {"gaps": True, "sizes": NUMBERS, "gap_linde": (-4.1, -5.0, -3.2)}
#: Shares of all families, which no organisation may be told about itself.
ALL_OF_THEM = {
    f"{what}_{name}": number
    for name in ("measured", "dropped_out", "reliably_improved", "reliably_worsened")
    for what, number in (("share", 1.0), ("n", 247))
}
KNOWN_SHARES = {"share_measured": 0.5, "n_measured": 247, "share_dropped_out": 0.4, "n_dropped_out": 247}
#: Kinds of results, with seeds that speak their sentences and what is seldom drawn.
EDGES = (
    Edges(
        "organisations",
        organisations,
        (30, 18, 16, 5, 7, 19, 1, 24, 2, 4, 9, 14),
        (
            {"sizes": NUMBERS, "case_mix": [], "rules": {"randomised": True}},
            {**LINDE_CLEAR, "p_linde": 0.003, "own": (-4.1, -5.0, -3.2)},
            {**LINDE_CLEAR, "p_linde": 0.0504, "own": (-0.03, -0.05, -0.01)},
            {"sizes": {key: n for key, n in NUMBERS.items() if key != "linde"}},
            {"sizes": NUMBERS, **KNOWN_SHARES, "ends_known": False},
            {"sizes": NUMBERS, **KNOWN_SHARES, "beyond_chance": "lower"},
            {"sizes": NUMBERS, **ALL_OF_THEM},
        ),
    ),
    Edges(
        "organisation_robustness",
        robustness,
        (5, 16, 1, 3, 6, 7),
    ),
    Edges(
        "organisations_over_time",
        over_time,
        (6, 15, 17, 2, 30),
        (
            {**NO_SIGNAL, "looked_for": NAN, "step": NAN},
            {**NO_SIGNAL, "drift_seen": 0.9, "step_seen": 1.0, "step": 44.0},
        ),
    ),
)
