"""Whether groups differ in when an event comes: log-rank, and Gray's test where events compete."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg as linalg
import scipy.special as special
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.counts import Spells, at_risk, read_spells

__all__ = ["GroupTest", "gray_test", "log_rank"]


@dataclass(frozen=True, slots=True)
class GroupTest:
    """A chi-square test of groups.

    Attributes
    ----------
    statistic : float
        Missing where the groups cannot be told apart (one group, or no event).
    df : int
    p_value : float
    """

    statistic: float
    df: int
    p_value: float


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> GroupTest:
    """Whether the hazard of an event is the same in all groups.

    Parameters
    ----------
    time : array_like, shape (n,)
    event : array_like of bool, shape (n,)
    group : array_like, shape (n,)
    entry : array_like, shape (n,), optional
        From when on each one is watched.
    strata : array_like, shape (n,), optional
        Groups are compared within these.

    Returns
    -------
    GroupTest

    Notes
    -----
    Observed minus expected events with the hypergeometric variance at each moment with events.

    Examples
    --------
    >>> log_rank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"]).statistic.__round__(3)
    2.882
    """
    spells = read_spells(time, np.asarray(event, dtype=bool), entry)
    names, number = np.unique(np.asarray(group), return_inverse=True)
    layers = np.zeros(number.size, dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    gap, variance = np.zeros(names.size), np.zeros((names.size, names.size))
    for layer in range(int(layers.max()) + 1):
        inside = layers == layer
        part = Spells(spells.time[inside], spells.entry[inside], spells.cause[inside])
        _, risk, ends = _counts(part, number[inside], names.size, 1)
        died, total, whole = ends[:, :, 0], ends[:, :, 0].sum(axis=1), risk.sum(axis=1)
        share = risk / whole[:, None]
        gap += (died - total[:, None] * share).sum(axis=0)
        weight = total * np.where(whole > 1, (whole - total) / np.maximum(whole - 1, 1), 0.0)
        variance += np.diag((weight[:, None] * share).sum(axis=0)) - share.T @ (weight[:, None] * share)
    return _chi_square(gap[:-1], variance[:-1, :-1])


def gray_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    of: int = 1,
    entry: ArrayLike | None = None,
) -> GroupTest:
    """Whether the cumulative incidence of one cause is the same in all groups, the others competing.

    Parameters
    ----------
    time : array_like, shape (n,)
    cause : array_like of int, shape (n,)
        0 without an event, else 1, 2, ...
    group : array_like, shape (n,)
    of : int
        The cause tested.
    entry : array_like, shape (n,), optional
        From when on each one is watched.

    Returns
    -------
    GroupTest

    Notes
    -----
    Gray's test with rho = 0, variance as in cmprsk's ``cuminc``. It takes all times as independent: where
    families share a worker it finds differences too often.

    References
    ----------
    Gray, R. J. (1988). A class of K-sample tests for comparing the cumulative incidence of a competing risk.
    *Annals of Statistics*, 16, 1141-1154. https://doi.org/10.1214/aos/1176350951

    Examples
    --------
    >>> test = gray_test([1, 2, 3, 4, 5, 6], [1, 2, 1, 1, 2, 0], ["a", "a", "a", "b", "b", "b"])
    >>> test.df
    1
    """
    spells = read_spells(time, cause, entry)
    kinds = np.where(spells.cause == of, 1, np.where(spells.cause > 0, 2, 0))
    names, number = np.unique(np.asarray(group), return_inverse=True)
    counted = Spells(spells.time, spells.entry, kinds)
    _, risk, ends = _counts(counted, number, names.size, 2)
    gap, variance = _gray(risk, ends[:, :, 0], ends[:, :, 1])
    return _chi_square(gap[:-1], variance[:-1, :-1])


def _counts(
    spells: Spells, number: NDArray[np.intp], n_groups: int, k: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Moments (t,), those at risk (t, g) and events (t, g, k)."""
    ended = spells.cause > 0
    times, place = np.unique(spells.time[ended], return_inverse=True)
    ends = np.zeros((times.size, n_groups, k))
    np.add.at(ends, (place, number[ended], spells.cause[ended] - 1), 1.0)
    risk = np.empty((times.size, n_groups))
    for each in range(n_groups):
        mine = number == each
        risk[:, each] = at_risk(times, spells.time[mine], spells.entry[mine])
    return times, risk, ends


def _gray(risk: FloatArray, first: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Scores (g,) and their covariance (g, g); names of the parts as in Gray's section 2."""
    t, g = risk.shape
    there = risk > 0
    of_risk = np.divide(first + other, risk, out=np.zeros_like(risk), where=there)
    after = np.cumprod(1 - of_risk, axis=0)  # share without an event in each group
    before = np.concatenate([np.ones((1, g)), after])[:t]
    gain = np.divide(before * first, risk, out=np.zeros_like(risk), where=there)
    incidence = np.cumsum(gain, axis=0)
    incidence_before = np.concatenate([np.zeros((1, g)), incidence])[:t]
    open_ = there & (before > 0)
    scaled = np.divide(risk, before, out=np.zeros_like(risk), where=open_)
    whole = scaled.sum(axis=1)
    weighted = scaled * (1 - incidence_before)
    total = weighted.sum(axis=1)
    d1 = first.sum(axis=1)
    expected = d1[:, None] * np.divide(
        weighted, total[:, None], out=np.zeros_like(risk), where=total[:, None] > 0
    )
    gap: FloatArray = (first - expected).sum(axis=0)
    pooled = np.cumsum(np.divide(d1, whole, out=np.zeros_like(d1), where=whole > 0))
    pooled_before = np.concatenate([[0.0], pooled])[:t]
    share = np.divide(scaled, whole[:, None], out=np.zeros_like(risk), where=whole[:, None] > 0)
    a = -scaled[:, :, None] * share[:, None, :]
    a[:, np.arange(g), np.arange(g)] += scaled
    rate = np.divide(
        d1, whole * (1 - pooled_before), out=np.zeros_like(d1), where=(whole > 0) & (pooled_before < 1)
    )
    c = np.cumsum(a * rate[:, None, None], axis=0)
    still = (1 - pooled)[:, None]
    ratio = np.divide(still, after, out=np.zeros_like(risk), where=after > 0)
    # events of the cause itself
    lead = np.where(after > 0, 1 - ratio, 1.0)
    ties = np.where(
        d1[:, None] > 1,
        1 - (d1[:, None] - 1) / np.maximum(whole[:, None] * before - 1, 1e-12), 1.0,
    )  # fmt: skip
    size = np.divide(ties * before * d1[:, None], whole[:, None] * risk, out=np.zeros_like(risk), where=open_)
    final = c[-1] if t else np.zeros((g, g))
    reach = a + lead[:, None, :] * (final - c)
    variance = np.einsum("tik,tjk,tk->ij", reach, reach, size)
    # events of the other causes
    ties = np.where(other > 1, 1 - (other - 1) / np.maximum(risk - 1, 1), 1.0)
    size = np.divide(ties * before**2 * other, risk**2, out=np.zeros_like(risk), where=there & (after > 0))
    reach = ratio[:, None, :] * (final - c)
    variance = variance + np.einsum("tik,tjk,tk->ij", reach, reach, size)
    return gap, variance


def _chi_square(gap: FloatArray, variance: FloatArray) -> GroupTest:
    df = int(np.linalg.matrix_rank(variance)) if gap.size else 0
    if not df:
        return GroupTest(float("nan"), 0, float("nan"))
    statistic = float(gap @ linalg.pinvh(variance) @ gap)
    return GroupTest(statistic, df, float(special.chdtrc(df, statistic)))
