"""The scenario of fewer agencies, and the checklist of what is reported, in sentences."""

from collections.abc import Mapping

from mpg_research.present.language.numbers import format_plain, format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import (
    amount,
    euros,
    interval_of,
    is_known,
    own_text,
    payer_of_perspective,
)

__all__ = ["checklist_sentences", "scenario_sentences"]

_LIMITS = ("estimate", "conf_low", "conf_high")


def scenario_sentences(voice: Voice) -> dict[str, list[str]]:
    """What coordination costs now, and what each stated assumption would make of it."""
    facts = voice.released.provenance.parameters
    now = {
        str(row["spent_on"]): row
        for _, row in voice.frame("coordination_now").iterrows()
        if is_known(row, *_LIMITS)
    }
    said = [
        voice.phrases(
            f"agencies_scenario.now_{name}",
            amount=amount(voice, float(row["estimate"])),
            **interval_of(voice, row),
        )
        for name, row in now.items()
    ]
    known: dict[int, dict[str, float]] = {}
    for _, row in voice.frame("scenario").iterrows():
        if is_known(row, "estimate"):
            known.setdefault(int(row["assumption_number"]), {})[str(row["money_part"])] = float(
                row["estimate"]
            )
    assumed = [
        _assumption(voice, number - 1, parts)
        for number, parts in known.items()
        if {"coordination", "saved", "balance"} <= set(parts)
    ]
    first = voice.phrases("agencies_scenario.scenario")
    return {
        "answer": [first, *said] if said or assumed else [voice.phrases("agencies_scenario.hidden")],
        "assumptions": assumed,
        "limits": [
            voice.phrases("agencies_scenario.not_found"),
            voice.phrases(
                "costs_and_effects.prices", year=str(facts["year"]), perspective=payer_of_perspective(voice)
            ),
        ],
    }


def _assumption(voice: Voice, place: int, parts: Mapping[str, float]) -> str:
    """What is assumed, and what would come of it."""
    facts = voice.released.provenance.parameters
    share, hours = float(facts["shares_saved"][place]), float(facts["hours"][place])
    # What is assumed to save nothing, or to take no hours, is no rounded amount.
    saved, more = (
        euros(voice, 0.0) if assumed == 0 else amount(voice, value)
        for assumed, value in ((share, parts["saved"]), (hours, -parts["coordination"]))
    )
    return voice.phrases(
        "agencies_scenario.assumption", label=own_text(voice, facts["labels"][place]),
        number=int(facts["agencies_at_most"][place]), hours=format_plain(hours, voice.language),
        share=format_share(share, voice.language, digits=0),
        source=own_text(voice, facts["sources"][place]), saved=saved, coordination=more,
        balance=amount(voice, parts["balance"]),
    )  # fmt: skip


def checklist_sentences(voice: Voice) -> dict[str, list[str]]:
    """How much is stated, and the 28 items one by one (as limits, which are shown as a list)."""
    rows = voice.frame("cheers")
    if not len(rows):
        return {"answer": [], "limits": []}
    answered = int((rows["stated"] != "nothing").sum())
    return {
        "answer": [
            voice.phrases(
                "costs_checklist.how_many", number=voice.count(answered), all=voice.count(len(rows))
            )
        ],
        "limits": [
            _item(voice, int(row["item_number"]), str(row["cheers_item"]), str(row["stated"]))
            for _, row in rows.iterrows()
        ],
    }


def _item(voice: Voice, number: int, asked: str, stated: str) -> str:
    facts = voice.released.provenance.parameters
    words = {"number": str(number), "item": voice.label("value.cheers_item", asked)}
    if stated == "own":
        return voice.phrases("costs_checklist.item", **words, answer=own_text(voice, facts["texts"][asked]))
    if stated == "nothing":
        return voice.phrases("costs_checklist.not_stated", **words)
    if stated == "report":
        return voice.phrases(
            "costs_checklist.in_report", **words, answer=voice.label("value.found_under", asked)
        )
    return voice.phrases("costs_checklist.item", **words, answer=_setting(voice, asked))


def _setting(voice: Voice, asked: str) -> str:
    """What the settings answer."""
    facts = voice.released.provenance.parameters
    thresholds = [euros(voice, float(each)) for each in facts["thresholds"]]
    known = {
        "perspective": lambda: payer_of_perspective(voice),
        "period": lambda: voice.period(float(facts["months"])),
        "costs": lambda: format_share(float(facts["rate_costs"]), voice.language, digits=1),
        "effects": lambda: format_share(float(facts["rate_effects"]), voice.language, digits=1),
        "effect": lambda: voice.label("value.cost_effect", facts["effect"]),
        "otherwise": lambda: voice.label("value.otherwise", facts["otherwise"]),
        "year": lambda: str(facts["year"]),
        "base": lambda: euros(voice, float(facts["round_to"])),
        "thresholds": lambda: ", ".join(thresholds) or voice.phrases("costs_checklist.no_thresholds"),
    }
    key = f"costs_checklist.{asked}"
    return voice.phrases(key, **{name: known[name]() for name in voice.phrases.placeholders(key)})
