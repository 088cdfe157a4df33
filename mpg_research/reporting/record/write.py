"""Writing what describes a recipient's folder, from its manifest."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.files import MANIFEST, file_sha256, json_bytes
from mpg_research.reporting.record import crate, outputs
from mpg_research.writing import write_atomically

__all__ = ["records_of", "write_records"]


Manifest = Mapping[str, Any]


def records_of(manifest: Manifest, pages: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """The files that describe a recipient's folder, by name, beside the manifest.

    Parameters
    ----------
    manifest : mapping
        The recipient's manifest.
    pages : mapping of str to bytes, optional
        Pages that lead to those that the manifest lists.

    Returns
    -------
    dict of str to bytes
    """
    listed = json_bytes(outputs.outputs_of(manifest))
    digests = {name: _sha256(content) for name, content in (pages or {}).items()}
    # The manifest itself is a part of the folder; it holds the time, so its digest stands nowhere.
    others = {outputs.NAME: _sha256(listed), MANIFEST: "", **digests}
    described = crate.crate_of(manifest, others)
    return {outputs.NAME: listed, crate.NAME: json_bytes(described), **(pages or {})}


def write_records(
    folder: Path,
    manifest: Manifest,
    *,
    anew: bool = True,
    pages: Callable[[Manifest], Mapping[str, bytes]] | None = None,
) -> None:
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
    pages : callable, optional
        Makes the pages of :func:`records_of`, by name, from the manifest.

    Raises
    ------
    ReportError
        If one cannot be written.
    """
    if not manifest["steps"] or (not anew and _are_as_recorded(folder, manifest, pages is not None)):
        return
    contents = records_of(manifest, pages(manifest) if pages is not None else None)
    digests = {name: _sha256(content) for name, content in contents.items()}
    if manifest.get("records") != digests:
        contents[MANIFEST] = json_bytes({**manifest, "records": digests})
    for name, content in contents.items():
        path = folder / name
        try:
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content, private="private" in manifest)
        except OSError as error:
            raise ReportError(f"{path} cannot be written ({error.strerror or error}).") from None


def _are_as_recorded(folder: Path, manifest: Manifest, has_pages: bool) -> bool:
    known = manifest.get("records")
    ours = {outputs.NAME, crate.NAME}
    if not isinstance(known, Mapping) or not ours <= set(known) or has_pages != (set(known) > ours):
        return False
    files = {name: folder / name for name in known}
    return all(file.is_file() and file_sha256(file) == known[name] for name, file in files.items())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
