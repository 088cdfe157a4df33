"""Rows of two outcomes as one block per family.

Families have few rows each, so every matrix is a dense one per family; those with fewer rows than others are
filled up with rows of variance one that hold nothing. Of very many families those with about as many rows are
taken together, so that little is filled up.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpg_research.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Families", "Part", "fill_up"]

#: With more families than this they are taken in parts, up to these quantiles of how many rows they have.
_MANY, _PARTS = 500, (0.2, 0.4, 0.6, 0.8, 0.93, 1.0)


@dataclass(frozen=True, slots=True)
class Part:
    """Families with about as many rows: which ones, and theirs of :class:`Families`; ``both`` is X and y."""

    which: IntArray
    both: FloatArray
    z: FloatArray
    outcome: IntArray
    used: BoolArray
    cells: IntArray


@dataclass(frozen=True)
class Families:
    """The rows of n families, filled up to m rows each.

    ``y`` (n, m); ``x`` (n, m, p); ``z`` (n, m, 4), in the order of the effects; ``moment`` and ``outcome``
    (n, m), whole numbers, the outcome 0 or 1; ``used`` (n, m), False for rows that fill up.
    """

    y: FloatArray
    x: FloatArray
    z: FloatArray
    moment: IntArray
    outcome: IntArray
    used: BoolArray

    @cached_property
    def parts(self) -> tuple["Part", ...]:
        """The families by how many rows they have: all together, but where they are many."""
        sizes = self.used.sum(axis=1)
        bounds = [int(sizes.max())]
        if len(sizes) > _MANY:
            bounds = sorted({int(np.ceil(each)) for each in np.quantile(sizes, _PARTS)})
        found, above = [], 0
        for most in bounds:
            which = np.flatnonzero((sizes > above) & (sizes <= most))
            above = most
            if len(which):
                both = np.concatenate([self.x, self.y[..., None]], axis=2)
                found.append(
                    Part(
                        which,
                        both[which, :most],
                        self.z[which, :most],
                        self.outcome[which, :most],
                        self.used[which, :most],
                        self.cells[which, :most, :most],
                    )
                )
        return tuple(found)

    @cached_property
    def most(self) -> int:
        """Moments that two rows of a family lie apart at most."""
        apart = np.where(self.used, self.moment, -1).max(axis=1) - np.where(
            self.used, self.moment, self.moment.max()
        ).min(axis=1)
        return int(apart.max())

    @cached_property
    def cells(self) -> IntArray:
        """Of every two rows the entry of the covariances they have, shape (n, m, m).

        Numbered by moments apart, the outcome of the later row and that of the earlier one; the number
        behind the last one where a row fills up.
        """
        apart = self.moment[:, :, None] - self.moment[:, None, :]
        row, column = np.broadcast_arrays(self.outcome[:, :, None], self.outcome[:, None, :])
        later = np.where(apart >= 0, row, column)
        number = 4 * np.abs(apart) + 2 * later + (row + column - later)
        both = self.used[:, :, None] & self.used[:, None, :]
        return np.where(both, number, 4 * (self.most + 1))


def fill_up(
    family: IntArray, y: FloatArray, x: FloatArray, z: FloatArray, moment: IntArray, outcome: IntArray
) -> Families:
    """Rows below each other as one block per family.

    Parameters
    ----------
    family : ndarray of int, shape (rows,)
        Numbered 0, 1, ...
    y, x, z : ndarray, shape (rows,), (rows, p), (rows, 4)
    moment, outcome : ndarray of int, shape (rows,)
    """
    order = np.lexsort((outcome, moment, family))
    codes = family[order]
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    sizes = np.diff(np.append(first, len(codes)))
    place = np.arange(len(codes)) - np.repeat(first, sizes)
    at = (np.repeat(np.arange(len(first)), sizes), place)
    shape = (len(first), int(sizes.max()))

    def filled(values: np.ndarray) -> np.ndarray:
        whole = np.zeros((*shape, *values.shape[1:]), dtype=values.dtype)
        whole[at] = values[order]
        return whole

    used = np.zeros(shape, dtype=bool)
    used[at] = True
    return Families(filled(y), filled(x), filled(z), filled(moment), filled(outcome), used)
