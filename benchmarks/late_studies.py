"""Whole study folders of equal organisations, one of which joined late; synthetic, read as any study."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research import load_study
from mpg_research.study.model import Study

EXPORT = pd.Timestamp("2025-06-30")
ORGANISATIONS = ("ahorn", "beuk", "ceder", "den", "els", "linde")
TOML = """[study]
name = "late"
languages = ["en"]
export_date = 2025-06-30
synthetic = true
[time]
kind = "dates"
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
[analysis]
instrument = "obvl_k"
case_mix = ["child_age", "single_parent"]
months = [0, 6, 12]
primary_month = 12
"""


def late_study(seed: int, *, joined: float = 11.0, families: int = 70) -> Study:
    """A study whose first organisation joined ``joined`` months before the export, the others three years."""
    rng = np.random.default_rng([9, seed])
    episodes, measurements = [], []
    for place, organisation in enumerate(ORGANISATIONS):
        for number in range(families):
            family = f"{organisation}{number:03d}"
            back = rng.uniform(0, joined if place == 0 else 36)
            planned, stop = max(2.0, rng.normal(11, 3)), rng.exponential(33)
            end = min(planned, stop)
            start = EXPORT - pd.Timedelta(days=int(back * 30.4375))
            over = start + pd.Timedelta(days=int(end * 30.4375)) if end <= back else None
            reason = "" if over is None else "03" if stop < planned else "01"
            intake = round(rng.uniform(1, 17), 1), int(rng.random() < 0.4)
            episodes.append(
                (family, organisation, start.date(), over.date() if over else "", reason, *intake)
            )
            level, gain = rng.normal(24, 5), rng.normal(-6, 4)
            for month in range(int(min(end, back)) + 1):
                if month and rng.random() < 0.3:
                    continue
                score = level + gain * (1 - np.exp(-month / 3)) + rng.normal(0, 2)
                items = np.clip(np.round(score / 10 + rng.normal(0, 0.6, 10)), 1, 4).astype(int)
                day = start + pd.Timedelta(days=int(month * 30.4375 + rng.uniform(0, 3)))
                if day <= min(over or EXPORT, EXPORT):
                    measurements.append((family, "first_parent", day.date(), "obvl_k", *items))
    columns = ["family", "organisation", "start", "end", "end_reason", "child_age", "single_parent"]
    names = ["family", "respondent", "date", "instrument", *(f"item_{n:02d}" for n in range(1, 11))]
    with tempfile.TemporaryDirectory() as folder:
        pd.DataFrame(episodes, columns=columns).to_csv(Path(folder) / "episodes.csv", index=False)
        pd.DataFrame(measurements, columns=names).to_csv(Path(folder) / "measurements.csv", index=False)
        (Path(folder) / "study.toml").write_text(TOML, encoding="utf-8")
        return load_study(folder)
