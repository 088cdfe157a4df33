"""An alluvial picture: from signal to what was done, and on to how the family stood later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mpg_research.present.drawing.chart import INK, Chart, Panel
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.figures.parts import known, put_into_words
from mpg_research.present.figures.style import BAR, FAINT, GREY, MAIN, SECOND, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["draw_signal_flows"]

#: From top to bottom in each column, with the colour of what flows into or out of it.
SIGNALS = {"off_track": SECOND, "may_stand_still": GREY}
ACTIONS = {"acted": MAIN, "not_acted": GREY}
STATES = {"no_signal": BAR, "signal": SECOND, "not_seen": FAINT}
#: Space between two bars of a column, as a share of all signals; half the width of a bar, in columns.
GAP, HALF_BAR = 0.06, 0.035
_STEPS = 24


@dataclass(frozen=True, slots=True)
class _Node:
    """A bar: where it begins from above, and how high it is."""

    top: float
    height: float


def draw_signal_flows(voice: Voice) -> Drawing | None:
    """Bars for signals, actions and later states; between them as much as went from one to the other."""
    first = known(voice.frame("signal_to_action"), "estimate")
    second = known(voice.frame("action_to_state"), "estimate")
    first, second = (rows[rows["estimate"] > 0] if len(rows) else rows for rows in (first, second))
    if not len(first) or not len(second):
        return None
    out, into = _sums(first, "action"), _sums(second, "action")
    middle = {name: max(out.get(name, 0.0), into.get(name, 0.0)) for name in ACTIONS}
    columns = (
        _stack(_sums(first, "signal"), SIGNALS),
        _stack(middle, ACTIONS),
        _stack(_sums(second, "state"), STATES),
    )
    chart = Chart([230.0])
    panel = chart.panel()
    for place, (rows, names) in enumerate(((first, ("signal", "action")), (second, ("action", "state")))):
        _ribbons(panel, rows, names, place, (columns[place], columns[place + 1]))
    partly = _partly_hidden(voice)
    for place, (nodes, kind) in enumerate(zip(columns, ("signal", "action", "state"), strict=True)):
        _bars(panel, voice, nodes, kind, place, partly[kind])
        panel.above(float(place), voice.phrases(f"column.{kind}"), bold=True)
    panel.x.low, panel.x.high = -0.75, 2.75
    lowest = min(node.top - node.height for nodes in columns for node in nodes.values())
    panel.y.low, panel.y.high = lowest - 0.03, 1.03
    for axis in (panel.x, panel.y):
        axis.ticks, axis.line, axis.shows_ticks = (), False, False
    largest = second.sort_values("estimate").iloc[-1]
    return put_into_words(
        voice,
        "signal_flows",
        chart,
        period=voice.period(float(voice.released.provenance.parameters["later_on_axis"])),
        largest=_percent(voice, float(largest["estimate"])),
        action=voice.label("value.action", largest["action"]).lower(),
        state=voice.label("value.state", largest["state"]).lower(),
    )


def _percent(voice: Voice, share: float) -> str:
    """A share; sums of rounded ones may come out above all."""
    text = format_share(min(share, 1.0), voice.language, digits=0)
    return voice.about_cell(text, "rounded" if voice.released.policy.rounding else "")


def _partly_hidden(voice: Voice) -> dict[str, set[str]]:
    """Bars whose height is not told: a flow into or out of them is withheld."""
    found: dict[str, set[str]] = {"signal": set(), "action": set(), "state": set()}
    for name, keys in (("signal_to_action", ("signal", "action")), ("action_to_state", ("state",))):
        table = voice.table(name)
        if table is not None:
            hidden = table.data[table.data["suppressed"].astype(bool)]
            for key in keys:
                found[key] |= set(hidden[key])
    return found


def _sums(rows: pd.DataFrame, key: str) -> dict[str, float]:
    return {str(name): float(part) for name, part in rows.groupby(key)["estimate"].sum().items()}


def _stack(heights: Mapping[str, float], order: Mapping[str, str]) -> dict[str, _Node]:
    """The bars of a column, from the top down."""
    nodes, top = {}, 1.0
    for name in order:
        if heights.get(name, 0.0) > 0:
            nodes[name] = _Node(top, heights[name])
            top -= heights[name] + GAP
    return nodes


def _ribbons(
    panel: Panel,
    rows: pd.DataFrame,
    names: tuple[str, str],
    place: int,
    nodes: tuple[Mapping[str, _Node], Mapping[str, _Node]],
) -> None:
    """What flows between two columns, each ribbon below the one before it at either end."""
    sources, targets = ({name: node.top for name, node in side.items()} for side in nodes)
    colours = {**SIGNALS, **ACTIONS}
    order = {name: number for number, name in enumerate([*SIGNALS, *ACTIONS, *STATES])}
    ordered = rows.assign(_from=rows[names[0]].map(order), _to=rows[names[1]].map(order))
    steps = [step / _STEPS for step in range(_STEPS + 1)]
    xs = [place + HALF_BAR + (1 - 2 * HALF_BAR) * step for step in steps]
    bends = [step * step * (3 - 2 * step) for step in steps]
    for _, row in ordered.sort_values(["_from", "_to"]).iterrows():
        one, other, share = str(row[names[0]]), str(row[names[1]]), float(row["estimate"])
        start, end = sources[one], targets[other]
        sources[one], targets[other] = start - share, end - share
        highs = [start + (end - start) * bend for bend in bends]
        panel.band(xs, [high - share for high in highs], highs, fill=colours[one], opacity=0.35)


def _bars(
    panel: Panel, voice: Voice, nodes: Mapping[str, _Node], kind: str, place: int, partly: set[str]
) -> None:
    colours = {"signal": SIGNALS, "action": ACTIONS, "state": STATES}[kind]
    for name, node in nodes.items():
        bottom = node.top - node.height
        panel.box(
            (place - HALF_BAR, place + HALF_BAR),
            (bottom, node.top),
            fill=colours[name],
            edge=INK,
            edge_width=0.6,
        )
        words = fit_lines(voice.label(f"value.{kind}", name), 88.0, size=8.5, lines=3)
        lines: Sequence[str] = words if name in partly else (*words, _percent(voice, node.height))
        left = place == 0
        panel.note(
            place - HALF_BAR if left else place + HALF_BAR,
            (bottom + node.top) / 2,
            *lines,
            anchor="end" if left else "start",
            shift=(-4.0 if left else 4.0, 0.0),
        )
