"""Change, courses, missing data and signals in sentences."""

import math
from collections.abc import Mapping

import pandas as pd

from mpg_research.present.numbers import format_share
from mpg_research.present.say_shares import class_sentence
from mpg_research.present.voice import Voice

__all__ = [
    "answer_of",
    "change_sentences",
    "course_sentences",
    "missing_sentences",
    "trend_sentences",
]

_BETTER = ("improving", "improving_less_than_delta")
_WORSE = ("deteriorating", "deteriorating_less_than_delta")


def change_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of reliable change."""
    rows = _classes(voice, "reliable")
    limits = [voice.phrases("individual_change.limit_no_change")]
    if rows is None:
        return {"answer": [voice.phrases("individual_change.hidden")], "limits": limits}
    answer = answer_of(voice, "individual_change", _group(rows), _three(rows, "unchanged"))
    certainty = [_interval(voice, "individual_change.certainty", rows.loc["improved"])]
    facts = voice.released.provenance.parameters
    threshold = facts.get("threshold")
    if isinstance(threshold, int | float) and math.isfinite(threshold):
        certainty.append(_threshold(voice, float(threshold)))
    certainty += _methods(voice)
    limits.append(voice.phrases("individual_change.limit_regression"))
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def _threshold(voice: Voice, threshold: float) -> str:
    """From where on a change counts, and where the reliability comes from."""
    facts = voice.released.provenance.parameters
    origin, spread = str(facts.get("reliability_origin")), facts.get("error_spread")
    if facts.get("reliability_kind") == "within_families":
        origin = "lower_limit"
    words = {
        "threshold": voice.number(threshold),
        "unit": voice.unit,
        "method": voice.phrases.label("value.method", facts.get("method", "JT")),
        "reliability": voice.number(float(facts.get("reliability", math.nan)), 2),
        "spread": voice.number(float(spread)) if isinstance(spread, int | float) else "",
    }
    key = f"individual_change.threshold_{origin}"
    used = voice.phrases.placeholders(key)
    return voice.phrases(key, **{name: word for name, word in words.items() if name in used})


def _methods(voice: Voice) -> list[str]:
    """How far the share that improved depends on the definition, where two or more can be shown."""
    rows = voice.frame("methods")
    if not len(rows):
        return []
    rows = rows[(rows["class"] == "improved") & rows["estimate"].notna() & ~rows["suppressed"].astype(bool)]
    if len(rows) < 2:
        return []
    ordered = rows.sort_values("estimate", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]

    def name(method: object) -> str:
        return voice.phrases.label("value.method", str(method))

    return [
        voice.phrases(
            "individual_change.methods",
            method=name(voice.released.provenance.parameters.get("method", "JT")),
            number=voice.count(len(rows)),
            low=format_share(float(low["estimate"]), voice.language, digits=0),
            low_method=name(low["method"]),
            high=format_share(float(high["estimate"]), voice.language, digits=0),
            high_method=name(high["method"]),
        )
    ]


def trend_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the reliable trend."""
    rows = _classes(voice, "within_person")
    errors = voice.frame("errors")
    limits = []
    if len(errors):
        used = errors.loc[errors["source"] == "in_force", "sd"]
        if len(used) and math.isfinite(float(used.iloc[0])):
            sd = voice.number(float(used.iloc[0]))
            limits.append(voice.phrases("reliable_trend.limit", sd=sd, unit=voice.unit))
    if rows is None:
        return {"answer": [voice.phrases("reliable_trend.hidden")], "limits": limits}
    answer = answer_of(voice, "reliable_trend", _group(rows), _three(rows, "no_reliable_trend"))
    certainty = [_interval(voice, "reliable_trend.certainty", rows.loc["improved"])]
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def course_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the answers at the last wave."""
    rows = _classes(voice, None)
    facts = voice.released.provenance.parameters
    certainty = [
        voice.phrases(
            "course.margin",
            delta=voice.number(float(facts["delta"])),
            unit=voice.unit,
            period=voice.period(float(facts["period"])),
        )
    ]
    waves = facts.get("waves_stagnating")
    if isinstance(waves, int | float):
        months = voice.period(float(round((waves - 1) * float(facts["interval"]))))
        certainty.append(voice.phrases("course.waves", waves=voice.count(waves), months=months))
    else:
        certainty.append(voice.phrases("course.waves_never"))
    limits = [*_swings(voice), voice.phrases("course.limit")]
    if rows is None:
        return {"answer": [voice.phrases("course.hidden")], "certainty": certainty, "limits": limits}
    numbers = {
        "improving": _sum(rows, _BETTER),
        "stagnating": _sum(rows, ("stagnating",)),
        "deteriorating": _sum(rows, _WORSE),
        "unknown": _sum(rows, ("not_enough_information",)),
    }
    answer = answer_of(voice, "course", _group(rows), numbers)
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def _swings(voice: Voice) -> list[str]:
    """How often answers are wrong in this study, and what its swings are like."""
    facts = voice.released.provenance.parameters
    changing, small = (_at_most(voice, float(facts[name])) for name in ("wrong_changing", "wrong_small"))
    error = format_share(1 - voice.released.level, voice.language, digits=0)
    said = [voice.phrases("course.error_rate", error=error, changing=changing, small=small)]
    if float(facts["correlation"]) > 0:
        number = voice.number(float(facts["correlation"]), 2)
        said.append(voice.phrases("course.swings", correlation=number))
    if float(facts["spread_of_swings"]) > 0:
        said.append(voice.phrases("course.spread"))
    return said


def _at_most(voice: Voice, share: float) -> str:
    """A share rounded up to whole hundredths, one at least: it was counted in simulated courses."""
    return format_share(max(math.ceil(share * 100 - 1e-9), 1) / 100, voice.language, digits=0)


def missing_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of drop-out and missing waves."""
    limits = [voice.phrases("missing_data.limit")]
    answer = class_sentence(voice, "drop_out", "dropped_out") or voice.phrases("missing_data.answer_hidden")
    measured = class_sentence(voice, "measured", "measured")
    certainty = [measured] if measured else []
    tipping = voice.frame("tipping_point")
    if len(tipping):
        one = tipping.iloc[0]
        month = voice.moment(float(one["months"]))
        share = format_share(float(one["share_unmeasured"]), voice.language, digits=0)
        certainty += _of_all(voice, one, month, share) if measured else []
        delta = float(one["delta_at_tipping"])
        if delta == 0:
            certainty.append(voice.phrases("missing_data.certainty_none", month=month))
        elif math.isfinite(delta):
            key = "missing_data.certainty" if delta > 0 else "missing_data.certainty_better"
            tip = voice.number(abs(delta))
            certainty.append(voice.phrases(key, month=month, share=share, tipping=tip, unit=voice.unit))
        else:
            certainty.append(voice.phrases("missing_data.certainty_never", month=month))
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def _of_all(voice: Voice, row: pd.Series, month: str, share: str) -> list[str]:
    """That those who were not measured are a share of more families than those who were."""
    if not math.isfinite(float(row["share_unmeasured"])) or not math.isfinite(float(row["n_families"])):
        return []
    families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
    return [voice.phrases("missing_data.of_all", month=month, share=share, families=families)]


def _classes(voice: Voice, approach: str | None) -> pd.DataFrame | None:
    """Shares by class, if at least one is shown."""
    table = voice.table("shares")
    if table is None or not len(table.data):
        return None
    rows = table.data if approach is None else table.data[table.data["approach"] == approach]
    rows = rows.set_index("class")
    return rows if len(rows) and math.isfinite(_group(rows)) else None


def _group(rows: pd.DataFrame) -> float:
    known = rows["n_group"].dropna()
    return float(known.max()) if len(known) else math.nan


def _shown(rows: pd.DataFrame, name: str) -> bool:
    return name in rows.index and not bool(rows.loc[name, "suppressed"])


def answer_of(voice: Voice, kind: str, group: float, numbers: Mapping[str, float]) -> str:
    """How many families have which answer; where a part is withheld, what is left of them together."""
    known = {name: number for name, number in numbers.items() if math.isfinite(number)}
    if len(known) == len(numbers):
        shown = {name: voice.count(number) for name, number in known.items()}
        return voice.phrases(f"{kind}.answer", n=voice.count(group), **shown)
    told = {name: number for name, number in known.items() if number}
    if not told:
        return voice.phrases(f"{kind}.hidden")
    parts = [voice.phrases(f"{kind}.part.{name}", number=voice.count(told[name])) for name in told]
    return voice.phrases(
        "families.partly",
        n=voice.count(group),
        parts=voice.phrases("families.and").join(parts),
        rest=voice.count(group - sum(told.values())),
    )


def _sum(rows: pd.DataFrame, names: tuple[str, ...]) -> float:
    """Families in some classes together; NaN where a part of them is withheld."""
    shown = [float(rows.loc[name, "n_families"]) if _shown(rows, name) else math.nan for name in names]
    return float(sum(shown))


def _three(rows: pd.DataFrame, middle: str) -> dict[str, float]:
    names = {"improved": "improved", "deteriorated": "deteriorated", "unchanged": middle}
    return {name: _sum(rows, (row,)) for name, row in names.items()}


def _interval(voice: Voice, key: str, row: pd.Series) -> str:
    names = ("conf_low", "conf_high", "clustered_low", "clustered_high")
    if row[list(names)].isna().any():
        return voice.phrases(f"{key.split('.', maxsplit=1)[0]}.hidden")
    shares = [format_share(float(row[name]), voice.language, digits=0) for name in names]
    wanted = dict(zip(("low", "high", "clustered_low", "clustered_high"), shares, strict=True))
    used = voice.phrases.placeholders(key)
    return voice.phrases(key, level=voice.level, **{k: v for k, v in wanted.items() if k in used})
