"""``mpg trace``: what is behind a table, figure or page, as its recipient's manifest has it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from mpg_research.disclosure.private_names import NOT_FOR_RELEASE
from mpg_research.errors import ReportError, did_you_mean
from mpg_research.reporting.audit.folders import Recipient, recipients_in
from mpg_research.reporting.files import MANIFEST, file_sha256
from mpg_research.reporting.record.outputs import files_of
from mpg_research.reporting.session.reference import reference_of

__all__ = ["Trace", "Traced", "trace_output"]

_KINDS = {"tables": "table", "figures": "figure", "pages": "page"}
#: Width of the words in front, and of a line.
_MARGIN, _WIDTH = 12, 110


@dataclass(frozen=True, slots=True)
class Traced:
    """One table, figure or page of one recipient, in all its languages.

    Attributes
    ----------
    reference : str
        Its id.
    kind : {"tables", "figures", "pages"}
        What it is.
    name, notebook, recipient : str
        Its name, the notebook whose page it is on, and whose folder.
    files : mapping of str to str
        "unchanged", "changed" or "missing" by published file.
    entries : tuple of mapping
        What the manifest says of the pages that it is on, one per language.
    results : mapping of str to mapping
        The results behind it, by name.
    cells : mapping of str to mapping
        Cells by released table, and what the gate did to how many of them.
    rules : tuple of str
        By which rules it hid or rounded them.
    """

    reference: str
    kind: str
    name: str
    notebook: str
    recipient: str
    files: Mapping[str, str]
    entries: tuple[Mapping[str, Any], ...]
    results: Mapping[str, Mapping[str, Any]]
    cells: Mapping[str, Mapping[str, int]]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that goes by what was asked for.

    Attributes
    ----------
    found : tuple of Traced
        One per recipient that has it.
    """

    found: tuple[Traced, ...]

    def as_text(self) -> str:
        """In lines, for people."""
        return "\n\n".join("\n".join(_lines(each)) for each in self.found)

    def as_json(self) -> str:
        """The same for programs."""
        return json.dumps([_plain(each) for each in self.found], indent=1, ensure_ascii=False, sort_keys=True)


def trace_output(reports: str | Path, what: str = "") -> Trace:
    """What is behind a table, figure or page.

    Parameters
    ----------
    reports : str or Path
        ``reports/<study>`` or ``reports/<study>/<recipient>``; or a published file, and nothing more.
    what : str
        The id on the page, a name ("adjusted_change", "report_funder/adjusted_change"), or a file.

    Returns
    -------
    Trace

    Raises
    ------
    ReportError
        If there are no reports, or nothing in them goes by that.
    """
    if not what:
        what, reports = str(reports), _folder_above(Path(reports))
    recipients = recipients_in(reports)
    found = tuple(
        traced
        for recipient in recipients
        for traced in _in_recipient(recipient)
        if _is_meant(traced, recipient, what)
    )
    if not found:
        known = sorted({each.name for recipient in recipients for each in _in_recipient(recipient)})
        raise ReportError(
            f'In {reports} there is no table, figure or page "{what}". {did_you_mean(what, known)} '
            "Give the id that stands below it on the page, its name, or its file. "
            f"There are: {', '.join(known)}."
        )
    return Trace(found)


def _folder_above(file: Path) -> Path:
    """The recipient's folder in which a file lies."""
    if file.is_file():
        for folder in file.resolve().parents:
            if (folder / MANIFEST).is_file():
                return folder
    raise ReportError(
        f"{file} is no file of published reports. Name the folder of the reports and a table or figure: "
        "mpg trace reports/example/funder adjusted_change."
    )


def _in_recipient(recipient: Recipient) -> Iterator[Traced]:
    """All tables, figures and pages of a recipient, each once."""
    by_reference: dict[str, list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for _, entry in sorted(recipient.manifest["steps"].items()):
        page = reference_of(entry["notebook"], "pages", entry["notebook"])
        by_reference.setdefault(page, []).append(("pages", entry["notebook"], entry, {}))
        for reference, shown in entry["shown"].items():
            by_reference.setdefault(reference, []).append((shown["kind"], shown["name"], entry, shown))
    for reference, places in by_reference.items():
        kind, name, first, _ = places[0]
        files: dict[str, str] = {}
        results: dict[str, Mapping[str, Any]] = {}
        cells: dict[str, Mapping[str, int]] = {}
        rules: dict[str, None] = {}
        for _, _, entry, shown in places:
            names = files_of(entry, shown) if shown else sorted(entry["outputs"])
            files |= {each: _state(recipient, each, entry["outputs"][each]) for each in names}
            wanted = [shown["result"]] if shown else sorted(entry["results"])
            results |= {each: entry["results"][each] for each in wanted if each in entry["results"]}
            cells |= shown.get("cells", {})
            rules |= dict.fromkeys(shown.get("rules", ()))
        yield Traced(
            reference=reference,
            kind=kind,
            name=name,
            notebook=first["notebook"],
            recipient=recipient.manifest["recipient"],
            files=files,
            entries=tuple(entry for _, _, entry, _ in places),
            results=results,
            cells=cells,
            rules=tuple(rules),
        )


def _state(recipient: Recipient, name: str, digest: str) -> str:
    path = recipient.folder / name
    if not path.is_file():
        return "missing"
    return "unchanged" if file_sha256(path) == digest else "changed"


def _is_meant(traced: Traced, recipient: Recipient, what: str) -> bool:
    """Whether an id, a name or a file is that of an output; a file of a page's own only that of the page."""
    if what.casefold() == traced.reference.casefold():
        return True
    plain = traced.name.removesuffix(f".{NOT_FOR_RELEASE}")
    names = {traced.name, plain}
    if what in names or what in {f"{traced.notebook}/{name}" for name in names}:
        return True
    own = [
        name
        for name in traced.files
        if traced.kind != "pages" or name.count("/") == 1 or "/notebooks/" in name
    ]
    if what in own:
        return True
    path = Path(what)
    return path.is_file() and any((recipient.folder / name).resolve() == path.resolve() for name in own)


def _lines(traced: Traced) -> Iterator[str]:
    entry = traced.entries[0]
    kind = _KINDS[traced.kind]
    of_page = "" if traced.kind == "pages" else f", page {traced.notebook}"
    yield f"{traced.reference}  {kind} {traced.name}{of_page}, for {traced.recipient}"
    for name, state in traced.files.items():
        digests = next(e["outputs"][name] for e in traced.entries if name in e["outputs"])
        yield _line("file" if state == "unchanged" else state, f"{name}  sha256 {digests[:16]}...")
    yield from _about_data(entry)
    for name, result in traced.results.items():
        yield from _about_result(name, result)
    yield from _about_gate(traced, entry)
    yield from _about_code(entry)


def _about_data(entry: Mapping[str, Any]) -> Iterator[str]:
    inputs = entry["inputs"]
    for what in ("data", "settings"):
        for name, digest in inputs[what].items():
            yield _line(what, f"{name}  {digest[:16]}...")
    yield _line("", f"({inputs['hash']}; all 64 digits are in {MANIFEST})")


def _about_result(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    verb = f"{result['verb']}{'.' if result['part'] else ''}{result['part']}"
    yield _line("result", name)
    yield _line(
        "code", f"{verb} in {result['module']}" if result["verb"] else "called in the notebook itself"
    )
    if result["options"]:
        yield _line("options", _listed(result["options"]))
    yield _line("parameters", _listed(result["parameters"]))
    if model := result.get("model"):
        said = "converged" if model["converged"] else "DID NOT CONVERGE"
        bound = f"; on a bound: {', '.join(model['reasons'])}" if model["singular"] else ""
        yield _line("model", f"{said}{bound}")
    if result["notes"]:
        yield _line("notes", ", ".join(note["code"] for note in result["notes"]))
    if flow := result["sample_flow"]:
        steps = [f"{step['step']} {_number(step.get('n_families'))}" for step in flow]
        yield _line("families", " > ".join(steps))


def _about_gate(traced: Traced, entry: Mapping[str, Any]) -> Iterator[str]:
    yield _line("rules", _listed(entry["rules"]))
    for table, cells in traced.cells.items():
        yield _line(
            "gate",
            f"{table}: {cells['cells']} cells, {cells['suppressed']} suppressed, {cells['rounded']} rounded",
        )
    if traced.rules:
        yield _line("by rule", ", ".join(traced.rules))
    for result in traced.results.values():
        if result["withheld"]:
            held = ", ".join(f"{each['table']} ({each['code']})" for each in result["withheld"])
            yield _line("withheld", held)


def _about_code(entry: Mapping[str, Any]) -> Iterator[str]:
    inputs, versions = entry["inputs"], dict(entry["versions"])
    yield _line("package", f"mpg_research {versions.pop('mpg_research')}")
    for part, digest in inputs["code"].items():
        yield _line("", f"{part}  sha256 {digest[:16]}...")
    yield _line("notebook", f"{entry['notebook']}.ipynb  sha256 {inputs['notebook'][:16]}...")
    yield _line("seeds", _listed(entry["seeds"]))
    yield _line("libraries", ", ".join(f"{name} {version}" for name, version in versions.items()))
    yield _line("fingerprint", f"{entry['fingerprint'][:16]}... (of {entry['language']}/{entry['notebook']})")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_short(value)}" for name, value in values.items()) or "none"


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def _number(value: Any) -> str:
    return "suppressed" if value is None else str(value)


def _line(word: str, text: str) -> str:
    margin = " " * (_MARGIN + 2)
    head = f"  {word:<{_MARGIN}}"
    return fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(traced: Traced) -> dict[str, Any]:
    first = traced.entries[0]
    return {
        "id": traced.reference,
        "type": _KINDS[traced.kind],
        "name": traced.name,
        "notebook": traced.notebook,
        "recipient": traced.recipient,
        "files": dict(traced.files),
        "inputs": first["inputs"],
        "versions": first["versions"],
        "seeds": first["seeds"],
        "rules": first["rules"],
        "fingerprints": {f"{e['language']}/{e['notebook']}": e["fingerprint"] for e in traced.entries},
        "results": dict(traced.results),
        "cells": dict(traced.cells),
        "applied": list(traced.rules),
    }
