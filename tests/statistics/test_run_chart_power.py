"""What a run chart could have seen: against counting, and against its own rules one series at a time."""

from itertools import combinations

import numpy as np
import pytest

from mpg_research.statistics.run_chart import run_limits, run_signals
from mpg_research.statistics.run_chart_power import run_power, run_reach

#: Simulation error of a share of 5,000 series, and of 1,000 beside it.
NEAR = 0.05


@pytest.mark.parametrize("n", [10, 12, 14])
def test_false_alarms_are_those_of_counting(n: int) -> None:
    """Without change every order of n/2 points above and n/2 below the median is equally likely."""
    allowed, needed = run_limits(n)
    signals = []
    for above in combinations(range(n), n // 2):
        side = np.isin(np.arange(n), above)
        places = np.flatnonzero(np.diff(side))
        runs = np.diff(np.concatenate([[-1], places, [n - 1]]))
        signals.append(runs.max() > allowed or len(places) < needed)
    exact = float(np.mean(signals))
    assert run_power(n, 0.0).drift == pytest.approx(exact, abs=4 * np.sqrt(exact / 5000))
    assert run_power(n, 0.0).step == run_power(n, 0.0).drift


@pytest.mark.parametrize(("n", "change"), [(10, 1.5), (11, 4.0), (17, 3.0), (24, 2.0)])
def test_power_is_that_of_the_rules_one_chart_at_a_time(n: int, change: float) -> None:
    rng = np.random.default_rng([n, round(10 * change)])
    time = np.linspace(0, 1, n)
    shares = []
    for expected in (change * time, change * (time >= 0.5)):
        charts = rng.standard_normal((1000, n)) + expected
        shares.append(np.mean([run_signals(chart).signal for chart in charts]))
    found = run_power(n, change)
    assert (found.drift, found.step) == pytest.approx(shares, abs=NEAR)


def test_ten_points_hardly_see_a_drift() -> None:
    assert run_power(10, 1.5).drift < 0.08
    assert run_power(10, -1.5).drift == pytest.approx(run_power(10, 1.5).drift, abs=NEAR)
    assert run_power(9, 5.0).drift == 0.0  # fewer points never give a signal
    assert np.isnan(run_reach(9).drift)


@pytest.mark.parametrize("n", [10, 13, 24])
def test_reach_is_where_80_of_100_are_seen(n: int) -> None:
    reach = run_reach(n)
    assert run_power(n, reach.drift).drift == pytest.approx(0.8, abs=0.02)
    assert run_power(n, reach.step).step == pytest.approx(0.8, abs=0.03)
