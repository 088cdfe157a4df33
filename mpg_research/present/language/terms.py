"""Whom and what phrases are about, as terms of the language: families or another unit, months or weeks.

A phrase asks for a term by name and field: ``{family.many}``, with a capital ``{family.Many}``. The fields
are ``one`` and ``many``, and whatever goes with the term's article in that language (Dutch ``{family.het}``,
English ``{family.a}``). What stands behind the name differs per study: see :func:`terms_of`.
"""

import re
from collections.abc import Mapping
from typing import Literal

from mpg_research.errors import ConfigError
from mpg_research.languages import Grammar, article_of, grammar_of

__all__ = ["TimeUnit", "UnitWords", "put_terms", "terms_of"]

#: What the time axis counts.
TimeUnit = Literal["months", "weeks", "waves"]

#: One and more of a unit, and its article where the language has several ("" to go by the word).
UnitWords = tuple[str, str, str]

_TIMES: Mapping[TimeUnit, str] = {"months": "month", "weeks": "week", "waves": "wave"}
_TERM = re.compile(r"\{(family|organisation|month|reference)\.(\w+)\}")

Terms = Mapping[str, Mapping[str, str]]


def terms_of(
    language: str,
    *,
    groups: bool = False,
    unit: UnitWords | None = None,
    median: bool = False,
    time: TimeUnit = "months",
) -> Terms:
    """The fields of every term that phrases may ask for, by its name.

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

    Examples
    --------
    >>> terms_of("nl", unit=("patiënt", "patiënten", "de"))["family"]["elk"]
    'elke'
    """
    grammar = grammar_of(language)
    own = None if unit is None else dict(zip(("one", "many", "article"), unit, strict=True))
    return {
        "family": _fields(grammar, own or grammar.terms["family"]),
        "organisation": _fields(grammar, grammar.terms["group" if groups else "organisation"]),
        "month": _fields(grammar, grammar.terms[_TIMES[time]]),
        "reference": _fields(grammar, grammar.terms["median" if median else "mean"]),
    }


def _fields(grammar: Grammar, term: Mapping[str, str]) -> dict[str, str]:
    """What a term says of itself, and what goes with its article."""
    article = article_of(grammar, term.get("one", ""), term.get("article", ""))
    return {**grammar.articles.get(article, {}), **term}


def put_terms(text: str, terms: Terms) -> str:
    """A text with its terms filled in; other placeholders stay.

    Raises
    ------
    ConfigError
        If it asks for a field that the term has not.

    Examples
    --------
    >>> terms = terms_of("en", unit=("adult", "adults", ""))
    >>> put_terms("{family.A} {family.one}'s course, of {number} {family.many}.", terms)
    "An adult's course, of {number} adults."
    """
    return _TERM.sub(lambda found: _word(terms[found[1]], found, text), text)


def _word(fields: Mapping[str, str], found: re.Match[str], text: str) -> str:
    name = found[2]
    word = fields.get(name.lower())
    if word is None:
        known = ", ".join(sorted(set(fields) - {"article", "before"}))
        raise ConfigError(
            f"The text {text!r} asks for {found[0]}, which there is not; of {found[1]!r} there are: {known}."
        )
    return word[:1].upper() + word[1:] if name[:1].isupper() else word
