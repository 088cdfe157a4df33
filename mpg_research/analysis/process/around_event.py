"""What changes around an event in the course of help, as tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, Column, coded, number_of
from mpg_research.analysis.process.care_months import CareMonths
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.statistics.event_study import EventStudy, event_study

__all__ = ["around_tables", "follow_event"]

_MOMENT = coded("around")
_COMPARED = number_of("n_compared", of="families")
_EVENTS = number_of("n_events", of="families")


def follow_event(
    care: CareMonths,
    values: FloatArray,
    event: FloatArray,
    *,
    around: int | tuple[int, int],
    level: float,
    clean: int | None = None,
    at_risk: BoolArray | None = None,
    chosen: BoolArray | None = None,
    levels: bool = False,
) -> EventStudy:
    """Follow what is measured per month from before an event to after it.

    Parameters
    ----------
    care : CareMonths
    values : ndarray, shape (units, months)
        NaN where not known.
    event : ndarray, shape (units,)
        The month of each one's first event; infinite without one.
    around : int or (int, int)
        Months before and after it.
    level : float
    clean, at_risk, chosen, levels
        As for :func:`~mpg_research.statistics.event_study.event_study`.

    Returns
    -------
    EventStudy
        Errors allow for families that began with the same worker.
    """
    before, after = around if isinstance(around, tuple) else (around, around)
    return event_study(
        values, event, care.units["worker"].to_numpy(dtype=str), before=before, after=after,
        clean=clean, at_risk=at_risk, chosen=chosen, levels=levels, level=level,
    )  # fmt: skip


def around_tables(
    name: str, care: CareMonths, followed: Sequence[tuple[str, EventStudy]], *, key: Column
) -> list[ResultTable]:
    """The differences by moment, and how many events and others are behind them.

    Parameters
    ----------
    name : str
        Of the first table; the second is called after it, with ``_groups``.
    care : CareMonths
    followed : sequence of (str, EventStudy)
        What was followed, under a code.
    key : Column
        What the codes are.

    Returns
    -------
    list of ResultTable
        The first with one row per moment, and the means before and after; ``n_families`` are those with the
        event that are behind the row. The second says of how many families with the event, compared with how
        many others, and the p-value of all differences before it (``p_before``).
    """
    numbers = [column.name for column in ESTIMATE]
    rows, groups = [], []
    for code, found in followed:
        before, after = (found.relative < -1), (found.relative >= 0)
        organisations = care.behind(found.treated)[1]
        each = found.relative.tolist() if len(found.relative) > 1 else []
        moments = [(str(k), found.relative == k) for k in each]
        for moment, chosen in (*moments, ("before", before), ("after", after)):
            known = chosen & np.isfinite(found.estimate)
            if not known.any():
                continue
            weights = known / known.sum()
            estimate, error, low, high, p_value = found.combine(weights)
            if error == 0 and estimate == 0:
                continue  # what cannot happen before an event
            rows.append(
                {
                    key.name: code, "around": moment,
                    **dict(zip(numbers, (estimate, error, found.df, estimate / error if error else np.nan,
                                         p_value, low, high), strict=True)),
                    "n_families": int(found.n_events[known].min()), "n_organisations": organisations,
                }
            )  # fmt: skip
        families, organisations = care.behind(found.treated)
        compared, _ = care.behind(found.compared)
        groups.append((code, families, compared, found.joint(before), families, organisations))
    data = pd.DataFrame(rows, columns=[key.name, "around", *numbers, "n_families", "n_organisations"])
    sizes = pd.DataFrame(
        groups,
        columns=[key.name, "n_events", "n_compared", "p_before", "n_families", "n_organisations"],
    )
    columns = (key, _EVENTS, _COMPARED, Column(name="p_before", meaning="p"))
    return [
        ResultTable(name, data, columns=(key, _MOMENT, *ESTIMATE)),
        ResultTable(f"{name}_groups", sizes, columns=columns),
    ]
