"""What a family's own waves say about its level and slope, under a growth model fitted on many families."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["RunningEffects", "running_effects"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunningEffects:
    """A course's deviations in level and slope, given its waves up to and including each wave.

    Attributes
    ----------
    mean : ndarray, shape (n_waves, 2)
        Conditional means of the deviations from the expected level and slope.
    covariance : ndarray, shape (n_waves, 2, 2)
        Their conditional covariances.
    information : ndarray, shape (n_waves, 2, 2)
        Z'Z / residual variance of the waves so far.
    """

    mean: FloatArray
    covariance: FloatArray
    information: FloatArray

    def at(self, time: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the deviation at other moments, one per wave; shape (n_waves,) each."""
        t = np.asarray(time, dtype=float)
        z = np.stack([np.ones_like(t), t], axis=1)
        return (z * self.mean).sum(axis=1), np.einsum("ni,nij,nj->n", z, self.covariance, z)


def running_effects(
    course: ArrayLike,
    time: ArrayLike,
    residual: ArrayLike,
    *,
    covariance: ArrayLike,
    residual_sd: float,
) -> RunningEffects:
    """Condition each course's random level and slope on its waves, wave by wave.

    Parameters
    ----------
    course : array_like of int, shape (n_waves,)
        Course of each wave, in blocks.
    time : array_like, shape (n_waves,)
    residual : array_like, shape (n_waves,)
        Score minus the model's expected score.
    covariance : array_like, shape (2, 2)
        Of the random level and slope; may be singular.
    residual_sd : float

    Returns
    -------
    RunningEffects
        Of each wave, from the waves of its course up to and including it, in the order given.

    Notes
    -----
    With D the covariance and A = Z'Z / s^2 of the waves so far: covariance D (I + A D)^-1, mean that times
    Z'r / s^2. This form needs no inverse of D.

    References
    ----------
    Laird, N. M. & Ware, J. H. (1982). Biometrics, 38, 963-974. https://doi.org/10.2307/2529876
    """
    who = np.asarray(course)
    t, r = np.asarray(time, dtype=float), np.asarray(residual, dtype=float)
    d = np.asarray(covariance, dtype=float)
    z = np.stack([np.ones_like(t), t], axis=1)
    products = np.einsum("ni,nj->nij", z, z) / residual_sd**2
    sums = _running_sum(who, products.reshape(len(t), 4)).reshape(len(t), 2, 2)
    score = _running_sum(who, z * r[:, None] / residual_sd**2)
    conditional = d @ np.linalg.inv(np.eye(2) + sums @ d)
    conditional = (conditional + np.swapaxes(conditional, 1, 2)) / 2
    return RunningEffects(np.einsum("nij,nj->ni", conditional, score), conditional, sums)


def _running_sum(who: NDArray[np.int_], values: FloatArray) -> FloatArray:
    """Cumulative sums that start anew with each course."""
    total = np.cumsum(values, axis=0)
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]]) if len(who) else np.array([], dtype=int)
    before = np.zeros_like(values)
    lengths = np.diff(np.r_[starts, len(who)])
    previous = np.vstack([np.zeros((1, values.shape[1])), total])[starts]
    before[:] = np.repeat(previous, lengths, axis=0)
    return np.asarray(total - before)
