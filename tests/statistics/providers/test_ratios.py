"""Limits and intervals of observed / expected counts: the Poisson distribution itself, R, Byar's formula."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import gammaln

from mpg_research.statistics.providers.funnel_limits import ratio_interval, ratio_limits

FOLDER = Path(__file__).parents[2] / "oracles" / "organisations"
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.998, 0.9999)
#: Sums of a thousand rounded probabilities.
SUMMED = 1e-12


def _tails(mean: float) -> tuple[np.ndarray, np.ndarray]:
    """P(O < k) and P(O > k) for k = 0, 1, ..., by summing probabilities, each tail from its own end."""
    k = np.arange(int(mean + 12 * np.sqrt(mean) + 40))
    chance = np.exp(k * np.log(mean) - mean - gammaln(k + 1.0))
    below = np.concatenate([[0.0], np.cumsum(chance)[:-1]])
    above = np.concatenate([np.cumsum(chance[::-1])[::-1][1:], [0.0]])
    return below, above


@pytest.mark.parametrize("level", LEVELS)
def test_exact_limits_have_at_most_the_tails_they_promise_and_are_the_tightest(level: float) -> None:
    rng = np.random.default_rng(1)
    means = np.concatenate([np.arange(1, 41), rng.uniform(0.01, 60, 120), 10 ** rng.uniform(1, 4, 30)])
    found = ratio_limits(means, level=level)
    for mean, low, high in zip(means, found.low * means, found.high * means, strict=True):
        below, above = _tails(mean)
        tail = (1 - level) / 2
        lowest, highest = round(low), round(high)
        assert (low, high) == pytest.approx((lowest, highest), abs=1e-6)
        assert below[lowest] <= tail + SUMMED
        assert above[highest] <= tail + SUMMED
        # one count further in, and a tail would be larger
        assert below[lowest + 1] > tail - SUMMED
        assert highest == 0 or above[highest - 1] > tail - SUMMED


def test_a_count_on_the_limit_is_not_beyond_it() -> None:
    means = np.arange(1, 300) / 7
    found = ratio_limits(means, level=0.95)
    counts = np.rint(found.high * means)
    assert not np.any(counts / means > found.high)
    assert np.all((counts + 1) / means > found.high)


def test_the_smooth_form_is_not_exact_and_the_exact_one_is() -> None:
    below, above = _tails(5.0)
    smooth = ratio_limits([5.0], level=0.95, scale="chi-squared")
    assert below[int(np.ceil(smooth.low[0] * 5))] == pytest.approx(0.0404, abs=5e-5)
    assert above[int(np.floor(smooth.high[0] * 5))] == pytest.approx(0.0055, abs=5e-5)
    exact = ratio_limits([5.0], level=0.95)
    assert (exact.low[0] * 5, exact.high[0] * 5) == (1.0, 10.0)
    with pytest.raises(ValueError, match="overdispersion"):
        ratio_limits([5.0], level=0.95, scale="chi-squared", tau2=0.1)


def test_exact_intervals_are_those_of_r() -> None:
    theirs = {key: np.array(value) for key, value in json.loads((FOLDER / "ratios.json").read_text()).items()}
    for level in np.unique(theirs["level"]):
        at = theirs["level"] == level
        found = ratio_interval(theirs["count"][at], 2.5, level=float(level))
        assert found.low == pytest.approx(theirs["low"][at] / 2.5, rel=1e-9)
        assert found.high == pytest.approx(theirs["high"][at] / 2.5, rel=1e-9)


def test_exact_intervals_cover() -> None:
    for mean in (0.3, 1.0, 2.7, 5.0, 11.3, 40.0):
        counts = np.arange(int(mean + 12 * np.sqrt(mean) + 40))
        found = ratio_interval(counts, 1.0, level=0.95)
        chance = np.exp(counts * np.log(mean) - mean - gammaln(counts + 1.0))
        assert chance[found.low > mean].sum() <= 0.025
        assert chance[found.high < mean].sum() <= 0.025


def test_byars_interval_is_the_published_formula_and_close_to_the_exact_one() -> None:
    z = 1.959963984540054
    for count in (1, 5, 10, 33, 200):
        found = ratio_interval([count], [20.0], level=0.95, method="byar")
        low = count * (1 - 1 / (9 * count) - z / 3 * (1 / count) ** 0.5) ** 3 / 20
        high = (count + 1) * (1 - 1 / (9 * (count + 1)) + z / 3 * (1 / (count + 1)) ** 0.5) ** 3 / 20
        assert (found.low[0], found.high[0]) == pytest.approx((low, high), rel=1e-12)
    counts = np.arange(10, 300)
    exact = ratio_interval(counts, 1.0, level=0.95)
    close = ratio_interval(counts, 1.0, level=0.95, method="byar")
    assert close.low == pytest.approx(exact.low, rel=5e-3)
    assert close.high == pytest.approx(exact.high, rel=5e-3)


def test_no_event_at_all_and_what_is_refused() -> None:
    for method in ("exact", "byar"):
        found = ratio_interval([0, 1], [2.0, 2.0], level=0.998, method=method)
        assert found.low[0] == 0.0
        assert np.all(found.low >= 0)
        assert np.all(np.isfinite(found.high))
    assert ratio_interval([0], [1.0], level=0.95).high[0] == pytest.approx(-np.log(0.025))
    with pytest.raises(ValueError, match="above zero"):
        ratio_interval([1], [0.0], level=0.95)
    with pytest.raises(ValueError, match="'exact' or 'byar'"):
        ratio_interval([1], [1.0], level=0.95, method="wald")  # type: ignore[arg-type]
