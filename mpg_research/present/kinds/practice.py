"""How the help is given, and whether those who score keep one measure."""

import numpy as np

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import known, number_axis, put_into_words
from mpg_research.present.figures.style import INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.practice import drift_sentences, fidelity_sentences

__all__ = ["KINDS", "draw_rater_drift", "draw_working_elements"]

#: Terms that the figure of drift shows, of those that there are.
_DRAWN = ("years_in_job", "same_worker_year", "years_with_family")


def draw_working_elements(voice: Voice) -> Drawing | None:
    """The mean of each element, and where the middle half of the families lie."""
    rows = known(voice.frame("elements"), "mean")
    if len(rows) < 2:
        return None
    names = [voice.label("value.working_element", name) for name in rows["working_element"]]
    chart = Chart([21.6 * len(rows)])
    panel = chart.panel()
    heights = panel.rows(names, width=200)
    for (_, row), height in zip(rows.iterrows(), heights, strict=True):
        panel.line([row["lowest_quarter"], row["highest_quarter"]], [height, height], colour=MAIN, width=2.4)
    panel.marks(rows["mean"].to_numpy(dtype=float), np.asarray(heights, dtype=float), fill=INK, size=7)
    panel.x.label = voice.phrases("figure.working_elements.axis")
    number_axis(panel.x, voice)
    ordered = rows[rows["working_element"] != "index"].sort_values("mean", kind="stable")
    if not len(ordered):
        return None
    ends = ordered.iloc[0], ordered.iloc[-1]
    lowest, highest = (voice.number(float(end["mean"]), 2) for end in ends)
    elements = [voice.label("value.working_element", end["working_element"]) for end in ends]
    return put_into_words(
        voice, "working_elements", chart, lowest=lowest, highest=highest,
        lowest_element=elements[0], highest_element=elements[1],
    )  # fmt: skip


def draw_rater_drift(voice: Voice) -> Drawing | None:
    """Per scale how much the score moves per year, with its interval."""
    rows = known(voice.frame("rater_drift"), "estimate", "conf_low", "conf_high")
    rows = rows[rows["drift_term"].isin(_DRAWN)] if len(rows) else rows
    if not len(rows):
        return None
    names = [
        f"{voice.label('value.scale', row['scale'])}: {voice.label('value.drift_term', row['drift_term'])}"
        for _, row in rows.iterrows()
    ]
    chart = Chart([30.0 * len(rows)])
    panel = chart.panel()
    heights = panel.rows(names, width=230)
    panel.vertical(0)
    for (_, row), height in zip(rows.iterrows(), heights, strict=True):
        panel.line([row["conf_low"], row["conf_high"]], [height, height], colour=MAIN, width=2.0)
    estimates = rows["estimate"].to_numpy(dtype=float)
    panel.marks(estimates, np.asarray(heights, dtype=float), fill=INK, size=7)
    panel.x.label = voice.phrases("figure.rater_drift.axis")
    number_axis(panel.x, voice)
    return put_into_words(
        voice, "rater_drift", chart, number=len(rows),
        lowest=voice.number(float(estimates.min()), 3), highest=voice.number(float(estimates.max()), 3),
    )  # fmt: skip


KINDS = (
    Kind(
        name="fidelity",
        sentences=fidelity_sentences,
        figures=(Figure(name="working_elements", draw=draw_working_elements, shows=("elements",)),),
    ),
    Kind(
        name="rater_drift",
        sentences=drift_sentences,
        figures=(Figure(name="rater_drift", draw=draw_rater_drift, shows=("rater_drift",)),),
    ),
)
