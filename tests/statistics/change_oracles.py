"""Where the reference values of other people's software lie, and how they are read."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "oracles" / "change"


def need_oracles() -> Path:
    """The folder, or a skip that says why."""
    if not FOLDER.is_dir():
        pytest.skip("reference values of other software (../shared/oracles/change) are not here")
    return FOLDER


def read_rows(name: str) -> list[dict[str, str]]:
    with (need_oracles() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def known_counts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((need_oracles() / "oracles.json").read_text(encoding="utf-8"))
    return found


def claus(outcome: str = "hamd") -> tuple[list[str], np.ndarray]:
    """Patients and their scores at the four waves, shape (43, 4); NaN where missing."""
    rows = read_rows("cs_claus_2020.csv")
    ids = list(dict.fromkeys(row["id"] for row in rows))
    table = np.full((len(ids), 4), np.nan)
    for row in rows:
        if row[outcome] not in ("", "NA"):
            table[ids.index(row["id"]), int(float(row["time"])) - 1] = float(row[outcome])
    return ids, table
