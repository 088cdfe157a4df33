"""What a session wrote and showed, as it wrote and showed it; whatever else lies there came from beside
it.

Publishing takes files and outputs that stand here, with these very bytes, and refuses a report in which it
finds another. The list is kept in the process that runs the notebook and not in a file: a file could be
written by the notebook itself.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mpg_research.reporting.files import file_sha256

__all__ = ["Written", "forget", "note_file", "note_shown", "output_sha256", "written_in"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written to one output folder, and shown on the page beside it.

    Attributes
    ----------
    files : dict of str to str
        SHA-256 by file, seen from the folder.
    shown : set of str
        :func:`output_sha256` of what was shown.
    """

    files: dict[str, str] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)


_WRITTEN: dict[Path, Written] = {}


def written_in(folder: Path) -> Written:
    """What sessions wrote to a folder.

    Parameters
    ----------
    folder : Path
        The output folder of a session.

    Returns
    -------
    Written
    """
    return _WRITTEN.setdefault(folder.absolute(), Written())


def forget(folder: Path) -> None:
    """Begin anew with a folder.

    Parameters
    ----------
    folder : Path
        The output folder of a session that is to be.
    """
    _WRITTEN.pop(folder.absolute(), None)


def note_file(folder: Path, *paths: Path) -> None:
    """Note files that a session just wrote.

    Parameters
    ----------
    folder : Path
        Its output folder.
    *paths : Path
        The files, in that folder or below.
    """
    files = written_in(folder).files
    for path in paths:
        files[path.absolute().relative_to(folder.absolute()).as_posix()] = file_sha256(path)


def note_shown(folder: Path, bundle: Mapping[str, object]) -> None:
    """Note what a session is about to show.

    Parameters
    ----------
    folder : Path
        Its output folder.
    bundle : mapping
        Contents by media type.
    """
    written_in(folder).shown.add(output_sha256(bundle))


def output_sha256(bundle: Mapping[str, object]) -> str:
    """One hash over what an output of a cell holds.

    Parameters
    ----------
    bundle : mapping
        Contents by media type; texts, or lists of their lines.

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    for kind, content in sorted(bundle.items()):
        for part in (kind, content if isinstance(content, str) else "".join(_lines(content))):
            digest.update(f"{len(part)}\0{part}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _lines(content: object) -> Iterable[str]:
    return map(str, content) if isinstance(content, list | tuple) else [str(content)]
