"""Incomplete and skewed costs, and the bootstrap, against plain loops, other fits and known truths."""

import numpy as np
import pytest
import statsmodels.api as sm

from mpg_research.statistics.economics.bootstrap import (
    RegressionBlocks,
    censored_blocks,
    joint_bootstrap,
    regression_blocks,
)
from mpg_research.statistics.economics.censored_costs import censored_difference, censored_mean
from mpg_research.statistics.economics.follow_up import completeness_weights
from mpg_research.statistics.economics.gamma_regression import fit_gamma
from mpg_research.statistics.economics.skewed_costs import standardised_costs
from tests.statistics.economics.naive_economics import weighted_mean

EDGES = np.array([0.0, 3.0, 7.0, 12.0])


def followed(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Amounts, times (with ties, on edges too), ends and clusters."""
    rng = np.random.default_rng(seed)
    end, stop = rng.integers(1, 30, n) / 1.0, rng.integers(2, 25, n) / 1.0
    time, ended = np.minimum(end, stop), end <= stop
    amounts = rng.lognormal(3, 1, (n, 3)) * (EDGES[:-1] < time[:, None])
    return amounts, time, ended, rng.integers(0, 9, n)


@pytest.mark.parametrize("seed", range(8))
def test_weighted_means_and_their_influences_are_those_of_a_loop(seed: int) -> None:
    amounts, time, ended, clusters = followed(seed)
    n, ones = time.size, np.ones(time.size)
    for method, table, edges in (
        ("partitioned", amounts, EDGES),
        ("simple", amounts.sum(axis=1, keepdims=True), EDGES[[0, -1]]),
    ):
        found = censored_mean(amounts, time, ended=ended, edges=EDGES, clusters=clusters, method=method)  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(weighted_mean(table, time, ended, edges, ones), rel=1e-10)
        assert found.influence.sum() == pytest.approx(0, abs=1e-9 * found.estimate)
        step = 1e-6
        for i in range(0, n, 7):
            more, less = ones.copy(), ones.copy()
            more[i] += step
            less[i] -= step
            slope = weighted_mean(table, time, ended, edges, more) - weighted_mean(
                table, time, ended, edges, less
            )
            assert found.influence[i] == pytest.approx(slope / 2 / step, abs=1e-5 * found.estimate)
        sums = np.array([found.influence[clusters == c].sum() for c in np.unique(clusters)])
        g = sums.size
        assert found.std_error == pytest.approx(np.sqrt(g / (g - 1) * (sums**2).sum()), rel=1e-10)


def test_with_complete_follow_up_every_method_is_the_plain_mean() -> None:
    rng = np.random.default_rng(2)
    amounts = rng.lognormal(3, 1, (50, 3))
    time, ended = np.full(50, 12.0), np.zeros(50, dtype=bool)
    for method in ("partitioned", "simple", "lin"):
        found = censored_mean(amounts, time, ended=ended, edges=EDGES, method=method)  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(amounts.sum(axis=1).mean(), rel=1e-12)
        if method != "lin":
            error = amounts.sum(axis=1).std(ddof=1) / np.sqrt(50)
            assert found.std_error == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize("seed", range(5, 10))
def test_unknown_amounts_are_never_read_and_order_does_not_matter(seed: int) -> None:
    amounts, time, ended, clusters = followed(seed)
    found = censored_mean(amounts, time, ended=ended, edges=EDGES, clusters=clusters)
    unknown = ~(ended[:, None] | (time[:, None] >= EDGES[1:]))
    gaps = np.where(unknown, np.nan, amounts)
    order = np.random.default_rng(1).permutation(time.size)
    again = censored_mean(
        gaps[order], time[order], ended=ended[order], edges=EDGES, clusters=clusters[order].astype(str)
    )
    assert (again.estimate, again.std_error) == pytest.approx((found.estimate, found.std_error), rel=1e-12)


def test_all_three_find_the_mean_where_the_mean_of_the_complete_does_not() -> None:
    rng = np.random.default_rng(4)
    n = 40_000
    end = rng.gamma(2.0, 5.0, n)
    stop = np.ceil(rng.uniform(0, 20, n))  # at the ends of months: Lin's needs that
    time, ended = np.minimum(end, stop), end <= stop
    edges = np.arange(0, 13.0)
    rate = rng.lognormal(0, 0.8, n)
    amounts = rate[:, None] * np.clip(end[:, None] - edges[:-1], 0, 1)
    truth = float(amounts.sum(axis=1).mean())
    for method in ("partitioned", "simple", "lin"):
        found = censored_mean(amounts, time, ended=ended, edges=edges, method=method)  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(truth, rel=0.03)
    complete = ended | (time >= 12)
    assert amounts[complete].sum(axis=1).mean() < 0.9 * truth
    weight = completeness_weights(time, ended, horizon=12.0)
    assert weight @ amounts.sum(axis=1) / n == pytest.approx(truth, rel=0.03)


@pytest.mark.parametrize("whole", [True, False])
def test_difference_holds_two_means_and_their_clusters(whole: bool) -> None:
    amounts, time, ended, clusters = followed(11, n=120)
    group = clusters % 2 if whole else np.random.default_rng(3).integers(0, 2, 120)
    effects = amounts - 20.0
    found = censored_difference(
        amounts, effects, time=time, ended=ended, edges=EDGES, group=group, clusters=clusters
    )
    rows = [group == k for k in (0, 1)]
    parts = [
        censored_mean(amounts[mine], time[mine], ended=ended[mine], edges=EDGES, clusters=clusters[mine])
        for mine in rows
    ]
    assert found.cost == pytest.approx(parts[1].estimate - parts[0].estimate, rel=1e-12)
    if whole:
        error = np.hypot(parts[0].std_error, parts[1].std_error)
        assert np.sqrt(found.covariance[0, 0]) == pytest.approx(error, rel=1e-12)
        assert min(part.df for part in parts) <= found.df_cost <= sum(part.df for part in parts)
    else:
        assert found.df_cost == np.unique(clusters).size - 1
    again = censored_difference(
        amounts, effects, time=time, ended=ended, edges=EDGES, group=1 - group, clusters=clusters
    )
    assert (again.cost, again.effect) == pytest.approx((-found.cost, -found.effect), rel=1e-12)
    assert again.covariance == pytest.approx(found.covariance, rel=1e-12)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_blocks_are_refits_of_drawn_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 150
    clusters, x = (
        rng.integers(0, 12, n),
        np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(size=n)]),
    )
    y = rng.lognormal(8, 1, n)
    plain = regression_blocks(x, y, coefficient=1, clusters=clusters)
    mixed = regression_blocks(x, y, coefficient=1, clusters=clusters, shared=0.4)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=100).astype(float)
    for row, ours, theirs in zip(counts, plain.estimates(counts), mixed.estimates(counts), strict=True):
        drawn = np.repeat(np.arange(12), row.astype(int))
        places = [np.flatnonzero(clusters == c) for c in drawn]
        rows = np.concatenate(places)
        assert ours == pytest.approx(sm.OLS(y[rows], x[rows]).fit().params[1], rel=1e-8)
        own = np.repeat(np.arange(len(places)), [part.size for part in places])
        v = np.eye(rows.size) + 0.4 * (own[:, None] == own)
        assert theirs == pytest.approx(sm.GLS(y[rows], x[rows], sigma=v).fit().params[1], rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_incomplete_follow_up_are_the_mean_of_drawn_rows(seed: int) -> None:
    amounts, time, ended, clusters = followed(seed, n=90)
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, 90)
    blocks = censored_blocks(amounts, time, ended=ended, edges=EDGES, group=group, clusters=clusters)
    g = blocks.n_clusters
    counts = rng.multinomial(g, np.full(g, 1 / g), size=20).astype(float)
    counts[0] = 1
    assert np.isfinite(blocks.estimates(counts)).sum() > 10
    for row, ours in zip(counts, blocks.estimates(counts), strict=True):
        if np.isnan(ours):
            continue
        means = [
            weighted_mean(
                amounts[group == k], time[group == k], ended[group == k], EDGES, row[clusters[group == k]]
            )
            for k in (0, 1)
        ]
        assert ours == pytest.approx(means[1] - means[0], rel=1e-9)


def test_bootstrap_agrees_with_the_sandwich_and_does_not_depend_on_names() -> None:
    rng = np.random.default_rng(9)
    n = 3000
    clusters, group = rng.integers(0, 150, n), rng.integers(0, 2, n)
    cost = rng.lognormal(5, 1, n) * np.exp(0.3 * rng.normal(size=150))[clusters]
    amounts = np.column_stack([cost, cost[::-1], cost])
    stop = np.where(rng.random(n) < 0.3, rng.integers(1, 12, n), 12).astype(float)
    keys = {"ended": np.zeros(n, dtype=bool), "edges": EDGES, "group": group, "clusters": clusters}
    blocks = censored_blocks(amounts, stop, **keys)
    found = joint_bootstrap(blocks, blocks, replications=4000, rng=1)
    exact = censored_difference(amounts, amounts, time=stop, **keys)
    assert found.cost_estimate == pytest.approx(exact.cost, rel=1e-9)
    assert found.covariance[0, 0] == pytest.approx(exact.covariance[0, 0], rel=0.12)
    assert np.array_equal(found.cost, found.effect)
    again = joint_bootstrap(blocks, blocks, replications=4000, rng=1)
    assert np.array_equal(found.cost, again.cost)


def test_a_replication_without_one_of_the_groups_has_no_answer() -> None:
    x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
    blocks = regression_blocks(x, np.arange(6.0), coefficient=1, clusters=[0, 0, 1, 1, 2, 2])
    found = blocks.estimates(np.array([[1.0, 1, 1], [3, 0, 0], [0, 0, 3]]))
    assert found[0] == pytest.approx(3.0)
    assert np.isnan(found[1:]).all()
    alone = RegressionBlocks(blocks.left[[0, 0]], blocks.right[[0, 0]], 1)
    with pytest.raises(ValueError, match="draw within groups"):
        joint_bootstrap(alone, alone, replications=20)


@pytest.mark.parametrize("variance", ["squared", "mean"])
def test_regressions_of_costs_with_zeros_and_weights_solve_their_equations(variance: str) -> None:
    rng = np.random.default_rng(12)
    n = 400
    x = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(2020, 2, n)])
    y = rng.gamma(0.5, 2.0, n) * np.exp(7 + 0.3 * x[:, 1]) * (rng.random(n) < 0.8)
    w = rng.integers(0, 3, n).astype(float)
    fit = fit_gamma(x, y, weight=w, variance=variance)  # type: ignore[arg-type]
    mean = np.exp(x @ fit.estimate)
    residual = (y - mean) / (mean if variance == "squared" else mean.mean())
    assert np.abs(((x - [0, 0, 2020]) * (w * residual)[:, None]).sum(axis=0)).max() < 1e-6 * n
    # Whole weights are the row so many times; with each row's copies as its cluster the error is the same.
    twice = np.repeat(np.arange(n), w.astype(int))
    again = fit_gamma(x[twice], y[twice], clusters=twice, variance=variance)  # type: ignore[arg-type]
    assert again.estimate == pytest.approx(fit.estimate, rel=1e-7)
    assert again.std_error == pytest.approx(fit.std_error, rel=1e-6)
    more = fit_gamma(x, 100 * y, weight=w, variance=variance)  # type: ignore[arg-type]
    assert more.estimate - fit.estimate == pytest.approx([np.log(100), 0, 0], abs=1e-6)


def test_standardised_means_are_the_proportional_truth_and_add_up() -> None:
    rng = np.random.default_rng(13)
    n = 20_000
    mix = rng.normal(size=n)
    group = np.where(rng.random(n) < 1 / (1 + np.exp(-mix)), "b", "a")  # the dear go to b
    mean = 1000 * np.exp(0.5 * mix) * np.where(group == "b", 0.8, 1.0)
    cost = mean * rng.lognormal(-0.5, 1.0, n)
    found = standardised_costs(cost, group=group, case_mix=mix)
    truth = 1000 * np.exp(0.125)
    assert found.groups == ("a", "b")
    assert found.mean == pytest.approx([truth, 0.8 * truth], rel=0.06)
    assert cost[group == "b"].mean() > cost[group == "a"].mean()  # unadjusted it is the other way round
    other = standardised_costs(cost, group=group, case_mix=mix, reference="b")
    assert other.difference[0] == pytest.approx(-found.difference[1], rel=1e-9)
    assert other.difference_error[0] == pytest.approx(found.difference_error[1], rel=1e-9)
    these = standardised_costs(cost, group=group, case_mix=mix, target="these")
    assert these.mean == pytest.approx(found.mean)
    # Without case mix the means are the groups' own, and so are their errors.
    bare = standardised_costs(cost, group=group, small_sample=False, variance="mean")
    own = [cost[group == name] for name in "ab"]
    assert bare.mean == pytest.approx([part.mean() for part in own], rel=1e-9)
    assert bare.std_error == pytest.approx([part.std() / np.sqrt(part.size) for part in own], rel=1e-7)
