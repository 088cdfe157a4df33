"""One release as a file: its fingerprint, the families of then, and what left the gate.

The seal tells whether a file is whole, was made with this secret, and belongs where it lies.
"""

import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpg_research.reporting.ledger.secret import keyed

if TYPE_CHECKING:
    from mpg_research.analysis.result import AnalysisResult

__all__ = [
    "Earlier",
    "Entry",
    "NotOurs",
    "fingerprint_of",
    "numbers_in",
    "read_entry",
    "token_in",
    "write_entry",
]

_MAGIC = b"mpg_research release 1\n"
_SEAL = 32


class NotOurs(Exception):
    """A file is not what was written there with this secret."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """One time that numbers of a result were given to a reader.

    Attributes
    ----------
    fingerprint : str
        Of the exact numbers behind them.
    families : str
        Name of the set of families that the study had.
    """

    fingerprint: str
    families: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reader was given of one result.

    Attributes
    ----------
    asked : str
        The analysis and its options, for whoever looks.
    times : tuple of Earlier
        All times, the latest last.
    released : mapping
        What left the gate the last time (:func:`mpg_research.disclosure.earlier.describe_released`).
    """

    asked: str
    times: tuple[Earlier, ...]
    released: Mapping[str, Any]

    def content(self) -> bytes:
        """As it is written down; the same for equal entries."""
        times = [{"fingerprint": each.fingerprint, "families": each.families} for each in self.times]
        return _json({"asked": self.asked, "times": times, "released": dict(self.released)})


def write_entry(entry: Entry, *, secret: str, place: str) -> bytes:
    """The file of an entry.

    Parameters
    ----------
    entry : Entry
        What was released.
    secret : str
        The secret of this user.
    place : str
        Project, reader and name of the file.

    Returns
    -------
    bytes
    """
    content = entry.content()
    return _MAGIC + keyed(secret, "release", place, content) + zlib.compress(content, 1)


def read_entry(sealed: bytes, *, secret: str, place: str) -> Entry:
    """The entry in a file.

    Parameters
    ----------
    sealed : bytes
        The file.
    secret : str
        The secret of this user.
    place : str
        Project, reader and name of the file.

    Returns
    -------
    Entry

    Raises
    ------
    NotOurs
        If it was not written there with this secret, or is not whole.
    """
    start = len(_MAGIC) + _SEAL
    try:
        content = zlib.decompress(sealed[start:])
    except zlib.error as error:
        raise NotOurs(str(error)) from error
    if not hmac.compare_digest(sealed[:start], _MAGIC + keyed(secret, "release", place, content)):
        raise NotOurs("the seal does not fit")
    known = json.loads(content)
    return Entry(known["asked"], tuple(Earlier(**each) for each in known["times"]), known["released"])


def token_in(sealed: bytes) -> str:
    """What tells one version of an entry from another.

    Parameters
    ----------
    sealed : bytes
        The file, or its beginning.

    Returns
    -------
    str
        Hexadecimal digits; empty if it does not begin as one of ours.
    """
    if not sealed.startswith(_MAGIC):
        return ""
    return sealed[len(_MAGIC) : len(_MAGIC) + _SEAL].hex()


def fingerprint_of(result: "AnalysisResult", secret: str) -> str:
    """A keyed digest of the exact numbers of a result; not of the study's title, files or versions.

    Parameters
    ----------
    result : AnalysisResult
        Before the gate.
    secret : str
        The secret of this user.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    from mpg_research.disclosure.earlier import describe_frame

    tables = {
        name: describe_frame(table.data) or table.data.to_csv()
        for name, table in sorted(result.tables.items())
        if table.unit != "family"
    }
    about = _about(result)
    notes = about.pop("notes")
    return keyed(secret, "result", _json({**about, "tables": tables, "notes": notes})).hex()


def numbers_in(result: "AnalysisResult") -> bytes:
    """A digest of the same, made fast from the numbers as they lie in memory; empty where they cannot be so.

    Parameters
    ----------
    result : AnalysisResult
        Before the gate.

    Returns
    -------
    bytes
        32, or none. Equal numbers may have different digests, never the other way round.
    """
    digest = hashlib.sha256(_json(_about(result)))
    for name, table in sorted(result.tables.items()):
        if table.unit == "family":
            continue
        for column, values in table.data.items():
            kind = str(values.dtype)
            if kind == "str":
                content = _json(values.tolist())
            elif kind in ("float64", "int64", "bool"):
                content = values.to_numpy().tobytes()
            else:
                return b""
            digest.update(_json([name, column, kind, len(content)]) + content)
    return digest.digest()


def _about(result: "AnalysisResult") -> dict[str, Any]:
    notes = [[note.code, note.level, dict(sorted(note.values.items()))] for note in result.notes]
    return {"kind": result.kind, "level": result.level, "converged": result.converged, "notes": notes}


def _json(value: Any) -> bytes:
    """JSON in the order as it is, which tables and labels have for a reason; no number is written as such."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
