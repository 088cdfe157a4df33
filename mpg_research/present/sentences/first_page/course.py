"""The mean course on the first page: the answer, what may not be concluded, and what to ask."""

import math

import pandas as pd

from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.trajectory import (
    is_clear,
    is_usable,
    primary_row,
    say_rounding,
    size_and_interval,
    trajectory_sentences,
)

__all__ = ["course_sentences"]


def course_sentences(voice: Voice) -> dict[str, list[str]]:
    """What is said of a mean course, with the topics of the first page beside it."""
    spoken = trajectory_sentences(voice)
    row = primary_row(voice)
    if row is not None and not is_usable(voice, row):
        row = None
    return {
        **spoken,
        "first_page": _answer(voice, row) or spoken["answer"],
        "not_concluded": _not_concluded(voice, row),
        "to_ask": [voice.phrases(f"first_page.ask_{which}") for which in ("missing", "stopped", "severe")],
        "surer": [_surer(voice, row)],
    }


def _answer(voice: Voice, row: pd.Series | None) -> list[str]:
    """From where to where, how sure, and that it shows no effect; nothing where the levels are not known."""
    levels = voice.frame("mean_course")
    if row is None or not {0.0, row["months"]} <= set(levels.get("months", [])):
        return []
    by_month = levels.set_index("months")["estimate"]
    start, end = (float(by_month[month]) for month in (0.0, row["months"]))
    if not voice.can_be_a_score(start) or not voice.can_be_a_score(end):
        return []
    shows = voice.shows(float(row["estimate"]))
    way = ("fell" if row["estimate"] < 0 else "rose") if is_clear(row) and shows else "flat"
    went = voice.phrases(
        f"first_page.levels_{way}", concept=voice.concept, period=voice.period(row["months"]),
        start=voice.number(start), end=voice.number(end), scale=_scale(voice),
    )  # fmt: skip
    size = way if way != "flat" else "tiny" if is_clear(row) else "unclear"
    words = size_and_interval(voice, row)
    against = f"trajectory.cause_{voice.compared_with}" if voice.compared_with else "first_page.cause"
    rounding = say_rounding(voice, start, end, float(row["estimate"])) if size in ("fell", "rose") else []
    return [went, voice.phrases(f"first_page.size_{size}", **words), *rounding, voice.phrases(against)]


def _scale(voice: Voice) -> str:
    better = "lower" if voice.lower_is_better else "higher"
    if voice.scale is None:
        return voice.phrases(f"first_page.side_{better}")
    lowest, highest = (voice.number(end, 0) for end in voice.scale)
    return voice.phrases(f"first_page.scale_{better}", lowest=lowest, highest=highest)


def _not_concluded(voice: Voice, row: pd.Series | None) -> list[str]:
    """No cause, not everybody, and no order of organisations where there are several."""
    if voice.compared_with:
        limits = [voice.phrases(f"trajectory.cause_{voice.compared_with}")]
    else:
        clear = row is not None and is_clear(row) and voice.shows(float(row["estimate"]))
        better = row is not None and clear and (row["estimate"] < 0) == voice.lower_is_better
        limits = [voice.phrases("first_page.no_cause" if better else "first_page.no_cause_by_itself")]
    limits.append(voice.phrases("first_page.no_unmeasured"))
    several = row is not None and float(row.get("n_organisations", math.nan)) > 1
    if several and not voice.compared_with:
        limits.append(voice.phrases("first_page.no_order"))
    return limits


def _surer(voice: Voice, row: pd.Series | None) -> str:
    """The margin as it is, and as it would be with twice as many families: smaller by the root of two."""
    margin = math.nan if row is None else (float(row["conf_high"]) - float(row["conf_low"])) / 2
    half = margin / math.sqrt(2)
    if not voice.can_be_a_change(margin) or not voice.shows(half):
        return voice.phrases("first_page.surer_measured")
    numbers = {"margin": voice.number(margin), "half": voice.number(half)}
    return voice.phrases("first_page.surer", **numbers, unit=voice.unit)
