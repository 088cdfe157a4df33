"""Courses as a swimmer and a spaghetti plot would show them, in groups instead of single families."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import CLASS, MONTHS, coded, key_column, observed, quantile
from mpg_research.analysis.families.shares import OR_RARE, TOGETHER, join_small
from mpg_research.analysis.result import ResultTable
from mpg_research.statistics.courses.course_answer import ANSWERS

__all__ = ["STARTS", "lane_table", "score_band_table", "strand_table"]

_PERCENTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
#: Lanes per answer, and strands per third, at most; fewer where one would hold too few families.
_PARTS = 4
#: Months between the points of a strand.
_STEP = 3.0
#: Thirds of the families by their first score.
STARTS = ("low_start", "middle_start", "high_start")


def lane_table(waves: pd.DataFrame, *, minimum: int) -> ResultTable:
    """Lanes of a swimmer plot, each the average of ten families or more.

    Parameters
    ----------
    waves : DataFrame
        course, wave, family, organisation, months, answer; sorted by course and months.

    Returns
    -------
    ResultTable
        ``lanes(lane, class, months_to_answer, months_measured)``: courses with one answer at their last wave,
        cut by how long they were measured; the mean month from which on that answer stood (NaN where there
        is none to wait for), and the mean month of the last wave.
    """
    ends = _ends(waves)
    ends["class"] = join_small(ends, "class", ANSWERS, minimum=minimum)
    rows: list[tuple[object, ...]] = []
    for name in (*ANSWERS, *OR_RARE.values(), TOGETHER):
        mine = ends[ends["class"] == name].sort_values(["months_measured", "course"], kind="stable")
        for lane in _cut(mine, minimum):
            waited = lane["months_to_answer"].mean() if name in ANSWERS[:-1] else np.nan
            counts = lane["family"].nunique(), lane["organisation"].nunique()
            rows.append((len(rows) + 1, name, waited, lane["months_measured"].mean(), *counts))
    values = ("months_to_answer", "months_measured")
    data = pd.DataFrame(rows, columns=["lane", "class", *values, "n_families", "n_organisations"])
    columns = (key_column("lane", adds_up="families"), CLASS, *(observed(name) for name in values))
    return ResultTable("lanes", data, columns=columns)


def strand_table(waves: pd.DataFrame, *, minimum: int) -> ResultTable:
    """Strands of a spaghetti plot, each the mean of a group of families.

    Parameters
    ----------
    waves : DataFrame
        course, family, organisation, months, score; sorted by course and months.

    Returns
    -------
    ResultTable
        ``strands(start, strand, months, mean)``: observed means every three months of families that started
        in the same third of the scores, put together in order of their change from the first to the last
        wave (strand 1: the largest fall).
    """
    scores = waves.groupby("course")["score"]
    first, change = scores.first(), scores.last() - scores.first()
    units = waves.drop_duplicates("course").assign(
        first=lambda d: d["course"].map(first), change=lambda d: d["course"].map(change)
    )
    thirds = units["first"].quantile([1 / 3, 2 / 3]).to_numpy()
    units["start"] = np.select(
        [units["first"] <= thirds[0], units["first"] <= thirds[1]], STARTS[:2], STARTS[2]
    )
    strand: dict[int, tuple[str, int]] = {}
    for start in STARTS:
        mine = units[units["start"] == start].sort_values(["change", "course"], kind="stable")
        for number, part in enumerate(_cut(mine, minimum), start=1):
            strand |= dict.fromkeys(part["course"], (start, number))
    data = waves.assign(at=_STEP * np.round(waves["months"] / _STEP))
    data["start"], data["strand"] = zip(*data["course"].map(strand), strict=True)
    keys = ["start", "strand", "at"]
    means = data.groupby([*keys, "family", "organisation"], as_index=False)["score"].mean()
    found = means.groupby(keys).agg(
        mean=("score", "mean"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    )
    table = found.reset_index().rename(columns={"at": "months"})
    table["start"] = pd.Categorical(table["start"], STARTS)
    table = table.sort_values(["start", "strand", "months"], ignore_index=True)
    table["start"] = table["start"].astype(str)
    columns = (coded("start"), key_column("strand", adds_up="families"), MONTHS, observed("mean"))
    return ResultTable("strands", table, columns=columns)


def score_band_table(waves: pd.DataFrame) -> ResultTable:
    """Percentiles of the families' scores around each whole month; a family counts once."""
    near = waves.assign(at=np.round(waves["months"]))
    means = near.groupby(["at", "family", "organisation"], as_index=False)["score"].mean()
    grouped = means.groupby("at")
    names = [f"p{round(100 * share)}" for share in _PERCENTILES]
    data = grouped["score"].quantile(list(_PERCENTILES)).unstack().set_axis(names, axis=1)
    data["n_families"] = grouped["family"].nunique()
    data["n_organisations"] = grouped["organisation"].nunique()
    data = data.reset_index().rename(columns={"at": "months"})
    columns = (MONTHS, *(quantile(name, at) for name, at in zip(names, _PERCENTILES, strict=True)))
    return ResultTable("score_bands", data, columns=columns)


def _ends(waves: pd.DataFrame) -> pd.DataFrame:
    """Per course its last answer, since when it stands, and the month of its last wave."""
    last = waves.groupby("course").tail(1)[["course", "family", "organisation", "months", "answer"]]
    last = last.rename(columns={"answer": "class", "months": "months_measured"}).reset_index(drop=True)
    final = waves["course"].map(last.set_index("course")["class"])
    other = waves[waves["answer"] != final].groupby("course")["wave"].max()
    from_wave = (waves["course"].map(other).fillna(-1) + 1) == waves["wave"]
    stands = waves[from_wave].set_index("course")["months"]
    return last.assign(months_to_answer=last["course"].map(stands))


def _cut(ordered: pd.DataFrame, minimum: int) -> Sequence[pd.DataFrame]:
    """Consecutive parts with ``minimum`` families or more each; one part if there are fewer in all."""
    for parts in range(_PARTS, 0, -1):
        cuts = np.array_split(np.arange(len(ordered)), parts)
        found = [ordered.iloc[places] for places in cuts]
        if all(part["family"].nunique() >= minimum for part in found):
            return found
    return [ordered] if len(ordered) else []
