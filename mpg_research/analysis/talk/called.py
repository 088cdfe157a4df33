"""Since when a course is called, and what changed between its last two waves."""

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import COURSE_KEYS
from mpg_research.analysis.monitoring.rules import CALLS

__all__ = ["CHANCES", "called_since", "since_before"]

#: Chances that every wave has, and the limits in force.
CHANCES = (
    "chance", "limit", "line_chance", "still_limit", "no_better_chance", "worse_chance", "improving_chance",
)  # fmt: skip


def called_since(waves: pd.DataFrame) -> float:
    """Month of the first wave of the unbroken row of calls that ends with the last wave; NaN without.

    Parameters
    ----------
    waves : DataFrame
        Of one course, by time: months and signal.
    """
    called = waves["signal"].isin(CALLS).to_numpy(dtype=bool)
    if not len(called) or not called[-1]:
        return float("nan")
    quiet = np.flatnonzero(~called)
    return float(waves["months"].iloc[int(quiet[-1]) + 1 if len(quiet) else 0])


def since_before(waves: pd.DataFrame, *, sign: float, error: float) -> pd.DataFrame:
    """The last two waves of each course beside each other; courses with one wave have none.

    Parameters
    ----------
    waves : DataFrame
        Waves of courses, by time.
    sign : float
        -1 where a fall is an improvement.
    error : float
        A difference of scores up to this can be error.
    """
    shown = ("months", "score", "signal", "no_better_chance")
    rows = []
    for _, mine in waves.groupby("course", sort=False):
        if len(mine) < 2:
            continue
        before, last = mine.iloc[-2], mine.iloc[-1]
        gain = sign * (last["score"] - before["score"])
        moved = "better" if gain > error else "worse" if gain < -error else "same"
        pair = [(name, last[name]) for name in shown] + [(f"{name}_before", before[name]) for name in shown]
        rows.append({**{key: last[key] for key in COURSE_KEYS}, **dict(pair), "moved": moved})
    columns = [*COURSE_KEYS, *shown, *(f"{name}_before" for name in shown), "moved"]
    return pd.DataFrame(rows, columns=columns)
