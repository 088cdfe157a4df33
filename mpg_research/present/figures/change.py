"""Shares of families per class, answers by month, spread of scores, and how much missing data matter."""

import math

import numpy as np
import pandas as pd

from mpg_research.present.figures.parts import (
    beside,
    count_marks,
    counts_on_top,
    number_axis,
    put_into_words,
    row_axis,
    time_axis,
)
from mpg_research.present.figures.style import BAND, FAINT, GREY, INK, MAIN, SECOND, Drawing, canvas, styled
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = [
    "draw_answers_by_month",
    "draw_class_shares",
    "draw_decision_curve",
    "draw_delta_adjustment",
    "draw_measured_by_month",
    "draw_score_bands",
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
    "not_enough_information_or_rare": ("#ffffff", "...."),
}


def draw_class_shares(voice: Voice) -> Drawing | None:
    """Share of each class with its interval."""
    rows = voice.frame("merged")
    rows = rows[rows["estimate"].notna()] if len(rows) else rows
    if not len(rows):
        return None
    names = [voice.phrases.label("value.class", name) for name in rows["class"]]
    with styled():
        figure, axes = canvas(1.3 + 0.34 * len(rows))
        ax = axes[0, 0]
        heights = row_axis(ax, names, width=40)
        ax.hlines(heights, rows["clustered_low"], rows["clustered_high"], color=MAIN, linewidth=1.6)
        ax.plot(rows["estimate"], heights, "o", color=MAIN, markersize=6)
        ax.set_xlim(0, min(1.0, float(rows["clustered_high"].max()) * 1.08 + 0.02))
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            beside(ax, float(height), _out_of(voice, row))
        number_axis(ax.xaxis, voice, percent=True)
        ax.set_xlabel(voice.phrases("figure.class_shares.axis"))
    shares = [
        f"{name} {format_share(float(value), voice.language, digits=0)}"
        for name, value in zip(names, rows["estimate"], strict=True)
    ]
    return put_into_words(voice, "class_shares", figure, shares="; ".join(shares))


def _out_of(voice: Voice, row: pd.Series) -> str:
    """How many of how many; what is withheld of the two is left out, and with both nothing is said."""
    number, total = float(row["n_families"]), float(row["n_group"])
    if math.isfinite(number) and math.isfinite(total):
        parts = {"number": voice.count(number), "total": voice.count(total)}
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
    with styled():
        figure, axes = canvas(3.6)
        ax = axes[0, 0]
        for name, (colour, hatch) in TONES.items():
            if name not in wide:
                continue
            share = wide[name].fillna(0).to_numpy(dtype=float)
            label = voice.phrases.label("value.class", name)
            ax.bar(places, share, 0.72, bottom=bottom, color=colour, hatch=hatch, edgecolor=GREY,
                   linewidth=0.6, label=label)  # fmt: skip
            bottom += share
        ax.set_xticks(places, [voice.moment(month) for month in months])
        ax.set_ylim(0, 1.0)
        ax.set_ylabel(voice.phrases("figure.answers_by_month.axis"))
        group = rows.groupby("months")["n_group"].max()
        counts_on_top(ax, voice, [(place, voice.count(group[month])) for place, month in enumerate(months)])
        number_axis(ax.yaxis, voice, percent=True)
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    first, last = (_described(voice, wide.iloc[place]) for place in (0, -1))
    return put_into_words(
        voice, "answers_by_month", figure, first=voice.moment(months[0]), first_shares=first,
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
    with styled():
        figure, axes = canvas(3.5)
        ax = axes[0, 0]
        ax.fill_between(months, rows["p10"], rows["p90"], color=BAND, alpha=0.55, linewidth=0)
        ax.fill_between(months, rows["p25"], rows["p75"], color="#7fb8d8", linewidth=0)
        ax.plot(months, rows["p50"], color=INK, linewidth=1.8)
        time_axis(ax, voice, months)
        counts_on_top(ax, voice, count_marks(voice, months, rows.set_index("months")["n_families"]))
        number_axis(ax.yaxis, voice)
        ax.set_ylabel(voice.score)
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "score_bands", figure, start=voice.number(first["p50"]), end=voice.number(last["p50"]),
        first=voice.moment(float(first["months"])), last=voice.moment(float(last["months"])),
        low=voice.number(last["p25"]), high=voice.number(last["p75"]),
    )  # fmt: skip


def draw_measured_by_month(voice: Voice) -> Drawing | None:
    """Share of the families in help that was measured."""
    rows = voice.frame("measured_by_month")
    rows = rows[rows["share_measured"].notna()] if len(rows) else rows
    if len(rows) < 2:
        return None
    import seaborn

    months = rows["months"].to_numpy(dtype=float)
    with styled():
        figure, axes = canvas(3.0)
        ax = axes[0, 0]
        seaborn.lineplot(
            data=rows, x="months", y="share_measured", estimator=None, marker="o", markersize=4.5,
            markeredgewidth=0, color=MAIN, linewidth=1.4, ax=ax,
        )  # fmt: skip
        time_axis(ax, voice, months)
        counts_on_top(ax, voice, count_marks(voice, months, rows.set_index("months")["n_families"]))
        ax.set_ylim(0, 1.02)
        number_axis(ax.yaxis, voice, percent=True)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_ylabel(voice.phrases("figure.measured_by_month.axis"))
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "measured_by_month", figure, start=_share(voice, first["share_measured"]),
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
    with styled():
        figure, axes = canvas(3.3)
        ax = axes[0, 0]
        ax.fill_between(delta, rows["conf_low"], rows["conf_high"], color=BAND, linewidth=0)
        ax.plot(delta, rows["estimate"], "-o", color=MAIN, markersize=4)
        ax.axhline(0, color=GREY, linewidth=0.9)
        ax.axvline(0, color=FAINT, linewidth=0.9, zorder=0)
        number_axis(ax.xaxis, voice)
        number_axis(ax.yaxis, voice)
        ax.set_xlabel(voice.phrases("figure.delta_adjustment.axis"))
        month = voice.moment(float(rows["months"].iloc[0]))
        ax.set_ylabel(voice.phrases("figure.delta_adjustment.value_axis", month=month, unit=voice.unit))
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "delta_adjustment", figure, month=voice.moment(float(first["months"])),
        low_delta=voice.number(first["delta"], 0), low_change=voice.number(first["estimate"]),
        high_delta=voice.number(last["delta"], 0), high_change=voice.number(last["estimate"]),
    )  # fmt: skip


def draw_decision_curve(voice: Voice) -> Drawing | None:
    """Net benefit of the forecast beside acting on everybody and on nobody."""
    rows = voice.frame("decision_curve")
    rows = rows[rows["forecast"].notna() & (rows["acting_from"] <= 0.8)] if len(rows) else rows
    if len(rows) < 2:
        return None
    with styled():
        figure, axes = canvas(3.3)
        ax = axes[0, 0]
        for name, style in (("forecast", "-"), ("everybody", "--"), ("nobody", ":")):
            colour = {"forecast": MAIN, "everybody": SECOND, "nobody": GREY}[name]
            label = voice.phrases.label("column", name)
            ax.plot(rows["acting_from"], rows[name], style, color=colour, linewidth=1.8, label=label)
        ax.set_ylim(-0.05, None)
        number_axis(ax.xaxis, voice, percent=True)
        number_axis(ax.yaxis, voice)
        ax.set_xlabel(voice.phrases("figure.decision_curve.axis"))
        ax.set_ylabel(voice.phrases("figure.decision_curve.value_axis"))
        ax.legend(frameon=False)
    one = rows.iloc[int((rows["acting_from"] - 0.3).abs().to_numpy().argmin())]
    return put_into_words(
        voice, "decision_curve", figure, threshold=_share(voice, one["acting_from"]),
        forecast=voice.number(one["forecast"], 2), everybody=voice.number(one["everybody"], 2),
    )  # fmt: skip


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
