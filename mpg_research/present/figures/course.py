"""The mean course: what the model expects, and what was observed."""

from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.style import BAND, FAINT, GREY, INK, MAIN, Drawing, canvas, styled
from mpg_research.present.numbers import format_number, format_time
from mpg_research.present.voice import Voice

__all__ = ["draw_mean_course", "draw_observed_course", "number_axis", "time_axis"]


def draw_mean_course(voice: Voice) -> Drawing | None:
    """Line and band of the model, dots of the observed means."""
    table = voice.frame("mean_curve")
    table = table if len(table) else voice.frame("mean_course")
    if len(table) < 2:
        return None
    months = table["months"].to_numpy(dtype=float)
    observed = _within(voice.frame("observed_course"), months)
    with styled():
        figure, axes = canvas(3.9)
        ax = axes[0, 0]
        ax.fill_between(months, table["conf_low"], table["conf_high"], color=BAND, linewidth=0)
        ax.plot(months, table["estimate"], color=MAIN, linewidth=2.2)
        if len(observed):
            areas = 8 + 70 * observed["n_families"] / observed["n_families"].max()
            ax.scatter(
                observed["months"],
                observed["mean"],
                s=areas,
                facecolor="white",
                edgecolor=INK,
                linewidth=1.1,
                zorder=3,
            )
        time_axis(ax, voice, months)
        number_axis(ax.yaxis, voice)
        ax.set_ylabel(voice.score)
        ax.margins(y=0.12)
        _label_line(ax, voice, months, table["estimate"].to_numpy(dtype=float), observed)
    first, last = table.iloc[0], table.iloc[-1]
    values = {
        "start": voice.number(first["estimate"]),
        "end": voice.number(last["estimate"]),
        "first": voice.moment(float(first["months"])),
        "last": voice.moment(float(last["months"])),
        "low": voice.number(last["conf_low"]),
        "high": voice.number(last["conf_high"]),
    }
    return _words(voice, "mean_course", figure, **values)


def _within(observed: pd.DataFrame, months: np.ndarray) -> pd.DataFrame:
    if not len(observed):
        return observed
    return observed[(observed["months"] <= months.max() + 0.5) & observed["mean"].notna()]


def _label_line(ax: Any, voice: Voice, months: np.ndarray, line: np.ndarray, observed: pd.DataFrame) -> None:
    """Direct labels at the right end, apart from each other."""
    labels = [(float(line[-1]), voice.phrases("figure.mean_course.model"), MAIN)]
    if len(observed):
        height = float(observed["mean"].iloc[-1])
        labels.append((height, voice.phrases("figure.mean_course.observed"), INK))
    from mpg_research.present.figures.style import spread_labels

    low, high = ax.get_ylim()
    heights = spread_labels([label[0] for label in labels], gap=(high - low) * 0.07)
    for height, (_, text, colour) in zip(heights, labels, strict=True):
        ax.annotate(
            text,
            (float(months[-1]), height),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
        )


def draw_observed_course(voice: Voice) -> Drawing | None:
    """Observed means with two standard errors, and how many families they are about."""
    table = voice.table("observed_course")
    if table is None or table.organisation_columns:
        return None
    rows = voice.frame("observed_course")
    rows = rows[rows["mean"].notna() & (rows["n_families"] > 0)]
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    errors = 2 * rows["sd"].to_numpy(dtype=float) / np.sqrt(rows["n_families"].to_numpy(dtype=float))
    with styled():
        figure, axes = canvas(4.6, rows=2, sharex=True, height_ratios=[3, 1.2])
        upper, lower = axes[0, 0], axes[1, 0]
        upper.errorbar(
            months,
            rows["mean"],
            yerr=errors,
            fmt="o",
            color=MAIN,
            ecolor=GREY,
            elinewidth=1.3,
            capsize=2.5,
            markersize=5,
        )
        upper.set_ylabel(voice.score)
        number_axis(upper.yaxis, voice)
        lower.bar(months, rows["n_families"], width=0.7, color=FAINT, edgecolor=GREY, linewidth=0.6)
        lower.set_ylabel(voice.phrases("figure.observed_course.families"))
        number_axis(lower.yaxis, voice)
        lower.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        time_axis(lower, voice, months)
    first, last = rows.iloc[0], rows.iloc[-1]
    values = {
        "start": voice.number(first["mean"]),
        "end": voice.number(last["mean"]),
        "first": voice.moment(float(first["months"])),
        "last": voice.moment(float(last["months"])),
        "n_first": voice.count(first["n_families"]),
        "n_last": voice.count(last["n_families"]),
    }
    return _words(voice, "observed_course", figure, **values)


def _words(voice: Voice, name: str, figure: Any, **values: str) -> Drawing:
    key = f"figure.{name}"
    return Drawing(
        figure,
        title=voice.phrases(f"{key}.title", concept=voice.concept),
        caption=voice.phrases(f"{key}.caption", level=voice.level, direction=voice.direction),
        alt=voice.phrases(f"{key}.alt", score=voice.score, level=voice.level, **values),
    )


def time_axis(ax: Any, voice: Voice, months: np.ndarray, *, label: bool = True) -> None:
    """Ticks at whole moments, every third or sixth month where there are many."""
    last = float(np.max(months))
    step = next((step for step in (1, 2, 3, 6, 12) if last / step <= 7), 24)
    ticks = np.arange(0, last + 1e-9, step)
    ax.set_xticks(ticks, [format_time(float(tick), voice.language) for tick in ticks])
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    if label:
        waves = voice.released.policy.time_unit == "waves"
        ax.set_xlabel(voice.phrases("unit.waves_axis" if waves else "unit.months_axis"))


def number_axis(axis: Any, voice: Voice, *, percent: bool = False) -> None:
    """Tick labels in the language."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def write(value: float, _: int) -> str:
        shown = 100 * value if percent else value
        whole = abs(shown - round(shown)) < 1e-6
        digits = 0 if whole else (1 if abs(shown * 10 - round(shown * 10)) < 1e-6 else 2)
        return format_number(shown, voice.language, digits=digits) + ("%" if percent else "")

    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(write))
