"""Benefits and costs of families as numbers with one covariance: what a waterfall is made of."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.economics.uses import CARE_ITEMS
from mpg_research.analysis.value.compared import needs_horizon
from mpg_research.analysis.value.compared_groups import groups_of_column
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.discounting import discount_factors
from mpg_research.statistics.economics.pseudo_totals import pseudo_totals
from mpg_research.statistics.economics.reading import read_clusters
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = ["AGENCY_MONTH", "HELP_ITEMS", "Weighed", "weigh"]

AGENCY_MONTH = "agency_month"
#: What the help itself consists of, beside interventions; the rest is what problems cost.
HELP_ITEMS = tuple(item for item in CARE_ITEMS if item != AGENCY_MONTH)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Mean amounts per family with their influences, of p payers and m months.

    Attributes
    ----------
    payers : tuple of str
    benefit, cost : ndarray, shape (2, p, m)
        Gross benefit and cost of the help up to each month, in euros per family: of the comparison group at
        the case mix of the families with the help (0 without one), and the difference from it (without one,
        the mean itself).
    benefit_influence, cost_influence : ndarray, shape (G, 2, p, m)
        Sums over the families of each worker, such that their squares add up to the variance.
    benefit_rows, cost_rows : ndarray, shape (n, p, m)
        What each family with the help adds, up to each month: for the gate, never shown.
    touched : ndarray of bool, shape (n, p)
        Whether anything of a family was paid or saved by a payer at all: for the gate, never shown.
    n_families, n_organisations, n_clusters : int
    compared : bool
        Whether there is a comparison group.
    reference : {"before", "start"}
        What the benefit is a change from: months before the help, or the first months of it.
    flow : SampleFlow
    notes : tuple of Note
    """

    payers: tuple[str, ...]
    benefit: FloatArray
    cost: FloatArray
    benefit_influence: FloatArray = field(repr=False)
    cost_influence: FloatArray = field(repr=False)
    benefit_rows: FloatArray = field(repr=False)
    cost_rows: FloatArray = field(repr=False)
    touched: BoolArray = field(repr=False)
    n_families: int
    n_organisations: int
    n_clusters: int
    compared: bool
    reference: str
    flow: SampleFlow
    notes: tuple[Note, ...]


def weigh(
    study: Study, costs: FamilyCosts, *, horizon: int, start_months: int, column: str | None,
    case_mix: tuple[str, ...],
) -> Weighed:  # fmt: skip
    """Put gross benefits beside the costs of the help, per payer and month.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    horizon : int
        Months since the start.
    start_months : int
        Months of help whose costs stand for the situation at the start, where none before it are recorded.
    column : str, optional
        Of ``episodes``, with two values: families of the first are the comparison group.
    case_mix : tuple of str

    Returns
    -------
    Weighed

    Notes
    -----
    The gross benefit of a family up to month t: what everything but the help itself would have cost in t
    months at the monthly rate of before, less what it did cost. Agencies are on record during help only: in
    months after it nothing of theirs is counted as saved, nor as paid. And an agency is on record for a whole
    month also where help begins or ends within it: for the benefit it counts for the part of the month in
    help, so that agencies that stay the same save nothing.
    """
    unit, code, mix, flow, notes = _families(study, costs, column, case_mix)
    followed = costs.followed.iloc[unit].reset_index(drop=True)
    until = followed["months"].to_numpy(dtype=float)
    needs_horizon(until, horizon, code)
    item = costs.rows["item"].astype(str)
    interventions = set(_codes_of(study, "interventions", "intervention"))
    is_help = item.isin([*HELP_ITEMS, *interventions]).to_numpy(dtype=bool)
    payers = tuple(sorted(costs.prices["payer"].astype(str).unique()))
    edges = np.arange(horizon + 1.0)
    before = float(study.config.costs.before_help_months)
    earlier = before >= 1 and bool((costs.rows["month"] < 0).any())
    window = np.array([-float(int(before)), 0.0]) if earlier else np.array([0.0, float(start_months)])
    if not is_help.any():
        raise NotApplicableError(
            "No hour, visit, meeting or intervention has a price, so what the help costs is not known, and "
            "benefits cannot be weighed against it.",
            code="no_price_of_help",
        )
    if is_help.all():
        raise NotApplicableError(
            "Nothing but the help itself has a price (no agency and no event), so that there is no "
            "benefit in money to weigh against it.",
            code="no_benefit_priced",
        )
    factors = discount_factors(np.floor(np.arange(horizon) / 12), costs.rate)
    shape = (len(unit), len(payers), horizon)
    paid, gained = np.zeros(shape), np.zeros(shape)
    touched = np.zeros(shape[:2], dtype=bool)
    payer = costs.rows["payer"].astype(str)
    in_help = _in_help(costs, horizon)[unit]
    is_agency = (item == AGENCY_MONTH).to_numpy(dtype=bool)
    by_time = _agencies_by_time(costs, is_agency)
    length = window[1] - window[0]
    seen = in_help[:, :start_months].sum(axis=1) if not earlier else np.full(len(unit), length)
    for place, name in enumerate(payers):
        mine = (payer == name).to_numpy(dtype=bool)
        paid[:, place] = costs.amounts(edges, rows=mine & is_help)[unit]
        for chosen, exposed, known, told in (
            (~is_help & ~is_agency, np.ones_like(in_help), np.full(len(unit), length), costs),
            (is_agency, in_help, seen, by_time),
        ):
            later = told.amounts(edges, rows=mine & chosen)[unit]
            then = told.amounts(window, discounted=False, rows=mine & chosen)[unit, 0]
            rate = np.divide(then, known, out=np.zeros(len(unit)), where=known > 0)
            gained[:, place] += rate[:, None] * exposed * factors - later
            touched[:, place] |= (then != 0) | (later != 0).any(axis=1)
        touched[:, place] |= (paid[:, place] != 0).any(axis=1)
    if not earlier:  # the rate of the first months is known of those who were followed so long
        kept = until >= start_months
        flow, notes = _without_short(flow, notes, followed, kept, start_months)
        unit, code, mix, until = unit[kept], code[kept], mix[kept], until[kept]
        paid, gained, touched = paid[kept], gained[kept], touched[kept]
        followed = followed[kept].reset_index(drop=True)
    numbers = [_means(values, until, edges, code, mix, followed) for values in (gained, paid)]
    (benefit, benefit_influence, benefit_rows, g), (cost, cost_influence, cost_rows, _) = numbers
    helped = code == 1 if column is not None else np.ones(len(code), dtype=bool)
    return Weighed(
        payers, benefit, cost, benefit_influence, cost_influence, benefit_rows[helped],
        cost_rows[helped], touched[helped], int(followed["family"].nunique()),
        int(followed["organisation"].nunique()), g, column is not None, "before" if earlier else "start",
        flow, notes,
    )  # fmt: skip


def _without_short(
    flow: SampleFlow, notes: tuple[Note, ...], followed: pd.DataFrame, kept: BoolArray, start_months: int
) -> tuple[SampleFlow, tuple[Note, ...]]:
    """The flow with a step for families who are followed for less than the start, and a note of them."""
    if kept.all():
        return flow, notes
    n = int(followed["family"][kept].nunique())
    text = f"who are followed for the first {start_months} months, whose costs stand for the start"
    steps = (*flow.steps, FlowStep("followed_at_start", text, 0, n, int(kept.sum())))
    short = int((~kept).sum())
    said = Note(
        "families_followed_too_short",
        f"{short} families are followed for less than {start_months} months, so what they cost at the start "
        "is not known; they are left out of the benefits.",
        {"n_families": short, "months": start_months},
    )
    return SampleFlow(steps), (*notes, said)


def _agencies_by_time(costs: FamilyCosts, is_agency: BoolArray) -> FamilyCosts:
    """Costs in which an agency counts for the part of the month in which it is on record."""
    part = np.where(is_agency, costs.rows["length"].to_numpy(dtype=float), 1.0)
    amounts = {name: costs.rows[name].to_numpy(dtype=float) * part for name in ("amount", "discounted")}
    return replace(costs, rows=costs.rows.assign(**amounts))


def _families(
    study: Study, costs: FamilyCosts, column: str | None, case_mix: tuple[str, ...]
) -> tuple[IntArray, IntArray, FloatArray, SampleFlow, tuple[Note, ...]]:
    n = len(costs.followed)
    if column is None:
        return np.arange(n), np.zeros(n, dtype=np.intp), np.zeros((n, 0)), costs.flow, ()
    groups = groups_of_column(study, costs, column, case_mix=case_mix, asked="comparison group")
    if len(groups.names) != 2:
        raise NotApplicableError(
            f"The comparison group is that of the column {column}, which has {len(groups.names)} values with "
            "enough families; expected two, the first of which is the comparison group.",
            code="no_comparison_group",
        )
    return groups.unit, groups.code, groups.case_mix, groups.flow, groups.notes


def _in_help(costs: FamilyCosts, horizon: int) -> FloatArray:
    """Which part of each month since the start lies within a period of help, shape (families, horizon)."""
    periods = costs.follow_up.periods
    begin, finish = (periods[name].to_numpy(dtype=float)[:, None] for name in ("begin", "finish"))
    month = np.arange(horizon)
    part = np.clip(np.minimum(finish, month + 1) - np.maximum(begin, month), 0.0, 1.0)
    owner = periods["unit"].to_numpy(dtype=np.intp)
    return np.minimum(cluster_sums(part, owner, len(costs.followed)), 1.0)


def _codes_of(study: Study, table: str, column: str) -> list[str]:
    frame = study.tables.get(table)
    return [] if frame is None or column not in frame else sorted(set(frame[column].dropna().astype(str)))


def _means(
    values: FloatArray, until: FloatArray, edges: FloatArray, code: IntArray, mix: FloatArray,
    followed: pd.DataFrame,
) -> tuple[FloatArray, FloatArray, FloatArray, int]:  # fmt: skip
    """Means up to each month (comparison group, difference), influences per worker, totals."""
    n, p, m = values.shape
    compared = len(np.unique(code)) == 2
    totals = np.empty((n, p, m))
    for month in range(m):
        for payer in range(p):
            totals[:, payer, month] = pseudo_totals(
                values[:, payer, : month + 1], until, edges=edges[: month + 2], group=code, negative=True
            )
    flat = totals.reshape(n, p * m)
    design = np.ones((n, 1))
    if compared:
        centred = mix - mix[code == 1].mean(axis=0)
        design = np.column_stack([np.ones(n), code, centred])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ flat
    rest = flat - design @ beta
    codes, g = read_clusters(followed["worker"].astype(str).to_numpy(), n)
    factor = np.sqrt(g / max(g - 1, 1))
    lever = design @ bread
    influence = np.zeros((g, 2, p * m))
    mean = np.zeros((2, p * m))
    for place in (0, 1) if compared else (1,):
        column = place if compared else 0
        mean[place] = beta[column]
        influence[:, place] = factor * cluster_sums(rest * lever[:, [column]], codes, g)
    return mean.reshape(2, p, m), influence.reshape(g, 2, p, m), totals, g
