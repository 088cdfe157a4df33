"""From change to classes: cut-offs, recovery and harm, percentages, and minimal important differences."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.statistics.reliable_change import Direction, improvement_sign

__all__ = [
    "CHANGE_CLASSES",
    "classify_change",
    "clinical_cutoff",
    "important_change",
    "percentage_change",
    "true_score_functional",
]

#: The five classes, from best to worst.
CHANGE_CLASSES = ("recovered", "improved", "unchanged", "deteriorated", "harmed")
FloatArray = NDArray[np.float64]


def clinical_cutoff(
    kind: Literal["a", "b", "c"],
    *,
    clinical: tuple[float, float] | None = None,
    functional: tuple[float, float] | None = None,
    direction: Direction = "higher_is_worse",
    std_error_of_measurement: float = 0.0,
) -> float:
    """The score that separates the functional from the clinical range.

    Parameters
    ----------
    kind : {"a", "b", "c"}
        a: two standard deviations better than the clinical mean; b: two standard deviations *of the
        functional group* worse than its mean; c: between the means, weighted by the spreads.
    clinical, functional : (mean, sd), optional
        Of the two groups. a needs the first, b the second, c both.
    direction : {"higher_is_worse", "higher_is_better"}
    std_error_of_measurement : float
        In points; taken out of the standard deviations, for a cut-off between *true* scores (Hageman and
        Arrindell). 0 leaves them as observed.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a group that is needed is missing, or its standard deviation is not larger than the error.

    References
    ----------
    Jacobson, N. S. & Truax, P. (1991). Journal of Consulting and Clinical Psychology, 59, 12-19.
    https://doi.org/10.1037/0022-006X.59.1.12

    Examples
    --------
    >>> clinical_cutoff("c", clinical=(25, 5), functional=(15, 5))
    20.0
    """
    sign = improvement_sign(direction)
    if kind == "a":
        mean, sd = _group(clinical, "clinical", std_error_of_measurement)
        return mean + sign * 2 * sd
    if kind == "b":
        mean, sd = _group(functional, "functional", std_error_of_measurement)
        return mean - sign * 2 * sd
    if kind == "c":
        mean_1, sd_1 = _group(clinical, "clinical", std_error_of_measurement)
        mean_0, sd_0 = _group(functional, "functional", std_error_of_measurement)
        return (sd_1 * mean_0 + sd_0 * mean_1) / (sd_1 + sd_0)
    raise ValueError(f"the cut-off must be 'a', 'b' or 'c'; found {kind!r}")


def _group(moments: tuple[float, float] | None, name: str, error: float) -> tuple[float, float]:
    if moments is None:
        raise ValueError(f"this cut-off needs the mean and standard deviation of the {name} group")
    mean, sd = float(moments[0]), float(moments[1])
    if not (np.isfinite(mean) and np.isfinite(sd) and sd > 0):
        raise ValueError(f"the {name} group needs a mean and a positive standard deviation; found {moments}")
    if not sd > error:
        raise ValueError(
            f"the {name} group's standard deviation ({sd:g}) must be larger than the error ({error:g})"
        )
    return mean, float(np.sqrt(sd**2 - error**2)) if error else sd


def classify_change(
    category: ArrayLike,
    pre: ArrayLike,
    post: ArrayLike,
    *,
    cutoff: float,
    direction: Direction = "higher_is_worse",
    functional_post: ArrayLike | None = None,
) -> NDArray[np.str_]:
    """The five classes: recovered, improved, unchanged, deteriorated, harmed; or not computable.

    Parameters
    ----------
    category : array_like of str, shape (n,)
        "improved", "unchanged", "deteriorated" or "not_computable".
    pre, post : array_like, shape (n,)
        Scores.
    cutoff : float
        From :func:`clinical_cutoff`; a score exactly on it belongs to neither range.
    direction : {"higher_is_worse", "higher_is_better"}
    functional_post : array_like of bool, shape (n,), optional
        Who is in the functional range at post, where a method has a rule of its own
        (:func:`true_score_functional`).

    Returns
    -------
    ndarray of str, shape (n,)

    Notes
    -----
    Recovered: improved, from the clinical to the functional range. Harmed, its mirror image:
    deteriorated, from the functional to the clinical range.
    """
    sign = improvement_sign(direction)
    found = np.asarray(category).astype(str)
    before = sign * (np.asarray(pre, dtype=float) - cutoff)
    after = sign * (np.asarray(post, dtype=float) - cutoff)
    functional = after > 0 if functional_post is None else np.asarray(functional_post, dtype=bool)
    recovered = (found == "improved") & (before < 0) & functional
    harmed = (found == "deteriorated") & (before > 0) & (after < 0)
    return np.select([recovered, harmed], ["recovered", "harmed"], found)


def true_score_functional(
    post: ArrayLike,
    *,
    cutoff: float,
    std_error_of_measurement: float,
    mean_post: float,
    sd_post: float,
    direction: Direction = "higher_is_worse",
    critical: float = 1.6448536269514722,
) -> NDArray[np.bool_]:
    """Whether the estimated true post score lies beyond the cut-off (Hageman and Arrindell's CS index).

    Parameters
    ----------
    post : array_like, shape (n,)
    cutoff : float
    std_error_of_measurement : float
        In points.
    mean_post, sd_post : float
        Of the post scores.
    direction : {"higher_is_worse", "higher_is_better"}
    critical : float
        One-sided critical value; by default of level .95.

    Returns
    -------
    ndarray of bool, shape (n,)
        False everywhere where the post scores spread no more than their error.

    Notes
    -----
    (M + (post - M) r - cutoff) / (sqrt(r) SEM), with r = 1 - SEM^2 / sd_post^2.
    """
    scores = np.asarray(post, dtype=float)
    share = 1 - (std_error_of_measurement / sd_post) ** 2 if sd_post > 0 else 0.0
    if not share > 0:
        return np.zeros(scores.shape, dtype=bool)
    distance = mean_post + (scores - mean_post) * share - cutoff
    index = distance / (np.sqrt(share) * std_error_of_measurement)
    return np.asarray(improvement_sign(direction) * index > critical)


def percentage_change(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    improvement: float,
    deterioration: float | None = None,
    origin: float = 0.0,
    direction: Direction = "higher_is_worse",
) -> tuple[FloatArray, NDArray[np.str_]]:
    """Change as a share of the pre score, and its class.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
    improvement, deterioration : float
        Shares (0.5 is 50 %) from which a change counts; the second equals the first by default.
    origin : float
        Score that means "none at all", subtracted first: shares of a scale that starts at 10 are
        meaningless otherwise.
    direction : {"higher_is_worse", "higher_is_better"}

    Returns
    -------
    share : ndarray, shape (n,)
        (post - pre) / (pre - origin); NaN where the pre score is not above the origin.
    category : ndarray of str, shape (n,)
        "improved", "unchanged", "deteriorated"; "not_computable" where the share is NaN.

    Raises
    ------
    ValueError
        If a share that counts is not positive.
    """
    worse = improvement if deterioration is None else deterioration
    if not (improvement > 0 and worse > 0):
        raise ValueError("the shares that count as change must be above 0")
    base = np.asarray(pre, dtype=float) - origin
    share = (np.asarray(post, dtype=float) - np.asarray(pre, dtype=float)) / np.where(base > 0, base, np.nan)
    return share, _by_thresholds(share, improvement, worse, direction)


def important_change(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    improvement: float,
    deterioration: float | None = None,
    direction: Direction = "higher_is_worse",
) -> NDArray[np.str_]:
    """Class of each person's change by a minimal important difference.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
    improvement, deterioration : float
        Points from which a change counts; the second equals the first by default.
    direction : {"higher_is_worse", "higher_is_better"}

    Returns
    -------
    ndarray of str, shape (n,)
        "improved", "unchanged", "deteriorated", or "not_computable" where a score is missing.

    Raises
    ------
    ValueError
        If a difference is not positive.
    """
    worse = improvement if deterioration is None else deterioration
    if not (improvement > 0 and worse > 0):
        raise ValueError("the differences that count as change must be above 0")
    change = np.asarray(post, dtype=float) - np.asarray(pre, dtype=float)
    return _by_thresholds(change, improvement, worse, direction)


def _by_thresholds(
    change: FloatArray, improvement: float, deterioration: float, direction: Direction
) -> NDArray[np.str_]:
    good = improvement_sign(direction) * change
    # A change that equals the threshold counts; the slack absorbs rounding in (13 - 26) / 26 and the like.
    slack = 1e-12 * max(improvement, deterioration)
    return np.select(
        [np.isnan(change), good >= improvement - slack, good <= -deterioration + slack],
        ["not_computable", "improved", "deteriorated"],
        "unchanged",
    )
