"""The fair comparison in pictures: two kinds of bars, rank sets, case mix, shares, run chart."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.parts import (
    CONTEXT,
    CONTEXT_INK,
    beside,
    colour_of,
    counts_on_top,
    known,
    number_axis,
    put_into_words,
    row_axis,
)
from mpg_research.present.figures.style import (
    FAINT,
    GREY,
    INK,
    MAIN,
    SECOND,
    SHAPES,
    Drawing,
    canvas,
    short_name,
    styled,
)
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = [
    "draw_case_mix_difference",
    "draw_caterpillar",
    "draw_rank_sets",
    "draw_run_chart",
    "draw_share_indicators",
]

#: Up to this many organisations each gets a line of its own; beyond, names would not be legible.
NAMED = 40
#: Shares of families in the order in which they are spoken of.
INDICATORS = ("measured", "reliably_improved", "reliably_worsened", "dropped_out")


def draw_caterpillar(voice: Voice) -> Drawing | None:
    """Each organisation's change with its interval, its comparison bar, and its shrunken value."""
    rows = known(voice.frame("raw_and_shrunken"), "raw", "raw_low", "raw_high")
    if len(rows) < 2:
        return None

    def open_circle(ax: Any, row: pd.Series, height: float) -> None:
        ax.plot(row["shrunken"], height, "o", markerfacecolor="white", markeredgecolor=INK, markersize=5)

    axis = voice.phrases("figure.caterpillar.axis", unit=voice.unit)
    bars = _two_bars(voice, rows, thin="raw", thick="comparison", dot="raw", axis=axis, more=open_circle)
    return put_into_words(
        voice, "caterpillar", bars, number=len(rows),
        low=voice.number(rows["raw"].min()), high=voice.number(rows["raw"].max()),
        shrunken_low=voice.number(rows["shrunken"].min()), shrunken_high=voice.number(rows["shrunken"].max()),
    )  # fmt: skip


def draw_rank_sets(voice: Voice) -> Drawing | None:
    """The ranks that are not excluded, for one organisation and for all together."""
    rows = known(voice.frame("ranks"), "set_low", "set_high", "expected_rank")
    if len(rows) < 2:
        return None
    axis = voice.phrases("figure.rank_sets.axis")
    bars = _two_bars(voice, rows, thin="all", thick="set", dot="expected_rank", axis=axis)
    span = rows["set_high"] - rows["set_low"] + 1
    return put_into_words(
        voice, "rank_sets", bars, number=len(rows), shortest=voice.count(span.min()),
        longest=voice.count(span.max()),
    )  # fmt: skip


def _two_bars(
    voice: Voice, rows: pd.DataFrame, *, thin: str, thick: str, dot: str, axis: str,
    more: Callable[[Any, pd.Series, float], None] | None = None,
) -> Any:  # fmt: skip
    """One line per organisation: a thin and a thick bar and a dot; named where there is room."""
    named = len(rows) <= NAMED
    own = voice.released.own
    with styled():
        figure, axes = canvas(1.3 + (0.32 if named else 0.07) * len(rows))
        ax = axes[0, 0]
        codes = list(rows["organisation"])
        heights = row_axis(ax, [voice.organisation(code) for code in codes], bold=[c == own for c in codes])
        if not named:  # of many, the own one only
            mine = [place for place, code in enumerate(codes) if code == own]
            names = [short_name(voice.organisation(codes[place])) for place in mine]
            ax.set_yticks(heights[mine], names, fontweight="bold")
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            colour = colour_of(voice, row["organisation"])
            ends = [[row[f"{bar}_low"], row[f"{bar}_high"]] for bar in (thin, thick)]
            ax.plot(ends[0], [height] * 2, color=colour, linewidth=1.2)
            ax.plot(ends[1], [height] * 2, color=colour, linewidth=4.5, alpha=0.55, solid_capstyle="butt")
            ax.plot(row[dot], height, "o", color=colour, markersize=6)
            if more is not None:
                more(ax, row, height)
            if named or row["organisation"] == own:
                beside(ax, height, voice.n_of(row), in_front=own is None or row["organisation"] == own)
        ax.set_xlabel(axis)
        number_axis(ax.xaxis, voice)
    return figure


def draw_case_mix_difference(voice: Voice) -> Drawing | None:
    """Standardised differences of the case mix; one row per characteristic, one mark per organisation."""
    rows = known(voice.frame("case_mix_difference"), "standardised_difference")
    if not len(rows) or rows["organisation"].nunique() < 2:
        return None
    names = rows["variable"].map(lambda name: voice.phrases.label("value.variable", name))
    levels = rows["level"].where(rows["level"] == "", ": " + rows["level"])
    rows = rows.assign(label=names + levels)
    labels = list(dict.fromkeys(rows["label"]))
    codes = list(dict.fromkeys(rows["organisation"]))
    own = voice.released.own
    with styled():
        figure, axes = canvas(1.5 + 0.3 * len(labels))
        ax = axes[0, 0]
        heights = dict(zip(labels, row_axis(ax, labels, width=34), strict=True))
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        for limit in (-0.1, 0.1):
            ax.axvline(limit, color=GREY, linewidth=0.9, linestyle=":")
        ax.axvline(0, color=GREY, linewidth=0.9)
        told_apart = own is None and len(codes) <= len(SHAPES)
        for place, code in enumerate(sorted(codes, key=lambda code: code == own)):
            mine, front = rows[rows["organisation"] == code], code == own
            shape = SHAPES[place] if told_apart else "o"
            ax.plot(
                mine["standardised_difference"], mine["label"].map(heights), shape, alpha=0.85,
                color=MAIN if front else CONTEXT if not told_apart else "none",
                markeredgecolor=MAIN if front or told_apart else CONTEXT, markersize=8 if front else 5.5,
                label=short_name(voice.organisation(code), lines=1) if front or told_apart else "_",
            )  # fmt: skip
        ax.set_xlabel(voice.phrases("figure.case_mix_difference.axis"))
        number_axis(ax.xaxis, voice)
        if told_apart or own is not None:
            figure.legend(loc="outside right upper", frameon=False, fontsize=8.5, handletextpad=0.3)
    values = rows["standardised_difference"]
    return put_into_words(
        voice, "case_mix_difference", figure, number=len(labels), organisations=len(codes),
        low=voice.number(values.min(), 2), high=voice.number(values.max(), 2),
    )  # fmt: skip


def draw_share_indicators(voice: Voice) -> Drawing | None:
    """Bars of observed shares with their intervals, and the share that was expected."""
    every = voice.frame("share_indicators")
    rows = known(every, "share_observed")
    if not len(rows):
        return None
    nobody = every[every["n_group"] == 0]
    found = list(dict.fromkeys(rows["indicator"]))
    indicators = [*(name for name in INDICATORS if name in found), *sorted(set(found) - set(INDICATORS))]
    codes = list(dict.fromkeys(every["organisation"]))
    own = voice.released.own
    with styled():
        figure, axes = canvas(1.6 + 0.32 * len(codes), columns=len(indicators), sharey=True)
        names = [voice.organisation(code) for code in codes]
        heights = dict(
            zip(codes, row_axis(axes[0, 0], names, bold=[c == own for c in codes], width=20), strict=True)
        )
        for ax, indicator in zip(axes[0], indicators, strict=True):
            _bars(ax, voice, rows[rows["indicator"] == indicator], heights)
            for code in nobody.loc[nobody["indicator"] == indicator, "organisation"]:
                words = voice.phrases("general.not_yet")
                ax.annotate(words, (0.03, heights[code]), va="center", fontsize=8, color=CONTEXT_INK)
            title = short_name(
                voice.label("value.indicator_short", indicator), width=72 // len(indicators), lines=3
            )
            ax.set_title(title, loc="left", fontsize=9 if len(indicators) < 4 else 8)
        figure.supxlabel("")
        axes[0, len(indicators) // 2].set_xlabel(voice.phrases("figure.share_indicators.axis"))
    shares = [
        f"{voice.label('value.indicator_short', row['indicator'])}: {_share(voice, row['share_observed'])}"
        for _, row in rows[rows["organisation"] == own].iterrows()
    ]
    return put_into_words(
        voice, "share_indicators" if "expected_share" in rows else "own_share_indicators", figure,
        number=len(indicators), organisations=rows["organisation"].nunique(), shares="; ".join(shares),
    )  # fmt: skip


def _bars(ax: Any, voice: Voice, rows: pd.DataFrame, heights: dict[str, float]) -> None:
    for _, row in rows.iterrows():
        height = heights[row["organisation"]]
        ax.barh(height, row["share_observed"], height=0.6, color=colour_of(voice, row["organisation"]),
                alpha=0.6)  # fmt: skip
        if np.isfinite([row["observed_low"], row["observed_high"]]).all():
            ax.plot([row["observed_low"], row["observed_high"]], [height] * 2, color=INK, linewidth=1.1)
        if np.isfinite(row.get("expected_share", np.nan)):
            ax.plot([row["expected_share"]] * 2, [height - 0.38, height + 0.38], color=SECOND, linewidth=2)
        ax.annotate(voice.n_of(row), (1.04, height), va="center", fontsize=8, color=CONTEXT_INK)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.32)
    ax.set_xticks([0, 0.5, 1], [format_share(tick, voice.language, digits=0) for tick in (0, 0.5, 1)])


def draw_run_chart(voice: Voice) -> Drawing | None:
    """Results by quarter of start around their median; a quarter without enough families is a gap."""
    rows = known(voice.frame("run_chart"), "value")
    if len(rows) < 2:
        return None
    quarters = [re.fullmatch(r"(\d{4})-Q(\d)", str(period)) for period in rows["period"]]
    numbers = [4 * int(q[1]) + int(q[2]) if q else place for place, q in enumerate(quarters)]
    places = np.array(numbers, dtype=float) - numbers[0]
    median = float(rows["median"].iloc[0])
    values = pd.Series(rows["value"].to_numpy(dtype=float), index=places)
    with styled():
        figure, axes = canvas(3.4)
        ax = axes[0, 0]
        ax.axhline(median, color=SECOND, linewidth=1.4)
        line = values.reindex(np.arange(places[0], places[-1] + 1))
        ax.plot(line.index, line, "-o", color=MAIN, markersize=6, linewidth=1)
        ax.set_xticks(places, [voice.quarter(period) for period in rows["period"]], rotation=45, ha="right")
        ax.set_ylabel(voice.phrases("figure.run_chart.axis", unit=voice.unit))
        number_axis(ax.yaxis, voice)
        counts = zip(places, rows["n_families"], strict=True)
        counts_on_top(ax, voice, [(float(place), voice.count(number)) for place, number in counts])
    return put_into_words(
        voice, "run_chart", figure, number=len(rows), low=voice.number(rows["value"].min()),
        high=voice.number(rows["value"].max()), median=voice.number(median),
    )  # fmt: skip


def _share(voice: Voice, value: float) -> str:
    return format_share(float(value), voice.language, digits=0)
