"""Strategies of an emulated trial by costs and effects: an intervention or none, fewer agencies or more."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.families.choices import DEFAULT_ERROR
from mpg_research.analysis.families.courses import Courses, read_courses
from mpg_research.analysis.families.score_error import measurement_error
from mpg_research.analysis.interventions.emulation import Answer, Emulation
from mpg_research.analysis.interventions.protocol import TrialLimits
from mpg_research.analysis.interventions.target_trial import TargetTrial, emulate_target_trial
from mpg_research.analysis.process.fewer_agencies import FewerAgencies, emulate_fewer_agencies
from mpg_research.analysis.value.compared import Compared, costs_per_price, users_of
from mpg_research.analysis.value.effects_of_groups import later_factor, read_placements
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.change.reliable_change import reliable_change_index
from mpg_research.statistics.economics.group_differences import regression_of
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.which_scores import Scores

__all__ = ["compare_fewer_agencies", "compare_intervention", "trial_courses"]


def compare_intervention(
    study: Study, costs: FamilyCosts, code: str, *, effect: str, month: float | None,
    case_mix: tuple[str, ...], rate: float, scores: Scores, seed: int,
) -> Compared:  # fmt: skip
    """Families whose help stands still with an intervention and without, as an emulated trial has them.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    code : str
        Of the intervention, or "any".
    effect : {"points", "reliably_improved", "months_without_placement"}
        All of the families with a score at the end, weighted as in the trial.
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
        Where the trial has no answer, or without what the effect is computed from.
    """
    trial = emulate_target_trial(
        study, interventions=[code], replicates=2, seed=seed, case_mix=case_mix, scores=scores
    )
    answer = _last_answer(trial.emulation, month)
    if answer is None:
        raise NotApplicableError(
            f"Families with the intervention {code} cannot be compared with families without: the emulated "
            "trial has no answer (its verdicts say why), so costs cannot be put beside effects.",
            code="intervention_not_compared",
        )
    facts = {
        "by": "intervention", "intervention": code, "effect": effect,
        "grace_weeks": float(trial.protocol.grace_weeks),
    }  # fmt: skip
    return _compare_trial(
        study, costs, trial, answer, names=("without", "with"), fewest=trial.limits.families, rate=rate,
        flow=trial.flow, facts=facts, refused="intervention_not_compared",
    )  # fmt: skip


def compare_fewer_agencies(
    study: Study, costs: FamilyCosts, *, effect: str, month: float | None, case_mix: tuple[str, ...],
    rate: float, scores: Scores, seed: int,
) -> Compared:  # fmt: skip
    """Families who come down to few agencies beside families who keep more, as an emulated trial has them.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    effect : {"points", "reliably_improved", "months_without_placement"}
        All of the families with a score at the end, weighted as in the trial.
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
        Where the trial has no answer, or without agencies or what the effect is computed from.
    """
    limits = TrialLimits()
    trial = emulate_fewer_agencies(
        study, replicates=2, seed=seed, case_mix=case_mix, scores=scores, limits=limits
    )
    answer = _last_answer(trial.emulation, month)
    if answer is None:
        raise NotApplicableError(
            "Families who come down to few agencies cannot be compared with families who keep more: the "
            "emulated trial has no answer (its verdicts say why), so costs cannot be put beside effects.",
            code="fewer_agencies_not_compared",
        )
    chosen = trial.provenance.parameters
    facts = {
        "by": "fewer_agencies", "effect": effect, "agencies_at_most": int(chosen["agencies_at_most"]),
        "agencies_within_months": float(chosen["agencies_within_months"]),
    }  # fmt: skip
    return _compare_trial(
        study, costs, trial, answer, names=("more_agencies", "fewer_agencies"), fewest=limits.families,
        rate=rate, flow=_flow_of_agencies(trial, answer), facts=facts, refused="fewer_agencies_not_compared",
    )  # fmt: skip


def _last_answer(emulation: Emulation, month: float | None) -> Answer | None:
    """The answer of this month, or the last there is."""
    answered = [
        each for each in emulation.answers
        if each.verdict.fine and not each.stability and month in (None, each.month)
    ]  # fmt: skip
    return answered[-1] if answered else None


def _compare_trial(
    study: Study, costs: FamilyCosts, trial: TargetTrial | FewerAgencies, answer: Answer, *,
    names: tuple[str, str], fewest: int, rate: float, flow: SampleFlow, facts: dict[str, object],
    refused: str,
) -> Compared:  # fmt: skip
    """Costs beside an effect of the trials of an answer, with its weights."""
    data, found = trial.emulation.data, answer.found
    effect = str(facts["effect"])
    courses = trial_courses(study, trial)
    placed = _placed(costs, trial.emulation, courses, answer.month)
    priced, parts = _costs_after(costs, placed, answer.month)
    gained, has_effect = _effects_after(study, costs, answer, courses, placed, effect=effect, sign=data.sign)
    wave = np.flatnonzero(found.seen)
    kept = wave[(placed.known & has_effect)[wave]]
    group = found.treated[kept].astype(int)
    course = found.trials.course[kept]
    if min(len(set(data.family[course[group == arm]])) for arm in (0, 1)) < fewest:
        raise NotApplicableError(
            "Of too few families in the emulated trial are costs and effect known, so costs cannot be put "
            "beside effects.",
            code=refused,
        )
    baseline = answer.baseline[kept]
    spread = baseline.std(axis=0)
    baseline = (baseline - baseline.mean(axis=0))[:, spread > 1e-9] / spread[spread > 1e-9]
    same = {
        "case_mix": baseline, "clusters": found.clusters[kept].astype(str), "n_groups": 2,
        "weight": found.weight[kept],
    }  # fmt: skip
    later = later_factor(rate, answer.month)
    family = np.asarray(data.family)[course].astype(str)
    arms = [course[group == arm] for arm in (0, 1)]
    return Compared(
        names=names,
        cost=regression_of(parts[kept].sum(axis=1), group, **same),
        effect=regression_of(gained[kept] * later, group, **same),
        parts=parts[kept], priced=priced, family=family, used=users_of(parts[kept] != 0, family),
        n_families=np.array([len(set(data.family[mine])) for mine in arms]),
        n_organisations=np.array([len(set(data.organisation[mine])) for mine in arms]),
        strata=None, months=float(answer.month), flow=flow, notes=(), facts=facts,
        instrument=str(trial.provenance.instrument), outcome=str(trial.provenance.outcome),
    )  # fmt: skip


def _flow_of_agencies(trial: FewerAgencies, answer: Answer) -> SampleFlow:
    """From the families analysed to those with many agencies, and those who could be followed."""
    data, waves = trial.emulation.data, trial.emulation.time.waves
    many = waves["course"].to_numpy()[waves["eligible"].to_numpy()]
    followed = answer.found.trials.course
    steps = [
        FlowStep(code, text, len(course), len(np.unique(data.family[course])), len(np.unique(course)))
        for code, text, course in (
            ("many_agencies", "at a wave with more agencies than are few", many),
            ("many_followed", f"that could be followed for {answer.month:g} months", followed),
        )
    ]
    return SampleFlow((*trial.flow.steps, *steps))


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where each trial stands among the families whose costs are known; arrays of shape (trials,).

    Attributes
    ----------
    unit : ndarray of int
        Row of ``followed``; -1 without one.
    start : ndarray
        Months since the start of the first help.
    known : ndarray of bool
        Whether the family is followed up to the month of the outcome.
    """

    unit: IntArray
    start: FloatArray
    known: BoolArray


def _placed(costs: FamilyCosts, emulation: Emulation, courses: Courses, month: float) -> _Placed:
    trials = next(mine for at, mine in emulation.trials if at == month)
    followed, units = costs.follow_up, courses.units
    periods = followed.periods.assign(
        family=followed.families["family"].astype(str).to_numpy()[followed.periods["unit"]]
    )
    begins = periods.drop_duplicates(["family", "episode"]).set_index(["family", "episode"])["begin"]
    keys = pd.MultiIndex.from_frame(units[["family", "episode"]].astype(str))
    begin = begins.reindex(keys).to_numpy(dtype=float)[trials.course]
    unit = followed.unit_of(units["family"])[trials.course]
    start = begin + trials.start
    until = np.where(unit >= 0, costs.followed["months"].to_numpy(dtype=float)[unit], -1.0)
    known = (unit >= 0) & np.isfinite(start) & (start + month <= until + 0.1)
    return _Placed(unit, start, known)


def _costs_after(costs: FamilyCosts, placed: _Placed, month: float) -> tuple[pd.DataFrame, FloatArray]:
    """What each price adds in the months after each trial started.

    Parts of months count in proportion.
    """
    start = placed.start
    last = int(np.ceil(np.max(np.where(placed.known, start + month, 1.0), initial=1.0)))
    priced, tables = costs_per_price(costs, np.arange(last + 1.0))
    zero = np.zeros((*tables.shape[:2], 1))
    summed = np.concatenate([zero, np.cumsum(tables, axis=2)], axis=2)
    rows = np.maximum(placed.unit, 0)

    def up_to(moment: np.ndarray) -> FloatArray:
        at = np.clip(np.nan_to_num(moment), 0, last)
        low = np.minimum(np.floor(at).astype(int), last - 1)
        share = (at - low)[:, None]
        found: FloatArray = summed[rows, :, low] * (1 - share) + summed[rows, :, low + 1] * share
        return found

    return priced, up_to(start + month) - up_to(start)


def _effects_after(
    study: Study, costs: FamilyCosts, answer: Answer, courses: Courses, placed: _Placed, *, effect: str,
    sign: float,
) -> tuple[FloatArray, BoolArray]:  # fmt: skip
    """The effect of each trial, more being better, and whether it is known where the score is."""
    found = answer.found
    everywhere: BoolArray = np.ones(len(found.outcome), dtype=bool)
    if effect == "points":
        return sign * found.outcome, everywhere
    if effect == "reliably_improved":
        error = measurement_error(study, courses, DEFAULT_ERROR)
        change = reliable_change_index(
            found.outcome - answer.change, found.outcome, reliability=error.reliability,
            method=study.config.analysis.change_method, sd=error.sd if error.sd > 0 else None,
            direction=courses.instrument.direction,
        )  # fmt: skip
        return (np.asarray(change.category) == "improved").astype(float), everywhere
    recording, units, moments = read_placements(study, costs)
    home = costs.followed["organisation"].astype(str).to_numpy()[placed.unit]
    # The next placement after each start: on one axis on which families lie far apart.
    wide = 1.0 + 2.0 * float(np.abs(np.concatenate([moments, np.nan_to_num(placed.start)])).max(initial=0.0))
    order = np.lexsort((moments, units))
    axis = units[order] * wide + moments[order]
    place = np.searchsorted(axis, placed.unit * wide + np.nan_to_num(placed.start))
    there = place < len(order)
    at = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros(len(place), dtype=np.intp)
    mine = there & (units[at] == placed.unit) if len(order) else there
    following = (
        np.where(mine, moments[at] - placed.start, np.inf) if len(order) else np.full(len(place), np.inf)
    )
    return np.clip(following, 0.0, answer.month), np.isin(home, list(recording))


def trial_courses(study: Study, trial: TargetTrial | FewerAgencies) -> Courses:
    """The courses of an emulated trial.

    Parameters
    ----------
    study : Study
        A loaded study.
    trial : TargetTrial or FewerAgencies

    Returns
    -------
    Courses
    """
    chosen = trial.provenance.parameters
    scores = Scores(
        instrument=trial.provenance.instrument, outcome=trial.provenance.outcome,
        episodes=str(chosen.get("episodes") or study.config.analysis.episodes),
        respondents=str(chosen.get("respondents") or study.config.analysis.respondents),
    )  # fmt: skip
    return read_courses(study, scores=scores, case_mix=tuple(chosen["case_mix"]))
