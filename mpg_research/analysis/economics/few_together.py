"""Payers, kinds, items or prices of few families, put together until they are of enough."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["few_together"]

Name = TypeVar("Name", bound=Hashable)


def few_together(
    names: Iterable[Name], families: Callable[[list[Name]], ArrayLike], *, minimum: int
) -> list[Name]:
    """What few families have, with the smallest of the others where that is still of few.

    What few families have would have its row hidden, and with it, so that nothing follows by subtraction,
    that of another; and two hidden rows can be of the same families.

    Parameters
    ----------
    names : iterable
    families : callable
        How many families have any of some names: one number, or one for each row that they would get. In a
        row of no family nothing is hidden.
    minimum : int
        Families that stand for enough.

    Returns
    -------
    list
        Empty where no name is of few.

    Examples
    --------
    >>> users = {"state": {1}, "school": {1, 2}, "family": {2, 3, 4}, "insurer": {1, 2, 3, 4, 5}}
    >>> few_together(users, lambda some: len(set().union(*(users[name] for name in some))), minimum=3)
    ['state', 'school', 'family']
    """

    def is_few(counts: ArrayLike) -> bool:
        found = np.asarray(counts)
        return bool(((found > 0) & (found < minimum)).any())

    counts = {name: families([name]) for name in names}
    few = [name for name in counts if is_few(counts[name])]
    others = sorted((name for name in counts if name not in few), key=lambda name: np.sum(counts[name]))
    while few and others and is_few(families(few)):
        few.append(others.pop(0))
    return few
