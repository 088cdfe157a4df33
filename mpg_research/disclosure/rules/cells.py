"""A table on its way through the gate: numbers and marks side by side, by the name of the column.

The rules work on plain arrays; a frame is made again when everything is decided (:func:`frames_of`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import Column, Meaning
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.released import ROUNDED, SHOWN, SUPPRESSED
from mpg_research.errors import DisclosureError

__all__ = ["Cells", "cells_of", "count_columns", "counting", "frames_of", "mask_of"]

_T = TypeVar("_T")
_OF_NUMBERS = frozenset(
    {"count", "tally", "share", "mean", "model", "p", "df", "rank", "extreme", "quantile", "money"}
)
_NAMES_OF_MARKS = np.array([SHOWN, SUPPRESSED, ROUNDED], dtype=object)


@dataclass(slots=True)
class Cells:
    """A table on its way through the gate.

    Attributes
    ----------
    table : ResultTable
        What came in.
    data : dict of str to ndarray, shape (n_rows,)
        Keys, values and counts only: floats, or objects where a column holds text. An array is never changed,
        but replaced by another one.
    keys, numbers : tuple of str
        Columns that say what a row is, and the others.
    length : int
        Number of rows.
    has_complement : bool
        Whether something was hidden only to protect something else.
    has_dominated : bool
        Whether rows were hidden since one family makes up most of their money.
    coarse : ndarray of bool, optional
        Rows whose number of families is hidden only to protect another one.
    """

    table: ResultTable
    data: dict[str, np.ndarray]
    keys: tuple[str, ...]
    numbers: tuple[str, ...]
    length: int
    has_complement: bool = False
    has_dominated: bool = False
    coarse: np.ndarray | None = None
    _hidden: dict[str, np.ndarray] = field(default_factory=dict)
    _rounded: dict[str, np.ndarray] = field(default_factory=dict)
    _exact: dict[str, np.ndarray] = field(default_factory=dict)
    _declared: dict[str, Column] = field(default_factory=dict)
    _kinds: dict[str, Any] = field(default_factory=dict)
    _known: dict[object, Any] = field(default_factory=dict)
    _rows: np.ndarray | None = None

    def coarse_rows(self) -> np.ndarray:
        """Which rows must not tell their families by their shares either, shape (n_rows,)."""
        return self.no_row() if self.coarse is None else self.coarse

    def every_row(self) -> np.ndarray:
        """A mask of all rows, shape (n_rows,)."""
        return np.ones(self.length, dtype=bool)

    def no_row(self) -> np.ndarray:
        """A mask of no row, shape (n_rows,)."""
        return np.zeros(self.length, dtype=bool)

    def about(self, column: str) -> Column:
        """What a column means."""
        return self._declared[column]

    def is_text(self, column: str) -> bool:
        """Whether a column holds text (or anything else that is not a number)."""
        return self.data[column].dtype == object

    def of_meaning(self, *meanings: Meaning) -> list[str]:
        """The columns of these meanings, keys left out; where rows differ, the column as a whole counts."""
        return [column for column in self.numbers if self.about(column).meaning in meanings]

    def meanings(self, column: str) -> list[tuple[Column, np.ndarray]]:
        """What a column means, each with its rows."""
        return self.once(("meanings", column), lambda: self._meanings(column))

    def _meanings(self, column: str) -> list[tuple[Column, np.ndarray]]:
        whole = self.about(column)
        if not whole.rows:
            return [(whole, self.every_row())]
        each = [whole.in_row(key) for key in self.data[whole.row_key]]
        return [(one, np.array([about == one for about in each], dtype=bool)) for one in dict.fromkeys(each)]

    def where(self, column: str, is_so: Callable[[Column], bool]) -> np.ndarray:
        """Rows in which what the column means is so, shape (n_rows,)."""
        found = self.no_row()
        for about, rows in self.meanings(column):
            if is_so(about):
                found |= rows
        return found

    def hidden(self, column: str = "n_families") -> np.ndarray:
        """Which rows of a column are suppressed, shape (n_rows,)."""
        return self._hidden[column]

    def rounded(self, column: str) -> np.ndarray:
        """Which rows of a column are rounded, shape (n_rows,)."""
        return self._rounded[column]

    def exact(self, column: str) -> np.ndarray:
        """The numbers of a column as they came in, shape (n_rows,); missing is NaN."""
        if column not in self._exact:
            values = self.table.data[column].to_numpy(dtype=float, na_value=np.nan)
            self._exact[column] = values if self._rows is None else values[self._rows]
        return self._exact[column]

    def hide(self, rows: np.ndarray, column: str) -> None:
        """Suppress one column in these rows."""
        if rows.any():
            nothing: Any = None if self.is_text(column) else np.nan
            self.data[column] = np.where(rows, nothing, self.data[column])
            self._hidden[column] = self._hidden[column] | rows
            self._rounded[column] = self._rounded[column] & ~rows

    def hide_rows(self, rows: np.ndarray) -> None:
        """Suppress every number in these rows."""
        for column in self.numbers:
            self.hide(rows, column)

    def put(self, rows: np.ndarray, column: str, values: np.ndarray, *, mark: bool = False) -> None:
        """Other numbers in these rows, but where the column is suppressed; ``mark``: as rounded."""
        rows = rows & ~self._hidden[column]
        self.data[column] = np.where(rows, values, self.data[column])
        if mark:
            self._rounded[column] = self._rounded[column] | rows

    def relabel(self, column: str, labels: Sequence[str]) -> None:
        """Other keys in a column of organisations."""
        self.data[column] = np.array(labels, dtype=object)

    def exchange(self, rows: np.ndarray, first: str, second: str) -> None:
        """Swap two columns in these rows, marks included."""
        for part in (self.data, self._hidden, self._rounded):
            one, two = part[first], part[second]
            part[first], part[second] = np.where(rows, two, one), np.where(rows, one, two)

    def take(self, rows: np.ndarray) -> None:
        """Keep these rows, in this order."""
        for part in (self.data, self._hidden, self._rounded, self._exact):
            part.update({column: values[rows] for column, values in part.items()})
        self.length, self._rows = len(rows), rows if self._rows is None else self._rows[rows]
        self._known.clear()

    def groups(self, keys: Sequence[str]) -> list[np.ndarray]:
        """Row numbers of each group of rows with the same values of these keys."""
        return self.once(("groups", *keys), lambda: self._groups(keys))

    def _groups(self, keys: Sequence[str]) -> list[np.ndarray]:
        columns = [[None if value != value else value for value in self.data[key].tolist()] for key in keys]
        found: dict[tuple[Any, ...], list[int]] = {}
        for row, name in enumerate(zip(*columns, strict=True) if keys else [()] * self.length):
            found.setdefault(name, []).append(row)
        return [np.array(rows) for rows in found.values()]

    def once(self, name: object, find: Callable[[], _T]) -> _T:
        """What hangs on the keys and on what came in, found once; forgotten when rows are moved."""
        if name not in self._known:
            self._known[name] = find()
        found: _T = self._known[name]
        return found


def cells_of(table: ResultTable) -> Cells:
    """The columns of a table as plain numbers and text, nothing marked yet.

    Raises
    ------
    DisclosureError
        If a column of the data is not declared: nothing is known of it, so nothing is shown.
    """
    declared = {column.name: column for column in table.columns}
    unknown = sorted(set(map(str, table.data.columns)) - declared.keys())
    if unknown:
        raise DisclosureError(
            f"Table {table.name!r} has columns that do not say what they mean: {', '.join(unknown)}. Declare "
            "each among the table's columns (mpg_research/analysis/columns.py)."
        )
    keys = table.keys
    numbers = tuple(name for name, column in declared.items() if not column.is_key)
    organisations = table.organisation_columns
    cells = Cells(table, {}, keys, numbers, len(table.data), _declared=declared)
    for name in (*keys, *numbers):
        values = table.data[name]
        if name in organisations:
            cells.data[name] = np.array([str(key) for key in values.tolist()], dtype=object)
        elif pd.api.types.is_numeric_dtype(values) or _holds_numbers(declared[name], values):
            cells.data[name] = cells._exact[name] = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            cells.data[name] = np.array(values.tolist(), dtype=object)
            cells._kinds[name] = pd.Series(cells.data[name]).dtype
        cells._hidden[name] = cells._rounded[name] = cells.no_row()
    return cells


def _holds_numbers(about: Column, values: pd.Series) -> bool:
    """Whether a column that is typed as anything holds numbers by its declaration: all, or none at all."""
    if about.meaning not in _OF_NUMBERS:
        return False
    return all(value is None or isinstance(value, Real) for value in values.tolist())


def frames_of(cells: Cells) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers and the marks as frames, with a column ``suppressed`` where a row is hidden as a whole."""
    columns = {name: _series(cells, name) for name in cells.data}
    hidden = np.array([cells.hidden(name) for name in cells.numbers], dtype=bool)
    columns["suppressed"] = hidden.reshape(len(cells.numbers), cells.length).all(axis=0)
    codes = [np.where(cells.hidden(name), 1, np.where(cells.rounded(name), 2, 0)) for name in cells.data]
    marks = _NAMES_OF_MARKS[np.array(codes, dtype=int).reshape(len(cells.data), cells.length).T]
    index = pd.RangeIndex(cells.length)
    return (
        pd.DataFrame(columns, index=index),
        pd.DataFrame(marks, index=index, columns=list(cells.data), dtype=object),
    )


def _series(cells: Cells, column: str) -> Any:
    values = cells.data[column]
    return pd.array(values, dtype=cells._kinds[column]) if column in cells._kinds else values


def count_columns(cells: Cells) -> list[str]:
    """The columns that count families, or things that families have (measurements, episodes, findings)."""
    return cells.of_meaning("count")


def counting(cells: Cells, column: str, *kinds: str) -> np.ndarray:
    """Which rows of a column count one of these kinds ("families", "episodes", "measurements")."""
    return cells.where(column, lambda about: about.meaning == "count" and about.of in kinds)


def mask_of(rows: np.ndarray, length: int) -> np.ndarray:
    """Row numbers as a boolean mask of this length."""
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return mask
