"""What changes around an event: those it comes to, beside those it has not come to yet, at the same time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, stdtr, stdtrit

from mpg_research.arrays import BoolArray, FloatArray, IntArray

__all__ = ["EventStudy", "event_study"]

#: Fewest of those compared with, at one moment.
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class EventStudy:
    """Differences around an event; arrays of shape (k,), one per relative time. NaN where nobody was seen.

    Attributes
    ----------
    relative : ndarray of int
        Times since the event; the reference time is not among them.
    estimate : ndarray
        Mean change since the reference time, less that of those compared with.
    n_events, n_compared : ndarray of int
        Events behind each number, and how many others were compared with at least once.
    influence : ndarray, shape (clusters, k)
        How each estimate moves with each cluster.
    treated : ndarray of bool, shape (units,)
        Who has an event that counts at any relative time.
    compared : ndarray of bool, shape (units,)
    df : float
        Clusters with an event, less one.
    level : float
    """

    relative: IntArray
    estimate: FloatArray
    n_events: IntArray
    n_compared: IntArray
    influence: FloatArray
    treated: BoolArray
    compared: BoolArray
    df: float
    level: float

    def combine(self, weights: ArrayLike) -> tuple[float, float, float, float, float]:
        """Estimate, standard error, lower and upper limit and p-value of a weighted sum of the differences.

        Parameters
        ----------
        weights : array_like, shape (k,)

        Returns
        -------
        tuple of float
            NaN where a difference with a weight is not known, or the degrees of freedom are none.
        """
        by = np.asarray(weights, dtype=float)
        used = by != 0
        estimate = float(by[used] @ self.estimate[used])
        clusters = len(self.influence)
        if self.df < 1 or not np.isfinite(estimate) or clusters < 2:
            return (estimate, *(float("nan"),) * 4)
        moved = self.influence[:, used] @ by[used]
        error = float(np.sqrt(clusters / (clusters - 1) * (moved @ moved)))
        half = float(stdtrit(self.df, 0.5 + self.level / 2)) * error
        p_value = float(2 * stdtr(self.df, -abs(estimate) / error)) if error > 0 else float("nan")
        return estimate, error, estimate - half, estimate + half, p_value

    def joint(self, chosen: ArrayLike) -> float:
        """The p-value that all of the chosen differences are zero (F, by the clusters); NaN if not known.

        Parameters
        ----------
        chosen : array_like of bool, shape (k,)
        """
        which = np.asarray(chosen, dtype=bool) & np.isfinite(self.estimate)
        q, clusters = int(which.sum()), len(self.influence)
        bottom = self.df - q + 1
        if q == 0 or bottom < 1 or clusters < 2:
            return float("nan")
        moved = self.influence[:, which]
        covariance = clusters / (clusters - 1) * (moved.T @ moved)
        if np.linalg.matrix_rank(covariance) < q:
            return float("nan")
        wald = float(self.estimate[which] @ np.linalg.solve(covariance, self.estimate[which]))
        return float(fdtrc(q, bottom, wald * bottom / (q * self.df)))


def event_study(
    values: ArrayLike,
    event: ArrayLike,
    clusters: ArrayLike,
    *,
    before: int = 3,
    after: int = 3,
    clean: int | None = None,
    at_risk: ArrayLike | None = None,
    chosen: ArrayLike | None = None,
    levels: bool = False,
    level: float = 0.95,
) -> EventStudy:
    """Compare the change around an event with that of those it has not come to.

    Parameters
    ----------
    values : array_like, shape (units, times)
        What is followed; NaN where not known.
    event : array_like, shape (units,)
        The time of each one's first event; infinite without one.
    clusters : array_like, shape (units,)
        Who belongs together, for the errors.
    before, after : int
        Times before and after the event that are looked at; the time just before it is the reference.
    clean : int, optional
        Those compared with have no event up to so many times after; by default ``after``. 0 (none up to the
        time itself) where what is followed makes an event impossible: who has left cannot have one.
    at_risk : array_like of bool, shape (units, times), optional
        Who could have an event at a time; by default who has a value then or just before.
    chosen : array_like of bool, shape (units,), optional
        Whose event is looked at; others with an event are compared with as long as they had none. By default
        everybody's.
    levels : bool
        Whether the values themselves are compared, and not their change since the time before the event.
    level : float
        Of the limits.

    Returns
    -------
    EventStudy

    Notes
    -----
    For an event of unit i at g: (y_i,g+k - y_i,g-1) less the mean of the same over those at risk at g whose
    event comes later than g + ``clean``, if ever; averaged over events. Nobody is compared with those who
    had their event before, so that effects that differ or grow do not enter with a negative weight. Errors
    are those of the influences summed per cluster; the degrees of freedom are the clusters with an event
    less one. It is what the event did where both would have changed alike without it: the differences
    before the event show whether they did.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal
    of Econometrics, 225, 200-230. https://doi.org/10.1016/j.jeconom.2020.12.001

    Examples
    --------
    >>> values = [[5.0, 5.0, 3.0], [6.0, 6.0, 4.0], [5.0, 5.0, 5.0], [7.0, 7.0, 7.0]]
    >>> found = event_study(values, [2, 2, float("inf"), float("inf")], range(4), before=2, after=0)
    >>> found.relative.tolist(), found.estimate.tolist()
    ([-2, 0], [0.0, -2.0])
    """
    y = np.asarray(values, dtype=float)
    when = np.asarray(event, dtype=float)
    n, times = y.shape
    known, spared = np.isfinite(y), after if clean is None else clean
    could = known | np.column_stack([np.zeros((n, 1), dtype=bool), known[:, :-1]])
    could = could if at_risk is None else np.asarray(at_risk, dtype=bool)
    mine = np.ones(n, dtype=bool) if chosen is None else np.asarray(chosen, dtype=bool)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    relative = np.array([k for k in range(-before, after + 1) if k != -1], dtype=np.intp)
    estimate = np.full(len(relative), np.nan)
    counts = np.zeros((2, len(relative)), dtype=np.intp)
    influence = np.zeros((int(cluster.max()) + 1 if n else 0, len(relative)))
    treated, compared = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for place, k in enumerate(relative):
        parts = []
        for g in range(1, times):
            if not 0 <= g + k < times:
                continue
            seen = known[:, g + k] & (known[:, g - 1] | levels) & could[:, g]
            events = np.flatnonzero(seen & mine & (when == g))
            others = np.flatnonzero(seen & (when > g + spared))
            if len(events) and len(others) >= _FEWEST:
                change = y[:, g + k] - (0.0 if levels else y[:, g - 1])
                parts.append((events, others, change[events], change[others]))
        total = sum(len(events) for events, *_ in parts)
        if not total:
            continue
        estimate[place] = (
            sum(float(of.sum()) - len(of) * float(usual.mean()) for *_, of, usual in parts) / total
        )
        own, as_other = np.zeros(n), np.zeros(n)
        for events, others, of, usual in parts:
            own[events] += (of - usual.mean() - estimate[place]) / total
            as_other[others] -= len(events) / total * (usual - usual.mean()) / len(others)
            treated[events] = True
            compared[others] = True
        influence[:, place] = np.bincount(cluster, own + as_other, minlength=len(influence))
        counts[0, place] = total
        counts[1, place] = len(np.unique(np.concatenate([others for _, others, *_ in parts])))
    groups = len(np.unique(cluster[treated]))
    return EventStudy(
        relative, estimate, counts[0], counts[1], influence, treated, compared, float(groups - 1), level
    )
