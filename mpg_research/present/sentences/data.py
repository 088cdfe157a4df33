"""What was measured, and how well, in sentences."""

import math

import pandas as pd

from mpg_research.disclosure.released import SUPPRESSED, ReleasedTable
from mpg_research.frames import row_at
from mpg_research.present.language.labels import question_labels
from mpg_research.present.language.numbers import format_number, format_share
from mpg_research.present.language.voice import Voice

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
        if mark != SUPPRESSED and math.isfinite(row["value"]):
            digits = 0 if float(row["value"]) == round(float(row["value"])) else 1
            text = format_number(float(row["value"]), voice.language, digits=digits)
            shown[str(row["quantity"])] = voice.about(text, mark)
    return shown


def _completeness(voice: Voice) -> list[str]:
    rows = voice.frame("item_completeness")
    rows = rows[rows["share_answered"].between(0, 1)] if len(rows) else rows
    table = voice.table("item_completeness")
    if table is None or not len(rows):
        return []
    weights = rows["n_measurements"].fillna(1.0)
    share = float((rows["share_answered"] * weights).sum() / weights.sum())
    lowest = row_at(rows, rows["share_answered"].idxmin())
    language = voice.language
    sentences = [voice.phrases("data_quality.complete", share=format_share(share, language, digits=1))]
    if rows["share_answered"].nunique() > 1:
        (item,) = question_labels(voice, table, lowest.to_frame().T)
        least = format_share(float(lowest["share_answered"]), language, digits=1)
        sentences.append(voice.phrases("data_quality.complete_lowest", item=item, share=least))
    return sentences


def _fading(voice: Voice) -> list[str]:
    rows = voice.frame("measurements_by_month")
    rows = rows[rows["n_families"] > 0] if len(rows) else rows
    if len(rows) < 2 or not rows["n_families"].iloc[-1] < rows["n_families"].iloc[0]:
        return []
    first, last = (voice.rounded(rows["n_families"].iloc[place]) for place in (0, -1))
    month = voice.moment(float(rows["months"].iloc[-1]))
    return [voice.phrases("data_quality.fading", first=first, last=last, month=month)]


def measurement_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of how well the questionnaire measures."""
    rows = voice.frame("reliability")
    by_name = {str(row["coefficient"]): row for _, row in rows.iterrows()}
    phrases = voice.phrases
    answer, certainty = _alpha(voice, by_name.get("alpha"))
    omega, stable = (by_name.get(name) for name in ("omega", "icc_over_time"))
    if omega is not None and not voice.is_plain and _is_known(omega) and omega["estimate"] >= 0:
        certainty.append(phrases("measurement.omega", **_coefficient(voice, omega)))
    if stable is not None and _is_known(stable) and 0 <= stable["estimate"] <= 1:
        certainty.append(phrases("measurement.stability", **_coefficient(voice, stable)))
    scores = voice.frame("scores")
    if len(scores) and all(map(math.isfinite, scores.iloc[0][["mean", "sd", "n_measurements"]])):
        row = scores.iloc[0]
        mean, sd = voice.number(row["mean"]), voice.number(row["sd"])
        answer.append(
            phrases(
                "measurement.scores", mean=mean, sd=sd, n_measurements=voice.rounded(row["n_measurements"])
            )
        )
    return {"answer": answer, "certainty": certainty, "limits": [phrases("measurement.limit")]}


def _alpha(voice: Voice, alpha: pd.Series | None) -> tuple[list[str], list[str]]:
    """Answer and certainty about alpha: not known, below zero, or what it says of the error."""
    phrases, table = voice.phrases, voice.table("reliability")
    words = {"instrument": voice.instrument}
    if alpha is None:
        there = table is not None and (table.data["coefficient"] == "alpha").any()
        hidden = [phrases("measurement.hidden", **words)] if there else []
        return hidden or _reason(voice, "reliability") or [phrases("measurement.total_only")], []
    if not math.isfinite(alpha["estimate"]) or not alpha["estimate"] <= 1:
        mark = "" if table is None else _mark(table, "alpha", "estimate")
        key = "hidden" if mark == SUPPRESSED else "not_computed"
        return [phrases(f"measurement.{key}", **words)], []
    numbers = _coefficient(voice, alpha)
    words |= {"level": voice.level, "families": _families(voice, alpha)}
    if alpha["estimate"] < 0:
        below = {"estimate": voice.nonzero(alpha["estimate"], 2), "families": words["families"]}
        return [phrases("measurement.negative", instrument=voice.instrument, **below)], []
    error = format_share(1 - float(alpha["estimate"]), voice.language)
    meaning = [phrases("measurement.meaning", estimate=numbers["estimate"], error=error)]
    if not _is_known(alpha):
        alone = {"estimate": numbers["estimate"], "families": words["families"]}
        return [phrases("measurement.reliable_alone", instrument=voice.instrument, **alone)], meaning
    return [phrases("measurement.reliable", **words, **numbers)], meaning


def _families(voice: Voice, row: pd.Series) -> str:
    return voice.about(voice.families(row["n_families"]), str(row.get("n_mark", "")))


def _is_known(row: pd.Series) -> bool:
    """Whether a coefficient and its interval are numbers that such a coefficient can have."""
    numbers = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    return all(map(math.isfinite, numbers)) and max(numbers) <= 1


def _mark(table: ReleasedTable, coefficient: str, column: str) -> str:
    rows = table.marks.loc[table.data["coefficient"] == coefficient, column]
    return str(rows.iloc[0]) if len(rows) else ""


def _coefficient(voice: Voice, row: pd.Series) -> dict[str, str]:
    return {
        "estimate": voice.number(row["estimate"], 2),
        "low": voice.number(row["conf_low"], 2),
        "high": voice.number(row["conf_high"], 2),
    }
