"""The families of each organisation at the start of help."""

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import mark_entry, number_axis, put_into_words
from mpg_research.present.figures.style import GREY, MAIN, SHAPES, Drawing, short_name
from mpg_research.present.language.labels import key_label
from mpg_research.present.language.voice import Voice

__all__ = ["draw_case_mix"]


def draw_case_mix(voice: Voice) -> Drawing | None:
    """Share of families with each characteristic: a dot per organisation, the own one in front."""
    table = voice.table("case_mix")
    rows = voice.frame("case_mix")
    if table is None or not len(rows):
        return None
    rows = rows[rows["mean_or_share"].notna() & (rows["level"].astype(str) == "yes")]
    if not len(rows):
        return None
    variables = list(dict.fromkeys(rows["variable"]))
    codes = list(dict.fromkeys(rows["organisation"]))
    own = voice.released.own
    chart = Chart([25.0 * len(variables)])
    panel = chart.panel()
    names = [key_label(voice, table, "variable", name) for name in variables]
    heights = dict(zip(variables, panel.rows(names, width=165), strict=True))
    panel.y.grid = True
    alike = len(codes) > len(SHAPES)
    others = voice.phrases("column.n_organisations" if own is None else "figure.adjusted_means.others")
    for place, code in enumerate(sorted(codes, key=lambda code: code == own)):
        mine = rows[rows["organisation"] == code]
        front = code == own
        shape = SHAPES[0 if alike and not front else place % len(SHAPES)]
        fill, edge, size = (MAIN, MAIN, 8.0) if front else ("", GREY, 6.5)
        panel.marks(
            mine["mean_or_share"], mine["variable"].map(heights), shape=shape, fill=fill, edge=edge, size=size
        )
        if not alike or front or place == 0:
            label = others if alike and not front else short_name(voice.organisation(code), lines=1)
            chart.legend.append(mark_entry(label, shape, fill=fill, edge=edge, size=size))
    panel.x.low, panel.x.high = -0.02, 1.02
    number_axis(panel.x, voice, percent=True)
    panel.x.label = voice.phrases("figure.case_mix.axis")
    return put_into_words(voice, "case_mix", chart, number=len(variables), organisations=len(codes))
