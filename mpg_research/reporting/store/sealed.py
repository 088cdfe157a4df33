"""What is stored, with what is needed to see later that it is whole and what was written under its key."""

import hashlib

__all__ = ["FORMAT", "Damaged", "seal", "unseal"]

#: Changed when the meaning of a stored file changes; it is part of every key.
FORMAT = 2
_MAGIC = b"mpg_research result 1\n"


class Damaged(Exception):
    """A file is not what was written under its key."""


def seal(key: str, content: bytes) -> bytes:
    """Content with what is needed to see later that it is whole and belongs to its key.

    Parameters
    ----------
    key : str
        Under which it is stored.
    content : bytes
        Anything.

    Returns
    -------
    bytes
    """
    return _MAGIC + _digest(key, content) + content


def unseal(key: str, sealed: bytes) -> bytes:
    """The content of :func:`seal`.

    Parameters
    ----------
    key : str
        Under which it was stored.
    sealed : bytes
        What was found there.

    Returns
    -------
    bytes

    Raises
    ------
    Damaged
        If it is not whole, or was written under another key.
    """
    start = len(_MAGIC) + hashlib.sha256().digest_size
    content = sealed[start:]
    if sealed[:start] != _MAGIC + _digest(key, content):
        raise Damaged("the digest does not fit")
    return content


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + content).digest()
