"""The mean course: what the model expects, and what was observed."""

import numpy as np
import pandas as pd

from mpg_research.arrays import BoolArray
from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.parts import (
    bars,
    count_marks,
    counts_on_top,
    known,
    number_axis,
    put_into_words,
    time_axis,
    whisker,
)
from mpg_research.present.figures.style import BAND, GREY, INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice

__all__ = ["draw_mean_course", "draw_observed_course", "why_apart", "within"]


def draw_mean_course(voice: Voice) -> Drawing | None:
    """Line and band of the model, dots of the observed means."""
    table = known(voice.frame("mean_curve"), "estimate", "conf_low", "conf_high")
    table = table if len(table) else known(voice.frame("mean_course"), "estimate", "conf_low", "conf_high")
    if len(table) < 2:
        return None
    months = table["months"].to_numpy(dtype=float)
    observed = within(voice.frame("observed_course"), months)
    chart = Chart([205.0])
    panel = chart.panel()
    panel.band(months, table["conf_low"], table["conf_high"], fill=BAND)
    panel.line(months, table["estimate"], colour=MAIN, width=2.2)
    if len(observed):
        areas = 8 + 70 * observed["n_families"] / observed["n_families"].max()
        # As areas are drawn: a circle of 49 square points is seven points wide.
        panel.marks(observed["months"], observed["mean"], size=np.sqrt(areas), fill="#ffffff", edge=INK)
        counts_on_top(panel, voice, count_marks(voice, months, observed.set_index("months")["n_families"]))
    time_axis(panel, voice, months)
    number_axis(panel.y, voice)
    panel.y.label = voice.score
    panel.y.margin = 0.12
    _label_line(panel, voice, months, table["estimate"].to_numpy(dtype=float), observed)
    last = table.iloc[-1]
    ends = {"low": voice.number(last["conf_low"]), "high": voice.number(last["conf_high"])}
    return put_into_words(
        voice, "mean_course", chart, **_from_to(voice, table, "estimate"), **ends,
        apart=why_apart(voice, table, observed),
    )  # fmt: skip


def why_apart(voice: Voice, line: pd.DataFrame, observed: pd.DataFrame) -> str:
    """Why a dot lies outside the band of the line, in a sentence; "" where none does.

    Of the moment that the analysis was asked about, else of the last such dot. That those who do well, or do
    not, stop earlier is said only where fewer families were measured than the line is about, of the side on
    which the line then lies.
    """
    if not len(observed):
        return ""
    months = line["months"].to_numpy(dtype=float)
    at = observed["months"].to_numpy(dtype=float)
    mean = observed["mean"].to_numpy(dtype=float)
    model, low, high = (np.interp(at, months, line[name]) for name in ("estimate", "conf_low", "conf_high"))
    outside = ((mean < low) | (mean > high)) & (at <= months.max())
    outside &= np.array([voice.number(a) != voice.number(b) for a, b in zip(mean, model, strict=True)])
    places = np.flatnonzero(outside)
    if not places.size:
        return ""
    asked = [place for place in places if at[place] == voice.main_month]
    place = int(asked[0] if asked else places[-1])
    row = observed.iloc[place]
    everybody, measured = float(line["n_families"].max()), float(row["n_families"])
    better = bool(mean[place] > model[place]) == voice.lower_is_better
    key = "apart" if not measured < everybody else "apart_well" if better else "apart_badly"
    return voice.phrases(
        f"figure.mean_course.{key}", month=voice.moment(float(at[place])), observed=voice.number(mean[place]),
        model=voice.number(model[place]), families=voice.about(voice.families(measured), str(row["n_mark"])),
    )  # fmt: skip


def _from_to(voice: Voice, rows: pd.DataFrame, column: str) -> dict[str, str]:
    """The first and the last value of a course, and when they are."""
    first, last = rows.iloc[0], rows.iloc[-1]
    return {
        "start": voice.number(first[column]),
        "end": voice.number(last[column]),
        "first": voice.moment(float(first["months"])),
        "last": voice.moment(float(last["months"])),
    }


def within(observed: pd.DataFrame, months: np.ndarray) -> pd.DataFrame:
    """The observed means of all, up to the end of a line; none where organisations are apart."""
    if not len(observed) or "organisation" in observed:
        return observed.iloc[:0]
    near: BoolArray = observed["months"].to_numpy(dtype=float) <= months.max() + 0.5
    return observed.loc[near & observed["mean"].notna().to_numpy()]


def _label_line(
    panel: Panel, voice: Voice, months: np.ndarray, line: np.ndarray, observed: pd.DataFrame
) -> None:
    """Direct labels at the right end, apart from each other."""
    labels = [(float(line[-1]), voice.phrases("figure.mean_course.model"), MAIN)]
    if len(observed):
        height = float(observed["mean"].iloc[-1])
        labels.append((height, voice.phrases("figure.mean_course.observed"), INK))
    for height, words, colour in labels:
        panel.note(
            float(months[-1]), height, words, colour=colour, size=9.5, bold=True, shift=(12, 0), outside=True
        )


def draw_observed_course(voice: Voice) -> Drawing | None:
    """Observed means with two standard errors, and how many families they are about; of an organisation
    the own ones.
    """
    table = voice.table("observed_course")
    rows = voice.frame("observed_course")
    if table is None or not len(rows):
        return None
    if table.organisation_columns:
        rows = rows[rows["organisation"] == voice.released.own]
    rows = rows[rows["mean"].notna() & (rows["n_families"] > 0)]
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    families = rows["n_families"].to_numpy(dtype=float)
    errors = 2 * rows["sd"].to_numpy(dtype=float) / np.sqrt(families)
    chart = Chart([165.0, 66.0], one_x=True)
    upper, lower = chart.panel(0), chart.panel(1)
    for month, mean, error in zip(months, rows["mean"], errors, strict=True):
        whisker(upper, month, mean - error, mean + error, colour=GREY)
        for end in (mean - error, mean + error):  # its caps
            upper.line([month - 0.12, month + 0.12], [end, end], colour=GREY, width=1.3)
    upper.marks(months, rows["mean"], fill=MAIN, size=5)
    upper.y.label = voice.score
    number_axis(upper.y, voice)
    bars(lower, months, families, width=0.7, quiet=True)
    lower.y.label = voice.phrases("figure.observed_course.families")
    lower.y.whole, lower.y.most, lower.y.low = True, 4, 0.0
    number_axis(lower.y, voice)
    time_axis(upper, voice, months)
    lower.y.grid = True
    write = voice.count if table.organisation_columns else voice.rounded
    counts = {"n_first": write(families[0]), "n_last": write(families[-1])}
    name = "own_observed_course" if table.organisation_columns else "observed_course"
    return put_into_words(voice, name, chart, **_from_to(voice, rows, "mean"), **counts)
