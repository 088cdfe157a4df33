"""What the gate must know of amounts: the largest parts that single families have in them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import money_total
from mpg_research.analysis.value.compared import Compared
from mpg_research.arrays import FloatArray, IntArray

__all__ = ["DIFFERENCE_PARTS", "difference_parts", "parts_of", "sums_of"]

#: Beside a difference, or another amount that is no plain sum: the amount itself and its largest parts.
DIFFERENCE_PARTS = tuple(
    column.but(csv_only=True, plain=False) for column in money_total("amount_shown", signed=True)
)


def parts_of(value: float, amounts: FloatArray) -> dict[str, float]:
    """The columns :data:`DIFFERENCE_PARTS` of one row.

    Parameters
    ----------
    value : float
        What is shown.
    amounts : ndarray, shape (families,)
        What each family has in it.
    """
    sizes = np.sort(np.abs(np.concatenate([amounts, [0.0, 0.0]])))[::-1]
    return {
        "amount_shown": value, "amount_shown_largest": float(sizes[0]),
        "amount_shown_second": float(sizes[1]), "amount_shown_absolute": float(sizes.sum()),
    }  # fmt: skip


def sums_of(family: IntArray, amounts: FloatArray) -> FloatArray:
    """What each family has in amounts, shape (families,).

    Parameters
    ----------
    family : ndarray of int, shape (n,)
    amounts : ndarray, shape (n,)
    """
    return np.bincount(family, amounts).astype(float)


def difference_parts(
    compared: Compared, value: float, groups: Iterable[int], amounts: FloatArray | None = None
) -> dict[str, float]:
    """The same of a difference between groups: the parts of the one in which a family stands out most.

    A group's mean can be known (of the own families, from another table), and then a difference gives the
    other one away: so each must be safe by itself.

    Parameters
    ----------
    compared : Compared
    value : float
        What is shown.
    groups : iterable of int
        Places of the groups.
    amounts : ndarray, shape (rows of cost,), optional
        By default all costs.
    """
    rows = compared.cost
    weight = np.ones(rows.outcome.size) if rows.weight is None else rows.weight
    sizes = weight * (rows.outcome if amounts is None else amounts)
    code, family = compared.code, pd.factorize(compared.family)[0]
    found = []
    for group in groups:
        mine = code == group
        found.append(parts_of(value, sums_of(family[mine], sizes[mine])))
    return min(found, key=_margin)


def _margin(parts: dict[str, float]) -> float:
    """How much there is beside the two largest parts, as a share of the largest."""
    largest = parts["amount_shown_largest"]
    others = parts["amount_shown_absolute"] - largest - parts["amount_shown_second"]
    return others / largest if largest > 0 else -1.0
