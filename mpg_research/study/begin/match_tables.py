"""Which table of a study a file (or sheet) is, and how it is read as that table."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mpg_research.study.begin.codes import code_maps, codes_of
from mpg_research.study.begin.looking.look import Look
from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.waves import Items, find_items, wave_pattern
from mpg_research.study.begin.looking.words import LIKELY, WEAK, strength, table_by_name
from mpg_research.study.begin.match_columns import match_columns
from mpg_research.study.begin.presets import Preset, PresetTable
from mpg_research.study.begin.proposal import Mapped, Said, SourceProposal
from mpg_research.study.begin.questionnaire import FULL_FORM, READ_AS_TOTAL, SHORT_FORM, what_is_filled_in
from mpg_research.study.patterns import compile_pattern
from mpg_research.study.schemas import MEASUREMENTS, SCHEMAS, WORKING_ELEMENTS, item_name
from mpg_research.study.tables.values import parse_dates

__all__ = ["Kind", "as_source", "kind_of"]

#: Without these a file is no such table, even where a constant could give the others.
FROM_OUTSIDE = ("organisation", "instrument")
MOST_ANSWERS = 7  # different answers in words that one question has


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file seems to be.

    Attributes
    ----------
    table : str
        The table it fits best; "" for none.
    score : int
        How well.
    also_episodes : bool
        Whether a file with measurements holds the start of the help too.
    items : tuple of Items
        Sets of items in it.
    link : str
        As in :func:`kind_of`.
    """

    table: str
    score: int
    also_episodes: bool
    items: tuple[Items, ...]
    link: str = ""


def kind_of(look: Look, profiles: Mapping[str, Profile], preset: Preset | None, link: str = "") -> Kind:
    """Which table a file is.

    Parameters
    ----------
    look : Look
        The file.
    profiles : mapping
        Its columns.
    preset : Preset or None
        The layout that it has.
    link : str
        The column whose values stand in another file too, where no name tells the family's; "" for none.

    Returns
    -------
    Kind
    """
    items = _items(profiles, preset)
    taken = set(items[0].columns) if items else set()
    hints = table_by_name(f"{look.path.stem} {look.sheet}")
    scores: dict[str, int] = {}
    for name, schema in SCHEMAS.items():
        said = preset.tables.get(name, PresetTable()) if preset else PresetTable()
        columns = match_columns(schema, profiles, taken=taken, preset=said.columns, link=link)
        needed = [column.name for column in schema.columns if column.required]
        needed = [column for column in needed if column not in FROM_OUTSIDE]
        if name == "measurements":
            has_scores = bool(items) or "total" in columns
            fits = has_scores and "family" in columns
        elif name == "practice":
            fits = "date" in columns and len(set(columns) & set(WORKING_ELEMENTS)) >= 2
        elif name in ("workers", "conditions"):
            fits = {*needed, "organisation"} <= set(columns)
        elif name == "episodes":
            # A flat file of waves with times as numbers needs no start.
            fits = "family" in columns and _names_start(columns, profiles, said)
        else:
            fits = set(needed) <= set(columns)
        if fits:
            scores[name] = 2 * len([each for each in needed if each in columns]) + len(columns)
            scores[name] += 5 * (name in hints) + 20 * (preset is not None and name in preset.tables)
    also_episodes = "episodes" in scores
    if items and "measurements" in scores:
        scores["measurements"] += 10
    if not scores:
        return Kind("", 0, False, tuple(items), link)
    table = max(scores, key=lambda name: scores[name])
    return Kind(table, scores[table], also_episodes and table == "measurements", tuple(items), link)


def _names_start(columns: Mapping[str, Mapped], profiles: Mapping[str, Profile], said: PresetTable) -> bool:
    start = columns.get("start")
    if start is None:
        return False
    if start.source.lower() in {name.lower() for name in said.columns.get("start", ())}:
        return True
    by_name = strength(start.source, "episodes", "start", (profiles[start.source].label,))
    return by_name >= LIKELY or (by_name >= WEAK and profiles[start.source].kind == "date")


def _items(profiles: Mapping[str, Profile], preset: Preset | None) -> list[Items]:
    said = preset.tables.get("measurements", PresetTable()) if preset else PresetTable()
    if "item" in said.patterns:
        compiled = compile_pattern(said.patterns["item"])
        matched = {name: match for name in profiles if (match := compiled.fullmatch(name)) is not None}
        if matched:
            columns = {name: (item_name(match["item"]), "") for name, match in matched.items()}
            return [Items(said.patterns["item"], len(columns), (), columns)]
    answers = [
        name for name, profile in profiles.items()
        if not profile.identifier and (
            profile.answers is not None
            or (profile.kind == "text" and profile.texts and profile.n_distinct <= MOST_ANSWERS)
        )
    ]  # fmt: skip
    found = find_items(answers)
    return sorted(
        found,
        key=lambda each: (bool(each.pattern), each.n_items == SHORT_FORM, len(each.columns)),
        reverse=True,
    )


def as_source(
    table: str, look: Look, profiles: Mapping[str, Profile], kind: Kind, name: str, preset: Preset | None
) -> SourceProposal:
    """How a file is read as a table.

    Parameters
    ----------
    table : str
        Which one.
    look : Look
        The file.
    profiles : mapping
        Its columns.
    kind : Kind
        From :func:`kind_of`.
    name : str
        Of the layout that it has; "" for none.
    preset : Preset or None
        That layout.

    Returns
    -------
    SourceProposal
    """
    source = SourceProposal(look, dict(profiles), preset=name)
    said = preset.tables.get(table, PresetTable()) if preset else PresetTable()
    taken = {column for items in kind.items for column in items.columns}
    if table == "measurements" and kind.items:
        if kind.items[0].n_items == FULL_FORM:
            source.remarks.append(READ_AS_TOTAL)
        else:
            taken |= _read_items(source, kind.items[0])
    source.identifiers_kept = {
        name: why
        for name, why in said.identifiers_kept.items()
        if name in profiles and profiles[name].identifier
    }
    of_preset = {column: _there(names, profiles) for column, names in said.columns.items()}
    source.columns = match_columns(SCHEMAS[table], profiles, taken=taken, preset=of_preset, link=kind.link)
    if table == "measurements" and source.layout == "wide":
        for column in ("respondent", "date", "instrument"):
            if column in source.patterns or f"{{{column}}}" in source.patterns["item"].value:
                source.columns.pop(column, None)
        if "date" in source.columns and len(source.items.waves if source.items else ()) > 1:
            source.columns["date"] = _doubted(source.columns["date"], "one date for all waves?")
    if source.items is not None and "total" in source.columns:
        del source.columns["total"]  # items are scored here
    for column, doubt in said.doubts.items():
        if column in source.columns:
            mapped = source.columns[column]
            source.columns[column] = Mapped(mapped.source, mapped.others, doubt)
    source.values = code_maps(SCHEMAS[table], source.columns, profiles, said.values)
    if table == "measurements":
        _respondents_of_waves(source, said)
        what_is_filled_in(source)
    _dates(source, SCHEMAS[table].name)
    return source


def _there(names: tuple[str, ...], profiles: Mapping[str, Profile]) -> tuple[str, ...]:
    """Names of a layout, those with * replaced by the columns that fit."""
    found: list[str] = []
    for name in names:
        found += (
            [each for each in profiles if fnmatchcase(each.lower(), name.lower())] if "*" in name else [name]
        )
    return tuple(found)


def _doubted(mapped: Mapped, doubt: str) -> Mapped:
    return Mapped(mapped.source, mapped.others, mapped.doubt or doubt)


def _read_items(source: SourceProposal, items: Items) -> set[str]:
    """Patterns (or columns) of the items, and of what there is once per wave; what they take."""
    source.items = items
    if not items.waves:
        if items.pattern and any(name.lower() != item for name, (item, _) in items.columns.items()):
            source.patterns["item"] = Said(items.pattern)
        return set()
    source.layout = "wide"
    source.patterns["item"] = Said(items.pattern)
    taken: set[str] = set()
    dates = [name for name, profile in source.profiles.items() if profile.kind == "date"]
    others = {"date": dates, "respondent": [], "instrument": []}
    for key in ("respondent", "instrument"):
        others[key] = [
            name for name in source.profiles
            if name not in items.columns and strength(name, "measurements", key) == LIKELY
        ]  # fmt: skip
    for key, names in others.items():
        pattern = wave_pattern(names, items.waves)
        if pattern:
            source.patterns[key] = Said(pattern)
            compiled = compile_pattern(pattern)
            taken |= {name for name in names if compiled.fullmatch(name)}
    return taken


def _respondents_of_waves(source: SourceProposal, said: PresetTable) -> None:
    if source.items is None or not source.items.respondents:
        return
    column = MEASUREMENTS.column("respondent")
    assert column is not None
    codes = codes_of(column, list(source.items.respondents), said.values.get("respondent", {}))
    if codes.known or codes.unknown:
        source.values["respondent"] = codes


def _is_written(source: SourceProposal, name: str, written: str) -> bool:
    """Whether the dates of a column can all be read in this way."""
    cells = source.look.frame[name]
    parsed, _ = parse_dates(cells, date_format=written, numbers=source.look.day_numbers)
    return not parsed.bad.any()


def _dates(source: SourceProposal, table: str) -> None:
    """How dates are written, where it must be said."""
    times = [column.name for column in SCHEMAS[table].columns if column.kind == "time"]
    used = [source.columns[name].source for name in times if name in source.columns]
    if "date" in source.patterns:
        compiled = compile_pattern(source.patterns["date"].value)
        used += [name for name in source.profiles if compiled.fullmatch(name)]
    formats = {source.profiles[name].date_format for name in used if source.profiles[name].kind == "date"}
    told = sorted(formats - {"", "day first?"})
    if len(told) == 1 and all(_is_written(source, name, told[0]) for name in used):
        source.date_format = Said(told[0])
    elif told:
        source.remarks.append(
            f"its dates are written in {len(formats)} ways; one date_format holds for a table"
        )
    elif "day first?" in formats:
        source.remarks.append(
            "no date shows whether day or month comes first; it is read as the day first "
            '(date_format = "%m/%d/%Y" if not)'
        )
