"""The tables of a comparison of costs and effects: differences, ratios, net benefit, what to choose."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, Column, coded, key_column, modelled
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.analysis.value.compared import Compared
from mpg_research.analysis.value.estimate_rows import estimate_row
from mpg_research.analysis.value.largest_parts import DIFFERENCE_PARTS, difference_parts
from mpg_research.analysis.value.money_columns import (
    COMPARED_GROUP,
    MONEY_ESTIMATE,
    SHARE_ESTIMATE,
    THRESHOLD,
    modelled_money,
    money_with_ends,
)
from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.acceptability import acceptability
from mpg_research.statistics.economics.group_differences import GroupDifferences
from mpg_research.statistics.economics.incremental import fieller_limits, incremental_ratios, quadrant_shares
from mpg_research.statistics.economics.net_benefit import JointDifference, NetBenefit, net_benefit

__all__ = [
    "AFTER_COSTS",
    "FROM_COSTS",
    "REGION_POINTS",
    "Draws",
    "behind",
    "choice_tables",
    "difference_tables",
    "effect_estimate",
    "net_benefit_rows",
    "ratio_tables",
]

#: Points of the ellipse of the plane.
REGION_POINTS = 48
#: What goes with the difference in costs where that may not be shown.
FROM_COSTS = "cost_differences.estimate"
AFTER_COSTS = tuple(column.but(follows=FROM_COSTS) for column in MONEY_ESTIMATE)


def effect_estimate(compared: Compared) -> tuple[Column, ...]:
    """Columns of a difference in effect: of a share in per cent.

    Parameters
    ----------
    compared : Compared
    """
    return SHARE_ESTIMATE if compared.facts["effect"] == "reliably_improved" else ESTIMATE


@dataclass(frozen=True, slots=True)
class Draws:
    """Replications of the differences from the first group, prices drawn as well where they have a range.

    Attributes
    ----------
    cost, effect : ndarray, shape (r, k)
    """

    cost: FloatArray
    effect: FloatArray


def behind(compared: Compared, group: int) -> dict[str, int]:
    """Families and organisations behind a difference from the first group: the smaller side.

    Parameters
    ----------
    compared : Compared
    group : int
    """
    counts = compared.n_families, compared.n_organisations
    return {
        name: int(min(each[group], each[0]))
        for name, each in zip(("n_families", "n_organisations"), counts, strict=True)
    }


def difference_tables(compared: Compared, found: GroupDifferences, *, level: float) -> list[ResultTable]:
    """Differences in costs and in effects from the first group.

    Parameters
    ----------
    compared : Compared
    found : GroupDifferences
    level : float
    """
    rows: tuple[list[dict[str, object]], list[dict[str, object]]] = ([], [])
    for place, name in enumerate(compared.names[1:], start=1):
        both = found.between(place)
        for table, value, at, df in (
            (rows[0], both.cost, 0, both.df_cost), (rows[1], both.effect, 1, both.df_effect),
        ):  # fmt: skip
            numbers = estimate_row(value, float(both.covariance[at, at]), df, level=level)
            table.append({"compared_group": name, **numbers, **behind(compared, place)})
        rows[0][-1] |= difference_parts(compared, both.cost, (0, place))
    money = (COMPARED_GROUP, *MONEY_ESTIMATE, *DIFFERENCE_PARTS)
    return [
        ResultTable("cost_differences", pd.DataFrame(rows[0]), money),
        ResultTable(
            "effect_differences", pd.DataFrame(rows[1]), (COMPARED_GROUP, *effect_estimate(compared))
        ),
    ]


def _ratio_kind(both: JointDifference, level: float) -> tuple[str, float, float]:
    """What may be said of a ratio, and its limits where it has any."""
    limits = fieller_limits(
        both.cost, both.effect, covariance=both.covariance, level=level, df=min(both.df, 1e6)
    )
    nan = float("nan")
    if both.effect > 0 >= both.cost:
        return "dominates", nan, nan
    if both.effect <= 0 <= both.cost:
        return "is_dominated", nan, nan
    if limits.kind != "bounded":
        return "unsure", nan, nan
    return ("per_unit" if both.effect > 0 else "saved_per_unit"), limits.low, limits.high


def ratio_tables(
    compared: Compared, found: GroupDifferences, draws: Draws, *, level: float
) -> list[ResultTable]:
    """Ratios with dominance, shares of the quadrants, and the region of the plane.

    Parameters
    ----------
    compared : Compared
    found : GroupDifferences
    draws : Draws
    level : float
    """
    steps = incremental_ratios(found.cost, found.effect)
    ratios, quadrants, region = [], [], []
    for place, name in enumerate(compared.names):
        if place:
            both = found.between(place)
            kind, low, high = _ratio_kind(both, level)
            ratio = both.cost / both.effect if kind in ("per_unit", "saved_per_unit") else float("nan")
            before = int(steps.compared_with[place])
            ratios.append(
                {
                    "compared_group": name, "ratio_kind": kind, "euros_per_unit": ratio,
                    "euros_per_unit_low": low,
                    "euros_per_unit_high": high, "standing": steps.standing[place],
                    "step_from": compared.names[before] if before >= 0 else "none",
                    "step_ratio": steps.ratio[place], **behind(compared, place),
                }
            )  # fmt: skip
            shares = quadrant_shares(draws.cost[:, place], draws.effect[:, place])
            quadrants += [
                {"compared_group": name, "quadrant": part, "chance_best": getattr(shares, part),
                 **behind(compared, place)}
                for part in ("more_effect_less_cost", "more_effect_more_cost", "less_effect_less_cost",
                             "less_effect_more_cost")
            ]  # fmt: skip
            region += [
                {"compared_group": name, **row, **behind(compared, place)} for row in _ellipse(both, level)
            ]
    chance = modelled("chance_best", percent=True, follows=FROM_COSTS)
    return [
        ResultTable(
            "ratios",
            pd.DataFrame(ratios),
            (
                COMPARED_GROUP, coded("ratio_kind", is_key=False),
                *money_with_ends("euros_per_unit", follows=FROM_COSTS),
                coded("standing", is_key=False), coded("step_from", is_key=False),
                modelled_money("step_ratio", follows=FROM_COSTS),
            ),
        ),
        ResultTable("quadrants", pd.DataFrame(quadrants), (COMPARED_GROUP, coded("quadrant"), chance)),
        ResultTable(
            "region",
            pd.DataFrame(region),
            (COMPARED_GROUP, key_column("point", digits=0, csv_only=True),
             modelled("region_effect", digits=2, follows=FROM_COSTS),
             modelled_money("region_cost", follows=FROM_COSTS)),
        ),
    ]  # fmt: skip


def _ellipse(both: JointDifference, level: float) -> list[dict[str, float]]:
    """The edge of the region of both differences, by F with two and df degrees of freedom."""
    from scipy.special import fdtri

    df = min(both.df, 1e6)
    radius = float(np.sqrt(2 * fdtri(2, df, level))) if df > 0 else float("nan")
    values, vectors = np.linalg.eigh(both.covariance)
    turn = np.linspace(0, 2 * np.pi, REGION_POINTS, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    points = radius * (vectors * np.sqrt(np.maximum(values, 0))) @ circle
    return [
        {"point": float(place), "region_effect": both.effect + points[1, place],
         "region_cost": both.cost + points[0, place]}
        for place in range(REGION_POINTS)
    ]  # fmt: skip


def net_benefit_rows(found: NetBenefit, *, name: str, counts: dict[str, int]) -> list[dict[str, object]]:
    """Rows of a net benefit, one per threshold.

    Parameters
    ----------
    found : NetBenefit
    name : str
        Of the group.
    counts : dict
        Families and organisations.
    """
    return [
        {
            "may_cost": float(found.threshold[place]), "compared_group": name,
            **{column: float(getattr(found, column)[place]) for column in ESTIMATE_COLUMNS},
            "chance_above": float(found.probability[place]), **counts,
        }
        for place in range(found.threshold.size)
    ]  # fmt: skip


def choice_tables(
    compared: Compared, found: GroupDifferences, draws: Draws, thresholds: FloatArray, *, level: float
) -> list[ResultTable]:
    """Net benefit, the acceptability curve and frontier, expected loss and perfect information.

    Parameters
    ----------
    compared : Compared
    found : GroupDifferences
    draws : Draws
    thresholds : ndarray, shape (t,)
    level : float

    Returns
    -------
    list of ResultTable
    """
    rows: list[dict[str, object]] = []
    for place, name in enumerate(compared.names[1:], start=1):
        benefit = net_benefit(found.between(place), thresholds, level=level)
        rows += net_benefit_rows(benefit, name=name, counts=behind(compared, place))
    choice = acceptability(draws.cost, draws.effect, threshold=thresholds)
    curve, decisions = [], []
    counts = {
        "n_families": int(compared.n_families.min()),
        "n_organisations": int(compared.n_organisations.min()),
    }
    for at, euros in enumerate(thresholds):
        for place, name in enumerate(compared.names):
            curve.append(
                {"may_cost": float(euros), "compared_group": name,
                 "chance_best": choice.probability[at, place],
                 "expected_loss": choice.expected_loss[at, place],
                 **{key: int(getattr(compared, key)[place]) for key in counts}}
            )  # fmt: skip
        decisions.append(
            {"may_cost": float(euros), "best": compared.names[int(choice.best[at])],
             "chance_best": choice.frontier[at],
             "perfect_information": choice.perfect_information[at], **counts}
        )  # fmt: skip
    chance = modelled("chance_best", percent=True, follows=FROM_COSTS)
    above = modelled("chance_above", percent=True, follows=FROM_COSTS)
    decisions_table = ResultTable(
        "decisions",
        pd.DataFrame(decisions),
        (THRESHOLD, coded("best", is_key=False), chance,
         modelled_money("perfect_information", follows=FROM_COSTS)),
    )  # fmt: skip
    # What is hidden of one group follows from the others, the first too: all go, as the decisions do.
    all_groups = {"follows": "decisions.chance_best"}
    return [
        ResultTable("net_benefit", pd.DataFrame(rows), (THRESHOLD, COMPARED_GROUP, *AFTER_COSTS, above)),
        decisions_table,
        ResultTable(
            "acceptability", pd.DataFrame(curve),
            (THRESHOLD, COMPARED_GROUP, chance.but(**all_groups),
             modelled_money("expected_loss", **all_groups)),
        ),
    ]  # fmt: skip
