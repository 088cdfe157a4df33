"""Is the comparison of organisations fair? Simulated studies whose truth is known.

    python benchmarks/fairness.py               # prints the tables and writes benchmarks/fairness.md
    python benchmarks/fairness.py --runs 20     # quicker, coarser, to the screen only

Asks: with no true differences, how many organisations lie beyond each line; with a true spread, how many
beyond the lines that allow for it; do rank sets hold the true ranks; with case mix confounded by
construction, is the adjusted comparison unbiased and the unadjusted one not; and where courses bend
differently, do intervals hold the change at every month? The small version of each question is a test
(tests/analysis/organisations/test_organisation_comparison.py and test_organisation_bends.py,
tests/statistics/providers/test_fair_comparison.py).
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.organisations.effects import OrganisationEffects, effects_of
from mpg_research.statistics.providers.funnel import make_funnel
from mpg_research.statistics.providers.rank_confidence_sets import rank_confidence_sets
from mpg_research.statistics.providers.ranks import draw_effects, rank_probabilities
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

MONTH = 12.0
SLOPE, FAMILY, FAMILY_SLOPE, RESIDUAL = -0.4, 3.0, 0.25, 2.0
MOMENTS = np.array([0, 1, 2, 3, 4, 6, 8, 10, 12], dtype=float)


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of study."""

    name: str
    organisations: int
    families: int
    role: str
    slope_sd: float = 0.0


SETTINGS = (
    Setting("6 equal organisations, fixed effects", 6, 240, "fixed"),
    Setting("20 equal organisations, random effects", 20, 700, "random"),
    Setting("60 equal organisations, random effects", 60, 2000, "random"),
    Setting("20 organisations that differ (SD 1.2 points at 12 months)", 20, 700, "random", 0.1),
    Setting("60 organisations that differ (SD 1.2 points at 12 months)", 60, 2000, "random", 0.1),
)


def simulate(
    rng: np.random.Generator, setting: Setting, *, confounded: bool = False
) -> tuple[pd.DataFrame, np.ndarray]:
    """Scores, and the true change of every organisation for the average family."""
    g = setting.organisations
    share = rng.uniform(0.4, 1.6, g)
    place = np.sort(
        np.concatenate([np.arange(g), rng.choice(g, setting.families - g, p=share / share.sum())])
    )
    own = rng.normal(0, setting.slope_sd, g)
    n = setting.families
    single = (rng.random(n) < (0.1 + 0.8 * place / (g - 1) if confounded else 0.4)).astype(float)
    level = 26 + rng.normal(0, FAMILY, n) + 2 * single
    slope = SLOPE + own[place] + rng.normal(0, FAMILY_SLOPE, n) + 0.2 * single
    seen = rng.random((n, MOMENTS.size)) > 0.2
    seen[:, 0] = True
    family, moment = np.nonzero(seen)
    score = level[family] + slope[family] * MOMENTS[moment] + rng.normal(0, RESIDUAL, family.size)
    data = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(str)),
            "episode": "1",
            "organisation": np.array([f"k{number:03d}" for number in range(g)])[place[family]],
            "worker": None,
            "respondent": "first_parent",
            "months": MOMENTS[moment],
            "score": score,
            "single": single[family],
        }
    )
    return data, own * MONTH


def analyse(
    data: pd.DataFrame, role: str, *, adjusted: bool = True, shape: str = "linear", month: float = MONTH
) -> OrganisationEffects:
    n = data["family"].nunique()
    step = FlowStep("read", "read", len(data), n, n)
    case_mix = ("single",) if adjusted else ()
    course = CourseFrame(data, SampleFlow((step,)), "made", "raw", "declared", "first", case_mix)
    frame = prepare_frame(course, by_organisation=True)
    model = fit_growth(
        frame, shape=shape, organisation=role, df="kenward-roger" if role == "fixed" else "normal"
    )
    return effects_of(model, month, better="low")


def lines(setting: Setting, seed: int) -> dict[str, float]:
    """Shares beyond the lines, and whether ranks are held, in one study."""
    data, truth = simulate(np.random.default_rng([5, seed, setting.organisations]), setting)
    found = analyse(data, setting.role)
    covariance = found.own_covariance
    funnel = make_funnel(found.raw, covariance, df=found.df)
    result = {
        "beyond plain 95": funnel.beyond(0.95, adjusted=False).mean(),
        "beyond plain 99.8": funnel.beyond(0.998, adjusted=False).mean(),
        "beyond 95": funnel.beyond(0.95).mean(),
        "beyond 99.8": funnel.beyond(0.998).mean(),
        "any beyond false discovery": float(funnel.false_discovery.flagged.any()),
    }
    if setting.slope_sd:
        rank = np.argsort(np.argsort(truth)) + 1
        one, every = (
            rank_confidence_sets(found.raw, covariance, simultaneous=together, n_draws=1000, rng=seed)
            for together in (False, True)
        )
        draws = draw_effects(found.shrunken, found.shrunken_covariance, n_draws=1000, rng=seed)
        posterior = rank_probabilities(draws)
        result["rank set holds"] = ((one.low <= rank) & (rank <= one.high)).mean()
        result["all rank sets hold"] = float(((every.low <= rank) & (rank <= every.high)).all())
        result["posterior ranks hold"] = ((posterior.rank_low <= rank) & (rank <= posterior.rank_high)).mean()
        error = found.raw - found.raw.mean() - (truth - truth.mean())
        shrunken = found.shrunken - found.shrunken.mean() - (truth - truth.mean())
        result["root mean square error, raw"] = float(np.mean(error**2))
        result["root mean square error, shrunken"] = float(np.mean(shrunken**2))
    return result


def confounding(setting: Setting, seed: int) -> dict[str, np.ndarray]:
    """Errors of the differences from the mean, in the order of the share of single parents."""
    data, truth = simulate(np.random.default_rng([6, seed, setting.organisations]), setting, confounded=True)
    errors = {}
    for name, adjusted in (("adjusted", True), ("unadjusted", False)):
        found = analyse(data, setting.role, adjusted=adjusted)
        errors[name] = found.raw - found.raw.mean() - (truth - truth.mean())
    return errors


#: Spread between organisations of the gain in the first months, in points.
BENDS = (0.0, 0.5, 1.0)


def bends(early_sd: float, seed: int) -> dict[str, float]:
    """Whether intervals hold the true differences at several months, with a curve and with a line."""
    rng = np.random.default_rng([7, seed, round(10 * early_sd)])
    g, moments = 20, np.arange(0.0, 13.0)
    place = np.repeat(np.arange(g), 35)
    slope, early, n = rng.normal(0, 0.06, g), rng.normal(0, early_sd, g), len(place)
    gain = 1 - np.exp(-moments / 3)
    level, own = 26 + rng.normal(0, FAMILY, n), -0.2 + slope[place] + rng.normal(0, FAMILY_SLOPE, n)
    score = level[:, None] + own[:, None] * moments + (early[place] - 3)[:, None] * gain
    family = np.repeat(np.arange(n), moments.size)
    data = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(str)),
            "episode": "1",
            "organisation": np.array([f"k{number:03d}" for number in range(g)])[place[family]],
            "worker": None,
            "respondent": "first_parent",
            "months": np.tile(moments, n),
            "score": score.ravel() + rng.normal(0, RESIDUAL, score.size),
        }
    )
    result = {}
    for shape in ("spline", "linear"):
        for month in (3.0, 6.0, 12.0):
            found = analyse(data, "random", adjusted=False, shape=shape, month=month)
            truth = slope * month + early * (1 - np.exp(-month / 3))
            error = found.raw - found.raw.mean() - (truth - truth.mean())
            result[f"{shape}, month {month:g}"] = (np.abs(error) < 1.96 * found.std_error).mean()
    return result


def repeat(
    run: Callable[..., dict[str, object]], setting: Setting | float, runs: int, jobs: int
) -> list[dict[str, object]]:
    done: list[dict[str, object]] = Parallel(n_jobs=jobs)(delayed(run)(setting, seed) for seed in range(runs))
    return done


def line_table(runs: int, jobs: int) -> pd.DataFrame:
    columns = {}
    for setting in SETTINGS:
        found = pd.DataFrame(repeat(lines, setting, runs, jobs)).mean()
        roots = [name for name in found.index if name.startswith("root")]
        found[roots] = np.sqrt(found[roots])
        columns[setting.name] = found
        print(f"  {setting.name}: done", flush=True)
    return pd.DataFrame(columns)


def confounding_table(runs: int, jobs: int) -> pd.DataFrame:
    rows = []
    for setting in (SETTINGS[0], SETTINGS[1]):
        found = repeat(confounding, setting, runs, jobs)
        for name in ("adjusted", "unadjusted"):
            errors = np.array([run[name] for run in found])
            bias = errors.mean(axis=0)
            noise = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
            few, many = bias[: len(bias) // 3].mean(), bias[-(len(bias) // 3) :].mean()
            rows.append(
                {
                    "study": setting.name,
                    "comparison": name,
                    "bias, third with fewest single parents": few,
                    "bias, third with most": many,
                    "largest bias of one organisation": bias[np.abs(bias).argmax()],
                    "its simulation error": noise[np.abs(bias).argmax()],
                }
            )
    return pd.DataFrame(rows)


def bend_table(runs: int, jobs: int) -> pd.DataFrame:
    rows = [
        {
            "spread of the early gain, points": early_sd,
            **pd.DataFrame(repeat(bends, early_sd, runs, jobs)).mean(),
        }
        for early_sd in BENDS
    ]
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, digits: int = 3) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    head = [str(column) for column in table.columns]
    body = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    lines_ = [" | ".join(row) for row in [head, ["---"] * len(head), *body]]
    return "\n".join(f"| {line} |" for line in lines_)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--runs", type=int, default=0, help="studies per setting (default: 1,000, written to file)"
    )
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    runs = given.runs or 1000
    shares = line_table(runs, given.jobs)
    transposed = shares.T.rename_axis("study").reset_index()
    bias = confounding_table(runs, given.jobs)
    bent = bend_table(max(runs // 5, 1), given.jobs)
    text = "\n".join(
        [
            "# Is the comparison of organisations fair?",
            "",
            f"Made by `python benchmarks/fairness.py`: {runs:,} simulated studies per row. A share of .05 "
            f"of {runs:,} studies is known to within {1.96 * (0.05 * 0.95 / runs) ** 0.5:.3f}; shares of "
            "organisations more exactly.",
            "",
            "## Lines and ranks",
            "",
            "Expected of equal organisations: .05 beyond the plain 95 % limits and .002 beyond the plain "
            "99.8 % limits; at most .05 of the studies with any organisation beyond the false-discovery "
            "line. Expected of organisations that differ: the same shares beyond the limits that allow for "
            "their estimated spread (beyond 95, beyond 99.8). Of rank sets: at least .95.",
            "",
            markdown(transposed),
            "",
            "## Confounded case mix",
            "",
            "Equal organisations; the share of single parents runs from .1 to .9, and single parents change "
            "2.4 points less in 12 months. Bias of the difference from the mean, in points.",
            "",
            markdown(bias, 2),
            "",
            "## Courses that bend differently",
            "",
            f"20 organisations, random effects, {max(runs // 5, 1)} studies per row. Families gain in the "
            "first months, at some organisations more than at others. Share of the 95 % intervals of the "
            "difference from the mean that hold the truth: with the curve (the default, where organisations "
            "have a bend of their own) and with a straight line.",
            "",
            markdown(bent, 2),
            "",
        ]
    )
    print(text)
    if not given.runs:
        (Path(__file__).parent / "fairness.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
