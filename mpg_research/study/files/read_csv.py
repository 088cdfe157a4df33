"""Text tables: encoding and separator detected or set; every cell stays text."""

import csv
import io
import re
import warnings
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.files.file_errors import file_error
from mpg_research.study.files.header import IsName, check_header_row, first_rows_of_text, no_names

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import TableConfig

__all__ = ["check_header", "decoded", "drop_blank_rows", "read_csv_bytes", "unprotected"]

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_LINES = 50
_PROTECTED = re.compile(r'^\s*="([^"]*)"\s*$')
_SEPARATOR_HINT = re.compile(r"sep=(.)\n")  # Excel's own first line


def read_csv_bytes(
    path: Path, content: bytes, table: "TableConfig", is_name: IsName = no_names
) -> tuple[pd.DataFrame, NDArray[np.int64], tuple[Problem, ...]]:
    """A CSV as a frame of text, and the spreadsheet row of each of its rows.

    Parameters
    ----------
    path : Path
        For messages.
    content : bytes
        The file.
    table : TableConfig
        ``encoding``, ``separator`` and ``header_row`` where set.
    is_name : callable
        As in :func:`~mpg_research.study.files.read.read_table`.

    Returns
    -------
    frame, rows, problems
        The problems are warnings: rows with fewer cells than the header.

    Raises
    ------
    DataError
        If it is no text in the encoding, has no header, repeats a column name, or a row has more
        cells than the header.
    """
    try:
        text = decoded(path, content, table.encoding)
        readings = first_rows_of_text(text, (table.separator,) if table.separator else SEPARATORS)
        check_header_row(path, readings, table.header_row, is_name)
        return _read(path, text, table)
    except csv.Error as error:
        raise file_error(
            path, f"the rows cannot be read: {error}", "a table",
            "Look for a quotation mark that is not closed, and export the table again.", "bad_rows",
        ) from None  # fmt: skip


def _read(
    path: Path, text: str, table: "TableConfig"
) -> tuple[pd.DataFrame, NDArray[np.int64], tuple[Problem, ...]]:
    lead = len(text) - len(text.lstrip("\n"))
    if table.header_row is not None:
        lead = sum(len(line) for line in islice(io.StringIO(text), table.header_row - 1))
        if not text[lead:].strip():
            raise file_error(
                path, f"there is no row {table.header_row}", "the names of the columns in that row",
                "Correct header_row in study.toml.", "header_row",
            )  # fmt: skip
    separator = table.separator
    if hint := _SEPARATOR_HINT.match(text, lead):
        separator, lead = separator or hint[1], hint.end()
    skipped = text[:lead].count("\n")
    text = text[lead:]
    separator = separator or _separator_of(text)
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    while header and not header[-1].strip():
        header.pop()
    names = check_header(path, header)
    frame = _cells(path, text, separator, names, skipped)
    short = np.zeros(len(frame), dtype=bool)
    if not _is_full(text, separator):
        widths = _widths(text, separator)[1 : len(frame) + 1]
        short = widths < len(names) if len(widths) == len(frame) else short
    frame, rows = drop_blank_rows(frame, np.arange(2, len(frame) + 2) + skipped)
    short = short[rows - 2 - skipped]
    return frame, rows, _short_rows(path, rows, short, len(names))


def _is_full(text: str, separator: str) -> bool:
    """Whether all rows have as many cells as the header; no row has more, or it would not have been read."""
    if '"' in text:
        return False
    n_rows = text.count("\n") + (not text.endswith("\n"))
    return text.count(separator) == n_rows * text.partition("\n")[0].count(separator)


def _widths(text: str, separator: str) -> NDArray[np.int64]:
    """Number of cells of every row, the header and blank rows included."""
    if '"' in text:
        return np.array([len(record) for record in csv.reader(io.StringIO(text), delimiter=separator)])
    return np.array([line.count(separator) + 1 for line in text.split("\n")])


def _short_rows(
    path: Path, rows: NDArray[np.int64], short: NDArray[np.bool_], width: int
) -> tuple[Problem, ...]:
    """One warning about rows that end before the last column: cut off, or trailing cells left out."""
    if not short.any():
        return ()
    problem = Problem(
        found=f"{int(short.sum())} rows have fewer than {width} cells; the first is this one",
        expected="as many cells as in the header",
        remedy="Their last cells are taken as empty. Look whether the file was cut off.",
        file=path.name, row=int(rows[short.argmax()]), severity="warning", code="short_row",
    )  # fmt: skip
    return (problem,)


def decoded(path: Path, content: bytes, encoding: str | None = None) -> str:
    """A file as text: its encoding is found by looking unless it is given; lines end in a line feed."""
    if encoding is None:
        encoding = _encoding_of(content)
    if encoding == "utf-8":
        encoding = "utf-8-sig"
    if encoding == "utf-16" and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise file_error(
            path, f"byte {error.start + 1} is no text in the encoding {encoding}",
            "text in utf-8, utf-8-sig, cp1252 or utf-16",
            "Save the file again as CSV UTF-8, or set encoding in study.toml.", "bad_encoding",
        ) from None  # fmt: skip
    if "\x00" in text:
        raise file_error(
            path, "the file is not what its name says: it holds characters that no text has",
            "a text table (CSV)", "Save it again from the program it came from.", "not_what_its_name_says",
        )  # fmt: skip
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _encoding_of(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:4096]:
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _separator_of(text: str) -> str:
    """The separator that splits the header into most cells and the rows into as many."""
    lines = list(islice(io.StringIO(text), SAMPLE_LINES))
    best, best_score = ",", (0.0, 1)
    for separator in SEPARATORS:
        records = [record for record in csv.reader(lines, delimiter=separator) if any(record)]
        width = len(records[0]) if records else 0
        if width > 1:
            agreeing = sum(len(record) == width for record in records) / len(records)
            score = (round(agreeing, 1), width)
            if score > best_score:
                best, best_score = separator, score
    return best


def check_header(path: Path, header: list[str]) -> list[str]:
    """Column names without the spaces around them; refused where two are the same."""
    names = [str(name).strip().strip("\ufeff") for name in header]
    if not any(names):
        raise file_error(
            path, "the first row is empty", "the names of the columns",
            "Put the names of the columns in the first row.", "missing_header", row=1,
        )  # fmt: skip
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise file_error(
                path, f'the column name "{name}" occurs twice', "each name once",
                "Rename or remove one of the two.", "duplicate_column", row=1, column=name,
            )  # fmt: skip
        seen.add(name)
    return [name or f"(column {number} without a name)" for number, name in enumerate(names, start=1)]


def _cells(path: Path, text: str, separator: str, names: list[str], skipped: int) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text, newline=""), sep=separator, dtype=object, na_filter=False, header=None,
                skiprows=0, skip_blank_lines=False, index_col=False, low_memory=False,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        place = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if place is None:
            raise file_error(
                path, f"the rows cannot be read: {error}", "a table", "Export the table again.", "bad_rows"
            ) from None
        raise file_error(
            path, f"{place[3]} cells in this row", f"{place[1]} cells, as in the header",
            f'A text with "{separator}" in it must stand between quotes.', "bad_rows",
            row=int(place[2]) + skipped,
        ) from None  # fmt: skip
    width = len(names)
    beyond = frame.iloc[:, width:]
    if beyond.shape[1]:
        filled = (beyond != "").any(axis=1).to_numpy() & (np.arange(len(frame)) > 0)
        if filled.any():
            raise file_error(
                path, "a row has more cells than the header", f"{width} cells",
                f'A text with "{separator}" in it must stand between quotes.', "bad_rows",
                row=int(np.flatnonzero(filled)[0]) + 1 + skipped,
            )  # fmt: skip
    frame = frame.iloc[1:, :width].reset_index(drop=True)
    frame.columns = names
    return _unprotected(frame) if '="' in text else frame


def unprotected(value: object) -> object:
    """A cell such as ="00017", by which an export keeps Excel from making a number of it: the text itself."""
    if isinstance(value, str) and (match := _PROTECTED.fullmatch(value)):
        return match[1]
    return value


def _unprotected(frame: pd.DataFrame) -> pd.DataFrame:
    bare: pd.DataFrame = frame.apply(lambda cells: cells.str.replace(_PROTECTED, r"\1", regex=True))
    return bare


def drop_blank_rows(frame: pd.DataFrame, rows: NDArray[np.int64]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Leave out rows in which no cell holds anything; the row numbers of the others stay."""
    filled = np.zeros(len(frame), dtype=bool)
    for name in frame.columns:
        if filled.all():
            break
        rest = ~filled
        cells = frame[name][rest]
        text = cells.astype(str).str.strip()
        filled[rest] = (cells.notna() & (text != "")).to_numpy(dtype=bool)
    return frame[filled].reset_index(drop=True), rows[filled]
