"""The mean course in sentences."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.frames import row_at
from mpg_research.present.language.numbers import format_df, format_time
from mpg_research.present.language.voice import Voice

__all__ = ["primary_row", "say_rounding", "trajectory_sentences"]

_INTERVAL = ("estimate", "conf_low", "conf_high")

#: The smallest difference between two numbers as they are shown.
_LEAST_SHOWN = 0.1

# Cohen's rule of thumb for standardised differences, named as such in the sentences.
SMALL, LARGE = 0.5, 0.8


def trajectory_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of a trajectory."""
    row = primary_row(voice)
    if row is None:
        table = voice.table("change")
        months = voice.primary_month(table.data["months"]) if table is not None and len(table.data) else 12.0
        hidden = voice.phrases("trajectory.hidden", concept=voice.concept, period=voice.period(months))
        reason = voice.released.reason_for("change")
        why = [voice.why_withheld("change")] if reason else [hidden]
        return {"answer": why, "limits": _limits(voice, fell=False)}
    if not is_usable(voice, row):
        words = {"concept": voice.concept, "period": voice.period(row["months"])}
        return {
            "answer": [voice.phrases("trajectory.not_computed", **words)],
            "limits": _limits(voice, fell=False),
        }
    return {
        "answer": _answer(voice, row),
        "certainty": _certainty(voice, row),
        "sensitivity": _sensitivity(voice, row),
        "limits": _limits(voice, fell=bool(row["estimate"] < 0)),
    }


def primary_row(voice: Voice) -> pd.Series | None:
    """The change at the moment the answer is about, else at the last one that is shown."""
    shown = voice.frame("change")
    if shown.empty:
        return None
    table = voice.table("change")
    months = voice.primary_month(shown["months"] if table is None else table.data["months"])
    found = shown[shown["months"] == months]
    return found.iloc[0] if len(found) else row_at(shown, shown["months"].idxmax())


def is_clear(row: pd.Series) -> bool:
    """Whether the interval leaves zero out."""
    return bool(row["conf_low"] > 0 or row["conf_high"] < 0)


def way_and_sizes(estimate: float, low: float, high: float) -> tuple[str, list[float]]:
    """Where an interval lies from zero, "higher", "lower" or "unclear"; where lower, sizes lose their sign.

    Parameters
    ----------
    estimate, low, high : float

    Returns
    -------
    str, list of float
        The way; and estimate, low and high, of a clear fall as sizes (the smaller end first).
    """
    if high < 0:
        return "lower", [-estimate, -high, -low]
    return "higher" if low > 0 else "unclear", [estimate, low, high]


def is_usable(voice: Voice, row: pd.Series | Mapping[Any, Any]) -> bool:
    """Whether a change and its interval are known and the change is one that the scale allows."""
    return bool(_usable(voice, *(np.asarray(row[name], dtype=float) for name in _INTERVAL)))


def usable_rows(voice: Voice, rows: pd.DataFrame) -> BoolArray:
    """The same of every row, shape (rows,)."""
    return _usable(voice, *(rows[name].to_numpy(dtype=float) for name in _INTERVAL))


def _usable(voice: Voice, change: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    ends = np.clip([low, high], -voice.widest, voice.widest)
    usable: BoolArray = (np.abs(change) <= voice.widest) & np.isfinite(change) & np.isfinite(ends).all(axis=0)
    return usable


def end_of(voice: Voice, value: float) -> str:
    """An end of an interval of changes: "a fall of 1.2", "no change"; no further than the scale goes."""
    shown = voice.within_scale(value)
    name = "none" if shown == 0 else "fall" if shown < 0 else "rise"
    used = {"size": voice.nonzero(abs(shown))} if shown else {}
    return voice.phrases(f"trajectory.end_{name}", **used)


def size_and_interval(voice: Voice, row: pd.Series) -> dict[str, str]:
    """Size of a change without its sign, and its interval turned the same way, within the scale.

    ``from_end`` and ``to_end`` say of both ends whether they are a fall or a rise.
    """
    low, high = (float(row[end]) for end in ("conf_low", "conf_high"))
    ends = sorted(abs(voice.within_scale(end)) for end in (low, high))
    return {
        "size": voice.number(abs(row["estimate"])),
        "least": voice.number(0.1),
        "low": voice.nonzero(ends[0]),
        "high": voice.nonzero(ends[1]),
        "from_end": end_of(voice, low),
        "to_end": end_of(voice, high),
        "unit": voice.unit,
        "level": voice.level,
    }


def say_change(voice: Voice, stem: str, row: pd.Series, **words: str) -> str:
    """A change in a sentence: fell, rose, no measurable change, or not to be said.

    A change that is shown as 0.0 is never said to have fallen or risen, however sure it is.
    """
    direction = "fell" if row["estimate"] < 0 else "rose"
    shows = voice.shows(float(row["estimate"]))
    if is_clear(row):
        key = direction if shows else "no_measurable"
    else:
        key = f"unclear_{direction if shows else 'none'}"
    if not voice.phrases.has(f"{stem}{key}"):
        key = "unclear"
    values = {**size_and_interval(voice, row), "concept": voice.concept, **words}
    return voice.phrases(f"{stem}{key}", **values)


def _answer(voice: Voice, row: pd.Series) -> list[str]:
    families = voice.about(voice.families(row["n_families"]), _mark_of(voice, row))
    sentences = [say_change(voice, "trajectory.", row, period=voice.period(row["months"]), families=families)]
    if is_clear(row) and voice.shows(float(row["estimate"])):
        better = (row["estimate"] < 0) == voice.lower_is_better
        sentences.append(
            voice.phrases("trajectory.better" if better else "trajectory.worse", instrument=voice.instrument)
        )
    levels = voice.frame("mean_course")
    if {0.0, row["months"]} <= set(levels.get("months", [])):
        by_month = levels.set_index("months")["estimate"]
        start, end = (float(by_month[month]) for month in (0.0, row["months"]))
        if voice.can_be_a_score(start) and voice.can_be_a_score(end):
            shown = {"start": voice.number(start), "end": voice.number(end)}
            sentences.append(voice.phrases("trajectory.levels", **shown, month=voice.moment(row["months"])))
            sentences += say_rounding(voice, start, end, float(row["estimate"]))
    return sentences


def say_rounding(voice: Voice, start: float, end: float, change: float) -> list[str]:
    """That a change is that of unrounded levels, where levels and change as shown do not agree.

    Every number is shown as it is best known, here as in tables and figures: nothing is bent to agree. A
    reader who subtracts one from the other must not think of a mistake.

    Parameters
    ----------
    voice : Voice
    start, end, change : float
        Levels beside each other, and what is said of how far they lie apart.
    """
    shown = [float(f"{value:.1f}") for value in (start, end, change)]
    apart = abs(shown[1] - shown[0] - shown[2])
    # Rounded levels and change, each off by half of what shows at most, are that much apart or agree.
    said = _LEAST_SHOWN / 2 < apart < 3 * _LEAST_SHOWN / 2
    return [voice.phrases("trajectory.before_rounding")] if said else []


def _mark_of(voice: Voice, row: pd.Series) -> str:
    table = voice.table("change")
    if table is None:
        return ""
    return str(table.marks.loc[table.data["months"] == row["months"], "n_families"].iloc[0])


def _certainty(voice: Voice, row: pd.Series) -> list[str]:
    values = size_and_interval(voice, row)
    if not is_clear(row):
        touching = not (row["conf_low"] < 0 < row["conf_high"])
        sentences = [voice.phrases(f"trajectory.unsure{'_touching' if touching else ''}")]
    else:
        key = "sure" if row["estimate"] < 0 else "sure_rise"
        sentences = [
            voice.phrases(f"trajectory.{key}", low=values["low"], high=values["high"], unit=voice.unit)
        ]
    in_deviations = [row.get(f"standardised{end}", math.nan) for end in ("", "_low", "_high")]
    if is_clear(row) and voice.shows(float(row["estimate"])) and all(map(math.isfinite, in_deviations)):
        sentences.append(_size(voice, row))
    tested = all(math.isfinite(row[name]) for name in ("statistic", "p_value", "std_error"))
    if not voice.is_plain and tested and not math.isnan(row["df"]):
        language = voice.language
        sentences.append(
            voice.phrases(
                "trajectory.test",
                df=format_df(row["df"], language),
                statistic=voice.number(row["statistic"], 2),
                p=voice.p_value(row["p_value"]),
                se=voice.nonzero(row["std_error"], 2),
            )
        )
    return sentences


def _sensitivity(voice: Voice, row: pd.Series) -> list[str]:
    """In a line: what other ways of computing make of the change, and by how much robust errors differ."""
    others = voice.frame("sensitivity")
    if len(others):
        others = others[(others["approach"] == "spline") & (others["months"] == row["months"])]
    said = []
    estimates = others["estimate"].astype(float) if len(others) else pd.Series(dtype=float)
    if len(estimates) and all(map(voice.can_be_a_change, estimates)):
        values = {
            "model": voice.number(row["estimate"]),
            "other": voice.number(float(estimates.iloc[0])),
            "unit": voice.unit,
            "period": voice.period(row["months"]),
        }
        said.append(voice.phrases("trajectory.other_course", **values))
    robust = voice.frame("robust_change")
    found = robust[robust["months"] == row["months"]] if len(robust) else robust
    ratio = float(found["error_ratio"].iloc[0]) if len(found) else math.nan
    if math.isfinite(ratio):
        said.append(voice.phrases("trajectory.robust_ratio", ratio=voice.number(ratio, 2)))
    return said


def _size(voice: Voice, row: pd.Series) -> str:
    ends = sorted(abs(float(row[end])) for end in ("standardised_low", "standardised_high"))
    low, high = (voice.number(end, 2) for end in ends)
    return voice.phrases(
        f"trajectory.size{size_class(*ends)}", standardised=voice.number(abs(row["standardised"]), 2),
        low=low, high=high,
    )  # fmt: skip


def size_class(low: float, high: float) -> str:
    """The class of a whole interval of sizes, as it is and as it is written ("_small"); else nothing."""

    def of(size: float) -> str:
        return "_small" if size < SMALL else "_medium" if size < LARGE else "_large"

    found = {of(size) for end in (low, high) for size in (end, round(end, 2))}
    return found.pop() if len(found) == 1 else ""


def _limits(voice: Voice, *, fell: bool) -> list[str]:
    """Never a cause. Regression to the mean is named where stress fell from a high start."""
    by_itself = fell and voice.is_about_stress and voice.lower_is_better
    cause = "trajectory.cause" if by_itself else "trajectory.cause_other"
    if voice.compared_with:
        cause = f"trajectory.cause_{voice.compared_with}"
    limits = [voice.phrases(cause), voice.phrases("trajectory.average"), voice.phrases("trajectory.dropout")]
    if not voice.is_plain and not voice.compared_with:
        limits.append(voice.phrases("trajectory.no_comparison"))
    if voice.is_plain:
        # Researchers find it among the remarks.
        ended = [note for note in voice.released.notes if note.code == "help_ended"]
        for note in ended:
            month = format_time(float(note.values["month"]), voice.language)
            limits.append(voice.phrases("note.help_ended", **{**note.values, "month": month}))
    return limits
