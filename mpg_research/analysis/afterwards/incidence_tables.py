"""Tables of first events after a good end: cumulative incidences, months without any, and tests of groups.

Errors allow for families that share a worker (the infinitesimal jackknife over workers, with a quantile of t
for their number), where there are enough workers; else they are over families.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.afterwards.first_events import FirstEvents, first_of_record
from mpg_research.analysis.columns import (
    SHARE,
    Column,
    coded,
    ends,
    estimates,
    modelled,
    number_of,
)
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.competing_events import CompetingEvents, aalen_johansen
from mpg_research.statistics.survival.counts import limits_of
from mpg_research.statistics.survival.group_tests import gray_test

__all__ = [
    "ALL",
    "GROUPINGS",
    "MONTHS_KEY",
    "SHARES",
    "difference_table",
    "errors_over_workers",
    "find_incidences",
    "free_tables",
    "gray_table",
    "groups_of",
    "incidence_of_all",
    "incidence_tables",
    "moments_within",
]

#: By what families are told apart, in the order of the tables; a level is compared with the one before "not".
GROUPINGS = {"end_reason": ("as_planned",), "thin_line": ("yes", "no", "not_recorded")}
ALL = "all"
MONTHS_KEY = Column(name="months_after", meaning="time", is_key=True)
_EVENT = coded("event", adds_up="families")
_SHARE = SHARE[0]
SHARES = (_SHARE, *ends(_SHARE, "conf", heading="interval"), number_of("n_group", of="families"))
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class _Found:
    """Incidences of one group, with what errors are made of."""

    found: CompetingEvents
    influence: FloatArray
    free_influence: FloatArray
    mean_influence: FloatArray
    workers: np.ndarray


def moments_within(horizon: float, step: float, longest: float) -> FloatArray:
    """The moments at which shares are given: every step up to the horizon that anybody was seen.

    Parameters
    ----------
    horizon, step, longest : float
        In months.
    """
    count = int(np.floor(min(horizon, longest) / step + _NEAR))
    return step * np.arange(1, count + 1, dtype=float)


def find_incidences(events: FirstEvents, moments: FloatArray) -> _Found:
    """Incidences at these moments, with influences per family."""
    rows = events.rows
    found = aalen_johansen(
        rows["time"], rows["cause"], at=moments + _NEAR, n_causes=len(events.causes),
        entry=rows["entry"], watched=events.watched,
    )  # fmt: skip
    return _Found(
        found, found.influence, found.free_influence, found.mean_free_influence,
        rows["worker"].to_numpy(dtype=str),
    )  # fmt: skip


def errors_over_workers(influence: FloatArray, workers: np.ndarray, minimum: int) -> tuple[FloatArray, float]:
    """Standard errors over workers (over families where these are few), and degrees of freedom."""
    names, number = np.unique(workers, return_inverse=True)
    flat = influence.reshape(-1, influence.shape[-1])
    if names.size >= minimum:
        flat = np.stack([np.bincount(number, row, names.size) for row in flat])
    n = flat.shape[-1]
    errors = np.sqrt(np.sum(flat**2, axis=1) * n / max(n - 1, 1))
    return errors.reshape(influence.shape[:-1]), float(max(n - 1, 1))


def incidence_tables(
    events: FirstEvents, moments: FloatArray, *, level: float, minimum: int
) -> list[ResultTable]:
    """``incidence`` of all, and by how the help ended and whether a thin line was kept.

    Parameters
    ----------
    events : FirstEvents
    moments : ndarray
    level : float
    minimum : int
        Fewer workers, and errors are over families.
    """
    tables = [incidence_of_all(events, moments, level=level, minimum=minimum)]
    for name, groups in groups_of(events).items():
        tables.append(_incidence(f"incidence_by_{name}", groups, name, events, moments[-1:], level, minimum))
    return tables


def incidence_of_all(events: FirstEvents, moments: FloatArray, *, level: float, minimum: int) -> ResultTable:
    """``incidence``: the share to whom each event happened first, by moment.

    Parameters
    ----------
    events : FirstEvents
    moments : ndarray
    level : float
    minimum : int
        Fewer workers, and errors are over families.
    """
    return _incidence("incidence", {ALL: events}, "", events, moments, level, minimum)


def _few(moments: FloatArray) -> np.ndarray:
    """A quarter, half and all of the way: the moments of tables of groups."""
    wanted = {round(len(moments) * part) - 1 for part in (0.25, 0.5, 1.0)}
    return np.array(sorted(place for place in wanted if place >= 0), dtype=int)


def groups_of(events: FirstEvents) -> dict[str, dict[str, FirstEvents]]:
    """Per grouping the families of each level; only groupings with two levels or more."""
    found = {}
    for name, order in GROUPINGS.items():
        values = events.rows[name]
        levels = [*order, *sorted(set(values) - set(order))]
        parts = {
            str(value): events.of((values == value).to_numpy()) for value in levels if (values == value).any()
        }
        if len(parts) > 1:
            found[name] = parts
    return found


def _incidence(
    name: str,
    groups: dict[str, FirstEvents],
    grouping: str,
    events: FirstEvents,
    moments: FloatArray,
    level: float,
    minimum: int,
) -> ResultTable:
    rows = []
    for group, mine in groups.items():
        counted = find_incidences(mine, moments)
        errors, df = errors_over_workers(counted.influence, counted.workers, minimum)
        shares = counted.found.estimate
        low, high = limits_of(1 - shares, errors, level=level, scale="log-log", df=df)
        low, high = 1 - high, 1 - low
        for place, month in enumerate(moments):
            for kind, cause in enumerate(events.causes):
                happened = (mine.rows["cause"] == kind + 1) & (mine.rows["time"] <= month + _NEAR)
                behind = mine.rows[happened]
                rows.append(
                    (group, cause, month, shares[place, kind], low[place, kind], high[place, kind],
                     len(mine.rows), behind["family"].nunique(), behind["organisation"].nunique())
                )  # fmt: skip
    columns = [grouping or "group", "event", "months_after", "estimate", "conf_low", "conf_high", "n_group",
               "n_families", "n_organisations"]  # fmt: skip
    data = pd.DataFrame(rows, columns=columns)
    keys = (coded(grouping, adds_up="families"),) if grouping else ()
    return ResultTable(
        name, data if grouping else data.drop(columns="group"), columns=(*keys, _EVENT, MONTHS_KEY, *SHARES)
    )


def free_tables(events: FirstEvents, moments: FloatArray, *, level: float, minimum: int) -> list[ResultTable]:
    """``free`` (share without any event by month, also by group) and ``months_free`` (mean months without).

    ``months_free`` holds all families and every group; ``months_free_difference`` how groups differ from the
    first of their grouping.
    """
    tables = [_free("free", {ALL: events}, "", moments, level, minimum)]
    for name, parts in groups_of(events).items():
        tables.append(_free(f"free_by_{name}", parts, name, moments[_few(moments)], level, minimum))
    means, gaps = [], []
    means.append(_mean_row(ALL, ALL, events, moments, level, minimum))
    for grouping, groups in groups_of(events).items():
        first = next(iter(groups))
        for group, mine in groups.items():
            means.append(_mean_row(grouping, group, mine, moments, level, minimum))
            if group != first:
                gaps.append(_mean_gap(grouping, group, mine, groups[first], moments, level, minimum))
    keys = (coded("grouping"), coded("group"))
    estimate = modelled("estimate", digits=1)
    mean_columns = (*keys, estimate, *ends(estimate, "conf", heading="interval"))
    names = ["grouping", "group", "estimate", "conf_low", "conf_high", "n_families", "n_organisations"]
    tables.append(ResultTable("months_free", pd.DataFrame(means, columns=names), columns=mean_columns))
    if gaps:
        frame = pd.DataFrame(gaps, columns=_GAP_NAMES)
        tables.append(
            ResultTable(
                "months_free_difference", frame, columns=(*keys, *estimates(digits=1, error_digits=2))
            )
        )
    return tables


def _free(
    name: str,
    groups: dict[str, FirstEvents],
    grouping: str,
    moments: FloatArray,
    level: float,
    minimum: int,
) -> ResultTable:
    data: list[tuple[object, ...]] = []
    for group, mine in groups.items():
        counted = find_incidences(mine, moments)
        errors, df = errors_over_workers(counted.free_influence, counted.workers, minimum)
        share, rows = counted.found.free, mine.rows
        low, high = limits_of(share, errors, level=level, scale="log-log", df=df)
        for place, month in enumerate(moments):
            still = rows[~((rows["cause"] > 0) & (rows["time"] <= month + _NEAR))]
            data.append(
                (group, month, share[place], low[place], high[place], len(rows), still["family"].nunique(),
                 still["organisation"].nunique())
            )  # fmt: skip
    columns = [grouping or "group", "months_after", "estimate", "conf_low", "conf_high", "n_group",
               "n_families", "n_organisations"]  # fmt: skip
    frame = pd.DataFrame(data, columns=columns)
    keys = (coded(grouping, adds_up="families"),) if grouping else ()
    kept = frame if grouping else frame.drop(columns="group")
    return ResultTable(name, kept, columns=(*keys, MONTHS_KEY, *SHARES))


_GAP_NAMES = ["grouping", "group", "estimate", "std_error", "df", "statistic", "p_value", "conf_low",
              "conf_high", "n_families", "n_organisations"]  # fmt: skip


def _mean_row(
    grouping: str, group: str, events: FirstEvents, moments: FloatArray, level: float, minimum: int
) -> tuple[object, ...]:
    counted = find_incidences(events, moments)
    error, df = errors_over_workers(counted.mean_influence[None, :], counted.workers, minimum)
    half = float(student_t.ppf(0.5 + level / 2, df) * error[0])
    mean, most = counted.found.mean_free, float(moments[-1])
    return (
        grouping, group, mean, max(mean - half, 0.0), min(mean + half, most),
        events.rows["family"].nunique(), events.rows["organisation"].nunique(),
    )  # fmt: skip


def _mean_gap(
    grouping: str, group: str, mine: FirstEvents, first: FirstEvents, moments: FloatArray, level: float,
    minimum: int,
) -> tuple[object, ...]:  # fmt: skip
    one, other = find_incidences(mine, moments), find_incidences(first, moments)
    pull = np.concatenate([one.mean_influence, -other.mean_influence])
    gap = one.found.mean_free - other.found.mean_free
    return (grouping, group, *_gap(gap, pull, one, other, level, minimum), *_smallest(mine, first))


def _gap(
    gap: float, pull: FloatArray, one: _Found, other: _Found, level: float, minimum: int
) -> tuple[float, ...]:
    """A difference of two groups that may share workers: estimate, error, df, statistic, p and limits."""
    error, df = errors_over_workers(pull[None, :], np.concatenate([one.workers, other.workers]), minimum)
    size = float(error[0])
    statistic = gap / size if size > 0 else float("nan")
    half = float(student_t.ppf(0.5 + level / 2, df)) * size
    p = float(2 * student_t.sf(abs(statistic), df)) if np.isfinite(statistic) else float("nan")
    return gap, size, df, statistic, p, gap - half, gap + half


def _smallest(mine: FirstEvents, first: FirstEvents) -> tuple[int, int]:
    """A difference gives away its smallest side."""
    families = min(mine.rows["family"].nunique(), first.rows["family"].nunique())
    return families, min(mine.rows["organisation"].nunique(), first.rows["organisation"].nunique())


def difference_table(
    events: FirstEvents, moments: FloatArray, *, level: float, minimum: int
) -> ResultTable | None:
    """``incidence_difference``: by how much the share at the horizon differs from that of the first group."""
    rows = []
    for grouping, groups in groups_of(events).items():
        first = next(iter(groups))
        base = find_incidences(groups[first], moments)
        for group, mine in groups.items():
            if group == first:
                continue
            found = find_incidences(mine, moments)
            for kind, cause in enumerate(events.causes):
                pull = np.concatenate([found.influence[-1, kind], -base.influence[-1, kind]])
                gap = float(found.found.estimate[-1, kind] - base.found.estimate[-1, kind])
                happened = min(int((part.rows["cause"] == kind + 1).sum()) for part in (mine, groups[first]))
                rows.append(
                    (grouping, group, cause, float(moments[-1]),
                     *_gap(gap, pull, found, base, level, minimum),
                     happened, _smallest(mine, groups[first])[1])
                )  # fmt: skip
    if not rows:
        return None
    names = [*_GAP_NAMES[:2], "event", "months_after", *_GAP_NAMES[2:]]
    keys = (coded("grouping"), coded("group"), coded("event"), MONTHS_KEY)
    columns = [c.but(percent=c.name in ("estimate", "std_error", "conf_low", "conf_high"), digits=None)
               if c.name in ("estimate", "conf_low", "conf_high") else c for c in estimates()]  # fmt: skip
    return ResultTable("incidence_difference", pd.DataFrame(rows, columns=names), columns=(*keys, *columns))


def gray_table(events: FirstEvents) -> ResultTable | None:
    """``gray``: Gray's test of each event by grouping, of the families that were watched for all events."""
    rows = []
    kept = events.causes
    counted = first_of_record(events, kept)
    for grouping in groups_of(counted):
        labels = counted.rows[grouping].to_numpy(dtype=str)
        for kind, cause in enumerate(kept):
            test = gray_test(
                counted.rows["time"], counted.rows["cause"], labels, of=kind + 1,
                entry=counted.rows["entry"],
            )  # fmt: skip
            happened = int((counted.rows["cause"] == kind + 1).sum())
            rows.append(
                (grouping, cause, test.statistic, float(test.df), test.p_value, happened,
                 counted.rows["organisation"].nunique())
            )  # fmt: skip
    if not rows:
        return None
    names = ["grouping", "event", "statistic", "df", "p_value", "n_families", "n_organisations"]
    return ResultTable(
        "gray",
        pd.DataFrame(rows, columns=names),
        columns=(
            coded("grouping"),
            coded("event"),
            modelled("statistic", digits=2),
            Column(name="df", meaning="df"),
            Column(name="p_value", meaning="p"),
        ),
    )
