"""Costs and benefits: gross, less what would have come anyway, less optimism, against the help.

Tables of :class:`CostsAndBenefits` (beside ``sample_flow``)
-----------------------------------------------------------
- ``waterfall(money_part, ...)``: euros per family: gross benefit, what would have come anyway, correction for
  optimism, net benefit, costs of the help, balance; errors over workers.
- ``by_payer(payer, money_part, ...)``: who pays (costs of the help), who gains (net benefit), and the
  balance.
- ``per_euro(return_kind, per_euro, ...)``: net benefit per euro of help, with Fieller's limits where it has
  any.
- ``cumulative(months_since, balance, ...)``: the balance up to each month; ``payback(payback_kind,
  payback_months)``: when it is no longer below zero, or would be if the last months went on.
- ``switching(assumption, as_stated, switching_value)``: at which value of one assumption the balance is zero;
  of a price up to ten times as high.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import Column, coded, ends, modelled, money_total, setting
from mpg_research.analysis.economics.family_costs import family_costs
from mpg_research.analysis.economics.few_together import few_together
from mpg_research.analysis.economics.mean_tables import EVERYBODY, TOGETHER
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.value.estimate_rows import estimate_row
from mpg_research.analysis.value.money_columns import MONEY_ESTIMATE
from mpg_research.analysis.value.weighed import Weighed, weigh
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.statistics.economics.incremental import fieller_limits
from mpg_research.study.config.sections import LocalText
from mpg_research.study.model import Study

__all__ = ["PARTS", "CostsAndBenefits", "weigh_costs_and_benefits", "words_of"]

PARTS = ("gross", "anyway", "optimism", "net", "help", "balance")
#: Months of help that stand for the situation at the start, where costs before it are not recorded; ours.
START_MONTHS = 3
#: A price so many times as high is no value to look at: more is told as none; ours.
_MOST_TIMES = 10.0
#: So many last months say what would come if it lasted; ours.
_LAST_MONTHS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsAndBenefits(Result):
    """What :func:`weigh_costs_and_benefits` found; its tables are described in the module's docstring.

    Attributes
    ----------
    weighed : Weighed
        Means and influences behind it. Never shown.
    """

    weighed: Weighed = field(repr=False)
    kind: ClassVar[str] = "costs_and_benefits"


def weigh_costs_and_benefits(
    study: Study,
    *,
    horizon_months: int | None = None,
    comparison: str | None = None,
    start_months: int = START_MONTHS,
    case_mix: tuple[str, ...] | None = None,
    level: float = 0.95,
) -> CostsAndBenefits:
    """Weigh what the help costs against what it may save, step by step.

    Parameters
    ----------
    study : Study
        A loaded study with a table ``prices``.
    horizon_months : int, optional
        Whole months since the start; by default ``[costs] horizon_months``.
    comparison : str, optional
        A column of ``episodes`` with two values, the first of which (``no``) is the comparison group; by
        default ``[costs] otherwise_column`` where ``otherwise`` is "comparison_group".
    start_months : int
        Months of help whose costs stand for the situation at the start, where none before it are recorded.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for beside a comparison group; by default those of ``study.toml``.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    CostsAndBenefits

    Raises
    ------
    NotApplicableError
        Without prices of the help, or of anything else; where nobody is followed so far.
    ConfigError
        If an argument is impossible.
        Tables ``waterfall``, ``by_payer``, ``per_euro``, ``cumulative``, ``payback``, ``switching``
        and ``sample_flow``.

    Notes
    -----
    Shares (of what would have come anyway, of the correction) are taken as stated, without uncertainty of
    their own, and only off a benefit above zero; by payer off those who gain, in proportion. With a
    comparison group what its families gained would have come anyway, and costs of the help are those beyond
    its families' help. Errors are a sandwich over workers, with G - 1 degrees of freedom. Payers whose money
    concerns few families stand together.

    Examples
    --------
    >>> from mpg_research import load_study, weigh_costs_and_benefits
    >>> from mpg_research.study import shipped_example
    >>> found = weigh_costs_and_benefits(load_study(shipped_example()))
    >>> found.tables["waterfall"].data["money_part"].tolist()[:2]
    ['gross', 'anyway']
    """
    chosen = study.config.costs
    horizon = chosen.horizon_months if horizon_months is None else horizon_months
    if horizon != round(horizon) or not 0 < start_months < horizon:
        raise ConfigError(
            f"horizon_months = {horizon:g}, start_months = {start_months}; expected whole months, the second "
            "above 0 and below the first."
        )
    column = comparison
    if column is None and chosen.otherwise == "comparison_group":
        column = chosen.otherwise_column
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    costs = family_costs(study)
    weighed = weigh(
        study, costs, horizon=int(horizon), start_months=int(start_months), column=column, case_mix=names
    )
    if weighed.n_clusters < 2:
        raise NotApplicableError(
            "There is one worker, so how sure the amounts are cannot be told.", code="one_worker"
        )
    evidence = chosen.optimism.get(chosen.evidence) if chosen.evidence else None
    anyway = 0.0 if column is not None else float(chosen.otherwise_share or 0.0)
    optimism = 0.0 if evidence is None else float(evidence.share)
    steps = _Steps(weighed, anyway, optimism)
    counts = {"n_families": weighed.n_families, "n_organisations": weighed.n_organisations}
    tables = [
        _waterfall(steps, counts, level),
        _by_payer(weighed, (anyway, optimism), counts, level, study.config.disclosure.minimum_families),
        _per_euro(steps, counts, level),
        _cumulative(steps, counts, level), _payback(steps, counts), _switching(steps, counts),
    ]  # fmt: skip
    how = "comparison_group" if column is not None else chosen.otherwise
    if how == "comparison_group" and column is None:
        how = "none"
    parameters = {
        "months": float(horizon), "otherwise": how, "comparison": column or "", "anyway_share": anyway,
        "otherwise_source": words_of(chosen.otherwise_source), "evidence": chosen.evidence or "",
        "evidence_label": words_of(None if evidence is None else evidence.label),
        "optimism_share": optimism,
        "optimism_source": words_of(None if evidence is None else evidence.source),
        "reference": weighed.reference, "start_months": float(start_months),
        "before_months": float(chosen.before_help_months), "year": costs.year,
        "perspective": chosen.perspective, "rate_costs": costs.rate, "round_to": chosen.round_to,
        "indicative": column is None, "level": level,
    }  # fmt: skip
    return CostsAndBenefits(
        weighed=weighed,
        tables=collect_tables([*tables, sample_flow_table(weighed.flow)]),
        flow=weighed.flow,
        notes=(*study.notes, *costs.notes, *weighed.notes),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def words_of(text: LocalText | None) -> dict[str, str]:
    """A text of the settings by language, as the provenance holds it; empty where nothing is stated.

    Parameters
    ----------
    text : LocalText or None
    """
    return {} if text is None else dict(text.root)


@dataclass(frozen=True, slots=True)
class _Steps:
    """The parts of the waterfall as sums of what was weighed."""

    weighed: Weighed
    anyway: float
    optimism: float
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def shares(self) -> tuple[float, float]:
        """Shares that are taken off the total up to the last month."""
        return self._shares(list(range(len(self.weighed.payers))), -1)

    def estimates(
        self, payers: Sequence[int] | None = None, month: int = -1
    ) -> dict[str, tuple[float, FloatArray]]:
        """Each part with its influences per worker, over some payers, up to a month."""
        one = self.weighed
        chosen = list(range(len(one.payers))) if payers is None else list(payers)
        shares = self._shares(chosen, month)
        point = self._of(
            one.benefit[:, chosen, month].sum(axis=1), one.cost[:, chosen, month].sum(axis=1), shares
        )
        spread = self._of(
            one.benefit_influence[:, :, chosen, month].sum(axis=2).T,
            one.cost_influence[:, :, chosen, month].sum(axis=2).T,
            shares,
        )
        return {name: (float(point[name]) + 0.0, spread[name]) for name in PARTS}

    def _of(self, values: FloatArray, paid: FloatArray, shares: tuple[float, float]) -> dict[str, FloatArray]:
        """Parts from benefits and costs (comparison, difference), along the first axis of each."""
        anyway, optimism = shares
        gross = values[0] + values[1]
        off = -values[0] - anyway * gross if self.weighed.compared else -anyway * gross
        left = gross + off
        less = -optimism * left
        net = left + less
        return {"gross": gross, "anyway": off, "optimism": less, "net": net, "help": -paid[1],
                "balance": net - paid[1]}  # fmt: skip

    def _shares(self, payers: Sequence[int], month: int) -> tuple[float, float]:
        """Shares in force for some payers: taken off benefits only, so that no loss is made smaller.

        What is taken off the total is divided among the groups of payers who gain; those who lose bear none.
        """
        benefit = self.weighed.benefit[:, :, month]
        known = benefit[0] if self.weighed.compared else np.zeros(benefit.shape[1])
        groups = [list(group) for group in self.groups] or [list(range(benefit.shape[1]))]
        if list(payers) not in groups:  # all of them
            groups = [list(payers)]
        gross = np.array([benefit[:, group].sum() for group in groups])
        away = np.array([known[group].sum() for group in groups])
        anyway = _divided(gross, self.anyway)
        left = gross - away - anyway * gross
        mine = groups.index(list(payers))
        return float(anyway[mine]), float(_divided(left, self.optimism)[mine])


def _divided(values: FloatArray, share: float) -> FloatArray:
    """A share of the sum, as shares of the values above zero; none where the sum is no benefit."""
    total, gained = float(values.sum()), np.maximum(values, 0.0)
    if not total > 0:
        return np.zeros(len(values))
    return np.where(values > 0, share * total / gained.sum(), 0.0)


def _row(steps: _Steps, found: tuple[float, FloatArray], level: float) -> dict[str, float]:
    value, influence = found
    df = float(steps.weighed.n_clusters - 1)
    return estimate_row(value, float(influence @ influence), df, level=level)


#: Sums behind the amounts of a row, for the gate: a row that one family makes up is not shown.
_TOTALS = tuple(column.but(csv_only=True, plain=False) for column in money_total("row_total", signed=True))


_ABOUT_TOTALS = (
    *(column.but(about=column.about or "row_total") for column in MONEY_ESTIMATE),
    *_TOTALS,
)
#: What is not shown where a step of the waterfall may not be.
_FROM_STEPS = "waterfall.estimate"


def _totals(
    steps: _Steps, part: str, payers: Sequence[int] | None = None, month: int = -1
) -> dict[str, float]:
    """The sum over families behind a part, with the largest contributions, without their signs."""
    one = steps.weighed
    chosen = list(range(len(one.payers))) if payers is None else list(payers)
    gained, paid = (rows[:, chosen, month].sum(axis=1) for rows in (one.benefit_rows, one.cost_rows))
    values = {"help": paid, "balance": gained - paid}.get(part, gained)
    sizes = np.sort(np.abs(values))[::-1]
    return {
        "row_total": float(values.sum()), "row_total_largest": float(sizes[0]),
        "row_total_second": float(sizes[1]) if sizes.size > 1 else 0.0,
        "row_total_absolute": float(sizes.sum()),
    }  # fmt: skip


def _payers_apart(weighed: Weighed, minimum: int) -> dict[str, tuple[int, ...]]:
    """Payers by the name under which they stand: apart, or together where few families concern them."""
    touched = weighed.touched
    there = np.flatnonzero(touched.any(axis=0)).tolist()
    few = few_together(there, lambda places: touched[:, places].any(axis=1).sum(), minimum=minimum)
    apart = {weighed.payers[place]: (place,) for place in there if place not in few}
    return {**apart, **({TOGETHER if apart else EVERYBODY: tuple(sorted(few))} if few else {})}


def _waterfall(steps: _Steps, counts: dict[str, int], level: float) -> ResultTable:
    rows = [
        {"money_part": name, **_row(steps, found, level), **_totals(steps, name), **counts}
        for name, found in steps.estimates().items()
    ]
    return ResultTable("waterfall", pd.DataFrame(rows), (coded("money_part"), *_ABOUT_TOTALS))


def _by_payer(
    weighed: Weighed, shares: tuple[float, float], counts: dict[str, int], level: float, minimum: int
) -> ResultTable:
    listed = _payers_apart(weighed, minimum)
    steps = _Steps(weighed, *shares, groups=tuple(listed.values()))
    rows = []
    for payer, group in listed.items():
        found = steps.estimates(group)
        touched = int(weighed.touched[:, list(group)].any(axis=1).sum())
        for part in ("help", "net", "balance"):
            totals = _totals(steps, part, group)
            if totals["row_total_absolute"] > 0:  # else who pays nothing of it by its prices
                rows.append(
                    {"payer": payer, "money_part": part, **_row(steps, found[part], level), **totals,
                     **counts, "n_families": touched}
                )  # fmt: skip
    keys = (coded("payer", adds_up="counts"), coded("money_part"))
    return ResultTable("by_payer", pd.DataFrame(rows), (*keys, *_ABOUT_TOTALS))


def _per_euro(steps: _Steps, counts: dict[str, int], level: float) -> ResultTable:
    """Net benefit over costs of the help."""
    found = steps.estimates()
    net, paid = found["net"], found["help"]
    cost, influence = -paid[0], -paid[1]
    covariance = [
        [net[1] @ net[1], net[1] @ influence],
        [net[1] @ influence, influence @ influence],
    ]
    limits = fieller_limits(
        net[0], cost, covariance=covariance, level=level, df=float(steps.weighed.n_clusters - 1)
    )
    bounded = limits.kind == "bounded" and cost > 0
    nan = float("nan")
    row = {
        "return_kind": "bounded" if bounded else "unsure", "per_euro": limits.ratio if bounded else nan,
        "per_euro_low": limits.low if bounded else nan, "per_euro_high": limits.high if bounded else nan,
        **counts,
    }  # fmt: skip
    ratio = modelled("per_euro", digits=2, follows=_FROM_STEPS)
    return ResultTable("per_euro", pd.DataFrame([row]), (coded("return_kind"), ratio, *ends(ratio)))


def _cumulative(steps: _Steps, counts: dict[str, int], level: float) -> ResultTable:
    rows = [
        {
            "months_since": float(month + 1),
            **_row(steps, steps.estimates(month=month)["balance"], level),
            **_totals(steps, "balance", month=month),
            **counts,
        }
        for month in range(steps.weighed.benefit.shape[2])
    ]
    months = Column(name="months_since", meaning="time", is_key=True)
    return ResultTable("cumulative", pd.DataFrame(rows), (months, *_ABOUT_TOTALS))


def _payback(steps: _Steps, counts: dict[str, int]) -> ResultTable:
    """When the balance is no longer below zero."""
    m = steps.weighed.benefit.shape[2]
    balance = np.array([steps.estimates(month=month)["balance"][0] for month in range(m)])
    below = np.flatnonzero(balance < 0)
    kind, months = "never", float("nan")
    if not len(below) or below[-1] < m - 1:
        kind, months = "within", float(below[-1] + 2) if len(below) else 1.0
    else:
        last = min(_LAST_MONTHS, m - 1)
        monthly = (balance[-1] - balance[-1 - last]) / last if last else 0.0
        if monthly > 0:
            kind, months = "if_lasting", float(np.ceil(m - balance[-1] / monthly))
    columns = (coded("payback_kind"), modelled("payback_months", digits=0, follows=_FROM_STEPS))
    return ResultTable(
        "payback", pd.DataFrame([{"payback_kind": kind, "payback_months": months, **counts}]), columns
    )


def _switching(steps: _Steps, counts: dict[str, int]) -> ResultTable:
    """At which value of one assumption, the others as stated, the balance is zero."""
    found = {name: value for name, (value, _) in steps.estimates().items()}
    anyway, optimism = steps.shares
    nan, cost, net = float("nan"), -found["help"], found["net"]
    before_optimism = found["gross"] + found["anyway"]
    rows = []

    def add(name: str, stated: float, value: float, most: float) -> None:
        possible = np.isfinite(value) and 0 <= value <= most
        rows.append(
            {"assumption": name, "as_stated": stated, "switching_value": value if possible else nan, **counts}
        )

    with np.errstate(all="ignore"):
        if not steps.weighed.compared:
            value = (
                1 - cost / ((1 - optimism) * found["gross"]) if found["gross"] > 0 and optimism < 1 else nan
            )
            add("anyway", anyway, value, 1.0)
        add("optimism", optimism, 1 - cost / before_optimism if before_optimism > 0 else nan, 1.0)
        add("price_of_help", 1.0, net / cost if cost > 0 else nan, _MOST_TIMES)
        add("price_of_problems", 1.0, cost / net if net > 0 and cost > 0 else nan, _MOST_TIMES)
    columns = (
        coded("assumption"),
        setting("as_stated", percent=True, digits=0),
        modelled("switching_value", percent=True, follows=_FROM_STEPS),
    )  # fmt: skip
    return ResultTable("switching", pd.DataFrame(rows), columns)
