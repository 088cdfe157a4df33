"""How the help is given and who scores it, in sentences: associations, and never one worker."""

import math

import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.trajectory import is_usable, way_and_sizes

__all__ = ["drift_sentences", "fidelity_sentences"]

_LIMITS = ("conf_low", "conf_high")


def fidelity_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of working elements and conditions."""
    facts = voice.released.provenance.parameters
    course = _known(voice, "fidelity_course", "level_of")
    above = {"between_workers", "between_organisations"} & set(course)
    return {
        "answer": [*_index(voice), *_courses(voice, course), *_conditions(voice)],
        "certainty": [*_reliability(voice), *_agreement(voice)],
        "limits": [
            voice.phrases("fidelity.association"),
            *([] if facts.get("elements") == "not_recorded" else [voice.phrases("fidelity.own_index")]),
            *([voice.phrases("fidelity.few_scores")] if above else []),
        ],
    }  # fmt: skip


def _known(voice: Voice, table: str, key: str) -> dict[str, pd.Series]:
    """Rows by a key, of which the estimate and its interval are numbers that the scale allows."""
    rows = voice.frame(table)
    return {str(row[key]): row for _, row in rows.iterrows() if is_usable(voice, row) and _is_known(row)}


def _is_known(row: pd.Series) -> bool:
    return all(math.isfinite(float(row[name])) for name in ("estimate", *_LIMITS))


def _index(voice: Voice) -> list[str]:
    if voice.released.provenance.parameters.get("elements") == "not_recorded":
        return [voice.phrases("fidelity.elements_absent")]
    rows = voice.frame("elements")
    shown = rows[rows["mean"].map(math.isfinite)] if len(rows) else rows
    if not len(shown) or "index" not in set(shown["working_element"]):
        return [voice.phrases("fidelity.hidden")]
    row = row_at(shown.set_index("working_element"), "index")
    if not math.isfinite(float(row["sd"])):
        return [voice.phrases("fidelity.hidden")]
    families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
    mean, sd = (voice.number(float(row[name]), 2) for name in ("mean", "sd"))
    said = [voice.phrases("fidelity.index", families=families, mean=mean, sd=sd)]
    apart = shown[shown["working_element"] != "index"].sort_values("mean", kind="stable")
    if len(apart) > 1 and voice.number(apart["mean"].iloc[0], 2) != voice.number(apart["mean"].iloc[-1], 2):
        ends = {"lowest": apart.iloc[0], "highest": apart.iloc[-1]}
        names = {
            name: voice.label("value.working_element", end["working_element"]) for name, end in ends.items()
        }
        low, high = (voice.number(float(end["mean"]), 2) for end in ends.values())
        said.append(voice.phrases("fidelity.extremes", low=low, high=high, **names))
    return said


def _courses(voice: Voice, course: dict[str, pd.Series]) -> list[str]:
    if voice.released.provenance.parameters.get("elements") == "not_recorded":
        return []
    said = [
        _direction(voice, "fidelity.course", row, where=voice.label("value.level_of", name))
        for name, row in course.items()
    ]
    return said or [voice.phrases("fidelity.course_absent")]


def _direction(voice: Voice, key: str, row: pd.Series, **words: object) -> str:
    """Higher, lower or unclear, by whether the interval leaves zero out; sizes without a sign where clear."""
    way, numbers = way_and_sizes(*(float(row[name]) for name in ("estimate", *_LIMITS)))
    size, low, high = (voice.nonzero(number, 2) for number in numbers)
    values = {"size": size, "low": low, "high": high, "level": voice.level, "unit": voice.unit, **words}
    return voice.phrases(f"{key}_{way}", **values)


def _conditions(voice: Voice) -> list[str]:
    facts = voice.released.provenance.parameters
    if facts.get("conditions") == "not_recorded":
        return [voice.phrases("fidelity.conditions_absent")]
    if "conditions_by_organisation" in voice.released.tables:
        return [voice.phrases("fidelity.conditions_described", number=int(facts["condition_organisations"]))]
    rows = _known(voice, "condition_course", "condition")
    rows = {name: row for name, row in rows.items() if math.isfinite(float(row["p_adjusted"]))}
    clear = {
        name: row for name, row in rows.items()
        if row["p_adjusted"] < voice.alpha and (row["conf_low"] > 0 or row["conf_high"] < 0)
    }  # fmt: skip
    if rows and not clear:
        return [voice.phrases("fidelity.conditions_none", number=len(rows))]
    return [
        _direction(
            voice, "fidelity.condition", row,
            condition=voice.label("value.condition", name), p=voice.p_value(float(row["p_adjusted"])),
        )
        for name, row in clear.items()
    ]  # fmt: skip


def _reliability(voice: Voice) -> list[str]:
    table = voice.frame("element_reliability")
    rows = {str(row["coefficient"]): row for _, row in table.iterrows() if _is_known(row)}
    said = []
    for name in ("omega",) if voice.is_plain else ("alpha", "omega"):
        if name in rows:
            values = _interval(voice, rows[name])
            coefficient = voice.label("value.coefficient", name).lower()
            said.append(voice.phrases("fidelity.reliability", coefficient=coefficient, **values))
    return said


def _agreement(voice: Voice) -> list[str]:
    if voice.released.provenance.parameters.get("elements") == "not_recorded":
        return []
    rows = voice.frame("element_agreement")
    rows = (
        rows[(rows["working_element"] == "index") & (rows["coefficient"] == "icc_single")]
        if len(rows)
        else rows
    )
    if not len(rows) or not all(-1 <= float(rows.iloc[0][name]) <= 1 for name in ("estimate", *_LIMITS)):
        return [voice.phrases("fidelity.agreement_absent")]
    return [voice.phrases("fidelity.agreement", **_interval(voice, rows.iloc[0]))]


def _interval(voice: Voice, row: pd.Series, digits: int = 2) -> dict[str, str]:
    estimate, low, high = (voice.number(float(row[name]), digits) for name in ("estimate", *_LIMITS))
    return {"estimate": estimate, "low": low, "high": high, "level": voice.level}


def drift_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the drift of workers who score."""
    facts = voice.released.provenance.parameters
    scales = voice.frame("rated_scales")
    answer, certainty = [], []
    for _, scale in scales.iterrows():
        terms = _terms(voice, str(scale["scale"]))
        words = {"scale": voice.label("value.scale", scale["scale"])}
        answer.append(_drift(voice, scale, terms, words))
        if "years_in_job" in terms:
            certainty += _beside(voice, str(scale["scale"]), terms, words)
    return {
        "answer": answer or [voice.why_withheld("rated_scales")],
        "certainty": certainty,
        "limits": [
            voice.phrases("rater_drift.identified"),
            voice.phrases("rater_drift.parents", days=int(float(facts["parent_score_days"]))),
            voice.phrases("rater_drift.unit"),
            voice.phrases("rater_drift.group_only", number=int(facts["minimum_raters"])),
        ],
    }


def _terms(voice: Voice, scale: str) -> dict[str, pd.Series]:
    """What is shown of one scale, by term: of the model and of the pairs."""
    found: dict[str, pd.Series] = {}
    for table in ("rater_drift", "second_rater_trend"):
        rows = voice.frame(table)
        for _, row in (rows[rows["scale"].astype(str) == scale] if len(rows) else rows).iterrows():
            if _is_known(row):
                found[str(row["drift_term"])] = row
    return found


def _drift(voice: Voice, scale: pd.Series, terms: dict[str, pd.Series], words: dict[str, str]) -> str:
    verdict = str(scale["drift_verdict"])
    if verdict == "few_raters":
        number = int(voice.released.provenance.parameters["minimum_raters"])
        return voice.phrases("rater_drift.few_raters", number=number, **words)
    if verdict != "estimated":
        return voice.phrases(f"rater_drift.{verdict}", **words)
    if "years_in_job" not in terms:
        return voice.phrases("rater_drift.hidden", **words)
    row = terms["years_in_job"]
    way, numbers = way_and_sizes(*(float(row[name]) for name in ("estimate", *_LIMITS)))
    size, low, high = (voice.nonzero(number, 3) for number in numbers)
    families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
    return voice.phrases(
        f"rater_drift.{way}", size=size, low=low, high=high, level=voice.level, families=families, **words
    )


def _beside(voice: Voice, scale: str, terms: dict[str, pd.Series], words: dict[str, str]) -> list[str]:
    """What else tells of drift, and how workers differ (to a researcher)."""

    def said(key: str, term: str) -> str:
        values = _interval(voice, terms[term], 3)
        values["size"] = values.pop("estimate")
        return voice.phrases(f"rater_drift.{key}", **values, **words)

    found = [said("same_worker", "same_worker_year")] if "same_worker_year" in terms else []
    if "years_with_family" in terms:
        found.append(said("with_family", "years_with_family"))
    else:
        found.append(voice.phrases("rater_drift.with_family_absent", **words))
    if "years_apart" in terms:
        found.append(said("second", "years_apart"))
    else:
        found.append(voice.phrases("rater_drift.second_absent", **words))
    rows = voice.frame("rater_differences")
    mine = rows[rows["scale"].astype(str) == scale].set_index("quantity") if len(rows) else rows
    names = ("sd_between_workers", "sd_of_drift")
    if not voice.is_plain and len(mine) and all(name in mine.index for name in names):
        levels, drifts = (float(mine["value"].loc[name]) for name in names)
        if math.isfinite(levels) and math.isfinite(drifts):
            values = {"levels": voice.number(levels, 2), "drifts": voice.number(drifts, 3)}
            found.append(voice.phrases("rater_drift.differences", **values, **words))
    return found
