"""The funnel plot of the adjusted change: its numbers, its lines, and whether it may be drawn at all.

Tables
------
- ``funnel(organisation, estimate, std_error, n_effective, z, z_adjusted, beyond, beyond_adjusted,
  beyond_false_discovery)``: ``beyond`` names the outermost line passed without regard to overdispersion
  ("none", "95" or "99.8"), ``beyond_adjusted`` the same with regard to it, ``beyond_false_discovery`` is
  "yes" or "no".
- ``funnel_lines(n_effective, low_95, high_95, low_998, high_998, low_fdr, high_fdr, plain_low_95,
  plain_high_95, plain_low_998, plain_high_998)``: for drawing. The horizontal axis is the number of
  families that an organisation with the usual spread of families would need for its standard error.
- ``funnel_summary(quantity, value)``: target, overdispersion, the false-discovery line, the plot's own
  simulated false-alarm rates, rankability, the number of families for reliability .7.
- ``funnel_steps(check, verdict, value, threshold_value)``: the six steps of Verburg et al., "pass" or "fail".
"""

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import modelled, number_of
from mpg_research.analysis.growth.estimate_tables import pooled_table
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.analysis.organisations.funnel_tables_shared import (
    FLAGS,
    LINES,
    STEPS,
    SUMMARY,
    calibration,
    flags,
    funnel_lines,
    funnel_summary,
    step_rows,
    volume_outcome,
)
from mpg_research.analysis.organisations.ranks import organisation_table
from mpg_research.analysis.result import ResultTable
from mpg_research.statistics.providers.false_alarms import FalseAlarms, simulate_false_alarms
from mpg_research.statistics.providers.funnel import Funnel, make_funnel
from mpg_research.statistics.providers.shrinkage import minimum_size, rankability

__all__ = ["funnel_tables"]


#: Months around the primary month whose measurements judge the case-mix model.
_WINDOW = 1.5
_SIMULATIONS = 500


def funnel_tables(
    model: GrowthModel, effects: OrganisationEffects, *, level: float, declared: bool, seed: int = 0
) -> list[ResultTable]:
    """The four tables of the funnel plot.

    Parameters
    ----------
    model : GrowthModel
    effects : OrganisationEffects
        Of five organisations or more.
    level : float
        One minus it is the false-discovery rate.
    declared : bool
        Whether the study declared the month that the plot is about before looking.
    seed : int
        Of the simulated false-alarm rate.

    References
    ----------
    Verburg, I. W., Holman, R., Peek, N., Abu-Hanna, A. & de Keizer, N. F. (2018). Guidelines on constructing
    funnel plots for quality indicators: a case study on mortality in intensive care unit patients.
    *Statistical Methods in Medical Research*, 27, 3350-3366. https://doi.org/10.1177/0962280217700169
    """
    covariance = effects.own_covariance
    funnel = make_funnel(effects.raw, covariance, df=effects.df, rate=1 - level)
    alarms = simulate_false_alarms(
        covariance, tau2=funnel.overdispersion.tau2, rate=1 - level, n_simulations=_SIMULATIONS, rng=seed
    )
    per_family = float(np.median(effects.n_families * effects.std_error**2))
    return [
        _funnel(effects, funnel, per_family),
        _lines(model, effects, funnel, per_family),
        _summary(model, effects, funnel, alarms),
        _steps(model, effects, funnel, alarms, declared),
    ]


def _funnel(effects: OrganisationEffects, funnel: Funnel, per_family: float) -> ResultTable:
    data = pd.DataFrame(
        {
            "organisation": list(effects.keys),
            "estimate": effects.raw,
            "std_error": effects.std_error,
            "n_effective": per_family / effects.std_error**2,
            "z": funnel.z,
            "z_adjusted": funnel.z_adjusted,
            **flags(funnel),
        }
    )
    columns = (
        modelled("estimate"), modelled("std_error", digits=2, csv_only=True, is_error=True),
        number_of("n_effective", of="families"), modelled("z", digits=2, csv_only=True, spread=True),
        modelled("z_adjusted", digits=2, spread=True), *FLAGS,
    )  # fmt: skip
    return organisation_table("funnel", data, effects, columns)


def _lines(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, per_family: float
) -> ResultTable:
    data = funnel_lines(funnel, effects.std_error, per_family)
    return pooled_table("funnel_lines", data, model.frame, columns=LINES)


def _summary(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, alarms: FalseAlarms
) -> ResultTable:
    needed = minimum_size(effects.std_error, effects.n_families, tau2=effects.tau2)
    rows = {
        **funnel_summary(funnel, alarms),
        "between_sd": float(np.sqrt(effects.tau2)),
        "rankability": rankability(effects.std_error, tau2=effects.tau2).percent,
        "families_for_reliability_70": needed if np.isfinite(needed) else float("nan"),
    }
    data = pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})
    return pooled_table("funnel_summary", data, model.frame, columns=SUMMARY)


def _steps(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, alarms: FalseAlarms, declared: bool
) -> ResultTable:
    tau2 = funnel.overdispersion.tau2
    rows = step_rows(
        funnel,
        alarms,
        declared=declared,
        month=effects.month,
        fits=model.converged,
        misfit=_misfit(model, effects.month),
        smallest=float(effects.n_families.min()),
        volume=volume_outcome(effects.raw, effects.std_error, effects.n_families, tau2),
    )
    columns = ("check", "verdict", "value", "threshold_value")
    data = pd.DataFrame(rows, columns=list(columns))
    return pooled_table("funnel_steps", data, model.frame, columns=STEPS)


def _misfit(model: GrowthModel, month: float) -> float:
    """p-value of the calibration of the scores near the month; NaN without case mix.

    Families measured near the month, one mean residual each.
    """
    data, problem = model.frame.data, model.fit.problem
    if not model.frame.covariates or len(problem.y) != len(data):
        return float("nan")
    near = (data["months"] - month).abs().to_numpy() <= _WINDOW
    expected = problem.x[near] @ model.fit.solution.beta
    measured = pd.DataFrame(
        {"family": data["family"][near], "code": data["organisation"][near], "expected": expected}
    ).assign(residual=problem.y[near] - expected)
    families = measured.groupby("family").agg({"expected": "mean", "residual": "mean", "code": "first"})
    random = model.organisation == "random"
    return calibration(
        families["expected"].to_numpy(dtype=float),
        families["residual"].to_numpy(dtype=float),
        families["code"].to_numpy() if random else None,
    )
