"""What families used: hours, visits, meetings, agencies, events and interventions, on the time axis."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.good_ends import in_months
from mpg_research.analysis.economics.follow_up import FollowUp
from mpg_research.analysis.economics.missing_care import month_numbers, months_without_care
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import Study
from mpg_research.study.schemas import CARE_ITEMS

__all__ = ["CARE_ITEMS", "NETWORK_MEETING", "Uses", "read_uses"]

NETWORK_MEETING = "network_meeting"
_AGENCY_MONTH = "agency_month"
_DAY = 1 / DAYS_PER_MONTH
#: Of times in months: finer than an hour.
_NEAR = 1e-4


@dataclass(frozen=True, slots=True)
class Uses:
    """What was used, whether it has a price or not.

    Attributes
    ----------
    rows : DataFrame
        unit (row of the families of :class:`FollowUp`), period (row of its periods; -1 where not known),
        item (categorical), begin and finish (months since the start of the first help; the same for what
        happens at one moment), quantity (above zero).
    left_out : dict of str to int
        Records that do not count, by reason.
    not_filled : dict of str to int
        Months of care in which an item is not filled in, by item, where the study has its column.
    recorded : frozenset of str
        Tables among care, events and interventions that have rows.
    has_care : ndarray of bool, shape (families,)
        Whether a family has a month of care on record.
    without_care : ndarray of int, shape (families,)
        Whole months inside its help without a row of care, where the study has the table.
    """

    rows: pd.DataFrame
    left_out: dict[str, int]
    not_filled: dict[str, int]
    recorded: frozenset[str]
    has_care: BoolArray
    without_care: IntArray


def read_uses(study: Study, followed: FollowUp) -> Uses:
    """Put what was used on the time axis of each family.

    Parameters
    ----------
    study : Study
        A loaded study.
    followed : FollowUp
        The families, with their starts.

    Returns
    -------
    Uses

    Notes
    -----
    A row of care is a calendar month. That of the month in which help starts begins at the start, that in
    which it ends finishes at the end, and what is used in it is taken to be spread evenly over it. Where two
    periods of help of a family share a month, hours, visits and meetings of both rows add up; its agencies
    are taken to be the same and count once, by the row with most of them. Network meetings are those of care
    at organisations that record any there, else those among the interventions. What was used before the
    start counts as far back as ``[costs] before_help_months`` says that it is on record.
    """
    left_out: dict[str, int] = {}
    pieces: list[pd.DataFrame] = []
    not_filled: dict[str, int] = {}
    has_care = np.zeros(len(followed.families), dtype=bool)
    without_care: IntArray = np.zeros(len(followed.families), dtype=np.intp)
    in_care: set[str] = set()
    care = _located(study, followed, "care", "month", left_out)
    if care is not None:
        month = month_numbers(care.table["month"], study)
        care_rows, not_filled = _care_rows(care, month, left_out)
        has_care[care.unit] = True
        without_care = months_without_care(study, followed, care.unit, month)
        in_care = set(_organisations(followed, care_rows[care_rows["item"] == NETWORK_MEETING]))
        pieces.append(care_rows)
    recorded = {"care"} if care is not None else set()
    for table, column in (("events", "event"), ("interventions", "intervention")):
        found = _located(study, followed, table, "date", left_out)
        if found is not None:
            recorded.add(table)
            moments = _moments(found, column)
            if table == "interventions" and in_care:
                # The months of care say when there was one; of the interventions it would be told twice.
                again = (moments["item"] == NETWORK_MEETING).to_numpy(dtype=bool)
                again = again & np.isin(_organisations(followed, moments), list(in_care))
                left_out["organisation_records_meetings_in_care"] = int(again.sum())
                moments = moments[~again]
            pieces.append(moments)
    rows = pd.concat(pieces, ignore_index=True) if pieces else _no_rows()
    rows["item"] = rows["item"].astype("category")
    return Uses(rows, left_out, not_filled, frozenset(recorded), has_care, without_care)


@dataclass(frozen=True, slots=True)
class _Located:
    """Rows of a table that lie before the family was last seen."""

    table: pd.DataFrame
    unit: IntArray
    period: IntArray
    begin: FloatArray
    finish: FloatArray


def _located(
    study: Study, followed: FollowUp, name: str, column: str, left_out: dict[str, int]
) -> _Located | None:
    table = study.tables.get(name)
    if table is None or not len(table):
        return None
    table = table.reset_index(drop=True)
    unit = followed.unit_of(table["family"])
    start = followed.families["start"].to_numpy(dtype=float)[unit]
    until = followed.families["months"].to_numpy(dtype=float)[unit]
    times = _first_of_month(table[column]) if name == "care" else table[column]
    begin = in_months(times, study) - start
    period = _period_of(followed, table, unit)
    finish = begin
    if name == "care":
        begin, finish = _within(followed, period, begin, _next_month(times, study) - start, until)
    reasons = {
        "family_not_followed": unit < 0,
        "undated": ~np.isfinite(begin),
        "after_last_seen": begin > until,
        "before_help": begin < -study.config.costs.before_help_months - _NEAR,
    }
    kept = np.ones(len(table), dtype=bool)
    for reason, rows in reasons.items():
        left_out[reason] = left_out.get(reason, 0) + int((kept & rows).sum())
        kept &= ~rows
    return _Located(table[kept], unit[kept], period[kept], begin[kept], finish[kept])


def _first_of_month(times: pd.Series) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(times):
        return times
    return pd.Series(times.to_numpy().astype("datetime64[M]").astype("datetime64[s]"), index=times.index)


def _next_month(times: pd.Series, study: Study) -> FloatArray:
    if not pd.api.types.is_datetime64_any_dtype(times):
        return in_months(times, study) + 1.0
    following = times.to_numpy().astype("datetime64[M]") + np.timedelta64(1, "M")
    return in_months(pd.Series(following.astype("datetime64[s]"), index=times.index), study)


def _period_of(followed: FollowUp, table: pd.DataFrame, unit: IntArray) -> IntArray:
    """The row of ``followed.periods`` of each row; -1 where its episode is not known."""
    if "episode" not in table:
        return np.full(len(table), -1)
    codes, _ = pd.factorize(
        pd.concat([followed.periods["episode"].astype(str), table["episode"].astype(str)], ignore_index=True)
    )
    n = len(followed.periods)
    wide = int(codes.max(initial=0)) + 1
    known = followed.periods["unit"].to_numpy(dtype=np.int64) * wide + codes[:n]
    return np.asarray(pd.Index(known).get_indexer(pd.Index(unit.astype(np.int64) * wide + codes[n:])))


def _within(
    followed: FollowUp, period: IntArray, begin: FloatArray, finish: FloatArray, until: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Months of care without what lies before the start or after the end of help in the same month."""
    known = period >= 0
    first = np.where(known, followed.periods["begin"].to_numpy(dtype=float)[period], -np.inf)
    last = np.where(known, followed.periods["finish"].to_numpy(dtype=float)[period], np.inf)
    begin = np.where((first > begin) & (first < finish), first, begin)
    inside = (last >= begin) & (last < finish)
    finish = np.where(inside, last, finish)
    finish = np.minimum(finish, until)
    # Help that ends on the day on which it starts, or a month that starts at the export, takes a day.
    return begin, np.maximum(finish, begin + _DAY)


def _organisations(followed: FollowUp, rows: pd.DataFrame) -> np.ndarray:
    """Of the period of help of each row; of the family's first where that is not known."""
    unit, period = (rows[name].to_numpy(dtype=np.intp) for name in ("unit", "period"))
    home, own = (table["organisation"].to_numpy(dtype=str) for table in (followed.families, followed.periods))
    return np.asarray(np.where(period >= 0, own[period], home[unit]))


def _care_rows(
    care: _Located, month: IntArray, left_out: dict[str, int]
) -> tuple[pd.DataFrame, dict[str, int]]:
    pieces, not_filled = [], {}
    for item, column in CARE_ITEMS.items():
        if column not in care.table:
            continue
        filled = care.table[column].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        amount = np.asarray(filled, dtype=np.float64)
        counts = np.ones(len(amount), dtype=bool)
        if item == _AGENCY_MONTH:
            counts = _once_a_month(care.unit, month, amount)
            left_out["agencies_of_a_month_told_before"] = int((~counts & (amount > 0)).sum())
        if missing := int((np.isnan(amount) & counts).sum()):
            not_filled[item] = missing
        used = (amount > 0) & counts
        pieces.append(_frame(care, used, item, amount[used]))
    return (pd.concat(pieces, ignore_index=True) if pieces else _no_rows()), not_filled


def _once_a_month(unit: IntArray, month: IntArray, amount: FloatArray) -> BoolArray:
    """One row of each family and month: that with the most, the first of those."""
    rows = pd.DataFrame({"unit": unit, "month": month, "less": -amount})
    first = rows.sort_values("less", kind="stable").drop_duplicates(["unit", "month"]).index
    return np.isin(np.arange(len(rows)), first.to_numpy())


def _moments(found: _Located, column: str) -> pd.DataFrame:
    names = found.table[column]
    given = names.notna().to_numpy()
    rows = _frame(found, given, names[given].astype(str).to_numpy(dtype=object), 1.0)
    return rows


def _frame(found: _Located, used: BoolArray, item: object, quantity: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": found.unit[used],
            "period": found.period[used],
            "item": item,
            "begin": found.begin[used],
            "finish": found.finish[used],
            "quantity": quantity,
        }
    )


def _no_rows() -> pd.DataFrame:
    empty: Iterable[float] = []
    return pd.DataFrame(
        {name: np.asarray(empty, dtype=float) for name in ("begin", "finish", "quantity")}
    ).assign(unit=np.array([], dtype=np.intp), period=np.array([], dtype=np.intp), item="")
