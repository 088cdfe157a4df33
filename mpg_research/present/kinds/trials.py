"""Whether an intervention goes with a better course: a target trial, or a refusal."""

import numpy as np

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import known, mark_entry, number_axis, put_into_words
from mpg_research.present.figures.style import INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.care_methods import trial_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.trials import trial_sentences

__all__ = ["KINDS", "draw_love_plot"]

#: Where dotted lines stand: the difference that texts on balance call small.
_SMALL = 0.1


def draw_love_plot(voice: Voice) -> Drawing | None:
    """How alike two groups are before and after weighting: of the first intervention and moment shown."""
    rows = known(voice.frame("balance"), "before", "after")
    if not len(rows):
        return None
    first = rows.iloc[0]
    rows = rows[(rows["intervention"] == first["intervention"]) & (rows["months"] == first["months"])]
    names = [voice.phrases.label("value.variable", name) for name in rows["variable"]]
    chart = Chart([21.6 * len(rows)])
    panel = chart.panel()
    heights = panel.rows(names, width=180)
    panel.y.grid = True
    for limit in (-_SMALL, _SMALL):
        panel.vertical(limit, dash=(1.2, 2.0))
    panel.vertical(0)
    for name, fill, size in (("before", "", 6.5), ("after", MAIN, 7.0)):
        values = rows[name].to_numpy(dtype=float)
        panel.marks(
            values, np.asarray(heights, dtype=float), fill=fill, edge=MAIN if fill else INK, size=size
        )
        entry = voice.phrases(f"figure.love_plot.{name}")
        chart.legend.append(mark_entry(entry, "o", fill=fill, edge=MAIN if fill else INK, size=size))
    panel.x.label = voice.phrases("figure.love_plot.axis")
    number_axis(panel.x, voice)
    return put_into_words(
        voice, "love_plot", chart, number=len(rows),
        what=voice.label("value.intervention", first["intervention"]),
        period=voice.period(round(float(first["months"]), 1)),
        before=voice.number(float(rows["before"].abs().max()), 2),
        after=voice.number(float(rows["after"].abs().max()), 2),
    )  # fmt: skip


KINDS = (
    Kind(
        name="target_trial",
        sentences=trial_sentences,
        methods=trial_methods,
        topics=("nothing_done",),
        figures=(Figure(name="love_plot", draw=draw_love_plot, shows=("balance",)),),
    ),
)
