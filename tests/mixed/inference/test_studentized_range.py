"""The studentised range against scipy and against printed tables."""

import numpy as np
import pytest
from scipy import stats

from mpg_research.mixed.studentized_range import range_quantile, range_tail

# scipy's adaptive integration is accurate to about 1e-8.
SAME = 1e-6


@pytest.mark.parametrize("n_means", [3, 6, 20])
@pytest.mark.parametrize("df", [2.0, 4.6, 38.2, np.inf])
def test_agrees_with_scipy(n_means: int, df: float) -> None:
    for q in (0.8, 3.3, 6.0):
        assert range_tail(q, n_means, df) == pytest.approx(
            stats.studentized_range.sf(q, n_means, df), abs=SAME
        )


@pytest.mark.parametrize(
    ("n_means", "df", "wanted"),
    [(3, 10, 3.877), (6, 20, 4.445), (10, 5, 6.995), (3, np.inf, 3.314), (4, 2, 9.799)],
)
def test_printed_quantiles(n_means: int, df: float, wanted: float) -> None:
    assert range_quantile(0.95, n_means, df) == pytest.approx(wanted, abs=1e-3)


def test_two_means_are_the_t_test() -> None:
    for df in (1.0, 7.3, 1e5):
        t = 2.1
        assert range_tail(t * np.sqrt(2), 2, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-6)


def test_edges() -> None:
    assert range_tail(0.0, 3, 5) == 1.0
    assert range_tail(1e3, 3, 30) == pytest.approx(0, abs=1e-12)
    assert np.isnan(range_tail(np.nan, 3, 5))
    assert np.isnan(range_quantile(0.95, 3, np.nan))
