"""The mean course in short: one line with its ends labelled, and where few are still measured in grey."""

import math

import numpy as np
import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.drawing.chart import Chart, Frame, Panel
from mpg_research.present.drawing.scene import Piece, Polygon
from mpg_research.present.figures.course import within
from mpg_research.present.figures.first_page.sizes import NARROW
from mpg_research.present.figures.parts import (
    known,
    line_entry,
    mark_entry,
    number_axis,
    put_into_words,
    time_axis,
)
from mpg_research.present.figures.style import BAND, INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice

__all__ = ["draw_course_in_short"]

#: Below this share of the families few are measured: our own choice.
FEW = 0.5
_SHADE = "#e6e9ec"


def draw_course_in_short(voice: Voice) -> Drawing | None:
    """Line and band of the model, dots of what was measured; grey from where less than half still were."""
    table = known(voice.frame("mean_curve"), "estimate", "conf_low", "conf_high")
    table = table if len(table) else known(voice.frame("mean_course"), "estimate", "conf_low", "conf_high")
    if len(table) < 2:
        return None
    months = table["months"].to_numpy(dtype=float)
    line = table["estimate"].to_numpy(dtype=float)
    observed = within(voice.frame("observed_course"), months)
    chart = Chart([150.0], width=NARROW)
    panel = chart.panel()
    few = _few_measured(voice, table, observed)
    if few is not None:
        _shade(panel, float(few["months"].iloc[0]), float(months[-1]))
        panel.above(float(few["months"].iloc[0]), _here(voice, few, table), size=8.5)
    panel.band(months, table["conf_low"], table["conf_high"], fill=BAND)
    panel.line(months, line, colour=MAIN, width=2.4)
    if len(observed):
        panel.marks(observed["months"], observed["mean"], size=5.0, fill="#ffffff", edge=INK)
    panel.note(months[0], line[0], voice.number(line[0]), colour=MAIN, size=11, bold=True, clears=5.0)
    panel.note(
        months[-1], line[-1], voice.number(line[-1]), colour=MAIN, size=12, bold=True, shift=(8, 0),
        outside=True,
    )  # fmt: skip
    time_axis(panel, voice, months)
    number_axis(panel.y, voice)
    panel.y.label, panel.y.margin = voice.score, 0.14
    chart.legend.append(line_entry(voice.phrases("figure.course_in_short.line_axis"), MAIN, width=2.4))
    if len(observed):
        words = voice.phrases("figure.course_in_short.dots_axis")
        chart.legend.append(mark_entry(words, "o", fill="#ffffff", edge=INK, size=5))
    said = "" if few is None else _few_words(voice, few, table)
    return put_into_words(
        voice, "course_in_short", chart, few=said, start=voice.number(line[0]), end=voice.number(line[-1]),
        first=voice.moment(float(months[0])), last=voice.moment(float(months[-1])),
    )  # fmt: skip


def _few_measured(voice: Voice, table: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame | None:
    """The moments at the end, one after the other, at which less than half of the families were measured."""
    everybody = float(table["n_families"].max())
    if not len(observed) or not math.isfinite(everybody):
        return None
    numbers = observed["n_families"].to_numpy(dtype=float)
    few = numbers < FEW * everybody
    if not few[-1] or not np.isfinite(numbers[-1]):
        return None
    places = np.flatnonzero(~few)
    rows = observed.iloc[(places[-1] + 1) if len(places) else 0 :]
    return rows if len(rows) else None


def _numbers(voice: Voice, few: pd.DataFrame, table: pd.DataFrame) -> tuple[str, str, str]:
    """How many were measured at the last moment, of how many, with a sign and in words."""
    last, row = few.iloc[-1], row_at(table, table["n_families"].idxmax())
    measured = voice.count(float(last["n_families"]))
    number = voice.about_cell(voice.count(float(row["n_families"])), str(row["n_mark"]))
    families = voice.phrases("unit.families", number=number)
    return voice.about_cell(measured, str(last["n_mark"])), number, families


def _here(voice: Voice, few: pd.DataFrame, table: pd.DataFrame) -> str:
    measured, number, _ = _numbers(voice, few, table)
    return voice.phrases("figure.course_in_short.few_axis", measured=measured, number=number)


def _few_words(voice: Voice, few: pd.DataFrame, table: pd.DataFrame) -> str:
    measured, _, families = _numbers(voice, few, table)
    last = voice.moment(float(few["months"].iloc[-1]))
    return voice.phrases("figure.course_in_short.few", last=last, measured=measured, families=families)


def _shade(panel: Panel, start: float, end: float) -> None:
    """Grey over the whole height, from half a moment before the first to the end of the line."""
    if not end > start:
        start = end - 1

    def draw(frame: Frame) -> list[Piece]:
        left, right = frame.at_x(max(start - 0.5, frame.x[0])), frame.at_x(min(end + 0.5, frame.x[1]))
        corners = ((left, frame.top), (right, frame.top), (right, frame.bottom), (left, frame.bottom))
        return [Polygon(corners, _SHADE)]

    panel.drawn.append(draw)
