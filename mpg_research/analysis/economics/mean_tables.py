"""Mean costs per family up to a month: in all, and by month, payer, kind, item and phase.

Follow-up stops at the export, so means are weighted by the chance of still being followed (Bang and Tsiatis,
by month). Limits are those of t over workers, or over families where there are few workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.special as special

from mpg_research.analysis.columns import (
    Column,
    coded,
    ends,
    number_of,
    observed,
    quantile,
)
from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.economics.few_together import few_together
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.censored_costs import censored_mean
from mpg_research.statistics.economics.follow_up import chance_seen, completeness_weights, read_followed

__all__ = [
    "EVERYBODY",
    "MEAN",
    "MEANS",
    "TOGETHER",
    "TOGETHER_BY_MONTH",
    "CostWindow",
    "apart",
    "before_table",
    "cost_window",
    "mean_tables",
    "spread_table",
]

#: So many workers make errors over workers; with fewer they are over families.
_FEWEST_CLUSTERS = 10
#: A mean is a sum of what each family adds to it, of which the largest two are told to the gate.
MEAN = Column(
    name="mean_cost", meaning="money", is_total=True, largest=("largest", "second_largest"), digits=0
)
MEANS = (
    MEAN,
    *ends(MEAN, is_total=False, largest=()),
    Column(name="largest", meaning="extreme", digits=0, csv_only=True, plain=False),
    Column(name="second_largest", meaning="extreme", digits=0, csv_only=True, plain=False),
    number_of("n_group", of="families"),
)
_NAMES = [
    "mean_cost",
    "mean_cost_low",
    "mean_cost_high",
    "largest",
    "second_largest",
    "n_families",
    "n_organisations",
]
#: Payers by month that stand together, or all of them.
TOGETHER, EVERYBODY = "together", "all"
TOGETHER_BY_MONTH = "together_by_month"
#: Quantiles of what families cost.
_QUANTILES = {"q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9}


@dataclass(frozen=True, slots=True)
class CostWindow:
    """Families and the months of costs that are looked at.

    Attributes
    ----------
    costs : FamilyCosts
    months : int
        Up to which costs are counted.
    time : ndarray, shape (families,)
        Months each family is followed.
    clusters : ndarray, shape (families,)
        Who belongs together.
    over_workers : bool
        Whether these are workers.
    level : float
    discounted : bool
    """

    costs: FamilyCosts
    months: int
    time: FloatArray
    clusters: np.ndarray
    over_workers: bool
    level: float
    discounted: bool

    @property
    def edges(self) -> FloatArray:
        """Month by month, shape (months + 1,)."""
        return np.arange(self.months + 1, dtype=float)

    @property
    def ended(self) -> BoolArray:
        """Whether nothing more can come: of no family."""
        return np.zeros(len(self.time), dtype=bool)

    def amounts(self, rows: BoolArray | None = None) -> FloatArray:
        """Costs by family and month, shape (families, months)."""
        return self.costs.amounts(self.edges, discounted=self.discounted, rows=rows)

    def complete(self) -> BoolArray:
        """Families that are followed to the last month, shape (families,)."""
        return np.asarray(self.time >= self.months)


def cost_window(
    costs: FamilyCosts, *, asked: float, minimum: int, level: float, discounted: bool = True
) -> CostWindow | None:
    """The months up to which costs are counted; None if too few families are followed for a month.

    Parameters
    ----------
    costs : FamilyCosts
    asked : float
        Months asked for.
    minimum : int
        So many families are followed to the last month at least.
    level : float
        Of intervals.
    discounted : bool
    """
    time = costs.followed["months"].to_numpy(dtype=float)
    longest = np.sort(time)[::-1][min(minimum, len(time)) - 1] if len(time) >= minimum else 0.0
    months = int(np.floor(min(asked, longest)))
    if months < 1:
        return None
    workers = costs.followed["worker"].to_numpy(dtype=str)
    over_workers = len(np.unique(workers)) >= _FEWEST_CLUSTERS
    clusters = workers if over_workers else costs.followed["family"].to_numpy(dtype=str)
    return CostWindow(costs, months, time, clusters, over_workers, level, discounted)


def mean_tables(window: CostWindow, *, minimum: int) -> list[ResultTable]:
    """The tables of means; their keys stand in :mod:`~mpg_research.analysis.economics.describe`.

    Parameters
    ----------
    window : CostWindow
    minimum : int
        Families that a payer pays for in each month, where it has a row of its own by month.
    """
    rows = window.costs.rows
    whole = _table("costs", window, [((), window.amounts())], ())
    found = [whole]
    for key, called in (("phase", "phase"), ("payer", "payer"), ("kind", "cost_kind"), ("item", "cost_item")):
        groups = apart(window, minimum, key=key, by_month=False)
        parts = [
            ((name,), window.amounts(rows[key].isin(group).to_numpy())) for name, group in groups.items()
        ]
        parts = [part for part in parts if part[1].any()]
        found.append(_table(f"costs_by_{key}", window, parts, (coded(called, adds_up="counts"),)))
    months = []
    whole_year = apart(window, minimum, by_month=False)
    for name, group in apart(window, minimum).items():
        # By month more payers may stand together than in all: another group is called another name.
        if name == TOGETHER and whole_year.get(TOGETHER) != group:
            name = TOGETHER_BY_MONTH
        amounts = window.amounts(rows["payer"].isin(group).to_numpy())
        for place in range(window.months):
            alone = np.zeros_like(amounts)
            alone[:, place] = amounts[:, place]
            if alone.any():
                months.append(((float(place + 1), name), alone))
    keys = (
        Column(name="month_of_help", meaning="time", is_key=True, adds_up="counts"),
        coded("payer", adds_up="counts"),
    )
    found.append(_table("costs_by_month", window, sorted(months, key=lambda part: part[0]), keys))
    return found


def apart(
    window: CostWindow, minimum: int, *, key: str = "payer", by_month: bool = True
) -> dict[str, list[str]]:
    """Payers (kinds, items, phases) by the name under which they stand: apart, or together where few are.

    Parameters
    ----------
    window : CostWindow
    minimum : int
        Families that stand for few.
    key : {"payer", "kind", "item", "phase"}
    by_month : bool
        Whether the rows are those of single months, and not of all together.
    """
    names = [name for name in window.costs.rows[key].cat.categories if (key, name) != ("phase", "before")]

    def families(group: list[str]) -> IntArray:
        amounts = window.amounts(window.costs.rows[key].isin(group).to_numpy())
        return np.asarray((amounts > 0).sum(axis=0) if by_month else (amounts.sum(axis=1) > 0).sum())

    few = few_together(names, families, minimum=minimum)
    found = {name: [name] for name in names if name not in few}
    return {**found, **({TOGETHER if found else EVERYBODY: few} if few else {})}


def _table(
    name: str,
    window: CostWindow,
    parts: Sequence[tuple[tuple[object, ...], FloatArray]],
    keys: tuple[Column, ...],
) -> ResultTable:
    followed = read_followed(window.time, window.ended, edges=window.edges)
    weight = np.where(followed.complete, 1 / chance_seen(followed), 0.0)
    home = window.costs.followed["organisation"].to_numpy(dtype=str)
    rows = []
    for key, amounts in parts:
        found = censored_mean(
            amounts, window.time, ended=window.ended, edges=window.edges, clusters=window.clusters,
            level=window.level,
        )  # fmt: skip
        added = (amounts * weight).sum(axis=1) / len(window.time)
        rows.append((*key, found.estimate, *_floored(found.conf_low, found.conf_high), *_behind(added, home)))
    data = pd.DataFrame(rows, columns=[*(column.name for column in keys), *_NAMES])
    return ResultTable(name, data.assign(n_group=len(window.time)), columns=(*keys, *MEANS))


def _floored(low: float, high: float) -> tuple[float, float]:
    """Limits of a mean of costs, which is not below zero."""
    return max(low, 0.0), high


def _behind(added: FloatArray, home: np.ndarray) -> tuple[float, float, int, int]:
    """The two largest parts of a mean, and how many families and organisations are behind it."""
    largest = np.sort(np.concatenate([[0.0, 0.0], added]))[-2:]
    some = added > 0
    return float(largest[1]), float(largest[0]), int(some.sum()), int(np.unique(home[some]).size)


def spread_table(window: CostWindow) -> ResultTable:
    """What families cost that lie at some places in the order, and the share of the dearest tenth.

    Of families followed to the last month, weighted by the chance of being followed so far.

    Parameters
    ----------
    window : CostWindow
    """
    kept = window.complete()
    cost = window.amounts().sum(axis=1)[kept]
    weight = completeness_weights(window.time, window.ended, horizon=float(window.months))[kept]
    order = np.argsort(cost, kind="stable")
    cost, weight = cost[order], weight[order]
    reached = np.cumsum(weight) / weight.sum()
    at = {
        name: float(cost[min(int(np.searchsorted(reached, level - 1e-12)), len(cost) - 1)])
        for name, level in _QUANTILES.items()
    }
    dearest = reached > 0.9 + 1e-12
    total = float(weight @ cost)
    share = float(weight[dearest] @ cost[dearest]) / total if total > 0 else float("nan")
    home = window.costs.followed["organisation"].to_numpy(dtype=str)[kept]
    data = pd.DataFrame(
        [{**at, "dearest_share": share, "n_families": len(cost), "n_organisations": np.unique(home).size}]
    )
    # The dearest tenth are as many families as lie beyond the highest quantile: one goes with the other.
    columns = (
        *(quantile(name, level, digits=0, in_money=True) for name, level in _QUANTILES.items()),
        observed("dearest_share", percent=True, digits=0, about="q90"),
    )
    return ResultTable("cost_spread", data, columns=columns)


def before_table(window: CostWindow) -> ResultTable | None:
    """Costs before the first help beside those up to the last month; None where none are on record.

    Parameters
    ----------
    window : CostWindow

    Notes
    -----
    The share is B / (B + C), with B the mean before and C the weighted mean after the start; its error is by
    the delta method, with both influences of a family side by side and summed over clusters.
    """
    costs = window.costs
    earlier = (costs.rows["month"] < 0).to_numpy()
    if not earlier.any():
        return None
    n = len(window.time)
    name = "discounted" if window.discounted else "amount"
    before = np.bincount(
        costs.rows["unit"].to_numpy()[earlier], costs.rows[name].to_numpy()[earlier], minlength=n
    )
    since = censored_mean(
        window.amounts(), window.time, ended=window.ended, edges=window.edges, clusters=window.clusters,
        level=window.level,
    )  # fmt: skip
    mean = float(before.mean())
    share = mean / (mean + since.estimate)
    own_before = (before - mean) / n
    own_share = ((1 - share) * own_before - share * since.influence) / (mean + since.estimate)
    codes = np.unique(window.clusters, return_inverse=True)[1]
    g = int(codes.max()) + 1
    sums = cluster_sums(np.column_stack([own_before, own_share]), codes, g)
    error = np.sqrt(g / max(g - 1, 1) * (sums**2).sum(axis=0))
    half = float(special.stdtrit(max(g - 1, 1), 0.5 + window.level / 2)) * error
    home = costs.followed["organisation"].to_numpy(dtype=str)
    largest = _behind(before / n, home)
    data = pd.DataFrame([(mean, *_floored(mean - half[0], mean + half[0]), *largest)], columns=_NAMES).assign(
        n_group=n,
        share_before=share,
        share_before_low=max(share - half[1], 0.0),
        share_before_high=min(share + half[1], 1.0),
    )
    part = observed("share_before", percent=True, digits=0, about="mean_cost")
    return ResultTable("costs_before_help", data, columns=(*MEANS, part, *ends(part)))
