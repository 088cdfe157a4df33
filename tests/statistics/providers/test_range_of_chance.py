"""The range of chance around an expected share, beside an exact test and a simulated truth."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from mpg_research.statistics.providers.range_of_chance import p_of_chance, range_of_chance


def drawn(seed: int) -> list[tuple[float, int, float]]:
    """Expected shares, numbers of clients and levels, from very few to many."""
    rng = np.random.default_rng(seed)
    return [
        (float(rng.beta(0.7, 0.7)), int(rng.integers(1, 120)), float(rng.choice([0.8, 0.95, 0.99])))
        for _ in range(150)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_it_lies_around_what_was_expected_and_within_what_a_share_can_be(seed: int) -> None:
    for p, n, level in drawn(seed):
        carried = 0.02 * np.random.default_rng(n).random()
        low, high = range_of_chance(p, n, variance=p * (1 - p) / n, carried=carried, level=level)
        assert -p <= low <= 0 <= high <= 1 - p


@pytest.mark.parametrize("seed", range(3))
def test_where_little_is_expected_it_is_that_of_the_exact_test(seed: int) -> None:
    looked = 0
    for p, n, level in drawn(seed):
        if min(p, 1 - p) * n >= 5:
            continue
        low, high = range_of_chance(p, n, variance=p * (1 - p) / n, level=level)
        x, tail = np.arange(n + 1), (1 - level) / 2
        too_few, too_many = binom.cdf(x, n, p) < tail, binom.sf(x - 1, n, p) < tail
        close = np.minimum(np.abs(binom.cdf(x, n, p) - tail), np.abs(binom.sf(x - 1, n, p) - tail)) < 1e-9
        gap = x / n - p
        assert ((gap < low) == too_few)[~close].all()
        assert ((gap > high) == too_many)[~close].all()
        # The same said the other way round: Clopper and Pearson's interval leaves the expected share out.
        lower = np.where(x > 0, beta.ppf(tail, np.maximum(x, 0.5), n - x + 1), 0.0)
        upper = np.where(x < n, beta.ppf(1 - tail, x + 1, np.maximum(n - x, 0.5)), 1.0)
        assert (((gap < low) | (gap > high)) == ((lower > p) | (upper < p)))[~close].all()
        looked += 1
    assert looked > 20


@pytest.mark.parametrize(("p", "n"), [(0.02, 40), (0.1, 30), (0.35, 25), (0.6, 80), (0.97, 60)])
def test_chance_alone_leaves_it_no_more_often_than_it_says(p: float, n: int) -> None:
    rng = np.random.default_rng([n, 1])
    low, high = range_of_chance(p, n, variance=p * (1 - p) / n)
    gap = rng.binomial(n, p, 20_000) / n - p
    assert ((gap < low) | (gap > high)).mean() < 0.06


@pytest.mark.parametrize("seed", range(3))
def test_its_p_value_says_the_same_at_every_level(seed: int) -> None:
    rng = np.random.default_rng([seed, 7])
    for p, n, level in drawn(seed):
        gap = float(rng.uniform(-p, 1 - p))
        errors = {"variance": p * (1 - p) / n, "carried": float(rng.choice([0.0, 0.001]))}
        low, high = range_of_chance(p, n, level=level, **errors)
        found = p_of_chance(gap, p, n, **errors)
        if min(abs(gap - low), abs(gap - high)) > 1e-6 and not abs(found - (1 - level)) < 1e-6:
            assert (low <= gap <= high) is (found > 1 - level)


def test_its_p_value_is_twice_the_tail_of_the_binomial_where_little_is_expected() -> None:
    for n, p, x in ((40, 0.02, 4), (30, 0.1, 9), (60, 0.97, 54), (25, 0.05, 6)):
        tail = min(binom.cdf(x, n, p), binom.sf(x - 1, n, p))
        assert p_of_chance(x / n - p, p, n, variance=p * (1 - p) / n) == pytest.approx(2 * tail, rel=1e-6)
