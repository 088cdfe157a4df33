"""Pseudonyms: keyed, so that nobody without the key can find the number behind one by trying."""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.writing import create_private

__all__ = [
    "KEY_VARIABLE",
    "key_from",
    "make_key",
    "new_key",
    "pseudonymise",
    "pseudonyms_with",
    "read_key",
    "refuse_other_readers",
]

#: Environment variable that may hold the key, where no file does.
KEY_VARIABLE = "MPG_PSEUDONYM_KEY"

KEY_BYTES = 32
# 80 bits: among ten million families the chance of two with one pseudonym is below 1 in 10 billion.
PSEUDONYM_BYTES = 10
STUDY_MARKS = ("study.toml", ".git")


def make_key(key_file: str | Path) -> Path:
    """Make a new key, readable by its owner only.

    Parameters
    ----------
    key_file : str or Path
        A file that does not exist yet, outside every study folder and repository.

    Returns
    -------
    Path
        The file, absolute.

    Raises
    ------
    ConfigError
        If the file exists, or lies in a study folder or repository.
    """
    path = _outside(key_file)
    try:
        made = create_private(path, new_key())
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}.") from None
    if not made:
        raise ConfigError(
            f"{path} exists already. A key is never overwritten: old pseudonyms could not be made again."
        )
    return path


def new_key() -> bytes:
    """A new key as it stands in its file: one line of 64 hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES).encode("ascii") + b"\n"


def pseudonymise(ids: Iterable[object], key_file: str | Path) -> list[str]:
    """Replace ids by pseudonyms: HMAC-SHA256 with a secret key.

    The same id and key always give the same pseudonym, so that tables can still be linked. Do this
    before the data come to the study folder. Pseudonymised data are still personal data.

    Parameters
    ----------
    ids : iterable
        Ids as in the export; spaces around them do not count, leading zeros do. An empty id stays
        empty.
    key_file : str or Path
        Made with :func:`make_key`; outside the study folder and the repository.

    Returns
    -------
    list of str
        One pseudonym per id: 16 small letters and digits.

    Raises
    ------
    ConfigError
        If the key is missing, too short, or lies in a study folder or repository.

    References
    ----------
    Krawczyk, H., Bellare, M., & Canetti, R. (1997). HMAC: Keyed-hashing for message authentication.
    RFC 2104. https://doi.org/10.17487/RFC2104
    """
    return pseudonyms_with(read_key(key_file), ids)


def pseudonyms_with(key: bytes, ids: Iterable[object], *, purpose: str = "") -> list[str]:
    """Pseudonyms of ids with a key that was read.

    Parameters
    ----------
    key : bytes
        From :func:`read_key`.
    ids : iterable
        As in :func:`pseudonymise`.
    purpose : str
        What the pseudonyms are for (a project, a column): the same id has others for another purpose, and
        nobody without the key can tell which go together.

    Returns
    -------
    list of str
    """
    if purpose:
        key = hmac.new(key, b"purpose\0" + purpose.encode("utf-8"), hashlib.sha256).digest()
    made: dict[str, str] = {"": ""}
    pseudonyms = []
    for each in ids:
        text = "" if each is None or each != each else str(each).strip()  # NaN differs from itself
        if text not in made:
            digest = hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()[:PSEUDONYM_BYTES]
            made[text] = base64.b32encode(digest).decode("ascii").lower()
        pseudonyms.append(made[text])
    return pseudonyms


def read_key(key_file: str | Path | None = None) -> bytes:
    """The key in a file, or in the environment variable ``MPG_PSEUDONYM_KEY``.

    Parameters
    ----------
    key_file : str or Path, optional
        Made with :func:`make_key`; by default the environment variable is read.

    Raises
    ------
    ConfigError
        If there is none, it is too short or no key, others may read the file, or it lies in a study folder
        or repository.
    """
    if key_file is None:
        text, place = os.environ.get(KEY_VARIABLE, ""), f"the environment variable {KEY_VARIABLE}"
        if not text:
            raise ConfigError(
                f"There is no key: name its file (--key), or set {place}. "
                "Make one: mpg pseudonymise --new-key FILE."
            )
    else:
        path = _outside(key_file)
        place = str(path)
        try:
            text = path.read_text(encoding="ascii")
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise ConfigError(
                f"There is no key {path}. Make one with make_key(), or: mpg pseudonymise --new-key FILE."
            ) from None
        except (ValueError, OSError):
            raise ConfigError(f"{path} is no key; expected one line of 64 hexadecimal digits.") from None
        refuse_other_readers(path, mode)
    return key_from(text, place)


def key_from(text: str, place: str) -> bytes:
    """The key that a text holds.

    Parameters
    ----------
    text : str
        One line of 64 hexadecimal digits.
    place : str
        Where it stands, for the message.

    Returns
    -------
    bytes

    Raises
    ------
    ConfigError
        If it is too short or no key.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise ConfigError(f"{place} is no key; expected one line of 64 hexadecimal digits.") from None
    if len(key) < KEY_BYTES:
        raise ConfigError(f"The key in {place} is too short; expected 64 hexadecimal digits.")
    return key


def refuse_other_readers(path: Path, mode: int) -> None:
    """Refuse a key that others than its owner may read.

    Parameters
    ----------
    path : Path
        Its file.
    mode : int
        The rights of the file.

    Raises
    ------
    ConfigError
        If they may.
    """
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(f"Others may read the key {path}. Take that right away first: chmod 600 {path}")


def _outside(key_file: str | Path) -> Path:
    path = Path(key_file).expanduser().resolve()
    for folder in path.parents:
        for mark in STUDY_MARKS:
            if (folder / mark).exists():
                raise ConfigError(
                    f"The key {path} lies in {folder}, which holds {mark}. Keep it elsewhere, where who gets "
                    "the data cannot read it."
                )
    return path
