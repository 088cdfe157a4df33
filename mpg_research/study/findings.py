"""Collecting findings: vectorised masks in, a readable and bounded list of problems out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.config.parts import files_together

__all__ = ["LISTED_PER_CHECK", "Findings", "Places"]

LISTED_PER_CHECK = 8
"""Different findings listed one by one per check, file and column; the others as one, with their rows."""

#: Files of one table of which a check lists what it finds; of the others it says how many rows.
FILES_PER_CHECK = 8
LOOKED_BACK = 50
SHOWN_ROWS = 5
SHOWN_COLUMNS = 4
MANY_COLUMNS = 3
MANY_VALUES, EXAMPLES = 20, 2
MANY_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of a table came from, for messages.

    Attributes
    ----------
    file : str
        Name of the raw file.
    rows : ndarray of int, shape (n_rows,)
        Row in the file as a spreadsheet counts: the header is row 1.
    columns : mapping of str to str
        Canonical column to column of the file.
    waves : ndarray of int, shape (n_rows,), or None
        For a wide file: which occasion a row came from.
    wave_columns : tuple of mapping
        For a wide file: the columns of each occasion.
    settings : mapping of str to (str, int or None)
        Canonical columns that study.toml gives one value for the whole table: the file and the line that
        say so. What is wrong with such a value is said once, there.
    constants : mapping of str to object
        All that study.toml gives one value for the whole file, in a table that has no such column too: of
        which organisation the families are.
    parts : tuple of Places
        For a table of several files: what is said above of each; ``file`` then names them together, and
        ``columns`` are those of the first that has them.
    part : ndarray of int, shape (n_rows,), or None
        For a table of several files: which of ``parts`` a row came from.
    """

    file: str
    rows: NDArray[np.int64]
    columns: Mapping[str, str] = field(default_factory=dict)
    waves: NDArray[np.int64] | None = None
    wave_columns: tuple[Mapping[str, str], ...] = ()
    settings: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    parts: tuple["Places", ...] = ()
    part: NDArray[np.int64] | None = None

    @property
    def each(self) -> tuple["Places", ...]:
        """One for every file; only what is said of the file as a whole counts in them."""
        return self.parts or (self,)

    def among(self, columns: Iterable[str]) -> list[str]:
        """Those of some canonical columns that come from this file."""
        there = {*self.columns, *self.settings, *(name for wave in self.wave_columns for name in wave)}
        return [name for name in columns if name in there]

    def rows_of_each(self) -> Iterator[tuple["Places", NDArray[np.int64]]]:
        """Every file, as in :attr:`each`, and the positions of its rows."""
        if self.part is None:
            yield self, np.arange(len(self.rows))
            return
        for number, own in enumerate(self.parts):
            yield own, np.flatnonzero(self.part == number)

    def files_of(self, positions: NDArray[np.int64]) -> str:
        """The files of some rows, together."""
        if self.part is None:
            return self.file
        return files_together(self.parts[int(number)].file for number in np.unique(self.part[positions]))

    def file_of(self, position: int) -> str:
        """The file of the row at ``position``."""
        return self.file if self.part is None else self.parts[int(self.part[position])].file

    def row_of(self, position: int) -> int:
        """The row in its file of the row at ``position``."""
        return int(self.rows[position])

    def named(self, position: int, beside: int) -> str:
        """The row at ``position`` in words, with its file where that of the row ``beside`` is another."""
        row = f"row {self.row_of(position)}"
        file = self.file_of(position)
        return row if file == self.file_of(beside) else f"{row} of {file}"

    def column_of(self, column: str, position: int) -> str:
        """The column of the file behind a canonical column, in the row at ``position``."""
        own = self if self.part is None else self.parts[int(self.part[position])]
        if self.waves is not None and own.wave_columns:
            name = own.wave_columns[int(self.waves[position])].get(column)
            if name is not None:
                return name
        return own.columns.get(column, column)

    def by_file(self, mask: NDArray[np.bool_]) -> Iterator[tuple["Places", NDArray[np.int64], int]]:
        """The rows where ``mask`` holds, one file after the other.

        Parameters
        ----------
        mask : ndarray of bool, shape (n_rows,)

        Yields
        ------
        places : Places
            Of all rows, with the file, columns and settings of one file.
        positions : ndarray of int
            The rows of that file where ``mask`` holds; files without any are left out.
        n_rows : int
            Rows of that file.
        """
        positions = np.flatnonzero(mask)
        if self.part is None:
            if len(positions):
                yield self, positions, len(mask)
            return
        n_rows = np.bincount(self.part)
        for number in np.unique(self.part[positions]):
            own = self.parts[int(number)]
            of_file = replace(
                own, rows=self.rows, waves=None if not own.wave_columns else self.waves, part=None, parts=()
            )
            yield of_file, positions[self.part[positions] == number], int(n_rows[number])

    def take(self, positions: NDArray[Any]) -> "Places":
        """The places of some rows only (positions or a mask)."""
        waves = None if self.waves is None else self.waves[positions]
        part = None if self.part is None else self.part[positions]
        return replace(self, rows=self.rows[positions], waves=waves, part=part)


class Findings:
    """The problems found so far, with their full counts by code."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self.counts: Counter[str] = Counter()
        self._of_one_row: set[Problem] = set()
        self._told: dict[Problem, tuple[str, int]] = {}

    @property
    def has_errors(self) -> bool:
        """Whether anything was found that stops the run."""
        return any(problem.severity == "error" for problem in self._problems)

    def holds(self, code: str, *, file: str, column: str) -> bool:
        """Whether something was found already of a column of a file."""
        return any(
            (problem.code, problem.file, problem.column) == (code, file, column) for problem in self._problems
        )

    def add(self, problem: Problem, *, times: int = 1) -> None:
        """One finding; ``times`` counts it more than once."""
        if problem not in self._problems[-LOOKED_BACK:]:
            self._problems.append(problem)
            self.counts[problem.code] += times

    def extend(self, problems: Iterable[Problem]) -> None:
        """Several findings."""
        for problem in problems:
            self.add(problem)

    def add_rows(
        self,
        code: str,
        places: Places,
        column: str,
        mask: NDArray[np.bool_],
        found: Callable[[int], str],
        *,
        expected: str = "",
        remedy: str = "",
        severity: Literal["error", "warning"] = "error",
        together: str = "",
    ) -> bool:
        """One finding per row where ``mask`` holds; of many rows one per different text, the first listed.

        Parameters
        ----------
        code : str
            Stable name of the check.
        places : Places
            Where the rows came from.
        column : str
            Canonical column.
        mask : ndarray of bool, shape (n_rows,)
            The rows that are wrong.
        found : callable
            What was found, from the position of the row.
        expected, remedy, severity :
            As in :class:`~mpg_research.errors.Problem`.
        together : str
            What is found in many rows, behind their number: where it is given, many rows are one finding.

        Returns
        -------
        bool
            Whether any row was found.
        """
        said = Problem("", expected, remedy, severity=severity, code=code)
        for number, (of_file, positions, n_rows) in enumerate(places.by_file(mask)):
            if number == FILES_PER_CHECK:
                self._in_other_files(places, mask, of_file, said)
                break
            self._rows_of_file(of_file, column, positions, n_rows, found, said, together)
        return bool(mask.any())

    def _rows_of_file(
        self,
        places: Places,
        column: str,
        positions: NDArray[np.int64],
        n_rows: int,
        found: Callable[[int], str],
        said: Problem,
        together: str,
    ) -> None:
        """What :meth:`add_rows` adds of one file; ``said`` is what all have in common."""
        expected, remedy, severity, code = said.expected, said.remedy, said.severity, said.code
        if together and len(positions) > LISTED_PER_CHECK and column not in places.settings:
            first = int(positions[0])
            self.add(
                Problem(
                    found=f"{len(positions)} of {n_rows} {together} "
                    f"(rows {_some(places.rows[positions])})",
                    expected=expected, remedy=remedy, file=places.file_of(first), row=places.row_of(first),
                    column=places.column_of(column, first), severity=severity, code=code,
                ),
                times=len(positions),
            )  # fmt: skip
            return
        if column in places.settings:
            file, line = places.settings[column]
            self.add(
                Problem(
                    found=found(int(positions[0])), expected=expected, remedy=remedy, file=file, row=line,
                    column=column, severity=severity, code=code,
                )
            )  # fmt: skip
            return
        alike: dict[tuple[str, str], list[int]] = {}
        for position in positions:
            place = int(position)
            alike.setdefault((found(place), places.column_of(column, place)), []).append(place)
        if len(positions) <= LISTED_PER_CHECK:
            listed = [(key, [place]) for key, members in alike.items() for place in members]
        else:
            listed = list(alike.items())
        rest = [place for _, members in listed[LISTED_PER_CHECK:] for place in members]
        if len(listed) > LISTED_PER_CHECK + 1:
            listed = listed[:LISTED_PER_CHECK]
        for (told, name), members in listed:
            self._problems.append(
                Problem(
                    found=told + _in_rows(places.rows[members]), expected=expected, remedy=remedy,
                    file=places.file, row=places.row_of(members[0]), column=name, severity=severity,
                    code=code,
                )
            )  # fmt: skip
        if len(alike) > len(listed) and rest:
            rows = places.rows[rest]
            self._problems.append(
                Problem(
                    found=f"{len(rows)} more rows like these ({_some(rows)})", expected=expected,
                    remedy=remedy, file=places.file, column=places.columns.get(column, column),
                    severity=severity, code=code,
                )
            )  # fmt: skip
        self.counts[code] += len(positions)

    def add_values(
        self,
        code: str,
        places: Places,
        column: str,
        mask: NDArray[np.bool_],
        values: NDArray[Any],
        found: Callable[[str], str],
        *,
        expected: str = "",
        remedy: str | Callable[[str], str] = "",
        severity: Literal["error", "warning"] = "error",
    ) -> bool:
        """One finding per different value in the rows where ``mask`` holds, with its count and rows.

        Parameters
        ----------
        code, places, column, mask, expected, severity :
            As in :meth:`add_rows`.
        values : ndarray, shape (n_rows,)
            What stands in each row.
        found : callable
            What was found, from the value as text.
        remedy : str or callable
            What to do, or how to say that of a value.

        Returns
        -------
        bool
            Whether any row was found.
        """
        said = Problem("", expected, severity=severity, code=code)
        for number, (of_file, positions, _) in enumerate(places.by_file(mask)):
            if number == FILES_PER_CHECK:
                self._in_other_files(places, mask, of_file, said)
                break
            self._values_of_file(of_file, column, positions, values, found, said, remedy)
        return bool(mask.any())

    def _in_other_files(self, places: Places, mask: NDArray[np.bool_], first: Places, said: Problem) -> None:
        """What is found in more files than are listed, as one; ``first`` is the first of these files."""
        assert places.part is not None
        before = next(number for number, own in enumerate(places.parts) if own.file == first.file)
        positions = np.flatnonzero(mask & (places.part >= before))
        n_files = len(np.unique(places.part[positions]))
        found = (
            f"{len(positions)} more rows like these in {n_files} more {'files' if n_files > 1 else 'file'}"
        )
        self._problems.append(
            replace(
                said,
                found=found,
                remedy="Correct the others in the same way.",
                file=places.files_of(positions),
            )
        )
        self.counts[said.code] += len(positions)

    def _values_of_file(
        self,
        places: Places,
        column: str,
        positions: NDArray[np.int64],
        values: NDArray[Any],
        found: Callable[[str], str],
        said: Problem,
        remedy: str | Callable[[str], str],
    ) -> None:
        """What :meth:`add_values` adds of one file; ``said`` is what all have in common."""
        grouped: dict[str, list[int]] = {}
        for position in positions:
            grouped.setdefault(str(values[position]), []).append(int(position))
        # Where a whole column is something else, a few examples say it.
        most = LISTED_PER_CHECK if len(grouped) <= MANY_VALUES else EXAMPLES
        for number, (value, members) in enumerate(grouped.items()):
            of_setting = places.settings.get(column)
            file, row = of_setting or (places.file, int(places.rows[members[0]]))
            rest = len(grouped) - most
            if number == most and rest > 1:
                told = f"{rest} more different values like these"
            else:
                told = found(value) + ("" if of_setting else _in_rows(places.rows[members]))
            problem = replace(
                said, found=told, remedy=remedy if isinstance(remedy, str) else remedy(value),
                file=file, row=row,
                column=column if of_setting else places.column_of(column, members[0]),
            )  # fmt: skip
            self._add_unlisted(len(members) == 1 and of_setting is None, problem)
            if of_setting is None and number < most:
                self._told[problem] = (found(value), len(members))
            if number == most and rest > 1:
                break
        self.counts[said.code] += 1 if column in places.settings else len(positions)

    def _add_unlisted(self, of_one_row: bool, problem: Problem) -> None:
        """Add to the list, once; the caller counts."""
        if problem not in self._problems[-LOOKED_BACK:]:
            self._problems.append(problem)
            if of_one_row:
                self._of_one_row.add(problem)

    def listed(self) -> tuple[Problem, ...]:
        """All problems, errors first, otherwise in the order in which they were found."""
        together = self._over_files(self._over_columns(self._together()))
        return tuple(sorted(together, key=lambda problem: problem.severity != "error"))

    def _over_files(self, problems: list[Problem]) -> list[Problem]:
        """The same value in more files than are listed: of the others how many rows, as one finding."""
        alike: dict[tuple[str, ...], list[Problem]] = {}
        for problem in problems:
            if problem in self._told:
                kind = (self._told[problem][0], problem.code, problem.expected, problem.severity)
                alike.setdefault(kind, []).append(problem)
        left_out: set[Problem] = set()
        instead: dict[Problem, Problem] = {}
        for same in alike.values():
            files = list(dict.fromkeys(each.file for each in same))
            rest = [each for each in same if each.file in files[FILES_PER_CHECK:]]
            if len(files) <= FILES_PER_CHECK + 1:
                continue
            left_out |= set(rest[1:])
            number, of = sum(self._told[each][1] for each in rest), files[FILES_PER_CHECK:]
            instead[rest[0]] = replace(
                rest[0], found=f"{self._told[rest[0]][0]} in {number} rows of {len(of)} more files",
                file=files_together(of), row=None, column="",
            )  # fmt: skip
        return [instead.get(problem, problem) for problem in problems if problem not in left_out]

    def _over_columns(self, problems: list[Problem]) -> list[Problem]:
        """The same value in many columns (99 in every item) as one finding."""

        def kind(problem: Problem) -> tuple[str, ...]:
            return (self._told[problem][0], problem.code, problem.file, problem.expected, problem.severity)

        alike: dict[tuple[str, ...], list[Problem]] = {}
        for problem in problems:
            if problem in self._told:
                alike.setdefault(kind(problem), []).append(problem)
        listed: list[Problem] = []
        for problem in problems:
            same = alike.get(kind(problem), []) if problem in self._told else []
            columns = list(dict.fromkeys(each.column for each in same))
            if len(columns) < MANY_COLUMNS:
                listed.append(problem)
            elif problem is same[0]:
                told, number = kind(problem)[0], sum(self._told[each][1] for each in same)
                shown = ", ".join(columns[:SHOWN_COLUMNS]) + (", ..." if len(columns) > SHOWN_COLUMNS else "")
                found = f"{told} in {number} cells of {len(columns)} columns ({shown})"
                remedy = max((each.remedy for each in same), key=len)
                listed.append(replace(problem, found=found, remedy=remedy))
        return listed

    def _together(self) -> list[Problem]:
        """The problems; those of a row that is wrong in nearly every cell (a line of labels) as one."""
        by_row = Counter((each.file, each.row) for each in self._of_one_row)
        no_data = {place for place, number in by_row.items() if number >= MANY_IN_A_ROW}
        listed: list[Problem] = []
        for problem in self._problems:
            place = (problem.file, problem.row)
            if problem not in self._of_one_row or place not in no_data:
                listed.append(problem)
            elif by_row[place]:
                listed.append(
                    Problem(
                        found=f"{by_row[place]} cells of this row are not what their columns hold "
                        f"({problem.found} in column {problem.column}, ...)",
                        expected="a row of data", code="row_of_no_data", file=problem.file, row=problem.row,
                        remedy="Remove the row from the export if it holds labels or totals, or correct it.",
                    )
                )  # fmt: skip
                by_row[place] = 0
        return listed


def _in_rows(rows: NDArray[np.int64]) -> str:
    """How often, and where: `` in 23 rows (2, 5, 9, ...)``; nothing for a single row, named anyway."""
    if len(rows) == 1:
        return ""
    return f" in {len(rows)} rows ({_some(rows)})"


def _some(rows: NDArray[np.int64]) -> str:
    shown = ", ".join(str(int(row)) for row in rows[:SHOWN_ROWS])
    return shown + (", ..." if len(rows) > SHOWN_ROWS else "")
