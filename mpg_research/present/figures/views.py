"""Swimmer and spaghetti views in which every lane and every line stands for enough families to be shown."""

import math

import pandas as pd

from mpg_research.frames import each_row
from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.change import TONES, tone_entry
from mpg_research.present.figures.parts import number_axis, put_into_words, time_axis
from mpg_research.present.figures.style import GREY, Drawing
from mpg_research.present.language.voice import Voice

__all__ = ["draw_spaghetti", "draw_swimmer"]

_WAITING = "not_enough_information"
_STARTS = ("low_start", "middle_start", "high_start")
#: From the strand that fell most to the one that rose most; apart in lightness.
_STRANDS = ("#003a5c", "#0072B2", "#7fb8d8", "#8c3d00")


def draw_swimmer(voice: Voice) -> Drawing | None:
    """Lanes of groups: how long they were measured, and when the answer came."""
    rows = voice.frame("lanes")
    rows = rows[rows["months_measured"].notna()] if len(rows) else rows
    if not len(rows):
        return None
    chart = Chart([25.0 * len(rows)])
    panel = chart.panel()
    heights = panel.rows([_families(voice, number) for number in rows["n_families"]])
    named = set()
    for place, (height, row) in enumerate(zip(heights, each_row(rows), strict=True)):
        waited = 0.0 if math.isnan(row.months_to_answer) else float(row.months_to_answer)
        for name, start, end in (
            (_WAITING, 0.0, waited),
            (rows["class"].iloc[place], waited, float(row.months_measured)),
        ):
            if end <= start:
                continue
            colour, hatch = TONES[name]
            panel.box((start, end), (height - 0.33, height + 0.33), fill=colour, edge=GREY, hatch=hatch)
            if name not in named:
                chart.legend.append(tone_entry(voice.phrases.label("value.class", name), colour, hatch))
            named.add(name)
    panel.x.low, panel.x.high = 0.0, float(rows["months_measured"].max()) * 1.04
    panel.y.line = True
    number_axis(panel.x, voice)
    waves = voice.released.policy.time_unit == "waves"
    panel.x.label = voice.phrases("unit.waves_axis" if waves else "unit.months_axis")
    shortest, longest = (voice.period(float(rows["months_measured"].agg(which))) for which in ("min", "max"))
    return put_into_words(
        voice, "swimmer", chart, n=voice.count(len(rows)), shortest=shortest, longest=longest,
        lanes="; ".join(_lane(voice, row) for _, row in rows.iterrows()),
    )  # fmt: skip


def draw_spaghetti(voice: Voice) -> Drawing | None:
    """Mean courses of groups of families, in a panel per third of the first scores."""
    rows = voice.frame("strands")
    rows = rows[rows["mean"].notna()] if len(rows) else rows
    panels = [start for start in _STARTS if len(rows) and (rows["start"] == start).any()]
    if not panels:
        return None
    grid = sorted(rows["months"].unique())
    chart = Chart([175.0], columns=len(panels), one_x=True, one_y=True)
    for place, start in enumerate(panels):
        panel, mine = chart.panel(0, place), rows[rows["start"] == start]
        for _, strand in mine.groupby("strand"):
            colour = _STRANDS[min(int(strand["strand"].to_numpy()[0]), len(_STRANDS)) - 1]
            means = strand.set_index("months")["mean"].reindex(grid)  # a point left out breaks the line
            panel.line(grid, means, colour=colour)
            panel.marks(grid, means, fill=colour, size=3.8)
        panel.title = voice.phrases.label("value.start", start)
        time_axis(panel, voice, rows["months"].to_numpy(dtype=float), label=False)
    number_axis(chart.panel().y, voice)
    chart.panel().y.label = voice.score
    waves = voice.released.policy.time_unit == "waves"
    chart.x_label = voice.phrases("unit.waves_axis" if waves else "unit.months_axis")
    ends = rows.sort_values("months").groupby(["start", "strand"]).last()["mean"]
    return put_into_words(
        voice, "spaghetti", chart, n=voice.count(len(ends)), low=voice.number(float(ends.min())),
        high=voice.number(float(ends.max())), last=voice.moment(float(rows["months"].max())),
    )  # fmt: skip


def _families(voice: Voice, number: float) -> str:
    return voice.phrases("figure.swimmer.lane", n=voice.count(float(number)))


def _lane(voice: Voice, row: pd.Series) -> str:
    measured = voice.number(float(row["months_measured"]))
    name = voice.phrases.label("value.class", row["class"])
    return f"{_families(voice, row['n_families'])}, {name}, {measured}"
