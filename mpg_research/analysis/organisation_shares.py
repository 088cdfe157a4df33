"""Shares of families per organisation, observed and expected, and their funnel plots.

Tables
------
- ``share_indicators(organisation, indicator, n_group, share_observed, observed_low, observed_high,
  expected_share, observed_difference, observed_difference_low, observed_difference_high)``: ``measured``
  (around the primary month), ``reliably_improved`` (of families with two moments) and ``dropped_out`` (of
  ended episodes, those that the family or the provider ended early); what is expected comes from a logistic
  case-mix model with slopes as they are within organisations, and the difference is observed minus
  expected.
- From five organisations on, ``share_funnel(organisation, indicator, n_group, n_effective, share_observed,
  adjusted_share, ratio, beyond, beyond_adjusted, beyond_false_discovery)``: the share of all families plus
  that difference, and observed divided by expected (indirect standardisation); of outcomes that ten
  families or more have, and ten or more have not.
- ``share_funnel_lines(indicator, n_effective, ...)``, ``share_funnel_summary(indicator, quantity, value)``
  and ``share_funnel_steps(indicator, check, verdict, value, threshold_value)``: as for the change
  (:mod:`~mpg_research.analysis.organisation_funnel`), with the limits of the score test (Wilson).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from mpg_research.analysis.frame import ModelFrame
from mpg_research.analysis.funnel_numbers import (
    calibration,
    flags,
    funnel_lines,
    funnel_summary,
    step_rows,
    volume_outcome,
)
from mpg_research.analysis.organisation_ranks import FEWEST_FOR_RANKS
from mpg_research.analysis.organisation_units import OrganisationUnits
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.tables import FEW_FAMILIES, pooled_table, table_by_organisation
from mpg_research.statistics.expected_shares import expected_shares
from mpg_research.statistics.false_alarms import FalseAlarms
from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.share_funnel import ShareFunnel, make_share_funnel, simulate_share_alarms

__all__ = ["ShareOutcome", "share_funnel_tables", "share_outcomes", "share_table"]

FloatArray = NDArray[np.float64]

_SIMULATIONS = 500
_SHARES = [
    "organisation", "indicator", "n_group", "share_observed", "observed_low", "observed_high",
    "expected_share", "observed_difference", "observed_difference_low", "observed_difference_high",
    "n_families",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareOutcome:
    """A yes/no outcome of n episodes.

    Attributes
    ----------
    name : str
    units : OrganisationUnits
        The episodes that have the outcome.
    event : ndarray, shape (n,)
        0 or 1.
    expected : ndarray, shape (n,)
        Chance of it under the case-mix model.
    carried : ndarray, shape (g, g)
        Covariance of the organisations' expected shares.
    """

    name: str
    units: OrganisationUnits
    event: FloatArray
    expected: FloatArray
    carried: FloatArray


def share_outcomes(sources: dict[str, pd.DataFrame], units: OrganisationUnits) -> list[ShareOutcome]:
    """The outcomes with what is expected of them; none that all families or no family has.

    Parameters
    ----------
    sources : dict of DataFrame
        From :func:`~mpg_research.analysis.share_sources.share_sources`.
    units : OrganisationUnits
        The episodes of the model.
    """
    outcomes = []
    for name, table in sources.items():
        known = units.join(table)
        event = known.rows["event"].to_numpy(dtype=float)
        if event.size and 0 < event.mean() < 1:
            provider = known.codes if len(known.keys) > 1 else None
            hoped = expected_shares(event, known.case_mix, provider=provider)
            outcomes.append(ShareOutcome(name, known, event, hoped.chance, hoped.carried))
    return outcomes


def share_table(outcomes: list[ShareOutcome], *, level: float) -> ResultTable | None:
    """Observed and expected shares; None without outcomes."""
    rows = [row for outcome in outcomes for row in _share_rows(outcome, level)]
    if not rows:
        return None
    return table_by_organisation("share_indicators", pd.DataFrame(rows, columns=_SHARES), "indicator")


def _share_rows(outcome: ShareOutcome, level: float) -> list[tuple[object, ...]]:
    codes, families = outcome.units.codes, outcome.units.families()
    size, count = np.bincount(codes), np.bincount(codes, outcome.event)
    expected = np.bincount(codes, outcome.expected) / size
    share = wilson_interval(count, size, level=level)
    gap = share.estimate - expected
    variance = np.bincount(codes, outcome.expected * (1 - outcome.expected)) / size**2
    half = float(ndtri(0.5 + level / 2)) * np.sqrt(variance + np.diagonal(outcome.carried))
    return [
        (
            key, outcome.name, int(size[i]), share.estimate[i], share.conf_low[i], share.conf_high[i],
            expected[i], gap[i], gap[i] - half[i], gap[i] + half[i], families[i],
        )
        for i, key in enumerate(outcome.units.keys)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plot:
    """One outcome's funnel plot."""

    outcome: ShareOutcome
    shares: ShareFunnel
    alarms: FalseAlarms


def share_funnel_tables(
    outcomes: list[ShareOutcome],
    frame: ModelFrame,
    *,
    month: float,
    level: float,
    declared: bool,
    seed: int = 0,
) -> list[ResultTable]:
    """The funnel plots of the shares that five organisations or more have, and ten families with and without.

    With fewer the share of all, which the plot is drawn around, would tell how many those few are.

    Parameters
    ----------
    outcomes : list of ShareOutcome
    frame : ModelFrame
    month, level, declared, seed
        As in :func:`~mpg_research.analysis.organisation_funnel.funnel_tables`.
    """
    plots = []
    for outcome in outcomes:
        codes = outcome.units.codes
        if len(outcome.units.keys) < FEWEST_FOR_RANKS or _fewer_families(outcome) < FEW_FAMILIES:
            continue
        shares = make_share_funnel(
            outcome.event, outcome.expected, codes, carried=outcome.carried, rate=1 - level
        )
        alarms = simulate_share_alarms(
            outcome.expected, codes, tau2=shares.funnel.overdispersion.tau2, carried=outcome.carried,
            rate=1 - level,
            n_simulations=_SIMULATIONS, rng=seed,
        )  # fmt: skip
        plots.append(_Plot(outcome, shares, alarms))
    if not plots:
        return []
    points = pd.concat([_points(plot) for plot in plots], ignore_index=True)
    return [
        table_by_organisation("share_funnel", points, "indicator"),
        _pooled("share_funnel_lines", [_lines(plot) for plot in plots], frame, ("n_effective",)),
        _pooled("share_funnel_summary", [_summary(plot) for plot in plots], frame, ("quantity",)),
        _pooled("share_funnel_steps", [_steps(plot, month, declared) for plot in plots], frame, ("check",)),
    ]


def _fewer_families(outcome: ShareOutcome) -> int:
    """Families with the event or families without it, whichever are fewer."""
    families = outcome.units.rows["family"].groupby(outcome.event).nunique()
    return int(families.min())


def _points(plot: _Plot) -> pd.DataFrame:
    shares, units = plot.shares, plot.outcome.units
    return pd.DataFrame(
        {
            "organisation": list(units.keys),
            "indicator": plot.outcome.name,
            "n_group": shares.size,
            "n_effective": shares.n_effective,
            "share_observed": shares.observed / shares.size,
            "adjusted_share": shares.adjusted,
            "ratio": shares.ratio,
            **flags(shares.funnel),
            "n_families": units.families(),
        }
    )


def _lines(plot: _Plot) -> pd.DataFrame:
    shares = plot.shares
    per_family = shares.overall * (1 - shares.overall)
    lines = funnel_lines(shares.funnel, np.sqrt(per_family / shares.n_effective), per_family)
    limits = [name for name in lines.columns if name != "n_effective"]
    lines[limits] = lines[limits].clip(0.0, 1.0)
    return lines.assign(indicator=plot.outcome.name)


def _summary(plot: _Plot) -> pd.DataFrame:
    rows = funnel_summary(plot.shares.funnel, plot.alarms)
    return pd.DataFrame(
        {"indicator": plot.outcome.name, "quantity": list(rows), "value": list(rows.values())}
    )


def _steps(plot: _Plot, month: float, declared: bool) -> pd.DataFrame:
    shares, outcome = plot.shares, plot.outcome
    error = np.sqrt(shares.overall * (1 - shares.overall) / shares.n_effective)
    tau2 = shares.funnel.overdispersion.tau2
    rows = step_rows(
        shares.funnel,
        plot.alarms,
        declared=declared,
        month=month,
        fits=True,
        misfit=calibration(outcome.expected, outcome.event - outcome.expected, outcome.units.codes),
        smallest=float(shares.size.min()),
        volume=volume_outcome(shares.adjusted, error, shares.size.astype(float), tau2),
    )
    columns = ["check", "verdict", "value", "threshold_value"]
    return pd.DataFrame(rows, columns=columns).assign(indicator=outcome.name)


def _pooled(name: str, parts: list[pd.DataFrame], frame: ModelFrame, keys: tuple[str, ...]) -> ResultTable:
    data = pd.concat(parts, ignore_index=True)
    keys = ("indicator", *keys)
    values = tuple(column for column in data.columns if column not in keys)
    return pooled_table(name, data[[*keys, *values]], frame, keys=keys, values=values)
