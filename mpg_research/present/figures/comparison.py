"""The fair comparison in pictures: two kinds of bars, rank sets, case mix, shares, run chart."""

import math
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.parts import (
    CONTEXT,
    CONTEXT_INK,
    colour_of,
    counts_on_top,
    known,
    mark_entry,
    names_of_rows,
    number_axis,
    put_into_words,
    row_height,
    whisker,
)
from mpg_research.present.figures.style import INK, MAIN, SECOND, SHAPES, Drawing, short_name
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = [
    "INDICATORS",
    "draw_case_mix_difference",
    "draw_caterpillar",
    "draw_rank_sets",
    "draw_run_chart",
    "draw_share_indicators",
]

#: Shares of families in the order in which they are spoken of.
INDICATORS = ("measured", "reliably_improved", "reliably_worsened", "dropped_out")


def draw_caterpillar(voice: Voice) -> Drawing | None:
    """Each organisation's change with its interval, its comparison bar, and its shrunken value."""
    rows = known(voice.frame("raw_and_shrunken"), "raw", "raw_low", "raw_high")
    if len(rows) < 2:
        return None

    def open_circle(panel: Panel, row: pd.Series, height: float) -> None:
        panel.marks([row["shrunken"]], [height], fill="#ffffff", edge=INK, size=5)

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
    own = rows[rows["organisation"] == voice.released.own]
    row = own.iloc[0] if len(own) else rows.iloc[int(span.to_numpy().argmin())]
    return put_into_words(
        voice, "rank_sets", bars, number=len(rows), undecided=voice.count((span >= len(rows)).sum()),
        mine=voice.organisation(row["organisation"]), low=voice.count(row["set_low"]),
        high=voice.count(row["set_high"]),
    )  # fmt: skip


def _two_bars(
    voice: Voice, rows: pd.DataFrame, *, thin: str, thick: str, dot: str, axis: str,
    more: Callable[[Panel, pd.Series, float], None] | None = None,
) -> Chart:  # fmt: skip
    """One line per organisation: a thin and a thick bar, a dot, and how many families."""
    own = voice.released.own
    chart = Chart([row_height(len(rows), roomy=23.0) * len(rows)])
    panel = chart.panel()
    codes = list(rows["organisation"])
    heights = panel.rows(names_of_rows(voice, codes), bold=[code == own for code in codes])
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        colour = colour_of(voice, row["organisation"])
        for bar, width, opacity in ((thin, 1.2, 1.0), (thick, 4.5, 0.55)):
            ends = [row[f"{bar}_low"], row[f"{bar}_high"]]
            panel.line(ends, [height] * 2, colour=colour, width=width, opacity=opacity)
        panel.marks([row[dot]], [height], fill=colour, size=6)
        if more is not None:
            more(panel, row, height)
        in_front = own is None or row["organisation"] == own
        panel.beside(height, voice.n_of(row), colour=INK if in_front else CONTEXT_INK)
    panel.x.label = axis
    number_axis(panel.x, voice)
    return chart


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
    chart = Chart([21.6 * len(labels)])
    panel = chart.panel()
    heights = dict(zip(labels, panel.rows(labels, width=180), strict=True))
    panel.y.grid = True
    for limit in (-0.1, 0.1):
        panel.vertical(limit, dash=(1.2, 2.0))
    panel.vertical(0)
    told_apart = own is None and len(codes) <= len(SHAPES)
    for place, code in enumerate(sorted(codes, key=lambda code: code == own)):
        mine, front = rows[rows["organisation"] == code], code == own
        shape = SHAPES[place] if told_apart else "o"
        fill = MAIN if front else "" if told_apart else CONTEXT
        edge, size = MAIN if front or told_apart else CONTEXT, 8.0 if front else 5.5
        panel.marks(
            mine["standardised_difference"], mine["label"].map(heights), shape=shape, fill=fill, edge=edge,
            size=size, opacity=0.85,
        )  # fmt: skip
        if front or told_apart:
            name = short_name(voice.organisation(code), lines=1)
            chart.legend.append(mark_entry(name, shape, fill=fill, edge=edge, size=size))
    panel.x.label = voice.phrases("figure.case_mix_difference.axis")
    number_axis(panel.x, voice)
    told = rows[rows["organisation"] == own] if (rows["organisation"] == own).any() else rows
    most = told.iloc[int(told["standardised_difference"].abs().to_numpy().argmax())]
    return put_into_words(
        voice, "case_mix_difference", chart, number=len(labels), organisations=len(codes),
        mine=voice.organisation(most["organisation"]), most=most["label"],
        value=voice.number(most["standardised_difference"], 2),
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
    chart = Chart([row_height(len(codes), roomy=23.0) * len(codes)], columns=len(indicators), one_y=True)
    names = names_of_rows(voice, codes)
    panels = [chart.panel(0, place) for place in range(len(indicators))]
    heights = dict(zip(codes, panels[0].rows(names, bold=[c == own for c in codes], width=110), strict=True))
    for panel, indicator in zip(panels, indicators, strict=True):
        _share_bars(panel, voice, rows[rows["indicator"] == indicator], heights)
        for code in nobody.loc[nobody["indicator"] == indicator, "organisation"]:
            panel.note(
                0.0, heights[code], voice.phrases("general.not_yet"), size=8, colour=CONTEXT_INK, shift=(3, 0)
            )
        panel.title = voice.label("value.indicator_short", indicator)
        panel.title_size = 9 if len(indicators) < 4 else 8
    panels[len(indicators) // 2].x.label = voice.phrases("figure.share_indicators.axis")
    is_own = rows["organisation"] == own
    if is_own.any():
        shares = [
            f"{voice.label('value.indicator_short', name)}: {_share(voice, share)}"
            for name, share in rows.loc[is_own, ["indicator", "share_observed"]].itertuples(index=False)
        ]
    else:
        shares = [
            f"{voice.label('value.indicator_short', indicator)}: {_from_to(voice, rows, indicator)}"
            for indicator in indicators
        ]
    return put_into_words(
        voice, "share_indicators" if "expected_share" in rows else "own_share_indicators", chart,
        number=len(indicators), organisations=rows["organisation"].nunique(), shares="; ".join(shares),
        whose=voice.organisation(str(own)) if is_own.any() else voice.phrases("figure.share_indicators.all"),
    )  # fmt: skip


def _from_to(voice: Voice, rows: pd.DataFrame, indicator: str) -> str:
    """Between which shares the organisations lie."""
    shares = rows.loc[rows["indicator"] == indicator, "share_observed"]
    low, high = _share(voice, shares.min()), _share(voice, shares.max())
    return low if low == high else voice.phrases("general.interval", low=low, high=high)


def _share_bars(panel: Panel, voice: Voice, rows: pd.DataFrame, heights: dict[str, float]) -> None:
    for _, row in rows.iterrows():
        height = heights[row["organisation"]]
        colour = colour_of(voice, row["organisation"])
        panel.box((0, row["share_observed"]), (height - 0.3, height + 0.3), fill=colour, opacity=0.6)
        if np.isfinite([row["observed_low"], row["observed_high"]]).all():
            panel.line([row["observed_low"], row["observed_high"]], [height] * 2, colour=INK, width=1.1)
        expected = float(row.get("expected_share", math.nan))
        whisker(panel, expected, height - 0.38, height + 0.38, colour=SECOND, width=2)
        panel.beside(height, voice.n_of(row), colour=CONTEXT_INK, size=8)
    panel.x.grid = True
    panel.x.low, panel.x.high = 0.0, 1.0
    panel.x.ticks = [(tick, format_share(tick, voice.language, digits=0)) for tick in (0, 0.5, 1)]


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
    chart = Chart([150.0])
    panel = chart.panel()
    panel.horizontal(median, colour=SECOND, width=1.4)
    line = values.reindex(np.arange(places[0], places[-1] + 1))
    panel.line(line.index, line, colour=MAIN, width=1)
    panel.marks(places, values, fill=MAIN, size=6)
    panel.x.ticks = [
        (float(place), voice.quarter(period)) for place, period in zip(places, rows["period"], strict=True)
    ]
    panel.x.turned = True
    panel.y.label = voice.phrases("figure.run_chart.axis", unit=voice.unit)
    number_axis(panel.y, voice)
    counts = zip(places, rows["n_families"], strict=True)
    counts_on_top(panel, voice, [(float(place), voice.count(number)) for place, number in counts])
    return put_into_words(
        voice, "run_chart", chart, number=len(rows), low=voice.number(rows["value"].min()),
        high=voice.number(rows["value"].max()), median=voice.number(median),
        last=voice.quarter(rows["period"].iloc[-1]), end=voice.number(rows["value"].iloc[-1]),
    )  # fmt: skip


def _share(voice: Voice, value: float) -> str:
    return format_share(float(value), voice.language, digits=0)
