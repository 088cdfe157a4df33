"""Made-up studies of families whose help ends and who are followed after it; the truth is drawn here."""

from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from tests.analysis.made_studies import DATES, EXPORT, QUESTIONNAIRE, made_study

#: With it a change can be told from error.
RELIABLE = """[[reliability]]
kind = "alpha"
value = 0.90
population = "none"
source = "made for the tests"
"""


def ended_tables(
    rng: np.random.Generator, *, families: int = 200, organisations: int = 4, waves: bool = True
) -> dict[str, pd.DataFrame]:
    """Tables of families who started in 2021 and whose help ended, mostly well; some came back."""
    n = families
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 365, n), unit="D")
    helped = rng.integers(120, 500, n)
    end = start + pd.to_timedelta(helped, unit="D")
    reason = rng.choice(["01", "02", "03", "05"], n, p=[0.6, 0.2, 0.15, 0.05])
    place = np.arange(n) % organisations
    family = np.char.add("f", np.char.zfill(np.arange(n).astype(str), 4))
    first = pd.DataFrame(
        {
            "family": family, "episode": "1", "organisation": [f"k{p}" for p in place],
            "worker": [f"w{w}" for w in rng.integers(0, 6, n)], "start": start, "end": end,
            "end_reason": reason, "thin_line": rng.choice(["1", "0", ""], n, p=[0.45, 0.45, 0.1]),
        }
    )  # fmt: skip
    again = first[rng.random(n) < 0.3].copy()
    again["start"] = again["end"] + pd.to_timedelta(rng.integers(5, 600, len(again)), unit="D")
    again = again[again["start"] <= EXPORT].assign(episode="2", end=pd.NaT, end_reason="", thin_line="")
    events = first.sample(frac=0.3, random_state=1)[["family"]].assign(
        event=lambda rows: rng.choice(["placement", "eviction", "renewed_referral"], len(rows))
    )
    at = end[events.index] + pd.to_timedelta(rng.integers(-100, 500, len(events)), unit="D")
    events["date"] = at.to_numpy()
    measured = []
    for number in range(n):
        days = [0, 60, helped[number] - 20]
        if waves:
            days += [helped[number] + day for day in (90, 200, 380) if rng.random() < 0.6]
        for day in sorted(set(days)):
            date = start[number] + pd.Timedelta(days=int(day))
            if date <= EXPORT:
                score = 60 - 10 * min(day / helped[number], 1) + rng.normal(0, 8)
                measured.append((family[number], date, round(float(np.clip(score, 0, 120)))))
    measurements = pd.DataFrame(measured, columns=["family", "date", "total"])
    return {
        "episodes": pd.concat([first, again], ignore_index=True),
        "events": events[events["date"] <= EXPORT].drop_duplicates(["family", "date"]),
        "measurements": measurements,
    }


def write_study(folder: Path, tables: dict[str, pd.DataFrame], *, more: str = "", time: str = DATES) -> Study:
    """The tables (those that are there) as a study; scores belong to no period of help in particular."""
    constants = {"instrument": "burden", "respondent": "first_parent"}
    questionnaires = {"burden": QUESTIONNAIRE + RELIABLE}
    return made_study(
        folder, tables, constants=constants, questionnaires=questionnaires, time=time, more=more
    )
