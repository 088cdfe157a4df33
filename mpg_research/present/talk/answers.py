"""What the page says of each respondent: one answer, its chances, what changed, and the strict answer."""

import math
from html import escape
from typing import Any

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.frames import each_row
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number, format_share, format_time
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.sentences.families import BETTER, WORSE
from mpg_research.present.talk.moments import list_moments
from mpg_research.present.talk.shell import paragraph, side_by_side

__all__ = ["is_called", "name_respondent", "say_answers", "say_changes"]

#: The chances that are said, with the one that each signal turns on first.
_TOLD = ("chance_end", "chance_line", "chance_ahead", "chance_worse", "chance_improving")
_COLUMN = {
    "chance_end": "chance", "chance_line": "line_chance", "chance_ahead": "no_better_chance",
    "chance_worse": "worse_chance", "chance_improving": "improving_chance",
}  # fmt: skip


def is_called(profile: FamilyProfile) -> bool:
    """Whether a respondent's last wave is off track or may stand still.

    Parameters
    ----------
    profile : FamilyProfile
    """
    return bool(profile.tables["summary"].data["signal"].isin(CALLS).any())


def name_respondent(say: Phrases, name: str) -> str:
    """How a respondent is called.

    Parameters
    ----------
    say : Phrases
    name : str
        As the data have it.
    """
    key = f"profile.{name}"
    return say(key) if say.has(key) else clean_name(say.label("respondent", name))


def say_answers(profile: FamilyProfile, say: Phrases, language: str) -> list[str]:
    """The answer of each respondent with its chances, and the strict one.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    """
    summary = profile.tables["summary"].data
    columns = []
    for row in each_row(summary):
        parts = []
        if len(summary) > 1:
            who = say("profile.respondent", respondent=name_respondent(say, row.respondent))
            parts.append(f"<h3>{escape(who)}</h3>")
        parts.append(paragraph(say(f"talk.told_{row.signal}"), "answer"))
        if math.isfinite(row.since):
            parts.append(paragraph(say("talk.since", month=format_time(round(row.since, 1), language))))
        parts += [_chances(profile, row, say, language)]
        parts.append(paragraph(say(f"profile.change_{row.category}")))
        if row.standing:
            parts.append(paragraph(say(f"profile.standing_{row.standing}")))
        key = f"profile.answer_{row.answer}"
        if row.answer == "stagnating" and row.at_limit == "best":
            key += "_best"
        needed = "120+" if math.isnan(row.waves_needed) else str(int(row.waves_needed))
        strict = f"{say('talk.strict')} {say(key, n=row.n_waves, needed=needed)}"
        parts.append(paragraph(strict, "small"))
        columns.append("\n".join(parts))
    parts = [f"<h2>{escape(say('profile.heading_answer'))}</h2>", *side_by_side(columns)]
    known = set(summary["answer"])
    if known & set(BETTER) and known & set(WORSE):
        parts.append(paragraph(say("profile.disagree")))
    any_known = bool(summary["chance"].notna().any())
    parts.append(paragraph(say("talk.chances_mean" if any_known else "talk.no_chances"), "small"))
    delta, period = (
        format_number(value, language, digits=digits)
        for value, digits in ((profile.delta, 1), (profile.period, 0))
    )
    parts.append(paragraph(say("profile.margin", delta=delta, period=period), "small"))
    return parts


def _chances(profile: FamilyProfile, row: Any, say: Phrases, language: str) -> str:
    ahead, recent = (format_time(value, language) for value in (profile.ahead, profile.recent))
    given = {"chance_ahead": {"ahead": ahead}, "chance_improving": {"recent": recent}}
    said = []
    for key in _TOLD:
        value = float(getattr(row, _COLUMN[key]))
        if math.isfinite(value):
            words = say(f"talk.{key}", chance=format_share(value, language), **given.get(key, {}))
            said.append(f"<li>{escape(words)}</li>")
    return f"<ul>{''.join(said)}</ul>" if said else ""


def say_changes(profile: FamilyProfile, say: Phrases, language: str) -> list[str]:
    """What changed between the last two measurements, and what happened in between.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    """
    pairs = profile.tables["since_before"].data.set_index("respondent")
    several = len(profile.tables["summary"].data) > 1
    columns = []
    for one in profile.tables["summary"].data["respondent"]:
        parts = [f"<h3>{escape(name_respondent(say, one))}</h3>"] if several else []
        if one not in pairs.index:
            columns.append("\n".join([*parts, paragraph(say("talk.changed_nothing"))]))
            continue
        row = pairs.loc[one]
        numbers = {
            "before": format_number(row["score_before"], language, digits=0),
            "now": format_number(row["score"], language, digits=0),
            "month_before": format_number(row["months_before"], language, digits=1),
            "month": format_number(row["months"], language, digits=1),
        }
        score = say("talk.changed_score", **numbers)
        moved = say(f"talk.changed_{row['moved']}")
        parts.append(paragraph(f"{score} {moved}"))
        before, now = (_in_a_word(say, str(row[name])) for name in ("signal_before", "signal"))
        key = "talk.same_answer" if before == now else "talk.changed_answer"
        parts.append(paragraph(say(key, now=now, **({} if before == now else {"before": before}))))
        moments = profile.tables["moments"].data
        within = moments[moments["months"].between(row["months_before"], row["months"], inclusive="right")]
        if len(within):
            listed = "; ".join(list_moments(profile, within, say, language))
            parts.append(paragraph(say("talk.between", moments=listed)))
        columns.append("\n".join(parts))
    return [f"<h2>{escape(say('profile.heading_changed'))}</h2>", *side_by_side(columns)]


def _in_a_word(say: Phrases, signal: str) -> str:
    """The short name of a signal, as tables have it."""
    word = say.label("value.class", "cannot_tell" if signal == "intake" else signal)
    return word[:1].lower() + word[1:]
