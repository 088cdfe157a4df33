"""The difference of every organisation's change from the median of the organisations.

The table keeps its name, ``difference_from_mean``, and its columns, whatever the reference; the result's
parameter ``reference`` says which it is.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.growth.estimate_tables import table_by_organisation
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.organisations.effects import ManyOrganisations, add_simultaneous
from mpg_research.analysis.organisations.random_effects_tables import DIFFERENCE_COLUMNS, adjusted
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.reference_difference import differences_from_reference

__all__ = ["from_median"]


def from_median(
    table: ResultTable, model: GrowthModel, many: ManyOrganisations | None, *, adjust: str, level: float
) -> ResultTable:
    """The table of differences from the mean, made again with the median as reference.

    Parameters
    ----------
    table : ResultTable
        ``difference_from_mean`` of the same model; its degrees of freedom are kept.
    model : GrowthModel
    many : ManyOrganisations, optional
        Where organisations are random effects.
    adjust : {"holm", "none"}
    level : float
        Confidence level of the intervals, between 0 and 1.
    """
    organisations = list(model.frame.organisations.values())
    if len(organisations) < 3:
        return table
    months = list(dict.fromkeys(float(month) for month in table.data["months"]))
    data = table.data.copy()
    covariances = []
    for month in months:
        change, covariance = _changes(model, many, month)
        found = differences_from_reference(change, covariance, reference="median")
        covariances.append(found.covariance)
        rows = data["months"] == month
        order = [organisations.index(key) for key in data.loc[rows, "organisation"]]
        data.loc[rows, "estimate"] = found.estimate[order]
        data.loc[rows, "std_error"] = found.std_error[order]
    data = _with_limits(data, level)
    corrected = adjusted(data, adjust)
    data["p_adjusted"] = corrected.where(table.data["p_adjusted"].notna())
    data = add_simultaneous(data, months, covariances, level)
    return table_by_organisation(table.name, data, DIFFERENCE_COLUMNS)


def _changes(
    model: GrowthModel, many: ManyOrganisations | None, month: float
) -> tuple[FloatArray, FloatArray]:
    """Change since the start at every organisation, not shrunken, and covariance."""
    if many is not None:
        return many.change(model, month, shrink=False)
    rows = model.organisation_rows([month])[:, 0] - model.organisation_rows([0.0])[:, 0]
    return rows @ model.fit.solution.beta, rows @ model.fit.inference.covariance @ rows.T


def _with_limits(data: pd.DataFrame, level: float) -> pd.DataFrame:
    """Statistic, p-value and limits of the estimates and standard errors."""
    statistic = data["estimate"] / data["std_error"]
    half = student_t.ppf(0.5 + level / 2, data["df"]) * data["std_error"]
    return data.assign(
        statistic=statistic,
        p_value=2 * student_t.sf(np.abs(statistic), data["df"]),
        conf_low=data["estimate"] - half,
        conf_high=data["estimate"] + half,
    )
