"""Signals, sudden changes and expected courses in sentences."""

import math

import pandas as pd

from mpg_research.disclosure.released import ReleasedTable
from mpg_research.present.numbers import format_share
from mpg_research.present.say_families import answer_of
from mpg_research.present.voice import Voice

__all__ = ["expected_sentences", "quality_of_signals", "signal_sentences", "sudden_sentences"]

#: The band whose fit is spoken of.
#: Share of the sudden improvements lost again, below which they are said to last, and above which not to.
_LOST_SOME, _LOST_MOST = 0.25, 0.5
_BAND = 0.8
_HALF_A_YEAR = 6.0
#: The rules told beside the one that is shown.
_BESIDE = {
    "chance": ("naive_as_many", "naive", "chance_as_many", "band"),
    "band": ("chance", "naive", "chance_as_many"),
}


def signal_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the signals at the last wave."""
    table = voice.table("shares")
    group = _group(table, None)
    answer = voice.phrases("signals.hidden")
    if table is not None and math.isfinite(group):
        numbers = {name: _number(table, None, name) for name in ("on_track", "off_track", "stagnating")}
        answer = answer_of(voice, "signals", group, numbers)
    facts = voice.released.provenance.parameters
    rule = str(facts["rule"])
    target = voice.phrases.label("value.target", str(facts["target"]))
    share = format_share(float(facts["false_alarms"]), voice.language, digits=0)
    explained = {"target": target[:1].lower() + target[1:], "share": share} if rule == "chance" else {}
    return {
        "answer": [answer],
        "certainty": [voice.phrases(f"signals.certainty_{rule}", **explained)],
        "limits": [voice.phrases(f"signals.limit_{rule}")],
    }


def quality_of_signals(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how well the signals that are shown foretell."""
    limits = [voice.phrases("signal_quality.limit")]
    rows = voice.frame("rules")
    facts = voice.released.provenance.parameters
    shown = str(facts["rule"])
    rows = rows[rows["target"] == facts["target"]].set_index("rule") if len(rows) else rows
    if not len(rows) or rows.loc[shown, ["sensitivity", "specificity"]].isna().any():
        return {"answer": [voice.phrases("signal_quality.hidden")], "limits": limits}

    def say(key: str, rule: str) -> str:
        shares = {
            name: format_share(float(rows.loc[rule, name]), voice.language, digits=0)
            for name in ("sensitivity", "specificity")
        }
        return voice.phrases(f"signal_quality.{key}", **shares)

    return {
        "answer": [say("answer", shown)],
        "certainty": [
            *(say(name, name) for name in _BESIDE[shown]),
            *_at_one_measurement(voice),
            voice.phrases("signal_quality.orientation"),
        ],
        "limits": limits,
    }


def _at_one_measurement(voice: Voice) -> list[str]:
    """How well chance and change tell ends apart at the measurement nearest to half a year."""
    rows = voice.frame("by_month")
    rows = rows[rows["difference"].notna() & rows["conf_low"].notna()] if len(rows) else rows
    if not len(rows):
        return []
    one = rows.iloc[int((rows["months"] - _HALF_A_YEAR).abs().to_numpy().argmin())]
    numbers = {"chance": "chance", "naive": "naive", "low": "conf_low", "high": "conf_high"}
    written = {name: voice.number(100 * float(one[column]), 0) for name, column in numbers.items()}
    return [
        voice.phrases(
            "signal_quality.by_month", month=voice.moment(float(one["months"])), level=voice.level, **written
        )
    ]


def sudden_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of sudden changes."""
    table = voice.table("shares")
    group = _group(table, "gain")
    answer = voice.phrases("sudden_changes.hidden")
    if table is not None and math.isfinite(group):
        answer = voice.phrases(
            "sudden_changes.answer",
            n=voice.count(group),
            with_gain=_written(voice, _number(table, "gain", "with")),
            with_loss=_written(voice, _number(table, "loss", "with")),
        )
    certainty = []
    cutoff = voice.released.provenance.parameters.get("cutoff")
    if isinstance(cutoff, int | float):
        text = voice.phrases("sudden_changes.certainty", cutoff=voice.number(float(cutoff)), unit=voice.unit)
        certainty.append(text)
    certainty += _kept(voice)
    return {"answer": [answer], "certainty": certainty, "limits": [voice.phrases("sudden_changes.limit")]}


def _kept(voice: Voice) -> list[str]:
    """How many of the sudden improvements lasted, where that can be shown."""
    rows = voice.frame("sizes")
    rows = rows[(rows["kind"] == "gain") & rows["share_reversed"].notna()] if len(rows) else rows
    if not len(rows):
        return []
    lost = float(rows["share_reversed"].iloc[0])
    key = "kept_mostly" if lost < _LOST_SOME else "kept_often" if lost <= _LOST_MOST else "kept_seldom"
    shares = {"kept": 1 - lost, "lost": lost}
    used = voice.phrases.placeholders(f"sudden_changes.{key}")
    words = {name: format_share(x, voice.language, digits=0) for name, x in shares.items() if name in used}
    return [voice.phrases(f"sudden_changes.{key}", **words)]


def expected_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer and limits of the expected course: how its bands fitted families left out."""
    rows = voice.frame("calibration")
    rows = rows[(rows["level"] - _BAND).abs() < 1e-9] if len(rows) else rows
    rows = rows[rows["coverage"].notna() & rows["n_measurements"].notna()] if len(rows) else rows
    limits = [voice.phrases("expected_course.limit")]
    if not len(rows):
        return {"answer": [voice.phrases("expected_course.hidden")], "limits": limits}
    share = float((rows["coverage"] * rows["n_measurements"]).sum() / rows["n_measurements"].sum())
    coverage, level = (format_share(value, voice.language, digits=0) for value in (share, _BAND))
    answer = voice.phrases("expected_course.answer", coverage=coverage, level_of_band=level)
    return {"answer": [answer], "limits": limits}


def _rows(table: ReleasedTable, kind: str | None) -> pd.DataFrame:
    data = table.data if kind is None else table.data[table.data["kind"] == kind]
    return data.set_index("class")


def _group(table: ReleasedTable | None, kind: str | None) -> float:
    if table is None or not len(table.data):
        return math.nan
    known = _rows(table, kind)["n_group"].dropna()
    return float(known.max()) if len(known) else math.nan


def _number(table: ReleasedTable, kind: str | None, name: str) -> float:
    rows = _rows(table, kind)
    if name not in rows.index or bool(rows.loc[name, "suppressed"]):
        return math.nan
    return float(rows.loc[name, "n_families"])


def _written(voice: Voice, number: float) -> str:
    return voice.count(number) if math.isfinite(number) else voice.phrases("families.not_shown")
