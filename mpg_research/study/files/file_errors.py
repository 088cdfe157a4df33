"""Errors about a file as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mpg_research.errors import DataError, MpgError, Problem

__all__ = ["file_error", "refused_if_unreadable"]


def file_error(path: Path, found: str, expected: str, remedy: str, code: str, **place: Any) -> DataError:
    """A DataError with one problem about a file."""
    problem = Problem(found=found, expected=expected, remedy=remedy, file=path.name, code=code, **place)
    return DataError(str(problem), problems=[problem])


@contextmanager
def refused_if_unreadable(path: Path, what: str, expected: str, remedy: str) -> Iterator[None]:
    """Whatever a library raises while it reads a file becomes one problem about the file.

    Errors of our own and a lack of memory pass as they are.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What cannot be read: "the workbook".
    expected, remedy : str
        As in a problem.
    """
    try:
        yield
    except (MpgError, MemoryError):
        raise
    except Exception as error:  # a damaged file makes the library raise whatever it comes upon
        found = f"{what} cannot be read: {error}"
        raise file_error(path, found, expected, remedy, "unreadable_file") from None
