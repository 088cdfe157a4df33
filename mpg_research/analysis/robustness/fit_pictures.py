"""The numbers behind the pictures of a fit: residuals, influence, and the deviance round the optimum."""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import norm

from mpg_research.analysis.columns import Column, coded, key_column, modelled, number_of, quantile
from mpg_research.analysis.growth.estimate_tables import pooled_table
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError

__all__ = ["deviance_slices", "influence_table", "residual_spread", "residuals_by_fitted"]

#: Classes of the expected score.
_TENTHS = 10
#: Where classes of residuals begin and end, in standard deviations; the outer ones are open.
_EDGES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
_QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
#: Two standard errors from the optimum the deviance lies so much higher.
_RISE = 4.0
_PLACES = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
_FIRST_STEP, _STEPS = 0.05, 3
_N_MEASUREMENTS = number_of("n_measurements", of="measurements")


def residuals_by_fitted(model: GrowthModel) -> ResultTable:
    """Conditional residuals by tenth of the expected scores.

    Parameters
    ----------
    model : GrowthModel
    """
    residual = model.fit.residuals("conditional").to_numpy()
    rows = model.fitted_data.loc[model.fit.residuals().index]
    fitted = rows["score"].to_numpy(dtype=float) - residual
    order = np.argsort(np.argsort(fitted, kind="stable"), kind="stable")
    tenth = 1 + (order * _TENTHS) // len(fitted)
    frame = pd.DataFrame(
        {
            "tenth": tenth, "fitted": fitted, "residual": residual,
            "family": rows["family"].to_numpy(), "organisation": rows["organisation"].to_numpy(),
        }
    )  # fmt: skip
    grouped = frame.groupby("tenth", sort=True)
    data = pd.DataFrame(
        {
            "tenth": grouped["fitted"].mean().index.to_numpy(dtype=float),
            "fitted": grouped["fitted"].mean().to_numpy(),
            "residual_mean": grouped["residual"].mean().to_numpy(),
            "residual_sd": grouped["residual"].std(ddof=1).to_numpy(),
            "n_measurements": grouped.size().to_numpy(),
            "n_families": grouped["family"].nunique().to_numpy(),
            "n_organisations": grouped["organisation"].nunique().to_numpy(),
        }
    )
    columns = (
        key_column("tenth", digits=0, adds_up="counts"),
        modelled("fitted", digits=1),
        modelled("residual_mean", digits=2),
        modelled("residual_sd", digits=2),
        _N_MEASUREMENTS,
    )
    return ResultTable("residuals_by_fitted", data, columns=columns)


def residual_spread(model: GrowthModel) -> ResultTable:
    """Residuals freed from their correlation by class, beside a normal distribution.

    Parameters
    ----------
    model : GrowthModel
    """
    residual = model.fit.residuals("normalised")
    rows = model.fitted_data.loc[residual.index]
    bounds = (-np.inf, *_EDGES, np.inf)
    place = np.searchsorted(_EDGES, residual.to_numpy(), side="right")
    expected = np.diff(norm.cdf(bounds))
    records = []
    for number, (low, high) in enumerate(pairwise(bounds)):
        mine = place == number
        records.append(
            {
                # The outer classes are open; they are drawn as wide as the others.
                "from_sd_low": low if np.isfinite(low) else high - 0.5,
                "from_sd_high": high if np.isfinite(high) else low + 0.5,
                "n_measurements": int(mine.sum()),
                "share": float(mine.mean()),
                "normal_share": float(expected[number]),
                "n_families": int(rows.loc[mine, "family"].nunique()),
                "n_organisations": int(rows.loc[mine, "organisation"].nunique()),
            }
        )
    share = Column(name="share", meaning="share", of="n_measurements_of_all", digits=1)
    data = pd.DataFrame(records).assign(n_measurements_of_all=len(residual))
    columns = (
        key_column("from_sd_low", ends="low", adds_up="counts", digits=1, heading="from_sd"),
        key_column("from_sd_high", ends="high", adds_up="counts", digits=1),
        _N_MEASUREMENTS,
        share,
        modelled("normal_share", percent=True, digits=1),
        number_of("n_measurements_of_all", of="measurements", csv_only=True),
    )
    return ResultTable("residual_spread", data, columns=columns)


def influence_table(model: GrowthModel, month: float) -> ResultTable:
    """What leaving out each family does to the change at a month, and to all fixed effects.

    Parameters
    ----------
    model : GrowthModel
    month : float
        After 0.
    """
    found = influence_of_families(model, month)
    data = pd.DataFrame(
        [
            {"of_leaving_out": name, **{key: _quantile(values, at) for key, at in _QUANTILES.items()}}
            for name, values in found.items()
        ]
    )
    declared = (quantile(name, at, digits=3) for name, at in _QUANTILES.items())
    return pooled_table("influence", data, model.frame, columns=(coded("of_leaving_out"), *declared))


def influence_of_families(model: GrowthModel, month: float) -> dict[str, FloatArray]:
    """By family: the change of the answer (in its standard errors), and Cook's distance.

    Parameters
    ----------
    model : GrowthModel
    month : float
        After 0.

    Returns
    -------
    dict of str to ndarray, shape (families,)
        ``change_of_answer`` and ``cooks_distance``.
    """
    fit = model.fit
    table = fit.influence("family")
    names = list(fit.problem.x_names)
    errors = np.sqrt(np.diagonal(fit.solution.covariance))
    moved = table[[f"change[{name}]" for name in names]].to_numpy(dtype=float) * errors
    combination = (model.mean_rows([month]) - model.mean_rows([0.0]))[0]
    error = float(np.sqrt(combination @ fit.solution.covariance @ combination))
    return {
        "change_of_answer": moved @ combination / error,
        "cooks_distance": table["cooks_distance"].to_numpy(dtype=float),
    }


def _quantile(values: FloatArray, at: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, at)) if known.size else float("nan")


def deviance_slices(model: GrowthModel) -> ResultTable:
    """The deviance along each covariance parameter, the others held, less that of the fit.

    Parameters
    ----------
    model : GrowthModel
    """
    fit = model.fit
    theta, best = fit.theta, -2.0 * fit.log_likelihood
    records = []
    for number, (group, first, second, is_bound) in enumerate(_parameters(model)):
        step = _step(model, theta, number, best)
        for place in _PLACES:
            if is_bound and theta[number] + place * step < 0:
                continue
            rise = _rise(model, theta, number, place * step, best) if place else 0.0
            records.append((group, first, second, place, rise))
    data = pd.DataFrame(records, columns=["group", "term_1", "term_2", "moved_by", "deviance_rise"])
    columns = (
        coded("group"), key_column("term_1"), key_column("term_2"), key_column("moved_by", digits=2),
        modelled("deviance_rise", digits=2),
    )  # fmt: skip
    return pooled_table("deviance_slices", data, model.frame, columns=columns)


def _parameters(model: GrowthModel) -> list[tuple[str, str, str, bool]]:
    """What each element of theta is about, and whether it cannot be below zero."""
    named = []
    for term in model.fit.problem.random:
        names = list(term.term_names)
        size = len(names)
        if term.correlated:
            pairs = [(row, column) for column in range(size) for row in range(column, size)]
        else:
            pairs = [(row, row) for row in range(size)]
        named += [(term.group, names[row], names[column], row == column) for row, column in pairs]
    extra = len(model.fit.theta) - len(named)
    return [*named, *[("residual", "month_apart", "month_apart", True)] * extra]


def _step(model: GrowthModel, theta: FloatArray, number: int, best: float) -> float:
    """How far the parameter moves for the deviance to rise by about four, as if it were a parabola there."""
    step = _FIRST_STEP * max(abs(float(theta[number])), 0.1)
    for _ in range(_STEPS):
        rise = max((_rise(model, theta, number, sign * step, best) for sign in (1.0, -1.0)), default=0.0)
        if not rise > 0:
            return step
        step *= min(np.sqrt(_RISE / rise), 40.0)
    return step


def _rise(model: GrowthModel, theta: FloatArray, number: int, by: float, best: float) -> float:
    """How much higher the deviance is with one parameter moved; 0 where it cannot be moved there."""
    at = theta.copy()
    at[number] += by
    try:
        found = model.fit.objective(at) - best
    except ModelError:
        return 0.0
    return float(found) if np.isfinite(found) else 0.0
