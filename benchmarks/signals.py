"""Does "off track" foretell a bad end better than "reliably worse than at intake", with as many alarms?

Six scenarios and their seeds are fixed here beforehand, 60 simulated studies each; in one of them nobody
truly changes. In every study each family is judged by models and limits that saw nothing of its organisation,
by the functions that ``signals`` and ``evaluate_signals`` use. Compared are

- as shown: off track as shown by default, beside the change since intake, and beside the deviation from the
  expected band, each with a limit of its own that alarms exactly as many families;
- as many as naive: the naive rule at 1.96 standard errors, beside the chance of a bad end with a limit that
  alarms exactly as many families;
- one measurement: the concordance of the chance and of the change since intake with the end, at the last
  measurement up to months 3, 6 and 9.

What was chosen (how far the forecast looks, no slopes by case mix in small studies, no recalibration) was
chosen on studies with other seeds (500000 to 777999). The result is written whichever way it comes out.

Run it with ``python benchmarks/signals.py --write``; it takes about six minutes on one core.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.families.courses import read_courses
from mpg_research.analysis.monitoring.expectation_model import code_case_mix, cross_fit
from mpg_research.analysis.monitoring.expectation_scores import given_intake
from mpg_research.analysis.monitoring.foretold import EndForecast, ended_courses, predict_bad_end
from mpg_research.analysis.monitoring.limits import chance_limits, learnt_limits
from mpg_research.analysis.monitoring.performance import landmark_waves
from mpg_research.analysis.monitoring.rules import (
    alarm_quality,
    highest_value,
    limit_for_share,
    summarise_courses,
)
from mpg_research.analysis.monitoring.signals import FALSE_ALARMS
from mpg_research.simulate.study import simulate_study
from mpg_research.statistics.forecasts.concordance import compare_concordance
from mpg_research.study import load_study

STUDIES_PER_SCENARIO = 60
FIRST_SEED = 88_000_000
FAMILIES = 180
ORGANISATIONS = 6
LAST_MONTH = 18
INTAKE_SD, ERROR_SD, RELIABILITY = 4.5, 3.2, 0.77
Floats = NDArray[np.float64]
Course = Callable[[np.random.Generator, int, Floats], Floats]


def mixed_courses(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """A third improve early, a third slowly, a quarter stand still, the rest get worse."""
    kind = rng.choice(4, size=n, p=[0.33, 0.33, 0.25, 0.09])
    size = rng.uniform(4, 9, n)[:, None]
    early = -size * (1 - np.exp(-months / 2.5))
    slow = -size * (1 - np.exp(-months / 10))
    worse = 0.8 * size * (1 - np.exp(-months / 6))
    return np.choose(kind[:, None], [early, slow, np.zeros_like(early), worse])


def nobody_changes(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """No true change in any family."""
    return np.zeros((n, len(months)))


def straight_lines(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """Every family its own straight line."""
    return rng.normal(-0.30, 0.35, (n, 1)) * months


def relapses(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """Early improvement that four in ten families lose again, at a moment of their own."""
    gain = -rng.uniform(3, 8, (n, 1)) * (1 - np.exp(-months / 2))
    moment, falls = rng.uniform(4, 12, (n, 1)), rng.random((n, 1)) < 0.4
    back = np.clip((months - moment) / 3, 0, 1.2)
    return np.where(falls, gain * (1 - back), gain)


def swings_that_carry_over(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """A straight line, and true swings around it that carry over from month to month (correlation 0.8)."""
    swing = np.empty((n, len(months)))
    swing[:, 0] = rng.normal(0, 2.6, n)
    for month in range(1, len(months)):
        swing[:, month] = 0.8 * swing[:, month - 1] + rng.normal(0, 2.6 * 0.6, n)
    return rng.normal(-0.2, 0.25, (n, 1)) * months + swing


SCENARIOS: dict[str, Course | None] = {
    "mixed courses": mixed_courses,
    "nobody changes": nobody_changes,
    "straight lines": straight_lines,
    "relapses": relapses,
    "swings that carry over": swings_that_carry_over,
    "the example's simulator": None,
}


def simulate(course: Course, seed: int, families: int = FAMILIES) -> pd.DataFrame:
    """One study: monthly waves, a fifth missing, courses that end; scores are whole numbers of 10 to 40."""
    rng = np.random.default_rng(seed)
    months = np.arange(LAST_MONTH + 1.0)
    level = rng.normal(24.5, INTAKE_SD, (families, 1))
    latent = level + course(rng, families, months)
    score = np.clip(np.rint(latent + rng.normal(0, ERROR_SD, latent.shape)), 10, 40)
    end = np.minimum(rng.geometric(0.08, families) + 2, LAST_MONTH)
    seen = (rng.random(score.shape) > 0.2) & (months <= end[:, None])
    seen[:, 0] = True
    who, wave = np.nonzero(seen)
    rows = pd.DataFrame({"course": who, "months": months[wave], "score": score[who, wave]})
    rows["truth"] = latent[who, wave]
    rows["organisation"] = (who % ORGANISATIONS).astype(str)
    enough = rows.groupby("course")["months"].transform("size") >= 3
    rows = rows[enough].reset_index(drop=True)
    rows["course"] = rows.groupby("course").ngroup()
    rows["wave"] = rows.groupby("course").cumcount()
    return rows.assign(ended=True)


def simulate_like_the_example(seed: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """One study of ten ordinal items, unequal organisations, case mix, and ends that depend on the scores."""
    with tempfile.TemporaryDirectory() as folder:
        simulate_study(Path(folder) / "study", seed=seed, families=FAMILIES, truth_families=0)
        study = load_study(Path(folder) / "study")
    courses = read_courses(study, respondents="declared", case_mix=study.config.analysis.case_mix)
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    ended, _ = ended_courses(study, courses.units)
    return rows.assign(ended=ended[rows["course"].to_numpy()]), columns


def compare(rows: pd.DataFrame, columns: tuple[str, ...] = ()) -> list[dict[str, float | str]]:
    """All comparisons in one study, one row each."""
    part = rows["organisation"].to_numpy(dtype=str)
    deviation = _beyond_expected(rows, columns, part)
    foretold = predict_bad_end(
        rows.assign(deviation=deviation), columns, part, by="organisations", sign=-1.0, margin=0.0,
        ended=rows["ended"].to_numpy(dtype=bool),
    ).only_judged()  # fmt: skip
    mine = foretold.rows
    first = mine.groupby("course")["score"].transform("first")
    rise = (mine["score"] - first).to_numpy(dtype=float)
    intake = float(rows.loc[rows["wave"] == 0, "score"].std(ddof=1))
    naive = rise > 1.96 * np.sqrt(2 * (1 - RELIABILITY)) * intake
    shown = foretold.chance >= chance_limits(foretold, FALSE_ALARMS)[0]
    n_shown, n_naive = (int(summarise_courses(mine, alarm)["alarmed"].sum()) for alarm in (shown, naive))
    ends = {"observed": foretold.bad[mine["wave"].to_numpy() == 0]}
    if "truth" in mine:
        ends["true"] = _truly_bad(mine)
    found: list[dict[str, float | str]] = []
    for outcome, bad in ends.items():
        found += [
            _quality("as shown", outcome, "ours", mine, shown, bad),
            _quality("as shown", outcome, "naive", mine, _top(mine, rise, n_shown), bad),
            _quality("as shown", outcome, "band", mine, _top(mine, mine["deviation"], n_shown), bad),
            _quality("as many as naive", outcome, "naive", mine, naive, bad),
            _quality("as many as naive", outcome, "ours", mine, _as_many(foretold, n_naive), bad),
        ]
        happened = bad[mine.groupby("course").ngroup().to_numpy()]
        for month in (3.0, 6.0, 9.0):
            at = landmark_waves(mine, month, since=month - 2.0)
            both = compare_concordance(foretold.chance[at], rise[at], happened=happened[at])
            for rule, value in (("ours", both.one), ("naive", both.other)):
                found.append(
                    {
                        "comparison": f"month {month:.0f}",
                        "outcome": outcome,
                        "rule": rule,
                        "concordance": value,
                    }
                )
    return found


def _beyond_expected(rows: pd.DataFrame, columns: tuple[str, ...], part: NDArray[np.str_]) -> Floats:
    """How far each score lies on the worse side of what is expected given intake, in standard deviations."""
    expected, variance = given_intake(rows, cross_fit(rows, columns, part))
    return np.asarray((rows["score"].to_numpy(dtype=float) - expected) / np.sqrt(variance))


def _top(rows: pd.DataFrame, values: pd.Series | Floats, number: int) -> NDArray[np.bool_]:
    """Alarms of exactly so many courses; ties are broken at random, the same way for every study."""
    loosened = np.asarray(values, dtype=float) + 1e-9 * np.random.default_rng(0).random(len(rows))
    highest = highest_value(rows, loosened)
    return loosened >= limit_for_share(highest, number / len(highest))


def _as_many(foretold: EndForecast, number: int) -> NDArray[np.bool_]:
    """Alarms of exactly so many courses by the chance, counted from limits learnt in the other parts."""
    share = number / foretold.rows["course"].nunique()
    limits = learnt_limits(foretold, foretold.training, lambda highest, bad: limit_for_share(highest, share))
    usable = np.clip(limits, 0, 1 - 1e-9)
    return _top(foretold.rows, _log_odds(foretold.chance) - _log_odds(usable), number)


def _log_odds(chance: Floats) -> Floats:
    inside = np.clip(chance, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)))


def _truly_bad(mine: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the score without error fell by less than a point."""
    grouped = mine.groupby("course")["truth"]
    return np.asarray((grouped.first() - grouped.last()).to_numpy(dtype=float) < 1.0)


def _quality(
    comparison: str,
    outcome: str,
    rule: str,
    rows: pd.DataFrame,
    alarm: NDArray[np.bool_],
    bad: NDArray[np.bool_],
) -> dict[str, float | str]:
    quality = alarm_quality(summarise_courses(rows, alarm), bad)
    return {
        "comparison": comparison,
        "outcome": outcome,
        "rule": rule,
        "alarmed": quality.n_alarmed / quality.n,
        "bad": quality.n_bad / quality.n,
        "sensitivity": quality.sensitivity[0],
        "specificity": quality.specificity[0],
        "positive_value": quality.positive_value[0],
        "negative_value": quality.negative_value[0],
        "lead_time": quality.lead_time,
        "alarms_per_family": quality.alarms_per_family,
    }


def run(studies: int = STUDIES_PER_SCENARIO, first_seed: int = FIRST_SEED) -> pd.DataFrame:
    """All comparisons, one row per study, comparison, outcome and rule."""
    pieces = []
    for number, (scenario, course) in enumerate(SCENARIOS.items()):
        for study in range(studies):
            seed = first_seed + 1000 * number + study
            rows, columns = (
                simulate_like_the_example(seed) if course is None else (simulate(course, seed), ())
            )
            pieces.append(pd.DataFrame(compare(rows, columns)).assign(scenario=scenario, study=study))
    return pd.concat(pieces, ignore_index=True)


def gain(mine: pd.DataFrame, column: str, other: str = "naive", digits: int = 3) -> str:
    """Mean difference ours minus the other rule, with its 95 % interval over the studies."""
    wide = mine.pivot(index="study", columns="rule", values=column)
    gap = (wide["ours"] - wide[other]).dropna()
    half = 1.96 * gap.std(ddof=1) / np.sqrt(len(gap))
    low, high = gap.mean() - half, gap.mean() + half
    return f"{gap.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})".replace("-", "−")


def table(results: pd.DataFrame) -> str:
    """Everything as Markdown."""
    parts = []
    for comparison, other, title in _TITLES:
        parts += [f"\n## {title}\n"]
        columns = ("sensitivity", "specificity", "positive_value")
        parts += [
            "| scenario | end | end badly | alarmed | sensitivity | difference | specificity | difference "
            "| alarms that come true | difference | months ahead |",
            "|" + "---|" * 11,
        ]
        chosen = results[results["comparison"] == comparison]
        for (scenario, outcome), mine in chosen.groupby(["scenario", "outcome"], sort=False):
            means = mine.groupby("rule").mean(numeric_only=True)
            ours, theirs = means.loc["ours"], means.loc[other]
            if ours["bad"] == 1:
                continue
            cells = [scenario, outcome, f"{ours['bad']:.0%}", f"{ours['alarmed']:.0%}"]
            for column in columns:
                cells += [f"{ours[column]:.3f} / {theirs[column]:.3f}", gain(mine, column, other)]
            cells.append(f"{ours['lead_time']:.1f} / {theirs['lead_time']:.1f}")
            parts.append("| " + " | ".join(cells) + " |")
    parts += [
        "\n## At one measurement\n",
        "How often a family that ends badly has the higher value than one that does not (concordance), at\n"
        "the last measurement in the two months up to month 3, 6 or 9: chance of a bad end / change since\n"
        "intake.\n",
        "| scenario | end | month 3 | difference | month 6 | difference | month 9 | difference |",
        "|" + "---|" * 8,
    ]
    for (scenario, outcome), mine in results.groupby(["scenario", "outcome"], sort=False):
        cells = [scenario, outcome]
        for month in (3, 6, 9):
            at = mine[mine["comparison"] == f"month {month}"]
            means = at.groupby("rule")["concordance"].mean()
            if at["concordance"].isna().all():
                break
            cells += [f"{means['ours']:.3f} / {means['naive']:.3f}", gain(at, "concordance")]
        else:
            parts.append("| " + " | ".join(cells) + " |")
    return "\n".join(parts)


_TITLES = (
    ("as shown", "naive", "Off track as shown, beside the change since intake with as many alarms"),
    (
        "as shown",
        "band",
        "Off track as shown, beside the deviation from the expected band with as many alarms",
    ),
    ("as many as naive", "naive", 'As many alarms as "reliably worse than at intake"'),
)


_INTRODUCTION = """# How well "off track" foretells a bad end

Made by `python benchmarks/signals.py --write`: {n} simulated studies ({studies} per scenario, seeds from
{seed}), {families} families each. Every family is judged by what was learnt without its organisation. It
counts as alarmed if any measurement between its first and its last is. Each cell: ours / the other rule; the
difference is ours minus the other, with its 95 % interval over the studies. Bad end: observed = last score no
better than at intake; true = the score without error fell by less than a point (where that is the end of all,
nothing can be told apart).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES_PER_SCENARIO, help="per scenario")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--write", action="store_true", help="write signals.md beside this file")
    asked = parser.parse_args()
    start = time.perf_counter()
    results = run(asked.studies, asked.first_seed)
    page = _INTRODUCTION.format(
        n=asked.studies * len(SCENARIOS), studies=asked.studies, seed=asked.first_seed, families=FAMILIES
    )
    page += table(results) + "\n"
    print(page)
    if asked.write:
        Path(__file__).with_name("signals.md").write_text(page, encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
