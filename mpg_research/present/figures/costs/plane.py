"""The plane of costs and effects, and the chance that a choice is the best one."""

import numpy as np

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import known, line_entry, mark_entry, number_axis, put_into_words
from mpg_research.present.figures.style import GREY, INK, MAIN, SECOND, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import euros
from mpg_research.present.sentences.costs.compared import group_name, reference_name, size_of_effect

__all__ = ["draw_acceptability", "draw_plane"]

#: Colours and dashes of groups in their order, apart in grey too.
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    (MAIN, ()), (SECOND, (6.0, 2.0)), (INK, (2.0, 2.0)), (GREY, (7.0, 2.0, 2.0, 2.0)),
)  # fmt: skip


def _look(place: int) -> tuple[str, tuple[float, ...]]:
    return _LOOKS[min(place, len(_LOOKS) - 1)]


def draw_plane(voice: Voice) -> Drawing | None:
    """A mark per group with the region that holds both differences together."""
    region = known(voice.frame("region"), "region_effect", "region_cost")
    costs = known(voice.frame("cost_differences"), "estimate")
    effects = known(voice.frame("effect_differences"), "estimate")
    if not len(region) or not len(costs) or not len(effects):
        return None
    chart = Chart([260.0])
    panel = chart.panel()
    panel.horizontal(0.0, dash=(3.0, 2.0))
    panel.vertical(0.0, dash=(3.0, 2.0))
    drawn = []
    for place, name in enumerate(dict.fromkeys(region["compared_group"])):
        one, other = (table[table["compared_group"] == name] for table in (effects, costs))
        if not len(one) or not len(other):
            continue
        colour, dash = _look(place)
        mine = region[region["compared_group"] == name]
        x, y = (mine[column].to_numpy(dtype=float) for column in ("region_effect", "region_cost"))
        panel.line(np.append(x, x[0]), np.append(y, y[0]), colour=colour, dash=dash)
        at = float(one["estimate"].iloc[0]), float(other["estimate"].iloc[0])
        panel.marks([at[0]], [at[1]], fill=colour, size=8)
        chart.legend.append(mark_entry(group_name(voice, name), "o", fill=colour, size=8))
        drawn.append((name, *at))
    if not drawn:
        return None
    panel.y.grid = True
    facts = voice.released.provenance.parameters
    panel.x.label = voice.phrases(
        "figure.plane.effect_axis", effect=voice.label("value.cost_effect", facts["effect"])
    )
    panel.y.label = voice.phrases("figure.plane.cost_axis")
    number_axis(panel.x, voice, percent=facts["effect"] == "reliably_improved")
    number_axis(panel.y, voice)
    name, effect, cost = drawn[0]
    return put_into_words(
        voice, "plane", chart, reference=reference_name(voice), what=group_name(voice, name),
        amount=euros(voice, cost),
        size=size_of_effect(voice, str(facts["effect"]), effect),
    )  # fmt: skip


def draw_acceptability(voice: Voice) -> Drawing | None:
    """A line per group: the chance that it is the best choice, by what a unit of effect may cost."""
    rows = known(voice.frame("acceptability"), "may_cost", "chance_best")
    if rows.empty or rows["may_cost"].nunique() < 2:
        return None
    chart = Chart([210.0])
    panel = chart.panel()
    for place, (name, mine) in enumerate(rows.groupby("compared_group", sort=False)):
        colour, dash = _look(place)
        panel.line(mine["may_cost"], mine["chance_best"], colour=colour, width=2.0, dash=dash)
        chart.legend.append(line_entry(group_name(voice, name), colour, width=2.0, dash=dash))
    panel.y.see([0.0, 1.0])
    panel.y.grid = True
    number_axis(panel.y, voice, percent=True)
    number_axis(panel.x, voice)
    facts = voice.released.provenance.parameters
    panel.x.label = voice.phrases(
        "figure.acceptability.axis", unit=voice.label("value.effect_unit", facts["effect"])
    )
    panel.y.label = voice.phrases("figure.acceptability.chance_axis")
    last = rows[rows["may_cost"] == rows["may_cost"].max()]
    best = last.loc[last["chance_best"].astype(float).idxmax()]
    return put_into_words(
        voice, "acceptability", chart, best=group_name(voice, best["compared_group"]),
        threshold=euros(voice, float(best["may_cost"])),
        chance=format_share(float(best["chance_best"]), voice.language, digits=0),
    )  # fmt: skip
