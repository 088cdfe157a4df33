"""Organisations by costs and effects in sentences: who differs from the mean, and never an order of them.

Single organisations are named by their own test, corrected for their number, as where scores are compared.
"""

import pandas as pd

from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import amount, euros, interval_of, payer_of_perspective, way
from mpg_research.present.sentences.costs.compared import end_of_effect, limits_shown, size_of_effect

__all__ = ["organisation_value_sentences"]

_LIMITS = ("estimate", "conf_low", "conf_high")
_TESTED = (*_LIMITS, "p_adjusted")
#: From this chance on it is said that one is likely to be the best; ours.
_LIKELY = 0.8
#: A chance that was drawn is never certain.
_SURE = 0.9999


def organisation_value_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of organisations beside each other by costs and effects."""
    facts = voice.released.provenance.parameters
    limits = [
        voice.phrases("organisations_costs_and_effects.cause"),
        voice.phrases(
            "costs_and_effects.prices", year=str(facts["year"]), perspective=payer_of_perspective(voice)
        ),
    ]
    reason = voice.released.reason_for("cost_from_mean")
    said = [*_costs(voice), *_effects(voice), *_values(voice)]
    if reason is not None or not said:
        code = "all_suppressed" if reason is None else reason.code
        values = {"minimum": voice.minimum} if reason is None else reason.values
        why = voice.phrases(f"withheld.{code}", **values)
        answer = voice.phrases("organisations_costs_and_effects.not_shown", why=why)
        return {"answer": [answer], "limits": limits}
    if len(voice.frame("chances")) and not facts["thresholds_stated"]:
        limits.append(voice.phrases("costs_and_effects.no_norm"))
    limits += [voice.phrases(f"costs_and_effects.{key}") for key in ("clusters", "followed")]
    return {
        "answer": said,
        "certainty": [*_chance(voice), voice.phrases("organisations_costs_and_effects.tested")]
        if said
        else [],
        "limits": limits,
    }


def _named(voice: Voice, rows: list[pd.Series]) -> list[pd.Series]:
    """Those that differ from the mean after correction for their number."""
    return [row for row in rows if float(row["p_adjusted"]) < voice.alpha and way(row) != "unclear"]


def _costs(voice: Voice) -> list[str]:
    rows = limits_shown(voice, "cost_from_mean", *_TESTED)
    period = voice.period(float(voice.released.provenance.parameters["months"]))
    if not rows:
        return []
    named = [
        voice.phrases(
            f"organisations_costs_and_effects.cost_{way(row)}", name=voice.organisation(row["organisation"]),
            period=period, amount=amount(voice, abs(float(row["estimate"]))),
            **interval_of(voice, row, turned=way(row) == "less"),
        )
        for row in _named(voice, rows)
    ]  # fmt: skip
    return named or [voice.phrases("organisations_costs_and_effects.cost_alike", period=period)]


def _effects(voice: Voice) -> list[str]:
    effect = str(voice.released.provenance.parameters["effect"])
    what = voice.label("value.cost_effect", effect)
    rows = limits_shown(voice, "effect_from_mean", *_TESTED)
    if not rows:
        return []
    named = []
    for row in _named(voice, rows):
        sign = -1.0 if way(row) == "less" else 1.0
        low, high = sorted(sign * float(row[name]) for name in _LIMITS[1:])
        named.append(
            voice.phrases(
                f"organisations_costs_and_effects.effect_{way(row)}", effect=what,
                name=voice.organisation(row["organisation"]), level=voice.level,
                size=size_of_effect(voice, effect, sign * float(row["estimate"])),
                low=end_of_effect(voice, effect, low), high=end_of_effect(voice, effect, high),
            )
        )  # fmt: skip
    return named or [voice.phrases("organisations_costs_and_effects.effect_alike", effect=what)]


def _values(voice: Voice) -> list[str]:
    """Of each that differs at some threshold, the lowest one."""
    rows = limits_shown(voice, "value_from_mean", *_TESTED)
    if not rows:
        return []
    first: dict[str, pd.Series] = {}
    for row in _named(voice, sorted(rows, key=lambda row: float(row["may_cost"]))):
        first.setdefault(str(row["organisation"]), row)
    unit = voice.label("value.effect_unit", voice.released.provenance.parameters["effect"])
    named = [
        voice.phrases(
            f"organisations_costs_and_effects.value_{way(row)}", unit=unit, name=voice.organisation(code),
            threshold=euros(voice, float(row["may_cost"])), amount=amount(voice, float(row["estimate"])),
            **interval_of(voice, row),
        )
        for code, row in first.items()
    ]  # fmt: skip
    return named or [voice.phrases("organisations_costs_and_effects.value_alike", unit=unit)]


def _chance(voice: Voice) -> list[str]:
    """The highest chance of anyone to be the best, at any threshold."""
    rows = limits_shown(voice, "chances", "chance_best")
    if not rows:
        return []
    most = max(float(row["chance_best"]) for row in rows)
    key = "likely" if most >= _LIKELY else "chance"
    chance = format_share(min(most, _SURE), voice.language, digits=0)
    return [voice.phrases(f"organisations_costs_and_effects.{key}", chance=chance)]
