"""Random effects estimated as perfectly dependent: lmerTest, pbkrtest, dense matrices and coverage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.satterthwaite_kenward_roger import (
    kenward_roger,
    satterthwaite_degrees,
    satterthwaite_test,
)
from mpg_research.mixed.inference.tests import make_inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.refit import refit
from mpg_research.mixed.search.solution import solve
from tests.mixed import dense

ORACLES = Path(__file__).parents[2] / "oracles" / "mixed"
STORED: list[dict[str, Any]] = json.loads((ORACLES / "singular.json").read_text(encoding="utf-8"))
FORMULAS = {
    "slopes": "y ~ t * arm + x + (1 + t | g)",
    "three": "y ~ t + s + x + (1 + t + s | g)",
    "crossed": "y ~ t * arm + x + (1 + t | g) + (1 | w)",
}
NAMES = {"(Intercept)": "Intercept", "armb": "arm[T.b]", "t:armb": "t:arm[T.b]"}
# lmerTest differentiates numerically; its own error is some 1e-5.
NUMERIC_HESSIAN = 2e-4
# Where both optimisers stop, not at one another's point.
OPTIMUM = 2e-3


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(ORACLES / "singular.csv")


def _fit(data: pd.DataFrame, stored: dict[str, Any], **options: Any) -> MixedFit:
    rows = data[(data["model"] == stored["model"]) & (data["set"] == stored["set"])]
    return fit_mixed(FORMULAS[stored["model"]], rows, **options)


def _places(fit: MixedFit, stored: dict[str, Any]) -> list[int]:
    """Where R's coefficients stand in ours."""
    return [fit.problem.x_names.index(NAMES.get(name, name)) for name in stored["names"]]


@pytest.mark.parametrize("stored", STORED, ids=lambda one: f"{one['model']}-{one['set']}")
def test_satterthwaite_counts_the_direction_as_lmertest_does(
    data: pd.DataFrame, stored: dict[str, Any]
) -> None:
    fit = _fit(data, stored, theta=stored["theta"])
    assert fit.is_singular
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-6)
    places = _places(fit, stored)
    each = np.eye(len(places))
    assert fit.inference.estimated_df(each)[places] == pytest.approx(stored["df"], rel=NUMERIC_HESSIAN)
    found = satterthwaite_test(fit.solution, each[places[1:4]])
    assert found.statistic == pytest.approx(stored["joint"][0]["F value"], rel=1e-6)
    assert found.denominator_df == pytest.approx(stored["joint"][0]["DenDF"], rel=NUMERIC_HESSIAN)


@pytest.mark.parametrize("stored", STORED, ids=lambda one: f"{one['model']}-{one['set']}")
def test_so_it_does_at_our_own_optimum_without_a_ceiling(data: pd.DataFrame, stored: dict[str, Any]) -> None:
    fit = _fit(data, stored)
    assert fit.is_singular
    assert fit.log_likelihood > stored["loglik"] - 1e-6
    places = _places(fit, stored)
    assert fit.fixed["df"].to_numpy()[places] == pytest.approx(stored["df"], rel=OPTIMUM)


@pytest.mark.parametrize("stored", STORED, ids=lambda one: f"{one['model']}-{one['set']}")
def test_kenward_roger_equals_the_dense_formulas_on_the_face(
    data: pd.DataFrame, stored: dict[str, Any]
) -> None:
    """V moves along the tangents of the face: differences of V(theta), theta the entries that are not zero.

    pbkrtest also lets V move off the face, where the correlation would be beyond 1: never fewer parameters,
    so its degrees of freedom are as a rule fewer and its standard errors larger.
    """
    theta = np.array(stored["theta"])
    fit = _fit(data, stored, theta=theta, df="kenward-roger")
    problem = fit.problem
    n, p = problem.x.shape
    at = dense.evaluate(problem, theta)
    steps = [np.eye(n)]
    for place in np.flatnonzero(theta):
        move = np.zeros(len(theta))
        move[place] = 1e-5
        up, down = (dense.evaluate(problem, theta + sign * move) for sign in (1, -1))
        steps.append((up.v / up.sigma2 - down.v / down.sigma2) / 2e-5 * at.sigma2)
    inverse = np.linalg.inv(at.v)
    phi = at.covariance
    rest = inverse - inverse @ problem.x @ phi @ problem.x.T @ inverse
    moved = [rest @ step for step in steps]
    information = np.array([[0.5 * np.sum(a * b.T) for b in moved] for a in moved])
    w = np.linalg.inv(information)
    first = [inverse @ step @ inverse for step in steps]
    middle = np.zeros((p, p))
    for i, one in enumerate(first):
        for j, other in enumerate(first):
            q = problem.x.T @ one @ steps[j] @ inverse @ problem.x
            pp = problem.x.T @ one @ problem.x @ phi @ problem.x.T @ other @ problem.x
            middle += w[i, j] * (q - pp)
    assert fit.covariance.to_numpy() == pytest.approx(phi + 2 * phi @ middle @ phi, rel=1e-5)
    slopes = np.array([np.diagonal(phi @ problem.x.T @ one @ problem.x @ phi) for one in first])
    expected = 2 * np.diagonal(phi) ** 2 / np.einsum("ic,ij,jc->c", slopes, w, slopes)
    df = fit.inference.estimated_df(np.eye(p))
    assert df == pytest.approx(expected, rel=1e-5)
    places = _places(fit, stored)
    assert np.all(df[places] > 0.9 * np.array(stored["kr_df"]))
    assert np.all(fit.fixed["std_error"].to_numpy()[places] < 1.01 * np.array(stored["kr_se"]))


def _slopes(rng: np.random.Generator, n_groups: int = 8, waves: int = 6) -> MixedProblem:
    group = np.repeat(np.arange(n_groups), waves)
    n = group.size
    t = np.tile(np.arange(waves), n_groups) + rng.uniform(0, 0.5, n)
    arm = (group % 2).astype(float)
    x = np.column_stack([np.ones(n), t, arm, rng.normal(size=n), t * arm])
    term = RandomTerm("group", ("1", "t"), x[:, :2], group, tuple(range(n_groups)))
    return MixedProblem(rng.normal(size=n), x, ("1", "t", "arm", "x", "t:arm"), (term,))


@pytest.mark.parametrize("rule", ["satterthwaite", "kenward-roger"])
def test_limits_hold_what_they_promise(rule: Any) -> None:
    """The small version of benchmarks/mixed/singular_slopes.py."""
    rng = np.random.default_rng(3)
    problem = _slopes(rng)
    codes, z = problem.random[0].codes, problem.random[0].z
    template = solve(problem, theta=np.array([1.0, 0.1, 0.2]))
    each = np.eye(5)
    hits, fits = np.zeros(5), 0
    for _ in range(260):
        level = rng.normal(size=8)
        y = level[codes] + 0.2 * level[codes] * z[:, 1] + rng.normal(size=codes.size)
        found = refit(template, y)
        if found.faces[0].rank != 1:
            continue
        fits += 1
        inference = make_inference(found, rule, None)
        half = stats.t.ppf(0.975, inference.single_df(each)) * np.sqrt(np.diagonal(inference.covariance))
        hits += np.abs(found.beta) <= half
    assert fits > 120
    # 95 % less and more three standard errors of the simulation for each effect, less for all together
    assert np.all(np.abs(hits / fits - 0.95) < 3 * np.sqrt(0.05 * 0.95 / fits))
    assert 0.93 < hits.mean() / fits < 0.97


def test_a_variance_of_zero_stays_out_whatever_the_rest_does() -> None:
    problem = _slopes(np.random.default_rng(4))
    term = problem.random[0]
    only = MixedProblem(
        problem.y,
        problem.x,
        problem.x_names,
        (RandomTerm("group", ("1",), term.z[:, :1], term.codes, term.levels),),
    )
    both, one = solve(problem, theta=[0.5, 0.0, 0.0]), solve(only, theta=[0.5])
    each = np.eye(5)
    for kind in ("observed", "expected"):
        assert satterthwaite_degrees(both, each, kind=kind) == pytest.approx(
            satterthwaite_degrees(one, each, kind=kind), rel=1e-7
        )
    assert kenward_roger(both).covariance == pytest.approx(kenward_roger(one).covariance, rel=1e-7)
    ceiling = design_degrees(both)
    # the groups' slopes are estimated as zero, their levels are not; 8 groups less two arms
    assert ceiling.singular.tolist() == [False, True, False, False, True]
    assert ceiling.of(each[1]) == 6.0
