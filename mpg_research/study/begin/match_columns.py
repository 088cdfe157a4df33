"""Which column of a file is which of a table, by names and by what is in them."""

from collections.abc import Iterable, Mapping

from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.words import LIKELY, WEAK, plain_words, strength
from mpg_research.study.begin.proposal import Mapped
from mpg_research.study.schemas import Column, Schema

__all__ = ["match_columns"]

#: What a column may hold to be one of a kind; numbers may be codes or labels that are recoded.
FITTING: dict[str, tuple[str, ...]] = {
    "id": ("text", "number", "boolean", "date"),
    "text": ("text", "number", "boolean"),
    "code": ("text", "number", "boolean"),
    "time": ("date", "number", "boolean"),
    "number": ("number", "boolean"),
    "integer": ("number", "boolean"),
    "boolean": ("boolean", "number", "text"),
}
MOST_CODES_OF_BOOLEAN = 3


def match_columns(
    schema: Schema,
    profiles: Mapping[str, Profile],
    *,
    taken: Iterable[str] = (),
    preset: Mapping[str, tuple[str, ...]] | None = None,
    link: str = "",
) -> dict[str, Mapped]:
    """Columns of a file for those of a table.

    Parameters
    ----------
    schema : Schema
        The table.
    profiles : mapping
        The columns of the file.
    taken : iterable of str
        Columns that are something else already: items, and what belongs to a wave.
    preset : mapping, optional
        Canonical column to its names in a documented layout; these decide.
    link : str
        The column that is taken for the family's where no name tells; "" for none.

    Returns
    -------
    dict of str to Mapped
    """
    taken = set(taken)
    found: dict[str, Mapped] = {}
    for name, sources in (preset or {}).items():
        there = [each for source in sources for each in profiles if each.lower() == source.lower()]
        if there and schema.column(name) is not None and there[0] not in taken:
            found[name] = Mapped(there[0])
            taken.add(there[0])
    scores: list[tuple[int, int, int, int, str, str]] = []
    for column in schema.columns:
        if column.name in found:
            continue
        for place, profile in enumerate(profiles.values()):
            if profile.name in taken or not _fits(column, profile):
                continue
            by_name = strength(profile.name, schema.name, column.name, (profile.label,))
            if by_name:
                fit = _by_content(column, profile), _words_in_common(profile.name, column.name)
                scores.append((by_name, *fit, -place, column.name, profile.name))
    scores.sort(reverse=True)
    by_column: dict[str, list[tuple[int, str]]] = {}
    for by_name, _, _, _, name, source in scores:
        by_column.setdefault(name, []).append((by_name, source))
        if name in found or source in taken:
            continue
        found[name] = Mapped(source)
        taken.add(source)
    if link and "family" not in found and link not in taken and schema.column("family") is not None:
        found["family"] = Mapped(link)
    chosen = {mapped.source for mapped in found.values()}
    return {
        name: _with_doubt(mapped, by_column.get(name, []), chosen, profiles, link)
        for name, mapped in found.items()
    }


def _with_doubt(
    mapped: Mapped,
    scored: list[tuple[int, str]],
    chosen: set[str],
    profiles: Mapping[str, Profile],
    link: str,
) -> Mapped:
    if mapped.source not in [source for _, source in scored]:
        doubt = "no name tells; its values stand in another file too" if mapped.source == link else ""
        return Mapped(mapped.source, (), doubt)  # said by a preset, or by what it links
    by_name = next(each for each, source in scored if source == mapped.source)
    others = tuple(
        source for each, source in scored
        if source not in chosen and each >= min(by_name, LIKELY) and source != mapped.source
    )  # fmt: skip
    doubt = ""
    if profiles[mapped.source].identifier:
        doubt = "it looks as if it tells who people are"
    elif by_name == WEAK:
        doubt = "its name may mean something else"
    elif others:
        doubt = "others may be meant as well"
    return Mapped(mapped.source, others[:5], doubt)


def _fits(column: Column, profile: Profile) -> bool:
    if profile.kind == "empty":
        return not column.required
    if (profile.is_free_text and column.kind != "text") or profile.kind not in FITTING[column.kind]:
        return False
    if column.kind == "time" and profile.kind != "date":
        return all(abs(number) < 1000 for number in profile.numbers)
    if column.kind == "boolean" and profile.kind != "boolean":
        return profile.n_distinct <= MOST_CODES_OF_BOOLEAN
    if column.kind in ("number", "integer") and profile.numbers:
        low = column.minimum if column.minimum is not None else -1e12
        high = column.maximum if column.maximum is not None else 1e12
        inside = sum(low <= number <= high for number in profile.numbers)
        return inside >= 0.5 * len(profile.numbers)
    return True


def _by_content(column: Column, profile: Profile) -> int:
    """How well the values fit: more is better."""
    if column.kind == "time":
        return 2 if profile.kind == "date" else 0
    if column.name == "family":
        return min(profile.n_distinct, 3)
    return 1


def _words_in_common(source: str, name: str) -> int:
    """Fewer other words in the name are better."""
    return -len(plain_words(source)) + len(set(plain_words(source)) & set(plain_words(name)))
