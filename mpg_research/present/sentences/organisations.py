"""The comparison of organisations in sentences: the joint test first, and never an order of merit.

Single organisations are named by their own test, corrected for their number, at the primary month: that holds
its error rate by itself, and a joint test before it would only hide one that differs.
"""

import pandas as pd

from mpg_research.disclosure.rules.labels import OWN
from mpg_research.frames import row_at
from mpg_research.present.language.numbers import format_df
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.comparison import funnel_topic, rank_topic, share_topic
from mpg_research.present.sentences.first_page.others import organisations_in_short, shares_in_short
from mpg_research.present.sentences.trajectory import is_clear, say_change, usable_rows

__all__ = ["distinguishable", "organisation_sentences"]

JOINT = "organisation:months"
JOINT_NUMBERS = ("df_numerator", "df_denominator", "statistic", "p_value", "n_organisations")


def organisation_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of a comparison of organisations."""
    reason = voice.released.reason_for("adjusted_change")
    if reason is not None:
        why = voice.phrases(f"withheld.{reason.code}", **reason.values)
        answer = [voice.phrases("organisations.not_shown", why=why)]
        limits = [voice.phrases("organisations.regression")]
        short = {"first_page": [voice.phrases("first_page.not_compared", why=why)]}
        return {
            "answer": [*answer, *_alone(voice)],
            "limits": limits,
            "shares": share_topic(voice),
            "first_page_shares": shares_in_short(voice),
            **short,
        }
    joint, month = _joint_row(voice), _month(voice)
    changes, differences = _at(voice, "adjusted_change", month), _at(voice, "difference_from_mean", month)
    if len(differences):  # without its test nothing is said of a difference
        differences = differences[differences[_p_column(differences)].notna()]
    own = voice.released.own
    named = _named(voice, differences)
    answer = [_joint_sentence(voice, joint, month, named=bool(named))]
    if own is not None:
        # The organisation's own question first: is it distinguishable from the average?
        answer = [*_own_sentences(voice, own, month, changes, differences), *answer]
    else:
        answer.append(_who_differs(voice, differences, named, joint))
    certainty = []
    if len(changes):
        certainty.append(_range(voice, changes, month))
    if joint is not None and not voice.is_plain and joint[list(JOINT_NUMBERS)].notna().all():
        certainty.append(_joint_detail(voice, joint, month))
    by_lot = voice.released.policy.randomised
    adjusted = "unadjusted_by_lot" if by_lot and voice.adjustment == "unadjusted" else voice.adjustment
    cause = "cause_by_lot" if by_lot else "cause"
    keys = [adjusted, "no_ranking", cause, "regression", "within_interval"]
    limits = [voice.phrases(f"organisations.{key}") for key in keys if key] + voice.reference_sentence
    more = {
        "ranks": rank_topic(voice),
        "funnel": funnel_topic(voice),
        "shares": share_topic(voice),
        "first_page": _in_short(voice, joint, named),
        "first_page_shares": shares_in_short(voice),
    }
    return {"answer": answer, "certainty": certainty, "limits": limits, **more}


def _alone(voice: Voice) -> list[str]:
    """The own observed means, where nothing may be set beside them."""
    own, rows, month = voice.released.own, voice.frame("observed_course"), voice.main_month
    if own is None or not len(rows):
        return []
    known = rows[["mean", "sd", "n_families"]].notna().all(axis=1)
    rows = rows[known & (rows["n_families"] > 0) & (rows["months"] <= month)].sort_values("months")
    if len(rows) < 2:
        return []
    first, last = rows.iloc[0], rows.iloc[-1]
    margin = max(2 * float(row["sd"]) / float(row["n_families"]) ** 0.5 for row in (first, last))
    values = {
        f"n_{name}": voice.about(voice.families(float(row["n_families"])), "rounded")
        for name, row in (("first", first), ("last", last))
    }
    text = voice.phrases(
        "organisations.alone", name=voice.organisation(own), start=voice.number(first["mean"]),
        end=voice.number(last["mean"]), first=voice.moment(float(first["months"])),
        last=voice.moment(float(last["months"])), margin=voice.number(margin), unit=voice.unit, **values,
    )  # fmt: skip
    return [text, voice.phrases("organisations.alone_limit")]


def distinguishable(row: pd.Series, *, level: float) -> bool:
    """Whether an organisation's difference from the average stands after correction for multiplicity."""
    return bool(p_of(row) < round(1 - level, 12) and is_clear(row))


def p_of(row: pd.Series) -> float:
    """The p-value corrected for the number of comparisons; the plain one where nothing is corrected."""
    return float(row[_p_column(row)])


def _p_column(found: pd.Series | pd.DataFrame) -> str:
    return "p_adjusted" if "p_adjusted" in found else "p_value"


def _month(voice: Voice) -> float:
    table = voice.table("adjusted_change")
    return 12.0 if table is None or not len(table.data) else voice.primary_month(table.data["months"])


def _at(voice: Voice, table: str, month: float) -> pd.DataFrame:
    """Rows of a table at one moment whose numbers are known, by label code."""
    rows = voice.frame(table)
    if not len(rows):
        return pd.DataFrame()
    rows = rows[rows["months"] == month]
    return rows[usable_rows(voice, rows)].set_index("organisation")


def _joint_row(voice: Voice) -> pd.Series | None:
    rows = voice.frame("joint_test")
    found = rows[rows["effect"] == JOINT] if len(rows) else rows
    return found.iloc[0] if len(found) else None


def _is_significant(voice: Voice, joint: pd.Series | None) -> bool:
    return joint is not None and bool(joint["p_value"] < voice.alpha)


def _named(voice: Voice, differences: pd.DataFrame) -> dict[str, pd.Series]:
    """The organisations that differ from the average after correction for their number."""
    if differences.empty:
        return {}
    small = differences[differences[_p_column(differences)] < voice.alpha]
    return {str(code): row for code, row in small.iterrows() if is_clear(row)}


def _joint_sentence(voice: Voice, joint: pd.Series | None, month: float, *, named: bool) -> str:
    if joint is None or pd.isna(joint["p_value"]):
        return voice.phrases("organisations.no_test")
    key = "differ" if _is_significant(voice, joint) else "alike_but_named" if named else "alike"
    p_value = voice.p_value(joint["p_value"])
    period = voice.period(float(joint.get("months", month)))
    return voice.phrases(f"organisations.{key}", concept=voice.concept, period=period, p=p_value)


def _in_short(voice: Voice, joint: pd.Series | None, named: dict[str, pd.Series]) -> list[str]:
    """Whether organisations differ and which, without a test."""
    differ = ""
    if joint is not None and not pd.isna(joint["p_value"]):
        differ = "differ" if _is_significant(voice, joint) else "alike_but_named" if named else "alike"
    gaps = [(code, gap_words(voice, row, differs=True)["gap"]) for code, row in named.items()]
    return organisations_in_short(voice, differ=differ, named=gaps)


def _joint_detail(voice: Voice, joint: pd.Series, month: float) -> str:
    return voice.phrases(
        "organisations.joint_detail",
        period=voice.period(float(joint.get("months", month))),
        df_numerator=format_df(joint["df_numerator"], voice.language),
        df_denominator=format_df(joint["df_denominator"], voice.language),
        statistic=voice.number(joint["statistic"], 2),
        p=voice.p_value(joint["p_value"]),
        n_organisations=voice.count(joint.get("n_organisations", float("nan"))),
        families=voice.about(voice.families(joint["n_families"]), str(joint.get("n_mark", ""))),
    )


def _own_sentences(
    voice: Voice,
    own: str,
    month: float,
    changes: pd.DataFrame,
    differences: pd.DataFrame,
) -> list[str]:
    name = voice.organisation(own if own in voice.released.organisation_labels else OWN)
    if own not in changes.index:
        return [voice.phrases(f"organisations.{_why_not(voice, own, month)}", name=name)]
    row = row_at(changes, own)
    aside = voice.phrases(f"organisations.{voice.adjustment}_aside") if voice.adjustment else ""
    compared = own in differences.index
    values = {
        "name": name,
        "concept": voice.concept,
        "period": voice.period(month),
        "adjusted": "" if compared else aside,
    }
    change = say_change(voice, "organisations.own_", row, **values)
    if not compared:
        return [change, voice.phrases("organisations.no_difference")]
    return [*_own_difference(voice, row_at(differences, own), {**values, "adjusted": aside}), change]


def _why_not(voice: Voice, own: str, month: float) -> str:
    """Why nothing is said of the own change: not in the comparison, too small, or not computed."""
    table = voice.table("adjusted_change")
    if table is None or not (table.data["organisation"] == own).any():
        return "own_left_out"
    mine = table.data[(table.data["organisation"] == own) & (table.data["months"] == month)]
    hidden = bool(mine["suppressed"].any()) or not len(mine)
    return "own_hidden" if hidden else "own_not_computed"


def _own_difference(voice: Voice, row: pd.Series, values: dict[str, str]) -> list[str]:
    """Whether the own change can be told from the average, and between which sizes the difference lies."""
    differs = distinguishable(row, level=voice.released.level)
    key = "organisations.own_differs" if differs else "organisations.own_average"
    words = {**values, **gap_words(voice, row, differs=differs), "level": voice.level}
    sentences = [voice.phrases(key, **words, p=voice.p_value(p_of(row)))]
    if not differs and is_clear(row):
        sentences.append(voice.phrases("organisations.own_by_chance"))
    return sentences


def gap_words(voice: Voice, row: pd.Series, *, differs: bool) -> dict[str, str]:
    """A difference from the average and the ends of its interval: more or less favourable, not up or down.

    What differs is never said to be equal: a small difference gets the decimals it takes.
    """

    def side(key: str, value: float) -> str:
        if value == 0:
            return voice.phrases(f"organisations.{key}_none")
        better = (value < 0) == voice.lower_is_better
        name = f"organisations.{key}_{'better' if better else 'worse'}"
        return voice.phrases(name, size=voice.nonzero(abs(value)), unit=voice.unit)

    estimate = float(row["estimate"])
    ends = [voice.within_scale(float(row[end])) for end in ("conf_low", "conf_high")]
    low, high = ends if voice.lower_is_better else reversed(ends)
    nothing = not differs and not voice.shows(estimate)
    gap = voice.phrases("organisations.gap_none") if nothing else side("gap", estimate)
    return {"gap": gap, "low": side("side", low), "high": side("side", high)}


def _who_differs(
    voice: Voice, differences: pd.DataFrame, named: dict[str, pd.Series], joint: pd.Series | None
) -> str:
    if not len(differences):
        return voice.phrases("organisations.no_difference")
    if not named:
        key = "none_differs_all_the_same" if _is_significant(voice, joint) else "none_differs"
        return voice.phrases(f"organisations.{key}", number=voice.count(len(differences)))
    names = [
        voice.phrases(
            "organisations.one_differs",
            name=voice.organisation(code),
            level=voice.level,
            **gap_words(voice, row, differs=True),
        )
        for code, row in named.items()
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
