"""From when on, and up to when, what a family costs is known.

A family counts once, from the start of its first period of help; later periods are part of what it costs.
Times are months since that start. Nobody's costs have ended for good: families come back, and events come
after the help. So follow-up stops for everybody, at the export or at the last moment of the organisation.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.good_ends import dated_periods, last_seen
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = ["FollowUp", "read_follow_up"]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Families from the start of their first help.

    Attributes
    ----------
    families : DataFrame
        One row per family: family, episode (its first period of help), organisation and worker (unique over
        organisations) of that period, start (months on the study's axis), months (since the start, up to
        which the family is followed), help_months (since the start, to the end of the first period; where it
        goes on, ``months``), help_ended (whether that period is over), last_help (to the end of the last
        period, where all are over).
    periods : DataFrame
        All periods of help of these families: unit (row of ``families``), episode, organisation, worker,
        begin and finish in months since the start of the first (infinite where it goes on).
    flow : SampleFlow
    calendar : bool
        Whether times are on a calendar: if not, all of an organisation count as seen as long as any of them.
    ends_unknown : int
        Periods that are over on an unknown date; they count as going on.
    """

    families: pd.DataFrame
    periods: pd.DataFrame
    flow: SampleFlow
    calendar: bool
    ends_unknown: int

    def unit_of(self, families: pd.Series) -> IntArray:
        """The row of ``families`` of each id; -1 where it has none, shape (n,).

        Parameters
        ----------
        families : Series
        """
        places = pd.Index(self.families["family"].to_numpy(dtype=object))
        return np.asarray(places.get_indexer(pd.Index(families.astype(str).to_numpy(dtype=object))))

    def in_help(self, unit: IntArray, at: FloatArray) -> BoolArray:
        """Whether a moment lies within a period of help of the family, shape (n,).

        Parameters
        ----------
        unit : ndarray of int, shape (n,)
            Rows of ``families``.
        at : ndarray, shape (n,)
            Months since the start.
        """
        periods = self.periods
        owner = periods["unit"].to_numpy(dtype=np.intp)
        begin, finish = (periods[name].to_numpy(dtype=float) for name in ("begin", "finish"))
        # Of periods that overlap, the one that lasts longest counts.
        latest = pd.Series(finish).groupby(owner).cummax().to_numpy(dtype=float)
        # Periods are sorted by family and begin: one axis on which families lie far apart.
        wide = 1.0 + 2.0 * max(float(np.abs(begin).max(initial=0.0)), float(np.abs(at).max(initial=0.0)))
        place = np.searchsorted(owner * wide + begin, unit * wide + at + _NEAR, side="right") - 1
        known = (place >= 0) & (owner[np.maximum(place, 0)] == unit)
        return np.asarray(known & (at <= latest[np.maximum(place, 0)] + _NEAR))

    def of(self, kept: BoolArray, code: str, text: str) -> "FollowUp":
        """Some of the families, with a step in the flow that says why.

        Parameters
        ----------
        kept : ndarray of bool, shape (families,)
        code : str
            Of the step.
        text : str
            The step in one English phrase.
        """
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        families = self.families[kept].reset_index(drop=True)
        unit = place[self.periods["unit"].to_numpy(dtype=np.intp)]
        periods = self.periods.assign(unit=unit)[unit >= 0].reset_index(drop=True)
        steps = (*self.flow.steps, FlowStep(code, text, 0, len(families), len(periods)))
        return FollowUp(families, periods, SampleFlow(steps), self.calendar, self.ends_unknown)


#: Of times in months: finer than an hour.
_NEAR = 1e-4


def read_follow_up(study: Study) -> FollowUp:
    """Put families on the time axis since their first help started.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    FollowUp

    Raises
    ------
    NotApplicableError
        If times are waves of unknown length, or no family was seen after the start of its help.
    """
    every = study.tables["episodes"]
    periods = dated_periods(study)
    steps = [
        FlowStep("helped", "helped", 0, int(every["family"].nunique()), len(every)),
        FlowStep(
            "started", "whose help started on a known date", 0, int(periods["family"].nunique()), len(periods)
        ),
    ]
    first = periods.drop_duplicates("family").reset_index(drop=True)
    until, calendar = last_seen(study, periods, first)
    start = first["start"].to_numpy(dtype=float)
    months = until - start
    unit = pd.Series(np.arange(len(first)), index=first["family"])
    owner = periods["family"].map(unit).to_numpy(dtype=np.intp)
    known_end = periods["end"].notna().to_numpy()
    laid = pd.DataFrame(
        {
            "unit": owner,
            **{name: periods[name].to_numpy(dtype=object) for name in ("episode", "organisation", "worker")},
            "begin": periods["start"].to_numpy(dtype=float) - start[owner],
            "finish": periods["end"].fillna(np.inf).to_numpy(dtype=float) - start[owner],
        }
    )
    ended = np.isfinite(first["end"].to_numpy(dtype=float)) & (first["end"].to_numpy(dtype=float) <= until)
    whole = laid.groupby("unit")["finish"].max().to_numpy(dtype=float)
    families = first[["family", "episode", "organisation", "worker", "start"]].assign(
        months=months,
        help_months=np.where(ended, first["end"].to_numpy(dtype=float) - start, months),
        help_ended=ended,
        last_help=np.where(whole <= months, whole, np.nan),
    )
    over = int((~known_end & (periods["end_reason"] != "unknown").to_numpy()).sum())
    found = FollowUp(families, laid, SampleFlow(tuple(steps)), calendar, over)
    found = found.of(months > 0, "seen_in_help", "who were seen after it started")
    if found.families.empty:
        raise NotApplicableError(
            f"In study {study.name} no family was seen after the start of its help, so what it costs is not "
            "known: see the starts of the table episodes and the export date in study.toml.",
            code="no_costs_followed",
        )
    return found
