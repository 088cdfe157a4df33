"""The files of a table: those it names, those that fit its patterns, each with how it is read."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research.errors import Problem
from mpg_research.study.config.lines import line_of_setting
from mpg_research.study.config.sections import SourceConfig, TableConfig, is_pattern

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = [
    "Parts",
    "TablePart",
    "episodes_as_said",
    "files_together",
    "find_parts",
    "read_as",
    "table_of_source",
]

#: Settings of a table that belong to its layout: a source of another layout does not take them over.
OF_LAYOUT = ("patterns", "times")
#: How files begin that programs leave beside an open one, and hidden ones.
NO_DATA = (".", "~$")


@dataclass(frozen=True, slots=True)
class TablePart:
    """One file of a table.

    Attributes
    ----------
    path : Path
        Absolute.
    label : str
        What messages call it: its name, with its folder where two files have one name.
    table : TableConfig
        How it is read: what the table says, and its source.
    pattern : str
        What it was found by; "" where study.toml names it.
    """

    path: Path
    label: str
    table: TableConfig
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of all tables.

    Attributes
    ----------
    of : mapping of str to tuple of TablePart
        By the name of the table.
    problems : mapping of str to tuple of Problem
        Patterns that no file fits, or that lead out of the study folder, likewise.
    """

    of: Mapping[str, tuple[TablePart, ...]]
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """What messages call the files of a table.

        Parameters
        ----------
        name : str
            Of the table.

        Returns
        -------
        str
        """
        return files_together([part.label for part in self.of[name]])


def files_together(labels: Iterable[str]) -> str:
    """Names of files as one: all of them if they are few, else the first and how many more.

    Examples
    --------
    >>> files_together(["a.csv"]), files_together(["a.csv", "b.csv", "c.csv", "d.csv"])
    ('a.csv', 'a.csv and 3 more files')
    """
    each = list(dict.fromkeys(labels))
    if len(each) > 3:
        return f"{each[0]} and {len(each) - 1} more files"
    return " and ".join([", ".join(each[:-1]), each[-1]] if len(each) > 1 else each)


def read_as(table: TableConfig) -> tuple[TableConfig, ...]:
    """The table as each of its sources is read; the table itself where it has none.

    Parameters
    ----------
    table : TableConfig

    Returns
    -------
    tuple of TableConfig
        None of them has sources of its own.
    """
    if not table.sources:
        return (table,)
    return tuple(table_of_source(table, number) for number in range(len(table.sources)))


def table_of_source(table: TableConfig, number: int) -> TableConfig:
    """One source of a table with what the table says of all of them.

    Parameters
    ----------
    table : TableConfig
    number : int
        Which source, from 0.

    Returns
    -------
    TableConfig
        A value of the source goes before that of the table. Settings with keys (``columns``, ``values``, ...)
        are those of both, the source's where both have a key; a column that the source takes from the file is
        no constant of the table's, and the other way round. ``patterns`` and ``times`` go with the layout.
    """
    source = table.sources[number]
    given = source.model_fields_set
    changed: dict[str, Any] = {"file": source.file, "sources": ()}
    another_layout = "layout" in given and source.layout != table.layout
    for name in SourceConfig.model_fields:
        own = getattr(source, name)
        if another_layout and name in OF_LAYOUT:
            changed[name] = own
        elif name in given and name != "file":
            changed[name] = {**getattr(table, name), **own} if isinstance(own, dict) else own
    for name, other in (("columns", source.constants), ("constants", source.columns)):
        mine = getattr(source, name)
        both = changed.get(name, getattr(table, name))
        changed[name] = {key: value for key, value in both.items() if key in mine or key not in other}
    merged = table.model_copy(update=changed)
    merged._source = number
    merged._own = frozenset(_keys_of(source))
    return merged


def _keys_of(source: SourceConfig) -> Iterable[tuple[str, str]]:
    for name in source.model_fields_set:
        value = getattr(source, name)
        yield name, ""
        if isinstance(value, dict):
            yield from ((name, key) for key in value)


def episodes_as_said(config: "StudyConfig") -> TableConfig:
    """The table of episodes as far as other tables follow it: how the id of a family is made.

    Parameters
    ----------
    config : StudyConfig

    Returns
    -------
    TableConfig
        What the table says; where only its sources say of which columns the family consists, as the first
        of them does.
    """
    table = config.tables.episodes
    first = table_of_source(table, 0) if table.sources else table
    if "family" in table.columns or "family" not in first.composite_ids:
        return table
    return table.model_copy(update={"columns": {**table.columns, "family": first.columns["family"]}})


def find_parts(config: "StudyConfig") -> Parts:
    """Look up which files each table consists of; none of them is opened.

    Parameters
    ----------
    config : StudyConfig

    Returns
    -------
    Parts
        In the order of study.toml; files that fit a pattern by name. Each file comes once per source, and one
        that is named is not taken by a pattern of the same table again.
    """
    found: dict[str, list[tuple[Path, TableConfig, str]]] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    for name, table in config.tables.present().items():
        sources = read_as(table)
        named = {config.path_of(file) for each in sources for file in each.file if not is_pattern(file)}
        found[name], said = [], []
        for each in sources:
            taken: set[Path] = set()
            for file in each.file:
                fitting: tuple[Path, ...] = (config.path_of(file),)
                if is_pattern(file):
                    fitting, problem = _fitting(file, name, each, config)
                    said += problem
                    fitting = tuple(path for path in fitting if path not in named)
                found[name] += [
                    (path, each, file if is_pattern(file) else "") for path in fitting if path not in taken
                ]
                taken |= set(fitting)
        if said:
            problems[name] = tuple(said)
    labels = _labels((path for parts in found.values() for path, *_ in parts), config.folder)
    return Parts(
        {
            name: tuple(TablePart(path, labels[path], table, pattern) for path, table, pattern in parts)
            for name, parts in found.items()
        },
        problems,
    )


def _fitting(
    pattern: str, name: str, table: TableConfig, config: "StudyConfig"
) -> tuple[tuple[Path, ...], list[Problem]]:
    """The files that fit a pattern, sorted, and what is wrong with it."""
    folder = Path(os.path.realpath(config.folder))
    paths = [folder]
    *folders, last = pattern.replace("\\", "/").split("/")
    for part in folders:
        paths = [path for each in paths for path in _fitting_in(each, part) if path.is_dir()]
    paths = [path for each in paths for path in _fitting_in(each, last) if not path.is_dir()]
    real = [Path(os.path.realpath(path)) for path in sorted(paths, key=lambda path: path.as_posix())]
    place = table.place_of(name, "file")
    row = line_of_setting(config.file, place)
    outside = [path.name for path, end in zip(sorted(paths), real, strict=True) if folder not in end.parents]
    if outside:
        found = f'the pattern "{pattern}" leads out of the study folder by {files_together(outside)}'
        problem = Problem(
            found=found, expected="files inside the study folder",
            remedy="Name a file that lies elsewhere without a pattern: file = [...].",
            file=config.file.name, row=row, code="file_outside_folder",
        )  # fmt: skip
        return (), [problem]
    if not real:
        near = sorted(_names_near(folder, folders))
        problem = Problem(
            found=f'no file fits the pattern "{pattern}" of the table {name}',
            expected=f"at least one file (there are {files_together(near)})" if near
            else "at least one file in that folder",
            remedy="Put the exports there, or correct file in study.toml.",
            file=config.file.name, row=row, code="missing_file",
        )  # fmt: skip
        return (), [problem]
    return tuple(dict.fromkeys(real)), []


def _fitting_in(folder: Path, part: str) -> list[Path]:
    """What lies in a folder and fits one part of a pattern."""
    if part in ("", "."):
        return [folder]
    if not is_pattern(part):
        return [folder / part] if os.path.lexists(folder / part) else []
    signs = {"*": ".*", "?": "."}
    fits = re.compile("".join(signs.get(sign, re.escape(sign)) for sign in part), re.DOTALL)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [folder / name for name in names if fits.fullmatch(name) and not name.startswith(NO_DATA)]


def _names_near(folder: Path, folders: list[str]) -> list[str]:
    """Files in the folder of a pattern that nothing in it fits."""
    if any(is_pattern(part) for part in folders):
        return []
    inside = folder.joinpath(*folders)
    return [path.name for path in _fitting_in(inside, "*") if path.is_file() and path.suffix != ".toml"]


def _labels(paths: Iterable[Path], folder: Path) -> dict[Path, str]:
    each = list(dict.fromkeys(paths))
    names = Counter(path.name for path in each)
    labels = {}
    for path in each:
        labels[path] = path.name
        if names[path.name] > 1:
            inside = path.is_relative_to(os.path.realpath(folder))
            shown = path.relative_to(os.path.realpath(folder)) if inside else Path(*path.parts[-2:])
            labels[path] = shown.as_posix()
    return labels
