"""Directions that vanish are set to zero before the search ends: where it ends is no worse for it."""

from unittest.mock import patch

import numpy as np
import pytest

from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.search import starts_and_faces
from mpg_research.mixed.search.bfgs import Minimum, minimise
from mpg_research.mixed.search.starts_and_faces import find_optimum
from tests.mixed import dense
from tests.mixed.random_models import random_model

#: Deviance by which one search may end above the other.
NO_WORSE = 1e-4
SEEDS = 6


def to_its_end(engine: Engine, start: np.ndarray, inverse: np.ndarray | None, tolerance: float) -> Minimum:
    """The search that sets nothing to zero on its way."""
    return minimise(engine.value_and_gradient, start, inverse_hessian=inverse, tolerance=tolerance)


@pytest.mark.parametrize("layout", ["one level", "two nested", "crossed", "nested and crossed"])
@pytest.mark.parametrize("corner", ["zero variance", "correlation of one", "inside"])
def test_it_ends_no_higher_than_a_search_that_sets_nothing_to_zero(layout: str, corner: str) -> None:
    n_zero = 0
    for seed in range(SEEDS):
        made = random_model(8000 + seed, layout=layout, corner=corner, structure="none")
        early = find_optimum(Engine(made.problem, "REML"))
        with patch.object(starts_and_faces, "_minimised", to_its_end):
            late = find_optimum(Engine(made.problem, "REML"))
        assert early.converged or not late.converged, made.label
        assert early.value <= late.value + NO_WORSE * max(1.0, abs(late.value)), made.label
        n_zero += _n_zero(Engine(made.problem, "REML"), early)
    if corner != "inside":
        assert n_zero, "the draws must have directions that vanish, or this tests nothing"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_deviance_at_the_zeros_is_that_of_dense_matrices(seed: int) -> None:
    made = random_model(8100 + seed, layout="one level", corner="zero variance", structure="none")
    engine = Engine(made.plain, "REML")
    found = find_optimum(engine)
    theta = engine.scaled.to_theta(found.x)
    value = dense.evaluate(made.plain, theta).deviance
    start = engine.start()
    above = dense.evaluate(made.plain, engine.scaled.to_theta(start)).deviance - value
    in_engine = engine.value_and_gradient(start)[0] - found.value  # its deviance is one up to a constant
    assert in_engine == pytest.approx(above, rel=1e-6, abs=1e-6), made.label
    # nowhere near it is the deviance lower, off the zeros neither
    rng = np.random.default_rng(seed)
    for _ in range(5):
        aside = theta + rng.normal(0, 0.02, theta.shape)
        assert dense.evaluate(made.plain, aside).deviance >= value - 1e-6, made.label


def _n_zero(engine: Engine, minimum: Minimum) -> int:
    factors = engine.scaled.factors(minimum.x[: engine.n_theta])
    return sum(int(np.linalg.matrix_rank(factor, tol=1e-9) < factor.shape[0]) for factor in factors)
