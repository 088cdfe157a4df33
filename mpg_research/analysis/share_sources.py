"""Which families improved reliably, stopped early, or were measured at the month: outcomes of yes and no."""

import pandas as pd

from mpg_research.analysis.frame import ModelFrame
from mpg_research.analysis.quality import DROP_OUT_REASONS
from mpg_research.errors import MpgError
from mpg_research.study.model import CourseFrame, Study

__all__ = ["share_sources"]

#: A family counts as measured at the month when it was at most this far from it, in months.
_WINDOW = 1.5


def share_sources(
    study: Study, course: CourseFrame, frame: ModelFrame, month: float
) -> dict[str, pd.DataFrame]:
    """What the data tell of each outcome: family, episode, event; empty where they tell nothing.

    Parameters
    ----------
    study : Study
    course : CourseFrame
        The scores in force.
    frame : ModelFrame
    month : float
        The primary month.
    """
    return {
        "reliably_improved": _improved(study, course),
        "dropped_out": _dropped_out(study),
        "measured": _measured(frame, month),
    }


def _improved(study: Study, course: CourseFrame) -> pd.DataFrame:
    """Episodes with a reliable change computed: family, episode, event (improved)."""
    from mpg_research.analysis.individual_change import reliable_change

    try:
        found = reliable_change(
            study,
            instrument=course.instrument,
            outcome=course.outcome,
            respondents="declared",
            episodes=course.episodes,
        )
    except MpgError:
        # Without a reliability or a second moment there is no such indicator; the others stand.
        return _none()
    table = found.tables["families"].data
    known = table[table["category"] != "not_computable"]
    return known.assign(event=known["category"] == "improved")[["family", "episode", "event"]]


def _dropped_out(study: Study) -> pd.DataFrame:
    episodes = study.tables["episodes"]
    if "end_reason" not in episodes.columns:
        return _none()
    ended = episodes[episodes["end_reason"].notna()]
    return ended.assign(event=ended["end_reason"].isin(DROP_OUT_REASONS))[["family", "episode", "event"]]


def _measured(frame: ModelFrame, month: float) -> pd.DataFrame:
    keys = ["family", "episode"]
    near = frame.data[keys].assign(event=(frame.data["months"] - month).abs() <= _WINDOW)
    return near.groupby(keys, as_index=False)["event"].any()


def _none() -> pd.DataFrame:
    return pd.DataFrame({"family": pd.Series(dtype=str), "episode": "", "event": pd.Series(dtype=bool)})
