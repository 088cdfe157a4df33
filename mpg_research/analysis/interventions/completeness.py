"""How completely interventions, care and what else happened are recorded: in all, and per organisation.

Tables of :class:`RecordKeeping` (beside ``sample_flow``)
---------------------------------------------------------
- ``recorded(record_table, n_periods, share_recorded, n_recording)``: of the periods of help, the share with
  any record in that table, at the ``n_recording`` organisations that keep it.
- ``recorded_by_organisation(record_table, organisation, n_periods, share_recorded, last_recorded)``: the same
  at each of them, and the latest month from which on at least the minimum of families have a record. An
  organisation that never records any has no row: there it is no low share but a table that is not kept.
- ``care_months`` and ``care_months_by_organisation(organisation, n_months, share_without_care)``: of the
  whole calendar months in help, the share without a row in the table ``care``; only with dates.
- ``recorded_columns(record_table, record_column, n_rows, share_filled)``: of the rows of a table, the share
  in which a column that may be left empty is filled in; only columns that the files have. Of what is known
  only once help has ended, the rows are the periods that have.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    Column,
    coded,
    number_of,
    observed_share,
    tally,
)
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame

__all__ = ["RECORD_COLUMNS", "RECORD_TABLES", "RecordKeeping", "describe_records"]

#: The tables looked at, each with its column of times.
RECORD_TABLES = {
    "interventions": "date",
    "care": "month",
    "events": "date",
    "practice": "date",
    "domains": "date",
    "goals": "date",
    "decisions": "date",
}
#: Columns that may be left empty, whose filling is told.
RECORD_COLUMNS = {
    "episodes": ("referred", "region", "thin_line", "satisfaction"),
    "care": ("worker", "contact_hours", "n_visits", "at_home", "n_agencies", "n_helpers"),
    "practice": ("rater",),
    "domains": ("rater",),
    "goals": ("set_by",),
    "decisions": ("family_asked",),
}
_ONCE_ENDED = ("thin_line", "satisfaction")
_KEYS = ["family", "episode"]
_TABLE = coded("record_table")
_PERIODS = number_of("n_periods", of="episodes")
_SHARE = observed_share("share_recorded", of="n_periods")
_MONTHS = number_of("n_months", of="months")
_WITHOUT = observed_share("share_without_care", of="n_months")
_FILLED = (
    _TABLE,
    coded("record_column"),
    number_of("n_rows", of="records"),
    observed_share("share_filled", of="n_rows"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKeeping(Result):
    """What :func:`describe_records` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "record_keeping"


def describe_records(study: Study, *, level: float = 0.95) -> RecordKeeping:
    """Describe how completely interventions, care, events, practice, domains, goals and talks are recorded.

    Parameters
    ----------
    study : Study
        A loaded study.
    level : float
        Of intervals; none are made here.

    Returns
    -------
    RecordKeeping
        Tables ``recorded``, ``recorded_by_organisation``, ``care_months``,
        ``care_months_by_organisation``, ``recorded_columns`` and ``sample_flow`` (the module says what each
        holds; those of care are there only with that table).

    Raises
    ------
    NotApplicableError
        If the study has none of the tables.

    Examples
    --------
    >>> from mpg_research import describe_records, load_study
    >>> from mpg_research.study import shipped_example
    >>> kept = describe_records(load_study(shipped_example())).tables["recorded"].data
    >>> kept["record_table"].tolist()[:3]
    ['interventions', 'care', 'events']
    """
    present = [name for name in RECORD_TABLES if _is_kept(study, name)]
    if not present:
        raise NotApplicableError(
            f"Study {study.name} has no records of interventions, care or what else happened. Add the tables "
            "in study.toml (docs/reference/study_folder.md) if they are kept.",
            code="no_records",
        )
    periods = _periods(study)
    minimum = study.config.disclosure.minimum_families
    apart = [_of_table(study, name, periods, minimum) for name in present]
    tables = [
        ResultTable(
            "recorded",
            pd.concat([_together(rows, periods) for rows in apart], ignore_index=True),
            columns=(_TABLE, _PERIODS, _SHARE, tally("n_recording")),
        ),
        ResultTable(
            "recorded_by_organisation",
            pd.concat(apart, ignore_index=True).drop(columns="n_recorded"),
            columns=(
                _TABLE,
                EACH_ORGANISATION,
                _PERIODS.but(own=True),
                _SHARE.but(own=True),
                Column(name="last_recorded", meaning="date"),
            ),
        ),
        *(_care_tables(study, periods) if "care" in present else ()),
        _columns_table(study, periods),
    ]
    flow = course_frame(study).flow
    return RecordKeeping(
        tables=collect_tables([*tables, sample_flow_table(flow)]),
        flow=flow,
        notes=study.notes,
        provenance=provenance_of(
            study,
            parameters={"level": level, "absent": [name for name in RECORD_TABLES if name not in present]},
        ),
        level=level,
    )


def _is_kept(study: Study, name: str) -> bool:
    """Whether a table has rows about families: scores of teams only say nothing of periods of help."""
    rows = study.tables.get(name)
    return rows is not None and set(_KEYS) <= set(rows) and bool(rows["family"].notna().any())


def _columns_table(study: Study, periods: pd.DataFrame) -> ResultTable:
    """Of the rows about periods of help, how many have a column filled in that may be left empty."""
    found = []
    for name, columns in RECORD_COLUMNS.items():
        if name != "episodes" and not _is_kept(study, name):
            continue
        there = [each for each in columns if each in study.tables[name]]
        rows = study.tables[name][[*_KEYS, *there]]
        rows = rows.merge(periods[[*_KEYS, "organisation", "end"]], on=_KEYS, how="inner")
        for column in there:
            mine = rows[rows["end"].notna()] if column in _ONCE_ENDED else rows
            if len(mine):
                found.append(
                    {
                        "record_table": name,
                        "record_column": column,
                        "n_rows": len(mine),
                        "share_filled": float(mine[column].notna().mean()),
                        "n_families": int(mine["family"].nunique()),
                        "n_organisations": int(mine["organisation"].nunique()),
                    }
                )
    names = ["record_table", "record_column", "n_rows", "share_filled", "n_families", "n_organisations"]
    return ResultTable("recorded_columns", pd.DataFrame(found, columns=names), columns=_FILLED)


def _periods(study: Study) -> pd.DataFrame:
    """All periods of help with a start: family, episode, organisation, start, end."""
    episodes = study.tables["episodes"].drop_duplicates(_KEYS)
    kept = episodes[episodes["start"].notna()]
    return kept[[*_KEYS, "organisation", "start", "end"]].astype({"organisation": str}).reset_index(drop=True)


def _of_table(study: Study, name: str, periods: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """One row per organisation that keeps the table."""
    time = RECORD_TABLES[name]
    records = study.tables[name][[*_KEYS, time]]
    records = records.merge(periods[[*_KEYS, "organisation"]], on=_KEYS, how="inner")
    last = records.groupby(["organisation", "family"])[time].max()
    has = pd.MultiIndex.from_frame(periods[_KEYS]).isin(pd.MultiIndex.from_frame(records[_KEYS]))
    rows = []
    for key, mine in periods.assign(has=has).groupby("organisation", sort=True):
        if not mine["has"].any():
            continue
        rows.append(
            {
                "record_table": name,
                "organisation": key,
                "n_periods": len(mine),
                "n_recorded": int(mine["has"].sum()),
                "share_recorded": float(mine["has"].mean()),
                "last_recorded": _last_month(last.loc[key], minimum),
                "n_families": int(mine["family"].nunique()),
            }
        )
    return pd.DataFrame(
        rows,
        columns=[
            "record_table", "organisation", "n_periods", "n_recorded", "share_recorded", "last_recorded",
            "n_families",
        ],
    )  # fmt: skip


def _last_month(last: pd.Series, minimum: int) -> str:
    """The latest month from which on so many families have a record; empty where there are fewer."""
    if not pd.api.types.is_datetime64_any_dtype(last):
        return ""
    times = last.to_numpy()
    times = np.sort(times[~np.isnat(times)])
    return str(times[-minimum].astype("datetime64[M]")) if len(times) >= minimum else ""


def _together(rows: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """All organisations that keep the table, as one row."""
    total = int(rows["n_periods"].sum())
    share = rows["n_recorded"].sum() / total if total else np.nan
    families = periods.loc[periods["organisation"].isin(rows["organisation"]), "family"].nunique()
    one = {
        "record_table": rows["record_table"].iloc[0] if len(rows) else "",
        "n_periods": total,
        "share_recorded": float(share),
        "n_recording": len(rows),
        "n_families": int(families),
        "n_organisations": len(rows),
    }
    return pd.DataFrame([one] if len(rows) else [], columns=list(one))


def _care_tables(study: Study, periods: pd.DataFrame) -> list[ResultTable]:
    """Whole calendar months in help, and how many of them have no row of care."""
    if study.config.time.kind != "dates":
        return []
    keeps = set(study.tables["care"].merge(periods, on=_KEYS)["organisation"])
    mine = periods[periods["organisation"].isin(keeps)]
    stop = mine["end"].fillna(pd.Timestamp(study.config.last_date)).astype("datetime64[s]")
    stop = stop.where(stop <= pd.Timestamp(study.config.last_date), pd.Timestamp(study.config.last_date))
    first = _month_number(mine["start"] - pd.Timedelta(days=1)) + 1
    last = _month_number(stop + pd.Timedelta(days=1)) - 1
    inside = mine.assign(first=first, last=last, n_months=np.maximum(last - first + 1, 0))
    care = study.tables["care"].dropna(subset=["month"]).drop_duplicates([*_KEYS, "month"])
    care = care.assign(number=_month_number(care["month"])).merge(inside[[*_KEYS, "first", "last"]], on=_KEYS)
    there = care[(care["number"] >= care["first"]) & (care["number"] <= care["last"])]
    counted = there.groupby(_KEYS).size().reindex(pd.MultiIndex.from_frame(inside[_KEYS])).fillna(0)
    inside = inside.assign(n_with=counted.to_numpy(dtype=int))
    inside = inside[inside["n_months"] > 0]
    rows = [_months_row(part, organisation=key) for key, part in inside.groupby("organisation", sort=True)]
    names = ["organisation", "n_months", "share_without_care", "n_families"]
    together = [{**_months_row(inside), "n_organisations": inside["organisation"].nunique()}] if rows else []
    return [
        ResultTable(
            "care_months",
            pd.DataFrame(together, columns=[*names[1:], "n_organisations"]),
            columns=(_MONTHS, _WITHOUT),
        ),
        ResultTable(
            "care_months_by_organisation",
            pd.DataFrame(rows, columns=names),
            columns=(EACH_ORGANISATION, _MONTHS.but(own=True), _WITHOUT.but(own=True)),
        ),
    ]


def _months_row(part: pd.DataFrame, **keys: object) -> dict[str, object]:
    months, with_care = int(part["n_months"].sum()), int(part["n_with"].sum())
    return {
        **keys,
        "n_months": months,
        "share_without_care": 1 - with_care / months if months else np.nan,
        "n_families": int(part["family"].nunique()),
    }


def _month_number(times: pd.Series) -> pd.Series:
    """Months since the year 0: the same for all days of a month."""
    number: pd.Series = times.dt.year * 12 + times.dt.month
    return number
