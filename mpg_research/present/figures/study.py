"""What was measured and how the questionnaire behaves."""

from typing import Any

import numpy as np

from mpg_research.disclosure.released import SUPPRESSED
from mpg_research.present.figures.parts import bars, number_axis, put_into_words, row_axis, time_axis
from mpg_research.present.figures.style import FAINT, GREY, MAIN, Drawing, canvas, styled
from mpg_research.present.language.labels import band_label, key_label
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["draw_item_completeness", "draw_items", "draw_measurements_by_month", "draw_score_distribution"]


def draw_measurements_by_month(voice: Voice) -> Drawing | None:
    """Families measured around each month."""
    rows = voice.frame("measurements_by_month")
    rows = rows[rows["n_families"] > 0] if len(rows) else rows
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    families = rows["n_families"].to_numpy(dtype=float)
    with styled():
        figure, axes = canvas(3.1)
        ax = axes[0, 0]
        bars(ax, months, families, width=0.75)
        time_axis(ax, voice, months)
        number_axis(ax.yaxis, voice)
        ax.set_ylabel(voice.phrases("figure.measurements_by_month.axis"))
    first, last = rows.iloc[0], rows.iloc[-1]
    values = {
        "first_n": voice.count(first["n_families"]),
        "first": voice.moment(float(first["months"])),
        "last_n": voice.count(last["n_families"]),
        "last": voice.moment(float(last["months"])),
    }
    return put_into_words(voice, "measurements_by_month", figure, **values)


def draw_item_completeness(voice: Voice) -> Drawing | None:
    """Share answered per question."""
    table, rows = voice.table("item_completeness"), voice.frame("item_completeness")
    rows = rows[rows["share_answered"].notna()] if len(rows) else rows
    if table is None or not len(rows):
        return None
    shares = rows["share_answered"].to_numpy(dtype=float)
    names = [key_label(voice, table, "item", item) for item in rows["item"]]
    with styled():
        figure, axes = canvas(1.3 + 0.25 * len(rows))
        _dots(axes[0, 0], voice, names, shares, percent=True)
        axes[0, 0].set_xlim(min(0.9, float(np.floor(shares.min() * 20) / 20)), 1.004)
        axes[0, 0].set_xlabel(voice.phrases("figure.item_completeness.axis"))
    low, high = (format_share(float(end), voice.language, digits=1) for end in (shares.min(), shares.max()))
    return put_into_words(voice, "item_completeness", figure, number=len(rows), low=low, high=high)


def draw_score_distribution(voice: Voice) -> Drawing | None:
    """Measurements per band of scores; bands that are withheld are hatched."""
    table = voice.table("score_distribution")
    if table is None or not len(table.data):
        return None
    data = table.data
    hidden = (table.marks["n_measurements"] == SUPPRESSED).to_numpy()
    counts = data["n_measurements"].to_numpy(dtype=float)
    shown = ~hidden & np.isfinite(counts)
    if not shown.any():
        return None
    bands = [
        band_label(voice, low, high) for low, high in zip(data["score_low"], data["score_high"], strict=True)
    ]
    places = np.arange(len(data))
    with styled():
        figure, axes = canvas(3.4)
        ax = axes[0, 0]
        bars(ax, places[shown], counts[shown], width=0.9)
        stub = 0.06 * float(counts[shown].max())
        ax.bar(places[hidden], stub, width=0.9, color="white", edgecolor=GREY, hatch="////", linewidth=0.7)
        ends = [
            (voice.number(low, 0), voice.number(high, 0))
            for low, high in zip(data["score_low"], data["score_high"], strict=True)
        ]
        ax.set_xticks(places, [f"{low}–{high}" for low, high in ends])
        ax.tick_params(axis="x", length=0)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        number_axis(ax.yaxis, voice)
        ax.set_xlabel(voice.score)
        ax.set_ylabel(voice.phrases("figure.score_distribution.axis"))
    top = int(np.nanargmax(np.where(shown, counts, np.nan)))
    values = {
        "top": bands[top],
        "top_n": voice.count(counts[top]),
        "total": voice.count(float(counts[shown].sum())),
    }
    return put_into_words(voice, "score_distribution", figure, **values)


def draw_items(voice: Voice) -> Drawing | None:
    """Mean answer per question, and its correlation with the sum of the others."""
    table, rows = voice.table("items"), voice.frame("items")
    rows = rows[rows["mean"].notna()] if len(rows) else rows
    if table is None or not len(rows):
        return None
    names = [key_label(voice, table, "item", item) for item in rows["item"]]
    means = rows["mean"].to_numpy(dtype=float)
    correlations = rows["item_rest_correlation"].to_numpy(dtype=float)
    with styled():
        figure, axes = canvas(1.4 + 0.25 * len(rows), columns=2, sharey=True)
        _dots(axes[0, 0], voice, names, means)
        _dots(axes[0, 1], voice, names, correlations)
        axes[0, 0].set_xlabel(voice.phrases("figure.items.mean_axis"))
        axes[0, 1].set_xlabel(voice.phrases("figure.items.corr_axis"))
        axes[0, 1].set_xlim(min(0.0, float(np.nanmin(correlations)) - 0.05), 1.0)
    values = {
        "number": len(rows),
        "mean_low": voice.number(means.min(), 2),
        "mean_high": voice.number(means.max(), 2),
        "corr_low": voice.number(float(np.nanmin(correlations)), 2),
        "corr_high": voice.number(float(np.nanmax(correlations)), 2),
    }
    return put_into_words(voice, "items", figure, **values)


def _dots(ax: Any, voice: Voice, names: list[str], values: np.ndarray, *, percent: bool = False) -> None:
    import seaborn

    heights = row_axis(ax, names)
    seaborn.scatterplot(x=values, y=heights, color=MAIN, s=40, linewidth=0, ax=ax)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.margins(x=0.08)
    number_axis(ax.xaxis, voice, percent=percent)
