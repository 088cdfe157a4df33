"""Shares of families per class, with intervals, and how far two parents agree."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import CLASS, SHARE, Column
from mpg_research.analysis.result import ResultTable
from mpg_research.statistics.proportions import clustered_interval, wilson_interval

__all__ = [
    "OR_RARE",
    "TOGETHER",
    "agreement_table",
    "join_small",
    "merged_rows",
    "share_rows",
    "share_table",
]

#: What small classes are called together, alone and with the class that says least.
TOGETHER = "together"
OR_RARE = {name: f"{name}_or_rare" for name in ("not_enough_information", "unchanged", "no_reliable_trend")}

_VALUES = ("estimate", "conf_low", "conf_high", "clustered_low", "clustered_high", "n_group")


def share_rows(
    units: pd.DataFrame,
    column: str,
    classes: Sequence[object],
    *,
    by: tuple[str, ...] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Share of each class among the courses that have one of the classes, per group.

    Parameters
    ----------
    units : DataFrame
        One row per course: family, organisation, worker, ``column`` and ``by``.
    column : str
        The class of each course; other values than ``classes`` do not count.
    classes : sequence
        In the order of the rows.
    by : tuple of str
        Groups within which the shares are taken.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        ``by``, class, estimate, conf_low, conf_high (Wilson), clustered_low, clustered_high (allowing for
        families that share a worker), n_group (courses in the group), n_families (distinct, *in the
        class*), n_organisations.
    """
    rows = []
    used = list(dict.fromkeys((*by, column, "family", "organisation", "worker")))
    counted = units.loc[units[column].isin(list(classes)), used]
    groups = counted.groupby(list(by), sort=True) if by else [((), counted)]
    for key, mine in groups:
        happened, workers = mine[column].to_numpy(), mine["worker"].to_numpy(dtype=str)
        for name in classes:
            inside = happened == name
            wilson = wilson_interval([int(inside.sum())], [len(mine)], level=level)
            robust = clustered_interval(inside, workers, level=level)
            # Limits at 0 and 1 are reached to rounding error only.
            limits = [wilson.conf_low, wilson.conf_high, robust.conf_low, robust.conf_high]
            ends = [float(np.round(limit[0], 12)) for limit in limits]
            rows.append(
                (
                    *(key if isinstance(key, tuple) else (key,)), name,
                    float(wilson.estimate[0]), *ends, len(mine),
                    int(mine["family"][inside].nunique()), int(mine["organisation"][inside].nunique()),
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[*by, "class", *_VALUES, "n_families", "n_organisations"])


def join_small(units: pd.DataFrame, column: str, classes: Sequence[str], *, minimum: int) -> pd.Series:
    """The classes with small ones taken together, so that no row has to be withheld.

    Classes with some but fewer than ``minimum`` families are joined as ``"together"``; where they are still
    fewer than that together, the largest class joins them. Where that class is one of the unspecific ones
    ("not_enough_information", "unchanged", "no_reliable_trend"), the name says so: ``"unchanged_or_rare"``.
    Other values than ``classes`` stay.
    """
    found = units[column].astype(object)
    sizes = units.groupby(column)["family"].nunique().reindex(list(classes)).fillna(0)
    sizes = sizes[sizes > 0]
    joined = set(sizes.index[sizes < minimum])
    if not joined or len(sizes) < 2:
        return found
    name = TOGETHER
    if len(joined) < 2 or units.loc[found.isin(joined), "family"].nunique() < minimum:
        largest = str(sizes.idxmax())
        joined.add(largest)
        name = OR_RARE.get(largest, TOGETHER)
    return found.where(~found.isin(joined), name)


def merged_rows(
    units: pd.DataFrame, column: str, classes: Sequence[str], *, minimum: int, level: float = 0.95
) -> pd.DataFrame:
    """Shares with small classes taken together (:func:`join_small`); columns as in :func:`share_rows`.

    Classes without families are left out.
    """
    joined = join_small(units, column, classes, minimum=minimum)
    kept = [name for name in (*classes, *OR_RARE.values(), TOGETHER) if name in set(joined)]
    return share_rows(units.assign(merged=joined), "merged", kept, level=level)


def share_table(name: str, data: pd.DataFrame, *keys: Column) -> ResultTable:
    """Shares as a table of a result; ``n_families`` are those in the class, so small classes are seen.

    ``keys`` are those of the rows, by default the class; over those that add up (the classes do) the shares
    add up to one, or to a share that stands elsewhere.
    """
    single = any(key.meaning == "organisation" for key in keys)
    kept = data.drop(columns="n_organisations") if single else data
    names = [*(key.name for key in keys or (CLASS,)), *_VALUES, "n_families"]
    names += [name for name in ("n_organisations",) if name in kept]
    return ResultTable(name, kept[names], columns=(*(keys or (CLASS,)), *SHARE))


def agreement_table(
    units: pd.DataFrame, column: str, better: Sequence[str], worse: Sequence[str], level: float
) -> ResultTable:
    """Where two respondents of a family were asked: the same class, another one, or the opposite one.

    Opposite: one of the two in ``better``, the other in ``worse``.
    """
    asked = units[units[column].notna() & (units[column] != "")]
    rows = []
    for (family, _), mine in asked.groupby(["family", "episode"], sort=True):
        found = set(mine[column])
        if mine["respondent"].nunique() < 2:
            continue
        opposite = bool(found & set(better)) and bool(found & set(worse))
        agreement = "opposite" if opposite else "same" if len(found) == 1 else "different"
        one = mine.iloc[0]
        rows.append((family, one["organisation"], one["worker"], agreement))
    pairs = pd.DataFrame(rows, columns=["family", "organisation", "worker", "agreement"])
    data = share_rows(pairs, "agreement", ("same", "different", "opposite"), level=level)
    data["estimate"] = data["estimate"].astype(np.float64)
    return share_table("respondents", data)
