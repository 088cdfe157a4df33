"""The families of each organisation at the start of help."""

import numpy as np

from mpg_research.present.figures.parts import number_axis, put_into_words, row_axis
from mpg_research.present.figures.style import FAINT, GREY, MAIN, SHAPES, Drawing, canvas, short_name, styled
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
    with styled():
        figure, axes = canvas(1.7 + 0.36 * len(variables))
        ax = axes[0, 0]
        alike = len(codes) > len(SHAPES)
        others = voice.phrases("column.n_organisations" if own is None else "figure.adjusted_means.others")
        for place, code in enumerate(sorted(codes, key=lambda code: code == own)):
            mine = rows[rows["organisation"] == code]
            heights = [len(variables) - 1 - variables.index(name) for name in mine["variable"]]
            front = code == own
            shape = SHAPES[0 if alike and not front else place % len(SHAPES)]
            label = short_name(voice.organisation(code), lines=1)
            if alike and not front:
                label = others if place == 0 else "_"
            ax.plot(
                mine["mean_or_share"], np.array(heights, dtype=float), shape, linestyle="none",
                color=MAIN if front else "none", markeredgecolor=MAIN if front else GREY,
                markersize=8 if front else 6.5, label=label, zorder=3,
            )  # fmt: skip
        row_axis(ax, [key_label(voice, table, "variable", name) for name in variables], width=30)
        ax.grid(color=FAINT, linewidth=0.6)
        ax.set_xlim(-0.02, 1.02)
        number_axis(ax.xaxis, voice, percent=True)
        ax.set_xlabel(voice.phrases("figure.case_mix.axis"))
        figure.legend(loc="outside right upper", frameon=False, fontsize=8.5, handletextpad=0.3)
    return put_into_words(voice, "case_mix", figure, number=len(variables), organisations=len(codes))
