"""Shares of families per class, answers by month, spread of scores, and how much missing data matter."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart, Entry, hatching
from mpg_research.present.drawing.scene import Piece, Polygon
from mpg_research.present.figures.parts import (
    count_marks,
    counts_on_top,
    known,
    line_entry,
    number_axis,
    put_into_words,
    time_axis,
)
from mpg_research.present.figures.style import (
    BAND,
    FAINT,
    GREY,
    INK,
    MAIN,
    MIDDLE_BAND,
    SECOND,
    Drawing,
)
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = [
    "draw_answers_by_month",
    "draw_class_shares",
    "draw_decision_curve",
    "draw_delta_adjustment",
    "draw_measured_by_month",
    "draw_score_bands",
    "draw_shares",
    "tone_entry",
]

#: From best to worst, apart in lightness as well as in hue; what is not known is white.
TONES = {
    "improving": ("#0072B2", ""),
    "improving_less_than_delta": ("#7fb8d8", ""),
    "stagnating": ("#d5dae0", ""),
    "deteriorating_less_than_delta": ("#e8a47c", "//"),
    "deteriorating": ("#8c3d00", "//"),
    "not_enough_information": ("#ffffff", ""),
    "together": ("#ffffff", "xx"),
    "not_enough_information_or_rare": ("#ffffff", ".."),
}


def draw_class_shares(voice: Voice) -> Drawing | None:
    """Share of each class with its interval."""
    return draw_shares(voice, "class_shares", "merged")


def draw_shares(
    voice: Voice,
    name: str,
    table: str,
    *,
    key: str = "class",
    limits: tuple[str, str] = ("clustered_low", "clustered_high"),
    total: bool = False,
) -> Drawing | None:
    """Shares of a table below each other, each with its interval; ``total``: beside it only out of how many.

    That is for tables whose families are all those of whom it could be told.
    """
    rows = known(voice.frame(table), "estimate", *limits)
    if not len(rows):
        return None
    names = [voice.label(f"value.{key}", code) for code in rows[key]]
    chart = Chart([24.5 * len(rows)])
    panel = chart.panel()
    heights = panel.rows(names, width=200)
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        panel.line([row[each] for each in limits], [height, height], colour=MAIN, width=1.6)
        panel.beside(height, _of_all(voice, row) if total else _out_of(voice, row))
    panel.marks(rows["estimate"], heights, fill=MAIN, size=6)
    panel.x.low, panel.x.high = 0.0, min(1.0, float(rows[limits[1]].max()) * 1.08 + 0.02)
    number_axis(panel.x, voice, percent=True)
    panel.x.label = voice.phrases("figure.class_shares.axis")
    shares = [
        f"{label} {format_share(float(value), voice.language, digits=0)}"
        for label, value in zip(names, rows["estimate"], strict=True)
    ]
    return put_into_words(voice, name, chart, shares="; ".join(shares))


def _of_all(voice: Voice, row: pd.Series) -> str:
    """Out of how many; nothing where that is withheld."""
    total = float(row["n_group"])
    return voice.phrases("unit.families", number=voice.rounded(total)) if math.isfinite(total) else ""


def _out_of(voice: Voice, row: pd.Series) -> str:
    """How many of how many; what is withheld of the two is left out, and with both nothing is said."""
    number, total = float(row["n_families"]), float(row["n_group"])
    if math.isfinite(number) and math.isfinite(total):
        parts = {"number": voice.rounded(number), "total": voice.rounded(total)}
        return voice.phrases("figure.class_shares.out_of", **parts)
    return voice.families(number) if math.isfinite(number) else ""


def draw_answers_by_month(voice: Voice) -> Drawing | None:
    """The answers month by month, stacked."""
    rows = voice.frame("merged_by_month")
    rows = rows[rows["estimate"].notna()] if len(rows) else rows
    if not len(rows):
        return None
    wide = rows.pivot(index="months", columns="class", values="estimate")
    months = [float(month) for month in wide.index]
    places = np.arange(len(months))
    bottom = np.zeros(len(months))
    chart = Chart([170.0])
    panel = chart.panel()
    for name, (colour, hatch) in TONES.items():
        if name not in wide:
            continue
        shares = wide[name].fillna(0).to_numpy(dtype=float)
        for place, share in zip(places, shares, strict=True):
            if share > 0:
                foot = float(bottom[int(place)])
                panel.box(
                    (place - 0.36, place + 0.36), (foot, foot + share), fill=colour, edge=GREY,
                    edge_width=0.6, hatch=hatch,
                )  # fmt: skip
        bottom += shares
        chart.legend.append(tone_entry(voice.phrases.label("value.class", name), colour, hatch))
    panel.x.ticks = [(float(place), voice.moment(month)) for place, month in enumerate(months)]
    panel.y.low, panel.y.high = 0.0, 1.0
    panel.y.label = voice.phrases("figure.answers_by_month.axis")
    group = rows.groupby("months")["n_group"].max()
    marks = [(float(place), voice.count(group[month])) for place, month in enumerate(months)]
    counts_on_top(panel, voice, marks)
    number_axis(panel.y, voice, percent=True)
    first, last = (_described(voice, wide.iloc[place]) for place in (0, -1))
    return put_into_words(
        voice, "answers_by_month", chart, first=voice.moment(months[0]), first_shares=first,
        last=voice.moment(months[-1]), last_shares=last,
    )  # fmt: skip


def draw_score_bands(voice: Voice) -> Drawing | None:
    """The spread of the families' scores, month by month; no single family.

    From where the middle half may be shown; the outer band where enough families lie beyond its edges.
    """
    rows = voice.frame("score_bands")
    rows = rows[rows[["p25", "p50", "p75"]].notna().all(axis=1)] if len(rows) else rows
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    chart = Chart([185.0])
    panel = chart.panel()
    panel.band(months, rows["p10"], rows["p90"], fill=BAND, opacity=0.55)
    panel.band(months, rows["p25"], rows["p75"], fill=MIDDLE_BAND)
    panel.line(months, rows["p50"], colour=INK, width=1.8)
    time_axis(panel, voice, months)
    counts_on_top(panel, voice, count_marks(voice, months, rows.set_index("months")["n_families"]))
    number_axis(panel.y, voice)
    panel.y.label = voice.score
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "score_bands", chart, start=voice.number(first["p50"]), end=voice.number(last["p50"]),
        first=voice.moment(float(first["months"])), last=voice.moment(float(last["months"])),
        low=voice.number(last["p25"]), high=voice.number(last["p75"]),
    )  # fmt: skip


def draw_measured_by_month(voice: Voice) -> Drawing | None:
    """Share of the families in help that was measured."""
    rows = voice.frame("measured_by_month")
    rows = rows[rows["share_measured"].notna()] if len(rows) else rows
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    chart = Chart([150.0])
    panel = chart.panel()
    panel.line(months, rows["share_measured"], colour=MAIN, width=1.4)
    panel.marks(months, rows["share_measured"], fill=MAIN, size=4.5)
    time_axis(panel, voice, months)
    counts_on_top(panel, voice, count_marks(voice, months, rows.set_index("months")["n_families"]))
    panel.y.low, panel.y.high = 0.0, 1.02
    number_axis(panel.y, voice, percent=True)
    panel.y.label = voice.phrases("figure.measured_by_month.axis")
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "measured_by_month", chart, start=_share(voice, first["share_measured"]),
        end=_share(voice, last["share_measured"]), first=voice.moment(float(first["months"])),
        last=voice.moment(float(last["months"])),
    )  # fmt: skip


def draw_delta_adjustment(voice: Voice) -> Drawing | None:
    """The change over a range of departures from missing at random."""
    rows = voice.frame("delta_adjustment")
    rows = rows[rows["estimate"].notna()] if len(rows) else rows
    if len(rows) < 2:
        return None
    delta = rows["delta"].to_numpy(dtype=float)
    chart = Chart([180.0])
    panel = chart.panel()
    panel.vertical(0, colour=FAINT)
    panel.band(delta, rows["conf_low"], rows["conf_high"], fill=BAND)
    panel.line(delta, rows["estimate"], colour=MAIN)
    panel.marks(delta, rows["estimate"], fill=MAIN, size=4)
    panel.horizontal(0)
    number_axis(panel.x, voice)
    number_axis(panel.y, voice)
    panel.x.label = voice.phrases("figure.delta_adjustment.axis")
    month = voice.moment(float(rows["months"].iloc[0]))
    panel.y.label = voice.phrases("figure.delta_adjustment.value_axis", month=month, unit=voice.unit)
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "delta_adjustment", chart, month=voice.moment(float(first["months"])),
        low_delta=voice.number(first["delta"], 0), low_change=voice.number(first["estimate"]),
        high_delta=voice.number(last["delta"], 0), high_change=voice.number(last["estimate"]),
    )  # fmt: skip


def draw_decision_curve(voice: Voice) -> Drawing | None:
    """Net benefit of the forecast beside acting on everybody and on nobody."""
    rows = voice.frame("decision_curve")
    rows = rows[rows["forecast"].notna() & (rows["acting_from"] <= 0.8)] if len(rows) else rows
    if len(rows) < 2:
        return None
    chart = Chart([180.0])
    panel = chart.panel()
    for name, colour, dash in (
        ("forecast", MAIN, ()), ("everybody", SECOND, (7.0, 3.0)), ("nobody", GREY, (1.8, 2.5)),
    ):  # fmt: skip
        panel.line(rows["acting_from"], rows[name], colour=colour, width=1.8, dash=dash)
        chart.legend.append(line_entry(voice.phrases.label("column", name), colour, dash=dash))
    panel.y.low = -0.05
    panel.y.grid = True
    number_axis(panel.x, voice, percent=True)
    number_axis(panel.y, voice)
    panel.x.label = voice.phrases("figure.decision_curve.axis")
    panel.y.label = voice.phrases("figure.decision_curve.value_axis")
    one = rows.iloc[int((rows["acting_from"] - 0.3).abs().to_numpy().argmin())]
    return put_into_words(
        voice, "decision_curve", chart, threshold=_share(voice, one["acting_from"]),
        forecast=voice.number(one["forecast"], 2), everybody=voice.number(one["everybody"], 2),
    )  # fmt: skip


def tone_entry(text: str, colour: str, hatch: str) -> Entry:
    """A filled box in a legend."""

    def draw(x: float, y: float) -> Sequence[Piece]:
        box = x - 9, y - 3.5, x + 9, y + 3.5
        corners = ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]))
        lines = hatching(box, hatch, GREY) if hatch else []
        return [Polygon(corners, colour), *lines, Polygon(corners, "", GREY, 0.6)]

    return Entry(text, draw)


def _described(voice: Voice, shares: pd.Series) -> str:
    known = shares.dropna()
    return "; ".join(
        f"{voice.phrases.label('value.class', name)} {_share(voice, float(value))}"
        for name, value in known.items()
    )


def _share(voice: Voice, value: float) -> str:
    if not math.isfinite(float(value)):
        return voice.phrases("general.missing")
    return format_share(float(value), voice.language, digits=0)
