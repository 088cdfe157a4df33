"""Texts from data in which nothing works unseen: what has no shape of its own is shown by its number.

Characters that turn the direction of a text round, that have no width, or that hide in another can make one
name look like another, or carry something past whoever reads it. They become ``‹U+202E›``, wherever a text
from data is shown. Where such a character is part of how a language or a sign is written it stays.
"""

import re
import unicodedata

__all__ = ["escaped", "visible"]

#: Invisible, and no format characters by their category: fillers, blanks, variants, no characters.
_ALSO_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_KEPT_BLANKS = frozenset("\t\n")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9  # combining class of the sign that takes the vowel from a letter, in Indic scripts


def visible(text: str) -> str:
    r"""A text whose every character can be seen, or stands there by its number.

    Parameters
    ----------
    text : str
        From data. Blanks, tabs and line breaks stay.

    Returns
    -------
    str

    Examples
    --------
    >>> visible("Linde\u202ehof"), visible("\x1b[31mred"), visible("ok\U000e0041")
    ('Linde‹U+202E›hof', '‹U+001B›[31mred', 'ok‹U+E0041›')
    >>> visible("Zoë & Co") == "Zoë & Co"
    True
    """
    if _is_plain(text):
        return text
    return "".join(
        f"‹U+{ord(sign):04X}›" if _is_hidden(sign) and not _belongs(text, place) else sign
        for place, sign in enumerate(text)
    )


def escaped(json_text: str) -> str:
    r"""JSON of the same value in which what cannot be seen is written as an escape.

    Parameters
    ----------
    json_text : str
        Valid JSON.

    Returns
    -------
    str

    Examples
    --------
    >>> escaped('"a\u202eb"') == '"a' + chr(92) + 'u202eb"'
    True
    """
    if _is_plain(json_text):
        return json_text
    return "".join(
        "".join(f"\\u{unit:04x}" for unit in _utf16(sign)) if _is_hidden(sign) else sign for sign in json_text
    )


def _is_plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    return text.replace("\n", "").replace("\t", "").isprintable() and not _ALSO_HIDDEN.search(text)


def _is_hidden(sign: str) -> bool:
    if sign in _KEPT_BLANKS:
        return False
    return unicodedata.category(sign) in _HIDDEN_CATEGORIES or bool(_ALSO_HIDDEN.match(sign))


def _belongs(text: str, place: int) -> bool:
    """Whether a language or a sign is written with it: one joiner or variant, at a sign that has it."""
    sign = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before:
        return False
    if sign in (_NON_JOINER, _JOINER):
        if unicodedata.combining(before) == _VIRAMA:
            return True
        if sign == _NON_JOINER:
            return _is_arabic(before) and _is_arabic(after)
        return bool(after) and _is_picture(_base(text, place)) and _is_picture(after)
    if sign in "\ufe0e\ufe0f":
        return _is_picture(before)
    return "\U000e0100" <= sign <= "\U000e01ef" and _is_ideograph(before)


def _base(text: str, place: int) -> str:
    """The sign before a joiner, without the variant or the colour of skin that stands between."""
    before = text[place - 1]
    if place > 1 and (before == "\ufe0f" or "\U0001f3fb" <= before <= "\U0001f3ff"):
        return text[place - 2]
    return before


def _is_arabic(sign: str) -> bool:
    return bool(sign) and unicodedata.bidirectional(sign) == "AL"


def _is_picture(sign: str) -> bool:
    return unicodedata.category(sign) in {"So", "Sm"}


def _is_ideograph(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith("CJK UNIFIED")


def _utf16(sign: str) -> list[int]:
    content = sign.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(content[start : start + 2], "big") for start in range(0, len(content), 2)]
