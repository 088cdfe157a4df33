"""How far two respondents of the same family agree."""

import math

import numpy as np
import pandas as pd

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.figures.parts import known, number_axis, put_into_words, whisker
from mpg_research.present.figures.style import BAND, INK, MAIN, Drawing
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.phrases import readable
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.family_methods import respondent_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.trajectory import is_usable, way_and_sizes

__all__ = ["KINDS", "draw_respondent_bands", "respondent_sentences"]


def respondent_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the agreement between two respondents."""
    rows = _by_quantity(voice)
    return {
        "answer": [_answer(voice, rows.get("mean_difference"))],
        "certainty": [*_limits_of_agreement(voice, rows), *_coefficients(voice)],
        "limits": [voice.phrases("respondents.place"), _moment(voice)],
    }


def _by_quantity(voice: Voice) -> dict[str, pd.Series]:
    rows = voice.frame("respondent_difference")
    return {str(row["quantity"]): row for _, row in rows.iterrows()}


def _people(voice: Voice) -> dict[str, str]:
    """The two respondents in words: "the first parent"; other codes as the study has them."""
    facts, words = voice.released.provenance.parameters, {}
    for name in ("first", "second"):
        code = str(facts.get(name, name))
        there = voice.phrases.has(f"value.respondent.{code}")
        words[name] = voice.phrases(f"value.respondent.{code}") if there else readable(code).lower()
    return words


def _answer(voice: Voice, row: pd.Series | None) -> str:
    words = _people(voice)
    if row is None:
        return voice.why_withheld("respondent_difference")
    if not is_usable(voice, row):
        return voice.phrases("respondents.not_computed", **words)
    names = ("estimate", "conf_low", "conf_high")
    key, numbers = way_and_sizes(*(voice.within_scale(float(row[name])) for name in names))
    size, low, high = (voice.nonzero(number) for number in numbers)
    families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
    shared = {"unit": voice.unit, "level": voice.level, "families": families, **words}
    return voice.phrases(f"respondents.{key}", size=size, low=low, high=high, **shared)


def _share(voice: Voice) -> str:
    return format_share(
        float(voice.released.provenance.parameters.get("share", 0.95)), voice.language, digits=0
    )


def _limits_of_agreement(voice: Voice, rows: dict[str, pd.Series]) -> list[str]:
    ends = [rows[name] for name in ("lower_limit", "upper_limit") if name in rows]
    if len(ends) < 2 or not all(math.isfinite(float(end["estimate"])) for end in ends):
        return []
    lower, upper = (voice.number(voice.within_scale(float(end["estimate"]))) for end in ends)
    words = {"share": _share(voice), "unit": voice.unit, **_people(voice)}
    return [voice.phrases("respondents.between", lower=lower, upper=upper, **words)]


def _coefficients(voice: Voice) -> list[str]:
    """The intraclass correlations; the second one for the researcher only."""
    said = []
    for name in ("icc_agreement",) if voice.is_plain else ("icc_agreement", "icc_consistency"):
        rows = voice.frame("respondent_icc")
        found = rows[rows["coefficient"] == name] if len(rows) else rows
        numbers = ["estimate", "conf_low", "conf_high"]
        if not len(found) or not all(-1 <= float(found.iloc[0][each]) <= 1 for each in numbers):
            continue
        estimate, low, high = (voice.number(float(found.iloc[0][each]), 2) for each in numbers)
        values = {"estimate": estimate, "low": low, "high": high, "level": voice.level}
        said.append(voice.phrases(f"respondents.{name}", **values))
    return said


def _moment(voice: Voice) -> str:
    within = float(voice.released.provenance.parameters.get("within", 0.0))
    if within == 0:
        return voice.phrases("respondents.same_moment")
    return voice.phrases("respondents.near_moment", period=voice.period(within))


def draw_respondent_bands(voice: Voice) -> Drawing | None:
    """The mean difference by band of scores, with the limits of agreement; no single family."""
    bands = known(voice.frame("respondent_bands"), "score_low", "score_high", "mean_difference")
    rows = _by_quantity(voice)
    names = ("mean_difference", "lower_limit", "upper_limit")
    if not len(bands) or any(name not in rows for name in names):
        return None
    numbers = {name: rows[name][["estimate", "conf_low", "conf_high"]].astype(float) for name in names}
    if not all(np.isfinite(each).all() for each in numbers.values()):
        return None
    people = _people(voice)
    chart = Chart([185.0])
    panel = chart.panel()
    panel.horizontal(0)
    for name, each in numbers.items():
        panel.span(each["conf_low"], each["conf_high"], fill=BAND)
        dash = () if name == "mean_difference" else (5.2, 2.2)
        panel.horizontal(each["estimate"], colour=MAIN, width=1.4, dash=dash)
    middle = (bands["score_low"] + bands["score_high"]).to_numpy(dtype=float) / 2
    spread = bands["sd_difference"].fillna(0.0).to_numpy(dtype=float)
    means = bands["mean_difference"].to_numpy(dtype=float)
    for score, difference, sd in zip(middle, means, spread, strict=True):
        whisker(panel, score, difference - sd, difference + sd, colour=INK)
    panel.marks(middle, means, fill=INK, size=6)
    panel.y.grid = True
    number_axis(panel.x, voice)
    number_axis(panel.y, voice)
    panel.x.label = voice.phrases("figure.respondent_bands.score_axis")
    panel.y.label = voice.phrases("figure.respondent_bands.difference_axis")
    mean = numbers["mean_difference"]
    return put_into_words(
        voice,
        "respondent_bands",
        chart,
        lowest=voice.number(float(means.min())),
        highest=voice.number(float(means.max())),
        mean=voice.number(float(mean["estimate"])),
        low=voice.number(float(mean["conf_low"])),
        high=voice.number(float(mean["conf_high"])),
        lower=voice.number(float(numbers["lower_limit"]["estimate"])),
        upper=voice.number(float(numbers["upper_limit"]["estimate"])),
        share=_share(voice),
        **people,
    )


KINDS = (
    Kind(
        name="respondents",
        sentences=respondent_sentences,
        main_table="respondent_difference",
        methods=respondent_methods,
        figures=(
            Figure(
                name="respondent_bands",
                draw=draw_respondent_bands,
                shows=("respondent_bands",),
            ),
        ),
    ),
)
