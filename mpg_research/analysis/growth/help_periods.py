"""Every period of help: how long it lasted or was seen, how it ended, whether it could have reached a month.

One definition for all pages. A family could have reached month m where its help started m months or longer
before the export; families who were never measured count too. Where times are numbers that start at the same
number for everybody there is no calendar: all families of an organisation then count as having been able to
reach a month that any of them is known to have reached.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Note
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import AS_CONFIGURED, Scores

__all__ = [
    "DROP_OUT_REASONS",
    "NEAR_MONTHS",
    "HelpPeriods",
    "help_periods",
    "on_axis",
    "periods_of_course",
    "worker_keys",
]

#: End reasons that count as drop-out (CBS codes 03 and 04).
DROP_OUT_REASONS = ("early_client", "early_provider")
#: A score counts for a month when it was at most this far from it, in months or in waves.
NEAR_MONTHS, _NEAR_WAVES = 1.5, 0.5
#: Twelve calendar months are 365 or 366 days, and month 12 is 365.25 days: two days make no difference.
_SLACK = 2 / DAYS_PER_MONTH
_KEYS = ["family", "episode"]


@dataclass(frozen=True, slots=True)
class HelpPeriods:
    """The periods of help of a study, one row each, looked at with one month in mind.

    Attributes
    ----------
    rows : DataFrame
        family, episode, organisation (its key), worker (unique over organisations), ended (bool), time
        (months to the end, or to the last moment seen), reach (months for which the period could have been
        seen; infinite without a calendar), end_reason ("still_in_help" without an end; "unknown" without a
        reason), part (how much of the end counts as drop-out: 1 or 0, or the organisation's share of drop-out
        among its ends with a reason; NaN where it has none, and where the study has no reasons).
    course : CourseFrame
        The scores in force.
    month : float
    near : float
        A score counts for a month when it was at most this far from it.
    notes : tuple of Note
    """

    rows: pd.DataFrame
    course: CourseFrame
    month: float
    near: float
    notes: tuple[Note, ...]

    def could_reach(self, month: float) -> NDArray[np.bool_]:
        """Which periods started long enough before the export, shape (n,)."""
        return np.asarray(self.rows["reach"] >= month - _SLACK, dtype=bool)

    def in_help(self, month: float) -> NDArray[np.bool_]:
        """Which periods had not ended before the month, as far as they were seen, shape (n,)."""
        return np.asarray(~self.rows["ended"] | (self.rows["time"] >= month - _SLACK), dtype=bool)

    def measured(self, month: float) -> NDArray[np.bool_]:
        """Which periods have a score around the month, shape (n,)."""
        data = self.course.data
        near = data[(data["months"] - month).abs() <= self.near]
        found = set(zip(near["family"].astype(str), near["episode"].astype(str), strict=True))
        return np.array(
            [key in found for key in zip(*(self.rows[k] for k in _KEYS), strict=True)], dtype=bool
        )


def help_periods(
    study: Study,
    *,
    month: float,
    scores: Scores = AS_CONFIGURED,
) -> HelpPeriods:
    """Put the periods of help of a study together.

    Parameters
    ----------
    study : Study
        A loaded study.
    month : float
        The month that the indicators are about.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. With ``episodes="first"`` a family has one period:
        the first with a score, or the first of all where it was never measured.

    Returns
    -------
    HelpPeriods

    Notes
    -----
    Periods without a start, and periods that are over on an unknown date and were never measured, are left
    out. A period that is over on an unknown date counts as over after its last measurement. Without an export
    date an organisation's last date of any kind stands in for it.
    """
    course = course_frame(study, scores=scores)
    table = _chosen(study, course)
    unit = study.config.time.unit_in_months
    start = on_axis(table["start"], unit)
    end = on_axis(table["end"], unit) if "end" in table else pd.Series(np.nan, index=table.index)
    reasons = (
        table["end_reason"] if "end_reason" in table else pd.Series(None, index=table.index, dtype=object)
    )
    last = table[_KEYS].merge(_last_scores(course), on=_KEYS, how="left")["months"].to_numpy(dtype=float)
    over = end.notna() | reasons.notna()
    lasted = (end - start).where(end.notna(), pd.Series(last, index=table.index)).clip(lower=0.0)
    seen, reach = _seen(study, table, start, lasted.fillna(0.0), last, month)
    kept = np.asarray(start.notna() & (seen >= 0) & ~(over & lasted.isna()), dtype=bool)
    rows = pd.DataFrame(
        {
            **{name: table[name] for name in (*_KEYS, "organisation")},
            "worker": worker_keys(table),
            "ended": over,
            "time": np.where(over, lasted, seen),
            # Whoever was seen to the end could have been seen so long.
            "reach": np.where(over, np.fmax(reach, lasted.fillna(0.0)), reach),
            "end_reason": np.where(over, reasons.astype(object).where(reasons.notna(), "unknown"), _STILL),
        }
    )[kept].reset_index(drop=True)
    rows["part"] = _parts(rows, known="end_reason" in table)
    near = _NEAR_WAVES if study.time_unit == "waves" else NEAR_MONTHS
    undated = int((over & end.isna()).to_numpy(dtype=bool).sum())
    return HelpPeriods(rows, course, month, near, tuple(_notes(study, rows, undated, reach)))


def periods_of_course(study: Study, course: CourseFrame, *, month: float) -> HelpPeriods:
    """The periods of help behind a course of scores: :func:`help_periods` with the choices in force there."""
    return help_periods(study, month=month, scores=course.scores)


_STILL = "still_in_help"


def _chosen(study: Study, course: CourseFrame) -> pd.DataFrame:
    """The periods that count: all, or one per family."""
    table = study.tables["episodes"].reset_index(drop=True).copy()
    for name in (*_KEYS, "organisation"):
        table[name] = table[name].astype(str)
    if "worker" not in table:
        table["worker"] = None
    first = course.data.drop_duplicates(_KEYS)
    scored = dict(
        zip(
            zip(first["family"].astype(str), first["episode"].astype(str), strict=True),
            first["organisation"].astype(str),
            strict=True,
        )
    )
    keys = list(zip(table["family"], table["episode"], strict=True))
    # Where a family was measured, its organisation is the one that its scores are counted for.
    table["organisation"] = [scored.get(key, of) for key, of in zip(keys, table["organisation"], strict=True)]
    if course.episodes == "all":
        return table
    without = [key not in scored for key in keys]
    ordered = table.assign(_without=without).sort_values(
        ["family", "_without", "start", "episode"], kind="stable"
    )
    chosen = ordered.drop_duplicates("family").drop(columns="_without")
    return chosen.sort_index().reset_index(drop=True)


def worker_keys(table: pd.DataFrame) -> pd.Series:
    """Workers unique over organisations, by row; where none is known, the family's own.

    Parameters
    ----------
    table : DataFrame
        family and organisation as text, and worker where the study has it.
    """
    if "worker" not in table:
        return table["family"] + "/own"
    named = table["organisation"] + "/" + table["worker"].astype(str)
    return named.where(table["worker"].notna(), table["family"] + "/own")


def on_axis(times: pd.Series, unit: float) -> pd.Series:
    """Dates or numbers in units of the study's time axis (months where times are dates); NaN where unknown.

    Parameters
    ----------
    times : Series
    unit : float
        Of numbers, in units of the axis.
    """
    if pd.api.types.is_datetime64_any_dtype(times):
        days = (times - pd.Timestamp(0)).dt.total_seconds() / 86400
        return days / DAYS_PER_MONTH
    return pd.to_numeric(times, errors="coerce").astype(float) * unit


def _last_scores(course: CourseFrame) -> pd.DataFrame:
    last: pd.DataFrame = course.data.groupby(_KEYS, as_index=False)[["months"]].max()
    return last.assign(**{name: last[name].astype(str) for name in _KEYS})


def _seen(
    study: Study,
    table: pd.DataFrame,
    start: pd.Series,
    lasted: pd.Series,
    last: NDArray[np.float64],
    month: float,
) -> tuple[pd.Series, pd.Series]:
    """Months for which a period that goes on was seen, and for which each could have been seen."""
    organisation = table["organisation"]
    dates = study.config.time.kind == "dates"
    if not dates and start.nunique() < 2:
        furthest = np.fmax(lasted, last)
        of_all = pd.Series(furthest, index=table.index).groupby(organisation).transform("max")
        near = _NEAR_WAVES if study.time_unit == "waves" else NEAR_MONTHS
        return of_all, of_all.where(of_all < month - near, np.inf)
    export = study.config.study.export_date
    if dates and export is not None:
        until = pd.Series(on_axis(pd.Series([pd.Timestamp(export)]), 1.0)[0], index=table.index)
    else:
        latest = pd.DataFrame({"at": np.fmax(start + np.fmax(lasted, np.nan_to_num(last)), start)})
        until = latest["at"].groupby(organisation).transform("max")
    return until - start, until - start


def _parts(rows: pd.DataFrame, *, known: bool) -> pd.Series:
    """How much of each end counts as drop-out."""
    if not known:
        return pd.Series(np.nan, index=rows.index)
    given = rows["ended"] & (rows["end_reason"] != "unknown")
    dropped = rows["end_reason"].isin(DROP_OUT_REASONS).astype(float)
    share = dropped.where(given).groupby(rows["organisation"]).transform("mean")
    nobody_over = ~rows["ended"].groupby(rows["organisation"]).transform("any")
    return dropped.where(given, share).where(~nobody_over, 0.0)


def _notes(study: Study, rows: pd.DataFrame, undated: int, reach: pd.Series) -> list[Note]:
    notes = []
    if np.isinf(reach).any():
        text = (
            "Times are numbers without a calendar, so when a family could have been measured is not known: "
            "all families of an organisation count as having been able to reach the month that one reached."
        )
        notes.append(Note("no_calendar", text))
    elif study.config.study.export_date is None:
        text = (
            "study.toml gives no export date: help without an end counts as seen up to the last date in the "
            "data of its organisation."
        )
        notes.append(Note("no_export_date", text))
    if undated:
        text = (
            f"{undated} periods of help are over on an unknown date; they count as over after the last score."
        )
        notes.append(Note("ends_without_date", text, {"n_periods": undated}, "caution"))
    without = int((rows["end_reason"] == "unknown").sum())
    if without and rows["part"].notna().any():
        text = (
            f"{without} periods of help ended without a reason; they count as those of the same organisation "
            "that ended with one."
        )
        notes.append(Note("ends_without_reason", text, {"n_periods": without}, "caution"))
    return notes
