"""Items that run against the others: the number against NumPy, the error rate by simulation."""

import numpy as np
import pytest

from mpg_research.instruments.item_rest import item_rest_correlations


def answers(
    rng: np.random.Generator, families: int, waves: int, *, loading: float, turned: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ten items of 1-4 with one factor; half of factor and item error is the family's own."""
    family = np.repeat(np.arange(families), waves)
    half = np.sqrt(0.5)
    factor = half * rng.normal(size=families)[family] + half * rng.normal(size=len(family))
    own = half * rng.normal(size=(families, 10))[family] + half * rng.normal(size=(len(family), 10))
    values = np.clip(np.round(2.5 + loading * factor[:, None] + np.sqrt(1 - loading**2) * own), 1, 4)
    values[:, :turned] = 5 - values[:, :turned]
    return values, family.astype(object)


def test_the_correlation_is_that_with_the_sum_of_the_other_items() -> None:
    values, family = answers(np.random.default_rng(1), 30, 4, loading=0.6, turned=1)
    values[5, 3] = np.nan
    complete = values[np.isfinite(values).all(axis=1)]
    got = item_rest_correlations(values, family)
    for item in range(10):
        rest = np.delete(complete, item, axis=1).sum(axis=1)
        assert got.correlation[item] == pytest.approx(np.corrcoef(complete[:, item], rest)[0, 1], abs=1e-12)
    assert (got.n_rows, got.n_families) == (119, 30)


def test_the_limit_of_independent_rows_is_near_that_of_fisher() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(4000, 3))
    got = item_rest_correlations(values, np.arange(4000).astype(object), level=0.95)
    fisher = np.tanh(np.arctanh(got.correlation) + 2.128 / np.sqrt(3997))  # normal quantile of 1 - .05 / 3
    assert got.upper == pytest.approx(fisher, abs=0.002)


@pytest.mark.parametrize(("families", "waves"), [(5, 1), (6, 8), (12, 3), (40, 1), (40, 6)])
def test_items_that_have_nothing_in_common_are_seldom_named(families: int, waves: int) -> None:
    rng = np.random.default_rng(families)
    wrong = [
        (item_rest_correlations(*answers(rng, families, waves, loading=0.0, turned=0)).upper < 0).any()
        for _ in range(300)
    ]
    assert np.mean(wrong) < 0.09  # .05 are meant, and three standard errors of 300 tries on top


def test_sound_items_are_not_named_and_turned_ones_are_found() -> None:
    rng = np.random.default_rng(7)
    for families, waves, found_in in ((8, 6, 0.2), (40, 6, 0.95)):
        sound = [
            (item_rest_correlations(*answers(rng, families, waves, loading=0.6, turned=0)).upper < 0).any()
            for _ in range(100)
        ]
        turned = [
            item_rest_correlations(*answers(rng, families, waves, loading=0.6, turned=1)).upper[0] < 0
            for _ in range(100)
        ]
        assert not any(sound)
        assert np.mean(turned) >= found_in


def test_too_few_families_or_no_variance_give_no_verdict() -> None:
    values, family = answers(np.random.default_rng(3), 4, 5, loading=0.6, turned=1)
    assert np.isnan(item_rest_correlations(values, family).upper).all()
    values[:, 2] = 3
    assert np.isnan(item_rest_correlations(values, family).correlation[2])
    assert np.isnan(item_rest_correlations(np.empty((0, 3)), np.empty(0, dtype=object)).upper).all()
