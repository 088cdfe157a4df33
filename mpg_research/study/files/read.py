"""Raw files to raw tables: CSV, Excel, SPSS, Stata, SAS, Parquet and SQLite, only read, never written."""

import hashlib
import os.path
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import DataError, Problem
from mpg_research.study.files.file_errors import file_error
from mpg_research.study.files.header import IsName, no_names, without_headers

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import TableConfig

__all__ = ["RawTable", "file_error", "form_of_file", "read_table"]

Form = Literal["csv", "excel", "spss", "parquet", "stata", "sas", "portable", "sqlite", "fhir"]

FORM_OF_SUFFIX: dict[str, Form] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".dat": "csv",
    ".xlsx": "excel", ".xlsm": "excel",
    ".sav": "spss", ".zsav": "spss",
    ".parquet": "parquet", ".pq": "parquet",
    ".ndjson": "fhir", ".jsonl": "fhir",
    ".dta": "stata", ".sas7bdat": "sas", ".por": "portable",
    ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite",
}  # fmt: skip
NAME_OF_FORM = {
    "csv": "a text table (CSV)",
    "excel": "an Excel workbook (.xlsx)",
    "spss": "an SPSS file (.sav)",
    "parquet": "a Parquet file",
    "fhir": "lines of JSON (.ndjson)",
    "stata": "a Stata file (.dta)",
    "sas": "a SAS file (.sas7bdat)",
    "portable": "a portable file of SPSS (.por)",
    "sqlite": "an SQLite file",
    "zip": "a zip archive",
    "old_excel": "an old Excel workbook (.xls)",
    "encrypted": "a workbook that is protected by a password",
    "pdf": "a PDF",
    "gzip": "a gzip archive",
    "html": "a web page (HTML)",
    "binary": "something else than text",
}
#: What every file of SAS 7 and later begins with.
_SAS = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
#: Releases of Stata whose files begin with their number, and what follows it: byte order, kind of file.
_OLD_STATA = (105, 108, 110, 111, 112, 113, 114, 115)
SIGNATURES = (
    (b"$FL2", "spss"), (b"$FL3", "spss"), (b"PAR1", "parquet"), (b"PK\x03\x04", "zip"),
    (b"SQLite format 3\x00", "sqlite"), (b"<stata_dta>", "stata"), (_SAS, "sas"),
    (b"\xd0\xcf\x11\xe0", "old_excel"), (b"%PDF", "pdf"), (b"\x1f\x8b", "gzip"),
)  # fmt: skip
#: A zip names its parts throughout; its kind is told from the first megabytes.
ENOUGH_TO_TELL = 4_000_000
# The stream that holds the workbook in a file that Office has encrypted ([MS-OFFCRYPTO], 2.3).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as its file holds it.

    Attributes
    ----------
    path : Path
        The file.
    sha256 : str
        Hash of its bytes.
    form : {"csv", "excel", "spss", "parquet", "stata", "sas", "portable", "sqlite", "fhir"}
        How it was read.
    frame : DataFrame
        The cells. Of a CSV all text; of other forms typed as the program stored them. Rows without
        any content are left out.
    rows : ndarray of int, shape (n_rows,)
        Row in the file as a spreadsheet counts; the header is row 1.
    labels : mapping
        SPSS value labels: column to {value: label}. User-missing values are already gone.
    problems : tuple of Problem
        Oddities of the file itself: rows with fewer cells than the header.
    day_numbers : {"", "excel", "excel1904", "spss"}
        How the program counts days where a date column lost its format.
    no_values : mapping of str to str
        Columns whose cells are no single values, and what they are ("list<item: int64>"); their cells are
        empty here. They are refused where they are used.
    label : str
        What messages call the file, where its name is not enough: other files of the study have it too.
    """

    path: Path
    sha256: str
    form: Form
    frame: pd.DataFrame
    rows: NDArray[np.int64]
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    day_numbers: str = ""
    no_values: dict[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        """What messages call the file."""
        return self.label or self.path.name


def read_table(path: Path, table: "TableConfig", *, is_name: IsName = no_names) -> RawTable:
    """Read one file as it is; what the columns mean comes later.

    Parameters
    ----------
    path : Path
        The file.
    table : TableConfig
        Says how the file is written, where detection should not decide.
    is_name : callable
        Whether a text is the name of a column that the table should have: finds a header below a title.

    Returns
    -------
    RawTable

    Raises
    ------
    DataError
        If the file is missing, empty, of another kind than its name says, or cannot be read.
    """
    content = _bytes_of(path)
    form = form_of_file(path, content)
    digest = hashlib.sha256(content).hexdigest()
    if form == "csv":
        from mpg_research.study.files.read_csv import read_csv_bytes

        frame, rows, problems = read_csv_bytes(path, content, table, is_name)
        frame, rows, again = without_headers(path, frame, rows)
        problems += again
        return RawTable(path, digest, form, frame, rows, problems=problems)
    if form == "fhir":
        from mpg_research.study.files.read_fhir import read_fhir

        frame, rows, problems = read_fhir(path, content)
        return RawTable(path, digest, form, frame, rows, problems=problems)
    from mpg_research.study.files import read_binary

    if form == "spss":
        frame, labels = read_binary.read_spss(path)
        return RawTable(path, digest, form, frame, _counted(frame), labels, day_numbers="spss")
    if form == "excel":
        frame, rows, counts_from_1904 = read_binary.read_excel(path, content, table, is_name)
        return RawTable(
            path, digest, form, frame, rows, day_numbers="excel1904" if counts_from_1904 else "excel"
        )
    if form in ("stata", "sas", "portable"):
        from mpg_research.study.files import read_other

        read = {
            "stata": read_other.read_stata, "sas": read_other.read_sas, "portable": read_other.read_portable
        }[form]  # fmt: skip
        frame, labels = read(path)
        days = "spss" if form == "portable" else ""
        return RawTable(path, digest, form, frame, _counted(frame), labels, day_numbers=days)
    if form == "sqlite":
        from mpg_research.study.files.read_other import read_sqlite

        frame = read_sqlite(path, table.sheet)
        return RawTable(path, digest, form, frame, _counted(frame))
    frame, no_values = read_binary.read_parquet(path, content)
    return RawTable(path, digest, form, frame, _counted(frame), no_values=no_values)


def _other_workbook(path: Path, content: bytes) -> DataError:
    """A workbook of a kind that is not read, and how to make one that is; or what it is in truth."""
    actual = _form_of_content(content)
    remedy = "Open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)."
    found = f'the ending "{path.suffix}": a workbook of a kind that is not read'
    if actual in ("csv", "html"):  # many programs give a text table or a web page this ending
        found = f'the ending "{path.suffix}", while its content is {NAME_OF_FORM[actual]}'
        if actual == "csv":
            remedy = "Give it the ending .csv, and name it so in study.toml."
    return file_error(path, found, NAME_OF_FORM["excel"], remedy, "unknown_file_form")


def form_of_file(path: Path, content: bytes | None = None) -> Form:
    """How a file is read, by its name; refused where what is in it is something else.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes, optional
        What is in it; by default enough of it to tell is read.

    Returns
    -------
    str
        As in :attr:`RawTable.form`.

    Raises
    ------
    DataError
        If the file is missing, empty, or of another kind than its name says.
    """
    content = _bytes_of(path, ENOUGH_TO_TELL) if content is None else content
    form = FORM_OF_SUFFIX.get(path.suffix.lower())
    if form is None and path.suffix.lower() in (".xls", ".xlsb", ".ods"):
        raise _other_workbook(path, content)
    if form is None:
        known = ", ".join(FORM_OF_SUFFIX)
        raise file_error(
            path, f'the ending "{path.suffix}"', f"one of {known}",
            "Save the table in one of these forms.", "unknown_file_form",
        )  # fmt: skip
    actual = _form_of_content(content)
    if actual != form and not _is_text_of(form, actual):
        if actual == "encrypted":
            raise file_error(
                path, "the file is protected by a password", f"{NAME_OF_FORM[form]} that can be opened",
                "Save it without a password, and protect the folder in its place.", "protected_file",
            )  # fmt: skip
        raise file_error(
            path, f"the file is not what its name says: its content is {NAME_OF_FORM[actual]}",
            NAME_OF_FORM[form], "Save it again from the program it came from, or correct its name.",
            "not_what_its_name_says",
        )  # fmt: skip
    return form


def _bytes_of(path: Path, most: int = -1) -> bytes:
    if not os.path.isfile(path):
        near = _files_in(path.parent)
        raise file_error(
            path, f"there is no such file: {_shortened(str(path))}",
            f"one of {', '.join(near[:8])}" if near else "an existing folder and file",
            "Correct the file name in study.toml, or put the file there.", "missing_file",
        )  # fmt: skip
    try:
        with path.open("rb") as file:
            content = file.read(most)
    except OSError as error:
        raise file_error(
            path, f"the file cannot be read: {error.strerror}", "a readable file",
            "Close it in other programs, or ask for permission to read it.", "unreadable_file",
        ) from None  # fmt: skip
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise file_error(
            path, "the file is empty", "a header row and at least one row of data",
            "Export the table again.", "empty_table",
        )  # fmt: skip
    return content


def _files_in(folder: Path) -> list[str]:
    try:
        return sorted(p.name for p in folder.iterdir() if os.path.isfile(p) and p.suffix != ".toml")
    except OSError:
        return []


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _form_of_content(content: bytes) -> str:
    for signature, form in SIGNATURES:
        if content.startswith(signature):
            if form == "old_excel" and _ENCRYPTED in content:
                return "encrypted"
            return "excel" if form == "zip" and b"xl/" in content else form
    start = content[:4096]
    if b"SPSS PORT FILE" in start[:400]:
        return "portable"
    if len(start) > 4 and start[0] in _OLD_STATA and start[1] in (1, 2) and start[2] == 1 and start[3] == 0:
        return "stata"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "html"
    return "csv" if _is_text(start) else "binary"


def _is_text_of(form: Form, actual: str) -> bool:
    """Whether a text may be what its name says: lines of JSON are text as well."""
    return form == "fhir" and actual == "csv"


def _is_text(start: bytes) -> bool:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or _like_utf_16(start):
        return True
    controls = sum(byte < 32 and byte not in (9, 10, 12, 13, 26) for byte in start)
    return controls == 0


def _like_utf_16(start: bytes) -> bool:
    """UTF-16 without its mark: every other byte of plain letters is zero."""
    half = len(start) // 2
    return half > 0 and max(start[::2].count(0), start[1::2].count(0)) > 0.7 * half


def _counted(frame: pd.DataFrame) -> NDArray[np.int64]:
    return np.arange(2, len(frame) + 2)
