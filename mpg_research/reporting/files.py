"""Files written whole or not at all, their hashes, and a lock that dies with its process."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from mpg_research.errors import ReportError
from mpg_research.visible import escaped

__all__ = [
    "CRATE",
    "MANIFEST",
    "OUTPUTS",
    "START_PAGE",
    "file_sha256",
    "json_bytes",
    "json_sha256",
    "lock_folder",
    "move_into_place",
    "remove_tree",
]

#: The files that describe what lies in a recipient's folder: a run writes them anew as it goes on.
MANIFEST, OUTPUTS, CRATE = "manifest.json", "outputs.json", "ro-crate-metadata.json"
#: The page that a recipient opens first; above the recipients' folders it is the internal overview.
START_PAGE = "index.html"
_CHUNK = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def json_bytes(value: Any) -> bytes:
    """JSON that is the same for equal values: keys sorted, text as it is, one final newline."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return f"{escaped(text)}\n".encode()


def json_sha256(value: Any) -> str:
    """SHA-256 of :func:`json_bytes`."""
    return hashlib.sha256(json_bytes(value)).hexdigest()


def move_into_place(source: Path, target: Path) -> None:
    """Move a finished file over its place in one step (both on the same file system)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def remove_tree(folder: Path) -> None:
    """Remove a folder of our own making with everything in it; what is gone already is fine."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock is the operating system's, so it dies with the process.

    Raises
    ------
    ReportError
        If another run holds the folder, or it cannot be written to.
    """
    with _lock_file(folder) as stream:
        try:
            _take_lock(stream.fileno())
        except OSError:
            raise ReportError(
                f"Another run is writing to {folder}. Wait until it is done, or give this run "
                "another place with --output."
            ) from None
        try:
            yield
        finally:
            with suppress(OSError):
                _give_lock(stream.fileno())


def _lock_file(folder: Path) -> BinaryIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / ".lock").open("a+b")
    except OSError as error:
        raise ReportError(
            f"The folder {folder} cannot be written to ({error.strerror or error}). "
            "Choose another with --output."
        ) from None


if os.name == "nt":  # pragma: no cover - Windows only
    import msvcrt

    def _take_lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

    def _give_lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:
    import fcntl

    def _take_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
