"""A frame as a plain, accessible HTML table; everything is escaped, nothing is loaded."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["format_number", "format_p", "html_table"]

#: More rows than this are cut, and counted below the table.
MOST_ROWS = 60
_LEFT = ' style="text-align:left;padding:2px 8px"'
_RIGHT = ' style="text-align:right;padding:2px 8px"'


def format_number(value: float) -> str:
    """Three decimals, or four significant digits where that would hide or flood."""
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    small = value != 0 and abs(value) < 1e-3
    return f"{value:.4g}" if small or abs(value) >= 1e5 else f"{value:.3f}"


def format_p(value: float) -> str:
    """A p-value with three decimals, without the zero before the point."""
    if np.isnan(value):
        return ""
    if value < 0.001:
        return "< .001"
    return f"{value:.3f}".removeprefix("0")


def html_table(frame: pd.DataFrame, caption: str) -> str:
    """The frame with its index as row headers.

    Parameters
    ----------
    frame : DataFrame
        Cells are numbers or ready text.
    caption : str

    Returns
    -------
    str
        One ``<table>`` with a caption, and a line below it if rows were cut.
    """
    heads = [str(frame.index.name or ""), *(str(column) for column in frame.columns)]
    sides = [_LEFT, *(_side(frame[column]) for column in frame.columns)]
    head = "".join(
        f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(heads, sides, strict=True)
    )
    shown = frame.head(MOST_ROWS)
    rows = []
    for label, values in zip(shown.index, shown.itertuples(index=False, name=None), strict=True):
        cells = zip(values, frame.columns, sides[1:], strict=True)
        body = "".join(f"<td{side}>{escape(_text(value, column))}</td>" for value, column, side in cells)
        rows.append(f'<tr><th scope="row"{_LEFT}>{escape(str(label))}</th>{body}</tr>')
    rest = len(frame) - len(shown)
    return (
        f'<table style="border-collapse:collapse"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        + (f"<p>... and {rest} more rows.</p>" if rest else "")
    )


def _side(column: pd.Series) -> str:
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    return _RIGHT if numeric or all(_looks_numeric(value) for value in column) else _LEFT


def _looks_numeric(value: Any) -> bool:
    return not isinstance(value, str) or not value or value[0] in "-<.∞0123456789"


def _text(value: Any, column: Any) -> str:
    if isinstance(value, float):
        return format_p(value) if column == "p_value" else format_number(value)
    return str(value)
