"""In which line of a study.toml a setting stands."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["line_of", "line_of_setting"]

_SECTION = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*(?:\.|=)""")


def line_of_setting(file: Path, place: Sequence[str]) -> int | None:
    """The line of study.toml that holds a setting, or the section that it stands in."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    return line_of(text, place)


def line_of(text: str, loc: Sequence[str]) -> int | None:
    """Line of the longest part of ``loc`` that is written in the file, from 1."""
    lines = _lines(text)
    for length in range(len(loc), 0, -1):
        if (number := lines.get(tuple(loc[:length]))) is not None:
            return number
    return None


@lru_cache(maxsize=2)
def _lines(text: str) -> Mapping[tuple[str, ...], int]:
    """The first line of every heading and key of a file; items of an array of tables by number from 0."""
    lines: dict[tuple[str, ...], int] = {}
    section: list[str] = []
    in_array: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _SECTION.match(line):
            names = [part.strip().strip("\"'") for part in heading.group(1).split(".")]
            if line.lstrip().startswith("[["):
                in_array[tuple(names)] = in_array.get(tuple(names), -1) + 1
            section = _numbered(names, in_array)
            lines.setdefault(tuple(section), number)
        elif key := _KEY.match(line):
            lines.setdefault((*section, key.group(1).strip("\"'")), number)
    return lines


def _numbered(names: Sequence[str], in_array: Mapping[tuple[str, ...], int]) -> list[str]:
    """The path of a heading, with the number of each array of tables that it stands in."""
    path: list[str] = []
    for n_names in range(1, len(names) + 1):
        path.append(names[n_names - 1])
        if (number := in_array.get(tuple(names[:n_names]))) is not None:
            path.append(str(number))
    return path
