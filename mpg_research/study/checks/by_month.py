"""How complete the measurements are, by month and organisation."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.study.tables.columns import Table

__all__ = ["measured_by_month"]

#: The last so many months: a longer study would make a picture that nobody can read.
MOST_MONTHS = 36


def measured_by_month(tables: dict[str, Table], *, dated: bool) -> pd.DataFrame:
    """Families in help and families measured, per organisation and month.

    Parameters
    ----------
    tables : dict of str to Table
        Canonical tables that could be read.
    dated : bool
        Whether times are dates; else there are no calendar months.

    Returns
    -------
    DataFrame
        organisation, month ("2025-03"), in_help (families whose help ran for a part of the month) and
        measured (those of them with a measurement in it), of the last 36 months. Empty where episodes or
        measurements could not be read, or nothing is dated.
    """
    columns = ["organisation", "month", "in_help", "measured"]
    nothing = pd.DataFrame(columns=columns)
    if not dated or not {"episodes", "measurements"} <= set(tables):
        return nothing
    episodes = tables["episodes"].frame.dropna(subset=["family", "organisation", "start"])
    dates = tables["measurements"].frame[["family", "date"]].dropna()
    if episodes.empty or dates.empty:
        return nothing
    moments = _months(dates["date"])
    last = int(moments.max())
    starts = _months(episodes["start"])
    ends = (
        _months(episodes["end"].fillna(pd.Timestamp.max.floor("s"))) if "end" in episodes else starts + last
    )
    first = max(int(starts.min()), last - MOST_MONTHS + 1)
    answered = set(zip(dates["family"].astype(str), moments.tolist(), strict=True))
    rows = []
    for month in range(first, last + 1):
        runs = (starts <= month) & (ends >= month)
        here = episodes.loc[runs, ["family", "organisation"]].astype(str).drop_duplicates()
        seen = [(family, month) in answered for family in here["family"]]
        counts = here.assign(measured=seen).groupby("organisation")["measured"].agg(["size", "sum"])
        for organisation, (in_help, measured) in counts.iterrows():
            rows.append((organisation, f"{month // 12}-{month % 12 + 1:02d}", int(in_help), int(measured)))
    return pd.DataFrame(rows, columns=columns)


def _months(times: pd.Series) -> NDArray[np.int64]:
    """Months since the year 0."""
    found: NDArray[np.int64] = (times.dt.year * 12 + times.dt.month - 1).to_numpy(dtype=np.int64)
    return found
