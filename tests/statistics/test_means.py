"""A mean over clusters: statsmodels' regression on a constant alone, with its sandwich over clusters."""

import numpy as np
import pytest
from scipy.stats import t as student_t
from statsmodels.regression.linear_model import OLS

from mpg_research.statistics.means import clustered_mean, mean_of_pairs


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


@pytest.mark.parametrize("seed", range(20))
def test_pairs_with_somebody_in_common_hang_together(seed: int) -> None:
    """The variance is the double sum over all pairs that share a person, written out."""
    rng = np.random.default_rng(seed)
    n, people = int(rng.integers(4, 40)), int(rng.integers(3, 9))
    first = rng.integers(0, people, n)
    second = (first + rng.integers(1, people, n)) % people
    unit, values = rng.integers(0, n, n), rng.normal(size=n)
    found = mean_of_pairs(values, first, second, unit, level=0.9)
    each = [values[unit == name].mean() for name in np.unique(unit)]
    part = np.array(
        [
            (value - np.mean(each)) / len(each) / (unit == of).sum()
            for value, of in zip(values, unit, strict=True)
        ]
    )
    common = [
        part[p] * part[q] for p in range(n) for q in range(n) if {first[p], second[p]} & {first[q], second[q]}
    ]
    m = len(set(first))
    over_units = np.var(each, ddof=1) / len(each)
    if m < 2:
        assert np.isnan(found.std_error)
        return
    wanted = max(m / (m - 1) * sum(common), over_units)
    assert found.estimate == pytest.approx(np.mean(each))
    assert found.std_error == pytest.approx(np.sqrt(wanted))
    half = student_t.ppf(0.95, m - 1) * np.sqrt(wanted)
    assert (found.conf_high - found.conf_low) / 2 == pytest.approx(half)
    turned = mean_of_pairs(values, second, first, unit)
    assert turned.n_clusters == len(set(second))


def test_pairs_of_nobody_have_no_mean() -> None:
    assert np.isnan(mean_of_pairs([], [], [], []).estimate)
    one = mean_of_pairs([1.0, 3.0], ["a", "a"], ["b", "c"], [1, 2])
    assert one.estimate == 2.0
    assert np.isnan(one.conf_low)
