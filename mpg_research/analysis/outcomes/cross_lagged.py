"""Two outcomes whose swings around a family's own course carry over, to themselves and to each other.

Around its own course (level and slope of both outcomes) the family's pair of residuals z follows

    z(t) = A z(t - 1) + u(t),

a stationary vector autoregression: ``A`` holds what is left of a swing one moment later, on the diagonal in
the same outcome, beside it in the other one. Moments that were missed are no problem: over k moments it is
A to the power k. This is the latent curve model with structured residuals (Curran and others 2014), the
random-intercept cross-lagged panel model with a slope.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed import SeriesStructure

__all__ = ["CROSS_NAMES", "CrossLagged"]

#: In the order of the parameters: from the outcome named last to the one named first.
CROSS_NAMES = ("carry 1 to 1", "carry 2 to 1", "carry 1 to 2", "carry 2 to 2", "correlation", "sd ratio")
#: Singular values of the whitened A stay below this: the process is stationary.
_MOST = 1 - 1e-9
#: Step of the differences, in units of the parameters.
_STEP = 2e-3


@dataclass(frozen=True)
class CrossLagged(SeriesStructure):
    """Residuals of two outcomes with lagged effects of each on itself and on the other.

    Attributes
    ----------
    position : str
        Column with twice the number of the moment, plus 0 for the first outcome and 1 for the second.
    within : str
        The series, such as "family".

    Notes
    -----
    With the stationary covariance LL', any A of a stationary process is L B L^-1 with all singular values of
    B below one, and the other way round; B = (I + PP')^-1/2 P for any P (Ansley and Kohn 1986). The first
    four parameters are the entries of P.

    References
    ----------
    Curran, P. J., Howard, A. L., Bainter, S. A., Lane, S. T. & McGinley, J. S. (2014). The separation of
    between-person and within-person components of individual change over time. *Journal of Consulting and
    Clinical Psychology*, 82, 879-894. https://doi.org/10.1037/a0035297
    Ansley, C. F. & Kohn, R. (1986). A note on reparameterizing a vector autoregressive moving average model
    to enforce stationarity. *Journal of Statistical Computation and Simulation*, 24, 99-106.
    https://doi.org/10.1080/00949658608810893
    """

    position: str
    within: str
    names: ClassVar[tuple[str, ...]] = CROSS_NAMES  # type: ignore[misc]
    separable: ClassVar[bool] = False

    def start(self) -> FloatArray:
        """A fifth carries over to the same outcome, nothing to the other; equal spread, correlation .2."""
        return np.array([0.2, 0.0, 0.0, 0.2, np.arctanh(0.2), 0.0])

    def natural(self, delta: FloatArray) -> FloatArray:
        """A by rows, the correlation of the two at one moment, and the ratio of their standard deviations."""
        root, inner = _root(delta), _contraction(delta)
        carried = root @ inner @ np.linalg.inv(root)
        return np.array([*carried.ravel(), np.tanh(delta[4]), np.exp(delta[5])])

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of :meth:`natural`; NaN where the process would not be stationary."""
        if not (abs(values[4]) < 1 and values[5] > 0):
            return np.full(6, np.nan)
        last = np.array([np.arctanh(values[4]), np.log(values[5])])
        root = _root(np.append(np.zeros(4), last))
        inner = np.linalg.inv(root) @ values[:4].reshape(2, 2) @ root
        left, sizes, right = np.linalg.svd(inner)
        if sizes.max() >= _MOST:
            return np.full(6, np.nan)
        whole = (left * (sizes / np.sqrt(1 - sizes**2))) @ right
        return np.append(whole.ravel(), last)

    def matrix(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Covariances of the rows of a series, relative to the variance of the first outcome."""
        cells = _cells(places)
        found: FloatArray = _covariances(delta, int(cells[0].max(initial=0)))[cells]
        return found

    def slopes(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Derivatives of the matrix: those of its few different entries, by differences of order four."""
        cells = _cells(places)
        return _slopes(delta, int(cells[0].max(initial=0)))[(slice(None), *cells)]

    def pulled(self, delta: FloatArray, places: FloatArray, weights: FloatArray) -> FloatArray:
        """Sum of weights times the slopes: the weights of equal entries are summed first."""
        lag, later, earlier = _cells(places)
        most = int(lag.max(initial=0))
        numbers = (4 * lag + 2 * later + earlier).ravel()
        whole = np.bincount(numbers, weights=weights.ravel(), minlength=4 * (most + 1))
        found: FloatArray = _slopes(delta, most).reshape(delta.size, -1) @ whole
        return found

    def bends(self, delta: FloatArray, places: FloatArray) -> FloatArray:
        """Second derivatives of the matrix, as the first ones."""
        cells = _cells(places)
        most = int(cells[0].max(initial=0))
        whole = np.array([_difference(lambda at: _slopes(at, most), delta, k) for k in range(delta.size)])
        found: FloatArray = 0.5 * (whole + np.swapaxes(whole, 0, 1))
        return found[(slice(None), slice(None), *cells)]


def _cells(places: FloatArray) -> tuple[IntArray, IntArray, IntArray]:
    """Of every two rows: moments apart, the outcome of the later one, and that of the earlier one."""
    number = np.round(places).astype(np.intp)
    moment, outcome = number // 2, number % 2
    apart = moment[..., :, None] - moment[..., None, :]
    row, column = np.broadcast_arrays(outcome[..., :, None], outcome[..., None, :])
    later = np.where(apart >= 0, row, column)
    return np.abs(apart), later, row + column - later


def _slopes(delta: FloatArray, most: int) -> FloatArray:
    """Derivatives of :func:`_covariances` in each parameter."""
    return np.array([_difference(lambda at: _covariances(at, most), delta, k) for k in range(delta.size)])


def _difference(of: Callable[[FloatArray], FloatArray], delta: FloatArray, k: int) -> FloatArray:
    """A derivative by differences of order four."""
    step = np.zeros_like(delta)
    step[k] = _STEP
    near, far = of(delta + step) - of(delta - step), of(delta + 2 * step) - of(delta - 2 * step)
    found: FloatArray = (8 * near - far) / (12 * _STEP)
    return found


def _root(delta: FloatArray) -> FloatArray:
    """L, with LL' the covariance of the two outcomes at one moment; the first has variance 1."""
    correlation, ratio = np.tanh(delta[4]), np.exp(delta[5])
    return np.array([[1.0, 0.0], [ratio * correlation, ratio / np.cosh(delta[4])]])


def _contraction(delta: FloatArray) -> FloatArray:
    """B, whose singular values lie below one, from any four numbers."""
    left, sizes, right = np.linalg.svd(delta[:4].reshape(2, 2))
    found: FloatArray = (left * (sizes / np.sqrt(1 + sizes**2))) @ right
    return found


def _covariances(delta: FloatArray, most: int) -> FloatArray:
    """Covariance of the outcomes at a moment with those so many moments before, shape (most + 1, 2, 2)."""
    root, inner = _root(delta), _contraction(delta)
    power, found = np.eye(2), np.empty((most + 1, 2, 2))
    for lag in range(most + 1):
        found[lag] = root @ power @ root.T
        power = inner @ power
    return found
