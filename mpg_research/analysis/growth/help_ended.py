"""Families whose help had ended before the month that is asked for, and what the model makes of their course.

Table ``sensitivity(approach, months, ...)`` of a trajectory, where there are many of them: the change by the
model, and by one in which every family has a free curve (a natural spline with four knots). In simulations in
which help ended right after a sudden improvement the change at 12 months was overstated by half a point in
five, by any model; where the two rows differ much, that may be so.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, MONTHS, coded
from mpg_research.analysis.growth.estimate_tables import estimate_rows, pooled_table
from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.errors import ModelError, Note
from mpg_research.mixed import DfRule

__all__ = ["ended_note", "sensitivity_table", "share_ended"]

#: From this share of families on a reader is told.
_MANY = 0.2
#: Shares are told in steps, so that no number of families follows from them.
_STEP = 5


def share_ended(periods: HelpPeriods) -> float:
    """Share of the families with a course that were not measured around the month, help having ended before.

    Of those who could have reached the month; 0 where nobody could.
    """
    rows = periods.rows
    with_course = set(periods.course.data["family"].astype(str))
    kept = periods.could_reach(periods.month) & rows["family"].isin(with_course).to_numpy(dtype=bool)
    if not kept.any():
        return 0.0
    gone = ~periods.in_help(periods.month) & ~periods.measured(periods.month)
    by_family = pd.Series(gone[kept]).groupby(rows["family"].to_numpy()[kept]).all()
    return float(by_family.mean())


def ended_note(share: float, month: float) -> list[Note]:
    """The sentence on families whose course the model continues, where there are many."""
    if not share > _MANY:
        return []
    percent = int(_STEP * np.round(100 * share / _STEP))
    text = (
        f"Of the families who could have reached month {month:g}, about {percent}% were not measured around "
        "it because their help had ended. For them the model continues their course. If help tends to end "
        "right after a sudden improvement, the improvement at that month is overstated, in simulations by up "
        "to half a point in 5 at month 12."
    )
    return [Note("help_ended", text, {"percent": percent, "month": month}, "caution")]


def sensitivity_table(model: GrowthModel, share: float, month: float, df: DfRule) -> ResultTable:
    """The change by the model beside that by a free curve per family, where help had ended for many."""
    rows = _both(model, month, df) if share > _MANY and model.families == "bend" else []
    columns = ["approach", "months", *ESTIMATE_COLUMNS]
    data = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
    return pooled_table("sensitivity", data, model.frame, columns=(coded("approach"), MONTHS, *ESTIMATE))


def _both(model: GrowthModel, month: float, df: DfRule) -> list[pd.DataFrame]:
    try:
        free = fit_growth(
            model.frame, shape=model.shape, organisation=model.organisation, worker=model.worker, df=df,
            level=model.fit.level, rule=replace(model.rule, families="spline"),
        )  # fmt: skip
    except ModelError:
        return []
    if not free.converged or free.families != "spline":
        return []
    return [_change(model, month).assign(approach="bend"), _change(free, month).assign(approach="spline")]


def _change(model: GrowthModel, month: float) -> pd.DataFrame:
    rows = model.mean_rows([month]) - model.mean_rows([0.0])
    return estimate_rows(model, pd.DataFrame({"months": [month]}), rows)
