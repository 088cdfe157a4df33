"""Of each organisation: how many families it helped, how many are compared, and who was measured each month.

Tables
------
- ``families_by_step(organisation, step, n_episodes)``: "helped" (families with a period of help, those who
  were never measured too) and "in_comparison" (families in the comparison). Organisations that are not
  compared have a row as well.
- ``response_by_month(organisation, step, months, n_group, share_measured)``: of the families still in help
  at a month whose whole window around it lies before the export (``n_group`` of them), the share with a
  score in that window, as in ``measured`` of
  :mod:`~mpg_research.analysis.families.indicator_shares`; at the start and every third month up to the
  primary one (of waves, at each). ``step`` is "measured": rows of a month are about other families than those
  of another, and of other tables.
"""

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import MONTHS, N_EPISODES, N_GROUP, coded, observed_share
from mpg_research.analysis.families.indicator_shares import measured_rows
from mpg_research.analysis.growth.estimate_tables import table_by_organisation
from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.result import ResultTable

__all__ = ["families_by_step", "response_by_month"]

#: Windows around months that lie nearer to each other overlap.
_STEP = 3.0


def families_by_step(periods: HelpPeriods, frame: ModelFrame) -> ResultTable:
    """Families that each organisation helped, and those of them that are compared.

    Parameters
    ----------
    periods : HelpPeriods
        Every period of help.
    frame : ModelFrame
        What the comparison is fitted on.
    """
    compared = frame.episodes.assign(
        organisation=frame.episodes["organisation"].map(dict(frame.organisations))
    )
    keys = sorted(set(periods.rows["organisation"]) | set(frame.organisations.values()))
    rows = []
    for step, data in (("helped", periods.rows), ("in_comparison", compared)):
        of_each = data.groupby("organisation")["family"]
        families, episodes = of_each.nunique(), of_each.size()
        rows += [(key, step, int(episodes.get(key, 0)), int(families.get(key, 0))) for key in keys]
    data = pd.DataFrame(rows, columns=["organisation", "step", "n_episodes", "n_families"])
    return table_by_organisation("families_by_step", data, (coded("step"), N_EPISODES))


def response_by_month(periods: HelpPeriods, organisations: tuple[str, ...]) -> ResultTable:
    """The share of families in help that were measured around each third month, by organisation.

    Parameters
    ----------
    periods : HelpPeriods
        Every period of help, with the primary month.
    organisations : tuple of str
        Keys of those that have rows; without families in help at a month such a row is left out.
    """
    rows = []
    for month in _months(periods):
        found = measured_rows(periods, month).rows
        for key, mine in found.groupby("organisation"):
            if key in organisations:
                share = float(mine["event"].mean())
                rows.append((key, "measured", month, len(mine), share, int(mine["family"].nunique())))
    columns = ["organisation", "step", "months", "n_group", "share_measured", "n_families"]
    data = pd.DataFrame(rows, columns=columns).sort_values(["organisation", "months"], kind="stable")
    declared = (
        coded("step", csv_only=True),
        MONTHS.but(adds_up=""),
        N_GROUP.but(own=True),
        observed_share("share_measured", of="n_group", own=True),
    )
    return table_by_organisation("response_by_month", data.reset_index(drop=True), declared)


def _months(periods: HelpPeriods) -> list[float]:
    """The start, every third month, and the primary month; of waves each one."""
    step = _STEP if periods.near >= 1 else 1.0
    return sorted({*np.arange(0.0, periods.month, step).tolist(), float(periods.month)})
