"""How often intervals for what comes after the end of help hold the truth, where the truth is not our model.

Families come in workers whose times hang together by a Gaussian copula, so that every latent time keeps its
own distribution: a renewed start (Weibull, rising), a placement (Weibull, falling) and worse scores (log
normal, no proportional hazards). A thin line makes a renewed start more likely by a constant hazard ratio.
Some are on record late; all are seen up to an export; scores are taken around months 3, 6, 12, 18 and 24,
each with a chance of its own. Truths are integrals. Run: ``python benchmarks/afterwards.py [studies]``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from mpg_research.analysis.afterwards.first_events import FirstEvents
from mpg_research.analysis.afterwards.hazard_tables import hazard_tables
from mpg_research.analysis.afterwards.incidence_tables import free_tables, incidence_tables
from mpg_research.analysis.afterwards.worsening_tables import worsening_tables
from mpg_research.statistics.survival.kaplan_meier import kaplan_meier

FAMILIES, WORKERS, ORGANISATIONS = 600, 60, 6
#: Correlation of two families of one worker on the scale of the copula.
SHARED = 0.1
RATIO = 0.5
SHAPE, SCALE = (1.3, 0.7), (40.0, 120.0)
WORSE_MEAN, WORSE_SPREAD = 3.9, 1.3
WAVES, PRESENT = (3.0, 6.0, 12.0, 18.0, 24.0), 0.6
MOMENTS = np.arange(3.0, 24.1, 3.0)


@dataclass(frozen=True)
class Truth:
    """At months 12 and 24: shares with each first event, worse scores, and none; mean months without."""

    renewed: dict[float, float]
    placed: dict[float, float]
    free: dict[float, float]
    worse: dict[float, float]
    mean: float


def truth() -> Truth:
    """Integrals over the months and the thin line."""
    t = np.linspace(0, 24, 200_001)[1:]
    step, found = t[1] - t[0], []
    for line in (0, 1):
        one = (t / SCALE[0]) ** SHAPE[0] * np.exp(RATIO * line)
        other = (t / SCALE[1]) ** SHAPE[1]
        still, clean = np.exp(-one - other), 1 - ndtr((np.log(t) - WORSE_MEAN) / WORSE_SPREAD)
        steps = [np.diff(hazard, prepend=0.0) * still for hazard in (one, other)]
        worse = -np.diff(clean, prepend=1.0) * still
        found.append([*(np.cumsum(part) for part in steps), still, np.cumsum(worse)])
    mean = [np.mean([part[k] for part in found], axis=0) for k in range(4)]
    at = {month: round(month / step) - 1 for month in (12.0, 24.0)}
    shares = [{month: float(curve[place]) for month, place in at.items()} for curve in mean]
    return Truth(*shares[:3], shares[3], float(mean[2].sum() * step))


def simulate(rng: np.random.Generator) -> tuple[FirstEvents, pd.DataFrame]:
    """One study: first events, and what waves show of worse scores."""
    n = FAMILIES
    worker = rng.integers(0, WORKERS, n)
    line = rng.integers(0, 2, n)

    def shares() -> np.ndarray:
        both = np.sqrt(SHARED) * rng.normal(size=WORKERS)[worker] + np.sqrt(1 - SHARED) * rng.normal(size=n)
        return ndtr(both)

    risk = -np.log(shares()) / np.exp(RATIO * line)
    times = np.stack(
        [SCALE[0] * risk ** (1 / SHAPE[0]), SCALE[1] * (-np.log(shares())) ** (1 / SHAPE[1])], axis=1
    )
    gets_worse = np.exp(WORSE_MEAN + WORSE_SPREAD * ndtri(shares()))
    until = rng.uniform(4, 40, n)
    entry = np.where(rng.random(n) < 0.15, rng.uniform(0, 4, n), -np.inf)
    first = times.min(axis=1)
    time = np.round(np.maximum(np.minimum(first, until), 1e-6), 6)
    cause = np.where(first <= until, times.argmin(axis=1) + 1, 0)
    rows = pd.DataFrame(
        {
            "family": [f"f{i}" for i in range(n)], "episode": "1",
            "organisation": [f"o{w % ORGANISATIONS}" for w in worker], "worker": [f"w{w}" for w in worker],
            "end_reason": "as_planned", "thin_line": np.where(line == 1, "yes", "no"),
            "helped": rng.uniform(4, 24, n), "entry": entry, "until": until, "time": time, "cause": cause,
        }
    )  # fmt: skip
    there = time > entry
    waves = np.sort(np.array(WAVES) + rng.uniform(-0.7, 0.7, (n, len(WAVES))), axis=1)
    taken = (rng.random((n, len(WAVES))) < PRESENT) & (waves <= time[:, None])
    worse = taken & (gets_worse[:, None] <= waves)
    clean = taken & ~worse
    seen = np.where(worse.any(axis=1), waves[np.arange(n), worse.argmax(axis=1)], np.inf)
    last = np.where(clean.any(axis=1), np.where(clean, waves, -1).max(axis=1), np.nan)
    families = pd.DataFrame(
        {
            "family": rows["family"], "last": 1.0, "seen_at": seen,
            "not_before": np.where(np.isfinite(seen), np.nan_to_num(last), np.inf), "clean_by_event": last,
            "last_wave": np.where(taken.any(axis=1), np.where(taken, waves, -1).max(axis=1), np.nan),
            "n_waves": taken.sum(axis=1),
        }
    )  # fmt: skip
    families = families[taken.any(axis=1)]
    watched = np.repeat(until[:, None], 2, axis=1)
    every = np.where(times <= until[:, None], times, np.inf)
    events = FirstEvents(rows, ("renewed_start", "placement"), watched, 0, 0, 0, every)
    return events.of(there), families


def one_study(rng: np.random.Generator, true: Truth) -> dict[str, tuple[float, float, float, float]]:
    """Estimate, limits and truth of every quantity."""
    events, families = simulate(rng)
    level, minimum = 0.95, 10
    found = {}
    table = incidence_tables(events, MOMENTS, level=level, minimum=minimum)[0].data
    for event, of in (("renewed_start", true.renewed), ("placement", true.placed)):
        for month in (12.0, 24.0):
            row = table[(table["event"] == event) & (table["months_after"] == month)].iloc[0]
            found[f"{event}, month {month:g}"] = (*row[["estimate", "conf_low", "conf_high"]], of[month])
    curves = {t.name: t.data for t in free_tables(events, MOMENTS, level=level, minimum=minimum)}
    for month in (12.0, 24.0):
        row = curves["free"][curves["free"]["months_after"] == month].iloc[0]
        found[f"without any, month {month:g}"] = (
            *row[["estimate", "conf_low", "conf_high"]], true.free[month],
        )  # fmt: skip
    rows = events.rows
    curve = kaplan_meier(rows["time"], rows["cause"] > 0, entry=rows["entry"], cluster=rows["worker"]).at(
        [12.0]
    )
    found["Kaplan-Meier, month 12"] = (
        *(float(curve[name][0]) for name in ("survival", "low", "high")), true.free[12.0],
    )  # fmt: skip
    means = curves["months_free"]
    row = means[means["group"] == "all"].iloc[0]
    found["mean months without any"] = (*row[["estimate", "conf_low", "conf_high"]], true.mean)
    models = hazard_tables(
        events,
        (),
        families=families,
        level=level,
        minimum_events=5,
        minimum_groups=minimum,
        frailty=False,
    )
    for each in models.tables:
        if each.name != "hazards":
            continue
        for event, value in (("renewed_start", RATIO), ("placement", 0.0)):
            chosen = each.data[(each.data["event"] == event) & (each.data["variable"] == "thin_line")]
            if len(chosen):
                row = chosen.iloc[0]
                found[f"log hazard ratio of the thin line, {event}"] = (
                    *row[["estimate", "conf_low", "conf_high"]], value,
                )  # fmt: skip
    for each in worsening_tables(events, families, MOMENTS, level=level, minimum=minimum)[:1]:
        for month in (12.0, 24.0):
            chosen = each.data[each.data["months_after"] == month]
            if len(chosen):
                row = chosen.iloc[0]
                found[f"worse scores, month {month:g}"] = (
                    *row[["estimate", "conf_low", "conf_high"]], true.worse[month],
                )  # fmt: skip
    return found


def main(studies: int) -> str:
    """The table as Markdown."""
    true, rows = truth(), []
    for number in range(studies):
        each = one_study(np.random.default_rng([15, number]), true)
        rows += [(name, *values) for name, values in each.items()]
    data = pd.DataFrame(rows, columns=["what", "estimate", "low", "high", "truth"])
    data["held"] = (data["low"] <= data["truth"]) & (data["truth"] <= data["high"])
    lines = ["| quantity | truth | mean estimate | spread of estimates | coverage of 95 % | studies |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, mine in data.groupby("what", sort=False):
        lines.append(
            f"| {name} | {mine['truth'].iloc[0]:.3f} | {mine['estimate'].mean():.3f} "
            f"| {mine['estimate'].std():.3f} | {mine['held'].mean():.3f} | {len(mine):,} |"
        )
    return "\n".join(lines)


_HEAD = """# What comes after the end: do the intervals hold?

Made by `python benchmarks/afterwards.py 1000`. {families} families of {workers} workers at {organisations}
organisations; times of one worker's families hang together (copula, correlation {shared}); 15 % are on
record late; the truth is not our model: a rising and a falling Weibull hazard, log normal times to worse
scores (seen at waves only, each with a chance of {present}), a constant hazard ratio of the thin line on a
renewed start. "Without any" and the mean are of renewed starts and placements; the horizon is 24 months.

"""

if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    text = _HEAD.format(
        families=FAMILIES, workers=WORKERS, organisations=ORGANISATIONS, shared=SHARED, present=PRESENT
    )
    table = main(asked)
    print(table)
    if asked >= 1000:
        Path(__file__).with_suffix(".md").write_text(text + table + "\n", encoding="utf-8")
