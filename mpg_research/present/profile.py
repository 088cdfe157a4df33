"""The course profile of one family as one self-contained page. Sensitive, and marked so."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.errors import ConfigError, ReportError
from mpg_research.frames import each_row
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number
from mpg_research.present.language.phrases import Phrases, phrases_in
from mpg_research.present.sentences.families import WORSE
from mpg_research.present.talk.answers import is_called, name_respondent, say_answers, say_changes
from mpg_research.present.talk.family_page import page_for_family
from mpg_research.present.talk.menu import INTERVENTIONS, say_menu
from mpg_research.present.talk.moments import say_decisions, say_moments
from mpg_research.present.talk.shell import paragraph, sensitive_page, side_by_side

__all__ = ["INTERVENTIONS", "READERS", "PresentedProfile", "Reader", "present_profile"]

#: For whom a page about one family is.
Reader = Literal["worker", "family"]
READERS: tuple[Reader, ...] = ("worker", "family")


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


def present_profile(
    profile: FamilyProfile,
    *,
    language: str,
    reader: Reader = "worker",
    study_knows: Mapping[str, str] | None = None,
) -> PresentedProfile:
    """Put the profile of one family into words, a picture and a table.

    Parameters
    ----------
    profile : FamilyProfile
        From :func:`mpg_research.analysis.describe_family`.
    language : str
    reader : {"worker", "family"}
        For the worker, with chances, menu and numbers; or for the family itself, one page in plain words.
    study_knows : mapping of str to str, optional
        What this study knows of an intervention, by its code, as a sentence in this language.

    Returns
    -------
    PresentedProfile

    Raises
    ------
    ConfigError
        If the language or the reader is unknown.
    ReportError
        If the model behind the expected band did not converge.
    """
    if not isinstance(profile, FamilyProfile):
        raise ConfigError("present_profile() takes the result of describe_family(study, family).")
    if reader not in READERS:
        raise ConfigError(f"reader = {reader!r}; expected {' or '.join(READERS)}.")
    if not profile.converged:
        raise ReportError("The model behind the expected band did not converge, so no profile is made.")
    time = profile.provenance.parameters.get("time_unit", "months")
    say = phrases_in(language, unit=profile.unit.get(language), time=time)
    mark = say("general.synthetic") if profile.provenance.synthetic else ""
    if reader == "family":
        return PresentedProfile(page_for_family(profile, say, language, mark=mark), profile.family, language)
    summary = profile.tables["summary"].data
    title = say("profile.title", family=clean_name(profile.family))
    body = [paragraph(mark, "synthetic") if mark else "", paragraph(say("profile.sensitive"), "sensitive")]
    body.append(f"<h1>{escape(title)}</h1>")
    body.append(paragraph(say("profile.intro", instrument=clean_name(profile.instrument_name))))
    if len(summary) > 1:
        body.append(paragraph(say("profile.two")))
    body += say_answers(profile, say, language)
    body += say_changes(profile, say, language)
    body.append(_figure(profile, say, language, mark))
    body += say_moments(profile, say, language)
    body += _questions(profile, say)
    if is_called(profile):
        body += say_menu(profile, say, language, study_knows=study_knows)
    body += say_decisions(profile, say, language)
    tables = [_table(profile, one, say, language) for one in summary["respondent"]]
    body += side_by_side(tables)
    return PresentedProfile(sensitive_page(title, body, language=language), profile.family, language)


def _questions(profile: FamilyProfile, say: Phrases) -> list[str]:
    worse = bool(profile.tables["summary"].data["answer"].isin(WORSE).any())
    keys = ["question_1", "question_2", "question_3"]
    keys += ["question_still"] * is_called(profile) + ["question_worse"] * worse
    items = "".join(f"<li>{escape(say(f'profile.{key}'))}</li>" for key in keys)
    return [f"<h2>{escape(say('profile.heading_questions'))}</h2>\n<ul>{items}</ul>"]


def _table(profile: FamilyProfile, respondent: str, say: Phrases, language: str) -> str:
    waves = profile.tables["waves"].data
    mine = waves[waves["respondent"] == respondent]
    caption = f"{say('profile.heading_table')}: {name_respondent(say, respondent)}"
    heads = "".join(
        f'<th scope="col">{escape(say(f"profile.{name}"))}</th>'
        for name in ("month", "score", "error", "expected", "signal")
    )

    def number(value: float, digits: int = 1) -> str:
        return "–" if math.isnan(value) else format_number(value, language, digits=digits)

    rows = "".join(
        f'<tr><th scope="row">{number(row.months)}</th><td>{number(row.score)}</td>'
        f"<td>{number(row.error_low)} – {number(row.error_high)}</td>"
        f"<td>{number(row.band_low)} – {number(row.band_high)}</td>"
        f'<td class="text">{escape(_signal(say, str(row.signal)))}</td></tr>'
        for row in each_row(mine)
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _signal(say: Phrases, signal: str) -> str:
    return "–" if signal == "intake" else say.label("value.class", signal)


def _alts(profile: FamilyProfile, say: Phrases, names: Mapping[str, str], waves: pd.DataFrame) -> list[str]:
    alts = []
    for one, name in names.items():
        mine = waves[waves["respondent"] == one]
        first, last = mine.iloc[0], mine.iloc[-1]
        alts.append(
            say(
                "profile.figure_alt", respondent=name, n=len(mine),
                first=format_number(first["score"], say.language, digits=0),
                start=format_number(first["months"], say.language, digits=1),
                last=format_number(last["score"], say.language, digits=0),
                end=format_number(last["months"], say.language, digits=1),
            )
        )  # fmt: skip
    return alts


def _figure(profile: FamilyProfile, say: Phrases, language: str, mark: str) -> str:
    from mpg_research.present.figures.profile import draw_profile

    title = say("profile.figure_title")
    names = {one: name_respondent(say, one) for one in profile.tables["summary"].data["respondent"]}
    alts = _alts(profile, say, names, profile.tables["waves"].data)
    better = say("profile.better_low" if profile.higher_is_worse else "profile.better_high")
    picture = draw_profile(profile, say, names, title=title, mark=mark, label=" ".join(alts)).strip()
    caption = f"{say('profile.legend')} {say('talk.legend')} {better}"
    return f"<figure>\n{picture}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"
