"""Does the conclusion about organisations stand when it is computed in other reasonable ways?

Tables of :class:`OrganisationRobustness` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``robustness(variant, joint_p_value, joint_conclusion, compared, different, still_named, other_side,
  newly_named, spread, largest_shift, agreement, conclusion)``: one row per way of computing. ``different``
  organisations are named: they differ from the reference (Holm, at the stated level). Of those that the
  primary analysis names ``still_named`` are named here on the same side and ``other_side`` on the other;
  ``newly_named`` are named here only. ``conclusion`` is "same" where the same organisations are named on the
  same side, "more" where others are named beside them, "changed", or "not_possible";
  ``joint_conclusion`` says apart from that whether the joint test comes out the same. ``spread`` is the
  standard deviation of the differences, ``largest_shift`` the largest change of one of them against the
  primary analysis (points), ``agreement`` the correlation with it.
- ``named(organisation, primary, side, difference, ways, named_in, other_side_in, left_out,
  named_left_out)``: one row per organisation. ``primary`` says whether the primary analysis names it,
  ``side`` on which side of the reference it has it. In ``named_in`` of the ``ways`` other ways in which it
  could be judged it is named on that side, in ``other_side_in`` on the other; likewise with each other
  organisation left out.
- ``leave_one_out(organisation, joint_p_value, different, still_named, newly_named, largest_shift,
  conclusion)``: the same without that organisation. The reference stays that of all organisations, and the
  one that is left out is not judged. ``different`` counts the others that are named.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import Column, coded, modelled
from mpg_research.analysis.growth.estimate_tables import pooled_table, table_by_organisation
from mpg_research.analysis.growth.growth_model import DEFAULT_RULE, OrganisationRole, Shape
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.question import choose_scores
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.organisations.effects import OrganisationEffects, effects_of
from mpg_research.analysis.result import Result, ResultTable, collect_tables, sample_flow_table
from mpg_research.analysis.robustness.alternative_models import VARIANTS, Setting, ways_of
from mpg_research.analysis.robustness.same_conclusion import (
    VERDICT_COLUMNS,
    Verdict,
    not_possible,
    verdict_row,
)
from mpg_research.errors import ModelError
from mpg_research.mixed.inference.tests import DfRule
from mpg_research.statistics.providers.ranks import Better
from mpg_research.statistics.providers.standardisation import Reference
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["OrganisationRobustness", "check_robustness"]

#: So many organisations are left out, each by a new fit: those that are named, then the largest ...
_REFITS = 12
#: ... and fewer where a fit takes long: from so many measurements on.
_LARGE, _REFITS_OF_LARGE = 200_000, 3
_VERDICT = (
    Column(name="joint_p_value", meaning="p"), coded("joint_conclusion", is_key=False),
    modelled("compared", digits=0), modelled("different", digits=0), modelled("still_named", digits=0),
    modelled("other_side", digits=0, csv_only=True), modelled("newly_named", digits=0),
    modelled("spread", digits=2, csv_only=True, spread=True), modelled("largest_shift", digits=2),
    modelled("agreement", digits=2, csv_only=True), coded("conclusion", is_key=False),
)  # fmt: skip
_NAMED = ("primary", "side", "difference", "ways", "named_in", "other_side_in", "left_out", "named_left_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRobustness(Result):
    """What :func:`check_robustness` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "organisation_robustness"
    compares_organisations: ClassVar[bool] = True


def check_robustness(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    worker: bool | None = None,
    reference: Reference | None = None,
    rule: GrowthRule = DEFAULT_RULE,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> OrganisationRobustness:
    """Compute the comparison of organisations in several ways and see whether its conclusion stands.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores, shape, case_mix, months, worker, reference, rule, df, level
        As in :func:`~mpg_research.analysis.compare_organisations`.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    OrganisationRobustness
        Tables ``robustness``, ``named``, ``leave_one_out`` and ``sample_flow`` (the module says
        what each holds; some are there only where the study has what they need).

    Raises
    ------
    ModelError
        If the primary comparison itself cannot be made.

    Notes
    -----
    The variants: the median of the organisations as reference where it is their mean, or the other way
    round; no case mix; organisations as fixed and as random effects (not shrunken); random effects
    with the organisations' mean case mix beside the families' own (Mundlak 1978), the difference that hangs
    on the mean given back to the organisation; a straight line; families that stopped before the month
    taken to have changed a quarter or half of a baseline standard deviation for the worse (delta adjustment
    of a pattern-mixture model); organisations of fewer than ten families left out; each organisation left
    out (at most twelve of them, those that are named first, then the largest).

    What is asked is whether each organisation that the primary analysis names stays named, on the same side.
    Where organisations are left out, those that stay are still compared with the reference of all: with one
    organisation far off, a mean made anew without it would turn the others' differences round, though nothing
    about them has changed.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. *Econometrica*, 46, 69-85.
    https://doi.org/10.2307/1913646

    Examples
    --------
    >>> from mpg_research import check_robustness, load_study
    >>> from mpg_research.analysis import GrowthRule
    >>> from mpg_research.study import shipped_example
    >>> found = check_robustness(load_study(shipped_example()), shape="linear", rule=GrowthRule.simple())
    >>> found.tables["robustness"].data.set_index("variant").loc["random", "conclusion"]
    'same'
    """
    from mpg_research.analysis.organisations.compare import MANY_ORGANISATIONS

    (scores,) = gather(older, scores)
    question = choose_scores(study, scores, case_mix=case_mix, months=months)
    month = question.primary_month
    against: Reference = study.config.analysis.reference if reference is None else reference
    frame = prepare_frame(
        question.course,
        by_organisation=True,
        until=question.primary_month,
        minimum_measured=question.reach.minimum,
    )
    role: OrganisationRole = "fixed" if len(frame.organisations) < MANY_ORGANISATIONS else "random"
    setting = Setting(
        question.course,
        month,
        shape,
        role,
        df,
        level,
        question.better,
        worker,
        against,
        rule,
        question.reach.minimum,
        study.config.disclosure.minimum_families,
    )
    model = setting.model_of(frame)
    effects = effects_of(model, month, better=question.better)
    setting = replace(setting, rule=model.decided, primary=model)
    primary = setting.judge(effects)
    every = ways_of(setting, frame, effects)
    found = {name: _try(every[name]) for name in VARIANTS[1:]}
    one_less = {
        key: _try(lambda key=key: setting.judge_without([key], effects))  # type: ignore[misc]
        for key in _to_leave_out(effects, primary, len(frame.data))
    }
    rows = [verdict_row("primary", primary, primary, level)]
    rows += [_row(name, way, primary, level) for name, way in found.items()]
    data = pd.DataFrame(rows, columns=["variant", *VERDICT_COLUMNS])
    tables = [
        pooled_table("robustness", data, frame, columns=(coded("variant"), *_VERDICT)),
        *_named_table(effects, primary, found, one_less, question.better),
        *_left_out_table(effects, primary, one_less, level),
        sample_flow_table(frame.flow),
    ]
    return OrganisationRobustness(
        month=month,
        tables=collect_tables(tables),
        level=level,
        converged=True,
        **question.parts(
            frame.flow, frame.notes, shape=shape, df=df, level=level, months=[month], role=role,
            reference=against, **rule.described,
        ),
    )  # fmt: skip


def _try(way: Callable[[], Verdict]) -> Verdict | None:
    try:
        return way()
    except ModelError:
        return None


def _row(name: str, found: Verdict | None, primary: Verdict, level: float) -> tuple[object, ...]:
    return not_possible(name) if found is None else verdict_row(name, found, primary, level)


def _to_leave_out(effects: OrganisationEffects, primary: Verdict, n_measurements: int) -> list[str]:
    """The organisations that are left out one by one, in the order of their keys."""
    if len(effects.keys) < 3:
        return []
    most = _REFITS if n_measurements < _LARGE else _REFITS_OF_LARGE
    size = dict(zip(effects.keys, effects.n_families, strict=True))
    first = sorted(effects.keys, key=lambda key: (key not in primary.different, -size[key], key))
    return sorted(first[:most])


def _left_out_table(
    effects: OrganisationEffects, primary: Verdict, left_out: dict[str, Verdict | None], level: float
) -> list[ResultTable]:
    if not left_out:
        return []
    size = dict(zip(effects.keys, effects.n_families, strict=True))
    data = pd.DataFrame(
        [_row(key, found, primary, level) for key, found in left_out.items()],
        columns=["organisation", *VERDICT_COLUMNS],
    )
    values = ("joint_p_value", "different", "still_named", "newly_named", "largest_shift", "conclusion")
    data = data[["organisation", *values]].assign(n_families=[int(size[key]) for key in left_out])
    return [table_by_organisation("leave_one_out", data, [c for c in _VERDICT if c.name in values])]


def _named_table(
    effects: OrganisationEffects,
    primary: Verdict,
    found: dict[str, Verdict | None],
    left_out: dict[str, Verdict | None],
    better: Better,
) -> list[ResultTable]:
    """Of every organisation whether the primary analysis names it, and in how many other ways it is named."""
    ways = [way for way in found.values() if way is not None]
    without = {key: way for key, way in left_out.items() if way is not None}
    size = dict(zip(effects.keys, effects.n_families, strict=True))
    rows = []
    for key in effects.keys:
        side = primary.side.get(key, int(np.sign(primary.difference[key])))
        judged = [way.side.get(key, 0) for way in ways if key in way.difference]
        others = [way.side.get(key, 0) for out, way in without.items() if out != key]
        rows.append(
            (
                key,
                "yes" if key in primary.side else "no",
                "better" if (side < 0) == (better == "low") else "worse",
                primary.difference[key],
                len(judged),
                judged.count(side),
                judged.count(-side),
                len(others),
                others.count(side),
                int(size[key]),
            )
        )
    data = pd.DataFrame(rows, columns=["organisation", *_NAMED, "n_families"])
    columns = (
        coded("primary", is_key=False), coded("side", is_key=False), modelled("difference"),
        *(modelled(name, digits=0) for name in _NAMED[3:]),
    )  # fmt: skip
    return [table_by_organisation("named", data, columns)]
