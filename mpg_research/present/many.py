"""When there are too many organisations to show each of them: pages then have another form."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray

__all__ = ["FEW", "HALF", "LEGIBLE", "MOST", "are_many", "number_of_organisations", "quantiles"]

#: Up to so many organisations each has a row of its own, with its numbers beside it.
FEW = 12
#: Up to so many a researcher still reads a name per (thin) row.
LEGIBLE = 80
#: Between which shares of the others "half" and "most" of them lie.
HALF, MOST = (0.25, 0.75), (0.1, 0.9)


def number_of_organisations(data: pd.DataFrame, columns: Iterable[str]) -> int:
    """How many organisations stand in these columns.

    Examples
    --------
    >>> number_of_organisations(pd.DataFrame({"one": ["a", "a"], "two": ["b", "c"]}), ["one", "two"])
    3
    """
    return len({code for column in columns for code in data[column]})


def are_many(number: int) -> bool:
    """Whether so many organisations are too many to show each of them."""
    return number > FEW


def quantiles(values: Iterable[float], at: tuple[float, float]) -> tuple[float, float]:
    """Between which two of the shown numbers the middle share of them lies; NaN where they are few.

    Both ends are numbers that are shown, never numbers in between.

    Parameters
    ----------
    values : iterable of float
        As they were released; those that are not shown are NaN and do not count.
    at : tuple of float
        Shares of the numbers below the two ends.

    Examples
    --------
    >>> quantiles(range(1, 21), (0.1, 0.9))
    (3.0, 18.0)
    """
    known: FloatArray = np.array([value for value in values if np.isfinite(value)], dtype=float)
    if not are_many(len(known)):
        return float("nan"), float("nan")
    known.sort()
    place = int(np.floor(at[0] * len(known)))
    return float(known[place]), float(known[len(known) - 1 - place])
