"""What a report is made of, as one hash: data, study, notebook, parameters, package and libraries.

A step whose fingerprint and published files are the same as in its record is not run again.
"""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mpg_research.errors import DataError
from mpg_research.languages import extra_files
from mpg_research.reporting.files import file_sha256, json_sha256
from mpg_research.reporting.pictures import png_is_wanted
from mpg_research.reporting.run.plan import Step
from mpg_research.study.config.study_toml import StudyConfig, source_paths
from mpg_research.version import __version__

__all__ = ["Inputs", "library_versions", "package_sha256", "read_inputs", "step_fingerprint"]

#: Libraries whose version can change a number, a picture or a page.
LIBRARIES = (
    "numpy", "scipy", "pandas", "statsmodels", "pingouin", "matplotlib", "seaborn",
    "pyreadstat", "openpyxl", "pyarrow", "pydantic",
    "babel", "papermill", "nbclient", "nbconvert", "nbformat", "ipykernel",
)  # fmt: skip
_PACKAGE = Path(__file__).resolve().parents[2]
_OWN_FILES = {".py", ".toml", ".csv", ".json", ".j2", ".css", ".txt"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Hashes of what all steps of a study share.

    Attributes
    ----------
    data : mapping
        SHA-256 by raw file, named as the study names it.
    settings : mapping
        SHA-256 of ``study.toml`` and of the instrument and norm files.
    package : str
        SHA-256 over this package's own files.
    versions : mapping
        Versions of this package, Python and the main libraries.
    """

    data: Mapping[str, str]
    settings: Mapping[str, str]
    package: str
    versions: Mapping[str, str]


def read_inputs(config: StudyConfig) -> Inputs:
    """Hash everything that the steps of a study share; reads files, loads no table.

    Raises
    ------
    DataError
        If a file that the study names is not there.
    """
    settings = [config.file]
    for instrument in config.instruments.values():
        settings += [config.path_of(file) for file in (instrument.file, instrument.norms) if file]
    data = [path for path in source_paths(config) if path not in settings]
    return Inputs(
        data=_hashes(config, data),
        settings=_hashes(config, settings),
        package=package_sha256(),
        versions=library_versions(),
    )


def step_fingerprint(step: Step, *, inputs: Inputs, notebook_sha256: str) -> str:
    """One hash over everything a step's output depends on."""
    return json_sha256(
        {
            "data": dict(inputs.data),
            "settings": dict(inputs.settings),
            "package": inputs.package,
            "versions": dict(inputs.versions),
            "notebook": notebook_sha256,
            "step": step.name,
            "parameters": dict(step.parameters),
            **({"png": True} if png_is_wanted() else {}),
        }
    )


def package_sha256() -> str:
    """One hash over the package's own source and data files, and over further languages."""
    files = sorted(
        path
        for path in _PACKAGE.rglob("*")
        if path.suffix in _OWN_FILES and path.is_file() and "_shipped" not in path.parts
    )
    hashes = {path.relative_to(_PACKAGE).as_posix(): file_sha256(path) for path in files}
    hashes |= {f"{path.parent.name}/{path.name}": file_sha256(path) for path in extra_files()}
    return json_sha256(hashes)


@lru_cache(maxsize=1)
def library_versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that can change a report."""
    versions = {"mpg_research": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return versions


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
