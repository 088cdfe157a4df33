"""A mean over clusters: a regression on a constant alone, solved as matrices (held to R elsewhere)."""

import numpy as np
import pytest

from mpg_research.statistics.means import clustered_mean
from mpg_research.statistics.trials.regression import weighted_regression


@pytest.mark.parametrize("seed", range(20))
def test_is_the_regression_on_a_constant(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    clusters = np.append(rng.integers(0, 12, n - 1), 99)
    values = rng.normal(5, 2, n) + rng.normal(0, 2, 100)[clusters]
    found = clustered_mean(values, [f"w{code}" for code in clusters], level=0.9)
    fit = weighted_regression(np.ones((n, 1)), values, clusters=clusters, level=0.9)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert getattr(found, name) == pytest.approx(getattr(fit, name)[0], rel=1e-10)
    assert found.n_clusters == fit.n_clusters


def test_nobody_and_one_cluster() -> None:
    nobody, one = clustered_mean([], []), clustered_mean([1.0, 3.0], ["a", "a"])
    assert np.isnan([nobody.estimate, nobody.conf_low, one.std_error, one.conf_high]).all()
    assert (nobody.n_clusters, one.n_clusters, one.estimate) == (0, 1, 2.0)
