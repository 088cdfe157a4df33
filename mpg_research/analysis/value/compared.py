"""What is compared: costs and effects of groups as two regressions, with the costs of each price apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.economics.follow_up import read_follow_up
from mpg_research.analysis.interventions.target_trial import emulate_target_trial
from mpg_research.analysis.value.compared_groups import FamilyGroups, groups_of_column
from mpg_research.analysis.value.effects_of_groups import effect_of_groups, later_factor
from mpg_research.arrays import FloatArray
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.economics.group_differences import Regression, regression_of
from mpg_research.statistics.economics.pseudo_totals import pseudo_totals
from mpg_research.study.model import SampleFlow, Study
from mpg_research.study.which_scores import Scores

__all__ = ["Compared", "compare_column", "compare_intervention", "costs_per_price", "needs_horizon",
           "trial_units"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """Groups of families (or strategies) with their costs and effects.

    Attributes
    ----------
    names : tuple of str
        Of the groups; the first is the one that the others are compared with.
    cost, effect : Regression
    parts : ndarray, shape (rows of cost, m)
        What each price adds to the costs.
    priced : DataFrame
        The m prices: item, payer, kind, price, price_low, price_high, distribution.
    used : tuple of frozenset of str, length m
        Families who used what each price is of.
    n_families : ndarray of int, shape (k,)
        Distinct families behind costs and effects of each group, the smaller of the two.
    n_organisations : ndarray of int, shape (k,)
    strata : ndarray, optional
    months : float
        Over which costs are counted.
    flow : SampleFlow
    notes : tuple of Note
    facts : mapping
        Parameters of the comparison, for the provenance.
    instrument, outcome : str
    converged : bool
    followed : float
        Share of the families who are followed to the end of the months; NaN where all are.
    """

    names: tuple[str, ...]
    cost: Regression = field(repr=False)
    effect: Regression = field(repr=False)
    parts: FloatArray = field(repr=False)
    priced: pd.DataFrame = field(repr=False)
    used: tuple[frozenset[str], ...] = field(repr=False)
    n_families: np.ndarray
    n_organisations: np.ndarray
    strata: np.ndarray | None = field(repr=False)
    months: float
    flow: SampleFlow
    notes: tuple[Note, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    instrument: str = ""
    outcome: str = ""
    converged: bool = True
    followed: float = float("nan")


def costs_per_price(costs: FamilyCosts, edges: FloatArray) -> tuple[pd.DataFrame, FloatArray]:
    """The prices that were used, and what each adds to every family's costs in each interval.

    Parameters
    ----------
    costs : FamilyCosts
    edges : ndarray, shape (J + 1,)

    Returns
    -------
    DataFrame
        m rows, as ``costs.prices``.
    ndarray, shape (families, m, J)
    """
    within = (costs.rows["month"] >= edges[0]) & (costs.rows["month"] < edges[-1])
    used = costs.rows.loc[within, ["item", "payer"]].drop_duplicates().astype(str)
    priced = costs.prices.merge(used, on=["item", "payer"]).reset_index(drop=True)
    item, payer = costs.rows["item"].astype(str), costs.rows["payer"].astype(str)
    tables = [
        costs.amounts(edges, rows=((item == row["item"]) & (payer == row["payer"])).to_numpy(dtype=bool))
        for _, row in priced.iterrows()
    ]
    shape = (len(costs.followed), 0, len(edges) - 1)
    return priced, np.stack(tables, axis=1) if tables else np.zeros(shape)


def needs_horizon(costs: FamilyCosts, months: float, code: np.ndarray | None = None) -> None:
    """Refuse a horizon to which nobody (of a group) is followed.

    Parameters
    ----------
    costs : FamilyCosts
    months : float
    code : ndarray of int, shape (families,), optional
        Groups, -1 for families in none; by default all families together.
    """
    until = costs.followed["months"].to_numpy(dtype=float)
    codes = np.zeros(len(until)) if code is None else code
    longest = min(float(until[codes == each].max(initial=0.0)) for each in np.unique(codes[codes >= 0]))
    if longest < months:
        raise NotApplicableError(
            f"Costs are asked up to {months:g} months, and in a group nobody is followed beyond "
            f"{longest:.1f} "
            " months: see [costs] horizon_months in study.toml.",
            code="horizon_too_far",
        )


def compare_column(
    study: Study, costs: FamilyCosts, column: str, *, effect: str, horizon: int,
    case_mix: tuple[str, ...], rate: float, scores: Scores,
) -> Compared:  # fmt: skip
    """Groups by a column of ``episodes``.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    column : str
    effect : {"points", "reliably_improved", "months_without_placement"}
    horizon : int
        Months since the start.
    case_mix : tuple of str
    rate : float
        Of discounting effects.
    scores : Scores

    Returns
    -------
    Compared
    """
    groups = groups_of_column(study, costs, column, case_mix=case_mix)
    in_a_group = np.full(len(costs.followed), -1)
    in_a_group[groups.unit] = groups.code
    needs_horizon(costs, horizon, in_a_group)
    edges = np.arange(horizon + 1.0)
    priced, tables = costs_per_price(costs, edges)
    mine, until = tables[groups.unit], groups.families["months"].to_numpy(dtype=float)
    parts = np.column_stack(
        [pseudo_totals(mine[:, place], until, edges=edges, group=groups.code) for place in range(len(priced))]
    )
    worker = groups.families["worker"].astype(str).to_numpy()
    cost = regression_of(
        parts.sum(axis=1), groups.code, case_mix=groups.case_mix, clusters=worker, n_groups=len(groups.names)
    )
    found = effect_of_groups(study, costs, groups, effect=effect, horizon=horizon, rate=rate, scores=scores)
    k = len(groups.names)
    families, organisations = _behind(groups, found.code, k)
    full = float((until >= horizon).mean())
    return Compared(
        groups.names, cost, found.regression, parts, priced,
        _users((mine != 0).any(axis=2), groups.families["family"].astype(str).to_numpy()),
        families, organisations, groups.strata,
        float(horizon), groups.flow, groups.notes,
        {"by": column}, found.instrument, found.outcome, found.converged, full,
    )  # fmt: skip


def _users(used: np.ndarray, families: np.ndarray) -> tuple[frozenset[str], ...]:
    """Families with a row that used each price."""
    return tuple(frozenset(families[used[:, place]].tolist()) for place in range(used.shape[1]))


def _behind(groups: FamilyGroups, effect_code: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Families and organisations of each group."""
    of_costs, of_effects = (np.bincount(codes, minlength=k) for codes in (groups.code, effect_code))
    home = groups.families["organisation"].astype(str).to_numpy()
    organisations = np.array([len(set(home[groups.code == each])) for each in range(k)])
    return np.minimum(of_costs, of_effects), organisations


def compare_intervention(
    study: Study, costs: FamilyCosts, code: str, *, month: float | None, case_mix: tuple[str, ...],
    rate: float, scores: Scores, seed: int,
) -> Compared:  # fmt: skip
    """Families whose help stands still with an intervention and without, as an emulated trial has them.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    code : str
        Of the intervention, or "any".
    month : float, optional
        Months after the wave; by default the last that the trial has an answer for.
    case_mix : tuple of str
    rate : float
        Of discounting effects.
    scores : Scores
    seed : int

    Returns
    -------
    Compared

    Raises
    ------
    NotApplicableError
        Where the trial has no answer.
    """
    trial = emulate_target_trial(
        study, interventions=[code], replicates=2, seed=seed, case_mix=case_mix, scores=scores
    )
    data = trial.emulation.data
    answered = [
        each for each in trial.emulation.answers
        if each.verdict.fine and not each.stability and month in (None, each.month)
    ]  # fmt: skip
    if not answered:
        raise NotApplicableError(
            f"Families with the intervention {code} cannot be compared with families without: the emulated "
            "trial has no answer (its verdicts say why), so costs cannot be put beside effects.",
            code="intervention_not_compared",
        )
    answer = answered[-1]
    found = answer.found
    priced, parts, known = _costs_after(study, costs, trial, answer.month)
    wave = np.flatnonzero(found.seen)
    kept = wave[known[wave]]
    group = found.treated[kept].astype(int)
    course = found.trials.course[kept]
    if min(len(set(data.family[course[group == arm]])) for arm in (0, 1)) < trial.limits.families:
        raise NotApplicableError(
            "Of too few families in the emulated trial are costs known, so costs cannot be put beside "
            "effects.",
            code="intervention_not_compared",
        )
    baseline = answer.baseline[kept]
    spread = baseline.std(axis=0)
    baseline = (baseline - baseline.mean(axis=0))[:, spread > 1e-9] / spread[spread > 1e-9]
    same = {
        "case_mix": baseline, "clusters": found.clusters[kept].astype(str), "n_groups": 2,
        "weight": found.weight[kept],
    }  # fmt: skip
    later = later_factor(rate, answer.month)
    cost = regression_of(parts[kept].sum(axis=1), group, **same)
    effect = regression_of(data.sign * found.outcome[kept] * later, group, **same)
    families = np.array([len(set(data.family[course[group == arm]])) for arm in (0, 1)])
    homes = np.array([len(set(data.organisation[course[group == arm]])) for arm in (0, 1)])
    return Compared(
        ("without", "with"), cost, effect, parts[kept], priced,
        _users(parts[kept] != 0, np.asarray(data.family)[course].astype(str)),
        families, homes, None, float(answer.month),
        trial.flow, (), {"by": "intervention", "intervention": code},
        str(trial.provenance.instrument), str(trial.provenance.outcome),
    )  # fmt: skip


def _costs_after(
    study: Study, costs: FamilyCosts, trial: object, month: float
) -> tuple[pd.DataFrame, FloatArray, np.ndarray]:
    """What each price adds in the months after each trial started, and whether it is known.

    Parts of months count in proportion.
    """
    emulation = trial.emulation  # type: ignore[attr-defined]
    trials = next(mine for at, mine in emulation.trials if at == month)
    followed = read_follow_up(study)
    units = trial_units(study, trial)
    periods = followed.periods.assign(
        family=followed.families["family"].astype(str).to_numpy()[followed.periods["unit"]]
    )
    begins = periods.drop_duplicates(["family", "episode"]).set_index(["family", "episode"])["begin"]
    keys = pd.MultiIndex.from_frame(units[["family", "episode"]].astype(str))
    begin = begins.reindex(keys).to_numpy(dtype=float)[trials.course]
    place = pd.Index(costs.followed["family"].astype(str)).get_indexer(pd.Index(units["family"].astype(str)))[
        trials.course
    ]
    start = begin + trials.start
    until = np.where(place >= 0, costs.followed["months"].to_numpy(dtype=float)[place], -1.0)
    known = (place >= 0) & np.isfinite(start) & (start + month <= until + 0.1)
    last = int(np.ceil(np.max(np.where(known, start + month, 1.0), initial=1.0)))
    priced, tables = costs_per_price(costs, np.arange(last + 1.0))
    zero = np.zeros((*tables.shape[:2], 1))
    summed = np.concatenate([zero, np.cumsum(tables, axis=2)], axis=2)
    rows = np.maximum(place, 0)

    def up_to(moment: np.ndarray) -> FloatArray:
        at = np.clip(np.nan_to_num(moment), 0, last)
        low = np.minimum(np.floor(at).astype(int), last - 1)
        share = (at - low)[:, None]
        found: FloatArray = summed[rows, :, low] * (1 - share) + summed[rows, :, low + 1] * share
        return found

    return priced, up_to(start + month) - up_to(start), known


def trial_units(study: Study, trial: object) -> pd.DataFrame:
    """Family and episode of each course of an emulated trial.

    Parameters
    ----------
    study : Study
        A loaded study.
    trial : TargetTrial

    Returns
    -------
    DataFrame
    """
    from mpg_research.analysis.families.courses import read_courses

    chosen = trial.provenance.parameters  # type: ignore[attr-defined]
    scores = Scores(
        instrument=trial.provenance.instrument, outcome=trial.provenance.outcome,  # type: ignore[attr-defined]
        episodes=str(chosen.get("episodes") or study.config.analysis.episodes),
        respondents=str(chosen.get("respondents") or study.config.analysis.respondents),
    )  # fmt: skip
    return read_courses(study, scores=scores, case_mix=tuple(chosen["case_mix"])).units
