"""Numbers rounded so coarsely that no exact number of families follows from them."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.disclosure.rules.cells import Cells, counting
from mpg_research.disclosure.rules.following import hide_share
from mpg_research.disclosure.rules.small_numbers import base_of, shares_in

__all__ = [
    "RoundingRule",
    "hide_certain_counts",
    "keep_verdicts",
    "round_close_counts",
    "round_counts",
    "round_ratios",
    "rounding_step",
    "subtract_rounded",
    "whole_steps",
]

# A fraction of n families rounded to a step of 1/n or more fits several n, so it gives away neither the
# count nor n; unrounded, 0.2258 can only be 7/31.
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """How counts are rounded.

    Attributes
    ----------
    step : int
        To multiples of what; five by default.
    midpoint : bool
        Whether to the middle of the multiples instead: with six to 3, 9, 15, ..., so that each stands for as
        many numbers as any other.
    """

    step: int
    midpoint: bool = False

    def counts(self, values: FloatArray) -> FloatArray:
        """Counts as they leave, each by itself; zero and nothing else stays zero.

        Parameters
        ----------
        values : ndarray
            Exact counts, NaN where there is none.

        Returns
        -------
        ndarray of the same shape
        """
        values = np.asarray(values, dtype=float)
        near = np.round(values, 9)
        if self.midpoint:
            rounded = np.ceil(near / self.step) * self.step - self.step / 2
        else:
            rounded = np.maximum(self.step * np.floor(near / self.step + 0.5), self.step)
        return np.where(near > 0, rounded, values)

    def stands_for(self, rounded: float) -> tuple[float, float]:
        """The lowest and the highest count that leave as this number.

        Parameters
        ----------
        rounded : float
            From :meth:`counts`.

        Returns
        -------
        tuple of float
        """
        half = self.step / 2
        if self.midpoint:
            return max(rounded - half + 1, 1.0), rounded + half
        # The lowest multiple stands for all below it too, but for zero.
        lowest = 1.0 if rounded <= self.step else float(np.ceil(rounded - half))
        return lowest, float(np.ceil(rounded + half - 1))


def rounding_step(minimum: int) -> int:
    """What counts are rounded to: tens, or the smallest number that may be shown, where that is more."""
    return max(10, minimum)


def round_counts(cells: Cells, rows: np.ndarray, column: str, minimum: int) -> None:
    """Round a count in these rows, never to zero."""
    values = cells.data[column]
    chosen = rows & np.isfinite(values) & (values > 0)
    cells.put(chosen, column, RoundingRule(rounding_step(minimum)).counts(values), mark=True)


def round_close_counts(cells: Cells, rows: np.ndarray, minimum: int) -> None:
    """Round numbers of families that come within a small number of the exact families of their row."""
    families = cells.data["n_families"]
    exact = ~cells.hidden() & ~cells.rounded("n_families")
    for column in (name for name in cells.of_meaning("count") if name != "n_families"):
        apart = np.abs(cells.data[column] - families)
        close = rows & exact & counting(cells, column, "families") & (apart > 0)
        round_counts(cells, close & (apart < minimum), column, minimum)


def round_ratios(cells: Cells, rows: np.ndarray, families: np.ndarray) -> None:
    """Round observed means and shares in these rows so coarsely that they fit several numbers of families."""
    steps = whole_steps(families)
    for column in cells.numbers:
        if cells.is_text(column):
            continue
        values = cells.data[column]
        chosen = rows & cells.where(column, lambda about: about.is_observed) & np.isfinite(values)
        cells.put(chosen, column, np.round(np.round(values / steps) * steps, 6), mark=True)
    subtract_rounded(cells, rows)
    keep_verdicts(cells, rows, steps)


def hide_certain_counts(cells: Cells, rows: np.ndarray, families: np.ndarray, minimum: int) -> None:
    """Suppress rounded shares that fit one small count only: .04 of about 50 is 2."""
    step, half = float(rounding_step(minimum)), whole_steps(families) / 2
    for column in cells.numbers:
        for base, shares in shares_in(cells, column):
            number = step * np.floor(base_of(cells, base) / step + 0.5)
            share = cells.data[column]
            for part in (share, 1 - share):
                fewest = np.ceil(np.maximum(part - half, 0) * np.maximum(number - step / 2, 0) - 1e-9)
                most = np.floor((part + half) * (number + step / 2) + 1e-9)
                certain = (fewest == most) & (most > 0) & (most < minimum)
                hide_share(cells, rows & shares & certain, column)


def subtract_rounded(cells: Cells, rows: np.ndarray, *, observed_only: bool = False) -> None:
    """A difference beside its two rounded parts is that of the parts: it tells no more, and it adds up."""
    for difference in cells.numbers:
        parts = cells.about(difference).minus
        if observed_only and not cells.about(difference).is_observed:
            continue
        if parts and {*parts} <= set(cells.numbers):
            known = [~np.isnan(cells.data[name]) for name in (difference, *parts)]
            apart = np.round(cells.data[parts[0]] - cells.data[parts[1]], 6)
            cells.put(rows & np.logical_and.reduce(known), difference, apart)


def keep_verdicts(cells: Cells, rows: np.ndarray, steps: np.ndarray) -> None:
    """A rounded difference lies in or outside the rounded range of chance as the exact ones did."""
    for verdict in cells.of_meaning("label"):
        apart = cells.about(verdict).about
        names = (apart, f"{apart}_low", f"{apart}_high")
        if {*names} <= set(cells.numbers) and cells.about(apart).minus:
            _keep_the_verdict(cells, rows, steps, verdict, names)


def _keep_the_verdict(
    cells: Cells, rows: np.ndarray, steps: np.ndarray, verdict: str, names: tuple[str, str, str]
) -> None:
    apart, low, high = (cells.data[name] for name in names)
    said = cells.data[verdict]
    chosen = rows & np.isfinite(apart + low + high)
    inside = chosen & (said == "no")
    low = np.where(inside, np.minimum(low, apart), low)
    high = np.where(inside, np.maximum(high, apart), high)
    low = np.where(chosen & (said == "lower"), np.minimum(np.maximum(low, apart + steps), 0.0), low)
    high = np.where(chosen & (said == "higher"), np.maximum(np.minimum(high, apart - steps), 0.0), high)
    cells.put(chosen, names[1], np.round(low, 6))
    cells.put(chosen, names[2], np.round(high, 6))


def whole_steps(families: FloatArray) -> FloatArray:
    """The step to which a fraction of so many families is rounded: at least one family of them.

    Parameters
    ----------
    families : ndarray of float, shape (n_rows,)
        Where it is none or not known, the coarsest step is given.

    Returns
    -------
    ndarray of float, shape (n_rows,)
    """
    with np.errstate(divide="ignore"):
        smallest = np.where(families > 0, 1 / families, np.inf)
    return np.array([*STEPS, STEPS[-1]])[np.searchsorted(STEPS, smallest)]
