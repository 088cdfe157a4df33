"""Made-up studies with workers who score; the truth is drawn here, not by our model."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from mpg_research.study.schemas import WORKING_ELEMENTS
from tests.analysis.made_studies import EXPORT, made_study

DOMAINS = ("parenting", "money", "housing", "mental_health")
TABLES = ("domains", "practice", "workers", "conditions")


def practice_tables(
    seed: int = 1,
    *,
    organisations: int = 4,
    families: int = 240,
    posts: int = 6,
    drift: float = 0.0,
    practice_course: float = 0.0,
    second: float = 0.3,
) -> dict[str, pd.DataFrame]:
    """Tables of a study: episodes, measurements, domains, practice, workers, conditions.

    Severity and index rise by ``drift`` per year in the job of who scores (on a scale with a standard
    deviation of about one); the parents' score falls by twice ``practice_course`` a year more where the true
    index is a point higher.
    """
    rng = np.random.default_rng(seed)
    place = np.arange(families) % organisations
    first_day = pd.Timestamp("2021-01-01")
    start = first_day + pd.to_timedelta(rng.integers(0, 900, families), unit="D")
    workers = pd.DataFrame({"place": np.repeat(np.arange(organisations), posts)})
    workers["worker"] = [f"w{k % posts}" for k in range(len(workers))]
    workers["start"] = first_day - pd.to_timedelta(rng.integers(30, 5000, len(workers)), unit="D")
    bias = rng.normal(0, 0.25, len(workers))
    own = place * posts + rng.integers(0, posts, families)
    quality = rng.normal(0, 0.6, families) + rng.normal(0, 0.3, len(workers))[own]
    level = rng.normal(0, 1, families)
    slope = -0.3 - practice_course * quality / 5 + rng.normal(0, 0.2, families)
    measured, severity, elements = [], [], []
    name = [f"f{k:04d}" for k in range(families)]
    for k in range(families):
        last = int(rng.integers(6, 19))
        for month in range(last):
            day = start[k] + pd.Timedelta(days=round(30.4 * month))
            if day > EXPORT:
                break
            state = level[k] + slope[k] * month / 12
            total = int(np.clip(round(60 + 10 * state + rng.normal(0, 4)), 0, 120))
            measured.append((name[k], day, total))
            if month % 3:
                continue
            raters = [own[k]]
            if rng.random() < second:
                raters.append(place[k] * posts + int(rng.integers(0, posts)))
            for rater in dict.fromkeys(raters):
                years = (day - workers["start"].iloc[rater]).days / 365.25
                shift = bias[rater] + drift * years
                for domain in DOMAINS:
                    given = 2 + state + shift + rng.normal(0, 0.6)
                    severity.append((name[k], day, domain, int(np.clip(round(given), 0, 4)), rater))
                scored = 3 + quality[k] + shift + rng.normal(0, 0.7, 6)
                elements.append((name[k], day, rater, *np.clip(np.round(scored), 1, 5)))
    key = np.array([f"k{p:02d}" for p in range(organisations)])
    worker = workers["worker"].to_numpy()
    of_practice = pd.DataFrame(elements, columns=["family", "date", "rater", *WORKING_ELEMENTS])
    return {
        "episodes": pd.DataFrame(
            {
                "family": name,
                "episode": "1",
                "organisation": key[place],
                "worker": worker[own],
                "start": start,
            }
        ),
        "measurements": pd.DataFrame(measured, columns=["family", "date", "total"]),
        "domains": pd.DataFrame(severity, columns=["family", "date", "domain", "severity", "rater"]).assign(
            rater=lambda rows: worker[rows["rater"]]
        ),
        "practice": of_practice.assign(rater=worker[of_practice["rater"]]),
        "workers": pd.DataFrame(
            {"organisation": key[workers["place"]], "worker": worker, "start": workers["start"]}
        ),
        "conditions": pd.DataFrame(
            [
                (organisation, year, condition, round(float(rng.normal(3, 1)), 1))
                for organisation in key
                for year in (2022, 2023)
                for condition in ("structural_funding", "support_of_the_board")
            ],
            columns=["organisation", "year", "condition", "score"],
        ),
    }


def practice_study(folder: Path, tables: dict[str, pd.DataFrame], *, more: str = "") -> Study:
    """The tables as a study on disk, loaded as any other; ``more`` is added to its configuration."""
    return made_study(folder, tables, more=more)


def without(tables: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: table for name, table in tables.items() if name not in names}
