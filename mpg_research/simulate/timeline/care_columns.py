"""Visits, helpers, the reason another worker took over, and the workers themselves."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.plan import DAYS_PER_YEAR
from mpg_research.simulate.timeline.helped import Helped, as_days, iso_days
from mpg_research.simulate.timeline.planted import PLANTED

__all__ = ["care_columns", "worker_table"]

_SHAPE = 1.5  # of the years in the job before the study


def care_columns(rng: np.random.Generator, care: pd.DataFrame, helped: Helped) -> pd.DataFrame:
    """The table ``care`` with visits, helpers and the reasons for a change of worker.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    care : DataFrame
        The table as text, sorted by family, episode and month.
    helped : Helped
        The periods of help.

    Returns
    -------
    DataFrame
        The same rows with columns ``n_visits, at_home, n_helpers, worker_change_reason``, as text.
    """
    planted, changes = PLANTED["care"], PLANTED["workers"]
    rows = helped.rows_of(care)
    hours = care["contact_hours"].to_numpy(dtype=float)
    agencies = care["n_agencies"].to_numpy(dtype=float)
    visits = 1 + rng.poisson(np.maximum(hours / planted["hours_per_visit"] - 1, 0.0))
    visits = np.where(hours > 0, visits, 0)
    practice = helped.families.practice[rows]
    log_odds = planted["at_home_log_odds"] + planted["at_home_per_sd_practice"] * practice
    at_home = rng.binomial(visits, 1 / (1 + np.exp(-log_odds)))
    one_plan = care["one_plan"].to_numpy(dtype=object) == "1"
    extra = planted["extra_helpers_per_agency"] * agencies
    extra = extra * np.where(one_plan, 1 + planted["extra_helpers_with_one_plan"], 1.0)
    helpers = np.maximum(agencies.astype(np.int64) + rng.poisson(extra), 1)
    same = (care[["family", "episode"]] == care[["family", "episode"]].shift()).all(axis=1)
    changed = (same & care["worker"].ne(care["worker"].shift())).to_numpy(dtype=bool)
    drawn, unknown = rng.random((2, len(care)))
    reason = np.where(drawn < changes["change_planned"], "planned", "sudden").astype(object)
    reason[~changed | (unknown < changes["change_reason_unknown"])] = ""
    return care.assign(
        n_visits=visits.astype(str),
        at_home=at_home.astype(str),
        n_helpers=helpers.astype(str),
        worker_change_reason=reason,
    )


def worker_table(
    rng: np.random.Generator, care: pd.DataFrame, helped: Helped
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Every worker with the day since when in this work; never later than the first month of care.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    care : DataFrame
        The table as text.
    helped : Helped
        The periods of help.

    Returns
    -------
    table : DataFrame
        ``organisation, worker, start``, sorted, as text.
    start : ndarray of int, shape (n_workers,)
        The same days as ordinals.
    """
    of_care = pd.DataFrame(
        {
            "organisation": helped.organisation[helped.rows_of(care)],
            "worker": care["worker"].to_numpy(dtype=object),
            "day": as_days(care["month"]),
        }
    )
    of_start = pd.DataFrame(
        {
            "organisation": helped.organisation,
            "worker": [f"w{number:02d}" for number in helped.families.worker],
            "day": helped.start,
        }
    )
    first = pd.concat([of_care, of_start]).groupby(["organisation", "worker"], sort=True)["day"].min()
    years = rng.gamma(_SHAPE, PLANTED["workers"]["mean_years_before"] / _SHAPE, size=len(first))
    start = first.to_numpy(dtype=np.int64) - 1 - np.floor(years * DAYS_PER_YEAR).astype(np.int64)
    table = first.index.to_frame(index=False).assign(start=iso_days(start))
    return table, start
