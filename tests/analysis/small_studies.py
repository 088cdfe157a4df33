"""Small studies written to disk, so that single courses go the whole way from a file to a result."""

from pathlib import Path

import pandas as pd

from mpg_research.study import load_study
from mpg_research.study.model import Study

INSTRUMENT = """key = "burden"
abbreviation = "BURDEN"
direction = "{direction}"
source = "made for the tests"
[name]
en = "Burden"
[items]
number = 20
total_only = true
minimum = 0
maximum = 3
{reliability}
"""

RELIABILITY = """[[reliability]]
kind = "alpha"
value = 0.80
population = "none"
source = "made for the tests"
"""

STUDY = """[study]
name = "small"
title = {{ en = "Small study" }}
languages = ["en"]
[time]
kind = "numbers"
unit = "months"
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = {{ instrument = "burden" }}
[instruments.burden]
file = "burden.toml"
[analysis]
instrument = "burden"
months = [0, 6, 12]
primary_month = 12
case_mix = [{case_mix}]
"""


def make_study(
    folder: Path,
    data: pd.DataFrame,
    *,
    episodes: pd.DataFrame | None = None,
    direction: str = "higher_is_worse",
    reliability: bool = True,
    case_mix: tuple[str, ...] = (),
) -> Study:
    """Load a study of ``data``: family, months, score; optional organisation, worker, respondent."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = data.assign(family=data["family"].astype(str))
    if episodes is None:
        defaults = {"organisation": "org", "worker": ""}
        episodes = rows.assign(**{k: v for k, v in defaults.items() if k not in rows})
        extra = [c for c in ("end", "end_reason", *case_mix) if c in episodes]
        episodes = episodes.drop_duplicates("family")[["family", "organisation", "worker", *extra]]
    episodes.assign(episode="1", start=0).to_csv(folder / "episodes.csv", index=False)
    measurements = pd.DataFrame(
        {
            "family": rows["family"],
            "episode": "1",
            "respondent": rows.get("respondent", "first_parent"),
            "date": rows["months"],
            "total": rows["score"],
        }
    )
    measurements.to_csv(folder / "measurements.csv", index=False)
    text = INSTRUMENT.format(direction=direction, reliability=RELIABILITY if reliability else "")
    (folder / "burden.toml").write_text(text, encoding="utf-8")
    listed = ", ".join(f'"{name}"' for name in case_mix)
    (folder / "study.toml").write_text(STUDY.format(case_mix=listed), encoding="utf-8")
    return load_study(folder)
