"""Two outcomes in one growth model: against R nlme, dense covariances, and a made-up truth."""

import numpy as np
import pytest

from mpg_research.analysis.outcomes.cross_lagged import CrossLagged
from mpg_research.analysis.outcomes.growth_together import fit_together, random_correlation, stack
from tests.analysis.outcomes.outcome_studies import measurement_rows


def random_delta(rng: np.random.Generator) -> np.ndarray:
    return np.append(rng.normal(0, 0.6, 4), rng.normal(0, 0.4, 2))


@pytest.mark.parametrize("seed", range(6))
def test_covariances_follow_the_recursion(seed: int) -> None:
    """z(t) = A z(t - 1) + u(t), worked out moment by moment, gives the same matrix."""
    rng = np.random.default_rng(seed)
    structure, delta = CrossLagged("place", within="family"), random_delta(rng)
    values = structure.natural(delta)
    carried = values[:4].reshape(2, 2)
    spread = np.array([[1, values[4] * values[5]], [values[4] * values[5], values[5] ** 2]])
    new = spread - carried @ spread @ carried.T
    assert np.linalg.eigvalsh(new).min() > 0  # stationary
    size = 6
    whole = np.zeros((2 * size, 2 * size))
    for moment in range(size):
        here = slice(2 * moment, 2 * moment + 2)
        whole[here, here] = spread
        for later in range(moment + 1, size):
            whole[2 * later : 2 * later + 2, here] = carried @ whole[2 * later - 2 : 2 * later, here]
    whole = np.tril(whole) + np.tril(whole, -1).T
    places = np.sort(rng.choice(2 * size, 7, replace=False)).astype(float)
    chosen = places.astype(int)
    found = structure.matrix(delta, places[None])[0]
    np.testing.assert_allclose(found, whole[np.ix_(chosen, chosen)], atol=1e-12)
    np.testing.assert_allclose(structure.from_natural(values), delta, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_slopes_are_the_differences_of_the_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    structure, delta = CrossLagged("place", within="family"), random_delta(rng)
    places, weights = np.array([[0.0, 1.0, 2.0, 5.0, 8.0]]), rng.normal(size=(1, 5, 5))
    slopes = structure.slopes(delta, places)
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-6
        apart = structure.matrix(delta + step, places) - structure.matrix(delta - step, places)
        np.testing.assert_allclose(slopes[k], apart / 2e-6, atol=1e-8)
    pulled = structure.pulled(delta, places, weights)
    np.testing.assert_allclose(pulled, np.tensordot(slopes, weights, axes=3), atol=1e-12)


def test_slopes_that_go_together_are_found() -> None:
    """The truth is -.6; without a correlation within the moment the model would not be near it."""
    ids = np.array([f"f{number:03d}" for number in range(250)])
    rows = measurement_rows(np.random.default_rng(3), ids)
    rows = rows.rename(columns={"date": "months", "total": "score"})
    parts = [rows[rows["instrument"] == name] for name in ("burden", "strength")]
    fit = fit_together(stack(*parts, lag=2.0), carries_over=False)
    assert fit is not None
    found = random_correlation(fit, "slope_1", "slope_2", level=0.95)
    assert found.conf_low < -0.6 < found.conf_high
    assert found.conf_high - found.conf_low < 0.4
