"""Rows and cells of data frames, as the kinds of things they are.

A frame's columns and labels are known when the program runs; to type checkers a cell may be anything and
a row of a label may be many rows. These functions say what is meant, once.
"""

import math
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["distinct_values", "each_row", "is_among", "number_at", "plain_array", "quantity", "row_at"]


def distinct_values(cells: pd.Series) -> Any:
    """The distinct values of a column in the order in which they come, as an array that is quick to go over.

    Parameters
    ----------
    cells : Series
        Of any type.

    Returns
    -------
    array
        As :func:`pandas.unique`; of text an ndarray of object (going over an array of text is slow).
    """
    return plain_array(pd.unique(cells))


def is_among(cells: pd.Series, values: Any) -> pd.Series:
    """Whether each cell is one of many values.

    Parameters
    ----------
    cells : Series
        Of any type.
    values : array or Series
        Those looked for.

    Returns
    -------
    Series of bool
        As :meth:`pandas.Series.isin`, which is slow for many texts.
    """
    plain = cells.astype(object) if isinstance(cells.dtype, pd.StringDtype) else cells
    return plain.isin(np.asarray(values, dtype=object) if plain.dtype == object else values)


def plain_array(values: Any) -> Any:
    """An array or index of text as an ndarray of object, which is quick to go over; any other as it is.

    Parameters
    ----------
    values : array or Index
        Of any type.

    Returns
    -------
    array or Index
    """
    is_text = isinstance(getattr(values, "dtype", None), pd.StringDtype)
    return np.asarray(values, dtype=object) if is_text else values


def each_row(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows one by one, each with a field per column (and not the index).

    Parameters
    ----------
    frame : DataFrame
        Its columns have names that can be fields.

    Returns
    -------
    iterator of namedtuple
    """
    return iter(frame.itertuples(index=False))


def row_at(frame: pd.DataFrame, label: Hashable) -> pd.Series:
    """The one row of a label.

    Parameters
    ----------
    frame : DataFrame
        With unique labels.
    label : hashable
        Of the row.

    Returns
    -------
    Series
        By column.
    """
    rows: Any = frame.loc
    row = rows[label]
    assert isinstance(row, pd.Series), f"{label!r} labels more than one row"
    return row


def number_at(frame: pd.DataFrame, label: Hashable, column: str) -> float:
    """The number in one cell; NaN where there is none.

    Parameters
    ----------
    frame : DataFrame
        With unique labels.
    label : hashable
        Of the row.
    column : str
        A column of numbers.

    Returns
    -------
    float

    Examples
    --------
    >>> number_at(pd.DataFrame({"share": [0.25]}, index=["improved"]), "improved", "share")
    0.25
    """
    return float(row_at(frame, label)[column])


def quantity(rows: pd.DataFrame, name: str) -> float:
    """The ``value`` of a ``quantity`` in a table that has one per row; NaN where it is not there.

    Parameters
    ----------
    rows : DataFrame
        With the columns quantity and value, or without any row.
    name : str
        Of the quantity.

    Returns
    -------
    float

    Examples
    --------
    >>> quantity(pd.DataFrame({"quantity": ["margin"], "value": [0.5]}), "margin")
    0.5
    """
    found = [] if rows.empty else rows.loc[rows["quantity"] == name, "value"].tolist()
    return float(found[0]) if found else math.nan
