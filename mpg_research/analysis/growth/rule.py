"""The rule that growth models are made by: where the curve may bend, and what families have of their own.

In simulations of fifteen kinds of courses that no growth model fits exactly (fast at first, one jump, swings
that carry on, floors), a line per family with independent residuals called equal organisations different in
up to .54 of studies; with this rule in .04 to .09, and .02 to .08 at one month.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError

__all__ = ["KNOTS", "FamilyPart", "GrowthRule", "KnotRule", "ResidualRule", "spline_knots", "spline_term"]

FamilyPart = Literal["spline", "bend", "line", "level"]
ResidualRule = Literal["auto", "car1", "independent"]
KnotRule = Literal["root", "quantiles"]

#: Knots of the mean course; it needs measurements in as many different months.
KNOTS = 5
#: With fewer different whole months than this a knot stands where there was a measurement.
_MONTHS_FOR_FREE_KNOTS = 7
#: The last knot lies where this share of the measurements does: one family that stayed for years does not
#: draw the knots away from where the others are.
_MEASURED = 0.98


@dataclass(frozen=True, slots=True)
class GrowthRule:
    """How a growth model is made.

    Attributes
    ----------
    families : {"bend", "line", "level", "spline"}
        What each family has of its own: level, slope and bend (log(1 + months)); a straight line; its level;
        or a natural spline with four knots. Where the measurements are too few, the next simpler one, with
        a note.
    residual : {"auto", "car1", "independent"}
        Whether what is left over carries on from one measurement of a family to the next: phi^months. "auto"
        leaves it out where phi is estimated below .05.
    knots : {"root", "quantiles"} or tuple of float
        Of the mean course: equally spaced in the square root of time, so close together at the start; at
        quantiles of the moments of measuring; or these months, the outer ones among them.
    """

    families: FamilyPart = "bend"
    residual: ResidualRule = "auto"
    knots: KnotRule | tuple[float, ...] = "root"

    def __post_init__(self) -> None:
        if self.families not in ("spline", "bend", "line", "level"):
            raise ModelError(
                f"families must be 'bend', 'line', 'level' or 'spline'; found {self.families!r}."
            )
        if self.residual not in ("auto", "car1", "independent"):
            raise ModelError(f"residual must be 'auto', 'car1' or 'independent'; found {self.residual!r}.")
        if self.knots not in ("root", "quantiles") and (isinstance(self.knots, str) or len(self.knots) < 3):
            raise ModelError(
                f"knots must be 'root', 'quantiles' or three months or more, such as (0, 1, 4, 12); found "
                f"{self.knots!r}."
            )

    @classmethod
    def simple(cls) -> "GrowthRule":
        """A straight line per family and independent residuals, knots at quantiles: the rule of version 1."""
        return cls("line", "independent", "quantiles")

    def told(self, formula: str) -> str:
        """A formula as it may be told: knots that were computed from the data by their rule, not in numbers.

        The last knot is a quantile of the months of measurement and the first is their smallest: in the
        report of one organisation beside another they would be the other's. The fit itself has them.

        Parameters
        ----------
        formula : str
            Of a fitted model.

        Returns
        -------
        str

        Examples
        --------
        >>> GrowthRule().told("score ~ cr(months, knots=(0, 1.24, 19.78)) + (1 | family)")
        'score ~ cr(months, knots=root) + (1 | family)'
        """
        given = "" if isinstance(self.knots, str) else ", ".join(f"{knot:.10g}" for knot in self.knots)
        return re.sub(
            r"knots=\(([^)]*)\)", lambda found: found[0] if found[1] == given else "knots=root", formula
        )

    @property
    def described(self) -> dict[str, str]:
        """The rule as parameters of a report."""
        knots = self.knots if isinstance(self.knots, str) else ", ".join(f"{knot:g}" for knot in self.knots)
        return {"families": self.families, "residual": self.residual, "knots": knots}


def spline_knots(
    months: FloatArray, *, until: float | None = None, n_knots: int = KNOTS
) -> tuple[float, ...]:
    """Knots of a course: equally spaced in the square root of time.

    Parameters
    ----------
    months : ndarray, shape (n,)
        Moments of the measurements, at or after 0; in at least ``n_knots`` different whole months.
    until : float, optional
        A month that the curve is asked for; the last knot does not lie before it (nor beyond the data).
    n_knots : int

    Returns
    -------
    tuple of float
        Increasing. With months from a to b, (sqrt(a) + k / (n - 1) (sqrt(b) - sqrt(a)))^2; with fewer than
        seven different whole months each moved to the nearest measured one that is not used yet, so that 0,
        3, 6, 9 and 12 have exactly those.
    """
    first, furthest = max(float(months.min()), 0.0), float(months.max())
    last = float(np.quantile(months, _MEASURED))
    if until is not None:
        last = max(last, min(until, furthest))
    roots = np.linspace(np.sqrt(first), np.sqrt(last), n_knots)
    whole = np.unique(np.round(months))
    if len(whole) >= _MONTHS_FOR_FREE_KNOTS and last > first:
        knots = roots**2
    else:
        measured = [float(np.median(months[np.round(months) == month])) for month in whole]
        roots = np.linspace(np.sqrt(first), np.sqrt(furthest), n_knots)
        knots = np.array(_moved(roots**2, measured))
    # Three digits of the length of the course are enough for a knot, and can be read in a formula.
    digits = 3 - int(np.floor(np.log10(max(furthest - first, 1e-9))))
    found = tuple(float(np.round(knot, digits)) for knot in knots)
    return found if len(set(found)) == n_knots else tuple(float(knot) for knot in knots)


def _moved(knots: FloatArray, measured: list[float]) -> list[float]:
    """Each knot at the nearest measured month that no earlier one took."""
    left, found = list(measured), []
    for knot in knots:
        nearest = min(left, key=lambda month: abs(month - knot))
        left.remove(nearest)
        found.append(nearest)
    return sorted(found)


def spline_term(
    months: FloatArray,
    knots: KnotRule | tuple[float, ...],
    *,
    until: float | None = None,
    n_knots: int = KNOTS,
) -> str:
    """The natural spline of a course in the formula language.

    Raises
    ------
    ModelError
        By the fit, if given knots are not increasing.
    """
    if knots == "quantiles":
        return f"cr(months, df={n_knots})"
    at = spline_knots(months, until=until, n_knots=n_knots) if isinstance(knots, str) else knots
    listed = ", ".join(f"{knot:.10g}" for knot in at)
    return f"cr(months, knots=({listed}))"
