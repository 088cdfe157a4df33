"""What families cost: by month, payer, kind and item, during help and after it, and at each organisation.

Tables of :class:`Costs` (beside ``sample_flow``)
-------------------------------------------------
All amounts are euros of one year, per family that was followed, discounted to the start of its first help.

- ``costs(mean_cost, mean_cost_low, mean_cost_high, n_group)``: the mean up to the last month, weighted for
  families who are followed for less; ``n_families`` are those with any cost behind the row, ``n_group`` all
  who are followed. What the dearest families cost is shown to nobody: ``largest`` and ``second_largest``
  are for the gate.
- ``costs_by_phase(phase, ...)`` (during help, and after it or between periods of help),
  ``costs_by_payer(payer, ...)``, ``costs_by_kind(cost_kind, ...)``, ``costs_by_item(cost_item, ...)``: its
  parts; payers, kinds and items of few families stand together.
- ``costs_by_month(month_of_help, payer, ...)``: its parts by month since the start (1 is the
  first); payers who pay for few families in some month stand together.
- ``cost_spread(q10, q25, q50, q75, q90, dearest_share)``: of families followed to the last month.
- ``costs_before_help(mean_cost, ..., share_before, ...)``: before the first help, where that is on
  record, and its share of all up to the last month.
- ``costs_by_organisation(organisation, mean_cost, ..., adjusted_cost, ...)`` and ``cost_funnel``,
  ``cost_funnel_lines``, ``cost_funnel_summary``, ``cost_funnel_steps``
  (:mod:`~mpg_research.analysis.economics.organisation_tables`).
- ``without_price(cost_item, n_records)``: what was used and has no price, so is in no amount.
- ``price_list(cost_item, payer, cost_kind, price, ...)``: the prices in force.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from mpg_research.analysis.columns import Column, coded, number_of, setting
from mpg_research.analysis.economics.family_costs import FamilyCosts, family_costs
from mpg_research.analysis.economics.mean_tables import (
    CostWindow,
    before_table,
    cost_window,
    mean_tables,
    spread_table,
)
from mpg_research.analysis.economics.organisation_tables import organisation_costs
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError, Note
from mpg_research.study.model import Study

__all__ = ["Costs", "describe_costs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs(Result):
    """What :func:`describe_costs` found; its tables are described in the module's docstring.

    Attributes
    ----------
    families : FamilyCosts
        What each family cost. Never shown.
    """

    families: FamilyCosts = field(repr=False)
    kind: ClassVar[str] = "costs"


def describe_costs(
    study: Study,
    *,
    horizon_months: float | None = None,
    perspective: str | None = None,
    level: float = 0.95,
) -> Costs:
    """Describe what families cost since the start of their first help.

    Parameters
    ----------
    study : Study
        A loaded study with prices.
    horizon_months : float, optional
        Up to which month costs are counted; by default ``[costs] horizon_months``. Fewer where fewer than
        ``[disclosure] minimum_families`` families are followed so long.
    perspective : str, optional
        Whose costs count: "societal", "municipal" or a payer; by default ``[costs] perspective``.
    level : float
        Of all intervals.

    Returns
    -------
    Costs
        Tables ``costs``, ``costs_by_phase``, ``costs_by_payer``, ``costs_by_kind``, ``costs_by_item``,
        ``costs_by_month``, ``cost_spread``, ``costs_by_organisation``, ``price_list``, ``sample_flow`` and
        where there is something to tell ``costs_before_help``, ``without_price`` and the four of the funnel
        plot.
        Also tables ``cost_funnel``, ``cost_funnel_lines``, ``cost_funnel_summary`` and
        ``cost_funnel_steps``.

    Raises
    ------
    NotApplicableError
        Without prices, without anything that has one, or where too few families are followed for a month.

    Notes
    -----
    Follow-up stops at the export. Means are those of Bang and Tsiatis with the costs of each month, never the
    mean of families that happen to be followed to the end. Errors are by the sandwich over workers, which
    is as right as a bootstrap of them and needs no draws (docs/explanation/economics.md).

    Examples
    --------
    >>> from mpg_research import describe_costs, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_costs(load_study(shipped_example()))
    >>> found.tables["costs_by_phase"].data["phase"].tolist()
    ['all']
    """
    settings = study.config.costs
    asked = settings.horizon_months if horizon_months is None else float(horizon_months)
    view = settings.perspective if perspective is None else perspective
    payers = settings.model_copy(update={"perspective": view}).payers
    costs = family_costs(study, payers=payers)
    minimum = study.config.disclosure.minimum_families
    window = cost_window(costs, asked=asked, minimum=minimum, level=level)
    if window is None:
        raise NotApplicableError(
            f"In study {study.name} fewer than {minimum} families are followed for a month after the start "
            "of their help, so what a family costs cannot be told.",
            code="costs_not_followed",
        )
    organisations = organisation_costs(study, window, asked=asked)
    found = [
        *mean_tables(window, minimum=minimum), spread_table(window), before_table(window),
        *organisations.tables, _without_price(costs, study), _price_list(costs, study),
        sample_flow_table(costs.flow),
    ]  # fmt: skip
    parameters = {
        "level": level, "horizon_months": float(window.months), "asked_months": asked, "perspective": view,
        "year": costs.year, "rate": costs.rate, "over_workers": window.over_workers,
        "case_mix": list(organisations.case_mix), "recorded": sorted(costs.recorded),
        "before_help_months": settings.before_help_months,
        "indexed": bool((costs.prices["price_year"] != costs.year).any()),
    }  # fmt: skip
    return Costs(
        families=costs,
        tables=collect_tables(table for table in found if table is not None),
        flow=costs.flow,
        notes=(*_of_study(study), *costs.notes, *_notes(costs, window, asked), *organisations.notes),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


#: What was done to scores is nothing to do with costs.
_ABOUT_SCORES = frozenset(
    {"after_end", "baseline_window", "before_start", "no_norms", "synthetic_norms", "total_only"}
)


def _of_study(study: Study) -> Iterable[Note]:
    return (note for note in study.notes if note.code not in _ABOUT_SCORES)


def _without_price(costs: FamilyCosts, study: Study) -> ResultTable | None:
    rows = costs.without_price.rename(columns={"item": "cost_item"})
    if rows.empty:
        return None
    everywhere = study.tables["episodes"]["organisation"].nunique()
    columns = (coded("cost_item"), number_of("n_records", of="records"))
    return ResultTable("without_price", rows.assign(n_organisations=everywhere), columns=columns)


def _price_list(costs: FamilyCosts, study: Study) -> ResultTable:
    """The prices, which are about no family: they stand beside all who are followed."""
    rows = costs.prices[["item", "payer", "kind", "price", "price_low", "price_high", "source"]]
    rows = rows.rename(columns={"item": "cost_item", "kind": "cost_kind"})
    behind = {
        "n_families": len(costs.followed),
        "n_organisations": int(costs.followed["organisation"].nunique()),
    }
    price = setting("price", digits=2)
    columns = (
        coded("cost_item"), coded("payer"), coded("cost_kind", is_key=False), price,
        setting("price_low", digits=2, csv_only=True), setting("price_high", digits=2, csv_only=True),
        Column(name="source", meaning="text"),
    )  # fmt: skip
    return ResultTable("price_list", pd.DataFrame(rows).assign(**behind), columns=columns)


def _notes(costs: FamilyCosts, window: CostWindow, asked: float) -> Iterable[Note]:
    if window.months < asked:
        text = (
            f"Costs are counted for {window.months} months, not for {asked:g}: too few families are followed "
            "for longer."
        )
        yield Note("costs_for_less_long", text, {"months": window.months, "asked": asked})
    before = costs.left_out.get("before_help", 0)
    if before:
        text = (
            f"{before} records lie before the start of the first help, longer ago than [costs] "
            "before_help_months says that they are on record; they are left out."
        )
        yield Note("costs_before_help_left_out", text, {"n_records": before})
