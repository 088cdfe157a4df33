"""From which ends is looked, from when on each family was seen after it, and up to when.

Times are months. A family counts once, from its first good end: a reason among ``[afterwards] good_ends``,
and no next period of help that starts at once (that is the same help going on). Whoever is on record only
after the end (no score, month of care, intervention or decision before it) counts from the first such record
on: what happened to others like it before that, nobody saw (left truncation).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.help_periods import on_axis, worker_keys
from mpg_research.arrays import FloatArray
from mpg_research.errors import NotApplicableError
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = ["GoodEnds", "axis_in_months", "dated_periods", "in_months", "last_seen", "read_ends"]

_KEYS = ["family", "episode"]
#: Tables with times of a family, and their column of times; events are what is looked for.
_RECORDS = {"measurements": "date", "care": "month", "interventions": "date", "decisions": "date"}
#: Of times in months: far finer than a day.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class GoodEnds:
    """Good ends, one per family.

    Attributes
    ----------
    rows : DataFrame
        family, episode, organisation, worker (unique over organisations; the family's own where unknown),
        start and end (months on one axis), helped (months of help), end_reason, thin_line ("yes", "no",
        "not_recorded"), entry (months since the end from which the family is on record; minus infinity where
        it was before), until (months since the end up to which it was seen), renewed (months since the end
        at which its next period of help started; infinite where none did).
    flow : SampleFlow
    calendar : bool
        Whether times are on a calendar: if not, all of an organisation count as seen as long as any of them.
    """

    rows: pd.DataFrame
    flow: SampleFlow
    calendar: bool


def in_months(times: pd.Series, study: Study) -> FloatArray:
    """Dates or numbers of a study as months on one axis; NaN where unknown, shape (n,).

    Parameters
    ----------
    times : Series
    study : Study
    """
    found = on_axis(times, study.config.time.unit_in_months) * axis_in_months(study)
    return np.asarray(found.to_numpy(dtype=float))


def axis_in_months(study: Study) -> float:
    """Length of one unit of the time axis in months.

    Raises
    ------
    NotApplicableError
        If times are waves of unknown length.
    """
    days = study.config.time.days_per_axis_unit
    if days is None:
        raise NotApplicableError(
            "Times are waves of unknown length, so what came within some months of an end is not known. Say "
            "how long a wave is: [time] months_per_unit in study.toml.",
            code="afterwards_by_waves",
        )
    return days / DAYS_PER_MONTH


def read_ends(study: Study) -> GoodEnds:
    """The first good end of every family.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    GoodEnds

    Raises
    ------
    NotApplicableError
        If no help ended, none ended well (or no reason is known), or nobody could be seen after it.
    """
    settings = study.config.afterwards
    periods = dated_periods(study)
    steps = [_step("helped", "helped", periods)]
    over = periods[np.isfinite(periods["end"])]
    steps.append(_step("ended", "whose help ended on a known date", over))
    if over.empty:
        raise NotApplicableError(
            f"In study {study.name} no help has ended on a known date yet, so there is nothing after it.",
            code="no_ends",
        )
    well = over[over["end_reason"].isin(settings.good_ends)]
    steps.append(_step("ended_well", "whose help ended well", well))
    if well.empty:
        raise NotApplicableError(
            f"In study {study.name} no help ended in a way that counts as good "
            f"({', '.join(settings.good_ends)}), as far as reasons of ends are known.",
            code="no_good_ends",
        )
    apart = settings.same_help_days / DAYS_PER_MONTH
    left = well[~(well["next_start"] - well["end"] < apart)]
    steps.append(_step("not_continued", "without a next period of help at once", left))
    first = left.sort_values(["family", "end", "episode"], kind="stable").drop_duplicates("family")
    until, calendar = last_seen(study, periods, first)
    entry = _first_record(study, first)
    rows = first.assign(
        helped=first["end"] - first["start"],
        entry=np.where(entry > 0, np.round(entry, _DECIMALS), -np.inf),
        until=np.round(until - first["end"].to_numpy(), _DECIMALS),
        renewed=np.round((first["next_start"] - first["end"]).fillna(np.inf), _DECIMALS),
    )
    seen = rows[(rows["until"] > 0) & (rows["until"] > rows["entry"])].reset_index(drop=True)
    steps.append(_step("seen_after", "who could be seen after it", seen))
    if seen.empty:
        raise NotApplicableError(
            f"In study {study.name} no family could be seen after a good end: the export lies before it.",
            code="nobody_seen_afterwards",
        )
    return GoodEnds(seen.drop(columns="next_start"), SampleFlow(tuple(steps)), calendar)


def _step(code: str, text: str, rows: pd.DataFrame) -> FlowStep:
    return FlowStep(code, text, 0, int(rows["family"].nunique()), len(rows))


def dated_periods(study: Study) -> pd.DataFrame:
    """All periods of help with a start, in months, with the start of the next one of the family."""
    table = study.tables["episodes"].drop_duplicates(_KEYS)
    text = {name: table[name].astype(str) for name in (*_KEYS, "organisation")}
    reason = (
        table["end_reason"] if "end_reason" in table else pd.Series(None, index=table.index, dtype=object)
    )
    end = table["end"] if "end" in table else pd.Series(np.nan, index=table.index)
    kept = pd.Series("not_recorded", index=table.index, dtype=object)
    if "thin_line" in table:
        line = table["thin_line"].astype("boolean")
        kept = kept.mask(line.fillna(False), "yes").mask(~line.fillna(True), "no")
    frame = pd.DataFrame(
        {
            **text,
            "worker": worker_keys(table.assign(**text)),
            "start": in_months(table["start"], study),
            "end": in_months(end, study),
            "end_reason": reason.astype(object).where(reason.notna(), "unknown"),
            "thin_line": kept,
        }
    )
    frame = frame[np.isfinite(frame["start"])]
    frame = frame[~(frame["end"] < frame["start"])]
    frame = frame.sort_values(["family", "start", "episode"], kind="stable")
    frame = frame.reset_index(drop=True)
    following = frame.groupby("family")["start"].shift(-1)
    found: pd.DataFrame = frame.assign(next_start=following)
    return found


def last_seen(study: Study, periods: pd.DataFrame, rows: pd.DataFrame) -> tuple[FloatArray, bool]:
    """Up to when each family was seen, on the axis; and whether that follows from a calendar."""
    export = study.config.study.export_date
    dates = study.config.time.kind == "dates"
    if dates and export is not None:
        return np.full(len(rows), in_months(pd.Series([pd.Timestamp(export)]), study)[0]), True
    home = dict(zip(periods["family"], periods["organisation"], strict=True))
    pieces = [periods[["organisation", "start"]].set_axis(["organisation", "at"], axis=1)]
    pieces.append(periods[["organisation", "end"]].set_axis(["organisation", "at"], axis=1))
    for name, column in {**_RECORDS, "events": "date"}.items():
        table = study.tables.get(name)
        if table is not None and len(table):
            where = table["family"].astype(str).map(home)
            pieces.append(pd.DataFrame({"organisation": where, "at": in_months(table[column], study)}))
    latest = pd.concat(pieces, ignore_index=True).groupby("organisation")["at"].max()
    calendar = dates or periods["start"].nunique() > 1
    return rows["organisation"].map(latest).to_numpy(dtype=float), calendar


def _first_record(study: Study, rows: pd.DataFrame) -> FloatArray:
    """Months from the end to the first record of each family, where that lies after it; else negative."""
    first = pd.Series(np.inf, index=pd.Index(rows["family"], name="family"))
    for name, column in _RECORDS.items():
        table = study.tables.get(name)
        if table is None or not len(table):
            continue
        times = pd.Series(in_months(table[column], study), index=table["family"].astype(str))
        earlier = times.groupby(level=0).min().reindex(first.index)
        first = first.where(~(earlier < first), earlier)
    after = first.to_numpy(dtype=float) - rows["end"].to_numpy(dtype=float)
    # Whoever has no record at all is known from the period of help itself.
    return np.where(np.isfinite(after), after, -1.0)
