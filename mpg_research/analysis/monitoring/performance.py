"""The figures by which signals are judged, and what they come to where there is nothing to foretell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from mpg_research.analysis.monitoring.rules import summarise_courses, waves_that_count
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.statistics.forecasts.calibration import calibrate
from mpg_research.statistics.forecasts.concordance import expected_concordance

__all__ = [
    "MONTHS",
    "OWN_LINE",
    "Evidence",
    "Figure",
    "beside_no_change",
    "evidence_of",
    "figures_of",
    "landmark_waves",
]


#: The end of the family's own line, as the model sees it with all scores: the other end is the last score.
OWN_LINE = "own_line"
#: The months at which single measurements are judged.
MONTHS = (3.0, 6.0, 9.0, 12.0)
#: A course counts as still measured around a month with a wave at most this long before it.
STILL_MEASURED = 2.0
#: Of an end known by its chance only, a share of fewer than so many (expected) is not given.
LEAST_EXPECTED = 5.0
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """Which figure: of which rule, for which end, at which month (0 for whole courses)."""

    name: str
    rule: str
    end: str
    month: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the figures of one study are made of, real or simulated.

    Attributes
    ----------
    alarmed : mapping of rule to ndarray of bool, shape (n_courses,)
    ends : mapping of end to ndarray, shape (n_courses,)
        Whether each course ended badly, or the chance that it did.
    values : mapping of value to ndarray, shape (n_waves,)
        Higher ones speak for a bad end.
    course : ndarray of int, shape (n_waves,)
    at : mapping of month to ndarray of int
        Waves that are looked at around a month.
    landmark : ndarray of int
        Waves at which the chance is held against the ends.
    """

    alarmed: Mapping[str, BoolArray]
    ends: Mapping[str, FloatArray]
    values: Mapping[str, FloatArray]
    course: NDArray[np.intp]
    at: Mapping[float, NDArray[np.intp]]
    landmark: NDArray[np.intp]


def landmark_waves(rows: pd.DataFrame, landmark: float, *, since: float = -np.inf) -> NDArray[np.intp]:
    """Position of each course's last wave from ``since`` to the landmark that is neither intake nor end."""
    months = rows["months"].to_numpy(dtype=float)
    eligible = np.flatnonzero(waves_that_count(rows) & (months <= landmark))
    course = rows["course"].to_numpy()[eligible]
    chosen = eligible[np.r_[course[1:] != course[:-1], True]] if len(eligible) else eligible
    return np.asarray(chosen[months[chosen] > since], dtype=np.intp)


def evidence_of(
    rows: pd.DataFrame,
    alarms: Mapping[str, BoolArray],
    ends: Mapping[str, FloatArray],
    values: Mapping[str, FloatArray],
    landmark: float,
) -> Evidence:
    """Gather what the figures are made of.

    Parameters
    ----------
    rows : DataFrame
        The judged waves, in blocks by course.
    alarms : mapping of rule to ndarray of bool, shape (n_waves,)
    ends : mapping of end to ndarray, shape (n_courses,)
    values : mapping of value to ndarray, shape (n_waves,)
    landmark : float
    """
    return Evidence(
        alarmed={
            rule: summarise_courses(rows, alarm)["alarmed"].to_numpy(dtype=bool)
            for rule, alarm in alarms.items()
        },
        ends={end: np.asarray(bad, dtype=float) for end, bad in ends.items()},
        values=values,
        course=np.asarray(rows.groupby("course").ngroup(), dtype=np.intp),
        at={month: landmark_waves(rows, month, since=month - STILL_MEASURED) for month in MONTHS},
        landmark=landmark_waves(rows, landmark),
    )


def figures_of(evidence: Evidence, weight: FloatArray | None = None) -> dict[Figure, float]:
    """Every figure, from courses that count as often as ``weight`` says.

    Sensitivity and specificity of each rule; both together less one (0: no better than drawing lots, 1:
    without a fault); the concordance of each value at single measurements; and how steeply what happened
    follows the chance (the slope of the calibration; of the last score only, which the chance is about).
    """
    found: dict[Figure, float] = {}
    n = len(next(iter(evidence.ends.values())))
    w = np.ones(n) if weight is None else weight
    for end, bad in evidence.ends.items():
        for rule, alarmed in evidence.alarmed.items():
            sensitivity = _share(alarmed, w * bad, end)
            specificity = _share(~alarmed, w * (1 - bad), end)
            found[Figure("sensitivity", rule, end)] = sensitivity
            found[Figure("specificity", rule, end)] = specificity
            found[Figure("both", rule, end)] = sensitivity + specificity - 1
        for month, at in evidence.at.items():
            mine = evidence.course[at]
            for name, value in evidence.values.items():
                found[Figure("concordance", name, end, month)] = expected_concordance(
                    value[at], bad[mine], w[mine]
                )
    at, mine = evidence.landmark, evidence.course[evidence.landmark]
    for end, bad in evidence.ends.items():
        if end != OWN_LINE:
            slope = calibrate(evidence.values["chance"][at], bad[mine], w[mine]).slope
            found[Figure("calibration_slope", "chance", end)] = slope
    return found


def _share(part: BoolArray, weight: FloatArray, end: str) -> float:
    """A share of those with an end; of one that is known by its chance only, of enough of them."""
    total = float(weight.sum())
    enough = total >= LEAST_EXPECTED if end == OWN_LINE else total > 0
    return float((part * weight).sum()) / total if enough else np.nan


def beside_no_change(
    evidence: Evidence,
    family: NDArray[np.str_],
    without: list[dict[Figure, float]],
    *,
    level: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Each figure beside what it comes to where nobody changes.

    Parameters
    ----------
    evidence : Evidence
        Of the real study.
    family : ndarray of str, shape (n_courses,)
        Families are drawn again, with all their courses.
    without : list of dict
        The figures of simulated studies in which nobody changes.
    level : float
        Confidence level of the intervals, between 0 and 1.
    rng : Generator

    Returns
    -------
    DataFrame
        figure, rule, target, months, in_study, without_change, difference, conf_low, conf_high.

    Notes
    -----
    The variance of the difference is that of the value over families drawn again with replacement (rules and
    limits as they are), plus that of the mean over the simulated studies.
    """
    real = figures_of(evidence)
    names, who = np.unique(family, return_inverse=True)
    drawn = [
        figures_of(
            evidence,
            np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[who].astype(float),
        )
        for _ in range(_RESAMPLES)
    ]
    z = float(ndtri(0.5 + level / 2))
    rows = []
    for figure, value in real.items():
        if not any(figure in each for each in without):
            continue
        null = _known([each.get(figure, np.nan) for each in without])
        again = _known([each[figure] for each in drawn])
        mean = float(null.mean()) if len(null) else np.nan
        variance = np.nan
        if len(null) > 1 and len(again) > _RESAMPLES // 2:
            variance = float(again.var(ddof=1) + null.var(ddof=1) / len(null))
        half = z * np.sqrt(variance)
        gap = value - mean
        rows.append(
            (figure.name, figure.rule, figure.end, figure.month, value, mean, gap, gap - half, gap + half)
        )
    columns = [
        "figure",
        "rule",
        "target",
        "months",
        "in_study",
        "without_change",
        "difference",
        "conf_low",
        "conf_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def _known(values: list[float]) -> FloatArray:
    found = np.array(values, dtype=float)
    return np.asarray(found[np.isfinite(found)])
