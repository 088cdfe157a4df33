"""The catalogue of phrases: every sentence, caption and label, per language, as data."""

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

from mpg_research.languages import grammar_of, texts_in
from mpg_research.plurals import is_one, singular_after_one
from mpg_research.present.language.terms import TimeUnit, UnitWords, put_terms, terms_of
from mpg_research.visible import visible

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Phrases", "phrases_in", "study_phrases"]


class Phrases:
    """The phrases of one language, by dotted key.

    Parameters
    ----------
    language : str
        Code of the language.
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
        """The phrase with its placeholders filled in; after the number one, its noun in the singular.

        Values that the phrase has no placeholder for are left aside.
        """
        nouns = self.unit[:2] if self.unit else None
        first = grammar_of(self.language).first
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
                of_one = first and value.startswith("1 ") and "".join(parts[-1:]).endswith(f"{first} ")
                parts.append(value.removeprefix("1 ") if of_one else value)
                after_one = is_one(values[name])
        return "".join(parts)

    def under(self, section: str) -> dict[str, str]:
        """The texts of a section by their names in it, placeholders as they are."""
        start = f"{section}."
        return {key.removeprefix(start): text for key, text in self.entries.items() if key.startswith(start)}

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
    r"""A code or a text from data, fit to be read: nothing invisible, no underscores.

    Examples
    --------
    >>> readable("problem_\x00housing")
    'Problem ‹U+0000›housing'
    """
    words = visible(text).replace("_", " ").strip()
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
    language : str
        Code of the language.
    groups : bool
        Whether to speak of groups in place of organisations (the arms of a trial are none).
    unit : UnitWords or None
        Whom to speak of in place of families.
    median : bool
        Whether organisations are compared with their median in place of their mean.
    time : {"months", "weeks", "waves"}
        What the time axis counts.

    Raises
    ------
    ConfigError
        If it is not one of the languages, or its catalogue cannot be used.
    """
    terms = terms_of(language, groups=groups, unit=unit, median=median, time=time)
    entries = {key: put_terms(text, terms) for key, text in texts_in(language).items()}
    return Phrases(language, entries, unit)


def study_phrases(config: "StudyConfig", language: str) -> Phrases:
    """The phrases of a language in the terms of a study.

    Parameters
    ----------
    config : StudyConfig
        The study.
    language : str
        Code of the language.

    Returns
    -------
    Phrases
    """
    return phrases_in(
        language,
        groups=config.disclosure.public_groups,
        unit=config.study.unit_words.get(language),
        time=config.time.axis_unit,
    )
