"""Errors about a file as a whole."""

from pathlib import Path
from typing import Any

from mpg_research.errors import DataError, Problem

__all__ = ["file_error"]


def file_error(path: Path, found: str, expected: str, remedy: str, code: str, **place: Any) -> DataError:
    """A DataError with one problem about a file."""
    problem = Problem(found=found, expected=expected, remedy=remedy, file=path.name, code=code, **place)
    return DataError(str(problem), problems=[problem])
