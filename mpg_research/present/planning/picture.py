"""Curves of a plan: power with false findings below it, and margins, by what varies."""

import math
from collections.abc import Sequence
from typing import Any

from mpg_research.planning.simulated import Cell, StudyPlan
from mpg_research.present.drawing.chart import Chart, Entry, Panel
from mpg_research.present.drawing.layout import lay_out
from mpg_research.present.drawing.scene import Line, Piece
from mpg_research.present.drawing.svg import svg_of
from mpg_research.present.figures.style import GREY, INK, MAIN, SECOND
from mpg_research.present.language.numbers import format_number, format_share
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.planning.words import as_value

__all__ = ["draw_plan", "panels_of", "varying"]

#: Colours and dashes of the values of a second input, apart in grey too.
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    (MAIN, ()), (SECOND, (6.0, 2.0)), (INK, (2.0, 2.0)), (GREY, (7.0, 2.0, 2.0, 2.0)),
)  # fmt: skip
_PERCENT = (
    "power",
    "wrong",
    "any_wrong",
    "any_wrong_corrected",
    "reliability",
    "rankability",
    "first_is_first",
)


def varying(plan: StudyPlan) -> tuple[str, ...]:
    """The inputs that vary, the one on the axis first."""
    names = [*(["families"] if plan.smallest else []), *plan.plan.vary]
    return tuple(names)


def panels_of(plan: StudyPlan) -> tuple[str, ...]:
    """The measures that are drawn, one panel each."""
    there = plan.cells[0].measures
    wanted = ("power", "wrong", "margin", "reliability", "rankability")
    return tuple(name for name in wanted if name in there)


def draw_plan(plan: StudyPlan, say: Phrases) -> bytes:
    """The picture as SVG; empty where nothing varies.

    Parameters
    ----------
    plan : StudyPlan
    say : Phrases
    """
    names = varying(plan)
    if not names or len(plan.cells) < 2:
        return b""
    measures = panels_of(plan)
    chart = Chart([150.0 if name != "wrong" else 110.0 for name in measures], one_x=True)
    groups = _groups(plan, names)
    for row, measure in enumerate(measures):
        panel = chart.panel(row)
        panel.y.grid = True
        panel.y.label = say(f"plan.axis.{measure}")
        panel.y.write = _writer(measure, say)
        for place, cells in enumerate(groups.values()):
            _curve(panel, measure, cells, names[0], _LOOKS[place % len(_LOOKS)])
        _goals(panel, measure, plan)
    last = chart.panel(len(measures) - 1)
    last.x.label = say(f"plan.input.{names[0]}")
    last.x.write = lambda value, digits: format_number(value, say.language, digits=digits)
    if len(names) > 1:
        for place, value in enumerate(groups):
            colour, dash = _LOOKS[place % len(_LOOKS)]
            text = say(
                "plan.with_other",
                name=say(f"plan.input.{names[1]}"),
                value=as_value(names[1], value, say.language),
            )
            chart.legend.append(Entry(text, _sample(colour, dash)))
    mark = say("general.synthetic") if plan.plan.synthetic else ""
    return svg_of(lay_out(chart, title=say("plan.picture"), mark=mark), label=say("plan.picture_alt"))


def _sample(colour: str, dash: tuple[float, ...]) -> Any:
    def draw(x: float, y: float) -> Sequence[Piece]:
        return [Line(((x - 9, y), (x + 9, y)), colour, 1.8, dash)]

    return draw


def _groups(plan: StudyPlan, names: tuple[str, ...]) -> dict[Any, list[Cell]]:
    found: dict[Any, list[Cell]] = {}
    for cell in plan.cells:
        found.setdefault(cell.values[names[1]] if len(names) > 1 else None, []).append(cell)
    return {key: sorted(cells, key=lambda cell: _at(cell, names[0])) for key, cells in found.items()}


def _at(cell: Cell, name: str) -> float:
    value = getattr(cell.inputs, name)
    return float(value[0] if isinstance(value, tuple) else value)


def _writer(measure: str, say: Phrases) -> Any:
    if measure in _PERCENT:
        return lambda value, digits: format_share(value, say.language, digits=max(0, digits - 2))
    return lambda value, digits: format_number(value, say.language, digits=digits)


def _curve(
    panel: Panel, measure: str, cells: list[Cell], name: str, look: tuple[str, tuple[float, ...]]
) -> None:
    """Points with twice their Monte Carlo error, and the line by formula or through them."""
    colour, dash = look
    xs = [_at(cell, name) for cell in cells]
    found = [cell.measures[measure] for cell in cells]
    for x, one in zip(xs, found, strict=True):
        reach = 1.96 * one.mc_error
        if math.isfinite(reach):
            panel.line([x, x], [one.estimate - reach, one.estimate + reach], colour=colour, width=1.2)
    panel.line(xs, [one.estimate for one in found], colour=colour, width=1.8, dash=dash)
    panel.marks(xs, [one.estimate for one in found], fill=colour, size=5.0)


def _goals(panel: Panel, measure: str, plan: StudyPlan) -> None:
    if measure == "power":
        panel.y.low, panel.y.high = 0.0, 1.02
        panel.horizontal(plan.plan.power, dash=(3.0, 2.0))
    elif measure == "wrong":
        panel.y.low = 0.0
        panel.horizontal(plan.plan.inputs.alpha, dash=(3.0, 2.0))
    else:
        panel.y.low = 0.0
