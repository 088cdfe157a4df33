"""Unstructured over waves: every wave a variance, every two waves a covariance of their own."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.compound_symmetry import CompoundSymmetry
from mpg_research.mixed.covariance.protocol import Meaning, ResidualStructure
from mpg_research.mixed.covariance.series import listed, refuse_gaps_in
from mpg_research.mixed.covariance.series_structure import SeriesStructure
from mpg_research.mixed.covariance.structures import AR1, VarianceBy

__all__ = ["Unstructured"]

# Beyond this a correlation of two waves counts as one.
FULL_CORRELATION = 0.999
# A standard deviation below this share of the largest counts as zero.
NO_SHARE = 1e-3
# With more patterns of missing waves than these, what two of them share is not looked at.
MOST_PATTERNS = 200
# The start keeps this much of each variance clear of what the other waves explain.
CLEAR = 0.1


@dataclass(frozen=True, slots=True)
class Unstructured(SeriesStructure):
    """A variance for every wave and a correlation for every two, as ``corSymm`` with ``varIdent`` in nlme.

    Without random effects this is the MMRM: the mixed model for repeated measures. sigma is the residual
    standard deviation of the first wave (sorted); parameters are the correlations of all pairs, then the
    ratios of the other waves' standard deviations to the first's. A series may miss waves.

    Attributes
    ----------
    wave : str
        A column with few different values (numbers or text), no two alike within one series.
    within : str
        The series, such as "family", or several columns joined by a colon, such as
        "family:respondent:episode". A series must lie within one group of the finest random term.
    levels : tuple
        The waves in order; taken from the data.

    References
    ----------
    Mallinckrodt, Clark & David (2001), 10.1081/BIP-100104194.

    Examples
    --------
    >>> Unstructured("wave", within="family").columns
    ('wave', 'family')
    """

    wave: str
    within: str
    levels: tuple[object, ...] = field(default=(), repr=False, compare=False)

    linear: ClassVar[bool] = True
    separable: ClassVar[bool] = False

    @property
    def position(self) -> str:  # type: ignore[override]
        """The column of the waves."""
        return self.wave

    def learn(self, values: ArrayLike | None, series: IntArray) -> Self:
        """The same with the waves of the data, every two of which must have been seen together."""
        found, codes = np.unique(_comparable(values), return_inverse=True)
        refuse_gaps_in(found, self.wave)
        size, n_series = found.size, int(series.max()) + 1
        if size < 2:
            raise ModelError(
                f"Column {self.wave} has one wave ({found[0]}); expected at least two for a covariance of "
                "waves. Leave the residual structure out."
            )
        if n_series <= size:
            raise ModelError(
                f"Column {self.wave} has {size} different values but there are only {n_series} of "
                f"{self.within}: the {size * (size + 1) // 2} variances and covariances of an unstructured "
                "matrix cannot be estimated. Round to fewer waves, or choose AR1, CAR1 or CompoundSymmetry."
            )
        seen = np.zeros((n_series, size))
        seen[series, codes] = 1.0
        apart = np.argwhere(np.triu(seen.T @ seen == 0))
        if len(apart):
            first, second = (found[place] for place in apart[0])
            more = f" (and {len(apart) - 1} other pairs)" if len(apart) > 1 else ""
            raise ModelError(
                f"No {self.within} was seen at both {self.wave} {first} and {self.wave} {second}{more}, so "
                "their covariance cannot be estimated; an unstructured matrix needs every two waves "
                "together. Leave waves out, round to fewer, or choose AR1, CAR1 or CompoundSymmetry."
            )
        return replace(self, levels=tuple(found.tolist()))

    def read(self, values: ArrayLike) -> FloatArray:
        """The number of each row's wave, shape (n,)."""
        given = _comparable(values).tolist()
        known = {level: float(place) for place, level in enumerate(self.levels)}
        unknown = [value for value in given if value not in known]
        if unknown:
            raise ModelError(
                f"The residual variance of {self.wave!r} = {unknown[0]!r} is unknown; known are "
                f"{listed(self.levels)}."
            )
        return np.array([known[value] for value in given], dtype=float)

    def refusal(self, x: FloatArray, places: FloatArray, series: IntArray) -> str | None:
        """Whether too few series have the same waves, in words.

        Of w waves, w - 1 weights and r between-series effects can make a weighted sum of the waves the same
        number, or one that the effects explain, in w - 1 + r series. If no more have all w, the variance of
        that sum can go to zero and the likelihood to infinity.
        """
        size = len(self.levels)
        seen = np.zeros((int(series.max()) + 1, size), dtype=bool)
        seen[series, places.astype(np.intp)] = True
        # any weights that are not special
        weights = np.sqrt(np.arange(2.0, size + 2.0)) * np.where(np.arange(size) % 2, -1.0, 1.0)
        for waves in _shared_waves(seen):
            whole = np.all(seen[:, waves], axis=1)
            count, n_waves = int(whole.sum()), int(waves.sum())
            if count >= n_waves + x.shape[1]:
                continue
            sums = np.zeros((len(seen), x.shape[1]))
            np.add.at(sums, series, np.where(waves, weights, 0.0)[places.astype(np.intp)][:, None] * x)
            needed = n_waves + int(np.linalg.matrix_rank(sums[whole]))
            if count < needed:
                which = listed(level for level, mine in zip(self.levels, waves, strict=True) if mine)
                return (
                    f"Only {count} of {len(seen)} {self.within} were seen at all of {self.wave} {which}. An "
                    f"unstructured matrix needs {needed} of them, as many as there are waves and one for "
                    "each effect between series, or none; with fewer the likelihood has no maximum. Leave "
                    "waves or those series out, or choose AR1, CAR1 or CompoundSymmetry."
                )
        return None

    # -- parameters: delta are the entries of a lower root, its first 1, below the diagonal and then on it ---

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Correlations of pairs, then ratios of standard deviations."""
        first, levels = self.levels[0], self.levels
        pairs = [f"correlation ({self.wave}: {levels[i]}, {levels[j]})" for i, j in self._pairs()]
        return (*pairs, *(f"sd ratio ({self.wave}: {level} / {first})" for level in levels[1:]))

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is."""
        correlation: Meaning = "correlation"
        ratio: Meaning = "sd_ratio"
        return (*(correlation for _ in self._pairs()), *(ratio for _ in self.levels[1:]))

    def _pairs(self) -> list[tuple[int, int]]:
        """Two waves each, as nlme orders them."""
        size = len(self.levels)
        return [(i, j) for i in range(size) for j in range(i + 1, size)]

    def _root(self, delta: FloatArray) -> FloatArray:
        """The lower root L of R."""
        size = len(self.levels)
        root = np.zeros((size, size), dtype=delta.dtype)
        for place, (i, j) in enumerate(self._pairs()):
            root[j, i] = delta[place]
        root[np.arange(size), np.arange(size)] = np.append(1.0, np.exp(delta[len(self._pairs()) :]))
        return root

    def _from_matrix(self, matrix: FloatArray) -> FloatArray:
        """Delta of a covariance matrix of the waves."""
        root = np.linalg.cholesky(matrix / matrix[0, 0])
        below = [root[j, i] for i, j in self._pairs()]
        return np.concatenate([below, np.log(np.diagonal(root)[1:])])

    def start(self) -> FloatArray:
        """Equal variances and correlations of .2."""
        size = len(self.levels)
        return self._from_matrix(0.8 * np.eye(size) + 0.2)

    def start_from(self, rest: FloatArray, places: FloatArray, series: IntArray) -> FloatArray:
        """From the covariances of what least squares leave, over the series that have both waves."""
        size = len(self.levels)
        wide, seen = np.zeros((int(series.max()) + 1, size)), np.zeros((int(series.max()) + 1, size))
        at = series, places.astype(np.intp)
        wide[at], seen[at] = rest, 1.0
        found = (wide.T @ wide) / (seen.T @ seen)
        sd = np.sqrt(np.maximum(np.diagonal(found), 1e-3 * np.max(np.diagonal(found))))
        values, vectors = np.linalg.eigh(np.clip(found / np.outer(sd, sd), -1.0, 1.0))
        whole = (vectors * np.maximum(values, CLEAR)) @ vectors.T
        length = sd / np.sqrt(np.diagonal(whole))
        return self._from_matrix(whole * np.outer(length, length))

    def natural(self, delta: FloatArray) -> FloatArray:
        """Correlations of pairs, then ratios of standard deviations."""
        root = self._root(delta)
        whole = root @ root.T
        sd = np.sqrt(np.diagonal(whole))
        return np.array([*(whole[i, j] / (sd[i] * sd[j]) for i, j in self._pairs()), *(sd[1:] / sd[0])])

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``; NaN where the correlations are not those of one matrix."""
        count, size = len(self._pairs()), len(self.levels)
        sd = np.append(1.0, values[count:])
        whole = np.eye(size)
        for value, (i, j) in zip(values[:count], self._pairs(), strict=True):
            whole[i, j] = whole[j, i] = value
        try:
            if not np.all(sd > 0):
                raise np.linalg.LinAlgError
            return self._from_matrix(whole * np.outer(sd, sd))
        except np.linalg.LinAlgError:
            return np.full(values.size, np.nan)

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Correlations at one, and standard deviations at zero."""
        values, count = self.natural(delta), len(self._pairs())
        found = [
            ("unit_correlation", name)
            for name, value in zip(self.names[:count], values[:count], strict=True)
            if abs(value) > FULL_CORRELATION
        ]
        ratios = np.append(1.0, values[count:])
        for level, ratio in zip(self.levels, ratios, strict=True):
            if ratio < NO_SHARE * ratios.max():
                found.append(("zero_residual_variance", f"{self.wave}: {level}"))
        return found

    # -- the matrix ------------------------------------------------------------------------------------

    def _at(self, whole: FloatArray, places: FloatArray) -> FloatArray:
        """Entries (..., w, w) of a matrix over all waves at the places (u..., m)."""
        codes = places.astype(np.intp)
        found: FloatArray = whole[..., codes[..., :, None], codes[..., None, :]]
        return found

    def matrix(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """The entries of R at the places."""
        root = self._root(delta)
        return self._at(root @ root.T, places)

    def _moves(self, delta: FloatArray) -> FloatArray:
        """Derivatives of the root, (k, w, w), one entry each."""
        size, count = len(self.levels), len(self._pairs())
        found = np.zeros((delta.size, size, size))
        for place, (i, j) in enumerate(self._pairs()):
            found[place, j, i] = 1.0
        own = np.arange(1, size)
        found[count + own - 1, own, own] = np.exp(delta[count:])
        return found

    def slopes(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Derivatives of R at the places."""
        half = self._moves(delta) @ self._root(delta).T
        return self._at(half + np.swapaxes(half, 1, 2), places)

    def pulled(self, delta: FloatArray, places: FloatArray, weights: FloatArray) -> FloatArray:
        """Sum of weights times the slopes: the weights of all places summed by pair of waves first."""
        size, codes = len(self.levels), places.astype(np.intp)
        pairs = codes[:, :, None] * size + codes[:, None, :]
        whole = np.bincount(pairs.ravel(), weights=weights.ravel(), minlength=size * size).reshape(size, size)
        half = self._moves(delta) @ self._root(delta).T
        found: FloatArray = np.tensordot(half, whole + whole.T, axes=2)
        return found

    def bends(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Second derivatives of R at the places."""
        return self._at(self._whole_bends(delta), places)

    def _whole_bends(self, delta: FloatArray) -> FloatArray:
        """Second derivatives of R over all waves, (k, k, w, w)."""
        moves, count = self._moves(delta), len(self._pairs())
        half = np.einsum("iab,jcb->ijac", moves, moves)
        # the logarithm of a diagonal entry: its second derivative is the first
        again = moves @ self._root(delta).T
        for place in range(count, delta.size):
            half[place, place] += again[place]
        return np.asarray(half + np.swapaxes(half, 2, 3), dtype=float)

    def combination(self, delta: FloatArray) -> FloatArray:
        """Second derivatives by the first ones, which move every entry of R but the first variance."""
        size = len(self.levels)
        lower = np.tril_indices(size)
        free = tuple(one[1:] for one in lower)
        half = self._moves(delta) @ self._root(delta).T
        slopes = (half + np.swapaxes(half, 1, 2))[:, free[0], free[1]]
        bends = self._whole_bends(delta)[:, :, free[0], free[1]]
        return np.asarray(bends @ np.linalg.inv(slopes))

    def variance(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Variances at the places."""
        found: FloatArray = np.sum(self._root(delta) ** 2, axis=1)[places.astype(np.intp)]
        return found

    def covariance(self, delta: FloatArray) -> tuple[tuple[str, ...], FloatArray]:
        """Names of the waves, and R over all of them."""
        root = self._root(delta)
        return tuple(str(level) for level in self.levels), root @ root.T

    def covers(self, other: ResidualStructure) -> bool:
        """Whether the other structure is one of these waves with fewer parameters."""
        simpler = AR1(self.wave, self.within), CompoundSymmetry(self.within), VarianceBy(self.wave), self
        return other in simpler


def _shared_waves(seen: BoolArray) -> list[BoolArray]:
    """Sets of two waves or more that make up all that some series, or some two patterns, share."""
    patterns = np.unique(seen, axis=0)
    if len(patterns) <= MOST_PATTERNS:
        both = (patterns[:, None] & patterns[None]).reshape(-1, seen.shape[1])
        patterns = np.unique(both, axis=0)
    return [one for one in patterns if one.sum() > 1]


def _comparable(values: ArrayLike | None) -> NDArray[Any]:
    """Numbers as they are, anything else as text."""
    given = np.asarray(values)
    return given if given.dtype.kind in "iufb" else given.astype(str)
