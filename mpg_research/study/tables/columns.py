"""From the columns of an export to the canonical, typed columns of a table."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem, closest_name
from mpg_research.frames import distinct_values
from mpg_research.study.config.study_toml import StudyConfig, TableConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.findings import Findings, Places
from mpg_research.study.schemas import ITEM_COLUMN, Column, Schema
from mpg_research.study.tables.decimals import settle_decimal
from mpg_research.study.tables.notation import OTHER, Notation, notation_of, written_as_number
from mpg_research.study.tables.values import (
    Decimal,
    how_dates_differ,
    identifier_text,
    is_beyond_calendar,
    is_missing,
    parse_boolean,
    parse_column,
    parse_dates,
)

__all__ = ["TEXT", "Converter", "Table", "text_series", "texts_where", "values_line"]

#: A case-mix column of texts with more different ones, on fewer than so many rows each, is no list of kinds.
MOST_TEXTS, ROWS_PER_TEXT = 12, 4

#: Unknown codes of one column that stand together in the line that recodes them.
CODES_TOGETHER = 8

#: So many cells (and half of the column) that are no dates are one fault of the export, said once.
MANY_BAD_DATES = 5

TEXT = "str" if int(pd.__version__.split(".")[0]) >= 3 else object

#: A sign or the name of a currency, in a table whose amounts are euros.
_CURRENCY = re.compile(r"[€$£]|\b(?:eur|euros?|usd|gbp)\b\.?|(?<=\d),-+\s*$", re.IGNORECASE)
_DATE_SHAPE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b")


@dataclass(frozen=True, slots=True)
class Table:
    """A canonical table and where its rows came from.

    Attributes
    ----------
    frame : DataFrame
        Canonical columns, typed; index 0, 1, ...
    places : Places
        File, rows and columns, for messages.
    shared_file : bool
        Whether the same file serves another table too.
    """

    frame: pd.DataFrame
    places: Places
    shared_file: bool = False

    def take(self, mask: NDArray[Any]) -> "Table":
        """Some rows only (a mask or positions), the index renewed."""
        frame = self.frame.iloc[np.flatnonzero(mask) if mask.dtype == bool else mask].reset_index(drop=True)
        return Table(frame, self.places.take(mask), self.shared_file)


def text_series(values: NDArray[Any]) -> pd.Series:
    """Text values (None where missing) as a Series of text."""
    return pd.Series(values, dtype=TEXT)


class Converter:
    """Turns columns of one raw table into typed ones, and notes what could not be turned.

    Parameters
    ----------
    raw : RawTable
        The file.
    schema : Schema
        The table it serves.
    table : TableConfig
        Its section in ``study.toml``.
    config : StudyConfig
        The whole configuration: the kind of time, organisations, vocabularies.
    findings : Findings
        Receives the problems.
    """

    def __init__(
        self, raw: RawTable, schema: Schema, table: TableConfig, config: StudyConfig, findings: Findings
    ) -> None:
        self.raw, self.schema, self.table, self.config, self.findings = raw, schema, table, config, findings
        self.section = table.section_of(schema.name)
        self.missing = frozenset(identifier_text(code) for code in table.missing_values)
        self.decimal: Decimal = table.decimal or "."

    def settle_decimal(self, sources: Sequence[str]) -> None:
        """Find out which decimal separator these columns of the file use, unless it is set."""
        if self.table.decimal is None:
            told = {self.table.source_of(name) for name in self.table.decimals}
            sources = [source for source in sources if source.lower() not in told]
            self.decimal, problem = settle_decimal(self.raw, sources)
            if problem is not None:
                self.findings.add(problem)

    def convert(self, column: Column, cells: pd.Series, source: str) -> pd.Series:
        """One column, typed by its kind.

        Parameters
        ----------
        column : Column
            What it should hold.
        cells : Series, shape (n_rows,)
            Cells of the raw table.
        source : str
            Name of the column in the file, for messages and labels.

        Returns
        -------
        Series, shape (n_rows,)
            Text, datetime64[s], float, or boolean; missing where empty or not convertible.
        """
        places = Places(self.raw.name, self.raw.rows, {column.name: source})
        cells = self._relabel(column, cells, source)
        kinds: dict[str, Callable[[Column, pd.Series, Places], pd.Series]] = {
            "id": self._text,
            "text": self._text,
            "code": self._code,
            "time": self._time,
            "number": self._number,
            "integer": self._number,
            "boolean": self._boolean,
        }
        converted = kinds[column.kind](column, cells, places)
        self._required(column, converted, cells, places)
        return converted

    def part(self, column: Column, cells: pd.Series, source: str) -> pd.Series:
        """One part of an id of several columns, as text, recoded by ``values`` here or of the episodes."""
        of_episodes = self.config.tables.episodes.values.get(column.name, {})
        values = self.table.values.get(column.name, of_episodes)
        return self._text(column, self._relabel(column, cells, source, values), Places("", self.raw.rows))

    def convert_free(self, name: str, cells: pd.Series, source: str) -> pd.Series:
        """A case-mix column of the study's own: numbers if it holds numbers, else text."""
        cells = self._relabel(Column(name, "text", ""), cells, source)
        distinct = [
            value
            for value in distinct_values(cells)
            if not is_missing(value) and identifier_text(value) not in self.missing
        ]
        if not distinct and len(cells):
            self.findings.add(
                Problem(
                    found="every cell is empty",
                    expected=f"values of {name}, which [analysis] case_mix asks for",
                    remedy="Look whether this is the right column, or leave it out of case_mix: without "
                    "values no family can be compared.",
                    file=self.raw.name, column=source, code="empty_case_mix",
                )
            )  # fmt: skip
        n_numbers = sum(written_as_number(value) for value in distinct)
        is_number = n_numbers > 0 and n_numbers >= len(distinct) / 2
        converted = self.convert(Column(name, "number" if is_number else "text", ""), cells, source)
        if not is_number:
            self._many_texts(name, converted, cells, source)
        return converted

    def _many_texts(self, name: str, converted: pd.Series, cells: pd.Series, source: str) -> None:
        """A column of texts that is no short list of kinds would become a term of the model per text."""
        known = converted[converted.notna()]
        n_texts = int(known.nunique())
        if n_texts <= MOST_TEXTS or n_texts <= len(known) / ROWS_PER_TEXT:
            return
        first = int(np.flatnonzero(converted.notna().to_numpy())[0])
        with_digits = known[known.str.contains(r"\d")].nunique()
        self.findings.add(
            Problem(
                found=f'{n_texts} different texts in {len(known)} rows, such as "{cells.iloc[first]}"',
                expected=f"numbers, or at most {MOST_TEXTS} kinds that each occur in several rows",
                remedy=(
                    f"Write them as numbers, recode them ({self.section}: values = {{ {name} = ... }}), or "
                    "leave the column out of case_mix."
                ),
                file=self.raw.name, row=int(self.raw.rows[first]), column=source,
                severity="error" if with_digits > n_texts / 2 else "warning", code="many_texts",
            )
        )  # fmt: skip

    def _relabel(
        self, column: Column, cells: pd.Series, source: str, values: Mapping[str, str] | None = None
    ) -> pd.Series:
        """Apply the study's ``values``, then SPSS value labels where words are wanted."""
        mapping: dict[Any, Any] = {}
        labels = self.raw.labels.get(source, {})
        if values is None:
            of_items = self.table.values.get("item", {}) if schema_item(column.name) else {}
            values = self.table.values.get(column.name, of_items)
        chosen = {key.strip().lower(): value for key, value in values.items()}
        known = self._known_codes(column)
        for value in distinct_values(cells):
            if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
                continue
            code, label = identifier_text(value), labels.get(value)
            if code.lower() in chosen:
                mapping[value] = chosen[code.lower()]
            elif label is not None and label.strip().lower() in chosen:
                mapping[value] = chosen[label.strip().lower()]
            elif label is not None and _wants_label(column, code, label, known):
                mapping[value] = label
        if not mapping:
            return cells
        codes, distinct = pd.factorize(cells, use_na_sentinel=True)
        renamed = np.empty(len(distinct) + 1, dtype=object)
        for number, value in enumerate(distinct):
            renamed[number] = mapping.get(value, value)
        return pd.Series(renamed[codes], index=cells.index, dtype=object)

    def _known_codes(self, column: Column) -> frozenset[str]:
        known = set(column.vocabulary or {})
        for spellings in (column.vocabulary or {}).values():
            known.update(spellings)
        if column.name == "organisation":
            known.update(key.lower() for key in self.config.organisations)
        if column.name == "instrument":
            known.update(self.config.instruments)
        return frozenset(known)

    def _text(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        own_missing = frozenset() if column.kind == "id" else self.missing
        parsed = parse_column(cells, identifier_text, empty=None, dtype=object, missing=own_missing)
        return text_series(parsed.values)

    def _code(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        spellings = {name: name for name in column.vocabulary or {}}
        for name, others in (column.vocabulary or {}).items():
            spellings.update(dict.fromkeys(others, name))
        named = ("respondent", "intervention", "event", "role", "domain", "condition")
        own = {**{name: f"{name}s" for name in named}, "rater_role": "roles"}
        if column.name in own:
            declared = getattr(self.config.vocabularies, own[column.name])
            spellings.update({key.lower(): key for key in declared})
        unknown: set[str] = set()

        def one(value: object) -> str:
            text = identifier_text(value)
            if text.lower() not in spellings:
                unknown.add(text)
            return spellings.get(text.lower(), text)

        parsed = parse_column(cells, one, empty=None, dtype=object, missing=self.missing)
        if unknown:
            known = tuple(dict.fromkeys(spellings.values()))
            self.findings.add_values(
                "unknown_code", places, column.name, pd.Series(parsed.values).isin(unknown).to_numpy(),
                parsed.values, lambda code: f'the code "{code}"',
                expected=f"one of {', '.join(known)}",
                remedy=self._how_to_recode(column, unknown, known, own.get(column.name, "")),
                severity="warning" if column.open_vocabulary else "error",
            )  # fmt: skip
        return text_series(parsed.values)

    def _how_to_recode(
        self, column: Column, unknown: set[str], known: Sequence[str], vocabulary: str
    ) -> Callable[[str], str]:
        """The line of study.toml that says what unknown codes mean, ready to be filled in."""
        codes = sorted(unknown)
        own = f" Or keep it as it is: name it in [vocabularies.{vocabulary}]." if vocabulary else ""
        if column.name == "respondent":
            own += " Until then no respondent counts as the first parent by this code."

        def remedy(code: str) -> str:
            shown = codes if len(codes) <= CODES_TOGETHER else [code]
            line = values_line(column.name, shown, known)
            return f"Say what it means, in {self.section} of study.toml: {line}.{own}"

        return remedy

    def _time(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        if self.config.time.kind == "numbers":
            return self._number(column, cells, places)
        cells = self._open_ends(column, cells, places)
        parsed, incomplete = parse_dates(
            cells, date_format=self.table.date_format, numbers=self.raw.day_numbers, missing=self.missing
        )
        if self._impossible_dates(column, cells, parsed.bad, places):
            return pd.Series(np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]"))
        shown = cells.to_numpy(dtype=object)
        values = pd.Series(parsed.values)
        if column.name == "month":
            within = (values.dt.day > 1).to_numpy(dtype=bool) & ~incomplete
            self.findings.add_rows(
                "month_not_first_day", places, column.name, within,
                lambda place: f'the month "{shown[place]}"', expected="the first day of the month",
                remedy="The month counts, whatever the day. If rows are about weeks or days, add them up.",
                severity="warning", together="months are no first day of a month",
            )  # fmt: skip
            return pd.Series(values.dt.to_period("M").dt.to_timestamp().astype("datetime64[s]"))
        middle = self.config.time.incomplete_dates == "middle"
        self.findings.add_rows(
            "incomplete_date", places, column.name, incomplete,
            lambda place: f'the date "{shown[place]}" without a day',
            expected="a whole date",
            remedy=(
                "The middle of the month (or year) was taken, as study.toml says." if middle else
                'Complete it, or set incomplete_dates = "middle" in [time] to take the middle of the month.'
            ),
            severity="warning" if middle else "error",
        )  # fmt: skip
        return values

    def _open_ends(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        """Ends in a year that no calendar of ours has, such as 9999-12-31, mean that the help goes on."""
        if column.name != "end":
            return cells
        beyond = {
            value
            for value in distinct_values(cells)
            if not is_missing(value)
            and is_beyond_calendar(value, self.table.date_format, self.raw.day_numbers)
        }
        if not beyond:
            return cells
        mask = cells.isin(beyond).to_numpy(dtype=bool)
        shown = texts_where(mask, cells.to_numpy(dtype=object), identifier_text)
        self.findings.add_values(
            "open_end", places, column.name, mask, shown, lambda day: f"the end {day}",
            expected="an empty cell while help goes on", remedy="It is read as: help goes on.",
            severity="warning",
        )  # fmt: skip
        return cells.astype(object).mask(mask, None)

    def _impossible_dates(
        self, column: Column, cells: pd.Series, bad: NDArray[np.bool_], places: Places
    ) -> bool:
        """Cells that are no date, by value; or one finding (True) where a whole column is otherwise."""
        shown = cells.to_numpy(dtype=object)
        expected = self.table.date_format or "a date such as 2025-12-31, 31-12-2025 or 20251231"
        n_bad = int(bad.sum())
        if n_bad >= MANY_BAD_DATES and n_bad >= 0.5 * int(cells.notna().sum()):
            first = int(np.flatnonzero(bad)[0])
            what, remedy = how_dates_differ(shown[bad])
            self.findings.add(
                Problem(
                    found=f'{n_bad} cells are no dates, such as "{shown[first]}"{what}', expected=expected,
                    remedy=remedy, file=places.file_of(first), row=places.row_of(first),
                    column=places.columns[column.name], code="impossible_date",
                ),
                times=n_bad,
            )  # fmt: skip
            return True
        self.findings.add_values(
            "impossible_date", places, column.name, bad, shown, lambda cell: f'the date "{cell}"',
            expected=expected,
            remedy=(
                "Correct the cell, name it in missing_values if it means no date, or set date_format in "
                'study.toml (such as "%m/%d/%Y").'
            ),
        )  # fmt: skip
        return False

    def _number(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        if self.schema.name == "prices":
            cells = self._without_currency(column, cells, places)
        notation = self._notation(column, cells, places)
        parsed = parse_column(cells, notation.parse, empty=np.nan, dtype=float, missing=self.missing)
        shown = cells.to_numpy(dtype=object)
        sign = "comma" if notation.decimal == "," else "point"
        unit = f", in {notation.unit} like most of the column" if notation.unit else ""
        self.findings.add_values(
            "not_a_number", places, column.name, parsed.bad, shown, lambda cell: f'"{cell}"',
            expected=f"a number with a decimal {sign}{unit}",
            remedy=self._how_to_make_numbers(column, shown[parsed.bad], notation),
        )  # fmt: skip
        values = parsed.values
        if column.kind == "integer":
            fraction = np.isfinite(values) & (values != np.round(values))
            self.findings.add_rows(
                "not_a_whole_number", places, column.name, fraction, lambda place: f"{values[place]:g}",
                expected="a whole number", remedy="Correct the cell.",
            )  # fmt: skip
        self._within_bounds(column, values, places)
        return pd.Series(values)

    def _without_currency(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        """The cells without signs of currency, each of which is told of: whose euros are they?"""
        signed = {
            value: _CURRENCY.sub("", value).strip()
            for value in distinct_values(cells)
            if isinstance(value, str) and _CURRENCY.search(value)
        }
        if not signed:
            return cells
        self.findings.add_values(
            "currency_in_number", places, column.name, cells.isin(list(signed)).to_numpy(dtype=bool),
            cells.to_numpy(dtype=object), lambda cell: f'the amount "{cell}"',
            expected="a plain number, in euros", remedy=lambda cell: f"Write {signed[cell] or 'the number'}.",
        )  # fmt: skip
        return cells.map(lambda value: signed.get(value, value) if isinstance(value, str) else value)

    def _how_to_make_numbers(
        self, column: Column, cells: NDArray[np.object_], notation: Notation
    ) -> Callable[[str], str]:
        """What to do about a cell that is no number: another notation, an answer in words, or a mistake."""
        words = sorted({str(cell) for cell in cells if not any(sign.isdigit() for sign in str(cell))})

        def remedy(cell: str) -> str:
            if column.kind == "time" and has_shape_of_date(cell):
                return (
                    "That is a date, and study.toml says that times are numbers. With dates everywhere, "
                    "leave the section [time] out."
                )
            if cell not in words:
                return (
                    "Correct the cell, or name the code for no answer in missing_values in study.toml; a "
                    f"column with another decimal sign: decimals = {{ {column.name} = "
                    f'"{OTHER[notation.decimal]}" }}.'
                )
            name = "item" if schema_item(column.name) else column.name
            line = values_line(name, words if len(words) <= CODES_TOGETHER else [cell], ())
            return (
                "Correct the cell, name it in missing_values if it means no answer, or say which number "
                f"it is, in {self.section} of study.toml: {line}."
            )

        return remedy

    def _notation(self, column: Column, cells: pd.Series, places: Places) -> Notation:
        """How the column writes its numbers, and findings where that may be two things."""
        source = places.columns[column.name]
        of_items = self.table.decimals.get("item") if schema_item(column.name) else None
        chosen = self.table.decimals.get(column.name, of_items or self.table.decimal)
        texts = [
            value for value in distinct_values(cells) if isinstance(value, str) and not is_missing(value)
        ]
        texts = [text for text in texts if identifier_text(text) not in self.missing]
        notation, against = notation_of(texts, file_decimal=self.decimal, chosen=chosen)
        key = column.name
        example = notation.ambiguous or (against[0] if against else "")
        if example:
            rows = (cells == example).to_numpy(dtype=bool)
            self.findings.add(
                Problem(
                    found=(
                        f'"{example}", which may be a fraction or thousands' if notation.ambiguous
                        else f'decimal points and decimal commas: "{against[0]}" and "{against[1]}"'
                    ),
                    expected="numbers that can be read in one way",
                    remedy=(
                        f'Say it for this column, decimals = {{ {key} = "," }} (or "."), or for the table, '
                        f'decimal = ",", in {self.section} in study.toml.'
                    ),
                    file=places.file, row=places.row_of(int(rows.argmax())), column=source,
                    code="ambiguous_decimal" if notation.ambiguous else "mixed_decimals",
                )
            )  # fmt: skip
        return replace(notation, takes_units=column.kind == "number")

    def _within_bounds(self, column: Column, values: NDArray[np.float64], places: Places) -> None:
        low = -np.inf if column.minimum is None else column.minimum
        high = np.inf if column.maximum is None else column.maximum
        with np.errstate(invalid="ignore"):
            outside = (values < low) | (values > high)
        bounds = f"a number from {low:g} to {high:g}" if np.isfinite(high) else f"a number from {low:g}"
        shown = texts_where(outside, values, "{:g}".format)
        self.findings.add_values(
            "out_of_range", places, column.name, outside, shown, lambda number: number,
            expected=bounds,
            remedy="Correct the cell, or name the code for no answer in missing_values in study.toml.",
        )  # fmt: skip

    def _boolean(self, column: Column, cells: pd.Series, places: Places) -> pd.Series:
        parsed = parse_column(cells, parse_boolean, empty=None, dtype=object, missing=self.missing)
        shown = texts_where(parsed.bad, cells.to_numpy(dtype=object), identifier_text)
        unknown = set(shown[parsed.bad])
        self.findings.add_values(
            "not_yes_or_no", places, column.name, parsed.bad, shown, lambda code: f'"{code}"',
            expected="yes or no (ja/nee, yes/no, true/false, 1/0)",
            remedy=self._how_to_recode(column, unknown, ("yes", "no"), ""),
        )  # fmt: skip
        return pd.Series(parsed.values, dtype="boolean")

    def _required(self, column: Column, converted: pd.Series, cells: pd.Series, places: Places) -> None:
        if not column.required:
            return
        is_time = column.kind == "time"
        if column.name == "start" and self.config.time.kind == "numbers":
            return
        empty = converted.isna().to_numpy(dtype=bool).copy()
        shown = cells.to_numpy(dtype=object)
        for place in np.flatnonzero(empty):  # what stood there but could not be read is reported already
            empty[place] = is_missing(shown[place]) or identifier_text(shown[place]) in self.missing
        self.findings.add_rows(
            "missing_date" if is_time else "missing_value", places, column.name, empty,
            lambda place: "an empty cell",
            expected="a date" if is_time else f"a value for {column.name} in every row",
            remedy=(
                "Measurements without a date, or of an episode without a start, are left out and counted."
                if is_time else "Fill it in, or remove the row."
            ),
            severity="warning" if is_time else "error",
        )  # fmt: skip


def values_line(column: str, codes: Sequence[str], known: Sequence[str]) -> str:
    """The setting that recodes these codes, with the nearest known code where there is one.

    Examples
    --------
    >>> values_line("end_reason", ["as planned", "doelen"], ["as_planned", "external"])
    'values = { end_reason = { "as planned" = "as_planned", "doelen" = "?" } }'
    """
    nearest = {code: closest_name(code, known, cutoff=0.8) for code in codes}
    pairs = (f"{_quoted(code)} = {_quoted(near or '?')}" for code, near in nearest.items())
    return f"values = {{ {column} = {{ {', '.join(pairs)} }} }}"


def _quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def texts_where(
    mask: NDArray[np.bool_], values: NDArray[Any], as_text: Callable[[Any], str]
) -> NDArray[np.object_]:
    """The values as text in the rows of the mask; the others stay empty, so that large tables stay fast."""
    texts = np.full(len(values), None, dtype=object)
    for place in np.flatnonzero(mask):
        texts[place] = as_text(values[place])
    return texts


def has_shape_of_date(cell: str) -> bool:
    """Whether a text has the shape of a date.

    Examples
    --------
    >>> has_shape_of_date("2024-01-31"), has_shape_of_date("31-01-2024 00:00"), has_shape_of_date("2,5")
    (True, True, False)
    """
    return _DATE_SHAPE.match(cell.strip()) is not None


def schema_item(name: str) -> bool:
    """Whether a canonical column is an item."""
    return ITEM_COLUMN.fullmatch(name) is not None


def _wants_label(column: Column, code: str, label: str, known: frozenset[str]) -> bool:
    if column.kind in ("number", "integer", "time"):
        return False
    if column.kind == "boolean":
        return parse_boolean(label) is not None
    if column.kind == "code" or column.name in ("organisation", "instrument"):
        return label.strip().lower() in known or code.lower() not in known
    return column.kind == "text" or column.name not in (
        "family", "episode", "worker", "team", "rater", "goal",
    )  # fmt: skip
