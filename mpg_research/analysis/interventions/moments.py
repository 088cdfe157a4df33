"""The moments at which a signal began, what was done after each, and how the family stood half a year later.

A moment is the first wave of a spell of waves that are off track or may be standing still. All times are in
the unit of the study's time axis; weeks are turned into it by its length in days.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.monitoring.rules import CALLS

__all__ = [
    "ACTIONS",
    "NO_ACTION_SEEN",
    "STATES",
    "Windows",
    "moments_of",
    "placed_actions",
]

#: What came within the weeks asked for.
ACTIONS = ("acted", "not_acted", "help_ended")
#: How the family stood later; "signal" is off track or perhaps standing still.
STATES = ("on_track", "cannot_tell", "signal", "help_ended", "not_measured")
#: The code of a moment after which no intervention is recorded.
NO_ACTION_SEEN = ""
#: Several different interventions on the first day on which one was used.
SEVERAL = "several_on_one_day"
_KEYS = ["family", "episode"]
#: Moments in days are compared as fractions of months.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Windows:
    """How long after a signal is looked, in units of the time axis.

    Attributes
    ----------
    grace : float
        Within this time an intervention counts as an answer to the signal.
    later : float
        When the family is looked at again.
    near : float
        How far from that moment a measurement may lie.
    """

    grace: float
    later: float
    near: float


def moments_of(
    waves: pd.DataFrame, interventions: pd.DataFrame, periods: HelpPeriods, windows: Windows
) -> pd.DataFrame:
    """One row per moment at which a signal began.

    Parameters
    ----------
    waves : DataFrame
        Table ``waves`` of :class:`~mpg_research.analysis.monitoring.signals.Signals`, of one respondent per
        family.
    interventions : DataFrame
        ``frame`` of :func:`~mpg_research.analysis.interventions.records.read_interventions`.
    periods : HelpPeriods
        How long each period of help lasted or was seen.
    windows : Windows

    Returns
    -------
    DataFrame
        family, episode, organisation, worker, months, signal; wait (time to the first intervention on or
        after the day of the signal; infinite without), code and role of that intervention; left (time to the
        end of help, infinite where none was seen), seen (time to the export); could_act and could_be_seen
        (whether the export lies late enough for either window); action (one of ACTIONS, where could_act),
        state (one of STATES, where could_be_seen), first (whether it is the family's first moment
        in this period of help) and measured_after (whether any wave follows).
    """
    course = [*_KEYS, "respondent"]
    ordered = waves.sort_values([*course, "wave"], kind="stable").reset_index(drop=True)
    marked = ordered["signal"].isin(CALLS)
    before = marked.groupby([ordered[name] for name in course]).shift(fill_value=False)
    found = ordered[marked & ~before.astype(bool)]
    found = found[[*_KEYS, "organisation", "months", "signal", "wave"]]
    of_period = periods.rows[[*_KEYS, "worker", "ended", "time", "reach"]].drop_duplicates(_KEYS)
    found = found.merge(of_period, on=_KEYS, how="inner").reset_index(drop=True)
    months = found["months"].to_numpy(dtype=float)
    found["left"] = np.where(found["ended"], np.maximum(found["time"] - months, 0.0), np.inf)
    found["seen"] = np.maximum(found["reach"] - months, 0.0)
    found = found.join(_first_action(found, interventions))
    wait, left = found["wait"].to_numpy(dtype=float), found["left"].to_numpy(dtype=float)
    found["could_act"] = found["seen"] >= windows.grace - _TOLERANCE
    found["could_be_seen"] = found["seen"] >= windows.later + windows.near - _TOLERANCE
    acted, gone = wait <= windows.grace + _TOLERANCE, left < windows.grace - _TOLERANCE
    found["action"] = np.select([acted, gone], ["acted", "help_ended"], "not_acted")
    found["state"] = _states(found, ordered, windows)
    found["first"] = ~found.duplicated(_KEYS)
    last = ordered.groupby(_KEYS)["wave"].max().reindex(pd.MultiIndex.from_frame(found[_KEYS]))
    found["measured_after"] = last.to_numpy() > found["wave"].to_numpy()
    return found.drop(columns=["wave", "ended", "time", "reach"])


def _first_action(moments: pd.DataFrame, interventions: pd.DataFrame) -> pd.DataFrame:
    """wait, code and role of the first intervention on or after each moment; by rows of ``moments``."""
    pairs = moments[[*_KEYS, "months"]].reset_index(names="row")
    pairs = pairs.merge(interventions, on=_KEYS, suffixes=("", "_of_action"))
    pairs["wait"] = pairs["months_of_action"].astype(float) - pairs["months"].astype(float)
    pairs = pairs[pairs["wait"] >= -_TOLERANCE]
    soonest = pairs.groupby("row")["wait"].transform("min")
    on_first_day = pairs[pairs["wait"] <= soonest + _TOLERANCE]
    chosen = on_first_day.groupby("row").agg(wait=("wait", "min"), code=("code", _only), role=("role", _only))
    chosen = chosen.reindex(moments.index)
    wait = chosen["wait"].fillna(np.inf).clip(lower=0.0)
    return chosen.assign(
        wait=wait, code=chosen["code"].fillna(NO_ACTION_SEEN), role=chosen["role"].fillna("")
    )


def _only(values: pd.Series) -> str:
    """The one value, or that there are several."""
    different = values.unique()
    return str(different[0]) if len(different) == 1 else SEVERAL


def _states(moments: pd.DataFrame, waves: pd.DataFrame, windows: Windows) -> NDArray[np.object_]:
    """How each family stood at the wave nearest to the later moment."""
    pairs = moments[[*_KEYS, "months"]].reset_index(names="row")
    pairs = pairs.merge(waves[[*_KEYS, "months", "signal"]], on=_KEYS, suffixes=("", "_of_wave"))
    off = (pairs["months_of_wave"].astype(float) - pairs["months"].astype(float) - windows.later).abs()
    pairs = pairs.assign(off=off)[off <= windows.near + _TOLERANCE]
    nearest = pairs.sort_values(["row", "off", "months_of_wave"], kind="stable").drop_duplicates("row")
    known: pd.Series = nearest.set_index("row")["signal"].replace(dict.fromkeys(CALLS, "signal"))
    over = moments["left"].to_numpy(dtype=float) < windows.later - _TOLERANCE
    found = known.reindex(moments.index).to_numpy(dtype=object)
    return np.where(pd.isna(found), np.where(over, "help_ended", "not_measured"), found)


def placed_actions(waves: pd.DataFrame, interventions: pd.DataFrame, windows: Windows) -> pd.Series:
    """Whether each intervention came soon after the beginning of a signal, later, or with none before it.

    Parameters
    ----------
    waves, interventions, windows
        As in :func:`moments_of`.

    Returns
    -------
    Series of str
        In the order of ``interventions``: "soon_after_signal" (a signal began on that day or no longer before
        than the grace), "later_after_signal" (some earlier wave had a signal), "no_signal_before".
    """
    course = [*_KEYS, "respondent"]
    ordered = waves.sort_values([*course, "wave"], kind="stable")
    marked = ordered["signal"].isin(CALLS)
    before = marked.groupby([ordered[name] for name in course]).shift(fill_value=False)
    signals = ordered.assign(begins=marked & ~before.astype(bool))[marked][[*_KEYS, "months", "begins"]]
    pairs = interventions[[*_KEYS, "months"]].reset_index(drop=True).reset_index(names="row")
    pairs = pairs.merge(signals, on=_KEYS, suffixes=("", "_of_signal"))
    since = pairs["months"].astype(float) - pairs["months_of_signal"].astype(float)
    earlier = since >= -_TOLERANCE
    soon = earlier & pairs["begins"] & (since <= windows.grace + _TOLERANCE)
    rows = np.arange(len(interventions))
    return pd.Series(
        np.select(
            [np.isin(rows, pairs.loc[soon, "row"]), np.isin(rows, pairs.loc[earlier, "row"])],
            ["soon_after_signal", "later_after_signal"],
            "no_signal_before",
        ),
        index=interventions.index,
    )
