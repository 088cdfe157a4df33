"""The filter of a state that carries on plus white noise, along all series at once.

Within a series C = (1 - share) phi^|dt| + share I: a stationary AR(1) state x_t with x_t = a_t x_t- + w_t,
seen with white noise. The innovations form gives C = L F L' with L a unit lower triangle and F diagonal,

    m_t+ = a_t+ (m_t + K_t e_t),  e_t = y_t - m_t,  K_t = P_t / F_t,  F_t = P_t + share,
    P_t+ = a_t+^2 P_t share / F_t + (1 - share) (1 - a_t+^2),  P_1 = 1 - share, m_1 = 0,

linear in the length of a series. Recursions of columns are bidiagonal systems over all rows; those of P and
of the derivatives' covariances step through the series, all of them together.

References
----------
Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, chapter 3;
Jones & Boadi-Boateng (1991), 10.2307/2532504.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtbtrs

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["Filter", "Kernel", "carried", "carried_back", "run_filter", "shifted", "shifted_back"]


def carried(links: FloatArray, columns: FloatArray) -> FloatArray:
    """The x of x_t = y_t + link_t x_t- for columns y (m, n); links (n,) are zero where a series starts."""
    return _solved(links, columns, "N")


def carried_back(links: FloatArray, columns: FloatArray) -> FloatArray:
    """The transpose of :func:`carried`: x with x_t = y_t + link_t+ x_t+."""
    return _solved(links, columns, "T")


def _solved(links: FloatArray, columns: FloatArray, transpose: str) -> FloatArray:
    """Columns (m, n) over the unit bidiagonal matrix with -link below its diagonal, or its transpose."""
    band = np.empty((2, links.size))
    band[0], band[1, :-1] = 1.0, -links[1:]
    found: FloatArray = dtbtrs(band, columns.T, uplo="L", trans=transpose, diag="U")[0].T
    return found


def shifted(links: FloatArray, columns: FloatArray) -> FloatArray:
    """link_t y_t- of each row, for columns y (m, n)."""
    result = np.zeros_like(columns)
    result[:, 1:] = links[1:] * columns[:, :-1]
    return result


def shifted_back(links: FloatArray, columns: FloatArray) -> FloatArray:
    """The transpose of :func:`shifted`."""
    result = np.zeros_like(columns)
    result[:, :-1] = links[1:] * columns[:, 1:]
    return result


@dataclass(frozen=True, slots=True)
class Kernel:
    """Correlations a (n,) of rows with the ones before, and z (n,) = distance / range; zero at a start."""

    a: FloatArray
    z: FloatArray

    def times(self, order: int, columns: FloatArray) -> FloatArray:
        """phi^|dt| or its first or second derivative in log range, times columns (m, n).

        With z_ij the distance in ranges its derivatives are z exp(-z) and (z^2 - z) exp(-z).
        """
        whole = columns * float(order == 0)
        return whole + self._lower(order, columns) + self._upper(order, columns)

    def _lower(self, order: int, columns: FloatArray) -> FloatArray:
        a, az = self.a, self.a * self.z
        up = carried(a, columns)
        if order == 0:
            return shifted(a, up)
        by_z = carried(a, shifted(az, up))
        if order == 1:
            return by_z
        return carried(a, 2.0 * shifted(az, by_z) + shifted(az * self.z, up)) - by_z

    def _upper(self, order: int, columns: FloatArray) -> FloatArray:
        a, az = self.a, self.a * self.z
        if order == 0:
            return carried_back(a, shifted_back(a, columns))
        down = carried_back(a, columns)
        by_z = carried_back(a, shifted_back(az, down))
        if order == 1:
            return by_z
        return carried_back(a, 2.0 * shifted_back(az, by_z) + shifted_back(az * self.z, down)) - by_z


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter at one pair (log range, logit share), each array of shape (n,), derivatives (2, n).

    ``f`` and ``k`` are F and K, ``df`` and ``dk`` their derivatives; ``a`` and ``da`` the correlations and
    theirs (that in the share is zero).
    """

    a: FloatArray
    f: FloatArray
    k: FloatArray
    da: FloatArray
    df: FloatArray
    dk: FloatArray

    def whitened(self, columns: FloatArray) -> FloatArray:
        """W = F^-1/2 L^-1 times columns (m, n): standardised innovations."""
        predicted = carried(self.a_left, shifted(self.a_gain, columns))
        return np.asarray((columns - predicted) / np.sqrt(self.f))

    def whitened_back(self, columns: FloatArray) -> FloatArray:
        """W' times columns."""
        scaled = columns / np.sqrt(self.f)
        return scaled - shifted_back(self.a_gain, carried_back(self.a_left, scaled))

    def coloured(self, columns: FloatArray) -> FloatArray:
        """W^-1 = L F^1/2 times columns."""
        scaled = columns * np.sqrt(self.f)
        return scaled + carried(self.a, shifted(self.a_gain, scaled))

    def coloured_back(self, columns: FloatArray) -> FloatArray:
        """(W^-1)' times columns."""
        whole = columns + shifted_back(self.a_gain, carried_back(self.a, columns))
        return np.asarray(whole * np.sqrt(self.f))

    @property
    def a_gain(self) -> FloatArray:
        """a_t K_t-: what a row takes from the innovation before it."""
        found = np.zeros_like(self.a)
        found[1:] = self.a[1:] * self.k[:-1]
        return found

    @property
    def a_left(self) -> FloatArray:
        """a_t (1 - K_t-): what a prediction takes from the one before it."""
        return self.a - self.a_gain


def run_filter(a: FloatArray, da: FloatArray, share: float, dshare: float, steps: list[IntArray]) -> Filter:
    """F and K along all series.

    Parameters
    ----------
    a, da : arrays, shape (n,)
        Correlation with the row before (zero at a start) and its derivative in the first parameter.
    share, dshare : float
        Share of the noise and its derivative in the second parameter.
    steps : list of array
        Row numbers of the first row of every series, then of the second, and so on.
    """
    n = a.size
    f, k, df, dk = np.empty(n), np.empty(n), np.empty((2, n)), np.empty((2, n))
    state = 1.0 - share
    d_share = np.array([0.0, dshare])[:, None]
    das = np.zeros((2, n))
    das[0] = da
    for index, rows in enumerate(steps):
        if index == 0:
            p, dp = np.full(rows.size, state), np.zeros((2, rows.size)) - d_share
        else:
            before = rows - 1
            old, d_old = f[before] - share, df[:, before] - d_share
            left = old * share / f[before]
            d_left = (d_old * share + old * d_share - left * df[:, before]) / f[before]
            one, d_one = a[rows], das[:, rows]
            p = one**2 * left + state * (1.0 - one**2)
            dp = 2.0 * one * d_one * (left - state) + one**2 * d_left - d_share * (1.0 - one**2)
        f[rows], df[:, rows] = p + share, dp + d_share
        k[rows] = p / f[rows]
        dk[:, rows] = (dp - k[rows] * df[:, rows]) / f[rows]
    return Filter(a, f, k, das, df, dk)
