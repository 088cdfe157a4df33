"""The inverse of a symmetric sparse matrix that falls apart into unconnected blocks."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["BlockInverse"]


#: Blocks up to this size are factorised densely, which is faster there.
DENSE_BLOCK = 150
#: Dense blocks of one size that are solved together hold at most so many numbers.
TOGETHER = 2_000_000


class BlockInverse:
    """Solves with a positive definite sparse matrix, block by block.

    Random effects of different organisations never meet in the mixed-model equations, so what
    concerns one of them asks for its block only.
    """

    def __init__(self, matrix: Any) -> None:
        matrix = matrix.tocsr()
        matrix.eliminate_zeros()
        count, self.labels = connected_components(matrix, directed=False)
        self.order = np.argsort(self.labels, kind="stable")
        self.bounds = np.searchsorted(self.labels[self.order], np.arange(count + 1))
        self.sizes = np.diff(self.bounds)
        self.members = np.split(self.order, self.bounds[1:-1])
        self.place = np.empty(len(self.order), dtype=np.intp)
        self.place[self.order] = np.arange(len(self.order)) - np.repeat(self.bounds[:-1], self.sizes)
        self.sorted = matrix[self.order][:, self.order].tocsr()
        self._factors: dict[int, Any] = {}

    def solve(self, columns: FloatArray) -> FloatArray:
        """A^-1 times dense columns, shape (size, k)."""
        found = np.empty(columns.shape)
        for size in np.unique(self.sizes):
            blocks = np.flatnonzero(self.sizes == size)
            if size > DENSE_BLOCK:
                for block in blocks:
                    members = self.members[block]
                    found[members] = self.block_solve(int(block), columns[members])
                continue
            step = max(1, TOGETHER // int(size) ** 2)
            for first in range(0, len(blocks), step):
                some = blocks[first : first + step]
                members = self.order[(self.bounds[some][:, None] + np.arange(size)).ravel()]
                asked = columns[members].reshape(len(some), size, -1)
                solved = np.linalg.solve(self._dense(some, int(size)), asked)
                found[members] = solved.reshape(len(members), -1)
        return found

    def between(self, columns: Any) -> FloatArray:
        """T'A^-1 T for sparse columns T, shape (size, m) -> (m, m)."""
        rows = columns.tocsr()
        touched = np.flatnonzero(np.diff(rows.indptr))
        total = np.zeros((rows.shape[1], rows.shape[1]))
        for block in np.unique(self.labels[touched]):
            members = touched[self.labels[touched] == block]
            own = rows[members].toarray()
            ask = np.zeros((self.sizes[block], min(len(members), rows.shape[1])))
            place = self.place[members]
            if len(members) <= rows.shape[1]:
                ask[place, np.arange(len(members))] = 1.0
                total += own.T @ self.block_solve(block, ask)[place] @ own
            else:
                ask[place] = own
                total += own.T @ self.block_solve(block, ask)[place]
        return total

    def block_solve(self, block: int, columns: FloatArray) -> FloatArray:
        """The same for one block and its own rows, in the order of its members; its factor is kept."""
        if block not in self._factors:
            size = int(self.sizes[block])
            if size <= DENSE_BLOCK:
                self._factors[block] = cho_factor(self._dense(np.array([block]), size)[0], lower=True)
            else:
                own = slice(self.bounds[block], self.bounds[block + 1])
                # Positive definite: an ordering and pivoting for symmetric matrices keeps it sparse.
                self._factors[block] = splu(
                    sparse.csc_matrix(self.sorted[own, own]),
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=0.0,
                    options={"SymmetricMode": True},
                )
        factor = self._factors[block]
        return np.asarray(cho_solve(factor, columns) if isinstance(factor, tuple) else factor.solve(columns))

    def _dense(self, blocks: IntArray, size: int) -> FloatArray:
        """Blocks of one size, shape (blocks, size, size)."""
        first = self.bounds[blocks]
        begin, end = self.sorted.indptr[first], self.sorted.indptr[first + size]
        per_block = end - begin
        own = np.repeat(np.arange(len(blocks)), per_block)
        taken = np.arange(per_block.sum()) + np.repeat(begin - np.cumsum(per_block) + per_block, per_block)
        row = np.searchsorted(self.sorted.indptr, taken, side="right") - 1
        dense = np.zeros((len(blocks), size, size))
        dense[own, row - first[own], self.sorted.indices[taken] - first[own]] = self.sorted.data[taken]
        return dense
