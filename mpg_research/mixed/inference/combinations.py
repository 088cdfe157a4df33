"""Linear combinations of the fixed effects as a user gives them: an array, or a frame that names them."""

from typing import Any

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.estimability import Estimability

__all__ = ["read_combinations"]


def read_combinations(
    combinations: Any,
    names: tuple[str, ...],
    aliased: tuple[str, ...] = (),
    estimability: Estimability | None = None,
) -> tuple[FloatArray, pd.Index]:
    """Weights as a matrix, and the names of its rows.

    Parameters
    ----------
    combinations : array, shape (m, p) or (p,), or DataFrame
        See :meth:`MixedFit.estimate`.
    names : tuple of str, length p
        The coefficients.
    aliased : tuple of str
        Those that were left out because others determine them. A frame may name them; its rows are then NaN
        where the data cannot estimate them.
    estimability : Estimability, optional
        Needed where there are any.

    Returns
    -------
    rows : array, shape (m, p)
    index : pandas Index, length m

    Raises
    ------
    ModelError
    """
    if isinstance(combinations, pd.DataFrame):
        unknown = [column for column in combinations.columns if column not in (*names, *aliased)]
        if unknown:
            raise ModelError(
                f"The combinations name the coefficient {unknown[0]!r}, which the model does not have; "
                f"its coefficients are {', '.join(names)}."
            )
        if not combinations.columns.is_unique:
            twice = combinations.columns[combinations.columns.duplicated()][0]
            raise ModelError(f"The combinations name the coefficient {twice!r} twice; once is enough.")
        wide = combinations.reindex(columns=list(names), fill_value=0.0)
        rows = _numbers(wide.to_numpy())
        if estimability is None or not set(combinations.columns) & set(aliased):
            return rows, combinations.index
        full = np.empty((len(rows), estimability.n_columns))
        full[:, estimability.kept] = rows
        outside = combinations.reindex(columns=list(aliased), fill_value=0.0)
        full[:, estimability.dropped] = _numbers(outside.to_numpy())
        return estimability.reduced(full), combinations.index
    rows = np.atleast_2d(_numbers(combinations))
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ModelError(
            f"The combinations have shape {np.shape(combinations)}; expected {len(names)} weights per row, "
            f"one per coefficient: {', '.join(names)}."
        )
    return rows, pd.RangeIndex(len(rows))


def _numbers(values: Any) -> FloatArray:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError("The weights of a combination must be numbers, one per coefficient.") from None
    if np.isinf(found).any():
        raise ModelError("The weights of a combination must be finite; found an infinite one.")
    return found
