"""Ranks, the funnel plot and shares in sentences: each share with its month and with whom it is of."""

import math

import pandas as pd

from mpg_research.frames import quantity
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["class_sentence", "funnel_topic", "rank_topic", "share_topic"]

#: Limits of rankability in per cent.
_LOW, _HIGH = 50, 75
#: How many checks a funnel plot has to pass.
_CHECKS = 6
#: The order in which shares are spoken of.
_ORDER = ("dropped_out", "measured", "reliably_improved", "reliably_worsened")


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


def share_topic(voice: Voice) -> list[str]:
    """The shares of all families, and beside each that of the reading organisation."""
    found, own = voice.frame("shares_of_all"), _own(voice)
    sentences = []
    for name in _ORDER:
        mine = own[own["indicator"] == name] if len(own) else own
        rows = found[found["indicator"] == name] if len(found) else found
        said = [sentence for _, row in rows.iterrows() if (sentence := _of_all(voice, name, row))]
        if not said and len(mine):  # without the others: the own one is said by its name alone
            said = [voice.label("value.indicator", name) + "."] if _known(mine.iloc[0]) else []
        sentences += [*said, *(_of_own(voice, row) for _, row in mine.iterrows() if said)]
    return sentences


def _own(voice: Voice) -> pd.DataFrame:
    rows = voice.frame("share_indicators")
    if voice.released.own is None or not len(rows):
        return pd.DataFrame()
    return rows[rows["organisation"] == voice.released.own]


def _of_all(voice: Voice, name: str, row: pd.Series) -> str:
    ends = row[["observed_low", "observed_high"]]
    if _known(row) and not ends.between(0, 1).all():
        return ""
    values = {**_moments(voice), **_shown(voice, row)}
    key = f"shares.{name}" if _known(row) else f"shares.not_yet_{name}"
    if not voice.phrases.has(key) or (not _known(row) and row["n_group"] != 0):
        return ""
    return voice.phrases(key, **values)


def _of_own(voice: Voice, row: pd.Series) -> str:
    name, moment = voice.organisation(row["organisation"]), voice.moment(voice.main_month)
    if not _known(row):
        nobody = row["n_group"] == 0
        key = "shares.own_not_yet" if nobody else "organisations.own_hidden"
        return voice.phrases(key, name=name, moment=moment)
    values = {"name": name, **_shown(voice, row)}
    has_ends = row[["observed_low", "observed_high"]].between(0, 1).all()
    key = "shares.own" if has_ends else "shares.own_share"
    return voice.phrases(key, **values)


def _known(row: pd.Series) -> bool:
    return bool(0 <= row["share_observed"] <= 1)


def _shown(voice: Voice, row: pd.Series) -> dict[str, str]:
    families = voice.about(voice.families(float(row["n_families"])), str(row.get("n_mark", "")))
    return {"families": families, **_shares(voice, row, "share_observed", "observed_low", "observed_high")}


def class_sentence(voice: Voice, table: str, name: str) -> str:
    """The same sentence from a table with a class "yes" in it; "" where it is not shown."""
    found = voice.table(table)
    if found is None or not len(found.data):
        return ""
    rows = found.data.set_index("class")
    row = rows.iloc[0]
    group = rows["n_group"].dropna()
    size = float(group.max()) if len(group) else math.nan
    values = _moments(voice)
    key = f"shares.{name}"
    if size == 0:
        key = f"shares.not_yet_{name}"
    elif not math.isfinite(size) or not row[["estimate", "conf_low", "conf_high"]].between(0, 1).all():
        return ""
    else:
        values |= {
            "families": voice.phrases("unit.families", number=voice.rounded(size)),
            **_shares(voice, row, "estimate", "conf_low", "conf_high"),
        }
    return voice.phrases(key, **values)


def _shares(voice: Voice, row: pd.Series, *columns: str) -> dict[str, str]:
    texts = [format_share(float(row[column]), voice.language, digits=0) for column in columns]
    return dict(zip(("share", "low", "high"), texts, strict=True))


def _moments(voice: Voice) -> dict[str, str]:
    return {"moment": voice.moment(voice.main_month), "period": voice.period(voice.main_month)}
