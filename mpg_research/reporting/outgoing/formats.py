"""One table as CSV, Parquet and SPSS."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.present.tables.html import harmless_in_spreadsheets
from mpg_research.reporting.outgoing.variables import OutTable, Variable, spss_names

__all__ = ["write_csv", "write_parquet", "write_spss"]

#: Limits of SPSS, in bytes.
_LABEL, _VALUE_LABEL, _TEXT = 255, 120, 32_767


def write_csv(table: OutTable, folder: Path) -> Path:
    """Write a table as CSV: UTF-8, commas, decimal points, yes and no as 1 and 0, days as 2025-12-31.

    Parameters
    ----------
    table : OutTable
        What is written.
    folder : Path
        Where; it is there.

    Returns
    -------
    Path
        The file. A text that a spreadsheet would run as a formula has an apostrophe before it.
    """
    columns = {variable.name: _as_text(table.frame[variable.name], variable) for variable in table.variables}
    buffer = io.StringIO()
    pd.DataFrame(columns).to_csv(buffer, index=False, lineterminator="\n")
    file = folder / f"{table.name}.csv"
    file.write_bytes(buffer.getvalue().encode("utf-8", "replace"))
    return file


def _as_text(cells: pd.Series, variable: Variable) -> pd.Series:
    if variable.kind == "date":
        days = [None if day is None else day.isoformat() for day in _days(cells)]
        return pd.Series(days, index=cells.index, dtype=object)
    if variable.kind in ("boolean", "integer"):
        return cells.astype("Float64").astype("Int64")
    if variable.kind == "number":
        return cells.astype(float)
    return pd.Series([_harmless(text) for text in _texts(cells)], index=cells.index, dtype=object)


def _harmless(text: str | None) -> str | None:
    """A text that no spreadsheet runs, in one line as it is stored."""
    return None if text is None else str(harmless_in_spreadsheets(text))


def _texts(cells: pd.Series) -> pd.Series:
    """Text, and None where there is none."""
    texts = [None if pd.isna(value) else str(value) for value in cells.astype(object)]
    return pd.Series(texts, index=cells.index, dtype=object)


def _days(cells: pd.Series) -> pd.Series:
    stamps = pd.to_datetime(cells)
    days = [None if pd.isna(stamp) else stamp.date() for stamp in stamps]
    return pd.Series(days, index=cells.index, dtype=object)


def write_parquet(table: OutTable, folder: Path) -> Path:
    """Write a table as Parquet, with the label of each column in its metadata.

    Parameters
    ----------
    table : OutTable
        What is written.
    folder : Path
        Where; it is there.

    Returns
    -------
    Path
        The file.
    """
    import pyarrow
    import pyarrow.parquet

    kinds: Mapping[str, Any] = {
        "date": pyarrow.date32(), "boolean": pyarrow.bool_(), "integer": pyarrow.int64(),
        "number": pyarrow.float64(), "text": pyarrow.string(), "code": pyarrow.string(),
    }  # fmt: skip
    fields, arrays = [], []
    for variable in table.variables:
        cells = table.frame[variable.name]
        values: list[Any]
        if variable.kind == "date":
            values = _days(cells).tolist()
        elif variable.kind in ("text", "code"):
            values = _texts(cells).tolist()
        else:
            plain = cells.astype("Float64")
            values = [None if pd.isna(value) else value for value in plain.tolist()]
            if variable.kind == "boolean":
                values = [None if value is None else bool(value) for value in values]
            if variable.kind == "integer":
                values = [None if value is None else int(value) for value in values]
        fields.append(pyarrow.field(variable.name, kinds[variable.kind], metadata={"label": variable.label}))
        arrays.append(pyarrow.array(values, type=kinds[variable.kind]))
    file = folder / f"{table.name}.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields)), file)
    return file


def write_spss(table: OutTable, folder: Path) -> Path:
    """Write a table as .sav: names that SPSS takes, labels of variables, codes as numbers with value labels.

    Parameters
    ----------
    table : OutTable
        What is written.
    folder : Path
        Where; it is there.

    Returns
    -------
    Path
        The file. Labels and texts are cut where SPSS takes no longer ones.
    """
    import pyreadstat

    names = spss_names(variable.name for variable in table.variables)
    columns: dict[str, Any] = {}
    labels: dict[str, dict[float, str]] = {}
    shown: dict[str, str] = {}
    measures: dict[str, str] = {}
    for variable in table.variables:
        name, cells = names[variable.name], table.frame[variable.name]
        measures[name] = "scale" if variable.kind in ("number", "integer", "date") else "nominal"
        if variable.kind == "date":
            columns[name] = _days(cells)
            shown[name] = "DATE11"
        elif variable.kind == "code":
            columns[name], labels[name] = _numbered(cells, variable)
            shown[name] = "F8.0"
        elif variable.kind == "text":
            columns[name] = pd.Series([_cut(text or "", _TEXT) for text in _texts(cells)], dtype=object)
        else:
            columns[name] = cells.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            shown[name] = "F12.6" if variable.kind == "number" else "F8.0"
            if variable.kind == "boolean":
                labels[name] = {0.0: "no", 1.0: "yes"}
    file = folder / f"{table.name}.sav"
    pyreadstat.write_sav(
        pd.DataFrame(columns), str(file), file_label=_cut(table.title, 60),
        column_labels=[_cut(variable.label, _LABEL) for variable in table.variables],
        variable_value_labels=labels, variable_format=shown, variable_measure=measures,
    )  # fmt: skip
    return file


def _numbered(cells: pd.Series, variable: Variable) -> tuple[pd.Series, dict[float, str]]:
    """Codes as numbers from 1, those that are known beforehand first, and what each number means."""
    texts = _texts(cells)
    present = {text for text in texts if text is not None}
    known = [code for code in variable.values if code in present]
    codes = [*known, *sorted(present - set(known))]
    numbers = {code: float(number) for number, code in enumerate(codes, start=1)}
    labels = {numbers[code]: _cut(variable.values.get(code, code), _VALUE_LABEL) for code in codes}
    found = [np.nan if text is None else numbers[text] for text in texts]
    return pd.Series(found, dtype=float), labels


def _cut(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8, without half a letter at its end."""
    encoded = text.replace("\x00", "").encode("utf-8", "replace")
    return encoded[:most].decode("utf-8", "ignore")
