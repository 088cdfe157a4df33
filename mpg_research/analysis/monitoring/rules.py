"""Rules that raise an alarm at a wave, and how well alarms foretell how a course ends.

An alarm uses the waves up to its own; the last wave of a course is its outcome and never raises one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.courses.course_answer import WORSE
from mpg_research.statistics.proportions import wilson_interval

__all__ = [
    "CALLS",
    "LEAST_SCORES",
    "SIGNALS",
    "Rule",
    "Target",
    "alarm_quality",
    "bad_outcome",
    "highest_value",
    "limit_for_false_alarms",
    "limit_for_share",
    "outcome_margin",
    "score_step",
    "signal_of",
    "summarise_courses",
    "waves_that_count",
]

#: What counts as a bad end: no better than at intake; reliably worse; not reliably better.
Target = Literal["no_gain", "deteriorated", "not_improved"]


#: What puts a wave off track: its chance of a bad end, or the band and reliable deterioration.
Rule = Literal["chance", "band"]
#: A course is told on track, or that it may be standing still, from at least this many scores.
LEAST_SCORES = 3
SIGNALS = ("on_track", "cannot_tell", "may_stand_still", "off_track")
#: Signals that ask for a talk about what to do.
CALLS = ("off_track", "may_stand_still")


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


def score_step(scores: pd.Series) -> float:
    """Distance of neighbouring scores: the median gap between the different ones; 1 with one only."""
    gaps = np.diff(np.unique(scores.to_numpy(dtype=float)))
    return float(np.median(gaps)) if len(gaps) else 1.0


def waves_that_count(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Waves between the intake and the outcome of their course."""
    wave = rows["wave"].to_numpy()
    return np.asarray((wave > 0) & (wave < rows.groupby("course")["wave"].transform("max").to_numpy()))


def summarise_courses(rows: pd.DataFrame, alarm: NDArray[np.bool_]) -> pd.DataFrame:
    """Per course: alarmed (at a wave that counts), first_alarm (month), n_alarms, end (month).

    The first wave is the intake and the last the outcome: neither counts.
    """
    counted = alarm & waves_that_count(rows)
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


def highest_value(rows: pd.DataFrame, values: FloatArray) -> FloatArray:
    """Highest value over the waves that count, by course; -inf where none counts."""
    counted = np.where(waves_that_count(rows), values, -np.inf)
    highest = pd.Series(counted).groupby(rows["course"].to_numpy()).max()
    return np.asarray(highest.to_numpy(dtype=float))


def limit_for_false_alarms(highest: FloatArray, bad: NDArray[np.bool_], share: float) -> float:
    """Limit on a value that alarms at most a share of the courses that ended well.

    Parameters
    ----------
    highest : ndarray, shape (n,)
        From :func:`highest_value`.
    bad : ndarray of bool, shape (n,)
    share : float
        Of the courses that ended well, ever alarmed.

    Returns
    -------
    float
        An alarm is raised at or above it.
    """
    good = np.sort(highest[~bad])[::-1]
    allowed = int(np.floor(share * len(good) + 1e-9))
    return float(np.nextafter(good[allowed], np.inf)) if allowed < len(good) else -np.inf


def limit_for_share(highest: FloatArray, share: float) -> float:
    """Limit on a value that alarms a share of all courses, or as near to it as ties allow.

    Parameters
    ----------
    highest : ndarray, shape (n,)
        From :func:`highest_value`.
    share : float

    Returns
    -------
    float
        An alarm is raised at or above it.
    """
    values = np.unique(highest[np.isfinite(highest)])
    if not len(values):
        return np.inf
    limits = np.append(values, np.inf)
    alarmed = (highest[None, :] >= limits[:, None]).mean(axis=1)
    return float(limits[len(limits) - 1 - int(np.argmin(np.abs(alarmed - share)[::-1]))])


def alarm_quality(courses: pd.DataFrame, bad: NDArray[np.bool_] | FloatArray) -> AlarmQuality:
    """Sensitivity, specificity and the rest from :func:`summarise_courses` and the outcomes.

    Parameters
    ----------
    courses : DataFrame
    bad : ndarray, shape (n_courses,)
        Whether each ended badly, or the chance that it did: then every share and number is the expected one.
    """
    chance = np.asarray(bad, dtype=float)
    alarmed = courses["alarmed"].to_numpy(dtype=bool)
    early = (courses["end"] - courses["first_alarm"]).to_numpy(dtype=float)
    return AlarmQuality(
        n=len(chance),
        n_bad=round(float(np.nan_to_num(chance).sum())),
        n_alarmed=int(alarmed.sum()),
        sensitivity=_share(alarmed, chance),
        specificity=_share(~alarmed, 1 - chance),
        positive_value=_share(chance, alarmed),
        negative_value=_share(1 - chance, ~alarmed),
        lead_time=_median(early[alarmed], chance[alarmed]),
        alarms_per_family=float(courses["n_alarms"].mean()) if len(courses) else np.nan,
    )


def _share(
    part: NDArray[np.bool_] | FloatArray, whole: NDArray[np.bool_] | FloatArray
) -> tuple[float, float, float]:
    """Share of a weighted whole, with Wilson's interval for as many as the weights are worth."""
    weight = np.asarray(whole, dtype=float)
    total = float(weight.sum())
    if not total > 0:
        return np.nan, np.nan, np.nan
    share, worth = float((part * weight).sum()) / total, total**2 / float((weight**2).sum())
    found = wilson_interval([min(share, 1.0) * worth], [worth])
    return float(found.estimate[0]), float(found.conf_low[0]), float(found.conf_high[0])


def _median(values: FloatArray, weight: FloatArray) -> float:
    """Median of weighted values: halfway between two where the weights part there."""
    kept = weight > 0
    if not kept.any() or not np.isfinite(weight).all():
        return np.nan
    order = np.argsort(values[kept], kind="stable")
    ordered, total = values[kept][order], np.cumsum(weight[kept][order])
    low = np.searchsorted(total, total[-1] / 2 - 1e-9)
    high = np.searchsorted(total, total[-1] / 2 + 1e-9)
    return float((ordered[low] + ordered[min(high, len(ordered) - 1)]) / 2)


def signal_of(waves: pd.DataFrame, rule: Rule, *, sign: float, on_track: float) -> pd.DataFrame:
    """The waves with beyond_band, deteriorating and signal.

    Parameters
    ----------
    waves : DataFrame
        With wave, standing, answer, at_limit, slope, chance, limit, line_chance and still_limit.
    rule, on_track
        As in :func:`signals`.
    sign : float
        -1 where a fall is an improvement.
    """
    beyond, worse = waves["standing"] == "worse", waves["answer"].isin(WORSE)
    off = waves["chance"] >= waves["limit"]
    if rule == "band":
        off = beyond | worse
    told = waves["wave"] + 1 >= LEAST_SCORES
    shown = worse | ((waves["answer"] == "stagnating") & (waves["at_limit"] != "best"))
    well = told & (sign * waves["slope"] > 0) & (waves["line_chance"] <= on_track)
    still = told & ~well & (waves["line_chance"] >= waves["still_limit"]) & (waves["at_limit"] != "best")
    conditions = [waves["wave"] == 0, off, shown | still, well]
    found = np.select(conditions, ["intake", "off_track", "may_stand_still", "on_track"], "cannot_tell")
    return waves.assign(beyond_band=beyond, deteriorating=worse, signal=found)
