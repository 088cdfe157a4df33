"""Where the names of the columns stand, when that is not the first row: below a title or a date."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.files.file_errors import file_error

__all__ = [
    "IsName",
    "check_header_row",
    "first_rows_of_text",
    "header_elsewhere",
    "no_names",
    "without_headers",
]

IsName = Callable[[str], bool]
LOOKED_AT = 40  # rows
FEWEST_NAMES = 2
_EXCELS_OWN = re.compile(r"sep=.\n?")
FULL = 0.7  # of the most cells that a row has


def no_names(_: str) -> bool:
    """Where nothing is known about the names: none is one."""
    return False


def first_rows_of_text(text: str, separators: Sequence[str]) -> list[list[list[str]]]:
    """The first rows of a text table, once for each separator it may have; rows as a spreadsheet counts."""
    lines = ["" if _EXCELS_OWN.fullmatch(line) else line for line in islice(io.StringIO(text), LOOKED_AT)]
    readings = []
    for separator in separators:
        try:
            readings.append([next(csv.reader([line], delimiter=separator), []) for line in lines])
        except csv.Error:
            continue
    return readings


def check_header_row(
    path: Path, readings: Sequence[Sequence[Sequence[Any]]], header_row: int | None, is_name: IsName
) -> None:
    """Refuse a table whose names stand in another row than is read as its header.

    Parameters
    ----------
    path : Path
        For messages.
    readings : sequence of rows of cells
        The first rows of the file, in each way they may be split; the first row is row 1.
    header_row : int, optional
        The row that study.toml names; else the first that holds anything.
    is_name : callable
        Whether a cell is the name of a column that the table should have.

    Raises
    ------
    DataError
        With the row where the names seem to stand.
    """
    found = [header_elsewhere(rows, header_row, is_name) for rows in readings]
    elsewhere = next((place for place in found if place is not None), None)
    if elsewhere is None:
        return
    row, at = elsewhere
    raise file_error(
        path, f"the names of the columns seem to stand in row {row}, not in row {at}",
        f"the names in row {at}" if header_row else "the names in the first row",
        f"Set header_row = {row} in the table's section of study.toml.", "header_row", row=at,
    )  # fmt: skip


def header_elsewhere(
    rows: Sequence[Sequence[Any]], header_row: int | None, is_name: IsName
) -> tuple[int, int] | None:
    """The row where the names of the columns seem to stand, and the one read as the header; else None."""
    filled = [[str(cell).strip() for cell in row if cell is not None and str(cell).strip()] for row in rows]
    first = next((number for number, cells in enumerate(filled) if cells), None)
    at = header_row - 1 if header_row else first
    if at is None or at >= len(filled):
        return None
    names = [sum(is_name(cell) for cell in cells) for cells in filled]
    best = max(range(len(names)), key=lambda number: (names[number], -number))
    if names[best] >= FEWEST_NAMES and names[best] > names[at]:
        return best + 1, at + 1
    if header_row or any(names):
        return None
    widest = max(len(cells) for cells in filled)
    if len(filled[at]) <= 2 and widest >= 4:
        below = next(number for number, cells in enumerate(filled) if len(cells) >= FULL * widest)
        return below + 1, at + 1
    return None


def without_headers(
    path: Path, frame: pd.DataFrame, rows: NDArray[np.int64]
) -> tuple[pd.DataFrame, NDArray[np.int64], tuple[Problem, ...]]:
    """The table without rows that repeat the names of the columns, as exports put one under another have."""
    alike = np.zeros(len(frame), dtype=int)
    for name in frame.columns:
        cells = frame[name]
        plain = cells if isinstance(cells.dtype, pd.StringDtype) else cells.astype(object)
        alike += (plain == name).to_numpy(dtype=bool, na_value=False)
    again = (alike >= FEWEST_NAMES) & (alike > frame.shape[1] / 2)
    if not again.any():
        return frame, rows, ()
    listed = ", ".join(str(int(row)) for row in rows[again][:5])
    problem = Problem(
        found=f"the names of the columns stand again in row {listed}",
        expected="the names in one row only",
        remedy="They are left out. Look whether exports were put one under another, and none twice.",
        file=path.name, row=int(rows[again][0]), severity="warning", code="header_repeated",
    )  # fmt: skip
    return frame[~again].reset_index(drop=True), rows[~again], (problem,)
