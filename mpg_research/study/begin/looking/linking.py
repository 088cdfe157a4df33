"""The column that links files: its values occur in another file too, where no name says which it is."""

from collections.abc import Mapping, Sequence

from mpg_research.study.begin.looking.look import Look
from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.words import WEAK, strength
from mpg_research.study.schemas import SCHEMAS
from mpg_research.study.tables.values import identifier_text, is_missing

__all__ = ["linking_columns"]

FEWEST_VALUES = 5
SHARED = 0.5  # of the values of the file with fewer must occur in the other one
MOST_FILES = 30
MOST_COLUMNS = 60


def linking_columns(files: Sequence[tuple[Look, Mapping[str, Profile]]]) -> list[str]:
    """For each file without a column that is named as a family's id: the one that links it to another.

    Parameters
    ----------
    files : sequence of (Look, mapping)
        What was looked at, and its columns.

    Returns
    -------
    list of str
        "" where the name of a column says it, or none links it.
    """
    if not 1 < len(files) <= MOST_FILES:
        return [""] * len(files)
    named = [any(strength(name, "episodes", "family") > WEAK for name in profiles) for _, profiles in files]
    if all(named):
        return [""] * len(files)
    values = [
        _values(look, profiles, has_name) for (look, profiles), has_name in zip(files, named, strict=True)
    ]
    found = []
    for number, columns in enumerate(values):
        others = [each for other, each in enumerate(values) if other != number]
        best = max(
            ((_share(ids, other), column) for column, ids in columns.items() for other in _each(others)),
            default=(0.0, ""),
        )
        found.append("" if named[number] or best[0] < SHARED else best[1])
    return found


def _values(look: Look, profiles: Mapping[str, Profile], has_name: bool) -> dict[str, set[str]]:
    """The values of columns that may be ids: many different ones, and no other name that is known."""
    found: dict[str, set[str]] = {}
    for name, profile in list(profiles.items())[:MOST_COLUMNS]:
        by_name = strength(name, "episodes", "family") if has_name else _known_otherwise(name)
        fits = by_name > WEAK if has_name else not by_name
        if fits and profile.kind in ("text", "number") and profile.n_distinct >= FEWEST_VALUES:
            if profile.identifier or profile.is_free_text:
                continue
            found[name] = {identifier_text(cell) for cell in look.frame[name] if not is_missing(cell)}
    return found


def _known_otherwise(name: str) -> int:
    return max(
        strength(name, table, column.name)
        for table, schema in SCHEMAS.items()
        for column in schema.columns
        if column.name != "family"
    )


def _each(others: Sequence[Mapping[str, set[str]]]) -> list[set[str]]:
    return [ids for columns in others for ids in columns.values()]


def _share(ids: set[str], other: set[str]) -> float:
    """Of the smaller set, what stands in the larger one; numbers from 1 on link nothing."""
    fewer = min(len(ids), len(other))
    if fewer < FEWEST_VALUES or _counts(ids) or _counts(other):
        return 0.0
    return len(ids & other) / fewer


def _counts(ids: set[str]) -> bool:
    """Whether these are the numbers from 1 on (of rows, say), or a few small numbers."""
    return all(each.isdigit() for each in ids) and max(map(int, ids)) <= 1.2 * len(ids) + 5
