"""Change of a group: its mean beside a minimal important difference, and estimated true shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from mpg_research.statistics.reliable_change import Direction, check_reliability, improvement_sign

__all__ = ["GROUP_CLASSES", "GroupChange", "group_change", "true_change_shares"]

#: Classes of a group's mean change, from best to worst.
GROUP_CLASSES = (
    "large_improvement",
    "probably_important_improvement",
    "possibly_important_improvement",
    "unimportant_improvement",
    "no_change_shown",
    "unimportant_deterioration",
    "possibly_important_deterioration",
    "probably_important_deterioration",
    "large_deterioration",
)


def true_change_shares(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    reliability: float,
    cutoff: float | None = None,
    direction: Direction = "higher_is_worse",
) -> tuple[float, float]:
    """Hageman and Arrindell's group level: estimated shares truly improved, and truly functional at post.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
        Scores; incomplete pairs are left out.
    reliability : float
        Of the pre scores; the same error is taken to hold at post.
    cutoff : float, optional
        Between true scores (:func:`clinical_cutoff` with ``std_error_of_measurement``).
    direction : {"higher_is_worse", "higher_is_better"}

    Returns
    -------
    improved, functional : float
        NaN where the scores spread no more than their error, or no cut-off is given.

    Notes
    -----
    True changes and true post scores are taken to be normal, with the error's variance removed from the
    observed ones.

    References
    ----------
    Hageman, W. J. J. M. & Arrindell, W. A. (1999). Behaviour Research and Therapy, 37, 1169-1193.
    https://doi.org/10.1016/S0005-7967(99)00032-7
    """
    x, y = np.asarray(pre, dtype=float), np.asarray(post, dtype=float)
    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    if len(x) < 2:
        return float("nan"), float("nan")
    sign = improvement_sign(direction)
    error = float(np.var(x, ddof=1)) * (1 - check_reliability(reliability))
    spread = float(np.var(y - x, ddof=1)) - 2 * error
    improved = float(ndtr(sign * np.mean(y - x) / np.sqrt(spread))) if spread > 0 else float("nan")
    spread = float(np.var(y, ddof=1)) - error
    if cutoff is None or not spread > 0:
        return improved, float("nan")
    return improved, float(ndtr(sign * (np.mean(y) - cutoff) / np.sqrt(spread)))


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Mean change of a group beside a minimal important difference.

    Attributes
    ----------
    estimate, std_error, df, conf_low, conf_high : float
        Mean change (points, or shares) with its t interval; NaN with fewer than two persons.
    category : str
        One of ``GROUP_CLASSES``, or "not_computable".
    n : int
        Persons with a change.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    category: str
    n: int


def group_change(
    change: ArrayLike,
    *,
    improvement: float,
    deterioration: float | None = None,
    direction: Direction = "higher_is_worse",
    level: float = 0.95,
) -> GroupChange:
    """Place the interval of a group's mean change beside zero and the minimal important difference.

    Parameters
    ----------
    change : array_like, shape (n,)
        Changes of the persons; NaN is left out.
    improvement, deterioration : float
        The minimal important difference for better and for worse (equal by default).
    direction : {"higher_is_worse", "higher_is_better"}
    level : float

    Returns
    -------
    GroupChange

    Notes
    -----
    If the interval holds zero: no change shown. Otherwise, on the side of benefit and, as its mirror
    image, of harm: the interval wholly beyond the difference (large), the mean beyond it (probably
    important), only the interval's far limit beyond it (possibly important), the interval short of it
    (unimportant).
    """
    values = np.asarray(change, dtype=float)
    values = values[~np.isnan(values)]
    n = len(values)
    worse = improvement if deterioration is None else deterioration
    if n < 2:
        mean = float(values.mean()) if n else np.nan
        return GroupChange(mean, np.nan, np.nan, np.nan, np.nan, "not_computable", n)
    mean = float(values.mean())
    error = float(np.std(values, ddof=1) / np.sqrt(n))
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * error
    sign = improvement_sign(direction)
    low, high = sorted((sign * (mean - half), sign * (mean + half)))
    if low <= 0 <= high:
        category = "no_change_shown"
    elif low > 0:
        category = _importance(low, sign * mean, high, improvement) + "_improvement"
    else:
        category = _importance(-high, -sign * mean, -low, worse) + "_deterioration"
    return GroupChange(mean, error, float(n - 1), mean - half, mean + half, category, n)


def _importance(near: float, middle: float, far: float, difference: float) -> str:
    if near > difference:
        return "large"
    if middle > difference:
        return "probably_important"
    return "possibly_important" if far > difference else "unimportant"
