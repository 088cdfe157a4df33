"""What a family cost up to the horizon, with incomplete follow-up: values for a regression."""

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.censored_costs import censored_mean
from mpg_research.statistics.economics.reading import read_clusters, read_numbers

__all__ = ["pseudo_totals"]


def pseudo_totals(
    amounts: ArrayLike,
    time: ArrayLike,
    *,
    edges: ArrayLike,
    group: ArrayLike | None = None,
    ended: ArrayLike | None = None,
    negative: bool = False,
) -> FloatArray:
    """One value per family whose mean is the mean total up to the horizon, also where some are not followed.

    Parameters
    ----------
    amounts : array_like, shape (n, J)
        Costs (or effects) in each interval; what lies after the end of follow-up is not used.
    time : array_like, shape (n,)
        Until when a family is followed.
    edges : array_like, shape (J + 1,)
        From 0 to the horizon.
    group : array_like, shape (n,), optional
        Within which follow-up is taken to be alike; by default all together.
    ended : array_like of bool, shape (n,), optional
        As in :func:`~mpg_research.statistics.economics.follow_up.read_followed`; by default nobody has.
    negative : bool
        Whether amounts may be below zero.

    Returns
    -------
    ndarray, shape (n,)
        The partitioned mean of the group plus n times what the family adds to it. Of a family that is
        followed to the end, in a group where all are, its own total.

    Raises
    ------
    ValueError
        If a known amount is missing, or nobody of a group is followed to the horizon.

    Notes
    -----
    Their mean is exactly that of Bang and Tsiatis; in a regression they stand for the totals (pseudo-values,
    by the infinitesimal jackknife), and a sandwich over clusters holds what estimating the chance of being
    followed adds. That the case mix has nothing to do with how long a family is followed is taken for
    granted.

    References
    ----------
    Andersen, P. K. & Pohar Perme, M. (2010). Pseudo-observations in survival analysis. *Statistical Methods
    in Medical Research*, 19, 71-99. https://doi.org/10.1177/0962280209105020

    Examples
    --------
    >>> pseudo_totals([[100, 0], [300, 50]], [2, 2], edges=[0, 1, 2]).tolist()
    [100.0, 350.0]
    """
    until = read_numbers(time, "time", above=0, remedy="leave out families without follow-up, and count them")
    n = until.size
    money = np.asarray(amounts, dtype=float).reshape(n, -1)
    over = np.zeros(n, dtype=bool) if ended is None else np.asarray(ended, dtype=bool)
    codes, count = read_clusters(np.zeros(n) if group is None else group, n)
    found = np.zeros(n)
    for each in range(count):
        mine = codes == each
        mean = censored_mean(money[mine], until[mine], ended=over[mine], edges=edges, negative=negative)
        found[mine] = mean.estimate + mine.sum() * mean.influence
    return found
