"""The minimiser on functions whose minimum is known, and its honesty when it fails."""

import numpy as np
import pytest

from mpg_research.mixed.search.bfgs import minimise

FloatArray = np.ndarray


def _quadratic(x: FloatArray) -> tuple[float, FloatArray]:
    curvature = np.array([1.0, 100.0, 1e4])
    return float(0.5 * np.sum(curvature * (x - 1) ** 2)), curvature * (x - 1)


def _rosenbrock(x: FloatArray) -> tuple[float, FloatArray]:
    value = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    gradient = np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])
    return float(value), gradient


def test_quadratic_and_banana() -> None:
    found = minimise(_quadratic, np.zeros(3))
    assert found.converged
    assert found.x == pytest.approx(np.ones(3), abs=1e-5)
    banana = minimise(_rosenbrock, np.array([-1.2, 1.0]))
    assert banana.converged
    assert banana.x == pytest.approx(np.ones(2), abs=1e-5)
    assert banana.n_evaluations < 80


def test_a_known_curvature_saves_evaluations() -> None:
    exact = np.diag([1.0, 1e-2, 1e-4])
    warm = minimise(_quadratic, np.zeros(3), inverse_hessian=exact)
    assert warm.n_evaluations <= 3
    assert warm.n_evaluations < minimise(_quadratic, np.zeros(3)).n_evaluations


def test_noise_in_the_value_does_not_keep_it_from_stopping() -> None:
    rng = np.random.default_rng(0)

    def noisy(x: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = _quadratic(x)
        return value + 1e-9 * rng.normal(), gradient

    found = minimise(noisy, np.array([3.0, -2.0, 0.5]))
    assert found.converged
    assert found.n_evaluations < 60


def test_walls_are_walked_around() -> None:
    def walled(x: FloatArray) -> tuple[float, FloatArray]:
        if x[0] >= 2.0:
            return np.inf, np.full(1, np.nan)
        return float((x[0] - 1.9) ** 2 - np.log(2 - x[0])), np.array([2 * (x[0] - 1.9) + 1 / (2 - x[0])])

    found = minimise(walled, np.array([-5.0]))
    assert found.converged
    assert found.gradient == pytest.approx([0.0], abs=1e-4)


def test_running_out_of_evaluations_is_said() -> None:
    found = minimise(_rosenbrock, np.array([-1.2, 1.0]), max_evaluations=5)
    assert not found.converged
    assert "evaluations" in found.message
