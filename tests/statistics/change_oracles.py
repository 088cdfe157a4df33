"""Where the reference values of other people's software lie, and how they are read."""

import csv
from typing import Any

import numpy as np

from tests.statistics.shared_oracles import known_of, need_oracles

ROOM = "change"


def read_rows(name: str) -> list[dict[str, str]]:
    with (need_oracles(ROOM) / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def known_counts() -> dict[str, Any]:
    return known_of(ROOM, "oracles")


def claus(outcome: str = "hamd") -> tuple[list[str], np.ndarray]:
    """Patients and their scores at the four waves, shape (43, 4); NaN where missing."""
    rows = read_rows("cs_claus_2020.csv")
    ids = list(dict.fromkeys(row["id"] for row in rows))
    table = np.full((len(ids), 4), np.nan)
    for row in rows:
        if row[outcome] not in ("", "NA"):
            table[ids.index(row["id"]), int(float(row["time"])) - 1] = float(row[outcome])
    return ids, table
