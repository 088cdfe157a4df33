"""Change, courses, missing data and signals in sentences."""

import math
from collections.abc import Mapping

import pandas as pd

from mpg_research.frames import number_at, row_at
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.comparison import class_sentence
from mpg_research.present.sentences.first_page.others import change_in_short

__all__ = [
    "BETTER",
    "WORSE",
    "answer_of",
    "change_sentences",
    "course_sentences",
    "missing_sentences",
    "trend_sentences",
]

_ENDS = ("low", "high", "clustered_low", "clustered_high")
#: Answers about a course that say which way it goes (of those in ``statistics.courses.course_answer``).
BETTER = ("improving", "improving_less_than_delta")
WORSE = ("deteriorating_less_than_delta", "deteriorating")


def change_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of reliable change."""
    rows = _classes(voice, "reliable")
    limits = [voice.phrases("individual_change.limit_no_change")]
    if rows is None:
        return {"answer": [voice.phrases("individual_change.hidden")], "limits": limits}
    numbers = _three(rows, "unchanged")
    answer = answer_of(voice, "individual_change", _group(rows), numbers)
    threshold = voice.setting("threshold")
    told = tells(numbers, "improved")
    certainty = _interval(voice, "individual_change.certainty", row_at(rows, "improved")) if told else []
    if math.isfinite(threshold):
        certainty.append(_threshold(voice, threshold))
    if told:
        certainty += _methods(voice)
    limits.append(voice.phrases("individual_change.limit_regression"))
    in_short = change_in_short(voice, threshold, _every_method(voice) if told else pd.DataFrame())
    return {"answer": [answer], "certainty": certainty, "limits": limits, "first_page": in_short}


def _threshold(voice: Voice, threshold: float) -> str:
    """From where on a change counts, and where the reliability comes from."""
    facts = voice.released.provenance.parameters
    origin = str(facts.get("reliability_origin"))
    if facts.get("reliability_kind") == "within_families":
        origin = "lower_limit"
    reliability, spread = (voice.setting(name) for name in ("reliability", "error_spread"))
    words = {
        "threshold": voice.nonzero(threshold),
        "unit": voice.unit,
        "method": voice.phrases.label("value.method", facts.get("method", "JT")),
        "reliability": voice.number(reliability, 2),
        "spread": voice.number(spread),
    }
    key = f"individual_change.threshold_{origin}"
    if not voice.phrases.has(key) or not 0 <= reliability <= 1:
        key = "individual_change.threshold_alone"
    if "spread" in voice.phrases.placeholders(key) and not math.isfinite(spread):
        key = "individual_change.threshold_given"
    if not voice.can_be_a_change(threshold):
        key = "individual_change.threshold_beyond"
    return voice.phrases(key, **words)


def _methods(voice: Voice) -> list[str]:
    """How far the share that improved depends on the definition, where two or more can be shown."""
    rows = _method_rows(voice)
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


def _method_rows(voice: Voice) -> pd.DataFrame:
    """The share that improved by each definition, those that are shown."""
    rows = voice.frame("methods")
    return rows[(rows["class"] == "improved") & rows["estimate"].between(0, 1)] if len(rows) else rows


def _every_method(voice: Voice) -> pd.DataFrame:
    """The same where no definition is withheld: between those that are left is not between all."""
    table = voice.table("methods")
    hidden = table is None or bool(table.data.loc[table.data["class"] == "improved", "suppressed"].any())
    return pd.DataFrame() if hidden else _method_rows(voice)


def trend_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the reliable trend."""
    rows = _classes(voice, "within_person")
    limits = _swing(voice)
    if rows is None:
        return {"answer": [voice.phrases("reliable_trend.hidden")], "limits": limits}
    numbers = _three(rows, "no_reliable_trend")
    answer = answer_of(voice, "reliable_trend", _group(rows), numbers)
    told = tells(numbers, "improved")
    certainty = _interval(voice, "reliable_trend.certainty", row_at(rows, "improved")) if told else []
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def _swing(voice: Voice) -> list[str]:
    """How much single scores swing, and whether that is more than measurement error alone."""
    errors = voice.frame("errors")
    if not len(errors):
        return []
    by_source = errors.set_index("source")["sd"]
    used = float(by_source.get("in_force", math.nan))
    error = float(by_source.get("measurement", math.nan))
    if not voice.can_be_a_change(used):
        return []
    more = math.isfinite(error) and voice.number(used) != voice.number(error) and used > error
    key = "limit" if more else "limit_error_only"
    return [voice.phrases(f"reliable_trend.{key}", sd=voice.nonzero(used), unit=voice.unit)]


def course_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the answers at the last wave."""
    rows = _classes(voice, None)
    delta, period = (voice.setting(name) for name in ("delta", "period"))
    certainty = []
    if voice.can_be_a_change(delta) and math.isfinite(period):
        margin = {"delta": voice.nonzero(delta), "unit": voice.unit, "period": voice.period(period)}
        certainty.append(voice.phrases("course.margin", **margin))
    waves, between = (voice.setting(name) for name in ("waves_stagnating", "interval"))
    if math.isfinite(waves) and math.isfinite(between):
        months = voice.period(float(round((waves - 1) * between)))
        certainty.append(voice.phrases("course.waves", waves=voice.count(waves), months=months))
    else:
        certainty.append(voice.phrases("course.waves_never"))
    limits = [*_swings(voice), voice.phrases("course.limit")]
    if rows is None:
        return {"answer": [voice.phrases("course.hidden")], "certainty": certainty, "limits": limits}
    numbers = {
        "improving": _sum(rows, BETTER),
        "stagnating": _sum(rows, ("stagnating",)),
        "deteriorating": _sum(rows, WORSE),
        "unknown": _sum(rows, ("not_enough_information",)),
    }
    answer = answer_of(voice, "course", _group(rows), numbers)
    return {"answer": [answer], "certainty": certainty, "limits": limits}


def _swings(voice: Voice) -> list[str]:
    """How often answers are wrong in this study, and what its swings are like."""
    changing, small = (voice.setting(name) for name in ("wrong_changing", "wrong_small"))
    said = []
    if math.isfinite(changing) and math.isfinite(small):
        shares = {"changing": _at_most(voice, changing), "small": _at_most(voice, small)}
        error = format_share(voice.alpha, voice.language, digits=0)
        said.append(voice.phrases("course.error_rate", error=error, **shares))
    correlation = voice.setting("correlation")
    if voice.shows(correlation, 2) and 0 < correlation <= 1:
        said.append(voice.phrases("course.swings", correlation=voice.number(correlation, 2)))
    if voice.setting("spread_of_swings") > 0:
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
    certainty += _tipping(voice, measured=bool(measured))
    tipping = _tipping(voice, measured=False)
    return {"answer": [answer], "certainty": certainty, "limits": limits, "tipping": tipping}


def _tipping(voice: Voice, *, measured: bool) -> list[str]:
    """How much worse the families not measured would have to be; no further than the scale goes."""
    tipping = voice.frame("tipping_point")
    if not len(tipping):
        return []
    one = tipping.iloc[0]
    month, share, delta = (float(one[name]) for name in ("months", "share_unmeasured", "delta_at_tipping"))
    words = {"month": voice.moment(month), "unit": voice.unit, "tipping": voice.nonzero(abs(delta))}
    said = []
    if 0 < share <= 1:
        words["share"] = format_share(share, voice.language, digits=0)
        said = _of_all(voice, one, words["month"], words["share"]) if measured else []
    if delta == 0:
        key = "certainty_none"
    elif not math.isfinite(delta):
        key = "certainty_never"
    elif not voice.can_be_a_change(delta):
        key = "certainty_beyond" if delta > 0 else "certainty_beyond_better"
    else:
        key = "certainty" if delta > 0 else "certainty_better"
    used = voice.phrases.placeholders(f"missing_data.{key}")
    if not used <= set(words):
        return said
    return [*said, voice.phrases(f"missing_data.{key}", **{name: words[name] for name in used})]


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
        shown = {name: voice.rounded(number) for name, number in known.items()}
        return voice.phrases(f"{kind}.answer", n=voice.rounded(group), **shown)
    told = {name: number for name, number in known.items() if number}
    if not told:
        return voice.phrases(f"{kind}.hidden")
    parts = [voice.phrases(f"{kind}.part.{name}", number=voice.rounded(told[name])) for name in told]
    said = {"n": voice.rounded(group), "parts": voice.phrases("families.and").join(parts)}
    if voice.released.policy.rounding:  # what rounded numbers leave is not the rounded rest of the tables
        return voice.phrases("families.partly_rounded", **said)
    return voice.phrases("families.partly", **said, rest=voice.count(group - sum(told.values())))


def tells(numbers: Mapping[str, float], name: str) -> bool:
    """Whether :func:`answer_of` says this number; where it does not, nothing else may give it away."""
    known = all(math.isfinite(number) for number in numbers.values())
    return math.isfinite(numbers[name]) and (known or bool(numbers[name]))


def _sum(rows: pd.DataFrame, names: tuple[str, ...]) -> float:
    """Families in some classes together; NaN where a part of them is withheld."""
    shown = [number_at(rows, name, "n_families") if _shown(rows, name) else math.nan for name in names]
    return float(sum(shown))


def _three(rows: pd.DataFrame, middle: str) -> dict[str, float]:
    names = {"improved": "improved", "deteriorated": "deteriorated", "unchanged": middle}
    return {name: _sum(rows, (row,)) for name, row in names.items()}


def _interval(voice: Voice, key: str, row: pd.Series) -> list[str]:
    """The interval of a share that was said; nothing where it is not known."""
    names = ("conf_low", "conf_high", "clustered_low", "clustered_high")
    used = voice.phrases.placeholders(key)
    wanted = {name: float(row[column]) for name, column in zip(_ENDS, names, strict=True) if name in used}
    if not all(0 <= share <= 1 for share in wanted.values()):
        return []
    shares = {name: format_share(share, voice.language, digits=0) for name, share in wanted.items()}
    return [voice.phrases(key, level=voice.level, **shares)]
