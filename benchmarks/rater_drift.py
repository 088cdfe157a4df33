"""Is a drift of workers who score found, with honest intervals? Studies drawn from a truth that is not ours.

Domains are scored 0 to 4 by thresholds on a latent severity; parents answer ten items with four options;
families whose state is better end sooner; workers come, go and are replaced. The truth is no coefficient of
our model: it is the average change of the expected score per extra year in the job, over all scores of a
large population, in standard deviations of the score (:func:`average_effect`).

    python benchmarks/rater_drift.py [--studies 1000]
"""

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from kept_studies import Found, draw_and_write, table
from scipy.stats import norm

from mpg_research.analysis.practice.drift_model import fit_rater_drift
from mpg_research.analysis.practice.second_raters import tenure_trend

DOMAIN_CUTS, ITEM_CUTS = np.array([-1.2, -0.3, 0.5, 1.4]), np.array([-0.7, 0.2, 1.1])
NOISE, YEARS, STEP = 0.6, 4.0, 0.25


@dataclass(frozen=True)
class Truth:
    """What is planted; effects on the latent scale, per year."""

    drift: float = 0.0
    with_family: float = 0.0
    calendar: float = 0.0
    sd_workers: float = 0.35
    sd_drift: float = 0.03
    organisations: int = 8
    posts: int = 8
    families: int = 70
    blind: float = 0.15
    harder_for_old_hands: float = 0.0


def draw_study(rng: np.random.Generator, truth: Truth) -> pd.DataFrame:
    """Scores of one study: one row per score, with the latent mean behind it."""
    workers = draw_workers(rng, truth)
    n = truth.organisations * truth.families
    place = np.repeat(np.arange(truth.organisations), truth.families)
    level, slope = rng.normal(0.2, 1, n), rng.normal(-0.35, 0.4, n)
    own = rng.normal(0, 0.5, (n, 6))
    start = rng.uniform(0, YEARS - 0.5, n)
    wobble = rng.normal(0, 0.3, n)
    worker = np.array([pick(rng, workers, place[i], start[i]) for i in range(n)])
    came = start.copy()
    there = np.ones(n, dtype=bool)
    parts = []
    for step in range(int(YEARS / STEP)):
        now = start + step * STEP
        there &= now < YEARS
        if not there.any():
            break
        state = level + slope * step * STEP + wobble
        change = there & ((workers["left"][worker] < now) | (rng.random(n) < 0.06 * (step > 0)))
        for i in np.flatnonzero(change):
            worker[i], came[i] = pick(rng, workers, place[i], now[i]), now[i]
        seen = there & (rng.random(n) > 0.15)
        parts.append(scores(rng, truth, workers, seen, place, now, start, came, worker, state, own))
        second = seen & (rng.random(n) < truth.blind)
        blind = np.array([pick(rng, workers, place[i], now[i]) if second[i] else -1 for i in range(n)])
        second &= blind != worker
        extra = scores(rng, truth, workers, second, place, now, start, now, blind, state, own)
        parts.append(extra.assign(is_second=True))
        wobble = 0.7 * wobble + rng.normal(0, 0.3 * np.sqrt(1 - 0.49), n)
        there &= rng.random(n) > 0.04 + 0.22 * norm.cdf(-state - 0.2)
    rows = pd.concat(parts, ignore_index=True)
    own_parent = rows[~rows["is_second"]].set_index(["family", "calendar"])["parent"]
    at = pd.MultiIndex.from_frame(rows[["family", "calendar"]])
    return rows.assign(parent=own_parent.reindex(at).to_numpy())


def draw_workers(rng: np.random.Generator, truth: Truth) -> dict[str, np.ndarray]:
    """Posts that are filled anew when somebody leaves."""
    places, begins, leaves = [], [], []
    for place in range(truth.organisations):
        for _ in range(truth.posts):
            now = rng.uniform(-14, 0)
            while now < YEARS:
                stays = rng.exponential(6)
                if now + stays > 0:
                    places.append(place)
                    begins.append(now)
                    leaves.append(now + stays)
                now += stays
    n = len(places)
    return {
        "place": np.array(places), "began": np.array(begins), "left": np.array(leaves),
        "level": rng.normal(0, truth.sd_workers, n), "drift": rng.normal(truth.drift, truth.sd_drift, n),
    }  # fmt: skip


def pick(rng: np.random.Generator, workers: dict[str, np.ndarray], place: int, now: float) -> int:
    """One of those who work there at that moment."""
    free = (workers["place"] == place) & (workers["began"] <= now) & (workers["left"] > now)
    return int(rng.choice(np.flatnonzero(free)))


def scores(rng, truth, workers, seen, place, now, start, came, worker, state, own):
    i = np.flatnonzero(seen)
    who = worker[i]
    in_job = now[i] - workers["began"][who]
    bias = workers["level"][who] + workers["drift"][who] * in_job
    bias = bias + truth.with_family * (now[i] - came[i]) + truth.calendar * now[i]
    latent = (state[i] + bias)[:, None] + own[i]
    given = latent + rng.normal(0, NOISE, latent.shape)
    severity = (given[:, :, None] > DOMAIN_CUTS).sum(axis=2)
    answers = state[i][:, None] + rng.normal(0, 1.0, (len(i), 10))
    parent = 10 + (answers[:, :, None] > ITEM_CUTS).sum(axis=2).sum(axis=1)
    slope = norm.pdf((latent[:, :, None] - DOMAIN_CUTS) / NOISE).sum(axis=2) / NOISE
    return pd.DataFrame(
        {
            "family": i, "organisation": place[i], "rater": who, "calendar": now[i], "in_job": in_job,
            "together": now[i] - came[i], "in_help": now[i] - start[i], "parent": parent.astype(float),
            "score": severity.mean(axis=1), "slope": slope.mean(axis=1), "is_second": False,
        }
    )  # fmt: skip


def average_effect(truth: Truth, *, studies: int = 60, seed: int = 99) -> tuple[float, float]:
    """Of one unit on the latent scale on the expected score, averaged over scores, in SD; and that SD."""
    rows = [draw_study(np.random.default_rng([seed, k]), truth) for k in range(studies)]
    own = pd.concat(rows, keys=range(studies), names=["study", None]).reset_index("study")
    own = own[~own["is_second"]]
    first = own.sort_values("calendar", kind="stable").drop_duplicates(["study", "family"])
    sd = float(first["score"].std())
    return float(own["slope"].mean()) / sd, sd


def planted(per_year: float, truth: Truth) -> Truth:
    """With a drift on the latent scale whose average effect is so many SD of the score a year."""
    for _ in range(3):
        effect, _ = average_effect(truth)
        truth = replace(truth, drift=per_year / effect)
    return truth


@cache
def known(name: str) -> tuple[Truth, float, float]:
    """Of a scenario: its truth with the drift planted, and the :func:`average_effect` in it."""
    per_year, truth, _ = SCENARIOS[name]
    truth = planted(per_year, truth) if per_year else truth
    return truth, *average_effect(truth)


def one_study(study: int, *, scenario: str) -> Found:
    """What is found in one study, beside what it should be, in standard deviations of the score a year."""
    truth, effect, _ = known(scenario)
    rows = draw_study(np.random.default_rng([7, study]), truth)
    own = rows[~rows["is_second"]]
    drift = fit_rater_drift(own)
    both = rows[rows["is_second"]].merge(own, on=["family", "calendar"], suffixes=("_second", ""))
    both = both.assign(
        difference=(both["score"] - both["score_second"]) / drift.score_sd,
        middle=(both["score"] + both["score_second"]) / 2 / drift.score_sd,
    )
    pairs = both.rename(columns={"in_job": "years_first", "in_job_second": "years_second",
                                 "rater_second": "second", "rater": "first"})  # fmt: skip
    trend = tenure_trend(pairs)
    targets = {
        "years_in_job": truth.drift,
        "same_worker_year": truth.drift + truth.calendar,
        "years_with_family": truth.with_family,
        "years_apart": truth.drift,
        "years_first": truth.drift,
        "years_second": -truth.drift,
    }
    found = pd.concat([drift.estimates, trend])
    found = found.reindex(list(targets))[["estimate", "conf_low", "conf_high"]]
    return {name: (*found.loc[name].astype(float), effect * target) for name, target in targets.items()} | {
        "scores": (len(own),) * 4,
        "workers": (own["rater"].nunique(),) * 4,
        "pairs": (len(both),) * 4,
    }


SMALL = Truth(organisations=6, families=50)
#: Name, drift in standard deviations of the score a year, the rest of the truth, studies out of a thousand.
SCENARIOS: dict[str, tuple[float, Truth, int]] = {
    "Nothing drifts": (0.0, SMALL, 1000),
    "A drift of .05 SD a year": (0.05, SMALL, 1000),
    "The same, and a calendar of its own": (0.05, replace(SMALL, calendar=0.06), 300),
    "The same, and .10 a year with the family": (0.05, replace(SMALL, with_family=0.12), 300),
    "A drift of .05 SD a year, three organisations": (
        0.05, Truth(organisations=3, posts=10, families=80), 300,
    ),
}  # fmt: skip
#: What is counted about the studies, and no estimate.
COUNTS = ("scores", "workers", "pairs")


def section(name: str, rows: pd.DataFrame) -> str:
    """How large the studies were, and the table of what is no count."""
    truth, _, sd = known(name)
    middle = rows.groupby("quantity")["estimate"].median()
    size = ", ".join(f"{middle[count]:,.0f} {count}" for count in COUNTS)
    estimates = rows[~rows["quantity"].isin(COUNTS)]
    said = f"A median of {size}; SD of the score {sd:.2f}, latent drift {truth.drift:.4f}."
    return f"{said}\n\n{table(estimates, digits=4)}"


if __name__ == "__main__":
    scenarios = {
        name: (partial(one_study, scenario=name), of_thousand)
        for name, (_, _, of_thousand) in SCENARIOS.items()
    }
    draw_and_write(Path(__file__), scenarios, description=__doc__, section=section)
