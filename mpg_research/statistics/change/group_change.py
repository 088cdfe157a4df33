"""Change of a group: its mean beside a minimal important difference, and estimated true shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from mpg_research.statistics.change.pairs import paired
from mpg_research.statistics.change.reliable_change import Direction, check_reliability, improvement_sign

__all__ = ["GROUP_CLASSES", "GroupChange", "group_change", "group_difference", "true_change_shares"]

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
    sd: float | None = None,
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
    sd : float, optional
        Standard deviation behind the error; by default that of the pre scores.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.

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
    x, y = paired(pre, post)
    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    if len(x) < 2:
        return float("nan"), float("nan")
    sign = improvement_sign(direction)
    error = (float(np.var(x, ddof=1)) if sd is None else sd**2) * (1 - check_reliability(reliability))
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
        What a high score means.
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    GroupChange

    Raises
    ------
    ValueError
        If a difference is not positive.

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
    if n < 2:
        return _unknown(float(values.mean()) if n else np.nan, n)
    error = float(np.std(values, ddof=1) / np.sqrt(n))
    limits = _differences(improvement, deterioration)
    return _placed(float(values.mean()), error, float(n - 1), n, limits, improvement_sign(direction), level)


def group_difference(
    scores: ArrayLike,
    reference: ArrayLike,
    *,
    improvement: float,
    deterioration: float | None = None,
    direction: Direction = "higher_is_worse",
    level: float = 0.95,
) -> GroupChange:
    """Place a group's difference from a reference group beside zero and the minimal important difference.

    Parameters
    ----------
    scores, reference : array_like, shapes (n,) and (m,)
        Scores at one moment, or changes, of the two groups; NaN is left out.
    improvement, deterioration, direction, level
        As in :func:`group_change`; "improvement" is to be better off than the reference.

    Returns
    -------
    GroupChange
        Of mean(scores) - mean(reference), with Welch's interval; ``n`` counts both groups.

    References
    ----------
    Welch, B. L. (1947). Biometrika, 34, 28-35. https://doi.org/10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> group_difference([10, 12, 11, 9], [20, 22, 19, 23], improvement=5).category
    'large_improvement'
    """
    one, two = (np.asarray(part, dtype=float) for part in (scores, reference))
    one, two = one[~np.isnan(one)], two[~np.isnan(two)]
    n = len(one) + len(two)
    if len(one) < 2 or len(two) < 2:
        known = len(one) and len(two)
        return _unknown(float(one.mean() - two.mean()) if known else np.nan, n)
    parts = [float(np.var(part, ddof=1)) / len(part) for part in (one, two)]
    total = sum(parts)
    squares = sum(part**2 / (len(group) - 1) for part, group in zip(parts, (one, two), strict=True))
    df = total**2 / squares if squares > 0 else float(n - 2)
    limits = _differences(improvement, deterioration)
    mean, sign = float(one.mean() - two.mean()), improvement_sign(direction)
    return _placed(mean, float(np.sqrt(total)), df, n, limits, sign, level)


def _differences(improvement: float, deterioration: float | None) -> tuple[float, float]:
    worse = improvement if deterioration is None else deterioration
    if not (improvement > 0 and worse > 0):
        raise ValueError("the differences that count as change must be above 0")
    return improvement, worse


def _unknown(mean: float, n: int) -> GroupChange:
    return GroupChange(mean, np.nan, np.nan, np.nan, np.nan, "not_computable", n)


def _placed(
    mean: float, error: float, df: float, n: int, limits: tuple[float, float], sign: float, level: float
) -> GroupChange:
    """The class of a mean with its interval."""
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    low, high = sorted((sign * (mean - half), sign * (mean + half)))
    if low <= 0 <= high:
        category = "no_change_shown"
    elif low > 0:
        category = _importance(low, sign * mean, high, limits[0]) + "_improvement"
    else:
        category = _importance(-high, -sign * mean, -low, limits[1]) + "_deterioration"
    return GroupChange(mean, error, df, mean - half, mean + half, category, n)


def _importance(near: float, middle: float, far: float, difference: float) -> str:
    if near > difference:
        return "large"
    if middle > difference:
        return "probably_important"
    return "possibly_important" if far > difference else "unimportant"
