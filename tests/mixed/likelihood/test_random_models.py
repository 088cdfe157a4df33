"""Hundreds of random models against n by n matrices; thousands: ``benchmarks/mixed/random_models.py``."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from mpg_research.mixed.likelihood import derivatives, group_algebra
from tests.mixed.dense_checks import EXACT, differences
from tests.mixed.random_models import CORNERS, LAYOUTS, RESIDUALS, RandomModel, random_model

#: Models whose estimates are compared, and the size of a lot.
ESTIMATED, LOT = 300, 50


def _wrong(model: RandomModel, *, deep: bool) -> list[str]:
    found = differences(model, deep=deep)
    return [
        f"{name} off by {value:.1e} in: {model.label}" for name, value in found.items() if not value < EXACT
    ]


@pytest.mark.parametrize("first", range(0, ESTIMATED, LOT))
def test_likelihood_and_estimates_equal_the_dense_formulas(first: int) -> None:
    wrong = [line for seed in range(first, first + LOT) for line in _wrong(random_model(seed), deep=False)]
    assert wrong == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_derivatives_information_deletion_and_batch_equal_the_dense_formulas(layout: str) -> None:
    wrong = []
    for seed, (corner, structure) in enumerate(product(("inside", "mixed"), RESIDUALS)):
        made = random_model(1000 + seed, layout=layout, corner=corner, structure=structure)
        wrong += _wrong(made, deep=True)
    for seed, corner in enumerate(CORNERS):
        wrong += _wrong(random_model(2000 + seed, layout=layout, corner=corner, structure="none"), deep=True)
    assert wrong == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("many", [1, 10**9])
def test_however_many_groups_are_summed_at_once(
    layout: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derivatives, "_NUMBERS_AT_ONCE", many)
    monkeypatch.setattr(group_algebra, "MANY_PRODUCTS", many)
    models = [
        random_model(3000 + seed, layout=layout, corner=corner, structure=structure)
        for seed, (corner, structure) in enumerate((("inside", "none"), ("mixed", "none"), ("mixed", "CAR1")))
    ]
    assert [line for model in models for line in _wrong(model, deep=True)] == []


def _beyond(model: RandomModel) -> bool:
    """Whether a random column of a coarser level lies outside the span of X."""
    x = np.linalg.qr(model.plain.x)[0]
    return any(
        np.linalg.norm(term.z - x @ (x.T @ term.z)) > 1e-6
        for term in model.plain.random
        if term.group != "family"
    )


def test_the_models_are_of_every_kind() -> None:
    models = [random_model(seed) for seed in range(ESTIMATED)]
    layouts, corners = Counter(m.layout for m in models), Counter(m.corner for m in models)
    structures = Counter(m.structure for m in models)
    assert all(layouts[name] >= 25 for name in LAYOUTS)
    assert all(corners[name] >= 20 for name in CORNERS)
    assert all(structures[name] >= 10 for name in RESIDUALS)
    assert sum(_beyond(m) for m in models) >= 100
    assert sum(not all(t.correlated for t in m.plain.random) for m in models) >= 75
    assert sum(m.plain.weights is not None for m in models) >= 75
    assert sum(m.method == "ML" for m in models) >= 75
    spread = [np.log10(np.concatenate([m.x_units, [m.y_unit]])) for m in models]
    assert min(map(np.min, spread)) < -5
    assert max(map(np.max, spread)) > 5
