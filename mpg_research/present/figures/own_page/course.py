"""The own course: what was measured, and the line of the model only where enough families were."""

import math

import numpy as np
import pandas as pd

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.disclosure.released import ReleasedTable, joined
from mpg_research.present.drawing.chart import Chart, Frame, Panel
from mpg_research.present.drawing.scene import Piece, Polygon
from mpg_research.present.figures.parts import (
    count_marks,
    counts_on_top,
    known,
    number_axis,
    put_into_words,
    time_axis,
)
from mpg_research.present.figures.style import BAND, INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.own_page.tiles import own_rows

__all__ = ["draw_own_course", "with_line"]

#: Behind the months without a line.
SHADE = "#eceff2"


def draw_own_course(voice: Voice) -> Drawing | None:
    """Dots of the own measured means, and the own line where enough families were measured."""
    dots = own_rows(voice, "observed_course")
    dots = dots[dots["mean"].notna() & (dots["n_families"] > 0)] if len(dots) else dots
    if not len(dots):
        return None
    curve = known(own_rows(voice, "adjusted_curve"), "estimate", "conf_low", "conf_high")
    at = dots["months"].to_numpy(dtype=float)
    months = curve["months"].to_numpy(dtype=float) if len(curve) else at
    enough = _enough(months, dots)
    if len(set(at)) < 2 and not len(curve):
        return None
    chart = Chart([205.0])
    panel = chart.panel()
    drawn = bool(len(curve)) and bool(enough.any())
    if drawn:
        places, ends = _pieces(months, [curve[name].to_numpy(dtype=float) for name in _LINES], enough)
        panel.band(places, ends[1], ends[2], fill=BAND)
        panel.line(places, ends[0], colour=MAIN, width=2.2)
        panel.x.see([float(months.min()), float(months.max())])
        _shade(panel, months, enough)
    panel.marks(at, dots["mean"], fill="#ffffff", edge=INK, size=7)
    every = np.union1d(months, at)
    counts_on_top(panel, voice, count_marks(voice, every, dots.set_index("months")["n_families"]))
    time_axis(panel, voice, every)
    number_axis(panel.y, voice)
    panel.y.label = voice.score
    panel.y.margin = 0.1
    gap = voice.phrases("figure.own_dots.gap", minimum=voice.minimum) if not enough.all() and drawn else ""
    values = {
        "first": voice.moment(float(at[0])),
        "last": voice.moment(float(at[-1])),
        "observed_start": voice.number(float(dots["mean"].iloc[0])),
        "observed_end": voice.number(float(dots["mean"].iloc[-1])),
    }
    if not drawn:
        return put_into_words(voice, "own_dots_alone", chart, **values)
    line = curve.loc[enough]
    values |= {
        "line_first": voice.moment(float(line["months"].iloc[0])),
        "line_last": voice.moment(float(line["months"].iloc[-1])),
        "start": voice.number(float(line["estimate"].iloc[0])),
        "end": voice.number(float(line["estimate"].iloc[-1])),
    }
    return put_into_words(voice, "own_dots", chart, gap=gap, **values)


_LINES = ("estimate", "conf_low", "conf_high")


def _enough(months: FloatArray, dots: pd.DataFrame) -> BoolArray:
    """At which months of the line the measured families around it are shown, so as many as may be shown."""
    measured = dots["months"].to_numpy(dtype=float)
    step = min(np.diff(np.unique(measured)), default=1.0)
    found: BoolArray = (np.abs(np.subtract.outer(months, measured)) <= step / 2 + 1e-9).any(axis=1)
    return found


def _edges(months: FloatArray) -> list[float]:
    """Halfway between the months, and the first and the last of them."""
    return [float(months[0]), *((months[1:] + months[:-1]) / 2).tolist(), float(months[-1])]


def _pieces(
    months: FloatArray, lines: list[FloatArray], enough: BoolArray
) -> tuple[list[float], list[list[float]]]:
    """Lines from halfway before to halfway after each month with enough families, broken at the others."""
    edges, places = _edges(months), list[float]()
    for place, month in enumerate(months):
        span = [edges[place], float(month), edges[place + 1]]
        places += span if enough[place] else [math.nan]
    values = [np.interp(places, months, line).tolist() for line in lines]
    return places, values


def _shade(panel: Panel, months: FloatArray, enough: BoolArray) -> None:
    """A grey ground behind the months without a line, over the whole height and below everything else."""
    edges = _edges(months)

    def draw(frame: Frame) -> list[Piece]:
        found: list[Piece] = []
        for place in np.flatnonzero(~enough):
            left, right = frame.at_x(edges[place]), frame.at_x(edges[place + 1])
            corners = ((left, frame.top), (right, frame.top), (right, frame.bottom), (left, frame.bottom))
            found.append(Polygon(corners, SHADE))
        return found

    panel.drawn.insert(0, draw)


def with_line(voice: Voice, table: ReleasedTable) -> ReleasedTable:
    """The numbers in the picture: of the dots, and of the line where it is drawn."""
    curve = voice.table("adjusted_curve")
    return table if table.name != "observed_course" or curve is None else joined(table, curve, _LINES)
