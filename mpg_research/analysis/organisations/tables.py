"""The tables of a comparison, described in :mod:`mpg_research.analysis.organisations.compare`."""

from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    ESTIMATE,
    LEVEL_ESTIMATE,
    MONTHS,
    N_MEASUREMENTS,
    STANDARDISED,
    observed,
)
from mpg_research.analysis.growth.estimate_tables import (
    add_standardised,
    coefficient_table,
    estimate_rows,
    table_by_organisation,
    variance_table,
)
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.growth.observed_means import month_grid
from mpg_research.analysis.growth.trajectory import observed_table
from mpg_research.analysis.organisations.case_mix import case_mix_table
from mpg_research.analysis.organisations.effects import (
    ManyOrganisations,
    add_simultaneous,
    many_organisations,
)
from mpg_research.analysis.organisations.random_effects_tables import (
    DIFFERENCE_COLUMNS,
    adjusted,
    joint_table,
    many_tables,
    pairwise_table,
)
from mpg_research.analysis.result import ResultTable, collect_tables, sample_flow_table
from mpg_research.arrays import FloatArray

__all__ = ["Adjust", "comparison_tables"]

Adjust = Literal["holm", "none"]


def comparison_tables(
    model: GrowthModel,
    months: list[float],
    *,
    adjust: Adjust,
    level: float,
    primary_month: float | None = None,
    many: ManyOrganisations | None = None,
) -> dict[str, ResultTable]:
    """The tables of a comparison, from a model with organisations as fixed or random effects.

    The joint test is about the change up to the primary month, by default the last of ``months``.
    """
    frame = model.frame
    primary = months[-1] if primary_month is None else primary_month
    grid = [month for month in month_grid(frame.data) if month < months[-1]]
    curve = sorted({0.0, *grid, *months})
    if model.organisation == "random":
        many = many_organisations(model) if many is None else many
        own = many_tables(model, many, months, curve, primary_month=primary, adjust=adjust, level=level)
    else:
        own = _few_tables(model, months, curve, primary_month=primary, adjust=adjust)
    tables = [
        *own,
        case_mix_table(frame),
        _by_organisation(frame),
        observed_table(frame, by_organisation=True),
        coefficient_table(model),
        variance_table(model),
        sample_flow_table(frame.flow),
    ]
    return collect_tables(tables)


def _few_tables(
    model: GrowthModel,
    months: list[float],
    curve: list[float],
    *,
    primary_month: float,
    adjust: Adjust,
) -> list[ResultTable]:
    later = [month for month in months if month > 0]
    change = model.organisation_rows(later) - model.organisation_rows([0.0])
    return [
        _per_organisation("adjusted_means", model, months, model.organisation_rows(months)),
        _per_organisation("adjusted_curve", model, curve, model.organisation_rows(curve)),
        _adjusted_change(model, later, change, model.fit.level),
        _difference_from_mean(model, later, change, adjust),
        _pairwise(model, later, change, adjust),
        _joint_test(model, primary_month),
    ]


def _per_organisation(name: str, model: GrowthModel, months: list[float], rows: FloatArray) -> ResultTable:
    return table_by_organisation(name, _estimates(model, months, rows), (MONTHS, *LEVEL_ESTIMATE))


def _estimates(model: GrowthModel, months: list[float], rows: FloatArray) -> pd.DataFrame:
    """Estimates of rows (organisations, months, p), with the families of each organisation."""
    frame = model.frame
    keys = pd.DataFrame(
        [(key, month) for key in frame.organisations.values() for month in months],
        columns=["organisation", "months"],
    )
    data = estimate_rows(model, keys, rows.reshape(len(keys), -1))
    return data.assign(n_families=np.repeat(list(frame.families_of.values()), len(months)))


def _adjusted_change(
    model: GrowthModel, months: list[float], change: FloatArray, level: float
) -> ResultTable:
    data = add_standardised(_estimates(model, months, change), model.frame, level)
    return table_by_organisation("adjusted_change", data, (MONTHS, *ESTIMATE, *STANDARDISED))


def _difference_from_mean(
    model: GrowthModel, months: list[float], change: FloatArray, adjust: Adjust
) -> ResultTable:
    data = _estimates(model, months, change - change.mean(axis=0))
    # With two organisations the two differences are one question, asked from either side.
    once = len(model.frame.organisations) == 2
    data = data.assign(p_adjusted=adjusted(data, "none" if once else adjust))
    apart = covariances_of(model, change - change.mean(axis=0))
    data = add_simultaneous(data, months, apart, model.fit.level)
    return table_by_organisation("difference_from_mean", data, DIFFERENCE_COLUMNS)


def covariances_of(model: GrowthModel, rows: FloatArray) -> list[FloatArray]:
    """Covariance of the estimates of rows (n, months, p) within each month."""
    covariance = model.fit.inference.covariance
    return [rows[:, place] @ covariance @ rows[:, place].T for place in range(rows.shape[1])]


def _pairwise(model: GrowthModel, months: list[float], change: FloatArray, adjust: Adjust) -> ResultTable:
    keys = list(model.frame.organisations.values())
    sizes = list(model.frame.families_of.values())
    pairs = [(i, j, m) for i, j in combinations(range(len(keys)), 2) for m in range(len(months))]
    labels = pd.DataFrame(
        [(keys[i], keys[j], months[m]) for i, j, m in pairs],
        columns=["organisation_1", "organisation_2", "months"],
    )
    rows = np.array([change[i, m] - change[j, m] for i, j, m in pairs])
    data = estimate_rows(model, labels, rows)
    data = data.assign(
        p_adjusted=adjusted(data, adjust), n_families=[min(sizes[i], sizes[j]) for i, j, _ in pairs]
    )
    by_pair = rows.reshape(-1, len(months), rows.shape[-1])
    data = add_simultaneous(data, months, covariances_of(model, by_pair), model.fit.level)
    return pairwise_table(data)


def _joint_test(model: GrowthModel, primary_month: float) -> ResultTable:
    """F tests on contrasts with the mean of organisations; redundant rows fall out in ``fit.test``."""
    start, later = np.moveaxis(model.organisation_rows([0.0, primary_month]), 1, 0)
    rows = []
    for effect, month, combinations_ in (
        ("organisation:months", primary_month, later - start),
        ("organisation", 0.0, start),
    ):
        test = model.fit.test(combinations_ - combinations_.mean(axis=0))
        rows.append((effect, month, test.statistic, test.df, test.df_denominator, test.p_value))
    return joint_table(model, rows)


def _by_organisation(frame: ModelFrame) -> ResultTable:
    counts = frame.data.groupby("organisation").agg(
        n_measurements=("family", "size"), n_families=("family", "nunique")
    )
    data = counts.reset_index()
    data["organisation"] = data["organisation"].map(dict(frame.organisations))
    data["measurements_per_family"] = data["n_measurements"] / data["n_families"]
    names = ["organisation", "n_measurements", "measurements_per_family", "n_families"]
    columns = (
        N_MEASUREMENTS,
        observed("measurements_per_family", own=True, ratio_of=("n_measurements", "n_families")),
    )
    return table_by_organisation("by_organisation", data[names], columns)
