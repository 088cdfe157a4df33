"""A result as one file, and back: JSON and Parquet in a zip. Never a pickle.

What does not come back exactly as it went in is not packed (:class:`NotStorable`). Tables with one row per
family are left out: only their names and columns are kept.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from mpg_research.analysis.columns import Column
from mpg_research.analysis.result import AnalysisResult, Provenance, ResultTable
from mpg_research.errors import Note
from mpg_research.reporting.store.sealed import Damaged
from mpg_research.reporting.store.stored import FamilyTable, StoredResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NotStorable", "pack", "unpack"]

_CONTENT = "result.json"
_DEFAULTS = {each.name: each for each in fields(Column)}
_SHARED = ("tables", "flow", "notes", "provenance", "level", "converged")
_SCALARS = (bool, int, float, str, type(None))


class NotStorable(Exception):
    """A result would not come back as it is; the reason is for developers."""


def pack(result: Any) -> bytes:
    """A result as bytes.

    Parameters
    ----------
    result : AnalysisResult
        What an analysis returned.

    Returns
    -------
    bytes

    Raises
    ------
    NotStorable
        If it would not come back exactly.
    """
    frames: list[pd.DataFrame] = []
    content = _described(result, frames)
    try:
        text = json.dumps(content, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise NotStorable(str(error)) from error
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(_CONTENT, text)
        for number, frame in enumerate(frames):
            archive.writestr(f"{number}.parquet", _parquet(frame))
    packed = stream.getvalue()
    _refuse_difference(result, unpack(packed, key="", compute=lambda: result))
    return packed


def unpack(packed: bytes, *, key: str, compute: Callable[[], Any]) -> StoredResult:
    """The result that was packed.

    Parameters
    ----------
    packed : bytes
        From :func:`pack`.
    key : str
        Under which it is stored.
    compute : callable
        Runs the analysis, for what was not packed.

    Returns
    -------
    StoredResult

    Raises
    ------
    Damaged
        If it cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            content = json.loads(archive.read(_CONTENT))
            return _restored(content, lambda number: _frame(archive.read(f"{number}.parquet")), key, compute)
    except Exception as error:
        # Whatever is wrong with the bytes, each reader has its own error for it.
        raise Damaged(str(error)) from error


def _described(result: Any, frames: list["pd.DataFrame"]) -> dict[str, Any]:
    """A result without its rows, which are added to ``frames``."""
    own = [each.name for each in fields(result) if each.name not in _SHARED]
    values = {name: getattr(result, name) for name in own}
    tables = []
    for name, table in result.tables.items():
        about: dict[str, Any] = {
            "name": name, "unit": table.unit, "columns": [_of_column(column) for column in table.columns],
        }  # fmt: skip
        if table.unit != "family":
            about["rows"], about["n_coefficients"] = len(frames), table.n_coefficients
            frames.append(table.data)
        tables.append(about)
    return {
        "type": type(result).__name__,
        "kind": result.kind,
        "compares_organisations": result.compares_organisations,
        "level": result.level,
        "converged": result.converged,
        "flow": [asdict(step) for step in result.flow.steps],
        "notes": [{**asdict(note), "values": dict(note.values)} for note in result.notes],
        "provenance": asdict(result.provenance),
        "tables": tables,
        "scalars": {name: value for name, value in values.items() if type(value) in _SCALARS},
        "results": {
            name: _described(value, frames)
            for name, value in values.items()
            if isinstance(value, AnalysisResult)
        },
        "attributes": sorted({*own, *(name for name in dir(type(result)) if not name.startswith("_"))}),
    }


def _restored(
    content: Mapping[str, Any], frame: Callable[[int], "pd.DataFrame"], key: str, compute: Callable[[], Any]
) -> StoredResult:
    from mpg_research.study.model import FlowStep, SampleFlow

    tables: dict[str, Any] = {}
    for about in content["tables"]:
        name, columns = about["name"], tuple(_to_column(column) for column in about["columns"])
        if about["unit"] == "family":
            tables[name] = FamilyTable(name, columns, compute)
        else:
            tables[name] = ResultTable(
                name, frame(about["rows"]), columns, about["unit"], about["n_coefficients"]
            )
    parts = {
        name: _restored(part, frame, f"{key}.{name}", lambda name=name: getattr(compute(), name))  # type: ignore[misc]
        for name, part in content["results"].items()
    }
    return StoredResult(
        type_name=content["type"],
        kind=content["kind"],
        compares_organisations=content["compares_organisations"],
        tables=tables,
        flow=SampleFlow(tuple(FlowStep(**step) for step in content["flow"])),
        notes=tuple(Note(**note) for note in content["notes"]),
        provenance=Provenance(**content["provenance"]),
        level=content["level"],
        converged=content["converged"],
        key=key,
        _own={**content["scalars"], **parts},
        _attributes=frozenset(content["attributes"]),
        _compute=compute,
    )


def _of_column(column: Column) -> dict[str, Any]:
    """A declaration by what it says beyond the defaults."""
    described: dict[str, Any] = {"name": column.name, "meaning": column.meaning}
    for name, each in _DEFAULTS.items():
        value = getattr(column, name)
        if name in described or name == "rows" or value == each.default:
            continue
        described[name] = sorted(value) if isinstance(value, frozenset) else value
    if column.rows:
        described["rows"] = {key: _of_column(row) for key, row in column.rows.items()}
    return described


def _to_column(described: Mapping[str, Any]) -> Column:
    values = dict(described)
    for name in ("minus", "ratio_of", "largest"):
        if name in values:
            values[name] = tuple(values[name])
    if "not_own" in values:
        values["not_own"] = frozenset(values["not_own"])
    if "rows" in values:
        values["rows"] = {key: _to_column(row) for key, row in values["rows"].items()}
    return Column(**values)


def _plain(value: Any) -> Any:
    """The number in one of numpy's."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _parquet(frame: "pd.DataFrame") -> bytes:
    import pyarrow
    import pyarrow.parquet

    stream = io.BytesIO()
    try:
        table = pyarrow.Table.from_pandas(frame, nthreads=1)
        pyarrow.parquet.write_table(table, stream, compression="none")
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise NotStorable(str(error)) from error
    return stream.getvalue()


def _frame(content: bytes) -> "pd.DataFrame":
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read(use_threads=False)
    frame: pd.DataFrame = table.to_pandas(use_threads=False)
    return frame


def _refuse_difference(result: Any, stored: StoredResult) -> None:
    """What came back is what went in.

    Raises
    ------
    NotStorable
        Naming the first thing that is not.
    """
    names = ("kind", "compares_organisations", "level", "converged", "flow", "notes", "provenance")
    for name in (*names, *stored._own):
        before, after = getattr(result, name), getattr(stored, name)
        if isinstance(after, StoredResult):
            _refuse_difference(before, after)
        elif not (before == after or (before != before and after != after)):
            raise NotStorable(f"{name} of {stored.type_name}")
    for name, table in result.tables.items():
        after = stored.tables[name]
        if (table.name, table.columns, table.unit) != (after.name, after.columns, after.unit):
            raise NotStorable(f"columns of {name}")
        if table.unit == "family":
            continue
        if table.n_coefficients != after.n_coefficients or not _same(table.data, after.data):
            raise NotStorable(f"rows of {name}")


def _same(before: "pd.DataFrame", after: "pd.DataFrame") -> bool:
    from pandas.testing import assert_frame_equal

    if list(before.columns) != list(after.columns):
        return False
    objects = [column for column in before if before[column].dtype == object]
    kinds = ([type(value) for value in frame[column]] for column in objects for frame in (before, after))
    try:
        assert_frame_equal(before, after, check_exact=True, check_flags=False)
    except AssertionError:
        return False
    return all(kind == next(kinds) for kind in kinds)
