"""Modes of one term for several weights of the columns at once, against dense matrices."""

from unittest.mock import patch

import numpy as np
import pytest

from mpg_research.mixed.likelihood import separate_route
from mpg_research.mixed.likelihood.engine import Engine
from tests.mixed.random_models import LAYOUTS, random_model

#: Of numbers near one, from inverses of some hundred rows.
CLOSE = {"rtol": 1e-6, "atol": 1e-7}
SEEDS = 4


def dense_modes(engine: Engine, internal: np.ndarray, weights: np.ndarray, term: int) -> np.ndarray:
    """G Z' V^-1 [X y] w, with every matrix written out, in the engine's own units."""
    scaled, random = engine.scaled, engine.problem.random
    v = np.eye(scaled.n)
    pieces = []
    for each, z, factor in zip(random, scaled.z, scaled.factors(internal), strict=True):
        full = np.zeros((scaled.n, len(each.levels) * len(z)))
        for row, code in enumerate(each.codes):
            full[row, code * len(z) : (code + 1) * len(z)] = z[:, row]
        g = np.kron(np.eye(len(each.levels)), factor @ factor.T)
        v += full @ g @ full.T
        pieces.append((full, g))
    full, g = pieces[term]
    modes = g @ full.T @ np.linalg.solve(v, scaled.fixed.T @ weights)
    return modes.reshape(len(random[term].levels), -1, weights.shape[1])


@pytest.mark.parametrize("layout", [each for each in LAYOUTS if each != "no random effects"])
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("by_parts", [False, True])
def test_modes_are_those_of_dense_matrices(layout: str, seed: int, by_parts: bool) -> None:
    made = random_model(7000 + seed, layout=layout, structure="none")
    # Factors that cross within parts of the data only are taken part by part: also where there are few.
    with patch.object(separate_route, "FEWEST_COLUMNS", 0 if by_parts else 10**9):
        engine = Engine(made.problem, "REML")
    internal = engine.scaled.to_internal(made.theta)
    state, _ = engine.at(internal)
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(engine.scaled.fixed.shape[0], 3))
    for term, each in enumerate(made.problem.random):
        found = engine.route.modes_of(state, weights, term)
        assert found.shape == (len(each.levels), each.z.shape[1], 3)
        expected = dense_modes(engine, internal, weights, term)
        np.testing.assert_allclose(found, expected, err_msg=made.label, **CLOSE)


@pytest.mark.parametrize("layout", ["three nested", "nested and crossed"])
def test_several_weights_at_once_are_each_of_them_alone(layout: str) -> None:
    structure = "none" if "crossed" in layout else "CAR1"
    made = random_model(7100, layout=layout, structure=structure)
    engine = Engine(made.problem, "ML")
    start = engine.start()
    state, _ = engine.at(start)
    weights = np.random.default_rng(1).normal(size=(engine.scaled.fixed.shape[0], 4))
    for term in range(len(made.problem.random)):
        at_once = engine.route.modes_of(state, weights, term)
        for column in range(weights.shape[1]):
            alone = engine.route.modes(state, weights[:, column])[term]
            np.testing.assert_allclose(at_once[:, :, column], alone, rtol=1e-9, atol=1e-10)
