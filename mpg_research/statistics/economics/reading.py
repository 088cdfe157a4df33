"""Reading arrays of money, effects and clusters: each fault in one message that says where."""

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray

__all__ = ["read_clusters", "read_groups", "read_numbers", "read_rate", "rows_in_words"]

#: So many rows a message names before it counts the rest.
_NAMED = 5


def rows_in_words(wrong: ArrayLike) -> str:
    """The places of what is wrong, in words.

    Parameters
    ----------
    wrong : array_like of bool
        Rows first; counted from 0, as arrays are.

    Returns
    -------
    str

    Examples
    --------
    >>> rows_in_words([False, True, True])
    'rows 1, 2 (counted from 0)'
    """
    flags = np.asarray(wrong, dtype=bool)
    rows = np.flatnonzero(flags.reshape(flags.shape[0], -1).any(axis=1)) if flags.ndim else np.zeros(1, int)
    named = ", ".join(str(row) for row in rows[:_NAMED])
    more = f" and {rows.size - _NAMED} more" if rows.size > _NAMED else ""
    return f"row{'s' if rows.size > 1 else ''} {named}{more} (counted from 0)"


def read_numbers(
    values: ArrayLike,
    name: str,
    *,
    n: int | None = None,
    dimensions: tuple[int, ...] = (1,),
    least: float = -np.inf,
    above: float = -np.inf,
    remedy: str = "leave these rows out, or complete them",
) -> FloatArray:
    """Numbers that are all there, finite and in range.

    Parameters
    ----------
    values : array_like
    name : str
        What they are, for the message.
    n : int, optional
        How many rows there must be.
    dimensions : tuple of int
        Numbers of dimensions that are allowed.
    least, above : float
        Every value must be at least the first, and more than the second.
    remedy : str
        What to do where one is missing.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If there is none, the shape is another, or a value is missing, infinite or out of range.
    """
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} holds something that is not a number; expected plain numbers, without signs of currency"
        ) from None
    if found.ndim not in dimensions or not found.size or (n is not None and found.shape[0] != n):
        rows = f"{n} rows" if n is not None else "one row or more"
        wanted = " or ".join(str(d) for d in dimensions)
        raise ValueError(
            f"{name} has the shape {found.shape}; expected {rows} in {wanted} dimension(s); "
            "give every array the same rows"
        )
    wrong = ~np.isfinite(found)
    if wrong.any():
        raise ValueError(
            f"{name} is missing or infinite in {rows_in_words(wrong)}; expected a finite number; {remedy}"
        )
    wrong = (found < least) | (found <= above)
    if wrong.any():
        bound = f"at least {least:g}" if np.isfinite(least) else f"above {above:g}"
        first = float(found[wrong][0])
        raise ValueError(
            f"{name} is {first:g} in {rows_in_words(wrong)}; expected {bound}; check sign and unit"
        )
    return found


def read_clusters(clusters: ArrayLike | None, n: int) -> tuple[IntArray, int]:
    """Codes 0, 1, ... of who belongs together, and how many clusters there are.

    Parameters
    ----------
    clusters : array_like, shape (n,), optional
        Without them every row is its own.
    n : int

    Returns
    -------
    codes : ndarray of int, shape (n,)
    n_clusters : int

    Raises
    ------
    ValueError
        If there are fewer or more than n, or one is missing.
    """
    if clusters is None:
        return np.arange(n, dtype=np.intp), n
    names = np.asarray(clusters)
    if names.shape != (n,):
        raise ValueError(f"clusters have the shape {names.shape}; expected one for each of {n} rows")
    missing = np.array([name is None or name != name for name in names.tolist()], dtype=bool)
    if missing.any():
        raise ValueError(
            f"the cluster is missing in {rows_in_words(missing)}; give those rows a cluster of their own"
        )
    known, codes = np.unique(names, return_inverse=True)
    return codes.astype(np.intp), int(known.size)


def read_groups(group: ArrayLike, n: int | None = None) -> FloatArray:
    """Which of two groups each row is of.

    Parameters
    ----------
    group : array_like of bool or 0 and 1, shape (n,)
    n : int, optional
        How many rows there must be.

    Returns
    -------
    ndarray, shape (n,)
        0.0 and 1.0.

    Raises
    ------
    ValueError
        If one is missing or another number, or a group is empty.
    """
    mine = read_numbers(group, "group", n=n)
    if set(np.unique(mine)) != {0.0, 1.0}:
        raise ValueError("the group must be 0 or 1 (or no and yes), with families in both")
    return mine


def read_rate(rate: float, name: str = "rate") -> float:
    """A rate per year as a share.

    Parameters
    ----------
    rate : float
        0.03 for three per cent.
    name : str

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not a number from 0 to below 1.
    """
    found = float(rate)
    if not 0 <= found < 1:
        raise ValueError(
            f"{name} is {found:g}; expected a share per year from 0 to below 1; write 3 per cent as 0.03"
        )
    return found
