"""The choices behind a result, in words: what counted as the start, whose answers, which period, what else.

They come from ``study.toml`` and the analysis' own arguments, never from the data, so every reader may see
them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from mpg_research.present.language.numbers import format_number, format_plain
from mpg_research.present.language.phrases import Phrases, study_phrases

if TYPE_CHECKING:
    from mpg_research.disclosure.released import Released
    from mpg_research.instruments import Instrument
    from mpg_research.present.presented import SaidRule
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = [
    "Applied",
    "Choices",
    "Decisions",
    "describe_decisions",
    "settings_sentences",
    "shared_sentences",
]


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
class Applied:
    """A rule of disclosure, and where on a page it hid or rounded something.

    Attributes
    ----------
    rule : SaidRule
        The rule in words.
    where : tuple of str
        What the tables and figures concerned are about.
    """

    rule: "SaidRule"
    where: tuple[str, ...]


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
    private: bool = False,
    rules: Sequence[Applied] = (),
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
    language : str
        Code of the language of the sentences.
    show_model : bool, default False
        Whether the model formula is given too.
    private : bool, default False
        Whether the page is the researcher's own, with nothing suppressed.
    rules : sequence of Applied
        The rules of disclosure that hid something on the page, for whoever may know them.

    Returns
    -------
    Decisions
    """
    phrases = study_phrases(config, language)
    sentences = [
        *shared_sentences(
            config, results[0].parameters, instrument=instrument, outcome=outcome, phrases=phrases
        ),
        phrases("decisions.private")
        if private
        else phrases("decisions.minimum", number=config.disclosure.minimum_families),
    ]
    found = [
        (each.kind, (*each.used, *_about_model(each, phrases, show_model)))
        for each in results
        if each.is_shown
    ]
    found = [(kind, own) for kind, own in found if own]
    hidden = [(phrases("decisions.rules"), tuple(_about_rules(rules, phrases)))] if rules else []
    if len(results) == 1:  # a page about one thing needs no heading for it
        return Decisions((*sentences, *(sentence for _, own in found for sentence in own)), tuple(hidden))
    return Decisions(tuple(sentences), (*((_name_of(kind, phrases), own) for kind, own in found), *hidden))


def shared_sentences(
    config: "StudyConfig",
    parameters: Mapping[str, Any],
    *,
    instrument: "Instrument | None",
    outcome: str,
    phrases: Phrases,
) -> tuple[str, ...]:
    """What all results of a page share: time zero, whose answers, the questionnaire and its score.

    Parameters
    ----------
    config : StudyConfig
        The study's configuration.
    parameters : mapping
        Of a result: whose answers and which period count.
    instrument : Instrument or None
        The questionnaire the results are about.
    outcome : {"raw", "t_score", ""}
        The score analysed.
    phrases : Phrases
        The catalogue of a language.
    """
    return (
        *_about_time(config, phrases),
        *_choices_of(parameters, ("respondents", "episodes"), phrases),
        *_about_score(instrument, outcome, phrases),
    )


def settings_sentences(released: "Released", phrases: Phrases) -> tuple[str, ...]:
    """What a model was adjusted for, and the level of its intervals; nothing of other results.

    Parameters
    ----------
    released : Released
        The result.
    phrases : Phrases
        The catalogue of a language.
    """
    parameters = released.provenance.parameters
    if "formula" not in parameters:
        return ()
    names = [_name_of_variable(name, phrases) for name in parameters.get("case_mix", ())]
    adjusted = (
        phrases("decisions.case_mix", names=", ".join(names)) if names else phrases("decisions.no_case_mix")
    )
    return adjusted, phrases("decisions.level", level=format_plain(100 * released.level, phrases.language))


def _about_rules(rules: Sequence[Applied], phrases: Phrases) -> Iterator[str]:
    """Each rule once: what it says, which setting governs it, and where on the page it hid something."""
    for applied in rules:
        name = applied.rule.name
        where = "; ".join(applied.where)
        yield phrases(
            "decisions.rule_item", name=name[:1].upper() + name[1:], says=applied.rule.text, where=where
        )


def _name_of(kind: str, phrases: Phrases) -> str:
    key = f"decisions.result.{kind}"
    return phrases(key) if phrases.has(key) else kind


def _about_time(config: "StudyConfig", phrases: Phrases) -> Iterator[str]:
    if config.time.kind == "dates":
        yield phrases("decisions.start_dates", days=config.time.baseline_window_days)
        yield phrases("decisions.end")
    else:
        unit = phrases(f"decisions.unit.{config.time.unit}")
        origin = format_plain(config.time.origin, phrases.language)
        yield phrases("decisions.start_numbers", unit=unit, origin=origin)


def _choices_of(parameters: Mapping[str, Any], names: Sequence[str], phrases: Phrases) -> Iterator[str]:
    """What was chosen for these arguments, as far as there is something to say about it."""
    for name in names:
        key = f"decisions.choice.{parameters.get(name)}"
        if phrases.has(key):
            yield phrases(key)


def _about_score(instrument: "Instrument | None", outcome: str, phrases: Phrases) -> Iterator[str]:
    if instrument is None:
        return
    name = instrument.name_in(phrases.language)
    yield phrases("decisions.instrument", name=name, abbreviation=instrument.abbreviation)
    if not instrument.total_only:
        rule = instrument.missing_rule
        whose = phrases(f"decisions.decided_by.{rule.decided_by}")
        key = "prorated" if rule.prorates else "strict"
        number = {"number": rule.max_missing} if rule.prorates else {}
        yield phrases(f"decisions.{key}", whose=whose, **number)
    if instrument.reverse_items:
        yield phrases("decisions.reversed", items=", ".join(instrument.reverse_items))
    if outcome == "t_score" and instrument.norms is not None:
        yield phrases("decisions.t_score", source=instrument.norms.source)
    elif outcome == "raw":
        low, high = (
            format_plain(end, phrases.language) for end in (instrument.raw_minimum, instrument.raw_maximum)
        )
        yield phrases("decisions.raw", low=low, high=high)


def _about_model(choices: Choices, phrases: Phrases, show_model: bool) -> Iterator[str]:
    parameters = choices.parameters
    if "formula" not in parameters:
        return
    names = [_name_of_variable(name, phrases) for name in parameters.get("case_mix", ())]
    yield phrases("decisions.case_mix", names=", ".join(names)) if names else phrases("decisions.no_case_mix")
    yield phrases("decisions.level", level=format_plain(100 * choices.level, phrases.language))
    yield from _choices_of(parameters, ("df", "adjust"), phrases)
    if show_model:
        yield phrases("decisions.formula", formula=_readable_formula(parameters))
        if choices.correlation is not None:
            size = format_number(choices.correlation, phrases.language, digits=2)
            yield phrases("decisions.carries_on", size=size)


def _name_of_variable(name: str, phrases: Phrases) -> str:
    key = f"decisions.variable.{name}"
    return phrases(key) if phrases.has(key) else str(name)


def _readable_formula(parameters: Mapping[str, Any]) -> str:
    """The formula with the case-mix columns by their names, where it holds all of them."""
    formula, names = str(parameters["formula"]), list(parameters.get("case_mix", ()))
    numbers = {int(found) for found in re.findall(r"covariate_(\d+)", formula)}
    if numbers != set(range(1, len(names) + 1)):
        return formula
    return re.sub(r"covariate_(\d+)", lambda found: str(names[int(found[1]) - 1]), formula)
