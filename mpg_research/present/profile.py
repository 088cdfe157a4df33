"""The course profile of one family as one self-contained page. Sensitive, and marked so."""

import math
from dataclasses import dataclass
from html import escape

import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.errors import ConfigError, ReportError
from mpg_research.frames import each_row
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number
from mpg_research.present.language.phrases import Phrases, phrases_in
from mpg_research.present.sentences.families import BETTER, WORSE

__all__ = ["INTERVENTIONS", "PresentedProfile", "present_profile"]

#: The eight interventions of the toolkit, in its order.
INTERVENTIONS = (
    "out_of_the_situation", "systemic_broadening", "future_projection", "emphasise_strengths",
    "bring_in_colleague", "network_meeting", "experience_expert", "critical_maximum",
)  # fmt: skip
_STYLE = """
body { max-width: 52rem; margin: 0 auto; padding: 0 1.25rem 3rem; color: #1b1f24; background: #fff;
  font: 1.0625rem/1.6 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
.sensitive { padding: .75rem 1rem; margin: 1rem 0; border: 3px solid #7a1f00; background: #fff1ec;
  color: #4a1300; font-weight: 600; }
.synthetic { padding: .5rem 1rem; background: #fff3cf; border-bottom: 3px solid #8a6100; color: #3b2a00; }
svg { max-width: 100%; height: auto; } figure { margin: 1.25rem 0; } figcaption { color: #4a5560; }
table { border-collapse: collapse; } th, td { padding: .3rem .9rem .3rem 0; text-align: right;
  border-bottom: 1px solid #c4ccd4; } caption { text-align: left; font-weight: 600; }
.answer { font-size: 1.2rem; font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2rem;
  align-items: start; }
figure svg { width: 100%; }
@media print { .sensitive { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class PresentedProfile:
    """A course profile ready to be read.

    Attributes
    ----------
    html : str
        A whole page: no scripts, nothing from the network.
    family : str
    language : str
    """

    html: str
    family: str
    language: str

    def _repr_html_(self) -> str:
        return self.html

    def __str__(self) -> str:
        return f"Course profile of family {self.family} ({self.language}); sensitive."


def present_profile(profile: FamilyProfile, *, language: str) -> PresentedProfile:
    """Put the profile of one family into words, a picture and a table.

    Parameters
    ----------
    profile : FamilyProfile
        From :func:`mpg_research.analysis.describe_family`.
    language : str

    Returns
    -------
    PresentedProfile

    Raises
    ------
    ConfigError
        If the language is unknown.
    ReportError
        If the model behind the expected band did not converge.
    """
    if not isinstance(profile, FamilyProfile):
        raise ConfigError("present_profile() takes the result of describe_family(study, family).")
    if not profile.converged:
        raise ReportError("The model behind the expected band did not converge, so no profile is made.")
    time = profile.provenance.parameters.get("time_unit", "months")
    say = phrases_in(language, unit=profile.unit.get(language), time=time)
    summary = profile.tables["summary"].data
    title = say("profile.title", family=clean_name(profile.family))
    mark = say("general.synthetic") if profile.provenance.synthetic else ""
    body = [f'<p class="synthetic">{escape(mark)}</p>' if mark else ""]
    body.append(f'<p class="sensitive">{escape(say("profile.sensitive"))}</p>')
    body.append(f"<h1>{escape(title)}</h1>")
    body.append(_paragraph(say("profile.intro", instrument=clean_name(profile.instrument_name))))
    if len(summary) > 1:
        body.append(_paragraph(say("profile.two")))
    body.append(_figure(profile, say, language, mark))
    body += _answers(profile, say, language)
    body += _questions(summary, say)
    tables = [_table(profile, one, say, language) for one in summary["respondent"]]
    body += _side_by_side(tables)
    page = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    html = page + "\n".join(part for part in body if part) + "\n</main>\n</body>\n</html>\n"
    return PresentedProfile(html, profile.family, language)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _respondent(say: Phrases, name: str) -> str:
    key = f"profile.{name}"
    return say(key) if say.has(key) else clean_name(say.label("respondent", name))


def _side_by_side(parts: list[str]) -> list[str]:
    """The parts of two parents in two columns; one part as it is."""
    if len(parts) < 2:
        return parts
    return ['<div class="pair">', *(f"<div>{part}</div>" for part in parts), "</div>"]


def _answers(profile: FamilyProfile, say: Phrases, language: str) -> list[str]:
    summary = profile.tables["summary"].data
    columns = []
    for row in each_row(summary):
        parts = []
        if len(summary) > 1:
            who = say("profile.respondent", respondent=_respondent(say, row.respondent))
            parts.append(f"<h3>{escape(who)}</h3>")
        key = f"profile.answer_{row.answer}"
        if row.answer == "stagnating" and row.at_limit == "best":
            key += "_best"
        needed = "120+" if math.isnan(row.waves_needed) else str(int(row.waves_needed))
        parts.append(f'<p class="answer">{escape(say(key, n=row.n_waves, needed=needed))}</p>')
        parts.append(_paragraph(say(f"profile.change_{row.category}")))
        if row.standing:
            parts.append(_paragraph(say(f"profile.standing_{row.standing}")))
        columns.append("\n".join(parts))
    parts = [f"<h2>{escape(say('profile.heading_answer'))}</h2>", *_side_by_side(columns)]
    known = set(summary["answer"])
    if known & set(BETTER) and known & set(WORSE):
        parts.append(_paragraph(say("profile.disagree")))
    delta, period = (
        format_number(value, language, digits=digits)
        for value, digits in ((profile.delta, 1), (profile.period, 0))
    )
    parts.append(_paragraph(say("profile.margin", delta=delta, period=period)))
    return parts


def _questions(summary: pd.DataFrame, say: Phrases) -> list[str]:
    stuck = bool(((summary["answer"] == "stagnating") & (summary["at_limit"] != "best")).any())
    worse = bool(summary["answer"].isin(WORSE).any())
    keys = ["question_1", "question_2", "question_3"]
    keys += ["question_still"] * stuck + ["question_worse"] * worse
    items = "".join(f"<li>{escape(say(f'profile.{key}'))}</li>" for key in keys)
    parts = [f"<h2>{escape(say('profile.heading_questions'))}</h2>\n<ul>{items}</ul>"]
    if stuck:
        menu = "".join(f"<li>{escape(say(f'intervention.{name}'))}</li>" for name in INTERVENTIONS)
        parts.append(f"<h2>{escape(say('profile.heading_menu'))}</h2>")
        parts.append(_paragraph(say("profile.menu_intro")))
        parts.append(f'<ul class="menu">{menu}</ul>')
    return parts


def _table(profile: FamilyProfile, respondent: str, say: Phrases, language: str) -> str:
    waves = profile.tables["waves"].data
    mine = waves[waves["respondent"] == respondent]
    caption = f"{say('profile.heading_table')}: {_respondent(say, respondent)}"
    heads = "".join(
        f'<th scope="col">{escape(say(f"profile.{name}"))}</th>'
        for name in ("month", "score", "error", "expected")
    )

    def number(value: float, digits: int = 1) -> str:
        return "–" if math.isnan(value) else format_number(value, language, digits=digits)

    rows = "".join(
        f'<tr><th scope="row">{number(row.months)}</th><td>{number(row.score)}</td>'
        f"<td>{number(row.error_low)} – {number(row.error_high)}</td>"
        f"<td>{number(row.band_low)} – {number(row.band_high)}</td></tr>"
        for row in each_row(mine)
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _figure(profile: FamilyProfile, say: Phrases, language: str, mark: str) -> str:
    from mpg_research.present.figures.profile import draw_profile

    title = say("profile.figure_title")
    names = {one: _respondent(say, one) for one in profile.tables["summary"].data["respondent"]}
    waves = profile.tables["waves"].data
    alts = []
    for one, name in names.items():
        mine = waves[waves["respondent"] == one]
        first, last = mine.iloc[0], mine.iloc[-1]
        alts.append(
            say(
                "profile.figure_alt", respondent=name, n=len(mine),
                first=format_number(first["score"], language, digits=0),
                start=format_number(first["months"], language, digits=1),
                last=format_number(last["score"], language, digits=0),
                end=format_number(last["months"], language, digits=1),
            )
        )  # fmt: skip
    better = say("profile.better_low" if profile.higher_is_worse else "profile.better_high")
    picture = draw_profile(profile, say, names, title=title, mark=mark, label=" ".join(alts)).strip()
    caption = f"{say('profile.legend')} {better}"
    return f"<figure>\n{picture}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"
