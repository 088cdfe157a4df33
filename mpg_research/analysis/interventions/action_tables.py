"""Tables of what was done after signals; the families behind each number are counted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    CLASS,
    EACH_ORGANISATION,
    SHARE,
    Column,
    coded,
    key_column,
    number_of,
    quantile,
)
from mpg_research.analysis.families.shares import join_small, share_rows, share_table
from mpg_research.analysis.interventions.moments import ACTIONS
from mpg_research.analysis.interventions.records import Records
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.cumulative_incidence import cumulative_incidence

__all__ = [
    "action_quantiles",
    "answer_tables",
    "flow_tables",
    "record_table",
    "time_tables",
    "unprompted_tables",
]

ANSWERS = ("discussed", "measured_again", "never_discussed")
#: How the family stood later, as the flows tell it: cells must not be too small.
WITHOUT_SIGNAL = ("on_track", "cannot_tell")
NOT_SEEN = ("help_ended", "not_measured")
LATER = ("no_signal", "signal", "not_seen")
PROMPTED = ("soon_after_signal", "later_after_signal", "no_signal_before")
_QUARTILES = {"weeks_first_quarter": 0.25, "weeks_half": 0.5, "weeks_third_quarter": 0.75}
_CODE = coded("intervention", adds_up="families")
_ROLE = coded("role", adds_up="families")
_SIGNAL = coded("signal", adds_up="families")
UNKNOWN_ROLE = "unknown"
#: Of times in weeks: far finer than a day, coarser than what differences of fractions leave.
_DECIMALS = 6


def answer_tables(moments: pd.DataFrame, *, level: float, minimum: int) -> list[ResultTable]:
    """What came within the grace: in all, by organisation, with which code and by which role.

    ``after_first_signal`` is about the families: whether anything was ever done from their first signal on.
    """
    followed = moments[moments["could_act"]]
    acted = followed[followed["action"] == "acted"]
    roles = acted.assign(role=acted["role"].replace("", UNKNOWN_ROLE))
    families = followed[followed["first"]]
    answer = np.select([np.isfinite(families["wait"]), families["measured_after"]], ANSWERS[:2], ANSWERS[2])
    families = families.assign(answer=answer)
    return [
        share_table("answered", share_rows(followed, "action", ACTIONS, level=level)),
        share_table(
            "answered_by_organisation",
            share_rows(followed, "action", ACTIONS, by=("organisation",), level=level),
            EACH_ORGANISATION,
            CLASS,
        ),
        _kinds("first_interventions", acted, "code", _CODE, level=level, minimum=minimum),
        _kinds("first_roles", roles, "role", _ROLE, level=level, minimum=minimum),
        share_table("after_first_signal", share_rows(families, "answer", ANSWERS, level=level)),
        share_table(
            "after_first_signal_by_organisation",
            share_rows(families, "answer", ANSWERS, by=("organisation",), level=level),
            EACH_ORGANISATION,
            CLASS,
        ),
    ]


def _kinds(
    name: str, rows: pd.DataFrame, column: str, key: Column, *, level: float, minimum: int
) -> ResultTable:
    """Shares of the kinds there are, the small ones taken together so that no row has to be withheld."""
    kinds = sorted(rows[column].unique())
    merged = join_small(rows, column, kinds, minimum=minimum)
    present = [kind for kind in (*kinds, *sorted(set(merged) - set(kinds))) if kind in set(merged)]
    data = share_rows(rows.assign(merged=merged), "merged", present, level=level)
    return share_table(name, data.rename(columns={"class": key.name}), key)


def unprompted_tables(
    interventions: pd.DataFrame, workers: pd.Series, prompted: pd.Series, *, level: float
) -> list[ResultTable]:
    """Of the interventions: soon after the beginning of a signal, later, or without any signal before them.

    Parameters
    ----------
    interventions : DataFrame
        ``frame`` of the records.
    workers : Series
        The worker of each row's period of help, for intervals that allow for who worked together.
    prompted : Series
        From :func:`~mpg_research.analysis.interventions.moments.placed_actions`.
    level : float
    """
    units = interventions.assign(prompted=prompted.to_numpy(), worker=workers.to_numpy())
    apart = share_rows(units, "prompted", PROMPTED, by=("organisation",), level=level)
    return [
        share_table("prompted", share_rows(units, "prompted", PROMPTED, level=level)),
        share_table("prompted_by_organisation", apart, EACH_ORGANISATION, CLASS),
    ]


def flow_tables(moments: pd.DataFrame, *, level: float) -> list[ResultTable]:
    """From signal to action, and from action to how the family stood later; each adds up to all.

    Of the signals whose family could be seen so long. Here help that ended within the grace counts as without
    an intervention, and whoever was not measured at the later moment as not seen then, so that cells are not
    too small. Over the actions, and over the signals before each of them, families add up to numbers that
    stand in the other table.
    """
    seen = moments[moments["could_act"] & moments["could_be_seen"]]
    seen = seen.assign(
        action=np.where(seen["action"] == "acted", "acted", "not_acted"),
        state=seen["state"].replace(
            {**dict.fromkeys(WITHOUT_SIGNAL, "no_signal"), **dict.fromkeys(NOT_SEEN, "not_seen")}
        ),
    )
    found = []
    for name, of, to, froms, tos, key in (
        ("signal_to_action", "signal", "action", CALLS, ACTIONS[:2], _SIGNAL),
        ("action_to_state", "action", "state", ACTIONS[:2], LATER, coded("action")),
    ):
        pairs = [(one, other) for one in froms for other in tos if (seen[of] == one).any()]
        paths = [f"{one} {other}" for one, other in pairs]
        data = share_rows(seen.assign(path=seen[of] + " " + seen[to]), "path", paths, level=level)
        data[of] = [one for one, _ in pairs] if len(data) else pd.Series(dtype=object)
        data[to] = [other for _, other in pairs] if len(data) else pd.Series(dtype=object)
        found.append(share_table(name, data, key, coded(to, adds_up="families")))
    return found


def time_tables(moments: pd.DataFrame, until: Sequence[float], *, per_week: float) -> list[ResultTable]:
    """How soon something was done: shares per stretch of weeks, and quartiles.

    Parameters
    ----------
    moments : DataFrame
        From :func:`~mpg_research.analysis.interventions.moments.moments_of`.
    until : sequence of float
        Ends of the stretches, in weeks, increasing.
    per_week : float
        Units of the time axis in a week.

    Notes
    -----
    Aalen-Johansen: the end of help competes, the export censors. A stretch beyond the longest time that
    anybody was seen has no row. The share without an intervention by then, in help or not, closes the table.
    """
    time, ended, kind = _time_to_action(moments, per_week)
    longest = float(moments["seen"].max()) / per_week if len(moments) else 0.0
    kept = [week for week in until if week <= longest + 1e-9]
    rows, before, known = [], 0.0, np.zeros(len(moments), dtype=bool)
    for week in kept:
        share = cumulative_incidence(time, ended, kind, at=week + 1e-9).estimate
        by_then = ended & (kind == 1) & (time <= week + 1e-9)
        rows.append((f"until_{week:g}", share - before, *_behind(moments[by_then & ~known])))
        before, known = share, by_then
    if kept:
        rows.append(("later_or_never", 1 - before, *_behind(moments[~known])))
    columns = ["stretch", "share_of_signals", "n_families", "n_organisations"]
    data = pd.DataFrame(rows, columns=columns).assign(n_group=len(moments))
    of_signals = SHARE[0].but(name="share_of_signals", of="n_group")
    stretches = ResultTable(
        "how_soon",
        data,
        columns=(coded("stretch", adds_up="families"), of_signals, number_of("n_group", of="families")),
    )
    found = action_quantiles(time, ended, kind, tuple(_QUARTILES.values()))
    behind = dict(zip(("n_families", "n_organisations"), _behind(moments), strict=True))
    one = pd.DataFrame([{**dict(zip(_QUARTILES, found, strict=True)), **behind}])
    declared = tuple(quantile(name, at, digits=0) for name, at in _QUARTILES.items())
    return [stretches, ResultTable("weeks_to_action", one, columns=declared)]


def _time_to_action(moments: pd.DataFrame, per_week: float) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """Weeks to the first intervention, the end of help or the export; whether one of the first two came;
    and 1 where it was the intervention.
    """
    wait, left, seen = (moments[name].to_numpy(dtype=float) for name in ("wait", "left", "seen"))
    acted = (wait <= left + 1e-9) & np.isfinite(wait)
    gone = ~acted & np.isfinite(left)
    time = np.where(acted, wait, np.where(gone, left, seen))
    longest = float(seen[np.isfinite(seen)].max(initial=0.0))
    time = np.where(np.isfinite(time), time, max(longest, 1.0))
    weeks: FloatArray = np.round(time / per_week, _DECIMALS)  # so that ends on one day stay together
    return weeks, acted | gone, acted.astype(float)


def action_quantiles(
    time: FloatArray, ended: np.ndarray, kind: FloatArray, shares: Sequence[float]
) -> tuple[float, ...]:
    """The first whole week by which each share of the signals had an intervention; NaN where never.

    Parameters
    ----------
    time, ended, kind
        As for :func:`~mpg_research.statistics.survival.cumulative_incidence.cumulative_incidence`, in weeks.
    shares : sequence of float
        Between 0 and 1.
    """
    if not len(time):
        return (float("nan"),) * len(shares)
    weeks = np.unique(np.ceil(time[ended & (kind == 1)] - 1e-9))
    reached = [cumulative_incidence(time, ended, kind, at=week + 1e-9).estimate for week in weeks]
    found = []
    for share in shares:
        enough = [week for week, part in zip(weeks, reached, strict=True) if part >= share - 1e-12]
        found.append(float(enough[0]) if enough else float("nan"))
    return tuple(found)


def record_table(records: Records, families: int) -> ResultTable:
    """What became of the records: used, or left out for a reason. Who they are about is not counted apart."""
    reasons = {"used": len(records.frame), **records.left_out}
    rows = [(reason, number) for reason, number in reasons.items() if number or reason == "used"]
    data = pd.DataFrame(rows, columns=["record_state", "n_records"])
    return ResultTable(
        "records",
        data.assign(n_families=families),
        columns=(key_column("record_state").but(meaning="label"), number_of("n_records", of="records")),
    )


def _behind(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows["family"].nunique()), int(rows["organisation"].nunique())
