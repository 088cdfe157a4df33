"""Reliably worse scores after a good end, from waves: between which two it came about is all that is known.

The share who got worse by a month, as a first event: hazards per stretch of months by maximum likelihood from
the last wave that was not worse and the first that was, put together with the share without another event
(its mean over the stretch, by Simpson's rule). Families without a wave after the end, or without a score
shortly before it, say nothing; those measured are taken to be like the others. Other events are taken as
coming as often to those who got worse unseen.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.first_events import FirstEvents
from mpg_research.analysis.afterwards.incidence_tables import (
    ALL,
    MONTHS_KEY,
    SHARES,
    errors_over_workers,
    find_incidences,
    groups_of,
)
from mpg_research.analysis.columns import coded, observed_share
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.counts import limits_of
from mpg_research.statistics.survival.interval_hazards import IntervalHazards, fit_interval_hazards

__all__ = ["looked_at", "stretches_of", "worsening_share", "worsening_tables"]


@dataclass(frozen=True, slots=True)
class WorseningShare:
    """Share reliably worse as a first event at the ends of k stretches, with influences of n families."""

    estimate: FloatArray
    influence: FloatArray
    if_early: FloatArray
    if_late: FloatArray


def looked_at(events: FirstEvents, families: pd.DataFrame) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Which families were looked at, and their last wave that was not worse and the first that was.

    Parameters
    ----------
    events : FirstEvents
        Waves after another first event no longer count.
    families : DataFrame
        From :class:`~mpg_research.analysis.afterwards.later_scores.LaterScores`.
    """
    rows = events.rows
    mine = families.set_index("family").reindex(rows["family"])
    until = rows["time"].to_numpy(dtype=float)
    seen = mine["seen_at"].to_numpy(dtype=float)
    seen = np.where(np.isfinite(seen) & (seen <= until), seen, np.inf)
    last = np.where(np.isfinite(seen), mine["not_before"], mine["clean_by_event"]).astype(float)
    clean = np.minimum(np.where(np.isfinite(last), last, 0.0), until)
    known = mine["last"].notna().to_numpy() & ((clean > 0) | np.isfinite(seen))
    return known, clean, seen


def stretches_of(moments: FloatArray, longest: float) -> FloatArray:
    """Ends of stretches of two steps each, from 0, as far as families were looked at.

    Parameters
    ----------
    moments : ndarray
        Evenly spaced months.
    longest : float
        The last look at any family.
    """
    step = float(moments[0])
    ends = moments[1::2] if len(moments) > 1 else moments
    kept = ends[ends <= longest + step / 2 + 1e-9]
    if not len(kept) and longest >= step / 2:
        kept = moments[:1]
    return np.concatenate([[0.0], kept])


def worsening_share(
    known: np.ndarray, clean: FloatArray, seen: FloatArray, edges: FloatArray, free: FloatArray,
    free_influence: FloatArray,
) -> WorseningShare:  # fmt: skip
    """Put hazards of worsening and the share without another event together.

    Parameters
    ----------
    known, clean, seen : ndarray, shape (n,)
        From :func:`looked_at`.
    edges : ndarray, shape (k + 1,)
    free : ndarray, shape (k,)
        Share without another event, on average over each stretch.
    free_influence : ndarray, shape (k, n)
    """
    found: IntervalHazards = fit_interval_hazards(clean[known], seen[known], edges)
    hazard = np.nan_to_num(found.hazard)
    chance = -np.expm1(-hazard)
    still = np.concatenate([[1.0], np.cumprod(1 - chance)])[:-1]
    parts = free * still * chance
    k, n = hazard.size, known.size
    influence = np.zeros((k, n))
    own = np.zeros((k, n))
    own[:, known] = np.exp(-hazard)[:, None] * found.influence
    for end in range(k):
        upto = parts[: end + 1]
        lost = np.divide(
            upto.sum() - np.cumsum(upto), 1 - chance[: end + 1],
            out=np.zeros(end + 1), where=chance[: end + 1] < 1,
        )  # fmt: skip
        slope = free[: end + 1] * still[: end + 1] - lost
        influence[end] = slope @ own[: end + 1]
        influence[end] += (still * chance)[: end + 1] @ free_influence[: end + 1]

    def together(clean: FloatArray, seen: FloatArray) -> FloatArray:
        again = fit_interval_hazards(clean[known], seen[known], edges)
        happened = -np.expm1(-np.nan_to_num(again.hazard))
        before = np.concatenate([[1.0], np.cumprod(1 - happened)])[:-1]
        result: FloatArray = np.cumsum(free * before * happened)
        return result

    middle = np.where(np.isfinite(seen), (clean + seen) / 2, np.inf)
    return WorseningShare(
        np.cumsum(parts),
        influence,
        together(clean, middle),
        together(np.where(np.isfinite(seen), middle, clean), seen),
    )


def worsening_tables(
    events: FirstEvents, families: pd.DataFrame, moments: FloatArray, *, level: float, minimum: int
) -> list[ResultTable]:
    """``worsening`` of all, and by how the help ended and whether a thin line was kept; none without waves.

    Parameters
    ----------
    events : FirstEvents
    families : DataFrame
    moments : ndarray
    level : float
    minimum : int
        Fewer workers, and errors are over families.
    """
    if families.empty:
        return []
    known, _, _ = looked_at(events, families)
    if not known.any():
        return []
    tables = [_table("worsening", {ALL: events}, "", families, moments, level, minimum)]
    for name, groups in groups_of(events.of(known)).items():
        inside = {group: events.of((events.rows[name] == group).to_numpy()) for group in groups}
        tables.append(_table(f"worsening_by_{name}", inside, name, families, moments, level, minimum))
    return [table for table in tables if table is not None]


def _table(
    name: str,
    groups: dict[str, FirstEvents],
    grouping: str,
    families: pd.DataFrame,
    moments: FloatArray,
    level: float,
    minimum: int,
) -> ResultTable | None:
    data = []
    for group, mine in groups.items():
        known, clean, seen = looked_at(mine, families)
        if not known.any():
            continue
        looks = np.where(np.isfinite(seen), seen, clean)[known]
        edges = stretches_of(moments, float(looks.max()))
        if len(edges) < 2:
            continue
        middle = (edges[:-1] + edges[1:]) / 2
        whole = find_incidences(mine, np.sort(np.concatenate([middle, edges[1:]])))
        free, pull = whole.found.free, whole.free_influence
        begin = np.concatenate([[1.0], free[1::2][:-1]])
        begin_pull = np.concatenate([np.zeros_like(pull[:1]), pull[1::2][:-1]])
        share = worsening_share(
            known, clean, seen, edges,
            (begin + 4 * free[::2] + free[1::2]) / 6, (begin_pull + 4 * pull[::2] + pull[1::2]) / 6,
        )  # fmt: skip
        errors, df = errors_over_workers(share.influence, whole.workers, minimum)
        # Families who were not looked at are behind the share without another event only.
        low, high = limits_of(1 - share.estimate, errors, level=level, scale="log-log", df=df)
        for place, month in enumerate(edges[1:]):
            worse = mine.rows[known & (seen <= month + 1e-9)]
            data.append(
                (group, month, share.estimate[place], 1 - high[place], 1 - low[place],
                 share.if_early[place], share.if_late[place], int(known.sum()),
                 worse["family"].nunique(), worse["organisation"].nunique())
            )  # fmt: skip
    if not data:
        return None
    names = [grouping or "group", "months_after", "estimate", "conf_low", "conf_high", "if_early",
             "if_late", "n_group", "n_families", "n_organisations"]  # fmt: skip
    frame = pd.DataFrame(data, columns=names)
    keys = (coded(grouping, adds_up="families"),) if grouping else ()
    bounds = (
        observed_share("if_early", of="n_group", plain=False),
        observed_share("if_late", of="n_group", plain=False),
    )
    kept = frame if grouping else frame.drop(columns="group")
    return ResultTable(name, kept, columns=(*keys, MONTHS_KEY, *SHARES, *bounds))
