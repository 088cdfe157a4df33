"""Structures whose inverse ties neighbours only: serial correlation, a variance per stratum, or both.

R = S C S with S the standard deviations of the strata and C the serial correlation; either may be the
identity. C^-1 has entries for neighbours only; S^-1 on both its sides divides omega_t by s_t^2 and link_t
by s_t s_t- (see :mod:`residual_weights`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.linalg import solve_banded

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.protocol import BoundResidual, Meaning, Pairs, Turned
from mpg_research.mixed.covariance.row_weights import Entries, Links, RowWeights, Serial, Strata

__all__ = ["NO_CORRELATION", "NeighbourResidual"]

# So many rows at a time stay close to the processor.
AT_ONCE = 8_192
# Below this correlation between any two neighbours, a correlation counts as zero: the residuals' variances
# and covariances are then those of independent ones to 1 in 10,000 of the information.
NO_CORRELATION = 0.01
# Beyond this correlation of all neighbours, residuals and a level of their own can hardly be told apart.
FULL_CORRELATION = 0.999
# A residual standard deviation below this share of the largest counts as zero.
NO_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class NeighbourResidual(BoundResidual):
    """A residual structure bound to the rows of a problem: serial correlation, strata, or both.

    Its parameters are unconstrained (``delta``): the correlation first, then the ratios. ``natural``
    translates them.
    """

    serial: Serial | None = None
    strata: Strata | None = None
    # what was last computed, by its kind: (delta, result)
    last: dict[str, tuple[bytes, Any]] = field(default_factory=dict, repr=False, compare=False)

    neighbours_only: ClassVar[bool] = True
    may_absorb: ClassVar[bool] = False

    @property
    def parts(self) -> tuple[Serial | Strata, ...]:
        """What there is of the two, in the order of the parameters."""
        return tuple(part for part in (self.serial, self.strata) if part is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(name for part in self.parts for name in part.names)

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is."""
        return tuple(part.meaning for part in self.parts for _ in part.names)

    @property
    def previous(self) -> IntArray:
        """The row before each row in its series, -1 where there is none, shape (n,)."""
        if self.serial is not None:
            return self.serial.previous
        assert self.strata is not None
        return np.full(self.strata.codes.size, -1, dtype=np.intp)

    @property
    def series(self) -> IntArray | None:
        """Codes of the series, shape (n,); None without serial correlation."""
        return None if self.serial is None else self.serial.series

    def split(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The correlation's part of a vector of parameters, and the ratios'."""
        count = 0 if self.serial is None else len(self.serial.names)
        return values[:count], values[count:]

    def start(self) -> FloatArray:
        """Delta at which the search begins, shape (k,)."""
        return np.concatenate([part.start() for part in self.parts])

    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``."""
        pairs = zip((self.serial, self.strata), self.split(delta), strict=True)
        return np.concatenate([part.natural(own) for part, own in pairs if part is not None])

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``."""
        pairs = zip((self.serial, self.strata), self.split(np.asarray(values, dtype=float)), strict=True)
        return np.concatenate([part.from_natural(own) for part, own in pairs if part is not None])

    def links(self, delta: FloatArray) -> Links:
        """Correlations between neighbours at delta; none without serial correlation."""
        serial = self.serial
        if serial is not None:
            found: Links = self._once("links", delta, lambda: serial.links(self.split(delta)[0]))
            return found
        nothing = np.zeros(self.previous.size)
        return Links(self.previous, nothing, nothing, nothing, nothing + 1.0)

    def deviations(self, delta: FloatArray) -> FloatArray:
        """Standard deviation of each row relative to sigma, shape (n,)."""
        if self.strata is None:
            return np.ones(self.previous.size)
        return self.strata.deviations(self.split(delta)[1])

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights at delta, with their derivatives."""
        found: RowWeights = self._once("weights", delta, lambda: self._weights(delta))
        return found

    def _weights(self, delta: FloatArray) -> RowWeights:
        log_ratios = self.split(delta)[1]
        if self.serial is None:
            assert self.strata is not None
            return self.strata.weights(log_ratios)
        serial = self.links(delta).weights()
        if self.strata is None:
            return serial
        return self.strata.scaled(serial, self.serial.previous, log_ratios)

    def d_log_det(self, delta: FloatArray) -> FloatArray:
        """Derivative of log|R| in each parameter, shape (k,)."""
        return self.weights(delta).d_log_det

    def bends(self, i: int, j: int) -> bool:
        """Whether R has a second derivative in two parameters: not in two strata of a diagonal R."""
        return i == j or self.serial is not None

    def correlation_at_zero(self, delta: FloatArray) -> bool:
        """Whether no two neighbours are correlated by as much as :data:`NO_CORRELATION`.

        For times the correlation a of two neighbours carries information through da = a log(1/a) dlog(range),
        and for waves two apart through d(rho^2) = 2 rho d(rho): none at zero.
        """
        if self.serial is None or (not self.serial.continuous and self.serial.has_neighbours):
            return False
        return bool(np.max(np.abs(self.links(delta).a)) < NO_CORRELATION)

    def uninformative(self, delta: FloatArray) -> list[int]:
        """Parameters about which nothing can be known at delta, by their number."""
        return [0] if self.correlation_at_zero(delta) else []

    def onto_face(self, delta: FloatArray) -> FloatArray | None:
        """Delta with a correlation that is near zero at zero; None where it is not."""
        if self.serial is None or not self.correlation_at_zero(delta):
            return None
        return np.append(self.serial.zero, delta[1:])

    def off_face(self, delta: FloatArray) -> FloatArray:
        """Delta with a correlation that is near zero away from it."""
        return np.append(self.start()[:1], delta[1:]) if self.correlation_at_zero(delta) else delta

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Which parameters lie at an end of what they can be: (kind, name), kinds being codes of notes."""
        found = []
        if self.serial is not None:
            a = np.abs(self.links(delta).a[self.previous >= 0])
            name = self.serial.names[0]
            if np.max(a) < NO_CORRELATION:
                found.append(("zero_correlation", name))
            elif np.min(a) > FULL_CORRELATION:
                found.append(("unit_correlation", name))
        if self.strata is not None:
            ratios = np.exp(np.append(0.0, self.split(delta)[1]))
            for level, ratio in zip(self.strata.levels, ratios, strict=True):
                if ratio < NO_SHARE * ratios.max():
                    found.append(("zero_residual_variance", f"{self.strata.column}: {level}"))
        return found

    def sorted(self, order: IntArray | None) -> "NeighbourResidual":
        """The same for rows in another order, in which each row comes right after the one before it."""
        serial = None if self.serial is None else self.serial.sorted(order)
        strata = None if self.strata is None else self.strata.sorted(order)
        return NeighbourResidual(serial, strata)

    def with_variances(self, other: BoundResidual) -> "NeighbourResidual":
        """The same with a standard deviation per stratum on both sides."""
        assert isinstance(other, NeighbourResidual)
        return replace(self, strata=other.strata, last={})

    def some(self, keep: NDArray[np.bool_]) -> "NeighbourResidual":
        """The same for some of the rows, whole series."""
        serial = None if self.serial is None else self.serial.some(keep)
        strata = None if self.strata is None else replace(self.strata, codes=self.strata.codes[keep])
        return NeighbourResidual(serial, strata)

    def place(self) -> IntArray:
        """A key that sorts rows by series and by time within them, shape (n,)."""
        place = np.zeros(self.previous.size, dtype=np.intp)
        if self.serial is not None:
            place[np.lexsort((self.serial.time, self.serial.series))] = np.arange(place.size)
        return place

    def inverse_entries(self, delta: FloatArray, indices: tuple[int, ...] = ()) -> Entries:
        """Omega and link of R^-1, or of its derivative in the parameters of up to two indices."""
        n_serial = 0 if self.serial is None else 1
        omega, link = self.links(delta).inverse(sum(index < n_serial for index in indices))
        if self.strata is None:
            return omega, link
        previous, inverse, members = self.previous, 1.0 / self.deviations(delta), self.strata.members()
        omega, link = omega * inverse**2, link * inverse * inverse[previous]
        for index in indices:
            if index >= n_serial:
                one = members[index - n_serial]
                omega, link = -2.0 * one * omega, -(one + one[previous]) * link
        return omega, link

    def entries(self, delta: FloatArray, indices: tuple[int, ...] = ()) -> Entries:
        """Variances of R and covariances of neighbours, or their derivatives in up to two parameters."""
        n_serial, links = 0 if self.serial is None else 1, self.links(delta)
        order = sum(index < n_serial for index in indices)
        across = (links.a, links.d1, links.d2)[order]
        own = np.ones_like(across) if order == 0 else np.zeros_like(across)
        if self.strata is None:
            return own, across
        previous, s, members = self.previous, self.deviations(delta), self.strata.members()
        own, across = own * s**2, across * s * s[previous]
        for index in indices:
            if index >= n_serial:
                one = members[index - n_serial]
                own, across = 2.0 * one * own, (one + one[previous]) * across
        return own, across

    def traces(self, delta: FloatArray, pairs: Pairs) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Traces with R^-1, all from entries of neighbours, as R^-1 has no others."""
        size = range(len(self.names))
        whole, single = self.inverse_entries(delta), [self.inverse_entries(delta, (i,)) for i in size]
        first = [self.entries(delta, (i,)) for i in size]
        second = [self.entries(delta, pair) for pair in pairs]
        product = np.array([[-_trace(one, other) for other in first] for one in single])
        bent = np.array([_trace(whole, one) for one in second])
        third = np.array([[-_trace(one, other) for other in second] for one in single])
        return product, bent, third

    def whitened(self, delta: FloatArray, columns: FloatArray) -> tuple[FloatArray, float]:
        """W times columns (m, n), with W'W = R^-1, and log|R|; rows as :meth:`sorted` wants them."""
        links, s = self.links(delta), self.deviations(delta)
        root = np.sqrt(links.u)
        own, across = root / s, links.a * root
        across[1:] /= s[:-1]
        result = np.empty_like(columns)
        for start in range(0, own.size, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            np.multiply(own[part], columns[:, part], out=result[:, part])
            if self.serial is not None:
                later = slice(max(start, 1), start + AT_ONCE)
                before = slice(later.start - 1, min(later.stop, own.size) - 1)
                result[:, later] -= across[later] * columns[:, before]
        return result, links.log_det(0) + 2.0 * float(np.sum(np.log(s)))

    def half(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """(W^-1)' times columns (m, n), so that the products of two are those with R between."""
        links, s = self.links(delta), self.deviations(delta)
        scaled = s * columns
        if self.serial is None:
            return scaled
        root = np.sqrt(links.u)
        band = np.zeros((2, root.size))
        band[0, 1:], band[1] = -(links.a * root)[1:], root
        found: FloatArray = solve_banded((0, 1), band, scaled.T, overwrite_b=True, check_finite=False).T
        return found

    def back(self, delta: FloatArray, half: FloatArray) -> FloatArray:
        """W^-1 times columns (m, n): R times columns is this of their :meth:`half`."""
        links, s = self.links(delta), self.deviations(delta)
        if self.serial is None:
            return s * half
        root = np.sqrt(links.u)
        band = np.zeros((2, root.size))
        band[0], band[1, :-1] = root, -(links.a * root)[1:]
        found: FloatArray = s * solve_banded((1, 0), band, half.T, check_finite=False).T
        return found

    def moved(self, delta: FloatArray, indices: tuple[int, ...], columns: FloatArray) -> FloatArray:
        """A derivative of R^-1 times columns (m, n); rows as :meth:`sorted` wants them."""
        omega, link = self.inverse_entries(delta, indices)
        result: FloatArray = omega * columns
        result[:, 1:] -= link[1:] * columns[:, :-1]
        result[:, :-1] -= link[1:] * columns[:, 1:]
        return result

    def solve(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """R^-1 times columns (m, n)."""
        return self.moved(delta, (), columns)

    def derivative(self, delta: FloatArray, indices: tuple[int, ...], columns: FloatArray) -> FloatArray:
        """A derivative of R in one or two parameters times columns (m, n), through that of its inverse."""
        pairs = [] if len(indices) == 1 else [(indices[0], indices[1])]
        halves = self.turned(delta, self.back(delta, self.half(delta, columns)), pairs)[1]
        return self.back(delta, halves[-1] if pairs else halves[indices[0]])

    def turned(self, delta: FloatArray, columns: FloatArray, pairs: Pairs) -> Turned:
        """R^-1 R_k R^-1 times columns (m, n) of every parameter, then R^-1 R_kl R^-1 of pairs of them.

        With E_k = -R^-1 R_k R^-1 the derivative of R^-1, that of a pair is E_k R E_l + E_l R E_k - E_kl.

        Returns
        -------
        products, halves : lists of array, shape (m, n)
            ``halves`` are (W^-1)' times the products.
        """
        products = [-self.moved(delta, (k,), columns) for k in range(delta.size)]
        halves = [self.half(delta, one) for one in products]
        met = {i for pair in pairs for i in pair}
        carried = {i: self.back(delta, halves[i]) for i in met}
        for i, j in pairs:
            one = -self.moved(delta, (i,), carried[j])
            other = one if i == j else -self.moved(delta, (j,), carried[i])
            products.append(one + other - self.moved(delta, (i, j), columns))
            halves.append(self.half(delta, products[-1]))
        return products, halves

    def inverse_slopes(self, delta: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over columns of left' E right (m, n) each, for E the derivative of R^-1 in each parameter."""
        found = self.weights(delta)
        own = np.einsum("mn,mn->n", left, right)
        across = np.einsum("mn,mn->n", left[:, 1:], right[:, :-1])
        across += np.einsum("mn,mn->n", left[:, :-1], right[:, 1:])
        slopes: FloatArray = found.d_omega @ own - found.d_link[:, 1:] @ across
        return slopes

    def whitening(self, delta: FloatArray) -> sparse.csr_matrix:
        """W for rows in any order, shape (n, n)."""
        root = 1.0 / self.deviations(delta)
        if self.serial is None:
            return sparse.diags(root).tocsr()
        link, previous, n = self.links(delta).a, self.previous, self.previous.size
        scale = 1.0 / np.sqrt(1.0 - link * link)
        rows = np.flatnonzero(previous >= 0)
        before = sparse.csr_matrix((-(link * scale)[rows], (rows, previous[rows])), shape=(n, n))
        return ((sparse.diags(scale) + before) @ sparse.diags(root)).tocsr()

    @property
    def variance_columns(self) -> tuple[str, ...]:
        """The column of the strata."""
        return () if self.strata is None else (self.strata.column,)

    @property
    def kinds(self) -> FloatArray:
        """The stratum of each row, shape (n, 1)."""
        if self.strata is None:
            return np.zeros((self.previous.size, 0))
        return self.strata.codes[:, None].astype(float)

    def new_kinds(self, data: Mapping[str, ArrayLike], n: int) -> FloatArray:
        """The strata of new rows, shape (n, 1)."""
        return np.zeros((n, 0)) if self.strata is None else self.strata.read(data)

    def variances(self, values: FloatArray, kinds: FloatArray) -> FloatArray:
        """Variances relative to sigma^2 of rows of these kinds, shape (m,), from natural parameters."""
        if self.strata is None:
            return np.ones(len(kinds))
        found: FloatArray = np.append(1.0, self.split(values)[1])[kinds[:, 0].astype(int)] ** 2
        return found


def _trace(inverse: Entries, entries: Entries) -> float:
    """tr(A B) of symmetric A, with entries of neighbours only, and B."""
    return float(inverse[0] @ entries[0] - 2.0 * inverse[1] @ entries[1])
