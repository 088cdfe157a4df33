"""Which column of a file is which canonical column: as study.toml says, else by its own name."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mpg_research.errors import Problem, did_you_mean
from mpg_research.study.config.parts import episodes_as_said
from mpg_research.study.config.study_toml import StudyConfig, TableConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.findings import Findings
from mpg_research.study.patterns import compile_pattern
from mpg_research.study.schemas import FORMER_NAMES, ITEM_COLUMN, SCHEMAS, Schema, item_name

__all__ = ["Sources", "find_column", "find_sources", "names_wanted"]

SHOWN_COLUMNS = 25
HEADER = " (the file has "


@dataclass(slots=True)
class Sources:
    """Where the canonical columns of one table come from.

    Attributes
    ----------
    columns : dict of str to str
        Canonical column to column of the file.
    free_columns : dict of str to str
        Case-mix columns of the study's own, likewise.
    constants : dict of str to object
        Canonical column to its one value.
    composites : dict of str to tuple of (str, str)
        Canonical id that consists of several parts: each part's name, and its column of the file ("" where a
        constant gives it).
    complete : bool
        Whether everything is there that the table cannot do without.
    lacking : list of Problem
        What is not there.
    unfinished : set of str
        Ids of several parts of which one is lacking; that is said of the part.
    """

    columns: dict[str, str] = field(default_factory=dict)
    free_columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    composites: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    complete: bool = True
    lacking: list[Problem] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)

    def miss(self, problem: Problem) -> None:
        """A column that the table cannot do without is not there."""
        self.complete = False
        if not self.lacking:  # the header of the file is said once
            self.lacking.append(problem)
        else:
            self.lacking.append(replace(problem, expected=problem.expected.split(HEADER)[0]))


def find_column(names: list[str], wanted: str) -> str | None:
    """The column of this name; capitals count only where they tell two columns apart."""
    if wanted.strip() in names:
        return wanted.strip()
    alike = [name for name in names if name.lower() == wanted.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def names_wanted(name: str, table: TableConfig, config: StudyConfig) -> Callable[[str], bool]:
    """Whether a text is the name of a column that a table may have: by study.toml, or by our own names."""
    schema = SCHEMAS[name]
    wanted = {
        *schema.names,
        *FORMER_NAMES.get(name, ()),
        *table.single_columns.values(),
        *config.analysis.case_mix,
    }
    wanted |= {part for parts in table.composite_ids.values() for part in parts}
    if config.consent is not None and name == "episodes":
        wanted |= {config.consent.column}  # or what columns calls it
    plain = {each.strip().lower() for each in wanted}
    patterns = [compile_pattern(pattern) for pattern in table.patterns.values()]

    def is_name(text: str) -> bool:
        cell = text.strip().lower()
        if cell in plain or any(pattern.fullmatch(text.strip()) for pattern in patterns):
            return True
        return name == "measurements" and ITEM_COLUMN.fullmatch(cell) is not None

    return is_name


def find_sources(
    raw: RawTable, schema: Schema, table: TableConfig, config: StudyConfig, findings: Findings
) -> Sources:
    """Find every canonical column of a table, and report those that are missing.

    Parameters
    ----------
    raw : RawTable
        The file.
    schema : Schema
        The table it serves.
    table : TableConfig
        Its section in ``study.toml``.
    config : StudyConfig
        For case mix, the default instrument, and the kind of time.
    findings : Findings
        Receives the problems.

    Returns
    -------
    Sources
    """
    names = [str(name) for name in raw.frame.columns]
    sources = Sources(
        constants={name: value for name, value in table.constants.items() if schema.column(name)}
    )
    joined_ids = [*table.composite_ids.values(), *episodes_as_said(config).composite_ids.values()]
    parts = {part for joined in joined_ids for part in joined} - set(schema.names)
    not_free = parts | ({config.consent.column} if config.consent is not None else set())
    not_free -= set(config.analysis.case_mix)
    if schema.name == "episodes":
        sources.constants = {name: value for name, value in table.constants.items() if name not in not_free}
    known = {*schema.names, *(name for name in table.columns if ITEM_COLUMN.fullmatch(name))}
    _composites(names, schema, table, config, sources, raw)
    for column in schema.names:
        elsewhere = {*sources.constants, *sources.composites, *sources.unfinished}
        if column not in table.columns and column not in elsewhere:
            _by_own_name(column, names, schema, table, config, sources, raw)
    for column, source in table.single_columns.items():
        found = find_column(names, source)
        if found is None:
            if column not in parts:  # of a part it is said where the id is made
                sources.miss(_missing(raw, schema, column, source, table=table))
        elif column in known:
            sources.columns[column] = found
        elif schema.name == "episodes" and column not in not_free:
            sources.free_columns[column] = found
    if schema.name == "episodes":
        _case_mix(names, schema, table, config, sources, raw)
    if schema.name == "measurements" and table.layout == "long":
        _items(names, table, sources, raw, schema)
    findings.extend(sources.lacking)
    return sources


def _composites(
    names: list[str], schema: Schema, table: TableConfig, config: StudyConfig, sources: Sources, raw: RawTable
) -> None:
    """Ids of several parts: as the table's section says, else the family as in the episodes."""
    wanted = dict(table.composite_ids)
    of_episodes = episodes_as_said(config)
    family = schema.column("family")
    inherited = (
        family is not None
        and "family" in of_episodes.composite_ids
        and not {"family"} & {*table.columns, *table.constants}
        and (family.required or find_column(names, "family") is not None)
    )
    if inherited:
        wanted["family"] = of_episodes.composite_ids["family"]
    for column, parts in wanted.items():
        found = tuple((part, _part(part, column, names, table, of_episodes)) for part in parts)
        lacking = [part for part, source in found if source is None]
        for part in lacking:
            why = f"{column} consists of {' and '.join(parts)}"
            why += ", as in the table episodes." if schema.name != "episodes" and column == "family" else "."
            wanted_as = table.single_columns.get(part, part)
            sources.miss(_missing(raw, schema, part, wanted_as, why=why, part_of=column, table=table))
        sources.unfinished |= {column} if lacking else set()
        if not lacking:
            sources.composites[column] = tuple((part, source or "") for part, source in found)


def _part(part: str, column: str, names: list[str], table: TableConfig, episodes: TableConfig) -> str | None:
    """The column of the file that holds a part of an id; "" for a constant; None if there is none."""
    if part in table.constants:
        return ""
    if part != column and part in table.single_columns:
        return find_column(names, table.single_columns[part])
    found = find_column(names, part)
    if found is None and part != column and part in episodes.single_columns:
        found = find_column(names, episodes.single_columns[part])
    return found


def _by_own_name(
    column: str,
    names: list[str],
    schema: Schema,
    table: TableConfig,
    config: StudyConfig,
    sources: Sources,
    raw: RawTable,
) -> None:
    former = [old for old, new in FORMER_NAMES.get(schema.name, {}).items() if new == column]
    found = next((name for each in (column, *former) if (name := find_column(names, each))), None)
    if found is not None:
        sources.columns[column] = found
        other = next((name for old in former if (name := find_column(names, old)) not in (None, found)), None)
        if other is not None:
            sources.lacking.extend(_contradicting(raw, found, other))
        return
    described = schema.column(column)
    if described is None or not described.required or _comes_otherwise(column, table, config):
        return
    if column == "instrument" and config.default_instrument:
        sources.constants[column] = config.default_instrument
        return
    sources.miss(_missing(raw, schema, column, column, table=table))


def _contradicting(raw: RawTable, column: str, former: str) -> list[Problem]:
    """Rows in which a column and the one of its former name say different things; the first."""
    one, other = (
        raw.frame[name].astype("string").str.strip().str.lower().str.replace(r"[ _]+", " ", regex=True)
        for name in (column, former)
    )
    apart = ((one != other) & one.fillna("").ne("") & other.fillna("").ne("")).to_numpy(dtype=bool)
    if not apart.any():
        return []
    place = int(apart.argmax())
    told = f'"{raw.frame[column].iloc[place]}" in {column} and "{raw.frame[former].iloc[place]}" in {former}'
    rows = int(apart.sum())
    return [
        Problem(
            found=told + (f", as in {rows} rows in all" if rows > 1 else ""),
            expected=f"one of the two columns: {former} is the former name of {column}",
            remedy=f"Take the column {former} out of the file, or correct the row.",
            file=raw.name, row=int(raw.rows[place]), column=column, code="two_names_of_a_column",
        )
    ]  # fmt: skip


def _comes_otherwise(column: str, table: TableConfig, config: StudyConfig) -> bool:
    """Whether a required column comes from a pattern, the waves, or the origin of time."""
    if column == "start" and config.time.kind == "numbers":
        return True
    if table.layout != "wide":
        return False
    if column == "date" and config.time.kind == "numbers":
        return True
    return column in table.patterns or any(f"{{{column}}}" in pattern for pattern in table.patterns.values())


def _case_mix(
    names: list[str],
    schema: Schema,
    table: TableConfig,
    config: StudyConfig,
    sources: Sources,
    raw: RawTable,
) -> None:
    for column in config.analysis.case_mix:
        if {column} & {*sources.columns, *sources.free_columns, *sources.constants, *table.columns}:
            continue
        found = find_column(names, column)
        if found is None:
            why = "[analysis] case_mix asks for it."
            sources.miss(_missing(raw, schema, column, column, why=why, table=table))
        else:
            sources.free_columns[column] = found


def _items(
    names: list[str],
    table: TableConfig,
    sources: Sources,
    raw: RawTable,
    schema: Schema,
) -> None:
    pattern = table.patterns.get("item")
    if pattern is None:
        matched = {name: name for name in names if ITEM_COLUMN.fullmatch(name)}
        matched |= {name.lower(): name for name in names if ITEM_COLUMN.fullmatch(name.lower())}
    else:
        compiled = compile_pattern(pattern)
        matched = {item_name(match["item"]): name for name in names if (match := compiled.fullmatch(name))}
    for column, name in sorted(matched.items()):
        sources.columns.setdefault(column, name)
    has_items = any(ITEM_COLUMN.fullmatch(column) for column in sources.columns)
    if not has_items and not {"total"} & {*sources.columns, *sources.constants, *table.columns}:
        why = (
            "" if pattern else 'Where the names of the columns follow a pattern: patterns = { item = "OBVLK '
            f'vraag {{item}}" }} in {table.section_of("measurements")} names them all.'
        )  # fmt: skip
        lacking = pattern or "item_01 (nor a column total)"
        sources.miss(_missing(raw, schema, "item_01", lacking, why=why, table=table))


def _missing(
    raw: RawTable,
    schema: Schema,
    column: str,
    source: str,
    *,
    table: TableConfig,
    why: str = "",
    part_of: str = "",
) -> Problem:
    section = table.section_of(schema.name)
    names = [str(name) for name in raw.frame.columns]
    shown = ", ".join(names[:SHOWN_COLUMNS]) + (", ..." if len(names) > SHOWN_COLUMNS else "")
    close = did_you_mean(source, names)
    remedy = f'Say which column holds it: in {section}, columns = {{ {column} = "..." }}.'
    if part_of:
        remedy = (
            f'Name its columns: in {section}, columns = {{ {part_of} = ["...", "..."] }}; where '
            f'one part is the same for the whole file, constants = {{ {column} = "..." }}.'
        )
    wanted = f"the part {column} of {part_of}" if part_of else column
    return Problem(
        found=f"there is no column {source}",
        expected=f"a column that holds {wanted} of {schema.name}{HEADER}{shown})",
        remedy=" ".join(part for part in (why, close, remedy) if part),
        file=raw.name,
        row=1,
        code="missing_column",
    )
