"""Limits for known groups: the combined variance and its degrees of freedom, and that they hold."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mpg_research.mixed import AR1, MixedFit, VarianceBy, fit_mixed
from mpg_research.mixed.inference.information import information
from mpg_research.mixed.inference.tests import make_inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.questions.prediction_error import Asked, prediction_error
from mpg_research.mixed.search.refit import refit
from mpg_research.mixed.search.solution import solve
from tests.mixed import dense

#: Second-order differences of a dense formula.
DIFFERENCES = 1e-5


def _frame(seed: int, n_organisations: int = 5) -> pd.DataFrame:
    """Waves in families in organisations, workers crossed with families, unequal sizes and weights."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(24), rng.integers(2, 6, 24))
    n = family.size
    organisation = family % n_organisations
    worker = rng.integers(0, 6, n)
    wave = pd.Series(family).groupby(family).cumcount().to_numpy() + 1
    months = wave + rng.uniform(0, 0.4, n)
    arm = np.where(family % 2, "b", "a")
    y = 20 + rng.normal(size=24)[family] + 0.3 * rng.normal(size=24)[family] * months
    y += rng.normal(size=n_organisations)[organisation] + rng.normal(size=6)[worker] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "y": y,
            "family": family,
            "organisation": organisation,
            "worker": worker,
            "wave": wave,
            "months": months,
            "arm": arm,
            "w": rng.uniform(0.5, 2, n),
        }
    )


MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "nested": ("y ~ months * arm + (1 + months | family) + (1 | organisation)", {}),
    "kenward": ("y ~ months + (1 | family) + (1 | organisation)", {"df": "kenward-roger"}),
    "uncorrelated": ("y ~ months + (1 + months || family) + (1 | organisation)", {"weights": "w"}),
    "crossed": ("y ~ months + (1 | family) + (1 | worker)", {"method": "ML"}),
    "dependent": (
        "y ~ months + (1 + months | family)",
        {"theta": [1.0, 0.3, 0.0], "information": "expected"},
    ),
    "off the direction": ("y ~ months + (1 + months | organisation)", {}),
    "zero": ("y ~ months + (1 | family) + (1 | organisation)", {"theta": [1.0, 0.0]}),
    "serial": ("y ~ months + (1 | family) + (1 | organisation)", {"residual": AR1("wave", within="family")}),
    "strata": ("y ~ months + (1 | family)", {"residual": VarianceBy("arm")}),
}


def _residual(fit: MixedFit, natural: np.ndarray, data: pd.DataFrame) -> np.ndarray:
    """R by its definition."""
    n = len(data)
    found = np.eye(n)
    if fit.problem.weights is not None:
        found = np.diag(1 / fit.problem.weights)
    if len(natural) and "correlation" in fit.solution.residual_names[0]:
        same = data["family"].to_numpy()[:, None] == data["family"].to_numpy()
        apart = np.abs(data["wave"].to_numpy()[:, None] - data["wave"].to_numpy())
        return np.where(same, natural[0] ** apart, 0.0)
    if len(natural):
        root = np.where(data["arm"] == "b", natural[0], 1.0)
        return np.diag(root**2)
    return found


def _dense_error(
    fit: MixedFit, data: pd.DataFrame, ask: list[np.ndarray], x: np.ndarray, wider: float
) -> tuple[Callable[[np.ndarray], float], np.ndarray]:
    """C as a function of all variance components in the order of the information, and those components."""
    problem, solution = fit.problem, fit.solution
    shapes = [(len(term.term_names), term.correlated, len(term.levels)) for term in problem.random]
    z = np.hstack([dense.expand(term) for term in problem.random])
    values = []
    for place, (q, correlated, _) in enumerate(shapes):
        g = solution.random_covariance(place)
        columns, rows = np.triu_indices(q) if correlated else (np.arange(q), np.arange(q))
        values += g[rows, columns].tolist()
    values += [*solution.residual_parameters, solution.sigma2]

    def error(components: np.ndarray) -> float:
        blocks, at = [], 0
        for q, correlated, n_groups in shapes:
            columns, rows = np.triu_indices(q) if correlated else (np.arange(q), np.arange(q))
            g = np.zeros((q, q))
            g[rows, columns] = g[columns, rows] = components[at : at + len(rows)]
            at += len(rows)
            blocks.append(np.kron(np.eye(n_groups), g))
        wide = np.zeros((z.shape[1], z.shape[1]))
        corner = 0
        for block in blocks:
            wide[corner : corner + len(block), corner : corner + len(block)] = block
            corner += len(block)
        v = z @ wide @ z.T + components[-1] * _residual(fit, components[at:-1], data)
        inverse = np.linalg.inv(v)
        asked = np.concatenate(ask)
        covariance = z @ wide @ asked
        rest = x - problem.x.T @ inverse @ covariance
        phi = np.linalg.inv(problem.x.T @ inverse @ problem.x)
        found = asked @ wide @ asked - covariance @ inverse @ covariance + rest @ phi @ rest
        return float(found + components[-1] * wider)

    return error, np.array(values)


@pytest.mark.parametrize("name", MODELS)
def test_variance_and_degrees_of_freedom_are_those_of_the_dense_formula(name: str) -> None:
    formula, options = MODELS[name]
    data = _frame(5)
    fit = fit_mixed(formula, data, **options)
    terms = fit.problem.random
    assert fit.is_singular or name not in ("dependent", "off the direction", "zero")
    for interval in ("confidence", "prediction"):
        found = fit.predict(random_effects="all", interval=interval)
        for row in (0, 7, 40):
            ask = []
            for term in terms:
                wanted = np.zeros((len(term.levels), len(term.term_names)))
                wanted[term.codes[row]] = term.z[row]
                ask.append(wanted.ravel())
            x = fit.problem.x[row]
            ratio = 1.0
            if name == "strata" and data["arm"].iloc[row] == "b":
                ratio = float(fit.solution.residual_parameters[0]) ** 2
            new = ratio if interval == "prediction" else 0.0
            error, components = _dense_error(fit, data, ask, x, new)
            variance = error(components)
            if name != "kenward":
                assert found["std_error"].iloc[row] ** 2 == pytest.approx(variance, rel=1e-8)
            gradient = np.empty(len(components))
            for place, value in enumerate(components):
                step = 1e-4 * max(abs(value), 0.1)
                moves = [components.copy(), components.copy()]
                moves[0][place] += step
                moves[1][place] -= step
                gradient[place] = (error(moves[0]) - error(moves[1])) / (2 * step)
            if name == "strata" and interval == "prediction" and ratio != 1.0:
                gradient[-2] += 2.0 * np.sqrt(ratio) * fit.solution.sigma2
            spread = gradient @ information(fit.solution, fit.inference.kind).component_covariance @ gradient
            expected = 2 * variance**2 / spread
            if name == "zero":
                assert found["df"].iloc[row] <= expected * (1 + DIFFERENCES)
            else:
                assert found["df"].iloc[row] == pytest.approx(expected, rel=DIFFERENCES)


@pytest.mark.parametrize(("n_groups", "size"), [(4, 4), (4, 60), (25, 4), (12, 20)])
def test_limits_for_known_groups_hold_what_they_promise(n_groups: int, size: int) -> None:
    """The small version of benchmarks/mixed/known_groups.py."""
    rng = np.random.default_rng(n_groups * size)
    group = np.repeat(np.arange(n_groups), np.maximum(2, rng.poisson(size, n_groups)))
    x = np.column_stack([np.ones(group.size), rng.normal(size=group.size)])
    term = RandomTerm("group", ("1",), x[:, :1], group, tuple(range(n_groups)))
    template = solve(MixedProblem(rng.normal(size=group.size), x, ("1", "x"), (term,)), theta=[1.0])
    everyone = np.arange(n_groups)
    at = np.column_stack([np.ones(n_groups), np.zeros(n_groups)])
    asked = Asked(at, (at[:, :1],), (everyone,), (0,), False, np.zeros((n_groups, 0)))
    runs = 480 // n_groups
    hits, degrees = [], []
    for _ in range(runs):
        truth = rng.normal(size=n_groups)
        found = refit(template, truth[group] + rng.normal(size=group.size))
        variance, df = prediction_error(found, make_inference(found, "satterthwaite", None), asked)
        estimate = found.beta[0] + found.conditional_modes(0)[0][:, 0]
        hits.append(np.mean(np.abs(estimate - truth) <= stats.t.ppf(0.975, df) * np.sqrt(variance)))
        degrees.append(np.median(df))
    error = np.std(hits) / np.sqrt(runs)
    assert np.mean(hits) == pytest.approx(0.95, abs=3 * error + 0.01)
    # what a group of this size can say of itself, not the number of groups
    assert np.median(degrees) > 0.5 * (group.size - n_groups)
