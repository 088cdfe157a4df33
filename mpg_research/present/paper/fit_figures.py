"""Pictures of how well a growth model fits; never of single families."""

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import bars, known, number_axis, put_into_words, whisker
from mpg_research.present.figures.style import GREY, INK, MAIN, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["draw_deviance_slices", "draw_influence", "draw_residual_spread", "draw_residuals_by_fitted"]

_FEWEST = 3


def draw_residuals_by_fitted(voice: Voice) -> Drawing | None:
    """Mean residual by tenth of the expected score, with a standard deviation to either side."""
    rows = known(voice.frame("residuals_by_fitted"), "fitted", "residual_mean", "residual_sd")
    if len(rows) < _FEWEST:
        return None
    chart = Chart([185.0])
    panel = chart.panel()
    panel.horizontal(0)
    fitted, mean, sd = (
        rows[name].to_numpy(dtype=float) for name in ("fitted", "residual_mean", "residual_sd")
    )
    for x, y, spread in zip(fitted, mean, sd, strict=True):
        whisker(panel, float(x), float(y - spread), float(y + spread), colour=GREY)
    panel.line(fitted, mean, colour=MAIN, width=1.4)
    panel.marks(fitted, mean, fill=MAIN, size=6)
    panel.y.grid = True
    number_axis(panel.x, voice)
    number_axis(panel.y, voice)
    panel.x.label = voice.phrases("figure.residuals_by_fitted.score_axis")
    panel.y.label = voice.phrases("figure.residuals_by_fitted.residual_axis")
    return put_into_words(
        voice, "residuals_by_fitted", chart,
        lowest=voice.number(mean.min()), highest=voice.number(mean.max()),
        least=voice.number(sd.min()), most=voice.number(sd.max()),
    )  # fmt: skip


def draw_residual_spread(voice: Voice) -> Drawing | None:
    """Shares of residuals by class, with those of a normal distribution."""
    rows = known(voice.frame("residual_spread"), "share", "normal_share")
    if len(rows) < _FEWEST:
        return None
    chart = Chart([165.0])
    panel = chart.panel()
    middle = (rows["from_sd_low"] + rows["from_sd_high"]).to_numpy(dtype=float) / 2
    share, expected = (rows[name].to_numpy(dtype=float) for name in ("share", "normal_share"))
    bars(panel, middle, share, width=0.45)
    panel.marks(middle, expected, fill="#ffffff", edge=INK, size=6)
    panel.y.low = 0.0
    panel.y.grid = True
    number_axis(panel.x, voice)
    number_axis(panel.y, voice, percent=True)
    panel.x.label = voice.phrases("figure.residual_spread.residual_axis")
    panel.y.label = voice.phrases("figure.residual_spread.share_axis")
    apart = int(np.argmax(np.abs(share - expected)))
    return put_into_words(
        voice, "residual_spread", chart, place=voice.number(float(middle[apart]), 2),
        share=_percent(voice, share[apart]), expected=_percent(voice, expected[apart]),
    )  # fmt: skip


def draw_influence(voice: Voice) -> Drawing | None:
    """Between which changes most families lie when they are left out."""
    rows = voice.frame("influence")
    rows = rows[rows["of_leaving_out"] == "change_of_answer"] if len(rows) else rows
    rows = known(rows, "p10", "p25", "p50", "p75", "p90")
    if not len(rows):
        return None
    low, lower, middle, upper, high = (
        float(rows[name].iloc[0]) for name in ("p10", "p25", "p50", "p75", "p90")
    )
    chart = Chart([70.0])
    panel = chart.panel()
    panel.line([low, high], [0.0, 0.0], colour=MAIN, width=1.6)
    panel.line([lower, upper], [0.0, 0.0], colour=MAIN, width=6.0)
    panel.marks([middle], [0.0], fill="#ffffff", edge=INK, size=8)
    widest = max(1.0, 1.2 * max(abs(low), abs(high)))
    panel.x.low, panel.x.high = -widest, widest
    panel.y.low, panel.y.high = -1.0, 1.0
    panel.y.ticks = []
    panel.vertical(0)
    number_axis(panel.x, voice)
    panel.x.label = voice.phrases("figure.influence.change_axis")
    values = {
        name: voice.number(value, 2) for name, value in (("low", low), ("high", high), ("middle", middle))
    }
    return put_into_words(voice, "influence", chart, **values)


def draw_deviance_slices(voice: Voice) -> Drawing | None:
    """The deviance round the optimum, a line per covariance parameter."""
    rows = known(voice.frame("deviance_slices"), "moved_by", "deviance_rise")
    if not len(rows):
        return None
    chart = Chart([165.0])
    panel = chart.panel()
    lines = 0
    for _, line in rows.groupby(["group", "term_1", "term_2"], sort=False):
        shown = line.sort_values("moved_by")
        if len(shown) > 1:
            lines += 1
            panel.line(shown["moved_by"], _within(shown["deviance_rise"]), colour=MAIN, width=1.1)
    if not lines:
        return None
    panel.marks([0.0], [0.0], fill=INK, size=6)
    panel.y.grid = True
    number_axis(panel.x, voice)
    number_axis(panel.y, voice)
    panel.x.label = voice.phrases("figure.deviance_slices.place_axis")
    panel.y.label = voice.phrases("figure.deviance_slices.rise_axis")
    lowest = float(rows["deviance_rise"].min())
    return put_into_words(
        voice, "deviance_slices", chart, number=voice.count(float(lines)), lowest=voice.number(lowest, 2)
    )


#: Higher than this a line says nothing more; it would press the others flat.
_HIGHEST = 8.0


def _within(rise: pd.Series) -> np.ndarray:
    return np.asarray(np.minimum(rise.to_numpy(dtype=float), _HIGHEST))


def _percent(voice: Voice, value: float) -> str:
    return format_share(float(value), voice.language, digits=1)
