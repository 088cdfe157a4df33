"""What was measured, and how well, in sentences."""

import pandas as pd

from mpg_research.disclosure.released import SUPPRESSED
from mpg_research.present.labels import key_label
from mpg_research.present.numbers import format_number, format_share
from mpg_research.present.voice import Voice

__all__ = ["measurement_sentences", "quality_sentences"]


def quality_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the data quality."""
    phrases, answer = voice.phrases, []
    overview = _overview(voice)
    if {"families", "organisations", "measurements"} <= set(overview):
        answer.append(
            phrases(
                "data_quality.scope",
                families=phrases("unit.families", number=overview["families"]),
                n_organisations=overview["organisations"],
                n_measurements=overview["measurements"],
            )
        )
    if "measurements_in_course" in overview:
        answer.append(phrases("data_quality.scored", n_measurements=overview["measurements_in_course"]))
    if {"median_measurements_per_family", "median_months_followed"} <= set(overview):
        median, months = overview["median_measurements_per_family"], overview["median_months_followed"]
        if voice.released.policy.time_unit != "waves":
            answer.append(phrases("data_quality.median", median=median, months=months))
    answer += _reason(voice, "overview") if not answer else []
    problems = voice.table("problems")
    found = problems is not None and len(problems.data) > 0
    limits = [] if problems is None else [phrases(f"data_quality.{'findings' if found else 'no_findings'}")]
    return {
        "answer": answer,
        "certainty": [*_completeness(voice), *_fading(voice)],
        "limits": [*limits, phrases("data_quality.limit")],
    }


def _reason(voice: Voice, table: str) -> list[str]:
    reason = voice.released.reason_for(table)
    return [voice.why_withheld(table)] if reason else []


def _overview(voice: Voice) -> dict[str, str]:
    """The shown quantities of the overview, written out."""
    table = voice.table("overview")
    if table is None:
        return {}
    shown = {}
    for (_, row), mark in zip(table.data.iterrows(), table.marks["value"], strict=True):
        if mark != SUPPRESSED and pd.notna(row["value"]):
            digits = 0 if float(row["value"]) == round(float(row["value"])) else 1
            text = format_number(float(row["value"]), voice.language, digits=digits)
            shown[str(row["quantity"])] = voice.about(text, mark)
    return shown


def _completeness(voice: Voice) -> list[str]:
    rows = voice.frame("item_completeness")
    rows = rows[rows["share_answered"].notna()] if len(rows) else rows
    table = voice.table("item_completeness")
    if table is None or not len(rows):
        return []
    weights = rows["n_measurements"].fillna(1.0)
    share = float((rows["share_answered"] * weights).sum() / weights.sum())
    lowest = rows.loc[rows["share_answered"].idxmin()]
    language = voice.language
    sentences = [voice.phrases("data_quality.complete", share=format_share(share, language, digits=1))]
    if rows["share_answered"].nunique() > 1:
        item = key_label(voice, table, "item", lowest["item"])
        least = format_share(float(lowest["share_answered"]), language, digits=1)
        sentences.append(voice.phrases("data_quality.complete_lowest", item=item, share=least))
    return sentences


def _fading(voice: Voice) -> list[str]:
    rows = voice.frame("measurements_by_month")
    rows = rows[rows["n_families"] > 0] if len(rows) else rows
    if len(rows) < 2 or not rows["n_families"].iloc[-1] < rows["n_families"].iloc[0]:
        return []
    first, last = (voice.count(rows["n_families"].iloc[place]) for place in (0, -1))
    month = voice.moment(float(rows["months"].iloc[-1]))
    return [voice.phrases("data_quality.fading", first=first, last=last, month=month)]


def measurement_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how well the questionnaire measures."""
    rows = voice.frame("reliability")
    by_name = {str(row["coefficient"]): row for _, row in rows.iterrows()}
    phrases, answer, certainty = voice.phrases, [], []
    if "alpha" in by_name:
        alpha = by_name["alpha"]
        numbers = _coefficient(voice, alpha)
        answer.append(
            phrases(
                "measurement.reliable",
                instrument=voice.instrument,
                level=voice.level,
                families=voice.about(voice.families(alpha["n_families"]), str(alpha.get("n_mark", ""))),
                **numbers,
            )
        )
        error = format_share(1 - float(alpha["estimate"]), voice.language)
        certainty.append(phrases("measurement.meaning", estimate=numbers["estimate"], error=error))
    else:
        answer += _reason(voice, "reliability") or [phrases("measurement.total_only")]
    if "omega" in by_name and not voice.is_plain:
        certainty.append(phrases("measurement.omega", **_coefficient(voice, by_name["omega"])))
    if "icc_over_time" in by_name:
        certainty.append(phrases("measurement.stability", **_coefficient(voice, by_name["icc_over_time"])))
    scores = voice.frame("scores")
    if len(scores):
        row = scores.iloc[0]
        mean, sd = voice.number(row["mean"]), voice.number(row["sd"])
        answer.append(
            phrases("measurement.scores", mean=mean, sd=sd, n_measurements=voice.count(row["n_measurements"]))
        )
    return {"answer": answer, "certainty": certainty, "limits": [phrases("measurement.limit")]}


def _coefficient(voice: Voice, row: pd.Series) -> dict[str, str]:
    return {
        "estimate": voice.number(row["estimate"], 2),
        "low": voice.number(row["conf_low"], 2),
        "high": voice.number(row["conf_high"], 2),
    }
