"""Do the default growth model's tests and intervals hold their rates where its truth is not the model's?

Draws studies in which organisations do not differ (in one scenario they do) from the simulated courses of
``course_truths.py``, fits the default comparison and the default mean course to each, and counts:

    python benchmarks/defaults.py                     # prints the table and writes benchmarks/defaults.md
    python benchmarks/defaults.py --runs 100          # quicker, coarser, to the screen only
    python benchmarks/defaults.py --only "one jump"   # one scenario
    python benchmarks/defaults.py --save rows.csv     # keeps every study; again: goes on where it stopped
    python benchmarks/defaults.py --from rows.csv     # the page anew, from the figures that were kept

The small version is a test (tests/analysis/growth/test_default_growth_model.py).
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from course_truths import MONTHS, SCENARIOS, Scenario, simulate
from joblib import Parallel, delayed
from scipy import special

from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.model_frame import ModelFrame, prepare_frame
from mpg_research.analysis.organisations.compare import MANY_ORGANISATIONS
from mpg_research.analysis.organisations.effects import many_organisations
from mpg_research.analysis.organisations.random_effects_tables import joint_test
from mpg_research.statistics import holm
from mpg_research.study.config.sections import AnalysisConfig
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

PRIMARY = MONTHS[-1]
ALPHA = 0.05
#: Studies between two savings.
AT_ONCE = 50
#: With fewer studies than this a row says how rough it is.
ENOUGH = 1000


def frame_of(data: pd.DataFrame, scenario: Scenario, *, by_organisation: bool) -> ModelFrame:
    """The measurements as the analyses take them."""
    n = data["family"].nunique()
    step = FlowStep("read", "read", len(data), n, len(data[["family", "episode"]].drop_duplicates()))
    case_mix = ("single",) if scenario.case_mix and by_organisation else ()
    respondents = "all" if scenario.second_parent else "declared"
    episodes = "all" if scenario.episodes else "first"
    course = CourseFrame(data, SampleFlow((step,)), "made", "raw", respondents, episodes, case_mix)
    return prepare_frame(
        course,
        by_organisation=by_organisation,
        until=PRIMARY,
        minimum_measured=AnalysisConfig().minimum_measured,
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What a comparison says: estimates and covariances at each of ``MONTHS``, df (organisations, months)."""

    estimate: np.ndarray
    covariance: list[np.ndarray]
    df: np.ndarray
    difference_df: np.ndarray
    joint_p: float


def few(model: GrowthModel) -> Answers:
    """As ``organisation_tables`` does with organisations as fixed effects."""
    rows = model.organisation_rows(list(MONTHS)) - model.organisation_rows([0.0])
    apart = rows - rows.mean(axis=0)
    g, months, p = rows.shape
    own, other = (model.estimate(part.reshape(-1, p)) for part in (rows, apart))
    covariance = model.fit.inference.covariance
    return Answers(
        own["estimate"].to_numpy(float).reshape(g, months),
        [rows[:, place] @ covariance @ rows[:, place].T for place in range(months)],
        own["df"].to_numpy(float).reshape(g, months),
        other["df"].to_numpy(float).reshape(g, months),
        model.fit.test(apart[:, -1]).p_value,
    )


def many(model: GrowthModel) -> Answers:
    """As ``organisations_many`` does with organisations as random effects."""
    found = many_organisations(model)
    changes = [found.change(model, month, shrink=False) for month in MONTHS]
    joint = joint_test(model, found, PRIMARY).data.set_index("effect").loc["organisation:months", "p_value"]
    estimate = np.column_stack([change for change, _ in changes])
    df = np.full(estimate.shape, found.df)
    return Answers(estimate, [covariance for _, covariance in changes], df, df, float(joint))


def compared(data: pd.DataFrame, truth: np.ndarray, scenario: Scenario) -> dict[str, float]:
    """What the comparison of one study says, against the truth (organisations, months)."""
    frame = frame_of(data, scenario, by_organisation=True)
    randomly = len(frame.organisations) >= MANY_ORGANISATIONS
    role, rule = ("random", "satterthwaite") if randomly else ("fixed", "kenward-roger")
    model = fit_growth(frame, organisation=role, df=rule)
    answers = many(model) if randomly else few(model)
    # Where help ends early an organisation may be left out: it was not followed up to the primary month.
    keys = sorted(data["organisation"].unique())
    places = [keys.index(key) for key in frame.organisations.values()]
    truth, g = truth[places], len(places)
    centre = np.eye(g) - 1 / g
    found = {"joint": float(answers.joint_p < ALPHA), "converged": float(model.converged)}
    for place, month in enumerate(MONTHS):
        for name, contrast, df in (
            ("change", np.eye(g), answers.df),
            ("difference", centre, answers.difference_df),
        ):
            error = contrast @ (answers.estimate[:, place] - truth[:, place])
            spread = np.sqrt(np.diagonal(contrast @ answers.covariance[place] @ contrast.T))
            half = special.stdtrit(df[:, place], 0.975) * spread
            found[f"{name} bias {month:g}"] = float(error.mean())
            found[f"{name} covers {month:g}"] = float((np.abs(error) <= half).mean())
            found[f"{name} width {month:g}"] = float(2 * half.mean())
            if name == "difference":
                found |= {
                    f"error {key} {month:g}": float(value) for key, value in zip(places, error, strict=True)
                }
                statistic = np.abs(contrast @ answers.estimate[:, place]) / spread
                p_values = 2 * special.stdtr(df[:, place], -statistic)
                once = g == 2  # two differences, but one question
                named = p_values if once else holm(p_values)
                found["named"] = float((named < ALPHA).any())
    return found


def averaged(data: pd.DataFrame, truth: np.ndarray, scenario: Scenario) -> dict[str, float]:
    """What the mean course of one study says."""
    frame = frame_of(data, scenario, by_organisation=False)
    model = fit_growth(frame)
    rows = model.mean_rows([0.0, *MONTHS])
    table = model.estimate(rows[1:] - rows[:1])
    target = np.average(truth, axis=0, weights=scenario.sizes)
    inside = (table["conf_low"].to_numpy(float) <= target) & (target <= table["conf_high"].to_numpy(float))
    found = {}
    for place, month in enumerate(MONTHS):
        found[f"mean bias {month:g}"] = float(table["estimate"].iloc[place] - target[place])
        found[f"mean covers {month:g}"] = float(inside[place])
    return found


def one_run(scenario: Scenario, seed: int) -> dict[str, float | str]:
    """Everything counted in one simulated study."""
    data, truth = simulate(scenario, seed)
    return (
        {"scenario": scenario.name, "seed": seed}
        | compared(data, truth, scenario)
        | averaged(data, truth, scenario)
    )


def measure(scenario: Scenario, seeds: list[int], jobs: int) -> pd.DataFrame:
    return pd.DataFrame(Parallel(n_jobs=jobs)(delayed(one_run)(scenario, seed) for seed in seeds))


def kept(file: str) -> pd.DataFrame:
    """The figures of earlier calls; none where there is no file."""
    return pd.read_csv(file) if file and Path(file).exists() else pd.DataFrame(columns=["scenario", "seed"])


HEADINGS = (
    "true courses",
    "studies",
    "joint test rejects",
    "any named (Holm)",
    "difference covers 6 / 12",
    "bias of differences 6 / 12",
    "change covers 6 / 12",
    "bias of changes 6 / 12",
    "width of 12-month difference",
    "mean course covers 6 / 12",
    "bias of mean course 6 / 12",
    "converged",
)


def as_markdown(runs: pd.DataFrame) -> str:
    """The page benchmarks/defaults.md."""
    lines = [
        "# The default growth model under truths that are not its own",
        "",
        "Made by `python benchmarks/defaults.py`; synthetic data, courses of "
        "`benchmarks/course_truths.py`. Organisations do not differ (but in the row that says so), "
        "so a joint test at the primary month (12) should reject in .05 of the studies and no "
        "organisation should be named; intervals of 95 % should hold the truth in .95. Monthly "
        "scores over a year, 15 % missed, six organisations of 12 to 70 families unless the row "
        "says otherwise. Biases are in points, where the true fall at 12 months is 4 to 5 points "
        "and the spread of families' levels 5; that of differences is the root mean square over "
        "organisations, less what chance adds to it in so many studies. A joint test that rejects "
        "in less than .03 is conservative: it may miss a difference, never invent one.",
        "",
        "Monte Carlo standard error at 1,000 studies: .007 of a rate of .05; coverages are means over the "
        "organisations of a study.",
        *_rough(runs),
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---|" + "--:|" * (len(HEADINGS) - 1),
    ]
    for name in dict.fromkeys(runs["scenario"]):
        mine = runs[runs["scenario"] == name]
        mean = mine.drop(columns="scenario").mean()
        bias = []
        for month in MONTHS:
            errors = mine[[c for c in mine if c.startswith("error ") and c.endswith(f" {month:g}")]].dropna(
                axis=1
            )
            excess = float((errors.mean() ** 2 - errors.var() / errors.count()).mean())
            bias.append(_number(np.sqrt(max(excess, 0.0)), 2))
        cells = [
            name,
            str(len(mine)),
            _number(mean["joint"], 3),
            _number(mean["named"], 3),
            _both(mean, "difference covers"),
            " / ".join(bias),
            _both(mean, "change covers"),
            _both(mean, "change bias", 2),
            _number(mean["difference width 12"], 2),
            _both(mean, "mean covers"),
            _both(mean, "mean bias", 2),
            _number(mean["converged"], 3),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _rough(runs: pd.DataFrame) -> list[str]:
    """What to think of rows with few studies."""
    least = int(runs.groupby("scenario").size().min())
    if least >= ENOUGH:
        return []
    error = np.sqrt(ALPHA * (1 - ALPHA) / least)
    return [
        "",
        f"**Preliminary: rows with fewer than {ENOUGH:,} studies are rough.** With {least}, the fewest "
        f"here, the standard error of a rate of .05 is {_number(float(error), 3)}, and a bias of "
        "differences cannot be told from chance.",
    ]


def _both(mean: pd.Series, prefix: str, digits: int = 3) -> str:
    return " / ".join(_number(mean[f"{prefix} {month:g}"], digits) for month in MONTHS)


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000, help="studies per scenario")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    parser.add_argument("--only", default="", help="scenarios whose name holds this text")
    parser.add_argument("--save", default="", help="CSV file of every study's figures, to go on from")
    parser.add_argument(
        "--from", dest="source", default="", help="figures kept by --save, instead of simulating"
    )
    options = parser.parse_args()
    if options.source:
        runs = pd.read_csv(options.source)
    else:
        runs = kept(options.save)
        for scenario in SCENARIOS:
            if options.only not in scenario.name:
                continue
            start = time.perf_counter()
            done = set(runs.loc[runs["scenario"] == scenario.name, "seed"])
            left = [seed for seed in range(options.runs) if seed not in done]
            for first in range(0, len(left), AT_ONCE):
                found = measure(scenario, left[first : first + AT_ONCE], options.jobs)
                runs = pd.concat([runs, found], ignore_index=True)
                if options.save:
                    # Whole or not at all: a run that is stopped here must not lose hours of work.
                    beside = f"{options.save}.new"
                    runs.to_csv(beside, index=False)
                    os.replace(beside, options.save)
            print(f"{scenario.name}: {time.perf_counter() - start:.0f} s", flush=True)
    page = as_markdown(runs)
    print(page)
    if options.source or (options.runs >= 1000 and not options.only):
        Path(__file__).with_name("defaults.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
