"""Writing what describes a recipient's folder, from its manifest."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.files import MANIFEST, file_sha256, json_bytes
from mpg_research.reporting.record import crate, outputs
from mpg_research.writing import write_atomically

__all__ = ["records_of", "write_records"]


def records_of(manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The files that describe a recipient's folder, by name, beside the manifest.

    Parameters
    ----------
    manifest : mapping
        The recipient's manifest.

    Returns
    -------
    dict of str to bytes
    """
    listed = json_bytes(outputs.outputs_of(manifest))
    digest = hashlib.sha256(listed).hexdigest()
    # The manifest itself is a part of the folder; it holds the time, so its digest stands nowhere.
    described = crate.crate_of(manifest, {outputs.NAME: digest, MANIFEST: ""})
    return {outputs.NAME: listed, crate.NAME: json_bytes(described)}


def write_records(folder: Path, manifest: Mapping[str, Any], *, anew: bool = True) -> None:
    """Write them where they are not what they should be, and their digests into the manifest.

    Parameters
    ----------
    folder : Path
        The recipient's folder.
    manifest : mapping
        Its manifest.
    anew : bool
        Whether the manifest may have changed since they were written; if not, it is enough that they are
        the files whose digests it has.

    Raises
    ------
    ReportError
        If one cannot be written.
    """
    if not manifest["steps"] or (not anew and _are_as_recorded(folder, manifest)):
        return
    contents = records_of(manifest)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    if manifest.get("records") != digests:
        contents[MANIFEST] = json_bytes({**manifest, "records": digests})
    for name, content in contents.items():
        path = folder / name
        try:
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content, private="private" in manifest)
        except OSError as error:
            raise ReportError(f"{path} cannot be written ({error.strerror or error}).") from None


def _are_as_recorded(folder: Path, manifest: Mapping[str, Any]) -> bool:
    known = manifest.get("records")
    if not isinstance(known, Mapping) or set(known) != {outputs.NAME, crate.NAME}:
        return False
    files = {name: folder / name for name in known}
    return all(file.is_file() and file_sha256(file) == known[name] for name, file in files.items())
