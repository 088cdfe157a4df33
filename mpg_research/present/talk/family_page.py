"""The page for the family itself: plain words, large print, one page when printed."""

import math
from html import escape

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.frames import each_row
from mpg_research.present.figures.profile import draw_profile
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.talk.answers import is_called, name_respondent
from mpg_research.present.talk.menu import INTERVENTIONS
from mpg_research.present.talk.moments import name_code
from mpg_research.present.talk.shell import paragraph, sensitive_page

__all__ = ["page_for_family"]

#: The study's own interventions that the page has room for; the worker's page has all.
_OWN = 2
_STYLE = """
body { max-width: 46rem; font-size: 1.25rem; line-height: 1.4; }
h1 { font-size: 1.9rem; margin: .3rem 0; } h2 { font-size: 1.35rem; margin: .7rem 0 .2rem; }
p { margin: .3rem 0; } .answer { font-size: 1.5rem; } .sensitive { font-size: 1rem; padding: .3rem .7rem;
  margin: .3rem 0; border-width: 2px; }
.synthetic { font-size: .95rem; padding: .2rem .7rem; margin: 0; }
figure { margin: .4rem 0; } ul { margin: .2rem 0; padding-left: 1.4rem; }
ul.try { list-style: none; padding: 0; display: grid; grid-template-columns: 1fr 1fr; gap: .15rem 1.2rem; }
ul.try li { padding-left: 1.3em; text-indent: -1.3em; }
ul.try li::before { content: "\\25A1\\00A0"; } .line { border-bottom: 1px solid #1b1f24; height: 1.9rem; }
@page { size: A4; margin: 9mm 13mm; }
@media print { body { max-width: none; padding: 0; font-size: 13pt; line-height: 1.22; }
  h1 { font-size: 19pt; margin: 1mm 0; } h2 { font-size: 14.5pt; margin: 2mm 0 .5mm; } p { margin: 1mm 0; }
  .answer { font-size: 15pt; } .sensitive, .synthetic { font-size: 10pt; margin: 1mm 0; }
  .line { height: 7.5mm; } figure { margin: 1mm 0; } figure svg { height: 58mm; width: 100%; } }
"""


def page_for_family(profile: FamilyProfile, say: Phrases, language: str, *, mark: str) -> str:
    """The whole page.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    language : str
    mark : str
        What is said of synthetic data; empty otherwise.
    """
    title = say("family_page.title")
    about = say("family_page.about", family=clean_name(profile.family))
    asks = "".join(f"<li>{escape(say(f'family_page.ask_{number}'))}</li>" for number in (1, 2, 3))
    body = [
        paragraph(mark, "synthetic") if mark else "",
        f"<h1>{escape(title)}</h1>",
        paragraph(f"{about}. {say('family_page.sensitive')}", "sensitive"),
        paragraph(say("talk.family_intro")),
        *_answers(profile, say),
        _picture(profile, say),
        f"<h2>{escape(say('family_page.asks'))}</h2>",
        f"<ul>{asks}</ul>",
        *(_menu(profile, say) if is_called(profile) else []),
        f"<h2>{escape(say('family_page.agreed'))}</h2>",
        '<div class="line"></div>' * (3 if len(profile.tables["summary"].data) < 2 else 2),
    ]
    return sensitive_page(title, body, language=language, style=_STYLE)


def _answers(profile: FamilyProfile, say: Phrases) -> list[str]:
    summary = profile.tables["summary"].data
    parts = [paragraph(say("talk.family_two"))] if len(summary) > 1 else []
    for row in each_row(summary):
        who = f"{name_respondent(say, row.respondent)}: " if len(summary) > 1 else ""
        text = f"{who}{say(f'talk.family_{row.signal}')}"
        parts.append(paragraph(text[:1].upper() + text[1:], "answer"))
        # of ten: never none or all, since neither is sure
        if row.signal in CALLS and math.isfinite(row.chance):
            parts.append(paragraph(say("talk.family_chance", n=min(max(round(10 * row.chance), 1), 9))))
    return parts


def _picture(profile: FamilyProfile, say: Phrases) -> str:
    names = {one: name_respondent(say, one) for one in profile.tables["summary"].data["respondent"]}
    better = say("talk.family_low" if profile.higher_is_worse else "talk.family_high")
    title = say("profile.figure_title")
    picture = draw_profile(profile, say, names, title=title, mark="", label=better, plain=True).strip()
    return f"<figure>\n{picture}\n<figcaption>{escape(better)}</figcaption>\n</figure>"


def _menu(profile: FamilyProfile, say: Phrases) -> list[str]:
    own = [key.removeprefix("intervention.") for key in profile.own_codes if key.startswith("intervention.")]
    names = [say(f"family_page.{code}") for code in INTERVENTIONS]
    names += [name_code(profile, "intervention", code, say) for code in own if code not in INTERVENTIONS][
        :_OWN
    ]
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    return [
        f"<h2>{escape(say('family_page.try'))}</h2>",
        paragraph(say("talk.family_choose")),
        f'<ul class="try">{items}</ul>',
    ]
