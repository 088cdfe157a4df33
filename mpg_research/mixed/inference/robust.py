"""Cluster-robust inference about the fixed effects: right when the random part is wrong."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.inference.fit_tables import find_group
from mpg_research.mixed.inference.row_equations import apply_inverse, form_equations, whitening
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["ClusterRobust", "RobustKind", "cluster_robust"]

RobustKind = Literal["CR0", "CR2"]

#: A direction of a cluster's residuals of which less than this share is left counts as absorbed by the fixed
#: effects (a dummy of the cluster itself), whatever its variance; it gets no correction, as in clubSandwich.
ABSORBED = 1e-8
#: Share of the largest eigenvalue below which another one is no more than rounding.
ROUNDING = 1e-15
#: CR2 works with a square matrix of this size per cluster at most (some 10 s each at the limit).
LARGEST = 4_000


@dataclass(frozen=True, slots=True)
class ClusterRobust:
    """A sandwich covariance of the fixed effects, and the degrees of freedom that go with it.

    Attributes
    ----------
    group : str
        The clusters.
    kind : {"CR0", "CR2"}
    n_clusters : int
    covariance : array, shape (p, p)
    phi : array, shape (p, p)
        M, the model's own covariance.
    own : array, shape (n_clusters, p, p)
        G_c'V_c G_c, with G_c the weights of the cluster's residuals in its score.
    met : array, shape (n_clusters, p, p)
        X_c'G_c.
    """

    group: str
    kind: RobustKind
    n_clusters: int
    covariance: FloatArray
    phi: FloatArray
    own: FloatArray
    met: FloatArray

    def degrees(self, rows: FloatArray) -> FloatArray:
        """Satterthwaite degrees of freedom of each row of L, shape (r,).

        Twice the squared mean of the variance estimate over its variance, both under the model.
        """
        weights = np.atleast_2d(rows) @ self.phi
        own = np.einsum("ra,cab,rb->rc", weights, self.own, weights, optimize=True)
        met = np.einsum("cab,rb->rca", self.met, weights)
        carried = met @ self.phi
        shared = np.einsum("rca,rca->rc", carried, met)
        mean = np.sum(own - shared, axis=1)
        moment = np.einsum("rca,rcb->rab", carried, met)
        variance = np.sum(own**2 - 2.0 * own * shared, axis=1) + np.einsum("rab,rba->r", moment, moment)
        found: FloatArray = np.divide(mean**2, variance, out=np.full(len(mean), np.nan), where=variance > 0)
        return found


def cluster_robust(
    solution: MixedSolution, group: str | None = None, *, kind: RobustKind = "CR2"
) -> ClusterRobust:
    """Sandwich covariance that stays right when the random part is wrong, if the clusters are independent.

    Parameters
    ----------
    solution : MixedSolution
    group : str, optional
        A grouping factor within whose groups all others lie; the one that does, when left out.
    kind : {"CR0", "CR2"}
        CR2 corrects the bias of CR0 with few clusters; it is exact if the model holds.

    Returns
    -------
    ClusterRobust

    Raises
    ------
    ModelError
        If the groups of another factor cut across the clusters, a name is unknown, or a cluster is too large
        for CR2.

    Notes
    -----
    With V_c the model's covariance of a cluster, M = (sum X_c'V_c^-1 X_c)^-1 and residuals e_c, the
    covariance is M (sum G_c'e_c e_c'G_c) M with G_c = A_c'V_c^-1 X_c. CR0 has A = I. CR2 has the symmetric A
    with A (V_c - X_c M X_c') A = V_c, that is A = V^1/2 (V^1/2 (V_c - X_c M X_c') V^1/2)^-1/2 V^1/2. Without
    weights and residual structure V_c is a multiple of I outside the space of Z_c and X_c, where A is 1: the
    work is done in that space.

    References
    ----------
    Bell, R. M. & McCaffrey, D. F. (2002). Survey Methodology, 28, 169-181.
    Pustejovsky, J. E. & Tipton, E. (2018). Journal of Business & Economic Statistics, 36, 672-683.
    doi:10.1080/07350015.2016.1247004
    """
    if kind not in ("CR0", "CR2"):
        raise ModelError(f"kind must be 'CR0' or 'CR2'; found {kind!r}.")
    term = solution.problem.random[_find_clusters(solution, group)]
    order = np.argsort(term.codes, kind="stable")
    members = np.split(order, np.searchsorted(term.codes[order], np.arange(1, len(term.levels))))
    members = [rows for rows in members if len(rows)]
    problem = solution.problem
    residual = problem.y - problem.x @ solution.beta
    if kind == "CR0":
        both = apply_inverse(form_equations(solution), np.column_stack([problem.x, residual]))
        both /= solution.sigma2
        met = np.array([problem.x[rows].T @ both[rows, :-1] for rows in members])
        scores = np.array([problem.x[rows].T @ both[rows, -1] for rows in members])
        own = met
    else:
        working = _Working(solution)
        working.check_size(members, term.group)
        pieces = [working.adjusted(rows, residual[rows]) for rows in members]
        own, met, scores = (np.array(part) for part in zip(*pieces, strict=True))
    bread = solution.covariance
    covariance = bread @ (scores.T @ scores) @ bread
    return ClusterRobust(term.group, kind, len(members), covariance, bread, own, met)


def _find_clusters(solution: MixedSolution, group: str | None) -> int:
    """The random term whose groups are the clusters."""
    random = solution.problem.random
    coarsest = [t for t in range(len(random)) if not _cutting(solution, t)]
    if group is None:
        if not coarsest:
            raise ModelError(
                "Cluster-robust errors need groups that are independent of each other; here every grouping "
                "factor is crossed with another. Use Kenward-Roger or the bootstrap."
            )
        return min(coarsest, key=lambda t: len(random[t].levels))
    index = find_group(solution.problem, group)[0]
    if index in coarsest:
        return index
    other = random[_cutting(solution, index)[0]].group
    advice = f"use {random[coarsest[0]].group!r}" if coarsest else "use Kenward-Roger or the bootstrap"
    raise ModelError(
        f"Cluster-robust errors were asked for clusters of {random[index].group!r}, but groups of {other!r} "
        f"have rows in several of these, so that they are not independent of each other; {advice}."
    )


def _cutting(solution: MixedSolution, index: int) -> list[int]:
    """Random terms with a group that lies in several groups of this term."""
    codes = solution.problem.random[index].codes
    found = []
    for t, term in enumerate(solution.problem.random):
        first = np.zeros(len(term.levels), dtype=np.intp)
        first[term.codes] = codes
        if not np.array_equal(first[term.codes], codes):
            found.append(t)
    return found


class _Working:
    """The model's covariance of the rows of one cluster at a time."""

    def __init__(self, solution: MixedSolution) -> None:
        self.solution = solution
        plain = solution.problem.weights is None and solution.problem.residual is None
        self.whiten = None if plain else whitening(solution).tocsr()
        self.covariances = [solution.random_covariance(t) for t in range(len(solution.problem.random))]
        self.fixed_root = np.linalg.cholesky(solution.covariance)

    def adjusted(
        self, rows: NDArray[np.intp], residual: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """G'VG (p, p), X'G (p, p) and G'e (p,) of one cluster under CR2."""
        x, spread = self.solution.problem.x[rows], self._random_part(rows)
        sigma2 = self.solution.sigma2
        if self.whiten is None:
            base = _column_space(np.hstack([x, spread]))
            if base.shape[1] < len(rows):
                x, spread, residual = base.T @ x, base.T @ spread, base.T @ residual
            v = sigma2 * np.eye(len(x)) + spread @ spread.T
        else:
            part = self.whiten[rows][:, rows].toarray()
            v = sigma2 * np.linalg.inv(part.T @ part) + spread @ spread.T
        values, vectors = np.linalg.eigh(v)
        root = np.sqrt(values)
        half = (vectors * root) @ vectors.T
        # G = A V^-1 X = V^1/2 left^-1/2 V^-1/2 X with left = V (I - W W') V: as many zeros as W has singular
        # values of one, however large V is there; taken out before V, whose rounding would drown the rest
        towards = ((vectors / root) @ vectors.T) @ x
        turned, shares, _ = np.linalg.svd(towards @ self.fixed_root)
        left_over = np.ones(len(turned))
        left_over[: shares.size] = 1.0 - shares**2
        free = left_over > ABSORBED
        turns, roots, _ = np.linalg.svd(v @ (turned[:, free] * np.sqrt(left_over[free])), full_matrices=False)
        keep = roots**2 > ROUNDING * np.max(roots, initial=0.0) ** 2
        g = half @ ((turns[:, keep] / roots[keep]) @ (turns[:, keep].T @ towards))
        return g.T @ v @ g, x.T @ g, g.T @ residual

    def _random_part(self, rows: NDArray[np.intp]) -> FloatArray:
        """A matrix whose square is the covariance from the random effects, shape (rows, effects)."""
        parts = []
        for term, covariance in zip(self.solution.problem.random, self.covariances, strict=True):
            values, vectors = np.linalg.eigh(covariance)
            effects = term.z[rows] @ (vectors * np.sqrt(np.maximum(values, 0.0)))
            groups, codes = np.unique(term.codes[rows], return_inverse=True)
            wide = np.zeros((len(rows), len(groups), effects.shape[1]))
            wide[np.arange(len(rows)), codes] = effects
            parts.append(wide.reshape(len(rows), -1))
        return np.hstack(parts)

    def check_size(self, members: list[NDArray[np.intp]], group: str) -> None:
        """Refuse clusters for which CR2 would take minutes."""
        random = self.solution.problem.random
        for rows in members:
            size = len(rows)
            if size > LARGEST and self.whiten is None:
                size = sum(len(np.unique(term.codes[rows])) * term.z.shape[1] for term in random)
            if size > LARGEST:
                raise ModelError(
                    f"A cluster of {group!r} has {len(rows)} rows and {size} dimensions, too many for CR2 "
                    f"(at most {LARGEST}). Use kind='CR0', which is as good where there are many clusters."
                )


def _column_space(columns: FloatArray) -> FloatArray:
    """An orthonormal basis of the columns, shape (rows, rank)."""
    if columns.shape[1] >= columns.shape[0]:
        return np.eye(columns.shape[0])
    lengths = np.linalg.norm(columns, axis=0)
    left, values, _ = np.linalg.svd(columns / np.where(lengths > 0, lengths, 1.0), full_matrices=False)
    return np.asarray(left[:, values > 1e-12 * values[0]])
