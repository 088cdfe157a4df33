"""Two outcomes with swings that carry over: dense matrices, the mixed models of the house, and truths."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mpg_research.arrays import FloatArray
from mpg_research.mixed import SeriesStructure, fit_mixed
from mpg_research.statistics.two_outcomes import families as families_module
from mpg_research.statistics.two_outcomes.correlation_limits import correlation_of
from mpg_research.statistics.two_outcomes.families import Families, fill_up
from mpg_research.statistics.two_outcomes.fit import Fitted, carried_over, fit_two_outcomes
from mpg_research.statistics.two_outcomes.likelihood import TwoOutcomes
from mpg_research.statistics.two_outcomes.vector_swings import (
    carried,
    covariance_slopes,
    covariances,
    delta_of,
    derivative,
)
from mpg_research.statistics.two_outcomes.without_edge import without_edge

CARRIED = np.array([[0.4, 0.0], [0.25, 0.3]])


def random_delta(rng: np.random.Generator) -> FloatArray:
    return np.append(rng.normal(0, 0.6, 4), rng.normal(0, 0.4, 2))


@pytest.mark.parametrize("seed", range(6))
def test_covariances_follow_the_recursion(seed: int) -> None:
    """z(t) = A z(t - 1) + u(t), worked out moment by moment, gives the same covariances."""
    delta = random_delta(np.random.default_rng(seed))
    matrix, found = carried(delta), covariances(delta, 5)
    ratio, correlation = np.exp(delta[5]), np.tanh(delta[4])
    spread = np.array([[1, correlation * ratio], [correlation * ratio, ratio**2]])
    np.testing.assert_allclose(found[0], spread, atol=1e-12)
    assert np.linalg.eigvalsh(spread - matrix @ spread @ matrix.T).min() > 0  # stationary
    for lag in range(5):
        np.testing.assert_allclose(found[lag + 1], matrix @ found[lag], atol=1e-12)
    np.testing.assert_allclose(delta_of(matrix, correlation, ratio), delta, atol=1e-8)
    slopes = covariance_slopes(delta, 5)
    for k in range(6):
        step = 1e-6 * np.eye(6)[k]
        apart = covariances(delta + step, 5) - covariances(delta - step, 5)
        np.testing.assert_allclose(slopes[k], apart / 2e-6, atol=1e-8)


def drawn(
    rng: np.random.Generator, n: int, noise: tuple[float, float] = (0.0, 0.0), *, waves: int = 7
) -> pd.DataFrame:
    """Families with levels and slopes, swings that carry over, error, and moments that were missed."""
    shape = np.array([[0.25, 0.1, 0.0, 0.1], [0.1, 0.2, 0.0, 0.0], [0, 0, 1.0, 0.3], [0.1, 0, 0.3, 0.8]])
    effects = rng.multivariate_normal(np.zeros(4), shape, n)
    swing = np.zeros((n, 2))
    rows = []
    new = np.linalg.cholesky(0.3 * np.array([[1, 0.2], [0.2, 1]]))
    for moment in range(-15, waves):
        swing = swing @ CARRIED.T + rng.normal(size=(n, 2)) @ new.T
        if moment < 0:
            continue
        for outcome in (0, 1):
            score = 1 + effects[:, 2 + outcome] + (effects[:, outcome] - 0.4) * moment / 6
            score = score + swing[:, outcome] + rng.normal(0, np.sqrt(noise[outcome]), n)
            rows.append(pd.DataFrame({"family": range(n), "moment": moment, "outcome": outcome, "y": score}))
    found = pd.concat(rows, ignore_index=True)
    return found[rng.random(len(found)) < 0.85].reset_index(drop=True)


def families_of(rows: pd.DataFrame) -> Families:
    outcome, time = rows["outcome"].to_numpy(), rows["moment"].to_numpy() / 6
    one = np.column_stack([outcome == 0, outcome == 1]).astype(float)
    family = np.unique(rows["family"], return_inverse=True)[1]
    z = np.column_stack([one * time[:, None], one])
    return fill_up(family, rows["y"].to_numpy(), z, z, rows["moment"].to_numpy(), outcome)


def dense(model: TwoOutcomes, rows: pd.DataFrame, vector: FloatArray) -> float:
    """The restricted deviance with one matrix over all rows."""
    outcome, time = rows["outcome"].to_numpy(), rows["moment"].to_numpy() / 6
    one = np.column_stack([outcome == 0, outcome == 1]).astype(float)
    z = np.column_stack([one * time[:, None], one])
    root = model.root(vector)
    same = rows["family"].to_numpy()[:, None] == rows["family"].to_numpy()
    v = np.where(same, z @ root @ root.T @ z.T, 0.0) + np.diag(np.array(model.noise)[outcome])
    matrix, now = carried(model.delta(vector)), covariances(model.delta(vector), 0)[0]
    moment = rows["moment"].to_numpy()
    for i, j in zip(*np.nonzero(same), strict=True):
        late, early = (i, j) if moment[i] >= moment[j] else (j, i)
        lagged = np.linalg.matrix_power(matrix, moment[late] - moment[early]) @ now
        v[i, j] += np.exp(2 * vector[-1]) * lagged[outcome[late], outcome[early]]
    solved = np.linalg.solve(v, np.column_stack([z, rows["y"]]))
    cross = z.T @ solved[:, :4]
    beta = np.linalg.solve(cross, z.T @ solved[:, 4])
    rest = rows["y"].to_numpy() - z @ beta
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(cross)[1]
    return float(logs + rest @ np.linalg.solve(v, rest) + (len(rows) - 4) * np.log(2 * np.pi))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("carries", [True, False])
def test_the_deviance_is_the_dense_one_and_its_gradient_its_slope(seed: int, carries: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = drawn(rng, 12, (0.3, 0.1))
    model = TwoOutcomes(families_of(rows), (0.3, 0.1), carries)
    vector = rng.normal(0, 0.5, model.n_parameters)
    value, slope = model.deviance(vector)
    assert value == pytest.approx(dense(model, rows, vector), rel=1e-10)
    for k in range(len(vector)):
        step = 1e-5 * np.eye(len(vector))[k]
        apart = model.deviance(vector + step)[0] - model.deviance(vector - step)[0]
        assert slope[k] == pytest.approx(apart / 2e-5, rel=1e-5, abs=1e-5)
    by_family = model.gradients(vector, model.evaluate(vector)[1])
    np.testing.assert_allclose(by_family.sum(axis=0), slope, rtol=1e-9, atol=1e-9)


@dataclass(frozen=True)
class CrossLagged(SeriesStructure):
    """The same swings as residuals of a mixed model, which knows no error beside them."""

    position: str
    within: str
    names: ClassVar[tuple[str, ...]] = tuple("abcdef")  # type: ignore[misc]
    separable: ClassVar[bool] = False

    def start(self) -> FloatArray:
        return np.array([0.2, 0.0, 0.0, 0.2, 0.2, 0.0])

    def natural(self, delta: FloatArray) -> FloatArray:
        return np.array([*carried(delta).ravel(), np.tanh(delta[4]), np.exp(delta[5])])

    def from_natural(self, values: FloatArray) -> FloatArray:
        return delta_of(values[:4].reshape(2, 2), float(values[4]), float(values[5]))

    def matrix(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        number = np.round(places).astype(np.intp)
        moment, outcome = number // 2, number % 2
        apart = moment[..., :, None] - moment[..., None, :]
        row, column = np.broadcast_arrays(outcome[..., :, None], outcome[..., None, :])
        later = np.where(apart >= 0, row, column)
        return covariances(delta, int(np.abs(apart).max()))[np.abs(apart), later, row + column - later]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return drawn(np.random.default_rng(5), 90)


def test_without_error_it_is_the_mixed_model_of_the_house(rows: pd.DataFrame) -> None:
    model = TwoOutcomes(families_of(rows))
    fit = fit_two_outcomes(model)
    assert fit.converged
    table = rows.assign(place=2 * rows["moment"] + rows["outcome"], time=rows["moment"] / 6)
    for outcome in (0, 1):
        table[f"l{outcome}"] = (table["outcome"] == outcome).astype(float)
        table[f"s{outcome}"] = table[f"l{outcome}"] * table["time"]
    theirs = fit_mixed(
        "y ~ 0 + s0 + s1 + l0 + l1 + (0 + s0 + s1 + l0 + l1 | family)", table,
        residual=CrossLagged("place", within="family"), df="normal",
    )  # fmt: skip
    assert -0.5 * fit.deviance == pytest.approx(theirs.log_likelihood, abs=1e-5)
    assert carried(model.delta(fit.vector)).ravel() == pytest.approx(
        theirs.solution.residual_parameters[:4], abs=2e-3
    )
    beta, spread = model.fixed(fit.vector)
    assert beta == pytest.approx(theirs.fixed["estimate"].to_numpy(), abs=1e-4)
    assert np.sqrt(np.diagonal(spread)) == pytest.approx(theirs.fixed["std_error"].to_numpy(), rel=1e-3)


def test_limits_of_a_correlation_are_where_the_profile_says(rows: pd.DataFrame) -> None:
    """Held by a constraint in another search, the deviance has risen by 3.84 at the limits."""
    model = TwoOutcomes(families_of(rows))
    fit = fit_two_outcomes(model)
    for first, second in ((2, 3), (0, 1)):
        found = correlation_of(fit, first, second, level=0.95)
        assert -1 <= found.conf_low < found.estimate < found.conf_high <= 1
        for limit in (found.conf_low, found.conf_high):
            if abs(limit) == 1:
                continue

            def gap(at: FloatArray, of: tuple[int, int] = (first, second), to: float = limit) -> float:
                whole = model.root(at) @ model.root(at).T
                return float(whole[of] - to * np.sqrt(whole[of[0], of[0]] * whole[of[1], of[1]]))

            held = minimize(
                model.deviance, fit.vector, jac=True, method="SLSQP",
                constraints={"type": "eq", "fun": gap}, options={"maxiter": 300, "ftol": 1e-7},
            )  # fmt: skip
            assert held.fun - fit.deviance == pytest.approx(3.841, abs=0.05)


def test_other_units_and_another_order_change_nothing(rows: pd.DataFrame) -> None:
    noise = (0.1, 0.05)
    fit = fit_two_outcomes(TwoOutcomes(families_of(rows), noise))
    scale = np.array([3.0, 0.5])
    moved = rows.assign(y=scale[rows["outcome"]] * rows["y"] + 7, family=-rows["family"])
    moved = moved.sample(frac=1, random_state=1)
    other = fit_two_outcomes(
        TwoOutcomes(families_of(moved), (noise[0] * scale[0] ** 2, noise[1] * scale[1] ** 2))
    )
    ours, theirs = carried_over(fit), carried_over(other)
    turn = scale[:, None] / scale
    np.testing.assert_allclose(theirs.estimate, turn * ours.estimate, atol=1e-3)
    np.testing.assert_allclose(theirs.std_error, turn * ours.std_error, rtol=2e-2)
    one, two = (correlation_of(each, 0, 1, level=0.95) for each in (fit, other))
    assert one.estimate == pytest.approx(two.estimate, abs=2e-3)
    assert one.conf_low == pytest.approx(two.conf_low, abs=1e-2)


def test_error_that_is_known_is_taken_off() -> None:
    """Without it what carries over is too small; with it, it is what was drawn."""
    noise = (0.35, 0.25)
    with_it, without, held = [], [], 0
    for seed in range(8):
        families = families_of(drawn(np.random.default_rng([9, seed]), 300, noise))
        fit = fit_two_outcomes(TwoOutcomes(families, noise))
        found = carried_over(fit, (0.02, 0.02))
        with_it.append(found.estimate)
        held += int((np.abs(found.estimate - CARRIED) < 1.96 * found.std_error).sum())
        plain = fit_two_outcomes(TwoOutcomes(families), start=fit.vector)
        without.append(carried_over(plain).estimate)
    # The estimates have a standard deviation of about .1: this is three standard errors of their mean.
    np.testing.assert_allclose(np.mean(with_it, axis=0), CARRIED, atol=0.11)
    assert (np.diagonal(np.mean(without, axis=0)) < 0.7 * np.diagonal(CARRIED)).all()
    assert held >= 26  # of 32, at a coverage of 95 %: fewer come by 1 in 100


def test_swings_that_are_all_error_are_refused() -> None:
    rng = np.random.default_rng(2)
    rows = drawn(rng, 80)
    rows["y"] = rng.normal(size=80)[rows["family"]] + rng.normal(0, 0.5, len(rows))
    fit = fit_two_outcomes(TwoOutcomes(families_of(rows), (0.26, 0.26)))
    assert carried_over(fit).verdict in ("no_swings", "not_converged")
    assert np.isnan(carried_over(fit).estimate).all()


def random_vector(rng: np.random.Generator) -> FloatArray:
    return np.concatenate([rng.normal(0, 0.5, 10), random_delta(rng), [-0.3]])


def test_without_the_edge_it_is_the_same_likelihood(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    model = TwoOutcomes(families_of(rows), (0.1, 0.05))
    vector = random_vector(rng)
    other, at = without_edge(model, vector)
    value, slope = other.deviance(at)
    assert value == pytest.approx(model.deviance(vector)[0], abs=1e-8)
    for k in range(len(at)):
        step = 1e-5 * np.eye(len(at))[k]
        apart = other.deviance(at + step)[0] - other.deviance(at - step)[0]
        assert slope[k] == pytest.approx(apart / 2e-5, rel=1e-4, abs=1e-3)


def test_slopes_estimated_as_equal_are_not_known_to_be_so() -> None:
    """At the edge of what a covariance can be, the error of what carries over is no less than just inside."""
    edges = []
    for seed in range(12):
        fit = fit_two_outcomes(TwoOutcomes(families_of(drawn(np.random.default_rng([5, seed]), 80, waves=4))))
        if not fit.converged:
            continue
        sizes = np.linalg.eigvalsh(fit.covariance)
        found = carried_over(fit).std_error.ravel()
        plain = np.sqrt(as_if_known(fit))
        if sizes[0] < 1e-6 * sizes[-1]:
            edges.append(found / plain)
        elif sizes[0] > 1e-2 * sizes[-1]:
            np.testing.assert_allclose(found, plain, rtol=5e-3)
    assert len(edges) > 2
    assert np.mean(edges) > 1.02


def as_if_known(fit: Fitted) -> FloatArray:
    """The variance in the entries of the root of G, worked out apart."""
    values, vectors = np.linalg.eigh(fit.hessian)
    kept = values > 1e-6 * values.max()
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    slopes = derivative(lambda at: carried(fit.model.delta(at)).ravel(), fit.vector)
    _, moved = fit.model.evaluate(fit.vector)
    each = fit.model.gradients(fit.vector, moved) @ inverse @ slopes
    n, k = len(each), len(fit.vector) + fit.model.families.x.shape[2]
    return np.maximum((each**2).sum(axis=0) * n / (n - k), 2 * np.diagonal(slopes.T @ inverse @ slopes))


def test_families_in_parts_are_the_same_families(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = random_vector(np.random.default_rng(6))
    model = TwoOutcomes(families_of(rows), (0.1, 0.05))
    whole, slopes = model.evaluate(vector)
    monkeypatch.setattr(families_module, "_MANY", 10)
    apart = TwoOutcomes(families_of(rows), (0.1, 0.05))
    value, parted = apart.evaluate(vector)
    assert len(apart.families.parts) > 2
    assert sum(len(part.which) for part in apart.families.parts) == len(apart.families.y)
    assert value == pytest.approx(whole, abs=1e-8)
    np.testing.assert_allclose(parted.effects, slopes.effects, atol=1e-9)
    np.testing.assert_allclose(parted.cells, slopes.cells, atol=1e-9)
