"""Tables of how well signals foretell: rules, calibration, decision curve, one measurement at a time."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.alarm_rules import alarm_quality, summarise_courses, waves_that_count
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.tables import FEW_FAMILIES
from mpg_research.statistics.calibration import calibrate, net_benefit
from mpg_research.statistics.concordance import compare_concordance
from mpg_research.statistics.proportions import wilson_interval

__all__ = [
    "calibration_tables",
    "concordance_table",
    "decision_table",
    "landmark_waves",
    "published_table",
    "rule_table",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_BINS = 5
_THRESHOLDS = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2))
_SHARES = ("sensitivity", "specificity", "positive_value", "negative_value")
_MONTHS = (3.0, 6.0, 9.0, 12.0)
#: A course counts as still measured around a month with a wave at most this long before it.
_STILL_MEASURED = 2.0
#: Y-OQ, parent report: published sensitivity and specificity of its alarms (doi 10.1002/jclp.21963).
_PUBLISHED = ("Y-OQ, parent report (10.1002/jclp.21963)", 0.63, 0.83)


def landmark_waves(rows: pd.DataFrame, landmark: float, *, since: float = -np.inf) -> NDArray[np.intp]:
    """Position of each course's last wave from ``since`` to the landmark that is neither intake nor end."""
    months = rows["months"].to_numpy(dtype=float)
    eligible = np.flatnonzero(waves_that_count(rows) & (months <= landmark))
    course = rows["course"].to_numpy()[eligible]
    chosen = eligible[np.r_[course[1:] != course[:-1], True]] if len(eligible) else eligible
    return np.asarray(chosen[months[chosen] > since], dtype=np.intp)


def concordance_table(
    rows: pd.DataFrame, chance: FloatArray, index: FloatArray, bad: BoolArray, level: float
) -> ResultTable:
    """How well the chance and the change since intake tell ends apart, at one measurement around a month."""
    found = []
    for month in _MONTHS:
        at = landmark_waves(rows, month, since=month - _STILL_MEASURED)
        mine = rows.iloc[at]
        if mine["family"].nunique() < FEW_FAMILIES:
            continue
        both = compare_concordance(chance[at], index[at], happened=bad[at], level=level)
        found.append(
            (month, both.other, both.one, both.difference, both.conf_low, both.conf_high, both.n_happened,
             mine["family"].nunique(), mine["organisation"].nunique())
        )  # fmt: skip
    values = ("naive", "chance", "difference", "conf_low", "conf_high", "n_bad")
    data = pd.DataFrame(found, columns=["months", *values, "n_families", "n_organisations"])
    return ResultTable("by_month", data, keys=("months",), values=values)


def rule_table(
    rows: pd.DataFrame,
    alarms: Mapping[str, BoolArray],
    targets: Mapping[str, BoolArray],
    units: pd.DataFrame,
) -> ResultTable:
    """Sensitivity and the rest of each rule for each target, by course ever alarmed."""
    found = []
    for target, bad in targets.items():
        for rule, alarm in alarms.items():
            quality = asdict(alarm_quality(summarise_courses(rows, alarm), bad))
            row = {"rule": rule, "target": target}
            for share in _SHARES:
                row[share], row[f"{share}_low"], row[f"{share}_high"] = quality[share]
            for name in ("lead_time", "alarms_per_family", "n_bad", "n_alarmed"):
                row[name] = quality[name]
            found.append(row)
    data = pd.DataFrame(found).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    keys = ("rule", "target")
    values = tuple(c for c in data.columns if c not in (*keys, "n_families", "n_organisations"))
    return ResultTable("rules", data, keys=keys, values=values)


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
    return [
        ResultTable("calibration", data, keys=("bin",), values=values),
        ResultTable("calibration_summary", quantities, keys=("quantity",), values=("value",)),
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
    return ResultTable(
        "decision_curve", data, keys=("acting_from",), values=("forecast", "everybody", "nobody")
    )


def published_table(units: pd.DataFrame) -> ResultTable:
    """Published figures of another instrument, for orientation."""
    data = pd.DataFrame([_PUBLISHED], columns=["source", "sensitivity", "specificity"]).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    return ResultTable("published", data, keys=("source",), values=("sensitivity", "specificity"))
