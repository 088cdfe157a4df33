"""Columns gone over and looked up: as pandas does it, whatever they hold."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.frames import distinct_values, is_among

COLUMNS: list[Any] = [
    pd.Series(["b", "a", "b", ""], dtype="str"),
    pd.Series(["b", None, "b", "a"], dtype="str"),
    pd.Series(["b", None, 3, 3.0, "b"], dtype=object),
    pd.Series([2.0, np.nan, 2.0, 1.0]),
    pd.Series([3, 1, 3]),
    pd.Series(pd.to_datetime(["2024-02-01", None, "2024-02-01"])).astype("datetime64[s]"),
    pd.Series([True, None, False], dtype="boolean"),
    pd.Series(["b", None, "a"], dtype="category"),
    pd.Series([], dtype="str"),
]


@pytest.mark.parametrize("cells", COLUMNS, ids=lambda cells: str(cells.dtype))
def test_the_same_values_in_the_same_order(cells: pd.Series) -> None:
    found, expected = list(distinct_values(cells)), list(pd.unique(cells))
    assert [(type(value), str(value)) for value in found] == [(type(value), str(value)) for value in expected]


@pytest.mark.parametrize("cells", COLUMNS, ids=lambda cells: str(cells.dtype))
def test_the_same_cells_are_among_the_values(cells: pd.Series) -> None:
    for values in (cells.iloc[:1].unique(), cells.unique(), cells.iloc[:0].unique()):
        found = is_among(cells, values)
        assert found.to_numpy(dtype=bool).tolist() == cells.isin(values).to_numpy(dtype=bool).tolist()
