"""Marginal structural models of amounts: against other programs' likelihoods, loops, and a truth not ours."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

from mpg_research.arrays import FloatArray
from mpg_research.statistics.trials.amounts import bands_of, fit_amounts, independent_columns
from mpg_research.statistics.trials.marginal_structural import Windows, fit_marginal_structural
from mpg_research.statistics.trials.residual_balance import (
    balance_residuals,
    largest_correlation,
    residuals_of,
)


@pytest.mark.parametrize("seed", range(6))
def test_bands_keep_order_and_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    amount = np.round(rng.gamma(1.0, 4.0, 200) * rng.choice([0, 1], 200, p=[0.3, 0.7]), rng.integers(0, 2))
    band = bands_of(amount, int(rng.integers(2, 12)))
    order = np.argsort(amount, kind="stable")
    assert (np.diff(band[order]) >= 0).all()
    for value in np.unique(amount):
        assert len(np.unique(band[amount == value])) == 1
    assert band.min() == 0
    assert len(np.unique(band)) == band.max() + 1


def test_two_bands_are_a_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    band = (x @ [0.8, -0.4] + rng.logistic(size=300) > 0).astype(int)
    theirs = sm.Logit(1 - band, sm.add_constant(x)).fit(disp=0)
    chance = np.where(band == 0, theirs.predict(), 1 - theirs.predict())
    assert np.exp(fit_amounts(x, band).log_chance) == pytest.approx(chance, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_of_bands_is_the_highest_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 2))
    band = bands_of(np.exp(x @ rng.normal(size=2) + rng.normal(size=120)), 4)
    z = independent_columns(x)

    def lost(parameters: FloatArray) -> float:
        value = 0.0
        for row in range(len(z)):
            for step in range(min(band[row] + 1, band.max())):
                linear = parameters[step] + z[row] @ parameters[band.max() :]
                value += np.logaddexp(0, -linear if band[row] == step else linear)
        return float(value)

    best = minimize(lost, np.zeros(band.max() + 2), method="BFGS")
    assert fit_amounts(x, band).log_chance.sum() == pytest.approx(-best.fun, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_balanced_weights_are_the_nearest_without_a_correlation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    known, moved = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    parts = [residuals_of(known, moved @ [0.3, 0.2] + rng.gamma(2, 1, n), moved) for _ in range(2)]
    base = rng.uniform(0.5, 2.0, n)
    found = balance_residuals(base, parts)
    assert found is not None
    assert found.mean() == pytest.approx(1)
    assert largest_correlation(base, parts) > 1e-3
    assert largest_correlation(found, parts) < 1e-6
    columns = np.concatenate([np.column_stack([p.moved, p.moved * p.amount[:, None]]) for p in parts], axis=1)
    assert columns.T @ found == pytest.approx(0, abs=1e-6 * n)
    # Nearest: the logarithm of the factor lies in the span of the columns.
    factor = np.log(found / base)
    full = np.column_stack([np.ones(n), columns])
    left = factor - full @ np.linalg.lstsq(full, factor, rcond=None)[0]
    assert np.abs(left).max() < 1e-6


def test_no_weights_where_none_balance() -> None:
    one = residuals_of(np.zeros((4, 1)), [1.0, 2.0, 3.0, 4.0], np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert balance_residuals(np.ones(4), [one]) is None
    assert balance_residuals([1.0, 3.0], []) == pytest.approx([0.5, 1.5])


def windows(rng: np.random.Generator, n: int, k: int, answer: float = 0.3) -> tuple[Windows, FloatArray]:
    """Hours answer to the last score, which goes on by itself; they move it by -.1 a month, and go on."""
    own, score = rng.gamma(2.0, 2.0, n), rng.normal(0, 3, n)
    hours = 8 + 0.3 * own + rng.normal(0, 2, n)
    amounts, moved, past = np.zeros((n, k)), np.zeros((n, k + 1, 1)), np.zeros((n, k + 1, 1))
    carried = np.zeros(n)
    for month in range(k + 1):
        moved[:, month, 0], past[:, month, 0] = score, hours
        if month < k:
            hours = 5 + 0.3 * hours + answer * score + rng.gamma(4.0, 0.75, n)
            amounts[:, month] = hours
            carried = carried - 0.1 * hours
            score = 0.8 * (score - carried - 0.1 * hours) + carried + rng.normal(0, 2, n)
    outcome = 50 + score
    return Windows(amounts, outcome, moved, past), carried


def test_one_month_is_a_regression_on_what_was_known() -> None:
    rng = np.random.default_rng(3)
    given, _ = windows(rng, 400, 1)
    found = fit_marginal_structural(given, clusters=np.arange(400) // 3)
    design = np.column_stack([given.amounts[:, 0], given.moved[:, 0, 0], given.past[:, 0, 0]])
    theirs = sm.OLS(given.outcome, sm.add_constant(design)).fit()
    assert found.converged
    assert found.total.estimate[0] == pytest.approx(theirs.params[1])
    assert found.plain.estimate[0] == pytest.approx(theirs.params[1])
    assert found.weight == pytest.approx(1)


def linear_truth(rng: np.random.Generator, n: int, effects: FloatArray) -> Windows:
    """Scores are what they would be anyway (errors that carry on, own slopes) and the sum of effects."""
    k = len(effects)
    slope, level = rng.normal(0, 0.6, n), rng.gamma(2.0, 2.0, n)
    errors = np.zeros((n, k + 3))
    for month in range(k + 3):
        before = errors[:, month - 1] if month else 0.0
        errors[:, month] = 0.7 * before + rng.standard_t(5, n) * 1.5
    anyway = level[:, None] + slope[:, None] * np.arange(k + 3) + errors
    hours, score = np.zeros((n, k + 2)), anyway.copy()
    for month in range(k + 3):
        for back, effect in enumerate(effects, start=1):
            score[:, month] += effect * hours[:, month - back] if month >= back else 0.0
        if month < k + 2:
            before = hours[:, month - 1] if month else 8.0
            mean = np.maximum(6 + 0.3 * before + 0.3 * score[:, max(month - 1, 0)], 1)
            hours[:, month] = mean * rng.gamma(15.0, 1 / 15.0, n)
    start = np.arange(2, k + 3)
    moved = np.stack([score[:, start - 1], score[:, start - 2]], axis=2)
    past = np.stack([hours[:, start - 1], hours[:, :2].mean(axis=1)[:, None] + 0 * start], axis=2)
    return Windows(hours[:, 2:], score[:, k + 2], moved, past)


def test_the_truth_is_recovered_where_the_plain_regression_is_off() -> None:
    effects = np.array([-0.10, -0.05, -0.05])
    drawn = [
        fit_marginal_structural(
            linear_truth(np.random.default_rng([7, study]), 1500, effects), clusters=np.arange(1500)
        )
        for study in range(12)
    ]
    total = np.array([each.total.estimate[0] for each in drawn])
    last = np.array([each.parts.estimate[0] for each in drawn])
    plain = np.array([each.plain.estimate[0] for each in drawn])
    assert abs(total.mean() + 0.2) < 3 * total.std(ddof=1) / np.sqrt(12)
    assert abs(last.mean() + 0.1) < 3 * last.std(ddof=1) / np.sqrt(12)
    assert plain.mean() + 0.2 > 5 * plain.std(ddof=1) / np.sqrt(12)
    assert all(each.after < 1e-6 < each.before for each in drawn)


def test_who_is_no_longer_seen_counts_in_no_sum_but_moves_weights() -> None:
    rng = np.random.default_rng(5)
    given, _ = windows(rng, 600, 3)
    amounts, outcome = given.amounts.copy(), given.outcome.copy()
    gone = rng.random(600) < 1 / (1 + np.exp(3 - 0.4 * given.moved[:, 1, 0]))
    amounts[gone, 1:], outcome[gone] = np.nan, np.nan
    outcome[rng.random(600) < 0.1] = np.nan
    found = fit_marginal_structural(
        Windows(amounts, outcome, given.moved, given.past), clusters=np.arange(600) // 4
    )
    assert (found.used == (np.isfinite(amounts).all(axis=1) & np.isfinite(outcome))).all()
    assert (found.weight[~found.used] == 0).all()
    assert found.weight[found.used].mean() == pytest.approx(1, abs=0.05)
    order = rng.permutation(600)
    turned = Windows(amounts[order], outcome[order], given.moved[order], given.past[order])
    again = fit_marginal_structural(turned, clusters=np.arange(600)[order] // 4)
    assert again.total.estimate[0] == pytest.approx(found.total.estimate[0], rel=1e-6)
    scaled = Windows(amounts * 60, outcome, given.moved, given.past * 60)
    minutes = fit_marginal_structural(scaled, clusters=np.arange(600) // 4)
    assert minutes.total.estimate[0] * 60 == pytest.approx(found.total.estimate[0], rel=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_little_gives_no_number_and_no_error(n: int) -> None:
    given, _ = windows(np.random.default_rng(1), max(n, 1), 2)
    few = Windows(given.amounts[:n], given.outcome[:n], given.moved[:n], given.past[:n])
    found = fit_marginal_structural(few, clusters=np.arange(n))
    assert not found.total.converged
