"""Whether results change with the start of help, in sentences, with what could have been seen."""

import math

import numpy as np
import pandas as pd

from mpg_research.frames import quantity
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.organisations import distinguishable, gap_words
from mpg_research.present.sentences.trajectory import is_usable

__all__ = ["over_time_sentences"]

#: The points from which a run chart can show a signal, as in the analysis.
_FEWEST_POINTS = 10
#: A chart that would have seen a change in so many of 100 cases says something by not seeing it.
_ENOUGH = 80


def over_time_sentences(voice: Voice) -> dict[str, list[str]]:
    """Whether results change with the start of help."""
    points = _quantity(voice, "n_points")
    years = _year_sentences(voice)
    answer = [*years, *_chart_sentences(voice, points)]
    shown = len(voice.frame("run_chart"))
    certainty = [voice.phrases("over_time.basis")] if years else []
    if points is not None and 0 < shown < points:
        counts = {"shown": voice.count(shown), "number": voice.count(points)}
        certainty.append(voice.phrases("over_time.shown", **counts))
    left_out = [
        voice.phrases(
            "over_time.limit_years",
            years=clean_name(str(note.values["level"])),
            moment=voice.moment(voice.main_month),
        )
        for note in voice.released.notes
        if note.code == "cohorts_not_followed" and "level" in note.values
    ]
    return {
        "answer": answer,
        "certainty": certainty,
        "limits": left_out or [voice.phrases("over_time.limit")],
    }


def _year_sentences(voice: Voice) -> list[str]:
    rows = voice.frame("all_by_cohort")
    if len(rows):
        usable = [pd.notna(row["p_adjusted"]) and is_usable(voice, row) for _, row in rows.iterrows()]
        rows = rows[np.array(usable, dtype=bool)]
    if len(rows) < 2:
        return []
    counts = {
        "number": voice.count(len(rows)),
        "years": ", ".join(clean_name(str(year)) for year in rows["cohort"]),
    }
    level = voice.released.level
    apart = rows[[distinguishable(row, level=level) for _, row in rows.iterrows()]]
    if not len(apart):
        return [voice.phrases("over_time.years_alike", **counts)]
    which = "; ".join(_year(voice, row) for _, row in apart.iterrows())
    number = voice.count(len(apart))
    return [voice.phrases("over_time.years_differ", **counts, different=number, which=which)]


def _year(voice: Voice, row: pd.Series) -> str:
    better = (row["estimate"] < 0) == voice.lower_is_better
    ends = gap_words(voice, row, differs=True)
    return voice.phrases(
        f"over_time.year_{'better' if better else 'worse'}",
        year=clean_name(str(row["cohort"])),
        size=voice.nonzero(abs(row["estimate"])),
        unit=voice.unit,
        level=voice.level,
        low=ends["low"],
        high=ends["high"],
    )


def _chart_sentences(voice: Voice, points: float | None) -> list[str]:
    """Whether there is a signal; without one never that there is no change, but what would have been seen."""
    signal = _quantity(voice, "signal")
    if signal is None or points is None or points < _FEWEST_POINTS:
        return [voice.phrases("over_time.too_few", minimum=_FEWEST_POINTS)]
    number = voice.count(points)
    if signal:
        return [voice.phrases("over_time.signal", number=number)]
    names = ("change_looked_for", "share_drift_seen", "share_step_seen", "drift_seen", "step_seen")
    size, drift, step, drift_reach, step_reach = (_quantity(voice, name) for name in names)
    sentences = []
    if size is not None and voice.can_be_a_change(size) and drift is not None and step is not None:
        of_100 = {"drift": voice.count(round(100 * drift)), "step": voice.count(round(100 * step))}
        values = {"number": number, "size": voice.number(size), "unit": voice.unit, **of_100}
        sentences.append(voice.phrases("over_time.no_signal", **values))
        seen = round(100 * min(drift, step))
        sentences.append(voice.phrases(f"over_time.{'enough' if seen >= _ENOUGH else 'little'}"))
    if step_reach is not None and not voice.can_be_a_change(step_reach):
        sentences.append(voice.phrases("over_time.reach_none"))
    elif step_reach is not None:
        shown = {"step": voice.number(step_reach), "unit": voice.unit}
        if drift_reach is None or not voice.can_be_a_change(drift_reach):
            sentences.append(voice.phrases("over_time.reach_step", **shown))
        else:
            sentences.append(voice.phrases("over_time.reach", drift=voice.number(drift_reach), **shown))
    return sentences or [voice.phrases("over_time.no_signal_only", number=number)]


def _quantity(voice: Voice, name: str) -> float | None:
    found = quantity(voice.frame("run_signals"), name)
    return found if math.isfinite(found) else None
