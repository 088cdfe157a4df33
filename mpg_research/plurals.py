"""One of a thing and more of it: "1 error", "2 errors".

Texts are written for more than one. Where a number in them turns out to be one, the noun that follows it
becomes singular, and so does a verb right behind the noun. What is not so simple (a verb in front of the
number) a text spells out itself: ``{number:lies|lie}``. The words stand in the language's ``language.toml``.
"""

import re
from collections.abc import Mapping
from functools import cache

from mpg_research.languages import OF_MESSAGES, grammar_of

__all__ = ["counted", "is_one", "singular_after_one", "singulars", "words_counted"]


def is_one(value: object) -> bool:
    """Whether a number, or a number as it is written, is one."""
    return str(value).strip() in ("1", "1.0") if not isinstance(value, bool) else False


def singular_after_one(text: str, language: str, unit: tuple[str, str] | None = None) -> str:
    """What follows the number one, with its first noun and the verb right behind it in the singular.

    Parameters
    ----------
    text : str
        What follows, the space included: ``" organisations lie beyond"``.
    language : str
        Code of the language.
    unit : tuple of str, optional
        One and more of whom the study is about.

    Examples
    --------
    >>> singular_after_one(" organisations lie beyond", "en")
    ' organisation lies beyond'
    """
    pattern, one, verbs = _rule(language, unit)
    found = pattern.match(text)
    if found is None:
        return text
    before, noun, gap, verb = found["before"], found["noun"], found["gap"] or "", found["verb"] or ""
    return f"{before}{one[noun]}{gap}{verbs.get(verb, verb)}{text[found.end() :]}"


def counted(number: int, words: str) -> str:
    """A number and what it counts, in English: "1 error", "2 errors".

    Examples
    --------
    >>> counted(1, "values out of range"), counted(0, "errors")
    ('1 value out of range', '0 errors')
    """
    follows = f" {words}"
    return f"{number}{singular_after_one(follows, OF_MESSAGES) if number == 1 else follows}"


def words_counted(number: int, unit: tuple[str, str] | None) -> str:
    """So many families, or whatever the study is about.

    Examples
    --------
    >>> words_counted(1, None), words_counted(3, ("patient", "patients"))
    ('1 family', '3 patients')
    """
    family = grammar_of(OF_MESSAGES).terms["family"]
    one, many = unit or (family["one"], family["many"])
    return f"{number} {one if number == 1 else many}"


def singulars(language: str) -> Mapping[str, str]:
    """The singular of every plural that the language's texts may have behind a number.

    Examples
    --------
    >>> singulars("en")["families"], singulars("en")["moments"]
    ('family', 'moment')
    """
    grammar = grammar_of(language)
    terms = {term["many"]: term["one"] for term in grammar.terms.values() if "many" in term}
    return terms | dict(grammar.nouns)


@cache
def _rule(
    language: str, unit: tuple[str, str] | None
) -> tuple[re.Pattern[str], Mapping[str, str], Mapping[str, str]]:
    grammar = grammar_of(language)
    one = dict(singulars(language)) | ({unit[1]: unit[0]} if unit else {})
    between = "".join(rf"{re.escape(word)}|" for word in grammar.between)
    pattern = re.compile(
        rf"(?P<before>\s+(?:(?:{between}(?!))\s+)?)(?P<noun>{_any_of(one)})\b"
        rf"(?:(?P<gap>\s+)(?P<verb>{_any_of(grammar.verbs)})\b)?"
    )
    return pattern, one, grammar.verbs


def _any_of(words: Mapping[str, str]) -> str:
    """A pattern of any of these words, the longest first; of none, one that fits nothing."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
