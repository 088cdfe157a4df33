"""The difference between two strategies: weighted, doubly robust, by the g-formula; or why there is none."""

from dataclasses import dataclass, field

import numpy as np

from mpg_research.analysis.interventions.chances import Chances, weigh
from mpg_research.analysis.interventions.protocol import TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.trials import Strategy, Trials, follow_strategies
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.trials.balance import Balance, Overlap, compare_groups, measure_overlap
from mpg_research.statistics.trials.doubly_robust import augmented_means
from mpg_research.statistics.trials.g_formula import StageMoments, iterated_expectation, stage_moments
from mpg_research.statistics.trials.regression import Correction, WeightedFit, weighted_regression

__all__ = ["Comparison", "GFormula", "Verdict", "compare_strategies", "g_formula_of", "judge"]

#: Trials with a further wave that a stage of the g-formula needs.
_FEWEST = 30
#: Sums of clusters that a bootstrap holds at most; more are added up in groups, which stay independent.
_MOST_SUMS = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a comparison can be made.

    Attributes
    ----------
    reasons : tuple of str
        Codes of what stands in the way, the first being the weightiest; empty if nothing does.
    largest_imbalance : float
    """

    reasons: tuple[str, ...]
    largest_imbalance: float

    @property
    def fine(self) -> bool:
        """Whether there is a number."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two strategies beside each other.

    Attributes
    ----------
    trials : Trials
    strategies : (Strategy, Strategy)
        With and without.
    outcome : ndarray, shape (n,)
    clusters : ndarray of int, shape (n,)
    seen : ndarray of bool, shape (n,)
        Of either strategy.
    treated : ndarray of bool, shape (n,)
        Of the strategy with, among those seen.
    weight : ndarray, shape (n,)
        Truncated and stabilised; 0 for those not seen.
    weighted, augmented : WeightedFit
        The difference is the coefficient 1 of the first, and 0 of the second.
    before, after : Balance
        Of those seen, unweighted and weighted.
    overlap : Overlap
    chance : ndarray, shape (n,)
        Of a start within the grace.
    converged : bool
    n_truncated : int
    """

    trials: Trials = field(repr=False)
    strategies: tuple[Strategy, Strategy] = field(repr=False)
    outcome: FloatArray = field(repr=False)
    clusters: IntArray = field(repr=False)
    seen: np.ndarray = field(repr=False)
    treated: np.ndarray = field(repr=False)
    weight: FloatArray = field(repr=False)
    weighted: WeightedFit
    augmented: WeightedFit
    before: Balance
    after: Balance
    overlap: Overlap
    chance: FloatArray = field(repr=False)
    converged: bool
    n_truncated: int


def compare_strategies(
    chances: Chances,
    trials: Trials,
    *,
    what: str,
    protocol: TrialProtocol,
    limits: TrialLimits,
    clusters: IntArray,
    baseline: FloatArray,
    balanced: FloatArray | None = None,
    outcome: FloatArray | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare an intervention with none, by weighting and doubly robust.

    Parameters
    ----------
    chances : Chances
    trials : Trials
    what : str
        A code, or "any".
    protocol : TrialProtocol
    limits : TrialLimits
    clusters : ndarray of int, shape (n,)
    baseline : ndarray, shape (n, k)
        What was known at the start of each trial, for the models of the outcome.
    balanced : ndarray, shape (n, q), optional
        Columns whose balance is looked at; by default the same.
    outcome : ndarray, shape (n,), optional
        By default the score of the trials.
    level : float
    """
    strategies = follow_strategies(trials, what=what, protocol=protocol)
    first, second, chance, arrived = weigh(chances, trials, strategies, what=what, protocol=protocol)
    weights = (first, second)
    y = trials.outcome if outcome is None else outcome
    seen = [strategy.seen & np.isfinite(y) for strategy in strategies]
    few = len(np.unique(clusters)) <= limits.few_clusters
    correction: Correction = "leverage" if few else "clusters"
    cut, truncated, stabilised = [], 0, np.zeros(len(y))
    for arm in (0, 1):
        mine = seen[arm]
        top = np.quantile(weights[arm].weight[mine], limits.truncation) if mine.any() else 1.0
        truncated += int((weights[arm].weight[mine] > top).sum())
        cut.append(np.minimum(weights[arm].weight, top))
        own = weights[arm].stabilised[mine]
        stabilised[mine] = np.minimum(own, np.quantile(own, limits.truncation)) if mine.any() else own
    either = seen[0] | seen[1]
    x = np.column_stack([np.ones(len(y)), _centred(baseline)])
    rows = np.column_stack([np.ones(either.sum()), seen[0][either], x[either][:, 1:]])
    weighted = weighted_regression(
        rows, y[either], weight=stabilised[either], clusters=clusters[either], correction=correction,
        level=level,
    )  # fmt: skip
    enough = all(mine.sum() > x.shape[1] for mine in seen)
    influence = np.full(len(y), np.nan)
    if enough:
        means = [augmented_means(np.nan_to_num(y), seen[a], weight=cut[a], design=x) for a in (0, 1)]
        influence = means[0] - means[1]
    augmented = weighted_regression(
        np.ones((len(y), 1)), influence if enough else np.zeros(len(y)), clusters=clusters,
        correction=correction, level=level,
    )  # fmt: skip
    groups = seen[0][either]
    shown = baseline if balanced is None else balanced
    return Comparison(
        trials, strategies, y, clusters, either, seen[0], stabilised, weighted, augmented,
        compare_groups(shown[either], groups),
        compare_groups(shown[either], groups, weight=stabilised[either]),
        measure_overlap(chance, strategies[0].until == np.inf, smallest=0.01),
        chance, arrived and enough, truncated,
    )  # fmt: skip


def _centred(columns: FloatArray) -> FloatArray:
    if not len(columns):
        return columns
    spread = columns.std(axis=0)
    kept = spread > 1e-9
    return np.asarray(((columns - columns.mean(axis=0)) / np.where(kept, spread, 1.0))[:, kept])


def judge(found: Comparison, families: np.ndarray, limits: TrialLimits) -> Verdict:
    """Whether the data carry the comparison, by our own limits.

    Parameters
    ----------
    found : Comparison
    families : ndarray, shape (n,)
        The family of each trial.
    limits : TrialLimits
    """
    reasons = []
    for arm, code in ((found.treated, "few_treated"), (found.seen & ~found.treated, "few_untreated")):
        if len(np.unique(families[arm])) < limits.families:
            reasons.append(code)
    worst = float("nan")
    if not reasons:
        worst = float(np.nanmax(np.abs(found.after.standardised)))
        if found.overlap.inside < limits.overlap:
            reasons.append("no_overlap")
        if min(found.after.size_treated, found.after.size_control) < limits.effective:
            reasons.append("few_effective")
        if not worst <= limits.imbalance:
            reasons.append("imbalance")
        if len(np.unique(found.clusters[found.seen])) < limits.clusters:
            reasons.append("few_clusters")
        if not (found.converged and found.weighted.converged and found.augmented.converged):
            reasons.append("not_converged")
    return Verdict(tuple(reasons), worst)


def _moments_of(
    found: Comparison, strategy: Strategy, chances: Chances, baseline: FloatArray, codes: IntArray
) -> StageMoments:
    """Stages are the waves from the start of a trial to its outcome: what is done hangs on the last one."""
    trials, waves = found.trials, chances.time.waves
    course, months = waves["course"].to_numpy(), waves["months"].to_numpy(dtype=float)
    scores = _scores_so_far(chances)
    fixed = np.column_stack([np.ones(len(codes)), _centred(baseline)])
    closes = trials.opens + 2 * (trials.start + trials.month - trials.opens)
    row, on = trials.wave, np.ones(len(codes), dtype=bool)
    stages, followed, reached = [], [], []
    while True:
        left = (trials.start + trials.month - months[row])[:, None]
        stages.append(np.column_stack([fixed, scores[row], left]))
        following = np.minimum(row + 1, len(months) - 1)
        there = (following > row) & (course[following] == trials.course) & (months[following] <= closes)
        on = on & there & (strategy.until >= months[following])
        over = on & (following == trials.outcome_row)
        going = on & ~over
        followed.append(on)
        reached.append(over)
        if going.sum() < _FEWEST:
            # the few with more waves: what was known by now stands for what came later
            followed[-1] = over | (going & strategy.seen)
            break
        on, row = going, np.where(going, following, row)
    y = np.nan_to_num(found.outcome)
    followed[-1] = followed[-1] & np.isfinite(found.outcome)
    return stage_moments(stages, followed, y, clusters=codes, reached=reached)


def _scores_so_far(chances: Chances) -> FloatArray:
    """At each wave: the score, the one before (or itself), and the mean of the course so far; centred."""
    waves = chances.time.waves
    course, score = waves["course"].to_numpy(), waves["score"].to_numpy(dtype=float)
    score = score - score.mean()
    first = np.append(True, course[1:] != course[:-1])
    before = np.where(first, score, np.append(0.0, score[:-1]))
    total = np.cumsum(score)
    begin = np.maximum.accumulate(np.where(first, np.arange(len(score)), 0))
    mean = (total - total[begin] + score[begin]) / (np.arange(len(score)) - begin + 1)
    return np.column_stack([score, before, mean])


@dataclass(frozen=True, slots=True)
class GFormula:
    """The difference by the g-formula.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        With the quantiles of a bootstrap of clusters.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


def g_formula_of(
    found: Comparison,
    chances: Chances,
    baseline: FloatArray,
    *,
    replicates: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> GFormula:
    """The difference by linear models of each wave, from the last to the first.

    Parameters
    ----------
    found : Comparison
    chances : Chances
    baseline : ndarray, shape (n, k)
    replicates : int
        Of the bootstrap of clusters.
    rng : Generator
    level : float
    """
    codes = np.unique(found.clusters, return_inverse=True)[1] % _MOST_SUMS
    sums = [_moments_of(found, strategy, chances, baseline, codes) for strategy in found.strategies]
    estimate = iterated_expectation(sums[0]) - iterated_expectation(sums[1])
    g = len(sums[0].n)
    drawn = np.empty(replicates)
    for place in range(replicates):
        weight = np.bincount(rng.integers(0, g, size=g), minlength=g).astype(float)
        drawn[place] = iterated_expectation(sums[0], weight) - iterated_expectation(sums[1], weight)
    low, high = np.nanquantile(drawn, [0.5 - level / 2, 0.5 + level / 2]) if replicates else (np.nan, np.nan)
    error = float(np.nanstd(drawn, ddof=1)) if replicates > 1 else float("nan")
    return GFormula(float(estimate), error, float(low), float(high))
