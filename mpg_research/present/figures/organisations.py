"""Organisations beside each other: always with their uncertainty, never as a league table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.parts import (
    CONTEXT,
    beside,
    colour_of,
    count_marks,
    counts_on_top,
    known,
    number_axis,
    put_into_words,
    row_axis,
    time_axis,
)
from mpg_research.present.figures.style import BAND, GREY, MAIN, SECOND, Drawing, canvas, short_name, styled
from mpg_research.present.language.voice import Voice

__all__ = ["draw_adjusted_change", "draw_adjusted_means", "draw_difference_from_mean"]


def draw_adjusted_change(voice: Voice) -> Drawing | None:
    """Adjusted change of each organisation with its interval, and the average of the organisations."""
    rows = _at_primary_month(voice, "adjusted_change")
    if len(rows) < 2:
        return None
    key = "figure.change_by_organisation"
    mean = _mean_of_organisations(voice, rows)
    line_label = "" if mean is None else voice.phrases(f"{key}.mean", value=voice.number(mean))
    figure = _intervals(voice, rows, axis=voice.phrases(f"{key}.axis", unit=voice.unit), line=mean,
                        line_label=line_label)  # fmt: skip
    own = rows[rows["organisation"] == voice.released.own]
    listed = own if len(own) else (rows if not voice.is_plain else rows.iloc[:0])
    each = [
        voice.phrases(
            f"{key}.alt_own",
            name=voice.organisation(row["organisation"]),
            **{column: voice.number(row[column]) for column in ("estimate", "conf_low", "conf_high")},
        )
        for _, row in listed.iterrows()
    ]
    return put_into_words(
        voice, "change_by_organisation", figure, number=len(rows), each=" ".join(each), **_span(voice, rows),
        dashed="" if mean is None else voice.phrases(f"{key}.dashed"),
        mean=voice.phrases("general.not_shown") if mean is None else voice.number(mean),
    )  # fmt: skip


def draw_difference_from_mean(voice: Voice) -> Drawing | None:
    """Difference of each organisation's change from the average of the organisations."""
    rows = _at_primary_month(voice, "difference_from_mean")
    if len(rows) < 2:
        return None
    axis = voice.phrases("figure.difference_from_mean.axis", unit=voice.unit)
    figure = _intervals(voice, rows, axis=axis, line=None, line_label="")
    crossing = int(((rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)).sum())
    return put_into_words(
        voice, "difference_from_mean", figure, number=len(rows), crossing=crossing, **_span(voice, rows)
    )


def _span(voice: Voice, rows: pd.DataFrame) -> dict[str, str]:
    month = float(rows["months"].iloc[0])
    low, high = (voice.number(end) for end in (rows["estimate"].min(), rows["estimate"].max()))
    return {"low": low, "high": high, "period": voice.period(month)}


def _at_primary_month(voice: Voice, name: str) -> pd.DataFrame:
    rows = voice.frame(name)
    if not len(rows):
        return rows
    rows = rows[rows["months"] == voice.primary_month(rows["months"])]
    return known(rows, "estimate", "conf_low", "conf_high")


def _mean_of_organisations(voice: Voice, rows: pd.DataFrame) -> float | None:
    """Average that the released differences refer to; None where they were withheld."""
    differences = _at_primary_month(voice, "difference_from_mean")
    if not len(differences):
        return None
    both = rows.merge(differences, on=["organisation", "months"], suffixes=("", "_apart"))
    return float((both["estimate"] - both["estimate_apart"]).iloc[0]) if len(both) else None


def _intervals(voice: Voice, rows: pd.DataFrame, *, axis: str, line: float | None, line_label: str) -> Any:
    """One row per organisation: dot, interval and its numbers; in the order of the labels."""
    own = voice.released.own
    with styled():
        figure, axes = canvas(1.5 + 0.36 * len(rows))
        ax = axes[0, 0]
        ax.axvline(0, color=GREY, linewidth=0.9)
        if line is not None:
            ax.axvline(line, color=SECOND, linewidth=1.4, linestyle=(0, (5, 3)))
            ax.annotate(
                line_label, (line, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", va="bottom", color=SECOND, fontsize=8.5,
                fontweight="bold",
            )  # fmt: skip
        codes = list(rows["organisation"])
        heights = row_axis(ax, [voice.organisation(code) for code in codes], bold=[c == own for c in codes])
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            in_front = own is None or row["organisation"] == own
            colour = colour_of(voice, row["organisation"])
            ends = [row["conf_low"], row["conf_high"]]
            ax.plot(ends, [height, height], color=colour, linewidth=2.4, solid_capstyle="butt")
            ax.plot(row["estimate"], height, "o", color=colour, markersize=7 if in_front else 6)
            low, high = (voice.number(end) for end in ends)
            interval = voice.phrases("general.interval", low=low, high=high)
            text = f"{voice.number(row['estimate'])}  ({interval})   {voice.n_of(row)}"
            beside(ax, height, text, in_front=in_front)
        ax.spines["left"].set_visible(False)
        number_axis(ax.xaxis, voice)
        ax.set_xlabel(axis)
    return figure


def draw_adjusted_means(voice: Voice) -> Drawing | None:
    """Adjusted courses: the own one in front, or one panel per organisation."""
    rows = voice.frame("adjusted_curve")
    rows = rows if len(rows) else voice.frame("adjusted_means")
    codes = list(dict.fromkeys(rows["organisation"])) if len(rows) else []
    if len(codes) < 2 or rows["months"].nunique() < 2:
        return None
    own = voice.released.own if voice.released.own in codes and voice.is_plain else None
    with styled():
        figure = _panels(voice, rows, [own] if own is not None else codes)
    last = rows[rows["months"] == rows["months"].max()]
    return put_into_words(
        voice, "adjusted_means" if own is None else "own_course", figure, number=len(codes),
        last=voice.moment(float(rows["months"].max())),
        low=voice.number(last["estimate"].min()), high=voice.number(last["estimate"].max()),
    )  # fmt: skip


def _panels(voice: Voice, rows: pd.DataFrame, in_front: Sequence[str]) -> Any:
    columns = min(3, len(in_front))
    lines = -(-len(in_front) // columns)
    height = 4.0 if len(in_front) == 1 else 0.7 + 2.1 * lines
    figure, axes = canvas(height, rows=lines, columns=columns, sharex=True, sharey=True)
    months = rows["months"].to_numpy(dtype=float)
    for place, ax in enumerate(axes.flat):
        if place >= len(in_front):
            ax.set_visible(False)
            continue
        _one_panel(ax, voice, rows, in_front[place], named=len(in_front) > 1)
        below = place + columns >= len(in_front)
        time_axis(ax, voice, months, label=len(in_front) == 1)
        ax.tick_params(labelbottom=below)
        number_axis(ax.yaxis, voice)
    if len(in_front) == 1:
        axes[0, 0].set_ylabel(voice.score)
        _measured_each_month(axes[0, 0], voice, in_front[0], months)
        return figure
    waves = voice.released.policy.time_unit == "waves"
    for ax in axes[-1]:
        ax.set_xlabel("")
    figure.supylabel(voice.score, fontsize=9.5)
    middle = axes[-1, min(columns - 1, columns // 2)]
    middle.set_xlabel(voice.phrases("unit.waves_axis" if waves else "unit.months_axis"))
    return figure


def _measured_each_month(ax: Any, voice: Voice, front: str, months: np.ndarray) -> None:
    """The numbers of families measured in each month, along the top."""
    rows = voice.frame("observed_course")
    if len(rows) and "organisation" in rows:
        counts = rows[rows["organisation"] == front].set_index("months")["n_families"]
        counts_on_top(ax, voice, count_marks(voice, months, counts))


def _one_panel(ax: Any, voice: Voice, rows: pd.DataFrame, front: str, *, named: bool) -> None:
    for code, mine in rows.groupby("organisation", sort=False):
        if code != front:
            ax.plot(mine["months"], mine["estimate"], color=CONTEXT, linewidth=0.9)
    mine = rows[rows["organisation"] == front]
    ax.fill_between(mine["months"], mine["conf_low"], mine["conf_high"], color=BAND, alpha=0.65, linewidth=0)
    ax.plot(mine["months"], mine["estimate"], color=MAIN, linewidth=2.2)
    last = mine.iloc[-1]
    if named:
        name = short_name(voice.organisation(front), width=20)
        ax.set_title(f"{name} ({voice.n_of(last)})", loc="left", fontweight="bold", fontsize=9)
        return
    name = short_name(voice.organisation(front), width=18)
    ax.annotate(
        name, (float(last["months"]), float(last["estimate"])), xytext=(6, 0), textcoords="offset points",
        va="center", color=MAIN, fontweight="bold", annotation_clip=False,
    )  # fmt: skip
