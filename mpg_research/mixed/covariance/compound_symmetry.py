"""Compound symmetry: any two residuals of a series are equally correlated."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.protocol import Meaning
from mpg_research.mixed.covariance.series_structure import SeriesStructure

__all__ = ["CompoundSymmetry"]

# Beyond this share of the way to its ends the correlation counts as being there.
AT_AN_END = 1e-3


@dataclass(frozen=True, slots=True)
class CompoundSymmetry(SeriesStructure):
    """Any two residuals of a series are equally correlated, as nlme's ``corCompSymm``.

    The same as a random intercept where the correlation is positive; here it may be negative too, down to
    -1 / (m - 1) with m the rows of the longest series. Together with ``VarianceBy(wave)`` it is SAS's CSH.

    Attributes
    ----------
    within : str
        The series, such as "family", or several columns joined by a colon, such as
        "family:respondent:episode". A series must lie within one group of the finest random term.
    longest : int
        Rows of the longest series; taken from the data.

    Examples
    --------
    >>> CompoundSymmetry(within="family").columns
    ('family',)
    """

    within: str
    longest: int = field(default=2, repr=False, compare=False)

    position = None
    linear: ClassVar[bool] = True

    def learn(self, values: ArrayLike | None, series: IntArray) -> Self:
        """The same with the length of the longest series, which bounds the correlation."""
        return replace(self, longest=max(2, int(np.bincount(series).max())))

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The name of the correlation."""
        return (f"correlation within {self.within}",)

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What the parameter is."""
        return ("correlation",)

    @property
    def lowest(self) -> float:
        """Where the matrix of the longest series becomes singular."""
        return -1.0 / (self.longest - 1)

    def start(self) -> FloatArray:
        """A correlation of .2."""
        return self.from_natural(np.array([0.2]))

    def natural(self, delta: FloatArray) -> FloatArray:
        """The correlation, of which delta is the logit between its bounds."""
        return np.asarray(self.lowest + (1.0 - self.lowest) / (1.0 + np.exp(-delta)))

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``."""
        return np.asarray(np.log((values - self.lowest) / (1.0 - values)))

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Whether the correlation came to an end of what it can be."""
        share = 1.0 / (1.0 + np.exp(-float(delta[0])))
        if share > 1.0 - AT_AN_END:
            return [("unit_correlation", self.names[0])]
        return [("lowest_correlation", self.names[0])] if share < AT_AN_END else []

    def matrix(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Ones on the diagonal, the correlation beside it."""
        rho = float(self.natural(delta)[0])
        size = places.shape[-1]
        one = np.full((size, size), rho) + (1.0 - rho) * np.eye(size)
        return np.broadcast_to(one, (*places.shape, size)).copy()

    def slopes(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """The slope of the correlation beside the diagonal."""
        return self._beside(places, self._moves(delta)[0])[None]

    def bends(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Its bend there."""
        return self._beside(places, self._moves(delta)[1])[None, None]

    def combination(self, delta: FloatArray) -> FloatArray:
        """The bend as a multiple of the slope."""
        slope, bend = self._moves(delta)
        return np.full((1, 1, 1), bend / slope)

    def _moves(self, delta: FloatArray) -> tuple[float, float]:
        share = 1.0 / (1.0 + np.exp(-float(delta[0])))
        slope = (1.0 - self.lowest) * share * (1.0 - share)
        return slope, slope * (1.0 - 2.0 * share)

    def _beside(self, places: FloatArray, value: float) -> FloatArray:
        size = places.shape[-1]
        return np.broadcast_to(value * (1.0 - np.eye(size)), (*places.shape, size)).copy()
