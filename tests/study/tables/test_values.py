"""Numbers, dates and yes/no: what is read, what is refused, and that every way of writing agrees."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpg_research.study.tables.values import (
    decimal_of,
    identifier_text,
    is_missing,
    parse_boolean,
    parse_column,
    parse_date,
    parse_dates,
    parse_number,
)

DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_with_point_or_comma_is_the_same_float(number: float) -> None:
    written = repr(number)
    assert parse_number(written) == number
    assert parse_number(written.replace(".", ","), ",") == number


@given(st.text())
def test_any_text_is_a_number_or_nothing(text: str) -> None:
    number = parse_number(text)
    assert number is None or np.isfinite(number)
    if number is not None:
        assert float(text) == number


@pytest.mark.parametrize(
    "text", ["1.234,5", "1,234.5", "1 000", "1_000", "inf", "nan", "0x10", "٣", "1e999", "", "--1"]
)
def test_not_a_number(text: str) -> None:
    assert parse_number(text) is None
    assert parse_number(text, ",") is None


def test_the_other_decimal_separator_is_refused() -> None:
    assert parse_number("3,5", ".") is None
    assert parse_number("3.5", ",") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "2"], None),
        (["1,5", "2"], ","),
        (["1.5", "2"], "."),
        (["1.5", "2,5"], "mixed"),
        (["1.234"], "ambiguous"),
        (["40,000", "1,234,567"], "ambiguous"),
        (["1.234", "1.5"], "."),
        (["0.123"], "."),
        (["word", "a.b", "31-12-2025", "."], None),
    ],
)
def test_decimal_of(texts: list[str], expected: str | None) -> None:
    assert decimal_of(texts) == expected


@given(DAYS)
def test_every_way_to_write_a_date_means_the_same_day(day: date) -> None:
    months = ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]
    ways = [
        day.isoformat(), f"{day.day:02d}-{day.month:02d}-{day.year}", f"{day.day}/{day.month}/{day.year}",
        f"{day.day}.{day.month}.{day.year}", day.strftime("%Y%m%d"), f" {day.isoformat()} ",
        f"{day.day}-{months[day.month - 1]}-{day.year}", f"{day.isoformat()}T23:59:00+02:00",
        f"{day.isoformat()} 00:00:00", int(day.strftime("%Y%m%d")), float(day.strftime("%Y%m%d")),
        day, pd.Timestamp(day), np.datetime64(day),
    ]  # fmt: skip
    for way in ways:
        parts = parse_date(way)
        assert parts is not None, way
        assert parts.day == day, way
        assert parts.complete


@given(DAYS.filter(lambda day: day.year > 1960))
def test_numbers_of_excel_and_spss_are_dates_only_where_they_can_be(day: date) -> None:
    excel = (day - date(1899, 12, 30)).days
    spss = (day - date(1582, 10, 14)).days * 86_400
    if day.year < 2110:
        assert parse_date(excel, numbers="excel").day == day
        assert parse_date(float(spss), numbers="spss").day == day
    assert parse_date(excel) is None
    assert parse_date(spss) is None


@given(st.text(max_size=20))
def test_any_text_is_a_date_or_nothing(text: str) -> None:
    parts = parse_date(text)
    assert parts is None or 1900 <= parts.day.year <= 2199


@pytest.mark.parametrize(
    "text",
    [
        "30-02-2025",
        "2025-13-01",
        "12/31/2025",
        "31-12-25",
        "1-1",
        "20251301",
        "1582-10-14",
        "2025-00-05",
        "45291",
        "x",
    ],
)
def test_not_a_date(text: str) -> None:
    assert parse_date(text) is None


def test_a_set_format_reads_that_format_only() -> None:
    assert parse_date("12/31/2025", date_format="%m/%d/%Y").day == date(2025, 12, 31)
    assert parse_date("2025-12-31", date_format="%m/%d/%Y") is None


def test_a_date_of_which_the_day_is_unknown_is_marked() -> None:
    month, year = parse_date("20250300"), parse_date("20250000")
    assert (month.day, month.complete) == (date(2025, 3, 15), False)
    assert (year.day, year.complete) == (date(2025, 7, 1), False)
    parsed, incomplete = parse_dates(pd.Series(["20250300", "20250301", ""]), date_format=None, numbers="")
    assert incomplete.tolist() == [True, False, False]
    assert parsed.bad.tolist() == [False, False, False]


def test_yes_and_no() -> None:
    assert [parse_boolean(cell) for cell in ("Ja", "1", 1.0, True, "waar")] == [True] * 5
    assert [parse_boolean(cell) for cell in ("nee", 0, "N", False, "onwaar")] == [False] * 5
    assert parse_boolean("2") is None


def test_identifiers_keep_zeros_and_lose_spaces() -> None:
    assert [identifier_text(cell) for cell in (" 007 ", 7.0, 7, "7.0", 1.5)] == [
        "007",
        "7",
        "7",
        "7.0",
        "1.5",
    ]


@pytest.mark.parametrize("cell", ["", "  ", ".", "NA", "#N/A", "null", None, np.nan, pd.NaT])
def test_words_for_nothing(cell: object) -> None:
    assert is_missing(cell)


@given(st.lists(st.one_of(st.none(), st.integers(-9, 9).map(str), st.text(max_size=3)), max_size=30))
def test_a_column_is_parsed_as_its_cells_are(cells: list[str | None]) -> None:
    parsed = parse_column(pd.Series(cells, dtype=object), parse_number, empty=np.nan, dtype=float)
    for cell, value, bad in zip(cells, parsed.values, parsed.bad, strict=True):
        alone = None if is_missing(cell) else parse_number(cell)
        assert bad == (alone is None and not is_missing(cell))
        assert np.isnan(value) if alone is None else value == alone
