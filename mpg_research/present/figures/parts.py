"""What figures have in common: their words, their axes, their numbers of families, and whose they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.figures.style import BAR, FAINT, GREY, INK, MAIN, Drawing, short_name
from mpg_research.present.language.numbers import format_number, format_time
from mpg_research.present.language.voice import Voice

__all__ = [
    "CONTEXT",
    "CONTEXT_INK",
    "bars",
    "beside",
    "colour_of",
    "count_marks",
    "counts_on_top",
    "known",
    "number_axis",
    "put_into_words",
    "row_axis",
    "time_axis",
]

#: Greys of what stands beside the reading organisation, and of words about it.
CONTEXT, CONTEXT_INK = "#9aa3ac", "#59626b"


def put_into_words(voice: Voice, name: str, figure: Any, /, **values: object) -> Drawing:
    """Title, caption and description of a figure from the catalogue, each with what it asks for."""
    key = f"figure.{name}"
    own = voice.released.own
    in_front = bool(own) and voice.is_plain and _is_shown(voice, str(own))
    shared: dict[str, object] = {
        "unit": voice.unit,
        "level": voice.level,
        "adjusted": voice.adjusted,
        "direction": voice.direction,
        "period": voice.period(voice.main_month),
        "concept": voice.concept,
        "instrument": voice.instrument,
        "score": voice.score,
        "minimum": voice.minimum,
        "name": voice.organisation(own) if own else "",
        "own": voice.phrases("figure.own", name=voice.organisation(str(own))) if in_front else "",
        **values,
    }

    def fill(part: str) -> str:
        wanted = voice.phrases.placeholders(f"{key}.{part}")
        if part == "title":  # drawn in the picture, where a long name has no room
            shared["name"] = short_name(str(shared["name"]), width=36, lines=1)
        return voice.phrases(f"{key}.{part}", **{each: shared[each] for each in wanted})

    words = {part: fill(part) for part in ("caption", "alt", "title")}
    return Drawing(figure, **words)


def _is_shown(voice: Voice, own: str) -> bool:
    """Whether anything is shown of the reading organisation; not where it was left out of the analysis."""
    tables = [table for table in voice.released.tables.values() if len(table.organisation_columns) == 1]
    return any((voice.frame(table.name)[table.organisation_columns[0]] == own).any() for table in tables)


def known(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose numbers are all shown and finite."""
    if not len(rows) or any(column not in rows.columns for column in columns):
        return pd.DataFrame()
    return rows[np.isfinite(rows[list(columns)].astype(float)).all(axis=1)].reset_index(drop=True)


def colour_of(voice: Voice, code: str) -> str:
    """Blue for the reading organisation, grey for the others; blue for all where nobody is in front."""
    own = voice.released.own
    return MAIN if own is None or code == own else CONTEXT


def row_axis(ax: Any, names: Sequence[str], *, bold: Sequence[bool] = (), width: int = 26) -> np.ndarray:
    """One row per name, from the top down; the heights of the rows, shape (n,)."""
    heights = np.arange(len(names))[::-1].astype(float)
    ax.set_yticks(heights, [short_name(name, width=width) for name in names])
    for label, is_bold in zip(ax.get_yticklabels(), bold, strict=False):
        label.set_fontweight("bold" if is_bold else "normal")
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    return heights


def bars(ax: Any, places: np.ndarray, heights: np.ndarray, *, width: float, quiet: bool = False) -> None:
    """Bars at places on a number line, by seaborn; grey ones where they are not what the figure is about."""
    import seaborn

    fill, edge = (FAINT, GREY) if quiet else (BAR, MAIN)
    seaborn.barplot(
        x=places, y=heights, native_scale=True, width=width, errorbar=None, ax=ax, color=fill, saturation=1,
        edgecolor=edge, linewidth=0.7,
    )  # fmt: skip


def beside(ax: Any, height: float, text: str, *, in_front: bool = True) -> None:
    """Numbers to the right of a row."""
    ax.annotate(
        text, (1.0, height), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
        va="center", fontsize=8.5, color=INK if in_front else CONTEXT_INK, annotation_clip=False,
    )  # fmt: skip


def count_marks(voice: Voice, months: np.ndarray, counts: pd.Series) -> list[tuple[float, str]]:
    """Numbers of families at some nine of the months, a dash where they are not shown."""
    places = sorted({float(round(month)) for month in months})
    step = max(1, len(places) // 9)
    numbers = [(month, counts.get(month, float("nan"))) for month in places[::step]]
    missing = voice.phrases("general.missing")
    return [(month, missing if pd.isna(number) else voice.count(number)) for month, number in numbers]


def counts_on_top(ax: Any, voice: Voice, marks: Sequence[tuple[float, str]]) -> None:
    """Numbers of families along the top of a figure."""
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "va": "bottom",
        "fontsize": 8,
        "color": CONTEXT_INK,
    }
    for place, text in marks:
        ax.annotate(
            text, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), ha="center", **style
        )
    ax.annotate(
        voice.phrases("figure.families"), (1.0, 1.0), xycoords="axes fraction", xytext=(6, 2), ha="left",
        annotation_clip=False, **style,
    )  # fmt: skip


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
