"""Stata, SAS and SPSS portable files, and one table of an SQLite file: only read."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mpg_research.study.files.file_errors import file_error, refused_if_unreadable
from mpg_research.study.files.read_binary import SPSS_DATE_FORMATS, spss_dates
from mpg_research.study.files.read_csv import check_header

__all__ = ["read_portable", "read_sas", "read_sqlite", "read_stata"]

Labelled = tuple[pd.DataFrame, dict[str, dict[Any, str]]]


def read_stata(path: Path) -> Labelled:
    """A Stata file and its value labels; ``.`` and ``.a`` to ``.z`` are empty.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import pyreadstat

    def read() -> tuple[pd.DataFrame, Any]:
        frame, meta = pyreadstat.read_dta(str(path), dates_as_pandas_datetime=True)
        return frame, meta

    return _read(path, read, "a Stata file (.dta)", "Stata")


def read_sas(path: Path) -> Labelled:
    """A SAS file. Its formats stand in a catalogue of their own, which is not read: codes stay codes.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import pyreadstat

    def read() -> tuple[pd.DataFrame, Any]:
        frame, meta = pyreadstat.read_sas7bdat(str(path), dates_as_pandas_datetime=True)
        return frame, meta

    return _read(path, read, "a SAS file (.sas7bdat)", "SAS")


def read_portable(path: Path) -> Labelled:
    """A portable file of SPSS and its value labels; values declared user-missing are empty.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import pyreadstat

    def read() -> tuple[pd.DataFrame, Any]:
        frame, meta = pyreadstat.read_por(str(path), disable_datetime_conversion=True)
        for name, written in meta.original_variable_types.items():
            if written.upper().rstrip("0123456789.") in SPSS_DATE_FORMATS:
                frame[name] = spss_dates(frame[name])
        return frame, meta

    return _read(path, read, "a portable file of SPSS (.por)", "SPSS")


def _read(path: Path, read: Callable[[], tuple[pd.DataFrame, Any]], kind: str, program: str) -> Labelled:
    with refused_if_unreadable(path, "the file", kind, f"Open it in {program} and save it again."):
        frame, meta = read()
    frame.columns = check_header(path, [str(name) for name in frame.columns])
    labels = {name.strip(): dict(labelled) for name, labelled in meta.variable_value_labels.items()}
    return frame, labels


def read_sqlite(path: Path, table: str | int | None) -> pd.DataFrame:
    """One table or view of an SQLite file, opened so that nothing can be written to it.

    Parameters
    ----------
    path : Path
        The file.
    table : str, int or None
        Its name (``sheet`` in study.toml), or its number from 1; None where the file has one only.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the file is damaged, in use by a program that is writing, or has no such table.
    """
    for ending in ("-wal", "-journal"):
        journal = path.with_name(f"{path.name}{ending}")
        if os.path.isfile(journal) and journal.stat().st_size:
            raise file_error(
                path, f"a program is writing to it: {journal.name} holds changes that are not in the file",
                "a database that nobody is writing to", "Close that program, or export the table again.",
                "database_in_use",
            )  # fmt: skip
    try:
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            listed = (
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            )
            names = sorted(str(row[0]) for row in connection.execute(listed))
            chosen = _chosen(path, names, table)
            quoted = chosen.replace('"', '""')
            cursor = connection.execute(f'SELECT * FROM "{quoted}"')
            columns = [str(each[0]) for each in cursor.description]
            records = cursor.fetchall()
        connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise file_error(
            path, f"the database cannot be read: {error}", "an SQLite file",
            "Open it in the program it came from and export the table again.", "unreadable_file",
        ) from None  # fmt: skip
    frame = pd.DataFrame(records, columns=check_header(path, columns), dtype=object)
    return frame.map(lambda cell: None if isinstance(cell, bytes) else cell)


def _chosen(path: Path, names: list[str], table: str | int | None) -> str:
    if isinstance(table, int) and 1 <= table <= len(names):
        return names[table - 1]
    for name in names:
        if isinstance(table, str) and name.strip().lower() == table.strip().lower():
            return name
    if table is None and len(names) == 1:
        return names[0]
    raise file_error(
        path, f"{len(names)} tables" if table is None else f'there is no table "{table}"',
        f"one of {', '.join(names)}" if names else "a table",
        "Name the table in study.toml: sheet = \"...\".", "missing_sheet",
    )  # fmt: skip
