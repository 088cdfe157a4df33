"""A straight line for every course from one mixed model: each course's total slope, and how sure it is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import DataError, ModelError
from mpg_research.frames import each_row
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.statistics.forecasts.own_curve_prediction import running_effects

__all__ = ["CourseModel", "course_slopes", "fit_course_model", "random_covariance", "total_slopes"]

_FORMULA = "score ~ months + (1 + months | course)"
#: A random slope takes this many courses with three waves or more.
_COURSES_FOR_SLOPE = 3


@dataclass(frozen=True, slots=True)
class CourseModel:
    """A straight line for every course: the fit, and what is needed to condition on a course's waves.

    Attributes
    ----------
    fit : MixedFit
    covariance : ndarray, shape (2, 2) or (3, 3)
        Of the random level and slope, and bend where there is one.
    residual_sd : float
    correlation : float
        Of the swings around the lines one month apart; 0 for independent ones.
    """

    fit: MixedFit
    covariance: FloatArray
    residual_sd: float
    correlation: float = 0.0


def fit_course_model(rows: pd.DataFrame) -> CourseModel | None:
    """The growth model behind single courses; None where the waves cannot carry random slopes.

    Parameters
    ----------
    rows : DataFrame
        course, months, score.
    """
    waves = rows.groupby("course")["months"].nunique()
    if len(rows) <= 2 * len(waves) or int((waves >= 3).sum()) < _COURSES_FOR_SLOPE:
        return None
    try:
        fit = fit_mixed(_FORMULA, rows[["course", "months", "score"]])
    except ModelError:
        return None
    return CourseModel(fit, random_covariance(fit, "course"), float(fit.residual_sd))


def random_covariance(fit: MixedFit, group: str) -> FloatArray:
    """Covariance of the random level and slope of ``(1 + months | group)``, shape (2, 2)."""
    table = fit.random[fit.random["group"] == group]
    names = ["Intercept", "months"]
    found = np.zeros((2, 2))
    for row in each_row(table):
        if row.term_1 in names and row.term_2 in names:
            i, j = names.index(row.term_1), names.index(row.term_2)
            found[i, j] = found[j, i] = row.covariance
    return found


def total_slopes(model: CourseModel, rows: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Fixed plus random slope of each course and its conditional standard error.

    Parameters
    ----------
    model : CourseModel
    rows : DataFrame
        The waves the model was fitted on, in blocks by course, courses numbered from 0 in that order.

    Returns
    -------
    slope, std_error : ndarray, shape (n_courses,)

    Notes
    -----
    The error is that of b_fixed + b_random - its estimate: the conditional variance of the random slope
    plus d'Var(beta)d with d = e - Z'R^-1 Z C e.
    """
    beta = model.fit.fixed["estimate"].reindex(["Intercept", "months"]).to_numpy(dtype=float)
    months = rows["months"].to_numpy(dtype=float)
    residual = rows["score"].to_numpy(dtype=float) - beta[0] - beta[1] * months
    effects = running_effects(
        rows["course"], months, residual, covariance=model.covariance, residual_sd=model.residual_sd,
        correlation=model.correlation,
    )  # fmt: skip
    last = np.flatnonzero(np.r_[rows["course"].to_numpy()[1:] != rows["course"].to_numpy()[:-1], True])
    fixed = model.fit.covariance.loc[["Intercept", "months"], ["Intercept", "months"]].to_numpy(dtype=float)
    conditional, information = effects.covariance[last], effects.information[last]
    rest = np.array([0.0, 1.0]) - np.einsum("nij,nj->ni", information, conditional[:, :, 1])
    variance = conditional[:, 1, 1] + np.einsum("ni,ij,nj->n", rest, fixed, rest)
    return beta[1] + effects.mean[last, 1], np.sqrt(variance)


def course_slopes(
    data: pd.DataFrame, *, person: str = "family", time: str = "months", score: str = "score"
) -> pd.DataFrame:
    """Total slope (fixed plus random) of every person of a plain table, from one mixed model.

    Parameters
    ----------
    data : DataFrame
        One row per person and moment, in any order; rows without time or score are left out.
    person, time, score : str
        Names of the columns.

    Returns
    -------
    DataFrame
        One row per person, in order of the ids: ``person``, n_waves, slope, std_error (per unit of time).

    Raises
    ------
    DataError
        If a column is missing.
    ModelError
        If the waves carry no model with a slope per person.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"id": np.repeat(range(30), 5), "month": np.tile(range(5), 30)})
    >>> data["score"] = 30 - data["month"] * (1 + data["id"] % 3) + rng.normal(0, 1, 150)
    >>> found = course_slopes(data, person="id", time="month")
    >>> found.columns.tolist()
    ['id', 'n_waves', 'slope', 'std_error']
    """
    absent = [name for name in (person, time, score) if name not in data.columns]
    if absent:
        raise DataError(
            f"The table has no column {', '.join(absent)}; it has {', '.join(map(str, data.columns))}."
        )
    known = data[[person, time, score]].dropna()
    known = known.sort_values([person, time], kind="stable").reset_index(drop=True)
    grouped = known.groupby(person, sort=True)
    rows = pd.DataFrame({"course": grouped.ngroup(), "months": known[time], "score": known[score]})
    model = fit_course_model(rows)
    if model is None:
        raise ModelError(
            "The waves carry no model with a slope per person: that takes three persons or more with three "
            "moments or more, and more than two scores per person on average."
        )
    slope, std_error = total_slopes(model, rows)
    found = grouped.size().rename("n_waves").reset_index()
    return found.assign(slope=slope, std_error=std_error)
