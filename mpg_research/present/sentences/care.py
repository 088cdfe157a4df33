"""Who helped, in sentences: numbers of workers and agencies, one plan; associations, never effects."""

import math

import pandas as pd

from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["around_sentences", "helper_sentences", "row_near", "spell_sentences"]


def helper_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how many workers and agencies families meet."""
    answer = [
        *_number_so_far(voice, "workers_so_far", "workers"),
        *_number_so_far(voice, "most_agencies", "agencies"),
        *_share_then(voice, "one_plan"),
        *_share_then(voice, "case_manager"),
    ]
    return {
        "answer": answer or [voice.phrases("helpers.hidden")],
        "certainty": around_sentences(voice, "around_plan", "care_measure", "agencies", "helpers.plan"),
        "limits": [
            voice.phrases("helpers.most_at_once"),
            voice.phrases("helpers.in_help"),
            voice.phrases("helpers.association"),
        ],
    }


def spell_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how long workers stay, and of what goes with a change."""
    answer = [*_rate(voice), *_first_stays(voice), *_sudden(voice)]
    return {
        "answer": answer or [voice.phrases("spells.hidden")],
        "certainty": [
            *around_sentences(voice, "around_change", "change_outcome", "score_all", "spells.score"),
            *around_sentences(voice, "around_change", "change_outcome", "drop_out_all", "spells.drop_out"),
        ],
        "limits": [voice.phrases("spells.months"), voice.phrases("spells.association")],
    }


def _rate(voice: Voice) -> list[str]:
    rows = voice.frame("change_rates")
    rows = rows[rows["stretch_of_help"] == "whole"] if len(rows) else rows
    if not len(rows) or not rows[["rate", "rate_low", "rate_high"]].ge(0).all(axis=None):
        return []
    row = rows.iloc[0]
    names = {"rate": "rate", "low": "rate_low", "high": "rate_high"}
    values = {word: voice.number(float(row[name]), 2) for word, name in names.items()}
    return [voice.phrases("spells.rate", level=voice.level, **values)]


def _first_stays(voice: Voice) -> list[str]:
    rows = voice.frame("spell_survival")
    row = row_near(voice, rows[rows["spell_curve"] == "first_stays"] if len(rows) else rows, "estimate")
    if row is None or not 0 <= row["estimate"] <= 1:
        return []
    share = format_share(float(row["estimate"]), voice.language, digits=0)
    return [voice.phrases("spells.stays", share=share, period=voice.period(float(row["months"])))]


def _sudden(voice: Voice) -> list[str]:
    rows = voice.frame("change_reasons")
    rows = rows[rows["class"] == "sudden"] if len(rows) else rows
    if not len(rows) or not 0 <= rows["estimate"].iloc[0] <= 1:
        return []
    share = format_share(float(rows["estimate"].iloc[0]), voice.language, digits=0)
    return [voice.phrases("spells.sudden", share=share)]


def row_near(voice: Voice, rows: pd.DataFrame, column: str) -> pd.Series | None:
    """The row of the month asked about, else the last one before it, of those whose number is shown.

    Parameters
    ----------
    voice : Voice
    rows : DataFrame
        With the column months.
    column : str
        That must be known.
    """
    if not len(rows):
        return None
    known = rows[rows[column].notna() & (rows["months"] <= voice.main_month)]
    return None if known.empty else known.sort_values("months").iloc[-1]


def _number_so_far(voice: Voice, measure: str, name: str) -> list[str]:
    rows = voice.frame("helpers_by_month")
    row = row_near(voice, rows[rows["care_measure"] == measure] if len(rows) else rows, "half")
    if row is None or not row["half"] >= 0:
        return []
    moment = voice.moment(float(row["months"]))
    said = [voice.phrases(f"helpers.{name}_half", moment=moment, number=int(row["half"]))]
    if math.isfinite(row["ninth_tenth"]) and row["ninth_tenth"] > row["half"]:
        said.append(voice.phrases(f"helpers.{name}_most", number=int(row["ninth_tenth"])))
    return said


def _share_then(voice: Voice, element: str) -> list[str]:
    """The share with one plan or one case manager at the start and at the month asked about."""
    rows = voice.frame("care_shares")
    rows = rows[rows["care_element"] == element] if len(rows) else rows
    row = row_near(voice, rows, "share")
    if row is None or not 0 <= row["share"] <= 1:
        return []
    share = format_share(float(row["share"]), voice.language, digits=0)
    return [voice.phrases(f"helpers.{element}", moment=voice.moment(float(row["months"])), share=share)]


def around_sentences(voice: Voice, table: str, key: str, code: str, prefix: str) -> list[str]:
    """What went with an event: more, less or not known; and whether both groups ran alike before it.

    Parameters
    ----------
    voice : Voice
    table : str
        A table of differences around an event, with the key ``around``.
    key, code : str
        Which of its rows.
    prefix : str
        Of the sentences: ``_less``, ``_more``, ``_unclear``, ``_apart_before`` and ``_alike_before``.
    """
    rows = voice.frame(table)
    rows = rows[(rows[key] == code) & (rows["around"] == "after")] if len(rows) else rows
    if not len(rows) or not rows[["estimate", "conf_low", "conf_high"]].notna().all(axis=None):
        return []
    row = rows.iloc[0]
    low, high = float(row["conf_low"]), float(row["conf_high"])
    kind = "less" if high < 0 else "more" if low > 0 else "unclear"
    values = {
        "size": voice.number(abs(float(row["estimate"]))), "low": voice.number(low),
        "high": voice.number(high), "level": voice.level, "unit": voice.unit,
    }  # fmt: skip
    said = [voice.phrases(f"{prefix}_{kind}", **values)]
    groups = voice.frame(f"{table}_groups")
    groups = groups[groups[key] == code] if len(groups) else groups
    if len(groups) and math.isfinite(groups["p_before"].iloc[0]):
        apart = float(groups["p_before"].iloc[0]) < voice.alpha
        said.append(voice.phrases("care_time.apart_before" if apart else "care_time.alike_before"))
    return said
