"""Does the conclusion about organisations stand when it is computed in other reasonable ways?

Tables of :class:`OrganisationRobustness` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``robustness(variant, joint_p_value, compared, different, spread, largest_shift, agreement,
  conclusion)``: one row per way of computing. ``different`` organisations differ from the mean (Holm, at
  the stated level); ``spread`` is the standard deviation of the differences, ``largest_shift`` the largest
  change of one of them against the primary analysis (points), ``agreement`` the correlation with it.
  ``conclusion`` is "same" where the joint test and the set of organisations that differ are those of the
  primary analysis, "changed", or "not_possible".
- ``leave_one_out(organisation, joint_p_value, different, largest_shift, conclusion)``: the same without
  that organisation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth import OrganisationRole, Shape
from mpg_research.analysis.model_question import ask
from mpg_research.analysis.organisation_effects import OrganisationEffects
from mpg_research.analysis.organisation_verdict import (
    VERDICT_COLUMNS,
    Verdict,
    judge,
    not_possible,
    verdict_row,
)
from mpg_research.analysis.result import Result, ResultTable, collect_tables, sample_flow_table
from mpg_research.analysis.robustness_ways import VARIANTS, Setting, ways_of, without
from mpg_research.analysis.tables import pooled_table, table_by_organisation
from mpg_research.errors import ModelError
from mpg_research.mixed.inference import DfRule
from mpg_research.study.model import Study

__all__ = ["OrganisationRobustness", "check_robustness"]

#: Up to this many organisations each is left out by a new fit; beyond, by taking it out of the comparison.
_REFITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRobustness(Result):
    """What :func:`check_robustness` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "organisation_robustness"


def check_robustness(
    study: Study,
    *,
    instrument: str | None = None,
    outcome: str | None = None,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    worker: bool | None = None,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
) -> OrganisationRobustness:
    """Compute the comparison of organisations in several ways and see whether its conclusion stands.

    Parameters
    ----------
    study : Study
    instrument, outcome, shape, case_mix, respondents, episodes, months, worker, df, level
        As in :func:`~mpg_research.analysis.compare_organisations`.

    Returns
    -------
    OrganisationRobustness

    Raises
    ------
    ModelError
        If the primary comparison itself cannot be made.

    Notes
    -----
    The variants: no case mix; organisations as fixed and as random effects (not shrunken); random effects
    with the organisations' mean case mix beside the families' own (Mundlak 1978), the difference that hangs
    on the mean given back to the organisation; a straight line; families that stopped before the month
    taken to have changed a quarter or half of a baseline standard deviation for the worse (delta adjustment
    of a pattern-mixture model); organisations of fewer than ten families left out; each organisation left
    out.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. *Econometrica*, 46, 69-85.
    https://doi.org/10.2307/1913646

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis.organisation_robustness import check_robustness
    >>> from mpg_research.study import shipped_example
    >>> found = check_robustness(load_study(shipped_example()))  # doctest: +SKIP
    >>> found.tables["robustness"].data[["variant", "conclusion"]]  # doctest: +SKIP
    """
    from mpg_research.analysis.organisations import MANY_ORGANISATIONS

    question = ask(
        study, instrument=instrument, outcome=outcome, case_mix=case_mix, respondents=respondents,
        episodes=episodes, months=months,
    )  # fmt: skip
    month = question.primary_month
    frame = prepare_frame(question.course, by_organisation=True, until=question.primary_month)
    role: OrganisationRole = "fixed" if len(frame.organisations) < MANY_ORGANISATIONS else "random"
    setting = Setting(question.course, month, shape, role, df, level, question.better, worker)
    primary_effects = setting.effects_in(frame)
    primary = judge(primary_effects, level=level)
    ways = ways_of(setting, frame, primary_effects)
    rows = [verdict_row("primary", primary, primary, level)]
    rows += [_try(name, ways[name], primary, level) for name in VARIANTS[1:]]
    left_out = _leave_one_out(setting, frame, primary_effects, primary)
    data = pd.DataFrame(rows, columns=["variant", *VERDICT_COLUMNS])
    tables = [
        pooled_table("robustness", data, frame, keys=("variant",), values=VERDICT_COLUMNS),
        *([left_out] if left_out is not None else []),
        sample_flow_table(frame.flow),
    ]
    return OrganisationRobustness(
        month=month,
        tables=collect_tables(tables),
        level=level,
        converged=True,
        **question.parts(frame.flow, frame.notes, shape=shape, df=df, level=level, months=[month], role=role),
    )


def _try(name: str, way: Callable[[], Verdict], primary: Verdict, level: float) -> tuple[object, ...]:
    try:
        return verdict_row(name, way(), primary, level)
    except ModelError:
        return not_possible(name)


def _leave_one_out(
    setting: Setting, frame: ModelFrame, effects: OrganisationEffects, primary: Verdict
) -> ResultTable | None:
    keys = list(effects.keys)
    if len(keys) < 3:
        return None
    rows = []
    for place, key in enumerate(keys):
        others = _others(effects, place)
        try:
            if len(keys) <= _REFITS:
                others = setting.effects(without(setting.course, [key]))
            row = verdict_row(key, judge(others, level=setting.level), primary, setting.level)
        except ModelError:
            row = not_possible(key)
        rows.append((row[0], row[1], row[3], row[5], row[7], int(effects.n_families[place])))
    values = ("joint_p_value", "different", "largest_shift", "conclusion")
    data = pd.DataFrame(rows, columns=["organisation", *values, "n_families"])
    return table_by_organisation("leave_one_out", data)


def _others(effects: OrganisationEffects, place: int) -> OrganisationEffects:
    """The effects without one organisation, everything else as it was estimated."""
    kept = np.arange(len(effects.keys)) != place
    return replace(
        effects,
        keys=tuple(key for key, keep in zip(effects.keys, kept, strict=True) if keep),
        n_families=effects.n_families[kept],
        raw=effects.raw[kept],
        raw_covariance=effects.raw_covariance[np.ix_(kept, kept)],
        df=effects.df[kept],
        shrunken=effects.shrunken[kept],
        shrunken_covariance=effects.shrunken_covariance[np.ix_(kept, kept)],
    )
