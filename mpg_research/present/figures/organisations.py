"""Organisations beside each other: always with their uncertainty, never as a league table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.course import number_axis, time_axis
from mpg_research.present.figures.style import (
    BAND,
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
from mpg_research.present.voice import Voice

__all__ = ["draw_adjusted_change", "draw_adjusted_means", "draw_difference_from_mean"]

CONTEXT = "#9aa3ac"


def draw_adjusted_change(voice: Voice) -> Drawing | None:
    """Adjusted change of each organisation with its interval, and the average of the organisations."""
    rows = _at_primary_month(voice, "adjusted_change")
    if len(rows) < 2:
        return None
    mean = _mean_of_organisations(voice, rows)
    month = float(rows["months"].iloc[0])
    figure = _intervals(
        voice,
        rows,
        axis=voice.phrases("figure.change_by_organisation.axis", unit=voice.unit),
        line=mean,
        line_label=""
        if mean is None
        else voice.phrases("figure.change_by_organisation.mean", value=voice.number(mean)),
    )
    shown_mean = voice.phrases("general.not_shown") if mean is None else voice.number(mean)
    alt = voice.phrases(
        "figure.change_by_organisation.alt",
        number=len(rows),
        low=voice.number(rows["estimate"].min()),
        high=voice.number(rows["estimate"].max()),
        unit=voice.unit,
        mean=shown_mean,
    )
    own = rows[rows["organisation"] == voice.released.own]
    listed = own if len(own) else (rows if not voice.is_plain else rows.iloc[:0])
    alts = [
        voice.phrases(
            "figure.change_by_organisation.alt_own",
            name=voice.organisation(row["organisation"]),
            **{column: voice.number(row[column]) for column in ("estimate", "conf_low", "conf_high")},
        )
        for _, row in listed.iterrows()
    ]
    return Drawing(
        figure,
        title=voice.phrases("figure.change_by_organisation.title", period=voice.period(month)),
        caption=voice.phrases(
            "figure.change_by_organisation.caption",
            level=voice.level,
            direction=voice.direction,
            adjusted=voice.adjusted,
        ),
        alt=" ".join([alt, *alts]),
    )


def draw_difference_from_mean(voice: Voice) -> Drawing | None:
    """Difference of each organisation's change from the average of the organisations."""
    rows = _at_primary_month(voice, "difference_from_mean")
    if len(rows) < 2:
        return None
    month = float(rows["months"].iloc[0])
    key = "figure.difference_from_mean"
    figure = _intervals(
        voice, rows, axis=voice.phrases(f"{key}.axis", unit=voice.unit), line=None, line_label=""
    )
    crossing = int(((rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)).sum())
    return Drawing(
        figure,
        title=voice.phrases(f"{key}.title", period=voice.period(month)),
        caption=voice.phrases(
            f"{key}.caption", level=voice.level, direction=voice.direction, adjusted=voice.adjusted
        ),
        alt=voice.phrases(
            f"{key}.alt",
            number=len(rows),
            low=voice.number(rows["estimate"].min()),
            high=voice.number(rows["estimate"].max()),
            unit=voice.unit,
            crossing=crossing,
        ),
    )


def _at_primary_month(voice: Voice, name: str) -> pd.DataFrame:
    rows = voice.frame(name)
    if not len(rows):
        return rows
    rows = rows[rows["months"] == voice.primary_month(rows["months"])]
    return rows[rows["estimate"].notna()].reset_index(drop=True)


def _mean_of_organisations(voice: Voice, rows: pd.DataFrame) -> float | None:
    """Average that the released differences refer to; None where they were withheld."""
    differences = _at_primary_month(voice, "difference_from_mean")
    both = (
        rows.merge(differences, on=["organisation", "months"], suffixes=("", "_apart"))
        if len(differences)
        else rows
    )
    return (
        float((both["estimate"] - both["estimate_apart"]).iloc[0])
        if "estimate_apart" in both and len(both)
        else None
    )


def _intervals(voice: Voice, rows: pd.DataFrame, *, axis: str, line: float | None, line_label: str) -> Any:
    """One row per organisation: dot, interval and its numbers; in the order of the labels."""
    own = voice.released.own
    heights = np.arange(len(rows))[::-1].astype(float)
    with styled():
        figure, axes = canvas(1.5 + 0.36 * len(rows))
        ax = axes[0, 0]
        ax.axvline(0, color=GREY, linewidth=0.9)
        if line is not None:
            ax.axvline(line, color=SECOND, linewidth=1.4, linestyle=(0, (5, 3)))
            ax.annotate(
                line_label, (line, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points",
                ha="center", va="bottom", color=SECOND, fontsize=8.5, fontweight="bold",
            )  # fmt: skip
        for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
            _one_interval(ax, voice, row, height, highlighted=own is None or row["organisation"] == own)
        names = [short_name(voice.organisation(code)) for code in rows["organisation"]]
        ax.set_yticks(heights, names)
        for label, code in zip(ax.get_yticklabels(), rows["organisation"], strict=True):
            label.set_fontweight("bold" if code == own else "normal")
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        number_axis(ax.xaxis, voice)
        ax.set_xlabel(axis)
    return figure


def _one_interval(ax: Any, voice: Voice, row: pd.Series, height: float, *, highlighted: bool) -> None:
    colour = MAIN if highlighted else CONTEXT
    ax.plot(
        [row["conf_low"], row["conf_high"]],
        [height, height],
        color=colour,
        linewidth=2.4,
        solid_capstyle="butt",
    )
    ax.plot(row["estimate"], height, "o", color=colour, markersize=7 if highlighted else 6)
    interval = voice.phrases(
        "general.interval", low=voice.number(row["conf_low"]), high=voice.number(row["conf_high"])
    )
    ax.annotate(
        f"{voice.number(row['estimate'])}  ({interval})",
        (1.0, height),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=INK if highlighted else "#59626b",
        annotation_clip=False,
    )


def draw_adjusted_means(voice: Voice) -> Drawing | None:
    """Adjusted courses: the own one in front, or one panel per organisation."""
    rows = voice.frame("adjusted_curve")
    rows = rows if len(rows) else voice.frame("adjusted_means")
    codes = list(dict.fromkeys(rows["organisation"])) if len(rows) else []
    if len(codes) < 2 or rows["months"].nunique() < 2:
        return None
    own = voice.released.own if voice.released.own in codes and voice.is_plain else None
    in_front = [own] if own is not None else codes
    with styled():
        figure = _panels(voice, rows, in_front)
    last = rows[rows["months"] == rows["months"].max()]
    caption = "caption" if own is None else "caption_own"
    values = {"level": voice.level, "direction": voice.direction, "adjusted": voice.adjusted}
    if own is not None:
        values["name"] = voice.organisation(own)
    key = "figure.adjusted_means"
    return Drawing(
        figure,
        title=voice.phrases(f"{key}.title"),
        caption=voice.phrases(f"{key}.{caption}", **values),
        alt=voice.phrases(
            f"{key}.alt",
            number=len(codes),
            score=voice.score,
            last=voice.moment(float(rows["months"].max())),
            low=voice.number(last["estimate"].min()),
            high=voice.number(last["estimate"].max()),
        ),
    )


def _panels(voice: Voice, rows: pd.DataFrame, in_front: Sequence[str]) -> Any:
    columns = min(3, len(in_front))
    lines = -(-len(in_front) // columns)
    figure, axes = canvas(
        4.0 if len(in_front) == 1 else 0.7 + 2.1 * lines,
        rows=lines,
        columns=columns,
        sharex=True,
        sharey=True,
    )
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
        _families_per_month(axes[0, 0], voice, in_front[0], months)
        return figure
    waves = voice.released.policy.time_unit == "waves"
    for ax in axes[-1]:
        ax.set_xlabel("")
    figure.supylabel(voice.score, fontsize=9.5)
    middle = axes[-1, min(columns - 1, columns // 2)]
    middle.set_xlabel(voice.phrases("unit.waves_axis" if waves else "unit.months_axis"))
    return figure


def _families_per_month(ax: Any, voice: Voice, front: str, months: np.ndarray) -> None:
    """The numbers of families measured in each month, along the top; a dash where they are not shown."""
    rows = voice.frame("observed_course")
    if not len(rows) or "organisation" not in rows:
        return
    counts = rows[rows["organisation"] == front].set_index("months")["n_families"]
    places = sorted({float(round(month)) for month in months})
    step = max(1, len(places) // 9)
    for month in places[::step]:
        number = counts.get(month, float("nan"))
        shown = voice.phrases("general.missing") if pd.isna(number) else voice.count(number)
        ax.annotate(
            shown, (month, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", ha="center", va="bottom", fontsize=8, color=GREY,
        )  # fmt: skip
    ax.annotate(
        voice.phrases("figure.adjusted_means.families"), (1.0, 1.0), xycoords="axes fraction", xytext=(4, 2),
        textcoords="offset points", ha="left", va="bottom", fontsize=8, color=GREY, annotation_clip=False,
    )  # fmt: skip


def _one_panel(ax: Any, voice: Voice, rows: pd.DataFrame, front: str, *, named: bool) -> None:
    for code, mine in rows.groupby("organisation", sort=False):
        if code != front:
            ax.plot(mine["months"], mine["estimate"], color=CONTEXT, linewidth=0.9)
    mine = rows[rows["organisation"] == front]
    ax.fill_between(mine["months"], mine["conf_low"], mine["conf_high"], color=BAND, alpha=0.65, linewidth=0)
    ax.plot(mine["months"], mine["estimate"], color=MAIN, linewidth=2.2)
    if named:
        ax.set_title(short_name(voice.organisation(front), width=28), loc="left", fontweight="bold")
        return
    name = short_name(voice.organisation(front), width=18)
    last = mine.iloc[-1]
    ax.annotate(
        name, (float(last["months"]), float(last["estimate"])), xytext=(6, 0), textcoords="offset points",
        va="center", color=MAIN, fontweight="bold", annotation_clip=False,
    )  # fmt: skip
