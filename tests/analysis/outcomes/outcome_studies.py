"""Made-up studies with life domains, goals, talks and two questionnaires; the truth is drawn here."""

from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from tests.analysis.made_studies import MONTHS, made_study

QUESTIONNAIRE = """key = "{key}"
abbreviation = "{key}"
direction = "{direction}"
source = "made for the tests"
concept = "{key}"
[name]
en = "{key}"
nl = "{key}"
[items]
number = 40
total_only = true
minimum = 0
maximum = 3
[[reliability]]
kind = "alpha"
value = 0.80
population = "none"
source = "made for the tests"
"""
DOMAINS = ("mental_health", "money", "parenting")
#: Share of the families whose marks are missing.
UNMARKED = 0.2


def random_tables(
    rng: np.random.Generator, *, families: int = 120, organisations: int = 4
) -> dict[str, pd.DataFrame]:
    """Episodes, measurements of two questionnaires that move together, domains, goals and decisions."""
    ids = np.array([f"f{number:04d}" for number in range(families)])
    episodes = pd.DataFrame(
        {
            "family": ids, "episode": "1",
            "organisation": [f"k{number % organisations:02d}" for number in range(families)],
            "worker": [f"w{number % (4 * organisations):02d}" for number in range(families)],
            "start": 0, "end": rng.choice([14.0, 15.0, np.nan], families),
        }
    )  # fmt: skip
    reasons = rng.choice(["01", "02", "03", "04"], families, p=[0.6, 0.1, 0.2, 0.1])
    episodes["end_reason"] = np.where(episodes["end"].isna(), "", reasons)
    marks = np.clip(np.round(rng.normal(7, 1.5, families)), 0, 10)
    episodes["satisfaction"] = np.where(rng.random(families) < UNMARKED, np.nan, marks)
    return {
        "episodes": episodes,
        "measurements": measurement_rows(rng, ids),
        "domains": domain_rows(rng, ids),
        "goals": goal_rows(rng, ids),
        "decisions": decision_rows(rng, ids),
    }


def measurement_rows(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """Seven waves, two months apart, of burden (falls) and strength (rises), whose slopes go together."""
    n, waves = len(ids), 7
    month = 2.0 * np.arange(waves)
    slopes = rng.multivariate_normal([-0.8, 0.6], 0.5 * np.array([[1, -0.6], [-0.6, 1]]), n)
    levels = rng.normal([60, 50], [10, 8], (n, 2))
    noise = rng.multivariate_normal([0, 0], 9 * np.array([[1, -0.3], [-0.3, 1]]), (n, waves))
    scores = levels[:, None] + slopes[:, None] * month[None, :, None] + noise
    seen = rng.random((n, waves)) < 0.85
    family, wave = np.nonzero(seen)
    parts = [
        pd.DataFrame(
            {
                "family": ids[family], "date": month[wave], "instrument": name,
                "total": np.clip(np.round(scores[family, wave, place]), 0, 120).astype(int),
            }
        )
        for place, name in enumerate(("burden", "strength"))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def domain_rows(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """Severity of three domains at months 0, 4, 8 and 12, from a latent severity that falls."""
    rows = []
    for family in ids:
        own = rng.normal(0, 1)
        for place, domain in enumerate(DOMAINS):
            level = own + rng.normal(0.3 * place, 0.8)
            for month in (0, 4, 8, 12):
                if rng.random() < 0.85:
                    latent = level - 0.06 * month + rng.normal(0, 0.6)
                    severity = int(np.digitize(latent, [-0.8, 0, 0.8, 1.6]))
                    rows.append((family, month, domain, severity))
    return pd.DataFrame(rows, columns=["family", "date", "domain", "severity"])


def goal_rows(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """Two goals of most families, each scored at months 3 and 9 from -2 to 2."""
    rows = []
    for family in ids:
        for goal in ("1", "2"):
            if rng.random() < 0.8:
                by = str(rng.choice(["family", "worker", "together"]))
                for month in (3, 9):
                    reached = int(np.clip(rng.integers(-3, 2) + month // 6, -2, 2))
                    rows.append((family, month, goal, reached, by))
    return pd.DataFrame(rows, columns=["family", "date", "goal", "attainment", "set_by"])


def decision_rows(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    """One talk of every second family."""
    rows = []
    for family in ids[::2]:
        asked = str(rng.choice(["1", "0", ""], p=[0.6, 0.2, 0.2]))
        followed = str(rng.choice(["1", "0", ""])) if asked == "1" else ""
        rows.append((family, 7, str(rng.choice(["go_on", "change"])), asked, followed))
    return pd.DataFrame(rows, columns=["family", "date", "decision", "family_asked", "idea_followed"])


def outcome_study(folder: Path, tables: dict[str, pd.DataFrame], *, extra: str = "") -> Study:
    """The tables as a study on disk, loaded as any other; ``extra`` ends its study.toml."""
    questionnaires = {
        key: QUESTIONNAIRE.format(key=key, direction=direction)
        for key, direction in (("burden", "higher_is_worse"), ("strength", "higher_is_better"))
    }
    constants = {"respondent": "first_parent", "episode": "1"}
    return made_study(
        folder, tables, constants=constants, questionnaires=questionnaires, time=MONTHS, more=extra
    )
