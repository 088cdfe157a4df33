"""Do families that stand still get something to act on in time, and do the chances on the page come true?

Simulated studies with seeds fixed here beforehand. None of the truths is our model: the example's simulator
(ten ordinal items, interventions, ends that depend on the scores) and four of the scenarios of
``benchmarks/signals.py``. Every family is judged by models, limits and corrections that saw nothing of its
organisation, by the functions that ``signals`` uses. Asked is

- of the families that truly stand still, how many are called (off track, or may be standing still: the page
  then has the menu) at their last measurement up to month 4, and how many ever up to then;
- of those that truly go well, how many are left alone;
- how steeply what happened follows each chance (calibration slope, 1: as foretold), and, of the chance of a
  bad end, how well it tells apart at month 6 (concordance);
- what the best limit on the same chance would reach if the truth were known (the most that a limit can do).

"Stand still" and "go well" are by the truth of each simulator: a class without change, and the classes that
improve (example, mixed courses); less than, and more than, a tenth of a point a month (straight lines); no
true change in anybody (nobody changes: there everybody stands still); back at the start at the end or not
(relapses; those are going well at month 4, so only the chances are judged there).

Run it with ``python benchmarks/talk.py --write``; 200 studies take about fifteen minutes on one core.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from signals import FAMILIES, SCENARIOS, Floats, simulate

from mpg_research.analysis.families.courses import read_courses
from mpg_research.analysis.monitoring.expectation_model import code_case_mix
from mpg_research.analysis.monitoring.foretold import EndForecast, ended_courses, predict_bad_end
from mpg_research.analysis.monitoring.limits import chance_limits, still_limits
from mpg_research.analysis.monitoring.performance import landmark_waves
from mpg_research.analysis.monitoring.signals import FALSE_ALARMS, LEAST_SCORES
from mpg_research.analysis.monitoring.wave_chances import (
    chances_at,
    folds_of_parts,
    learn_maps,
    wave_chances,
)
from mpg_research.simulate.study import simulate_study
from mpg_research.statistics.forecasts.calibration import calibrate
from mpg_research.statistics.forecasts.concordance import expected_concordance
from mpg_research.study import load_study
from mpg_research.study.config.talk import TalkConfig

STUDIES = 200
FIRST_SEED = 97_000_000
TALK = TalkConfig()
BY_MONTH = TALK.still_month + 0.5
EXAMPLE = "the example's simulator"
CHOSEN = (EXAMPLE, "mixed courses", "straight lines", "nobody changes", "relapses")
LOOK = {"sign": -1.0, "ahead": TALK.ahead, "recent": TALK.recent}


def example_study(seed: int) -> tuple[pd.DataFrame, tuple[str, ...], NDArray[np.str_]]:
    """One study of the example's simulator, and what is true of each wave's family."""
    with tempfile.TemporaryDirectory() as folder:
        simulate_study(Path(folder) / "study", seed=seed, families=FAMILIES, truth_families=0)
        study = load_study(Path(folder) / "study")
        truth = pd.read_csv(Path(folder) / "study" / "truth" / "families.csv", dtype=str)
    courses = read_courses(study, respondents="declared", case_mix=study.config.analysis.case_mix)
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    ended, _ = ended_courses(study, courses.units)
    names = {"none": "still", "fast": "well", "slow": "well"}
    keys = ["family", "episode"]
    kind = rows[keys].astype(str).merge(truth, on=keys, how="left")["course"].map(names).fillna("other")
    return rows.assign(ended=ended[rows["course"].to_numpy()]), columns, kind.to_numpy(dtype=str)


def made_study(scenario: str, seed: int) -> tuple[pd.DataFrame, tuple[str, ...], NDArray[np.str_]]:
    """One study of a scenario, and what is true of each wave's family."""
    course = SCENARIOS[scenario]
    assert course is not None
    rows = simulate(course, seed)
    grouped = rows.groupby("course")
    change = (grouped["truth"].transform("last") - grouped["truth"].transform("first")).to_numpy()
    pace = change / np.maximum(grouped["months"].transform("last").to_numpy(), 1.0)
    edge = 0.1 if scenario == "straight lines" else 1e-9
    kind = np.select([np.abs(pace) < edge, pace < 0], ["still", "well"], "other")
    return rows, (), np.full(len(rows), "other") if scenario == "relapses" else kind


def judge(rows: pd.DataFrame, columns: tuple[str, ...], kind: NDArray[np.str_]) -> dict[str, float]:
    """All figures of one study."""
    foretold = predict_bad_end(
        rows, columns, rows["organisation"].to_numpy(dtype=str), by="organisations", sign=-1.0, margin=0.0,
        ended=rows["ended"].to_numpy(dtype=bool),
    )  # fmt: skip
    limits, _ = chance_limits(foretold, FALSE_ALARMS)
    still, _ = still_limits(
        foretold, limits, share=TALK.still_alarms, month=TALK.still_month, least_scores=LEAST_SCORES
    )
    off, told = foretold.chance >= limits, rows["wave"].to_numpy() + 1 >= LEAST_SCORES
    called = off | (told & (foretold.line_chance >= still) & (rows["score"].to_numpy() > 10))
    later, months = rows["wave"].to_numpy() > 0, rows["months"].to_numpy(dtype=float)
    early = np.flatnonzero(later & (months <= BY_MONTH))
    course = rows["course"].to_numpy()
    last = early[np.r_[course[early][1:] != course[early][:-1], True]]
    ever = pd.Series(called[early]).groupby(course[early]).any().to_numpy()
    found: dict[str, float] = {}
    for name in ("still", "well"):
        mine = kind[last] == name
        for when, calls in (("now", called[last]), ("ever", ever), ("off", off[last])):
            found[f"{name}_{when}"] = float(calls[mine].mean()) if mine.any() else np.nan
    well, line = kind[last] == "well", np.where(told[last], foretold.line_chance[last], -1.0)
    if well.any() and (kind[last] == "still").any():
        best = float(np.quantile(line[well], 1 - TALK.still_alarms))
        found["still_best"] = float((line[kind[last] == "still"] > best).mean())
    return found | _come_true(foretold, rows, months, course)


def _come_true(
    foretold: EndForecast, rows: pd.DataFrame, months: Floats, course: NDArray[np.int_]
) -> dict[str, float]:
    """Calibration slopes, and the concordance of the chance of a bad end."""
    folds = folds_of_parts(foretold)
    maps = learn_maps(foretold, folds, **LOOK)
    chances = wave_chances(foretold, folds, maps, **LOOK)
    raw = np.full(len(rows), np.nan)
    for fold in folds:
        raw[fold.rows] = chances_at(fold, step=1.0, **LOOK).no_better
    found = {}
    at = landmark_waves(rows, TALK.still_month)
    at = at[foretold.judged[at]]
    found["end"] = calibrate(foretold.chance[at], foretold.bad[at]).slope
    six = landmark_waves(rows, 6.0, since=4.0)
    six = six[foretold.judged[six]]
    found["concordance"] = expected_concordance(foretold.chance[six], foretold.bad[six].astype(float))
    score = rows["score"].to_numpy(dtype=float)
    ahead = _at(rows, course, months + TALK.ahead)
    known = ahead >= 0
    happened = score[ahead[known]] >= score[known]
    found["no_better"] = calibrate(chances.no_better[known], happened).slope
    found["no_better_raw"] = calibrate(raw[known], happened).slope
    if "truth" in rows:
        truth, first = rows["truth"].to_numpy(dtype=float), np.arange(len(rows)) - rows["wave"].to_numpy()
        moved = truth - truth[first]
        known = (rows["wave"].to_numpy() > 0) & (moved != 0)
        found["worse"] = calibrate(chances.worse[known], moved[known] > 0).slope
        before = _at(rows, course, np.maximum(months - TALK.recent, 0.0))
        known = (before >= 0) & (months > 0)
        known[known] &= truth[known] != truth[before[known]]
        found["improving"] = calibrate(chances.improving[known], truth[known] < truth[before[known]]).slope
    return found


def _at(rows: pd.DataFrame, course: NDArray[np.int_], months: Floats) -> NDArray[np.intp]:
    """Of each wave the wave of its course in the month asked for; -1 where it was missed."""
    place = {
        key: at for at, key in enumerate(zip(course, np.rint(rows["months"].to_numpy(float)), strict=True))
    }
    return np.array([place.get(key, -1) for key in zip(course, np.rint(months), strict=True)], dtype=np.intp)


def run(studies: int, first_seed: int) -> pd.DataFrame:
    """All figures, one row per study; the studies are shared out evenly over the scenarios."""
    found = []
    for number in range(studies):
        scenario, seed = CHOSEN[number % len(CHOSEN)], first_seed + number
        rows, columns, kind = example_study(seed) if scenario == EXAMPLE else made_study(scenario, seed)
        found.append({"scenario": scenario, **judge(rows, columns, kind)})
        print(f"{number + 1} of {studies}: {scenario}", file=sys.stderr, flush=True)
    return pd.DataFrame(found)


def cell(values: pd.Series, digits: int = 2) -> str:
    """Mean over the studies and half its 95 % interval."""
    known = values.dropna()
    if known.empty:
        return "–"
    half = 1.96 * float(known.std(ddof=1)) / np.sqrt(len(known)) if len(known) > 1 else float("nan")
    return f"{known.mean():.{digits}f} ± {half:.{digits}f}"


_CALLED = {
    "still_now": "stand still: called at month 4",
    "still_off": "of these off track",
    "still_ever": "stand still: ever called by then",
    "well_now": "go well: called at month 4",
    "well_ever": "go well: ever called by then",
    "still_best": "stand still: called by the best limit, truth known",
}
_TRUE = {
    "end": "bad end, at month 4",
    "no_better": "score in 6 months no better",
    "no_better_raw": "the same, not recalibrated",
    "worse": "truly worse than at the start",
    "improving": "truly going the right way",
    "concordance": "concordance of the bad end, month 6",
}


def page(results: pd.DataFrame, first_seed: int) -> str:
    """Everything as Markdown."""
    grouped = results.groupby("scenario", sort=False)
    parts = [
        "# From signal to talk: who is called in time, and whether the chances come true\n",
        f"Made by `python benchmarks/talk.py --studies {len(results)} --write`: {len(results)} simulated "
        f"studies of {FAMILIES} "
        f"families (seeds from {first_seed}),\n"
        f"{', '.join(f'{len(mine)} of {name}' for name, mine in grouped)}.\n"
        "Mean over the studies ± half its 95 % interval. Called: off track, or may be standing still; the\n"
        'page then has the menu. "At month 4": at the last measurement up to then.\n',
    ]
    for title, names in (("Who is called", _CALLED), ("Calibration slopes (1: as foretold)", _TRUE)):
        parts += [f"## {title}\n", "| scenario | " + " | ".join(names.values()) + " |"]
        parts.append("|" + "---|" * (len(names) + 1))
        for name, mine in grouped:
            cells = [cell(mine[key]) if key in mine else "–" for key in names]
            parts.append(f"| {name} | " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join([*parts, *verdict(results)]) + "\n"


def verdict(results: pd.DataFrame) -> list[str]:
    """Each target beside what was reached, over the scenarios in which both kinds of families are."""
    both = results.dropna(subset=["still_now", "well_now"])
    rows = [
        "## What was asked, and what was reached\n",
        "| asked | scenario | reached | met |",
        "|---|---|---|---|",
    ]
    for scenario, mine in both.groupby("scenario", sort=False):
        called, alone = float(mine["still_now"].mean()), 1 - float(mine["well_now"].mean())
        rows.append(
            f"| at least half of those who stand still called by month 4 | {scenario} | {called:.2f} | "
            f"{'yes' if called >= 0.5 else 'no'} |"
        )
        rows.append(
            f"| at least .80 of those who go well left alone | {scenario} | {alone:.2f} | "
            f"{'yes' if alone >= 0.8 else 'no'} |"
        )
    for scenario, mine in results.groupby("scenario", sort=False):
        for name in ("end", "no_better"):
            slope = float(mine[name].mean())
            rows.append(
                f"| calibration slope .9 to 1.1, {_TRUE[name]} | {scenario} | {slope:.2f} | "
                f"{'yes' if 0.9 <= slope <= 1.1 else 'no'} |"
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES, help="in all")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--write", action="store_true", help="write talk.md beside this file")
    asked = parser.parse_args()
    made = page(run(asked.studies, asked.first_seed), asked.first_seed)
    print(made)
    if asked.write:
        Path(__file__).with_name("talk.md").write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
