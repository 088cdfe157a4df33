"""Care, practice and events of the synthetic study, and what they are to be expected to be."""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mpg_research.simulate.families import number_of_problems
from mpg_research.simulate.periods import EXPORT_DATE, FAMILIES_PER_WORKER, Periods, days_to_weekday
from mpg_research.simulate.plan import DAYS_PER_MONTH, PROBLEMS
from mpg_research.study.schemas import INTERVENTIONS, WORKING_ELEMENTS

__all__ = [
    "AGENCIES_FEWER",
    "ELEMENT_MEANS",
    "MEETING_CHANCE",
    "MOST_AGENCIES",
    "care_rows",
    "chances_during_help",
    "event_chances",
    "event_rows",
    "expected_agencies",
    "expected_hours",
    "meeting_months",
    "months_of_help",
    "practice_rows",
]

WORKER_CHANGE = 0.035  # chance per month that another worker takes over
PRACTICE_MONTHS = (3, 9, 15)
MEETING_CHANCE = 0.06  # per month, beside the meetings that were an intervention
MOST_AGENCIES = 20
AGENCIES_FEWER = 0.1  # per month: how fast some of the agencies leave

ELEMENT_MEANS = (3.4, 3.0, 3.2, 3.6, 3.3, 2.9)


def care_rows(
    rng: np.random.Generator, periods: Periods, family: NDArray[np.str_], sizes: NDArray[np.int64]
) -> pd.DataFrame:
    """One row per family and calendar month of help.

    Parameters
    ----------
    rng : Generator
        Randomness.
    periods : Periods
        The periods of help.
    family : ndarray of str, shape (n,)
        Name of each family.
    sizes : ndarray of int, shape (n_organisations,)
        Families per organisation, from which its number of workers follows.

    Returns
    -------
    DataFrame
        Columns of the care schema, as text.
    """
    families = periods.families
    problems = number_of_problems(families)
    rows = []
    for place in range(len(families)):
        months = months_of_help(periods, place)
        n_workers = max(2, round(int(sizes[families.organisation[place]]) / FAMILIES_PER_WORKER))
        worker = int(families.worker[place])
        well_organised = 1 / (1 + np.exp(-0.5 - 0.9 * families.practice[place]))
        has = rng.random(2) < well_organised
        meetings = meeting_months(periods, place)
        for number, month in enumerate(months):
            if number and rng.random() < WORKER_CHANGE:
                worker = 1 + (worker + int(rng.integers(0, n_workers - 1))) % n_workers
            has = has | (rng.random(2) < 0.06)
            hours = rng.gamma(6.0, expected_hours(number) / 6.0)
            rows.append(
                (
                    family[place],
                    str(periods.number),
                    month.isoformat(),
                    f"w{worker:02d}",
                    f"{hours:.1f}",
                    str(min(int(rng.poisson(_mean_agencies(problems[place], number))), MOST_AGENCIES)),
                    str(int(has[0])),
                    str(int(has[1])),
                    str(int(month in meetings or rng.random() < MEETING_CHANCE)),
                )
            )
    columns = ("family", "episode", "month", "worker", "contact_hours", "n_agencies")
    return pd.DataFrame(rows, columns=[*columns, "case_manager", "one_plan", "network_meeting"])


def expected_hours(number: ArrayLike) -> NDArray[np.float64]:
    """Expected hours of contact in the month of this number, the first being 0."""
    return np.asarray(4.0 + 12.0 * np.exp(-0.06 * np.asarray(number, dtype=float)))


def _mean_agencies(problems: int, number: ArrayLike) -> NDArray[np.float64]:
    fewer = 0.7 + 0.3 * np.exp(-AGENCIES_FEWER * np.asarray(number, dtype=float))
    return np.asarray((2.0 + 0.9 * problems) * fewer)


def expected_agencies(problems: int, number: ArrayLike) -> NDArray[np.float64]:
    """Expected agencies in the months of these numbers: a Poisson number, cut off at the most there can be.

    Parameters
    ----------
    problems : int
        How many problems the family has.
    number : array_like of int, shape (n,)
        Numbers of the months, the first being 0.

    Returns
    -------
    ndarray, shape (n,)
    """
    mean = _mean_agencies(problems, number)
    counts = np.arange(MOST_AGENCIES)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, MOST_AGENCIES)))])
    chance = np.exp(counts * np.log(mean)[:, None] - mean[:, None] - log_factorial)
    return np.asarray(chance @ counts + MOST_AGENCIES * (1 - chance.sum(axis=1)))


def meeting_months(periods: Periods, place: int) -> set[date]:
    """First days of the months in which a network meeting was an intervention."""
    network = list(INTERVENTIONS).index("network_meeting")
    return {
        date.fromordinal(int(periods.start[place]) + round(float(time) * DAYS_PER_MONTH)).replace(day=1)
        for time, kind in zip(
            periods.course.intervention_time[place], periods.course.intervention[place], strict=True
        )
        if np.isfinite(time) and kind == network
    }


def months_of_help(periods: Periods, place: int) -> list[date]:
    """First days of the calendar months from the start to the end of help or the export."""
    month = date.fromordinal(int(periods.start[place])).replace(day=1)
    last = min(int(periods.end[place]), EXPORT_DATE.toordinal())
    months = []
    while month.toordinal() <= last:
        months.append(month)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return months


def practice_rows(rng: np.random.Generator, periods: Periods, family: NDArray[np.str_]) -> pd.DataFrame:
    """Scores from 1 to 5 on the six working elements, about months 3, 9 and 15 of help.

    Parameters
    ----------
    rng, periods, family :
        As `care_rows`.

    Returns
    -------
    DataFrame
        Columns of the practice schema, as text.
    """
    blocks = []
    last = np.minimum(periods.end, EXPORT_DATE.toordinal())
    for month in PRACTICE_MONTHS:
        day = days_to_weekday(
            periods.start + round(month * DAYS_PER_MONTH) + rng.integers(-10, 11, size=len(family))
        )
        score = np.array(ELEMENT_MEANS) + 0.55 * periods.families.practice[:, None]
        score = np.clip(np.round(score + rng.normal(scale=0.6, size=score.shape)), 1, 5).astype(np.int64)
        chosen = np.flatnonzero((day <= last) & (rng.random(len(family)) < 0.85))
        block = pd.DataFrame(
            {
                "family": family[chosen],
                "episode": str(periods.number),
                "date": [date.fromordinal(int(each)).isoformat() for each in day[chosen]],
            }
        )
        for place, element in enumerate(WORKING_ELEMENTS):
            block[element] = [str(value) for value in score[chosen, place]]
        blocks.append(block)
    return pd.concat(blocks)


def event_chances(periods: Periods) -> dict[str, NDArray[np.float64]]:
    """Chance that a placement and an eviction are drawn with a period, up to half a year after its end.

    Not all there are: further ones after the end are added by ``simulate/timeline/afterwards.py``.
    """
    families = periods.families
    housing = families.problems[:, PROBLEMS.index("housing")]
    return {
        "placement": np.minimum(0.08 * np.exp(0.6 * (families.level - 1.2)), 0.6),
        "eviction": np.where(housing, 0.12, 0.01),
    }


def chances_during_help(periods: Periods) -> dict[str, NDArray[np.float64]]:
    """Chance of a placement and an eviction from the start to the last day of help or the export.

    Parameters
    ----------
    periods : Periods
        The periods of help.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        All there are in that time. The day is uniform over whole days, some of which may come after the help.
    """
    last_of_help = np.minimum(periods.end, EXPORT_DATE.toordinal())
    days = np.maximum(_last_day_of_events(periods) - periods.start, 1)
    share = np.minimum((last_of_help - periods.start + 1) / days, 1.0)
    return {event: chance * share for event, chance in event_chances(periods).items()}


def _last_day_of_events(periods: Periods) -> NDArray[np.int64]:
    """Up to when events are drawn with a period of help: half a year after it, or the export."""
    return np.minimum(periods.end + 180, EXPORT_DATE.toordinal())


def event_rows(rng: np.random.Generator, periods: Periods, family: NDArray[np.str_]) -> pd.DataFrame:
    """Placements, evictions and renewed referrals.

    Parameters
    ----------
    rng, periods, family :
        As `care_rows`.

    Returns
    -------
    DataFrame
        Columns of the events schema, as text. Placement is likelier at a heavier burden, eviction
        where there are housing problems; a second period starts with a renewed referral.
    """
    last = _last_day_of_events(periods)
    rows = []
    for event, chance in event_chances(periods).items():
        happens = rng.random(len(family)) < chance
        day = periods.start + np.floor(rng.random(len(family)) * (last - periods.start)).astype(np.int64)
        rows += [(family[place], event, int(day[place])) for place in np.flatnonzero(happens)]
    if periods.number > 1:
        rows += [
            (name, "renewed_referral", int(day)) for name, day in zip(family, periods.start, strict=True)
        ]
    return pd.DataFrame(
        {
            "family": [name for name, _, _ in rows],
            "episode": str(periods.number),
            "date": [date.fromordinal(day).isoformat() for _, _, day in rows],
            "event": [event for _, event, _ in rows],
        }
    )
