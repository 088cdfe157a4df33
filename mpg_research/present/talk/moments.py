"""What happened with a family, in words: things done, events, other workers, decisions, earlier help."""

import math
from html import escape
from typing import Any

import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.frames import each_row
from mpg_research.present.drawing.letters import clean_text
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.talk.shell import paragraph

__all__ = ["list_moments", "name_code", "say_decisions", "say_moments", "when"]


def name_code(profile: FamilyProfile, kind: str, code: str, say: Phrases) -> str:
    """What an intervention, event or decision is called; a code that has no words as it stands.

    Parameters
    ----------
    profile : FamilyProfile
    kind : {"intervention", "event", "decision"}
    code : str
    say : Phrases
    """
    own = profile.own_codes.get(f"{kind}.{code}", {}).get(say.language)
    if own:
        return clean_name(own)
    room = {"intervention": "intervention", "event": "moment", "decision": "decided"}[kind]
    return say(f"{room}.{code}") if say.has(f"{room}.{code}") else clean_name(code)


def when(months: float, say: Phrases, language: str) -> str:
    """A moment in words; before the start of this help as such.

    Parameters
    ----------
    months : float
    say : Phrases
    language : str
    """
    written = format_number(abs(months), language, digits=1)
    if months < 0:
        return say("moment.before", months=written)
    return say("moment.in_month", month=written)


def list_moments(profile: FamilyProfile, moments: pd.DataFrame, say: Phrases, language: str) -> list[str]:
    """Each moment as a few words, with when it was.

    Parameters
    ----------
    profile : FamilyProfile
    moments : DataFrame
        Rows of the table ``moments``.
    say : Phrases
    language : str
    """
    return [f"{_words(profile, row, say)} ({when(row.months, say, language)})" for row in each_row(moments)]


def _words(profile: FamilyProfile, row: Any, say: Phrases) -> str:
    if row.what == "worker_change":
        return say("moment.worker_change")
    name = name_code(profile, row.what, row.code, say)
    words = say(f"moment.{row.what}", code=name)
    return f"{words}: {clean_text(row.reason)}" if row.reason else words


def say_moments(profile: FamilyProfile, say: Phrases, language: str) -> list[str]:
    """The numbered list below the picture, and earlier periods of help.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    """
    moments, earlier = (profile.tables[name].data for name in ("moments", "earlier"))
    parts = [f"<h2>{escape(say('profile.heading_moments'))}</h2>"]
    for row in each_row(earlier):
        numbers = {
            "episode": clean_name(row.episode),
            "start": format_number(-row.months, language, digits=1),
        }
        if math.isfinite(row.months_end):
            end = format_number(max(-row.months_end, 0.0), language, digits=1)
            parts.append(paragraph(say("talk.earlier_ended", end=end, **numbers)))
        else:
            parts.append(paragraph(say("talk.earlier_open", **numbers)))
    items = "".join(f"<li>{escape(words)}</li>" for words in list_moments(profile, moments, say, language))
    if items:
        parts.append(f"<ol>{items}</ol>")
    elif len(parts) == 1:
        parts.append(paragraph(say("talk.happened_none")))
    return parts


def say_decisions(profile: FamilyProfile, say: Phrases, language: str) -> list[str]:
    """What was decided in earlier talks, and where the next decision is written.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    """
    moments = profile.tables["moments"].data
    made = moments[moments["what"] == "decision"]
    items = "".join(f"<li>{escape(words)}</li>" for words in list_moments(profile, made, say, language))
    listed = f"<ul>{items}</ul>" if items else paragraph(say("talk.decisions_none"))
    return [
        f"<h2>{escape(say('profile.heading_decisions'))}</h2>",
        listed,
        paragraph(say("talk.write_down")),
    ]
