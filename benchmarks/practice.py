"""How the help is given: do the intervals hold the truth? Studies that are no draw from a model.

Organisations of unequal size, workers with few families and many. The score is ten items cut in four and
added; families whose score is low leave sooner; working elements are scored from 1 to 5. What is sought is
what the expected course (a straight line through the expected scores of months 0 to 12) does where the index,
or a condition, is a point higher: the same at each level, or nothing.

    python benchmarks/practice.py [--studies 1000]
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from kept_studies import Found, Scenarios, draw_and_write
from rater_drift import Truth, draw_study

from mpg_research.analysis.practice.fidelity_course import LEVELS, condition_course, fidelity_course
from mpg_research.analysis.practice.second_raters import agreement_by_tenure
from mpg_research.instruments.agreement import one_way_coefficients

ORGANISATIONS, WORKERS, FAMILIES = 12, 48, 300
ITEM_CUTS = np.array([-0.8, 0.2, 1.2])
MONTHS = np.array([0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
#: Latent points a year less where the index, or the condition, is a point higher.
PER_POINT = 0.35


def draw(rng: np.random.Generator, n: int, per_point: float, *, of: str) -> dict[str, np.ndarray]:
    """Families with their index, condition, latent level and slope; with very many, as many workers more."""
    workers = max(WORKERS, n * WORKERS // FAMILIES)
    organisations = max(ORGANISATIONS, n * ORGANISATIONS // FAMILIES)
    place = rng.choice(organisations, workers, p=rng.dirichlet(np.full(organisations, 4.0)))
    place[:organisations] = np.arange(organisations)
    weight = rng.lognormal(0, 0.5, workers)
    worker = rng.choice(workers, n, p=weight / weight.sum())
    organisation = place[worker]
    condition = np.clip(np.round(rng.normal(3, 1.0, organisations)), 1, 5)[organisation]
    quality = (
        3.2 + rng.normal(0, 0.3, organisations)[organisation] + rng.normal(0, 0.3, workers)[worker]
        + rng.normal(0, 0.5, n)
    )  # fmt: skip
    # Six elements from 1 to 5: the index is their mean, as it was scored.
    elements = quality[:, None] + rng.normal(0, 0.5, (n, 6))
    index = np.clip(np.round(elements), 1, 5).mean(axis=1)
    cause = {"index": index - 3.2, "condition": condition - 3.0}[of]
    slope = (
        -0.6 - per_point * cause + 0.4 * rng.standard_t(6, n) + rng.normal(0, 0.12, workers)[worker]
        + rng.normal(0, 0.10, organisations)[organisation]
    )  # fmt: skip
    level = 0.4 + 0.7 * (rng.gamma(2.5, 1.0, n) - 2.5) / np.sqrt(2.5) + rng.normal(0, 0.2, workers)[worker]
    return {
        "worker": worker, "organisation": organisation, "index": index, "condition": condition,
        "level": level, "slope": slope, "cause": cause,
    }  # fmt: skip


def scores(rng: np.random.Generator, who: dict[str, np.ndarray], draws: int = 1) -> np.ndarray:
    """The score at each moment, or its mean over many draws; shape (families, moments)."""
    n, moments = len(who["level"]), len(MONTHS)
    total = np.zeros((n, moments))
    for _ in range(draws):
        swing, now = np.empty((n, moments)), rng.normal(0, 0.35, n)
        for moment in range(moments):
            swing[:, moment] = now
            now = 0.3 * now + rng.normal(0, 0.35 * np.sqrt(0.91), n)
        latent = who["level"][:, None] + who["slope"][:, None] * MONTHS / 12 + swing
        answers = latent[..., None] + rng.normal(0, 0.8, (n, moments, 10))
        total += (answers[..., None] > ITEM_CUTS).sum(axis=(-1, -2)) / draws
    return total


@cache
def per_point(planted: float, of: str) -> float:
    """What is sought: points of the score a year per point of the index, or of the condition."""
    who = draw(np.random.default_rng(5), 30_000, planted, of=of)
    centred = (MONTHS - MONTHS.mean()) / 12
    slopes = []
    for cause in (-0.5, 0.5):  # the same families and draws, half a point lower and higher
        moved = who | {"slope": who["slope"] - planted * cause}
        slopes.append(scores(np.random.default_rng(6), moved, draws=15) @ centred / (centred @ centred))
    return float(np.mean(slopes[1] - slopes[0]))


def study_of(study: int, planted: float, of: str) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The measurements of one study."""
    rng = np.random.default_rng([25, study])
    who = draw(rng, FAMILIES, planted, of=of)
    total = scores(rng, who)
    seen = rng.random(total.shape) < 0.85
    there = np.ones(total.shape, dtype=bool)
    for moment in range(1, len(MONTHS)):
        chance = 0.04 + 0.12 * (total[:, moment - 1] < np.median(total[:, 0]) - 5)
        there[:, moment] = there[:, moment - 1] & (rng.random(len(total)) > chance)
    family, moment = np.nonzero(seen & there)
    course = pd.DataFrame(
        {
            "family": family.astype(str), "organisation": who["organisation"][family].astype(str),
            "worker": who["worker"][family].astype(str), "years": MONTHS[moment] / 12,
            "score": total[family, moment].astype(float),
        }
    )  # fmt: skip
    return course, who


def elements(study: int, *, planted: float) -> Found:
    """How much more the score changes where the index is a point higher, at each level."""
    course, who = study_of(study, planted, "index")
    index = course.drop_duplicates("family")[["family", "organisation", "worker"]]
    index = index.assign(index=who["index"][index["family"].astype(int)])
    found, true = fidelity_course(course, index), per_point(planted, "index")
    rows = found.estimates.reindex(list(LEVELS))
    if not found.converged:
        rows.loc[:] = np.nan
    return {
        name: (*rows.loc[name, ["estimate", "conf_low", "conf_high"]].astype(float), true) for name in LEVELS
    }


def conditions(study: int, *, planted: float) -> Found:
    """How much more the score changes where a condition of the organisation is a point higher."""
    course, who = study_of(study, planted, "condition")
    at = pd.Series(who["condition"], index=who["organisation"].astype(str)).groupby(level=0).first()
    if at.std(ddof=1) < 1e-9:
        return {"condition": (np.nan,) * 3 + (per_point(planted, "condition"),)}
    row, _ = condition_course(course, at)
    return {
        "condition": (row["estimate"], row["conf_low"], row["conf_high"], per_point(planted, "condition"))
    }


def second_scores(rng: np.random.Generator, n: int, workers: int) -> dict[str, np.ndarray]:
    """Six elements of each family by two workers, who differ in how they score; 1 to 5."""
    lenient = rng.normal(0, 0.3, workers)
    first = rng.integers(0, workers, n)
    second = (first + rng.integers(1, workers, n)) % workers
    quality = 3.4 + 0.8 * (rng.gamma(3.0, 1.0, n) - 3) / np.sqrt(3)
    both = np.stack([first, second], axis=1)
    latent = quality[:, None, None] + lenient[both][..., None] + rng.normal(0, 0.6, (n, 2, 6))
    given = np.clip(np.round(latent), 1, 5)
    return {"one element": given[..., 0], "index": given.mean(axis=2), "raters": both}


@cache
def agreements() -> dict[str, float]:
    """The correlation of two workers' scores of one family, over very many workers."""
    found = second_scores(np.random.default_rng(6), 400_000, 40_000)
    return {name: float(np.corrcoef(values.T)[0, 1]) for name, values in found.items() if name != "raters"}


def agreement(study: int) -> Found:
    """ICC of a single score, and of the mean of two."""
    found: dict[str, tuple[float, float, float, float]] = {}
    given = second_scores(np.random.default_rng([26, study]), 80, 24)
    for name, true in agreements().items():
        rows = one_way_coefficients(given[name], raters=given["raters"]).set_index("coefficient")
        for kind, value in (("icc_single", true), ("icc_mean", 2 * true / (1 + true))):
            if kind in rows.index:
                row = rows.loc[kind]
                found[f"{kind}, {name}"] = (row["estimate"], row["conf_low"], row["conf_high"], value)
    return found


def tenure(study: int) -> Found:
    """The mean difference between own and second workers, by years in the job; nobody drifts: 0."""
    truth = Truth(organisations=6, families=50, posts=10, blind=0.3)
    rows = draw_study(np.random.default_rng([27, study]), truth)
    both = rows[rows["is_second"]].merge(
        rows[~rows["is_second"]], on=["family", "calendar"], suffixes=("_second", "")
    )
    pairs = pd.DataFrame(
        {
            "family": both["family"], "organisation": both["organisation"], "first": both["rater"],
            "second": both["rater_second"], "difference": both["score"] - both["score_second"],
            "years_first": both["in_job"],
        }
    )  # fmt: skip
    found = agreement_by_tenure(pairs, (2.0, 5.0)).set_index("tenure")
    return {
        f"mean difference, {band.replace('_', ' ')} years": (
            *row[["mean_difference", "conf_low", "conf_high"]],
            0.0,
        )
        for band, row in found.iterrows()
    }


#: What is drawn, and studies of it out of a thousand.
SCENARIOS: Scenarios = {
    "Working elements: nothing goes with them": (partial(elements, planted=0.0), 1000),
    "Working elements: a better course": (partial(elements, planted=PER_POINT), 1000),
    "A condition of organisations: nothing goes with it": (partial(conditions, planted=0.0), 1000),
    "A condition of organisations: a better course": (partial(conditions, planted=PER_POINT), 1000),
    "Agreement of two workers on the working elements": (agreement, 1000),
    "Second workers by years in the job; nobody drifts": (tenure, 1000),
}


if __name__ == "__main__":
    draw_and_write(Path(__file__), SCENARIOS, description=__doc__)
