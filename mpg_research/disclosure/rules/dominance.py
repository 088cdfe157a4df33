"""Sums of which one family makes up nearly everything: the p % rule.

A sum is sensitive where the family with the second largest contribution, which knows its own, could tell the
largest one to within p %: from the sum it takes its own off, and what is left is the largest and all others.

References
----------
Hundepool A, Domingo-Ferrer J, Franconi L, et al. (2012). Statistical Disclosure Control. Chichester: Wiley.
https://doi.org/10.1002/9781118348239
"""

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.disclosure.rules.cells import Cells

__all__ = ["P_PERCENT", "dominated", "hide_dominated"]

#: To within how much nobody may be able to tell another's contribution; our own choice.
P_PERCENT = 10.0


def dominated(
    total: FloatArray, largest: FloatArray, second: FloatArray, *, p_percent: float = P_PERCENT
) -> np.ndarray:
    """Which sums give their largest contribution away.

    Parameters
    ----------
    total, largest, second : ndarray of float, shape (n_rows,)
        Sums of contributions that are zero or more, and the two largest of them.
    p_percent : float
        How close the largest may be told, as a percentage of it.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True as well where a number is missing, or the three cannot belong together. A sum of nothing but
        zeros says of every family that it has none, and is given away too.

    Examples
    --------
    >>> import numpy as np
    >>> dominated(np.array([100.0, 100.0]), np.array([80.0, 30.0]), np.array([15.0, 25.0]))
    array([ True, False])
    """
    others = total - largest - second
    is_sound = (largest >= second) & (second >= 0) & (others >= -1e-9 * np.abs(total))
    return np.asarray(~(is_sound & (largest > 0) & (others >= p_percent / 100 * largest)))


def hide_dominated(cells: Cells) -> None:
    """Suppress rows with a sum of money that one family makes up, and sums of which that is not known.

    The whole row goes, so that what covers for hidden rows covers for the sum as well.
    """
    somebody = cells.exact("n_families") != 0
    for column in cells.numbers:
        for about, rows in cells.meanings(column):
            if about.is_total:
                known = len(about.largest) == 2 and set(about.largest) <= set(cells.numbers)
                parts = [cells.exact(name) for name in (column, *about.largest)] if known else []
                cells.hide_rows(rows & somebody & dominated(*parts) if known else rows)
