"""What is on record as the first thing after a good end: a renewed start, or an event such as a placement.

Every event has its own last moment watched. A renewed start is on record up to the export. Events are known
where an organisation keeps that table at all. Where two come on one day the gravest is the first: an event in
the order of ``[afterwards] events``, then a renewed start. Worse scores are known at waves only, and stand
apart (:mod:`~mpg_research.analysis.afterwards.worsening_tables`).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.good_ends import GoodEnds, in_months
from mpg_research.arrays import FloatArray
from mpg_research.study.model import Study

__all__ = ["RENEWED", "WORSE", "FirstEvents", "first_events", "first_of_record"]

RENEWED, WORSE = "renewed_start", "reliable_worsening"


@dataclass(frozen=True, slots=True)
class FirstEvents:
    """The first event of every family after its good end.

    Attributes
    ----------
    rows : DataFrame
        Those of the good ends with time (months to the first event, or up to when it was seen) and cause
        (0 without one, else the place in ``causes`` plus 1).
    causes : tuple of str
    watched : ndarray, shape (n, k)
        Up to when each family was watched for each cause.
    n_silent : int
        Organisations that never recorded an event, of any family.
    came_late : int
        Families that are on record only after the end.
    left_out : int
        Families on record only after their first event.
    times : ndarray, shape (n, k)
        Months to each event, infinite where it did not come.
    """

    rows: pd.DataFrame
    causes: tuple[str, ...]
    watched: FloatArray
    n_silent: int
    came_late: int
    left_out: int
    times: FloatArray

    def of(self, chosen: np.ndarray) -> "FirstEvents":
        """Some of the families, shape (n,)."""
        return replace(
            self,
            rows=self.rows[chosen].reset_index(drop=True),
            watched=self.watched[chosen],
            times=self.times[chosen],
        )


def first_events(study: Study, ends: GoodEnds) -> FirstEvents:
    """Put the first events together.

    Parameters
    ----------
    study : Study
    ends : GoodEnds
    """
    rows = ends.rows
    events, recording = _events(study, ends)
    settings = study.config.afterwards
    names = [name for name in settings.events if events is not None]
    times = {name: _first_of(events, rows, name) for name in names}
    referred = _first_of(events, rows, "renewed_referral")
    renewed = np.minimum(rows["renewed"].to_numpy(dtype=float), referred)
    until = rows["until"].to_numpy(dtype=float)
    known = rows["organisation"].isin(recording).to_numpy(dtype=bool)
    watched = {name: np.where(known, until, -np.inf) for name in names}
    times[RENEWED], watched[RENEWED] = np.where(renewed <= until, renewed, np.inf), until
    times = {name: np.where(at <= watched[name], at, np.inf) for name, at in times.items()}
    by_grave = np.stack(list(times.values()), axis=1)
    first = by_grave.min(axis=1)
    grave = list(times)
    shown = [name for name in (RENEWED, *names) if name in times]
    place = np.array([shown.index(name) + 1 for name in grave])
    cause = np.where(np.isfinite(first), place[by_grave.argmin(axis=1)], 0)
    time = np.minimum(first, until)
    table = rows.assign(time=time, cause=cause)
    there = (time > rows["entry"].to_numpy()) & (time > 0)
    came_late = int(np.isfinite(rows["entry"]).sum())
    everywhere = study.tables["episodes"]["organisation"].astype(str)
    silent = len(set(everywhere) - recording) if names else 0
    columns = np.stack([watched[name] for name in shown], axis=1)
    return FirstEvents(
        table[there].reset_index(drop=True), tuple(shown), columns[there], silent, came_late,
        int((~there).sum()), np.stack([times[name] for name in shown], axis=1)[there],
    )  # fmt: skip


def first_of_record(events: FirstEvents, kept: tuple[str, ...]) -> FirstEvents:
    """The first of some of the events, of the families that were watched for all of them up to the export.

    Parameters
    ----------
    events : FirstEvents
    kept : tuple of str
    """
    places = [events.causes.index(name) for name in kept]
    until = events.rows["until"].to_numpy(dtype=float)
    whole = (events.watched[:, places] >= until[:, None]).all(axis=1)
    mine = events.of(np.asarray(whole))
    times, until = mine.times[:, places], until[whole]
    # The gravest of one day comes first: the events, then a renewed start.
    order = [place for place, name in enumerate(kept) if name != RENEWED]
    order += [place for place, name in enumerate(kept) if name == RENEWED]
    first = times[:, order].argmin(axis=1)
    earliest = times.min(axis=1)
    cause = np.where(np.isfinite(earliest), np.array(order)[first] + 1, 0)
    rows = mine.rows.assign(time=np.minimum(earliest, until), cause=cause)
    there = (rows["time"] > rows["entry"]).to_numpy()
    return replace(
        mine,
        rows=rows[there].reset_index(drop=True),
        causes=kept,
        watched=np.repeat(until[there][:, None], len(kept), axis=1),
        times=times[there],
    )


def _events(study: Study, ends: GoodEnds) -> tuple[pd.DataFrame | None, set[str]]:
    """Events after the end (family, event, months since it), and the organisations that record any."""
    table = study.tables.get("events")
    if table is None or not len(table):
        return None, set()
    episodes = study.tables["episodes"]
    families = table["family"].astype(str)
    home = episodes[["family", "organisation"]].astype(str)
    recording = set(home.loc[home["family"].isin(set(families)), "organisation"])
    frame = pd.DataFrame(
        {"family": families, "event": table["event"].astype(str), "at": in_months(table["date"], study)}
    )
    found = frame.merge(ends.rows[["family", "end"]], on="family")
    found["months"] = np.round(found["at"] - found["end"], 6)
    return found[found["months"] > 0], recording


def _first_of(events: pd.DataFrame | None, rows: pd.DataFrame, name: str) -> FloatArray:
    if events is None:
        return np.full(len(rows), np.inf)
    first = events[events["event"] == name].groupby("family")["months"].min()
    return rows["family"].map(first).fillna(np.inf).to_numpy(dtype=float)
