"""What was recorded before the start or after the end of the help that it belongs to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.study.config.study_toml import DAYS_PER_MONTH, StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.scoring.place_in_time import assign_episodes
from mpg_research.study.tables.columns import Table

__all__ = ["check_outside_help"]

_REMEDY = "Correct the date or the episode. What lies outside the help does not count as a part of it."


@dataclass(frozen=True, slots=True)
class _Kept:
    """How a table is looked at: its time, its words, and whether it may go on after the end."""

    time: str
    code: str
    one: str
    many: str
    after_end: bool = False
    remedy: str = _REMEDY


_TABLES = {
    "interventions": _Kept(
        "date", "intervention", "an intervention", "interventions",
        remedy="Correct the date or the episode. As it is, no page counts it as something that was done.",
    ),
    "care": _Kept("month", "care", "a month of care", "months of care"),
    "practice": _Kept("date", "practice", "a score of practice", "scores of practice"),
    "events": _Kept("date", "event", "an event", "events", after_end=True),
    "decisions": _Kept("date", "decision", "a decision", "decisions"),
    "domains": _Kept("date", "domain", "a severity", "severities", after_end=True),
    "goals": _Kept("date", "goal", "a score of a goal", "scores of goals", after_end=True),
}  # fmt: skip


def check_outside_help(
    name: str, table: Table, episodes: pd.DataFrame, config: StudyConfig, findings: Findings
) -> None:
    """Rows of a day on which their family had no help: one warning each, or one for many.

    Parameters
    ----------
    name : str
        Of the table; those that are not about what happened in the help are passed over.
    table : Table
        Canonical.
    episodes : DataFrame
        Canonical and numbered, with ``start`` and ``end``.
    config : StudyConfig
    findings : Findings
        Receives the problems.

    Notes
    -----
    The weeks before the start that count as time zero are for measurements: what was done about help that
    stands still cannot lie before that help. A month of care lies outside where no day of it is in the help.
    Events, domains and goals may go on after the end: that is what came of it.
    """
    kept = _TABLES.get(name)
    if kept is None:
        return
    frame = table.frame.rename(columns={kept.time: "date"})
    position = assign_episodes(frame, episodes, config)
    own = episodes.iloc[np.maximum(position, 0)].reset_index(drop=True)
    date = frame["date"].reset_index(drop=True)
    known = position >= 0
    first = own["start"]
    if kept.time == "month" and config.time.kind == "dates":
        first = first.dt.to_period("M").dt.to_timestamp()

    def day(times: pd.Series, place: int) -> str:
        value = times.iloc[place]
        return value.date().isoformat() if isinstance(value, pd.Timestamp) else f"{value:g}"

    remedy, early = kept.remedy, date < first
    if name in ("care", "events") and config.tables.prices is not None:
        early &= ~_declared(date, first, config)
        remedy += " If costs of the months before the help are recorded: before_help_months in [costs]."
    for code, mask, word, side in (
        (f"{kept.code}_before_start", early, "before", own["start"]),
        (f"{kept.code}_after_end", date > own["end"], "after", own["end"]),
    ):
        if word == "after" and kept.after_end:
            continue
        end = "start" if word == "before" else "end"
        findings.add_rows(
            code, table.places, kept.time, mask.to_numpy(dtype=bool, na_value=False) & known,
            lambda place, word=word, end=end, side=side: (  # type: ignore[misc]
                f"{kept.one} on {day(date, place)}, {word} the {end} of the episode ({day(side, place)})"
            ),
            expected="a day during the help of that episode" if not kept.after_end
            else "a day on or after the start of that episode",
            remedy=remedy if word == "before" else kept.remedy, severity="warning",
            together=f"{kept.many} lie {word} the {end} of their episode",
        )  # fmt: skip


def _declared(date: pd.Series, first: pd.Series, config: StudyConfig) -> pd.Series:
    """Rows before the start of which ``[costs] before_help_months`` says that they are recorded."""
    months = config.costs.before_help_months
    if config.time.kind == "dates":
        return date >= first - pd.Timedelta(days=round(months * DAYS_PER_MONTH))
    return date >= first - months / config.time.unit_in_months
