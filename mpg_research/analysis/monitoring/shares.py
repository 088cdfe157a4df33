"""Tables of the signals: per wave, by month, and ever."""

from collections.abc import Sequence

import pandas as pd

from mpg_research.analysis.columns import CLASS, MONTHS
from mpg_research.analysis.families.courses import COURSE_KEYS
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.result import ResultTable, family_table

__all__ = ["ever_table", "shares_by_month", "wave_table"]

_MONTHS = (3.0, 6.0, 9.0, 12.0, 18.0)
_STILL_MEASURED = 2.0


def wave_table(waves: pd.DataFrame) -> ResultTable:
    """One row per wave, with its signal; never shown."""
    keys = (*COURSE_KEYS, "organisation", "wave")
    values = (
        "months", "score", "expected", "band_low", "band_high", "standing", "answer", "at_limit", "chance",
        "limit", "line_chance", "still_limit", "no_better_chance", "worse_chance", "improving_chance",
        "beyond_band", "deteriorating", "signal",
    )  # fmt: skip
    return family_table("waves", waves, keys=keys, values=values)


def shares_by_month(waves: pd.DataFrame, words: Sequence[str], level: float, *, minimum: int) -> ResultTable:
    """Signals at the last wave up to a month, of courses still measured then, where enough are."""
    pieces = []
    for month in _MONTHS:
        known = waves[(waves["months"] <= month) & (waves["wave"] > 0)].groupby("course").tail(1)
        known = known[known["months"] >= month - _STILL_MEASURED]
        if known["family"].nunique() >= minimum:
            pieces.append(share_rows(known, "signal", words, level=level).assign(months=month))
    empty = share_rows(waves.iloc[:0], "signal", words, level=level).assign(months=0.0).iloc[:0]
    data = pd.concat(pieces or [empty], ignore_index=True)
    return share_table("shares_by_month", data, MONTHS, CLASS)


def ever_table(waves: pd.DataFrame, level: float) -> ResultTable:
    """Courses by the most pressing signal that they ever had."""
    order = {"intake": 0, "cannot_tell": 0, "on_track": 1, "may_stand_still": 2, "off_track": 3}
    names = {0: "never_told", 1: "ever_on_track", 2: "ever_may_stand_still", 3: "ever_off_track"}
    worst = waves["signal"].map(order).groupby(waves["course"]).max().map(names)
    units = waves.drop_duplicates("course").set_index("course").assign(ever=worst)
    followed = waves.groupby("course")["wave"].max() > 0
    data = share_rows(units[followed], "ever", tuple(names.values()), level=level)
    return share_table("ever", data)
