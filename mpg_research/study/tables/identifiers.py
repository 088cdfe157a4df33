"""Ids that consist of several columns: client 17 of organisation A is another family than client 17 of B."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["join_ids", "join_parts", "split_id"]

BETWEEN, ESCAPE = ":", "\\"


def join_parts(parts: Sequence[str]) -> str:
    """One id of several parts: different parts never give the same id, whatever characters they hold.

    Examples
    --------
    >>> join_parts(["hazelgaard", "17"]), join_parts(["a:b", "c"]) == join_parts(["a", "b:c"])
    ('hazelgaard:17', False)
    """
    return BETWEEN.join(
        part.replace(ESCAPE, ESCAPE + ESCAPE).replace(BETWEEN, ESCAPE + BETWEEN) for part in parts
    )


def split_id(joined: str) -> tuple[str, ...]:
    """The parts behind an id from :func:`join_parts`.

    Examples
    --------
    >>> split_id(join_parts(["a:b", "c"]))
    ('a:b', 'c')
    """
    if ESCAPE not in joined:
        return tuple(joined.split(BETWEEN))
    parts, part, signs = [], "", iter(joined)
    for sign in signs:
        if sign == ESCAPE:
            part += next(signs, "")
        elif sign == BETWEEN:
            parts.append(part)
            part = ""
        else:
            part += sign
    return (*parts, part)


def join_ids(columns: Sequence[pd.Series]) -> pd.Series:
    """Join columns of text row by row.

    Parameters
    ----------
    columns : sequence of Series, each of shape (n_rows,)
        Text; missing where empty.

    Returns
    -------
    Series, shape (n_rows,)
        Missing where any part is missing.
    """
    rows = zip(*(column.to_numpy(dtype=object) for column in columns), strict=True)
    joined = np.empty(len(columns[0]), dtype=object)
    joined[:] = [None if any(pd.isna(part) for part in parts) else join_parts(parts) for parts in rows]
    return pd.Series(joined, index=columns[0].index, dtype=object)
