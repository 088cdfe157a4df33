"""Organisations without any event on record: were there none, or does nobody write them down?

The data cannot tell, so the study may (``[costs] without_events``). Unless it says that there were none,
such an organisation is taken not to record events: in costs they then count as none, and a note says so; in
months without placement its families do not count, and a note says that too.
"""

import pandas as pd

from mpg_research.analysis.economics.follow_up import FollowUp
from mpg_research.analysis.economics.prices import Prices
from mpg_research.errors import Note
from mpg_research.study.model import Study

__all__ = ["recording_organisations", "silent_in_costs"]


def recording_organisations(study: Study, families: pd.DataFrame) -> frozenset[str]:
    """The organisations of these families that record events: all, where the study says so.

    Parameters
    ----------
    study : Study
        With a table ``events``.
    families : DataFrame
        family, organisation.

    Returns
    -------
    frozenset of str
    """
    home = families["organisation"].astype(str)
    if study.config.costs.without_events == "none_happened":
        return frozenset(home)
    told = families["family"].astype(str).isin(study.tables["events"]["family"].astype(str))
    return frozenset(home[told])


def silent_in_costs(study: Study, followed: FollowUp, prices: Prices) -> list[Note]:
    """That events with a price count as none at organisations without any on record.

    Parameters
    ----------
    study : Study
    followed : FollowUp
    prices : Prices

    Returns
    -------
    list of Note
        Empty or one.
    """
    events = study.tables.get("events")
    if events is None or not len(events) or "event" not in events:
        return []
    if not set(events["event"].astype(str)) & set(prices.rows["item"].astype(str)):
        return []
    every = set(followed.families["organisation"].astype(str))
    silent = len(every - recording_organisations(study, followed.families))
    if not silent:
        return []
    text = (
        f"{silent} organisations have no event on record at all; in the costs they count as having had none, "
        "which is too little if they do not write them down. If there really were none, set [costs] "
        'without_events = "none_happened" in study.toml.'
    )
    return [Note("costs_at_silent_organisations", text, {"n_organisations": silent}, "caution")]
