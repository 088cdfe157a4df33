"""A residual structure bound to the rows of a problem: serial correlation, a variance per stratum, or both.

R = S C S with S the standard deviations of the strata and C the serial correlation; either may be the
identity. C^-1 has entries for neighbours only; S^-1 on both its sides divides omega_t by s_t^2 and link_t
by s_t s_t- (see :mod:`residual_weights`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .residual_weights import Entries, Links, RowWeights, Serial, Strata

__all__ = ["BoundResidual"]

# Below this correlation between any two neighbours, a correlation counts as zero: the residuals' variances
# and covariances are then those of independent ones to 1 in 10,000 of the information.
NO_CORRELATION = 0.01

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class BoundResidual:
    """A residual structure bound to the rows of a problem: serial correlation, strata, or both.

    Its parameters are unconstrained (``delta``): the correlation first, then the ratios. ``natural``
    translates them.
    """

    serial: Serial | None = None
    strata: Strata | None = None

    @property
    def parts(self) -> tuple[Serial | Strata, ...]:
        """What there is of the two, in the order of the parameters."""
        return tuple(part for part in (self.serial, self.strata) if part is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(name for part in self.parts for name in part.names)

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
        if self.serial is not None:
            return self.serial.links(self.split(delta)[0])
        nothing = np.zeros(self.previous.size)
        return Links(self.previous, nothing, nothing, nothing, nothing + 1.0)

    def deviations(self, delta: FloatArray) -> FloatArray:
        """Standard deviation of each row relative to sigma, shape (n,)."""
        if self.strata is None:
            return np.ones(self.previous.size)
        return self.strata.deviations(self.split(delta)[1])

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights at delta, with their derivatives."""
        correlation, log_ratios = self.split(delta)
        if self.serial is None:
            assert self.strata is not None
            return self.strata.weights(log_ratios)
        serial = self.serial.weights(correlation)
        if self.strata is None:
            return serial
        return self.strata.scaled(serial, self.serial.previous, log_ratios)

    def correlation_at_zero(self, delta: FloatArray) -> bool:
        """Whether no two neighbours are correlated by as much as :data:`NO_CORRELATION`.

        For times the correlation a of two neighbours carries information through da = a log(1/a) d(log range),
        and for waves two apart through d(rho^2) = 2 rho d(rho): none at zero.
        """
        if self.serial is None or (not self.serial.continuous and self.serial.has_neighbours):
            return False
        return bool(np.max(np.abs(self.links(delta).a)) < NO_CORRELATION)

    def without_correlation(self, delta: FloatArray) -> FloatArray:
        """Delta with the serial correlation at zero."""
        assert self.serial is not None
        return np.append(self.serial.zero, delta[1:])

    def bend(self, delta: FloatArray, i: int, j: int) -> Entries:
        """Second derivative of omega and link in two parameters, shape (n,) each."""
        n_serial = 0 if self.serial is None else len(self.serial.names)
        omega, link = self.links(delta).inverse((i < n_serial) + (j < n_serial))
        if self.strata is None:
            return omega, link
        previous, inverse = self.previous, 1.0 / self.deviations(delta)
        omega, link = omega * inverse**2, link * inverse * inverse[previous]
        members = self.strata.members()
        for index in (i, j):
            if index >= n_serial:
                one = members[index - n_serial]
                omega, link = -2.0 * one * omega, -(one + one[previous]) * link
        return omega, link

    def traces(self, delta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """tr(R^-1 R_i R^-1 R_j), and the second derivative of log|R|, shape (k, k) each.

        With R_s = L R + R L for a stratum s (L its rows) the trace of two strata is 2 n_s if they are one,
        plus 2 times the sum over both of the entries of C^-1 times those of C.
        """
        links, n_serial = self.links(delta), 0 if self.serial is None else len(self.serial.names)
        size = len(self.names)
        product, curvature = np.zeros((size, size)), np.zeros((size, size))
        omega, link = links.inverse(0)
        if self.serial is not None:
            product[0, 0] = 2.0 * float(np.sum((1.0 + links.a**2) * links.u**2 * links.d1**2))
            curvature[0, 0] = links.log_det(2)
        if self.strata is not None:
            members, previous = self.strata.members(), self.previous
            own = slice(n_serial, size)
            across = (link * links.a * members) @ members[:, previous].T
            product[own, own] = 2.0 * ((omega * members) @ members.T - across - across.T)
            product[own, own] += 2.0 * np.diag(members.sum(axis=1))
            if self.serial is not None:
                product[0, own] = product[own, 0] = -2.0 * members @ links.spread(link * links.d1)
        return product, curvature
