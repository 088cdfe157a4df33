"""Money and effects of different years made comparable: index numbers of prices, and discounting."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.reading import read_numbers, read_rate

__all__ = [
    "DUTCH_RATE_COSTS",
    "DUTCH_RATE_EFFECTS",
    "Timing",
    "annuity_factor",
    "discount_factors",
    "index_prices",
    "present_value",
    "read_index_table",
]

#: Rates per year of the Dutch guideline for economic evaluations in health care (Zorginstituut Nederland, 16
#: January 2024, section 2.6.1.2 of its costing manual), as the R package tatooheene 0.19.0 has them.
DUTCH_RATE_COSTS, DUTCH_RATE_EFFECTS = 0.03, 0.015

#: When in its year an amount is taken to fall: at the start (the first year is then not discounted, as in the
#: Dutch guideline), half-way, or at the end.
Timing = Literal["start", "middle", "end"]
_FALLS: dict[str, float] = {"start": 0.0, "middle": 0.5, "end": 1.0}


def discount_factors(years: ArrayLike, rate: float) -> FloatArray:
    """What one euro (or one unit of effect) after some years is worth now.

    Parameters
    ----------
    years : array_like
        Years since time zero, whole or not; not before it.
    rate : float
        Per year; 0.03 for three per cent.

    Returns
    -------
    ndarray
        (1 + rate) ** -years.

    Raises
    ------
    ValueError
        If a moment is missing or before time zero, or the rate is not a share from 0 to below 1.

    Examples
    --------
    >>> discount_factors([0, 1, 2], 0.25).round(2).tolist()
    [1.0, 0.8, 0.64]
    """
    after = read_numbers(years, "years since the start", dimensions=(0, 1, 2), least=0)
    factors: FloatArray = (1 + read_rate(rate)) ** -after
    return factors


def present_value(amounts: ArrayLike, rate: float, *, timing: Timing = "start") -> FloatArray:
    """Value now of amounts year after year.

    Parameters
    ----------
    amounts : array_like, shape (n_years,) or (n, n_years)
        Of the first, second, ... year. Amounts below zero are allowed (what comes back).
    rate : float
        Per year.
    timing : {"start", "middle", "end"}
        When in its year an amount falls.

    Returns
    -------
    ndarray
        Shape () or (n,).

    Raises
    ------
    ValueError
        If an amount is missing, or the rate or the timing is not one.

    Examples
    --------
    >>> float(present_value([100, 125], 0.25))
    200.0
    """
    flow = read_numbers(amounts, "amounts", dimensions=(1, 2))
    if timing not in _FALLS:
        raise ValueError(f"timing is {timing!r}; expected one of {', '.join(_FALLS)}")
    years = np.arange(flow.shape[-1]) + _FALLS[timing]
    value: FloatArray = np.asarray(flow @ discount_factors(years, rate))
    return value


def annuity_factor(rate: float, years: float) -> float:
    """What one euro at the end of each of some years is worth now; an investment over it is its yearly cost.

    Parameters
    ----------
    rate : float
        Per year; at 0 the factor is the number of years.
    years : float
        Above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the rate or the number of years is not one.

    Examples
    --------
    >>> round(10_000 / annuity_factor(0.025, 5), 2)
    2152.47
    """
    share = read_rate(rate)
    n = float(read_numbers([years], "years", above=0)[0])
    return n if share == 0 else float(-np.expm1(-n * np.log1p(share)) / share)


def read_index_table(years: ArrayLike, numbers: ArrayLike) -> dict[int, float]:
    """A user's table of price index numbers: every year from its first to its last, each once.

    Parameters
    ----------
    years : array_like, shape (n,)
    numbers : array_like, shape (n,)
        Index numbers; the base (100 or another) is free.

    Returns
    -------
    dict
        From year to index number, in order.

    Raises
    ------
    ValueError
        If a year stands there twice or is skipped, or an index number is missing, zero or negative.

    Examples
    --------
    >>> read_index_table([2021, 2020], [104.0, 101.3])
    {2020: 101.3, 2021: 104.0}
    """
    when = read_numbers(years, "year of the index table")
    index = read_numbers(numbers, "index number", n=when.size, above=0, remedy="complete the index table")
    if (when != np.round(when)).any():
        raise ValueError(
            f"the index table has the year {when[when != np.round(when)][0]:g}; expected whole years"
        )
    known, counts = np.unique(when.astype(int), return_counts=True)
    if (counts > 1).any():
        twice = ", ".join(str(year) for year in known[counts > 1])
        raise ValueError(f"the index table has {twice} more than once; keep one index number per year")
    gaps = sorted(set(range(int(known[0]), int(known[-1]) + 1)) - set(known.tolist()))
    if gaps:
        raise ValueError(
            f"the index table has no {', '.join(str(year) for year in gaps)} between {known[0]} and "
            f"{known[-1]}; expected every year; complete it (a gap is not filled by guessing)"
        )
    order = np.argsort(when)
    return {int(when[place]): float(index[place]) for place in order}


def index_prices(
    prices: ArrayLike,
    years: ArrayLike,
    *,
    to_year: int,
    index: Mapping[int, float],
    items: ArrayLike | None = None,
) -> FloatArray:
    """Prices of several years at the level of one.

    Parameters
    ----------
    prices : array_like, shape (n,)
        Above zero, one per item.
    years : array_like, shape (n,)
        The year of each price.
    to_year : int
    index : mapping of int to float
        Index number of each year (:func:`read_index_table`).
    items : array_like of str, shape (n,), optional
        Names of what is priced, for messages.

    Returns
    -------
    ndarray, shape (n,)
        price * index[to_year] / index[year].

    Raises
    ------
    ValueError
        If a price is missing, zero or negative, the table has a gap, or a year is outside it.

    Examples
    --------
    >>> index_prices([85], [2019], to_year=2023, index=read_index_table([2019, 2020, 2021, 2022, 2023],
    ...              [100, 101.3, 104, 114.4, 118.8])).round(2).tolist()
    [100.98]
    """
    table = read_index_table(list(index.keys()), list(index.values()))
    when = read_numbers(years, "year of a price")
    names = (
        [f"row {row}" for row in range(when.size)] if items is None else [str(i) for i in np.asarray(items)]
    )
    if len(names) != when.size:
        raise ValueError(f"there are {len(names)} items and {when.size} years; give one of each per price")
    try:
        money = np.asarray(prices, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            "a price is not a plain number; write it without a sign of currency, as 85.00"
        ) from None
    if money.shape != when.shape:
        raise ValueError(
            f"prices have the shape {money.shape}, their years {when.shape}; give one year per price"
        )
    wrong = np.flatnonzero(~(np.isfinite(money) & (money > 0)))
    if wrong.size:
        said = "; ".join(
            f"{names[row]}: {'missing' if np.isnan(money[row]) else f'{money[row]:g}'}" for row in wrong
        )
        raise ValueError(
            f"prices must be above zero and known ({said}); complete the price table, with a source"
        )
    outside = sorted({int(year) for year in [*when, to_year] if int(year) not in table or year != int(year)})
    if outside:
        raise ValueError(
            f"the index table runs from {min(table)} to {max(table)} and has no "
            f"{', '.join(map(str, outside))}; add these years, or leave prices of other years out"
        )
    level: FloatArray = table[int(to_year)] / np.array([table[int(year)] for year in when])
    return money * level
