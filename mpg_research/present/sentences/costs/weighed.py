"""Costs and benefits in sentences: first why the sum is indicative, then what is left and for whom."""

import pandas as pd

from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import (
    amount,
    interval_of,
    is_known,
    own_text,
    payer_of_perspective,
    way,
)

__all__ = ["benefit_sentences"]

_LIMITS = ("estimate", "conf_low", "conf_high")


def benefit_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of costs and benefits."""
    facts = voice.released.provenance.parameters
    parts = _parts(voice)
    said = [*_balance(voice, parts), *_return(voice), *_payback(voice)]
    first = [voice.phrases("costs_and_benefits.indicative")] if facts["indicative"] else []
    return {
        "answer": [*first, *(said or [voice.phrases("costs_and_benefits.hidden")])],
        "certainty": [*_otherwise(voice, parts), *_optimism(voice), *_switching(voice)],
        "in_short": [*first, *_balance(voice, parts)[-1:]],
        "payers": _payers(voice),
        "limits": [
            voice.phrases(
                f"costs_and_benefits.from_{facts['reference']}",
                period=voice.period(
                    float(facts["start_months" if facts["reference"] == "start" else "before_months"])
                ),
            ),
            voice.phrases("costs_and_benefits.agencies"),
            voice.phrases(
                "costs_and_effects.prices", year=str(facts["year"]), perspective=payer_of_perspective(voice)
            ),
            voice.phrases("costs_and_benefits.shares"),
            voice.phrases("costs_and_benefits.no_cash"),
        ],
        "method": _method(voice),
    }  # fmt: skip


def _method(voice: Voice) -> list[str]:
    """How it was calculated."""
    facts = voice.released.provenance.parameters
    said = [voice.phrases(f"costs_and_benefits.method_{name}") for name in ("benefit", "followed", "errors")]
    if float(facts["rate_costs"]) > 0 and float(facts["months"]) > 12:
        rate = format_share(float(facts["rate_costs"]), voice.language, digits=1)
        said.append(voice.phrases("costs_and_benefits.method_discounted", rate=rate))
    return said


def _parts(voice: Voice) -> dict[str, pd.Series]:
    rows = voice.frame("waterfall")
    return {str(row["money_part"]): row for _, row in rows.iterrows() if is_known(row, *_LIMITS)}


def _balance(voice: Voice, parts: dict[str, pd.Series]) -> list[str]:
    found = []
    period = voice.period(float(voice.released.provenance.parameters["months"]))
    if {"net", "help"} <= set(parts):
        found.append(
            voice.phrases(
                f"costs_and_benefits.net_{way(parts['net'])}",
                net=amount(voice, _told(parts["net"])), period=period,
                help=amount(voice, -float(parts["help"]["estimate"])),
            )
        )  # fmt: skip
    if "balance" in parts:
        row = parts["balance"]
        key = way(row)
        found.append(
            voice.phrases(
                f"costs_and_benefits.balance_{key}", amount=amount(voice, _told(row)), period=period,
                **interval_of(voice, row, turned=key == "less"),
            )
        )  # fmt: skip
    return found


def _told(row: pd.Series) -> float:
    """An amount whose direction is in the words, where it is clear."""
    value = float(row["estimate"])
    return value if way(row) == "unclear" else abs(value)


def _return(voice: Voice) -> list[str]:
    rows = voice.frame("per_euro")
    for _, row in rows.iterrows():
        if row["return_kind"] == "bounded" and is_known(row, "per_euro", "per_euro_low", "per_euro_high"):
            low, high = (voice.number(float(row[name]), 2) for name in ("per_euro_low", "per_euro_high"))
            return [
                voice.phrases(
                    "costs_and_benefits.per_euro", ratio=voice.number(float(row["per_euro"]), 2), low=low,
                    high=high, level=voice.level,
                )
            ]  # fmt: skip
        if row["return_kind"] == "unsure":
            return [voice.phrases("costs_and_benefits.per_euro_unsure")]
    return []


def _payback(voice: Voice) -> list[str]:
    rows = voice.frame("payback")
    for _, row in rows.iterrows():
        kind = str(row["payback_kind"])
        if kind == "never":
            return [voice.phrases("costs_and_benefits.payback_never")]
        if is_known(row, "payback_months"):
            period = voice.period(float(row["payback_months"]))
            return [voice.phrases(f"costs_and_benefits.payback_{kind}", period=period)]
    return []


def _otherwise(voice: Voice, parts: dict[str, pd.Series]) -> list[str]:
    facts = voice.released.provenance.parameters
    how = str(facts["otherwise"])
    if how == "none":
        return [voice.phrases("costs_and_benefits.otherwise_none")]
    if how == "comparison_group":
        if "anyway" not in parts:
            return []
        return [
            voice.phrases(
                "costs_and_benefits.otherwise_comparison_group",
                column=voice.label("value.variable", facts["comparison"]),
                amount=amount(voice, -float(parts["anyway"]["estimate"])),
            )
        ]
    return [
        voice.phrases(
            f"costs_and_benefits.otherwise_{how}", source=own_text(voice, facts["otherwise_source"]),
            share=format_share(float(facts["anyway_share"]), voice.language, digits=0),
        )
    ]  # fmt: skip


def _optimism(voice: Voice) -> list[str]:
    facts = voice.released.provenance.parameters
    if not facts["evidence"]:
        return [voice.phrases("costs_and_benefits.optimism_none")]
    return [
        voice.phrases(
            "costs_and_benefits.optimism", source=own_text(voice, facts["optimism_source"]),
            share=format_share(float(facts["optimism_share"]), voice.language, digits=0),
            evidence=own_text(voice, facts["evidence_label"]) or str(facts["evidence"]),
        )
    ]  # fmt: skip


def _switching(voice: Voice) -> list[str]:
    rows = voice.frame("switching")
    found = []
    for _, row in rows.iterrows():
        name = str(row["assumption"])
        if name in ("anyway", "price_of_help") and is_known(row, "switching_value"):
            value = format_share(float(row["switching_value"]), voice.language, digits=0)
            found.append(voice.phrases(f"costs_and_benefits.switching_{name}", value=value))
    return found


def _payers(voice: Voice) -> list[str]:
    """Who pays and who gains, each payer once."""
    rows = voice.frame("by_payer")
    if not len(rows):
        return []
    found = []
    for payer, mine in rows.groupby("payer", sort=False):
        known = {str(row["money_part"]): row for _, row in mine.iterrows() if is_known(row, *_LIMITS)}
        words = {"payer": voice.label("value.payer", payer)}
        if "help" in known:
            words["pays"] = amount(voice, -float(known["help"]["estimate"]))
        if "net" in known:
            key, size = way(known["net"]), float(known["net"]["estimate"])
            words["gains"] = amount(voice, abs(size) if key != "unclear" else size)
            start = "both" if "help" in known else "gains"
            found.append(voice.phrases(f"costs_and_benefits.{start}_{key}", **words))
        elif "help" in known:
            found.append(voice.phrases("costs_and_benefits.pays_only", **words))
    return found
