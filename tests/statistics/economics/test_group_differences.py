"""Differences between several groups with other rows for costs and effects, against plain and dense ways."""

import numpy as np
import pytest

from mpg_research.statistics.economics.censored_costs import censored_difference
from mpg_research.statistics.economics.group_differences import (
    Regression,
    group_differences,
    group_replications,
    regression_of,
)
from mpg_research.statistics.economics.net_benefit import joint_difference
from mpg_research.statistics.economics.pseudo_totals import pseudo_totals
from mpg_research.statistics.economics.whitened_courses import whiten_courses
from tests.statistics.economics.economics_oracles import EXACT, known, rows_of


def drawn(seed: int, n: int = 120, workers: int = 14, groups: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    worker = rng.integers(0, workers, n)
    group = rng.integers(0, groups, n)
    mix = rng.normal(size=(n, 2))
    return {
        "worker": worker, "group": group, "mix": mix,
        "cost": rng.gamma(2, 4000, n) + 800 * group + 500 * mix[:, 0],
        "effect": rng.normal(size=n) + 0.3 * group,
    }  # fmt: skip


def test_two_arms_of_a_cluster_trial_are_those_of_r() -> None:
    people, theirs = rows_of("pbs_complete"), known("pbs_trial")
    parts = [
        regression_of(
            people[outcome], people["arm"], case_mix=people[[mix]], clusters=people["site"], n_groups=2
        )
        for outcome, mix in (("total", "cost.1"), ("qaly", "utility.1"))
    ]
    found = group_differences(*parts).between(1)
    assert [found.cost, found.effect] == pytest.approx(
        [theirs[part]["estimate"] for part in ("cost", "effect")], rel=EXACT
    )
    errors = [theirs[part]["se_cr2"] for part in ("cost", "effect")]
    assert np.sqrt(np.diagonal(found.covariance)) == pytest.approx(errors, rel=EXACT)
    df = [theirs[part]["df_satterthwaite"] for part in ("cost", "effect")]
    assert [found.df_cost, found.df_effect] == pytest.approx(df, rel=EXACT)
    strata = people["arm"].to_numpy()
    again = group_replications(*parts, strata=strata, replications=4000, rng=3)
    there = theirs["cluster_bootstrap"]
    assert again.cost[:, 1].std() == pytest.approx(there["se_cost"], rel=0.05)
    assert again.effect[:, 1].std() == pytest.approx(there["se_effect"], rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_several_groups_are_pairs_and_do_not_hang_on_who_is_first(seed: int) -> None:
    data = drawn(seed)
    parts = [
        regression_of(
            data[name], data["group"], case_mix=data["mix"], clusters=data["worker"], n_groups=3
        )
        for name in ("cost", "effect")
    ]  # fmt: skip
    found = group_differences(*parts)
    turned = (data["group"] + 1) % 3
    other = group_differences(
        *(
            regression_of(data[name], turned, case_mix=data["mix"], clusters=data["worker"], n_groups=3)
            for name in ("cost", "effect")
        )
    )
    one, same = found.between(2, 1), other.between(0, 2)
    assert one.cost == pytest.approx(same.cost)
    assert one.effect == pytest.approx(same.effect)
    assert one.covariance == pytest.approx(same.covariance)


@pytest.mark.parametrize("seed", range(4))
def test_clusters_may_lack_effects_and_turning_rows_changes_nothing(seed: int) -> None:
    data = drawn(seed, groups=2)
    seen = data["worker"] != 3
    cost = regression_of(data["cost"], data["group"], clusters=data["worker"], n_groups=2)
    effect = regression_of(
        data["effect"][seen], data["group"][seen], case_mix=data["mix"][seen], clusters=data["worker"][seen],
        n_groups=2,
    )  # fmt: skip
    found = group_differences(cost, effect)
    ones = np.ones(data["cost"].size)
    plain = group_differences(
        Regression(cost.design, cost.outcome, cost.clusters, cost.columns, ones),
        Regression(effect.design, effect.outcome, effect.clusters, effect.columns, ones[seen]),
    )
    assert found.covariance == pytest.approx(plain.covariance)
    assert found.df == pytest.approx(plain.df)
    whole = joint_difference(data["cost"], data["effect"], group=data["group"], clusters=data["worker"])
    assert found.between(1).cost == pytest.approx(whole.cost)
    assert found.between(1).covariance[0, 0] == pytest.approx(whole.covariance[0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_pseudo_totals_have_the_weighted_mean_and_its_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, months = 150, 6
    time = np.where(rng.random(n) < 0.4, np.ceil(rng.uniform(0, 6, n) * 4) / 4, 9.0)
    amounts = rng.gamma(0.5, 400, (n, months)) * np.exp(0.5 * rng.normal(size=(n, 1)))
    effects = rng.normal(size=(n, months))
    worker, group = rng.integers(0, 12, n), rng.integers(0, 2, n)
    edges = np.arange(months + 1.0)
    values = [
        pseudo_totals(table, time, edges=edges, group=group, negative=True) for table in (amounts, effects)
    ]
    found = group_differences(
        *(regression_of(value, group, clusters=worker, n_groups=2) for value in values)
    ).between(1)
    known_way = censored_difference(
        amounts, effects, time=time, ended=np.zeros(n, dtype=bool), edges=edges, group=group, clusters=worker
    )
    assert [found.cost, found.effect] == pytest.approx([known_way.cost, known_way.effect])
    assert found.covariance == pytest.approx(
        known_way.covariance, rel=0.15, abs=0.15 * abs(known_way.covariance[0, 1]) + 1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_whitened_rows_are_generalised_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(25), rng.integers(1, 6, 25))
    n = family.size
    cluster, months = (family % 4), rng.uniform(0, 12, n)
    x, y = np.column_stack([np.ones(n), months, rng.normal(size=n)]), rng.normal(size=n)
    d, residual, shared = np.array([[4.0, -0.1], [-0.1, 0.05]]), 3.0, float(seed)
    same_family, same_cluster = family[:, None] == family, cluster[:, None] == cluster
    z = np.column_stack([np.ones(n), months])
    v = same_family * (z @ d @ z.T) + residual * np.eye(n) + shared * same_cluster
    order = rng.permutation(n)
    keys = {"months": months[order], "families": family[order], "clusters": cluster[order]}
    wx, wy = whiten_courses(x[order], y[order], **keys, covariance=d, residual=residual, shared=shared)
    inverse = np.linalg.inv(v)
    assert wx.T @ wx == pytest.approx(x.T @ inverse @ x)
    assert wx.T @ wy == pytest.approx(x.T @ inverse @ y)
    for each in range(4):
        mine, turned = cluster == each, cluster[order] == each
        block = np.linalg.inv(v[np.ix_(mine, mine)])
        assert wx[turned].T @ wx[turned] == pytest.approx(x[mine].T @ block @ x[mine])


def test_a_family_in_two_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="two clusters"):
        whiten_courses(
            np.ones((2, 1)), [1.0, 2.0], months=[0, 1], families=["a", "a"], clusters=["x", "y"],
            covariance=np.eye(2), residual=1.0,
        )  # fmt: skip
