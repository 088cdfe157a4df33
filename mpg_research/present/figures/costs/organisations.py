"""Organisations in the plane of costs and effects: crosses around the mean, never an order."""

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.figures.funnel import NAMED
from mpg_research.present.figures.parts import colour_of, known, number_axis, put_into_words
from mpg_research.present.figures.style import Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import euros

__all__ = ["draw_organisations_plane"]

_LIMITS = ("estimate", "conf_low", "conf_high")


def draw_organisations_plane(voice: Voice) -> Drawing | None:
    """Each organisation's difference from the mean in effect and in costs, with both intervals."""
    costs = known(voice.frame("cost_from_mean"), *_LIMITS)
    effects = known(voice.frame("effect_from_mean"), *_LIMITS)
    if not len(costs) or not len(effects):
        return None
    rows = costs.merge(effects, on="organisation", suffixes=("_cost", "_effect"))
    if len(rows) < 2:
        return None
    facts, own = voice.released.provenance.parameters, voice.released.own
    chart = Chart([300.0])
    panel = chart.panel()
    panel.horizontal(0.0, dash=(3.0, 2.0))
    panel.vertical(0.0, dash=(3.0, 2.0))
    clear = 0
    for _, row in rows.iterrows():
        x, x_low, x_high = (float(row[f"{name}_effect"]) for name in _LIMITS)
        y, y_low, y_high = (float(row[f"{name}_cost"]) for name in _LIMITS)
        code = str(row["organisation"])
        colour = colour_of(voice, code)
        panel.line([x_low, x_high], [y, y], colour=colour, width=1.2)
        panel.line([x, x], [y_low, y_high], colour=colour, width=1.2)
        panel.marks([x], [y], fill=colour, size=7 if own in (None, code) else 5)
        clear += bool(x_low > 0 or x_high < 0 or y_low > 0 or y_high < 0)
        if own == code or (own is None and len(rows) <= NAMED):
            name = fit_lines(voice.organisation(code), 100, size=8, lines=1, bold=own == code)
            panel.note(x, y, *name, size=8, bold=own == code, clears=3.5)
    panel.y.grid = True
    effect = voice.label("value.cost_effect", facts["effect"])
    panel.x.label = voice.phrases("figure.plane.effect_axis", effect=effect)
    panel.y.label = voice.phrases("figure.plane.cost_axis")
    number_axis(panel.x, voice, percent=facts["effect"] == "reliably_improved")
    number_axis(panel.y, voice)
    low, high = (
        euros(voice, float(end)) for end in (rows["estimate_cost"].min(), rows["estimate_cost"].max())
    )
    return put_into_words(
        voice, "organisations_plane", chart, number=len(rows), low=low, high=high, clear=clear
    )
