"""The catalogue of phrases: every sentence, caption and label, per language, as data."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from mpg_research.errors import ConfigError
from mpg_research.plurals import is_one, singular_after_one
from mpg_research.present.language.units import TimeUnit, UnitWords, speak_of, tell_time_in

__all__ = ["LANGUAGES", "Phrases", "phrases_in", "speak_of_groups"]

LANGUAGES = ("nl", "en")
GROUP_WORDS = {
    "nl": {
        "organisaties": "groepen",
        "Organisaties": "Groepen",
        "organisatie": "groep",
        "Organisatie": "Groep",
    },
    "en": {"an organisation": "a group", "Organisation": "Group", "organisation": "group"},
}
#: What the phrases about the reference of a comparison say where it is the median of the organisations.
MEDIAN_WORDS = {
    "nl": {
        "het gemiddelde": "de mediaan",
        "Het gemiddelde": "De mediaan",
        "gemiddelde van de organisaties": "mediaan van de organisaties",
        "dan gemiddeld": "dan de mediaan",
        "gemiddeld {value}": "mediaan {value}",
    },
    "en": {
        "the average": "the median",
        "average of the organisations": "median of the organisations",
        "than average": "than the median",
        "average {value}": "median {value}",
    },
}
ABOUT_REFERENCE = (
    *("organisations.", "robustness.", "column.different", "caption.difference_from_mean"),
    *("figure.difference_from_mean.", "figure.change_by_organisation."),
)
#: The funnel plot keeps its mean, weighted by precision.
NOT_ABOUT_REFERENCE = ("organisations.funnel",)
#: What is about months of the calendar, whatever the time axis counts.
ABOUT_CALENDAR = ("note.incomplete_dates",)
ABOUT_FAMILIES = ("intervention.", "concept.")
FIRST = {"nl": "eerste ", "en": "first "}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Phrases:
    """The phrases of one language, by dotted key.

    Parameters
    ----------
    language : {"nl", "en"}
        The language.
    entries : mapping of str to str
        Phrases by dotted key, with placeholders in braces. ``{number:lies|lie}`` is the first word where the
        number is one, else the second.
    unit : UnitWords or None
        Whom the phrases speak of in place of families.
    """

    def __init__(self, language: str, entries: Mapping[str, str], unit: UnitWords | None = None) -> None:
        self.language = language
        self.entries = dict(entries)
        self.unit = unit

    def __call__(self, key: str, **values: object) -> str:
        """The phrase with its placeholders filled in; after the number one, its noun in the singular."""
        nouns = self.unit[:2] if self.unit else None
        parts, after_one = [], False
        for text, name, either, _ in Formatter().parse(self.entries[key]):
            parts.append(singular_after_one(text, self.language, nouns) if after_one else text)
            after_one = False
            if not name:
                continue
            if either:
                one, more = either.split("|")
                parts.append(one if is_one(values[name]) else more)
            else:
                value = str(values[name])
                # "the first 12 months", and of one: "the first month".
                of_one = value.startswith("1 ") and "".join(parts[-1:]).endswith(FIRST[self.language])
                parts.append(value.removeprefix("1 ") if of_one else value)
                after_one = is_one(values[name])
        return "".join(parts)

    def has(self, key: str) -> bool:
        """Whether there is such a phrase."""
        return key in self.entries

    def label(self, kind: str, name: object) -> str:
        """The label of a code ("value.step", "scored"); made readable where the catalogue has none."""
        text = str(name)
        return self.entries.get(f"{kind}.{text}") or readable(text)

    def placeholders(self, key: str) -> frozenset[str]:
        """Names of the placeholders in a phrase."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.entries[key]) if name)


def readable(text: str) -> str:
    r"""A code or a text from data, fit to be read: no control characters, no underscores.

    Examples
    --------
    >>> readable("problem_\x00housing")
    'Problem housing'
    """
    words = CONTROL.sub("", text).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


@cache
def phrases_in(
    language: str,
    *,
    groups: bool = False,
    unit: UnitWords | None = None,
    median: bool = False,
    time: TimeUnit = "months",
) -> Phrases:
    """The phrases of a language.

    Parameters
    ----------
    language : {"nl", "en"}
        The language.
    groups : bool
        Whether to speak of groups in place of organisations (the arms of a trial are none).
    unit : UnitWords or None
        Whom to speak of in place of families; the toolkit's interventions are always about families.
    median : bool
        Whether organisations are compared with their median in place of their mean.
    time : {"months", "weeks", "waves"}
        What the time axis counts.

    Raises
    ------
    ConfigError
        If it is not one of the languages.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"Unknown language {language!r}; expected one of {', '.join(LANGUAGES)}.")
    entries: dict[str, str] = {}
    parts = [part for part in files("mpg_research.present").joinpath("catalogue").iterdir()
             if part.name.partition(".")[0].partition("_")[0] == language]  # fmt: skip
    for part in sorted(parts, key=lambda each: each.name):
        entries.update(_flatten(tomllib.loads(part.read_text("utf-8"))))
    if median:
        entries = {key: _speak_of_median(key, phrase, language) for key, phrase in entries.items()}
    if groups:
        entries = {key: speak_of_groups(phrase, language) for key, phrase in entries.items()}
    if unit is not None:
        entries = {
            key: phrase if key.startswith(ABOUT_FAMILIES) else speak_of(phrase, language, unit)
            for key, phrase in entries.items()
        }
    entries = {
        key: phrase if key.startswith(ABOUT_CALENDAR) else tell_time_in(phrase, language, time)
        for key, phrase in entries.items()
    }
    return Phrases(language, entries, unit)


def _speak_of_median(key: str, phrase: str, language: str) -> str:
    if not key.startswith(ABOUT_REFERENCE) or key.startswith(NOT_ABOUT_REFERENCE):
        return phrase
    for word, instead in MEDIAN_WORDS[language].items():
        phrase = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", instead, phrase)
    return phrase


def speak_of_groups(phrase: str, language: str) -> str:
    """A text about organisations as one about groups.

    Dutch "organisatie" and "groep" have the same gender, so that nothing else in a sentence changes.
    """
    for word, instead in GROUP_WORDS[language].items():
        phrase = re.sub(rf"(?<![\w{{]){word}", instead, phrase)
    return phrase


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flatten(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs
