"""What came after a good end of the help, as lines and dots; families without clear progress."""

import numpy as np

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.change import draw_shares
from mpg_research.present.figures.parts import known, line_entry, number_axis, put_into_words, whisker
from mpg_research.present.figures.style import GREY, INK, MAIN, SECOND, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.care_methods import afterwards_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.afterwards import afterwards_sentences, without_progress_sentences

__all__ = ["KINDS"]

#: Colours and dashes of events in their order, apart in grey too.
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    (MAIN, ()),
    (SECOND, (6.0, 2.0)),
    (INK, (2.0, 2.0)),
    (GREY, (7.0, 2.0, 2.0, 2.0)),
)
_WORSE = "reliable_worsening"


def draw_first_events(voice: Voice) -> Drawing | None:
    """A line per event from nothing at the end, with its interval at the last moment shown."""
    rows = known(voice.frame("incidence"), "estimate", "conf_low", "conf_high")
    lines = {}
    if len(rows):
        order = [*voice.released.provenance.parameters.get("events", ()), *rows["event"]]
        found = {str(event): rows[rows["event"] == event] for event in dict.fromkeys(order)}
        lines = {event: mine for event, mine in found.items() if len(mine)}
    worse = known(voice.frame("worsening"), "estimate", "conf_low", "conf_high")
    if len(worse):
        lines[_WORSE] = worse
    if not lines:
        return None
    chart = Chart([210.0])
    panel = chart.panel()
    looks = (*_LOOKS, *[_LOOKS[-1]] * len(lines))
    for place, ((event, mine), (colour, dash)) in enumerate(zip(lines.items(), looks, strict=False)):
        months = [0.0, *mine["months_after"].astype(float)]
        panel.line(months, [0.0, *mine["estimate"].astype(float)], colour=colour, width=2.0, dash=dash)
        last = mine.iloc[-1]
        at = months[-1] + 0.25 * place
        whisker(panel, at, float(last["conf_low"]), float(last["conf_high"]), colour=colour)
        chart.legend.append(line_entry(voice.label("value.event", event), colour, width=2.0, dash=dash))
    _after_axis(panel, voice, "first_events")
    number_axis(panel.y, voice, percent=True)
    panel.y.label = voice.phrases("figure.first_events.share_axis")
    ends = {event: mine.iloc[-1] for event, mine in lines.items()}
    largest = max(ends, key=lambda event: float(ends[event]["estimate"]))
    return put_into_words(
        voice, "first_events", chart, largest=voice.label("value.event", largest),
        share=format_share(float(ends[largest]["estimate"]), voice.language, digits=0),
        period=voice.period(float(ends[largest]["months_after"])),
    )  # fmt: skip


def draw_scores_after(voice: Voice) -> Drawing | None:
    """The mean change since the last score in help, by month after the end."""
    rows = known(voice.frame("scores_after"), "change_after", "change_after_low", "change_after_high")
    if not len(rows):
        return None
    chart = Chart([165.0])
    panel = chart.panel()
    panel.horizontal(0.0, dash=(3.0, 2.0))
    for _, row in rows.iterrows():
        whisker(
            panel, float(row["months_after"]), float(row["change_after_low"]),
            float(row["change_after_high"]), colour=GREY,
        )  # fmt: skip
    panel.marks(rows["months_after"], rows["change_after"], fill=MAIN, size=6)
    panel.x.see([0.0, float(np.max(rows["months_after"])) + 1])
    _after_axis(panel, voice, "scores_after")
    number_axis(panel.y, voice)
    panel.y.label = voice.phrases("figure.scores_after.change_axis", unit=voice.unit)
    last = rows.iloc[-1]
    return put_into_words(
        voice, "scores_after", chart, month=voice.count(float(last["months_after"])),
        change=voice.number(float(last["change_after"])), low=voice.number(float(last["change_after_low"])),
        high=voice.number(float(last["change_after_high"])),
    )  # fmt: skip


def _after_axis(panel: Panel, voice: Voice, name: str) -> None:
    panel.x.label = voice.phrases(f"figure.{name}.after_axis")
    number_axis(panel.x, voice)


KINDS = (
    Kind(
        name="afterwards",
        sentences=afterwards_sentences,
        methods=afterwards_methods,
        figures=(
            Figure(name="first_events", draw=draw_first_events, shows=("incidence", "worsening")),
            Figure(name="scores_after", draw=draw_scores_after, shows=("scores_after",)),
        ),
    ),
    Kind(
        name="without_progress",
        sentences=without_progress_sentences,
        figures=(
            Figure(
                name="how_it_stood",
                draw=lambda voice: draw_shares(voice, "how_it_stood", "progress"),
                shows=("progress",),
            ),
        ),
    ),
)
