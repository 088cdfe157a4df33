"""Care as a time line in pictures: numbers by month since the start of help, and around an event."""

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.parts import (
    known,
    line_entry,
    number_axis,
    put_into_words,
    time_axis,
    whisker,
)
from mpg_research.present.figures.style import BAND, GREY, INK, MAIN, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["draw_around", "draw_flow", "draw_helpers", "draw_hours", "draw_spells"]

#: The quantiles from the inside outwards, with how they look.
_LINES = {"half": (MAIN, 2.2, ()), "third_quarter": (INK, 1.5, (5.0, 3.0)), "ninth_tenth": (GREY, 1.5, ())}


def draw_helpers(voice: Voice) -> Drawing | None:
    """Workers and agencies that half, three quarters and nine tenths of the families do not exceed."""
    table = voice.frame("helpers_by_month")
    if not len(table):
        return None
    shown = [
        name
        for name in ("workers_so_far", "most_agencies", "most_helpers")
        if len(known(table[table["care_measure"] == name], "half")) > 1
    ][:2]
    if not shown:
        return None
    chart = Chart([150.0] * len(shown), one_x=len(shown) > 1)
    months = known(table[table["care_measure"].isin(shown)], "half")["months"].to_numpy(dtype=float)
    for place, name in enumerate(shown):
        panel, rows = chart.panel(place), table[table["care_measure"] == name]
        _steps(panel, rows)
        panel.title = voice.label("value.care_measure", name)
        panel.y.whole, panel.y.low = True, 0.0
        panel.y.label = voice.phrases("figure.helpers_met.number_axis")
        number_axis(panel.y, voice)
        time_axis(panel, voice, months, label=place == len(shown) - 1)
    chart.legend = [
        line_entry(voice.phrases(f"column.{name}"), colour, width=width, dash=dash)
        for name, (colour, width, dash) in _LINES.items()
    ]
    last = known(table[table["care_measure"] == shown[0]], "half").iloc[-1]
    return put_into_words(
        voice, "helpers_met", chart, what=voice.label("value.care_measure", shown[0]).lower(),
        number=voice.number(float(last["half"]), 0), last=voice.moment(float(last["months"])),
    )  # fmt: skip


def _steps(panel: Panel, rows: pd.DataFrame) -> None:
    for name, (colour, width, dash) in _LINES.items():
        panel.line(rows["months"], rows[name], colour=colour, width=width, dash=dash)


def draw_spells(voice: Voice) -> Drawing | None:
    """Who still has the first worker, and who has had another, by months since the spell began."""
    table = known(voice.frame("spell_survival"), "estimate", "conf_low", "conf_high")
    curves = {
        name: table[table["spell_curve"] == name] if len(table) else table
        for name in ("first_stays", "replaced")
    }
    shown = {name: rows for name, rows in curves.items() if len(rows) > 1}
    if not shown:
        return None
    chart = Chart([190.0])
    panel = chart.panel()
    looks = {"first_stays": (MAIN, 2.2, ()), "replaced": (INK, 1.6, (5.0, 3.0))}
    for name, rows in shown.items():
        colour, width, dash = looks[name]
        panel.band(rows["months"], rows["conf_low"], rows["conf_high"], fill=colour, opacity=0.15)
        panel.line(rows["months"], rows["estimate"], colour=colour, width=width, dash=dash)
        panel.marks(rows["months"], rows["estimate"], fill=colour, size=5.0)
        chart.legend.append(
            line_entry(voice.label("value.spell_curve", name), colour, width=width, dash=dash)
        )
    months = np.concatenate([[0.0], *(rows["months"].to_numpy(dtype=float) for rows in shown.values())])
    panel.x.low, panel.y.low, panel.y.high = 0.0, 0.0, 1.0
    time_axis(panel, voice, months, label=False)
    panel.x.label = voice.phrases("figure.spell_survival.months_axis")
    number_axis(panel.y, voice, percent=True)
    name, rows = next(iter(shown.items()))
    last = rows.iloc[-1]
    return put_into_words(
        voice, "spell_survival", chart, what=voice.label("value.spell_curve", name).lower(),
        share=format_share(float(last["estimate"]), voice.language, digits=0),
        last=voice.period(float(last["months"])),
    )  # fmt: skip


def draw_around(voice: Voice, name: str, table: str, key: str, codes: tuple[str, ...]) -> Drawing | None:
    """Differences from the month before an event, with their intervals; one panel per code."""
    every = voice.frame(table)
    every = known(every, "estimate", "conf_low", "conf_high")
    every = every[~every["around"].isin(["before", "after"])] if len(every) else every
    shown = [code for code in codes if len(every) and (every[key] == code).sum() > 1]
    if not shown:
        return None
    chart = Chart([165.0] * len(shown), one_x=len(shown) > 1)
    for place, code in enumerate(shown):
        panel, rows = chart.panel(place), every[every[key] == code]
        _differences(panel, rows)
        panel.title = voice.label(f"value.{key}", code)
        panel.y.label = voice.phrases(f"figure.{name}.difference_axis")
        number_axis(panel.y, voice)
        ticks = sorted({-1, *(int(each) for each in rows["around"])})
        panel.x.ticks = [(float(tick), voice.number(tick, 0)) for tick in ticks]
        panel.x.label = voice.phrases(f"figure.{name}.months_axis") if place == len(shown) - 1 else ""
    first = every[every[key] == shown[0]].assign(at=lambda rows: rows["around"].astype(int))
    later = first[first["at"] >= 0] if (first["at"] >= 0).any() else first
    most = later.iloc[int(later["estimate"].abs().to_numpy().argmax())]
    return put_into_words(
        voice, name, chart, number=len(shown), first=voice.label(f"value.{key}", shown[0]),
        size=voice.number(most["estimate"]), low=voice.number(most["conf_low"]),
        high=voice.number(most["conf_high"]), at=voice.number(float(most["at"]), 0),
    )  # fmt: skip


def _differences(panel: Panel, rows: pd.DataFrame) -> None:
    at = rows["around"].astype(int).to_numpy()
    panel.horizontal(0.0)
    panel.vertical(-0.5, dash=(4.0, 3.0))
    for x, low, high in zip(at, rows["conf_low"], rows["conf_high"], strict=True):
        whisker(panel, float(x), float(low), float(high), colour=GREY if x < 0 else MAIN)
    colours = np.where(at < 0, GREY, MAIN)
    for colour in (GREY, MAIN):
        mine = colours == colour
        panel.marks(at[mine], rows["estimate"].to_numpy()[mine], fill=colour, size=6.0)
    panel.marks([-1.0], [0.0], fill="#ffffff", edge=INK, size=6.0)
    panel.x.low, panel.x.high = float(min(at.min(), -1)) - 0.4, float(at.max()) + 0.4


def draw_hours(voice: Voice) -> Drawing | None:
    """Hours of contact by month: the middle half of the families, and the middle one."""
    rows = known(voice.frame("hours_by_month"), "half")
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    chart = Chart([190.0])
    panel = chart.panel()
    panel.band(months, rows["first_quarter"], rows["third_quarter"], fill=BAND)
    panel.line(months, rows["half"], colour=MAIN, width=2.2)
    panel.y.low = 0.0
    panel.y.label = voice.phrases("figure.hours_by_month.hours_axis")
    number_axis(panel.y, voice)
    time_axis(panel, voice, months)
    first, last = rows.iloc[0], rows.iloc[-1]
    return put_into_words(
        voice, "hours_by_month", chart, start=voice.number(float(first["half"])),
        first=voice.moment(float(first["months"])), end=voice.number(float(last["half"])),
        last=voice.moment(float(last["months"])),
    )  # fmt: skip


def draw_flow(voice: Voice) -> Drawing | None:
    """Periods of help that started and ended per quarter."""
    rows = known(voice.frame("flow_by_quarter"), "n_episodes")
    quarters = sorted(set(rows["quarter"])) if len(rows) else []
    if len(quarters) < 2:
        return None
    places = {quarter: float(place) for place, quarter in enumerate(quarters)}
    chart = Chart([170.0])
    panel = chart.panel()
    looks = {"in": (MAIN, 2.2, ()), "out": (INK, 1.6, (5.0, 3.0))}
    for direction, (colour, width, dash) in looks.items():
        mine = rows[rows["flow_direction"] == direction].set_index("quarter")["n_episodes"]
        heights = mine.reindex(quarters).to_numpy(dtype=float)
        panel.line(list(places.values()), heights, colour=colour, width=width, dash=dash)
        panel.marks(list(places.values()), heights, fill=colour, size=5.0)
        name = voice.label("value.flow_direction", direction)
        chart.legend.append(line_entry(name, colour, width=width, dash=dash))
    step = max(1, len(quarters) // 6)
    panel.x.ticks = [(places[quarter], voice.quarter(quarter)) for quarter in quarters[::step]]
    panel.y.low, panel.y.whole, panel.y.grid = 0.0, True, True
    panel.y.label = voice.phrases("figure.flow_by_quarter.periods_axis")
    number_axis(panel.y, voice)
    total = {}
    for direction in looks:
        numbers = rows.loc[rows["flow_direction"] == direction, "n_episodes"]
        total[direction] = voice.count(numbers.sum()) if len(numbers) else voice.phrases("general.not_shown")
    return put_into_words(
        voice, "flow_by_quarter", chart, number=len(quarters), first=voice.quarter(quarters[0]),
        last=voice.quarter(quarters[-1]), begun=total["in"], ended=total["out"],
    )  # fmt: skip
