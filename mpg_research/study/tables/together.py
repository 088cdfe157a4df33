"""The files of one table together: columns of one kind, and no row twice because two exports overlap."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.config.parts import episodes_as_said, files_together
from mpg_research.study.config.study_toml import StudyConfig, TableConfig
from mpg_research.study.findings import Findings, Places
from mpg_research.study.schemas import ITEM_COLUMN, SCHEMAS
from mpg_research.study.tables.columns import TEXT, Table
from mpg_research.study.tables.identifiers import join_parts, split_id

__all__ = ["FileRows", "put_together"]

#: From this share of a file's rows on, found again as another organisation's, one export has two names. Ours.
SAME_SHARE, FEWEST_SAME = 0.5, 5


@dataclass(frozen=True, slots=True)
class FileRows:
    """What one file holds of a table.

    Attributes
    ----------
    table : Table
        Canonical.
    config : TableConfig
        How the file was read.
    sha256 : str
        Hash of its bytes.
    path : Path
        The file.
    """

    table: Table
    config: TableConfig
    sha256: str
    path: Path

    @property
    def label(self) -> str:
        """What messages call the file."""
        return self.table.places.file


def put_together(
    name: str, files: Sequence[FileRows], config: StudyConfig, findings: Findings
) -> Table | None:
    """One table of the rows of several files.

    Parameters
    ----------
    name : str
        Of the table.
    files : sequence of FileRows
        At least one.
    config : StudyConfig
        For how ids of families are made.
    findings : Findings
        Receives the problems. Rows that stand in two files and are equal in everything count once (a
        warning); one export that was read as that of two organisations is an error.

    Returns
    -------
    Table or None
        The files one after the other. None where they cannot be one table.
    """
    if len(files) == 1:
        return files[0].table
    if _one_export_for_two(name, files, findings):
        return None
    files = [_without_own_doubles(name, each) for each in files]
    if name == "measurements" and _same_answers(files, config, findings):
        return None
    if not _of_one_kind(files, findings):
        return None
    joined = _joined(name, files)
    joined = _without_repeats(joined, findings)
    if name == "episodes":
        _organisations_in_several(joined, findings)
    return joined


def _one_export_for_two(name: str, files: Sequence[FileRows], findings: Findings) -> bool:
    """The same bytes read with other constants: an export of one organisation under two names."""
    if SCHEMAS[name].column("family") is None:
        return False
    seen: dict[tuple[object, ...], FileRows] = {}
    found = False
    for each in files:
        first = seen.setdefault((each.sha256, each.config.sheet), each)
        alike = each.config.model_copy(update={"constants": {}, "file": ()})
        other = first.config.model_copy(update={"constants": {}, "file": ()})
        if first is each or each.config.constants == first.config.constants or not _read_alike(alike, other):
            continue
        differs = sorted(
            key for key in {*each.config.constants, *first.config.constants}
            if each.config.constants.get(key) != first.config.constants.get(key)
        )  # fmt: skip
        told = " and ".join(
            f'{key} "{first.config.constants.get(key, "")}" there and "{each.config.constants.get(key, "")}" '
            "here" for key in differs
        )  # fmt: skip
        findings.add(
            Problem(
                found=f"the file is {first.label} again, to the byte, but is read as {told}",
                expected="another export for each source",
                remedy="Put the right export there, or take one of the two out of study.toml.",
                file=each.label, code="one_export_for_two",
            )
        )  # fmt: skip
        found = True
    return found


def _read_alike(one: TableConfig, other: TableConfig) -> bool:
    return one.model_dump() == other.model_dump()


def _without_own_doubles(name: str, file: FileRows) -> FileRows:
    """Equal rows of a file that serves another table too are one row."""
    if name != "episodes" or not file.table.shared_file:
        return file
    return replace(file, table=file.table.take(~file.table.frame.duplicated().to_numpy(dtype=bool)))


def _of_one_kind(files: Sequence[FileRows], findings: Findings) -> bool:
    """Columns of the study's own hold numbers in all files, or texts in all."""
    good = True
    for column in dict.fromkeys(name for each in files for name in map(str, each.table.frame)):
        kinds: dict[bool, FileRows] = {}
        for each in files:
            if column in each.table.frame and each.table.frame[column].notna().any():
                kinds.setdefault(pd.api.types.is_numeric_dtype(each.table.frame[column]), each)
        if len(kinds) == 2:
            numbers, texts = kinds[True], kinds[False]
            place = int(texts.table.frame[column].notna().to_numpy().argmax())
            example = texts.table.frame[column].iloc[place]
            findings.add(
                Problem(
                    found=f'{column} holds texts here, such as "{example}", and numbers in {numbers.label}',
                    expected="one kind of values in all files of a table",
                    remedy=f"Recode the texts as numbers, values = {{ {column} = {{ "
                    f'"{example}" = "..." }} }}, or the numbers as texts, in the source of that file.',
                    file=texts.label, row=texts.table.places.row_of(place),
                    column=texts.table.places.column_of(column, place), code="mixed_kinds",
                )
            )  # fmt: skip
            good = False
    return good


def _joined(name: str, files: Sequence[FileRows]) -> Table:
    """The rows of the files one after the other, each with the place it came from."""
    frames = [each.table.frame for each in files]
    columns: dict[str, pd.Series] = {}
    wanted = dict.fromkeys(str(column) for frame in frames for column in frame)
    for column in wanted:
        there = [frame[column] for frame in frames if column in frame]
        filled = [cells for cells in there if cells.notna().any()] or there
        kind = _common_kind(filled)
        pieces = [_cells(frame, column, kind) for frame in frames]
        columns[column] = pd.concat(pieces, ignore_index=True)
    frame = pd.DataFrame(columns)
    first = [column for column in SCHEMAS[name].names if column in frame]
    frame = frame[first + sorted(column for column in frame.columns if column not in first)]
    each = [file.table.places for file in files]
    waves = None
    if any(places.waves is not None for places in each):
        waves = np.concatenate(
            [np.zeros(len(p.rows), dtype=np.int64) if p.waves is None else p.waves for p in each]
        )
    places = Places(
        files_together(places.file for places in each),
        np.concatenate([places.rows for places in each]),
        {column: source for places in reversed(each) for column, source in places.columns.items()},
        waves,
        parts=tuple(replace(places, rows=places.rows[:0], waves=None) for places in each),
        part=np.repeat(np.arange(len(each)), [len(places.rows) for places in each]),
    )
    return Table(frame, places)


def _common_kind(columns: Sequence[pd.Series]) -> Any:
    """The type that holds the values of all files: that of all of them, a number, or an object."""
    kinds = list(dict.fromkeys(cells.dtype for cells in columns))
    if len(kinds) == 1:
        return kinds[0]
    plain = all(isinstance(kind, np.dtype) and kind.kind in "fiu" for kind in kinds)
    return np.dtype(float if plain else object)


def _cells(frame: pd.DataFrame, column: str, kind: Any) -> pd.Series:
    """A column of one file, as the others have it; empty where the file has none."""
    if column in frame and frame[column].dtype == kind:
        return frame[column]
    if column in frame and frame[column].notna().any():
        return frame[column].astype(kind)
    if isinstance(kind, np.dtype) and kind.kind in "iu":
        kind = np.dtype(float)
    empty: Any = pd.NaT if isinstance(kind, np.dtype) and kind.kind == "M" else None
    if isinstance(kind, np.dtype) and kind.kind == "f":
        empty = np.nan
    return pd.Series([empty] * len(frame), dtype=TEXT if _is_object(kind) else kind)


def _is_object(kind: Any) -> bool:
    return isinstance(kind, np.dtype) and kind.kind == "O"


def _without_repeats(table: Table, findings: Findings) -> Table:
    """Rows that an earlier file has too, equal in everything, are left out and told of, by file."""
    frame, places = table.frame, table.places
    assert places.part is not None
    candidates = _in_several_files(frame, places.part)
    if not candidates.any():
        return table
    positions = np.flatnonzero(candidates)
    hashed = pd.util.hash_pandas_object(frame.iloc[positions], index=False)
    positions = positions[hashed.duplicated(keep=False).to_numpy()]
    part = places.part[positions]
    groups = frame.iloc[positions].groupby(list(frame.columns), dropna=False, sort=False).ngroup().to_numpy()
    earliest = pd.Series(part).groupby(groups).transform("min").to_numpy()
    again = part > earliest
    if not again.any():
        return table
    repeated = np.zeros(len(frame), dtype=bool)
    repeated[positions[again]] = True
    first_row = dict(zip(groups[::-1], positions[::-1], strict=True))
    earlier = {int(place): int(first_row[group]) for place, group in zip(positions, groups, strict=True)}
    for of_file, rows, n_rows in places.by_file(repeated):
        number = len(rows)
        place = int(rows[0])
        others = files_together(dict.fromkeys(places.file_of(earlier[int(row)]) for row in rows))
        how_many = f"all of its {n_rows} rows" if number == n_rows else f"{number} of its {n_rows} rows"
        findings.add(
            Problem(
                found=f"{how_many} stand in {others} too, equal in everything (row {places.row_of(place)} is "
                f"{places.named(earlier[place], place)})",
                expected="files that hold different rows",
                remedy="They count once. Take the file out if it is the same export; if they are two exports "
                "of the same families at two moments, keep the later one.",
                file=of_file.file, row=places.row_of(place), severity="warning", code="repeated_rows",
            ),
            times=number,
        )  # fmt: skip
    return table.take(~repeated)


def _in_several_files(frame: pd.DataFrame, part: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows that may stand in two files: of a family that does; every row where there are no families."""
    if "family" not in frame:
        return np.ones(len(frame), dtype=bool)
    codes, _ = pd.factorize(frame["family"], use_na_sentinel=False)
    lowest = np.full(int(codes.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    highest = np.full(len(lowest), -1)
    np.minimum.at(lowest, codes, part)
    np.maximum.at(highest, codes, part)
    return np.asarray((lowest < highest)[codes])


def _organisations_in_several(table: Table, findings: Findings) -> None:
    """Where each file holds one organisation: an organisation that two of them hold."""
    part = table.places.part
    assert part is not None
    pairs = pd.DataFrame({"part": part, "organisation": table.frame["organisation"]}).dropna()
    pairs = pairs.drop_duplicates()
    if pairs["part"].duplicated().any() or pairs["organisation"].nunique() < 2:
        return
    family = table.frame["family"]
    for organisation, of in pairs.groupby("organisation", sort=True):
        numbers = sorted(of["part"])
        if len(numbers) < 2:
            continue
        families = [set(family[part == number].dropna()) for number in numbers]
        both = set.intersection(*families)
        findings.add(
            Problem(
                found=f'the organisation "{organisation}" comes in {len(numbers)} files '
                f"({files_together(table.places.parts[number].file for number in numbers)}), the others in "
                f"one; {len(both) or 'no'} {'family stands' if len(both) == 1 else 'families stand'} in "
                f"{'both' if len(numbers) == 2 else 'all'} of them",
                expected="one file for each organisation, or files that continue each other",
                remedy="If one of them is of another organisation, correct its constants or its column.",
                file=table.places.parts[numbers[-1]].file, severity="warning",
                code="organisation_in_several_files",
            )
        )  # fmt: skip


def _same_answers(files: Sequence[FileRows], config: StudyConfig, findings: Findings) -> bool:
    """One export read as that of two organisations: the same answers, days and numbers of families."""
    constants = {key for each in files for key in each.config.constants}
    if "organisation" not in constants:
        return False
    shared = set.intersection(*(set(map(str, each.table.frame)) for each in files))
    answers = [name for name in shared if ITEM_COLUMN.fullmatch(name) or name == "total"]
    if not answers or "date" not in shared:
        return False
    compared = sorted(shared - constants - {"family"})
    hashed = []
    for each in files:
        rows = each.table.frame[compared].assign(_family=_bare_families(each, config))
        hashed.append(np.unique(pd.util.hash_pandas_object(rows, index=False).to_numpy()))
    found = False
    for (first, second), number in _in_common(hashed).items():
        one, other = files[first], files[second]
        where = [each.config.constants.get("organisation") for each in (one, other)]
        fewest = min(len(one.table.frame), len(other.table.frame))
        if where[0] == where[1] or number < max(FEWEST_SAME, SAME_SHARE * fewest):
            continue
        findings.add(
            Problem(
                found=f"{number} of its {len(other.table.frame)} measurements are those of {one.label}, with "
                f'the same numbers of families, days and answers; that file is read as of "{where[0]}", this '
                f'one as of "{where[1]}"',
                expected="another export for each organisation",
                remedy="Put the right export there, or correct constants in study.toml.",
                file=other.label, code="one_export_for_two",
            )
        )  # fmt: skip
        found = True
    return found


def _in_common(hashed: Sequence[NDArray[Any]]) -> dict[tuple[int, int], int]:
    """How many keys two files have in common, for each pair of files that has any."""
    keys = np.concatenate(hashed)
    owner = np.repeat(np.arange(len(hashed)), [len(each) for each in hashed])
    order = np.argsort(keys, kind="stable")
    keys, owner = keys[order], owner[order]
    common: dict[tuple[int, int], int] = defaultdict(int)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        numbers = owner[start : start + size].tolist()
        for place, first in enumerate(numbers):
            for second in numbers[place + 1 :]:
                common[first, second] += 1
    return dict(sorted(common.items()))


def _bare_families(file: FileRows, config: StudyConfig) -> pd.Series:
    """The ids of the families without the parts that study.toml gives one value for the whole file."""
    family = file.table.frame["family"]
    of_episodes = episodes_as_said(config).composite_ids
    parts = file.config.composite_ids.get("family", of_episodes.get("family", ()))
    own = [position for position, part in enumerate(parts) if part not in file.config.constants]
    if len(own) == len(parts):
        return family
    codes, distinct = pd.factorize(family, use_na_sentinel=True)
    bare = [join_parts([split_id(str(key))[position] for position in own]) for key in distinct]
    return pd.Series(np.array([*bare, None], dtype=object)[codes], dtype=object)
