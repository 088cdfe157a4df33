"""Covariance structures of random effects: full (``|`` in a formula) and diagonal (``||``).

G = Lambda Lambda' over the q columns of a term. A structure says which entries of Lambda are free, how they
change when the columns are replaced by others of the same span, and how a covariance matrix is brought back
into it: what the scaling, the search, the faces and the tables need to know, and all that they know.
"""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import ClassVar

import numpy as np

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["DIAGONAL", "FULL", "RANDOM_STRUCTURES", "RandomStructure", "lower_factor"]

# The deviance falls by opening a direction that is zero where its slope is below this.
FALLS = -1e-6
# What a direction is opened with, relative to the residual's standard deviation.
OPENED = 0.05
# A direction of Lambda with a singular value below this has no variance.
ZERO = 1e-9


def lower_factor(matrix: FloatArray) -> FloatArray:
    """Lower triangle L with non-negative diagonal and ``L L' = matrix matrix'``; any rank."""
    size = matrix.shape[0]
    upper: FloatArray = np.asarray(np.linalg.qr(matrix.T, mode="r"))
    lower = np.zeros((size, size))
    lower[:, : upper.shape[0]] = upper.T[:, :size]
    signs = np.where(np.diagonal(lower) < 0, -1.0, 1.0)
    return lower * signs


class RandomStructure(ABC):
    """Which covariance matrices the random effects of one term may have."""

    #: What stands for it in a formula.
    operator: ClassVar[str]
    #: Whether effects of one group may be correlated, so that columns may be replaced by sums of them.
    correlated: ClassVar[bool]

    @abstractmethod
    def free(self, size: int) -> tuple[IntArray, IntArray]:
        """Rows and columns of the free entries of Lambda (and of G), in the order of theta."""

    @abstractmethod
    def inward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        """Lambda of the user's columns -> Lambda of others, ``Z = Z~ root``."""

    @abstractmethod
    def outward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        """The inverse of :meth:`inward`, diagonal not negative."""

    @abstractmethod
    def nearest(self, matrix: FloatArray, floor: float = 0.0) -> FloatArray:
        """Lambda of the nearest covariance matrix of the structure, its variances no less than the floor."""

    @abstractmethod
    def without(self, factor: FloatArray, small: float) -> FloatArray:
        """Lambda with its directions smaller than this at zero."""

    @abstractmethod
    def opened(self, factor: FloatArray, gamma: FloatArray) -> FloatArray | None:
        """Lambda with a zero direction opened along which the deviance falls; None where there is none.

        ``gamma`` (q, q) is the slope of the deviance in G.
        """

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def count(self, size: int) -> int:
        """Number of free entries."""
        return int(self.free(size)[0].size)

    def pack(self, factor: FloatArray) -> FloatArray:
        """The free entries (..., k) of Lambda (..., q, q)."""
        rows, columns = self.free(factor.shape[-1])
        entries: FloatArray = factor[..., rows, columns]
        return entries

    def unpack(self, theta: FloatArray, size: int) -> FloatArray:
        """Lambda (..., q, q) from its free entries (..., k)."""
        factor = np.zeros((*theta.shape[:-1], size, size))
        rows, columns = self.free(size)
        factor[..., rows, columns] = theta
        return factor

    def directions(self, size: int) -> list[FloatArray]:
        """DG of every free entry of G, symmetric."""
        found = []
        for row, column in zip(*self.free(size), strict=True):
            one = np.zeros((size, size))
            one[row, column] = one[column, row] = 1.0
            found.append(one)
        return found


class _Full(RandomStructure):
    """Any covariance matrix: Lambda is a lower triangle, column by column as in lme4."""

    operator = "|"
    correlated = True

    def free(self, size: int) -> tuple[IntArray, IntArray]:
        return _triangle(size)

    def inward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        return lower_factor(root @ factor)

    def outward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        return lower_factor(np.asarray(np.linalg.solve(root, factor), dtype=np.float64))

    def nearest(self, matrix: FloatArray, floor: float = 0.0) -> FloatArray:
        values, vectors = np.linalg.eigh(matrix)
        return lower_factor(vectors * np.sqrt(np.maximum(values, floor**2)))

    def without(self, factor: FloatArray, small: float) -> FloatArray:
        left, values, _ = np.linalg.svd(factor)
        found = lower_factor(left * np.where(values < small, 0.0, values))
        found[np.abs(found) < 1e-12] = 0.0
        return found

    def opened(self, factor: FloatArray, gamma: FloatArray) -> FloatArray | None:
        # only directions that have no variance: in the others the slope is zero but for what the search left
        left, sizes, _ = np.linalg.svd(factor)
        closed = left[:, sizes < ZERO]
        values, vectors = np.linalg.eigh(closed.T @ gamma @ closed)
        if not values.size or not values[0] < FALLS * max(1.0, float(np.linalg.norm(gamma, 2))):
            return None
        return lower_factor(np.column_stack([factor, OPENED * closed @ vectors[:, :1]]))


class _Diagonal(RandomStructure):
    """Independent effects: Lambda is diagonal."""

    operator = "||"
    correlated = False

    def free(self, size: int) -> tuple[IntArray, IntArray]:
        return np.arange(size), np.arange(size)

    def inward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        return np.asarray(root @ factor)

    def outward(self, root: FloatArray, factor: FloatArray) -> FloatArray:
        return np.abs(np.asarray(np.linalg.solve(root, factor), dtype=np.float64))

    def nearest(self, matrix: FloatArray, floor: float = 0.0) -> FloatArray:
        return np.diag(np.sqrt(np.maximum(np.diagonal(matrix), floor**2)))

    def without(self, factor: FloatArray, small: float) -> FloatArray:
        return np.where(np.abs(factor) < small, 0.0, factor)

    def opened(self, factor: FloatArray, gamma: FloatArray) -> FloatArray | None:
        wanted = (np.diagonal(factor) == 0) & (np.diagonal(gamma) < FALLS)
        return factor + np.diag(np.where(wanted, OPENED, 0.0)) if np.any(wanted) else None


@lru_cache(maxsize=64)
def _triangle(size: int) -> tuple[IntArray, IntArray]:
    """Rows and columns of a lower triangle, column by column."""
    columns, rows = np.triu_indices(size)
    return rows, columns


FULL: RandomStructure = _Full()
DIAGONAL: RandomStructure = _Diagonal()
#: By the operator of a formula.
RANDOM_STRUCTURES = {one.operator: one for one in (FULL, DIAGONAL)}
