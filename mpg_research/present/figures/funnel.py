"""Funnel plots: of the change, and of shares of families."""

import math

import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.drawing.chart import Chart, Entry, Panel
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.figures.parts import CONTEXT, known, line_entry, number_axis, put_into_words
from mpg_research.present.figures.style import GREY, MAIN, SECOND, Drawing
from mpg_research.present.language.numbers import format_number, with_percent
from mpg_research.present.language.voice import Voice

__all__ = ["draw_funnel", "draw_share_funnel", "funnel_dots", "funnel_limits"]

#: The lines: columns, colour, dash, weight and level; apart in grey too, by their dash and weight.
_LIMITS: tuple[tuple[str, str, tuple[float, ...], float, float], ...] = (
    ("plain_{}_95", GREY, (1.2, 2.0), 1.0, 0.0),
    ("plain_{}_998", GREY, (1.2, 2.0), 1.0, 0.0),
    ("{}_95", MAIN, (), 1.2, 95.0),
    ("{}_998", MAIN, (), 2.2, 99.8),
    ("{}_fdr", SECOND, (7, 4), 1.6, 0.0),
)
#: Up to this many organisations have their name beside their dot.
NAMED = 40


def draw_funnel(voice: Voice) -> Drawing | None:
    """Funnel plot with 95 and 99.8 % limits, the plain limits and the false-discovery line."""
    dots = known(voice.frame("funnel"), "estimate", "n_effective")
    lines = known(voice.frame("funnel_lines"), "low_95", "high_95")
    if len(dots) < 2 or not len(lines):
        return None
    chart = Chart([245.0])
    panel = chart.panel()
    funnel_limits(panel, voice, lines)
    chart.legend += limit_entries(voice)
    funnel_dots(panel, voice, dots, "estimate")
    panel.x.label = voice.phrases("figure.funnel.axis_x")
    panel.y.label = voice.phrases("figure.funnel.axis_y", unit=voice.unit)
    number_axis(panel.x, voice)
    number_axis(panel.y, voice)
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return put_into_words(
        voice, "funnel", chart, number=len(dots), inside=len(dots) - outside, outside=outside
    )


def draw_share_funnel(voice: Voice) -> Drawing | None:
    """Funnel plots of the shares, one panel each."""
    dots = known(voice.frame("share_funnel"), "adjusted_share", "n_effective")
    lines = known(voice.frame("share_funnel_lines"), "low_95", "high_95")
    dots = dots[dots["indicator"].isin(set(lines["indicator"]))] if len(lines) else dots
    if len(dots) < 2 or not len(lines):
        return None
    indicators = list(dict.fromkeys(dots["indicator"]))
    chart = Chart([185.0] * len(indicators))
    for place, indicator in enumerate(indicators):
        panel = chart.panel(place)
        funnel_limits(panel, voice, lines[lines["indicator"] == indicator])
        funnel_dots(panel, voice, dots[dots["indicator"] == indicator], "adjusted_share")
        panel.title = voice.label("value.indicator", indicator)
        number_axis(panel.x, voice)
        number_axis(panel.y, voice, percent=True)
        low, high = panel.y.ends()
        panel.y.low, panel.y.high = max(0.0, low), min(1.0, high)
        panel.y.label = voice.phrases("figure.share_indicators.axis")
    chart.legend += limit_entries(voice)
    chart.panel(len(indicators) - 1).x.label = voice.phrases("figure.funnel.axis_x")
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return put_into_words(
        voice, "share_funnel", chart, number=len(indicators), organisations=dots["organisation"].nunique(),
        inside=len(dots) - outside, outside=outside,
    )  # fmt: skip


def funnel_dots(panel: Panel, voice: Voice, dots: pd.DataFrame, column: str) -> None:
    """The organisations; with an own one that one in front, the others grey."""
    own = dots["organisation"] == voice.released.own
    front = own if own.any() else pd.Series(True, index=dots.index)
    if own.any():
        panel.marks(dots["n_effective"][~front], dots[column][~front], fill=CONTEXT, size=5)
    panel.marks(dots["n_effective"][front], dots[column][front], fill=MAIN, size=7)
    for _, row in dots[front].iterrows() if own.any() or len(dots) <= NAMED else ():
        name = fit_lines(voice.organisation(row["organisation"]), 100, size=8, lines=1, bold=bool(own.any()))
        panel.note(row["n_effective"], row[column], *name, size=8, bold=bool(own.any()), clears=3.5)


def limit_entries(voice: Voice) -> list[Entry]:
    """The lines that have no number beside them, by name."""
    (_, grey, dots, thin, _), (_, orange, dashes, thick, _) = _LIMITS[0], _LIMITS[-1]
    return [
        line_entry(voice.phrases("figure.funnel.limit_plain"), grey, width=thin, dash=dots),
        line_entry(voice.phrases("figure.funnel.limit_fdr"), orange, width=thick, dash=dashes),
    ]


def funnel_limits(panel: Panel, voice: Voice, lines: pd.DataFrame) -> None:
    """The lines of a funnel plot, with the target."""
    size = lines["n_effective"]
    # The target: half way between the limits where neither is cut off at 0 or 1.
    panel.horizontal(float((lines["low_95"] + lines["high_95"]).iloc[-1]) / 2)
    last = row_at(lines, size.idxmax())
    for name, colour, dash, width, level in _LIMITS:
        for end in ("low", "high"):
            column = name.format(end)
            panel.line(size, lines[column], colour=colour, dash=dash, width=width)
            if level and math.isfinite(last[column]):
                number = format_number(level, voice.language, digits=0 if level == round(level) else 1)
                panel.note(
                    last["n_effective"], last[column], with_percent(number, voice.language), colour=MAIN,
                    size=8, shift=(4, 0), outside=True,
                )  # fmt: skip
