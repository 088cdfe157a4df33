"""What families cost: by month, stacked by who pays; at each organisation; and the funnel plot of it."""

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.change import tone_entry
from mpg_research.present.figures.funnel import draw_one_funnel
from mpg_research.present.figures.parts import (
    CONTEXT_INK,
    colour_of,
    known,
    names_of_rows,
    number_axis,
    put_into_words,
    row_height,
)
from mpg_research.present.figures.style import GREY, INK, MAIN, Drawing
from mpg_research.present.language.numbers import format_time
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import euros

__all__ = ["draw_cost_funnel", "draw_costs_by_month", "draw_costs_by_organisation"]

#: Fill and hatching of who pays, apart in grey too.
_PAYERS = {
    "municipality": (MAIN, ""), "health_insurer": ("#7fb8d8", ""), "housing_corporation": ("#e8a47c", "//"),
    "state": ("#8c3d00", ""), "school": ("#d5dae0", ".."), "family": ("#ffffff", "xx"), "other": (GREY, ""),
    "not_given": ("#ffffff", ""), "together": ("#d5dae0", ""), "together_by_month": ("#d5dae0", ""),
    "all": (MAIN, ""),
}  # fmt: skip


def draw_costs_by_month(voice: Voice) -> Drawing | None:
    """Mean costs by month since the start, stacked by payer."""
    rows = known(voice.frame("costs_by_month"), "mean_cost")
    if not len(rows):
        return None
    wide = rows.pivot(index="month_of_help", columns="payer", values="mean_cost").fillna(0.0)
    order = [name for name in _PAYERS if name in wide.columns]
    bottom = np.zeros(len(wide))
    chart = Chart([190.0])
    panel = chart.panel()
    for name in order:
        fill, hatch = _PAYERS[name]
        heights = wide[name].to_numpy(dtype=float)
        for month, low, height in zip(wide.index, bottom, heights, strict=True):
            if height:
                panel.box(
                    (float(month) - 0.4, float(month) + 0.4), (low, low + height), fill=fill, edge=INK,
                    edge_width=0.4, hatch=hatch,
                )  # fmt: skip
        bottom = bottom + heights
        chart.legend.append(tone_entry(voice.label("value.payer", name), fill, hatch))
    _months(panel, voice, wide.index.to_numpy(dtype=float))
    panel.y.see([0.0])
    number_axis(panel.y, voice)
    panel.y.grid = True
    panel.y.label = voice.phrases("figure.costs_by_month.axis_y")
    at = int(bottom.argmax())
    return put_into_words(
        voice, "costs_by_month", chart, payers=", ".join(voice.label("value.payer", name) for name in order),
        most=euros(voice, float(bottom[at])), month=format_time(float(wide.index[at]), voice.language),
        last=euros(voice, float(bottom[-1])),
        last_month=format_time(float(wide.index[-1]), voice.language),
    )  # fmt: skip


def _months(panel: Panel, voice: Voice, months: np.ndarray) -> None:
    """Ticks at months, every second or third where there are many."""
    last = float(months.max())
    step = next((step for step in (1, 2, 3, 6, 12) if last / step <= 13), 24)
    panel.x.ticks = [
        (float(month), format_time(float(month), voice.language)) for month in np.arange(1, last + 1, step)
    ]
    panel.x.see([0.4, last + 0.6])
    panel.x.label = voice.phrases("figure.costs_by_month.axis_x")


def draw_costs_by_organisation(voice: Voice) -> Drawing | None:
    """Adjusted mean costs of each organisation with their interval, and the raw ones as open marks."""
    rows = known(
        voice.frame("costs_by_organisation"), "adjusted_cost", "adjusted_cost_low", "adjusted_cost_high"
    )
    if len(rows) < 2:
        return None
    own = voice.released.own
    chart = Chart([row_height(len(rows), roomy=25.0) * len(rows)])
    panel = chart.panel()
    heights = panel.rows(
        names_of_rows(voice, list(rows["organisation"])), bold=[code == own for code in rows["organisation"]]
    )
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        _one(panel, voice, height, row, in_front=own is None or row["organisation"] == own)
    panel.x.see([0.0])
    number_axis(panel.x, voice)
    panel.x.label = voice.phrases("figure.costs_by_organisation.axis")
    low, high = (
        euros(voice, float(end)) for end in (rows["adjusted_cost"].min(), rows["adjusted_cost"].max())
    )
    return put_into_words(voice, "costs_by_organisation", chart, number=len(rows), low=low, high=high)


def _one(panel: Panel, voice: Voice, height: float, row: pd.Series, *, in_front: bool) -> None:
    colour = colour_of(voice, row["organisation"])
    ends = [float(row["adjusted_cost_low"]), float(row["adjusted_cost_high"])]
    panel.line(ends, [height, height], colour=colour, width=2.4)
    panel.marks([row["mean_cost"]], [height], fill="#ffffff", edge=colour, shape="D", size=6)
    panel.marks([row["adjusted_cost"]], [height], fill=colour, size=7 if in_front else 6)
    low, high = (voice.number(end, 0) for end in ends)
    interval = voice.phrases("general.interval", low=low, high=high)
    cells = voice.number(float(row["adjusted_cost"]), 0), f"({interval})"
    panel.beside(height, *cells, voice.n_of(row), colour=INK if in_front else CONTEXT_INK)


def draw_cost_funnel(voice: Voice) -> Drawing | None:
    """Funnel plot of the adjusted mean costs."""
    axis = voice.phrases("figure.cost_funnel.axis_y")
    return draw_one_funnel(voice, "cost_funnel", "adjusted_cost", axis=axis)
