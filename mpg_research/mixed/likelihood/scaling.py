"""Internal coordinates: an orthonormal base for X, a residualised outcome, orthonormal random columns.

All numerics run in coordinates that do not depend on the origin or unit of the outcome, of time or of
any other column, so that conditioning and the optimiser's path do not either:

* ``X = base R`` with ``base`` orthonormal (times root n), ``y = X beta_ols + scale * y_base``;
* ``Z_t = Z~_t R_t`` per term, ``R_t`` upper triangular (diagonal for an uncorrelated term), so that
  ``Lambda~ Lambda~' = R_t Lambda Lambda' R_t'``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.random_part import RandomStructure
from mpg_research.mixed.problem import MixedProblem, RandomTerm

__all__ = ["Scaled", "TermScale", "scale_problem"]


@dataclass(frozen=True, slots=True)
class TermScale:
    """How the internal columns of one random term relate to the user's.

    Attributes
    ----------
    root : array, shape (q, q)
        Upper triangle with ``Z = Z~ root``; diagonal for an uncorrelated term.
    structure : RandomStructure
    """

    root: FloatArray
    structure: RandomStructure

    @property
    def n_parameters(self) -> int:
        """Number of free entries of Lambda."""
        return self.structure.count(int(self.root.shape[0]))

    @property
    def correlated(self) -> bool:
        """Whether effects of one group may be correlated."""
        return self.structure.correlated

    def inward(self, factor: FloatArray) -> FloatArray:
        """Lambda of the user's columns -> Lambda of the internal columns."""
        return self.structure.inward(self.root, factor)

    def outward(self, factor: FloatArray) -> FloatArray:
        """Lambda of the internal columns -> Lambda of the user's columns, diagonal not negative."""
        return self.structure.outward(self.root, factor)


@dataclass(frozen=True, slots=True)
class Scaled:
    """The problem in internal coordinates.

    Attributes
    ----------
    fixed : array, shape (p + 1, n)
        Orthonormal rows spanning the columns of sqrt(w) X, times root n, and last the scaled residual
        outcome.
    x_root : array, shape (p, p)
        ``sqrt(w) X = fixed[:p]' x_root``: an upper triangle whose columns are permuted, because columns that
        are random too come first in the base.
    x_inverse : array, shape (p, p)
        Its inverse: beta = x_inverse times the coefficients of the base.
    beta_start : array, shape (p,)
        (Weighted) least-squares coefficients, subtracted from the outcome.
    y_scale : float
    z : tuple of arrays, each (q_t, n)
        Internal random columns times sqrt(w), one row each.
    terms : tuple of TermScale
    in_base : tuple of bool
        True where the term's ``z`` simply is the first rows of ``fixed``.
    log_weights : float
        Sum of log w: the weights' share of the log-likelihood.
    """

    fixed: FloatArray
    x_root: FloatArray
    x_inverse: FloatArray
    beta_start: FloatArray
    y_scale: float
    z: tuple[FloatArray, ...]
    terms: tuple[TermScale, ...]
    in_base: tuple[bool, ...]
    log_weights: float

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.fixed.shape[1])

    @property
    def p(self) -> int:
        """Number of fixed-effect columns."""
        return int(self.fixed.shape[0]) - 1

    @property
    def n_parameters(self) -> int:
        """Length of theta."""
        return sum(term.n_parameters for term in self.terms)

    def factors(self, internal: FloatArray) -> list[FloatArray]:
        """Internal parameters (..., n_theta) -> internal Lambda of each term, (..., q, q)."""
        found, start = [], 0
        for term in self.terms:
            stop = start + term.n_parameters
            found.append(term.structure.unpack(internal[..., start:stop], term.root.shape[0]))
            start = stop
        return found

    def to_internal(self, theta: FloatArray) -> FloatArray:
        """lme4's theta -> internal parameter vector."""
        pairs = zip(self.terms, self.factors(theta), strict=True)
        return np.concatenate([term.structure.pack(term.inward(factor)) for term, factor in pairs])

    def to_theta(self, internal: FloatArray) -> FloatArray:
        """Internal parameter vector -> lme4's theta."""
        pairs = zip(self.terms, self.factors(internal), strict=True)
        return np.concatenate([term.structure.pack(term.outward(factor)) for term, factor in pairs])


def orthonormal_rows(rows: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Rows (k, n) -> base (k, n) with ``base base' = n I`` and upper triangle with ``rows = root' base``.

    Cholesky QR, done twice (Yamamoto et al. 2015: orthogonal to rounding where the columns' condition
    is below 1e7); Householder QR beyond that; None where the rows are linearly dependent.
    """
    size, n = rows.shape
    if size == 0:
        return rows, np.zeros((0, 0))
    gram = rows @ rows.T / n
    lengths = np.sqrt(np.diagonal(gram))
    if np.any(lengths == 0):
        return None
    gram = gram / np.outer(lengths, lengths)
    if np.linalg.eigvalsh(gram)[0] < 1e-13:
        base, root = np.linalg.qr((rows / lengths[:, None]).T)
        diagonal = np.diagonal(root)
        if np.min(np.abs(diagonal)) < 1e-10 * np.sqrt(n):
            return None
        signs = np.where(diagonal < 0, -np.sqrt(n), np.sqrt(n))
        return np.ascontiguousarray(base.T) * signs[:, None], root / signs[:, None] * lengths
    lower = np.linalg.cholesky(gram)
    base = (solve_triangular(lower, np.eye(size), lower=True) / lengths) @ rows
    root = lower.T * lengths
    gram = base @ base.T / n
    if np.max(np.abs(gram - np.eye(size))) > 1e-14:
        lower = np.linalg.cholesky(gram)
        base = solve_triangular(lower, np.eye(size), lower=True) @ base
        root = lower.T @ root
    return base, root


def _scale_term(term: RandomTerm, root_weights: FloatArray | None) -> tuple[FloatArray, TermScale]:
    z = np.ascontiguousarray(np.asarray(term.z, dtype=float).T)
    if root_weights is not None:
        z = z * root_weights
    if term.correlated and z.shape[0] > 1:
        found = orthonormal_rows(z)
        if found is not None:
            return found[0], TermScale(found[1], term.structure)
    lengths = np.sqrt(np.einsum("ij,ij->i", z, z) / z.shape[1])
    lengths = np.where(lengths > 0, lengths, 1.0)
    return z / lengths[:, None], TermScale(np.diag(lengths), term.structure)


def scale_problem(problem: MixedProblem) -> Scaled:
    """Put a problem into internal coordinates.

    Raises
    ------
    ModelError
        If X has not full column rank, there are not more rows than columns, a weight is not positive,
        or nothing is left to explain.
    """
    x = np.ascontiguousarray(np.asarray(problem.x, dtype=float).T)
    y = np.asarray(problem.y, dtype=float)
    p, n = x.shape
    _check(problem, n, p)
    root_weights = None if problem.weights is None else np.sqrt(np.asarray(problem.weights, dtype=float))
    if root_weights is not None:
        x, y = x * root_weights, y * root_weights
    order = _random_first(problem)
    found = orthonormal_rows(x[order] if np.any(order[1:] < order[:-1]) else x)
    if found is None:
        raise ModelError(
            "The fixed-effect columns are linearly dependent; expected a design of full rank. "
            "Drop the aliased columns first."
        )
    base, triangle = found
    root, inverse = np.empty((p, p)), np.empty((p, p))
    root[:, order] = triangle
    inverse[order] = solve_triangular(triangle, np.eye(p)) if p else inverse
    fixed = np.empty((p + 1, n))
    fixed[:p] = base
    coefficients = base @ y / n
    residual = y - coefficients @ base
    again = base @ residual / n
    residual -= again @ base
    y_scale = float(np.sqrt(residual @ residual / n))
    if not y_scale > 1e-13 * float(np.sqrt(y @ y / n)):
        raise ModelError(
            "The fixed effects reproduce the outcome exactly, so nothing is left to explain; "
            "expected an outcome that varies around its mean. Check the outcome column."
        )
    fixed[p] = residual / y_scale
    shared = [_leading(problem, term, order) for term in problem.random]
    scaled_terms = [
        (fixed[: term.z.shape[1]], TermScale(triangle[: term.z.shape[1], : term.z.shape[1]], term.structure))
        if same
        else _scale_term(term, root_weights)
        for term, same in zip(problem.random, shared, strict=True)
    ]
    return Scaled(
        fixed=fixed,
        x_root=root,
        x_inverse=inverse,
        beta_start=inverse @ (coefficients + again),
        y_scale=y_scale,
        z=tuple(z for z, _ in scaled_terms),
        terms=tuple(scale for _, scale in scaled_terms),
        in_base=tuple(shared),
        log_weights=0.0 if root_weights is None else float(2.0 * np.sum(np.log(root_weights))),
    )


def _random_first(problem: MixedProblem) -> NDArray[np.intp]:
    """Order of the fixed columns with those that are random columns too in front."""
    x = problem.x
    chosen = []
    for k in range(x.shape[1]):
        head = x[:50, k]
        for term in problem.random:
            same = [
                j
                for j in range(term.z.shape[1])
                if np.array_equal(head, term.z[:50, j]) and np.array_equal(x[:, k], term.z[:, j])
            ]
            if same:
                chosen.append(k)
                break
    others = [k for k in range(x.shape[1]) if k not in chosen]
    return np.array(chosen + others, dtype=np.intp)


def _leading(problem: MixedProblem, term: RandomTerm, order: NDArray[np.intp]) -> bool:
    """Whether the term's columns are the first fixed columns, in the same order."""
    size = term.z.shape[1]
    if size > order.size or (size > 1 and not term.correlated):
        return False
    return all(np.array_equal(term.z[:, j], problem.x[:, order[j]]) for j in range(size))


def _check(problem: MixedProblem, n: int, p: int) -> None:
    if n <= p:
        raise ModelError(
            f"The model has {p} fixed effects but only {n} rows of data; expected more rows than effects. "
            "Simplify the fixed part or supply more data."
        )
    if problem.weights is not None and not np.all(np.asarray(problem.weights) > 0):
        raise ModelError("A weight is zero, negative or missing; expected weights above 0. Drop those rows.")
