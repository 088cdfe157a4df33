"""Who was measured: the share of the own families in help, month by month."""

from mpg_research.frames import row_at
from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import counts_on_top, put_into_words, time_axis
from mpg_research.present.figures.style import BAR, MAIN, Drawing
from mpg_research.present.language.numbers import format_time
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.own_page.tiles import of_hundred, own_rows

__all__ = ["draw_response"]

#: A bar from this share on has room for its number inside it.
INSIDE = 0.25


def draw_response(voice: Voice) -> Drawing | None:
    """A bar per month with its number, and above it of how many families."""
    rows = own_rows(voice, "response_by_month")
    rows = rows[rows["share_measured"].between(0, 1)] if len(rows) else rows
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    chart = Chart([120.0])
    panel = chart.panel()
    width = 0.6 * float(min(months[1:] - months[:-1]))
    for month, share in zip(months, rows["share_measured"], strict=True):
        panel.box((month - width / 2, month + width / 2), (0.0, float(share)), fill=BAR, edge=MAIN)
        panel.note(
            month, float(share), of_hundred(voice, float(share)), anchor="middle", bold=True,
            shift=(0, -9 if share > INSIDE else 8),
        )  # fmt: skip
    marks = zip(months, rows["n_group"], strict=True)
    counts_on_top(panel, voice, [(float(month), voice.count(float(number))) for month, number in marks])
    panel.y.low, panel.y.high = 0.0, 1.0
    panel.y.ticks = [(tick, voice.count(100 * tick)) for tick in (0, 0.5, 1)]
    panel.y.label = voice.phrases("figure.response_by_month.share_axis")
    time_axis(panel, voice, months)
    panel.x.ticks = [(float(month), format_time(float(month), voice.language)) for month in months]
    shares = rows["share_measured"]
    least, most = row_at(rows, shares.idxmin()), row_at(rows, shares.idxmax())
    return put_into_words(
        voice, "response_by_month", chart,
        least=of_hundred(voice, float(least["share_measured"])),
        least_at=voice.moment(float(least["months"])),
        most=of_hundred(voice, float(most["share_measured"])),
        most_at=voice.moment(float(most["months"])),
    )  # fmt: skip
