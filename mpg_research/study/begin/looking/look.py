"""Looking at an export: its first rows only, so that a file of millions costs no more than a small one."""

import csv
import os.path
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mpg_research.errors import DataError
from mpg_research.study.config.study_toml import TableConfig
from mpg_research.study.files.file_errors import file_error, refused_if_unreadable
from mpg_research.study.files.header import IsName, first_rows_of_text, header_elsewhere
from mpg_research.study.files.read import form_of_file, read_table
from mpg_research.study.files.read_csv import SEPARATORS, check_header, decoded, read_csv_bytes

__all__ = ["MOST_ROWS", "Look", "look_at"]

#: So many rows of a file are looked at, so many bytes of a text, and so many sheets of a workbook.
MOST_ROWS = 5_000
MOST_BYTES = 3_000_000
MOST_SHEETS = 120
ROWS_OF_MANY_SHEETS = 1_000
#: A file of another form than those above is read whole, up to so many bytes.
MOST_WHOLE = 200_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """The first rows of one table of a file.

    Attributes
    ----------
    path : Path
        The file.
    frame : DataFrame
        Its first rows, as they are read.
    sheet : str
        Name of the sheet in a workbook; else "".
    is_first : bool
        Whether it is the sheet that is read where study.toml names none.
    header_row : int or None
        Where the names of the columns stand below a title: the row, as a spreadsheet counts.
    is_whole : bool
        Whether all rows were looked at.
    labels : dict
        Column to what SPSS says it is about.
    value_labels : dict
        Column to {value: label} of SPSS.
    day_numbers : {"", "excel", "spss"}
        As in :class:`~mpg_research.study.files.read.RawTable`.
    """

    path: Path
    frame: pd.DataFrame
    sheet: str = ""
    is_first: bool = True
    header_row: int | None = None
    is_whole: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    value_labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    day_numbers: str = ""

    @property
    def name(self) -> str:
        """The file, and the sheet where there are several."""
        return f"{self.path.name}, sheet {self.sheet}" if self.sheet else self.path.name


def look_at(path: Path, is_name: IsName) -> tuple[Look, ...]:
    """Look at the first rows of every table of a file.

    Parameters
    ----------
    path : Path
        The file; it is only read.
    is_name : callable
        Whether a text is the name of a column of some table: finds a header below a title.

    Returns
    -------
    tuple of Look
        One, or one per sheet that holds anything.

    Raises
    ------
    DataError
        If the file is missing, empty, or no table.
    """
    form = form_of_file(path)
    by_form: dict[str, Callable[[Path, IsName], tuple[Look, ...]]] = {
        "csv": _text,
        "excel": _workbook,
        "spss": _spss,
        "parquet": _parquet,
    }
    return by_form.get(form, _whole)(path, is_name)


def _text(path: Path, is_name: IsName) -> tuple[Look, ...]:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES)
        is_whole = not file.read(1)
    if not is_whole:
        content = _up_to_whole_row(content)
    row = _header_of_text(path, content, is_name)
    frame, _, _ = read_csv_bytes(path, content, TableConfig(file="-", header_row=row))
    is_whole &= len(frame) <= MOST_ROWS
    return (Look(path, frame.head(MOST_ROWS), header_row=row, is_whole=is_whole),)


def _header_of_text(path: Path, content: bytes, is_name: IsName) -> int | None:
    try:
        readings = first_rows_of_text(decoded(path, content[:400_000]), SEPARATORS)
    except (DataError, csv.Error):
        return None
    found = (header_elsewhere(rows, None, is_name) for rows in readings)
    return next((place[0] for place in found if place is not None), None)


def _up_to_whole_row(content: bytes) -> bytes:
    """Cut after the last row that ends outside quotation marks (in UTF-16 at a whole character)."""
    wide = b"\x00" in content[:4096]
    end = len(content)
    for _ in range(1_000):
        end = content.rfind(b"\n", 0, end)
        if end <= 0:
            return content
        if content.count(b'"', 0, end) % 2 == 0:
            break
    cut = end + 1
    if wide and cut % 2:
        cut += 1
    return content[:cut]


def _workbook(path: Path, is_name: IsName) -> tuple[Look, ...]:
    import openpyxl

    looks: list[Look] = []
    with (
        refused_if_unreadable(
            path, "the workbook", "an Excel workbook (.xlsx)", "Open it in Excel and save it again."
        ),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = [each for each in workbook.worksheets if each.sheet_state == "visible"]
        most = MOST_ROWS if len(sheets) < 10 else ROWS_OF_MANY_SHEETS
        for sheet in sheets[:MOST_SHEETS]:
            sheet.reset_dimensions()
            rows = []
            for record in sheet.iter_rows(values_only=True):
                rows.append(tuple(record))
                if len(rows) > most + 40:
                    break
            look = _sheet(path, sheet.title, rows, most, is_name)
            if look is not None:
                looks.append(look if sheet is not sheets[0] else _as_first(look))
        workbook.close()
    if not looks:
        raise file_error(
            path, "no sheet holds a table", "a header row and at least one row of data",
            "Export the table again.", "empty_table",
        )  # fmt: skip
    return tuple(looks)


def _as_first(look: Look) -> Look:
    return Look(look.path, look.frame, look.sheet, True, look.header_row, look.is_whole, day_numbers="excel")


def _sheet(path: Path, title: str, rows: list[tuple[Any, ...]], most: int, is_name: IsName) -> Look | None:
    filled = [number for number, row in enumerate(rows) if any(_holds_text(cell) for cell in row)]
    if len(filled) < 2:
        return None
    elsewhere = header_elsewhere(rows[:40], None, is_name)
    at = elsewhere[0] - 1 if elsewhere else filled[0]
    header = list(rows[at])
    while header and not _holds_text(header[-1]):
        header.pop()
    names = check_header(path, ["" if cell is None else str(cell) for cell in header])
    body = [row[: len(names)] + (None,) * (len(names) - len(row)) for row in rows[at + 1 :]]
    body = [row for row in body if any(_holds_text(cell) for cell in row)][:most]
    if not body:
        return None
    frame = pd.DataFrame(body, columns=names, dtype=object)
    row = elsewhere[0] if elsewhere else None
    return Look(path, frame, title, False, row, len(rows) <= most, day_numbers="excel")


def _holds_text(cell: object) -> bool:
    return cell is not None and bool(str(cell).strip())


def _spss(path: Path, is_name: IsName) -> tuple[Look, ...]:
    import pyreadstat

    with refused_if_unreadable(
        path, "the SPSS file", "an SPSS file (.sav)", "Open it in SPSS and save it again."
    ):
        frame, meta = pyreadstat.read_sav(str(path), row_limit=MOST_ROWS + 1)
    labels = {name: text for name, text in zip(meta.column_names, meta.column_labels, strict=True) if text}
    return (
        Look(
            path, frame.head(MOST_ROWS), is_whole=len(frame) <= MOST_ROWS, labels=labels,
            value_labels={name: dict(each) for name, each in meta.variable_value_labels.items()},
            day_numbers="spss",
        ),
    )  # fmt: skip


def _parquet(path: Path, is_name: IsName) -> tuple[Look, ...]:
    import pyarrow.parquet

    with refused_if_unreadable(path, "the Parquet file", "a Parquet file", "Write it again."):
        file = pyarrow.parquet.ParquetFile(path)
        batch = next(file.iter_batches(batch_size=MOST_ROWS), None)
        frame = file.schema_arrow.empty_table().to_pandas() if batch is None else batch.to_pandas()
        n_rows = file.metadata.num_rows
    frame = frame.reset_index() if any(frame.index.names) else frame.reset_index(drop=True)
    frame.columns = [str(name) for name in frame.columns]
    return (Look(path, frame, is_whole=n_rows <= len(frame)),)


def _whole(path: Path, is_name: IsName) -> tuple[Look, ...]:
    """A form that is read in one way only."""
    if os.path.getsize(path) > MOST_WHOLE:
        raise file_error(
            path, f"the file has more than {MOST_WHOLE // 1_000_000} MB", "a smaller file to look at",
            "Write its section of study.toml by hand.", "too_large_to_look_at",
        )  # fmt: skip
    raw = read_table(path, TableConfig(file="-"), is_name=is_name)
    frame = raw.frame.head(MOST_ROWS)
    return (
        Look(path, frame, is_whole=len(frame) == len(raw.frame), value_labels=raw.labels,
             day_numbers=raw.day_numbers),
    )  # fmt: skip
