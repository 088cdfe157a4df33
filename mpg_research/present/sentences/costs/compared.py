"""Costs and effects of groups in sentences: what more costs, what it gives, and how sure that is."""

import pandas as pd

from mpg_research.analysis.interventions.protocol import ANY
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import (
    amount,
    euros,
    interval_of,
    is_known,
    payer_of_perspective,
    way,
)

__all__ = [
    "comparison_sentences",
    "end_of_effect",
    "group_name",
    "limits_shown",
    "reference_name",
    "size_of_effect",
]

_LIMITS = ("estimate", "conf_low", "conf_high")
_SOME = 3
#: A chance that was drawn is never certain.
_SURE = 0.9999
#: What an emulated trial compares, with its sentence on what it cannot know.
_TRIALS = {"intervention": "trial", "fewer_agencies": "trial_agencies"}


def comparison_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of a comparison of costs and effects."""
    facts = voice.released.provenance.parameters
    found = [*_costs(voice), *_effects(voice), *_ratios(voice)]
    said = [*_question(voice), *found] if found else []
    limits = [
        voice.phrases(f"costs_and_effects.{_TRIALS.get(str(facts['by']), 'association')}"),
        voice.phrases(
            "costs_and_effects.prices", year=str(facts["year"]), perspective=payer_of_perspective(voice)
        ),
    ]
    if len(voice.frame("acceptability")) and not facts["thresholds_stated"]:
        limits.append(voice.phrases("costs_and_effects.no_norm"))
    limits.append(voice.phrases("costs_and_effects.clusters"))
    if facts["by"] not in _TRIALS:
        limits.append(voice.phrases("costs_and_effects.followed"))
    return {
        "answer": said or [voice.phrases("costs_and_effects.hidden")],
        "in_short": [*_question(voice), *(_ratios(voice) or _costs(voice))[:1]] if found else [],
        "certainty": [*_choice(voice), *_worth(voice)],
        "limits": limits,
        "method": _method(voice),
    }


def _question(voice: Voice) -> list[str]:
    """Who is compared with whom, where that is no column of the study."""
    facts = voice.released.provenance.parameters
    if facts["by"] == "fewer_agencies":
        period = voice.period(float(facts["agencies_within_months"]))
        number = int(facts["agencies_at_most"])
        return [voice.phrases("costs_and_effects.question_agencies", number=number, period=period)]
    if facts["by"] != "intervention":
        return []
    weeks = voice.count(float(facts["grace_weeks"]))
    if facts["intervention"] == ANY:
        return [voice.phrases("costs_and_effects.question_any", weeks=weeks)]
    what = voice.label("value.intervention", facts["intervention"])
    return [voice.phrases("costs_and_effects.question", weeks=weeks, what=what)]


def _method(voice: Voice) -> list[str]:
    """How it was calculated."""
    facts = voice.released.provenance.parameters
    own = (
        voice.phrases("costs_and_effects.method_trial", period=voice.period(float(facts["months"])))
        if facts["by"] in _TRIALS
        else voice.phrases("costs_and_effects.method_followed")
    )
    drawn = voice.phrases("costs_and_effects.method_draws", number=voice.count(float(facts["replications"])))
    return [voice.phrases("costs_and_effects.method_costs"), own, drawn]


def group_name(voice: Voice, name: object) -> str:
    """A group or strategy in words.

    Parameters
    ----------
    voice : Voice
    name : str
    """
    facts = voice.released.provenance.parameters
    if facts["by"] == "fewer_agencies":
        return voice.phrases(f"costs_and_effects.strategy_{name}", number=int(facts["agencies_at_most"]))
    if facts["by"] == "intervention":
        if facts["intervention"] == ANY:
            return voice.phrases(f"costs_and_effects.strategy_{name}_any")
        what = voice.label("value.intervention", facts["intervention"])
        return voice.phrases(f"costs_and_effects.strategy_{name}", what=what)
    column = voice.label("value.variable", facts["by"])
    return voice.phrases(
        "costs_and_effects.group", column=column, value=voice.label("value.compared_group", name)
    )


def reference_name(voice: Voice) -> str:
    """The group that the others are compared with.

    Parameters
    ----------
    voice : Voice
    """
    return group_name(voice, voice.released.provenance.parameters["groups"][0])


def limits_shown(voice: Voice, table: str, *columns: str) -> list[pd.Series]:
    """Rows of a table of which these numbers are shown.

    Parameters
    ----------
    voice : Voice
    table : str
    *columns : str
    """
    rows = voice.frame(table)
    return [row for _, row in rows.iterrows() if is_known(row, *columns)] if len(rows) else []


def _costs(voice: Voice) -> list[str]:
    found = []
    period = voice.period(float(voice.released.provenance.parameters["months"]))
    for row in limits_shown(voice, "cost_differences", *_LIMITS):
        key, less = way(row), float(row["conf_high"]) < 0
        found.append(
            voice.phrases(
                f"costs_and_effects.cost_{key}", what=group_name(voice, row["compared_group"]),
                reference=reference_name(voice), period=period,
                amount=amount(voice, _told(row)),
                **interval_of(voice, row, turned=less),
            )
        )  # fmt: skip
    return found


def _told(row: pd.Series) -> float:
    """An amount whose direction is in the words, where it is clear."""
    value = float(row["estimate"])
    return value if way(row) == "unclear" else abs(value)


def _effects(voice: Voice) -> list[str]:
    facts = voice.released.provenance.parameters
    effect, found = str(facts["effect"]), []
    for row in limits_shown(voice, "effect_differences", *_LIMITS):
        key = way(row)
        sign = -1.0 if key == "less" else 1.0
        low, high = sorted(sign * float(row[name]) for name in _LIMITS[1:])
        found.append(
            voice.phrases(
                f"costs_and_effects.effect_{key}", what=group_name(voice, row["compared_group"]),
                reference=reference_name(voice), level=voice.level,
                size=size_of_effect(voice, effect, sign * float(row["estimate"])),
                low=end_of_effect(voice, effect, low), high=end_of_effect(voice, effect, high),
                effect=voice.label("value.cost_effect", effect),
            )
        )  # fmt: skip
    return found


def size_of_effect(voice: Voice, effect: str, value: float) -> str:
    """A difference in effect, in the unit of it: of a share in percentage points.

    Parameters
    ----------
    voice : Voice
    effect : str
    value : float
    """
    text = end_of_effect(voice, effect, value)
    if effect == "reliably_improved":
        return voice.phrases("costs_and_effects.percentage_points", number=text)
    return text


def end_of_effect(voice: Voice, effect: str, value: float) -> str:
    """An end of the interval of a difference in effect: as it, without the unit.

    Parameters
    ----------
    voice : Voice
    effect : str
    value : float
    """
    return voice.number(100 * value, 0) if effect == "reliably_improved" else voice.number(value)


def _ratios(voice: Voice) -> list[str]:
    facts = voice.released.provenance.parameters
    found, unit = [], voice.label("value.effect_unit", facts["effect"])
    rows = voice.frame("ratios")
    for _, row in rows.iterrows():
        words = {"what": group_name(voice, row["compared_group"]), "reference": reference_name(voice),
                 "period": voice.period(float(facts["months"]))}  # fmt: skip
        kind = str(row["ratio_kind"])
        if kind in ("per_unit", "saved_per_unit"):
            if not is_known(row, "euros_per_unit", "euros_per_unit_low", "euros_per_unit_high"):
                continue
            low, high = (
                amount(voice, float(row[name])) for name in ("euros_per_unit_low", "euros_per_unit_high")
            )
            words |= {"ratio": amount(voice, float(row["euros_per_unit"])), "low": low, "high": high,
                      "level": voice.level, "unit": unit}  # fmt: skip
            if float(row["euros_per_unit_low"]) < 0:
                kind = f"{kind}_or_not"
        if kind == "unsure":
            words = {name: words[name] for name in ("what", "period")} | {"unit": unit}
        found.append(voice.phrases(f"costs_and_effects.{kind}", **words))
    return found


def _choice(voice: Voice) -> list[str]:
    """What is best at some thresholds, and how sure."""
    facts = voice.released.provenance.parameters
    rows = limits_shown(voice, "decisions", "chance_best")
    step = max(1, (len(rows) - 1) // (_SOME - 1)) if len(rows) > 1 else 1
    return [
        voice.phrases(
            "costs_and_effects.best", threshold=euros(voice, float(row["may_cost"])),
            unit=voice.label("value.effect_unit", facts["effect"]), best=group_name(voice, row["best"]),
            chance=format_share(min(float(row["chance_best"]), _SURE), voice.language, digits=0),
        )
        for row in rows[::step][:_SOME]
    ]  # fmt: skip


def _worth(voice: Voice) -> list[str]:
    """What knowing all would be worth at most, at the threshold where that is most."""
    rows = limits_shown(voice, "decisions", "perfect_information")
    if not rows or voice.is_plain:
        return []
    most = max(rows, key=lambda row: float(row["perfect_information"]))
    return [
        voice.phrases(
            "costs_and_effects.worth", amount=amount(voice, float(most["perfect_information"])),
            threshold=euros(voice, float(most["may_cost"])),
            unit=voice.label("value.effect_unit", voice.released.provenance.parameters["effect"]),
        )
    ]  # fmt: skip
