"""The secret and the record of releases of one run; and which pages are no longer as the record has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.ledger.ledger import Ledger
from mpg_research.reporting.ledger.secret import Secret, open_secret

__all__ = ["Releases", "ledger_of_page", "open_releases", "why_released_anew"]

_NOT_COMPARED = "The numbers of this run were not compared with earlier releases."


@dataclass(frozen=True, slots=True)
class Releases:
    """What a run compares its releases with.

    Attributes
    ----------
    secret : Secret
        Of this user.
    ledger : Ledger or None
        The record of the project; ``None`` where it cannot be used, and in private.
    problem : str
        Why it cannot be used, for whoever runs this; empty where it can.
    """

    secret: Secret
    ledger: Ledger | None
    problem: str = ""


def open_releases(project: str, reports: Path, *, make: bool) -> Releases:
    """The secret and the record of releases of a project.

    Parameters
    ----------
    project : str
        Name of the study.
    reports : Path
        ``reports/<study>``, in which neither may lie.
    make : bool
        Whether they are made where they are not there.

    Returns
    -------
    Releases

    Raises
    ------
    ConfigError
        If the secret lies in a study or among reports, or is none.
    ReportError
        If there is a record that nothing can be compared with, or it lies among reports.
    """
    secret = open_secret(make=make, reports=reports)
    if not secret.text:
        return Releases(secret, None, f"{secret.problem} {_NOT_COMPARED}" if secret.problem else "")
    ledger = Ledger(project, secret.text)
    if ledger.folder.resolve().is_relative_to(reports.resolve()):
        raise ReportError(
            f"The record of what was released would lie among the reports in {reports}, which are handed "
            "over. Name another folder in MPG_RELEASES, or other reports with --output."
        )
    problem = ledger.open(make=make)
    return Releases(secret, None if problem else ledger, problem)


def ledger_of_page(project: str, mark: str) -> Ledger | None:
    """The record that the process of a page compares with.

    Parameters
    ----------
    project : str
        Name of the study.
    mark : str
        ``Secret.mark`` of the run; empty where nothing is compared.

    Returns
    -------
    Ledger or None

    Raises
    ------
    ReportError
        If this process finds another secret than the run had, or none.
    """
    if not mark:
        return None
    secret = open_secret()
    if secret.mark != mark:
        raise ReportError(
            "The process that makes this page does not find the secret of the run. On a cluster, let all "
            "machines have the same file for MPG_SECRET_FILE and the same folder for MPG_RELEASES."
        )
    return Ledger(project, secret.text)


def why_released_anew(entry: Any, releases: Releases, reader: str) -> str:
    """Why a page is no longer as the record of releases has it.

    Parameters
    ----------
    entry : mapping
        Of the page in the manifest.
    releases : Releases
        Of the run.
    reader : str
        Folder of the reader.

    Returns
    -------
    str
        A short phrase; empty where all is as it was, or nothing can be compared.
    """
    if releases.ledger is None:
        return ""
    known = entry.get("releases") if isinstance(entry, Mapping) else None
    if not isinstance(known, Mapping) or not known.get("compared"):
        return "it was not compared with earlier releases"
    for name, token in known.get("shown", {}).items():
        if releases.ledger.token(reader, name) != token:
            return "what was released to this reader changed"
    return ""
