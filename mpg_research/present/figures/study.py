"""What was measured and how the questionnaire behaves."""

import numpy as np

from mpg_research.disclosure.released import SUPPRESSED
from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.parts import mark_entry, number_axis, put_into_words
from mpg_research.present.figures.style import FAINT, GREY, MAIN, SHAPES, Drawing, short_name
from mpg_research.present.language.labels import band_label, key_label, question_labels
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = [
    "draw_case_mix",
    "draw_item_completeness",
    "draw_items",
    "draw_measurements_by_month",
    "draw_score_distribution",
]


def draw_measurements_by_month(voice: Voice) -> Drawing | None:
    """Families measured around each month."""
    rows = voice.frame("measurements_by_month")
    rows = rows[rows["n_families"] > 0] if len(rows) else rows
    if len(rows) < 2:
        return None
    months = rows["months"].to_numpy(dtype=float)
    families = rows["n_families"].to_numpy(dtype=float)
    from mpg_research.present.figures import by_matplotlib as drawn

    with drawn.styled():
        figure, axes = drawn.canvas(3.1)
        ax = axes[0, 0]
        drawn.bars(ax, months, families, width=0.75)
        drawn.time_axis(ax, voice, months)
        drawn.number_axis(ax.yaxis, voice)
        ax.set_ylabel(voice.phrases("figure.measurements_by_month.axis"))
    first, last = rows.iloc[0], rows.iloc[-1]
    values = {
        "first_n": voice.rounded(first["n_families"]),
        "first": voice.moment(float(first["months"])),
        "last_n": voice.rounded(last["n_families"]),
        "last": voice.moment(float(last["months"])),
    }
    return put_into_words(voice, "measurements_by_month", figure, **values)


def draw_item_completeness(voice: Voice) -> Drawing | None:
    """Share answered per question."""
    table, rows = voice.table("item_completeness"), voice.frame("item_completeness")
    rows = rows[rows["share_answered"].notna()] if len(rows) else rows
    if table is None or not len(rows):
        return None
    shares = rows["share_answered"].to_numpy(dtype=float)
    names = question_labels(voice, table, rows)
    chart = Chart([18.0 * len(rows)])
    panel = chart.panel()
    _dots(panel, voice, names, shares, percent=True)
    panel.x.low, panel.x.high = min(0.9, float(np.floor(shares.min() * 20) / 20)), 1.004
    panel.x.label = voice.phrases("figure.item_completeness.axis")
    low, high = (format_share(float(end), voice.language, digits=1) for end in (shares.min(), shares.max()))
    return put_into_words(voice, "item_completeness", chart, number=len(rows), low=low, high=high)


def draw_score_distribution(voice: Voice) -> Drawing | None:
    """Measurements per band of scores; bands that are withheld are hatched."""
    table = voice.table("score_distribution")
    if table is None or not len(table.data):
        return None
    data = table.data
    hidden = (table.marks["n_measurements"] == SUPPRESSED).to_numpy()
    counts = data["n_measurements"].to_numpy(dtype=float)
    shown = ~hidden & np.isfinite(counts)
    if not shown.any():
        return None
    bands = [
        band_label(voice, low, high) for low, high in zip(data["score_low"], data["score_high"], strict=True)
    ]
    places = np.arange(len(data))
    from mpg_research.present.figures import by_matplotlib as drawn

    with drawn.styled():
        figure, axes = drawn.canvas(3.4)
        ax = axes[0, 0]
        drawn.bars(ax, places[shown], counts[shown], width=0.9)
        stub = 0.06 * float(counts[shown].max())
        ax.bar(places[hidden], stub, width=0.9, color="white", edgecolor=GREY, hatch="////", linewidth=0.7)
        ends = [
            (voice.number(low, 0), voice.number(high, 0))
            for low, high in zip(data["score_low"], data["score_high"], strict=True)
        ]
        ax.set_xticks(places, [f"{low}–{high}" for low, high in ends])
        ax.tick_params(axis="x", length=0)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        drawn.number_axis(ax.yaxis, voice)
        ax.set_xlabel(voice.score)
        ax.set_ylabel(voice.phrases("figure.score_distribution.axis"))
    top = int(np.nanargmax(np.where(shown, counts, np.nan)))
    values = {
        "top": bands[top],
        "top_n": voice.rounded(counts[top]),
        "total": voice.rounded(float(counts[shown].sum())),
    }
    return put_into_words(voice, "score_distribution", figure, **values)


def draw_items(voice: Voice) -> Drawing | None:
    """Mean answer per question, and its correlation with the sum of the others."""
    table, rows = voice.table("items"), voice.frame("items")
    rows = rows[rows["mean"].notna()] if len(rows) else rows
    if table is None or not len(rows):
        return None
    names = [key_label(voice, table, "item", item) for item in rows["item"]]
    means = rows["mean"].to_numpy(dtype=float)
    correlations = rows["item_rest_correlation"].to_numpy(dtype=float)
    chart = Chart([18.0 * len(rows)], columns=2, one_y=True)
    left, right = chart.panel(0, 0), chart.panel(0, 1)
    _dots(left, voice, names, means)
    _dots(right, voice, names, correlations)
    left.x.label = voice.phrases("figure.items.mean_axis")
    right.x.label = voice.phrases("figure.items.corr_axis")
    right.x.low, right.x.high = min(0.0, float(np.nanmin(correlations)) - 0.05), 1.0
    values = {
        "number": len(rows),
        "mean_low": voice.number(means.min(), 2),
        "mean_high": voice.number(means.max(), 2),
        "corr_low": voice.number(float(np.nanmin(correlations)), 2),
        "corr_high": voice.number(float(np.nanmax(correlations)), 2),
    }
    return put_into_words(voice, "items", chart, **values)


def _dots(panel: Panel, voice: Voice, names: list[str], values: np.ndarray, *, percent: bool = False) -> None:
    heights = panel.rows(names)
    panel.y.grid = True
    panel.x.margin = 0.08
    panel.marks(values, heights, fill=MAIN, size=6.3)
    number_axis(panel.x, voice, percent=percent)


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
    shares = rows.groupby("variable", sort=False)["mean_or_share"]
    most = str((shares.max() - shares.min()).idxmax())
    low, high = (
        format_share(float(end), voice.language, digits=0) for end in (shares.min()[most], shares.max()[most])
    )
    return put_into_words(
        voice, "case_mix", chart, number=len(variables), organisations=len(codes), low=low, high=high,
        most=key_label(voice, table, "variable", most),
    )  # fmt: skip
