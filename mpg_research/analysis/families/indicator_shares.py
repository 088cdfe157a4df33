"""Drop-out, measured, improved and worse: what each is a share of, and one function for all pages.

Each has a month m and those who could have reached it (:mod:`mpg_research.analysis.growth.help_periods`):

- ``dropped_out``: the share whose help had ended early by month m, other ends competing (Aalen-Johansen,
  within each organisation; those who started later count for as long as they could be seen);
- ``measured``: of the families still in help at month m, whose whole window around it lies before the export,
  the share with a score in that window;
- ``reliably_improved`` and ``reliably_worsened``: of the families with a score at intake and around month m.

An organisation where nobody could have reached the month has no row: that is "not yet", never 0 %.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.arrays import FloatArray
from mpg_research.errors import MpgError
from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.survival.cumulative_incidence import (
    cumulative_incidence,
    pseudo_incidence,
    variance_by_moment,
    view_inflation,
)
from mpg_research.study.model import Study

__all__ = [
    "IndicatorRows",
    "drop_out_rows",
    "indicator_rows",
    "measured_rows",
    "share_of_all",
    "shares_by_organisation",
    "shares_of_ends",
]

_COLUMNS = ["family", "episode", "organisation", "worker"]
_SHARE = ["share", "low", "high", "n_group", "n_families"]


@dataclass(frozen=True, slots=True)
class IndicatorRows:
    """The periods of help behind an indicator.

    Attributes
    ----------
    name : str
    rows : DataFrame
        family, episode, organisation, worker; event (0 or 1, or a pseudo-observation; the mean over an
        organisation's rows is its share), happened (bool, as far as was seen) and could (whether the period
        could have reached the month). Of an incidence also time, ended, part and reach.
    month : float
    """

    name: str
    rows: pd.DataFrame
    month: float

    def inflation(self, *, pooled: bool = False) -> dict[str, float]:
        """How many times larger the variance of each organisation's share is than of as many plain families.

        Because not all could be seen up to the month, and because a family can have several periods.

        Parameters
        ----------
        pooled : bool
            Whether when families drop out, and how periods hang together, is taken from all organisations
            (where nothing differs between them) instead of from each one's own families.
        """
        rows, incidence = self.rows, "reach" in self.rows
        if rows.empty:
            return {}
        family, event = pd.factorize(rows["family"])[0], rows["event"].to_numpy(dtype=float)
        places = _places(rows)
        columns = _arrays(rows, self.month) if incidence else None
        reach = np.where(rows["could"], np.inf, rows["reach"]) if incidence else event
        apart = event.copy()
        for mine in places.values():
            apart[mine] -= event[mine].mean()
        everybody = np.arange(len(rows))
        found = {}
        for key, mine in places.items():
            known = everybody if pooled else mine
            view = 1.0
            if columns is not None:
                when = variance_by_moment(*(column[known] for column in columns), at=self.month)
                view = view_inflation(*when, reach[mine], at=self.month)
            found[key] = view * _hanging_together(apart[known], family[known])
        return found

    def effective(self) -> dict[str, float]:
        """How many plain families would make each organisation's share as exact."""
        places = _places(self.rows)
        return {key: len(places[key]) / larger for key, larger in self.inflation().items()}

    def effective_of_all(self) -> float:
        """How many plain families would make the share over all organisations as exact; NaN without any."""
        places = _places(self.rows)
        if not places:
            return float("nan")
        return len(self.rows) ** 2 / sum(len(places[key]) ** 2 / n for key, n in self.effective().items())


def _places(rows: pd.DataFrame) -> dict[str, NDArray[np.intp]]:
    """The places of each organisation's rows, organisations in the order of their keys."""
    codes, keys = pd.factorize(rows["organisation"].to_numpy(dtype=object), sort=True)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(1, len(keys)))
    return (
        {str(key): mine for key, mine in zip(keys, np.split(order, bounds), strict=True)} if len(keys) else {}
    )


def indicator_rows(study: Study, periods: HelpPeriods) -> dict[str, IndicatorRows]:
    """The indicators that the study's data allow, by name."""
    found = [measured_rows(periods), *_changes(study, periods), drop_out_rows(periods)]
    return {each.name: each for each in found if each is not None}


def measured_rows(periods: HelpPeriods, month: float | None = None) -> IndicatorRows:
    """Of the families still in help at the month who could have been measured around it: who was."""
    at = periods.month if month is None else month
    then = periods.could_reach(at + periods.near) & periods.in_help(at)
    event = periods.measured(at)[then]
    rows = periods.rows.loc[then, _COLUMNS].assign(event=event.astype(float), happened=event, could=True)
    return IndicatorRows("measured", rows.reset_index(drop=True), at)


def _changes(study: Study, periods: HelpPeriods) -> list[IndicatorRows]:
    """Families with a reliable change computed from intake to the month: who improved, and who got worse."""
    from mpg_research.analysis.families.change import reliable_change

    course = periods.course
    try:
        found = reliable_change(
            study,
            month=periods.month,
            tolerance=periods.near,
            scores=replace(course.scores, respondents="declared"),
        )
    except MpgError:
        # Without a reliability or a second moment there is no such indicator; the others stand.
        return []
    table = found.tables["families"].data
    known = table.loc[table["category"] != "not_computable", ["family", "episode", "category"]]
    known = known.assign(**{name: known[name].astype(str) for name in ("family", "episode")})
    reached = periods.rows.loc[periods.could_reach(periods.month), _COLUMNS]
    rows = reached.merge(known.drop_duplicates(["family", "episode"]), on=["family", "episode"])
    rows = rows.assign(could=True)
    return [
        IndicatorRows(name, _with_event(rows, rows["category"] == category), periods.month)
        for name, category in (("reliably_improved", "improved"), ("reliably_worsened", "deteriorated"))
    ]


def _with_event(rows: pd.DataFrame, happened: pd.Series) -> pd.DataFrame:
    return rows.drop(columns="category").assign(event=happened.astype(float), happened=happened)


def drop_out_rows(periods: HelpPeriods) -> IndicatorRows | None:
    """Who dropped out by the month; None where the study has no reasons of ends."""
    rows = periods.rows.assign(could=periods.could_reach(periods.month))
    if rows["part"].isna().all():
        return None
    # An organisation that never gives a reason has ends of which nobody knows whether they were drop-out.
    known = rows["part"].notna().groupby(rows["organisation"]).transform("all")
    reached = rows["could"].groupby(rows["organisation"]).transform("any")
    rows = rows[known & reached].reset_index(drop=True)
    return IndicatorRows("dropped_out", _incidence(rows, rows["part"], periods.month), periods.month)


def _incidence(rows: pd.DataFrame, part: pd.Series, month: float) -> pd.DataFrame:
    """With the pseudo-observations of the incidence within each organisation."""
    rows = rows.assign(part=part)
    columns, event = _arrays(rows, month), np.zeros(len(rows))
    for mine in _places(rows).values():
        data = [column[mine] for column in columns]
        share = cumulative_incidence(*data, at=month).estimate
        each = pseudo_incidence(*data, at=month) if len(mine) > 1 else np.array([share])
        event[mine] = each + (share - each.mean())
    happened = rows["ended"] & (rows["time"] <= month) & (rows["part"] > 0.5)
    return rows.assign(event=event, happened=happened)


def _arrays(rows: pd.DataFrame, month: float) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
    """Times, ends and kinds; who could have reached the month and had no end was seen up to it."""
    ended = rows["ended"].to_numpy(dtype=bool)
    time = rows["time"].to_numpy(dtype=float)
    whole = ~ended & rows["could"].to_numpy(dtype=bool)
    return np.where(whole, np.maximum(time, month), time), ended, rows["part"].to_numpy(dtype=float)


def _hanging_together(apart: FloatArray, family: NDArray[np.intp]) -> float:
    """How many times larger a variance is because families have several periods; at least 1."""
    numbers = np.bincount(family)
    if numbers.max() < 2:
        return 1.0
    total = float(np.sum(apart**2))
    if not total > 0:
        return float(len(apart) / np.count_nonzero(numbers))
    return max(1.0, float(np.sum(np.bincount(family, apart) ** 2)) / total)


def shares_by_organisation(
    indicator: IndicatorRows, organisations: tuple[str, ...], *, level: float
) -> pd.DataFrame:
    """The share of each organisation: organisation, share, low, high, n_group, n_families.

    ``n_group`` periods (of ``n_families`` families) could have reached the month: 0 and no share where nobody
    could. Limits are Wilson's at the number of families that would be as exact if all had been seen so long.
    """
    effective, places = indicator.effective(), _places(indicator.rows)
    event, could = (indicator.rows[name].to_numpy() for name in ("event", "could"))
    family = pd.factorize(indicator.rows["family"])[0]
    rows: list[tuple[object, ...]] = []
    for key in organisations:
        mine = places.get(key)
        if mine is None or not could[mine].any():
            rows.append((key, np.nan, np.nan, np.nan, 0, 0))
            continue
        share = float(event[mine].mean())
        rows.append((key, *_share_row(share, effective[key], family[mine[could[mine].astype(bool)]], level)))
    return pd.DataFrame(rows, columns=["organisation", *_SHARE])


def share_of_all(indicator: IndicatorRows, *, level: float) -> dict[str, float]:
    """The share over all organisations where somebody could have reached the month; the same columns."""
    rows = indicator.rows
    if rows.empty or not rows["could"].any():
        return dict(zip(_SHARE, (np.nan, np.nan, np.nan, 0, 0), strict=True))
    could = pd.factorize(rows.loc[rows["could"], "family"])[0]
    found = _share_row(float(rows["event"].mean()), indicator.effective_of_all(), could, level)
    return dict(zip(_SHARE, found, strict=True))


def _share_row(share: float, effective: float, could: NDArray[np.intp], level: float) -> tuple[float, ...]:
    """The share and its limits; the periods and families (``could``) that could have reached the month."""
    share = min(max(share, 0.0), 1.0)
    limits = wilson_interval([share * effective], [effective], level=level)
    families = len(np.unique(could))
    return share, float(limits.conf_low[0]), float(limits.conf_high[0]), len(could), families


def shares_of_ends(periods: HelpPeriods, months: tuple[float, ...] | None = None) -> pd.DataFrame:
    """Shares of families by how their help ended by a month, and still in help then; they add up to one.

    Parameters
    ----------
    periods : HelpPeriods
    months : tuple of float, optional
        By default the month of ``periods``.

    Returns
    -------
    DataFrame
        months, end_reason, share, and ``members``: the periods (places in ``periods.rows``) that could have
        reached the month of ``periods`` and are known to be so then. An end without a reason counts as those
        with a reason at the same organisation; where an organisation gives none, as "unknown".
    """
    rows = periods.rows.assign(could=periods.could_reach(periods.month))
    known = rows["part"].notna().groupby(rows["organisation"]).transform("all")
    reached = rows["could"].groupby(rows["organisation"]).transform("any")
    rows = rows[reached & (known | ~known.any())]
    given = rows["ended"] & (rows["end_reason"] != "unknown")
    reasons = sorted(set(rows.loc[given, "end_reason"])) or (["unknown"] if rows["ended"].any() else [])
    found = []
    for month in months or (periods.month,):
        left = 1.0
        over = rows["ended"] & (rows["time"] <= month)
        for reason in reasons:
            mine = (rows["end_reason"] == reason).astype(float)
            usual = mine.where(given).groupby(rows["organisation"]).transform("mean").fillna(mine)
            share = _mean_incidence(rows, mine.where(given, usual), month)
            left -= share
            inside = rows.index[over & (rows["end_reason"] == reason) & rows["could"]]
            found.append((month, reason, share, tuple(inside)))
        inside = rows.index[~over & rows["could"]]
        found.append((month, "still_in_help", max(left, 0.0) if len(rows) else np.nan, tuple(inside)))
    return pd.DataFrame(found, columns=["months", "end_reason", "share", "members"])


def _mean_incidence(rows: pd.DataFrame, part: pd.Series, month: float) -> float:
    """Incidence within each organisation, weighted by its periods."""
    total = 0.0
    for _, mine in rows.assign(part=part).groupby("organisation", sort=False):
        time, ended, kind = _arrays(mine, month)
        total += len(mine) * cumulative_incidence(time, ended, kind, at=month).estimate
    return total / max(len(rows), 1)
