"""The nested route where each group has few of all fixed effects: a course of its own for every organisation.

Columns of X that are zero in all rows of a group are not carried through the sweeps. The coarsest groups are
put in lots that have the same columns; a lot's rows of X have a small base of their own, and its
cross-products are brought to those of all columns at the root only: [X y] = M'(compact columns) with one M
per lot, so that S = sum of M'C M. Nothing is approximated, and what leaves the route is in the coordinates
of the whole one.
"""

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.likelihood.layout import Rows, order_levels, plain_blocks
from mpg_research.mixed.likelihood.nested_route import NestedRoute, sorted_rows
from mpg_research.mixed.likelihood.scaling import Scaled, orthonormal_rows
from mpg_research.mixed.problem import MixedProblem

__all__ = ["CompactRoute", "compact_route"]


# With fewer fixed effects than this there is little to save.
FEWEST_COLUMNS = 8
# Lots at most, and the largest share of the whole route's columns.
MOST_LOTS, LARGEST_SHARE = 60, 0.7
# Columns of unit mean square are equal to rounding where nothing beyond this is left over.
ROUNDING = 1e-10
# A random column lies in the span of others where less than this of it is left over.
INSIDE = 1e-13


class CompactRoute(NestedRoute):
    """Cross-products with the columns of each lot only; ``lift`` (lots, d, p + 1) holds the matrices M."""

    def __init__(
        self,
        problem: MixedProblem,
        scaled: Scaled,
        chain: list[list[int]],
        within: IntArray | None,
        lots: IntArray,
        base: FloatArray,
        lift: FloatArray,
        bases: list[FloatArray],
    ) -> None:
        """``lots`` (n,) of the coarsest groups; ``base`` (d, n_rows), the random columns first, y last."""
        self.scaled, self.n_terms = scaled, len(problem.random)
        self.d, self.lift = base.shape[0], lift
        self.xy = np.arange(self.d - lift.shape[2], self.d)
        self.identity = np.eye(self.d)[:, :, None]
        self.levels = order_levels(problem, chain, bases, lots)
        level = self.levels[0]
        position, order = sorted_rows(problem, chain, level, within)
        base = np.ascontiguousarray(base if order is None else base[:, order])
        starts = np.searchsorted(position, np.arange(level.n))
        q = bases[0].shape[1]
        self.rows = Rows(base, base[:q], starts, starts[level.starts], order, z_leads=True)
        self.given = None if within is not None else plain_blocks(self.rows)

    def roots(self, c: FloatArray) -> FloatArray:
        """Cross-products of every lot, (d, d, m, lots), as those of [X y], (m, p + 1, p + 1)."""
        lots, d, e = self.lift.shape
        half = np.moveaxis(c, (2, 3), (0, 1)) @ self.lift
        found: FloatArray = self.lift.reshape(lots * d, e).T @ half.reshape(-1, lots * d, e)
        return found

    def tops(self, inner: FloatArray) -> FloatArray:
        """Weights on the cross-products of [X y], (m, p + 1, p + 1), as those of every lot."""
        found = self.lift @ inner[:, None] @ np.swapaxes(self.lift, 1, 2)
        return np.ascontiguousarray(np.moveaxis(found, (0, 1), (2, 3)))


def compact_route(
    problem: MixedProblem, scaled: Scaled, chain: list[list[int]], within: IntArray | None, d: int
) -> CompactRoute | None:
    """The compact route of a nested problem; None where it would have more than a share of ``d`` columns."""
    p = scaled.p
    if p < FEWEST_COLUMNS:
        return None
    codes = problem.random[chain[-1][0]].codes
    found = _lots(np.asarray(problem.x), codes)
    if found is None:
        return None
    lots, support = found
    joint = _joint_columns([np.concatenate([scaled.z[t] for t in terms]) for terms in chain])
    if joint is None:
        return None
    random, inside = joint
    most = LARGEST_SHARE * d - len(random) - 1
    row_lots = lots[codes]
    pieces = []
    for lot in range(len(support)):
        rows = np.flatnonzero(row_lots == lot)
        own = _own_columns(problem, rows, np.flatnonzero(support[lot]))
        if len(own) > most:
            return None
        columns = _orthonormal(own)
        lift = columns @ scaled.fixed[:p, rows].T / rows.size
        rest = scaled.fixed[:p, rows] - lift.T @ columns
        if rest.size and np.max(np.abs(rest)) > ROUNDING * max(1.0, float(np.max(np.abs(lift)))):
            return None
        pieces.append((rows, columns, lift))
    size, q = max(len(columns) for _, columns, _ in pieces), len(random)
    width = q + size + 1
    base, lifts = np.zeros((width, scaled.n)), np.zeros((len(pieces), width, p + 1))
    base[:q], base[-1], lifts[:, -1, p] = random, scaled.fixed[p], 1.0
    for lot, (rows, columns, lift) in enumerate(pieces):
        base[q : q + len(columns), rows] = columns
        lifts[lot, q : q + len(columns), :p] = lift
    bases = [np.concatenate([one, np.zeros((size + 1, one.shape[1]))]) for one in inside]
    return CompactRoute(problem, scaled, chain, within, lots, base, lifts, bases)


def _lots(x: FloatArray, codes: IntArray) -> tuple[IntArray, NDArray[np.bool_]] | None:
    """Lots of groups (n_groups,) whose rows have the same columns that are not all zero, (lots, p)."""
    order = None if np.all(codes[1:] >= codes[:-1]) else np.argsort(codes, kind="stable")
    filled = (x if order is None else x[order]) != 0
    starts = np.searchsorted(codes if order is None else codes[order], np.arange(codes.max() + 1))
    support = np.logical_or.reduceat(filled, starts, axis=0)
    if support.all():
        return None
    _, first, lots = np.unique(np.packbits(support, axis=1), axis=0, return_index=True, return_inverse=True)
    if not 2 <= first.size <= MOST_LOTS:
        return None
    return lots.ravel().astype(np.intp), support[first]


def _own_columns(problem: MixedProblem, rows: IntArray, columns: IntArray) -> FloatArray:
    """The different columns of X in some rows, (m, rows), times the root of the weights."""
    x = np.ascontiguousarray(np.asarray(problem.x, dtype=float)[np.ix_(rows, columns)].T)
    own = np.array(list({one.tobytes(): one for one in x}.values())).reshape(-1, rows.size)
    return own if problem.weights is None else own * np.sqrt(np.asarray(problem.weights, dtype=float)[rows])


def _orthonormal(rows: FloatArray) -> FloatArray:
    """A base of the span of rows (m, n), of unit mean square."""
    found = orthonormal_rows(rows) if rows.shape[0] <= rows.shape[1] else None
    if found is not None:
        return found[0]
    lengths = np.linalg.norm(rows, axis=1)
    _, values, right = np.linalg.svd(rows / lengths[:, None], full_matrices=False)
    return np.asarray(right[values > 1e-12 * values[0]] * np.sqrt(rows.shape[1]))


def _joint_columns(z_of_levels: list[FloatArray]) -> tuple[FloatArray, list[FloatArray]] | None:
    """Random columns of all levels, and each level's in terms of them; None where they are dependent.

    The finest level's columns lead; those of others are left out where they lie in the span of what is there.
    """
    columns, places = z_of_levels[0], [np.eye(len(z_of_levels[0]))]
    for z in z_of_levels[1:]:
        own = []
        for row in z:
            gram = columns @ columns.T / row.size
            if np.linalg.eigvalsh(gram)[0] < 1e-10 * np.max(np.diagonal(gram)):
                return None
            weights = np.linalg.solve(gram, columns @ row / row.size)
            rest = row - weights @ columns
            if rest @ rest > INSIDE**2 * (row @ row):
                columns = np.concatenate([columns, row[None]])
                weights = np.eye(len(columns))[-1]
            own.append(weights)
        places.append(np.array([np.pad(one, (0, len(columns) - one.size)) for one in own]).T)
    size = len(columns)
    return columns, [np.pad(one, ((0, size - one.shape[0]), (0, 0))) for one in places]
