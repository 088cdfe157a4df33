"""What differs between a published file and the same file made again: cells of tables, lines of pages."""

import csv
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

__all__ = ["Difference", "differences_of_file"]

#: Lines that differ which are quoted of a page, and characters of each.
_LINES, _QUOTED = 5, 160
_TAG = re.compile(r"<[^>]*>")
_TEXTS = {".html", ".svg", ".ipynb", ".json"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that did not come again.

    Attributes
    ----------
    file : str
        Name of the file, with that of the recipient's folder.
    where : str
        Row and column of a table ("row 3 (organisation A, months 12)", "column estimate"), line of a page.
    published, recomputed : str
        What stands in the file, and what came now.
    size : float
        How far two numbers lie apart, as a part of the larger one; infinite where they are no numbers.
    """

    file: str
    where: str
    published: str
    recomputed: str
    size: float = float("inf")


def differences_of_file(
    name: str, published: Path, recomputed: Path, *, tolerance: float = 0.0
) -> tuple[Difference, ...]:
    """What differs between two files.

    Parameters
    ----------
    name : str
        What the file is called in the answer.
    published, recomputed : Path
        The two files; one that is not there differs as a whole.
    tolerance : float
        Of tables: numbers that lie no further apart than this part of the larger one count as equal.

    Returns
    -------
    tuple of Difference
    """
    there = [path.is_file() for path in (published, recomputed)]
    if not all(there):
        one, other = ("a file" if each else "no file" for each in there)
        return (Difference(name, "", one, other),) if any(there) else ()
    before, after = published.read_bytes(), recomputed.read_bytes()
    if before == after:
        return ()
    if published.suffix == ".csv":
        found = tuple(_of_tables(name, _rows(before), _rows(after), tolerance))
        return found if found or tolerance else (Difference(name, "", "other bytes", "the same cells"),)
    if published.suffix in _TEXTS:
        found = tuple(_of_texts(name, _lines(before), _lines(after)))
        if found:
            return found
    return (Difference(name, "", f"{len(before)} bytes", f"{len(after)} other bytes"),)


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8", errors="replace"))))


def _of_tables(
    name: str, before: list[list[str]], after: list[list[str]], tolerance: float
) -> Iterator[Difference]:
    """Cell by cell; a table of another shape is told so first."""
    old, new = (rows[0] if rows else [] for rows in (before, after))
    if old != new:
        yield Difference(name, "columns", ", ".join(old), ", ".join(new))
    shared = [column for column in dict.fromkeys(old) if column in new]
    for place, row, again in _aligned(before, after):
        if row is None or again is None:
            there, gone = ("a row", "no row") if again is None else ("no row", "a row")
            yield Difference(name, place, there, gone)
            continue
        one, other = dict(zip(old, row, strict=False)), dict(zip(new, again, strict=False))
        for column in shared:
            old_cell, new_cell = one.get(column, ""), other.get(column, "")
            size = _apart(old_cell, new_cell) if old_cell != new_cell else 0.0
            if size > tolerance:
                where = f"{place}, column {column}"
                yield Difference(name, where, old_cell or "nothing", new_cell or "nothing", size)


def _aligned(
    before: list[list[str]], after: list[list[str]]
) -> Iterator[tuple[str, list[str] | None, list[str] | None]]:
    """Rows that are about the same thing beside each other; where that does not tell them apart, in order.

    Rows are counted as a spreadsheet does, of what was published.
    """
    old, new = ([(_what_row(rows[0], row), row) for row in rows[1:]] for rows in (before, after))
    names, again = dict(old), dict(new)
    if len(old) == len(new) or len(names) < len(old) or len(again) < len(new):
        for number, ((what, one), (_, other)) in enumerate(zip(old, new, strict=False), start=2):
            yield f"row {number}{what}", one, other
        shorter = min(len(old), len(new))
        for number, (what, row) in enumerate(old[shorter:], start=shorter + 2):
            yield f"row {number}{what}", row, None
        for number, (what, row) in enumerate(new[shorter:], start=shorter + 2):
            yield f"row {number}{what}", None, row
        return
    for number, (what, row) in enumerate(old, start=2):
        yield f"row {number}{what}", row, again.get(what)
    yield from ((f"a further row{what}", None, row) for what, row in new if what not in names)


def _what_row(columns: Sequence[str], row: Sequence[str]) -> str:
    """What a row is about: its first words, up to the first number but one of time."""
    said = []
    for column, cell in zip(columns, row, strict=False):
        if _number(cell) is not None and column not in {"months", "wave", "month"}:
            break
        said.append(f"{column} {cell}")
    return f" ({', '.join(said[:4])})" if said else ""


def _apart(one: str, other: str) -> float:
    first, second = _number(one), _number(other)
    if first is None or second is None:
        return float("inf")
    apart = abs(first - second) / (max(abs(first), abs(second)) or 1.0)
    return apart if apart == apart else float("inf")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", errors="replace").splitlines()


def _of_texts(name: str, before: list[str], after: list[str]) -> Iterator[Difference]:
    """The first lines that differ, without their markup, and how many more there are."""
    start, end = 0, 0
    shorter = min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    pairs = list(_pairs(old, new))
    for place, one, other in pairs[:_LINES]:
        quoted = _around_difference(_plain(one), _plain(other))
        yield Difference(name, f"line {start + place + 1}", *quoted)
    if len(pairs) > _LINES:
        more = f"{len(pairs) - _LINES} more places"
        yield Difference(name, "further down", more, "other text there")


def _pairs(old: list[str], new: list[str]) -> Iterator[tuple[int, str, str]]:
    """Runs of lines that differ: where they begin, and what stands there in each."""
    if len(old) == len(new):
        yield from (
            (place, *pair) for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]
        )
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False) if len(old) + len(new) < 4000 else None
    if matcher is None:
        yield 0, f"{len(old)} lines", f"{len(new)} lines"
        return
    for what, start, end, again, until in matcher.get_opcodes():
        if what != "equal":
            yield start, " ".join(old[start:end]), " ".join(new[again:until])


def _plain(line: str) -> str:
    """A line without its markup, where anything is left of it then."""
    text = " ".join(html.unescape(_TAG.sub(" ", line)).split())
    return text or line.strip()


def _around_difference(one: str, other: str) -> tuple[str, str]:
    """Two texts from shortly before where they begin to differ."""
    if one == other:
        return "other markup", "than now"
    start = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    cut = max(0, start - 40)
    before, after = (text[cut : cut + _QUOTED] for text in (one, other))
    return f'"{before}"', f'"{after}"'
