"""Prices drawn from a stated range: mean and range are what was stated."""

import numpy as np
import pytest

from mpg_research.statistics.economics.price_draws import draw_price


@pytest.mark.parametrize("distribution", ["gamma", "lognormal", "triangular"])
def test_drawn_prices_have_the_stated_mean_and_range(distribution: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(8):
        low = float(np.exp(rng.uniform(1, 9)))
        high = low * float(rng.uniform(1.1, 2.5))
        price = (low + high) / 2 if distribution == "triangular" else float(np.sqrt(low * high)) * 1.02
        drawn = draw_price(price, low, high, distribution=distribution, n=40_000, rng=rng)  # type: ignore[arg-type]
        assert (drawn > 0).all()
        assert drawn.mean() == pytest.approx(price, rel=0.01)
        assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low, high], rel=0.08)


def test_fixed_prices_do_not_vary_and_bad_ranges_are_refused() -> None:
    assert set(draw_price(80, np.nan, np.nan, distribution="fixed", n=5, rng=1)) == {80.0}
    with pytest.raises(ValueError, match="outside its range"):
        draw_price(80, 90, 100, distribution="gamma", n=5, rng=1)
    with pytest.raises(ValueError, match="no lognormal distribution"):
        draw_price(99, 10, 100, distribution="lognormal", n=5, rng=1)
    with pytest.raises(ValueError, match="expected above 0"):
        draw_price(80, 0, 100, distribution="gamma", n=5, rng=1)
