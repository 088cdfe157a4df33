"""Crossed factors: the two ways through the dense block agree, also where only one of them is open."""

import numpy as np
import pytest

from mpg_research.mixed.likelihood import sparse_blocks
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute
from mpg_research.mixed.likelihood.derivatives import crossed_derivatives
from mpg_research.mixed.likelihood.scaling import scale_problem
from mpg_research.mixed.problem import MixedProblem, RandomTerm

# Shrinking by one over the smallest squared singular value is all the accuracy the inverse may cost.
SAME = 1e-8


def _problem() -> MixedProblem:
    rng = np.random.default_rng(4)
    n = 240
    months = rng.uniform(0, 10, n)
    z = np.column_stack([np.ones(n), months])
    family, worker, helper = rng.integers(0, 30, n), rng.integers(0, 9, n), rng.integers(0, 5, n)
    y = rng.normal(size=30)[family] + rng.normal(size=9)[worker] + rng.normal(size=n)
    random = (
        RandomTerm("family", ("1", "months"), z, family, tuple(range(30))),
        RandomTerm("worker", ("1", "months"), z, worker, tuple(range(9))),
        RandomTerm("helper", ("1",), z[:, :1], helper, tuple(range(5))),
    )
    return MixedProblem(y, z, ("1", "months"), random)


@pytest.mark.parametrize(
    "worker",
    [
        [[0.8, 0.0], [0.1, 0.3]],
        [[0.8, 0.0], [0.1, 2e-3]],
        [[25.0, -1e-3], [17.0, 1e-3]],
        [[0.8, 0.0], [0.1, 0.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ],
)
def test_both_ways_through_the_dense_block_agree(
    worker: list[list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = _problem()
    route = CrossedRoute(problem, scale_problem(problem))
    factors = [np.array([[1.1, 0.0], [-0.2, 0.4]]), np.array(worker), np.array([[0.5]])]
    state = route.evaluate(factors)
    directions = [[np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])], [np.eye(2)], [np.eye(1)]]
    quick = route.informations(state), crossed_derivatives(route, state, directions)
    monkeypatch.setattr(sparse_blocks, "INVERTIBLE", np.inf)
    assert route.rest_inverses(state) is None
    slow = route.informations(state), crossed_derivatives(route, state, directions)
    for one, two in zip(quick[0], slow[0], strict=True):
        assert one == pytest.approx(two, rel=SAME, abs=SAME * np.abs(two).max())
    for name in ("p", "q", "trace", "trace_2"):
        expected = getattr(slow[1], name)
        assert getattr(quick[1], name) == pytest.approx(expected, rel=SAME, abs=SAME * np.abs(expected).max())
