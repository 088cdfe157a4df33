"""Families with an intervention beside families without, as an emulated trial has them: costs and effects."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.families.choices import DEFAULT_ERROR
from mpg_research.analysis.families.courses import Courses, read_courses
from mpg_research.analysis.families.score_error import measurement_error
from mpg_research.analysis.interventions.emulation import Answer
from mpg_research.analysis.interventions.target_trial import TargetTrial, emulate_target_trial
from mpg_research.analysis.value.compared import Compared, costs_per_price, users_of
from mpg_research.analysis.value.effects_of_groups import later_factor, read_placements
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.change.reliable_change import reliable_change_index
from mpg_research.statistics.economics.group_differences import regression_of
from mpg_research.study.model import Study
from mpg_research.study.which_scores import Scores

__all__ = ["compare_intervention", "trial_courses"]


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
    courses = trial_courses(study, trial)
    placed = _placed(costs, trial, courses, answer.month)
    priced, parts = _costs_after(costs, placed, answer.month)
    gained, has_effect = _effects_after(study, costs, answer, courses, placed, effect=effect, sign=data.sign)
    wave = np.flatnonzero(found.seen)
    kept = wave[(placed.known & has_effect)[wave]]
    group = found.treated[kept].astype(int)
    course = found.trials.course[kept]
    if min(len(set(data.family[course[group == arm]])) for arm in (0, 1)) < trial.limits.families:
        raise NotApplicableError(
            "Of too few families in the emulated trial are costs and effect known, so costs cannot be put "
            "beside effects.",
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
    family = np.asarray(data.family)[course].astype(str)
    arms = [course[group == arm] for arm in (0, 1)]
    return Compared(
        names=("without", "with"),
        cost=regression_of(parts[kept].sum(axis=1), group, **same),
        effect=regression_of(gained[kept] * later, group, **same),
        parts=parts[kept], priced=priced, family=family, used=users_of(parts[kept] != 0, family),
        n_families=np.array([len(set(data.family[mine])) for mine in arms]),
        n_organisations=np.array([len(set(data.organisation[mine])) for mine in arms]),
        strata=None, months=float(answer.month), flow=trial.flow, notes=(),
        facts={
            "by": "intervention", "intervention": code, "effect": effect,
            "grace_weeks": float(trial.protocol.grace_weeks),
        },
        instrument=str(trial.provenance.instrument), outcome=str(trial.provenance.outcome),
    )  # fmt: skip


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


def _placed(costs: FamilyCosts, trial: TargetTrial, courses: Courses, month: float) -> _Placed:
    trials = next(mine for at, mine in trial.emulation.trials if at == month)
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


def trial_courses(study: Study, trial: TargetTrial) -> Courses:
    """The courses of an emulated trial.

    Parameters
    ----------
    study : Study
        A loaded study.
    trial : TargetTrial

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
