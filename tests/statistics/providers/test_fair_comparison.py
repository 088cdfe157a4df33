"""Ranks, shrinkage, overdispersion, funnels and standardisation on their own, and under simulated truth."""

import numpy as np
import pytest
from scipy.stats import norm

from mpg_research.statistics.multiplicity import benjamini_hochberg, false_discovery_line
from mpg_research.statistics.providers.expected_shares import expected_shares
from mpg_research.statistics.providers.false_alarms import shares_beyond, simulate_false_alarms
from mpg_research.statistics.providers.funnel import make_funnel
from mpg_research.statistics.providers.funnel_limits import funnel_limits
from mpg_research.statistics.providers.overdispersion import (
    estimate_overdispersion,
    reference_of_distances,
    winsorise,
    winsorised_spread,
)
from mpg_research.statistics.providers.rank_confidence_sets import rank_confidence_sets, tau_best
from mpg_research.statistics.providers.ranks import draw_effects, expected_ranks, rank_probabilities
from mpg_research.statistics.providers.share_funnel import make_share_funnel
from mpg_research.statistics.providers.shrinkage import (
    between_variance,
    minimum_size,
    rankability,
    reliability,
    shrink,
)
from mpg_research.statistics.providers.simultaneous import simultaneous_critical, simultaneous_p_values
from mpg_research.statistics.providers.standardisation import (
    fit_fixed_providers,
    standardise_providers,
    standardised_difference,
)

#: Monte Carlo error of a share of about .05 over some ten thousand units: two in a thousand; five for safety.
MONTE_CARLO = 0.01
#: Draws against the exact integral.
DRAWS = 0.1


def test_expected_ranks_of_draws_and_formula_agree() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(8, 8))
    covariance = root @ root.T / 4
    mean = rng.normal(size=8)
    exact = expected_ranks(mean, covariance)
    drawn = rank_probabilities(draw_effects(mean, covariance, n_draws=20_000, rng=2))
    assert drawn.expected_rank == pytest.approx(exact.expected_rank, abs=DRAWS)
    assert exact.expected_rank.sum() == pytest.approx(36)
    assert drawn.best_third.sum() == pytest.approx(3)
    assert drawn.worst_third.sum() == pytest.approx(3)
    assert np.all(drawn.rank_low <= drawn.rank_high)


def test_high_is_better_turns_the_list_round() -> None:
    mean, variance = [1.0, 2.0, 4.0], [0.2, 0.3, 0.4]
    low = expected_ranks(mean, variance)
    high = expected_ranks(mean, variance, better="high")
    assert high.expected_rank == pytest.approx(4 - low.expected_rank)
    assert tau_best(mean, np.array(variance) / 100, 1, better="high").tolist() == [False, False, True]


def test_equal_organisations_share_the_middle_rank() -> None:
    nothing = np.zeros(5)
    assert expected_ranks(nothing, nothing).expected_rank.tolist() == [3.0] * 5
    assert rank_probabilities(draw_effects(nothing, nothing, n_draws=10)).expected_rank.tolist() == [3.0] * 5


def test_more_organisations_than_one_chunk() -> None:
    mean = np.random.default_rng(3).normal(size=150)
    found = expected_ranks(mean, np.full(150, 0.01))
    naive = 1 + norm.cdf((mean[:, None] - mean[None]) / np.sqrt(0.02)).sum(axis=1) - 0.5
    assert found.expected_rank == pytest.approx(naive)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_rank_sets_hold_the_true_ranks(simultaneous: bool) -> None:
    """Marginal: each set nine times in ten; simultaneous: all of them together."""
    rng = np.random.default_rng(4)
    truth = np.array([0.0, 0.4, 0.5, 1.0, 1.5, 2.5])
    rank = np.arange(1, 7)
    held = np.zeros((200, 6), dtype=bool)
    for run in range(200):
        error = np.full(6, 0.35)
        sets = rank_confidence_sets(
            truth + rng.normal(0, error), error**2, level=0.9, simultaneous=simultaneous, n_draws=300, rng=rng
        )
        held[run] = (sets.low <= rank) & (rank <= sets.high)
    share = held.all(axis=1).mean() if simultaneous else held.mean(axis=0).min()
    # Two standard errors of a share of .9 over 200 runs are .042.
    assert share >= 0.9 - 0.045


def test_rank_sets_of_correlated_estimates_and_duplicates() -> None:
    covariance = np.full((3, 3), 4.0) + 0.01 * np.eye(3)
    known = rank_confidence_sets([0.0, 1.0, 2.0], covariance)
    assert known.low.tolist() == known.high.tolist() == [1, 2, 3]
    twins = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = rank_confidence_sets([0.0, 0.0, 9.0], twins)
    assert found.low.tolist() == [1, 1, 3]
    assert found.high.tolist() == [2, 2, 3]


def test_relabelling_changes_no_set() -> None:
    rng = np.random.default_rng(9)
    estimate, variance = rng.normal(size=9), rng.uniform(0.01, 0.2, 9)
    order = rng.permutation(9)
    one = rank_confidence_sets(estimate, variance, n_draws=20_000, rng=1)
    other = rank_confidence_sets(estimate[order], variance[order], n_draws=20_000, rng=1)
    assert np.abs(one.low[order] - other.low).max() <= 1
    assert np.abs(one.high[order] - other.high).max() <= 1


def test_spread_between_units_is_recovered() -> None:
    rng = np.random.default_rng(5)
    error = rng.uniform(0.5, 1.5, 4000)
    y = 3 + rng.normal(0, 1.2, 4000) + rng.normal(0, error)
    for method in ("paule_mandel", "moments"):
        found = between_variance(y, error, method=method)
        assert found.tau2 == pytest.approx(1.44, rel=0.1)
        assert found.mean == pytest.approx(3, abs=0.1)
    shrunken = shrink(y, error, mean=found.mean, tau2=found.tau2)
    assert shrunken.estimate.var() < y.var()
    assert shrunken.reliability == pytest.approx(reliability(error, tau2=found.tau2))


def test_equal_units_have_no_spread() -> None:
    found = between_variance([1.0, 1.1, 0.9], [1.0, 1.0, 1.0])
    assert found.tau2 == 0
    assert minimum_size([1.0], [10], tau2=0.0) == float("inf")
    assert rankability([1.0, 2.0], tau2=0.0).grade == "low"
    assert rankability([1.0], tau2=1.5).grade == "moderate"


def test_minimum_size_gives_the_reliability_wanted() -> None:
    n = minimum_size([0.5, 0.5], [40, 40], tau2=0.3, wanted=0.7)
    assert reliability([np.sqrt(10 / n)], tau2=0.3)[0] == pytest.approx(0.7)


def test_winsorised_phi_is_one_without_overdispersion() -> None:
    z = np.random.default_rng(6).normal(size=20_000)
    assert estimate_overdispersion(z, np.ones(20_000)).phi == pytest.approx(1, abs=0.03)
    uncorrected = estimate_overdispersion(z, np.ones(20_000), consistent=False).phi
    assert uncorrected == pytest.approx(winsorised_spread(0.1), abs=0.03)
    assert winsorise(z, share=0.0) == pytest.approx(z)


def test_outliers_do_not_hide_themselves() -> None:
    z = np.concatenate([np.random.default_rng(7).normal(size=95), np.full(5, 12.0)])
    wide = estimate_overdispersion(z, np.ones(100), share=0.0)
    narrow = estimate_overdispersion(z, np.ones(100))
    assert narrow.tau2 < wide.tau2 / 4


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_shares_beyond_the_lines_are_nominal(tau: float) -> None:
    """Unadjusted lines under equal organisations, adjusted ones under the estimated spread."""
    error = np.random.default_rng(8).uniform(0.5, 1.5, 60)
    alarms = simulate_false_alarms(error**2, tau2=tau**2, n_simulations=600, rng=9)
    assert alarms.share["unadjusted 95"] == pytest.approx(0.05, abs=MONTE_CARLO)
    assert alarms.share["unadjusted 99.8"] == pytest.approx(0.002, abs=0.0015)
    # The estimated spread is floored at zero, so equal organisations are flagged a little less often.
    assert alarms.share["adjusted 95"] == pytest.approx(0.05, abs=MONTE_CARLO if tau else 0.02)
    assert alarms.share["adjusted 99.8"] < 0.006
    assert alarms.any["false discovery"] < 0.05 + 0.04


@pytest.mark.parametrize("n", [6, 20])
def test_lines_keep_their_level_where_the_spread_comes_from_few_units(n: int) -> None:
    """Standard errors that hardly matter: all the spread is estimated, from the units themselves."""
    alarms = simulate_false_alarms(np.full(n, 0.01), tau2=1.0, n_simulations=3000, rng=14)
    assert alarms.share["adjusted 95"] == pytest.approx(0.05, abs=MONTE_CARLO)
    assert alarms.share["adjusted 99.8"] == pytest.approx(0.002, abs=0.002)
    # Three standard errors of a share of .05 in 3,000 plots; with six units no distance can be very large.
    assert alarms.any["false discovery"] < 0.05 + 0.012
    assert alarms.any["false discovery"] > 0.02


def test_spread_reference_of_many_units_is_normal() -> None:
    many = reference_of_distances(2000)
    assert many.scale == pytest.approx(1, abs=0.01)
    assert many.df > 500
    assert reference_of_distances(10, share=0.0).df == float("inf")  # bounded: lighter tails than any t


def test_the_mean_knows_that_a_unit_is_part_of_it() -> None:
    rng = np.random.default_rng(10)
    beyond = [make_funnel(rng.normal(size=5), np.ones(5)).beyond(0.95, adjusted=False) for _ in range(3000)]
    assert np.mean(beyond) == pytest.approx(0.05, abs=MONTE_CARLO)


def test_t_statistics_become_normal_scores() -> None:
    few = make_funnel([3.0, -3.0, 0.1, -0.1], np.ones(4), target=0.0, df=5)
    assert few.z[0] == pytest.approx(norm.isf(0.0150496), abs=1e-4)  # 1 - pt(3, 5) in R: 0.01504962
    assert few.limits(0.95, adjusted=False).high[0] == pytest.approx(2.5706, abs=1e-4)  # qt(.975, 5)
    assert few.beyond(0.95, adjusted=False).tolist() == [True, True, False, False]


def test_limits_widen_with_phi_and_tau2() -> None:
    plain = funnel_limits([1.0], target=0.0, level=0.95)
    assert funnel_limits([1.0], target=0.0, level=0.95, phi=4.0).high == pytest.approx(2 * plain.high)
    assert funnel_limits([1.0], target=0.0, level=0.95, phi=0.5).high == pytest.approx(plain.high)
    assert funnel_limits([1.0], target=0.0, level=0.95, tau2=3.0).high == pytest.approx(2 * plain.high)


def test_false_discovery_line_agrees_with_adjusted_p_values() -> None:
    z = np.array([4.0, 3.5, 2.9, 1.0, -0.3, -3.1, 0.0, 0.4, 0.9, -1.2])
    found = false_discovery_line(z, rate=0.05)
    assert found.flagged.tolist() == (np.abs(z) >= found.critical).tolist()
    assert found.adjusted == pytest.approx(benjamini_hochberg(2 * norm.sf(np.abs(z))))
    assert np.isnan(benjamini_hochberg([np.nan, 0.2])[0])


def test_simultaneous_critical_value_of_independent_and_equal_contrasts() -> None:
    sidak = norm.isf((1 - 0.95 ** (1 / 5)) / 2)
    assert simultaneous_critical(np.eye(5)) == pytest.approx(sidak, abs=0.03)
    assert simultaneous_critical(np.ones((4, 4))) == pytest.approx(1.96, abs=0.03)
    assert simultaneous_critical(np.eye(2), df=5) > simultaneous_critical(np.eye(2))
    p = simultaneous_p_values([sidak, 0.0], np.eye(5)[:2, :2])
    assert p[0] < 0.05
    assert p[1] == pytest.approx(1)
    assert np.isnan(simultaneous_p_values([np.nan, sidak], np.diag([np.nan, 1.0]))[0])


@pytest.mark.parametrize("event", [0, 1])
def test_a_share_of_all_or_none_has_no_funnel(event: int) -> None:
    with pytest.raises(ValueError, match="of all or of none"):
        make_share_funnel([event] * 6, [float(event)] * 6, [0, 0, 1, 1, 2, 2])


def test_fixed_providers_are_least_squares_with_dummies() -> None:
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 6, 200)
    x = rng.normal(size=(200, 2)) + codes[:, None]
    y = codes * 1.5 + x @ [0.5, -1.0] + rng.normal(size=200)
    fit = fit_fixed_providers(y, codes, x)
    design = np.column_stack([np.eye(6)[codes], x])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert np.concatenate([fit.effect, fit.slopes[0]]) == pytest.approx(beta)
    variance = np.sum((y - design @ beta) ** 2) / (200 - 8)
    at = np.column_stack([np.eye(6), np.tile(x.mean(axis=0), (6, 1))])
    assert fit.covariance == pytest.approx(variance * at @ np.linalg.inv(design.T @ design) @ at.T)


def test_direct_and_indirect_part_company_with_interactions() -> None:
    rng = np.random.default_rng(12)
    codes = np.repeat([0, 1], 100)
    x = rng.normal(size=(200, 1)) + codes[:, None]
    y = np.where(codes == 0, 1 + 2 * x[:, 0], 1 - x[:, 0])
    fit = fit_fixed_providers(y, codes, x, interactions=True)
    assert fit.slopes[:, 0] == pytest.approx([2.0, -1.0])
    found = standardise_providers(y, codes, x, effect=fit.effect, slopes=fit.slopes)
    assert found.direct[0] == pytest.approx(1.5 * x.mean())
    assert found.indirect[0] == pytest.approx(1.5 * x[:100].mean())
    numeric = standardise_providers(y, codes, x, effect=fit.effect, slopes=fit.slopes, reference=1.0)
    assert numeric.reference == 1.0


def test_logistic_case_mix_keeps_the_share_and_survives_separation() -> None:
    rng = np.random.default_rng(13)
    x = rng.normal(size=(500, 2))
    y = (rng.random(500) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)
    p = expected_shares(y, x).chance
    assert p.mean() == pytest.approx(y.mean())
    assert np.corrcoef(p, x[:, 0])[0, 1] > 0.95
    separated = expected_shares([0, 0, 1, 1], [[0.0], [0.0], [1.0], [1.0]]).chance
    assert np.all(np.isfinite(separated))
    assert expected_shares(y, np.ones((500, 1))).chance == pytest.approx(y.mean())


def test_standardised_difference_of_shares() -> None:
    mine, others = np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0], [80, 20])
    assert standardised_difference(mine, others) == pytest.approx(0.3 / np.sqrt((0.25 + 0.16) / 2))
    assert np.isnan(standardised_difference([1.0, 1.0], [1.0, 1.0]))


@pytest.mark.parametrize("seed", range(12))
def test_many_plots_at_once_find_what_one_plot_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, levels = int(rng.integers(3, 25)), (0.9, 0.95, 0.998)
    factor = rng.normal(size=(n, n))
    covariance = np.diag(rng.uniform(0.1, 2.0, n)) + (0.2 * factor @ factor.T / n if seed % 2 else 0.0)
    equal = rng.multivariate_normal(np.zeros(n), covariance, size=20)
    spread = equal + rng.normal(0, rng.uniform(0, 2), size=equal.shape)
    found = shares_beyond(equal, spread, covariance, levels=levels, share=0.1, rate=0.1)
    for row, one, other in zip(found, equal, spread, strict=True):
        plain = make_funnel(one, covariance, rate=0.1)
        apart = make_funnel(other, covariance, rate=0.1)
        wanted = [plain.beyond(level, adjusted=False).mean() for level in levels]
        wanted += [apart.beyond(level).mean() for level in levels]
        assert row.tolist() == pytest.approx([*wanted, apart.false_discovery.flagged.mean()])
