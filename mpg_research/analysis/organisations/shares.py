"""Shares of families per organisation, observed and expected, and their funnel plots.

Tables
------
- ``share_indicators(organisation, indicator, n_group, share_observed, observed_low, observed_high,
  expected_share, observed_difference, observed_difference_low, observed_difference_high,
  observed_beyond_chance, observed_demonstrable)``: ``measured``, ``reliably_improved``,
  ``reliably_worsened`` and ``dropped_out`` at the primary month, each a share of those who could have
  reached it
  (:mod:`~mpg_research.analysis.families.indicator_shares`; ``n_group`` of them; an organisation where nobody
  could have has 0 and no share); what is expected comes from a logistic case-mix model with slopes as they
  are within organisations, and the difference is observed minus expected. The two ends are the range of
  chance around no difference: where it lies if the organisation is as expected. ``observed_beyond_chance``
  says whether it lies "lower" or "higher" than that range, or not ("no"); ``observed_demonstrable`` the same
  after correction for the number of organisations (Holm).
- ``shares_of_all(indicator, n_group, share_observed, observed_low, observed_high)``: the same over all
  organisations of the study.
- From five organisations on, ``share_funnel(organisation, indicator, n_group, n_effective, share_observed,
  adjusted_share, ratio, beyond, beyond_adjusted, beyond_false_discovery)``: the share of all families plus
  that difference, and observed divided by expected (indirect standardisation); of outcomes that ten
  families or more have, and ten or more have not.
- ``share_funnel_lines(indicator, n_effective, ...)``, ``share_funnel_summary(indicator, quantity, value)``
  and ``share_funnel_steps(indicator, check, verdict, value, threshold_value)``: as for the change
  (:mod:`~mpg_research.analysis.organisations.funnel`), with the limits of the score test (Wilson).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import N_GROUP, Column, coded, ends, number_of, observed, observed_share
from mpg_research.analysis.families.indicator_shares import (
    IndicatorRows,
    share_of_all,
    shares_by_organisation,
)
from mpg_research.analysis.growth.estimate_tables import pooled_table, table_by_organisation
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.organisations.episodes_of_comparison import OrganisationUnits
from mpg_research.analysis.organisations.funnel_tables_shared import (
    FLAGS,
    SHARE_LINES,
    SHARE_SUMMARY,
    STEPS,
    calibration,
    flags,
    funnel_lines,
    funnel_summary,
    step_rows,
    volume_outcome,
)
from mpg_research.analysis.organisations.ranks import FEWEST_FOR_RANKS
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.frames import each_row
from mpg_research.statistics.multiplicity import holm
from mpg_research.statistics.providers.expected_shares import expected_shares
from mpg_research.statistics.providers.false_alarms import FalseAlarms
from mpg_research.statistics.providers.range_of_chance import p_of_chance, range_of_chance
from mpg_research.statistics.providers.share_funnel import (
    ShareFunnel,
    make_share_funnel,
    simulate_share_alarms,
)

__all__ = ["ShareOutcome", "share_funnel_tables", "share_outcomes", "share_table", "shares_of_all_table"]


_SIMULATIONS = 500
_OBSERVED = observed_share("share_observed", of="n_group")
_EXPECTED = observed("expected_share", percent=True, digits=0)
_APART = observed(
    "observed_difference", percent=True, digits=0, about="share_observed",
    minus=("share_observed", "expected_share"),
)  # fmt: skip
_SHARE_COLUMNS = (
    coded("indicator", not_own=frozenset({"reliably_improved", "reliably_worsened"})), N_GROUP.but(own=True),
    _OBSERVED.but(own=True), *ends(_OBSERVED.but(own=True), "observed"), _EXPECTED, _APART, *ends(_APART),
    coded("observed_beyond_chance", is_key=False, about="observed_difference"),
    coded("observed_demonstrable", is_key=False, about="observed_beyond_chance", csv_only=True),
)  # fmt: skip
_POINTS = (
    coded("indicator"), N_GROUP, number_of("n_effective", of="families"), _OBSERVED,
    observed("adjusted_share", percent=True, digits=0, about="share_observed", spread=True),
    observed("ratio", digits=2, about="share_observed", spread=True),
    *(flag.but(about="share_observed") for flag in FLAGS),
)  # fmt: skip
_SHARES = [
    "organisation", "indicator", "n_group", "share_observed", "observed_low", "observed_high",
    "expected_share", "observed_difference", "observed_difference_low", "observed_difference_high",
    "observed_beyond_chance", "observed_demonstrable", "n_families",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareOutcome:
    """A yes/no outcome of n episodes.

    Attributes
    ----------
    indicator : IndicatorRows
        What is a share of whom, of the organisations that are compared.
    units : OrganisationUnits
        The episodes that have the outcome.
    event : ndarray, shape (n,)
        0 or 1; or pseudo-observations.
    expected : ndarray, shape (n,)
        Chance of it under the case-mix model.
    carried : ndarray, shape (g, g)
        Covariance of the organisations' expected shares.
    inflation : ndarray, shape (g,)
        How many times larger the variance of a share is than of as many plain families, if organisations are
        equal.
    """

    indicator: IndicatorRows
    units: OrganisationUnits
    event: FloatArray
    expected: FloatArray
    carried: FloatArray
    inflation: FloatArray

    @property
    def name(self) -> str:
        """Name of the indicator."""
        return self.indicator.name


def share_outcomes(indicators: dict[str, IndicatorRows], units: OrganisationUnits) -> list[ShareOutcome]:
    """The outcomes with what is expected of them.

    Parameters
    ----------
    indicators : dict of IndicatorRows
        From :func:`~mpg_research.analysis.families.indicator_shares.indicator_rows`.
    units : OrganisationUnits
        The periods of help of the organisations that are compared.
    """
    outcomes = []
    for indicator in indicators.values():
        compared = indicator.rows[indicator.rows["organisation"].isin(units.order)].reset_index(drop=True)
        mine = replace(indicator, rows=compared)
        known = units.join(compared.drop(columns=["organisation", "worker"]))
        event = known.rows["event"].to_numpy(dtype=float)
        if not event.size:  # nobody could have reached the month yet
            outcomes.append(ShareOutcome(mine, known, event, event, np.zeros((0, 0)), np.zeros(0)))
            continue
        keys = known.keys
        provider = known.codes if len(keys) > 1 else None
        # Of an incidence pseudo-observations are more spread out than yes and no.
        hoped = expected_shares(event, known.case_mix, provider=provider, robust="reach" in compared)
        larger = mine.inflation(pooled=True)
        inflation = np.array([larger[key] for key in keys])
        outcomes.append(ShareOutcome(mine, known, event, hoped.chance, hoped.carried, inflation))
    return outcomes


def share_table(
    outcomes: list[ShareOutcome], organisations: tuple[str, ...], *, level: float
) -> ResultTable | None:
    """Observed and expected shares of these organisations; None without outcomes."""
    rows = [row for outcome in outcomes for row in _share_rows(outcome, organisations, level)]
    if not rows:
        return None
    return table_by_organisation("share_indicators", pd.DataFrame(rows, columns=_SHARES), _SHARE_COLUMNS)


def _share_rows(
    outcome: ShareOutcome, organisations: tuple[str, ...], level: float
) -> list[tuple[object, ...]]:
    codes = outcome.units.codes
    size = np.bincount(codes)
    expected = np.bincount(codes, outcome.expected) / size
    variance = outcome.inflation * np.bincount(codes, outcome.expected * (1 - outcome.expected)) / size**2
    place = {key: number for number, key in enumerate(outcome.units.keys)}
    rows: list[tuple[object, ...]] = []
    p_values: list[float] = []
    for row in each_row(shares_by_organisation(outcome.indicator, organisations, level=level)):
        i = place.get(row.organisation)
        hoped, low, high, beyond, p_value = np.nan, np.nan, np.nan, "", np.nan
        if i is not None:
            hoped, n = float(expected[i]), float(size[i] / outcome.inflation[i])
            errors = {"variance": float(variance[i]), "carried": float(outcome.carried[i, i])}
            low, high = range_of_chance(hoped, n, level=level, **errors)
        gap = row.share - hoped
        if np.isfinite(gap):
            beyond = "lower" if gap < low else "higher" if gap > high else "no"
            # Of a difference within the range the p-value is larger than any that counts.
            p_value = 1.0 if beyond == "no" else p_of_chance(gap, hoped, n, **errors)
        p_values.append(p_value)
        rows.append(
            (
                row.organisation, outcome.name, row.n_group, row.share, row.low, row.high, hoped, gap,
                low, high, beyond, row.n_families,
            )
        )  # fmt: skip
    clear = holm(p_values) < round(1 - level, 12)
    return [
        (*row[:-1], row[-2] if stays or not row[-2] else "no", row[-1])
        for row, stays in zip(rows, clear.tolist(), strict=True)
    ]


def shares_of_all_table(indicators: dict[str, IndicatorRows], *, level: float) -> ResultTable | None:
    """Each share over all organisations of the study; None without indicators."""
    rows = []
    for name, indicator in indicators.items():
        found = share_of_all(indicator, level=level)
        could = indicator.rows[indicator.rows["could"]]
        rows.append(
            {
                "indicator": name, "n_group": found["n_group"], "share_observed": found["share"],
                "observed_low": found["low"], "observed_high": found["high"],
                "n_families": found["n_families"], "n_organisations": could["organisation"].nunique(),
            }
        )  # fmt: skip
    if not rows:
        return None
    columns = (coded("indicator"), N_GROUP, _OBSERVED, *ends(_OBSERVED, "observed"))
    return ResultTable("shares_of_all", pd.DataFrame(rows), columns=columns)


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
    minimum: int,
    seed: int = 0,
) -> list[ResultTable]:
    """Funnel plots of the shares of five organisations or more, with ``minimum`` families with and without.

    With fewer the share of all, which the plot is drawn around, would tell how many those few are.

    Parameters
    ----------
    outcomes : list of ShareOutcome
    frame : ModelFrame
    month, level, declared, seed
        As in :func:`~mpg_research.analysis.organisations.funnel.funnel_tables`.
    """
    plots = []
    for outcome in outcomes:
        codes = outcome.units.codes
        if len(outcome.units.keys) < FEWEST_FOR_RANKS or _fewer_families(outcome) < minimum:
            continue
        shares = make_share_funnel(
            outcome.event, outcome.expected, codes, carried=outcome.carried,
            inflation=outcome.inflation, rate=1 - level,
        )  # fmt: skip
        alarms = simulate_share_alarms(
            outcome.expected, codes, tau2=shares.funnel.overdispersion.tau2, carried=outcome.carried,
            inflation=outcome.inflation, rate=1 - level, n_simulations=_SIMULATIONS, rng=seed,
        )  # fmt: skip
        plots.append(_Plot(outcome, shares, alarms))
    if not plots:
        return []
    points = pd.concat([_points(plot) for plot in plots], ignore_index=True)
    return [
        table_by_organisation("share_funnel", points, _POINTS),
        _pooled("share_funnel_lines", [_lines(plot) for plot in plots], frame, SHARE_LINES),
        _pooled("share_funnel_summary", [_summary(plot) for plot in plots], frame, SHARE_SUMMARY),
        _pooled("share_funnel_steps", [_steps(plot, month, declared) for plot in plots], frame, STEPS),
    ]


def _fewer_families(outcome: ShareOutcome) -> int:
    """Families with the event or families without it, whichever are fewer."""
    rows = outcome.units.rows
    families = rows["family"].groupby(rows["happened"]).nunique()
    return int(families.min()) if len(families) == 2 else 0


def _points(plot: _Plot) -> pd.DataFrame:
    shares, units = plot.shares, plot.outcome.units
    could = units.rows.groupby("organisation")["could"].sum()
    return pd.DataFrame(
        {
            "organisation": list(units.keys),
            "indicator": plot.outcome.name,
            "n_group": [int(could[key]) for key in units.keys],
            "n_effective": shares.n_effective,
            "share_observed": shares.observed / shares.size,
            "adjusted_share": shares.adjusted,
            "ratio": shares.ratio,
            **flags(shares.funnel),
            "n_families": units.families("could"),
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


def _pooled(
    name: str, parts: list[pd.DataFrame], frame: ModelFrame, columns: tuple[Column, ...]
) -> ResultTable:
    data = pd.concat(parts, ignore_index=True)
    return pooled_table(name, data, frame, columns=(coded("indicator"), *columns))
