"""From change to classes: cut-offs between the functional and the clinical range, recovery and harm."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.pairs import paired
from mpg_research.statistics.change.reliable_change import Direction, improvement_sign

__all__ = [
    "CHANGE_CLASSES",
    "check_sides",
    "classify_change",
    "clinical_cutoff",
    "crossed_cutoff",
    "true_score_index",
]

#: The five classes, from best to worst.
CHANGE_CLASSES = ("recovered", "improved", "unchanged", "deteriorated", "harmed")
#: One-sided critical value of level .95.
_ONE_SIDED = 1.6448536269514722


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
        What a high score means.
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
        check_sides(clinical, functional, direction)
        return (sd_1 * mean_0 + sd_0 * mean_1) / (sd_1 + sd_0)
    raise ValueError(f"the cut-off must be 'a', 'b' or 'c'; found {kind!r}")


def check_sides(
    clinical: tuple[float, float] | None, functional: tuple[float, float] | None, direction: Direction
) -> None:
    """Refuse a functional group that scores worse than the clinical one.

    Raises
    ------
    ValueError
        If both are known and the functional mean is worse than the clinical one.
    """
    if clinical is None or functional is None:
        return
    mean, own = float(functional[0]), float(clinical[0])
    if improvement_sign(direction) * (mean - own) < 0:
        worse = "above" if direction == "higher_is_worse" else "below"
        raise ValueError(
            f"the functional mean ({mean:g}) lies {worse} the clinical mean ({own:g}), on the worse side: "
            "the direction "
            f"is {direction!r}. Check both means and the direction of the questionnaire"
        )


def _group(moments: tuple[float, float] | None, name: str, error: float) -> tuple[float, float]:
    if moments is None:
        raise ValueError(
            f"this cut-off needs the mean and standard deviation of the {name} group: give {name}=(mean, sd)"
        )
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
    post_index: ArrayLike | None = None,
    critical: float = _ONE_SIDED,
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
        What a high score means.
    post_index : array_like, shape (n,), optional
        From :func:`true_score_index`, for the method of Hageman and Arrindell: in a range at post is then
        who lies beyond the cut-off by more than ``critical`` standard errors.
    critical : float
        Standard errors beyond the cut-off; only with ``post_index``.

    Returns
    -------
    ndarray of str, shape (n,)

    Notes
    -----
    Recovered: improved, from the clinical to the functional range. Harmed, its mirror image:
    deteriorated, from the functional to the clinical range. (R's clinicalsignificance also calls harmed
    who started exactly on the cut-off, or, with Hageman and Arrindell, who did not leave the functional
    range.)

    Examples
    --------
    >>> classify_change(["improved", "deteriorated"], [25, 15], [15, 25], cutoff=20).tolist()
    ['recovered', 'harmed']
    """
    found = np.asarray(category).astype(str)
    before, after = _ranges(pre, post, cutoff, direction, post_index, critical)
    recovered = (found == "improved") & (before < 0) & (after > 0)
    harmed = (found == "deteriorated") & (before > 0) & (after < 0)
    return np.select([recovered, harmed], ["recovered", "harmed"], found)


def crossed_cutoff(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    cutoff: float,
    direction: Direction = "higher_is_worse",
    post_index: ArrayLike | None = None,
    critical: float = _ONE_SIDED,
) -> NDArray[np.str_]:
    """Who moved from one range to the other, whatever the measurement error (the "statistical approach").

    Parameters
    ----------
    pre, post, cutoff, direction, post_index, critical
        As in :func:`classify_change`.

    Returns
    -------
    ndarray of str, shape (n,)
        "improved" (from the clinical to the functional range), "deteriorated" (the other way round),
        "unchanged", or "not_computable" where a score is missing. A score exactly on the cut-off belongs
        to neither range, so that nobody moves from or to it.

    Examples
    --------
    >>> crossed_cutoff([25, 15, 20], [15, 25, 10], cutoff=20).tolist()
    ['improved', 'deteriorated', 'unchanged']
    """
    before, after = _ranges(pre, post, cutoff, direction, post_index, critical)
    return np.select(
        [np.isnan(before) | np.isnan(after), (before < 0) & (after > 0), (before > 0) & (after < 0)],
        ["not_computable", "improved", "deteriorated"],
        "unchanged",
    )


def _ranges(
    pre: ArrayLike,
    post: ArrayLike,
    cutoff: float,
    direction: Direction,
    post_index: ArrayLike | None,
    critical: float,
) -> tuple[FloatArray, FloatArray]:
    """1 in the functional range, -1 in the clinical one, 0 in neither, at pre and at post; NaN if missing."""
    sign = improvement_sign(direction)
    first, last = paired(pre, post)
    before = np.sign(sign * (first - cutoff))
    if post_index is None:
        return before, np.sign(sign * (last - cutoff))
    index = sign * np.asarray(post_index, dtype=float)
    beyond = np.where(np.abs(index) > critical, np.sign(index), 0.0)
    return before, np.where(np.isnan(index), np.nan, beyond)


def true_score_index(
    post: ArrayLike,
    *,
    cutoff: float,
    std_error_of_measurement: float,
    mean_post: float,
    sd_post: float,
) -> FloatArray:
    """Distance of the estimated true post score to the cut-off (Hageman and Arrindell's CS index).

    Parameters
    ----------
    post : array_like, shape (n,)
    cutoff : float
        Between true scores: :func:`clinical_cutoff` with ``std_error_of_measurement``.
    std_error_of_measurement : float
        In points.
    mean_post, sd_post : float
        Of the post scores.

    Returns
    -------
    ndarray, shape (n,)
        In standard errors; 0 (in neither range) everywhere where the post scores spread no more than their
        error, NaN where a score is missing.

    Notes
    -----
    (M + (post - M) r - cutoff) / (sqrt(r) SEM), with r = 1 - SEM^2 / sd_post^2.

    References
    ----------
    Hageman, W. J. J. M. & Arrindell, W. A. (1999). Behaviour Research and Therapy, 37, 1169-1193.
    https://doi.org/10.1016/S0005-7967(99)00032-7
    """
    scores = np.asarray(post, dtype=float)
    share = 1 - (std_error_of_measurement / sd_post) ** 2 if sd_post > 0 else 0.0
    if not share > 0:
        return np.where(np.isnan(scores), np.nan, 0.0)
    distance = mean_post + (scores - mean_post) * share - cutoff
    return np.asarray(distance / (np.sqrt(share) * std_error_of_measurement))
