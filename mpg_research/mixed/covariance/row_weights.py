"""The two parts of a residual structure, bound to the rows of a problem: serial correlation and strata.

R^-1 is described by weights on cross-products of rows, so that R never is a matrix: with D the columns of
a problem and t- the row before t in its series,

    D'R^-1 D = sum_t omega_t D_t D_t' - sum_t link_t (D_t D_t-' + D_t- D_t').
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.protocol import Meaning
from mpg_research.mixed.covariance.series import listed

__all__ = ["Entries", "Links", "RowWeights", "Serial", "Strata"]

# exp(-SMALLEST_EXPONENT) is the correlation of the nearest two rows where it counts as zero.
SMALLEST_EXPONENT = 40.0

Entries = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class RowWeights:
    """R^-1 and log|R| at one parameter value, with k derivatives.

    Attributes
    ----------
    omega : array, shape (n,)
    link : array, shape (n,)
        Zero for the first row of a series.
    log_det : float
    d_omega, d_link : arrays, shape (k, n)
    d_log_det : array, shape (k,)
    """

    omega: FloatArray
    link: FloatArray
    log_det: float
    d_omega: FloatArray
    d_link: FloatArray
    d_log_det: FloatArray


@dataclass(frozen=True, slots=True)
class Links:
    """The correlation of each row with the one before (zero where there is none), at one parameter value.

    Attributes
    ----------
    previous : array of int, shape (n,)
    a, d1, d2 : arrays, shape (n,)
        The correlation and its two derivatives.
    u : array, shape (n,)
        Inverse of the variance that is new in each row, 1 / (1 - a^2).
    """

    previous: IntArray
    a: FloatArray
    d1: FloatArray
    d2: FloatArray
    u: FloatArray

    def inverse(self, order: int) -> Entries:
        """Omega and link of C^-1, or their first or second derivative."""
        a, d1, d2, u = self.a, self.d1, self.d2, self.u
        if order == 0:
            return self.spread(u - 1.0) + 1.0, a * u
        if order == 1:
            return self.spread(2.0 * a * u * u * d1), (1.0 + a * a) * u * u * d1
        share = (2.0 * u**2 + 8.0 * a**2 * u**3) * d1**2 + 2.0 * a * u**2 * d2
        link = (2.0 * a * u**2 + 4.0 * a * (1.0 + a**2) * u**3) * d1**2 + (1.0 + a**2) * u**2 * d2
        return self.spread(share), link

    def log_det(self, order: int) -> float:
        """log|C|, or its first or second derivative."""
        a, d1, d2, u = self.a, self.d1, self.d2, self.u
        if order == 0:
            return -float(np.sum(np.log(u)))
        if order == 1:
            return -float(np.sum(2.0 * a * u * d1))
        return float(np.sum((-2.0 * u - 4.0 * a**2 * u**2) * d1**2 - 2.0 * a * u * d2))

    def weights(self) -> RowWeights:
        """Row weights of the inverse of a Markov chain's correlation matrix."""
        (omega, link), (d_omega, d_link) = self.inverse(0), self.inverse(1)
        log_det, d_log_det = self.log_det(0), np.array([self.log_det(1)])
        return RowWeights(omega, link, log_det, d_omega[None], d_link[None], d_log_det)

    def spread(self, share: FloatArray) -> FloatArray:
        """What a link adds to the weight of its own row and of the row before."""
        linked = self.previous >= 0
        total = share.copy()
        total[self.previous[linked]] += share[linked]
        return total


@dataclass(frozen=True, slots=True)
class Serial:
    """AR1 or CAR1 bound to rows.

    ``previous`` (n,) is the row before each row in its series, -1 where there is none; ``series`` (n,)
    codes the series and ``time`` (n,) orders their rows; ``distance`` (n,) is the time since the previous row
    (1 where there is none) and ``unit`` its median. Delta is atanh(rho) for waves and log(range / unit), with
    phi = exp(-1 / range), for times.
    """

    names: tuple[str, ...]
    previous: IntArray
    series: IntArray
    distance: FloatArray
    continuous: bool
    unit: float
    time: FloatArray

    @property
    def meaning(self) -> Meaning:
        """What the parameter is."""
        return "correlation"

    def sorted(self, order: IntArray | None) -> "Serial":
        """The same for rows in another order, in which each row comes right after the one before it."""
        if order is None:
            return self
        linked = self.previous[order] >= 0
        return replace(
            self,
            previous=np.where(linked, np.arange(order.size) - 1, -1),
            series=self.series[order],
            distance=self.distance[order],
            time=self.time[order],
        )

    def some(self, keep: NDArray[np.bool_]) -> "Serial":
        """The same for some of the rows, whole series."""
        place = np.cumsum(keep) - 1
        previous = np.where(self.previous >= 0, place[self.previous], -1)[keep]
        parts = {name: getattr(self, name)[keep] for name in ("series", "distance", "time")}
        return replace(self, previous=previous, **parts)

    @property
    def has_neighbours(self) -> bool:
        """Whether some two rows are one wave apart."""
        return bool(np.any((self.distance == 1.0) & (self.previous >= 0)))

    @property
    def zero(self) -> float:
        """Delta at which the correlation is zero: as good as, for times."""
        if not self.continuous:
            return 0.0
        nearest = float(np.min(self.distance[self.previous >= 0]))
        return float(np.log(nearest / self.unit / SMALLEST_EXPONENT))

    def start(self) -> FloatArray:
        """A correlation of about .2 between neighbours."""
        return np.array([np.log(0.6) if self.continuous else np.arctanh(0.2)])

    def links(self, delta: FloatArray) -> Links:
        """Correlations between neighbours at delta."""
        linked = self.previous >= 0
        if self.continuous:
            scaled = self.distance / (self.unit * np.exp(delta[0]))
            a = np.exp(-scaled)
            d1, d2 = a * scaled, a * scaled * (scaled - 1.0)
        else:
            rho = np.tanh(delta[0])
            drho, d2rho = 1.0 - rho**2, -2.0 * rho * (1.0 - rho**2)
            power = self.distance
            a = rho**power
            slope = power * rho ** (power - 1.0)
            bend = np.where(power > 1, power * (power - 1.0) * rho ** np.maximum(power - 2.0, 0.0), 0.0)
            d1, d2 = slope * drho, slope * d2rho + bend * drho**2
        a, d1, d2 = (np.where(linked, values, 0.0) for values in (a, d1, d2))
        return Links(self.previous, a, d1, d2, 1.0 / (1.0 - a * a))

    def natural(self, delta: FloatArray) -> FloatArray:
        """rho, or phi."""
        if self.continuous:
            found = np.exp(-1.0 / (self.unit * np.exp(delta)))
            return np.asarray(np.where(delta <= self.zero, 0.0, found))
        return np.asarray(np.tanh(delta))

    def from_natural(self, values: FloatArray) -> FloatArray:
        """Delta of a given rho or phi."""
        if self.continuous:
            positive = np.where(values == 0, 0.5, values)
            found = np.log(-1.0 / np.log(positive)) - np.log(self.unit)
            return np.asarray(np.where(values == 0, self.zero, found))
        return np.asarray(np.arctanh(values))


@dataclass(frozen=True, slots=True)
class Strata:
    """VarianceBy bound to rows: ``codes`` (n,) into ``levels``; delta = log of the sd ratios."""

    column: str
    levels: tuple[str, ...]
    codes: IntArray

    def sorted(self, order: IntArray | None) -> "Strata":
        """The same for rows in another order."""
        return self if order is None else replace(self, codes=self.codes[order])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the ratios."""
        first = self.levels[0]
        return tuple(f"sd ratio ({self.column}: {level} / {first})" for level in self.levels[1:])

    @property
    def meaning(self) -> Meaning:
        """What the parameters are."""
        return "sd_ratio"

    def read(self, data: Mapping[str, ArrayLike]) -> FloatArray:
        """Strata of new rows by number, shape (n, 1)."""
        known = {level: place for place, level in enumerate(self.levels)}
        found = [str(value) for value in np.asarray(data[self.column])]
        unknown = [value for value in found if value not in known]
        if unknown:
            raise ModelError(
                f"The residual variance of {self.column!r} = {unknown[0]!r} is unknown; known are "
                f"{listed(self.levels)}."
            )
        return np.array([known[value] for value in found], dtype=float)[:, None]

    def start(self) -> FloatArray:
        """Equal variances."""
        return np.zeros(len(self.levels) - 1)

    def members(self) -> FloatArray:
        """1 where a row is in the stratum of each ratio, shape (k, n)."""
        inside: FloatArray = (self.codes == np.arange(1, len(self.levels))[:, None]).astype(float)
        return inside

    def deviations(self, delta: FloatArray) -> FloatArray:
        """Standard deviation of each row relative to sigma, shape (n,)."""
        found: FloatArray = np.exp(np.append(0.0, delta))[self.codes]
        return found

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights 1 / ratio^2."""
        omega, members = self.deviations(-delta) ** 2, self.members()
        counts, nothing = members.sum(axis=1), np.zeros_like(members)
        return RowWeights(
            omega,
            np.zeros_like(omega),
            2.0 * float(counts @ delta),
            -2.0 * omega * members,
            nothing,
            2.0 * counts,
        )

    def scaled(self, serial: RowWeights, previous: IntArray, delta: FloatArray) -> RowWeights:
        """Row weights of S^-1 C^-1 S^-1 from those of C^-1; the derivatives of the ratios come last."""
        inverse, members = self.deviations(-delta), self.members()
        own, across = inverse**2, inverse * inverse[previous]
        omega, link, counts = serial.omega * own, serial.link * across, members.sum(axis=1)
        return RowWeights(
            omega,
            link,
            serial.log_det + 2.0 * float(counts @ delta),
            np.concatenate([serial.d_omega * own, -2.0 * omega * members]),
            np.concatenate([serial.d_link * across, -link * (members + members[:, previous])]),
            np.concatenate([serial.d_log_det, 2.0 * counts]),
        )

    def natural(self, delta: FloatArray) -> FloatArray:
        """Ratios of standard deviations."""
        return np.asarray(np.exp(delta))

    def from_natural(self, values: FloatArray) -> FloatArray:
        """Logarithms of the ratios."""
        return np.asarray(np.log(values))
