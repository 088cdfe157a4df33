"""The record beside each recipient's reports: what went in, what came out, and when.

One ``manifest.json`` per recipient, one entry per step. The time stands here and nowhere else, so that two
runs on the same input give the same pages. The machine stands nowhere: these folders are handed over.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.files import MANIFEST, file_sha256, json_bytes
from mpg_research.reporting.run.fingerprint import words_of
from mpg_research.reporting.run.plan import Step
from mpg_research.reporting.store.inputs import Inputs
from mpg_research.reporting.warm.environment import ENVIRONMENT
from mpg_research.writing import write_atomically

__all__ = [
    "FORMAT",
    "NAME",
    "hasher_of",
    "is_up_to_date",
    "read_manifest",
    "record_step",
    "step_entry",
    "write_manifest",
]

#: Changed when the meaning of a field changes; an older manifest then counts as absent.
FORMAT = 3
NAME = MANIFEST
#: What the manifest of pages says that are not for release.
PRIVATE = "Not for release: made by mpg run --private, with nothing suppressed but tables of single families."


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a recipient's folder; an empty one where there is none that can be read."""
    empty: dict[str, Any] = {"format": FORMAT, "steps": {}}
    try:
        manifest = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return empty
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        return empty
    return manifest if isinstance(manifest.get("steps"), dict) else empty


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a recipient's manifest in one piece."""
    write_atomically(folder / NAME, json_bytes(manifest), private="private" in manifest)


def is_up_to_date(folder: Path, step: Step, fingerprint: str, manifest: Mapping[str, Any]) -> bool:
    """Whether the step was published from exactly these inputs and its files are still what they were."""
    entry = manifest["steps"].get(step.key)
    if not isinstance(entry, dict) or entry.get("fingerprint") != fingerprint:
        return False
    outputs = entry.get("outputs")
    if not isinstance(outputs, dict) or not outputs:
        return False
    for name, recorded in outputs.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != recorded:
            return False
    return True


def step_entry(
    step: Step,
    *,
    fingerprint: str,
    inputs: Inputs,
    notebook_sha256: str,
    outputs: Mapping[str, str],
    record: Mapping[str, Any],
    disclosure: Mapping[str, Any],
    started: datetime,
    seconds: float,
    standing: str = "own",
) -> dict[str, Any]:
    """The entry of one step.

    Parameters
    ----------
    step : Step
        What was run.
    fingerprint, notebook_sha256 : str
        Hashes of all inputs together and of the notebook.
    inputs : Inputs
        Hashes and versions shared by all steps.
    outputs : mapping of str to str
        SHA-256 by published file, relative to the recipient's folder.
    record : mapping
        What the session wrote down: results with their models, sample flow and notes, what was shown of
        them, rules, warnings.
    disclosure : mapping
        The rules of disclosure that the study loosened and that touch these pages, and why.
    started : datetime
        Start of the step.
    seconds : float
        Its duration.
    standing : {"own", "registered", "modified"}
        Whether the notebook is the package's, registered for the study, or was allowed to run as it is.
    """
    own = hasher_of(step)
    results = record.get("results", {})
    seeds = {name: result["seed"] for name, result in results.items() if "seed" in result}
    return {
        "notebook": step.notebook,
        "notebook_is": standing,
        "language": step.language,
        "role": step.role,
        "parameters": dict(step.parameters),
        "fingerprint": fingerprint,
        "inputs": {
            "hash": "sha256"
            if step.role == "researcher"
            else "sha256 of recipient, a null byte and the sha256",
            "data": {name: own(value) for name, value in inputs.data.items()},
            "settings": {name: own(value) for name, value in inputs.settings.items()},
            "notebook": notebook_sha256,
            "code": dict(inputs.code),
            "words": words_of(step, inputs),
        },
        "versions": dict(inputs.versions),
        "outputs": dict(sorted(outputs.items())),
        "rules": record.get("rules", {}),
        "disclosure": {"private": step.private, **disclosure},
        "results": results,
        "shown": record.get("shown", {}),
        "not_shown": record.get("not_shown", []),
        "not_applicable": record.get("not_applicable", []),
        "releases": record.get("releases", {"compared": False}),
        "warnings": record.get("warnings", {}),
        "seeds": {"PYTHONHASHSEED": int(ENVIRONMENT["PYTHONHASHSEED"]), **seeds},
        "run": {
            "started": started.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
        },
    }


def hasher_of(step: Step) -> Callable[[str], str]:
    """Outside the research team only a derivative of the data's hashes is given away.

    The order of the neutral labels hangs on the study's digest, which follows from those hashes. The
    researcher can still verify a derivative; nobody can go back from it.
    """
    if step.role == "researcher":
        return str
    return lambda value: hashlib.sha256(f"{step.recipient}\0{value}".encode()).hexdigest()


def record_step(
    folder: Path, step: Step, entry: Mapping[str, Any] | None, *, study: str, synthetic: bool
) -> None:
    """Put a step's entry into its recipient's manifest, or (``None``) take it out.

    Raises
    ------
    ReportError
        If the manifest cannot be written.
    """
    manifest = read_manifest(folder)
    manifest.pop("records", None)  # what describes the folder is written anew at the end of the run
    if entry is None:
        if manifest["steps"].pop(step.key, None) is None:
            return
    else:
        manifest["steps"][step.key] = dict(entry)
    manifest |= {"format": FORMAT, "study": study, "recipient": step.recipient, "synthetic": synthetic}
    if step.private:
        manifest["private"] = PRIVATE
    try:
        write_manifest(folder, manifest)
    except OSError as error:
        raise ReportError(f"{folder / NAME} cannot be written ({error.strerror or error}).") from None
