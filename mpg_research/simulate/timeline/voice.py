"""The family's voice: its goals, the talks with it, and its mark for the help."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.periods import days_to_weekday
from mpg_research.simulate.plan import CLASSES, DAYS_PER_MONTH
from mpg_research.simulate.timeline.helped import Helped
from mpg_research.simulate.timeline.planted import PLANTED

__all__ = ["decision_rows", "goal_rows", "satisfaction_column"]

GOAL_MONTHS = (3, 6, 12, 18)
TALK_MONTHS = (6, 12)
MOST_GOALS = 4
_WITH_GOALS = 0.8
_TALKS = 0.65
_SETTERS = ("family", "worker", "together")
_SETTER_LIMITS = (0.4, 0.6)
_GOAL_PROGRESS = {"fast": 1.2, "slow": 1.0, "none": 0.5, "worse": 0.2, "relapse": 0.7}  # by course
_CLEAR = 0.3  # latent fall of the burden that workers call progress
_DECISIONS = ("go_on", "change", "stop", "hand_over")
_CHANCES = {  # go on, change, stop (the rest is handed over)
    "soon_over": (0.20, 0.10, 0.50),
    "progress": (0.85, 0.13, 0.02),
    "none": (0.50, 0.35, 0.05),
}


def goal_rows(rng: np.random.Generator, helped: Helped) -> pd.DataFrame:
    """Attainment of the goals of each family from 0 to 10, about months 3, 6, 12 and 18 of help.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.

    Returns
    -------
    DataFrame
        Columns of the schema, as text.
    """
    n = len(helped)
    number = rng.integers(2, MOST_GOALS + 1, size=n) * (rng.random(n) < _WITH_GOALS)
    setter = np.searchsorted(_SETTER_LIMITS, rng.random((n, MOST_GOALS)), side="right")
    jitter = rng.integers(-10, 11, size=(n, len(GOAL_MONTHS)))
    day = helped.start[:, None] + np.round(np.array(GOAL_MONTHS) * DAYS_PER_MONTH).astype(np.int64) + jitter
    day = days_to_weekday(day)
    own = rng.normal(scale=0.8, size=(n, MOST_GOALS))
    there = (day <= helped.last[:, None])[:, :, None] & (np.arange(MOST_GOALS) < number[:, None])[:, None]
    who, moment, goal = np.nonzero(there)
    progress = np.array([_GOAL_PROGRESS[name] for name in CLASSES])[helped.families.course[who]]
    by_family = PLANTED["voice"]["goal_set_by_family"] * (setter[who, goal] == 0)
    time = np.array(GOAL_MONTHS)[moment]
    score = 2 + 5.5 * progress * (1 - np.exp(-time / 9)) + by_family + own[who, goal]
    score = np.clip(np.round(score + rng.normal(size=len(who))), 0, 10).astype(np.int64)
    return helped.rows_on(
        who,
        day[who, moment],
        goal=np.char.add("g", (goal + 1).astype(str)),
        attainment=score.astype(str),
        set_by=np.array(_SETTERS)[setter[who, goal]],
    )


def decision_rows(rng: np.random.Generator, helped: Helped) -> pd.DataFrame:
    """What was decided in talks about months 6 and 12, whether the family was asked and its idea followed.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.

    Returns
    -------
    DataFrame
        Columns of the schema, as text. Help that is soon over was mostly stopped or handed over; without
        progress things are changed more often.
    """
    parts, everybody = [], np.arange(len(helped))
    before = helped.burden_at(everybody, helped.start)
    for month in TALK_MONTHS:
        day = helped.start + round(month * DAYS_PER_MONTH) + rng.integers(-14, 15, size=len(helped))
        day = days_to_weekday(day)
        chosen = np.flatnonzero((day <= helped.last) & (rng.random(len(helped)) < _TALKS))
        progress = before[chosen] - helped.burden_at(chosen, day[chosen]) > _CLEAR
        soon = helped.end[chosen] - day[chosen] < 3 * DAYS_PER_MONTH
        kind = np.where(soon, "soon_over", np.where(progress, "progress", "none"))
        limits = np.cumsum([_CHANCES[name] for name in kind], axis=1)
        decision = (rng.random((len(chosen), 1)) > limits).sum(axis=1)
        asked = rng.random(len(chosen)) < PLANTED["voice"]["share_asked"]
        followed = rng.random(len(chosen)) < PLANTED["voice"]["idea_followed_if_asked"]
        parts.append(
            helped.rows_on(
                chosen,
                day[chosen],
                decision=np.array(_DECISIONS)[decision],
                family_asked=np.where(asked, "1", "0"),
                idea_followed=np.where(asked, np.where(followed, "1", "0"), ""),
            )
        )
    return pd.concat(parts)


def satisfaction_column(rng: np.random.Generator, helped: Helped) -> NDArray[np.object_]:
    """The mark from 1 to 10 that families gave help that has ended; often not asked.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    planted, everybody = PLANTED["voice"], np.arange(len(helped))
    progress = helped.burden_at(everybody, helped.start) - helped.burden_at(everybody, helped.last)
    mark = planted["satisfaction_mean"] + planted["satisfaction_per_sd_progress"] * (progress - 0.5)
    mark = np.clip(np.round(2 * (mark + rng.normal(size=len(helped)))) / 2, 1, 10)
    text = np.array([f"{value:g}" for value in mark], dtype=object)
    text[~(helped.ended & (rng.random(len(helped)) < planted["share_satisfaction"]))] = ""
    return text
