"""Differences from a mean and from a median: exact where they are exact, and what they cover."""

import numpy as np
import pytest
from scipy.stats import norm

from mpg_research.statistics import holm
from mpg_research.statistics.providers.reference_difference import differences_from_reference

#: Simulation error of 400 studies of six estimates: shares of .95 to within .01, of .05 to within .02.
STUDIES = 400


def covariance_of(sd: np.ndarray, shared: float = 0.3) -> np.ndarray:
    return np.diag(sd**2) + shared**2


def test_differences_from_the_mean_are_exact() -> None:
    values, covariance = np.array([1.0, 4.0, -2.0, 5.0]), covariance_of(np.array([0.5, 1.0, 1.5, 0.7]))
    found = differences_from_reference(values, covariance)
    contrast = np.eye(4) - 0.25
    assert found.value == values.mean()
    np.testing.assert_allclose(found.estimate, values - values.mean())
    np.testing.assert_allclose(found.covariance, contrast @ covariance @ contrast, atol=1e-12)


@pytest.mark.parametrize("g", [1, 2])
def test_of_one_or_two_mean_and_median_are_the_same(g: int) -> None:
    values, covariance = np.arange(g) * 3.0, covariance_of(np.ones(g))
    mean, median = (
        differences_from_reference(values, covariance, reference=name) for name in ("mean", "median")
    )
    np.testing.assert_array_equal(mean.estimate, median.estimate)
    np.testing.assert_array_equal(mean.covariance, median.covariance)


def test_far_apart_the_median_is_the_one_in_the_middle() -> None:
    """With values that never change places the difference is one of two estimates: errors are known."""
    sd = np.array([0.5, 0.8, 1.1, 0.9, 0.6])
    found = differences_from_reference(np.arange(5) * 100.0, covariance_of(sd), reference="median")
    expected = np.sqrt(sd**2 + sd[2] ** 2)
    np.testing.assert_allclose(found.std_error[[0, 1, 3, 4]], expected[[0, 1, 3, 4]], rtol=0.02)
    # Of an even number the median lies halfway the two in the middle.
    even = differences_from_reference(np.arange(4) * 100.0, covariance_of(sd[:4]), reference="median")
    np.testing.assert_allclose(even.std_error[0] ** 2, sd[0] ** 2 + (sd[1] ** 2 + sd[2] ** 2) / 4, rtol=0.03)


@pytest.mark.parametrize("seed", range(6))
def test_shift_scale_order_and_what_all_share_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g = int(rng.integers(3, 9))
    values, sd = rng.normal(0, 2, g), rng.uniform(0.4, 2.0, g)
    plain = differences_from_reference(values, covariance_of(sd, 0.0), reference="median")
    order = rng.permutation(g)
    other = differences_from_reference(
        5 + 10 * values[order], 100 * covariance_of(sd[order], 0.7), reference="median"
    )
    np.testing.assert_allclose(other.estimate, 10 * plain.estimate[order], atol=1e-9)
    np.testing.assert_allclose(other.std_error, 10 * plain.std_error[order], rtol=0.03)
    assert np.all(np.linalg.eigvalsh(plain.covariance) > -1e-9)
    assert np.array_equal(plain.std_error, differences_from_reference(
        values, covariance_of(sd, 0.0), reference="median").std_error)  # fmt: skip


@pytest.mark.parametrize(("g", "far"), [(6, 0.0), (6, 3.0), (6, 6.0), (12, 6.0), (5, -6.0), (3, 6.0)])
def test_one_far_off_is_named_and_nobody_else(g: int, far: float) -> None:
    """Coverage and size against a truth drawn here: one of g is far off, the others are the same."""
    rng = np.random.default_rng([g, round(far) + 100])
    sd = np.linspace(0.6, 1.4, g)
    covariance = covariance_of(sd)
    root = np.linalg.cholesky(covariance)
    truth = np.zeros(g)
    truth[-1] = far
    held, innocents = [], {"mean": 0, "median": 0}
    for _ in range(STUDIES):
        drawn = truth + root @ rng.standard_normal(g)
        for name in innocents:
            found = differences_from_reference(drawn, covariance, reference=name, n_draws=1000)
            p_values = 2 * norm.sf(np.abs(found.estimate / found.std_error))
            innocents[name] += bool((holm(p_values)[:-1] < 0.05).any())
            if name == "median":
                held.append(np.abs(found.estimate - (truth - np.median(truth))) < 1.96 * found.std_error)
    assert 0.93 <= np.mean(held) <= 0.995
    assert innocents["median"] / STUDIES <= 0.06
    if far == 6.0 and g <= 6:
        assert innocents["mean"] / STUDIES > 0.12
