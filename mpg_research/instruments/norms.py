"""Norm tables: read them, prove them sound, and turn raw scores into T-scores."""

import csv
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpg_research.errors import ConfigError, DataError, Problem, did_you_mean
from mpg_research.instruments.model import AgeBand, NormBand, NormTable

__all__ = ["look_up_t_scores", "read_norm_table"]

_COLUMNS = ("age_from", "age_to", "raw", "t_score")

_Row = tuple[int, tuple[int, int] | None, int, float]
"""Row number in the file, ages (None: every age), raw score, T-score."""


def read_norm_table(path: str | Path, *, source: str, synthetic: bool = False) -> NormTable:
    """Read a norm table from a CSV with the columns age_from, age_to, raw and t_score.

    Parameters
    ----------
    path : str or Path
        The CSV: one row per age band and whole raw score. Comma or semicolon, decimal point or
        decimal comma. Ages in completed years, both ends included; leave both empty throughout
        if one table holds for every age.
    source : str
        Where the norms come from. Required: a norm without a source is refused.
    synthetic : bool, default False
        Whether the norms were made from simulated families.

    Returns
    -------
    NormTable
        Bands in order of age.

    Raises
    ------
    ConfigError
        If no source is given.
    DataError
        If the file is missing, a value is no number, a raw score is missing or given twice, a
        T-score falls while the raw score rises, or age bands overlap or leave a gap. All problems
        are reported at once.
    """
    path = Path(path)
    if not source.strip():
        raise ConfigError(
            f"The norm table {path.name} has no source. Say in study.toml where the norms come from "
            "(norms_source): a norm without a source is not used."
        )
    try:
        rows, problems = _read_rows(path)
    except csv.Error as error:
        raise DataError(f"The norm table {path} cannot be read as CSV: {error}. Export it again.") from None
    problems += _check_scores(path, rows) + _check_ages(path, rows)
    if not rows and not problems:
        problems.append(Problem(found="the table has no rows", file=path.name, code="empty_table"))
    if problems:
        raise DataError.from_problems(f"The norm table {path} cannot be used:", problems)
    return NormTable(bands=_bands(rows), source=source.strip(), synthetic=synthetic)


def look_up_t_scores(
    norms: NormTable, raw: NDArray[np.float64], ages: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """T-scores of raw scores; NaN where the raw score or a needed age is missing or outside.

    Parameters
    ----------
    norms : NormTable
        The table.
    raw : ndarray of float, shape (n,)
        Raw scores. A prorated score between two whole scores gets the T-score between theirs.
    ages : ndarray of float, shape (n,), or None
        Child's age in years at intake; only completed years count.

    Returns
    -------
    ndarray of float, shape (n,)
    """
    t_scores = np.full(raw.shape, np.nan)
    if norms.needs_age and ages is None:
        return t_scores
    for band in norms.bands:
        chosen = np.isfinite(raw) & (raw >= band.raw[0]) & (raw <= band.raw[-1])
        if band.ages is not None and ages is not None:
            completed = np.floor(ages)
            chosen &= (completed >= band.ages.age_from) & (completed <= band.ages.age_to)
        t_scores[chosen] = np.interp(raw[chosen], band.raw, band.t_score)
    return t_scores


def _read_rows(path: Path) -> tuple[list[_Row], list[Problem]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"The norm table {path} does not exist. Correct its name in study.toml.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The norm table {path} cannot be read as UTF-8 text. Save it so.") from error
    lines = text.splitlines()
    separator = ";" if lines and ";" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=separator)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        # The first line is not repeated: it may be that of another file, and about people.
        hints = [did_you_mean(name, reader.fieldnames or ()) for name in missing]
        raise DataError(
            f"The norm table {path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} in its "
            f"first line; expected {', '.join(_COLUMNS)}. {' '.join(filter(None, hints))}".rstrip()
        )
    rows: list[_Row] = []
    problems: list[Problem] = []
    for record in reader:
        values = {name: _number(record[name]) for name in _COLUMNS}
        bad = [name for name in _COLUMNS if not _acceptable(name, record[name], values[name])]
        problems += [_not_a_number(path, reader.line_num, name, record[name]) for name in bad]
        if bad:
            continue
        age_from, age_to = values["age_from"], values["age_to"]
        ages = None if math.isnan(age_from) or math.isnan(age_to) else (int(age_from), int(age_to))
        if ages is None and not (math.isnan(age_from) and math.isnan(age_to)):
            problems.append(_not_a_number(path, reader.line_num, "age_from", "half empty"))
            continue
        rows.append((reader.line_num, ages, int(values["raw"]), values["t_score"]))
    return rows, problems


def _number(text: str | None) -> float:
    try:
        return float((text or "").strip().replace(",", "."))
    except ValueError:
        return math.nan


def _acceptable(name: str, text: str | None, value: float) -> bool:
    if name in ("age_from", "age_to") and not (text or "").strip():
        return True
    return math.isfinite(value) and (name == "t_score" or value == int(value))


def _not_a_number(path: Path, row: int, column: str, text: str | None) -> Problem:
    expected = "a number" if column == "t_score" else "a whole number"
    return Problem(
        found=f"value {text!r}", expected=expected, remedy="Correct the table.",
        file=path.name, row=row, column=column, code="not_a_number",
    )  # fmt: skip


def _by_band(rows: Iterable[_Row]) -> dict[tuple[int, int] | None, list[_Row]]:
    bands: dict[tuple[int, int] | None, list[_Row]] = {}
    for row in rows:
        bands.setdefault(row[1], []).append(row)
    return {ages: sorted(band, key=lambda row: row[2]) for ages, band in bands.items()}


def _check_scores(path: Path, rows: list[_Row]) -> list[Problem]:
    """Within a band: each whole raw score once, T-scores never falling."""
    problems = []
    for ages, band in _by_band(rows).items():
        label = f" for ages {ages[0]}-{ages[1]}" if ages else ""
        for before, after in pairwise(band):
            found = code = ""
            if after[2] == before[2]:
                found, code = f"raw score {after[2]}{label} is given twice", "duplicate_norm"
            elif after[2] > before[2] + 1:
                found, code = f"no T-score for raw score {before[2] + 1}{label}", "incomplete_norms"
            elif after[3] < before[3]:
                found = f"T-score {after[3]:g} at raw score {after[2]}{label} falls from {before[3]:g}"
                code = "norms_not_monotone"
            if found:
                problems.append(
                    Problem(found=found, remedy="Correct the table.", file=path.name, row=after[0], code=code)
                )
    return problems


def _check_ages(path: Path, rows: list[_Row]) -> list[Problem]:
    """Bands run in order and touch; a table without ages has no banded rows."""
    groups = _by_band(rows)
    if None in groups and len(groups) > 1:
        first = groups[None][0]
        return [
            Problem(found="some rows have ages and some have none", expected="ages in all rows or in none",
                    remedy="Correct the table.", file=path.name, row=first[0], code="norm_ages")
        ]  # fmt: skip
    bands = sorted(ages for ages in groups if ages is not None)
    problems = [
        Problem(found=f"age band {low}-{high} ends before it starts", remedy="Correct the table.",
                file=path.name, row=groups[(low, high)][0][0], code="norm_ages")
        for low, high in bands
        if low > high
    ]  # fmt: skip
    for before, after in pairwise(bands):
        if after[0] != before[1] + 1:
            wrong = "overlap" if after[0] <= before[1] else "leave a gap"
            problems.append(
                Problem(found=f"age bands {before[0]}-{before[1]} and {after[0]}-{after[1]} {wrong}",
                        expected=f"the next band to start at {before[1] + 1}", remedy="Correct the table.",
                        file=path.name, row=groups[after][0][0], code="norm_ages")
            )  # fmt: skip
    return problems


def _bands(rows: list[_Row]) -> tuple[NormBand, ...]:
    groups = _by_band(rows)
    return tuple(
        NormBand(
            ages=AgeBand(*ages) if ages else None,
            raw=tuple(row[2] for row in groups[ages]),
            t_score=tuple(row[3] for row in groups[ages]),
        )
        for ages in sorted(groups, key=lambda ages: ages or (0, 0))
    )
