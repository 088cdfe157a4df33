"""The menu: what can be tried, what it is for, when it was used before, and what the study knows of it."""

from collections.abc import Mapping
from html import escape

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.frames import each_row
from mpg_research.present.drawing.letters import clean_text
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.talk.moments import name_code, when
from mpg_research.present.talk.shell import paragraph
from mpg_research.study.schemas import INTERVENTIONS as TOOLKIT

__all__ = ["INTERVENTIONS", "say_menu"]

#: The eight interventions of the toolkit, in its order.
INTERVENTIONS = tuple(TOOLKIT)


def say_menu(
    profile: FamilyProfile, say: Phrases, language: str, *, study_knows: Mapping[str, str] | None = None
) -> list[str]:
    """The toolkit's eight and the study's own.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    study_knows : mapping of str to str, optional
        What this study knows of an intervention, by its code, as a sentence in this language; of what is not
        there the menu says that it is not known. Of "any": of interventions of whatever kind.
    """
    known = study_knows or {}
    own = [key.removeprefix("intervention.") for key in profile.own_codes if key.startswith("intervention.")]
    moments = profile.tables["moments"].data
    done = moments[moments["what"] == "intervention"]
    items: list[str] = []
    sources: list[str] = []
    for code in (*INTERVENTIONS, *(code for code in own if code not in INTERVENTIONS)):
        parts = [f"<p><strong>{escape(name_code(profile, 'intervention', code, say))}</strong></p>"]
        if say.has(f"purpose.{code}"):
            source = say(f"source.{code}")
            sources = sources if source in sources else [*sources, source]
            number = sources.index(source) + 1
            parts.append(f"<p>{escape(say(f'purpose.{code}'))} <sup>{number}</sup></p>")
        mine = [when(row.months, say, language) for row in each_row(done[done["code"] == code])]
        used = say("talk.used", moments=", ".join(mine)) if mine else say("talk.not_used")
        told = clean_text(known.get(code, ""))
        knows = say("talk.study_knows", known=told) if told else say("talk.not_known")
        parts += [paragraph(used, "small"), paragraph(knows, "small")]
        items.append(f"<li>{''.join(parts)}</li>")
    listed = "".join(f"<li>{escape(source)}</li>" for source in sources)
    menu = "".join(items)
    return [
        f"<h2>{escape(say('profile.heading_menu'))}</h2>",
        paragraph(say("talk.menu_intro")),
        *([paragraph(say("talk.study_knows", known=clean_text(known["any"])))] if known.get("any") else []),
        f'<ul class="menu">{menu}</ul>',
        f'<p class="small">{escape(say("profile.heading_source"))}</p><ol class="small">{listed}</ol>',
    ]
