"""Signals, sudden changes and expected courses in sentences."""

import math

import pandas as pd

from mpg_research.disclosure.released import ReleasedTable
from mpg_research.frames import number_at, row_at
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.families import answer_of

__all__ = ["expected_sentences", "quality_of_signals", "signal_sentences", "sudden_sentences"]

#: The band whose fit is spoken of.
#: Share of the sudden improvements lost again, below which they are said to last, and above which not to.
_LOST_SOME, _LOST_MOST = 0.25, 0.5
_BAND = 0.8
_HALF_A_YEAR = 6.0
_BY_MONTH = ("chance", "naive", "difference", "conf_low", "conf_high")
_TWO = ("sensitivity", "specificity")
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
        numbers = {
            name: _number(table, None, name)
            for name in ("off_track", "on_track", "may_stand_still", "cannot_tell")
        }
        answer = answer_of(voice, "signals", group, numbers)
    facts = voice.released.provenance.parameters
    rule = str(facts["rule"])
    target = voice.phrases.label("value.target", str(facts["target"]))
    share = format_share(float(facts["false_alarms"]), voice.language, digits=0)
    explained = {"target": target[:1].lower() + target[1:], "share": share} if rule == "chance" else {}
    on_track = voice.phrases(
        "signals.certainty_on_track",
        scores=str(int(facts["least_scores"])),
        chance=format_share(float(facts["on_track"]), voice.language, digits=0),
    )
    still = voice.phrases(
        "signals.certainty_still",
        scores=str(int(facts["least_scores"])),
        month=voice.moment(float(facts["still_month"])),
        share=format_share(float(facts["still_alarms"]), voice.language, digits=0),
    )
    return {
        "answer": [answer],
        "certainty": [voice.phrases(f"signals.certainty_{rule}", **explained), still, on_track],
        "limits": [voice.phrases(f"signals.limit_{rule}")],
    }


def quality_of_signals(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how well the signals that are shown foretell."""
    limits = [voice.phrases("signal_quality.limit")]
    rows = voice.frame("rules")
    facts = voice.released.provenance.parameters
    shown = str(facts["rule"])
    rows = rows[rows["target"] == facts["target"]].set_index("rule") if len(rows) else rows
    if shown not in rows.index or not _known(row_at(rows, shown)):
        return {"answer": [voice.phrases("signal_quality.hidden")], "limits": limits}

    def say(key: str, rule: str) -> str:
        shares = {
            name: format_share(number_at(rows, rule, name), voice.language, digits=0)
            for name in ("sensitivity", "specificity")
        }
        return voice.phrases(f"signal_quality.{key}", **shares)

    target = str(facts["target"])
    beyond = _beyond(voice, shown, target)
    return {
        "answer": [say("answer", shown), *(beyond or [voice.phrases("signal_quality.beyond_unknown")])],
        "certainty": [
            *_own_line(voice, shown),
            *(
                say(name, name)
                for name in _BESIDE[shown]
                if name in rows.index and _known(row_at(rows, name))
            ),
            *_at_one_measurement(voice, target),
            # A published figure says nothing without what the same rule gives where nobody changes.
            *([_shares(voice, "orientation", _without(voice, shown, target))] if beyond else []),
        ],
        "limits": limits,
    }


def _known(row: pd.Series) -> bool:
    return bool(row[list(_TWO)].between(0, 1).all())


def _without(voice: Voice, rule: str, target: str) -> pd.DataFrame:
    """Figures of one rule and end, by name, beside what they come to without any true change."""
    rows = voice.frame("without_change")
    if not len(rows):
        return rows
    mine = rows[(rows["rule"] == rule) & (rows["target"] == target)].set_index("figure")
    known = mine["in_study"].notna() & mine["without_change"].notna()
    return mine if {"sensitivity", "specificity", "both"} <= set(mine.index[known]) else mine.iloc[:0]


def _shares(voice: Voice, key: str, rows: pd.DataFrame, **more: str) -> str:
    shares = {
        name: format_share(number_at(rows, name, "without_change"), voice.language, digits=0)
        for name in ("sensitivity", "specificity")
    }
    return voice.phrases(f"signal_quality.{key}", **shares, **more)


def _beyond(voice: Voice, rule: str, target: str) -> list[str]:
    """What the rule gives where nobody changes, and what it foretells beyond that; nothing where unknown."""
    rows = _without(voice, rule, target)
    if not len(rows):
        return []
    both = row_at(rows, "both")
    replicates = int(voice.released.provenance.parameters["replicates"])
    told = _shares(voice, "without_change", rows, n=str(replicates))
    if not all(map(math.isfinite, both[["difference", "conf_low", "conf_high"]])):
        return [told]
    kind = "more" if both["conf_low"] > 0 else "less" if both["conf_high"] < 0 else "none"
    names = {"difference": "difference", "low": "conf_low", "high": "conf_high"}
    numbers = {name: voice.nonzero(100 * float(both[column]), 0) for name, column in names.items()}
    return [told, voice.phrases(f"signal_quality.beyond_{kind}", level=voice.level, **numbers)]


def _own_line(voice: Voice, rule: str) -> list[str]:
    """The same judged by the family's own line instead of by the last score."""
    rows = _without(voice, rule, "own_line")
    if not len(rows):
        return []
    shares = {
        f"{name}{suffix}": format_share(number_at(rows, name, column), voice.language, digits=0)
        for name in ("sensitivity", "specificity")
        for suffix, column in (("", "in_study"), ("_without", "without_change"))
    }
    return [voice.phrases("signal_quality.own_line", **shares)]


def _at_one_measurement(voice: Voice, target: str) -> list[str]:
    """How well chance and change tell ends apart at the measurement nearest to half a year."""
    rows = voice.frame("by_month")
    rows = rows[rows[list(_BY_MONTH)].notna().all(axis=1)] if len(rows) else rows
    if not len(rows):
        return []
    one = rows.iloc[int((rows["months"] - _HALF_A_YEAR).abs().to_numpy().argmin())]
    numbers = {"chance": "chance", "naive": "naive", "low": "conf_low", "high": "conf_high"}
    written = {
        name: (voice.nonzero if name in ("low", "high") else voice.number)(100 * float(one[column]), 0)
        for name, column in numbers.items()
    }
    told = voice.phrases(
        "signal_quality.by_month", month=voice.moment(float(one["months"])), level=voice.level, **written
    )
    beside = voice.frame("without_change_by_month")
    if len(beside):
        beside = beside[(beside["measure"] == "chance") & (beside["target"] == target)]
        beside = beside[(beside["months"] == one["months"]) & beside["without_change"].notna()]
    if not len(beside):
        return [told]
    without = voice.number(100 * float(beside["without_change"].iloc[0]), 0)
    return [told, voice.phrases("signal_quality.by_month_without", without=without)]


def sudden_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of sudden changes."""
    table = voice.table("shares")
    group = _group(table, "gain")
    answer = voice.phrases("sudden_changes.hidden")
    gains = math.nan
    if table is not None and math.isfinite(group):
        gains = _number(table, "gain", "with")
        answer = voice.phrases(
            "sudden_changes.answer",
            n=voice.rounded(group),
            with_gain=_written(voice, gains),
            with_loss=_written(voice, _number(table, "loss", "with")),
        )
    certainty = []
    cutoff = voice.setting("cutoff")
    if voice.can_be_a_change(cutoff):
        text = voice.phrases("sudden_changes.certainty", cutoff=voice.nonzero(cutoff), unit=voice.unit)
        certainty.append(text)
    if gains > 0:  # what is not shown follows from nothing else
        certainty += _kept(voice)
    return {"answer": [answer], "certainty": certainty, "limits": [voice.phrases("sudden_changes.limit")]}


def _kept(voice: Voice) -> list[str]:
    """How many of the sudden improvements lasted, where that can be shown."""
    rows = voice.frame("sizes")
    rows = rows[(rows["kind"] == "gain") & rows["share_reversed"].between(0, 1)] if len(rows) else rows
    if not len(rows):
        return []
    lost = round(float(rows["share_reversed"].iloc[0]), 2)
    key = "kept_mostly" if lost < _LOST_SOME else "kept_often" if lost <= _LOST_MOST else "kept_seldom"
    exact = float(rows["share_reversed"].iloc[0])
    shares = {"kept": 1 - exact, "lost": exact}
    words = {name: format_share(share, voice.language, digits=0) for name, share in shares.items()}
    return [voice.phrases(f"sudden_changes.{key}", **words)]


def expected_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer and limits of the expected course: how its bands fitted families left out."""
    rows = voice.frame("calibration")
    rows = rows[(rows["level"] - _BAND).abs() < 1e-9] if len(rows) else rows
    rows = rows[rows["coverage"].between(0, 1) & (rows["n_measurements"] > 0)] if len(rows) else rows
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
    return number_at(rows, name, "n_families")


def _written(voice: Voice, number: float) -> str:
    return voice.rounded(number) if math.isfinite(number) else voice.phrases("families.not_shown")
