"""Whether results change with the start of help, and whether a conclusion stands when computed otherwise."""

import math

import pandas as pd

from mpg_research.frames import quantity
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.organisations import distinguishable, gap_words
from mpg_research.present.sentences.trajectory import usable_rows

__all__ = ["over_time_sentences", "robustness_sentences"]

#: The points from which a run chart can show a signal, as in the analysis.
_FEWEST_POINTS = 10
#: A chart that would have seen a change in so many of 100 cases says something by not seeing it.
_ENOUGH = 80
_NOT_POSSIBLE = "not_possible"
_COUNTS = ("named_in", "ways", "named_left_out", "left_out")


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
        rows = rows[rows["p_adjusted"].notna() & usable_rows(voice, rows)]
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


def robustness_sentences(voice: Voice) -> dict[str, list[str]]:
    """Whether the organisations that are named stay named in other ways of computing."""
    rows = voice.frame("robustness")
    if not len(rows):
        return {}
    primary = rows[(rows["variant"] == "primary") & rows["compared"].notna()]
    other = rows[(rows["variant"] != "primary") & (rows["conclusion"] != _NOT_POSSIBLE)]
    names_any = bool((primary["different"] > 0).any())
    answer = [_primary_sentence(voice, row) for _, row in primary[primary["different"].notna()].iterrows()]
    answer.append(_ways_sentence(voice, other, names_any=names_any))
    answer += _each_sentence(voice)
    certainty = []
    if len(other):
        same = voice.count(int((other["joint_conclusion"] == "same").sum()))
        moment = voice.moment(voice.main_month)
        certainty.append(
            voice.phrases("robustness.joint", same=same, number=voice.count(len(other)), moment=moment)
        )
        certainty.append(voice.phrases("robustness.test", moment=moment))
    largest = float(other["largest_shift"].max()) if len(other) else math.nan
    if voice.can_be_a_change(largest):
        shift = voice.nonzero(round(largest, 6))
        certainty.append(voice.phrases("robustness.shift", shift=shift, unit=voice.unit))
    certainty += _left_out_sentence(voice)
    limits = [voice.phrases("robustness.limit"), *voice.reference_sentence]
    return {"answer": answer, "certainty": certainty, "limits": limits}


def _primary_sentence(voice: Voice, row: pd.Series) -> str:
    shown = {name: voice.count(row[name]) for name in ("compared", "different")}
    shown["moment"] = voice.moment(voice.main_month)
    which = {0: "none", 1: "some_one"}.get(int(row["different"]), "some")
    key = f"robustness.{which}"
    return voice.phrases(key, **shown)


def _ways_sentence(voice: Voice, other: pd.DataFrame, *, names_any: bool) -> str:
    """What becomes of those that the primary analysis names, over all other ways together."""
    changed, more = (int((other["conclusion"] == name).sum()) for name in ("changed", "more"))
    who = "some" if names_any else "none"
    if not names_any:  # whoever is named is one more than nobody
        changed, more = changed + more, 0
    if not len(other):
        key = "untested"
    elif changed:
        key = f"{who}_changes"
    else:
        key = "some_more" if more else f"{who}_stands"
    shown = {
        "number": voice.count(len(other)), "changed": voice.count(changed), "more": voice.count(more),
    }  # fmt: skip
    return voice.phrases(f"robustness.{key}", **shown)


def _each_sentence(voice: Voice) -> list[str]:
    """Of each organisation that the primary analysis names: in how many ways it stays so."""
    rows = voice.frame("named")
    if not len(rows):
        return []
    rows = rows[(rows["primary"] == "yes") & (rows["ways"] > 0) & rows[list(_COUNTS)].notna().all(axis=1)]
    sentences = []
    for _, row in rows.iterrows():
        key = f"robustness.{'stays_too' if row['left_out'] > 0 else 'stays'}"
        shown = {
            "name": voice.organisation(str(row["organisation"])),
            "side": voice.label("value.side", row["side"]),
            "named": voice.count(row["named_in"]),
            "ways": voice.count(row["ways"]),
            "kept": voice.count(row["named_left_out"]),
            "left_out": voice.count(row["left_out"]),
        }
        sentences.append(voice.phrases(key, **shown))
    return sentences


def _left_out_sentence(voice: Voice) -> list[str]:
    rows = voice.frame("leave_one_out")
    possible = rows[rows["conclusion"] != _NOT_POSSIBLE] if len(rows) else rows
    if not len(possible):
        return []
    changed = voice.count(int((possible["conclusion"] != "same").sum()))
    return [voice.phrases("robustness.leave_one_out", changed=changed, number=voice.count(len(possible)))]
