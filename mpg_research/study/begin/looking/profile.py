"""What a column of an export holds, by its first rows: dates, numbers, yes or no, codes, answers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.frames import distinct_values
from mpg_research.study.begin.looking.look import Look
from mpg_research.study.tables.direct_identifiers import direct_identifier, looks_like_free_text
from mpg_research.study.tables.notation import written_as_number
from mpg_research.study.tables.values import (
    identifier_text,
    is_beyond_calendar,
    is_missing,
    parse_boolean,
    parse_date,
    parse_number,
)

__all__ = ["Profile", "profiles_of"]

MOST = 0.9  # of the values must be dates (or numbers) for a column of them
SHORT_LIST = 40  # different values that a list of codes has at most
#: Numbers that surveys write for "no answer", where they lie outside the answers themselves.
NO_ANSWER = (9, 88, 98, 99, 888, 998, 999, 9999, -1, -8, -9, -66, -77, -88, -99, -999)
HIGHEST_ANSWER = 10

_OTHER_DATES = (
    "%m/%d/%Y", "%m-%d-%Y", "%d-%m-%y", "%d/%m/%y", "%d.%m.%y", "%Y/%m/%d", "%Y.%m.%d",
    "%d-%m-%Y %H:%M", "%Y/%m/%d %H:%M", "%m/%d/%Y %H:%M",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """A column of an export.

    Attributes
    ----------
    name : str
        Its name in the file.
    kind : {"empty", "date", "boolean", "number", "text"}
        What its values are. Numbers of yes and no (1, 0) are "boolean", those of answers "number".
    texts : tuple of str
        Its different values as text, sorted; none where there are more than a short list, or where they tell
        who people are.
    numbers : tuple of float
        Its different values where they are numbers, sorted.
    n_filled, n_distinct : int
        Rows in which something stands, and different values.
    date_format : str
        How dates are written where that must be said; "day first?" where day and month could be either.
    has_incomplete_dates : bool
        Whether days or months of 00 occur.
    identifier : str
        What of a person it seems to tell (a key of ``DIRECT_IDENTIFIERS``); else "".
    is_free_text : bool
        Whether it holds sentences.
    label : str
        What SPSS says it is about.
    value_labels : dict
        Code to label, of SPSS.
    """

    name: str
    kind: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    n_filled: int
    n_distinct: int
    date_format: str = ""
    has_incomplete_dates: bool = False
    identifier: str = ""
    is_free_text: bool = False
    label: str = ""
    value_labels: tuple[tuple[str, str], ...] = ()

    @property
    def answers(self) -> tuple[float, ...] | None:
        """Its numbers without codes for "no answer", where they can be answers to a question; else None."""
        if self.kind not in ("number", "boolean", "empty") or len(self.numbers) > SHORT_LIST:
            return None
        none = self.no_answers
        kept = tuple(number for number in self.numbers if number not in none)
        if any(number != int(number) or not 0 <= number <= HIGHEST_ANSWER for number in kept):
            return None
        return kept

    @property
    def no_answers(self) -> tuple[int, ...]:
        """Its numbers that seem to mean that nothing was answered: they lie apart from the others."""
        usual = [number for number in self.numbers if number not in NO_ANSWER]
        highest = max(usual, default=0)
        return tuple(
            int(number) for number in self.numbers
            if number in NO_ANSWER and (number < 0 or number > highest + 1 or number > HIGHEST_ANSWER)
        )  # fmt: skip


def profiles_of(look: Look) -> dict[str, Profile]:
    """Every column of a table that was looked at.

    Parameters
    ----------
    look : Look
        From :func:`~mpg_research.study.begin.looking.look.look_at`.

    Returns
    -------
    dict of str to Profile
        By the name in the file, in its order.
    """
    return {str(name): _profile(str(name), look.frame[name], look) for name in look.frame.columns}


def _profile(name: str, cells: pd.Series, look: Look) -> Profile:
    try:
        values = [value for value in distinct_values(cells) if not is_missing(value)]
    except TypeError:  # lists or records, that have no equal
        return Profile(name, "text", (), (), int(cells.notna().sum()), 0)
    n_filled = int((~cells.isna() & (cells.astype(str).str.strip() != "")).sum())
    labels = tuple(
        (identifier_text(code), str(label)) for code, label in look.value_labels.get(name, {}).items()
    )
    label = look.labels.get(name, "")
    told = direct_identifier(name, cells)
    if not values:
        return Profile(name, "empty", (), (), 0, 0, label=label, value_labels=labels)
    date_format, incomplete = _as_dates(values, look.day_numbers, name)
    numbers: tuple[float, ...] = ()
    kind = "text"
    if date_format is not None:
        kind = "date"
    elif _share(parse_boolean(value) is not None for value in values) == 1 and len(values) <= 4:
        kind = "boolean"
    elif _share(written_as_number(value) for value in values) >= MOST:
        kind = "number"
    if kind in ("boolean", "number"):
        found = {_number(value) for value in values}
        numbers = tuple(sorted(number for number in found if number is not None))
    hide = told or looks_like_free_text(cells) or len(values) > SHORT_LIST
    texts = () if hide else tuple(sorted(identifier_text(value) for value in values))
    return Profile(
        name, kind, texts, numbers, n_filled, len(values), date_format or "", incomplete, told,
        looks_like_free_text(cells), label, labels,
    )  # fmt: skip


def _share(tests: Iterable[bool]) -> float:
    found = list(tests)
    return sum(found) / len(found) if found else 0.0


def _number(value: Any) -> float | None:
    number = parse_number(value)
    return parse_number(value, ",") if number is None else number


def _as_dates(values: list[Any], day_numbers: str, name: str) -> tuple[str | None, bool]:
    """How the dates of a column are written ("" where that need not be said), or None if it holds none."""
    if all(isinstance(value, date | datetime | np.datetime64) for value in values):
        return "", False
    plain = [value for value in values if not is_beyond_calendar(value)]
    if not plain:
        return None, False
    if all(isinstance(value, int | float | np.number) for value in plain):
        if not all(len(str(int(value))) == 8 for value in plain if np.isfinite(float(value))):
            return None, False
        day_numbers = ""
    parts = [parse_date(value, numbers=day_numbers) for value in plain]
    known = [each for each in parts if each is not None]
    texts = [str(value).strip() for value in plain]
    if len(known) >= MOST * len(plain):
        return _which_first(texts), any(not each.complete for each in known)
    for written in _OTHER_DATES:
        if _share(parse_date(text, date_format=written) is not None for text in texts) >= MOST:
            return written, False
    return None, False


def _which_first(texts: list[str]) -> str:
    """A question where no date shows whether day or month comes first, though both vary; else nothing."""
    found = [re.match(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}", text) for text in texts]
    pairs = [(int(match[1]), int(match[2])) for match in found if match]
    if len(pairs) < 10 or any(first > 12 for first, _ in pairs):
        return ""
    return "day first?"
