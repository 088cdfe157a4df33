"""Small-matrix algebra over many groups at once: the group index last and contiguous."""

from itertools import pairwise

import numpy as np

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["by_parent", "multiply", "outer_sum", "segments", "symmetric_sum"]


# Products of matrices of this size or more cost less one group at a time.
LARGE_MATRIX = 8
# From this many children on average, products with their parents' matrices do too.
MANY_CHILDREN = 4
# A parent's sum of products of this many numbers or more costs less as a matrix product of its own.
MANY_PRODUCTS = 3000


def _children(starts: IntArray, n: int) -> list[slice]:
    """The children of each parent."""
    return [slice(start, stop) for start, stop in pairwise([*starts.tolist(), n])]


def outer_sum(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over each parent's children of left_a right_b: (a, n), (b, n) -> (a, b, n_parents)."""
    if starts.size == 1:
        product: FloatArray = left @ right.T
        return product[:, :, None]
    (rows, n), columns = left.shape, right.shape[0]
    if rows * columns * n >= MANY_PRODUCTS * starts.size:
        products = np.empty((starts.size, rows, columns))
        for parent, own in enumerate(_children(starts, n)):
            np.matmul(left[:, own], right[:, own].T, out=products[parent])
        return np.ascontiguousarray(np.moveaxis(products, 0, 2))
    result = np.empty((rows, columns, starts.size))
    for i in range(left.shape[0]):
        np.add.reduceat(left[i] * right, starts, axis=1, out=result[i])
    return result


def symmetric_sum(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over q and children of left_qa right_qb where that is symmetric in a, b: -> (d, d, n_parents)."""
    q, d, _ = left.shape
    if not q:
        return np.zeros((d, d, starts.size))
    if starts.size == 1:
        total = left[0] @ right[0].T
        for i in range(1, q):
            total += left[i] @ right[i].T
        total = 0.5 * (total + total.T)
        return np.asarray(total[:, :, None])
    n = left.shape[2]
    if d * d * n >= MANY_PRODUCTS * starts.size:
        products = np.empty((starts.size, d, d))
        for parent, own in enumerate(_children(starts, n)):
            total = left[0][:, own] @ right[0][:, own].T
            for i in range(1, q):
                total += left[i][:, own] @ right[i][:, own].T
            np.add(total, total.T, out=products[parent])
        return np.ascontiguousarray(np.moveaxis(0.5 * products, 0, 2))
    result = np.empty((d, d, starts.size))
    for a in range(d):
        product = left[0, a] * right[0, a:]
        for i in range(1, q):
            product += left[i, a] * right[i, a:]
        np.add.reduceat(product, starts, axis=1, out=result[a, a:])
        result[a:, a] = result[a, a:]
    return result


def segments(c: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over each parent's children along the last axis of (a, b, n)."""
    if starts.size == 1:
        total: FloatArray = c.sum(axis=2, keepdims=True)
        return total
    result: FloatArray = np.add.reduceat(c, starts, axis=2)
    return result


def multiply(left: FloatArray, right: FloatArray) -> FloatArray:
    """Matrix product per group: (a, b, n), (b, c, n) -> (a, c, n)."""
    result: FloatArray
    if min(*left.shape[:2], right.shape[1]) >= LARGE_MATRIX:
        one, other = (np.ascontiguousarray(np.moveaxis(side, 2, 0)) for side in (left, right))
        result = np.ascontiguousarray(np.moveaxis(one @ other, 0, 2))
    else:
        result = np.einsum("abn,bcn->acn", left, right)
    return result


def by_parent(moment: FloatArray, columns: FloatArray, starts: IntArray) -> FloatArray:
    """Each parent's matrix times its children's columns: (d, d, n_parents), (q, d, n) -> (q, d, n)."""
    n = columns.shape[2]
    if n < MANY_CHILDREN * starts.size:
        parent = np.repeat(np.arange(starts.size), np.diff(np.append(starts, n)))
        few: FloatArray = np.einsum("abn,qbn->qan", moment[:, :, parent], columns)
        return few
    result = np.empty_like(columns)
    matrices = np.ascontiguousarray(np.moveaxis(moment, 2, 0))
    for matrix, own in zip(matrices, _children(starts, n), strict=True):
        np.matmul(matrix, columns[:, :, own], out=result[:, :, own])
    return result
