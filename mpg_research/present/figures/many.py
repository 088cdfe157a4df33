"""Many organisations in one picture: where they lie, and the own one among them; not a row for each."""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.figures.comparison import (
    INDICATORS,
    draw_case_mix_difference,
    draw_caterpillar,
    draw_rank_sets,
    draw_share_indicators,
)
from mpg_research.present.figures.organisations import (
    at_primary_month,
    draw_adjusted_change,
    draw_adjusted_means,
    draw_difference_from_mean,
    mean_of_organisations,
)
from mpg_research.present.figures.parts import (
    count_marks,
    counts_on_top,
    known,
    number_axis,
    put_into_words,
    time_axis,
)
from mpg_research.present.figures.strip import (
    HALF_FILL,
    MOST_FILL,
    Own,
    Strip,
    draw_strips,
    legend_of_strips,
)
from mpg_research.present.figures.style import MAIN, SECOND, Drawing, short_name
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.many import HALF, LEGIBLE, MOST, are_many, number_of_organisations, quantiles
from mpg_research.present.tables.point_ranks import has_point_ranks

__all__ = ["change", "courses", "difference", "mix", "ranks", "shares", "shrunken"]

Write = Callable[[float], str]
#: Figures of which the explanation holds where nobody is in front too.
_SAYS_MORE = frozenset({"case_mix_difference"})
#: Figures whose title is another one where there are many.
_TITLES = {"caterpillar": "shrunken"}


def _in_front(voice: Voice, rows: pd.DataFrame) -> str:
    """The reading organisation, where it is in these rows."""
    own = voice.released.own
    return str(own) if own is not None and voice.is_plain and (rows["organisation"] == own).any() else ""


def _wants_strip(voice: Voice, rows: pd.DataFrame) -> bool:
    """Whether there are too many for a row each: for a reader who looks for the own one, or for anybody."""
    number = number_of_organisations(rows, ["organisation"]) if len(rows) else 0
    return are_many(number) and (bool(_in_front(voice, rows)) or number > LEGIBLE)


def change(voice: Voice) -> Drawing | None:
    """The adjusted change of each organisation."""
    rows = at_primary_month(voice, "adjusted_change")
    if not _wants_strip(voice, rows):
        return draw_adjusted_change(voice)
    chart, said = _one_strip(voice, rows, "estimate", ("conf_low", "conf_high"))
    mean = mean_of_organisations(voice, rows)
    if mean is not None:
        label = voice.phrases("figure.change_by_organisation.mean", value=voice.number(mean))
        chart.panel().vertical(mean, colour=SECOND, width=1.4, dash=(7, 4))
        chart.panel().above(mean, label, colour=SECOND, bold=True)
    chart.panel().x.label = voice.phrases("figure.change_by_organisation.axis", unit=voice.unit)
    return _worded(voice, "change_by_organisation", rows, chart, said)


def difference(voice: Voice) -> Drawing | None:
    """The difference of each organisation's change from the average."""
    rows = at_primary_month(voice, "difference_from_mean")
    if not _wants_strip(voice, rows):
        return draw_difference_from_mean(voice)
    chart, said = _one_strip(voice, rows, "estimate", ("conf_low", "conf_high"))
    chart.panel().vertical(0)
    chart.panel().x.label = voice.phrases("figure.difference_from_mean.axis", unit=voice.unit)
    return _worded(voice, "difference_from_mean", rows, chart, said)


def shrunken(voice: Voice) -> Drawing | None:
    """The change of each organisation as it was found; of the own one also what it shrinks to."""
    rows = known(voice.frame("raw_and_shrunken"), "raw", "raw_low", "raw_high")
    if not _wants_strip(voice, rows):
        return draw_caterpillar(voice)
    chart, said = _one_strip(voice, rows, "raw", ("raw_low", "raw_high"), expected="shrunken")
    chart.panel().x.label = voice.phrases("figure.caterpillar.axis", unit=voice.unit)
    return _worded(voice, "caterpillar", rows, chart, said)


def ranks(voice: Voice) -> Drawing | None:
    """The ranks that are not excluded for the own organisation, beside the expected ranks of the others."""
    rows = known(voice.frame("ranks"), "set_low", "set_high", "expected_rank")
    if not _wants_strip(voice, rows):
        return draw_rank_sets(voice)
    if not has_point_ranks(voice):
        return _only_own_ranks(voice, rows)
    ends = ("all_low", "all_high")
    chart, said = _one_strip(voice, rows, "expected_rank", ends, thick=("set_low", "set_high"))
    chart.panel().x.label = voice.phrases("figure.rank_sets.axis")
    return _worded(voice, "rank_sets", rows, chart, said)


def _only_own_ranks(voice: Voice, rows: pd.DataFrame) -> Drawing | None:
    """Of many organisations the ranks that fit the own one, where no rank may be named; else nothing."""
    own = rows[rows["organisation"] == _in_front(voice, rows)]
    if not len(own):
        return None
    row = own.iloc[0]
    interval = voice.phrases(
        "general.interval", low=voice.count(row["set_low"]), high=voice.count(row["set_high"])
    )
    mine = Own(math.nan, (row["all_low"], row["all_high"]), (row["set_low"], row["set_high"]))
    name = short_name(voice.organisation(str(row["organisation"])), width=40, lines=2)
    chart = draw_strips([Strip(name, (), mine, (interval, voice.n_of(row)))], dots=False, bold=True)
    panel = chart.panel()
    panel.x.low, panel.x.high = 1.0, float(rows["all_high"].max())
    number_axis(panel.x, voice)
    panel.x.label = voice.phrases("figure.rank_sets.axis")
    return put_into_words(
        voice, "rank_sets", chart, number=len(rows), dot=voice.phrases("figure.rank_sets.no_dot"),
        undecided=voice.count(((rows["set_high"] - rows["set_low"] + 1) >= len(rows)).sum()),
        mine=voice.organisation(str(row["organisation"])), low=voice.count(row["set_low"]),
        high=voice.count(row["set_high"]),
    )  # fmt: skip


def shares(voice: Voice) -> Drawing | None:
    """Shares of families, a strip for each."""
    every = voice.frame("share_indicators")
    rows = known(every, "share_observed")
    if not _wants_strip(voice, rows):
        return draw_share_indicators(voice)
    found = list(dict.fromkeys(rows["indicator"]))
    listed = [*(name for name in INDICATORS if name in found), *sorted(set(found) - set(INDICATORS))]

    def write(value: float) -> str:
        return format_share(value, voice.language, digits=0)

    strips = []
    for name in listed:
        mine = rows[rows["indicator"] == name]
        own = mine[mine["organisation"] == _in_front(voice, rows)]
        front = own.iloc[0] if len(own) else None
        strips.append(
            Strip(
                voice.label("value.indicator_short", name),
                _others(mine, "share_observed", voice),
                None if front is None else _own_of(front, "share_observed", ("observed_low", "observed_high"),
                                                   expected="expected_share"),
                () if front is None else (write(front["share_observed"]), voice.n_of(front)),
            )
        )  # fmt: skip
    chart = draw_strips(strips, dots=True)
    panel = chart.panel()
    panel.x.low, panel.x.high = 0.0, 1.0
    panel.x.ticks = [(tick, write(tick)) for tick in (0, 0.25, 0.5, 0.75, 1)]
    panel.x.label = voice.phrases("figure.share_indicators.axis")
    return _worded(voice, "share_indicators", rows, chart, _said(voice, strips, write))


def mix(voice: Voice) -> Drawing | None:
    """How the families differ from those of the others, a strip for each characteristic."""
    rows = known(voice.frame("case_mix_difference"), "standardised_difference")
    if not len(rows) or not are_many(number_of_organisations(rows, ["organisation"])):
        return draw_case_mix_difference(voice)

    def write(value: float) -> str:
        return voice.number(value, 2)

    names = rows["variable"].map(lambda name: voice.phrases.label("value.variable", name))
    rows = rows.assign(label=names + rows["level"].where(rows["level"] == "", ": " + rows["level"]))
    strips = []
    for label in dict.fromkeys(rows["label"]):
        mine = rows[rows["label"] == label]
        own = mine[mine["organisation"] == _in_front(voice, rows)]
        value = float(own["standardised_difference"].iloc[0]) if len(own) else None
        strips.append(
            Strip(
                str(label),
                _others(mine, "standardised_difference", voice),
                None if value is None else Own(value),
                () if value is None else (write(value),),
            )
        )
    chart = draw_strips(strips, dots=False, width=180)
    panel = chart.panel()
    for limit in (-0.1, 0.1):
        panel.vertical(limit, dash=(1.2, 2.0))
    panel.vertical(0)
    number_axis(panel.x, voice)
    panel.x.label = voice.phrases("figure.case_mix_difference.axis")
    return _worded(voice, "case_mix_difference", rows, chart, _said(voice, strips, write), dots=False)


def courses(voice: Voice) -> Drawing | None:
    """The expected courses: between which scores they lie in each month, and the own one in front."""
    rows = voice.frame("adjusted_curve")
    rows = rows if len(rows) else voice.frame("adjusted_means")
    number = number_of_organisations(rows, ["organisation"]) if len(rows) else 0
    if not are_many(number) or rows["months"].nunique() < 2:
        return draw_adjusted_means(voice)
    own = _in_front(voice, rows)
    chart = Chart([205.0])
    panel = chart.panel()
    others = rows[rows["organisation"] != own]
    grid = sorted(set(rows["months"]))
    by_month = [others.loc[others["months"] == month, "estimate"] for month in grid]
    for at, fill in ((MOST, MOST_FILL), (HALF, HALF_FILL)):
        ends = [quantiles(values, at) for values in by_month]
        panel.band(grid, [low for low, _ in ends], [high for _, high in ends], fill=fill)
    months = rows["months"].to_numpy(dtype=float)
    if own:
        mine = rows[rows["organisation"] == own]
        for end in ("conf_low", "conf_high"):
            panel.line(mine["months"], mine[end], colour=MAIN, width=1.0, dash=(4, 3))
        panel.line(mine["months"], mine["estimate"], colour=MAIN, width=2.2)
        panel.note(
            float(mine["months"].iloc[-1]), float(mine["estimate"].iloc[-1]),
            *fit_lines(voice.organisation(own), 95, size=9.5, bold=True),
            colour=MAIN, size=9.5, bold=True, shift=(6, 0), outside=True,
        )  # fmt: skip
        observed = voice.frame("observed_course")
        if len(observed) and "organisation" in observed:
            counts = observed[observed["organisation"] == own].set_index("months")["n_families"]
            counts_on_top(panel, voice, count_marks(voice, months, counts))
    time_axis(panel, voice, months)
    number_axis(panel.y, voice)
    panel.y.label = voice.score
    last = max(month for month, values in zip(grid, by_month, strict=True) if are_many(len(values)))
    at_end = rows[rows["months"] == last]
    mine = at_end[at_end["organisation"] == own]
    strip = Strip(
        voice.moment(float(last)),
        _others(at_end, "estimate", voice),
        Own(float(mine["estimate"].iloc[0])) if len(mine) else None,
    )
    name = "own_course" if own else "adjusted_means"
    return _worded(voice, name, rows, chart, _said(voice, [strip], voice.number), dots=False)


def _others(rows: pd.DataFrame, column: str, voice: Voice) -> tuple[float, ...]:
    """The numbers of all but the own one, by size."""
    own = _in_front(voice, rows)
    return tuple(sorted(rows.loc[rows["organisation"] != own, column].astype(float)))


def _own_of(
    row: pd.Series, value: str, thin: tuple[str, str], *, thick: tuple[str, str] | None = None,
    expected: str = "",
) -> Own:  # fmt: skip
    def ends(names: tuple[str, str] | None) -> tuple[float, float]:
        low, high = (float(row.get(name, float("nan"))) for name in names or ("", ""))
        return low, high

    beside = float(row.get(expected, float("nan"))) if expected else float("nan")
    return Own(float(row[value]), ends(thin), ends(thick), beside)


def _one_strip(
    voice: Voice, rows: pd.DataFrame, value: str, thin: tuple[str, str], *,
    thick: tuple[str, str] | None = None, expected: str = "",
) -> tuple[Chart, str]:  # fmt: skip
    """One number of every organisation on a line, the own one with its interval."""
    own = rows[rows["organisation"] == _in_front(voice, rows)]
    others = _others(rows, value, voice)
    strip = Strip("", others)
    if len(own):
        row = own.iloc[0]
        low, high = (voice.number(row[end]) for end in thin)
        interval = voice.phrases("general.interval", low=low, high=high)
        cells = voice.number(row[value]), f"({interval})", voice.n_of(row)
        name = short_name(voice.organisation(str(row["organisation"])), width=40, lines=2)
        strip = Strip(name, others, _own_of(row, value, thin, thick=thick, expected=expected), cells)
    chart = draw_strips([strip], dots=True, bold=True)
    number_axis(chart.panel().x, voice)
    return chart, _said(voice, [strip], voice.number)


def _said(voice: Voice, strips: Sequence[Strip], write: Write) -> str:
    """In words where the others lie on each strip, and where the own one."""
    sentences = []
    for strip in strips:
        ends = [*quantiles(strip.others, HALF), *quantiles(strip.others, MOST)]
        if any(end != end for end in ends):
            continue
        names = ("low", "high", "most_low", "most_high")
        key, values = "spread", dict(zip(names, map(write, ends), strict=True))
        if strip.own is not None:
            key, values["value"] = "spread_own", write(strip.own.value)
        label = f"{strip.label}: " if len(strips) > 1 else ""
        sentences.append(label + voice.phrases(f"figure.strip.{key}", **values))
    return " ".join(sentences)


def _legend(voice: Voice, chart: Chart, own: str, *, dots: bool) -> None:
    def named(key: str) -> str:
        return voice.phrases(f"column.{key}" if own else f"figure.strip.{key}_axis")

    of_dots = voice.phrases("figure.adjusted_means.others" if own else "column.n_organisations")
    legend_of_strips(
        chart,
        own=_short(voice, own) if own else "",
        dot=of_dots if dots else "",
        half=named("others_half"),
        most=named("others_most"),
    )


def _short(voice: Voice, own: str) -> str:
    return short_name(voice.organisation(own), width=36, lines=1)


def _worded(
    voice: Voice, name: str, rows: pd.DataFrame, chart: Chart, said: str, *, dots: bool = True
) -> Drawing:  # fmt: skip
    """Title of the figure as it is for few organisations; caption and description of the strip."""
    own = _in_front(voice, rows)
    _legend(voice, chart, own, dots=dots)
    more = f"figure.strip.more_{name}"
    says_more = bool(own) or name in _SAYS_MORE
    drawing = put_into_words(
        voice,
        "strip",
        chart,
        number=voice.count(float(number_of_organisations(rows, ["organisation"]) - bool(own))),
        spread=said,
        dots=voice.phrases("figure.strip.dots") if dots else "",
        more=voice.phrases(more, level=voice.level) if says_more and voice.phrases.has(more) else "",
    )
    known_words = {"period": voice.period(voice.main_month), "name": _short(voice, own) if own else ""}
    key = f"figure.{_TITLES.get(name, name)}.title"
    title = voice.phrases(key, **known_words)
    return Drawing(drawing.figure, title, drawing.caption, drawing.alt)
