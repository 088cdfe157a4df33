"""The course of synthetic families: latent burden, ordinal answers, interventions, leaving."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.simulate.families import Families
from mpg_research.simulate.plan import CLASSES, ITEM_SLOPES, ITEM_THRESHOLDS

__all__ = ["Course", "answer_items", "burden", "shape_of_course", "simulate_course"]

Floats = NDArray[np.float64]

SD_OCCASION = 0.30  # how much the burden of one parent swings from month to month
INTERVENTION_EFFECT = -0.30  # on the latent burden, half of it within about six weeks
MAX_INTERVENTIONS = 2
N_INTERVENTIONS = 8
STAGNATION_MONTHS = 3
INTERVENTION_SHARE = 0.30  # of the stagnating families, per month
INCOMPLETE_SHARE = 0.05  # of the forms has an unanswered item

# The toolkit's eight are not used equally often.
_INTERVENTION_WEIGHTS = np.array([0.10, 0.14, 0.12, 0.20, 0.14, 0.16, 0.09, 0.05])


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to each family, month by month.

    Attributes
    ----------
    raw : ndarray of int, shape (n, n_visits)
        Sum of the ten answers at each visit of the declared respondent, as if every visit took
        place and every item was answered.
    items, second_items : ndarray of int, shape (n, n_visits, 10), or None
        Answers of the declared and of the second respondent; None where they were not kept.
    seen : ndarray of bool, shape (n, n_visits)
        Whether the visit took place: the family was in help and the month was not missed.
    incomplete : ndarray of bool, shape (n, n_visits)
        Whether an item was left open, so that nobody saw a score.
    end : ndarray of float, shape (n,)
        Months from start to the end of help; infinite while it runs.
    end_reason : ndarray of int, shape (n,)
        1 to 5 (the CBS codes); 0 while it runs.
    intervention_time : ndarray of float, shape (n, 2)
        Months from start; infinite where there was none.
    intervention : ndarray of int, shape (n, 2)
        Position in the toolkit.
    """

    raw: NDArray[np.int8]
    items: NDArray[np.int8] | None
    second_items: NDArray[np.int8] | None
    seen: NDArray[np.bool_]
    incomplete: NDArray[np.bool_]
    end: Floats
    end_reason: NDArray[np.int64]
    intervention_time: Floats
    intervention: NDArray[np.int64]


def shape_of_course(course: NDArray[np.int64], size: Floats, months: Floats) -> Floats:
    """Change of the latent burden since time zero, by class of course.

    Parameters
    ----------
    course : ndarray of int, shape (n,)
        Position in ``CLASSES``.
    size : ndarray of float, shape (n,)
        Factor on the change.
    months : ndarray of float, shape (n,)
        Months since start; before the start nothing has changed yet.

    Returns
    -------
    ndarray of float, shape (n,)
    """
    time = np.maximum(months, 0.0)
    way_back = 1 - np.clip((time - 6) / 8, 0, 0.9)
    shapes = {
        "fast": -1.4 * (1 - np.exp(-time / 4)),
        "slow": -1.4 * (1 - np.exp(-time / 11)),
        "none": np.zeros_like(time),
        "worse": 0.8 * (1 - np.exp(-time / 6)),
        "relapse": -1.3 * (1 - np.exp(-time / 3)) * way_back,
    }
    return np.asarray(size * np.choose(course, [shapes[name] for name in CLASSES]))


def burden(families: Families, months: Floats, intervention_time: Floats) -> Floats:
    """Latent burden of the families at a moment, without the swings of the day, shape (n,)."""
    change = shape_of_course(families.course, families.size, months)
    since = months[:, None] - intervention_time
    effect = np.where(since > 0, 1 - np.exp(-np.maximum(since, 0) / 2), 0.0).sum(axis=1)
    return np.asarray(families.level + change + INTERVENTION_EFFECT * effect)


def answer_items(rng: np.random.Generator, level: Floats) -> NDArray[np.int8]:
    """Answers 1-4 to the ten items from a graded response model, shape (n, 10).

    Notes
    -----
    Pr(answer above k) is the logistic function of slope x (burden - threshold k). A burden plus
    logistic noise over the slope that passes the threshold gives the same probabilities.
    """
    uniform = np.maximum(rng.random((len(level), len(ITEM_SLOPES)), dtype=np.float32), np.float32(2**-25))
    noise = np.log(1 / uniform - 1)
    tendency = level[:, None].astype(np.float32) + noise / ITEM_SLOPES.astype(np.float32)
    answers = np.ones(tendency.shape, dtype=np.int8)
    for step in ITEM_THRESHOLDS.T.astype(np.float32):
        answers += tendency > step
    return answers


def simulate_course(
    rng: np.random.Generator,
    families: Families,
    visits: Floats,
    *,
    may_leave: bool = True,
    keep_items: bool = True,
) -> Course:
    """Follow families through their visits: answer, judge the course, intervene, leave or go on.

    Parameters
    ----------
    rng : Generator
        Randomness.
    families : Families
        The families.
    visits : ndarray of float, shape (n, n_visits)
        Months since start of each visit, rising.
    may_leave : bool, default True
        Whether help can end. The truth is the course if it does not.
    keep_items : bool, default True
        Whether the answers (and the second respondent) are kept, or only sums.

    Returns
    -------
    Course

    Notes
    -----
    Leaving and interventions depend on scores that were seen, never on the latent burden: what is
    missing is missing at random given what was observed. From the fourth visit on, a family whose
    last score is no more than one point below the score three visits before gets an intervention
    with a chance of 30 % per visit, at most twice.
    """
    n, n_visits = visits.shape
    n_items = len(ITEM_SLOPES)
    raw = np.zeros((n, n_visits), dtype=np.int8)
    items = np.zeros((n, n_visits, n_items), dtype=np.int8) if keep_items else None
    second = np.zeros((n, n_visits, n_items), dtype=np.int8) if keep_items else None
    seen, incomplete = np.zeros((2, n, n_visits), dtype=bool)
    known = np.zeros((n, n_visits))  # last score seen up to each visit
    end, reason = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    times = np.full((n, MAX_INTERVENTIONS), np.inf)
    kinds = np.zeros((n, MAX_INTERVENTIONS), dtype=np.int64)
    last = np.full(n, 24.0)
    for visit in range(n_visits):
        now = visits[:, visit]
        base = burden(families, now, times)
        declared = base + np.where(families.second_only, families.second_shift, 0.0)
        answers = answer_items(rng, declared + rng.normal(scale=SD_OCCASION, size=n))
        raw[:, visit] = answers.sum(axis=1)
        if items is not None and second is not None:
            items[:, visit] = answers
            other = base + families.second_shift + rng.normal(scale=SD_OCCASION, size=n)
            second[:, visit] = answer_items(rng, other)
        in_help = end > now
        seen[:, visit] = in_help & (rng.random(n) > families.missing_rate * (visit > 0))
        incomplete[:, visit] = rng.random(n) < INCOMPLETE_SHARE
        last = np.where(seen[:, visit] & ~incomplete[:, visit], raw[:, visit], last)
        known[:, visit] = last
        if visit > STAGNATION_MONTHS:
            stagnates = last > known[:, visit - STAGNATION_MONTHS] - 1
            chosen = stagnates & in_help & (rng.random(n) < INTERVENTION_SHARE)
            _intervene(rng, chosen, now, times, kinds)
        if may_leave:
            _leave(rng, in_help, now, last, end, reason)
    return Course(raw, items, second, seen, incomplete, end, reason, times, kinds)


def _intervene(
    rng: np.random.Generator,
    chosen: NDArray[np.bool_],
    now: Floats,
    times: Floats,
    kinds: NDArray[np.int64],
) -> None:
    """Write the moment and kind of a new intervention, at least three months after the last."""
    n = len(now)
    moment = now + rng.uniform(0.1, 0.7, size=n)
    limits = np.cumsum(_INTERVENTION_WEIGHTS / _INTERVENTION_WEIGHTS.sum())
    kind = np.minimum(np.searchsorted(limits, rng.random(n)), N_INTERVENTIONS - 1)
    first = chosen & np.isinf(times[:, 0])
    again = chosen & ~first & np.isinf(times[:, 1]) & (moment > times[:, 0] + STAGNATION_MONTHS)
    for place, new in enumerate((first, again)):
        times[new, place] = moment[new]
        kinds[new, place] = kind[new]


def _leave(
    rng: np.random.Generator,
    in_help: NDArray[np.bool_],
    now: Floats,
    last: Floats,
    end: Floats,
    reason: NDArray[np.int64],
) -> None:
    """Write the end of help and its reason, by the score that was last seen.

    Chances per month: as planned rises with time and is likelier at a low score; early by the
    client is likelier at a high score; the other reasons hardly depend on it.
    """
    high = (last - 23.0) / 5.0
    log_odds = np.stack(
        [
            np.where(now < 5.0, -np.inf, -4.2 + 0.22 * (now - 5.0) - 0.55 * high),
            np.full(len(now), -4.9),
            -4.25 + 0.60 * high,
            -5.4 + 0.30 * high,
            np.full(len(now), -5.6),
        ],
        axis=1,
    )
    odds = np.exp(log_odds)
    chances = np.cumsum(odds / (1 + odds.sum(axis=1, keepdims=True)), axis=1)
    drawn = rng.random((len(now), 1))
    which = 1 + (drawn > chances).sum(axis=1)
    leaves = in_help & (which <= len(log_odds[0]))
    moment = np.maximum(now, 0.0) + rng.uniform(0.15, 0.95, size=len(now))
    end[leaves] = moment[leaves]
    reason[leaves] = which[leaves]
