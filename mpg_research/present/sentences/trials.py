"""Target trials in sentences: what can be said of each intervention, what cannot, and never "the effect"."""

import math
from collections.abc import Sequence

import pandas as pd

from mpg_research.analysis.interventions.protocol import ANY
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.trajectory import is_clear, way_and_sizes

__all__ = ["known_of_interventions", "trial_sentences"]

#: Verdicts without a number, in the order in which they are spoken of.
_REFUSED = (
    "few_treated", "few_untreated", "no_overlap", "few_effective", "imbalance", "few_clusters",
    "not_converged",
)  # fmt: skip
_KEYS = ["intervention", "months"]
_INTERVAL = ("estimate", "conf_low", "conf_high")


def trial_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of the comparison, and what a useless intervention would look like."""
    return {
        "answer": _answers(voice),
        "certainty": [*_second_way(voice), *_earlier_score(voice), *_explained_away(voice)],
        "nothing_done": [*_before_after(voice), *_nothing_done(voice)],
        "limits": [voice.phrases("target_trial.limit"), _choices(voice), _limits(voice)],
    }


def known_of_interventions(voice: Voice) -> dict[str, str]:
    """What the comparison says of each intervention of which it has a number, "any" among them.

    Parameters
    ----------
    voice : Voice
        Of a released target trial.

    Returns
    -------
    dict of str to str
        Sentences by the code of the intervention; that of "any" says what a difference does not prove.
    """
    told: dict[str, list[str]] = {}
    for table, sentence in (("differences", _difference), ("stability", _stability)):
        for _, row in _answer_rows(voice, table).iterrows():
            told.setdefault(str(row["intervention"]), []).append(sentence(voice, row))
    if ANY in told:
        told[ANY].append(voice.phrases("target_trial.limit"))
    return {code: " ".join(sentences) for code, sentences in told.items()}


def _what(voice: Voice, code: object) -> str:
    return voice.label("value.intervention", code)


def _period(voice: Voice, row: pd.Series) -> str:
    months = float(row["months"])
    return voice.period(round(months) if abs(months - round(months)) < 0.05 else round(months, 1))


def _answers(voice: Voice) -> list[str]:
    """One sentence per difference, and one per reason and moment for what has no number."""
    said = [_difference(voice, row) for _, row in _answer_rows(voice, "differences").iterrows()]
    said += [_stability(voice, row) for _, row in _answer_rows(voice, "stability").iterrows()]
    verdicts = voice.frame("verdicts")
    for reason in _REFUSED:
        mine = verdicts[verdicts["estimable"] == reason] if len(verdicts) else verdicts
        if not len(mine):
            continue
        moments = mine.groupby("intervention", sort=False)["months"].apply(lambda each: tuple(sorted(each)))
        for months in dict.fromkeys(moments):
            codes = [code for code, own in moments.items() if own == months]
            said.append(
                voice.phrases(
                    f"target_trial.{reason}", period=_moments(voice, months), what=_listed(voice, codes)
                )
            )
    return said or [voice.phrases("target_trial.hidden")]


def _moments(voice: Voice, months: Sequence[float]) -> str:
    """Several moments: "3 months and 6 months"."""
    *before, last = (_period(voice, pd.Series({"months": month})) for month in months)
    return voice.phrases("target_trial.and", before=", ".join(before), last=last) if before else last


def _listed(voice: Voice, codes: Sequence[object]) -> str:
    return ", ".join(_what(voice, code) for code in codes)


def _answer_rows(voice: Voice, table: str, approach: str = "weighted") -> pd.DataFrame:
    """Rows of an approach whose numbers the scale allows."""
    rows = voice.frame(table)
    if not len(rows):
        return rows
    rows = rows[rows["approach"] == approach]
    widest = voice.widest if table == "differences" else 1.0
    possible = [
        all(math.isfinite(float(row[name])) for name in ("estimate", "conf_low", "conf_high"))
        and abs(float(row["estimate"])) <= widest
        for _, row in rows.iterrows()
    ]
    return rows[possible]


def _difference(voice: Voice, row: pd.Series) -> str:
    key, numbers = way_and_sizes(*(voice.within_scale(float(row[name])) for name in _INTERVAL))
    size, low, high = (voice.nonzero(number) for number in numbers)
    return voice.phrases(
        f"target_trial.{key}", what=_what(voice, row["intervention"]), period=_period(voice, row), size=size,
        low=low, high=high, unit=voice.unit, level=voice.level,
        families=voice.about(voice.families(float(row["n_families"])), str(row["n_mark"])),
    )  # fmt: skip


def _stability(voice: Voice, row: pd.Series) -> str:
    way, numbers = way_and_sizes(*(100 * min(max(float(row[name]), -1.0), 1.0) for name in _INTERVAL))
    size, low, high = (voice.nonzero(number, 0) for number in numbers)
    key = {"higher": "stable_more", "lower": "stable_fewer", "unclear": "stable_unclear"}[way]
    return voice.phrases(
        f"target_trial.{key}", what=_what(voice, row["intervention"]), period=_period(voice, row), size=size,
        low=low, high=high, level=voice.level,
    )  # fmt: skip


def _numbers(voice: Voice, row: pd.Series) -> dict[str, str]:
    names = {"estimate": "estimate", "low": "conf_low", "high": "conf_high"}
    return {word: voice.number(voice.within_scale(float(row[name]))) for word, name in names.items()}


def _second_way(voice: Voice) -> list[str]:
    return [
        voice.phrases(
            "target_trial.g_formula", period=_period(voice, row), unit=voice.unit,
            what=_what(voice, row["intervention"]), **_numbers(voice, row),
        )
        for _, row in _answer_rows(voice, "differences", "g_formula").iterrows()
    ]  # fmt: skip


def _earlier_score(voice: Voice) -> list[str]:
    """Once per intervention: at the first moment of which it is known."""
    rows = voice.frame("doubts")
    rows = rows[rows["look"] == "earlier_score"] if len(rows) else rows
    told = []
    for _, row in rows.drop_duplicates("intervention").iterrows() if len(rows) else ():
        if not all(math.isfinite(float(row[name])) for name in ("estimate", "conf_low", "conf_high")):
            continue
        key = "earlier_differs" if is_clear(row) else "earlier_alike"
        words = {"unit": voice.unit, "what": _what(voice, row["intervention"]), **_numbers(voice, row)}
        told.append(voice.phrases(f"target_trial.{key}", **words))
    return told


def _explained_away(voice: Voice) -> list[str]:
    """For the researcher, where there is something to explain away."""
    if voice.is_plain:
        return []
    rows, told = voice.frame("explained_away"), []
    for _, row in rows.iterrows():
        point, limit = float(row["e_value"]), float(row["e_value_limit"])
        if not (math.isfinite(point) and math.isfinite(limit)) or limit <= 1:
            continue
        words = {"point": voice.number(point, 2), "limit": voice.number(limit, 2)}
        what = _what(voice, row["intervention"])
        told.append(
            voice.phrases("target_trial.explained_away", period=_period(voice, row), what=what, **words)
        )
    return told


def _before_after(voice: Voice) -> list[str]:
    """What those see who look at the families with an intervention only."""
    rows = voice.frame("before_after")
    rows = rows[rows["comparison"] == "before_after"] if len(rows) else rows
    told = []
    for _, row in rows.iterrows():
        change = float(row["estimate"])
        if not voice.can_be_a_change(change):
            continue
        words = {"change": voice.nonzero(change), "unit": voice.unit, "period": _period(voice, row)}
        told.append(
            voice.phrases("target_trial.before_after", what=_what(voice, row["intervention"]), **words)
        )
    return told


def _nothing_done(voice: Voice) -> list[str]:
    """Once: of the first intervention and moment."""
    rows = voice.frame("nothing_done")
    if not len(rows):
        return []
    first = rows[(rows[_KEYS] == rows[_KEYS].iloc[0]).all(axis=1)].set_index("comparison")
    if not {"before_after", "weighted"} <= set(first.index):
        return []
    change, row = float(first["estimate"]["before_after"]), first.T["weighted"]
    known = all(math.isfinite(float(row[name])) for name in ("estimate", "conf_low", "conf_high"))
    if not voice.can_be_a_change(change) or not known:
        return []
    return [
        voice.phrases(
            "target_trial.nothing_done", change=voice.nonzero(change), unit=voice.unit, level=voice.level,
            period=_period(voice, row), **_numbers(voice, row),
        )
    ]  # fmt: skip


def _limits(voice: Voice) -> str:
    """From when on there is a number."""
    facts = voice.released.provenance.parameters
    return voice.phrases(
        "target_trial.own_limits",
        number=voice.count(float(facts["families"])),
        effective=voice.count(float(facts["effective"])),
        overlap=format_share(float(facts["overlap"]), voice.language, digits=0),
        imbalance=voice.number(float(facts["imbalance"]), 1),
    )


def _choices(voice: Voice) -> str:
    """The choices in force; they are arguments, not numbers of the data."""
    facts = voice.released.provenance.parameters
    weeks, axis = float(facts["grace_weeks"]), float(facts["axis"])
    words = {
        "weeks": voice.number(weeks, 0 if weeks == round(weeks) else 1),
        "window": voice.period(round(float(facts["window"]) * axis, 1)),
    }
    if facts["stagnation"] == "signal":
        return voice.phrases("target_trial.signal_choices", **words)
    lookback = voice.period(round(float(facts["lookback"]) * axis, 1))
    return voice.phrases("target_trial.own_choices", lookback=lookback, **words)
