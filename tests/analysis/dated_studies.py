"""Made-up studies of families who start over several years; the truth is drawn here, not by our model."""

from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from tests.analysis.made_studies import EXPORT, made_study

FIRST_DAY = pd.Timestamp("2021-01-01")
WAVES = 13


def dated_rows(
    rng: np.random.Generator,
    *,
    families: int = 240,
    organisations: int = 6,
    ends: bool = True,
    later: float = 0.0,
    outlier: float = 0.0,
) -> pd.DataFrame:
    """Measurements: family, organisation, start, months, date, score.

    Families improve fast at first, by an amount of their own (SD 4); help ends, with a chance of one in four
    a month, where the last observed score is three points better than the first. ``later`` is added to the
    change at month 12 of families who start in 2023 or later, ``outlier`` to that of the first organisation.
    """
    n = families
    start = FIRST_DAY + pd.to_timedelta(rng.integers(0, (EXPORT - FIRST_DAY).days - 30, n), unit="D")
    place = np.arange(n) % organisations
    months = np.arange(WAVES) + np.where(np.arange(WAVES) > 0, rng.uniform(-0.2, 0.2, (n, WAVES)), 0.0)
    part = 1 - np.exp(-months / 3)
    own = later * (start >= pd.Timestamp("2023-01-01")) + outlier * (place == 0)
    amount = rng.normal(-5, 4, n) + own / (1 - np.exp(-4))
    score = rng.normal(60, 5, (n, 1)) + amount[:, None] * part + rng.normal(0, 2.6, (n, WAVES))
    seen = rng.random((n, WAVES)) > 0.15
    seen[:, 0] = True
    if ends:
        seen &= np.arange(WAVES) <= _last_wave(rng, score, seen)[:, None]
    date = start.to_numpy()[:, None] + (months * 30.4375 * 86_400).astype("timedelta64[s]")
    seen &= date <= EXPORT.to_datetime64()
    family, wave = np.nonzero(seen)
    return pd.DataFrame(
        {
            "family": np.char.add("f", np.char.zfill(family.astype(str), 4)),
            "organisation": np.char.add("k", np.char.zfill(place[family].astype(str), 2)),
            "start": start[family],
            "months": months[family, wave],
            "date": date[family, wave],
            "score": np.clip(np.round(score[family, wave]), 0, 120),
        }
    )


def _last_wave(rng: np.random.Generator, score: np.ndarray, seen: np.ndarray) -> np.ndarray:
    n = len(score)
    last, goes_on, latest = np.full(n, WAVES), np.ones(n, dtype=bool), score[:, 0].copy()
    for wave in range(1, WAVES):
        latest = np.where(seen[:, wave], score[:, wave], latest)
        leaves = goes_on & (latest - score[:, 0] < -3) & (rng.random(n) < 0.25)
        last[leaves], goes_on = wave, goes_on & ~leaves
    return last


def dated_study(folder: Path, rows: pd.DataFrame, *, analysis: str = "") -> Study:
    """The rows as a study on disk, loaded as any other; ``analysis`` is added to its section [analysis]."""
    episodes = rows.drop_duplicates("family")[["family", "organisation", "start"]]
    measurements = rows[["family", "date"]].assign(total=rows["score"].astype(int))
    tables = {"episodes": episodes.assign(episode="1", worker=""), "measurements": measurements}
    return made_study(folder, tables, more=analysis)
