"""Which of two predictors puts those who had an event above those who had none more often."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from mpg_research.arrays import FloatArray

__all__ = ["ConcordanceComparison", "compare_concordance", "expected_concordance"]


@dataclass(frozen=True, slots=True)
class ConcordanceComparison:
    """Concordance of two predictors of one event in the same persons.

    Attributes
    ----------
    one, other : float
        Share of the pairs (a person with the event, one without) in which the first of them has the higher
        value; ties count half. Also known as the area under the ROC curve.
    difference : float
        ``one`` minus ``other``.
    std_error, conf_low, conf_high : float
        Of the difference; NaN with fewer than two persons on either side.
    n, n_happened : int
    """

    one: float
    other: float
    difference: float
    std_error: float
    conf_low: float
    conf_high: float
    n: int
    n_happened: int


def compare_concordance(
    one: ArrayLike, other: ArrayLike, *, happened: ArrayLike, level: float = 0.95
) -> ConcordanceComparison:
    """Compare two predictors of one event.

    Parameters
    ----------
    one, other : array_like, shape (n,)
        Higher values speak for the event.
    happened : array_like of bool, shape (n,)
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    ConcordanceComparison

    Notes
    -----
    The variance is that of DeLong: from the placement of each person among those on the other side, which
    allows for both predictors being seen in the same persons.

    References
    ----------
    DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Biometrics, 44, 837-845.
    https://doi.org/10.2307/2531595

    Examples
    --------
    >>> compare_concordance([3, 2, 1, 0], [0, 1, 2, 3], happened=[True, True, False, False]).difference
    1.0
    """
    values = np.stack([np.asarray(one, dtype=float), np.asarray(other, dtype=float)])
    event = np.asarray(happened, dtype=bool)
    n, n_event = len(event), int(event.sum())
    if n_event in (0, n):
        return ConcordanceComparison(*(np.nan,) * 6, n, n_event)
    with_event, without = (
        np.stack(pair) for pair in zip(*(_placements(v, event) for v in values), strict=True)
    )
    areas = with_event.mean(axis=1)
    difference = float(areas[0] - areas[1])
    std_error = np.nan
    if min(n_event, n - n_event) > 1:
        gaps = (side[0] - side[1] for side in (with_event, without))
        std_error = float(np.sqrt(sum(gap.var(ddof=1) / len(gap) for gap in gaps)))
    half = float(ndtri(0.5 + level / 2)) * std_error
    return ConcordanceComparison(
        float(areas[0]),
        float(areas[1]),
        difference,
        std_error,
        difference - half,
        difference + half,
        n,
        n_event,
    )


def expected_concordance(value: ArrayLike, chance: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Concordance of a value with an event of which each person's chance is known.

    Parameters
    ----------
    value : array_like, shape (n,)
        Higher values speak for the event.
    chance : array_like, shape (n,)
        Of the event, from 0 to 1; 0 and 1 only where it is known whether it happened.
    weight : array_like, shape (n,), optional
        How often each person counts, as in a bootstrap.

    Returns
    -------
    float
        Over all pairs of different persons, each pair weighing as likely as the first has the event and the
        second has not: the share in which the first has the higher value, ties counting half. NaN where no
        pair has any weight.

    Examples
    --------
    >>> expected_concordance([3, 2, 1], [1, 0.5, 0])
    1.0
    """
    x, p = np.asarray(value, dtype=float), np.asarray(chance, dtype=float)
    w = np.ones_like(p) if weight is None else np.asarray(weight, dtype=float)
    event, without = w * p, w * (1 - p)
    _, place = np.unique(x, return_inverse=True)
    below = np.bincount(place, weights=without) if len(x) else np.zeros(0)
    up_to = np.cumsum(below)
    self_pairs = float((event * without).sum())
    won = float((event * (up_to - below / 2)[place]).sum()) - self_pairs / 2
    pairs = float(event.sum() * without.sum()) - self_pairs
    return won / pairs if pairs > 1e-12 else np.nan


def _placements(values: FloatArray, event: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Share of the other side below each person with the event, and above each without; ties count half."""
    ranks = rankdata(values)
    mine, others = rankdata(values[event]), rankdata(values[~event])
    n_event, n_without = len(mine), len(others)
    return (ranks[event] - mine) / n_without, 1 - (ranks[~event] - others) / n_event
