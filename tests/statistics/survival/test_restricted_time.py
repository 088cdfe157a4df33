"""Restricted means: what cannot be known is refused, and nobody ending is no error."""

import numpy as np
import pytest

from mpg_research.statistics.survival.restricted_mean import pseudo_times, restricted_mean


def test_missing_times_are_refused() -> None:
    for wanted in (restricted_mean, pseudo_times):
        with pytest.raises(ValueError, match="must all be known"):
            wanted([np.nan, 5.0], [True, True], horizon=3)
        with pytest.raises(ValueError, match="must all be known"):
            wanted([], [], horizon=3)


def test_nobody_ending_counts_as_the_horizon() -> None:
    assert restricted_mean([1.0, 2.0], [False, False], horizon=3).mean == 3
    found = pseudo_times([1.0, 2.0], [False, False], horizon=3)
    assert found.dtype == float
    assert found.tolist() == [3.0, 3.0]
