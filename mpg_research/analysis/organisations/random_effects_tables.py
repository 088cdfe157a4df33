"""Tables of a comparison of many organisations: random level, slope and bend instead of one course each.

Estimates of single organisations are not shrunken, as with fixed effects; ``raw_and_shrunken`` shows both.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import fdtrc, stdtr, stdtrit

from mpg_research.analysis.columns import (
    CORRECTED_ESTIMATE,
    ESTIMATE,
    LEVEL_ESTIMATE,
    MONTHS,
    ORGANISATION,
    P_ADJUSTED,
    SIMULTANEOUS,
    STANDARDISED,
    Column,
    coded,
    modelled,
)
from mpg_research.analysis.growth.estimate_tables import add_standardised, pooled_table, table_by_organisation
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.organisations.effects import ManyOrganisations, add_simultaneous
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics import holm

__all__ = ["DIFFERENCE_COLUMNS", "adjusted", "joint_table", "joint_test", "many_tables", "pairwise_table"]


#: What stands in a table of differences, after the organisation or the pair.
DIFFERENCE_COLUMNS = (MONTHS, *CORRECTED_ESTIMATE, P_ADJUSTED, *SIMULTANEOUS)

#: With more organisations than this a table of all pairs is left out: nobody could read it.
_PAIRS = 20


def many_tables(
    model: GrowthModel,
    many: ManyOrganisations,
    months: list[float],
    curve: list[float],
    *,
    primary_month: float,
    adjust: str,
    level: float,
) -> list[ResultTable]:
    """The tables that a comparison with fixed effects has too, from random effects.

    Parameters
    ----------
    model : GrowthModel
    many : ManyOrganisations
    months, curve : list of float
        Months to report, and those of the curves of a figure.
    primary_month : float
        Of the joint test.
    adjust : {"holm", "none"}
    level : float
        Confidence level of the intervals, between 0 and 1.
    """
    later = [month for month in months if month > 0]
    changes = {month: many.change(model, month, shrink=False) for month in later}
    scores = _scores(model, many, [*months, *curve])
    df = many.df
    tables = [
        _per_organisation("adjusted_means", model, _some(scores, months), df, level),
        _per_organisation("adjusted_curve", model, _some(scores, curve), df, level),
        _adjusted_change(model, changes, df, level),
        _differences(model, changes, df, adjust, level),
    ]
    if len(model.frame.organisations) <= _PAIRS:
        tables.append(_pairwise(model, changes, df, adjust, level))
    return [*tables, joint_test(model, many, primary_month)]


Moments = dict[float, tuple[FloatArray, FloatArray]]


def _some(moments: Moments, months: list[float]) -> Moments:
    return {month: moments[month] for month in months}


def _scores(model: GrowthModel, many: ManyOrganisations, months: list[float]) -> Moments:
    return {month: many.score(model, month, shrink=False) for month in months}


def _rows(
    keys: dict[str, list[object]],
    estimate: FloatArray,
    std_error: FloatArray,
    df: float,
    level: float,
) -> pd.DataFrame:
    """Key columns beside the seven columns of an estimate."""
    half = stdtrit(df, 0.5 + level / 2) * std_error
    statistic = np.divide(estimate, std_error, out=np.zeros_like(estimate), where=std_error > 0)
    return pd.DataFrame(
        {
            **keys,
            "estimate": estimate,
            "std_error": std_error,
            "df": df,
            "statistic": statistic,
            "p_value": 2 * stdtr(df, -np.abs(statistic)),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def _stack(
    model: GrowthModel,
    moments: Moments,
    df: float,
    level: float,
) -> pd.DataFrame:
    organisations = list(model.frame.organisations.values())
    parts = []
    for month, (estimate, covariance) in moments.items():
        error = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
        keys: dict[str, list[object]] = {
            "organisation": [*organisations],
            "months": [month] * len(organisations),
        }
        part = _rows(keys, estimate, error, df, level)
        parts.append(part.assign(n_families=list(model.frame.families_of.values())))
    data = pd.concat(parts, ignore_index=True)
    return data.sort_values(["organisation", "months"], ignore_index=True, kind="stable")


def _per_organisation(
    name: str, model: GrowthModel, moments: Moments, df: float, level: float
) -> ResultTable:
    return table_by_organisation(name, _stack(model, moments, df, level), (MONTHS, *LEVEL_ESTIMATE))


def _adjusted_change(model: GrowthModel, changes: Moments, df: float, level: float) -> ResultTable:
    data = _stack(model, changes, df, level)
    data = add_standardised(data, model.frame, level)
    return table_by_organisation("adjusted_change", data, (MONTHS, *ESTIMATE, *STANDARDISED))


def _differences(model: GrowthModel, changes: Moments, df: float, adjust: str, level: float) -> ResultTable:
    g = len(model.frame.organisations)
    contrast = np.eye(g) - 1.0 / g
    apart: Moments = {
        month: (contrast @ estimate, contrast @ covariance @ contrast)
        for month, (estimate, covariance) in changes.items()
    }
    data = _stack(model, apart, df, level)
    data = data.assign(p_adjusted=adjusted(data, adjust))
    covariances = [covariance for _, covariance in apart.values()]
    data = add_simultaneous(data, list(apart), covariances, level)
    return table_by_organisation("difference_from_mean", data, DIFFERENCE_COLUMNS)


def adjusted(data: pd.DataFrame, adjust: str) -> pd.Series:
    """p-values adjusted within each month."""
    if adjust == "none":
        return data["p_value"]
    return data.groupby("months")["p_value"].transform(lambda p: holm(p.to_numpy(dtype=float)))


def _pairwise(model: GrowthModel, changes: Moments, df: float, adjust: str, level: float) -> ResultTable:
    organisations = list(model.frame.organisations.values())
    sizes = list(model.frame.families_of.values())
    pairs = list(combinations(range(len(organisations)), 2))
    first, second = np.array(pairs).T
    parts, covariances = [], []
    contrast = np.zeros((len(pairs), len(organisations)))
    contrast[np.arange(len(pairs)), first] = 1.0
    contrast[np.arange(len(pairs)), second] = -1.0
    for month, (estimate, covariance) in changes.items():
        covariances.append(contrast @ covariance @ contrast.T)
        own = np.diagonal(covariance)
        variance = own[first] + own[second] - 2 * covariance[first, second]
        keys: dict[str, list[object]] = {
            "organisation_1": [organisations[i] for i in first],
            "organisation_2": [organisations[j] for j in second],
            "months": [month] * len(pairs),
        }
        error = np.sqrt(np.maximum(variance, 0.0))
        parts.append(_rows(keys, estimate[first] - estimate[second], error, df, level))
    data = pd.concat(parts, ignore_index=True)
    data = data.assign(
        p_adjusted=adjusted(data, adjust),
        n_families=[min(sizes[i], sizes[j]) for i, j in pairs] * len(changes),
    )
    data = add_simultaneous(data, list(changes), covariances, level)
    return pairwise_table(data)


def pairwise_table(data: pd.DataFrame) -> ResultTable:
    """The table of all pairs, from fixed or random effects."""
    return ResultTable(
        "pairwise",
        data,
        columns=(
            ORGANISATION.but(name="organisation_1"),
            ORGANISATION.but(name="organisation_2"),
            *DIFFERENCE_COLUMNS,
        ),
    )


def joint_test(model: GrowthModel, many: ManyOrganisations, primary_month: float) -> ResultTable:
    """F tests that all organisations change alike up to the primary month, and start alike."""
    g = len(model.frame.organisations)
    contrast = np.eye(g)[1:] - np.eye(g)[0]
    rows = []
    for effect, month, found in (
        ("organisation:months", primary_month, many.change(model, primary_month, shrink=False)),
        ("organisation", 0.0, many.score(model, 0.0, shrink=False)),
    ):
        estimate, covariance = found
        apart = contrast @ estimate
        statistic = float(apart @ np.linalg.solve(contrast @ covariance @ contrast.T, apart)) / (g - 1)
        p_value = float(fdtrc(g - 1, many.df, statistic))
        rows.append((effect, month, statistic, float(g - 1), many.df, p_value))
    return joint_table(model, rows)


def joint_table(model: GrowthModel, rows: list[tuple[str, float, float, float, float, float]]) -> ResultTable:
    """The table of joint tests, from fixed or random effects."""
    columns = ["effect", "months", "statistic", "df_numerator", "df_denominator", "p_value"]
    data = pd.DataFrame(rows, columns=columns)
    declared = (
        coded("effect"), MONTHS, modelled("statistic", digits=2, plain=False),
        Column(name="df_numerator", meaning="df", plain=False),
        Column(name="df_denominator", meaning="df", plain=False), Column(name="p_value", meaning="p"),
    )  # fmt: skip
    return pooled_table("joint_test", data, model.frame, columns=declared)
