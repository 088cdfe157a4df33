"""In which forms pages are published: as a web page always, as PDF and as Word where that is asked for.

``[report] formats`` in ``study.toml`` asks, or ``mpg run --formats`` for one run.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.study.config.formats import FORMATS, Format
from mpg_research.study.config.study_toml import StudyConfig

__all__ = [
    "VARIABLE",
    "also_in",
    "formats_of",
    "made_with",
    "pictures_for_word",
    "require_formats",
    "wants_pictures",
]

#: Environment variable that tells the processes of a run which formats were asked for on the command line.
VARIABLE = "MPG_FORMATS"
#: What each format needs beside the package: the extra that brings it, and its libraries by module.
_NEEDS = {
    "pdf": ("pdf", {"typst": "typst", "pypdf": "pypdf"}),
    "docx": ("word", {"docx": "python-docx"}),
}
_STATE = {"pictures": False}


def formats_of(config: StudyConfig) -> tuple[Format, ...]:
    """The formats of the pages of a run, the web page first.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    tuple of {"html", "pdf", "docx"}

    Raises
    ------
    ConfigError
        If the command line asked for another one.
    """
    asked: Sequence[str] = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    for name in asked:
        if name not in FORMATS:
            raise ConfigError(
                f"--formats names {name!r}; expected one or more of {', '.join(FORMATS)}, with commas "
                f"between them. {did_you_mean(name, FORMATS)}".rstrip()
            )
    wanted = asked or config.report.formats
    return tuple(each for each in FORMATS if each == "html" or each in wanted)


@contextmanager
def also_in(formats: str) -> Iterator[None]:
    """Let this process, and those it starts meanwhile, publish pages in these formats.

    Parameters
    ----------
    formats : str
        With commas between them, as on the command line; an empty text changes nothing.
    """
    before = os.environ.get(VARIABLE)
    if formats:
        os.environ[VARIABLE] = ",".join(part.strip().lower() for part in formats.split(","))
    try:
        yield
    finally:
        if formats and before is None:
            del os.environ[VARIABLE]
        elif formats and before is not None:
            os.environ[VARIABLE] = before


def require_formats(formats: Sequence[str]) -> None:
    """Stop before a run where a library is missing that a format needs.

    Parameters
    ----------
    formats : sequence of str
        From :func:`formats_of`.

    Raises
    ------
    ConfigError
        With what is missing and how to get it, or how to do without.
    """
    missing, extras = [], []
    for name in formats:
        extra, libraries = _NEEDS.get(name, ("", {}))
        absent = [package for module, package in libraries.items() if find_spec(module) is None]
        if absent:
            missing.append(f"{name} needs {' and '.join(absent)}")
            extras.append(extra)
    if missing:
        less = ",".join(name for name in formats if name not in _NEEDS)
        raise ConfigError(
            f"The formats of the reports ask for what is not installed: {'; '.join(missing)}. Install it "
            f"with: pip install 'mpg_research[{','.join(extras)}]'. Or do without: [report] formats in "
            "study.toml, "
            f"or mpg run --formats {less}."
        )


def made_with(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats beside the web page, each with the versions of what makes it: others write other bytes.

    Parameters
    ----------
    formats : sequence of str
        From :func:`formats_of`.

    Returns
    -------
    tuple of str
    """
    return tuple(
        " ".join([name, *(f"{package} {_version(package)}" for package in _NEEDS[name][1].values())])
        for name in formats
        if name in _NEEDS
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def wants_pictures() -> bool:
    """Whether the page that is being made needs its figures as PNG for its Word document."""
    return _STATE["pictures"]


@contextmanager
def pictures_for_word(wanted: bool) -> Iterator[None]:
    """Let the notebook that runs meanwhile in this process draw its figures as PNG too.

    Parameters
    ----------
    wanted : bool
        Whether it does.
    """
    before = _STATE["pictures"]
    _STATE["pictures"] = wanted
    try:
        yield
    finally:
        _STATE["pictures"] = before
