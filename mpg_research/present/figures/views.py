"""Swimmer and spaghetti views in which every lane and every line stands for enough families to be shown."""

import math

import pandas as pd

from mpg_research.frames import each_row
from mpg_research.present.figures.by_matplotlib import canvas, number_axis, styled, time_axis
from mpg_research.present.figures.change import TONES
from mpg_research.present.figures.parts import put_into_words
from mpg_research.present.figures.style import FAINT, GREY, INK, Drawing
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
    with styled():
        figure, axes = canvas(1.7 + 0.36 * len(rows))
        ax = axes[0, 0]
        named = set()
        for place, row in enumerate(each_row(rows)):
            waited = 0.0 if math.isnan(row.months_to_answer) else float(row.months_to_answer)
            for name, start, end in (
                (_WAITING, 0.0, waited),
                (rows["class"].iloc[place], waited, float(row.months_measured)),
            ):
                if end <= start:
                    continue
                colour, hatch = TONES[name]
                label = None if name in named else voice.phrases.label("value.class", name)
                named.add(name)
                ax.barh(place, end - start, 0.66, left=start, color=colour, hatch=hatch, edgecolor=GREY,
                        linewidth=0.7, label=label)  # fmt: skip
        ax.set_yticks(range(len(rows)), [_families(voice, number) for number in rows["n_families"]])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_xlim(0, float(rows["months_measured"].max()) * 1.04)
        number_axis(ax.xaxis, voice)
        waves = voice.released.policy.time_unit == "waves"
        ax.set_xlabel(voice.phrases("unit.waves_axis" if waves else "unit.months_axis"))
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    shortest, longest = (voice.period(float(rows["months_measured"].agg(which))) for which in ("min", "max"))
    return put_into_words(
        voice, "swimmer", figure, n=voice.count(len(rows)), shortest=shortest, longest=longest,
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
    with styled():
        figure, axes = canvas(3.7, columns=len(panels), sharey=True, sharex=True)
        for place, start in enumerate(panels):
            ax, mine = axes[0, place], rows[rows["start"] == start]
            for _, strand in mine.groupby("strand"):
                colour = _STRANDS[min(int(strand["strand"].to_numpy()[0]), len(_STRANDS)) - 1]
                means = strand.set_index("months")["mean"].reindex(grid)  # a point left out breaks the line
                ax.plot(grid, means, "-o", color=colour, markersize=3.5, linewidth=1.6)
            ax.set_title(voice.phrases.label("value.start", start), color=INK)
            time_axis(ax, voice, rows["months"].to_numpy(dtype=float), label=place == len(panels) // 2)
            number_axis(ax.yaxis, voice)
            ax.grid(axis="y", color=FAINT, linewidth=0.6)
            ax.set_axisbelow(True)
        axes[0, 0].set_ylabel(voice.score)
    ends = rows.sort_values("months").groupby(["start", "strand"]).last()["mean"]
    return put_into_words(
        voice, "spaghetti", figure, n=voice.count(len(ends)), low=voice.number(float(ends.min())),
        high=voice.number(float(ends.max())), last=voice.moment(float(rows["months"].max())),
    )  # fmt: skip


def _families(voice: Voice, number: float) -> str:
    return voice.phrases("figure.swimmer.lane", n=voice.count(float(number)))


def _lane(voice: Voice, row: pd.Series) -> str:
    measured = voice.number(float(row["months_measured"]))
    name = voice.phrases.label("value.class", row["class"])
    return f"{_families(voice, row['n_families'])}, {name}, {measured}"
