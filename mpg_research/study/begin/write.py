"""study.toml for a proposal: every line a setting, and a mark where somebody has to look."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from mpg_research.study.begin.organisations import CLIENT
from mpg_research.study.begin.presets import preset_of
from mpg_research.study.begin.proposal import Begun, CodeMap, Mapped, Said, SourceProposal, TableProposal
from mpg_research.study.schemas import SCHEMAS
from mpg_research.study.tables.direct_identifiers import DIRECT_IDENTIFIERS
from mpg_research.visible import visible

__all__ = ["MARK", "NEEDS", "as_toml", "comment", "lacking_columns", "path_from", "toml_key", "toml_value"]

MARK = "LOOK"
SHOWN = 60
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LIFE_OF_HELP = ("region", "referred", "start", "end", "end_reason", "thin_line", "satisfaction")
NEEDS = {
    "family": "which column tells which family it is",
    "organisation": "who helps: a column here, or one organisation for the file under constants",
    "start": "when the help started",
    "date": "when it was filled in",
    "instrument": "which questionnaire it is",
}


def toml_value(value: Any) -> str:
    r"""A value as TOML writes it, on one line, with nothing in it that cannot be seen.

    Examples
    --------
    >>> print(toml_value('a "b"\n'), toml_value([99]), toml_value(True))
    "a \"b\"\n" [99] true
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, int | float):
        return repr(value)
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(short.get(sign) or _written(sign) for sign in str(value)) + '"'


def _written(sign: str) -> str:
    if unicodedata.category(sign)[0] != "C" and sign not in "\u2028\u2029":
        return sign
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08X}"


def toml_key(key: str) -> str:
    """A key as TOML writes it."""
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def comment(text: str) -> str:
    r"""A text from data within a comment: one line, and every sign of it can be seen.

    Examples
    --------
    >>> comment("a\nb\x07")
    'a b‹U+0007›'
    """
    shown = visible(re.sub(r"\s+", " ", text)).replace("\t", " ")
    return shown if len(shown) <= 200 else f"{shown[:197]}..."


def as_toml(begun: Begun, folder: Path, *, name: str) -> str:
    """The text of study.toml.

    Parameters
    ----------
    begun : Begun
        The proposal.
    folder : Path
        Of the study, absolute: paths are written from there where the files lie near it.
    name : str
        Of the study.

    Returns
    -------
    str
    """
    lines = [
        "# A study, begun by looking at its exports: mpg init --from. Nothing here is more than a proposal.",
        f"# {MARK} marks what is doubtful, or what only you can know.",
        "# All settings: docs/reference/study_folder.md",
        f"# After each change: mpg check {comment(folder.name)}",
        "",
        "[study]",
        f"name = {toml_value(name)}",
        f"title = {toml_value(name)}  # {MARK}: as the reports print it",
        'languages = ["nl", "en"]',
    ]
    if begun.last_date:
        lines.append(
            f"# export_date = {begun.last_date}  # {MARK}: the latest date seen; when was the export made?"
        )
    if begun.time:
        lines += ["", "[time]", *(_line(key, said) for key, said in begun.time.items())]
    for table in begun.tables.values():
        lines += ["", *_table(table, folder)]
    for needed in ("episodes", "measurements"):
        if needed not in begun.tables:
            lines += ["", *_lacking(needed, begun, folder)]
    lines += _organisations(begun)
    for key, file in begun.instruments.items():
        lines += [
            "",
            f"[instruments.{key}]",
            f'file = "{key}.toml"  # {MARK}: what is filled in in {comment(file)}; say there what it is',
        ]
    mix = [
        column for source in _sources(begun, "episodes") for column in source.columns
        if column in SCHEMAS["episodes"].names[4:] and column not in _LIFE_OF_HELP
    ]  # fmt: skip
    if mix:
        listed = ", ".join(toml_value(column) for column in dict.fromkeys(mix))
        lines += ["", "[analysis]", f"# case_mix = [{listed}]"]
        lines.append(f"# {MARK}: what a comparison of organisations adjusts for is your choice")
    return "\n".join(lines) + "\n"


def _sources(begun: Begun, table: str) -> list[SourceProposal]:
    return begun.tables[table].sources if table in begun.tables else []


def _line(key: str, said: Said) -> str:
    return f"{toml_key(key)} = {toml_value(said.value)}" + (
        f"  # {MARK}: {comment(said.doubt)}" if said.doubt else ""
    )


def _table(table: TableProposal, folder: Path) -> Iterator[str]:
    section = f"tables.{table.name}"
    if len(table.sources) == 1:
        yield f"[{section}]"
        yield from _source(
            table.sources[0], section, table.name, folder, composite=_has_parts(table.sources[0])
        )
        return
    yield f"[{section}]"
    if any(_has_parts(source) for source in table.sources):
        yield f'columns = {{ family = ["organisation", "{CLIENT}"] }}'
    for source in table.sources:
        yield ""
        yield f"[[{section}.sources]]"
        yield from _source(source, f"{section}.sources", table.name, folder, composite=False)


def _has_parts(source: SourceProposal) -> bool:
    return CLIENT in source.columns


def _source(
    source: SourceProposal, section: str, table: str, folder: Path, *, composite: bool
) -> Iterator[str]:
    look = source.look
    seen = "" if look.is_whole else f"; its first {len(look.frame)} rows were looked at"
    if source.preset:
        preset = preset_of(source.preset)
        yield f"# Read as: {comment(preset.title)}{seen}"
        yield from (f"# {MARK}: {comment(question)}" for question in preset.questions)
    elif seen:
        yield f"# {seen[2:].capitalize()}"
    yield from (f"# {MARK}: {comment(remark)}" for remark in source.remarks)
    yield f"file = {toml_value(path_from(folder, look.path))}"
    if look.sheet and not look.is_first:
        yield f"sheet = {toml_value(look.sheet)}"
    if look.header_row is not None:
        yield f"header_row = {look.header_row}"
    if source.date_format is not None:
        yield _line("date_format", source.date_format)
    if source.missing_values:
        yield _line("missing_values", Said(
            list(source.missing_values), "these lie outside the answers, so they seem to mean: not answered",
        ))  # fmt: skip
    if source.layout != "long":
        yield f"layout = {toml_value(source.layout)}"
    yield from _not_mapped(source)
    yield from _columns(source, section, table, composite=composite)
    if source.identifiers_kept:
        yield f"[{section}.identifiers_kept]"
        yield from (f"{toml_key(name)} = {toml_value(why)}" for name, why in source.identifiers_kept.items())
    if source.constants:
        yield f"[{section}.constants]"
        yield from (_line(key, said) for key, said in source.constants.items())
    if source.patterns:
        yield f"[{section}.patterns]"
        yield from (_line(key, said) for key, said in source.patterns.items())
    for column, codes in source.values.items():
        yield from _values(f"{section}.values.{column}", codes)


def _columns(source: SourceProposal, section: str, table: str, *, composite: bool) -> Iterator[str]:
    lacking = list(lacking_columns(source, table))
    order = {name: place for place, name in enumerate(SCHEMAS[table].names)}
    named = sorted(source.columns, key=lambda name: order.get(name, -1))
    named = [
        name for name in named if source.columns[name].doubt or source.columns[name].source.lower() != name
    ]
    by_name = source.items is not None and not source.items.pattern and not source.items.waves
    if not named and not lacking and not by_name:
        return
    yield f"[{section}.columns]"
    if composite:
        yield f'family = ["organisation", "{CLIENT}"]'
    yield from (_column(name, source.columns[name]) for name in named)
    if by_name and source.items is not None:
        for column, (item, _) in sorted(source.items.columns.items(), key=lambda each: each[1]):
            yield f"{item} = {toml_value(column)}"
    for name in lacking:
        yield f'# {name} = "..."  # {MARK}: {NEEDS.get(name, "no column was found for it")}'


def _column(name: str, mapped: Mapped) -> str:
    line = f"{name} = {toml_value(mapped.source)}"
    others = ", or ".join(toml_value(other) for other in mapped.others)
    doubt = mapped.doubt + (f": {others}" if mapped.doubt and others else "")
    return f"{line}  # {MARK}: {comment(doubt)}" if doubt else line


def lacking_columns(source: SourceProposal, table: str) -> Iterator[str]:
    """Columns that a table cannot do without and for which the file seems to have none."""
    for column in SCHEMAS[table].columns:
        given = {*source.columns, *source.constants, *source.patterns}
        if column.name == "family" and CLIENT in source.columns:
            continue
        in_pattern = any(f"{{{column.name}}}" in said.value for said in source.patterns.values())
        if column.required and column.name not in given and not in_pattern:
            yield column.name


def _values(section: str, codes: CodeMap) -> Iterator[str]:
    if not codes.known and not codes.unknown:
        return
    choices = ", ".join(codes.choices[:12]) + (f"; or {codes.otherwise}" if codes.otherwise else "")
    yield f"[{section}]" + (
        f"  # {MARK}: taken from the words themselves" if codes.known and codes.by_words else ""
    )
    for code, meaning in codes.known.items():
        yield f"{toml_key(code)} = {toml_value(meaning)}"
    for code in codes.unknown:
        yield f'# {toml_key(code)} = "?"  # {MARK}: {choices or "one of our codes"}'


def _not_mapped(source: SourceProposal) -> Iterator[str]:
    used = source.used
    left = [name for name in source.profiles if name not in used]
    if left:
        listed = ", ".join(comment(toml_value(name)) for name in left[:SHOWN])
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield f"# Not read: {listed}{more}"
    for name in source.profiles:
        if source.profiles[name].identifier and name not in source.identifiers_kept:
            told = DIRECT_IDENTIFIERS[source.profiles[name].identifier]
            shown = comment(toml_value(name))
            yield f"# {MARK}: {shown} seems to hold {told}; take it out with mpg pseudonymise"


def _lacking(name: str, begun: Begun, folder: Path) -> list[str]:
    """A table that no file seems to be: it takes the file of the other, if there is one only."""
    other = [source for table in begun.tables.values() for source in table.sources]
    file = toml_value(path_from(folder, other[0].look.path)) if other else '"..."'
    lines = [
        f"[tables.{name}]",
        f"file = {file}  # {MARK}: no file seems to hold this table; which one does?",
    ]
    if other and "family" in other[0].columns:
        lines += [f"[tables.{name}.columns]", _column("family", other[0].columns["family"])]
        needed = [
            column.name for column in SCHEMAS[name].columns if column.required and column.name != "family"
        ]
        lines += [f'# {each} = "..."  # {MARK}: {NEEDS.get(each, "")}' for each in needed]
    return lines


def _organisations(begun: Begun) -> list[str]:
    found: dict[str, None] = {}
    for source in _sources(begun, "episodes"):
        if said := source.constants.get("organisation"):
            found[str(said.value)] = None
        elif mapped := source.columns.get("organisation"):
            profile = source.profiles[mapped.source]
            labels: Mapping[str, str] = dict(profile.value_labels)
            found |= dict.fromkeys(labels.get(text, text) for text in profile.texts)
    if not found:
        return []
    lines = [
        "",
        f"# {MARK}: the organisations as the files name them. Named here they get their public",
    ]
    lines.append("# names, and any other name is an error; take the # away where each is right.")
    for key in found:
        lines += [f"# [organisations.{toml_key(key)}]", f"# name = {toml_value(key)}"]
    return lines


def path_from(folder: Path, file: Path) -> str:
    """A file as study.toml names it: from the study folder where it lies near it, else whole."""
    file = Path(os.path.realpath(file))
    base = Path(os.path.realpath(folder))
    near = file.is_relative_to(base.parent) and base.parent != Path(base.anchor)
    return Path(os.path.relpath(file, base)).as_posix() if near else str(file)
