"""Numbers, dates and yes/no as exports write them: one value at a time, and whole columns at once.

A column is parsed by its distinct values, so that a million rows cost little more than a hundred.
A value is never guessed at: what can mean two things is no value, and becomes a finding.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.frames import plain_array

__all__ = [
    "MISSING_WORDS",
    "DateParts",
    "Parsed",
    "decimal_of",
    "how_dates_differ",
    "identifier_text",
    "is_beyond_calendar",
    "is_missing",
    "parse_boolean",
    "parse_column",
    "parse_date",
    "parse_dates",
    "parse_number",
]

Decimal = Literal[".", ","]

# What R, SPSS, Excel and databases write for "nothing".
MISSING_WORDS = frozenset(["", "na", "n/a", "null", "nan", "none", "nat", ".", "-", "#n/a", "#null!", "<na>"])

_NUMBER = {
    decimal: re.compile(rf"[+-]?(\d+({re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)([eE][+-]?\d{{1,3}})?")
    for decimal in (".", ",")
}
# 1.234 or 40,000: a fraction in one country, thousands in the other.
_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
_ONE_SEPARATOR = re.compile(r"[+-]?\d*[.,]\d*([eE][+-]?\d{1,3})?")

_YES = frozenset(["1", "1.0", "ja", "j", "yes", "y", "true", "waar", "t"])
_NO = frozenset(["0", "0.0", "nee", "n", "no", "false", "onwaar", "f"])

_TIME_OF_DAY = r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}}){_TIME_OF_DAY}")
_DUTCH = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME_OF_DAY}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0)?")
_NAMED = re.compile(rf"(\d{{1,2}})[- ]([A-Za-z]{{3,9}})\.?[- ](\d{{4}}){_TIME_OF_DAY}")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_MONTH_NAMES = (
    ("jan", "januari", "january"), ("feb", "februari", "february"), ("mrt", "maart", "mar", "march"),
    ("apr", "april"), ("mei", "may"), ("jun", "juni", "june"), ("jul", "juli", "july"),
    ("aug", "augustus", "august"), ("sep", "sept", "september"), ("okt", "oktober", "oct", "october"),
    ("nov", "november"), ("dec", "december"),
)  # fmt: skip
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}

EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
# Numbers that stand for dates: days since 1899-12-30 in Excel (1954 to 2119), seconds since
# 1582-10-14 in SPSS (1930 to 2120). Neither range can be mistaken for the other or for JJJJMMDD.
_EXCEL_DAYS = (20_000, 80_000)
LAST_EXCEL_DAY = 2_958_465  # 9999-12-31
_SPSS_SECONDS = (1.095e10, 1.7e10)


@dataclass(frozen=True, slots=True)
class DateParts:
    """A date as found: complete, or with a day (or month and day) of 00, as CBS files have."""

    day: date
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed column.

    Attributes
    ----------
    values : ndarray, shape (n_rows,)
        The values; NaN, NaT or None where there is none.
    bad : ndarray of bool, shape (n_rows,)
        Where something stood that is no such value.
    """

    values: NDArray[Any]
    bad: NDArray[np.bool_]


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing, or a word for nothing."""
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def parse_number(value: object, decimal: Decimal = ".") -> float | None:
    """A cell as a number, or None if it is not one.

    Thousands separators are not read: 1.234 is one and a bit, or 1234 to someone else.

    Examples
    --------
    >>> parse_number("3,5", ","), parse_number(" 12 "), parse_number("1.234,5", ",")
    (3.5, 12.0, None)
    """
    if isinstance(value, bool | np.bool_):
        return float(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value) if np.isfinite(value) else None
    text = str(value).strip()
    if not (text.isascii() and _NUMBER[decimal].fullmatch(text)):
        return None
    number = float(text.replace(",", "."))
    return number if np.isfinite(number) else None


def decimal_of(texts: Iterable[str]) -> Decimal | Literal["mixed", "ambiguous"] | None:
    """Which decimal separator these cells use.

    Returns
    -------
    {".", ",", "mixed", "ambiguous"} or None
        None if there are whole numbers only. "ambiguous" if every fraction could be thousands.

    Examples
    --------
    >>> decimal_of(["3,5", "4"]), decimal_of(["3.5", "4,5"]), decimal_of(["40.000"])
    (',', 'mixed', 'ambiguous')
    """
    clear: set[str] = set()
    doubtful: set[str] = set()
    for text in texts:
        stripped = text.strip()
        if _ONE_SEPARATOR.fullmatch(stripped) and any(sign.isdigit() for sign in stripped):
            sign = "," if "," in stripped else "."
            (doubtful if _LIKE_THOUSANDS.fullmatch(stripped) else clear).add(sign)
    if not clear and not doubtful:
        return None
    if len(clear) == 2 or (not clear and len(doubtful) == 2):
        return "mixed"
    if not clear:
        return "ambiguous"
    return "," if "," in clear else "."


def parse_date(value: object, *, date_format: str | None = None, numbers: str = "") -> DateParts | None:
    """A cell as a date, or None if it is not one. A time of day is dropped; the date stays as written.

    Parameters
    ----------
    value : object
        Text (ISO, 31-12-2025, 31/12/2025, 31-dec-2025, 20251231, 2025-12), or a date of Excel,
        SPSS or Parquet.
    date_format : str, optional
        A strptime pattern; then no other form is read.
    numbers : {"", "excel", "excel1904", "spss"}
        Which program's numbers stand for dates, for date columns that lost their format.

    Examples
    --------
    >>> parse_date("31-12-2025").day, parse_date("20250300").complete, parse_date("30-02-2025")
    (datetime.date(2025, 12, 31), False, None)
    """
    if isinstance(value, datetime):
        return _date_parts(value.year, value.month, value.day)
    if isinstance(value, date):
        return _date_parts(value.year, value.month, value.day)
    if isinstance(value, np.datetime64):
        return parse_date(pd.Timestamp(value).to_pydatetime())
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return _date_from_number(float(value), numbers)
    text = str(value).strip()
    if not text.isascii():
        return None
    if date_format is not None:
        try:
            parsed = datetime.strptime(text, date_format)
        except ValueError:
            return None
        return _date_parts(parsed.year, parsed.month, parsed.day)
    return _date_from_text(text)


def _date_from_text(text: str) -> DateParts | None:
    if match := _ISO.fullmatch(text):
        return _date_parts(int(match[1]), int(match[2]), int(match[3]))
    if match := _DUTCH.fullmatch(text):
        return _date_parts(int(match[4]), int(match[3]), int(match[1]))
    if match := _COMPACT.fullmatch(text):
        return _date_parts(int(match[1]), int(match[2]), int(match[3]))
    if match := _NAMED.fullmatch(text):
        month = _MONTH_NUMBER.get(match[2].lower())
        return _date_parts(int(match[3]), month, int(match[1])) if month else None
    if match := _MONTH.fullmatch(text):
        return _date_parts(int(match[1]), int(match[2]), 0)
    return None


def _date_parts(year: int, month: int, day: int) -> DateParts | None:
    """Day 00 becomes the 15th, month 00 the 1st of July: the middle, marked as incomplete."""
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    complete = day > 0 and month > 0
    if month == 0:
        if day != 0:
            return None
        month, day = 7, 1
    try:
        return DateParts(date(year, month, day or 15), complete)
    except ValueError:
        return None


def _date_from_number(number: float, numbers: str) -> DateParts | None:
    if not np.isfinite(number):
        return None
    if numbers.startswith("excel") and _EXCEL_DAYS[0] <= number <= _EXCEL_DAYS[1]:
        first = "1904-01-01" if numbers == "excel1904" else "1899-12-30"
        moment = pd.Timestamp(first) + pd.Timedelta(days=int(number))
        return DateParts(moment.date())
    if numbers == "spss" and _SPSS_SECONDS[0] <= number <= _SPSS_SECONDS[1]:
        # The SPSS epoch lies before pandas' first nanosecond; 1970 is 141,428 days later.
        moment = pd.Timestamp("1970-01-01") + pd.Timedelta(days=int(number // 86_400) - 141_428)
        return DateParts(moment.date())
    return _date_from_text(str(int(number))) if number == int(number) else None


def is_beyond_calendar(value: object, date_format: str | None = None, numbers: str = "") -> bool:
    """Whether a cell is a date in a year after 2199, as systems write for "not yet": 9999-12-31.

    Examples
    --------
    >>> [is_beyond_calendar(each) for each in ("9999-12-31", "31-12-2999", 99991231, "2025-12-31", "9999")]
    [True, True, True, False, False]
    """
    if isinstance(value, np.datetime64):
        return not np.isnat(value) and int(str(value.astype("datetime64[Y]"))) > LATEST_YEAR
    if isinstance(value, date):
        return value.year > LATEST_YEAR
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        number = float(value)
        if numbers.startswith("excel") and LAST_EXCEL_DAY - 2_000 <= number <= LAST_EXCEL_DAY:
            return True
        value = str(int(number)) if number == int(number) else ""
    text = str(value).strip()
    for year in dict.fromkeys(re.findall(r"[2-9]\d{3}", text)):
        if int(year) > LATEST_YEAR:
            for place in (match.start() for match in re.finditer(year, text)):
                nearer = f"{text[:place]}2000{text[place + 4 :]}"
                if parse_date(nearer, date_format=date_format) is not None:
                    return True
    return False


def how_dates_differ(values: NDArray[Any]) -> tuple[str, str]:
    """What cells that are no dates seem to be, and what to do about them.

    Examples
    --------
    >>> how_dates_differ(np.array(["45123", "45200"]))[0]
    ': numbers of days, as Excel counts them'
    """
    texts = [str(value).strip() for value in values]
    days = [text for text in texts if re.fullmatch(r"\d{5}(\.0+)?", text)]
    if len(days) > len(texts) / 2:
        return (
            ": numbers of days, as Excel counts them",
            "In Excel give the column a date format and save the file again, or use the .xlsx itself.",
        )
    american = [text for text in texts if _fits(text, "%m/%d/%Y") or _fits(text, "%m-%d-%Y")]
    if len(american) > len(texts) / 2:
        sign = "/" if "/" in american[0] else "-"
        return ": the month before the day", f'Set date_format = "%m{sign}%d{sign}%Y" in study.toml.'
    short = [text for text in texts if re.fullmatch(r"\d{1,2}([-/.])\d{1,2}\1\d{2}", text)]
    if len(short) > len(texts) / 2:
        sign = re.sub(r"\d", "", short[0])[0]
        return ": years of two digits", f'Set date_format = "%d{sign}%m{sign}%y" in study.toml.'
    return "", 'Correct the export, or set date_format in study.toml (such as "%m/%d/%Y").'


def _fits(text: str, date_format: str) -> bool:
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def parse_boolean(value: object) -> bool | None:
    """A cell as yes or no, or None: ja/nee, yes/no, true/false, 1/0."""
    text = str(value).strip().lower()
    return True if text in _YES else False if text in _NO else None


def identifier_text(value: object) -> str:
    """An identifier as text: spaces around it go, leading zeros stay, 12.0 of a typed column is 12."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return str(value).strip()


def parse_column(
    cells: pd.Series,
    parse: Callable[[Any], Any],
    *,
    empty: Any,
    dtype: Any,
    missing: frozenset[str] = frozenset(),
) -> Parsed:
    """Parse a whole column by its distinct values.

    Parameters
    ----------
    cells : Series, shape (n_rows,)
        The cells as read.
    parse : callable
        Returns the value of one cell, or None if it is not one.
    empty : object
        The value of an empty cell.
    dtype : dtype
        Of the parsed values.
    missing : frozenset of str
        The study's own codes for "no answer", as text.

    Returns
    -------
    Parsed
    """
    codes, distinct = pd.factorize(cells, use_na_sentinel=True)
    # Code -1 (a missing cell) picks the last element.
    values = np.empty(len(distinct) + 1, dtype=dtype)
    values[:] = empty
    bad = np.zeros(len(distinct) + 1, dtype=bool)
    for number, value in enumerate(plain_array(distinct)):
        if is_missing(value) or (missing and identifier_text(value) in missing):
            continue
        parsed = parse(value)
        bad[number] = parsed is None
        if parsed is not None:
            values[number] = parsed
    return Parsed(values[codes], bad[codes])


def parse_dates(
    cells: pd.Series, *, date_format: str | None, numbers: str, missing: frozenset[str] = frozenset()
) -> tuple[Parsed, NDArray[np.bool_]]:
    """A column of dates, and which of them were incomplete (a day or month of 00).

    Parameters
    ----------
    cells, missing :
        As in :func:`parse_column`.
    date_format, numbers :
        As in :func:`parse_date`.

    Returns
    -------
    parsed : Parsed
        ``values`` are datetime64[s] at midnight.
    incomplete : ndarray of bool, shape (n_rows,)
    """
    without_day: list[Any] = []

    def day_of(value: object) -> Any:
        parts = parse_date(value, date_format=date_format, numbers=numbers)
        if parts is None:
            return None
        if not parts.complete:
            without_day.append(value)
        return np.datetime64(parts.day, "s")

    parsed = parse_column(cells, day_of, empty=np.datetime64("NaT"), dtype="datetime64[s]", missing=missing)
    incomplete = cells.isin(without_day) if without_day else pd.Series(False, index=cells.index)
    return parsed, incomplete.to_numpy(dtype=bool)
