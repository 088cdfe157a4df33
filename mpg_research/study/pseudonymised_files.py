"""Exports to files for a study folder: pseudonyms for ids, ages for birth dates, regions for postcodes.

Only columns that are named get through: free text and whatever nobody thought of stay behind.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.errors import ConfigError, DataError, Problem
from mpg_research.study.config.sections import DAYS_PER_YEAR, TableConfig
from mpg_research.study.files.read import RawTable, read_table
from mpg_research.study.pseudonyms import pseudonyms_with, read_key
from mpg_research.study.tables.direct_identifiers import (
    DIRECT_IDENTIFIERS,
    direct_identifier,
    looks_like_free_text,
)
from mpg_research.study.tables.identifiers import join_parts
from mpg_research.study.tables.values import identifier_text, is_missing, parse_dates
from mpg_research.writing import write_atomically

__all__ = ["PseudonymisedFile", "pseudonymise_files"]

# A rater is a worker: the same id gets the same pseudonym, or nobody could tell who scored what.
SAME_PEOPLE = {"rater": "worker"}
REGION_DIGITS = 2  # the first two of a Dutch postcode: some ninety regions


@dataclass(frozen=True, slots=True)
class PseudonymisedFile:
    """What became of one file.

    Attributes
    ----------
    source, target : Path
        The export, and what was written.
    n_rows : int
        Rows in it.
    made : mapping of str to str
        Columns written, and what they were made from.
    left_out : tuple of str
        Columns that stayed behind.
    """

    source: Path
    target: Path
    n_rows: int
    made: Mapping[str, str]
    left_out: tuple[str, ...]


def pseudonymise_files(
    files: Iterable[str | Path],
    output: str | Path,
    *,
    project: str,
    key_file: str | Path | None = None,
    ids: Mapping[str, Sequence[str]],
    ages: Mapping[str, tuple[str, str]] | None = None,
    regions: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    keep_as_is: Sequence[str] = (),
    replace: bool = False,
) -> tuple[PseudonymisedFile, ...]:
    """Write exports anew as CSV, with nothing in them that tells who a person is.

    Parameters
    ----------
    files : iterable of str or Path
        The exports: CSV, Excel, SPSS or Parquet.
    output : str or Path
        Folder for the new files, each named after its export.
    project : str
        Name of the project. The same id gets other pseudonyms in another project, so that data of two
        projects cannot be put together.
    key_file : str or Path, optional
        Made with :func:`mpg_research.study.make_key`; by default the key is read from the environment
        variable ``MPG_PSEUDONYM_KEY``.
    ids : mapping of str to sequence of str
        New column to the columns that make the id together. The same new name in two files gives the same
        pseudonyms, so that tables stay linked; another name gives others (but ``rater`` those of ``worker``).
    ages : mapping of str to (str, str), optional
        New column to the columns of birth and of the day the age is wanted at: years, to one decimal.
    regions : mapping of str to str, optional
        New column to the column with postcodes, of which the first two digits stay.
    keep : sequence of str
        Columns to take over; ``*`` stands for anything (``item_*``). Refused where they look like direct
        identifiers or free text.
    keep_as_is : sequence of str
        Columns to take over whatever they look like.
    replace : bool
        Whether files that are there may be written over.

    Returns
    -------
    tuple of PseudonymisedFile
        One per file. All are written, or none.

    Raises
    ------
    ConfigError
        If the key is missing or lies where the data are, a column is named twice or is in no file, two files
        would get one name, or a file is there already.
    DataError
        If a file cannot be read, a birth date is none, or a column to be kept holds direct identifiers.
    """
    if not project.strip():
        raise ConfigError("Name the project (--project): pseudonyms of two projects must not be the same.")
    key = read_key(key_file)
    plan = _Plan(dict(ids), dict(ages or {}), dict(regions or {}), tuple(keep), tuple(keep_as_is))
    plan.check()
    folder = Path(output).expanduser()
    written: list[tuple[PseudonymisedFile, bytes]] = []
    used: set[str] = set()
    for file in map(Path, files):
        raw = read_table(file, TableConfig(file=(str(file),)))
        target = folder / f"{file.stem}.csv"
        if any(target == other.target for other, _ in written):
            raise ConfigError(f"Two files would become {target}. Give them other names first.")
        if target.exists() and not replace:
            raise ConfigError(
                f"{target} is there already. Choose another folder, or write over it: --replace."
            )
        if target.exists() and os.path.samefile(target, file):
            raise ConfigError(f"{file} would be written over itself. Choose another folder (--output).")
        frame, made, taken = _transformed(raw, plan, key=key, project=project)
        used |= taken | (set(map(str, raw.frame.columns)) & {moment for _, moment in plan.ages.values()})
        left = tuple(name for name in map(str, raw.frame.columns) if name not in taken)
        done = PseudonymisedFile(file, target, len(frame), made, left)
        written.append((done, frame.to_csv(index=False, lineterminator="\n").encode("utf-8")))
    if missing := plan.columns_without_pattern() - used:
        raise ConfigError(f"No file has the column{'s' * (len(missing) > 1)} {', '.join(sorted(missing))}.")
    for done, content in written:
        write_atomically(done.target, content, private=True)
    return tuple(done for done, _ in written)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to become of which column."""

    ids: dict[str, Sequence[str]]
    ages: dict[str, tuple[str, str]]
    regions: dict[str, str]
    keep: tuple[str, ...]
    keep_as_is: tuple[str, ...]

    def check(self) -> None:
        if not self.ids:
            raise ConfigError("Name at least one id (--id family): the column that links the tables.")
        made = [*self.ids, *self.ages, *self.regions]
        twice = sorted({name for name in made if made.count(name) > 1})
        if twice:
            raise ConfigError(f"Two ways are given to make the column {', '.join(twice)}. Give one.")
        secret = {part for parts in self.ids.values() for part in parts}
        secret |= {birth for birth, _ in self.ages.values()} | set(self.regions.values())
        if open_ := sorted(secret & {*self.keep, *self.keep_as_is}):
            raise ConfigError(f"The column {', '.join(open_)} is to be replaced and to be kept. Choose one.")

    def keeps(self, name: str) -> bool:
        return name in self.keep_as_is or any(fnmatchcase(name, pattern) for pattern in self.keep)

    def columns_without_pattern(self) -> set[str]:
        named = {part for parts in self.ids.values() for part in parts} | set(self.regions.values())
        named |= {column for pair in self.ages.values() for column in pair}
        return named | {name for name in (*self.keep, *self.keep_as_is) if not set(name) & set("*?[")}


def _transformed(
    raw: RawTable, plan: _Plan, *, key: bytes, project: str
) -> tuple[pd.DataFrame, dict[str, str], set[str]]:
    """The new table, what each column was made from, and the columns of the file that were used."""
    there = set(map(str, raw.frame.columns))
    columns: dict[str, pd.Series] = {}
    made: dict[str, str] = {}
    taken: set[str] = set()
    for new, parts in plan.ids.items():
        if not set(parts) <= there:
            continue
        joined = [_joined(row) for row in zip(*(raw.frame[part] for part in parts), strict=True)]
        purpose = f"{project}\0{SAME_PEOPLE.get(new, new)}"
        columns[new] = pd.Series(pseudonyms_with(key, joined, purpose=purpose), dtype=object)
        made[new] = f"pseudonyms of {' and '.join(parts)}"
        taken |= set(parts)
    if not columns:
        expected = " or ".join("+".join(parts) for parts in plan.ids.values())
        raise _error(raw, "the file has none of the ids", f"the column {expected}", "no_id")
    for new, (birth, moment) in plan.ages.items():
        if birth in there and moment in there:
            columns[new] = _ages(raw, birth, moment)
            made[new] = f"years from {birth} to {moment}"
            taken.add(birth)
    for new, postcode in plan.regions.items():
        if postcode in there:
            columns[new] = raw.frame[postcode].map(_region)
            made[new] = f"the first {REGION_DIGITS} digits of {postcode}"
            taken.add(postcode)
    secret = {part for parts in plan.ids.values() for part in parts} | set(plan.regions.values())
    secret |= {birth for birth, _ in plan.ages.values()}
    for name in map(str, raw.frame.columns):
        if name in secret or not plan.keeps(name):
            continue
        if name in columns:
            raise _error(raw, f'the column "{name}" would be there twice', "other new names", "twice", name)
        if name not in plan.keep_as_is:
            _refuse_identifiers(raw, name)
        columns[name] = raw.frame[name]
        made[name] = "as it is"
        taken.add(name)
    if raw.no_values.keys() & taken:
        name = sorted(raw.no_values.keys() & taken)[0]
        raise _error(
            raw, f"the column holds {raw.no_values[name]}", "one value in each cell", "no_value", name
        )
    return pd.DataFrame(columns), made, taken


def _joined(row: tuple[object, ...]) -> str:
    """One id; empty where any of its parts is."""
    parts = ["" if is_missing(value) else identifier_text(value) for value in row]
    return "" if not all(parts) else parts[0] if len(parts) == 1 else join_parts(parts)


def _ages(raw: RawTable, birth: str, moment: str) -> pd.Series:
    days = []
    for name in (birth, moment):
        parsed, incomplete = parse_dates(raw.frame[name], date_format=None, numbers=raw.day_numbers)
        if (parsed.bad | incomplete).any():
            row = int(raw.rows[(parsed.bad | incomplete).argmax()])
            raise _error(
                raw, "a cell is no whole date", "a date in each cell, or none", "bad_date", name, row
            )
        days.append(parsed.values.astype("datetime64[D]"))
    known = ~(np.isnat(days[0]) | np.isnat(days[1]))
    years = np.full(len(raw.frame), np.nan)
    years[known] = (days[1][known] - days[0][known]).astype(float) / DAYS_PER_YEAR
    if (years < 0).any():
        row = int(raw.rows[(years < 0).argmax()])
        raise _error(
            raw, f"{birth} is later than {moment}", "an age of 0 or more", "negative_age", birth, row
        )
    return pd.Series(np.floor(years * 10) / 10)


def _region(value: object) -> str:
    digits = "" if is_missing(value) else identifier_text(value).strip()[:REGION_DIGITS]
    return digits if digits.isdigit() and len(digits) == REGION_DIGITS else ""


def _refuse_identifiers(raw: RawTable, name: str) -> None:
    kind = direct_identifier(name, raw.frame[name])
    remedy = f"Leave it out, replace it (--id, --age, --region), or insist: --keep-as-is {name}."
    if kind:
        found = f"the column holds what looks like {DIRECT_IDENTIFIERS[kind]}"
        raise _error(
            raw, found, "nothing that tells who a person is", "direct_identifier", name, remedy=remedy
        )
    if looks_like_free_text(raw.frame[name]):
        raise _error(
            raw, "the column holds free text", "codes, numbers and dates", "free_text", name, remedy=remedy
        )


def _error(
    raw: RawTable,
    found: str,
    expected: str,
    code: str,
    column: str = "",
    row: int | None = None,
    remedy: str = "Correct the command or the file.",
) -> DataError:
    problem = Problem(
        found=found, expected=expected, remedy=remedy, file=raw.name, column=column, row=row, code=code
    )
    return DataError(str(problem), problems=[problem])
