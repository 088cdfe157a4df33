"""Which linear combinations of the fixed effects the data can estimate, after columns were dropped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray

__all__ = ["Estimability"]


#: What may be missing of an implied weight, relative to what it consists of: columns count as aliased up to
#: 1e-7 of their length, so that the weights that follow from the others are no better known.
IMPLIED = 1e-6
#: The same for a difference of rows, relative to the rows.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Estimability:
    """What the columns that were left out say about a combination of all columns.

    Attributes
    ----------
    kept : array of int, shape (p,)
        Columns in the model, among all columns that the formula gives.
    dropped : array of int, shape (m,)
        The others.
    implied : array, shape (p, m)
        A in X_dropped = X_kept A.

    Notes
    -----
    A combination c'beta of all columns has one value whatever the solution of the normal equations, if and
    only if c lies in the row space of X: if and only if c_dropped = A'c_kept. Its value then is that of
    c_kept in the model without the dropped columns.

    References
    ----------
    Searle, S. R. (1971). Linear models. Wiley, section 5.4.
    """

    kept: NDArray[np.intp]
    dropped: NDArray[np.intp]
    implied: FloatArray

    @property
    def n_columns(self) -> int:
        """Number of columns that the formula gives."""
        return len(self.kept) + len(self.dropped)

    def reduced(self, rows: FloatArray, size: FloatArray | None = None) -> FloatArray:
        """Weights of the columns in the model, (r, p), for weights of all columns, (r, p + m).

        NaN in rows that cannot be estimated. For rows that are differences of others ``size``, shape
        (p + m,), says how large those are in each column: what differs by rounding only does not differ.
        """
        inside = rows[:, self.kept]
        if not len(self.dropped):
            return inside
        outside, weights = rows[:, self.dropped], np.abs(self.implied)
        allowed = IMPLIED * (np.abs(outside) + np.abs(inside) @ weights)
        if size is not None:
            allowed = allowed + ROUNDING * (size[self.dropped] + size[self.kept] @ weights)
        good = np.all(np.abs(outside - inside @ self.implied) <= allowed, axis=1)
        return np.where(good[:, None], inside, np.nan)
