"""The joint test of one way of computing, with many organisations: that of full-rank contrasts."""

import numpy as np
import pytest
from scipy.stats import f as f_distribution

from mpg_research.analysis.robustness.same_conclusion import _joint


@pytest.mark.parametrize("g", [3, 12, 60, 300])
def test_it_is_the_test_of_contrasts_with_the_last_one(g: int) -> None:
    rng = np.random.default_rng(g)
    for _ in range(3):
        part = rng.normal(size=(g, 3))
        covariance = np.diag(rng.uniform(0.1, 0.4, g)) + 0.02 * part @ part.T
        raw = rng.multivariate_normal(np.full(g, -4.0), covariance)
        contrast = np.hstack([np.eye(g - 1), -np.ones((g - 1, 1))])
        apart, spread = contrast @ raw, contrast @ covariance @ contrast.T
        statistic = float(apart @ np.linalg.solve(spread, apart)) / (g - 1)
        expected = float(f_distribution.sf(statistic, g - 1, 40.0))
        # What a computed covariance has of rounding error: it is not quite symmetric.
        computed = covariance + 3e-12 * rng.normal(size=(g, g))
        assert _joint(raw, computed, np.full(g, 40.0)) == pytest.approx(expected, rel=1e-6)
