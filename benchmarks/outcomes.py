"""What came of it beside the first score: do intervals hold the truth? Studies that are no draw from a model.

Six organisations of very unequal size, workers with few families and with many. Behind every score stands a
latent burden: the family's own level (skewed), worker and slope, and swings that carry on. Domains are that
burden, and a part of the domain's own, cut in five; of a questionnaire ten items are cut in four and added.
Help can end early by what was scored. Truths are those of a hundred thousand such families.

    python benchmarks/outcomes.py [--studies 1000]
"""

from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from kept_studies import Found, Scenarios, draw_and_write

from mpg_research.analysis.families.shares import share_rows
from mpg_research.analysis.outcomes.domains import ALL_CLASSES, _balance, _first_and_last, _over_domains
from mpg_research.analysis.outcomes.growth_together import (
    fit_together,
    lagged_effects,
    random_correlation,
    stack,
)
from mpg_research.analysis.outcomes.instruments import PATHS
from mpg_research.analysis.outcomes.mean_severity import fit_mean_course
from mpg_research.analysis.outcomes.own_voice import _reached, mean_mark
from mpg_research.statistics.means import clustered_mean

FAMILIES, SHARES = 240, np.array([0.30, 0.24, 0.18, 0.12, 0.09, 0.07])
#: Workers; which worker a family gets is drawn with chances that differ by a factor of about five.
WORKERS = 36
DOMAIN_MONTHS, DOMAIN_CUTS = np.array([0.0, 3.0, 6.0, 9.0, 12.0]), np.array([-0.6, 0.2, 0.9, 1.7])
ITEM_CUTS = np.array([-0.8, 0.2, 1.2])
N_DOMAINS = 4


@dataclass(frozen=True)
class Truth:
    """What is drawn; on the latent scale, times in months."""

    #: Standard deviation of workers in level, and in slope per year.
    workers: tuple[float, float] = (0.25, 0.12)
    #: What of a swing is left two months later: of the first outcome, of the other, and across.
    carried: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.0), (0.15, 0.3))
    slopes: float = -0.5
    #: Whether families of whom little was scored leave sooner.
    leaves: bool = True
    #: Whether the questionnaires are items; else the latent outcomes themselves are seen.
    items: bool = True
    waves: np.ndarray = field(default_factory=lambda: np.arange(0.0, 13.0, 2.0))


def families(rng: np.random.Generator, n: int, truth: Truth) -> dict[str, np.ndarray]:
    """Whose they are, levels and slopes of the two outcomes; with very many families as many workers more."""
    workers = max(WORKERS, n * WORKERS // FAMILIES)
    place = rng.choice(len(SHARES), workers, p=SHARES)
    place[: len(SHARES)] = np.arange(len(SHARES))
    weight = rng.lognormal(0, 0.5, workers)
    worker = rng.choice(workers, n, p=weight / weight.sum())
    of_worker = rng.normal(0, 1, (workers, 2))[worker] * truth.workers
    level = (rng.gamma(2.5, 1.0, n) - 2.5) / np.sqrt(2.5) * 0.7
    both = rng.multivariate_normal([0, 0], [[1, truth.slopes], [truth.slopes, 1]], n)
    return {
        "worker": worker,
        "organisation": place[worker],
        "level": np.column_stack([0.5 + level + of_worker[:, 0], -0.4 * level + rng.normal(0, 0.6, n)]),
        "slope": np.column_stack([-0.7 + 0.5 * both[:, 0] + of_worker[:, 1], 0.5 + 0.4 * both[:, 1]]),
    }


def swings(rng: np.random.Generator, n: int, carried: np.ndarray, moments: int) -> np.ndarray:
    """Pairs of swings with heavy tails, shape (n, moments, 2); the first moment comes after many others."""
    spread = np.linalg.cholesky(np.array([[1, -0.2], [-0.2, 1]])) * 0.35
    now = np.zeros((n, 2))
    found = np.empty((n, moments, 2))
    for moment in range(-12, moments):
        now = now @ carried.T + rng.standard_t(6, (n, 2)) / np.sqrt(1.5) @ spread.T
        found[:, max(moment, 0)] = now
    return found


def stays(rng: np.random.Generator, seen: np.ndarray, values: np.ndarray, leave: bool) -> np.ndarray:
    """Whether a family is still in help at each moment: out by chance, and by what was last scored."""
    there = np.ones(seen.shape, dtype=bool)
    middle = np.nanmean(np.where(seen, values, np.nan)[:, 0])
    last = np.where(seen[:, 0], values[:, 0], middle)
    for moment in range(1, seen.shape[1]):
        chance = 0.05 + (0.15 * (last < middle - 0.3 * np.std(values[:, 0])) if leave else 0.0)
        there[:, moment] = there[:, moment - 1] & (rng.random(len(seen)) > chance)
        last = np.where(seen[:, moment], values[:, moment], last)
    return there


def domain_rows(rng: np.random.Generator, n: int, truth: Truth, *, all_seen: bool = False) -> pd.DataFrame:
    """Severity by family, domain and moment."""
    who = families(rng, n, truth)
    moments = len(DOMAIN_MONTHS)
    swing = swings(rng, n, np.eye(2) * 0.3, moments)[..., 0]
    own = rng.normal(0, 0.7, (n, 1, N_DOMAINS)) - 0.35 * np.arange(N_DOMAINS)
    common = who["level"][:, :1] + who["slope"][:, :1] * DOMAIN_MONTHS / 12 + swing
    latent = common[:, :, None] + own + rng.normal(0, 0.5, (n, moments, N_DOMAINS))
    severity = (latent[..., None] > DOMAIN_CUTS).sum(axis=-1)
    seen = np.ones((n, moments), dtype=bool)
    if not all_seen:
        seen = rng.random((n, moments)) < 0.85
        seen &= stays(rng, seen, severity.mean(axis=2), truth.leaves)
    family, moment, domain = np.nonzero(np.repeat(seen[:, :, None], N_DOMAINS, axis=2))
    late = rng.uniform(-0.3, 0.3, (n, moments)) * (DOMAIN_MONTHS > 0)
    score = severity[family, moment, domain].astype(float)
    return pd.DataFrame(
        {
            "family": family, "episode": "1", "domain": domain, "organisation": who["organisation"][family],
            "worker": who["worker"][family], "months": DOMAIN_MONTHS[moment] + late[family, moment],
            "score": score, "no_problem": (score == 0).astype(float), "severe": (score >= 3).astype(float),
        }
    ).sort_values(["family", "domain", "months"], kind="stable", ignore_index=True)  # fmt: skip


def shares(rows: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Shares of domains improved, one domain and all, and of families; limits of families and of workers."""
    pairs = _first_and_last(rows)
    per_family = _balance(pairs)
    problem = pairs[pairs["score"] > 0]
    one = share_rows(problem[problem["domain"] == 0], "direction", ALL_CLASSES).iloc[0]
    every = _over_domains(problem, 0.95).iloc[0]
    balance = share_rows(per_family, "balance", ("more_improved", "as_many", "more_worsened")).iloc[0]
    found = {}
    for name, row in (("one domain", one), ("all domains", every), ("families", balance)):
        found[f"share improved, {name}"] = (row["estimate"], row["conf_low"], row["conf_high"])
        found[f"the same, limits by worker, {name}"] = tuple(
            row[each] for each in ("estimate", "clustered_low", "clustered_high")
        )
    return found


@cache
def domain_truths(leaves: bool) -> dict[str, float]:
    """Of a hundred thousand families: mean changes if all were seen; shares among those seen."""
    truth = Truth(leaves=leaves)
    rng = np.random.default_rng(1)
    changes: dict[str, list[float]] = {}
    of_shares: dict[str, list[float]] = {}
    for _ in range(10):
        whole = domain_rows(rng, 10_000, truth, all_seen=True)
        first = whole[(whole["domain"] == 0)].assign(moment=lambda each: each["months"].round())
        means = first.groupby("moment")["score"].mean()
        for month in (6.0, 12.0):
            changes.setdefault(f"change of severity, month {month:g}", []).append(means[month] - means[0.0])
        for name, values in shares(domain_rows(rng, 10_000, truth)).items():
            of_shares.setdefault(name, []).append(values[0])
    return {name: float(np.mean(values)) for name, values in (changes | of_shares).items()}


def domains(study: int, *, leaves: bool) -> Found:
    """The change of one domain's severity, and shares improved."""
    rows = domain_rows(np.random.default_rng([15, study]), FAMILIES, Truth(leaves=leaves))
    found = {}
    model = fit_mean_course(rows[rows["domain"] == 0])
    if model is not None:
        change = model.at([6.0, 12.0], since_start=True)
        for month, row in zip((6, 12), change.itertuples(), strict=True):
            found[f"change of severity, month {month}"] = (row.estimate, row.conf_low, row.conf_high)
    found |= shares(rows)
    true = domain_truths(leaves)
    return {name: (*values, true[name]) for name, values in found.items()}


def voices(
    study: int, *, n: int = FAMILIES, rng: np.random.Generator | None = None
) -> dict[str, tuple[float, ...]]:
    """Goals reached (several of a family), the mean mark, and the mean later change of the families left."""
    rng = np.random.default_rng([16, study]) if rng is None else rng
    who = families(rng, n, Truth())
    lucky = who["level"][:, 0] - 0.5
    goal = np.repeat(np.arange(n), rng.integers(1, 5, n))
    latent = 0.2 - 0.4 * lucky[goal] + rng.normal(0, 1, len(goal))
    goals = pd.DataFrame(
        {
            "family": goal.astype(str), "worker": who["worker"][goal].astype(str), "organisation": "o",
            "attainment": np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]) - 2.0,
        }
    )  # fmt: skip
    mark = np.clip(np.round(7.6 - 0.9 * lucky - rng.gamma(1.5, 0.8, n) + 1.2), 1, 10)
    marks = pd.DataFrame(
        {"family": np.arange(n).astype(str), "worker": who["worker"].astype(str), "mark": mark}
    )
    marks = marks[rng.random(n) < 0.7]
    later = np.round(-2.0 + 4.0 * (who["slope"][:, 0] + 0.7) + rng.standard_t(5, n) * 3)
    kept = rng.random(n) < 0.25
    reached = _reached("all", goals, 1.0, 0.95)
    mean = mean_mark(marks, 0.95)
    change = clustered_mean(later[kept], who["worker"][kept])
    return {
        "goals reached, by family": (reached[1], *reached[2:4]),
        "goals reached, by worker": (reached[1], *reached[4:6]),
        "mean mark": (mean["mean"], mean["mean_low"], mean["mean_high"]),
        "mean later change": (change.estimate, change.conf_low, change.conf_high),
    }


@cache
def voice_truths() -> dict[str, float]:
    """Of many families."""
    rng = np.random.default_rng(2)
    found = [voices(0, n=20_000, rng=rng) for _ in range(20)]
    return {name: float(np.mean([each[name][0] for each in found])) for name in found[0]}


def own_voice(study: int) -> Found:
    """As :func:`voices`, with the truths."""
    true = voice_truths()
    return {name: (*values, true[name]) for name, values in voices(study).items()}


def questionnaires(
    rng: np.random.Generator, n: int, truth: Truth, *, expected: bool = False
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Two outcomes by family and wave, shape (n, waves, 2), whether each was seen, and the families.

    ``expected``: the mean score of each family at each wave, over many swings and answers.
    """
    who = families(rng, n, truth)
    waves = truth.waves
    course = who["level"][:, None] + who["slope"][:, None] * (waves / 12)[None, :, None]
    total = np.zeros((n, len(waves), 2))
    draws = 150 if expected else 1
    for _ in range(draws):
        latent = course + swings(rng, n, np.array(truth.carried), len(waves))
        if truth.items:
            answers = latent[..., None] + rng.normal(0, 0.8, (*latent.shape, 10))
            total += (answers[..., None] > ITEM_CUTS).sum(axis=(-1, -2)) / draws
        else:
            total += latent / draws
    seen = rng.random((n, len(waves))) < 0.88
    seen &= stays(rng, seen, total[..., 0], truth.leaves)
    return total, seen, who


def in_rows(total: np.ndarray, seen: np.ndarray, truth: Truth, outcome: int) -> pd.DataFrame:
    """One outcome as the page has it: up is better, in standard deviations at the start."""
    family, wave = np.nonzero(seen)
    data = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(str)), "organisation": "o",
            "months": truth.waves[wave], "score": total[family, wave, outcome],
        }
    )  # fmt: skip
    first = data[data["months"] <= 1].drop_duplicates("family")["score"]
    return data.assign(score=(1 - 2 * (outcome == 0)) * data["score"] / first.std(ddof=1))


@cache
def together_truths(items: bool, null: bool) -> dict[str, float]:
    """Correlations of the families' expected slopes and starts; what carries over on the latent scale."""
    truth = together_truth(items, null)
    rng = np.random.default_rng(3)
    total, _, _ = questionnaires(rng, 10_000, truth, expected=True)
    centred = truth.waves - truth.waves.mean()
    slopes = np.einsum("w,nwo->no", centred, total) / (centred @ centred)
    starts = total.mean(axis=1) - slopes * truth.waves.mean()
    seen, _, _ = questionnaires(rng, 50_000, truth)
    ratio = seen[:, 0, 0].std() / seen[:, 0, 1].std()
    carried = np.array(truth.carried)
    # The first outcome is turned: up is better. In units of each outcome's own standard deviation.
    paths = (carried[0, 0], -carried[0, 1] / ratio, -carried[1, 0] * ratio, carried[1, 1])
    found = {f"carried over, {path}": float(value) for path, value in zip(PATHS, paths, strict=True)}
    found["correlation of slopes"] = -float(np.corrcoef(slopes.T)[0, 1])
    found["correlation of levels"] = -float(np.corrcoef(starts.T)[0, 1])
    return found


def together_truth(items: bool, null: bool) -> Truth:
    """With nothing carried across, or from the first outcome to the other."""
    carried = ((0.3, 0.0), (0.0 if null else 0.15, 0.3))
    return Truth(carried=carried, items=items)


def together(study: int, *, items: bool, null: bool) -> Found:
    """Correlations of two questionnaires, and what carries over; as the page makes them."""
    truth = together_truth(items, null)
    total, seen, _ = questionnaires(np.random.default_rng([17, study]), FAMILIES, truth)
    rows = stack(*(in_rows(total, seen, truth, k) for k in (0, 1)), lag=2.0)
    lagged = fit_together(rows, carries_over=True)
    fit = lagged or fit_together(rows, carries_over=False)
    found = {}
    nothing = (float("nan"),) * 3
    for effect, names in (("slopes", ("slope_1", "slope_2")), ("levels", ("level_1", "level_2"))):
        of = None if fit is None else random_correlation(fit, *names, level=0.95)
        found[f"correlation of {effect}"] = (
            nothing if of is None else (of.estimate, of.conf_low, of.conf_high)
        )
    carried = None if lagged is None else lagged_effects(lagged)
    for place, path in enumerate(PATHS):
        name = f"carried over, {path}"
        found[name] = nothing
        if carried is not None:
            value, half = carried.estimate[place], 1.959963984540054 * carried.std_error[place]
            found[name] = (value, value - half, value + half)
    true = together_truths(items, null)
    return {name: (*values, true[name]) for name, values in found.items()}


#: What is drawn, and studies of it out of a thousand.
SCENARIOS: Scenarios = {
    "Life domains; who has few problems leaves sooner": (partial(domains, leaves=True), 1000),
    "Life domains; who leaves is chance": (partial(domains, leaves=False), 1000),
    "Goals, marks and later changes": (own_voice, 1000),
    "Two questionnaires without error of measurement": (partial(together, items=False, null=False), 1000),
    "Two questionnaires of ten items": (partial(together, items=True, null=False), 300),
    "Two questionnaires of ten items; nothing carried across": (
        partial(together, items=True, null=True),
        300,
    ),
}


if __name__ == "__main__":
    draw_and_write(Path(__file__), SCENARIOS, description=__doc__)
