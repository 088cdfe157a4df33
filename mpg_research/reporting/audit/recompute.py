"""Do the numbers come again? The same run into a folder that goes away, compared file by file."""

import csv
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.audit.compare import Difference, differences_of_file
from mpg_research.reporting.audit.folders import Recipient
from mpg_research.reporting.formats import also_in
from mpg_research.reporting.pictures import also_as_png
from mpg_research.reporting.run.explain import what_changed
from mpg_research.reporting.run.manifest import read_manifest
from mpg_research.reporting.run.prepare import study_config
from mpg_research.reporting.run.progress import Progress
from mpg_research.reporting.run.run import find_steps, run_study
from mpg_research.reporting.store.folder import CACHE, SHARED
from mpg_research.reporting.store.results import forget

__all__ = ["Recomputed", "recompute"]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What came of making reports again.

    Attributes
    ----------
    changed : tuple of str
        What they are made from that is no longer what it was: files, settings, code, libraries.
    differences : tuple of Difference
        What did not come again.
    not_made : mapping of str to str
        Pages that could not be made again, and why.
    n_cells, n_files : int
        How many cells of tables, and how many files, were compared.
    """

    changed: tuple[str, ...]
    differences: tuple[Difference, ...]
    not_made: Mapping[str, str]
    n_cells: int
    n_files: int


def recompute(
    recipients: Sequence[Recipient],
    study: str | Path,
    *,
    notebooks: str | Path | None = None,
    use_store: bool = False,
    jobs: int | None = None,
    tolerance: float = 0.0,
    progress: Progress | None = None,
    allow_modified: bool = False,
) -> Recomputed:
    """Make the pages of these recipients again, and compare every file.

    Parameters
    ----------
    recipients : sequence of Recipient
        Of one study.
    study : str or Path
        The study folder or its ``study.toml``.
    notebooks : str or Path, optional
        Folder of the notebooks; by default those of the package.
    use_store : bool
        Whether stored results may serve; by default every analysis is computed.
    jobs : int, optional
        Analyses and pages made at the same time.
    tolerance : float
        Numbers in tables that lie no further apart than this part of the larger one count as equal.
    progress : Progress, optional
        Display; silent by default.
    allow_modified : bool
        Also run notebooks that are neither as they come with the package nor registered for the study.

    Returns
    -------
    Recomputed

    Raises
    ------
    ReportError
        If the reports are of another study, or nothing of them could be made from this one.
    ConfigError, DataError
        If the study cannot be used.
    """
    planned = {step.name: step for step in find_steps(study, notebooks=notebooks)}
    wanted = {
        f"{recipient.manifest['recipient']}/{key}": (recipient, entry)
        for recipient in recipients
        for key, entry in recipient.manifest["steps"].items()
    }
    _refuse_other_study(recipients, study)
    steps = {name: planned[name] for name in wanted if name in planned}
    not_made = {
        name: "this study has no such recipient, language or notebook"
        for name in wanted
        if name not in planned
    }
    if not steps:
        raise ReportError(
            f"None of these {len(wanted)} pages can be made from {study}: it has other recipients, languages "
            "or notebooks. Name the study that they were made from; pages of notebooks of your own need "
            "--notebooks."
        )
    entries = {name: wanted[name][1] for name in steps}
    changed = what_changed(steps, entries, study, notebooks=notebooks)
    endings = {Path(name).suffix for _, entry in wanted.values() for name in entry["outputs"]}
    formats = ",".join(["html", *(ending[1:] for ending in (".pdf", ".docx") if ending in endings)])
    with tempfile.TemporaryDirectory(prefix="mpg-verify-") as temporary:
        place = Path(temporary)
        with _store(None if use_store else place / "store"), also_as_png(".png" in endings), also_in(formats):
            summary = run_study(
                study,
                reports=place / "reports",
                names=frozenset(steps),
                jobs=jobs,
                progress=progress,
                notebooks=notebooks,
                records=False,
                allow_modified=allow_modified,
            )
        not_made |= {each.step.name: each.reason for each in summary.outcomes if each.status == "failed"}
        made = {name: wanted[name] for name in steps if name not in not_made}
        return _compared(made, summary.folder, changed, not_made, tolerance)


def _compared(
    made: Mapping[str, tuple[Recipient, Mapping[str, Any]]],
    folder: Path,
    changed: tuple[str, ...],
    not_made: Mapping[str, str],
    tolerance: float,
) -> Recomputed:
    differences: list[Difference] = []
    n_cells = n_files = 0
    for name, (recipient, entry) in sorted(made.items()):
        own = folder / recipient.manifest["recipient"]
        again = read_manifest(own)["steps"][name.partition("/")[2]]
        for file in sorted({*entry["outputs"], *again["outputs"]}):
            old, new = recipient.folder / file, own / file
            label = f"{recipient.name}/{file}"
            differences += differences_of_file(label, old, new, tolerance=tolerance)
            n_files += 1
            n_cells += _cells(new) if new.suffix == ".csv" and new.is_file() else 0
    return Recomputed(changed, tuple(differences), not_made, n_cells, n_files)


def _cells(table: Path) -> int:
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        return sum(len(row) for row in rows)


def _refuse_other_study(recipients: Sequence[Recipient], study: str | Path) -> None:
    name = study_config(study).study.name
    others = sorted({each.manifest["study"] for each in recipients} - {name})
    if others:
        raise ReportError(
            f'The reports are of the study "{", ".join(others)}", and {study} is the study "{name}". Name '
            "the study that they were made from."
        )


@contextmanager
def _store(folder: Path | None) -> Iterator[None]:
    """Store results in this folder and nowhere else meanwhile; None leaves all as it is."""
    if folder is None:
        yield
        return
    before = {name: os.environ.get(name) for name in (CACHE, SHARED)}
    os.environ[CACHE] = str(folder)
    os.environ.pop(SHARED, None)
    forget()
    try:
        yield
    finally:
        forget()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
