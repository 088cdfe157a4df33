"""A record per output, as output checkers use it: ``outputs.json`` in a recipient's folder.

An output checker looks at every table and figure before it leaves the house: what made it, which rules were
applied, how many cells they hid, and whether the file is still the one that was looked at. The fields are
named as in the results file of ACRO (https://doi.org/10.1109/TP.2025.3566052), whose viewer looks for a file
of this name; ``docs/how_to/tracing.md`` says what each of them means here. Everything is taken from the
manifest, and nothing of it hangs on time or machine.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from mpg_research.reporting.files import OUTPUTS
from mpg_research.reporting.session.reference import reference_of

__all__ = ["FORMAT", "NAME", "files_of", "outputs_of"]

FORMAT = "mpg_research outputs 1"
NAME = OUTPUTS
_TYPES = {"tables": "table", "figures": "figure"}


def outputs_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``outputs.json``.

    Parameters
    ----------
    manifest : mapping
        The recipient's manifest.

    Returns
    -------
    dict
        JSON-friendly; ``results`` by id.
    """
    results: dict[str, Any] = {}
    withheld: list[dict[str, str]] = []
    for _, entry in sorted(manifest["steps"].items()):
        for reference, shown in sorted(entry["shown"].items()):
            record = results.setdefault(reference, _record(reference, shown, entry, manifest["recipient"]))
            record["files"] += list(_files(entry, files_of(entry, shown), record["outcome"]))
        page = reference_of(entry["notebook"], "pages", entry["notebook"])
        record = results.setdefault(page, _page(page, entry, manifest["recipient"]))
        record["files"] += list(_files(entry, _page_files(entry), {}))
        withheld += [each for each in _withheld(entry) if each not in withheld]
    return {
        "format": FORMAT,
        "version": _versions(manifest),
        "study": manifest["study"],
        "recipient": manifest["recipient"],
        "synthetic": manifest["synthetic"],
        "private": manifest.get("private", ""),
        "rules": _rules(manifest),
        "results": results,
        "withheld": withheld,
    }


def files_of(entry: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    """The published files of a table or figure of a step, by their names in the recipient's folder.

    Parameters
    ----------
    entry : mapping
        The step in the manifest.
    shown : mapping
        The table or figure in it.

    Returns
    -------
    list of str
    """
    folder = f"{entry['language']}/{shown['kind']}/{entry['notebook']}"
    near = (name for name in sorted(entry["outputs"]) if name.startswith(f"{folder}/{shown['name']}"))
    paths = map(PurePosixPath, near)
    return [str(path) for path in paths if str(path.parent) == folder and path.stem == shown["name"]]


def _page_files(entry: Mapping[str, Any]) -> list[str]:
    beside = tuple(f"{entry['language']}/{kind}/" for kind in _TYPES)
    return [name for name in sorted(entry["outputs"]) if not name.startswith(beside)]


def _record(
    reference: str, shown: Mapping[str, Any], entry: Mapping[str, Any], recipient: str
) -> dict[str, Any]:
    result = entry["results"].get(shown["result"], {})
    hidden = sum(cells["suppressed"] for cells in shown["cells"].values())
    rounded = sum(cells["rounded"] for cells in shown["cells"].values())
    verb, part = result.get("verb", ""), result.get("part", "")
    asked = ", ".join(["study", *(f"{name}={value!r}" for name, value in result.get("options", {}).items())])
    return {
        "uid": reference,
        "status": "review" if hidden else "pass",
        "type": _TYPES[shown["kind"]],
        "properties": {
            "name": shown["name"],
            "notebook": entry["notebook"],
            "recipient": recipient,
            "result": shown["result"],
            "model": result.get("model", {}),
            "rules": shown["rules"],
        },
        "command": f"{verb}({asked}){'.' if part else ''}{part}" if verb else "",
        "summary": _summary(hidden, rounded),
        "outcome": shown["cells"],
        "files": [],
        "comments": [],
        "exception": "",
    }


def _page(reference: str, entry: Mapping[str, Any], recipient: str) -> dict[str, Any]:
    """The page itself: its sentences are made from the released results that it names."""
    return {
        "uid": reference,
        "status": "pass",
        "type": "page",
        "properties": {
            "name": entry["notebook"],
            "notebook": entry["notebook"],
            "recipient": recipient,
            "results": sorted(entry["results"]),
        },
        "command": "",
        "summary": "pass",
        "outcome": {},
        "files": [],
        "comments": [],
        "exception": "",
    }


def _summary(hidden: int, rounded: int) -> str:
    parts = [
        f"{number} cells {what}" for number, what in ((hidden, "suppressed"), (rounded, "rounded")) if number
    ]
    return "; ".join(["review" if hidden else "pass", *parts])


def _files(
    entry: Mapping[str, Any], names: list[str], outcome: Mapping[str, Mapping[str, int]]
) -> Iterator[dict[str, Any]]:
    for name in names:
        total: dict[str, int] = {}
        for cells in outcome.values():
            total = {key: total.get(key, 0) + cells.get(key, 0) for key in {**total, **cells}}
        yield {"name": name, "sha256": entry["outputs"][name], "sdc": {"summary": total} if total else {}}


def _withheld(entry: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, result in sorted(entry["results"].items()):
        for held in result["withheld"]:
            yield {"notebook": entry["notebook"], "result": name, **held}


def _rules(manifest: Mapping[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for entry in manifest["steps"].values():
        rules |= entry["rules"]
    return rules


def _versions(manifest: Mapping[str, Any]) -> str:
    return ", ".join(sorted({entry["versions"]["mpg_research"] for entry in manifest["steps"].values()}))
