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
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2
from scipy.stats import t as student_t

from mpg_research.analysis.growth import GrowthModel
from mpg_research.analysis.organisation_effects import OrganisationEffects
from mpg_research.analysis.organisation_ranks import organisation_table
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.tables import FEW_FAMILIES, pooled_table
from mpg_research.statistics.false_alarms import FalseAlarms, simulate_false_alarms
from mpg_research.statistics.funnel import FUNNEL_LEVELS, Funnel, make_funnel
from mpg_research.statistics.shrinkage import minimum_size, rankability

__all__ = ["funnel_tables"]

FloatArray = NDArray[np.float64]

#: p-value below which a check of the steps fails.
_CHECK = 0.01
#: p-value below which an association with the volume of organisations is said to be there.
_ASSOCIATION = 0.05
#: The simulated share beyond the 95 % line may lie this far above .05.
_ALARM_TOLERANCE = 0.02
#: Months around the primary month whose measurements judge the case-mix model, and groups they are put in.
_WINDOW, _GROUPS = 1.5, 5
_SIMULATIONS = 500
_POINTS = 40


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
    flagged = funnel.false_discovery.flagged
    data = pd.DataFrame(
        {
            "organisation": list(effects.keys),
            "estimate": effects.raw,
            "std_error": effects.std_error,
            "n_effective": per_family / effects.std_error**2,
            "z": funnel.z,
            "z_adjusted": funnel.z_adjusted,
            "beyond": _outermost(funnel, adjusted=False),
            "beyond_adjusted": _outermost(funnel, adjusted=True),
            "beyond_false_discovery": np.where(flagged, "yes", "no"),
        }
    )
    return organisation_table("funnel", data, effects)


def _outermost(funnel: Funnel, *, adjusted: bool) -> list[str]:
    inner, outer = (funnel.beyond(level, adjusted=adjusted) for level in FUNNEL_LEVELS)
    return ["99.8" if far else "95" if near else "none" for near, far in zip(inner, outer, strict=True)]


def _lines(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, per_family: float
) -> ResultTable:
    own = per_family / effects.std_error**2
    size = np.geomspace(max(own.min() * 0.8, 1.0), own.max() * 1.15, _POINTS)
    variance = per_family / size
    columns: dict[str, FloatArray] = {"n_effective": size}
    for prefix, tau2, target in (
        ("", funnel.overdispersion.tau2, funnel.target_adjusted),
        ("plain_", 0.0, funnel.target),
    ):
        freedom = float(np.median(funnel.df if prefix else funnel.df_adjusted))
        scale = 1.0 if prefix else funnel.reference.scale
        # A unit is part of the mean it is compared with: its distance varies a little less than it does.
        weight = 1 / np.sum(1 / (effects.std_error**2 + tau2))
        spread = np.sqrt(np.maximum(variance + tau2 - weight, 0.02 * variance))
        lines = {f"{1000 * level:g}".rstrip("0"): float(ndtri(0.5 + level / 2)) for level in FUNNEL_LEVELS}
        if not prefix:
            lines["fdr"] = funnel.false_discovery.critical
        for name, z in lines.items():
            half = _t_quantile(z, freedom) * scale * spread
            columns[f"{prefix}low_{name}"] = target - half
            columns[f"{prefix}high_{name}"] = target + half
    data = pd.DataFrame(columns)
    values = tuple(name for name in data.columns if name != "n_effective")
    return pooled_table("funnel_lines", data, model.frame, keys=("n_effective",), values=values)


def _t_quantile(z: float, df: float) -> float:
    from scipy.special import ndtr

    return z if np.isinf(df) else float(student_t.isf(ndtr(-z), df))


def _summary(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, alarms: FalseAlarms
) -> ResultTable:
    ranked = rankability(effects.std_error, tau2=effects.tau2)
    needed = minimum_size(effects.std_error, effects.n_families, tau2=effects.tau2)
    rows = {
        "target": funnel.target,
        "target_adjusted": funnel.target_adjusted,
        "phi": funnel.overdispersion.phi,
        "tau2": funnel.overdispersion.tau2,
        "overdispersion_p_value": funnel.overdispersion.p_value,
        "false_discovery_z": funnel.false_discovery.critical,
        "n_beyond_95_plain": float(funnel.beyond(FUNNEL_LEVELS[0], adjusted=False).sum()),
        "n_beyond_95": float(funnel.beyond(FUNNEL_LEVELS[0]).sum()),
        "n_beyond_998": float(funnel.beyond(FUNNEL_LEVELS[1]).sum()),
        "n_beyond_false_discovery": float(funnel.false_discovery.flagged.sum()),
        "alarm_share_95": alarms.share["adjusted 95"],
        "alarm_share_998": alarms.share["adjusted 99.8"],
        "alarm_any_95": alarms.any["adjusted 95"],
        "alarm_any_998": alarms.any["adjusted 99.8"],
        "alarm_any_false_discovery": alarms.any["false discovery"],
        "between_sd": float(np.sqrt(effects.tau2)),
        "rankability": ranked.percent,
        "families_for_reliability_70": needed if np.isfinite(needed) else float("nan"),
    }
    data = pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})
    return pooled_table("funnel_summary", data, model.frame, keys=("quantity",), values=("value",))


def _steps(
    model: GrowthModel, effects: OrganisationEffects, funnel: Funnel, alarms: FalseAlarms, declared: bool
) -> ResultTable:
    calibration = case_mix_calibration(model, effects.month)
    smallest = float(effects.n_families.min())
    excess = funnel.overdispersion
    volume = volume_outcome(effects, funnel)
    alarm = alarms.share["adjusted 95"]
    rows = [
        ("question", declared, effects.month, effects.month),
        ("case_mix_model", model.converged and not calibration < _CHECK, calibration, _CHECK),
        ("enough_observations", smallest >= FEW_FAMILIES, smallest, float(FEW_FAMILIES)),
        ("overdispersion", excess.p_value >= _CHECK or excess.tau2 > 0, excess.p_value, _CHECK),
        ("volume", not volume < _ASSOCIATION, volume, _ASSOCIATION),
        ("plot", alarm <= 0.05 + _ALARM_TOLERANCE, alarm, 0.05 + _ALARM_TOLERANCE),
    ]
    data = pd.DataFrame(
        [(step, "pass" if good else "fail", value, limit) for step, good, value, limit in rows],
        columns=["check", "verdict", "value", "threshold_value"],
    )
    return pooled_table(
        "funnel_steps", data, model.frame, keys=("check",), values=("verdict", "value", "threshold_value")
    )


def case_mix_calibration(model: GrowthModel, month: float) -> float:
    """p-value of the test that the case-mix model predicts right in every fifth of its predictions.

    Families measured near the month, one mean residual each; NaN with too few of them, or without case mix.
    """
    if not model.frame.covariates:
        return float("nan")
    data = model.frame.data
    near = (data["months"] - month).abs().to_numpy() <= _WINDOW
    problem = model.fit.problem
    if len(problem.y) != len(data):
        return float("nan")
    expected = problem.x[near] @ model.fit.solution.beta
    frame = pd.DataFrame(
        {
            "family": data["family"].to_numpy()[near],
            "expected": expected,
            "residual": problem.y[near] - expected,
        }
    )
    if model.organisation == "random":
        code = pd.Series(data["organisation"].to_numpy()[near])
        frame["residual"] -= frame["residual"].groupby(code).transform("mean")
    families = frame.groupby("family").mean()
    if len(families) < 2 * _GROUPS * 5:
        return float("nan")
    group = np.minimum(families["expected"].rank(pct=True) * _GROUPS, _GROUPS - 1e-9).astype(int)
    # What all groups share is the level of these months, not the case mix.
    residual = families["residual"] - families["residual"].mean()
    parts = residual.groupby(group).agg(["mean", "var", "size"])
    statistic = float((parts["mean"] ** 2 / (parts["var"] / parts["size"])).sum())
    return float(chi2.sf(statistic, len(parts) - 1))


def volume_outcome(effects: OrganisationEffects, funnel: Funnel) -> float:
    """p-value of the association between an organisation's size and its result, weighted by precision."""
    size = np.log(effects.n_families)
    if np.ptp(size) == 0:
        return float("nan")
    weights = 1 / (effects.std_error**2 + funnel.overdispersion.tau2)
    centred = size - weights @ size / weights.sum()
    slope = float((weights * centred) @ effects.raw / ((weights * centred) @ centred))
    residual = effects.raw - weights @ effects.raw / weights.sum() - slope * centred
    df = len(size) - 2
    # Scaled up where the units spread more than their weights say, never down.
    scale = max(float(weights @ residual**2) / df, 1.0)
    error = float(np.sqrt(scale / ((weights * centred) @ centred)))
    return float(2 * student_t.sf(abs(slope) / error, df))
