"""Life domains, several questionnaires, the family's own voice and the outcome set in sentences."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.trajectory import way_and_sizes

__all__ = ["domain_sentences", "instrument_sentences", "outcome_set_sentences", "own_voice_sentences"]

_LIMITS = ("conf_low", "conf_high")
#: Severity runs from nought to this.
_MOST_SEVERE = 4.0
#: Why what carries over from one questionnaire to another is not given.
_REFUSED = ("no_items", "no_swings", "not_converged")


def domain_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the severity per life domain."""
    facts = voice.released.provenance.parameters
    changes = _domain_changes(voice)
    answer = [*_problems(voice), *_balance(voice), *_domains_by_way(voice, changes)]
    many = [voice.phrases("domains.many", number=voice.count(len(changes)))] if len(changes) > 1 else []
    return {
        "answer": answer or [voice.phrases("domains.hidden")],
        "certainty": [voice.phrases("domains.intervals"), *many],
        "limits": [
            voice.phrases("domains.association"),
            voice.phrases("domains.scored"),
            voice.phrases("domains.severe", severity=int(facts["severe_from"])),
        ],
    }


def _finite(row: pd.Series, *names: str) -> bool:
    return all(math.isfinite(float(row[name])) for name in names)


def _is_share(row: pd.Series) -> bool:
    """Whether a share, its interval and what it is a share of are all shown."""
    inside = all(0 <= float(row[name]) <= 1 for name in ("estimate", *_LIMITS))
    return inside and float(row["n_group"]) > 0


def _share_words(voice: Voice, row: pd.Series) -> dict[str, str]:
    texts = (format_share(float(row[name]), voice.language, digits=0) for name in ("estimate", *_LIMITS))
    return {**dict(zip(("share", "low", "high"), texts, strict=True)), "level": voice.level}


def _classes(voice: Voice, table: str, key: str = "class") -> dict[str, pd.Series]:
    """Rows with a share that is shown, by class."""
    return {str(row[key]): row for _, row in voice.frame(table).iterrows() if _is_share(row)}


def _problems(voice: Voice) -> list[str]:
    rows = _classes(voice, "all_domains")
    if "less_severe" not in rows:
        return []
    row = rows["less_severe"]
    problems = voice.rounded(float(row["n_group"]))
    said = [voice.phrases("domains.less_severe", problems=problems, **_share_words(voice, row))]
    if "more_severe" in rows:
        said.append(voice.phrases("domains.more_severe", **_share_words(voice, rows["more_severe"])))
    return said


def _balance(voice: Voice) -> list[str]:
    rows = _classes(voice, "family_balance")
    if "more_improved" not in rows:
        return []
    row = rows["more_improved"]
    families = voice.phrases("unit.families", number=voice.rounded(float(row["n_group"])))
    said = [voice.phrases("domains.balance", families=families, **_share_words(voice, row))]
    if "more_worsened" in rows:
        said.append(voice.phrases("domains.balance_worse", **_share_words(voice, rows["more_worsened"])))
    return said


def _domain_changes(voice: Voice) -> pd.DataFrame:
    """Changes at the moment asked about that are shown and that a severity allows."""
    rows = voice.frame("domain_change")
    if not len(rows):
        return rows
    rows = rows[rows["months"] == voice.primary_month(rows["months"])]
    kept = [
        _finite(row, "estimate", *_LIMITS) and abs(float(row["estimate"])) <= _MOST_SEVERE
        for _, row in rows.iterrows()
    ]
    return rows[kept]


def _domains_by_way(voice: Voice, changes: pd.DataFrame) -> list[str]:
    """In which domains the mean severity is lower, in which higher, and in which neither is clear."""
    if not len(changes):
        return []
    lower, higher = changes["conf_high"] < 0, changes["conf_low"] > 0
    said = []
    for way, rows in (
        ("lower", changes[lower]), ("higher", changes[higher]), ("unclear", changes[~lower & ~higher]),
    ):  # fmt: skip
        if len(rows):
            named = (
                f"{voice.label('value.domain', row['domain'])} ({voice.nonzero(float(row['estimate']), 2)})"
                for _, row in rows.iterrows()
            )
            values = {
                "number": voice.count(len(rows)), "all": voice.count(len(changes)),
                "named": ", ".join(named),
                "period": voice.period(float(changes["months"].iloc[0])),
            }  # fmt: skip
            said.append(voice.phrases(f"domains.{way}", **values))
    return said


def instrument_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of several questionnaires side by side."""
    facts = voice.released.provenance.parameters
    first = clean_name(str(facts["instrument_names"][0]))
    together = [*_slopes(voice, first), *_carried(voice, first)]
    return {
        "answer": _gains(voice) or [voice.phrases("instruments.hidden")],
        "certainty": [*(together or [voice.phrases("instruments.not_together")]), *_errors(voice, first)],
        "limits": [
            voice.phrases("instruments.unit"),
            voice.phrases("instruments.side_by_side"),
            voice.phrases("instruments.no_cause"),
        ],
    }


def _gains(voice: Voice) -> list[str]:
    """Per questionnaire the gain since the start, at the moment asked about."""
    rows = voice.frame("instrument_change")
    said = []
    for name in dict.fromkeys(rows["instrument"]) if len(rows) else ():
        mine = rows[rows["instrument"] == name]
        row = mine[mine["months"] == voice.primary_month(mine["months"])].iloc[0]
        if not _finite(row, "gain", "gain_low", "gain_high"):
            continue
        families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
        numbers = [float(row[each]) for each in ("gain", "gain_low", "gain_high")]
        words = {
            "instrument": clean_name(str(name)), "period": voice.period(float(row["months"])),
            "families": families,
        }  # fmt: skip
        said.append(_by_way(voice, "instruments", numbers, words, ways=("better", "worse", "unclear")))
    return said


def _by_way(
    voice: Voice, key: str, numbers: Sequence[float], words: Mapping[str, object],
    *, ways: tuple[str, str, str],
) -> str:  # fmt: skip
    """Above zero, below it (sizes then without their sign) or unclear."""
    side, sizes = way_and_sizes(*numbers)
    way = dict(zip(("higher", "lower", "unclear"), ways, strict=True))[side]
    texts = (voice.nonzero(number, 2) for number in sizes)
    values = {**dict(zip(("size", "low", "high"), texts, strict=True)), "level": voice.level, **words}
    return voice.phrases(f"{key}.{way}", **values)


def _slopes(voice: Voice, first: str) -> list[str]:
    """Whether families who gain more on the first questionnaire do so on the other."""
    rows = voice.frame("growth_together")
    rows = rows[rows["effect"] == "slopes"] if len(rows) else rows
    return [
        _by_way(
            voice, "instruments", [float(row[name]) for name in ("estimate", *_LIMITS)],
            {"first": first, "other": clean_name(str(row["instrument"]))},
            ways=("together", "opposite", "apart"),
        )
        for _, row in rows.iterrows()
        if all(-1 <= float(row[name]) <= 1 for name in ("estimate", *_LIMITS))
    ]  # fmt: skip


def _carried(voice: Voice, first: str) -> list[str]:
    """What a swing in one questionnaire is followed by in the other, a moment later."""
    rows, lags = voice.frame("carried_over"), voice.frame("together_settings")
    said = []
    for _, row in rows.iterrows():
        other, path = clean_name(str(row["instrument"])), str(row["path"])
        mine = lags[lags["instrument"] == row["instrument"]] if len(lags) else lags
        if path not in ("first_to_other", "other_to_first") or not _finite(row, "estimate", *_LIMITS):
            continue
        if not len(mine) or not math.isfinite(float(mine["lag_months"].iloc[0])):
            continue
        before, after = (first, other) if path == "first_to_other" else (other, first)
        words = {"before": before, "after": after, "lag": voice.count(float(mine["lag_months"].iloc[0]))}
        numbers = [float(row[name]) for name in ("estimate", *_LIMITS)]
        said.append(
            _by_way(voice, "instruments", numbers, words, ways=("followed", "countered", "not_followed"))
        )
    return said


def _errors(voice: Voice, first: str) -> list[str]:
    """What part of the swings is no error of measurement, or why what carries over is not given."""
    said = []
    for _, row in voice.frame("together_settings").iterrows():
        other, verdict = clean_name(str(row["instrument"])), str(row["carried_verdict"])
        if verdict in _REFUSED:
            said.append(voice.phrases(f"instruments.{verdict}", first=first, other=other))
            continue
        shares = [float(row[f"swing_share_{each}"]) for each in ("first", "other")]
        if all(0 < share <= 1 for share in shares):
            one, two = (format_share(share, voice.language, digits=0) for share in shares)
            words = {"first": first, "other": other, "first_share": one, "other_share": two}
            said.append(voice.phrases("instruments.without_error", **words))
    return said


def own_voice_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of goals, marks, and whether families were asked."""
    facts = voice.released.provenance.parameters
    absent = tuple(facts["absent"])
    parts = {"goals": _goals, "satisfaction": _marks, "family_asked": _asked}
    answer = []
    for name, say in parts.items():
        found = [] if name in absent else say(voice)
        key = "own_voice.absent" if name in absent else "own_voice.hidden"
        answer += found or [voice.phrases(key, what=voice.label("value.own_voice", name))]
    limits = [voice.phrases("own_voice.association")]
    if "goals" not in absent:
        limits.append(voice.phrases("own_voice.own_scale"))
    if "satisfaction" not in absent:
        low, high = (voice.number(float(facts[name])) for name in ("low_limit", "high_limit"))
        limits.append(voice.phrases("own_voice.bands", low_limit=low, high_limit=high))
    return {"answer": answer, "certainty": _unmarked(voice), "limits": limits}


def _goals(voice: Voice) -> list[str]:
    """How far goals came, and the share reached, where the study says from when on one is."""
    rows = voice.frame("goals")
    rows = rows[rows["set_by"] == "all_goals"] if len(rows) else rows
    if not len(rows) or not _finite(rows.iloc[0], "n_goals", "mean", "n_families"):
        return []
    row = rows.iloc[0]
    families = voice.about(voice.families(float(row["n_families"])), str(row["n_mark"]))
    mean, goals = voice.number(float(row["mean"]), 2), voice.rounded(float(row["n_goals"]))
    said = [voice.phrases("own_voice.goals", families=families, goals=goals, mean=mean)]
    limit = voice.released.provenance.parameters["goal_reached"]
    if limit is None:
        return [*said, voice.phrases("own_voice.no_limit")]
    reached = _classes(voice, "goals_reached", "set_by").get("all_goals")
    if reached is not None:
        words = {"limit": voice.number(float(limit)), **_share_words(voice, reached)}
        said.append(voice.phrases("own_voice.reached", **words))
    return said


def _marks(voice: Voice) -> list[str]:
    rows = voice.frame("satisfaction")
    names = ("mean", "mean_low", "mean_high")
    if not len(rows) or not all(0 <= float(rows.iloc[0][name]) <= 10 for name in names):
        return []
    mean, low, high = (voice.number(float(rows.iloc[0][name])) for name in names)
    return [voice.phrases("own_voice.mark", mean=mean, low=low, high=high, level=voice.level)]


def _unmarked(voice: Voice) -> list[str]:
    """Of how many periods of help no mark is on record."""
    row = _classes(voice, "satisfaction_bands").get("not_recorded")
    if row is None:
        return []
    share = format_share(float(row["estimate"]), voice.language, digits=0)
    return [voice.phrases("own_voice.unmarked", share=share, periods=voice.rounded(float(row["n_group"])))]


def _asked(voice: Voice) -> list[str]:
    """Whether families were asked, and whether their idea was followed; what is not on record apart."""
    said = []
    for table in ("asked", "followed"):
        rows = _classes(voice, table)
        if "yes" in rows:
            decisions = voice.rounded(float(rows["yes"]["n_group"]))
            values = {"decisions": decisions, **_share_words(voice, rows["yes"])}
            said.append(voice.phrases(f"own_voice.{table}", **values))
        unknown = rows.get("not_recorded")
        if "yes" in rows and unknown is not None:
            share = format_share(float(unknown["estimate"]), voice.language, digits=0)
            said.append(voice.phrases(f"own_voice.{table}_unknown", share=share))
    return said


def outcome_set_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer and limits of the national outcome set."""
    facts = voice.released.provenance.parameters
    answer = [*_outcomes(voice), *_mean_mark(voice), *_t_score(voice)]
    absent = [voice.label("value.outcome", name) for name in facts["absent"]]
    horizon = float(facts["horizon_months"])
    renewed = (
        [voice.phrases("outcome_set.renewed", period=voice.period(horizon))] if math.isfinite(horizon) else []
    )
    return {
        "answer": answer or [voice.phrases("outcome_set.hidden")],
        "certainty": [voice.phrases("outcome_set.absent", named="; ".join(absent))] if absent else [],
        "limits": [
            voice.phrases("outcome_set.not_adjusted"),
            voice.phrases("outcome_set.without_help"),
            *([] if facts["norms"] else [voice.phrases("outcome_set.no_norms")]),
            *renewed,
        ],
    }


def _outcomes(voice: Voice) -> list[str]:
    said = []
    for _, row in voice.frame("outcome_shares").iterrows():
        if not 0 <= float(row["estimate"]) <= 1 or not float(row["n_group"]) > 0:
            continue
        share = format_share(float(row["estimate"]), voice.language, digits=0)
        words = {"outcome": voice.label("value.outcome", row["outcome"]), "share": share}
        words |= _share_words(voice, row) if _is_share(row) else {}
        words["number"] = voice.rounded(float(row["n_group"]))
        said.append(voice.phrases(f"outcome_set.{'share' if _is_share(row) else 'share_only'}", **words))
    return said


def _mean_mark(voice: Voice) -> list[str]:
    names = ("mean", "mean_low", "mean_high")
    return [
        voice.phrases(
            "outcome_set.mean", outcome=voice.label("value.outcome", row["outcome"]), level=voice.level,
            mean=voice.number(float(row["mean"])), low=voice.number(float(row["mean_low"])),
            high=voice.number(float(row["mean_high"])),
        )
        for _, row in voice.frame("outcome_means").iterrows()
        if row["outcome"] == "satisfaction" and all(0 <= float(row[name]) <= 10 for name in names)
    ]  # fmt: skip


def _t_score(voice: Voice) -> list[str]:
    """The mean change of the T-score, with its sign."""
    names = ("mean", "mean_low", "mean_high")
    return [
        voice.phrases(
            "outcome_set.t_score", outcome=voice.label("value.outcome", row["outcome"]), level=voice.level,
            number=voice.rounded(float(row["n_group"])),
            **{word: voice.nonzero(float(row[name])) for word, name in zip(_WORDS, names, strict=True)},
        )
        for _, row in voice.frame("outcome_means").iterrows()
        if row["outcome"] == "t_score_change"
        and all(math.isfinite(float(row[name])) for name in (*names, "n_group"))
    ]  # fmt: skip


_WORDS = ("change", "low", "high")
