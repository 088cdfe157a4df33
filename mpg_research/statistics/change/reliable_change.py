"""Change between two moments, against what the error of the questionnaire alone would bring about."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.change_methods import ChangeMethod, effect_of, index_spread, moments_of
from mpg_research.statistics.change.pairs import paired

__all__ = [
    "CHANGE_METHODS",
    "ChangeMethod",
    "Direction",
    "ReliableChangeIndex",
    "check_reliability",
    "improvement_sign",
    "reliable_change_index",
    "smallest_reliable_change",
]

Direction = Literal["higher_is_worse", "higher_is_better"]

#: Name of each method.
CHANGE_METHODS: dict[ChangeMethod, str] = {
    "JT": "Jacobson-Truax",
    "GLN": "Gulliksen-Lord-Novick",
    "HLL": "Hsu-Linn-Lord",
    "EN": "Edwards-Nunnally",
    "NK": "Nunnally-Kotsch",
    "HA": "Hageman-Arrindell",
}


@dataclass(frozen=True, slots=True)
class ReliableChangeIndex:
    """Reliable change of n persons by one method.

    Attributes
    ----------
    method : str
        "JT", "GLN", "HLL", "EN", "NK" or "HA".
    change : ndarray, shape (n,)
        Post minus pre, in points; NaN where one of the two is missing.
    index : ndarray, shape (n,)
        The change (as the method defines it) in standard errors; NaN where it is not defined.
    category : ndarray of str, shape (n,)
        "improved", "unchanged", "deteriorated" or "not_computable".
    critical : float
        Size beyond which an index counts as reliable.
    std_error : float
        Standard error behind the index, in points.
    threshold : float
        Smallest reliable change of an average person, in points: ``critical * std_error``. Of methods
        that regress to the mean this is the distance from the expected post score.
    n_pairs : int
        Persons with both scores.
    error_rate : float
        Share of persons without any change who are called changed all the same, in either direction; NaN
        where no index is defined. See the notes.
    """

    method: ChangeMethod
    change: FloatArray
    index: FloatArray
    category: NDArray[np.str_]
    critical: float
    std_error: float
    threshold: float
    n_pairs: int
    error_rate: float


def improvement_sign(direction: Direction) -> float:
    """-1 where a fall is an improvement, 1 where a rise is.

    Raises
    ------
    ValueError
        If ``direction`` is neither "higher_is_worse" nor "higher_is_better".
    """
    signs = {"higher_is_worse": -1.0, "higher_is_better": 1.0}
    if direction not in signs:
        raise ValueError(f"direction must be one of {', '.join(signs)}; found {direction!r}")
    return signs[direction]


def check_reliability(value: float, name: str = "reliability") -> float:
    """The reliability, if it lies between 0 and 1 (both excluded).

    Raises
    ------
    ValueError
        If it does not: with 0 nothing is measured, with 1 every change would be reliable.
    """
    if not (np.isfinite(value) and 0 < value < 1):
        raise ValueError(f"{name} must lie between 0 and 1 (both excluded); found {value}")
    return float(value)


def reliable_change_index(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    reliability: float,
    method: ChangeMethod = "JT",
    reliability_post: float | None = None,
    sd: float | None = None,
    mean_pre: float | None = None,
    mean_post: float | None = None,
    sd_post: float | None = None,
    direction: Direction = "higher_is_worse",
    level: float = 0.95,
    critical: float | None = None,
) -> ReliableChangeIndex:
    """Judge each person's change from pre to post against measurement error.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
        Scores; NaN where missing. Columns of a table are paired by their index.
    reliability : float
        Of the scores at pre; between 0 and 1, both excluded.
    method : {"JT", "GLN", "HLL", "EN", "NK", "HA"}
        See the notes.
    reliability_post : float, optional
        Of the scores at post, for Nunnally-Kotsch; ``reliability`` by default.
    sd, mean_pre, mean_post, sd_post : float, optional
        Moments of the scores; by default those of the complete pairs (n - 1 in the denominator).
        ``sd`` is that of the pre scores.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.
    level : float
        1 minus the error rate: two-sided, but one-sided for Hageman-Arrindell, as published.
    critical : float, optional
        Size beyond which an index counts, instead of the normal quantile that follows from ``level``: the
        rounded values of older tables, 1.96 and (Hageman-Arrindell) 1.65.

    Returns
    -------
    ReliableChangeIndex

    Raises
    ------
    ValueError
        If a reliability, a standard deviation or the level is impossible, or the arrays differ in length.

    Notes
    -----
    With r the reliability, SEM = sd sqrt(1 - r), and E = M_pre + r (pre - M_pre) the pre score regressed
    to the mean:

    - JT: (post - pre) / (sqrt(2) SEM).
    - GLN: (post - E) / (sd sqrt(1 - r^2)).
    - HLL: (post - M_post - r (pre - M_pre)) / (sd sqrt(1 - r^2)).
    - EN: (post - E) / SEM.
    - NK: (post - E) / sqrt(sd^2 r^2 (1 - r) + sd_post^2 (1 - r_post)); one standard deviation at both
      moments, as R's clinicalsignificance has it, unless ``sd_post`` is given.
    - HA: ((post - pre) r_DD + (M_post - M_pre)(1 - r_DD)) / (sqrt(r_DD) sqrt(2) SEM), with r_DD the
      reliability of the differences, the post reliability following from the same SEM.

    Of persons who did not change, 1 - ``level`` are called changed by JT, GLN and HLL. EN divides by less
    than the error of what it divides: it calls 2 Phi(-z / sqrt(1 + r)) changed, 14 to 16 % for reliabilities
    of .77 to .95. NK calls some more than 1 - ``level``; HA is one-sided, and fewer where few of the changes
    are true.

    An index counts when it is larger than the critical value; one that equals it does not. Where the spread
    of the scores is zero, or r_DD is not positive, no index is defined: every person is "not_computable".

    References
    ----------
    Jacobson, N. S. & Truax, P. (1991). Journal of Consulting and Clinical Psychology, 59, 12-19.
    https://doi.org/10.1037/0022-006X.59.1.12

    Hsu, L. M. (1989). Reliable changes in psychotherapy: Taking into account regression toward the mean.
    Behavioral Assessment, 11, 459-467.

    Speer, D. C. (1992). Journal of Consulting and Clinical Psychology, 60, 402-408.
    https://doi.org/10.1037/0022-006X.60.3.402

    Nunnally, J. C. & Kotsch, W. E. (1983). British Journal of Clinical Psychology, 22, 83-93.
    https://doi.org/10.1111/j.2044-8260.1983.tb00582.x

    Hageman, W. J. J. M. & Arrindell, W. A. (1999). Behaviour Research and Therapy, 37, 1169-1193.
    https://doi.org/10.1016/S0005-7967(99)00032-7

    Examples
    --------
    >>> found = reliable_change_index([30, 28, 25, 33], [20, 27, 26, 30], reliability=0.8)
    >>> found.category.tolist()
    ['improved', 'unchanged', 'unchanged', 'unchanged']
    """
    x, y = paired(pre, post)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError("pre and post must be two rows of scores of the same length")
    if method not in CHANGE_METHODS:
        raise ValueError(f"method must be one of {', '.join(CHANGE_METHODS)}; found {method!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1; found {level}")
    sign = improvement_sign(direction)
    check_reliability(reliability)
    if reliability_post is not None:
        check_reliability(reliability_post, "reliability_post")
    for name, value in (("sd", sd), ("sd_post", sd_post), ("critical", critical)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number; found {value}")
    moments = moments_of(x, y, reliability, reliability_post, sd, mean_pre, mean_post, sd_post)
    effect, std_error = effect_of(x, y, moments, method)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = effect / std_error if std_error > 0 else np.full(x.shape, np.nan)
    limit = float(ndtri(level if method == "HA" else 0.5 + level / 2)) if critical is None else critical
    return ReliableChangeIndex(
        method=method,
        change=y - x,
        index=index,
        category=categorise(index, limit, sign),
        critical=float(limit),
        std_error=std_error,
        threshold=float(limit) * std_error,
        n_pairs=moments.n_pairs,
        error_rate=float(2 * ndtr(-float(limit) / index_spread(moments, method)))
        if std_error > 0
        else np.nan,
    )


def categorise(index: FloatArray, critical: float, sign: float) -> NDArray[np.str_]:
    """Improved, deteriorated, unchanged or not computable, from an index and its critical value."""
    good = sign * index
    return np.select(
        [np.isnan(index), good > critical, good < -critical],
        ["not_computable", "improved", "deteriorated"],
        "unchanged",
    )


def smallest_reliable_change(*, sd: float, reliability: float, level: float = 0.95) -> float:
    """Smallest change of one person, in points, that is larger than error by Jacobson and Truax.

    Parameters
    ----------
    sd : float
        Standard deviation of the scores.
    reliability : float
        Between 0 and 1, both excluded.
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    float
        z sqrt(2) sd sqrt(1 - reliability).

    Examples
    --------
    >>> round(smallest_reliable_change(sd=10.5, reliability=0.961), 4)
    5.7476
    """
    if not (np.isfinite(sd) and sd > 0):
        raise ValueError(f"sd must be a positive number; found {sd}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1; found {level}")
    return float(ndtri(0.5 + level / 2) * sd * np.sqrt(2 * (1 - check_reliability(reliability))))
