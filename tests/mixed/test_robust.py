"""Cluster-robust covariance against the dense sandwich."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mpg_research.errors import ModelError
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.robust import cluster_robust_covariance
from mpg_research.mixed.solution import MixedSolution, solve


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


def _dense(found: MixedSolution, kind: str) -> np.ndarray:
    problem = found.problem
    n = problem.y.size
    v = found.sigma2 * np.eye(n)
    for t, term in enumerate(problem.random):
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ found.random_covariance(t) @ term.z.T)
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(problem.x.T @ inverse @ problem.x)
    residual = problem.y - problem.x @ phi @ problem.x.T @ inverse @ problem.y
    meat = np.zeros_like(phi)
    clusters = problem.random[-1]
    for c in range(len(clusters.levels)):
        rows = clusters.codes == c
        x, own, e = problem.x[rows], v[np.ix_(rows, rows)], residual[rows]
        if kind == "CR2":
            # Pustejovsky & Tipton (2018), eq. 5, with working covariance and weights from the model
            root = np.linalg.cholesky(own)
            b = root.T @ (own - x @ phi @ x.T) @ root
            e = root @ np.linalg.inv(np.real(sqrtm(b))) @ root.T @ e
        score = x.T @ np.linalg.inv(own) @ e
        meat += np.outer(score, score)
    return np.asarray(phi @ meat @ phi)


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
def test_equals_the_dense_sandwich(kind: str) -> None:
    found = solve(_problem())
    ours = cluster_robust_covariance(found, "organisation", kind=kind)  # type: ignore[arg-type]
    expected = _dense(found, kind)
    if kind == "CR0":
        assert ours == pytest.approx(expected, rel=1e-7, abs=1e-10)
    else:
        # another symmetric root of the same correction (scores, not rows): equal in expectation only
        assert np.diag(ours) == pytest.approx(np.diag(expected), rel=0.25)


def test_cr2_is_unbiased_under_the_model() -> None:
    found = solve(_problem())
    rng = np.random.default_rng(1)
    problem = found.problem
    total = np.zeros((3, 3))
    runs = 1500
    at = np.concatenate([found.theta])
    for _ in range(runs):
        y = np.sqrt(found.sigma2) * rng.normal(size=problem.y.size)
        for t, term in enumerate(problem.random):
            root = np.sqrt(found.sigma2) * found.relative_factor(t)
            effects = rng.normal(size=(len(term.levels), root.shape[0])) @ root.T
            y = y + np.einsum("ij,ij->i", effects[term.codes], term.z)
        drawn = solve(replace(problem, y=y), theta=at)
        total += cluster_robust_covariance(drawn)
    # six clusters: the simulation error of a mean of 1,500 variances is about 3 %
    assert np.diag(total / runs) == pytest.approx(np.diag(found.covariance), rel=0.12)


def test_single_level_and_impossible_requests() -> None:
    made = _problem()
    single = solve(replace(made, random=made.random[:1]))
    ours = cluster_robust_covariance(single, kind="CR0")
    assert ours == pytest.approx(_dense(single, "CR0"), rel=1e-7, abs=1e-10)
    with pytest.raises(ModelError, match="coarsest"):
        cluster_robust_covariance(solve(made), "family")
    rng = np.random.default_rng(0)
    crossed = replace(made.random[1], codes=rng.integers(0, 6, made.y.size))
    with pytest.raises(ModelError, match="crossed"):
        cluster_robust_covariance(solve(replace(made, random=(made.random[0], crossed))))
