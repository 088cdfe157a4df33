"""Edge results about costs beside effects and benefits, fewer agencies as a scenario, and the checklist."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    ESTIMATE,
    P_ADJUSTED,
    coded,
    ends,
    key_column,
    modelled,
    setting,
)
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.value.benefits import PARTS
from mpg_research.analysis.value.money_columns import (
    COMPARED_GROUP,
    MONEY_ESTIMATE,
    PRICE_KEYS,
    SHARE_ESTIMATE,
    THRESHOLD,
    modelled_money,
    money_with_ends,
)
from mpg_research.analysis.value.reporting_checklist import CHEERS
from mpg_research.disclosure import Released
from tests.disclosure.made_results import NAMES, MadeResult, result_of
from tests.present.edge_needs import Words, rows_of
from tests.present.edge_results import NAN, Draw, Edges, estimates, pooled, provenance

AMOUNTS = (
    (12000.0, 8000.0, 16000.0), (-900.0, -1400.0, -400.0), (300.0, -600.0, 1200.0), (0.0, -50.0, 40.0),
    (NAN, NAN, NAN), (1200.0, 0.0, 2400.0),
)  # fmt: skip
EFFECTS = ((1.8, 0.6, 3.1), (-0.6, -1.0, -0.2), (0.1, -0.5, 0.7), (NAN, NAN, NAN))
#: What is compared, and the names of its groups.
GROUPS = {
    "intervention": ("without", "with"), "fewer_agencies": ("more_agencies", "fewer_agencies"),
    "thin_line": ("no", "yes"),
}  # fmt: skip
RATIOS = ("per_unit", "saved_per_unit", "unsure", "dominates", "is_dominated")
HELP = (-13800.0, -14400.0, -13300.0)
CHANCE = modelled("chance_best", percent=True)


def money_table(name: str, rows: list[dict[str, Any]], *columns: Any, n: int = 247) -> ResultTable:
    return ResultTable(name, pooled(name, rows, n=n).data, columns)


def compared(draw: Draw) -> MadeResult:
    by, n = draw("by", tuple(GROUPS)), draw("n", (247, 80, 4))
    names = GROUPS[by]
    effect = draw("effect_name", ("points", "reliably_improved", "months_without_placement"))
    gain = draw("effect", EFFECTS[:3] if draw.given.get("wide") else EFFECTS)
    if effect == "reliably_improved":
        gain = tuple(each / 10 for each in gain)
    kind, cost = draw("ratio", RATIOS), draw("cost", AMOUNTS[:4] if draw.given.get("wide") else AMOUNTS)
    known = kind in RATIOS[:2]
    ratio = {
        "compared_group": names[1], "ratio_kind": kind, "euros_per_unit": 400.0 if known else NAN,
        "euros_per_unit_low": draw("low", (-500.0, 200.0)) if known else NAN,
        "euros_per_unit_high": 1800.0 if known else NAN,
        "standing": "frontier", "step_from": names[0], "step_ratio": 400.0,
    }  # fmt: skip
    chance = draw("chance", (0.56, 1.0, 0.5, NAN))
    thresholds = (0.0, 500.0, 1000.0, 4000.0)
    decisions = [
        {"may_cost": each, "best": names[place % 2], "chance_best": chance,
         "perfect_information": draw("worth", (350.0, 0.0, NAN))}
        for place, each in enumerate(thresholds)
    ]  # fmt: skip
    curve = [
        {"may_cost": each, "compared_group": name, "chance_best": 0.25 + 0.5 * (name == names[1]),
         "expected_loss": 100.0}
        for each in thresholds
        for name in names
    ]  # fmt: skip
    region = [
        {"compared_group": names[1], "point": float(at), "region_effect": gain[0] + math.cos(at),
         "region_cost": cost[0] + 900 * math.sin(at)}
        for at in range(6)
    ]  # fmt: skip
    prices = [
        {"priced_item": item, "payer": "municipality", "price": 100.0, "price_low": 80.0, "price_high": 130.0,
         "at_low": 200.0, "at_high": 900.0, "base": 400.0, "width": 700.0}
        for item in ("contact_hour", "visit", "agency_month", "network_meeting", "placement", "eviction")
    ]  # fmt: skip
    tables = [
        money_table(
            "cost_differences", [{"compared_group": names[1], **estimates(cost)}], COMPARED_GROUP,
            *MONEY_ESTIMATE, n=n,
        ),
        money_table(
            "effect_differences", [{"compared_group": names[1], **estimates(gain)}], COMPARED_GROUP,
            *ESTIMATE, n=n,
        ),
        money_table(
            "ratios", [ratio], COMPARED_GROUP, coded("ratio_kind", is_key=False),
            *money_with_ends("euros_per_unit"), coded("standing", is_key=False),
            coded("step_from", is_key=False), modelled_money("step_ratio"), n=n,
        ),
        money_table(
            "region", region, COMPARED_GROUP, key_column("point", digits=0, csv_only=True),
            modelled("region_effect", digits=2), modelled_money("region_cost"), n=n,
        ),
        money_table(
            "decisions", decisions, THRESHOLD, coded("best", is_key=False), CHANCE,
            modelled_money("perfect_information"), n=n,
        ),
        money_table(
            "acceptability", curve, THRESHOLD, COMPARED_GROUP, CHANCE, modelled_money("expected_loss"), n=n
        ),
        money_table(
            "price_ranges", prices, *PRICE_KEYS,
            *(setting(name, digits=0) for name in ("price", "price_low", "price_high")),
            *(modelled_money(name) for name in ("at_low", "at_high", "base", "width")), n=n,
        ),
    ]  # fmt: skip
    facts = {
        "by": by, "intervention": draw("intervention", ("any", "network_meeting")), "groups": list(names),
        "effect": effect, "months": draw("months", (3.0, 12.0)), "thresholds": list(thresholds),
        "thresholds_stated": draw("stated", (True, False)), "year": 2024,
        "perspective": draw("perspective", ("societal", "municipal", "health_insurer")),
        "grace_weeks": 6.0, "replications": 2000, "agencies_at_most": draw("at_most", (2, 1)),
        "agencies_within_months": 3.0,
    }  # fmt: skip
    return result_of("costs_and_effects", *tables, provenance=provenance(**facts))


def organisations(draw: Draw) -> MadeResult:
    """Organisations by costs and effects, of whom one may differ from the mean."""
    keys = tuple(NAMES)[: draw("number", (5, 5, 2))]
    smallest = draw("smallest", (45,))
    effect = draw("effect_name", ("points", "reliably_improved", "months_without_placement"))
    size = 0.1 if effect == "reliably_improved" else 1.0
    away = {name: draw(name, (-1.0, 0.0, 1.0)) for name in ("cost", "effect", "value")}

    def rows(name: str, unit: float, **keyed: Any) -> list[dict[str, Any]]:
        found = []
        for place, key in enumerate(keys):
            middle = unit * (3 * away[name] if place == 0 else 0.1 * (place - 2))
            row = estimates((middle, middle - unit, middle + unit))
            tested = {"p_adjusted": 0.01 if place == 0 and away[name] else 0.8}
            found.append(
                {"organisation": key, **keyed, **row, **tested, "n_families": 45 if place else smallest}
            )
        return found

    thresholds = (0.0, 500.0)
    chance = draw("chance", (0.9, 0.5))
    chances = [
        {"may_cost": each, "organisation": key, "chance_best": chance if key == keys[0] else 0.1,
         "chance_on_frontier": 0.5, "expected_loss": 900.0,
         "n_families": smallest if key == keys[0] else 45}
        for each in thresholds
        for key in keys
    ]  # fmt: skip
    own = (EACH_ORGANISATION, *MONEY_ESTIMATE, P_ADJUSTED)
    tables = [
        ResultTable("cost_from_mean", pd.DataFrame(rows("cost", 1000.0)), own),
        ResultTable(
            "effect_from_mean", pd.DataFrame(rows("effect", size)),
            (EACH_ORGANISATION, *(SHARE_ESTIMATE if size < 1 else ESTIMATE), P_ADJUSTED),
        ),
        ResultTable(
            "value_from_mean",
            pd.DataFrame([row for each in thresholds for row in rows("value", 1000.0, may_cost=each)]),
            (THRESHOLD, *own),
        ),
        ResultTable(
            "chances", pd.DataFrame(chances),
            (THRESHOLD, EACH_ORGANISATION, CHANCE.but(spread=True),
             modelled("chance_on_frontier", percent=True, spread=True),
             modelled_money("expected_loss", spread=True)),
        ),
    ]  # fmt: skip
    facts = {
        "by": "organisation", "groups": [], "effect": effect, "months": 12.0, "thresholds": list(thresholds),
        "thresholds_stated": draw("stated", (True, False)), "year": 2024, "perspective": "societal",
    }  # fmt: skip
    return result_of("organisations_costs_and_effects", *tables, provenance=provenance(**facts))


def weighed(draw: Draw) -> MadeResult:
    amounts = {name: draw(name, AMOUNTS[:4] if draw.given.get("wide") else AMOUNTS) for name in PARTS}
    amounts["help"] = draw("help", (HELP,) if draw.given.get("wide") else (HELP, (NAN, NAN, NAN)))
    n = draw("n", (247, 247, 4))
    payers = [
        {"payer": payer, "money_part": part, **estimates(draw(f"{payer} {part}", AMOUNTS))}
        for payer in ("municipality", "health_insurer", "state")
        for part in ("help", "net", "balance")
        if (payer, part) not in (("health_insurer", "help"), ("state", "net"))
    ]
    bounded = draw("return", (True, False))
    back = draw("payback", ("within", "if_lasting", "never"))
    per = modelled("per_euro", digits=2)
    tables = [
        money_table(
            "waterfall", [{"money_part": name, **estimates(each)} for name, each in amounts.items()],
            coded("money_part"), *MONEY_ESTIMATE, n=n,
        ),
        money_table("by_payer", payers, coded("payer"), coded("money_part"), *MONEY_ESTIMATE, n=n),
        money_table(
            "per_euro",
            [{"return_kind": "bounded" if bounded else "unsure", "per_euro": 0.4 if bounded else NAN,
              "per_euro_low": 0.1 if bounded else NAN, "per_euro_high": 0.8 if bounded else NAN}],
            coded("return_kind"), per, *ends(per), n=n,
        ),
        money_table(
            "payback", [{"payback_kind": back, "payback_months": NAN if back == "never" else 9.0}],
            coded("payback_kind"), modelled("payback_months", digits=0), n=n,
        ),
        money_table(
            "switching",
            [{"assumption": name, "as_stated": 0.3, "switching_value": draw(f"switch {name}", (0.62, NAN))}
             for name in ("anyway", "optimism", "price_of_help")],
            coded("assumption"), setting("as_stated", percent=True, digits=0),
            modelled("switching_value", percent=True), n=n,
        ),
    ]  # fmt: skip
    how = draw("otherwise", ("none", "stated", "published", "model", "comparison_group"))
    words = {"nl": "een bron", "en": "a source"}
    facts = {
        "months": draw("months", (12.0, 24.0)), "otherwise": how,
        "comparison": "thin_line" if how == "comparison_group" else "",
        "anyway_share": 0.3, "otherwise_source": words, "evidence": draw("evidence", ("", "weak")),
        "evidence_label": draw("label", ({}, {"nl": "zwak", "en": "weak"})), "optimism_share": 0.25,
        "optimism_source": words, "reference": draw("reference", ("start", "before")), "start_months": 3.0,
        "before_months": 6.0, "year": 2024, "perspective": "societal", "rate_costs": 0.03,
        "indicative": how != "comparison_group",
    }  # fmt: skip
    return result_of("costs_and_benefits", *tables, provenance=provenance(**facts))


def scenario(draw: Draw) -> MadeResult:
    n = draw("n", (247, 4))
    now = [
        {"spent_on": name, **estimates(draw(name, ((19800.0, 18900.0, 20700.0), (NAN, NAN, NAN))))}
        for name in ("agencies", "network_meetings")
    ]
    rows = [
        {"assumption_number": number, "money_part": part, **estimates(draw(f"{number} {part}", AMOUNTS))}
        for number in (1, 2, 3)
        for part in ("coordination", "saved", "balance")
    ]
    tables = [
        money_table("coordination_now", now, coded("spent_on"), *MONEY_ESTIMATE, n=n),
        money_table(
            "scenario", rows, key_column("assumption_number", digits=0), coded("money_part"), *MONEY_ESTIMATE,
            n=n,
        ),
    ]  # fmt: skip
    words = [{"nl": name, "en": name} for name in ("A", "B", "C")]
    facts = {
        "labels": words, "sources": words, "year": 2024, "perspective": "municipal",
        "agencies_at_most": [2, 1, 3], "hours": [2.0, 4.5, 0.0], "shares_saved": [0.5, 0.5, 0.0],
    }  # fmt: skip
    return result_of("agencies_scenario", *tables, provenance=provenance(**facts))


def checklist(draw: Draw) -> MadeResult:
    rows = [
        {"item_number": number, "cheers_item": name,
         "stated": draw(f"item {name}", ("own", place)) if place != "nothing" else draw(name, ("own", place))}
        for number, (name, place) in enumerate(CHEERS.items(), start=1)
    ]  # fmt: skip
    columns = (
        key_column("item_number", digits=0), coded("cheers_item", is_key=False), coded("stated", is_key=False)
    )  # fmt: skip
    facts = {
        "texts": {name: {"nl": "zo", "en": "so"} for name in CHEERS}, "perspective": "societal",
        "months": 12.0, "rate_costs": 0.03, "rate_effects": 0.015, "effect": "points", "otherwise": "none",
        "year": 2024, "thresholds": list(draw("thresholds", ((), (500.0, 1000.0)))), "round_to": 100,
    }  # fmt: skip
    return result_of("costs_checklist", money_table("cheers", rows, *columns), provenance=provenance(**facts))


def known(row: pd.Series, *columns: str) -> bool:
    return all(math.isfinite(float(row[name])) for name in columns)


LIMITS = ("estimate", "conf_low", "conf_high")
Test = Callable[[Released, Words], bool]


def some(table: str, *columns: str, **keys: Any) -> Test:
    """Whether a row with these keys shows these columns."""

    def test(released: Released, _: Words) -> bool:
        return any(
            all(row[name] == value for name, value in keys.items()) and known(row, *columns)
            for _, row in rows_of(released, table).iterrows()
        )

    return test


def lies(table: str, where: str, **keys: Any) -> Test:
    """Whether an interval of such a row lies above zero, below it, or holds it."""

    def test(released: Released, _: Words) -> bool:
        for _, row in rows_of(released, table).iterrows():
            if all(row[name] == value for name, value in keys.items()) and known(row, *LIMITS):
                low, high = float(row["conf_low"]), float(row["conf_high"])
                if where == ("more" if low > 0 else "less" if high < 0 else "unclear"):
                    return True
        return False

    return test


def none_of(*tests: Test) -> Test:
    return lambda released, words: not any(test(released, words) for test in tests)


def ways(name: str, table: str, **keys: Any) -> Mapping[str, Test]:
    return {f"{name}_{where}": lies(table, where, **keys) for where in ("more", "less", "unclear")}


def differs(table: str, where: str) -> Test:
    """Whether an organisation differs from the mean after correction, in this way; or none ("alike")."""

    def test(released: Released, _: Words) -> bool:
        ways = []
        for _, row in rows_of(released, table).iterrows():
            if known(row, *LIMITS, "p_adjusted") and float(row["p_adjusted"]) < 1 - released.level:
                low, high = float(row["conf_low"]), float(row["conf_high"])
                ways.append("more" if low > 0 else "less" if high < 0 else "alike")
        told = [each for each in ways if each != "alike"]
        return where in told if where != "alike" else not told and bool(len(rows_of(released, table)))

    return test


def likely(wanted: bool) -> Test:
    def test(released: Released, _: Words) -> bool:
        rows = rows_of(released, "chances")
        chances = rows["chance_best"].dropna() if len(rows) else []
        return len(chances) > 0 and (max(chances) >= 0.8) is wanted

    return test


RATIO = ("euros_per_unit", "euros_per_unit_low", "euros_per_unit_high")


def ratio(kind: str, *, holds_zero: bool) -> Test:
    """Whether a ratio of this kind is shown whose limits hold zero, or do not."""

    def test(released: Released, _: Words) -> bool:
        return any(
            row["ratio_kind"] == kind
            and known(row, *RATIO)
            and (float(row["euros_per_unit_low"]) < 0) is holds_zero
            for _, row in rows_of(released, "ratios").iterrows()
        )

    return test


PER_EURO = ("per_euro", "per_euro_low", "per_euro_high")
shown_costs, shown_effects = some("cost_differences", *LIMITS), some("effect_differences", *LIMITS)

EDGES = (
    Edges(
        "costs_and_effects",
        compared,
        tuple(range(12)),
        (
            {"by": "thin_line", "n": 247, "cost": AMOUNTS[1], "effect": EFFECTS[1], "stated": False,
             "ratio": "saved_per_unit", "effect_name": "points"},
            {"by": "thin_line", "n": 247, "cost": AMOUNTS[0], "effect": EFFECTS[0], "stated": False,
             "ratio": "per_unit", "effect_name": "reliably_improved", "chance": 1.0, "worth": 350.0},
            {"by": "intervention", "n": 247, "intervention": "network_meeting", "cost": AMOUNTS[2],
             "effect": EFFECTS[2], "ratio": "unsure"},
            {"by": "intervention", "n": 247, "intervention": "any", "cost": AMOUNTS[2],
             "effect": EFFECTS[0], "ratio": "dominates", "chance": 0.56},
            {"n": 247, "ratio": "is_dominated"},
            {"by": "fewer_agencies", "n": 247, "cost": AMOUNTS[1], "effect": EFFECTS[0], "at_most": 1,
             "ratio": "per_unit", "low": 200.0},
            {"by": "fewer_agencies", "n": 247, "ratio": "saved_per_unit", "low": 200.0},
            {"by": "fewer_agencies", "n": 247, "ratio": "per_unit", "low": -500.0},
            {"by": "fewer_agencies", "n": 247, "ratio": "saved_per_unit", "low": -500.0},
            {"n": 4},
        ),
        {
            **ways("money_cost", "cost_differences"),
            **ways("money_effect", "effect_differences"),
            "money_ratio": ratio("per_unit", holds_zero=False),
            "money_ratio_or_not": ratio("per_unit", holds_zero=True),
            "money_ratio_saved": ratio("saved_per_unit", holds_zero=False),
            "money_ratio_saved_or_not": ratio("saved_per_unit", holds_zero=True),
            "money_unsure": some("ratios", ratio_kind="unsure"),
            "money_dominates": some("ratios", ratio_kind="dominates"),
            "money_dominated": some("ratios", ratio_kind="is_dominated"),
            "money_best": some("decisions", "chance_best"),
            "money_worth": some("decisions", "perfect_information"),
            "money_none": none_of(shown_costs, shown_effects, some("ratios")),
        },
    ),
    Edges(
        "organisations_costs_and_effects",
        organisations,
        tuple(range(8)),
        (
            {"number": 5, "cost": 1.0, "effect": 1.0, "value": 1.0, "chance": 0.9, "stated": False,
             "effect_name": "points"},
            {"number": 5, "cost": -1.0, "effect": -1.0, "value": -1.0, "chance": 0.5,
             "effect_name": "reliably_improved"},
            {"number": 5, "cost": 0.0, "effect": 0.0, "value": 0.0,
             "effect_name": "months_without_placement"},
            {"number": 2},
        ),
        {
            **{f"value_{name}_{way}": differs(f"{name}_from_mean", way)
               for name in ("cost", "effect") for way in ("more", "less", "alike")},
            **{f"value_{way}": differs("value_from_mean", way) for way in ("more", "less", "alike")},
            "value_likely": likely(True), "value_chance": likely(False),
        },
    ),
    Edges(
        "costs_and_benefits",
        weighed,
        tuple(range(12)),
        (
            *(
            {"n": 247, "otherwise": how, "net": amount, "balance": amount, "help": HELP,
             "anyway": AMOUNTS[0], "payback": back, "return": back != "never", "evidence": evidence,
             "label": {"nl": "zwak", "en": "weak"}, "reference": reference, "switch anyway": 0.62,
             "switch price_of_help": 0.62, "municipality help": AMOUNTS[1], "municipality net": amount,
             "health_insurer net": amount, "state help": AMOUNTS[1], "months": 24.0}
            for how, amount, back, evidence, reference in (
                ("none", AMOUNTS[0], "within", "", "start"),
                ("stated", AMOUNTS[1], "if_lasting", "weak", "before"),
                ("published", AMOUNTS[2], "never", "weak", "start"),
                ("model", AMOUNTS[2], "never", "", "start"),
                ("comparison_group", AMOUNTS[2], "never", "", "start"),
            )
            ),
            {"n": 4},
        ),
        {
            **ways("money_net", "waterfall", money_part="net"),
            **ways("money_balance", "waterfall", money_part="balance"),
            "money_return": some("per_euro", *PER_EURO, return_kind="bounded"),
            "money_return_unsure": some("per_euro", return_kind="unsure"),
            "money_within": some("payback", "payback_months", payback_kind="within"),
            "money_lasting": some("payback", "payback_months", payback_kind="if_lasting"),
            "money_never": some("payback", payback_kind="never"),
            "money_nothing": none_of(
                some("waterfall", *LIMITS, money_part="balance"), some("per_euro"), some("payback")
            ),
            "money_anyway": some("waterfall", *LIMITS, money_part="anyway"),
            "money_switch_anyway": some("switching", "switching_value", assumption="anyway"),
            "money_switch_help": some("switching", "switching_value", assumption="price_of_help"),
        },
    ),
    Edges(
        "agencies_scenario",
        scenario,
        tuple(range(6)),
        (
            {"n": 247, "agencies": (19800.0, 18900.0, 20700.0), "network_meetings": (300.0, 200.0, 400.0),
             **{f"{number} {part}": AMOUNTS[0] for number in (1, 2, 3)
                for part in ("coordination", "saved", "balance")}},
            {"n": 4},
        ),
        {
            "money_now_agencies": some("coordination_now", *LIMITS, spent_on="agencies"),
            "money_now_meetings": some("coordination_now", *LIMITS, spent_on="network_meetings"),
            "money_scenario": some("scenario", "estimate"),
            "money_no_scenario": none_of(some("coordination_now", *LIMITS)),
        },
    ),
    Edges(
        "costs_checklist",
        checklist,
        tuple(range(4)),
        (
            {**CHEERS,
             **{f"item {name}": place for name, place in CHEERS.items()}, "thresholds": ()},
            {f"item {name}": "own" for name in CHEERS},
        ),
        {"money_checklist": some("cheers")},
    ),
)  # fmt: skip
