"""Studies with care, written to disk: random months of care, gaps, and rows outside the help."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from tests.analysis.made_studies import EXPORT, made_study


def episodes(rng: np.random.Generator, n: int = 60, organisations: int = 3) -> pd.DataFrame:
    """Families who start over two years; two in three of them have ended."""
    start = pd.Timestamp("2022-01-10") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    lasted = rng.integers(20, 700, n)
    end = start + pd.to_timedelta(lasted, unit="D")
    over = np.asarray(end < EXPORT) & (rng.random(n) < 0.8)
    reasons = rng.choice(["as_planned", "early_client", "early_agreed", "external"], n)
    return pd.DataFrame(
        {
            "family": [f"f{each:03d}" for each in range(n)],
            "episode": "1",
            "organisation": [f"k{each % organisations}" for each in range(n)],
            "worker": "w1",
            "start": start,
            "end": end.where(over, pd.NaT),
            "end_reason": np.where(over, reasons, None),
        }
    )


def care_of(rng: np.random.Generator, periods: pd.DataFrame, *, gap: float = 0.1) -> pd.DataFrame:
    """Months of care with gaps and missing cells; a few rows lie outside the help."""
    rows: list[dict[str, Any]] = []
    for period in periods.itertuples():
        first = pd.Period(period.start, "M")
        last = pd.Period(period.end if pd.notna(period.end) else EXPORT, "M")
        worker = int(rng.integers(1, 6))
        plan = rng.random() < 0.3
        for number in range(-1 if rng.random() < 0.2 else 0, (last - first).n + 1 + int(rng.random() < 0.2)):
            if rng.random() < gap:
                continue
            worker = int(rng.integers(1, 6)) if rng.random() < 0.2 else worker
            plan = plan or rng.random() < 0.15
            row = {
                "family": period.family, "episode": "1", "month": (first + number).start_time,
                "worker": f"w{worker}" if rng.random() > 0.1 else None,
                "contact_hours": round(float(rng.gamma(4, 2)), 1) if rng.random() > 0.1 else None,
                "n_visits": 1 + int(rng.poisson(4)), "at_home": int(rng.integers(0, 2)),
                "n_agencies": int(rng.poisson(3)) if rng.random() > 0.1 else None,
                "n_helpers": 1 + int(rng.poisson(4)),
                "worker_change_reason": rng.choice(["planned", "sudden", None]),
                "case_manager": int(rng.random() < 0.6), "one_plan": int(plan),
            }  # fmt: skip
            rows.append(row)
    found = pd.DataFrame(rows)
    return found[found["month"] <= EXPORT]


def scores_of(rng: np.random.Generator, periods: pd.DataFrame) -> pd.DataFrame:
    """A score about every month."""
    rows = []
    for period in periods.itertuples():
        end = period.end if pd.notna(period.end) else EXPORT
        level = rng.normal(60, 8)
        for day in range(0, max((end - period.start).days, 1), 30):
            if rng.random() < 0.85:
                level += rng.normal(-0.5, 2)
                rows.append((period.family, period.start + pd.Timedelta(days=day), round(level)))
    found = pd.DataFrame(rows, columns=["family", "date", "total"])
    return found.assign(total=found["total"].clip(0, 120))


def care_study(
    folder: Path,
    periods: pd.DataFrame,
    care: pd.DataFrame | None,
    scores: pd.DataFrame,
    *,
    more: str = "",
) -> Study:
    """The tables as a study on disk, loaded as any other."""
    tables = {"episodes": periods, "measurements": scores}
    return made_study(folder, tables if care is None else {**tables, "care": care}, more=more)


def random_study(folder: Path, seed: int, n: int = 60, **options: Any) -> tuple[Study, pd.DataFrame]:
    """A study of random tables, and its periods of help."""
    rng = np.random.default_rng(seed)
    periods = episodes(rng, n)
    return care_study(folder, periods, care_of(rng, periods), scores_of(rng, periods), **options), periods


def plain_care(study: Study) -> pd.DataFrame:
    """The months of care that count, row by row as a person would find them: unit of one row, its month."""
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    periods = study.tables["episodes"].set_index("family")
    for row in study.tables["care"].to_dict("records"):
        period = periods.loc[row["family"]]
        end = period["end"] if pd.notna(period["end"]) else EXPORT
        month = (row["month"].year - period["start"].year) * 12 + row["month"].month - period["start"].month
        latest = (end.year - period["start"].year) * 12 + end.month - period["start"].month
        if 0 <= month <= latest:
            kept.setdefault((row["family"], month), {**row, "number": month})
    return pd.DataFrame(kept.values()).sort_values(["family", "number"]).reset_index(drop=True)
