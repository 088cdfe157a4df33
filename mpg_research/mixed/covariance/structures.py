"""Residual structures as a user asks for them: serial correlation within families, a variance per stratum.

One of each may be combined: R = S C S, S the standard deviations of the strata, C the correlation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.measurement_error import NoisyResidual
from mpg_research.mixed.covariance.neighbours import NeighbourResidual
from mpg_research.mixed.covariance.protocol import BoundResidual, ResidualStructure
from mpg_research.mixed.covariance.row_weights import Serial, Strata
from mpg_research.mixed.covariance.series import (
    numbers,
    refuse_gaps_in,
    refuse_twice,
    series_codes,
    series_columns,
)

__all__ = ["AR1", "CAR1", "VarianceBy", "bind_residual"]


@dataclass(frozen=True, slots=True)
class VarianceBy(ResidualStructure):
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

    def bind(self, data: Mapping[str, ArrayLike]) -> BoundResidual:
        """Bind to the rows; ``data`` maps each needed column to its values."""
        levels, codes = np.unique(np.asarray(data[self.column]).astype(str), return_inverse=True)
        if 2 * levels.size > codes.size:
            raise ModelError(
                f"Column {self.column} has {levels.size} levels in {codes.size} rows; expected a categorical "
                "column with several rows per level for a variance per level."
            )
        if levels.size < 2:
            raise ModelError(
                f"Column {self.column} has one level ({levels[0]}); expected at least two for a variance "
                "per level. Leave the residual structure out."
            )
        return NeighbourResidual(strata=Strata(self.column, tuple(levels.tolist()), codes))


@dataclass(frozen=True, slots=True)
class AR1(ResidualStructure):
    """First-order autoregression over waves within families: correlation rho^|wave distance|.

    Attributes
    ----------
    wave : str
        A column of whole numbers, no two alike within one series; gaps are respected.
    within : str
        The series, such as "family", or several columns joined by a colon, such as
        "family:respondent:episode", where a family has several series of its own (two parents, two periods
        of help). A series must lie within one group of the finest random term.

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
        return (self.wave, *series_columns(self.within))

    @property
    def series(self) -> str:
        """What ties residuals together."""
        return self.within

    def bind(self, data: Mapping[str, ArrayLike]) -> BoundResidual:
        """Bind to the rows; ``data`` maps each needed column to its values."""
        waves = numbers(data[self.wave], self.wave)
        if np.any(waves != np.round(waves)):
            broken = waves[waves != np.round(waves)][0]
            raise ModelError(
                f"Column {self.wave} has waves that are not whole numbers (such as {broken:g}); AR1 expects "
                "1, 2, 3, ... Use CAR1 for times in between."
            )
        return _serial("correlation of neighbouring waves", waves, data, self, continuous=False)


@dataclass(frozen=True, slots=True)
class CAR1(ResidualStructure):
    """Continuous-time autoregression within families: correlation phi^|time distance|, 0 < phi < 1.

    Attributes
    ----------
    time : str
        A numeric column, no two values alike within one series.
    within : str
        The series, such as "family", or several columns joined by a colon, such as
        "family:respondent:episode", where a family has several series of its own (two parents, two periods
        of help). A series must lie within one group of the finest random term.
    measurement_error : bool
        Whether each row also has an error of its own that does not carry on: correlation
        (1 - share) phi^|time distance| between two rows, as nlme's ``corExp(nugget = TRUE)`` with nugget =
        share and range = -1 / log(phi). The random terms must be nested.

    References
    ----------
    Jones & Boadi-Boateng (1991), 10.2307/2532504; Diggle (1988), 10.2307/2531727.

    Examples
    --------
    >>> CAR1("months", within="family").columns
    ('months', 'family')
    """

    time: str
    within: str
    measurement_error: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""
        return (self.time, *series_columns(self.within))

    @property
    def series(self) -> str:
        """What ties residuals together."""
        return self.within

    def bind(self, data: Mapping[str, ArrayLike]) -> BoundResidual:
        """Bind to the rows; ``data`` maps each needed column to its values."""
        times = numbers(data[self.time], self.time)
        if not isinstance(self.measurement_error, bool | np.bool_):
            raise ModelError(f"measurement_error must be True or False; found {self.measurement_error!r}.")
        bound = _serial("correlation at distance 1", times, data, self, continuous=True)
        return NoisyResidual(bound.serial) if self.measurement_error else bound

    def covers(self, other: ResidualStructure) -> bool:
        """Whether the other structure is the same, or the same without measurement error."""
        return self == other or self.freed_variances(other) == 1

    def freed_variances(self, other: ResidualStructure) -> int:
        """1 where the other is the same without measurement error."""
        return int(self.measurement_error and replace(self, measurement_error=False) == other)


def bind_residual(
    parts: tuple[ResidualStructure, ...], data: Mapping[str, ArrayLike]
) -> BoundResidual | None:
    """Bind a structure, or one of each kind together; None for no structure.

    Parameters
    ----------
    parts : tuple of ResidualStructure
        One that ties residuals together, one that does not (a variance per stratum), or both in this order.
    data : mapping of column to its values
        Every column that the parts name, in the rows of the problem.

    Raises
    ------
    ModelError
        If the columns cannot carry the structure.
    """
    bound = [part.bind(data) for part in parts]
    if not bound:
        return None
    return bound[0] if len(bound) == 1 else bound[0].with_variances(bound[1])


def _serial(
    name: str, times: FloatArray, data: Mapping[str, ArrayLike], spec: AR1 | CAR1, *, continuous: bool
) -> NeighbourResidual:
    """Find each row's predecessor and the distance to it."""
    column = spec.columns[0]
    refuse_gaps_in(times, column)
    series = series_codes(data, spec.within)
    refuse_twice(times, series, lambda at: f"{times[at]:g}", column=column, data=data, within=spec.within)
    order = np.lexsort((times, series))
    together = series[order][1:] == series[order][:-1]
    gaps = np.diff(times[order])
    if not np.any(together):
        raise ModelError(
            f"No {spec.within} has two measurements; expected repeated measurements for serial correlation."
        )
    previous = np.full(times.size, -1, dtype=np.intp)
    previous[order[1:][together]] = order[:-1][together]
    distance = np.ones(times.size)
    distance[order[1:][together]] = gaps[together]
    unit = float(np.median(gaps[together]))
    return NeighbourResidual(Serial((name,), previous, series, distance, continuous, unit, times))
