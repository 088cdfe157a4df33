"""How the numbers of a column are written, by what the column means."""

import math
from dataclasses import dataclass

from mpg_research.analysis.columns import Column

__all__ = ["Shape", "shape_of"]

_KINDS = {"share": "share", "count": "count", "tally": "count", "p": "p", "df": "df"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a number is written.

    Attributes
    ----------
    kind : {"number", "count", "share", "p", "df"}
    digits : int
        Decimals of a number or a percentage.
    """

    kind: str = "number"
    digits: int = 1


def shape_of(column: Column, value: float | None = None) -> Shape:
    """How a number of this column is written.

    Parameters
    ----------
    column : Column
    value : float, optional
        The number itself: a column of settings shows whole numbers without decimals.
    """
    kind = "share" if column.percent else _KINDS.get(column.meaning, "number")
    if column.digits is not None:
        return Shape(kind, column.digits)
    if column.meaning in ("setting", "rank"):
        whole = value is None or not math.isfinite(value) or value == round(value)
        return Shape("count" if column.meaning == "setting" and whole else kind, 0 if whole else 1)
    return Shape(kind, column.decimals)
