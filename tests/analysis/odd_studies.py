"""Studies that are not like the example: short, weekly, yearly, with a stray row, with very few families."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study import load_study
from mpg_research.study.model import Study
from tests.analysis.small_studies import INSTRUMENT, RELIABILITY

SCALE = (0.0, 60.0)
DAYS = 365.25 / 12

TOML = """[study]
name = "odd"
title = {{ nl = "Vreemd", en = "Odd" }}
languages = ["nl", "en"]
synthetic = true
{export}
{time}
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = {{ instrument = "burden" }}
[instruments.burden]
file = "burden.toml"
[analysis]
instrument = "burden"
{analysis}
"""


@dataclass(frozen=True)
class Plan:
    """How an odd study is made.

    Attributes
    ----------
    moments : tuple of float
        Moments of measuring in the study's unit of time (months with dates).
    unit : str
        "dates", or the unit of numbers.
    families : tuple of int
        Of each organisation.
    until : tuple of float or None
        Last moment of each organisation; None measures all to the end.
    stray : float or None
        One row of the first family at this moment.
    wrong_start : int
        Families whose start lies 25 years too early.
    fall : float
        Points in all, fastest at first.
    level, spread : float
        Of the scores at the start.
    analysis : str
        Further lines of [analysis].
    """

    moments: tuple[float, ...]
    unit: str = "dates"
    families: tuple[int, ...] = (40, 40)
    until: tuple[float, ...] | None = None
    stray: float | None = None
    wrong_start: int = 0
    fall: float = 6.0
    level: float = 24.0
    spread: float = 5.0
    analysis: str = ""


WEEKLY = tuple(float(week) for week in range(6))
MONTHLY = tuple(float(month) for month in range(15))

PLANS: dict[str, Plan] = {
    "five_weeks": Plan(tuple(week * 7 / DAYS for week in WEEKLY)),
    "five_weeks_stray": Plan(tuple(week * 7 / DAYS for week in WEEKLY), stray=14.0),
    "weekly": Plan(WEEKLY, unit="weeks"),
    "weekly_long": Plan(tuple(float(week) for week in range(0, 21)), unit="weeks", families=(25, 25)),
    "yearly": Plan((0.0, 12.0, 24.0, 36.0)),
    "years": Plan((0.0, 1.0, 2.0), unit="years"),
    "days": Plan((0.0, 3.0, 7.0, 14.0, 28.0), unit="days"),
    "waves": Plan((0.0, 1.0, 2.0), unit="waves"),
    "two_moments": Plan((0.0, 6.0)),
    "two_moments_twelve": Plan((0.0, 12.0), unit="months"),
    "one_short": Plan(MONTHLY, families=(40, 40, 40), until=(4.0, 14.0, 14.0)),
    "one_short_stray": Plan(MONTHLY, families=(40, 40, 40), until=(4.0, 14.0, 14.0), stray=13.0),
    "wrong_starts": Plan(MONTHLY, families=(40, 40), wrong_start=12),
    "very_few": Plan((0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0), families=(4, 4)),
    "near_the_floor": Plan(tuple(week * 7 / DAYS for week in WEEKLY), level=3.0, spread=3.0, fall=20.0),
    "small_and_large": Plan(MONTHLY, families=(14, 60, 60), until=(9.0, 14.0, 14.0)),
}


def write_odd(folder: Path, plan: Plan, *, seed: int = 0) -> Path:
    """Write the study folder of a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    dates = plan.unit == "dates"
    first = pd.Timestamp("2023-01-09")
    episodes, rows = [], []
    moments = np.array(plan.moments)
    for place, number in enumerate(plan.families):
        last = np.inf if plan.until is None else plan.until[place]
        for family in range(number):
            name = f"f{place}{family:03d}"
            level = rng.normal(plan.level, plan.spread)
            stop = rng.choice(moments[len(moments) // 2 :]) if rng.random() < 0.3 else np.inf
            start = first + pd.Timedelta(days=int(rng.integers(0, 200)))
            named = start
            if plan.wrong_start and len(episodes) < plan.wrong_start:
                named = start - pd.DateOffset(years=25)
            episodes.append((name, "1", f"org_{place}", named.date().isoformat() if dates else 0))
            mine = [moment for moment in moments if moment <= min(last, stop)]
            for moment in mine:
                share = 1 - np.exp(-3 * moment / max(moments.max(), 1e-9))
                score = np.clip(np.round(level - plan.fall * share + rng.normal(0, 3)), *SCALE)
                day = start + pd.Timedelta(days=round(moment * DAYS + (rng.uniform(-2, 2) if moment else 0)))
                rows.append(
                    (name, "1", "first_parent", day.date().isoformat() if dates else moment, int(score))
                )
    if plan.stray is not None:
        family, episode, respondent, day, total = rows[0]
        late = (
            day
            if not dates
            else (pd.Timestamp(day) + pd.Timedelta(days=plan.stray * DAYS)).date().isoformat()
        )
        rows.append((family, episode, respondent, late if dates else plan.stray, total))
    names = ["family", "episode", "organisation", "start"]
    pd.DataFrame(episodes, columns=names).assign(worker="").to_csv(folder / "episodes.csv", index=False)
    measured = pd.DataFrame(rows, columns=["family", "episode", "respondent", "date", "total"])
    measured.to_csv(folder / "measurements.csv", index=False)
    text = INSTRUMENT.format(direction="higher_is_worse", reliability=RELIABILITY)
    (folder / "burden.toml").write_text(text, encoding="utf-8")
    time = '[time]\nkind = "dates"' if dates else f'[time]\nkind = "numbers"\nunit = "{plan.unit}"'
    toml = TOML.format(time=time, analysis=plan.analysis, export="export_date = 2060-01-01" if dates else "")
    (folder / "study.toml").write_text(toml, encoding="utf-8")
    return folder


def odd_study(folder: Path, plan: Plan, *, seed: int = 0) -> Study:
    """Write and load the study of a plan."""
    return load_study(write_odd(folder, plan, seed=seed))
