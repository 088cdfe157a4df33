"""The growth model that expected courses and forecasts come from, and its cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.growth.fitting import LEAST_CORRELATION, some_of_many
from mpg_research.analysis.growth.rule import spline_term
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, NotApplicableError
from mpg_research.mixed import CAR1, MixedFit, fit_mixed
from mpg_research.mixed.design.build import Design
from mpg_research.statistics.forecasts.own_curve_prediction import RunningEffects, running_effects

__all__ = [
    "PARTS",
    "ExpectationModel",
    "Fold",
    "case_mix_labels",
    "code_case_mix",
    "cross_fit",
    "fit_expectation",
    "group_organisations",
    "make_folds",
]

_KNOTS = 4
#: Folds where families cannot be left out by organisation.
_FAMILY_FOLDS = 10
#: With more organisations than this, groups of them are left out in turn, not each by itself.
_SINGLE_ORGANISATIONS = 30
#: How many groups of organisations, or of families, chances are learnt across: the nested fits stay few.
PARTS = 6
#: A training set needs this many courses with three waves or more.
_LEAST_COURSES = 10
#: The case mix shifts the slope too where a training set has this many courses per column of it: with fewer,
#: forecasts of courses not seen got worse in simulated studies.
_COURSES_PER_SLOPE = 50


@dataclass(frozen=True, slots=True)
class ExpectationModel:
    """What a fitted growth model says of courses that it has not seen; the rows it saw are not kept.

    There is one for each part that is left out, so that their rows would fill the memory.

    Attributes
    ----------
    design : Design
        How the matrix of new rows is made.
    beta : ndarray, shape (p,)
        Fixed effects.
    beta_covariance : ndarray, shape (p, p)
        Of the fixed effects.
    covariance : ndarray, shape (2, 2) or (3, 3)
        Of the random level and slope, and bend where there is one.
    residual_sd : float
    correlation : float
        Of the swings around the curves one month apart; 0 for independent ones.
    log_likelihood : float
    converged : bool
    """

    design: Design
    beta: FloatArray
    beta_covariance: FloatArray
    covariance: FloatArray
    residual_sd: float
    correlation: float
    log_likelihood: float
    converged: bool

    def matrix(
        self, rows: pd.DataFrame, months: FloatArray, place: NDArray[np.intp] | None = None
    ) -> FloatArray:
        """Model matrix of rows, or of those in ``place``, at other months, shape (n, p)."""
        design = self.design
        values = design.read(rows, design.fixed.columns)
        if place is not None:
            values = {name: column[place] for name, column in values.items()}
        return design.fixed_matrix({**values, "months": months}, len(months))

    def expected(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expectation in the average family, and its variance, for rows (or differences) of the matrix."""
        return x @ self.beta, np.sum((x @ self.beta_covariance) * x, axis=1)


@dataclass(frozen=True, slots=True)
class Fold:
    """Courses, and the model that was fitted without them.

    Attributes
    ----------
    label : str
        Organisation or number of the fold.
    model : ExpectationModel
    rows : ndarray of int
        Positions of the left-out waves.
    data : DataFrame
        The left-out waves with the coded case mix.
    mean, mean_variance : ndarray
        Expected score of the average family at each wave, and the variance of that expectation.
    effects : RunningEffects
        Deviations of each course given its waves so far.
    """

    label: str
    model: ExpectationModel
    rows: NDArray[np.intp]
    data: pd.DataFrame
    mean: FloatArray
    mean_variance: FloatArray
    effects: RunningEffects


def code_case_mix(
    rows: pd.DataFrame, names: Sequence[str], *, like: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows with centred columns covariate_1, covariate_2, ... for the case mix, and their names.

    Parameters
    ----------
    rows : DataFrame
    names : sequence of str
        Columns of the case mix.
    like : DataFrame, optional
        Rows whose levels and means the coding takes, so that a model of them can look at others; by default
        the rows themselves.
    """
    known = rows if like is None else like
    columns: dict[str, pd.Series] = {}
    for name in names:
        for _, number, other in _coded(name, known[name], rows[name]):
            columns[f"covariate_{len(columns) + 1}"] = other - float(number.mean())
    return pd.concat([rows, pd.DataFrame(columns, index=rows.index)], axis=1), tuple(columns)


def case_mix_labels(rows: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """What the columns of :func:`code_case_mix` are, in their order: a column, or "column=level".

    Parameters
    ----------
    rows : DataFrame
    names : sequence of str
        Columns of the case mix.
    """
    return tuple(label for name in names for label, _, _ in _coded(name, rows[name], rows[name]))


def _coded(name: str, values: pd.Series, others: pd.Series) -> list[tuple[str, pd.Series, pd.Series]]:
    """A column as numbers, with labels: itself, or all its levels but the commonest; not what never varies.

    Levels are those of ``values``; each number is given of those and of ``others``.
    """
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        found = [(name, values.astype(float), others.astype(float))]
    else:
        texts, other_texts = values.astype(str), others.astype(str)
        levels = sorted(texts.unique(), key=lambda level: (-int((texts == level).sum()), level))
        found = [
            (f"{name}={level}", (texts == level).astype(float), (other_texts == level).astype(float))
            for level in levels[1:]
        ]
    return [(label, number, other) for label, number, other in found if number.nunique() > 1]


def group_organisations(units: pd.DataFrame, n_groups: int) -> dict[str, str]:
    """The group of each organisation: groups of about as many courses, the largest organisations dealt first.

    Parameters
    ----------
    units : DataFrame
        One row per course: organisation.
    n_groups : int
    """
    sizes = units.groupby("organisation").size().sort_values(ascending=False, kind="stable")
    filled = np.zeros(min(n_groups, len(sizes)))
    home = {}
    for organisation, size in sizes.items():
        place = int(np.argmin(filled))
        filled[place] += size
        home[str(organisation)] = str(place)
    return home


def make_folds(units: pd.DataFrame) -> tuple[NDArray[np.str_], str]:
    """The fold of each course: its organisation, or with only one, a tenth of the families.

    With more than thirty organisations: one of six groups of them, the same as chances are learnt across.
    """
    n_organisations = units["organisation"].nunique()
    if n_organisations > _SINGLE_ORGANISATIONS:
        home = group_organisations(units, PARTS)
        return np.asarray(units["organisation"].map(home).to_numpy(dtype=str)), "organisations"
    if n_organisations > 1:
        return units["organisation"].to_numpy(dtype=str), "organisations"
    digest = [sha256(str(family).encode()).hexdigest() for family in units["family"]]
    # By hash, so that a family's fold does not depend on the order or number of the others.
    return np.array([str(int(value[:8], 16) % _FAMILY_FOLDS) for value in digest]), "families"


def fit_expectation(rows: pd.DataFrame, columns: Sequence[str], *, carry_on: bool = True) -> ExpectationModel:
    """Fit the growth model to these waves: course, months, score, and coded case mix.

    The case mix shifts the level, and the slope too where the courses are many enough to tell. A family has
    its own level, slope and bend (log(1 + months)), or a straight line where the waves are too few, as in
    :mod:`~mpg_research.analysis.growth.rule`; the knots of the mean course lie close together at the start.
    Swings around a family's course carry on from month to month (a continuous-time autoregression) where the
    waves show it; with ``carry_on=False`` they are taken as independent.

    Raises
    ------
    ModelError
        If they cannot carry it.
    """
    waves = rows.groupby("course")["months"].nunique()
    if int((waves >= 3).sum()) < _LEAST_COURSES:
        raise NotApplicableError(
            f"Only {int((waves >= 3).sum())} other families have three waves or more; an expected course "
            f"takes at least {_LEAST_COURSES}.",
            code="few_other_courses",
        )
    used = [name for name in columns if rows[name].nunique() > 1]
    slopes = len(waves) >= _COURSES_PER_SLOPE * len(used)
    case_mix = "".join(f" + {name} + months:{name}" if slopes else f" + {name}" for name in used)
    months = rows["months"].to_numpy(dtype=float)
    curved = len(np.unique(np.round(months))) >= _KNOTS and len(np.unique(months)) > 2 * _KNOTS
    time = spline_term(months, "root", n_knots=_KNOTS) if curved else "months"
    data = rows[["course", "months", "score", *used]]
    bends = len(rows) > 3 * len(waves) and int((waves >= 4).sum()) >= _LEAST_COURSES
    model = None
    for own in ("1 + months + log1p(months)", "1 + months")[not bends :]:
        model = _fitted(f"score ~ {time}{case_mix} + ({own} | course)", data, carry_on=carry_on)
        if model.converged:
            break
    assert model is not None
    return model


def _fitted(formula: str, data: pd.DataFrame, *, carry_on: bool) -> ExpectationModel:
    """The model with swings that carry on from month to month, or without where they hardly do."""
    some = some_of_many(data, "course")
    fit, correlation = None, 0.0
    # with many courses a part of them says first whether they do
    parts = [data] if some is None else [some, data]
    for part in parts if carry_on else ():
        fit, correlation = _with_swings(formula, part)
        if fit is not None and correlation < LEAST_CORRELATION:
            fit = None
            break
    if fit is None:
        fit, correlation = fit_mixed(formula, data, df="normal"), 0.0
    solution = fit.solution
    return ExpectationModel(
        fit.design.for_new_data(),
        solution.beta,
        solution.covariance,
        solution.random_covariance(0),
        float(fit.residual_sd),
        correlation,
        float(fit.log_likelihood),
        bool(fit.converged),
    )


def _with_swings(formula: str, data: pd.DataFrame) -> tuple[MixedFit | None, float]:
    """The fit with such swings, if it arrives, and how much of one is left after a month."""
    try:
        fit = fit_mixed(formula, data, df="normal", residual=CAR1("months", within="course"))
    except ModelError:
        return None, 0.0
    (correlation,) = fit.residual_parameters.values()
    return (fit if fit.converged else None), float(correlation)


def apply_model(model: ExpectationModel, rows: pd.DataFrame, label: str, positions: NDArray[np.intp]) -> Fold:
    """Expectations and running deviations of courses that the model has not seen."""
    mean, variance = model.expected(model.matrix(rows, rows["months"].to_numpy(dtype=float)))
    residual = rows["score"].to_numpy(dtype=float) - mean
    effects = running_effects(
        rows["course"], rows["months"], residual, covariance=model.covariance, residual_sd=model.residual_sd,
        correlation=model.correlation,
    )  # fmt: skip
    return Fold(label, model, positions, rows.reset_index(drop=True), mean, variance, effects)


def cross_fit(
    rows: pd.DataFrame, columns: Sequence[str], part: NDArray[np.str_], *, only: str | None = None
) -> tuple[Fold, ...]:
    """Leave out each part in turn, fit on the rest, and apply to the part.

    Parameters
    ----------
    rows : DataFrame
        Waves with coded case mix, in blocks by course; index 0, 1, ...
    columns : sequence of str
        The coded case mix.
    part : ndarray of str, shape (n_waves,)
    only : str, optional
        Leave out this part only.
    """
    folds = []
    for label in sorted(set(part)) if only is None else [only]:
        inside = part == label
        model = fit_expectation(rows[~inside], columns)
        folds.append(apply_model(model, rows[inside], label, np.flatnonzero(inside)))
    return tuple(folds)
