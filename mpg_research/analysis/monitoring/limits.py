"""From which chance (or other value) on a wave is off track: limits learnt without the family's own part."""

from collections.abc import Callable, Mapping

import numpy as np

from mpg_research.analysis.monitoring.foretold import EndForecast
from mpg_research.analysis.monitoring.performance import STILL_MEASURED, landmark_waves
from mpg_research.analysis.monitoring.rules import (
    highest_value,
    limit_for_false_alarms,
    limit_for_share,
    summarise_courses,
)
from mpg_research.arrays import BoolArray, FloatArray

__all__ = [
    "LEAST_GOOD_ENDS",
    "MORE_LIKELY_THAN_NOT",
    "alarms_as_many",
    "chance_limits",
    "compare_rules",
    "learnt_limits",
    "still_limits",
]


#: A limit is learnt from this many courses that ended well, at least.
LEAST_GOOD_ENDS = 10
#: The measurement around a month is the last one up to so much later.
_AROUND = 0.5
#: The limit on the chance where there is nothing to learn it from.
MORE_LIKELY_THAN_NOT = 0.5


def chance_limits(foretold: EndForecast, false_alarms: float) -> tuple[FloatArray, bool]:
    """The limit on the chance in force at each wave, and whether every part's limit was learnt.

    Parameters
    ----------
    foretold : EndForecast
    false_alarms : float
        Share of the courses that end well which are ever called off track, in the other parts.

    Returns
    -------
    limits : ndarray, shape (n_waves,)
    learnt : bool
        False where a part had fewer than ten courses that ended well to learn from: the limit is then one
        half.
    """
    learnt = []

    def learn(highest: FloatArray, bad: BoolArray) -> float:
        enough = int((~bad).sum()) >= LEAST_GOOD_ENDS
        learnt.append(enough)
        return limit_for_false_alarms(highest, bad, false_alarms) if enough else MORE_LIKELY_THAN_NOT

    limits = learnt_limits(foretold, foretold.training, learn)
    return limits, all(learnt)


def still_limits(
    foretold: EndForecast, limits: FloatArray, *, share: float, month: float, least_scores: int
) -> tuple[FloatArray, bool]:
    """From which chance of the own line a course may be standing still, and whether that was learnt.

    Parameters
    ----------
    foretold : EndForecast
    limits : ndarray, shape (n_waves,)
        From which chance on each wave is off track.
    share : float
        Of the courses of the other parts that ended well, at most this share is called (off track, or from
        this limit on) at its measurement around ``month``.
    month : float
    least_scores : int
        With fewer scores so far a course is not called by this limit.

    Returns
    -------
    limits : ndarray, shape (n_waves,)
    learnt : bool
        False where a part had fewer than ten such courses to learn from: the limit is then one half.
    """
    found, learnt = np.full(len(foretold.rows), MORE_LIKELY_THAN_NOT), []
    at = landmark_waves(foretold.rows, month + _AROUND, since=month - STILL_MEASURED)
    at = at[foretold.judged[at] & ~foretold.bad[at]]
    scores = foretold.rows["wave"].to_numpy() + 1
    for label, values in foretold.line_training.items():
        good, mine = at[foretold.part[at] != label], foretold.part == label
        learnt.append(len(good) >= LEAST_GOOD_ENDS)
        if not (learnt[-1] and mine.any()):
            continue
        off = foretold.training[label][good] >= limits[mine][0]
        counted = np.where(scores[good] >= least_scores, values[good], -np.inf)
        value = np.where(off, np.inf, counted)
        found[mine] = limit_for_false_alarms(value, np.zeros(len(good), dtype=bool), share)
    return found, all(learnt)


def learnt_limits(
    foretold: EndForecast, values: Mapping[str, FloatArray], learn: Callable[[FloatArray, BoolArray], float]
) -> FloatArray:
    """A limit per part, given to its waves, from the judged courses of the other parts.

    Parameters
    ----------
    foretold : EndForecast
    values : mapping of str to ndarray, shape (n_waves,)
        Of each part: the values at the waves of the other parts.
    learn : callable
        From the highest value of each course, and whether it ended badly, to the limit.

    Returns
    -------
    ndarray, shape (n_waves,)
    """
    limits = np.full(len(foretold.rows), np.nan)
    for label in values:
        others = foretold.judged & (foretold.part != label)
        rows = foretold.rows[others]
        bad = np.zeros(0, dtype=bool)
        if len(rows):
            bad = foretold.bad[others][np.r_[True, np.diff(rows["course"].to_numpy()) != 0]]
        highest = highest_value(rows, values[label][others]) if len(rows) else np.zeros(0)
        limits[foretold.part == label] = learn(highest, bad)
    return limits


def alarms_as_many(
    foretold: EndForecast,
    values: FloatArray,
    training: Mapping[str, FloatArray],
    reference: Mapping[str, BoolArray],
) -> BoolArray:
    """Alarms of a value whose limit alarms as many courses of the other parts as another rule does there.

    Parameters
    ----------
    foretold : EndForecast
    values : ndarray, shape (n_waves,)
        An alarm is raised where they reach the limit.
    training : mapping of str to ndarray, shape (n_waves,)
        Of each part: the values at the waves of the other parts.
    reference : mapping of str to ndarray of bool, shape (n_waves,)
        Of each part: the other rule's alarms at the waves of the other parts.
    """
    limits = np.full(len(foretold.rows), np.inf)
    for label in training:
        others = foretold.judged & (foretold.part != label)
        if others.any():
            rows = foretold.rows[others]
            share = float(summarise_courses(rows, reference[label][others])["alarmed"].mean())
            limits[foretold.part == label] = limit_for_share(
                highest_value(rows, training[label][others]), share
            )
    return values >= limits


def compare_rules(
    foretold: EndForecast, *, index: FloatArray, threshold: float, false_alarms: float
) -> dict[str, BoolArray]:
    """Alarms at every wave by the chance and by the naive rule, each also with as many alarms as the other.

    Parameters
    ----------
    foretold : EndForecast
    index : ndarray, shape (n_waves,)
        How much worse the score is than at intake, in points.
    threshold : float
        The smallest reliable change: the naive rule alarms beyond it.
    false_alarms : float
        As in :func:`mpg_research.analysis.signals`.

    Returns
    -------
    dict of str to ndarray of bool
        ``chance``, ``naive_as_many``, ``naive``, ``chance_as_many``.
    """
    naive = index > threshold
    limits, _ = chance_limits(foretold, false_alarms)
    in_training = {
        label: chance >= limits[foretold.part == label][0] for label, chance in foretold.training.items()
        if (foretold.part == label).any()
    }  # fmt: skip
    training = {label: foretold.training[label] for label in in_training}
    everywhere = dict.fromkeys(in_training, index)
    return {
        "chance": foretold.chance >= limits,
        "naive_as_many": alarms_as_many(foretold, index, everywhere, in_training),
        "naive": naive,
        "chance_as_many": alarms_as_many(
            foretold, foretold.chance, training, dict.fromkeys(in_training, naive)
        ),
    }
