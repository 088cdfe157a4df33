"""What the signals foretell beyond a study without change, under truths that are not our model's.

Simulators apart from the package: no true change at all (independent swings, swings that carry on, swings
whose size differs between families, both), everybody changing alike, and real change with known ends. In
every study each family is judged by models that saw nothing of its organisation, by the functions that
``evaluate_signals`` uses (limits come from chances by those models too, as in its studies without change).
Written down are

- both shares together (sensitivity plus specificity less one) and the concordance at month 6, beside what the
  package says they come to without any true change, by the last score and by the family's own line; the
  difference should be nought where nobody changes, and above it where families do;
- the same by the *true* end, known to the simulator only: the true score fell by less than half a point;
- who is called on track at the last measurement before the end, and how many of them truly end no better;
- whether chances come true at month 4 with swings that may carry on, and with swings taken as independent
  (as it was before): slope and intercept of the calibration, and Brier score.

Run it with ``python benchmarks/signals_without_change.py --write``; a study
takes about four seconds on one core.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.monitoring.foretold import EndForecast, predict_bad_end
from mpg_research.analysis.monitoring.limits import chance_limits
from mpg_research.analysis.monitoring.performance import (
    OWN_LINE,
    Figure,
    evidence_of,
    figures_of,
    landmark_waves,
)
from mpg_research.analysis.monitoring.rules import waves_that_count
from mpg_research.analysis.monitoring.signals import FALSE_ALARMS, LEAST_SCORES, ON_TRACK
from mpg_research.analysis.monitoring.without_change import without_change
from mpg_research.statistics.forecasts.calibration import calibrate

STUDIES, REPLICATES, FIRST_SEED = 40, 3, 89_000_000
FAMILIES, ORGANISATIONS, LAST_MONTH, LANDMARK = 180, 6, 18, 4.0
LEVEL_SD, SWING_SD = 4.5, 3.2
Floats = NDArray[np.float64]
Course = Callable[[np.random.Generator, int, Floats], Floats]


def nobody(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """No true change."""
    return np.zeros((n, len(months)))


def alike(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """Everybody improves by the same four points: nothing of one family to foretell."""
    return np.tile(-4 * (1 - np.exp(-months / 4)), (n, 1))


def lines(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """Every family its own straight line."""
    return rng.normal(-0.30, 0.35, (n, 1)) * months


def kinds(rng: np.random.Generator, n: int, months: Floats) -> Floats:
    """A third improve early, a third slowly, a quarter stand still, the rest get worse."""
    kind = rng.choice(4, size=n, p=[0.33, 0.33, 0.25, 0.09])
    size = rng.uniform(4, 9, n)[:, None]
    early = -size * (1 - np.exp(-months / 2.5))
    slow = -size * (1 - np.exp(-months / 10))
    worse = 0.8 * size * (1 - np.exp(-months / 6))
    return np.choose(kind[:, None], [early, slow, np.zeros_like(early), worse])


@dataclass(frozen=True, slots=True)
class Truth:
    """A simulator: true courses, correlation of swings a month apart, spread of the log of their size."""

    course: Course
    correlation: float = 0.0
    spread: float = 0.0


TRUTHS = {
    "nobody changes": Truth(nobody),
    "nobody changes, swings AR(.5)": Truth(nobody, 0.5),
    "nobody changes, swings differ": Truth(nobody, 0.0, 0.5),
    "nobody changes, AR(.5) and differ": Truth(nobody, 0.5, 0.5),
    "all change alike": Truth(alike),
    "straight lines": Truth(lines),
    "straight lines, swings AR(.5)": Truth(lines, 0.5),
    "mixed courses, swings differ": Truth(kinds, 0.0, 0.5),
    "mixed courses, swings AR(.5)": Truth(kinds, 0.5),
}


def simulate(truth: Truth, seed: int) -> pd.DataFrame:
    """One study: monthly waves, a fifth missing, courses that end; scores are whole numbers of 10 to 40."""
    rng = np.random.default_rng(seed)
    months = np.arange(LAST_MONTH + 1.0)
    latent = rng.normal(24.5, LEVEL_SD, (FAMILIES, 1)) + truth.course(rng, FAMILIES, months)
    swing = rng.normal(size=latent.shape)
    for month in range(1, len(months)):
        swing[:, month] *= np.sqrt(1 - truth.correlation**2)
        swing[:, month] += truth.correlation * swing[:, month - 1]
    size = SWING_SD * np.exp(rng.normal(-(truth.spread**2), truth.spread, (FAMILIES, 1)))
    score = np.clip(np.rint(latent + size * swing), 10, 40)
    end = np.minimum(rng.geometric(0.08, FAMILIES) + 2, LAST_MONTH)
    seen = (rng.random(score.shape) > 0.2) & (months <= end[:, None])
    seen[:, 0] = True
    who, wave = np.nonzero(seen)
    rows = pd.DataFrame({"course": who, "months": months[wave], "score": score[who, wave]})
    rows["truth"] = latent[who, wave]
    rows["organisation"] = (who % ORGANISATIONS).astype(str)
    rows = rows[rows.groupby("course")["months"].transform("size") >= 3].reset_index(drop=True)
    rows["course"] = rows.groupby("course").ngroup()
    return rows.assign(wave=rows.groupby("course").cumcount())


def _judge(rows: pd.DataFrame, *, carry_on: bool = True) -> tuple[EndForecast, dict[Figure, float]]:
    foretold = predict_bad_end(
        rows, (), rows["organisation"].to_numpy(dtype=str), by="organisations", sign=-1.0, margin=0.0,
        ended=np.ones(len(rows), dtype=bool), carry_on=carry_on, nested=False,
    ).only_judged()  # fmt: skip
    mine = foretold.rows
    first = mine["wave"].to_numpy() == 0
    ends = {"last score": foretold.bad[first].astype(float), OWN_LINE: foretold.line_bad[first]}
    grouped = mine.groupby("course")["truth"]
    truly = (grouped.first() - grouped.last()).to_numpy() < 0.5
    if 5 <= truly.sum() <= len(truly) - 5:
        ends["true"] = truly.astype(float)
    alarms = {"chance": foretold.chance >= chance_limits(foretold, FALSE_ALARMS)[0]}
    return foretold, figures_of(evidence_of(mine, alarms, ends, {"chance": foretold.chance}, LANDMARK))


def one_study(truth: Truth, seed: int) -> dict[str, float]:
    """Everything that is written down of one study."""
    rows = simulate(truth, seed)
    foretold, found = _judge(rows)
    null = without_change(rows, (), (10.0, 40.0))
    rng = np.random.default_rng(seed + 1)
    without = [
        _judge(rows.assign(score=null.scores(rng)), carry_on=null.model.correlation > 0)[1]
        for _ in range(REPLICATES)
    ]
    told: dict[str, float] = {"correlation": null.model.correlation, "spread": null.spread}
    for name, month in (("sensitivity", 0.0), ("specificity", 0.0), ("both", 0.0), ("concordance", 6.0)):
        for end in ("last score", OWN_LINE, "true"):
            figure = Figure(name, "chance", end, month)
            told[f"{name} {end}"] = found.get(figure, np.nan)
            told[f"{name} {end} without"] = float(np.mean([each.get(figure, np.nan) for each in without]))
    told |= _on_track(foretold) | _calibration("kept", foretold)
    return told | _calibration("taken as independent", _judge(rows, carry_on=False)[0])


def _calibration(name: str, foretold: EndForecast) -> dict[str, float]:
    at = landmark_waves(foretold.rows, LANDMARK)
    found = calibrate(foretold.chance[at], foretold.bad[at])
    return {f"slope {name}": found.slope, f"intercept {name}": found.intercept, f"brier {name}": found.brier}


def _on_track(foretold: EndForecast) -> dict[str, float]:
    """Called on track at the last measurement before the end, and how many of them truly end no better."""
    rows = foretold.rows
    grouped = rows.groupby("course")
    so_far = rows.assign(
        one=1.0, mt=rows["months"], ms=rows["score"], mts=rows["months"] * rows["score"]
    ).groupby(rows["course"])[["one", "mt", "ms", "mts"]].cumsum()  # fmt: skip
    falls = so_far["one"] * so_far["mts"] < so_far["mt"] * so_far["ms"]
    told = falls & (foretold.line_chance <= ON_TRACK) & (rows["wave"] + 1 >= LEAST_SCORES)
    told &= ~(foretold.chance >= chance_limits(foretold, FALSE_ALARMS)[0])
    gain = grouped["truth"].transform("first") - grouped["truth"].transform("last")
    last = rows.assign(told=told, bad=gain < 0.5)[waves_that_count(rows)].groupby("course").tail(1)
    wrong = float(last.loc[last["told"], "bad"].mean()) if last["told"].any() else np.nan
    return {
        "on track": float(last["told"].mean()),
        "on track truly bad": wrong,
        "truly bad": float(last["bad"].mean()),
    }


def run(studies: int = STUDIES, first_seed: int = FIRST_SEED) -> pd.DataFrame:
    """One row per study."""
    found = []
    for number, (name, truth) in enumerate(TRUTHS.items()):
        for study in range(studies):
            found.append({"truth": name, **one_study(truth, first_seed + 1000 * number + study)})
    return pd.DataFrame(found)


def _mean(values: pd.Series, digits: int = 3) -> str:
    known = values.dropna()
    if len(known) < 2:
        return "–"
    half = 1.96 * known.std(ddof=1) / np.sqrt(len(known))
    return f"{known.mean():.{digits}f} ± {half:.{digits}f}".replace("-", "−")


def table(results: pd.DataFrame) -> str:
    """Everything as Markdown: means over the studies with half a 95 % interval."""
    parts = [
        "\n## Beyond a study without change\n",
        "Sensitivity / specificity, both together less one, and concordance at month 6, each beside the same "
        "without any true change.\n",
        "| truth | judged by | sensitivity / specificity | without change | both | without change "
        "| difference | concordance | without change | difference |",
        "|" + "---|" * 10,
    ]
    groups = results.groupby("truth", sort=False)
    for name, mine in groups:
        for end in ("last score", OWN_LINE, "true"):
            if mine[f"both {end}"].isna().all():
                continue
            shares = [
                " / ".join(
                    f"{mine[f'{one} {end}{which}'].mean():.2f}" for one in ("sensitivity", "specificity")
                )
                for which in ("", " without")
            ]
            cells = [name, end.replace("_", " "), *(share.replace("nan", "–") for share in shares)]
            for figure in ("both", "concordance"):
                value, without = mine[f"{figure} {end}"], mine[f"{figure} {end} without"]
                if end == "true":
                    cells += [_mean(value), "–", "–"]
                else:
                    cells += [_mean(value), _mean(without), _mean(value - without)]
            parts.append("| " + " | ".join(cells) + " |")
    parts += [
        "\n## On track, at the last measurement before the end\n",
        "| truth | truly end no better | called on track | of these truly end no better |",
        "|---|---|---|---|",
    ]
    for name, mine in groups:
        cells = [_mean(mine[column]) for column in ("truly bad", "on track", "on track truly bad")]
        parts.append("| " + " | ".join([name, *cells]) + " |")
    parts += [
        "\n## Whether chances come true at month 4: swings that may carry on / swings taken as independent\n",
        "| truth | correlation found | slope (1) | intercept (0) | Brier score | difference |",
        "|---|---|---|---|---|---|",
    ]
    for name, mine in groups:
        cells = [name, _mean(mine["correlation"])]
        for figure in ("slope", "intercept", "brier"):
            cells.append(
                " / ".join(_mean(mine[f"{figure} {way}"]) for way in ("kept", "taken as independent"))
            )
        cells.append(_mean(mine["brier kept"] - mine["brier taken as independent"], 4))
        parts.append("| " + " | ".join(cells) + " |")
    return "\n".join(parts)


_INTRODUCTION = """# What the signals foretell beyond a study without change

Made by `python benchmarks/signals_without_change.py --write`: {n} simulated studies ({studies} per truth,
seeds from {seed}), {families} families each, {replicates} studies without change simulated from each. None
of the truths is our model. Judged by: the last score (no better than the first), the family's own line as
the model sees it with all scores, and the truth (the true score fell by less than half a point; not where
nobody's or nearly everybody's did). Cells: mean over the studies ± half its 95 % interval.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES, help="per truth")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument(
        "--write", action="store_true", help="write signals_without_change.md beside this file"
    )
    asked = parser.parse_args()
    start = time.perf_counter()
    results = run(asked.studies, asked.first_seed)
    page = _INTRODUCTION.format(
        n=asked.studies * len(TRUTHS), studies=asked.studies, seed=asked.first_seed, families=FAMILIES,
        replicates=REPLICATES,
    )  # fmt: skip
    page += table(results) + "\n"
    print(page)
    if asked.write:
        Path(__file__).with_name("signals_without_change.md").write_text(page, encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
