"""From gross benefit to balance in steps, and what one price at a time changes."""

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import known, number_axis, put_into_words
from mpg_research.present.figures.style import BAR, FAINT, GREY, INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.costs.amounts import euros

__all__ = ["draw_tornado", "draw_waterfall"]

#: What stands on its own from zero; the others start where the one before ended.
_WHOLE = frozenset({"gross", "net", "balance"})
_HALF = 0.32


def draw_waterfall(voice: Voice) -> Drawing | None:
    """A bar per step, each from where the one before ended, with its interval."""
    rows = known(voice.frame("waterfall"), "estimate", "conf_low", "conf_high")
    shown = {str(row["money_part"]): row for _, row in rows.iterrows()}
    if not {"gross", "net", "help", "balance"} <= set(shown):
        return None
    chart = Chart([30.0 * len(shown)])
    panel = chart.panel()
    names = [voice.label("value.money_part", name) for name in shown]
    heights = panel.rows(names, width=180)
    panel.vertical(0.0)
    panel.y.grid = True
    end = 0.0
    for height, (name, row) in zip(heights, shown.items(), strict=True):
        start = 0.0 if name in _WHOLE else end
        value, low, high = (float(row[column]) for column in ("estimate", "conf_low", "conf_high"))
        end = start + value
        y = float(height)
        fill, edge = (BAR, MAIN) if name in _WHOLE else (FAINT, GREY)
        panel.box(tuple(sorted((start, end))), (y - _HALF, y + _HALF), fill=fill, edge=edge)  # type: ignore[arg-type]
        panel.line([start + low, start + high], [y, y], colour=INK, width=1.3)
    panel.x.label = voice.phrases("figure.waterfall.axis")
    number_axis(panel.x, voice)
    indicative = bool(voice.released.provenance.parameters["indicative"])
    return put_into_words(
        voice, "waterfall", chart,
        indicative=voice.phrases("figure.waterfall.indicative") if indicative else "",
        period=voice.period(float(voice.released.provenance.parameters["months"])),
        **{name: euros(voice, float(shown[name]["estimate"])) for name in ("gross", "net", "balance")},
        help=euros(voice, -float(shown["help"]["estimate"])),
    )  # fmt: skip


def draw_tornado(voice: Voice) -> Drawing | None:
    """A bar per price: the difference in costs from one end of its range to the other."""
    rows = known(voice.frame("price_ranges"), "at_low", "at_high", "base", "width")
    if not len(rows):
        return None
    chart = Chart([26.0 * len(rows)])
    panel = chart.panel()
    names = [
        voice.phrases(
            "figure.tornado.row", item=voice.label("value.priced_item", row["priced_item"]),
            payer=voice.label("value.payer", row["payer"]),
        )
        for _, row in rows.iterrows()
    ]  # fmt: skip
    heights = panel.rows(names, width=200)
    panel.y.grid = True
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        ends = tuple(sorted((float(row["at_low"]), float(row["at_high"]))))
        panel.box(ends, (float(height) - _HALF, float(height) + _HALF), fill=BAR, edge=MAIN)  # type: ignore[arg-type]
    panel.vertical(float(rows["base"].iloc[0]), dash=(3.0, 2.0))
    panel.vertical(0.0)
    panel.x.label = voice.phrases("figure.tornado.axis")
    number_axis(panel.x, voice)
    first = rows.iloc[0]
    return put_into_words(
        voice, "tornado", chart, what=names[0], low=euros(voice, float(first["at_low"])),
        high=euros(voice, float(first["at_high"])),
    )  # fmt: skip
