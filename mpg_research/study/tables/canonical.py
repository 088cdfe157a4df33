"""Canonical tables from raw ones, long or wide."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mpg_research.errors import Problem
from mpg_research.study.config.explain import line_of_setting
from mpg_research.study.config.study_toml import StudyConfig, TableConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.findings import Findings, Places
from mpg_research.study.schemas import EPISODES, NOT_GIVEN, SCHEMAS, Column, Schema
from mpg_research.study.tables.columns import TEXT, Converter, Table
from mpg_research.study.tables.identifiers import join_ids
from mpg_research.study.tables.near_patterns import near_patterns
from mpg_research.study.tables.sources import Sources, find_sources
from mpg_research.study.tables.wide import Occasion, find_occasions, long_from_wide, number_columns

__all__ = ["RESPONDENT_NOT_GIVEN", "canonical_table", "family_ids"]

RESPONDENT_NOT_GIVEN = NOT_GIVEN
#: What an empty cell of the price table means: nobody was named, no kind was, nothing is uncertain.
_WITHOUT = {"payer": NOT_GIVEN, "kind": NOT_GIVEN, "distribution": "fixed"}
NUMBER_KINDS = ("number", "integer")


def canonical_table(
    name: str,
    raw: RawTable,
    table: TableConfig,
    config: StudyConfig,
    findings: Findings,
    *,
    shared_file: bool = False,
) -> Table | None:
    """The canonical table behind a raw one.

    Parameters
    ----------
    name : str
        Name of the table ("episodes").
    raw : RawTable
        Its file.
    table : TableConfig
        Says which column is which in it.
    config : StudyConfig
        The whole configuration.
    findings : Findings
        Receives the problems.
    shared_file : bool
        Whether another table is read from the same file; then equal rows are one row.

    Returns
    -------
    Table or None
        None if a column it cannot do without is missing, or it has no rows.
    """
    schema = SCHEMAS[name]
    sources = find_sources(raw, schema, table, config, findings)
    occasions = _occasions(raw, table, findings)
    sources_used = {*sources.columns.values(), *sources.free_columns.values()}
    sources_used |= {source for parts in sources.composites.values() for _, source in parts}
    if table.patterns:
        findings.extend(near_patterns(raw, table, config, sources_used))
    sources_used |= {source for occasion in occasions or () for source in occasion.columns.values()}
    if refused := [source for source in raw.no_values if source in sources_used]:
        findings.extend(_no_single_values(raw, source) for source in refused)
        return None
    if raw.frame.empty:
        findings.add(_no_rows(raw, required=name in ("episodes", "measurements")))
    if raw.frame.empty:
        return None
    converter = Converter(raw, schema, table, config, findings)
    converter.settle_decimal(_number_columns(schema, sources, config) + number_columns(occasions or []))
    frame = _converted(raw, schema, sources, converter)
    if not sources.complete or occasions is None:
        return None  # what is wrong in the columns that are there has been said all the same
    places = Places(
        raw.name,
        raw.rows,
        {**sources.columns, **sources.free_columns, **_composite_sources(sources)},
        settings={name: _setting(name, schema, table, config) for name in sources.constants},
        constants=table.constants,
    )
    built = Table(frame, places, shared_file)
    if occasions:
        long = long_from_wide(built, occasions, converter, findings)
        if long is None:
            return None
        built = Table(long.frame, long.places, shared_file)
    return Table(_completed(built.frame, schema), built.places, shared_file)


def family_ids(name: str, raw: RawTable, table: TableConfig, config: StudyConfig) -> pd.Series | None:
    """The ids of the families in a raw table, and nothing else of it; what is wrong is not said here.

    Parameters
    ----------
    name : str
        Name of the table.
    raw : RawTable
        Its file.
    table : TableConfig
        Says which column of it holds them.
    config : StudyConfig
        The whole configuration.

    Returns
    -------
    Series, shape (n_rows,), or None
        Missing where a row has none; None where the table has no such column, or no rows.
    """
    schema, said = SCHEMAS[name], Findings()
    if schema.column("family") is None or raw.frame.empty:
        return None
    sources = find_sources(raw, schema, table, config, said)
    converter = Converter(raw, schema, table, config, said)
    if "family" in sources.columns:
        source = sources.columns["family"]
        return converter.convert(_column(schema, "family"), raw.frame[source], source)
    if "family" in sources.composites:
        return _composite("family", sources.composites["family"], raw, schema, converter)
    return None


def _no_rows(raw: RawTable, *, required: bool) -> Problem:
    return Problem(
        found="the table has no rows",
        expected="at least one row of data below the header",
        remedy="Export the table again." if required else "The study is read as if it had no such table.",
        file=raw.name,
        severity="error" if required else "warning",
        code="empty_table",
    )


def _no_single_values(raw: RawTable, source: str) -> Problem:
    return Problem(
        found=f"the column holds {raw.no_values[source]}",
        expected="one number, text or date in each cell",
        remedy="Write it anew with one value in each cell.",
        file=raw.name,
        column=source,
        code="no_single_values",
    )


def _occasions(raw: RawTable, table: TableConfig, findings: Findings) -> list[Occasion] | None:
    """The occasions of a wide file; none for a long one; None if no column fits the patterns."""
    if table.layout != "wide":
        return []
    occasions = find_occasions([str(name) for name in raw.frame.columns], table.patterns)
    if occasions:
        return occasions
    findings.add(
        Problem(
            found="no column fits the patterns",
            expected=" or ".join(table.patterns[key] for key in ("item", "total") if key in table.patterns),
            remedy="Compare the patterns in study.toml with the first row of the file.",
            file=raw.name, row=1, code="missing_column",
        )
    )  # fmt: skip
    return None


def _number_columns(schema: Schema, sources: Sources, config: StudyConfig) -> list[str]:
    kinds = (*NUMBER_KINDS, "time") if config.time.kind == "numbers" else NUMBER_KINDS
    named = [source for name, source in sources.columns.items() if _column(schema, name).kind in kinds]
    return named + list(sources.free_columns.values())


def _converted(raw: RawTable, schema: Schema, sources: Sources, converter: Converter) -> pd.DataFrame:
    done: dict[str, pd.Series] = {}
    for name, source in sources.columns.items():
        done[name] = converter.convert(_column(schema, name), raw.frame[source], source)
    for name, source in sources.free_columns.items():
        done[name] = converter.convert_free(name, raw.frame[source], source)
    for name, value in sources.constants.items():
        done[name] = _constant(name, value, raw, schema, converter)
    for name, parts in sources.composites.items():
        done[name] = _composite(name, parts, raw, schema, converter)
    return pd.DataFrame(done, index=pd.RangeIndex(len(raw.frame)))


def _constant(name: str, value: object, raw: RawTable, schema: Schema, converter: Converter) -> pd.Series:
    """One value of study.toml for all rows; what is wrong with it is said once, where it stands."""
    said = Findings()
    alone = Converter(
        replace(raw, frame=raw.frame.iloc[:1], rows=raw.rows[:1], labels={}),
        schema, converter.table, converter.config, said,
    )  # fmt: skip
    cells = pd.Series([value], dtype=object)
    column = schema.column(name)
    one = alone.convert(column, cells, name) if column else alone.convert_free(name, cells, name)
    file, row = _setting(name, schema, converter.table, converter.config)
    for problem in said.listed():
        converter.findings.add(replace(problem, file=file, row=row, column=name))
    return pd.concat([one] * len(raw.frame), ignore_index=True) if len(raw.frame) > 1 else one


def _setting(name: str, schema: Schema, table: TableConfig, config: StudyConfig) -> tuple[str, int | None]:
    """The file and line that give a column its one value."""
    given = name in table.constants
    place = table.place_of(schema.name, "constants", name) if given else ("analysis", "instrument")
    return config.file.name, line_of_setting(config.file, place)


def _composite_sources(sources: Sources) -> dict[str, str]:
    return {
        name: " and ".join(source or part for part, source in parts)
        for name, parts in sources.composites.items()
    }


def _composite(
    name: str, parts: tuple[tuple[str, str], ...], raw: RawTable, schema: Schema, converter: Converter
) -> pd.Series:
    """An id of several columns; where organisations are one of them, under the keys that the study uses."""
    columns = []
    for part, source in parts:
        described = EPISODES.column(part) or Column(part, "id", "")
        column = Column(part, "id", described.meaning)
        if source:
            columns.append(converter.part(column, raw.frame[source], source))
        else:
            cells = pd.Series([converter.table.constants[part]] * len(raw.frame), dtype=object)
            columns.append(converter.part(column, cells, part))
    label = " and ".join(source or part for part, source in parts)
    return converter.convert(_column(schema, name), join_ids(columns), label)


def _column(schema: Schema, name: str) -> Column:
    column = schema.column(name)
    assert column is not None  # find_sources names known columns only
    return column


def _completed(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Defaults for what may be left out, and the columns in the order of the schema."""
    if schema.name == "measurements":
        if "respondent" not in frame:
            frame["respondent"] = RESPONDENT_NOT_GIVEN
        frame["respondent"] = frame["respondent"].fillna(RESPONDENT_NOT_GIVEN)
    if schema.name == "prices":
        for column, instead in _WITHOUT.items():
            given = frame[column] if column in frame else pd.Series(None, index=frame.index, dtype=TEXT)
            frame[column] = given.fillna(instead)
        for column in ("price_low", "price_high"):
            frame[column] = frame[column] if column in frame else pd.Series(np.nan, index=frame.index)
    first = [name for name in schema.names if name in frame]
    return frame[first + sorted(name for name in frame.columns if name not in first)]
