"""Intake and a later moment of each course, and why one of them is missing."""

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS

__all__ = ["reasons_of", "two_moments"]


def two_moments(courses: Courses, month: float | None, tolerance: float) -> pd.DataFrame:
    """Intake and a later wave of each course, one row per course.

    Parameters
    ----------
    courses : Courses
    month : float, optional
        The later moment: the wave nearest to it, at most ``tolerance`` away. By default the last wave.
    tolerance : float
        In months.

    Returns
    -------
    DataFrame
        The columns of ``courses.units`` with months_pre, pre, months_post, post; NaN where there is none.
    """
    rows = courses.rows
    intake = rows[(rows["wave"] == 0) & (rows["months"] <= BASELINE_MONTHS)]
    later = rows[rows["wave"] > 0]
    if month is None:
        chosen = later.groupby("course").tail(1)
    else:
        distance = (later["months"] - month).abs()
        near = later.assign(distance=distance)[distance <= tolerance]
        chosen = near.sort_values(["course", "distance", "months"]).drop_duplicates("course")
    before = intake[["course", "months", "score"]].rename(columns={"months": "months_pre", "score": "pre"})
    after = chosen[["course", "months", "score"]].rename(columns={"months": "months_post", "score": "post"})
    return courses.units.merge(before, on="course", how="left").merge(after, on="course", how="left")


def reasons_of(units: pd.DataFrame, method: str) -> pd.Series:
    """Why this method gives no answer; empty where it gives one."""
    reasons = np.select(
        [
            units["category"] != "not_computable",
            units["n_waves"] < 2,
            units["pre"].isna(),
            units["post"].isna(),
        ],
        ["", "one_wave", "no_intake_score", "no_later_score"],
        "no_spread_of_changes" if method == "HA" else "no_spread_of_scores",
    )
    return pd.Series(reasons, index=units.index)
