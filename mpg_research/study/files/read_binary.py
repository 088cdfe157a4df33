"""Excel, SPSS and Parquet: cells typed as the program stored them."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.study.files.file_errors import file_error, refused_if_unreadable
from mpg_research.study.files.header import LOOKED_AT, IsName, check_header_row, no_names
from mpg_research.study.files.read_csv import check_header, drop_blank_rows, unprotected

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import TableConfig

__all__ = ["SPSS_DATE_FORMATS", "read_excel", "read_parquet", "read_spss", "spss_dates"]

SPSS_DATE_FORMATS = frozenset(["DATE", "ADATE", "EDATE", "SDATE", "JDATE", "DATETIME", "YMDHMS"])
DAYS_FROM_SPSS_TO_1970 = 141_428  # SPSS counts seconds from 14 October 1582


def read_excel(
    path: Path, content: bytes, table: "TableConfig", is_name: IsName = no_names
) -> tuple[pd.DataFrame, NDArray[np.int64], bool]:
    """One sheet of a workbook, the spreadsheet row of each row, and whether it counts days from 1904.

    Raises
    ------
    DataError
        If the workbook is damaged, has no such sheet, or repeats a column name.
    """
    import openpyxl
    import openpyxl.utils.datetime

    with (
        refused_if_unreadable(
            path, "the workbook", "an Excel workbook (.xlsx)", "Open it in Excel and save it again."
        ),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # openpyxl warns about styles and validations it drops
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        worksheet = _sheet_of(path, workbook, table.sheet)
        worksheet.reset_dimensions()  # some programs write a wrong size
        records = [tuple(record) for record in worksheet.iter_rows(values_only=True)]
        _refuse_formulas_without_values(path, content, worksheet.title, records)
    from_1904 = workbook.epoch != openpyxl.utils.datetime.WINDOWS_EPOCH
    start = next((number for number, record in enumerate(records) if _filled(record)), None)
    if start is None:
        raise file_error(
            path, f'the sheet "{worksheet.title}" is empty', "a header row and at least one row of data",
            "Name another sheet in study.toml, or export the table again.", "empty_table",
        )  # fmt: skip
    check_header_row(path, [records[:LOOKED_AT]], table.header_row, is_name)
    if table.header_row is not None:
        start = table.header_row - 1
        if start >= len(records) or not _filled(records[start]):
            raise file_error(
                path, f"row {table.header_row} is empty", "the names of the columns in that row",
                "Correct header_row in study.toml.", "header_row",
            )  # fmt: skip
    header = ["" if cell is None else str(cell) for cell in records[start]]
    while not header[-1].strip():
        header.pop()
    names = check_header(path, header)
    body = [(*record[: len(names)], *[None] * (len(names) - len(record))) for record in records[start + 1 :]]
    frame = pd.DataFrame(body, columns=names, dtype=object)
    frame = frame.map(unprotected)
    return (*drop_blank_rows(frame, np.arange(start + 2, start + 2 + len(frame))), from_1904)


def _refuse_formulas_without_values(
    path: Path, content: bytes, title: str, records: list[tuple[Any, ...]]
) -> None:
    """A formula that a program wrote and no spreadsheet has worked out yet would be read as an empty cell."""
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = (part for part in archive.namelist() if part.startswith("xl/worksheets/"))
        if not any(b"<f>" in (xml := archive.read(part)) or b"<f " in xml or b":f>" in xml for part in parts):
            return
    written = openpyxl.load_workbook(io.BytesIO(content), read_only=True)[title]
    written.reset_dimensions()
    lacking = [
        cell.coordinate
        for record, cells in zip(records, written.iter_rows(), strict=True)
        for value, cell in zip(record, cells, strict=False)
        if value is None and cell.data_type == "f"
    ]
    if lacking:
        raise file_error(
            path, f"formulas of which no value is stored: {len(lacking)}, the first in {lacking[0]}",
            "a value in each cell", "Open it in Excel or LibreOffice, save it there, and try again.",
            "formula_without_value",
        )  # fmt: skip


def _filled(record: tuple[Any, ...]) -> bool:
    return any(cell is not None and str(cell).strip() for cell in record)


def _sheet_of(path: Path, workbook: Any, sheet: str | int | None) -> Any:
    titles = workbook.sheetnames
    if sheet is None:
        seen = [worksheet for worksheet in workbook.worksheets if worksheet.sheet_state == "visible"]
        if seen:
            return seen[0]
        raise file_error(
            path, "all sheets of the workbook are hidden", "one sheet that can be seen",
            f"Name the sheet in study.toml (sheet = ...): {', '.join(titles)}.", "hidden_sheet",
        )  # fmt: skip
    if isinstance(sheet, int):
        if 1 <= sheet <= len(workbook.worksheets):
            return workbook.worksheets[sheet - 1]
    else:
        for worksheet in workbook.worksheets:
            if worksheet.title.strip().lower() == sheet.strip().lower():
                return worksheet
    raise file_error(
        path, f'there is no sheet "{sheet}"', f"one of {', '.join(titles)}",
        "Correct sheet in study.toml (a name, or a number from 1).", "missing_sheet",
    )  # fmt: skip


def read_spss(path: Path) -> tuple[pd.DataFrame, dict[str, dict[Any, str]]]:
    """An SPSS file and its value labels; values declared user-missing are empty.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import pyreadstat

    with refused_if_unreadable(
        path, "the SPSS file", "an SPSS file (.sav)", "Open it in SPSS and save it again."
    ):
        # Dates come as the numbers they are, so that user-missing codes can be taken out first.
        frame, meta = pyreadstat.read_sav(str(path), user_missing=True, disable_datetime_conversion=True)
        for name, ranges in meta.missing_ranges.items():
            frame[name] = _without_user_missing(frame[name], ranges)
        for name, written in meta.original_variable_types.items():
            if written.upper().rstrip("0123456789.") in SPSS_DATE_FORMATS:
                frame[name] = spss_dates(frame[name])
    frame.columns = check_header(path, [str(name) for name in frame.columns])
    labels = {name.strip(): dict(labelled) for name, labelled in meta.variable_value_labels.items()}
    return frame, labels


def _without_user_missing(cells: pd.Series, ranges: list[dict[str, Any]]) -> pd.Series:
    gone = np.zeros(len(cells), dtype=bool)
    for each in ranges:
        low, high = each["lo"], each["hi"]
        if isinstance(low, str):
            gone |= (cells.astype(str).str.strip() == low.strip()).to_numpy(dtype=bool)
        else:
            numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
            gone |= (numbers >= low) & (numbers <= high)
    return cells.mask(gone)


def spss_dates(seconds: pd.Series) -> pd.Series:
    """Days from the seconds that SPSS counts."""
    numbers = seconds.to_numpy(dtype=float)
    # Clipped to years that a calendar has; what lies outside is reported as an impossible date later.
    days = np.clip(np.floor(numbers / 86_400) - DAYS_FROM_SPSS_TO_1970, -700_000, 2_900_000)
    known = np.isfinite(days)
    dates = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[D]")
    dates[known] = days[known].astype(np.int64).astype("datetime64[D]")
    return pd.Series(dates.astype("datetime64[s]"), index=seconds.index)


def read_parquet(path: Path, content: bytes) -> tuple[pd.DataFrame, dict[str, str]]:
    """A Parquet file, and its columns that hold no single values; categories become their values.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import pyarrow.parquet

    with refused_if_unreadable(path, "the Parquet file", "a Parquet file", "Write it again."):
        table = pyarrow.parquet.read_table(io.BytesIO(content))
        no_values = {
            str(column.name): str(column.type) for column in table.schema if _holds_more(column.type)
        }
        frame = table.to_pandas()
    frame = frame.reset_index() if any(frame.index.names) else frame.reset_index(drop=True)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype(object)
    frame.columns = check_header(path, [str(name) for name in frame.columns])
    no_values = {name: kind for name, kind in no_values.items() if name in frame}
    return frame.assign(**dict.fromkeys(no_values)), no_values


def _holds_more(kind: Any) -> bool:
    """Whether cells of this type of Arrow are lists, records, spans of time or bytes."""
    from pyarrow import types

    tests = (
        types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary,
        types.is_duration, types.is_interval, types.is_time,
    )  # fmt: skip
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return any(test(kind) for test in tests)
