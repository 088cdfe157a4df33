"""The languages there are: the folders of the catalogue, and what stands in each of them.

A language is a folder ``mpg_research/present/catalogue/<code>/`` with a ``language.toml`` (its name, its
numbers, its articles and plurals, and the words for whom and what a study is about) and any number of other
files with texts for readers. The files are divided by subject; all languages have the same keys, in whichever
files.

Folders elsewhere count too: the environment variable ``MPG_LANGUAGES`` names folders that hold language
folders, with the separator of ``PATH`` between them. Notebooks run in processes of their own and find them
the same way.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any

from mpg_research.errors import ConfigError
from mpg_research.toml import parse_toml

__all__ = [
    "CATALOGUE",
    "EXTRA_FOLDERS",
    "OF_MESSAGES",
    "Grammar",
    "article_of",
    "extra_files",
    "grammar_of",
    "known_language",
    "language_name",
    "languages",
    "texts_in",
]

#: The folder of the languages that come with the package.
CATALOGUE = Path(__file__).resolve().parent / "present" / "catalogue"
#: The environment variable that names further folders with languages.
EXTRA_FOLDERS = "MPG_LANGUAGES"
#: The language of error messages, of findings of the checks and of the command line; it always comes along.
OF_MESSAGES = "en"
_OF_ITSELF = "language.toml"
#: What every language must have words for.
_TERMS = ("family", "organisation", "group", "month", "week", "wave", "mean", "median")
_LAST = 1_000


@dataclass(frozen=True, slots=True)
class Grammar:
    """What must be known of a language to put numbers and names into its sentences: its ``language.toml``.

    Attributes
    ----------
    name : str
        What the language calls itself.
    locale : str
        The locale its numbers follow, as Unicode's CLDR names it ("nl", "en", "pt_BR").
    order : int
        Its place among the languages; the first is the one that counts where none was chosen.
    zero_before_p : bool
        Whether p-values have a zero before the decimal sign.
    first : str
        The word after which one of a thing has no number: "the first month", not "the first 1 month".
    articles : mapping of str to mapping of str to str
        Per article the words that go with it, by the name under which phrases ask for them. The first
        article whose ``before`` (a pattern of the start of a word) fits a noun is that noun's.
    terms : mapping of str to mapping of str to str
        Whom and what phrases are about: ``one``, ``many`` and their article, or words of their own.
    nouns, verbs : mapping of str to str
        The singular of a plural, as it may follow a number.
    between : tuple of str
        Words that may stand between a number and its noun.
    """

    name: str
    locale: str
    order: int = _LAST
    zero_before_p: bool = True
    first: str = ""
    articles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    nouns: Mapping[str, str] = field(default_factory=dict)
    verbs: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()


def languages() -> tuple[str, ...]:
    """The codes of the languages there are, in their order.

    Examples
    --------
    >>> languages()[:2]
    ('nl', 'en')
    """
    return tuple(_folders(os.environ.get(EXTRA_FOLDERS, "")))


def known_language(language: str) -> str:
    """The language, if there is such a one.

    Raises
    ------
    ConfigError
        If there is not.
    """
    if language not in languages():
        raise ConfigError(f"Unknown language {language!r}; expected one of {', '.join(languages())}.")
    return language


def language_name(language: str) -> str:
    """What a language calls itself: "Nederlands"."""
    return grammar_of(language).name


def grammar_of(language: str) -> Grammar:
    """The articles, plurals, terms and numbers of a language.

    Raises
    ------
    ConfigError
        If there is no such language, or its ``language.toml`` cannot be used.
    """
    return _grammar(_folder_of(language))


def article_of(grammar: Grammar, noun: str, article: str = "") -> str:
    """The article that a noun has, or else the one that its start asks for; "" in a language without.

    Examples
    --------
    >>> article_of(grammar_of("en"), "older adult"), article_of(grammar_of("en"), "user")
    ('an', 'a')
    """
    if article in grammar.articles:
        return article
    fits = (name for name, words in grammar.articles.items() if re.match(words.get("before", ""), noun, re.I))
    return next(fits, "")


def texts_in(language: str) -> Mapping[str, str]:
    """Every text of a language by its dotted key, as its files have it.

    Raises
    ------
    ConfigError
        If there is no such language, two of its files have the same key, another language has keys that it
        lacks, or a text asks for what is not filled in.
    """
    folder = _folder_of(language)
    texts = _texts(folder)
    for other, elsewhere in _folders(os.environ.get(EXTRA_FOLDERS, "")).items():
        lacking = _lacking(folder, elsewhere)
        if lacking:
            raise ConfigError(
                f"The catalogue of {language!r} ({folder}) lacks {len(lacking)} of the keys that {other!r} "
                f"has: {_some(lacking)}. Every language has the same keys: add them to a file of that "
                "folder, or take them out of the other."
            )
    for key, names in _not_filled(folder, _folder_of(OF_MESSAGES)):
        raise ConfigError(
            f"The text {key!r} of the catalogue of {language!r} ({folder}) asks for {names}, which nothing "
            f"fills in: {OF_MESSAGES!r} has no such placeholder there. Correct its name."
        )
    return texts


def extra_files() -> list[Path]:
    """The files of the languages that did not come with the package, in a fixed order."""
    found = _folders(os.environ.get(EXTRA_FOLDERS, "")).values()
    return [file for folder in found if folder.parent != CATALOGUE for file in sorted(folder.glob("*.toml"))]


def _folder_of(language: str) -> Path:
    return _folders(os.environ.get(EXTRA_FOLDERS, ""))[known_language(language)]


@cache
def _folders(extra: str) -> Mapping[str, Path]:
    """The folder of each language, in their order."""
    places = [CATALOGUE, *(Path(place).expanduser().resolve() for place in extra.split(os.pathsep) if place)]
    found: dict[str, Path] = {}
    for place in places:
        if not place.is_dir():
            raise ConfigError(f"{EXTRA_FOLDERS} names {place}, and there is no such folder with languages.")
        files = sorted(place.glob(f"*/{_OF_ITSELF}"))
        if not files:
            raise ConfigError(f"{place} holds no languages: no folder with a {_OF_ITSELF}.")
        for file in files:
            code = file.parent.name
            if code in found:
                raise ConfigError(f"Language {code!r} has two folders: {found[code]} and {file.parent}.")
            found[code] = file.parent
    return dict(sorted(found.items(), key=lambda each: (_grammar(each[1]).order, each[0])))


@cache
def _grammar(folder: Path) -> Grammar:
    file = folder / _OF_ITSELF
    try:
        grammar = Grammar(**_read(file))
    except TypeError as error:
        keys = ", ".join(Grammar.__dataclass_fields__)
        raise ConfigError(f"{file} is not as expected ({error}). Its keys are: {keys}.") from None
    lacking = [f"[terms.{term}]" for term in _TERMS if term not in grammar.terms]
    if lacking:
        raise ConfigError(f"{file} lacks {', '.join(lacking)}: words for what studies are about.")
    return grammar


@cache
def _texts(folder: Path) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    home: dict[str, str] = {}
    for file in sorted(folder.glob("*.toml")):
        if file.name == _OF_ITSELF:
            continue
        for key, text in _flat(_read(file)):
            if key in texts:
                raise ConfigError(
                    f"Two files of {folder} have the key {key!r}: {home[key]} and {file.name}. Each text "
                    "stands once; take it out of one of them."
                )
            texts[key], home[key] = text, file.name
    return MappingProxyType(texts)


@cache
def _lacking(folder: Path, other: Path) -> tuple[str, ...]:
    """Keys of another language that this one has not."""
    return tuple(key for key in _texts(other) if key not in _texts(folder))


@cache
def _not_filled(folder: Path, other: Path) -> tuple[tuple[str, str], ...]:
    """Keys whose text has placeholders that it has not in another language, and those placeholders."""
    found = []
    for key, text in _texts(folder).items():
        names = _placeholders(text) - _placeholders(_texts(other).get(key, ""))
        found += [(key, ", ".join(sorted(names)))] if names else []
    return tuple(found)


def _placeholders(text: str) -> set[str]:
    """Placeholders of a text, terms aside; of one whose braces do not fit, the text as a whole."""
    try:
        return {f"{{{name}}}" for _, name, _, _ in Formatter().parse(text) if name and "." not in name}
    except ValueError:
        return {text}


def _read(file: Path) -> dict[str, Any]:
    try:
        return parse_toml(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as TOML: {error}.") from None


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs


def _some(keys: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(keys[:most]) + (", ..." if len(keys) > most else "")
