"""Conditional normal algebra, calibration and net benefit against direct computation and other software."""

import numpy as np
import pytest

from mpg_research.statistics.forecasts.calibration import calibrate, net_benefit
from mpg_research.statistics.forecasts.own_curve_prediction import running_effects

# Both sides are plain linear algebra in double precision.
EXACT = 1e-9


def test_running_effects_equal_the_textbook_formula() -> None:
    rng = np.random.default_rng(1)
    d = np.array([[16.0, 0.3], [0.3, 0.1]])
    course = np.repeat([0, 1, 2], [5, 1, 3])
    time, residual = rng.uniform(0, 12, 9), rng.normal(0, 5, 9)
    found = running_effects(course, time, residual, covariance=d, residual_sd=3.0)
    for row in range(9):
        mine = (course == course[row]) & (np.arange(9) <= row)
        z = np.stack([np.ones(mine.sum()), time[mine]], axis=1)
        v = z @ d @ z.T + 9 * np.eye(mine.sum())
        np.testing.assert_allclose(found.mean[row], d @ z.T @ np.linalg.solve(v, residual[mine]), rtol=EXACT)
        expected = d - d @ z.T @ np.linalg.solve(v, z @ d)
        np.testing.assert_allclose(found.covariance[row], expected, atol=EXACT)
    mean, variance = found.at(np.full(9, 6.0))
    assert variance[0] == pytest.approx(np.array([1, 6]) @ found.covariance[0] @ np.array([1, 6]))
    assert mean.shape == (9,)


@pytest.mark.parametrize("effects", [2, 3])
@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.9])
def test_swings_that_carry_on_equal_the_dense_normal_algebra(correlation: float, effects: int) -> None:
    """Random courses, with and without a bend: own course, score to come, change, from all waves so far."""

    def columns(t: np.ndarray) -> np.ndarray:
        return np.stack([np.ones_like(t), t, np.log1p(t)][:effects], axis=-1)

    rng = np.random.default_rng(7)
    for singular in (False, True):
        scale = np.array([4.0, 0.3, 2.0])[:effects, None]
        root = rng.normal(size=(effects, effects - singular)) * scale
        d, sd = root @ root.T, float(rng.uniform(1, 4))
        course = np.repeat(np.arange(4), [1, 5, 2, 8])
        time = np.concatenate([np.sort(rng.uniform(0, 12, n)) for n in np.bincount(course)])
        residual = rng.normal(0, 5, len(time))
        found = running_effects(course, time, residual, covariance=d, residual_sd=sd, correlation=correlation)
        ahead = time + rng.uniform(0.3, 6, len(time))
        line, score = found.at(ahead), found.score_at(ahead)
        moved = found.change(np.zeros(len(time)), ahead)
        for row in range(len(time)):
            mine = np.flatnonzero((course == course[row]) & (np.arange(len(time)) <= row))
            z = columns(time[mine])
            carried = _correlations(correlation, time[mine], time[mine])
            weights = np.linalg.solve(z @ d @ z.T + sd**2 * carried, np.eye(len(mine)))
            one = columns(ahead[row])
            change = one - columns(np.array(0.0))
            with_line = z @ d @ one
            with_score = with_line + sd**2 * _correlations(correlation, time[mine], ahead[[row]])[:, 0]
            cases = (
                (line, with_line, one @ d @ one),
                (score, with_score, one @ d @ one + sd**2),
                (moved, z @ d @ change, change @ d @ change),
            )
            for (mean, variance), shared, own in cases:
                np.testing.assert_allclose(mean[row], shared @ weights @ residual[mine], atol=EXACT)
                np.testing.assert_allclose(variance[row], own - shared @ weights @ shared, atol=1e-8)


def _correlations(correlation: float, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.power(correlation, np.abs(one[:, None] - other[None, :]))  # 0 ** 0 is 1


def test_singular_covariances_are_fine() -> None:
    d = np.array([[4.0, 0.0], [0.0, 0.0]])
    found = running_effects([0, 0], [0, 1], [2.0, 2.0], covariance=d, residual_sd=1.0)
    assert found.mean[1].tolist() == pytest.approx([4 * 4 / 9, 0])
    assert running_effects([], [], [], covariance=d, residual_sd=1.0).mean.shape == (0, 2)


def test_later_waves_do_not_reach_back() -> None:
    d = np.diag([9.0, 0.2])
    one = running_effects([0] * 4, [0, 1, 2, 3], [1.0, 2, 3, 4], covariance=d, residual_sd=2)
    two = running_effects([0] * 4, [0, 1, 2, 9], [1.0, 2, 3, -40], covariance=d, residual_sd=2)
    np.testing.assert_array_equal(one.mean[:3], two.mean[:3])


def test_calibration_equals_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    predicted = rng.uniform(0.05, 0.9, 300)
    happened = rng.random(300) < predicted**1.4
    found = calibrate(predicted, happened)
    x = api.add_constant(np.log(predicted / (1 - predicted)))
    fit = api.Logit(happened.astype(float), x).fit(disp=0)
    np.testing.assert_allclose([found.intercept, found.slope], fit.params, atol=1e-6)
    assert found.brier == pytest.approx(np.mean((predicted - happened) ** 2))


def test_calibration_counts_weights_and_chances_as_so_many_persons() -> None:
    rng = np.random.default_rng(3)
    predicted, weight = rng.uniform(0.05, 0.9, 60), rng.integers(0, 4, 60)
    happened = rng.random(60) < predicted
    one = calibrate(predicted, happened, weight)
    other = calibrate(np.repeat(predicted, weight), np.repeat(happened, weight))
    for figure in ("intercept", "slope", "brier", "brier_of_mean"):
        assert getattr(one, figure) == pytest.approx(getattr(other, figure))
    # A chance of three in four: three persons with the event, one without.
    soft = calibrate(predicted, np.full(60, 0.75))
    hard = calibrate(np.repeat(predicted, 4), np.tile([True, True, True, False], 60))
    np.testing.assert_allclose([soft.intercept, soft.slope], [hard.intercept, hard.slope], atol=1e-8)


def test_calibration_where_it_is_not_defined() -> None:
    assert np.isnan(calibrate([0.2, 0.4], [True, True]).slope)
    assert np.isnan(calibrate([0.3, 0.3], [True, False]).slope)
    assert np.isnan(calibrate([0.1, 0.2, 0.8, 0.9], [False, False, True, True]).slope)
    assert calibrate([], []).n == 0


def test_net_benefit_by_hand() -> None:
    predicted, happened = [0.9, 0.6, 0.6, 0.1], [True, False, True, False]
    found = net_benefit(predicted, happened, [0.5, 0.05])
    # At .5: two hits, one false alarm at odds 1; at .05 all four act.
    np.testing.assert_allclose(found, [(2 - 1) / 4, (2 - 2 * 0.05 / 0.95) / 4])
