"""Names as people write them: which of our columns, codes or tables a name in an export may mean."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from mpg_research.study.schemas import ITEM_COLUMN, SCHEMAS
from mpg_research.toml import parse_toml

__all__ = [
    "CERTAIN",
    "LIKELY",
    "WEAK",
    "is_known_name",
    "meaning_of_code",
    "plain_words",
    "strength",
    "table_by_name",
]

#: How well a name fits: the whole name is one that is known; it holds one; it may mean other things as well.
CERTAIN, LIKELY, WEAK = 3, 2, 1


@lru_cache(maxsize=50_000)
def plain_words(text: str) -> tuple[str, ...]:
    """The words of a name in small letters, without accents and signs.

    Examples
    --------
    >>> plain_words("Datum-einde_hulp"), plain_words("ClientNr"), plain_words("Cliënt 2")
    (('datum', 'einde', 'hulp'), ('client', 'nr'), ('client', '2'))
    """
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:300])
    bare = unicodedata.normalize("NFKD", parts).encode("ascii", "ignore").decode().lower()
    return tuple(re.findall(r"[a-z]+|\d+", bare))


@cache
def _words() -> dict[str, Any]:
    return parse_toml((files(__package__) / "words.toml").read_text(encoding="utf-8"))


@cache
def _known(table: str, column: str) -> tuple[tuple[str, ...], ...]:
    words = _words()
    own = words["columns_of"].get(table, {}).get(column, [])
    return tuple(plain_words(text) for text in (column, *words["columns"].get(column, []), *own))


@cache
def _weak(column: str) -> tuple[tuple[str, ...], ...]:
    return tuple(plain_words(text) for text in _words()["weak"].get(column, []))


def strength(name: str, table: str, column: str, labels: Iterable[str] = ()) -> int:
    """How well a column of an export fits one of ours by its name, or by its label in SPSS.

    Parameters
    ----------
    name : str
        Of the column in the file.
    table, column : str
        Our table, and its column.
    labels : iterable of str
        Other texts that say what the column is.

    Returns
    -------
    int
        3 where the whole name is known, 2 where it holds one that is, 1 where it may mean others, else 0.

    Examples
    --------
    >>> strength("Clientnr", "episodes", "family"), strength("datum einde jeugdhulp", "episodes", "end")
    (3, 2)
    """
    best = _of_name(name, table, column)
    for label in labels:
        best = max(best, min(LIKELY, _of_name(label, table, column)))
    return best


@lru_cache(maxsize=200_000)
def _of_name(name: str, table: str, column: str) -> int:
    words = plain_words(name)
    joined = "".join(words)
    if not joined:
        return 0
    known = _known(table, column)
    if joined in {"".join(each) for each in known}:
        return CERTAIN
    if any(_holds(words, each) for each in known):
        return LIKELY
    return WEAK if any(joined == "".join(each) for each in _weak(column)) else 0


def is_known_name(text: str) -> bool:
    """Whether a cell is the name of a column of some table, so that it stands in a header.

    Examples
    --------
    >>> is_known_name("Begindatum"), is_known_name("2024-01-31")
    (True, False)
    """
    text = text.strip()
    if not text or len(text) > 80 or text[0].isdigit():
        return False
    return "".join(plain_words(text)) in _all_names() or ITEM_COLUMN.fullmatch(text.lower()) is not None


@cache
def _all_names() -> frozenset[str]:
    columns = ((table, column.name) for table, schema in SCHEMAS.items() for column in schema.columns)
    return frozenset("".join(words) for table, column in columns for words in _known(table, column))


def _holds(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether all these words stand in a name of no more than four words besides."""
    return set(wanted) <= set(words) and len(words) <= len(wanted) + 4


@cache
def _codes(column: str) -> dict[str, str]:
    meanings = _words()["codes"].get(column, {})
    return {"".join(plain_words(text)): code for code, texts in meanings.items() for text in (code, *texts)}


def meaning_of_code(column: str, text: str) -> str:
    """Our code for one written out in words, where it can mean one thing only; else "".

    Examples
    --------
    >>> meaning_of_code("end_reason", "Volgens plan"), meaning_of_code("respondent", "moeder")
    ('as_planned', '')
    """
    return _codes(column).get("".join(plain_words(text)), "")


def table_by_name(name: str) -> tuple[str, ...]:
    """The tables that the name of a file or sheet points to.

    Examples
    --------
    >>> table_by_name("Trajecten 2024"), table_by_name("blad1")
    (('episodes',), ())
    """
    words = set(plain_words(name))
    return tuple(
        table for table in SCHEMAS if words & {*plain_words(table), *_words()["tables"].get(table, [])}
    )
