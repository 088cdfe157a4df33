"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["UNFINISHED", "create_private", "write_atomically"]

#: What the name of a file begins with that is being written.
UNFINISHED = ".writing-"


def write_atomically(path: Path, content: bytes, *, private: bool = False, durable: bool = True) -> Path:
    """Write a file so that a reader, or an interruption, sees the old file or the new one, never a part.

    Parameters
    ----------
    path : Path
        Where; folders that are not there are made.
    content : bytes
        All of it.
    private : bool
        Whether only its owner may read it, and look into the folder where that is new.
    durable : bool
        Whether to wait until it is on the disk. What is made again where it is not as its record says need
        not be: after a loss of power it may be gone, or empty.

    Returns
    -------
    Path
        The same path.
    """
    if private and not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _written_beside(path, content, 0o600 if private else 0o644, durable=durable) as temporary:
        temporary.replace(path)
    return path


def create_private(path: Path, content: bytes) -> bool:
    """Make a file that only its owner may read, whole, unless there is one: of several that try, one does.

    Parameters
    ----------
    path : Path
        Where; its folder must be there.
    content : bytes
        All of it.

    Returns
    -------
    bool
        Whether it was made here; false if there was a file already, which stays as it is.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    with _written_beside(path, content, 0o600) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            return _create_there(path, content)
        return True


@contextmanager
def _written_beside(path: Path, content: bytes, mode: int, *, durable: bool = True) -> Iterator[Path]:
    """A whole file with this content in the folder of another, gone afterwards where it was not moved."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.chmod(mode)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _create_there(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    return True
