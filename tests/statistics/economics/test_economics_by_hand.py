"""Dominance, quadrants, Fieller's sets, acceptability and the value of information against definitions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, norm

from mpg_research.statistics.economics.acceptability import acceptability, one_way_ranges
from mpg_research.statistics.economics.bootstrap import joint_bootstrap, regression_blocks
from mpg_research.statistics.economics.censored_costs import censored_difference, censored_mean
from mpg_research.statistics.economics.discounting import (
    annuity_factor,
    discount_factors,
    index_prices,
    present_value,
    read_index_table,
)
from mpg_research.statistics.economics.gamma_regression import fit_gamma
from mpg_research.statistics.economics.incremental import fieller_limits, incremental_ratios, quadrant_shares
from mpg_research.statistics.economics.net_benefit import (
    joint_difference,
    net_benefit,
    net_benefit_regression,
)
from mpg_research.statistics.economics.partial_information import partial_information
from mpg_research.statistics.economics.skewed_costs import standardised_costs
from tests.statistics.economics.naive_economics import frontier


def test_dominance_is_what_the_definitions_say() -> None:
    rng = np.random.default_rng(1)
    for size in rng.integers(1, 9, 300):
        # Whole numbers: ties in cost, in effect and in both, and three on one line.
        cost, effect = rng.integers(0, 12, size).astype(float), rng.integers(0, 8, size).astype(float)
        found = incremental_ratios(cost, effect)
        assert list(found.standing) == frontier(cost, effect)
        ratios = found.ratio[found.frontier[1:]]
        assert (ratios > 0).all()
        assert (np.diff(ratios) >= -1e-9).all()
        shifted = incremental_ratios(cost * 100 + 7, effect / 10 - 3)
        assert shifted.standing == found.standing
        assert shifted.ratio == pytest.approx(found.ratio * 1000, nan_ok=True)


def test_quadrants_add_up_and_turn_with_the_groups() -> None:
    rng = np.random.default_rng(2)
    cost, effect = rng.normal(size=(2, 500))
    one, other = quadrant_shares(cost, effect), quadrant_shares(-cost, -effect)
    assert one.more_effect_more_cost == other.less_effect_less_cost
    assert one.more_effect_less_cost == other.less_effect_more_cost
    shares = [getattr(one, name) for name in one.__slots__ if name != "n"]
    assert sum(shares) == pytest.approx(1)
    assert one.more_effect_less_cost == np.mean((cost < 0) & (effect >= 0))


def test_fiellers_set_holds_the_ratios_that_are_not_contradicted() -> None:
    rng, kinds = np.random.default_rng(3), set()
    for _ in range(200):
        cost, effect = rng.normal(0, 2, 2)
        root = rng.normal(size=(2, 2))
        v, df = root @ root.T, float(rng.integers(3, 40))
        found = fieller_limits(cost, effect, covariance=v, df=df)
        kinds.add(found.kind)
        ratios = np.linspace(-50, 50, 4001)
        distance = (cost - ratios * effect) ** 2 / (v[0, 0] + ratios**2 * v[1, 1] - 2 * ratios * v[0, 1])
        from scipy.stats import t

        held = distance <= t.ppf(0.975, df) ** 2
        if found.kind == "bounded":
            ours = (found.low <= ratios) & (ratios <= found.high)
        elif found.kind == "outside":
            ours = ~((found.excluded_low < ratios) & (ratios < found.excluded_high))
        else:
            ours = np.ones(ratios.size, dtype=bool)
        assert (ours == held).all()
    assert kinds == {"bounded", "outside", "everything"}
    sure = fieller_limits(100.0, 2.0, covariance=np.zeros((2, 2)))
    assert (sure.low, sure.high) == pytest.approx((50, 50))


def test_acceptability_by_counting() -> None:
    rng = np.random.default_rng(4)
    cost, effect = rng.integers(0, 5, (200, 3)).astype(float), rng.integers(0, 3, (200, 3)).astype(float)
    found = acceptability(cost, effect, threshold=[0, 1, 2.5])
    for place, euros in enumerate((0, 1, 2.5)):
        shares, losses = np.zeros(3), np.zeros(3)
        for c, e in zip(cost, effect, strict=True):
            own = euros * e - c
            winners = [s for s in range(3) if own[s] == own.max()]
            for s in winners:
                shares[s] += 1 / len(winners) / 200
            losses += (own.max() - own) / 200
        assert found.probability[place] == pytest.approx(shares)
        assert found.expected_loss[place] == pytest.approx(losses)
        assert found.perfect_information[place] == pytest.approx(losses.min())
    turned = acceptability(cost[:, ::-1], effect[:, ::-1], threshold=[0, 1, 2.5])
    assert turned.probability[:, ::-1] == pytest.approx(found.probability)


def test_the_most_probable_need_not_be_the_one_to_choose() -> None:
    cost = np.zeros((10, 2))
    effect = np.column_stack([np.zeros(10), [-1.0] * 6 + [5.0] * 4])
    found = acceptability(cost, effect, threshold=[1.0])
    assert found.best.tolist() == [1]
    assert found.frontier.tolist() == [0.4]
    assert found.probability.max() == 0.6


def unit_loss(mean: float, spread: float) -> float:
    """Value of knowing a normal difference before choosing."""
    z = abs(mean) / spread
    return float(spread * norm.pdf(z) - abs(mean) * norm.sf(z))


def test_value_of_a_parameter_is_that_of_the_closed_form() -> None:
    rng = np.random.default_rng(5)
    n = 20_000
    one, two = rng.normal(size=n), rng.normal(size=n)
    effect = np.column_stack([np.zeros(n), 0.3 + 1.0 * one + 0.5 * two])
    cost = np.zeros((n, 2))
    for parameter, spread in ((one, 1.0), (two, 0.5), (np.column_stack([one, two]), math.hypot(1.0, 0.5))):
        found = partial_information(cost, effect, parameter=parameter, threshold=[1.0, 1000.0])
        truth = unit_loss(0.3, spread)
        assert found.value == pytest.approx([truth, 1000 * truth], rel=0.06)
        assert (found.upward_bias < 0.05 * found.value).all()
        assert abs(found.value[0] - truth) < 4 * found.std_error[0] + 0.02
    nothing = partial_information(cost, effect, parameter=np.full(n, 3.0), threshold=[1.0])
    assert nothing.value[0] == pytest.approx(0, abs=1e-9)
    noise = partial_information(cost, effect, parameter=rng.normal(size=n), threshold=[1.0])
    assert noise.value[0] < 0.01


def test_value_of_a_parameter_that_works_in_a_bend() -> None:
    rng = np.random.default_rng(6)
    n = 30_000
    theta = rng.normal(size=n)
    effect = np.column_stack([np.zeros(n), theta**2 - 1.5 + rng.normal(size=n)])
    found = partial_information(np.zeros((n, 2)), effect, parameter=theta, threshold=[1.0])
    truth = chi2.sf(1.5, 3) - 1.5 * chi2.sf(1.5, 1)  # E max(theta^2 - 1.5, 0); the mean is below zero
    assert found.value[0] == pytest.approx(truth, rel=0.05)
    everything = acceptability(np.zeros((n, 2)), effect, threshold=[1.0])
    assert found.value[0] < everything.perfect_information[0]


def test_discounting_by_month_and_what_comes_back() -> None:
    months = np.arange(24)
    factors = discount_factors(months / 12, 0.03)
    assert factors[12] == pytest.approx(1 / 1.03)
    assert present_value([[100.0, -50.0], [0.0, 0.0]], 0.03).tolist() == pytest.approx([100 - 50 / 1.03, 0])
    for rate in (1e-12, 0.0, 0.5):
        by_hand = sum((1 + rate) ** -k for k in range(1, 8))
        assert annuity_factor(rate, 7) == pytest.approx(by_hand, rel=1e-9)


def test_tornado_rows_are_ordered_and_hold_the_base() -> None:
    rows = one_way_ranges(
        lambda a: a["x"] - 3 * a["y"], {"x": 1.0, "y": 2.0}, ranges={"x": (0, 4), "y": (1, 3)}
    )
    assert [row.name for row in rows] == ["y", "x"]
    assert (rows[0].at_low, rows[0].at_high, rows[0].base) == (-2, -8, -5)


def test_net_benefit_of_two_groups_without_case_mix_is_one_answer() -> None:
    rng = np.random.default_rng(8)
    n = 300
    clusters, group = rng.integers(0, 25, n), rng.integers(0, 2, n)
    cost, effect = rng.lognormal(8, 1, n), rng.normal(size=n)
    both = net_benefit(joint_difference(cost, effect, group=group, clusters=clusters), [0, 500.0])
    one = net_benefit_regression(cost, effect, [0, 500.0], group=group, clusters=clusters)
    for name in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "probability"):
        assert getattr(both, name) == pytest.approx(getattr(one, name), rel=1e-8)
    turned = net_benefit_regression(cost, effect, [0, 500.0], group=1 - group, clusters=clusters)
    assert turned.probability == pytest.approx(1 - one.probability, rel=1e-8)


ROWS = {"group": [0, 1, 0, 1], "clusters": [1, 1, 2, 2]}
ONE = {"group": [0, 0, 1, 1], "clusters": [1] * 4}
TIMES = {"ended": [False] * 4, "edges": [0, 12]}
BLOCKS = regression_blocks(np.ones((4, 1)), [1.0, 2, 3, 4], coefficient=0, clusters=[1, 2, 3, 4])

WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: incremental_ratios([1, np.nan], [1, 2]), r"cost is missing or infinite in row 1 \(counted"),
    (lambda: incremental_ratios([1, 2], [1]), "effect has the shape"),
    (lambda: incremental_ratios(["€ 10", 2], [1, 2]), "without signs of currency"),
    (lambda: quadrant_shares([], []), "difference in costs has the shape"),
    (lambda: fieller_limits(1, np.inf, covariance=np.eye(2)), "difference is missing or infinite"),
    (lambda: fieller_limits(1, 1, covariance=-np.eye(2)), "negative variances"),
    (lambda: acceptability([[1.0]], [[1.0]], threshold=[1]), "two strategies or more"),
    (lambda: acceptability(np.ones((3, 2)), np.ones((3, 2)), threshold=[-1]), "threshold is -1"),
    (lambda: one_way_ranges(lambda a: 1.0, {"x": 5.0}, ranges={"x": (0, 1)}), "outside its range"),
    (lambda: one_way_ranges(lambda a: 1.0, {"x": 5.0}, ranges={"y": (0, 1)}), "no base case"),
    (lambda: one_way_ranges(lambda a: np.inf, {"x": 5.0}, ranges={}), "narrow the range"),
    (lambda: discount_factors([-1], 0.03), "expected at least 0"),
    (lambda: discount_factors([1], 3), "write 3 per cent as 0.03"),
    (lambda: present_value([1], 0.03, timing="later"), "expected one of start, middle, end"),  # type: ignore[arg-type]
    (lambda: annuity_factor(0.03, 0), "expected above 0"),
    (lambda: read_index_table([2019, 2021], [100, 104]), "no 2020 between 2019 and 2021"),
    (lambda: read_index_table([2019, 2019], [100, 104]), "2019 more than once"),
    (lambda: read_index_table([2019, 2020], [100, 0]), "index number is 0 in row 1"),
    (lambda: index_prices([5], [2018], to_year=2019, index={2019: 100.0}), "has no 2018"),
    (
        lambda: index_prices([np.nan, -1], [2019] * 2, to_year=2019, index={2019: 1.0}, items=["aa", "b"]),
        "aa: missing; b: -1",
    ),
    (lambda: index_prices(["€ 5"], [2019], to_year=2019, index={2019: 1.0}), "without a sign of currency"),
    (lambda: joint_difference([1, 2, 3, np.nan], [1] * 4, **ROWS), "belongs in censored_costs"),
    (lambda: joint_difference([1] * 4, [1] * 4, group=[1] * 4), "families in both"),
    (lambda: joint_difference([1, 2, 3, 4], [1] * 4, group=[0, 1, 0, 1], clusters=[1] * 4), "two clusters"),
    (lambda: net_benefit_regression([1] * 4, [1] * 4, [1], **ROWS, case_mix=[0, 1, 0, 1]), "follows from"),
    (lambda: fit_gamma(np.ones((4, 1)), [1, -2, 3, 4]), "cost is -2 in row 1"),
    (lambda: fit_gamma(np.ones((4, 1)), [0] * 4), "every cost is zero"),
    (lambda: fit_gamma([[1.0], [2.0], [3.0]], [1, 2, 3]), "no constant"),
    (lambda: standardised_costs([1, 0, 2, 0], group=["a", "b", "a", "b"]), "group b has no cost"),
    (lambda: standardised_costs([1, 2], group=["a", "b"], reference="c"), "known are a, b"),
    (lambda: censored_mean([[1]] * 4, [12, 12, 0, 5], **TIMES), "time is 0 in row 2"),
    (lambda: censored_mean([[1]] * 4, [6, 3, 4, 5], **TIMES), "nobody is followed to 12"),
    (lambda: censored_mean([[1]] * 4, [12, 3, 4, 5], ended=[False] * 4, edges=[0, 6, 5]), "must rise"),
    (lambda: censored_mean([[np.nan], [1], [1], [1]], [12] * 4, **TIMES), "known completely"),
    (lambda: censored_mean([[-1], [1], [1], [1]], [12] * 4, **TIMES), "a cost is negative in row 0"),
    (
        lambda: censored_difference([[1]] * 4, [[1]] * 4, time=[12] * 4, **TIMES, **ONE),
        "one cluster has no spread",
    ),
    (lambda: joint_bootstrap(BLOCKS, BLOCKS, strata=[0, 0, 0, 1]), "a stratum has one cluster"),
    (lambda: regression_blocks(np.ones((2, 1)), [1, 2], coefficient=1, clusters=[1, 2]), "0 to 0"),
    (lambda: regression_blocks(np.ones((2, 1)), [1, 2], coefficient=0, clusters=[1, None]), "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_said_with_its_place(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
