"""Do years of start that do not differ look as if they did? Simulated studies whose truth is known.

    python benchmarks/over_time.py --write      # writes benchmarks/over_time.md
    python benchmarks/over_time.py --runs 40    # quicker, coarser, to the screen only

Families start over four years at six organisations, are measured every month with gaps, and leave help by one
of several rules; the export comes in the middle of the fourth year. Beside what ``compare_cohorts`` says
stands the way of computing that it replaces: the residuals of the families who were still measured at the
month. The small version is a test (tests/analysis/organisations/test_over_time.py).
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import t as student_t

from mpg_research.analysis.cohorts.compare import compare_cohorts
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.statistics.run_chart_power import run_power, run_reach
from mpg_research.study import load_study
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame

MONTH, LAST = 12.0, 13
FIRST_DAY, EXPORT = pd.Timestamp("2021-01-01"), pd.Timestamp("2024-07-01")
DAYS = 365.25 / 12
STUDY = """[study]
name = "made"
title = "Made for a simulation"
synthetic = true
export_date = 2024-07-01
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "burden", respondent = "first_parent", episode = "1" }
[instruments.burden]
file = "burden.toml"
[analysis]
instrument = "burden"
months = [0, 6, 12]
primary_month = 12
"""
QUESTIONNAIRE = """key = "burden"
abbreviation = "BURDEN"
direction = "higher_is_worse"
source = "made for a simulation"
[name]
en = "Burden"
[items]
number = 40
total_only = true
minimum = 0
maximum = 3
"""


@dataclass(frozen=True, slots=True)
class Truth:
    """One kind of study: courses, how help ends, and what differs between years."""

    name: str
    course: str = "own speed"
    ends: str = "improved"
    growing: bool = False
    later_years: float = 0.0
    families: int = 300


TRUTHS = (
    Truth("nobody leaves", ends="never"),
    Truth("help ends on improvement"),
    Truth("help ends on improvement, straight courses", course="straight"),
    Truth("help ends on improvement, one organisation grows fast and is better", growing=True),
    Truth("help ends on worsening", ends="worse"),
    Truth("help ends on improvement, later years 2 points better", later_years=-2.0),
)


def simulate(truth: Truth, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Episodes and measurements of a study; scores have a mean near 60."""
    rng = np.random.default_rng([41, seed, TRUTHS.index(truth) if truth in TRUTHS else 99])
    n = truth.families
    start = FIRST_DAY + pd.to_timedelta(rng.integers(0, (EXPORT - FIRST_DAY).days - 30, n), unit="D")
    late = (start - FIRST_DAY).days.to_numpy() / (EXPORT - FIRST_DAY).days
    organisation = rng.integers(0, 6, n)
    if truth.growing:
        organisation = np.where(rng.random(n) < late**2, 0, rng.integers(1, 6, n))
    months = np.arange(LAST) + np.where(np.arange(LAST) > 0, rng.uniform(-0.2, 0.2, (n, LAST)), 0.0)
    level, amount = rng.normal(60, 5, (n, 1)), rng.normal(-5, 4, (n, 1))
    part = 1 - np.exp(-months / 3) if truth.course == "own speed" else months / MONTH
    at_end = 1 - np.exp(-MONTH / 3) if truth.course == "own speed" else 1.0
    shift = -3.0 * (organisation == 0) * truth.growing + truth.later_years * (late > 4 / 7)
    score = level + (amount + shift[:, None] / at_end) * part + rng.normal(0, 2.6, (n, LAST))
    seen = rng.random((n, LAST)) > 0.15
    seen[:, 0] = True
    last = _last_wave(truth, score, seen, rng)
    day = start.to_numpy()[:, None] + pd.to_timedelta((months * DAYS).ravel(), unit="D").to_numpy().reshape(
        n, LAST
    )
    seen &= (np.arange(LAST) <= last[:, None]) & (day <= EXPORT.to_datetime64())
    family, wave = np.nonzero(seen)
    names = np.array([f"f{number:04d}" for number in range(n)])
    measurements = pd.DataFrame(
        {
            "family": names[family],
            "date": pd.Series(day[family, wave]).dt.strftime("%Y-%m-%d"),
            "total": np.clip(np.round(score[family, wave]), 0, 120).astype(int),
        }
    )
    episodes = pd.DataFrame(
        {
            "family": names,
            "episode": "1",
            "organisation": np.array([f"k{number}" for number in range(6)])[organisation],
            "worker": "",
            "start": start.strftime("%Y-%m-%d"),
        }
    )
    return episodes, measurements


def _last_wave(truth: Truth, score: np.ndarray, seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The last wave in help: it ends with a chance that hangs on the last observed change."""
    n = len(score)
    last, open_, latest = np.full(n, LAST), np.ones(n, dtype=bool), score[:, 0].copy()
    for wave in range(1, LAST):
        latest = np.where(seen[:, wave], score[:, wave], latest)
        change = latest - score[:, 0]
        reason = {"never": np.zeros(n, bool), "improved": change < -3, "worse": change > 1}[truth.ends]
        leaves = open_ & reason & (rng.random(n) < 0.25)
        last[leaves], open_ = wave, open_ & ~leaves
    return last


def write_study(folder: Path, episodes: pd.DataFrame, measurements: pd.DataFrame) -> Study:
    """A study on disk, loaded as any other."""
    folder.mkdir(parents=True, exist_ok=True)
    episodes.to_csv(folder / "episodes.csv", index=False)
    measurements.to_csv(folder / "measurements.csv", index=False)
    (folder / "burden.toml").write_text(QUESTIONNAIRE, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return load_study(folder)


def of_those_who_stayed(study: Study) -> pd.DataFrame:
    """Change of those still measured at the month, less what one model expects of everybody: the old way."""
    model = fit_growth(prepare_frame(course_frame(study)))
    data = model.frame.data.assign(
        residual=model.fit.problem.y - model.fit.problem.x @ model.fit.solution.beta
    )
    early = data[data["months"] <= 1.5].groupby("family")["residual"].mean()
    late = data[(data["months"] - MONTH).abs() <= 1.5].groupby("family")["residual"].mean()
    start = study.tables["episodes"].set_index("family")["start"]
    change = (late - early).dropna()
    year = pd.to_datetime(start).dt.year.astype(str).loc[change.index]
    found = change.groupby(year).agg(["mean", "std", "size"])
    half = student_t.ppf(0.975, np.maximum(found["size"] - 1, 1)) * found["std"] / np.sqrt(found["size"])
    table = pd.DataFrame({"estimate": found["mean"], "conf_low": found["mean"] - half})
    return table.assign(conf_high=found["mean"] + half).reset_index(names="cohort")


def one_study(truth: Truth, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder), *simulate(truth, seed))
        found = compare_cohorts(study)
        old = of_those_who_stayed(study)
    rows = found.tables["all_by_cohort"].data
    each = found.tables["by_cohort"].data if "by_cohort" in found.tables else rows.iloc[:0]
    result = {
        "years compared": float(len(rows)),
        "intervals of a year exclude 0": _excludes(rows),
        "any year by Holm": float((rows["p_adjusted"] < 0.05).any()),
        "mean difference of the last year": float(rows["estimate"].iloc[-1]),
        "organisation and year: intervals exclude 0": _excludes(each) if len(each) else np.nan,
        "organisation and year: any by Holm": float((each["p_adjusted"] < 0.05).any()),
        "smallest df": float(pd.concat([rows["df"], each["df"]]).min()),
        "old way: intervals exclude 0": _excludes(old),
        "old way: mean of a year": float(old["estimate"].mean()),
    }
    if "run_signals" in found.tables:
        signals = found.tables["run_signals"].data.set_index("quantity")["value"]
        result["run chart: signal"] = float(signals["signal"])
    return result


def _excludes(rows: pd.DataFrame) -> float:
    return float(((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).mean())


def cohort_table(runs: int, jobs: int) -> pd.DataFrame:
    rows = []
    for truth in TRUTHS:
        found = Parallel(n_jobs=jobs)(delayed(one_study)(truth, seed) for seed in range(runs))
        means = pd.DataFrame(found).mean()
        means["smallest df"] = pd.DataFrame(found)["smallest df"].min()
        rows.append({"truth": truth.name, **means})
        print(f"  {truth.name}: done", flush=True)
    return pd.DataFrame(rows)


def power_table() -> pd.DataFrame:
    rows = []
    for points in (10, 12, 14, 16, 20, 24, 32, 40):
        reach = run_reach(points)
        row: dict[str, float] = {"points": points, "false alarms": run_power(points, 0.0).drift}
        for size in (1.5, 3.0):
            power = run_power(points, size)
            row |= {f"drift of {size:g} SD": power.drift, f"step of {size:g} SD": power.step}
        rows.append(row | {"drift seen in 80 of 100": reach.drift, "step seen in 80 of 100": reach.step})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, digits: int = 2) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    head = [str(column) for column in table.columns]
    body = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200, help="studies per row")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write benchmarks/over_time.md")
    given = parser.parse_args()
    text = "\n".join(
        [
            "# Do years of start that do not differ look as if they did?",
            "",
            f"Made by `python benchmarks/over_time.py --runs {given.runs} --write`: {given.runs} simulated "
            "studies a row (synthetic families, none exists). A share of .05 is known to within "
            f"{1.96 * (0.05 * 0.95 / given.runs) ** 0.5:.2f}; shares of years more exactly.",
            "",
            "300 families start over three and a half years at six organisations; monthly scores, help ends "
            "by the rule of the row with a chance of one in four a month. Years do not differ, but in the "
            "last row. Expected of years that do not differ: .05 of the intervals exclude 0, and at most .05 "
            "of the studies have any year by Holm's correction. The old way took the families who were still "
            "measured at the month and what is expected of everybody.",
            "",
            markdown(cohort_table(given.runs, given.jobs)),
            "",
            "## What a run chart could have seen",
            "",
            "Share of charts with a signal (Anhoej's rules) where the results move evenly from the first "
            "point to the last, or at once halfway; sizes in standard deviations of a single point. "
            "Computed by `mpg_research.statistics.run_chart_power`.",
            "",
            markdown(power_table()),
            "",
        ]
    )
    print(text)
    if given.write:
        (Path(__file__).parent / "over_time.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
