"""Where data about families may be written: a new folder of the owner's own, whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting.profile import is_written_by_a_run
from mpg_research.writing import UNFINISHED

__all__ = ["MARKER", "PLAN", "SHAREABLE", "check_export_place", "written_whole"]

#: The file that says of a folder what it holds, and by which an earlier export is known.
MARKER = "PERSONAL-DATA.txt"
#: The same of a folder that holds no data.
SHAREABLE = "NO-DATA.txt"
#: The list of what was exported.
PLAN = "export.json"
_REPORTS = "reports"
_WHAT = "An export holds data about single families"


def check_export_place(
    folder: str | Path, *, what: str = "An export holds data about single families"
) -> Path:
    """The place of an export, after links are followed, if data about families may stand there.

    Parameters
    ----------
    folder : str or Path
        The folder that the user named; it need not exist.
    what : str
        What would stand there, and why it may not be passed on: a sentence without its end.

    Returns
    -------
    Path
        Absolute, without links.

    Raises
    ------
    ConfigError
        If no folder is named, or it is a file.
    DisclosureError
        If it lies below a folder called reports, in one that a run has written, or in a work tree of Git:
        as it is written or after links are followed.
    """
    if not str(folder).strip():
        raise ConfigError("Name the folder for the export: mpg export STUDY DIR.")
    named = Path(folder).expanduser()
    try:
        resolved = named.resolve()
    except (OSError, RuntimeError) as error:  # a link that leads to itself
        raise ConfigError(f"The folder {named} cannot be used: {error}. Name another.") from None
    for place in (Path(os.path.abspath(named)), resolved):
        around = (place, *place.parents)
        if any(each.name.casefold() == _REPORTS or is_written_by_a_run(each) for each in around):
            raise DisclosureError(
                f"{named} lies in a reports folder, which is handed over whole. {what}: write it to a "
                "protected folder of your own elsewhere."
            )
        tree = next((each for each in around if _is_git(each)), None)
        if tree is not None:
            raise DisclosureError(
                f"{named} lies in {tree}, which Git keeps: what is committed there stays in its history and "
                f"goes along to every copy. {what}: write it to a protected folder of your own elsewhere."
            )
    if os.path.lexists(resolved) and not resolved.is_dir():
        raise ConfigError(f"{named} is a file; expected a new folder. Name another.")
    return resolved


def _is_git(folder: Path) -> bool:
    """A work tree, or a repository without one."""
    if os.path.lexists(folder / ".git"):
        return True
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


@contextmanager
def written_whole(target: Path, *, replace: bool, private: bool = True) -> Iterator[Path]:
    """A folder beside the target to write in, which becomes the target at the end, or is gone.

    Parameters
    ----------
    target : Path
        A folder that is not there, is empty or, with `replace`, holds an earlier export.
    replace : bool
        Whether an earlier export may be replaced.
    private : bool
        Whether only its owner may look into it.

    Yields
    ------
    Path
        Readable by its owner only while it is written.

    Raises
    ------
    ConfigError
        If something else stands there, or it cannot be written to.
    """
    _check_free(target, replace=replace)
    made = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=UNFINISHED))
        yield made
        for file in made.iterdir():
            file.chmod(0o600 if private else 0o644)
        made.chmod(0o700 if private else 0o755)
        _swap(made, target)
    except OSError as error:
        raise ConfigError(
            f"The export cannot be written in {target.parent}: {error.strerror or error}. Nothing was left "
            "there. Make room or ask for the right to write there, or name another folder."
        ) from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _check_free(target: Path, *, replace: bool) -> None:
    if not target.is_dir():
        return
    try:
        found = sorted(entry.name for entry in target.iterdir())
    except OSError as error:
        raise ConfigError(f"{target} cannot be looked into: {error.strerror}. Name a new folder.") from None
    if not found:
        return
    earlier = PLAN in found and (MARKER in found or SHAREABLE in found)
    if not earlier:
        raise ConfigError(
            f"{target} holds other files ({', '.join(found[:3])}{', ...' if len(found) > 3 else ''}); "
            "expected a new or empty folder. Name another."
        )
    if not replace:
        raise ConfigError(
            f"{target} holds an earlier export, which stays as it is. Name a new folder, or put --replace "
            "behind the command to put the new export in its place."
        )


def _swap(made: Path, target: Path) -> None:
    """Put a finished folder in the place of an older one; if that fails, the older one is back."""
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=UNFINISHED))
    target.rename(old / "old")
    try:
        made.rename(target)
    except OSError:
        (old / "old").rename(target)
        raise
    finally:
        with suppress(OSError):
            shutil.rmtree(old)
