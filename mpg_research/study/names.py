"""Folder names for keys that come from data: readable, one to one, and safe on every file system."""

import hashlib
import re
import unicodedata

__all__ = ["safe_folder_name"]

PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9_]|-(?!-)){0,47}")
SLUG_LENGTH = 32
# 64 bits: among a million keys two folders coincide with probability below 1 in 10 million.
HASH_DIGITS = 16
# Names that mean something else: to Windows, or among the recipients of the reports.
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "researcher", "funder", "organisation", "index", "manifest"]
    + [f"{device}{number}" for device in ("com", "lpt") for number in range(10)]
)


def safe_folder_name(key: str) -> str:
    """A folder name for an organisation's key (or any other text from data).

    A key of small letters, digits, ``_`` and single ``-`` is its own folder name. Anything else, such
    as ``../../etc``, ``<script>`` or a name with capitals, becomes a readable part, ``--`` and a hash
    of the key. Different keys give different names, also where a file system ignores capitals.

    Parameters
    ----------
    key : str
        Any text, also empty.

    Returns
    -------
    str
        One path component of ``a-z0-9_-`` only, at most 50 characters.

    Examples
    --------
    >>> safe_folder_name("org_a")
    'org_a'
    >>> safe_folder_name("../../etc")
    'etc--74ccf3c5b4c19a81'
    """
    if PLAIN.fullmatch(key) and key not in RESERVED:
        return key
    ascii_text = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:SLUG_LENGTH].strip("-")
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
    return f"{slug or 'name'}--{digest}"
