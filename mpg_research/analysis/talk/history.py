"""What happened with one family beside its scores: what was done, decided, changed, and helped before."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.interventions.records import read_happenings, read_interventions
from mpg_research.arrays import FloatArray
from mpg_research.study.model import Study
from mpg_research.study.scoring.place_in_time import assign_episodes, place_in_time

__all__ = ["History", "family_history", "read_decisions"]

#: Columns of what happened: what is "intervention", "event", "worker_change" or "decision".
_MOMENT = ["episode", "months", "what", "code", "reason"]


@dataclass(frozen=True, slots=True)
class History:
    """One family's history, on the time axis of one of its periods of help.

    Attributes
    ----------
    moments : DataFrame
        episode, months (since the start of the chosen period; below zero before it), what, code, reason
        (of a decision).
    earlier : DataFrame
        episode, months, months_end: earlier periods of help; months_end is NaN where its end is not known.
    """

    moments: pd.DataFrame
    earlier: pd.DataFrame


def family_history(study: Study, courses: Courses, family: str, episode: str) -> History:
    """Everything that is recorded of a family, and its earlier periods of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    courses : Courses
        Of all respondents and periods.
    family, episode : str
        The time axis is that of this period of help.
    """
    begins = _starts(study, family, episode)
    found = []
    for records, kind in (
        (read_interventions(study, courses), "intervention"),
        (read_happenings(study, courses), "event"),
    ):
        mine = records.frame[records.frame["family"].astype(str) == family]
        code = mine["code" if kind == "intervention" else "what"].astype(str)
        change = code == "worker_change"
        what = np.where(change & (kind == "event"), "worker_change", kind)
        found.append(mine.assign(what=what, code=code.where(~change, ""), reason=""))
    decided = read_decisions(study)
    found.append(decided[decided["family"] == family].assign(what="decision"))
    moments = pd.concat([frame.reindex(columns=_MOMENT) for frame in found], ignore_index=True)
    offset = moments["episode"].map(begins.set_index("episode")["months"])
    moments = moments.assign(months=moments["months"].astype(float) + offset.astype(float))
    moments = moments[moments["months"].notna()].sort_values(["months", "what", "code"], kind="stable")
    earlier = begins[begins["months"] < 0][["episode", "months", "months_end"]]
    return History(moments.reset_index(drop=True), earlier.reset_index(drop=True))


def read_decisions(study: Study) -> pd.DataFrame:
    """The decisions that were written down: family, episode, months (since its start), code, reason.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    DataFrame
        Sorted by family, episode and months; empty where the study has no such table. A decision of no known
        period of help is left out (``mpg check`` says which families are not known).
    """
    table = study.tables.get("decisions")
    columns = ["family", "episode", "months", "code", "reason"]
    if table is None or table.empty:
        return pd.DataFrame(columns=columns)
    frame, episodes = table.reset_index(drop=True), study.tables["episodes"].reset_index(drop=True)
    position = assign_episodes(frame, episodes, study.config)
    own = episodes.iloc[np.maximum(position, 0)].reset_index(drop=True)
    months, _ = place_in_time(frame["date"], own["start"], own["end"], study.config)
    reason = frame["reason"] if "reason" in frame else pd.Series("", index=frame.index)
    made = pd.DataFrame(
        {
            "family": frame["family"].astype(str),
            "episode": own["episode"].astype(str),
            "months": months,
            "code": frame["decision"].astype(str),
            "reason": reason.fillna("").astype(str),
        }
    )
    known = made[(position >= 0) & made["months"].notna()]
    return known.sort_values(["family", "episode", "months"], kind="stable").reset_index(drop=True)


def _starts(study: Study, family: str, episode: str) -> pd.DataFrame:
    """The family's periods of help on the axis of one of them: episode, months, months_end."""
    episodes = study.tables["episodes"]
    mine = episodes[episodes["family"].astype(str) == family].reset_index(drop=True)
    names = mine["episode"].astype(str)
    zero = mine.loc[[int(np.argmax((names == episode).to_numpy()))] * len(mine), "start"].reset_index(
        drop=True
    )
    never = pd.Series([None] * len(mine), dtype=mine["end"].dtype)

    def since(times: pd.Series) -> FloatArray:
        later, _ = place_in_time(times, zero, never, study.config)
        earlier, _ = place_in_time(zero, times, never, study.config)
        return np.asarray(np.where((times < zero).to_numpy(dtype=bool, na_value=False), -earlier, later))

    return pd.DataFrame({"episode": names, "months": since(mine["start"]), "months_end": since(mine["end"])})
