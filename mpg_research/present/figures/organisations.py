"""Organisations beside each other: always with their uncertainty, never as a league table."""

from collections.abc import Sequence

import pandas as pd

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.figures.parts import (
    CONTEXT,
    CONTEXT_INK,
    colour_of,
    count_marks,
    counts_on_top,
    known,
    names_of_rows,
    number_axis,
    put_into_words,
    row_height,
    time_axis,
)
from mpg_research.present.figures.style import BAND, INK, MAIN, SECOND, Drawing, short_name
from mpg_research.present.language.voice import Voice

__all__ = [
    "at_primary_month",
    "draw_adjusted_change",
    "draw_adjusted_means",
    "draw_difference_from_mean",
    "mean_of_organisations",
]


def draw_adjusted_change(voice: Voice) -> Drawing | None:
    """Adjusted change of each organisation with its interval, and the average of the organisations."""
    rows = at_primary_month(voice, "adjusted_change")
    if len(rows) < 2:
        return None
    key = "figure.change_by_organisation"
    mean = mean_of_organisations(voice, rows)
    line_label = "" if mean is None else voice.phrases(f"{key}.mean", value=voice.number(mean))
    chart = _intervals(voice, rows, axis=voice.phrases(f"{key}.axis", unit=voice.unit), line=mean,
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
        voice, "change_by_organisation", chart, number=len(rows), each=" ".join(each), **_span(voice, rows),
        dashed="" if mean is None else voice.phrases(f"{key}.dashed"),
        mean=voice.phrases("general.not_shown") if mean is None else voice.number(mean),
    )  # fmt: skip


def draw_difference_from_mean(voice: Voice) -> Drawing | None:
    """Difference of each organisation's change from the average of the organisations."""
    rows = at_primary_month(voice, "difference_from_mean")
    if len(rows) < 2:
        return None
    axis = voice.phrases("figure.difference_from_mean.axis", unit=voice.unit)
    chart = _intervals(voice, rows, axis=axis, line=None, line_label="")
    crossing = int(((rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)).sum())
    return put_into_words(
        voice, "difference_from_mean", chart, number=len(rows), crossing=crossing, **_span(voice, rows)
    )


def _span(voice: Voice, rows: pd.DataFrame) -> dict[str, str]:
    month = float(rows["months"].iloc[0])
    low, high = (voice.number(end) for end in (rows["estimate"].min(), rows["estimate"].max()))
    return {"low": low, "high": high, "period": voice.period(month)}


def at_primary_month(voice: Voice, name: str) -> pd.DataFrame:
    """Rows of a table at the moment asked about whose estimate and interval are shown."""
    rows = voice.frame(name)
    if not len(rows):
        return rows
    rows = rows[rows["months"] == voice.primary_month(rows["months"])]
    return known(rows, "estimate", "conf_low", "conf_high")


def mean_of_organisations(voice: Voice, rows: pd.DataFrame) -> float | None:
    """Average that the released differences refer to; None where they were withheld."""
    differences = at_primary_month(voice, "difference_from_mean")
    if not len(differences):
        return None
    both = rows.merge(differences, on=["organisation", "months"], suffixes=("", "_apart"))
    return float((both["estimate"] - both["estimate_apart"]).iloc[0]) if len(both) else None


def _intervals(voice: Voice, rows: pd.DataFrame, *, axis: str, line: float | None, line_label: str) -> Chart:
    """One row per organisation: dot, interval and its numbers; in the order of the labels."""
    own = voice.released.own
    chart = Chart([row_height(len(rows), roomy=25.0) * len(rows)])
    panel = chart.panel()
    panel.vertical(0)
    if line is not None:
        panel.vertical(line, colour=SECOND, width=1.4, dash=(7, 4))
        panel.above(line, line_label, colour=SECOND, bold=True)
    codes = list(rows["organisation"])
    names = names_of_rows(voice, codes)
    heights = panel.rows(names, bold=[code == own for code in codes])
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        in_front = own is None or row["organisation"] == own
        colour = colour_of(voice, row["organisation"])
        panel.line([row["conf_low"], row["conf_high"]], [height, height], colour=colour, width=2.4)
        panel.marks([row["estimate"]], [height], fill=colour, size=7 if in_front else 6)
        low, high = (voice.number(end) for end in (row["conf_low"], row["conf_high"]))
        interval = voice.phrases("general.interval", low=low, high=high)
        cells = voice.number(row["estimate"]), f"({interval})"
        panel.beside(height, *cells, voice.n_of(row), colour=INK if in_front else CONTEXT_INK)
    number_axis(panel.x, voice)
    panel.x.label = axis
    return chart


def draw_adjusted_means(voice: Voice) -> Drawing | None:
    """Adjusted courses: the own one in front, or one panel per organisation."""
    rows = voice.frame("adjusted_curve")
    rows = rows if len(rows) else voice.frame("adjusted_means")
    codes = list(dict.fromkeys(rows["organisation"])) if len(rows) else []
    if len(codes) < 2 or rows["months"].nunique() < 2:
        return None
    own = voice.released.own if voice.released.own in codes and voice.is_plain else None
    own = own if own is not None and _common_months(rows, own) else None
    chart = _own_panel(voice, rows, own) if own is not None else _panels(voice, rows, codes)
    key = "adjusted_means" if own is None else "own_course"
    return put_into_words(voice, key, chart, number=len(codes), **_ends_in_words(voice, rows, own))


def _common_months(rows: pd.DataFrame, own: str) -> set[float]:
    """The moments at which something is shown of the own organisation and of another."""
    shown = rows[rows["estimate"].notna()]
    is_own = shown["organisation"] == own
    return set(shown.loc[is_own, "months"]) & set(shown.loc[~is_own, "months"])


def _ends_in_words(voice: Voice, rows: pd.DataFrame, own: str | None) -> dict[str, str]:
    """Where the courses end, at the last moment of which all that is said is shown."""
    shown = rows[rows["estimate"].notna()].sort_values("months")
    last = shown["months"].max() if own is None else max(_common_months(rows, own))
    ends = shown[(shown["months"] == last) & (shown["organisation"] != own)].sort_values("estimate")
    words = {
        "last": voice.moment(float(last)),
        "low": voice.number(ends["estimate"].iloc[0]),
        "high": voice.number(ends["estimate"].iloc[-1]),
        "lowest": voice.organisation(ends["organisation"].iloc[0]),
        "highest": voice.organisation(ends["organisation"].iloc[-1]),
    }
    if own is not None:
        mine = shown[(shown["organisation"] == own) & (shown["months"] <= last)]
        words["mine"] = voice.organisation(own)
        words["first"] = voice.moment(float(mine["months"].iloc[0]))
        words["start"], words["end"] = (voice.number(mine["estimate"].iloc[place]) for place in (0, -1))
    return words


def _own_panel(voice: Voice, rows: pd.DataFrame, own: str) -> Chart:
    """The own course, its name at its end, and the numbers of families measured along the top."""
    chart = Chart([205.0])
    panel = chart.panel()
    months = rows["months"].to_numpy(dtype=float)
    last = _courses(panel, _courses_of(rows), own)
    lines = fit_lines(voice.organisation(own), 95, size=9.5, bold=True)
    panel.note(*last, *lines, colour=MAIN, size=9.5, bold=True, shift=(6, 0), outside=True)
    observed = voice.frame("observed_course")
    if len(observed) and "organisation" in observed:
        counts = observed[observed["organisation"] == own].set_index("months")["n_families"]
        counts_on_top(panel, voice, count_marks(voice, months, counts))
    time_axis(panel, voice, months)
    number_axis(panel.y, voice)
    panel.y.label = voice.score
    return chart


def _panels(voice: Voice, rows: pd.DataFrame, codes: Sequence[str]) -> Chart:
    """A panel per organisation with its course in front of those of the others."""
    columns = min(3, len(codes))
    lines = -(-len(codes) // columns)
    chart = Chart([105.0] * lines, columns=columns, one_x=True, one_y=True, y_label=voice.score)
    courses = _courses_of(rows)
    months = rows["months"].to_numpy(dtype=float)
    for place in range(lines * columns):
        row, column = divmod(place, columns)
        if place >= len(codes):
            chart.grid[row][column] = None
            continue
        panel = chart.panel(row, column)
        _courses(panel, courses, codes[place])
        last = rows[rows["organisation"] == codes[place]].iloc[-1]
        panel.title = (
            f"{short_name(voice.organisation(codes[place]), width=40, lines=1)} ({voice.n_of(last)})"
        )
        panel.title_bold = True
        time_axis(panel, voice, months, label=False)
    waves = voice.released.policy.time_unit == "waves"
    chart.x_label = voice.phrases("unit.waves_axis" if waves else "unit.months_axis")
    number_axis(chart.panel().y, voice)
    return chart


Course = tuple[list[float], list[float], list[float], list[float]]


def _courses_of(rows: pd.DataFrame) -> dict[str, Course]:
    """Of each organisation the months, the estimates and the ends of their intervals."""
    return {
        str(code): (
            mine["months"].to_list(),
            mine["estimate"].to_list(),
            mine["conf_low"].to_list(),
            mine["conf_high"].to_list(),
        )
        for code, mine in rows.groupby("organisation", sort=False)
    }


def _courses(panel: Panel, courses: dict[str, Course], front: str) -> tuple[float, float]:
    """One course with its band in front of the others; where it ends."""
    for code, (months, estimates, *_) in courses.items():
        if code != front:
            panel.line(months, estimates, colour=CONTEXT, width=0.9)
    months, estimates, lows, highs = courses[front]
    panel.band(months, lows, highs, fill=BAND, opacity=0.65)
    panel.line(months, estimates, colour=MAIN, width=2.2)
    return float(months[-1]), float(estimates[-1])
