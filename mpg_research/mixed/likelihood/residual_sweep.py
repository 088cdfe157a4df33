"""The finest level of a nested problem whose residuals are correlated: its blocks and the slopes of delta.

Row by row, so that nothing is formed per group but what the sweep needs. With W'W = R^-1 the rows are
whitened, and their cross-products are the blocks. With U = R V^-1 D = D - Z K B the derivative of the
deviance in a parameter of R is d log|R| + tr(E (U Omega U' + Z K Z')), E the derivative of R^-1 and Omega
what the levels above leave of the derivative in S.
"""

import numpy as np

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.protocol import BoundResidual
from mpg_research.mixed.likelihood.group_algebra import outer_sum
from mpg_research.mixed.likelihood.layout import Blocks, Rows
from mpg_research.mixed.likelihood.nested_route import NestedRoute, NestedState

__all__ = ["family_sums", "over_rows", "parent_sums", "residual_slopes", "structured_blocks", "taken_away"]


# From this many rows per parent a matrix product each costs less than sums of products of columns.
ROWS_PER_PRODUCT = 50


def family_sums(rows: Rows, left: FloatArray, right: FloatArray) -> FloatArray:
    """Sum over each group's rows of left_i right_a: (q, rows), (d, rows) -> (q, d, n)."""
    if not len(left):
        return np.zeros((0, len(right), rows.starts.size))
    found = rows.sums_by_group(left) @ np.ascontiguousarray(right.T)
    by_group = found.reshape(left.shape[0], rows.starts.size, -1)
    return np.ascontiguousarray(np.swapaxes(by_group, 1, 2))


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
    if rows.z_leads:
        b = family_sums(rows, base[: len(rows.z)], base)
        a = np.ascontiguousarray(b[:, : len(rows.z)])
    else:
        z = residual.whitened(delta, rows.z)[0]
        both = family_sums(rows, z, np.concatenate([base, z]))
        b, a = (np.ascontiguousarray(part) for part in np.split(both, [len(base)], axis=1))
    return Blocks(a, b, parent_sums(base, base, rows.parent_starts)), log_det


def taken_away(rows: Rows, columns: FloatArray, per_group: FloatArray) -> FloatArray:
    """Columns (m, rows) less Z times what each group has of them, (q, m, n)."""
    if not len(per_group):
        return columns
    wide = np.ascontiguousarray(np.swapaxes(per_group, 1, 2)).reshape(-1, len(columns))
    found: FloatArray = columns - (rows.from_groups @ wide).T
    return found


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
