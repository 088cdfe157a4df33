"""What is not for release: the pages of ``mpg run --private``, and the folder that they stay in.

Such a folder is readable by its owner only and never lies inside or beside released reports, nor they inside
or beside it: whole folders are handed over.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mpg_research.disclosure.private_names import marked_name
from mpg_research.errors import DisclosureError, ReportError
from mpg_research.reporting.files import MANIFEST
from mpg_research.writing import write_atomically

__all__ = [
    "MARKER",
    "check_private_place",
    "check_released_place",
    "for_owner_only",
    "is_private",
    "make_private_folder",
    "pages_in_private",
    "private_folder",
]

#: The file that says of a folder that it is not for release.
MARKER = "NOT-FOR-RELEASE.txt"
_REPORTS = "reports"
_SAYS = """\
Not for release

Made by mpg run --private for the researcher alone. Small numbers of families are not suppressed here.
Do not pass this folder on, and do not put it where reports are handed over.
"""
_STATE = {"private": False}


def is_private() -> bool:
    """Whether the notebook that runs now makes a page that is not for release."""
    return _STATE["private"]


@contextmanager
def pages_in_private(private: bool) -> Iterator[None]:
    """Let notebooks that run meanwhile in this process show all to the researcher, or what may be released.

    Parameters
    ----------
    private : bool
        Which of the two.
    """
    before = _STATE["private"]
    _STATE["private"] = private
    try:
        yield
    finally:
        _STATE["private"] = before


def private_folder(output: str | Path, study: str) -> Path:
    """Where the pages of a study lie that are not for release.

    Parameters
    ----------
    output : str or Path
        The folder that the user named.
    study : str
        Name of the study.

    Returns
    -------
    Path
    """
    return Path(output).expanduser().absolute() / marked_name(study, private=True)


def check_private_place(folder: Path) -> None:
    """Refuse a place for private pages inside or beside released reports.

    Parameters
    ----------
    folder : Path
        From :func:`private_folder`.

    Raises
    ------
    DisclosureError
        If released reports lie around or beside it, or a folder above it is called "reports".
    """
    found = _found_near(folder, _is_released)
    above = [each for place in _with_links(folder) for each in place.parents]
    found = found or next((each for each in above if each.name.casefold() == _REPORTS), None)
    if found is not None:
        raise DisclosureError(
            f"--output {folder.parent} lies inside or beside the released reports in {found}; expected "
            "a place away from everything that is handed over, since nothing is suppressed in pages made "
            "with --private. Name another folder, such as one in your own protected folder."
        )


def check_released_place(folder: Path) -> None:
    """Refuse a place for released reports inside or beside private pages.

    Parameters
    ----------
    folder : Path
        ``reports/<study>``.

    Raises
    ------
    DisclosureError
        If a folder made with ``--private`` lies around or beside it.
    """
    found = _found_near(folder, _is_not_for_release)
    if found is not None:
        raise DisclosureError(
            f"--output {folder.parent} lies inside or beside {found}, which mpg run --private made: not for "
            "release. Choose another folder with --output, or move the private one away."
        )


def make_private_folder(folder: Path) -> None:
    """Make the folder, for its owner only, with the file that says what it is.

    Parameters
    ----------
    folder : Path
        From :func:`private_folder`.

    Raises
    ------
    ReportError
        If it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        write_atomically(folder / MARKER, _SAYS.encode(), private=True)
    except OSError as error:
        raise ReportError(
            f"The folder {folder} cannot be made for its owner only ({error.strerror or error}). "
            "Choose another with --output."
        ) from None


@contextmanager
def for_owner_only(private: bool) -> Iterator[None]:
    """Let this process, and those it starts meanwhile, make files and folders that only their owner can read.

    Parameters
    ----------
    private : bool
        False changes nothing.
    """
    if not private:
        yield
        return
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _found_near(folder: Path, is_such: Callable[[Path], bool]) -> Path | None:
    """A folder of a kind around a place, in the folder that was named for it, or beside that."""
    for place in _with_links(folder):
        around = [place, *place.parents]
        beside = [*_folders_in(place.parent), *_folders_in(place.parent.parent)]
        near = [*beside, *(within for each in beside for within in _folders_in(each))]
        for each in (*around, *near):
            if is_such(each):
                return each
    return None


def _with_links(folder: Path) -> tuple[Path, ...]:
    """A place as it is written, and as it is after links are followed."""
    return tuple(dict.fromkeys((Path(os.path.abspath(folder)), folder.resolve())))


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _is_not_for_release(folder: Path) -> bool:
    return os.path.isfile(folder / MARKER)


def _is_released(folder: Path) -> bool:
    """Whether a run wrote reports here that are to be handed over: an overview above manifests, or one."""
    if _is_not_for_release(folder) or _is_not_for_release(folder.parent):
        return False
    if os.path.isfile(folder / MANIFEST) and os.path.isfile(folder.parent / "index.html"):
        return True
    return os.path.isfile(folder / "index.html") and any(
        os.path.isfile(each / MANIFEST) for each in _folders_in(folder)
    )
