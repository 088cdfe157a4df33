"""Cluster-robust covariance against the dense sandwich."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mpg_research.errors import ModelError
from mpg_research.mixed.inference.robust import LARGEST, cluster_robust
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import MixedSolution, solve


def _problem(n_families: int = 36) -> MixedProblem:
    rng = np.random.default_rng(3)
    family = rng.permutation(np.repeat(np.arange(n_families), 4))
    organisation = family % 6
    months = rng.uniform(0, 10, family.size)
    z = np.column_stack([np.ones(family.size), months])
    x = np.column_stack([z, organisation % 2])
    y = 3 + rng.normal(size=n_families)[family] + rng.normal(size=6)[organisation] * 1.5
    y = y + (1 + 0.2 * months) * rng.normal(size=family.size)
    random = (
        RandomTerm("family", ("1", "months"), z, family, tuple(range(n_families))),
        RandomTerm("organisation", ("1",), z[:, :1], organisation, tuple(range(6))),
    )
    return MixedProblem(y, x.astype(float), ("1", "months", "arm"), random)


def _dense_covariance(found: MixedSolution) -> np.ndarray:
    problem = found.problem
    weights = np.ones(problem.y.size) if problem.weights is None else problem.weights
    v = found.sigma2 * np.diag(1 / weights)
    for t, term in enumerate(problem.random):
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ found.random_covariance(t) @ term.z.T)
    return np.asarray(v)


def _adjustment(own: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Pustejovsky & Tipton (2018), eq. 5, with working covariance and weights from the model."""
    root = np.linalg.cholesky(own)
    b = root.T @ (own - x @ m @ x.T) @ root
    return np.asarray(root @ np.linalg.inv(np.real(sqrtm(b))) @ root.T)


def _dense(found: MixedSolution, kind: str) -> np.ndarray:
    problem = found.problem
    v = _dense_covariance(found)
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(problem.x.T @ inverse @ problem.x)
    residual = problem.y - problem.x @ phi @ problem.x.T @ inverse @ problem.y
    meat = np.zeros_like(phi)
    clusters = problem.random[-1]
    for c in range(len(clusters.levels)):
        rows = clusters.codes == c
        x, own, e = problem.x[rows], v[np.ix_(rows, rows)], residual[rows]
        if kind == "CR2":
            e = _adjustment(own, x, phi) @ e
        score = x.T @ np.linalg.inv(own) @ e
        meat += np.outer(score, score)
    return np.asarray(phi @ meat @ phi)


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
def test_equals_the_dense_sandwich(kind: Any) -> None:
    found = solve(_problem())
    ours = cluster_robust(found, "organisation", kind=kind)
    assert ours.covariance == pytest.approx(_dense(found, kind), rel=1e-7, abs=1e-10)
    assert ours.n_clusters == 6


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
def test_weights_and_crossed_factors_within_the_clusters(kind: Any) -> None:
    made = _problem()
    rng = np.random.default_rng(0)
    # workers of one organisation are crossed with its families
    worker = made.random[1].codes * 3 + rng.integers(0, 3, made.y.size)
    inside = RandomTerm("worker", ("1",), made.random[1].z, worker, tuple(range(18)))
    problem = replace(
        made,
        random=(made.random[0], inside, made.random[1]),
        weights=rng.uniform(0.5, 2.0, made.y.size),
    )
    found = solve(problem)
    ours = cluster_robust(found, kind=kind)
    assert ours.group == "organisation"
    assert ours.covariance == pytest.approx(_dense(found, kind), rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
def test_degrees_of_freedom_are_those_of_the_definition(kind: Any) -> None:
    """2 tr(P)^2 / tr(P^2) for c'Vc = y'(sum of s_c s_c')y, with P = (s_c'V s_d) taken over all rows."""
    found = solve(_problem())
    problem, n = found.problem, found.problem.y.size
    v = _dense_covariance(found)
    inverse = np.linalg.inv(v)
    annihilate = np.eye(n) - problem.x @ found.covariance @ problem.x.T @ inverse
    contrast = np.array([0.3, -1.0, 2.0])
    rows = []
    for cluster in range(6):
        own = np.flatnonzero(problem.random[1].codes == cluster)
        x, within = problem.x[own], v[np.ix_(own, own)]
        adjust = np.eye(len(own)) if kind == "CR0" else _adjustment(within, x, found.covariance)
        rows.append(contrast @ found.covariance @ x.T @ np.linalg.inv(within) @ adjust.T @ annihilate[own])
    products = np.array(rows) @ v @ np.array(rows).T
    expected = np.trace(products) ** 2 / np.sum(products**2)
    ours = cluster_robust(found, kind=kind)
    assert ours.degrees(contrast) == pytest.approx([expected], rel=1e-8)


def test_cr2_is_unbiased_under_the_model() -> None:
    """Not by chance but exactly: the mean of each cluster's contribution is known in closed form."""
    found = solve(_problem())
    problem, m = found.problem, found.covariance
    mean = np.zeros_like(m)
    v = _dense_covariance(found)
    for cluster in range(6):
        own = np.flatnonzero(problem.random[1].codes == cluster)
        x, within = problem.x[own], v[np.ix_(own, own)]
        g = _adjustment(within, x, m).T @ np.linalg.inv(within) @ x
        mean += g.T @ (within - x @ m @ x.T) @ g
    assert m @ mean @ m == pytest.approx(m, rel=1e-8)


def _large_clusters(between: float, *, scale: float = 1.0, dummy: bool = False) -> MixedProblem:
    rng = np.random.default_rng(1)
    cluster, family = np.repeat(np.arange(12), 300), np.repeat(np.arange(720), 5)
    one = np.ones(cluster.size)
    x = np.column_stack(
        [one, 1e6 * rng.normal(size=one.size), cluster % 2, *([cluster == 0] if dummy else [])]
    )
    y = (
        between * rng.normal(size=12)[cluster]
        + 0.5 * rng.normal(size=720)[family]
        + rng.normal(size=one.size)
    )
    random = (
        RandomTerm("family", ("1",), one[:, None], family, tuple(range(720))),
        RandomTerm("cluster", ("1",), one[:, None], cluster, tuple(range(12))),
    )
    names = ("1", "x", "arm", "first")[: x.shape[1]]
    return MixedProblem(scale * y, x.astype(float), names, random)


@pytest.mark.parametrize("dummy", [False, True])
def test_clusters_that_differ_much_leave_what_varies_within_them_alone(dummy: bool) -> None:
    """Once the clusters differ much, how much no longer matters to an effect within them."""
    first, second = (solve(_large_clusters(between, dummy=dummy)) for between in (10.0, 100.0))
    one, two = cluster_robust(first), cluster_robust(second)
    assert two.covariance[1, 1] == pytest.approx(one.covariance[1, 1], rel=0.01)
    assert two.degrees(np.eye(len(two.phi))[1]) == pytest.approx(
        one.degrees(np.eye(len(two.phi))[1]), rel=0.01
    )


@pytest.mark.parametrize("off", [0.0, -1e-10, 1e-10, 1e-9, 3e-8])
def test_a_cluster_with_a_dummy_does_not_hang_on_the_last_digits(off: float) -> None:
    problem = _large_clusters(100.0, dummy=True)
    found = cluster_robust(solve(problem, theta=np.array([0.4644864857, 109.9513903]) * (1 + off)))
    least = cluster_robust(solve(_large_clusters(10.0, dummy=True)))
    contrast = np.eye(4)[1]
    assert found.covariance[1, 1] == pytest.approx(least.covariance[1, 1], rel=0.01)
    assert found.degrees(contrast) == pytest.approx(least.degrees(contrast), rel=0.01)


def test_units_do_not_matter() -> None:
    plain, small = (cluster_robust(solve(_large_clusters(1.0, scale=scale))) for scale in (1.0, 1e-9))
    assert small.covariance * 1e18 == pytest.approx(plain.covariance, rel=1e-5, abs=1e-16)


def test_impossible_requests_are_refused_in_words() -> None:
    made = _problem()
    with pytest.raises(ModelError, match="use 'organisation'"):
        cluster_robust(solve(made), "family")
    with pytest.raises(ModelError, match="no random term for 'region'"):
        cluster_robust(solve(made), "region")
    with pytest.raises(ModelError, match="'CR0' or 'CR2'"):
        cluster_robust(solve(made), kind="CR3")  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    crossed = replace(made.random[1], codes=rng.integers(0, 6, made.y.size))
    with pytest.raises(ModelError, match="crossed"):
        cluster_robust(solve(replace(made, random=(made.random[0], crossed))))


def test_clusters_too_large_for_cr2_are_refused() -> None:
    n = 2 * LARGEST + 4
    rng = np.random.default_rng(0)
    pair = np.arange(n) // 2
    one = np.ones((n, 1))
    random = (
        RandomTerm("pair", ("1",), one, pair, tuple(range(n // 2))),
        RandomTerm("half", ("1",), one, pair % 2, (0, 1)),
    )
    y = rng.normal(size=n // 2)[pair] + rng.normal(size=n)
    problem = MixedProblem(y, one, ("1",), random, weights=np.ones(n))
    large = solve(problem, theta=np.ones(2))
    with pytest.raises(ModelError, match="Use kind='CR0'"):
        cluster_robust(large)
    assert cluster_robust(large, kind="CR0").n_clusters == 2
