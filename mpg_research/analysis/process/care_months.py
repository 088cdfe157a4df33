"""The table care as a time line: one row per period of help and month since its start."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.help_periods import HelpPeriods, help_periods
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores

__all__ = ["KEYS", "CareMonths", "care_months"]

KEYS = ["family", "episode"]
#: Columns of care that are numbers or yes/no, as they are called here.
NUMBERS = {
    "contact_hours": "hours", "n_visits": "visits", "at_home": "at_home", "n_agencies": "agencies",
    "n_helpers": "helpers", "case_manager": "case_manager", "one_plan": "one_plan",
}  # fmt: skip
#: No course of help is looked at beyond this many months; what is later is left out and counted.
LONGEST = 120


@dataclass(frozen=True, slots=True)
class CareMonths:
    """Months of care of the periods of help that have any.

    Attributes
    ----------
    units : DataFrame
        One row per period of help with care: family, episode, organisation, worker (that of the first month
        with one, unique over organisations; clusters of errors), ended, time, end_reason, reach, first (the
        calendar month, or the time, in which help started), last (month since the start in which help ended
        or was last seen), start, late (which part of that first month was over then), family_number,
        organisation_number.
    rows : DataFrame
        unit (row of ``units``), month (0 is the one in which help starts), worker (a number, -1 where not
        known) and worker_name, reason ("planned", "sudden" or ""), and hours, visits, at_home, agencies,
        helpers, case_manager, one_plan (NaN where not known); in the order of unit and month.
    periods : HelpPeriods
    left_out : dict of str to int
        Rows of care that do not count, by reason.
    recorded : frozenset of str
        Names in ``rows`` of what is recorded at all.
    axis : float
        Units of the study's time axis in a month.
    study : Study
    """

    units: pd.DataFrame = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    periods: HelpPeriods = field(repr=False)
    left_out: dict[str, int]
    recorded: frozenset[str]
    axis: float
    study: Study = field(repr=False)

    @property
    def unit(self) -> IntArray:
        """The unit of each row, shape (rows,)."""
        return self.rows["unit"].to_numpy(dtype=np.intp)

    @property
    def month(self) -> IntArray:
        """The month of each row, shape (rows,)."""
        return self.rows["month"].to_numpy(dtype=np.intp)

    @property
    def n_months(self) -> int:
        """Months from the start of help to the last one with care, both included."""
        return int(self.rows["month"].max()) + 1

    def wide(self, values: Sequence[float] | FloatArray | pd.Series) -> FloatArray:
        """Values of the rows as units by months, NaN elsewhere; shape (units, months).

        Parameters
        ----------
        values : array, shape (rows,)
        """
        found = np.full((len(self.units), self.n_months), np.nan)
        found[self.unit, self.month] = np.asarray(values, dtype=float)
        return found

    def unit_of(self, table: pd.DataFrame) -> IntArray:
        """The unit of each row of a table with family and episode; -1 where it has none.

        Parameters
        ----------
        table : DataFrame
        """
        return _places(table, self.units)

    def place(self, table: pd.DataFrame, column: str) -> tuple[IntArray, FloatArray]:
        """The unit of each row of another table (-1 where it has none), and its month since the start.

        Parameters
        ----------
        table : DataFrame
            With family, episode and times.
        column : str
            With the times.
        """
        unit = self.unit_of(table)
        first = self.units["first"].to_numpy(dtype=float)
        return unit, _month_numbers(table[column], self.study) - first[unit]

    def month_of(self, unit: IntArray, months: FloatArray) -> FloatArray:
        """The month since the start in which moments of help lie: calendar months where times are dates.

        Parameters
        ----------
        unit : ndarray of int, shape (n,)
        months : ndarray, shape (n,)
            Since the start of help, on the study's axis.
        """
        start = self.units["start"].iloc[unit]
        passed = months / self.axis
        if pd.api.types.is_datetime64_any_dtype(start):
            days = pd.to_timedelta(np.round(passed * DAYS_PER_MONTH), unit="D")
            first = self.units["first"].to_numpy(dtype=float)[unit]
            calendar: FloatArray = _month_numbers(start + days, self.study) - first
            return calendar
        late = self.units["late"].to_numpy(dtype=float)[unit]
        found: FloatArray = np.floor(passed + late + 1e-6)
        return found

    def begin_of(self, unit: IntArray, month: FloatArray) -> FloatArray:
        """The moment at which months of help begin, from the start of help on; on the study's axis.

        Parameters
        ----------
        unit : ndarray of int, shape (n,)
        month : ndarray, shape (n,)
        """
        start = self.units["start"].iloc[unit]
        if pd.api.types.is_datetime64_any_dtype(start):
            number = (self.units["first"].to_numpy(dtype=float)[unit] + month - 1).astype(np.int64)
            first = (number // 12 - 1970) * 12 + number % 12
            begins = pd.Series(first.astype("datetime64[M]").astype("datetime64[s]"), index=start.index)
            passed = (begins - start).dt.days.to_numpy(dtype=float) / DAYS_PER_MONTH
        else:
            passed = month - self.units["late"].to_numpy(dtype=float)[unit]
        found: FloatArray = np.maximum(passed, 0.0) * self.axis
        return found

    def scores(self) -> pd.DataFrame:
        """Scores of one declared respondent per family, by unit and month; several in a month as their mean.

        Returns
        -------
        DataFrame
            unit, month, score, months (since the start, on the study's axis; of the last of several).
        """
        data = self.periods.course.data
        if self.periods.course.respondents == "both":
            data = data.sort_values([*KEYS, "respondent"], kind="stable")
            first = data.drop_duplicates(KEYS)[[*KEYS, "respondent"]]
            data = data.merge(first, on=[*KEYS, "respondent"])
        place = self.unit_of(data)
        data = data.assign(unit=place)[place >= 0]
        month = self.month_of(data["unit"].to_numpy(dtype=np.intp), data["months"].to_numpy(dtype=float))
        found = data.assign(month=month.astype(np.intp)).sort_values(["unit", "months"], kind="stable")
        grouped = found.groupby(["unit", "month"], sort=True)
        return grouped.agg(score=("score", "mean"), months=("months", "last")).reset_index()

    def behind(self, units: IntArray | BoolArray) -> tuple[int, int]:
        """Families and organisations behind some of the units.

        Parameters
        ----------
        units : array
            Their numbers, or a mask of them.
        """
        numbers = self.units["family_number"], self.units["organisation_number"]
        family, organisation = (np.unique(number.to_numpy()[units]).size for number in numbers)
        return family, organisation


def care_months(study: Study, *, scores: Scores = AS_CONFIGURED) -> CareMonths:
    """Put the table care on the time axis of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Whether the first period of help of a family counts or all; by default as ``study.toml`` says.

    Returns
    -------
    CareMonths

    Raises
    ------
    NotApplicableError
        Without the table, without a row of it in a period of help, or with waves of unknown length.

    Notes
    -----
    Months are calendar months where times are dates: month 0 is the one in which help starts. Months before
    the start or after the end (or the export) are left out and counted, and so is a second row of a family in
    a month.
    """
    table = study.tables.get("care")
    if table is None or not len(table):
        raise NotApplicableError(
            f"Study {study.name} has no table care, so who helped and how much is not known. Add the table: "
            "[tables.care] in study.toml (docs/reference/study_folder.md).",
            code="no_care",
        )
    if study.config.time.days_per_axis_unit is None:
        raise NotApplicableError(
            "Times are waves of unknown length, so what happened in a month of help is not known. Say how "
            "long a wave is: [time] months_per_unit in study.toml.",
            code="care_of_unknown_length",
        )
    month = DAYS_PER_MONTH / study.config.time.days_per_axis_unit
    periods = help_periods(study, month=study.config.analysis.primary_month, scores=scores)
    units = _units(study, periods, month)
    care = table.reset_index(drop=True)
    place = _places(care, units)
    number = _month_numbers(care["month"], study) - units["first"].to_numpy(dtype=float)[place]
    last = units["last"].to_numpy(dtype=float)[place]
    reasons = {
        "not_in_a_period": place < 0,
        "undated": np.isnan(number),
        "before_help": number < 0,
        "after_help": number > np.minimum(last, LONGEST),
    }
    kept, left_out = np.ones(len(care), dtype=bool), {}
    for reason, rows in reasons.items():
        left_out[reason] = int((kept & rows).sum())
        kept &= ~rows
    rows = _columns(care, place, number)[kept].sort_values(["unit", "month"], kind="stable")
    again = rows.duplicated(["unit", "month"]).to_numpy()
    left_out["twice_in_a_month"] = int(again.sum())
    rows = rows[~again]
    if rows.empty:
        raise NotApplicableError(
            f"No row of the table care of study {study.name} lies within a period of help: see `mpg check` "
            "for families, episodes and months.",
            code="no_care_in_help",
        )
    used, unit = np.unique(rows["unit"].to_numpy(), return_inverse=True)
    rows = rows.assign(unit=unit.astype(np.intp), month=rows["month"].astype(np.intp)).reset_index(drop=True)
    units = units.iloc[used].reset_index(drop=True)
    recorded = {name for name in NUMBERS.values() if rows[name].notna().any()}
    recorded |= {"worker"} if (rows["worker"] >= 0).any() else set()
    recorded |= {"reason"} if (rows["reason"] != "").any() else set()
    units = units.assign(
        worker=_clusters(rows, units),
        family_number=pd.factorize(units["family"])[0],
        organisation_number=pd.factorize(units["organisation"])[0],
    )
    return CareMonths(units, rows, periods, left_out, frozenset(recorded), month, study)


def _units(study: Study, periods: HelpPeriods, month: float) -> pd.DataFrame:
    """The periods of help with the month in which each starts, and the last one of each."""
    starts = study.tables["episodes"].drop_duplicates(KEYS)
    starts = starts[[*KEYS, "start"]].assign(**{name: starts[name].astype(str) for name in KEYS})
    units = periods.rows.merge(starts, on=KEYS, how="left")
    first = _month_numbers(units["start"], study)
    if study.config.time.kind == "dates":
        days = units["time"].to_numpy(dtype=float) / month * DAYS_PER_MONTH
        over = units["start"] + pd.to_timedelta(np.round(days), unit="D")
        last = _month_numbers(over, study) - first
    else:
        last = np.floor(units["time"].to_numpy(dtype=float) / month + 1e-6)
    return units.assign(first=first, last=last, late=_late(units["start"], study))


def _late(start: pd.Series, study: Study) -> FloatArray:
    """Which part of its first month is over when help starts."""
    if pd.api.types.is_datetime64_any_dtype(start):
        days: FloatArray = (start.dt.day.to_numpy(dtype=float, na_value=np.nan) - 1) / DAYS_PER_MONTH
        return days
    months = _in_months(start, study)
    part: FloatArray = np.maximum(months - np.floor(months) - 1e-6, 0.0)
    return part


def _month_numbers(times: pd.Series, study: Study) -> FloatArray:
    """Calendar months since the year 0; where times are numbers, whole months on the study's axis."""
    if pd.api.types.is_datetime64_any_dtype(times):
        calendar: FloatArray = (times.dt.year * 12 + times.dt.month).to_numpy(dtype=float, na_value=np.nan)
        return calendar
    found: FloatArray = np.floor(_in_months(times, study))
    return found


def _in_months(times: pd.Series, study: Study) -> FloatArray:
    """Times that are numbers as months, a little later, so that a whole month is never just short of one."""
    unit = study.config.time.unit_in_months * float(study.config.time.days_per_axis_unit or np.nan)
    numbers = pd.to_numeric(times, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    months: FloatArray = numbers * unit / DAYS_PER_MONTH + 1e-6
    return months


def _places(table: pd.DataFrame, units: pd.DataFrame) -> IntArray:
    """The place in ``units`` of the period of each row of a table; -1 where it is not among them."""
    keys = pd.MultiIndex.from_frame(units[KEYS].astype(str))
    wanted = pd.MultiIndex.from_frame(table[KEYS].astype(str))
    return np.asarray(keys.get_indexer(wanted), dtype=np.intp)


def _columns(care: pd.DataFrame, place: IntArray, number: FloatArray) -> pd.DataFrame:
    """The columns of :class:`CareMonths` of every row of care, empty where the study does not have them."""
    found: dict[str, object] = {"unit": place, "month": number}
    for name, short in NUMBERS.items():
        found[short] = (
            pd.to_numeric(care[name].astype("Float64"), errors="coerce").to_numpy(
                dtype=float, na_value=np.nan
            )
            if name in care
            else np.nan
        )
    worker = care["worker"] if "worker" in care else pd.Series(None, index=care.index, dtype=object)
    found["worker_name"] = worker.astype(object).where(worker.notna(), None).to_numpy()
    reason = care.get("worker_change_reason", pd.Series("", index=care.index))
    found["reason"] = reason.astype(object).where(reason.notna(), "").to_numpy()
    frame = pd.DataFrame(found)
    codes, _ = pd.factorize(frame["worker_name"])
    # A worker's name is unique within the organisation only; within one period it is a number of its own.
    return frame.assign(worker=codes)


def _clusters(rows: pd.DataFrame, units: pd.DataFrame) -> np.ndarray:
    """The first worker of each family, unique over organisations; else the period's, or the family's own."""
    known = rows[rows["worker"] >= 0].drop_duplicates("unit")
    of_unit = pd.Series(known["worker"].to_numpy(), index=known["unit"].to_numpy())
    code = of_unit.reindex(range(len(units)))
    own = units["organisation"] + "/care" + code.fillna(-1).astype(int).astype(str)
    named = own.where(code.notna().to_numpy(), units["worker"])
    # All periods of a family count with its first worker: what they share is never taken as two.
    first = pd.Series(named.to_numpy(), index=units["family"]).groupby(level=0).first()
    return units["family"].map(first).to_numpy(dtype=object)
