"""The comparison of organisations in sentences: the joint test first, and never an order of merit."""

import pandas as pd

from mpg_research.disclosure.labels import OWN
from mpg_research.present.numbers import format_df, format_p
from mpg_research.present.say_comparison import funnel_topic, rank_topic
from mpg_research.present.say_trajectory import is_clear, size_and_interval
from mpg_research.present.voice import Voice

__all__ = ["distinguishable", "organisation_sentences"]

JOINT = "organisation:months"


def organisation_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of a comparison of organisations."""
    reason = voice.released.reason_for("adjusted_change")
    if reason is not None:
        return {"answer": [voice.phrases(f"withheld.{reason.code}", **reason.values)]}
    joint, month = _joint_row(voice), _month(voice)
    changes, differences = _at(voice, "adjusted_change", month), _at(voice, "difference_from_mean", month)
    own = voice.released.own
    answer = [_joint_sentence(voice, joint)]
    if own is not None:
        # The organisation's own question first: is it distinguishable from the average?
        answer = [*_own_sentences(voice, own, month, changes, differences, joint), *answer]
    else:
        answer.append(_who_differs(voice, differences, joint))
    certainty = []
    if len(changes):
        certainty.append(_range(voice, changes, month))
    if joint is not None and not voice.is_plain:
        certainty.append(_joint_detail(voice, joint))
    keys = [voice.adjustment, "no_ranking", "cause"]
    limits = [voice.phrases(f"organisations.{key}") for key in keys if key]
    more = {"ranks": rank_topic(voice), "funnel": funnel_topic(voice)}
    return {"answer": answer, "certainty": certainty, "limits": limits, **more}


def distinguishable(row: pd.Series, *, level: float) -> bool:
    """Whether an organisation's difference from the average stands after correction for multiplicity."""
    p_value = row.get("p_adjusted")
    if p_value is None or pd.isna(p_value):
        p_value = row["p_value"]
    return bool(p_value < 1 - level and is_clear(row))


def _month(voice: Voice) -> float:
    table = voice.table("adjusted_change")
    return 12.0 if table is None or not len(table.data) else voice.primary_month(table.data["months"])


def _at(voice: Voice, table: str, month: float) -> pd.DataFrame:
    """Rows of a table at one moment, by label code."""
    rows = voice.frame(table)
    return rows[rows["months"] == month].set_index("organisation") if len(rows) else pd.DataFrame()


def _joint_row(voice: Voice) -> pd.Series | None:
    rows = voice.frame("joint_test")
    found = rows[rows["effect"] == JOINT] if len(rows) else rows
    return found.iloc[0] if len(found) else None


def _is_significant(voice: Voice, joint: pd.Series | None) -> bool:
    return joint is not None and bool(joint["p_value"] < 1 - voice.released.level)


def _joint_sentence(voice: Voice, joint: pd.Series | None) -> str:
    if joint is None or pd.isna(joint["p_value"]):
        return voice.phrases("organisations.no_test")
    key = "differ" if _is_significant(voice, joint) else "alike"
    p_value = format_p(joint["p_value"], voice.language, with_sign=True)
    return voice.phrases(f"organisations.{key}", concept=voice.concept, p=p_value)


def _joint_detail(voice: Voice, joint: pd.Series) -> str:
    return voice.phrases(
        "organisations.joint_detail",
        df_numerator=format_df(joint["df_numerator"], voice.language),
        df_denominator=format_df(joint["df_denominator"], voice.language),
        statistic=voice.number(joint["statistic"], 2),
        p=format_p(joint["p_value"], voice.language, with_sign=True),
        n_organisations=voice.count(joint.get("n_organisations", float("nan"))),
        families=voice.families(joint["n_families"]),
    )


def _own_sentences(
    voice: Voice,
    own: str,
    month: float,
    changes: pd.DataFrame,
    differences: pd.DataFrame,
    joint: pd.Series | None,
) -> list[str]:
    name = voice.organisation(own if own in voice.released.organisation_labels else OWN)
    if own not in changes.index:
        return [voice.phrases("organisations.own_hidden", name=name)]
    row = changes.loc[own]
    key = ("own_fell" if row["estimate"] < 0 else "own_rose") if is_clear(row) else "own_unclear"
    aside = voice.phrases(f"organisations.{voice.adjustment}_aside") if voice.adjustment else ""
    values = {"name": name, "concept": voice.concept, "period": voice.period(month), "adjusted": aside}
    sentences = [voice.phrases(f"organisations.{key}", **values, **size_and_interval(voice, row))]
    if own not in differences.index:
        return [*sentences, voice.phrases("organisations.no_difference")]
    return [*sentences, _own_difference(voice, differences.loc[own], joint)]


def _own_difference(voice: Voice, row: pd.Series, joint: pd.Series | None) -> str:
    if not _is_significant(voice, joint) or not distinguishable(row, level=voice.released.level):
        return voice.phrases(
            "organisations.own_average",
            size=voice.number(row["estimate"]),
            unit=voice.unit,
            level=voice.level,
            low=voice.number(row["conf_low"]),
            high=voice.number(row["conf_high"]),
        )
    key = "own_more_fall" if row["estimate"] < 0 else "own_less_fall"
    p_value = format_p(row.get("p_adjusted", row["p_value"]), voice.language, with_sign=True)
    return voice.phrases(
        f"organisations.{key}", concept=voice.concept, p=p_value, **size_and_interval(voice, row)
    )


def _who_differs(voice: Voice, differences: pd.DataFrame, joint: pd.Series | None) -> str:
    """Single organisations are pointed out only where the joint test says that there are differences."""
    if not len(differences):
        return voice.phrases("organisations.no_difference")
    level = voice.released.level
    rows = {code: row for code, row in differences.iterrows() if distinguishable(row, level=level)}
    if not rows or not _is_significant(voice, joint):
        return voice.phrases("organisations.none_differs", number=len(differences))
    names = [
        voice.phrases(
            f"organisations.{'more_fall' if row['estimate'] < 0 else 'less_fall'}",
            name=voice.organisation(str(code)),
            concept=voice.concept,
            **size_and_interval(voice, row),
        )
        for code, row in rows.items()
    ]
    return voice.phrases("organisations.some_differ", names="; ".join(names))


def _range(voice: Voice, changes: pd.DataFrame, month: float) -> str:
    return voice.phrases(
        "organisations.range",
        period=voice.period(month),
        low=voice.number(changes["estimate"].min()),
        high=voice.number(changes["estimate"].max()),
        unit=voice.unit,
    )
