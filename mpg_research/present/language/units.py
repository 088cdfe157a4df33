"""Whom a study is about, in words: families, unless its study.toml names another unit."""

import re
from functools import cache, partial
from typing import Literal

__all__ = ["TimeUnit", "UnitWords", "speak_of", "tell_time_in"]

#: What the time axis counts.
TimeUnit = Literal["months", "weeks", "waves"]

#: One and more of a unit, and in Dutch its article: ("patiënt", "patiënten", "de").
UnitWords = tuple[str, str, str]

# The demonstratives and quantifiers that go with "het" in Dutch, as they are with "de".
_WITH_DE = {
    "het": "de",
    "dit": "deze",
    "dat": "die",
    "elk": "elke",
    "ieder": "iedere",
    "welk": "welke",
    "geen enkel": "geen enkele",
    "ons": "onze",
}
_SPOKEN_AS_CONSONANT = ("eu", "one", "uni", "use")


def speak_of(text: str, language: str, unit: UnitWords | None) -> str:
    """A text about families as one about another unit; placeholders in braces stay.

    Parameters
    ----------
    text : str
        Dutch or English.
    language : {"nl", "en"}
        Which of the two.
    unit : UnitWords or None
        What to speak of; None leaves the text as it is.

    Examples
    --------
    >>> speak_of("Elk gezin telt; {families} gezinnen.", "nl", ("patiënt", "patiënten", "de"))
    'Elke patiënt telt; {families} patiënten.'
    >>> speak_of("A family's course, of 12 families.", "en", ("adult", "adults", ""))
    "An adult's course, of 12 adults."
    """
    if unit is None:
        return text
    pattern, instead = _rules(language, unit)
    return pattern.sub(partial(_as_written, instead=instead), text)


@cache
def _rules(language: str, unit: UnitWords) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern, so that no word of the unit is replaced again; its group ``rule_n`` is rule n."""
    one, many, article = unit
    rules = []
    if language == "nl":
        if article == "de":
            for before, after in _WITH_DE.items():
                # Up to one word may stand between: "het middelste gezin".
                rules.append((rf"\b{before} (\w+e )?gezin\b", f"{after} {{between}}{one}"))
            rules.append((r"\bgezin dat\b", f"{one} die"))
        rules += [(r"\bgezinnen\b", many), (r"\bgezin\b", one)]
    else:
        has_vowel = one[:1].lower() in "aeiou" and not one.lower().startswith(_SPOKEN_AS_CONSONANT)
        article = "an" if has_vowel else "a"
        rules += [(r"\ba family\b", f"{article} {one}"), (r"\bfamilies\b", many), (r"\bfamily\b", one)]
    parts = "|".join(f"(?P<rule_{place}>{pattern})" for place, (pattern, _) in enumerate(rules))
    return re.compile(rf"(?<!{{)(?:{parts})", re.IGNORECASE), tuple(to for _, to in rules)


def _as_written(found: re.Match[str], *, instead: tuple[str, ...]) -> str:
    """The replacement with the word in between, with a capital where the text had one."""
    text = instead[int(str(found.lastgroup).removeprefix("rule_"))]
    if "{between}" in text and found.lastindex is not None:
        text = text.replace("{between}", found.group(found.lastindex + 1) or "")
    return text[:1].upper() + text[1:] if found.group()[:1].isupper() else text


#: One and more of a unit of time. All Dutch ones go with "de", so nothing else in a sentence changes.
_TIMES: dict[str, dict[TimeUnit, tuple[str, str]]] = {
    "nl": {"months": ("maand", "maanden"), "weeks": ("week", "weken"), "waves": ("meting", "metingen")},
    "en": {"months": ("month", "months"), "weeks": ("week", "weeks"), "waves": ("wave", "waves")},
}


def tell_time_in(text: str, language: str, unit: TimeUnit) -> str:
    """A text about months as one about weeks or waves; placeholders, "month 12" and "three months" stay.

    Parameters
    ----------
    text : str
        Dutch or English.
    language : {"nl", "en"}
    unit : {"months", "weeks", "waves"}

    Examples
    --------
    >>> tell_time_in("Maand {month} van {period} maanden.", "nl", "weeks")
    'Week {month} van {period} weken.'
    """
    if unit == "months":
        return text
    for written, instead in zip(_TIMES[language]["months"], _TIMES[language][unit], strict=True):
        pattern = rf"(?<![\w{{])(?<!drie )(?<!three ){written}\b(?!\s\d)"
        text = re.sub(pattern, partial(_with_its_capital, instead=instead), text, flags=re.IGNORECASE)
    return text


def _with_its_capital(found: re.Match[str], *, instead: str) -> str:
    return instead[:1].upper() + instead[1:] if found.group()[:1].isupper() else instead
