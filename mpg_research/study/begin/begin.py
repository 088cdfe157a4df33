"""A new study folder made from exports: looked at, referred to (or copied), and a study.toml proposed."""

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.study.begin.ask import ask_about
from mpg_research.study.begin.gather import gather
from mpg_research.study.begin.presets import preset_of
from mpg_research.study.begin.proposal import Begun
from mpg_research.study.begin.say import as_text
from mpg_research.study.begin.write import as_toml
from mpg_research.study.config.study_toml import STUDY_FILE
from mpg_research.study.init import codebook, instrument_to_fill_in, study_name

__all__ = ["BegunStudy", "begin_study"]

COPIES = "exports"


@dataclass(frozen=True, slots=True)
class BegunStudy:
    """A study folder that was begun.

    Attributes
    ----------
    folder : Path
    made : tuple of Path
        The files that were written.
    proposal : Begun
        What was seen and proposed.
    """

    folder: Path
    made: tuple[Path, ...]
    proposal: Begun

    def as_text(self) -> str:
        """What was proposed, what to look at, and what was left out."""
        return as_text(self.proposal)


def begin_study(
    folder: str | Path,
    files: Sequence[str | Path],
    *,
    preset: str = "",
    copy: bool = False,
    ask: Callable[[str, Sequence[str]], str] | None = None,
) -> BegunStudy:
    """Make a study folder from exports, with a proposal of how to read them.

    Only the first rows of each file are looked at. Nothing that exists is overwritten, no raw file is
    changed, and nothing is guessed silently: what is doubtful bears a mark in ``study.toml``. Reverse keys
    and norms are never guessed at all.

    Parameters
    ----------
    folder : str or Path
        The study folder; it may hold the exports, and no study yet. A new one is for its owner only.
    files : sequence of str or Path
        The exports: CSV, Excel, SPSS, Parquet, lines of FHIR responses.
    preset : str
        A documented layout that all of them have; "" to see it by their columns.
    copy : bool
        Whether to copy them into the folder (for its owner only). By default study.toml refers to them where
        they lie, so that there is no second copy of personal data.
    ask : callable, optional
        Asked about what is doubtful: a question and the possible answers in, one of them (or "" to leave it
        as proposed) out.

    Returns
    -------
    BegunStudy

    Raises
    ------
    ConfigError
        If the folder holds a study, a name cannot be written in study.toml, there is no such preset, or none
        of the files holds a table.

    Examples
    --------
    >>> import tempfile
    >>> from mpg_research.study import shipped_example
    >>> begun = begin_study(
    ...     Path(tempfile.mkdtemp()) / "mine",
    ...     [shipped_example() / "episodes.csv", shipped_example() / "measurements.csv"],
    ... )
    >>> [path.name for path in begun.made], sorted(begun.proposal.tables)
    (['study.toml', 'codebook.md'], ['episodes', 'measurements'])
    """
    folder = Path(folder).expanduser().absolute()
    if preset:
        preset_of(preset)
    paths = _paths(files)
    _may_be_made(folder)
    proposal = gather(paths, preset)
    if not proposal.tables:
        reasons = "\n".join(f"  {name}: {why}" for name, why in proposal.not_used.items())
        raise ConfigError(f"No table of a study was found in these files, and nothing was made.\n{reasons}")
    if ask is not None:
        ask_about(proposal, ask)
    made: list[Path] = []
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(stat.S_IRWXU)
        if copy:
            made += _copied(proposal, folder)
        contents = {
            STUDY_FILE: as_toml(proposal, folder, name=study_name(folder.name)),
            "codebook.md": codebook(),
        }
        contents |= {f"{key}.toml": _questionnaire(proposal, key) for key in proposal.instruments}
        for name, text in contents.items():
            made.append(_written(folder / name, text))
    except FileExistsError as error:
        raise ConfigError(f"{error.filename} exists already; nothing is overwritten.") from None
    except OSError as error:
        raise ConfigError(f"The study folder {folder} cannot be made: {error.strerror}.") from None
    return BegunStudy(folder, tuple(made), proposal)


def _paths(files: Sequence[str | Path]) -> list[Path]:
    paths = [Path(file).expanduser().absolute() for file in files]
    if not paths:
        raise ConfigError("Name the exports: mpg init DIR --from FILE...")
    odd = [path for path in paths if not _can_be_named(str(path))]
    if odd:
        shown = ", ".join(ascii(path.name) for path in odd)
        raise ConfigError(
            "Names of files with *, ? or control characters, or that are no text, cannot stand in "
            f"study.toml: {shown}. Rename them first."
        )
    return list(dict.fromkeys(paths))


def _can_be_named(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return not any(ord(sign) < 32 or ord(sign) == 127 or sign in "*?" for sign in text)


def _may_be_made(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file. Name a folder.")
    for name in (STUDY_FILE, "codebook.md"):
        if os.path.lexists(folder / name):
            raise ConfigError(f"{folder / name} exists already. Name a new folder: nothing is overwritten.")


def _written(path: Path, text: str) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


def _copied(proposal: Begun, folder: Path) -> list[Path]:
    """Copies of the files that have a place, for the owner only; the proposal refers to the copies then."""
    target = folder / COPIES
    if not target.exists():
        target.mkdir()
        target.chmod(stat.S_IRWXU)
    copies: dict[Path, Path] = {}
    for table in proposal.tables.values():
        for source in table.sources:
            path = source.look.path
            if path not in copies:
                copies[path] = _copy(path, target, {each.name for each in copies.values()})
            source.look = replace(source.look, path=copies[path])
    return list(copies.values())


def _copy(path: Path, target: Path, taken: set[str]) -> Path:
    name, number = path.name, 1
    while name in taken:
        number += 1
        name = f"{path.stem}_{number}{path.suffix}"
    handle = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as copy, path.open("rb") as original:
        shutil.copyfileobj(original, copy)
    return target / name


def _questionnaire(proposal: Begun, key: str) -> str:
    """The file of a questionnaire that is not known here: what was seen; the rest is to be filled in."""
    for table in proposal.tables.values():
        for source in table.sources:
            said = source.constants.get("instrument")
            if source.items is not None and said is not None and said.value == key:
                answers = [
                    answer for name in source.items.columns for answer in source.profiles[name].answers or ()
                ]
                return instrument_to_fill_in(
                    key, source.items.n_items, int(min(answers, default=0)), int(max(answers, default=0))
                )
    return instrument_to_fill_in(key, 1, 0, 0)
