"""What was done after signals, in sentences that never speak of an effect."""

import math

import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["action_sentences", "record_sentences"]


def action_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of what was done after signals."""
    return {
        "answer": [_answered(voice), *_never_discussed(voice), *_without_signal(voice)],
        "certainty": [*_half(voice), voice.phrases("actions.recorded_only")],
        "limits": [
            voice.phrases("actions.no_effect"),
            voice.phrases("actions.chosen_times", **_times(voice)),
        ],
    }


def _times(voice: Voice) -> dict[str, str]:
    """The times in force: weeks, and a stretch on the time axis."""
    facts = voice.released.provenance.parameters
    weeks, later = float(facts["grace_weeks"]), float(facts["later_on_axis"])
    return {"weeks": _whole(voice, weeks), "period": voice.period(later)}


def _whole(voice: Voice, number: float) -> str:
    return voice.number(number, 0 if number == round(number) else 1)


def _answered(voice: Voice) -> str:
    row = _class(voice, "answered", "acted")
    if row is None or not row[["conf_low", "conf_high"]].between(0, 1).all():
        return voice.phrases("actions.answered_hidden")
    values = {**_shares(voice, row, ("estimate", "conf_low", "conf_high")), "signals": _group(voice, row)}
    return voice.phrases("actions.answered", level=voice.level, weeks=_times(voice)["weeks"], **values)


def _never_discussed(voice: Voice) -> list[str]:
    row = _class(voice, "after_first_signal", "never_discussed")
    if row is None:
        return []
    families = voice.phrases("unit.families", number=_group(voice, row))
    share = _shares(voice, row, ("estimate",))["share"]
    return [voice.phrases("actions.never_discussed", families=families, share=share)]


def _without_signal(voice: Voice) -> list[str]:
    row = _class(voice, "prompted", "no_signal_before")
    if row is None:
        return []
    share = _shares(voice, row, ("estimate",))["share"]
    return [voice.phrases("actions.without_signal", number=_group(voice, row), share=share)]


def _half(voice: Voice) -> list[str]:
    """By when half of the signals had an intervention; that they had not, where that is shown."""
    rows, late = voice.frame("weeks_to_action"), _class(voice, "how_soon", "later_or_never", "stretch")
    if len(rows) and math.isfinite(float(rows["weeks_half"].iloc[0])):
        return [voice.phrases("actions.half_within", weeks=_whole(voice, float(rows["weeks_half"].iloc[0])))]
    if late is None or not late["share_of_signals"] > 0.5:
        return []
    stretches = voice.frame("how_soon")["stretch"].tolist()
    last = max(float(name.removeprefix("until_")) for name in stretches if name.startswith("until_"))
    return [voice.phrases("actions.half_not_reached", weeks=_whole(voice, last))]


def record_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how completely things are recorded."""
    rows, answer = voice.frame("recorded"), []
    for _, row in rows.iterrows():
        what = voice.label("value.record_table", row["record_table"])
        if 0 <= row["share_recorded"] <= 1 and row["n_periods"] > 0:
            share = format_share(float(row["share_recorded"]), voice.language, digits=0)
            periods = voice.rounded(float(row["n_periods"]))
            answer.append(voice.phrases("record_keeping.recorded", what=what, share=share, periods=periods))
    answer = answer or [voice.phrases("record_keeping.hidden")]
    absent = [
        voice.label("value.record_table", name)
        for name in voice.released.provenance.parameters.get("absent", ())
    ]
    if absent:
        answer.append(voice.phrases("record_keeping.absent", what="; ".join(absent)))
    return {
        "answer": answer,
        "certainty": _care(voice),
        "limits": [voice.phrases("record_keeping.never"), voice.phrases("record_keeping.limit")],
    }


def _care(voice: Voice) -> list[str]:
    rows = voice.frame("care_months")
    if not len(rows) or not 0 <= rows["share_without_care"].iloc[0] <= 1 or not rows["n_months"].iloc[0] > 0:
        return []
    share = format_share(float(rows["share_without_care"].iloc[0]), voice.language, digits=0)
    return [
        voice.phrases(
            "record_keeping.care", share=share, number=voice.rounded(float(rows["n_months"].iloc[0]))
        )
    ]


def _class(voice: Voice, table: str, name: str, key: str = "class") -> pd.Series | None:
    """One row of a table of shares, where its share and what it is of are shown."""
    rows = voice.frame(table)
    if not len(rows) or name not in set(rows[key]):
        return None
    row = row_at(rows.set_index(key), name)
    share = row["share_of_signals"] if key == "stretch" else row["estimate"]
    return row if 0 <= share <= 1 and row["n_group"] > 0 else None


def _group(voice: Voice, row: pd.Series) -> str:
    return voice.rounded(float(row["n_group"]))


def _shares(voice: Voice, row: pd.Series, columns: tuple[str, ...]) -> dict[str, str]:
    words = dict(zip(columns, ("share", "low", "high"), strict=False))
    return {
        word: format_share(float(row[column]), voice.language, digits=0) for column, word in words.items()
    }
