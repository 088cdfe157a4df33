"""The finest level of a nested problem whose residuals are correlated: its blocks and the slopes of delta.

Row by row, so that nothing is formed per group but what the sweep needs. With W'W = R^-1 the rows are
whitened, and their cross-products are the blocks. With U = R V^-1 D = D - Z K B the derivative of the
deviance in a parameter of R is d log|R| + tr(E (U Omega U' + Z K Z')), E the derivative of R^-1 and Omega
what the levels above leave of the derivative in S.
"""

import numpy as np
from numpy.typing import NDArray

from .group_algebra import outer_sum
from .layout import Blocks, Rows
from .nested import NestedRoute, NestedState
from .residual_rows import BoundResidual

__all__ = ["family_sums", "over_rows", "parent_sums", "residual_slopes", "structured_blocks", "taken_away"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# Products of this many numbers are summed in one go; beyond, column by column, to stay in the cache.
AT_ONCE = 1_000_000
# From this many rows per parent a matrix product each costs less than sums of products of columns.
ROWS_PER_PRODUCT = 50


def family_sums(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over each group's rows of left_i right_a: (q, rows), (d, rows) -> (q, d, n)."""
    if left.shape[0] * right.size < AT_ONCE:
        found: FloatArray = np.add.reduceat(left[:, None, :] * right, starts, axis=2)
        return found
    result = np.empty((left.shape[0], right.shape[0], starts.size))
    for i, one in enumerate(left):
        for a, other in enumerate(right):
            np.add.reduceat(one * other, starts, out=result[i, a])
    return result


def parent_sums(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over each parent's rows of left_a right_b: (a, rows), (b, rows) -> (a, b, n_parents)."""
    n = left.shape[1]
    if starts.size == 1 or n < ROWS_PER_PRODUCT * starts.size:
        return outer_sum(left, right, starts)
    result = np.empty((left.shape[0], right.shape[0], starts.size))
    for parent, (start, stop) in enumerate(zip(starts, np.append(starts[1:], n), strict=True)):
        result[:, :, parent] = left[:, start:stop] @ right[:, start:stop].T
    return result


def over_rows(values: FloatArray, starts: IntArray, n: int) -> FloatArray:
    """The value of its group for each row: (..., groups) -> (..., rows)."""
    found: FloatArray = np.repeat(values, np.diff(np.append(starts, n)), axis=-1)
    return found


def structured_blocks(rows: Rows, residual: BoundResidual, delta: FloatArray) -> tuple[Blocks, float]:
    """Cross-products under R^-1, and log|R|."""
    base, log_det = residual.whitened(delta, rows.base)
    z = base[: len(rows.z)] if rows.z_leads else residual.whitened(delta, rows.z)[0]
    b = family_sums(z, base, rows.starts)
    a = b[:, : len(z)] if rows.z_leads else family_sums(z, z, rows.starts)
    return Blocks(np.ascontiguousarray(a), b, parent_sums(base, base, rows.parent_starts)), log_det


def taken_away(rows: Rows, columns: FloatArray, per_group: FloatArray) -> FloatArray:
    """Columns (m, rows) less Z times what each group has of them, (q, m, n)."""
    n = columns.shape[1]
    result = columns.copy()
    for z, own in zip(rows.z, per_group, strict=True):
        result -= z * over_rows(own, rows.starts, n)
    return result


def residual_slopes(
    route: NestedRoute, residual: BoundResidual, delta: FloatArray, state: NestedState, moment: FloatArray
) -> FloatArray:
    """Derivative of the deviance in delta, (k,); ``moment`` (d, d, n_parents) is Omega of each parent."""
    rows, blocks = route.rows, state.levels[0]
    n = rows.base.shape[1]
    u = taken_away(rows, rows.base, blocks.kb)
    weighted = np.empty_like(u)
    stops = np.append(rows.parent_starts[1:], n)
    if n >= ROWS_PER_PRODUCT * stops.size:
        for parent, (start, stop) in enumerate(zip(rows.parent_starts, stops, strict=True)):
            weighted[:, start:stop] = moment[:, :, parent] @ u[:, start:stop]
    else:
        for a in range(len(u)):
            weighted[a] = np.einsum("bn,bn->n", over_rows(moment[a], rows.parent_starts, n), u)
    kz = np.zeros_like(rows.z)
    for z, own in zip(rows.z, blocks.k, strict=True):
        kz += z * over_rows(own, rows.starts, n)
    slopes: FloatArray = residual.d_log_det(delta) + residual.inverse_slopes(delta, u, weighted)
    return slopes + residual.inverse_slopes(delta, rows.z, kz)
