"""Small hand-made courses for the tests of the analyses."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

ORACLES = Path(__file__).parents[1] / "oracles" / "analysis"


def course_of(
    data: pd.DataFrame, *, case_mix: tuple[str, ...] = (), respondents: str = "declared"
) -> CourseFrame:
    """A course frame as ``course_frame`` would hand it over."""
    n_episodes = len(data[["family", "episode"]].drop_duplicates())
    step = FlowStep("read", "read", len(data), data["family"].nunique(), n_episodes)
    return CourseFrame(
        data=data.reset_index(drop=True),
        flow=SampleFlow((step,)),
        instrument="obvl_k",
        outcome="raw",
        respondents=respondents,
        episodes="first",
        case_mix=case_mix,
    )


def reference_data(*, both_respondents: bool = False) -> pd.DataFrame:
    """The measurements that ``tests/oracles/analysis/growth.R`` made."""
    with (ORACLES / "growth.csv").open(encoding="utf-8", newline="") as file:
        data = pd.DataFrame(list(csv.DictReader(file)))
    for name in ("months", "score", "child_age"):
        data[name] = data[name].astype(float)
    data["single"] = data["single"] == "TRUE"
    return data if both_respondents else data[data["respondent"] == "first_parent"].reset_index(drop=True)


def simulated(
    rng: np.random.Generator,
    *,
    sizes: dict[str, int],
    moments: tuple[float, ...] = (0, 1, 2, 3, 4, 6, 8, 10, 12),
    start: float = 26.0,
    slopes: dict[str, float] | None = None,
    family_sd: float = 3.0,
    slope_sd: float = 0.25,
    residual_sd: float = 2.0,
) -> pd.DataFrame:
    """Gaussian courses with known coefficients: slope per organisation, random level and slope."""
    slopes = slopes or dict.fromkeys(sizes, -0.4)
    organisations = np.repeat(list(sizes), list(sizes.values()))
    n, k = len(organisations), len(moments)
    months = np.tile(np.asarray(moments, dtype=float), n)
    own = np.repeat(np.array([slopes[key] for key in organisations]) + rng.normal(0, slope_sd, n), k)
    level = np.repeat(start + rng.normal(0, family_sd, n), k)
    return pd.DataFrame(
        {
            "family": np.repeat([f"f{number:04d}" for number in range(n)], k),
            "episode": "1",
            "organisation": np.repeat(organisations, k),
            "worker": None,
            "respondent": "first_parent",
            "months": months,
            "score": level + own * months + rng.normal(0, residual_sd, n * k),
        }
    )
