"""Variance of the error of x'beta + z'b for known groups, and the degrees of freedom of that variance.

The prediction is a'y with weights a = V^-1 (Cov(y, z'b) + X Phi d), and its error has the variance
C = Var(a'y - z'b). Since a makes C as small as it can be under X'a = x, its own change does not count when a
variance parameter moves: with u_g = Z_g'a - z_g, for every group of a random term,

    dC / dG = sum over groups of u_g u_g',      dC / dsigma^2 = a'R a,

and Satterthwaite's degrees of freedom are those of the whole of C, 2 C^2 / (its gradient's variance).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.inference.block_inverse import BlockInverse
from mpg_research.mixed.inference.information import Information, information
from mpg_research.mixed.inference.row_equations import Equations, form_equations, spherical_design
from mpg_research.mixed.inference.tests import Inference
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.problem import RandomTerm
from mpg_research.mixed.search.solution import MixedSolution, make_solution

__all__ = ["Asked", "prediction_error"]


#: Rows whose variances are worked out together.
AT_ONCE = 100
#: Random effects of the blocks that such a set asks for, if these are several.
LARGEST = 2_000
#: Step in the parameters of a residual structure, which are free of scale.
STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be predicted, for m rows.

    Attributes
    ----------
    x : array, shape (m, p)
    z : per random term, array of shape (m, q)
    codes : per random term, array of shape (m,)
        Groups; -1 where the fit has not seen it.
    included : tuple of int
        Terms whose known groups are predicted; all others are left out, or new draws (``wider``).
    wider : bool
        Whether terms that are not included, and the residual, are part of the error.
    kinds : array, shape (m, c)
        What the residual variance depends on, as the residual structure has it.
    """

    x: FloatArray
    z: tuple[FloatArray, ...]
    codes: tuple[IntArray, ...]
    included: tuple[int, ...]
    wider: bool
    kinds: FloatArray

    def at(self, rows: Any) -> "Asked":
        """Some of the rows."""
        z, codes = tuple(part[rows] for part in self.z), tuple(part[rows] for part in self.codes)
        return Asked(self.x[rows], z, codes, self.included, self.wider, self.kinds[rows])

    def drawn(self, term: int) -> FloatArray:
        """Z where the term's effect is that of a new group, zero elsewhere; shape (m, q)."""
        if term in self.included:
            return np.where(self.codes[term][:, None] < 0, self.z[term], 0.0)
        return self.z[term] if self.wider else np.zeros_like(self.z[term])

    def known(self, term: int) -> FloatArray:
        """Z where the term's effect is that of a known group, zero elsewhere; shape (m, q)."""
        inside = (self.codes[term] >= 0) & (term in self.included)
        return np.where(inside[:, None], self.z[term], 0.0)

    def residual(self, solution: MixedSolution) -> FloatArray:
        """Variance of a new residual relative to sigma^2, shape (m,); zero where that is no error."""
        if not self.wider:
            return np.zeros(len(self.x))
        structure = solution.problem.residual
        if structure is None:
            return np.ones(len(self.x))
        return np.asarray(structure.variances(solution.residual_parameters, self.kinds))


def prediction_error(
    solution: MixedSolution, inference: Inference, asked: Asked
) -> tuple[FloatArray, FloatArray]:
    """Variance of the prediction error and its degrees of freedom, shape (m,) each.

    Parameters
    ----------
    solution : MixedSolution
    inference : Inference
        The rule: its covariance of the fixed effects, its information, or its constant df.
    asked : Asked
        NaN in ``x`` where the mean cannot be estimated; NaN comes out.

    Notes
    -----
    Where a variance is estimated as zero, the share of the fixed effects in the error has no more than the
    design's degrees of freedom.

    References
    ----------
    Henderson, C. R. (1975). Biometrics, 31, 423-447. doi:10.2307/2529430
    Kuznetsova, Brockhoff & Christensen (2017), 10.18637/jss.v082.i13.
    """
    good = np.flatnonzero(np.isfinite(asked.x).all(axis=1))
    variance, df = np.full(len(asked.x), np.nan), np.full(len(asked.x), np.nan)
    if len(good):
        variance[good], df[good] = _errors(solution, inference, asked.at(good))
    return variance, df


def _errors(solution: MixedSolution, inference: Inference, asked: Asked) -> tuple[FloatArray, FloatArray]:
    distinct, inverse = _distinct(asked)
    few = asked.at(distinct)
    work = _Work(solution)
    model, fixed = work.variances(few)
    rest = fixed @ (inference.covariance - solution.covariance)
    variance = model + np.einsum("mp,mp->m", rest, fixed)
    if inference.constant is not None:
        return variance[inverse], np.full(len(inverse), inference.constant)
    found = information(solution, inference.kind)
    gradient = work.gradients(few, found)
    spread = np.einsum("mi,ij,mj->m", gradient, found.inverse, gradient) / (2.0 * model**2)
    if inference.design is not None:
        ceiling, own = inference.design.of(few.x), inference.estimated_df(few.x)
        share = np.einsum("mp,pr,mr->m", fixed, solution.covariance, fixed) / model
        spread = spread + share**2 * np.maximum(0.0, 1.0 / ceiling - 1.0 / own)
    with np.errstate(divide="ignore"):
        df = np.where(spread > 0, 1.0 / spread, np.inf)
    return variance[inverse], df[inverse]


class _Work:
    """The equations of one fit, and what all rows need of them.

    With C, A, K of :mod:`equations`, v = Lambda'z, s = A^-1 v, B = KX - C A^-1 C'KX, d = x - X'K'C s and
    h = Phi d (Phi relative to sigma^2): K'^-1 a = C s + B h.
    """

    def __init__(self, solution: MixedSolution) -> None:
        self.solution = solution
        self.equations: Equations = form_equations(solution)
        self.carried = self.equations.factor.solve(self.equations.towards_x)

    def variances(self, asked: Asked) -> tuple[FloatArray, FloatArray]:
        """C (m,) with the model's own covariance of the fixed effects, and d (m, p)."""
        solution, factor = self.solution, self.equations.factor
        v = self._spherical(asked)
        fixed = asked.x - v @ self.carried
        variance = solution.sigma2 * np.einsum("mp,pr,mr->m", fixed, solution.phi, fixed)
        columns = v.T.tocsc()
        for members in _by_block(columns, factor, np.flatnonzero(np.diff(columns.indptr))):
            variance[members] += solution.sigma2 * np.diagonal(factor.between(columns[:, members]))
        for term in range(len(asked.z)):
            drawn = asked.drawn(term)
            variance += np.einsum("mi,ij,mj->m", drawn, solution.random_covariance(term), drawn)
        variance += solution.sigma2 * asked.residual(solution)
        return variance, np.asarray(fixed)

    def gradients(self, asked: Asked, found: Information) -> FloatArray:
        """Derivatives of C in the parameters of the information, shape (m, k)."""
        solution = self.solution
        squares, residual = self._squares(asked)
        parts = []
        for term, square in zip(solution.problem.random, squares, strict=True):
            q = square.shape[1]
            rows, columns = term.structure.free(q)
            parts.append(square[:, rows, columns] * np.where(rows == columns, 1.0, 2.0))
        jacobian = found.jacobian
        components = np.zeros((len(asked.x), len(jacobian)))
        n_random = sum(part.shape[1] for part in parts)
        components[:, :n_random], components[:, -1] = np.hstack(parts), residual
        gradient = components @ jacobian
        first = len(found.kept) - 1 - (len(jacobian) - 1 - n_random)
        for place, slope in self._structure_slopes(asked, found.kept[first:-1]):
            gradient[:, int(np.sum(found.kept[: first + place]))] = slope
        return np.asarray(gradient)

    def _spherical(self, asked: Asked) -> Any:
        found = spherical_design(self.solution, asked.z, asked.codes, asked.included)
        found.eliminate_zeros()
        return found

    def _squares(self, asked: Asked) -> tuple[list[FloatArray], FloatArray]:
        """Sum over groups of u u' per term, (m, q, q), and a'R a, (m,)."""
        solution, equations = self.solution, self.equations
        problem, factor = solution.problem, equations.factor
        sizes = [len(term.levels) * term.z.shape[1] for term in problem.random]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        towards = (equations.whiten @ _plain_design(solution)).T.tocsr()
        inner = (towards @ equations.c).tocsc()
        b = equations.whiten @ problem.x - equations.c @ self.carried
        outer = towards @ b
        v = self._spherical(asked)
        fixed = asked.x - v @ self.carried
        h = np.asarray(fixed @ solution.phi)
        residual = np.einsum("mp,pr,mr->m", h, b.T @ b, h)
        squares = []
        for term, start in zip(problem.random, starts[:-1], strict=True):
            q = term.z.shape[1]
            own = outer[start : start + len(term.levels) * q].reshape(len(term.levels), q, outer.shape[1])
            pairs = np.einsum("gap,gbr->abpr", own, own, optimize=True)
            squares.append(np.einsum("mp,abpr,mr->mab", h, pairs, h, optimize=True))
        parts = [_by_group(asked.known(t), asked.codes[t], term) for t, term in enumerate(problem.random)]
        wanted = sparse.hstack(parts).tocsr()
        wanted.eliminate_zeros()
        columns = v.T.tocsc()
        for members in _by_block(columns, factor, np.flatnonzero(np.diff(wanted.indptr))):
            blocks = np.unique(factor.labels[columns[:, members].indices])
            union = np.concatenate([*(factor.members[block] for block in blocks), np.arange(0)])
            asks = columns[:, members].tocsr()[union].toarray()
            s = np.empty_like(asks)
            at = 0
            for block in blocks:
                stop = at + len(factor.members[block])
                s[at:stop] = factor.block_solve(int(block), asks[at:stop])
                at = stop
            residual[members] += np.sum(s * (asks - s), axis=0)
            residual[members] += 2.0 * np.sum(s * (self.carried[union] @ h[members].T), axis=0)
            part = inner[:, union].tocsr()
            plain = wanted[members].T.tocsr()
            rows = np.flatnonzero(np.diff(part.indptr) + np.diff(plain.indptr))
            local = part[rows] @ s - plain[rows].toarray()
            shared = outer[rows] @ h[members].T
            for t, term in enumerate(problem.random):
                q = term.z.shape[1]
                mine = (rows >= starts[t]) & (rows < starts[t + 1])
                place, column = np.divmod(rows[mine] - starts[t], q)
                groups, compact = np.unique(place, return_inverse=True)
                one, other = np.zeros((2, len(groups), q, len(members)))
                one[compact, column], other[compact, column] = local[mine], shared[mine]
                cross = np.einsum("gam,gbm->mab", one, other, optimize=True)
                squares[t][members] += np.einsum("gam,gbm->mab", one, one, optimize=True)
                squares[t][members] += cross + cross.transpose(0, 2, 1)
        for t in range(len(problem.random)):
            drawn = asked.drawn(t)
            squares[t] += drawn[:, :, None] * drawn[:, None, :]
        return squares, residual + asked.residual(solution)

    def _structure_slopes(self, asked: Asked, kept: NDArray[np.bool_]) -> list[tuple[int, FloatArray]]:
        """Derivatives in the kept parameters of a residual structure, by differences, and which they are."""
        solution = self.solution
        engine: Engine = solution.engine
        if engine.structure is None or not isinstance(engine.route, NestedRoute):
            return []
        found = []
        for place in np.flatnonzero(kept).tolist():
            sides = []
            for step in (STEP, -STEP):
                internal = solution.internal.copy()
                internal[engine.n_theta + place] += step
                moved = make_solution(engine, internal, np.zeros_like(internal), 1, True, "moved")
                sides.append(_Work(moved).variances(asked)[0] / moved.sigma2)
            found.append((place, solution.sigma2 * (sides[0] - sides[1]) / (2.0 * STEP)))
        return found


def _plain_design(solution: MixedSolution) -> Any:
    """Z itself, all terms side by side."""
    return sparse.hstack([_by_group(term.z, term.codes, term) for term in solution.problem.random]).tocsr()


def _by_group(z: FloatArray, codes: IntArray, term: RandomTerm) -> Any:
    """Rows of z (m, q) in the columns of their group; zero where the group is unknown."""
    n, q = z.shape
    values = np.where(codes[:, None] >= 0, z, 0.0)
    columns = np.maximum(codes, 0)[:, None] * q + np.arange(q)
    shape = (n, len(term.levels) * q)
    return sparse.csr_matrix((values.ravel(), columns.ravel(), np.arange(n + 1) * q), shape=shape)


def _by_block(columns: Any, factor: BlockInverse, wanted: IntArray) -> list[IntArray]:
    """The wanted columns in sets of at most :data:`AT_ONCE` that ask for few blocks, or for small ones."""
    filled = np.diff(columns.indptr)[wanted] > 0
    block = np.full(len(wanted), -1)
    block[filled] = factor.labels[columns.indices[columns.indptr[wanted[filled]]]]
    order = np.argsort(block, kind="stable")
    sets: list[IntArray] = []
    start, size = 0, 0
    for place, index in enumerate(order):
        new = place == start or block[index] != block[order[place - 1]]
        own = len(factor.members[block[index]]) if new and block[index] >= 0 else 0
        if place > start and (place - start == AT_ONCE or size + own > LARGEST):
            sets.append(wanted[order[start:place]])
            start, size = place, 0
            own = len(factor.members[block[index]]) if block[index] >= 0 else 0
        size += own
    return [*sets, wanted[order[start:]]] if len(order) else []


def _distinct(asked: Asked) -> tuple[IntArray, IntArray]:
    """The first row of every kind, and the kind of each row."""
    parts: list[NDArray[Any]] = [asked.x, asked.kinds]
    for term, codes in enumerate(asked.codes):
        parts += [asked.drawn(term), asked.known(term)]
        if term in asked.included:
            parts.append(codes[:, None])
    _, first, inverse = np.unique(np.hstack(parts), axis=0, return_index=True, return_inverse=True)
    return first, inverse.ravel()
