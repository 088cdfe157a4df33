"""The random part of the growth model: families, respondents, episodes, workers and organisations."""

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.growth.rule import FamilyPart, spline_term
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note

__all__ = [
    "BEND",
    "SERIES",
    "bend",
    "family_part",
    "family_term",
    "known_workers",
    "other_terms",
    "serial_column",
    "without_bend",
]

#: Column in which families, and random organisations, differ from the common course beside a straight line.
BEND = "bend"
#: Column of the series within which residuals carry on.
SERIES = "series"
#: A random slope needs families whose own line leaves something over: this many with three moments.
_FAMILIES_FOR_SLOPE = 3
#: A random bend needs this many families with four moments, and more than three moments on average.
_FAMILIES_FOR_BEND = 10
#: Knots of a family's own spline.
_FAMILY_KNOTS = 4
#: From this many workers with on average two families each, workers enter the model by default.
_WORKERS_FOR_EFFECT = 10
_FAMILIES_PER_WORKER = 2.0
#: Measurements of one series closer than this (months), or than half the usual distance, are in series apart:
#: what differs between two answers of one week is not what carries on from month to month.
_NEAR = 0.25


def bend(months: FloatArray) -> FloatArray:
    """The bend that courses differ in: log(1 + months), much of it in the first months."""
    result: FloatArray = np.log1p(np.maximum(months, 0.0))
    return result


def family_part(data: pd.DataFrame, wanted: FamilyPart) -> tuple[FamilyPart, list[Note]]:
    """What each family can have of its own, and a note where that is less than wanted."""
    moments = data.groupby(["family", "respondent", "episode"])["months"].nunique()
    moments = moments.groupby(level=0).max()
    for_bend = int(moments.sum()) > 3 * len(moments) and int((moments >= 4).sum()) >= _FAMILIES_FOR_BEND
    for_line = len(data) > 2 * len(moments) and int((moments >= 3).sum()) >= _FAMILIES_FOR_SLOPE
    if wanted == "level" or (wanted == "line" and for_line):
        return wanted, []
    if wanted != "line" and for_bend and for_line:
        return wanted, []
    if for_line:
        return "line", [without_bend()]
    text = (
        "Families have too few measurements each to see how their courses differ, so the model lets "
        "families differ in level only."
    )
    return "level", [Note("no_random_slope", text, {}, "caution")]


def without_bend() -> Note:
    """The note that families differ along a straight line only."""
    text = (
        "Families have too few measurements each to see how their courses bend, so the model lets families "
        "differ from the common course in level and slope only."
    )
    return Note("no_random_bend", text, {}, "caution")


def family_term(data: pd.DataFrame, part: FamilyPart) -> str:
    """The families' term of the formula."""
    if part == "spline":
        months = data["months"].to_numpy(float)
        return f"(1 + {spline_term(months, 'root', n_knots=_FAMILY_KNOTS)} | family)"
    own = {"level": "1", "line": "1 + months", "bend": f"1 + months + {BEND}"}
    return f"({own[part]} | family)"


def other_terms(
    frame: ModelFrame, data: pd.DataFrame, organisation: str | bool, *, worker: bool, own_bend: bool
) -> list[str]:
    """The random terms beside the families': respondents, episodes, workers and organisations.

    Raises
    ------
    ModelError
        If organisations are to be random and there is one.
    """
    terms = []
    for column in ("respondent", "episode"):
        if data.groupby("family")[column].nunique().max() > 1:
            terms.append(f"(1 | family:{column})")
    if worker:
        terms.append("(1 + months || worker)")
    if organisation == "random":
        if len(frame.organisations) < 2:
            raise ModelError("A random effect of organisations needs at least two organisations; found one.")
        terms.append(f"(1 + months{f' + {BEND}' if own_bend else ''} | organisation)")
    return terms


def serial_column(data: pd.DataFrame) -> pd.Series:
    """The series of each row within which residuals carry on: family, respondent and episode.

    Answers of one series that lie almost together (twice at intake, a correction some days later) are put
    in series apart.
    """
    codes = data.groupby(["family", "respondent", "episode"], sort=True).ngroup().to_numpy()
    months = data["months"].to_numpy(float)
    order = np.lexsort((months, codes))
    together = np.diff(codes[order]) == 0
    gaps = np.diff(months[order])
    usual = gaps[together & (gaps > 0)]
    near = min(_NEAR, 0.5 * float(np.median(usual))) if len(usual) else 0.0
    lane = np.zeros(len(data), dtype=int)
    crowded = set(codes[order][1:][together & (gaps <= near)].tolist())
    for rows in np.split(order, np.flatnonzero(~together) + 1) if crowded else ():
        if codes[rows[0]] in crowded:
            lane[rows] = _lanes(months[rows], near)
    return pd.Series(codes + lane * (int(codes.max()) + 1), index=data.index)


def _lanes(months: FloatArray, near: float) -> list[int]:
    """For increasing months the first lane whose last month lies far enough back."""
    last: list[float] = []
    lanes = []
    for month in months.tolist():
        free = next((place for place, earlier in enumerate(last) if month - earlier > near), len(last))
        last[free : free + 1] = [month]
        lanes.append(free)
    return lanes


def known_workers(data: pd.DataFrame, worker: bool | None, notes: list[Note]) -> tuple[pd.DataFrame, bool]:
    """The data with a worker in every row where workers enter the model, and whether they do.

    A family without a known worker counts as having one of its own: nothing is known of whom it shares them
    with. By default workers enter where ten or more are known with two families on average.

    Raises
    ------
    ModelError
        If workers are asked for and none is known.
    """
    known = data["worker"].notna()
    if worker is None:
        families = data[known].groupby("worker")["family"].nunique()
        enough = len(families) >= _WORKERS_FOR_EFFECT and float(families.mean()) >= _FAMILIES_PER_WORKER
        if not enough:
            return data, False
    elif not worker:
        return data, False
    elif not known.any():
        raise ModelError(
            f"None of the {len(data)} measurements has a known worker, so workers cannot enter the model. "
            "Complete the column worker of the episodes, or leave workers out (worker=False)."
        )
    if known.all():
        return data, True
    of_families = int(data.loc[~known, "family"].nunique())
    text = (
        f"Of {int((~known).sum())} of {len(data)} measurements ({of_families} families) the worker is not "
        "known; in the model each of these families has a worker of its own."
    )
    values = {"n_rows": int((~known).sum()), "n_all": len(data), "n_unknown": of_families}
    notes.append(Note("workers_unknown", text, values))
    own = data["organisation"] + "/\x1f" + data["family"]
    return data.assign(worker=data["worker"].where(known, own)), True
