"""The fair comparison in pictures: funnel, two kinds of bars, rank sets, case mix, shares, run chart."""

from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.course import number_axis
from mpg_research.present.figures.style import (
    FAINT,
    GREY,
    INK,
    MAIN,
    SECOND,
    Drawing,
    canvas,
    short_name,
    styled,
)
from mpg_research.present.numbers import format_share
from mpg_research.present.voice import Voice

__all__ = [
    "draw_case_mix_difference",
    "draw_caterpillar",
    "draw_funnel",
    "draw_rank_sets",
    "draw_run_chart",
    "draw_share_funnel",
    "draw_share_indicators",
]

CONTEXT = "#9aa3ac"
#: Up to this many organisations each gets a line of its own; beyond, names would not be legible.
NAMED = 40


def draw_funnel(voice: Voice) -> Drawing | None:
    """Funnel plot with 95 and 99.8 % limits, the plain limits and the false-discovery line."""
    dots = _known(voice.frame("funnel"), "estimate", "n_effective")
    lines = voice.frame("funnel_lines")
    if len(dots) < 2 or not len(lines):
        return None
    with styled():
        figure, axes = canvas(4.4)
        ax = axes[0, 0]
        _limits(ax, lines)
        _dots(ax, voice, dots, "estimate")
        ax.set_xlabel(voice.phrases("figure.funnel.axis_x"))
        ax.set_ylabel(voice.phrases("figure.funnel.axis_y", unit=voice.unit))
        number_axis(ax.xaxis, voice)
        number_axis(ax.yaxis, voice)
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return _words(voice, "funnel", figure, number=len(dots), inside=len(dots) - outside, outside=outside)


def _dots(ax: Any, voice: Voice, dots: pd.DataFrame, column: str) -> None:
    """The organisations; with an own one that one in front, the others grey."""
    own = dots["organisation"] == voice.released.own
    front = own if own.any() else pd.Series(True, index=dots.index)
    ax.plot(dots["n_effective"], dots[column], "o", color=CONTEXT, markersize=5, zorder=3)
    ax.plot(dots["n_effective"][front], dots[column][front], "o", color=MAIN, markersize=7, zorder=4)
    for _, row in dots[front].iterrows() if len(dots) <= NAMED else ():
        ax.annotate(
            short_name(voice.organisation(row["organisation"]), width=18),
            (row["n_effective"], row[column]), xytext=(5, 4), textcoords="offset points", fontsize=8,
        )  # fmt: skip


def draw_share_funnel(voice: Voice) -> Drawing | None:
    """Funnel plots of the shares, one panel each."""
    dots = _known(voice.frame("share_funnel"), "adjusted_share", "n_effective")
    lines = voice.frame("share_funnel_lines")
    if len(dots) < 2 or not len(lines):
        return None
    indicators = list(dict.fromkeys(dots["indicator"]))
    with styled():
        figure, axes = canvas(3.4 * len(indicators), rows=len(indicators))
        for ax, indicator in zip(axes[:, 0], indicators, strict=True):
            _limits(ax, lines[lines["indicator"] == indicator])
            _dots(ax, voice, dots[dots["indicator"] == indicator], "adjusted_share")
            ax.set_title(voice.label("value.indicator", indicator), loc="left", fontsize=9)
            number_axis(ax.xaxis, voice)
            ticks = ax.get_yticks()
            ax.set_yticks(ticks, [format_share(tick, voice.language, digits=0) for tick in ticks])
            ax.set_ylim(*np.clip(ax.get_ylim(), 0, 1))
        axes[-1, 0].set_xlabel(voice.phrases("figure.funnel.axis_x"))
    outside = int((dots["beyond_adjusted"] != "none").sum())
    return _words(
        voice, "share_funnel", figure, number=len(indicators), organisations=dots["organisation"].nunique(),
        inside=len(dots) - outside, outside=outside,
    )  # fmt: skip


def _limits(ax: Any, lines: pd.DataFrame) -> None:
    size = lines["n_effective"]
    # The target: half way between the limits where neither is cut off at 0 or 1.
    ax.axhline(float((lines["low_95"] + lines["high_95"]).iloc[-1]) / 2, color=GREY, linewidth=0.9)
    styles = (
        ("plain_{}_95", GREY, ":", 1.0), ("plain_{}_998", GREY, ":", 1.0),
        ("{}_95", MAIN, "-", 1.2), ("{}_998", MAIN, "-", 1.8), ("{}_fdr", SECOND, (0, (5, 3)), 1.4),
    )  # fmt: skip
    for name, colour, style, width in styles:
        for end in ("low", "high"):
            ax.plot(size, lines[name.format(end)], color=colour, linestyle=style, linewidth=width)


def draw_caterpillar(voice: Voice) -> Drawing | None:
    """Each organisation's change with its interval, its comparison bar, and its shrunken value."""
    rows = _known(voice.frame("raw_and_shrunken"), "raw", "raw_low", "raw_high")
    if len(rows) < 2:
        return None
    with styled():
        figure, ax, heights = _one_line_each(voice, rows)
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            colour = _colour(voice, row)
            ax.plot([row["raw_low"], row["raw_high"]], [height] * 2, color=colour, linewidth=1.2)
            ax.plot(
                [row["comparison_low"], row["comparison_high"]], [height] * 2, color=colour, linewidth=4.5,
                alpha=0.55, solid_capstyle="butt",
            )  # fmt: skip
            ax.plot(row["raw"], height, "o", color=colour, markersize=6)
            ax.plot(row["shrunken"], height, "o", markerfacecolor="white", markeredgecolor=INK, markersize=5)
        ax.set_xlabel(voice.phrases("figure.caterpillar.axis", unit=voice.unit))
        number_axis(ax.xaxis, voice)
    return _words(
        voice, "caterpillar", figure, number=len(rows),
        low=voice.number(rows["raw"].min()), high=voice.number(rows["raw"].max()),
        shrunken_low=voice.number(rows["shrunken"].min()), shrunken_high=voice.number(rows["shrunken"].max()),
    )  # fmt: skip


def draw_rank_sets(voice: Voice) -> Drawing | None:
    """The ranks that are not excluded, for one organisation and for all together."""
    rows = _known(voice.frame("ranks"), "set_low", "set_high", "expected_rank")
    if len(rows) < 2:
        return None
    with styled():
        figure, ax, heights = _one_line_each(voice, rows)
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            colour = _colour(voice, row)
            ax.plot([row["all_low"], row["all_high"]], [height] * 2, color=colour, linewidth=1.2)
            ax.plot(
                [row["set_low"], row["set_high"]], [height] * 2, color=colour, linewidth=4.5, alpha=0.55,
                solid_capstyle="butt",
            )  # fmt: skip
            ax.plot(row["expected_rank"], height, "o", color=colour, markersize=6)
        ax.set_xlabel(voice.phrases("figure.rank_sets.axis"))
        number_axis(ax.xaxis, voice)
    span = rows["set_high"] - rows["set_low"] + 1
    return _words(
        voice, "rank_sets", figure, number=len(rows),
        shortest=voice.count(span.min()), longest=voice.count(span.max()),
    )  # fmt: skip


def draw_case_mix_difference(voice: Voice) -> Drawing | None:
    """Standardised differences of the case mix; one row per characteristic, one dot per organisation."""
    rows = _known(voice.frame("case_mix_difference"), "standardised_difference")
    if not len(rows) or rows["organisation"].nunique() < 2:
        return None
    named = rows["variable"].map(lambda name: voice.phrases.label("value.variable", name))
    levels = rows["level"].where(rows["level"] == "", ": " + rows["level"])
    rows = rows.assign(label=named + levels)
    labels = list(dict.fromkeys(rows["label"]))
    heights = {label: float(len(labels) - 1 - place) for place, label in enumerate(labels)}
    own = voice.released.own
    with styled():
        figure, axes = canvas(1.4 + 0.3 * len(labels))
        ax = axes[0, 0]
        for limit in (-0.1, 0.1):
            ax.axvline(limit, color=GREY, linewidth=0.9, linestyle=":")
        ax.axvline(0, color=GREY, linewidth=0.9)
        front = rows["organisation"] == own
        for mine, colour, size in ((~front, CONTEXT if front.any() else MAIN, 4.5), (front, MAIN, 8)):
            y = rows["label"][mine].map(heights)
            ax.plot(rows["standardised_difference"][mine], y, "o", color=colour, markersize=size, alpha=0.8)
        ax.set_yticks(list(heights.values()), [short_name(label, width=34) for label in heights])
        ax.set_xlabel(voice.phrases("figure.case_mix_difference.axis"))
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        number_axis(ax.xaxis, voice)
    values = rows["standardised_difference"]
    return _words(
        voice, "case_mix_difference", figure, number=len(labels),
        organisations=rows["organisation"].nunique(), low=voice.number(values.min(), 2),
        high=voice.number(values.max(), 2),
    )  # fmt: skip


def draw_share_indicators(voice: Voice) -> Drawing | None:
    """Bars of observed shares with their intervals, and the share that was expected."""
    rows = _known(voice.frame("share_indicators"), "share_observed")
    if not len(rows):
        return None
    indicators = list(dict.fromkeys(rows["indicator"]))
    codes = list(dict.fromkeys(voice.frame("share_indicators")["organisation"]))
    heights = {code: float(len(codes) - 1 - place) for place, code in enumerate(codes)}
    with styled():
        figure, axes = canvas(1.5 + 0.32 * len(codes), columns=len(indicators), sharey=True)
        for ax, indicator in zip(axes[0], indicators, strict=True):
            mine = rows[rows["indicator"] == indicator]
            _bars(ax, voice, mine, heights)
            ax.set_title(voice.label("value.indicator", indicator), loc="left", fontsize=9)
        axes[0, 0].set_yticks(
            list(heights.values()), [short_name(voice.organisation(code), width=20) for code in heights]
        )
        axes[0, 0].set_xlabel(voice.phrases("figure.share_indicators.axis"))
    return _words(
        voice,
        "share_indicators",
        figure,
        number=len(indicators),
        organisations=rows["organisation"].nunique(),
    )


def _bars(ax: Any, voice: Voice, rows: pd.DataFrame, heights: dict[str, float]) -> None:
    for _, row in rows.iterrows():
        height = heights[row["organisation"]]
        ax.barh(height, row["share_observed"], height=0.6, color=_colour(voice, row), alpha=0.6)
        if np.isfinite([row["observed_low"], row["observed_high"]]).all():
            ax.plot([row["observed_low"], row["observed_high"]], [height] * 2, color=INK, linewidth=1.1)
        if np.isfinite(row["expected_share"]):
            ax.plot([row["expected_share"]] * 2, [height - 0.38, height + 0.38], color=SECOND, linewidth=2)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.5, 1], [format_share(tick, voice.language, digits=0) for tick in (0, 0.5, 1)])


def draw_run_chart(voice: Voice) -> Drawing | None:
    """Results by quarter of start around their median."""
    rows = _known(voice.frame("run_chart"), "value")
    if len(rows) < 2:
        return None
    places = np.arange(len(rows))
    median = float(rows["median"].iloc[0])
    with styled():
        figure, axes = canvas(3.2)
        ax = axes[0, 0]
        ax.axhline(median, color=SECOND, linewidth=1.4)
        ax.plot(places, rows["value"], "-o", color=MAIN, markersize=6, linewidth=1)
        ax.set_xticks(places, rows["period"], rotation=45, ha="right")
        ax.set_ylabel(voice.phrases("figure.run_chart.axis", unit=voice.unit))
        number_axis(ax.yaxis, voice)
    return _words(
        voice, "run_chart", figure, number=len(rows), low=voice.number(rows["value"].min()),
        high=voice.number(rows["value"].max()), median=voice.number(median),
    )  # fmt: skip


def _one_line_each(voice: Voice, rows: pd.DataFrame) -> tuple[Any, Any, Any]:
    """A figure with one line per organisation, named where there is room."""
    heights = np.arange(len(rows))[::-1].astype(float)
    named = len(rows) <= NAMED
    figure, axes = canvas(1.3 + (0.32 if named else 0.07) * len(rows))
    ax = axes[0, 0]
    names = [short_name(voice.organisation(code)) for code in rows["organisation"]] if named else []
    ax.set_yticks(heights if named else [], names)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    return figure, ax, heights


def _colour(voice: Voice, row: pd.Series) -> str:
    own = voice.released.own
    return MAIN if own is None or row["organisation"] == own else CONTEXT


def _known(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose numbers are all shown."""
    if not len(rows) or any(column not in rows.columns for column in columns):
        return pd.DataFrame()
    return rows[rows[list(columns)].notna().all(axis=1)].reset_index(drop=True)


def _words(voice: Voice, name: str, figure: Any, **values: object) -> Drawing:
    key = f"figure.{name}"
    given = {
        "unit": voice.unit,
        "level": voice.level,
        "adjusted": voice.adjusted,
        "direction": voice.direction,
        "period": voice.period(float(voice.released.provenance.parameters.get("primary_month", 12.0))),
        **values,
    }

    def fill(part: str) -> str:
        wanted = voice.phrases.placeholders(f"{key}.{part}")
        return voice.phrases(f"{key}.{part}", **{each: given[each] for each in wanted})

    return Drawing(figure, title=fill("title"), caption=fill("caption"), alt=fill("alt"))
