"""The results of families by quarter of start as a run chart, and what such a chart could have seen.

Tables
------
- ``run_chart(period, value, median)``: by quarter of start how far the change at the month lies from what
  is expected of these families at their organisations; quarters with too few families measured near the
  month are missing.
- ``run_signals(quantity, value)``: the longest run and the number of crossings of the median, with their
  limits; ``point_sd``, the standard deviation of a point around its own expectation; ``change_looked_for``,
  half a standard deviation of the scores at the start; ``share_drift_seen`` and ``share_step_seen``, the
  share of such charts in which an even drift, or a step halfway, of that size would have been a signal;
  ``drift_seen`` and ``step_seen``, the sizes that 80 of 100 such charts would have seen.
"""

import numpy as np
import pandas as pd

from mpg_research.analysis.cohorts.frames import (
    StartedFrame,
    adjust_for,
    adjust_for_organisations,
    with_a_course,
)
from mpg_research.analysis.columns import by_row, coded, key_column, modelled
from mpg_research.analysis.growth.growth_model import DEFAULT_RULE, GrowthModel, Shape, fit_growth
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.result import ResultTable
from mpg_research.errors import ModelError
from mpg_research.statistics.run_chart import FEWEST_POINTS, RunSignals, run_signals
from mpg_research.statistics.run_chart_power import run_power, run_reach

__all__ = ["run_tables"]

#: The change that is asked about, in standard deviations of the scores at the start.
_LOOKED_FOR = 0.5
_PERCENT = modelled("value", percent=True, digits=1)
_SIGNAL_VALUE = by_row(
    "value", "quantity",
    {
        "point_sd": modelled("value", digits=2),
        "share_drift_seen": _PERCENT,
        "share_step_seen": _PERCENT,
    },
)  # fmt: skip


def run_tables(
    with_start: StartedFrame, month: float, *, shape: Shape, rule: GrowthRule = DEFAULT_RULE
) -> list[ResultTable]:
    """The tables of the module's docstring, if there are enough quarters with enough families.

    Parameters
    ----------
    with_start : StartedFrame
    month : float
    shape : {"linear", "spline"}
    rule : GrowthRule

    Notes
    -----
    The quarters are covariates of level and slope in a growth model in which organisations have their own
    level and slope: a quarter's value is what its families' change at the month differs along a straight
    line, whether or not they stayed in help until then.
    """
    start = with_start.start
    quarter = start.dt.year.astype("Int64").astype(str) + "-Q" + start.dt.quarter.astype("Int64").astype(str)
    compared, _ = with_a_course(with_start.frame.data, quarter, month)
    if len(compared) < FEWEST_POINTS:
        return []
    rows = quarter.isin(compared)
    kept, quarter = with_start.only(rows), quarter[rows].reset_index(drop=True)
    values = _values(kept, quarter, compared, month, shape, rule)
    if values is None:
        return []
    signals = run_signals(values)
    data = kept.frame.data
    counts = data[["family", "organisation"]].groupby(quarter).nunique().loc[compared]
    chart = pd.DataFrame(
        {
            "period": compared,
            "value": values,
            "median": signals.median,
            "n_families": counts["family"].to_numpy(),
            "n_organisations": counts["organisation"].to_numpy(),
        }
    )
    quantities = _quantities(signals, values, with_start.frame.baseline.sd)
    summary = pd.DataFrame({"quantity": list(quantities), "value": list(quantities.values())}).assign(
        n_families=int(data["family"].nunique()), n_organisations=int(data["organisation"].nunique())
    )
    return [
        ResultTable(
            "run_chart",
            chart,
            columns=(key_column("period", adds_up="families"), modelled("value"), modelled("median")),
        ),
        ResultTable("run_signals", summary, columns=(coded("quantity"), _SIGNAL_VALUE)),
    ]


def _values(
    kept: StartedFrame, quarter: pd.Series, compared: list[str], month: float, shape: Shape, rule: GrowthRule
) -> np.ndarray | None:
    """What the change at the month of each quarter's families differs from the mean of all, shape (n,)."""
    from mpg_research.analysis.organisations.compare import MANY_ORGANISATIONS

    frame, organisations, _ = adjust_for_organisations(kept.frame, quarter, many=MANY_ORGANISATIONS)
    asked = adjust_for(frame, {label: quarter == label for label in compared[1:]}, "period")
    try:
        # Workers would change errors more than values, and only values are asked for.
        model = fit_growth(asked, shape=shape, worker=bool(organisations), df="residual", rule=rule)
    except ModelError:
        return None
    if not model.converged:
        return None
    own = np.concatenate([[0.0], _slopes(model, len(compared) - 1) * month])
    weights = frame.data["family"].groupby(quarter).nunique().loc[compared].to_numpy(dtype=float)
    found: np.ndarray = own - weights @ own / weights.sum()
    return found


def _slopes(model: GrowthModel, number: int) -> np.ndarray:
    """Slopes of the last ``number`` covariates."""
    names = {name: place for place, name in enumerate(model.fit.problem.x_names)}
    beta = model.fit.solution.beta
    slopes = np.zeros(number)
    for place, covariate in enumerate(model.frame.covariates[-number:]):
        for term in (f"months:{covariate.column}", f"{covariate.column}:months"):
            if term in names:
                slopes[place] = beta[names[term]]
    return slopes


def _quantities(signals: RunSignals, values: np.ndarray, baseline_sd: float) -> dict[str, float]:
    # Half the mean square of successive differences: a slow drift does not enter it.
    point_sd = float(np.sqrt(np.mean(np.diff(values) ** 2) / 2))
    looked_for = _LOOKED_FOR * baseline_sd
    power = run_power(signals.n_points, looked_for / point_sd if point_sd > 0 else np.nan)
    reach = run_reach(signals.n_points)
    return {
        "n_points": float(signals.n_points),
        "longest_run": float(signals.longest_run),
        "longest_allowed": float(signals.longest_allowed),
        "crossings": float(signals.crossings),
        "crossings_needed": float(signals.crossings_needed),
        "signal": float(signals.signal),
        "point_sd": point_sd,
        "change_looked_for": looked_for,
        "share_drift_seen": power.drift,
        "share_step_seen": power.step,
        "drift_seen": reach.drift * point_sd,
        "step_seen": reach.step * point_sd,
    }
