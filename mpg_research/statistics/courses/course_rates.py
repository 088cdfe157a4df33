"""How often the answers about courses are wrong, for the moments and the swings of one study."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.statistics.courses.course_answer import CHANGING, SMALL, answers_at
from mpg_research.statistics.courses.course_looks import Looks
from mpg_research.statistics.courses.swings import SwingsNow

__all__ = ["WrongAnswers", "draw_swings", "wrong_answers"]


@dataclass(frozen=True, slots=True)
class WrongAnswers:
    """Shares of simulated courses with a wrong answer at any of their waves.

    Attributes
    ----------
    changing : float
        Of courses without a trend: those that are ever called improving or deteriorating.
    small : float
        Of courses that change by exactly the margin: those ever called standing still, or less than the
        margin.
    n_courses : int
        Courses simulated for each.
    """

    changing: float
    small: float
    n_courses: int


def draw_swings(time: FloatArray, swings: SwingsNow, sd: float, rng: np.random.Generator) -> FloatArray:
    """Draw swings of size ``sd`` over all persons, shape (n, K); NaN where there is no time."""
    n, waves = time.shape
    own = np.full(n, float(sd))
    if np.isfinite(swings.spread_df):
        drawn = rng.chisquare(swings.spread_df, n)
        own = own * np.sqrt((swings.spread_df - 2) / drawn)
    state: FloatArray = rng.standard_normal((n,))
    found = np.full((n, waves), np.nan)
    for wave in range(waves):
        if wave:
            kept = np.power(swings.carry_over, np.nan_to_num(time[:, wave] - time[:, wave - 1]))
            state = kept * state + np.sqrt(1 - kept**2) * rng.standard_normal((n,))
        found[:, wave] = np.sqrt(1 - swings.noise) * state + np.sqrt(swings.noise) * rng.standard_normal((n,))
    return np.where(np.isnan(time), np.nan, found * own[:, None])


def wrong_answers(
    looks: Looks, *, sd: float, margin: float, n_courses: int = 4000, rng: np.random.Generator | int = 1
) -> WrongAnswers:
    """Simulate courses at the moments of these looks and count wrong answers.

    Parameters
    ----------
    looks : Looks
        As planned for the courses of a study.
    sd : float
        Standard deviation of the swings over all persons, in points.
    margin : float
        In points per unit of time.
    n_courses : int
        Courses to simulate: some of the study's, or the study a whole number of times.
    rng : Generator or int
    """
    generator = np.random.default_rng(rng)
    n = len(looks.time)
    if not n:
        return WrongAnswers(0.0, 0.0, 0)
    if n > n_courses:
        many = looks.some(np.linspace(0, n - 1, n_courses).astype(np.intp))
    else:
        many = looks.repeated(-(-n_courses // n))
    swings = looks.swings.last_known
    shares: list[float] = []
    for slope, wrong in ((0.0, CHANGING), (-margin, SMALL)):
        scores = draw_swings(many.time, swings, sd, generator) + slope * many.time
        answer = answers_at(many, scores, margin=margin, direction="higher_is_worse").answer
        shares.append(float(np.isin(answer, wrong).any(axis=1).mean()))
    return WrongAnswers(shares[0], shares[1], len(many.time))
