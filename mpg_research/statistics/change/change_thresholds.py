"""Change that counts from a stated size on: a share of the pre score, or a minimal important difference."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.pairs import paired
from mpg_research.statistics.change.reliable_change import Direction, improvement_sign

__all__ = ["important_change", "percentage_change"]


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
        Scores of the persons at the two moments; NaN where there is none.
    improvement, deterioration : float
        Shares (0.5 is 50 %) from which a change counts; the second equals the first by default.
    origin : float
        Score that means "none at all", subtracted first: shares of a scale that starts at 10 are
        meaningless otherwise.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.

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
    before, after = paired(pre, post)
    base = before - origin
    share = (after - before) / np.where(base > 0, base, np.nan)
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
        Scores of the persons at the two moments; NaN where there is none.
    improvement, deterioration : float
        Points from which a change counts; the second equals the first by default.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.

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
    before, after = paired(pre, post)
    change = after - before
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
