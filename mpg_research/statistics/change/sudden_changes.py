"""Sudden gains and losses: a large, stable step between two successive measurements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from mpg_research.arrays import FloatArray
from mpg_research.statistics.change.reliable_change import Direction, improvement_sign

__all__ = ["SuddenChanges", "find_sudden_changes"]


@dataclass(frozen=True, slots=True)
class SuddenChanges:
    """Steps between wave j and wave j + 1 of n persons, K waves each: arrays of shape (n, K - 1).

    Attributes
    ----------
    gain, loss : ndarray
        1.0 where all three criteria hold for better (worse), 0.0 where they do not, NaN where they cannot
        be judged: a score of the step is missing, or fewer than two of the three before or after it.
    size : ndarray
        How much better (positive) or worse (negative) the step is, in points.
    reversed_after : ndarray
        1.0 where half or more of a gain (loss) was undone at a later wave, 0.0 where it was not; NaN
        elsewhere.
    """

    gain: FloatArray
    loss: FloatArray
    size: FloatArray
    reversed_after: FloatArray

    @property
    def n_gains(self) -> int:
        """Number of sudden gains."""
        return int(np.nansum(self.gain))

    @property
    def n_losses(self) -> int:
        """Number of sudden losses."""
        return int(np.nansum(self.loss))


def find_sudden_changes(
    scores: ArrayLike,
    *,
    cutoff: float,
    share: float = 0.25,
    share_of_losses: float | None = None,
    level: float = 0.95,
    adjust_for_missing: bool = True,
    direction: Direction = "higher_is_worse",
) -> SuddenChanges:
    """Find sudden gains and losses by the three published criteria.

    Parameters
    ----------
    scores : array_like, shape (n, K)
        One row per person, one column per wave; NaN where missing.
    cutoff : float
        Criterion 1: least size of the step in points (e.g. the reliable change of the questionnaire).
    share : float
        Criterion 2: least size of the step as a share of the score before it.
    share_of_losses : float, optional
        The same for losses; ``share`` by default. 0 leaves the criterion out for losses, as R's
        suddengains does in effect.
    level : float
        Criterion 3: level of the two-sided t quantile.
    adjust_for_missing : bool
        Whether criterion 3 takes the degrees of freedom of the scores that are there (Lutz et al. 2013), or
        always four, as in the first publication (2.776 at level .95).
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.

    Returns
    -------
    SuddenChanges

    Raises
    ------
    ValueError
        If ``cutoff`` or a share is negative, or ``scores`` is not a table.

    Notes
    -----
    Criterion 3 compares the three waves up to the step with the three after it: their means must differ by
    more than t(n_before + n_after - 2) times the pooled standard deviation (2.776 with all six, 3.182 with
    five, 4.303 with four). Losses are the mirror image of gains.

    A missing wave keeps its place: a step to or from it cannot be judged, and the three waves on either
    side are those of the three places.

    References
    ----------
    Tang, T. Z. & DeRubeis, R. J. (1999). Journal of Consulting and Clinical Psychology, 67, 894-904.
    https://doi.org/10.1037/0022-006X.67.6.894

    Lutz, W. et al. (2013). Psychotherapy Research, 23, 14-24. https://doi.org/10.1080/10503307.2012.693837

    Examples
    --------
    >>> found = find_sudden_changes([[30, 31, 30, 18, 19, 18]], cutoff=7)
    >>> found.gain.tolist()
    [[nan, 0.0, 1.0, 0.0, nan]]
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2:
        raise ValueError("scores must be a table with a row per person and a column per wave")
    shares = (share, share if share_of_losses is None else share_of_losses)
    if not (cutoff >= 0 and min(shares) >= 0):
        raise ValueError("cutoff and shares must not be negative")
    sign = improvement_sign(direction)
    n, waves = table.shape
    steps = max(waves - 1, 0)
    shape = (n, steps)
    gain, loss, reversal = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    size = sign * np.diff(table, axis=1) if steps else np.zeros(shape)
    for step in range(steps):
        before, after = table[:, max(step - 2, 0) : step + 1], table[:, step + 1 : step + 4]
        difference, limit, judged = _stable(before, after, level, adjust_for_missing)
        judged &= ~np.isnan(size[:, step])
        least = [np.maximum(cutoff, part * np.abs(table[:, step])) for part in shares]
        with np.errstate(invalid="ignore"):
            better = (size[:, step] >= least[0]) & (sign * difference > limit)
            worse = (-size[:, step] >= least[1]) & (-sign * difference > limit)
            middle = table[:, step + 1] - sign * size[:, step] / 2
            way_back = np.sign(size[:, step]) * sign * (table[:, step + 2 :].T - middle)
            turned = (way_back.T <= 0).any(axis=1)
        gain[:, step] = np.where(judged, better, np.nan)
        loss[:, step] = np.where(judged, worse, np.nan)
        reversal[:, step] = np.where(judged & (better | worse), turned, np.nan)
    return SuddenChanges(gain, loss, size, reversal)


def _stable(
    before: FloatArray, after: FloatArray, level: float, adjust: bool
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Difference of the means after and before, what it must exceed, and who can be judged."""
    (n_1, mean_1, squares_1), (n_2, mean_2, squares_2) = _sums(before), _sums(after)
    judged = (n_1 >= 2) & (n_2 >= 2)
    df = np.where(judged, n_1 + n_2 - 2, 1.0)
    quantile = stdtrit(df if adjust else 4.0, 0.5 + level / 2)
    limit = quantile * np.sqrt((squares_1 + squares_2) / df)
    return mean_2 - mean_1, np.asarray(limit, dtype=float), judged


def _sums(part: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    known = ~np.isnan(part)
    n = known.sum(axis=1).astype(float)
    mean = np.where(known, part, 0.0).sum(axis=1) / np.where(n > 0, n, np.nan)
    squares = (np.where(known, part - mean[:, None], 0.0) ** 2).sum(axis=1)
    return n, mean, squares
