"""Care, practice, events and prices of the synthetic study."""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.families import number_of_problems
from mpg_research.simulate.periods import EXPORT_DATE, FAMILIES_PER_WORKER, Periods, days_to_weekday
from mpg_research.simulate.plan import DAYS_PER_MONTH, PROBLEMS
from mpg_research.study.schemas import INTERVENTIONS, WORKING_ELEMENTS

__all__ = ["ELEMENT_MEANS", "care_rows", "event_rows", "practice_rows", "price_rows"]

WORKER_CHANGE = 0.035  # chance per month that another worker takes over
PRACTICE_MONTHS = (3, 9, 15)
PRICE_SOURCE = "synthetic: invented for this example, no real tariff"

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
    network = list(INTERVENTIONS).index("network_meeting")
    rows = []
    for place in range(len(families)):
        months = _months_of_help(periods, place)
        n_workers = max(2, round(int(sizes[families.organisation[place]]) / FAMILIES_PER_WORKER))
        worker = int(families.worker[place])
        agencies = 2.0 + 0.9 * problems[place]
        well_organised = 1 / (1 + np.exp(-0.5 - 0.9 * families.practice[place]))
        has = rng.random(2) < well_organised
        meetings = {
            date.fromordinal(int(periods.start[place]) + round(float(time) * DAYS_PER_MONTH)).replace(day=1)
            for time, kind in zip(
                periods.course.intervention_time[place], periods.course.intervention[place], strict=True
            )
            if np.isfinite(time) and kind == network
        }
        for number, month in enumerate(months):
            if number and rng.random() < WORKER_CHANGE:
                worker = 1 + (worker + int(rng.integers(0, n_workers - 1))) % n_workers
            has = has | (rng.random(2) < 0.06)
            hours = rng.gamma(6.0, (4.0 + 12.0 * np.exp(-0.06 * number)) / 6.0)
            rows.append(
                (
                    family[place],
                    str(periods.number),
                    month.isoformat(),
                    f"w{worker:02d}",
                    f"{hours:.1f}",
                    str(min(int(rng.poisson(agencies * (0.7 + 0.3 * np.exp(-0.1 * number)))), 20)),
                    str(int(has[0])),
                    str(int(has[1])),
                    str(int(month in meetings or rng.random() < 0.06)),
                )
            )
    columns = ("family", "episode", "month", "worker", "contact_hours", "n_agencies")
    return pd.DataFrame(rows, columns=[*columns, "case_manager", "one_plan", "network_meeting"])


def _months_of_help(periods: Periods, place: int) -> list[date]:
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
    families = periods.families
    last = np.minimum(periods.end + 180, EXPORT_DATE.toordinal())
    housing = families.problems[:, PROBLEMS.index("housing")]
    chances = {
        "placement": 0.08 * np.exp(0.6 * (families.level - 1.2)),
        "eviction": np.where(housing, 0.12, 0.01),
    }
    rows = []
    for event, chance in chances.items():
        happens = rng.random(len(family)) < np.minimum(chance, 0.6)
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


def price_rows() -> pd.DataFrame:
    """Invented prices in round euros, each with the source that says so."""
    rows = [
        ("contact_hour", "hour", "100", "municipality"),
        ("network_meeting", "meeting", "400", "municipality"),
        ("placement", "placement", "30000", "municipality"),
        ("eviction", "eviction", "10000", "housing_corporation"),
        ("renewed_referral", "referral", "1500", "municipality"),
    ]
    return pd.DataFrame(
        [(item, "2024", unit, price, payer, "fiscal", PRICE_SOURCE) for item, unit, price, payer in rows],
        columns=["item", "year", "unit", "unit_price", "payer", "kind", "source"],
    )
