"""The one class that a new residual structure needs: the covariance matrix of one series.

A subclass is a frozen dataclass that says which column tells where a row stands in its series, what its
parameters are called and how they translate, and what the matrix is at given places. Everything else, from
the likelihood to the bootstrap, follows (:mod:`series_residual`). Exact derivatives are welcome and not
required.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.protocol import BoundResidual, Meaning, ResidualStructure
from mpg_research.mixed.covariance.series import (
    numbers,
    refuse_gaps_in,
    refuse_twice,
    series_codes,
    series_columns,
)

__all__ = ["SeriesStructure"]

# Steps of the differences that stand in for derivatives which a structure does not give: of order four, so
# that what is left of the step and of the rounding are both near 1e-10.
STEP = 2e-3


class SeriesStructure(ResidualStructure):
    """Residuals of one series are tied together by a matrix of few parameters; series are independent.

    A subclass has a field ``within``, the series (a column, or several joined by a colon), and a field
    ``position`` (or ``position = None``), and gives at least :attr:`names`, :meth:`natural`,
    :meth:`from_natural` and :meth:`matrix`. In all methods ``delta`` (k,) are unconstrained parameters and
    ``places`` (..., m) are the places of the m rows of a series.

    Examples
    --------
    Correlations that fall off as the square of the time between two rows:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> @dataclass(frozen=True)
    ... class Smooth(SeriesStructure):
    ...     position: str
    ...     within: str
    ...     names = ("range",)
    ...
    ...     def natural(self, delta):
    ...         return np.exp(delta)
    ...
    ...     def from_natural(self, values):
    ...         return np.log(values)
    ...
    ...     def matrix(self, delta, places):
    ...         apart = places[..., :, None] - places[..., None, :]
    ...         return np.exp(-((apart / np.exp(delta[0])) ** 2))
    >>> Smooth("months", within="family").columns
    ('months', 'family')
    """

    within: str
    #: The column that says where a row stands in its series; None where that does not matter.
    position: str | None
    #: Names of the parameters. A property where they hang on the data.
    names: tuple[str, ...]
    #: Whether second derivatives of the matrix are combinations of the first ones: :meth:`combination`.
    linear: ClassVar[bool] = False
    #: Whether each natural parameter hangs on its own delta alone.
    separable: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""
        own = () if self.position is None else (self.position,)
        return (*own, *series_columns(self.within))

    @property
    def series(self) -> str:
        """What ties residuals together."""
        return self.within

    # -- what the data say -----------------------------------------------------------------------------

    def learn(self, values: ArrayLike | None, series: IntArray) -> Self:
        """The same with what it takes from the data: ``values`` (n,) of the position, ``series`` (n,).

        Parameters
        ----------
        values : array_like, shape (n,), or None
            Values of the position; None where there is no position.
        series : ndarray of int, shape (n,)
            Series of each row.

        Returns
        -------
        SeriesStructure

        Raises
        ------
        ModelError
            If the data cannot carry the structure.
        """
        return self

    def read(self, values: ArrayLike) -> FloatArray:
        """Places in numbers, from the values of the position, of the rows of the fit or of new ones (n,).

        Parameters
        ----------
        values : array_like, shape (n,)
            Values of the position.

        Returns
        -------
        ndarray, shape (n,)
        """
        assert self.position is not None
        found = numbers(values, self.position)
        refuse_gaps_in(found, self.position)
        return found

    def refusal(self, x: FloatArray, places: FloatArray, series: IntArray) -> str | None:
        """Why the likelihood has no maximum beside fixed columns x (n, p), in words; None if it has.

        Parameters
        ----------
        x : ndarray, shape (n, p)
            The fixed columns.
        places : ndarray, shape (n,)
            Place of each row.
        series : ndarray of int, shape (n,)
            Series of each row.

        Returns
        -------
        str or None
        """
        return None

    # -- the parameters --------------------------------------------------------------------------------

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is, for tables."""
        return tuple("other" for _ in self.names)

    def start(self) -> FloatArray:
        """Delta at which the search begins, shape (k,)."""
        return np.zeros(len(self.names))

    def start_from(self, rest: FloatArray, places: FloatArray, series: IntArray) -> FloatArray:
        """The same in view of what least squares leave of the outcome, all (n,).

        Parameters
        ----------
        rest : ndarray, shape (n,)
            What least squares leave of the outcome.
        places : ndarray, shape (n,)
            Place of each row.
        series : ndarray of int, shape (n,)
            Series of each row.

        Returns
        -------
        ndarray, shape (k,)
        """
        return self.start()

    @abstractmethod
    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.

        Returns
        -------
        ndarray, shape (k,)
        """

    @abstractmethod
    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of :meth:`natural`; not finite where there is none.

        Parameters
        ----------
        values : ndarray, shape (k,)
            Parameters in the units of ``names``.

        Returns
        -------
        ndarray, shape (k,)
        """

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Which parameters lie at an end of what they can be: (kind, name), kinds being codes of notes.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.

        Returns
        -------
        list of (str, str)
        """
        return []

    # -- the matrix ------------------------------------------------------------------------------------

    @abstractmethod
    def matrix(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Covariance relative to sigma^2 of rows at these places, (..., m) -> (..., m, m).

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.
        places : ndarray, shape (..., m)
            Places of the m rows of a series.

        Returns
        -------
        ndarray, shape (..., m, m)
        """

    def slopes(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Derivatives of the matrix in each parameter, (k, ..., m, m); by differences unless overridden.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.
        places : ndarray, shape (..., m)
            Places of the m rows of a series.

        Returns
        -------
        ndarray, shape (k, ..., m, m)
        """
        return np.array([_slope(lambda at: self.matrix(at, places), delta, k) for k in range(delta.size)])

    def pulled(self, delta: FloatArray, places: FloatArray, weights: FloatArray) -> FloatArray:
        """Sum of weights (u, m, m) times the slopes at places (u, m), shape (k,).

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.
        places : ndarray, shape (u, m)
            Places of the rows of u series.
        weights : ndarray, shape (u, m, m)
            Weight of each entry.

        Returns
        -------
        ndarray, shape (k,)
        """
        found: FloatArray = np.tensordot(self.slopes(delta, places), weights, axes=3)
        return found

    def bends(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Second derivatives of the matrix, (k, k, ..., m, m); by differences unless overridden.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.
        places : ndarray, shape (..., m)
            Places of the m rows of a series.

        Returns
        -------
        ndarray, shape (k, k, ..., m, m)
        """
        found = np.array([_slope(lambda at: self.slopes(at, places), delta, k) for k in range(delta.size)])
        return np.asarray(0.5 * (found + np.swapaxes(found, 0, 1)), dtype=float)

    def combination(self, delta: FloatArray) -> FloatArray | None:
        """For a linear structure weights c (k, k, k): second derivative ij is the sum of c_ijl slope_l.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.

        Returns
        -------
        ndarray, shape (k, k, k), or None
        """
        return None

    def variance(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Variances relative to sigma^2 of rows at these places, (m,) -> (m,).

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.
        places : ndarray, shape (m,)
            Places of single rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        found: FloatArray = self.matrix(delta, places[:, None])[:, 0, 0]
        return found

    def covariance(self, delta: FloatArray) -> tuple[tuple[str, ...], FloatArray] | None:
        """Names of all places and the matrix over them (w, w); None where places are not numbered.

        Parameters
        ----------
        delta : ndarray, shape (k,)
            Unconstrained parameters.

        Returns
        -------
        tuple of (names, ndarray of shape (w, w)), or None
        """
        return None

    def bind(self, data: Mapping[str, ArrayLike]) -> BoundResidual:
        """Bind to the rows; ``data`` maps each needed column to its values."""
        # the bound structure is made of this class, and this class is bound to it
        from mpg_research.mixed.covariance.series_residual import SeriesResidual

        series = series_codes(data, self.within)
        values = None if self.position is None else data[self.position]
        learned = self.learn(values, series)
        if series.size == np.max(series, initial=-1) + 1:
            raise ModelError(
                f"No {self.within} has two measurements; expected repeated measurements for residuals that "
                "go together."
            )
        if values is None:
            return SeriesResidual(learned, series, np.zeros(series.size))
        places = learned.read(values)
        given = np.asarray(values)
        column = str(self.position)
        refuse_twice(places, series, lambda at: str(given[at]), column=column, data=data, within=self.within)
        return SeriesResidual(learned, series, places)


def _slope(function: Callable[[FloatArray], FloatArray], delta: FloatArray, k: int) -> FloatArray:
    """Derivative in one parameter by differences of order four."""
    move = np.zeros(delta.size)
    move[k] = STEP
    near = function(delta + move) - function(delta - move)
    far = function(delta + 2.0 * move) - function(delta - 2.0 * move)
    found: FloatArray = (8.0 * near - far) / (12.0 * STEP)
    return found
