"""Errors for few clusters, weights, sequences of trials, doubly robust means: against dense computations."""

import numpy as np
import pytest

from mpg_research.statistics.trials.balance import compare_groups, measure_overlap
from mpg_research.statistics.trials.doubly_robust import augmented_means
from mpg_research.statistics.trials.estimating_equations import estimating_equations
from mpg_research.statistics.trials.evalues import evalue_of_ratio
from mpg_research.statistics.trials.g_formula import iterated_expectation, stage_moments
from mpg_research.statistics.trials.regression import weighted_regression
from mpg_research.statistics.trials.sequential import expand_trials, rows_on_regime
from mpg_research.statistics.trials.weights import (
    cumulative_weights,
    effective_sample_size,
    fit_chances,
    truncate_weights,
)

# Two ways of multiplying the same matrices.
SAME = 1e-9


def _clustered(rng: np.random.Generator, g: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = rng.integers(1, 9, size=g)
    clusters = np.repeat(np.arange(g), size)
    x = np.column_stack([np.ones(len(clusters)), rng.normal(size=(len(clusters), 2))])
    x[:, 2] = rng.normal(size=g)[clusters]  # the same within a cluster
    return x, clusters, np.exp(rng.normal(size=len(clusters)))


@pytest.mark.parametrize("seed", range(8))
def test_leverage_correction_is_unbiased_under_its_working_model(seed: int) -> None:
    """Summed over the exact distribution of residuals: no formula of the correction itself is used."""
    rng = np.random.default_rng(seed)
    x, clusters, w = _clustered(rng, int(rng.integers(4, 12)))
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    true = bread @ (x * w[:, None] ** 2).T @ x @ bread
    # The covariance estimate is a quadratic form of y: its mean is the sum over orthonormal directions.
    mean = np.zeros_like(true)
    for direction in np.eye(len(x)):
        fit = weighted_regression(x, direction, weight=w, clusters=clusters, correction="leverage")
        mean += fit.covariance
    np.testing.assert_allclose(mean, true, rtol=1e-8, atol=1e-12)


def test_degrees_of_freedom_are_those_of_a_dense_computation() -> None:
    rng = np.random.default_rng(3)
    x, clusters, w = _clustered(rng, 7)
    n, p = x.shape
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    maker = np.eye(n) - x @ bread @ (x * w[:, None]).T
    working = maker @ maker.T
    columns = []
    for cluster in range(7):
        rows = clusters == cluster
        values, vectors = np.linalg.eigh(working[np.ix_(rows, rows)])
        root = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0)
        inverse_root = (vectors * root) @ vectors.T
        columns.append(maker[rows].T @ inverse_root @ (x * w[:, None])[rows] @ bread)
    fit = weighted_regression(x, rng.normal(size=n), weight=w, clusters=clusters, correction="leverage")
    for place in range(p):
        each = np.stack([column[:, place] for column in columns], axis=1)
        together = each.T @ each
        assert fit.df[place] == pytest.approx(np.trace(together) ** 2 / (together**2).sum(), rel=SAME)


def test_other_corrections_are_those_of_statsmodels() -> None:
    from statsmodels.regression.linear_model import WLS

    rng = np.random.default_rng(4)
    x, clusters, w = _clustered(rng, 12)
    y = rng.normal(size=len(x))
    known = WLS(y, x, weights=w).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    fit = weighted_regression(x, y, weight=w, clusters=clusters, correction="stata")
    np.testing.assert_allclose(fit.std_error, known.bse, rtol=SAME)
    plain = weighted_regression(x, y, weight=w, clusters=clusters, correction="none")
    scale = np.sqrt(12 / 11)
    some = weighted_regression(x, y, weight=w, clusters=clusters, correction="clusters")
    np.testing.assert_allclose(some.std_error, plain.std_error * scale, rtol=SAME)


def test_with_few_clusters_intervals_cover_as_often_as_they_say() -> None:
    """Ten clusters of very unequal size, treatment by cluster: the plain sandwich covers too seldom."""
    rng = np.random.default_rng(5)
    size = np.array([2, 2, 3, 3, 4, 4, 5, 12, 20, 30])
    clusters = np.repeat(np.arange(10), size)
    held = {"none": 0, "leverage": 0}
    n_studies = 600
    for _ in range(n_studies):
        x = np.column_stack([np.ones(len(clusters)), (rng.permutation(10) < 4)[clusters]])
        y = rng.normal(size=10)[clusters] * 0.5 + rng.normal(size=len(clusters))
        for correction in held:
            fit = weighted_regression(x, y, clusters=clusters, correction=correction)
            held[correction] += fit.conf_low[1] <= 0 <= fit.conf_high[1]
    assert held["none"] / n_studies < 0.90
    assert 0.93 <= held["leverage"] / n_studies <= 0.98  # two standard errors of a simulated share: .018


def test_what_has_no_fit_says_so() -> None:
    x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
    for clusters in (np.zeros(6), np.arange(6)):
        fit = weighted_regression(x, np.arange(6.0), clusters=clusters)
        assert fit.converged == bool(clusters.any())
    doubled = np.column_stack([x, x[:, 1]])
    assert not weighted_regression(doubled, np.arange(6.0)).converged
    apart = weighted_regression(x, [0, 0, 0, 1, 1, 1], family="binomial")
    assert not apart.converged
    assert np.isnan(apart.estimate).all()
    everybody = fit_chances(x, np.ones(6))
    assert (everybody.chances(x) == 1).all()
    assert not fit_chances(x, [0, 0, 0, 1, 1, 1]).converged


@pytest.mark.parametrize("seed", range(5))
def test_products_and_expansions_are_those_of_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(12), rng.integers(1, 9, size=12))
    treated, eligible = rng.random(len(person)) < 0.4, rng.random(len(person)) < 0.6
    factor = rng.uniform(0.5, 2, size=len(person))
    for until in (False, True):
        found = expand_trials(person, treated, eligible=eligible, until_switch=until)
        rows = []
        for start in np.flatnonzero(eligible):
            for row in range(start, len(person)):
                if person[row] != person[start] or (until and treated[row] != treated[start]):
                    break
                rows.append((row, start, row - start))
        np.testing.assert_array_equal(
            np.array(rows), np.stack([found.row, found.baseline, found.follow_up], 1)
        )
        weight = cumulative_weights(factor[found.row], trial=found.baseline)
        known = [np.prod(factor[start + 1 : row + 1]) for row, start, _ in rows]
        np.testing.assert_allclose(weight, known, rtol=SAME)
    kept = rows_on_regime(person, treated, eligible=eligible)
    assert kept[eligible].all()
    for each in np.unique(person):
        assert not kept[person == each][: np.argmax(np.append(eligible[person == each], True))].any()


def test_order_of_rows_and_scale_of_weights_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    x, clusters, w = _clustered(rng, 9)
    y = x @ [1, 2, 3] + rng.normal(size=len(x))
    order = rng.permutation(len(x))
    for correction in ("clusters", "leverage"):
        one = weighted_regression(x, y, weight=w, clusters=clusters, correction=correction)
        two = weighted_regression(
            x[order], y[order], weight=7 * w[order], clusters=clusters[order], correction=correction
        )
        np.testing.assert_allclose(one.estimate, two.estimate, rtol=SAME)
        np.testing.assert_allclose(one.std_error, two.std_error, rtol=1e-7)
        np.testing.assert_allclose(one.df, two.df, rtol=1e-7)
    arm = rng.random(len(x)) < 0.5
    same = compare_groups(x[:, 1:], arm, weight=w)
    turned = compare_groups(10 - 3 * x[order][:, 1:], arm[order], weight=5 * w[order])
    np.testing.assert_allclose(same.standardised, -turned.standardised, rtol=SAME)
    np.testing.assert_allclose(same.distance, turned.distance, rtol=SAME)
    assert effective_sample_size(np.ones(8)) == 8
    assert effective_sample_size([]) == 0
    assert truncate_weights(w, low=0, high=1).n_changed == 0


def test_augmented_means_are_right_if_either_model_is() -> None:
    rng = np.random.default_rng(7)
    n = 40_000
    x = rng.normal(size=n)
    chance = 1 / (1 + np.exp(0.5 - x))
    seen = rng.random(n) < chance
    y = 2 + x + x**2 + rng.normal(size=n)  # mean 3
    right, line = np.column_stack([np.ones(n), x, x**2]), np.column_stack([np.ones(n), x])
    known = 1 / chance
    for weight, design in ((known, line), (np.ones(n), right), (known, right)):
        assert augmented_means(y, seen, weight=weight, design=design).mean() == pytest.approx(3, abs=0.06)
    both_wrong = augmented_means(y, seen, weight=np.ones(n), design=line).mean()
    assert abs(both_wrong - 3) > 0.2


def test_iterated_expectations_find_the_truth_where_history_decides_who_stays() -> None:
    """The later score decides both who is still seen and how it ends; nobody's outcome is a shortcut."""
    rng = np.random.default_rng(8)
    n = 30_000
    first = rng.normal(size=n)
    second = 0.6 * first + rng.normal(size=n) * 0.8
    stays = rng.random(n) < 1 / (1 + np.exp(-1 + second))
    y = 1 + 0.3 * first + 0.5 * second + rng.normal(size=n)
    ones = np.ones(n)
    stages = [np.column_stack([ones, first]), np.column_stack([ones, first, second])]
    stages[0] = np.column_stack([stages[0], np.zeros(n)])
    moments = stage_moments(stages, [np.ones(n, dtype=bool), stays], y, clusters=np.arange(n) % 50)
    assert iterated_expectation(moments) == pytest.approx(1, abs=0.03)
    assert y[stays].mean() < 0.85
    nobody = stage_moments(
        stages, [np.ones(n, dtype=bool), np.zeros(n, dtype=bool)], y, clusters=np.arange(n) % 50
    )
    assert np.isnan(iterated_expectation(nobody))


def test_where_full_newton_steps_go_round_the_maximum_is_found_all_the_same() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(10)
    for _ in range(10):
        x = np.column_stack([np.ones(300), rng.standard_t(1.2, size=300), rng.normal(size=300)])
        y = rng.random(300) < 1 / (1 + np.exp(1.5 - np.clip(x[:, 1], -3, 3)))
        found = fit_chances(x, y, ridge=0.1)

        def loss(beta: np.ndarray, x: np.ndarray = x, y: np.ndarray = y) -> float:
            linear = x @ beta
            return float(-(y * linear - np.logaddexp(0, linear)).sum() + 0.05 * (beta[1:] ** 2).sum())

        known = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert found.converged
        assert loss(found.estimate) <= known.fun + 1e-7


def test_overlap_of_groups_that_have_no_like() -> None:
    apart = measure_overlap([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    assert apart.inside == 0
    alike = measure_overlap([0.2, 0.4, 0.2, 0.4], [False, False, True, True])
    assert (alike.inside, alike.never, alike.largest_share) == (1, 0, 0.5)
    assert measure_overlap([0.5, 0.5], [True, True]).inside == 0


def test_evalues_know_no_direction() -> None:
    one, other = evalue_of_ratio(2.0, 1.5, 3.0), evalue_of_ratio(1 / 2.0, 1 / 3.0, 1 / 1.5)
    assert one.point == pytest.approx(other.point)
    assert one.limit == pytest.approx(other.limit)
    assert evalue_of_ratio(1.0, 0.8, 1.2).point == 1


def test_estimating_equations_equal_those_of_statsmodels_without_weights() -> None:
    from statsmodels.genmod.cov_struct import Exchangeable
    from statsmodels.genmod.generalized_estimating_equations import GEE

    rng = np.random.default_rng(9)
    x, clusters, _ = _clustered(rng, 30)
    y = rng.normal(size=30)[clusters] + x @ [1, 2, 3] + rng.normal(size=len(x))
    found = estimating_equations(x, y, clusters=clusters, exchangeable=True)
    known = GEE(y, x, groups=clusters, cov_struct=Exchangeable()).fit(ctol=1e-10, maxiter=200)
    np.testing.assert_allclose(found.estimate, known.params, rtol=2e-2)  # another divisor of the correlation
    held = estimating_equations(x, y, clusters=clusters, correlation=float(known.cov_struct.dep_params))
    np.testing.assert_allclose(held.estimate, known.params, rtol=1e-7)
    np.testing.assert_allclose(held.std_error, known.bse, rtol=1e-7)
