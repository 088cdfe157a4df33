"""Simulated studies whose true courses are not those of the model: what benchmarks/defaults.py fits.

A study is a table of scores (family, episode, organisation, worker, respondent, months, score, single) and
the true mean change at each month asked for, per organisation. Everything is synthetic.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray

__all__ = ["COURSES", "MONTHS", "SCENARIOS", "Scenario", "simulate"]


MONTHS = (6.0, 12.0)
START, START_SD, SWING = 24.5, 5.0, 2.6
#: Mean and spread of the amount by which families change in the end, where they do not follow a line.
AMOUNT, AMOUNT_SD = -5.0, 4.0
#: Families for the mean of a score that has no formula.
_MANY = 400_000


def _line(rng: np.random.Generator, t: FloatArray) -> FloatArray:
    return rng.normal(-0.35, 0.35, (len(t), 1)) * t


def _fast_at_first(rng: np.random.Generator, t: FloatArray) -> FloatArray:
    return rng.normal(AMOUNT, AMOUNT_SD, (len(t), 1)) * (1 - np.exp(-t / 3))


def _own_speed(rng: np.random.Generator, t: FloatArray) -> FloatArray:
    speed = 3 * np.exp(rng.normal(0, 0.5, (len(t), 1)))
    return rng.normal(AMOUNT, AMOUNT_SD, (len(t), 1)) * (1 - np.exp(-t / speed))


def _one_jump(rng: np.random.Generator, t: FloatArray) -> FloatArray:
    amount, moment = rng.normal(AMOUNT, AMOUNT_SD, (len(t), 1)), rng.uniform(1, 11, (len(t), 1))
    return amount * (t >= moment)


def _two_pieces(rng: np.random.Generator, t: FloatArray) -> FloatArray:
    first, then = rng.normal(-1.2, 0.9, (len(t), 1)), rng.normal(-0.1, 0.25, (len(t), 1))
    return first * np.minimum(t, 3) + then * np.maximum(t - 3, 0)


#: The change of a family since its start at the moments t (families, moments).
COURSES: dict[str, Callable[[np.random.Generator, FloatArray], FloatArray]] = {
    "straight": _line,
    "fast at first": _fast_at_first,
    "own speed": _own_speed,
    "one jump": _one_jump,
    "two pieces": _two_pieces,
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of study.

    Attributes
    ----------
    name : str
    course : str
        Of ``COURSES``.
    sizes : tuple of int
        Families of each organisation.
    carry_on : float
        Correlation of swings a month apart.
    noise : float
        Share of the swings' variance that does not carry on.
    own_spread : float
        SD of the log of a family's swings.
    items : bool
        Scores are the sum of ten answers of 1 to 4, many of them at the floor.
    leave : {"", "better", "worse", "slope"}
        Help ends at random with a chance that rises when the last observed score has improved or worsened by
        four points, or (never seen) with the family's own true change.
    other_times : bool
        Every second organisation measures in months 0, 3, 6, 9 and 12 only.
    case_mix : bool
        Single parents, more of them at later organisations, start higher and change less.
    workers : bool
        Workers of five families each differ in level and change.
    second_parent : bool
        In half of the families a second parent fills in too.
    episodes : bool
        A third of the families come back for a second period.
    differ : float
        SD of the true differences between organisations in change per month.
    """

    name: str
    course: str = "straight"
    sizes: tuple[int, ...] = (12, 16, 20, 25, 40, 70)
    carry_on: float = 0.0
    noise: float = 0.0
    own_spread: float = 0.0
    items: bool = False
    leave: str = ""
    other_times: bool = False
    case_mix: bool = False
    workers: bool = False
    second_parent: bool = False
    episodes: bool = False
    differ: float = 0.0


_TWELVE = (8, 10, 12, 12, 15, 15, 18, 20, 25, 30, 40, 60)
_FORTY = tuple(int(size) for size in np.linspace(8, 42, 40))

SCENARIOS = (
    Scenario("straight lines, independent swings"),
    Scenario("straight, swings carry on (.3)", carry_on=0.3),
    Scenario("straight, swings carry on (.6)", carry_on=0.6),
    Scenario("fast at first", "fast at first"),
    Scenario("fast at first, speed of their own", "own speed"),
    Scenario("one jump", "one jump"),
    Scenario("two pieces", "two pieces"),
    Scenario("size of swings differs, carry on (.6)", carry_on=0.6, own_spread=0.4),
    Scenario("swings carry on (.8) beside noise", carry_on=0.8, noise=0.5),
    Scenario("items with a floor, fast at first", "fast at first", items=True),
    Scenario("ends on improvement, fast at first", "fast at first", leave="better"),
    Scenario(
        "ends on improvement, fast at first, carry on (.6)", "fast at first", carry_on=0.6, leave="better"
    ),
    Scenario("ends on improvement, one jump", "one jump", leave="better"),
    Scenario("ends on worsening, fast at first, carry on (.6)", "fast at first", carry_on=0.6, leave="worse"),
    Scenario("ends not at random (own true change), carry on (.6)", carry_on=0.6, leave="slope"),
    Scenario("organisations measure at other times", "fast at first", other_times=True),
    Scenario("2 organisations, fast at first", "fast at first", (60, 90)),
    Scenario("4 organisations, fast at first, carry on (.6)", "fast at first", (20, 30, 40, 60), 0.6),
    Scenario("4 small organisations, carry on (.6)", sizes=(8, 8, 8, 8), carry_on=0.6),
    Scenario("case mix differs", "fast at first", case_mix=True),
    Scenario("workers differ", "fast at first", (30, 30, 40, 40, 50, 60), workers=True),
    Scenario("second parent in half", "fast at first", second_parent=True),
    Scenario("two periods of help in a third", "fast at first", episodes=True),
    Scenario("12 organisations, straight, carry on (.6)", "straight", _TWELVE, 0.6),
    Scenario("12 organisations, fast at first", "fast at first", _TWELVE),
    Scenario("12 organisations that differ, fast at first", "fast at first", _TWELVE, differ=0.12),
    Scenario("40 organisations, fast at first, carry on (.6)", "fast at first", _FORTY, 0.6),
)


def _swings(rng: np.random.Generator, scenario: Scenario, t: FloatArray) -> FloatArray:
    """Residuals (families, moments): a state that carries on over the true distances in time, and noise."""
    fresh = rng.normal(0, 1, t.shape)
    state = fresh.copy()
    if scenario.carry_on:
        for j in range(1, t.shape[1]):
            link = scenario.carry_on ** (t[:, j] - t[:, j - 1])
            state[:, j] = link * state[:, j - 1] + np.sqrt(1 - link**2) * fresh[:, j]
    if scenario.noise:
        mixed = np.sqrt(1 - scenario.noise) * state + np.sqrt(scenario.noise) * rng.normal(0, 1, t.shape)
        state = mixed
    own = np.exp(rng.normal(0, scenario.own_spread, (len(t), 1))) if scenario.own_spread else 1.0
    return SWING * own / np.exp(scenario.own_spread**2) * state


def _as_items(rng: np.random.Generator, latent: FloatArray) -> FloatArray:
    """Sums of ten answers of 1 to 4 around a latent score of 10 to 40."""
    answers = np.zeros(latent.shape)
    for _ in range(10):
        answers += np.clip(np.round(latent / 10 + rng.normal(0, 0.7, latent.shape)), 1, 4)
    return answers


def _observed(rng: np.random.Generator, scenario: Scenario, true: FloatArray, t: FloatArray) -> FloatArray:
    score = true + _swings(rng, scenario, t)
    return _as_items(rng, score - 6.0) if scenario.items else score


@lru_cache(maxsize=64)
def true_change(scenario: Scenario) -> FloatArray:
    """Mean change of all families at ``MONTHS``, shape (months,), by formula or a very large sample."""
    t = np.array([0.0, *MONTHS])
    means = {
        "straight": -0.35 * t,
        "fast at first": AMOUNT * (1 - np.exp(-t / 3)),
        "one jump": AMOUNT * np.clip((t - 1) / 10, 0, 1),
        "two pieces": -1.2 * np.minimum(t, 3) - 0.1 * np.maximum(t - 3, 0),
    }
    if scenario.items:
        rng = np.random.default_rng(77)
        wide = np.tile(t, (_MANY, 1))
        true = rng.normal(START, START_SD, (_MANY, 1)) + COURSES[scenario.course](rng, wide)
        mean = _observed(rng, scenario, true, wide).mean(axis=0)
    elif scenario.course == "own speed":
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        speed = 3 * np.exp(0.5 * nodes)
        mean = AMOUNT * np.array([weights @ (1 - np.exp(-m / speed)) for m in t]) / weights.sum()
    else:
        mean = means[scenario.course]
    result: FloatArray = mean[1:] - mean[0]
    return result


def _last_moment(
    rng: np.random.Generator,
    scenario: Scenario,
    score: FloatArray,
    seen: NDArray[np.bool_],
    change: FloatArray,
) -> NDArray[np.intp]:
    """How many moments each family is measured at most, (families,); who leaves judges by what was seen."""
    n, waves = score.shape
    last = np.full(n, waves)
    if not scenario.leave:
        return last
    known = score[:, 0].copy()
    for j in range(1, waves):
        if j > 1:
            if scenario.leave == "slope":
                risk = 0.08 + 0.08 * (change < np.median(change))
            else:
                moved = known - score[:, 0]
                gone = moved <= -4 if scenario.leave == "better" else moved >= 2
                risk = np.where(gone, 0.2, 0.03)
            last[(last == waves) & (rng.random(n) < risk)] = j
        known = np.where(seen[:, j], score[:, j], known)
    return last


def simulate(scenario: Scenario, seed: int) -> tuple[pd.DataFrame, FloatArray]:
    """A study and the true change (organisations, months) of its average family at each organisation."""
    rng = np.random.default_rng([2026, 11, seed])
    if scenario.episodes:
        return _with_second_periods(rng, scenario)
    return _one_period(rng, scenario)


def _one_period(rng: np.random.Generator, scenario: Scenario) -> tuple[pd.DataFrame, FloatArray]:
    sizes = np.array(scenario.sizes)
    g, n = len(sizes), int(sizes.sum())
    place = np.repeat(np.arange(g), sizes)
    waves = 13
    t = np.arange(waves) + rng.uniform(-0.15, 0.15, (n, waves))
    t[:, 0] = 0.0
    change = COURSES[scenario.course](rng, t)
    own = rng.normal(0, scenario.differ, g) if scenario.differ else np.zeros(g)
    change = change + own[place][:, None] * t
    true = rng.normal(START, START_SD, (n, 1)) + change
    single = np.zeros(n)
    if scenario.case_mix:
        single = (rng.random(n) < 0.15 + 0.7 * place / max(g - 1, 1)).astype(float)
        true = true + 2.0 * single[:, None] + 0.15 * single[:, None] * t
    worker = np.array([None] * n, dtype=object)
    if scenario.workers:
        number = np.concatenate([np.arange(size) // 5 for size in sizes])
        key = place * 1000 + number
        _, which = np.unique(key, return_inverse=True)
        levels, slopes = rng.normal(0, 1.5, which.max() + 1), rng.normal(0, 0.15, which.max() + 1)
        true = true + levels[which][:, None] + slopes[which][:, None] * t
        worker = np.array([f"w{k}" for k in key], dtype=object)
    score = _observed(rng, scenario, true, t)
    keep = rng.random(t.shape) > 0.15
    keep[:, 0] = True
    if scenario.other_times:
        sparse = np.isin(np.arange(waves), (0, 3, 6, 9, 12))
        keep &= (place % 2 == 0)[:, None] | sparse
    last = _last_moment(rng, scenario, score, keep, change[:, -1])
    keep &= np.arange(waves) < last[:, None]
    data = _table(place, t, score, keep, single, worker, "first_parent")
    if scenario.second_parent:
        apart = rng.normal(0, 2.5, (n, 1))
        other = true + apart + _swings(rng, scenario, t)
        also = keep & (np.arange(n) % 2 == 0)[:, None] & (rng.random(t.shape) > 0.3)
        data = pd.concat([data, _table(place, t, other, also, single, worker, "second_parent")])
    truth = true_change(scenario) + own[:, None] * np.array(MONTHS)
    if scenario.case_mix:
        truth = truth + 0.15 * single.mean() * np.array(MONTHS)
    return data.sort_values(["family", "respondent", "months"], ignore_index=True), truth


def _with_second_periods(rng: np.random.Generator, scenario: Scenario) -> tuple[pd.DataFrame, FloatArray]:
    plain = replace(scenario, episodes=False)
    first, truth = _one_period(rng, plain)
    second, _ = _one_period(rng, plain)
    number = second["family"].str[1:].astype(int)
    second = second[number % 3 == 0].assign(episode="2")
    # the same family: half of its level comes back with it
    level = first.groupby("family")["score"].mean()
    own = second["family"].map(level) - level.mean()
    second = second.assign(score=second["score"] + 0.5 * own)
    data = pd.concat([first, second])
    return data.sort_values(["family", "episode", "months"], ignore_index=True), truth


def _table(
    place: NDArray[np.intp],
    t: FloatArray,
    score: FloatArray,
    keep: NDArray[np.bool_],
    single: FloatArray,
    worker: NDArray[np.object_],
    respondent: str,
) -> pd.DataFrame:
    i, j = np.nonzero(keep)
    names = np.array([f"f{k:04d}" for k in range(len(place))])
    keys = np.array([f"k{k:03d}" for k in range(int(place.max()) + 1)])
    return pd.DataFrame(
        {
            "family": names[i],
            "episode": "1",
            "organisation": keys[place[i]],
            "worker": worker[i],
            "respondent": respondent,
            "months": np.maximum(t[i, j], 0.0),
            "score": score[i, j],
            "single": single[i],
        }
    )
