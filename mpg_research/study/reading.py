"""Every file of a study into its table: one file after the other, then together."""

import hashlib
import os.path
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mpg_research.errors import DataError, Problem
from mpg_research.study.checks.direct_identifiers import check_direct_identifiers
from mpg_research.study.config.parts import Parts, TablePart, find_parts
from mpg_research.study.config.study_toml import StudyConfig, TableConfig, source_paths
from mpg_research.study.files.read import RawTable, read_table
from mpg_research.study.findings import Findings
from mpg_research.study.model import SourceFile
from mpg_research.study.tables.canonical import canonical_table
from mpg_research.study.tables.columns import Table
from mpg_research.study.tables.consent import ConsentGiven, find_consent
from mpg_research.study.tables.sources import names_wanted
from mpg_research.study.tables.together import FileRows, put_together

__all__ = ["TablesRead", "read_tables"]

Way = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class TablesRead:
    """The tables of a study as their files have them.

    Attributes
    ----------
    tables : dict of str to Table
        Those that could be read.
    sources : tuple of SourceFile
    consent : ConsentGiven or None
        Who permits that the data are used, where ``[consent]`` asks for it.
    """

    tables: dict[str, Table]
    sources: tuple[SourceFile, ...]
    consent: ConsentGiven | None


@dataclass(slots=True)
class _Reading:
    """Files that were read, each once for every way of reading it."""

    config: StudyConfig
    findings: Findings
    raws: dict[Way, RawTable | None] = field(default_factory=dict)
    read_by: dict[Way, list[tuple[str, TableConfig]]] = field(default_factory=dict)

    def raw(self, name: str, part: TablePart) -> RawTable | None:
        """The file as it is; None where it cannot be read, of which is told once."""
        table = part.table
        way = (part.path, table.sheet, table.separator, table.encoding, table.header_row)
        if way not in self.raws:
            try:
                wanted = names_wanted(name, table, self.config)
                raw = replace(read_table(part.path, table, is_name=wanted), label=part.label)
            except DataError as error:
                self.raws[way] = None
                self.findings.extend(_in_file(part, problem) for problem in error.problems)
                return None
            self.raws[way] = raw
            self.findings.extend(replace(problem, file=part.label) for problem in raw.problems)
        known = self.raws[way]
        if known is not None:
            self.read_by.setdefault(way, []).append((name, table))
        return known


def _in_file(part: TablePart, problem: Problem) -> Problem:
    found = f" It fits the pattern {part.pattern}." if part.pattern else ""
    return replace(problem, file=part.label, remedy=f"{problem.remedy}{found}")


def read_tables(config: StudyConfig, findings: Findings) -> TablesRead:
    """Read the files of all tables.

    Parameters
    ----------
    config : StudyConfig
        Says which files, and how each is read.
    findings : Findings
        Receives the problems. A table of which one file cannot be read as it should is not there.

    Returns
    -------
    TablesRead
    """
    parts = find_parts(config)
    reading = _Reading(config, findings)
    serves = Counter((part.path, part.table.sheet) for of in parts.of.values() for part in _once(of))
    tables: dict[str, Table] = {}
    consent: ConsentGiven | None = None
    for name, of_table in parts.of.items():
        raws = [(part, reading.raw(name, part)) for part in of_table]
        findings.extend(parts.problems.get(name, ()))
        readable = [(part, raw) for part, raw in raws if raw is not None]
        whole = len(readable) == len(raws) and name not in parts.problems
        if name == "episodes" and config.consent is not None:
            files = [(raw, part.table) for part, raw in readable]
            consent = find_consent(files, config, findings) if whole else None
            if consent is None:
                break  # nothing may be said of families of whom it is not known whether they permit it
        table = _table(name, readable, config, findings, consent, serves)
        if table is not None and whole:
            tables[name] = table
    if consent is not None:
        for problem in consent.problems(config):
            findings.add(problem, times=consent.n_families if problem.code == "without_consent" else 1)
    for way, read_by in reading.read_by.items():
        if (raw := reading.raws[way]) is not None:
            check_direct_identifiers(raw, read_by, findings)
    read = [raw for raw in reading.raws.values() if raw is not None]
    return TablesRead(tables, _sources(config, parts, read), consent)


def _once(parts: Iterable[TablePart]) -> list[TablePart]:
    """A file that serves one table in two ways serves it alone."""
    return list({(part.path, part.table.sheet): part for part in parts}.values())


def _table(
    name: str,
    files: list[tuple[TablePart, RawTable]],
    config: StudyConfig,
    findings: Findings,
    consent: ConsentGiven | None,
    serves: Mapping[tuple[Path, str | int | None], int],
) -> Table | None:
    """One table from its files; None where one of them is not as it should be."""
    filled = [(part, raw) for part, raw in files if not raw.frame.empty]
    for part, raw in files:
        if raw.frame.empty and filled:
            findings.add(_empty_file(part))
    built: list[FileRows] = []
    whole = True
    for part, raw in filled or files[:1]:
        kept = raw if consent is None else consent.keep(name, raw, part.table, config)
        if kept.frame.empty and not raw.frame.empty and len(filled) > 1:
            continue  # nobody in it permits that
        shared = serves[part.path, part.table.sheet] > 1
        table = canonical_table(name, kept, part.table, config, findings, shared_file=shared)
        if table is None:
            whole = False
        else:
            built.append(FileRows(table, part.table, raw.sha256, part.path))
    if not built or not whole:
        return None
    return put_together(name, built, config, findings)


def _empty_file(part: TablePart) -> Problem:
    return Problem(
        found="the file has no rows",
        expected="at least one row of data below the header",
        remedy="The table is read from its other files. Export it again if that is wrong.",
        file=part.label,
        severity="warning",
        code="empty_table",
    )


def _sources(config: StudyConfig, parts: Parts, raws: Iterable[RawTable]) -> tuple[SourceFile, ...]:
    rows: dict[Path, int] = {}
    hashes: dict[Path, str] = {}
    for raw in raws:
        rows[raw.path] = rows.get(raw.path, 0) + len(raw.frame)
        hashes[raw.path] = raw.sha256
    sources = []
    for path in source_paths(config, parts):
        if path not in hashes and os.path.isfile(path):
            hashes[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        if path in hashes:
            sources.append(SourceFile(path, hashes[path], rows.get(path, 0)))
    return tuple(sources)
