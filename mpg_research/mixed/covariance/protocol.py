"""What a residual structure is to the rest of the house: what a user writes, and what it is for given rows.

A structure that a user writes, a :class:`ResidualStructure`, names the columns it needs and binds itself to
the rows of a problem. What comes of that, a :class:`BoundResidual`, is all that the likelihood, the search,
the inference and the questions know of it. Whoever adds a structure whose series are of moderate length
writes neither by hand but one class of :mod:`series_structure`: the covariance matrix of one series.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError

__all__ = ["BoundResidual", "Meaning", "Pairs", "ResidualStructure", "Turned"]

Pairs = list[tuple[int, int]]
Turned = tuple[list[FloatArray], list[FloatArray]]
#: What a parameter of a structure is: how a table shows it.
Meaning = Literal["correlation", "share", "sd_ratio", "other"]


class ResidualStructure(ABC):
    """What a user writes as ``residual=``: at best a frozen dataclass, whose fields name columns."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are needed."""

    @property
    def series(self) -> str | None:
        """What ties residuals together, such as "family" or "family:respondent"; None where nothing does."""
        return None

    @abstractmethod
    def bind(self, data: Mapping[str, ArrayLike]) -> "BoundResidual":
        """Bind to the rows; ``data`` maps each needed column to its values.

        Raises
        ------
        ModelError
            If the columns cannot carry the structure.
        """

    def covers(self, other: "ResidualStructure") -> bool:
        """Whether the other structure is a special case of this one.

        Parameters
        ----------
        other : ResidualStructure
            Another structure.

        Returns
        -------
        bool
        """
        return self == other

    def freed_variances(self, other: "ResidualStructure") -> int:
        """How many variances (shares) the other, a special case, sets to zero: for the test of the two.

        Parameters
        ----------
        other : ResidualStructure
            A special case of this one.

        Returns
        -------
        int
        """
        return 0


class BoundResidual(ABC):
    """A residual structure bound to the rows of a problem: Var(e) = sigma^2 R(delta).

    Its parameters are unconstrained (``delta``, shape (k,)); :meth:`natural` translates them. Methods that
    take columns (m, n) want the rows as :meth:`sorted` puts them: of one series right after each other.
    """

    #: Whether R^-1 has entries for a row and the one before it only, which crossed factors need.
    neighbours_only: ClassVar[bool] = False
    #: Whether random effects may say the same as the structure, so that this is checked.
    may_absorb: ClassVar[bool] = True
    #: Whether each natural parameter hangs on its own delta alone.
    separable: bool = True
    # what was last computed, by its kind: (delta, result)
    last: dict[str, tuple[bytes, Any]]

    def _once(self, kind: str, delta: FloatArray, compute: Callable[[], Any]) -> Any:
        """The result for this delta, kept until the next delta."""
        key = delta.tobytes()
        if kind not in self.last or self.last[kind][0] != key:
            self.last[kind] = (key, compute())
        return self.last[kind][1]

    # -- the parameters --------------------------------------------------------------------------------

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the k parameters."""

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is."""
        return tuple("other" for _ in self.names)

    @property
    def label(self) -> str:
        """What the structure is called in a message."""
        return type(self).__name__

    @abstractmethod
    def start(self) -> FloatArray:
        """Delta at which the search begins, shape (k,)."""

    def start_from(self, rest: FloatArray) -> FloatArray:
        """The same in view of what least squares leave of the outcome, (n,) in the order of the problem."""
        return self.start()

    def starts(self) -> list[FloatArray]:
        """Where to begin if one start may not do: there can be more than one optimum."""
        return [self.start()]

    @abstractmethod
    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``."""

    @abstractmethod
    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of :meth:`natural`; not finite where there is none."""

    # -- the ends of what they can be ------------------------------------------------------------------

    def uninformative(self, delta: FloatArray) -> list[int]:
        """Parameters about which nothing can be known at delta, by their number."""
        return []

    def onto_face(self, delta: FloatArray) -> FloatArray | None:
        """Delta with what came near zero at zero; None where nothing did."""
        return None

    def off_face(self, delta: FloatArray) -> FloatArray:
        """Delta a little away from zero."""
        return delta

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Which parameters lie at an end of what they can be: (kind, name), kinds being codes of notes."""
        return []

    # -- the rows --------------------------------------------------------------------------------------

    @property
    def series(self) -> IntArray | None:
        """Codes of the series, shape (n,) and 0, 1, ...; None without correlation."""
        return None

    @abstractmethod
    def place(self) -> IntArray:
        """A key that sorts rows by series and by time within them, shape (n,)."""

    @abstractmethod
    def sorted(self, order: IntArray | None) -> "BoundResidual":
        """The same for rows in another order, in which those of one series come after each other."""

    @abstractmethod
    def some(self, keep: NDArray[np.bool_]) -> "BoundResidual":
        """The same for some of the rows, whole series."""

    def with_variances(self, other: "BoundResidual") -> "BoundResidual":
        """The same with a standard deviation per stratum, as another structure has it, on both sides.

        Raises
        ------
        ModelError
            If the structure has variances of its own.
        """
        raise ModelError("This residual structure cannot be combined with a variance per stratum.")

    def refusal(self, x: FloatArray) -> str | None:
        """Why the likelihood has no maximum beside fixed columns x (n, p), in words; None if it has."""
        return None

    # -- R ---------------------------------------------------------------------------------------------

    @abstractmethod
    def deviations(self, delta: FloatArray) -> FloatArray:
        """Standard deviation of each row relative to sigma, shape (n,)."""

    @abstractmethod
    def whitened(self, delta: FloatArray, columns: FloatArray) -> tuple[FloatArray, float]:
        """W times columns (m, n), with W'W = R^-1, and log|R|."""

    @abstractmethod
    def half(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """(W^-1)' times columns (m, n), so that the products of two are those with R between."""

    @abstractmethod
    def back(self, delta: FloatArray, half: FloatArray) -> FloatArray:
        """W^-1 times columns (m, n): R times columns is this of their :meth:`half`."""

    @abstractmethod
    def solve(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """R^-1 times columns (m, n)."""

    @abstractmethod
    def derivative(self, delta: FloatArray, indices: tuple[int, ...], columns: FloatArray) -> FloatArray:
        """A derivative of R in one or two parameters times columns (m, n)."""

    @abstractmethod
    def whitening(self, delta: FloatArray) -> Any:
        """W as a sparse matrix for rows in any order, a triangle within each series, shape (n, n)."""

    # -- derivatives -----------------------------------------------------------------------------------

    @abstractmethod
    def d_log_det(self, delta: FloatArray) -> FloatArray:
        """Derivative of log|R| in each parameter, shape (k,)."""

    @abstractmethod
    def traces(self, delta: FloatArray, pairs: Pairs) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Traces with R^-1.

        Returns
        -------
        product : array, shape (k, k)
            tr(R^-1 R_i R^-1 R_j).
        bent : array, shape (number of pairs,)
            tr(R^-1 R_jl) of each pair.
        third : array, shape (k, number of pairs), or None
            tr(R^-1 R_i R^-1 R_jl); None where it is not at hand.
        """

    def bends(self, i: int, j: int) -> bool:
        """Whether the second derivative R_ij is not zero, nor a combination of the first ones."""
        return True

    def combination(self, delta: FloatArray) -> FloatArray | None:
        """Weights c (k, k, k) with R_ij = sum of c_ijl R_l where :meth:`bends` says no; None for all zero."""
        return None

    def turned(self, delta: FloatArray, columns: FloatArray, pairs: Pairs) -> Turned:
        """R^-1 R_k R^-1 times columns (m, n) of every parameter, then R^-1 R_kl R^-1 of pairs of them.

        Returns
        -------
        products, halves : lists of array, shape (m, n)
            ``halves`` are (W^-1)' times the products.
        """
        solved = self.solve(delta, columns)
        indices: list[tuple[int, ...]] = [*((k,) for k in range(delta.size)), *pairs]
        products = [self.solve(delta, self.derivative(delta, one, solved)) for one in indices]
        return products, [self.half(delta, one) for one in products]

    def inverse_slopes(self, delta: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over columns of left' E right (m, n) each, for E the derivative of R^-1 in each parameter."""
        first, second = self.solve(delta, left), self.solve(delta, right)
        return np.array(
            [-np.sum(first * self.derivative(delta, (k,), second)) for k in range(delta.size)], dtype=float
        )

    # -- new rows --------------------------------------------------------------------------------------

    @property
    def variance_columns(self) -> tuple[str, ...]:
        """Columns that the variance of a new row depends on."""
        return ()

    @property
    def kinds(self) -> FloatArray:
        """What the variance of each row depends on, in numbers, shape (n, c)."""
        return np.zeros((self.place().size, 0))

    def new_kinds(self, data: Mapping[str, ArrayLike], n: int) -> FloatArray:
        """The same for n new rows; ``data`` maps each of :attr:`variance_columns` to its values.

        Raises
        ------
        ModelError
            If a row is of a kind that the fit has not seen.
        """
        return np.zeros((n, 0))

    def variances(self, values: FloatArray, kinds: FloatArray) -> FloatArray:
        """Variances relative to sigma^2 of rows of these kinds, shape (m,), from natural parameters."""
        return np.ones(len(kinds))

    def covariance(self, values: FloatArray) -> tuple[tuple[str, ...], FloatArray] | None:
        """R of a series that has every place, (w, w), from natural parameters, and the names of the places.

        None where places are not numbered.
        """
        return None
