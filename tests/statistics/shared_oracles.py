"""Where the reference values of other people's software lie (beside the clone), and how they are read."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "oracles"


def need_oracles(room: str) -> Path:
    """The folder of a room, or a skip that says why."""
    if not (FOLDER / room).is_dir():
        pytest.skip(f"reference values of other software (../shared/oracles/{room}) are not here")
    return FOLDER / room


def known_of(room: str, name: str) -> dict[str, Any]:
    """What a file of JSON in a room says."""
    text = (need_oracles(room) / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
