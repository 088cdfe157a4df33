"""A mean course of what is scored in a few steps: a mixed model for the course, robust errors for its limits.

A severity from 0 to 4 is no normal number: many families stand at 0 and cannot get lower. The mean that a
mixed model estimates is still the mean, also where families stop early by what was seen of them; its standard
errors are not to be trusted, so they come from the families (or from the workers, whose families are alike)
and from no model: CR2, with Satterthwaite degrees of freedom.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.random_part import known_workers
from mpg_research.analysis.growth.rule import spline_knots
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed

__all__ = ["Asked", "MeanCourse", "fit_mean_course"]

#: Knots of the mean course, at most.
_KNOTS = 4


#: Months, and whether the mean there is wanted or its change since the start.
Asked = tuple[list[float], Literal["mean", "change"]]


@dataclass(frozen=True, slots=True)
class MeanCourse:
    """A fitted mean course.

    Attributes
    ----------
    fit : MixedFit
    clusters : {"worker", "family"}
        Whose rows hang together in the standard errors.
    """

    fit: MixedFit
    clusters: str

    def at(self, *asked: Asked, level: float = 0.95) -> list[pd.DataFrame]:
        """Means at months, or their changes since the start, with robust limits.

        Parameters
        ----------
        *asked : Asked
            The months lie not beyond the data. All are answered from one sandwich.
        level : float
            Of the limits.

        Returns
        -------
        list of DataFrame
            A row per month, in the order asked.
        """
        wanted: list[FloatArray] = []
        for months, what in asked:
            rows = self.fit.mean_combinations("months", at={"months": [0.0, *months]})
            wanted.append(rows[1:] - rows[0] if what == "change" else rows[1:])
        found = self.fit.cluster_robust(self.clusters, combinations=np.vstack(wanted), level=level)
        ends = np.cumsum([len(rows) for rows in wanted])
        return [
            found.iloc[end - len(rows) : end].reset_index(drop=True)
            for rows, end in zip(wanted, ends, strict=True)
        ]


def fit_mean_course(data: pd.DataFrame) -> MeanCourse | None:
    """Fit the mean course of a score; None where the data carry none.

    Parameters
    ----------
    data : DataFrame
        One row per family and moment: family, worker (None where unknown), months, score.

    Notes
    -----
    ``score ~ spline(months) + (1 + months | family) + (1 | worker)``: the spline has four knots equally
    spaced in the square root of time, fewer where there are fewer months; workers enter where ten or more
    are known with two families on average. Where the slopes of families cannot be told, they are left out.
    """
    whole = data["months"].round().nunique()
    if whole < 2 or data["family"].nunique() < 2 or data["score"].nunique() < 2:
        return None
    course = "months"
    if whole > 2:
        knots = spline_knots(data["months"].to_numpy(dtype=float), n_knots=min(_KNOTS, whole))
        course = f"cr(months, knots=({', '.join(f'{knot:.10g}' for knot in knots)}))"
    data, by_worker = known_workers(data, None, [])
    others = " + (1 | worker)" if by_worker else ""
    for own in ("1 + months", "1"):
        try:
            fit = fit_mixed(f"score ~ {course} + ({own} | family){others}", data, df="normal")
        except ModelError:
            continue
        if fit.converged and np.isfinite(fit.log_likelihood):
            return MeanCourse(fit, "worker" if by_worker else "family")
    return None
