"""The comparison around an event: against loops a person can read, and what it must not depend on."""

import numpy as np
import pytest

from mpg_research.statistics.event_study import event_study
from mpg_research.statistics.rates import clustered_rate


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values with gaps, events and clusters."""
    rng = np.random.default_rng(seed)
    n, times = int(rng.integers(20, 50)), int(rng.integers(6, 14))
    event = np.where(rng.random(n) < 0.6, rng.integers(1, times, n), np.inf)
    values = rng.normal(0, 1, (n, times)).cumsum(axis=1) + rng.normal(0, 3, (n, 1))
    values[rng.random((n, times)) < 0.15] = np.nan
    return values, event, rng.integers(0, 12, n)


def by_hand(values: np.ndarray, event: np.ndarray, k: int, spared: int) -> float:
    """The mean over events of the change less that of those still without one."""
    found = []
    for i in range(len(values)):
        g = event[i]
        if not np.isfinite(g) or not 0 <= g + k < values.shape[1]:
            continue
        g = int(g)
        change = values[:, g + k] - values[:, g - 1]
        at_risk = np.isfinite(values[:, g]) | np.isfinite(values[:, g - 1])
        others = np.flatnonzero(np.isfinite(change) & at_risk & (event > g + spared))
        if np.isfinite(change[i]) and at_risk[i] and len(others) >= 2:
            found.append(change[i] - change[others].mean())
    return float(np.mean(found)) if found else float("nan")


@pytest.mark.parametrize("seed", range(12))
def test_differences_are_those_of_a_loop(seed: int) -> None:
    values, event, clusters = made(seed)
    for spared in (3, 0):
        found = event_study(values, event, clusters, clean=spared)
        for k, estimate in zip(found.relative, found.estimate, strict=True):
            assert estimate == pytest.approx(by_hand(values, event, int(k), spared), nan_ok=True)


@pytest.mark.parametrize("seed", range(6))
def test_influences_tell_what_leaving_a_cluster_out_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 600
    values = rng.normal(0, 1, (n, 8)).cumsum(axis=1)
    event = np.where(rng.random(n) < 0.5, rng.integers(2, 6, n), np.inf)
    clusters = rng.integers(0, 100, n)
    found = event_study(values, event, clusters, before=1, after=1)
    left_out = np.array(
        [
            event_study(values[clusters != one], event[clusters != one], clusters[clusters != one],
                        before=1, after=1).estimate
            for one in range(100)
        ]
    )  # fmt: skip
    jackknife = np.sqrt(99 / 100 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    errors = [found.combine(np.eye(2)[place])[1] for place in range(2)]
    assert errors == pytest.approx(jackknife, rel=0.06)


@pytest.mark.parametrize("seed", range(6))
def test_what_must_not_matter_does_not(seed: int) -> None:
    values, event, clusters = made(seed)
    one = event_study(values, event, clusters)
    order = np.random.default_rng(seed).permutation(len(values))
    shared = np.linspace(0, 5, values.shape[1]) ** 2
    own = np.arange(len(values))[:, None]
    other = event_study((values + shared + own)[order], event[order], clusters[order])
    np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-9)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-9)


def test_without_events_or_others_nothing_is_known() -> None:
    values = np.zeros((5, 6))
    for event in (np.full(5, np.inf), np.full(5, 3.0)):
        found = event_study(values, event, range(5))
        assert np.isnan(found.estimate).all()
        assert np.isnan(found.combine(np.eye(len(found.relative))[0])).all()
        assert np.isnan(found.joint(found.relative < 0))


@pytest.mark.parametrize("seed", range(8))
def test_a_rate_is_that_of_poisson_regression_with_robust_errors(seed: int) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 80))
    time, cluster = rng.uniform(0.1, 3, n), rng.integers(0, 9, n)
    events = rng.poisson(0.5 * time * rng.gamma(2, 0.5, n))
    if not events.sum():
        events[0] = 1
    found = clustered_rate(events, time, cluster)
    fit = sm.GLM(events, np.ones((n, 1)), sm.families.Poisson(), offset=np.log(time)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    m = len(np.unique(cluster))
    assert found.estimate == pytest.approx(np.exp(fit.params[0]))
    assert found.std_error / found.estimate == pytest.approx(fit.bse[0] * np.sqrt(m / (m - 1)), rel=1e-6)


def test_a_rate_without_time_or_events() -> None:
    assert np.isnan(clustered_rate([], [], []).estimate)
    assert np.isnan(clustered_rate([0], [0.0], [1]).estimate)
    none = clustered_rate([0, 0], [1.0, 2.0], [1, 2])
    assert none.estimate == 0
    assert np.isnan(none.conf_high)
