"""What in a column of an export would tell who a person is: numbers, addresses, names, birth dates.

Judged by what stands in the cells, and for names and birth dates by the heading too. A citizen service number
(BSN) is told from another number by the eleven-test; since one in eleven random numbers passes it, a column
counts as BSNs by the share of it that passes, not by single values.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.frames import distinct_values
from mpg_research.study.tables.identifiers import split_id
from mpg_research.study.tables.values import identifier_text, is_missing, parse_date

__all__ = ["DIRECT_IDENTIFIERS", "direct_identifier", "looks_like_free_text", "passes_eleven_test"]

#: What a column may be found to hold, and its name in messages.
DIRECT_IDENTIFIERS = {
    "bsn": "citizen service numbers (BSN)",
    "email": "e-mail addresses",
    "phone": "telephone numbers",
    "iban": "bank accounts",
    "postcode": "full postcodes",
    "birth_date": "full birth dates",
    "name": "names of people",
    "address": "addresses",
}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(?:(?:\+|00)\d{2}[\s-]?\(?0?\)?|0)[1-9](?:[\s-]?\d){8}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[ ]?(?:[A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{0,4}")
_POSTCODE = re.compile(r"[1-9]\d{3}\s?[A-Z]{2}")
_NINE = re.compile(r"\d{8,9}")
_BSN_WEIGHTS = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])

_WORDS = re.compile(r"[^\W\d_]+")
_BIRTH = frozenset(["geboortedatum", "geboorte", "gebdat", "gebdatum", "birthdate", "birth", "dob", "born"])
_NAMES = frozenset([
    "naam", "voornaam", "achternaam", "roepnaam", "tussenvoegsel", "voorletters", "voornamen",
    "geslachtsnaam", "name", "surname", "firstname", "lastname", "forename", "initials",
    "clientnaam", "fullname",
])  # fmt: skip
_NAMED_OTHERWISE = frozenset([
    "organisatie", "organisation", "organization", "instrument", "vragenlijst", "questionnaire", "team",
    "locatie", "location", "school", "gemeente", "municipality", "variabele", "variable", "file", "item",
    "aanbieder", "provider", "instelling", "interventie", "intervention", "programma", "program", "programme",
])  # fmt: skip
_ADDRESS = frozenset(["adres", "straat", "straatnaam", "woonadres", "address", "street"])

MOST = 0.5  # more than this share of the different values
CERTAIN = 1e-6  # so unlikely must the number of BSN-like values be, were they random numbers
FEW_NUMBERS = 6  # of fewer, chance alone brings as many too often
FEW_WORDS, FREE_TEXT_SHARE = 4, 0.1


def direct_identifier(heading: str, cells: pd.Series) -> str:
    """What kind of direct identifier a column holds, by the keys of :data:`DIRECT_IDENTIFIERS`; else "".

    Parameters
    ----------
    heading : str
        The name of the column in the file.
    cells : Series, shape (n_rows,)
        Its cells, as they were read.

    Returns
    -------
    str

    Examples
    --------
    >>> direct_identifier("contact", pd.Series(["an@example.org", "", "bo@example.org"]))
    'email'
    >>> direct_identifier("item_01", pd.Series(["1", "2", "4"]))
    ''
    """
    values = [value for value in distinct_values(cells) if not is_missing(value)]
    texts = [identifier_text(value).strip() for value in values]
    parts = [part for text in texts for part in split_id(text)]
    if any(_EMAIL.fullmatch(part) for part in parts):
        return "email"
    words = {word.lower() for word in _WORDS.findall(heading.replace("_", " "))}
    for kind, test in _TESTS.items():
        if test(parts):
            return kind
    if words & _BIRTH and _most(values, _is_day):
        return "birth_date"
    with_letters = sum(any(sign.isalpha() for sign in text) for text in texts)
    if texts and with_letters > MOST * len(texts) and not words & _NAMED_OTHERWISE:
        if words & _NAMES:
            return "name"
        if words & _ADDRESS:
            return "address"
    return ""


def looks_like_free_text(cells: pd.Series) -> bool:
    """Whether a column holds sentences, in which anything may stand.

    Parameters
    ----------
    cells : Series, shape (n_rows,)
        Its cells, as they were read.
    """
    texts = [
        str(value) for value in distinct_values(cells) if isinstance(value, str) and not is_missing(value)
    ]
    long = sum(len(text.split()) >= FEW_WORDS for text in texts)
    return long > FREE_TEXT_SHARE * len(texts)


def _most(values: Iterable[Any], test: Callable[[Any], Any]) -> bool:
    tested = [bool(test(value)) for value in values]
    return sum(tested) > MOST * len(tested)


def _is_day(value: object) -> bool:
    found = parse_date(value)
    return found is not None and found.complete


def _bsn(parts: list[str]) -> bool:
    numbers = [part for part in parts if _NINE.fullmatch(part)]
    passing = sum(passes_eleven_test(part) for part in numbers)
    if not passing:
        return False
    if len(numbers) >= FEW_NUMBERS and passing > MOST * len(numbers) and len(numbers) > MOST * len(parts):
        return True
    from scipy.stats import binom

    return bool(binom.sf(passing - 1, len(numbers), 1 / 11) < CERTAIN)


def passes_eleven_test(text: str) -> bool:
    """Whether eight or nine digits could be a citizen service number (BSN)."""
    digits = np.array([int(digit) for digit in text.zfill(9)])
    return int(digits @ _BSN_WEIGHTS) % 11 == 0 and bool(digits.any())


_TESTS: dict[str, Callable[[list[str]], bool]] = {
    "bsn": _bsn,
    "phone": lambda parts: _most(parts, _PHONE.fullmatch),
    "iban": lambda parts: _most(parts, _IBAN.fullmatch),
    "postcode": lambda parts: _most(parts, _POSTCODE.fullmatch),
}
