"""Residual structures: serial correlation within families, and a variance per stratum.

All are described by weights on cross-products of rows, so that R never is a matrix: with D the columns of
a problem and t- the row before t in its series,

    D'R^-1 D = sum_t omega_t D_t D_t' - sum_t link_t (D_t D_t-' + D_t- D_t').
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelError

__all__ = ["AR1", "CAR1", "ResidualStructure", "RowWeights", "VarianceBy"]

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
class VarianceBy:
    """A residual variance for each level of a column, as nlme's ``varIdent``.

    Attributes
    ----------
    column : str
        The stratum of each row. sigma is the residual standard deviation of its first level (sorted); the
        parameters are the ratios of the other levels' standard deviations to it.

    Examples
    --------
    >>> VarianceBy("sex").columns
    ('sex',)
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""
        return (self.column,)

    def bind(self, data: Mapping[str, ArrayLike]) -> "BoundVariance":
        """Bind to the rows; ``data`` maps each needed column to its values."""
        levels, codes = np.unique(np.asarray(data[self.column]).astype(str), return_inverse=True)
        if levels.size < 2:
            raise ModelError(
                f"Column {self.column} has one level ({levels[0]}); expected at least two for a variance "
                "per level. Leave the residual structure out."
            )
        names = tuple(f"sd ratio ({self.column}: {level} / {levels[0]})" for level in levels[1:])
        return BoundVariance(names, np.full(codes.size, -1), None, codes)


@dataclass(frozen=True, slots=True)
class BoundVariance:
    """:class:`VarianceBy` bound to rows; delta = log of the sd ratios."""

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
class AR1:
    """First-order autoregression over waves within families: correlation rho^|wave distance|.

    Attributes
    ----------
    wave : str
        A column of whole numbers, no two alike within one series; gaps are respected.
    within : str
        The series, such as "family"; must lie within one group of the finest random term.

    Examples
    --------
    >>> AR1("wave", within="family").columns
    ('wave', 'family')
    """

    wave: str
    within: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""
        return (self.wave, self.within)

    def bind(self, data: Mapping[str, ArrayLike]) -> "BoundSerial":
        """Bind to the rows; ``data`` maps each needed column to its values."""
        waves = np.asarray(data[self.wave], dtype=float)
        if np.any(waves != np.round(waves)):
            broken = waves[waves != np.round(waves)][0]
            raise ModelError(
                f"Column {self.wave} has waves that are not whole numbers (such as {broken:g}); AR1 expects "
                "1, 2, 3, ... Use CAR1 for times in between."
            )
        return _serial("correlation of neighbouring waves", waves, data[self.within], self, continuous=False)


@dataclass(frozen=True, slots=True)
class CAR1:
    """Continuous-time autoregression within families: correlation phi^|time distance|, 0 < phi < 1.

    Attributes
    ----------
    time : str
        A numeric column, no two values alike within one series.
    within : str
        The series, such as "family"; must lie within one group of the finest random term.

    Examples
    --------
    >>> CAR1("months", within="family").columns
    ('months', 'family')
    """

    time: str
    within: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""
        return (self.time, self.within)

    def bind(self, data: Mapping[str, ArrayLike]) -> "BoundSerial":
        """Bind to the rows; ``data`` maps each needed column to its values."""
        times = np.asarray(data[self.time], dtype=float)
        return _serial("correlation at distance 1", times, data[self.within], self, continuous=True)


def _serial(
    name: str, times: FloatArray, within: Any, spec: "AR1 | CAR1", *, continuous: bool
) -> "BoundSerial":
    """Find each row's predecessor and the distance to it."""
    column = spec.columns[0]
    if not np.all(np.isfinite(times)):
        raise ModelError(f"Column {column} has missing or infinite values; drop those rows first.")
    _, series = np.unique(np.asarray(within).astype(str), return_inverse=True)
    order = np.lexsort((times, series))
    together = series[order][1:] == series[order][:-1]
    gaps = np.diff(times[order])
    if np.any(together & (gaps <= 0)):
        at = int(np.flatnonzero(together & (gaps <= 0))[0])
        raise ModelError(
            f"Column {column} has the value {times[order][at]:g} twice in one {spec.within} "
            f"({np.asarray(within)[order[at]]}); expected different times within a series. "
            "Average or drop the double measurement, or choose a finer series."
        )
    if not np.any(together):
        raise ModelError(
            f"No {spec.within} has two measurements; expected repeated measurements for serial correlation."
        )
    previous = np.full(times.size, -1, dtype=np.intp)
    previous[order[1:][together]] = order[:-1][together]
    distance = np.ones(times.size)
    distance[order[1:][together]] = gaps[together]
    return BoundSerial((name,), previous, series.astype(np.intp), distance, continuous)


@dataclass(frozen=True, slots=True)
class BoundSerial:
    """:class:`AR1` or :class:`CAR1` bound to rows.

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
