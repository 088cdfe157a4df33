"""Small matrices of random effects, and the sparse ones that are made of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray

__all__ = ["as_dense", "block_diagonal", "blocks_times", "indicator", "is_invertible", "rows_weighed"]


#: Smallest singular value of Lambda from which its inverse keeps at least ten digits.
INVERTIBLE = 1e-3


def is_invertible(factor: FloatArray) -> bool:
    """Whether Lambda is far enough from singular to be inverted where that saves work."""
    return bool(np.linalg.svd(factor, compute_uv=False)[-1] > INVERTIBLE)


def block_diagonal(blocks: FloatArray) -> sparse.bsr_matrix:
    """Sparse matrix with these (n, q, q) blocks on its diagonal."""
    count, size, _ = blocks.shape
    return sparse.bsr_matrix(
        (blocks, np.arange(count), np.arange(count + 1)), shape=(count * size, count * size)
    )


def blocks_times(blocks: FloatArray, wide: Any) -> Any:
    """Blocks (n, q, q) on a diagonal times a matrix with n q rows: sparse if that is, else dense."""
    if isinstance(wide, np.ndarray):
        return (blocks @ wide.reshape(len(blocks), blocks.shape[2], -1)).reshape(wide.shape)
    return (block_diagonal(np.ascontiguousarray(blocks)) @ wide).tocsr()


def as_dense(matrix: Any) -> FloatArray:
    """A matrix that is sparse or dense as a dense one."""
    found: FloatArray = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return found


def rows_weighed(
    matrix: FloatArray, omega: FloatArray, link: FloatArray, previous: NDArray[np.intp]
) -> FloatArray:
    """R^-1 times a dense (n, k) matrix: ``omega`` (n,) on the diagonal, -``link`` (n,) beside it between each
    row and the row ``previous`` to it, -1 where there is none. No row is previous to two.
    """
    linked = np.flatnonzero(previous >= 0)
    before, between = previous[linked], link[linked, None]
    found: FloatArray = omega[:, None] * matrix
    found[linked] -= between * matrix[before]
    found[before] -= between * matrix[linked]
    return found


def indicator(z: FloatArray, codes: NDArray[np.intp], n_groups: int) -> sparse.csr_matrix:
    """Z (n, n_groups q) from its rows' values (q, n) and groups (n,)."""
    z = z.T
    n, q = z.shape
    columns = codes[:, None] * q + np.arange(q)
    return sparse.csr_matrix((z.ravel(), columns.ravel(), np.arange(n + 1) * q), shape=(n, n_groups * q))
