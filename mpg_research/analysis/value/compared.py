"""What is compared: costs and effects of groups as two regressions, with the costs of each price apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.value.compared_groups import FamilyGroups, groups_of_column
from mpg_research.analysis.value.effects_of_groups import effect_of_groups
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.economics.group_differences import Regression, regression_of
from mpg_research.statistics.economics.pseudo_totals import pseudo_totals
from mpg_research.study.model import SampleFlow, Study
from mpg_research.study.which_scores import Scores

__all__ = ["Compared", "compare_column", "compare_groups", "costs_per_price", "needs_horizon", "users_of"]


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
    family : ndarray of str, shape (rows of cost,)
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
    family: np.ndarray = field(repr=False)
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

    @property
    def code(self) -> IntArray:
        """The group of each row of the costs, shape (rows of cost,)."""
        dummies = self.cost.design[:, list(self.cost.columns)]
        return np.asarray((dummies @ np.arange(1, len(self.names))).round(), dtype=np.intp)


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

    Raises
    ------
    NotApplicableError
        Where nothing that was used in these months has a price.
    """
    within = (costs.rows["month"] >= edges[0]) & (costs.rows["month"] < edges[-1])
    used = costs.rows.loc[within, ["item", "payer"]].drop_duplicates().astype(str)
    priced = costs.prices.merge(used, on=["item", "payer"]).reset_index(drop=True)
    if priced.empty:
        raise NotApplicableError(
            f"Nothing that was used in the first {edges[-1]:g} months has a price: see the column item of "
            "the table prices.",
            code="nothing_priced",
        )
    item, payer = costs.rows["item"].astype(str), costs.rows["payer"].astype(str)
    tables = [
        costs.amounts(edges, rows=((item == row["item"]) & (payer == row["payer"])).to_numpy(dtype=bool))
        for _, row in priced.iterrows()
    ]
    return priced, np.stack(tables, axis=1)


def needs_horizon(until: FloatArray, months: float, code: np.ndarray) -> None:
    """Refuse a horizon to which nobody of a group is followed.

    Parameters
    ----------
    until : ndarray, shape (n,)
        Months up to which each family is followed.
    months : float
    code : ndarray of int, shape (n,)
        Groups.
    """
    longest = min(float(until[code == each].max()) for each in np.unique(code))
    if longest < months:
        raise NotApplicableError(
            f"Costs are asked up to {months:g} months, and in a group nobody is followed beyond "
            f"{longest:.1f} months: see [costs] horizon_months in study.toml.",
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
    return compare_groups(
        study, costs, groups, effect=effect, horizon=horizon, rate=rate, scores=scores, by=column
    )


def compare_groups(
    study: Study, costs: FamilyCosts, groups: FamilyGroups, *, effect: str, horizon: int, rate: float,
    scores: Scores, by: str,
) -> Compared:  # fmt: skip
    """Groups of families.

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
        Of discounting effects.
    scores : Scores
    by : str
        What the groups are of.

    Returns
    -------
    Compared
    """
    until = groups.families["months"].to_numpy(dtype=float)
    needs_horizon(until, horizon, groups.code)
    edges = np.arange(horizon + 1.0)
    priced, tables = costs_per_price(costs, edges)
    mine = tables[groups.unit]
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
    family = groups.families["family"].astype(str).to_numpy()
    return Compared(
        names=groups.names, cost=cost, effect=found.regression, parts=parts, priced=priced, family=family,
        used=users_of((mine != 0).any(axis=2), family), n_families=families, n_organisations=organisations,
        strata=groups.strata, months=float(horizon), flow=groups.flow,
        notes=(*groups.notes, *found.notes),
        facts={"by": by, "effect": effect},
        instrument=found.instrument, outcome=found.outcome, converged=found.converged,
        followed=float((until >= horizon).mean()),
    )  # fmt: skip


def users_of(used: np.ndarray, families: np.ndarray) -> tuple[frozenset[str], ...]:
    """Families with a row that used each price.

    Parameters
    ----------
    used : ndarray of bool, shape (n, m)
    families : ndarray of str, shape (n,)
    """
    return tuple(frozenset(families[used[:, place]].tolist()) for place in range(used.shape[1]))


def _behind(groups: FamilyGroups, effect_code: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Families and organisations of each group."""
    of_costs, of_effects = (np.bincount(codes, minlength=k) for codes in (groups.code, effect_code))
    home = groups.families["organisation"].astype(str).to_numpy()
    organisations = np.array([len(set(home[groups.code == each])) for each in range(k)])
    return np.minimum(of_costs, of_effects), organisations
