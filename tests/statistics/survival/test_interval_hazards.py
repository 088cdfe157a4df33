"""Events that are seen at looks only: against a search of the likelihood, and single looks."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mpg_research.statistics.survival.interval_hazards import fit_interval_hazards, fit_interval_ratios

EDGES = np.array([0.0, 4.0, 8.0, 12.0])


def made(seed: int, n: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last look without the event, first look with it, and a column that raises the hazard."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    time = rng.exponential(12 * np.exp(-0.5 * x))
    looks = np.sort(rng.uniform(0.5, 12, (n, 3)), axis=1)
    clean, seen = np.zeros(n), np.full(n, np.inf)
    for look in looks.T:
        open_ = ~np.isfinite(seen)
        hit = open_ & (time <= look)
        seen[hit] = look[hit]
        clean[open_ & ~hit] = look[open_ & ~hit]
    return clean, seen, x


def overlap(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    return np.clip(np.minimum(stop[:, None], EDGES[1:]) - np.maximum(start[:, None], EDGES[:-1]), 0, None) / 4


def log_likelihood(hazard: np.ndarray, clean: np.ndarray, seen: np.ndarray, lift: np.ndarray) -> float:
    gone = overlap(np.zeros_like(clean), clean) @ hazard * lift
    had = np.isfinite(seen)
    open_ = overlap(clean[had], seen[had]) @ hazard * lift[had]
    return float(-gone.sum() + np.log(-np.expm1(-open_)).sum())


@pytest.mark.parametrize("seed", range(4))
def test_hazards_are_where_the_likelihood_is_highest(seed: int) -> None:
    clean, seen, _ = made(seed)
    found, one = fit_interval_hazards(clean, seen, EDGES), np.ones(150)
    best = minimize(
        lambda logs: -log_likelihood(np.exp(logs), clean, seen, one), np.zeros(3), method="BFGS",
        options={"gtol": 1e-8},
    )  # fmt: skip
    assert found.hazard == pytest.approx(np.exp(best.x), abs=1e-5)
    again = fit_interval_hazards(
        np.r_[np.tile(clean, 40), clean[0]], np.r_[np.tile(seen, 40), seen[0]], EDGES
    )
    assert (again.hazard - found.hazard) * 40 == pytest.approx(found.influence[:, 0], rel=0.05, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_ratios_are_where_the_likelihood_is_highest(seed: int) -> None:
    clean, seen, x = made(seed)
    found = fit_interval_ratios(clean, seen, x[:, None], EDGES)
    best = minimize(
        lambda both: -log_likelihood(np.exp(both[:3]), clean, seen, np.exp(both[3] * x)), np.zeros(4),
        method="BFGS", options={"gtol": 1e-8},
    )  # fmt: skip
    assert found.converged
    assert found.coefficients[0] == pytest.approx(best.x[3], abs=1e-4)
    assert 0.05 < np.sqrt(found.robust[0, 0]) < 0.3


@pytest.mark.parametrize("seed", range(2, 8))
def test_families_with_one_look_each_do_not_overstate_the_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 6000
    look, time = rng.uniform(1, 12, n), rng.exponential(30.0, n)
    seen = np.where(time <= look, look, np.inf)
    clean = np.where(np.isfinite(seen), 0.0, look)
    share = 1 - np.exp(-fit_interval_hazards(clean, seen, EDGES).hazard.sum())
    assert share == pytest.approx(1 - np.exp(-12 / 30), abs=0.04)


def test_stretches_without_looks_and_without_events() -> None:
    found = fit_interval_hazards([2.0, 3.0, 3.5], [np.inf, np.inf, np.inf], EDGES)
    assert found.hazard[0] == 0.0
    assert np.isnan(found.hazard[1:]).all()
    with pytest.raises(ValueError, match="after the last look"):
        fit_interval_hazards([3.0], [2.0], EDGES)
    with pytest.raises(ValueError, match="known and vary"):
        fit_interval_ratios([3.0, 1.0], [np.inf, 2.0], [[1.0], [1.0]], EDGES)
