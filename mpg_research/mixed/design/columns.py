"""Columns of a frame as arrays: numbers as floats, categories as codes and levels."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from numbers import Number
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.column_checks import check_magnitude, check_scalars, refuse_dates

__all__ = ["ColumnData", "code_groups", "find_column", "missing_rows", "read_column", "read_like"]

Kind = Literal["numeric", "boolean", "categorical"]


@dataclass(frozen=True, slots=True)
class ColumnData:
    """One column of the data of a model.

    Attributes
    ----------
    name : str
    kind : {"numeric", "boolean", "categorical"}
        Booleans enter the model as 0 and 1, and count as two levels in means.
    values : array, shape (n,)
        Numbers (float), or codes 0 .. n_levels - 1 for a categorical column.
    levels : tuple
        Levels in coding order, the reference first; ``(False, True)`` for booleans; for numbers the
        distinct values where the formula has ``C()`` of the column, else empty.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    levels: tuple[Any, ...] = ()


def find_column(data: pd.DataFrame, name: str) -> pd.Series:
    """The column of that name.

    Raises
    ------
    ModelError
        If two columns have the name. (A missing column is the caller's message.)
    """
    column: pd.Series | pd.DataFrame = data[name]
    if isinstance(column, pd.DataFrame):
        raise ModelError(
            f"The data have {column.shape[1]} columns named {name!r}; give them different names."
        )
    return column


def missing_rows(data: pd.DataFrame, names: Iterable[Hashable]) -> NDArray[np.bool_]:
    """Rows in which any of the columns is missing, shape (n,)."""
    missing = np.zeros(len(data), dtype=bool)
    for name in names:
        column = find_column(data, str(name))
        values = column.to_numpy() if isinstance(column.dtype, np.dtype) else None
        if values is not None and values.dtype.kind == "f":
            missing |= np.isnan(values)
        elif values is None or values.dtype.kind not in "iub":
            missing |= column.isna().to_numpy()
    return missing


def read_column(
    data: pd.DataFrame,
    name: str,
    keep: NDArray[np.bool_] | None,
    *,
    categorical: bool = False,
    reference: Any = None,
) -> ColumnData:
    """Read one column as the model sees it; unused categories are dropped.

    Parameters
    ----------
    data : DataFrame
    name : str
    keep : array of bool, or None
        Rows to read; None for all.
    categorical : bool
        List the distinct numbers as levels too, as ``C()`` needs.
    reference : level, optional
        The level that comes first; makes a numeric column categorical.

    Raises
    ------
    ModelError
        For dates, infinite numbers, mixed contents and an unknown reference level.
    """
    column = find_column(data, name)
    if keep is not None:
        column = column[keep]
    if column.dtype == object:
        check_scalars(column, name)
        column = _numbers_if_all(column.infer_objects())
    dtype = column.dtype
    refuse_dates(column, name)
    if pd.api.types.is_complex_dtype(dtype):
        raise ModelError(f"Column {name!r} holds complex numbers; the model needs real ones.")
    if reference is None:
        if pd.api.types.is_bool_dtype(dtype):
            return ColumnData(name, "boolean", column.to_numpy(dtype=np.float64), (False, True))
        if pd.api.types.is_numeric_dtype(dtype):
            values = column.to_numpy(dtype=np.float64)
            check_magnitude(values, name)
            levels = _number_levels(values, pd.api.types.is_integer_dtype(dtype)) if categorical else ()
            return ColumnData(name, "numeric", values, levels)
    codes, levels = _factorize(column, name)
    if reference is not None:
        codes, levels = _with_first(codes, levels, reference, name)
    return ColumnData(name, "categorical", codes, levels)


def _numbers_if_all(column: pd.Series) -> pd.Series:
    """Decimals and other number objects as floats; anything else as it is."""
    if column.dtype != object or not all(isinstance(value, Number) for value in column):
        return column
    return column.astype(np.float64)


def _number_levels(values: FloatArray, whole: bool) -> tuple[Any, ...]:
    distinct = np.unique(values)
    return tuple(int(value) if whole else float(value) for value in distinct)


def _factorize(column: pd.Series, name: str) -> tuple[IntArray, tuple[Any, ...]]:
    """Codes and levels: categories in their own order, other values sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        return column.cat.codes.to_numpy().astype(np.intp), tuple(column.cat.categories.tolist())
    codes, found = pd.factorize(column)
    levels = np.asarray(found, dtype=object)
    kinds = sorted({type(value).__name__ for value in levels}) if column.dtype == object else []
    if len(kinds) > 1:
        raise ModelError(
            f"Column {name!r} mixes kinds of values ({', '.join(kinds)}); make it all text or all numbers."
        )
    order = np.argsort(levels, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes].astype(np.intp, copy=False), tuple(levels[order].tolist())


def _with_first(
    codes: IntArray, levels: tuple[Any, ...], reference: Any, name: str
) -> tuple[IntArray, tuple[Any, ...]]:
    """The same column with another level first."""
    first = match_level(levels, reference)
    if first is None:
        raise ModelError(
            f"Reference level {reference!r} does not occur in column {name!r}; "
            f"its levels are {list_levels(levels)}."
        )
    order = [first, *(index for index in range(len(levels)) if index != first)]
    rank = np.empty(len(levels), dtype=np.intp)
    rank[order] = np.arange(len(levels))
    return rank[codes], tuple(levels[index] for index in order)


def match_level(levels: tuple[Any, ...], wanted: Any) -> int | None:
    """Index of a level; a number written as text also matches."""
    for index, level in enumerate(levels):
        if level == wanted:
            return index
    texts = [str(level) for level in levels]
    return texts.index(str(wanted)) if str(wanted) in texts else None


def list_levels(levels: Iterable[Any], *, at_most: int = 12) -> str:
    """Levels in words for a message."""
    listed = [repr(level) for level in levels]
    extra = f" and {len(listed) - at_most} more" if len(listed) > at_most else ""
    return ", ".join(listed[:at_most]) + extra


def read_like(data: pd.DataFrame, fitted: ColumnData) -> NDArray[Any]:
    """A column of new data in the coding of the fit, shape (n,).

    Raises
    ------
    ModelError
        If the column is absent, has missing values, or holds a level the fit has not seen.
    """
    if fitted.name not in data.columns:
        raise ModelError(f"The new data have no column {fitted.name!r}, which the model needs.")
    column = find_column(data, fitted.name)
    if column.isna().any():
        raise ModelError(
            f"Column {fitted.name!r} of the new data is missing in {int(column.isna().sum())} row(s); "
            "fill or leave out those rows."
        )
    if fitted.kind != "categorical":
        refuse_dates(column, fitted.name)
        try:
            return np.asarray(column.to_numpy(dtype=np.float64))
        except (TypeError, ValueError):
            raise ModelError(
                f"Column {fitted.name!r} of the new data must hold numbers, as in the fit."
            ) from None
    position = {level: index for index, level in enumerate(fitted.levels)}
    values = column.astype(object).tolist()
    unknown = [value for value in values if value not in position]
    if unknown:
        raise ModelError(
            f"Column {fitted.name!r} of the new data holds {unknown[0]!r}, which was not in the fit; "
            f"known are {list_levels(fitted.levels)}."
        )
    return np.fromiter((position[value] for value in values), dtype=np.intp, count=len(values))


def code_groups(columns: list[ColumnData]) -> tuple[IntArray, tuple[Any, ...]]:
    """Codes and labels of the combinations of several categorical columns that occur.

    Returns
    -------
    codes : array of int, shape (n,)
    levels : tuple
        Plain labels for one column; tuples of labels for several.
    """
    first = columns[0]
    if len(columns) == 1:
        return first.values, first.levels
    combined = first.values.astype(np.int64)
    for column in columns[1:]:
        combined = combined * len(column.levels) + column.values
    codes, present = pd.factorize(combined, sort=True)
    labels: list[Any] = []
    parts: list[NDArray[Any]] = []
    rest = np.asarray(present)
    for column in reversed(columns[1:]):
        rest, part = np.divmod(rest, len(column.levels))
        parts.append(np.asarray(column.levels, dtype=object)[part])
    parts.append(np.asarray(first.levels, dtype=object)[rest])
    labels = list(zip(*reversed(parts), strict=True))
    return codes.astype(np.intp, copy=False), tuple(labels)
