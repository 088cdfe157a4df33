"""What figures have in common: their words, their axes, their numbers of families, and whose they are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.arrays import BoolArray
from mpg_research.present.drawing.axis import Axis
from mpg_research.present.drawing.chart import Entry, Panel
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.drawing.scene import Line, Piece, mark
from mpg_research.present.figures.style import BAR, FAINT, GREY, MAIN, Drawing, short_name
from mpg_research.present.language.numbers import format_number, format_time, with_percent
from mpg_research.present.language.voice import Voice
from mpg_research.present.many import are_many

__all__ = [
    "CONTEXT",
    "CONTEXT_INK",
    "bars",
    "colour_of",
    "count_marks",
    "counts_on_top",
    "known",
    "line_entry",
    "mark_entry",
    "names_of_rows",
    "number_axis",
    "put_into_words",
    "row_height",
    "tick_text",
    "time_axis",
    "whisker",
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
        "left_out": _left_out(voice, name),
        **values,
    }

    def fill(part: str) -> str:
        if part == "title":  # drawn in the picture, where a long name has no room
            shared["name"] = short_name(str(shared["name"]), width=36, lines=1)
        return voice.phrases(f"{key}.{part}", **shared)

    words = {part: fill(part) for part in ("caption", "alt", "title")}
    return Drawing(figure, **words)


def _left_out(voice: Voice, name: str) -> str:
    """What the gate left out of a figure, where it has a sentence for that; in private nothing is."""
    key = f"figure.{name}.left_out"
    if voice.released.audience.private or not voice.phrases.has(key):
        return ""
    return voice.phrases(key, minimum=voice.minimum)


def _is_shown(voice: Voice, own: str) -> bool:
    """Whether anything is shown of the reading organisation; not where it was left out of the analysis."""
    tables = [table for table in voice.released.tables.values() if len(table.organisation_columns) == 1]
    return any((voice.frame(table.name)[table.organisation_columns[0]] == own).any() for table in tables)


def known(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose numbers are all shown and finite."""
    if not len(rows) or any(column not in rows.columns for column in columns):
        return pd.DataFrame()
    finite: BoolArray = np.isfinite(rows[list(columns)].to_numpy(dtype=float)).all(axis=1)
    return rows.loc[finite].reset_index(drop=True)


def colour_of(voice: Voice, code: str) -> str:
    """Blue for the reading organisation, grey for the others; blue for all where nobody is in front."""
    own = voice.released.own
    return MAIN if own is None or code == own else CONTEXT


#: Height of the row of one of many organisations, in points.
THIN = 14.0


def row_height(number: int, *, roomy: float) -> float:
    """The height of the row of an organisation: as given, or thin where there are many."""
    return THIN if are_many(number) else roomy


def names_of_rows(voice: Voice, codes: Sequence[str]) -> list[str]:
    """Names of organisations at rows; where there are many, on one line."""
    names = [voice.organisation(code) for code in codes]
    return [fit_lines(name, 142.0, size=9.5, lines=1)[0] for name in names] if are_many(len(names)) else names


def count_marks(voice: Voice, months: np.ndarray, counts: pd.Series) -> list[tuple[float, str]]:
    """Numbers of families at some nine of the months, a dash where they are not shown."""
    places = sorted({float(round(month)) for month in months})
    step = max(1, len(places) // 9)
    numbers = [(month, counts.get(month, float("nan"))) for month in places[::step]]
    missing = voice.phrases("general.missing")
    return [(month, missing if pd.isna(number) else voice.count(number)) for month, number in numbers]


def counts_on_top(panel: Panel, voice: Voice, marks: Sequence[tuple[float, str]]) -> None:
    """Numbers of families along the top of a figure."""
    for place, text in marks:
        panel.above(place, text, colour=CONTEXT_INK, size=8)
    panel.top_word = voice.phrases("figure.families")


def bars(
    panel: Panel, places: Sequence[float] | Any, heights: Sequence[float] | Any, *, width: float,
    quiet: bool = False,
) -> None:  # fmt: skip
    """Bars at places on a number line; grey ones where they are not what the figure is about."""
    fill, edge = (FAINT, GREY) if quiet else (BAR, MAIN)
    for place, height in zip(places, heights, strict=True):
        panel.box((place - width / 2, place + width / 2), (0.0, float(height)), fill=fill, edge=edge)


def whisker(panel: Panel, x: float, low: float, high: float, *, colour: str, width: float = 1.3) -> None:
    """An upright line."""
    panel.line([x, x], [low, high], colour=colour, width=width)


def time_axis(panel: Panel, voice: Voice, months: np.ndarray, *, label: bool = True) -> None:
    """Ticks at whole moments, every third or sixth month where there are many."""
    last = float(np.max(months))
    step = next((step for step in (1, 2, 3, 6, 12) if last / step <= 7), 24)
    ticks = np.arange(0, last + 1e-9, step)
    panel.x.ticks = [(float(tick), format_time(float(tick), voice.language)) for tick in ticks]
    panel.y.grid = True
    if label:
        waves = voice.released.policy.time_unit == "waves"
        panel.x.label = voice.phrases("unit.waves_axis" if waves else "unit.months_axis")


def tick_text(voice: Voice, *, percent: bool = False) -> Callable[[float, int], str]:
    """Writes a number beside an axis in the language: whole, or with as many decimals as it needs."""

    def write(value: float, digits: int) -> str:
        shown = 100 * value if percent else value
        most = max(0, digits - 2) if percent else digits
        needed = next((few for few in range(most) if abs(shown - round(shown, few)) < 1e-6 * 10**-most), most)
        text = format_number(shown, voice.language, digits=needed)
        return with_percent(text, voice.language) if percent else text

    return write


def number_axis(axis: Axis, voice: Voice, *, percent: bool = False) -> None:
    """Tick labels in the language."""
    axis.write = tick_text(voice, percent=percent)


def line_entry(text: str, colour: str, *, width: float = 1.8, dash: tuple[float, ...] = ()) -> Entry:
    """A line in a legend."""

    def draw(x: float, y: float) -> Sequence[Piece]:
        return [Line(((x - 9, y), (x + 9, y)), colour, width, dash)]

    return Entry(text, draw)


def mark_entry(text: str, shape: str, *, fill: str, edge: str = "", size: float = 6.0) -> Entry:
    """A mark in a legend."""
    return Entry(text, lambda x, y: [mark(shape, (x, y), size, fill=fill, edge=edge)])
