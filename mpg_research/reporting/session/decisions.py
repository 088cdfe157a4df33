"""The choices behind a result, in words: what counted as the start, whose answers, which period, what else.

They come from ``study.toml`` and the analysis' own arguments, never from the data, so every reader may see
them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from mpg_research.present.language.phrases import speak_of_groups
from mpg_research.present.language.units import speak_of, tell_time_in

if TYPE_CHECKING:
    from mpg_research.instruments import Instrument
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Choices", "Decisions", "describe_decisions"]

_TEXT: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "start_dates": "Tijdstip nul is de start van de hulp. Metingen tot {days} dagen voor de start tellen "
        "als de start.",
        "start_numbers": "De tijd is in de studie een getal ({unit}); {origin} is tijdstip nul.",
        "end": "Metingen na het einde van de hulp zijn nametingen en tellen niet mee in het verloop.",
        "declared": "Per gezin telt een vaste invuller: de eerste ouder, en waar die niet invulde degene met "
        "de meeste metingen.",
        "both": "Alle invullers van een gezin tellen mee; het model houdt ze uit elkaar.",
        "first": "Van een gezin dat vaker hulp kreeg, telt de eerste periode met een score.",
        "all": "Alle periodes van hulp van een gezin tellen mee.",
        "instrument": "Vragenlijst: {name} ({abbreviation}).",
        "strict": "Een vragenlijst krijgt alleen een score als alle vragen zijn beantwoord ({whose}).",
        "prorated": "Tot {number} onbeantwoorde vragen wordt de score geschat uit de andere antwoorden "
        "({whose}).",
        "package": "onze eigen regel, niet die van de uitgever",
        "publisher": "de regel van de uitgever",
        "study": "de keuze van deze studie",
        "reversed": "Omgekeerd gescoord: {items}.",
        "raw": "De uitkomst is de ruwe score ({low} tot {high}).",
        "t_score": "De uitkomst is de T-score. Herkomst van de normtabel: {source}",
        "case_mix": "Gecorrigeerd voor wat bij de start bekend is: {names}.",
        "no_case_mix": "Er is niet gecorrigeerd voor verschillen tussen gezinnen bij de start.",
        "level": "Intervallen zijn {level}%-betrouwbaarheidsintervallen.",
        "satterthwaite": "Vrijheidsgraden volgens Satterthwaite.",
        "kenward-roger": "Standaardfouten en vrijheidsgraden volgens Kenward en Roger.",
        "holm": "P-waarden van meer vergelijkingen tegelijk zijn gecorrigeerd volgens Holm.",
        "formula": "Model: {formula}",
        "carries_on": "Wat overblijft werkt door van meting op meting: samenhang na een maand {size}.",
        "minimum": "Cijfers over minder dan {number} gezinnen worden niet getoond.",
        "trajectory": "Het gemiddelde verloop",
        "organisations": "De vergelijking van de organisaties",
        "organisations_over_time": "De vergelijking van de beginjaren",
        "organisation_robustness": "De andere manieren van berekenen",
        "individual_change": "De verandering van start tot laatste meting",
        "reliable_trend": "De trend over alle metingen",
        "course": "Het antwoord bij de laatste meting",
        "missing_data": "Wie stopt en wat er ontbreekt",
    },
    "en": {
        "start_dates": "Time zero is the start of help. Measurements up to {days} days before the start "
        "count as the start.",
        "start_numbers": "Time is a number in this study ({unit}); {origin} is time zero.",
        "end": "Measurements after the end of help are follow-up and do not enter the course.",
        "declared": "One fixed respondent per family counts: the first parent, or else the one with most "
        "measurements.",
        "both": "All respondents of a family count; the model keeps them apart.",
        "first": "Of a family that was helped more than once, the first period with a score counts.",
        "all": "All periods of help of a family count.",
        "instrument": "Questionnaire: {name} ({abbreviation}).",
        "strict": "A questionnaire is scored only if all questions are answered ({whose}).",
        "prorated": "With up to {number} unanswered questions the score is estimated from the others "
        "({whose}).",
        "package": "our own rule, not the publisher's",
        "publisher": "the publisher's rule",
        "study": "this study's choice",
        "reversed": "Scored the other way round: {items}.",
        "raw": "The outcome is the raw score ({low} to {high}).",
        "t_score": "The outcome is the T-score. Source of the norm table: {source}",
        "case_mix": "Adjusted for what is known at the start: {names}.",
        "no_case_mix": "Not adjusted for differences between families at the start.",
        "level": "Intervals are {level}% confidence intervals.",
        "satterthwaite": "Degrees of freedom by Satterthwaite's method.",
        "kenward-roger": "Standard errors and degrees of freedom by the method of Kenward and Roger.",
        "holm": "P-values of several comparisons at once are corrected by Holm's method.",
        "formula": "Model: {formula}",
        "carries_on": "What is left over carries on between measurements: correlation {size} a month apart.",
        "minimum": "Numbers about fewer than {number} families are not shown.",
        "trajectory": "The mean course",
        "organisations": "The comparison of the organisations",
        "organisations_over_time": "The comparison of the years of start",
        "organisation_robustness": "The other ways of computing",
        "individual_change": "The change from the start to the last measurement",
        "reliable_trend": "The trend over all measurements",
        "course": "The answer at the last measurement",
        "missing_data": "Who stops and what is missing",
    },
}
_UNITS = {
    "nl": {"days": "dagen", "weeks": "weken", "months": "maanden", "years": "jaren", "waves": "meetrondes"},
    "en": {"days": "days", "weeks": "weeks", "months": "months", "years": "years", "waves": "waves"},
}
_VARIABLES = {
    "nl": {
        "child_age": "leeftijd van het kind",
        "n_children": "aantal kinderen",
        "single_parent": "eenoudergezin",
        "earlier_care": "eerdere hulp",
        "problem_mental_health": "problemen met psychische gezondheid",
        "problem_addiction": "verslaving",
        "problem_parenting": "problemen met opvoeden",
        "problem_housing": "problemen met wonen",
        "problem_money": "geldproblemen en schulden",
        "problem_school_work": "problemen met school of werk",
    },
    "en": {
        "child_age": "age of the child",
        "n_children": "number of children",
        "single_parent": "single parent",
        "earlier_care": "earlier care",
        "problem_mental_health": "mental-health problems",
        "problem_addiction": "addiction",
        "problem_parenting": "problems with parenting",
        "problem_housing": "problems with housing",
        "problem_money": "problems with money and debts",
        "problem_school_work": "problems with school or work",
    },
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What one result was computed with.

    Attributes
    ----------
    kind : str
        Which analysis ("trajectory", "organisations", ...).
    parameters : mapping
        Its arguments after defaults were filled in, as released (``released.provenance.parameters``).
    level : float
        Confidence level of its intervals.
    used : tuple of str
        How many measurements of how many families it rests on, as its readers may know it.
    is_shown : bool
        Whether the page shows it: of what it does not show nothing is said but what all results share.
    correlation : float, optional
        Of residuals a month apart, where they carry on and readers may know.
    """

    kind: str
    parameters: Mapping[str, Any]
    level: float
    used: tuple[str, ...] = ()
    is_shown: bool = True
    correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """The choices behind the results of a page, one sentence each.

    Attributes
    ----------
    sentences : tuple of str
        What all results share. Plain text.
    parts : tuple of (str, tuple of str)
        Per result: its name, and what holds for it alone.
    """

    sentences: tuple[str, ...]
    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        items = [f"<li>{escape(sentence)}</li>" for sentence in self.sentences]
        for name, sentences in self.parts:
            inner = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
            items.append(f"<li><strong>{escape(name)}</strong><ul>{inner}</ul></li>")
        return {"text/html": f'<ul class="decisions">{"".join(items)}</ul>', "text/plain": str(self)}

    def __str__(self) -> str:
        lines = [f"- {sentence}" for sentence in self.sentences]
        for name, sentences in self.parts:
            lines += [f"- {name}", *(f"  - {sentence}" for sentence in sentences)]
        return "\n".join(lines)


def describe_decisions(
    config: "StudyConfig",
    results: Sequence[Choices],
    *,
    instrument: "Instrument | None",
    outcome: str,
    language: str,
    show_model: bool = False,
) -> Decisions:
    """The choices behind the results of a page in words: what they share once, the rest per result.

    Parameters
    ----------
    config : StudyConfig
        The study's configuration.
    results : sequence of Choices
        The results of the page, one or more; the first says whose answers and which period count.
    instrument : Instrument or None
        The questionnaire the results are about.
    outcome : {"raw", "t_score", ""}
        The score analysed.
    language : {"nl", "en"}
        Language of the sentences.
    show_model : bool, default False
        Whether the model formula is given too.

    Returns
    -------
    Decisions
    """
    unit = config.study.unit_words.get(language)
    time = config.time.axis_unit
    texts = _TEXT[language]
    if config.disclosure.public_groups:
        texts = {key: speak_of_groups(text, language) for key, text in texts.items()}
    words = {key: tell_time_in(speak_of(text, language, unit), language, time) for key, text in texts.items()}
    sentences = [
        *_about_time(config, words, language),
        *_about_sample(results[0].parameters, words),
        *_about_score(instrument, outcome, words, language),
        words["minimum"].format(number=config.disclosure.minimum_families),
    ]
    found = [
        (each.kind, (*each.used, *_about_model(each, words, language, show_model)))
        for each in results
        if each.is_shown
    ]
    found = [(kind, own) for kind, own in found if own]
    if len(results) == 1:  # a page about one thing needs no heading for it
        return Decisions((*sentences, *(sentence for _, own in found for sentence in own)))
    return Decisions(tuple(sentences), tuple((words.get(kind, kind), own) for kind, own in found))


def _about_time(config: "StudyConfig", words: Mapping[str, str], language: str) -> Iterator[str]:
    if config.time.kind == "dates":
        yield words["start_dates"].format(days=config.time.baseline_window_days)
        yield words["end"]
    else:
        unit = _UNITS[language][config.time.unit]
        yield words["start_numbers"].format(unit=unit, origin=f"{config.time.origin:g}")


def _about_sample(parameters: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    for name in ("respondents", "episodes"):
        choice = parameters.get(name)
        if choice in words:
            yield words[str(choice)]


def _about_score(
    instrument: "Instrument | None", outcome: str, words: Mapping[str, str], language: str
) -> Iterator[str]:
    if instrument is None:
        return
    yield words["instrument"].format(name=instrument.name_in(language), abbreviation=instrument.abbreviation)
    if not instrument.total_only:
        rule = instrument.missing_rule
        text = words["prorated" if rule.prorates else "strict"]
        yield text.format(number=rule.max_missing, whose=words[rule.decided_by])
    if instrument.reverse_items:
        yield words["reversed"].format(items=", ".join(instrument.reverse_items))
    if outcome == "t_score" and instrument.norms is not None:
        yield words["t_score"].format(source=instrument.norms.source)
    elif outcome == "raw":
        yield words["raw"].format(low=f"{instrument.raw_minimum:g}", high=f"{instrument.raw_maximum:g}")


def _about_model(
    choices: Choices, words: Mapping[str, str], language: str, show_model: bool
) -> Iterator[str]:
    parameters = choices.parameters
    if "formula" not in parameters:
        return
    names = [_VARIABLES[language].get(name, str(name)) for name in parameters.get("case_mix", ())]
    yield words["case_mix"].format(names=", ".join(names)) if names else words["no_case_mix"]
    yield words["level"].format(level=f"{100 * choices.level:g}")
    for name in ("df", "adjust"):
        choice = parameters.get(name)
        if choice in words:
            yield words[str(choice)]
    if show_model:
        yield words["formula"].format(formula=_readable_formula(parameters))
        if choices.correlation is not None:
            size = f"{choices.correlation:.2f}"
            yield words["carries_on"].format(size=size.replace(".", ",") if language == "nl" else size)


def _readable_formula(parameters: Mapping[str, Any]) -> str:
    """The formula with the case-mix columns by their names, where it holds all of them."""
    formula, names = str(parameters["formula"]), list(parameters.get("case_mix", ()))
    numbers = {int(found) for found in re.findall(r"covariate_(\d+)", formula)}
    if numbers != set(range(1, len(names) + 1)):
        return formula
    return re.sub(r"covariate_(\d+)", lambda found: str(names[int(found[1]) - 1]), formula)
