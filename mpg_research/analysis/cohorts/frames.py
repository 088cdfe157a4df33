"""Families by when they started: the columns of growth models in which periods of start have a course.

A period of start takes the place that organisations have in a comparison of organisations: a course of its
own as a fixed effect. Organisations are then adjusted for: few as indicators that act on level and change,
many as random level and slope (in the place of workers).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mpg_research.analysis.growth.model_frame import Covariate, ModelFrame
from mpg_research.study.model import Study

__all__ = [
    "FAMILIES_NEAR",
    "StartedFrame",
    "adjust_for",
    "adjust_for_organisations",
    "connected",
    "group_by",
    "near",
    "started",
    "with_a_course",
]

#: A period of start is compared when at least so many of its families were measured near the start and so
#: many near the month; otherwise its change there would only be a line that is continued.
FAMILIES_NEAR = 5
#: A family is measured near a moment when it was at most this far from it, in months ...
_WINDOW = 1.5
#: ... and at most this share of the time between the two moments.
_WINDOW_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class StartedFrame:
    """A model's frame of families whose date of start is known.

    Attributes
    ----------
    frame : ModelFrame
    start : Series
        Date of start of each row of ``frame.data``.
    """

    frame: ModelFrame
    start: pd.Series

    def only(self, rows: "pd.Series[bool]") -> "StartedFrame":
        """Some of the rows; the case mix stays centred at the families that are left."""
        data = self.frame.data[rows].reset_index(drop=True)
        return StartedFrame(_recentred(self.frame, data), self.start[rows].reset_index(drop=True))


def started(frame: ModelFrame, study: Study) -> StartedFrame:
    """The families whose date of start is known; none where starts are no dates."""
    episodes = study.tables["episodes"]
    start = pd.Series(pd.NaT, index=episodes.index)
    if "start" in episodes.columns and not pd.api.types.is_numeric_dtype(episodes["start"]):
        start = pd.to_datetime(episodes["start"], errors="coerce")
    dates = pd.DataFrame(
        {"family": episodes["family"].astype(str), "episode": episodes["episode"].astype(str), "start": start}
    ).drop_duplicates(["family", "episode"])
    found = frame.data[["family", "episode"]].merge(dates, on=["family", "episode"], how="left")["start"]
    return StartedFrame(frame, found).only(found.notna())


def near(data: pd.DataFrame, month: float) -> "tuple[pd.Series[bool], pd.Series[bool]]":
    """Which measurements lie near the start, and which near the month."""
    window = min(_WINDOW, _WINDOW_SHARE * month)
    return data["months"] <= window, (data["months"] - month).abs() <= window


def with_a_course(data: pd.DataFrame, group: pd.Series, month: float) -> tuple[list[str], pd.Series]:
    """The groups that were followed to the month, and families measured near it by group.

    Parameters
    ----------
    data : DataFrame
        Rows of measurements.
    group : Series
        Label of each row.
    month : float
    """
    early, late = near(data, month)
    labels = sorted(group.unique())
    seen_early, seen_late = (
        data["family"][rows].groupby(group[rows]).nunique().reindex(labels, fill_value=0)
        for rows in (early, late)
    )
    kept = [label for label in labels if min(int(seen_early[label]), int(seen_late[label])) >= FAMILIES_NEAR]
    return kept, seen_late


def group_by(frame: ModelFrame, group: pd.Series) -> ModelFrame:
    """The same frame with other groups in the place of organisations, in the order of their labels."""
    labels = sorted(group.unique())
    codes = {label: f"o{number:03d}" for number, label in enumerate(labels, start=1)}
    data = frame.data.assign(organisation=group.map(codes))
    return replace(frame, data=data, organisations={code: label for label, code in codes.items()})


def adjust_for(frame: ModelFrame, indicators: Mapping[str, "pd.Series[bool]"], name: str) -> ModelFrame:
    """The same frame with one more covariate per indicator, centred at the average family."""
    first = ~frame.data.duplicated(["family", "episode"])
    added, columns = [], {}
    for number, (level, rows) in enumerate(indicators.items(), start=len(frame.covariates) + 1):
        values = rows.astype(float)
        centre = float(values[first].mean())
        column = f"covariate_{number}"
        added.append(Covariate(name, level, column, centre))
        columns[column] = values - centre
    data = pd.concat([frame.data, pd.DataFrame(columns, index=frame.data.index)], axis=1)
    return replace(frame, data=data, covariates=(*frame.covariates, *added))


def adjust_for_organisations(
    frame: ModelFrame, group: pd.Series, *, many: int
) -> tuple[ModelFrame, bool | None, bool]:
    """A frame in which organisations are adjusted for; what to say of workers; whether it could be done.

    Organisations and groups that share no families (one organisation, one year) cannot be told apart;
    then nothing is adjusted.
    """
    organisation = frame.data["organisation"].astype(str)
    counts = frame.data["family"].groupby(organisation).nunique()
    if len(counts) < 2:
        return frame, None, True
    if not connected(organisation, group):
        return frame, None, False
    if len(counts) >= many:
        return replace(frame, data=frame.data.assign(worker=organisation)), True, True
    largest = str(counts.index[int(np.argmax(counts.to_numpy()))])
    others = {str(code): organisation == code for code in counts.index if code != largest}
    return adjust_for(frame, others, "organisation"), None, True


def connected(first: pd.Series, second: pd.Series) -> bool:
    """Whether two groupings hang together: every one can be reached from every other through families."""
    rows, columns = pd.factorize(first)[0], pd.factorize(second)[0]
    n, m = int(rows.max()) + 1, int(columns.max()) + 1
    links = coo_array((np.ones(len(rows)), (rows, columns + n)), shape=(n + m, n + m))
    n_parts, _ = connected_components(links, directed=False)
    return bool(n_parts == 1)


def _recentred(frame: ModelFrame, data: pd.DataFrame) -> ModelFrame:
    """The frame of a part of the rows; a covariate that is the same for all of them falls out."""
    first = ~data.duplicated(["family", "episode"])
    kept, changed = [], {}
    for covariate in frame.covariates:
        values = data[covariate.column]
        if values.nunique() < 2:
            continue
        shift = float(values[first].mean())
        changed[covariate.column] = values - shift
        kept.append(replace(covariate, centre=covariate.centre + shift))
    return replace(frame, data=data.assign(**changed), covariates=tuple(kept))
