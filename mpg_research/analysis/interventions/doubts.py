"""What speaks against an answer: other choices, outcomes that cannot have changed, causes nobody measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from mpg_research.analysis.interventions.emulation import Answer, Emulation
from mpg_research.analysis.interventions.estimators import compare_strategies
from mpg_research.analysis.interventions.protocol import TrialLimits, TrialProtocol
from mpg_research.statistics.trials.estimating_equations import estimating_equations
from mpg_research.statistics.trials.evalues import EValue, evalue_of_difference
from mpg_research.statistics.trials.regression import Correction, WeightedFit, weighted_regression

__all__ = ["Doubt", "doubts_about", "evalue_of", "nothing_done", "with_confounding"]

#: Draws of families who started nothing, as if they had, that are averaged.
_DRAWS = 20
#: Fewest organisations for leaving out one: what is left must stay a pool that nobody sees through.
_ORGANISATIONS = 5
#: With more organisations than this, those that move the estimate most are found with the weights held.
_ALL_LEFT_OUT = 30


@dataclass(frozen=True, slots=True)
class Doubt:
    """One more look at an answer.

    Attributes
    ----------
    check : str
        Code: ``earlier_score`` (the score of the wave before, which nothing done later can have changed),
        ``as_usual`` or ``none`` (the other
        choice of what happens later), ``exchangeable`` (a correlation within workers), ``lowest_without_one``
        and ``highest_without_one`` (leaving out one organisation).
    estimate, std_error, conf_low, conf_high : float
    """

    check: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


def doubts_about(
    emulation: Emulation,
    answer: Answer,
    *,
    protocol: TrialProtocol,
    limits: TrialLimits,
    level: float = 0.95,
) -> list[Doubt]:
    """Look at an answer in other ways.

    Parameters
    ----------
    emulation : Emulation
    answer : Answer
        One with a number.
    protocol : TrialProtocol
    limits : TrialLimits
    level : float
        Confidence level of the intervals.
    """
    found = [_earlier_score(emulation, answer, limits, level)]
    found.append(_other_later(emulation, answer, protocol, limits, level))
    found += [_exchangeable(answer, level), *_without_one(emulation, answer, protocol, limits, level)]
    return [doubt for doubt in found if doubt is not None and np.isfinite(doubt.estimate)]


def _doubt(check: str, fit: WeightedFit, place: int = 1) -> Doubt | None:
    if not fit.converged:
        return None
    numbers = (fit.estimate, fit.std_error, fit.conf_low, fit.conf_high)
    return Doubt(check, *(float(values[place]) for values in numbers))


def _correction(clusters: np.ndarray, limits: TrialLimits) -> Correction:
    return "leverage" if len(np.unique(clusters)) <= limits.few_clusters else "clusters"


def _scaled(columns: np.ndarray) -> np.ndarray:
    spread = columns.std(axis=0)
    kept = spread > 1e-9
    return np.asarray((columns[:, kept] - columns[:, kept].mean(axis=0)) / spread[kept])


def _design(answer: Answer, kept: np.ndarray) -> np.ndarray:
    """Columns of the weighted comparison of these trials: 1, treated or not, what was known at the start."""
    return np.column_stack([np.ones(kept.sum()), answer.found.treated[kept], _scaled(answer.baseline[kept])])


def _earlier_score(emulation: Emulation, answer: Answer, limits: TrialLimits, level: float) -> Doubt | None:
    """The difference in a score that was there before: with the same weights it should be about nought."""
    found, waves = answer.found, emulation.time.waves
    before = np.maximum(found.trials.wave - 1, 0)
    course, score = waves["course"].to_numpy(), waves["score"].to_numpy(dtype=float)
    kept = found.seen & (course[before] == found.trials.course) & (before < found.trials.wave)
    if kept.sum() < limits.families:
        return None
    design = _design(answer, kept)
    clusters = found.clusters[kept]
    fit = weighted_regression(
        design, score[before][kept], weight=found.weight[kept], clusters=clusters,
        correction=_correction(clusters, limits), level=level,
    )  # fmt: skip
    return _doubt("earlier_score", fit)


def nothing_done(
    answer: Answer, limits: TrialLimits, rng: np.random.Generator, *, level: float = 0.95
) -> list[Doubt]:
    """Families who started nothing, drawn by their chance of a start as if they had: nothing can have helped.

    Parameters
    ----------
    answer : Answer
    limits : TrialLimits
    rng : Generator
    level : float
        Confidence level of the intervals.

    Returns
    -------
    list of Doubt
        ``before_after``: the mean change of those drawn; ``weighted``: the difference that the comparison
        makes of them; both the mean of many draws, with the mean limits. Empty where too few could be drawn.
    """
    found = answer.found
    nobody = found.seen & ~found.treated
    chance, clusters = found.chance[nobody], found.clusters[nobody]
    outcome, columns = found.outcome[nobody], _scaled(answer.baseline[nobody])
    looks: dict[str, list[list[float]]] = {"before_after": [], "weighted": []}
    for _ in range(_DRAWS):
        as_if = rng.random(len(chance)) < chance
        if min(as_if.sum(), (~as_if).sum()) < limits.families / 2:
            continue
        weight = found.weight[nobody] * np.where(as_if, chance.mean() / chance, 1.0)
        design = np.column_stack([np.ones(len(chance)), as_if, columns])
        fits = {
            "weighted": weighted_regression(
                design, outcome, weight=weight, clusters=clusters, correction="clusters", level=level
            ),
            "before_after": weighted_regression(
                np.ones((int(as_if.sum()), 1)), answer.change[nobody][as_if], clusters=clusters[as_if],
                level=level,
            ),
        }  # fmt: skip
        for name, fit in fits.items():
            place = min(1, len(fit.estimate) - 1)
            numbers = (fit.estimate, fit.std_error, fit.conf_low, fit.conf_high)
            looks[name].append([float(values[place]) for values in numbers])
    told = {name: np.mean(drawn, axis=0) for name, drawn in looks.items() if drawn}
    return [Doubt(name, *(float(value) for value in means)) for name, means in told.items()]


def _other_later(
    emulation: Emulation, answer: Answer, protocol: TrialProtocol, limits: TrialLimits, level: float
) -> Doubt | None:
    """The other choice of what happens later to those who started nothing."""
    other = replace(protocol, later="as_usual" if protocol.later == "none" else "none")
    found = compare_strategies(
        emulation.chances, answer.found.trials, what=answer.what, protocol=other, limits=limits,
        clusters=answer.found.clusters, baseline=answer.baseline, outcome=answer.found.outcome, level=level,
    )  # fmt: skip
    return _doubt(other.later, found.weighted)


def _exchangeable(answer: Answer, level: float) -> Doubt | None:
    """A correlation within workers, with the same weights."""
    found = answer.found
    kept = found.seen
    design = _design(answer, kept)
    fit = estimating_equations(
        design, found.outcome[kept], clusters=found.clusters[kept], weight=found.weight[kept],
        exchangeable=True,
    )  # fmt: skip
    if not fit.converged:
        return None
    g = len(np.unique(found.clusters[kept]))
    error = float(fit.std_error[1]) * float(np.sqrt(g / (g - 1)))
    half = float(stdtrit(g - 1, 0.5 + level / 2)) * error
    estimate = float(fit.estimate[1])
    return Doubt("exchangeable", estimate, error, estimate - half, estimate + half)


def _without_one(
    emulation: Emulation, answer: Answer, protocol: TrialProtocol, limits: TrialLimits, level: float
) -> list[Doubt | None]:
    """The smallest and the largest estimate when one organisation is left out; which one is not said.

    With more than thirty organisations, the two that move it most are found with the weights held, and only
    without those is everything estimated anew.
    """
    trials = answer.found.trials
    organisation = emulation.data.organisation[trials.course]
    names = np.unique(organisation)
    if len(names) < _ORGANISATIONS:
        return []
    if len(names) > _ALL_LEFT_OUT:
        names = _moving_most(answer, organisation, names)
    looks = []
    for name in names:
        kept = organisation != name
        found = compare_strategies(
            emulation.chances, trials.of(kept), what=answer.what, protocol=protocol, limits=limits,
            clusters=answer.found.clusters[kept], baseline=answer.baseline[kept],
            outcome=answer.found.outcome[kept], level=level,
        )  # fmt: skip
        looks.append(_doubt("lowest_without_one", found.weighted))
    told = sorted((look for look in looks if look is not None), key=lambda look: look.estimate)
    if not told:
        return []
    top = told[-1]
    highest = Doubt("highest_without_one", top.estimate, top.std_error, top.conf_low, top.conf_high)
    return [told[0], highest]


def _moving_most(answer: Answer, organisation: np.ndarray, names: np.ndarray) -> np.ndarray:
    """The organisations without which the weighted difference is lowest and highest, the weights being held.

    By deletion of their rows from the normal equations.
    """
    found = answer.found
    kept = found.seen
    x = _design(answer, kept)
    y, weight = found.outcome[kept], found.weight[kept]
    moment, cross = (x * weight[:, None]).T @ x, x.T @ (weight * y)
    # without an organisation its own column is empty: a trace of a ridge keeps the equations solvable
    moment += 1e-8 * np.mean(np.diagonal(moment)) * np.eye(len(moment))
    differences = []
    for name in names:
        mine = organisation[kept] == name
        own = x[mine] * weight[mine, None]
        differences.append(np.linalg.solve(moment - own.T @ x[mine], cross - own.T @ y[mine])[1])
    return names[sorted({int(np.argmin(differences)), int(np.argmax(differences))})]


def evalue_of(answer: Answer) -> EValue:
    """What an unmeasured cause would have to be to explain the difference away.

    Parameters
    ----------
    answer : Answer
    """
    found = answer.found
    nobody = found.seen & ~found.treated
    spread = float(found.outcome[nobody].std(ddof=1))
    if not spread > 0:
        return EValue(np.nan, np.nan, np.nan, np.nan, np.nan)
    return evalue_of_difference(
        float(found.weighted.estimate[1]) / spread, float(found.weighted.std_error[1]) / spread
    )


def with_confounding(answer: Answer, sign: float, deltas: Sequence[float]) -> list[dict[str, float]]:
    """The difference if those with an intervention had been worse off by delta points anyway.

    Parameters
    ----------
    answer : Answer
    sign : float
        -1 where lower scores are better, else 1.
    deltas : sequence of float
        Points.
    """
    fit = answer.found.weighted
    return [
        {"worse_by": float(delta)}
        | {
            name: float(getattr(fit, name)[1]) + sign * float(delta)
            for name in ("estimate", "conf_low", "conf_high")
        }
        for delta in deltas
    ]
