"""The share with one kind of end by a moment, where ends compete and some have not been seen that long."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.counts import at_risk

__all__ = ["Incidence", "cumulative_incidence", "pseudo_incidence", "variance_by_moment", "view_inflation"]


#: What is added evenly over the time to the moments at which ends were seen, in moments.
_EVENLY = 2.0


@dataclass(frozen=True, slots=True)
class Incidence:
    """A cumulative incidence at one moment.

    Attributes
    ----------
    estimate : float
    std_error : float
        By the infinitesimal jackknife: the root of the sum of the squared influences.
    influence : ndarray, shape (n,)
        How the estimate moves with the weight of each one.
    """

    estimate: float
    std_error: float
    influence: FloatArray


@dataclass(frozen=True, slots=True)
class _Steps:
    """What happens at the m moments with ends up to the moment asked for.

    ``last`` is, for each of n persons, how many of those moments lie at or before their own time;
    ``own`` which persons ended at one of them (that is then moment ``last - 1``).
    """

    moments: FloatArray
    at_risk: FloatArray
    ends: FloatArray
    of_kind: FloatArray
    last: NDArray[np.intp]
    own: NDArray[np.bool_]
    part: FloatArray

    @property
    def hazard(self) -> FloatArray:
        """Of any end."""
        return self.ends / self.at_risk

    @property
    def hazard_of_kind(self) -> FloatArray:
        """Of the kind asked for."""
        return self.of_kind / self.at_risk

    @property
    def before(self) -> FloatArray:
        """Share without an end just before each moment."""
        return np.concatenate([[1.0], np.cumprod(1 - self.hazard)])[:-1]


def cumulative_incidence(time: ArrayLike, ended: ArrayLike, kind: ArrayLike, *, at: float) -> Incidence:
    """Share whose help ended in one way by a moment, other ends competing (Aalen-Johansen).

    Parameters
    ----------
    time : array_like, shape (n,)
        Time to the end, or to the last moment seen; not negative, perhaps infinite.
    ended : array_like of bool, shape (n,)
        Whether the end was seen.
    kind : array_like, shape (n,)
        How much of an end is of the kind asked for: 1 if it is, 0 if it is another, a chance where the kind
        of an end is not known. Of those without an end it is not looked at.
    at : float
        The moment.

    Returns
    -------
    Incidence

    Raises
    ------
    ValueError
        If there is no time, one is missing or negative, or a kind is not between 0 and 1.

    Notes
    -----
    The sum over the moments t with ends of S(t-) d(t) / n(t): S the share still without any end, d ends of
    the kind, n those at risk. Whoever was seen up to the very moment of an end is at risk there. After the
    last moment seen the curve is drawn on level: whether anybody was seen up to ``at`` is for the caller to
    ask. One minus a Kaplan-Meier curve of one kind of ends overstates the share.

    References
    ----------
    Aalen, O. O. & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains based
    on censored observations. *Scandinavian Journal of Statistics*, 5, 141-150.

    Examples
    --------
    >>> found = cumulative_incidence([2.0, 5.0, 6.0, 9.0], [True, True, False, True], [1, 0, 0, 1], at=12.0)
    >>> found.estimate
    0.75
    """
    steps = _steps(time, ended, kind, at)
    added = np.cumsum(steps.before * steps.hazard_of_kind)
    total = float(added[-1]) if added.size else 0.0
    influence = _influence(steps, added, total)
    return Incidence(total, float(np.sqrt(np.sum(influence**2))), influence)


def _influence(steps: _Steps, added: FloatArray, total: float) -> FloatArray:
    """Derivative of the incidence with respect to each weight, shape (n,)."""
    left = steps.at_risk - steps.ends
    gain = steps.before / steps.at_risk  # of one end of the kind more at this moment
    # What is lost afterwards by one end more; where nobody is left there is nothing afterwards.
    loss = np.divide(total - added, left, out=np.zeros_like(left), where=left > 0)
    drift = np.cumsum(steps.hazard * loss - steps.hazard_of_kind * gain)
    result: FloatArray = np.concatenate([[0.0], drift])[steps.last]
    own = steps.last[steps.own] - 1
    result[steps.own] += steps.part[steps.own] * gain[own] - loss[own]
    return result


def pseudo_incidence(time: ArrayLike, ended: ArrayLike, kind: ArrayLike, *, at: float) -> FloatArray:
    """What each one adds to the cumulative incidence: a complete outcome for a regression, shape (n,).

    Parameters
    ----------
    time, ended, kind, at
        As in :func:`cumulative_incidence`; two persons or more.

    Returns
    -------
    ndarray, shape (n,)
        n times the incidence of all minus (n - 1) times that of all others. Where everybody was seen up to
        the moment: 1 for an end of the kind by then, else 0.

    Raises
    ------
    ValueError
        As :func:`cumulative_incidence`, or with fewer than two.

    References
    ----------
    Klein, J. P. & Andersen, P. K. (2005). Regression modeling of competing risks data based on pseudovalues
    of the cumulative incidence function. *Biometrics*, 61, 223-229.
    https://doi.org/10.1111/j.0006-341X.2005.031209.x

    Examples
    --------
    >>> pseudo_incidence([2.0, 5.0, 15.0], [True, True, False], [1, 0, 0], at=12.0).round(6).tolist()
    [1.0, 0.0, 0.0]
    """
    steps = _steps(time, ended, kind, at)
    n, m = steps.last.size, steps.moments.size
    if n < 2:
        raise ValueError("pseudo-observations need two or more")
    if m == 0:
        return np.zeros(n)
    at_risk, ends, kinds = steps.at_risk, steps.ends, steps.of_kind
    # Without i: one fewer at risk up to i's own time, and from there on the steps of the whole.
    fewer = np.maximum(at_risk - 1, 1)
    alone = at_risk <= 1
    still = np.concatenate([[1.0], np.cumprod(np.where(alone, 0.0, 1 - ends / fewer))])
    early = np.concatenate([[0.0], np.cumsum(still[:-1] * np.where(alone, 0.0, kinds / fewer))])
    hazard, of_kind = steps.hazard, steps.hazard_of_kind
    # later[j]: incidence after the first j moments of those that are then still there.
    later = np.zeros(m + 1)
    for j in range(m - 1, -1, -1):
        later[j] = of_kind[j] + (1 - hazard[j]) * later[j + 1]
    others = early[steps.last] + still[steps.last] * later[steps.last]
    own = steps.last[steps.own] - 1
    own_hazard = np.where(alone[own], 0.0, (ends[own] - 1) / fewer[own])
    own_kind = np.where(alone[own], 0.0, (kinds[own] - steps.part[steps.own]) / fewer[own])
    others[steps.own] = early[own] + still[own] * (own_kind + (1 - own_hazard) * later[own + 1])
    whole = float(np.sum(steps.before * of_kind))
    result: FloatArray = n * whole - (n - 1) * others
    return result


def variance_by_moment(
    time: ArrayLike, ended: ArrayLike, kind: ArrayLike, *, at: float
) -> tuple[FloatArray, FloatArray]:
    """When the variance of an incidence comes about: moments, and what each brings, shapes (m,) and (m,).

    Parameters
    ----------
    time, ended, kind, at
        As in :func:`cumulative_incidence`.

    Returns
    -------
    (ndarray, ndarray)
        The parts add up to F (1 - F), the variance of one person who was seen up to ``at``.

    Notes
    -----
    At a moment with hazards h of any end and c of the kind: (a^2 c (1 - c) + b^2 h (1 - h) - 2 a b c (1 - h))
    / S, with a = S, the share without an end just before, and b = (F - F(t)) / (1 - h).
    """
    steps = _steps(time, ended, kind, at)
    h, c, a = steps.hazard, steps.hazard_of_kind, steps.before
    added = np.cumsum(a * c)
    rest = (added[-1] - added) if added.size else added
    b = np.divide(rest, 1 - h, out=np.zeros_like(rest), where=h < 1)
    parts = np.divide(
        a**2 * c * (1 - c) + b**2 * h * (1 - h) - 2 * a * b * c * (1 - h),
        a, out=np.zeros_like(a), where=a > 0,
    )  # fmt: skip
    return steps.moments, np.maximum(parts, 0.0)


def view_inflation(moments: ArrayLike, parts: ArrayLike, reach: ArrayLike, *, at: float) -> float:
    """How many times larger a variance is because not everybody could be seen up to the moment; 1 or more.

    Parameters
    ----------
    moments, parts : array_like, shape (m,)
        From :func:`variance_by_moment`, of these persons or of all. As much as two of these moments bring is
        added evenly over the time: where few ends were seen, the next ones could come at any moment.
    reach : array_like, shape (n,)
        How long each one could have been seen at most.
    at : float
        The moment.

    Returns
    -------
    float
        The mean of 1 / (share that could be seen so long) over the moments, by their parts; infinite where
        nobody could be seen up to the last of them, or up to ``at``.

    Examples
    --------
    >>> view_inflation([3.0, 9.0], [0.1, 0.1], [20.0, 20.0, 6.0, 20.0], at=12.0).__round__(3)
    1.166
    """
    until, weight = np.asarray(moments, dtype=float), np.asarray(parts, dtype=float)
    seen = np.sort(np.asarray(reach, dtype=float))
    if not seen.size or seen[-1] < at:
        return float("inf")
    usual = float(weight.mean()) if weight.sum() > 0 else 1.0
    evenly = np.linspace(0.0, at, 101)
    until = np.concatenate([until, evenly])
    weight = np.concatenate([weight, np.full(evenly.size, _EVENLY * usual / evenly.size)])
    share = 1 - np.searchsorted(seen, until, side="left") / seen.size
    return float(np.sum(weight / share) / np.sum(weight))


def _steps(time: ArrayLike, ended: ArrayLike, kind: ArrayLike, at: float) -> _Steps:
    months, seen = np.asarray(time, dtype=float), np.asarray(ended, dtype=bool)
    part = np.where(seen, np.asarray(kind, dtype=float), 0.0)
    if not months.size or np.isnan(months).any() or (months < 0).any():
        raise ValueError("the times of one person or more must all be known and not negative")
    if np.isnan(part).any() or (part < 0).any() or (part > 1).any():
        raise ValueError("how much of an end is of the kind must be known, from 0 to 1")
    counted = seen & (months <= at)
    moments, place, ends = np.unique(months[counted], return_inverse=True, return_counts=True)
    return _Steps(
        moments=moments,
        at_risk=at_risk(moments, months, np.full(months.size, -np.inf)),
        ends=ends.astype(float),
        of_kind=np.bincount(place, part[counted], minlength=moments.size).astype(float),
        last=np.searchsorted(moments, months, side="right"),
        own=counted,
        part=part,
    )
