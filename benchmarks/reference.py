"""One organisation is far off: who else is named, and what do other ways of computing say? Known truths.

    python benchmarks/reference.py --write      # writes benchmarks/reference.md
    python benchmarks/reference.py --runs 40    # quicker, coarser, to the screen only

Six or twelve organisations whose families change alike, but for one; compared with the mean and with the
median of the organisations. The small version is a test
(tests/analysis/organisations/test_organisation_robustness.py,
tests/statistics/providers/test_reference_difference.py).
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import t as student_t

from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.robustness.alternative_models import VARIANTS, Setting, ways_of
from mpg_research.analysis.robustness.same_conclusion import judge
from mpg_research.errors import ModelError
from mpg_research.statistics.providers.reference_difference import differences_from_reference
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

MONTH, LEVEL = 12.0, 0.95
MONTHS = np.arange(13.0)
SIZES = {6: (12, 16, 20, 25, 40, 70), 12: (12, 14, 16, 18, 20, 25, 25, 30, 35, 40, 50, 70)}
#: Standard deviation of the true changes of families.
CHANGE_SD = 4.0


@dataclass(frozen=True, slots=True)
class Truth:
    """So many organisations, one of which changes by so many standard deviations more."""

    organisations: int
    outlier: float
    which: str = "largest"

    @property
    def name(self) -> str:
        far = f"the {self.which} is {self.outlier:g} SD better" if self.outlier else "all alike"
        return f"{self.organisations} organisations, {far}"


TRUTHS = (
    *(Truth(number, far) for number in (6, 12) for far in (0.0, 1.0, 1.5, 2.0)),
    Truth(6, 2.0, "smallest"),
)


def simulate(truth: Truth, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Scores of families that improve fast at first, by an amount of their own; true changes at month 12."""
    rng = np.random.default_rng([42, seed, truth.organisations, round(10 * truth.outlier)])
    sizes = SIZES[truth.organisations]
    place = np.repeat(np.arange(len(sizes)), sizes)
    own = np.zeros(len(sizes))
    own[-1 if truth.which == "largest" else 0] = -truth.outlier * CHANGE_SD
    n, part = len(place), 1 - np.exp(-MONTHS / 3)
    amount = (own[place] + rng.normal(-5, CHANGE_SD, n)) / part[-1]
    score = rng.normal(60, 5, n)[:, None] + amount[:, None] * part + rng.normal(0, 2.6, (n, len(MONTHS)))
    seen = rng.random(score.shape) > 0.15
    seen[:, 0] = True
    family, wave = np.nonzero(seen)
    data = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(str)),
            "episode": "1",
            "organisation": np.array([f"k{number:02d}" for number in range(len(sizes))])[place[family]],
            "worker": None,
            "respondent": "first_parent",
            "months": MONTHS[wave],
            "score": score[family, wave],
        }
    )
    return data, own


def course_of(data: pd.DataFrame) -> CourseFrame:
    n = data["family"].nunique()
    return CourseFrame(
        data, SampleFlow((FlowStep("read", "read", len(data), n, n),)), "made", "raw", "declared", "first", ()
    )


def one_study(truth: Truth, seed: int, *, ways: bool) -> dict[str, float]:
    data, own = simulate(truth, seed)
    course = course_of(data)
    role = "fixed" if truth.organisations < 10 else "random"
    df = "kenward-roger" if role == "fixed" else "satterthwaite"
    setting = Setting(course, MONTH, "spline", role, df, LEVEL, "low", None)
    frame = prepare_frame(course, by_organisation=True, until=MONTH)
    effects = setting.effects_in(frame)
    outlier = {key for key, value in zip(effects.keys, own, strict=True) if value}
    result: dict[str, float] = {}
    for reference in ("mean", "median"):
        verdict = judge(effects, level=LEVEL, reference=reference)
        found = differences_from_reference(effects.raw, effects.own_covariance, reference=reference)
        centre = own.mean() if reference == "mean" else np.median(own)
        half = student_t.ppf(0.5 + LEVEL / 2, effects.df) * found.std_error
        result[f"{reference}: an innocent is named"] = float(bool(verdict.different - outlier))
        result[f"{reference}: the one far off is named"] = (
            float(outlier <= verdict.different) if outlier else np.nan
        )
        result[f"{reference}: intervals hold the truth"] = (
            np.abs(found.estimate - (own - centre)) <= half
        ).mean()
        result[f"{reference}: standard error"] = found.std_error.mean()
    if ways:
        result |= _other_ways(setting, frame, effects, outlier)
    return result


def _other_ways(setting, frame, effects, outlier) -> dict[str, float]:
    primary = setting.judge(effects)
    possible = ways_of(setting, frame, effects)
    found = [verdict for name in VARIANTS[1:] if (verdict := _try(possible[name])) is not None]
    without = {key: _try(lambda key=key: setting.judge_without([key], effects)) for key in effects.keys}
    others = [verdict for key, verdict in without.items() if verdict is not None and key not in outlier]
    return {
        "ways: the one far off stays named": np.mean([outlier <= verdict.different for verdict in found]),
        "ways: a named one is lost": np.mean([verdict.conclusion(primary) == "changed" for verdict in found]),
        "leaving one out: the one far off stays named": np.mean(
            [outlier <= verdict.different for verdict in others]
        ),
        "leaving one out: a named one is lost": np.mean(
            [v.conclusion(primary) == "changed" for v in without.values() if v is not None]
        ),
    }


def _try(way):
    try:
        return way()
    except ModelError:
        return None


def table(runs: int, jobs: int, *, ways: bool) -> pd.DataFrame:
    rows = []
    for truth in TRUTHS if not ways else (Truth(6, 2.0), Truth(6, 1.0)):
        found = Parallel(n_jobs=jobs)(delayed(one_study)(truth, seed, ways=ways) for seed in range(runs))
        means = pd.DataFrame(found).mean()
        if ways:
            means = means[[name for name in means.index if name.startswith(("ways", "leaving"))]]
        rows.append({"truth": truth.name, **means})
        print(f"  {truth.name}: done", flush=True)
    return pd.DataFrame(rows)


def markdown(found: pd.DataFrame, digits: int = 3) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    head = [str(column) for column in found.columns]
    body = [[cell(value) for value in row] for row in found.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=400, help="studies per row")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write benchmarks/reference.md")
    given = parser.parse_args()
    few = max(given.runs // 8, 5)
    text = "\n".join(
        [
            "# One organisation is far off: who else is named?",
            "",
            f"Made by `python benchmarks/reference.py --runs {given.runs} --write`: {given.runs} simulated "
            "studies a row (synthetic families, none exists). Monthly scores over a year; families "
            "improve by an amount of their own (SD 4 points), fast at first; one organisation by 1 to 2 of "
            "those SDs more. Named is who differs from the reference after Holm's correction (.05), without "
            "a joint test before it. An innocent is every organisation but the one that is far off: with the "
            "mean as reference it truly differs from it, if there is one far off, since that one pulls the "
            "mean. Intervals hold the true difference from the reference stated.",
            "",
            markdown(table(given.runs, given.jobs, ways=False)),
            "",
            "## What other ways of computing say",
            "",
            f"{few} studies a row; reference: the mean. Share of the ways (of the organisations left out).",
            "",
            markdown(table(few, given.jobs, ways=True)),
            "",
        ]
    )
    print(text)
    if given.write:
        (Path(__file__).parent / "reference.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
