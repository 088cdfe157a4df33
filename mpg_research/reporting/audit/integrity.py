"""Is a folder what was published? Every file that is listed is there with its digest, and no other is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mpg_research.reporting.audit.folders import Recipient
from mpg_research.reporting.files import MANIFEST, file_sha256
from mpg_research.reporting.record import crate, outputs

__all__ = ["Fault", "digest_of", "faults_of"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as it was published.

    Attributes
    ----------
    file : str
        Its name, with that of the recipient's folder.
    what : {"missing", "changed", "extra", "a link"}
        What is wrong.
    """

    file: str
    what: Literal["missing", "changed", "extra", "a link"]


def faults_of(recipient: Recipient) -> tuple[Fault, ...]:
    """What is wrong with the files of a recipient.

    Parameters
    ----------
    recipient : Recipient
        The recipient.

    Returns
    -------
    tuple of Fault
        Sorted by file; empty where all is as it was published.
    """
    listed = _listed(recipient)
    found = {path.relative_to(recipient.folder).as_posix(): path for path in _files(recipient.folder)}
    faults = {name: Fault(f"{recipient.name}/{name}", "missing") for name in listed if name not in found}
    for name, path in found.items():
        if path.is_symlink():
            faults[name] = Fault(f"{recipient.name}/{name}", "a link")
        elif name not in listed:
            faults[name] = Fault(f"{recipient.name}/{name}", "extra")
        elif listed[name] and file_sha256(path) != listed[name]:
            faults[name] = Fault(f"{recipient.name}/{name}", "changed")
    return tuple(faults[name] for name in sorted(faults))


def digest_of(recipient: Recipient) -> str:
    """One digest over what was published for a recipient, the same in every run on the same input.

    A folder cannot vouch for its own record: whoever changes a page can change its digest in the manifest.
    This digest, told by another way than the folder, closes that.

    Parameters
    ----------
    recipient : Recipient
        The recipient.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    listed = {
        name: digest
        for entry in recipient.manifest["steps"].values()
        for name, digest in entry["outputs"].items()
    }
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(recipient: Recipient) -> dict[str, str]:
    """Digest by file; of the manifest, which lists the others, there is none."""
    records = recipient.manifest.get("records", {})  # none where a run was stopped before its end
    described = {outputs.NAME: "none", crate.NAME: "none", **records}
    listed = {MANIFEST: "", **{name: str(digest) for name, digest in described.items()}}
    for entry in recipient.manifest["steps"].values():
        listed |= entry["outputs"]
    return listed


def _files(folder: Path) -> Iterator[Path]:
    """Everything in a folder that is no folder itself; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path
