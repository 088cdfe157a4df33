"""The route that carries only the fixed effects that a group has: the numbers of the whole one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, VarianceBy
from mpg_research.mixed.design.build import design_problem
from mpg_research.mixed.inference.natural_parameters import natural_derivatives
from mpg_research.mixed.likelihood.compact_route import CompactRoute
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.group_algebra import by_parent, multiply
from mpg_research.mixed.likelihood.inner_inverse import _by_cholesky, inner_inverse
from mpg_research.mixed.search.many_outcomes import Batch
from mpg_research.mixed.search.solution import make_solution
from mpg_research.mixed.search.starts_and_faces import inverse_curvature

# Both routes sum the same products, in another order.
SAME = 1e-9
FAMILIES = ["(1 + months + bend | family)", "(1 + months || family)", "(1 | family)"]
ABOVE = ["", " + (1 + months | worker)", " + (1 + bend || worker)", " + (1 | worker) + (0 + months | worker)"]
STRUCTURES = [
    None,
    CAR1("months", within="family"),
    AR1("wave", within="family"),
    VarianceBy("sex"),
    CAR1("months", within="family", measurement_error=True),
]


def study(seed: int) -> pd.DataFrame:
    """Families of workers of organisations, rows in any order, some organisations small."""
    rng = np.random.default_rng([4, seed])
    n_organisations = int(rng.integers(2, 7))
    organisation = np.sort(
        np.append(np.arange(n_organisations).repeat(4), rng.integers(0, n_organisations, 50))
    )
    n, waves = organisation.size, 7
    months = np.clip(np.arange(waves) * 2.0 + rng.normal(0, 0.2, (n, waves)), 0, None) + 1e-4 * np.arange(
        waves
    )
    data = pd.DataFrame({"months": months.ravel()})
    data["wave"] = np.tile(np.arange(waves), n)
    data["family"] = np.repeat(np.arange(n), waves)
    data["organisation"] = np.repeat([f"o{o}" for o in organisation], waves)
    worker = organisation * 10 + rng.integers(0, 3, n)
    data["worker"] = np.repeat(worker, waves)
    data["age"], data["sex"] = (
        np.repeat(rng.normal(8, 3, n), waves),
        np.repeat(rng.choice(["f", "m"], n), waves),
    )
    data["bend"] = np.log1p(data["months"])
    data["score"] = (
        20.0 - 2 * data["bend"] + np.repeat(rng.normal(0, 3, n), waves) + rng.normal(0, 2, n * waves)
    )
    data["weight"] = rng.uniform(0.5, 2.0, len(data))
    return data.sample(frac=0.85, random_state=seed)


def made(seed: int) -> tuple[Engine, np.ndarray]:
    """An engine for a random model of a random study, and a point where it can be evaluated."""
    rng = np.random.default_rng([5, seed])
    curve = rng.choice(["cr(months, 4)", "months", "poly(months, 3)"])
    fixed = rng.choice(
        [
            f"{curve} * organisation",
            f"{curve} * organisation + age + months:age",
            f"{curve}:organisation + sex",
        ]
    )
    structure: Any = STRUCTURES[seed % len(STRUCTURES)]
    formula = f"score ~ {fixed} + {rng.choice(FAMILIES)}{rng.choice(ABOVE)}"
    weights = "weight" if structure is None and rng.random() < 0.5 else None
    problem, _ = design_problem(
        formula, study(seed), weights=weights, residual=structure, reference=None, missing="drop"
    )
    engine = Engine(problem, "REML" if rng.random() < 0.7 else "ML")
    x = engine.start() + rng.normal(0, 0.2, engine.start().size)
    return engine, x


SEEDS = range(25)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_deviance_its_slopes_and_the_information_are_those_of_the_whole(seed: int) -> None:
    engine, x = made(seed)
    lean = engine.lean()
    (value, gradient), (found, slopes) = engine.value_and_gradient(x), lean.value_and_gradient(x)
    assert found == pytest.approx(value, rel=SAME)
    assert slopes == pytest.approx(gradient, rel=1e-7, abs=1e-7 * np.max(np.abs(gradient)))
    profiled, other = engine.at(x)[1], lean.at(x)[1]
    assert other.beta == pytest.approx(profiled.beta, rel=1e-7, abs=SAME)
    assert other.phi == pytest.approx(profiled.phi, rel=1e-7, abs=SAME * np.max(np.abs(profiled.phi)))
    curvature = inverse_curvature(engine, x)
    assert inverse_curvature(lean, x) == pytest.approx(curvature, rel=1e-6, abs=1e-8)
    one = make_solution(engine, x, gradient, 1, True, "")
    wanted_engine = Engine(engine.problem, engine.method)
    wanted_engine._lean = wanted_engine
    wanted = natural_derivatives(replace(one, engine=wanted_engine))
    natural = natural_derivatives(one)
    for name in ("s", "p", "q", "trace_2", "bend", "bend_q"):
        ours, theirs = getattr(natural, name), getattr(wanted, name)
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-8 * np.max(np.abs(theirs), initial=1e-300)), (
            name
        )


def test_most_of_these_models_have_such_a_route() -> None:
    leaner = [isinstance(made(seed)[0].lean().route, CompactRoute) for seed in SEEDS]
    assert np.mean(leaner) > 0.6
    engine = next(made(seed)[0] for seed in SEEDS if leaner[seed])
    assert engine.lean().route.d <= 0.7 * engine.route.d
    assert engine.lean() is engine.lean().lean()


@pytest.mark.parametrize("seed", [0, 5, 10, 15])
def test_many_starts_and_another_outcome_in_it_too(seed: int) -> None:
    engine, x = made(seed)
    lean = engine.lean()
    starts = np.array([x, 0.5 * x, x + 0.1])
    values, gradients, *_ = Batch.repeated(lean, 3).value_and_gradient(starts)
    for start, value, gradient in zip(starts, values, gradients, strict=True):
        wanted = engine.value_and_gradient(start)
        assert value == pytest.approx(wanted[0], rel=SAME)
        assert gradient == pytest.approx(wanted[1], rel=1e-7, abs=1e-7 * np.max(np.abs(wanted[1])))
    y = np.random.default_rng(seed).normal(size=engine.problem.y.size)
    moved = engine.with_outcome(y)
    fresh = Engine(replace(engine.problem, y=y), engine.method)
    pairs = [(moved, fresh), (moved.lean(), fresh), (moved.narrowed(), fresh.narrowed())]
    for one, alike in [*pairs, (moved.lean().narrowed(), fresh.lean().narrowed())]:
        # each is in units of its own, which the slopes do not depend on
        slopes, wanted = one.value_and_gradient(x)[1], alike.value_and_gradient(x)[1]
        assert slopes == pytest.approx(wanted, rel=1e-7, abs=1e-7 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("draws", [0, 4])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_three_random_effects_by_the_formula_for_any_number(rank: int, draws: int) -> None:
    rng = np.random.default_rng(rank)
    half = rng.normal(size=(3, 4, 50))
    a = np.einsum("ikn,jkn->ijn", half, half)
    factor = np.linalg.qr(rng.normal(size=(3, 3)))[0] * [50.0, 1.0, 0.01] * (np.arange(3) < rank)
    factor = np.linalg.qr(factor.T, mode="r").T
    if draws:
        a = np.tile(a[:, :, None], (1, 1, draws, 1))
        factor = factor[:, :, None, None] * rng.uniform(0.5, 2.0, (1, 1, draws, 1))
    for found, wanted in zip(inner_inverse(a, factor), _by_cholesky(a, factor), strict=True):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9 * np.max(np.abs(wanted), initial=1e-300))


@pytest.mark.parametrize("n", [6, 60])
@pytest.mark.parametrize("d", [3, 11])
def test_products_of_many_matrices(d: int, n: int) -> None:
    rng = np.random.default_rng(n)
    left, right = rng.normal(size=(d, d, n)), rng.normal(size=(d, d, n))
    assert multiply(left, right)[:, :, 1] == pytest.approx(left[:, :, 1] @ right[:, :, 1])
    starts = np.array([0, 2, 5])
    moment, columns = rng.normal(size=(d, d, 3)), rng.normal(size=(2, d, n))
    parent = np.searchsorted(starts, np.arange(n), side="right") - 1
    wanted = np.array([[moment[:, :, p] @ columns[q, :, i] for i, p in enumerate(parent)] for q in range(2)])
    assert by_parent(moment, columns, starts) == pytest.approx(np.swapaxes(wanted, 1, 2))
