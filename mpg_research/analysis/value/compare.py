"""Costs and effects of groups of families beside each other: what more gives for the money.

Tables of :class:`CostsAndEffects` (beside ``sample_flow`` and ``settings``)
---------------------------------------------------------------------------
- ``cost_differences(compared_group, ...)`` and ``effect_differences(compared_group, ...)``: from the first
  group (``without``, ``no``), given the case mix; errors over workers, CR2 where they are few.
- ``ratios(compared_group, ratio_kind, euros_per_unit, ..., standing, step_from, step_ratio)``: euros per
  unit of effect with Fieller's limits, where a ratio may be given at all; ``standing`` is that among all
  groups (on the frontier, dominated, dominated by extension), ``step_ratio`` that from the group before it
  on the frontier.
- ``quadrants(compared_group, quadrant, chance_best)`` and ``region(compared_group, point, ...)``: the plane.
- ``net_benefit(may_cost, compared_group, ..., chance_best)``: threshold times effect less costs, with t; and
  ``net_benefit_regression`` by one regression per threshold, where costs and effects are of the same
  families.
- ``acceptability(may_cost, compared_group, chance_best, expected_loss)`` and ``decisions(may_cost, best,
  chance_best, perfect_information)``: of the bootstrap, with prices drawn from their range.
- ``price_ranges(priced_item, payer, ...)``: the difference in costs with one price at a time at the ends of
  its range; ``information(may_cost, parameter, priced_item, payer, worth, ...)``: what knowing one thing is
  worth.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts, family_costs
from mpg_research.analysis.economics.silent_organisations import recording_organisations
from mpg_research.analysis.growth.estimate_tables import study_notes
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
    settings_table,
)
from mpg_research.analysis.value.compared import Compared, compare_column, compare_groups
from mpg_research.analysis.value.compared_groups import groups_of_organisations
from mpg_research.analysis.value.compared_interventions import compare_fewer_agencies, compare_intervention
from mpg_research.analysis.value.comparison_tables import (
    AFTER_COSTS,
    behind,
    choice_tables,
    difference_tables,
    net_benefit_rows,
    ratio_tables,
)
from mpg_research.analysis.value.effects_of_groups import families_with_effect, outside_effect
from mpg_research.analysis.value.money_columns import COMPARED_GROUP, THRESHOLD
from mpg_research.analysis.value.organisation_differences import organisation_tables
from mpg_research.analysis.value.price_sensitivity import (
    draw_multipliers,
    draw_prices,
    information_table,
    tornado_table,
)
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, NotApplicableError, Note
from mpg_research.statistics.economics.group_differences import (
    FEW_CLUSTERS,
    GroupDifferences,
    group_differences,
    group_replications,
)
from mpg_research.statistics.economics.net_benefit import net_benefit_regression
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = [
    "DRAWN_THRESHOLDS",
    "EFFECTS",
    "CostsAndEffects",
    "OrganisationsCostsAndEffects",
    "compare_costs_and_effects",
]

EFFECTS = ("points", "reliably_improved", "months_without_placement")
#: Along which euros per unit of effect curves are drawn where a study states none; ours, and no norm.
DRAWN_THRESHOLDS = {
    "points": (0.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0),
    "reliably_improved": (0.0, 2500.0, 5000.0, 10000.0, 20000.0, 40000.0, 80000.0),
    "months_without_placement": (0.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0),
}
#: With fewer workers the bootstrap is too narrow; net benefit by t is the better answer.
_FEW_TO_DRAW = 20
#: With fewer workers an organisation's interval is too wide rather than too narrow (benchmarks).
_FEW_AT_ORGANISATION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsAndEffects(Result):
    """What :func:`compare_costs_and_effects` found; its tables are described in the module's docstring.

    Attributes
    ----------
    compared : Compared
        The regressions behind it. Never shown.
    differences : GroupDifferences
    """

    compared: Compared = field(repr=False)
    differences: GroupDifferences = field(repr=False)
    kind: ClassVar[str] = "costs_and_effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationsCostsAndEffects(CostsAndEffects):
    """What it found of organisations (``by="organisation"``): a comparison of organisations throughout.

    Its tables are described in :mod:`~mpg_research.analysis.value.organisation_differences`.
    """

    kind: ClassVar[str] = "organisations_costs_and_effects"
    compares_organisations: ClassVar[bool] = True


def compare_costs_and_effects(
    study: Study,
    *,
    by: str = "intervention",
    intervention: str = "any",
    month: float | None = None,
    effect: str | None = None,
    horizon_months: int | None = None,
    thresholds: tuple[float, ...] | None = None,
    case_mix: tuple[str, ...] | None = None,
    replications: int = 2000,
    seed: int = 1,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> CostsAndEffects:
    """Compare what groups of families cost and how they fare, both together.

    Parameters
    ----------
    study : Study
        A loaded study with a table ``prices``.
    by : str
        "intervention": families whose help stands still, with an intervention and without, as
        :func:`~mpg_research.analysis.interventions.target_trial.emulate_target_trial` has them;
        "fewer_agencies": families with many agencies who come down to few, and who keep more, as
        :func:`~mpg_research.analysis.process.fewer_agencies.emulate_fewer_agencies` has them;
        "organisation": each organisation beside the mean of all; or a column of ``episodes`` with a few
        values.
    intervention : str
        Its code, or "any".
    month : float, optional
        Of an intervention or fewer agencies: months after the wave; by default the last for which the trial
        has an answer.
    effect : {"points", "reliably_improved", "months_without_placement"}, optional
        By default ``[costs] effect``. Of an emulated trial: of the families with a score at the end.
    horizon_months : int, optional
        Of a column or organisations: whole months since the start; by default ``[costs] horizon_months``.
    thresholds : tuple of float, optional
        What a unit of effect may cost, in euros; by default ``[costs] thresholds``, else some along which to
        draw (:data:`DRAWN_THRESHOLDS`), which are no norm.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for; by default those of ``study.toml``.
    replications : int
        Of the bootstrap of workers; of organisations, of draws from their estimates.
    seed : int
        Of everything that is drawn.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Confidence level of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    CostsAndEffects
        With ``by="organisation"`` an :class:`OrganisationsCostsAndEffects`, which the gate treats as a
        comparison of organisations.

    Raises
    ------
    NotApplicableError
        Without prices or effects, where nobody is followed so far, or where an intervention (or fewer
        agencies) cannot be compared.
    ConfigError
        If an argument is impossible.
        Tables ``cost_differences``, ``effect_differences``, ``ratios``, ``quadrants``, ``region``,
        ``net_benefit``, ``acceptability``, ``decisions``, ``net_benefit_regression``,
        ``price_ranges``, ``information``, ``settings`` and ``sample_flow``.

    Notes
    -----
    Costs of families who are not followed to the horizon enter by pseudo-values of the partitioned mean of
    Bang and Tsiatis; points by the mixed model of all scores, at its variances. Both are then regressions on
    the groups and the case mix whose sandwich over workers is one. The bootstrap draws workers with all their
    families and reweights what is stored of each; nothing is fitted again.

    Examples
    --------
    >>> from mpg_research import compare_costs_and_effects, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = compare_costs_and_effects(load_study(shipped_example()), by="thin_line", replications=100)
    >>> found.tables["cost_differences"].data["compared_group"].tolist()
    ['yes']

    References
    ----------
    Willan, A. R., Briggs, A. H. & Hoch, J. S. (2004). Regression methods for covariate adjustment and
    subgroup analysis for non-censored cost-effectiveness data. *Health Economics*, 13, 461-475.
    https://doi.org/10.1002/hec.843
    """
    (scores,) = gather(older, scores)
    chosen = study.config.costs
    wanted = chosen.effect if effect is None else effect
    horizon = chosen.horizon_months if horizon_months is None else horizon_months
    _check(wanted, horizon, thresholds)
    asked = thresholds or chosen.thresholds
    euros = np.array(asked or DRAWN_THRESHOLDS[wanted], dtype=float)
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    costs = family_costs(study)
    rate = chosen.discount_effects
    if by == "intervention":
        compared = compare_intervention(
            study, costs, intervention, effect=wanted, month=month, case_mix=names, rate=rate, scores=scores,
            seed=seed,
        )  # fmt: skip
    elif by == "fewer_agencies":
        compared = compare_fewer_agencies(
            study, costs, effect=wanted, month=month, case_mix=names, rate=rate, scores=scores, seed=seed
        )
    elif by == "organisation":
        compared = _organisations(
            study, costs, effect=wanted, horizon=int(horizon), case_mix=names, rate=rate, scores=scores
        )
    else:
        compared = compare_column(
            study, costs, by, effect=wanted, horizon=int(horizon), case_mix=names, rate=rate, scores=scores
        )
    try:
        tables, found = _tables(
            compared, euros, minimum=study.config.disclosure.minimum_families, base=chosen.round_to,
            replications=replications, seed=seed, level=level,
        )  # fmt: skip
    except ValueError as error:
        raise NotApplicableError(
            f"The groups cannot be compared: {error}.", code="groups_not_compared"
        ) from error
    parameters = {
        **compared.facts, "groups": [] if by == "organisation" else list(compared.names),
        "months": compared.months,
        "thresholds": euros.tolist(), "thresholds_stated": bool(asked), "year": costs.year,
        "perspective": chosen.perspective, "rate_costs": costs.rate, "rate_effects": rate,
        "case_mix": list(names), "replications": replications, "seed": seed, "level": level,
        "round_to": chosen.round_to,
    }  # fmt: skip
    instrument, outcome = compared.instrument, compared.outcome
    if instrument:
        parameters |= _described(study, instrument)
    notes = study_notes(study, instrument, outcome) if instrument else study.notes
    kind = OrganisationsCostsAndEffects if by == "organisation" else CostsAndEffects
    return kind(
        compared=compared,
        differences=found,
        tables=collect_tables([*tables, sample_flow_table(compared.flow)]),
        flow=compared.flow,
        notes=(*notes, *costs.notes, *compared.notes, *_notes(compared, found)),
        provenance=provenance_of(study, parameters=parameters, instrument=instrument, outcome=outcome),
        level=level,
        converged=compared.converged,
    )


def _organisations(
    study: Study, costs: FamilyCosts, *, effect: str, horizon: int, case_mix: tuple[str, ...], rate: float,
    scores: Scores,
) -> Compared:  # fmt: skip
    """Organisations with enough families whose costs and effect are known."""
    known = families_with_effect(study, costs, effect=effect, horizon=horizon, scores=scores)
    groups = groups_of_organisations(
        study, costs, case_mix=case_mix, with_effect=known, horizon=float(horizon)
    )
    compared = compare_groups(
        study, costs, groups, effect=effect, horizon=horizon, rate=rate, scores=scores, by="organisation"
    )
    silent = set(costs.followed["organisation"].astype(str)) - recording_organisations(study, costs.followed)
    if effect == "months_without_placement":
        return replace(compared, notes=(*compared.notes, *outside_effect(silent)))
    return compared


def _check(effect: str, horizon: float, thresholds: tuple[float, ...] | None) -> None:
    if effect not in EFFECTS:
        raise ConfigError(f"effect = {effect!r}; expected one of {', '.join(EFFECTS)}.")
    if horizon != round(horizon) or horizon < 1:
        raise ConfigError(f"horizon_months = {horizon:g}; expected a whole number of months, 1 or more.")
    if thresholds is not None and (not thresholds or min(thresholds) < 0):
        raise ConfigError(f"thresholds = {list(thresholds)}; expected euros per unit of effect, 0 or more.")


def _tables(
    compared: Compared,
    thresholds: FloatArray,
    *,
    minimum: int,
    base: int,
    replications: int,
    seed: int,
    level: float,
) -> tuple[list[ResultTable], GroupDifferences]:
    found = group_differences(compared.cost, compared.effect)
    rng = np.random.default_rng([seed, 2])
    computed = {"clusters": float(found.n_clusters), "followed_to_horizon": compared.followed}
    if compared.facts["by"] == "organisation":
        told = organisation_tables(
            compared, found, thresholds, replications=replications, rng=rng, level=level
        )
        families, organisations = int(compared.n_families.sum()), len(compared.names)
    else:
        multipliers = draw_multipliers(compared.priced, n=replications, rng=rng)
        computed["prices_with_range"] = float((multipliers.std(axis=0) > 0).sum())
        told = _of_groups(
            compared, found, multipliers, thresholds, minimum=minimum, base=base, rng=rng, seed=seed,
            level=level,
        )  # fmt: skip
        families, organisations = int(compared.n_families.min()), int(compared.n_organisations.max())
    settings = settings_table(computed, n_families=families, n_organisations=organisations)
    return [*told, settings], found


def _of_groups(
    compared: Compared, found: GroupDifferences, multipliers: FloatArray, thresholds: FloatArray, *,
    minimum: int, base: int, rng: np.random.Generator, seed: int, level: float,
) -> list[ResultTable]:  # fmt: skip
    drawn = group_replications(
        compared.cost, compared.effect, parts=compared.parts, strata=compared.strata,
        replications=len(multipliers), rng=np.random.default_rng([seed, 1]),
    )  # fmt: skip
    draws = draw_prices(drawn, multipliers)
    tornado = tornado_table(compared, minimum)
    return [
        *difference_tables(compared, found, level=level),
        *ratio_tables(compared, found, draws, level=level),
        *choice_tables(compared, found, draws, thresholds, level=level),
        *_by_regression(compared, thresholds, level),
        *([] if tornado is None else [tornado]),
        information_table(
            compared,
            draws,
            multipliers,
            drawn.cost,
            thresholds,
            minimum=minimum,
            base_of_rounding=base,
            rng=rng,
        ),
    ]


def _by_regression(compared: Compared, thresholds: FloatArray, level: float) -> list[ResultTable]:
    """Where costs and effects are of the same rows, and there are two groups."""
    cost, effect = compared.cost, compared.effect
    same = cost.design.shape == effect.design.shape and np.allclose(cost.design, effect.design)
    if len(compared.names) != 2 or not same:
        return []
    mix = cost.design[:, 2:]
    few = len(np.unique(cost.clusters)) <= FEW_CLUSTERS
    found = net_benefit_regression(
        cost.outcome, effect.outcome, thresholds, group=cost.design[:, 1], clusters=cost.clusters,
        case_mix=mix if mix.shape[1] else None, weight=cost.weight, level=level,
        correction="leverage" if few else "clusters",
    )  # fmt: skip
    rows = pd.DataFrame(net_benefit_rows(found, name=compared.names[1], counts=behind(compared, 1)))
    rows = rows.drop(columns="chance_above")
    return [ResultTable("net_benefit_regression", rows, (THRESHOLD, COMPARED_GROUP, *AFTER_COSTS))]


def _described(study: Study, instrument: str) -> dict[str, object]:
    own = study.instruments[instrument]
    return {
        "instrument_name": own.abbreviation, "direction": own.direction, "time_unit": study.time_unit,
        "raw_minimum": own.raw_minimum, "raw_maximum": own.raw_maximum,
    }  # fmt: skip


def _notes(compared: Compared, found: GroupDifferences) -> list[Note]:
    if compared.facts["by"] == "organisation":
        workers = pd.Series(compared.cost.clusters).groupby(compared.code).nunique()
        few = int((workers < _FEW_AT_ORGANISATION).sum())
        text = (
            f"{few} organisations have two or three workers, of whom it cannot be seen how much workers "
            "differ: the intervals are very wide there, and rather too wide than too narrow."
        )
        return [Note("organisations_few_workers", text, {"n_organisations": few})] if few else []
    if found.n_clusters >= _FEW_TO_DRAW:
        return []
    text = (
        f"There are {found.n_clusters} workers: the bootstrap behind the curves is then a little too sure; "
        "net benefits and intervals allow for it."
    )
    return [Note("few_workers_drawn", text, {"n_workers": found.n_clusters}, "caution")]
