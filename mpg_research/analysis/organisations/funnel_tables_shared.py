"""What the funnel plots of a change and of a share have in common: lines, flags, checks."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import chi2
from scipy.stats import t as student_t

from mpg_research.analysis.columns import Column, by_row, coded, key_column, modelled, tally
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.false_alarms import FalseAlarms
from mpg_research.statistics.providers.funnel import FUNNEL_LEVELS, Funnel, spread_df

__all__ = ["Checked", "calibration", "flags", "funnel_lines", "funnel_summary", "step_rows", "volume_outcome"]


#: p-value below which a check of the steps fails.
_CHECK = 0.01
#: p-value below which an association with the volume of organisations is said to be there.
_ASSOCIATION = 0.05
#: The simulated share beyond the 95 % line may lie this far above .05.
_ALARM_TOLERANCE = 0.02
#: Groups of predictions that a case-mix model is judged in, and the fewest families for that.
_GROUPS, _FAMILIES = 5, 50
_POINTS, _TENS = 40, 10.0


#: Families of the smallest organisation that a normal approximation asks for, a rule of thumb.
_LEAST = 10
_LIMITS = ("95", "998", "fdr")
#: The columns of the lines, the summary and the steps of a funnel plot, and the flags of its points.
LINES = (
    key_column("n_effective"),
    *(modelled(f"{end}_{limit}", spread=True) for limit in _LIMITS for end in ("low", "high")),
    *(
        modelled(f"plain_{end}_{limit}", csv_only=True, spread=True)
        for limit in _LIMITS[:2]
        for end in ("low", "high")
    ),
)
_SECOND, _P = modelled("value", digits=2, spread=True), Column(name="value", meaning="p", spread=True)
_TARGET = modelled("value", spread=True)
_PERCENT = modelled("value", percent=True, digits=1)
SUMMARY = (
    coded("quantity"),
    by_row(
        "value",
        "quantity",
        {
            **dict.fromkeys(("phi", "tau2", "false_discovery_z", "between_sd"), _SECOND),
            **dict.fromkeys(
                (f"alarm_{kind}_{limit}" for kind in ("share", "any") for limit in _LIMITS), _PERCENT
            ),
            "target": _TARGET,
            "target_adjusted": _TARGET,
            "alarm_any_false_discovery": _PERCENT,
            "overdispersion_p_value": _P,
            "families_for_reliability_70": tally("value"),
        },
    ),
)
_OF_CHECK = {**dict.fromkeys(("case_mix_model", "overdispersion", "volume"), _P), "plot": _PERCENT}
#: The families of the smallest organisation are the number of one of them.
_FOUND = {**_OF_CHECK, "enough_observations": Column(name="value", meaning="extreme")}
#: The same of shares, in more decimals.
SHARE_LINES = tuple(column if column.is_key else column.but(digits=3) for column in LINES)
SHARE_SUMMARY = (
    SUMMARY[0],
    SUMMARY[1].but(
        rows={name: row.but(digits=3) if row is _TARGET else row for name, row in SUMMARY[1].rows.items()}
    ),
)
STEPS = (
    coded("check"),
    coded("verdict", is_key=False),
    by_row("value", "check", _FOUND),
    by_row("threshold_value", "check", _OF_CHECK),
)
FLAGS = (
    coded("beyond", is_key=False, csv_only=True),
    coded("beyond_adjusted", is_key=False),
    coded("beyond_false_discovery", is_key=False),
)


def flags(funnel: Funnel) -> dict[str, object]:
    """The columns ``beyond, beyond_adjusted, beyond_false_discovery`` of a funnel table."""
    return {
        "beyond": _outermost(funnel, adjusted=False),
        "beyond_adjusted": _outermost(funnel, adjusted=True),
        "beyond_false_discovery": np.where(funnel.false_discovery.flagged, "yes", "no"),
    }


def _outermost(funnel: Funnel, *, adjusted: bool) -> list[str]:
    inner, outer = (funnel.beyond(level, adjusted=adjusted) for level in FUNNEL_LEVELS)
    return ["99.8" if far else "95" if near else "none" for near, far in zip(inner, outer, strict=True)]


def funnel_lines(funnel: Funnel, std_error: FloatArray, per_family: float) -> pd.DataFrame:
    """Lines for drawing, against the number of families that stands for a standard error.

    Parameters
    ----------
    funnel : Funnel
    std_error : ndarray, shape (g,)
    per_family : float
        Variance that one family brings: ``per_family / std_error**2`` families have that standard error.
    """
    own = per_family / std_error**2
    # From ten to ten: lines that began at the smallest organisation would give away its families.
    first, last = np.floor(own.min() / _TENS) * _TENS, np.ceil(own.max() * 1.05 / _TENS) * _TENS
    size = np.geomspace(max(first, _TENS / 2), last, _POINTS)
    columns: dict[str, FloatArray] = {"n_effective": size}
    for prefix, tau2, target in (
        ("", funnel.overdispersion.tau2, funnel.target_adjusted),
        ("plain_", 0.0, funnel.target),
    ):
        scale = 1.0 if prefix else funnel.reference.scale
        # A unit is part of the mean it is compared with: its distance varies a little less than it does.
        weight = 1 / np.sum(1 / (std_error**2 + tau2))
        variance = per_family / size
        freedom: FloatArray = np.full(size.size, float(np.median(funnel.df)))
        if tau2 > 0:
            rough = spread_df(variance + tau2, funnel.reference, std_error**2 + tau2)
            freedom = np.minimum(freedom, rough)
        spread = np.sqrt(np.maximum(variance + tau2 - weight, 0.02 * variance))
        lines = {f"{1000 * level:g}".rstrip("0"): float(ndtri(0.5 + level / 2)) for level in FUNNEL_LEVELS}
        if not prefix:
            lines["fdr"] = funnel.false_discovery.critical
        for name, z in lines.items():
            half = _t_quantile(z, freedom) * scale * spread
            columns[f"{prefix}low_{name}"] = target - half
            columns[f"{prefix}high_{name}"] = target + half
    return pd.DataFrame(columns)


def _t_quantile(z: float, df: FloatArray) -> FloatArray:
    quantile: FloatArray = np.where(np.isinf(df), z, student_t.isf(ndtr(-z), np.minimum(df, 1e9)))
    return quantile


def funnel_summary(funnel: Funnel, alarms: FalseAlarms) -> dict[str, float]:
    """Quantities of a funnel's summary table."""
    return {
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
    }


Checked = tuple[str, str, float, float]


def step_rows(
    funnel: Funnel,
    alarms: FalseAlarms,
    *,
    declared: bool,
    month: float,
    fits: bool,
    misfit: float,
    smallest: float,
    volume: float,
) -> list[Checked]:
    """The six steps of Verburg et al. as rows (check, verdict, value, threshold_value).

    Parameters
    ----------
    funnel : Funnel
    alarms : FalseAlarms
    declared : bool
        Whether the question was put before looking.
    month : float
        What the question is about.
    fits : bool
        Whether the case-mix model could be fitted.
    misfit, volume : float
        p-values of :func:`calibration` and :func:`volume_outcome`. Without the first (no case mix, or too few
        families to judge it) the case-mix model has not been shown to be good.
    smallest : float
        Families of the smallest organisation.
    """
    excess = funnel.overdispersion
    alarm = alarms.share["adjusted 95"]
    rows = [
        ("question", declared, month, month),
        ("case_mix_model", fits and misfit >= _CHECK, misfit, _CHECK),
        ("enough_observations", smallest >= _LEAST, smallest, float(_LEAST)),
        ("overdispersion", excess.p_value >= _CHECK or excess.tau2 > 0, excess.p_value, _CHECK),
        ("volume", not volume < _ASSOCIATION, volume, _ASSOCIATION),
        ("plot", alarm <= 0.05 + _ALARM_TOLERANCE, alarm, 0.05 + _ALARM_TOLERANCE),
    ]
    return [(check, "pass" if good else "fail", value, limit) for check, good, value, limit in rows]


def calibration(
    expected: FloatArray, residual: FloatArray, organisation: NDArray[Any] | None = None
) -> float:
    """p-value of the test that a case-mix model predicts right in every fifth of its predictions.

    Parameters
    ----------
    expected, residual : ndarray, shape (n,)
        Of one family each.
    organisation : ndarray, shape (n,), optional
        What organisations have in common is then taken out: it is their result, not the model's misfit.

    Returns
    -------
    float
        NaN with fewer than fifty families, or predictions that do not differ.
    """
    if len(expected) < _FAMILIES or not np.ptp(expected) > 0:
        return float("nan")
    left = pd.Series(np.asarray(residual, dtype=float))
    if organisation is not None:
        left -= left.groupby(np.asarray(organisation)).transform("mean")
    group = np.minimum(pd.Series(expected).rank(pct=True) * _GROUPS, _GROUPS - 1e-9).astype(int)
    # What all groups share is the level, not the case mix.
    parts = (left - left.mean()).groupby(group).agg(["mean", "var", "size"])
    parts = parts[parts["var"] > 0]
    statistic = float((parts["mean"] ** 2 / (parts["var"] / parts["size"])).sum())
    return float(chi2.sf(statistic, max(len(parts) - 1, 1)))


def volume_outcome(estimate: FloatArray, std_error: FloatArray, size: FloatArray, tau2: float) -> float:
    """p-value of the association between an organisation's size and its result, weighted by precision."""
    log_size = np.log(size)
    if np.ptp(log_size) == 0:
        return float("nan")
    weights = 1 / (std_error**2 + tau2)
    centred = log_size - weights @ log_size / weights.sum()
    slope = float((weights * centred) @ estimate / ((weights * centred) @ centred))
    residual = estimate - weights @ estimate / weights.sum() - slope * centred
    df = len(log_size) - 2
    # Scaled up where the units spread more than their weights say, never down.
    scale = max(float(weights @ residual**2) / df, 1.0)
    error = float(np.sqrt(scale / ((weights * centred) @ centred)))
    return float(2 * student_t.sf(abs(slope) / error, df))
