"""The recipients' folders that somebody names, with their manifests."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.run.manifest import FORMAT, NAME, read_manifest

__all__ = ["Recipient", "recipients_in"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """What one recipient has.

    Attributes
    ----------
    name : str
        Name of its folder.
    folder : Path
        The folder.
    manifest : mapping
        What it says of itself.
    """

    name: str
    folder: Path
    manifest: dict[str, Any]


def recipients_in(reports: str | Path) -> tuple[Recipient, ...]:
    """The recipients below a folder: its own, those of a study, or those of all studies in it.

    Parameters
    ----------
    reports : str or Path
        ``reports``, ``reports/<study>`` or ``reports/<study>/<recipient>``.

    Returns
    -------
    tuple of Recipient
        Sorted by their folders.

    Raises
    ------
    ReportError
        If there are no reports, or they were made by a version whose record cannot be read.
    """
    base = Path(reports)
    if not base.is_dir():
        raise ReportError(
            f"{base} is no folder. Name a folder of reports, such as reports/example, or that of one "
            "recipient in it, such as reports/example/funder."
        )
    files = [file for depth in ("", "*/", "*/*/") for file in sorted(base.glob(f"{depth}{NAME}"))]
    if not files:
        raise ReportError(
            f"In {base} there are no reports: no {NAME} in it or in a folder below. Make them with mpg run, "
            "or name the folder of one study or recipient."
        )
    return tuple(Recipient(file.parent.resolve().name, file.parent, _manifest(file)) for file in files)


def _manifest(file: Path) -> dict[str, Any]:
    manifest = read_manifest(file.parent)
    if not manifest["steps"]:
        raise ReportError(f"{file} {_why_unreadable(file)}. Make the reports anew with mpg run.")
    return manifest


def _why_unreadable(file: Path) -> str:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        return f"cannot be read ({error})"
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return "was written by another version of this package"
    return "lists no reports"
