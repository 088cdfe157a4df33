"""More spread between organisations than their standard errors explain, and limits that allow for it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtri
from scipy.stats import t as student_t

from mpg_research.arrays import FloatArray

__all__ = [
    "Overdispersion",
    "ScaledT",
    "estimate_overdispersion",
    "quantiles_of_sorted",
    "reference_of_distances",
    "winsorise",
    "winsorised_spread",
]


#: Normal numbers behind a reference distribution: 4,000 lie beyond its outer level.
_DRAWS = 2_000_000
#: The levels at which a scaled t distribution is made to agree with the simulated one: those of a funnel.
_INNER, _OUTER = 0.95, 0.998


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


@dataclass(frozen=True, slots=True)
class ScaledT:
    """The distribution of ``scale`` times Student's t with ``df`` degrees of freedom."""

    scale: float
    df: float


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
    low, high = quantiles_of_sorted(np.sort(values), share)
    clipped: FloatArray = np.clip(values, low, high)
    return clipped


def quantiles_of_sorted(ordered: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """The quantiles at ``share`` and ``1 - share`` along the first axis of sorted values.

    The usual linear interpolation, written out: this runs thousands of times in simulations.
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    part = place - below
    above = min(below + 1, len(ordered) - 1)
    low: FloatArray = (1 - part) * ordered[below] + part * ordered[above]
    high: FloatArray = (1 - part) * ordered[-1 - below] + part * ordered[-1 - above]
    return low, high


@lru_cache(maxsize=256)
def reference_of_distances(n: int, *, share: float = 0.1) -> ScaledT:
    """How far units lie from their mean, in units of a spread that is estimated from these very units.

    Parameters
    ----------
    n : int
        Units, at least three.
    share : float
        Winsorised at either end for the spread.

    Returns
    -------
    ScaledT

    Notes
    -----
    A spread from few units is uncertain, so that more of them lie beyond normal quantiles of it than those
    say; and each unit has a part in the spread that it is measured with. The distribution is simulated
    (with a seed of its own) for units that are alike but for a normal spread much larger than their standard
    errors, and the t distribution is the one with the same share beyond the 95 and the 99.8 % limits; with
    standard errors of any size it errs on the side of fewer flags.

    Examples
    --------
    >>> found = reference_of_distances(20)
    >>> 0.9 < found.scale < 0.95, 14 < found.df < 17
    (True, True)
    """
    rng = np.random.default_rng([n, round(1e6 * share)])
    y = np.sort(rng.standard_normal((max(_DRAWS // n, 1), n)), axis=1)
    y -= y.mean(axis=1, keepdims=True)
    low, high = quantiles_of_sorted(y.T, share)
    trimmed = np.clip(y, low[:, None], high[:, None])
    spread = np.sqrt(np.mean(trimmed**2, axis=1) / winsorised_spread(share))
    inner, outer = np.quantile(np.abs(y / spread[:, None]), [_INNER, _OUTER])
    ratio = float(outer / inner)

    def excess(log_df: float) -> float:
        df = float(np.exp(log_df))
        return float(student_t.ppf(0.5 + _OUTER / 2, df) / student_t.ppf(0.5 + _INNER / 2, df)) - ratio

    most = float(np.log(1e6))
    # With very few units the distances are bounded, and no t distribution has tails that short.
    df = float(np.exp(brentq(excess, 0.0, most))) if excess(most) < 0 else float("inf")
    return ScaledT(float(inner / student_t.ppf(0.5 + _INNER / 2, df)), df)


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
