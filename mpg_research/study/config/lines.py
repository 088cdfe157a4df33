"""In which line of a study.toml a setting stands."""

import re
from collections.abc import Mapping, Sequence
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
    best: tuple[int, int] = (0, 0)
    section: list[str] = []
    in_array: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _SECTION.match(line):
            names = [part.strip().strip("\"'") for part in heading.group(1).split(".")]
            if line.lstrip().startswith("[["):
                in_array[tuple(names)] = in_array.get(tuple(names), -1) + 1
            path = section = _numbered(names, in_array)
        elif key := _KEY.match(line):
            path = [*section, key.group(1).strip("\"'")]
        else:
            continue
        if list(loc[: len(path)]) == path and len(path) > best[0]:
            best = (len(path), number)
    return best[1] or None


def _numbered(names: Sequence[str], in_array: Mapping[tuple[str, ...], int]) -> list[str]:
    """The path of a heading, with the number of each array of tables that it stands in."""
    path: list[str] = []
    for n_names in range(1, len(names) + 1):
        path.append(names[n_names - 1])
        if (number := in_array.get(tuple(names[:n_names]))) is not None:
            path.append(str(number))
    return path
