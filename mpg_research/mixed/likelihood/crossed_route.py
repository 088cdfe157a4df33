"""The general route: eliminate the largest grouping factor by blocks, the rest as one dense block.

Exact for any mixture of nested, partly crossed and crossed factors. The cost is set by the number of
random effects outside the largest factor (their dense Cholesky); nested levels have a route of
their own that is linear in the number of groups.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cholesky
from scipy.linalg.lapack import dpotri

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.scaling import Scaled
from mpg_research.mixed.likelihood.sparse_blocks import (
    as_dense,
    blocks_times,
    indicator,
    is_invertible,
    rows_weighed,
)
from mpg_research.mixed.problem import MixedProblem

__all__ = ["CrossedRoute", "CrossedState"]

# Up to so many multiplications a dense product costs less than finding one's way through a sparse matrix.
DENSE_PRODUCT = 5_000_000
# Up to so many numbers a design that is mostly zeros is held whole.
DENSE_DESIGN = 20_000


@dataclass(frozen=True, slots=True)
class CrossedState:
    """Everything one evaluation of the objective leaves for the gradient and the modes.

    ``k0`` (n0, q0, q0) is Lambda (I + Lambda'A Lambda)^-1 Lambda' of the eliminated factor, ``kc`` (m, m)
    the same of the dense block given that elimination, with ``inner`` the inverse in its middle; ``d_zz``,
    ``d_zf`` are the dense block after it, and ``factors`` the internal Lambda of each term. ``s``
    (p+1, p+1) is [X y]'V^-1[X y] and ``log_det`` is log|V|, both unscaled.
    """

    log_det: float
    s: FloatArray
    k0: FloatArray
    kc: FloatArray
    inner: FloatArray
    d_zz: FloatArray
    d_zf: FloatArray
    factors: tuple[FloatArray, ...]


class CrossedRoute:
    """Cross-products of a problem, and the sweeps over them."""

    def __init__(self, problem: MixedProblem, scaled: Scaled, *, largest: int | None = None) -> None:
        self.scaled = scaled
        counts = [len(term.levels) for term in problem.random]
        self.counts = counts
        if largest is None:
            largest = max(range(len(counts)), key=lambda t: counts[t] * problem.random[t].z.shape[1])
        first_codes = problem.random[largest].codes
        self.first = [
            t
            for t, term in enumerate(problem.random)
            if counts[t] == counts[largest]
            and (term.codes is first_codes or np.array_equal(term.codes, first_codes))
        ]
        self.rest = [t for t in range(len(counts)) if t not in self.first]
        self.n0 = counts[largest]
        z0 = np.concatenate([scaled.z[t] for t in self.first], axis=0)
        self.q0 = z0.shape[0]
        self.codes = first_codes
        self.z0 = z0
        self.fixed = np.ascontiguousarray(scaled.fixed.T)
        self.e = self.fixed.shape[1]
        self.offsets: dict[int, int] = {}
        self.m = 0
        wide = []
        for t in self.rest:
            self.offsets[t] = self.m
            self.m += counts[t] * scaled.z[t].shape[0]
            wide.append(indicator(scaled.z[t], problem.random[t].codes, counts[t]))
        self.zc: Any = sparse.hstack(wide, format="csr") if wide else sparse.csr_matrix((scaled.n, 0))
        self._z0_wide: Any = indicator(z0, self.codes, self.n0)
        self.is_small = scaled.n * (self.m + self.n0 * self.q0) <= DENSE_DESIGN
        if self.is_small:
            self.zc, self._z0_wide = self.zc.toarray(), self._z0_wide.toarray()
        self._form(self.fixed, z0.T, self.zc)

    def weigh(self, omega: FloatArray, link: FloatArray, previous: NDArray[np.intp]) -> None:
        """Form the cross-products anew under R^-1 given by row weights."""
        fixed, z0 = (rows_weighed(each, omega, link, previous) for each in (self.fixed, self.z0.T))
        if self.is_small:
            self._form(fixed, z0, rows_weighed(self.zc, omega, link, previous))
            return
        linked = np.flatnonzero(previous >= 0)
        rows = np.concatenate([np.arange(omega.size), linked, previous[linked]])
        columns = np.concatenate([np.arange(omega.size), previous[linked], linked])
        values = np.concatenate([omega, -link[linked], -link[linked]])
        inverse = sparse.csr_matrix((values, (rows, columns)), shape=(omega.size, omega.size))
        self._form(fixed, z0, inverse @ self.zc)

    def _form(self, fixed: FloatArray, z0: FloatArray, zc: Any) -> None:
        """Cross-products with R^-1 times the designs: of [X y] (n, e), of the first factor (n, q0), of the
        rest (n, m).
        """
        self.a0 = np.empty((self.n0, self.q0, self.q0))
        for i in range(self.q0):
            for j in range(self.q0):
                self.a0[:, i, j] = np.bincount(self.codes, self.z0[i] * z0[:, j], minlength=self.n0)
        self.b0f = np.asarray(self._z0_wide.T @ fixed).reshape(self.n0, self.q0, self.e)
        self.c_ff = self.fixed.T @ fixed
        self.b0z: Any = self._z0_wide.T @ zc
        if not self.is_small:
            self.b0z = self.b0z.tocsr()
            if self.n0 * self.q0 * self.m**2 <= DENSE_PRODUCT:
                self.b0z = self.b0z.toarray()
        self.c_zz = as_dense(self.zc.T @ zc)
        self.c_zf = np.asarray(self.zc.T @ fixed)

    def _first_factor(self, factors: list[FloatArray]) -> FloatArray:
        joined = np.zeros((self.q0, self.q0))
        start = 0
        for t in self.first:
            stop = start + factors[t].shape[0]
            joined[start:stop, start:stop] = factors[t]
            start = stop
        return joined

    def rest_times(self, factors: list[FloatArray], matrix: FloatArray, *, transpose: bool) -> FloatArray:
        """Lambda_c matrix, or Lambda_c' matrix, for the block-diagonal Lambda_c of the dense block.

        ``factors`` are by term; those of the eliminated factor are not looked at.
        """
        result = np.empty_like(matrix)
        for t in self.rest:
            q = factors[t].shape[0]
            start, stop = self.offsets[t], self.offsets[t] + self.counts[t] * q
            block = matrix[start:stop].reshape(self.counts[t], q, -1)
            factor = factors[t].T if transpose else factors[t]
            result[start:stop] = (factor @ block).reshape(stop - start, -1)
        return result

    def first_slice(self, t: int) -> slice:
        """Columns of one term within the eliminated factor's block."""
        start = 0
        for other in self.first:
            size = self.scaled.z[other].shape[0]
            if other == t:
                return slice(start, start + size)
            start += size
        raise KeyError(t)

    def rest_direction(self, t: int, direction: FloatArray, matrix: FloatArray) -> FloatArray:
        """(I x E) matrix for one term of the dense block; zero in the rows of the others."""
        result = np.zeros_like(matrix)
        q = direction.shape[0]
        start, stop = self.offsets[t], self.offsets[t] + self.counts[t] * q
        block = matrix[start:stop].reshape(self.counts[t], q, -1)
        result[start:stop] = (direction @ block).reshape(stop - start, -1)
        return result

    def rest_trace(self, t: int, direction: FloatArray, left: FloatArray, right: FloatArray) -> float:
        """Trace of (I x E) left' right for one term of the dense block, from diagonal blocks alone."""
        q = direction.shape[0]
        first = self.offsets[t] + np.arange(self.counts[t]) * q
        total = 0.0
        for i in range(q):
            for j in range(q):
                if direction[i, j] != 0.0:
                    both = np.einsum("kg,kg->", left[:, first + j], right[:, first + i])
                    total += float(direction[i, j] * both)
        return total

    def evaluate(self, factors: list[FloatArray]) -> CrossedState:
        """Up-sweep: log|V| and S at the internal Lambda of each term."""
        l0 = self._first_factor(factors)
        m0 = l0.T @ self.a0 @ l0 + np.eye(self.q0)
        t0 = np.linalg.cholesky(m0)
        log_det = 2.0 * float(np.sum(np.log(np.diagonal(t0, axis1=1, axis2=2))))
        k0 = l0 @ np.linalg.solve(m0, np.broadcast_to(l0.T, m0.shape))
        k0 = 0.5 * (k0 + np.swapaxes(k0, 1, 2))
        kb_f = k0 @ self.b0f
        s = self.c_ff - np.tensordot(self.b0f, kb_f, axes=([0, 1], [0, 1]))
        if not self.m:
            empty = np.zeros((0, 0))
            return CrossedState(log_det, s, k0, empty, empty, empty, np.zeros((0, self.e)), tuple(factors))
        kb_z = blocks_times(k0, self.b0z)
        d_zz = self.c_zz - as_dense(self.b0z.T @ kb_z)
        d_zz = 0.5 * (d_zz + d_zz.T)
        d_zf = self.c_zf - kb_z.T @ self.b0f.reshape(-1, self.e)
        ld = self.rest_times(factors, d_zz, transpose=True)
        mc = self.rest_times(factors, np.ascontiguousarray(ld.T), transpose=True)
        mc[np.diag_indices(self.m)] += 1.0
        tc = cholesky(mc, lower=True, overwrite_a=True, check_finite=False)
        log_det += 2.0 * float(np.sum(np.log(np.diagonal(tc))))
        inverse = dpotri(tc, lower=1, overwrite_c=1)[0]
        lower = np.tril(inverse, -1)
        inner = lower + lower.T + np.diag(np.diagonal(inverse))
        kc = self.rest_times(factors, inner, transpose=False)
        kc = self.rest_times(factors, np.ascontiguousarray(kc.T), transpose=False)
        s = s - d_zf.T @ kc @ d_zf
        return CrossedState(log_det, 0.5 * (s + s.T), k0, kc, inner, d_zz, d_zf, tuple(factors))

    def rest_inverses(self, state: CrossedState) -> list[FloatArray] | None:
        """Lambda^-1 of each term of the dense block; None where one has no inverse worth having."""
        if not all(is_invertible(state.factors[t]) for t in self.rest):
            return None
        found = list(state.factors)
        for t in self.rest:
            found[t] = np.asarray(np.linalg.inv(found[t]), dtype=np.float64)
        return found

    def modes(self, state: CrossedState, weights: FloatArray) -> list[FloatArray]:
        """Posterior modes of the internal random effects for [X y] weights, per term (n_t, q_t)."""
        return [found[:, :, 0] for found in self._modes(state, weights[:, None])]

    def modes_of(self, state: CrossedState, weights: FloatArray, term: int) -> FloatArray:
        """Posterior modes of one term for several [X y] weights, (p + 1, m): (n_t, q_t, m)."""
        return self._modes(state, weights)[term]

    def _modes(self, state: CrossedState, weights: FloatArray) -> list[FloatArray]:
        bh_c = state.kc @ (state.d_zf @ weights)
        first = self.b0f @ weights - (self.b0z @ bh_c).reshape(self.n0, self.q0, -1)
        return self._per_term(state.k0 @ first, bh_c)

    def slopes(self, state: CrossedState, inner: FloatArray) -> list[FloatArray]:
        """Gamma_t = sum over groups of H - F inner F' with F = Z'V^-1[X y], per term (q_t, q_t)."""
        found = []
        for h, f in zip(self.informations(state), self.scores(state), strict=True):
            found.append(h.sum(axis=0) - np.tensordot(f @ inner, f, axes=([0, 2], [0, 2])))
        return found

    def _per_term(self, first: FloatArray, rest: FloatArray) -> list[FloatArray]:
        found: list[FloatArray] = [np.empty(0)] * len(self.counts)
        start = 0
        for t in self.first:
            q = self.scaled.z[t].shape[0]
            found[t] = first[:, start : start + q]
            start += q
        for t in self.rest:
            q = self.scaled.z[t].shape[0]
            stop = self.offsets[t] + self.counts[t] * q
            found[t] = rest[self.offsets[t] : stop].reshape(self.counts[t], q, -1)
        return found

    def scores(self, state: CrossedState) -> list[FloatArray]:
        """F = Z_t'V^-1[X y], per term (n_t, q_t, p + 1)."""
        bh_c = state.kc @ state.d_zf
        f_c = state.d_zf - state.d_zz @ bh_c
        raw = (self.b0f.reshape(-1, self.e) - self.b0z @ bh_c).reshape(self.n0, self.q0, self.e)
        return self._per_term(raw - self.a0 @ (state.k0 @ raw), f_c)

    def _cross_variance(self, left: Any, kc: FloatArray) -> FloatArray:
        """Diagonal blocks (n0, q0, q0) of left kc left', in chunks of groups where left is sparse."""
        if isinstance(left, np.ndarray):
            own = left.reshape(self.n0, self.q0, self.m)
            return np.asarray((left @ kc).reshape(own.shape) @ np.swapaxes(own, 1, 2))
        blocks = np.empty((self.n0, self.q0, self.q0))
        step = max(1, int(4_000_000 / max(1, self.m * self.q0)))
        for start in range(0, self.n0, step):
            stop = min(self.n0, start + step)
            rows = left[start * self.q0 : stop * self.q0]
            product = np.asarray(rows @ kc)
            for i in range(self.q0):
                mine = rows[i :: self.q0]
                for j in range(self.q0):
                    blocks[start:stop, i, j] = np.asarray(
                        mine.multiply(product[j :: self.q0]).sum(axis=1)
                    ).ravel()
        return blocks

    def _per_term_blocks(self, first: FloatArray, rest: FloatArray) -> list[FloatArray]:
        """Diagonal blocks (n_t, q_t, q_t) per term from the first factor's blocks and a dense matrix."""
        found: list[FloatArray] = [np.empty(0)] * len(self.counts)
        start = 0
        for t in self.first:
            q = self.scaled.z[t].shape[0]
            found[t] = first[:, start : start + q, start : start + q]
            start += q
        for t in self.rest:
            q, count = self.scaled.z[t].shape[0], self.counts[t]
            index = self.offsets[t] + np.arange(count * q).reshape(count, q)
            found[t] = rest[index[:, :, None], index[:, None, :]]
        return found

    def informations(self, state: CrossedState) -> list[FloatArray]:
        """H = Z_g'V^-1 Z_g of every group, per term (n_t, q_t, q_t)."""
        h_0 = self.a0 - self.a0 @ state.k0 @ self.a0
        if not self.m:
            return self._per_term_blocks(h_0, np.zeros((0, 0)))
        n_z = self.b0z - blocks_times(self.a0 @ state.k0, self.b0z)
        h_0 = h_0 - self._cross_variance(n_z, state.kc)
        found = self._per_term_blocks(h_0, state.inner)
        product: FloatArray | None = None
        for t in self.rest:
            factor = state.factors[t]
            if is_invertible(factor):
                # H = Lambda'^-1 (I - inner) Lambda^-1, which needs no product of the dense block
                inverse: FloatArray = np.asarray(np.linalg.inv(factor), dtype=np.float64)
                found[t] = inverse.T @ (np.eye(len(factor)) - found[t]) @ inverse
                continue
            product = state.kc @ state.d_zz if product is None else product
            q, count = factor.shape[0], self.counts[t]
            index = self.offsets[t] + np.arange(count * q).reshape(count, q)
            for i in range(q):
                for j in range(q):
                    rows, columns = index[:, i], index[:, j]
                    crossed = np.einsum("gk,kg->g", state.d_zz[rows], product[:, columns])
                    found[t][:, i, j] = state.d_zz[rows, columns] - crossed
        return found

    def posterior_variances(self, state: CrossedState) -> list[FloatArray]:
        """Unscaled conditional covariances given beta, per term (n_t, q_t, q_t)."""
        k_0 = state.k0
        if self.m:
            k_0 = k_0 + self._cross_variance(blocks_times(state.k0, self.b0z), state.kc)
        return self._per_term_blocks(k_0, state.kc)
