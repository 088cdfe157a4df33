"""What came of it beside the first score: life domains, questionnaires side by side, goals and marks."""

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.change import draw_shares
from mpg_research.present.figures.parts import known, line_entry, number_axis, put_into_words, time_axis
from mpg_research.present.figures.style import BAND, GREY, INK, MAIN, SECOND, Drawing
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.voice import Voice
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.outcomes import (
    domain_sentences,
    instrument_sentences,
    outcome_set_sentences,
    own_voice_sentences,
)

__all__ = ["KINDS", "draw_domain_courses", "draw_gains"]

#: Severity runs from nought to this.
_MOST_SEVERE = 4.0
#: Panels beside each other.
_ABREAST = 2
#: Colours and dashes of questionnaires in their order, apart in grey too.
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    (MAIN, ()), (SECOND, (6.0, 2.0)), (INK, (2.0, 2.0)), (GREY, (7.0, 2.0, 2.0, 2.0)),
)  # fmt: skip


def draw_domain_courses(voice: Voice) -> Drawing | None:
    """A small panel per life domain: mean severity since the start, with its interval."""
    every = known(voice.frame("domain_curve"), "estimate", "conf_low", "conf_high")
    names = [name for name in dict.fromkeys(every["domain"]) if (every["domain"] == name).sum() > 1] if len(
        every
    ) else []  # fmt: skip
    if not names:
        return None
    columns = min(_ABREAST, len(names))
    rows = -(-len(names) // columns)
    chart = Chart([88.0] * rows, columns=columns, one_x=True, one_y=True)
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        if place >= len(names):
            chart.grid[row][column] = None
            continue
        panel, mine = chart.panel(row, column), every[every["domain"] == names[place]]
        panel.band(mine["months"], mine["conf_low"], mine["conf_high"], fill=BAND)
        panel.line(mine["months"], mine["estimate"], colour=MAIN, width=2.0)
        panel.title = voice.label("value.domain", names[place])
        time_axis(panel, voice, every["months"].to_numpy(dtype=float), label=False)
        panel.y.low, panel.y.high = 0.0, _MOST_SEVERE
        number_axis(panel.y, voice)
    chart.y_label = voice.phrases("figure.domain_courses.severity_axis")
    waves = voice.released.policy.time_unit == "waves"
    chart.x_label = voice.phrases("unit.waves_axis" if waves else "unit.months_axis")
    ends = {name: every[every["domain"] == name].iloc[[0, -1]] for name in names}
    largest = max(names, key=lambda name: abs(float(ends[name]["estimate"].diff().iloc[-1])))
    first, last = (voice.number(float(value), 2) for value in ends[largest]["estimate"])
    return put_into_words(
        voice, "domain_courses", chart, number=len(names), domain=voice.label("value.domain", largest),
        first=first, last=last,
    )  # fmt: skip


def draw_gains(voice: Voice) -> Drawing | None:
    """A line per questionnaire: the gain since the start, in standard deviations at the start."""
    every = known(voice.frame("instrument_curve"), "gain", "gain_low", "gain_high")
    names = list(dict.fromkeys(every["instrument"])) if len(every) else []
    lines = {name: every[every["instrument"] == name] for name in names}
    lines = {name: mine for name, mine in lines.items() if len(mine) > 1}
    if not lines:
        return None
    chart = Chart([210.0])
    panel = chart.panel()
    panel.horizontal(0.0)
    looks = (*_LOOKS, *[_LOOKS[-1]] * len(lines))
    for (name, mine), (colour, dash) in zip(lines.items(), looks, strict=False):
        panel.band(mine["months"], mine["gain_low"], mine["gain_high"], fill=colour, opacity=0.13)
        panel.line(mine["months"], mine["gain"], colour=colour, width=2.0, dash=dash)
        chart.legend.append(line_entry(clean_name(str(name)), colour, width=2.0, dash=dash))
    time_axis(panel, voice, every["months"].to_numpy(dtype=float))
    panel.y.label = voice.phrases("figure.gains_of_instruments.gain_axis")
    number_axis(panel.y, voice)
    name, mine = next(iter(lines.items()))
    last = mine.iloc[-1]
    return put_into_words(
        voice, "gains_of_instruments", chart, number=len(lines), instrument=clean_name(str(name)),
        gain=voice.number(float(last["gain"]), 2), last=voice.moment(float(last["months"])),
    )  # fmt: skip


KINDS = (
    Kind(
        name="domains",
        sentences=domain_sentences,
        figures=(Figure(name="domain_courses", draw=draw_domain_courses, shows=("domain_course",)),),
    ),
    Kind(
        name="instruments",
        sentences=instrument_sentences,
        figures=(Figure(name="gains_of_instruments", draw=draw_gains, shows=("instrument_change",)),),
    ),
    Kind(
        name="own_voice",
        sentences=own_voice_sentences,
        figures=(
            Figure(
                name="marks_given",
                draw=lambda voice: draw_shares(voice, "marks_given", "satisfaction_bands"),
                shows=("satisfaction_bands",),
            ),
        ),
    ),
    Kind(
        name="outcome_set",
        sentences=outcome_set_sentences,
        figures=(
            Figure(
                name="national_outcomes",
                draw=lambda voice: draw_shares(
                    voice,
                    "national_outcomes",
                    "outcome_shares",
                    key="outcome",
                    limits=("conf_low", "conf_high"),
                    total=True,
                ),
                shows=("outcome_shares",),
            ),
        ),
    ),
)
