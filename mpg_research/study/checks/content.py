"""What can be wrong or odd in the tables of a study. Every check is vectorised."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem, did_you_mean
from mpg_research.instruments import Instrument
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.schemas import ITEM_COLUMN, SCHEMAS
from mpg_research.study.tables.columns import Table, texts_where

__all__ = [
    "check_duplicates",
    "check_episodes",
    "check_future",
    "check_instruments",
    "check_items",
]


MANY_DAYS, LAST_MONTH = 5, 12
MANY_TWICE = 10
DAYS_TO_1904 = 1462  # between the first days that Excel counts from


def check_episodes(table: Table, findings: Findings, *, numbered: bool) -> None:
    """End before start, one episode twice, and episodes of a family that overlap.

    ``numbered``: the file has no ids of episodes; then two of a family with one start are the same.
    """
    frame, places = table.frame, table.places
    start, end = frame["start"], frame["end"]
    before = (end < start).to_numpy(dtype=bool, na_value=False)
    ends = np.full(len(end), None, dtype=object)
    for row in np.flatnonzero(before):
        ends[row] = _day(end, int(row))
    if len(set(ends[before])) > MANY_DAYS:
        findings.add(_many_ends(table, before), times=int(before.sum()))
        before = np.zeros(len(frame), dtype=bool)
    findings.add_values(
        "end_before_start", places, "end", before, ends,
        lambda day: f"the end {day} lies before the start",
        expected="an end on or after the start",
        remedy=(
            "Correct one of the two; if that end means that help goes on, name it in missing_values in "
            "[tables.episodes]."
        ),
    )  # fmt: skip
    key = ("family", "start") if numbered else ("family", "episode")
    check_duplicates(table, key, "duplicate_episode", "episode", findings)
    ordered = frame[["family", "organisation", "start", "end"]].sort_values(
        ["family", "start"], kind="stable"
    )
    same = ordered["family"].eq(ordered["family"].shift())
    running = ordered["end"].shift().isna() | (ordered["end"].shift() > ordered["start"])
    overlap = (same & running & ordered["start"].notna()).reindex(frame.index).to_numpy(dtype=bool)
    if not findings.counts["duplicate_episode"]:
        elsewhere = ordered["organisation"].ne(ordered["organisation"].shift()).reindex(frame.index)
        other = elsewhere.to_numpy(dtype=bool) & overlap
        organisation = frame["organisation"].to_numpy(dtype=object)
        findings.add_rows(
            "overlapping_episodes", places, "start", overlap,
            lambda place: (
                f"family {frame['family'].iloc[place]} starts at {organisation[place]} before its help at "
                "another organisation ended" if other[place] else
                f"family {frame['family'].iloc[place]} starts again before the last episode ended"
            ),
            expected="episodes one after the other",
            remedy="Measurements that name no episode count for the one that started last.",
            severity="warning",
        )  # fmt: skip


def _many_ends(table: Table, before: NDArray[np.bool_]) -> Problem:
    """Many ends before their start: the fault of a whole column, said once with its likely cause."""
    start, end = table.frame["start"], table.frame["end"]
    first = int(np.flatnonzero(before)[0])
    both = int((start.notna() & end.notna()).sum())
    remedy = "Correct them, or the starts."
    if pd.api.types.is_datetime64_any_dtype(end):
        moved = end + pd.Timedelta(days=DAYS_TO_1904) >= start
        if before.sum() == both:
            remedy = "Look whether the columns start and end are mixed up"
            whole = (start - end).dt.days[before]
            remedy += (
                ", or whether one of the two counts its days from 1904 (then it is 4 years and a day early)."
                if moved[before].all() and float(whole.max()) <= DAYS_TO_1904
                else "."
            )
    return Problem(
        found=(
            f"{int(before.sum())} of {both} ends lie before the start, such as the end {_day(end, first)} of "
            f"a start on {_day(start, first)}"
        ),
        expected="an end on or after the start", remedy=remedy, file=table.places.file_of(first),
        row=table.places.row_of(first), column=table.places.column_of("end", first),
        code="end_before_start",
    )  # fmt: skip


def check_duplicates(
    table: Table,
    key: tuple[str, ...],
    code: str,
    what: str,
    findings: Findings,
    *,
    only: NDArray[np.bool_] | None = None,
    severity: Literal["error", "warning"] = "error",
) -> None:
    """Rows that share a key with an earlier row."""
    frame = table.frame
    present = [name for name in key if name in frame]
    again = frame.duplicated(present, keep="first").to_numpy(dtype=bool)
    if only is not None:
        again = again & only
    if not again.any():
        return
    first = frame.drop_duplicates(present, keep="first")[present].copy()
    first["_first"] = first.index.to_numpy()
    if again.sum() > MANY_TWICE:
        place = int(np.flatnonzero(again)[0])
        before = int(first.merge(frame.loc[[place], present], on=present)["_first"].iloc[0])
        findings.add(
            Problem(
                found=(
                    f"{int(again.sum())} rows are a second {what} with the same {', '.join(present)} as an "
                    f"earlier row, such as row {table.places.row_of(place)} after "
                    f"{table.places.named(before, place)} "
                    f"({', '.join(_cell(frame[name], place) for name in present)})"
                ),
                expected=f"one {what} for each {', '.join(present)}",
                remedy="Remove one of each two (was the file put together twice?), or correct what should "
                "tell them apart.",
                file=table.places.file_of(place), row=table.places.row_of(place),
                column=table.places.column_of(present[-1], place), severity=severity, code=code,
            ),
            times=int(again.sum()),
        )  # fmt: skip
        return
    twice = frame.loc[again, present].merge(first, on=present, how="left")["_first"].to_numpy()
    order = {int(place): int(row) for place, row in zip(np.flatnonzero(again), twice, strict=True)}
    findings.add_rows(
        code, table.places, present[-1], again,
        lambda place: (
            f"a second {what} with the same {', '.join(present)} as "
            f"{table.places.named(order[place], place)} "
            f"({', '.join(_cell(frame[name], place) for name in present)})"
        ),
        expected=f"one {what} for each {', '.join(present)}",
        remedy="Remove one of the two, or correct what should tell them apart.",
        severity=severity,
    )  # fmt: skip


def check_future(name: str, table: Table, config: StudyConfig, findings: Findings) -> None:
    """Dates after the export (or after today)."""
    if config.time.kind == "numbers":
        return
    last = np.datetime64(config.last_date, "s")
    known = "the export date in study.toml" if config.study.export_date else "today"
    for column in SCHEMAS[name].columns:
        if column.kind == "time" and column.name in table.frame:
            dates = table.frame[column.name]
            after = (dates > last).to_numpy(dtype=bool)
            remedy = "Correct it, or set export_date in [study]."
            if column.name == "end":
                code = f'missing_values = ["..."] in [tables.{name}], with the code as the file has it'
                remedy = f"Leave it empty while help goes on; if it is a code for that: {code}."
            _add_future(
                table,
                column.name,
                dates,
                after,
                f"{config.last_date.isoformat()} ({known})",
                remedy,
                findings,
            )


def _add_future(
    table: Table,
    column: str,
    dates: pd.Series,
    after: NDArray[np.bool_],
    until: str,
    remedy: str,
    findings: Findings,
) -> None:
    """Dates after the last one that can be: by day, or in one finding where there are many of them."""
    late = dates[after]
    if late.nunique() <= MANY_DAYS:
        days = dates.dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
        findings.add_values(
            "date_in_future", table.places, column, after, days, lambda day: f"the date {day}",
            expected=f"a date no later than {until}", remedy=remedy,
        )  # fmt: skip
        return
    place = int(np.flatnonzero(after)[0])
    turned = " (no day of this column is after the 12th: are day and month the other way round?)"
    findings.add(
        Problem(
            found=(
                f"{len(late)} dates from {late.min():%Y-%m-%d} to {late.max():%Y-%m-%d}"
                f"{turned if (dates.dropna().dt.day <= LAST_MONTH).all() else ''}"
            ),
            expected=f"dates no later than {until}", remedy=remedy, file=table.places.file_of(place),
            row=table.places.row_of(place), column=table.places.column_of(column, place),
            code="date_in_future",
        ),
        times=len(late),
    )  # fmt: skip


def check_instruments(table: Table, described: Sequence[str], findings: Findings) -> None:
    """Measurements with a questionnaire that is not described."""
    keys = table.frame["instrument"]
    unknown = (keys.notna() & ~keys.isin(described)).to_numpy(dtype=bool)

    def remedy(key: str) -> str:
        hint = did_you_mean(key, described)
        return f'{hint} Correct it, or describe it: [instruments.KEY] file = "KEY.toml".'.strip()

    findings.add_values(
        "unknown_instrument", table.places, "instrument", unknown, keys.to_numpy(dtype=object),
        lambda key: f'the instrument "{key}"', expected=f"one of {', '.join(described)}", remedy=remedy,
    )  # fmt: skip


def check_items(table: Table, instruments: Mapping[str, Instrument], findings: Findings) -> None:
    """Answers outside the range of their questionnaire, items it does not have, impossible totals."""
    frame = table.frame
    item_columns = [name for name in map(str, frame) if ITEM_COLUMN.fullmatch(name)]
    several = len(instruments) > 1
    for key, instrument in instruments.items():
        of_this = (frame["instrument"] == key).to_numpy(dtype=bool, na_value=False)
        if not of_this.any():
            continue
        for places, rows in table.places.rows_of_each():
            if of_this[rows].any():
                there = item_columns if table.places.part is None else places.among(item_columns)
                _all_items_there(table, places.file, there, instrument, findings)
        for name in item_columns:
            values = frame[name].to_numpy(dtype=float)
            given = of_this & np.isfinite(values)
            if name in instrument.items:
                _item_range(table, name, values, given, instrument, findings)
            elif given.any() and not instrument.total_only:
                findings.add_rows(
                    "unknown_item", table.places, name, given,
                    lambda place, values=values: f"an answer ({values[place]:g})",  # type: ignore[misc]
                    expected=f"{instrument.abbreviation} has {instrument.items[0]} to {instrument.items[-1]}",
                    remedy="Correct the columns in study.toml" + (", or the instrument." if several else "."),
                )  # fmt: skip
        if "total" in frame:
            totals = frame["total"].to_numpy(dtype=float)
            low, high = instrument.raw_minimum, instrument.raw_maximum
            with np.errstate(invalid="ignore"):
                outside = of_this & ((totals < low) | (totals > high))
            findings.add_rows(
                "out_of_range", table.places, "total", outside,
                lambda place, totals=totals: f"the total {totals[place]:g}",  # type: ignore[misc]
                expected=f"a total of {instrument.abbreviation} from {low:g} to {high:g}",
                remedy="Correct the cell, or name the code for no answer in missing_values in study.toml.",
            )  # fmt: skip


def _all_items_there(
    table: Table, file: str, item_columns: list[str], instrument: Instrument, findings: Findings
) -> None:
    """A file with some of a questionnaire's items must have a column for each."""
    lacking = [name for name in instrument.items if name not in item_columns]
    if not lacking or (len(lacking) == instrument.n_items and "total" in table.frame):
        return
    findings.add(
        Problem(
            found=f"there is no column for {', '.join(lacking)}",
            expected=f"the {instrument.n_items} items of {instrument.abbreviation}",
            remedy=f"Name the columns: in [tables.measurements], columns = {{ {lacking[0]} = \"...\" }}.",
            file=file, row=1, code="missing_column",
        )
    )  # fmt: skip


def _item_range(
    table: Table,
    name: str,
    values: NDArray[np.float64],
    given: NDArray[np.bool_],
    instrument: Instrument,
    findings: Findings,
) -> None:
    low, high = instrument.item_minimum, instrument.item_maximum
    if low is None or high is None:
        return
    with np.errstate(invalid="ignore"):
        outside = given & ((values < low) | (values > high))
    shown = texts_where(outside, values, "{:g}".format)
    findings.add_values(
        "out_of_range", table.places, name, outside, shown, lambda answer: f"the answer {answer}",
        expected=f"a whole number from {low} to {high} ({instrument.abbreviation})",
        remedy="Correct the cell, or name the code for no answer in missing_values in study.toml.",
    )  # fmt: skip


def _day(times: pd.Series, place: int) -> str:
    value = times.iloc[place]
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value:g}"


def _cell(values: pd.Series, place: int) -> str:
    value = values.iloc[place]
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:g}" if isinstance(value, float) else f"{value}"
