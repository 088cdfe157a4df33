"""How far a mean moves if those who were not measured differ from what the model expects of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mpg_research.arrays import FloatArray

__all__ = ["DeltaAdjustment", "adjust_by_delta", "tipping_point"]


@dataclass(frozen=True, slots=True)
class DeltaAdjustment:
    """A change under a range of departures from missing at random; arrays of shape (k,).

    Attributes
    ----------
    delta : ndarray
        Points by which the unmeasured are worse (higher) than expected of them.
    estimate, std_error, conf_low, conf_high : ndarray
    """

    delta: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


def adjust_by_delta(
    estimate: float,
    std_error: float,
    *,
    df: float,
    share: float,
    n: int,
    delta: ArrayLike,
    level: float = 0.95,
) -> DeltaAdjustment:
    """Shift the unmeasured by delta and average over everybody.

    Parameters
    ----------
    estimate, std_error, df : float
        The change under missingness at random.
    share : float
        Share of the families that was not measured at that moment.
    n : int
        Families behind the share.
    delta : array_like, shape (k,)
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    DeltaAdjustment

    Notes
    -----
    A mixture of the measured and the unmeasured: estimate + share x delta, with variance SE^2 + delta^2
    share (1 - share) / n for the estimated share.

    References
    ----------
    Little, R. J. A. (1994). Biometrika, 81, 471-483 (pattern-mixture models).
    https://doi.org/10.1093/biomet/81.3.471
    """
    d = np.asarray(delta, dtype=float)
    error = np.sqrt(std_error**2 + d**2 * share * (1 - share) / n)
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    moved = estimate + share * d
    return DeltaAdjustment(d, moved, error, moved - half, moved + half)


def tipping_point(
    estimate: float,
    std_error: float,
    *,
    df: float,
    share: float,
    n: int,
    level: float = 0.95,
    largest: float = 1000.0,
) -> float:
    """Delta nearest to zero at which the change is no longer shown: its interval reaches zero.

    Returns
    -------
    float
        0 where the change is not shown to begin with; NaN where no delta up to ``largest`` tips it.
    """

    def shown(delta: float) -> bool:
        found = adjust_by_delta(estimate, std_error, df=df, share=share, n=n, delta=[delta], level=level)
        return bool(found.conf_low[0] > 0 or found.conf_high[0] < 0)

    if not shown(0.0):
        return 0.0
    towards = -float(np.sign(estimate))
    grid = np.linspace(0.0, largest, 4001)
    crossing = next((place for place, size in enumerate(grid) if not shown(towards * float(size))), None)
    if crossing is None:
        return float("nan")
    low, high = grid[crossing - 1], grid[crossing]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if shown(towards * middle) else (low, middle)
    return float(towards * high)
