"""Funnel plots: of the change, and of shares of families."""

from typing import Any

import numpy as np
import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.figures.parts import CONTEXT, known, number_axis, put_into_words
from mpg_research.present.figures.style import GREY, MAIN, SECOND, Drawing, canvas, short_name, styled
from mpg_research.present.language.numbers import format_number, format_share, with_percent
from mpg_research.present.language.voice import Voice

__all__ = ["draw_funnel", "draw_share_funnel"]

#: Up to this many organisations have their name beside their dot.
NAMED = 40


def draw_funnel(voice: Voice) -> Drawing | None:
    """Funnel plot with 95 and 99.8 % limits, the plain limits and the false-discovery line."""
    dots = known(voice.frame("funnel"), "estimate", "n_effective")
    lines = voice.frame("funnel_lines")
    if len(dots) < 2 or not len(lines):
        return None
    with styled():
        figure, axes = canvas(4.4)
        ax = axes[0, 0]
        _limits(ax, voice, lines)
        _dots(ax, voice, dots, "estimate")
        ax.set_xlabel(voice.phrases("figure.funnel.axis_x"))
        ax.set_ylabel(voice.phrases("figure.funnel.axis_y", unit=voice.unit))
        number_axis(ax.xaxis, voice)
        number_axis(ax.yaxis, voice)
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return put_into_words(
        voice, "funnel", figure, number=len(dots), inside=len(dots) - outside, outside=outside
    )


def draw_share_funnel(voice: Voice) -> Drawing | None:
    """Funnel plots of the shares, one panel each."""
    dots = known(voice.frame("share_funnel"), "adjusted_share", "n_effective")
    lines = voice.frame("share_funnel_lines")
    if len(dots) < 2 or not len(lines):
        return None
    indicators = list(dict.fromkeys(dots["indicator"]))
    with styled():
        figure, axes = canvas(3.4 * len(indicators), rows=len(indicators))
        for ax, indicator in zip(axes[:, 0], indicators, strict=True):
            _limits(ax, voice, lines[lines["indicator"] == indicator])
            _dots(ax, voice, dots[dots["indicator"] == indicator], "adjusted_share")
            ax.set_title(voice.label("value.indicator", indicator), loc="left", fontsize=9)
            number_axis(ax.xaxis, voice)
            ticks = ax.get_yticks()
            ax.set_yticks(ticks, [format_share(tick, voice.language, digits=0) for tick in ticks])
            ax.set_ylim(*np.clip(ax.get_ylim(), 0, 1))
            ax.set_ylabel(voice.phrases("figure.share_indicators.axis"))
        axes[-1, 0].set_xlabel(voice.phrases("figure.funnel.axis_x"))
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return put_into_words(
        voice, "share_funnel", figure, number=len(indicators), organisations=dots["organisation"].nunique(),
        inside=len(dots) - outside, outside=outside,
    )  # fmt: skip


def _dots(ax: Any, voice: Voice, dots: pd.DataFrame, column: str) -> None:
    """The organisations; with an own one that one in front, the others grey."""
    own = dots["organisation"] == voice.released.own
    front = own if own.any() else pd.Series(True, index=dots.index)
    ax.plot(dots["n_effective"], dots[column], "o", color=CONTEXT, markersize=5, zorder=3)
    ax.plot(dots["n_effective"][front], dots[column][front], "o", color=MAIN, markersize=7, zorder=4)
    for _, row in dots[front].iterrows() if len(dots) <= NAMED else ():
        ax.annotate(
            short_name(voice.organisation(row["organisation"]), width=18, lines=1),
            (row["n_effective"], row[column]), xytext=(5, 4), textcoords="offset points", fontsize=8,
            fontweight="bold" if own.any() else "normal",
        )  # fmt: skip


def _limits(ax: Any, voice: Voice, lines: pd.DataFrame) -> None:
    size = lines["n_effective"]
    # The target: half way between the limits where neither is cut off at 0 or 1.
    ax.axhline(float((lines["low_95"] + lines["high_95"]).iloc[-1]) / 2, color=GREY, linewidth=0.9)
    styles = (
        ("plain_{}_95", GREY, ":", 1.0, None), ("plain_{}_998", GREY, ":", 1.0, None),
        ("{}_95", MAIN, "-", 1.2, 95.0), ("{}_998", MAIN, "-", 1.8, 99.8),
        ("{}_fdr", SECOND, (0, (5, 3)), 1.4, None),
    )  # fmt: skip
    last = row_at(lines, size.idxmax())
    for name, colour, style, width, level in styles:
        for end in ("low", "high"):
            column = name.format(end)
            ax.plot(size, lines[column], color=colour, linestyle=style, linewidth=width)
            if level is not None and np.isfinite(last[column]):
                text = format_number(level, voice.language, digits=0 if level == round(level) else 1)
                ax.annotate(
                    with_percent(text, voice.language), (last["n_effective"], last[column]),
                    xytext=(4, 0), color=MAIN, fontsize=8, textcoords="offset points", va="center",
                    annotation_clip=False,
                )  # fmt: skip
