"""Residual structures bound to the rows of a problem.

All are described by weights on cross-products of rows, so that R never is a matrix: with D the columns of
a problem and t- the row before t in its series,

    D'R^-1 D = sum_t omega_t D_t D_t' - sum_t link_t (D_t D_t-' + D_t- D_t').
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoundSerial", "BoundVariance", "ResidualStructure", "RowWeights"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


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


class ResidualStructure(Protocol):
    """A structure bound to the rows of a problem.

    Its parameters are unconstrained (``delta``); ``natural`` translates them. ``previous`` (n,) is the row
    before each row in its series, -1 where there is none; ``series`` (n,) codes the series.
    """

    names: tuple[str, ...]
    previous: IntArray
    series: IntArray | None

    def start(self) -> FloatArray:
        """Delta at which the search begins, shape (k,)."""

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights at delta."""

    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``."""

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``."""


@dataclass(frozen=True, slots=True)
class BoundVariance:
    """VarianceBy bound to rows; delta = log of the sd ratios."""

    names: tuple[str, ...]
    previous: IntArray
    series: IntArray | None
    codes: IntArray

    def start(self) -> FloatArray:
        """Equal variances."""
        return np.zeros(len(self.names))

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights 1 / ratio^2."""
        log_ratio = np.append(0.0, delta)
        omega = np.exp(-2.0 * log_ratio)[self.codes]
        member = (self.codes == np.arange(1, log_ratio.size)[:, None]).astype(float)
        counts = member.sum(axis=1)
        nothing = np.zeros_like(omega)
        return RowWeights(
            omega,
            nothing,
            2.0 * float(counts @ delta),
            -2.0 * omega * member,
            np.zeros_like(member),
            2.0 * counts,
        )

    def natural(self, delta: FloatArray) -> FloatArray:
        """Ratios of standard deviations."""
        return np.asarray(np.exp(delta))

    def from_natural(self, values: FloatArray) -> FloatArray:
        """Logarithms of the ratios."""
        return np.asarray(np.log(np.asarray(values, dtype=float)))


@dataclass(frozen=True, slots=True)
class BoundSerial:
    """AR1 or CAR1 bound to rows.

    ``distance`` (n,) is the time since the previous row (1 where there is none). Delta is atanh(rho) for
    waves and log(range / median distance), phi = exp(-1 / range), for times.
    """

    names: tuple[str, ...]
    previous: IntArray
    series: IntArray | None
    distance: FloatArray
    continuous: bool

    @property
    def unit(self) -> float:
        """Median distance between neighbours."""
        return float(np.median(self.distance[self.previous >= 0]))

    def start(self) -> FloatArray:
        """A correlation of about .2 between neighbours."""
        return np.array([np.log(0.6) if self.continuous else np.arctanh(0.2)])

    def correlations(self, delta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Correlation with the previous row, and its two derivatives in delta; zeros where there is none."""
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
        return np.where(linked, a, 0.0), np.where(linked, d1, 0.0), np.where(linked, d2, 0.0)

    def weights(self, delta: FloatArray) -> RowWeights:
        """Row weights of the inverse of a Markov chain's correlation matrix."""
        a, d1, _ = self.correlations(delta)
        u = 1.0 / (1.0 - a * a)
        du = 2.0 * a * u * u * d1
        return RowWeights(
            self.spread(u - 1.0) + 1.0,
            a * u,
            -float(np.sum(np.log(u))),
            self.spread(du)[None],
            ((1.0 + a * a) * u * u * d1)[None],
            np.array([-float(np.sum(2.0 * a * u * d1))]),
        )

    def spread(self, share: FloatArray) -> FloatArray:
        """What a link adds to the weight of its own row and of the row before."""
        linked = self.previous >= 0
        total = share.copy()
        total[self.previous[linked]] += share[linked]
        return total

    def natural(self, delta: FloatArray) -> FloatArray:
        """rho, or phi."""
        if self.continuous:
            return np.asarray(np.exp(-1.0 / (self.unit * np.exp(delta))))
        return np.asarray(np.tanh(delta))

    def from_natural(self, values: FloatArray) -> FloatArray:
        """Delta of a given rho or phi."""
        values = np.asarray(values, dtype=float)
        if self.continuous:
            return np.asarray(np.log(-1.0 / np.log(values)) - np.log(self.unit))
        return np.asarray(np.arctanh(values))
