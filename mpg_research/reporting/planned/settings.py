"""The settings of a study as they are in force, each by its place in study.toml.

Resolved: defaults too, so that a default that a newer version changes is seen. A list, or a text in several
languages, is one setting. What is written in more than one way (``instrument`` and ``instruments``) is one.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel, RootModel

from mpg_research.reporting.files import file_sha256
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.version import __version__

__all__ = ["CONTENT", "VERSION", "Settings", "resolve_settings", "value_as_text"]

#: The setting that nobody writes: the version of this package.
VERSION = "mpg_research"
#: What follows the place of a setting that names a file: the hash of what stands in it.
CONTENT = ".content"
#: Derived from another setting, so no setting by itself.
_DERIVED = frozenset({"analysis.instrument"})
_FILES = frozenset({"file", "norms", "power"})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a study.

    Attributes
    ----------
    values : dict
        By place, such as "analysis.primary_month"; plain values of JSON.
    at_default : frozenset of str
        Places of those that are what they would be if study.toml did not name them.
    """

    values: dict[str, Any]
    at_default: frozenset[str]


def resolve_settings(config: StudyConfig) -> Settings:
    """All settings of a study as they are in force.

    Parameters
    ----------
    config : StudyConfig
        From :func:`mpg_research.study.read_config`.

    Returns
    -------
    Settings
        Of the files with instruments, norms and power the SHA-256, at their place with ".content".
    """
    found = {place: pair for place, *pair in _walk(config, "") if place not in _DERIVED}
    values = {place: value for place, (value, _) in found.items()}
    at_default = {place for place, (_, is_default) in found.items() if is_default}
    for key, instrument in config.instruments.items():
        for setting in ("file", "norms"):
            if name := getattr(instrument, setting):
                path = config.path_of(name)
                values[f"instruments.{key}.{setting}{CONTENT}"] = (
                    file_sha256(path) if path.is_file() else "not there"
                )
    if config.plan is not None and config.plan.power:
        values[f"plan.power{CONTENT}"] = _hash(config.path_of(config.plan.power))
    values[VERSION] = __version__
    return Settings(dict(sorted(values.items())), frozenset(at_default))


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return "not there"


def value_as_text(value: Any) -> str:
    """A value as study.toml would have it, near enough to be read.

    Parameters
    ----------
    value : object
        From :class:`Settings`.

    Returns
    -------
    str
        Empty for nothing.
    """
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(value_as_text(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


def _walk(section: BaseModel, prefix: str) -> Iterator[tuple[str, Any, bool]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        default = field.get_default(call_default_factory=True)
        yield from _of(value, default, prefix + name, name)


def _of(value: Any, default: Any, place: str, name: str) -> Iterator[tuple[str, Any, bool]]:
    is_default = value == default
    if isinstance(value, BaseModel) and not isinstance(value, RootModel):
        if not isinstance(default, BaseModel):
            yield place, {}, False  # that the section is there at all
        yield from _walk(value, f"{place}.")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _of(each, None, f"{place}.{key}", str(key))
    else:
        yield place, _files_known(_plain(value), name), is_default


def _plain(value: Any) -> Any:
    if isinstance(value, RootModel):
        return _plain(value.root)
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _files_known(value: Any, name: str) -> Any:
    """A plain value with the names of files in it, however deep, as they may be passed on."""
    if isinstance(value, list):
        return [_files_known(each, name) for each in value]
    if isinstance(value, dict):
        return {key: _files_known(each, key) for key, each in value.items()}
    return _without_folders(value) if name in _FILES and isinstance(value, str) else value


def _without_folders(file: str) -> str:
    """A file's name as written; of one elsewhere on the machine the name, and by what its place is known."""
    posix, windows = PurePosixPath(file), PureWindowsPath(file)
    if not posix.is_absolute() and not windows.is_absolute() and not file.startswith(("~", "..")):
        return file
    return f"{windows.name} (in another folder, {hashlib.sha256(file.encode()).hexdigest()[:12]})"
