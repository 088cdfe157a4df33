"""What a column of data cannot hold, in words."""

from datetime import date, time, timedelta

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError

__all__ = ["check_magnitude", "check_scalars", "refuse_dates"]


#: Numbers beyond this (or all below its inverse) are refused: sums of their squares overflow.
LARGEST = 1e100


def check_scalars(column: pd.Series, name: str) -> None:
    """Refuse lists and other containers in the cells of a column.

    Raises
    ------
    ModelError
    """
    for value in column:
        if isinstance(value, list | dict | set | np.ndarray | pd.Series):
            raise ModelError(
                f"Column {name!r} holds a {type(value).__name__} in a cell ({value!r}); the model needs one "
                "number or text per cell."
            )


def refuse_dates(column: pd.Series, name: str) -> None:
    """Dates, times and durations are no numbers.

    Raises
    ------
    ModelError
    """
    dtype = column.dtype
    kinds = (date, time, timedelta, pd.Period)
    dated = (
        pd.api.types.is_datetime64_any_dtype(dtype)
        or pd.api.types.is_timedelta64_dtype(dtype)
        or isinstance(dtype, pd.PeriodDtype)
        or (pd.api.types.is_object_dtype(dtype) and len(column) > 0 and isinstance(column.iloc[0], kinds))
    )
    if dated:
        raise ModelError(
            f"Column {name!r} holds dates or durations; turn them into a number first "
            "(for example months since start)."
        )


def check_magnitude(values: FloatArray, name: str) -> None:
    """Refuse infinite numbers, and such that their squares are not numbers.

    Raises
    ------
    ModelError
    """
    if not np.isfinite(values).all():
        raise ModelError(f"Column {name!r} holds infinite values; correct them or make them missing.")
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise ModelError(f"The largest value of column {name!r} is {largest:g}; give it in another unit.")
