"""From when to when a study was, as every reader may know it: months, each of at least so many families.

The first day on which anybody's help started is one family's, and so is the last measurement. What may be
said is the month by whose end ``minimum_families`` families had started, the month in which the last so many
began to start, and the month up to which so many families have data.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["study_months"]


def study_months(tables: "Mapping[str, pd.DataFrame]", minimum: int) -> tuple[str, ...]:
    """The months of a study that no few families decide.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of a study, ``episodes`` and ``measurements`` among them.
    minimum : int
        How many families must stand behind a month (``[disclosure] minimum_families``).

    Returns
    -------
    tuple of str
        The first and the last month of starts and the last month of data, as "2025-12". Empty where time is
        counted in numbers, or there are fewer families.
    """
    import pandas as pd

    episodes, measurements = tables["episodes"], tables["measurements"]
    days = pd.api.types.is_datetime64_any_dtype
    if not days(episodes["start"]) or not days(measurements["date"]):
        return ()
    starts = episodes.dropna(subset=["start"]).groupby("family")["start"]
    first, last = starts.min().sort_values(), starts.max().sort_values()
    if len(first) < minimum:
        return ()
    every = [episodes[["family", name]].set_axis(["family", "day"], axis=1) for name in ("start", "end")]
    every.append(measurements[["family", "date"]].set_axis(["family", "day"], axis=1))
    everything = pd.concat([each.dropna(subset=["day"]) for each in every], ignore_index=True)
    data = everything.groupby("family")["day"].max().sort_values()
    ends = (first.iloc[minimum - 1], last.iloc[-minimum], data.iloc[-minimum])
    return tuple(f"{day:%Y-%m}" for day in ends)
