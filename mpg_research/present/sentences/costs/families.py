"""What families cost, in words; never an effect."""

import numpy as np
import pandas as pd

from mpg_research.present.language.numbers import format_number, format_share, with_percent
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import amount

__all__ = ["cost_sentences"]

_LIMITS = ("mean_cost_low", "mean_cost_high")


def cost_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of what families cost."""
    facts = voice.released.provenance.parameters
    return {
        "answer": [_mean(voice), *_parts(voice, "phase"), *_parts(voice, "payer"), *_before(voice)],
        "certainty": [
            *_spread(voice),
            *_funnel(voice),
            voice.phrases("costs.weighted"),
            voice.phrases("costs.clusters" if facts["over_workers"] else "costs.families_apart"),
        ],
        "limits": [
            voice.phrases("costs.no_effect"),
            _perspective(voice),
            *_prices(voice),
            *_without_price(voice),
            *_absent(voice),
        ],
    }


def _shown(row: pd.Series, *columns: str) -> bool:
    """Whether amounts of a row are all shown."""
    return bool(np.isfinite(row[list(columns)].to_numpy(dtype=float)).all())


def _period(voice: Voice) -> str:
    return voice.period(float(voice.released.provenance.parameters["horizon_months"]))


def _mean(voice: Voice) -> str:
    rows = voice.frame("costs")
    year = str(voice.released.provenance.parameters["year"])
    if not len(rows) or not _shown(rows.iloc[0], "mean_cost", *_LIMITS):
        return voice.phrases("costs.hidden")
    row = rows.iloc[0]
    low, high = (amount(voice, float(row[name])) for name in _LIMITS)
    return voice.phrases(
        "costs.mean", mean=amount(voice, float(row["mean_cost"])), low=low, high=high, level=voice.level,
        period=_period(voice), year=year,
    )  # fmt: skip


def _parts(voice: Voice, name: str) -> list[str]:
    """The parts of the mean that are shown, the largest first; nothing where there is one."""
    rows = voice.frame(f"costs_by_{name}")
    if len(rows) < 2:
        return []
    rows = rows[np.isfinite(rows["mean_cost"].to_numpy(dtype=float))]
    if not len(rows):
        return []
    listed = [
        voice.phrases(
            "costs.part", what=voice.label(f"value.{name}", row[name]).lower(),
            amount=amount(voice, float(row["mean_cost"])),
        )
        for _, row in rows.sort_values("mean_cost", ascending=False, kind="stable").iterrows()
    ]  # fmt: skip
    said = [voice.phrases(f"costs.by_{name}", parts="; ".join(listed))]
    table = voice.table(f"costs_by_{name}")
    some_hidden = table is not None and bool(table.data["suppressed"].any())
    return [*said, *([voice.phrases("costs.parts_hidden")] if some_hidden else [])]


def _before(voice: Voice) -> list[str]:
    rows = voice.frame("costs_before_help")
    columns = ("mean_cost", "share_before", "share_before_low", "share_before_high")
    if not len(rows) or not _shown(rows.iloc[0], *columns):
        return []
    row = rows.iloc[0]
    share, low, high = (format_share(float(row[name]), voice.language, digits=0) for name in columns[1:])
    months = float(voice.released.provenance.parameters["before_help_months"])
    return [
        voice.phrases(
            "costs.before", mean=amount(voice, float(row["mean_cost"])), share=share, low=low, high=high,
            level=voice.level, before=voice.period(months), period=_period(voice),
        )
    ]  # fmt: skip


def _spread(voice: Voice) -> list[str]:
    rows = voice.frame("cost_spread")
    if not len(rows):
        return []
    row, found = rows.iloc[0], []
    if _shown(row, "q50"):
        found.append(voice.phrases("costs.median", amount=amount(voice, float(row["q50"]))))
    if _shown(row, "q90", "dearest_share"):
        share = format_share(float(row["dearest_share"]), voice.language, digits=0)
        found.append(voice.phrases("costs.dearest", amount=amount(voice, float(row["q90"])), share=share))
    return found


def _funnel(voice: Voice) -> list[str]:
    rows = voice.frame("cost_funnel")
    if not len(rows):
        return []
    outside = int((rows["beyond_adjusted"].isin(["95", "99.8"])).sum())
    if not outside:
        return [voice.phrases("costs.funnel_none")]
    return [voice.phrases("costs.funnel_some", number=voice.count(float(outside)))]


def _perspective(voice: Voice) -> str:
    view = str(voice.released.provenance.parameters["perspective"])
    if view == "societal":
        return voice.phrases("costs.societal")
    payer = "municipality" if view == "municipal" else view
    return voice.phrases("costs.of_one_payer", payer=voice.label("value.payer", payer).lower())


def _prices(voice: Voice) -> list[str]:
    facts = voice.released.provenance.parameters
    rate = with_percent(format_number(100 * float(facts["rate"]), voice.language, digits=1), voice.language)
    key = "costs.indexed" if facts["indexed"] else "costs.own_prices"
    found = [voice.phrases(key, year=str(facts["year"]))]
    if float(facts["rate"]) > 0 and float(facts["horizon_months"]) > 12:
        found.append(voice.phrases("costs.discounted", rate=rate))
    return found


def _without_price(voice: Voice) -> list[str]:
    return [voice.phrases("costs.without_price")] if len(voice.frame("without_price")) else []


def _absent(voice: Voice) -> list[str]:
    recorded = voice.released.provenance.parameters["recorded"]
    return [voice.phrases(f"costs.absent_{name}") for name in ("care", "events") if name not in recorded]
