"""Effects beside costs, as regressions on groups: points, reliably improved, months without placement."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.economics.silent_organisations import recording_organisations
from mpg_research.analysis.economics.uses import read_uses
from mpg_research.analysis.families.courses import Courses, read_courses
from mpg_research.analysis.families.indicator_shares import indicator_rows
from mpg_research.analysis.growth.help_periods import HelpPeriods, help_periods
from mpg_research.analysis.value.compared_groups import FamilyGroups
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError, NotApplicableError, Note
from mpg_research.mixed import fit_mixed
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.economics.group_differences import Regression, regression_of
from mpg_research.statistics.economics.pseudo_totals import pseudo_totals
from mpg_research.statistics.economics.whitened_courses import whiten_courses
from mpg_research.study.model import Study
from mpg_research.study.which_scores import Scores

__all__ = [
    "PLACEMENT",
    "GroupEffect",
    "effect_of_groups",
    "families_with_effect",
    "later_factor",
    "outside_effect",
    "read_placements",
]

#: The code of events that months without placement are about.
PLACEMENT = "placement"


#: A design with more numbers takes gigabytes: each group has a level, a change and a bend of its own.
_MOST_NUMBERS = 60_000_000


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """An effect of groups, as rows of a regression.

    Attributes
    ----------
    regression : Regression
    code : ndarray of int, shape (families,)
        The group of each family behind it.
    instrument, outcome : str
        Of the scores; empty where it is not about scores.
    converged : bool
    notes : tuple of Note
    """

    regression: Regression = field(repr=False)
    code: np.ndarray = field(repr=False)
    instrument: str = ""
    outcome: str = ""
    converged: bool = True
    notes: tuple[Note, ...] = ()


def later_factor(rate: float, month: float) -> float:
    """What is counted after some months is worth now: by whole years, the first not discounted.

    Parameters
    ----------
    rate : float
        Per year.
    month : float
        Months since the start; the last moment of a year belongs to it.
    """
    return float((1 + rate) ** -max(np.ceil(month / 12 - 1e-9) - 1, 0.0))


def effect_of_groups(
    study: Study, costs: FamilyCosts, groups: FamilyGroups, *, effect: str, horizon: int, rate: float,
    scores: Scores,
) -> GroupEffect:  # fmt: skip
    """An effect of groups up to the horizon; more is better.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    groups : FamilyGroups
    effect : {"points", "reliably_improved", "months_without_placement"}
    horizon : int
        Months since the start.
    rate : float
        Of discounting effects, per year.
    scores : Scores
        Which scores; one declared respondent per family.

    Returns
    -------
    GroupEffect

    Raises
    ------
    NotApplicableError
        Without what the effect is computed from, or with too little of it.
    """
    if effect == "points":
        return _points(study, groups, horizon=horizon, rate=rate, scores=scores)
    if effect == "reliably_improved":
        return _improved(study, groups, horizon=horizon, rate=rate, scores=scores)
    return _without_placement(study, costs, groups, horizon=horizon, rate=rate)


def families_with_effect(
    study: Study, costs: FamilyCosts, *, effect: str, horizon: int, scores: Scores
) -> frozenset[str]:
    """Families of whom the effect is known: of points those with two waves up to the horizon.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    effect : {"points", "reliably_improved", "months_without_placement"}
    horizon : int
        Months since the start.
    scores : Scores

    Raises
    ------
    NotApplicableError
        Without what the effect is computed from.
    """
    if effect == "months_without_placement":
        recording = read_placements(study, costs)[0]
        there = costs.followed["organisation"].astype(str).isin(recording)
        return frozenset(costs.followed.loc[there, "family"].astype(str))
    if effect == "reliably_improved":
        rows = _improvement(study, horizon=horizon, scores=scores)[0]
        return frozenset(rows["family"].astype(str))
    rows = _scores_up_to(study, horizon=horizon, scores=scores)[1]
    waves = rows.groupby("family")["months"].nunique()
    return frozenset(waves.index[waves >= 2].astype(str))


def _too_few(what: str) -> NotApplicableError:
    return NotApplicableError(
        f"Not every group has enough families with {what}, so that costs cannot be put beside effects.",
        code="no_effect_of_groups",
    )


def _scores_up_to(study: Study, *, horizon: int, scores: Scores) -> tuple[Courses, pd.DataFrame, float]:
    """Courses, their scores up to the horizon, and where that lies on the study's axis."""
    courses = read_courses(study, scores=replace(scores, respondents="declared", episodes="first"))
    at = horizon / float(study.config.time.unit_in_months or 1.0) if study.time_unit == "waves" else horizon
    return courses, courses.rows[courses.rows["months"] <= at + 1.5], float(at)


def _points(study: Study, groups: FamilyGroups, *, horizon: int, rate: float, scores: Scores) -> GroupEffect:
    """Improvement from the start to the horizon, by a mixed model of all scores up to it."""
    courses, rows, at = _scores_up_to(study, horizon=horizon, scores=scores)
    own = groups.of(rows["family"])
    rows, own = rows[own >= 0].reset_index(drop=True), own[own >= 0]
    code, k = groups.code[own], len(groups.names)
    if len(rows) == 0 or len(set(code)) < k or rows["months"].max() < at / 2:
        raise _too_few("scores")
    if len(rows) * 3 * k > _MOST_NUMBERS:
        raise NotApplicableError(
            f"{k} groups with {len(rows)} scores are too many for one model of points per group. Choose "
            "another effect ([costs] effect in study.toml), or compare fewer groups.",
            code="groups_not_compared",
        )
    sign = float(improvement_sign(courses.instrument.direction)) * later_factor(rate, horizon)
    line = rows["months"].to_numpy(dtype=float) / at
    bend = line * (line - 1)
    dummies = (code[:, None] == np.arange(1, k)).astype(float)
    mix = groups.case_mix[own]
    # Change from 0 to the horizon is what stands before "line": the bend is 0 at both.
    wanted = dummies * line[:, None]
    others = [np.ones((len(rows), 1)), line[:, None], dummies, mix, mix * line[:, None]]
    if rows.groupby("family")["months"].nunique().max() > 2:
        others += [bend[:, None], dummies * bend[:, None]]
    design = _full_rank(np.hstack([wanted, *others]))
    worker = groups.families["worker"].to_numpy(dtype=object)[own]
    family = rows["family"].to_numpy(dtype=object)
    names = [f"x{place}" for place in range(design.shape[1])]
    frame = pd.DataFrame(design, columns=names).assign(
        y=sign * rows["score"].to_numpy(dtype=float), line=line, family=family, worker=worker
    )
    covariance, residual, shared, converged = _variances(frame, names)
    x, y = whiten_courses(
        design, frame["y"], months=line, families=family.astype(str), clusters=worker.astype(str),
        covariance=covariance, residual=residual, shared=shared,
    )  # fmt: skip
    found = Regression(x, y, worker.astype(str), tuple(range(k - 1)))
    return GroupEffect(
        found, groups.code[np.unique(own)], courses.frame.instrument, courses.frame.outcome, converged
    )


def _full_rank(design: FloatArray) -> FloatArray:
    """Without columns that follow from those before them."""
    length = np.sqrt((design**2).sum(axis=0))
    r = np.abs(np.diag(np.linalg.qr(design / np.where(length > 0, length, 1.0), mode="r")))
    kept: FloatArray = design[:, r > 1e-7]
    return kept


def _variances(frame: pd.DataFrame, names: list[str]) -> tuple[FloatArray, float, float, bool]:
    """Of a family's intercept and slope, of a score, and between workers: of a mixed model of all columns."""
    fixed = "y ~ 0 + " + " + ".join(names)
    for families in ("(1 + line | family)", "(1 | family)"):
        try:
            fit = fit_mixed(f"{fixed} + {families} + (1 | worker)", frame, df="residual")
        except ModelError:
            continue
        table = fit.random
        own = table[table["group"] == "family"]
        covariance = np.zeros((2, 2))
        terms = [str(term) for term in dict.fromkeys(own["term_1"])]
        for one, other, value in zip(own["term_1"], own["term_2"], own["covariance"], strict=True):
            i = terms.index(str(one))
            j = i if other is None or other != other or str(other) == "" else terms.index(str(other))
            covariance[i, j] = covariance[j, i] = float(value)
        shared = float(table.loc[table["group"] == "worker", "covariance"].iloc[0])
        return covariance, fit.residual_sd**2, max(shared, 0.0), fit.converged
    raise _too_few("two scores or more")


def _improvement(study: Study, *, horizon: int, scores: Scores) -> tuple[pd.DataFrame, HelpPeriods]:
    """Families with a reliable change that can be computed, and whether they improved."""
    declared = replace(scores, respondents="declared", episodes="first")
    periods = help_periods(study, month=float(horizon), scores=declared)
    found = indicator_rows(study, periods).get("reliably_improved")
    if found is None or found.rows.empty:
        raise _too_few("a reliable change that can be computed")
    return found.rows, periods


def _improved(
    study: Study, groups: FamilyGroups, *, horizon: int, rate: float, scores: Scores
) -> GroupEffect:
    """Whether a family with a score at the start and around the horizon has reliably improved."""
    rows, periods = _improvement(study, horizon=horizon, scores=scores)
    own = groups.of(rows["family"])
    rows, own = rows[own >= 0], own[own >= 0]
    if len(set(groups.code[own])) < len(groups.names):
        raise _too_few("a score at the start and around the horizon")
    worker = groups.families["worker"].to_numpy(dtype=object)[own]
    regression = regression_of(
        rows["event"].to_numpy(dtype=float) * later_factor(rate, horizon), groups.code[own],
        case_mix=groups.case_mix[own], clusters=worker.astype(str), n_groups=len(groups.names),
    )  # fmt: skip
    return GroupEffect(regression, groups.code[own], periods.course.instrument, periods.course.outcome)


def read_placements(study: Study, costs: FamilyCosts) -> tuple[frozenset[str], IntArray, FloatArray]:
    """Placements, and the organisations that record events.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts

    Returns
    -------
    frozenset of str
    ndarray of int, shape (n,)
        Row of ``followed`` of each placement.
    ndarray, shape (n,)
        Its moment, in months since the start of the first help.

    Raises
    ------
    NotApplicableError
        Without events.
    """
    followed = costs.follow_up
    events = study.tables.get("events")
    if events is None or not len(events) or "event" not in events:
        raise NotApplicableError(
            f"Study {study.name} has no events, so months without placement are not known. Add the table "
            "events, or choose another effect ([costs] effect in study.toml).",
            code="no_events_for_effect",
        )
    recording = recording_organisations(study, followed.families)
    uses = read_uses(study, followed).rows
    placed = uses[(uses["item"].astype(str) == PLACEMENT).to_numpy()]
    return recording, placed["unit"].to_numpy(dtype=np.intp), placed["begin"].to_numpy(dtype=float)


def _without_placement(
    study: Study, costs: FamilyCosts, groups: FamilyGroups, *, horizon: int, rate: float
) -> GroupEffect:
    """Months up to the first placement, of organisations that record events."""
    recording, unit, moments = read_placements(study, costs)
    earliest = np.full(len(costs.followed), np.inf)
    np.minimum.at(earliest, unit, np.where(moments >= 0, moments, np.inf))
    families = groups.families
    kept = families["organisation"].astype(str).isin(recording).to_numpy(dtype=bool)
    code = groups.code[kept]
    if len(set(code)) < len(groups.names):
        raise _too_few("events on record in their organisation")
    edges = np.arange(horizon + 1.0)
    moment = earliest[groups.unit[kept]]
    free = np.clip(moment[:, None] - edges[:-1], 0.0, 1.0)
    free *= np.array([later_factor(rate, edge) for edge in edges[1:]])
    values = pseudo_totals(
        free, families["months"].to_numpy(dtype=float)[kept], edges=edges, group=code, negative=True
    )
    worker = families["worker"].to_numpy(dtype=object)[kept].astype(str)
    regression = regression_of(
        values, code, case_mix=groups.case_mix[kept], clusters=worker, n_groups=len(groups.names)
    )
    return GroupEffect(regression, code, notes=outside_effect(set(families["organisation"]) - recording))


def outside_effect(silent: Collection[object]) -> tuple[Note, ...]:
    """That organisations without any event do not count in months without placement.

    Parameters
    ----------
    silent : collection of str
        Their keys.
    """
    if not silent:
        return ()
    text = (
        f"{len(silent)} organisations have no event on record and are taken not to record them: they do not "
        "count in months without placement. If there really were none, set [costs] without_events = "
        '"none_happened" in study.toml.'
    )
    return (Note("organisations_outside_effect", text, {"n_organisations": len(silent)}, "caution"),)
