"""What results and pages are made of, as hashes: data, settings, code by room, words, libraries.

The layers of the package (``docs/explanation/architecture.md``) say what can change what: nothing above
``analysis`` can change a result, and the texts of one language cannot change the pages of another.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from mpg_research.errors import DataError
from mpg_research.languages import extra_files
from mpg_research.reporting.files import file_sha256, json_sha256
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import StudyConfig, source_paths
from mpg_research.version import __version__

__all__ = ["CODE", "Inputs", "hash_package", "input_files", "library_versions", "read_inputs", "signature"]

#: Libraries whose version can change a number.
NUMERIC = (
    "numpy", "scipy", "pandas", "statsmodels", "pingouin", "pyreadstat", "openpyxl", "pyarrow", "pydantic",
)  # fmt: skip
#: Libraries whose version can change a picture or a page.
SHOWING = (
    "matplotlib", "seaborn", "babel", "papermill", "nbclient", "nbconvert", "nbformat", "ipykernel",
)  # fmt: skip
#: The parts of the package's code, by the rooms they stand in; "analysis" is everything below ``disclosure``.
CODE = ("analysis", "showing", "pages")
_PACKAGE = Path(__file__).resolve().parents[2]
_OWN_FILES = {".py", ".toml", ".csv", ".json", ".j2", ".css", ".txt"}
_CATALOGUE = ("present", "catalogue")
#: What a language says of itself orders the languages, so it counts for the pages of all.
_OF_ITSELF = "language.toml"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Hashes of what all steps of a study share.

    Attributes
    ----------
    data : mapping
        SHA-256 by raw file, named as the study names it.
    settings : mapping
        SHA-256 of ``study.toml`` and of the instrument and norm files.
    code : mapping
        SHA-256 of the package's own files by part (:data:`CODE`).
    words : mapping
        SHA-256 of the texts by language; what all languages share is under "".
    versions : mapping
        Versions of this package, Python and the main libraries.
    """

    data: Mapping[str, str]
    settings: Mapping[str, str]
    code: Mapping[str, str]
    words: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """The study and its data in sixteen digits, as its pages bear them and are cited by."""
        return json_sha256([dict(self.data), dict(self.settings)])[:16]

    @property
    def of_results(self) -> str:
        """One hash over everything that can change a result of the study."""
        numeric = {name: self.versions.get(name, "") for name in ("mpg_research", "python", *NUMERIC)}
        return json_sha256(
            {
                "data": dict(self.data),
                "settings": dict(self.settings),
                "code": self.code["analysis"],
                "versions": numeric,
            }
        )


def read_inputs(config: StudyConfig) -> Inputs:
    """Hash everything that the steps of a study share; reads files, loads no table.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    Inputs

    Raises
    ------
    DataError
        If a file that the study names is not there.
    """
    data, settings = hash_files(config)
    code, words = hash_package()
    return Inputs(
        data=data,
        settings=settings,
        code=code,
        words=words,
        versions=library_versions(),
    )


def hash_files(config: StudyConfig) -> tuple[dict[str, str], dict[str, str]]:
    """Hashes of the study's own files: raw files, and settings.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    tuple of (dict, dict)
        By the name of the file seen from the study.

    Raises
    ------
    DataError
        If a file that the study names is not there.
    """
    settings = _settings_files(config)
    data = [path for path in source_paths(config) if path not in settings]
    return _hashes(config, data), _hashes(config, settings)


def input_files(config: StudyConfig) -> tuple[Path, ...]:
    """The files that the steps of a study are made from: raw files and settings.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    tuple of Path
    """
    return tuple(dict.fromkeys([*_settings_files(config), *source_paths(config)]))


def _settings_files(config: StudyConfig) -> list[Path]:
    files = [config.file]
    for instrument in config.instruments.values():
        files += [config.path_of(file) for file in (instrument.file, instrument.norms) if file]
    return [*files, *(path for path in [config.folder / SEALED_FILE] if path.exists())]


def hash_package() -> tuple[dict[str, str], dict[str, str]]:
    """Hashes of the package's own files by part, and of the texts by language (further languages too).

    Returns
    -------
    tuple of (dict, dict)
        ``Inputs.code`` and ``Inputs.words``.
    """
    own, further = tuple(_own_files(_PACKAGE)), tuple(extra_files())
    return _hash_package(_PACKAGE, own, further, signature((*own, *further)))


def signature(paths: Iterable[str | Path]) -> tuple[tuple[int, int, int], ...]:
    """By what it is seen, without reading them, that files are still those of before.

    Parameters
    ----------
    paths : iterable of str or Path
        The files; one that is not there has a signature too.

    Returns
    -------
    tuple of (int, int, int)
        Size, time and number of each.
    """
    return tuple(_stat(path) for path in paths)


def _stat(path: str | Path) -> tuple[int, int, int]:
    try:
        about = os.stat(path)
    except OSError:
        return (-1, 0, 0)
    return about.st_size, about.st_mtime_ns, about.st_ino


@lru_cache(maxsize=2)
def _hash_package(
    package: Path, own: tuple[str, ...], further: tuple[Path, ...], seen: tuple[tuple[int, int, int], ...]
) -> tuple[dict[str, str], dict[str, str]]:
    code: dict[str, dict[str, str]] = {part: {} for part in CODE}
    words: dict[str, dict[str, str]] = {"": {}}
    for name in own:
        path = Path(name)
        parts = path.relative_to(package).parts
        hashed = {"/".join(parts): file_sha256(path)}
        if parts[:2] != _CATALOGUE:
            code[_part_of(parts[0])] |= hashed
        elif len(parts) == 3 or parts[-1] == _OF_ITSELF:
            words[""] |= hashed
        else:
            words.setdefault(parts[2], {}).update(hashed)
    for path in further:
        language = "" if path.name == _OF_ITSELF else path.parent.name
        words.setdefault(language, {})[f"{path.parent.name}/{path.name}"] = file_sha256(path)
    return (
        {part: json_sha256(hashes) for part, hashes in code.items()},
        {language: json_sha256(hashes) for language, hashes in sorted(words.items())},
    )


def _part_of(room: str) -> str:
    """In which part of the code a file or folder of the package is; what is not known counts for results."""
    if room in {"disclosure", "present"}:
        return "showing"
    return "pages" if room in {"reporting", "cli.py"} else "analysis"


def _own_files(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - {"_shipped", "__pycache__"})
        for name in sorted(files):
            if os.path.splitext(name)[1] in _OWN_FILES:
                yield os.path.join(place, name)


@cache
def library_versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that can change a report.

    Returns
    -------
    dict of str to str
    """
    versions = {"mpg_research": __version__, "python": platform.python_version()}
    for library in (*NUMERIC, *SHOWING):
        try:
            versions[library] = _version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return versions


def _version(library: str) -> str:
    """The version of a library, without parsing the rest of what it says of itself: that takes longer."""
    found = distribution(library)
    _, _, rest = (found.read_text("METADATA") or "").partition("\nVersion: ")
    return rest.partition("\n")[0].strip() or found.version


def _hashes(config: StudyConfig, paths: Iterable[Path]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for path in paths:
        try:
            hashes[_name_in(config, path, hashes)] = file_sha256(path)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read ({error.strerror or error}). study.toml of {config.study.name} names "
                "it; put the file there, or correct study.toml."
            ) from None
    return hashes


def _name_in(config: StudyConfig, path: Path, taken: Mapping[str, Any]) -> str:
    """A name without the machine's folders: relative to the study, else the file name alone."""
    try:
        return path.relative_to(config.folder.resolve()).as_posix()
    except ValueError:
        name = path.name
        return name if name not in taken else f"{name} ({len(taken)})"
