"""A structure with a matrix per series, bound to the rows of a problem: small blocks, alike ones once.

Rows of one series come after each other. Series with the same places (and strata) have the same block, so
that a block is formed and factorised once per pattern and met by all their rows in one product. No matrix is
larger than a series, none goes over families.

With a variance per stratum the block is S C S: an entry (t, u) of it is multiplied by s_t s_u, and by the
number of its rows that lie in a stratum where it is differentiated in the logarithm of that ratio.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.neighbours import NeighbourResidual
from mpg_research.mixed.covariance.protocol import BoundResidual, Meaning, Pairs
from mpg_research.mixed.covariance.row_weights import Strata
from mpg_research.mixed.covariance.series_structure import SeriesStructure

__all__ = ["SeriesResidual"]

# With so many series per pattern on average, a product per pattern costs less than one per series.
SERIES_PER_PATTERN = 4


@dataclass(frozen=True, slots=True)
class Alike:
    """Series of one length, those of one pattern next to each other.

    Attributes
    ----------
    rows : array of int, shape (g, m)
    which : array of int, shape (g,)
        The pattern of each, rising.
    starts : array of int, shape (u,)
        The first series of each pattern.
    counts : array, shape (u,)
    places : array, shape (u, m)
    strata : array of int, shape (u, m)
    """

    rows: IntArray
    which: IntArray
    starts: IntArray
    counts: FloatArray
    places: FloatArray
    strata: IntArray

    def times(self, matrices: FloatArray, columns: FloatArray) -> FloatArray:
        """Each series' matrix (u, m, m) times its rows of columns (c, n): (c, g, m)."""
        own = columns[:, self.rows]
        if len(matrices) == 1:
            return np.asarray(own @ matrices[0].T)
        if len(self.rows) < SERIES_PER_PATTERN * len(matrices):
            found = np.swapaxes(own, 0, 1) @ np.swapaxes(matrices, 1, 2)[self.which]
            return np.swapaxes(found, 0, 1)
        result = np.empty_like(own)
        for matrix, start, stop in zip(matrices, self.starts, self._stops(), strict=True):
            result[:, start:stop] = own[:, start:stop] @ matrix.T
        return result

    def products(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over columns (c, n) and series of a pattern of left_t right_u: (u, m, m)."""
        one, other = left[:, self.rows], right[:, self.rows]
        if len(self.rows) < SERIES_PER_PATTERN * len(self.starts):
            each = np.einsum("cgt,cgu->gtu", one, other, optimize=True)
            return np.asarray(np.add.reduceat(each, self.starts, axis=0))
        size = one.shape[2]
        return np.array(
            [
                one[:, start:stop].reshape(-1, size).T @ other[:, start:stop].reshape(-1, size)
                for start, stop in zip(self.starts, self._stops(), strict=True)
            ]
        )

    def _stops(self) -> IntArray:
        return np.append(self.starts[1:], len(self.rows))


@dataclass(frozen=True)
class SeriesResidual(BoundResidual):
    """A structure per series bound to rows; delta is its own, then the logarithms of the ratios of strata."""

    structure: SeriesStructure
    codes: IntArray
    places: FloatArray
    strata: Strata | None = None
    last: dict[str, tuple[bytes, Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def separable(self) -> bool:  # type: ignore[override]
        """Whether each natural parameter hangs on its own delta alone."""
        return self.structure.separable

    @property
    def label(self) -> str:
        """What the structure is called in a message."""
        return type(self.structure).__name__

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.structure.names + (() if self.strata is None else self.strata.names)

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is."""
        strata = self.strata
        ratios = () if strata is None else tuple(strata.meaning for _ in strata.names)
        return self.structure.meanings + ratios

    @property
    def n_own(self) -> int:
        """How many of the parameters are the structure's own."""
        return len(self.structure.names)

    def start(self) -> FloatArray:
        """Delta at which the search begins."""
        ratios = np.empty(0) if self.strata is None else self.strata.start()
        return np.concatenate([self.structure.start(), ratios])

    def start_from(self, rest: FloatArray) -> FloatArray:
        """The same in view of what least squares leave of the outcome, (n,) in the order of the problem."""
        own = self.structure.start_from(rest, self.places, self.codes)
        return np.concatenate([own, self.start()[self.n_own :]])

    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``."""
        return np.concatenate([self.structure.natural(delta[: self.n_own]), np.exp(delta[self.n_own :])])

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``."""
        given = np.asarray(values, dtype=float)
        with np.errstate(all="ignore"):
            own = self.structure.from_natural(given[: self.n_own])
            return np.concatenate([own, np.log(given[self.n_own :])])

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Which parameters lie at an end of what they can be."""
        found = self.structure.faces(delta[: self.n_own])
        if self.strata is not None:
            found += NeighbourResidual(strata=self.strata).faces(delta[self.n_own :])
        return found

    # -- rows ------------------------------------------------------------------------------------------

    @property
    def series(self) -> IntArray:
        """Codes of the series, shape (n,)."""
        return self.codes

    def place(self) -> IntArray:
        """A key that sorts rows by series and by place within them, shape (n,)."""
        found = np.empty(self.codes.size, dtype=np.intp)
        found[np.lexsort((self.places, self.codes))] = np.arange(found.size)
        return found

    def sorted(self, order: IntArray | None) -> "SeriesResidual":
        """The same for rows in another order, in which those of one series come after each other."""
        if order is None:
            return replace(self, last={})
        strata = None if self.strata is None else self.strata.sorted(order)
        return SeriesResidual(self.structure, self.codes[order], self.places[order], strata)

    def some(self, keep: NDArray[np.bool_]) -> "SeriesResidual":
        """The same for some of the rows, whole series."""
        codes = np.unique(self.codes[keep], return_inverse=True)[1]
        strata = None if self.strata is None else replace(self.strata, codes=self.strata.codes[keep])
        return SeriesResidual(self.structure, codes, self.places[keep], strata)

    def refusal(self, x: FloatArray) -> str | None:
        """Why the likelihood has no maximum beside fixed columns x (n, p), in words; None if it has."""
        return self.structure.refusal(x, self.places, self.codes)

    def with_variances(self, other: BoundResidual) -> "SeriesResidual":
        """The same with a standard deviation per stratum on both sides."""
        assert isinstance(other, NeighbourResidual)
        return replace(self, strata=other.strata, last={})

    @cached_property
    def alike(self) -> list[Alike]:
        """Series by their length and pattern; rows as :meth:`sorted` puts them."""
        starts = np.flatnonzero(np.append(True, np.diff(self.codes) != 0))
        lengths = np.diff(np.append(starts, self.codes.size))
        strata = np.zeros(self.codes.size) if self.strata is None else self.strata.codes
        found = []
        for length in np.unique(lengths):
            rows = starts[lengths == length][:, None] + np.arange(length)
            keys = np.hstack([self.places[rows], strata[rows]])
            patterns, which, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
            which = which.ravel()
            order = np.argsort(which, kind="stable")
            found.append(
                Alike(
                    rows[order],
                    which[order],
                    np.cumsum(counts) - counts,
                    counts.astype(float),
                    patterns[:, :length],
                    patterns[:, length:].astype(np.intp),
                )
            )
        return found

    # -- R and its derivatives -------------------------------------------------------------------------

    def blocks(self, delta: FloatArray) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
        """R, its lower root and its inverse of every pattern, (u, m, m) each, per length."""
        found: list[tuple[FloatArray, FloatArray, FloatArray]] = self._once(
            "blocks", delta, lambda: [self._block(delta, alike) for alike in self.alike]
        )
        return found

    def _block(self, delta: FloatArray, alike: Alike) -> tuple[FloatArray, FloatArray, FloatArray]:
        own = self._scaled(delta, alike, self.structure.matrix(delta[: self.n_own], alike.places))
        root = np.linalg.cholesky(own)
        back: FloatArray = np.linalg.inv(root)
        inverse: FloatArray = np.swapaxes(back, 1, 2) @ back
        return own, np.asarray(root, dtype=float), inverse

    def _scaled(self, delta: FloatArray, alike: Alike, matrices: FloatArray) -> FloatArray:
        """S times matrices (..., u, m, m) times S."""
        if self.strata is None:
            return matrices
        s = np.exp(np.append(0.0, delta[self.n_own :]))[alike.strata]
        found: FloatArray = matrices * s[:, :, None] * s[:, None, :]
        return found

    def slopes(self, delta: FloatArray) -> list[FloatArray]:
        """R's first derivatives, (k, u, m, m) per length."""
        found: list[FloatArray] = self._once(
            "slopes", delta, lambda: [self._slope(delta, at) for at in range(len(self.alike))]
        )
        return found

    def _slope(self, delta: FloatArray, at: int) -> FloatArray:
        alike, own = self.alike[at], delta[: self.n_own]
        found = self._scaled(delta, alike, self.structure.slopes(own, alike.places))
        if self.strata is None:
            return found
        return np.concatenate([found, self._members(alike) * self.blocks(delta)[at][0]])

    def _members(self, alike: Alike) -> FloatArray:
        """How many of the two rows of an entry lie in the stratum of each ratio, (ratios, u, m, m)."""
        assert self.strata is not None
        inside = alike.strata == np.arange(1, len(self.strata.levels))[:, None, None]
        found: FloatArray = inside[..., :, None].astype(float) + inside[..., None, :]
        return found

    def bend(self, delta: FloatArray, pair: tuple[int, int]) -> list[FloatArray]:
        """R's second derivative in two parameters, (u, m, m) per length."""
        i, j = min(pair), max(pair)
        if j >= self.n_own:
            return [
                self._members(alike)[j - self.n_own] * slopes[i]
                for alike, slopes in zip(self.alike, self.slopes(delta), strict=True)
            ]
        own = delta[: self.n_own]
        all_bends: list[FloatArray] = self._once(
            "bends",
            delta,
            lambda: [
                self._scaled(delta, alike, self.structure.bends(own, alike.places)) for alike in self.alike
            ],
        )
        return [bends[i, j] for bends in all_bends]

    def _apply(self, matrices: list[FloatArray], columns: FloatArray) -> FloatArray:
        """A block-diagonal matrix, (u, m, m) per length, times columns (c, n)."""
        result = np.empty_like(columns)
        for alike, own in zip(self.alike, matrices, strict=True):
            result[:, alike.rows] = alike.times(own, columns)
        return result

    def deviations(self, delta: FloatArray) -> FloatArray:
        """Standard deviation of each row relative to sigma, shape (n,)."""
        found = np.sqrt(self.structure.variance(delta[: self.n_own], self.places))
        if self.strata is None:
            return found
        return np.asarray(found * self.strata.deviations(delta[self.n_own :]))

    def whitened(self, delta: FloatArray, columns: FloatArray) -> tuple[FloatArray, float]:
        """W times columns (m, n), with W'W = R^-1, and log|R|; rows as :meth:`sorted` wants them."""
        roots = [root for _, root, _ in self.blocks(delta)]
        log_det = sum(
            2.0 * float(alike.counts @ np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1))
            for alike, root in zip(self.alike, roots, strict=True)
        )
        return self._apply([np.asarray(np.linalg.inv(root), dtype=float) for root in roots], columns), log_det

    def half(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """(W^-1)' times columns (m, n)."""
        return self._apply([np.swapaxes(root, 1, 2) for _, root, _ in self.blocks(delta)], columns)

    def back(self, delta: FloatArray, half: FloatArray) -> FloatArray:
        """W^-1 times columns (m, n)."""
        return self._apply([root for _, root, _ in self.blocks(delta)], half)

    def solve(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """R^-1 times columns (m, n)."""
        return self._apply([inverse for _, _, inverse in self.blocks(delta)], columns)

    def derivative(self, delta: FloatArray, indices: tuple[int, ...], columns: FloatArray) -> FloatArray:
        """A derivative of R in one or two parameters times columns (m, n)."""
        if len(indices) == 1:
            return self._apply([slopes[indices[0]] for slopes in self.slopes(delta)], columns)
        return self._apply(self.bend(delta, (indices[0], indices[1])), columns)

    def inverse_slopes(self, delta: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over columns of left' E right (m, n) each, for E the derivative of R^-1 in each parameter."""
        first, second = self.solve(delta, left), self.solve(delta, right)
        found = np.zeros(delta.size)
        for at, alike in enumerate(self.alike):
            found -= self._pulled(delta, at, alike.products(first, second))
        return found

    def d_log_det(self, delta: FloatArray) -> FloatArray:
        """Derivative of log|R| in each parameter, shape (k,)."""
        found = np.zeros(delta.size)
        for at, (alike, (_, _, inverse)) in enumerate(zip(self.alike, self.blocks(delta), strict=True)):
            found += self._pulled(delta, at, alike.counts[:, None, None] * inverse)
        return found

    def _pulled(self, delta: FloatArray, at: int, weights: FloatArray) -> FloatArray:
        """Sum of weights (u, m, m) times R's first derivatives of one length, shape (k,)."""
        alike, own = self.alike[at], delta[: self.n_own]
        found = self.structure.pulled(own, alike.places, self._scaled(delta, alike, weights))
        if self.strata is None:
            return found
        ratios = np.tensordot(self._members(alike), self.blocks(delta)[at][0] * weights, axes=3)
        return np.concatenate([found, ratios])

    def bends(self, i: int, j: int) -> bool:
        """Whether R_ij is not zero, nor a combination of first derivatives."""
        return not (self.structure.linear and max(i, j) < self.n_own)

    def combination(self, delta: FloatArray) -> FloatArray | None:
        """Weights c (k, k, k) with R_ij = sum of c_ijl R_l for two of a linear structure's own parameters."""
        own = self.structure.combination(delta[: self.n_own]) if self.structure.linear else None
        if own is None:
            return None
        found = np.zeros((delta.size,) * 3)
        found[: self.n_own, : self.n_own, : self.n_own] = own
        return found

    def traces(self, delta: FloatArray, pairs: Pairs) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Traces with R^-1, pattern by pattern."""
        k = delta.size
        product, bent, third = np.zeros((k, k)), np.zeros(len(pairs)), np.zeros((k, len(pairs)))
        seconds = [self.bend(delta, pair) for pair in pairs]
        for at, (alike, slopes, (_, _, inverse)) in enumerate(
            zip(self.alike, self.slopes(delta), self.blocks(delta), strict=True)
        ):
            weight = alike.counts[:, None, None]
            first = inverse @ slopes
            turned = weight * np.swapaxes(first, 2, 3)
            product += np.tensordot(first, turned, axes=([1, 2, 3], [1, 2, 3]))
            for m, one in enumerate(seconds):
                bent[m] += np.sum(weight * inverse * one[at])
                third[:, m] += np.tensordot(turned, inverse @ one[at], axes=3)
        return product, bent, third

    def whitening(self, delta: FloatArray) -> sparse.csr_matrix:
        """W for rows in any order, a triangle within each series, shape (n, n)."""
        order = np.argsort(self.place(), kind="stable")
        inner = self.sorted(order)
        rows, columns, values = [], [], []
        for alike, (_, root, _) in zip(inner.alike, inner.blocks(delta), strict=True):
            lower = np.tril_indices(root.shape[1])
            rows.append(order[alike.rows[:, lower[0]]].ravel())
            columns.append(order[alike.rows[:, lower[1]]].ravel())
            values.append(np.linalg.inv(root)[:, lower[0], lower[1]][alike.which].ravel())
        places = np.concatenate(rows), np.concatenate(columns)
        return sparse.csr_matrix((np.concatenate(values), places), shape=(order.size, order.size))

    # -- new rows --------------------------------------------------------------------------------------

    @property
    def variance_columns(self) -> tuple[str, ...]:
        """The column of the place, and that of the strata."""
        own = () if self.structure.position is None else (self.structure.position,)
        return own if self.strata is None else (*own, self.strata.column)

    @property
    def kinds(self) -> FloatArray:
        """The place and the stratum of each row, shape (n, 2)."""
        strata = np.zeros(self.places.size) if self.strata is None else self.strata.codes
        return np.column_stack([self.places, strata])

    def new_kinds(self, data: Mapping[str, ArrayLike], n: int) -> FloatArray:
        """The same for new rows, shape (n, 2)."""
        position = self.structure.position
        places = np.zeros(n) if position is None else self.structure.read(data[position])
        strata = np.zeros((n, 1)) if self.strata is None else self.strata.read(data)
        return np.column_stack([places, strata])

    def variances(self, values: FloatArray, kinds: FloatArray) -> FloatArray:
        """Variances relative to sigma^2 of rows of these kinds, shape (m,), from natural parameters."""
        delta = self.from_natural(values)
        found = self.structure.variance(delta[: self.n_own], kinds[:, 0])
        ratios = np.exp(np.append(0.0, delta[self.n_own :]))
        return np.asarray(found * ratios[kinds[:, 1].astype(int)] ** 2)

    def covariance(self, values: FloatArray) -> tuple[tuple[str, ...], FloatArray] | None:
        """R of a series that has every place, and the names of the places; None with strata beside it."""
        if self.strata is not None:
            return None
        return self.structure.covariance(self.from_natural(values)[: self.n_own])
