"""Rules that raise an alarm at a wave, and how well alarms foretell how a course ends.

An alarm uses the waves up to its own; the last wave of a course is its outcome and never raises one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from mpg_research.analysis.expectation import forecast
from mpg_research.analysis.expectation_model import Fold
from mpg_research.statistics.proportions import wilson_interval

__all__ = [
    "AHEAD",
    "Target",
    "alarm_quality",
    "bad_outcome",
    "best_threshold",
    "highest_risk",
    "outcome_margin",
    "risk_of_waves",
    "summarise_courses",
]

#: What counts as a bad end: no better than at intake; reliably worse; not reliably better.
Target = Literal["no_gain", "deteriorated", "not_improved"]
FloatArray = NDArray[np.float64]

#: Our own choice: a forecast looks this many months beyond the wave that it is made at.
AHEAD = 6.0


@dataclass(frozen=True, slots=True)
class AlarmQuality:
    """How well the alarms of one rule foretold one outcome.

    Attributes
    ----------
    n, n_bad, n_alarmed : int
        Courses judged, those that ended badly, those with an alarm.
    sensitivity, specificity, positive_value, negative_value : (float, float, float)
        Share with its Wilson interval; NaN where nobody is in the denominator.
    lead_time : float
        Median months from the first alarm to the last wave, of alarmed courses that ended badly.
    alarms_per_family : float
        Waves with an alarm per course.
    """

    n: int
    n_bad: int
    n_alarmed: int
    sensitivity: tuple[float, float, float]
    specificity: tuple[float, float, float]
    positive_value: tuple[float, float, float]
    negative_value: tuple[float, float, float]
    lead_time: float
    alarms_per_family: float


def outcome_margin(target: Target, reliable: float) -> float:
    """Improvement in points up to which an end counts as bad.

    ``reliable`` is the smallest reliable change: 0 for "no_gain", minus it for "deteriorated", plus it for
    "not_improved".
    """
    return {"no_gain": 0.0, "deteriorated": -reliable, "not_improved": reliable}[target]


def bad_outcome(rows: pd.DataFrame, *, sign: float, margin: float) -> NDArray[np.bool_]:
    """Whether each course ended badly: its last score is no more than ``margin`` better than its first."""
    grouped = rows.groupby("course")["score"]
    gain = sign * (grouped.last() - grouped.first()).to_numpy(dtype=float)
    return np.asarray(gain <= margin)


def risk_of_waves(fold: Fold, *, sign: float, margin: float, ahead: float = AHEAD) -> FloatArray:
    """Chance that ``ahead`` months on the score is a bad end, as seen at each wave from the waves up to then.

    Parameters
    ----------
    fold : Fold
        Courses and the model that was fitted without them.
    sign : float
        -1 where a fall is an improvement.
    margin : float
        From :func:`outcome_margin`.
    ahead : float
        Months.

    Returns
    -------
    ndarray, shape (n_waves,)
    """
    rows = fold.data
    place = np.arange(len(rows))
    months = rows["months"].to_numpy(dtype=float) + ahead
    mean, sd = forecast(fold.model, fold.effects, place, rows, months)
    score = rows["score"].to_numpy(dtype=float)
    first = score[place - rows["wave"].to_numpy()]
    return np.asarray(ndtr((margin - sign * (mean - first)) / sd))


def summarise_courses(rows: pd.DataFrame, alarm: NDArray[np.bool_]) -> pd.DataFrame:
    """Per course: alarmed (at a wave that counts), first_alarm (month), n_alarms, end (month).

    The first wave is the intake and the last the outcome: neither counts.
    """
    wave = rows["wave"].to_numpy()
    last = rows.groupby("course")["wave"].transform("max").to_numpy()
    counted = alarm & (wave > 0) & (wave < last)
    marked = rows.assign(counted=counted, at=np.where(counted, rows["months"], np.nan))
    grouped = marked.groupby("course")
    return pd.DataFrame(
        {
            "alarmed": grouped["counted"].any(),
            "first_alarm": grouped["at"].min(),
            "n_alarms": grouped["counted"].sum(),
            "end": grouped["months"].last(),
        }
    )


def highest_risk(rows: pd.DataFrame, risk: FloatArray) -> FloatArray:
    """Highest risk over the waves that count, by course; -inf where none counts."""
    wave = rows["wave"].to_numpy()
    last = rows.groupby("course")["wave"].transform("max").to_numpy()
    counted = np.where((wave > 0) & (wave < last), risk, -np.inf)
    highest = pd.Series(counted).groupby(rows["course"].to_numpy()).max()
    return np.asarray(highest.to_numpy(dtype=float))


def best_threshold(highest: FloatArray, bad: NDArray[np.bool_], *, share: float | None = None) -> float:
    """Threshold on the highest risk of a course.

    Parameters
    ----------
    highest : ndarray, shape (n,)
        From :func:`highest_risk`.
    bad : ndarray of bool, shape (n,)
    share : float, optional
        Share of the courses that is to be alarmed; without it sensitivity plus specificity is maximised.

    Returns
    -------
    float
        An alarm is raised at or above it.
    """
    values = np.unique(highest[np.isfinite(highest)])
    if not len(values):
        return np.inf
    if share is not None:
        number = round(share * len(highest))
        ordered = np.sort(highest)[::-1]
        return float(ordered[number - 1]) if number > 0 else np.inf
    alarmed = highest[None, :] >= values[:, None]
    hit = alarmed[:, bad].mean(axis=1) if bad.any() else np.zeros(len(values))
    false = alarmed[:, ~bad].mean(axis=1) if (~bad).any() else np.zeros(len(values))
    return float(values[int(np.argmax(hit - false))])


def alarm_quality(courses: pd.DataFrame, bad: NDArray[np.bool_]) -> AlarmQuality:
    """Sensitivity, specificity and the rest from :func:`summarise_courses` and the outcomes."""
    alarmed = courses["alarmed"].to_numpy(dtype=bool)
    early = (courses["end"] - courses["first_alarm"]).to_numpy(dtype=float)[alarmed & bad]
    return AlarmQuality(
        n=len(bad),
        n_bad=int(bad.sum()),
        n_alarmed=int(alarmed.sum()),
        sensitivity=_share(alarmed & bad, bad),
        specificity=_share(~alarmed & ~bad, ~bad),
        positive_value=_share(alarmed & bad, alarmed),
        negative_value=_share(~alarmed & ~bad, ~alarmed),
        lead_time=float(np.median(early)) if len(early) else np.nan,
        alarms_per_family=float(courses["n_alarms"].mean()) if len(courses) else np.nan,
    )


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> tuple[float, float, float]:
    found = wilson_interval([int(part.sum())], [int(whole.sum())])
    return float(found.estimate[0]), float(found.conf_low[0]), float(found.conf_high[0])
