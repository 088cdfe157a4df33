"""The layout of nested levels: groups ordered so that siblings are neighbours, and their cross-products."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.likelihood.group_algebra import symmetric_sum
from mpg_research.mixed.problem import MixedProblem

__all__ = [
    "Blocks",
    "Level",
    "Rows",
    "chain_of_levels",
    "extended_base",
    "order_levels",
    "plain_blocks",
]


@dataclass(frozen=True, slots=True)
class Level:
    """One grouping factor of the chain.

    Attributes
    ----------
    terms : tuple of int
        The random terms that share this grouping.
    n : int
        Number of groups.
    position : array of int, shape (n,)
        Code of the group at each position; groups with one parent are neighbours.
    parent : array of int, shape (n,)
        Position of each group's parent in the next level (0 where there is none).
    starts : array of int, shape (n_parents,)
        First position of each parent's children.
    base : array, shape (d, q)
        T: the random columns in terms of D.
    """

    terms: tuple[int, ...]
    n: int
    position: IntArray
    parent: IntArray
    starts: IntArray
    base: FloatArray

    @property
    def n_parents(self) -> int:
        """Number of groups in the next level, 1 at the top."""
        return int(self.starts.size)


@dataclass(frozen=True, slots=True)
class Rows:
    """The data sorted by group of the finest level.

    Attributes
    ----------
    base : array, shape (d, n_rows)
    z : array, shape (q, n_rows)
        Random columns of the finest level.
    starts, parent_starts : arrays of int
        First row of each group of the finest level, and of each of their parents.
    order : array of int, shape (n_rows,), or None
        Original number of each sorted row; None where they came sorted.
    z_leads : bool
        Whether ``z`` simply is the first rows of ``base``.
    """

    base: FloatArray
    z: FloatArray
    starts: IntArray
    parent_starts: IntArray
    order: IntArray | None
    z_leads: bool = False
    # what hangs on ``z`` and ``starts`` only
    cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def sums_by_group(self, z: FloatArray) -> sparse.csr_matrix:
        """Z' with a column set of its own for each group, (q n_groups, rows), for columns (q, rows).

        One matrix serves all: it is good until the next call.
        """
        q, n = z.shape
        if "sums" not in self.cache:
            places = np.tile(np.arange(n, dtype=np.int32), q)
            ends = np.append((self.starts + n * np.arange(q)[:, None]).ravel(), q * n).astype(np.int32)
            shape = (q * self.starts.size, n)
            self.cache["sums"] = sparse.csr_matrix((z.ravel(), places, ends), shape=shape)
        found: sparse.csr_matrix = self.cache["sums"]
        found.data = z.ravel()
        return found

    @property
    def from_groups(self) -> sparse.csr_matrix:
        """Z with a column set of its own for each group, (rows, q n_groups)."""
        if "from" not in self.cache:
            q, n = self.z.shape
            groups = np.repeat(np.arange(self.starts.size), np.diff(np.append(self.starts, n)))
            places = (groups[:, None] + self.starts.size * np.arange(q)).ravel().astype(np.int32)
            ends = (q * np.arange(n + 1)).astype(np.int32)
            shape = (n, q * self.starts.size)
            self.cache["from"] = sparse.csr_matrix((self.z.T.ravel(), places, ends), shape=shape)
        found: sparse.csr_matrix = self.cache["from"]
        return found


@dataclass(frozen=True, slots=True)
class Blocks:
    """Cross-products of the finest level: ``a`` (q, q, n), ``b`` (q, d, n), and ``c`` (d, d, n_parents)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray


def chain_of_levels(problem: MixedProblem) -> list[list[int]] | None:
    """Terms grouped by level, finest first; None if not all nested or a level has no rows."""
    if any(np.bincount(term.codes, minlength=len(term.levels)).min() == 0 for term in problem.random):
        return None
    groups: list[list[int]] = []
    for t, term in enumerate(problem.random):
        for found in groups:
            other = problem.random[found[0]]
            if term.codes is other.codes or (
                len(term.levels) == len(other.levels) and np.array_equal(term.codes, other.codes)
            ):
                found.append(t)
                break
        else:
            groups.append([t])
    groups.sort(key=lambda found: -len(problem.random[found[0]].levels))
    for fine, coarse in pairwise(groups):
        inner, outer = problem.random[fine[0]], problem.random[coarse[0]]
        first = np.zeros(len(inner.levels), dtype=np.intp)
        first[inner.codes] = outer.codes
        if not np.array_equal(first[inner.codes], outer.codes):
            return None
    return groups


def order_levels(
    problem: MixedProblem, chain: list[list[int]], bases: list[FloatArray], lots: IntArray | None = None
) -> list[Level]:
    """Order the groups of every level so that siblings are neighbours.

    With ``lots`` (n,) of the coarsest groups these have a parent each; otherwise all have one.
    """
    parents_of: list[IntArray] = []
    for fine, coarse in pairwise(chain):
        up = np.zeros(len(problem.random[fine[0]].levels), dtype=np.intp)
        up[problem.random[fine[0]].codes] = problem.random[coarse[0]].codes
        parents_of.append(up)
    levels: list[Level] = []
    rank: IntArray | None = None
    for index in range(len(chain) - 1, -1, -1):
        n = len(problem.random[chain[index][0]].levels)
        if rank is None:
            above = np.zeros(n, dtype=np.intp) if lots is None else lots
            position = np.argsort(above, kind="stable")
            parent = above[position]
            starts = np.searchsorted(parent, np.arange(above.max() + 1))
        else:
            above = rank[parents_of[index]]
            position = np.argsort(above, kind="stable")
            parent = above[position]
            starts = np.searchsorted(parent, np.arange(rank.size))
        rank = np.empty(n, dtype=np.intp)
        rank[position] = np.arange(n)
        levels.append(Level(tuple(chain[index]), n, position, parent, starts, bases[index]))
    return levels[::-1]


def extended_base(fixed: FloatArray, z_all: list[FloatArray]) -> tuple[FloatArray, IntArray]:
    """D (d, n): the orthonormal X, whatever Z adds to it, and y; and the rows of D that are [X y]."""
    p, n = fixed.shape[0] - 1, fixed.shape[1]
    if not z_all:
        return fixed, np.arange(p + 1)
    z = np.concatenate(z_all, axis=0)
    x = fixed[:p]
    rest = z - (z @ x.T / n) @ x
    extra: list[FloatArray] = []
    for row in rest:
        for other in extra:
            row = row - (row @ other / n) * other
        length = np.sqrt(row @ row / n)
        if length > 1e-9:
            row = row / length
            row = row - (x @ row / n) @ x
            for other in extra:
                row = row - (row @ other / n) * other
            extra.append(row / np.sqrt(row @ row / n))
    if not extra:
        return fixed, np.arange(p + 1)
    return np.concatenate([fixed, np.array(extra)], axis=0), np.arange(p + 1)


def _row_sums(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum over each group's rows of left_i right_a: (q, rows), (d, rows) -> (q, d, n)."""
    result = np.empty((left.shape[0], right.shape[0], starts.size))
    for i in range(left.shape[0]):
        for a in range(right.shape[0]):
            np.add.reduceat(left[i] * right[a], starts, out=result[i, a])
    return result


def plain_blocks(rows: Rows) -> Blocks:
    """Cross-products with independent residuals."""
    return Blocks(
        _row_sums(rows.z, rows.z, rows.starts),
        _row_sums(rows.z, rows.base, rows.starts),
        symmetric_sum(rows.base[None], rows.base[None], rows.parent_starts),
    )
