"""The sentence about the size of a study, from the file that [plan] power names."""

import csv
import io
import json
from typing import Any

from mpg_research.errors import ConfigError
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["power_sentence"]

LONGEST = 2000


def power_sentence(config: StudyConfig, language: str) -> str:
    """What the plan says about the size of the study.

    Parameters
    ----------
    config : StudyConfig
        The study, with a plan.
    language : str
        Code of the language.

    Returns
    -------
    str
        Empty where [plan] names no file.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has no sentence.
    """
    if config.plan is None or config.plan.power is None:
        return ""
    path = config.path_of(config.plan.power)
    try:
        content = path.read_bytes().decode("utf-8-sig")
        found = _from_json(content) if path.suffix.lower() == ".json" else _from_csv(content)
    except OSError as error:
        raise ConfigError(
            f"[plan] power in {config.file.name}: {path.name} cannot be read ({error.strerror or error}). "
            "Make it, or take the setting out."
        ) from None
    except (ValueError, RecursionError, csv.Error):
        found = ""
    if isinstance(found, dict):
        found = found.get(language) or next((text for text in found.values() if text), "")
    if not isinstance(found, str) or not found.strip() or len(found) > LONGEST:
        raise ConfigError(
            f"[plan] power in {config.file.name}: {path.name} has no sentence; expected JSON with the key "
            f"sentence (a text, or one per language), or CSV with a column sentence, of at most {LONGEST} "
            "characters."
        )
    return found.strip()


def _from_json(content: str) -> Any:
    read = json.loads(content)
    return read.get("sentence", "") if isinstance(read, dict) else ""


def _from_csv(content: str) -> str:
    first = next(csv.DictReader(io.StringIO(content)), {})
    return first.get("sentence") or ""
