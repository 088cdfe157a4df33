"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

__all__ = ["UNFINISHED", "write_atomically"]

#: What the name of a file begins with that is being written.
UNFINISHED = ".writing-"


def write_atomically(path: Path, content: bytes, *, private: bool = False) -> Path:
    """Write a file so that a reader, or an interruption, sees the old file or the new one, never a part.

    Parameters
    ----------
    path : Path
        Where; folders that are not there are made.
    content : bytes
        All of it.
    private : bool
        Whether only its owner may read it, and look into the folder where that is new.

    Returns
    -------
    Path
        The same path.
    """
    if private and not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o600 if private else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
