"""Tables of who stopped and who was measured: the same shares as on the pages about organisations."""

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from mpg_research.analysis.columns import CLASS, EACH_ORGANISATION, MONTHS, coded, number_of, observed_share
from mpg_research.analysis.families.indicator_shares import (
    IndicatorRows,
    drop_out_rows,
    measured_rows,
    share_of_all,
    shares_by_organisation,
    shares_of_ends,
)
from mpg_research.analysis.families.shares import share_table
from mpg_research.analysis.growth.help_periods import DROP_OUT_REASONS, HelpPeriods
from mpg_research.analysis.result import ResultTable
from mpg_research.statistics.proportions import design_effect, wilson_interval

__all__ = ["drop_out_tables", "measured_tables", "pattern_of"]

_PATTERNS = ("drop_out", "ended", "still_in_help")
#: Months per period in which stops are counted.
_HALF_YEAR = 6.0
_VALUES = ["estimate", "conf_low", "conf_high", "clustered_low", "clustered_high", "n_group"]


def pattern_of(end_reason: object) -> str:
    """Drop-out, ended otherwise, or still in help."""
    if end_reason == "still_in_help":
        return "still_in_help"
    return "drop_out" if end_reason in DROP_OUT_REASONS else "ended"


def drop_out_tables(
    periods: HelpPeriods, organisations: tuple[str, ...], level: float, *, minimum: int
) -> list[ResultTable]:
    """``ends``, ``stops``, ``drop_out`` and ``drop_out_by_organisation``."""
    found = drop_out_rows(periods)
    names = ("drop_out", "no_drop_out")
    of_all = _class_rows(found, names, level).drop(columns="organisation")
    apart = _class_rows(found, names, level, organisations)
    return [
        _ends(periods, found, level),
        _stops(periods, found, level, minimum),
        share_table("drop_out", of_all),
        share_table("drop_out_by_organisation", apart, EACH_ORGANISATION, CLASS),
    ]


def measured_tables(
    periods: HelpPeriods, organisations: tuple[str, ...], level: float, *, until: float
) -> list[ResultTable]:
    """``measured``, ``measured_by_organisation`` and, up to a month, ``measured_by_month``."""
    found = measured_rows(periods)
    names = ("measured", "not_measured")
    of_all = _class_rows(found, names, level).drop(columns="organisation")
    apart = _class_rows(found, names, level, organisations)
    return [
        share_table("measured", of_all),
        share_table("measured_by_organisation", apart, EACH_ORGANISATION, CLASS),
        _by_month(periods, until),
    ]


def _class_rows(
    indicator: IndicatorRows | None,
    names: tuple[str, str],
    level: float,
    organisations: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Two rows, yes and no, for all families or for each organisation."""
    columns = ["organisation", "class", *_VALUES, "n_families", "n_organisations"]
    if indicator is None:
        keys = organisations or ("",)
        none = [(key, name, *[np.nan] * 5, 0, 0, 0) for key in keys for name in names]
        return pd.DataFrame(none, columns=columns)
    if organisations is None:
        one = share_of_all(indicator, level=level)
        groups = [("", one["share"], indicator.effective_of_all(), indicator.rows)]
    else:
        found = shares_by_organisation(indicator, organisations, level=level)
        effective, rows = indicator.effective(), indicator.rows
        groups = [
            (key, share, effective.get(key, np.nan), rows[rows["organisation"] == key])
            for key, share in zip(found["organisation"], found["share"], strict=True)
        ]
    out = []
    for key, share, n_effective, mine in groups:
        could = mine[mine["could"]]
        for name, part in ((names[0], share), (names[1], 1 - share)):
            inside = could[could["happened"] == (name == names[0])]
            limits = _limits(part, n_effective, could, could["happened"].to_numpy(dtype=bool), level)
            out.append((key, name, *limits, len(could), *_behind(inside)))
    return pd.DataFrame(out, columns=columns)


def _limits(
    share: float, effective: float, could: pd.DataFrame, happened: np.ndarray, level: float
) -> tuple[float, ...]:
    """The share, its limits, and those that allow for families that share a worker."""
    if could.empty or not np.isfinite(share):
        return (float("nan"),) * 5
    share = min(max(share, 0.0), 1.0)
    workers = could["worker"].to_numpy(dtype=str)
    groups = len(set(workers))
    smaller = effective / design_effect(happened, workers)
    if groups > 1:
        smaller *= float(ndtri(0.5 + level / 2) / stdtrit(groups - 1, 0.5 + level / 2)) ** 2
    found = [share]
    for n in (effective, smaller):
        limits = wilson_interval([share * n], [n], level=level)
        found += [float(np.round(end[0], 12)) for end in (limits.conf_low, limits.conf_high)]
    return tuple(found)


def _behind(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows["family"].nunique()), int(rows["organisation"].nunique())


def _ends(periods: HelpPeriods, found: IndicatorRows | None, level: float) -> ResultTable:
    """How help had ended by the month; by pattern, whose totals stand in other tables."""
    shares = shares_of_ends(periods)
    if shares["share"].isna().any():
        shares = shares.iloc[:0]
    shares = shares.assign(pattern=[pattern_of(reason) for reason in shares["end_reason"]])
    shares["order"] = shares["pattern"].map(_PATTERNS.index)
    shares = shares.sort_values(["order", "end_reason"], kind="stable")
    rows = _member_rows(periods, found, shares, level)
    rows.insert(0, "pattern", shares["pattern"].to_numpy())
    rows.insert(1, "class", shares["end_reason"].to_numpy())
    return share_table("ends", rows, coded("pattern", adds_up="families"), CLASS)


def _stops(periods: HelpPeriods, found: IndicatorRows | None, level: float, minimum: int) -> ResultTable:
    """When help ended, by how it ended: shares in each half year that add up to those at the month.

    Empty where one pattern is small: its number would follow from those of the others and of all.
    """
    month = periods.month
    steps = range(1, int(np.ceil(month / _HALF_YEAR - 1e-9)))
    halves = (*(step * _HALF_YEAR for step in steps), month)
    shares = shares_of_ends(periods, halves)
    shares = shares.assign(pattern=[pattern_of(reason) for reason in shares["end_reason"]])
    by_then = shares.groupby(["pattern", "months"]).agg(share=("share", "sum"), members=("members", "sum"))
    at_month = {name: periods.rows.loc[list(m), "family"].nunique()
                for (name, at), m in by_then["members"].items() if at == month}  # fmt: skip
    rows = []
    for name in ("drop_out", "ended"):
        before = 0.0
        known: set[int] = set()
        for half in halves if name in by_then.index.get_level_values(0) else ():
            one = by_then.loc[(name, half)]
            rows.append((name, half, one["share"] - before, tuple(set(one["members"]) - known)))
            before, known = one["share"], set(one["members"])
    stops = pd.DataFrame(rows, columns=["pattern", "months", "share", "members"])
    if any(0 < number < minimum for number in at_month.values()) or stops["share"].isna().any():
        stops = stops.iloc[:0]
    data = _member_rows(periods, found, stops, level)
    data.insert(0, "pattern", stops["pattern"].to_numpy())
    data.insert(1, "months", stops["months"].to_numpy(dtype=float))
    return share_table("stops", data, coded("pattern"), MONTHS.but(adds_up="families"))


def _member_rows(
    periods: HelpPeriods, found: IndicatorRows | None, shares: pd.DataFrame, level: float
) -> pd.DataFrame:
    could = periods.rows[periods.could_reach(periods.month)]
    if found is not None:
        could = could[could["organisation"].isin(set(found.rows["organisation"]))]
    effective = float(len(could)) if found is None or found.rows.empty else found.effective_of_all()
    rows = []
    for share, members in zip(shares["share"], shares["members"], strict=True):
        inside = could.index.isin(list(members))
        limits = _limits(max(float(share), 0.0), effective, could, inside, level)
        rows.append((*limits, len(could), *_behind(could[inside])))
    return pd.DataFrame(rows, columns=[*_VALUES, "n_families", "n_organisations"])


def _by_month(periods: HelpPeriods, until: float) -> ResultTable:
    """Of the families in help at each whole month who could have been measured around it: who was."""
    rows = []
    last = min(float(periods.rows["time"].max()), until) if len(periods.rows) else 0.0
    for month in np.arange(np.floor(last + 1e-9) + 1):
        found = measured_rows(periods, float(month)).rows
        if len(found):
            families, organisations = _behind(found)
            rows.append((float(month), float(found["event"].mean()), families, families, organisations))
    columns = ["months", "share_measured", "n_in_help", "n_families", "n_organisations"]
    data = pd.DataFrame(rows, columns=columns)
    declared = (
        MONTHS,
        observed_share("share_measured", of="n_in_help"),
        number_of("n_in_help", of="families"),
    )
    return ResultTable("measured_by_month", data, columns=declared)
