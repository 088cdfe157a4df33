"""Tables of how well signals foretell: rules, calibration, decision curve, one measurement at a time."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.columns import (
    CLASS,
    N_GROUP,
    coded,
    ends,
    key_column,
    modelled,
    number_of,
    observed,
    observed_share,
    setting,
)
from mpg_research.analysis.columns import MONTHS as MONTH
from mpg_research.analysis.monitoring.performance import (
    LEAST_EXPECTED,
    MONTHS,
    OWN_LINE,
    STILL_MEASURED,
    landmark_waves,
)
from mpg_research.analysis.monitoring.rules import alarm_quality, summarise_courses, waves_that_count
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.statistics.forecasts.calibration import calibrate, net_benefit
from mpg_research.statistics.forecasts.concordance import compare_concordance
from mpg_research.statistics.proportions import wilson_interval

__all__ = [
    "calibration_tables",
    "concordance_table",
    "decision_table",
    "published_table",
    "rule_table",
    "without_change_tables",
    "words_table",
]


_N_BAD = number_of("n_bad", of="families")
_BINS = 5
_THRESHOLDS = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2))
_SHARES = ("sensitivity", "specificity", "positive_value", "negative_value")
#: Y-OQ, parent report: published sensitivity and specificity of its alarms (doi 10.1002/jclp.21963).
_PUBLISHED = ("Y-OQ, parent report (10.1002/jclp.21963)", 0.63, 0.83)


def concordance_table(
    rows: pd.DataFrame,
    chance: FloatArray,
    index: FloatArray,
    bad: BoolArray,
    level: float,
    *,
    minimum: int,
) -> ResultTable:
    """How well the chance and the change since intake tell ends apart, at one measurement around a month."""
    found = []
    for month in MONTHS:
        at = landmark_waves(rows, month, since=month - STILL_MEASURED)
        mine = rows.iloc[at]
        if mine["family"].nunique() < minimum:
            continue
        both = compare_concordance(chance[at], index[at], happened=bad[at], level=level)
        found.append(
            (month, both.other, both.one, both.difference, both.conf_low, both.conf_high, both.n_happened,
             mine["family"].nunique(), mine["organisation"].nunique())
        )  # fmt: skip
    values = ("naive", "chance", "difference", "conf_low", "conf_high", "n_bad")
    data = pd.DataFrame(found, columns=["months", *values, "n_families", "n_organisations"])
    one, other = modelled("naive", digits=2), modelled("chance", digits=2)
    apart = modelled("difference", digits=2)
    columns = (MONTH, one, other, apart, *ends(apart, "conf", heading="interval"), _N_BAD)
    return ResultTable("by_month", data, columns=columns)


def rule_table(
    rows: pd.DataFrame,
    alarms: Mapping[str, BoolArray],
    targets: Mapping[str, BoolArray | FloatArray],
    units: pd.DataFrame,
) -> ResultTable:
    """Sensitivity and the rest of each rule for each target, by course ever alarmed.

    A target is whether each course ended badly, or the chance that it did.
    """
    found = []
    for target, bad in targets.items():
        for rule, alarm in alarms.items():
            expected = np.asarray(bad, dtype=float)
            if target == OWN_LINE and min(expected.sum(), (1 - expected).sum()) < LEAST_EXPECTED:
                expected = np.full(len(expected), np.nan)
            quality = asdict(alarm_quality(summarise_courses(rows, alarm), expected))
            row = {"rule": rule, "target": target}
            for share in _SHARES:
                row[share], row[f"{share}_low"], row[f"{share}_high"] = quality[share]
            for name in ("lead_time", "alarms_per_family", "n_bad", "n_alarmed"):
                row[name] = quality[name]
            found.append(row)
    data = pd.DataFrame(found).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    bases = {"sensitivity": "n_bad", "positive_value": "n_alarmed"}
    shares = [observed_share(name, of=bases.get(name, "n_families")) for name in _SHARES]
    columns = (
        coded("rule"),
        coded("target"),
        *(part for one in shares for part in (one, *ends(one))),
        observed("lead_time"),
        observed("alarms_per_family", digits=2),
        _N_BAD,
        number_of("n_alarmed", of="families"),
    )
    return ResultTable("rules", data, columns=columns)


def calibration_tables(
    at: pd.DataFrame, chance: FloatArray, ended: BoolArray, level: float
) -> list[ResultTable]:
    """Chances beside what came of them in fifths, and their calibration in the whole."""
    order = np.argsort(chance, kind="stable")
    rows = []
    for number, members in enumerate(np.array_split(order, min(_BINS, max(len(order), 1))), start=1):
        if not len(members):
            continue
        share = wilson_interval([int(ended[members].sum())], [len(members)], level=level)
        mine = at.iloc[members]
        rows.append(
            (number, float(chance[members].mean()), float(share.estimate[0]), float(share.conf_low[0]),
             float(share.conf_high[0]), mine["family"].nunique(), mine["organisation"].nunique())
        )  # fmt: skip
    values = ("predicted", "observed", "conf_low", "conf_high")
    data = pd.DataFrame(rows, columns=["bin", *values, "n_families", "n_organisations"])
    summary = calibrate(chance, ended)
    quantities = pd.DataFrame(
        {
            "quantity": ["intercept", "slope", "brier", "brier_without_signal"],
            "value": [summary.intercept, summary.slope, summary.brier, summary.brier_of_mean],
            "n_families": at["family"].nunique(),
            "n_organisations": at["organisation"].nunique(),
        }
    )
    became = observed_share("observed", digits=1)
    columns = (
        key_column("bin"),
        modelled("predicted", percent=True, digits=1),
        became,
        *ends(became, "conf", heading="interval"),
    )
    return [
        ResultTable("calibration", data, columns=columns),
        ResultTable(
            "calibration_summary", quantities, columns=(coded("quantity"), modelled("value", digits=2))
        ),
    ]


def decision_table(at: pd.DataFrame, chance: FloatArray, ended: BoolArray) -> ResultTable:
    """Net benefit per family of acting on the chance, on everybody, and on nobody."""
    thresholds = np.array(_THRESHOLDS)
    data = pd.DataFrame(
        {
            "acting_from": thresholds,
            "forecast": net_benefit(chance, ended, thresholds),
            "everybody": net_benefit(np.ones_like(chance), ended, thresholds),
            "nobody": 0.0,
            "n_families": at["family"].nunique(),
            "n_organisations": at["organisation"].nunique(),
        }
    )
    columns = (
        key_column("acting_from", percent=True),
        modelled("forecast", digits=3),
        modelled("everybody", digits=3),
        modelled("nobody"),
    )
    return ResultTable("decision_curve", data, columns=columns)


def without_change_tables(beside: pd.DataFrame, units: pd.DataFrame) -> list[ResultTable]:
    """Figures beside what they come to where nobody changes: of whole courses, and at one measurement."""
    counted = beside.assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    apart = modelled("difference", digits=2)
    found = (
        modelled("in_study", digits=2), modelled("without_change", digits=2), apart,
        *ends(apart, "conf", heading="interval"),
    )  # fmt: skip
    single = counted["figure"] == "concordance"
    whole = counted[~single].drop(columns="months").reset_index(drop=True)
    by_month = counted[single].drop(columns="figure").rename(columns={"rule": "measure"})
    return [
        ResultTable("without_change", whole, columns=(*map(coded, ("figure", "rule", "target")), *found)),
        ResultTable(
            "without_change_by_month",
            by_month.reset_index(drop=True),
            columns=(MONTH, coded("measure"), coded("target"), *found),
        ),
    ]


def words_table(
    rows: pd.DataFrame,
    signal: NDArray[np.str_],
    bad: BoolArray,
    line_bad: FloatArray,
    level: float,
) -> ResultTable:
    """What became of those off track, on track and neither at their last wave before the outcome."""
    counted = waves_that_count(rows)
    last = rows.assign(signal=signal, bad=bad, line_bad=line_bad)[counted].groupby("course").tail(1)
    found = []
    told = last["signal"].where(last["signal"].isin(["off_track", "on_track"]), "neither")
    for word in ("off_track", "on_track", "neither"):
        mine = last[told == word]
        share = wilson_interval([int(mine["bad"].sum())], [len(mine)], level=level)
        found.append(
            (word, float(share.estimate[0]), float(share.conf_low[0]), float(share.conf_high[0]),
             float(mine["line_bad"].mean()), len(last), mine["family"].nunique(),
             mine["organisation"].nunique())
        )  # fmt: skip
    values = ("share_ended_badly", "ended_badly_low", "ended_badly_high", "share_line_bad", "n_group")
    data = pd.DataFrame(found, columns=["class", *values, "n_families", "n_organisations"])
    ended = observed_share("share_ended_badly")
    columns = (CLASS, ended, *ends(ended, "ended_badly"), observed_share("share_line_bad"), N_GROUP)
    return ResultTable("words", data, columns=columns)


def published_table(units: pd.DataFrame) -> ResultTable:
    """Published figures of another instrument, for orientation."""
    data = pd.DataFrame([_PUBLISHED], columns=["source", "sensitivity", "specificity"]).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    columns = (coded("source"), *(setting(name, percent=True, digits=1) for name in _SHARES[:2]))
    return ResultTable("published", data, columns=columns)
