"""A recipient's folder as a research object: ``ro-crate-metadata.json`` (RO-Crate 1.1).

Archives and repositories read it without knowing this package: which files there are, with what digest, which
program made them from which inputs, and with which parameters (https://w3id.org/ro/crate/1.1). It says
nothing that the manifest of the same folder does not say, so a reader outside gets no hash of a raw file; of
time it has the day on which the newest page was made, since the specification demands a date.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from mpg_research.reporting.files import CRATE

__all__ = ["NAME", "crate_of"]

NAME = CRATE
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
#: A term that the context of version 1.1 does not have; that of 1.2 has it so.
_TERMS = {"sha256": "http://schema.org/sha256"}
_FORMATS = {
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_SOFTWARE = "#mpg_research"
#: What is said of the folder's use; there is no licence that would fit all studies.
_USE = {
    "@id": "#use",
    "@type": "CreativeWork",
    "name": "For the recipient that is named",
    "description": "To be used under what was agreed with the study. The numbers passed the disclosure gate "
    "of mpg_research for this recipient and for nobody else.",
}

Entity = dict[str, Any]


def crate_of(manifest: Mapping[str, Any], others: Mapping[str, str]) -> dict[str, Any]:
    """The content of ``ro-crate-metadata.json``.

    Parameters
    ----------
    manifest : mapping
        The recipient's manifest.
    others : mapping of str to str
        SHA-256 (or an empty text) of files beside those that the manifest lists, by their name in the folder.

    Returns
    -------
    dict
        JSON-LD, the same for an equal manifest.
    """
    steps = dict(sorted(manifest["steps"].items()))
    entities: dict[str, Entity] = {}
    actions = []
    for name, entry in steps.items():
        actions.append(_action(name, entry, entities))
        actions += [each for each in _analyses(entry, entities) if each not in actions]
    files = [_file(name, digest) for name, digest in sorted({**_outputs(steps.values()), **others}.items())]
    descriptor = {
        "@id": NAME,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }
    graph = [descriptor, _root(manifest, files, actions), _USE, *files, *actions, *entities.values()]
    return {"@context": [f"{_SPECIFICATION}/context", _TERMS], "@graph": graph}


def _root(manifest: Mapping[str, Any], files: Iterable[Entity], actions: Iterable[Entity]) -> Entity:
    made_up = " All data are made up (synthetic)." if manifest["synthetic"] else ""
    if "private" in manifest:
        made_up = f"{made_up} {manifest['private']}"
    days = [entry["run"]["started"][:10] for entry in manifest["steps"].values()]
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Reports of the study {manifest['study']} for {manifest['recipient']}",
        "description": "Pages, tables and figures of a study of families in youth care, as released to one "
        f"recipient.{made_up} manifest.json describes how each was made, outputs.json what the disclosure "
        "rules did to each of them.",
        "datePublished": max(days),
        "license": {"@id": _USE["@id"]},
        "hasPart": [{"@id": each["@id"]} for each in files],
        "mentions": [{"@id": each["@id"]} for each in actions],
    }


def _file(name: str, digest: str) -> Entity:
    file = {"@id": quote(name), "@type": "File", "name": name}
    kind = _FORMATS.get(PurePosixPath(name).suffix)
    return file | ({"encodingFormat": kind} if kind else {}) | ({"sha256": digest} if digest else {})


def _outputs(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {name: digest for entry in entries for name, digest in entry["outputs"].items()}


def _action(name: str, entry: Mapping[str, Any], entities: dict[str, Entity]) -> Entity:
    """The making of one page with all that lies beside it."""
    objects = [*_inputs(entry), *_values(f"#{name}", {**entry["parameters"], **entry["seeds"]})]
    software = _software(entry)
    for each in (*objects, *software):
        entities.setdefault(each["@id"], each)
    return {
        "@id": f"#{quote(name)}",
        "@type": "CreateAction",
        "name": f"Notebook {entry['notebook']} in {entry['language']}",
        "description": f"Fingerprint of everything it was made from: {entry['fingerprint']}",
        "instrument": {"@id": software[0]["@id"]},
        "object": [{"@id": each["@id"]} for each in objects],
        "result": [{"@id": quote(file)} for file in sorted(entry["outputs"])],
    }


def _analyses(entry: Mapping[str, Any], entities: dict[str, Entity]) -> Iterator[Entity]:
    """Each result behind a notebook's pages: verb, options, verdict, whom it rests on, what was hidden."""
    for key, result in sorted(entry["results"].items()):
        own = f"#{entry['notebook']}/{key}"
        options = list(_values(f"{own}/parameter", result["parameters"]))
        code = {
            "@id": f"#{result['module'] or result['kind']}",
            "@type": "SoftwareSourceCode",
            "name": result["verb"] or result["kind"],
            "isPartOf": {"@id": _software_id(entry)},
        }
        found = list(_values(f"{own}/result", _verdict(result, _cells(key, entry))))
        for each in (*options, code, *found):
            entities.setdefault(each["@id"], each)
        yield {
            "@id": quote(own, safe="/#"),
            "@type": "CreateAction",
            "name": f"Analysis {key} of {entry['notebook']}",
            "instrument": {"@id": code["@id"]},
            "object": [{"@id": each["@id"]} for each in options],
            "result": [{"@id": each["@id"]} for each in found],
        }


def _verdict(result: Mapping[str, Any], cells: Mapping[str, int]) -> dict[str, Any]:
    model = result.get("model", {})
    verdict: dict[str, Any] = {name: model[name] for name in ("converged", "singular") if name in model}
    if result["notes"]:
        verdict["notes"] = ", ".join(sorted({note["code"] for note in result["notes"]}))
    for step in result["sample_flow"]:
        number = step.get("n_families")
        verdict[f"families: {step['step']}"] = "suppressed" if number is None else number
    verdict |= {f"cells {what}": number for what, number in cells.items()}
    if result["withheld"]:
        verdict["tables withheld"] = ", ".join(
            f"{held['table']} ({held['code']})" for held in result["withheld"]
        )
    return verdict


def _cells(key: str, entry: Mapping[str, Any]) -> dict[str, int]:
    """Of all tables that are shown of a result: cells, and how many were suppressed or rounded."""
    tables: dict[str, Mapping[str, int]] = {}
    for shown in entry["shown"].values():
        if shown["result"] == key:
            tables |= shown["cells"]
    names = ("shown or hidden", "suppressed", "rounded")
    keys = ("cells", "suppressed", "rounded")
    return {name: sum(cells[key] for cells in tables.values()) for name, key in zip(names, keys, strict=True)}


def _inputs(entry: Mapping[str, Any]) -> Iterator[Entity]:
    """The study's files, which stay where they are, and the notebook: each with its hash or its reference."""
    inputs = entry["inputs"]
    named = {**inputs["data"], **inputs["settings"]}
    for file, digest in sorted(named.items()):
        yield {
            "@id": f"#input/{quote(file)}",
            "@type": "CreativeWork",
            "name": file,
            "description": f"Not part of this folder. Its identifier is the {inputs['hash']}.",
            "identifier": digest,
        }
    yield {
        "@id": f"#notebook/{quote(entry['notebook'])}",
        "@type": "SoftwareSourceCode",
        "name": f"{entry['notebook']}.ipynb",
        "programmingLanguage": "Python",
        "sha256": inputs["notebook"],
    }


def _software_id(entry: Mapping[str, Any]) -> str:
    return f"{_SOFTWARE}-{quote(entry['versions']['mpg_research'])}"


def _software(entry: Mapping[str, Any]) -> list[Entity]:
    """The package, with the digest of its code, and what it was run with."""
    versions = dict(entry["versions"])
    own = versions.pop("mpg_research")
    libraries = [
        {
            "@id": f"#{name}-{quote(version)}",
            "@type": "SoftwareApplication",
            "name": name,
            "version": version,
        }
        for name, version in sorted(versions.items())
    ]
    code = "; ".join(f"{part} {digest}" for part, digest in sorted(entry["inputs"]["code"].items()))
    package = {
        "@id": _software_id(entry),
        "@type": "SoftwareApplication",
        "name": "mpg_research",
        "version": own,
        "description": f"SHA-256 of its code by part: {code}",
        "softwareRequirements": [{"@id": each["@id"]} for each in libraries],
    }
    return [package, *libraries]


def _values(prefix: str, values: Mapping[str, Any]) -> Iterator[Entity]:
    for name, value in sorted(values.items()):
        if isinstance(value, list | dict):
            value = (
                ", ".join(map(str, value)) if isinstance(value, list) else str(dict(sorted(value.items())))
            )
        if value is not None:
            own = quote(f"{prefix.removeprefix('#')}/{name}")
            yield {"@id": f"#{own}", "@type": "PropertyValue", "name": name, "value": value}
