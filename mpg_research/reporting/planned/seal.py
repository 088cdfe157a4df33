"""The sealed plan: all settings with hash, date and version, and a chain of amendments, each with its reason.

Each entry holds the hash of the one before it, so nothing can be changed in the middle without being seen.
Whoever holds the file could make the whole of it anew: what proves the date is that it was deposited
elsewhere, or that its last hash was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mpg_research.errors import ConfigError
from mpg_research.reporting.files import json_bytes, json_sha256
from mpg_research.reporting.planned.settings import VERSION, Settings, resolve_settings
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import StudyConfig, read_config, source_paths
from mpg_research.writing import write_atomically

__all__ = ["SealedPlan", "amend_plan", "check_seal", "read_sealed", "seal_plan"]

FORMAT = 1
_FIELDS = {
    "number": int, "sealed_on": str, "date_is": str, "reason": str, "data_were_there": bool, "settings": dict,
    "at_default": list, "previous": str, "sha256": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedPlan:
    """A plan as it was sealed, or an amendment of it.

    Attributes
    ----------
    number : int
        1 for the plan, then 2, 3, ... for its amendments.
    day : date
        When it was sealed.
    date_is : {"given", "machine"}
        Whether that day was given, or taken from the machine.
    reason : str
        Why it was amended; empty for the plan.
    data_were_there : bool
        Whether files of the study with data were there by then.
    settings : Settings
        All settings as they were in force, with the version of this package.
    sha256 : str
        Hash of it all and of the hash before it.
    """

    number: int
    day: date
    date_is: str
    reason: str
    data_were_there: bool
    settings: Settings
    sha256: str


def read_sealed(config: StudyConfig) -> tuple[SealedPlan, ...]:
    """The sealed plan of a study and its amendments, after a check of their chain.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    tuple of SealedPlan
        In order; empty where nothing was sealed.

    Raises
    ------
    ConfigError
        If the file cannot be read, an entry was edited, or the chain is broken.
    """
    return tuple(_plan(entry) for entry in _entries(config))


def check_seal(study: str | Path) -> None:
    """Look before a run whether a study's sealed plan, if there is one, is as it was sealed.

    Parameters
    ----------
    study : str or Path
        Study folder or study.toml.

    Raises
    ------
    ConfigError
        If the file cannot be read, an entry was edited, or the chain is broken.
    """
    place = Path(study).expanduser()
    if ((place if place.is_dir() else place.parent) / SEALED_FILE).exists():
        read_sealed(read_config(place))


def seal_plan(config: StudyConfig, *, day: date | None = None) -> SealedPlan:
    """Seal the plan of a study in a file beside its study.toml.

    Parameters
    ----------
    config : StudyConfig
        The study.
    day : date, optional
        The day; that of the machine where it is left out, and the file says which.

    Returns
    -------
    SealedPlan

    Raises
    ------
    ConfigError
        If there is no ``[plan]``, it is sealed already, or the day is in the future.
    """
    if entries := _entries(config):
        last = entries[-1]
        raise ConfigError(
            f"The plan of {config.study.name} is sealed already (on {last['sealed_on']}, "
            f"{last['sha256'][:12]}); expected no second seal. To change it, give the reason: "
            'mpg protocol STUDY --amend "why".'
        )
    return _add(config, [], day, "")


def amend_plan(config: StudyConfig, reason: str, *, day: date | None = None) -> SealedPlan:
    """Add the settings as they are now to the sealed plan, with the reason.

    Parameters
    ----------
    config : StudyConfig
        The study.
    reason : str
        Why the plan was changed.
    day : date, optional
        The day; that of the machine where it is left out, and the file says which.

    Returns
    -------
    SealedPlan

    Raises
    ------
    ConfigError
        If nothing was sealed, nothing changed since, no reason is given, or the day does not fit.
    """
    if not reason.strip() or not reason.isprintable():
        raise ConfigError('--amend needs a reason of one line: mpg protocol STUDY --amend "why".')
    entries = _entries(config)
    if not entries:
        raise ConfigError(
            f"The plan of {config.study.name} was not sealed, so it cannot be amended. Seal it first: "
            "mpg protocol STUDY --seal."
        )
    if entries[-1]["settings"] == json.loads(json_bytes(resolve_settings(config).values)):
        raise ConfigError(
            f"No setting of {config.study.name} differs from what was sealed on {entries[-1]['sealed_on']} "
            f"({entries[-1]['sha256'][:12]}); the same version is not sealed twice. Change study.toml first."
        )
    return _add(config, entries, day, reason.strip())


def _add(config: StudyConfig, entries: list[dict[str, Any]], day: date | None, reason: str) -> SealedPlan:
    if config.plan is None:
        raise ConfigError(
            f"{config.file.name} has no [plan], so there is nothing to seal. Write down questions and their "
            "analyses first: docs/how_to/plan_first.md."
        )
    today = date.today()
    chosen = day or today
    before = date.fromisoformat(entries[-1]["sealed_on"]) if entries else chosen
    if not before <= chosen <= today:
        raise ConfigError(
            f"--date {chosen}: expected a day from {before} (what was sealed last) up to {today}."
            if entries
            else f"--date {chosen}: expected no day in the future (today is {today})."
        )
    settings = resolve_settings(config)
    entry: dict[str, Any] = {
        "number": len(entries) + 1,
        "sealed_on": chosen.isoformat(),
        "date_is": "machine" if day is None else "given",
        "reason": reason,
        "data_were_there": any(path.is_file() for path in source_paths(config)),
        "settings": settings.values,
        "at_default": sorted(settings.at_default),
        "previous": entries[-1]["sha256"] if entries else "",
    }
    entry["sha256"] = json_sha256(entry)
    content = {
        "format": FORMAT,
        "what": "plan of a study, sealed by mpg protocol",
        "sealed": [*entries, entry],
    }
    write_atomically(config.folder / SEALED_FILE, json_bytes(content))
    return _plan(entry)


def _entries(config: StudyConfig) -> list[dict[str, Any]]:
    file = config.folder / SEALED_FILE
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read ({error.strerror or error}).") from None
    except (ValueError, RecursionError):
        raise _not_ours(file.name, "is no JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _not_ours(file.name, f"is not of format {FORMAT}")
    entries = content.get("sealed")
    if not isinstance(entries, list) or not entries or not all(map(_has_fields, entries)):
        raise _not_ours(file.name, "lacks a part of what was sealed")
    previous = ""
    for place, entry in enumerate(entries, start=1):
        rest = {name: value for name, value in entry.items() if name != "sha256"}
        if entry["sha256"] != json_sha256(rest):
            raise _not_ours(file.name, f"was edited after it was sealed (number {place})")
        if entry["previous"] != previous or entry["number"] != place:
            raise _not_ours(file.name, f"has a broken chain: number {place} does not follow the one before")
        previous = entry["sha256"]
    return entries


def _has_fields(entry: object) -> bool:
    if not isinstance(entry, Mapping) or set(entry) != set(_FIELDS):
        return False
    if not all(type(entry[name]) is kind for name, kind in _FIELDS.items()):
        return False
    try:
        date.fromisoformat(entry["sealed_on"])
    except ValueError:
        return False
    return VERSION in entry["settings"] and all(isinstance(each, str) for each in entry["at_default"])


def _not_ours(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"{name} {what}; expected the file as mpg protocol wrote it. Put back the copy that was deposited."
    )


def _plan(entry: Mapping[str, Any]) -> SealedPlan:
    return SealedPlan(
        number=entry["number"],
        day=date.fromisoformat(entry["sealed_on"]),
        date_is=entry["date_is"],
        reason=entry["reason"],
        data_were_there=entry["data_were_there"],
        settings=Settings(dict(entry["settings"]), frozenset(entry["at_default"])),
        sha256=entry["sha256"],
    )
