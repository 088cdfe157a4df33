"""The inverse of a symmetric sparse matrix that falls apart into unconnected blocks."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mpg_research.arrays import FloatArray

__all__ = ["BlockInverse"]


#: Blocks up to this size are factorised densely, which is faster there.
DENSE_BLOCK = 150


class BlockInverse:
    """Solves with a positive definite sparse matrix, block by block, each factorised when first needed.

    Random effects of different organisations never meet in the mixed-model equations, so what
    concerns one of them asks for its block only.
    """

    def __init__(self, matrix: Any) -> None:
        matrix = matrix.tocsr()
        matrix.eliminate_zeros()
        self.matrix = matrix
        count, self.labels = connected_components(matrix, directed=False)
        order = np.argsort(self.labels, kind="stable")
        bounds = np.searchsorted(self.labels[order], np.arange(count + 1))
        self.members = [order[bounds[i] : bounds[i + 1]] for i in range(count)]
        self.place = np.empty(len(order), dtype=np.intp)
        self.place[order] = np.arange(len(order)) - np.repeat(bounds[:-1], np.diff(bounds))
        self._factors: dict[int, Any] = {}

    def solve(self, columns: FloatArray) -> FloatArray:
        """A^-1 times dense columns, shape (size, k)."""
        found = np.empty(columns.shape)
        for block, members in enumerate(self.members):
            found[members] = self.block_solve(block, columns[members])
        return found

    def between(self, columns: Any) -> FloatArray:
        """T'A^-1 T for sparse columns T, shape (size, m) -> (m, m)."""
        rows = columns.tocsr()
        touched = np.flatnonzero(np.diff(rows.indptr))
        total = np.zeros((rows.shape[1], rows.shape[1]))
        for block in np.unique(self.labels[touched]):
            members = touched[self.labels[touched] == block]
            own = rows[members].toarray()
            ask = np.zeros((len(self.members[block]), min(len(members), rows.shape[1])))
            place = self.place[members]
            if len(members) <= rows.shape[1]:
                ask[place, np.arange(len(members))] = 1.0
                total += own.T @ self.block_solve(block, ask)[place] @ own
            else:
                ask[place] = own
                total += own.T @ self.block_solve(block, ask)[place]
        return total

    def block_solve(self, block: int, columns: FloatArray) -> FloatArray:
        """The same for one block and its own rows, in the order of its members."""
        if block not in self._factors:
            members = self.members[block]
            inner = self.matrix[members][:, members]
            if len(members) <= DENSE_BLOCK:
                self._factors[block] = cho_factor(inner.toarray(), lower=True)
            else:
                # Positive definite: an ordering and pivoting for symmetric matrices keeps it sparse.
                self._factors[block] = splu(
                    sparse.csc_matrix(inner),
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=0.0,
                    options={"SymmetricMode": True},
                )
        factor = self._factors[block]
        return np.asarray(cho_solve(factor, columns) if isinstance(factor, tuple) else factor.solve(columns))
