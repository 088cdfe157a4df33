"""Periods of help of the synthetic study: who, when, and the course that followed."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mpg_research.simulate.course import Course, burden, simulate_course
from mpg_research.simulate.families import Families, draw_classes, draw_families, take
from mpg_research.simulate.plan import DAYS_PER_MONTH, DAYS_PER_YEAR, OrganisationPlan

__all__ = [
    "EXPORT_DATE",
    "FIRST_START",
    "Periods",
    "days_to_weekday",
    "simulate_first_periods",
    "simulate_second_periods",
]

EXPORT_DATE = date(2025, 6, 30)
"""Day on which the synthetic data were, as it were, taken from the systems."""

FIRST_START, LAST_START = date(2022, 1, 10), date(2025, 1, 31)
N_VISITS = 25  # monthly, from month 0 to month 24
BEFORE_SHARE = 0.25  # of the families fill in their first form in the weeks before the start
FAMILIES_PER_WORKER = 9


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of help that begin as the n-th of their families.

    Attributes
    ----------
    number : int
        1 for first periods, 2 for second ones.
    who : ndarray of int, shape (n,)
        Position of the family in the study.
    families : Families
        The families at the start of this period.
    start : ndarray of int, shape (n,)
        First day, as a proleptic ordinal.
    days : ndarray of int, shape (n, n_visits)
        Days from the start to each visit.
    course : Course
        What happened.
    """

    number: int
    who: NDArray[np.int64]
    families: Families
    start: NDArray[np.int64]
    days: NDArray[np.int64]
    course: Course

    @property
    def end(self) -> NDArray[np.int64]:
        """Last day of help, as an ordinal; far in the future while it runs."""
        months = np.minimum(self.course.end, 1200.0)
        return np.asarray(self.start + np.floor(months * DAYS_PER_MONTH).astype(np.int64))


def simulate_first_periods(
    rng: np.random.Generator, plans: tuple[OrganisationPlan, ...], sizes: NDArray[np.int64]
) -> Periods:
    """Draw the families of the study and follow their first period of help.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans : tuple of OrganisationPlan
        The organisations.
    sizes : ndarray of int, shape (n_organisations,)
        Families per organisation.

    Returns
    -------
    Periods
    """
    organisation = np.repeat(np.arange(len(plans)), sizes)
    workers = np.maximum(2, np.round(sizes / FAMILIES_PER_WORKER)).astype(np.int64)
    families = draw_families(rng, plans, organisation, workers=workers)
    n = len(families)
    start = rng.integers(FIRST_START.toordinal(), LAST_START.toordinal() + 1, size=n)
    return _follow(rng, 1, np.arange(n), families, days_to_weekday(start))


def simulate_second_periods(
    rng: np.random.Generator, plans: tuple[OrganisationPlan, ...], sizes: NDArray[np.int64], first: Periods
) -> Periods:
    """Let some families come back for a second period, a few months after the first.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans, sizes : tuple of OrganisationPlan, ndarray of int
        The organisations and how many families they help; some families change organisation.
    first : Periods
        The first periods.

    Returns
    -------
    Periods
        Likelier after a relapse, a worsening or an early end by client or provider.
    """
    n = len(first.who)
    troubled = (first.families.course >= 3) | np.isin(first.course.end_reason, (3, 4))
    comes_back = rng.random(n) < np.where(troubled, 0.24, 0.07)
    start = days_to_weekday(first.end + rng.integers(75, 331, size=n))
    chosen = np.flatnonzero(comes_back & (start <= LAST_START.toordinal() + 60))
    before, m = take(first.families, chosen), len(chosen)
    end = first.course.end[chosen]
    left_over = burden(before, end, first.course.intervention_time[chosen]) - before.level
    moved = rng.random(m) < 0.3
    organisation = np.where(moved, rng.choice(len(plans), size=m, p=sizes / sizes.sum()), before.organisation)
    workers = np.maximum(2, np.round(sizes / FAMILIES_PER_WORKER)).astype(np.int64)
    elapsed = (start[chosen] - first.start[chosen]) / DAYS_PER_YEAR
    families = replace(
        before,
        organisation=organisation,
        worker=1 + np.floor(rng.random(m) * workers[organisation]).astype(np.int64),
        child_age=np.asarray(np.round(np.minimum(before.child_age + elapsed, 17.9), 1), dtype=np.float64),
        earlier_care=np.ones(m, dtype=bool),
        level=before.level + 0.5 * left_over + rng.normal(0.1, 0.3, size=m),
    )
    families = replace(families, course=draw_classes(rng, plans, families))
    return _follow(rng, 2, chosen, families, start[chosen])


def days_to_weekday(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ordinals with Saturdays and Sundays moved to the next Monday."""
    weekday = (days - 1) % 7  # ordinal 1 was a Monday
    return np.asarray(days + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0)))


def _follow(
    rng: np.random.Generator,
    number: int,
    who: NDArray[np.int64],
    families: Families,
    start: NDArray[np.int64],
) -> Periods:
    """Irregular visit days around the month, then the course over them."""
    n = len(families)
    due = np.round(np.arange(N_VISITS) * DAYS_PER_MONTH)
    days = (due + np.clip(np.round(rng.normal(scale=4.5, size=(n, N_VISITS))), -11, 11)).astype(np.int64)
    days[:, 0] = rng.integers(0, 11, size=n)
    early = rng.random(n) < BEFORE_SHARE
    days[early, 0] = -rng.integers(1, 28, size=int(early.sum()))
    days = days_to_weekday(start[:, None] + days) - start[:, None]
    return Periods(number, who, families, start, days, simulate_course(rng, families, days / DAYS_PER_MONTH))
