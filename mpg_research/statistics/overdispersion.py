"""More spread between organisations than their standard errors explain, and limits that allow for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtri

__all__ = ["Overdispersion", "estimate_overdispersion", "winsorise", "winsorised_spread"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """Spread of the z-scores of n units beyond chance.

    Attributes
    ----------
    phi : float
        Mean squared (winsorised) z-score; about 1 without overdispersion. Limits that allow for it
        multiplicatively use sqrt(max(phi, 1)) standard errors.
    tau2 : float
        Variance added to each squared standard error by limits that allow for it additively; 0 without
        overdispersion.
    winsorised : ndarray, shape (n,)
        The z-scores that phi was computed from.
    p_value : float
        Chi-square test of the unwinsorised z-scores that there is no overdispersion.
    n : int
    """

    phi: float
    tau2: float
    winsorised: FloatArray
    p_value: float
    n: int


def winsorise(z: ArrayLike, *, share: float = 0.1) -> FloatArray:
    """Scores with the values beyond its ``share`` and ``1 - share`` quantiles put on them.

    Examples
    --------
    >>> winsorise([-9.0, -1.0, 0.0, 1.0, 9.0], share=0.25).tolist()
    [-1.0, -1.0, 0.0, 1.0, 1.0]
    """
    values = np.asarray(z, dtype=float)
    if not 0 <= share < 0.5:
        raise ValueError(f"share must be at least 0 and below 0.5; found {share}")
    # The usual (linearly interpolated) quantiles, written out: this runs thousands of times in simulations.
    ordered = np.sort(values)
    place = share * (values.size - 1)
    below = int(place)
    part = place - below
    above = min(below + 1, values.size - 1)
    low = (1 - part) * ordered[below] + part * ordered[above]
    high = (1 - part) * ordered[-1 - below] + part * ordered[-1 - above]
    clipped: FloatArray = np.clip(values, low, high)
    return clipped


def winsorised_spread(share: float) -> float:
    """Mean square of a standard normal variable winsorised at both ends; 1 for ``share`` 0.

    Examples
    --------
    >>> round(winsorised_spread(0.1), 4)
    0.6787
    """
    if share == 0:
        return 1.0
    limit = float(-ndtri(share))
    density = float(np.exp(-0.5 * limit**2) / np.sqrt(2 * np.pi))
    return 1 - 2 * share - 2 * limit * density + 2 * share * limit**2


def estimate_overdispersion(
    z: ArrayLike, std_error: ArrayLike, *, share: float = 0.1, consistent: bool = True
) -> Overdispersion:
    """Multiplicative and additive overdispersion of units.

    Parameters
    ----------
    z : array_like, shape (n,)
        Distances from the target in standard errors.
    std_error : array_like, shape (n,)
        Standard errors, on the scale of the plot (or of its transformation).
    share : float
        Winsorised at either end, so that the few units that the plot is to show do not hide
        themselves by widening its limits; 0 for none.
    consistent : bool
        Divide phi by the mean square of a winsorised standard normal variable, so that phi is 1 where
        there is no overdispersion and limits have their stated level. Without it, as in common funnel
        software, phi is a third too small at ``share`` 0.1.

    Returns
    -------
    Overdispersion

    Raises
    ------
    ValueError
        With fewer than two units.

    Notes
    -----
    tau2 = max(0, (n phi - (n - 1)) / (sum w - sum w^2 / sum w)), w = 1 / se^2.

    References
    ----------
    Spiegelhalter, D. J. (2005). Handling over-dispersion of performance indicators. *Quality and Safety
    in Health Care*, 14, 347-351. https://doi.org/10.1136/qshc.2005.013755

    Examples
    --------
    >>> estimate_overdispersion([-2.0, 0.0, 2.0], [1.0, 1.0, 1.0], share=0.0).tau2
    3.0
    """
    scores, s = np.asarray(z, dtype=float), np.asarray(std_error, dtype=float)
    if scores.shape != s.shape or scores.size < 2:
        raise ValueError(f"expected two or more z-scores with as many standard errors; found {scores.shape}")
    if not np.all(s > 0):
        raise ValueError("standard errors must be positive")
    n = scores.size
    trimmed = winsorise(scores, share=share)
    phi = float(np.mean(trimmed**2)) / (winsorised_spread(share) if consistent else 1.0)
    w = s**-2
    tau2 = (n * phi - (n - 1)) / (w.sum() - (w**2).sum() / w.sum())
    return Overdispersion(phi, float(max(tau2, 0.0)), trimmed, float(chdtrc(n - 1, scores @ scores)), n)
