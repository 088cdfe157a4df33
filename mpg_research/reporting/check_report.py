"""What ``mpg check`` found, for machines (JSON) and as an internal page (HTML)."""

import math
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from mpg_research.errors import ConfigError, Problem
from mpg_research.languages import languages
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.phrases import Phrases, phrases_in, study_phrases
from mpg_research.present.talk.shell import paragraph, sensitive_page
from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.outgoing.place import check_export_place
from mpg_research.study.check import look_at_study
from mpg_research.study.checks.by_month import measured_by_month
from mpg_research.study.findings import Places
from mpg_research.study.load import Assembly
from mpg_research.study.model import CheckReport
from mpg_research.study.schemas import SCHEMAS
from mpg_research.version import __version__
from mpg_research.writing import write_atomically

__all__ = ["check_as_json", "check_as_page", "write_check_page"]

#: Of the JSON; a key that goes away or means something else makes it one more. Keys may be added.
VERSION = 1
_OURS = '<meta name="generator" content="mpg check">'
_WHAT = "The page of mpg check holds small numbers and rows of the data"
_SNIPPET = re.compile(
    r'\b[a-z_]+ = (?:\{[^{}]*\}|\[[^\[\]]*\]|"[^"]*"|\d[\d.-]*|true|false)|\[[a-z_]+(?:\.[a-z_]+)+\]'
)
_ANSWER = re.compile(r"the answer (-?\d+)")
_SHOWN_ROWS, _SHOWN_FINDINGS = 3, 50
_SAMPLE_KINDS = ("number", "integer", "boolean", "code")
_STYLE = """
body { max-width: 64rem; } table { margin-bottom: 1.25rem; } th, td { vertical-align: top; }
pre { background: #eef1f4; padding: .5rem .75rem; white-space: pre-wrap; margin: .3rem 0; }
.wide { overflow-x: auto; } h3 { margin-bottom: .25rem; } .wide td { padding-right: .5rem; }
"""


def check_as_json(report: CheckReport) -> bytes:
    """A report in a stable form for machines (docs/reference/check.md).

    Parameters
    ----------
    report : CheckReport
        From :func:`mpg_research.study.check_study`.

    Returns
    -------
    bytes
        UTF-8; the same report gives the same bytes.
    """
    return json_bytes(
        {
            "format": "mpg-check",
            "version": VERSION,
            "mpg_research": __version__,
            "study": report.study,
            "ok": report.ok,
            "n_errors": len(report.errors),
            "n_warnings": len(report.warnings),
            "problems": [
                {
                    "severity": each.severity, "code": each.code, "file": each.file, "row": each.row,
                    "column": each.column, "found": each.found, "expected": each.expected,
                    "remedy": each.remedy,
                }
                for each in report.problems
            ],
            "counts": dict(report.counts),
            "summary": [
                {
                    "code": line.code, "part": line.part, "text": line.text,
                    "value": line.value if math.isfinite(line.value) else None,
                }
                for line in report.summary
            ],
        }
    )  # fmt: skip


def write_check_page(study: str | Path, file: str | Path, *, language: str = "") -> tuple[Path, CheckReport]:
    """Check a study and write what was found as a page that its owner only can read.

    Parameters
    ----------
    study : str or Path
        Study folder or study.toml.
    file : str or Path
        The page; one that this command wrote before is replaced, nothing else is.
    language : str
        Code of the language; empty is the first of :func:`mpg_research.languages.languages`.

    Returns
    -------
    (Path, CheckReport)

    Raises
    ------
    ConfigError
        If something else stands there, or the language is none.
    DisclosureError
        If the place lies among reports or in a work tree of Git.
    """
    chosen = language or languages()[0]
    if chosen not in languages():
        raise ConfigError(f"language: found '{chosen}'; expected {' or '.join(languages())}.")
    named = Path(file).expanduser()
    if not str(file).strip() or not named.name:
        raise ConfigError("Name the page: mpg check STUDY --html FILE.")
    target = check_export_place(named.parent, what=_WHAT) / named.name
    try:
        if target.is_dir() or (target.exists() and _OURS not in target.read_text("utf-8", "replace")):
            raise ConfigError(f"{named} is something else than a page of mpg check. Name another file.")
        report, assembly = look_at_study(study)
        page = check_as_page(report, assembly, language=chosen)
        write_atomically(target, page.encode("utf-8"), private=True)
    except OSError as error:
        raise ConfigError(
            f"{named} cannot be written ({error.strerror or error}). Name another file."
        ) from None
    return target, report


def check_as_page(report: CheckReport, assembly: Assembly | None, *, language: str) -> str:
    """The whole page.

    Parameters
    ----------
    report : CheckReport
        What was found.
    assembly : Assembly or None
        What could be read of the study; None where study.toml cannot be used.
    language : str
        Of headings and explanations; findings are in English, as everywhere.
    """
    say = phrases_in(language) if assembly is None else study_phrases(assembly.config, language)
    title = say("check_page.title", study=clean_name(report.study))
    body = [
        _OURS,
        paragraph(say("check_page.internal"), "sensitive"),
        f"<h1>{escape(title)}</h1>",
        paragraph(
            say("check_page.verdict_ok" if report.ok else "check_page.verdict_errors",
                errors=len(report.errors), warnings=len(report.warnings)),
            "answer",
        ),
        paragraph(say("check_page.language"), "small"),
        *_findings(report.problems, say),
    ]  # fmt: skip
    if assembly is not None:
        body += [*_completeness(assembly, say), *_samples(assembly, say)]
    if report.summary:
        lines = "".join(f"<li>{escape(clean_name(line.text))}</li>" for line in report.summary)
        body += [f"<h2>{escape(say('check_page.summary'))}</h2>", f"<ul>{lines}</ul>"]
    return sensitive_page(title, body, language=language, style=_STYLE)


def _findings(problems: Sequence[Problem], say: Phrases) -> Iterator[str]:
    """Findings by file, and within a file by kind."""

    def place(problem: Problem) -> tuple[str, str, str]:
        return problem.file, "0" if problem.severity == "error" else "1", problem.code

    yield f"<h2>{escape(say('check_page.findings'))}</h2>"
    if not problems:
        yield paragraph(say("check_page.none"))
    ordered = sorted(problems, key=place)
    for file, of_file in groupby(ordered, key=lambda problem: problem.file):
        listed = list(of_file)
        yield f"<h3>{escape(clean_name(file) or say('check_page.study'))} ({len(listed)})</h3>"
        for (_, rank, code), of_kind in groupby(listed, key=place):
            same = list(of_kind)
            kind = say("check_page.error" if rank == "0" else "check_page.warning")
            yield f"<h4>{escape(kind)}: {escape(code)} ({len(same)})</h4><ul>"
            yield from (f"<li>{_finding(each, say)}</li>" for each in same[:_SHOWN_FINDINGS])
            if len(same) > _SHOWN_FINDINGS:
                yield f"<li>{escape(say('check_page.more', n=len(same) - _SHOWN_FINDINGS))}</li>"
            yield "</ul>"


def _finding(problem: Problem, say: Phrases) -> str:
    text = escape(clean_name(str(problem)))
    lines = _to_paste(problem)
    if not lines:
        return text
    pasted = "\n".join(escape(clean_name(line)) for line in lines)
    return f"{text}<br>{escape(say('check_page.paste'))}<pre>{pasted}</pre>"


def _to_paste(problem: Problem) -> list[str]:
    """Lines for study.toml: those that the remedy quotes, or the code for no answer that it speaks of."""
    if problem.code == "out_of_range" and (answer := _ANSWER.match(problem.found)):
        return ["[tables.measurements]", f"missing_values = [{answer[1]}]"]
    snippets = list(dict.fromkeys(_SNIPPET.findall(problem.remedy)))
    settings = [each for each in snippets if not each.startswith("[")]
    headings = [each for each in snippets if each.startswith("[")]
    return [*headings[:1], *settings] if settings else []


def _completeness(assembly: Assembly, say: Phrases) -> Iterator[str]:
    """The picture of completeness, and its numbers as a table."""
    data = measured_by_month(assembly.tables, dated=assembly.config.time.kind == "dates")
    yield f"<h2>{escape(say('check_page.completeness'))}</h2>"
    if data.empty:
        yield paragraph(say("check_page.no_months"))
        return
    yield paragraph(say("check_page.completeness_means"))
    yield _picture(data, say)
    months = sorted(data["month"].unique())
    wide = {(row[0], row[1]): f"{row[3]}/{row[2]}" for row in data.itertuples(index=False)}
    head = "".join(f'<th scope="col">{month}</th>' for month in months)
    rows = []
    for key in sorted(data["organisation"].unique()):
        cells = "".join(f"<td>{wide.get((key, month), '–')}</td>" for month in months)
        rows.append(f'<tr><th scope="row" class="text">{escape(clean_name(key))}</th>{cells}</tr>')
    yield (
        f'<div class="wide"><table><caption>{escape(say("check_page.table"))}</caption><thead><tr><td></td>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _picture(data: pd.DataFrame, say: Phrases) -> str:
    """One square per organisation and month: the darker, the more families were measured."""
    months, keys = sorted(data["month"].unique()), sorted(data["organisation"].unique())
    side, left, top = 18, 150, 46
    width, height = left + side * len(months) + 40, top + side * len(keys) + 10
    parts = []
    for place, month in enumerate(months):
        if place % 3 == 0:
            at = left + side * place + side / 2
            parts.append(
                f'<text x="{at}" y="{top - 6}" transform="rotate(-45 {at} {top - 6})">{month}</text>'
            )
    for line, key in enumerate(keys):
        name = clean_name(key)
        short = name if len(name) <= 20 else f"{name[:19]}…"
        at = top + side * line
        parts.append(f'<text x="{left - 8}" y="{at + 13}" text-anchor="end">{escape(short)}</text>')
        mine = data[data["organisation"] == key].set_index("month")
        for place, month in enumerate(months):
            x = left + side * place
            if month not in mine.index:
                continue
            share = float(mine.loc[month, "measured"]) / float(mine.loc[month, "in_help"])
            parts.append(
                f'<rect x="{x + 1}" y="{at + 1}" width="{side - 2}" height="{side - 2}" fill="#0b4f7d" '
                f'fill-opacity="{share:.2f}" stroke="#7b858f" stroke-width=".6"/>'
            )
    said = escape(
        say("check_page.alt", organisations=len(keys), first=months[0], last=months[-1]), quote=True
    )
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" '
        f'aria-label="{said}" font-size="11" font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
        f"<figcaption>{escape(say('check_page.legend'))}</figcaption></figure>"
    )


def _samples(assembly: Assembly, say: Phrases) -> Iterator[str]:
    """The first rows of each table, without ids, days and text."""
    yield f"<h2>{escape(say('check_page.samples'))}</h2>"
    yield paragraph(say("check_page.samples_mean"))
    for name, table in assembly.tables.items():
        schema, frame = SCHEMAS[name], table.frame
        columns = [
            str(column)
            for column in frame
            if (known := schema.column(str(column))) is not None and known.kind in _SAMPLE_KINDS
        ]
        if not columns or frame.empty:
            continue
        head = "".join(
            f'<th scope="col">{escape(column)}<br><span class="small">{escape(_source(table.places, column))}'
            "</span></th>"
            for column in columns
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>"
            for row in frame[columns].head(_SHOWN_ROWS).itertuples(index=False)
        )
        caption = f"{name}: {clean_name(table.places.file)}"
        yield (
            f'<div class="wide"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )


def _source(places: Places, column: str) -> str:
    """The column of the file, where it is called otherwise."""
    written = places.column_of(column, 0)
    return "" if written == column else clean_name(written)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    return clean_name(str(value))
