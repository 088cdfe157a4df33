"""The series that a structure ties together: what names them, which row is of which, and when it was."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError

__all__ = ["listed", "numbers", "refuse_gaps_in", "refuse_twice", "series_codes", "series_columns"]


def listed(levels: Iterable[Any], *, at_most: int = 12) -> str:
    """Levels in words for a message."""
    shown = [repr(level) for level in levels]
    extra = f" and {len(shown) - at_most} more" if len(shown) > at_most else ""
    return ", ".join(shown[:at_most]) + extra


def series_columns(within: str) -> tuple[str, ...]:
    """The columns that make up a series: names joined by a colon, as in formulas.

    Raises
    ------
    ModelError
        If a name is empty or the series is not text.
    """
    parts = tuple(part.strip() for part in within.split(":")) if isinstance(within, str) else ()
    if not parts or not all(parts):
        raise ModelError(
            "within must name the column of the series, or several joined by a colon, such as "
            f'"family:respondent"; found {within!r}.'
        )
    return parts


def numbers(values: ArrayLike, column: str) -> FloatArray:
    """The moments of a series as numbers; text and dates are refused."""
    given = np.asarray(values)
    if given.dtype.kind == "M":
        raise ModelError(
            f"Column {column} holds dates; turn them into a number first (for example months since start)."
        )
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"Column {column} holds text; expected numbers that say when a row was.") from None


def refuse_gaps_in(values: NDArray[Any], column: str) -> None:
    """Refuse a column of which some value is missing or infinite; text has neither."""
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise ModelError(f"Column {column} has missing or infinite values; drop those rows first.")


def series_codes(data: Mapping[str, ArrayLike], within: str) -> IntArray:
    """The series of each row, 0, 1, ..., shape (n,)."""
    series: IntArray | None = None
    for part in series_columns(within):
        levels, codes = np.unique(np.asarray(data[part]).astype(str), return_inverse=True)
        # numbered anew each time, so that the product of many levels cannot overflow
        if series is None or not np.any(series):
            series = codes
        else:
            series = np.unique(series * levels.size + codes, return_inverse=True)[1]
    assert series is not None
    return series


def refuse_twice(
    places: FloatArray,
    series: IntArray,
    written: Callable[[int], str],
    *,
    column: str,
    data: Mapping[str, ArrayLike],
    within: str,
) -> None:
    """Refuse two rows of one series at the same place, all (n,); ``written`` says the place of a row."""
    order = np.lexsort((places, series))
    same = (np.diff(series[order]) == 0) & (np.diff(places[order]) == 0)
    if not np.any(same):
        return
    at = int(order[np.flatnonzero(same)[0]])
    which = ", ".join(str(np.asarray(data[part])[at]) for part in series_columns(within))
    raise ModelError(
        f"Column {column} has the value {written(at)} twice in one {within} ({which}); "
        "expected different times within a series. If these are two series, such as two respondents or "
        f'two periods of help, name what tells them apart: within="{within}:respondent". If it is '
        "one measurement twice, average the two or drop one."
    )
