"""A mean over clusters: statsmodels' regression on a constant alone, with its sandwich over clusters."""

import numpy as np
import pytest
from scipy.stats import t as student_t
from statsmodels.regression.linear_model import OLS

from mpg_research.statistics.means import clustered_mean


@pytest.mark.parametrize("seed", range(20))
def test_is_the_regression_on_a_constant(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    clusters = np.append(rng.integers(0, 12, n - 1), 12)
    values = rng.normal(5, 2, n) + rng.normal(0, 2, 13)[clusters]
    found = clustered_mean(values, [f"w{code}" for code in clusters], level=0.9)
    m = len(np.unique(clusters))
    fit = OLS(values, np.ones(n)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )
    error = float(fit.bse[0]) * np.sqrt(m / (m - 1))
    half = student_t.ppf(0.95, m - 1) * error
    assert found.estimate == pytest.approx(fit.params[0], rel=1e-12)
    assert found.std_error == pytest.approx(error, rel=1e-10)
    assert (found.conf_low, found.conf_high) == pytest.approx((found.estimate - half, found.estimate + half))
    assert found.n_clusters == m


def test_nobody_and_one_cluster() -> None:
    nobody, one = clustered_mean([], []), clustered_mean([1.0, 3.0], ["a", "a"])
    assert np.isnan([nobody.estimate, nobody.conf_low, one.std_error, one.conf_high]).all()
    assert (nobody.n_clusters, one.n_clusters, one.estimate) == (0, 1, 2.0)
