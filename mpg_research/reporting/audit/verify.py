"""``mpg verify``: whether reports are what was published, and whether their numbers come again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.plurals import counted
from mpg_research.reporting.audit.compare import Difference
from mpg_research.reporting.audit.folders import Recipient, recipients_in
from mpg_research.reporting.audit.integrity import Fault, digest_of, faults_of
from mpg_research.reporting.audit.recompute import Recomputed, recompute
from mpg_research.reporting.record.last_run import NAME as LAST_RUN
from mpg_research.reporting.run.progress import Progress

__all__ = ["DIFFERS", "Verification", "verify_reports"]

#: Exit code where something differs, as of programs that compare files.
DIFFERS = 1
#: Differences per file that are listed unless all are asked for.
LISTED = 12


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes
    ----------
    digests : mapping of str to str
        The digest of what was published, by recipient.
    n_files : int
        Files that were listed or found.
    faults : tuple of Fault
        Files that are not as they were published.
    recomputed : Recomputed or None
        What came of making the reports again, where a study was named.
    """

    digests: dict[str, str]
    n_files: int
    faults: tuple[Fault, ...]
    recomputed: Recomputed | None

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing, changed, extra or different."""
        again = self.recomputed
        return not self.faults and (again is None or not (again.differences or again.not_made))

    @property
    def exit_code(self) -> int:
        """0 where all is good, else 1."""
        return 0 if self.is_good else DIFFERS

    def as_text(self, *, at_most: int = LISTED) -> str:
        """What was found, in lines.

        Parameters
        ----------
        at_most : int
            Differences that are listed of each file.

        Returns
        -------
        str
        """
        return "\n".join(self._lines(at_most))

    def _lines(self, at_most: int) -> Iterator[str]:
        yield f"Files: {self.n_files} looked at, {counted(len(self.faults), 'faults')}."
        yield from (f"  {fault.what:<8} {fault.file}" for fault in self.faults)
        for name, digest in self.digests.items():
            yield f"Digest of what was published for {name}: {digest}"
        again = self.recomputed
        if again is None:
            return
        yield ""
        yield f"Made again: {counted(again.n_files, 'files')} with {again.n_cells} cells of tables compared."
        if again.changed:
            yield "What they are made from is no longer the same:"
            yield from (f"  {each}" for each in again.changed)
        if again.not_made:
            yield "Could not be made again:"
            yield from (f"  {name}: {reason}" for name, reason in again.not_made.items())
        if not again.differences:
            yield "Nothing differs." if not again.not_made else "Nothing differs in the others."
            return
        yield f"{counted(len(again.differences), 'differences')}:"
        yield from _by_file(again.differences, at_most)
        largest = max(each.size for each in again.differences)
        if largest < 1e-6:
            yield (
                f"All of them are numbers that differ by less than {largest:.1e} of themselves, as another "
                "machine may compute them; --tolerance lets such pass."
            )


def _by_file(differences: tuple[Difference, ...], at_most: int) -> Iterator[str]:
    """The differences below their files, of each file no more than a number of them."""
    files: dict[str, list[Difference]] = {}
    for each in differences:
        files.setdefault(each.file, []).append(each)
    for file, found in files.items():
        yield f"  {file}"
        for each in found[:at_most]:
            place = f"{each.where}: " if each.where else ""
            yield f"    {place}published {each.published}, recomputed {each.recomputed}"
        if len(found) > at_most:
            yield f"    ... and {len(found) - at_most} more (--all lists them)"


def verify_reports(
    reports: str | Path,
    study: str | Path | None = None,
    *,
    notebooks: str | Path | None = None,
    use_store: bool = False,
    jobs: int | None = None,
    tolerance: float = 0.0,
    progress: Progress | None = None,
    allow_modified: bool = False,
) -> Verification:
    """Look whether reports are what was published and, with the study, whether every number comes again.

    Parameters
    ----------
    reports : str or Path
        ``reports/<study>`` or ``reports/<study>/<recipient>``.
    study : str or Path, optional
        The study that they were made from; without it nothing is computed.
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
    Verification

    Raises
    ------
    ReportError
        If there are no reports, or they are of another study.
    ConfigError, DataError
        If the study cannot be used, or the tolerance is none.
    """
    if not 0 <= tolerance < 1:
        raise ConfigError(f"--tolerance is {tolerance}; expected a number from 0 up to 1, such as 1e-9.")
    recipients = recipients_in(reports)
    faults = [fault for recipient in recipients for fault in faults_of(recipient)]
    recomputed = None
    if study is not None:
        recomputed = recompute(
            recipients,
            study,
            notebooks=notebooks,
            use_store=use_store,
            jobs=jobs,
            tolerance=tolerance,
            progress=progress,
            allow_modified=allow_modified,
        )
    return Verification(
        digests={recipient.name: digest_of(recipient) for recipient in recipients},
        n_files=sum(map(_n_files, recipients)),
        faults=(*faults, *_strays(Path(reports), recipients)),
        recomputed=recomputed,
    )


def _n_files(recipient: Recipient) -> int:
    return sum(path.is_symlink() or path.is_file() for path in recipient.folder.rglob("*"))


def _strays(reports: Path, recipients: tuple[Recipient, ...]) -> Iterator[Fault]:
    """What lies among the recipients' folders of a study and is none of them, nor the run's own."""
    own = {each.folder.resolve() for each in recipients}
    if reports.resolve() in own:
        return
    for study in sorted({folder.parent for folder in own}):
        for path in sorted(study.iterdir()):
            is_index = path.name.startswith("index.") and path.suffix == ".html"
            is_ours = path.name in {".lock", LAST_RUN} or is_index
            if not is_ours and path.resolve() not in own:
                yield Fault(f"{study.name}/{path.name}", "extra")
