"""Wide measurement files (a column per wave and item) to one row per measurement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.errors import Problem
from mpg_research.study.config.explain import line_of_setting
from mpg_research.study.findings import Findings, Places
from mpg_research.study.patterns import compile_pattern
from mpg_research.study.schemas import MEASUREMENTS, item_name
from mpg_research.study.tables.columns import Converter, Table
from mpg_research.study.tables.values import identifier_text, is_missing

__all__ = ["Occasion", "find_occasions", "long_from_wide"]

IN_DATA = ("respondent", "episode", "instrument")


@dataclass(frozen=True, slots=True)
class Occasion:
    """One block of columns: a wave, and perhaps a respondent, an episode or an instrument.

    Attributes
    ----------
    labels : tuple of (str, str)
        Placeholder and what stood in its place: (("wave", "0"), ("respondent", "mother")).
    columns : dict of str to str
        Canonical column to column of the file.
    """

    labels: tuple[tuple[str, str], ...]
    columns: dict[str, str]

    @property
    def wave(self) -> str:
        """The wave as the column names say it."""
        return dict(self.labels)["wave"]


def find_occasions(names: list[str], patterns: dict[str, str]) -> list[Occasion]:
    """Group the columns of a wide file into occasions.

    Parameters
    ----------
    names : list of str
        Columns of the file.
    patterns : dict
        Canonical column (or ``item``) to pattern.

    Returns
    -------
    list of Occasion
        In the order of the columns. Columns whose pattern has fewer placeholders (a date per wave, for
        both parents) belong to all occasions they fit.
    """
    blocks: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    others: list[tuple[str, dict[str, str], str]] = []
    for key, pattern in patterns.items():
        compiled = compile_pattern(pattern)
        for name in names:
            match = compiled.fullmatch(name)
            if match is None:
                continue
            labels = match.groupdict()
            item = labels.pop("item", None)
            if key in ("item", "total"):
                block = blocks.setdefault(tuple(sorted(labels.items())), {})
                block[item_name(item) if item is not None else key] = name
            else:
                others.append((key, labels, name))
    for key, labels, name in others:
        for block_labels, block in blocks.items():
            if set(labels.items()) <= set(block_labels):
                block[key] = name
    return [Occasion(labels, block) for labels, block in blocks.items()]


def number_columns(occasions: list[Occasion]) -> list[str]:
    """Columns of a wide file that should hold numbers."""
    return [
        name
        for occasion in occasions
        for column, name in occasion.columns.items()
        if column.startswith("item_") or column == "total"
    ]


def long_from_wide(
    fixed: Table, occasions: list[Occasion], converter: Converter, findings: Findings
) -> Table | None:
    """One row per family and occasion that has a date or an answer.

    Parameters
    ----------
    fixed : Table
        The columns that hold for the whole row of the file, converted.
    occasions : list of Occasion
        From :func:`find_occasions`.
    converter : Converter
        Of the same file.
    findings : Findings
        Receives the problems.

    Returns
    -------
    Table or None
        None if a time is missing that no column and no wave number gives.
    """
    waves = _wave_times(occasions, converter)
    untimed = [each.wave for each in occasions if "date" not in each.columns and each.wave not in waves]
    _unknown_times(occasions, converter, findings)
    if "date" not in fixed.frame and untimed:
        findings.add(_no_time(converter, list(dict.fromkeys(untimed))))
        return None
    for problem in _uneven(occasions, converter):
        findings.add(problem)
    pieces, rows, origin = [], [], []
    for number, occasion in enumerate(occasions):
        piece, filled = _one_occasion(fixed, occasion, waves.get(occasion.wave), converter)
        pieces.append(piece[filled])
        rows.append(fixed.places.rows[filled])
        origin.append(np.full(int(filled.sum()), number))
    frame = pd.concat(pieces, ignore_index=True)
    order = np.lexsort((np.concatenate(origin), np.concatenate(rows)))
    places = Places(
        fixed.places.file,
        np.concatenate(rows)[order],
        fixed.places.columns,
        np.concatenate(origin)[order],
        tuple(occasion.columns for occasion in occasions),
        fixed.places.settings,
        fixed.places.constants,
    )
    table = Table(frame.iloc[order].reset_index(drop=True), places)
    _undated_answers(table, occasions, converter, findings)
    return table


def _undated_answers(
    table: Table, occasions: list[Occasion], converter: Converter, findings: Findings
) -> None:
    """Answers at a wave whose cell for the date is empty, by row and wave."""
    frame, places = table.frame, table.places
    assert places.waves is not None
    rows = {int(row): place for place, row in enumerate(converter.raw.rows)}
    undated = frame["date"].isna().to_numpy(dtype=bool)
    answers = [name for name in map(str, frame) if name.startswith("item_") or name == "total"]
    undated = undated & frame[answers].notna().any(axis=1).to_numpy(dtype=bool)
    for place in np.flatnonzero(undated):  # what stood there but is no date is reported already
        source = occasions[int(places.waves[place])].columns.get("date") or places.columns.get("date")
        cell = None if source is None else converter.raw.frame[source].iloc[rows[int(places.rows[place])]]
        undated[place] = is_missing(cell) or identifier_text(cell) in converter.missing
    findings.add_rows(
        "missing_date", places, "date", undated,
        lambda place: f"answers at wave {occasions[int(places.waves[place])].wave}, but no date",  # type: ignore[index]
        expected="the date of every wave that was answered",
        remedy="Fill it in: answers without a date are left out and counted.",
        severity="warning",
    )  # fmt: skip


def _unknown_times(occasions: list[Occasion], converter: Converter, findings: Findings) -> None:
    """Times of waves that no column has: probably a typing error."""
    known = {occasion.wave for occasion in occasions}
    for wave in converter.table.times:
        if wave not in known:
            place = converter.table.place_of("measurements", "times", wave)
            file = converter.config.file
            findings.add(
                Problem(
                    found=f'times has the wave "{wave}", which no column has',
                    expected=f"waves as the columns name them: {', '.join(sorted(known))}",
                    remedy="Correct it, or remove it.", file=file.name, row=line_of_setting(file, place),
                    severity="warning", code="unknown_wave",
                )
            )  # fmt: skip


def _wave_times(occasions: list[Occasion], converter: Converter) -> dict[str, float]:
    """Time of each wave where no column gives it; only where times are numbers."""
    if converter.config.time.kind == "dates":
        return {}
    times = dict(converter.table.times)
    for occasion in occasions:
        if occasion.wave.isdigit():
            times.setdefault(occasion.wave, float(occasion.wave))
    return times


def _uneven(occasions: list[Occasion], converter: Converter) -> Iterator[Problem]:
    """Occasions that lack an item column which other occasions have."""
    items = {column for each in occasions for column in each.columns if column.startswith("item_")}
    for occasion in occasions:
        lacking = sorted(items - set(occasion.columns))
        if lacking and len(lacking) < len(items):
            yield Problem(
                found=f"wave {occasion.wave} has no column for {', '.join(lacking)}",
                expected="the same items in every wave", remedy="They are read as not answered.",
                file=converter.raw.name, row=1, severity="warning", code="uneven_waves",
            )  # fmt: skip


def _no_time(converter: Converter, waves: list[str]) -> Problem:
    several = len(waves) > 1
    which = f"waves {', '.join(waves)} have no columns with their dates" if several else (
        f"wave {waves[0]} has no column with its date"
    )  # fmt: skip
    remedy = 'Give its pattern in study.toml: patterns = { date = "date_t{wave}" }.'
    if converter.config.time.kind == "numbers":
        unit = converter.config.time.unit
        times = ", ".join(f'"{wave}" = ...' for wave in waves)
        remedy = (
            f"Say when they were, in {unit}: times = {{ {times} }} in [tables.measurements]. Or g{remedy[1:]}"
        )
    pattern = converter.table.patterns.get("date", "")
    if "{wave}" in pattern:
        names = ", ".join(pattern.replace("{wave}", wave) for wave in waves)
        remedy = (
            f'By the pattern date = "{pattern}" that would be {names}: rename the column{"s" * several}, or '
            "take out the answers of a wave without a date."
        )
    return Problem(
        found=which,
        expected="a date (or time) for every wave",
        remedy=remedy,
        file=converter.raw.name,
        code="missing_column",
    )


def _one_occasion(
    fixed: Table, occasion: Occasion, time: float | None, converter: Converter
) -> tuple[pd.DataFrame, Any]:
    piece = fixed.frame.copy()
    n_rows = len(piece)
    filled = np.zeros(n_rows, dtype=bool)
    for label, text in occasion.labels:
        if label in IN_DATA:
            column = MEASUREMENTS.column(label)
            assert column is not None
            cells = pd.Series([text] * n_rows, dtype=object)
            piece[label] = converter.convert(column, cells, label)
    for name, source in occasion.columns.items():
        column = MEASUREMENTS.column(name)
        assert column is not None
        if column.required:  # an occasion that did not take place is empty: no finding
            column = type(column)(column.name, column.kind, column.meaning)
        piece[name] = converter.convert(column, converter.raw.frame[source], source)
        if name not in IN_DATA:
            filled |= piece[name].notna().to_numpy(dtype=bool)
    if "date" not in piece:
        piece["date"] = time
    return piece, filled
