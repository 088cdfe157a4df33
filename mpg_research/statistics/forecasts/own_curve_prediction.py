"""What a family's own waves say about its own course, under a growth model fitted on many families."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["RunningEffects", "running_effects"]


@dataclass(frozen=True, slots=True)
class RunningEffects:
    """A course's deviations in level, slope and perhaps bend, given its waves up to and including each wave.

    Attributes
    ----------
    mean : ndarray, shape (n_waves, q)
        Conditional means of the deviations from the expected level, slope and (q = 3) bend, log(1 + time).
    covariance : ndarray, shape (n_waves, q, q)
        Their conditional covariances.
    information : ndarray, shape (n_waves, q, q)
        Z'R^-1 Z of the waves so far, R the covariance of the swings around the line.
    time, residual : ndarray, shape (n_waves,)
        Of each wave, as given: when it was, and score minus expected score.
    residual_sd : float
        Standard deviation of the swings.
    correlation : float
        Between two swings one unit of time apart; 0 for independent ones.
    """

    mean: FloatArray
    covariance: FloatArray
    information: FloatArray
    time: FloatArray
    residual: FloatArray
    residual_sd: float
    correlation: float

    def at(self, time: ArrayLike, place: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the deviation of the family's own line at other moments.

        Parameters
        ----------
        time : array_like, shape (n,)
        place : ndarray of int, shape (n,), optional
            The waves up to and including which is looked; by default each wave itself.
        """
        z = self._columns(time)
        mean, covariance = (part if place is None else part[place] for part in (self.mean, self.covariance))
        return (z * mean).sum(axis=1), np.einsum("ni,nij,nj->n", z, covariance, z)

    def change(
        self, since: ArrayLike, until: ArrayLike, place: IntArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the deviation in how far the own line moves between two moments.

        Parameters
        ----------
        since, until : array_like, shape (n,)
        place
            As in :meth:`at`.
        """
        z = self._columns(until) - self._columns(since)
        mean, covariance = (part if place is None else part[place] for part in (self.mean, self.covariance))
        return (z * mean).sum(axis=1), np.einsum("ni,nij,nj->n", z, covariance, z)

    def score_at(self, time: ArrayLike, place: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the deviation of a score: the line, and what is left of the last swing.

        Parameters
        ----------
        time, place
            As in :meth:`at`; a moment after that of the wave in ``place``. At the same moment it is
            another score, with a swing of its own.

        Notes
        -----
        With c = correlation ** (time - time of the last wave), the swing to come is c times the last one
        plus news of variance s^2 (1 - c^2), and the last swing is its residual minus the line there: so the
        mean is c r + (z - c z_last)'E[b], the variance (z - c z_last)'Var(b)(z - c z_last) + s^2 (1 - c^2).
        """
        t = np.asarray(time, dtype=float)
        chosen = np.arange(len(self.time)) if place is None else place
        kept = _carried(self.correlation, t - self.time[chosen])
        z = self._columns(t) - kept[:, None] * self._columns(self.time[chosen])
        mean = kept * self.residual[chosen] + (z * self.mean[chosen]).sum(axis=1)
        line = np.einsum("ni,nij,nj->n", z, self.covariance[chosen], z)
        return mean, line + self.residual_sd**2 * (1 - kept**2)

    def _columns(self, time: ArrayLike) -> FloatArray:
        return _columns(np.asarray(time, dtype=float), self.mean.shape[1])


def running_effects(
    course: ArrayLike,
    time: ArrayLike,
    residual: ArrayLike,
    *,
    covariance: ArrayLike,
    residual_sd: float,
    correlation: float = 0.0,
) -> RunningEffects:
    """Condition each course's random level, slope and perhaps bend on its waves, wave by wave.

    Parameters
    ----------
    course : array_like of int, shape (n_waves,)
        Course of each wave, in blocks, by rising time within a block.
    time : array_like, shape (n_waves,)
    residual : array_like, shape (n_waves,)
        Score minus the model's expected score.
    covariance : array_like, shape (q, q)
        Of the random level and slope (q = 2), or level, slope and bend, log(1 + time) (q = 3); may be
        singular.
    residual_sd : float
    correlation : float
        Of the swings around the line one unit of time apart (continuous-time autoregression), from 0 to
        below 1; 0 for independent swings.

    Returns
    -------
    RunningEffects
        Of each wave, from the waves of its course up to and including it, in the order given.

    Notes
    -----
    With D the covariance and A = Z'R^-1 Z of the waves so far: covariance D (I + A D)^-1, mean that times
    Z'R^-1 r. This form needs no inverse of D. R^-1 is that of a Markov chain: each wave enters as its
    difference from what its predecessor leads one to expect, over the standard deviation of that difference.

    References
    ----------
    Laird, N. M. & Ware, J. H. (1982). Biometrics, 38, 963-974. https://doi.org/10.2307/2529876
    Jones, R. H. & Boadi-Boateng, F. (1991). Biometrics, 47, 161-175. https://doi.org/10.2307/2532504
    """
    who = np.asarray(course)
    t, r = np.asarray(time, dtype=float), np.asarray(residual, dtype=float)
    d = np.asarray(covariance, dtype=float)
    q = d.shape[0]
    z, news = _whitened(who, t, _columns(t, q), r, correlation)
    products = np.einsum("ni,nj->nij", z, z) / residual_sd**2
    sums = _running_sum(who, products.reshape(len(t), q * q)).reshape(len(t), q, q)
    score = _running_sum(who, z * news[:, None] / residual_sd**2)
    conditional = d @ np.linalg.inv(np.eye(q) + sums @ d)
    conditional = (conditional + np.swapaxes(conditional, 1, 2)) / 2
    mean = np.einsum("nij,nj->ni", conditional, score)
    return RunningEffects(mean, conditional, sums, t, r, float(residual_sd), float(correlation))


def _columns(time: FloatArray, q: int) -> FloatArray:
    return np.stack([np.ones_like(time), time, np.log1p(np.maximum(time, 0.0))][:q], axis=1)


def _carried(correlation: float, distance: FloatArray) -> FloatArray:
    """Share of a swing that is left after some time; none in another score at the same moment."""
    if correlation <= 0:
        return np.zeros(len(distance))
    return np.where(distance > 0, correlation ** np.maximum(distance, 0.0), 0.0)


def _whitened(
    who: NDArray[np.int_], time: FloatArray, z: FloatArray, r: FloatArray, correlation: float
) -> tuple[FloatArray, FloatArray]:
    """Rows minus what their predecessors lead one to expect, with a standard deviation of s again."""
    if correlation <= 0 or not len(time):
        return z, r
    linked = np.r_[False, who[1:] == who[:-1]]
    before = np.r_[0, np.arange(len(time) - 1)]
    kept = np.where(linked, _carried(correlation, time - time[before]), 0.0)
    scale = 1 / np.sqrt(1 - kept**2)
    return scale[:, None] * (z - kept[:, None] * z[before]), scale * (r - kept * r[before])


def _running_sum(who: NDArray[np.int_], values: FloatArray) -> FloatArray:
    """Cumulative sums that start anew with each course."""
    total = np.cumsum(values, axis=0)
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]]) if len(who) else np.array([], dtype=int)
    before = np.zeros_like(values)
    lengths = np.diff(np.r_[starts, len(who)])
    previous = np.vstack([np.zeros((1, values.shape[1])), total])[starts]
    before[:] = np.repeat(previous, lengths, axis=0)
    return np.asarray(total - before)
