"""Ranks and the funnel plot in sentences."""

import math

from mpg_research.frames import quantity
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["funnel_topic", "rank_topic"]

#: Limits of rankability in per cent.
_LOW, _HIGH = 50, 75
#: How many checks a funnel plot has to pass.
_CHECKS = 6


def rank_topic(voice: Voice) -> list[str]:
    """How uncertain the ranks are, and how much of an order would be chance."""
    ranks = voice.frame("ranks")
    ranks = ranks[ranks["set_low"].notna() & ranks["set_high"].notna()] if len(ranks) else ranks
    if not len(ranks):
        return []
    table = voice.table("ranks")
    n_shown, number = len(ranks), len(ranks) if table is None else len(table.data)
    middle = (number + 1) / 2
    wide = int(((ranks["set_low"] <= middle) & (ranks["set_high"] >= middle)).sum())
    which = voice.phrases("organisations.all_of", number=voice.count(number))
    if n_shown < number:
        counts = {"shown": voice.count(n_shown), "number": voice.count(number)}
        which = voice.phrases("organisations.shown_of", **counts)
    sentences = [voice.phrases("organisations.ranks_all", organisations=which)]
    if wide < n_shown:
        sentences = [voice.phrases("organisations.ranks", organisations=which, wide=voice.count(wide))]
    own = ranks[ranks["organisation"] == voice.released.own] if voice.released.own else ranks.iloc[:0]
    for _, row in own.iterrows():
        sentences.append(
            voice.phrases(
                "organisations.ranks_own",
                name=voice.organisation(row["organisation"]),
                low=voice.count(row["set_low"]),
                high=voice.count(row["set_high"]),
                number=voice.count(number),
            )
        )
    percent = _quantity(voice, "rankability")
    if percent is not None and 0 <= percent <= 100:
        shown, told = voice.number(percent, 0), round(percent)
        grade = "low" if told < _LOW else "moderate" if told <= _HIGH else "high"
        sentences.append(voice.phrases(f"organisations.rankability_{grade}", percent=shown))
    return sentences


def funnel_topic(voice: Voice) -> list[str]:
    """How many organisations lie beyond the limits, by chance too, and whether the checks passed."""
    beyond, far = _quantity(voice, "n_beyond_95"), _quantity(voice, "n_beyond_998")
    share = _quantity(voice, "alarm_share_95")
    if beyond is None or far is None or share is None:
        return []
    if beyond == 0:
        sentences = [voice.phrases("organisations.funnel_none")]
    else:
        by_chance = format_share(share, voice.language, digits=1)
        sentences = [
            voice.phrases(
                f"organisations.funnel_{'one' if beyond == 1 else 'some'}",
                number=voice.count(beyond),
                far=voice.count(far),
                share=by_chance,
            )
        ]
    steps = voice.frame("funnel_steps")
    failed = int((steps["verdict"] == "fail").sum()) if len(steps) else 0
    if failed:
        sentences.append(voice.phrases("organisations.funnel_failed", failed=voice.count(failed)))
    elif len(steps) == _CHECKS and (steps["verdict"] == "pass").all():
        sentences.append(voice.phrases("organisations.funnel_passed"))
    return sentences


def _quantity(voice: Voice, name: str) -> float | None:
    found = quantity(voice.frame("funnel_summary"), name)
    return found if math.isfinite(found) else None
