"""Organisations beside each other by costs and effects: each from the mean of all, pairs, and who is best.

Tables of :class:`~mpg_research.analysis.value.compare.OrganisationsCostsAndEffects`
------------------------------------------------------------------------------------
- ``cost_from_mean(organisation, ..., p_adjusted)`` and ``effect_from_mean(organisation, ..., p_adjusted)``:
  each organisation, given the case mix, less the plain mean of all (which does not hang on who is large); p
  adjusted over the organisations (Holm).
- ``value_from_mean(may_cost, organisation, ..., p_adjusted)``: threshold times effect less costs, likewise.
- ``cost_pairs(organisation_1, organisation_2, ..., p_adjusted)`` and ``effect_pairs``: the first less the
  second, p adjusted over the pairs.
- ``chances(may_cost, organisation, chance_best, chance_on_frontier, expected_loss)``: over draws from the
  joint distribution of the estimates, never from the estimates alone: there is no order of organisations
  without its uncertainty.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import EACH_ORGANISATION, ORGANISATION, P_ADJUSTED, Column, modelled
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.analysis.value.compared import Compared
from mpg_research.analysis.value.comparison_tables import Draws, effect_estimate
from mpg_research.analysis.value.estimate_rows import estimate_row
from mpg_research.analysis.value.largest_parts import DIFFERENCE_PARTS, difference_parts
from mpg_research.analysis.value.money_columns import MONEY_ESTIMATE, THRESHOLD, modelled_money
from mpg_research.arrays import FloatArray
from mpg_research.statistics.economics.acceptability import acceptability
from mpg_research.statistics.economics.group_differences import GroupDifferences, group_contrasts
from mpg_research.statistics.economics.incremental import incremental_ratios
from mpg_research.statistics.economics.net_benefit import JointDifference, net_benefit
from mpg_research.statistics.multiplicity import holm

__all__ = ["draw_organisations", "organisation_tables"]

_PAIR = (ORGANISATION.but(name="organisation_1"), ORGANISATION.but(name="organisation_2"))
_OF_PAIRS = tuple(column.but(in_pair="stays") for column in DIFFERENCE_PARTS)


def organisation_tables(
    compared: Compared, found: GroupDifferences, thresholds: FloatArray, *, replications: int,
    rng: np.random.Generator, level: float,
) -> list[ResultTable]:  # fmt: skip
    """The tables of a comparison of organisations.

    Parameters
    ----------
    compared : Compared
        The groups are organisations.
    found : GroupDifferences
        From the first.
    thresholds : ndarray, shape (t,)
    replications : int
        Of the draws behind the chances.
    rng : Generator
    level : float

    Notes
    -----
    An organisation has a few workers, of whom no bootstrap shows how they differ: so the chances are drawn
    from the estimates, each with the tails of its own degrees of freedom, as its interval has them.
    """
    k = len(compared.names)
    pairs = list(combinations(range(k), 2))
    wanted = np.vstack([np.eye(k) - 1 / k, *[np.eye(k)[[one]] - np.eye(k)[[other]] for one, other in pairs]])
    told = group_contrasts(compared.cost, compared.effect, wanted)
    each, between = told[:k], told[k:]
    draws = draw_organisations(found, each, n=replications, rng=rng)
    alone = [(place,) for place in range(k)]
    money = (*MONEY_ESTIMATE, P_ADJUSTED, *DIFFERENCE_PARTS)
    effect = (*effect_estimate(compared), P_ADJUSTED)
    return [
        _table("cost_from_mean", compared, alone, _costs(each, level), (EACH_ORGANISATION, *money)),
        _table("effect_from_mean", compared, alone, _effects(each, level), (EACH_ORGANISATION, *effect),
               in_money=False),
        _values(compared, each, thresholds, level, (THRESHOLD, EACH_ORGANISATION, *money)),
        _table("cost_pairs", compared, pairs, _costs(between, level),
               (*_PAIR, *MONEY_ESTIMATE, P_ADJUSTED, *_OF_PAIRS)),
        _table("effect_pairs", compared, pairs, _effects(between, level), (*_PAIR, *effect), in_money=False),
        _chances(compared, draws, thresholds),
    ]  # fmt: skip


def draw_organisations(
    found: GroupDifferences, each: Sequence[JointDifference], *, n: int, rng: np.random.Generator
) -> Draws:
    """Draws of what each organisation is from the mean of all.

    Parameters
    ----------
    found : GroupDifferences
        From the first, with their covariance.
    each : sequence of JointDifference, length k
        From the mean, with their degrees of freedom.
    n : int
    rng : Generator

    Returns
    -------
    Draws
    """
    k = len(each)
    centred = np.eye(k) - 1 / k
    blocks = centred @ found.covariance @ centred
    values, vectors = np.linalg.eigh(np.block([[blocks[0, 0], blocks[0, 1]], [blocks[1, 0], blocks[1, 1]]]))
    normal = rng.normal(size=(n, 2 * k)) * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    df = np.minimum([one.df for one in each], 1e6)
    tails = np.sqrt(df / rng.chisquare(df, size=(n, k)))
    cost = np.array([one.cost for one in each]) + normal[:, :k] * tails
    effect = np.array([one.effect for one in each]) + normal[:, k:] * tails
    return Draws(cost, effect)


def _costs(found: Iterable[JointDifference], level: float) -> list[dict[str, float]]:
    return [
        estimate_row(each.cost, float(each.covariance[0, 0]), each.df_cost, level=level) for each in found
    ]


def _effects(found: Iterable[JointDifference], level: float) -> list[dict[str, float]]:
    return [
        estimate_row(each.effect, float(each.covariance[1, 1]), each.df_effect, level=level) for each in found
    ]


def _table(
    name: str, compared: Compared, groups: Sequence[tuple[int, ...]], rows: list[dict[str, float]],
    columns: tuple[Column, ...], *, in_money: bool = True,
) -> ResultTable:  # fmt: skip
    """Rows about one organisation or a pair, with p-values corrected for their number."""
    keys = ("organisation",) if len(groups[0]) == 1 else ("organisation_1", "organisation_2")
    told = []
    for places, numbers in zip(groups, rows, strict=True):
        names = {key: compared.names[place] for key, place in zip(keys, places, strict=True)}
        parts = difference_parts(compared, numbers["estimate"], places) if in_money else {}
        told.append({**names, **numbers, **parts, "n_families": _families(compared, places)})
    data = pd.DataFrame(told)
    return ResultTable(name, data.assign(p_adjusted=_corrected(data, len(compared.names))), columns)


def _families(compared: Compared, places: Iterable[int]) -> int:
    return int(min(compared.n_families[place] for place in places))


def _corrected(data: pd.DataFrame, k: int) -> FloatArray:
    """By Holm; of two organisations the two differences are one question, asked from either side."""
    plain = data["p_value"].to_numpy(dtype=float)
    return plain if k == 2 else holm(plain)


def _values(
    compared: Compared, each: list[JointDifference], thresholds: FloatArray, level: float,
    columns: tuple[Column, ...],
) -> ResultTable:  # fmt: skip
    benefits = [net_benefit(one, thresholds, level=level) for one in each]
    pieces = []
    for at, euros in enumerate(thresholds):
        rows = []
        for place, found in enumerate(benefits):
            numbers = {name: float(getattr(found, name)[at]) for name in ESTIMATE_COLUMNS}
            parts = difference_parts(compared, numbers["estimate"], (place,))
            rows.append(
                {"may_cost": float(euros), "organisation": compared.names[place], **numbers, **parts,
                 "n_families": _families(compared, (place,))}
            )  # fmt: skip
        data = pd.DataFrame(rows)
        pieces.append(data.assign(p_adjusted=_corrected(data, len(each))))
    return ResultTable("value_from_mean", pd.concat(pieces, ignore_index=True), columns)


def _chances(compared: Compared, draws: Draws, thresholds: FloatArray) -> ResultTable:
    """How often each is the best, and how often nothing dominates it."""
    choice = acceptability(draws.cost, draws.effect, threshold=thresholds)
    on = np.zeros(len(compared.names))
    for cost, effect in zip(draws.cost, draws.effect, strict=True):
        on[incremental_ratios(cost, effect).frontier] += 1
    rows = [
        {"may_cost": float(euros), "organisation": name, "chance_best": choice.probability[at, place],
         "chance_on_frontier": on[place] / len(draws.cost), "expected_loss": choice.expected_loss[at, place],
         "n_families": _families(compared, (place,))}
        for at, euros in enumerate(thresholds)
        for place, name in enumerate(compared.names)
    ]  # fmt: skip
    columns = (
        THRESHOLD, EACH_ORGANISATION, modelled("chance_best", percent=True, spread=True),
        modelled("chance_on_frontier", percent=True, spread=True),
        modelled_money("expected_loss", spread=True),
    )  # fmt: skip
    return ResultTable("chances", pd.DataFrame(rows), columns)
